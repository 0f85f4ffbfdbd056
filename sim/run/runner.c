#include "sim/run/runner.h"

#include "asn1/ids.h"
#include "sim/run/faults.h"
#include "sim/run/groups.h"
#include "sim/run/usage.h"

#include <stdio.h>
#include <string.h>

#define BEFORE_RETRY (5 * 60 * G_USEC_PER_SEC)
#define LONGEST_RUN (G_GINT64_CONSTANT (400) * 24 * 3600 * G_USEC_PER_SEC)

void
rsp_run_result_free (RspRunResult *r)
{
    if (!r)
        return;
    g_free (r->failure);
    g_free (r->usage);
    g_clear_pointer (&r->unfired, g_hash_table_unref);
    g_free (r);
}

gboolean
rsp_run_fail (RspRun *run, const RspYaml *node, const char *format, ...)
{
    va_list args;
    if (run->failure)
        return FALSE;
    va_start (args, format);
    g_autofree char *text = g_strdup_vprintf (format, args);
    va_end (args);
    run->failure = g_strdup_printf ("%s:%u: %s%s%s", node->file, node->line,
                                    run->member ? run->member : "", run->member ? ": " : "", text);
    return FALSE;
}

char *
rsp_run_text (RspRun *run, const RspYaml *node)
{
    if (!node)
        return NULL;
    GString *out = g_string_new (NULL);
    for (const char *p = node->text; *p;) {
        const char *end = g_str_has_prefix (p, "$(") ? strchr (p, ')') : NULL;
        g_autofree char *name = end ? g_strndup (p + 2, (gsize)(end - p - 2)) : NULL;
        const char *value = name ? g_hash_table_lookup (run->saved, name) : NULL;
        if (value) {
            g_string_append (out, value);
            p = end + 1;
        } else {
            g_string_append_c (out, *p++);
        }
    }
    return g_string_free (out, FALSE);
}

static gboolean
step_is_done (gpointer data)
{
    return ((RspRun *)data)->step_done;
}

/* It goes round and round. */
static gboolean
overrun (const RspRun *run)
{
    return run->options->most_events && run->result->events > run->options->most_events;
}

gboolean
rsp_run_wait (RspRun *run, const RspYaml *step)
{
    if (rsp_loop_run (run->loop, step_is_done, run, run->limit))
        return TRUE;
    run->stuck = TRUE;
    if (run->scenario->forgiving)
        g_clear_pointer (&run->failure, g_free);
    return rsp_run_fail (run, step, "expected the step to end, got %s",
                         overrun (run)                            ? "no end of events"
                         : rsp_loop_now (run->loop) >= run->limit ? "the end of the run first"
                                                                  : "nothing left to happen");
}

gboolean
rsp_run_match (RspRun *run, const RspYaml *node, const char *got)
{
    if (!node)
        return TRUE;
    g_autofree char *want = rsp_run_text (run, node);
    if (strcmp (want, got ? got : "none") == 0)
        return TRUE;
    g_autofree char *shown = rsp_escape_text (got ? got : "none", -1, 400);
    return rsp_run_fail (run, node, "expected %s %s, got %s", node->key ? node->key : "value", want,
                         shown);
}

gboolean
rsp_run_match_number (RspRun *run, const RspYaml *node, gint64 got)
{
    gint64 want = 0;
    if (!node || (rsp_yaml_int (node, G_MININT64, G_MAXINT64, &want, NULL) && want == got))
        return TRUE;
    return rsp_run_fail (run, node, "expected %s %" G_GINT64_FORMAT ", got %" G_GINT64_FORMAT,
                         node->key, want, got);
}

char *
rsp_run_code (const char *subject, const char *reason)
{
    return subject ? g_strconcat (subject, "/", reason, NULL) : g_strdup ("success");
}

/* --- steps that need nothing but the loop ------------------------------------------------------
 */

static void
end_step (gpointer data)
{
    ((RspRun *)data)->step_done = TRUE;
}

static void
step_wait (RspRun *run, const RspYaml *step)
{
    gint64 us = 0;
    rsp_yaml_duration (step, &us, NULL);
    rsp_loop_after (run->loop, us, end_step, run, NULL);
    rsp_run_wait (run, step);
}

static void
step_expect (RspRun *run, const RspYaml *step)
{
    if (!run->scenario->forgiving)
        rsp_expect_check (run, step);
}

