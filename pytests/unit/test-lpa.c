/* The download procedure against a scripted server and card. */
#include "test-lpa-stage.h"

#include <string.h>

#define AUTHENTICATION                                                                             \
    "GetEUICCInfo1 GetEUICCChallenge InitiateAuthentication AuthenticateServer "                   \
    "AuthenticateClient "
#define INSTALLATION "PrepareDownload GetBoundProfilePackage LoadBoundProfilePackage "
#define DELIVERY "ListNotification HandleNotification RemoveNotificationFromList "

static void
test_download (Fixture *f, gconstpointer unused)
{
    download (f);
    g_assert_true (f->ok);
    g_assert_cmpstr (f->step, ==, "done");
    g_assert_cmpstr (f->iccid, ==, ICCID);
    g_assert_cmpuint (f->delivered, ==, 1);
    g_assert_cmpuint (f->pending, ==, 0);
    g_assert_cmpstr (f->log->str, ==, AUTHENTICATION INSTALLATION DELIVERY);
    g_assert_cmpstr (f->sent->str, ==, "1 ");
}

static void
test_default_address (Fixture *f, gconstpointer unused)
{
    download_as (f, &(RspLpaDownload){0});
    g_assert_true (f->ok);
    g_assert_cmpstr (f->log->str, ==,
                     "GetEuiccConfiguredAddresses " AUTHENTICATION INSTALLATION DELIVERY);
    f->script[RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES] =
        (Script){.act = BODY, .hex = "bf3c03810141"};
    download_as (f, &(RspLpaDownload){0});
    assert_failed (f, "ES10a.GetEuiccConfiguredAddresses", "noDefaultAddress", -1);
    f->script[RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES] =
        (Script){.act = BODY, .hex = "bf3c058003612f62"}; /* a/b */
    download_as (f, &(RspLpaDownload){0});
    assert_failed (f, "ES10a.GetEuiccConfiguredAddresses", "badDefaultAddress", -1);
}

static void
test_keep_notifications (Fixture *f, gconstpointer unused)
{
    download_as (f, &(RspLpaDownload){.address = "dp.example.com", .keep_notifications = TRUE});
    g_assert_true (f->ok);
    g_assert_cmpuint (f->delivered, ==, 0);
    g_assert_cmpuint (f->pending, ==, 1);
    g_assert_cmpstr (f->sent->str, ==, "");
}

static void
test_bad_code (Fixture *f, gconstpointer unused)
{
    download_as (f, &(RspLpaDownload){.activation_code = "LPA:1$dp.example.com"});
    assert_failed (f, "activationCode", "activation code: no delimiter after the address", -1);
    g_assert_cmpstr (f->log->str, ==, "");
    assert_works (f);
}

static void
test_busy (Fixture *f, gconstpointer unused)
{
    Fixture second = {.log = g_string_new (NULL), .sent = g_string_new (NULL)};
    rsp_lpa_download (f->lpa, &(RspLpaDownload){.address = "dp.example.com"}, on_end, f);
    rsp_lpa_enable (f->lpa, ICCID, FALSE, on_end, &second);
    run (f);
    g_assert_true (f->ok);
    g_assert_cmpuint (second.ended, ==, 1);
    g_assert_cmpstr (second.error, ==, "busy");
    forget_outcome (&second);
    g_string_free (second.log, TRUE);
    g_string_free (second.sent, TRUE);
}

static void
test_server_checks (Fixture *f, gconstpointer unused)
{
    f->address = "other.example.com";
    download (f);
    assert_failed (f, "ES9+.InitiateAuthentication", "addressMismatch", -1);
    f->address = "dp.example.co";
    download (f);
    assert_failed (f, "ES9+.InitiateAuthentication", "addressMismatch", -1);
    f->address = "dp.EXAMPLE.com";

    f->inner_id = "0A0B0C0D0E0F1012";
    download (f);
    assert_failed (f, "ES9+.InitiateAuthentication", "transactionIdMismatch", -1);
    f->inner_id = ID;

    download_as (f, &(RspLpaDownload){.activation_code = "1$dp.example.com$A$2.999.11"});
    assert_failed (f, "ES9+.InitiateAuthentication", "oidMismatch", -1);
    g_assert_null (strstr (f->log->str, "AuthenticateServer"));
    download_as (f, &(RspLpaDownload){.activation_code = "1$dp.example.com$A$2.999.10"});
    g_assert_true (f->ok);

    f->inner_id2 = "0A0B0C0D0E0F1012";
    download (f);
    assert_failed (f, "ES9+.AuthenticateClient", "transactionIdMismatch", 127);
}

