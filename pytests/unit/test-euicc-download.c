/* Profile download as the card sees it: every refusal of AuthenticateServer, PrepareDownload and
 * LoadBoundProfilePackage, and what is left after each. */
#include "test-euicc-host.h"

#include "components/euicc/euicc-pe.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define NO_OTPK RSP_SLICE (NULL, 0)
#define PD(h, twist) host_prepare (h, (h)->pb, (h)->pb_key, twist, NO_OTPK, NULL)

static guint
authenticate (Host *h, RspCert *cert, const RspKey *key, HostTwist twist)
{
    host_get_challenge (h);
    return host_authenticate (h, cert, key, twist);
}

static void
test_authenticate (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspCert) other_ci =
        host_issue (h, RSP_ROLE_CI, "1.3.6.1.4.1.50000.7", h->ds_key, NULL, h->ds_key);
    g_autoptr (RspCert) foreign =
        host_issue (h, RSP_ROLE_DP_AUTH, HOST_OID, h->auth_key, other_ci, h->ds_key);
    g_autoptr (RspCert) forged = host_forge (h->auth);
    g_autoptr (RspCert) no_oid =
        host_issue (h, RSP_ROLE_DP_AUTH, NULL, h->auth_key, h->ci, h->ci_key);

    g_assert_cmpuint (host_authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 4);
    g_assert_cmpuint (authenticate (h, foreign, h->auth_key, HOST_FINE), ==, 7);
    g_assert_cmpuint (authenticate (h, forged, h->auth_key, HOST_FINE), ==, 1);
    g_assert_cmpuint (authenticate (h, no_oid, h->auth_key, HOST_FINE), ==, 5);
    g_assert_cmpuint (authenticate (h, h->pb, h->pb_key, HOST_FINE), ==, 5);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_BAD_SIGNATURE), ==, 2);
    g_assert_cmpuint (authenticate (h, h->auth, h->pb_key, HOST_FINE), ==, 2);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_OTHER_CHALLENGE), ==, 6);
    /* The challenge is used up. */
    g_assert_cmpuint (host_authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 4);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_OTHER_CI), ==, 7);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_NO_CI), ==, 0);
    g_assert_cmpuint (authenticate (h, h->ds, h->ds_key, HOST_FINE), ==, 0);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 0);
    /* Once is enough, and a reset ends it. */
    g_assert_cmpuint (host_authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 4);
}

static void
test_dates (void)
{
    g_autoptr (Host) h = host_new ();
    gint64 year = (gint64)400 * 86400 * G_USEC_PER_SEC;
    rsp_loop_step_wall (h->loop, year);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 0);
    h->config.has_clock = TRUE;
    host_restart (h, NULL);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 1);
    rsp_loop_step_wall (h->loop, -year);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 0);
}

static RspKey *
vector_key (const char *name)
{
    g_autofree char *path = g_build_filename (RSP_SHARED, "vectors", "sgp26", name, NULL);
    g_autofree char *pem = NULL;
    g_assert_true (g_file_get_contents (path, &pem, NULL, NULL));
    RspKey *key = rsp_key_from_pem (pem, -1, NULL);
    g_assert_nonnull (key);
    return key;
}

static RspCert *
vector_cert (const char *name)
{
    g_autofree char *path = g_build_filename (RSP_SHARED, "vectors", "sgp26", name, NULL);
    char *data = NULL;
    gsize size = 0;
    g_assert_true (g_file_get_contents (path, &data, &size, NULL));
    g_autoptr (GBytes) der = g_bytes_new_take (data, size);
    RspCert *cert = rsp_cert_parse (der, NULL);
    g_assert_nonnull (cert);
    return cert;
}

/* The public test certificates: those of NIST P-256 work, those of brainpool are refused by name.
 */