static void
step_note (RspRun *run, const RspYaml *step)
{
    rsp_trace_event (run->trace,
                     &(RspTraceEvent){.kind = RSP_TRACE_CHECK, .op = "note", .result = step->text});
}

RspStepFunc
rsp_step_func (const char *kind)
{
    static const struct {
        const char *kind;
        RspStepFunc func;
    } table[] = {
        {"operator", rsp_step_operator}, {"user", rsp_step_user}, {"wait", step_wait},
        {"card", rsp_step_card},         {"read", rsp_step_read}, {"send", rsp_step_send},
        {"expect", step_expect},         {"note", step_note},     {"crl", rsp_step_crl},
        {"attach", rsp_step_attach},     {"ota", rsp_step_ota},   {"device", rsp_step_device},
        {"coverage", rsp_step_coverage}, {"eim", rsp_step_eim},   {"ipa", rsp_step_ipa},
        {"package", rsp_step_package},
    };
    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        if (strcmp (table[i].kind, kind) == 0)
            return table[i].func;
    return NULL;
}

/* --- the run -----------------------------------------------------------------------------------
 */

static void
on_event (const RspTraceEvent *e, guint64 seq, gpointer data)
{
    RspRun *run = data;
    run->result->events = seq;
    if (overrun (run))
        rsp_loop_quit (run->loop);
    rsp_leaks_look (run->leaks, e);
    if (e->kind != RSP_TRACE_MESSAGE || e->stage != RSP_STAGE_SENT || e->leg != RSP_LEG_REQUEST ||
        !e->function)
        return;
    RspSentMessage m = {
        .src = rsp_intern (e->src), .dst = rsp_intern (e->dst), .function = e->function};
    g_array_append_val (run->messages, m);
}

static void
append_ci (const RspWorld *world, GString *out)
{
    const char *comma = "";
    for (guint i = 0; i < world->actors->len; i++) {
        const RspWorldActor *a = world->actors->pdata[i];
        if (a->role != RSP_ACTOR_CI)
            continue;
        g_string_append_printf (out, "%s\"", comma);
        rsp_hex_append (out, rsp_slice_of (rsp_cert_der (rsp_ci_cert (a->ci))));
        g_string_append_c (out, '"');
        comma = ",";
    }
}

/* Event 0 stands before anything the actors do, and still names what they were built from. */
static void
trace_start (RspRun *run, const RspRunOptions *options)
{
    g_autoptr (GString) out = g_string_new (NULL);
    g_autofree char *digest = rsp_hex (rsp_slice_of (run->scenario->digest));
    g_autoptr (GDateTime) start =
        g_date_time_new_from_unix_utc (rsp_world_start (run->scenario) / G_USEC_PER_SEC);
    g_autofree char *moment = g_date_time_format (start, "%Y-%m-%dT%H:%M:%SZ");
    g_string_append_printf (out,
                            "\"transport\":\"%s\",\"seed\":%" G_GUINT64_FORMAT
                            ",\"start\":\"%s\",\"version\":\"%s\",\"scenario\":\"%s\","
                            "\"scenarioSha256\":\"%s\",\"profiles\":[",
                            options->https ? "https" : "memory", run->world->seed, moment,
                            RSPSIM_VERSION, run->scenario->name, digest);
    for (guint i = 0; i < run->world->packages->len; i++) {
        const RspWorldPackage *p = run->world->packages->pdata[i];
        g_autofree char *sum = rsp_hex (RSP_SLICE_ARRAY (p->sha256));
        g_string_append_printf (out, "%s{\"iccid\":\"%s\",\"sha256\":\"%s\"}", i ? "," : "",
                                p->iccid, sum);
    }
    g_string_append (out, "],\"ci\":[");
    append_ci (run->world, out);
    g_string_append_c (out, ']');
    rsp_trace_event (run->trace, &(RspTraceEvent){.kind = RSP_TRACE_RUN, .extra = out->str});
}

static void
run_one (RspRun *run, const RspYaml *step)
{
    g_autofree char *where = g_strdup_printf ("%s:%u", step->file, step->key_line);
    g_autofree char *extra =
        run->member ? g_strdup_printf ("\"do\":\"%s\",\"member\":\"%s\"", step->key, run->member)
                    : g_strdup_printf ("\"do\":\"%s\"", step->key);

    rsp_trace_set_cause (run->trace, 0);
    rsp_trace_set_step (run->trace, where);
    guint64 seq =
        rsp_trace_event (run->trace, &(RspTraceEvent){.kind = RSP_TRACE_STEP, .extra = extra});
    rsp_trace_set_cause (run->trace, seq);
    run->step_done = FALSE;
    rsp_step_func (step->key) (run, step);
}

