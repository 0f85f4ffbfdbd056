/* Certificates: what we issue, what others issued, and chains with one fault each. */
#include "asn1/tlv.h"
#include "components/ci/ci.h"
#include "components/eum/eum.h"
#include "pki/chain.h"

#include <string.h>

#define START ((gint64)1735689600) /* 2025-01-01T00:00:00Z */
#define DAY ((gint64)86400)
#define EID "89049032123451234512345678901235"
#define EID_ELSEWHERE "89049033123451234512345678901257"

typedef struct {
    RspCi *ci;
    RspKey *eum_key, *euicc_key, *server_key;
    RspCert *eum_cert, *euicc, *auth, *pb, *tls;
    RspEum *eum;
    GPtrArray *roots;
} Pki;

static RspSlice
point_of (const RspKey *key)
{
    return RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE);
}

static RspKey *
new_key (const char *actor)
{
    g_autoptr (RspRng) rng = rsp_rng_new (1, actor, "key", 1);
    return rsp_key_generate (rng);
}

static RspCert *
server_cert (Pki *pki, RspRole role, const RspCertTwist *twist)
{
    g_autoptr (GError) error = NULL;
    RspCert *cert = rsp_ci_issue_server (pki->ci, role, "dp1", "2.999.10", "dp1.example.com",
                                         point_of (pki->server_key), twist, &error);
    g_assert_no_error (error);
    return cert;
}

static RspCert *
eum_cert (Pki *pki, const char *prefix, const RspCertTwist *twist)
{
    g_autoptr (GError) error = NULL;
    RspCert *cert = rsp_ci_issue_eum (pki->ci, "RSP Test EUM", prefix, "2.999.5",
                                      point_of (pki->eum_key), twist, &error);
    g_assert_no_error (error);
    return cert;
}

static RspCert *
euicc_cert (Pki *pki, const char *eid, const RspEuiccCertTwist *twist)
{
    g_autoptr (GError) error = NULL;
    RspCert *cert =
        rsp_eum_issue_euicc (pki->eum, eid, point_of (pki->euicc_key), START, twist, &error);
    g_assert_no_error (error);
    return cert;
}

static Pki *
pki_new (void)
{
    Pki *pki = g_new0 (Pki, 1);
    g_autoptr (GError) error = NULL;
    pki->ci = rsp_ci_new ("ci", rsp_rng_new (1, "ci", "key", 1), START, &error);
    g_assert_no_error (error);
    pki->eum_key = new_key ("eum");
    pki->euicc_key = new_key ("card");
    pki->server_key = new_key ("dp1");
    pki->eum_cert = eum_cert (pki, "89049032", NULL);
    g_autoptr (GBytes) scalar = rsp_key_scalar (pki->eum_key);
    pki->eum = rsp_eum_new ("eum", rsp_key_from_scalar (g_bytes_get_data (scalar, NULL), NULL),
                            rsp_cert_ref (pki->eum_cert), rsp_rng_new (1, "eum", "serial", 1));
    pki->euicc = euicc_cert (pki, EID, NULL);
    pki->auth = server_cert (pki, RSP_ROLE_DP_AUTH, NULL);
    pki->pb = server_cert (pki, RSP_ROLE_DP_PB, NULL);
    pki->tls = server_cert (pki, RSP_ROLE_DP_TLS, NULL);
    pki->roots = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_cert_unref);
    g_ptr_array_add (pki->roots, rsp_cert_ref (rsp_ci_cert (pki->ci)));
    return pki;
}

static void
pki_free (Pki *pki)
{
    g_ptr_array_unref (pki->roots);
    rsp_cert_unref (pki->eum_cert);
    rsp_cert_unref (pki->euicc);
    rsp_cert_unref (pki->auth);
    rsp_cert_unref (pki->pb);
    rsp_cert_unref (pki->tls);
    rsp_eum_free (pki->eum);
    rsp_key_free (pki->eum_key);
    rsp_key_free (pki->euicc_key);
    rsp_key_free (pki->server_key);
    rsp_ci_free (pki->ci);
    g_free (pki);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pki, pki_free)

