#include "sim/run/scenario.h"

#include "pki/hash.h"
#include "sim/run/groups.h"
#include "sim/run/language.h"
#include "sim/run/semantics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORLD_DEPTH 4

void
rsp_scenario_free (RspScenario *s)
{
    if (!s)
        return;
    g_free (s->name);
    g_free (s->shown);
    g_clear_pointer (&s->digest, g_bytes_unref);
    g_clear_pointer (&s->world, rsp_yaml_free);
    g_clear_pointer (&s->doc, rsp_yaml_free);
    g_clear_pointer (&s->roots, g_ptr_array_unref);
    g_free (s);
}

/* --- paths -------------------------------------------------------------------------------------
 */

static void
add_root (GPtrArray *roots, const char *folder)
{
    char *real = realpath (folder, NULL);
    if (!real)
        return;
    for (guint i = 0; i < roots->len; i++)
        if (strcmp (roots->pdata[i], real) == 0) {
            free (real);
            return;
        }
    g_ptr_array_add (roots, g_strdup (real));
    free (real);
}

/* The file's folder and those above it up to the one that holds the language's schema; then the
 * working directory's scenarios, then those beside the program. */
static GPtrArray *
find_roots (const char *path)
{
    GPtrArray *roots = g_ptr_array_new_with_free_func (g_free);
    g_autofree char *absolute = g_canonicalize_filename (path, NULL);
    g_autofree char *folder = g_path_get_dirname (absolute);
    g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func (g_free);

    add_root (roots, folder);
    for (char *at = g_strdup (folder); at;) {
        g_autofree char *marker = g_build_filename (at, "scenario.schema.json", NULL);
        g_ptr_array_add (chain, at);
        if (g_file_test (marker, G_FILE_TEST_EXISTS)) {
            for (guint i = 0; i < chain->len; i++)
                add_root (roots, chain->pdata[i]);
            break;
        }
        char *up = g_path_get_dirname (at);
        if (strcmp (up, at) == 0)
            g_clear_pointer (&up, g_free);
        at = up;
    }
    add_root (roots, "scenarios");
    g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
    if (program) {
        g_autofree char *bin = g_path_get_dirname (program);
        g_autofree char *beside = g_build_filename (bin, "..", "scenarios", NULL);
        add_root (roots, beside);
    }
    return roots;
}

static gboolean
path_climbs (const char *path)
{
    g_auto (GStrv) parts = g_strsplit (path, "/", -1);
    return g_path_is_absolute (path) || g_strv_contains ((const char *const *)parts, "..");
}

static char *
find_below (const char *root, const char *path)
{
    g_autofree char *joined = g_build_filename (root, path, NULL);
    char *real = realpath (joined, NULL);
    if (!real)
        return NULL;
    gsize n = strlen (root);
    gboolean inside = strncmp (real, root, n) == 0 && real[n] == '/';
    char *found = inside ? g_strdup (real) : NULL;
    free (real);
    return found;
}

char *
rsp_scenario_find (const RspScenario *s, const RspYaml *node, GError **error)
{
    if (!*node->text || path_climbs (node->text)) {
        rsp_yaml_fail (node, error, "a path is relative and stays below the scenario root");
        return NULL;
    }
    for (guint i = 0; i < s->roots->len; i++) {
        char *found = find_below (s->roots->pdata[i], node->text);
        if (found)
            return found;
    }
    g_autofree char *shown = rsp_escape_text (node->text, -1, 120);
    rsp_yaml_fail (node, error, "no such file: %s", shown);
    return NULL;
}

/* --- worlds ------------------------------------------------------------------------------------
 */

static gint
find_item (const RspYaml *map, const char *key)
{
    for (guint i = 0; i < map->items->len; i++)
        if (strcmp (((RspYaml *)map->items->pdata[i])->key, key) == 0)
            return (gint)i;
    return -1;
}

static RspYaml *
take_item (RspYaml *map, const char *key)
{
    gint i = find_item (map, key);
    return i < 0 ? NULL : g_ptr_array_steal_index (map->items, i);
}

