#include "sim/net/link.h"

#include <string.h>

#define HEADERS_REQUEST 320  /* HTTP request line and headers */
#define HEADERS_RESPONSE 180 /* status line and headers */
#define RECORD 29            /* TLS record: header, content type, tag */
#define RECORD_MAX 16384
#define PACKET 1400           /* octets of a packet's payload */
#define PACKET_HEAD 40        /* IPv4 and TCP */
#define HANDSHAKE_CLIENT 640  /* ClientHello, Finished */
#define HANDSHAKE_SERVER 1500 /* ServerHello, a P-256 chain of two certificates, Finished */
#define HANDSHAKE_TRIPS 2     /* TCP, TLS 1.3 */
#define TIMEOUT_MIN G_USEC_PER_SEC
#define TRIES_MAX 16

const RspLinkModel rsp_link_presets[] = {
    {.name = "nb-iot", .latency = 800000, .up = 62500, .down = 25500, .loss = 0.01},
    {.name = "lte-m", .latency = 60000, .up = 375000, .down = 300000, .loss = 0.005},
    {.name = "lte", .latency = 25000, .up = 5160000, .down = 10296000, .loss = 0.001},
    {NULL},
};

const RspLinkModel *
rsp_link_preset (const char *name)
{
    for (const RspLinkModel *m = rsp_link_presets; m->name; m++)
        if (strcmp (m->name, name) == 0)
            return m;
    return NULL;
}

const char *
rsp_bearer_name (RspBearer bearer)
{
    static const char *const names[] = {"none", "wifi", "cellular"};
    return names[bearer];
}

struct _RspLink {
    RspLinkModel model;
    RspRng *rng;
    RspBearer bearer;
    RspLinkUse use;
};

RspLink *
rsp_link_new (const RspLinkModel *model, RspRng *rng)
{
    RspLink *link = g_new0 (RspLink, 1);
    link->model = *model;
    link->rng = rng;
    link->bearer = RSP_BEARER_CELLULAR;
    return link;
}

void
rsp_link_free (RspLink *link)
{
    if (!link)
        return;
    rsp_rng_free (link->rng);
    g_free (link);
}

const RspLinkModel *
rsp_link_model (const RspLink *link)
{
    return &link->model;
}

void
rsp_link_set_bearer (RspLink *link, RspBearer bearer)
{
    link->bearer = bearer;
}

RspBearer
rsp_link_bearer (const RspLink *link)
{
    return link->bearer;
}

const RspLinkUse *
rsp_link_use (const RspLink *link)
{
    return &link->use;
}

gboolean
rsp_link_takes (const RspLink *link, gsize octets)
{
    return link->bearer != RSP_BEARER_CELLULAR || !link->model.message_limit ||
           octets <= link->model.message_limit;
}

/* --- One message --- */

/* Octets on the air at the link's rate. */
static gint64
transmit (RspLink *link, gboolean up, gsize octets)
{
    gint64 rate = up ? link->model.up : link->model.down;
    gint64 time = rate ? (gint64)octets * 8 * G_USEC_PER_SEC / rate : 0;
    *(up ? &link->use.up : &link->use.down) += octets;
    link->use.airtime += time;
    return time;
}

static gboolean
is_lost (RspLink *link)
{
    if (link->model.loss <= 0)
        return FALSE;
    return rsp_rng_below (link->rng, 1000000) < (guint32)(link->model.loss * 1000000);
}

/* Sends OCTETS in packets, one behind the other. What is lost goes again once the sender has waited
 * (RFC 6298: twice the round trip, at least a second). */
static gint64
send (RspLink *link, gboolean up, gsize octets)
{
    gint64 time = 0, timeout = MAX (TIMEOUT_MIN, 4 * link->model.latency);
    for (gsize at = 0; at == 0 || at < octets; at += PACKET) {
        gsize packet = MIN (octets - at, PACKET) + PACKET_HEAD;
        time += transmit (link, up, packet);
        link->use.packets++;
        for (guint tries = 1; tries < TRIES_MAX && is_lost (link); tries++) {
            link->use.lost++;
            time += timeout + transmit (link, up, packet);
        }
    }
    return time;
}

gint64
rsp_link_carry (RspLink *link, gboolean up, gboolean request, gsize octets, gboolean connects)
{
    if (link->bearer != RSP_BEARER_CELLULAR)
        return 0;
    gsize records = 1 + octets / RECORD_MAX;
    gint64 time = link->model.latency;
    if (connects)
        time += HANDSHAKE_TRIPS * 2 * link->model.latency + send (link, up, HANDSHAKE_CLIENT) +
                send (link, !up, HANDSHAKE_SERVER);
    link->use.messages++;
    return time + send (link, up,
                        octets + records * RECORD + (request ? HEADERS_REQUEST : HEADERS_RESPONSE));
}
