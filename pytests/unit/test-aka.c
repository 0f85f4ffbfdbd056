/* Milenage, TUAK, XOR and SUCI against the test data of their specifications. */
#include "asn1/nas.h"
#include "pki/aka.h"
#include "pki/point.h"
#include "pki/suci.h"
#include "pki/tuak.h"

#include <string.h>

#define assert_hex(octets, n, hex)                                                                 \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_autofree char *got_ = rsp_hex (RSP_SLICE (octets, n));                                   \
        g_assert_cmpstr (got_, ==, hex);                                                           \
    }                                                                                              \
    G_STMT_END

static const guint8 *
octets (const char *hex, guint8 out[64])
{
    g_autoptr (GBytes) bytes = rsp_unhex (hex);
    g_assert_nonnull (bytes);
    g_assert_cmpuint (g_bytes_get_size (bytes), <=, 64);
    memcpy (out, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    return out;
}

/* An element as a profile has it: algorithm, options, key, OPc. */
static GBytes *
element (guint8 id, guint8 options, const char *key, const char *opc, const char *more)
{
    GByteArray *out = g_byte_array_new ();
    g_autoptr (GBytes) k = rsp_unhex (key), o = rsp_unhex (opc), m = rsp_unhex (more);
    gsize choice = rsp_tlv_open (out, 0xA1), algo = rsp_tlv_open (out, 0xA1);
    rsp_tlv_put (out, 0x80, RSP_SLICE (&id, 1));
    rsp_tlv_put (out, 0x81, RSP_SLICE (&options, 1));
    rsp_tlv_put (out, 0x82, rsp_slice_of (k));
    rsp_tlv_put (out, 0x83, rsp_slice_of (o));
    rsp_tlv_close (out, algo);
    rsp_tlv_close (out, choice);
    g_byte_array_append (out, g_bytes_get_data (m, NULL), (guint)g_bytes_get_size (m));
    return g_byte_array_free_to_bytes (out);
}

/* --- Milenage --- */

static void
check_milenage (char **f)
{
    g_autoptr (GBytes) body = element (1, 0, f[1], f[5], "");
    RspAkaParameter p;
    guint8 rand[64], amf[64], mac[8];
    RspAkaAnswer a;
    g_assert_cmpint (rsp_saip_read_aka (rsp_slice_of (body), &p), ==, RSP_SAIP_OK);
    guint64 sqn = g_ascii_strtoull (f[3], NULL, 16), opened;
    octets (f[2], rand);
    octets (f[4], amf);
    rsp_aka_mac (&p, rand, sqn, amf, FALSE, mac);
    assert_hex (mac, 8, f[6]);
    rsp_aka_mac (&p, rand, sqn, amf, TRUE, mac);
    assert_hex (mac, 8, f[7]);
    rsp_aka_answer (&p, rand, &a);
    g_assert_cmpuint (p.res_size, ==, 8);
    assert_hex (a.res, 8, f[8]);
    assert_hex (a.ck, 16, f[9]);
    assert_hex (a.ik, 16, f[10]);
    assert_hex (a.ak, 6, f[11]);
    assert_hex (a.ak_resync, 6, f[12]);
    guint8 autn[16], auts[14];
    rsp_aka_autn (&p, rand, sqn, amf, autn);
    g_assert_true (rsp_aka_open_autn (&p, rand, autn, &opened) && opened == sqn);
    for (guint bit = 0; bit < 128; bit++) {
        autn[bit / 8] ^= 1u << bit % 8;
        g_assert_false (rsp_aka_open_autn (&p, rand, autn, &opened));
        autn[bit / 8] ^= 1u << bit % 8;
    }
    rsp_aka_auts (&p, rand, sqn, auts);
    g_assert_true (rsp_aka_open_auts (&p, rand, auts, &opened) && opened == sqn);
    auts[13] ^= 1;
    g_assert_false (rsp_aka_open_auts (&p, rand, auts, &opened));
}

static void
test_milenage (void)
{
    g_autofree char *text = NULL;
    g_assert_true (g_file_get_contents (RSP_VECTORS "/milenage.tsv", &text, NULL, NULL));
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    guint n = 0;
    for (guint i = 0; lines[i]; i++) {
        g_auto (GStrv) f = g_strsplit (lines[i], "\t", -1);
        if (lines[i][0] == '#' || g_strv_length (f) != 13)
            continue;
        check_milenage (f);
        n++;
    }
    g_assert_cmpuint (n, ==, 20);
}

/* Rotation by a number of bits that is no multiple of eight, and constants of the profile's own:
 * what f3 gives with r3 = 13 and c3 = 80…0F, computed by hand from AES. */
static void
test_constants (void)
{
    RspAkaParameter p;
    guint8 rand[64];
    RspAkaAnswer usual, other;
    g_autoptr (GBytes) body =
        element (1, 0, "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf", "");
    rsp_saip_read_aka (rsp_slice_of (body), &p);
    octets ("23553cbe9637a89d218ae64dae47bf35", rand);
    rsp_aka_answer (&p, rand, &usual);
    p.rotation[2] = 13;
    p.xoring[2][0] = 0x80;
    p.xoring[2][15] = 0x0F;
    rsp_aka_answer (&p, rand, &other);
    assert_hex (other.ck, 16, "d6818b9fbeaa98f63dd49eba093d4bf2");
    g_assert_cmpmem (usual.res, 8, other.res, 8);
    g_assert_cmpmem (usual.ik, 16, other.ik, 16);
}

/* --- TUAK, TS 35.233 --- */

typedef struct {
    const char *key, *rand, *sqn, *amf, *topc;
    guint keccak;
    const char *f1, *f1_resync, *f2, *f3, *f4, *f5, *f5_resync;
} Tuak;

static const Tuak tuak_sets[] = {
    {"abababababababababababababababab", "42424242424242424242424242424242", "111111111111", "ffff",
     "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff", 1, "f9a54e6aeaa8618d",
     "e94b4dc6c7297df3", "657acd64", "d71a1e5c6caffe986a26f783e5c78be1",
     "be849fa2564f869aecee6f62d4337e72", "719f1e9b9054", "e7af6b3d0e38"},
    {"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
     "0123456789abcdef0123456789abcdef", "0123456789ab", "abcd",
     "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524", 1,
     "c0b8c2d4148ec7aa5f1d78a97e4d1d58", "ef81af7290f7842c6ceafa537fa0745b", "e9d749dc4eea0035",
     "a4cb6f6529ab17f8337f27baa8234d47", "2274155ccf4199d5e2abcbf621907f90", "480a9345cc1e",
     "f84eb338848c"},
    {"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
     "0123456789abcdef0123456789abcdef", "0123456789ab", "abcd",
     "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524", 1,
     "d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5",
     "427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821", "07021c73e7635c7d",
     "4d59ac796834eb85d11fa148a5058c3c",
     "126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd", "1d6622c4e59a",
     "f84eb338848c"},
    {"b8da837a50652d6ac7c97da14f6acc61", "6887e55425a966bd86c9661a5fa72be8", "0dea2ee2c5af", "df1e",
     "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a", 1,
     "749214087958dd8f58bfcdf869d8ae3f", "619e865afe80e382aee13063f9dfb56d",
     "4041ce438e3e38e8aa96562eed83ac43", "3e3bc01bea0cd914c4c2c83ce2d92757",
     "666a8e6f577b1aa77b7fd53cebb8a3d6", "1f880d005119", "45e617d77fe5"},
    {"1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
     "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d",
     "3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62", 1, "d7340dad02b4cb01",
     "c6021e2e66accb15", "84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c",
     "d419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65",
     "205533e505661b61d05cc0eac87818f4", "d7b3d2d4980a", "ca9655264986"},
    {"1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
     "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d",
     "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51", 2,
     "90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7",
     "427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f",
     "d67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867",
     "ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89",
     "48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999", "6aae8d18c448",
     "8c5f33b61f4e"},
};

static void
check_tuak (const Tuak *t)
{
    guint8 key[64], topc[64], rand[64], sqn[64], amf[64], mac[32], res[32], ck[32], ik[32], ak[6];
    gsize mac_size = strlen (t->f1) / 2, res_size = strlen (t->f2) / 2;
    gsize ck_size = strlen (t->f3) / 2, ik_size = strlen (t->f4) / 2;
    RspTuak tuak = {.key = RSP_SLICE (octets (t->key, key), strlen (t->key) / 2),
                    .topc = RSP_SLICE (octets (t->topc, topc), 32),
                    .keccak = t->keccak};
    octets (t->rand, rand);
    octets (t->sqn, sqn);
    octets (t->amf, amf);
    rsp_tuak_mac (&tuak, rand, sqn, amf, FALSE, mac, mac_size);
    assert_hex (mac, mac_size, t->f1);
    rsp_tuak_mac (&tuak, rand, sqn, amf, TRUE, mac, mac_size);
    assert_hex (mac, mac_size, t->f1_resync);
    rsp_tuak_answer (&tuak, rand, res, res_size, ck, ck_size, ik, ik_size, ak);
    assert_hex (res, res_size, t->f2);
    assert_hex (ck, ck_size, t->f3);
    assert_hex (ik, ik_size, t->f4);
    assert_hex (ak, 6, t->f5);
    rsp_tuak_resync_key (&tuak, rand, ak);
    assert_hex (ak, 6, t->f5_resync);
}

static void
test_tuak (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (tuak_sets); i++)
        check_tuak (&tuak_sets[i]);
}

