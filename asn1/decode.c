#include "asn1/decode.h"

#include <string.h>

#include "asn1/base64.h"
#include "asn1/decode-private.h"
#include "asn1/saip.h"

#define LARGEST_INPUT (4u << 20)
#define LARGEST_TEXT (2 * LARGEST_INPUT) /* the same in hex */

static gboolean
fail (GError **error, const char *what)
{
    g_set_error_literal (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_DECODE, what);
    return FALSE;
}

/* TEXT without its blanks, or NULL if it is not plain text. */
static char *
without_blanks (RspSlice text)
{
    GString *out = g_string_sized_new (text.len);
    for (gsize i = 0; i < text.len; i++) {
        guint8 c = text.data[i];
        if (g_ascii_isspace (c))
            continue;
        if (c < 0x20 || c > 0x7e) {
            g_string_free (out, TRUE);
            return NULL;
        }
        g_string_append_c (out, (char)c);
    }
    return g_string_free (out, FALSE);
}

GBytes *
rsp_decode_input (RspSlice text, GError **error)
{
    if (text.len == 0 || text.len > LARGEST_TEXT) {
        fail (error, text.len ? "input is over 8 MiB" : "input is empty");
        return NULL;
    }
    g_autofree char *plain = without_blanks (text);
    if (!plain || plain[0] == '{')
        return rsp_slice_to_bytes (text);
    GBytes *octets = *plain ? rsp_unhex (plain) : NULL;
    if (!octets && *plain)
        octets = rsp_base64_decode (plain, strlen (plain));
    if (!octets)
        fail (error, "input is neither DER, hex, base64 nor JSON");
    return octets;
}

/* A profile package: elements one after another, from header to end. */
static gboolean
show_package (RspItem *parent, RspSlice der)
{
    RspTlv tlv;
    RspSlice in = der;
    guint32 first = 0, last = 0;
    while (rsp_tlv_next (&in, &tlv) == RSP_TLV_OK) {
        first = first ? first : tlv.tag;
        last = tlv.tag;
        if (!rsp_saip_element_name (tlv.tag))
            return FALSE;
    }
    if (in.len > 0 || first != RSP_SAIP_HEADER || last != RSP_SAIP_END)
        return FALSE;
    RspItem *package = rsp_item_add (parent, "profile package");
    while (rsp_item_has_room (package) && rsp_tlv_next (&der, &tlv) == RSP_TLV_OK) {
        RspItem *item = rsp_item_add (package, rsp_saip_element_name (tlv.tag));
        rsp_item_set_tag (item, tlv.tag);
        rsp_item_set (item, "%" G_GSIZE_FORMAT " octets", tlv.whole.len);
        rsp_decode_tlvs (item, tlv.value, 0);
    }
    return TRUE;
}

static gboolean
show_octets (RspItem *root, RspSlice input, GError **error)
{
    RspTlv tlv;
    RspSlice in = input;
    gboolean one = rsp_tlv_next (&in, &tlv) == RSP_TLV_OK && in.len == 0;
    /* `9000` is a TLV as well: octets that are no message of ours may be an APDU first. */
    if (one && rsp_decode_guess (input) && rsp_decode_der (root, NULL, NULL, input, NULL))
        return TRUE;
    if (show_package (root, input) || rsp_decode_nas (root, input) || rsp_decode_apdu (root, input))
        return TRUE;
    return rsp_decode_der (root, NULL, NULL, input, error);
}

static gboolean
show_input (RspItem *root, RspSlice input, const char *type, GError **error)
{
    if (type && !rsp_schema (type)) {
        g_autofree char *safe = rsp_escape_text (type, -1, 64);
        const char *near = rsp_suggest (type, rsp_schema_types ());
        g_set_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_DECODE, "no type %s%s%s%s", safe,
                     near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        return FALSE;
    }
    if (type)
        return rsp_decode_der (root, NULL, type, input, error);
    gsize at = 0;
    while (at < input.len && g_ascii_isspace (input.data[at]))
        at++;
    if (at < input.len && input.data[at] == '{')
        return rsp_decode_json (root, RSP_SLICE (input.data + at, input.len - at), error);
    return show_octets (root, input, error);
}

char *
rsp_decode (RspSlice input, const char *type, gboolean as_json, GError **error)
{
    if (input.len == 0 || input.len > LARGEST_INPUT) {
        fail (error, input.len ? "input is over 4 MiB" : "input is empty");
        return NULL;
    }
    g_autoptr (RspItem) root = rsp_item_new ("");
    if (!show_input (root, input, type, error))
        return NULL;
    const RspItem *message = rsp_item_only_child (root);
    return as_json ? rsp_item_json (message) : rsp_item_text (message);
}
