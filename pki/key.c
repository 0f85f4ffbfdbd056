#include "pki/key-private.h"

#include "asn1/tlv.h"
#include "pki/hash.h"

#include <nettle/dsa.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/hmac.h>
#include <nettle/bignum.h>
#include <string.h>

struct _RspPublic {
    gint refs;
    struct ecc_point point;
    guint8 octets[RSP_POINT_SIZE];
};

G_DEFINE_QUARK (rsp_key_error, rsp_key_error)

static const guint8 p256_order[RSP_SCALAR_SIZE] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* A TLS handshake may check a certificate on a thread of its own. */
static RspKeyCounts counts;

static void
count (guint64 *counter)
{
    __atomic_fetch_add (counter, 1, __ATOMIC_RELAXED);
}

RspKeyCounts
rsp_key_counts (void)
{
    return (RspKeyCounts){__atomic_load_n (&counts.signatures, __ATOMIC_RELAXED),
                          __atomic_load_n (&counts.verifications, __ATOMIC_RELAXED),
                          __atomic_load_n (&counts.generations, __ATOMIC_RELAXED),
                          __atomic_load_n (&counts.agreements, __ATOMIC_RELAXED)};
}

static void
wipe_mpz (mpz_t z)
{
    gsize limbs = (gsize)z->_mp_alloc;
    rsp_wipe (mpz_limbs_modify (z, (mp_size_t)limbs), limbs * sizeof (mp_limb_t));
    mpz_limbs_finish (z, 0);
    mpz_clear (z);
}

static void
wipe_scalar (struct ecc_scalar *scalar)
{
    rsp_wipe (scalar->p, (gsize)ecc_size (scalar->ecc) * sizeof (mp_limb_t));
    ecc_scalar_clear (scalar);
}

static void
point_octets (const struct ecc_point *point, guint8 out[RSP_POINT_SIZE])
{
    mpz_t x, y;
    mpz_init (x);
    mpz_init (y);
    ecc_point_get (point, x, y);
    out[0] = 0x04;
    nettle_mpz_get_str_256 (32, out + 1, x);
    nettle_mpz_get_str_256 (32, out + 33, y);
    mpz_clear (x);
    mpz_clear (y);
}

/* ecc_point_set proves that the coordinates are below p and satisfy the curve's equation; the
 * point at infinity has no uncompressed form, so it cannot get this far. */
static gboolean
point_load (RspSlice octets, struct ecc_point *ret_point)
{
    if (octets.len != RSP_POINT_SIZE || octets.data[0] != 0x04)
        return FALSE;
    mpz_t x, y;
    nettle_mpz_init_set_str_256_u (x, 32, octets.data + 1);
    nettle_mpz_init_set_str_256_u (y, 32, octets.data + 33);
    ecc_point_init (ret_point, nettle_get_secp_256r1 ());
    gboolean good = ecc_point_set (ret_point, x, y) == 1;
    if (!good)
        ecc_point_clear (ret_point);
    mpz_clear (x);
    mpz_clear (y);
    return good;
}

static RspKey *
key_from_octets (const guint8 octets[RSP_SCALAR_SIZE])
{
    mpz_t z;
    nettle_mpz_init_set_str_256_u (z, RSP_SCALAR_SIZE, octets);
    RspKey *key = g_new0 (RspKey, 1);
    ecc_scalar_init (&key->scalar, nettle_get_secp_256r1 ());
    gboolean good = ecc_scalar_set (&key->scalar, z) == 1;
    wipe_mpz (z);
    if (!good) {
        rsp_key_free (key);
        return NULL;
    }
    memcpy (key->octets, octets, RSP_SCALAR_SIZE);
    struct ecc_point point;
    ecc_point_init (&point, nettle_get_secp_256r1 ());
    ecc_point_mul_g (&point, &key->scalar);
    point_octets (&point, key->point);
    ecc_point_clear (&point);
    return key;
}

RspKey *
rsp_key_generate (RspRng *rng)
{
    count (&counts.generations);
    guint8 octets[RSP_SCALAR_SIZE];
    RspKey *key;
    do {
        rsp_rng_fill (rng, octets, sizeof octets);
        key = key_from_octets (octets);
    } while (!key); /* 0 or not below the order: once in 2^32 */
    rsp_wipe (octets, sizeof octets);
    return key;
}

RspKey *
rsp_key_from_scalar (const guint8 scalar[32], GError **error)
{
    RspKey *key = key_from_octets (scalar);
    if (!key)
        g_set_error (error, RSP_KEY_ERROR, RSP_KEY_ERROR_FORMAT,
                     "private key is not between 1 and the order of P-256");
    return key;
}

GBytes *
rsp_key_scalar (const RspKey *key)
{
    return rsp_secret_bytes (key->octets, sizeof key->octets);
}

