/* Notifications and local management against a scripted server and card. */
#include "test-lpa-stage.h"

#include <string.h>

static void
deliver (Fixture *f)
{
    forget_outcome (f);
    rsp_lpa_deliver_notifications (f->lpa, on_end, f);
    run (f);
    g_assert_true (f->ok);
}

static void
test_acknowledgement_lost (Fixture *f, gconstpointer unused)
{
    f->script[RSP_FN_ES9P_HANDLE_NOTIFICATION] = (Script){SILENT, .times = 1};
    download (f);
    g_assert_true (f->ok);
    g_assert_cmpuint (f->delivered, ==, 0);
    g_assert_cmpuint (f->pending, ==, 1);
    g_assert_cmpuint (f->notes->len, ==, 1);
    deliver (f);
    g_assert_cmpuint (f->delivered, ==, 1);
    g_assert_cmpuint (f->pending, ==, 0);
    g_assert_cmpuint (f->notes->len, ==, 0);
    deliver (f);
    g_assert_cmpuint (f->delivered, ==, 0);
}

/* In order for each address; one that is silent keeps its own and holds up nobody else. */
static void
test_addresses (Fixture *f, gconstpointer unused)
{
    f->next_seq = 10;
    add_note (f, "dp.example.com");
    add_note (f, "other.example.com");
    add_note (f, "DP.example.com");
    add_note (f, "other.example.com");
    Note early = {3, "other.example.com"};
    g_array_append_val (f->notes, early);

    f->silent_address = "dp.example.com";
    deliver (f);
    g_assert_cmpstr (f->sent->str, ==, "3 11 13 ");
    g_assert_cmpuint (f->delivered, ==, 3);
    g_assert_cmpuint (f->pending, ==, 2);
    f->silent_address = NULL;
    deliver (f);
    g_assert_cmpstr (f->sent->str, ==, "10 12 ");
    g_assert_cmpuint (f->pending, ==, 0);
}

/* An older one for the same address goes before the result of this installation. */
static void
test_older_first (Fixture *f, gconstpointer unused)
{
    add_note (f, "dp.example.com");
    download (f);
    g_assert_cmpstr (f->sent->str, ==, "1 2 ");
    add_note (f, "dp.example.com");
    f->script[RSP_FN_ES9P_HANDLE_NOTIFICATION] = (Script){HTTP, .status = 503};
    download (f);
    g_assert_true (f->ok);
    g_assert_cmpstr (f->sent->str, ==, "");
    g_assert_cmpuint (f->pending, ==, 2);
    f->script[RSP_FN_ES9P_HANDLE_NOTIFICATION] =
        (Script){REFUSE, .subject = "1.6", .reason = "2.1"};
    deliver (f);
    g_assert_cmpuint (f->pending, ==, 2);
    f->script[RSP_FN_ES9P_HANDLE_NOTIFICATION] = (Script){BODY, .hex = "7b7d"};
    deliver (f);
    g_assert_cmpuint (f->delivered, ==, 2);
}

static void
test_notification_errors (Fixture *f, gconstpointer unused)
{
    add_note (f, "dp.example.com");
    f->script[RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST] =
        (Script){STATUS_WORD, 0x6F00, .times = 1};
    deliver (f);
    g_assert_cmpuint (f->delivered, ==, 1);
    g_assert_cmpuint (f->pending, ==, 1);
    f->script[RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST] =
        (Script){BODY, .hex = "bf2b02a000", .times = 1};
    deliver (f);
    g_assert_cmpuint (f->delivered, ==, 0);
    g_assert_cmpuint (f->pending, ==, 1);

    static const char *const lists[] = {"", "bf28", "bf280381017f", "bf2804a0023000",
                                        "bf2806a004bf2f0180"};
    for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
        f->script[RSP_FN_ES10B_LIST_NOTIFICATION] = (Script){BODY, .hex = lists[i], .times = 1};
        forget_outcome (f);
        rsp_lpa_deliver_notifications (f->lpa, on_end, f);
        run (f);
        assert_failed (f, "ES10b.ListNotification", "badReply", -1);
    }
}

/* Local management ---------------------------------------------------------------------------- */

