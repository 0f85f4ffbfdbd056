/* Secured packets over the air: ENVELOPE (SMS-PP download) to the enabled profile's MNO-SD, with
 * its SCP80 keys. 3GPP TS 31.115, ETSI TS 102 225, 102 226. */
#include "components/euicc/euicc-internal.h"

#include <string.h>

#include "asn1/saip-ota.h"
#include "pki/scp80.h"

#define COUNTER_MAX ((G_GUINT64_CONSTANT (1) << 40) - 1)
#define CONCATENATED 0x00
#define COMMAND_PACKET 0x70

/* SPI1: cryptographic checksum, ciphering, counter higher than the last, or one higher (NEXT). */
enum { SPI_MAC = 0x02, SPI_CIPHER = 0x04, SPI_NEXT = 0x08, SPI_COUNTER = 0x10, SPI_KNOWN = 0x1F };
enum { POR_ALWAYS = 1, POR_ON_ERROR = 2 }; /* SPI2 */

/* --- the short message --- */

typedef struct {
    RspSlice text;
    guint8 reference, total, part; /* total 1: not concatenated */
    gboolean secured;              /* a command packet begins here */
} Message;

static gboolean
read_user_header (RspSlice header, Message *m)
{
    while (header.len >= 2 && header.data[1] + 2u <= header.len) {
        const guint8 *e = header.data;
        if (e[0] == CONCATENATED && e[1] == 3) {
            m->reference = e[2];
            m->total = e[3];
            m->part = e[4];
        }
        m->secured = m->secured || e[0] == COMMAND_PACKET;
        header = RSP_SLICE (e + 2 + e[1], header.len - 2 - e[1]);
    }
    return header.len == 0 && m->total >= 1 && m->part >= 1 && m->part <= m->total;
}

/* SMS-DELIVER with a user data header, 8 bit data. */
static gboolean
read_message (RspSlice tpdu, Message *m)
{
    const guint8 *p = tpdu.data;
    *m = (Message){.total = 1, .part = 1};
    if (tpdu.len < 3 || (p[0] & 0x43) != 0x40)
        return FALSE;
    gsize at = 3u + (p[1] + 1u) / 2 + 2 + 7; /* originator, PID, DCS, time */
    if (at + 2 > tpdu.len || p[at] != tpdu.len - at - 1 || p[at + 1] + 2u > p[at] + 1u)
        return FALSE;
    gsize header = p[at + 1];
    m->text = RSP_SLICE (p + at + 2 + header, tpdu.len - at - 2 - header);
    return read_user_header (RSP_SLICE (p + at + 2, header), m);
}

/* NULL: more is to come. Parts of another message end the one before. (transfer full) */
static GByteArray *
assemble (RspEuicc *card, const Message *m)
{
    if (!card->sms || card->sms->len != m->total || card->sms_reference != m->reference) {
        g_clear_pointer (&card->sms, g_ptr_array_unref);
        card->sms = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
        g_ptr_array_set_size (card->sms, m->total);
        card->sms_reference = m->reference;
    }
    g_clear_pointer ((GBytes **)&card->sms->pdata[m->part - 1], g_bytes_unref);
    card->sms->pdata[m->part - 1] = rsp_slice_to_bytes (m->text);
    for (guint i = 0; i < card->sms->len; i++)
        if (!card->sms->pdata[i])
            return NULL;
    GByteArray *packet = g_byte_array_new ();
    for (guint i = 0; i < card->sms->len; i++) {
        RspSlice s = rsp_slice_of (card->sms->pdata[i]);
        g_byte_array_append (packet, s.data, (guint)s.len);
    }
    g_clear_pointer (&card->sms, g_ptr_array_unref);
    return packet;
}

/* --- the packet --- */

static gboolean
counter_is_fresh (RspEuicc *card, const RspScp80Header *h, RspScp80Status *ret)
{
    guint64 last = 0;
    g_autofree char *name = g_strdup_printf ("ota/%u", h->kic >> 4);
    g_autoptr (GBytes) kept = rsp_euicc_kept (card, name);
    if (kept)
        rsp_read_number (rsp_slice_of (kept), &last);
    *ret = last == COUNTER_MAX                           ? RSP_SCP80_COUNTER_BLOCKED
           : h->counter <= last                          ? RSP_SCP80_COUNTER_LOW
           : h->spi1 & SPI_NEXT && h->counter > last + 1 ? RSP_SCP80_COUNTER_HIGH
                                                         : RSP_SCP80_OK;
    return *ret == RSP_SCP80_OK;
}

