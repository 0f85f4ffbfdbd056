#include "sim/run/commands.h"
#include "sim/run/sweep.h"
#include "sim/run/workers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE 60 /* real seconds for one case */

typedef struct {
    gint pairs, jobs, limit;
    gint64 seed;
    char *report, *write;
} Args;

static void
args_clear (Args *a)
{
    g_free (a->report);
    g_free (a->write);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Args, args_clear)

typedef struct {
    const Args *args;
    GPtrArray *subjects, *cases;
} Sweep;

static gboolean
parse (int *argc, char ***argv, Args *a)
{
    const GOptionEntry entries[] = {
        {"pairs", 0, 0, G_OPTION_ARG_INT, &a->pairs, "so many pairs of faults as well", "N"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &a->seed, "of the choice; worlds keep their own", "N"},
        {"jobs", 0, 0, G_OPTION_ARG_INT, &a->jobs, "processes", "N"},
        {"limit", 0, 0, G_OPTION_ARG_INT, &a->limit, "so many single faults, evenly", "N"},
        {"report", 0, 0, G_OPTION_ARG_FILENAME, &a->report, "write a JSON report", "FILE"},
        {"write", 0, 0, G_OPTION_ARG_FILENAME, &a->write,
         "a file for each case that fails, in place of one for each reason on standard output",
         "DIR"},
        {NULL}};
    g_autoptr (GOptionContext) context =
        g_option_context_new ("PATH… - every fault at every message of scenarios");
    g_autoptr (GError) error = NULL;
    g_option_context_add_main_entries (context, entries, NULL);
    const char *why = NULL;
    if (!g_option_context_parse (context, argc, argv, &error))
        why = error->message;
    else if (*argc < 2)
        why = "which scenarios?";
    else if (a->jobs < 1 || a->jobs > 256)
        why = "--jobs is from 1 to 256";
    else if (a->pairs < 0 || a->limit < -1 || a->seed < 0)
        why = "--pairs, --limit and --seed are not negative";
    else if (a->write && g_mkdir_with_parents (a->write, 0777) != 0)
        why = g_strerror (errno);
    if (why)
        fprintf (stderr, "rspsim sweep: %s\n", why);
    return !why;
}

/* --- the cases --- */

static char *
work (guint item, gpointer data)
{
    const Sweep *s = data;
    return rsp_sweep_run (s->cases->pdata[item]);
}

static void
done (guint item, const char *line, const char *lost, gpointer data)
{
    const Sweep *s = data;
    RspSweepCase *c = s->cases->pdata[item];
    if (line) {
        rsp_sweep_take (c, line);
        return;
    }
    c->outcome = RSP_SWEEP_FAILED;
    c->failure = g_strdup_printf ("%s: expected a result, got none: the process %s",
                                  c->subject->scenario->shown, lost);
}

/* --- output --- */

/* A failure without what differs from case to case. (transfer full) */
static char *
reason_of (const RspSweepCase *c)
{
    const char *text = strstr (c->failure, ": ");
    char *reason = g_strconcat (c->subject->scenario->name, text ? text : c->failure, NULL);
    for (char *p = reason; *p; p++)
        if (g_ascii_isdigit (*p))
            *p = '#';
    return reason;
}

static char *
describe (const RspSweepCase *c)
{
    return g_strdup_printf ("{%s}%s%s%s", c->faults[0]->text, c->faults[1] ? " and {" : "",
                            c->faults[1] ? c->faults[1]->text : "", c->faults[1] ? "}" : "");
}

static gboolean
write_file (const Sweep *s, guint index)
{
    const RspSweepCase *c = s->cases->pdata[index];
    g_autofree char *text = rsp_sweep_file (c, index + 1);
    g_autofree char *name =
        g_strdup_printf ("%s-sweep-%u.yaml", c->subject->scenario->name, index + 1);
    g_autofree char *path = g_build_filename (s->args->write, name, NULL);
    g_autoptr (GError) error = NULL;
    if (g_file_set_contents (path, text, -1, &error))
        return TRUE;
    fprintf (stderr, "rspsim sweep: %s\n", error->message);
    return FALSE;
}