/* As a profile has it: set 1, whose lengths a USIM can have. */
static void
test_tuak_profile (void)
{
    const Tuak *t = &tuak_sets[0];
    g_autoptr (GBytes) body = element (2, 0, t->key, t->topc, "");
    g_autoptr (GBytes) long_res = element (2, 3, t->key, t->topc, "");
    g_autoptr (GBytes) short_topc = element (2, 0, t->key, t->key, "");
    RspAkaParameter p;
    RspAkaAnswer a;
    guint8 rand[64], amf[64], mac[8];
    g_assert_cmpint (rsp_saip_read_aka (rsp_slice_of (body), &p), ==, RSP_SAIP_OK);
    rsp_aka_answer (&p, octets (t->rand, rand), &a);
    g_assert_cmpuint (p.res_size, ==, 4);
    assert_hex (a.res, 4, t->f2);
    assert_hex (a.ck, 16, t->f3);
    assert_hex (a.ik, 16, t->f4);
    assert_hex (a.ak, 6, t->f5);
    assert_hex (a.ak_resync, 6, t->f5_resync);
    rsp_aka_mac (&p, rand, 0x111111111111, octets (t->amf, amf), FALSE, mac);
    assert_hex (mac, 8, t->f1);
    g_assert_cmpint (rsp_saip_read_aka (rsp_slice_of (long_res), &p), ==,
                     RSP_SAIP_FEATURE_NOT_SUPPORTED);
    g_assert_cmpint (rsp_saip_read_aka (rsp_slice_of (short_topc), &p), ==, RSP_SAIP_BAD_VALUES);
}

