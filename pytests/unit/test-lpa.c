/* The LPA: activation codes; the download, notifications and local management against a scripted
 * server and card on the memory bus. */
#include "asn1/fields.h"
#include "asn1/ids.h"
#include "asn1/tlv.h"
#include "components/lpa/lpa-private.h"
#include "pki/cert.h"
#include "pki/hash.h"

#include <string.h>

/* Activation codes ---------------------------------------------------------------------------- */

static void
test_codes_good (void)
{
    static const struct {
        const char *text, *address, *matching_id, *oid;
        gboolean cc;
    } cases[] = {
        {"LPA:1$smdp.example.com$ABC-123", "smdp.example.com", "ABC-123", NULL, FALSE},
        {"lpa:1$SMDP.Example.com$ABC", "SMDP.Example.com", "ABC", NULL, FALSE},
        {"1$h$T", "h", "T", NULL, FALSE},
        {"1$h$T$$1", "h", "T", NULL, TRUE},
        {"1$h$T$1.3.6.1.4.1.31746", "h", "T", "1.3.6.1.4.1.31746", FALSE},
        {"1$h$T$2.999.10$1", "h", "T", "2.999.10", TRUE},
        {"1$h$$2.999.10", "h", "", "2.999.10", FALSE},
        {"1$h$", "h", "", NULL, FALSE},
        {"1$h$T$", "h", "T", NULL, FALSE},
        {"1$h$T$$", "h", "T", NULL, FALSE},
        {"1$h$T$$1$F541$1$later", "h", "T", NULL, TRUE},
        {"  LPA:1$h:8443$T \n", "h:8443", "T", NULL, FALSE},
        {"1$127.0.0.1:1$T", "127.0.0.1:1", "T", NULL, FALSE},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (RspActivationCode) code =
            rsp_activation_code_parse (cases[i].text, FALSE, &error);
        g_assert_no_error (error);
        g_assert_cmpstr (code->address, ==, cases[i].address);
        g_assert_cmpstr (code->matching_id, ==, cases[i].matching_id);
        g_assert_cmpstr (code->oid, ==, cases[i].oid);
        g_assert_cmpint (code->cc_required, ==, cases[i].cc);
    }
}

static void
test_codes_bad (void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "empty"},
        {"LPA:", "empty"},
        {"hello", "no delimiter"},
        {"2$h$T", "format not supported"},
        {"$h$T", "format not supported"},
        {"01$h$T", "format not supported"},
        {"1$", "no address"},
        {"1$h", "no delimiter after the address"},
        {"1$$T", "empty address"},
        {"1$:80$T", "empty address"},
        {"1$h h$T", "blank inside"},
        {"1$h$T\tT", "blank inside"},
        {"LPA: 1$h$T", "blank inside"},
        {"1$h$\xc3\xa4", "character outside printable ASCII"},
        {"1$h$T$$1$\x01", "character outside printable ASCII"},
        {"1$https://h$T", "scheme in the address"},
        {"1$h/gsma$T", "path in the address"},
        {"1$h_h$T", "character not allowed in the address"},
        {"1$h..h$T", "empty label in the address"},
        {"1$h.$T", "empty label in the address"},
        {"1$-h$T", "label of the address starts or ends with a hyphen"},
        {"1$h:$T", "bad port in the address"},
        {"1$h:0$T", "bad port in the address"},
        {"1$h:65536$T", "bad port in the address"},
        {"1$h:80a$T", "bad port in the address"},
        {"1$h$t", "character not allowed in the MatchingID"},
        {"1$h$T_T", "character not allowed in the MatchingID"},
        {"1$h$T$x", "OID with less than two arcs"},
        {"1$h$T$1.x", "OID not in dotted decimal form"},
        {"1$h$T$1.3.", "OID not in dotted decimal form"},
        {"1$h$T$1.03", "OID arc with a leading zero"},
        {"1$h$T$3.1", "first OID arc above 2"},
        {"1$h$T$1.40", "second OID arc above 39"},
        {"1$h$T$2.1234567890123456789012345678901234567890", "OID arc too large"},
        {"1$h$T$$0", "bad confirmation code flag"},
        {"1$h$T$$11", "bad confirmation code flag"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *want = g_strconcat ("activation code: ", cases[i].why, NULL);
        g_assert_null (rsp_activation_code_parse (cases[i].text, FALSE, &error));
        g_assert_error (error, RSP_LPA_ERROR, RSP_LPA_ERROR_ACTIVATION_CODE);
        g_assert_cmpstr (error->message, ==, want);
    }
}

