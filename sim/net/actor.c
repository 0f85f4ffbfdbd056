#include "sim/net/actor.h"

RspRng *
rsp_actor_rng (const RspActor *actor, const char *purpose)
{
    if (actor->system_random)
        return rsp_rng_new_system ();
    return rsp_rng_new (actor->seed, actor->name, purpose, actor->incarnation);
}

gint64
rsp_actor_time (const RspActor *actor)
{
    gint64 us = rsp_loop_wall (actor->loop) + actor->clock_skew;
    return us / G_USEC_PER_SEC - (us % G_USEC_PER_SEC < 0);
}

static gboolean
may_commit (const RspActor *actor, GError **error)
{
    RspFaultAction action;
    const char *why = NULL;
    if (rsp_bus_crashed (actor->bus, actor->name))
        why = "crashed";
    else if (rsp_bus_point (actor->bus, actor->name, RSP_POINT_BEFORE_COMMIT, &action))
        why = rsp_fault_action_name (action);
    if (why)
        g_set_error_literal (error, RSP_STORE_ERROR, RSP_STORE_ERROR_IO, why);
    return why == NULL;
}

static gboolean
committed (const RspActor *actor)
{
    RspFaultAction action;
    rsp_bus_point (actor->bus, actor->name, RSP_POINT_AFTER_COMMIT, &action);
    return TRUE;
}

gboolean
rsp_actor_commit (const RspActor *actor, RspStore *store, GError **error)
{
    if (may_commit (actor, error))
        return rsp_store_commit (store, error) && committed (actor);
    rsp_store_rollback (store);
    return FALSE;
}

gboolean
rsp_actor_commit_memory (const RspActor *actor, RspNvm *memory, GError **error)
{
    if (may_commit (actor, error))
        return rsp_nvm_commit (memory, error) && committed (actor);
    rsp_nvm_rollback (memory);
    return FALSE;
}

static gboolean
traced (const RspActor *actor)
{
    return actor->trace && rsp_trace_active (actor->trace);
}

void
rsp_actor_crypto (const RspActor *actor, const char *op, const char *key, gboolean ok)
{
    rsp_actor_crypto_result (actor, op, key, ok ? "ok" : "failed");
}

void
rsp_actor_crypto_result (const RspActor *actor, const char *op, const char *key, const char *result)
{
    if (traced (actor))
        rsp_trace_event (actor->trace, &(RspTraceEvent){.kind = RSP_TRACE_CRYPTO,
                                                        .src = actor->name,
                                                        .op = op,
                                                        .key = key,
                                                        .result = result});
}

void
rsp_actor_state (const RspActor *actor, const char *object, const char *from, const char *to)
{
    if (traced (actor))
        rsp_trace_event (actor->trace, &(RspTraceEvent){.kind = RSP_TRACE_STATE,
                                                        .src = actor->name,
                                                        .state_object = object,
                                                        .state_from = from,
                                                        .state_to = to});
}

typedef struct {
    char *object;
    const char *from, *to;
} Change;

static void
change_free (gpointer data)
{
    Change *change = data;
    g_free (change->object);
    g_free (change);
}

GPtrArray *
rsp_changes_new (void)
{
    return g_ptr_array_new_with_free_func (change_free);
}

void
rsp_changes_note (GPtrArray *changes, const char *object, const char *from, const char *to)
{
    Change *change = g_new (Change, 1);
    *change = (Change){g_strdup (object), from, to};
    g_ptr_array_add (changes, change);
}

void
rsp_changes_tell (const RspActor *actor, GPtrArray *changes)
{
    for (guint i = 0; i < changes->len; i++) {
        const Change *change = g_ptr_array_index (changes, i);
        rsp_actor_state (actor, change->object, change->from, change->to);
    }
    g_ptr_array_set_size (changes, 0);
}
