/* What the operator is told: ES2+.HandleDownloadProgressInfo (SGP.22 5.3.5). Written in the same
 * transaction as the change it tells of, sent after the answer, again and again until acknowledged,
 * in order for each ICCID. */
#include "components/smdpp/smdpp-private.h"

#define FIRST_RETRY (5 * G_USEC_PER_SEC)
#define LAST_RETRY (600 * G_USEC_PER_SEC)

struct _RspProgress {
    RspSmdpp *dp;
    gint64 seq;
    char *iccid, *client;
    GBytes *body;
    gboolean acknowledged, on_the_way;
    gint64 delay; /* to the next try */
    guint64 timer;
};

static void
progress_free (gpointer data)
{
    RspProgress *p = data;
    rsp_loop_cancel (p->dp->actor->loop, p->timer);
    g_free (p->iccid);
    g_free (p->client);
    g_clear_pointer (&p->body, g_bytes_unref);
    g_free (p);
}

static void send_next (RspSmdpp *dp, const char *iccid);

static void
acknowledge (RspSmdpp *dp, RspProgress *p)
{
    g_autofree char *iccid = g_strdup (p->iccid);
    GQueue *queue = g_hash_table_lookup (dp->progress, iccid);
    g_queue_pop_head (queue);
    p->acknowledged = TRUE;
    if (g_queue_is_empty (queue))
        g_hash_table_remove (dp->progress, iccid);
    RspProgress *oldest;
    while ((oldest = g_queue_peek_head (&dp->progress_log)) && oldest->acknowledged) {
        dp->acknowledged = oldest->seq;
        g_queue_pop_head (&dp->progress_log);
        progress_free (oldest);
    }
    send_next (dp, iccid);
}

static void
retry (gpointer data)
{
    RspProgress *p = data;
    p->timer = 0;
    send_next (p->dp, p->iccid);
}

static void
answered (const RspReply *reply, gpointer data)
{
    RspProgress *p = data;
    RspSmdpp *dp = p->dp;
    p->on_the_way = FALSE;
    if (reply->kind == RSP_REPLY_OK && reply->http == 204) {
        acknowledge (dp, p);
        return;
    }
    p->delay = p->delay ? MIN (2 * p->delay, LAST_RETRY) : FIRST_RETRY;
    p->timer = rsp_loop_after_background (dp->actor->loop, p->delay, retry, p, NULL);
}

/* The head of an ICCID's queue goes out unless it is out already or waits for its next try. */
static void
send_next (RspSmdpp *dp, const char *iccid)
{
    GQueue *queue = g_hash_table_lookup (dp->progress, iccid);
    RspProgress *p = queue ? g_queue_peek_head (queue) : NULL;
    if (!p || p->on_the_way || p->timer)
        return;
    p->on_the_way = TRUE;
    RspCallOptions options = {0};
    rsp_bus_call (dp->actor->bus, dp->actor->name, p->client,
                  rsp_function (RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO), p->body, &options,
                  answered, p);
}

static RspProgress *
progress_new (RspSmdpp *dp, gint64 seq, const char *iccid, const char *client, GBytes *body)
{
    RspProgress *p = g_new0 (RspProgress, 1);
    p->dp = dp;
    p->seq = seq;
    p->iccid = g_strdup (iccid);
    p->client = g_strdup (client);
    p->body = g_bytes_ref (body);
    return p;
}

static void
enqueue (RspSmdpp *dp, RspProgress *p)
{
    g_queue_push_tail (&dp->progress_log, p);
    GQueue *queue = g_hash_table_lookup (dp->progress, p->iccid);
    if (!queue) {
        queue = g_queue_new ();
        g_hash_table_insert (dp->progress, g_strdup (p->iccid), queue);
    }
    g_queue_push_tail (queue, p);
}

/* Subject and reason are our own constants; the message may quote nothing from a peer. */
static char *
status_text (const RspStatus *failure)
{
    if (!failure)
        return g_strdup ("{\"status\":\"Executed-Success\"}");
    if (!failure->subject)
        return g_strdup ("{\"status\":\"Failed\"}");
    return g_strdup_printf ("{\"status\":\"Failed\",\"statusCodeData\":{\"subjectCode\":\"%s\","
                            "\"reasonCode\":\"%s\"%s%s%s}}",
                            failure->subject, failure->reason,
                            failure->message ? ",\"message\":\"" : "",
                            failure->message ? failure->message : "", failure->message ? "\"" : "");
}

static char *
timestamp (const RspActor *actor)
{
    g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (rsp_actor_time (actor));
    return time ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup ("");
}

