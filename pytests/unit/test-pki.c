/* Keys, ECDSA, ECKA and hashes against published vectors and hostile input. */
#include "asn1/tlv.h"
#include "pki/hash.h"
#include "pki/key.h"

#include <string.h>

#define RFC6979_KEY "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define RFC6979_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define RFC6979_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

static RspKey *
key_of_hex (const char *hex)
{
    g_autoptr (GBytes) scalar = rsp_unhex (hex);
    g_assert_cmpuint (g_bytes_get_size (scalar), ==, 32);
    g_autoptr (GError) error = NULL;
    RspKey *key = rsp_key_from_scalar (g_bytes_get_data (scalar, NULL), &error);
    g_assert_no_error (error);
    return key;
}

static RspSlice
text_slice (const char *text)
{
    return RSP_SLICE (text, strlen (text));
}

static void
assert_hex (RspSlice have, const char *want)
{
    g_autofree char *hex = rsp_hex (have);
    g_assert_cmpstr (hex, ==, want);
}

/* RFC 6979 A.2.5. */
static void
test_rfc6979 (void)
{
    static const struct {
        const char *message, *signature;
    } cases[] = {
        {"sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                   "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
        {"test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                 "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
    };
    g_autoptr (RspKey) key = key_of_hex (RFC6979_KEY);
    g_autoptr (RspPublic) pub = rsp_public_of (key);
    assert_hex (RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE), "04" RFC6979_X RFC6979_Y);
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        guint8 signature[RSP_SIGNATURE_SIZE];
        RspSlice whole = text_slice (cases[i].message);
        rsp_key_sign (key, &whole, 1, signature);
        assert_hex (RSP_SLICE_ARRAY (signature), cases[i].signature);
        const RspSlice parts[] = {{whole.data, 2}, {NULL, 0}, {whole.data + 2, whole.len - 2}};
        g_assert_true (rsp_public_verify (pub, parts, 3, RSP_SLICE_ARRAY (signature)));
        rsp_key_sign (key, parts, 3, signature);
        assert_hex (RSP_SLICE_ARRAY (signature), cases[i].signature);
    }
}

/* SHA-256 of this counter text is above the order of P-256 only once in 2^32, so what is checked
 * here is that signing and verification agree on many hashes and short integers. */
static void
test_sign_many (void)
{
    g_autoptr (RspKey) key = key_of_hex (RFC6979_KEY);
    g_autoptr (RspPublic) pub = rsp_public_of (key);
    gboolean short_integer = FALSE;
    for (guint i = 0; i < 300; i++) {
        RspSlice message = RSP_SLICE (&i, sizeof i);
        guint8 raw[RSP_SIGNATURE_SIZE];
        rsp_key_sign (key, &message, 1, raw);
        g_autoptr (GBytes) der = rsp_key_sign_der (key, message);
        g_assert_true (rsp_public_verify (pub, &message, 1, RSP_SLICE_ARRAY (raw)));
        g_assert_true (rsp_public_verify_der (pub, message, rsp_slice_of (der)));
        g_assert_true (rsp_der_check (rsp_slice_of (der), NULL));
        short_integer |= raw[0] == 0 || raw[32] == 0;
    }
    g_assert_true (short_integer);
}

static void
test_verify_refuses (void)
{
    g_autoptr (RspKey) key = key_of_hex (RFC6979_KEY);
    g_autoptr (RspPublic) pub = rsp_public_of (key);
    RspSlice message = text_slice ("sample");
    guint8 good[RSP_SIGNATURE_SIZE], bad[RSP_SIGNATURE_SIZE];
    rsp_key_sign (key, &message, 1, good);
    for (gsize i = 0; i < sizeof good; i++) {
        memcpy (bad, good, sizeof good);
        bad[i] ^= 0x10;
        g_assert_false (rsp_public_verify (pub, &message, 1, RSP_SLICE_ARRAY (bad)));
    }
    memset (bad, 0, sizeof bad);
    g_assert_false (rsp_public_verify (pub, &message, 1, RSP_SLICE_ARRAY (bad)));
    memset (bad, 0xff, sizeof bad);
    g_assert_false (rsp_public_verify (pub, &message, 1, RSP_SLICE_ARRAY (bad)));
    for (gsize len = 0; len < sizeof good; len++)
        g_assert_false (rsp_public_verify (pub, &message, 1, RSP_SLICE (good, len)));
    RspSlice other = text_slice ("sampl");
    g_assert_false (rsp_public_verify (pub, &other, 1, RSP_SLICE_ARRAY (good)));
    g_autoptr (RspKey) stranger = key_of_hex (RFC6979_X);
    g_autoptr (RspPublic) strange = rsp_public_of (stranger);
    g_assert_false (rsp_public_verify (strange, &message, 1, RSP_SLICE_ARRAY (good)));
}