void
rsp_key_free (RspKey *key)
{
    if (!key)
        return;
    wipe_scalar (&key->scalar);
    rsp_wipe (key, sizeof *key);
    g_free (key);
}

const guint8 *
rsp_key_point (const RspKey *key)
{
    return key->point;
}

/* The generator of RFC 6979 3.2, in the shape of a random source: what nettle draws from it is the
 * row of candidates k. */
typedef struct {
    guint8 k[RSP_SHA256_SIZE], v[RSP_SHA256_SIZE];
    struct hmac_sha256_ctx hmac; /* keyed with k */
    gboolean drawn;
} Nonce;

static void
nonce_value (Nonce *nonce)
{
    hmac_sha256_update (&nonce->hmac, sizeof nonce->v, nonce->v);
    hmac_sha256_digest (&nonce->hmac, sizeof nonce->v, nonce->v);
}

/* K = HMAC (K, V ‖ MARK ‖ SEED), V = HMAC (K, V). */
static void
nonce_update (Nonce *nonce, guint8 mark, const guint8 *seed, gsize len)
{
    hmac_sha256_update (&nonce->hmac, sizeof nonce->v, nonce->v);
    hmac_sha256_update (&nonce->hmac, 1, &mark);
    hmac_sha256_update (&nonce->hmac, len, seed);
    hmac_sha256_digest (&nonce->hmac, sizeof nonce->k, nonce->k);
    hmac_sha256_set_key (&nonce->hmac, sizeof nonce->k, nonce->k);
    nonce_value (nonce);
}

static void
nonce_draw (void *data, size_t len, uint8_t *out)
{
    Nonce *nonce = data;
    g_assert (len == sizeof nonce->v);
    if (nonce->drawn)
        nonce_update (nonce, 0x00, (const guint8 *)"", 0);
    nonce_value (nonce);
    memcpy (out, nonce->v, len);
    nonce->drawn = TRUE;
}

/* The hash as an integer modulo the order. One subtraction is enough; the hash is no secret. */
static void
reduce_hash (const guint8 hash[RSP_SHA256_SIZE], guint8 out[RSP_SHA256_SIZE])
{
    memcpy (out, hash, RSP_SHA256_SIZE);
    if (memcmp (hash, p256_order, RSP_SHA256_SIZE) < 0)
        return;
    int borrow = 0;
    for (int i = RSP_SHA256_SIZE - 1; i >= 0; i--) {
        int d = hash[i] - p256_order[i] - borrow;
        borrow = d < 0;
        out[i] = (guint8)d;
    }
}

static void
nonce_init (Nonce *nonce, const RspKey *key, const guint8 hash[RSP_SHA256_SIZE])
{
    guint8 seed[2 * RSP_SHA256_SIZE];
    memcpy (seed, key->octets, RSP_SCALAR_SIZE);
    reduce_hash (hash, seed + RSP_SCALAR_SIZE);
    memset (nonce->k, 0x00, sizeof nonce->k);
    memset (nonce->v, 0x01, sizeof nonce->v);
    nonce->drawn = FALSE;
    hmac_sha256_set_key (&nonce->hmac, sizeof nonce->k, nonce->k);
    nonce_update (nonce, 0x00, seed, sizeof seed);
    nonce_update (nonce, 0x01, seed, sizeof seed);
    rsp_wipe (seed, sizeof seed);
}

void
rsp_key_sign (const RspKey *key, const RspSlice *parts, gsize n,
              guint8 ret_signature[RSP_SIGNATURE_SIZE])
{
    count (&counts.signatures);
    guint8 hash[RSP_SHA256_SIZE];
    rsp_sha256 (parts, n, hash);
    Nonce nonce;
    nonce_init (&nonce, key, hash);
    struct dsa_signature signature;
    dsa_signature_init (&signature);
    ecdsa_sign (&key->scalar, &nonce, nonce_draw, sizeof hash, hash, &signature);
    nettle_mpz_get_str_256 (32, ret_signature, signature.r);
    nettle_mpz_get_str_256 (32, ret_signature + 32, signature.s);
    dsa_signature_clear (&signature);
    rsp_wipe (&nonce, sizeof nonce);
}

/* A positive INTEGER of 32 octets, without the zeros that DER does not write. */
static void
put_integer (GByteArray *out, const guint8 octets[32])
{
    gsize skip = 0;
    while (skip < 31 && octets[skip] == 0)
        skip++;
    gboolean pad = octets[skip] >= 0x80;
    rsp_tlv_head (out, 0x02, 32 - skip + pad);
    if (pad)
        g_byte_array_append (out, (const guint8 *)"", 1);
    g_byte_array_append (out, octets + skip, (guint)(32 - skip));
}

