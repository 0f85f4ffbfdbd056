#include <string.h>

#include "sim/core/bytes.h"
#include "sim/core/yaml.h"

static RspYaml *
parse (const char *text)
{
    g_autoptr (GError) error = NULL;
    RspYaml *root = rsp_yaml_parse (text, -1, "f.yaml", &error);
    g_assert_no_error (error);
    return root;
}

static void
test_tree (void)
{
    g_autoptr (RspYaml) root = parse ("a: 1\nlist:\n  - x\n  - 'y'\nm: {k: &n {z: 5}, l: *n}\n");
    const RspYaml *list = rsp_yaml_get (root, "list"), *m = rsp_yaml_get (root, "m");
    const RspYaml *copy = rsp_yaml_get (rsp_yaml_get (m, "l"), "z");

    g_assert_cmpint (root->kind, ==, RSP_YAML_MAP);
    g_assert_cmpuint (root->items->len, ==, 3);
    g_assert_cmpuint (list->items->len, ==, 2);
    g_assert_cmpuint (list->key_line, ==, 2);
    g_assert_cmpuint (((RspYaml *)list->items->pdata[1])->line, ==, 4);
    g_assert_cmpuint (((RspYaml *)list->items->pdata[1])->column, ==, 5);
    g_assert_true (((RspYaml *)list->items->pdata[1])->quoted);
    g_assert_false (((RspYaml *)list->items->pdata[0])->quoted);
    g_assert_cmpstr (copy->text, ==, "5");
    g_assert_cmpuint (copy->line, ==, 5);
    g_assert_null (rsp_yaml_get (root, "b"));
    g_assert_null (rsp_yaml_get (list, "a"));
}

static void
test_refusals (void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "f.yaml:1:1: the document is empty"},
        {"a: 1\na: 2\n", "f.yaml:2:1: duplicate key 'a'"},
        {"x: &x {b: 1}\ny:\n  <<: *x\n", "f.yaml:3:3: not supported: merge key <<"},
        {"a: *b\n", "f.yaml:1:4: unknown alias 'b'"},
        {"a: &b [*b]\n", "f.yaml:1:8: alias 'b' inside its own anchor"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: not supported: more than one document"},
        {"[a]: 1\n", "f.yaml:1:1: not supported: a key that is not plain text"},
        {"a: !!binary x\n", "f.yaml:1:4: not supported: tag tag:yaml.org,2002:binary"},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: not supported: NUL in text"},
        {"a:\n\t- b\n", NULL},
        {"a: [1, 2\n", NULL},
        {"\"\xff\"", NULL},
        {"a: \"\\e[31m\": b", NULL},
        {"\"\\e[31m\": 1\n\"\\e[31m\": 2\n", "f.yaml:2:1: duplicate key '\\x1b[31m'"},
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        g_assert_null (rsp_yaml_parse (cases[i].text, -1, "f.yaml", &error));
        g_assert_nonnull (error);
        g_assert_cmpint (error->domain, ==, RSP_YAML_ERROR);
        if (cases[i].message)
            g_assert_cmpstr (error->message, ==, cases[i].message);
        else
            g_assert_true (g_str_has_prefix (error->message, "f.yaml:"));
    }
}

static char *
nested (guint depth)
{
    GString *text = g_string_new (NULL);
    for (guint i = 0; i < depth; i++)
        g_string_append_c (text, '[');
    for (guint i = 0; i < depth; i++)
        g_string_append_c (text, ']');
    return g_string_free (text, FALSE);
}

static void
test_bounds (void)
{
    static const char bomb[] = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                               "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                               "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                               "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e]\n";
    g_autofree char *deep = nested (65), *fits = nested (64), *very = nested (100000);
    g_autofree char *large = g_strnfill ((4u << 20) + 1, '#');
    g_autoptr (RspYaml) good = parse (fits);

    g_assert_nonnull (good);
    g_assert_null (rsp_yaml_parse (deep, -1, "f", NULL));
    g_assert_null (rsp_yaml_parse (very, -1, "f", NULL));
    g_assert_null (rsp_yaml_parse (bomb, -1, "f", NULL));
    g_assert_null (rsp_yaml_parse (large, -1, "f", NULL));
    g_assert_null (rsp_yaml_load ("/", "f", NULL));
    g_assert_null (rsp_yaml_load ("/nowhere/at/all", "f", NULL));
    g_assert_null (rsp_yaml_load ("/dev/zero", "f", NULL));
}

