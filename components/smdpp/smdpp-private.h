/* SM-DP+ inside: the order, the session, and what the files of this folder share.
 *
 * Durable is what an answer promises: stock, orders, bindings, transactions that await their
 * profile installation result, the calls to the operator that are still due. Sessions live in
 * memory and end with the process.
 */
#pragma once

#include "asn1/ids.h"
#include "components/common/events.h"
#include "components/common/server.h"
#include "components/smdpp/smdpp.h"
#include "pki/bsp.h"
#include "sim/core/store.h"

#define RSP_HOST_ID_SIZE 8

typedef enum {
    RSP_ORDER_AVAILABLE,
    RSP_ORDER_ALLOCATED,
    RSP_ORDER_LINKED,
    RSP_ORDER_CONFIRMED,
    RSP_ORDER_RELEASED,
    RSP_ORDER_DOWNLOADED,
    RSP_ORDER_INSTALLED,
    RSP_ORDER_ERROR,
    RSP_ORDER_UNAVAILABLE,
} RspOrderState;

/* A profile of the stock with its order, as read from the database. */
typedef struct {
    char *iccid, *type;
    char *owner;                                        /* who may order it; NULL: any */
    char *tacs;                                         /* of devices that may have it; NULL: any */
    gint64 ppr, profile_class, version, services, size; /* what eligibility asks for */
    RspOrderState state, stored_state;
    gint64 serial;     /* of the order; grows with every DownloadOrder, 0: never ordered */
    char *client;      /* who ordered it */
    char *eid;         /* fixed by the operator */
    char *bound_eid;   /* fixed by the first eUICC that was let in */
    char *matching_id; /* "": default SM-DP+ order */
    GBytes *code_hash; /* SHA-256 of the confirmation code */
    char *smds;        /* address of the SM-DS that it is announced at; NULL: none */
    gboolean event;    /* …and its event stands there; the EventID is the MatchingID */
    gint64 expiry;     /* Unix seconds, 0: none */
    gint64 attempts, code_tries;
    gboolean delivered; /* a BPP is out there, and no result ended it */
} RspOrder;

void rsp_order_free (RspOrder *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspOrder, rsp_order_free)

typedef enum {
    RSP_SESSION_INITIATED,     /* awaits AuthenticateClient */
    RSP_SESSION_AUTHENTICATED, /* awaits GetBoundProfilePackage */
    RSP_SESSION_BOUND,         /* awaits the result */
} RspSessionStep;

/* The session of a download. */
typedef struct {
    RspSession base;
    RspSessionStep step;
    char *iccid;
    gint64 serial; /* of the order */
    guint8 signature2[RSP_SIGNATURE_SIZE];
} RspDpSession;

/* An ES2+.HandleDownloadProgressInfo that the operator has not acknowledged. */
typedef struct _RspProgress RspProgress;

struct _RspSmdpp {
    RspServer server;
    const RspActor *actor;
    RspSmdppConfig config; /* owns its strings and references */
    char *own_address;     /* what it writes into metadata */
    RspStore *store;
    RspRng *rng_key, *rng_matching;
    GHashTable *by_iccid; /* iccid → RspDpSession: the one live session of an order */
    gint64 next_order;
    RspEvents *events;       /* client of ES12 */
    GHashTable *registering; /* ICCIDs whose event is being registered */
    GQueue waiting;          /* of RspRequest (deferred) about one of them */
    /* outbox */
    gint64 next_progress;
    GPtrArray *staged; /* of RspProgress: written, not yet committed */
    GPtrArray *unsent; /* of RspProgress, borrowed: committed, to go out after the answer */
    guint64 resend_timer;
    GQueue progress_log;    /* of RspProgress, owned, by seq; acknowledged ones leave at the head */
    GHashTable *progress;   /* iccid → GQueue of RspProgress in order (borrowed) */
    gint64 acknowledged;    /* highest seq up to which all are acknowledged */
    gint64 erasing, erased; /* …deleted in this transaction, and for good */
};

