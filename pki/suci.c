#include "pki/suci.h"

#include "asn1/tlv.h"
#include "pki/bsp.h"
#include "pki/key.h"
#include "pki/point.h"

#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/curve25519.h>
#include <nettle/hmac.h>
#include <string.h>

#define MAC_SIZE 8

/* --- Key agreement --- */

static gsize
public_size (RspSuciScheme scheme)
{
    return scheme == RSP_SUCI_A ? CURVE25519_SIZE : RSP_COMPRESSED_SIZE;
}

gboolean
rsp_suci_public (RspSuciScheme scheme, const guint8 private[32], GByteArray *out)
{
    guint8 point[RSP_COMPRESSED_SIZE];
    if (scheme == RSP_SUCI_A) {
        curve25519_mul_g (point, private);
    } else {
        g_autoptr (RspKey) key = rsp_key_from_scalar (private, NULL);
        if (scheme != RSP_SUCI_B || !key)
            return FALSE;
        rsp_point_compress (rsp_key_point (key), point);
    }
    g_byte_array_append (out, point, (guint)public_size (scheme));
    return TRUE;
}

static gboolean
agree (RspSuciScheme scheme, const guint8 private[32], RspSlice public, guint8 shared[32])
{
    guint8 point[RSP_POINT_SIZE];
    if (public.len != public_size (scheme))
        return FALSE;
    if (scheme == RSP_SUCI_A) {
        static const guint8 zero[32];
        curve25519_mul (shared, private, public.data);
        /* A public key of small order agrees on nothing (RFC 7748 6.1). */
        return !rsp_slice_equal_ct (RSP_SLICE (shared, 32), RSP_SLICE_ARRAY (zero));
    }
    g_autoptr (RspKey) key = rsp_key_from_scalar (private, NULL);
    return key && rsp_point_decompress (public, point) &&
           rsp_ecka (key, RSP_SLICE_ARRAY (point), shared);
}

/* --- ECIES, TS 33.501 C.3 --- */

typedef struct {
    guint8 key[16], counter[16], mac_key[32];
} Keys;

static void
derive (const guint8 shared[32], RspSlice ephemeral_public, Keys *ret)
{
    guint8 out[64];
    rsp_x963_kdf (RSP_SLICE (shared, 32), ephemeral_public, out, sizeof out);
    memcpy (ret->key, out, 16);
    memcpy (ret->counter, out + 16, 16);
    memcpy (ret->mac_key, out + 32, 32);
    rsp_wipe (out, sizeof out);
}

static void
apply_counter (Keys *keys, RspSlice in, guint8 *out)
{
    struct aes128_ctx aes;
    aes128_set_encrypt_key (&aes, keys->key);
    ctr_crypt (&aes, (nettle_cipher_func *)aes128_encrypt, sizeof keys->counter, keys->counter,
               in.len, out, in.data);
    rsp_wipe (&aes, sizeof aes);
}

static void
seal (const Keys *keys, RspSlice ciphertext, guint8 mac[MAC_SIZE])
{
    struct hmac_sha256_ctx hmac;
    hmac_sha256_set_key (&hmac, sizeof keys->mac_key, keys->mac_key);
    hmac_sha256_update (&hmac, ciphertext.len, ciphertext.data);
    hmac_sha256_digest (&hmac, MAC_SIZE, mac);
    rsp_wipe (&hmac, sizeof hmac);
}

gboolean
rsp_suci_conceal (RspSuciScheme scheme, RspSlice home_public, const guint8 ephemeral[32],
                  RspSlice msin, GByteArray *out)
{
    guint8 shared[32], mac[MAC_SIZE];
    Keys keys;
    gsize size = public_size (scheme);
    if (scheme == RSP_SUCI_NULL) {
        g_byte_array_append (out, msin.data, (guint)msin.len);
        return TRUE;
    }
    gsize begin = out->len;
    if (!agree (scheme, ephemeral, home_public, shared) ||
        !rsp_suci_public (scheme, ephemeral, out)) {
        rsp_wipe (shared, sizeof shared);
        return FALSE;
    }
    derive (shared, RSP_SLICE (out->data + begin, size), &keys);
    g_byte_array_set_size (out, (guint)(begin + size + msin.len));
    apply_counter (&keys, msin, out->data + begin + size);
    seal (&keys, RSP_SLICE (out->data + begin + size, msin.len), mac);
    g_byte_array_append (out, mac, sizeof mac);
    rsp_wipe (shared, sizeof shared);
    rsp_wipe (&keys, sizeof keys);
    return TRUE;
}