static void
test_codes_limits (void)
{
    g_autofree char *label = g_strnfill (64, 'a');
    g_autofree char *long_label = g_strdup_printf ("1$%s.com$T", label);
    g_assert_null (rsp_activation_code_parse (long_label, FALSE, NULL));
    g_autofree char *fine_label = g_strdup_printf ("1$%s.com$T", label + 1);
    g_autoptr (RspActivationCode) fine = rsp_activation_code_parse (fine_label, FALSE, NULL);
    g_assert_nonnull (fine);

    g_autofree char *token = g_strnfill (252, 'A');
    g_autofree char *too_long = g_strdup_printf ("LPA:1$h$%s", token);
    g_assert_null (rsp_activation_code_parse (too_long, FALSE, NULL));
    g_autofree char *longest = g_strdup_printf ("LPA:1$h$%s", token + 1);
    g_autoptr (RspActivationCode) code = rsp_activation_code_parse (longest, FALSE, NULL);
    g_assert_nonnull (code);
    g_autofree char *huge = g_strnfill (1 << 20, ' ');
    g_assert_null (rsp_activation_code_parse (huge, FALSE, NULL));

    g_autoptr (RspActivationCode) lenient = rsp_activation_code_parse ("1$h$A_B", TRUE, NULL);
    g_assert_cmpstr (lenient->matching_id, ==, "A_B");
}

/* Scripted peers ------------------------------------------------------------------------------ */

typedef enum { AS_USUAL, REFUSE, HTTP, STATUS_WORD, SILENT, CUT, BODY } Act;

typedef struct {
    Act act;
    guint status;
    const char *subject, *reason, *hex;
    guint times; /* 0: always */
} Script;

typedef struct {
    guint64 seq;
    const char *address;
} Note;

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspLpa *lpa;
    Script script[RSP_FN_COUNT];

    RspMetadata *metadata;                      /* shown */
    RspMetadata *bpp_metadata;                  /* carried; NULL: the same */
    const char *address, *inner_id, *inner_id2; /* as the server gives them */
    gboolean cc_required;
    const char *right_code;
    const char *rat; /* hex of the table's content */
    gboolean operational_installed;
    guint error_reason; /* of the PIR; 0: success */
    GBytes *cert;

    GString *log;
    int cancel_reason; /* as the card was told; -1 */
    GArray *notes;     /* of Note: on the card */
    GString *sent;     /* sequence numbers that servers got */
    guint64 next_seq;
    const char *silent_address;

    guint ended;
    gboolean ok;
    char *step, *error, *code, *iccid;
    const char *cancelled;
    guint delivered, pending;
} Fixture;

#define ID "0A0B0C0D0E0F1011"
#define ICCID "8988303000000000010"

static void
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

static void
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

static RspMetadata *
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

static void
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
}

static void
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

static void
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

static void
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

static void
run (Fixture *f)
{
    rsp_loop_run (f->loop, NULL, NULL, -1);
    g_assert_cmpuint (f->ended, ==, 1);
    g_assert_cmpuint (rsp_bus_in_flight (f->bus), ==, 0);
}

static void
download_as (Fixture *f, const RspLpaDownload *download)
{
    forget_outcome (f);
    rsp_lpa_download (f->lpa, download, on_end, f);
    g_assert_cmpuint (f->ended, ==, 0);
    run (f);
}

