/* The bus on the virtual clock, in memory: stages, order, timeouts, failures, each fault's
 * delivery. */
#include "sim/net/actor.h"
#include "sim/net/apdu.h"
#include "sim/net/bus.h"

#include <string.h>

typedef struct {
    RspLoop *loop;
    RspTrace *trace;
    RspFaults *faults;
    RspBus *bus;
    GString *log;     /* what the trace's listeners see */
    GString *replies; /* what callers see */
    GPtrArray *kept;  /* of RspCall: calls not yet answered */
    gboolean keep;
} World;

static void
listen (const RspTraceEvent *e, guint64 seq, gpointer data)
{
    static const char *const stages[] = {"", "sent", "delivered", "dropped"};
    World *w = data;
    g_autofree char *body =
        e->has_body && !e->omit_body ? g_strndup ((const char *)e->body.data, e->body.len) : NULL;
    switch (e->kind) {
    case RSP_TRACE_MESSAGE:
        g_string_append_printf (w->log, "%" G_GUINT64_FORMAT "<%" G_GUINT64_FORMAT " %s %s>%s %s",
                                seq, rsp_trace_cause (w->trace), stages[e->stage], e->src, e->dst,
                                e->leg == RSP_LEG_REQUEST ? "?" : "!");
        g_string_append_printf (w->log, "%" G_GUINT64_FORMAT, e->xid);
        if (body)
            g_string_append_printf (w->log, " [%s]", body);
        if (e->status.error)
            g_string_append_printf (w->log, " error=%s", e->status.error);
        if (e->fault_name)
            g_string_append_printf (w->log, " fault=%s", e->fault_name);
        break;
    case RSP_TRACE_FAULT:
        g_string_append_printf (w->log, "fault %s %s %s", e->fault_name, e->fault_action,
                                e->result ? e->result : "-");
        break;
    case RSP_TRACE_TIMER:
        g_string_append_printf (w->log, "timer %s", e->status.error);
        break;
    default:
        g_string_append (w->log, "other");
    }
    g_string_append_c (w->log, '\n');
}

static void
serve (RspCall *call, gpointer data)
{
    World *w = data;
    if (w->keep) {
        g_ptr_array_add (w->kept, call);
        return;
    }
    RspSlice s = rsp_slice_of (rsp_call_body (call));
    g_autofree char *text = g_strdup_printf ("re:%.*s", (int)s.len, (const char *)s.data);
    g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
    rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    static const char *const kinds[] = {"ok", "timeout", "link", "unresolved", "tls"};
    World *w = data;
    RspSlice s = rsp_slice_of (reply->body);
    g_string_append_printf (w->replies, "%s %u %.*s @%" G_GINT64_FORMAT "\n", kinds[reply->kind],
                            reply->http ? reply->http : reply->sw, (int)s.len,
                            s.len ? (const char *)s.data : "", rsp_loop_now (w->loop) / 1000);
}

static World *
world_new (void)
{
    World *w = g_new0 (World, 1);
    w->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, G_GINT64_CONSTANT (1735689600000000));
    w->trace = rsp_trace_new (w->loop, NULL, (RspTraceOptions){0}, NULL);
    w->faults = rsp_faults_new (rsp_rng_new (1, "faults", "test", 0));
    w->bus = rsp_bus_new (w->loop, w->trace, w->faults);
    w->log = g_string_new (NULL);
    w->replies = g_string_new (NULL);
    w->kept = g_ptr_array_new ();
    rsp_trace_listen (w->trace, listen, w);
    rsp_bus_attach (w->bus, "dp1", serve, w);
    rsp_bus_add_address (w->bus, "dp1.example.com", "dp1");
    return w;
}

static void
world_free (World *w)
{
    rsp_bus_free (w->bus);
    rsp_faults_free (w->faults);
    rsp_trace_free (w->trace);
    rsp_loop_free (w->loop);
    g_string_free (w->log, TRUE);
    g_string_free (w->replies, TRUE);
    g_ptr_array_unref (w->kept);
    g_free (w);
}

