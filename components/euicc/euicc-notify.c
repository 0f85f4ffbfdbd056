/* Notifications (SGP.22 3.5, 5.7.9 to 5.7.11): one counter, signed when they arise, kept until the
 * LPA says that they were delivered. */
#include "components/euicc/euicc-iot.h"

void
rsp_euicc_put_notification_metadata (GByteArray *out, guint64 seq, guint32 event,
                                     const char *address, const guint8 *iccid)
{
    gsize mark = rsp_tlv_open (out, 0xBF2F);
    rsp_put_number (out, 0x80, seq);
    rsp_put_named_bits (out, 0x81, event);
    rsp_tlv_put_text (out, 0x0C, address);
    if (iccid)
        rsp_tlv_put (out, 0x5A, RSP_SLICE (iccid, 10));
    rsp_tlv_close (out, mark);
}

void
rsp_euicc_store_notification (RspEuicc *card, GByteArray *tlv)
{
    g_autoptr (GBytes) bytes = g_bytes_new (tlv->data, tlv->len);
    RspEuiccNotification *n = rsp_euicc_notification_new (bytes);
    g_return_if_fail (n && n->seq == card->next_seq);
    card->next_seq++;
    g_ptr_array_add (card->notifications, n);
    rsp_euicc_put_notification (card, n);
    if (card->notifications->len > RSP_EUICC_NOTIFICATIONS_MAX)
        rsp_euicc_drop_notification (card, 0);
    rsp_euicc_put_counters (card);
}

static void
notify_one (RspEuicc *card, const guint8 iccid[10], guint32 event, const char *address)
{
    g_autoptr (GByteArray) out = g_byte_array_sized_new (1536);
    g_autoptr (GByteArray) meta = g_byte_array_sized_new (128);
    rsp_euicc_put_notification_metadata (meta, card->next_seq, event, address, iccid);
    RspSlice tbs = RSP_SLICE (meta->data, meta->len);
    RspSlice cert = rsp_slice_of (rsp_cert_der (card->cert));
    RspSlice eum = rsp_slice_of (rsp_cert_der (card->eum_cert));
    gsize mark = rsp_tlv_open (out, 0x30);
    g_byte_array_append (out, tbs.data, (guint)tbs.len);
    rsp_euicc_sign (card, &tbs, 1, out);
    g_byte_array_append (out, cert.data, (guint)cert.len);
    g_byte_array_append (out, eum.data, (guint)eum.len);
    rsp_tlv_close (out, mark);
    rsp_euicc_store_notification (card, out);
}

void
rsp_euicc_notify (RspEuicc *card, const RspMetadata *metadata, const guint8 iccid[10],
                  guint32 event, const char *except)
{
    for (guint i = 0; metadata->notifications && i < metadata->notifications->len; i++) {
        const RspNotificationConfig *config =
            &g_array_index (metadata->notifications, RspNotificationConfig, i);
        if (config->events & event &&
            (!except || g_ascii_strcasecmp (config->address, except) != 0))
            notify_one (card, iccid, event, config->address);
    }
}

/* --- Commands --- */

guint
rsp_euicc_list_notification (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv filter;
    gboolean filtered;
    guint32 events = G_MAXUINT32;
    if (!rsp_take_optional (&body, 0x81, 1, 5, &filter, &filtered) ||
        (filtered && !rsp_read_bits (filter.value, &events)))
        return 0x6A80;
    gsize outer = rsp_tlv_open (out, 0xBF28), list = rsp_tlv_open (out, 0xA0);
    for (guint i = 0; i < card->notifications->len; i++) {
        const RspEuiccNotification *n = g_ptr_array_index (card->notifications, i);
        if (n->event & events)
            g_byte_array_append (out, n->metadata.data, (guint)n->metadata.len);
    }
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, outer);
    return 0x9000;
}

static gboolean
read_criteria (RspSlice body, guint64 *ret_seq, gboolean *ret_by_seq, guint32 *ret_events)
{
    RspTlv criteria, one;
    gboolean present;
    *ret_by_seq = FALSE;
    *ret_events = G_MAXUINT32;
    if (!rsp_take_optional (&body, 0xA0, 1, 16, &criteria, &present))
        return FALSE;
    if (!present)
        return TRUE;
    RspSlice rest = criteria.value;
    if (rsp_tlv_next (&rest, &one) != RSP_TLV_OK || rest.len > 0)
        return FALSE;
    if (one.tag == 0x81)
        return rsp_read_bits (one.value, ret_events);
    *ret_by_seq = TRUE;
    return one.tag == 0x80 && rsp_read_number (one.value, ret_seq);
}

/* SGP.32 5.9.11: euiccPackageResults. */
static gboolean
asks_for_results (RspSlice body)
{
    static const guint8 criteria[] = {0xA0, 0x02, 0x82, 0x00};
    return rsp_slice_equal (body, RSP_SLICE_ARRAY (criteria));
}

guint
rsp_euicc_retrieve_notifications (RspEuicc *card, RspSlice body, GByteArray *out)
{
    guint64 seq = 0;
    gboolean by_seq;
    guint32 events;
    if (card->iot && asks_for_results (body))
        return rsp_euicc_iot_list_results (card, FALSE, 0, out) ? 0x9000 : 0x6A80;
    if (!read_criteria (body, &seq, &by_seq, &events))
        return 0x6A80;
    if (by_seq && rsp_euicc_iot_list_results (card, TRUE, seq, out))
        return 0x9000;
    gsize outer = rsp_tlv_open (out, 0xBF2B), list = rsp_tlv_open (out, 0xA0);
    for (guint i = 0; i < card->notifications->len; i++) {
        const RspEuiccNotification *n = g_ptr_array_index (card->notifications, i);
        RspSlice tlv = rsp_slice_of (n->tlv);
        if (by_seq ? n->seq != seq : (n->event & events) == 0)
            continue;
        g_byte_array_append (out, tlv.data, (guint)tlv.len);
        if (tlv.data[0] == 0x30) /* as if signed when fetched: docs/links.md */
            rsp_euicc_work (card, RSP_WORK_SIGNATURE);
    }
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, outer);
    return 0x9000;
}

guint
rsp_euicc_remove_notification (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv number;
    guint64 seq;
    if (!rsp_take (&body, 0x80, 1, 9, &number) || !rsp_read_number (number.value, &seq))
        return 0x6A80;
    for (guint i = 0; i < card->notifications->len; i++) {
        const RspEuiccNotification *n = g_ptr_array_index (card->notifications, i);
        if (n->seq != seq)
            continue;
        rsp_euicc_begin (card);
        rsp_euicc_drop_notification (card, i);
        rsp_put_result (out, 0xBF30, rsp_euicc_commit (card) ? 0 : RSP_UNDEFINED_ERROR);
        return 0x9000;
    }
    guint8 result = 1;
    if (rsp_euicc_iot_has_result (card, seq)) {
        rsp_euicc_begin (card);
        rsp_euicc_iot_drop_result (card, seq);
        result = rsp_euicc_commit (card) ? 0 : RSP_UNDEFINED_ERROR;
    }
    rsp_put_result (out, 0xBF30, result);
    return 0x9000;
}
