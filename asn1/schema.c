#include "asn1/schema.h"

#include <string.h>

#include "asn1/ids.h"

extern const asn1_static_node rsp_tab[];
extern const asn1_static_node sgp32_tab[];
extern const asn1_static_node pe_tab[];

/* The type word of asn1_static_node: kind in the low octet, these above it. */
#define NODE_KIND(node) ((node)->type & 0xffu)
#define NODE_UNIVERSAL (1u << 8)
#define NODE_PRIVATE (1u << 9)
#define NODE_APPLICATION (1u << 10)
#define NODE_EXPLICIT (1u << 11)
#define NODE_OPTION (1u << 14)
#define NODE_DEFAULT (1u << 15)
#define NODE_LIST (1u << 18)
#define NODE_MIN_MAX (1u << 19)
#define NODE_DOWN (1u << 29)
#define NODE_RIGHT (1u << 30)

#define KIND_CONSTANT 1
#define KIND_TAG 8
#define KIND_SIZE 10
#define KIND_IDENTIFIER 2

#define MAX_NESTING 24

static const asn1_static_node *
first_child (const asn1_static_node *node)
{
    return node->type & NODE_DOWN ? node + 1 : NULL;
}

/* The node after NODE's whole subtree. */
static const asn1_static_node *
skip (const asn1_static_node *node)
{
    const asn1_static_node *at = node + 1;
    if (node->type & NODE_DOWN) {
        gboolean more = TRUE;
        while (more) {
            more = (at->type & NODE_RIGHT) != 0;
            at = skip (at);
        }
    }
    return at;
}

static const asn1_static_node *
next_sibling (const asn1_static_node *node)
{
    return node->type & NODE_RIGHT ? skip (node) : NULL;
}

static gboolean
is_component (const asn1_static_node *node)
{
    guint kind = NODE_KIND (node);
    return kind != KIND_TAG && kind != KIND_SIZE && kind != KIND_CONSTANT &&
           kind != ASN1_ETYPE_DEFAULT;
}

static RspKind
kind_of (const asn1_static_node *node)
{
    switch (NODE_KIND (node)) {
    case ASN1_ETYPE_ANY:
        return RSP_KIND_ANY;
    case ASN1_ETYPE_BIT_STRING:
        return RSP_KIND_BITS;
    case ASN1_ETYPE_BOOLEAN:
        return RSP_KIND_BOOLEAN;
    case ASN1_ETYPE_CHOICE:
        return RSP_KIND_CHOICE;
    case ASN1_ETYPE_INTEGER:
    case ASN1_ETYPE_ENUMERATED:
        return RSP_KIND_INTEGER;
    case ASN1_ETYPE_SEQUENCE_OF:
        return RSP_KIND_LIST;
    case ASN1_ETYPE_NULL:
        return RSP_KIND_NULL;
    case ASN1_ETYPE_OCTET_STRING:
        return RSP_KIND_OCTETS;
    case ASN1_ETYPE_OBJECT_ID:
        return RSP_KIND_OID;
    case ASN1_ETYPE_SEQUENCE:
        return RSP_KIND_SEQUENCE;
    case ASN1_ETYPE_UTF8_STRING:
        return RSP_KIND_UTF8;
    default:
        g_error ("asn1: type %u of %s has no codec", NODE_KIND (node),
                 node->name ? node->name : "a component");
    }
}

static guint32
universal_tag (RspKind kind)
{
    static const guint8 tags[] = {
        [RSP_KIND_BITS] = 0x03, [RSP_KIND_BOOLEAN] = 0x01,  [RSP_KIND_INTEGER] = 0x02,
        [RSP_KIND_LIST] = 0x30, [RSP_KIND_NULL] = 0x05,     [RSP_KIND_OCTETS] = 0x04,
        [RSP_KIND_OID] = 0x06,  [RSP_KIND_SEQUENCE] = 0x30, [RSP_KIND_UTF8] = 0x0c,
    };
    return kind == RSP_KIND_ANY || kind == RSP_KIND_CHOICE ? 0 : tags[kind];
}

static guint32
encode_tag (const asn1_static_node *node, gboolean constructed)
{
    guint number = (guint)g_ascii_strtoull ((const char *)node->value, NULL, 10);
    guint8 lead = node->type & NODE_UNIVERSAL     ? 0x00
                  : node->type & NODE_APPLICATION ? 0x40
                  : node->type & NODE_PRIVATE     ? 0xc0
                                                  : 0x80;
    if (constructed)
        lead |= 0x20;
    if (number < 0x1f)
        return lead | number;
    if (number < 0x80)
        return (guint32)(lead | 0x1f) << 8 | number;
    return (guint32)(lead | 0x1f) << 16 | (0x80 | number >> 7) << 8 | (number & 0x7f);
}

static void
apply_tag (RspSchema *schema, const asn1_static_node *node)
{
    if ((node->type & NODE_EXPLICIT) && universal_tag (schema->kind) != 0)
        g_error ("asn1: %s: EXPLICIT is for CHOICE and ANY", schema->name);
    gboolean wrapper = schema->is_explicit || (node->type & NODE_EXPLICIT) || schema->tag == 0;
    schema->tag = encode_tag (node, wrapper || schema->kind == RSP_KIND_SEQUENCE ||
                                        schema->kind == RSP_KIND_LIST);
    schema->is_explicit = wrapper;
}

static void
apply_size (RspSchema *schema, const asn1_static_node *node)
{
    const char *low = node->value;
    const char *high = node->type & NODE_MIN_MAX ? node->name : node->value;
    schema->min_size = g_ascii_strtoull (low, NULL, 10);
    schema->max_size = strcmp (high, "MAX") == 0 ? G_MAXSIZE : g_ascii_strtoull (high, NULL, 10);
}

