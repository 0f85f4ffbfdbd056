/* SM-DP+ (SGP.22 v2.6): orders, ES2+ and ES9+ in the JSON binding, BPP creation. State is in SQLite
 * and committed before an answer; the state machine is consumer-procedures.md 1. */
#pragma once

#include "asn1/saip.h"
#include "components/common/server.h"
#include "pki/chain.h"
#include "sim/net/actor.h"

typedef struct {
    const char *fqdn;                    /* canonical address; aliases below */
    const char *const *aliases;          /* (nullable) NULL-terminated */
    const char *state_path;              /* SQLite file, NULL: in memory */
    const char *default_operator;        /* actor to notify where an order has no caller; NULL */
    const RspServerIdentity *identities; /* one a CI; borrowed, references are taken */
    guint n_identities;
    GPtrArray *roots;             /* of RspCert: trusted CIs */
    guint attempt_limit;          /* default 10 */
    guint cc_limit;               /* default 3 */
    gint64 session_timeout;       /* µs; default 600 s */
    gboolean protection_keys;     /* BPP with ReplaceSessionKeys (PPK) */
    gboolean lenient_matching_id; /* allow "_" */
    gboolean keep_on_rejection;   /* CancelSession endUserRejection keeps the order (lab setting) */
    gboolean ignore_eligibility;  /* a server that does not look what the card can take */
    gboolean keep_on_ineligible;  /* a failed eligibility check leaves the order Released */
    gboolean refuse_rebinding;    /* another otPK.EUICC for a bound order is refused: 8.2/3.7 */
    gint64 order_lifetime;        /* µs from the release; 0: orders do not expire */
    guint segment_size;           /* plain octets a BSP segment; 0: the largest */
    guint8 svn_min[3], svn_max[3]; /* supported eUICC versions; zero: 2.0.0 to 2.255.255 */
} RspSmdppConfig;

typedef struct _RspSmdpp RspSmdpp;
/* Attaches itself to the bus under ACTOR's name and its addresses. Copies CONFIG. */
RspSmdpp *rsp_smdpp_new (const RspActor *actor, const RspSmdppConfig *config, GError **error);
void rsp_smdpp_free (RspSmdpp *dp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspSmdpp, rsp_smdpp_free)
/* A further address by which clients reach it (a port of `serve`). The first one also takes the
 * place of FQDN where the server puts its own address into metadata. */
void rsp_smdpp_add_address (RspSmdpp *dp, const char *address);

typedef struct {
    const char *type;  /* for ES2+.DownloadOrder; NULL: the package's */
    const char *owner; /* the operator that may order it; NULL: any */
    const char
        *tacs; /* devices that may have it: TACs of 8 digits and commas; NULL: every device */
} RspStockTerms;
/* Stock: PACKAGE is copied into the database as Available, unless that ICCID is there already
 * (a restarted server). */
gboolean rsp_smdpp_add_profile (RspSmdpp *dp, const RspProfilePackage *package,
                                const RspStockTerms *terms, GError **error);

/* Where an order stands when a world begins, beyond what ES2+ can bring about. */
typedef struct {
    const char *state; /* as in RspOrderView; NULL: stays */
    gint64 attempts, code_tries;
    gboolean expired;
} RspOrderSetting;
gboolean rsp_smdpp_set_order (RspSmdpp *dp, const char *iccid, const RspOrderSetting *setting,
                              GError **error);

/* For expectations and invariants. */
typedef struct {
    char *iccid, *state, *eid, *matching_id; /* state in lower case: "released"; NULL where unset */
    guint attempts, cc_tries;
} RspOrderView;
void rsp_order_view_free (RspOrderView *view);
GPtrArray *rsp_smdpp_orders (RspSmdpp *dp); /* of RspOrderView, by ICCID. (transfer full) */
guint rsp_smdpp_live_sessions (RspSmdpp *dp);
/* Whether it still has to take back EVENT_ID at an SM-DS. */
gboolean rsp_smdpp_owes_event_deletion (RspSmdpp *dp, const char *event_id);
