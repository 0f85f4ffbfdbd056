/* Faults: what they change in a message, and what they sign again. */
#include "asn1/tlv.h"
#include "sim/net/fault.h"

#include <string.h>

typedef struct {
    RspFaults *faults;
    RspFault *fault;
    RspFaultMessage message;
    const char *result;
} Case;

static Case *
case_new (RspFunctionId id, RspLeg leg, RspFaultAction action, const char *field)
{
    Case *c = g_new0 (Case, 1);
    c->faults = rsp_faults_new (rsp_rng_new (1, "faults", "test", 0));
    c->fault = g_new0 (RspFault, 1);
    c->fault->name = g_strdup ("f");
    c->fault->function = rsp_function (id);
    c->fault->leg = leg;
    c->fault->action = action;
    c->fault->field = g_strdup (field);
    gboolean card = c->fault->function->binding == RSP_BINDING_CARD;
    const char *peer = card ? "card" : "dp1";
    c->message = (RspFaultMessage){.function = c->fault->function,
                                   .leg = leg,
                                   .src = leg == RSP_LEG_REQUEST ? "phone" : peer,
                                   .dst = leg == RSP_LEG_REQUEST ? peer : "phone",
                                   .client = "phone",
                                   .nth = 1,
                                   .ordinal = 1};
    return c;
}

/* Declares the fault last, so that it is complete. */
static void
declare (Case *c)
{
    rsp_faults_add (c->faults, c->fault);
}

static void
case_free (Case *c)
{
    rsp_faults_free (c->faults);
    g_free (c);
}

static GBytes *
text_bytes (const char *text)
{
    return g_bytes_new (text, strlen (text));
}

static void
assert_json (Case *c, const char *body, const char *expected)
{
    declare (c);
    g_autoptr (GBytes) in = text_bytes (body);
    guint position = 0;
    g_assert_true (rsp_faults_match (c->faults, &c->message, &position) == c->fault);
    g_autoptr (GBytes) out = rsp_faults_edit (c->faults, c->fault, &c->message, in, &c->result);
    if (!expected) {
        g_assert_null (out);
        g_assert_nonnull (c->result);
    } else {
        g_assert_nonnull (out);
        g_autofree char *text = g_strndup (g_bytes_get_data (out, NULL), g_bytes_get_size (out));
        g_assert_cmpstr (text, ==, expected);
    }
}

static GBytes *
edit_hex (Case *c, const char *hex)
{
    g_autoptr (GBytes) in = rsp_unhex (hex);
    g_assert_nonnull (in);
    return rsp_faults_edit (c->faults, c->fault, &c->message, in, &c->result);
}

static void
assert_hex (Case *c, const char *hex, const char *expected)
{
    declare (c);
    g_autoptr (GBytes) out = edit_hex (c, hex);
    if (!expected) {
        g_assert_null (out);
        return;
    }
    g_assert_nonnull (out);
    g_autofree char *text = rsp_hex (rsp_slice_of (out));
    g_assert_cmpstr (text, ==, expected);
}

static void
test_names (void)
{
    RspFaultAction a;
    for (guint i = RSP_FAULT_DROP; i <= RSP_FAULT_STATUS_WORD; i++) {
        g_assert_true (rsp_fault_action_parse (rsp_fault_action_name (i), &a));
        g_assert_cmpint (a, ==, i);
    }
    g_assert_false (rsp_fault_action_parse ("explode", &a));
    g_assert_false (rsp_fault_action_parse (NULL, &a));
}

/* JSON members ------------------------------------------------------------------------------------
 */

#define CONFIRM "{\"iccid\":\"8988\",\"releaseFlag\":true,\"x\":[1]}"

