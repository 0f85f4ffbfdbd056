#include "asn1/decode-private.h"

#include <string.h>

#include "asn1/ids.h"
#include "asn1/saip.h"

#define MAX_DEPTH 32
#define MAC_SIZE 8

static void show (RspItem *item, const RspValue *value);

static gboolean
is_constructed (guint32 tag)
{
    while (tag > 0xff)
        tag >>= 8;
    return tag & 0x20;
}

void
rsp_decode_tlvs (RspItem *parent, RspSlice value, guint depth)
{
    RspTlv tlv;
    RspTlvResult r = RSP_TLV_END;
    while (rsp_item_has_room (parent) && (r = rsp_tlv_next (&value, &tlv)) == RSP_TLV_OK) {
        g_autofree char *name =
            g_strdup_printf ("%02X (%" G_GSIZE_FORMAT ")", tlv.tag, tlv.value.len);
        RspItem *item = rsp_item_add (parent, name);
        if (tlv.tag == 0x06)
            rsp_decode_oid (item, tlv.value);
        else if (tlv.tag == 0x0c || tlv.tag == 0x13)
            rsp_item_set_text (item, tlv.value);
        else if (is_constructed (tlv.tag) && depth < MAX_DEPTH && rsp_der_check (tlv.whole, NULL))
            rsp_decode_tlvs (item, tlv.value, depth + 1);
        else
            rsp_item_set_hex (item, tlv.value);
    }
    if (r == RSP_TLV_BAD)
        rsp_item_set_hex (rsp_item_add (parent, "not TLV"), value);
}

static void
show_integer (RspItem *item, const RspValue *value)
{
    guint64 number = value->content.data[0] & 0x80 ? G_MAXUINT64 : 0;
    for (gsize i = 0; i < value->content.len; i++)
        number = number << 8 | value->content.data[i];
    const char *name = rsp_schema_constant (value->schema, (gint64)number);
    if (name)
        rsp_item_set (item, "%s (%" G_GINT64_FORMAT ")", name, (gint64)number);
    else
        rsp_item_set (item, "%" G_GINT64_FORMAT, (gint64)number);
}

static void
show_bits (RspItem *item, const RspValue *value)
{
    g_autoptr (GString) text = g_string_new (NULL);
    for (guint n = 0; n < 64; n++) {
        const char *name = rsp_schema_constant (value->schema, n);
        if (!rsp_asn1_bits_test (value->content, n))
            continue;
        if (text->len)
            g_string_append (text, ", ");
        if (name)
            g_string_append (text, name);
        else
            g_string_append_printf (text, "bit %u", n);
    }
    g_autofree char *hex = rsp_hex (value->content);
    rsp_item_set (item, "%s (%.64s)", text->len ? text->str : "none", hex);
}

static gboolean
tlvs_all_through (RspSlice s)
{
    RspTlv tlv;
    RspTlvResult r = RSP_TLV_END;
    gboolean some = FALSE;
    while ((r = rsp_tlv_next (&s, &tlv)) == RSP_TLV_OK)
        some = TRUE;
    return some && r == RSP_TLV_END;
}

/* A StoreMetadata segment is MACed and not encrypted, so it can be read. */
static void
show_segment_88 (RspItem *item, RspSlice content)
{
    if (content.len <= MAC_SIZE)
        return;
    RspSlice plain = RSP_SLICE (content.data, content.len - MAC_SIZE);
    g_autoptr (RspAsn1) metadata = rsp_asn1_decode_borrowed ("StoreMetadataRequest", plain, NULL);
    if (metadata)
        show (rsp_item_add (item, "StoreMetadataRequest"), rsp_asn1_root (metadata));
    rsp_item_set_hex (rsp_item_add (item, "mac"), RSP_SLICE (content.data + plain.len, MAC_SIZE));
}

static void
show_octets (RspItem *item, const RspValue *value)
{
    const char *type = value->schema->type, *name = value->schema->name;
    RspSlice s = value->content;
    g_autofree char *digits = NULL;
    if (strcmp (type, "Iccid") == 0)
        digits = rsp_iccid_from_octets (s);
    else if (strcmp (name, "eidValue") == 0)
        digits = rsp_eid_from_octets (s);
    if (digits)
        rsp_item_set (item, "%s", digits);
    else if (strcmp (type, "VersionType") == 0 && s.len == 3)
        rsp_item_set (item, "%u.%u.%u", s.data[0], s.data[1], s.data[2]);
    else
        rsp_item_set_hex (item, s);
    if ((strcmp (name, "simaResponse") == 0 || strcmp (name, "extCardResource") == 0) &&
        tlvs_all_through (s))
        rsp_decode_tlvs (item, s, 0);
    if (strcmp (type, "Segment88") == 0)
        show_segment_88 (item, s);
}

static void
show_any (RspItem *item, const RspValue *value)
{
    if (strcmp (value->schema->type, "Certificate") == 0 &&
        rsp_decode_certificate (item, value->content))
        return;
    rsp_decode_tlvs (item, value->content, 0);
}