/* Moves the members of OVER into BASE: maps are merged, anything else replaces. */
static void
merge (RspYaml *base, RspYaml *over)
{
    while (over->items->len) {
        RspYaml *item = g_ptr_array_steal_index (over->items, 0);
        gint i = find_item (base, item->key);
        if (i < 0) {
            g_ptr_array_add (base->items, item);
            continue;
        }
        RspYaml *old = base->items->pdata[i];
        if (old->kind == RSP_YAML_MAP && item->kind == RSP_YAML_MAP) {
            merge (old, item);
            rsp_yaml_free (item);
        } else {
            rsp_yaml_free (old);
            base->items->pdata[i] = item;
        }
    }
}

static RspYaml *resolve_world (RspScenario *s, RspYaml *world, guint depth, GError **error);

static RspYaml *
load_world_file (RspScenario *s, const RspYaml *node, guint depth, GError **error)
{
    g_autofree char *path = rsp_scenario_find (s, node, error);
    if (!path)
        return NULL;
    g_autoptr (RspYaml) doc = rsp_yaml_load (path, node->text, error);
    if (!doc)
        return NULL;
    gboolean is_scenario = doc->kind == RSP_YAML_MAP && rsp_yaml_get (doc, "scenario");
    if (!rsp_shape_check (is_scenario ? &rsp_language_scenario : &rsp_language_fragment, doc,
                          error))
        return NULL;
    return resolve_world (s, take_item (doc, "world"), depth + 1, error);
}

/* Takes WORLD; gives a map without `use`. */
static RspYaml *
resolve_world (RspScenario *s, RspYaml *taken, guint depth, GError **error)
{
    g_autoptr (RspYaml) world = taken;
    if (depth > MAX_WORLD_DEPTH) {
        rsp_yaml_fail (world, error, "worlds use one another more than %d deep", MAX_WORLD_DEPTH);
        return NULL;
    }
    if (world->kind == RSP_YAML_SCALAR)
        return load_world_file (s, world, depth, error);
    g_autoptr (RspYaml) use = take_item (world, "use");
    if (!use)
        return g_steal_pointer (&world);
    RspYaml *base = load_world_file (s, use, depth, error);
    if (base)
        merge (base, world);
    return base;
}

/* --- files -------------------------------------------------------------------------------------
 */

static GBytes *
digest_of (const char *path, GError **error)
{
    g_autofree char *data = NULL;
    gsize length = 0;
    guint8 sum[RSP_SHA256_SIZE];
    if (!g_file_get_contents (path, &data, &length, error))
        return NULL;
    rsp_sha256 (&RSP_SLICE (data, length), 1, sum);
    return g_bytes_new (sum, sizeof sum);
}

static gboolean
name_is_plain (const char *name)
{
    return *name && strlen (name) <= 120 &&
           strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
               strlen (name);
}

static gboolean
fill (RspScenario *s, GError **error)
{
    const RspYaml *name = rsp_yaml_get (s->doc, "scenario");
    const RspYaml *until = rsp_yaml_get (s->doc, "until"), *judge = rsp_yaml_get (s->doc, "judge");

    s->until = -1;
    if (name && !name_is_plain (name->text))
        return rsp_yaml_fail (name, error, "a scenario's name has letters, digits, - and _ only");
    s->name = name ? g_strdup (name->text) : NULL;
    s->faults = rsp_yaml_get (s->doc, "faults");
    s->steps = rsp_yaml_get (s->doc, "steps");
    s->expect = rsp_yaml_get (s->doc, "expect");
    s->forgiving = judge && strcmp (judge->text, "invariants") == 0;
    if (until && !rsp_yaml_duration (until, &s->until, error))
        return FALSE;
    s->world = resolve_world (s, take_item (s->doc, "world"), 0, error);
    const RspYaml *actors = s->world ? rsp_yaml_get (s->world, "actors") : NULL;
    if (actors)
        rsp_group_resolve_members ((RspYaml *)actors);
    return s->world && rsp_shape_check (&rsp_language_world, s->world, error) &&
           rsp_semantics_check (s, error);
}

