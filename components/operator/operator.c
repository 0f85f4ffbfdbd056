#include "components/operator/operator.h"

#include "pki/hash.h"

#include <jansson.h>

#define MAX_NOTIFICATIONS 1000000

struct _RspOperator {
    const RspActor *actor;
    RspAuc *auc;
    RspOta *ota;
    guint64 next_call;
    GPtrArray *notifications; /* of RspOperatorNotification */
    GHashTable *seen;         /* SHA-256 of a call's body: SM-DP+s repeat until acknowledged */
    GHashTable *pending;      /* of Pending */
};

typedef struct {
    RspOperator *op;
    const RspFunction *fn;
    RspOperatorFunc func;
    gpointer data;
} Pending;

static void
notification_free (gpointer data)
{
    RspOperatorNotification *n = data;
    g_free (n->iccid);
    g_free (n->eid);
    g_free (n->subject);
    g_free (n->reason);
    g_free (n);
}

/* --- Calls --- */

static void
answered (const RspReply *reply, gpointer data)
{
    Pending *p = data;
    RspOperatorReply out = {.failure = rsp_reply_name (reply->kind)};
    g_autofree char *http = NULL;
    g_autoptr (RspFields) fields = NULL;
    RspStatus status = {0};
    if (!out.failure && reply->http != 200)
        out.failure = http = g_strdup_printf ("http %u", reply->http);
    if (!out.failure) {
        out.fields = fields = rsp_fields_decode (p->fn, RSP_LEG_RESPONSE, reply->body, NULL);
        if (!fields)
            out.failure = "undecodable";
        else if (rsp_fields_failed (fields, &status)) {
            out.subject = status.subject;
            out.reason = status.reason;
        }
    }
    RspOperatorFunc func = p->func;
    gpointer func_data = p->data;
    g_hash_table_remove (p->op->pending, p);
    if (func)
        func (&out, func_data);
}

void
rsp_operator_call (RspOperator *op, const char *address, const RspFunction *fn, RspFields *fields,
                   RspOperatorFunc func, gpointer data)
{
    g_return_if_fail (fn->interface == RSP_IF_ES2P);
    g_autofree char *call_id = g_strdup_printf ("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
                                                op->actor->incarnation, op->next_call++);
    rsp_fields_set_header (fields, op->actor->name, call_id);
    g_autoptr (GBytes) body = rsp_fields_encode (fields);
    Pending *p = g_new0 (Pending, 1);
    *p = (Pending){op, fn, func, data};
    g_hash_table_add (op->pending, p);
    RspCallOptions options = {0};
    rsp_bus_call (op->actor->bus, op->actor->name, address, fn, body, &options, answered, p);
}

/* --- Notifications --- */

static gboolean
read_status (const char *text, RspOperatorNotification *n)
{
    json_t *root = json_loads (text, JSON_REJECT_DUPLICATES, NULL);
    const char *status = NULL, *subject = NULL, *reason = NULL;
    gboolean ok = root && json_unpack (root, "{s:s}", "status", &status) == 0;
    if (ok) {
        n->success = g_str_has_prefix (status, "Executed");
        if (json_unpack (root, "{s:{s:s, s:s}}", "statusCodeData", "subjectCode", &subject,
                         "reasonCode", &reason) == 0) {
            n->subject = g_strdup (subject);
            n->reason = g_strdup (reason);
        }
    }
    json_decref (root);
    return ok;
}

static gboolean
record (RspOperator *op, RspCall *call, const RspFields *f)
{
    RspSlice body = rsp_slice_of (rsp_call_body (call));
    guint8 hash[RSP_SHA256_SIZE];
    rsp_sha256 (&body, 1, hash);
    g_autoptr (GBytes) key = g_bytes_new (hash, sizeof hash);
    if (g_hash_table_contains (op->seen, key))
        return TRUE;
    RspOperatorNotification *n = g_new0 (RspOperatorNotification, 1);
    guint64 point = 0;
    gboolean ok = g_ascii_string_to_unsigned (rsp_fields_text (f, "notificationPointId"), 10, 0,
                                              G_MAXINT, &point, NULL) &&
                  read_status (rsp_fields_text (f, "notificationPointStatus"), n) &&
                  op->notifications->len < MAX_NOTIFICATIONS;
    if (!ok) {
        notification_free (n);
        return FALSE;
    }
    n->point = (int)point;
    n->iccid = g_strdup (rsp_fields_text (f, "iccid"));
    n->eid = g_strdup (rsp_fields_text (f, "eid"));
    g_ptr_array_add (op->notifications, n);
    g_hash_table_add (op->seen, g_steal_pointer (&key));
    return TRUE;
}

static void
refuse (RspCall *call, const char *reason, const char *message)
{
    RspStatus status = {"1.6", reason, message};
    g_autoptr (GBytes) body = rsp_fields_encode_failed (status);
    RspOutcome outcome = {.http = 200, .subject = status.subject, .reason = status.reason};
    rsp_call_reply (call, &outcome, body);
}

static void
serve (RspCall *call, gpointer data)
{
    RspOperator *op = data;
    const RspFunction *fn = rsp_call_function (call);
    if (fn->interface == RSP_IF_NAS) {
        rsp_auc_serve (op->auc, call);
        return;
    }
    if (fn->id != RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO) {
        g_autofree char *message = g_strdup_printf ("not supported: %s", fn->full_name);
        refuse (call, "2.1", message);
        return;
    }
    g_autoptr (GError) error = NULL;
    g_autoptr (RspFields) f = rsp_fields_decode (fn, RSP_LEG_REQUEST, rsp_call_body (call), &error);
    if (!f) {
        g_autofree char *message = rsp_escape_text (error->message, -1, 200);
        gboolean missing = g_error_matches (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_MISSING);
        refuse (call, missing ? "2.2" : "2.1", message);
        return;
    }
    if (!record (op, call, f)) {
        refuse (call, "2.1", "notificationPointStatus");
        return;
    }
    RspOutcome outcome = {.http = 204};
    rsp_call_reply (call, &outcome, NULL);
}

/* --- Life --- */

RspOperator *
rsp_operator_new (const RspActor *actor, const char *plmn)
{
    RspOperator *op = g_new0 (RspOperator, 1);
    op->actor = actor;
    op->auc = rsp_auc_new (actor, plmn);
    op->ota = rsp_ota_new (actor);
    op->next_call = 1;
    op->notifications = g_ptr_array_new_with_free_func (notification_free);
    op->seen =
        g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    op->pending = g_hash_table_new_full (NULL, NULL, g_free, NULL);
    rsp_bus_attach (actor->bus, actor->name, serve, op);
    /* SM-DP+s know their operator by the name it proves at TLS. */
    rsp_bus_add_address (actor->bus, actor->name, actor->name);
    return op;
}

void
rsp_operator_free (RspOperator *op)
{
    if (!op)
        return;
    rsp_bus_detach (op->actor->bus, op->actor->name);
    rsp_ota_free (op->ota);
    rsp_auc_free (op->auc);
    g_hash_table_destroy (op->pending);
    g_hash_table_destroy (op->seen);
    g_ptr_array_unref (op->notifications);
    g_free (op);
}

const GPtrArray *
rsp_operator_notifications (const RspOperator *op)
{
    return op->notifications;
}

RspAuc *
rsp_operator_auc (RspOperator *op)
{
    return op->auc;
}

RspOta *
rsp_operator_ota (RspOperator *op)
{
    return op->ota;
}
