#include "asn1/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define BAD 0xff000000u

/* Each character's six bits where they stand in the group of four, or BAD. */
typedef struct {
    guint32 place[4][256];
} Table;

static const Table *
decoding_table (void)
{
    static Table table;
    static gboolean made;
    if (!made) {
        memset (&table, 0xff, sizeof table);
        for (guint32 i = 0; i < 64; i++)
            for (guint p = 0; p < 4; p++)
                table.place[p][(guint8)alphabet[i]] = i << (18 - 6 * p);
        made = TRUE;
    }
    return &table;
}

static guint32
group (const Table *t, const guint8 *in)
{
    return t->place[0][in[0]] | t->place[1][in[1]] | t->place[2][in[2]] | t->place[3][in[3]];
}

/* The last group: one to three octets. */
static gboolean
decode_tail (const guint8 *in, guint8 *out, gsize padding)
{
    guint8 full[4] = {in[0], in[1], padding >= 2 ? 'A' : in[2], padding >= 1 ? 'A' : in[3]};
    guint32 bits = group (decoding_table (), full);
    if ((bits & BAD) || (padding == 2 && (bits & 0xffff)) || (padding == 1 && (bits & 0xff)))
        return FALSE;
    out[0] = (guint8)(bits >> 16);
    if (padding < 2)
        out[1] = (guint8)(bits >> 8);
    if (padding < 1)
        out[2] = (guint8)bits;
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
    const Table *table = decoding_table ();
    guint8 *out = octets;
    guint32 wrong = 0;
    for (const guint8 *last = in + len - 4; in < last; in += 4, out += 3) {
        guint32 bits = group (table, in);
        wrong |= bits;
        out[0] = (guint8)(bits >> 16);
        out[1] = (guint8)(bits >> 8);
        out[2] = (guint8)bits;
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
