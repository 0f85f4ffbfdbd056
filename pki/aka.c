#include "pki/aka.h"

#include "pki/tuak.h"

#include <nettle/aes.h>
#include <nettle/hmac.h>
#include <string.h>

static void
sqn_octets (guint64 sqn, guint8 out[6])
{
    for (guint i = 0; i < 6; i++)
        out[i] = (guint8)(sqn >> (40 - 8 * i));
}

static void
xor_into (guint8 *out, const guint8 *other, gsize n)
{
    for (gsize i = 0; i < n; i++)
        out[i] ^= other[i];
}

/* --- Milenage --- */

static void
milenage_temp (const RspAkaParameter *p, struct aes128_ctx *aes, const guint8 rand[16],
               guint8 temp[16])
{
    aes128_set_encrypt_key (aes, p->key.data);
    memcpy (temp, rand, 16);
    xor_into (temp, p->opc.data, 16);
    aes128_encrypt (aes, 16, temp, temp);
}

/* OUT = IN rotated by BITS towards the most significant bit. */
static void
rotate (const guint8 in[16], guint bits, guint8 out[16])
{
    guint octets = bits / 8, rest = bits % 8;
    for (guint i = 0; i < 16; i++) {
        guint8 high = in[(i + octets) % 16], low = in[(i + octets + 1) % 16];
        out[i] = (guint8)(high << rest | (rest ? low >> (8 - rest) : 0));
    }
}

/* OUT1: TEMP comes in beside what is rotated. */
static void
milenage_mac (const RspAkaParameter *p, const guint8 rand[16], const guint8 sqn[6],
              const guint8 amf[2], guint8 out[16])
{
    struct aes128_ctx aes;
    guint8 temp[16], in[16];
    milenage_temp (p, &aes, rand, temp);
    for (guint i = 0; i < 16; i += 8) {
        memcpy (in + i, sqn, 6);
        memcpy (in + i + 6, amf, 2);
    }
    xor_into (in, p->opc.data, 16);
    rotate (in, p->rotation[0], out);
    xor_into (out, temp, 16);
    xor_into (out, p->xoring[0], 16);
    aes128_encrypt (&aes, 16, out, out);
    xor_into (out, p->opc.data, 16);
    rsp_wipe (&aes, sizeof aes);
    rsp_wipe (temp, sizeof temp);
    rsp_wipe (in, sizeof in);
}

/* OUT2 to OUT5. */
static void
milenage_out (const RspAkaParameter *p, const struct aes128_ctx *aes, const guint8 temp[16],
              guint which, guint8 out[16])
{
    guint8 in[16];
    memcpy (in, temp, 16);
    xor_into (in, p->opc.data, 16);
    rotate (in, p->rotation[which - 1], out);
    xor_into (out, p->xoring[which - 1], 16);
    aes128_encrypt (aes, 16, out, out);
    xor_into (out, p->opc.data, 16);
    rsp_wipe (in, sizeof in);
}

static void
milenage_answer (const RspAkaParameter *p, const guint8 rand[16], RspAkaAnswer *ret)
{
    struct aes128_ctx aes;
    guint8 temp[16], out[16];
    milenage_temp (p, &aes, rand, temp);
    milenage_out (p, &aes, temp, 2, out);
    memcpy (ret->ak, out, 6);
    memcpy (ret->res, out + 8, 8);
    milenage_out (p, &aes, temp, 3, ret->ck);
    milenage_out (p, &aes, temp, 4, ret->ik);
    milenage_out (p, &aes, temp, 5, out);
    memcpy (ret->ak_resync, out, 6);
    rsp_wipe (&aes, sizeof aes);
    rsp_wipe (temp, sizeof temp);
    rsp_wipe (out, sizeof out);
}

/* --- XOR --- */

static void
xor_answer (const RspAkaParameter *p, const guint8 rand[16], RspAkaAnswer *ret)
{
    memcpy (ret->res, p->key.data, 16);
    xor_into (ret->res, rand, 16);
    for (guint i = 0; i < 16; i++) {
        ret->ck[i] = ret->res[(i + 1) % 16];
        ret->ik[i] = ret->res[(i + 2) % 16];
    }
    memcpy (ret->ak, ret->res + 3, 6);
    memcpy (ret->ak_resync, ret->ak, 6);
}

/* --- The functions --- */

static RspTuak
tuak_of (const RspAkaParameter *p)
{
    return (RspTuak){.key = p->key, .topc = p->opc, .keccak = p->keccak};
}

void
rsp_aka_mac (const RspAkaParameter *p, const guint8 rand[16], guint64 sqn, const guint8 amf[2],
             gboolean resync, guint8 ret_mac[8])
{
    guint8 number[6], out[16];
    RspTuak tuak = tuak_of (p);
    sqn_octets (sqn, number);
    switch (p->algorithm) {
    case RSP_AKA_MILENAGE:
        milenage_mac (p, rand, number, amf, out);
        memcpy (ret_mac, resync ? out + 8 : out, 8);
        rsp_wipe (out, sizeof out);
        return;
    case RSP_AKA_TUAK:
        rsp_tuak_mac (&tuak, rand, number, amf, resync, ret_mac, 8);
        return;
    case RSP_AKA_TEST:
        memcpy (ret_mac, p->key.data, 8);
        xor_into (ret_mac, rand, 8);
        xor_into (ret_mac, number, 6);
        xor_into (ret_mac + 6, amf, 2);
        return;
    case RSP_AKA_MAPPED:
        break;
    }
    g_assert_not_reached ();
}

