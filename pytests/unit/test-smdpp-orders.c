/* SM-DP+ on ES2+ (consumer-procedures.md 1.2, 1.3, 1.7), and what outlives a restart. */
#include "pytests/unit/test-smdpp-card.h"

#include "sim/core/store.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define MID "MID-0001"
#define TEST_ICCID "8988303000000000101"

#define DOWNLOAD(w, op, ...) es2 (w, op, RSP_FN_ES2P_DOWNLOAD_ORDER, NULL, NULL, __VA_ARGS__, NULL)
#define CONFIRM(w, op, ...) es2 (w, op, RSP_FN_ES2P_CONFIRM_ORDER, NULL, NULL, __VA_ARGS__, NULL)
#define CANCEL(w, op, ...) es2 (w, op, RSP_FN_ES2P_CANCEL_ORDER, NULL, NULL, __VA_ARGS__, NULL)
#define RELEASE(w, op, iccid_)                                                                     \
    es2 (w, op, RSP_FN_ES2P_RELEASE_PROFILE, NULL, NULL, "iccid", iccid_, NULL)

static World *
started (void)
{
    World *w = world_new ();
    world_start (w);
    return w;
}

static void
test_download_order (void)
{
    g_autoptr (World) w = started ();
    g_autoptr (RspProfilePackage) p = package_new (w, TEST_ICCID, 0, RSP_CLASS_TEST);
    const RspStockTerms b = {.type = "type-b", .owner = "mno2"}, c = {.type = "type-c"};
    g_assert_true (rsp_smdpp_add_profile (w->dp, p, &b, NULL));
    g_assert_true (rsp_smdpp_add_profile (w->dp, p, &c, NULL)); /* there already */

    g_assert_cmpstr (DOWNLOAD (w, w->op, "eid", EID), ==, "8.2.1/2.2");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", "8988303000000000999"), ==, "8.2.1/3.9");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", "x'; DROP TABLE profile; --"), ==, "8.2.1/3.9");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", TEST_ICCID), ==, "8.2.1/1.2");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", ICCID, "profileType", "type-b"), ==, "8.2.5/3.8");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "profileType", "type-x"), ==, "8.2.5/3.9");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "profileType", "type-b"), ==, "8.2.5/1.2");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", ICCID, "eid", "123"), ==, "8.1.1/2.1");
    g_assert_cmpstr (order_state (w, ICCID), ==, "available");

    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", ICCID "F", "eid", EID), ==, "ok");
    g_assert_cmpstr (order_state (w, ICCID), ==, "linked");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", ICCID), ==, "8.2.1/3.3");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "iccid", ICCID, "eid", OTHER_EID), ==, "8.2.1/3.10");
    g_autofree char *iccid = NULL;
    g_assert_cmpstr (
        es2 (w, w->op, RSP_FN_ES2P_DOWNLOAD_ORDER, "iccid", &iccid, "profileType", "type-a", NULL),
        ==, "ok");
    g_assert_cmpstr (iccid, ==, ICCID2);
    g_assert_cmpstr (order_state (w, ICCID2), ==, "allocated");
    g_assert_cmpstr (DOWNLOAD (w, w->op, "profileType", "type-a"), ==, "8.2.5/3.7");
}

