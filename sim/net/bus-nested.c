/* ES8+ inside ES10b.LoadBoundProfilePackage: secured messages from the server whose package it is,
 * shown and troubled as messages of their own while the card's link carries them; ESep inside
 * ES10b.LoadEuiccPackage: signed as a whole, so only shown. */
#include "sim/net/bus-private.h"

typedef struct {
    const RspCall *carrier;
    RspCall *call;   /* owned */
    gboolean going;  /* handed to the link */
    gboolean opened; /* the card has told of this copy */
} Nested;

typedef struct {
    const char *server; /* interned */
    char *transaction_id;
} Package;

static void
package_free (gpointer data)
{
    Package *package = data;
    g_free (package->transaction_id);
    g_free (package);
}

GHashTable *
rsp_bus_nested_packages (void)
{
    return g_hash_table_new_full (NULL, NULL, NULL, package_free);
}

static void
nested_free (gpointer data)
{
    Nested *nested = data;
    RspCall *call = nested->call;
    if (call->request.event) {
        /* The leg's own reference goes with its event. */
        rsp_loop_cancel (call->bus->loop, call->request.event);
        rsp_bus_call_unref (call);
    }
    rsp_bus_call_settle (call);
    rsp_bus_call_unref (call);
    g_free (nested);
}

GHashTable *
rsp_bus_nested_table (void)
{
    return g_hash_table_new_full (NULL, NULL, NULL, nested_free);
}

/* Remembers where the package came from that CALL's caller has just been given. */
void
rsp_bus_nested_package (RspCall *call)
{
    gboolean relayed = call->fn->id == RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE;
    if (!relayed && call->fn->id != RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE)
        return;
    const Package *origin =
        relayed ? g_hash_table_lookup (call->bus->packages, call->dst->name) : NULL;
    Package *package = g_new0 (Package, 1);
    package->server = origin ? origin->server : rsp_bus_callee (call);
    package->transaction_id =
        g_strdup (call->reply_transaction_id ? call->reply_transaction_id : call->transaction_id);
    g_hash_table_replace (call->bus->packages, (gpointer)call->src, package);
}

static void
trace_delivered (Nested *nested, RspSlice plain, const RspOutcome *outcome)
{
    RspCall *call = nested->call;
    RspBus *bus = call->bus;
    const RspTransit *transit = &call->request;
    if (!rsp_bus_traced (bus))
        return;
    RspTraceEvent event = {
        .kind = RSP_TRACE_MESSAGE,
        .function = call->fn,
        .src = call->src,
        .dst = call->dst->name,
        .leg = RSP_LEG_REQUEST,
        .stage = RSP_STAGE_DELIVERED,
        .xid = call->xid,
        .transaction_id = call->transaction_id,
        .has_body = TRUE,
        .omit_body = !transit->changed,
        .encoding = RSP_ENC_DER,
        .body = rsp_slice_of (transit->body),
        .plain = plain,
    };
    if (outcome)
        event.status = *outcome;
    if (transit->fault) {
        event.fault_name = transit->fault->name;
        event.fault_action = rsp_fault_action_name (transit->fault->action);
    }
    guint64 before = rsp_bus_enter (bus, transit->sent_seq);
    rsp_trace_event (bus->trace, &event);
    rsp_bus_leave (bus, before);
}

void
rsp_bus_nested_forget (RspBus *bus, const RspEndpoint *card, const RspCall *carrier)
{
    GHashTable *const tables[] = {bus->nested, bus->nested_held};
    for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
        const Nested *nested = g_hash_table_lookup (tables[i], card);
        if (nested && (!carrier || nested->carrier == carrier))
            g_hash_table_remove (tables[i], card);
    }
}

void
rsp_bus_nested_sent (RspBus *bus, RspCall *carrier, const RspFunction *fn, GBytes *segment,
                     RspNestedFunc func, gpointer data)
{
    g_return_if_fail (fn->binding == RSP_BINDING_NESTED && carrier->dst);
    const Package *package = g_hash_table_lookup (bus->packages, carrier->src);
    RspCall *call =
        rsp_bus_call_new (bus, fn, package ? package->server : carrier->src, carrier->dst->name);
    call->dst = carrier->dst;
    call->nested_func = func;
    call->data = data;
    call->transaction_id = g_strdup (package ? package->transaction_id : carrier->transaction_id);
    call->nth = ++bus->counts[fn->id];
    call->ordinal = ++bus->calls;
    call->request.body = g_bytes_ref (segment);
    call->copies = 1;
    call->on_behalf = carrier->src;

    Nested *nested = g_new0 (Nested, 1);
    nested->carrier = carrier;
    nested->call = call;
    g_hash_table_replace (bus->nested, call->dst, nested);
    rsp_bus_send (&call->request);
}

