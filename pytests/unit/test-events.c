/* A server's events at an SM-DS: two registrations of one name at a time, and an end between the
 * SM-DS's answer and the commit. The SM-DS is played here. */
#include "components/common/events.h"

#include <string.h>

#include "asn1/fields.h"

#define EID "89049032123451234512345678901235"
#define ADDRESS "ds.example.com"

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspStore *store;
    RspEvents *events;
    GHashTable *there;         /* set of eventIds at the SM-DS */
    guint registered, deleted; /* calls */
    gboolean keep;             /* what the server does with a registration */
    guint good, bad;           /* registrations, as told */
    gboolean mute;             /* the SM-DS does what it is asked, and does not say so */
} World;

static void
serve (RspCall *call, gpointer data)
{
    World *w = data;
    const RspFunction *fn = rsp_call_function (call);
    g_autoptr (RspFields) in = rsp_fields_decode (fn, RSP_LEG_REQUEST, rsp_call_body (call), NULL);
    g_autoptr (RspFields) out = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    g_autoptr (GBytes) body = NULL;
    const char *id = rsp_fields_text (in, "eventId");
    gboolean known = g_hash_table_contains (w->there, id);
    if (fn->id == RSP_FN_ES12_REGISTER_EVENT) {
        w->registered++;
        if (known)
            body = rsp_fields_encode_failed ((RspStatus){"8.9.5", "3.3", "exists"});
        g_hash_table_add (w->there, g_strdup (id));
    } else {
        w->deleted++;
        if (!known)
            body = rsp_fields_encode_failed ((RspStatus){"8.9.5", "3.9", "unknown"});
        g_hash_table_remove (w->there, id);
    }
    if (w->mute) {
        rsp_call_abandon (call);
        return;
    }
    if (!body)
        body = rsp_fields_encode (out);
    rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
}

static void
start (World *w)
{
    g_autoptr (GError) error = NULL;
    w->events = rsp_events_new (&w->actor, w->store, RSP_IF_ES12, &error);
    g_assert_no_error (error);
}

static void
world_init (World *w)
{
    g_autoptr (GError) error = NULL;
    *w = (World){.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0)};
    w->bus = rsp_bus_new (w->loop, NULL, NULL);
    w->actor = (RspActor){.name = "dp", .loop = w->loop, .bus = w->bus, .seed = 1};
    w->there = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    w->store = rsp_store_open (NULL, 1, RSP_EVENTS_SCHEMA, &error);
    g_assert_no_error (error);
    rsp_bus_attach (w->bus, "ds", serve, w);
    rsp_bus_add_address (w->bus, ADDRESS, "ds");
    start (w);
}

static void
world_clear (World *w)
{
    rsp_bus_detach (w->bus, "dp");
    rsp_events_free (w->events);
    rsp_store_free (w->store);
    rsp_bus_detach (w->bus, "ds");
    rsp_bus_free (w->bus);
    g_hash_table_destroy (w->there);
    rsp_loop_free (w->loop);
}

static void
on_registered (RspStatus status, gint64 note, gpointer data)
{
    World *w = data;
    g_autoptr (GError) error = NULL;
    if (status.subject) {
        w->bad++;
        return;
    }
    w->good++;
    if (!w->keep)
        return;
    g_assert_true (rsp_store_begin (w->store, &error));
    g_assert_true (rsp_events_keep (w->events, note, &error));
    g_assert_true (rsp_store_commit (w->store, &error));
}

static void
leave (gpointer data)
{
}

static void
register_event (World *w, const char *id)
{
    g_autoptr (GError) error = NULL;
    rsp_events_register (w->events, ADDRESS, EID, id, "dp.example.com", FALSE, on_registered, w,
                         leave, &error);
    g_assert_no_error (error);
}

/* The first is kept, the second is refused, and the event stays. */
static void
test_same_name (void)
{
    World w;
    world_init (&w);
    w.keep = TRUE;
    register_event (&w, "ONE");
    register_event (&w, "ONE");
    rsp_loop_run (w.loop, NULL, NULL, -1);
    g_assert_cmpuint (w.good, ==, 1);
    g_assert_cmpuint (w.bad, ==, 1);
    g_assert_cmpuint (w.deleted, ==, 0);
    g_assert_false (rsp_events_owes (w.events, "ONE"));
    g_assert_true (g_hash_table_contains (w.there, "ONE"));
    world_clear (&w);
}

