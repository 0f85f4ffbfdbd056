/* The eUICC for IoT against an eIM that signs here: operations, refusals, counters and tokens,
 * rollback, results that are kept. SGP.32 2.11, 3.3, 5.9. */
#include "test-euicc-host.h"

#include <string.h>

static const char a[] = "8988303000000000010", b[] = "8988303000000000028";
#define EIM "65696d31" /* "eim1" */

typedef struct {
    Host *h;
    RspKey *key, *other;
    RspEuiccIotConfig iot;
    gint64 counter;
    guint token;
} Fixture;

/* Parts in hex, one behind the other; the text lasts. */
static const char *
join (const char *first, ...)
{
    g_autoptr (GString) out = g_string_new (first);
    va_list parts;
    const char *part;
    va_start (parts, first);
    while ((part = va_arg (parts, const char *)))
        g_string_append (out, part);
    va_end (parts);
    return g_intern_string (out->str);
}
#define J(...) join (__VA_ARGS__, NULL)

static const char *
id_of (const char *iccid)
{
    return T ("5a", host_digits (iccid, TRUE));
}

static void
install (Host *h, const char *iccid)
{
    g_autofree char *upp_hex = g_strconcat (host_pe_header (iccid, "8100"), host_pe_mf (iccid),
                                            host_pe_usim (), host_pe_end (), NULL);
    g_autoptr (GBytes) upp = host_hex (upp_hex);
    g_autoptr (GBytes) plain = host_metadata (iccid, RSP_CLASS_OPERATIONAL);
    RspTlv bf25;
    g_assert_true (rsp_tlv_single (rsp_slice_of (plain), 0xBF25, &bf25));
    g_autofree char *content = rsp_hex (bf25.value);
    g_autoptr (GBytes) metadata = host_hex (T ("bf25", content, iccid == a ? "9f6701ff" : ""));
    HostPackage p = {.upp = upp, .metadata = metadata};
    g_assert_cmpuint (host_download (h, &p), ==, 0);
}

/* EimConfigurationData's content. */
static const char *
configuration (const char *id, const RspKey *key, const char *counter, const char *token)
{
    g_autofree char *point = rsp_hex (RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE));
    g_autofree char *bits = g_strconcat ("00", point, NULL);
    return J (T ("80", id), counter, token,
              T ("a5", T ("a0", "301306072a8648ce3d020106082a8648ce3d030107", T ("03", bits))));
}

static void
set_up (Fixture *f, gconstpointer data)
{
    g_autoptr (RspRng) rng = rsp_rng_new (7, "test", "eim", 1);
    f->h = host_new ();
    f->key = rsp_key_generate (rng);
    f->other = rsp_key_generate (rng);
    f->iot = (RspEuiccIotConfig){.v10 = data != NULL, .fallback = TRUE, .eim_limit = 2};
    f->h->config.iot = &f->iot;
    host_restart (f->h, NULL);
    install (f->h, a);
    install (f->h, b);
}

static void
tear_down (Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    rsp_key_free (f->key);
    rsp_key_free (f->other);
    host_free (f->h);
}

static void
add_eim (Fixture *f, gboolean token)
{
    const char *config = configuration (EIM, f->key, "830100", token ? "8401ff" : "");
    assert_es10 (f->h, T ("bf57", T ("a0", T ("30", config))),
                 token ? "bf5705a003840101" : "bf5704a0020500");
    f->token = token;
}

static const char *
number (gint64 value)
{
    char hex[16];
    g_snprintf (hex, sizeof hex, value < 0x80 ? "%02x" : "%08x", (guint)value);
    return T ("81", hex);
}

/* BF51 for EID with COUNTER, signed by KEY. */
static const char *
package (Fixture *f, const char *eid, gint64 counter, const RspKey *key, const char *operations,
         gboolean eco)
{
    const char *data =
        T ("30", T ("80", EIM), T ("5a", eid), number (counter), T (eco ? "a1" : "a0", operations));
    g_autoptr (GBytes) octets = host_hex (data);
    guint8 token[] = {0x84, 0x01, (guint8)f->token}, signature[RSP_SIGNATURE_SIZE];
    RspSlice parts[] = {rsp_slice_of (octets), RSP_SLICE_ARRAY (token)};
    rsp_key_sign (key, parts, 2, signature);
    g_autofree char *hex = rsp_hex (RSP_SLICE_ARRAY (signature));
    return T ("bf51", data, T ("5f37", hex));
}

