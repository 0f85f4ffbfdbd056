/* The eIM against an IPA, a card with real keys, and an SM-DP+ that are played here. */
#include "asn1/asn1.h"
#include "asn1/fields.h"
#include "asn1/ids.h"
#include "asn1/tlv.h"
#include "components/ci/ci.h"
#include "components/eim/eim.h"
#include "components/eum/eum.h"

#include <glib/gstdio.h>
#include <string.h>

#define START G_GINT64_CONSTANT (1735689600)
#define EID "89049032001234000000000000000141"
#define OTHER_EID "89049032001234000000000000000238"
#define ICCID "8988303000000000010"
#define OLD_ICCID "8988303000000000028"
#define FQDN "eim1.example.com"
#define DP "dp1.example.com"
#define TRANSACTION "00112233445566778899AABBCCDDEEFF"

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspCi *ci;
    RspEum *eum;
    RspKey *key, *euicc_key, *other_key;
    RspCert *euicc_cert, *dp_cert;
    GPtrArray *roots;
    RspActor actor;
    RspEimConfig config;
    RspEim *eim;
    char *path;
    gint64 token;
    /* the SM-DP+ */
    GPtrArray *seen;         /* of GBytes: PendingNotifications */
    guint refusals;          /* 503 so often */
    guint8 announced, bound; /* octet that tells metadata apart */
    char *asked;             /* smdpAddress of the last InitiateAuthentication */
} Fixture;

/* --- stage --- */

static RspKey *
new_key (guint64 n)
{
    g_autoptr (RspRng) rng = rsp_rng_new (7, "test", "key", n);
    return rsp_key_generate (rng);
}

static RspSlice
point_of (const RspKey *key)
{
    return RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE);
}

static GBytes *
take (GByteArray *out)
{
    return g_byte_array_free_to_bytes (out);
}

static void
put_bytes (RspFields *f, const char *name, const char *hex)
{
    g_autoptr (GBytes) value = rsp_unhex (hex);
    rsp_fields_set_bytes (f, name, value);
}

#define SIGNATURE                                                                                  \
    "5f374000112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"                       \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

#define ID "00112233445566778899aabbccddeeff"
#define SKI "041400112233445566778899aabbccddeeff00112233"

static char *
metadata_of (guint8 letter)
{
    return g_strdup_printf ("bf25135a0a988803030000000010f09101509202%02x4e", letter);
}

static void
answer_initiate (Fixture *f, const RspFields *in, RspFields *out)
{
    g_free (f->asked);
    f->asked = g_strdup (rsp_fields_text (in, "smdpAddress"));
    rsp_fields_set_text (out, "transactionId", TRANSACTION);
    put_bytes (out, "serverSigned1",
               "30478010" ID "8110" ID "830f6470312e6578616d706c652e636f6d8410" ID);
    put_bytes (out, "serverSignature1", SIGNATURE);
    put_bytes (out, "euiccCiPKIdToBeUsed", SKI);
    rsp_fields_set_bytes (out, "serverCertificate", rsp_cert_der (f->dp_cert));
}

static void
answer_authenticate (Fixture *f, RspFields *out)
{
    g_autofree char *metadata = metadata_of (f->announced);
    rsp_fields_set_text (out, "transactionId", TRANSACTION);
    put_bytes (out, "profileMetadata", metadata);
    put_bytes (out, "smdpSigned2", "30158010" ID "0101ff");
    put_bytes (out, "smdpSignature2", SIGNATURE);
    rsp_fields_set_bytes (out, "smdpCertificate", rsp_cert_der (f->dp_cert));
}

static void
put_hex (GByteArray *out, const char *hex)
{
    g_autoptr (GBytes) octets = rsp_unhex (hex);
    RspSlice s = rsp_slice_of (octets);
    g_byte_array_append (out, s.data, (guint)s.len);
}

/* A package bound for nobody, with clear StoreMetadata as in a real one. */
static void
answer_package (Fixture *f, RspFields *out)
{
    g_autoptr (GByteArray) bpp = g_byte_array_new ();
    g_autofree char *metadata = metadata_of (f->bound);
    gsize whole = rsp_tlv_open (bpp, 0xBF36), init = rsp_tlv_open (bpp, 0xBF23);
    put_hex (bpp, "8201018010" ID "a609800188810110840141");
    rsp_tlv_put (bpp, 0x5F49, point_of (f->other_key));
    put_hex (bpp, SIGNATURE);
    rsp_tlv_close (bpp, init);
    put_hex (bpp, "a00a8708"
                  "0011223344556677");
    gsize list = rsp_tlv_open (bpp, 0xA1), segment = rsp_tlv_open (bpp, 0x88);
    put_hex (bpp, metadata);
    put_hex (bpp, "0011223344556677");
    rsp_tlv_close (bpp, segment);
    rsp_tlv_close (bpp, list);
    put_hex (bpp, "a30a8608"
                  "0011223344556677");
    rsp_tlv_close (bpp, whole);
    g_autoptr (GBytes) value = g_bytes_new (bpp->data, bpp->len);
    rsp_fields_set_text (out, "transactionId", TRANSACTION);
    rsp_fields_set_bytes (out, "boundProfilePackage", value);
}

