/* The IPA against a scripted eIM, card and downloader, on the memory bus. */
#include "asn1/fields.h"
#include "components/ipa/ipa-private.h"

#include <string.h>

#define EID "89049032001234000000000000000141"
#define MOST 16
#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspIpa *ipa;

    const char *packages[MOST]; /* answers of the eIM to GetEimPackage, in hex; then error 1 */
    guint next_package;
    const char *answers[MOST]; /* to ProvideEimPackageResult; NULL: BF5000 of the version */
    guint next_answer;
    guint cut; /* so many ProvideEimPackageResults are lost */
    gboolean v10, emergency;
    const char *result; /* LoadEuiccPackage */
    const char *kept;   /* list of results on the card */
    const char *notifications;
    const char *rollback; /* ProfileRollback */
    const char *eims;
    GString *log;       /* calls */
    GPtrArray *results; /* of char *: bodies of BF50 */
    char *polled;       /* last body of BF4F */
    GString *removed;
    const char *download_error;

    RspIpaOutcome outcome; /* texts: below */
    char *error, *text;
    guint ended;
} Fixture;

static void
reply_hex (RspCall *call, const char *hex)
{
    g_autoptr (GBytes) body = hex ? rsp_unhex (hex) : NULL;
    gboolean http = rsp_call_function (call)->binding == RSP_BINDING_HTTP;
    rsp_call_reply (call, &(RspOutcome){.http = http ? 200 : 0, .sw = http ? 0 : 0x9000}, body);
}

static void
note_removed (Fixture *f, RspSlice body)
{
    RspTlv tlv, seq;
    g_assert_true (rsp_tlv_single (body, 0xBF30, &tlv));
    g_assert_true (rsp_tlv_find (tlv.value, 0x80, &seq));
    g_string_append_printf (f->removed, "%u ", seq.value.data[seq.value.len - 1]);
}

static void
reply_list (const Fixture *f, RspCall *call, RspSlice body)
{
    static const guint8 results[] = {0xBF, 0x2B, 0x04, 0xA0, 0x02, 0x82, 0x00};
    gboolean asks_results = rsp_slice_equal (body, RSP_SLICE_ARRAY (results));
    const char *hex = asks_results ? f->kept : f->notifications;
    g_autoptr (GBytes) list = rsp_unhex (hex ? hex : "");
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF2B);
    rsp_tlv_put (out, asks_results ? 0xA2 : 0xA0, rsp_slice_of (list));
    rsp_tlv_close (out, mark);
    g_autoptr (GBytes) answer = ipa_take (out);
    rsp_call_reply (call, &(RspOutcome){.sw = 0x9000}, answer);
}

static void
serve_card (RspCall *call, gpointer data)
{
    Fixture *f = data;
    const RspFunction *fn = rsp_call_function (call);
    RspSlice body = rsp_slice_of (rsp_call_body (call));
    g_string_append_printf (f->log, "%s ", fn->name);
    switch (fn->id) {
    case RSP_FN_ES10C_GET_EID:
        reply_hex (call, "BF3E125A10" EID);
        break;
    case RSP_FN_ES10C_GET_PROFILES_INFO:
        reply_hex (call, f->emergency ? "BF2D0CA00AE3089F7001019F7B01FF" : "BF2D02A000");
        break;
    case RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA:
        reply_hex (call, f->eims);
        break;
    case RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST:
        reply_list (f, call, body);
        break;
    case RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST:
        note_removed (f, body);
        reply_hex (call, "BF3003800100");
        break;
    case RSP_FN_ES10B_LOAD_EUICC_PACKAGE:
        if (f->result)
            reply_hex (call, f->result);
        else
            rsp_call_reply (call, &(RspOutcome){.sw = 0x6A80}, NULL);
        break;
    case RSP_FN_ES10B_PROFILE_ROLLBACK:
        reply_hex (call, f->rollback);
        break;
    case RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES:
        reply_hex (call, "BF3C0A80036470318103647331");
        break;
    case RSP_FN_ES10B_EXECUTE_FALLBACK_MECHANISM:
        reply_hex (call, "BF5D03800100");
        break;
    case RSP_FN_ES10B_ENABLE_EMERGENCY_PROFILE:
        f->emergency = TRUE;
        reply_hex (call, "BF5B03800100");
        break;
    default:
        g_assert_not_reached ();
    }
}

