/* DER to trees and back. */
#include "asn1/saip-tree.h"

#include "asn1/saip-schema.h"

#include <string.h>

#define MAX_DEPTH 12
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, RSP_SAIP_FIELD_OCTETS, 0, 0, FALSE, NULL                                          \
    }
#define OPTIONAL(name, tag)                                                                        \
    {                                                                                              \
        name, tag, RSP_SAIP_FIELD_OCTETS, 0, 0, TRUE, NULL                                         \
    }

/* --- What files consist of --- */

static const RspSaipField proprietary[] = {
    OPTIONAL ("specialFileInformation", 0xC0),
    OPTIONAL ("fillPattern", 0xC1),
    OPTIONAL ("repeatPattern", 0xC2),
    OPTIONAL ("maximumFileSize", 0x86),
    OPTIONAL ("fileDetails", 0x84),
    END,
};
static const RspSaipField fcp[] = {
    OPTIONAL ("fileDescriptor", 0x82),
    OPTIONAL ("fileID", 0x83),
    OPTIONAL ("dfName", 0x84),
    OPTIONAL ("lcsi", 0x8A),
    OPTIONAL ("securityAttributesReferenced", 0x8B),
    OPTIONAL ("efFileSize", 0x80),
    OPTIONAL ("pinStatusTemplateDO", 0xC6),
    OPTIONAL ("shortEFID", 0x88),
    {"proprietaryEFInfo", 0xA5, RSP_SAIP_FIELD_SEQUENCE, 0, 0, TRUE, proprietary},
    OPTIONAL ("linkPath", 0xC7),
    END,
};
static const RspSaipField file_items[] = {
    {"doNotCreate", 0x80, RSP_SAIP_FIELD_NULL, 0, 0, TRUE, NULL},
    {"fileDescriptor", 0xA1, RSP_SAIP_FIELD_SEQUENCE, 0, 0, TRUE, fcp},
    {"fillFileOffset", 0x82, RSP_SAIP_FIELD_INT, 0, 65535, TRUE, NULL},
    OPTIONAL ("fillFileContent", 0x83),
    END,
};
static const RspSaipField management_items[] = {
    OPTIONAL ("filePath", 0x80),
    {"createFCP", 0x62, RSP_SAIP_FIELD_SEQUENCE, 0, 0, TRUE, fcp},
    {"fillFileOffset", 0x02, RSP_SAIP_FIELD_INT, 0, 65535, TRUE, NULL},
    OPTIONAL ("fillFileContent", 0x81),
    END,
};
static const RspSaipField command_element[] = {
    {"command", 0x30, RSP_SAIP_FIELD_ITEMS, 0, 0, FALSE, management_items}, END};
static const RspSaipField management[] = {
    {"fileManagementCMD", 0xA1, RSP_SAIP_FIELD_LIST, 1, 0, FALSE, command_element}, END};
static const RspSaipField pe_header[] = {
    {"mandated", 0x80, RSP_SAIP_FIELD_NULL, 0, 0, TRUE, NULL},
    {"identification", 0x81, RSP_SAIP_FIELD_INT, 0, 32767, FALSE, NULL},
    END,
};
static const RspSaipField template_id = {"templateID", 0x81, RSP_SAIP_FIELD_OID, 1, 32,
                                         FALSE,        NULL};

/* The fields behind the PE header; for an element of files the caller takes its members. */
static const RspSaipField *
fields_of (const RspSaipElementType *type)
{
    const RspSaipField *schema = rsp_saip_schema (type->tag);
    if (type->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT)
        return management;
    return schema && type->tag != RSP_SAIP_HEADER ? schema + 1 : schema;
}

static RspSaipField
member_field (const RspSaipElementType *type, guint n)
{
    return (RspSaipField){
        type->members[n], n < 31 ? 0xA0 + n : 0xBF00 + n, RSP_SAIP_FIELD_ITEMS, 0, 0, TRUE,
        file_items};
}

/* --- DER to tree --- */