/* --- XOR, TS 34.108 8.1.2 --- */

static void
test_xor (void)
{
    g_autoptr (GBytes) body = element (3, 2, "000102030405060708090a0b0c0d0e0f", "", "");
    RspAkaParameter p;
    RspAkaAnswer a;
    guint8 rand[64], autn[16], sres[4], kc[8];
    static const guint8 amf[2] = {0x80, 0x00};
    g_assert_cmpint (rsp_saip_read_aka (rsp_slice_of (body), &p), ==, RSP_SAIP_OK);
    rsp_aka_answer (&p, octets ("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", rand), &a);
    assert_hex (a.res, p.res_size, "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0");
    rsp_aka_answer (&p, octets ("00112233445566778899aabbccddeeff", rand), &a);
    assert_hex (a.res, p.res_size, "00102030405060708090a0b0c0d0e0f0");
    assert_hex (a.ck, 16, "102030405060708090a0b0c0d0e0f000");
    assert_hex (a.ik, 16, "2030405060708090a0b0c0d0e0f00010");
    assert_hex (a.ak, 6, "304050607080");
    rsp_aka_autn (&p, rand, 0x010203040506, amf, autn);
    assert_hex (autn, 16, "3142536475868000011223344556e070");
    rsp_aka_gsm (&p, &a, sres, kc);
    assert_hex (sres, 4, "00000000");
}