static void
serve_eim (RspCall *call, gpointer data)
{
    Fixture *f = data;
    const RspFunction *fn = rsp_call_function (call);
    char *hex = rsp_hex (rsp_slice_of (rsp_call_body (call)));
    g_string_append_printf (f->log, "%s ", fn->name);
    g_assert_cmpint (rsp_call_encoding (call), ==, RSP_ENC_DER);
    if (fn->id == RSP_FN_ESIPA_GET_EIM_PACKAGE) {
        const char *package = f->packages[f->next_package];
        g_free (f->polled);
        f->polled = hex;
        f->next_package += package != NULL;
        reply_hex (call, package ? package : "BF4F03020101");
    } else if (fn->id == RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT) {
        g_ptr_array_add (f->results, hex);
        if (f->cut > 0) {
            f->cut--;
            rsp_call_fail (call, RSP_REPLY_LINK);
            return;
        }
        const char *answer = f->answers[f->next_answer];
        f->next_answer += answer != NULL;
        reply_hex (call, answer ? answer : f->v10 ? "BF5000" : "BF50023000");
    } else {
        g_ptr_array_add (f->results, hex);
        rsp_call_reply (call, &(RspOutcome){.http = 204}, NULL);
    }
}

static void
download (gpointer engine, const RspIpaDownload *d, RspIpaDownloadedFunc func, gpointer data)
{
    Fixture *f = engine;
    g_string_append_printf (f->log, "download(%s%s%s) ",
                            d->activation_code ? d->activation_code
                            : d->bare          ? "bare"
                            : d->smds          ? "smds"
                                               : "default",
                            d->via ? " via " : "", d->via ? d->via : "");
    g_autoptr (GBytes) result = rsp_unhex ("BF3700");
    const RspIpaDownloaded outcome = {.step =
                                          f->download_error ? "ES9+.AuthenticateClient" : "done",
                                      .error = f->download_error,
                                      .subject = f->download_error ? "8.2.6" : NULL,
                                      .reason = f->download_error ? "3.8" : NULL,
                                      .iccid = "8988303000000000010",
                                      .result = f->download_error ? NULL : result};
    func (&outcome, data);
}

static void
deliver (gpointer engine, RspIpaDeliveredFunc func, gpointer data)
{
    g_string_append (((Fixture *)engine)->log, "deliver ");
    func (0, 0, data);
}

#define EIMS "BF551CA01A3018800465696D31811065696D312E6578616D706C652E636F6D"

static void
start (Fixture *f, const RspIpaConfig *given)
{
    RspIpaConfig config = *given;
    config.card = "card";
    config.downloader = (RspIpaDownloader){.download = download, .deliver = deliver, .engine = f};
    f->v10 = config.v10;
    f->ipa = rsp_ipa_new (&f->actor, &config, NULL);
}

static void
set_up (Fixture *f, gconstpointer unused)
{
    f->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    f->bus = rsp_bus_new (f->loop, NULL, NULL);
    f->actor = (RspActor){.name = "dev", .loop = f->loop, .bus = f->bus};
    f->eims = EIMS;
    f->log = g_string_new (NULL);
    f->removed = g_string_new (NULL);
    f->results = g_ptr_array_new_with_free_func (g_free);
    rsp_bus_attach_card (f->bus, "card", serve_card, f);
    rsp_bus_attach (f->bus, "eim", serve_eim, f);
    rsp_bus_add_address (f->bus, "eim1.example.com", "eim");
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
    rsp_ipa_free (f->ipa);
    rsp_bus_free (f->bus);
    rsp_loop_free (f->loop);
    g_string_free (f->log, TRUE);
    g_string_free (f->removed, TRUE);
    g_ptr_array_unref (f->results);
    g_free (f->polled);
    g_free (f->error);
    g_free (f->text);
}