static void
test_confirm_order (void)
{
    g_autoptr (World) w = started ();
    g_autofree char *id = NULL;
    g_autofree char *again = NULL;
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", "8988303000000000999"), ==, "8.2.1/3.9");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID), ==, "8.2.1/1.2"); /* not ordered */
    DOWNLOAD (w, w->op, "iccid", ICCID, "eid", EID);
    DOWNLOAD (w, w->op, "iccid", ICCID2);
    g_assert_cmpstr (CONFIRM (w, w->op2, "iccid", ICCID), ==, "8.2.1/1.2");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID, "eid", OTHER_EID), ==, "8.1.1/3.10");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID2, "matchingId", ""), ==, "8.1.1/2.2");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID2, "smdsAddress", "ds.example.com"), ==,
                     "8.1.1/2.2");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID, "smdsAddress", "ds.example.com"), ==,
                     "8.9/5.1");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID, "matchingId", "AC_1"), ==, "8.2.6/2.1");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID, "matchingId", "mid"), ==, "8.2.6/2.1");
    g_assert_cmpstr (order_state (w, ICCID), ==, "linked");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID, "matchingId", MID, "confirmationCode", "1"),
                     ==, "ok");
    g_assert_cmpstr (order_state (w, ICCID), ==, "confirmed");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID2, "matchingId", MID), ==, "8.2.6/3.3");
    /* Equal parameters: the same answer; others: refused. */
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID, "matchingId", MID, "confirmationCode", "1"),
                     ==, "ok");
    g_assert_cmpstr (CONFIRM (w, w->op, "iccid", ICCID, "matchingId", MID, "confirmationCode", "2"),
                     ==, "8.2.1/1.2");
    g_assert_cmpstr (
        CONFIRM (w, w->op, "iccid", ICCID, "matchingId", "MID-2", "confirmationCode", "1"), ==,
        "8.2.1/1.2");
    /* Generated: random enough, valid, and told again. */
    g_assert_cmpstr (es2 (w, w->op, RSP_FN_ES2P_CONFIRM_ORDER, "matchingId", &id, "iccid", ICCID2,
                          "releaseFlag", "true", NULL),
                     ==, "ok");
    g_assert_cmpstr (es2 (w, w->op, RSP_FN_ES2P_CONFIRM_ORDER, "matchingId", &again, "iccid",
                          ICCID2, "releaseFlag", "true", NULL),
                     ==, "ok");
    g_assert_cmpuint (strlen (id), ==, 35);
    g_assert_cmpuint (strspn (id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"), ==, 35);
    g_assert_cmpstr (id, ==, again);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, id, BAD_NOTHING), ==, "ok");
}

static void
test_lenient_matching_id (void)
{
    g_autoptr (World) w = world_new ();
    w->config.lenient_matching_id = TRUE;
    world_start (w);
    order_released (w, ICCID, NULL, "AC_NO_CC", NULL);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, "AC_NO_CC", BAD_NOTHING), ==, "ok");
}

static void
test_release_and_cancel (void)
{
    g_autoptr (World) w = started ();
    g_assert_cmpstr (RELEASE (w, w->op, "8988303000000000999"), ==, "8.2.1/3.9");
    g_assert_cmpstr (RELEASE (w, w->op, ICCID), ==, "8.2.1/3.5");
    g_assert_cmpstr (CANCEL (w, w->op, "iccid", ICCID, "finalProfileStatusIndicator", "Available"),
                     ==, "8.2.1/3.3");
    DOWNLOAD (w, w->op, "iccid", ICCID, "eid", EID);
    g_assert_cmpstr (RELEASE (w, w->op2, ICCID), ==, "8.2.1/1.2");
    g_assert_cmpstr (RELEASE (w, w->op, ICCID), ==, "8.2.1/3.5");
    CONFIRM (w, w->op, "iccid", ICCID, "matchingId", MID);
    g_assert_cmpstr (RELEASE (w, w->op, ICCID), ==, "ok");
    g_assert_cmpstr (order_state (w, ICCID), ==, "released");
    g_assert_cmpstr (RELEASE (w, w->op, ICCID), ==, "8.2.1/3.5");

    g_assert_cmpstr (
        CANCEL (w, w->op2, "iccid", ICCID, "eid", EID, "finalProfileStatusIndicator", "Available"),
        ==, "8.2.1/1.2");
    g_assert_cmpstr (CANCEL (w, w->op, "iccid", ICCID, "finalProfileStatusIndicator", "Available"),
                     ==, "8.1.1/2.2");
    g_assert_cmpstr (CANCEL (w, w->op, "iccid", ICCID, "eid", OTHER_EID,
                             "finalProfileStatusIndicator", "Available"),
                     ==, "8.1.1/3.10");
    g_assert_cmpstr (CANCEL (w, w->op, "iccid", ICCID, "eid", EID, "matchingId", "MID-2",
                             "finalProfileStatusIndicator", "Available"),
                     ==, "8.2.6/3.10");
    g_assert_cmpstr (
        CANCEL (w, w->op, "iccid", ICCID, "eid", EID, "finalProfileStatusIndicator", "Installed"),
        ==, "1.6/2.1");
    /* A running session ends with its order. */
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (
        CANCEL (w, w->op, "iccid", ICCID, "eid", EID, "finalProfileStatusIndicator", "Available"),
        ==, "ok");
    g_assert_cmpstr (order_state (w, ICCID), ==, "available");
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 0);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "8.10.1/3.9");
    /* Anybody may order it anew; what is out there cannot go back to the stock. */
    g_assert_cmpstr (DOWNLOAD (w, w->op2, "iccid", ICCID), ==, "ok");
    CONFIRM (w, w->op2, "iccid", ICCID, "matchingId", MID, "releaseFlag", "true");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (CANCEL (w, w->op2, "iccid", ICCID, "finalProfileStatusIndicator", "Available"),
                     ==, "8.2.1/3.3");
    g_assert_cmpstr (
        CANCEL (w, w->op2, "iccid", ICCID, "finalProfileStatusIndicator", "Unavailable"), ==, "ok");
    g_assert_cmpstr (order_state (w, ICCID), ==, "unavailable");
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed"); /* the card has signed for it */
}

