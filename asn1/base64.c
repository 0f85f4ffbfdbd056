#include "asn1/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define BAD 0x80

static const guint8 *
decoding_table (void)
{
    static guint8 table[256];
    static gboolean made;
    if (!made) {
        for (guint i = 0; i < sizeof table; i++)
            table[i] = BAD;
        for (guint i = 0; i < 64; i++)
            table[(guint8)alphabet[i]] = (guint8)i;
        made = TRUE;
    }
    return table;
}

/* The last group: one to three octets. */
static gboolean
decode_tail (const guint8 *in, guint8 *out, gsize padding)
{
    const guint8 *table = decoding_table ();
    guint a = table[in[0]], b = table[in[1]];
    guint c = padding >= 2 ? 0 : table[in[2]], d = padding >= 1 ? 0 : table[in[3]];
    if ((a | b | c | d) & BAD)
        return FALSE;
    if ((padding == 2 && (b & 0xf)) || (padding == 1 && (c & 0x3)))
        return FALSE;
    out[0] = (guint8)(a << 2 | b >> 4);
    if (padding < 2)
        out[1] = (guint8)(b << 4 | c >> 2);
    if (padding < 1)
        out[2] = (guint8)(c << 6 | d);
    return TRUE;
}

GBytes *
rsp_base64_decode (const char *text, gsize len)
{
    const guint8 *in = (const guint8 *)text;
    if (len % 4 != 0)
        return NULL;
    if (len == 0)
        return g_bytes_new (NULL, 0);
    gsize padding = in[len - 1] != '=' ? 0 : in[len - 2] != '=' ? 1 : 2;
    gsize size = len / 4 * 3 - padding;
    g_autofree guint8 *octets = g_malloc (size);
    const guint8 *table = decoding_table ();
    guint8 *out = octets;
    guint wrong = 0;
    for (const guint8 *last = in + len - 4; in < last; in += 4, out += 3) {
        guint a = table[in[0]], b = table[in[1]], c = table[in[2]], d = table[in[3]];
        wrong |= a | b | c | d;
        out[0] = (guint8)(a << 2 | b >> 4);
        out[1] = (guint8)(b << 4 | c >> 2);
        out[2] = (guint8)(c << 6 | d);
    }
    if ((wrong & BAD) || !decode_tail (in, out, padding))
        return NULL;
    return g_bytes_new_take (g_steal_pointer (&octets), size);
}

void
rsp_base64_append (GByteArray *out, RspSlice octets)
{
    guint at = out->len;
    g_byte_array_set_size (out, at + (guint)((octets.len + 2) / 3 * 4));
    guint8 *to = out->data + at;
    const guint8 *in = octets.data;
    gsize left = octets.len;
    for (; left >= 3; left -= 3, in += 3, to += 4) {
        to[0] = (guint8)alphabet[in[0] >> 2];
        to[1] = (guint8)alphabet[(in[0] & 3) << 4 | in[1] >> 4];
        to[2] = (guint8)alphabet[(in[1] & 15) << 2 | in[2] >> 6];
        to[3] = (guint8)alphabet[in[2] & 63];
    }
    if (left == 0)
        return;
    guint second = left == 2 ? in[1] : 0;
    to[0] = (guint8)alphabet[in[0] >> 2];
    to[1] = (guint8)alphabet[(in[0] & 3) << 4 | second >> 4];
    to[2] = left == 2 ? (guint8)alphabet[(second & 15) << 2] : '=';
    to[3] = '=';
}