static RspYaml *
node_new (RspYamlKind kind, const char *key)
{
    RspYaml *node = g_new0 (RspYaml, 1);
    node->kind = kind;
    node->file = "package";
    node->key = g_strdup (key);
    if (kind != RSP_YAML_SCALAR)
        node->items = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_yaml_free);
    return node;
}

static void
add_scalar (RspYaml *to, const char *key, char *text, gboolean quoted)
{
    RspYaml *node = node_new (RSP_YAML_SCALAR, key);
    node->text = text;
    node->quoted = quoted;
    g_ptr_array_add (to->items, node);
}

static RspYaml *
add_node (RspYaml *to, RspYamlKind kind, const char *key)
{
    RspYaml *node = node_new (kind, key);
    g_ptr_array_add (to->items, node);
    return node;
}

static char *
oid_text (RspSlice s)
{
    GString *out = g_string_new (NULL);
    guint64 arc = 0;
    for (gsize i = 0; i < s.len; i++) {
        arc = (arc & (G_MAXUINT64 >> 8)) << 7 | (s.data[i] & 0x7F);
        if (s.data[i] & 0x80)
            continue;
        if (!out->len)
            g_string_append_printf (out, "%u.%" G_GUINT64_FORMAT, (guint)MIN (arc / 40, 2),
                                    arc - 40 * MIN (arc / 40, 2));
        else
            g_string_append_printf (out, ".%" G_GUINT64_FORMAT, arc);
        arc = 0;
    }
    return g_string_free (out, FALSE);
}

static void
add_services (RspYaml *list, RspSlice rest)
{
    RspTlv tlv;
    while (rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK) {
        guint n = tlv.tag > 0xFF ? tlv.tag & 0x7F : tlv.tag & 0x1F;
        const char *name = rsp_saip_service_name (n);
        add_scalar (list, NULL, name ? g_strdup (name) : g_strdup_printf ("service-%u", n), FALSE);
    }
}

static gboolean add_field (RspYaml *to, const RspSaipField *f, const char *key, RspSlice value,
                           guint depth);

static gboolean
add_sequence (RspYaml *map, const RspSaipField *members, RspSlice rest, guint depth)
{
    RspTlv tlv;
    for (; members->name && rest.len; members++) {
        RspSlice after = rest;
        if (rsp_tlv_next (&after, &tlv) != RSP_TLV_OK)
            return FALSE;
        if (tlv.tag != members->tag)
            continue;
        if (!add_field (map, members, members->name, tlv.value, depth))
            return FALSE;
        rest = after;
    }
    return !rest.len;
}

/* A list of maps with one of MEMBERS each. */
static gboolean
add_items (RspYaml *list, const RspSaipField *members, RspSlice rest, guint depth)
{
    RspTlv tlv;
    while (rest.len) {
        const RspSaipField *m = members;
        if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK)
            return FALSE;
        while (m->name && m->tag != tlv.tag)
            m++;
        if (!m->name ||
            !add_field (add_node (list, RSP_YAML_MAP, NULL), m, m->name, tlv.value, depth))
            return FALSE;
    }
    return TRUE;
}

static gboolean
add_list (RspYaml *list, const RspSaipField *item, RspSlice rest, guint depth)
{
    RspTlv tlv;
    while (rest.len)
        if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.tag != item->tag ||
            !add_field (list, item, NULL, tlv.value, depth))
            return FALSE;
    return TRUE;
}

static gboolean
add_choice (RspYaml *map, const RspSaipField *members, RspSlice value, guint depth)
{
    RspTlv tlv;
    if (rsp_tlv_next (&value, &tlv) != RSP_TLV_OK || value.len)
        return FALSE;
    for (; members->name; members++)
        if (members->tag == tlv.tag)
            return add_field (map, members, members->name, tlv.value, depth);
    return FALSE;
}