static void
test_local (Fixture *f, gconstpointer unused)
{
    rsp_lpa_enable (f->lpa, ICCID, FALSE, on_end, f);
    run (f);
    g_assert_true (f->ok);
    g_assert_cmpstr (f->log->str, ==,
                     "GetProfilesInfo EnableProfile ListNotification RetrieveNotificationsList "
                     "HandleNotification RemoveNotificationFromList ");
    g_assert_cmpuint (f->delivered, ==, 1);

    f->script[RSP_FN_ES10C_ENABLE_PROFILE] = (Script){BODY, .hex = "bf3103800103"};
    forget_outcome (f);
    rsp_lpa_enable (f->lpa, ICCID, TRUE, on_end, f);
    run (f);
    assert_failed (f, "ES10c.EnableProfile", "disallowedByPolicy", -1);

    forget_outcome (f);
    rsp_lpa_delete (f->lpa, "12", on_end, f);
    run (f);
    assert_failed (f, "iccid", "badIccid", -1);
}

static void
test_local_requests (Fixture *f, gconstpointer unused)
{
    static const struct {
        RspFunctionId function;
        const char *error_reply, *error;
    } cases[] = {
        {RSP_FN_ES10C_DISABLE_PROFILE, "bf3203800102", "profileNotInEnabledState"},
        {RSP_FN_ES10C_DELETE_PROFILE, "bf3303800102", "profileNotInDisabledState"},
        {RSP_FN_ES10C_SET_NICKNAME, "bf2903800101", "iccidNotFound"},
        {RSP_FN_ES10C_EUICC_MEMORY_RESET, "bf3403800101", "nothingToDelete"},
        {RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, "bf3f0380017f", "undefinedError"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        forget_outcome (f);
        f->script[cases[i].function] = (Script){BODY, .hex = cases[i].error_reply};
        if (cases[i].function == RSP_FN_ES10C_DISABLE_PROFILE)
            rsp_lpa_disable (f->lpa, ICCID, TRUE, on_end, f);
        else if (cases[i].function == RSP_FN_ES10C_DELETE_PROFILE)
            rsp_lpa_delete (f->lpa, ICCID, on_end, f);
        else if (cases[i].function == RSP_FN_ES10C_SET_NICKNAME)
            rsp_lpa_set_nickname (f->lpa, ICCID, "Work", on_end, f);
        else if (cases[i].function == RSP_FN_ES10C_EUICC_MEMORY_RESET)
            rsp_lpa_memory_reset (f->lpa, 5, on_end, f);
        else
            rsp_lpa_set_default_dp (f->lpa, "dp.example.com", on_end, f);
        run (f);
        assert_failed (f, rsp_function (cases[i].function)->full_name, cases[i].error, -1);
    }
}

static void
on_list (const GPtrArray *profiles, const RspLpaOutcome *o, gpointer data)
{
    Fixture *f = data;
    on_end (o, f);
    if (!o->ok) {
        g_assert_null (profiles);
        return;
    }
    g_assert_cmpuint (profiles->len, ==, 1);
    const RspLpaProfile *p = profiles->pdata[0];
    g_assert_cmpstr (p->iccid, ==, ICCID);
    g_assert_cmpstr (p->nickname, ==, "");
    g_assert_cmpstr (p->name, ==, "P");
    g_assert_true (p->enabled);
    g_assert_cmpint (p->profile_class, ==, RSP_CLASS_OPERATIONAL);
}

static void
test_list (Fixture *f, gconstpointer unused)
{
    /* One operational, enabled; one provisioning, which is not shown. */
    f->script[RSP_FN_ES10C_GET_PROFILES_INFO] =
        (Script){BODY, .hex = "bf2d2ba029e3165a0a988803030000000010f09f700101920150950102e3"
                              "0f5a0a98883003000000000002950101"};
    forget_outcome (f);
    rsp_lpa_list (f->lpa, on_list, f);
    run (f);
    g_assert_cmpstr (f->error, ==, NULL);

    f->script[RSP_FN_ES10C_GET_PROFILES_INFO].hex = "bf2d03810101";
    forget_outcome (f);
    rsp_lpa_list (f->lpa, on_list, f);
    run (f);
    assert_failed (f, "ES10c.GetProfilesInfo", "incorrectInputValues", -1);
    f->script[RSP_FN_ES10C_GET_PROFILES_INFO].hex = "bf2d04a002e300";
    forget_outcome (f);
    rsp_lpa_list (f->lpa, on_list, f);
    run (f);
    assert_failed (f, "ES10c.GetProfilesInfo", "badReply", -1);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("acknowledgement-lost", test_acknowledgement_lost);
    ADD ("addresses", test_addresses);
    ADD ("older-first", test_older_first);
    ADD ("notification-errors", test_notification_errors);
    ADD ("local", test_local);
    ADD ("local-requests", test_local_requests);
    ADD ("list", test_list);
    return g_test_run ();
}