/* The signature of ALTERNATIVE verifies; what follows the header, in hex. (transfer full) */
static char *
open_result (Fixture *f, RspSlice answer, guint32 alternative)
{
    RspTlv whole, part, data, signature, tlv;
    g_assert_true (rsp_tlv_single (answer, 0xBF51, &whole));
    g_assert_true (rsp_tlv_single (whole.value, alternative, &part));
    g_assert_true (rsp_tlv_find (part.value, 0x30, &data));
    g_assert_true (rsp_tlv_find (part.value, 0x5F37, &signature));
    guint8 token[] = {0x84, 0x01, (guint8)f->token};
    RspSlice parts[] = {data.whole, RSP_SLICE_ARRAY (token)};
    g_autoptr (RspPublic) key =
        rsp_public_from_point (RSP_SLICE (rsp_key_point (f->h->euicc_key), RSP_POINT_SIZE), NULL);
    g_assert_true (rsp_public_verify (key, parts, 2, signature.value));
    g_assert_true (rsp_tlv_find (data.value, alternative == 0xA0 ? 0x30 : 0x02, &tlv));
    return rsp_hex (tlv.value);
}

static void
assert_runs (Fixture *f, const char *operations, gboolean eco, const char *results)
{
    const char *command = package (f, HOST_EID, ++f->counter, f->key, operations, eco);
    g_autoptr (GBytes) answer = host_es10 (f->h, command);
    g_autofree char *got = open_result (f, rsp_slice_of (answer), 0xA0);
    g_assert_cmpstr (got, ==, results);
}

static void
assert_states (Host *h, const char *expected)
{
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    g_autoptr (GString) states = g_string_new (NULL);
    for (guint i = 0; i < profiles->len; i++)
        g_string_append_c (
            states, ((RspProfileView *)g_ptr_array_index (profiles, i))->enabled ? 'E' : 'd');
    g_assert_cmpstr (states->str, ==, expected);
}

#define ENABLE(iccid) T ("a3", id_of (iccid))
#define ENABLE_BACK(iccid) T ("a3", id_of (iccid), "0500")
#define DISABLE(iccid) T ("a4", id_of (iccid))
#define DELETE(iccid) T ("a5", id_of (iccid))

static void
test_operations (Fixture *f, gconstpointer data)
{
    static const char nobody[] = "8988303000000000044";
    gboolean v10 = data != NULL;
    add_eim (f, FALSE);
    const struct {
        const char *operations, *v12, *v10, *states;
    } rows[] = {
        {ENABLE (nobody), "830101", "830101", "dd"},
        {ENABLE_BACK (b), "830114", "83017f", "dd"}, /* nothing to go back to */
        {ENABLE (a), "830100", "830100", "Ed"},
        {ENABLE (a), "830102", "830102", "Ed"},
        {DISABLE (b), "840102", "840102", "Ed"},
        {DELETE (a), "850102", "850102", "Ed"},
        {J (ENABLE (b), DELETE (b), DISABLE (b)), "830100850102", "830100850102", "dE"},
        {"a600", "a600", "a600", "dE"},
        {T ("a7", "8000"), "870100", "870100", "dE"},
        {T ("a8", id_of (b)), "8d0102", "020102", "dE"}, /* fallbackNotAllowed; unknown */
        {T ("a8", id_of (a)), "8d0100", "020102", "dE"},
        {"a900", "8e0100", "020102", "dE"},
        {T ("bf65", "8000"), "bf6503800100", "020102", "dE"},
        {"aa00", "020102", "020102", "dE"}, /* no PSMO */
        {DISABLE (b), "840100", "840100", "dd"},
        {J (DELETE (a), DELETE (a)), "850100850101", "850100850101", "d"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        assert_runs (f, rows[i].operations, FALSE, v10 ? rows[i].v10 : rows[i].v12);
        assert_states (f->h, rows[i].states);
    }
}

static void
test_refused (Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const char other[] = "89049032001234000000000000000238";
    add_eim (f, TRUE);
    assert_runs (f, "a600", FALSE, "a600");
    const struct {
        const char *eid;
        gint64 counter;
        const char *code;
    } rows[] = {{other, 2, "03"}, {HOST_EID, 1, "04"}, {HOST_EID, 8388608, "06"}};
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        const char *command = package (f, rows[i].eid, rows[i].counter, f->key, ENABLE (a), FALSE);
        g_autoptr (GBytes) answer = host_es10 (f->h, command);
        g_autofree char *code = open_result (f, rsp_slice_of (answer), 0xA1);
        g_assert_cmpstr (code, ==, rows[i].code);
    }
    /* Of another key, or over another token: nothing to sign for. */
    const char *unsigned_error = T ("bf51", T ("a2", T ("80", EIM), "840101"));
    assert_es10 (f->h, package (f, HOST_EID, 2, f->other, ENABLE (a), FALSE), unsigned_error);
    f->token = 2;
    assert_es10 (f->h, package (f, HOST_EID, 2, f->key, ENABLE (a), FALSE), unsigned_error);
    f->token = 1;
    assert_states (f->h, "dd");
    assert_runs (f, ENABLE (a), FALSE, "830100"); /* 2 is still good */
}