/* Known components by name, the rest of the octets as TLVs. */
static void
show_components (RspItem *item, const RspValue *value)
{
    const RspValue *child = value->first;
    RspSlice in = value->content;
    RspTlv tlv;
    while (rsp_item_has_room (item) && rsp_tlv_next (&in, &tlv) == RSP_TLV_OK) {
        if (child && child->whole.data == tlv.whole.data) {
            const char *name = *child->schema->name ? child->schema->name : child->schema->type;
            show (rsp_item_add (item, *name ? name : "element"), child);
            child = child->next;
        } else {
            rsp_decode_tlvs (rsp_item_add (item, "unknown extension"), tlv.whole, 0);
        }
    }
}

static void
show (RspItem *item, const RspValue *value)
{
    if (value->schema->tag && !value->schema->is_explicit)
        rsp_item_set_tag (item, value->schema->tag);
    switch (value->schema->kind) {
    case RSP_KIND_INTEGER:
        show_integer (item, value);
        return;
    case RSP_KIND_BITS:
        show_bits (item, value);
        return;
    case RSP_KIND_BOOLEAN:
        rsp_item_set (item, "%s", value->content.data[0] ? "true" : "false");
        return;
    case RSP_KIND_NULL:
        rsp_item_set (item, "present");
        return;
    case RSP_KIND_OCTETS:
        show_octets (item, value);
        return;
    case RSP_KIND_OID:
        rsp_decode_oid (item, value->content);
        return;
    case RSP_KIND_UTF8:
        rsp_item_set_text (item, value->content);
        return;
    case RSP_KIND_ANY:
        show_any (item, value);
        return;
    case RSP_KIND_CHOICE:
        if (value->schema->tag)
            rsp_item_set_tag (item, value->schema->tag);
        show (rsp_item_add (item, value->first->schema->name), value->first);
        return;
    case RSP_KIND_SEQUENCE:
    case RSP_KIND_LIST:
        show_components (item, value);
        return;
    }
}

/* How well a decoded value explains its octets: an element known is worth one, one that had to be
 * skipped costs more than any message has. */
static int
score (const RspValue *value)
{
    int points = 1;
    guint known = 0, present = 0;
    for (const RspValue *child = value->first; child; child = child->next) {
        points += score (child);
        known++;
    }
    if (value->schema->kind != RSP_KIND_SEQUENCE)
        return points;
    RspSlice in = value->content;
    RspTlv tlv;
    while (rsp_tlv_next (&in, &tlv) == RSP_TLV_OK)
        present++;
    return points - 1000 * (int)(present - known);
}

const char *
rsp_decode_guess (RspSlice der)
{
    RspTlv tlv;
    RspSlice in = der;
    if (rsp_tlv_next (&in, &tlv) != RSP_TLV_OK)
        return NULL;
    const char *best = NULL;
    int most = G_MININT;
    for (const char *const *type = rsp_schema_types (); *type; type++) {
        const RspSchema *schema = rsp_schema (*type);
        gboolean telling = schema->tag > 0xff || schema->n_children > 0;
        if (!telling || !rsp_schema_starts (schema, tlv.tag))
            continue;
        g_autoptr (RspAsn1) node = rsp_asn1_decode_borrowed (*type, der, NULL);
        /* A mere choice among messages says less than the message itself. */
        int points = node ? score (rsp_asn1_root (node)) - 2 * (schema->tag == 0) : G_MININT;
        gboolean vague = schema->tag == 0x30 && points <= 0; /* any SEQUENCE fits such a type */
        if (node && points > most && !vague) {
            most = points;
            best = *type;
        }
    }
    return best;
}

static gboolean
looks_like_certificate (RspSlice der)
{
    g_autoptr (RspItem) nowhere = rsp_item_new ("");
    return rsp_decode_certificate (nowhere, der);
}

gboolean
rsp_decode_der (RspItem *parent, const char *name, const char *type, RspSlice der, GError **error)
{
    if (!type && looks_like_certificate (der))
        type = "Certificate";
    const char *fits = type ? type : rsp_decode_guess (der);
    if (!fits) {
        gsize offset = 0;
        if (!rsp_der_check (der, &offset)) {
            g_set_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_DECODE,
                         "at octet %" G_GSIZE_FORMAT ": not DER", offset);
            return FALSE;
        }
        rsp_decode_tlvs (rsp_item_add (parent, name ? name : "unknown message"), der, 0);
        return TRUE;
    }
    g_autoptr (RspAsn1) node = rsp_asn1_decode_borrowed (fits, der, error);
    if (!node)
        return FALSE;
    g_autofree char *label = name ? g_strdup_printf ("%s (%s)", name, fits) : g_strdup (fits);
    show (rsp_item_add (parent, label), rsp_asn1_root (node));
    return TRUE;
}