static gboolean
add_primitive (RspYaml *to, const RspSaipField *f, const char *key, RspSlice value)
{
    gint64 n;
    switch (f->kind) {
    case RSP_SAIP_FIELD_INT:
        if (!rsp_saip_int (value, &n))
            return FALSE;
        add_scalar (to, key, g_strdup_printf ("%" G_GINT64_FORMAT, n), FALSE);
        return TRUE;
    case RSP_SAIP_FIELD_TEXT:
        if (memchr (value.data, 0, value.len) ||
            !g_utf8_validate_len ((const char *)value.data, value.len, NULL))
            return FALSE;
        add_scalar (to, key, g_strndup ((const char *)value.data, value.len), TRUE);
        return TRUE;
    case RSP_SAIP_FIELD_NULL:
        add_scalar (to, key, g_strdup ("true"), FALSE);
        return !value.len;
    case RSP_SAIP_FIELD_OID:
        add_scalar (to, key, oid_text (value), TRUE);
        return TRUE;
    default:
        add_scalar (to, key, rsp_hex (value), TRUE);
        return TRUE;
    }
}

static gboolean
add_field (RspYaml *to, const RspSaipField *f, const char *key, RspSlice value, guint depth)
{
    if (depth > MAX_DEPTH)
        return FALSE;
    switch (f->kind) {
    case RSP_SAIP_FIELD_SEQUENCE:
        return add_sequence (add_node (to, RSP_YAML_MAP, key), f->members, value, depth + 1);
    case RSP_SAIP_FIELD_CHOICE:
        return add_choice (add_node (to, RSP_YAML_MAP, key), f->members, value, depth + 1);
    case RSP_SAIP_FIELD_LIST:
        return add_list (add_node (to, RSP_YAML_LIST, key), f->members, value, depth + 1);
    case RSP_SAIP_FIELD_ITEMS:
        return add_items (add_node (to, RSP_YAML_LIST, key), f->members, value, depth + 1);
    case RSP_SAIP_FIELD_SERVICES:
        add_services (add_node (to, RSP_YAML_LIST, key), value);
        return TRUE;
    default:
        return add_primitive (to, f, key, value);
    }
}

static gboolean
add_members (RspYaml *map, const RspSaipElementType *type, RspSlice rest)
{
    RspTlv tlv;
    if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.tag != template_id.tag ||
        !add_primitive (map, &template_id, template_id.name, tlv.value))
        return FALSE;
    for (guint n = 2; n < type->n_members && rest.len; n++) {
        RspSaipField field = member_field (type, n);
        RspSlice after = rest;
        if (rsp_tlv_next (&after, &tlv) != RSP_TLV_OK)
            return FALSE;
        if (tlv.tag != field.tag)
            continue;
        if (!add_field (map, &field, field.name, tlv.value, 1))
            return FALSE;
        rest = after;
    }
    return !rest.len;
}

static gboolean
add_body (RspYaml *map, const RspSaipElement *e)
{
    RspSlice rest = e->body;
    RspTlv tlv;
    if (e->tag == RSP_SAIP_HEADER)
        return add_sequence (map, fields_of (e->type), rest, 1);
    if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.tag != 0xA0 ||
        !add_sequence (map, pe_header, tlv.value, 1))
        return FALSE;
    if (fields_of (e->type))
        return add_sequence (map, fields_of (e->type), rest, 1);
    return e->type->members && add_members (map, e->type, rest);
}

static gboolean encode_element (const RspYaml *item, GByteArray *out, GError **error);

/* Names where they say all of it, else the octets. */
static void
add_element (RspYaml *list, const RspSaipElement *e)
{
    RspYaml *item = node_new (RSP_YAML_MAP, NULL);
    g_autoptr (GByteArray) back = g_byte_array_new ();
    if (e->type && add_body (add_node (item, RSP_YAML_MAP, e->type->name), e) &&
        encode_element (item, back, NULL) &&
        rsp_slice_equal (e->whole, RSP_SLICE (back->data, back->len))) {
        g_ptr_array_add (list->items, item);
        return;
    }
    rsp_yaml_free (item);
    item = add_node (list, RSP_YAML_MAP, NULL);
    if (e->type)
        add_scalar (add_node (item, RSP_YAML_MAP, e->type->name), "raw", rsp_hex (e->body), TRUE);
    else
        add_scalar (item, "raw", rsp_hex (e->whole), TRUE);
}

