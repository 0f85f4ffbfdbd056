/* SM-DP+ against what no honest peer sends: every request bent octet by octet, oversized, cut, of
 * another shape. Nothing of it may have an effect, and the server goes on. */
#include "pytests/unit/test-smdpp-card.h"

#include <string.h>

#define MID "MID-0001"
#define ROUNDS 250

static const RspFunctionId functions[] = {
    RSP_FN_ES2P_DOWNLOAD_ORDER,
    RSP_FN_ES2P_CONFIRM_ORDER,
    RSP_FN_ES2P_CANCEL_ORDER,
    RSP_FN_ES2P_RELEASE_PROFILE,
    RSP_FN_ES9P_INITIATE_AUTHENTICATION,
    RSP_FN_ES9P_AUTHENTICATE_CLIENT,
    RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE,
    RSP_FN_ES9P_CANCEL_SESSION,
    RSP_FN_ES9P_HANDLE_NOTIFICATION,
};

static World *
released (void)
{
    World *w = world_new ();
    w->config.attempt_limit = 100000;
    world_start (w);
    order_released (w, ICCID, NULL, MID, NULL);
    return w;
}

/* One octet of DER changed, or the end cut off. */
static GBytes *
bend (RspRng *rng, GBytes *der)
{
    gsize size = g_bytes_get_size (der);
    g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (der, NULL), size);
    guint kind = rsp_rng_below (rng, 10);
    if (kind == 0)
        size = rsp_rng_below (rng, size);
    else
        copy[rsp_rng_below (rng, size)] ^= 1u << rsp_rng_below (rng, 8);
    return g_bytes_new (copy, size);
}

static const char *
post_der (World *w, RspFunctionId id, const char *member, GBytes *der)
{
    g_autoptr (RspFields) in = rsp_fields_new (rsp_function (id), RSP_LEG_REQUEST);
    if (id != RSP_FN_ES9P_HANDLE_NOTIFICATION)
        rsp_fields_set_bytes (in, "transactionId", w->id);
    rsp_fields_set_bytes (in, member, der);
    return post_fields (w, id, in);
}

static void
test_bent_authentication (void)
{
    g_autoptr (World) w = released ();
    g_autoptr (RspRng) rng = world_rng (w);
    for (guint i = 0; i < ROUNDS; i++) {
        if (rsp_smdpp_live_sessions (w->dp) == 0)
            g_assert_cmpstr (initiate (w), ==, "ok");
        g_autoptr (GBytes) good = authenticate_body (w, MID, BAD_NOTHING);
        g_autoptr (GBytes) bad = bend (rng, good);
        post_der (w, RSP_FN_ES9P_AUTHENTICATE_CLIENT, "authenticateServerResponse", bad);
        g_assert_cmpstr (w->code, !=, "ok");
    }
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 0);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
}

static void
test_bent_session (void)
{
    g_autoptr (World) w = released ();
    g_autoptr (RspRng) rng = world_rng (w);
    for (guint i = 0; i < ROUNDS; i++) {
        if (rsp_smdpp_live_sessions (w->dp) == 0) {
            initiate (w);
            g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
        }
        g_autoptr (GBytes) cancellation = cancel_body (w, 0, BAD_NOTHING);
        g_autoptr (GBytes) bent_cancellation = bend (rng, cancellation);
        post_der (w, RSP_FN_ES9P_CANCEL_SESSION, "cancelSessionResponse", bent_cancellation);
        g_autoptr (GBytes) prepared = prepare_body (w, NULL, BAD_NOTHING);
        g_autoptr (GBytes) bent = bend (rng, prepared);
        post_der (w, RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "prepareDownloadResponse", bent);
        g_assert_cmpstr (w->code, !=, "ok");
        g_assert_cmpstr (order_state (w, ICCID), ==, "released");
    }
}

static void
test_bent_notifications (void)
{
    g_autoptr (World) w = released ();
    g_autoptr (RspRng) rng = world_rng (w);
    initiate (w);
    authenticate (w, MID, BAD_NOTHING);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_autoptr (GBytes) result = result_body (w, -1, BAD_NOTHING);
    g_autoptr (GBytes) other = other_notification (w, 1, 0x40, ICCID, BAD_NOTHING);
    g_string_truncate (w->states, 0);
    for (guint i = 0; i < 2 * ROUNDS; i++) {
        g_autoptr (GBytes) bad = bend (rng, i % 2 ? result : other);
        notify (w, bad);
        g_assert_true (g_str_equal (w->code, "http 204") || g_str_equal (w->code, "1.6/2.1"));
    }
    g_assert_cmpstr (w->states->str, ==, "");
    g_assert_cmpstr (notify (w, result), ==, "http 204");
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed");
}

static void
test_bent_info1 (void)
{
    g_autoptr (World) w = released ();
    g_autoptr (RspRng) rng = world_rng (w);
    const guint8 svn[3] = {2, 6, 0};
    RspSlice ski = rsp_cert_ski (rsp_ci_cert (w->ci));
    g_autoptr (GBytes) good = info1 (w, svn, NULL, ski, ski);
    for (guint i = 0; i < ROUNDS; i++) {
        g_autoptr (GBytes) bad = bend (rng, good);
        initiate_with (w, FQDN, bad);
    }
    g_assert_cmpstr (initiate (w), ==, "ok");
}