static void
test_public_certificates (void)
{
    g_autofree char *folder = g_build_filename (RSP_SHARED, "vectors", "sgp26", NULL);
    if (!g_file_test (folder, G_FILE_TEST_IS_DIR)) {
        g_test_skip ("the SGP.26 certificates are not here");
        return;
    }
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspKey) euicc_key = vector_key ("SK_EUICC_ECDSA_NIST.pem");
    g_autoptr (RspKey) auth_key = vector_key ("SK_S_SM_DPauth_ECDSA_NIST.pem");
    g_autoptr (RspKey) pb_key = vector_key ("SK_S_SM_DPpb_ECDSA_NIST.pem");
    g_autoptr (RspCert) auth = vector_cert ("CERT_S_SM_DPauth_ECDSA_NIST.der");
    g_autoptr (RspCert) pb = vector_cert ("CERT_S_SM_DPpb_ECDSA_NIST.der");
    g_autoptr (RspCert) brainpool = vector_cert ("CERT_S_SM_DPauth_ECDSA_BRP.der");
    g_autoptr (RspCert) brainpool_pb = vector_cert ("CERT_S_SM_DPpb_ECDSA_BRP.der");
    RspCert **own[] = {&h->ci, &h->euicc, &h->eum};
    const char *names[] = {"CERT_CI_ECDSA_NIST.der", "CERT_EUICC_ECDSA_NIST.der",
                           "CERT_EUM_ECDSA_NIST.der"};
    for (guint i = 0; i < 3; i++) {
        rsp_cert_unref (*own[i]);
        *own[i] = vector_cert (names[i]);
    }
    g_ptr_array_set_size (h->roots, 0);
    g_ptr_array_add (h->roots, rsp_cert_ref (h->ci));
    g_ptr_array_add (h->roots, vector_cert ("CERT_CI_ECDSA_BRP.der"));
    h->config.eid = rsp_cert_serial_number (h->euicc);
    h->config.key = euicc_key;
    h->config.cert = h->euicc;
    h->config.eum_cert = h->eum;
    host_restart (h, NULL);
    g_assert_cmpuint (authenticate (h, brainpool, auth_key, HOST_FINE), ==, 3);
    g_assert_cmpuint (authenticate (h, auth, auth_key, HOST_FINE), ==, 0);
    g_assert_cmpuint (host_prepare (h, brainpool_pb, pb_key, HOST_FINE, NO_OTPK, NULL), ==, 3);
    g_assert_cmpuint (host_prepare (h, pb, pb_key, HOST_FINE, NO_OTPK, NULL), ==, 0);
}

static void
test_authenticated_answer (void)
{
    g_autoptr (Host) h = host_new ();
    host_get_challenge (h);
    g_autoptr (GBytes) request = host_authenticate_request (h, h->auth, h->auth_key, HOST_FINE);
    g_autoptr (GBytes) data = NULL, info2 = host_es10 (h, "bf2200");
    g_assert_cmphex (host_store (h, rsp_slice_of (request), &data), ==, 0x9000);
    RspTlv outer, ok, signed1, tlv;
    g_assert_true (rsp_tlv_single (rsp_slice_of (data), 0xBF38, &outer));
    g_assert_true (rsp_tlv_find (outer.value, 0xA0, &ok));
    RspSlice rest = ok.value;
    g_assert_cmpint (rsp_tlv_next (&rest, &signed1), ==, RSP_TLV_OK);
    g_assert_cmpint (rsp_tlv_next (&rest, &tlv), ==, RSP_TLV_OK);
    g_assert_cmpint (rsp_tlv_next (&rest, &tlv), ==, RSP_TLV_OK);
    g_assert_true (rsp_slice_equal (tlv.whole, rsp_slice_of (rsp_cert_der (h->euicc))));
    g_assert_cmpint (rsp_tlv_next (&rest, &tlv), ==, RSP_TLV_OK);
    g_assert_true (rsp_slice_equal (tlv.whole, rsp_slice_of (rsp_cert_der (h->eum))));
    rest = signed1.value;
    static const guint32 tags[] = {0x80, 0x83, 0x84, 0xBF22, 0xA0};
    for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
        g_assert_cmpint (rsp_tlv_next (&rest, &tlv), ==, RSP_TLV_OK);
        g_assert_cmphex (tlv.tag, ==, tags[i]);
        if (tlv.tag == 0xBF22)
            g_assert_true (rsp_slice_equal (tlv.whole, rsp_slice_of (info2)));
    }
    g_assert_cmpuint (rest.len, ==, 0);
    RspSlice sent = rsp_slice_of (request);
    g_assert_true (rsp_slice_equal (
        tlv.whole, RSP_SLICE (sent.data + sent.len - tlv.whole.len, tlv.whole.len)));
}

