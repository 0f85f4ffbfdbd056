/* Notifications (SGP.32 3.7): to the SM-DP+ by the device's own delivery, or to the eIM, which
 * passes them on. */
#include "components/ipa/ipa-private.h"

#include <string.h>

gboolean
ipa_seq_number (const RspTlv *tlv, guint64 *ret_seq)
{
    RspTlv data = *tlv, metadata, seq;
    if (tlv->tag == 0xBF37 && !rsp_tlv_find (tlv->value, 0xBF27, &data))
        return FALSE;
    if (!rsp_tlv_find (data.value, 0xBF2F, &metadata) ||
        !rsp_tlv_find (metadata.value, 0x80, &seq) || seq.value.len == 0 || seq.value.len > 8 ||
        seq.value.data[0] & 0x80)
        return FALSE;
    *ret_seq = 0;
    for (gsize i = 0; i < seq.value.len; i++)
        *ret_seq = *ret_seq << 8 | seq.value.data[i];
    return TRUE;
}

void
ipa_note_notifications (RspIpa *ipa, RspSlice list)
{
    RspTlv tlv;
    guint64 seq;
    if (ipa->config.notify == RSP_IPA_NOTIFY_EIM)
        return;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK)
        if (ipa_seq_number (&tlv, &seq))
            g_array_append_val (ipa->op->for_smdp, seq);
}

/* --- to the SM-DP+ --- */

static void
on_delivered (guint delivered, guint pending, gpointer data)
{
    RspIpa *ipa = data;
    g_autofree char *text = g_strdup_printf ("%u delivered, %u pending", delivered, pending);
    ipa_check_event (ipa, "notifications", NULL, text);
    ipa_finish (ipa);
}

void
ipa_deliver_and_finish (RspIpa *ipa)
{
    const RspIpaDownloader *d = &ipa->config.downloader;
    d->deliver (d->engine, on_delivered, ipa);
}

void
rsp_ipa_deliver_notifications (RspIpa *ipa, RspIpaFunc func, gpointer data)
{
    if (ipa_begin (ipa, "deliverNotifications", func, data))
        ipa_deliver_and_finish (ipa);
}

/* --- to the eIM --- */

static void next_notification (RspIpa *ipa);

static void
taken (RspIpa *ipa)
{
    ipa->op->notification++;
    next_notification (ipa);
}

/* What is not acknowledged stays on the card. */
static void
on_handled (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    const char *problem = ipa_problem (ipa, reply);
    GBytes *notification = g_ptr_array_index (op->notifications, op->notification);
    RspSlice in = rsp_slice_of (notification);
    RspTlv tlv;
    guint64 seq;
    if (problem) {
        ipa_note_failure (ipa, NULL, problem);
        op->reached = FALSE;
        op->after_sending (ipa);
        return;
    }
    op->delivered++;
    if (rsp_tlv_next (&in, &tlv) == RSP_TLV_OK && ipa_seq_number (&tlv, &seq))
        g_array_append_val (op->to_remove, seq);
    ipa_keep_acknowledged (ipa, op->to_remove);
    ipa_remove (ipa, taken);
}

static void
next_notification (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    if (op->notification >= op->notifications->len) {
        op->after_sending (ipa);
        return;
    }
    GBytes *notification = g_ptr_array_index (op->notifications, op->notification);
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF3D);
    rsp_tlv_put (out, 0xA0, rsp_slice_of (notification));
    rsp_tlv_close (out, mark);
    ipa_call (ipa, RSP_FN_ESIPA_HANDLE_NOTIFICATION, ipa_eim (ipa)->fqdn, ipa_take (out),
              on_handled);
}

static void
on_list (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    RspTlv response, list, tlv;
    g_clear_pointer (&op->notifications, g_ptr_array_unref);
    op->notifications = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    op->notification = 0;
    const char *problem = ipa_problem (ipa, reply);
    if (!problem && (!rsp_tlv_single (rsp_slice_of (reply->body), 0xBF2B, &response) ||
                     !rsp_tlv_find (response.value, 0xA0, &list)))
        problem = "badReply";
    if (problem)
        ipa_note_failure (ipa, NULL, problem);
    while (!problem && rsp_tlv_next (&list.value, &tlv) == RSP_TLV_OK)
        g_ptr_array_add (op->notifications, rsp_slice_to_bytes (tlv.whole));
    next_notification (ipa);
}

void
ipa_notify_eim (RspIpa *ipa, IpaNext next)
{
    ipa->op->after_sending = next;
    ipa_card_call (ipa, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, RSP_SLICE (NULL, 0), on_list);
}