static void
test_consent (Fixture *f, gconstpointer unused)
{
    static const struct {
        RspConsent consent;
        const char *error;
        int reason;
    } cases[] = {{RSP_CONSENT_REFUSED, "endUserRejection", 0},
                 {RSP_CONSENT_POSTPONED, "postponed", 1},
                 {RSP_CONSENT_TIMEOUT, "timeout", 2}};
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        f->consent = cases[i].consent;
        download_as (f, &(RspLpaDownload){.address = "dp.example.com"});
        assert_failed (f, "consent", cases[i].error, cases[i].reason);
        g_assert_cmpstr (f->log->str, ==, AUTHENTICATION "CancelSession CancelSession ");
    }
    f->consent = RSP_CONSENT_GRANTED;
    assert_works (f);
}

static void
test_confirmation_code (Fixture *f, gconstpointer unused)
{
    static const char *const right[] = {"4711", NULL},
                             *const late[] = {"0000", "1111", "4711", NULL},
                             *const wrong[] = {"0000", NULL};
    f->cc_required = TRUE;
    RspLpaDownload d = {.address = "dp.example.com"};
    download_as (f, &d);
    assert_failed (f, "confirmationCode", "confirmationCodeMissing", 2);

    f->codes = right;
    download_as (f, &d);
    g_assert_true (f->ok);

    f->codes = late;
    download_as (f, &d);
    g_assert_true (f->ok);
    g_assert_cmpstr (f->code, ==, NULL);
    g_assert_cmpstr (f->log->str, ==,
                     AUTHENTICATION "PrepareDownload GetBoundProfilePackage PrepareDownload "
                                    "GetBoundProfilePackage " INSTALLATION DELIVERY);

    f->codes = wrong;
    download_as (f, &d);
    assert_failed (f, "ES9+.GetBoundProfilePackage", "refused", 2);
    g_assert_cmpstr (f->code, ==, "8.2.7/3.8");

    f->script[RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE] =
        (Script){.act = REFUSE, .subject = "8.2.7", .reason = "6.4"};
    f->codes = late;
    download_as (f, &d);
    assert_failed (f, "ES9+.GetBoundProfilePackage", "refused", -1);
    g_assert_cmpstr (f->code, ==, "8.2.7/6.4");
}

/* The server forgot the session while the user typed again: a new one, with the same code. */
static void
test_confirmation_restart (Fixture *f, gconstpointer unused)
{
    static const char *const codes[] = {"0000", "4711", NULL};
    f->cc_required = TRUE;
    f->right_code = "9999";
    f->codes = codes;
    RspLpaDownload d = {.address = "dp.example.com"};
    forget_outcome (f);
    rsp_lpa_download (f->lpa, &d, on_end, f);
    while (!strstr (f->log->str, "GetBoundProfilePackage"))
        rsp_loop_run (f->loop, NULL, NULL, rsp_loop_now (f->loop) + 1000);
    f->right_code = "4711";
    f->script[RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE] =
        (Script){.act = REFUSE, .subject = "8.10.1", .reason = "3.9", .times = 1};
    run (f);
    g_assert_cmpstr (f->error, ==, NULL);
    g_assert_cmpstr (f->log->str, ==,
                     AUTHENTICATION "PrepareDownload GetBoundProfilePackage PrepareDownload "
                                    "GetBoundProfilePackage " AUTHENTICATION INSTALLATION DELIVERY);
}

