#include <glib.h>
#include <string.h>

#include "asn1/base64.h"
#include "asn1/fields.h"

static RspFields *
decode (RspFunctionId id, RspLeg leg, const char *body, GError **error)
{
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
    return rsp_fields_decode (rsp_function (id), leg, bytes, error);
}

static void
expect_body (const RspFields *f, const char *body)
{
    g_autoptr (GBytes) got = rsp_fields_encode (f);
    g_assert_cmpmem (g_bytes_get_data (got, NULL), g_bytes_get_size (got), body, strlen (body));
}

static void
test_table (void)
{
    for (guint i = 0; i < RSP_FN_COUNT; i++) {
        const RspFunction *fn = rsp_function (i);
        g_assert_cmpuint (fn->id, ==, i);
        g_assert_true (rsp_function_by_name (fn->full_name) == fn);
        if (fn->path)
            g_assert_true (rsp_function_by_path (fn->path, 1u << fn->interface) == fn);
        if (fn->binding == RSP_BINDING_CARD && i != RSP_FN_ES6_UPDATE_METADATA) /* has none */
            g_assert_true (rsp_function_by_tag (fn->tag) == fn);
        /* An IPA's connection to its eIM may stand already. */
        g_assert_true (fn->new_connection == (fn->interface != RSP_IF_ESIPA &&
                                              strcmp (fn->name, "InitiateAuthentication") == 0));
        g_assert_cmpstr (rsp_function_names ()[i], ==, fn->full_name);
    }
    g_assert_null (rsp_function_names ()[RSP_FN_COUNT]);
    g_assert_null (rsp_function_by_name ("ES9+.NoSuchThing"));
    g_assert_null (rsp_function_by_path ("/", 0));
    g_assert_null (rsp_function_by_tag (0xa0));
}

static RspFields *
decode_der (RspFunctionId id, RspLeg leg, const char *hex, GError **error)
{
    g_autoptr (GBytes) bytes = rsp_unhex (hex);
    return rsp_fields_decode_as (rsp_function (id), leg, RSP_ENC_DER, bytes, error);
}

static void
expect_der (const RspFields *f, const char *hex)
{
    g_autoptr (GBytes) got = rsp_fields_encode_as (f, RSP_ENC_DER);
    g_autofree char *text = rsp_hex (rsp_slice_of (got));
    g_assert_cmpstr (text, ==, hex);
}

/* Written by hand from SGP.32 6.3 and SGP.22 6.6. */
static const struct {
    RspFunctionId id;
    RspLeg leg;
    const char *json, *hex;
} both[] = {
    {RSP_FN_ESIPA_GET_EIM_PACKAGE, RSP_LEG_REQUEST,
     "{\"eidValue\":\"89049032001234000000000000000141\",\"notifyStateChange\":true,"
     "\"stateChangeCause\":5,\"rPlmn\":\"APEQ\"}",
     "bf4f1c5a1089049032001234000000000000000141800081010582"
     "0300f110"},
    {RSP_FN_ESIPA_GET_EIM_PACKAGE, RSP_LEG_RESPONSE,
     "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}},"
     "\"eimPackageError\":1}",
     "bf4f03020101"},
    {RSP_FN_ESIPA_GET_EIM_PACKAGE, RSP_LEG_RESPONSE,
     "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}},"
     "\"profileDownloadTriggerRequest\":\"v1QGoASAAk1B\"}",
     "bf4f09bf5406a00480024d41"},
    {RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, RSP_LEG_REQUEST,
     "{\"eimPackageResult\":\"v1EHogWAA2VpbQ==\"}", "bf500abf5107a205800365696d"},
    {RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, RSP_LEG_RESPONSE,
     "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}},"
     "\"eimAcknowledgements\":\"v1MDgAEH\"}",
     "bf5006bf5303800107"},
    {RSP_FN_ESIPA_INITIATE_AUTHENTICATION, RSP_LEG_RESPONSE,
     "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\",\"statusCodeData\":"
     "{\"subjectCode\":\"8.8.2\",\"reasonCode\":\"3.1\",\"message\":\"ciPKIdNotSupported\"}}}}",
     "bf3903810103"},
    {RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST,
     "{\"transactionId\":\"0102\",\"cancelSessionResponse\":\"v0EDgQEF\"}",
     "a20cbf410980020102a103810105"},
    {RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_RESPONSE,
     "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}}",
     "a205bf4102a000"},
    {RSP_FN_ES9P_HANDLE_NOTIFICATION, RSP_LEG_RESPONSE, "", ""},
};

