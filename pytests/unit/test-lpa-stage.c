#include "test-lpa-stage.h"

#include "asn1/ids.h"
#include "pki/cert.h"
#include "pki/hash.h"

#include <string.h>

void
put_hex (GByteArray *out, guint32 tag, const char *hex)
{
    g_autoptr (GBytes) octets = rsp_unhex (hex);
    rsp_tlv_put (out, tag, rsp_slice_of (octets));
}

static void
put_note (GByteArray *out, guint64 seq, const char *address)
{
    gsize mark = rsp_tlv_open (out, 0xBF2F);
    guint8 iccid[10];
    rsp_iccid_to_octets (ICCID, iccid);
    rsp_tlv_put_int (out, 0x80, (gint64)seq);
    put_hex (out, 0x81, "0780");
    rsp_tlv_put_text (out, 0x0C, address);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (iccid));
    rsp_tlv_close (out, mark);
}

static void
put_pir (Fixture *f, GByteArray *out, guint64 seq, const char *address)
{
    gsize pir = rsp_tlv_open (out, 0xBF37), data = rsp_tlv_open (out, 0xBF27);
    put_hex (out, 0x80, ID);
    put_note (out, seq, address);
    put_hex (out, 0x06, "883703");
    gsize result = rsp_tlv_open (out, 0xA2);
    gsize outcome = rsp_tlv_open (out, f->error_reason ? 0xA1 : 0xA0);
    if (f->error_reason) {
        rsp_tlv_put_int (out, 0x80, 2);
        rsp_tlv_put_int (out, 0x81, f->error_reason);
    } else {
        put_hex (out, 0x4F, "a0000005591010ffffffff8900001100");
        put_hex (out, 0x04, "3000");
    }
    rsp_tlv_close (out, outcome);
    rsp_tlv_close (out, result);
    rsp_tlv_close (out, data);
    put_hex (out, 0x5F37, "00");
    rsp_tlv_close (out, pir);
}

void
add_note (Fixture *f, const char *address)
{
    Note note = {f->next_seq++, address};
    g_array_append_val (f->notes, note);
}

/* Card ---------------------------------------------------------------------------------------- */

static void
card_load (Fixture *f, GByteArray *out)
{
    put_pir (f, out, f->next_seq, "dp.example.com");
    add_note (f, "dp.example.com");
}

static void
card_retrieve (Fixture *f, RspSlice request, GByteArray *out)
{
    RspTlv command, criterion, seq;
    guint64 n;
    g_assert_true (rsp_tlv_single (request, 0xBF2B, &command));
    g_assert_true (rsp_tlv_find (command.value, 0xA0, &criterion));
    g_assert_true (rsp_tlv_find (criterion.value, 0x80, &seq));
    g_assert_true (lpa_integer (seq.value, &n));
    gsize mark = rsp_tlv_open (out, 0xBF2B), list = rsp_tlv_open (out, 0xA0);
    for (guint i = 0; i < f->notes->len; i++) {
        const Note *note = &g_array_index (f->notes, Note, i);
        if (note->seq == n)
            put_pir (f, out, n, note->address);
    }
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, mark);
}

static void
card_remove (Fixture *f, RspSlice request, GByteArray *out)
{
    RspTlv command, seq;
    guint64 n;
    g_assert_true (rsp_tlv_single (request, 0xBF30, &command));
    g_assert_true (rsp_tlv_find (command.value, 0x80, &seq));
    g_assert_true (lpa_integer (seq.value, &n));
    guint status = 1;
    for (guint i = 0; i < f->notes->len; i++)
        if (g_array_index (f->notes, Note, i).seq == n) {
            g_array_remove_index (f->notes, i);
            status = 0;
            break;
        }
    gsize mark = rsp_tlv_open (out, 0xBF30);
    rsp_tlv_put_int (out, 0x80, status);
    rsp_tlv_close (out, mark);
}

static void
card_cancel (Fixture *f, RspSlice request)
{
    RspTlv command, id, reason;
    guint64 n;
    g_autoptr (GBytes) want = rsp_unhex (ID);
    g_assert_true (rsp_tlv_single (request, 0xBF41, &command));
    g_assert_true (rsp_tlv_find (command.value, 0x80, &id));
    g_assert_true (rsp_slice_equal (id.value, rsp_slice_of (want)));
    g_assert_true (rsp_tlv_find (command.value, 0x81, &reason));
    g_assert_true (lpa_integer (reason.value, &n));
    f->cancel_reason = (int)n;
}

