/* What the files of the eIM share. */
#pragma once

#include "asn1/asn1.h"
#include "asn1/fields-der.h"
#include "asn1/tlv.h"
#include "components/eim/eim.h"
#include "sim/core/store.h"

#define RSP_EIM_COUNTER_MAX 8388607 /* SGP.32 2.11.1.1 */

typedef enum {
    RSP_EIM_KIND_PSMO,
    RSP_EIM_KIND_ECO,
    RSP_EIM_KIND_DATA,
    RSP_EIM_KIND_DOWNLOAD
} RspEimKind;

typedef struct {
    char *eid;
    gint64 token, counter; /* the last counter used */
    GBytes *point;         /* of PK.EUICC; NULL: not known yet */
    GBytes *info1;         /* EUICCInfo1, NULL: not known */
    GBytes *info;          /* content of DeviceInfo, NULL: not known */
    gboolean emulated;     /* nobody signs its package results */
} RspEimDevice;

typedef struct {
    gint64 id, due; /* DUE: Unix seconds; 0: never expires */
    char *eid, *name;
    RspEimKind kind;
    RspEimState state;
    GBytes *body;           /* psmoList or ecoList content; tagList; BF54's profileDownloadData */
    GBytes *transaction_id; /* eimTransactionId */
    gint64 counter;         /* of a signed package; 0: not signed yet */
    GBytes *sent;           /* what was delivered, octet for octet */
    char *address, *matching_id, *oid, *code; /* of a download through the eIM */
    char *iccid;                              /* … : the profile expected (nullable) */
    char *before; /* of an enable that was done: the ICCID that was enabled, "" none; NULL */
    char *result;
    GBytes *answer; /* what it rests on, as received; NULL: none yet */
} RspEimPackage;

static inline gboolean
rsp_eim_package_is_settled (const RspEimPackage *p)
{
    return p->state >= RSP_EIM_DONE && p->state != RSP_EIM_EXPIRED;
}

/* How far a session of an indirect download has come. */
typedef enum {
    RSP_EIM_INITIATED,     /* the server is known */
    RSP_EIM_AUTHENTICATED, /* the eUICC, too, and the profile announced */
    RSP_EIM_BOUND,         /* the package has gone out */
    RSP_EIM_REFUSED,       /* the eIM will not have it: cancelling is all that is left */
} RspEimStep;

/* The eIM between IPA and server. */
typedef struct {
    char *transaction_id; /* upper-case hex */
    char *address, *oid;  /* of the server; OID (nullable): as its certificate says */
    gboolean event;       /* with an SM-DS */
    gint64 package;       /* number of the order; 0: not known yet, or none */
    RspEimStep step;
    gboolean unwanted; /* the profile is not what was ordered: told in place of its package */
    GBytes *metadata;  /* StoreMetadataRequest of AuthenticateClient (nullable) */
    gint64 due;
    GList link; /* in RspEim.session_queue */
} RspEimSession;

struct _RspEim {
    const RspActor *actor;
    char *fqdn, *eim_id;
    RspKey *key; /* borrowed */
    GPtrArray *roots;
    RspSgp32Version version;
    gint64 package_lifetime;
    RspStore *store;
    RspRng *rng;
    RspEimRules rules;
    GHashTable *sessions;   /* transactionId → RspEimSession, owned */
    GHashTable *session_of; /* package → RspEimSession */
    GQueue session_queue;   /* of them, least recently used first */
    GHashTable *pending;    /* calls under way for a relay: pointer → itself, owned */
    GHashTable *pushes;     /* of Push: pointer → itself, owned */
    GPtrArray *changes;     /* of packages, in the open transaction (sim/net/actor.h) */
    GHashTable *askers;     /* v1.0: caller → EID it asked for last; its results do not say it */
    GHashTable *outboxes;   /* server's address → outbox of notifications, owned */
    guint64 start_timer;
};

/* --- eim.c --- */
/* Answers a call of ESipa and frees it. */
void rsp_eim_refuse (RspCall *call, RspStatus status);
void rsp_eim_answer (RspCall *call, const RspFields *out);
/* v1.0: the EID that CALL's caller has asked for last; NULL: none. */
const char *rsp_eim_asker (const RspEim *eim, const RspCall *call);
/* The next package of EID for the eUICC, rendered and committed as delivered; NULL without ERROR:
 * none. CHANGED: something has happened on the eUICC that this eIM did not do. */
RspEimPackage *rsp_eim_deliver_next (RspEim *eim, const char *eid, gboolean changed,
                                     const char **ret_member, GError **error);
/* EimPackageResult or ProvideEimPackageResultV10 in one transaction; see rsp_eim_take_result. */
gboolean rsp_eim_take (RspEim *eim, const char *eid, const char *asker, const RspAsn1 *result,
                       GArray *ret_acks, gint64 *ret_error, GError **error);

