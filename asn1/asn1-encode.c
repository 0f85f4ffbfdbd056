#include "asn1/value.h"

#include <string.h>

#include "asn1/tlv.h"

static const RspSchema *
component_named (const RspSchema *schema, const char *segment, gsize n)
{
    for (guint i = 0; i < schema->n_children; i++)
        if (strncmp (schema->children[i].name, segment, n) == 0 &&
            schema->children[i].name[n] == '\0')
            return &schema->children[i];
    return NULL;
}

/* Puts a new component of a SEQUENCE in its place, or makes it the alternative of a CHOICE. */
static RspValue *
insert_child (RspAsn1 *node, RspValue *parent, const RspSchema *component)
{
    RspValue *child = rsp_value_new (node, component);
    if (parent->schema->kind == RSP_KIND_CHOICE)
        parent->first = parent->last = NULL;
    RspValue **link = &parent->first;
    while (*link && (*link)->schema < component)
        link = &(*link)->next;
    child->next = *link;
    *link = child;
    if (!child->next)
        parent->last = child;
    return child;
}

/* The value at PATH, made with everything on the way to it. */
static RspValue *
make (RspAsn1 *node, const char *path)
{
    const char *whole_path = path;
    RspValue *value = node->root;
    while (*path) {
        gsize n;
        const char *rest = rsp_value_rest (path, &n);
        RspValue *child = rsp_value_step (value, path, n);
        if (!child && value->schema->kind != RSP_KIND_LIST) {
            const RspSchema *component = child ? NULL : component_named (value->schema, path, n);
            if (component)
                child = insert_child (node, value, component);
        }
        if (!child)
            g_error ("asn1: %s has no element %s", node->root->schema->type, whole_path);
        value->verbatim = FALSE;
        value = child;
        path = rest;
    }
    return value;
}

/* Setters. */

static RspSlice
keep (RspAsn1 *node, RspSlice s)
{
    if (s.len == 0)
        return RSP_SLICE (NULL, 0);
    guint8 *copy = rsp_arena_take (&node->arena, s.len);
    memcpy (copy, s.data, s.len);
    return RSP_SLICE (copy, s.len);
}

static RspValue *
make_leaf (RspAsn1 *node, const char *path, RspKind kind)
{
    RspValue *value = make (node, path);
    if (value->schema->kind != kind)
        g_error ("asn1: %s.%s is of another kind", node->root->schema->type, path);
    value->verbatim = FALSE;
    return value;
}

void
rsp_asn1_set_octets (RspAsn1 *node, const char *path, RspSlice content)
{
    RspValue *value = make (node, path);
    g_assert (value->schema->n_children == 0 && value->schema->kind != RSP_KIND_ANY);
    value->content = keep (node, content);
    value->verbatim = FALSE;
}

void
rsp_asn1_set_der (RspAsn1 *node, const char *path, RspSlice tlv)
{
    RspValue *value = make (node, path);
    value->content = keep (node, tlv);
    value->first = value->last = NULL;
    value->cursor_index = 0;
    value->verbatim = TRUE;
}

void
rsp_asn1_set_int (RspAsn1 *node, const char *path, gint64 number)
{
    guint8 octets[8];
    gsize n = 1;
    while (n < 8 && (number < -(G_GINT64_CONSTANT (1) << (8 * n - 1)) ||
                     number >= G_GINT64_CONSTANT (1) << (8 * n - 1)))
        n++;
    for (gsize i = 0; i < n; i++)
        octets[i] = (guint8)((guint64)number >> (8 * (n - 1 - i)));
    RspValue *value = make_leaf (node, path, RSP_KIND_INTEGER);
    value->content = keep (node, RSP_SLICE (octets, n));
}

void
rsp_asn1_set_bool (RspAsn1 *node, const char *path, gboolean flag)
{
    guint8 octet = flag ? 0xff : 0;
    RspValue *value = make_leaf (node, path, RSP_KIND_BOOLEAN);
    value->content = keep (node, RSP_SLICE (&octet, 1));
}

void
rsp_asn1_set_text (RspAsn1 *node, const char *path, const char *text)
{
    RspValue *value = make_leaf (node, path, RSP_KIND_UTF8);
    value->content = keep (node, RSP_SLICE (text, strlen (text)));
}

static void
put_arc (GByteArray *out, guint64 arc)
{
    guint8 octets[10];
    guint n = G_N_ELEMENTS (octets);
    guint8 more = 0;
    do {
        octets[--n] = (guint8)((arc & 0x7f) | more);
        more = 0x80;
        arc >>= 7;
    } while (arc);
    g_byte_array_append (out, octets + n, G_N_ELEMENTS (octets) - n);
}

void
rsp_asn1_set_oid (RspAsn1 *node, const char *path, const char *dotted)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    guint64 top = 0;
    guint i = 0;
    const char *at = dotted;
    while (*at) {
        char *end = NULL;
        guint64 arc = g_ascii_strtoull (at, &end, 10);
        g_assert (end != at);
        if (i == 0)
            top = arc;
        else
            put_arc (out, i == 1 ? 40 * top + arc : arc);
        i++;
        at = *end == '.' ? end + 1 : end;
    }
    g_assert (i >= 2 && top <= 2);
    RspValue *value = make_leaf (node, path, RSP_KIND_OID);
    value->content = keep (node, RSP_SLICE (out->data, out->len));
}