static void
test_verify_der_refuses (void)
{
    g_autoptr (RspKey) key = key_of_hex (RFC6979_KEY);
    g_autoptr (RspPublic) pub = rsp_public_of (key);
    RspSlice message = text_slice ("sample");
    g_autoptr (GBytes) der = rsp_key_sign_der (key, message);
    RspSlice good = rsp_slice_of (der);
    for (gsize len = 0; len < good.len; len++)
        g_assert_false (rsp_public_verify_der (pub, message, RSP_SLICE (good.data, len)));
    /* Two more octets, a negative integer, an integer of 34 octets, an empty one. */
    static const char *const wrong[] = {"30080201010201010500",
                                        "3006020181020101",
                                        "3005020002010100",
                                        "300402000200",
                                        "3000",
                                        "0500"};
    for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
        g_autoptr (GBytes) octets = rsp_unhex (wrong[i]);
        g_assert_false (rsp_public_verify_der (pub, message, rsp_slice_of (octets)));
    }
    g_autoptr (GByteArray) padded = g_byte_array_new ();
    g_byte_array_append (padded, good.data, (guint)good.len);
    g_byte_array_append (padded, (const guint8 *)"\0", 1);
    g_assert_false (rsp_public_verify_der (pub, message, RSP_SLICE (padded->data, padded->len)));
}