static void
post_text (World *w, RspFunctionId id, const char *text, gssize len)
{
    g_autoptr (GBytes) body = g_bytes_new (text, len < 0 ? strlen (text) : (gsize)len);
    post (w, id, body);
    g_assert_cmpstr (w->code, !=, "ok");
    g_assert_false (g_str_has_prefix (w->code, "http 5"));
}

static void
test_shapes (void)
{
    g_autoptr (World) w = released ();
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\"text\"",
        "{\"transactionId\":[],\"iccid\":{}}",
        "{\"transactionId\":\"zz\",\"pendingNotification\":\"====\",\"iccid\":1}",
        "{\"transactionId\":\"00112233445566778899AABBCCDDEEFF\",\"cancelSessionResponse\":\"\","
        "\"authenticateServerResponse\":\"\",\"prepareDownloadResponse\":\"\"}",
        "{\"euiccChallenge\":\"AA==\",\"euiccInfo1\":\"vyAA\",\"smdpAddress\":\"" FQDN "\"}",
        "{\"pendingNotification\":\"AA==\"}",
        "{\"header\":{\"functionRequesterIdentifier\":\"a\",\"functionCallIdentifier\":\"b\"},"
        "\"iccid\":\"\\u0000\",\"releaseFlag\":true,\"finalProfileStatusIndicator\":\"Available\"}",
        "\xff\xfe{\"iccid\":\"\xc3\x28\"}",
    };
    for (guint f = 0; f < G_N_ELEMENTS (functions); f++)
        for (guint i = 0; i < G_N_ELEMENTS (bodies); i++)
            post_text (w, functions[f], bodies[i], -1);
    for (guint f = 0; f < G_N_ELEMENTS (functions); f++) {
        g_autofree char *deep = g_strnfill (200000, '[');
        post_text (w, functions[f], deep, -1);
        g_autofree char *large = g_strnfill (5 << 20, ' ');
        memcpy (large, "{\"iccid\":\"", 10);
        post_text (w, functions[f], large, 5 << 20);
    }
    g_assert_cmpstr (order_state (w, ICCID), ==, "released");
    g_assert_cmpuint (rsp_smdpp_live_sessions (w->dp), ==, 0);
}

/* Bodies that are well formed but endless: lists of a hundred thousand, a 3 MiB notification. */
static void
test_large (void)
{
    g_autoptr (World) w = released ();
    const guint8 svn[3] = {2, 6, 0};
    GByteArray *list = g_byte_array_new ();
    gsize outer = rsp_tlv_open (list, 0xBF20);
    rsp_tlv_put (list, 0x82, RSP_SLICE_ARRAY (svn));
    for (guint32 tag = 0xA9; tag <= 0xAA; tag++) {
        gsize mark = rsp_tlv_open (list, tag);
        for (guint i = 0; i < 45000; i++)
            rsp_tlv_put_text (list, 0x04, "12345678901234567890");
        rsp_tlv_close (list, mark);
    }
    rsp_tlv_close (list, outer);
    g_autoptr (GBytes) info = g_byte_array_free_to_bytes (list);
    g_assert_cmpstr (initiate_with (w, FQDN, info), ==, "8.8.2/3.1");

    initiate (w);
    g_autofree guint8 *filler = g_malloc0 (3 << 20);
    GByteArray *blob = g_byte_array_new ();
    rsp_tlv_put (blob, 0xBF37, RSP_SLICE (filler, 3 << 20));
    g_autoptr (GBytes) large = g_byte_array_free_to_bytes (blob);
    g_assert_cmpstr (notify (w, large), ==, "1.6/2.1");
    post_der (w, RSP_FN_ES9P_AUTHENTICATE_CLIENT, "authenticateServerResponse", large);
    g_assert_cmpstr (w->code, ==, "1.6/2.1");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok"); /* the session stands */
    post_der (w, RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "prepareDownloadResponse", large);
    g_assert_cmpstr (w->code, ==, "1.6/2.1");
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
}

/* What it does not serve is refused by name, not dropped. */
static void
test_not_supported (void)
{
    g_autoptr (World) w = released ();
    const RspFunction *fn = rsp_function (RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO);
    g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
    g_assert_cmpstr (post (w, fn->id, body), ==, "1.6/2.1");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/smdpp/hostile/authentication", test_bent_authentication);
    g_test_add_func ("/smdpp/hostile/session", test_bent_session);
    g_test_add_func ("/smdpp/hostile/notifications", test_bent_notifications);
    g_test_add_func ("/smdpp/hostile/info1", test_bent_info1);
    g_test_add_func ("/smdpp/hostile/shapes", test_shapes);
    g_test_add_func ("/smdpp/hostile/large", test_large);
    g_test_add_func ("/smdpp/hostile/not-supported", test_not_supported);
    return g_test_run ();
}
