/* rspsim compare: the same scenarios over different links, as a table. */
#include "sim/run/commands.h"
#include "sim/run/runner.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    gint64 up, down, messages, lost, airtime, card;
} Total;

static void
add_links (const json_t *list, Total *total)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one)
    {
        total->up += json_integer_value (json_object_get (one, "up"));
        total->down += json_integer_value (json_object_get (one, "down"));
        total->messages += json_integer_value (json_object_get (one, "messages"));
        total->lost += json_integer_value (json_object_get (one, "lost"));
        total->airtime += json_integer_value (json_object_get (one, "airtimeMicroseconds"));
    }
}

static Total
total_of (const char *usage)
{
    Total total = {0};
    json_t *root = usage ? json_loads (usage, 0, NULL) : NULL;
    size_t i;
    json_t *one;
    add_links (json_object_get (root, "links"), &total);
    json_array_foreach (json_object_get (root, "cards"), i, one) total.card +=
        json_integer_value (json_object_get (one, "microseconds"));
    json_decref (root);
    return total;
}

static void
print_row (const RspScenario *s, const char *link, const RspRunResult *r, gboolean markdown)
{
    Total t = total_of (r->usage);
    const char *format =
        markdown ? "| %s | %s | %.1f | %.1f | %.1f | %" G_GINT64_FORMAT " | %" G_GINT64_FORMAT
                   " | %" G_GINT64_FORMAT " | %" G_GINT64_FORMAT " |\n"
                 : "%-32s %-8s %9.1f %8.1f %10.1f %8" G_GINT64_FORMAT " %8" G_GINT64_FORMAT
                   " %8" G_GINT64_FORMAT " %6" G_GINT64_FORMAT "\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    printf (format, s->name, link, (double)r->duration / 1e6, (double)t.card / 1e6,
            (double)t.airtime / 1e6, t.up, t.down, t.messages, t.lost);
#pragma GCC diagnostic pop
}

static void
print_head (gboolean markdown)
{
    if (markdown)
        printf ("| scenario | link | duration s | card s | airtime s | octets up | octets down | "
                "messages | packets lost |\n|---|---|---|---|---|---|---|---|---|\n");
    else
        printf ("%-32s %-8s %9s %8s %10s %8s %8s %8s %6s\n", "scenario", "link", "seconds", "card",
                "airtime", "up", "down", "messages", "lost");
}

/* FALSE if the scenario does not pass over a link, which is told and has no row. */
static gboolean
compare (const RspScenario *s, gint64 seed, gboolean markdown)
{
    gboolean passed = TRUE;
    for (const RspLinkModel *m = rsp_link_presets; m->name; m++) {
        RspRunOptions options = {.seed = seed, .link = m->name};
        g_autoptr (RspRunResult) r = rsp_run_scenario (s, &options);
        if (r->passed)
            print_row (s, m->name, r, markdown);
        else
            fprintf (stderr, "%s, over %s: %s\n", s->name, m->name, r->failure);
        passed = passed && r->passed;
    }
    return passed;
}

int
rsp_cmd_compare (int argc, char **argv)
{
    gboolean markdown = FALSE;
    gint64 seed = -1;
    const GOptionEntry entries[] = {
        {"markdown", 0, 0, G_OPTION_ARG_NONE, &markdown, "a table for documents", NULL},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "instead of the worlds' own", "N"},
        {NULL}};
    g_autoptr (GOptionContext) context = g_option_context_new ("PATH…");
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) scenarios = NULL;
    g_option_context_set_summary (
        context, "Runs scenarios with all devices on each link preset in turn and prints what they "
                 "took. What does not pass over a link has no row, and exit status 1.");
    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 2) {
        fprintf (stderr, "rspsim compare: %s\n", error ? error->message : "no PATH given");
        return 2;
    }
    if (!rsp_scenarios_collect (argv + 1, argc - 1, NULL, &scenarios))
        return 2;
    print_head (markdown);
    gboolean passed = TRUE;
    for (guint i = 0; i < scenarios->len; i++)
        passed = compare (scenarios->pdata[i], seed, markdown) && passed;
    return passed ? 0 : 1;
}
