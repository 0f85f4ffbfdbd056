/* Pieces of DER that certificates and CRLs share (RFC 5280 4.1, 5.1). */
#include "pki/cert-private.h"

static const guint8 der_true[] = {0xff};

gboolean
rsp_der_take (RspSlice *input, guint32 tag, RspTlv *ret_tlv)
{
    RspSlice rest = *input;
    if (rsp_tlv_next (&rest, ret_tlv) != RSP_TLV_OK || ret_tlv->tag != tag)
        return FALSE;
    *input = rest;
    return TRUE;
}

gboolean
rsp_der_take_bits (RspSlice *input, RspSlice *ret_octets)
{
    RspTlv tlv;
    if (!rsp_der_take (input, 0x03, &tlv) || tlv.value.len < 1 || tlv.value.data[0] != 0)
        return FALSE;
    *ret_octets = RSP_SLICE (tlv.value.data + 1, tlv.value.len - 1);
    return TRUE;
}

void
rsp_der_put_bits (GByteArray *out, RspSlice octets)
{
    rsp_tlv_head (out, 0x03, octets.len + 1);
    g_byte_array_append (out, (const guint8 *)"", 1);
    g_byte_array_append (out, octets.data, (guint)octets.len);
}

gboolean
rsp_extension_take (RspSlice *input, RspSlice *ret_oid, gboolean *ret_critical, RspSlice *ret_value)
{
    RspTlv extension, oid, flag, value;
    if (!rsp_der_take (input, 0x30, &extension))
        return FALSE;
    RspSlice rest = extension.value;
    if (!rsp_der_take (&rest, 0x06, &oid))
        return FALSE;
    *ret_critical = rsp_der_take (&rest, 0x01, &flag);
    if (*ret_critical && (flag.value.len != 1 || flag.value.data[0] != 0xFF))
        return FALSE;
    if (!rsp_der_take (&rest, 0x04, &value) || rest.len != 0)
        return FALSE;
    *ret_oid = oid.value;
    *ret_value = value.value;
    return TRUE;
}

gboolean
rsp_extension_aki (RspSlice value, RspSlice *ret)
{
    RspTlv sequence, tlv;
    if (!rsp_tlv_single (value, 0x30, &sequence))
        return FALSE;
    RspSlice rest = sequence.value;
    if (rsp_der_take (&rest, 0x80, &tlv)) {
        if (tlv.value.len == 0)
            return FALSE;
        *ret = tlv.value;
    }
    gboolean issuer = rsp_der_take (&rest, 0xA1, &tlv), serial = rsp_der_take (&rest, 0x82, &tlv);
    return rest.len == 0 && issuer == serial;
}

RspExtension
rsp_extension_open (GByteArray *out, RspSlice oid, gboolean critical)
{
    RspExtension extension;
    extension.extension = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x06, oid);
    if (critical)
        rsp_tlv_put (out, 0x01, RSP_SLICE_ARRAY (der_true));
    extension.value = rsp_tlv_open (out, 0x04);
    return extension;
}

void
rsp_extension_close (GByteArray *out, RspExtension extension)
{
    rsp_tlv_close (out, extension.value);
    rsp_tlv_close (out, extension.extension);
}

void
rsp_extension_put_aki (GByteArray *out, const RspCert *issuer)
{
    RspExtension extension = rsp_extension_open (out, rsp_oid_ce_aki, FALSE);
    gsize sequence = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x80, issuer->ski);
    rsp_tlv_close (out, sequence);
    rsp_extension_close (out, extension);
}
