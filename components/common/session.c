/* Sessions (SGP.22 3.0.1): one a transactionId, in memory, least recently used first in a queue, so
 * that one timer at its head is enough. */
#include "components/common/server.h"

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
    g_clear_pointer (&s->reply, g_bytes_unref);
    g_free (s);
}

void
rsp_sessions_init (RspServer *server)
{
    server->sessions = g_hash_table_new_full (id_hash, id_equal, NULL, session_free);
    g_queue_init (&server->session_queue);
}

void
rsp_sessions_clear (RspServer *server)
{
    rsp_loop_cancel (server->actor->loop, server->session_timer);
    while (server->session_queue.head)
        rsp_session_end (server, server->session_queue.head->data);
    g_hash_table_destroy (server->sessions);
}

static void arm (RspServer *server);

static void
expire (gpointer data)
{
    RspServer *server = data;
    server->session_timer = 0;
    gint64 now = rsp_loop_now (server->actor->loop);
    while (server->session_queue.head) {
        RspSession *s = server->session_queue.head->data;
        if (s->due > now)
            break;
        if (rsp_trace_active (server->actor->trace)) {
            RspTraceEvent event = {.kind = RSP_TRACE_TIMER,
                                   .src = server->actor->name,
                                   .transaction_id = s->text,
                                   .op = "session timeout"};
            rsp_trace_event (server->actor->trace, &event);
        }
        rsp_session_end (server, s);
    }
    arm (server);
}

static void
arm (RspServer *server)
{
    if (server->session_timer || !server->session_queue.head)
        return;
    RspSession *first = server->session_queue.head->data;
    gint64 delay = MAX (0, first->due - rsp_loop_now (server->actor->loop));
    server->session_timer =
        rsp_loop_after_background (server->actor->loop, delay, expire, server, NULL);
}

static void
enqueue (RspServer *server, RspSession *s)
{
    s->due = rsp_loop_now (server->actor->loop) + server->session_timeout;
    g_queue_push_tail_link (&server->session_queue, &s->link);
    arm (server);
}

RspSession *
rsp_session_new (RspServer *server, const char *address, const RspServerIdentity *identity,
                 RspCert *root)
{
    if (g_hash_table_size (server->sessions) >= RSP_MAX_SESSIONS)
        rsp_session_end (server, server->session_queue.head->data);
    RspSession *s = g_malloc0 (server->session_size);
    do
        rsp_rng_fill (server->rng_transaction, s->id, sizeof s->id);
    while (g_hash_table_contains (server->sessions, s->id));
    for (guint i = 0; i < sizeof s->id; i++) {
        s->text[2 * i] = "0123456789ABCDEF"[s->id[i] >> 4];
        s->text[2 * i + 1] = "0123456789ABCDEF"[s->id[i] & 15];
    }
    rsp_rng_fill (server->rng_challenge, s->challenge, sizeof s->challenge);
    s->address = g_strdup (address);
    s->identity = identity;
    s->root = root;
    s->link.data = s;
    g_hash_table_insert (server->sessions, s->id, s);
    enqueue (server, s);
    return s;
}

RspSession *
rsp_session_find (RspServer *server, RspSlice id)
{
    if (id.len != RSP_TRANSACTION_SIZE)
        return NULL;
    RspSession *s = g_hash_table_lookup (server->sessions, id.data);
    return s && s->due > rsp_loop_now (server->actor->loop) ? s : NULL;
}

void
rsp_session_touch (RspServer *server, RspSession *session)
{
    g_queue_unlink (&server->session_queue, &session->link);
    enqueue (server, session);
}

void
rsp_session_end (RspServer *server, RspSession *session)
{
    if (server->session_ended)
        server->session_ended (server->self, session);
    g_queue_unlink (&server->session_queue, &session->link);
    g_hash_table_remove (server->sessions, session->id);
}

RspSlice
rsp_session_id (const RspSession *session)
{
    return RSP_SLICE (session->id, sizeof session->id);
}