static void
serve_dp (RspCall *call, gpointer data)
{
    Fixture *f = data;
    const RspFunction *fn = rsp_call_function (call);
    g_autoptr (GError) error = NULL;
    g_autoptr (RspFields) in =
        rsp_fields_decode (fn, RSP_LEG_REQUEST, rsp_call_body (call), &error);
    g_assert_no_error (error);
    if (fn->id == RSP_FN_ES9P_HANDLE_NOTIFICATION) {
        gboolean refuse = f->refusals > 0;
        f->refusals -= refuse;
        if (!refuse)
            g_ptr_array_add (f->seen, g_bytes_ref (rsp_fields_bytes (in, "pendingNotification")));
        rsp_call_reply (call, &(RspOutcome){.http = refuse ? 503 : 204}, NULL);
        return;
    }
    g_autoptr (RspFields) out = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    if (fn->id == RSP_FN_ES9P_INITIATE_AUTHENTICATION)
        answer_initiate (f, in, out);
    else if (fn->id == RSP_FN_ES9P_AUTHENTICATE_CLIENT)
        answer_authenticate (f, out);
    else if (fn->id == RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE)
        answer_package (f, out);
    g_autoptr (GBytes) body = rsp_fields_encode (out);
    rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
}

static void
start (Fixture *f)
{
    g_autoptr (GError) error = NULL;
    f->eim = rsp_eim_new (&f->actor, &f->config, &error);
    g_assert_no_error (error);
    g_assert_true (rsp_eim_add_device (f->eim, EID, f->token, 0, f->euicc_cert, &error));
}

static void
restart (Fixture *f)
{
    rsp_eim_free (f->eim);
    f->actor.incarnation++;
    start (f);
}

static void
set_up (Fixture *f, gconstpointer version)
{
    g_autoptr (GError) error = NULL;
    f->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, START * G_USEC_PER_SEC);
    f->bus = rsp_bus_new (f->loop, NULL, NULL);
    f->ci = rsp_ci_new ("ci", rsp_rng_new (7, "test", "ci", 0), START, &error);
    f->key = new_key (1);
    f->euicc_key = new_key (2);
    f->other_key = new_key (3);
    RspKey *eum_key = new_key (4);
    RspCert *eum =
        rsp_ci_issue_eum (f->ci, "EUM", "89049032", "2.999.5", point_of (eum_key), NULL, &error);
    f->eum = rsp_eum_new ("eum", eum_key, eum, rsp_rng_new (7, "test", "eum", 0));
    f->euicc_cert = rsp_eum_issue_euicc (f->eum, EID, point_of (f->euicc_key), START, NULL, &error);
    f->dp_cert = rsp_ci_issue_server (f->ci, RSP_ROLE_DP_AUTH, "dp1", "2.999.10", NULL,
                                      point_of (f->other_key), NULL, &error);
    g_assert_no_error (error);
    f->roots = g_ptr_array_new ();
    g_ptr_array_add (f->roots, rsp_ci_cert (f->ci));
    f->seen = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    g_autofree char *dir = g_dir_make_tmp ("rspsim-eim-XXXXXX", NULL);
    f->path = g_build_filename (dir, "eim1.db", NULL);
    f->actor = (RspActor){.name = "eim1", .loop = f->loop, .bus = f->bus, .seed = 42};
    f->config = (RspEimConfig){.fqdn = FQDN,
                               .eim_id = "eim-1",
                               .state_path = f->path,
                               .key = f->key,
                               .roots = f->roots,
                               .version = GPOINTER_TO_UINT (version)};
    f->announced = f->bound = 'A';
    rsp_bus_attach (f->bus, "dp1", serve_dp, f);
    rsp_bus_add_address (f->bus, DP, "dp1");
    start (f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
    rsp_eim_free (f->eim);
    rsp_bus_detach (f->bus, "dp1");
    rsp_bus_free (f->bus);
    rsp_loop_free (f->loop);
    rsp_eum_free (f->eum);
    rsp_ci_free (f->ci);
    rsp_cert_unref (f->euicc_cert);
    rsp_cert_unref (f->dp_cert);
    rsp_key_free (f->key);
    rsp_key_free (f->euicc_key);
    rsp_key_free (f->other_key);
    g_ptr_array_unref (f->roots);
    g_ptr_array_unref (f->seen);
    g_free (f->asked);
    g_autofree char *dir = g_path_get_dirname (f->path);
    const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
        g_autofree char *file = g_strconcat (f->path, ends[i], NULL);
        g_unlink (file);
    }
    g_rmdir (dir);
    g_free (f->path);
}

