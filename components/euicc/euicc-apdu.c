/* Command APDUs as over T=0: classes and channels, GET RESPONSE, STORE DATA chains, applications.
 */
#include "components/euicc/euicc-auth.h"
#include "components/euicc/euicc-internal.h"

#include <string.h>

static const guint8 isdr_aid[16] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                    0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00};
static const guint8 ecasd_aid[16] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x02, 0x00};

/* --- Reading a command --- */

static guint
parse_body (RspSlice apdu, RspEuiccCommand *c)
{
    if (apdu.len == 4)
        return 0x9000;
    guint p3 = apdu.data[4];
    if (apdu.len == 5) {
        c->has_le = TRUE;
        c->le = p3 ? p3 : 256;
        return 0x9000;
    }
    gsize rest = apdu.len - 5;
    if (p3 == 0 || (rest != p3 && rest != p3 + 1))
        return 0x6700;
    c->has_lc = TRUE;
    c->data = RSP_SLICE (apdu.data + 5, p3);
    if (rest == p3 + 1) {
        c->has_le = TRUE;
        c->le = apdu.data[5 + p3] ? apdu.data[5 + p3] : 256;
    }
    return 0x9000;
}

/* Class: 00–03, 80–83 for channels 0 to 3, 40–4F, C0–CF for 4 to 19; the rest is secure messaging
 * or no class at all. */
static guint
parse_class (RspEuiccCommand *c)
{
    switch (c->cla & 0x70) {
    case 0x00:
        if (c->cla & 0x0C)
            return 0x6882;
        c->channel = c->cla & 0x03;
        return 0x9000;
    case 0x40:
        c->channel = 4u + (c->cla & 0x0F);
        return 0x9000;
    case 0x60:
        return 0x6882;
    default:
        return 0x6E00;
    }
}

static gboolean
is_proprietary (const RspEuiccCommand *c)
{
    return c->cla & 0x80;
}

/* --- Applications --- */

static guint
put_fci (RspEuicc *card, const guint8 aid[16], gboolean isdr, GByteArray *out)
{
    static const guint8 largest[] = {0xFF};
    gsize fci = rsp_tlv_open (out, 0x6F);
    rsp_tlv_put (out, 0x84, RSP_SLICE (aid, 16));
    gsize data = rsp_tlv_open (out, 0xA5);
    rsp_tlv_put (out, 0x9F65, RSP_SLICE_ARRAY (largest));
    rsp_tlv_close (out, data);
    if (isdr) {
        gsize mark = rsp_tlv_open (out, 0xE0);
        rsp_tlv_put (out, 0x82, RSP_SLICE_ARRAY (card->svn));
        rsp_euicc_put_lpae_support (card, out);
        rsp_tlv_close (out, mark);
        rsp_euicc_put_ipae_support (card, out);
    }
    rsp_tlv_close (out, fci);
    return 0x9000;
}

static gboolean
names (RspSlice wanted, const guint8 aid[16])
{
    return wanted.len <= 16 && memcmp (wanted.data, aid, wanted.len) == 0;
}

static guint
select_by_aid (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    if (c->data.len < 5 || c->data.len > 16)
        return 0x6A80;
    if ((c->p2 & 0x1C) != 0x00 && (c->p2 & 0x1C) != 0x04 && (c->p2 & 0x1C) != 0x0C)
        return 0x6A86;
    gboolean isdr = names (c->data, isdr_aid);
    if (!isdr && !names (c->data, ecasd_aid))
        return rsp_euicc_select_adf (card, ch, c, out);
    rsp_euicc_leave_application (card, ch);
    ch->app = isdr ? RSP_APP_ISDR : RSP_APP_ECASD;
    if ((c->p2 & 0x1C) == 0x0C)
        return 0x9000;
    return put_fci (card, isdr ? isdr_aid : ecasd_aid, isdr, out);
}

static guint
do_select (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    return c->p1 == 0x04 ? select_by_aid (card, ch, c, out)
                         : rsp_euicc_select_file (card, ch, c, out);
}

/* ECASD: the EID. */
static guint
get_data (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    if (ch->app != RSP_APP_ECASD && ch->app != RSP_APP_ISDR)
        return 0x6985;
    if (c->p1 != 0x00 || c->p2 != 0x5A || ch->app != RSP_APP_ECASD)
        return 0x6A88;
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (card->eid_octets));
    return 0x9000;
}

/* --- Channels --- */