static void
test_prepare (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspCert) other_oid =
        host_issue (h, RSP_ROLE_DP_PB, HOST_OID ".2", h->pb_key, h->ci, h->ci_key);
    g_autoptr (RspCert) forged = host_forge (h->pb);
    guint8 hash[32] = {1, 2, 3}, first[RSP_POINT_SIZE];

    g_assert_cmpuint (PD (h, HOST_FINE), ==, 4);
    host_get_challenge (h);
    g_assert_cmpuint (PD (h, HOST_FINE), ==, 4);
    g_assert_cmpuint (host_authenticate (h, h->ds, h->ds_key, HOST_FINE), ==, 0);
    g_assert_cmpuint (PD (h, HOST_FINE), ==, 4);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 0);
    g_assert_cmpuint (host_prepare (h, h->auth, h->auth_key, HOST_FINE, NO_OTPK, NULL), ==, 1);
    g_assert_cmpuint (host_prepare (h, other_oid, h->pb_key, HOST_FINE, NO_OTPK, NULL), ==, 1);
    g_assert_cmpuint (host_prepare (h, forged, h->pb_key, HOST_FINE, NO_OTPK, NULL), ==, 1);
    g_assert_cmpuint (PD (h, HOST_BAD_SIGNATURE), ==, 2);
    g_assert_cmpuint (PD (h, HOST_OTHER_TRANSACTION), ==, 5);
    /* None of this has ended the session; another code may be tried in it. */
    g_assert_cmpuint (host_prepare (h, h->pb, h->pb_key, HOST_FINE, NO_OTPK, hash), ==, 0);
    memcpy (first, h->euicc_point, sizeof first);
    g_assert_cmpuint (host_prepare (h, h->pb, h->pb_key, HOST_FINE, RSP_SLICE_ARRAY (first), NULL),
                      ==, 0);
    g_assert_cmpmem (first, sizeof first, h->euicc_point, sizeof first);
    g_assert_cmpuint (PD (h, HOST_FINE), ==, 0);
    g_assert_cmpint (memcmp (first, h->euicc_point, sizeof first), !=, 0);
    /* The pair is kept over a reset, but only the newest. */
    memcpy (first, h->euicc_point, sizeof first);
    host_session (h);
    g_assert_cmpint (memcmp (first, h->euicc_point, sizeof first), !=, 0);
    memcpy (first, h->euicc_point, sizeof first);
    g_assert_cmpuint (authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 0);
    g_assert_cmpuint (host_prepare (h, h->pb, h->pb_key, HOST_FINE, RSP_SLICE_ARRAY (first), NULL),
                      ==, 0);
    g_assert_cmpmem (first, sizeof first, h->euicc_point, sizeof first);
}

static void
test_cancel (void)
{
    g_autoptr (Host) h = host_new ();
    const char *cancel = "bf41"
                         "15801011111111111111111111111111111111810101";
    assert_es10 (h, cancel, "bf4103810105");
    host_session (h);
    assert_es10 (h,
                 "bf41"
                 "068001118101"
                 "05",
                 "bf4103810105");
    g_autoptr (GBytes) data = host_es10 (h, cancel);
    RspTlv outer, ok, tbs, signature;
    g_assert_true (rsp_tlv_single (rsp_slice_of (data), 0xBF41, &outer));
    g_assert_true (rsp_tlv_single (outer.value, 0xA0, &ok));
    g_assert_true (rsp_tlv_find (ok.value, 0x30, &tbs));
    g_assert_true (rsp_tlv_find (ok.value, 0x5F37, &signature));
    g_assert_true (rsp_public_verify (rsp_cert_public (h->euicc), &tbs.whole, 1, signature.value));
    g_autofree char *hex = rsp_hex (tbs.whole);
    g_assert_cmpstr (hex, ==,
                     "3020"
                     "801011111111111111111111111111111111"
                     "81092b060104018386500"
                     "1"
                     "820101");
    assert_es10 (h, cancel, "bf4103810105");
    g_assert_cmpuint (PD (h, HOST_FINE), ==, 4);
}

/* --- Loading --- */

static void
assert_empty (Host *h, guint32 memory)
{
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    g_assert_cmpuint (profiles->len, ==, 0);
    g_assert_cmpuint (rsp_euicc_free_memory (h->card), ==, memory);
}

static void
test_install (void)
{
    g_autoptr (Host) h = host_new ();
    guint32 memory = rsp_euicc_free_memory (h->card);
    HostPackage fine = {0};
    g_autoptr (GBytes) upp = host_upp (HOST_ICCID);
    RspSlice u = rsp_slice_of (upp);
    guint8 sha[32];
    rsp_sha256 (&u, 1, sha);
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &fine);
    g_autoptr (GBytes) bf37 = host_load (h, chains, NULL);
    g_assert_cmpuint (host_result (h, bf37), ==, 0);
    g_autofree char *hex = rsp_hex (rsp_slice_of (bf37));
    /* AID, then the one answer that real cards give */
    g_assert_nonnull (strstr (hex, "a21fa01d4f10a0000005591010ffffffff8900001000"
                                   "04093007a0053003800100"));
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    g_assert_cmpuint (profiles->len, ==, 1);
    RspProfileView *view = g_ptr_array_index (profiles, 0);
    g_assert_cmpstr (view->iccid, ==, HOST_ICCID);
    g_assert_false (view->enabled);
    g_assert_cmpmem (view->package_sha256, 32, sha, 32);
    g_assert_cmpuint (rsp_euicc_free_memory (h->card), <, memory);
    g_autoptr (GPtrArray) notifications = rsp_euicc_notifications (h->card);
    g_assert_cmpuint (notifications->len, ==, 2);
    RspNotificationView *first = g_ptr_array_index (notifications, 0);
    RspNotificationView *second = g_ptr_array_index (notifications, 1);
    g_assert_cmpuint (first->seq, ==, 1);
    g_assert_cmpstr (first->address, ==, "dp.example.com:8443");
    g_assert_cmpuint (second->seq, ==, 2);
    g_assert_cmpstr (second->address, ==, "ops.example.com");
    /* The session is over. */
    assert_es10 (h,
                 "bf41"
                 "15801011111111111111111111111111111111810101",
                 "bf4103810105");
    g_assert_cmphex (host_store (h, rsp_slice_of (g_ptr_array_index (chains, 1)), NULL), ==,
                     0x6985);
    /* The same ICCID again. */
    g_assert_cmpuint (host_download (h, &fine), ==, 0x0209);
}