/* --- the IPA --- */

static void
on_reply (const RspReply *reply, gpointer data)
{
    g_assert_cmpint (reply->kind, ==, RSP_REPLY_OK);
    *(GBytes **)data = g_bytes_ref (reply->body);
}

static GBytes *
call (Fixture *f, RspFunctionId id, GBytes *body)
{
    GBytes *answer = NULL;
    RspCallOptions options = {.asn1 = TRUE};
    rsp_bus_call (f->bus, "ipa", FQDN, rsp_function (id), body, &options, on_reply, &answer);
    rsp_loop_run (f->loop, NULL, NULL, -1);
    g_assert_nonnull (answer);
    return answer;
}

static void
assert_hex (GBytes *got, const char *want)
{
    g_autofree char *hex = rsp_hex (rsp_slice_of (got));
    g_assert_cmpstr (hex, ==, want);
}

static GBytes *
poll_as (Fixture *f, const char *eid, gboolean changed)
{
    GByteArray *out = g_byte_array_new ();
    guint8 octets[16];
    rsp_eid_to_octets (eid, octets);
    gsize mark = rsp_tlv_open (out, 0xBF4F);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    if (changed)
        rsp_tlv_put (out, 0x80, RSP_SLICE (NULL, 0));
    rsp_tlv_close (out, mark);
    g_autoptr (GBytes) body = take (out);
    return call (f, RSP_FN_ESIPA_GET_EIM_PACKAGE, body);
}

/* BF50, with the EID in v1.2. */
static GBytes *
provide (Fixture *f, const char *eid, RspSlice result)
{
    GByteArray *out = g_byte_array_new ();
    guint8 octets[16];
    gsize mark = rsp_tlv_open (out, 0xBF50);
    if (eid && f->config.version == RSP_SGP32_V1_2 && rsp_eid_to_octets (eid, octets))
        rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    g_byte_array_append (out, result.data, (guint)result.len);
    rsp_tlv_close (out, mark);
    g_autoptr (GBytes) body = take (out);
    return call (f, RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, body);
}

/* --- the card --- */

typedef struct {
    gint64 counter;
    GBytes *transaction_id;
} Request;

/* BF4F{BF51 …}: is it signed by the eIM, over the association token, too? */
static Request
open_package (Fixture *f, GBytes *answer, const char *want_package)
{
    RspTlv outer, request, data, signature, tlv;
    g_autoptr (RspPublic) key = rsp_public_of (f->key);
    g_autoptr (GByteArray) token = g_byte_array_new ();
    g_assert_true (rsp_tlv_single (rsp_slice_of (answer), 0xBF4F, &outer));
    g_assert_true (rsp_tlv_single (outer.value, 0xBF51, &request));
    g_assert_true (rsp_tlv_find (request.value, 0x30, &data));
    g_assert_true (rsp_tlv_find (request.value, 0x5F37, &signature));
    rsp_tlv_put_int (token, 0x84, f->token);
    RspSlice parts[] = {data.whole, RSP_SLICE (token->data, token->len)};
    g_assert_true (rsp_public_verify (key, parts, 2, signature.value));
    g_autoptr (RspAsn1) node = rsp_asn1_decode_slice ("EuiccPackageRequest", outer.value, NULL);
    g_assert_nonnull (node);
    if (want_package) {
        g_assert_true (rsp_tlv_find (data.value, 0xA0, &tlv));
        g_autofree char *hex = rsp_hex (tlv.whole);
        g_assert_cmpstr (hex, ==, want_package);
    }
    return (Request){
        rsp_asn1_int (node, "euiccPackageSigned.counterValue", -1),
        rsp_slice_to_bytes (rsp_asn1_octets (node, "euiccPackageSigned.eimTransactionId"))};
}