GBytes *
rsp_key_sign_der (const RspKey *key, RspSlice tbs)
{
    guint8 raw[RSP_SIGNATURE_SIZE];
    rsp_key_sign (key, &tbs, 1, raw);
    GByteArray *out = g_byte_array_sized_new (72);
    gsize mark = rsp_tlv_open (out, 0x30);
    put_integer (out, raw);
    put_integer (out, raw + 32);
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

RspPublic *
rsp_public_from_point (RspSlice point, GError **error)
{
    struct ecc_point loaded;
    if (!point_load (point, &loaded)) {
        g_set_error (error, RSP_KEY_ERROR, RSP_KEY_ERROR_POINT, "not a point of P-256");
        return NULL;
    }
    RspPublic *pub = g_new (RspPublic, 1);
    pub->refs = 1;
    pub->point = loaded;
    memcpy (pub->octets, point.data, RSP_POINT_SIZE);
    return pub;
}

RspPublic *
rsp_public_of (const RspKey *key)
{
    return rsp_public_from_point (RSP_SLICE_ARRAY (key->point), NULL);
}

RspPublic *
rsp_public_ref (RspPublic *pub)
{
    pub->refs++;
    return pub;
}

void
rsp_public_unref (RspPublic *pub)
{
    if (!pub || --pub->refs > 0)
        return;
    ecc_point_clear (&pub->point);
    g_free (pub);
}

RspSlice
rsp_public_point (const RspPublic *pub)
{
    return RSP_SLICE_ARRAY (pub->octets);
}

gboolean
rsp_public_verify (const RspPublic *pub, const RspSlice *parts, gsize n, RspSlice signature)
{
    if (signature.len != RSP_SIGNATURE_SIZE)
        return FALSE;
    count (&counts.verifications);
    guint8 hash[RSP_SHA256_SIZE];
    rsp_sha256 (parts, n, hash);
    struct dsa_signature loaded;
    nettle_mpz_init_set_str_256_u (loaded.r, 32, signature.data);
    nettle_mpz_init_set_str_256_u (loaded.s, 32, signature.data + 32);
    gboolean good = ecdsa_verify (&pub->point, sizeof hash, hash, &loaded) == 1;
    dsa_signature_clear (&loaded);
    return good;
}

/* Takes one INTEGER of a signature: positive, minimal, at most 256 bits. */
static gboolean
take_integer (RspSlice *input, guint8 out[32])
{
    RspTlv tlv;
    if (rsp_tlv_next (input, &tlv) != RSP_TLV_OK || tlv.tag != 0x02 || tlv.value.len == 0)
        return FALSE;
    RspSlice v = tlv.value;
    if (v.data[0] >= 0x80 || (v.len > 1 && v.data[0] == 0 && v.data[1] < 0x80))
        return FALSE;
    if (v.data[0] == 0) {
        v.data++;
        v.len--;
    }
    if (v.len > 32)
        return FALSE;
    memset (out, 0, 32 - v.len);
    memcpy (out + 32 - v.len, v.data, v.len);
    return TRUE;
}

gboolean
rsp_public_verify_der (const RspPublic *pub, RspSlice tbs, RspSlice der_signature)
{
    RspTlv sequence;
    if (!rsp_tlv_single (der_signature, 0x30, &sequence))
        return FALSE;
    guint8 raw[RSP_SIGNATURE_SIZE];
    RspSlice rest = sequence.value;
    if (!take_integer (&rest, raw) || !take_integer (&rest, raw + 32) || rest.len != 0)
        return FALSE;
    return rsp_public_verify (pub, &tbs, 1, RSP_SLICE_ARRAY (raw));
}

gboolean
rsp_point_valid (RspSlice point)
{
    struct ecc_point loaded;
    if (!point_load (point, &loaded))
        return FALSE;
    ecc_point_clear (&loaded);
    return TRUE;
}

gboolean
rsp_ecka (const RspKey *key, RspSlice point, guint8 ret_shared[RSP_SHARED_SIZE])
{
    struct ecc_point peer, product;
    if (!point_load (point, &peer))
        return FALSE;
    count (&counts.agreements);
    ecc_point_init (&product, nettle_get_secp_256r1 ());
    ecc_point_mul (&product, &key->scalar, &peer);
    mpz_t x, y;
    mpz_init2 (x, 256);
    mpz_init2 (y, 256);
    ecc_point_get (&product, x, y);
    nettle_mpz_get_str_256 (RSP_SHARED_SIZE, ret_shared, x);
    wipe_mpz (x);
    wipe_mpz (y);
    rsp_wipe (product.p, (gsize)ecc_size_a (product.ecc) * sizeof (mp_limb_t));
    ecc_point_clear (&product);
    ecc_point_clear (&peer);
    return TRUE;
}