static GBytes *
encode (RspSmdpp *dp, const RspOrder *order, const char *eid, RspNotificationPoint point,
        const RspStatus *failure, RspSlice result)
{
    g_autoptr (RspFields) f =
        rsp_fields_new (rsp_function (RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO), RSP_LEG_REQUEST);
    /* The incarnation keeps it unique although the numbers of acknowledged calls are forgotten. */
    g_autofree char *call_id = g_strdup_printf ("%" G_GUINT64_FORMAT "-%" G_GINT64_FORMAT,
                                                dp->actor->incarnation, dp->next_progress);
    g_autofree char *time = timestamp (dp->actor);
    g_autofree char *status = status_text (failure);
    const char number[] = {'0' + point, '\0'};
    rsp_fields_set_header (f, dp->actor->name, call_id);
    rsp_fields_set_text (f, "eid", eid ? eid : rsp_order_eid (order));
    rsp_fields_set_text (f, "iccid", order->iccid);
    rsp_fields_set_text (f, "profileType", order->type);
    rsp_fields_set_text (f, "timestamp", time);
    rsp_fields_set_text (f, "notificationPointId", number);
    rsp_fields_set_text (f, "notificationPointStatus", status);
    if (result.len > 0) {
        g_autoptr (GBytes) data = rsp_slice_to_bytes (result);
        rsp_fields_set_bytes (f, "resultData", data);
    }
    return rsp_fields_encode (f);
}

gboolean
rsp_progress_add (RspSmdpp *dp, const RspOrder *order, const char *eid, RspNotificationPoint point,
                  const RspStatus *failure, RspSlice result, GError **error)
{
    const char *client = order->client ? order->client : dp->config.default_operator;
    if (!client)
        return TRUE;
    g_autoptr (GBytes) body = encode (dp, order, eid, point, failure, result);
    if (!rsp_store_run (dp->store, error,
                        "INSERT INTO progress (seq, iccid, client, body) VALUES (?, ?, ?, ?)",
                        "issb", dp->next_progress, order->iccid, client, body))
        return FALSE;
    g_ptr_array_add (dp->staged, progress_new (dp, dp->next_progress, order->iccid, client, body));
    dp->next_progress++;
    return TRUE;
}

void
rsp_progress_committed (RspSmdpp *dp)
{
    for (guint i = 0; i < dp->staged->len; i++) {
        enqueue (dp, dp->staged->pdata[i]);
        g_ptr_array_add (dp->unsent, dp->staged->pdata[i]);
    }
    g_ptr_array_set_size (dp->staged, 0);
    dp->erased = MAX (dp->erased, dp->erasing);
}

void
rsp_progress_send (RspSmdpp *dp)
{
    for (guint i = 0; i < dp->unsent->len; i++)
        send_next (dp, ((RspProgress *)dp->unsent->pdata[i])->iccid);
    g_ptr_array_set_size (dp->unsent, 0);
}

void
rsp_progress_rolled_back (RspSmdpp *dp)
{
    for (guint i = 0; i < dp->staged->len; i++)
        progress_free (dp->staged->pdata[i]);
    g_ptr_array_set_size (dp->staged, 0);
    dp->erasing = dp->erased;
}

/* Acknowledged calls are deleted along with the next change: a crash before it only repeats them,
 * and the operator knows a repeat by its octets. */
gboolean
rsp_progress_erase (RspSmdpp *dp, GError **error)
{
    if (dp->acknowledged <= dp->erased)
        return TRUE;
    dp->erasing = dp->acknowledged;
    return rsp_store_run (dp->store, error, "DELETE FROM progress WHERE seq <= ?", "i",
                          dp->erasing);
}

/* The operator may start after this server. */
static void
resend (gpointer data)
{
    RspSmdpp *dp = data;
    dp->resend_timer = 0;
    rsp_progress_send (dp);
}

gboolean
rsp_progress_open (RspSmdpp *dp, GError **error)
{
    dp->staged = g_ptr_array_new ();
    dp->unsent = g_ptr_array_new ();
    dp->progress =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_queue_free);
    g_queue_init (&dp->progress_log);
    dp->next_progress = 1;
    sqlite3_stmt *stmt = rsp_store_bind (
        dp->store, "SELECT seq, iccid, client, body FROM progress ORDER BY seq", "");
    gboolean row = FALSE;
    gboolean ok;
    while ((ok = rsp_store_step (dp->store, stmt, &row, error)) && row) {
        g_autofree char *iccid = rsp_store_text (stmt, 1);
        g_autofree char *client = rsp_store_text (stmt, 2);
        g_autoptr (GBytes) body = rsp_store_blob (stmt, 3);
        gint64 seq = sqlite3_column_int64 (stmt, 0);
        g_ptr_array_add (dp->staged, progress_new (dp, seq, iccid, client, body));
        dp->next_progress = seq + 1;
    }
    rsp_progress_committed (dp);
    if (dp->unsent->len > 0)
        dp->resend_timer = rsp_loop_after (dp->actor->loop, 0, resend, dp, NULL);
    return ok;
}

void
rsp_progress_close (RspSmdpp *dp)
{
    if (!dp->progress)
        return;
    g_hash_table_destroy (dp->progress);
    g_queue_clear_full (&dp->progress_log, progress_free);
    rsp_loop_cancel (dp->actor->loop, dp->resend_timer);
    rsp_progress_rolled_back (dp);
    g_ptr_array_free (dp->staged, TRUE);
    g_ptr_array_free (dp->unsent, TRUE);
}