/* RESULTS: hex of the EuiccResultData. */
static GBytes *
result_of (Fixture *f, const RspKey *key, const Request *r, gint64 counter, gint64 seq,
           const char *results)
{
    GByteArray *out = g_byte_array_new ();
    g_autoptr (GByteArray) token = g_byte_array_new ();
    g_autoptr (GBytes) list = rsp_unhex (results);
    guint8 signature[RSP_SIGNATURE_SIZE];
    gsize whole = rsp_tlv_open (out, 0xBF51), choice = rsp_tlv_open (out, 0xA0);
    gsize start_of_data = out->len, data = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, "eim-1");
    rsp_tlv_put_int (out, 0x81, counter);
    rsp_tlv_put (out, 0x82, rsp_slice_of (r->transaction_id));
    rsp_tlv_put_int (out, 0x83, seq);
    rsp_tlv_put (out, 0x30, rsp_slice_of (list));
    rsp_tlv_close (out, data);
    rsp_tlv_put_int (token, 0x84, f->token);
    RspSlice parts[] = {RSP_SLICE (out->data + start_of_data, out->len - start_of_data),
                        RSP_SLICE (token->data, token->len)};
    rsp_key_sign (key, parts, 2, signature);
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
    rsp_tlv_close (out, choice);
    rsp_tlv_close (out, whole);
    return take (out);
}

static void
queue_one (Fixture *f, const RspEimOperation *o)
{
    g_autoptr (GError) error = NULL;
    g_assert_cmpint (rsp_eim_queue_operations (f->eim, EID, o, 1, &error), >, 0);
    g_assert_no_error (error);
}

static void
assert_package (Fixture *f, guint n, const char *state, const char *result)
{
    g_autoptr (GPtrArray) views = rsp_eim_packages (f->eim);
    g_assert_cmpuint (views->len, >, n);
    const RspEimPackageView *v = views->pdata[n];
    g_assert_cmpstr (rsp_eim_state_name (v->state), ==, state);
    g_assert_cmpstr (v->result, ==, result);
}

/* "8988…10+ 8988…28- " */
static void
assert_beliefs (Fixture *f, const char *want)
{
    g_autoptr (GPtrArray) views = rsp_eim_profiles (f->eim);
    g_autoptr (GString) got = g_string_new (NULL);
    for (guint i = 0; i < views->len; i++) {
        const RspEimProfileView *v = views->pdata[i];
        g_string_append_printf (got, "%s%c ", v->iccid, v->enabled ? '+' : '-');
    }
    g_assert_cmpstr (got->str, ==, want);
}

static void
run_one (Fixture *f, const RspEimOperation *o, const char *results, const char *want_answer)
{
    queue_one (f, o);
    g_autoptr (GBytes) answer = poll_as (f, EID, FALSE);
    Request r = open_package (f, answer, NULL);
    g_autoptr (GBytes) result = result_of (f, f->euicc_key, &r, r.counter, 7, results);
    g_autoptr (GBytes) reply = provide (f, EID, rsp_slice_of (result));
    assert_hex (reply, want_answer);
    g_bytes_unref (r.transaction_id);
}

/* --- tests --- */

#define ACK_7 "bf5006bf5303800107"
#define NO_PACKAGE "bf4f03020101"
#define LIST_BOTH                                                                                  \
    "bf2d26a024e3105a0a988803030000000010f09f700101e3105a0a988803030000000020f89f700100"

static const RspEimOperation enable = {.verb = RSP_EIM_ENABLE, .iccid = ICCID, .rollback = TRUE};
static const RspEimOperation list = {.verb = RSP_EIM_LIST_PROFILE_INFO};

static void
test_life_of_a_package (Fixture *f, gconstpointer unused)
{
    queue_one (f, &enable);
    g_autoptr (GBytes) first = poll_as (f, EID, FALSE);
    Request r = open_package (f, first, "a010a30e5a0a988803030000000010f00500");
    g_assert_cmpint (r.counter, ==, 1);
    assert_package (f, 0, "delivered", NULL);
    restart (f);
    g_autoptr (GBytes) again = poll_as (f, EID, FALSE);
    g_assert_true (g_bytes_equal (first, again));

    gboolean v12 = f->config.version == RSP_SGP32_V1_2;
    const char *refused = v12 ? "bf500302017f" : "bf5000";
    g_autoptr (GBytes) forged = result_of (f, f->other_key, &r, r.counter, 7, "830100");
    g_autoptr (GBytes) other = result_of (f, f->euicc_key, &r, r.counter + 1, 7, "830100");
    g_autoptr (GBytes) good = result_of (f, f->euicc_key, &r, r.counter, 7, "830100");
    g_autoptr (GBytes) a = provide (f, EID, rsp_slice_of (forged));
    g_autoptr (GBytes) b = provide (f, EID, rsp_slice_of (other));
    assert_hex (a, refused);
    assert_hex (b, refused);
    if (v12) {
        g_autoptr (GBytes) unknown = provide (f, OTHER_EID, rsp_slice_of (good));
        assert_hex (unknown, "bf5003020102");
    }
    assert_package (f, 0, "delivered", NULL);
    assert_beliefs (f, "");

    g_autoptr (GBytes) taken = provide (f, EID, rsp_slice_of (good));
    assert_hex (taken, ACK_7);
    assert_package (f, 0, "done", "ok");
    assert_beliefs (f, ICCID "+ ");
    g_autoptr (GBytes) repeated = provide (f, NULL, rsp_slice_of (good));
    assert_hex (repeated, ACK_7);
    g_autoptr (GBytes) none = poll_as (f, EID, FALSE);
    assert_hex (none, NO_PACKAGE);
    g_bytes_unref (r.transaction_id);
}

