/* ES12 and ES15 (SGP.22 5.9, 5.10): registration by an SM-DP+, or by an SM-DS that cascades. */
#include "components/smds/smds-private.h"

#include "asn1/event-entries.h"

#include <string.h>

/* Who called, as proved at TLS: an SM-DP+ or SM-DS of a trusted CI, and nobody else. */
static const char *
owner_of (const RspRequest *r)
{
    const RspCert *cert = rsp_call_client_cert (r->call);
    RspRole role = cert ? rsp_cert_role (cert) : RSP_ROLE_NONE;
    gboolean server =
        role == RSP_ROLE_DS_TLS || (role == RSP_ROLE_DP_TLS && r->fn->interface == RSP_IF_ES12);
    if (!server)
        return NULL;
    return rsp_cert_oid (cert) ? rsp_cert_oid (cert) : rsp_cert_common_name (cert);
}

static RspStatus
check_names (const RspRequest *r)
{
    if (!rsp_eid_valid (rsp_fields_text (r->in, "eid")))
        return RSP_FAILED ("8.1.1", "2.1", "malformed EID");
    if (!rsp_event_id_valid (rsp_fields_text (r->in, "eventId")))
        return RSP_FAILED ("8.9.5", "2.1", "malformed eventId");
    return RSP_OK;
}

static char *
key_of (const RspRequest *r)
{
    return g_strjoin (" ", owner_of (r), rsp_fields_text (r->in, "eid"),
                      rsp_fields_text (r->in, "eventId"), NULL);
}

/* While the cascade of an event is under way, calls about it wait for its outcome. */
static gboolean
wait_for_cascade (RspSmds *ds, RspRequest *r)
{
    g_autofree char *key = key_of (r);
    if (!g_hash_table_contains (ds->busy, key))
        return FALSE;
    rsp_request_defer (&ds->server, r);
    g_queue_push_tail (&ds->waiting, r);
    return TRUE;
}

static void
cascade_done (RspSmds *ds, const char *key)
{
    g_hash_table_remove (ds->busy, key);
    for (guint n = ds->waiting.length; n > 0; n--)
        rsp_request_rerun (&ds->server, g_queue_pop_head (&ds->waiting));
}

/* --- RegisterEvent --- */

typedef struct {
    RspSmds *ds;
    RspRequest *r;
    RspEvent *event;
} Cascade;

static void
cascade_free (gpointer cascade)
{
    rsp_event_free (((Cascade *)cascade)->event);
    g_free (cascade);
}

static RspEvent *
event_of (const RspRequest *r)
{
    RspEvent *e = g_new0 (RspEvent, 1);
    e->owner = g_strdup (owner_of (r));
    e->eid = g_strdup (rsp_fields_text (r->in, "eid"));
    e->event_id = g_strdup (rsp_fields_text (r->in, "eventId"));
    e->address = g_strdup (rsp_fields_text (r->in, "rspServerAddress"));
    return e;
}

static gboolean
store (RspSmds *ds, const RspEvent *e, gint64 note, GError **error)
{
    if (!rsp_store_begin (ds->store, error) || !rsp_event_add (ds, e, error) ||
        (note && !rsp_events_keep (ds->root, note, error)) ||
        !rsp_actor_commit (ds->actor, ds->store, error))
        return FALSE;
    rsp_event_told (ds, e, NULL, "registered");
    return TRUE;
}

static RspStatus
check_registration (RspSmds *ds, const RspRequest *r, GError **error)
{
    const char *eid = rsp_fields_text (r->in, "eid");
    guint n = 0;
    g_autoptr (RspEvent) same =
        rsp_event_by_owner (ds, owner_of (r), eid, rsp_fields_text (r->in, "eventId"), error);
    if (same)
        return RSP_FAILED ("8.9.5", "3.3", "the event is registered already");
    if (!*error && rsp_event_count (ds, eid, &n, error) && n >= ds->config.events_per_eid)
        return RSP_FAILED ("8.9", "4.2", "too many events for this EID");
    return RSP_OK;
}

/* Other cascades may have filled the EID's list meanwhile; what is not stored the root gives up. */
static void
on_root (RspStatus status, gint64 note, gpointer data)
{
    const Cascade *c = data;
    RspSmds *ds = c->ds;
    g_autoptr (GError) error = NULL;
    g_autofree char *key = key_of (c->r);
    if (!status.subject)
        status = check_registration (ds, c->r, &error);
    if (!status.subject && !error)
        store (ds, c->event, note, &error);
    rsp_request_finish (&ds->server, c->r, status, error);
    cascade_done (ds, key);
}

/* Fresh and random, so that the root learns neither the server's address nor its EventID. */
static char *
new_event_id (RspSmds *ds)
{
    guint8 random[16];
    rsp_rng_fill (ds->rng_event, random, sizeof random);
    g_autofree char *hex = rsp_hex (RSP_SLICE_ARRAY (random));
    return g_ascii_strup (hex, -1);
}

static RspStatus
forward (RspSmds *ds, RspRequest *r, GError **error)
{
    Cascade *c = g_new0 (Cascade, 1);
    *c = (Cascade){ds, r, event_of (r)};
    c->event->root_event = new_event_id (ds);
    if (!rsp_events_register (ds->root, ds->config.parent, c->event->eid, c->event->root_event,
                              ds->own_address, FALSE, on_root, c, cascade_free, error))
        return RSP_OK;
    g_hash_table_add (ds->busy, key_of (r));
    rsp_request_defer (&ds->server, r);
    return RSP_OK;
}

RspStatus
rsp_es12_register_event (RspSmds *ds, RspRequest *r, GError **error)
{
    if (!owner_of (r))
        return RSP_FAILED ("1.1", "1.2", "the caller is no RSP server");
    RspStatus status = check_names (r);
    if (!status.subject && !rsp_server_address_valid (rsp_fields_text (r->in, "rspServerAddress")))
        status = RSP_FAILED ("1.6", "2.1", "rspServerAddress");
    if (status.subject || wait_for_cascade (ds, r) || !rsp_event_purge (ds, error))
        return status;
    status = check_registration (ds, r, error);
    if (*error || status.subject)
        return status;
    if (rsp_fields_bool (r->in, "forwardingIndicator") && ds->config.parent)
        return forward (ds, r, error);
    g_autoptr (RspEvent) event = event_of (r);
    store (ds, event, 0, error);
    return RSP_OK;
}

/* --- DeleteEvent --- */

/* What the root has of it is deleted after the answer, as soon as the root can be reached. */
RspStatus
rsp_es12_delete_event (RspSmds *ds, RspRequest *r, GError **error)
{
    if (!owner_of (r))
        return RSP_FAILED ("1.1", "1.2", "the caller is no RSP server");
    RspStatus status = check_names (r);
    if (status.subject || wait_for_cascade (ds, r) || !rsp_event_purge (ds, error))
        return status;
    g_autoptr (RspEvent) event =
        rsp_event_by_owner (ds, owner_of (r), rsp_fields_text (r->in, "eid"),
                            rsp_fields_text (r->in, "eventId"), error);
    if (!event)
        return RSP_FAILED ("8.9.5", "3.9", "no such event of this server");
    if (rsp_store_begin (ds->store, error) && rsp_event_remove (ds, event, error) &&
        rsp_actor_commit (ds->actor, ds->store, error))
        rsp_event_told (ds, event, "registered", "deleted");
    return RSP_OK;
}
