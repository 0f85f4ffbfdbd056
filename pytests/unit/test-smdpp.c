/* SM-DP+ on ES9+: consumer-procedures.md 1.4 to 1.9 and 2.1 to 2.4, row by row. */
#include "pytests/unit/test-smdpp-card.h"

#include "asn1/ids.h"

#include <string.h>

#define MID "MID-0001"

static World *
released (const char *code)
{
    World *w = world_new ();
    world_start (w);
    order_released (w, ICCID, NULL, MID, code);
    return w;
}

static void
open_session (World *w)
{
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
}

static void
expect_points (World *w, const char *expected)
{
    g_autoptr (GString) got = g_string_new (NULL);
    const GPtrArray *all = rsp_operator_notifications (w->op);
    for (guint i = 0; i < all->len; i++) {
        const RspOperatorNotification *n = all->pdata[i];
        g_string_append_printf (got, "%d%s%s%s%s ", n->point, n->success ? "+" : "-",
                                n->subject ? n->subject : "", n->subject ? "/" : "",
                                n->reason ? n->reason : "");
    }
    g_assert_cmpstr (got->str, ==, expected);
}

static void
test_download (void)
{
    g_autoptr (World) w = released (NULL);
    open_session (w);
    g_assert_false (w->code_required);
    g_assert_null (w->offered);
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 1);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (order_state (w, ICCID), ==, "downloaded");
    g_auto (Opened) o = {0};
    g_assert_true (open_bpp (w, &o));
    g_assert_false (o.replaced_keys);
    g_assert_true (g_bytes_equal (o.upp, w->upp));
    g_assert_true (g_bytes_equal (o.metadata, w->metadata));
    g_assert_cmpuint (o.segments, ==, 12);
    g_autoptr (RspMetadata) m = rsp_metadata_decode (rsp_slice_of (o.metadata), NULL);
    g_assert_nonnull (m);
    g_assert_cmpuint (m->notifications->len, ==, 1);
    g_assert_cmpstr (g_array_index (m->notifications, RspNotificationConfig, 0).address, ==, FQDN);
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed");
    g_assert_cmpuint (rsp_smdpp_live_sessions (w->dp), ==, 0);
    g_assert_cmpstr (w->states->str, ==,
                     "available>allocated allocated>released released>downloaded "
                     "downloaded>installed ");
    expect_points (w, "1+ 3+ 4+ ");
    const RspOperatorNotification *n = rsp_operator_notifications (w->op)->pdata[2];
    g_assert_cmpstr (n->eid, ==, EID);
    g_assert_cmpstr (n->iccid, ==, ICCID);
    /* The same result again, and a new try: no effect. */
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    expect_points (w, "1+ 3+ 4+ ");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.2.6/3.8");
}

static void
test_protection_keys (void)
{
    g_autoptr (World) w = world_new ();
    w->config.protection_keys = TRUE;
    w->config.segment_size = 500;
    world_start (w);
    order_released (w, ICCID, NULL, MID, NULL);
    open_session (w);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_auto (Opened) o = {0};
    g_assert_true (open_bpp (w, &o));
    g_assert_true (o.replaced_keys);
    g_assert_cmpuint (o.segments, ==, 25);
    g_assert_true (g_bytes_equal (o.upp, w->upp));

    /* Another one-time key: new session keys, the same protected elements. */
    g_autoptr (GBytes) first = g_bytes_ref (w->bpp);
    rsp_key_free (w->card.otsk);
    g_autoptr (RspRng) rng = world_rng (w);
    w->card.otsk = rsp_key_generate (rng);
    open_session (w);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_auto (Opened) again = {0};
    g_assert_true (open_bpp (w, &again));
    g_assert_true (memcmp (o.dp_point, again.dp_point, RSP_POINT_SIZE) != 0);
    gsize n = 12000, size = g_bytes_get_size (first), size2 = g_bytes_get_size (w->bpp);
    g_assert_true (memcmp ((const guint8 *)g_bytes_get_data (first, NULL) + size - n,
                           (const guint8 *)g_bytes_get_data (w->bpp, NULL) + size2 - n, n) == 0);
}