static void
test_protection_keys (void)
{
    g_autoptr (Host) h = host_new ();
    HostPackage bad = {.protection_keys = TRUE, .keys = "bf26058003010203"};
    HostPackage fine = {.protection_keys = TRUE, .segment = 100};
    g_assert_cmpuint (host_download (h, &bad), ==, 0x0401);
    bad.keys = "bf2f00";
    g_assert_cmpuint (host_download (h, &bad), ==, 0x0401);
    g_assert_cmpuint (host_download (h, &fine), ==, 0);
}

static void
test_channel_refusals (void)
{
    g_autoptr (Host) h = host_new ();
    guint32 memory = rsp_euicc_free_memory (h->card);
    static const struct {
        HostPackage p;
        guint result;
    } cases[] = {
        {{.bad_sign = TRUE, .bad_transaction = TRUE}, 0x0002},
        {{.bad_transaction = TRUE, .key_type = 0x80}, 0x0003},
        {{.key_type = 0x80, .operation = 2}, 0x0004},
        {{.key_length = 32}, 0x0004},
        {{.host_id_length = 17}, 0x0004},
        {{.operation = 2}, 0x0005},
        {{.bad_point = TRUE}, 0x0001},
        {{.isdp = "bf2500"}, 0x0101},
        {{.isdp = "bf24"}, 0x0101},
        {{.isdp = "bf240cb80a06082b06010401838650"}, 0x0101},
        {{.flip_mac_of = 1}, 0x0108},
        {{.flip_mac_of = 2}, 0x0208},
        {{.flip_mac_of = 3}, 0x0508},
        {{.flip_mac_of = 3, .protection_keys = TRUE}, 0x0408},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        guint result = host_download (h, &cases[i].p);
        if (result != cases[i].result)
            g_error ("case %u: %04x", i, result);
        assert_empty (h, memory);
    }
    g_autoptr (GPtrArray) notifications = rsp_euicc_notifications (h->card);
    g_assert_cmpuint (notifications->len, ==, G_N_ELEMENTS (cases));
}

static guint
download_with (Host *h, const char *metadata_hex)
{
    g_autoptr (GBytes) metadata = host_hex (metadata_hex);
    HostPackage p = {.metadata = metadata};
    return host_download (h, &p);
}

static void
test_metadata_refusals (void)
{
    g_autoptr (Host) h = host_new ();
    const char *iccid = T ("5a", host_digits (HOST_ICCID, TRUE)), *names = "910141920142";
    g_assert_cmpuint (download_with (h, "bf2500"), ==, 0x0201);
    g_assert_cmpuint (download_with (h, T ("bf26", iccid, names)), ==, 0x0201);
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, "9401ff")), ==, 0x0201);
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, T ("95", "09"))), ==, 0x0201);
    /* A PPR without owner, without rule, on a test profile; an unknown one. */
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, "99020640")), ==, 0x020f);
    g_assert_cmpuint (
        download_with (h, T ("bf25", iccid, names, T ("b7", "800300f110"), "99020640")), ==,
        0x020f);
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, "99020410")), ==, 0x020f);
    h->config.test_profiles = FALSE;
    host_restart (h, NULL);
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, "950100")), ==, 0x0206);
    h->config.test_profiles = TRUE;
    host_restart (h, NULL);
    /* The profile's key is no test key. */
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, "950100")), ==, 0x050e);
    /* Owner and IMSI, header and metadata do not agree. */
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, T ("b7", "800362f220"))), ==,
                      0x050d);
    g_assert_cmpuint (
        download_with (h, T ("bf25", T ("5a", host_digits ("8988303000000000028", TRUE)), names)),
        ==, 0x050d);
    /* An unknown element is not minded. */
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, T ("b7", "800300f110"),
                                           T ("bf22", ""), T ("9f55", "00"))),
                      ==, 0);
}