/* The context that the LPA adds, and the server's parts unchanged in front of it. */
static void
card_authenticate (Fixture *f, RspSlice request)
{
    RspTlv command, part, context, device;
    static const guint32 tags[] = {0x30, 0x5F37, 0x04, 0x30};
    g_assert_true (rsp_der_check (request, NULL));
    g_assert_true (rsp_tlv_single (request, 0xBF38, &command));
    for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
        g_assert_cmpint (rsp_tlv_next (&command.value, &part), ==, RSP_TLV_OK);
        g_assert_cmphex (part.tag, ==, tags[i]);
    }
    g_assert_true (rsp_slice_equal (part.whole, rsp_slice_of (f->cert)));
    g_assert_true (rsp_tlv_single (command.value, 0xA0, &context));
    g_assert_true (rsp_tlv_find (context.value, 0xA1, &device));
    g_autofree char *text = rsp_hex (device.value);
    g_assert_true (g_str_has_prefix (text, "800453926011a1"));
    g_assert_true (g_str_has_suffix (text, "8208539260110000108f"));
}

static void
card_prepare (Fixture *f, RspSlice request, GByteArray *out)
{
    RspTlv command, hash;
    g_assert_true (rsp_der_check (request, NULL));
    g_assert_true (rsp_tlv_single (request, 0xBF21, &command));
    gboolean has_hash = rsp_tlv_find (command.value, 0x04, &hash);
    g_assert_cmpint (has_hash, ==, f->cc_required);
    gsize mark = rsp_tlv_open (out, 0xBF21), ok = rsp_tlv_open (out, 0xA0);
    if (has_hash)
        rsp_tlv_put (out, 0x04, hash.value);
    rsp_tlv_close (out, ok);
    rsp_tlv_close (out, mark);
}

static void
card_list (Fixture *f, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xBF28), list = rsp_tlv_open (out, 0xA0);
    for (guint i = 0; i < f->notes->len; i++) {
        const Note *note = &g_array_index (f->notes, Note, i);
        put_note (out, note->seq, note->address);
    }
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, mark);
}

static void
put_unhex (GByteArray *out, const char *hex)
{
    g_autoptr (GBytes) octets = rsp_unhex (hex);
    g_byte_array_append (out, rsp_slice_of (octets).data, rsp_slice_of (octets).len);
}

static void
card_rat (Fixture *f, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xBF43);
    put_hex (out, 0xA0, f->rat);
    rsp_tlv_close (out, mark);
}

static void
card_answer (Fixture *f, const RspFunction *fn, RspSlice request, GByteArray *out)
{
    switch (fn->id) {
    case RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES:
        put_unhex (out, "bf3c10800e64702e6578616d706c652e636f6d");
        break;
    case RSP_FN_ES10B_GET_EUICC_INFO1:
        put_unhex (out, "bf20058203020600");
        break;
    case RSP_FN_ES10B_GET_EUICC_CHALLENGE:
        put_unhex (out, "bf2e128010000102030405060708090a0b0c0d0e0f");
        break;
    case RSP_FN_ES10B_AUTHENTICATE_SERVER:
        card_authenticate (f, request);
        put_unhex (out, "bf3802a000");
        break;
    case RSP_FN_ES10B_GET_RAT:
        card_rat (f, out);
        break;
    case RSP_FN_ES10C_GET_PROFILES_INFO:
        put_unhex (out, f->operational_installed ? "bf2d13a011e30f5a0a98883003000000000001950102"
                                                 : "bf2d02a000");
        break;
    case RSP_FN_ES10B_PREPARE_DOWNLOAD:
        card_prepare (f, request, out);
        break;
    case RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE:
        card_load (f, out);
        break;
    case RSP_FN_ES10B_CANCEL_SESSION:
        card_cancel (f, request);
        put_unhex (out, "bf4102a000");
        break;
    case RSP_FN_ES10B_LIST_NOTIFICATION:
        card_list (f, out);
        break;
    case RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST:
        card_retrieve (f, request, out);
        break;
    case RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST:
        card_remove (f, request, out);
        break;
    case RSP_FN_ES10C_ENABLE_PROFILE:
        add_note (f, "dp.example.com");
        put_unhex (out, "bf3103800100");
        break;
    default:
        g_error ("the card was not to be asked %s", fn->full_name);
    }
}

