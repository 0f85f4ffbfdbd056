/* Real TLS over the loopback address: the same trace as in memory, refused certificates, doors. */
#include "sim/net/https-private.h"

#include <string.h>

#define START G_GINT64_CONSTANT (1735689600) /* 2025-01-01 */
#define YEAR G_GINT64_CONSTANT (31536000)

typedef struct {
    RspKey *key;
    RspCert *cert;
} Identity;

typedef struct {
    RspLoop *loop;
    RspTrace *trace;
    RspFaults *faults;
    RspBus *bus;
    RspTransport *transport;
    GString *log, *replies, *clients;
    Identity ci, foreign, dp, mno;
    GPtrArray *roots;
    guint served;
    gboolean silent;
    const char *protocol; /* X-Admin-Protocol of visits; NULL: none */
} World;

static void
listen (const RspTraceEvent *e, guint64 seq, gpointer data)
{
    World *w = data;
    g_string_append_printf (w->log,
                            "%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT
                            " %d %s %s %s %d %d %" G_GUINT64_FORMAT " %s %s %s %s %u %.*s\n",
                            seq, rsp_loop_now (w->loop), rsp_trace_cause (w->trace), e->kind,
                            e->function ? e->function->name : "-", e->src, e->dst, e->leg, e->stage,
                            e->xid, e->op, e->key, e->result, e->status.error, e->status.http,
                            (int)e->body.len, (const char *)e->body.data);
}

static void
serve (RspCall *call, gpointer data)
{
    World *w = data;
    w->served++;
    g_string_append_printf (w->clients, "%s ", rsp_call_client (call));
    if (w->silent) {
        rsp_call_abandon (call);
        return;
    }
    if (rsp_call_function (call)->id == RSP_FN_ES9P_HANDLE_NOTIFICATION) {
        rsp_call_reply (call, &(RspOutcome){.http = 204}, NULL);
        return;
    }
    RspSlice s = rsp_slice_of (rsp_call_body (call));
    g_autofree char *text = g_strdup_printf ("{\"got\":%.*s}", (int)s.len, (const char *)s.data);
    g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
    rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    static const char *const kinds[] = {"ok", "timeout", "link", "unresolved", "tls"};
    World *w = data;
    RspSlice s = rsp_slice_of (reply->body);
    g_string_append_printf (w->replies, "%s %u %.*s\n", kinds[reply->kind], reply->http, (int)s.len,
                            s.len ? (const char *)s.data : "");
}

static Identity
identity (guint64 serial, RspRole role, const char *name, const char *dns, const Identity *issuer,
          gint64 from, gint64 to)
{
    g_autoptr (RspRng) rng = rsp_rng_new (serial, name, "key", 0);
    g_autoptr (GError) error = NULL;
    Identity id = {.key = rsp_key_generate (rng)};
    RspCertSpec spec = {.role = role,
                        .common_name = name,
                        .organization = "Test",
                        .oid = role == RSP_ROLE_NONE ? NULL : "2.999.10",
                        .dns = dns,
                        .serial = serial,
                        .not_before = from,
                        .not_after = to,
                        .point = RSP_SLICE (rsp_key_point (id.key), RSP_POINT_SIZE)};
    id.cert =
        rsp_cert_issue (&spec, issuer ? issuer->cert : NULL, issuer ? issuer->key : id.key, &error);
    g_assert_no_error (error);
    return id;
}

static void
identity_clear (Identity *id)
{
    rsp_cert_unref (id->cert);
    rsp_key_free (id->key);
}

static void
show (World *w, const char *name, const Identity *id, GPtrArray *roots)
{
    rsp_bus_set_credential (
        w->bus, name,
        &(RspCredential){.cert = id ? id->cert : NULL, .key = id ? id->key : NULL, .roots = roots});
}

