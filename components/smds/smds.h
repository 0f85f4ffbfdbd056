/* SM-DS (SGP.22 v2.6): event records over ES12 and ES15, discovery over ES11. An alternative SM-DS
 * registers at its root what it is asked to forward. State is in SQLite and committed before an
 * answer. consumer-procedures.md 5. */
#pragma once

#include "pki/chain.h"
#include "sim/net/actor.h"

typedef struct {
    const char *fqdn;           /* canonical address; aliases below */
    const char *const *aliases; /* (nullable) NULL-terminated */
    const char *state_path;     /* SQLite file, NULL: in memory */
    const char *parent;         /* address of the root SM-DS; NULL: this is a root */
    RspCert *auth_cert;
    RspKey *auth_key;              /* borrowed */
    GPtrArray *roots;              /* of RspCert: trusted CIs */
    gint64 session_timeout;        /* µs; default 600 s */
    gint64 event_lifetime;         /* µs from the registration; 0: events do not expire */
    guint events_per_eid;          /* default 64 */
    guint8 svn_min[3], svn_max[3]; /* supported eUICC versions; zero: 2.0.0 to 2.255.255 */
} RspSmdsConfig;

typedef struct _RspSmds RspSmds;
/* Attaches itself to the bus under ACTOR's name and its addresses. Copies CONFIG. */
RspSmds *rsp_smds_new (const RspActor *actor, const RspSmdsConfig *config, GError **error);
void rsp_smds_free (RspSmds *ds);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspSmds, rsp_smds_free)
/* A further address by which clients reach it (a port of `serve`). The first one also takes the
 * place of FQDN in what it registers at its root. */
void rsp_smds_add_address (RspSmds *ds, const char *address);

/* For expectations and invariants. */
typedef struct {
    char *eid, *event_id, *address;
    char *owner;        /* OID of the TLS client certificate, else its CN */
    gboolean forwarded; /* known to the root, too */
} RspEventView;
void rsp_event_view_free (RspEventView *view);
/* Unexpired records, oldest first. (transfer full) */
GPtrArray *rsp_smds_events (RspSmds *ds);
guint rsp_smds_live_sessions (RspSmds *ds);
