/* Inside of the bus, shared by its own files and the transports alone. */
#pragma once

#include "pki/chain.h"
#include "sim/net/transport.h"

/* An actor as the bus knows it. Entries stay for the bus's life, so calls may point at them. */
typedef struct {
    const char *name; /* interned */
    RspServeFunc serve, card_serve;
    gpointer data, card_data;
    void (*power_loss) (gpointer data); /* of a card, with DATA */
    gboolean known;                     /* was attached at some time, or has an address */
    RspLink *link;                      /* of a device, borrowed; NULL: not modelled */
    gboolean crashed;                   /* by a fault, until it is attached again */
    gboolean timed;                     /* a card that takes its own time */
    RspCredential credential;
    gboolean has_credential;
    guint interfaces;         /* 1u << RSP_IF_…; 0: not told */
    guint credential_version; /* goes up with every change, so that a transport sees it */
} RspEndpoint;

typedef enum { LEG_IDLE, LEG_GOES, LEG_CUT, LEG_FAILS, LEG_ECHO } RspLegFate;

/* One leg on its way. */
typedef struct {
    RspCall *call;
    RspLeg leg;
    RspLegFate fate;
    RspReplyKind failure; /* of LEG_FAILS */
    guint64 sent_seq, xid;
    guint64 event; /* in the loop while it waits */
    GBytes *body;
    guint http, sw;
    char *subject, *reason, *error;
    const RspFault *fault;
    gboolean changed;
} RspTransit;

struct _RspCall {
    guint refs;
    RspBus *bus;
    RspCall *prev, *next; /* all live calls */
    const RspFunction *fn;
    RspEncoding encoding;
    const char *src;     /* interned */
    RspEndpoint *caller; /* NULL: no such endpoint */
    RspEndpoint *dst;    /* NULL: unresolved */
    char *address;
    char *client; /* proved identity; NULL: anonymous */
    RspCert *client_cert;
    char *transaction_id, *reply_transaction_id;
    RspReplyFunc func;
    gpointer data;
    guint64 xid;
    guint64 timeout_event;
    guint64 nth, ordinal; /* among the calls of this function, and of all */
    RspTransit request, response;
    RspTlsCheck tls;
    gpointer exchange;         /* the transport's */
    RspNestedFunc nested_func; /* of an ES8+ message */
    guint copies;              /* of it, to be sent */
    gboolean held_back;        /* it goes behind the next one */
    GBytes *replay;            /* what goes behind it (nullable) */
    const char *on_behalf;     /* whose ES10 call carries it */
    gboolean awaiting;         /* the caller still waits */
    gboolean served;           /* the server has it and has not answered */
    gboolean ghost;            /* a duplicate or replay: its answer goes nowhere */
    gboolean orphan;           /* the caller has crashed */
    gboolean client_given;     /* CLIENT was proved by a door */
};

struct _RspBus {
    RspLoop *loop;
    RspTrace *trace;
    RspFaults *faults;
    RspTransport *transport;
    GHashTable *endpoints;   /* name → RspEndpoint */
    GHashTable *addresses;   /* FQDN without case → RspEndpoint */
    GHashTable *connections; /* open TLS connections (bus-tls.c) */
    GHashTable *packages;    /* interned LPA name → where its last package came from */
    GHashTable *eims;        /* interned IPA name → interned name of whose package it had last */
    GHashTable *nested_held; /* the same, of those held back */
    GHashTable *nested;      /* card's RspEndpoint → ES8+ message under way (bus-nested.c) */
    RspCrashFunc crash;
    gpointer crash_data;
    const char *gateway; /* interned name of who takes HTTP calls to unknown addresses */
    gint64 latency_http, latency_apdu, latency_radio;
    guint64 next_xid, calls;
    guint64 counts[RSP_FN_COUNT];
    RspCall *live;
    guint in_flight;
    RspTransit *carrying;
    GQueue queue;      /* of RspTransit, due while another is carried */
    GPtrArray *held;   /* of RspTransit, waiting for the next message on their link */
    GPtrArray *copies; /* of RspTransit, to be scheduled behind the leg being sent */
    GBytes *empty;
};

RspEndpoint *rsp_bus_endpoint (RspBus *bus, const char *name, gboolean make);
guint64 rsp_bus_cause (const RspBus *bus);
/* Calls back with CAUSE set, and puts the former cause back. */
guint64 rsp_bus_enter (RspBus *bus, guint64 cause);
void rsp_bus_leave (RspBus *bus, guint64 before);
gboolean rsp_bus_traced (const RspBus *bus);
/* Who is called, as the trace names it: outside, whose address it is. */
const char *rsp_bus_callee (const RspCall *call);
guint64 rsp_bus_trace_transit (RspBus *bus, const RspTransit *transit, RspStage stage,
                               const char *error);

/* bus-call.c */
RspCall *rsp_bus_call_new (RspBus *bus, const RspFunction *fn, const char *src,
                           const char *address);
void rsp_bus_call_unref (RspCall *call);
/* The caller waits no more. */
void rsp_bus_call_settle (RspCall *call);
void rsp_bus_copy (const RspTransit *transit, GBytes *body, const RspFault *fault,
                   gboolean changed);

/* bus-carry.c */
void rsp_bus_send (RspTransit *transit);
void rsp_bus_schedule (RspTransit *transit, gint64 delay);
void rsp_bus_carry_queued (RspBus *bus);
void rsp_bus_call_fails (RspCall *call, RspReplyKind kind, guint64 cause);
/* KIND in place of an answer, after the time that an answer takes. */
void rsp_bus_fail_later (RspCall *call, RspReplyKind kind);

/* bus-fault.c: what the declared faults do to a leg that has just been sent. FALSE: it is lost. */
gboolean rsp_bus_apply_faults (RspTransit *transit, gint64 *delay);
/* Sends off what waited for TRANSIT's link. */
void rsp_bus_release_held (RspBus *bus, const RspTransit *passed);
/* Keeps what later faults need of a leg as delivered. */
void rsp_bus_observe (const RspTransit *transit);

/* bus-tls.c */
void rsp_bus_tls_begin (RspCall *call);
/* For each message on a modelled link: whether, if it is a request, a handshake goes before it.
 * After a minute without use one does; the certificates are not checked again. */
gboolean rsp_bus_tls_shakes (const RspCall *call);
gboolean rsp_bus_tls_conclude (RspCall *call);
void rsp_bus_tls_close (RspCall *call);
void rsp_bus_tls_forget (RspBus *bus, const RspEndpoint *endpoint);
GHashTable *rsp_bus_tls_table (void);

/* bus-nested.c */
void rsp_bus_nested_package (RspCall *call);
/* Remembers whose eIM package CALL has brought. */
void rsp_bus_nested_eim (const RspCall *call);
void rsp_bus_nested_carry (RspCall *call);
/* CARRIER NULL: whatever rides to CARD. */
void rsp_bus_nested_forget (RspBus *bus, const RspEndpoint *card, const RspCall *carrier);
GHashTable *rsp_bus_nested_packages (void);
GHashTable *rsp_bus_nested_table (void);
