#include "sim/run/commands.h"
#include "sim/run/report.h"
#include "sim/run/runner.h"
#include "sim/run/workers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    gint64 seed;
    char *transport, *trace_dir, *junit, *report, *filter, *state, *shard;
    gint jobs;
    gboolean no_bodies, secrets, quiet;
} Args;

static GPtrArray *
rows_of (const GPtrArray *scenarios)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_report_row_free);
    for (guint i = 0; i < scenarios->len; i++) {
        const RspScenario *s = scenarios->pdata[i];
        RspReportRow *row = g_new0 (RspReportRow, 1);
        row->name = g_strdup (s->name);
        row->shown = g_strdup (s->shown);
        row->failure =
            g_strdup_printf ("%s: expected a result, got none: the process ended", s->shown);
        g_ptr_array_add (rows, row);
    }
    return rows;
}

static void
run_one (const RspScenario *s, const RspRunOptions *options, RspReportRow *row)
{
    gint64 before = rsp_stopwatch_us ();
    g_autoptr (RspRunResult) r = rsp_run_scenario (s, options);
    row->real_us = rsp_stopwatch_us () - before;
    row->passed = r->passed;
    g_free (row->failure);
    row->failure = g_steal_pointer (&r->failure);
    row->virtual_us = r->duration;
    row->messages = r->messages;
    g_free (row->usage);
    row->usage = g_steal_pointer (&r->usage);
}

/* --- several processes -------------------------------------------------------------------------
 */

typedef struct {
    const GPtrArray *scenarios;
    const RspRunOptions *options;
    GPtrArray *rows;
} Share;

/* Index, passed, times, messages, usage (or -), failure. */
static char *
work (guint item, gpointer data)
{
    const Share *share = data;
    RspReportRow row = {0};
    run_one (share->scenarios->pdata[item], share->options, &row);
    g_autofree char *why = g_strescape (row.failure ? row.failure : "", NULL);
    char *line = g_strdup_printf ("%u %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %u %s %s", item,
                                  row.passed, row.virtual_us, row.real_us, row.messages,
                                  row.usage ? row.usage : "-", why);
    g_free (row.usage);
    g_free (row.failure);
    return line;
}

static void
take_line (GPtrArray *rows, const char *line)
{
    guint index, messages;
    int passed, used = 0;
    gint64 virtual_us, real_us;
    if (sscanf (line, "%u %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %u %n", &index, &passed,
                &virtual_us, &real_us, &messages, &used) < 5 ||
        index >= rows->len)
        return;
    RspReportRow *row = rows->pdata[index];
    row->passed = passed != 0;
    row->virtual_us = virtual_us;
    row->real_us = real_us;
    row->messages = messages;
    const char *why = strchr (line + used, ' ');
    g_free (row->usage);
    row->usage = why && line[used] == '{'
                     ? g_strndup (line + used, (gsize)(why - line) - (gsize)used)
                     : NULL;
    g_free (row->failure);
    row->failure = passed ? NULL : g_strcompress (why ? why + 1 : "");
}

static void
done (guint item G_GNUC_UNUSED, const char *line, const char *lost G_GNUC_UNUSED, gpointer data)
{
    const Share *share = data;
    if (line)
        take_line (share->rows, line);
}

static void
run_here (const GPtrArray *scenarios, const RspRunOptions *options, GPtrArray *rows)
{
    for (guint i = 0; i < scenarios->len; i++) {
        run_one (scenarios->pdata[i], options, rows->pdata[i]);
        rsp_workers_progress (i + 1, scenarios->len);
    }
}

/* --- output ------------------------------------------------------------------------------------
 */

static int
print_rows (const GPtrArray *rows, gboolean quiet)
{
    guint failed = 0;
    for (guint i = 0; i < rows->len; i++) {
        const RspReportRow *row = rows->pdata[i];
        if (!quiet)
            printf ("%-6s %-56s %10.3f s %5u messages\n", row->passed ? "ok" : "FAILED", row->name,
                    (double)row->virtual_us / 1e6, row->messages);
        if (!row->passed) {
            fflush (stdout);
            fprintf (stderr, "%s\n", row->failure);
        }
        failed += !row->passed;
    }
    printf ("%u passed, %u failed\n", rows->len - failed, failed);
    return failed ? 1 : 0;
}

static gboolean
write_reports (const GPtrArray *rows, const Args *args)
{
    g_autoptr (GError) error = NULL;
    if ((args->junit && !rsp_report_junit (rows, args->junit, &error)) ||
        (args->report && !rsp_report_json (rows, args->report, &error))) {
        fprintf (stderr, "%s\n", error->message);
        return FALSE;
    }
    return TRUE;
}

/* --- arguments ---------------------------------------------------------------------------------
 */