static World *
world_new (gboolean https)
{
    World *w = g_new0 (World, 1);
    w->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, START * G_USEC_PER_SEC);
    w->trace = rsp_trace_new (w->loop, NULL, (RspTraceOptions){0}, NULL);
    w->faults = rsp_faults_new (rsp_rng_new (1, "faults", "test", 0));
    w->bus = rsp_bus_new (w->loop, w->trace, w->faults);
    w->log = g_string_new (NULL);
    w->replies = g_string_new (NULL);
    w->clients = g_string_new (NULL);
    rsp_trace_listen (w->trace, listen, w);
    w->ci = identity (1, RSP_ROLE_CI, "CI", NULL, NULL, START - YEAR, START + 10 * YEAR);
    w->foreign = identity (2, RSP_ROLE_CI, "Other", NULL, NULL, START - YEAR, START + 10 * YEAR);
    w->dp = identity (3, RSP_ROLE_DP_TLS, "dp1.example.com", "dp1.example.com", &w->ci,
                      START - 86400, START + YEAR);
    w->mno = identity (4, RSP_ROLE_NONE, "mno", NULL, &w->ci, START - 86400, START + YEAR);
    w->roots = g_ptr_array_new ();
    g_ptr_array_add (w->roots, w->ci.cert);
    rsp_bus_attach (w->bus, "dp1", serve, w);
    rsp_bus_add_address (w->bus, "dp1.example.com", "dp1");
    show (w, "dp1", &w->dp, w->roots);
    show (w, "phone", NULL, w->roots);
    show (w, "mno", &w->mno, w->roots);
    if (https) {
        g_autoptr (GError) error = NULL;
        w->transport = rsp_https_transport_new (w->bus, w->loop, &error);
        g_assert_no_error (error);
        rsp_bus_set_transport (w->bus, w->transport);
    }
    return w;
}

static void
world_free (World *w)
{
    rsp_bus_set_transport (w->bus, NULL);
    rsp_https_transport_free (w->transport);
    rsp_bus_free (w->bus);
    rsp_faults_free (w->faults);
    rsp_trace_free (w->trace);
    rsp_loop_free (w->loop);
    g_ptr_array_unref (w->roots);
    identity_clear (&w->ci);
    identity_clear (&w->foreign);
    identity_clear (&w->dp);
    identity_clear (&w->mno);
    g_string_free (w->log, TRUE);
    g_string_free (w->replies, TRUE);
    g_string_free (w->clients, TRUE);
    g_free (w);
}

static void
call (World *w, const char *src, RspFunctionId id, const char *text)
{
    g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
    rsp_bus_call (w->bus, src, "dp1.example.com", rsp_function (id), body,
                  &(RspCallOptions){.timeout = 5 * G_USEC_PER_SEC}, on_reply, w);
}

static void
fault (World *w, RspFaultAction action, RspLeg leg, guint nth, guint status)
{
    RspFault *f = g_new0 (RspFault, 1);
    f->name = g_strdup ("f");
    f->action = action;
    f->leg = leg;
    f->nth = nth;
    f->status = status;
    f->function = rsp_function (RSP_FN_ES9P_AUTHENTICATE_CLIENT);
    rsp_faults_add (w->faults, f);
}

static void
run (World *w)
{
    rsp_loop_run (w->loop, NULL, NULL, -1);
    g_assert_cmpuint (rsp_bus_in_flight (w->bus), ==, 0);
}

