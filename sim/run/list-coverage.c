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

/* Point → names of scenarios, joined with commas. */
static GHashTable *
names_by_point (const GPtrArray *scenarios)
{
    GHashTable *points = g_hash_table_new_full (NULL, NULL, NULL, g_free);
    for (guint i = 0; i < scenarios->len; i++) {
        const RspScenario *s = scenarios->pdata[i];
        const RspYaml *list = rsp_yaml_get (s->doc, "covers");
        for (guint k = 0; list && k < list->items->len; k++) {
            gint64 n = 0;
            rsp_yaml_int (list->items->pdata[k], 1, RSP_COVERAGE_POINTS, &n, NULL);
            const char *others = g_hash_table_lookup (points, GINT_TO_POINTER ((int)n));
            g_hash_table_insert (points, GINT_TO_POINTER ((int)n),
                                 others ? g_strconcat (others, ",", s->name, NULL)
                                        : g_strdup (s->name));
        }
    }
    return points;
}

int
rsp_list_coverage (const GPtrArray *scenarios)
{
    g_autofree char *path = points_path (), *text = NULL;
    g_autoptr (GError) error = NULL;
    if (!g_file_get_contents (path, &text, NULL, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return 2;
    }
    g_autoptr (GHashTable) names = names_by_point (scenarios);
    g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_auto (GStrv) columns = g_strsplit (lines[i], "\t", -1);
        if (g_strv_length (columns) != COLUMNS || strtoul (columns[0], NULL, 10) != i + 1) {
            fprintf (stderr, "%s:%u: expected number %u, section, capability and text\n", path,
                     i + 1, i + 1);
            return 2;
        }
        const char *shown = g_hash_table_lookup (names, GINT_TO_POINTER ((int)(i + 1)));
        printf ("%s\t%s\n", lines[i], shown ? shown : "-");
    }
    return 0;
}