#define assert_result(have, want)                                                                  \
    g_assert_cmpstr (rsp_chain_result_name (have), ==, rsp_chain_result_name (want))

static void
test_good (void)
{
    g_autoptr (Pki) pki = pki_new ();
    RspCert *root = NULL;
    const RspCert *bad = pki->eum_cert;
    assert_result (rsp_chain_check_server (pki->auth, pki->roots, RSP_ROLE_DP_AUTH, START, &root),
                   RSP_CHAIN_OK);
    g_assert_true (root == rsp_ci_cert (pki->ci));
    assert_result (rsp_chain_check_server (pki->pb, pki->roots, RSP_ROLE_DP_PB, RSP_NO_TIME, NULL),
                   RSP_CHAIN_OK);
    assert_result (rsp_chain_check_one (pki->pb, root, RSP_ROLE_DP_PB, START), RSP_CHAIN_OK);
    assert_result (
        rsp_chain_check_euicc (pki->euicc, pki->eum_cert, pki->roots, START, &root, &bad),
        RSP_CHAIN_OK);
    g_assert_null (bad);
    assert_result (rsp_chain_check_tls (pki->tls, pki->roots, "DP1.Example.COM", START),
                   RSP_CHAIN_OK);
    assert_result (rsp_chain_check_client (pki->tls, pki->roots, START), RSP_CHAIN_OK);
    g_autoptr (RspCert) client =
        rsp_ci_issue_client (pki->ci, "mno", point_of (pki->server_key), NULL, NULL);
    assert_result (rsp_chain_check_client (client, pki->roots, START), RSP_CHAIN_OK);
    assert_result (rsp_chain_check_client (pki->auth, pki->roots, START), RSP_CHAIN_ROLE);
    assert_result (rsp_chain_check_tls (client, pki->roots, "mno", START), RSP_CHAIN_ROLE);
}

static void
test_fields (void)
{
    g_autoptr (Pki) pki = pki_new ();
    g_assert_cmpstr (rsp_cert_serial_number (pki->euicc), ==, EID);
    g_assert_cmpstr (rsp_cert_organization (pki->euicc), ==, "RSP Test EUM");
    g_assert_cmpint (rsp_cert_not_after (pki->euicc), ==, G_GINT64_CONSTANT (253402300799));
    g_assert_cmpint (rsp_cert_role (pki->euicc), ==, RSP_ROLE_EUICC);
    g_assert_null (rsp_cert_oid (pki->euicc));
    g_assert_cmpstr (rsp_cert_oid (pki->auth), ==, "2.999.10");
    g_assert_null (rsp_cert_dns (pki->auth));
    g_assert_cmpstr (rsp_cert_dns (pki->tls), ==, "dp1.example.com");
    g_assert_cmpstr (rsp_cert_common_name (pki->tls), ==, "dp1.example.com");
    g_assert_cmpint (rsp_cert_not_before (pki->tls), ==, START - DAY);
    g_assert_true (rsp_slice_equal (rsp_cert_aki (pki->euicc), rsp_cert_ski (pki->eum_cert)));
    g_assert_true (
        rsp_slice_equal (rsp_cert_issuer (pki->euicc), rsp_cert_subject (pki->eum_cert)));
    g_assert_cmpuint (rsp_cert_ski (pki->euicc).len, ==, 20);
    g_assert_cmpuint (rsp_cert_aki (rsp_ci_cert (pki->ci)).len, ==, 0);
    g_assert_true (rsp_der_check (rsp_slice_of (rsp_cert_der (pki->tls)), NULL));
    g_autofree char *pem = rsp_cert_to_pem (pki->tls);
    g_assert_true (g_str_has_prefix (pem, "-----BEGIN CERTIFICATE-----\n"));
    g_assert_true (g_str_has_suffix (pem, "\n-----END CERTIFICATE-----\n"));
}

static void
test_deterministic (void)
{
    g_autoptr (Pki) a = pki_new (), b = pki_new ();
    g_assert_true (g_bytes_equal (rsp_cert_der (a->euicc), rsp_cert_der (b->euicc)));
    g_assert_true (g_bytes_equal (rsp_cert_der (a->tls), rsp_cert_der (b->tls)));
    g_assert_false (rsp_slice_equal (rsp_cert_serial (a->auth), rsp_cert_serial (a->pb)));
}

