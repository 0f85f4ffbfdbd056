#include "sim/net/apdu-sms.h"

#include "asn1/tlv.h"

#define USER_DATA 140
#define MOST_PARTS 255

/* TP-MTI DELIVER, no more messages, with a header; from 1234; SIM data download; a fixed time. */
static const guint8 deliver[] = {0x44, 0x04, 0x81, 0x21, 0x43, 0x7F, 0xF6,
                                 0x52, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00};

static void
put_header (GByteArray *out, guint8 reference, gsize total, gsize part)
{
    const guint8 command_packet[] = {0x70, 0x00};
    const guint8 concatenated[] = {0x00, 0x03, reference, (guint8)total, (guint8)part};
    guint8 length = (guint8)((part == 1 ? 2 : 0) + (total > 1 ? sizeof concatenated : 0));
    g_byte_array_append (out, &length, 1);
    if (total > 1)
        g_byte_array_append (out, concatenated, sizeof concatenated);
    if (part == 1)
        g_byte_array_append (out, command_packet, sizeof command_packet);
}

static GBytes *
envelope (guint8 reference, gsize total, gsize part, RspSlice text)
{
    static const guint8 devices[] = {0x83, 0x81}, center[] = {0x91, 0x21, 0x43, 0x65};
    g_autoptr (GByteArray) user_data = g_byte_array_new ();
    put_header (user_data, reference, total, part);
    g_byte_array_append (user_data, text.data, (guint)text.len);
    g_autoptr (GByteArray) tpdu = g_byte_array_new ();
    guint8 length = (guint8)user_data->len;
    g_byte_array_append (tpdu, deliver, sizeof deliver);
    g_byte_array_append (tpdu, &length, 1);
    g_byte_array_append (tpdu, user_data->data, user_data->len);
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xD1);
    rsp_tlv_put (out, 0x82, RSP_SLICE_ARRAY (devices));
    rsp_tlv_put (out, 0x86, RSP_SLICE_ARRAY (center));
    rsp_tlv_put (out, 0x8B, RSP_SLICE (tpdu->data, tpdu->len));
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

GPtrArray *
rsp_sms_envelopes (RspSlice packet)
{
    enum { ALONE = USER_DATA - 3, FIRST = USER_DATA - 8, LATER = USER_DATA - 6 };
    gsize rest = packet.len > FIRST ? packet.len - FIRST : 0;
    gsize total = packet.len <= ALONE ? 1 : 1 + (rest + LATER - 1) / LATER;
    if (packet.len == 0 || total > MOST_PARTS)
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    guint8 reference = packet.data[packet.len - 1];
    gsize at = 0;
    for (gsize part = 1; part <= total; part++) {
        gsize room = total == 1 ? ALONE : part == 1 ? FIRST : LATER;
        gsize n = MIN (room, packet.len - at);
        g_ptr_array_add (list, envelope (reference, total, part, RSP_SLICE (packet.data + at, n)));
        at += n;
    }
    return list;
}