static void
test_rules (void)
{
    g_autoptr (Host) h = host_new ();
    const char *iccid = T ("5a", host_digits (HOST_ICCID, TRUE)), *names = "910141920142";
    const char *owner = T ("b7", "800300f110");
    /* PPR1 for 001-EE, PPR2 for 262 02 with a GID1 alone. */
    g_autofree char *rules = g_strconcat (
        T ("30", "80020640", T ("a1", T ("30", "800300eeee", "8100", "8200")), "82020780"),
        T ("30", "80020520", T ("a1", T ("30", "800362f220", "8101aa")), "820100"), NULL);
    g_autoptr (GBytes) rat = host_hex (rules);
    RspSlice slice = rsp_slice_of (rat);
    h->config.rat = &slice;
    host_restart (h, NULL);
    g_autoptr (GBytes) info2 = host_es10 (h, "bf2200");
    g_autofree char *hex = rsp_hex (rsp_slice_of (info2));
    g_assert_null (strstr (hex, "990205")); /* nothing is forbidden to all */
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, owner, "99020520")), ==, 0x020f);
    g_assert_cmpuint (download_with (h, T ("bf25", iccid, names, owner, "99020640")), ==, 0);
    /* PPR1 now forbids a second profile with PPR1, and its own disabling. */
    const char *second = T ("5a", host_digits ("8988303000000000028", TRUE));
    g_assert_cmpuint (download_with (h, T ("bf25", second, names, owner, "99020640")), ==, 0x020f);
    assert_es10 (h, T ("bf31", T ("a0", iccid), "810100"), "bf3103800100");
    assert_es10 (h, T ("bf32", T ("a0", iccid), "810100"), "bf3203800103");
    assert_es10 (h, "bf340482020580", "bf3403800100");
    assert_empty (h, 512 * 1024);
}

/* The status of the element at fault; asserts that the result is 12. */
static guint
refused_status (Host *h, const char *hex)
{
    g_autoptr (GBytes) upp = host_hex (hex);
    HostPackage p = {.upp = upp};
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &p);
    g_autoptr (GBytes) bf37 = host_load (h, chains, NULL);
    g_assert_cmphex (host_result (h, bf37), ==, 0x050c);
    static const guint32 path[] = {0xBF37, 0xBF27, 0xA2, 0xA1, 0x82, 0x30, 0xA0};
    RspTlv tlv = {.value = rsp_slice_of (bf37)}, aborted;
    for (guint i = 0; i < G_N_ELEMENTS (path); i++) {
        RspSlice inside = tlv.value;
        g_assert_true (rsp_tlv_find (inside, path[i], &tlv));
        if (path[i] == 0x30)
            g_assert_true (rsp_tlv_find (tlv.value, 0x81, &aborted));
    }
    RspSlice list = tlv.value;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK)
        ;
    g_assert_true (rsp_tlv_find (tlv.value, 0x80, &tlv));
    return tlv.value.data[0];
}

static void
test_element_refusals (void)
{
    g_autoptr (Host) h = host_new ();
    h->config.services = rsp_euicc_default_services () & ~RSP_SERVICE_BIT (RSP_SERVICE_JAVACARD);
    host_restart (h, NULL);
    guint32 memory = rsp_euicc_free_memory (h->card);
    const char *header = host_pe_header (HOST_ICCID, "8100"), *mf = host_pe_mf (HOST_ICCID);
    const char *usim = host_pe_usim (), *end = host_pe_end ();
    const char *unknown = T ("bf7e", T ("a0", "8000", T ("81", "22")));
    const char *app = T ("a8", T ("a0", "8000", T ("81", "23")));
    const char *cases[] = {
        g_strconcat (mf, end, NULL),
        g_strconcat (header, mf, usim, NULL),
        g_strconcat (header, header, mf, end, NULL),
        g_strconcat (header, mf, end, usim, NULL),
        g_strconcat (header, mf, mf, end, NULL),
        g_strconcat (header, usim, end, NULL),
        g_strconcat (header, mf, usim, usim, end, NULL),
        g_strconcat (header, mf, unknown, end, NULL),
        g_strconcat (header, mf, app, end, NULL),
        g_strconcat (header, mf, end, "30", NULL),
        g_strconcat (host_pe_header (HOST_ICCID, "8000"), mf, end, NULL),
        g_strconcat (header, mf, host_pe_aka ("04", "00112233445566778899aabbccddeeff"), end, NULL),
        g_strconcat (header, mf,
                     T ("a2", T ("a0", "8000810124"),
                        T ("a1", T ("a0", T ("30", "800181", "81083131313131313131")))),
                     end, NULL),
        g_strconcat (header, mf,
                     T ("a2", T ("a0", "8000810124"),
                        T ("a1", T ("a0", T ("30", "800101", "81083131313131313131", "820101")))),
                     end, NULL),
        g_strconcat (header, mf,
                     T ("a3", T ("a0", "8000810124"),
                        T ("a1", T ("30", "800101", "81083131313131313131", "82011f"))),
                     end, NULL),
    };
    static const guint statuses[] = {5, 5, 5, 5, 5, 5, 5, 1, 7, 5, 10, 5, 3, 6, 3};
    G_STATIC_ASSERT (G_N_ELEMENTS (cases) == G_N_ELEMENTS (statuses));
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        guint status = refused_status (h, cases[i]);
        if (status != statuses[i])
            g_error ("case %u: %u", i, status);
        assert_empty (h, memory);
        g_free ((char *)cases[i]);
    }
    /* Headers: version, template, library. */
    const char *front = T ("83", host_digits (HOST_ICCID, FALSE));
    g_assert_cmpuint (refused_status (h, T ("a0", "800104810100", front, "a500", "a600")), ==, 31);
    g_assert_cmpuint (
        refused_status (h, T ("a0", "800102810103", front, "a500", "a608060667810f010263")), ==, 9);
    g_assert_cmpuint (refused_status (h, T ("a0", "800102810103", front, "a500", "a600",
                                            T ("a8", T ("30", "8005a000000001", "81020100")))),
                      ==, 7);
    g_assert_cmpuint (refused_status (h, "a000"), ==, 5);
    /* What is not mandated and not known is skipped and told of. */
    g_autofree char *lenient = g_strconcat (header, mf, T ("bf7e", T ("a0", T ("81", "22"))), usim,
                                            T ("a8", T ("a0", T ("81", "23"))), end, NULL);
    g_autoptr (GBytes) upp = host_hex (lenient);
    HostPackage p = {.upp = upp};
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &p);
    g_autoptr (GBytes) bf37 = host_load (h, chains, NULL);
    g_assert_cmpuint (host_result (h, bf37), ==, 0);
    g_autofree char *hex = rsp_hex (rsp_slice_of (bf37));
    g_assert_nonnull (strstr (hex, "3017a015"
                                   "3006800101810122"
                                   "3006800107810123"
                                   "3003800100"));
}