gboolean
rsp_suci_reveal (RspSuciScheme scheme, const guint8 private[32], RspSlice output, GByteArray *msin)
{
    guint8 shared[32], mac[MAC_SIZE];
    Keys keys;
    gsize size = public_size (scheme), begin = msin->len;
    if (scheme == RSP_SUCI_NULL) {
        g_byte_array_append (msin, output.data, (guint)output.len);
        return TRUE;
    }
    if (output.len < size + MAC_SIZE)
        return FALSE;
    RspSlice public = RSP_SLICE (output.data, size);
    RspSlice ciphertext = RSP_SLICE (output.data + size, output.len - size - MAC_SIZE);
    if (!agree (scheme, private, public, shared)) {
        rsp_wipe (shared, sizeof shared);
        return FALSE;
    }
    derive (shared, public, &keys);
    seal (&keys, ciphertext, mac);
    gboolean good = rsp_slice_equal_ct (RSP_SLICE_ARRAY (mac),
                                        RSP_SLICE (output.data + output.len - MAC_SIZE, MAC_SIZE));
    if (good) {
        g_byte_array_set_size (msin, (guint)(begin + ciphertext.len));
        apply_counter (&keys, ciphertext, msin->data + begin);
    }
    rsp_wipe (shared, sizeof shared);
    rsp_wipe (&keys, sizeof keys);
    rsp_wipe (mac, sizeof mac);
    return good;
}

/* --- Digits --- */

void
rsp_bcd_put (const char *digits, GByteArray *out)
{
    for (gsize i = 0; digits[i]; i += 2) {
        guint high = digits[i + 1] ? (guint)(digits[i + 1] - '0') : 0xF;
        guint8 octet = (guint8)(high << 4 | (guint)(digits[i] - '0'));
        g_byte_array_append (out, &octet, 1);
        if (!digits[i + 1])
            return;
    }
}

gboolean
rsp_bcd_append (RspSlice msin, char *out, gsize room)
{
    gsize n = strlen (out);
    for (gsize i = 0; i < 2 * msin.len; i++) {
        guint digit = i % 2 ? msin.data[i / 2] >> 4 : msin.data[i / 2] & 15;
        if (digit == 0xF && i == 2 * msin.len - 1)
            break;
        if (digit > 9 || n + 1 >= room)
            return FALSE;
        out[n++] = (char)('0' + digit);
    }
    out[n] = 0;
    return msin.len > 0;
}

gboolean
rsp_plmn_octets (const char *digits, guint8 out[3])
{
    gsize n = strlen (digits);
    if ((n != 5 && n != 6) || strspn (digits, "0123456789") != n)
        return FALSE;
    guint third = n == 6 ? (guint)(digits[5] - '0') : 0xF;
    out[0] = (guint8)((digits[1] - '0') << 4 | (digits[0] - '0'));
    out[1] = (guint8)(third << 4 | (guint)(digits[2] - '0'));
    out[2] = (guint8)((digits[4] - '0') << 4 | (digits[3] - '0'));
    return TRUE;
}

/* --- The identity --- */

typedef struct {
    RspSuciScheme scheme;
    guint8 key_id;
    RspSlice key;
} Choice;

/* LIST: keys one after another, each its identifier (80) and itself (81); the N-th of them. */
static gboolean
find_key (RspSlice list, guint n, Choice *choice)
{
    RspTlv id, key;
    for (guint i = 1; rsp_tlv_next (&list, &id) == RSP_TLV_OK; i++) {
        if (id.tag != 0x80 || id.value.len != 1 || rsp_tlv_next (&list, &key) != RSP_TLV_OK ||
            key.tag != 0x81)
            return FALSE;
        if (i == n) {
            choice->key_id = id.value.data[0];
            choice->key = key.value;
            return TRUE;
        }
    }
    return FALSE;
}

