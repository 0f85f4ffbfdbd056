/* Sessions of indirect downloads: which order each is for, how far it is, and until when. Least
 * recently used first in a queue; the order, not the session, says whether there is still something
 * to download. */
#include "components/eim/eim-private.h"

#include <string.h>

#define MAX_SESSIONS 100000
#define LIFETIME (600 * G_USEC_PER_SEC)

static void
session_free (gpointer data)
{
    RspEimSession *s = data;
    g_free (s->transaction_id);
    g_free (s->address);
    g_free (s->oid);
    g_clear_pointer (&s->metadata, g_bytes_unref);
    g_free (s);
}

void
rsp_eim_sessions_init (RspEim *eim)
{
    eim->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, session_free);
    eim->session_of = g_hash_table_new (g_int64_hash, g_int64_equal);
    g_queue_init (&eim->session_queue);
}

void
rsp_eim_sessions_clear (RspEim *eim)
{
    g_hash_table_destroy (eim->session_of);
    g_hash_table_destroy (eim->sessions); /* the links are theirs */
    g_queue_init (&eim->session_queue);
}

void
rsp_eim_session_end (RspEim *eim, RspEimSession *s)
{
    g_queue_unlink (&eim->session_queue, &s->link);
    if (s->package)
        g_hash_table_remove (eim->session_of, &s->package);
    g_hash_table_remove (eim->sessions, s->transaction_id);
}

static void
purge (RspEim *eim)
{
    gint64 now = rsp_loop_now (eim->actor->loop);
    while (eim->session_queue.head) {
        RspEimSession *oldest = eim->session_queue.head->data;
        if (oldest->due > now && g_queue_get_length (&eim->session_queue) <= MAX_SESSIONS)
            break;
        rsp_eim_session_end (eim, oldest);
    }
}

static void
enqueue (RspEim *eim, RspEimSession *s)
{
    s->due = rsp_loop_now (eim->actor->loop) + LIFETIME;
    g_queue_push_tail_link (&eim->session_queue, &s->link);
}

RspEimSession *
rsp_eim_session_find (RspEim *eim, const char *transaction_id)
{
    purge (eim);
    g_autofree char *id = transaction_id ? g_ascii_strup (transaction_id, -1) : NULL;
    RspEimSession *s = id ? g_hash_table_lookup (eim->sessions, id) : NULL;
    if (!s)
        return NULL;
    g_queue_unlink (&eim->session_queue, &s->link);
    enqueue (eim, s);
    return s;
}

void
rsp_eim_session_settle (RspEim *eim, RspEimSession *s, gint64 package)
{
    RspEimSession *earlier = g_hash_table_lookup (eim->session_of, &package);
    if (earlier == s || !package)
        return;
    if (earlier)
        rsp_eim_session_end (eim, earlier);
    s->package = package;
    g_hash_table_insert (eim->session_of, &s->package, s);
}

RspEimSession *
rsp_eim_session_new (RspEim *eim, const char *transaction_id, const char *address)
{
    RspEimSession *earlier = rsp_eim_session_find (eim, transaction_id);
    if (earlier)
        rsp_eim_session_end (eim, earlier);
    RspEimSession *s = g_new0 (RspEimSession, 1);
    s->transaction_id = g_ascii_strup (transaction_id, -1);
    s->address = g_strdup (address);
    s->link.data = s;
    g_hash_table_replace (eim->sessions, s->transaction_id, s);
    enqueue (eim, s);
    return s;
}
