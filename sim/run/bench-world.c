#include "sim/run/bench.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PACKAGE "profiles/consumer-test.yaml"

static char *
world_text (guint n)
{
    GString *out = g_string_new (
        "world:\n  seed: 1\n  start: \"2025-01-01T00:00:00Z\"\n  actors:\n"
        "    ci: {role: ci}\n    eum: {role: eum, certified-by: ci}\n"
        "    mno: {role: operator, certified-by: ci}\n"
        "    card: {role: euicc, certified-by: eum, eid: \"89049032001234000000000000000141\"}\n"
        "    phone: {role: lpa, euicc: card}\n"
        "    dp1:\n      role: smdpp\n      certified-by: ci\n      fqdn: dp1.example.com\n"
        "      profiles:\n");
    for (guint i = 0; i < n; i++)
        g_string_append_printf (
            out, "        - {iccid: \"8988303000001%06u\", type: bench, package: " PACKAGE "}\n",
            i);
    g_string_append (out, "      orders:\n");
    for (guint i = 0; i < n; i++)
        g_string_append_printf (
            out, "        - {iccid: \"8988303000001%06u\", matchingId: BENCH-%u}\n", i, i);
    return g_string_free (out, FALSE);
}

static RspScenario *
load_world (guint n, GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *text = world_text (n);
    int fd = g_file_open_tmp ("rspsim-bench-XXXXXX.yaml", &path, error);
    if (fd < 0)
        return NULL;
    close (fd);
    RspScenario *scenario =
        g_file_set_contents (path, text, -1, error) ? rsp_scenario_load_world (path, error) : NULL;
    g_unlink (path);
    return scenario;
}

gboolean
rsp_bench_world_start (RspBenchWorld *b, const RspBenchOptions *options, GError **error)
{
    b->scenario = load_world (RSP_BENCH_DOWNLOADS, error);
    if (!b->scenario)
        return FALSE;
    b->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, rsp_world_start (b->scenario));
    if (options->trace) {
        const RspTraceOptions trace = {.bodies = TRUE};
        b->trace = rsp_trace_new (b->loop, options->trace, trace, error);
        if (!b->trace)
            return FALSE;
    }
    const RspWorldOptions world = {
        .loop = b->loop, .trace = b->trace, .seed = -1, .https = options->https};
    b->world = rsp_world_new (b->scenario, &world, error);
    return b->world && rsp_world_begin (b->world, error) &&
           rsp_world_place_orders (b->world, error);
}

void
rsp_bench_world_stop (RspBenchWorld *b)
{
    g_clear_pointer (&b->world, rsp_world_free);
    g_clear_pointer (&b->trace, rsp_trace_free);
    g_clear_pointer (&b->loop, rsp_loop_free);
    g_clear_pointer (&b->scenario, rsp_scenario_free);
}

gsize
rsp_bench_profile_size (const RspBenchWorld *b)
{
    const RspWorldPackage *p = b->world->packages->pdata[0];
    return g_bytes_get_size (p->package->upp);
}

typedef struct {
    gboolean done, ok;
    char *why;
} Ended;

static void
on_download (const RspLpaOutcome *outcome, gpointer data)
{
    Ended *ended = data;
    ended->done = TRUE;
    ended->ok = outcome->ok && outcome->pending == 0;
    if (!ended->ok)
        ended->why = g_strdup_printf ("%s: %s", outcome->step ? outcome->step : "end",
                                      outcome->error ? outcome->error : "notification pending");
}

static gboolean
is_done (gpointer data)
{
    return ((Ended *)data)->done;
}

static void
start_download (RspBenchWorld *b, guint index, Ended *ended)
{
    g_autofree char *code = g_strdup_printf ("LPA:1$dp1.example.com$BENCH-%u", index);
    const RspLpaDownload download = {.activation_code = code};
    rsp_lpa_download (rsp_world_actor (b->world, "phone")->lpa, &download, on_download, ended);
}

gboolean
rsp_bench_download (RspBenchWorld *b, guint index, gint64 *ret_us, GError **error)
{
    Ended ended = {0};
    gint64 before = rsp_stopwatch_us ();
    start_download (b, index, &ended);
    rsp_loop_run (b->loop, is_done, &ended, -1);
    *ret_us = rsp_stopwatch_us () - before;
    g_autofree char *why = ended.why;
    if (!ended.ok)
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "a download failed: %s",
                     why ? why : "it came to no end");
    return ended.ok;
}

static void
on_event (const RspTraceEvent *event, guint64 seq, gpointer data)
{
    if (event->kind == RSP_TRACE_MESSAGE && strcmp (event->src, "phone") == 0)
        ((Ended *)data)->done = TRUE;
}

gboolean
rsp_bench_first_message (GError **error)
{
    g_auto (RspBenchWorld) b = {0};
    Ended first = {0}, ended = {0};
    b.scenario = load_world (1, error);
    if (!b.scenario)
        return FALSE;
    b.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, rsp_world_start (b.scenario));
    b.trace = rsp_trace_new (b.loop, NULL, (RspTraceOptions){0}, error);
    if (!b.trace)
        return FALSE;
    const RspWorldOptions world = {.loop = b.loop, .trace = b.trace, .seed = -1};
    b.world = rsp_world_new (b.scenario, &world, error);
    if (!b.world || !rsp_world_begin (b.world, error))
        return FALSE;
    rsp_trace_listen (b.trace, on_event, &first);
    start_download (&b, 0, &ended);
    gboolean sent = rsp_loop_run (b.loop, is_done, &first, -1);
    g_free (ended.why);
    return sent;
}