static void
test_memory (void)
{
    g_autoptr (Host) h = host_new ();
    HostPackage fine = {0};
    h->config.memory = 700;
    host_restart (h, NULL);
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &fine);
    g_autoptr (GBytes) bf37 = host_load (h, chains, NULL);
    g_assert_cmpuint (host_result (h, bf37), ==, 0x050a);
    g_autofree char *hex = rsp_hex (rsp_slice_of (bf37));
    g_assert_nonnull (strstr (hex, "a116800105"
                                   "81010a"
                                   "820e"
                                   "300ca0083006"
                                   "800104810102"
                                   "8100"));
    assert_empty (h, 700);
    h->config.memory = 200;
    host_restart (h, NULL);
    g_assert_cmpuint (host_download (h, &fine), ==, 0x050a);
    assert_empty (h, 200);
    g_autoptr (GPtrArray) first = rsp_euicc_notifications (h->card);
    g_assert_cmpuint (first->len, ==, 1);
    h->config.memory = 8192;
    host_restart (h, NULL);
    g_assert_cmpuint (host_download (h, &fine), ==, 0);
}

/* Segments out of order, left out, sent twice; and odd groupings that are fine. */
static void
test_order (void)
{
    g_autoptr (Host) h = host_new ();
    guint32 memory = rsp_euicc_free_memory (h->card);
    HostPackage p = {.segment = 150, .protection_keys = TRUE};
    guint n = 0;
    for (guint skip = 0; skip == 0 || skip < n; skip++) {
        host_session (h);
        g_autoptr (GPtrArray) chains = host_package (h, &p);
        n = chains->len;
        g_ptr_array_remove_index (chains, skip);
        guint sw = 0;
        g_autoptr (GBytes) result = host_load (h, chains, &sw);
        if (skip == 0) {
            g_assert_cmphex (sw, ==, 0x6a80);
            g_assert_null (result);
        } else if (skip == n - 1) {
            g_assert_null (result); /* waits for more */
        } else {
            g_assert_cmpuint (host_result (h, result), !=, 0);
        }
        assert_empty (h, memory);
    }
    for (guint twice = 0; twice < n - 1; twice++) {
        host_session (h);
        g_autoptr (GPtrArray) chains = host_package (h, &p);
        g_ptr_array_insert (chains, (int)twice, g_bytes_ref (g_ptr_array_index (chains, twice)));
        g_autoptr (GBytes) result = host_load (h, chains, NULL);
        g_assert_cmpuint (host_result (h, result), !=, 0);
        assert_empty (h, memory);
    }
    /* All in one chain each two. */
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &p);
    g_autoptr (GPtrArray) joined = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    for (guint i = 0; i < chains->len; i += 2) {
        GByteArray *two = g_byte_array_new ();
        for (guint k = i; k < MIN (i + 2, chains->len); k++) {
            RspSlice s = rsp_slice_of (g_ptr_array_index (chains, k));
            g_byte_array_append (two, s.data, (guint)s.len);
        }
        g_ptr_array_add (joined, g_byte_array_free_to_bytes (two));
    }
    g_autoptr (GBytes) result = host_load (h, joined, NULL);
    g_assert_cmpuint (host_result (h, result), ==, 0);
}

