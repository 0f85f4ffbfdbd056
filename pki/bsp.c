#include "pki/bsp.h"

#include "asn1/tlv.h"
#include "pki/hash.h"

#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/sha2.h>
#include <string.h>

#define MAC_SIZE 8
#define TAG_MAC_ONLY 0x88
#define BLOCK AES_BLOCK_SIZE

/* AES-CMAC (RFC 4493) over nettle's CBC, whose last ciphertext block is the CMAC's state: one call
 * for all the blocks of a segment instead of one for each. */
typedef struct {
    struct aes128_ctx aes;
    guint8 last_full[BLOCK], last_padded[BLOCK]; /* K1, K2 */
} MacKey;

typedef struct {
    const MacKey *key;
    guint8 state[BLOCK], pending[BLOCK];
    gsize have;
} Mac;

struct _RspBsp {
    struct aes128_ctx encrypt, decrypt;
    MacKey mac;
    guint8 chaining[BLOCK];
    guint32 counter;
};

static void
double_block (const guint8 in[BLOCK], guint8 out[BLOCK])
{
    guint8 carry = (guint8)(-(in[0] >> 7) & 0x87);
    for (int i = 0; i < BLOCK - 1; i++)
        out[i] = (guint8)(in[i] << 1 | in[i + 1] >> 7);
    out[BLOCK - 1] = (guint8)(in[BLOCK - 1] << 1) ^ carry;
}

static void
mac_key_set (MacKey *key, const guint8 octets[16])
{
    static const guint8 zero[BLOCK];
    guint8 l[BLOCK];
    aes128_set_encrypt_key (&key->aes, octets);
    aes128_encrypt (&key->aes, BLOCK, l, zero);
    double_block (l, key->last_full);
    double_block (key->last_full, key->last_padded);
    rsp_wipe (l, sizeof l);
}

static void
mac_start (Mac *mac, const MacKey *key)
{
    mac->key = key;
    mac->have = 0;
    memset (mac->state, 0, BLOCK);
}

/* The final block, full or not, stays in pending until mac_end. */
static void
mac_add (Mac *mac, RspSlice data)
{
    guint8 scratch[32 * BLOCK];
    gsize fill = MIN (data.len, BLOCK - mac->have);
    if (data.len == 0)
        return;
    memcpy (mac->pending + mac->have, data.data, fill);
    mac->have += fill;
    data.data += fill;
    data.len -= fill;
    if (data.len == 0)
        return;
    cbc_aes128_encrypt (&mac->key->aes, mac->state, BLOCK, scratch, mac->pending);
    gsize whole = (data.len - 1) / BLOCK * BLOCK;
    for (gsize n; whole > 0; whole -= n) {
        n = MIN (whole, sizeof scratch);
        cbc_aes128_encrypt (&mac->key->aes, mac->state, n, scratch, data.data);
        data.data += n;
        data.len -= n;
    }
    memcpy (mac->pending, data.data, data.len);
    mac->have = data.len;
}

static void
mac_end (Mac *mac, guint8 out[BLOCK])
{
    const guint8 *mask = mac->key->last_full;
    if (mac->have < BLOCK) {
        mask = mac->key->last_padded;
        memset (mac->pending + mac->have, 0, BLOCK - mac->have);
        mac->pending[mac->have] = 0x80;
    }
    for (int i = 0; i < BLOCK; i++)
        mac->pending[i] ^= mask[i];
    cbc_aes128_encrypt (&mac->key->aes, mac->state, BLOCK, out, mac->pending);
}

void
rsp_aes_cmac (const guint8 key[16], const RspSlice *parts, gsize n, guint8 out[16])
{
    MacKey schedule;
    Mac mac;
    mac_key_set (&schedule, key);
    mac_start (&mac, &schedule);
    for (gsize i = 0; i < n; i++)
        mac_add (&mac, parts[i]);
    mac_end (&mac, out);
    rsp_wipe (&mac, sizeof mac);
    rsp_wipe (&schedule, sizeof schedule);
}

void
rsp_aes_cbc_encrypt (const guint8 key[16], const guint8 iv[16], gsize len, const guint8 *in,
                     guint8 *out)
{
    g_assert (len % BLOCK == 0);
    struct aes128_ctx aes;
    guint8 chain[BLOCK];
    memcpy (chain, iv, BLOCK);
    aes128_set_encrypt_key (&aes, key);
    cbc_aes128_encrypt (&aes, chain, len, out, in);
    rsp_wipe (&aes, sizeof aes);
}