/* 2.1 */
static void
test_initiate (void)
{
    g_autoptr (World) w = released (NULL);
    RspSlice own = rsp_cert_ski (rsp_ci_cert (w->ci));
    RspSlice foreign = rsp_cert_ski (rsp_ci_cert (w->other_ci));
    const struct {
        const char *address;
        guint8 svn[3], highest[3];
        RspSlice verify, sign;
        const char *code;
    } rows[] = {
        {"other.example.com", {2, 6, 0}, {0}, own, own, "8.8.1/3.8"},
        {"other.example.com", {1, 0, 0}, {0}, foreign, foreign, "8.8.1/3.8"},
        {FQDN "x", {2, 6, 0}, {0}, own, own, "8.8.1/3.8"},
        {FQDN ":", {2, 6, 0}, {0}, own, own, "8.8.1/3.8"},
        {FQDN ":12x", {2, 6, 0}, {0}, own, own, "8.8.1/3.8"},
        {"", {2, 6, 0}, {0}, own, own, "8.8.1/3.8"},
        {FQDN, {1, 0, 0}, {0}, foreign, foreign, "8.8.3/3.1"},
        {FQDN, {3, 0, 0}, {0}, own, own, "8.8.3/3.1"},
        {FQDN, {2, 2, 1}, {0}, own, own, "ok"},
        {FQDN, {2, 3, 0}, {3, 1, 0}, own, own, "ok"},
        {FQDN, {2, 6, 0}, {0}, foreign, foreign, "8.8.2/3.1"},
        {FQDN, {2, 6, 0}, {0}, own, NO_BYTES, "8.8.2/3.1"},
        {FQDN, {2, 6, 0}, {0}, foreign, own, "8.8.4/3.7"},
        {FQDN, {2, 6, 0}, {0}, NO_BYTES, own, "8.8.4/3.7"},
        {"DP1.Example.COM:8443", {2, 6, 0}, {0}, own, own, "ok"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GBytes) info =
            info1 (w, rows[i].svn, rows[i].highest[0] ? rows[i].highest : NULL, rows[i].verify,
                   rows[i].sign);
        g_test_message ("row %u", i);
        g_assert_cmpstr (initiate_with (w, rows[i].address, info), ==, rows[i].code);
    }
    g_assert_cmpstr (w->address, ==, "DP1.Example.COM:8443");
    g_assert_cmpuint (rsp_smdpp_live_sessions (w->dp), ==, 3);
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
}

/* 2.2, rows 1 to 10: no order is touched, and the session ends. */
static void
test_authenticate_refused (void)
{
    g_autoptr (World) w = released (NULL);
    static const struct {
        Bad bad;
        const char *code;
    } rows[] = {
        {BAD_SIGNED_ID, "8.10.1/3.9"},
        {BAD_SIGNATURE, "8.1/6.1"},
        {BAD_CHALLENGE, "8.1/6.1"},
        {BAD_ADDRESS, "8.1/6.1"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_cmpstr (initiate (w), ==, "ok");
        g_assert_cmpstr (authenticate (w, "UNKNOWN", rows[i].bad), ==, rows[i].code);
        g_assert_cmpuint (rsp_smdpp_live_sessions (w->dp), ==, 0);
        g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.10.1/3.9");
    }
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 0);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_EXTENSION), ==, "ok");
}

static const char *
authenticate_as (World *w, RspCi *ci, const RspCertTwist *eum_twist, const RspEuiccCertTwist *twist,
                 const char *eid)
{
    g_autoptr (RspEum) eum = eum_new (w, ci, eum_twist);
    card_new (w, eum, eid, twist);
    g_assert_cmpstr (initiate (w), ==, "ok");
    return authenticate (w, MID, BAD_NOTHING);
}

