#include "asn1/tlv.h"
#include "asn1/value.h"

/* The tree is as deep as the types are; this stops a type that contains itself. */
#define MAX_NESTING 48

/* Every function returns NULL when fine, else what is wrong, a constant; the decoder
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

static const char *
check_bits (RspSlice s)
{
    if (s.len == 0)
        return "empty BIT STRING";
    if (!rsp_value_bits_bare (s) && (s.data[0] > 7 || (s.len == 1 && s.data[0] != 0)))
        return "bad count of unused bits";
    return NULL;
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
        return rsp_value_oid_good (s) ? NULL : "malformed OBJECT IDENTIFIER";
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
            RspValue *child = rsp_value_new (d->message, component);
            rsp_value_add (value, child);
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
        RspValue *child = rsp_value_new (d->message, &value->schema->children[0]);
        rsp_value_add (value, child);
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
        RspValue *child = rsp_value_new (d->message, &schema->children[i]);
        rsp_value_add (value, child);
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
    g_autoptr (RspAsn1) node = rsp_value_message (type);
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

/* As rsp_value_find, but the names of alternatives may be left out. */
static RspValue *
find_through_choices (RspValue *at, const char *path)
{
    while (*path) {
        gsize length = 0;
        const char *rest = rsp_value_rest (path, &length);
        RspValue *next = rsp_value_step (at, path, length);
        while (!next && at->schema->kind == RSP_KIND_CHOICE && at->first) {
            at = at->first;
            next = rsp_value_step (at, path, length);
        }
        if (!next)
            return NULL;
        at = next;
        path = rest;
    }
    return at;
}

gboolean
rsp_asn1_locate (const char *type, RspSlice der, const char *path, RspSlice *ret_content,
                 RspSlice *ret_whole)
{
    g_autoptr (RspAsn1) node = decode (type, der, NULL);
    const RspValue *value = node ? find_through_choices (node->root, path) : NULL;
    if (!value)
        return FALSE;
    *ret_content = value->content;
    *ret_whole = value->whole;
    return TRUE;
}
