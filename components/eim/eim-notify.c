/* Notifications go on to the servers that they name, over ES9+.HandleNotification (SGP.32 5.14.7):
 * written down first, then sent until acknowledged, in order for each server, with growing pauses.
 */
#include "components/eim/eim-private.h"

#include "asn1/event-entries.h"

#include <string.h>

#define FIRST_RETRY (5 * G_USEC_PER_SEC)
#define LAST_RETRY (600 * G_USEC_PER_SEC)

/* What peers may leave here for servers that do not answer: so many, each for so long. */
#define MOST_WAITING 65536
#define LIFETIME (G_GINT64_CONSTANT (30) * 24 * 3600 * G_USEC_PER_SEC)

typedef struct {
    RspEim *eim;
    char *address;
    gint64 under_way; /* its number; 0: none */
    gint64 since;     /* when that came */
    gint64 delay;
    guint64 timer;
} Outbox;

static void send_next (Outbox *box);

void
rsp_eim_outbox_free (gpointer outbox)
{
    Outbox *box = outbox;
    rsp_loop_cancel (box->eim->actor->loop, box->timer);
    g_free (box->address);
    g_free (box);
}

static void
retry (gpointer data)
{
    Outbox *box = data;
    box->timer = 0;
    send_next (box);
}

static gboolean
strike_off (RspEim *eim, gint64 id)
{
    g_autoptr (GError) error = NULL;
    return rsp_store_begin (eim->store, &error) &&
           rsp_eim_end (
               eim, rsp_store_run (eim->store, &error, "DELETE FROM forward WHERE id = ?", "i", id),
               &error);
}

static void
on_answer (const RspReply *reply, gpointer data)
{
    Outbox *box = data;
    gint64 id = box->under_way;
    box->under_way = 0;
    gboolean taken = reply->kind == RSP_REPLY_OK && reply->http >= 200 && reply->http < 300;
    gboolean old = rsp_loop_now (box->eim->actor->loop) - box->since > LIFETIME;
    if (!taken && old)
        rsp_changes_note (box->eim->changes, "notification", "waiting", "given up");
    if ((taken || old) && strike_off (box->eim, id)) {
        box->delay = 0;
        send_next (box);
        return;
    }
    box->delay = box->delay ? MIN (2 * box->delay, LAST_RETRY) : FIRST_RETRY;
    box->timer = rsp_loop_after_background (box->eim->actor->loop, box->delay, retry, box, NULL);
}

static void
send_next (Outbox *box)
{
    RspEim *eim = box->eim;
    gboolean there;
    if (box->under_way || box->timer)
        return;
    sqlite3_stmt *row = rsp_store_bind (
        eim->store, "SELECT id, body, since FROM forward WHERE address = ? ORDER BY id LIMIT 1",
        "s", box->address);
    if (!rsp_store_step (eim->store, row, &there, NULL) || !there)
        return;
    box->under_way = sqlite3_column_int64 (row, 0);
    box->since = sqlite3_column_int64 (row, 2);
    g_autoptr (GBytes) notification = rsp_store_blob (row, 1);
    const RspFunction *fn = rsp_function (RSP_FN_ES9P_HANDLE_NOTIFICATION);
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_REQUEST);
    rsp_fields_set_bytes (f, "pendingNotification", notification);
    g_autoptr (GBytes) body = rsp_fields_encode (f);
    RspCallOptions options = {0};
    rsp_bus_call (eim->actor->bus, eim->actor->name, box->address, fn, body, &options, on_answer,
                  box);
}

void
rsp_eim_forward_start (RspEim *eim)
{
    g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_free);
    sqlite3_stmt *row =
        rsp_store_bind (eim->store, "SELECT DISTINCT address FROM forward ORDER BY address", "");
    gboolean there;
    while (rsp_store_step (eim->store, row, &there, NULL) && there)
        g_ptr_array_add (addresses, rsp_store_text (row, 0));
    for (guint i = 0; i < addresses->len; i++) {
        Outbox *box = g_hash_table_lookup (eim->outboxes, addresses->pdata[i]);
        if (!box) {
            box = g_new0 (Outbox, 1);
            box->eim = eim;
            box->address = g_strdup (addresses->pdata[i]);
            g_hash_table_insert (eim->outboxes, box->address, box);
        }
        send_next (box);
    }
}

static const struct {
    const char *choice, *metadata;
} kinds[] = {
    {"profileInstallationResult",
     "profileInstallationResult.profileInstallationResultData.notificationMetadata"},
    {"otherSignedNotification", "otherSignedNotification.tbsOtherNotification"},
};

guint
rsp_eim_waiting (RspEim *eim)
{
    sqlite3_stmt *row = rsp_store_bind (eim->store, "SELECT count(*) FROM forward", "");
    gboolean there;
    return rsp_store_step (eim->store, row, &there, NULL) && there
               ? (guint)sqlite3_column_int (row, 0)
               : MOST_WAITING;
}

/* Not acknowledged, it stays with the card. */
static gboolean
leave (RspEim *eim, const GArray *acks, GError **error)
{
    rsp_actor_state (eim->actor, "notification", NULL, "no room");
    if (!acks)
        g_set_error_literal (error, RSP_STORE_ERROR, RSP_STORE_ERROR_FULL, "notification: no room");
    return acks != NULL;
}

gboolean
rsp_eim_forward (RspEim *eim, RspSlice notification, GArray *acks, GError **error)
{
    g_autoptr (RspAsn1) node =
        rsp_asn1_decode_slice ("SGP32-PendingNotification", notification, NULL);
    const char *choice = node ? rsp_asn1_choice (node, "") : "malformed";
    guint kind = 0;
    while (kind < G_N_ELEMENTS (kinds) && strcmp (choice, kinds[kind].choice) != 0)
        kind++;
    if (kind == G_N_ELEMENTS (kinds)) {
        g_autofree char *what = g_strconcat ("not supported: ", choice, NULL);
        rsp_actor_state (eim->actor, "notification", NULL, what);
        return TRUE;
    }
    g_autofree char *seq_path = g_strconcat (kinds[kind].metadata, ".seqNumber", NULL);
    g_autofree char *address_path =
        g_strconcat (kinds[kind].metadata, ".notificationAddress", NULL);
    g_autofree char *address = rsp_asn1_text (node, address_path);
    gint64 seq = rsp_asn1_int (node, seq_path, 0);
    if (!rsp_server_address_valid (address ? address : "")) {
        rsp_actor_state (eim->actor, "notification", NULL, "to no address");
        return TRUE;
    }
    if (rsp_eim_waiting (eim) >= MOST_WAITING)
        return leave (eim, acks, error);
    g_autoptr (GBytes) body = rsp_slice_to_bytes (notification);
    if (acks)
        g_array_append_val (acks, seq);
    return rsp_store_run (eim->store, error,
                          "INSERT INTO forward (address, body, since) VALUES (?,?,?)", "sbi",
                          address, body, rsp_loop_now (eim->actor->loop));
}