static guint
open_channel (RspEuicc *card, const RspEuiccChannel *from, const RspEuiccCommand *c,
              GByteArray *out)
{
    guint number = c->p2;
    if (number >= RSP_EUICC_CHANNELS || (number > 0 && rsp_euicc_is_open (card, number)))
        return 0x6A81;
    if (number == 0) {
        if (c->has_le && c->le != 1 && c->le != 256)
            return 0x6C01;
        for (number = 1; rsp_euicc_is_open (card, number);)
            number++;
        if (number == RSP_EUICC_CHANNELS)
            return 0x6A81;
        guint8 octet = (guint8)number;
        g_byte_array_append (out, &octet, 1);
    }
    RspEuiccChannel *ch = rsp_euicc_channel (card, number);
    ch->open = TRUE;
    /* From the basic channel it begins at the MF, from another one where that one stands. */
    if (from != card->channels[0]) {
        ch->app = from->app;
        ch->df = from->df;
        ch->ef = from->ef;
        ch->adf = from->adf;
    }
    return 0x9000;
}

static void
close_channel (RspEuicc *card, RspEuiccChannel *ch)
{
    rsp_euicc_leave_application (card, ch);
    g_clear_pointer (&ch->chain, g_byte_array_unref);
    g_clear_pointer (&ch->response, g_byte_array_unref);
    rsp_euicc_object_clear (&ch->object);
    *ch = (RspEuiccChannel){0};
}

static guint
manage_channel (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    if (c->data.len > 0)
        return 0x6700;
    if (c->p1 == 0x00)
        return open_channel (card, ch, c, out);
    if (c->p1 != 0x80 || c->p2 == 0)
        return 0x6A86;
    if (!rsp_euicc_is_open (card, c->p2))
        return 0x6881;
    close_channel (card, card->channels[c->p2]);
    return 0x9000;
}

/* --- STORE DATA --- */

static void
drop_chain (RspEuiccChannel *ch)
{
    g_clear_pointer (&ch->chain, g_byte_array_unref);
    ch->next_block = 0;
}

static guint
store_data (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    if (ch->app != RSP_APP_ISDR)
        return 0x6982;
    if (c->p1 != 0x11 && c->p1 != 0x91) {
        drop_chain (ch);
        return 0x6A86;
    }
    if (c->p2 == 0)
        drop_chain (ch); /* a new command may begin at any time */
    if (c->p2 != ch->next_block) {
        drop_chain (ch);
        return 0x6A86;
    }
    if (!ch->chain && c->p1 == 0x91)
        return rsp_euicc_es10 (card, c->data, out);
    if (!ch->chain)
        ch->chain = g_byte_array_new ();
    if (ch->chain->len + c->data.len > RSP_EUICC_CHAIN_MAX) {
        drop_chain (ch);
        return 0x6A84;
    }
    g_byte_array_append (ch->chain, c->data.data, (guint)c->data.len);
    ch->next_block++;
    if (c->p1 == 0x11)
        return 0x9000;
    g_autoptr (GByteArray) command = g_steal_pointer (&ch->chain);
    drop_chain (ch);
    return rsp_euicc_es10 (card, RSP_SLICE (command->data, command->len), out);
}

/* --- Dispatch --- */

enum { INTER = 1, OWN = 2 }; /* class octets: interindustry, proprietary */

static const struct {
    guint8 ins, classes;
    gboolean case2;
    RspEuiccApdu run;
} commands[] = {
    {0xB0, INTER, TRUE, rsp_euicc_read_binary},
    {0xB2, INTER, TRUE, rsp_euicc_read_record},
    {0xE2, OWN, FALSE, store_data},
    {0xA4, INTER, FALSE, do_select},
    {0x70, INTER, TRUE, manage_channel},
    {0xF2, OWN, TRUE, rsp_euicc_status},
    {0xD6, INTER, FALSE, rsp_euicc_update_binary},
    {0xDC, INTER, FALSE, rsp_euicc_update_record},
    {0xA2, INTER, FALSE, rsp_euicc_search_record},
    {0x32, OWN, FALSE, rsp_euicc_increase},
    {0x20, INTER, FALSE, rsp_euicc_verify_pin},
    {0x24, INTER, FALSE, rsp_euicc_change_pin},
    {0x26, INTER, FALSE, rsp_euicc_disable_pin},
    {0x28, INTER, FALSE, rsp_euicc_enable_pin},
    {0x2C, INTER, FALSE, rsp_euicc_unblock_pin},
    {0xCB, OWN, TRUE, rsp_euicc_retrieve_data},
    {0xDB, OWN, FALSE, rsp_euicc_set_data},
    {0x04, INTER, FALSE, rsp_euicc_deactivate_file},
    {0x44, INTER, FALSE, rsp_euicc_activate_file},
    {0xCA, INTER | OWN, TRUE, get_data},
    {0xAA, OWN, FALSE, rsp_euicc_terminal_capability},
    {0x10, OWN, FALSE, rsp_euicc_terminal_profile},
    {0x12, OWN, TRUE, rsp_euicc_fetch},
    {0x14, OWN, FALSE, rsp_euicc_terminal_response},
    {0xC2, OWN, FALSE, rsp_euicc_envelope},
    {0x88, INTER, FALSE, rsp_euicc_authenticate},
    {0x78, OWN, TRUE, rsp_euicc_get_identity},
};