/* --- Elements --- */

static void
test_parameters (void)
{
    static const struct {
        const char *more;
        RspSaipStatus status;
    } cases[] = {
        {"820101", RSP_SAIP_OK},
        {"82020101", RSP_SAIP_BAD_VALUES},
        {"830607ffffffffff", RSP_SAIP_OK},
        {"8306080000000000", RSP_SAIP_BAD_VALUES},
        {"8406080000000000", RSP_SAIP_BAD_VALUES},
        {"a500", RSP_SAIP_BAD_VALUES},
        {"a5080406000000000001", RSP_SAIP_BAD_VALUES},
    };
    RspAkaParameter p;
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GBytes) body = element (1, 0, "465b5ce8b199b49faa5f0a2ee238a6bc",
                                           "cd63cb71954a9f4e48a5994e37a02baf", cases[i].more);
        g_assert_cmpint (rsp_saip_read_aka (rsp_slice_of (body), &p), ==, cases[i].status);
    }
    g_autoptr (GBytes) bare =
        element (1, 0, "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf", "");
    rsp_saip_read_aka (rsp_slice_of (bare), &p);
    g_assert_true (p.delta_checked && !p.age_checked);
    g_assert_cmpuint (p.delta, ==, 0x10000000);
    g_assert_cmpint (p.counter_max, ==, -1);
    g_autoptr (GBytes) cave = element (9, 0, "00", "00", "");
    g_assert_cmpint (rsp_saip_read_aka (rsp_slice_of (cave), &p), ==, RSP_SAIP_BAD_VALUES);
}

static void
test_imsi (void)
{
    char imsi[16];
    guint8 ef[64];
    g_assert_true (rsp_imsi_digits (RSP_SLICE (octets ("080910101032547698", ef), 9), imsi));
    g_assert_cmpstr (imsi, ==, "001010123456789");
    g_assert_true (rsp_imsi_digits (RSP_SLICE (octets ("0801101010325476f8", ef), 9), imsi));
    g_assert_cmpstr (imsi, ==, "00101012345678");
    static const char *const bad[] = {"ffffffffffffffffff", "09091010103254769800",
                                      "0801101010a2547698", "08081010", ""};
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_false (
            rsp_imsi_digits (RSP_SLICE (octets (bad[i], ef), strlen (bad[i]) / 2), imsi));
}

/* --- SUCI, TS 33.501 C.4 --- */

typedef struct {
    RspSuciScheme scheme;
    const char *home, *home_public, *ephemeral, *output;
} Suci;

static const Suci suci_sets[] = {
    {RSP_SUCI_A, "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d",
     "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
     "c80949f13ebe61af4ebdbd293ea4f942696b9e815d7e8f0096bbf6ed7de62256",
     "b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87"},
    {RSP_SUCI_B, "f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda",
     "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1",
     "99798858a1dc6a2c68637149a4b1dbfd1fdff5addd62a2142f06699ed7602529",
     "039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d146a33fc2716ac7dae96aa30a4"
     "d"},
};
#define MSIN "00012080f6"