static void
test_twists (void)
{
    g_autoptr (Pki) pki = pki_new ();
    static const struct {
        RspCertTwist twist;
        RspChainResult want;
    } cases[] = {
        {{.bad_signature = TRUE}, RSP_CHAIN_SIGNATURE},
        {{.role = RSP_ROLE_DP_PB}, RSP_CHAIN_ROLE},
        {{.role = RSP_ROLE_CI}, RSP_CHAIN_ROLE},
        {{.not_before = START + 1}, RSP_CHAIN_TIME},
        {{.not_after = START - 1}, RSP_CHAIN_TIME},
        {{.not_after = START - 1, .role = RSP_ROLE_DP_PB}, RSP_CHAIN_TIME},
        {{.not_after = START, .not_before = START}, RSP_CHAIN_OK},
    };
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (RspCert) cert = server_cert (pki, RSP_ROLE_DP_AUTH, &cases[i].twist);
        assert_result (rsp_chain_check_server (cert, pki->roots, RSP_ROLE_DP_AUTH, START, NULL),
                       cases[i].want);
        g_autoptr (RspCert) eum = eum_cert (pki, "89049032", &cases[i].twist);
        const RspCert *bad = NULL;
        assert_result (rsp_chain_check_euicc (pki->euicc, eum, pki->roots, START, NULL, &bad),
                       cases[i].want);
        g_assert_true (bad == (cases[i].want == RSP_CHAIN_OK ? NULL : eum));
    }
    /* No clock, no expiry. */
    const RspCertTwist old = {.not_before = 1, .not_after = 2};
    g_autoptr (RspCert) expired = server_cert (pki, RSP_ROLE_DP_AUTH, &old);
    assert_result (
        rsp_chain_check_server (expired, pki->roots, RSP_ROLE_DP_AUTH, RSP_NO_TIME, NULL),
        RSP_CHAIN_OK);
    assert_result (rsp_chain_check_server (pki->auth, pki->roots, RSP_ROLE_DP_AUTH,
                                           START + 36 * 366 * DAY, NULL),
                   RSP_CHAIN_TIME);
}

