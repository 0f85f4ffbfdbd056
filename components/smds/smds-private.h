/* SM-DS inside: what its files share. */
#pragma once

#include "asn1/ids.h"
#include "components/common/events.h"
#include "components/common/server.h"
#include "components/smds/smds.h"
#include "sim/core/store.h"

struct _RspSmds {
    RspServer server;
    const RspActor *actor;
    RspSmdsConfig config; /* owns its strings and references */
    RspServerIdentity identity;
    char *own_address; /* what it registers at its root */
    RspStore *store;
    RspEvents *root; /* client of ES15 */
    RspRng *rng_event;
    GHashTable *busy; /* keys of events whose cascade is under way */
    GQueue waiting;   /* of RspRequest (deferred) for one of them */
};

typedef struct {
    gint64 seq;
    char *owner, *eid, *event_id, *address;
    char *root_event; /* its EventID at the root; NULL: not forwarded */
} RspEvent;
void rsp_event_free (RspEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEvent, rsp_event_free)

/* smds-events.c: reads give NULL without an error where nothing is found; expired records read as
 * unknown. */
extern const char rsp_smds_schema[];
#define RSP_SMDS_SCHEMA_VERSION 1
RspEvent *rsp_event_by_owner (RspSmds *ds, const char *owner, const char *eid, const char *event_id,
                              GError **error);
/* By its own EventID, whoever owns it, or by the one it has at the root. */
RspEvent *rsp_event_by_id (RspSmds *ds, const char *eid, const char *event_id, GError **error);
/* Of RspEvent, oldest first; EID NULL: of all. NULL on an error. (transfer full) */
GPtrArray *rsp_event_list (RspSmds *ds, const char *eid, GError **error);
gboolean rsp_event_count (RspSmds *ds, const char *eid, guint *ret, GError **error);
/* In a transaction. */
gboolean rsp_event_add (RspSmds *ds, const RspEvent *event, GError **error);
gboolean rsp_event_remove (RspSmds *ds, const RspEvent *event, GError **error);
/* A transaction of its own: removes what has expired, here and at the root. */
gboolean rsp_event_purge (RspSmds *ds, GError **error);
/* After the commit, for the trace. */
void rsp_event_told (RspSmds *ds, const RspEvent *event, const char *from, const char *to);

RspStatus rsp_es11_authenticate_client (RspSmds *ds, RspRequest *r, GError **error);
RspStatus rsp_es12_register_event (RspSmds *ds, RspRequest *r, GError **error);
RspStatus rsp_es12_delete_event (RspSmds *ds, RspRequest *r, GError **error);
