#include "asn1/value.h"

#include <string.h>

#include "asn1/arena.h"
#include "asn1/tlv.h"

/* The tree is as deep as the types are; this stops a type that contains itself. */
#define MAX_NESTING 48
#define ROOT_PATH ""

struct _RspAsn1 {
    RspArena arena;
    RspValue *root;
    GBytes *der; /* what slices point into; NULL if built or borrowed */
};

G_DEFINE_QUARK (rsp - asn1 - error - quark, rsp_asn1_error)

static RspValue *
new_value (RspAsn1 *node, const RspSchema *schema)
{
    RspValue *value = rsp_arena_take (&node->arena, sizeof *value);
    memset (value, 0, sizeof *value);
    value->schema = schema;
    return value;
}

static RspAsn1 *
new_message (const char *type)
{
    const RspSchema *schema = rsp_schema (type);
    if (!schema)
        g_error ("asn1: no type %s", type);
    RspAsn1 *node = g_new0 (RspAsn1, 1);
    node->root = new_value (node, schema);
    return node;
}

RspAsn1 *
rsp_asn1_new (const char *type)
{
    return new_message (type);
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

/* Decoding. Every function returns NULL when fine, else what is wrong, a constant; the decoder
 * remembers where. */

typedef struct {
    RspAsn1 *message;
    const guint8 *at;    /* the octet at fault */
    const char *element; /* the component at fault */
} Decoder;

static const char *decode_tlv (Decoder *d, RspValue *value, const RspTlv *tlv, guint depth);

static const char *
fault (Decoder *d, const RspValue *value, const guint8 *at, const char *what)
{
    d->at = at;
    d->element = value->schema->name;
    return what;
}

static void
add_child (RspValue *parent, RspValue *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

static const char *
check_integer (RspSlice s)
{
    if (s.len == 0)
        return "empty INTEGER";
    if (s.len > 8)
        return "INTEGER over 8 octets";
    if (s.len > 1 &&
        ((s.data[0] == 0 && !(s.data[1] & 0x80)) || (s.data[0] == 0xff && (s.data[1] & 0x80))))
        return "INTEGER is not minimal";
    return NULL;
}

/* Deployed LPAs leave out the octet that counts the unused bits (resetOptions `82 01 80`), so one
 * octet above 7 is read as the bits themselves. */
static gboolean
bits_without_count (RspSlice s)
{
    return s.len == 1 && s.data[0] > 7;
}

static const char *
check_bits (RspSlice s)
{
    if (s.len == 0)
        return "empty BIT STRING";
    if (!bits_without_count (s) && (s.data[0] > 7 || (s.len == 1 && s.data[0] != 0)))
        return "bad count of unused bits";
    return NULL;
}

static const char *
check_oid (RspSlice s)
{
    if (s.len == 0 || s.len > 128)
        return "OBJECT IDENTIFIER of wrong size";
    gboolean begins = TRUE;
    for (gsize i = 0; i < s.len; i++) {
        if (begins && s.data[i] == 0x80)
            return "OBJECT IDENTIFIER is not minimal";
        begins = !(s.data[i] & 0x80);
    }
    return begins ? NULL : "OBJECT IDENTIFIER is cut";
}

static const char *
check_text (const RspSchema *schema, RspSlice s)
{
    if (s.len == 0)
        return schema->min_size > 0 ? "text is too short" : NULL;
    if (!g_utf8_validate_len ((const char *)s.data, s.len, NULL))
        return "text is not UTF-8";
    gsize characters = s.len <= schema->max_size && schema->min_size == 0
                           ? 0
                           : (gsize)g_utf8_strlen ((const char *)s.data, (gssize)s.len);
    return characters > schema->max_size   ? "text is too long"
           : characters < schema->min_size ? "text is too short"
                                           : NULL;
}

static const char *
check_leaf (const RspSchema *schema, RspSlice s)
{
    switch (schema->kind) {
    case RSP_KIND_INTEGER:
        return check_integer (s);
    case RSP_KIND_BITS:
        return check_bits (s);
    case RSP_KIND_OID:
        return check_oid (s);
    case RSP_KIND_UTF8:
        return check_text (schema, s);
    case RSP_KIND_NULL:
        return s.len == 0 ? NULL : "NULL with content";
    case RSP_KIND_BOOLEAN: /* 01 for TRUE comes from deployed LPAs */
        return s.len == 1 && (s.data[0] == 0 || s.data[0] == 0xff || s.data[0] == 1)
                   ? NULL
                   : "bad BOOLEAN";
    default:
        return s.len >= schema->min_size && s.len <= schema->max_size ? NULL : "wrong size";
    }
}

/* EXTENSIBILITY IMPLIED: a later version of the specification may add elements after the known
 * ones. They have tags of their own, never those of a known component. */
static gboolean
is_extension (const RspSchema *schema, guint32 tag)
{
    guint32 lead = tag;
    while (lead > 0xff)
        lead >>= 8;
    if (lead < 0x80)
        return FALSE;
    for (guint i = 0; i < schema->n_children; i++)
        if (rsp_schema_starts (&schema->children[i], tag))
            return FALSE;
    return TRUE;
}

static const char *
decode_sequence (Decoder *d, RspValue *value, RspSlice in, guint depth)
{
    const RspSchema *schema = value->schema;
    guint at = 0;
    RspTlv tlv;
    RspTlvResult r = rsp_tlv_next (&in, &tlv);

    for (; at < schema->n_children; at++) {
        const RspSchema *component = &schema->children[at];
        if (r == RSP_TLV_OK && rsp_schema_starts (component, tlv.tag)) {
            RspValue *child = new_value (d->message, component);
            add_child (value, child);
            const char *bad = decode_tlv (d, child, &tlv, depth);
            if (bad)
                return bad;
            r = rsp_tlv_next (&in, &tlv);
        } else if (!component->optional) {
            d->at = r == RSP_TLV_OK ? tlv.whole.data : in.data;
            d->element = component->name;
            return "missing";
        }
    }
    for (; r == RSP_TLV_OK; r = rsp_tlv_next (&in, &tlv))
        if (!is_extension (schema, tlv.tag))
            return fault (d, value, tlv.whole.data, "element out of place");
    return r == RSP_TLV_END ? NULL : fault (d, value, in.data, "bad tag or length");
}

static const char *
decode_list (Decoder *d, RspValue *value, RspSlice in, guint depth)
{
    RspTlv tlv;
    RspTlvResult r;
    while ((r = rsp_tlv_next (&in, &tlv)) == RSP_TLV_OK) {
        RspValue *child = new_value (d->message, &value->schema->children[0]);
        add_child (value, child);
        if (!rsp_schema_starts (child->schema, tlv.tag))
            return fault (d, value, tlv.whole.data, "unexpected tag in the list");
        const char *bad = decode_tlv (d, child, &tlv, depth);
        if (bad)
            return bad;
    }
    return r == RSP_TLV_END ? NULL : fault (d, value, in.data, "bad tag or length");
}

static const char *
decode_choice (Decoder *d, RspValue *value, const RspTlv *tlv, guint depth)
{
    const RspSchema *schema = value->schema;
    for (guint i = 0; i < schema->n_children; i++) {
        if (!rsp_schema_starts (&schema->children[i], tlv->tag))
            continue;
        RspValue *child = new_value (d->message, &schema->children[i]);
        add_child (value, child);
        return decode_tlv (d, child, tlv, depth);
    }
    return fault (d, value, tlv->whole.data, "unknown alternative");
}

static const char *
decode_content (Decoder *d, RspValue *value, const RspTlv *tlv, guint depth)
{
    switch (value->schema->kind) {
    case RSP_KIND_SEQUENCE:
        return decode_sequence (d, value, tlv->value, depth + 1);
    case RSP_KIND_LIST:
        return decode_list (d, value, tlv->value, depth + 1);
    case RSP_KIND_CHOICE:
        return decode_choice (d, value, tlv, depth + 1);
    case RSP_KIND_ANY:
        value->content = tlv->whole;
        return NULL;
    default: {
        const char *bad = check_leaf (value->schema, tlv->value);
        return bad ? fault (d, value, tlv->whole.data, bad) : NULL;
    }
    }
}

/* TLV begins a value of VALUE's schema. */
static const char *
decode_tlv (Decoder *d, RspValue *value, const RspTlv *tlv, guint depth)
{
    if (depth > MAX_NESTING)
        return fault (d, value, tlv->whole.data, "too deep");
    value->whole = tlv->whole;
    value->content = tlv->value;
    if (!value->schema->is_explicit)
        return decode_content (d, value, tlv, depth);

    RspTlv inner;
    RspSlice in = tlv->value;
    if (rsp_tlv_next (&in, &inner) != RSP_TLV_OK || in.len > 0)
        return fault (d, value, tlv->whole.data, "must hold one element");
    return decode_content (d, value, &inner, depth);
}

static RspAsn1 *
decode (const char *type, RspSlice der, GError **error)
{
    gsize offset = 0;
    if (!rsp_der_check (der, &offset)) {
        g_set_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_DECODE,
                     "%s: at octet %" G_GSIZE_FORMAT ": not DER", type, offset);
        return NULL;
    }
    g_autoptr (RspAsn1) node = new_message (type);
    Decoder d = {node, der.data, node->root->schema->name};
    RspTlv tlv;
    const char *bad = "unexpected tag";
    if (rsp_tlv_next (&der, &tlv) == RSP_TLV_OK && rsp_schema_starts (node->root->schema, tlv.tag))
        bad = decode_tlv (&d, node->root, &tlv, 0);
    if (bad) {
        g_set_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_DECODE,
                     "%s: at octet %" G_GSIZE_FORMAT ": %s%s%s", type,
                     (gsize)(d.at - tlv.whole.data), d.element, *d.element ? ": " : "", bad);
        return NULL;
    }
    return g_steal_pointer (&node);
}

