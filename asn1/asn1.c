#include "asn1/value.h"

#include <string.h>

G_DEFINE_QUARK (rsp_asn1_error, rsp_asn1_error)

RspValue *
rsp_value_new (RspAsn1 *node, const RspSchema *schema)
{
    RspValue *value = rsp_arena_take (&node->arena, sizeof *value);
    memset (value, 0, sizeof *value);
    value->schema = schema;
    return value;
}

RspAsn1 *
rsp_value_message (const char *type)
{
    const RspSchema *schema = rsp_schema (type);
    if (!schema)
        g_error ("asn1: no type %s", type);
    RspAsn1 *node = g_new0 (RspAsn1, 1);
    node->root = rsp_value_new (node, schema);
    return node;
}

RspAsn1 *
rsp_asn1_new (const char *type)
{
    return rsp_value_message (type);
}

void
rsp_asn1_free (RspAsn1 *node)
{
    if (!node)
        return;
    rsp_arena_clear (&node->arena);
    if (node->der)
        g_bytes_unref (node->der);
    g_free (node);
}

const RspValue *
rsp_asn1_root (const RspAsn1 *node)
{
    return node->root;
}

void
rsp_value_add (RspValue *parent, RspValue *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

/* Paths. */

const char *
rsp_value_rest (const char *path, gsize *ret_length)
{
    *ret_length = strcspn (path, ".");
    return path[*ret_length] == '.' ? path + *ret_length + 1 : path + *ret_length;
}

static RspValue *
list_element (RspValue *list, const char *segment, gsize n)
{
    if (n == 5 && strncmp (segment, "?LAST", n) == 0)
        return list->last;
    guint64 index = segment[0] == '?' ? g_ascii_strtoull (segment + 1, NULL, 10) : 0;
    if (index == 0)
        return NULL;
    gboolean onward = list->cursor_index > 0 && list->cursor_index <= index;
    RspValue *child = onward ? list->cursor : list->first;
    for (guint64 at = onward ? list->cursor_index : 1; child && at < index; at++)
        child = child->next;
    if (child) {
        list->cursor = child;
        list->cursor_index = (guint)index;
    }
    return child;
}

static RspValue *
named_child (const RspValue *parent, const char *segment, gsize n)
{
    for (RspValue *child = parent->first; child; child = child->next)
        if (strncmp (child->schema->name, segment, n) == 0 && child->schema->name[n] == '\0')
            return child;
    return NULL;
}

RspValue *
rsp_value_step (RspValue *parent, const char *segment, gsize length)
{
    return parent->schema->kind == RSP_KIND_LIST ? list_element (parent, segment, length)
                                                 : named_child (parent, segment, length);
}

RspValue *
rsp_value_find (const RspAsn1 *node, const char *path)
{
    RspValue *value = node->root;
    while (value && *path) {
        gsize n;
        const char *rest = rsp_value_rest (path, &n);
        value = rsp_value_step (value, path, n);
        path = rest;
    }
    return value;
}

gboolean
rsp_value_oid_good (RspSlice s)
{
    if (s.len == 0 || s.len > 128)
        return FALSE;
    gboolean begins = TRUE;
    for (gsize i = 0; i < s.len; i++) {
        if (begins && s.data[i] == 0x80)
            return FALSE;
        begins = !(s.data[i] & 0x80);
    }
    return begins;
}

gboolean
rsp_value_bits_bare (RspSlice s)
{
    return s.len == 1 && s.data[0] > 7;
}

/* Readers. */

gboolean
rsp_asn1_has (const RspAsn1 *node, const char *path)
{
    return rsp_value_find (node, path) != NULL;
}

RspSlice
rsp_asn1_octets (const RspAsn1 *node, const char *path)
{
    const RspValue *value = rsp_value_find (node, path);
    return value ? value->content : RSP_SLICE (NULL, 0);
}

RspSlice
rsp_asn1_slice (const RspAsn1 *node, const char *path)
{
    const RspValue *value = rsp_value_find (node, path);
    return value ? value->whole : RSP_SLICE (NULL, 0);
}

gint64
rsp_asn1_int (const RspAsn1 *node, const char *path, gint64 absent)
{
    const RspValue *value = rsp_value_find (node, path);
    if (!value || value->content.len == 0)
        return absent;
    guint64 number = value->content.data[0] & 0x80 ? G_MAXUINT64 : 0;
    for (gsize i = 0; i < value->content.len; i++)
        number = number << 8 | value->content.data[i];
    return (gint64)number;
}

gboolean
rsp_asn1_bool (const RspAsn1 *node, const char *path)
{
    RspSlice s = rsp_asn1_octets (node, path);
    return s.len == 1 && s.data[0] != 0;
}

char *
rsp_asn1_text (const RspAsn1 *node, const char *path)
{
    const RspValue *value = rsp_value_find (node, path);
    return value ? g_strndup (value->content.len ? (const char *)value->content.data : "",
                              value->content.len)
                 : NULL;
}

char *
rsp_asn1_oid_text (RspSlice s)
{
    if (!rsp_value_oid_good (s))
        return NULL;
    GString *text = g_string_new (NULL);
    guint64 arc = 0;
    for (gsize i = 0; i < s.len; i++) {
        if (arc > G_MAXUINT64 >> 8) {
            g_string_free (text, TRUE);
            return NULL;
        }
        arc = arc << 7 | (s.data[i] & 0x7f);
        if (s.data[i] & 0x80)
            continue;
        if (text->len == 0) {
            guint64 top = MIN (arc / 40, 2);
            g_string_append_printf (text, "%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT, top,
                                    arc - 40 * top);
        } else {
            g_string_append_printf (text, ".%" G_GUINT64_FORMAT, arc);
        }
        arc = 0;
    }
    return g_string_free (text, FALSE);
}

char *
rsp_asn1_oid (const RspAsn1 *node, const char *path)
{
    return rsp_asn1_oid_text (rsp_asn1_octets (node, path));
}

const char *
rsp_asn1_choice (const RspAsn1 *node, const char *path)
{
    const RspValue *value = rsp_value_find (node, path);
    return value && value->schema->kind == RSP_KIND_CHOICE && value->first
               ? value->first->schema->name
               : NULL;
}

guint
rsp_asn1_count (const RspAsn1 *node, const char *path)
{
    const RspValue *value = rsp_value_find (node, path);
    guint n = 0;
    for (const RspValue *child = value ? value->first : NULL; child; child = child->next)
        n++;
    return n;
}

gboolean
rsp_asn1_bits_test (RspSlice s, guint n)
{
    if (s.len > 0 && !rsp_value_bits_bare (s))
        s = RSP_SLICE (s.data + 1, s.len - 1);
    return n / 8 < s.len && (s.data[n / 8] >> (7 - n % 8) & 1);
}

gboolean
rsp_asn1_bit (const RspAsn1 *node, const char *path, guint n)
{
    return rsp_asn1_bits_test (rsp_asn1_octets (node, path), n);
}
