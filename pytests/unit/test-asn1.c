#include <glib.h>
#include <libtasn1.h>
#include <string.h>

#include "asn1/asn1.h"
#include "asn1/decode.h"
#include "asn1/metadata.h"

extern const asn1_static_node rsp_tab[];

static const struct {
    const char *file, *type;
} recorded[] = {
    {"auth-server-response", "AuthenticateServerResponse"},
    {"authenticate-response", "AuthenticateClientResponseEs9"},
    {"bound-profile-package", "BoundProfilePackage"},
    {"euicc-info1", "EUICCInfo1"},
    {"initiate-response", "InitiateAuthenticationOkEs9"},
    {"pending-notification", "PendingNotification"},
    {"prepare-download-response", "PrepareDownloadResponse"},
    {"store-metadata", "StoreMetadataRequest"},
};

/* NULL where the shared vectors are absent: the test is then skipped by name. */
static GBytes *
load (const char *name)
{
    g_autofree char *path = g_strdup_printf ("%s/vectors/session/%s.der", RSP_SHARED, name);
    char *data = NULL;
    gsize len = 0;
    if (!g_file_get_contents (path, &data, &len, NULL)) {
        g_test_skip ("shared vectors are absent");
        return NULL;
    }
    return g_bytes_new_take (data, len);
}

static void
test_recorded (void)
{
    for (gsize i = 0; i < G_N_ELEMENTS (recorded); i++) {
        g_autoptr (GBytes) der = load (recorded[i].file);
        if (!der)
            return;
        g_autoptr (GError) error = NULL;
        g_autoptr (RspAsn1) node = rsp_asn1_decode (recorded[i].type, der, &error);
        g_assert_no_error (error);
        g_autoptr (GBytes) again = rsp_asn1_encode (node, "");
        g_assert_true (g_bytes_equal (der, again));
    }
}

/* libtasn1 reads the same module: it must accept what we write, and write the same. */
static void
libtasn1_agrees (const char *type, GBytes *der)
{
    asn1_node module = NULL, value = NULL;
    g_assert_cmpint (asn1_array2tree (rsp_tab, &module, NULL), ==, ASN1_SUCCESS);
    g_autofree char *name = g_strdup_printf ("RSPDefinitions.%s", type);
    g_assert_cmpint (asn1_create_element (module, name, &value), ==, ASN1_SUCCESS);
    gsize len = 0;
    gconstpointer data = g_bytes_get_data (der, &len);
    char why[ASN1_MAX_ERROR_DESCRIPTION_SIZE] = "";
    if (asn1_der_decoding (&value, data, (int)len, why) != ASN1_SUCCESS)
        g_error ("%s: libtasn1: %s", type, why);
    int size = (int)len + 64;
    g_autofree guint8 *out = g_malloc ((gsize)size);
    g_assert_cmpint (asn1_der_coding (value, "", out, &size, why), ==, ASN1_SUCCESS);
    g_assert_cmpmem (out, (gsize)size, data, len);
    asn1_delete_structure (&value);
    asn1_delete_structure (&module);
}

static void
test_libtasn1 (void)
{
    for (gsize i = 0; i < G_N_ELEMENTS (recorded); i++) {
        g_autoptr (GBytes) der = load (recorded[i].file);
        if (!der)
            return;
        libtasn1_agrees (recorded[i].type, der);
    }
}

/* No prefix of a message is a message, and no change of one octet crashes or prints raw octets. */
static void
test_hostile (void)
{
    for (gsize i = 0; i < G_N_ELEMENTS (recorded); i++) {
        g_autoptr (GBytes) der = load (recorded[i].file);
        if (!der)
            return;
        RspSlice s = rsp_slice_of (der);
        for (gsize n = 0; n < s.len; n++) {
            g_autoptr (GError) error = NULL;
            g_assert_null (rsp_asn1_decode_slice (recorded[i].type, RSP_SLICE (s.data, n), &error));
            g_assert_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_DECODE);
        }
        g_autofree guint8 *copy = g_memdup2 (s.data, s.len);
        for (gsize n = 0; n < 2 * s.len; n++) {
            guint8 was = copy[n / 2];
            copy[n / 2] ^= n % 2 ? 0xff : 0x01;
            g_autoptr (GError) error = NULL;
            g_autoptr (RspAsn1) node =
                rsp_asn1_decode_slice (recorded[i].type, RSP_SLICE (copy, s.len), &error);
            g_assert_true ((node != NULL) == (error == NULL));
            if (error)
                g_assert_true (g_str_has_prefix (error->message, recorded[i].type));
            if (n % 7 == 0) {
                g_autofree char *text = rsp_decode (RSP_SLICE (copy, s.len), NULL, FALSE, NULL);
                g_assert_true (!text || g_utf8_validate (text, -1, NULL));
            }
            copy[n / 2] = was;
        }
    }
}