/* --- eim-store.c --- */
extern const char rsp_eim_schema[];
void rsp_eim_device_free (RspEimDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEimDevice, rsp_eim_device_free)
void rsp_eim_package_free (RspEimPackage *package);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEimPackage, rsp_eim_package_free)
/* NULL without ERROR: unknown. (transfer full) */
RspEimDevice *rsp_eim_device (RspEim *eim, const char *eid, GError **error);
gboolean rsp_eim_put_device (RspEim *eim, const RspEimDevice *device, GError **error);
RspEimPackage *rsp_eim_next_package (RspEim *eim, const char *eid, GError **error);
/* Of all eUICCs; NULL if there are several. */
RspEimPackage *rsp_eim_only_package_out (RspEim *eim, GError **error);
RspEimPackage *rsp_eim_package_by_transaction (RspEim *eim, RspSlice id, GError **error);
RspEimPackage *rsp_eim_package_by_id (RspEim *eim, gint64 id, GError **error);
/* The oldest download that is out and may come from the server at ADDRESS (NULL: from any), of EID
 * (NULL: of any eUICC); *RET_MORE: there are others. */
RspEimPackage *rsp_eim_download_from (RspEim *eim, const char *eid, const char *address,
                                      gboolean *ret_more, GError **error);
/* Inserts, and sets the number. */
gboolean rsp_eim_insert_package (RspEim *eim, RspEimPackage *package, GError **error);
/* Packages past their time are expired from now on. */
gboolean rsp_eim_expire (RspEim *eim, GError **error);
gboolean rsp_eim_update_package (RspEim *eim, const RspEimPackage *package, GError **error);
gboolean rsp_eim_put_profile (RspEim *eim, const char *eid, const char *iccid, gboolean enabled,
                              GError **error);
gboolean rsp_eim_drop_profile (RspEim *eim, const char *eid, const char *iccid, GError **error);
gboolean rsp_eim_drop_profiles (RspEim *eim, const char *eid, GError **error);
gboolean rsp_eim_disable_all (RspEim *eim, const char *eid, GError **error);
/* The enabled profile that the eIM believes in; "" none. (transfer full); NULL with ERROR. */
char *rsp_eim_enabled (RspEim *eim, const char *eid, GError **error);

/* Ends the open transaction: GOOD: commits, and faults strike here (rsp_actor_commit); else ERROR
 * is set. On FALSE nothing is left of it, and the trace says why. */
gboolean rsp_eim_end (RspEim *eim, gboolean good, GError **error);
/* PACKAGE goes from state FROM to its own, in the open transaction. */
void rsp_eim_note_change (RspEim *eim, const RspEimPackage *package, const char *from);

/* --- eim-package.c --- */
/* The oldest open package of DEVICE. One to be signed when the counter is used up has failed, in
 * the caller's transaction. NULL without ERROR: none. */
RspEimPackage *rsp_eim_next_to_deliver (RspEim *eim, const RspEimDevice *device, GError **error);
/* What GetEimPackage hands out; signs and counts on first use, in the caller's transaction. The
 * member of the answer is *RET_MEMBER. */
gboolean rsp_eim_render (RspEim *eim, RspEimDevice *device, RspEimPackage *package,
                         const char **ret_member, GError **error);
/* An event has been found: the download of PACKAGE goes on as one with an activation code;
 * committed.
 */
gboolean rsp_eim_redirect (RspEim *eim, RspEimPackage *package, const char *address,
                           const char *event_id, GError **error);
/* 84 len token, as the signatures cover it (SGP.32 2.11.1.1). */
void rsp_eim_put_token (GByteArray *out, gint64 token);

/* --- eim-result.c --- */
/* ESipa.ProvideEimPackageResult: RESULT is an EimPackageResult, or v1.0's message. EID (nullable):
 * what the message says; ASKER (nullable): whose package it is if neither that nor a transaction
 * does. Gives the sequence numbers to acknowledge and the error of the answer, 0 none. In the
 * caller's transaction. */
gboolean rsp_eim_take_result (RspEim *eim, const char *eid, const char *asker,
                              const RspAsn1 *result, GArray *ret_acks, gint64 *ret_error,
                              GError **error);

/* --- eim-notify.c --- */
/* A PendingNotification is written down, in the caller's transaction, to go on to the server that
 * it names; its sequence number joins ACKS (nullable). What cannot be sent on is traced and let go.
 */
gboolean rsp_eim_forward (RspEim *eim, RspSlice notification, GArray *acks, GError **error);
/* What is written down goes out, again and again until it is acknowledged. */
void rsp_eim_forward_start (RspEim *eim);
void rsp_eim_outbox_free (gpointer outbox);

/* --- eim-push.c --- */
void rsp_eim_push_free (gpointer push);

/* --- eim-relay.c --- */
void rsp_eim_relay (RspEim *eim, RspCall *call, const RspFields *in);

/* --- eim-session.c: bounded in number, and in time without a call. --- */
void rsp_eim_sessions_init (RspEim *eim);
void rsp_eim_sessions_clear (RspEim *eim);
RspEimSession *rsp_eim_session_new (RspEim *eim, const char *transaction_id, const char *address);
/* What it is for: an earlier session for the same PACKAGE (0: none) ends. */
void rsp_eim_session_settle (RspEim *eim, RspEimSession *session, gint64 package);
RspEimSession *rsp_eim_session_find (RspEim *eim, const char *transaction_id);
void rsp_eim_session_end (RspEim *eim, RspEimSession *session);