static void
test_euicc_faults (void)
{
    g_autoptr (Pki) pki = pki_new ();
    static const struct {
        const char *eid;
        RspEuiccCertTwist twist;
        RspChainResult want;
    } cases[] = {
        {EID, {.bad_signature = TRUE}, RSP_CHAIN_SIGNATURE},
        {EID, {.role = RSP_ROLE_EUM}, RSP_CHAIN_ROLE},
        {EID, {.not_after = START - 1}, RSP_CHAIN_TIME},
        {EID, {.organization = "Another EUM"}, RSP_CHAIN_EID_RANGE},
        {EID_ELSEWHERE, {0}, RSP_CHAIN_EID_RANGE},
        {EID_ELSEWHERE, {.not_after = START - 1}, RSP_CHAIN_TIME},
        {"89049032123451234512345678901236", {0}, RSP_CHAIN_EID_RANGE},
        {"8904903212345123451234567890123", {0}, RSP_CHAIN_EID_RANGE},
        {"8904903212345123451234567890123A", {0}, RSP_CHAIN_EID_RANGE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (RspCert) cert = euicc_cert (pki, cases[i].eid, &cases[i].twist);
        const RspCert *bad = NULL;
        assert_result (rsp_chain_check_euicc (cert, pki->eum_cert, pki->roots, START, NULL, &bad),
                       cases[i].want);
        g_assert_true (bad == cert);
    }
}

static void
test_ranges (void)
{
    g_autoptr (Pki) pki = pki_new ();
    static const struct {
        const char *prefix;
        RspChainResult want;
    } cases[] = {
        {"8", RSP_CHAIN_OK},
        {"890490321234512345123456789012", RSP_CHAIN_OK},
        {"89049033", RSP_CHAIN_EID_RANGE},
        {"890490320", RSP_CHAIN_EID_RANGE},
        {NULL, RSP_CHAIN_EID_RANGE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (RspCert) eum = eum_cert (pki, cases[i].prefix, NULL);
        assert_result (rsp_chain_check_euicc (pki->euicc, eum, pki->roots, START, NULL, NULL),
                       cases[i].want);
    }
}

static void
test_strangers (void)
{
    g_autoptr (Pki) pki = pki_new ();
    g_autoptr (GPtrArray) none = g_ptr_array_new ();
    g_autoptr (GPtrArray) other = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_cert_unref);
    RspCi *ci2 = rsp_ci_new ("ci", rsp_rng_new (2, "ci2", "key", 1), START, NULL);
    g_ptr_array_add (other, rsp_cert_ref (rsp_ci_cert (ci2)));
    rsp_ci_free (ci2);
    const GPtrArray *const lists[] = {none, other, NULL};
    for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
        assert_result (rsp_chain_check_server (pki->auth, lists[i], RSP_ROLE_DP_AUTH, START, NULL),
                       RSP_CHAIN_CI_UNKNOWN);
        assert_result (
            rsp_chain_check_euicc (pki->euicc, pki->eum_cert, lists[i], START, NULL, NULL),
            RSP_CHAIN_CI_UNKNOWN);
    }
    /* An eUICC shown as its own EUM, a server certificate as EUM, the root as a leaf. */
    const RspCert *bad = NULL;
    assert_result (rsp_chain_check_euicc (pki->euicc, pki->euicc, pki->roots, START, NULL, &bad),
                   RSP_CHAIN_CI_UNKNOWN);
    assert_result (rsp_chain_check_euicc (pki->euicc, pki->auth, pki->roots, START, NULL, &bad),
                   RSP_CHAIN_PROFILE);
    g_assert_true (bad == pki->auth);
    assert_result (rsp_chain_check_one (pki->euicc, pki->auth, RSP_ROLE_EUICC, START),
                   RSP_CHAIN_PROFILE);
    assert_result (
        rsp_chain_check_server (rsp_ci_cert (pki->ci), pki->roots, RSP_ROLE_DP_AUTH, START, NULL),
        RSP_CHAIN_CI_UNKNOWN);
}

static void
test_tls_names (void)
{
    g_autoptr (Pki) pki = pki_new ();
    static const char *const others[] = {"", "dp1", "dp1.example.co", "dp1.example.com.", "ci"};
    for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
        assert_result (rsp_chain_check_tls (pki->tls, pki->roots, others[i], START),
                       RSP_CHAIN_NAME);
    assert_result (rsp_chain_check_tls (pki->auth, pki->roots, "dp1.example.com", START),
                   RSP_CHAIN_ROLE);
    assert_result (rsp_chain_check_tls (pki->tls, pki->roots, "dp1.example.com", START + 399 * DAY),
                   RSP_CHAIN_TIME);
    g_autoptr (RspCert) ds = server_cert (pki, RSP_ROLE_DS_TLS, NULL);
    assert_result (rsp_chain_check_tls (ds, pki->roots, "dp1.example.com", START), RSP_CHAIN_OK);
    /* A common name alone is no host name. */
    const RspCertSpec spec = {.role = RSP_ROLE_DP_TLS,
                              .common_name = "dp1.example.com",
                              .oid = "2.999.10",
                              .serial = 5,
                              .not_after = START + DAY,
                              .point = point_of (pki->server_key)};
    g_autoptr (RspCert) cn =
        rsp_cert_issue (&spec, rsp_ci_cert (pki->ci), rsp_ci_key (pki->ci), NULL);
    assert_result (rsp_chain_check_tls (cn, pki->roots, "dp1.example.com", START), RSP_CHAIN_NAME);
}

static void
test_no_oid (void)
{
    g_autoptr (Pki) pki = pki_new ();
    g_autoptr (RspCert) cert = rsp_ci_issue_server (pki->ci, RSP_ROLE_DP_AUTH, "dp1", NULL, NULL,
                                                    point_of (pki->server_key), NULL, NULL);
    assert_result (rsp_chain_check_server (cert, pki->roots, RSP_ROLE_DP_AUTH, START, NULL),
                   RSP_CHAIN_OID);
}

