#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>

#include "sim/net/trace-json.h"
#include "sim/net/trace.h"

typedef struct {
    RspLoop *loop;
    RspTrace *trace;
    char *path;
} Set;

static void
open_trace (Set *set, gboolean bodies, gboolean secrets)
{
    g_autoptr (GError) error = NULL;
    int fd = g_file_open_tmp ("rspsim-trace-XXXXXX", &set->path, &error);

    g_assert_no_error (error);
    g_close (fd, NULL);
    g_chmod (set->path, 0644);
    set->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    set->trace = rsp_trace_new (set->loop, set->path, (RspTraceOptions){bodies, secrets}, &error);
    g_assert_no_error (error);
}

/* The file's text, every line of which a JSON reader has taken. */
static char *
close_trace (Set *set)
{
    g_autoptr (GError) error = NULL;
    g_auto (GStrv) lines = NULL;
    char *text = NULL;

    g_assert_true (rsp_trace_close (set->trace, &error));
    g_assert_no_error (error);
    rsp_trace_free (set->trace);
    rsp_loop_free (set->loop);
    g_assert_true (g_file_get_contents (set->path, &text, NULL, NULL));
    lines = g_strsplit (text, "\n", -1);
    for (guint i = 0; lines[i] && *lines[i]; i++) {
        json_t *json = json_loads (lines[i], JSON_REJECT_DUPLICATES, NULL);
        g_assert_nonnull (json);
        json_decref (json);
    }
    g_unlink (set->path);
    g_free (set->path);
    return text;
}

static const RspFunction function = {
    .interface_name = "ES9+", .name = "InitiateAuthentication", .spec = "SGP.22 5.6.1"};

static void
test_line (void)
{
    Set set;
    g_autofree char *text = NULL;
    static const guint8 secret[32] = {1};
    RspTraceEvent event = {
        .kind = RSP_TRACE_MESSAGE,
        .function = &function,
        .src = "phone",
        .dst = "dp1",
        .leg = RSP_LEG_RESPONSE,
        .stage = RSP_STAGE_SENT,
        .xid = 7,
        .transaction_id = "0A",
        .has_body = TRUE,
        .encoding = RSP_ENC_JSON,
        .body = RSP_SLICE ("{\"a\":\"b\\n\"}", 11),
        .plain = RSP_SLICE ("\1\2", 2),
        .status = {200, 0x6a80, "8.1.1", "3.8", "timeout"},
        .state_object = "order",
        .state_from = "a",
        .state_to = "b",
        .fault_name = "f",
        .fault_action = "drop",
        .op = "sign",
        .key = "k",
        .result = "ok",
        .shared_secret = secret,
    };

    open_trace (&set, TRUE, FALSE);
    g_assert_cmpuint (rsp_trace_event (set.trace, &(RspTraceEvent){.kind = RSP_TRACE_RUN,
                                                                   .extra = "\"seed\":42"}),
                      ==, 0);
    rsp_trace_set_step (set.trace, "a.yaml:3");
    g_assert_cmpuint (rsp_trace_set_cause (set.trace, 5), ==, 0);
    g_assert_cmpuint (rsp_trace_event (set.trace, &event), ==, 1);
    text = close_trace (&set);
    g_assert_cmpstr (
        text, ==,
        "{\"v\":1,\"seq\":0,\"t\":0,\"kind\":\"run\",\"seed\":42}\n"
        "{\"v\":1,\"seq\":1,\"t\":0,\"step\":\"a.yaml:3\",\"cause\":5,\"kind\":\"message\","
        "\"interface\":\"ES9+\",\"function\":\"InitiateAuthentication\",\"spec\":\"SGP.22 5.6.1\","
        "\"src\":\"phone\",\"dst\":\"dp1\",\"leg\":\"response\",\"stage\":\"sent\",\"xid\":7,"
        "\"transactionId\":\"0A\",\"encoding\":\"json\",\"bytes\":11,\"sha256\":"
        "\"7d006208a2ab09fd5bbb71075ea0af8da4e16abf0476c052f536be0a33ca1b03\","
        "\"body\":\"{\\\"a\\\":\\\"b\\\\n\\\"}\",\"plain\":\"0102\",\"status\":{\"http\":200,"
        "\"sw\":\"6a80\",\"subject\":\"8.1.1\",\"reason\":\"3.8\",\"error\":\"timeout\"},"
        "\"state\":{\"object\":\"order\",\"from\":\"a\",\"to\":\"b\"},"
        "\"fault\":{\"name\":\"f\",\"action\":\"drop\"},\"op\":\"sign\",\"key\":\"k\","
        "\"result\":\"ok\"}\n");
}