static void
test_bindings (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (both); i++) {
        g_autoptr (RspFields) json = decode (both[i].id, both[i].leg, both[i].json, NULL);
        g_autoptr (RspFields) der = decode_der (both[i].id, both[i].leg, both[i].hex, NULL);
        g_assert_nonnull (json);
        g_assert_nonnull (der);
        expect_der (json, both[i].hex);
        expect_body (der, both[i].json);
        g_autoptr (GBytes) body = rsp_unhex (both[i].hex);
        gsize len = 0;
        const guint8 *octets = g_bytes_get_data (body, &len);
        if (len > 0)
            g_assert_true (rsp_function_by_asn1 (octets, len) == rsp_function (both[i].id));
    }
}

static void
test_bad_der (void)
{
    static const struct {
        RspFunctionId id;
        const char *hex;
        RspFieldsError code;
    } bad[] = {
        {RSP_FN_ES9P_CANCEL_SESSION, "bf410980020102a103810105", RSP_FIELDS_ERROR_BAD},
        {RSP_FN_ES9P_CANCEL_SESSION, "a20cbf410980020102a1038101", RSP_FIELDS_ERROR_BAD},
        {RSP_FN_ES9P_CANCEL_SESSION, "", RSP_FIELDS_ERROR_BAD},
        {RSP_FN_ESIPA_GET_EIM_PACKAGE, "bf4f00", RSP_FIELDS_ERROR_BAD},
        {RSP_FN_ESIPA_GET_EIM_PACKAGE, "bf5000", RSP_FIELDS_ERROR_BAD},
    };
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_autoptr (GError) error = NULL;
        g_assert_null (decode_der (bad[i].id, RSP_LEG_REQUEST, bad[i].hex, &error));
        g_assert_true (g_error_matches (error, RSP_FIELDS_ERROR, (gint)bad[i].code));
    }
    g_assert_null (rsp_function_by_asn1 ((const guint8 *)"\xbf", 1));
    g_assert_null (rsp_function_by_asn1 ((const guint8 *)"\xbf\x51\x00", 3));
}

static void
test_requests (void)
{
    g_autoptr (RspFields) order =
        rsp_fields_new (rsp_function (RSP_FN_ES2P_CONFIRM_ORDER), RSP_LEG_REQUEST);
    rsp_fields_set_header (order, "2.999.1", "call \"1\"\n");
    rsp_fields_set_bool (order, "releaseFlag", TRUE);
    rsp_fields_set_text (order, "iccid", "8988303000000000010");
    const char *body = "{\"header\":{\"functionRequesterIdentifier\":\"2.999.1\","
                       "\"functionCallIdentifier\":\"call \\\"1\\\"\\u000a\"},"
                       "\"iccid\":\"8988303000000000010\",\"releaseFlag\":true}";
    expect_body (order, body);
    g_autoptr (RspFields) back = decode (RSP_FN_ES2P_CONFIRM_ORDER, RSP_LEG_REQUEST, body, NULL);
    g_assert_nonnull (back);
    g_assert_cmpstr (rsp_fields_call_id (back), ==, "call \"1\"\n");
    g_assert_cmpstr (rsp_fields_requester (back), ==, "2.999.1");
    g_assert_true (rsp_fields_bool (back, "releaseFlag"));
    g_assert_null (rsp_fields_text (back, "eid"));
    expect_body (back, body);

    const char *progress =
        "{\"header\":{\"functionRequesterIdentifier\":\"a\",\"functionCallIdentifier\":\"b\"},"
        "\"iccid\":\"1\",\"profileType\":\"t\",\"timestamp\":\"2025-01-01T00:00:00Z\","
        "\"notificationPointId\":4,\"notificationPointStatus\":{\"status\":\"Failed\","
        "\"statusCodeData\":{\"subjectCode\":\"8.10\",\"reasonCode\":\"3.1\"}}}";
    g_autoptr (RspFields) info =
        decode (RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO, RSP_LEG_REQUEST, progress, NULL);
    g_assert_nonnull (info);
    g_assert_cmpstr (rsp_fields_text (info, "notificationPointId"), ==, "4");
    expect_body (info, progress);
}

