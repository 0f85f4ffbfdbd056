#include "asn1/decode-private.h"

#include <string.h>

#define MAX_NAME_PARTS 32

static const struct {
    const char *dotted, *name;
} oid_names[] = {
    {"2.23.146.1.2.1.0", "id-rspRole-ci"},
    {"2.23.146.1.2.1.1", "id-rspRole-euicc"},
    {"2.23.146.1.2.1.2", "id-rspRole-eum"},
    {"2.23.146.1.2.1.3", "id-rspRole-dp-tls"},
    {"2.23.146.1.2.1.4", "id-rspRole-dp-auth"},
    {"2.23.146.1.2.1.5", "id-rspRole-dp-pb"},
    {"2.23.146.1.2.1.6", "id-rspRole-ds-tls"},
    {"2.23.146.1.2.1.7", "id-rspRole-ds-auth"},
    {"2.23.146.1.2.0.1", "id-rsp-expDate"},
    {"2.23.146.1.2.0.2", "id-rsp-totalPartialCrlNumber"},
    {"2.23.146.1.2.0.3", "id-rsp-partialCrlNumber"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.10045.2.1", "id-ecPublicKey"},
    {"1.2.840.10045.3.1.7", "prime256v1"},
    {"1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"},
    {"2.5.4.3", "CN"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.6", "C"},
    {"2.5.4.7", "L"},
    {"2.5.4.8", "ST"},
    {"2.5.4.10", "O"},
    {"2.5.4.11", "OU"},
    {"2.5.29.14", "subjectKeyIdentifier"},
    {"2.5.29.15", "keyUsage"},
    {"2.5.29.17", "subjectAltName"},
    {"2.5.29.19", "basicConstraints"},
    {"2.5.29.30", "nameConstraints"},
    {"2.5.29.31", "cRLDistributionPoints"},
    {"2.5.29.32", "certificatePolicies"},
    {"2.5.29.35", "authorityKeyIdentifier"},
    {"2.5.29.37", "extKeyUsage"},
};

static const char *
oid_name (const char *dotted)
{
    for (gsize i = 0; i < G_N_ELEMENTS (oid_names); i++)
        if (strcmp (oid_names[i].dotted, dotted) == 0)
            return oid_names[i].name;
    return NULL;
}

void
rsp_decode_oid (RspItem *item, RspSlice content)
{
    g_autofree char *dotted = rsp_asn1_oid_text (content);
    const char *name = dotted ? oid_name (dotted) : NULL;
    if (!dotted)
        rsp_item_set_hex (item, content);
    else if (name)
        rsp_item_set (item, "%s (%s)", name, dotted);
    else
        rsp_item_set (item, "%s", dotted);
}

/* RDNSequence as "C=DE, O=…". */
static void
set_name (RspItem *item, RspSlice rdns)
{
    g_autoptr (GString) text = g_string_new (NULL);
    RspTlv set, pair, type, value;
    for (guint n = 0; n < MAX_NAME_PARTS && rsp_tlv_next (&rdns, &set) == RSP_TLV_OK; n++) {
        RspSlice in = set.value;
        if (rsp_tlv_next (&in, &pair) != RSP_TLV_OK ||
            rsp_tlv_next (&pair.value, &type) != RSP_TLV_OK ||
            rsp_tlv_next (&pair.value, &value) != RSP_TLV_OK)
            continue;
        g_autofree char *dotted = rsp_asn1_oid_text (type.value);
        const char *known = dotted ? oid_name (dotted) : NULL;
        g_autofree char *safe = rsp_escape_text (
            value.value.len ? (const char *)value.value.data : "", (gssize)value.value.len, 100);
        g_string_append_printf (text, "%s%s=%s", text->len ? ", " : "",
                                known    ? known
                                : dotted ? dotted
                                         : "?",
                                safe);
    }
    rsp_item_set (item, "%s", text->str);
}

static void
add_policies (RspItem *item, RspSlice policies)
{
    RspTlv all, one, oid;
    if (!rsp_tlv_single (policies, 0x30, &all))
        return;
    while (rsp_item_has_room (item) && rsp_tlv_next (&all.value, &one) == RSP_TLV_OK)
        if (rsp_tlv_next (&one.value, &oid) == RSP_TLV_OK && oid.tag == 0x06)
            rsp_decode_oid (rsp_item_add (item, "policy"), oid.value);
}

static void
add_alternative_names (RspItem *item, RspSlice names)
{
    RspTlv all, one;
    if (!rsp_tlv_single (names, 0x30, &all))
        return;
    while (rsp_item_has_room (item) && rsp_tlv_next (&all.value, &one) == RSP_TLV_OK) {
        if (one.tag == 0x88)
            rsp_decode_oid (rsp_item_add (item, "registeredID"), one.value);
        else if (one.tag == 0x82)
            rsp_item_set_text (rsp_item_add (item, "dNSName"), one.value);
    }
}

static void
add_extension (RspItem *item, RspSlice extension)
{
    RspTlv oid, next;
    if (rsp_tlv_next (&extension, &oid) != RSP_TLV_OK || oid.tag != 0x06 ||
        rsp_tlv_next (&extension, &next) != RSP_TLV_OK)
        return;
    if (next.tag == 0x01 && rsp_tlv_next (&extension, &next) != RSP_TLV_OK)
        return;
    g_autofree char *dotted = rsp_asn1_oid_text (oid.value);
    RspTlv inner;
    if (g_strcmp0 (dotted, "2.5.29.32") == 0)
        add_policies (item, next.value);
    else if (g_strcmp0 (dotted, "2.5.29.17") == 0)
        add_alternative_names (item, next.value);
    else if (g_strcmp0 (dotted, "2.5.29.14") == 0 && rsp_tlv_single (next.value, 0x04, &inner))
        rsp_item_set_hex (rsp_item_add (item, "subjectKeyIdentifier"), inner.value);
    else if (g_strcmp0 (dotted, "2.5.29.35") == 0 && rsp_tlv_single (next.value, 0x30, &inner) &&
             rsp_tlv_find (inner.value, 0x80, &inner))
        rsp_item_set_hex (rsp_item_add (item, "authorityKeyIdentifier"), inner.value);
}

static void
add_validity (RspItem *item, RspSlice validity)
{
    RspTlv time;
    const char *const names[] = {"notBefore", "notAfter"};
    for (guint i = 0; i < 2 && rsp_tlv_next (&validity, &time) == RSP_TLV_OK; i++)
        rsp_item_set_text (rsp_item_add (item, names[i]), time.value);
}

gboolean
rsp_decode_certificate (RspItem *item, RspSlice der)
{
    RspTlv certificate, tbs, part[6];
    if (!rsp_tlv_single (der, 0x30, &certificate) ||
        rsp_tlv_next (&certificate.value, &tbs) != RSP_TLV_OK || tbs.tag != 0x30)
        return FALSE;
    RspSlice in = tbs.value;
    RspTlv version;
    RspSlice peek = in;
    if (rsp_tlv_next (&peek, &version) == RSP_TLV_OK && version.tag == 0xa0)
        in = peek;
    static const guint32 tags[] = {0x02, 0x30, 0x30, 0x30, 0x30, 0x30};
    for (guint i = 0; i < G_N_ELEMENTS (part); i++)
        if (rsp_tlv_next (&in, &part[i]) != RSP_TLV_OK || part[i].tag != tags[i])
            return FALSE;
    rsp_item_set (item, "certificate, %" G_GSIZE_FORMAT " octets", der.len);
    set_name (rsp_item_add (item, "subject"), part[4].value);
    set_name (rsp_item_add (item, "issuer"), part[2].value);
    rsp_item_set_hex (rsp_item_add (item, "serialNumber"), part[0].value);
    add_validity (item, part[3].value);
    RspTlv wrapper, list, extension;
    if (rsp_tlv_find (in, 0xa3, &wrapper) && rsp_tlv_single (wrapper.value, 0x30, &list))
        while (rsp_item_has_room (item) && rsp_tlv_next (&list.value, &extension) == RSP_TLV_OK)
            add_extension (item, extension.value);
    return TRUE;
}