/* What is not kept is taken back. */
static void
test_not_kept (void)
{
    World w;
    world_init (&w);
    register_event (&w, "ONE");
    rsp_loop_run (w.loop, NULL, NULL, -1);
    g_assert_cmpuint (w.good, ==, 1);
    g_assert_cmpuint (w.deleted, ==, 1);
    g_assert_false (rsp_events_owes (w.events, "ONE"));
    g_assert_false (g_hash_table_contains (w.there, "ONE"));
    world_clear (&w);
}

static gboolean
has_registered (gpointer data)
{
    return ((World *)data)->registered > 0;
}

/* The server is killed when the SM-DS has the event and nothing here has been committed: it takes
 * the event back at its next start. */
static void
test_killed (void)
{
    World w;
    world_init (&w);
    w.keep = w.mute = TRUE;
    register_event (&w, "ONE");
    rsp_loop_run (w.loop, has_registered, &w, -1);
    rsp_bus_detach (w.bus, "dp");
    rsp_events_free (w.events);
    g_assert_true (g_hash_table_contains (w.there, "ONE"));
    w.mute = FALSE;
    start (&w);
    g_assert_true (rsp_events_owes (w.events, "ONE"));
    rsp_loop_run (w.loop, NULL, NULL, -1);
    g_assert_cmpuint (w.good + w.bad, ==, 0);
    g_assert_false (rsp_events_owes (w.events, "ONE"));
    g_assert_false (g_hash_table_contains (w.there, "ONE"));
    world_clear (&w);
}

/* No answer to a deletion: it is asked for again, after a restart too. */
static void
test_deletion_stands (void)
{
    World w;
    g_autoptr (GError) error = NULL;
    world_init (&w);
    w.mute = TRUE;
    g_hash_table_add (w.there, g_strdup ("ONE"));
    g_assert_true (rsp_events_delete (w.events, ADDRESS, EID, "ONE", &error));
    rsp_events_send (w.events);
    rsp_loop_after (w.loop, 60 * G_USEC_PER_SEC, leave, NULL, NULL); /* retries keep no loop up */
    rsp_loop_run (w.loop, NULL, NULL, -1);
    g_assert_cmpuint (w.deleted, >=, 2);
    g_assert_true (rsp_events_owes (w.events, "ONE"));
    rsp_bus_detach (w.bus, "dp");
    rsp_events_free (w.events);
    w.mute = FALSE;
    start (&w);
    /* "Not there" is believed once no registration can be on its way any more. */
    rsp_loop_after (w.loop, 300 * G_USEC_PER_SEC, leave, NULL, NULL);
    rsp_loop_run (w.loop, NULL, NULL, -1);
    g_assert_false (rsp_events_owes (w.events, "ONE"));
    world_clear (&w);
}

/* The server's store is full: nothing goes out. */
static void
test_full (void)
{
    World w;
    g_autoptr (GError) error = NULL;
    gboolean row = FALSE;
    world_init (&w);
    sqlite3_stmt *limit = rsp_store_bind (w.store, "PRAGMA max_page_count=1", "");
    g_assert_true (rsp_store_step (w.store, limit, &row, NULL));
    sqlite3_reset (limit);
    for (guint i = 0; i < 10000 && !error; i++) {
        g_autofree char *id = g_strdup_printf ("%0200u", i);
        rsp_events_delete (w.events, "nobody.example.com", EID, id, &error);
    }
    g_assert_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_FULL);
    g_clear_error (&error);
    g_autofree char *id = g_strnfill (255, 'A');
    g_assert_false (rsp_events_register (w.events, ADDRESS, EID, id, "dp.example.com", FALSE,
                                         on_registered, &w, leave, &error));
    g_assert_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_FULL);
    g_assert_cmpuint (w.registered + w.good + w.bad, ==, 0);
    world_clear (&w);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/events/same-name", test_same_name);
    g_test_add_func ("/events/not-kept", test_not_kept);
    g_test_add_func ("/events/killed", test_killed);
    g_test_add_func ("/events/deletion-stands", test_deletion_stands);
    g_test_add_func ("/events/full", test_full);
    return g_test_run ();
}
