/* The link of a device to the internet: whether it is there, and how long messages take on it.
 *
 * A message costs its octets with HTTP, TLS and TCP/IP around them at the link's rate, the latency,
 * and for each lost packet a retransmission. A new connection costs the handshakes of TCP and TLS
 * 1.3. Rates are bits a second, times µs of virtual time.
 */
#pragma once

#include "sim/core/rng.h"

typedef struct {
    const char *name;
    gint64 latency;      /* one way */
    gint64 up, down;     /* rates; 0: without limit */
    double loss;         /* of packets, 0 to 0.5 */
    guint message_limit; /* octets of a body; 0: none. Longer ones are not carried */
} RspLinkModel;

/* Presets, ended by a NULL name; docs/links.md names their sources. */
extern const RspLinkModel rsp_link_presets[];
const RspLinkModel *rsp_link_preset (const char *name); /* NULL if unknown */

typedef enum {
    RSP_BEARER_NONE,
    RSP_BEARER_WIFI, /* carries at once, and counts nothing */
    RSP_BEARER_CELLULAR,
} RspBearer;
const char *rsp_bearer_name (RspBearer bearer); /* "none", "wifi", "cellular" */

/* On the cellular bearer, overhead included. */
typedef struct {
    guint64 up, down; /* octets */
    guint64 messages, packets, lost;
    gint64 airtime; /* sending or receiving */
} RspLinkUse;

typedef struct _RspLink RspLink;

/* Copies MODEL; takes RNG, from which losses are drawn. The bearer is cellular at first. */
RspLink *rsp_link_new (const RspLinkModel *model, RspRng *rng);
void rsp_link_free (RspLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspLink, rsp_link_free)
const RspLinkModel *rsp_link_model (const RspLink *link);
void rsp_link_set_bearer (RspLink *link, RspBearer bearer);
RspBearer rsp_link_bearer (const RspLink *link);
const RspLinkUse *rsp_link_use (const RspLink *link);

/* Whether a body of OCTETS can be carried at all. */
gboolean rsp_link_takes (const RspLink *link, gsize octets);
/* The time that an HTTP message takes, and counts it. UP: from the device, which asks as a rule and
 * is asked where a package is brought to it. CONNECTS: the REQUEST opens a connection. */
gint64 rsp_link_carry (RspLink *link, gboolean up, gboolean request, gsize octets,
                       gboolean connects);