static void
test_chains (void)
{
    g_autoptr (World) w = released (NULL);
    const gint64 past = 1600000000;
    const RspCertTwist eum_old = {.not_before = past, .not_after = past + 1000};
    const RspCertTwist eum_role = {.role = RSP_ROLE_DP_AUTH};
    const RspCertTwist eum_old_role = {
        .role = RSP_ROLE_DP_AUTH, .not_before = past, .not_after = past + 1000};
    const RspCertTwist eum_signature = {.bad_signature = TRUE};
    const RspEuiccCertTwist old = {.not_before = past, .not_after = past + 1000};
    const RspEuiccCertTwist role = {.role = RSP_ROLE_DP_PB};
    const RspEuiccCertTwist signature = {.bad_signature = TRUE};
    const RspEuiccCertTwist organization = {.organization = "Else"};
    g_assert_cmpstr (authenticate_as (w, w->other_ci, NULL, NULL, EID), ==, "8.11.1/3.9");
    g_assert_cmpstr (authenticate_as (w, w->ci, &eum_signature, NULL, EID), ==, "8.1.2/6.1");
    g_assert_cmpstr (authenticate_as (w, w->ci, &eum_role, NULL, EID), ==, "8.1.2/6.1");
    g_assert_cmpstr (authenticate_as (w, w->ci, &eum_old, NULL, EID), ==, "8.1.2/6.3");
    g_assert_cmpstr (authenticate_as (w, w->ci, &eum_old_role, NULL, EID), ==, "8.1.2/6.3");
    g_assert_cmpstr (authenticate_as (w, w->ci, NULL, &signature, EID), ==, "8.1.3/6.1");
    g_assert_cmpstr (authenticate_as (w, w->ci, NULL, &role, EID), ==, "8.1.3/6.1");
    g_assert_cmpstr (authenticate_as (w, w->ci, NULL, &organization, EID), ==, "8.1.3/6.1");
    g_assert_cmpstr (authenticate_as (w, w->ci, NULL, &old, EID), ==, "8.1.3/6.3");
    g_assert_cmpstr (authenticate_as (w, w->ci, NULL, NULL, "12345678901234567890123456789086"), ==,
                     "8.1.3/6.1");
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 0);
    g_assert_cmpstr (authenticate_as (w, w->ci, NULL, NULL, EID), ==, "ok");
}

/* 2.2, rows 13 to 18. */
static void
test_matching (void)
{
    g_autoptr (World) w = released (NULL);
    order_released (w, ICCID2, EID, "", NULL);
    static const struct {
        const char *matching_id, *code;
    } rows[] = {{"MID-0002", "8.2.6/3.8"},
                {"mid-0001", "8.2.6/3.8"},
                {"_", "8.2.6/3.8"},
                {MID, "ok"},
                {"", "ok"},
                {NULL, "ok"}};
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_cmpstr (initiate (w), ==, "ok");
        g_assert_cmpstr (authenticate (w, rows[i].matching_id, BAD_NOTHING), ==, rows[i].code);
    }
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 1);
    g_assert_cmpuint (order_attempts (w, ICCID2), ==, 2);
    /* The order belongs to the first that was let in; the default order to its EID. */
    g_assert_cmpstr (authenticate_as (w, w->ci, NULL, NULL, OTHER_EID), ==, "8.1.1/3.8");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, NULL, BAD_NOTHING), ==, "8.1.1/3.8");
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 1);
}

static void
test_not_released_and_limits (void)
{
    g_autoptr (World) w = world_new ();
    w->config.attempt_limit = 2;
    w->config.order_lifetime = G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC;
    world_start (w);
    es2 (w, w->op, RSP_FN_ES2P_DOWNLOAD_ORDER, NULL, NULL, "iccid", ICCID, NULL);
    es2 (w, w->op, RSP_FN_ES2P_CONFIRM_ORDER, NULL, NULL, "iccid", ICCID, "matchingId", MID,
         "releaseFlag", "false", NULL);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.2/1.2");
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 0);
    g_assert_cmpstr (es2 (w, w->op, RSP_FN_ES2P_RELEASE_PROFILE, NULL, NULL, "iccid", ICCID, NULL),
                     ==, "ok");
    for (guint i = 0; i < 2; i++)
        open_session (w);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.8.5/6.4");
    g_assert_cmpstr (order_state (w, ICCID), ==, "error");
    expect_points (w, "1+ 1+ 1-8.8.5/6.4 ");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.8.5/6.4"); /* and goes on so */
    expect_points (w, "1+ 1+ 1-8.8.5/6.4 ");

    order_released (w, ICCID2, NULL, "MID-0002", NULL);
    world_wait (w, 3601);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, "MID-0002", BAD_NOTHING), ==, "8.8.5/4.10");
    g_assert_cmpstr (order_state (w, ICCID2), ==, "error");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, "MID-0002", BAD_NOTHING), ==, "8.8.5/4.10");
}