static void
test_policy (Fixture *f, gconstpointer unused)
{
    /* PPR1 and PPR2, anybody, consent required */
    static const char anybody[] = "301580020560a10b30098003eeeeee8100820082020780";
    static const struct {
        guint32 ppr;
        const char *rat;
        gboolean installed, allowed;
    } cases[] = {
        {RSP_PPR1, "", FALSE, FALSE},
        {RSP_PPR2, "", FALSE, FALSE},
        {RSP_PPR1, anybody, FALSE, TRUE},
        {RSP_PPR1 | RSP_PPR2, anybody, FALSE, TRUE},
        {RSP_PPR1, anybody, TRUE, FALSE},
        {RSP_PPR2, anybody, TRUE, TRUE},
        /* PPR2 alone: nobody, 00f110, others, with wildcards */
        {RSP_PPR2, "300a80020520a10082020700", FALSE, FALSE},
        {RSP_PPR2, "301180020520a1073005800300f11082020700", FALSE, TRUE},
        {RSP_PPR1, "301180020520a1073005800300f11082020700", FALSE, FALSE},
        {RSP_PPR2, "301180020520a1073005800300f21082020700", FALSE, FALSE},
        {RSP_PPR2, "301180020520a107300580030ef1e082020700", FALSE, TRUE},
        /* a group identifier that the owner has not */
        {RSP_PPR2, "301480020520a10a3008800300f11081015582020700", FALSE, FALSE},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        f->rat = cases[i].rat;
        f->operational_installed = cases[i].installed;
        rsp_metadata_free (f->metadata);
        f->metadata = make_metadata (cases[i].ppr);
        download (f);
        if (cases[i].allowed)
            g_assert_cmpstr (f->error, ==, NULL);
        else
            assert_failed (f, "ppr", "pprNotAllowed", 3);
    }
}

static void
test_metadata_changed (Fixture *f, gconstpointer unused)
{
    f->bpp_metadata = make_metadata (RSP_PPR2);
    download (f);
    assert_failed (f, "ES9+.GetBoundProfilePackage", "pprNotAllowed", 3);
    f->bpp_metadata->ppr = 0;
    g_free (f->bpp_metadata->profile_name);
    f->bpp_metadata->profile_name = g_strdup ("Another");
    download (f);
    assert_failed (f, "ES9+.GetBoundProfilePackage", "metadataMismatch", 4);
    /* What the user does not see may differ. */
    g_clear_pointer (&f->bpp_metadata, rsp_metadata_free);
    f->bpp_metadata = make_metadata (0);
    rsp_metadata_add_notification (f->bpp_metadata, RSP_EVENT_ENABLE, "dp.example.com");
    assert_works (f);
}

static void
test_install_error (Fixture *f, gconstpointer unused)
{
    f->error_reason = 10;
    download (f);
    assert_failed (f, "ES10b.LoadBoundProfilePackage",
                   "installFailedDueToInsufficientMemoryForProfile", -1);
    g_assert_cmpuint (f->delivered, ==, 1);
    g_assert_cmpstr (f->log->str, ==, AUTHENTICATION INSTALLATION DELIVERY);
}

/* What a card can say that ends a download. */
static void
test_card_errors (Fixture *f, gconstpointer unused)
{
    static const struct {
        RspFunctionId function;
        Script script;
        const char *step, *error;
        int reason;
    } cases[] = {
        {RSP_FN_ES10B_AUTHENTICATE_SERVER,
         {BODY, .hex = "bf380aa1088003010203020106"},
         "ES10b.AuthenticateServer",
         "euiccChallengeMismatch",
         -1},
        {RSP_FN_ES10B_AUTHENTICATE_SERVER,
         {BODY, .hex = "bf38"},
         "ES10b.AuthenticateServer",
         "badReply",
         -1},
        {RSP_FN_ES10B_AUTHENTICATE_SERVER,
         {STATUS_WORD, 0x6A80},
         "ES10b.AuthenticateServer",
         "statusWord",
         -1},
        {RSP_FN_ES10B_PREPARE_DOWNLOAD,
         {BODY, .hex = "bf210aa1088003010203020102"},
         "ES10b.PrepareDownload",
         "invalidSignature",
         127},
        {RSP_FN_ES10B_PREPARE_DOWNLOAD,
         {BODY, .hex = "bf210aa1088003010203020104"},
         "ES10b.PrepareDownload",
         "noSessionContext",
         -1},
        {RSP_FN_ES10B_PREPARE_DOWNLOAD,
         {STATUS_WORD, 0x6A80},
         "ES10b.PrepareDownload",
         "statusWord",
         127},
        {RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE,
         {STATUS_WORD, 0x6985},
         "ES10b.LoadBoundProfilePackage",
         "statusWord",
         5},
        {RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE,
         {BODY, .hex = ""},
         "ES10b.LoadBoundProfilePackage",
         "noResult",
         5},
        {RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE,
         {BODY, .hex = "bf3702bf27"},
         "ES10b.LoadBoundProfilePackage",
         "noResult",
         5},
        {RSP_FN_ES10B_GET_EUICC_CHALLENGE,
         {BODY, .hex = "bf2e0380010a"},
         "ES10b.GetEUICCChallenge",
         "badReply",
         -1},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        f->script[cases[i].function] = cases[i].script;
        download (f);
        assert_failed (f, cases[i].step, cases[i].error, cases[i].reason);
        f->script[cases[i].function] = (Script){0};
        assert_works (f);
    }
}