void
rsp_aka_answer (const RspAkaParameter *p, const guint8 rand[16], RspAkaAnswer *ret)
{
    RspTuak tuak = tuak_of (p);
    *ret = (RspAkaAnswer){0};
    switch (p->algorithm) {
    case RSP_AKA_MILENAGE:
        milenage_answer (p, rand, ret);
        return;
    case RSP_AKA_TUAK:
        rsp_tuak_answer (&tuak, rand, ret->res, p->res_size, ret->ck, 16, ret->ik, 16, ret->ak);
        rsp_tuak_resync_key (&tuak, rand, ret->ak_resync);
        return;
    case RSP_AKA_TEST:
        xor_answer (p, rand, ret);
        return;
    case RSP_AKA_MAPPED:
        break;
    }
    g_assert_not_reached ();
}

/* --- AUTN, AUTS --- */

static guint64
sqn_under (const guint8 *concealed, const guint8 ak[6])
{
    guint64 sqn = 0;
    for (guint i = 0; i < 6; i++)
        sqn = sqn << 8 | (concealed[i] ^ ak[i]);
    return sqn;
}

void
rsp_aka_autn (const RspAkaParameter *p, const guint8 rand[16], guint64 sqn, const guint8 amf[2],
              guint8 ret_autn[16])
{
    RspAkaAnswer answer;
    rsp_aka_answer (p, rand, &answer);
    sqn_octets (sqn, ret_autn);
    xor_into (ret_autn, answer.ak, 6);
    memcpy (ret_autn + 6, amf, 2);
    rsp_aka_mac (p, rand, sqn, amf, FALSE, ret_autn + 8);
    rsp_wipe (&answer, sizeof answer);
}

gboolean
rsp_aka_open_autn (const RspAkaParameter *p, const guint8 rand[16], const guint8 autn[16],
                   guint64 *ret_sqn)
{
    RspAkaAnswer answer;
    guint8 mac[8];
    rsp_aka_answer (p, rand, &answer);
    *ret_sqn = sqn_under (autn, answer.ak);
    rsp_aka_mac (p, rand, *ret_sqn, autn + 6, FALSE, mac);
    gboolean good = rsp_slice_equal_ct (RSP_SLICE (autn + 8, 8), RSP_SLICE_ARRAY (mac));
    rsp_wipe (&answer, sizeof answer);
    rsp_wipe (mac, sizeof mac);
    return good;
}

static const guint8 resync_amf[2] = {0, 0};

void
rsp_aka_auts (const RspAkaParameter *p, const guint8 rand[16], guint64 sqn_ms, guint8 ret_auts[14])
{
    RspAkaAnswer answer;
    rsp_aka_answer (p, rand, &answer);
    sqn_octets (sqn_ms, ret_auts);
    xor_into (ret_auts, answer.ak_resync, 6);
    rsp_aka_mac (p, rand, sqn_ms, resync_amf, TRUE, ret_auts + 6);
    rsp_wipe (&answer, sizeof answer);
}

gboolean
rsp_aka_open_auts (const RspAkaParameter *p, const guint8 rand[16], const guint8 auts[14],
                   guint64 *ret_sqn_ms)
{
    RspAkaAnswer answer;
    guint8 mac[8];
    rsp_aka_answer (p, rand, &answer);
    *ret_sqn_ms = sqn_under (auts, answer.ak_resync);
    rsp_aka_mac (p, rand, *ret_sqn_ms, resync_amf, TRUE, mac);
    gboolean good = rsp_slice_equal_ct (RSP_SLICE (auts + 6, 8), RSP_SLICE_ARRAY (mac));
    rsp_wipe (&answer, sizeof answer);
    rsp_wipe (mac, sizeof mac);
    return good;
}

/* --- Conversions --- */

void
rsp_aka_gsm (const RspAkaParameter *p, const RspAkaAnswer *answer, guint8 ret_sres[4],
             guint8 ret_kc[8])
{
    memset (ret_sres, 0, 4);
    for (guint i = 0; i < p->res_size; i += 4)
        xor_into (ret_sres, answer->res + i, 4);
    memcpy (ret_kc, answer->ck, 8);
    xor_into (ret_kc, answer->ck + 8, 8);
    xor_into (ret_kc, answer->ik, 8);
    xor_into (ret_kc, answer->ik + 8, 8);
}

static void
kdf_parameter (struct hmac_sha256_ctx *hmac, const void *value, gsize n)
{
    guint8 size[2] = {(guint8)(n >> 8), (guint8)n};
    hmac_sha256_update (hmac, n, value);
    hmac_sha256_update (hmac, sizeof size, size);
}

void
rsp_aka_res_star (const guint8 ck[16], const guint8 ik[16], RspSlice res, const guint8 rand[16],
                  const char *network, guint8 ret_res_star[16])
{
    static const guint8 fc = 0x6B;
    struct hmac_sha256_ctx hmac;
    guint8 key[32], out[SHA256_DIGEST_SIZE];
    memcpy (key, ck, 16);
    memcpy (key + 16, ik, 16);
    hmac_sha256_set_key (&hmac, sizeof key, key);
    hmac_sha256_update (&hmac, 1, &fc);
    kdf_parameter (&hmac, network, strlen (network));
    kdf_parameter (&hmac, rand, 16);
    kdf_parameter (&hmac, res.data, res.len);
    hmac_sha256_digest (&hmac, sizeof out, out);
    memcpy (ret_res_star, out + 16, 16);
    rsp_wipe (&hmac, sizeof hmac);
    rsp_wipe (key, sizeof key);
    rsp_wipe (out, sizeof out);
}

char *
rsp_serving_network_name (const char *plmn)
{
    return g_strdup_printf ("5G:mnc%s%s.mcc%.3s.3gppnetwork.org", strlen (plmn) == 5 ? "0" : "",
                            plmn + 3, plmn);
}