static void
test_suci (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (suci_sets); i++) {
        const Suci *t = &suci_sets[i];
        guint8 home[64], public[64], ephemeral[64], msin[64];
        g_autoptr (GByteArray) out = g_byte_array_new (), key = g_byte_array_new ();
        g_autoptr (GByteArray) back = g_byte_array_new ();
        RspSlice home_public =
            RSP_SLICE (octets (t->home_public, public), strlen (t->home_public) / 2);
        octets (t->home, home);
        octets (t->ephemeral, ephemeral);
        octets (MSIN, msin);
        g_assert_true (rsp_suci_public (t->scheme, home, key));
        assert_hex (key->data, key->len, t->home_public);
        g_assert_true (
            rsp_suci_conceal (t->scheme, home_public, ephemeral, RSP_SLICE (msin, 5), out));
        assert_hex (out->data, out->len, t->output);
        RspSlice output = RSP_SLICE (out->data, out->len);
        g_assert_true (rsp_suci_reveal (t->scheme, home, output, back));
        assert_hex (back->data, back->len, MSIN);
        for (gsize k = 1; k < out->len; k++) {
            out->data[k] ^= 4;
            g_assert_false (rsp_suci_reveal (t->scheme, home, output, back));
            out->data[k] ^= 4;
        }
        for (gsize k = 0; k < out->len; k++)
            g_assert_false (rsp_suci_reveal (t->scheme, home, RSP_SLICE (out->data, k), back));
        g_assert_cmpuint (back->len, ==, 5);
    }
}

static void
make_with (const char *calc_info, const char *begins)
{
    guint8 info[64], routing[] = {0x21, 0xF3};
    g_autoptr (RspRng) rng = rsp_rng_new (1, "card", "identity", 0);
    g_autoptr (GByteArray) out = g_byte_array_new ();
    RspSuciSource source = {.imsi = "001010123456789",
                            .mnc_size = 2,
                            .routing = RSP_SLICE_ARRAY (routing),
                            .calc_info =
                                RSP_SLICE (octets (calc_info, info), strlen (calc_info) / 2)};
    RspSuci suci;
    rsp_suci_make (&source, rng, out);
    g_autofree char *hex = rsp_hex (RSP_SLICE (out->data, out->len));
    g_assert_true (g_str_has_prefix (hex, begins));
    g_assert_true (rsp_suci_read (RSP_SLICE (out->data, out->len), &suci));
    g_assert_cmpstr (suci.plmn, ==, "00101");
}

/* Which scheme a file leads to; what cannot be used is passed over. */
static void
test_suci_file (void)
{
    make_with ("a0020000a100", "0100f11021f300001032547698");
    make_with ("", "0100f11021f300001032547698");
    make_with ("ffffffff", "0100f11021f300001032547698");
    make_with ("a0040f010000a100", "0100f11021f300001032547698");
    make_with ("a0020101a100", "0100f11021f300001032547698");
    make_with ("a0020101a12580011b8120"
               "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
               "0100f11021f3011b");
    /* A key of small order: null scheme. */
    make_with ("a0040101"
               "0000a12580011b8120"
               "0000000000000000000000000000000000000000000000000000000000000000",
               "0100f11021f30000");
}

static void
test_points (void)
{
    guint8 in[64], out[RSP_POINT_SIZE], again[RSP_COMPRESSED_SIZE];
    guint bad = 0;
    g_autoptr (RspRng) rng = rsp_rng_new (1, "points", "x", 0);
    for (guint i = 0; i < 64; i++) {
        rsp_rng_fill (rng, in, RSP_COMPRESSED_SIZE);
        in[0] = 2 + i % 2;
        if (!rsp_point_decompress (RSP_SLICE (in, RSP_COMPRESSED_SIZE), out)) {
            bad++;
            continue;
        }
        rsp_point_compress (out, again);
        g_assert_cmpmem (in, RSP_COMPRESSED_SIZE, again, sizeof again);
    }
    g_assert_cmpuint (bad, >, 16);
    g_assert_cmpuint (bad, <, 48);
}

/* --- NAS --- */