static void
test_replies (void)
{
    guint8 id[3] = {0x0a, 0xbc, 0xff};
    g_autoptr (GBytes) transaction = g_bytes_new (id, sizeof id);
    g_autoptr (RspFields) reply =
        rsp_fields_new (rsp_function (RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE), RSP_LEG_RESPONSE);
    rsp_fields_set_bytes (reply, "transactionId", transaction);
    rsp_fields_set_bytes (reply, "boundProfilePackage", transaction);
    expect_body (reply,
                 "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}},"
                 "\"transactionId\":\"0ABCFF\",\"boundProfilePackage\":\"Crz/\"}");

    /* Another server's spelling of the TransactionID goes back as it came. */
    g_autoptr (RspFields) lower =
        decode (RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, RSP_LEG_RESPONSE,
                "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-WithWarning\"}},"
                "\"transactionId\":\"0abcFF\",\"boundProfilePackage\":\"Crz/\",\"new\":[1]}",
                NULL);
    g_assert_nonnull (lower);
    g_assert_false (rsp_fields_failed (lower, NULL));
    g_assert_true (g_bytes_equal (rsp_fields_bytes (lower, "transactionId"), transaction));
    g_assert_cmpstr (rsp_fields_text (lower, "transactionId"), ==, "0abcFF");

    g_autoptr (GBytes) failed = rsp_fields_encode_failed ((RspStatus){"8.1.1", "3.10", "no \x01"});
    g_autoptr (RspFields) refused = rsp_fields_decode (
        rsp_function (RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE), RSP_LEG_RESPONSE, failed, NULL);
    RspStatus status;
    g_assert_true (rsp_fields_failed (refused, &status));
    g_assert_cmpstr (status.subject, ==, "8.1.1");
    g_assert_cmpstr (status.reason, ==, "3.10");
    g_assert_cmpstr (status.message, ==, "no \x01");

    g_autoptr (RspFields) empty =
        decode (RSP_FN_ES9P_HANDLE_NOTIFICATION, RSP_LEG_RESPONSE, "", NULL);
    g_assert_nonnull (empty);
    expect_body (empty, "");
    g_autoptr (RspFields) header_only =
        rsp_fields_new (rsp_function (RSP_FN_ES9P_CANCEL_SESSION), RSP_LEG_RESPONSE);
    expect_body (header_only,
                 "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}}");
}

static void
test_hostile (void)
{
    static const struct {
        const char *body;
        RspFieldsError code;
    } bad[] = {
        {"", RSP_FIELDS_ERROR_BAD},
        {"[]", RSP_FIELDS_ERROR_BAD},
        {"{", RSP_FIELDS_ERROR_BAD},
        {"{} x", RSP_FIELDS_ERROR_BAD},
        {"{}", RSP_FIELDS_ERROR_MISSING},
        {"{\"transactionId\":\"01\"}", RSP_FIELDS_ERROR_MISSING},
        {"{\"transactionId\":\"01\",\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA==\"}",
         RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":1,\"cancelSessionResponse\":\"AA==\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"\",\"cancelSessionResponse\":\"AA==\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"0\",\"cancelSessionResponse\":\"AA==\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"0g\",\"cancelSessionResponse\":\"AA==\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"0102030405060708090a0b0c0d0e0f1011\",\"cancelSessionResponse\":"
         "\"\"}",
         RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA=\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AB==\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\",\"cancelSessionResponse\":\"A_==\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA==AA==\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA\\nA=\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\",\"cancelSessionResponse\":\"#0\"}", RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\\u0000\",\"cancelSessionResponse\":\"AA==\"}",
         RSP_FIELDS_ERROR_BAD},
        {"{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA==\",\"x\":\"\xff\"}",
         RSP_FIELDS_ERROR_BAD},
    };
    for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_autoptr (GError) error = NULL;
        g_assert_null (decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, bad[i].body, &error));
        g_assert_error (error, RSP_FIELDS_ERROR, (gint)bad[i].code);
        g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
    g_autoptr (GString) deep = g_string_new (NULL);
    for (guint i = 0; i < 100000; i++)
        g_string_append (deep, "{\"a\":");
    g_assert_null (decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, deep->str, NULL));
    g_autofree char *huge = g_strnfill ((4u << 20) + 1, ' ');
    g_assert_null (decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, huge, NULL));
}