static void
test_slices (void)
{
    g_autoptr (GBytes) der = load ("auth-server-response");
    if (!der)
        return;
    g_autoptr (RspAsn1) node = rsp_asn1_decode ("AuthenticateServerResponse", der, NULL);
    const guint8 *start = g_bytes_get_data (der, NULL);
    RspSlice signed1 = rsp_asn1_slice (node, "authenticateResponseOk.euiccSigned1");
    g_assert_true (signed1.data == start + 9 && signed1.len == 108);
    RspSlice ctx = rsp_asn1_slice (node, "authenticateResponseOk.euiccSigned1.ctxParams1");
    g_assert_true (ctx.data == start + 105 && ctx.len == 12);
    g_assert_cmphex (ctx.data[0], ==, 0xa0);
    RspSlice certificate = rsp_asn1_octets (node, "authenticateResponseOk.euiccCertificate");
    g_assert_true (certificate.data == start + 184 && certificate.len == 507);
    g_assert_cmpstr (rsp_asn1_choice (node, ""), ==, "authenticateResponseOk");
    g_autofree char *address =
        rsp_asn1_text (node, "authenticateResponseOk.euiccSigned1.serverAddress");
    g_assert_cmpstr (address, ==, "smdp.example.com");
    g_assert_false (rsp_asn1_has (node, "authenticateResponseError"));

    RspSlice content, whole;
    g_assert_true (rsp_asn1_locate ("AuthenticateServerResponse", rsp_slice_of (der),
                                    "authenticateResponseOk.euiccSigned1.serverChallenge", &content,
                                    &whole));
    g_assert_true (content.data == start + 49 && content.len == 16 && whole.len == 18);
    g_assert_false (rsp_asn1_locate ("AuthenticateServerResponse", rsp_slice_of (der), "no.such",
                                     &content, &whole));
}

static void
expect_hex (RspAsn1 *node, const char *hex)
{
    g_autoptr (GBytes) der = rsp_asn1_encode (node, "");
    g_autofree char *got = rsp_hex (rsp_slice_of (der));
    g_assert_cmpstr (got, ==, hex);
}

static void
test_build (void)
{
    guint8 id[2] = {1, 2};
    g_autoptr (RspAsn1) refused = rsp_asn1_new ("AuthenticateServerResponse");
    rsp_asn1_set_octets (refused, "authenticateResponseError.transactionId", RSP_SLICE_ARRAY (id));
    rsp_asn1_set_int (refused, "authenticateResponseError.authenticateErrorCode", 127);
    expect_hex (refused, "bf3809a1078002010202017f");

    g_autoptr (RspAsn1) enable = rsp_asn1_new ("EnableProfileRequest");
    rsp_asn1_set_bool (enable, "refreshFlag", TRUE); /* out of order on purpose */
    rsp_asn1_set_octets (enable, "profileIdentifier.isdpAid", RSP_SLICE_ARRAY (id));
    expect_hex (enable, "bf3109a0044f0201028101ff");

    g_autoptr (RspAsn1) list = rsp_asn1_new ("ProfileInfoListResponse");
    rsp_asn1_set_choice (list, "", "profileInfoListOk");
    expect_hex (list, "bf2d02a000");
    rsp_asn1_append (list, "profileInfoListOk");
    rsp_asn1_set_int (list, "profileInfoListOk.?LAST.profileState", 1);
    rsp_asn1_append (list, "profileInfoListOk");
    rsp_asn1_set_int (list, "profileInfoListOk.?LAST.profileClass", 2);
    rsp_asn1_set_text (list, "profileInfoListOk.?1.profileNickname", "a");
    expect_hex (list, "bf2d10a00ee3079f70010190"
                      "0161e303950102");
    g_assert_cmpuint (rsp_asn1_count (list, "profileInfoListOk"), ==, 2);
    rsp_asn1_set_absent (list, "profileInfoListOk.?1.profileNickname");
    rsp_asn1_set_choice (list, "", "profileInfoListError");
    rsp_asn1_set_int (list, "profileInfoListError", 1);
    expect_hex (list, "bf2d03810101");

    g_autoptr (RspAsn1) rat = rsp_asn1_new ("GetRatResponse");
    rsp_asn1_append (rat, "rat");
    rsp_asn1_set_bits (rat, "rat.?LAST.pprIds", RSP_PPR1 | RSP_PPR2, 3);
    rsp_asn1_append (rat, "rat.?LAST.allowedOperators");
    guint8 plmn[3] = {0xee, 0xee, 0xee};
    rsp_asn1_set_octets (rat, "rat.?1.allowedOperators.?LAST.mccMnc", RSP_SLICE_ARRAY (plmn));
    rsp_asn1_set_octets (rat, "rat.?1.allowedOperators.?1.gid1", RSP_SLICE (NULL, 0));
    rsp_asn1_set_bits (rat, "rat.?1.pprFlags", 1, 1);
    expect_hex (rat, "bf4317a015301380020560a10930"
                     "078003eeeeee810082020780");

    g_autoptr (RspAsn1) cancel = rsp_asn1_new ("EuiccCancelSessionSigned");
    rsp_asn1_set_octets (cancel, "transactionId", RSP_SLICE_ARRAY (id));
    rsp_asn1_set_oid (cancel, "smdpOid", "2.999.10");
    rsp_asn1_set_int (cancel, "reason", 0);
    expect_hex (cancel, "300c8002010281038837"
                        "0a820100");
    g_autofree char *oid = rsp_asn1_oid (cancel, "smdpOid");
    g_assert_cmpstr (oid, ==, "2.999.10");

    g_autoptr (GBytes) raw = rsp_unhex ("a004800031ff");
    g_autoptr (RspAsn1) verbatim = rsp_asn1_new ("CtxParamsForCommonAuthentication");
    rsp_asn1_set_der (verbatim, "deviceInfo", rsp_slice_of (raw));
    expect_hex (verbatim, "3006a004800031ff");
}