static void
download (Fixture *f)
{
    download_as (f, &(RspLpaDownload){.activation_code = "LPA:1$dp.example.com$ABC",
                                      .consent = RSP_CONSENT_GRANTED});
}

static void
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

static void
assert_works (Fixture *f)
{
    download (f);
    g_assert_cmpstr (f->error, ==, NULL);
    g_assert_true (f->ok);
}

/* Downloads ----------------------------------------------------------------------------------- */

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
        download_as (f,
                     &(RspLpaDownload){.address = "dp.example.com", .consent = cases[i].consent});
        assert_failed (f, "consent", cases[i].error, cases[i].reason);
        g_assert_cmpstr (f->log->str, ==, AUTHENTICATION "CancelSession CancelSession ");
    }
    assert_works (f);
}

static void
test_confirmation_code (Fixture *f, gconstpointer unused)
{
    static const char *const later[] = {"1111", "4711", NULL};
    f->cc_required = TRUE;
    RspLpaDownload d = {.address = "dp.example.com"};
    download_as (f, &d);
    assert_failed (f, "confirmationCode", "confirmationCodeMissing", 2);

    d.confirmation_code = "4711";
    download_as (f, &d);
    g_assert_true (f->ok);

    d.confirmation_code = "0000";
    d.further_codes = later;
    download_as (f, &d);
    g_assert_true (f->ok);
    g_assert_cmpstr (f->code, ==, NULL);
    g_assert_cmpstr (f->log->str, ==,
                     AUTHENTICATION "PrepareDownload GetBoundProfilePackage PrepareDownload "
                                    "GetBoundProfilePackage " INSTALLATION DELIVERY);

    d.further_codes = NULL;
    download_as (f, &d);
    assert_failed (f, "ES9+.GetBoundProfilePackage", "refused", 2);
    g_assert_cmpstr (f->code, ==, "8.2.7/3.8");

    f->script[RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE] =
        (Script){.act = REFUSE, .subject = "8.2.7", .reason = "6.4"};
    d.further_codes = later;
    download_as (f, &d);
    assert_failed (f, "ES9+.GetBoundProfilePackage", "refused", -1);
    g_assert_cmpstr (f->code, ==, "8.2.7/6.4");
}

/* The server forgot the session while the user typed again: a new one, with the same code. */
static void
test_confirmation_restart (Fixture *f, gconstpointer unused)
{
    static const char *const later[] = {"4711", NULL};
    f->cc_required = TRUE;
    f->right_code = "9999";
    RspLpaDownload d = {
        .address = "dp.example.com", .confirmation_code = "0000", .further_codes = later};
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
    download_as (f,
                 &(RspLpaDownload){.address = "dp.example.com", .consent = RSP_CONSENT_POSTPONED});
    g_assert_cmpstr (f->error, ==, "postponed");
    f->script[RSP_FN_ES10B_CANCEL_SESSION] = (Script){STATUS_WORD, 0x6A88, .times = 1};
    download_as (f,
                 &(RspLpaDownload){.address = "dp.example.com", .consent = RSP_CONSENT_POSTPONED});
    g_assert_cmpstr (f->error, ==, "postponed");
    g_assert_null (f->cancelled);
}

/* Notifications ------------------------------------------------------------------------------- */

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
                     "EnableProfile ListNotification RetrieveNotificationsList "
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

#define ADD(name, func) g_test_add ("/lpa/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/lpa/codes/good", test_codes_good);
    g_test_add_func ("/lpa/codes/bad", test_codes_bad);
    g_test_add_func ("/lpa/codes/limits", test_codes_limits);
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
    ADD ("acknowledgement-lost", test_acknowledgement_lost);
    ADD ("addresses", test_addresses);
    ADD ("older-first", test_older_first);
    ADD ("notification-errors", test_notification_errors);
    ADD ("local", test_local);
    ADD ("local-requests", test_local_requests);
    ADD ("list", test_list);
    return g_test_run ();
}
