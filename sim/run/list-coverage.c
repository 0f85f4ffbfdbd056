/* `rspsim list coverage`: the points of docs/coverage-points.tsv and the scenarios that say, by
 * `covers:`, that they show them. */
#include "sim/run/commands.h"

#include <stdio.h>
#include <string.h>

#include "sim/run/language.h"
#include "sim/run/scenario.h"

#define POINTS_FILE "docs/coverage-points.tsv"
#define COLUMNS 4 /* number, section, later capability or "-", text */

/* In the working directory, or beside the program's folder. */
static char *
points_path (void)
{
    if (g_file_test (POINTS_FILE, G_FILE_TEST_EXISTS))
        return g_strdup (POINTS_FILE);
    g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
    g_autofree char *folder = program ? g_path_get_dirname (program) : NULL;
    return folder ? g_build_filename (folder, "..", POINTS_FILE, NULL) : g_strdup (POINTS_FILE);
}

/* Point → its scenarios (GPtrArray of RspScenario, not owned). */
static GHashTable *
scenarios_by_point (const GPtrArray *scenarios)
{
    GHashTable *points =
        g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < scenarios->len; i++) {
        RspScenario *s = scenarios->pdata[i];
        const RspYaml *list = rsp_yaml_get (s->doc, "covers");
        for (guint k = 0; list && k < list->items->len; k++) {
            gint64 n = 0;
            rsp_yaml_int (list->items->pdata[k], 1, RSP_COVERAGE_POINTS, &n, NULL);
            gpointer point = GINT_TO_POINTER ((int)n);
            GPtrArray *shown = g_hash_table_lookup (points, point);
            if (!shown)
                g_hash_table_insert (points, point, shown = g_ptr_array_new ());
            g_ptr_array_add (shown, s);
        }
    }
    return points;
}

/* One line, tab-separated; `-`: no scenario. */
static void
print_plain (GStrv columns, const GPtrArray *shown)
{
    g_autofree char *line = g_strjoinv ("\t", columns);
    printf ("%s\t", line);
    for (guint i = 0; shown && i < shown->len; i++)
        printf ("%s%s", i ? "," : "", ((const RspScenario *)shown->pdata[i])->name);
    printf ("%s\n", shown ? "" : "-");
}

static void
print_row (GStrv columns, const GPtrArray *shown)
{
    printf ("| %s | %s | %s | ", columns[0], columns[1], columns[3]);
    for (guint i = 0; shown && i < shown->len; i++)
        printf ("%s%s", i ? ", " : "", ((const RspScenario *)shown->pdata[i])->name);
    if (!shown && strcmp (columns[2], "-") != 0)
        printf ("not supported: %s", columns[2]);
    else if (!shown)
        printf ("**none**");
    printf (" |\n");
}

static void
print_head (char **lines, GHashTable *shown)
{
    guint n = g_hash_table_size (shown), later = 0, total = g_strv_length (lines);
    for (guint i = 0; i < total; i++) {
        g_auto (GStrv) columns = g_strsplit (lines[i], "\t", -1);
        if (strcmp (columns[2], "-") != 0 &&
            !g_hash_table_contains (shown, GINT_TO_POINTER ((int)(i + 1))))
            later++;
    }
    printf ("# Coverage\n\n"
            "What the whole of Remote SIM Provisioning comes to, point by point, and the scenarios "
            "that show each.\n"
            "Written by `rspsim list coverage --format markdown`, from `covers:` in the scenarios "
            "and %s.\n\n"
            "%u points: %u shown, %u not supported (named), %u without a scenario.\n\n"
            "| point | section | what | scenarios |\n|---|---|---|---|\n",
            POINTS_FILE, total, n, later, total - n - later);
}

static gboolean
points_good (const char *path, char **lines)
{
    for (guint i = 0; lines[i]; i++) {
        g_auto (GStrv) columns = g_strsplit (lines[i], "\t", -1);
        if (g_strv_length (columns) == COLUMNS && strtoul (columns[0], NULL, 10) == i + 1)
            continue;
        fprintf (stderr, "%s:%u: expected number %u, section, capability and text\n", path, i + 1,
                 i + 1);
        return FALSE;
    }
    return TRUE;
}

int
rsp_list_coverage (const GPtrArray *scenarios, gboolean markdown)
{
    g_autofree char *path = points_path (), *text = NULL;
    g_autoptr (GError) error = NULL;
    if (!g_file_get_contents (path, &text, NULL, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return 2;
    }
    g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
    if (!points_good (path, lines))
        return 2;
    g_autoptr (GHashTable) shown = scenarios_by_point (scenarios);
    if (markdown)
        print_head (lines, shown);
    for (guint i = 0; lines[i]; i++) {
        g_auto (GStrv) columns = g_strsplit (lines[i], "\t", -1);
        const GPtrArray *of_point = g_hash_table_lookup (shown, GINT_TO_POINTER ((int)(i + 1)));
        (markdown ? print_row : print_plain) (columns, of_point);
    }
    return 0;
}