/* States that stand ready when a world begins. */
static void
test_ready_orders (void)
{
    g_autoptr (World) w = world_new ();
    world_start (w);
    order_released (w, ICCID, NULL, MID, "1234");
    RspOrderSetting setting = {.attempts = 10};
    g_assert_true (rsp_smdpp_set_order (w->dp, ICCID, &setting, NULL));
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.8.5/6.4");
    setting = (RspOrderSetting){.state = "released", .code_tries = 3};
    g_assert_true (rsp_smdpp_set_order (w->dp, ICCID, &setting, NULL));
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (get_bpp (w, "1234", BAD_NOTHING), ==, "8.2.7/6.4");
    setting = (RspOrderSetting){.state = "released", .expired = TRUE};
    g_assert_true (rsp_smdpp_set_order (w->dp, ICCID, &setting, NULL));
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.8.5/4.10");
    setting = (RspOrderSetting){.state = "unavailable"};
    g_assert_true (rsp_smdpp_set_order (w->dp, ICCID, &setting, NULL));
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.2.6/3.8");
}

/* The test's card says TAC 35290611, written plainly. */
static void
test_devices (void)
{
    static const struct {
        const char *tacs, *code;
    } rows[] = {{"35290611", "ok"},
                {"00000000,35290611", "ok"},
                {"53926011", "ok"}, /* TBCD */
                {"00000000", "8.2.5/4.3"}};
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (World) w = world_new ();
        world_start (w);
        g_autoptr (RspProfilePackage) p = package_new (w, "8988303000000000036", 0, RSP_CLASS_TEST);
        const RspStockTerms terms = {.tacs = rows[i].tacs};
        g_assert_true (rsp_smdpp_add_profile (w->dp, p, &terms, NULL));
        order_released (w, "8988303000000000036", NULL, MID, NULL);
        g_assert_cmpstr (initiate (w), ==, "ok");
        g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, rows[i].code);
    }
}

/* A server under two CIs shows each card what that card can verify. */
static void
test_several_cis (void)
{
    g_autoptr (World) w = world_new ();
    g_autoptr (RspRng) rng = world_rng (w);
    g_autoptr (RspKey) auth_key = rsp_key_generate (rng);
    g_autoptr (RspKey) pb_key = rsp_key_generate (rng);
    g_autoptr (RspCert) auth =
        rsp_ci_issue_server (w->other_ci, RSP_ROLE_DP_AUTH, "dp1", "2.999.11", NULL,
                             RSP_SLICE (rsp_key_point (auth_key), RSP_POINT_SIZE), NULL, NULL);
    g_autoptr (RspCert) pb =
        rsp_ci_issue_server (w->other_ci, RSP_ROLE_DP_PB, "dp1", "2.999.11", NULL,
                             RSP_SLICE (rsp_key_point (pb_key), RSP_POINT_SIZE), NULL, NULL);
    const RspServerIdentity both[] = {{auth, pb, auth_key, pb_key}, w->identity};
    w->config.identities = both;
    w->config.n_identities = 2;
    world_start (w);
    order_released (w, ICCID, NULL, MID, NULL);
    g_assert_cmpstr (initiate (w), ==, "ok"); /* world_…: the certificate is that of w->ci */
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_auto (Opened) opened = {0};
    g_assert_true (open_bpp (w, &opened));
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed");
    const guint8 svn[3] = {2, 6, 0};
    g_autoptr (GBytes) info = info1 (w, svn, NULL, rsp_cert_ski (rsp_ci_cert (w->other_ci)),
                                     rsp_cert_ski (rsp_ci_cert (w->ci)));
    const RspFunction *fn = rsp_function (RSP_FN_ES9P_INITIATE_AUTHENTICATION);
    g_autoptr (RspFields) in = rsp_fields_new (fn, RSP_LEG_REQUEST);
    g_autoptr (GBytes) challenge = g_bytes_new_static ("0123456789abcdef", 16);
    rsp_fields_set_text (in, "smdpAddress", FQDN);
    rsp_fields_set_bytes (in, "euiccChallenge", challenge);
    rsp_fields_set_bytes (in, "euiccInfo1", info);
    g_autoptr (GBytes) body = rsp_fields_encode (in);
    g_autoptr (RspFields) out = world_call (w, fn->id, body);
    g_assert_true (
        g_bytes_equal (rsp_fields_bytes (out, "serverCertificate"), rsp_cert_der (auth)));
}