/* TRUE: the script has dealt with CALL. */
static gboolean
play (Fixture *f, RspCall *call)
{
    const RspFunction *fn = rsp_call_function (call);
    Script *s = &f->script[fn->id];
    Script now = *s;
    g_string_append_printf (f->log, "%s ", fn->name);
    if (s->act != AS_USUAL && s->times > 0 && --s->times == 0)
        *s = (Script){0};
    g_autoptr (GBytes) body = NULL;
    switch (now.act) {
    case AS_USUAL:
        return FALSE;
    case REFUSE:
        body = rsp_fields_encode_failed ((RspStatus){now.subject, now.reason, NULL});
        rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
        return TRUE;
    case HTTP:
        rsp_call_reply (call, &(RspOutcome){.http = now.status}, NULL);
        return TRUE;
    case STATUS_WORD:
        rsp_call_reply (call, &(RspOutcome){.sw = now.status}, NULL);
        return TRUE;
    case SILENT:
        rsp_call_abandon (call);
        return TRUE;
    case CUT:
        rsp_call_fail (call, RSP_REPLY_LINK);
        return TRUE;
    case BODY:
        body = rsp_unhex (now.hex);
        rsp_call_reply (call, NULL, body);
        return TRUE;
    }
    return FALSE;
}

static void
serve_card (RspCall *call, gpointer data)
{
    Fixture *f = data;
    if (play (f, call))
        return;
    GByteArray *out = g_byte_array_new ();
    card_answer (f, rsp_call_function (call), rsp_slice_of (rsp_call_body (call)), out);
    g_autoptr (GBytes) body = g_byte_array_free_to_bytes (out);
    rsp_call_reply (call, &(RspOutcome){.sw = 0x9000}, body);
}

/* Server -------------------------------------------------------------------------------------- */

static void
set_tlv (RspFields *fields, const char *name, GByteArray *out)
{
    g_autoptr (GBytes) octets = g_byte_array_free_to_bytes (out);
    rsp_fields_set_bytes (fields, name, octets);
}

static void
set_signature (RspFields *fields, const char *name)
{
    GByteArray *out = g_byte_array_new ();
    guint8 zero[64] = {0};
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (zero));
    set_tlv (fields, name, out);
}

static void
server_initiate (Fixture *f, RspFields *fields)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0x30);
    put_hex (out, 0x80, f->inner_id);
    put_hex (out, 0x81, "000102030405060708090a0b0c0d0e0f");
    rsp_tlv_put_text (out, 0x83, f->address);
    put_hex (out, 0x84, "000102030405060708090a0b0c0d0e0f");
    rsp_tlv_close (out, mark);
    set_tlv (fields, "serverSigned1", out);
    rsp_fields_set_text (fields, "transactionId", ID);
    set_signature (fields, "serverSignature1");
    out = g_byte_array_new ();
    put_hex (out, 0x04, "f54172bdf98a95d65cbeb88a38a1c11d800a85c3");
    set_tlv (fields, "euiccCiPKIdToBeUsed", out);
    rsp_fields_set_bytes (fields, "serverCertificate", f->cert);
}

static void
server_authenticate (Fixture *f, RspFields *fields)
{
    GByteArray *out = g_byte_array_new ();
    guint8 flag = f->cc_required ? 0xFF : 0;
    gsize mark = rsp_tlv_open (out, 0x30);
    put_hex (out, 0x80, f->inner_id2);
    rsp_tlv_put (out, 0x01, RSP_SLICE (&flag, 1));
    rsp_tlv_close (out, mark);
    set_tlv (fields, "smdpSigned2", out);
    rsp_fields_set_text (fields, "transactionId", ID);
    g_autoptr (GBytes) metadata = rsp_metadata_encode (f->metadata);
    rsp_fields_set_bytes (fields, "profileMetadata", metadata);
    set_signature (fields, "smdpSignature2");
    rsp_fields_set_bytes (fields, "smdpCertificate", f->cert);
}

static gboolean
code_is_right (Fixture *f, const RspFields *request)
{
    RspTlv response, ok, hash;
    guint8 code_hash[32], want[32];
    if (!f->cc_required)
        return TRUE;
    g_autoptr (GBytes) id = rsp_unhex (ID);
    RspSlice code = RSP_SLICE (f->right_code, strlen (f->right_code));
    rsp_sha256 (&code, 1, code_hash);
    rsp_hash_cc (code_hash, rsp_slice_of (id), want);
    RspSlice der = rsp_slice_of (rsp_fields_bytes (request, "prepareDownloadResponse"));
    g_assert_true (rsp_tlv_single (der, 0xBF21, &response));
    g_assert_true (rsp_tlv_find (response.value, 0xA0, &ok));
    g_assert_true (rsp_tlv_find (ok.value, 0x04, &hash));
    return rsp_slice_equal (hash.value, RSP_SLICE_ARRAY (want));
}