/* Due: the link may send it, as often as faults say. */
void
rsp_bus_nested_carry (RspCall *call)
{
    RspBus *bus = call->bus;
    Nested *nested = g_hash_table_lookup (bus->nested, call->dst);
    g_return_if_fail (nested && nested->call == call);
    RspNestedFunc func = call->nested_func;
    guint64 before = rsp_bus_enter (bus, call->request.sent_seq);
    if (call->request.fate == LEG_CUT) {
        rsp_bus_trace_transit (bus, &call->request, RSP_STAGE_DROPPED, "link");
        g_hash_table_remove (bus->nested, call->dst);
        func (RSP_REPLY_LINK, bus->empty, 0, call->data);
    } else if (call->held_back) {
        g_hash_table_steal (bus->nested, call->dst);
        g_hash_table_replace (bus->nested_held, call->dst, nested);
        func (RSP_REPLY_OK, call->request.body, RSP_NESTED_HELD, call->data);
    } else if (call->copies == 0) {
        g_hash_table_remove (bus->nested, call->dst);
        func (RSP_REPLY_OK, call->request.body, 0, call->data);
    } else {
        nested->going = TRUE;
        func (RSP_REPLY_OK, call->request.body, call->copies, call->data);
    }
    rsp_bus_leave (bus, before);
}

void
rsp_bus_opened (RspBus *bus, const char *card, const RspFunction *fn, RspSlice plain,
                const RspOutcome *outcome)
{
    const RspEndpoint *endpoint = rsp_bus_endpoint (bus, card, FALSE);
    Nested *nested = endpoint ? g_hash_table_lookup (bus->nested, endpoint) : NULL;
    if (!nested || !nested->going || nested->opened || nested->call->fn != fn)
        return;
    nested->opened = TRUE;
    trace_delivered (nested, plain, outcome);
}

void
rsp_bus_nested_eim (const RspCall *call)
{
    gboolean pushed = call->fn->id == RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE;
    const char *eim = pushed ? call->src : rsp_bus_callee (call);
    const char *ipa = pushed ? call->dst->name : call->src;
    g_hash_table_replace (call->bus->eims, (gpointer)ipa, (gpointer)eim);
}

static const RspCall *
carrier_of_packages (const RspBus *bus, const RspEndpoint *card)
{
    for (const RspCall *call = bus->live; call; call = call->next)
        if (call->served && call->dst == card && call->fn->id == RSP_FN_ES10B_LOAD_EUICC_PACKAGE)
            return call;
    return NULL;
}

/* One leg, sent and delivered at once. */
static void
trace_esep (RspBus *bus, const RspTraceEvent *leg, RspSlice plain)
{
    RspTraceEvent event = *leg;
    event.stage = RSP_STAGE_SENT;
    guint64 sent = rsp_trace_event (bus->trace, &event);
    event.stage = RSP_STAGE_DELIVERED;
    event.omit_body = TRUE;
    event.plain = plain;
    guint64 before = rsp_bus_enter (bus, sent);
    rsp_trace_event (bus->trace, &event);
    rsp_bus_leave (bus, before);
}

void
rsp_bus_esep (RspBus *bus, const char *card, const RspFunction *fn, RspSlice request,
              RspSlice result)
{
    const RspEndpoint *endpoint = rsp_bus_endpoint (bus, card, FALSE);
    const RspCall *carrier = endpoint ? carrier_of_packages (bus, endpoint) : NULL;
    if (!carrier || !rsp_bus_traced (bus))
        return;
    const char *eim = g_hash_table_lookup (bus->eims, carrier->src);
    RspTraceEvent event = {
        .kind = RSP_TRACE_MESSAGE,
        .function = fn,
        .src = eim ? eim : carrier->src,
        .dst = endpoint->name,
        .leg = RSP_LEG_REQUEST,
        .xid = ++bus->next_xid,
        .transaction_id = carrier->transaction_id,
        .has_body = TRUE,
        .encoding = RSP_ENC_DER,
        .body = request,
    };
    trace_esep (bus, &event, request);
    event.dst = event.src;
    event.src = endpoint->name;
    event.leg = RSP_LEG_RESPONSE;
    event.body = result;
    trace_esep (bus, &event, result);
}

GBytes *
rsp_bus_nested_done (RspBus *bus, RspCall *carrier, const RspOutcome *outcome)
{
    Nested *nested = g_hash_table_lookup (bus->nested, carrier->dst);
    if (!nested || !nested->going || nested->carrier != carrier)
        return NULL;
    RspCall *call = nested->call;
    if (!nested->opened)
        trace_delivered (nested, RSP_SLICE (NULL, 0), outcome);
    nested->opened = FALSE;
    if (--call->copies > 0) {
        call->xid = ++bus->next_xid; /* a further copy is a message of its own */
        return NULL;
    }
    if (!call->replay) {
        g_hash_table_remove (bus->nested, carrier->dst);
        return NULL;
    }
    call->xid = ++bus->next_xid;
    call->copies = 1;
    g_bytes_unref (call->request.body);
    call->request.body = g_steal_pointer (&call->replay);
    call->request.changed = TRUE;
    return g_bytes_ref (call->request.body);
}

GBytes *
rsp_bus_nested_release (RspBus *bus, RspCall *carrier)
{
    Nested *held = g_hash_table_lookup (bus->nested_held, carrier->dst);
    if (!held || held->carrier != carrier)
        return NULL;
    g_hash_table_steal (bus->nested_held, carrier->dst);
    held->going = TRUE;
    held->call->copies = 1;
    g_hash_table_replace (bus->nested, carrier->dst, held);
    return g_bytes_ref (held->call->request.body);
}
