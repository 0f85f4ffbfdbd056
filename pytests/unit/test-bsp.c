/* Profile protection against published vectors, a third vendor's trace and a recorded session. */
#include "asn1/tlv.h"
#include "pki/bsp.h"
#include "pki/cert.h"
#include "pki/hash.h"

#include <string.h>

#define AES_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define AES_TEXT                                                                                   \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                             \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define EID "89049032123451234512345678901235"

static void
assert_hex (RspSlice have, const char *want)
{
    g_autofree char *hex = rsp_hex (have);
    g_assert_cmpstr (hex, ==, want);
}

static const guint8 *
octets (GBytes *bytes)
{
    return g_bytes_get_data (bytes, NULL);
}

/* RFC 4493 4. */
static void
test_cmac (void)
{
    static const struct {
        gsize len;
        const char *mac;
    } cases[] = {
        {0, "bb1d6929e95937287fa37d129b756746"},
        {16, "070a16b46b4d4144f79bdd9dd04a287c"},
        {40, "dfa66747de9ae63030ca32611497c827"},
        {64, "51f0bebf7e3b9d92fc49741779363cfe"},
    };
    g_autoptr (GBytes) key = rsp_unhex (AES_KEY), text = rsp_unhex (AES_TEXT);
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        for (gsize cut = 0; cut <= cases[i].len; cut++) {
            const RspSlice parts[] = {{octets (text), cut},
                                      {octets (text) + cut, cases[i].len - cut}};
            guint8 mac[16];
            rsp_aes_cmac (octets (key), parts, G_N_ELEMENTS (parts), mac);
            assert_hex (RSP_SLICE_ARRAY (mac), cases[i].mac);
        }
    }
}