static void
test_eligibility (void)
{
    static const struct {
        guint32 ppr;
        RspProfileClass class;
        guint8 forbidden, capability, version, services;
        guint32 memory;
        const char *code;
    } rows[] = {
        {RSP_PPR1, RSP_CLASS_OPERATIONAL, 0x40, 0x90, 2, 0xff, 500000, "8.2.5/4.3"},
        {RSP_PPR1, RSP_CLASS_OPERATIONAL, 0x20, 0x90, 2, 0xff, 500000, "ok"},
        {RSP_PPR2, RSP_CLASS_OPERATIONAL, 0x20, 0x90, 2, 0xff, 500000, "8.2.5/4.3"},
        {0, RSP_CLASS_TEST, 0, 0x80, 2, 0xff, 500000, "8.2.5/4.3"},
        {0, RSP_CLASS_TEST, 0, 0x90, 2, 0xff, 500000, "ok"},
        {0, RSP_CLASS_OPERATIONAL, 0, 0x10, 2, 0xff, 500000, "8.2.5/4.3"},
        {0, RSP_CLASS_OPERATIONAL, 0, 0x90, 1, 0xff, 500000, "8.2.5/4.3"},
        {0, RSP_CLASS_OPERATIONAL, 0, 0x90, 2, 0xbf, 500000, "8.2.5/4.3"},
        {0, RSP_CLASS_OPERATIONAL, 0, 0x90, 2, 0xff, 12000, "8.1/4.8"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (World) w = world_new ();
        world_start (w);
        const char *iccid = "8988303000000000101";
        g_autoptr (RspProfilePackage) p = package_new (w, iccid, rows[i].ppr, rows[i].class);
        g_assert_true (rsp_smdpp_add_profile (w->dp, p, &(RspStockTerms){0}, NULL));
        order_released (w, iccid, NULL, MID, NULL);
        w->card.forbidden = rows[i].forbidden;
        w->card.rsp_capability = rows[i].capability;
        w->card.profile_version = rows[i].version;
        w->card.services = rows[i].services;
        w->card.memory = rows[i].memory;
        g_test_message ("row %u", i);
        g_assert_cmpstr (initiate (w), ==, "ok");
        g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, rows[i].code);
        gboolean ok = strcmp (rows[i].code, "ok") == 0;
        g_assert_cmpstr (order_state (w, iccid), ==, ok ? "released" : "error");
        g_autofree char *points = g_strconcat (ok ? "1+" : "1-", ok ? "" : rows[i].code, " ", NULL);
        expect_points (w, points);
    }
}

/* 2.3 */
static void
test_bpp_refused (void)
{
    g_autoptr (World) w = released (NULL);
    static const struct {
        Bad bad;
        const char *code;
    } rows[] = {{BAD_SIGNATURE, "8.1/6.1"}, {BAD_SIGNED_ID, "8.10.1/3.9"}, {BAD_POINT, "8.1/6.1"}};
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "8.10.1/3.9"); /* too early */
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        open_session (w);
        g_assert_cmpstr (get_bpp (w, NULL, rows[i].bad), ==, rows[i].code);
        g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "8.10.1/3.9");
        g_assert_cmpstr (order_state (w, ICCID), ==, "released");
    }
}

