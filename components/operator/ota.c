#include "components/operator/ota.h"

#include <string.h>

#include "asn1/saip-ota.h"
#include "pki/scp80.h"

#define BLOCK 200 /* octets a STORE DATA */

struct _RspOta {
    const RspActor *actor;
    GHashTable *transfers; /* of Transfer, owned */
};

typedef struct {
    RspOta *ota;
    guint64 event; /* of a failure before anything was sent */
    RspOtaFunc func;
    gpointer data;
    RspScp80Keys keys;
    RspScp80Header header;
    const char *failure; /* before anything was sent */
} Transfer;

static void
transfer_free (gpointer data)
{
    Transfer *t = data;
    rsp_loop_cancel (t->ota->actor->loop, t->event);
    rsp_wipe (&t->keys, sizeof t->keys);
    g_free (t);
}

static void
end (Transfer *t, const RspOtaReply *reply)
{
    t->func (reply, t->data);
    g_hash_table_remove (t->ota->transfers, t);
}

static void
end_early (gpointer data)
{
    Transfer *t = data;
    t->event = 0;
    end (t, &(RspOtaReply){.failure = t->failure});
}

static void
read_response (const Transfer *t, RspSlice body, RspOtaReply *ret)
{
    static const guint8 header[] = {0x02, 0x71, 0x00};
    guint8 status = 0;
    g_autoptr (GBytes) data = NULL;
    if (body.len < sizeof header || memcmp (body.data, header, sizeof header) != 0 ||
        !rsp_scp80_read_response (&t->keys, RSP_SLICE (body.data + 3, body.len - 3), &t->header,
                                  &status, &data) ||
        !rsp_scp80_status_name (status)) {
        ret->failure = "badResponse";
        return;
    }
    RspSlice additional = rsp_slice_of (data);
    ret->status = rsp_scp80_status_name (status);
    ret->secured = data != NULL;
    if (additional.len >= 3) {
        ret->executed = additional.data[0];
        ret->script_sw = (guint)additional.data[1] << 8 | additional.data[2];
    }
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    Transfer *t = data;
    RspOtaReply result = {.sw = reply->sw};
    if (reply->kind != RSP_REPLY_OK)
        result.failure = reply->kind == RSP_REPLY_TIMEOUT ? "timeout" : "link";
    else if (reply->sw >> 8 != 0x90 && reply->sw >> 8 != 0x91)
        result.failure = "statusWord";
    else
        read_response (t, rsp_slice_of (reply->body), &result);
    rsp_actor_crypto (t->ota->actor, "mac", "MNO-SD KID", result.secured);
    end (t, &result);
}

static void
put_command (GByteArray *out, guint8 ins, guint8 p1, guint8 p2, RspSlice data)
{
    const guint8 header[] = {0x80, ins, p1, p2, (guint8)data.len};
    g_byte_array_append (out, header, sizeof header);
    g_byte_array_append (out, data.data, (guint)data.len);
}

/* INSTALL [for personalization] of the profile's own ISD-P, STORE DATA block by block. */
static GByteArray *
script_of (RspSlice update)
{
    static const guint8 isdp[] = {0x00, 0x00, 0x10, 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                  0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x0F, 0x00, 0x00, 0x00, 0x00};
    GByteArray *out = g_byte_array_new ();
    put_command (out, 0xE6, 0x20, 0x00, RSP_SLICE_ARRAY (isdp));
    for (gsize at = 0, block = 0; at < update.len; block++) {
        gsize n = MIN (BLOCK, update.len - at);
        gboolean last = at + n == update.len;
        put_command (out, 0xE2, last ? 0x90 : 0x10, (guint8)block, RSP_SLICE (update.data + at, n));
        at += n;
    }
    return out;
}

void
rsp_ota_update_metadata (RspOta *ota, const RspOtaOrder *order, RspOtaFunc func, gpointer data)
{
    const RspActor *actor = ota->actor;
    Transfer *t = g_new0 (Transfer, 1);
    guint8 version = order->key_version;
    *t = (Transfer){.ota = ota, .func = func, .data = data};
    g_hash_table_add (ota->transfers, t);
    t->header = (RspScp80Header){.spi1 = RSP_SCP80_SPI1,
                                 .spi2 = RSP_SCP80_SPI2,
                                 .kic = (guint8)(version << 4 | 0x02),
                                 .kid = (guint8)(version << 4 | 0x02),
                                 .counter = order->counter};
    memcpy (t->header.tar, order->tar, sizeof t->header.tar);
    if (!rsp_saip_ota_keys (order->package, version, t->keys.kic, t->keys.kid)) {
        t->failure = "noKeys";
        t->event = rsp_loop_after (actor->loop, 0, end_early, t, NULL);
        return;
    }
    g_autoptr (GByteArray) script = script_of (rsp_slice_of (order->update));
    g_autoptr (GBytes) packet =
        rsp_scp80_command (&t->keys, &t->header, RSP_SLICE (script->data, script->len));
    rsp_bus_call (actor->bus, actor->name, order->card, rsp_function (RSP_FN_ES6_UPDATE_METADATA),
                  packet, NULL, on_reply, t);
}

RspOta *
rsp_ota_new (const RspActor *actor)
{
    RspOta *ota = g_new0 (RspOta, 1);
    ota->actor = actor;
    ota->transfers = g_hash_table_new_full (NULL, NULL, transfer_free, NULL);
    return ota;
}

void
rsp_ota_free (RspOta *ota)
{
    if (!ota)
        return;
    g_hash_table_destroy (ota->transfers);
    g_free (ota);
}