/* Signs a changed tbsCertificate anew, so that the change is the only fault. */
static RspCert *
resigned (Pki *pki, const RspCert *cert, const char *from, const char *to)
{
    g_autofree char *hex = rsp_hex (rsp_cert_tbs (cert));
    char *at = strstr (hex, from);
    g_assert_nonnull (at);
    g_assert_cmpuint (strlen (from), ==, strlen (to));
    memcpy (at, to, strlen (to));
    g_autoptr (GBytes) tbs = rsp_unhex (hex), algorithm = rsp_unhex ("300a06082a8648ce3d040302");
    g_autoptr (GBytes) signature = rsp_key_sign_der (rsp_ci_key (pki->ci), rsp_slice_of (tbs));
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0x30);
    g_byte_array_append (out, g_bytes_get_data (tbs, NULL), (guint)g_bytes_get_size (tbs));
    g_byte_array_append (out, g_bytes_get_data (algorithm, NULL), 12);
    rsp_tlv_head (out, 0x03, g_bytes_get_size (signature) + 1);
    g_byte_array_append (out, (const guint8 *)"", 1);
    g_byte_array_append (out, g_bytes_get_data (signature, NULL),
                         (guint)g_bytes_get_size (signature));
    rsp_tlv_close (out, mark);
    g_autoptr (GBytes) der = g_byte_array_free_to_bytes (out);
    return rsp_cert_parse (der, NULL);
}

static void
test_resigned (void)
{
    g_autoptr (Pki) pki = pki_new ();
    static const struct {
        const char *from, *to;
        RspChainResult want; /* FORMAT: does not parse */
    } cases[] = {
        {"0603551d0f0101ff0404", "0603551d0f0101ff0404", RSP_CHAIN_OK},
        {"03020780", "03020308", RSP_CHAIN_PROFILE},                 /* keyAgreement */
        {"03020780", "03020284", RSP_CHAIN_PROFILE},                 /* keyCertSign too */
        {"03020780", "03020781", RSP_CHAIN_FORMAT},                  /* unused bits set */
        {"0603551d1f", "0603551d7f", RSP_CHAIN_OK},                  /* unknown, not critical */
        {"0603551d200101ff", "0603551d7f0101ff", RSP_CHAIN_PROFILE}, /* unknown, critical */
        {"0603551d200101ff", "0603551d20010101", RSP_CHAIN_FORMAT},  /* BOOLEAN 01 */
        {"0603551d1f", "0603551d0f", RSP_CHAIN_FORMAT},              /* an extension twice */
        {"0603551d1f", "0603551d0e", RSP_CHAIN_FORMAT},
        {"67811201020104", "67811201020204", RSP_CHAIN_ROLE}, /* unknown policy */
        {"8803883", "8203883", RSP_CHAIN_FORMAT},             /* dNSName that is no text */
        {"a003020102", "a003020101", RSP_CHAIN_FORMAT},       /* version 2 */
        {"06082a8648ce3d040302", "06082a8648ce3d040303", RSP_CHAIN_SIGNATURE}, /* SHA-384 inside */
        {"06082a8648ce3d030107", "06082a8648ce3d030101", RSP_CHAIN_CURVE},     /* P-192 */
        {"0603551d23", "0603551d73", RSP_CHAIN_CI_UNKNOWN},                    /* no AKI */
    };
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (RspCert) cert = resigned (pki, pki->auth, cases[i].from, cases[i].to);
        RspChainResult have = RSP_CHAIN_FORMAT;
        if (cert)
            have = rsp_chain_check_server (cert, pki->roots, RSP_ROLE_DP_AUTH, START, NULL);
        g_test_message ("case %" G_GSIZE_FORMAT ": %s", i, cases[i].to);
        assert_result (have, cases[i].want);
    }
    /* Out of date and unfit: unfit; out of date and of a wrong role: out of date. */
    const RspCertTwist old = {.not_after = START - 1};
    g_autoptr (RspCert) expired = server_cert (pki, RSP_ROLE_DP_AUTH, &old);
    g_autoptr (RspCert) unfit = resigned (pki, expired, "03020780", "03020308");
    g_autoptr (RspCert) other = resigned (pki, expired, "67811201020104", "67811201020204");
    assert_result (rsp_chain_check_server (unfit, pki->roots, RSP_ROLE_DP_AUTH, START, NULL),
                   RSP_CHAIN_PROFILE);
    assert_result (rsp_chain_check_server (other, pki->roots, RSP_ROLE_DP_AUTH, START, NULL),
                   RSP_CHAIN_TIME);
    g_autoptr (RspCert) no_cert_sign = resigned (pki, pki->eum_cert, "03020204", "03020780");
    assert_result (rsp_chain_check_euicc (pki->euicc, no_cert_sign, pki->roots, START, NULL, NULL),
                   RSP_CHAIN_PROFILE);
    g_autoptr (RspCert) server_only =
        resigned (pki, pki->tls, "2b06010505070301", "2b06010505070302");
    assert_result (rsp_chain_check_tls (server_only, pki->roots, "dp1.example.com", START),
                   RSP_CHAIN_PROFILE);
}