static void
call_to (World *w, const char *address, const char *text)
{
    g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
    rsp_bus_call (w->bus, "phone", address, rsp_function (RSP_FN_ES9P_HANDLE_NOTIFICATION), body,
                  NULL, on_reply, w);
}

static void
call (World *w, const char *text)
{
    call_to (w, "DP1.example.com", text);
}

static void
run (World *w)
{
    rsp_loop_run (w->loop, NULL, NULL, -1);
    g_assert_cmpuint (rsp_bus_in_flight (w->bus), ==, 0);
}

static RspFault *
declare_for (World *w, RspFaultAction action, RspFunctionId function)
{
    RspFault *f = g_new0 (RspFault, 1);
    f->name = g_strdup ("f");
    f->action = action;
    f->function = rsp_function (function);
    rsp_faults_add (w->faults, f);
    return f;
}

static RspFault *
declare (World *w, RspFaultAction action)
{
    return declare_for (w, action, RSP_FN_ES9P_HANDLE_NOTIFICATION);
}

static void
test_plain (void)
{
    World *w = world_new ();
    call (w, "a");
    g_assert_cmpstr (w->replies->str, ==, ""); /* never from inside the call */
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:a @40\n");
    g_assert_cmpstr (w->log->str, ==,
                     "0<0 sent phone>dp1 ?1 [a]\n"
                     "1<0 delivered phone>dp1 ?1\n"
                     "2<1 sent dp1>phone !1 [re:a]\n"
                     "3<2 delivered dp1>phone !1\n");
    world_free (w);
}

static void
test_order (void)
{
    World *w = world_new ();
    call (w, "a");
    call (w, "b");
    call (w, "c");
    g_assert_cmpuint (rsp_bus_in_flight (w->bus), ==, 3);
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:a @40\nok 200 re:b @40\nok 200 re:c @40\n");
    world_free (w);
}

static void
test_failures (void)
{
    World *w = world_new ();
    call_to (w, "nowhere.example.com", "a");
    call_to (w, "dp1", "b"); /* a name is no address for ES9+ */
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "unresolved 0  @20\nunresolved 0  @20\n");
    g_string_truncate (w->replies, 0);
    rsp_bus_detach (w->bus, "dp1");
    call (w, "c");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "link 0  @40\n");
    g_assert_nonnull (strstr (w->log->str, "dropped phone>dp1 ?3 error=link"));
    world_free (w);
}

static void
test_timeout_and_late_reply (void)
{
    World *w = world_new ();
    w->keep = TRUE;
    call (w, "a");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "timeout 0  @30000\n");
    g_assert_cmpuint (w->kept->len, ==, 1);
    rsp_call_reply (w->kept->pdata[0], NULL, NULL);
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "timeout 0  @30000\n");
    g_assert_nonnull (strstr (w->log->str, "timer timeout\n"));
    g_assert_nonnull (strstr (w->log->str, "dropped dp1>phone !1 error=late\n"));
    world_free (w);
}

static void
test_crash_while_serving (void)
{
    World *w = world_new ();
    w->keep = TRUE;
    call (w, "a");
    rsp_loop_run (w->loop, NULL, NULL, 25000);
    g_assert_cmpuint (w->kept->len, ==, 1);
    rsp_bus_detach (w->bus, "dp1");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "link 0  @45\n");
    /* What the former life answers reaches nobody. */
    rsp_bus_attach (w->bus, "dp1", serve, w);
    rsp_call_reply (w->kept->pdata[0], NULL, NULL);
    w->keep = FALSE;
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "link 0  @45\n");
    world_free (w);
}

static void
test_crash_of_caller (void)
{
    World *w = world_new ();
    call (w, "a");
    rsp_bus_detach (w->bus, "phone");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "");
    g_assert_nonnull (strstr (w->log->str, "dropped dp1>phone !1 error=link\n"));
    world_free (w);
}

static void
test_abandon (void)
{
    World *w = world_new ();
    w->keep = TRUE;
    call (w, "a");
    call (w, "b");
    rsp_loop_run (w->loop, NULL, NULL, 25000);
    rsp_call_abandon (w->kept->pdata[0]);
    rsp_call_fail (w->kept->pdata[1], RSP_REPLY_TIMEOUT);
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "timeout 0  @45\ntimeout 0  @30000\n");
    world_free (w);
}