/* Elements by index: forwards, backwards, after one was taken out, and many of them fast. */
static void
test_lists (void)
{
    const gint64 n = 20000;
    g_autoptr (RspAsn1) list = rsp_asn1_new ("LoadCRLResponseOk");
    for (gint64 i = 1; i <= n; i++) {
        rsp_asn1_append (list, "missingParts");
        rsp_asn1_set_int (list, "missingParts.?LAST", i);
    }
    g_autoptr (GBytes) der = rsp_asn1_encode (list, "");
    g_autoptr (RspAsn1) back = rsp_asn1_decode ("LoadCRLResponseOk", der, NULL);
    g_assert_nonnull (back);
    for (gint64 i = 1; i <= n; i++) {
        g_autofree char *path = g_strdup_printf ("missingParts.?%d", (int)i);
        g_assert_cmpint (rsp_asn1_int (back, path, -1), ==, i);
    }
    g_assert_cmpint (rsp_asn1_int (back, "missingParts.?7", -1), ==, 7);
    g_assert_cmpint (rsp_asn1_int (back, "missingParts.?3", -1), ==, 3);
    rsp_asn1_set_absent (back, "missingParts.?3");
    g_assert_cmpint (rsp_asn1_int (back, "missingParts.?3", -1), ==, 4);
    g_assert_cmpint (rsp_asn1_int (back, "missingParts.?2", -1), ==, 2);
    g_assert_false (rsp_asn1_has (back, "missingParts.?20000"));
    g_assert_false (rsp_asn1_has (back, "missingParts.?0"));
    g_assert_false (rsp_asn1_has (back, "missingParts.x"));
}

static void
expect_decode (const char *type, const char *hex, const char *message)
{
    g_autoptr (GBytes) der = rsp_unhex (hex);
    g_autoptr (GError) error = NULL;
    g_autoptr (RspAsn1) node = rsp_asn1_decode (type, der, &error);
    if (message)
        g_assert_cmpstr (error ? error->message : "fine", ==, message);
    else
        g_assert_no_error (error);
}