static void
test_members (void)
{
    static const struct {
        const char *field, *text, *value; /* value in hex */
        gboolean remove;
        const char *expected;
    } rows[] = {
        {"iccid", NULL, NULL, FALSE, "{\"iccid\":\"8989\",\"releaseFlag\":true,\"x\":[1]}"},
        {"iccid", "42", NULL, FALSE, "{\"iccid\":\"42\",\"releaseFlag\":true,\"x\":[1]}"},
        {"iccid", NULL, "4142", FALSE, "{\"iccid\":\"AB\",\"releaseFlag\":true,\"x\":[1]}"},
        {"iccid", NULL, "ff", FALSE, NULL}, /* not UTF-8 */
        {"iccid", NULL, NULL, TRUE, "{\"releaseFlag\":true,\"x\":[1]}"},
        {"releaseFlag", NULL, NULL, FALSE, "{\"iccid\":\"8988\",\"releaseFlag\":false,\"x\":[1]}"},
        {"releaseFlag", "\"no\"", NULL, FALSE,
         "{\"iccid\":\"8988\",\"releaseFlag\":\"no\",\"x\":[1]}"},
        {"releaseFlag", "}{", NULL, FALSE, NULL},
        {"matchingId", "M", NULL, FALSE, NULL},
        {"x", NULL, NULL, FALSE, NULL},
        {"iccid.deeper", NULL, NULL, FALSE, NULL},
        {"", NULL, NULL, FALSE, NULL},
        {".", NULL, NULL, FALSE, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        Case *c =
            case_new (RSP_FN_ES2P_CONFIRM_ORDER, RSP_LEG_REQUEST, RSP_FAULT_CORRUPT, rows[i].field);
        c->fault->text = g_strdup (rows[i].text);
        c->fault->value = rows[i].value ? rsp_unhex (rows[i].value) : NULL;
        c->fault->remove = rows[i].remove;
        assert_json (c, CONFIRM, rows[i].expected);
        case_free (c);
    }
}

static void
test_header_and_octets (void)
{
    Case *c = case_new (RSP_FN_ES9P_AUTHENTICATE_CLIENT, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                        "header.functionExecutionStatus.status");
    c->fault->text = g_strdup ("Failed");
    assert_json (c, "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Executed-Success\"}}}",
                 "{\"header\":{\"functionExecutionStatus\":{\"status\":\"Failed\"}}}");
    case_free (c);

    c = case_new (RSP_FN_ES9P_AUTHENTICATE_CLIENT, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                  "transactionId");
    assert_json (c, "{\"transactionId\":\"0A0B\"}", "{\"transactionId\":\"0a0a\"}");
    case_free (c);

    c = case_new (RSP_FN_ES9P_AUTHENTICATE_CLIENT, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                  "smdpCertificate");
    c->fault->value = rsp_unhex ("3000");
    assert_json (c, "{\"smdpCertificate\":\"AAAA\"}", "{\"smdpCertificate\":\"MAA=\"}");
    case_free (c);

    static const char *const bad[] = {
        "", "[]", "{", "null", "{\"transactionId\":7}", "{\"transactionId\":\"xyz\"}"};
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        c = case_new (RSP_FN_ES9P_AUTHENTICATE_CLIENT, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                      "transactionId");
        declare (c);
        g_autoptr (GBytes) in = text_bytes (bad[i]);
        g_autoptr (GBytes) out = rsp_faults_edit (c->faults, c->fault, &c->message, in, &c->result);
        g_assert_null (out);
        g_assert_cmpstr (c->result, ==, "fieldNotFound");
        case_free (c);
    }
}

/* DER ---------------------------------------------------------------------------------------------
 */

#define X4(xx) xx xx xx xx
#define SIGNATURE_OF(xx) "5f3740" X4 (X4 (X4 (xx)))
#define OTPK "5f490404010203"
/* BF21 { A0 { 30 { 80 01 07, 5F49 }, 5F37 } } */
#define PREPARED "bf2151a04f300a800107" OTPK SIGNATURE_OF ("00")