void
rsp_aes_cbc_decrypt (const guint8 key[16], const guint8 iv[16], gsize len, const guint8 *in,
                     guint8 *out)
{
    g_assert (len % BLOCK == 0);
    struct aes128_ctx aes;
    guint8 chain[BLOCK];
    memcpy (chain, iv, BLOCK);
    aes128_set_decrypt_key (&aes, key);
    cbc_decrypt (&aes, (nettle_cipher_func *)aes128_decrypt, BLOCK, chain, len, out, in);
    rsp_wipe (&aes, sizeof aes);
}

void
rsp_x963_kdf (RspSlice shared, RspSlice shared_info, guint8 *out, gsize len)
{
    for (guint32 counter = 1; len > 0; counter++) {
        const guint8 octets[4] = {(guint8)(counter >> 24), (guint8)(counter >> 16),
                                  (guint8)(counter >> 8), (guint8)counter};
        const RspSlice parts[] = {shared, RSP_SLICE_ARRAY (octets), shared_info};
        guint8 hash[RSP_SHA256_SIZE];
        gsize n = MIN (len, sizeof hash);
        rsp_sha256 (parts, G_N_ELEMENTS (parts), hash);
        memcpy (out, hash, n);
        rsp_wipe (hash, sizeof hash);
        out += n;
        len -= n;
    }
}

void
rsp_bsp_derive (const guint8 shared[32], guint8 key_type, guint8 key_length, RspSlice host_id,
                const guint8 eid[16], RspBspKeys *ret_keys)
{
    guint8 info[3 + 255 + 1 + 16], octets[3 * BLOCK];
    g_assert (host_id.len <= 255);
    info[0] = key_type;
    info[1] = key_length;
    info[2] = (guint8)host_id.len;
    if (host_id.len > 0)
        memcpy (info + 3, host_id.data, host_id.len);
    info[3 + host_id.len] = 16;
    memcpy (info + 4 + host_id.len, eid, 16);
    rsp_x963_kdf (RSP_SLICE (shared, 32), RSP_SLICE (info, 20 + host_id.len), octets,
                  sizeof octets);
    memcpy (ret_keys->chaining, octets, BLOCK);
    memcpy (ret_keys->s_enc, octets + BLOCK, BLOCK);
    memcpy (ret_keys->s_mac, octets + 2 * BLOCK, BLOCK);
    rsp_wipe (octets, sizeof octets);
}

RspBsp *
rsp_bsp_new (const RspBspKeys *keys)
{
    RspBsp *bsp = g_new (RspBsp, 1);
    rsp_bsp_replace (bsp, keys);
    return bsp;
}

void
rsp_bsp_free (RspBsp *bsp)
{
    if (!bsp)
        return;
    rsp_wipe (bsp, sizeof *bsp);
    g_free (bsp);
}

void
rsp_bsp_replace (RspBsp *bsp, const RspBspKeys *keys)
{
    aes128_set_encrypt_key (&bsp->encrypt, keys->s_enc);
    aes128_invert_key (&bsp->decrypt, &bsp->encrypt);
    mac_key_set (&bsp->mac, keys->s_mac);
    memcpy (bsp->chaining, keys->chaining, BLOCK);
    bsp->counter = 1;
}

static void
initial_vector (const RspBsp *bsp, guint8 iv[BLOCK])
{
    const guint8 counter[BLOCK] = {[12] = (guint8)(bsp->counter >> 24),
                                   [13] = (guint8)(bsp->counter >> 16),
                                   [14] = (guint8)(bsp->counter >> 8),
                                   [15] = (guint8)bsp->counter};
    aes128_encrypt (&bsp->encrypt, BLOCK, iv, counter);
}

/* HEAD_AND_DATA: the segment without its MAC, as it travels. */
static void
segment_mac (const RspBsp *bsp, RspSlice head_and_data, guint8 out[BLOCK])
{
    Mac mac;
    mac_start (&mac, &bsp->mac);
    mac_add (&mac, RSP_SLICE_ARRAY (bsp->chaining));
    mac_add (&mac, head_and_data);
    mac_end (&mac, out);
}