static void
test_strict (void)
{
    expect_decode ("EnableProfileResponse", "BF3103800100", NULL);
    expect_decode ("EnableProfileResponse", "BF310480020001",
                   "EnableProfileResponse: at octet 3: enableResult: INTEGER is not minimal");
    expect_decode ("EnableProfileResponse", "BF310380010000",
                   "EnableProfileResponse: at octet 6: not DER");
    expect_decode ("EnableProfileResponse", "BF3203800100",
                   "EnableProfileResponse: at octet 0: EnableProfileResponse: unexpected tag");
    expect_decode ("EnableProfileResponse", "BF3100",
                   "EnableProfileResponse: at octet 3: enableResult: missing");
    expect_decode ("CancelSessionRequest", "BF41058000810100",
                   "CancelSessionRequest: at octet 3: transactionId: wrong size");
    expect_decode ("SetNicknameRequest", "BF290F5A0A000102030405060708099001FF",
                   "SetNicknameRequest: at octet 15: profileNickname: text is not UTF-8");
    /* The 64 of a nickname are characters, not octets. */
    g_autoptr (GString) nickname = g_string_new ("BF2981"
                                                 "8F"
                                                 "5A0A00010203040506070809908180");
    for (guint i = 0; i < 64; i++)
        g_string_append (nickname, "C3A9");
    expect_decode ("SetNicknameRequest", nickname->str, NULL);
    /* Extensions: skipped at the end, refused elsewhere. */
    expect_decode ("SmdpSigned2", "300A8001010101FF9F500100", NULL);
    expect_decode ("SmdpSigned2",
                   "30088001019D00"
                   "0101FF",
                   "SmdpSigned2: at octet 5: ccRequiredFlag: missing");
    expect_decode ("SmdpSigned2", "30098001010101FF800101",
                   "SmdpSigned2: at octet 8: SmdpSigned2: element out of place");
    expect_decode ("SmdpSigned2", "30098001010101FF040101",
                   "SmdpSigned2: at octet 8: SmdpSigned2: element out of place");
    expect_decode ("DeleteProfileRequest", "BF33084F0201024F020102",
                   "DeleteProfileRequest: at octet 0: DeleteProfileRequest: must hold one element");
}

static void
test_deployed (void)
{
    g_autoptr (GBytes) der = rsp_unhex ("BF3403820180");
    g_autoptr (RspAsn1) reset = rsp_asn1_decode ("EuiccMemoryResetRequest", der, NULL);
    g_assert_nonnull (reset);
    g_assert_true (rsp_asn1_bit (reset, "resetOptions", 0));
    g_assert_false (rsp_asn1_bit (reset, "resetOptions", 1));
    g_autoptr (GBytes) usual = rsp_unhex ("BF3404820205E0");
    g_autoptr (RspAsn1) second = rsp_asn1_decode ("EuiccMemoryResetRequest", usual, NULL);
    g_assert_true (rsp_asn1_bit (second, "resetOptions", 2));
    g_assert_false (rsp_asn1_bit (second, "resetOptions", 3));
    expect_decode ("EnableProfileRequest", "BF3109A0044F020102810101", NULL);
}

static void
test_metadata (void)
{
    g_autoptr (RspMetadata) m = rsp_metadata_new ();
    m->iccid = g_strdup ("8988303000000000010");
    m->service_provider_name = g_strdup ("Anbieter");
    m->profile_name = g_strdup ("Prüfung");
    m->icon_type = 1;
    m->icon = g_bytes_new_static ("\x89PNG", 4);
    m->profile_class = RSP_CLASS_TEST;
    m->owner_mcc_mnc = g_bytes_new_static ("\x62\xf2\x10", 3);
    m->owner_gid1 = g_bytes_new_static ("\x01", 1);
    m->ppr = RSP_PPR1;
    rsp_metadata_add_notification (m, RSP_EVENT_ENABLE | RSP_EVENT_DELETE, "dp1.example.com");
    rsp_metadata_add_notification (m, RSP_EVENT_INSTALL, "dp2.example.com");
    g_autoptr (GBytes) der = rsp_metadata_encode (m);
    g_autoptr (RspMetadata) copy = rsp_metadata_copy (m);
    g_autoptr (RspMetadata) back = rsp_metadata_decode (rsp_slice_of (der), NULL);
    g_assert_nonnull (back);
    g_autoptr (GBytes) der2 = rsp_metadata_encode (copy), der3 = rsp_metadata_encode (back);
    g_assert_true (g_bytes_equal (der, der2) && g_bytes_equal (der, der3));
    g_assert_cmpstr (back->iccid, ==, "8988303000000000010");
    g_assert_cmphex (back->ppr, ==, RSP_PPR1);
    g_assert_cmpuint (back->notifications->len, ==, 2);
    libtasn1_agrees ("StoreMetadataRequest", der);

    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) no_type = rsp_unhex ("BF25135A0A98883030000000000001910092009401"
                                            "00");
    g_assert_null (rsp_metadata_decode (rsp_slice_of (no_type), &error));
    g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/asn1/recorded", test_recorded);
    g_test_add_func ("/asn1/libtasn1", test_libtasn1);
    g_test_add_func ("/asn1/hostile", test_hostile);
    g_test_add_func ("/asn1/slices", test_slices);
    g_test_add_func ("/asn1/build", test_build);
    g_test_add_func ("/asn1/lists", test_lists);
    g_test_add_func ("/asn1/strict", test_strict);
    g_test_add_func ("/asn1/deployed", test_deployed);
    g_test_add_func ("/asn1/metadata", test_metadata);
    return g_test_run ();
}