static void
test_eco (Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const char second[] = "65696d32", third[] = "65696d33";
    add_eim (f, TRUE);
    const struct {
        const char *operations, *results;
    } rows[] = {
        {T ("a8", configuration (second, f->other, "830105", "")), "a803020100"},
        {T ("a8", configuration (second, f->other, "830105", "")), "a803020102"},
        {T ("a8", configuration (third, f->other, "830105", "")), "a803020101"}, /* no room */
        {T ("a9", T ("80", third)), "890101"},
        {T ("a9", T ("80", second)), "890100"},
        {T ("a8", configuration (second, f->other, "830105", "8401ff")), "a803840102"},
        {T ("a9", T ("80", second)), "890100"},
        {T ("a8", configuration (second, f->other, "830105", "840105")), "a803020105"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        assert_runs (f, rows[i].operations, TRUE, rows[i].results);
    assert_runs (f, T ("a9", T ("80", EIM)), TRUE, "890102"); /* its last word, still signed */
    assert_es10 (f->h, "bf5500", "bf5502a000");
}

static void
test_rollback (Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    add_eim (f, FALSE);
    assert_es10 (f->h, "bf5803800100", "bf5803020101");
    assert_runs (f, ENABLE (a), FALSE, "830100");
    assert_es10 (f->h, "bf5803800100", "bf5803020101");
    assert_runs (f, ENABLE_BACK (b), FALSE, "830100");
    assert_runs (f, "a600", FALSE, "a600"); /* takes it back */
    assert_es10 (f->h, "bf5803800100", "bf5803020101");
    assert_runs (f, ENABLE_BACK (a), FALSE, "830100");
    rsp_euicc_reset (f->h->card);
    assert_apdu (f->h, "0070000001", "019000");
    assert_apdu (f->h, "01a4040010a0000005591010ffffffff8900000100", "6127");
    g_autoptr (GBytes) answer = host_es10 (f->h, "bf5803800100");
    RspTlv whole, code, result;
    g_assert_true (rsp_tlv_single (rsp_slice_of (answer), 0xBF58, &whole));
    g_assert_true (rsp_tlv_find (whole.value, 0x02, &code));
    g_assert_cmpuint (code.value.data[0], ==, 0);
    g_assert_true (rsp_tlv_find (whole.value, 0xBF51, &result));
    g_autofree char *got = open_result (f, result.whole, 0xA0);
    g_assert_cmpstr (got, ==, "8c0100");
    assert_states (f->h, "dE");
    assert_es10 (f->h, "bf5803800100", "bf5803020101");
}

static guint
kept (Host *h)
{
    g_autoptr (GBytes) list = host_es10 (h, "bf2b04a0028200");
    RspTlv whole, results, tlv;
    guint n = 0;
    g_assert_true (rsp_tlv_single (rsp_slice_of (list), 0xBF2B, &whole));
    g_assert_true (rsp_tlv_find (whole.value, 0xA2, &results));
    while (rsp_tlv_next (&results.value, &tlv) == RSP_TLV_OK)
        n++;
    return n;
}

/* The oldest goes when there is one too many; each has a number of the notifications' counter. */
static void
test_kept (Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    add_eim (f, FALSE);
    g_assert_cmpuint (kept (f->h), ==, 0);
    for (guint i = 0; i < 70; i++)
        assert_runs (f, "a600", FALSE, "a600");
    g_assert_cmpuint (kept (f->h), ==, 64);
    g_autoptr (GBytes) list = host_es10 (f->h, "bf2b04a0028200");
    RspTlv whole, results, result, part, signed_data, seq;
    g_assert_true (rsp_tlv_single (rsp_slice_of (list), 0xBF2B, &whole));
    g_assert_true (rsp_tlv_find (whole.value, 0xA2, &results));
    g_assert_cmpint (rsp_tlv_next (&results.value, &result), ==, RSP_TLV_OK);
    g_assert_true (rsp_tlv_find (result.value, 0xA0, &part));
    g_assert_true (rsp_tlv_find (part.value, 0x30, &signed_data));
    g_assert_true (rsp_tlv_find (signed_data.value, 0x83, &seq));
    g_autofree char *hex = rsp_hex (seq.value);
    assert_es10 (f->h, T ("bf30", T ("80", hex)), "bf3003800100");
    assert_es10 (f->h, T ("bf30", T ("80", hex)), "bf3003800101");
    g_assert_cmpuint (kept (f->h), ==, 63);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
    g_test_add ("/euicc/iot/" name, Fixture, NULL, set_up, func, tear_down);                       \
    g_test_add ("/euicc/iot/v10/" name, Fixture, "1.0", set_up, func, tear_down)
    ADD ("operations", test_operations);
    ADD ("refused", test_refused);
    ADD ("eco", test_eco);
    ADD ("rollback", test_rollback);
    ADD ("kept", test_kept);
    return g_test_run ();
}
