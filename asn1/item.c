#include "asn1/item.h"

#include <jansson.h>
#include <stdarg.h>

#define MAX_ITEMS 20000
#define MAX_HEX 80
#define MAX_TEXT 400

struct _RspItem {
    RspItem *root;
    char *name, *value; /* VALUE may be NULL */
    guint32 tag;
    GPtrArray *children;
    guint total; /* of the whole tree, kept in its root */
};

RspItem *
rsp_item_new (const char *name)
{
    RspItem *item = g_new0 (RspItem, 1);
    item->root = item;
    item->name = g_strdup (name);
    item->children = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_item_free);
    return item;
}

void
rsp_item_free (RspItem *item)
{
    if (!item)
        return;
    g_free (item->name);
    g_free (item->value);
    g_ptr_array_unref (item->children);
    g_free (item);
}

RspItem *
rsp_item_add (RspItem *parent, const char *name)
{
    RspItem *item = rsp_item_new (name);
    item->root = parent->root;
    item->root->total++;
    g_ptr_array_add (parent->children, item);
    return item;
}

const RspItem *
rsp_item_only_child (const RspItem *item)
{
    g_assert (item->children->len == 1);
    return g_ptr_array_index (item->children, 0);
}

gboolean
rsp_item_has_room (const RspItem *item)
{
    return item->root->total < MAX_ITEMS;
}

void
rsp_item_set_tag (RspItem *item, guint32 tag)
{
    item->tag = tag;
}

void
rsp_item_set (RspItem *item, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    g_free (item->value);
    item->value = g_strdup_vprintf (format, arguments);
    va_end (arguments);
}

void
rsp_item_set_hex (RspItem *item, RspSlice octets)
{
    g_autofree char *hex = rsp_hex (RSP_SLICE (octets.data, MIN (octets.len, MAX_HEX)));
    if (octets.len > MAX_HEX)
        rsp_item_set (item, "%s… (%" G_GSIZE_FORMAT " octets)", hex, octets.len);
    else
        rsp_item_set (item, "%s", hex);
}

void
rsp_item_set_text (RspItem *item, RspSlice text)
{
    g_autofree char *safe =
        rsp_escape_text (text.len ? (const char *)text.data : "", (gssize)text.len, MAX_TEXT);
    rsp_item_set (item, "\"%s\"", safe);
}

static void
render (GString *out, const RspItem *item, guint depth)
{
    for (guint i = 0; i < depth; i++)
        g_string_append (out, "  ");
    g_string_append (out, item->name);
    if (item->tag)
        g_string_append_printf (out, " [%02X]", item->tag);
    if (item->value)
        g_string_append_printf (out, ": %s", item->value);
    g_string_append_c (out, '\n');
    for (guint i = 0; i < item->children->len; i++)
        render (out, g_ptr_array_index (item->children, i), depth + 1);
}

char *
rsp_item_text (const RspItem *item)
{
    GString *out = g_string_new (NULL);
    render (out, item, 0);
    return g_string_free (out, FALSE);
}

static json_t *
to_json (const RspItem *item)
{
    json_t *json = json_object ();
    json_object_set_new (json, "name", json_string (item->name));
    if (item->tag) {
        g_autofree char *tag = g_strdup_printf ("%02X", item->tag);
        json_object_set_new (json, "tag", json_string (tag));
    }
    if (item->value)
        json_object_set_new (json, "value", json_string (item->value));
    if (item->children->len == 0)
        return json;
    json_t *children = json_array ();
    for (guint i = 0; i < item->children->len; i++)
        json_array_append_new (children, to_json (g_ptr_array_index (item->children, i)));
    json_object_set_new (json, "children", children);
    return json;
}

char *
rsp_item_json (const RspItem *item)
{
    json_t *json = to_json (item);
    char *dump = json_dumps (json, JSON_INDENT (2));
    char *text = g_strconcat (dump, "\n", NULL);
    free (dump);
    json_decref (json);
    return text;
}