/* Everything at once: several calls under way, faults of every kind that HTTP can show. */
static void
drive (World *w)
{
    static const guint statuses[] = {503, 301, 204, 101};
    for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
        fault (w, RSP_FAULT_HTTP_STATUS, RSP_LEG_RESPONSE, 2 + i, statuses[i]);
    fault (w, RSP_FAULT_DROP, RSP_LEG_REQUEST, 6, 0);
    fault (w, RSP_FAULT_DROP, RSP_LEG_RESPONSE, 7, 0);
    fault (w, RSP_FAULT_CUT_LINK, RSP_LEG_REQUEST, 8, 0);
    fault (w, RSP_FAULT_CUT_LINK, RSP_LEG_RESPONSE, 9, 0);
    fault (w, RSP_FAULT_DUPLICATE, RSP_LEG_REQUEST, 10, 0);
    fault (w, RSP_FAULT_DUPLICATE, RSP_LEG_RESPONSE, 11, 0);
    fault (w, RSP_FAULT_CORRUPT, RSP_LEG_REQUEST, 12, 0);
    fault (w, RSP_FAULT_REORDER, RSP_LEG_RESPONSE, 13, 0);
    call (w, "phone", RSP_FN_ES9P_INITIATE_AUTHENTICATION, "{\"a\":1}");
    call (w, "mno", RSP_FN_ES2P_DOWNLOAD_ORDER, "{\"b\":1}");
    run (w);
    for (guint i = 1; i <= 14; i++) {
        g_autofree char *text = g_strdup_printf ("{\"n\":%u}", i);
        call (w, "phone", RSP_FN_ES9P_AUTHENTICATE_CLIENT, text);
    }
    run (w);
    call (w, "phone", RSP_FN_ES9P_HANDLE_NOTIFICATION, "{}");
    call (w, "phone", RSP_FN_ES9P_INITIATE_AUTHENTICATION, "");
    w->silent = TRUE;
    call (w, "phone", RSP_FN_ES9P_CANCEL_SESSION, "{\"c\":1}");
    run (w);
    rsp_bus_detach (w->bus, "dp1");
    call (w, "phone", RSP_FN_ES9P_CANCEL_SESSION, "{\"d\":1}");
    run (w);
}

static void
test_same_trace (void)
{
    World *memory = world_new (FALSE);
    drive (memory);
    g_autofree char *log = g_strdup (memory->log->str);
    g_autofree char *replies = g_strdup (memory->replies->str);
    g_autofree char *clients = g_strdup (memory->clients->str);
    guint served = memory->served;
    world_free (memory);

    World *https = world_new (TRUE);
    drive (https);
    g_assert_cmpstr (https->replies->str, ==, replies);
    g_assert_cmpstr (https->clients->str, ==, clients);
    g_assert_cmpstr (https->log->str, ==, log);
    g_assert_cmpuint (https->served, ==, served);
    g_assert_nonnull (strstr (replies, "ok 200 {\"got\":{\"a\":1}}\n"));
    g_assert_nonnull (strstr (replies, "ok 503 \n"));
    g_assert_nonnull (strstr (replies, "ok 301 \n"));
    g_assert_nonnull (strstr (replies, "timeout 0 \n"));
    g_assert_nonnull (strstr (replies, "link 0 \n"));
    g_assert_nonnull (strstr (clients, "mno "));
    g_assert_nonnull (strstr (log, "chain dp1 TLS ok"));
    g_assert_nonnull (strstr (log, "chain mno TLS ok"));
    world_free (https);
}

typedef struct {
    const char *what;
    gboolean https;
} Refusal;

static void
test_refused (gconstpointer data)
{
    const Refusal *r = data;
    World *w = world_new (r->https);
    Identity bad = {0};
    RspFunctionId id = RSP_FN_ES9P_INITIATE_AUTHENTICATION;
    const char *src = "phone";
    if (strcmp (r->what, "name") == 0) {
        bad = identity (9, RSP_ROLE_DP_TLS, "dp2", "dp2.example.com", &w->ci, START - 86400,
                        START + YEAR);
        show (w, "dp1", &bad, w->roots);
    } else if (strcmp (r->what, "time") == 0) {
        bad = identity (9, RSP_ROLE_DP_TLS, "dp1", "dp1.example.com", &w->ci, START - YEAR,
                        START - 86400);
        show (w, "dp1", &bad, w->roots);
    } else if (strcmp (r->what, "ciUnknown") == 0) {
        bad = identity (9, RSP_ROLE_DP_TLS, "dp1", "dp1.example.com", &w->foreign, START - 86400,
                        START + YEAR);
        show (w, "dp1", &bad, w->roots);
    } else {
        bad = identity (9, RSP_ROLE_NONE, "mno", NULL, &w->foreign, START - 86400, START + YEAR);
        show (w, "mno", &bad, w->roots);
        id = RSP_FN_ES2P_DOWNLOAD_ORDER;
        src = "mno";
    }
    call (w, src, id, "{}");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "tls 0 \n");
    g_assert_cmpuint (w->served, ==, 0);
    gboolean client = strcmp (r->what, "client") == 0;
    g_autofree char *event =
        g_strdup_printf ("chain %s TLS %s", client ? "mno" : "dp1", client ? "ciUnknown" : r->what);
    g_assert_nonnull (strstr (w->log->str, event));

    /* With good certificates again, all is well. */
    show (w, "dp1", &w->dp, w->roots);
    show (w, "mno", &w->mno, w->roots);
    call (w, src, id, "{}");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "tls 0 \nok 200 {\"got\":{}}\n");
    world_free (w);
    identity_clear (&bad);
}