/* The same call identifier with the same octets: executed once, answered twice. */
static void
test_repeated_call (void)
{
    g_autoptr (World) w = started ();
    const RspFunction *fn = rsp_function (RSP_FN_ES2P_DOWNLOAD_ORDER);
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_REQUEST);
    rsp_fields_set_header (f, "phone", "call-1");
    rsp_fields_set_text (f, "iccid", ICCID);
    g_assert_cmpstr (post_fields (w, fn->id, f), ==, "ok");
    g_assert_cmpstr (post_fields (w, fn->id, f), ==, "ok");
    rsp_fields_set_header (f, "phone", "call-2");
    g_assert_cmpstr (post_fields (w, fn->id, f), ==, "8.2.1/3.3");
    /* Written in another way it is the same call. */
    static const char other[] = "{ \"iccid\":\"" ICCID "\", \"header\":"
                                "{\"functionCallIdentifier\":\"call-1\","
                                "\"functionRequesterIdentifier\":\"phone\"}}";
    g_autoptr (GBytes) written = g_bytes_new_static (other, sizeof other - 1);
    g_assert_cmpstr (post (w, fn->id, written), ==, "ok");
    /* Once the order has ended it is no repeat, and neither is a later end. */
    const RspFunction *end = rsp_function (RSP_FN_ES2P_CANCEL_ORDER);
    g_autoptr (RspFields) c = rsp_fields_new (end, RSP_LEG_REQUEST);
    rsp_fields_set_header (c, "phone", "call-3");
    rsp_fields_set_text (c, "iccid", ICCID);
    rsp_fields_set_text (c, "finalProfileStatusIndicator", "Available");
    rsp_fields_set_header (f, "phone", "call-1");
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpstr (post_fields (w, end->id, c), ==, "ok");
        g_assert_cmpstr (order_state (w, ICCID), ==, "available");
        g_assert_cmpstr (post_fields (w, end->id, c), ==, "ok");
        g_assert_cmpstr (post_fields (w, fn->id, f), ==, "ok");
        g_assert_cmpstr (order_state (w, ICCID), ==, "allocated");
    }
}

/* Each step of a download with a restart behind it. */
static void
test_restart (void)
{
    g_autoptr (World) w = world_new ();
    world_on_disk (w);
    world_start (w);
    order_released (w, ICCID, NULL, MID, "4711");
    world_restart (w);
    g_assert_cmpstr (order_state (w, ICCID), ==, "released");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_autoptr (GBytes) id = g_bytes_ref (w->id);
    world_restart (w);
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.10.1/3.9"); /* sessions end */
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_false (g_bytes_equal (id, w->id));
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (get_bpp (w, "1", BAD_NOTHING), ==, "8.2.7/3.8");
    world_restart (w);
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 1);
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_cmpstr (get_bpp (w, "4711", BAD_NOTHING), ==, "ok");
    g_auto (Opened) first = {0};
    g_auto (Opened) second = {0};
    g_assert_true (open_bpp (w, &first));
    world_restart (w); /* the binding is reused */
    g_assert_cmpstr (order_state (w, ICCID), ==, "downloaded");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_nonnull (w->offered);
    g_assert_cmpstr (get_bpp (w, "4711", BAD_NOTHING), ==, "ok");
    g_assert_true (open_bpp (w, &second));
    g_assert_cmpmem (first.dp_point, RSP_POINT_SIZE, second.dp_point, RSP_POINT_SIZE);
    world_restart (w); /* the result is still awaited */
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed");
    world_restart (w);
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    g_assert_cmpstr (order_state (w, ICCID), ==, "installed");
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "8.2.6/3.8");
    /* Repeated or not on the way, the operator has each point once: 1, 1, 3, 1, 3, 4. */
    world_wait (w, 1300);
    const GPtrArray *all = rsp_operator_notifications (w->op);
    static const int points[] = {1, 1, 3, 1, 3, 4};
    g_assert_cmpuint (all->len, ==, G_N_ELEMENTS (points));
    for (guint i = 0; i < all->len; i++)
        g_assert_cmpint (((RspOperatorNotification *)all->pdata[i])->point, ==, points[i]);
}