static void
server_package (Fixture *f, RspFields *fields)
{
    g_autoptr (GBytes) metadata =
        rsp_metadata_encode (f->bpp_metadata ? f->bpp_metadata : f->metadata);
    RspSlice clear = rsp_slice_of (metadata);
    guint8 mac[8] = {0};
    GByteArray *out = g_byte_array_new ();
    gsize package = rsp_tlv_open (out, 0xBF36);
    put_hex (out, 0xBF23, "00");
    put_hex (out, 0xA0, "870100");
    gsize list = rsp_tlv_open (out, 0xA1);
    /* In two segments: what counts is the whole. */
    for (guint i = 0; i < 2; i++) {
        gsize half = clear.len / 2;
        gsize segment = rsp_tlv_open (out, 0x88);
        g_byte_array_append (out, clear.data + i * half, i ? clear.len - half : half);
        g_byte_array_append (out, mac, sizeof mac);
        rsp_tlv_close (out, segment);
    }
    rsp_tlv_close (out, list);
    put_hex (out, 0xA3, "860100");
    rsp_tlv_close (out, package);
    set_tlv (fields, "boundProfilePackage", out);
    rsp_fields_set_text (fields, "transactionId", ID);
}

static void
server_notification (Fixture *f, const RspFields *request)
{
    RspTlv pir, data, note, seq;
    guint64 n;
    RspSlice der = rsp_slice_of (rsp_fields_bytes (request, "pendingNotification"));
    g_assert_true (rsp_tlv_single (der, 0xBF37, &pir));
    g_assert_true (rsp_tlv_find (pir.value, 0xBF27, &data));
    g_assert_true (rsp_tlv_find (data.value, 0xBF2F, &note));
    g_assert_true (rsp_tlv_find (note.value, 0x80, &seq));
    g_assert_true (lpa_integer (seq.value, &n));
    g_string_append_printf (f->sent, "%u ", (guint)n);
}

static void
serve_server (RspCall *call, gpointer data)
{
    Fixture *f = data;
    const RspFunction *fn = rsp_call_function (call);
    if (g_strcmp0 (rsp_call_address (call), f->silent_address) == 0) {
        g_string_append_printf (f->log, "%s ", fn->name);
        rsp_call_abandon (call);
        return;
    }
    if (play (f, call))
        return;
    g_autoptr (RspFields) request =
        rsp_fields_decode (fn, RSP_LEG_REQUEST, rsp_call_body (call), NULL);
    g_assert_nonnull (request);
    if (fn->id == RSP_FN_ES9P_HANDLE_NOTIFICATION) {
        server_notification (f, request);
        rsp_call_reply (call, &(RspOutcome){.http = 204}, NULL);
        return;
    }
    g_autoptr (RspFields) fields = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    if (fn->id != RSP_FN_ES9P_INITIATE_AUTHENTICATION)
        g_assert_cmpstr (rsp_fields_text (request, "transactionId"), ==, ID);
    if (fn->id == RSP_FN_ES9P_INITIATE_AUTHENTICATION)
        server_initiate (f, fields);
    if (fn->id == RSP_FN_ES9P_AUTHENTICATE_CLIENT)
        server_authenticate (f, fields);
    g_autoptr (GBytes) body = NULL;
    if (fn->id == RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE) {
        if (code_is_right (f, request))
            server_package (f, fields);
        else
            body = rsp_fields_encode_failed ((RspStatus){"8.2.7", "3.8", NULL});
    }
    if (!body)
        body = rsp_fields_encode (fields);
    rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
}

/* The stage ----------------------------------------------------------------------------------- */

static GBytes *
make_cert (const char *oid)
{
    guint8 scalar[32] = {0};
    scalar[31] = 7;
    RspKey *key = rsp_key_from_scalar (scalar, NULL);
    RspCertSpec spec = {.role = RSP_ROLE_DP_AUTH,
                        .common_name = "DP",
                        .oid = oid,
                        .serial = 1,
                        .not_before = 0,
                        .not_after = 4000000000,
                        .point = RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE)};
    g_autoptr (GError) error = NULL;
    g_autoptr (RspCert) cert = rsp_cert_issue (&spec, NULL, key, &error);
    g_assert_no_error (error);
    rsp_key_free (key);
    return g_bytes_ref (rsp_cert_der (cert));
}

RspMetadata *
make_metadata (guint32 ppr)
{
    RspMetadata *m = rsp_metadata_new ();
    m->iccid = g_strdup (ICCID);
    m->service_provider_name = g_strdup ("Operator");
    m->profile_name = g_strdup ("Profile");
    m->profile_class = RSP_CLASS_OPERATIONAL;
    m->ppr = ppr;
    m->owner_mcc_mnc = rsp_unhex ("00f110");
    return m;
}