/* Long members take a way of their own past the JSON parser; it must be no wider. */
static void
test_long (void)
{
    g_autofree char *good = g_strnfill (4096, 'A'), *junk = g_strnfill (4096, '-');
    g_autofree char *plain =
        g_strdup_printf ("{\"transactionId\":\"01\",\"cancelSessionResponse\":\"%s\"}", good);
    g_autoptr (RspFields) f = decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, plain, NULL);
    g_assert_nonnull (f);
    g_assert_cmpuint (g_bytes_get_size (rsp_fields_bytes (f, "cancelSessionResponse")), ==, 3072);

    const char *const formats[] = {
        "{\"transactionId\":\"01\",\"cancelSessionResponse\":\"%s\"}",          /* not base64 */
        "{\"transactionId\":\"%s\",\"cancelSessionResponse\":\"AA==\"}",        /* not hex */
        "{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA==\",\"%s\":", /* not JSON */
    };
    for (gsize i = 0; i < G_N_ELEMENTS (formats); i++) {
        g_autoptr (GString) body = g_string_new (formats[i]);
        g_string_replace (body, "%s", junk, 1);
        g_assert_null (decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, body->str, NULL));
    }
    /* Twice the same long key, and bad UTF-8 in a long member that nobody reads. */
    g_autofree char *twice =
        g_strdup_printf ("{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA==\","
                         "\"%s\":1,\"%s\":1}",
                         good, good);
    g_assert_null (decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, twice, NULL));
    g_autofree char *unread =
        g_strdup_printf ("{\"transactionId\":\"01\",\"cancelSessionResponse\":\"AA==\","
                         "\"x\":\"%s\xff\"}",
                         good);
    g_assert_null (decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, unread, NULL));
    /* A long text is text still. */
    g_autofree char *text = g_strdup_printf (
        "{\"euiccChallenge\":\"AA==\",\"euiccInfo1\":\"AA==\",\"smdpAddress\":\"%s\"}", good);
    g_autoptr (RspFields) init =
        decode (RSP_FN_ES9P_INITIATE_AUTHENTICATION, RSP_LEG_REQUEST, text, NULL);
    g_assert_nonnull (init);
    g_assert_cmpstr (rsp_fields_text (init, "smdpAddress"), ==, good);
    /* PHP writes a slash as \/. */
    g_autofree char *escaped = g_strdup_printf (
        "{\"transactionId\":\"01\",\"cancelSessionResponse\":\"%s\\/\\/8=\"}", good);
    g_autoptr (RspFields) slashes =
        decode (RSP_FN_ES9P_CANCEL_SESSION, RSP_LEG_REQUEST, escaped, NULL);
    g_assert_nonnull (slashes);
    g_assert_cmpuint (g_bytes_get_size (rsp_fields_bytes (slashes, "cancelSessionResponse")), ==,
                      3074);
}

static void
test_base64 (void)
{
    for (gsize n = 0; n < 70; n++) {
        guint8 octets[70];
        for (gsize i = 0; i < n; i++)
            octets[i] = (guint8)(i * 89 + n);
        g_autofree char *reference = g_base64_encode (octets, n);
        g_autoptr (GByteArray) out = g_byte_array_new ();
        rsp_base64_append (out, RSP_SLICE (octets, n));
        g_assert_cmpmem (out->data, out->len, reference, strlen (reference));
        g_autoptr (GBytes) back = rsp_base64_decode (reference, strlen (reference));
        g_assert_cmpmem (g_bytes_get_data (back, NULL), g_bytes_get_size (back), octets, n);
    }
    const char *const bad[] = {
        "A", "AA", "AAA", "A===", "====", "AA=A", "=AAA", "AAB=", "AA A", "AA-A"};
    for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_null (rsp_base64_decode (bad[i], strlen (bad[i])));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/fields/table", test_table);
    g_test_add_func ("/fields/bindings", test_bindings);
    g_test_add_func ("/fields/bad-der", test_bad_der);
    g_test_add_func ("/fields/requests", test_requests);
    g_test_add_func ("/fields/replies", test_replies);
    g_test_add_func ("/fields/hostile", test_hostile);
    g_test_add_func ("/fields/long", test_long);
    g_test_add_func ("/fields/base64", test_base64);
    return g_test_run ();
}