RspYaml *
rsp_saip_tree (RspSlice upp, GError **error)
{
    g_autoptr (RspYaml) tree = node_new (RSP_YAML_MAP, NULL);
    RspYaml *list = add_node (tree, RSP_YAML_LIST, "elements");
    RspSlice rest = upp;
    RspSaipElement e;
    RspTlvResult result;
    while ((result = rsp_saip_next (&rest, &e)) == RSP_TLV_OK)
        add_element (list, &e);
    if (result != RSP_TLV_BAD && list->items->len)
        return g_steal_pointer (&tree);
    g_set_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_SYNTAX,
                 "octet %" G_GSIZE_FORMAT ": no well-formed profile element", upp.len - rest.len);
    return NULL;
}

/* --- Tree to DER --- */

static gboolean put_field (GByteArray *out, const RspSaipField *f, const RspYaml *node,
                           GError **error);

static gboolean
want (const RspYaml *node, RspYamlKind kind, const char *what, GError **error)
{
    return node->kind == kind || rsp_yaml_fail (node, error, "%s belongs here", what);
}

static gboolean
only_fields (const RspYaml *map, const RspSaipField *members, const char *const *more,
             GError **error)
{
    const char *names[40];
    guint n = 0;
    for (; members->name; members++)
        names[n++] = members->name;
    for (; more && *more; more++)
        names[n++] = *more;
    g_assert (n < G_N_ELEMENTS (names));
    names[n] = NULL;
    return rsp_yaml_only (map, names, error);
}

static gboolean
put_sequence (GByteArray *out, const RspSaipField *members, const RspYaml *map, GError **error)
{
    for (; members->name; members++) {
        const RspYaml *node = rsp_yaml_get (map, members->name);
        if (node && !put_field (out, members, node, error))
            return FALSE;
    }
    return TRUE;
}

/* A map of exactly one alternative. */
static gboolean
put_choice (GByteArray *out, const RspSaipField *members, const RspYaml *map, GError **error)
{
    if (!want (map, RSP_YAML_MAP, "a map of one alternative", error) ||
        !only_fields (map, members, NULL, error))
        return FALSE;
    if (map->items->len != 1)
        return rsp_yaml_fail (map, error, "exactly one alternative belongs here");
    return put_sequence (out, members, map, error);
}

static gboolean
put_services (GByteArray *out, const RspYaml *list, GError **error)
{
    for (guint i = 0; i < list->items->len; i++) {
        const char *name;
        if (!rsp_yaml_text (list->items->pdata[i], &name, error))
            return FALSE;
        int n = rsp_saip_service_number (name);
        if (n < 0 && g_str_has_prefix (name, "service-"))
            n = (int)g_ascii_strtoull (name + 8, NULL, 10);
        if (n < 0 || n > 127)
            return rsp_yaml_fail (list->items->pdata[i], error, "unknown service");
        rsp_tlv_put (out, n < 31 ? 0x80u + (guint)n : 0x9F00u + (guint)n, RSP_SLICE (NULL, 0));
    }
    return TRUE;
}

static void
put_arc (GByteArray *out, guint64 arc)
{
    for (int shift = 63; shift > 0; shift -= 7)
        if (arc >> shift) {
            guint8 octet = (guint8)(0x80 | (arc >> shift & 0x7F));
            g_byte_array_append (out, &octet, 1);
        }
    guint8 last = arc & 0x7F;
    g_byte_array_append (out, &last, 1);
}

static gboolean
put_oid (GByteArray *out, const RspYaml *node, GError **error)
{
    const char *text;
    if (!rsp_yaml_text (node, &text, error))
        return FALSE;
    g_auto (GStrv) words = g_strsplit (text, ".", 64);
    guint64 arc, first = 0;
    for (guint i = 0; words[i]; i++) {
        if (!g_ascii_string_to_unsigned (words[i], 10, 0, G_MAXUINT64 >> 2, &arc, NULL) ||
            (!i && (arc > 2 || !words[1])))
            return rsp_yaml_fail (node, error, "an object identifier is 2.23.143.…");
        if (!i)
            first = arc;
        else
            put_arc (out, i == 1 ? 40 * first + arc : arc);
    }
    return words[0] || rsp_yaml_fail (node, error, "an object identifier is missing");
}