static void
test_free_in_flight (void)
{
    World *w = world_new ();
    w->keep = TRUE;
    call (w, "a");
    rsp_loop_run (w->loop, NULL, NULL, 25000);
    call (w, "b");
    world_free (w); /* the leak checker judges */
}

static void
test_drop (void)
{
    World *w = world_new ();
    declare (w, RSP_FAULT_DROP)->nth = 2;
    call (w, "a");
    call (w, "b");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:a @40\ntimeout 0  @30000\n");
    g_assert_nonnull (strstr (w->log->str, "fault f drop -\n3<1 dropped phone>dp1 ?2 fault=f\n"));
    world_free (w);
}

static void
test_drop_response (void)
{
    World *w = world_new ();
    RspFault *f = declare (w, RSP_FAULT_DROP);
    f->leg = RSP_LEG_RESPONSE;
    f->to = g_strdup ("phone");
    call (w, "a");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "timeout 0  @30000\n");
    g_assert_nonnull (strstr (w->log->str, "dropped dp1>phone !1 fault=f\n"));
    world_free (w);
}

static void
test_delay_and_reorder (void)
{
    World *w = world_new ();
    RspFault *f = declare (w, RSP_FAULT_DELAY);
    f->delay = 7000;
    f->nth = 1;
    declare (w, RSP_FAULT_REORDER)->nth = 2;
    call (w, "a");
    call (w, "b");
    call (w, "c");
    run (w);
    /* b waits for c to go by. */
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:c @40\nok 200 re:b @40\nok 200 re:a @47\n");
    world_free (w);
}

