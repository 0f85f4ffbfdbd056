/* Sessions (SGP.22 3.0.1): one a transactionId, in memory, least recently used first in a queue, so
 * that one timer at its head is enough. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

/* The key is the session's own identifier, of fixed size. */
static guint
id_hash (gconstpointer key)
{
    guint32 h;
    memcpy (&h, key, sizeof h);
    return h;
}

static gboolean
id_equal (gconstpointer a, gconstpointer b)
{
    return memcmp (a, b, RSP_TRANSACTION_SIZE) == 0;
}

static void
session_free (gpointer data)
{
    RspSession *s = data;
    g_free (s->address);
    rsp_public_unref (s->euicc);
    g_free (s->iccid);
    g_clear_pointer (&s->reply, g_bytes_unref);
    g_free (s);
}

void
rsp_smdpp_sessions_init (RspSmdpp *dp)
{
    dp->sessions = g_hash_table_new_full (id_hash, id_equal, NULL, session_free);
    dp->by_iccid = g_hash_table_new (g_str_hash, g_str_equal);
    g_queue_init (&dp->session_queue);
}

void
rsp_smdpp_sessions_clear (RspSmdpp *dp)
{
    rsp_loop_cancel (dp->actor->loop, dp->session_timer);
    g_hash_table_destroy (dp->by_iccid);
    g_hash_table_destroy (dp->sessions);
}

static void arm (RspSmdpp *dp);

static void
expire (gpointer data)
{
    RspSmdpp *dp = data;
    dp->session_timer = 0;
    gint64 now = rsp_loop_now (dp->actor->loop);
    while (dp->session_queue.head) {
        RspSession *s = dp->session_queue.head->data;
        if (s->due > now)
            break;
        if (rsp_trace_active (dp->actor->trace)) {
            RspTraceEvent event = {.kind = RSP_TRACE_TIMER,
                                   .src = dp->actor->name,
                                   .transaction_id = s->text,
                                   .op = "session timeout"};
            rsp_trace_event (dp->actor->trace, &event);
        }
        rsp_session_end (dp, s);
    }
    arm (dp);
}

static void
arm (RspSmdpp *dp)
{
    if (dp->session_timer || !dp->session_queue.head)
        return;
    RspSession *first = dp->session_queue.head->data;
    gint64 delay = MAX (0, first->due - rsp_loop_now (dp->actor->loop));
    dp->session_timer = rsp_loop_after_background (dp->actor->loop, delay, expire, dp, NULL);
}

static void
enqueue (RspSmdpp *dp, RspSession *s)
{
    s->due = rsp_loop_now (dp->actor->loop) + dp->config.session_timeout;
    g_queue_push_tail_link (&dp->session_queue, &s->link);
    arm (dp);
}

RspSession *
rsp_session_new (RspSmdpp *dp, const char *address, RspCert *root)
{
    if (g_hash_table_size (dp->sessions) >= RSP_MAX_SESSIONS)
        rsp_session_end (dp, dp->session_queue.head->data);
    RspSession *s = g_new0 (RspSession, 1);
    do
        rsp_rng_fill (dp->rng_transaction, s->id, sizeof s->id);
    while (g_hash_table_contains (dp->sessions, s->id));
    for (guint i = 0; i < sizeof s->id; i++) {
        s->text[2 * i] = "0123456789ABCDEF"[s->id[i] >> 4];
        s->text[2 * i + 1] = "0123456789ABCDEF"[s->id[i] & 15];
    }
    rsp_rng_fill (dp->rng_challenge, s->challenge, sizeof s->challenge);
    s->address = g_strdup (address);
    s->root = root;
    s->link.data = s;
    g_hash_table_insert (dp->sessions, s->id, s);
    enqueue (dp, s);
    return s;
}

RspSession *
rsp_session_find (RspSmdpp *dp, RspSlice id)
{
    if (id.len != RSP_TRANSACTION_SIZE)
        return NULL;
    RspSession *s = g_hash_table_lookup (dp->sessions, id.data);
    return s && s->due > rsp_loop_now (dp->actor->loop) ? s : NULL;
}

void
rsp_session_touch (RspSmdpp *dp, RspSession *session)
{
    g_queue_unlink (&dp->session_queue, &session->link);
    enqueue (dp, session);
}

void
rsp_session_end (RspSmdpp *dp, RspSession *session)
{
    if (session->iccid && g_hash_table_lookup (dp->by_iccid, session->iccid) == session)
        g_hash_table_remove (dp->by_iccid, session->iccid);
    g_queue_unlink (&dp->session_queue, &session->link);
    g_hash_table_remove (dp->sessions, session->id);
}

void
rsp_session_claim (RspSmdpp *dp, RspSession *session, const RspOrder *order)
{
    rsp_session_end_of (dp, order->iccid);
    session->iccid = g_strdup (order->iccid);
    session->serial = order->serial;
    g_hash_table_insert (dp->by_iccid, session->iccid, session);
}

void
rsp_session_end_of (RspSmdpp *dp, const char *iccid)
{
    RspSession *s = g_hash_table_lookup (dp->by_iccid, iccid);
    if (s)
        rsp_session_end (dp, s);
}

RspSlice
rsp_session_id (const RspSession *session)
{
    return RSP_SLICE (session->id, sizeof session->id);
}

guint
rsp_smdpp_live_sessions (RspSmdpp *dp)
{
    return g_hash_table_size (dp->sessions);
}