/* Power goes, or somebody else speaks, between any two segments. */
static void
test_interruptions (void)
{
    g_autoptr (Host) h = host_new ();
    guint32 memory = rsp_euicc_free_memory (h->card);
    HostPackage p = {.segment = 300};
    guint interrupted = 0;
    host_session (h);
    g_autoptr (GPtrArray) probe = host_package (h, &p);
    for (guint stop = 1; stop < probe->len; stop++) {
        host_session (h);
        g_autoptr (GPtrArray) chains = host_package (h, &p);
        GPtrArray *part = g_ptr_array_new ();
        for (guint i = 0; i < stop; i++)
            g_ptr_array_add (part, g_ptr_array_index (chains, i));
        g_assert_null (host_load (h, part, NULL));
        g_ptr_array_unref (part);
        /* Others may look, but not change; the load goes on. */
        assert_es10 (h, "bf2d00", "bf2d02a000");
        g_autoptr (GBytes) enable = host_hex ("bf3103800100");
        g_assert_cmphex (host_store (h, rsp_slice_of (enable), NULL), ==, 0x6985);
        if (stop % 3 == 0)
            host_get_challenge (h);
        else if (stop % 3 == 1)
            host_es10 (h, "bf41"
                          "15801011111111111111111111111111111111810105");
        else
            interrupted++; /* and a result says so */
        rsp_euicc_reset (h->card);
        assert_empty (h, memory);
        assert_apdu (h, "0070000001", "019000");
        assert_apdu (h, "01a4040c10a0000005591010ffffffff8900000100", "9000");
        g_assert_cmphex (host_store (h, rsp_slice_of (g_ptr_array_index (chains, stop)), NULL), ==,
                         0x6985);
    }
    g_autoptr (GPtrArray) notifications = rsp_euicc_notifications (h->card);
    g_assert_cmpuint (interrupted, >, 0);
    g_assert_cmpuint (notifications->len, ==, interrupted);
    g_assert_cmpuint (host_download (h, &p), ==, 0);
}

static void
turn (GPtrArray *chains, RspRng *rng)
{
    guint i = rsp_rng_below (rng, chains->len);
    gsize size = 0;
    const guint8 *data = g_bytes_get_data (g_ptr_array_index (chains, i), &size);
    guint8 *copy = g_memdup2 (data, size);
    if (rsp_rng_below (rng, 4) == 0)
        size = rsp_rng_below (rng, (guint32)size);
    else
        copy[rsp_rng_below (rng, (guint32)size)] ^= (guint8)(1 + rsp_rng_below (rng, 255));
    g_bytes_unref (g_ptr_array_index (chains, i));
    g_ptr_array_index (chains, i) = g_bytes_new_take (copy, size);
}

static void
test_package_mutations (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (3, "test", "packages", 1);
    HostPackage p = {.segment = 200, .protection_keys = TRUE};
    for (guint n = 0; n < 120; n++) {
        host_session (h);
        g_autoptr (GPtrArray) chains = host_package (h, &p);
        turn (chains, rng);
        g_autoptr (GBytes) result = host_load (h, chains, NULL);
        if (result)
            g_assert_cmpuint (host_result (h, result), !=, 0);
        g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
        g_assert_cmpuint (profiles->len, ==, 0);
    }
}

/* What was inside the protection may be just as bad. */
static void
test_content_mutations (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (4, "test", "contents", 1);
    g_autoptr (GBytes) metadata = host_metadata (HOST_ICCID, RSP_CLASS_OPERATIONAL);
    g_autoptr (GBytes) upp = host_upp (HOST_ICCID);
    for (guint n = 0; n < 300; n++) {
        g_autoptr (GPtrArray) contents =
            g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
        g_ptr_array_add (contents, g_bytes_ref (metadata));
        g_ptr_array_add (contents, g_bytes_ref (upp));
        turn (contents, rng);
        HostPackage p = {.metadata = g_ptr_array_index (contents, 0),
                         .upp = g_ptr_array_index (contents, 1)};
        host_session (h);
        g_autoptr (GPtrArray) chains = host_package (h, &p);
        g_autoptr (GBytes) result = host_load (h, chains, NULL);
        if (result)
            host_result (h, result);
        host_es10 (h, "bf3404820205c0");
    }
}