static void
test_results (Fixture *f, gconstpointer unused)
{
    run_one (f, &list, LIST_BOTH, ACK_7);
    assert_beliefs (f, ICCID "+ " OLD_ICCID "- ");
    run_one (f, &enable, "830102", ACK_7);
    assert_package (f, 1, "failed", "profileNotInDisabledState");
    run_one (f, &(RspEimOperation){.verb = RSP_EIM_DELETE, .iccid = OLD_ICCID}, "850100", ACK_7);
    assert_beliefs (f, ICCID "+ ");
    run_one (f, &(RspEimOperation){.verb = RSP_EIM_DISABLE, .iccid = ICCID}, "840100", ACK_7);
    assert_beliefs (f, ICCID "- ");
    run_one (f, &(RspEimOperation){.verb = RSP_EIM_DELETE_EIM, .eim_id = "eim-1"}, "890102", ACK_7);
    assert_package (f, 4, "done", "ok");
    g_autoptr (GBytes) none = poll_as (f, EID, TRUE);
    assert_hex (none, NO_PACKAGE);
    assert_beliefs (f, "");
}

/* The rollback comes after the result of the enabling, or in its place. */
static void
test_rollback (Fixture *f, gconstpointer unused)
{
    run_one (f, &list, LIST_BOTH, ACK_7);
    const RspEimOperation other = {.verb = RSP_EIM_ENABLE, .iccid = OLD_ICCID, .rollback = TRUE};
    queue_one (f, &other);
    g_autoptr (GBytes) answer = poll_as (f, EID, FALSE);
    Request r = open_package (f, answer, NULL);
    g_autoptr (GBytes) done = result_of (f, f->euicc_key, &r, r.counter, 8, "830100");
    g_autoptr (GBytes) back = result_of (f, f->euicc_key, &r, r.counter, 9, "8c0100");
    g_autoptr (GBytes) a = provide (f, EID, rsp_slice_of (done));
    assert_beliefs (f, ICCID "- " OLD_ICCID "+ ");
    g_autoptr (GBytes) b = provide (f, EID, rsp_slice_of (back));
    assert_hex (b, "bf5006bf5303800109");
    assert_package (f, 1, "rolled-back", "rollback");
    assert_beliefs (f, ICCID "+ " OLD_ICCID "- ");
    run_one (f, &other, "8301008c0100", ACK_7);
    assert_package (f, 2, "rolled-back", "rollback");
    assert_beliefs (f, ICCID "+ " OLD_ICCID "- ");
    g_bytes_unref (r.transaction_id);
}

/* The counter is used up only by what is signed, and never twice. */
static void
test_counter (Fixture *f, gconstpointer unused)
{
    for (gint64 i = 1; i <= 3; i++) {
        restart (f);
        queue_one (f, &list);
        g_autoptr (GBytes) answer = poll_as (f, EID, FALSE);
        Request r = open_package (f, answer, NULL);
        g_assert_cmpint (r.counter, ==, i);
        restart (f);
        g_autoptr (GBytes) result = result_of (f, f->euicc_key, &r, i, i, LIST_BOTH);
        g_bytes_unref (provide (f, EID, rsp_slice_of (result)));
        g_bytes_unref (r.transaction_id);
    }
    assert_package (f, 2, "done", "ok");
}

static void
test_token (Fixture *f, gconstpointer unused)
{
    rsp_eim_free (f->eim);
    g_unlink (f->path);
    f->token = 5;
    start (f);
    run_one (f, &list, LIST_BOTH, ACK_7);
    assert_package (f, 0, "done", "ok");
}

static void
on_wait (gpointer data)
{
}

static void
settle (Fixture *f, gint64 seconds)
{
    rsp_loop_after (f->loop, seconds * G_USEC_PER_SEC, on_wait, NULL, NULL);
    rsp_loop_run (f->loop, NULL, NULL, -1);
}