void
rsp_asn1_set_bits (RspAsn1 *node, const char *path, guint32 mask, guint nbits)
{
    /* DER: trailing zero bits of a named bit list are left out (X.690 11.2.2). */
    guint8 octets[5] = {0};
    g_assert (nbits <= 32);
    guint used = nbits;
    while (used > 0 && !(mask >> (used - 1) & 1))
        used--;
    for (guint i = 0; i < used; i++)
        if (mask >> i & 1)
            octets[1 + i / 8] |= (guint8)(0x80 >> i % 8);
    octets[0] = (guint8)((8 - used % 8) % 8);
    RspValue *value = make_leaf (node, path, RSP_KIND_BITS);
    value->content = keep (node, RSP_SLICE (octets, 1 + (used + 7) / 8));
}

void
rsp_asn1_set_choice (RspAsn1 *node, const char *path, const char *name)
{
    RspValue *value = make_leaf (node, path, RSP_KIND_CHOICE);
    const RspSchema *component = component_named (value->schema, name, strlen (name));
    if (!component)
        g_error ("asn1: %s.%s has no alternative %s", node->root->schema->type, path, name);
    if (!value->first || value->first->schema != component)
        insert_child (node, value, component);
}

void
rsp_asn1_set_absent (RspAsn1 *node, const char *path)
{
    RspValue *value = rsp_value_find (node, path);
    const char *dot = strrchr (path, '.');
    g_autofree char *parent_path = dot ? g_strndup (path, (gsize)(dot - path)) : g_strdup ("");
    RspValue *parent = value && *path ? rsp_value_find (node, parent_path) : NULL;
    if (!parent)
        return;
    parent->cursor_index = 0;
    RspValue *before = NULL;
    for (RspValue *child = parent->first; child && child != value; child = child->next)
        before = child;
    if (before)
        before->next = value->next;
    else
        parent->first = value->next;
    if (parent->last == value)
        parent->last = before;
}

void
rsp_asn1_append (RspAsn1 *node, const char *path)
{
    RspValue *list = make_leaf (node, path, RSP_KIND_LIST);
    rsp_value_add (list, rsp_value_new (node, &list->schema->children[0]));
}

/* Encoding: one walk for the lengths, one for the octets. */

static gsize measure (RspAsn1 *node, RspValue *value);

static gboolean
is_leaf (const RspValue *value)
{
    return value->schema->n_children == 0;
}

/* A mandatory SEQUENCE of nothing or an empty list need not be set to be sent. */
static void
complete (RspAsn1 *node, RspValue *value)
{
    const RspSchema *schema = value->schema;
    if (schema->kind != RSP_KIND_SEQUENCE)
        return;
    RspValue *child = value->first;
    for (guint i = 0; i < schema->n_children; i++) {
        const RspSchema *component = &schema->children[i];
        if (child && child->schema == component) {
            child = child->next;
            continue;
        }
        if (component->optional)
            continue;
        if (component->kind != RSP_KIND_SEQUENCE && component->kind != RSP_KIND_LIST)
            g_error ("asn1: %s: %s is not set", node->root->schema->type, component->name);
        child = insert_child (node, value, component)->next;
    }
}

static gsize
wrap (guint32 tag, gsize length)
{
    return tag == 0 ? length : rsp_tlv_head_size (tag, length) + length;
}

/* Octets of the whole encoded VALUE; leaves the length of its content in it. */
static gsize
measure (RspAsn1 *node, RspValue *value)
{
    const RspSchema *schema = value->schema;
    if (value->verbatim)
        return value->length = value->content.len;
    if (is_leaf (value)) {
        value->length = value->content.len;
    } else {
        if (schema->kind == RSP_KIND_CHOICE && !value->first)
            g_error ("asn1: %s: %s has no alternative", node->root->schema->type, schema->name);
        complete (node, value);
        value->length = 0;
        for (RspValue *child = value->first; child; child = child->next)
            value->length += measure (node, child);
    }
    return wrap (schema->tag, value->length);
}

static void
write_value (GByteArray *out, const RspValue *value)
{
    if (!value->verbatim && value->schema->tag != 0)
        rsp_tlv_head (out, value->schema->tag, value->length);
    if (value->verbatim || is_leaf (value)) {
        if (value->content.len > 0)
            g_byte_array_append (out, value->content.data, value->content.len);
        return;
    }
    for (const RspValue *child = value->first; child; child = child->next)
        write_value (out, child);
}

GBytes *
rsp_asn1_encode (RspAsn1 *node, const char *path)
{
    RspValue *value = rsp_value_find (node, path);
    if (!value)
        g_error ("asn1: %s: %s is not set", node->root->schema->type, path);
    GByteArray *out = g_byte_array_sized_new ((guint)measure (node, value));
    write_value (out, value);
    return g_byte_array_free_to_bytes (out);
}