RspStatus rsp_es2p_download_order (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es2p_confirm_order (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es2p_cancel_order (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es2p_release_profile (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es9p_initiate_authentication (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es9p_authenticate_client (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es9p_get_bound_profile_package (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es9p_cancel_session (RspSmdpp *dp, RspRequest *r, GError **error);
RspStatus rsp_es9p_handle_notification (RspSmdpp *dp, RspRequest *r, GError **error);

/* smdpp.c */
static inline RspDpSession *
rsp_request_session (const RspRequest *r)
{
    return (RspDpSession *)r->session;
}
/* SESSION becomes the one live session of ICCID; an older one ends. */
void rsp_smdpp_claim (RspSmdpp *dp, RspDpSession *session, const RspOrder *order);
void rsp_smdpp_end_session_of (RspSmdpp *dp, const char *iccid);

/* smdpp-orders.c: all reads give NULL with no error where nothing is found. */
extern const char rsp_smdpp_schema[];
#define RSP_SMDPP_SCHEMA_VERSION 2
gboolean rsp_orders_open (RspSmdpp *dp, GError **error);
RspOrder *rsp_order_by_iccid (RspSmdpp *dp, const char *iccid, GError **error);
RspOrder *rsp_order_by_matching_id (RspSmdpp *dp, const char *matching_id, GError **error);
RspOrder *rsp_order_by_default (RspSmdpp *dp, const char *eid, GError **error);
/* The last order of that MatchingID ("": default order) and EID that ended in Error. */
RspOrder *rsp_order_ended (RspSmdpp *dp, const char *matching_id, const char *eid, GError **error);
/* First Available of a type that CLIENT may order; *RET_KNOWN, *RET_ALLOWED: whether the type
 * exists, and exists for CLIENT. */
RspOrder *rsp_order_by_type (RspSmdpp *dp, const char *type, const char *client,
                             gboolean *ret_known, gboolean *ret_allowed, GError **error);
gboolean rsp_order_live (const RspOrder *order);   /* Allocated … Downloaded */
const char *rsp_order_eid (const RspOrder *order); /* NULL if open */
gboolean rsp_order_begin (RspSmdpp *dp, GError **error);
gboolean rsp_order_write (RspSmdpp *dp, const RspOrder *order, GError **error);
/* Commits, then tells the trace of the state change and lets the outbox go. */
gboolean rsp_order_commit (RspSmdpp *dp, RspOrder *order, GError **error);
/* begin, write, commit. */
gboolean rsp_order_save (RspSmdpp *dp, RspOrder *order, GError **error);
void rsp_order_rollback (RspSmdpp *dp);
/* The order ends without installation: the binding goes in the same transaction. */
gboolean rsp_order_end (RspSmdpp *dp, RspOrder *order, RspOrderState state, GError **error);

/* The binding of an order to one eUICC (1.8). */
typedef struct {
    char eid[33];
    guint8 euicc_point[RSP_POINT_SIZE], dp_point[RSP_POINT_SIZE];
    guint8 host_id[RSP_HOST_ID_SIZE];
    RspBspKeys keys;
    gboolean has_ppk;
    RspBspKeys ppk;
    /* Equal keys must protect equal segments, so a change of these ends the binding. */
    gint64 segment; /* plain octets a segment */
    guint8 metadata_hash[RSP_SHA256_SIZE];
} RspBoundKeys;
void rsp_binding_clear (RspBoundKeys *binding);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RspBoundKeys, rsp_binding_clear)
gboolean rsp_binding_read (RspSmdpp *dp, const char *iccid, RspBoundKeys *ret, gboolean *ret_found,
                           GError **error);
gboolean rsp_binding_write (RspSmdpp *dp, const char *iccid, const RspBoundKeys *b, GError **error);
gboolean rsp_binding_erase (RspSmdpp *dp, const char *iccid, GError **error);

/* smdpp-stock.c */
/* The profile as it is delivered. RET_UPP may be NULL. Not to be found is a damaged database. */
gboolean rsp_package_read (RspSmdpp *dp, const char *iccid, GBytes **ret_metadata, GBytes **ret_upp,
                           GError **error);

/* smdpp-eligible.c */
/* Whether the eUICC (euiccInfo2) and the device (deviceInfo) of ANSWER can have the profile. */
RspStatus rsp_order_check_eligible (const RspOrder *order, const RspAsn1 *answer);

/* smdpp-bpp.c */

/* smdpp-es2p.c */
/* The change and the memory of the call, in one transaction; with NOTE, of the event's
 * registration, too. */
RspStatus rsp_smdpp_execute (RspSmdpp *dp, RspRequest *r, RspOrder *order, gint64 note,
                             GError **error);

/* smdpp-es12.c */
/* Registers the event of ORDER (taken), then completes R: releases ORDER or refuses. */
RspStatus rsp_smdpp_release_with_event (RspSmdpp *dp, RspRequest *r, RspOrder *order,
                                        GError **error);
/* Whether R, about ICCID, now waits until an event is registered or refused. */
gboolean rsp_smdpp_waits_for_event (RspSmdpp *dp, RspRequest *r, const char *iccid);
/* In a transaction: the event of ORDER, if there is one, is to go. */
gboolean rsp_smdpp_drop_event (RspSmdpp *dp, RspOrder *order, GError **error);
void rsp_smdpp_release (RspSmdpp *dp, RspOrder *order);

/* smdpp-progress.c */
typedef enum {
    RSP_POINT_ELIGIBILITY = 1,
    RSP_POINT_CONFIRMATION = 2,
    RSP_POINT_DOWNLOAD = 3,
    RSP_POINT_INSTALLATION = 4,
} RspNotificationPoint;
gboolean rsp_progress_open (RspSmdpp *dp, GError **error);
void rsp_progress_close (RspSmdpp *dp);
/* Inside a transaction: owes the operator of ORDER a call. FAILURE NULL: success; a failure without
 * a subject carries no code. */
gboolean rsp_progress_add (RspSmdpp *dp, const RspOrder *order, const char *eid,
                           RspNotificationPoint point, const RspStatus *failure, RspSlice result,
                           GError **error);
void rsp_progress_committed (RspSmdpp *dp);
void rsp_progress_send (RspSmdpp *dp); /* what was committed; after the answer */
void rsp_progress_rolled_back (RspSmdpp *dp);
gboolean rsp_progress_erase (RspSmdpp *dp, GError **error);