/* 204 means: written down. The server gets it, however long it takes, over a restart, and once. */
static void
test_notifications (Fixture *f, gconstpointer unused)
{
    GByteArray *note = g_byte_array_new ();
    g_autoptr (GBytes) iccid = rsp_unhex ("988803030000000010f0");
    gsize outer = rsp_tlv_open (note, 0xBF3D), wrap = rsp_tlv_open (note, 0xA0);
    gsize whole = rsp_tlv_open (note, 0x30), metadata = rsp_tlv_open (note, 0xBF2F);
    rsp_tlv_put_int (note, 0x80, 5);
    rsp_tlv_put (note, 0x81, RSP_SLICE ("\x04\x10", 2));
    rsp_tlv_put_text (note, 0x0C, DP);
    rsp_tlv_put (note, 0x5A, rsp_slice_of (iccid));
    rsp_tlv_close (note, metadata);
    guint8 signature[64] = {1};
    rsp_tlv_put (note, 0x5F37, RSP_SLICE_ARRAY (signature));
    RspSlice cert = rsp_slice_of (rsp_cert_der (f->euicc_cert));
    g_byte_array_append (note, cert.data, (guint)cert.len);
    cert = rsp_slice_of (rsp_cert_der (rsp_eum_cert (f->eum)));
    g_byte_array_append (note, cert.data, (guint)cert.len);
    rsp_tlv_close (note, whole);
    rsp_tlv_close (note, wrap);
    rsp_tlv_close (note, outer);
    g_autoptr (GBytes) message = take (note);

    f->refusals = 2;
    g_autoptr (GBytes) answer = call (f, RSP_FN_ESIPA_HANDLE_NOTIFICATION, message);
    g_assert_cmpuint (g_bytes_get_size (answer), ==, 0);
    g_assert_cmpuint (f->refusals, ==, 1);
    settle (f, 6);
    g_assert_cmpuint (f->refusals, ==, 0);
    g_assert_cmpuint (f->seen->len, ==, 0);
    restart (f);
    settle (f, 1);
    g_assert_cmpuint (f->seen->len, ==, 1);
    restart (f);
    settle (f, 3600);
    g_assert_cmpuint (f->seen->len, ==, 1);
}

/* --- relay --- */

static char *
failure (Fixture *f, RspFunctionId id, GBytes *answer)
{
    g_autoptr (GError) error = NULL;
    RspStatus status = {NULL};
    g_autoptr (RspFields) in =
        rsp_fields_decode_as (rsp_function (id), RSP_LEG_RESPONSE, RSP_ENC_DER, answer, &error);
    g_assert_no_error (error);
    return rsp_fields_failed (in, &status) ? g_strdup (status.message) : NULL;
}

/* TRANSACTION (nullable) and ADDRESS (nullable) as the IPA says them. (transfer full) */
static GBytes *
initiate (Fixture *f, GBytes *transaction, const char *address)
{
    const RspFunction *fn = rsp_function (RSP_FN_ESIPA_INITIATE_AUTHENTICATION);
    g_autoptr (RspFields) out = rsp_fields_new (fn, RSP_LEG_REQUEST);
    put_bytes (out, "euiccChallenge", "00112233445566778899aabbccddeeff");
    put_bytes (out, "euiccInfo1", "bf20358203020600a916" SKI "aa16" SKI);
    rsp_fields_set_text (out, "smdpAddress", address);
    rsp_fields_set_bytes (out, "eimTransactionId", transaction);
    g_autoptr (GBytes) body = rsp_fields_encode_as (out, RSP_ENC_DER);
    return call (f, RSP_FN_ESIPA_INITIATE_AUTHENTICATION, body);
}

static GBytes *
trigger (Fixture *f, const RspEimDownload *d)
{
    g_autoptr (GError) error = NULL;
    RspTlv outer, request, id;
    rsp_eim_queue_download (f->eim, EID, d, &error);
    g_assert_no_error (error);
    g_autoptr (GBytes) answer = poll_as (f, EID, FALSE);
    g_assert_true (rsp_tlv_single (rsp_slice_of (answer), 0xBF4F, &outer));
    g_assert_true (rsp_tlv_single (outer.value, 0xBF54, &request));
    g_assert_true (rsp_tlv_find (request.value, 0x82, &id));
    return rsp_slice_to_bytes (id.value);
}

static void
assert_initiate (Fixture *f, GBytes *transaction, const char *address, const char *want)
{
    g_autoptr (GBytes) answer = initiate (f, transaction, address);
    g_autofree char *got = failure (f, RSP_FN_ESIPA_INITIATE_AUTHENTICATION, answer);
    g_assert_cmpstr (got, ==, want);
}

