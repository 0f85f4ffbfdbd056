#include "components/modem/modem-private.h"

#include <string.h>

#define ROUNDS_MAX 64

void
rsp_modem_card_clear (RspModem *modem)
{
    if (modem->answer)
        rsp_wipe (modem->answer->data, modem->answer->len);
    g_clear_pointer (&modem->answer, g_byte_array_unref);
    g_clear_pointer (&modem->command, g_byte_array_unref);
}

static void on_reply (const RspReply *reply, gpointer data);

static void
transmit (RspModem *modem)
{
    g_autoptr (GBytes) body = g_bytes_new (modem->command->data, modem->command->len);
    rsp_bus_call (modem->actor->bus, modem->actor->name, modem->card,
                  rsp_function (RSP_FN_APDU_TRANSMIT), body, NULL, on_reply, modem);
}

static void
finish (RspModem *modem, guint sw)
{
    g_autoptr (GByteArray) answer = g_steal_pointer (&modem->answer);
    g_clear_pointer (&modem->command, g_byte_array_unref);
    modem->on_card (modem, RSP_SLICE (answer->data, answer->len), sw);
    rsp_wipe (answer->data, answer->len);
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    RspModem *modem = data;
    RspSlice body = rsp_slice_of (reply->body);
    if (reply->kind != RSP_REPLY_OK || body.len < 2 || ++modem->rounds > ROUNDS_MAX) {
        finish (modem, 0);
        return;
    }
    guint sw = (guint)body.data[body.len - 2] << 8 | body.data[body.len - 1];
    g_byte_array_append (modem->answer, body.data, (guint)body.len - 2);
    guint8 more[5] = {0x00, 0xC0, 0, 0, (guint8)sw};
    if (sw >> 8 == 0x6C && modem->command->len >= 4)
        memcpy (more, modem->command->data, 4);
    else if (sw >> 8 != 0x61) {
        /* A proactive command that waits is another's business. */
        finish (modem, sw >> 8 == 0x91 ? 0x9000 : sw);
        return;
    }
    g_byte_array_set_size (modem->command, 0);
    g_byte_array_append (modem->command, more, sizeof more);
    transmit (modem);
}

void
rsp_modem_apdu (RspModem *modem, RspSlice command, RspModemCardFunc func)
{
    modem->on_card = func;
    modem->rounds = 0;
    modem->answer = g_byte_array_new ();
    modem->command = g_byte_array_new ();
    g_byte_array_append (modem->command, command.data, (guint)command.len);
    transmit (modem);
}