static void
test_server_errors (Fixture *f, gconstpointer unused)
{
    static const RspFunctionId functions[] = {RSP_FN_ES9P_INITIATE_AUTHENTICATION,
                                              RSP_FN_ES9P_AUTHENTICATE_CLIENT,
                                              RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE};
    static const struct {
        Script script;
        const char *error;
    } scripts[] = {
        {{REFUSE, .subject = "8.1", .reason = "6.1"}, "refused"},
        {{HTTP, .status = 500}, "http"},
        {{BODY, .hex = "7b7d"}, "badReply"},
        {{SILENT}, "timeout"},
        {{CUT}, "link"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (functions); i++) {
        for (guint j = 0; j < G_N_ELEMENTS (scripts); j++) {
            f->script[functions[i]] = scripts[j].script;
            download (f);
            assert_failed (f, rsp_function (functions[i])->full_name, scripts[j].error, -1);
            f->script[functions[i]] = (Script){0};
            assert_works (f);
        }
    }
    download_as (f, &(RspLpaDownload){.address = "nowhere.example.com"});
    assert_failed (f, "ES9+.InitiateAuthentication", "unresolved", -1);
}

/* Every call to the card goes unanswered once: the operation ends, the next one works. */
static void
test_card_silent (Fixture *f, gconstpointer unused)
{
    static const RspFunctionId functions[] = {
        RSP_FN_ES10B_GET_EUICC_INFO1, RSP_FN_ES10B_GET_EUICC_CHALLENGE,
        RSP_FN_ES10B_AUTHENTICATE_SERVER, RSP_FN_ES10B_PREPARE_DOWNLOAD,
        RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE};
    for (guint i = 0; i < G_N_ELEMENTS (functions); i++) {
        f->script[functions[i]] = (Script){SILENT, .times = 1};
        download (f);
        assert_failed (f, rsp_function (functions[i])->full_name, "timeout", -1);
        assert_works (f);
    }
    /* A cancellation that fails does not hide the reason for it. */
    f->script[RSP_FN_ES9P_CANCEL_SESSION] = (Script){SILENT, .times = 1};
    f->consent = RSP_CONSENT_POSTPONED;
    download_as (f, &(RspLpaDownload){.address = "dp.example.com"});
    g_assert_cmpstr (f->error, ==, "postponed");
    f->script[RSP_FN_ES10B_CANCEL_SESSION] = (Script){STATUS_WORD, 0x6A88, .times = 1};
    f->consent = RSP_CONSENT_POSTPONED;
    download_as (f, &(RspLpaDownload){.address = "dp.example.com"});
    g_assert_cmpstr (f->error, ==, "postponed");
    g_assert_null (f->cancelled);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("download", test_download);
    ADD ("default-address", test_default_address);
    ADD ("keep-notifications", test_keep_notifications);
    ADD ("bad-code", test_bad_code);
    ADD ("busy", test_busy);
    ADD ("server-checks", test_server_checks);
    ADD ("consent", test_consent);
    ADD ("confirmation-code", test_confirmation_code);
    ADD ("confirmation-restart", test_confirmation_restart);
    ADD ("policy", test_policy);
    ADD ("metadata-changed", test_metadata_changed);
    ADD ("install-error", test_install_error);
    ADD ("card-errors", test_card_errors);
    ADD ("server-errors", test_server_errors);
    ADD ("card-silent", test_card_silent);
    return g_test_run ();
}
