/* An IPA that emulates the IoT functions, against a scripted consumer card: what is left of it when
 * the device goes down in the midst of a package, and when its database cannot be written. */
#include "components/ipa/ipa-emulate.h"

#include <glib/gstdio.h>
#include <string.h>

#define EIM "eim1"

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspIpa *ipa;
    RspKey *key;
    char *folder, *path;
    gint64 counter;
    const char *silent; /* function of the card that is not answered */
    RspCall *held;
    GString *log;   /* calls of the card */
    GBytes *answer; /* of the emulation */
    guint sw;
} Fixture;

static void
reply_hex (RspCall *call, const char *hex)
{
    g_autoptr (GBytes) body = rsp_unhex (hex);
    rsp_call_reply (call, &(RspOutcome){.sw = 0x9000}, body);
}

static void
serve_card (RspCall *call, gpointer data)
{
    Fixture *f = data;
    const RspFunction *fn = rsp_call_function (call);
    g_string_append_printf (f->log, "%s ", fn->name);
    if (f->silent && strcmp (fn->name, f->silent) == 0) {
        f->held = call;
        return;
    }
    switch (fn->id) {
    case RSP_FN_ES10C_GET_EID:
        reply_hex (call, "BF3E125A1089000000000000000000000000000000");
        break;
    case RSP_FN_ES10B_GET_EUICC_INFO1:
        reply_hex (call, "BF20158203020600A900AA0C040AAAAAAAAAAAAAAAAAAAAA");
        break;
    case RSP_FN_ES10C_GET_PROFILES_INFO: /* 98…00 enabled, 98…01 disabled */
        reply_hex (call, "BF2D26A024"
                         "E3105A0A980000000000000000009F700101"
                         "E3105A0A980000000000000000019F700100");
        break;
    case RSP_FN_ES10C_ENABLE_PROFILE:
        reply_hex (call, "BF3103800100");
        break;
    case RSP_FN_ES10C_DISABLE_PROFILE:
        reply_hex (call, "BF3203800100");
        break;
    default:
        g_assert_not_reached ();
    }
}

/* --- the IPA --- */

static void
start (Fixture *f)
{
    g_autoptr (GError) error = NULL;
    const RspIpaConfig config = {.card = "card"};
    f->ipa = rsp_ipa_new (&f->actor, &config, NULL);
    g_assert_true (rsp_ipa_emulate (f->ipa, f->path, &error));
    g_assert_no_error (error);
}

static void
crash (Fixture *f)
{
    g_clear_pointer (&f->ipa, rsp_ipa_free);
    if (f->held)
        rsp_call_abandon (g_steal_pointer (&f->held));
    g_assert_true (rsp_loop_run (f->loop, NULL, NULL, -1));
}

static void
set_up (Fixture *f, gconstpointer unused)
{
    static const guint8 scalar[32] = {[31] = 7};
    f->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    f->bus = rsp_bus_new (f->loop, NULL, NULL);
    f->actor = (RspActor){.name = "dev", .loop = f->loop, .bus = f->bus};
    f->key = rsp_key_from_scalar (scalar, NULL);
    f->folder = g_dir_make_tmp ("ipa-XXXXXX", NULL);
    f->path = g_build_filename (f->folder, "emulation.db", NULL);
    f->log = g_string_new (NULL);
    rsp_bus_attach_card (f->bus, "card", serve_card, f);
    start (f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
    crash (f);
    rsp_bus_detach_card (f->bus, "card");
    rsp_bus_free (f->bus);
    rsp_loop_free (f->loop);
    rsp_key_free (f->key);
    g_clear_pointer (&f->answer, g_bytes_unref);
    g_string_free (f->log, TRUE);
    static const char *const names[] = {"", "-journal", "-wal", "-shm"};
    for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
        g_autofree char *name = g_strconcat (f->path, names[i], NULL);
        g_remove (name);
    }
    g_rmdir (f->folder);
    g_free (f->path);
    g_free (f->folder);
}

static Fixture *current;

static void
on_answer (RspIpa *ipa, const RspReply *reply)
{
    current->sw = reply->sw;
    current->answer = g_bytes_ref (reply->body);
}

static gboolean
settled (gpointer data)
{
    const Fixture *f = data;
    return f->answer || f->held;
}

