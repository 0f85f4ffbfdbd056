/* The bus: the only way from actor to actor. Tap, fault and delivery sit here, so they see every
 * transport alike.
 *
 * A call is (source, address, function, bytes) and gets one reply or one failure, never both,
 * always from the loop and never from inside rsp_bus_call. Stages of each leg: sent (tap) → faults
 * → wait (latency, delay) → carry over the transport → delivered (tap) → handler. The bus carries
 * one leg at a time, so that order never depends on a socket. The trace's cause is kept: events
 * during a handler are caused by the delivery that called it.
 *
 * ES10 calls go to an eUICC through its APDU link (apdu.h), which the bus drives itself.
 */
#pragma once

#include "asn1/functions.h"
#include "pki/crl.h"
#include "sim/core/loop.h"
#include "sim/net/fault.h"
#include "sim/net/link.h"
#include "sim/net/trace.h"

typedef struct _RspBus RspBus;
typedef struct _RspCall RspCall;

typedef enum {
    RSP_REPLY_OK,
    RSP_REPLY_TIMEOUT,    /* nothing came back in time */
    RSP_REPLY_LINK,       /* the link was cut */
    RSP_REPLY_UNRESOLVED, /* no such address */
    RSP_REPLY_TLS,        /* the peer's certificate was refused */
} RspReplyKind;

typedef struct {
    RspReplyKind kind;
    guint http;   /* HTTP functions: status code */
    guint sw;     /* ES10, APDU: status word */
    GBytes *body; /* never NULL; may be empty */
} RspReply;

/* NULL (all is well), "timeout", "link", "unresolved", "tls". */
const char *rsp_reply_name (RspReplyKind kind);
/* What is wrong with a reply as a whole: its kind, "http" (not 2xx), "statusWord"; NULL: nothing.
 */
const char *rsp_reply_problem (const RspReply *reply, const RspFunction *function);

typedef void (*RspReplyFunc) (const RspReply *reply, gpointer data);
typedef void (*RspServeFunc) (RspCall *call, gpointer data);

/* A client certificate that is taken for itself, whatever it chains to, and whose it is. */
typedef struct {
    GBytes *der;
    const char *name; /* the caller of ES2+ */
} RspKnownClient;

/* What an endpoint shows at TLS. */
typedef struct {
    RspCert *cert;      /* (nullable) */
    RspKey *key;        /* borrowed for the bus's life */
    GPtrArray *roots;   /* of RspCert: what it trusts (nullable: checks nothing) */
    GPtrArray *clients; /* of RspKnownClient (nullable) */
    GPtrArray *crls;    /* of RspCrl: what it has fetched (nullable) */
    gint64 clock_skew;  /* µs added to the wall clock when it checks dates */
} RspCredential;

/* How legs get across. Memory: rsp_transport_memory. HTTPS: https.h. */
typedef struct _RspTransport RspTransport;

RspBus *rsp_bus_new (RspLoop *loop, RspTrace *trace, RspFaults *faults); /* borrows all three */
void rsp_bus_free (RspBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspBus, rsp_bus_free)
void rsp_bus_set_transport (RspBus *bus, RspTransport *transport); /* borrowed; NULL: memory */
/* One-way latency in µs of HTTP legs, of APDUs, of NAS messages. Defaults: 20 ms, 1 ms, 50 ms. */
void rsp_bus_set_latency (RspBus *bus, gint64 http, gint64 apdu, gint64 radio);
/* HTTP calls of DEVICE go over LINK (borrowed; NULL: as fast as latency says); without a bearer
 * they fail with RSP_REPLY_LINK. */
void rsp_bus_set_link (RspBus *bus, const char *device, RspLink *link);
/* CARD delays its answers itself: no latency of APDUs to it, and its ES10 calls may take minutes.
 */
void rsp_bus_set_timed (RspBus *bus, const char *card);
RspTrace *rsp_bus_trace (RspBus *bus);

/* NAME is the actor's name. SERVE answers every function addressed to it. */
void rsp_bus_attach (RspBus *bus, const char *name, RspServeFunc serve, gpointer data);
/* The actor is gone (crashed, freed). Who waits for its answer gets RSP_REPLY_LINK, as who calls it
 * from now on; its own calls are forgotten: their continuations never run. */
void rsp_bus_detach (RspBus *bus, const char *name);
/* NAME, attached, is a card: FUNC, with the data of its service, makes it lose its power. */
void rsp_bus_set_power_loss (RspBus *bus, const char *name, void (*func) (gpointer data));
/* FUNC brings ACTOR, which a fault has just killed (it is detached as above, and calls nobody any
 * more), back to life after DOWN µs, from the loop. FALSE: it cannot, and ACTOR lives on. */
typedef gboolean (*RspCrashFunc) (const char *actor, gint64 down, gpointer data);
void rsp_bus_set_crash (RspBus *bus, RspCrashFunc func, gpointer data);
gboolean rsp_bus_crashed (RspBus *bus, const char *actor);
/* ACTOR is at POINT. TRUE: a fault strikes it there, and *RET_ACTION is to happen to it. */
gboolean rsp_bus_point (RspBus *bus, const char *actor, RspFaultPoint point,
                        RspFaultAction *ret_action);
/* The terminal's side of the link to CARD (apdu.h): SERVE gets the ES10 calls addressed to CARD;
 * the card itself, attached as above, gets APDU.Transmit. */