static void
test_request_mutations (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (5, "test", "requests", 1);
    for (guint n = 0; n < 250; n++) {
        g_autoptr (GPtrArray) request =
            g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
        g_autoptr (GBytes) data = NULL;
        host_get_challenge (h);
        if (n % 2) {
            g_assert_cmpuint (host_authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 0);
            g_ptr_array_add (request,
                             host_prepare_request (h, h->pb, h->pb_key, HOST_FINE, NO_OTPK, NULL));
        } else {
            g_ptr_array_add (request,
                             host_authenticate_request (h, h->auth, h->auth_key, HOST_FINE));
        }
        turn (request, rng);
        guint sw = host_store (h, rsp_slice_of (g_ptr_array_index (request, 0)), &data);
        g_assert_true (sw == 0x9000 || sw >> 12 == 6);
    }
}

static void
test_restart (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp ("euicc-XXXXXX", &error);
    g_assert_no_error (error);
    g_autofree char *path = g_build_filename (dir, "card.nvm", NULL);
    host_restart (h, path);
    HostPackage fine = {0};
    g_assert_cmpuint (host_download (h, &fine), ==, 0);
    assert_es10 (h, T ("bf29", T ("5a", host_digits (HOST_ICCID, TRUE)), T ("90", "4d65")),
                 "bf2903800100");
    assert_es10 (h, T ("bf31", T ("a0", T ("5a", host_digits (HOST_ICCID, TRUE))), "8101ff"),
                 "bf3103800100");
    guint32 memory = rsp_euicc_free_memory (h->card);
    g_autoptr (GBytes) list = host_es10 (h, "bf2800"), info = host_es10 (h, "bf2d00");
    host_restart (h, path);
    g_autoptr (GBytes) list2 = host_es10 (h, "bf2800"), info2 = host_es10 (h, "bf2d00");
    g_assert_true (g_bytes_equal (list, list2));
    g_assert_true (g_bytes_equal (info, info2));
    g_assert_cmpuint (rsp_euicc_free_memory (h->card), ==, memory);
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    RspProfileView *view = g_ptr_array_index (profiles, 0);
    g_assert_true (view->enabled);
    g_assert_cmpstr (view->nickname, ==, "Me");
    g_clear_pointer (&h->card, rsp_euicc_free);
    g_autofree char *wipe = g_strdup_printf ("rm -r %s", dir);
    g_assert_cmpint (system (wipe), ==, 0);
}

/* A memory that takes no more: the answer says so, and everything is as it was. */
static void
test_full_disk (void)
{
    g_autoptr (Host) h = host_new ();
    g_autofree char *dir = g_dir_make_tmp ("euicc-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (dir, "card.nvm", NULL);
    struct rlimit before, none;
    HostPackage fine = {0};
    guint sw = 0;
    host_restart (h, path);
    guint32 memory = rsp_euicc_free_memory (h->card);
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &fine);
    g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
    none = before;
    none.rlim_cur = 0;
    signal (SIGXFSZ, SIG_IGN);
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
    assert_es10 (h, "bf3f03800161", "bf3f0380017f");
    g_autoptr (GBytes) result = host_load (h, chains, &sw);
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
    g_assert_cmphex (sw, ==, 0x6581);
    g_assert_null (result);
    assert_empty (h, memory);
    g_autoptr (GPtrArray) notifications = rsp_euicc_notifications (h->card);
    g_assert_cmpuint (notifications->len, ==, 0);
    g_assert_cmpuint (host_download (h, &fine), ==, 0);
    g_clear_pointer (&h->card, rsp_euicc_free);
    g_autofree char *wipe = g_strdup_printf ("rm -r %s", dir);
    g_assert_cmpint (system (wipe), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/euicc-download/authenticate", test_authenticate);
    g_test_add_func ("/euicc-download/dates", test_dates);
    g_test_add_func ("/euicc-download/public-certificates", test_public_certificates);
    g_test_add_func ("/euicc-download/authenticated-answer", test_authenticated_answer);
    g_test_add_func ("/euicc-download/prepare", test_prepare);
    g_test_add_func ("/euicc-download/cancel", test_cancel);
    g_test_add_func ("/euicc-download/install", test_install);
    g_test_add_func ("/euicc-download/protection-keys", test_protection_keys);
    g_test_add_func ("/euicc-download/channel-refusals", test_channel_refusals);
    g_test_add_func ("/euicc-download/metadata-refusals", test_metadata_refusals);
    g_test_add_func ("/euicc-download/rules", test_rules);
    g_test_add_func ("/euicc-download/element-refusals", test_element_refusals);
    g_test_add_func ("/euicc-download/memory", test_memory);
    g_test_add_func ("/euicc-download/order", test_order);
    g_test_add_func ("/euicc-download/interruptions", test_interruptions);
    g_test_add_func ("/euicc-download/package-mutations", test_package_mutations);
    g_test_add_func ("/euicc-download/content-mutations", test_content_mutations);
    g_test_add_func ("/euicc-download/request-mutations", test_request_mutations);
    g_test_add_func ("/euicc-download/restart", test_restart);
    g_test_add_func ("/euicc-download/full-disk", test_full_disk);
    return g_test_run ();
}