/* What the emulation answers; NULL: nothing yet. (transfer none) */
static GBytes *
ask (Fixture *f, RspFunctionId function, RspSlice content)
{
    g_clear_pointer (&f->answer, g_bytes_unref);
    current = f;
    if (!f->ipa->op)
        ipa_begin (f->ipa, "test", NULL, NULL);
    ipa_card_call (f->ipa, function, content, on_answer);
    rsp_loop_run (f->loop, settled, f, -1);
    return f->answer;
}

static void
add_eim (Fixture *f)
{
    static const guint8 info[] = {0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
                                  0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
    g_autoptr (GByteArray) out = g_byte_array_new ();
    guint8 bits[1 + RSP_POINT_SIZE] = {0};
    memcpy (bits + 1, rsp_key_point (f->key), RSP_POINT_SIZE);
    gsize list = rsp_tlv_open (out, 0xA0), config = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, EIM);
    rsp_tlv_put_int (out, 0x83, 0);
    gsize key = rsp_tlv_open (out, 0xA5), choice = rsp_tlv_open (out, 0xA0);
    g_byte_array_append (out, info, sizeof info);
    rsp_tlv_put (out, 0x03, RSP_SLICE_ARRAY (bits));
    rsp_tlv_close (out, choice);
    rsp_tlv_close (out, key);
    rsp_tlv_close (out, config);
    rsp_tlv_close (out, list);
    GBytes *answer = ask (f, RSP_FN_ES10B_ADD_INITIAL_EIM, RSP_SLICE (out->data, out->len));
    g_autofree char *hex = rsp_hex (rsp_slice_of (answer));
    g_assert_cmpstr (hex, ==, "bf5704a0020500");
}

/* A package of OPERATIONS (hex), with the next counter or, AGAIN, the last one. */
static GBytes *
load (Fixture *f, const char *operations, gboolean again)
{
    guint8 eid[16] = {0x89}, signature[RSP_SIGNATURE_SIZE];
    static const guint8 token[] = {0x84, 0x01, 0x00};
    g_autoptr (GByteArray) out = g_byte_array_new ();
    g_autoptr (GBytes) list = rsp_unhex (operations);
    f->counter += !again;
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, EIM);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (eid));
    rsp_tlv_put_int (out, 0x81, f->counter);
    rsp_tlv_put (out, 0xA0, rsp_slice_of (list));
    rsp_tlv_close (out, mark);
    RspSlice parts[] = {RSP_SLICE (out->data, out->len), RSP_SLICE_ARRAY (token)};
    rsp_key_sign (f->key, parts, 2, signature);
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
    return ask (f, RSP_FN_ES10B_LOAD_EUICC_PACKAGE, RSP_SLICE (out->data, out->len));
}

#define ENABLE "A30E5A0A980000000000000000010500"
#define DISABLE "A40C5A0A98000000000000000000"

/* euiccResult in hex of the only result in ANSWER, which is BF51 or a list of it. */
static char *
results_of (GBytes *answer)
{
    RspTlv tlv, list, data, results;
    RspSlice whole = rsp_slice_of (answer);
    g_assert_nonnull (answer);
    if (rsp_tlv_single (whole, 0xBF2B, &tlv)) {
        g_assert_true (rsp_tlv_find (tlv.value, 0xA2, &list));
        whole = list.value;
    }
    g_assert_true (rsp_tlv_single (whole, 0xBF51, &tlv));
    g_assert_true (rsp_tlv_find (tlv.value, 0xA0, &list));
    g_assert_true (rsp_tlv_find (list.value, 0x30, &data));
    g_assert_true (rsp_tlv_find (data.value, 0x30, &results));
    return rsp_hex (results.value);
}

static GBytes *
kept (Fixture *f)
{
    static const guint8 all[] = {0xA0, 0x02, 0x82, 0x00};
    return ask (f, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, RSP_SLICE_ARRAY (all));
}

/* --- tests --- */

/* The device goes down while the card works: at the next start the result tells what was done and
 * that it was interrupted, and the package does not run again. */
static void
test_interrupted (Fixture *f, gconstpointer unused)
{
    add_eim (f);
    f->silent = "EnableProfile";
    g_assert_null (load (f, DISABLE ENABLE, FALSE));
    crash (f);
    f->silent = NULL;
    start (f);
    g_autofree char *results = results_of (kept (f));
    g_assert_cmpstr (results, ==, "840100020103");
    g_string_truncate (f->log, 0);
    g_autofree char *again = rsp_hex (rsp_slice_of (load (f, DISABLE ENABLE, TRUE)));
    g_assert_nonnull (strstr (again, "020104")); /* replayError */
    g_assert_null (strstr (f->log->str, "Profile "));
}