/* Text of the one line that BODY makes. */
static char *
line_of (RspEncoding encoding, const char *body, gsize len, gboolean bodies)
{
    Set set;
    open_trace (&set, bodies, FALSE);
    rsp_trace_event (set.trace, &(RspTraceEvent){.kind = RSP_TRACE_MESSAGE,
                                                 .has_body = TRUE,
                                                 .encoding = encoding,
                                                 .body = RSP_SLICE (body, len)});
    return close_trace (&set);
}

static void
assert_content (RspEncoding encoding, const char *body, gsize len, const char *expected)
{
    g_autofree char *line = line_of (encoding, body, len, TRUE);
    g_autofree char *sum =
        g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guint8 *)body, len);
    g_assert_nonnull (strstr (line, expected));
    g_assert_nonnull (strstr (line, sum));
}

static void
test_content (void)
{
    g_autofree char *left_out = line_of (RSP_ENC_DER, "\1", 1, FALSE);

    assert_content (RSP_ENC_JSON, "", 0, "\"encoding\":\"json\",\"bytes\":0");
    assert_content (RSP_ENC_JSON, "", 0, "\"body\":\"\"");
    assert_content (RSP_ENC_DER, "\x30\x00", 2, "\"encoding\":\"der\",\"bytes\":2");
    assert_content (RSP_ENC_DER, "\x30\x00", 2, "\"body\":\"3000\"");
    assert_content (RSP_ENC_JSON, "{\"a\":", 5, "\"encoding\":\"raw\"");
    assert_content (RSP_ENC_JSON, "{\"a\":", 5, "\"body\":\"7b2261223a\"");
    assert_content (RSP_ENC_JSON, "\"\xff\"", 3, "\"body\":\"22ff22\"");
    assert_content (RSP_ENC_JSON, "\"\xc2\x9b\x7f\xc3\xa9\"", 7,
                    "\"body\":\"\\\"\\u009b\\u007f\xc3\xa9\\\"\"");
    g_assert_null (strstr (left_out, "\"body\""));
    g_assert_nonnull (strstr (left_out, "\"sha256\""));
}

/* The same address with other octets is another body. */
static void
test_reused_memory (void)
{
    Set set;
    char body[64];
    g_autofree char *text = NULL;
    RspTraceEvent event = {.kind = RSP_TRACE_MESSAGE,
                           .has_body = TRUE,
                           .omit_body = TRUE,
                           .encoding = RSP_ENC_DER,
                           .body = RSP_SLICE (body, sizeof body)};

    open_trace (&set, TRUE, FALSE);
    for (int i = 0; i < 2; i++) {
        memset (body, i, sizeof body);
        rsp_trace_event (set.trace, &event);
        rsp_trace_event (set.trace, &event);
    }
    text = close_trace (&set);
    for (int i = 0; i < 2; i++) {
        memset (body, i, sizeof body);
        g_autofree char *sum =
            g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guint8 *)body, sizeof body);
        const char *first = strstr (text, sum);
        g_assert_nonnull (first);
        g_assert_nonnull (strstr (first + 1, sum));
    }
}

static void
test_secrets (void)
{
    static const guint8 key[32] = {0xab};
    Set set;
    GStatBuf st;
    g_autofree char *text = NULL;

    open_trace (&set, TRUE, TRUE);
    g_assert_cmpint (g_stat (set.path, &st), ==, 0);
    g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
    rsp_trace_event (set.trace, &(RspTraceEvent){.kind = RSP_TRACE_CRYPTO,
                                                 .op = "ecka",
                                                 .shared_secret = key,
                                                 .s_enc = key,
                                                 .s_mac = key});
    text = close_trace (&set);
    g_assert_nonnull (strstr (text, "\"secret\":{\"shared_secret\":\"ab0000"));
    g_assert_nonnull (strstr (text, "\"s_enc\":\"ab000000000000000000000000000000\",\"s_mac\":"));
}

static void
hear (const RspTraceEvent *event, guint64 seq, gpointer data)
{
    *(guint64 *)data = seq + 100;
}

