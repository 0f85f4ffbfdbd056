#include "sim/net/bus-private.h"

#define HOLD_LIMIT (30 * G_USEC_PER_SEC)

static RspFaultMessage
describe (const RspTransit *transit)
{
    const RspCall *call = transit->call;
    gboolean request = transit->leg == RSP_LEG_REQUEST;
    return (RspFaultMessage){
        .function = call->fn,
        .encoding = call->encoding,
        .leg = transit->leg,
        .src = request ? call->src : rsp_bus_callee (call),
        .dst = request ? rsp_bus_callee (call) : call->src,
        .client = call->on_behalf ? call->on_behalf : call->src,
        .nth = call->nth,
        .ordinal = call->ordinal,
        .request = rsp_slice_of (call->request.body),
    };
}

static void
trace_firing (RspBus *bus, const RspFault *fault, const RspTransit *transit, const char *result)
{
    if (!rsp_bus_traced (bus))
        return;
    RspFaultMessage message = describe (transit);
    guint64 before = rsp_bus_enter (bus, transit->sent_seq);
    rsp_trace_event (bus->trace,
                     &(RspTraceEvent){.kind = RSP_TRACE_FAULT,
                                      .function = message.function,
                                      .src = message.src,
                                      .dst = message.dst,
                                      .leg = message.leg,
                                      .xid = transit->xid,
                                      .fault_name = fault->name,
                                      .fault_action = rsp_fault_action_name (fault->action),
                                      .result = result});
    rsp_bus_leave (bus, before);
}

static void
set_body (RspTransit *transit, GBytes *body)
{
    g_bytes_unref (transit->body);
    transit->body = g_bytes_ref (body);
    transit->changed = TRUE;
}

static const char *
edit (RspTransit *transit, const RspFault *fault)
{
    RspFaultMessage message = describe (transit);
    const char *result = NULL;
    g_autoptr (GBytes) body =
        rsp_faults_edit (transit->call->bus->faults, fault, &message, transit->body, &result);
    if (!body)
        return result;
    set_body (transit, body);
    return NULL;
}

static void
duplicate (RspTransit *transit, const RspFault *fault)
{
    if (transit->call->fn->binding == RSP_BINDING_NESTED) {
        transit->call->copies += MAX (fault->count, 1);
        return;
    }
    for (guint i = 0; i < MAX (fault->count, 1); i++)
        rsp_bus_copy (transit, transit->body, fault, FALSE);
}

static const char *
replay (RspTransit *transit, const RspFault *fault, GBytes *earlier)
{
    RspBus *bus = transit->call->bus;
    if (!earlier)
        return "noEarlierMessage";
    if (transit->call->fn->binding == RSP_BINDING_NESTED) {
        transit->call->replay = g_bytes_ref (earlier);
        return NULL;
    }
    if (transit->leg == RSP_LEG_REQUEST) {
        rsp_bus_copy (transit, earlier, fault, TRUE);
        return NULL;
    }
    /* Who waits takes the answer that comes first, so the true one comes to nobody. */
    transit->fault = fault;
    rsp_bus_trace_transit (bus, transit, RSP_STAGE_DROPPED, NULL);
    transit->xid = ++bus->next_xid;
    set_body (transit, earlier);
    return NULL;
}

static const char *
hold (RspTransit *transit, gint64 *delay)
{
    RspCall *call = transit->call;
    if (!call->dst)
        return "notApplicable";
    if (call->fn->binding == RSP_BINDING_NESTED) {
        if (g_hash_table_contains (call->bus->nested_held, call->dst))
            return "notApplicable"; /* one at a time */
        call->held_back = TRUE;
        return NULL;
    }
    g_ptr_array_add (transit->call->bus->held, transit);
    *delay += HOLD_LIMIT;
    return NULL;
}

/* The card stops where it is; a message to it or from it is lost with that. */
static const char *
cut_power (RspTransit *transit, const RspFault *fault)
{
    RspCall *call = transit->call;
    RspEndpoint *card = fault->at ? rsp_bus_endpoint (call->bus, fault->at, FALSE) : call->dst;
    if (!card || !card->power_loss)
        return "notApplicable";
    if (card == call->dst)
        transit->fate = LEG_CUT;
    card->power_loss (card->data);
    return NULL;
}

static gboolean
crash (RspBus *bus, RspEndpoint *server, const RspFault *fault)
{
    if (server->crashed || !bus->crash || !bus->crash (server->name, fault->down, bus->crash_data))
        return FALSE;
    server->crashed = TRUE;
    rsp_bus_detach (bus, server->name);
    return TRUE;
}

/* The server dies where it is; a message to it or from it is lost with that. */
static const char *
kill_server (RspTransit *transit, const RspFault *fault)
{
    RspCall *call = transit->call;
    RspEndpoint *server = fault->at ? rsp_bus_endpoint (call->bus, fault->at, FALSE) : call->dst;
    if (!server || !crash (call->bus, server, fault))
        return "notApplicable";
    if (server == call->dst || server == call->caller)
        transit->fate = LEG_CUT;
    return NULL;
}