static gboolean
put_list (GByteArray *out, const RspSaipField *f, const RspYaml *list, GError **error)
{
    if (!want (list, RSP_YAML_LIST, "a list", error))
        return FALSE;
    if (f->kind == RSP_SAIP_FIELD_SERVICES)
        return put_services (out, list, error);
    for (guint i = 0; i < list->items->len; i++)
        if (f->kind == RSP_SAIP_FIELD_LIST
                ? !put_field (out, f->members, list->items->pdata[i], error)
                : !put_choice (out, f->members, list->items->pdata[i], error))
            return FALSE;
    return TRUE;
}

static gboolean
put_primitive (GByteArray *out, const RspSaipField *f, const RspYaml *node, GError **error)
{
    const char *text;
    gint64 n;
    gboolean yes;
    g_autoptr (GBytes) octets = NULL;
    switch (f->kind) {
    case RSP_SAIP_FIELD_INT:
        if (!rsp_yaml_int (node, -0x80000000LL, 0x7FFFFFFF, &n, error))
            return FALSE;
        rsp_tlv_put_int (out, f->tag, n);
        return TRUE;
    case RSP_SAIP_FIELD_TEXT:
        if (!rsp_yaml_text (node, &text, error))
            return FALSE;
        rsp_tlv_put_text (out, f->tag, text);
        return TRUE;
    case RSP_SAIP_FIELD_NULL:
        if (!rsp_yaml_bool (node, &yes, error))
            return FALSE;
        if (yes)
            rsp_tlv_put (out, f->tag, RSP_SLICE (NULL, 0));
        return TRUE;
    default:
        if (!rsp_yaml_hex (node, &octets, error))
            return FALSE;
        rsp_tlv_put (out, f->tag, rsp_slice_of (octets));
        return TRUE;
    }
}

static gboolean
put_field (GByteArray *out, const RspSaipField *f, const RspYaml *node, GError **error)
{
    g_autoptr (GByteArray) inner = g_byte_array_new ();
    gboolean good;
    switch (f->kind) {
    case RSP_SAIP_FIELD_SEQUENCE:
        good = want (node, RSP_YAML_MAP, "a map", error) &&
               only_fields (node, f->members, NULL, error) &&
               put_sequence (inner, f->members, node, error);
        break;
    case RSP_SAIP_FIELD_CHOICE:
        good = put_choice (inner, f->members, node, error);
        break;
    case RSP_SAIP_FIELD_LIST:
    case RSP_SAIP_FIELD_ITEMS:
    case RSP_SAIP_FIELD_SERVICES:
        good = put_list (inner, f, node, error);
        break;
    case RSP_SAIP_FIELD_OID:
        good = put_oid (inner, node, error);
        break;
    default:
        return put_primitive (out, f, node, error);
    }
    if (good)
        rsp_tlv_put (out, f->tag, RSP_SLICE (inner->data, inner->len));
    return good;
}

