/* ESipa.TransferEimPackage (SGP.32 5.14.4): the eIM calls an IPA that can be reached. */
#include "asn1/ids.h"
#include "components/eim/eim-private.h"

#include <string.h>

typedef struct {
    RspEim *eim;
    RspEimPushFunc func;
    gpointer data;
    gint64 package;
    gboolean json;
    char eid[33], address[256];
    guint64 timer;    /* there is nothing to push */
    char result[128]; /* of the package, while its acknowledgement is under way */
} Push;

void
rsp_eim_push_free (gpointer data)
{
    Push *push = data;
    rsp_loop_cancel (push->eim->actor->loop, push->timer);
    g_free (push);
}

static void
finish (Push *push, const char *result)
{
    RspEimPushFunc func = push->func;
    gpointer data = push->data;
    g_autofree char *kept = g_strdup (result);
    g_hash_table_remove (push->eim->pushes, push);
    func (kept, data);
}

void
rsp_eim_abandon_pushes (RspEim *eim)
{
    GHashTableIter iter;
    gpointer push;
    for (g_hash_table_iter_init (&iter, eim->pushes); g_hash_table_iter_next (&iter, &push, NULL);
         g_hash_table_iter_init (&iter, eim->pushes))
        finish (push, "crashed");
}

static void
call (Push *push, const char *member, GBytes *value, RspReplyFunc func)
{
    RspEim *eim = push->eim;
    const RspFunction *fn = rsp_function (RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE);
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_REQUEST);
    rsp_fields_set_bytes (f, member, value);
    g_autoptr (GBytes) body = rsp_fields_encode_as (f, push->json ? RSP_ENC_JSON : RSP_ENC_DER);
    RspCallOptions options = {.asn1 = !push->json};
    rsp_bus_call (eim->actor->bus, eim->actor->name, push->address, fn, body, &options, func, push);
}

static void
on_acknowledged (const RspReply *reply G_GNUC_UNUSED, gpointer data)
{
    Push *push = data;
    finish (push, push->result);
}

/* The package's word, now that its result has been taken. */
static void
note_result (Push *push)
{
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (push->eim, push->package, NULL);
    g_strlcpy (push->result,
               p && p->result ? p->result
               : p            ? rsp_eim_state_name (p->state)
                              : "undefinedError",
               sizeof push->result);
}

static void
acknowledge (Push *push, const GArray *acks)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF53);
    for (guint i = 0; i < acks->len; i++)
        rsp_tlv_put_int (out, 0x80, g_array_index (acks, gint64, i));
    rsp_tlv_close (out, mark);
    g_autoptr (GBytes) list = g_bytes_new (out->data, out->len);
    call (push, "eimAcknowledgements", list, on_acknowledged);
}

/* The alternatives that an EimPackageResult has, too, are taken as one. NULL: it is another. */
static RspAsn1 *
as_result (const RspEim *eim, const RspAsn1 *answer)
{
    const char *choice = rsp_asn1_choice (answer, "");
    RspSlice whole = rsp_asn1_slice (answer, choice);
    if (strcmp (choice, "eimPackageReceived") == 0 || strcmp (choice, "eimPackageError") == 0)
        return NULL;
    if (eim->version != RSP_SGP32_V1_0)
        return rsp_asn1_decode_slice ("EimPackageResult", whole, NULL);
    g_autoptr (GByteArray) message = g_byte_array_new ();
    rsp_tlv_put (message, 0xBF50, whole);
    return rsp_asn1_decode_slice ("ProvideEimPackageResultV10",
                                  RSP_SLICE (message->data, message->len), NULL);
}

/* The answer in JSON; one that says Failed is an error. (transfer full) (nullable) */
static GBytes *
answer_in_asn1 (GBytes *body)
{
    static const char *const members[] = {"euiccPackageResult", "ePRAndNotifications",
                                          "ipaEuiccDataResponse"};
    const RspFunction *fn = rsp_function (RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE);
    g_autoptr (RspFields) f = rsp_fields_decode (fn, RSP_LEG_RESPONSE, body, NULL);
    if (!f)
        return NULL;
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, fn->tag);
    const char *code = rsp_fields_failed (f, NULL) ? "127" : rsp_fields_text (f, "eimPackageError");
    for (guint i = 0; !code && i < G_N_ELEMENTS (members); i++) {
        GBytes *one = rsp_fields_bytes (f, members[i]);
        if (one)
            g_byte_array_append (out, rsp_slice_of (one).data, (guint)g_bytes_get_size (one));
    }
    if (code)
        rsp_tlv_put_int (out, 0x02, g_ascii_strtoll (code, NULL, 10));
    else if (rsp_fields_bool (f, "eimPackageReceived"))
        rsp_tlv_put (out, 0x05, RSP_SLICE (NULL, 0));
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

static void
on_answer (const RspReply *reply, gpointer data)
{
    Push *push = data;
    RspEim *eim = push->eim;
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) acks = g_array_new (FALSE, FALSE, sizeof (gint64));
    gint64 code = 0;
    if (reply->kind != RSP_REPLY_OK || reply->http != 200) {
        finish (push, reply->kind == RSP_REPLY_TIMEOUT ? "timeout" : "unreachable");
        return;
    }
    g_autoptr (GBytes) body = push->json ? answer_in_asn1 (reply->body) : g_bytes_ref (reply->body);
    g_autoptr (RspAsn1) answer =
        body ? rsp_asn1_decode (eim->version == RSP_SGP32_V1_0 ? "TransferEimPackageResponseV10"
                                                               : "TransferEimPackageResponse",
                                body, NULL)
             : NULL;
    g_autoptr (RspAsn1) result = answer ? as_result (eim, answer) : NULL;
    if (result && !rsp_eim_take (eim, push->eid, NULL, result, acks, &code, &error))
        code = RSP_UNDEFINED_ERROR;
    if (!answer || code) {
        finish (push, answer ? "undefinedError" : "badReply");
    } else if (acks->len) {
        note_result (push);
        acknowledge (push, acks);
    } else if (strcmp (rsp_asn1_choice (answer, ""), "eimPackageError") == 0) {
        const char *name = rsp_code_name ("TransferEimPackageError",
                                          rsp_asn1_int (answer, "eimPackageError", 127));
        finish (push, name ? name : "undefinedError");
    } else {
        note_result (push);
        g_autofree char *word = g_strdup (push->result);
        finish (push, word);
    }
}

static void
on_nothing (gpointer data)
{
    Push *push = data;
    push->timer = 0;
    finish (push, push->result);
}

void
rsp_eim_push (RspEim *eim, const char *eid, const char *address, gboolean json, RspEimPushFunc func,
              gpointer data)
{
    g_autoptr (GError) error = NULL;
    const char *member = NULL;
    Push *push = g_new0 (Push, 1);
    *push = (Push){.eim = eim, .func = func, .data = data, .json = json};
    g_strlcpy (push->address, address, sizeof push->address);
    g_strlcpy (push->eid, eid, sizeof push->eid);
    g_hash_table_add (eim->pushes, push);
    g_autoptr (RspEimPackage) p = rsp_eim_deliver_next (eim, eid, FALSE, &member, &error);
    if (!p) {
        g_strlcpy (push->result, error ? error->message : "noEimPackageAvailable",
                   sizeof push->result);
        push->timer = rsp_loop_after (eim->actor->loop, 0, on_nothing, push, NULL);
        return;
    }
    push->package = p->id;
    call (push, member, p->sent, on_answer);
}