static gboolean
parse (int *argc, char ***argv, Args *a)
{
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT64, &a->seed, "instead of the world's own", "N"},
        {"transport", 0, 0, G_OPTION_ARG_STRING, &a->transport, "memory or https", "NAME"},
        {"trace-dir", 0, 0, G_OPTION_ARG_FILENAME, &a->trace_dir, "write a trace a scenario",
         "DIR"},
        {"junit", 0, 0, G_OPTION_ARG_FILENAME, &a->junit, "write JUnit XML", "FILE"},
        {"report", 0, 0, G_OPTION_ARG_FILENAME, &a->report, "write a JSON report", "FILE"},
        {"jobs", 0, 0, G_OPTION_ARG_INT, &a->jobs, "processes", "N"},
        {"filter", 0, 0, G_OPTION_ARG_STRING, &a->filter, "names to run", "GLOB"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &a->state, "keep servers' and cards' state", "DIR"},
        {"shard", 0, 0, G_OPTION_ARG_STRING, &a->shard, "the Kth of N parts", "K/N"},
        {"no-bodies", 0, 0, G_OPTION_ARG_NONE, &a->no_bodies, "leave bodies out of traces", NULL},
        {"secrets", 0, 0, G_OPTION_ARG_NONE, &a->secrets, "session keys in traces (mode 0600)",
         NULL},
        {"quiet", 0, 0, G_OPTION_ARG_NONE, &a->quiet, "the count alone", NULL},
        {NULL}};
    g_autoptr (GOptionContext) context = g_option_context_new ("PATH… - run scenarios");
    g_autoptr (GError) error = NULL;
    g_option_context_add_main_entries (context, entries, NULL);
    if (g_option_context_parse (context, argc, argv, &error) && *argc >= 2)
        return TRUE;
    fprintf (stderr, "rspsim run: %s\n", error ? error->message : "which scenarios?");
    return FALSE;
}

static gboolean
take_shard (const char *shard, GPtrArray *scenarios)
{
    guint k, n;
    char rest;
    if (!shard)
        return TRUE;
    if (sscanf (shard, "%u/%u%c", &k, &n, &rest) != 2 || k < 1 || k > n) {
        fprintf (stderr, "rspsim run: --shard wants K/N with K from 1 to N\n");
        return FALSE;
    }
    for (guint i = scenarios->len; i > 0; i--)
        if ((i - 1) % n != k - 1)
            g_ptr_array_remove_index (scenarios, i - 1);
    return TRUE;
}

static gboolean
check (const Args *a)
{
    if (a->transport && strcmp (a->transport, "memory") != 0 &&
        strcmp (a->transport, "https") != 0) {
        fprintf (stderr, "rspsim run: --transport is memory or https\n");
        return FALSE;
    }
    if (a->jobs < 1 || a->jobs > 256) {
        fprintf (stderr, "rspsim run: --jobs is from 1 to 256\n");
        return FALSE;
    }
    if (a->trace_dir && g_mkdir_with_parents (a->trace_dir, 0777) != 0) {
        fprintf (stderr, "rspsim run: %s: %s\n", a->trace_dir, g_strerror (errno));
        return FALSE;
    }
    return TRUE;
}

static void
args_clear (Args *a)
{
    g_free (a->transport);
    g_free (a->trace_dir);
    g_free (a->junit);
    g_free (a->report);
    g_free (a->filter);
    g_free (a->state);
    g_free (a->shard);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Args, args_clear)

int
rsp_cmd_run (int argc, char **argv)
{
    g_auto (Args) a = {.seed = -1, .jobs = 1};
    g_autoptr (GPtrArray) scenarios = NULL;
    if (!parse (&argc, &argv, &a) || !check (&a))
        return 2;
    if (!rsp_scenarios_collect (argv + 1, argc - 1, a.filter, &scenarios) ||
        !take_shard (a.shard, scenarios))
        return 2;
    if (!scenarios->len) {
        fprintf (stderr, "rspsim run: no scenario there\n");
        return 2;
    }
    RspRunOptions options = {.seed = a.seed,
                             .https = a.transport && strcmp (a.transport, "https") == 0,
                             .trace_dir = a.trace_dir,
                             .bodies = !a.no_bodies,
                             .secrets = a.secrets,
                             .state_dir = a.state};
    g_autoptr (GPtrArray) rows = rows_of (scenarios);
    guint jobs = MIN ((guint)a.jobs, scenarios->len);
    if (jobs < 2)
        run_here (scenarios, &options, rows);
    else if (!rsp_workers_run (scenarios->len, jobs, 0, work, done,
                               &(Share){scenarios, &options, rows}))
        fprintf (stderr, "rspsim run: %s\n", g_strerror (errno));
    int status = print_rows (rows, a.quiet);
    return write_reports (rows, &a) ? status : 2;
}