/* A certificate that was good at the first connection ages by the virtual clock. */
static void
test_ageing (void)
{
    World *w = world_new (TRUE);
    call (w, "phone", RSP_FN_ES9P_INITIATE_AUTHENTICATION, "{}");
    run (w);
    rsp_loop_step_wall (w->loop, 2 * YEAR * G_USEC_PER_SEC);
    call (w, "phone", RSP_FN_ES9P_AUTHENTICATE_CLIENT, "{}"); /* the connection stands */
    run (w);
    call (w, "phone", RSP_FN_ES9P_INITIATE_AUTHENTICATION, "{}");
    run (w);
    g_assert_cmpstr (w->replies->str, ==, "ok 200 {\"got\":{}}\nok 200 {\"got\":{}}\ntls 0 \n");
    g_assert_nonnull (strstr (w->log->str, "chain dp1 TLS time"));
    world_free (w);
}

static void
test_freed_in_flight (void)
{
    World *w = world_new (TRUE);
    w->silent = TRUE;
    call (w, "phone", RSP_FN_ES9P_INITIATE_AUTHENTICATION, "{}");
    rsp_loop_run (w->loop, NULL, NULL, 30000);
    g_assert_cmpuint (w->served, ==, 1);
    call (w, "phone", RSP_FN_ES9P_INITIATE_AUTHENTICATION, "{}");
    world_free (w); /* the leak checker judges */
}

/* Each session opens a connection; the ones before it must not pile up. */
static void
test_many_sessions (void)
{
    World *w = world_new (TRUE);
    for (guint i = 0; i < 60; i++) {
        call (w, "phone", RSP_FN_ES9P_INITIATE_AUTHENTICATION, "{}");
        call (w, "phone", RSP_FN_ES9P_AUTHENTICATE_CLIENT, "{}");
        run (w);
    }
    g_autoptr (GDir) open_files = g_dir_open ("/proc/self/fd", 0, NULL);
    guint n = 0;
    while (open_files && g_dir_read_name (open_files))
        n++;
    g_assert_cmpuint (n, <, 40);
    g_assert_cmpuint (w->served, ==, 120);
    world_free (w);
}

/* Doors ------------------------------------------------------------------------------------------
 */

typedef struct {
    gboolean ended;
    guint status;
    GBytes *body;
    GError *error;
    SoupMessage *message;
} Visit;

static void
on_visit (GObject *session, GAsyncResult *result, gpointer data)
{
    Visit *v = data;
    v->body = soup_session_send_and_read_finish (SOUP_SESSION (session), result, &v->error);
    v->status = soup_message_get_status (v->message);
    v->ended = TRUE;
}

static gboolean
has_ended (gpointer data)
{
    return ((Visit *)data)->ended;
}

static RspChainResult
trust (GBytes *der, gpointer data)
{
    return RSP_CHAIN_OK;
}