/* NIST SP 800-38A F.2.1. */
static void
test_cbc (void)
{
    g_autoptr (GBytes) key = rsp_unhex (AES_KEY), text = rsp_unhex (AES_TEXT);
    g_autoptr (GBytes) iv = rsp_unhex ("000102030405060708090a0b0c0d0e0f");
    guint8 out[64];
    rsp_aes_cbc_encrypt (octets (key), octets (iv), sizeof out, octets (text), out);
    assert_hex (RSP_SLICE_ARRAY (out),
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
}

/* NIST CAVS 12.0, ANSI X9.63-2001 with SHA-256. */
static void
test_kdf (void)
{
    g_autoptr (GBytes) z1 = rsp_unhex ("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08");
    g_autoptr (GBytes) z2 = rsp_unhex ("22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d");
    g_autoptr (GBytes) info = rsp_unhex ("75eef81aa3041e33b80971203d2c0c52");
    guint8 out[128];
    rsp_x963_kdf (rsp_slice_of (z1), RSP_SLICE (NULL, 0), out, 16);
    assert_hex (RSP_SLICE (out, 16), "443024c3dae66b95e6f5670601558f71");
    rsp_x963_kdf (rsp_slice_of (z2), rsp_slice_of (info), out, 128);
    assert_hex (RSP_SLICE_ARRAY (out),
                "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e"
                "52a13d9c7c6fc878c50c5ea0bc7b00e0da2447cfd874f6cf92f30d0097111485"
                "500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269"
                "142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21");
}

static void
vendor_keys (RspBspKeys *keys)
{
    g_autoptr (GBytes) shared =
        rsp_unhex ("c9a993dd4879a8f7161f2085410edd4f9652f1df37be097ba96ba2ca6be528fe");
    g_autoptr (GBytes) host = rsp_unhex ("8080808080808080"), eid = rsp_unhex (EID);
    rsp_bsp_derive (octets (shared), 0x88, 0x10, rsp_slice_of (host), octets (eid), keys);
}

static void
test_vendor (void)
{
    RspBspKeys keys;
    vendor_keys (&keys);
    assert_hex (RSP_SLICE_ARRAY (keys.chaining), "406d507b448a699e7a36a38494debbde");
    assert_hex (RSP_SLICE_ARRAY (keys.s_enc), "472f5bfadd97f21d34f3ce9b51b92751");
    assert_hex (RSP_SLICE_ARRAY (keys.s_mac), "9ec07f5b36a13e12a991d66e294e6242");

    static const guint8 plain[] = {0xbf, 0x24, 0x00};
    g_autoptr (RspBsp) server = rsp_bsp_new (&keys), card = rsp_bsp_new (&keys);
    g_autoptr (GByteArray) sent = g_byte_array_new (), opened = g_byte_array_new ();
    rsp_bsp_protect (server, 0x87, RSP_SLICE_ARRAY (plain), sent);
    assert_hex (RSP_SLICE (sent->data, sent->len),
                "8718f6fe031e4b9cfe87c8e1e62f3fde85c49412d7722a6a2d89");
    g_assert_cmpint (rsp_bsp_open (card, 0x87, RSP_SLICE (sent->data, sent->len), opened), ==,
                     RSP_BSP_OK);
    g_assert_cmpmem (opened->data, opened->len, plain, sizeof plain);
}

/* Every length, all three tags, one row of segments, keys replaced on the way. */
static void
test_round (void)
{
    static const guint8 tags[] = {0x86, 0x87, 0x88};
    guint8 text[RSP_BSP_MAX_PLAIN_MAC];
    RspBspKeys keys, other;
    vendor_keys (&keys);
    other = keys;
    other.s_enc[3] ^= 0x40;
    for (gsize i = 0; i < sizeof text; i++)
        text[i] = (guint8)(i * 7);
    g_autoptr (RspBsp) server = rsp_bsp_new (&keys), card = rsp_bsp_new (&keys);
    for (gsize len = 0; len <= sizeof text; len++) {
        guint8 tag = tags[len % 3];
        if (tag != 0x88 && len > RSP_BSP_MAX_PLAIN_ENC)
            continue;
        if (len == 300) {
            rsp_bsp_replace (server, &other);
            rsp_bsp_replace (card, &other);
        }
        g_autoptr (GByteArray) sent = g_byte_array_new (), opened = g_byte_array_new ();
        g_byte_array_append (sent, text, 5);
        g_byte_array_append (opened, text, 3);
        rsp_bsp_protect (server, tag, RSP_SLICE (text, len), sent);
        RspSlice segment = {sent->data + 5, sent->len - 5};
        g_assert_cmpuint (segment.len, <=, RSP_BSP_MAX_SEGMENT);
        g_assert_cmpint (rsp_bsp_open (card, tag, segment, opened), ==, RSP_BSP_OK);
        g_assert_cmpmem (opened->data + 3, opened->len - 3, text, len);
        g_assert_cmpmem (sent->data, 5, text, 5);
    }
}

/* The counter is part of what is sent: a segment does not open twice, nor out of its turn. */
static void
test_order (void)
{
    RspBspKeys keys;
    vendor_keys (&keys);
    g_autoptr (RspBsp) server = rsp_bsp_new (&keys), card = rsp_bsp_new (&keys);
    g_autoptr (GByteArray) one = g_byte_array_new (), two = g_byte_array_new ();
    g_autoptr (GByteArray) opened = g_byte_array_new ();
    rsp_bsp_protect (server, 0x86, RSP_SLICE ("first", 5), one);
    rsp_bsp_protect (server, 0x86, RSP_SLICE ("second", 6), two);
    RspSlice first = {one->data, one->len}, second = {two->data, two->len};
    g_assert_cmpint (rsp_bsp_open (card, 0x86, second, opened), ==, RSP_BSP_SECURITY);
    g_assert_cmpint (rsp_bsp_open (card, 0x86, first, opened), ==, RSP_BSP_OK);
    g_assert_cmpint (rsp_bsp_open (card, 0x86, first, opened), ==, RSP_BSP_SECURITY);
    g_assert_cmpint (rsp_bsp_open (card, 0x86, second, opened), ==, RSP_BSP_OK);
    g_assert_cmpmem (opened->data, opened->len, "firstsecond", 11);
}

static void
test_refuses (void)
{
    RspBspKeys keys;
    vendor_keys (&keys);
    g_autoptr (GByteArray) sent = g_byte_array_new (), opened = g_byte_array_new ();
    g_autoptr (RspBsp) server = rsp_bsp_new (&keys), card = rsp_bsp_new (&keys);
    rsp_bsp_protect (server, 0x86, RSP_SLICE ("a profile element", 17), sent);
    RspSlice good = {sent->data, sent->len};

    g_assert_cmpint (rsp_bsp_open (card, 0x87, good, opened), ==, RSP_BSP_STRUCTURE);
    for (gsize len = 0; len < good.len; len++) {
        g_autofree guint8 *cut = g_memdup2 (good.data, MAX (len, 1));
        g_assert_cmpint (rsp_bsp_open (card, 0x86, RSP_SLICE (cut, len), opened), ==,
                         RSP_BSP_STRUCTURE);
    }
    for (gsize i = 0; i < good.len; i++) {
        g_autofree guint8 *bent = g_memdup2 (good.data, good.len);
        bent[i] ^= 0x01;
        g_assert_cmpint (rsp_bsp_open (card, 0x86, RSP_SLICE (bent, good.len), opened), !=,
                         RSP_BSP_OK);
    }
    static const char *const wrong[] = {"8600",
                                        "860700000000000000",
                                        "86080000000000000000",
                                        "8609000000000000000000",
                                        "86820000",
                                        "868100",
                                        "86"};
    for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
        g_autoptr (GBytes) bytes = rsp_unhex (wrong[i]);
        g_assert_cmpint (rsp_bsp_open (card, 0x86, rsp_slice_of (bytes), opened), ==,
                         RSP_BSP_STRUCTURE);
    }
    g_assert_cmpuint (opened->len, ==, 0);
    g_assert_cmpint (rsp_bsp_open (card, 0x86, good, opened), ==, RSP_BSP_OK);
}