static void
on_end (const RspIpaOutcome *o, gpointer data)
{
    Fixture *f = data;
    g_free (f->error);
    g_free (f->text);
    f->outcome = *o;
    f->error = g_strdup (o->error);
    f->text = g_strdup (o->result);
    f->ended++;
}

static void
poll (Fixture *f)
{
    guint before = f->ended;
    g_string_truncate (f->log, 0);
    rsp_ipa_poll (f->ipa, on_end, f);
    g_assert_true (rsp_loop_run (f->loop, NULL, NULL, -1));
    g_assert_cmpuint (f->ended, ==, before + 1);
}

static const char *
sent (const Fixture *f, guint i)
{
    g_assert_cmpuint (i, <, f->results->len);
    return f->results->pdata[i];
}

/* enable with and without the rollback flag; the signature is the card's to check */
#define HEAD "GetEID GetProfilesInfo GetEimConfigurationData RetrieveNotificationsList GetEimPackage "

static char *
enable_package (gboolean rollback)
{
    GByteArray *out = g_byte_array_new ();
    guint8 iccid[10] = {0x98}, eid[16] = {0x89}, signature[64] = {0};
    gsize outer = rsp_tlv_open (out, 0xBF4F), package = rsp_tlv_open (out, 0xBF51);
    gsize data = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, "eim1");
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (eid));
    rsp_tlv_put_int (out, 0x81, 1);
    gsize list = rsp_tlv_open (out, 0xA0), enable = rsp_tlv_open (out, 0xA3);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (iccid));
    if (rollback)
        rsp_tlv_put (out, 0x05, RSP_SLICE (NULL, 0));
    rsp_tlv_close (out, enable);
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, data);
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
    rsp_tlv_close (out, package);
    rsp_tlv_close (out, outer);
    char *hex = rsp_hex (RSP_SLICE (out->data, out->len));
    g_byte_array_unref (out);
    return hex;
}

/* An EuiccPackageResult of ELEMENT with number SEQ. */
static char *
package_result (guint8 seq, const char *element)
{
    GByteArray *out = g_byte_array_new ();
    g_autoptr (GBytes) octets = rsp_unhex (element);
    guint8 signature[64] = {0};
    gsize outer = rsp_tlv_open (out, 0xBF51), part = rsp_tlv_open (out, 0xA0);
    gsize data = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, "eim1");
    rsp_tlv_put_int (out, 0x81, 1);
    rsp_tlv_put_int (out, 0x83, seq);
    rsp_tlv_put (out, 0x30, rsp_slice_of (octets));
    rsp_tlv_close (out, data);
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
    rsp_tlv_close (out, part);
    rsp_tlv_close (out, outer);
    char *hex = rsp_hex (RSP_SLICE (out->data, out->len));
    g_byte_array_unref (out);
    return hex;
}

static void
test_nothing (Fixture *f, gconstpointer unused)
{
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_null (f->error);
    g_assert_cmpstr (f->log->str, ==, HEAD);
    g_assert_cmpstr (f->polled, ==, "bf4f125a10" EID);
    g_assert_cmpuint (f->outcome.packages, ==, 0);
    g_assert_cmpuint (f->outcome.eims, ==, 1);
}

static void
test_no_eim (Fixture *f, gconstpointer unused)
{
    f->eims = "BF5502A000";
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_cmpstr (f->error, ==, "noEim");
}

/* The result goes as the card gave it; what the eIM acknowledges is removed. */
static void
test_package (Fixture *f, gconstpointer unused)
{
    g_autofree char *package = enable_package (FALSE), *result = package_result (7, "830100");
    g_autofree char *eid_and_result = g_strconcat ("5a10" EID, result, NULL);
    f->packages[0] = package;
    f->result = result;
    f->answers[0] = "BF5006BF5303800107";
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_null (f->error);
    g_assert_cmpstr (f->text, ==, "ok");
    g_assert_cmpuint (f->outcome.packages, ==, 1);
    g_assert_cmpuint (f->outcome.delivered, ==, 1);
    g_assert_true (g_str_has_suffix (sent (f, 0), eid_and_result));
    g_assert_cmpstr (f->removed->str, ==, "7 ");
    g_assert_cmpstr (f->log->str, ==,
                     HEAD "LoadEuiccPackage ProvideEimPackageResult RemoveNotificationFromList "
                          "GetEimPackage deliver ");
}