static void
test_der (void)
{
    static const struct {
        const char *field, *value;
        gboolean remove;
        const char *expected;
    } rows[] = {
        {"euiccSigned2.transactionId", NULL, FALSE,
         "bf2151a04f300a800106" OTPK SIGNATURE_OF ("00")},
        {"downloadResponseOk.euiccSigned2.transactionId", NULL, FALSE,
         "bf2151a04f300a800106" OTPK SIGNATURE_OF ("00")},
        {"euiccSigned2.transactionId", "aabb", FALSE,
         "bf2152a050300b8002aabb" OTPK SIGNATURE_OF ("00")},
        {"euiccSigned2.transactionId", "", FALSE, "bf2150a04e30098000" OTPK SIGNATURE_OF ("00")},
        {"euiccSigned2.euiccOtpk", NULL, TRUE, "bf214aa0483003800107" SIGNATURE_OF ("00")},
        {"euiccSigned2", "3000", FALSE, "bf2147a0453000" SIGNATURE_OF ("00")},
        {"euiccSignature2", "01", FALSE,
         "bf2112a010300a8001075f49040401020"
         "35f370101"},
        {"euiccSigned2.hashCc", "00", FALSE, NULL},
        {"nonsense", NULL, FALSE, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        Case *c = case_new (RSP_FN_ES10B_PREPARE_DOWNLOAD, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                            rows[i].field);
        c->fault->value = rows[i].value ? rsp_unhex (rows[i].value) : NULL;
        c->fault->remove = rows[i].remove;
        assert_hex (c, PREPARED, rows[i].expected);
        case_free (c);
    }
}

/* Lengths that change their own length: 127 octets to 128, and back. */
static void
test_lengths (void)
{
    g_autofree guint8 *octets = g_malloc0 (200);
    for (guint len = 60; len < 200; len++) {
        Case *c = case_new (RSP_FN_ES10B_PREPARE_DOWNLOAD, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                            "euiccSigned2.euiccOtpk");
        c->fault->value = g_bytes_new (octets, len);
        declare (c);
        g_autoptr (GBytes) out = edit_hex (c, PREPARED);
        g_assert_nonnull (out);
        g_assert_true (rsp_der_check (rsp_slice_of (out), NULL));
        RspTlv bf21, a0, signed2, otpk, signature;
        g_assert_true (rsp_tlv_single (rsp_slice_of (out), 0xBF21, &bf21));
        g_assert_true (rsp_tlv_single (bf21.value, 0xA0, &a0));
        g_assert_true (rsp_tlv_find (a0.value, 0x30, &signed2));
        g_assert_true (rsp_tlv_find (signed2.value, 0x5F49, &otpk));
        g_assert_cmpuint (otpk.value.len, ==, len);
        g_assert_true (rsp_tlv_find (a0.value, 0x5F37, &signature));
        g_assert_cmpuint (signature.value.len, ==, 64);
        case_free (c);
    }
}

/* BF36 { BF23, A0 { 87 }, A1 { 88, 88 }, A3 { 86, 86, 86 } } */
#define CHANNEL "bf235b820101800101a60980018881011084010a5f490404010203" SIGNATURE_OF ("00")
#define PACKAGE(len, tail) "bf36" len CHANNEL tail
#define HEAD "a0058703010203a1088802aaaa8802bbbb"

static void
test_segments (void)
{
    static const struct {
        const char *field;
        RspFaultAction action;
        gboolean remove;
        const char *value, *tail, *len;
    } rows[] = {
        {"boundProfilePackage.sequenceOf86[2]", RSP_FAULT_CORRUPT, FALSE, NULL,
         HEAD "a30c860201018602020286020302", "7d"},
        {"sequenceOf86[-1]", RSP_FAULT_CORRUPT, FALSE, NULL, HEAD "a30c860201018602020286020302",
         "7d"},
        {"sequenceOf86", RSP_FAULT_CORRUPT, FALSE, NULL, HEAD "a30c860201008602020286020303", "7d"},
        {"sequenceOf86[1]", RSP_FAULT_CORRUPT, TRUE, NULL, HEAD "a3088602010186020303", "79"},
        {"sequenceOf86[0]", RSP_FAULT_DUPLICATE, FALSE, NULL,
         HEAD "a3108602010186020101860202028602030"
              "3",
         "8181"},
        {"sequenceOf88[1]", RSP_FAULT_REPLACE, FALSE, "cc",
         "a0058703010203a1078802aaaa8801cca30c860201018602020286020303", "7c"},
        {"firstSequenceOf87", RSP_FAULT_CORRUPT, FALSE, NULL,
         "a0058703010202a1088802aaaa8802bbbba30c860201018602020286020303", "7d"},
        {"secondSequenceOf87", RSP_FAULT_CORRUPT, FALSE, NULL, NULL, NULL},
        {"sequenceOf86[3]", RSP_FAULT_CORRUPT, FALSE, NULL, NULL, NULL},
        {"sequenceOf86[-4]", RSP_FAULT_CORRUPT, FALSE, NULL, NULL, NULL},
        {"sequenceOf86[", RSP_FAULT_CORRUPT, FALSE, NULL, NULL, NULL},
        {"sequenceOf86[x]", RSP_FAULT_CORRUPT, FALSE, NULL, NULL, NULL},
        {"sequenceOf86[99999999999999999999]", RSP_FAULT_CORRUPT, FALSE, NULL, NULL, NULL},
        {"sequenceOf86[-99999999999999999999]", RSP_FAULT_CORRUPT, FALSE, NULL, NULL, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        Case *c = case_new (RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, RSP_LEG_REQUEST,
                            rows[i].action, rows[i].field);
        c->fault->remove = rows[i].remove;
        c->fault->value = rows[i].value ? rsp_unhex (rows[i].value) : NULL;
        g_autofree char *expected =
            rows[i].tail ? g_strconcat ("bf36", rows[i].len, CHANNEL, rows[i].tail, NULL) : NULL;
        assert_hex (c, PACKAGE ("7d", HEAD "a30c860201018602020286020303"), expected);
        case_free (c);
    }
}

/* Signing again
 * ------------------------------------------------------------------------------------ */

static RspKey *
make_key (const char *name)
{
    g_autoptr (RspRng) rng = rsp_rng_new (1, name, "key", 0);
    return rsp_key_generate (rng);
}

static void
assert_signed (RspKey *key, RspSlice first, RspSlice second, RspSlice signature)
{
    g_autoptr (RspPublic) public = rsp_public_of (key);
    RspSlice parts[] = {first, second};
    g_assert_true (rsp_public_verify (public, parts, 2, signature));
}

static void
observe (Case *c, RspFunctionId id, RspLeg leg, const char *hex)
{
    g_autoptr (GBytes) body = rsp_unhex (hex);
    RspFaultMessage m = c->message;
    m.function = rsp_function (id);
    m.leg = leg;
    gboolean card = m.function->binding == RSP_BINDING_CARD;
    m.src = leg == RSP_LEG_REQUEST ? "phone" : card ? "card" : "dp1";
    m.dst = leg == RSP_LEG_REQUEST ? (card ? "card" : "dp1") : "phone";
    if (!card) {
        g_autofree char *text =
            g_base64_encode (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
        g_autofree char *json = g_strdup_printf (
            "{\"%s\":\"%s\"}",
            leg == RSP_LEG_REQUEST ? "prepareDownloadResponse" : "smdpSignature2", text);
        g_autoptr (GBytes) object = text_bytes (json);
        g_assert_true (rsp_faults_concern (c->faults, m.function));
        rsp_faults_observe (c->faults, &m, object);
        return;
    }
    g_assert_true (rsp_faults_concern (c->faults, m.function));
    rsp_faults_observe (c->faults, &m, body);
}

static void
test_resign_euicc (void)
{
    g_autoptr (RspKey) key = make_key ("card");
    Case *c = case_new (RSP_FN_ES10B_PREPARE_DOWNLOAD, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                        "euiccSigned2.transactionId");
    c->fault->resign = TRUE;
    declare (c);
    g_autoptr (GBytes) no_key = edit_hex (c, PREPARED);
    g_assert_null (no_key);
    g_assert_cmpstr (c->result, ==, "noKey");
    rsp_faults_add_key (c->faults, "card", "euicc", key);
    g_autoptr (GBytes) no_input = edit_hex (c, PREPARED);
    g_assert_null (no_input);
    g_assert_cmpstr (c->result, ==, "noSignatureInput");

    /* smdpSignature2 as the phone was given it. */
    observe (c, RSP_FN_ES9P_AUTHENTICATE_CLIENT, RSP_LEG_RESPONSE, SIGNATURE_OF ("11"));
    g_autoptr (GBytes) out = edit_hex (c, PREPARED);
    g_assert_nonnull (out);
    RspTlv bf21, a0, signed2, signature;
    g_assert_true (rsp_tlv_single (rsp_slice_of (out), 0xBF21, &bf21));
    g_assert_true (rsp_tlv_single (bf21.value, 0xA0, &a0));
    g_assert_true (rsp_tlv_find (a0.value, 0x30, &signed2));
    g_assert_true (rsp_tlv_find (a0.value, 0x5F37, &signature));
    g_autoptr (GBytes) other = rsp_unhex (SIGNATURE_OF ("11"));
    assert_signed (key, signed2.whole, rsp_slice_of (other), signature.value);
    case_free (c);
}

static void
test_resign_channel (void)
{
    g_autoptr (RspKey) key = make_key ("dp1");
    Case *c = case_new (RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, RSP_LEG_REQUEST, RSP_FAULT_CORRUPT,
                        "initialiseSecureChannelRequest.transactionId");
    c->fault->resign = TRUE;
    c->fault->value = rsp_unhex ("0505");
    declare (c);
    rsp_faults_add_key (c->faults, "dp1", "dp-pb", key);
    observe (c, RSP_FN_ES10B_PREPARE_DOWNLOAD, RSP_LEG_RESPONSE, PREPARED);
    g_autoptr (GBytes) out = edit_hex (c, PACKAGE ("7d", HEAD "a30c860201018602020286020303"));
    g_assert_nonnull (out);
    RspTlv package, channel, id, signature;
    g_assert_true (rsp_tlv_single (rsp_slice_of (out), 0xBF36, &package));
    g_assert_true (rsp_tlv_find (package.value, 0xBF23, &channel));
    g_assert_true (rsp_tlv_find (channel.value, 0x80, &id));
    g_assert_cmpuint (id.value.len, ==, 2);
    g_assert_true (rsp_tlv_find (channel.value, 0x5F37, &signature));
    g_autoptr (GBytes) otpk = rsp_unhex (OTPK);
    assert_signed (key, RSP_SLICE (channel.value.data, signature.whole.data - channel.value.data),
                   rsp_slice_of (otpk), signature.value);
    case_free (c);
}

static void
test_resign_member (void)
{
    g_autoptr (RspKey) key = make_key ("dp1");
    Case *c = case_new (RSP_FN_ES9P_INITIATE_AUTHENTICATION, RSP_LEG_RESPONSE, RSP_FAULT_CORRUPT,
                        "serverSigned1.serverAddress");
    c->fault->resign = TRUE;
    c->fault->text = g_strdup ("other.example.com");
    declare (c);
    rsp_faults_add_key (c->faults, "dp1", "dp-auth", key);
    g_autoptr (GBytes) signed1 =
        rsp_unhex ("302b80010781100102030405060708090a0b0c0d0e0f10830261628410"
                   "0102030405060708090a0b0c0d0e0f10");
    g_autofree char *text =
        g_base64_encode (g_bytes_get_data (signed1, NULL), g_bytes_get_size (signed1));
    g_autofree char *json =
        g_strdup_printf ("{\"serverSigned1\":\"%s\",\"serverSignature1\":\"AA==\"}", text);
    g_autoptr (GBytes) in = text_bytes (json);
    g_autoptr (GBytes) out = rsp_faults_edit (c->faults, c->fault, &c->message, in, &c->result);
    g_assert_cmpstr (c->result, ==, NULL);
    g_autofree char *answer = g_strndup (g_bytes_get_data (out, NULL), g_bytes_get_size (out));
    g_auto (GStrv) parts = g_strsplit (answer, "\"", -1);
    gsize n, m;
    g_autofree guchar *changed = g_base64_decode (parts[3], &n);
    g_autofree guchar *signature = g_base64_decode (parts[7], &m);
    RspTlv tlv, address;
    g_assert_true (rsp_tlv_single (RSP_SLICE (changed, n), 0x30, &tlv));
    g_assert_true (rsp_tlv_find (tlv.value, 0x83, &address));
    g_assert_true (rsp_slice_equal (address.value, RSP_SLICE ("other.example.com", 17)));
    g_assert_true (rsp_tlv_single (RSP_SLICE (signature, m), 0x5F37, &tlv));
    assert_signed (key, RSP_SLICE (changed, n), RSP_SLICE (NULL, 0), tlv.value);
    case_free (c);
}

/* Bodies that a hostile peer may send past a declared fault. */
static void
test_hostile (void)
{
    g_autoptr (RspRng) rng = rsp_rng_new (7, "hostile", "octets", 0);
    g_autoptr (RspKey) key = make_key ("dp1");
    g_autoptr (GBytes) good = rsp_unhex (PACKAGE ("7d", HEAD "a30c860201018602020286020303"));
    static const char *const fields[] = {"sequenceOf86[1]", "firstSequenceOf87", NULL,
                                         "initialiseSecureChannelRequest.smdpOtpk"};
    for (guint i = 0; i < 4000; i++) {
        Case *c = case_new (RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, RSP_LEG_REQUEST,
                            RSP_FAULT_CORRUPT, fields[i % 4]);
        c->fault->resign = TRUE;
        declare (c);
        rsp_faults_add_key (c->faults, "dp1", "dp-pb", key);
        gsize len = g_bytes_get_size (good);
        guint8 *octets = g_memdup2 (g_bytes_get_data (good, NULL), len);
        for (guint k = 0; k < 1 + i % 5; k++)
            octets[rsp_rng_below (rng, (guint32)len)] = (guint8)rsp_rng_below (rng, 256);
        g_autoptr (GBytes) in = g_bytes_new_take (octets, rsp_rng_below (rng, (guint32)len + 1));
        rsp_faults_observe (c->faults, &c->message, in);
        g_autoptr (GBytes) out = rsp_faults_edit (c->faults, c->fault, &c->message, in, &c->result);
        g_assert_true ((out != NULL) != (c->result != NULL));
        case_free (c);
    }
}

/* By the first octets of a command: others do not count, and an answer has its command's number. */
static void
test_apdu (void)
{
    static const struct {
        const char *command;
        guint64 ordinal;
        gboolean matches;
    } rows[] = {
        {"00200001", 1, FALSE}, {"00a40000", 2, FALSE}, {"002000", 3, TRUE},
        {"0020", 4, FALSE},     {"00", 5, FALSE},       {"", 6, FALSE},
    };
    for (guint response = 0; response < 2; response++) {
        RspFaults *faults = rsp_faults_new (NULL);
        RspFault *fault = g_new0 (RspFault, 1);
        *fault = (RspFault){.function = rsp_function (RSP_FN_APDU_TRANSMIT),
                            .leg = response ? RSP_LEG_RESPONSE : RSP_LEG_REQUEST,
                            .nth = 2,
                            .apdu = rsp_unhex ("0020")};
        rsp_faults_add (faults, fault);
        /* Answers come after later commands. */
        for (guint i = 0; i < 2 * G_N_ELEMENTS (rows); i++) {
            guint row = i % G_N_ELEMENTS (rows), position = 0;
            gboolean answer = i >= G_N_ELEMENTS (rows);
            g_autoptr (GBytes) command = rsp_unhex (rows[row].command);
            RspFaultMessage m = {.function = fault->function,
                                 .leg = answer ? RSP_LEG_RESPONSE : RSP_LEG_REQUEST,
                                 .src = "phone",
                                 .dst = "card",
                                 .ordinal = rows[row].ordinal,
                                 .request = rsp_slice_of (command)};
            g_assert_cmpint (rsp_faults_match (faults, &m, &position) != NULL, ==,
                             rows[row].matches && answer == (response == 1));
        }
        rsp_faults_free (faults);
    }
}

/* Calls of others do not count; an answer has its call's number, whenever it comes. */
static void
test_peers (void)
{
    static const char *const callers[] = {"dev-0001", "dev-0002", "dev-0001", "dev-0002", "devil"};
    static const struct {
        const char *from, *to;
        RspLeg leg;
        guint nth, call; /* CALL: the one that is hit, from 1; 0: none */
    } rows[] = {
        {"dev-0002", NULL, RSP_LEG_REQUEST, 2, 4},   {"dev-0002", "dp1", RSP_LEG_REQUEST, 1, 2},
        {"dev-*", "dp1", RSP_LEG_REQUEST, 3, 3},     {"dev-0002", "dp2", RSP_LEG_REQUEST, 1, 0},
        {"dp1", "dev-0001", RSP_LEG_RESPONSE, 2, 3}, {NULL, "dev-0002", RSP_LEG_RESPONSE, 2, 4},
        {"dev-0001", NULL, RSP_LEG_RESPONSE, 1, 0},  {"dev-0001", NULL, RSP_LEG_REQUEST, 3, 0},
    };
    for (guint k = 0; k < G_N_ELEMENTS (rows); k++) {
        RspFaults *faults = rsp_faults_new (NULL);
        RspFault *fault = g_new0 (RspFault, 1);
        *fault = (RspFault){.function = rsp_function (RSP_FN_ES9P_HANDLE_NOTIFICATION),
                            .from = g_strdup (rows[k].from),
                            .to = g_strdup (rows[k].to),
                            .leg = rows[k].leg,
                            .nth = rows[k].nth};
        rsp_faults_add (faults, fault);
        for (guint i = 0; i < 2 * G_N_ELEMENTS (callers); i++) {
            gboolean answer = i >= G_N_ELEMENTS (callers);
            guint position = 0, call = i % G_N_ELEMENTS (callers);
            RspFaultMessage m = {.function = fault->function,
                                 .leg = answer ? RSP_LEG_RESPONSE : RSP_LEG_REQUEST,
                                 .src = answer ? "dp1" : callers[call],
                                 .dst = answer ? callers[call] : "dp1",
                                 .nth = call + 1,
                                 .ordinal = call + 100};
            g_assert_cmpint (rsp_faults_match (faults, &m, &position) != NULL, ==,
                             rows[k].call == call + 1 &&
                                 answer == (rows[k].leg == RSP_LEG_RESPONSE));
        }
        rsp_faults_free (faults);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/fault/names", test_names);
    g_test_add_func ("/fault/members", test_members);
    g_test_add_func ("/fault/header-and-octets", test_header_and_octets);
    g_test_add_func ("/fault/der", test_der);
    g_test_add_func ("/fault/lengths", test_lengths);
    g_test_add_func ("/fault/segments", test_segments);
    g_test_add_func ("/fault/resign-euicc", test_resign_euicc);
    g_test_add_func ("/fault/resign-channel", test_resign_channel);
    g_test_add_func ("/fault/resign-member", test_resign_member);
    g_test_add_func ("/fault/hostile", test_hostile);
    g_test_add_func ("/fault/apdu", test_apdu);
    g_test_add_func ("/fault/peers", test_peers);
    return g_test_run ();
}