/* A right MAC over a text without 80 00…: built here, octet by octet, with the primitives. */
static void
test_padding (void)
{
    static const guint8 counter[16] = {[15] = 1}, zero[16], texts[][16] = {{0}, {1}, {[15] = 1}};
    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
        RspBspKeys keys;
        vendor_keys (&keys);
        guint8 icv[16], segment[26] = {0x86, 24}, mac[16];
        rsp_aes_cbc_encrypt (keys.s_enc, zero, 16, counter, icv);
        rsp_aes_cbc_encrypt (keys.s_enc, icv, 16, texts[i], segment + 2);
        const RspSlice parts[] = {RSP_SLICE_ARRAY (keys.chaining), {segment, 18}};
        rsp_aes_cmac (keys.s_mac, parts, 2, mac);
        memcpy (segment + 18, mac, 8);
        g_autoptr (RspBsp) card = rsp_bsp_new (&keys);
        g_autoptr (GByteArray) opened = g_byte_array_new ();
        g_assert_cmpint (rsp_bsp_open (card, 0x86, RSP_SLICE_ARRAY (segment), opened), ==,
                         RSP_BSP_SECURITY);
        g_assert_cmpuint (opened->len, ==, 0);
    }
}

static void
test_too_long (void)
{
    RspBspKeys keys;
    vendor_keys (&keys);
    g_autoptr (RspBsp) card = rsp_bsp_new (&keys);
    g_autoptr (GByteArray) segment = g_byte_array_new (), opened = g_byte_array_new ();
    g_autofree guint8 *data = g_malloc0 (1024);
    rsp_tlv_put (segment, 0x88, RSP_SLICE (data, 1017));
    g_assert_cmpuint (segment->len, ==, 1021);
    g_assert_cmpint (rsp_bsp_open (card, 0x88, RSP_SLICE (segment->data, segment->len), opened), ==,
                     RSP_BSP_STRUCTURE);
}

/* The recorded session ----------------------------------------------------------------------- */

static GBytes *
session_file (const char *name)
{
    g_autofree char *path = g_build_filename (RSP_SHARED, "vectors", "session", name, NULL);
    char *data = NULL;
    gsize len = 0;
    return g_file_get_contents (path, &data, &len, NULL) ? g_bytes_new_take (data, len) : NULL;
}

static gboolean
absent (void)
{
    g_autoptr (GBytes) bytes = session_file ("bound-profile-package.der");
    if (!bytes)
        g_test_skip ("shared/vectors/session is absent");
    return !bytes;
}

/* The N-th (from 0) child of a constructed value. */
static RspTlv
child (RspSlice value, guint n)
{
    RspTlv tlv;
    for (guint i = 0; i <= n; i++)
        g_assert_cmpint (rsp_tlv_next (&value, &tlv), ==, RSP_TLV_OK);
    return tlv;
}

static RspTlv
root_of (GBytes *bytes)
{
    return child (rsp_slice_of (bytes), 0);
}

static RspPublic *
key_of_certificate (RspSlice der)
{
    g_autoptr (GBytes) bytes = rsp_slice_to_bytes (der);
    g_autoptr (GError) error = NULL;
    g_autoptr (RspCert) cert = rsp_cert_parse (bytes, &error);
    g_assert_no_error (error);
    return rsp_public_ref (rsp_cert_public (cert));
}