/* Whatever is changed or cut off: no crash, and no changed certificate passes. */
static void
test_hostile (void)
{
    g_autoptr (Pki) pki = pki_new ();
    const RspCert *const certs[] = {pki->auth, pki->eum_cert, pki->tls};
    for (gsize c = 0; c < G_N_ELEMENTS (certs); c++) {
        RspSlice good = rsp_slice_of (rsp_cert_der (certs[c]));
        for (gsize len = 0; len < good.len; len++) {
            g_autoptr (GBytes) cut = g_bytes_new (good.data, len);
            g_assert_null (rsp_cert_parse (cut, NULL));
        }
        for (gsize i = 0; i < good.len; i++) {
            guint8 *bent = g_memdup2 (good.data, good.len);
            bent[i] ^= (guint8)(1u << (i % 8));
            g_autoptr (GBytes) der = g_bytes_new_take (bent, good.len);
            g_autoptr (RspCert) cert = rsp_cert_parse (der, NULL);
            if (cert)
                g_assert_cmpint (rsp_chain_check_one (cert, rsp_ci_cert (pki->ci),
                                                      rsp_cert_role (certs[c]), START),
                                 !=, RSP_CHAIN_OK);
        }
    }
    g_autoptr (GBytes) huge = g_bytes_new_take (g_malloc0 (20000), 20000);
    g_autoptr (GError) error = NULL;
    g_assert_null (rsp_cert_parse (huge, &error));
    g_assert_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT);
}

static void
test_issue_refuses (void)
{
    g_autoptr (Pki) pki = pki_new ();
    g_autofree char *long_name = g_strnfill (65, 'x');
    RspSlice point = point_of (pki->server_key);
    const RspCertSpec base = {.role = RSP_ROLE_DP_AUTH, .common_name = "x", .point = point};
    RspCertSpec specs[12];
    gsize n = 0;
    for (; n < G_N_ELEMENTS (specs); n++)
        specs[n] = base;
    specs[0].common_name = NULL;
    specs[1].common_name = long_name;
    specs[2].common_name = "\xff";
    specs[3].common_name = "";
    specs[4].country = "ESP";
    specs[5].serial_number = "a*b";
    specs[6].dns = "a b";
    specs[7].oid = "2.999.";
    specs[8].oid = "3.1";
    specs[9].eid_prefix = "89049032";
    specs[10].not_before = 1;
    specs[11].point.len = 64;
    for (gsize i = 0; i < n; i++) {
        g_autoptr (GError) error = NULL;
        g_assert_null (
            rsp_cert_issue (&specs[i], rsp_ci_cert (pki->ci), rsp_ci_key (pki->ci), &error));
        g_assert_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT);
    }
    g_autoptr (GError) error = NULL;
    g_assert_null (rsp_cert_issue (&base, rsp_ci_cert (pki->ci), pki->server_key, &error));
    g_assert_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT);
}