RspAsn1 *
rsp_asn1_decode (const char *type, GBytes *der, GError **error)
{
    RspAsn1 *node = decode (type, rsp_slice_of (der), error);
    if (node)
        node->der = g_bytes_ref (der);
    return node;
}

RspAsn1 *
rsp_asn1_decode_slice (const char *type, RspSlice der, GError **error)
{
    g_autoptr (GBytes) copy = rsp_slice_to_bytes (der);
    return rsp_asn1_decode (type, copy, error);
}

RspAsn1 *
rsp_asn1_decode_borrowed (const char *type, RspSlice der, GError **error)
{
    return decode (type, der, error);
}

/* Paths. */

static gsize
segment_length (const char *path)
{
    return strcspn (path, ".");
}

static const char *
after_segment (const char *path, gsize n)
{
    return path[n] == '.' ? path + n + 1 : path + n;
}

static RspValue *
list_element (const RspValue *list, const char *segment, gsize n)
{
    if (n == 5 && strncmp (segment, "?LAST", n) == 0)
        return list->last;
    guint64 index = segment[0] == '?' ? g_ascii_strtoull (segment + 1, NULL, 10) : 0;
    RspValue *child = index > 0 ? list->first : NULL;
    for (; child && index > 1; index--)
        child = child->next;
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

static RspValue *
find (const RspAsn1 *node, const char *path)
{
    RspValue *value = node->root;
    while (value && *path) {
        gsize n = segment_length (path);
        value = value->schema->kind == RSP_KIND_LIST ? list_element (value, path, n)
                                                     : named_child (value, path, n);
        path = after_segment (path, n);
    }
    return value;
}

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
    RspValue *child = new_value (node, component);
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
        gsize n = segment_length (path);
        RspValue *child = NULL;
        if (value->schema->kind == RSP_KIND_LIST) {
            child = list_element (value, path, n);
        } else {
            child = named_child (value, path, n);
            const RspSchema *component = child ? NULL : component_named (value->schema, path, n);
            if (component)
                child = insert_child (node, value, component);
        }
        if (!child)
            g_error ("asn1: %s has no element %s", node->root->schema->type, whole_path);
        value->verbatim = FALSE;
        value = child;
        path = after_segment (path, n);
    }
    return value;
}