static void
test_confirmation_code (void)
{
    g_autoptr (World) w = released ("4711");
    open_session (w);
    g_assert_true (w->code_required);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "8.2.7/2.2");
    open_session (w);
    g_assert_cmpstr (get_bpp (w, "4712", BAD_NOTHING), ==, "8.2.7/3.8");
    g_assert_cmpstr (get_bpp (w, "", BAD_NOTHING), ==, "8.2.7/3.8");
    g_assert_cmpstr (get_bpp (w, "4711", BAD_NOTHING), ==, "ok"); /* same session */
    g_assert_cmpstr (deliver_result (w, 11, BAD_NOTHING), ==, "http 204");
    /* Counters outlive the success; the limit comes before the comparison. */
    open_session (w);
    g_assert_nonnull (w->offered); /* a temporary failure keeps the binding */
    g_assert_cmpstr (get_bpp (w, "1", BAD_NOTHING), ==, "8.2.7/3.8");
    g_assert_cmpstr (get_bpp (w, "4711", BAD_NOTHING), ==, "8.2.7/6.4");
    g_assert_cmpstr (order_state (w, ICCID), ==, "error");
    expect_points (w, "1+ 1+ 3+ 4-8.2/4.2 1+ 2-8.2.7/6.4 ");
}

/* 1.8 */
static void
test_binding (void)
{
    g_autoptr (World) w = released (NULL);
    g_auto (Opened) first = {0};
    g_auto (Opened) same = {0};
    g_auto (Opened) other = {0};
    open_session (w);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_assert_true (open_bpp (w, &first));
    g_autoptr (GBytes) bpp = g_bytes_ref (w->bpp);
    open_session (w); /* retry without a result */
    g_assert_nonnull (w->offered);
    g_assert_true (rsp_slice_equal (rsp_slice_of (w->offered),
                                    RSP_SLICE (rsp_key_point (w->card.otsk), RSP_POINT_SIZE)));
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_assert_true (open_bpp (w, &same));
    g_assert_true (memcmp (first.dp_point, same.dp_point, RSP_POINT_SIZE) == 0);
    gsize n = 12000, size = g_bytes_get_size (bpp);
    g_assert_cmpuint (size, ==, g_bytes_get_size (w->bpp));
    g_assert_true (memcmp ((const guint8 *)g_bytes_get_data (bpp, NULL) + size - n,
                           (const guint8 *)g_bytes_get_data (w->bpp, NULL) + size - n, n) == 0);
    g_autoptr (RspRng) rng = world_rng (w);
    rsp_key_free (w->card.otsk);
    w->card.otsk = rsp_key_generate (rng);
    open_session (w);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_assert_true (open_bpp (w, &other));
    g_assert_true (memcmp (first.dp_point, other.dp_point, RSP_POINT_SIZE) != 0);
    g_assert_true (g_bytes_equal (other.upp, w->upp));

    w->config.refuse_rebinding = TRUE;
    g_autoptr (World) strict = world_new ();
    strict->config.refuse_rebinding = TRUE;
    world_start (strict);
    order_released (strict, ICCID, NULL, MID, NULL);
    open_session (strict);
    g_assert_cmpstr (get_bpp (strict, NULL, BAD_NOTHING), ==, "ok");
    rsp_key_free (strict->card.otsk);
    strict->card.otsk = rsp_key_generate (rng);
    open_session (strict);
    g_assert_cmpstr (get_bpp (strict, NULL, BAD_NOTHING), ==, "8.2/3.7");
    g_assert_cmpstr (order_state (strict, ICCID), ==, "downloaded");
}

/* 1.5, 2.4 */
static void
test_cancel (void)
{
    static const struct {
        int reason;
        gboolean after_bpp;
        const char *state, *points;
    } rows[] = {
        {0, FALSE, "error", "1+ 2- "},     {1, FALSE, "released", "1+ "},
        {2, FALSE, "released", "1+ "},     {3, FALSE, "error", "1+ 2- "},
        {4, TRUE, "error", "1+ 3+ 3- "},   {5, TRUE, "error", "1+ 3+ 3- "},
        {1, TRUE, "downloaded", "1+ 3+ "}, {127, FALSE, "error", "1+ 2- "},
        {16, FALSE, "released", "1+ "},
    };
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (World) w = released (NULL);
        g_assert_cmpstr (initiate (w), ==, "ok");
        g_assert_cmpstr (cancel (w, rows[i].reason, BAD_NOTHING), ==, "8.10.1/3.9");
        g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
        if (rows[i].after_bpp)
            g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
        g_assert_cmpstr (cancel (w, rows[i].reason, BAD_SIGNATURE), ==, "8.1/6.1");
        g_assert_cmpstr (cancel (w, rows[i].reason, BAD_OID), ==, "8.8/3.10");
        g_assert_cmpstr (cancel (w, rows[i].reason, BAD_SIGNED_ID), ==, "8.10.1/3.9");
        g_assert_cmpstr (order_state (w, ICCID), ==, rows[i].after_bpp ? "downloaded" : "released");
        g_assert_cmpstr (cancel (w, rows[i].reason, BAD_NOTHING), ==, "ok");
        g_assert_cmpuint (rsp_smdpp_live_sessions (w->dp), ==, 0);
        g_test_message ("row %u", i);
        g_assert_cmpstr (order_state (w, ICCID), ==, rows[i].state);
        expect_points (w, rows[i].points);
        g_assert_cmpstr (cancel (w, rows[i].reason, BAD_NOTHING), ==, "8.10.1/3.9");
    }
}