static guint
visit (World *w, guint port, const char *method, const char *path, const char *type,
       const char *text, gsize len, GTlsCertificate *certificate, char **ret_body)
{
    g_autoptr (GTlsDatabase) database = rsp_tls_database_new (trust, NULL);
    g_autoptr (SoupSession) session =
        soup_session_new_with_options ("tls-database", database, "proxy-resolver", NULL, NULL);
    g_autofree char *uri = g_strdup_printf ("https://127.0.0.1:%u%s", port, path);
    Visit v = {.message = soup_message_new (method, uri)};
    if (text) {
        g_autoptr (GBytes) body = g_bytes_new (text, len);
        soup_message_set_request_body_from_bytes (v.message, type, body);
    }
    if (certificate)
        soup_message_set_tls_client_certificate (v.message, certificate);
    if (w->protocol)
        soup_message_headers_replace (soup_message_get_request_headers (v.message),
                                      "X-Admin-Protocol", w->protocol);
    soup_session_send_and_read_async (session, v.message, 0, NULL, on_visit, &v);
    rsp_loop_run (w->loop, has_ended, &v, 20 * G_USEC_PER_SEC);
    g_assert_true (v.ended);
    if (ret_body)
        *ret_body =
            v.body ? g_strndup (g_bytes_get_data (v.body, NULL), g_bytes_get_size (v.body)) : NULL;
    g_clear_pointer (&v.body, g_bytes_unref);
    guint status = v.error ? 0 : v.status;
    g_clear_error (&v.error);
    g_object_unref (v.message);
    return status;
}