static void
test_package_v10 (Fixture *f, gconstpointer unused)
{
    g_autofree char *package = enable_package (FALSE), *result = package_result (7, "830102");
    f->packages[0] = package;
    f->result = result;
    f->answers[0] = "BF5006BF5303800107";
    start (f, &(RspIpaConfig){.v10 = TRUE});
    poll (f);
    g_assert_null (f->error);
    g_assert_cmpstr (f->text, ==, "profileNotInDisabledState");
    g_assert_cmpuint (f->outcome.failed, ==, 1);
    g_assert_null (strstr (sent (f, 0), "5a10" EID));
    g_assert_true (g_str_has_suffix (sent (f, 0), result));
    g_assert_cmpstr (f->removed->str, ==, "7 ");
}

/* A card that cannot read the package: the eIM is told, nothing else happens. */
static void
test_damaged_package (Fixture *f, gconstpointer unused)
{
    g_autofree char *package = enable_package (FALSE);
    f->packages[0] = package;
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_true (g_str_has_suffix (sent (f, 0), "5a10" EID "a003020101"));
    g_assert_cmpuint (f->outcome.failed, ==, 1);
}

static void
test_unknown_package (Fixture *f, gconstpointer unused)
{
    f->packages[0] = "BF4F03BF6000";
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_cmpstr (f->error, ==, "badReply");
    g_assert_true (g_str_has_suffix (sent (f, 0), "a003020102"));
    f->packages[1] = "BF4F7F";
    poll (f);
    g_assert_cmpstr (f->error, ==, "badReply");
    g_assert_true (g_str_has_suffix (sent (f, 1), "a003020101"));
}

static void
test_eim_error (Fixture *f, gconstpointer unused)
{
    f->packages[0] = "BF4F03020102";
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_cmpstr (f->error, ==, "eidNotFound");
}

/* What could not be delivered stays on the card, and goes first at the next poll. */
static void
test_kept (Fixture *f, gconstpointer unused)
{
    g_autofree char *package = enable_package (FALSE), *result = package_result (7, "830100");
    f->packages[0] = package;
    f->result = result;
    f->cut = 1;
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_cmpstr (f->error, ==, "link");
    g_assert_cmpuint (f->outcome.kept, ==, 1);
    f->kept = result;
    f->answers[0] = "BF5006BF5303800107";
    poll (f);
    g_assert_null (f->error);
    g_assert_cmpuint (f->outcome.delivered, ==, 1);
    g_assert_cmpstr (f->removed->str, ==, "7 ");
    g_assert_cmpstr (f->log->str, ==,
                     "GetEimConfigurationData RetrieveNotificationsList ProvideEimPackageResult "
                     "RemoveNotificationFromList GetEimPackage ");
}

/* Only with the flag, and only when the retries are used up. */
static void
test_rollback (Fixture *f, gconstpointer unused)
{
    g_autofree char *package = enable_package (TRUE), *result = package_result (7, "830100");
    g_autofree char *rolled = package_result (8, "8c0100");
    g_autofree char *rollback =
        g_strdup_printf ("BF58%02X020100%s", (guint)strlen (rolled) / 2 + 3, rolled);
    f->packages[0] = package;
    f->result = result;
    f->rollback = rollback;
    f->answers[0] = "BF5006BF5303800108";
    f->cut = 2;
    start (f, &(RspIpaConfig){.retries = 1});
    poll (f);
    g_assert_cmpuint (f->outcome.rolled_back, ==, 1);
    g_assert_cmpuint (f->outcome.kept, ==, 0);
    g_assert_cmpstr (f->text, ==, "rolledBack");
    g_assert_cmpstr (sent (f, 0), ==, sent (f, 1));
    g_assert_true (g_str_has_suffix (sent (f, 2), rolled));
    g_assert_cmpstr (f->removed->str, ==, "8 ");
}