static GBytes *
finish (RspEuicc *card, GByteArray *out, guint sw)
{
    if (sw == 0x9000 && rsp_euicc_proactive (card))
        sw = 0x9100 | rsp_euicc_proactive (card);
    guint8 trailer[2] = {(guint8)(sw >> 8), (guint8)sw};
    g_byte_array_append (out, trailer, sizeof trailer);
    return g_byte_array_free_to_bytes (out);
}

static GBytes *
get_response (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    if (!ch->response)
        return finish (card, out, 0x6F00);
    if (c->p1 != 0 || c->p2 != 0)
        return finish (card, out, 0x6A86);
    gsize left = ch->response->len - ch->sent;
    if (c->has_le && c->le > left)
        return finish (card, out, 0x6C00 | (guint)(left & 0xFF));
    gsize n = c->has_le ? c->le : MIN (left, 256);
    g_byte_array_append (out, ch->response->data + ch->sent, (guint)n);
    ch->sent += n;
    left -= n;
    if (left > 0)
        return finish (card, out, 0x6100 | (left < 256 ? (guint)left : 0));
    g_clear_pointer (&ch->response, g_byte_array_unref);
    return finish (card, out, ch->response_sw);
}

/* Data of a case-2 command goes out at once; that of any other waits for GET RESPONSE. */
static GBytes *
answer (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, gboolean case2,
        GByteArray *data, guint sw)
{
    if (data->len == 0 || (sw >> 8 != 0x90 && sw >> 8 != 0x62)) {
        g_byte_array_set_size (data, 0);
        return finish (card, data, sw);
    }
    if (case2 && data->len <= 256) {
        if (c->has_le && c->le > data->len && !(c->ins == 0x70))
            return finish (card, g_byte_array_set_size (data, 0), 0x6C00 | (data->len & 0xFF));
        if (!c->has_le || c->le >= data->len)
            return finish (card, data, sw);
    }
    ch->response = data;
    ch->response_sw = sw;
    GByteArray *out = g_byte_array_sized_new (260);
    guint at_once = case2 && c->has_le ? MIN (c->le, data->len) : 0;
    g_byte_array_append (out, data->data, at_once);
    ch->sent = at_once;
    guint left = data->len - at_once;
    return finish (card, out, 0x6100 | (left < 256 ? left : 0));
}

static GBytes *
run (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    gboolean known = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
        if (commands[i].ins != c->ins)
            continue;
        known = TRUE;
        if (!(commands[i].classes & (is_proprietary (c) ? OWN : INTER)))
            continue;
        guint sw = commands[i].run (card, ch, c, out);
        return answer (card, ch, c, commands[i].case2 && !c->has_lc, out, sw);
    }
    return finish (card, out, known ? 0x6E00 : 0x6D00);
}

static GBytes *
transmit (RspEuicc *card, RspSlice apdu)
{
    RspEuiccCommand c = {0};
    GByteArray *out = g_byte_array_sized_new (288);
    if (apdu.len < 4)
        return finish (card, out, 0x6700);
    c.cla = apdu.data[0];
    c.ins = apdu.data[1];
    c.p1 = apdu.data[2];
    c.p2 = apdu.data[3];
    guint sw = parse_class (&c);
    if (sw == 0x9000)
        sw = parse_body (apdu, &c);
    if (sw == 0x9000 && !rsp_euicc_is_open (card, c.channel))
        sw = 0x6881;
    if (sw != 0x9000)
        return finish (card, out, sw);
    RspEuiccChannel *ch = card->channels[c.channel];
    if (c.ins == 0xC0)
        return get_response (card, ch, &c, out);
    /* What waits is for the very next command only; so is a chain for its next block. */
    g_clear_pointer (&ch->response, g_byte_array_unref);
    if (c.ins != 0xE2)
        drop_chain (ch);
    if (c.ins != 0xCB && c.ins != 0xDB)
        rsp_euicc_object_clear (&ch->object);
    return run (card, ch, &c, out);
}

GBytes *
rsp_euicc_transmit (RspEuicc *card, RspSlice apdu)
{
    GBytes *response = transmit (card, apdu);
    rsp_euicc_tidy_channels (card);
    return response;
}