/* The operator is away: everything is kept, through a restart, and comes in order. */
static void
test_operator_away (void)
{
    g_autoptr (World) w = world_new ();
    world_on_disk (w);
    world_start (w);
    order_released (w, ICCID, NULL, MID, NULL);
    rsp_operator_free (w->op);
    w->op = NULL;
    initiate (w);
    authenticate (w, MID, BAD_NOTHING);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
    world_wait (w, 60);
    world_restart (w);
    world_wait (w, 2);
    w->op = rsp_operator_new (&w->op_actor, "00101");
    g_assert_cmpstr (deliver_result (w, -1, BAD_NOTHING), ==, "http 204");
    world_wait (w, 1300);
    const GPtrArray *all = rsp_operator_notifications (w->op);
    static const int points[] = {1, 3, 4};
    g_assert_cmpuint (all->len, ==, G_N_ELEMENTS (points));
    for (guint i = 0; i < all->len; i++)
        g_assert_cmpint (((RspOperatorNotification *)all->pdata[i])->point, ==, points[i]);
}

static void
expect_refused (World *w, RspStoreError code)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    gsize size = 0, size_after = 0;
    g_assert_true (g_file_get_contents (w->state_path, &before, &size, NULL));
    g_assert_null (rsp_smdpp_new (&w->dp_actor, &w->config, &error));
    g_assert_error (error, RSP_STORE_ERROR, (int)code);
    g_assert_true (g_file_get_contents (w->state_path, &after, &size_after, NULL));
    g_assert_cmpmem (before, size, after, size_after);
}

static void
test_bad_database (void)
{
    g_autoptr (World) w = world_new ();
    world_on_disk (w);
    world_start (w);
    order_released (w, ICCID, NULL, MID, NULL);
    rsp_smdpp_free (g_steal_pointer (&w->dp));
    sqlite3 *db = NULL;
    g_assert_cmpint (sqlite3_open (w->state_path, &db), ==, SQLITE_OK);
    sqlite3_exec (db, "PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL,
                  NULL);
    sqlite3_close (db);
    expect_refused (w, RSP_STORE_ERROR_VERSION);
    g_assert_true (g_file_set_contents (w->state_path,
                                        "not a database at all, but long enough to "
                                        "be taken for a file with a header, 100+ "
                                        "octets in all",
                                        -1, NULL));
    expect_refused (w, RSP_STORE_ERROR_DAMAGED);
}

/* No room to commit: a named refusal, nothing changed, and all goes on once there is room again. */
static void
test_full_disk (void)
{
    g_autoptr (World) w = world_new ();
    world_on_disk (w);
    world_start (w);
    order_released (w, ICCID, NULL, MID, NULL);
    g_autofree char *log = g_strconcat (w->state_path, "-wal", NULL);
    GStatBuf info;
    struct rlimit before, tight;
    signal (SIGXFSZ, SIG_IGN);
    g_assert_cmpint (g_stat (g_file_test (log, G_FILE_TEST_EXISTS) ? log : w->state_path, &info),
                     ==, 0);
    g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
    tight = before;
    tight.rlim_cur = (rlim_t)info.st_size;
    g_assert_cmpstr (initiate (w), ==, "ok");
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tight), ==, 0);
    authenticate (w, MID, BAD_NOTHING);
    g_autofree char *refused = g_strdup (w->code);
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
    g_assert_cmpstr (refused, ==, "8.8/4.2");
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 0);
    g_assert_cmpstr (authenticate (w, MID, BAD_NOTHING), ==, "ok");
    g_assert_cmpuint (order_attempts (w, ICCID), ==, 1);
    g_assert_cmpstr (get_bpp (w, NULL, BAD_NOTHING), ==, "ok");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/smdpp/orders/download-order", test_download_order);
    g_test_add_func ("/smdpp/orders/confirm-order", test_confirm_order);
    g_test_add_func ("/smdpp/orders/lenient-matching-id", test_lenient_matching_id);
    g_test_add_func ("/smdpp/orders/release-and-cancel", test_release_and_cancel);
    g_test_add_func ("/smdpp/orders/repeated-call", test_repeated_call);
    g_test_add_func ("/smdpp/orders/restart", test_restart);
    g_test_add_func ("/smdpp/orders/operator-away", test_operator_away);
    g_test_add_func ("/smdpp/orders/full-disk", test_full_disk);
    g_test_add_func ("/smdpp/orders/bad-database", test_bad_database);
    return g_test_run ();
}