/* A step that does not get what it wants is done again after a while, as its user would. */
static void
run_attempts (RspRun *run, const RspYaml *step)
{
    run_one (run, step);
    if (!run->scenario->forgiving || !run->failure || run->stuck)
        return;
    g_clear_pointer (&run->failure, g_free);
    run->result->repeated++;
    run->step_done = FALSE;
    rsp_loop_after (run->loop, BEFORE_RETRY, end_step, run, NULL);
    if (!rsp_run_wait (run, step))
        return;
    run_one (run, step);
    if (!run->failure || run->stuck)
        return;
    g_clear_pointer (&run->failure, g_free);
    run->result->other = TRUE;
}

/* A step that names a group is done for each member, one after the other. */
static void
run_step (RspRun *run, const RspYaml *step)
{
    const RspYaml *actors = rsp_yaml_get (run->scenario->world, "actors");
    guint n = rsp_group_of_step (actors, step);
    if (!n)
        run_attempts (run, step);
    for (guint number = 1; number <= n && !run->failure; number++) {
        g_autoptr (RspYaml) own = rsp_group_instance (actors, step, number);
        const RspYaml *at = rsp_yaml_get (own, "at"), *to = rsp_yaml_get (own, "to");
        run->member = at ? at->text : to->text;
        run_attempts (run, own);
        run->member = NULL;
    }
}

static gboolean
fail_unfired (RspRun *run, const RspFault *fault)
{
    const RspYaml *node = rsp_fault_node (run->scenario, fault->name);
    const RspYaml *field = rsp_yaml_get (node, "field");
    if (!fault->unfit)
        return rsp_run_fail (
            run, node, "expected fault \"%s\" to fire, got nothing that it matches", fault->name);
    return rsp_run_fail (run, field ? field : node, "expected fault \"%s\" to fire, got %s%s%s",
                         fault->name, fault->unfit, field ? ": " : "", field ? field->text : "");
}

static gboolean
check_fired (RspRun *run)
{
    g_autoptr (GPtrArray) unfired = rsp_faults_unfired (run->faults);
    for (guint i = 0; i < unfired->len; i++) {
        const RspFault *fault = unfired->pdata[i];
        g_hash_table_insert (run->result->unfired, g_strdup (fault->name), (gpointer)fault->unfit);
    }
    return !unfired->len || fail_unfired (run, unfired->pdata[0]);
}

static gboolean
check_rest (RspRun *run)
{
    const RspYaml *node = run->scenario->doc;
    guint flying = rsp_bus_in_flight (run->world->bus);
    if (flying)
        return rsp_run_fail (run, node, "expected rest, got %u calls in flight", flying);
    return rsp_invariants_check (run, node) && check_fired (run);
}

/* What is expected at the end. FALSE: it is not so, and that counts. */
static gboolean
check_end (RspRun *run)
{
    const RspYaml *expect = run->scenario->expect;
    if (!expect || rsp_expect_check (run, expect))
        return TRUE;
    if (!run->scenario->forgiving)
        return FALSE;
    g_clear_pointer (&run->failure, g_free);
    run->result->other = TRUE;
    return TRUE;
}

/* Until nothing is left to happen, or until the run's end. */
static gboolean
come_to_rest (RspRun *run)
{
    gint64 until = run->scenario->until;
    gint64 limit = until >= 0 ? MAX (until, rsp_loop_now (run->loop)) : run->limit;
    if (rsp_loop_run (run->loop, NULL, NULL, limit) || (until >= 0 && !overrun (run)))
        return TRUE;
    return rsp_run_fail (run, run->scenario->doc, "expected rest, got %s",
                         overrun (run) ? "no end of events" : "the end of the run first");
}

/* Every server that crashed is back, or will be. */
static gboolean
all_alive (RspRun *run)
{
    if (!run->failure && run->world->failure)
        rsp_run_fail (run, run->scenario->doc, "expected the server to start again, got %s",
                      run->world->failure);
    return !run->failure;
}