/* The N-th scheme of EF.SUCI_Calc_Info (TS 31.102 4.4.11.8), with its key. */
static gboolean
choose (RspSlice calc_info, guint n, Choice *choice)
{
    RspTlv order, keys;
    if (rsp_tlv_next (&calc_info, &order) != RSP_TLV_OK || order.tag != 0xA0)
        return FALSE;
    if (rsp_tlv_next (&calc_info, &keys) != RSP_TLV_OK || keys.tag != 0xA1)
        keys.value = RSP_SLICE (NULL, 0);
    if (2 * (gsize)n + 2 > order.value.len)
        return FALSE;
    guint8 scheme = order.value.data[2 * n], index = order.value.data[2 * n + 1];
    *choice = (Choice){.scheme = (RspSuciScheme)scheme};
    return scheme == RSP_SUCI_NULL ||
           (scheme <= RSP_SUCI_B && find_key (keys.value, index, choice));
}

static void
put_head (const RspSuciSource *source, const Choice *choice, GByteArray *out)
{
    guint8 head[8] = {0x01, 0, 0, 0, 0xF0, 0xFF, (guint8)choice->scheme, choice->key_id};
    g_autofree char *plmn = g_strndup (source->imsi, 3 + source->mnc_size);
    rsp_plmn_octets (plmn, head + 1);
    if (source->routing.len >= 2 && (source->routing.data[0] & 15) <= 9)
        memcpy (head + 4, source->routing.data, 2);
    g_byte_array_append (out, head, sizeof head);
}

static gboolean
conceal (const Choice *choice, RspSlice msin, RspRng *rng, GByteArray *out)
{
    guint8 ephemeral[32];
    /* All but a few of the numbers are private keys. */
    for (guint i = 0; i < 4; i++) {
        if (choice->scheme != RSP_SUCI_NULL)
            rsp_rng_fill (rng, ephemeral, sizeof ephemeral);
        gboolean good = rsp_suci_conceal (choice->scheme, choice->key, ephemeral, msin, out);
        rsp_wipe (ephemeral, sizeof ephemeral);
        if (good)
            return TRUE;
    }
    return FALSE;
}

void
rsp_suci_make (const RspSuciSource *source, RspRng *rng, GByteArray *out)
{
    static const Choice plain = {.scheme = RSP_SUCI_NULL};
    g_autoptr (GByteArray) msin = g_byte_array_new (), scheme_output = g_byte_array_new ();
    Choice choice;
    rsp_bcd_put (source->imsi + 3 + source->mnc_size, msin);
    RspSlice s = RSP_SLICE (msin->data, msin->len);
    for (guint i = 0; i < 16; i++)
        if (choose (source->calc_info, i, &choice) && conceal (&choice, s, rng, scheme_output)) {
            put_head (source, &choice, out);
            g_byte_array_append (out, scheme_output->data, scheme_output->len);
            return;
        }
    put_head (source, &plain, out);
    g_byte_array_append (out, s.data, (guint)s.len);
}

gboolean
rsp_suci_read (RspSlice identity, RspSuci *ret)
{
    const guint8 *d = identity.data;
    if (identity.len < 9 || d[0] != 0x01)
        return FALSE;
    const guint digits[6] = {d[1] & 15, d[1] >> 4, d[2] & 15, d[3] & 15, d[3] >> 4, d[2] >> 4};
    guint n = digits[5] == 0xF ? 5 : 6;
    for (guint i = 0; i < n; i++) {
        if (digits[i] > 9)
            return FALSE;
        ret->plmn[i] = (char)('0' + digits[i]);
    }
    ret->plmn[n] = 0;
    ret->scheme = d[6] & 15;
    ret->key_id = d[7];
    ret->output = RSP_SLICE (d + 8, identity.len - 8);
    return TRUE;
}