static void
test_relay_checks (Fixture *f, gconstpointer unused)
{
    RspEimDownload d = {.activation_code = "LPA:1$" DP "$MID$2.999.10"};
    g_autoptr (GBytes) id = trigger (f, &d);
    g_autoptr (GBytes) unknown = rsp_unhex ("00");
    assert_initiate (f, unknown, DP, "invalidEimTransactionId");
    assert_initiate (f, id, "dp2.example.com", "smdpAddressMismatch");
    assert_initiate (f, NULL, NULL, "invalidDpAddress");
    g_assert_null (f->asked);
    assert_initiate (f, id, DP, NULL);
    g_assert_cmpstr (f->asked, ==, DP);
    assert_initiate (f, id, NULL, NULL);
}

static void
test_relay_oid (Fixture *f, gconstpointer unused)
{
    RspEimDownload d = {.activation_code = "1$" DP "$MID$2.999.11"};
    g_autoptr (GBytes) id = trigger (f, &d);
    assert_initiate (f, id, DP, "smdpOidMismatch");
}

static GBytes *
relayed (Fixture *f, RspFunctionId id, const char *member, const char *hex)
{
    g_autoptr (RspFields) out = rsp_fields_new (rsp_function (id), RSP_LEG_REQUEST);
    rsp_fields_set_text (out, "transactionId", TRANSACTION);
    put_bytes (out, member, hex);
    g_autoptr (GBytes) body = rsp_fields_encode_as (out, RSP_ENC_DER);
    return call (f, id, body);
}

#define AUTHENTICATE_ERROR "bf3817a115801000112233445566778899aabbccddeeff02017f"
#define PREPARE_ERROR "bf2117a115801000112233445566778899aabbccddeeff02017f"

/* The eIM alone knows what to download, with which code; the bound package must be the announced
 * one. */
static void
test_relay_bare (Fixture *f, gconstpointer unused)
{
    RspEimDownload d = {
        .activation_code = "1$" DP "$MID", .confirmation_code = "4711", .bare = TRUE};
    g_autoptr (GBytes) id = trigger (f, &d);
    g_autoptr (GBytes) started = initiate (f, id, NULL);
    g_autoptr (RspFields) in =
        rsp_fields_decode_as (rsp_function (RSP_FN_ESIPA_INITIATE_AUTHENTICATION), RSP_LEG_RESPONSE,
                              RSP_ENC_DER, started, NULL);
    g_assert_cmpstr (rsp_fields_text (in, "matchingId"), ==, "MID");
    g_autoptr (GBytes) client = relayed (f, RSP_FN_ESIPA_AUTHENTICATE_CLIENT,
                                         "authenticateServerResponse", AUTHENTICATE_ERROR);
    g_autoptr (RspFields) known =
        rsp_fields_decode_as (rsp_function (RSP_FN_ESIPA_AUTHENTICATE_CLIENT), RSP_LEG_RESPONSE,
                              RSP_ENC_DER, client, NULL);
    g_assert_nonnull (known);
    /* SHA-256(SHA-256("4711") ‖ 00112233445566778899AABBCCDDEEFF), by another implementation */
    g_autofree char *hash = rsp_hex (rsp_slice_of (rsp_fields_bytes (known, "hashCc")));
    g_assert_cmpstr (hash, ==, "b7a09f64be0c07de3cb278c993214374e21bb0102583f6187d7fd44b21f48758");
    g_autoptr (GBytes) right = relayed (f, RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE,
                                        "prepareDownloadResponse", PREPARE_ERROR);
    g_assert_null (failure (f, RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE, right));
    f->bound = 'B';
    g_autoptr (GBytes) wrong = relayed (f, RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE,
                                        "prepareDownloadResponse", PREPARE_ERROR);
    g_autofree char *name = failure (f, RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE, wrong);
    g_assert_cmpstr (name, ==, "metadataMismatch");
}

static void
assert_relayed (Fixture *f, RspFunctionId id, const char *member, const char *hex, const char *want)
{
    g_autoptr (GBytes) answer = relayed (f, id, member, hex);
    g_autofree char *got = failure (f, id, answer);
    g_assert_cmpstr (got, ==, want);
}