/* Readers. */

gboolean
rsp_asn1_has (const RspAsn1 *node, const char *path)
{
    return find (node, path) != NULL;
}

RspSlice
rsp_asn1_octets (const RspAsn1 *node, const char *path)
{
    const RspValue *value = find (node, path);
    return value ? value->content : RSP_SLICE (NULL, 0);
}

RspSlice
rsp_asn1_slice (const RspAsn1 *node, const char *path)
{
    const RspValue *value = find (node, path);
    return value ? value->whole : RSP_SLICE (NULL, 0);
}

gint64
rsp_asn1_int (const RspAsn1 *node, const char *path, gint64 absent)
{
    const RspValue *value = find (node, path);
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
    const RspValue *value = find (node, path);
    return value ? g_strndup (value->content.len ? (const char *)value->content.data : "",
                              value->content.len)
                 : NULL;
}

char *
rsp_asn1_oid_text (RspSlice s)
{
    if (check_oid (s))
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
    const RspValue *value = find (node, path);
    return value && value->schema->kind == RSP_KIND_CHOICE && value->first
               ? value->first->schema->name
               : NULL;
}

guint
rsp_asn1_count (const RspAsn1 *node, const char *path)
{
    const RspValue *value = find (node, path);
    guint n = 0;
    for (const RspValue *child = value ? value->first : NULL; child; child = child->next)
        n++;
    return n;
}

gboolean
rsp_asn1_bits_test (RspSlice s, guint n)
{
    if (s.len > 0 && !bits_without_count (s))
        s = RSP_SLICE (s.data + 1, s.len - 1);
    return n / 8 < s.len && (s.data[n / 8] >> (7 - n % 8) & 1);
}

gboolean
rsp_asn1_bit (const RspAsn1 *node, const char *path, guint n)
{
    return rsp_asn1_bits_test (rsp_asn1_octets (node, path), n);
}

gboolean
rsp_asn1_locate (const char *type, RspSlice der, const char *path, RspSlice *ret_content,
                 RspSlice *ret_whole)
{
    g_autoptr (RspAsn1) node = decode (type, der, NULL);
    const RspValue *value = node ? find (node, path) : NULL;
    if (!value)
        return FALSE;
    *ret_content = value->content;
    *ret_whole = value->whole;
    return TRUE;
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
    RspValue *value = find (node, path);
    const char *dot = strrchr (path, '.');
    g_autofree char *parent_path =
        dot ? g_strndup (path, (gsize)(dot - path)) : g_strdup (ROOT_PATH);
    RspValue *parent = value && *path ? find (node, parent_path) : NULL;
    if (!parent)
        return;
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
    add_child (list, new_value (node, &list->schema->children[0]));
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
    RspValue *value = find (node, path);
    if (!value)
        g_error ("asn1: %s: %s is not set", node->root->schema->type, path);
    GByteArray *out = g_byte_array_sized_new ((guint)measure (node, value));
    write_value (out, value);
    return g_byte_array_free_to_bytes (out);
}