static void
test_no_rollback (Fixture *f, gconstpointer unused)
{
    g_autofree char *package = enable_package (FALSE), *result = package_result (7, "830100");
    f->packages[0] = package;
    f->result = result;
    f->cut = 1;
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_cmpuint (f->outcome.rolled_back, ==, 0);
    g_assert_null (strstr (f->log->str, "ProfileRollback"));
}

/* Notifications with the result; the eIM acknowledges both, the SM-DP+'s share stays if it is to.
 */
static void
test_notifications (Fixture *f, gconstpointer unused)
{
    static const RspIpaNotify kinds[] = {RSP_IPA_NOTIFY_EIM, RSP_IPA_NOTIFY_BOTH};
    g_autofree char *package = enable_package (FALSE), *result = package_result (7, "830100");
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
        f->packages[0] = package;
        f->next_package = 0;
        f->result = result;
        f->answers[0] = "BF5009BF5306800107800109";
        f->next_answer = 0;
        g_string_truncate (f->removed, 0);
        start (f, &(RspIpaConfig){.notify = kinds[i]});
        f->notifications = "3014BF2F0D800109810206400C01615A01985F370100";
        poll (f);
        g_assert_null (f->error);
        g_assert_nonnull (strstr (sent (f, f->results->len - 1), "bf2f0d800109"));
        g_assert_cmpstr (f->removed->str, ==, kinds[i] == RSP_IPA_NOTIFY_EIM ? "9 7 9 " : "7 ");
        g_ptr_array_set_size (f->results, 0);
        rsp_ipa_free (g_steal_pointer (&f->ipa));
    }
}

static void
test_data (Fixture *f, gconstpointer unused)
{
    f->packages[0] = "BF4F0DBF520A5C04838184A98302AABB";
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_null (f->error);
    g_assert_nonnull (strstr (sent (f, 0), "8103647031"));
    g_assert_nonnull (strstr (sent (f, 0), "83036473318702aabba9"));
    g_autoptr (GBytes) body = rsp_unhex (sent (f, 0));
    g_autoptr (GError) error = NULL;
    g_autoptr (RspAsn1) node = rsp_asn1_decode ("ProvideEimPackageResult", body, &error);
    g_assert_no_error (error);
}

static void
test_data_refused (Fixture *f, gconstpointer unused)
{
    f->packages[0] = "BF4F0BBF52085C02819F8302AABB";
    f->packages[1] = "BF4F08BF52055C03815F01";
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_true (g_str_has_suffix (sent (f, 0), "bf5209a1078002aabb020101"));
    g_assert_true (g_str_has_suffix (sent (f, 1), "bf5205a103020101"));
}

static void
test_download (Fixture *f, gconstpointer unused)
{
    f->packages[0] = "BF4F0EBF540BA00580034142438202AABB";
    f->packages[1] = "BF4F07BF5404A0028100";
    f->packages[2] = "BF4F07BF5404A002A200";
    f->packages[3] = "BF4F07BF54048202AABB";
    start (f, &(RspIpaConfig){0});
    poll (f);
    g_assert_null (f->error);
    g_assert_cmpuint (f->outcome.installed, ==, 4);
    g_assert_nonnull (strstr (f->log->str, "download(ABC) "));
    g_assert_nonnull (strstr (f->log->str, "download(default) "));
    g_assert_nonnull (strstr (f->log->str, "download(smds) "));
    g_assert_nonnull (strstr (f->log->str, "download(bare via eim1.example.com) "));
    g_assert_true (g_str_has_suffix (sent (f, 0), "bf54078202aabbbf3700"));
    g_assert_true (g_str_has_suffix (sent (f, 1), "bf5403bf3700"));
}

