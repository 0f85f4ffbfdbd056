/* Notifications: SGP.22 3.5. An address gets its notifications in the order of their numbers, the
 * next one only after the last was acknowledged; one address's silence does not hold up another's.
 * What is not acknowledged stays on the card. */
#include "components/lpa/lpa-private.h"

#include <string.h>

#define MAX_NOTIFICATIONS 10000
#define LONGEST_PAUSE (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

static void
note_free (LpaNote *note)
{
    g_free (note->address);
    g_free (note);
}

void
rsp_lpa_deliver_notifications (RspLpa *lpa, RspLpaFunc func, gpointer data)
{
    if (lpa_begin (lpa, "deliverNotifications", func, NULL, data))
        lpa_deliver (lpa);
}

void
lpa_deliver (RspLpa *lpa)
{
    static const guint8 command[] = {0xBF, 0x28, 0x00};
    lpa_call (lpa, LPA_LIST_NOTIFICATIONS, RSP_FN_ES10B_LIST_NOTIFICATION, NULL,
              g_bytes_new_static (command, sizeof command));
}

static LpaNote *
current (const RspLpa *lpa)
{
    return g_ptr_array_index (lpa->op->notes, lpa->op->note);
}

static void
count_pending (LpaOperation *op)
{
    op->pending = 0;
    for (guint i = 0; i < op->notes->len; i++)
        op->pending += !((LpaNote *)g_ptr_array_index (op->notes, i))->done;
}

static void
next_note (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    while (op->note < op->notes->len && current (lpa)->failed)
        op->note++;
    if (op->note == op->notes->len || op->keep_notifications) {
        count_pending (op);
        lpa_finish (lpa);
        return;
    }
    LpaNote *note = current (lpa);
    if (op->pir && op->pir_seq == note->seq) {
        g_autoptr (RspFields) fields =
            rsp_fields_new (rsp_function (RSP_FN_ES9P_HANDLE_NOTIFICATION), RSP_LEG_REQUEST);
        rsp_fields_set_bytes (fields, "pendingNotification", op->pir);
        lpa_call (lpa, LPA_SEND_NOTIFICATION, RSP_FN_ES9P_HANDLE_NOTIFICATION, note->address,
                  rsp_fields_encode_as (fields, lpa->encoding));
        return;
    }
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF2B);
    gsize criterion = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put_int (out, 0x80, (gint64)note->seq);
    rsp_tlv_close (out, criterion);
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_RETRIEVE_NOTIFICATION, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, NULL,
              lpa_take (out));
}

/* This one and those behind it for the same address wait for another time. */
static void
address_failed (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    const char *address = current (lpa)->address;
    for (guint i = op->note; i < op->notes->len; i++) {
        LpaNote *note = g_ptr_array_index (op->notes, i);
        note->failed = note->failed || g_ascii_strcasecmp (note->address, address) == 0;
    }
    next_note (lpa);
}

