/* ES11 (SGP.22 5.8): the card asks which events wait for it. */
#include "components/smds/smds-private.h"

#include "asn1/event-entries.h"

#define MATCHING_ID                                                                                \
    "authenticateResponseOk.euiccSigned1.ctxParams1.ctxParamsForCommonAuthentication.matchingId"

static void
put_entries (RspRequest *r, GPtrArray *entries)
{
    g_autofree char *text = rsp_event_entries_to_json (entries);
    rsp_session_put_id (r->session, r->out);
    rsp_fields_set_text (r->out, "eventEntries", text);
}

/* Reading removes nothing: that is the owner's to do. */
static RspStatus
find_events (RspSmds *ds, RspRequest *r, const char *id, GError **error)
{
    const char *eid = r->session->eid;
    g_autoptr (GPtrArray) entries =
        g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_event_entry_free);
    if (id && *id) {
        g_autoptr (RspEvent) e = rsp_event_by_id (ds, eid, id, error);
        if (!e)
            return RSP_FAILED ("8.9.5", "3.9", "no such event for this eUICC");
        g_ptr_array_add (entries, rsp_event_entry_new (e->event_id, e->address));
    } else {
        g_autoptr (GPtrArray) list = rsp_event_list (ds, eid, error);
        for (guint i = 0; list && i < list->len; i++) {
            const RspEvent *e = list->pdata[i];
            g_ptr_array_add (entries, rsp_event_entry_new (e->event_id, e->address));
        }
    }
    put_entries (r, entries);
    return RSP_OK;
}

/* A session is one question: it ends with the answer. */
RspStatus
rsp_es11_authenticate_client (RspSmds *ds, RspRequest *r, GError **error)
{
    if (!r->session)
        return RSP_UNKNOWN_TRANSACTION;
    g_autoptr (RspAsn1) answer = rsp_server_read_answer (r);
    if (!answer)
        return RSP_FAILED ("1.6", "2.1", "authenticateServerResponse");
    r->end_session = TRUE;
    RspStatus status = rsp_server_authenticate (&ds->server, r->session, answer);
    if (status.subject)
        return status;
    g_autofree char *id = rsp_asn1_text (answer, MATCHING_ID);
    return find_events (ds, r, id, error);
}