/* The server's refusal in ASN.1: matchingIdRefused. */
static void
test_download_refused (Fixture *f, gconstpointer unused)
{
    f->packages[0] = "BF4F0ABF5407A0058003414243";
    f->download_error = "refused";
    f->cut = 1;
    start (f, &(RspIpaConfig){.indirect = TRUE});
    poll (f);
    g_assert_cmpstr (f->text, ==, "refused");
    g_assert_cmpuint (f->outcome.failed, ==, 1);
    g_assert_cmpuint (f->outcome.kept, ==, 1);
    g_assert_nonnull (strstr (f->log->str, "download(ABC via eim1.example.com) "));
    poll (f); /* what the link has lost */
    g_assert_null (f->error);
    g_assert_cmpuint (f->outcome.delivered, ==, 1);
    g_assert_cmpstr (sent (f, 0), ==, sent (f, 1));
    g_assert_true (g_str_has_suffix (sent (f, 1), "300d80017f0408a206bf3b03810106"));
    poll (f);
    g_assert_cmpuint (f->outcome.delivered, ==, 0);
}

static void
test_state_change (Fixture *f, gconstpointer unused)
{
    start (f, &(RspIpaConfig){0});
    rsp_ipa_local (f->ipa, RSP_IPA_FALLBACK, NULL, on_end, f);
    g_assert_true (rsp_loop_run (f->loop, NULL, NULL, -1));
    g_assert_cmpstr (f->text, ==, "ok");
    poll (f);
    g_assert_true (g_str_has_suffix (f->polled, "8000810101"));
    poll (f);
    g_assert_cmpstr (f->polled, ==, "bf4f125a10" EID);
}

/* During an emergency call nothing is read or downloaded. */
static void
test_emergency (Fixture *f, gconstpointer unused)
{
    f->packages[0] = "BF4F06BF52035C0181";
    f->packages[1] = "BF4F07BF5404A0028100";
    start (f, &(RspIpaConfig){0});
    rsp_ipa_local (f->ipa, RSP_IPA_ENABLE_EMERGENCY, NULL, on_end, f);
    g_assert_true (rsp_loop_run (f->loop, NULL, NULL, -1));
    poll (f);
    g_assert_true (g_str_has_suffix (sent (f, 0), "bf5205a103020168"));
    g_assert_true (g_str_has_suffix (sent (f, 1), "bf54053003800168"));
    g_assert_null (strstr (f->log->str, "download"));
}

static void
test_busy (Fixture *f, gconstpointer unused)
{
    start (f, &(RspIpaConfig){0});
    rsp_ipa_poll (f->ipa, on_end, f);
    rsp_ipa_poll (f->ipa, on_end, f);
    g_assert_true (rsp_loop_run (f->loop, NULL, NULL, -1));
    g_assert_cmpuint (f->ended, ==, 2);
}

static void
stop (gpointer loop)
{
    rsp_loop_quit (loop);
}

static void
test_period (Fixture *f, gconstpointer unused)
{
    f->packages[0] = f->packages[1] = f->packages[2] = "BF4F03020102";
    start (f, &(RspIpaConfig){.period = HOUR});
    rsp_loop_after (f->loop, 3 * HOUR + HOUR / 2, stop, f->loop, NULL);
    rsp_loop_run (f->loop, NULL, NULL, -1);
    g_assert_cmpuint (f->next_package, ==, 3);
}

#define ADD(name, func) g_test_add ("/ipa/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("nothing", test_nothing);
    ADD ("no-eim", test_no_eim);
    ADD ("package", test_package);
    ADD ("package-v1.0", test_package_v10);
    ADD ("damaged-package", test_damaged_package);
    ADD ("unknown-package", test_unknown_package);
    ADD ("eim-error", test_eim_error);
    ADD ("kept", test_kept);
    ADD ("rollback", test_rollback);
    ADD ("no-rollback", test_no_rollback);
    ADD ("notifications", test_notifications);
    ADD ("data", test_data);
    ADD ("data-refused", test_data_refused);
    ADD ("download", test_download);
    ADD ("download-refused", test_download_refused);
    ADD ("state-change", test_state_change);
    ADD ("emergency", test_emergency);
    ADD ("busy", test_busy);
    ADD ("period", test_period);
    return g_test_run ();
}
