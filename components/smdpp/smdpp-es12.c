/* The order's event at an SM-DS (SGP.22 3.6, 5.9): registered before the order is released, taken
 * back when the order is over. Deletions are owed durably (components/common/events.h). */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

typedef struct {
    RspSmdpp *dp;
    RspRequest *r;
    RspOrder *order; /* as it is to become */
} Release;

static void
release_free (gpointer release)
{
    rsp_order_free (((Release *)release)->order);
    g_free (release);
}

gboolean
rsp_smdpp_waits_for_event (RspSmdpp *dp, RspRequest *r, const char *iccid)
{
    if (!g_hash_table_contains (dp->registering, iccid))
        return FALSE;
    rsp_request_defer (&dp->server, r);
    g_queue_push_tail (&dp->waiting, r);
    return TRUE;
}

/* Meanwhile nothing can have happened to this order, but another may have taken the MatchingID. */
static RspStatus
complete (Release *c, RspStatus status, gint64 note, GError **error)
{
    if (status.subject)
        return status;
    g_autoptr (RspOrder) other = rsp_order_by_matching_id (c->dp, c->order->matching_id, error);
    if (*error)
        return status;
    if (other && strcmp (other->iccid, c->order->iccid) != 0)
        return RSP_FAILED ("8.2.6", "3.3", "matchingId in use");
    c->order->event = TRUE;
    rsp_smdpp_release (c->dp, c->order);
    return rsp_smdpp_execute (c->dp, c->r, c->order, note, error);
}

static void
on_registered (RspStatus status, gint64 note, gpointer data)
{
    Release *c = data;
    RspSmdpp *dp = c->dp;
    g_autoptr (GError) error = NULL;
    status = complete (c, status, note, &error);
    g_hash_table_remove (dp->registering, c->order->iccid);
    rsp_request_finish (&dp->server, c->r, status, error);
    for (guint n = dp->waiting.length; n > 0; n--)
        rsp_request_rerun (&dp->server, g_queue_pop_head (&dp->waiting));
}

RspStatus
rsp_smdpp_release_with_event (RspSmdpp *dp, RspRequest *r, RspOrder *order, GError **error)
{
    Release *c = g_new0 (Release, 1);
    *c = (Release){dp, r, order};
    g_autofree char *iccid = g_strdup (order->iccid);
    if (rsp_events_register (dp->events, order->smds, order->eid, order->matching_id,
                             dp->own_address, TRUE, on_registered, c, release_free, error)) {
        g_hash_table_add (dp->registering, g_steal_pointer (&iccid));
        rsp_request_defer (&dp->server, r);
    }
    return RSP_OK;
}

gboolean
rsp_smdpp_drop_event (RspSmdpp *dp, RspOrder *order, GError **error)
{
    gboolean stands = order->event;
    order->event = FALSE;
    return !stands ||
           rsp_events_delete (dp->events, order->smds, order->eid, order->matching_id, error);
}

gboolean
rsp_smdpp_owes_event_deletion (RspSmdpp *dp, const char *event_id)
{
    return rsp_events_owes (dp->events, event_id);
}