static void
assert_nas (const RspNas *nas, const char *hex)
{
    RspNas back;
    g_autoptr (GBytes) message = rsp_nas_encode (nas);
    RspSlice s = rsp_slice_of (message);
    assert_hex (s.data, s.len, hex);
    g_assert_true (rsp_nas_decode (s, &back));
    g_assert_cmpint (back.type, ==, nas->type);
    g_assert_cmpint (back.system, ==, nas->system);
    g_assert_true (rsp_slice_equal (back.identity, nas->identity));
    g_assert_true (rsp_slice_equal (back.rand, nas->rand));
    g_assert_true (rsp_slice_equal (back.autn, nas->autn));
    g_assert_true (rsp_slice_equal (back.res, nas->res));
    g_assert_true (rsp_slice_equal (back.auts, nas->auts));
    g_assert_cmpuint (back.cause, ==, nas->cause);
    if (nas->type == RSP_NAS_ATTACH_ACCEPT || nas->type == RSP_NAS_ATTACH_REQUEST)
        return; /* what comes behind is not read */
    for (gsize i = 0; i < s.len; i++)
        g_assert_false (rsp_nas_decode (RSP_SLICE (s.data, i), &back));
}

static void
test_nas (void)
{
    guint8 sixteen[16];
    memset (sixteen, 0xAB, sizeof sixteen);
    RspSlice s = RSP_SLICE_ARRAY (sixteen), s8 = RSP_SLICE (sixteen, 8);
    g_autoptr (GByteArray) imsi = g_byte_array_new ();
    char digits[16];
    rsp_nas_put_imsi (imsi, "001010000000001");
    g_assert_true (rsp_nas_read_imsi (RSP_SLICE (imsi->data, imsi->len), digits));
    g_assert_cmpstr (digits, ==, "001010000000001");
    assert_nas (
        &(RspNas){.type = RSP_NAS_ATTACH_REQUEST, .identity = RSP_SLICE (imsi->data, imsi->len)},
        "074171080910100000000010"
        "02f0f000040201d011");
    assert_nas (&(RspNas){.type = RSP_NAS_AUTHENTICATION_REQUEST, .rand = s, .autn = s},
                "075200abababababababababababababababab10abababababababababababababababab");
    assert_nas (&(RspNas){.type = RSP_NAS_AUTHENTICATION_RESPONSE, .res = s8},
                "075308abababababababab");
    assert_nas (&(RspNas){.type = RSP_NAS_AUTHENTICATION_FAILURE,
                          .cause = RSP_NAS_SYNCH_FAILURE,
                          .auts = RSP_SLICE (sixteen, 14)},
                "075c15300eabababababababababababababab");
    assert_nas (&(RspNas){.type = RSP_NAS_AUTHENTICATION_REJECT}, "0754");
    assert_nas (&(RspNas){.type = RSP_NAS_ATTACH_REJECT, .cause = 2}, "074402");
    assert_nas (&(RspNas){.type = RSP_NAS_ATTACH_ACCEPT, .plmn = {0, 0xF1, 0x10}},
                "074201490600"
                "00f110"
                "0001"
                "00155201c101090908696e7465726e6574"
                "05010a2d0002");
    assert_nas (&(RspNas){.system = RSP_NAS_5GS, .type = RSP_NAS_AUTHENTICATION_RESPONSE, .res = s},
                "7e00572d10abababababababababababababababab");
    assert_nas (
        &(RspNas){
            .system = RSP_NAS_5GS, .type = RSP_NAS_AUTHENTICATION_REQUEST, .rand = s, .autn = s},
        "7e0056000200"
        "00"
        "21abababababababababababababababab"
        "2010abababababababababababababababab");
    assert_nas (&(RspNas){.system = RSP_NAS_5GS, .type = RSP_NAS_ATTACH_ACCEPT}, "7e00420101");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/aka/milenage", test_milenage);
    g_test_add_func ("/aka/constants", test_constants);
    g_test_add_func ("/aka/tuak", test_tuak);
    g_test_add_func ("/aka/tuak-profile", test_tuak_profile);
    g_test_add_func ("/aka/xor", test_xor);
    g_test_add_func ("/aka/parameters", test_parameters);
    g_test_add_func ("/aka/imsi", test_imsi);
    g_test_add_func ("/suci/annex-c", test_suci);
    g_test_add_func ("/suci/file", test_suci_file);
    g_test_add_func ("/suci/points", test_points);
    g_test_add_func ("/nas/messages", test_nas);
    return g_test_run ();
}