static void
test_session_signatures (void)
{
    if (absent ())
        return;
    g_autoptr (GBytes) b1 = session_file ("initiate-response.der");
    g_autoptr (GBytes) b2 = session_file ("auth-server-response.der");
    g_autoptr (GBytes) b3 = session_file ("authenticate-response.der");
    g_autoptr (GBytes) b4 = session_file ("prepare-download-response.der");
    g_autoptr (GBytes) b5 = session_file ("bound-profile-package.der");
    g_autoptr (GBytes) b6 = session_file ("pending-notification.der");
    RspSlice initiate = root_of (b1).value, authenticate = child (root_of (b2).value, 0).value;
    RspSlice client = child (root_of (b3).value, 0).value;
    RspSlice prepare = child (root_of (b4).value, 0).value;
    RspSlice channel = child (root_of (b5).value, 0).value, pir = root_of (b6).value;

    g_autoptr (RspPublic) dp_auth = key_of_certificate (child (initiate, 4).whole);
    g_autoptr (RspPublic) card = key_of_certificate (child (authenticate, 2).whole);
    g_autoptr (RspPublic) dp_pb = key_of_certificate (child (client, 4).whole);
    RspTlv signature1 = child (authenticate, 1), signature2 = child (client, 3);

    RspSlice server1 = child (initiate, 1).whole;
    g_assert_true (rsp_public_verify (dp_auth, &server1, 1, child (initiate, 2).value));
    RspSlice euicc1 = child (authenticate, 0).whole;
    g_assert_true (rsp_public_verify (card, &euicc1, 1, signature1.value));
    const RspSlice smdp2[] = {child (client, 2).whole, signature1.whole};
    g_assert_true (rsp_public_verify (dp_pb, smdp2, 2, signature2.value));
    const RspSlice euicc2[] = {child (prepare, 0).whole, signature2.whole};
    g_assert_true (rsp_public_verify (card, euicc2, 2, child (prepare, 1).value));
    RspTlv otpk_euicc = child (child (prepare, 0).value, 1);
    const RspSlice isc[] = {child (channel, 0).whole, child (channel, 1).whole,
                            child (channel, 2).whole, child (channel, 3).whole, otpk_euicc.whole};
    g_assert_true (rsp_public_verify (dp_pb, isc, 5, child (channel, 4).value));
    RspSlice result = child (pir, 0).whole;
    g_assert_true (rsp_public_verify (card, &result, 1, child (pir, 1).value));
    g_assert_false (rsp_public_verify (dp_auth, isc, 5, child (channel, 4).value));
    g_assert_false (rsp_public_verify (dp_pb, isc, 4, child (channel, 4).value));
}

static void
session_keys (RspSlice channel, RspBspKeys *keys)
{
    g_autoptr (GBytes) scalar = session_file ("otsk-dp.bin");
    g_autoptr (GBytes) answer = session_file ("prepare-download-response.der");
    g_autoptr (GBytes) eid = rsp_unhex (EID);
    g_autoptr (RspKey) key = rsp_key_from_scalar (octets (scalar), NULL);
    RspSlice otpk_euicc = child (child (child (root_of (answer).value, 0).value, 0).value, 1).value;
    g_assert_cmpmem (rsp_key_point (key), RSP_POINT_SIZE, child (channel, 3).value.data,
                     child (channel, 3).value.len);
    guint8 shared[RSP_SHARED_SIZE];
    g_assert_true (rsp_ecka (key, otpk_euicc, shared));
    RspSlice template = child (channel, 2).value;
    rsp_bsp_derive (shared, child (template, 0).value.data[0], child (template, 1).value.data[0],
                    child (template, 2).value, octets (eid), keys);
}

static void
test_session_package (void)
{
    if (absent ())
        return;
    g_autoptr (GBytes) package = session_file ("bound-profile-package.der");
    g_autoptr (GBytes) metadata = session_file ("store-metadata.der");
    g_autoptr (GBytes) profile = session_file ("upp.der");
    RspSlice parts = root_of (package).value;
    RspBspKeys keys;
    session_keys (child (parts, 0).value, &keys);
    g_autoptr (RspBsp) card = rsp_bsp_new (&keys), server = rsp_bsp_new (&keys);
    g_autoptr (GByteArray) sent = g_byte_array_new ();
    static const guint8 tags[] = {0x87, 0x88, 0x86};
    for (guint i = 0; i < 3; i++) {
        RspSlice segment = child (child (parts, i + 1).value, 0).whole;
        g_autoptr (GByteArray) opened = g_byte_array_new ();
        g_assert_cmpint (rsp_bsp_open (card, tags[i], segment, opened), ==, RSP_BSP_OK);
        RspSlice plain = {opened->data, opened->len};
        if (i == 1)
            g_assert_true (rsp_slice_equal (plain, rsp_slice_of (metadata)));
        if (i == 2)
            g_assert_true (rsp_slice_equal (plain, rsp_slice_of (profile)));
        g_byte_array_set_size (sent, 0);
        rsp_bsp_protect (server, tags[i], plain, sent);
        g_assert_true (rsp_slice_equal (RSP_SLICE (sent->data, sent->len), segment));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/bsp/cmac", test_cmac);
    g_test_add_func ("/bsp/cbc", test_cbc);
    g_test_add_func ("/bsp/kdf", test_kdf);
    g_test_add_func ("/bsp/vendor", test_vendor);
    g_test_add_func ("/bsp/round", test_round);
    g_test_add_func ("/bsp/order", test_order);
    g_test_add_func ("/bsp/refuses", test_refuses);
    g_test_add_func ("/bsp/padding", test_padding);
    g_test_add_func ("/bsp/too-long", test_too_long);
    g_test_add_func ("/bsp/session-signatures", test_session_signatures);
    g_test_add_func ("/bsp/session-package", test_session_package);
    return g_test_run ();
}