static RspScenario *
load (const char *path, const char *shown, gboolean want_world, GError **error)
{
    g_autoptr (RspScenario) s = g_new0 (RspScenario, 1);
    s->shown = g_strdup (shown);
    s->roots = find_roots (path);
    s->doc = rsp_yaml_load (path, shown, error);
    if (!s->doc)
        return NULL;
    s->digest = digest_of (path, error);
    if (!s->digest)
        return NULL;
    gboolean is_scenario = s->doc->kind == RSP_YAML_MAP && rsp_yaml_get (s->doc, "scenario");
    if (!is_scenario && !want_world)
        return NULL;
    const RspShape *shape = is_scenario ? &rsp_language_scenario : &rsp_language_fragment;
    if (!rsp_shape_check (shape, s->doc, error) || !fill (s, error))
        return NULL;
    return g_steal_pointer (&s);
}

RspScenario *
rsp_scenario_load (const char *path, const char *shown, GError **error)
{
    return load (path, shown, FALSE, error);
}

RspScenario *
rsp_scenario_load_world (const char *path, GError **error)
{
    g_autofree char *shown = g_path_get_basename (path);
    return load (path, shown, TRUE, error);
}

/* --- folders -----------------------------------------------------------------------------------
 */

typedef struct {
    GPtrArray *scenarios;
    GHashTable *names; /* name → shown, borrowed from the scenarios */
    const char *filter;
    gboolean ok;
} Collect;

static void
complain (Collect *c, GError *error)
{
    fprintf (stderr, "%s\n", error->message);
    g_error_free (error);
    c->ok = FALSE;
}

static void
collect_file (Collect *c, const char *path, const char *shown)
{
    GError *error = NULL;
    RspScenario *s = rsp_scenario_load (path, shown, &error);
    if (error) {
        complain (c, error);
        return;
    }
    if (!s)
        return;
    const char *other = g_hash_table_lookup (c->names, s->name);
    if (other) {
        const RspYaml *name = rsp_yaml_get (s->doc, "scenario");
        rsp_yaml_fail (name, &error, "the name \"%s\" is taken by %s", s->name, other);
        complain (c, error);
        rsp_scenario_free (s);
        return;
    }
    if (c->filter && !g_pattern_match_simple (c->filter, s->name)) {
        rsp_scenario_free (s);
        return;
    }
    g_hash_table_insert (c->names, s->name, s->shown);
    g_ptr_array_add (c->scenarios, s);
}

static gint
compare_text (gconstpointer a, gconstpointer b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

static void
collect_folder (Collect *c, const char *folder, const char *relative, guint depth)
{
    GError *error = NULL;
    g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
    if (!dir) {
        complain (c, error);
        return;
    }
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    for (const char *name; (name = g_dir_read_name (dir));)
        if (name[0] != '.')
            g_ptr_array_add (names, g_strdup (name));
    g_ptr_array_sort (names, compare_text);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);
        g_autofree char *shown = *relative ? g_build_filename (relative, names->pdata[i], NULL)
                                           : g_strdup (names->pdata[i]);
        if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
            if (depth < 16)
                collect_folder (c, path, shown, depth + 1);
        } else if (g_str_has_suffix (path, ".yaml")) {
            collect_file (c, path, shown);
        }
    }
}

gboolean
rsp_scenarios_collect (char **paths, gint n, const char *filter, GPtrArray **ret_scenarios)
{
    Collect c = {.filter = filter, .ok = TRUE};
    c.scenarios = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_scenario_free);
    c.names = g_hash_table_new (g_str_hash, g_str_equal);
    for (gint i = 0; i < n; i++) {
        g_autofree char *base = g_path_get_basename (paths[i]);
        if (g_file_test (paths[i], G_FILE_TEST_IS_DIR)) {
            collect_folder (&c, paths[i], "", 0);
        } else if (g_file_test (paths[i], G_FILE_TEST_EXISTS)) {
            collect_file (&c, paths[i], base);
        } else {
            fprintf (stderr, "%s: no such file or folder\n", paths[i]);
            c.ok = FALSE;
        }
    }
    g_hash_table_unref (c.names);
    *ret_scenarios = c.scenarios;
    return c.ok;
}