/* 1.6 */
static void
test_results (void)
{
    static const struct {
        int reason;
        const char *state, *points;
    } rows[] = {{1, "error", "1+ 3+ 4-8.2/4.2 "},     {9, "error", "1+ 3+ 4-8.2/4.2 "},
                {10, "released", "1+ 3+ 4-8.1/4.8 "}, {11, "released", "1+ 3+ 4-8.2/4.2 "},
                {127, "error", "1+ 3+ 4-8.2/4.2 "},   {-1, "installed", "1+ 3+ 4+ "}};
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (World) w = released (NULL);
        open_session (w);
        g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204"); /* nothing out yet */
        g_assert_cmpstr (order_state (w, ICCID), ==, "released");
        g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
        const Bad lies[] = {BAD_SIGNATURE, BAD_OID, BAD_SIGNED_ID};
        for (guint k = 0; k < G_N_ELEMENTS (lies); k++)
            g_assert_cmpstr (deliver_result (w, rows[i].reason, lies[k]), ==, "http 204");
        g_assert_cmpstr (order_state (w, ICCID), ==, "downloaded");
        for (guint k = 0; k < 2; k++) {
            g_assert_cmpstr (deliver_result (w, rows[i].reason, BAD_NOTHING), ==, "http 204");
            g_assert_cmpstr (order_state (w, ICCID), ==, rows[i].state);
            expect_points (w, rows[i].points);
        }
    }
    /* A success that was cancelled before is believed. */
    g_autoptr (World) w = released (NULL);
    open_session (w);
    get_bpp (w, NULL, BAD_NOTHING);
    g_assert_cmpstr (cancel (w, 5, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (order_state (w, ICCID), ==, "error");
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed");
}

static void
test_other_notifications (void)
{
    g_autoptr (World) w = released (NULL);
    g_string_truncate (w->states, 0);
    g_autoptr (GBytes) enable = other_notification (w, 5, 0x40, ICCID, BAD_NOTHING);
    g_autoptr (GBytes) lie = other_notification (w, 6, 0x20, ICCID, BAD_SIGNATURE);
    g_autoptr (GBytes) remove = other_notification (w, 7, 0x10, ICCID, BAD_NOTHING);
    g_assert_cmpstr (notify (w, enable), ==, "http 204");
    g_assert_cmpstr (notify (w, enable), ==, "http 204");
    g_assert_cmpstr (notify (w, lie), ==, "http 204");
    g_assert_cmpstr (notify (w, remove), ==, "http 204");
    g_assert_cmpstr (w->states->str, ==, ">enabled >deleted ");
    g_assert_cmpstr (order_state (w, ICCID), ==, "released");
    g_autoptr (RspEum) eum = eum_new (w, w->other_ci, NULL);
    card_new (w, eum, EID, NULL);
    g_autoptr (GBytes) foreign = other_notification (w, 8, 0x20, ICCID, BAD_NOTHING);
    g_assert_cmpstr (notify (w, foreign), ==, "http 204");
    g_assert_cmpstr (w->states->str, ==, ">enabled >deleted ");
}

/* 1.9 */
static void
test_sessions (void)
{
    g_autoptr (World) w = released (NULL);
    open_session (w);
    g_autoptr (GBytes) old = g_bytes_ref (w->id);
    open_session (w); /* the newer wins */
    g_assert_cmpuint (rsp_smdpp_live_sessions (w->dp), ==, 1);
    g_autoptr (GBytes) new = w->id;
    w->id = g_bytes_ref (old);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "8.10.1/3.9");
    g_bytes_unref (w->id);
    w->id = g_bytes_ref (new);
    world_wait (w, 599);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    world_wait (w, 601);
    g_assert_cmpuint (rsp_smdpp_live_sessions (w->dp), ==, 0);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "8.10.1/3.9");
    g_assert_cmpstr (order_state (w, ICCID), ==, "downloaded");
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204"); /* days later */
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed");
}

