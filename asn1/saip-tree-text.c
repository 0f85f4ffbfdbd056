/* Trees as text, and what tells two of them apart. */
#include "asn1/saip-tree.h"

#include <string.h>

#define WIDTH 100
#define MAX_DIFFERENCES 10000

/* --- Text --- */

static void
put_scalar (GString *out, const RspYaml *node)
{
    if (!node->quoted) {
        g_string_append (out, node->text);
        return;
    }
    g_string_append_c (out, '"');
    for (const char *p = node->text; *p; p = g_utf8_next_char (p)) {
        gunichar c = g_utf8_get_char (p);
        if (c == '"' || c == '\\')
            g_string_append_printf (out, "\\%c", (char)c);
        else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
                 c == 0xFFFE || c == 0xFFFF)
            g_string_append_printf (out, "\\u%04X", c);
        else
            g_string_append_unichar (out, c);
    }
    g_string_append_c (out, '"');
}

/* On one line: {a: "00", b: [1, 2]}. */
static void
put_flow (GString *out, const RspYaml *node)
{
    if (node->kind == RSP_YAML_SCALAR) {
        put_scalar (out, node);
        return;
    }
    g_string_append_c (out, node->kind == RSP_YAML_MAP ? '{' : '[');
    for (guint i = 0; i < node->items->len; i++) {
        const RspYaml *item = node->items->pdata[i];
        if (i)
            g_string_append (out, ", ");
        if (node->kind == RSP_YAML_MAP)
            g_string_append_printf (out, "%s: ", item->key);
        put_flow (out, item);
    }
    g_string_append_c (out, node->kind == RSP_YAML_MAP ? '}' : ']');
}

static gboolean
fits (const RspYaml *node, guint column, GString *ret_flow)
{
    put_flow (ret_flow, node);
    return node->kind == RSP_YAML_SCALAR || !node->items->len || ret_flow->len + column <= WIDTH;
}

/* The members of NODE, a line or more each; the first continues a line with IN_LINE. */
static void
put_block (GString *out, const RspYaml *node, guint indent, gboolean in_line)
{
    for (guint i = 0; i < node->items->len; i++) {
        const RspYaml *item = node->items->pdata[i];
        gboolean map = node->kind == RSP_YAML_MAP;
        g_autoptr (GString) flow = g_string_new (NULL);
        if (i || !in_line)
            g_string_append_printf (out, "%*s", (int)indent, "");
        g_string_append_printf (out, "%s%s", map ? item->key : "-", map ? ":" : "");
        if (fits (item, indent + (map ? strlen (item->key) : 0) + 3, flow)) {
            g_string_append_printf (out, " %s\n", flow->str);
            continue;
        }
        g_string_append_c (out, map ? '\n' : ' ');
        put_block (out, item, indent + 2, !map);
    }
}

char *
rsp_saip_tree_text (const RspYaml *tree)
{
    GString *out = g_string_new (NULL);
    put_block (out, tree, 0, FALSE);
    return g_string_free (out, FALSE);
}

/* --- Differences --- */

typedef struct {
    GPtrArray *out;
    GString *path;
} Diff;

static void
note (Diff *d, const char *what, const RspYaml *a, const RspYaml *b)
{
    if (d->out->len >= MAX_DIFFERENCES)
        return;
    GString *s = g_string_new (d->path->str);
    if (what)
        g_string_append (s, what);
    if (a)
        put_flow (s, a);
    if (a && b)
        g_string_append (s, " -> ");
    if (b)
        put_flow (s, b);
    g_ptr_array_add (d->out, g_string_free (s, FALSE));
}

static void compare (Diff *d, const RspYaml *a, const RspYaml *b);

static void
compare_under (Diff *d, const char *name, guint index, const RspYaml *a, const RspYaml *b)
{
    gsize length = d->path->len;
    if (name)
        g_string_append_printf (d->path, "%s: ", name);
    else
        g_string_append_printf (d->path, "%u: ", index);
    if (a && b)
        compare (d, a, b);
    else
        note (d, a ? "only in the first: " : "only in the second: ", a, b);
    g_string_truncate (d->path, length);
}