static void
test_reorder_of_the_last (void)
{
    World *w = world_new ();
    declare (w, RSP_FAULT_REORDER);
    call (w, "a");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "timeout 0  @30000\n");
    g_assert_nonnull (strstr (w->log->str, "delivered phone>dp1 ?1 fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "dropped dp1>phone !1 error=late\n"));
    world_free (w);
}

static void
test_duplicate (void)
{
    World *w = world_new ();
    declare (w, RSP_FAULT_DUPLICATE)->count = 2;
    call (w, "a");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:a @40\n");
    g_assert_nonnull (strstr (w->log->str, "delivered phone>dp1 ?2 fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered phone>dp1 ?3 fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "sent dp1>phone !2 [re:a]\n"));
    g_assert_nonnull (strstr (w->log->str, "dropped dp1>phone !2 fault=f\n"));
    world_free (w);
}

static void
test_duplicate_response (void)
{
    World *w = world_new ();
    declare (w, RSP_FAULT_DUPLICATE)->leg = RSP_LEG_RESPONSE;
    call (w, "a");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:a @40\n");
    g_assert_nonnull (strstr (w->log->str, "delivered dp1>phone !2 fault=f\n"));
    world_free (w);
}

static void
test_replay (void)
{
    World *w = world_new ();
    declare (w, RSP_FAULT_REPLAY);
    call (w, "a");
    run (w);
    g_assert_nonnull (strstr (w->log->str, "fault f replay noEarlierMessage\n"));
    g_autoptr (GPtrArray) unfired = rsp_faults_unfired (w->faults);
    g_assert_cmpuint (unfired->len, ==, 1);
    call (w, "b");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:a @40\nok 200 re:b @80\n");
    g_assert_nonnull (strstr (w->log->str, "delivered phone>dp1 ?3 [a] fault=f\n"));
    g_autoptr (GPtrArray) none = rsp_faults_unfired (w->faults);
    g_assert_cmpuint (none->len, ==, 0);
    world_free (w);
}

static void
test_replay_response (void)
{
    World *w = world_new ();
    declare (w, RSP_FAULT_REPLAY)->leg = RSP_LEG_RESPONSE;
    call (w, "a");
    run (w);
    call (w, "b");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 re:a @40\nok 200 re:a @80\n");
    g_assert_nonnull (strstr (w->log->str, "dropped dp1>phone !2 fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered dp1>phone !3 [re:a] fault=f\n"));
    world_free (w);
}

static void
test_corrupt_and_replace (void)
{
    World *w = world_new ();
    RspFault *f = declare (w, RSP_FAULT_CORRUPT);
    f->offset = -1;
    f->nth = 1;
    f = declare (w, RSP_FAULT_REPLACE);
    f->text = g_strdup ("xyz");
    f->nth = 2;
    f = declare (w, RSP_FAULT_CORRUPT);
    f->offset = 100;
    f->nth = 3;
    call (w, "ab");
    call (w, "cd");
    call (w, "ef");
    run (w);
    g_assert_cmpstr (w->replies->str, ==,
                     "ok 200 re:ac @40\nok 200 re:xyz @40\nok 200 re:ef @40\n");
    g_assert_nonnull (strstr (w->log->str, "fault f corrupt noSuchOctet\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered phone>dp1 ?1 [ac] fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered phone>dp1 ?3\n"));
    world_free (w);
}

static void
test_cut_and_status (void)
{
    World *w = world_new ();
    declare (w, RSP_FAULT_CUT_LINK)->nth = 1;
    RspFault *f = declare (w, RSP_FAULT_HTTP_STATUS);
    f->status = 503;
    f->nth = 2;
    f = declare (w, RSP_FAULT_CUT_LINK);
    f->leg = RSP_LEG_RESPONSE;
    f->nth = 3;
    f = declare (w, RSP_FAULT_STATUS_WORD);
    f->nth = 2;
    call (w, "a");
    call (w, "b");
    call (w, "c");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "link 0  @20\nok 503  @40\nlink 0  @40\n");
    g_assert_nonnull (strstr (w->log->str, "fault f status-word notApplicable\n"));
    world_free (w);
}

static void
test_matching (void)
{
    World *w = world_new ();
    RspFault *f = declare (w, RSP_FAULT_HTTP_STATUS);
    f->status = 500;
    f->every = 2;
    f->count = 2;
    f = declare (w, RSP_FAULT_DROP);
    f->from = g_strdup ("other");
    for (guint i = 0; i < 8; i++)
        call (w, "a");
    run (w);
    g_auto (GStrv) lines = g_strsplit (w->replies->str, "\n", -1);
    for (guint i = 0; i < 8; i++)
        g_assert_true (g_str_has_prefix (lines[i], i == 1 || i == 3 ? "ok 500" : "ok 200"));
    world_free (w);
}

static void
test_probability (void)
{
    World *w = world_new ();
    RspFault *f = declare (w, RSP_FAULT_HTTP_STATUS);
    f->status = 500;
    f->probability = 0.25;
    for (guint i = 0; i < 1000; i++)
        call (w, "a");
    run (w);
    g_assert_cmpuint (f->fired, >, 190);
    g_assert_cmpuint (f->fired, <, 310);
    world_free (w);
}

static void
test_status_word_of_apdu (void)
{
    World *w = world_new ();
    declare_for (w, RSP_FAULT_STATUS_WORD, RSP_FN_APDU_TRANSMIT)->status = 0x6A80;
    g_autoptr (GBytes) body = g_bytes_new ("\x80\xE2", 2);
    const RspFunction *transmit = rsp_function (RSP_FN_APDU_TRANSMIT);
    rsp_bus_call (w->bus, "phone", "dp1", transmit, body, NULL, on_reply, w);
    rsp_bus_call (w->bus, "phone", "nocard", transmit, body, NULL, on_reply, w);
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "unresolved 0  @1\nok 27264 \x6A\x80 @2\n");
    world_free (w);
}

typedef struct {
    World *w;
    guint segments;
    GString *log;
    RspCall *carrier;
} Link;

static void
on_segment (RspReplyKind kind, GBytes *segment, guint copies, gpointer data)
{
    Link *l = data;
    RspSlice s = rsp_slice_of (segment);
    g_string_append_printf (l->log, "%d %.*s x%u\n", kind, (int)s.len, (const char *)s.data,
                            copies);
    for (guint i = 0; i < copies; i++) {
        if (i == 0)
            rsp_bus_opened (l->w->bus, "card", rsp_function (RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS),
                            RSP_SLICE ("open", 4), NULL);
        rsp_bus_nested_done (l->w->bus, l->carrier, NULL);
    }
    if (++l->segments < 4) {
        g_autoptr (GBytes) next = g_bytes_new_static ("seg", 3);
        rsp_bus_nested_sent (l->w->bus, l->carrier,
                             rsp_function (RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS), next, on_segment, l);
    } else {
        rsp_call_reply (l->carrier, NULL, NULL);
    }
}

static void
serve_card (RspCall *call, gpointer data)
{
    Link *l = data;
    l->carrier = call;
    rsp_bus_nested_sent (l->w->bus, call, rsp_function (RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS),
                         rsp_call_body (call), on_segment, l);
}

static void
test_nested (void)
{
    World *w = world_new ();
    Link l = {.w = w, .log = g_string_new (NULL)};
    rsp_bus_attach_card (w->bus, "card", serve_card, &l);
    static const RspFaultAction actions[] = {RSP_FAULT_DROP, RSP_FAULT_DUPLICATE,
                                             RSP_FAULT_CORRUPT};
    for (guint i = 0; i < 3; i++) {
        declare_for (w, actions[i], RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS)->nth = i + 2;
    }
    /* The server that the package comes from is the source of what rides in it. */
    g_autoptr (GBytes) body = g_bytes_new_static ("bpp", 3);
    rsp_bus_call (w->bus, "phone", "dp1.example.com",
                  rsp_function (RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE), body, NULL, on_reply, w);
    run (w);
    g_string_truncate (w->log, 0);
    rsp_bus_call (w->bus, "phone", "card", rsp_function (RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE),
                  body, NULL, on_reply, w);
    run (w);
    g_assert_cmpstr (l.log->str, ==, "0 bpp x1\n0 seg x0\n0 seg x2\n0 reg x1\n");
    g_assert_nonnull (strstr (w->log->str, "sent dp1>card ?3 [bpp]\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered dp1>card ?3\n"));
    g_assert_nonnull (strstr (w->log->str, "dropped dp1>card ?4 fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered dp1>card ?5 fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered dp1>card ?6 fault=f\n"));
    g_assert_nonnull (strstr (w->log->str, "delivered dp1>card ?7 [reg] fault=f\n"));
    g_assert_true (g_str_has_suffix (w->replies->str, "ok 36864  @40\n"));
    g_string_free (l.log, TRUE);
    world_free (w);
}

static void
test_nested_link_goes (void)
{
    World *w = world_new ();
    Link l = {.w = w, .log = g_string_new (NULL)};
    rsp_bus_attach_card (w->bus, "card", serve_card, &l);
    g_autoptr (GBytes) body = g_bytes_new_static ("bpp", 3);
    declare_for (w, RSP_FAULT_DELAY, RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS)->delay = 1000000;
    rsp_bus_call (w->bus, "phone", "card", rsp_function (RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE),
                  body, NULL, on_reply, w);
    rsp_loop_run (w->loop, NULL, NULL, 1000);
    rsp_bus_detach_card (w->bus, "card");
    rsp_call_abandon (l.carrier);
    run (w);
    g_assert_cmpstr (l.log->str, ==, "");
    g_assert_true (g_str_has_prefix (w->replies->str, "link"));
    g_string_free (l.log, TRUE);
    world_free (w);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/bus/" #name, test_##name)
    TEST (plain);
    TEST (order);
    TEST (failures);
    TEST (timeout_and_late_reply);
    TEST (crash_while_serving);
    TEST (crash_of_caller);
    TEST (abandon);
    TEST (free_in_flight);
    TEST (drop);
    TEST (drop_response);
    TEST (delay_and_reorder);
    TEST (reorder_of_the_last);
    TEST (duplicate);
    TEST (duplicate_response);
    TEST (replay);
    TEST (replay_response);
    TEST (corrupt_and_replace);
    TEST (cut_and_status);
    TEST (matching);
    TEST (probability);
    TEST (status_word_of_apdu);
    TEST (nested);
    TEST (nested_link_goes);
    return g_test_run ();
}