static void
test_replay (void)
{
    g_autoptr (World) w = released (NULL);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_autoptr (GBytes) der = authenticate_body (w, MID, BAD_NOTHING);
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    guint8 first[67];
    memcpy (first, w->signature2, sizeof first);
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok"); /* same octets, same answer */
    g_assert_cmpmem (first, sizeof first, w->signature2, sizeof w->signature2);
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 1);
    g_assert_cmpstr (authenticate (w, "OTHER", BAD_NOTHING), ==, "8.10.1/3.9");
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_autoptr (GBytes) bpp = g_bytes_ref (w->bpp);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_assert_true (g_bytes_equal (bpp, w->bpp));
    g_assert_cmpstr (get_bpp (w, "1", BAD_NOTHING), ==, "8.10.1/3.9");
    expect_points (w, "1+ 3+ ");
    /* In another session the old answer is worth nothing. */
    initiate (w);
    g_autoptr (RspFields) in =
        rsp_fields_new (rsp_function (RSP_FN_ES9P_AUTHENTICATE_CLIENT), RSP_LEG_REQUEST);
    rsp_fields_set_bytes (in, "transactionId", w->id);
    rsp_fields_set_bytes (in, "authenticateServerResponse", der);
    g_assert_cmpstr (post_fields (w, RSP_FN_ES9P_AUTHENTICATE_CLIENT, in), ==, "8.10.1/3.9");
}

/* An address of a serving world stands in the metadata, port and all. */
static void
test_served_address (void)
{
    g_autoptr (World) w = released (NULL);
    rsp_smdpp_add_address (w->dp, "127.0.0.1:8443");
    rsp_smdpp_add_address (w->dp, "localhost:8443");
    open_session (w);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_autoptr (RspMetadata) m = rsp_metadata_decode (rsp_slice_of (w->metadata), NULL);
    g_assert_cmpstr (g_array_index (m->notifications, RspNotificationConfig, 0).address, ==,
                     "127.0.0.1:8443");
    g_auto (Opened) o = {0};
    g_assert_true (open_bpp (w, &o));
    g_assert_true (g_bytes_equal (o.metadata, w->metadata));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/smdpp/download", test_download);
    g_test_add_func ("/smdpp/protection-keys", test_protection_keys);
    g_test_add_func ("/smdpp/initiate", test_initiate);
    g_test_add_func ("/smdpp/authenticate-refused", test_authenticate_refused);
    g_test_add_func ("/smdpp/chains", test_chains);
    g_test_add_func ("/smdpp/matching", test_matching);
    g_test_add_func ("/smdpp/not-released-and-limits", test_not_released_and_limits);
    g_test_add_func ("/smdpp/ready-orders", test_ready_orders);
    g_test_add_func ("/smdpp/devices", test_devices);
    g_test_add_func ("/smdpp/several-cis", test_several_cis);
    g_test_add_func ("/smdpp/eligibility", test_eligibility);
    g_test_add_func ("/smdpp/bpp-refused", test_bpp_refused);
    g_test_add_func ("/smdpp/confirmation-code", test_confirmation_code);
    g_test_add_func ("/smdpp/binding", test_binding);
    g_test_add_func ("/smdpp/cancel", test_cancel);
    g_test_add_func ("/smdpp/results", test_results);
    g_test_add_func ("/smdpp/other-notifications", test_other_notifications);
    g_test_add_func ("/smdpp/sessions", test_sessions);
    g_test_add_func ("/smdpp/replay", test_replay);
    g_test_add_func ("/smdpp/served-address", test_served_address);
    return g_test_run ();
}