static void
test_only (void)
{
    static const char *const names[] = {"matchingId", "iccid", NULL};
    g_autoptr (RspYaml) close = parse ("iccid: 1\nmatchingid: x\n");
    g_autoptr (RspYaml) far = parse ("zzz: 1\n");
    g_autoptr (RspYaml) list = parse ("[1]");
    g_autoptr (GError) error = NULL;

    g_assert_false (rsp_yaml_only (close, names, &error));
    g_assert_cmpstr (error->message, ==,
                     "f.yaml:2:1: unknown key 'matchingid'; did you mean 'matchingId'?");
    g_clear_error (&error);
    g_assert_false (rsp_yaml_only (far, names, &error));
    g_assert_cmpstr (error->message, ==, "f.yaml:1:1: unknown key 'zzz'");
    g_assert_false (rsp_yaml_only (list, names, NULL));
}

typedef enum { TEXT, INT, BOOL, DURATION, TIME, HEX } Reader;

/* The value as text, or NULL where the reader refuses. */
static char *
read_as (Reader reader, const char *yaml)
{
    g_autoptr (RspYaml) node = parse (yaml);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = NULL;
    const char *text = NULL;
    gint64 number = 0;
    gboolean flag = FALSE, ok = FALSE;

    if (reader == TEXT)
        ok = rsp_yaml_text (node, &text, &error);
    else if (reader == INT)
        ok = rsp_yaml_int (node, -5, G_MAXINT64, &number, &error);
    else if (reader == BOOL)
        ok = rsp_yaml_bool (node, &flag, &error);
    else if (reader == DURATION)
        ok = rsp_yaml_duration (node, &number, &error);
    else if (reader == TIME)
        ok = rsp_yaml_time (node, &number, &error);
    else
        ok = rsp_yaml_hex (node, &bytes, &error);
    g_assert_true (ok == (error == NULL));
    if (!ok)
        return NULL;
    if (text)
        return g_strdup (text);
    if (bytes)
        return rsp_hex (rsp_slice_of (bytes));
    return g_strdup_printf ("%" G_GINT64_FORMAT, reader == BOOL ? flag : number);
}

static void
test_readers (void)
{
    static const struct {
        Reader reader;
        const char *yaml, *expected;
    } cases[] = {
        {TEXT, "abc", "abc"},
        {TEXT, "'8988'", "8988"},
        {TEXT, "8988", NULL},
        {TEXT, "yes", NULL},
        {TEXT, "~", NULL},
        {TEXT, "8.1.1", "8.1.1"},
        {TEXT, "[a]", NULL},
        {INT, "42", "42"},
        {INT, "0x1F", "31"},
        {INT, "-5", "-5"},
        {INT, "-6", NULL},
        {INT, "'42'", NULL},
        {INT, "042", NULL},
        {INT, "1.5", NULL},
        {INT, "9223372036854775807", "9223372036854775807"},
        {INT, "9223372036854775808", NULL},
        {INT, "99999999999999999999", NULL},
        {BOOL, "true", "1"},
        {BOOL, "off", "0"},
        {BOOL, "'true'", NULL},
        {BOOL, "1", NULL},
        {DURATION, "10us", "10"},
        {DURATION, "5ms", "5000"},
        {DURATION, "30s", "30000000"},
        {DURATION, "2m", "120000000"},
        {DURATION, "1h", "3600000000"},
        {DURATION, "3d", "259200000000"},
        {DURATION, "3", NULL},
        {DURATION, "3w", NULL},
        {DURATION, "-3s", NULL},
        {DURATION, "999999999999999d", NULL},
        {TIME, "'2025-01-01T00:00:00Z'", "1735689600000000"},
        {TIME, "'2025-01-01T00:00:00.25Z'", "1735689600250000"},
        {TIME, "'2025-13-01T00:00:00Z'", NULL},
        {TIME, "'2025-02-30T00:00:00Z'", NULL},
        {TIME, "'2025-01-01T00:00:00'", NULL},
        {TIME, "'2025-01-01'", NULL},
        {HEX, "'00fF'", "00ff"},
        {HEX, "'00f'", NULL},
        {HEX, "xy", NULL},
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *got = read_as (cases[i].reader, cases[i].yaml);
        g_test_message ("%s", cases[i].yaml);
        g_assert_cmpstr (got, ==, cases[i].expected);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/core/yaml/tree", test_tree);
    g_test_add_func ("/core/yaml/refusals", test_refusals);
    g_test_add_func ("/core/yaml/bounds", test_bounds);
    g_test_add_func ("/core/yaml/only", test_only);
    g_test_add_func ("/core/yaml/readers", test_readers);
    return g_test_run ();
}
