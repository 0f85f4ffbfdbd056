/* The operator: how replies and failures of ES2+ reach the caller, and what it records. */
#include "components/operator/operator.h"

#include <string.h>

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspOperator *op;
    char *outcome; /* of the last call */
    /* the other side */
    GBytes *answer;
    guint http;
    GString *header; /* requester and call identifiers as they came */
} World;

static void
serve (RspCall *call, gpointer data)
{
    World *w = data;
    g_autoptr (RspFields) f =
        rsp_fields_decode (rsp_call_function (call), RSP_LEG_REQUEST, rsp_call_body (call), NULL);
    g_assert_nonnull (f);
    g_string_append_printf (w->header, "%s %s ", rsp_fields_requester (f), rsp_fields_call_id (f));
    g_assert_cmpstr (rsp_call_client (call), ==, "mno");
    RspOutcome outcome = {.http = w->http};
    rsp_call_reply (call, &outcome, w->answer);
}

static World *
world_new (void)
{
    World *w = g_new0 (World, 1);
    w->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    w->bus = rsp_bus_new (w->loop, NULL, NULL);
    w->actor = (RspActor){.name = "mno", .loop = w->loop, .bus = w->bus, .incarnation = 3};
    w->op = rsp_operator_new (&w->actor, "00101");
    w->http = 200;
    w->header = g_string_new (NULL);
    rsp_bus_attach (w->bus, "dp1", serve, w);
    rsp_bus_add_address (w->bus, "dp1.example.com", "dp1");
    return w;
}

static void
world_free (World *w)
{
    rsp_operator_free (w->op);
    rsp_bus_free (w->bus);
    rsp_loop_free (w->loop);
    g_clear_pointer (&w->answer, g_bytes_unref);
    g_string_free (w->header, TRUE);
    g_free (w->outcome);
    g_free (w);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

static void
on_reply (const RspOperatorReply *reply, gpointer data)
{
    World *w = data;
    g_free (w->outcome);
    if (reply->failure) {
        g_assert_null (reply->fields);
        w->outcome = g_strdup (reply->failure);
    } else if (reply->subject) {
        w->outcome = g_strconcat (reply->subject, "/", reply->reason, NULL);
    } else {
        w->outcome = g_strdup (rsp_fields_text (reply->fields, "iccid"));
    }
}

static const char *
order (World *w, const char *address)
{
    const RspFunction *fn = rsp_function (RSP_FN_ES2P_DOWNLOAD_ORDER);
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_REQUEST);
    rsp_fields_set_text (f, "profileType", "type-a");
    rsp_operator_call (w->op, address, fn, f, on_reply, w);
    g_assert_true (rsp_loop_run (w->loop, NULL, NULL, -1));
    return w->outcome;
}

static void
set_answer (World *w, guint http, const char *text)
{
    g_clear_pointer (&w->answer, g_bytes_unref);
    w->answer = g_bytes_new (text, strlen (text));
    w->http = http;
}

static void
test_replies (void)
{
    g_autoptr (World) w = world_new ();
    const RspFunction *fn = rsp_function (RSP_FN_ES2P_DOWNLOAD_ORDER);
    g_autoptr (RspFields) good = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    rsp_fields_set_text (good, "iccid", "8988303000000000010");
    w->answer = rsp_fields_encode (good);
    g_assert_cmpstr (order (w, "dp1.example.com"), ==, "8988303000000000010");
    g_bytes_unref (w->answer);
    w->answer = rsp_fields_encode_failed ((RspStatus){"8.2.5", "3.7", "none left"});
    g_assert_cmpstr (order (w, "DP1.example.com"), ==, "8.2.5/3.7");
    g_assert_cmpstr (w->header->str, ==, "mno 3-1 mno 3-2 ");
    set_answer (w, 200, "{\"iccid\":");
    g_assert_cmpstr (order (w, "dp1.example.com"), ==, "undecodable");
    set_answer (w, 503, "");
    g_assert_cmpstr (order (w, "dp1.example.com"), ==, "http 503");
    g_assert_cmpstr (order (w, "nowhere.example.com"), ==, "unresolved");
    rsp_bus_detach (w->bus, "dp1");
    g_assert_cmpstr (order (w, "dp1.example.com"), ==, "link");
}

static void
on_http (const RspReply *reply, gpointer data)
{
    *(guint *)data = reply->http;
}

static guint
tell (World *w, const char *call_id, const char *point, const char *status)
{
    const RspFunction *fn = rsp_function (RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO);
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_REQUEST);
    guint http = 0;
    rsp_fields_set_header (f, "dp1", call_id);
    rsp_fields_set_text (f, "iccid", "8988303000000000010");
    rsp_fields_set_text (f, "profileType", "type-a");
    rsp_fields_set_text (f, "timestamp", "2025-01-01T00:00:00Z");
    rsp_fields_set_text (f, "notificationPointId", point);
    rsp_fields_set_text (f, "notificationPointStatus", status);
    g_autoptr (GBytes) body = rsp_fields_encode (f);
    RspCallOptions options = {0};
    rsp_bus_call (w->bus, "dp1", "mno", fn, body, &options, on_http, &http);
    rsp_loop_run (w->loop, NULL, NULL, -1);
    return http;
}

static void
test_notifications (void)
{
    g_autoptr (World) w = world_new ();
    const char *ok = "{\"status\":\"Executed-Success\"}";
    const char *failed = "{\"status\":\"Failed\",\"statusCodeData\":{\"subjectCode\":\"8.1\","
                         "\"reasonCode\":\"4.8\"}}";
    g_assert_cmpuint (tell (w, "1", "3", ok), ==, 204);
    g_assert_cmpuint (tell (w, "1", "3", ok), ==, 204); /* a repeat is acknowledged, not recorded */
    g_assert_cmpuint (tell (w, "2", "4", failed), ==, 204);
    g_assert_cmpuint (tell (w, "3", "4", "{\"status\":1}"), ==, 200);
    g_assert_cmpuint (tell (w, "4", "99999999999", ok), ==, 200);
    const GPtrArray *all = rsp_operator_notifications (w->op);
    g_assert_cmpuint (all->len, ==, 2);
    const RspOperatorNotification *n = all->pdata[0];
    g_assert_cmpint (n->point, ==, 3);
    g_assert_true (n->success);
    g_assert_null (n->eid);
    n = all->pdata[1];
    g_assert_false (n->success);
    g_assert_cmpstr (n->subject, ==, "8.1");
    g_assert_cmpstr (n->reason, ==, "4.8");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/operator/replies", test_replies);
    g_test_add_func ("/operator/notifications", test_notifications);
    return g_test_run ();
}