static World *
door_world (RspDoor **ret_door, guint *ret_port)
{
    World *w = world_new (FALSE);
    rsp_bus_free (w->bus);
    rsp_trace_free (w->trace);
    rsp_loop_free (w->loop);
    w->loop = rsp_loop_new (RSP_CLOCK_REAL, START * G_USEC_PER_SEC);
    w->trace = rsp_trace_new (w->loop, NULL, (RspTraceOptions){0}, NULL);
    w->bus = rsp_bus_new (w->loop, w->trace, w->faults);
    rsp_bus_set_latency (w->bus, 0, 0, 0);
    rsp_bus_attach (w->bus, "dp1", serve, w);
    g_autoptr (GError) error = NULL;
    *ret_door =
        rsp_door_open (w->bus, w->loop, "dp1",
                       &(RspCredential){.cert = w->dp.cert, .key = w->dp.key, .roots = w->roots}, 0,
                       ret_port, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (*ret_port, >, 0);
    return w;
}

#define INITIATE "/gsma/rsp2/es9plus/initiateAuthentication"
#define ORDER "/gsma/rsp2/es2plus/downloadOrder"
#define JSON "application/json"

static void
test_door (void)
{
    RspDoor *door;
    guint port;
    World *w = door_world (&door, &port);
    g_autofree char *body = NULL;
    g_assert_cmpuint (visit (w, port, "POST", INITIATE, JSON, "{\"x\":1}", 7, NULL, &body), ==,
                      200);
    g_assert_cmpstr (body, ==, "{\"got\":{\"x\":1}}");
    g_assert_cmpuint (visit (w, port, "GET", INITIATE, NULL, NULL, 0, NULL, NULL), ==, 405);
    g_assert_cmpuint (visit (w, port, "POST", "/elsewhere", JSON, "{}", 2, NULL, NULL), ==, 404);
    g_assert_cmpuint (visit (w, port, "POST", INITIATE, "text/plain", "{}", 2, NULL, NULL), ==,
                      415);
    g_assert_cmpuint (w->served, ==, 1);

    gsize limit = 4u << 20;
    g_autofree char *large = g_malloc (limit + 1);
    memset (large, 'x', limit + 1);
    g_assert_cmpuint (visit (w, port, "POST", INITIATE, JSON, large, limit + 1, NULL, NULL), ==,
                      413);
    g_assert_cmpuint (w->served, ==, 1);
    g_assert_cmpuint (visit (w, port, "POST", INITIATE, JSON, large, limit, NULL, NULL), ==, 200);
    g_assert_cmpuint (w->served, ==, 2);

    rsp_bus_detach (w->bus, "dp1");
    g_assert_cmpuint (visit (w, port, "POST", INITIATE, JSON, "{}", 2, NULL, NULL), ==, 502);
    rsp_door_close (door);
    world_free (w);
}

#define ASN1 "application/x-gsma-rsp-asn1"
#define GET_EIM_PACKAGE "\xbf\x4f\x03\x02\x01\x01"

static void
test_door_asn1 (void)
{
    RspDoor *door;
    guint port;
    World *w = door_world (&door, &port);
    const char *path = "/gsma/rsp2/asn1";
    g_assert_cmpuint (visit (w, port, "POST", path, ASN1, GET_EIM_PACKAGE, 6, NULL, NULL), ==, 400);
    w->protocol = "gsma/rsp/x2.1.0";
    g_assert_cmpuint (visit (w, port, "POST", path, ASN1, GET_EIM_PACKAGE, 6, NULL, NULL), ==, 400);
    w->protocol = "gsma/rsp/v2.1.0";
    g_assert_cmpuint (visit (w, port, "POST", path, JSON, GET_EIM_PACKAGE, 6, NULL, NULL), ==, 415);
    g_assert_cmpuint (visit (w, port, "POST", path, ASN1, "\xbf\x4f\x03", 3, NULL, NULL), ==, 400);
    g_assert_cmpuint (visit (w, port, "POST", path, ASN1, "\xbf\x51\x00", 3, NULL, NULL), ==, 400);
    g_assert_cmpuint (visit (w, port, "GET", path, NULL, NULL, 0, NULL, NULL), ==, 405);
    g_assert_cmpuint (w->served, ==, 0);
    g_autofree char *body = NULL;
    g_assert_cmpuint (visit (w, port, "POST", path, ASN1, GET_EIM_PACKAGE, 6, NULL, &body), ==,
                      200);
    g_assert_cmpuint (w->served, ==, 1);
    rsp_door_close (door);
    world_free (w);
}

static void
test_door_client (void)
{
    RspDoor *door;
    guint port;
    World *w = door_world (&door, &port);
    g_autoptr (GTlsCertificate) good =
        rsp_tls_certificate (&(RspCredential){.cert = w->mno.cert, .key = w->mno.key}, NULL);
    Identity stranger =
        identity (9, RSP_ROLE_NONE, "mno", NULL, &w->foreign, START - 86400, START + YEAR);
    g_autoptr (GTlsCertificate) bad =
        rsp_tls_certificate (&(RspCredential){.cert = stranger.cert, .key = stranger.key}, NULL);
    g_assert_cmpuint (visit (w, port, "POST", ORDER, JSON, "{}", 2, good, NULL), ==, 200);
    g_assert_cmpstr (w->clients->str, ==, "mno ");
    g_assert_cmpuint (visit (w, port, "POST", ORDER, JSON, "{}", 2, NULL, NULL), ==, 200);
    g_assert_cmpstr (w->clients->str, ==, "mno (null) ");
    g_assert_cmpuint (visit (w, port, "POST", ORDER, JSON, "{}", 2, bad, NULL), ==, 0);
    g_assert_cmpuint (w->served, ==, 2);
    rsp_door_close (door);
    identity_clear (&stranger);
    world_free (w);
}

int
main (int argc, char **argv)
{
    static const Refusal refusals[] = {{"name", TRUE},       {"time", TRUE},   {"ciUnknown", TRUE},
                                       {"client", TRUE},     {"name", FALSE},  {"time", FALSE},
                                       {"ciUnknown", FALSE}, {"client", FALSE}};
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/https/same-trace", test_same_trace);
    for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
        g_autofree char *path = g_strdup_printf ("/https/refused/%s/%s", refusals[i].what,
                                                 refusals[i].https ? "https" : "memory");
        g_test_add_data_func (path, &refusals[i], test_refused);
    }
    g_test_add_func ("/https/ageing", test_ageing);
    g_test_add_func ("/https/freed-in-flight", test_freed_in_flight);
    g_test_add_func ("/https/many-sessions", test_many_sessions);
    g_test_add_func ("/https/door", test_door);
    g_test_add_func ("/https/door-asn1", test_door_asn1);
    g_test_add_func ("/https/door-client", test_door_client);
    return g_test_run ();
}
