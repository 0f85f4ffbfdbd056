#include "asn1/take.h"

gboolean
rsp_take (RspSlice *input, guint32 tag, gsize min, gsize max, RspTlv *ret_tlv)
{
    RspSlice rest = *input;
    if (rsp_tlv_next (&rest, ret_tlv) != RSP_TLV_OK || ret_tlv->tag != tag ||
        ret_tlv->value.len < min || ret_tlv->value.len > max)
        return FALSE;
    *input = rest;
    return TRUE;
}

gboolean
rsp_take_optional (RspSlice *input, guint32 tag, gsize min, gsize max, RspTlv *ret_tlv,
                   gboolean *ret_present)
{
    RspSlice rest = *input;
    *ret_present = FALSE;
    if (input->len == 0)
        return TRUE;
    if (rsp_tlv_next (&rest, ret_tlv) != RSP_TLV_OK)
        return FALSE;
    if (ret_tlv->tag != tag)
        return TRUE;
    *ret_present = TRUE;
    *input = rest;
    return ret_tlv->value.len >= min && ret_tlv->value.len <= max;
}

gboolean
rsp_is_utf8 (RspSlice s)
{
    return s.len == 0 || g_utf8_validate ((const char *)s.data, (gssize)s.len, NULL);
}

gboolean
rsp_read_number (RspSlice s, guint64 *ret)
{
    if (s.len == 0 || s.data[0] & 0x80 || s.len > 9 || (s.len == 9 && s.data[0] != 0))
        return FALSE;
    guint64 value = 0;
    for (gsize i = 0; i < s.len; i++)
        value = value << 8 | s.data[i];
    *ret = value;
    return TRUE;
}

gboolean
rsp_take_number (RspSlice *input, guint32 tag, guint64 *ret)
{
    RspTlv tlv;
    return rsp_take (input, tag, 1, 9, &tlv) && rsp_read_number (tlv.value, ret);
}

gboolean
rsp_read_bits (RspSlice s, guint32 *ret)
{
    if (s.len == 0 || s.len > 5 || s.data[0] > 7 || (s.len == 1 && s.data[0] != 0))
        return FALSE;
    guint32 mask = 0;
    for (gsize i = 0; i < 8 * (s.len - 1); i++)
        if (s.data[1 + i / 8] & 0x80 >> i % 8)
            mask |= 1u << i;
    *ret = mask;
    return TRUE;
}

void
rsp_put_number (GByteArray *out, guint32 tag, guint64 value)
{
    guint8 octets[9] = {0};
    for (guint i = 0; i < 8; i++)
        octets[8 - i] = (guint8)(value >> 8 * i);
    gsize at = 0;
    while (at < 8 && octets[at] == 0 && !(octets[at + 1] & 0x80))
        at++;
    rsp_tlv_put (out, tag, RSP_SLICE (octets + at, sizeof octets - at));
}

static void
put_bits (GByteArray *out, guint32 tag, guint64 mask, guint nbits)
{
    guint8 octets[9] = {(guint8)((8 - nbits % 8) % 8)};
    for (guint i = 0; i < nbits; i++)
        if (mask >> i & 1)
            octets[1 + i / 8] |= (guint8)(0x80 >> i % 8);
    rsp_tlv_put (out, tag, RSP_SLICE (octets, 1 + (nbits + 7) / 8));
}

void
rsp_put_named_bits (GByteArray *out, guint32 tag, guint64 mask)
{
    guint nbits = 0;
    for (guint64 rest = mask; rest; rest >>= 1)
        nbits++;
    put_bits (out, tag, mask, nbits);
}

void
rsp_put_result (GByteArray *out, guint32 command_tag, guint8 value)
{
    gsize mark = rsp_tlv_open (out, command_tag);
    rsp_tlv_put_int (out, 0x80, value);
    rsp_tlv_close (out, mark);
}

/* DER content octets of a dotted OID; 0 if it does not fit or is malformed. */
static gsize
encode_oid (const char *dotted, guint8 out[64])
{
    gsize n = 0;
    guint64 first = 0;
    for (guint arc = 0; *dotted; arc++) {
        char *end = NULL;
        guint64 number = g_ascii_strtoull (dotted, &end, 10);
        if (end == dotted || (*end && *end != '.') || number > G_MAXUINT32)
            return 0;
        dotted = *end ? end + 1 : end;
        if (arc == 0) {
            first = number;
            continue;
        }
        if (arc == 1)
            number += 40 * first;
        guint digits = 1;
        for (guint64 rest = number >> 7; rest; rest >>= 7)
            digits++;
        if (n + digits > 64)
            return 0;
        while (digits-- > 0)
            out[n++] = (guint8)((number >> 7 * digits & 0x7F) | (digits ? 0x80 : 0));
    }
    return n;
}

void
rsp_put_oid (GByteArray *out, guint32 tag, const char *dotted)
{
    guint8 octets[64];
    rsp_tlv_put (out, tag, RSP_SLICE (octets, encode_oid (dotted, octets)));
}

gboolean
rsp_oid_equal (RspSlice oid, const char *dotted)
{
    guint8 octets[64];
    gsize n = encode_oid (dotted, octets);
    return n > 0 && rsp_slice_equal (oid, RSP_SLICE (octets, n));
}