static void
test_times (void)
{
    static const struct {
        gint64 when;
        const char *coded;
    } cases[] = {
        {0, "170d3730303130313030303030305a"},
        {-1, "170d3639313233313233353935395a"},
        {G_GINT64_CONSTANT (951782400), "170d3030303232393030303030305a"},
        {G_GINT64_CONSTANT (2524607999), "170d3439313233313233353935395a"},
        {G_GINT64_CONSTANT (2524608000), "180f32303530303130313030303030305a"},
        {G_GINT64_CONSTANT (253402300799), "180f39393939313233313233353935395a"},
        {G_GINT64_CONSTANT (253402300800), "180f39393939313233313233353935395a"},
        {G_MAXINT64, "180f39393939313233313233353935395a"},
    };
    g_autoptr (Pki) pki = pki_new ();
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        const RspCertSpec spec = {.role = RSP_ROLE_DP_AUTH,
                                  .common_name = "x",
                                  .not_before = MIN (cases[i].when, 0),
                                  .not_after = cases[i].when,
                                  .point = point_of (pki->server_key)};
        g_autoptr (RspCert) cert =
            rsp_cert_issue (&spec, rsp_ci_cert (pki->ci), rsp_ci_key (pki->ci), NULL);
        g_autofree char *hex = rsp_hex (rsp_cert_tbs (cert));
        g_assert_nonnull (strstr (hex, cases[i].coded));
        g_assert_cmpint (rsp_cert_not_after (cert), ==,
                         MIN (cases[i].when, G_GINT64_CONSTANT (253402300799)));
    }
    static const char *const wrong[] = {
        "170d3030303233303030303030305a", /* 30 February */
        "170d3031303232393030303030305a", /* not a leap year */
        "170d3030313330313030303030305a", "170d3030303130313234303030305a",
        "170d3030303130313030303036305a", "170d30303031303130303030303030"};
    for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
        g_assert_null (resigned (pki, pki->auth, "170d3234313233313030303030305a", wrong[i]));
}

/* The public test certificates ---------------------------------------------------------------- */

static RspCert *
gsma (const char *name)
{
    g_autofree char *path = g_build_filename (RSP_SHARED, "vectors", "sgp26", name, NULL);
    char *data = NULL;
    gsize len = 0;
    if (!g_file_get_contents (path, &data, &len, NULL))
        return NULL;
    g_autoptr (GBytes) der = g_bytes_new_take (data, len);
    g_autoptr (GError) error = NULL;
    RspCert *cert = rsp_cert_parse (der, &error);
    g_assert_no_error (error);
    return cert;
}

static GPtrArray *
gsma_roots (const char *name)
{
    RspCert *root = gsma (name);
    if (!root) {
        g_test_skip ("shared/vectors/sgp26 is absent");
        return NULL;
    }
    GPtrArray *roots = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_cert_unref);
    g_ptr_array_add (roots, root);
    return roots;
}

static void
test_gsma_nist (void)
{
    g_autoptr (GPtrArray) roots = gsma_roots ("CERT_CI_ECDSA_NIST.der");
    if (!roots)
        return;
    g_autoptr (RspCert) eum = gsma ("CERT_EUM_ECDSA_NIST.der");
    g_autoptr (RspCert) euicc = gsma ("CERT_EUICC_ECDSA_NIST.der");
    g_autoptr (RspCert) auth = gsma ("CERT_S_SM_DPauth_ECDSA_NIST.der");
    g_autoptr (RspCert) pb = gsma ("CERT_S_SM_DPpb_ECDSA_NIST.der");
    g_autoptr (RspCert) tls = gsma ("CERT_S_SM_DP_VARO_TLS_NIST.der");
    assert_result (rsp_chain_check_euicc (euicc, eum, roots, START, NULL, NULL), RSP_CHAIN_OK);
    assert_result (rsp_chain_check_server (auth, roots, RSP_ROLE_DP_AUTH, START, NULL),
                   RSP_CHAIN_OK);
    assert_result (rsp_chain_check_server (pb, roots, RSP_ROLE_DP_PB, START, NULL), RSP_CHAIN_OK);
    assert_result (rsp_chain_check_server (pb, roots, RSP_ROLE_DP_AUTH, START, NULL),
                   RSP_CHAIN_ROLE);
    const char *host = "testsmdpplus1.example.com";
    assert_result (rsp_chain_check_tls (tls, roots, host, G_GINT64_CONSTANT (1790000000)),
                   RSP_CHAIN_OK);
    assert_result (rsp_chain_check_tls (tls, roots, host, START), RSP_CHAIN_TIME);
    g_assert_cmpstr (rsp_cert_oid (auth), ==, "2.999.10");
    g_assert_cmpstr (rsp_cert_serial_number (euicc), ==, EID);
    g_assert_cmpint (rsp_cert_not_after (auth), ==, G_GINT64_CONSTANT (1901089890));
}

