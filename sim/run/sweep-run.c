/* One case of a sweep: as a scenario in memory, its run, and as a file. */
#include "sim/run/sweep.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_FACTOR 100 /* more than so many times what the run without a fault takes… */
#define EVENTS_LEAST 20000

const char *const rsp_sweep_outcomes[RSP_SWEEP_OUTCOMES] = {"unharmed", "recovered", "other",
                                                            "unfit", "failed"};

static RspYaml *
list_new (const char *key, RspYamlKind kind)
{
    RspYaml *list = g_new0 (RspYaml, 1);
    list->kind = kind;
    list->file = "sweep";
    list->key = g_strdup (key);
    list->items = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_yaml_free);
    return list;
}

static char *
fault_name (guint i)
{
    return g_strdup_printf ("sweep-%u", i + 1);
}

static RspYaml *
faults_of (const RspSweepCase *c)
{
    const RspYaml *own = c->subject->scenario->faults;
    RspYaml *list = list_new ("faults", RSP_YAML_LIST);
    for (guint i = 0; own && i < own->items->len; i++)
        g_ptr_array_add (list->items, rsp_yaml_ref (own->items->pdata[i]));
    for (guint i = 0; i < G_N_ELEMENTS (c->faults) && c->faults[i]; i++) {
        g_autofree char *name = fault_name (i);
        g_autofree char *text = g_strdup_printf ("{name: %s, %s}", name, c->faults[i]->text);
        g_autoptr (GError) error = NULL;
        RspYaml *fault = rsp_yaml_parse (text, -1, "sweep", &error);
        if (!fault)
            g_error ("%s: %s", text, error->message);
        g_ptr_array_add (list->items, fault);
    }
    return list;
}

void
rsp_sweep_scenario (const RspSweepCase *c, RspScenario *ret)
{
    *ret = *c->subject->scenario;
    ret->faults = faults_of (c);
    ret->forgiving = TRUE;
}

void
rsp_sweep_scenario_clear (RspScenario *scenario)
{
    rsp_yaml_free ((RspYaml *)scenario->faults);
}

/* --- the run --- */

/* The run failed only because some fault did not fire, and that is no wonder: it does not fit,
 * another one of the pair kept it away, or one of the scenario took its message. */
static gboolean
is_unfit (const RspSweepCase *c, const RspRunResult *result)
{
    gpointer why;
    for (guint i = 0; i < G_N_ELEMENTS (c->faults) && c->faults[i]; i++) {
        g_autofree char *name = fault_name (i);
        if (g_hash_table_lookup_extended (result->unfired, name, NULL, &why) &&
            (why || c->faults[1] || c->subject->scenario->faults))
            return TRUE;
    }
    return FALSE;
}

/* A fault of the scenario itself may miss what the case's has prevented. */
static gboolean
only_own_unfired (const RspSweepCase *c, const RspRunResult *result)
{
    for (guint i = 0; i < G_N_ELEMENTS (c->faults) && c->faults[i]; i++) {
        g_autofree char *name = fault_name (i);
        if (g_hash_table_contains (result->unfired, name))
            return FALSE;
    }
    return g_hash_table_size (result->unfired) > 0;
}

static RspSweepOutcome
outcome_of (const RspSweepCase *c, const RspRunResult *result)
{
    if (is_unfit (c, result))
        return RSP_SWEEP_UNFIT;
    if (result->failure && !only_own_unfired (c, result))
        return RSP_SWEEP_FAILED;
    return result->other      ? RSP_SWEEP_OTHER
           : result->repeated ? RSP_SWEEP_RECOVERED
                              : RSP_SWEEP_UNHARMED;
}

char *
rsp_sweep_run (const RspSweepCase *c)
{
    RspScenario scenario;
    RspRunOptions options = {.seed = -1,
                             .most_events = c->subject->events * EVENTS_FACTOR + EVENTS_LEAST};
    rsp_sweep_scenario (c, &scenario);
    g_autoptr (RspRunResult) result = rsp_run_scenario (&scenario, &options);
    rsp_sweep_scenario_clear (&scenario);
    RspSweepOutcome outcome = outcome_of (c, result);
    g_autofree char *why = g_strescape (outcome == RSP_SWEEP_FAILED ? result->failure : "", NULL);
    return g_strdup_printf ("%d %s", outcome, why);
}

void
rsp_sweep_take (RspSweepCase *c, const char *line)
{
    const char *why = strchr (line, ' ');
    int outcome = atoi (line);
    c->outcome =
        outcome >= 0 && outcome < RSP_SWEEP_OUTCOMES ? (RspSweepOutcome)outcome : RSP_SWEEP_FAILED;
    if (why && why[1])
        c->failure = g_strcompress (why + 1);
}

/* --- the file --- */

static void
add_text (RspYaml *map, const char *key, const char *text)
{
    RspYaml *node = g_new0 (RspYaml, 1);
    node->kind = RSP_YAML_SCALAR;
    node->file = "sweep";
    node->key = g_strdup (key);
    node->text = g_strdup (text);
    g_ptr_array_add (map->items, node);
}

static void
add_node (RspYaml *map, const RspYaml *node)
{
    if (node)
        g_ptr_array_add (map->items, rsp_yaml_ref (node));
}

char *
rsp_sweep_file (const RspSweepCase *c, guint index)
{
    const RspScenario *s = c->subject->scenario;
    g_autofree char *name = g_strdup_printf ("%.100s-sweep-%u", s->name, index);
    g_autoptr (RspYaml) root = list_new (NULL, RSP_YAML_MAP);
    add_text (root, "scenario", name);
    add_node (root, rsp_yaml_get (s->doc, "spec"));
    add_node (root, rsp_yaml_get (s->doc, "intent"));
    add_text (root, "judge", "invariants");
    add_node (root, rsp_yaml_get (s->doc, "until"));
    add_node (root, s->world);
    g_ptr_array_add (root->items, faults_of (c));
    add_node (root, s->steps);
    add_node (root, s->expect);
    return rsp_yaml_write (root);
}