static int
compare_notes (gconstpointer a, gconstpointer b)
{
    const LpaNote *x = *(LpaNote *const *)a, *y = *(LpaNote *const *)b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static gboolean
read_list (LpaOperation *op, RspSlice list)
{
    RspTlv entry, seq, address;
    op->notes = g_ptr_array_new_with_free_func ((GDestroyNotify)note_free);
    op->note = 0;
    RspTlvResult result;
    while ((result = rsp_tlv_next (&list, &entry)) == RSP_TLV_OK) {
        guint64 n;
        if (entry.tag != 0xBF2F || op->notes->len >= MAX_NOTIFICATIONS ||
            !rsp_tlv_find (entry.value, 0x80, &seq) || !lpa_integer (seq.value, &n) ||
            !rsp_tlv_find (entry.value, 0x0C, &address))
            return FALSE;
        char *text = lpa_text (address.value);
        if (!text)
            return FALSE;
        LpaNote *note = g_new0 (LpaNote, 1);
        note->seq = n;
        note->address = text;
        g_ptr_array_add (op->notes, note);
    }
    g_ptr_array_sort (op->notes, compare_notes);
    return result == RSP_TLV_END;
}

/* The operation that made the notifications has ended well or badly by itself; a list that cannot
 * be had only leaves them on the card. */
static void
list_failed (RspLpa *lpa, const char *problem)
{
    if (lpa->op->pir || lpa->op->makes_notifications)
        lpa->op->pending = 1;
    else
        lpa_note_failure (lpa, NULL, problem);
    lpa_finish (lpa);
}

void
lpa_on_notification_list (RspLpa *lpa, const RspReply *reply)
{
    const char *problem = rsp_reply_problem (reply, lpa->function);
    RspTlv response, list;
    if (problem)
        list_failed (lpa, problem);
    else if (!lpa_card_response (lpa, reply, &response) ||
             !rsp_tlv_find (response.value, 0xA0, &list) || !read_list (lpa->op, list.value))
        list_failed (lpa, "badReply");
    else
        next_note (lpa);
}

void
lpa_on_notification (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response, list, notification;
    if (rsp_reply_problem (reply, lpa->function) || !lpa_card_response (lpa, reply, &response) ||
        !rsp_tlv_find (response.value, 0xA0, &list) ||
        rsp_tlv_next (&list.value, &notification) != RSP_TLV_OK) {
        address_failed (lpa);
        return;
    }
    g_clear_pointer (&op->pir, g_bytes_unref);
    op->pir = rsp_slice_share (reply->body, notification.whole);
    op->pir_seq = current (lpa)->seq;
    next_note (lpa);
}

/* A 2xx acknowledges, whatever comes with it, unless that is a plain refusal. */
static const char *
acknowledgement_problem (RspLpa *lpa, const RspReply *reply)
{
    const char *problem = rsp_reply_problem (reply, lpa->function);
    if (problem || g_bytes_get_size (reply->body) == 0)
        return problem;
    g_autoptr (RspFields) fields =
        rsp_fields_decode_as (lpa->function, RSP_LEG_RESPONSE, lpa->encoding, reply->body, NULL);
    RspStatus status;
    return fields && rsp_fields_failed (fields, &status) ? "refused" : NULL;
}

void
lpa_on_notification_sent (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    const char *problem = acknowledgement_problem (lpa, reply);
    if (problem) {
        lpa_check_event (lpa, "notification", current (lpa)->address, problem);
        address_failed (lpa);
        return;
    }
    op->delivered++;
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF30);
    rsp_tlv_put_int (out, 0x80, (gint64)current (lpa)->seq);
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_REMOVE_NOTIFICATION, RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, NULL,
              lpa_take (out));
}

void
lpa_on_notification_removed (RspLpa *lpa, const RspReply *reply)
{
    RspTlv response, status;
    guint64 n;
    /* 1, nothing to delete: as good as removed. */
    current (lpa)->done =
        !rsp_reply_problem (reply, lpa->function) && lpa_card_response (lpa, reply, &response) &&
        rsp_tlv_find (response.value, 0x80, &status) && lpa_integer (status.value, &n) && n <= 1;
    lpa->op->note++;
    next_note (lpa);
}

static void on_retry (gpointer data);

static void
pause_then_retry (RspLpa *lpa)
{
    gint64 pause = lpa->retry << MIN (lpa->retries, 20);
    lpa->retry_event = rsp_loop_after_background (
        lpa->actor->loop, MIN (pause, MAX (LONGEST_PAUSE, lpa->retry)), on_retry, lpa, NULL);
}

static void
on_retry (gpointer data)
{
    RspLpa *lpa = data;
    lpa->retry_event = 0;
    if (lpa->op) {
        pause_then_retry (lpa);
        return;
    }
    lpa->retries++;
    rsp_lpa_deliver_notifications (lpa, NULL, NULL);
}

void
lpa_schedule_retry (RspLpa *lpa, guint pending)
{
    if (pending == 0)
        lpa->retries = 0;
    else if (lpa->retry > 0 && !lpa->retry_event)
        pause_then_retry (lpa);
}