static void
segment_done (RspBsp *bsp, const guint8 chaining[BLOCK])
{
    memcpy (bsp->chaining, chaining, BLOCK);
    bsp->counter++;
}

/* Enciphers PLAIN to OUT, which has room for the padding. */
static void
encrypt_padded (const RspBsp *bsp, RspSlice plain, guint8 *out)
{
    guint8 iv[BLOCK], last[BLOCK] = {0};
    gsize whole = plain.len / BLOCK * BLOCK;
    initial_vector (bsp, iv);
    if (whole > 0)
        cbc_aes128_encrypt (&bsp->encrypt, iv, whole, out, plain.data);
    if (plain.len > whole)
        memcpy (last, plain.data + whole, plain.len - whole);
    last[plain.len - whole] = 0x80;
    cbc_aes128_encrypt (&bsp->encrypt, iv, BLOCK, out + whole, last);
    rsp_wipe (last, sizeof last);
}

void
rsp_bsp_protect (RspBsp *bsp, guint8 tag, RspSlice plain, GByteArray *out)
{
    gboolean encrypted = tag != TAG_MAC_ONLY;
    g_assert (plain.len <= (encrypted ? RSP_BSP_MAX_PLAIN_ENC : RSP_BSP_MAX_PLAIN_MAC));
    gsize data = encrypted ? (plain.len / BLOCK + 1) * BLOCK : plain.len;
    gsize start = out->len;
    guint8 chaining[BLOCK];

    rsp_tlv_head (out, tag, data + MAC_SIZE);
    gsize head = out->len - start;
    g_byte_array_set_size (out, (guint)(out->len + data + MAC_SIZE));
    guint8 *segment = out->data + start;
    if (encrypted)
        encrypt_padded (bsp, plain, segment + head);
    else if (data > 0)
        memcpy (segment + head, plain.data, data);
    segment_mac (bsp, RSP_SLICE (segment, head + data), chaining);
    memcpy (segment + head + data, chaining, MAC_SIZE);
    segment_done (bsp, chaining);
}

/* The clear text without its padding; FALSE if the last block is not 80 00… at its end. */
static gboolean
padding_length (const guint8 *plain, gsize len, gsize *ret_len)
{
    gsize at = len - 1;
    while (at > len - BLOCK && plain[at] == 0)
        at--;
    *ret_len = at;
    return plain[at] == 0x80;
}

static gboolean
decrypt_padded (const RspBsp *bsp, RspSlice data, GByteArray *out)
{
    guint8 iv[BLOCK];
    gsize start = out->len, plain;
    initial_vector (bsp, iv);
    g_byte_array_set_size (out, (guint)(start + data.len));
    cbc_decrypt (&bsp->decrypt, (nettle_cipher_func *)aes128_decrypt, BLOCK, iv, data.len,
                 out->data + start, data.data);
    gboolean good = padding_length (out->data + start, data.len, &plain);
    g_byte_array_set_size (out, (guint)(good ? start + plain : start));
    return good;
}

RspBspResult
rsp_bsp_open (RspBsp *bsp, guint8 tag, RspSlice segment, GByteArray *out)
{
    gboolean encrypted = tag != TAG_MAC_ONLY;
    RspTlv tlv;
    if (segment.len > RSP_BSP_MAX_SEGMENT || !rsp_tlv_single (segment, tag, &tlv) ||
        tlv.value.len < MAC_SIZE)
        return RSP_BSP_STRUCTURE;
    RspSlice data = {tlv.value.data, tlv.value.len - MAC_SIZE};
    if (encrypted && (data.len == 0 || data.len % BLOCK != 0))
        return RSP_BSP_STRUCTURE;

    guint8 chaining[BLOCK];
    segment_mac (bsp, RSP_SLICE (segment.data, segment.len - MAC_SIZE), chaining);
    if (!rsp_slice_equal_ct (RSP_SLICE (chaining, MAC_SIZE),
                             RSP_SLICE (data.data + data.len, MAC_SIZE)))
        return RSP_BSP_SECURITY;
    if (!encrypted)
        g_byte_array_append (out, data.data, (guint)data.len);
    else if (!decrypt_padded (bsp, data, out))
        return RSP_BSP_SECURITY;
    segment_done (bsp, chaining);
    return RSP_BSP_OK;
}