static RspLpaAnswer
on_question (const RspLpaQuestion *question, gpointer data)
{
    g_assert_nonnull (question->action);
    return (RspLpaAnswer){.consent = ((Fixture *)data)->consent, .authenticated = TRUE};
}

static char *
on_code (guint tried, gpointer data)
{
    const Fixture *f = data;
    for (guint i = 0; f->codes && f->codes[i]; i++)
        if (i == tried)
            return g_strdup (f->codes[i]);
    return NULL;
}

void
set_up (Fixture *f, gconstpointer unused)
{
    memset (f, 0, sizeof *f);
    f->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    f->bus = rsp_bus_new (f->loop, NULL, NULL);
    f->actor = (RspActor){.name = "phone", .loop = f->loop, .bus = f->bus};
    f->metadata = make_metadata (0);
    f->address = "DP.example.com";
    f->inner_id = f->inner_id2 = ID;
    f->right_code = "4711";
    f->rat = "";
    f->cert = make_cert ("2.999.10");
    f->log = g_string_new (NULL);
    f->sent = g_string_new (NULL);
    f->notes = g_array_new (FALSE, FALSE, sizeof (Note));
    f->next_seq = 1;
    f->cancel_reason = -1;
    rsp_bus_attach_card (f->bus, "card", serve_card, f);
    rsp_bus_attach (f->bus, "dp", serve_server, f);
    rsp_bus_add_address (f->bus, "dp.example.com", "dp");
    rsp_bus_add_address (f->bus, "other.example.com", "dp");
    f->lpa = rsp_lpa_new (&f->actor, &(RspLpaConfig){.card = "card", .imei = "352906110000018"});
    rsp_lpa_set_ui (f->lpa, &(RspLpaUi){.ask = on_question, .code = on_code, .data = f});
}

void
forget_outcome (Fixture *f)
{
    g_clear_pointer (&f->step, g_free);
    g_clear_pointer (&f->error, g_free);
    g_clear_pointer (&f->code, g_free);
    g_clear_pointer (&f->iccid, g_free);
    f->ended = 0;
    f->cancel_reason = -1;
    g_string_truncate (f->log, 0);
    g_string_truncate (f->sent, 0);
}

void
tear_down (Fixture *f, gconstpointer unused)
{
    rsp_lpa_free (f->lpa);
    rsp_bus_free (f->bus);
    rsp_loop_free (f->loop);
    rsp_metadata_free (f->metadata);
    g_clear_pointer (&f->bpp_metadata, rsp_metadata_free);
    g_bytes_unref (f->cert);
    forget_outcome (f);
    g_string_free (f->log, TRUE);
    g_string_free (f->sent, TRUE);
    g_array_unref (f->notes);
}

void
on_end (const RspLpaOutcome *o, gpointer data)
{
    Fixture *f = data;
    f->ended++;
    f->ok = o->ok;
    f->step = g_strdup (o->step);
    f->error = g_strdup (o->error);
    f->code = o->subject ? g_strconcat (o->subject, "/", o->reason, NULL) : NULL;
    f->iccid = g_strdup (o->iccid);
    f->cancelled = o->cancelled;
    f->delivered = o->delivered;
    f->pending = o->pending;
}

void
run (Fixture *f)
{
    rsp_loop_run (f->loop, NULL, NULL, -1);
    g_assert_cmpuint (f->ended, ==, 1);
    g_assert_cmpuint (rsp_bus_in_flight (f->bus), ==, 0);
}

void
download_as (Fixture *f, const RspLpaDownload *download)
{
    forget_outcome (f);
    rsp_lpa_download (f->lpa, download, on_end, f);
    g_assert_cmpuint (f->ended, ==, 0);
    run (f);
}

void
download (Fixture *f)
{
    download_as (f, &(RspLpaDownload){.activation_code = "LPA:1$dp.example.com$ABC"});
}

void
assert_failed (Fixture *f, const char *step, const char *error, int reason)
{
    g_assert_false (f->ok);
    g_assert_cmpstr (f->step, ==, step);
    g_assert_cmpstr (f->error, ==, error);
    g_assert_cmpint (f->cancel_reason, ==, reason);
    g_assert_cmpstr (f->cancelled, ==,
                     reason < 0 ? NULL : rsp_code_name ("CancelSessionReason", reason));
    g_assert_cmpint (strstr (f->log->str, "CancelSession CancelSession ") != NULL, ==, reason >= 0);
}

void
assert_works (Fixture *f)
{
    download (f);
    g_assert_cmpstr (f->error, ==, NULL);
    g_assert_true (f->ok);
}