static const char *
set_status (RspTransit *transit, const RspFault *fault)
{
    gboolean http = transit->call->fn->binding == RSP_BINDING_HTTP;
    g_clear_pointer (&transit->subject, g_free);
    g_clear_pointer (&transit->reason, g_free);
    g_clear_pointer (&transit->error, g_free);
    if (http) {
        transit->http = fault->status;
        set_body (transit, transit->call->bus->empty);
        return NULL;
    }
    transit->sw = fault->status & 0xFFFF;
    /* An APDU carries its status word in its body. */
    guint8 sw[] = {fault->status >> 8 & 0xFF, fault->status & 0xFF};
    gboolean apdu = transit->call->fn->binding == RSP_BINDING_APDU;
    g_autoptr (GBytes) body = g_bytes_new (sw, apdu ? sizeof sw : 0);
    set_body (transit, body);
    return NULL;
}

/* NULL, or why the fault could not fire. */
static const char *
apply (RspTransit *transit, const RspFault *fault, GBytes *earlier, gint64 *delay)
{
    if (!rsp_fault_applies (fault->action, transit->call->fn, transit->leg))
        return "notApplicable";
    switch (fault->action) {
    case RSP_FAULT_DROP:
        return NULL;
    case RSP_FAULT_DELAY:
        *delay += fault->delay;
        return NULL;
    case RSP_FAULT_DUPLICATE:
        if (fault->field)
            return edit (transit, fault);
        duplicate (transit, fault);
        return NULL;
    case RSP_FAULT_REORDER:
        return hold (transit, delay);
    case RSP_FAULT_REPLAY:
        return replay (transit, fault, earlier);
    case RSP_FAULT_CORRUPT:
    case RSP_FAULT_REPLACE:
        return edit (transit, fault);
    case RSP_FAULT_CUT_LINK:
        transit->fate = LEG_CUT;
        return NULL;
    case RSP_FAULT_HTTP_STATUS:
    case RSP_FAULT_STATUS_WORD:
        return set_status (transit, fault);
    case RSP_FAULT_POWER_LOSS:
        return cut_power (transit, fault);
    case RSP_FAULT_CRASH:
        return kill_server (transit, fault);
    case RSP_FAULT_WRITE_ERROR:
        break;
    }
    g_assert_not_reached ();
}

gboolean
rsp_bus_point (RspBus *bus, const char *actor, RspFaultPoint point, RspFaultAction *ret_action)
{
    const RspFault *fault = bus->faults ? rsp_faults_at_point (bus->faults, actor, point) : NULL;
    if (!fault)
        return FALSE;
    *ret_action = fault->action;
    if (rsp_bus_traced (bus))
        rsp_trace_event (bus->trace,
                         &(RspTraceEvent){.kind = RSP_TRACE_FAULT,
                                          .src = actor,
                                          .op = rsp_fault_point_name (point),
                                          .fault_name = fault->name,
                                          .fault_action = rsp_fault_action_name (fault->action)});
    if (fault->action == RSP_FAULT_CRASH)
        crash (bus, rsp_bus_endpoint (bus, actor, TRUE), fault);
    return TRUE;
}

gboolean
rsp_bus_apply_faults (RspTransit *transit, gint64 *delay)
{
    RspBus *bus = transit->call->bus;
    RspFaultMessage message = describe (transit);
    g_autoptr (GBytes) earlier = rsp_faults_remember (bus->faults, &message, transit->body);
    guint position = 0;
    RspFault *fault;
    rsp_faults_pass (bus->faults, &message, transit->body);
    while ((fault = rsp_faults_match (bus->faults, &message, &position))) {
        const char *result = apply (transit, fault, earlier, delay);
        trace_firing (bus, fault, transit, result);
        if (result) {
            fault->unfit = result;
            continue;
        }
        fault->fired++;
        transit->fault = fault;
        if (fault->action == RSP_FAULT_DROP)
            return FALSE;
    }
    return TRUE;
}

void
rsp_bus_observe (const RspTransit *transit)
{
    RspFaultMessage message = describe (transit);
    rsp_faults_observe (transit->call->bus->faults, &message, transit->body);
}

void
rsp_bus_release_held (RspBus *bus, const RspTransit *passed)
{
    const RspCall *by = passed->call;
    for (guint i = 0; i < bus->held->len;) {
        RspTransit *held = g_ptr_array_index (bus->held, i);
        const RspCall *call = held->call;
        if (held == passed || held->leg != passed->leg || call->src != by->src ||
            call->dst != by->dst || call->fn->binding != by->fn->binding) {
            i++;
            continue;
        }
        g_ptr_array_remove_index (bus->held, i);
        rsp_loop_cancel (bus->loop, held->event);
        rsp_bus_schedule (held, 0);
    }
}