static gboolean
put_members (GByteArray *out, const RspSaipElementType *type, const RspYaml *map, GError **error)
{
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    const RspYaml *oid = rsp_yaml_get (map, template_id.name);
    g_ptr_array_add (names, (gpointer) "mandated");
    g_ptr_array_add (names, (gpointer) "identification");
    g_ptr_array_add (names, (gpointer)template_id.name);
    for (guint n = 2; n < type->n_members; n++)
        g_ptr_array_add (names, (gpointer)type->members[n]);
    g_ptr_array_add (names, NULL);
    if (!rsp_yaml_only (map, (const char *const *)names->pdata, error) ||
        (oid && !put_field (out, &template_id, oid, error)))
        return FALSE;
    for (guint n = 2; n < type->n_members; n++) {
        const RspYaml *node = rsp_yaml_get (map, type->members[n]);
        RspSaipField field = member_field (type, n);
        if (node && !put_field (out, &field, node, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
put_body (GByteArray *out, const RspSaipElementType *type, const RspYaml *map, GError **error)
{
    static const char *const front[] = {"mandated", "identification", NULL};
    const RspSaipField *fields = fields_of (type);
    const RspYaml *raw = rsp_yaml_get (map, "raw");
    if (raw) {
        g_autoptr (GBytes) octets = NULL;
        if (map->items->len != 1)
            return rsp_yaml_fail (raw, error, "raw stands for all of the element");
        if (!rsp_yaml_hex (raw, &octets, error))
            return FALSE;
        g_byte_array_append (out, g_bytes_get_data (octets, NULL), g_bytes_get_size (octets));
        return TRUE;
    }
    if (!fields && !type->members)
        return rsp_yaml_fail (map, error, "not supported: %s is written as {raw: …}", type->name);
    if (type->tag == RSP_SAIP_HEADER)
        return only_fields (map, fields, NULL, error) && put_sequence (out, fields, map, error);
    gsize mark = rsp_tlv_open (out, 0xA0);
    if (!put_sequence (out, pe_header, map, error))
        return FALSE;
    rsp_tlv_close (out, mark);
    if (fields)
        return only_fields (map, fields, front, error) && put_sequence (out, fields, map, error);
    return put_members (out, type, map, error);
}

gboolean
rsp_saip_encode_fields (guint32 tag, const RspYaml *map, GByteArray *out, GError **error)
{
    const RspSaipField *fields = fields_of (rsp_saip_element_type (tag));
    g_return_val_if_fail (fields, FALSE);
    return want (map, RSP_YAML_MAP, "a map of the element's components", error) &&
           only_fields (map, fields, NULL, error) && put_sequence (out, fields, map, error);
}

static gboolean
encode_element (const RspYaml *item, GByteArray *out, GError **error)
{
    g_autoptr (GByteArray) body = g_byte_array_new ();
    if (item->kind != RSP_YAML_MAP || item->items->len != 1)
        return rsp_yaml_fail (item, error, "an element is {NAME: {…}} or {raw: …}");
    const RspYaml *map = item->items->pdata[0];
    if (!strcmp (map->key, "raw")) {
        g_autoptr (GBytes) octets = NULL;
        if (!rsp_yaml_hex (map, &octets, error))
            return FALSE;
        g_byte_array_append (out, g_bytes_get_data (octets, NULL), g_bytes_get_size (octets));
        return TRUE;
    }
    const RspSaipElementType *type = rsp_saip_element_by_name (map->key);
    if (!type)
        return rsp_yaml_fail (map, error, "unknown element");
    if (!want (map, RSP_YAML_MAP, "a map of the element's components", error) ||
        !put_body (body, type, map, error))
        return FALSE;
    rsp_tlv_put (out, type->tag, RSP_SLICE (body->data, body->len));
    return TRUE;
}

GBytes *
rsp_saip_encode (const RspYaml *doc, GError **error)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    const RspYaml *list = doc->kind == RSP_YAML_MAP ? rsp_yaml_get (doc, "elements") : NULL;
    if (!list || list->kind != RSP_YAML_LIST) {
        rsp_yaml_fail (list ? list : doc, error, "elements is missing or no list");
        return NULL;
    }
    for (guint i = 0; i < list->items->len; i++)
        if (!encode_element (list->items->pdata[i], out, error))
            return NULL;
    return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

const RspYaml *
rsp_saip_place (const RspYaml *doc, gsize offset, const char *member)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    const RspYaml *list = rsp_yaml_get (doc, "elements");
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *item = list->items->pdata[i];
        if (!encode_element (item, out, NULL))
            return NULL;
        if (out->len <= offset)
            continue;
        const RspYaml *element = item->items->pdata[0];
        const RspYaml *part =
            member && element->kind == RSP_YAML_MAP ? rsp_yaml_get (element, member) : NULL;
        return part ? part : element;
    }
    return NULL;
}