/* NIST CAVS 14.1, ECC CDH P-256, count 0. */
static void
test_ecka (void)
{
    g_autoptr (RspKey) key =
        key_of_hex ("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534");
    g_autoptr (GBytes) peer =
        rsp_unhex ("04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
                   "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac");
    guint8 shared[RSP_SHARED_SIZE];
    g_assert_true (rsp_ecka (key, rsp_slice_of (peer), shared));
    assert_hex (RSP_SLICE_ARRAY (shared),
                "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
}

static void
test_points (void)
{
    static const char *const wrong[] = {
        "",
        "00",
        "04",
        "02" RFC6979_X,
        "03" RFC6979_X,
        "06" RFC6979_X RFC6979_Y,
        "00" RFC6979_X RFC6979_Y,
        "04" RFC6979_X,
        "04" RFC6979_X RFC6979_Y "00",
        "04" RFC6979_Y RFC6979_X,
        "040000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000",
        /* x = p: the same as 0, but not below p */
        "04ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
        "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
        "04ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        /* on P-256's curve with another b: an invalid-curve attack */
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462298",
    };
    g_autoptr (RspKey) key = key_of_hex (RFC6979_KEY);
    for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
        g_autoptr (GBytes) point = rsp_unhex (wrong[i]);
        guint8 shared[RSP_SHARED_SIZE] = {0};
        g_assert_false (rsp_point_valid (rsp_slice_of (point)));
        g_assert_false (rsp_ecka (key, rsp_slice_of (point), shared));
        g_autoptr (GError) error = NULL;
        g_assert_null (rsp_public_from_point (rsp_slice_of (point), &error));
        g_assert_error (error, RSP_KEY_ERROR, RSP_KEY_ERROR_POINT);
    }
    g_autoptr (GBytes) good = rsp_unhex ("04" RFC6979_X RFC6979_Y);
    g_assert_true (rsp_point_valid (rsp_slice_of (good)));
    /* x = 0 is on the curve. */
    g_autoptr (GBytes) zero =
        rsp_unhex ("040000000000000000000000000000000000000000000000000000000000000000"
                   "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
    g_assert_true (rsp_point_valid (rsp_slice_of (zero)));
}

static void
test_scalars (void)
{
    static const char *const wrong[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
        g_autoptr (GBytes) scalar = rsp_unhex (wrong[i]);
        g_autoptr (GError) error = NULL;
        g_assert_null (rsp_key_from_scalar (g_bytes_get_data (scalar, NULL), &error));
        g_assert_error (error, RSP_KEY_ERROR, RSP_KEY_ERROR_FORMAT);
    }
    g_autoptr (RspKey) last =
        key_of_hex ("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550");
    g_assert_true (rsp_point_valid (RSP_SLICE (rsp_key_point (last), RSP_POINT_SIZE)));
}

static void
test_generate (void)
{
    g_autoptr (RspRng) rng = rsp_rng_new (7, "card", "otsk", 1);
    g_autoptr (RspRng) same = rsp_rng_new (7, "card", "otsk", 1);
    g_autoptr (RspKey) a = rsp_key_generate (rng), b = rsp_key_generate (rng);
    g_autoptr (RspKey) again = rsp_key_generate (same);
    g_assert_cmpmem (rsp_key_point (a), RSP_POINT_SIZE, rsp_key_point (again), RSP_POINT_SIZE);
    g_assert_true (memcmp (rsp_key_point (a), rsp_key_point (b), RSP_POINT_SIZE) != 0);
    guint8 ab[RSP_SHARED_SIZE], ba[RSP_SHARED_SIZE];
    g_assert_true (rsp_ecka (a, RSP_SLICE (rsp_key_point (b), RSP_POINT_SIZE), ab));
    g_assert_true (rsp_ecka (b, RSP_SLICE (rsp_key_point (a), RSP_POINT_SIZE), ba));
    g_assert_cmpmem (ab, sizeof ab, ba, sizeof ba);
}

static void
test_pem_round (void)
{
    g_autoptr (RspKey) key = key_of_hex (RFC6979_KEY);
    g_autofree char *pem = rsp_key_to_pem (key);
    g_autoptr (GError) error = NULL;
    g_autoptr (RspKey) back = rsp_key_from_pem (pem, -1, &error);
    g_assert_no_error (error);
    g_autoptr (GBytes) scalar = rsp_key_scalar (back);
    assert_hex (rsp_slice_of (scalar), RFC6979_KEY);
    g_assert_cmpmem (rsp_key_point (back), RSP_POINT_SIZE, rsp_key_point (key), RSP_POINT_SIZE);
    gsize len = strlen (pem);
    for (gsize cut = 0; cut + 2 < len; cut++) {
        RspKey *part = rsp_key_from_pem (pem, (gssize)cut, NULL);
        g_assert_null (part);
    }
}

static void
test_pem_hostile (void)
{
    g_autoptr (RspKey) key = key_of_hex (RFC6979_KEY);
    g_autofree char *pem = rsp_key_to_pem (key);
    gsize len = strlen (pem);
    for (gsize i = 0; i < len; i++) {
        g_autofree char *bent = g_strdup (pem);
        bent[i] = bent[i] == 'A' ? 'b' : 'A';
        g_autoptr (RspKey) other = rsp_key_from_pem (bent, -1, NULL);
        if (other)
            g_assert_true (rsp_point_valid (RSP_SLICE (rsp_key_point (other), RSP_POINT_SIZE)));
    }
    g_autofree char *huge = g_strnfill (100000, 'A');
    g_assert_null (rsp_key_from_pem (huge, -1, NULL));
}

static void
test_pem_sec1 (void)
{
    static const char p256[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEICXmdXco4elRE1Gc3DRVXCm67SN3OsWv3dza2YSJilLwoAoGCCqGSM49\n"
                               "AwEHoUQDQgAEEzDVklasDLUL2SjQ9MaAB8SF/j9CmIrT7jh1rjP0mDqyO03UwxNA\n"
                               "1nbdjhH5xcuhsR62lO7QmU21KSheYyyJBg==\n"
                               "-----END EC PRIVATE KEY-----\n";
    static const char brainpool[] =
        "-----BEGIN EC PARAMETERS-----\nBgkrJAMDAggBAQc=\n-----END EC PARAMETERS-----\n"
        "-----BEGIN EC PRIVATE KEY-----\n"
        "MHgCAQEEIDWGs5Vx2Xz5Y17YWnRQ4tJYmTEJQ9ossf2KHmdLa/b0oAsGCSskAwMC\n"
        "CAEBB6FEA0IABCeHtNVu2CSp5r4E4Yh/a5i6/rjHY/UoN/cBE+k2Tt2+E5vAx95+\n"
        "Fo8eXNDBhTT8UGTmT2htxTMnyn8dzqhaKZQ=\n"
        "-----END EC PRIVATE KEY-----\n";
    g_autoptr (GError) error = NULL;
    g_autoptr (RspKey) key = rsp_key_from_pem (p256, -1, &error);
    g_assert_no_error (error);
    assert_hex (RSP_SLICE (rsp_key_point (key), 8), "041330d59256ac0c");
    g_assert_null (rsp_key_from_pem (brainpool, -1, &error));
    g_assert_error (error, RSP_KEY_ERROR, RSP_KEY_ERROR_CURVE);
    g_assert_cmpstr (error->message, ==, "not supported: brainpoolP256r1");
}

static void
test_hash (void)
{
    const RspSlice parts[] = {text_slice ("a"), text_slice (""), text_slice ("bc")};
    guint8 hash[RSP_SHA256_SIZE], cc[RSP_SHA256_SIZE];
    rsp_sha256 (parts, G_N_ELEMENTS (parts), hash);
    assert_hex (RSP_SLICE_ARRAY (hash),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    rsp_hash_cc (hash, text_slice ("0123456789abcdef"), cc);
    /* sha256 (sha256 ("abc") ‖ "0123456789abcdef") */
    assert_hex (RSP_SLICE_ARRAY (cc),
                "dc9a6ab46b9247d3ca7e4b876289b1cbcb77c98dc8d7006277b66e7f919b8ed8");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/pki/rfc6979", test_rfc6979);
    g_test_add_func ("/pki/sign-many", test_sign_many);
    g_test_add_func ("/pki/verify-refuses", test_verify_refuses);
    g_test_add_func ("/pki/verify-der-refuses", test_verify_der_refuses);
    g_test_add_func ("/pki/ecka", test_ecka);
    g_test_add_func ("/pki/points", test_points);
    g_test_add_func ("/pki/scalars", test_scalars);
    g_test_add_func ("/pki/generate", test_generate);
    g_test_add_func ("/pki/pem-round", test_pem_round);
    g_test_add_func ("/pki/pem-hostile", test_pem_hostile);
    g_test_add_func ("/pki/pem-sec1", test_pem_sec1);
    g_test_add_func ("/pki/hash", test_hash);
    return g_test_run ();
}