/* The right to roll back is kept; the card's part of it may have been done before the crash. */
static void
test_rollback_after_crash (Fixture *f, gconstpointer unused)
{
    static const guint8 no_refresh[] = {0x80, 0x01, 0x00};
    add_eim (f);
    g_autofree char *done = results_of (load (f, ENABLE, FALSE));
    g_assert_cmpstr (done, ==, "830100");
    crash (f);
    start (f);
    f->silent = "EnableProfile";
    g_assert_null (ask (f, RSP_FN_ES10B_PROFILE_ROLLBACK, RSP_SLICE_ARRAY (no_refresh)));
    crash (f);
    f->silent = NULL;
    start (f);
    g_autofree char *before = results_of (kept (f));
    g_assert_cmpstr (before, ==, "830100");
    g_autofree char *hex = rsp_hex (
        rsp_slice_of (ask (f, RSP_FN_ES10B_PROFILE_ROLLBACK, RSP_SLICE_ARRAY (no_refresh))));
    g_assert_true (g_str_has_prefix (hex, "bf58"));
    g_assert_nonnull (strstr (hex, "8c0100"));
    g_autofree char *after = results_of (kept (f));
    g_assert_cmpstr (after, ==, "8c0100");
}

/* A package that asks for another rollback takes the first right away, also if it fails. */
static void
test_right_ends (Fixture *f, gconstpointer unused)
{
    static const guint8 no_refresh[] = {0x80, 0x01, 0x00};
    add_eim (f);
    load (f, ENABLE, FALSE);
    load (f, "A40C5A0A98000000000000000009", FALSE);
    g_autofree char *hex = rsp_hex (
        rsp_slice_of (ask (f, RSP_FN_ES10B_PROFILE_ROLLBACK, RSP_SLICE_ARRAY (no_refresh))));
    g_assert_cmpstr (hex, ==, "bf5803020101");
}

/* Anything that is no package at all. */
static void
test_nonsense (Fixture *f, gconstpointer unused)
{
    static const char *const bodies[] = {"",     "3000",           "30005F3700",
                                         "A000", "300280005F3700", "30118001315A01008101015F3700"};
    add_eim (f);
    for (guint i = 0; i < G_N_ELEMENTS (bodies); i++) {
        g_autoptr (GBytes) body = rsp_unhex (bodies[i]);
        ask (f, RSP_FN_ES10B_LOAD_EUICC_PACKAGE, rsp_slice_of (body));
        g_assert_cmphex (f->sw, ==, 0x6A80);
    }
    g_autofree char *damaged = results_of (load (f, "A3025A00", FALSE));
    g_assert_cmpstr (damaged, ==, "020102");
    g_autofree char *unknown = results_of (load (f, "B900", FALSE));
    g_assert_cmpstr (unknown, ==, "020102");
}

/* As many operations as a package has room for: the result's size ends it, not the stack's. */
static void
test_many (Fixture *f, gconstpointer unused)
{
    g_autoptr (GString) operations = g_string_new (NULL);
    add_eim (f);
    for (guint i = 0; i < 4000; i++)
        g_string_append (operations, "A700");
    g_autofree char *results = results_of (load (f, operations->str, FALSE));
    g_assert_cmpuint (strlen (results), >, 2 * (EMU_RESULT_LIMIT - 4));
    g_assert_true (g_str_has_prefix (results, "870100870100"));
    g_assert_true (g_str_has_suffix (results, "870100020101"));
}

/* A file that is none is refused by name. */
static void
test_damaged_file (Fixture *f, gconstpointer unused)
{
    g_autoptr (GError) error = NULL;
    const RspIpaConfig config = {.card = "card"};
    crash (f);
    g_assert_true (
        g_file_set_contents (f->path, "not a database, but long enough to be read", -1, NULL));
    f->ipa = rsp_ipa_new (&f->actor, &config, NULL);
    g_assert_false (rsp_ipa_emulate (f->ipa, f->path, &error));
    g_assert_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_DAMAGED);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/ipa/emulate/" name, Fixture, NULL, set_up, func, tear_down)
    ADD ("interrupted", test_interrupted);
    ADD ("rollback-after-crash", test_rollback_after_crash);
    ADD ("right-ends", test_right_ends);
    ADD ("nonsense", test_nonsense);
    ADD ("many", test_many);
    ADD ("damaged-file", test_damaged_file);
    return g_test_run ();
}