static gboolean
keep_counter (RspEuicc *card, guint8 version, guint64 counter)
{
    g_autofree char *name = g_strdup_printf ("ota/%u", version);
    guint8 octets[6] = {0};
    for (guint i = 0; i < 5; i++)
        octets[5 - i] = (guint8)(counter >> 8 * i);
    return rsp_euicc_keep (card, name, RSP_SLICE_ARRAY (octets));
}

/* OK gives the data; KEYS are those of the packet, *RET_KNOWN says whether it is trusted. */
static RspScp80Status
open_packet (RspEuicc *card, RspSlice packet, RspScp80Header *h, RspScp80Keys *keys,
             gboolean *ret_known, GBytes **ret_data)
{
    guint8 version = h->kic >> 4;
    RspSlice package = rsp_slice_of (rsp_euicc_enabled (card)->upp);
    *ret_known = FALSE;
    if (!rsp_saip_ota_tar (package, h->tar))
        return RSP_SCP80_TAR_UNKNOWN;
    if ((h->spi1 & SPI_KNOWN & ~SPI_NEXT) != (SPI_MAC | SPI_CIPHER | SPI_COUNTER))
        return RSP_SCP80_INSUFFICIENT;
    if (h->kid >> 4 != version || !rsp_saip_ota_keys (package, version, keys->kic, keys->kid))
        return RSP_SCP80_UNIDENTIFIED;
    RspScp80Status status = rsp_scp80_open (keys, packet, h, ret_data), low;
    rsp_actor_crypto (card->actor, "mac", "MNO-SD KID", status == RSP_SCP80_OK);
    *ret_known = status == RSP_SCP80_OK;
    if (status == RSP_SCP80_OK && !counter_is_fresh (card, h, &low))
        status = low;
    return status;
}

/* One whole secured packet; the response packet goes into OUT behind its header. */
static guint
receive (RspEuicc *card, RspSlice packet, GByteArray *out)
{
    static const guint8 response_packet[] = {0x02, 0x71, 0x00};
    RspScp80Header h;
    RspScp80Keys keys = {{0}, {0}};
    gboolean known = FALSE;
    guint8 additional[3] = {0};
    g_autoptr (GBytes) data = NULL;
    if (!rsp_euicc_enabled (card))
        return 0x6985;
    if (!rsp_scp80_header (packet, &h))
        return 0x6A80;
    RspScp80Status status = open_packet (card, packet, &h, &keys, &known, &data);
    if (status == RSP_SCP80_OK && !keep_counter (card, h.kic >> 4, h.counter)) {
        rsp_wipe (&keys, sizeof keys);
        return 0x6581;
    }
    if (status == RSP_SCP80_OK) {
        guint sw = rsp_euicc_es6 (card, rsp_slice_of (data), &additional[0]);
        additional[1] = (guint8)(sw >> 8);
        additional[2] = (guint8)sw;
    }
    guint wanted = h.spi2 & 0x03;
    if (wanted == POR_ALWAYS || (wanted == POR_ON_ERROR && status != RSP_SCP80_OK)) {
        g_autoptr (GBytes) response = rsp_scp80_response (
            known ? &keys : NULL, &h, (guint8)status,
            RSP_SLICE (additional, status == RSP_SCP80_OK ? sizeof additional : 0));
        RspSlice r = rsp_slice_of (response);
        g_byte_array_append (out, response_packet, sizeof response_packet);
        g_byte_array_append (out, r.data, (guint)r.len);
    }
    rsp_wipe (&keys, sizeof keys);
    return 0x9000;
}

guint
rsp_euicc_envelope (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    RspTlv download, message;
    Message m;
    if (c->p1 != 0 || c->p2 != 0)
        return 0x6A86;
    if (!rsp_tlv_single (c->data, 0xD1, &download))
        return 0x6A80;
    if (!rsp_tlv_find (download.value, 0x8B, &message) &&
        !rsp_tlv_find (download.value, 0x0B, &message))
        return 0x6A80;
    if (!read_message (message.value, &m) || (m.part == 1) != m.secured)
        return 0x6A80;
    g_autoptr (GByteArray) packet = assemble (card, &m);
    return packet ? receive (card, RSP_SLICE (packet->data, packet->len), out) : 0x9000;
}
