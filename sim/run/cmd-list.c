#include "sim/run/commands.h"

#include <stdio.h>
#include <string.h>

#include "asn1/conditions.h"
#include "sim/run/language.h"
#include "sim/run/scenario.h"

#define DEFAULT_SCENARIOS "scenarios"

static int
list_functions (int argc, char **argv)
{
    for (guint i = 0; i < RSP_FN_COUNT; i++) {
        const RspFunction *fn = rsp_function (i);
        g_autofree char *tag = fn->tag ? g_strdup_printf ("%02X", fn->tag) : g_strdup ("-");
        printf ("%s\t%s\t%s\t%s\n", fn->interface_name, fn->name, fn->path ? fn->path : tag,
                fn->spec);
    }
    return 0;
}

static int
list_faults (int argc, char **argv)
{
    for (const char *const *name = rsp_language_fault_actions; *name; name++)
        printf ("%s\n", *name);
    return 0;
}

static int
list_keys (const RspKeySpec *keys)
{
    for (; keys->key; keys++)
        printf ("%s\t%s\n", keys->key, keys->doc ? keys->doc : "-");
    return 0;
}

static int
list_steps (int argc, char **argv)
{
    return list_keys (rsp_language_steps);
}

static int
list_expectations (int argc, char **argv)
{
    return list_keys (rsp_language_expectations);
}

/* Which scenario says that it produces an error: "FUNCTION CODE" to the scenario's name. */
static GHashTable *
errors_of (const GPtrArray *scenarios)
{
    GHashTable *errors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; scenarios && i < scenarios->len; i++) {
        const RspScenario *scenario = g_ptr_array_index (scenarios, i);
        const RspYaml *list = rsp_yaml_get (scenario->doc, "errors");
        for (guint e = 0; list && list->items && e < list->items->len; e++) {
            const RspYaml *item = g_ptr_array_index (list->items, e);
            if (item->text && !g_hash_table_contains (errors, item->text))
                g_hash_table_insert (errors, g_strdup (item->text), g_strdup (scenario->name));
        }
    }
    return errors;
}

static void
print_condition (const RspCondition *condition, gpointer data)
{
    GHashTable *errors = data;
    const RspFunction *fn = rsp_function (condition->function);
    g_autofree char *key = g_strdup_printf ("%s %s", fn->full_name, condition->code);
    const char *scenario = g_hash_table_lookup (errors, key);
    printf ("%s\t%s\t%s\t%s\t", fn->interface_name, fn->name, condition->code, condition->meaning);
    if (scenario)
        printf ("%s\n", scenario);
    else
        printf ("-\t%s\n", condition->never ? condition->never : "no scenario here produces it");
}

/* The scenarios of the paths given after the list's name, or of ./scenarios; NULL if one is bad. */
static GPtrArray *
scenarios_of (int argc, char **argv)
{
    char *standard[] = {(char *)DEFAULT_SCENARIOS, NULL};
    gboolean given = argc > 2;
    g_autoptr (GPtrArray) scenarios = NULL;
    if (!given && !g_file_test (DEFAULT_SCENARIOS, G_FILE_TEST_IS_DIR))
        return g_ptr_array_new ();
    if (!rsp_scenarios_collect (given ? argv + 2 : standard, given ? argc - 2 : 1, NULL,
                                &scenarios))
        return NULL;
    return g_steal_pointer (&scenarios);
}

static int
list_errors (int argc, char **argv)
{
    g_autoptr (GPtrArray) scenarios = scenarios_of (argc, argv);
    if (!scenarios)
        return 2;
    g_autoptr (GHashTable) errors = errors_of (scenarios);
    rsp_conditions_foreach (print_condition, errors);
    return 0;
}

static int
list_coverage (int argc, char **argv)
{
    gboolean markdown =
        argc > 3 && strcmp (argv[2], "--format") == 0 && strcmp (argv[3], "markdown") == 0;
    guint taken = markdown ? 2 : 0;
    g_autoptr (GPtrArray) scenarios = scenarios_of (argc - (int)taken, argv + taken);
    return scenarios ? rsp_list_coverage (scenarios, markdown) : 2;
}

static const struct {
    const char *what;
    int (*list) (int argc, char **argv);
    gboolean takes_paths;
} lists[] = {
    {"functions", list_functions},       {"faults", list_faults},
    {"errors", list_errors, TRUE},       {"steps", list_steps},
    {"expectations", list_expectations}, {"coverage", list_coverage, TRUE},
};

int
rsp_cmd_list (int argc, char **argv)
{
    for (gsize i = 0; argc > 1 && i < G_N_ELEMENTS (lists); i++)
        if (strcmp (lists[i].what, argv[1]) == 0 && (argc == 2 || lists[i].takes_paths))
            return lists[i].list (argc, argv);
    gboolean help = argc == 2 && strcmp (argv[1], "--help") == 0;
    fprintf (help ? stdout : stderr,
             "usage: rspsim list functions|faults|steps|expectations\n"
             "       rspsim list errors [SCENARIOS…]\n"
             "       rspsim list coverage [--format markdown] [SCENARIOS…]\n");
    return help ? 0 : 2;
}