/* Steps out of their order, and sessions that are over, reach nobody. */
static void
test_relay_order (Fixture *f, gconstpointer unused)
{
    const RspFunctionId client = RSP_FN_ESIPA_AUTHENTICATE_CLIENT,
                        package = RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE;
    RspEimDownload d = {.activation_code = "1$" DP "$MID"};
    g_autoptr (GBytes) id = trigger (f, &d);
    assert_relayed (f, client, "authenticateServerResponse", AUTHENTICATE_ERROR,
                    "invalidTransactionId");
    g_bytes_unref (initiate (f, id, DP));
    assert_relayed (f, package, "prepareDownloadResponse", PREPARE_ERROR, "invalidTransactionId");
    assert_relayed (f, client, "authenticateServerResponse", AUTHENTICATE_ERROR, NULL);
    assert_relayed (f, client, "authenticateServerResponse", AUTHENTICATE_ERROR, NULL);
    assert_relayed (f, package, "prepareDownloadResponse", PREPARE_ERROR, NULL);
    assert_relayed (f, client, "authenticateServerResponse", AUTHENTICATE_ERROR,
                    "invalidTransactionId");
    settle (f, 601);
    assert_relayed (f, package, "prepareDownloadResponse", PREPARE_ERROR, "invalidTransactionId");
}

/* Nothing ordered, nobody called; without a transaction the address must be an order's. */
static void
test_relay_ordered (Fixture *f, gconstpointer unused)
{
    assert_initiate (f, NULL, DP, "smdpAddressMismatch");
    RspEimDownload d = {.activation_code = "1$" DP "$MID"};
    g_autoptr (GBytes) id = trigger (f, &d);
    assert_initiate (f, NULL, "dp2.example.com", "smdpAddressMismatch");
    g_assert_null (f->asked);
    assert_initiate (f, NULL, DP, NULL);
}

static void
test_fleet (Fixture *f, gconstpointer unused)
{
    enum { DEVICES = 1000 };
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) eids = g_ptr_array_new_with_free_func (g_free);
    for (guint i = 0; i < DEVICES; i++) {
        guint8 octets[16];
        g_autofree char *base = g_strdup_printf ("890490320012340000000000%06u00", i);
        guint rest = 0;
        for (const char *p = base; *p; p++)
            rest = (rest * 10 + (guint)(*p - '0')) % 97;
        g_autofree char *eid = g_strdup_printf ("890490320012340000000000%06u%02u", i, 98 - rest);
        g_assert_true (rsp_eid_to_octets (eid, octets));
        if (!rsp_eid_valid (eid))
            g_error ("%s", eid);
        rsp_eim_add_device (f->eim, eid, 0, 0, f->euicc_cert, &error);
        rsp_eim_queue_operations (f->eim, eid, &list, 1, &error);
        g_assert_no_error (error);
        g_ptr_array_add (eids, g_steal_pointer (&eid));
    }
    g_assert_cmpuint (rsp_eim_count (f->eim, RSP_EIM_QUEUED), ==, DEVICES);
    for (guint i = 0; i < DEVICES; i += 2) {
        g_autoptr (GBytes) answer = poll_as (f, eids->pdata[i], FALSE);
        Request r = open_package (f, answer, NULL);
        g_autoptr (GBytes) result =
            result_of (f, f->euicc_key, &r, r.counter, 7, i % 4 ? LIST_BOTH : "bf2d03810101");
        g_bytes_unref (provide (f, NULL, rsp_slice_of (result)));
        g_bytes_unref (r.transaction_id);
    }
    g_assert_cmpuint (rsp_eim_count (f->eim, RSP_EIM_QUEUED), ==, DEVICES / 2);
    g_assert_cmpuint (rsp_eim_count (f->eim, RSP_EIM_DONE), ==, DEVICES / 4);
    g_assert_cmpuint (rsp_eim_count (f->eim, RSP_EIM_FAILED), ==, DEVICES / 4);
}

#define ADD(name, function)                                                                        \
    g_test_add ("/eim/" name, Fixture, GUINT_TO_POINTER (RSP_SGP32_V1_2), set_up, function,        \
                tear_down);                                                                        \
    g_test_add ("/eim/v1.0/" name, Fixture, GUINT_TO_POINTER (RSP_SGP32_V1_0), set_up, function,   \
                tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("life-of-a-package", test_life_of_a_package);
    ADD ("results", test_results);
    ADD ("rollback", test_rollback);
    ADD ("counter", test_counter);
    ADD ("token", test_token);
    ADD ("notifications", test_notifications);
    ADD ("relay/checks", test_relay_checks);
    ADD ("relay/oid", test_relay_oid);
    ADD ("relay/bare", test_relay_bare);
    ADD ("relay/order", test_relay_order);
    ADD ("relay/ordered", test_relay_ordered);
    ADD ("fleet", test_fleet);
    return g_test_run ();
}