static void
test_listeners (void)
{
    g_autoptr (RspLoop) loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    g_autoptr (RspTrace) trace = rsp_trace_new (loop, NULL, (RspTraceOptions){0}, NULL);
    guint64 heard = 0;

    g_assert_false (rsp_trace_active (trace));
    rsp_trace_event (trace, &(RspTraceEvent){0});
    rsp_trace_listen (trace, hear, &heard);
    g_assert_true (rsp_trace_active (trace));
    rsp_trace_event (trace, &(RspTraceEvent){0});
    g_assert_cmpuint (heard, ==, 101);
    g_assert_cmpuint (rsp_trace_event (NULL, &(RspTraceEvent){0}), ==, 0);
    g_assert_false (rsp_trace_active (NULL));
    rsp_trace_set_step (NULL, "x");
}

/* Who serves in real time sees each event at once. */
static void
test_real_time (void)
{
    Set set;
    g_autofree char *early = NULL, *text = NULL;

    open_trace (&set, TRUE, FALSE);
    rsp_trace_event (set.trace, &(RspTraceEvent){0});
    g_assert_true (g_file_get_contents (set.path, &early, NULL, NULL));
    g_assert_cmpstr (early, ==, "");
    g_free (close_trace (&set));
    set.loop = rsp_loop_new (RSP_CLOCK_REAL, 0);
    g_clear_pointer (&early, g_free);
    set.path = g_build_filename (g_get_tmp_dir (), "rspsim-trace-real.jsonl", NULL);
    set.trace = rsp_trace_new (set.loop, set.path, (RspTraceOptions){0}, NULL);
    rsp_trace_event (set.trace, &(RspTraceEvent){0});
    g_assert_true (g_file_get_contents (set.path, &early, NULL, NULL));
    text = close_trace (&set);
    g_assert_cmpuint (strlen (early), >, 0);
    g_assert_cmpstr (early, ==, text);
}

static void
test_errors (void)
{
    g_autoptr (RspLoop) loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    g_autoptr (GError) error = NULL;
    g_autoptr (RspTrace) trace = NULL;

    g_assert_null (rsp_trace_new (loop, "/nowhere/at/all", (RspTraceOptions){0}, &error));
    g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_clear_error (&error);
    if (!g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
        return;
    trace = rsp_trace_new (loop, "/dev/full", (RspTraceOptions){0}, &error);
    rsp_trace_event (trace, &(RspTraceEvent){0});
    g_assert_false (rsp_trace_close (trace, &error));
    g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
}

/* Against jansson, an independent reader. */
static void
test_well_formed (void)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " { \"a\" : [ 1 , -2.5e+3 , true , null , \"\\u00e9\\n\" ] } ",
        "1",
        "\"x\"",
        "0",
        "-0",
        "[[],{}]",
        "{\"a\":{\"b\":[]}}",
        "01",
        "1.",
        "-",
        "1e",
        "tru",
        "truex",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\x01\"",
        "{",
        "}",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{1:2}",
        "[1 2]",
        "[}",
        "{]",
        "1 2",
        " ",
        "{\"a\":1]",
        "\"\xc3\"",
        "\"\xc3\xa9\"",
        "\xc3\xa9",
        "\"\xed\xa0\x80\"",
        "nul",
        "[\"]\"]",
        "// x",
        "'a'",
        "[1][2]",
        "{\"a\":1}{",
        "\"aaaaaaaaaaaaaaaaaaaa\\\"bbbbbbbb\"",
        "\"\xf0\x9f\x98\x80\"",
        "+1",
        ".5",
    };
    g_autofree char *deep = g_strnfill (1000000, '[');

    for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
        json_t *json = json_loads (texts[i], JSON_DECODE_ANY, NULL);
        g_test_message ("text %u", i);
        g_assert_true (rsp_json_well_formed (RSP_SLICE (texts[i], strlen (texts[i]))) ==
                       (json != NULL));
        json_decref (json);
    }
    g_assert_false (rsp_json_well_formed (RSP_SLICE ("", 0)));
    g_assert_false (rsp_json_well_formed (RSP_SLICE ("\"a\0\"", 4)));
    g_assert_false (rsp_json_well_formed (RSP_SLICE (deep, 1000000)));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/trace/line", test_line);
    g_test_add_func ("/trace/content", test_content);
    g_test_add_func ("/trace/reused-memory", test_reused_memory);
    g_test_add_func ("/trace/secrets", test_secrets);
    g_test_add_func ("/trace/listeners", test_listeners);
    g_test_add_func ("/trace/real-time", test_real_time);
    g_test_add_func ("/trace/errors", test_errors);
    g_test_add_func ("/trace/well-formed", test_well_formed);
    return g_test_run ();
}
