/* What every actor is born with. Components keep a pointer; the world owns it and outlives them. */
#pragma once

#include "sim/core/nvm.h"
#include "sim/core/rng.h"
#include "sim/core/store.h"
#include "sim/net/bus.h"

typedef struct {
    const char *name;
    RspLoop *loop;
    RspBus *bus;
    RspTrace *trace; /* (nullable) */
    guint64 seed;
    guint64 incarnation;    /* durable, goes up at every restart before first use */
    gboolean system_random; /* `serve` without --seed */
    GPtrArray *crls;        /* of RspCrl: what it has fetched; (nullable) */
    gint64 clock_skew;      /* µs added to the wall clock by this actor */
} RspActor;

RspRng *rsp_actor_rng (const RspActor *actor, const char *purpose); /* (transfer full) */
gint64 rsp_actor_time (const RspActor *actor); /* Unix seconds by this actor's clock */

/* Commits what STORE has begun; faults at the points before and after it strike here. A crashed
 * actor commits nothing. On FALSE nothing is left of the transaction. */
gboolean rsp_actor_commit (const RspActor *actor, RspStore *store, GError **error);
/* The same for a device's memory. */
gboolean rsp_actor_commit_memory (const RspActor *actor, RspNvm *memory, GError **error);

/* Trace helpers. */
void rsp_actor_crypto (const RspActor *actor, const char *op, const char *key, gboolean ok);
void rsp_actor_crypto_result (const RspActor *actor, const char *op, const char *key,
                              const char *result);
void rsp_actor_state (const RspActor *actor, const char *object, const char *from, const char *to);
/* State changes of an open transaction: the trace hears of them once it is committed. FROM
 * (nullable) and TO last. Who rolls back empties the array. */
GPtrArray *rsp_changes_new (void);
void rsp_changes_note (GPtrArray *changes, const char *object, const char *from, const char *to);
void rsp_changes_tell (const RspActor *actor, GPtrArray *changes); /* and forgets them */
