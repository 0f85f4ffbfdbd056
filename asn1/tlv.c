#include "asn1/tlv.h"

#include <string.h>

#define MAX_DEPTH 32
#define MAX_ELEMENTS 100000

/* Tag octets into one integer; 0 if there is none or it is longer than three octets. */
static guint32
take_tag (RspSlice in, gsize *ret_used)
{
    if (in.len == 0)
        return 0;
    guint32 tag = in.data[0];
    *ret_used = 1;
    if ((tag & 0x1f) != 0x1f)
        return tag;
    for (gsize i = 1; i < 3 && i < in.len; i++) {
        if (i == 1 && in.data[i] == 0x80)
            return 0;
        tag = tag << 8 | in.data[i];
        if (!(in.data[i] & 0x80)) {
            *ret_used = i + 1;
            return tag;
        }
    }
    return 0;
}

static gboolean
take_length (RspSlice in, gsize *ret_length, gsize *ret_used)
{
    if (in.len == 0)
        return FALSE;
    guint8 first = in.data[0];
    if (first < 0x80) {
        *ret_length = first;
        *ret_used = 1;
        return TRUE;
    }
    gsize n = first & 0x7f;
    if (n == 0 || n > 4 || n >= in.len || in.data[1] == 0)
        return FALSE;
    gsize length = 0;
    for (gsize i = 1; i <= n; i++)
        length = length << 8 | in.data[i];
    if (length < 0x80)
        return FALSE;
    *ret_length = length;
    *ret_used = n + 1;
    return TRUE;
}

RspTlvResult
rsp_tlv_next (RspSlice *input, RspTlv *ret_tlv)
{
    RspSlice in = *input;
    if (in.len == 0)
        return RSP_TLV_END;
    gsize tag_size = 0, length_size = 0, length = 0;
    guint32 tag = take_tag (in, &tag_size);
    if (tag == 0)
        return RSP_TLV_BAD;
    if (!take_length (RSP_SLICE (in.data + tag_size, in.len - tag_size), &length, &length_size))
        return RSP_TLV_BAD;
    gsize head = tag_size + length_size;
    if (length > in.len - head)
        return RSP_TLV_BAD;
    ret_tlv->tag = tag;
    ret_tlv->value = RSP_SLICE (in.data + head, length);
    ret_tlv->whole = RSP_SLICE (in.data, head + length);
    *input = RSP_SLICE (in.data + head + length, in.len - head - length);
    return RSP_TLV_OK;
}

gboolean
rsp_tlv_find (RspSlice value, guint32 tag, RspTlv *ret_tlv)
{
    RspTlv tlv;
    while (rsp_tlv_next (&value, &tlv) == RSP_TLV_OK) {
        if (tlv.tag == tag) {
            *ret_tlv = tlv;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
rsp_tlv_single (RspSlice input, guint32 tag, RspTlv *ret_tlv)
{
    RspTlv tlv;
    if (rsp_tlv_next (&input, &tlv) != RSP_TLV_OK || tlv.tag != tag || input.len > 0)
        return FALSE;
    *ret_tlv = tlv;
    return TRUE;
}

static guint8
first_octet (guint32 tag)
{
    return tag > 0xffff ? tag >> 16 : tag > 0xff ? tag >> 8 : tag;
}

/* A number below 31 belongs in one octet; card data breaks this rule (BF0C), DER may not. */
static gboolean
tag_is_minimal (guint32 tag)
{
    return tag <= 0xff || tag > 0xffff || (tag & 0x7f) >= 0x1f;
}

gboolean
rsp_der_check (RspSlice der, gsize *ret_offset)
{
    RspSlice level[MAX_DEPTH];
    guint depth = 0, elements = 0;
    const guint8 *at = der.data;
    gboolean good = der.len > 0;

    level[0] = der;
    while (good) {
        RspTlv tlv;
        at = level[depth].data;
        RspTlvResult r = rsp_tlv_next (&level[depth], &tlv);
        if (r == RSP_TLV_END) {
            if (depth == 0)
                return TRUE;
            depth--;
            continue;
        }
        good = r == RSP_TLV_OK && ++elements <= MAX_ELEMENTS && tag_is_minimal (tlv.tag) &&
               (depth > 0 || level[0].len == 0);
        if (r == RSP_TLV_OK && depth == 0 && level[0].len > 0)
            at = level[0].data;
        if (good && (first_octet (tlv.tag) & 0x20)) {
            good = depth + 1 < MAX_DEPTH;
            if (good)
                level[++depth] = tlv.value;
        }
    }
    if (ret_offset)
        *ret_offset = der.len == 0 ? 0 : (gsize)(at - der.data);
    return FALSE;
}

static gsize
tag_size (guint32 tag)
{
    return tag > 0xffff ? 3 : tag > 0xff ? 2 : 1;
}

static gsize
length_octets (gsize length, guint8 out[5])
{
    g_assert (length <= G_MAXUINT32);
    if (length < 0x80) {
        out[0] = length;
        return 1;
    }
    gsize n = length > 0xffffff ? 4 : length > 0xffff ? 3 : length > 0xff ? 2 : 1;
    out[0] = 0x80 | n;
    for (gsize i = 0; i < n; i++)
        out[1 + i] = length >> (8 * (n - 1 - i));
    return n + 1;
}

static void
put_tag (GByteArray *out, guint32 tag)
{
    guint8 octets[3];
    gsize n = tag_size (tag);
    for (gsize i = 0; i < n; i++)
        octets[i] = tag >> (8 * (n - 1 - i));
    g_byte_array_append (out, octets, n);
}

gsize
rsp_tlv_head_size (guint32 tag, gsize length)
{
    guint8 octets[5];
    return tag_size (tag) + length_octets (length, octets);
}

void
rsp_tlv_head (GByteArray *out, guint32 tag, gsize length)
{
    guint8 octets[5];
    put_tag (out, tag);
    g_byte_array_append (out, octets, length_octets (length, octets));
}

void
rsp_tlv_put (GByteArray *out, guint32 tag, RspSlice value)
{
    rsp_tlv_head (out, tag, value.len);
    if (value.len > 0)
        g_byte_array_append (out, value.data, value.len);
}

void
rsp_tlv_put_int (GByteArray *out, guint32 tag, gint64 value)
{
    guint8 octets[8];
    gsize n = 0;
    for (int i = 7; i >= 0; i--) {
        guint8 octet = (guint64)value >> (8 * i);
        guint8 next = i > 0 ? (guint8)((guint64)value >> (8 * (i - 1))) : 0;
        gboolean spare =
            i > 0 && ((octet == 0 && !(next & 0x80)) || (octet == 0xff && (next & 0x80)));
        if (n > 0 || !spare)
            octets[n++] = octet;
    }
    rsp_tlv_put (out, tag, RSP_SLICE (octets, n));
}

void
rsp_tlv_put_text (GByteArray *out, guint32 tag, const char *text)
{
    rsp_tlv_put (out, tag, RSP_SLICE (text, strlen (text)));
}

gsize
rsp_tlv_open (GByteArray *out, guint32 tag)
{
    put_tag (out, tag);
    return out->len;
}

void
rsp_tlv_close (GByteArray *out, gsize mark)
{
    guint8 octets[5];
    gsize length = out->len - mark;
    gsize n = length_octets (length, octets);
    g_byte_array_set_size (out, out->len + n);
    memmove (out->data + mark + n, out->data + mark, length);
    memcpy (out->data + mark, octets, n);
}