static void fill (RspSchema *schema, const asn1_static_node *node, guint depth);

static void
fill_children (RspSchema *schema, const asn1_static_node *node, guint depth)
{
    guint n = 0;
    for (const asn1_static_node *c = first_child (node); c; c = next_sibling (c))
        n += is_component (c);
    RspSchema *children = g_new0 (RspSchema, MAX (n, 1));
    guint i = 0;
    for (const asn1_static_node *c = first_child (node); c; c = next_sibling (c))
        if (is_component (c))
            fill (&children[i++], c, depth + 1);
    schema->children = children;
    schema->n_children = n;
}

static void
fill (RspSchema *schema, const asn1_static_node *node, guint depth)
{
    g_assert (depth < MAX_NESTING);
    if (NODE_KIND (node) == KIND_IDENTIFIER) {
        const RspSchema *target = rsp_schema (node->value);
        if (!target)
            g_error ("asn1: %s is not defined", (const char *)node->value);
        *schema = *target;
        schema->type = node->value;
        schema->optional = FALSE;
    } else {
        schema->kind = kind_of (node);
        schema->tag = universal_tag (schema->kind);
        schema->type = "";
        schema->max_size = G_MAXSIZE;
        if (schema->kind == RSP_KIND_SEQUENCE || schema->kind == RSP_KIND_CHOICE ||
            schema->kind == RSP_KIND_LIST)
            fill_children (schema, node, depth);
    }
    schema->name = node->name ? node->name : "";
    schema->optional = (node->type & (NODE_OPTION | NODE_DEFAULT)) != 0;
    for (const asn1_static_node *c = first_child (node); c; c = next_sibling (c)) {
        if (NODE_KIND (c) == KIND_TAG)
            apply_tag (schema, c);
        else if (NODE_KIND (c) == KIND_SIZE)
            apply_size (schema, c);
        else if (NODE_KIND (c) == KIND_CONSTANT && !schema->constants && (node->type & NODE_LIST))
            schema->constants = c;
    }
}

static const asn1_static_node *
find_definition (const char *type)
{
    const asn1_static_node *const tables[] = {rsp_tab, sgp32_tab, pe_tab};
    for (guint t = 0; t < G_N_ELEMENTS (tables); t++) {
        const asn1_static_node *node = first_child (tables[t]);
        for (; node; node = next_sibling (node))
            if (node->name && is_component (node) && NODE_KIND (node) != ASN1_ETYPE_OBJECT_ID &&
                strcmp (node->name, type) == 0)
                return node;
    }
    return NULL;
}

const RspSchema *
rsp_schema (const char *type)
{
    static GHashTable *cache;
    if (!cache)
        cache = g_hash_table_new (g_str_hash, g_str_equal);
    RspSchema *schema = g_hash_table_lookup (cache, type);
    if (schema)
        return schema;
    const asn1_static_node *node = find_definition (type);
    if (!node)
        return NULL;
    schema = g_new0 (RspSchema, 1);
    fill (schema, node, 0);
    schema->type = node->name;
    g_hash_table_insert (cache, (gpointer)node->name, schema);
    return schema;
}

/* Of IoT these are the places where messages stand (EsipaMessageFromIpaToEim), not messages. */
static gboolean
is_bare_choice (const asn1_static_node *node)
{
    const RspSchema *schema = rsp_schema (node->name);
    return schema->kind == RSP_KIND_CHOICE && schema->tag == 0;
}

const char *const *
rsp_schema_types (void)
{
    static GPtrArray *names;
    if (!names) {
        names = g_ptr_array_new ();
        const asn1_static_node *const tables[] = {rsp_tab, sgp32_tab};
        for (guint t = 0; t < G_N_ELEMENTS (tables); t++)
            for (const asn1_static_node *n = first_child (tables[t]); n; n = next_sibling (n))
                if (n->name && is_component (n) && find_definition (n->name) == n &&
                    !(t > 0 && is_bare_choice (n)))
                    g_ptr_array_add (names, (gpointer)n->name);
        g_ptr_array_add (names, NULL);
    }
    return (const char *const *)names->pdata;
}

gboolean
rsp_schema_starts (const RspSchema *schema, guint32 tag)
{
    if (schema->tag != 0)
        return schema->tag == tag;
    if (schema->kind == RSP_KIND_ANY)
        return TRUE;
    for (guint i = 0; i < schema->n_children; i++)
        if (rsp_schema_starts (&schema->children[i], tag))
            return TRUE;
    return FALSE;
}

const char *
rsp_schema_constant (const RspSchema *schema, gint64 value)
{
    for (const asn1_static_node *c = schema->constants; c; c = next_sibling (c))
        if (g_ascii_strtoll (c->value, NULL, 10) == value)
            return c->name;
    return NULL;
}

const char *
rsp_code_name (const char *enumeration, gint64 value)
{
    const char *dot = strchr (enumeration, '.');
    g_autofree char *type = dot ? g_strndup (enumeration, (gsize)(dot - enumeration)) : NULL;
    const RspSchema *schema = rsp_schema (dot ? type : enumeration);
    if (schema && dot) {
        const RspSchema *element = NULL;
        for (guint i = 0; i < schema->n_children && !element; i++)
            if (strcmp (schema->children[i].name, dot + 1) == 0)
                element = &schema->children[i];
        schema = element;
    }
    return schema ? rsp_schema_constant (schema, value) : NULL;
}
