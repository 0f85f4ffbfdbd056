#include "sim/core/yaml.h"

#include <string.h>

#include "sim/core/bytes.h"

static const char *const kind_names[] = {"a single value", "a list", "a map"};

const RspYaml *
rsp_yaml_get (const RspYaml *map, const char *key)
{
    if (!map || map->kind != RSP_YAML_MAP)
        return NULL;
    for (guint i = 0; i < map->items->len; i++) {
        const RspYaml *item = g_ptr_array_index (map->items, i);
        if (g_str_equal (item->key, key))
            return item;
    }
    return NULL;
}

gboolean
rsp_yaml_only (const RspYaml *map, const char *const *names, GError **error)
{
    if (map->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (map, error, "expected a map, found %s", kind_names[map->kind]);
    for (guint i = 0; i < map->items->len; i++) {
        const RspYaml *item = g_ptr_array_index (map->items, i);
        RspYaml at_key = *item;
        const char *close;

        if (g_strv_contains (names, item->key))
            continue;
        at_key.line = item->key_line;
        at_key.column = item->key_column;
        close = rsp_suggest (item->key, names);
        if (close)
            return rsp_yaml_fail (&at_key, error, "unknown key '%s'; did you mean '%s'?", item->key,
                                  close);
        return rsp_yaml_fail (&at_key, error, "unknown key '%s'", item->key);
    }
    return TRUE;
}

static gboolean
expect_scalar (const RspYaml *node, const char *what, GError **error)
{
    return node->kind == RSP_YAML_SCALAR ||
           rsp_yaml_fail (node, error, "expected %s, found %s", what, kind_names[node->kind]);
}

static gboolean
one_of (const char *text, const char *const *words)
{
    for (; *words; words++)
        if (g_str_equal (text, *words))
            return TRUE;
    return FALSE;
}

static const char *const true_words[] = {"true", "True", "TRUE", "yes", "Yes",
                                         "YES",  "on",   "On",   "ON",  NULL};
static const char *const false_words[] = {"false", "False", "FALSE", "no",  "No",
                                          "NO",    "off",   "Off",   "OFF", NULL};
static const char *const null_words[] = {"", "~", "null", "Null", "NULL", NULL};

static gboolean
looks_like_integer (const char *text)
{
    text += *text == '-' || *text == '+';
    return *text && strspn (text, "0123456789") == strlen (text);
}

/* Other YAML readers would hand over a number, a boolean or nothing here, leading zeros lost. */
gboolean
rsp_yaml_text (const RspYaml *node, const char **ret_text, GError **error)
{
    const char *found = NULL;

    if (!expect_scalar (node, "text", error))
        return FALSE;
    if (!node->quoted) {
        if (one_of (node->text, null_words))
            found = "nothing";
        else if (one_of (node->text, true_words) || one_of (node->text, false_words))
            found = "a boolean";
        else if (looks_like_integer (node->text))
            found = "a number";
    }
    if (found)
        return rsp_yaml_fail (node, error, "expected text, found %s (put text in quotes)", found);
    *ret_text = node->text;
    return TRUE;
}

static gboolean
parse_integer (const char *text, gint64 *ret)
{
    gboolean negative = *text == '-';
    const char *digits = text + (*text == '-' || *text == '+');
    gboolean hex = g_str_has_prefix (digits, "0x");
    char *end = NULL;
    guint64 value = 0;

    if (hex)
        digits += 2;
    if (!(hex ? g_ascii_isxdigit (*digits) : g_ascii_isdigit (*digits)))
        return FALSE;
    /* YAML 1.1 reads a leading zero as octal, people do not. */
    if (!hex && digits[0] == '0' && digits[1])
        return FALSE;
    if (strlen (digits) > 19)
        return FALSE;
    value = g_ascii_strtoull (digits, &end, hex ? 16 : 10);
    if (*end || value > G_MAXINT64)
        return FALSE;
    *ret = negative ? -(gint64)value : (gint64)value;
    return TRUE;
}

gboolean
rsp_yaml_int (const RspYaml *node, gint64 min, gint64 max, gint64 *ret, GError **error)
{
    gint64 value = 0;

    if (!expect_scalar (node, "a whole number", error))
        return FALSE;
    if (node->quoted || !parse_integer (node->text, &value))
        return rsp_yaml_fail (node, error, "expected a whole number, found '%s'", node->text);
    if (value < min || value > max)
        return rsp_yaml_fail (node, error,
                              "%" G_GINT64_FORMAT " is not between %" G_GINT64_FORMAT
                              " and %" G_GINT64_FORMAT,
                              value, min, max);
    *ret = value;
    return TRUE;
}

gboolean
rsp_yaml_bool (const RspYaml *node, gboolean *ret, GError **error)
{
    if (!expect_scalar (node, "true or false", error))
        return FALSE;
    if (!node->quoted && one_of (node->text, true_words))
        *ret = TRUE;
    else if (!node->quoted && one_of (node->text, false_words))
        *ret = FALSE;
    else
        return rsp_yaml_fail (node, error, "expected true or false, found '%s'", node->text);
    return TRUE;
}

gboolean
rsp_yaml_duration (const RspYaml *node, gint64 *ret_us, GError **error)
{
    static const struct {
        const char *name;
        gint64 us;
    } units[] = {{"us", 1},         {"ms", 1000},        {"s", 1000000},
                 {"m", 60000000LL}, {"h", 3600000000LL}, {"d", 86400000000LL}};
    gsize digits;

    if (!expect_scalar (node, "a duration", error))
        return FALSE;
    digits = strspn (node->text, "0123456789");
    for (gsize i = 0; digits > 0 && digits <= 15 && i < G_N_ELEMENTS (units); i++) {
        gint64 value = g_ascii_strtoll (node->text, NULL, 10);
        if (!g_str_equal (node->text + digits, units[i].name))
            continue;
        /* A thousand years bounds every sum of times that follows. */
        if (value > 365000LL * 86400000000LL / units[i].us)
            return rsp_yaml_fail (node, error, "duration '%s' is longer than 365000d", node->text);
        *ret_us = value * units[i].us;
        return TRUE;
    }
    return rsp_yaml_fail (node, error, "expected a duration like 10us 5ms 30s 2m 1h 3d, found '%s'",
                          node->text);
}

gboolean
rsp_yaml_hex (const RspYaml *node, GBytes **ret, GError **error)
{
    GBytes *bytes;

    if (!expect_scalar (node, "octets in hex", error))
        return FALSE;
    bytes = rsp_unhex (node->text);
    if (!bytes)
        return rsp_yaml_fail (node, error, "expected octets in hex, found '%s'", node->text);
    *ret = bytes;
    return TRUE;
}

/* YYYY-MM-DDThh:mm:ss[.fraction]Z */
static gboolean
parse_time (const char *text, gint64 *ret_unix_us)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    g_autoptr (GDateTime) time = NULL;
    const char *rest = text + sizeof shape - 1;
    gint64 us = 0;
    int part[6];

    for (gsize i = 0; shape[i]; i++)
        if (shape[i] == 'd' ? !g_ascii_isdigit (text[i]) : text[i] != shape[i])
            return FALSE;
    if (*rest == '.') {
        gint64 unit = 100000;
        for (rest++; g_ascii_isdigit (*rest); rest++, unit /= 10)
            us += (*rest - '0') * unit;
        if (rest[-1] == '.')
            return FALSE;
    }
    if (!g_str_equal (rest, "Z"))
        return FALSE;
    for (int i = 0, at = 0; i < 6; i++, at += i == 1 ? 5 : 3)
        part[i] = (int)g_ascii_strtoll (text + at, NULL, 10);
    time = g_date_time_new_utc (part[0], part[1], part[2], part[3], part[4], part[5]);
    if (!time || part[0] < 1970)
        return FALSE;
    *ret_unix_us = g_date_time_to_unix (time) * G_USEC_PER_SEC + us;
    return TRUE;
}

gboolean
rsp_yaml_time (const RspYaml *node, gint64 *ret_unix_us, GError **error)
{
    if (!expect_scalar (node, "a time", error))
        return FALSE;
    if (!parse_time (node->text, ret_unix_us))
        return rsp_yaml_fail (
            node, error, "expected a time like \"2025-01-01T00:00:00Z\", found '%s'", node->text);
    return TRUE;
}

gboolean
rsp_yaml_opt_text (const RspYaml *map, const char *key, const char **ret, GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    return !node || rsp_yaml_text (node, ret, error);
}

gboolean
rsp_yaml_opt_int (const RspYaml *map, const char *key, gint64 min, gint64 max, gint64 *ret,
                  GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    return !node || rsp_yaml_int (node, min, max, ret, error);
}

gboolean
rsp_yaml_opt_bool (const RspYaml *map, const char *key, gboolean *ret, GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    return !node || rsp_yaml_bool (node, ret, error);
}