static void
compare_maps (Diff *d, const RspYaml *a, const RspYaml *b)
{
    for (guint i = 0; i < a->items->len; i++) {
        const RspYaml *item = a->items->pdata[i];
        compare_under (d, item->key, 0, item, rsp_yaml_get (b, item->key));
    }
    for (guint i = 0; i < b->items->len; i++) {
        const RspYaml *item = b->items->pdata[i];
        if (!rsp_yaml_get (a, item->key))
            compare_under (d, item->key, 0, NULL, item);
    }
}

static void
compare_lists (Diff *d, const RspYaml *a, const RspYaml *b)
{
    guint n = MAX (a->items->len, b->items->len);
    for (guint i = 0; i < n; i++)
        compare_under (d, NULL, i + 1, i < a->items->len ? a->items->pdata[i] : NULL,
                       i < b->items->len ? b->items->pdata[i] : NULL);
}

static void
compare (Diff *d, const RspYaml *a, const RspYaml *b)
{
    if (a->kind != b->kind)
        note (d, NULL, a, b);
    else if (a->kind == RSP_YAML_MAP)
        compare_maps (d, a, b);
    else if (a->kind == RSP_YAML_LIST)
        compare_lists (d, a, b);
    else if (strcmp (a->text, b->text))
        note (d, NULL, a, b);
}

/* Elements are told apart by name and turn: the second pinCodes of both belong together. */
static const RspYaml *
nth_of (const RspYaml *list, const char *name, guint n, guint *ret_place)
{
    for (guint i = 0; i < list->items->len; i++) {
        const RspYaml *item = ((const RspYaml *)list->items->pdata[i])->items->pdata[0];
        if (!strcmp (item->key, name) && !n--) {
            *ret_place = i;
            return item;
        }
    }
    return NULL;
}

static guint
turn_of (const RspYaml *list, guint place)
{
    const char *name = ((RspYaml *)((RspYaml *)list->items->pdata[place])->items->pdata[0])->key;
    guint n = 0;
    for (guint i = 0; i < place; i++)
        n += !strcmp (((RspYaml *)((RspYaml *)list->items->pdata[i])->items->pdata[0])->key, name);
    return n;
}

static void
compare_element (Diff *d, const RspYaml *list, guint place, const RspYaml *other, gboolean second,
                 guint *last)
{
    const RspYaml *own = ((const RspYaml *)list->items->pdata[place])->items->pdata[0];
    guint there = 0;
    const RspYaml *match = nth_of (other, own->key, turn_of (list, place), &there);
    const RspYaml *id = own->kind == RSP_YAML_MAP ? rsp_yaml_get (own, "identification") : NULL;
    g_string_printf (d->path, "element %u %s", place + 1, own->key);
    if (id)
        g_string_append_printf (d->path, " (identification %s)", id->text);
    g_string_append (d->path, ": ");
    if (!match)
        note (d, second ? "only in the second" : "only in the first", NULL, NULL);
    else if (!second) {
        if (there < *last)
            note (d, "stands elsewhere in the second", NULL, NULL);
        *last = there;
        compare (d, own, match);
    }
}

GPtrArray *
rsp_saip_tree_diff (const RspYaml *a, const RspYaml *b)
{
    const RspYaml *first = rsp_yaml_get (a, "elements"), *second = rsp_yaml_get (b, "elements");
    g_autoptr (GString) path = g_string_new (NULL);
    Diff d = {g_ptr_array_new_with_free_func (g_free), path};
    guint last = 0;
    for (guint i = 0; i < first->items->len; i++)
        compare_element (&d, first, i, second, FALSE, &last);
    for (guint i = 0; i < second->items->len; i++)
        compare_element (&d, second, i, first, TRUE, &last);
    return d.out;
}