static void
test_gsma_brainpool (void)
{
    g_autoptr (GPtrArray) roots = gsma_roots ("CERT_CI_ECDSA_BRP.der");
    if (!roots)
        return;
    g_autoptr (RspCert) eum = gsma ("CERT_EUM_ECDSA_BRP.der");
    g_autoptr (RspCert) euicc = gsma ("CERT_EUICC_ECDSA_BRP.der");
    g_autoptr (RspCert) auth = gsma ("CERT_S_SM_DPauth_ECDSA_BRP.der");
    g_assert_null (rsp_cert_public (auth));
    g_assert_cmpint (rsp_cert_role (auth), ==, RSP_ROLE_DP_AUTH);
    assert_result (rsp_chain_check_server (auth, roots, RSP_ROLE_DP_AUTH, START, NULL),
                   RSP_CHAIN_CURVE);
    assert_result (rsp_chain_check_euicc (euicc, eum, roots, START, NULL, NULL), RSP_CHAIN_CURVE);
}

static void
test_ci_given (void)
{
    g_autoptr (GPtrArray) roots = gsma_roots ("CERT_CI_ECDSA_NIST.der");
    if (!roots)
        return;
    g_autofree char *path =
        g_build_filename (RSP_SHARED, "vectors", "sgp26", "SK_CI_ECDSA_NIST.pem", NULL);
    g_autofree char *pem = NULL;
    g_assert_true (g_file_get_contents (path, &pem, NULL, NULL));
    RspCert *root = g_ptr_array_index (roots, 0);
    g_autoptr (GError) error = NULL;
    RspKey *ci_key = rsp_key_from_pem (pem, -1, &error);
    g_assert_no_error (error);
    g_autoptr (RspCi) ci = rsp_ci_given ("ci", rsp_cert_ref (root), ci_key, START);
    g_autoptr (RspKey) key = new_key ("dp1");
    g_autoptr (RspCert) cert = rsp_ci_issue_server (ci, RSP_ROLE_DP_AUTH, "dp1", "2.999.10", NULL,
                                                    point_of (key), NULL, &error);
    g_assert_no_error (error);
    assert_result (rsp_chain_check_server (cert, roots, RSP_ROLE_DP_AUTH, START, NULL),
                   RSP_CHAIN_OK);
    g_autoptr (RspCi) mute = rsp_ci_given ("ci", rsp_cert_ref (root), NULL, START);
    g_assert_null (rsp_ci_issue_server (mute, RSP_ROLE_DP_AUTH, "dp1", "2.999.10", NULL,
                                        point_of (key), NULL, &error));
    g_assert_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/cert/good", test_good);
    g_test_add_func ("/cert/fields", test_fields);
    g_test_add_func ("/cert/deterministic", test_deterministic);
    g_test_add_func ("/cert/twists", test_twists);
    g_test_add_func ("/cert/euicc-faults", test_euicc_faults);
    g_test_add_func ("/cert/ranges", test_ranges);
    g_test_add_func ("/cert/strangers", test_strangers);
    g_test_add_func ("/cert/tls-names", test_tls_names);
    g_test_add_func ("/cert/no-oid", test_no_oid);
    g_test_add_func ("/cert/resigned", test_resigned);
    g_test_add_func ("/cert/hostile", test_hostile);
    g_test_add_func ("/cert/issue-refuses", test_issue_refuses);
    g_test_add_func ("/cert/times", test_times);
    g_test_add_func ("/cert/gsma-nist", test_gsma_nist);
    g_test_add_func ("/cert/gsma-brainpool", test_gsma_brainpool);
    g_test_add_func ("/cert/ci-given", test_ci_given);
    return g_test_run ();
}