static void
run_steps (RspRun *run)
{
    const RspYaml *steps = run->scenario->steps;
    run->begun = TRUE;
    for (guint i = 0; i < steps->items->len && all_alive (run); i++)
        run_step (run, ((RspYaml *)steps->items->pdata[i])->items->pdata[0]);
    if (run->failure)
        return;
    rsp_trace_set_step (run->trace, NULL);
    if (come_to_rest (run) && all_alive (run) && check_end (run))
        check_rest (run);
}

static void
on_chance (const RspFaultChance *chance, gpointer data)
{
    const RspRun *run = data;
    if (run->begun)
        run->options->watch (chance, run->options->watch_data);
}

static void
trace_end (RspRun *run)
{
    rsp_trace_set_cause (run->trace, 0);
    rsp_trace_event (run->trace, &(RspTraceEvent){.kind = RSP_TRACE_CHECK,
                                                  .op = "scenario",
                                                  .result = run->failure ? "failed" : "passed"});
}

static guint
count_messages (const RspRun *run)
{
    guint n = 0;
    for (guint i = 0; i < run->messages->len; i++)
        n += g_array_index (run->messages, RspSentMessage, i).function->interface != RSP_IF_APDU;
    return n;
}

static gboolean
start_world (RspRun *run, const RspRunOptions *options, GError **error)
{
    const RspScenario *s = run->scenario;
    g_autofree char *file = g_strconcat (s->name, ".jsonl", NULL);
    g_autofree char *path =
        options->trace_dir ? g_build_filename (options->trace_dir, file, NULL) : NULL;
    g_autofree char *state =
        options->state_dir ? g_build_filename (options->state_dir, s->name, NULL) : NULL;
    RspWorldOptions wo = {.loop = run->loop,
                          .faults = run->faults,
                          .state_dir = state,
                          .seed = options->seed,
                          .link = options->link,
                          .https = options->https};
    run->trace = rsp_trace_new (
        run->loop, path, (RspTraceOptions){.bodies = options->bodies, .secrets = options->secrets},
        error);
    if (!run->trace)
        return FALSE;
    wo.trace = run->trace;
    run->world = rsp_world_new (s, &wo, error);
    if (!run->world)
        return FALSE;
    run->leaks = rsp_leaks_new (run->world->packages);
    rsp_trace_listen (run->trace, on_event, run);
    trace_start (run, options);
    if (!rsp_world_begin (run->world, error) || !rsp_world_place_orders (run->world, error))
        return FALSE;
    for (guint i = 0; i < run->world->actors->len; i++) {
        const RspWorldActor *a = run->world->actors->pdata[i];
        if (a->role == RSP_ACTOR_LPA)
            rsp_lpa_start (a->lpa);
    }
    return TRUE;
}

static void
run_free (RspRun *run)
{
    rsp_world_free (run->world);
    rsp_leaks_free (run->leaks);
    rsp_trace_free (run->trace);
    rsp_faults_free (run->faults);
    rsp_loop_free (run->loop);
    g_hash_table_unref (run->saved);
    g_array_unref (run->messages);
}

RspRunResult *
rsp_run_scenario (const RspScenario *scenario, const RspRunOptions *options)
{
    RspRunResult *result = g_new0 (RspRunResult, 1);
    GError *error = NULL;
    gint64 seed = 1;
    rsp_yaml_opt_int (scenario->world, "seed", 0, G_MAXINT64, &seed, NULL);
    RspRun run = {.scenario = scenario, .options = options, .result = result, .limit = LONGEST_RUN};
    if (scenario->until >= 0 && !scenario->forgiving)
        run.limit = scenario->until;
    run.saved = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    run.messages = g_array_new (FALSE, FALSE, sizeof (RspSentMessage));
    run.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, rsp_world_start (scenario));
    run.faults = rsp_faults_new (
        rsp_rng_new ((guint64)(options->seed >= 0 ? options->seed : seed), "faults", "choice", 0));
    if (options->watch)
        rsp_faults_watch (run.faults, on_chance, &run);
    result->unfired = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    if (rsp_scenario_faults (scenario, run.faults, &error) && start_world (&run, options, &error)) {
        run_steps (&run);
        trace_end (&run);
        result->messages = count_messages (&run);
        result->duration = rsp_loop_now (run.loop);
        result->usage = rsp_usage_json (run.world);
        if (!rsp_trace_close (run.trace, &error) && !run.failure)
            run.failure = g_strdup (error->message);
    } else {
        run.failure = g_strdup (error->message);
    }
    g_clear_error (&error);
    result->failure = run.failure;
    result->passed = !run.failure;
    run_free (&run);
    return result;
}