/* FALSE: a file could not be written. */
static gboolean
print_failures (const Sweep *s, guint *ret_failed)
{
    g_autoptr (GHashTable) reasons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    gboolean good = TRUE;
    for (guint i = 0; i < s->cases->len; i++) {
        const RspSweepCase *c = s->cases->pdata[i];
        if (c->outcome != RSP_SWEEP_FAILED)
            continue;
        ++*ret_failed;
        g_autofree char *what = describe (c);
        fprintf (stderr, "%s: %s: %s\n", c->subject->scenario->shown, what, c->failure);
        gboolean first = g_hash_table_add (reasons, reason_of (c));
        if (s->args->write) {
            good = write_file (s, i) && good;
        } else if (first) {
            g_autofree char *text = rsp_sweep_file (c, i + 1);
            printf ("---\n# %s\n%s", c->failure, text);
        }
    }
    return good;
}

static void
print_counts (const Sweep *s)
{
    for (guint i = 0; i < s->subjects->len; i++) {
        const RspSweepSubject *subject = s->subjects->pdata[i];
        guint n[RSP_SWEEP_OUTCOMES] = {0}, all = 0;
        for (guint k = 0; k < s->cases->len; k++) {
            const RspSweepCase *c = s->cases->pdata[k];
            if (c->subject != subject)
                continue;
            n[c->outcome]++;
            all++;
        }
        printf ("# %-48s %5u messages %4u points %6u cases:", subject->scenario->name,
                subject->messages, subject->points, all);
        for (guint o = 0; o < RSP_SWEEP_OUTCOMES; o++)
            printf (" %u %s%s", n[o], rsp_sweep_outcomes[o],
                    o + 1 < RSP_SWEEP_OUTCOMES ? "," : "\n");
    }
}

/* --- the command --- */

/* Scenarios that fail without a fault are left out. How many do. */
static guint
survey (Sweep *s, const GPtrArray *scenarios)
{
    guint failed = 0;
    for (guint i = 0; i < scenarios->len; i++) {
        g_autofree char *failure = NULL;
        RspSweepSubject *subject = rsp_sweep_subject_new (scenarios->pdata[i], &failure);
        if (subject)
            g_ptr_array_add (s->subjects, subject);
        else
            fprintf (stderr, "without a fault: %s\n", failure);
        failed += !subject;
    }
    return failed;
}

static int
sweep (const Args *args, const GPtrArray *scenarios)
{
    g_autoptr (GPtrArray) subjects =
        g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_sweep_subject_free);
    Sweep s = {.args = args, .subjects = subjects};
    g_autoptr (GError) error = NULL;
    guint failed = survey (&s, scenarios);
    g_autoptr (GPtrArray) cases =
        rsp_sweep_cases (subjects, args->limit, (guint)args->pairs, args->seed);
    s.cases = cases;
    guint jobs = MIN ((guint)args->jobs, MAX (cases->len, 1));
    if (!rsp_workers_run (cases->len, jobs, PATIENCE, work, done, &s)) {
        fprintf (stderr, "rspsim sweep: %s\n", g_strerror (errno));
        return 2;
    }
    print_counts (&s);
    gboolean good = print_failures (&s, &failed);
    if (args->report && !rsp_sweep_report (subjects, cases, args->seed, args->report, &error)) {
        fprintf (stderr, "rspsim sweep: %s\n", error->message);
        return 2;
    }
    return !good ? 2 : failed ? 1 : 0;
}

int
rsp_cmd_sweep (int argc, char **argv)
{
    g_auto (Args) a = {.seed = 1, .jobs = 1, .limit = -1};
    g_autoptr (GPtrArray) scenarios = NULL;
    if (!parse (&argc, &argv, &a) || !rsp_scenarios_collect (argv + 1, argc - 1, NULL, &scenarios))
        return 2;
    if (!scenarios->len) {
        fprintf (stderr, "rspsim sweep: no scenario there\n");
        return 2;
    }
    return sweep (&a, scenarios);
}