void rsp_bus_attach_card (RspBus *bus, const char *card, RspServeFunc serve, gpointer data);
void rsp_bus_detach_card (RspBus *bus, const char *card);
/* FQDN (no case, an optional :port is part of it) → actor. */
void rsp_bus_add_address (RspBus *bus, const char *fqdn, const char *name);
/* HTTP calls to addresses that nobody has go to actor NAME (gateway.h); NULL: they are unresolved.
 */
void rsp_bus_set_gateway (RspBus *bus, const char *name);
/* Which interfaces NAME offers: a set of 1u << RSP_IF_…. Functions that share a path (ES9+ and
 * ES11, ES12 and ES15) become the one that the called server offers. Not told: whatever is called.
 */
void rsp_bus_set_interfaces (RspBus *bus, const char *name, guint interfaces);
const char *rsp_bus_resolve (RspBus *bus, const char *fqdn); /* actor name, or NULL */
/* Copies CREDENTIAL (references to certificate and roots). An endpoint that has none,
 * or one of a mere client (no role and no dNSName), is reached without TLS. */
void rsp_bus_set_credential (RspBus *bus, const char *name, const RspCredential *credential);

typedef struct {
    gint64 timeout;             /* µs; 0: the default, 30 s */
    const char *transaction_id; /* for the trace; NULL if none */
    gboolean asn1;              /* HTTP functions: BODY is of the ASN.1 binding, not JSON */
    const RspOutcome *outcome;  /* unused in requests */
} RspCallOptions;

/* ADDRESS: an FQDN for HTTP functions (ES2+ also an actor's name: operators have no FQDN), an
 * actor's name otherwise. */
void rsp_bus_call (RspBus *bus, const char *src, const char *address, const RspFunction *fn,
                   GBytes *body, const RspCallOptions *options, RspReplyFunc func, gpointer data);

/* The served side. A call stays good until it is answered. */
const RspFunction *rsp_call_function (const RspCall *call);
const char *rsp_call_src (const RspCall *call); /* the calling actor's name */
GBytes *rsp_call_body (const RspCall *call);    /* (transfer none) */
/* HTTP functions: RSP_ENC_JSON or RSP_ENC_DER, the binding of the request and of its answer. */
RspEncoding rsp_call_encoding (const RspCall *call);
const char *rsp_call_address (const RspCall *call); /* as the caller wrote it */
/* Who called, as proved: for ES2+, ES12 and ES15 the subject CN of the TLS client certificate (or
 * the actor's name where the world gives it none); NULL for an anonymous client. */
const char *rsp_call_client (const RspCall *call);
/* The certificate that proves it; NULL if none did. (transfer none) */
const RspCert *rsp_call_client_cert (const RspCall *call);
void rsp_call_set_transaction_id (RspCall *call, const char *id); /* for the reply's trace line */
/* Answers and frees the call. OUTCOME says http or sw (and, for the trace, the code). BODY may be
 * NULL for empty. */
void rsp_call_reply (RspCall *call, const RspOutcome *outcome, GBytes *body);
/* Lets go without an answer: the caller times out. */
void rsp_call_abandon (RspCall *call);
/* Ends the call with a failure (TIMEOUT or LINK) in place of an answer: an APDU of it was lost. */
void rsp_call_fail (RspCall *call, RspReplyKind kind);

/* A call from outside the process (serve) or by a `send:` step: SRC need not be attached. */
#define rsp_bus_inject rsp_bus_call

/* ES8+: the card tells what it opened; the trace shows it as the delivered ES8+ message that the
 * current segment carries, with PLAIN (empty if it could not be opened). */
void rsp_bus_opened (RspBus *bus, const char *card, const RspFunction *fn, RspSlice plain,
                     const RspOutcome *outcome);

/* ESep: what the card has done of the eUICC package that it is being given (FN: one PSMO or eCO;
 * REQUEST and RESULT: their TLVs). The trace shows it as a message of the eIM's and its answer, in
 * the ES10b.LoadEuiccPackage that carries both. */
void rsp_bus_esep (RspBus *bus, const char *card, const RspFunction *fn, RspSlice request,
                   RspSlice result);

/* ES8+ rides in CARRIER, an ES10b.LoadBoundProfilePackage that is being served. The link tells of
 * each segment before it goes out: the tap shows the ES8+ request FN as sent, faults on FN apply,
 * and FUNC, always from the loop, gets what to send: KIND OK and COPIES (1; more when duplicated; 0
 * when dropped; RSP_NESTED_HELD when it is held back) of SEGMENT, or KIND LINK when the link was
 * cut. rsp_bus_opened above is the delivery. rsp_bus_nested_done says that the card has answered
 * the segment; it gives what a replay sends behind it. rsp_bus_nested_release gives what was held
 * back, once something else has gone by or nothing more is to go. (transfer full) (nullable) */
#define RSP_NESTED_HELD G_MAXUINT
typedef void (*RspNestedFunc) (RspReplyKind kind, GBytes *segment, guint copies, gpointer data);
void rsp_bus_nested_sent (RspBus *bus, RspCall *carrier, const RspFunction *fn, GBytes *segment,
                          RspNestedFunc func, gpointer data);
GBytes *rsp_bus_nested_done (RspBus *bus, RspCall *carrier, const RspOutcome *outcome);
GBytes *rsp_bus_nested_release (RspBus *bus, RspCall *carrier);

/* Calls in flight, and whether everything has come to rest. */
guint rsp_bus_in_flight (const RspBus *bus);
