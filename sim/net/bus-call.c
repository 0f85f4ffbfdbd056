#include "sim/net/bus-private.h"

#define DEFAULT_TIMEOUT (30 * G_USEC_PER_SEC)
#define TIMED_TIMEOUT (600 * G_USEC_PER_SEC) /* of a call to a card that takes its own time */

/* Calls: lifetime ----------------------------------------------------------------------------- */

static void
transit_clear (RspTransit *transit)
{
    g_clear_pointer (&transit->body, g_bytes_unref);
    g_clear_pointer (&transit->subject, g_free);
    g_clear_pointer (&transit->reason, g_free);
    g_clear_pointer (&transit->error, g_free);
}

void
rsp_bus_call_unref (RspCall *call)
{
    if (--call->refs > 0)
        return;
    RspBus *bus = call->bus;
    if (call->prev)
        call->prev->next = call->next;
    else
        bus->live = call->next;
    if (call->next)
        call->next->prev = call->prev;
    if (call->fn->id == RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE && call->dst)
        rsp_bus_nested_forget (bus, call->dst, call);
    transit_clear (&call->request);
    transit_clear (&call->response);
    g_clear_pointer (&call->replay, g_bytes_unref);
    g_free (call->address);
    g_free (call->client);
    g_clear_pointer (&call->client_cert, rsp_cert_unref);
    g_free (call->transaction_id);
    g_free (call->reply_transaction_id);
    g_slice_free (RspCall, call);
}

RspCall *
rsp_bus_call_new (RspBus *bus, const RspFunction *fn, const char *src, const char *address)
{
    RspCall *call = g_slice_new0 (RspCall);
    call->refs = 1;
    call->bus = bus;
    call->fn = fn;
    call->encoding = fn->binding == RSP_BINDING_HTTP ? RSP_ENC_JSON : rsp_function_encoding (fn);
    call->src = src;
    call->address = g_strdup (address);
    call->xid = ++bus->next_xid;
    call->request = (RspTransit){.call = call, .leg = RSP_LEG_REQUEST, .xid = call->xid};
    call->response = (RspTransit){.call = call, .leg = RSP_LEG_RESPONSE, .xid = call->xid};
    call->awaiting = TRUE;
    bus->in_flight++;
    call->next = bus->live;
    if (bus->live)
        bus->live->prev = call;
    bus->live = call;
    return call;
}

/* The caller waits no more. */
void
rsp_bus_call_settle (RspCall *call)
{
    call->awaiting = FALSE;
    call->bus->in_flight--;
    rsp_loop_cancel (call->bus->loop, call->timeout_event);
    call->timeout_event = 0;
    if (call->exchange)
        call->bus->transport->finish (call->bus->transport, call);
}

/* Calling ------------------------------------------------------------------------------------- */

static void
on_timeout (gpointer data)
{
    RspCall *call = data;
    RspBus *bus = call->bus;
    call->timeout_event = 0;
    if (bus->carrying && bus->carrying->call == call) {
        /* Only with the real clock: the leg that the transport still carries is lost. */
        bus->carrying = NULL;
        rsp_bus_call_unref (call);
    }
    if (call->ghost || call->orphan) {
        rsp_bus_call_settle (call);
        rsp_bus_call_unref (call);
        return;
    }
    guint64 before = rsp_bus_enter (bus, call->request.sent_seq);
    guint64 seq = 0;
    if (rsp_bus_traced (bus))
        seq = rsp_trace_event (bus->trace, &(RspTraceEvent){.kind = RSP_TRACE_TIMER,
                                                            .function = call->fn,
                                                            .src = call->src,
                                                            .dst = rsp_bus_callee (call),
                                                            .xid = call->xid,
                                                            .transaction_id = call->transaction_id,
                                                            .status = {.error = "timeout"}});
    rsp_bus_leave (bus, before);
    rsp_bus_call_fails (call, RSP_REPLY_TIMEOUT, seq);
    rsp_bus_carry_queued (bus);
}

/* An operator is known by its name; it has no FQDN of its own. */
static RspEndpoint *
find_destination (RspBus *bus, const RspFunction *fn, const char *address)
{
    RspEndpoint *dst = NULL;
    if (fn->binding == RSP_BINDING_HTTP)
        dst = g_hash_table_lookup (bus->addresses, address);
    if (!dst && (fn->binding != RSP_BINDING_HTTP || fn->interface == RSP_IF_ES2P))
        dst = rsp_bus_endpoint (bus, address, FALSE);
    if (!dst && fn->binding == RSP_BINDING_HTTP && bus->gateway)
        dst = rsp_bus_endpoint (bus, bus->gateway, FALSE);
    return dst && dst->known ? dst : NULL;
}

/* On the wire a function is its path. */
static const RspFunction *
as_offered (const RspEndpoint *dst, const RspFunction *fn)
{
    if (!dst || !fn->path || !dst->interfaces || (dst->interfaces & 1u << fn->interface))
        return fn;
    const RspFunction *same = rsp_function_by_path (fn->path, dst->interfaces);
    return same ? same : fn;
}

static void
start_call (RspCall *call, GBytes *body, const RspCallOptions *options, RspReplyFunc func,
            gpointer data)
{
    RspBus *bus = call->bus;
    call->caller = rsp_bus_endpoint (bus, call->src, FALSE);
    call->func = func;
    call->data = data;
    call->nth = ++bus->counts[call->fn->id];
    call->ordinal = ++bus->calls;
    call->request.body = g_bytes_ref (body ? body : bus->empty);
    gint64 timeout = DEFAULT_TIMEOUT;
    if (options) {
        call->transaction_id = g_strdup (options->transaction_id);
        if (options->timeout > 0)
            timeout = options->timeout;
        if (options->asn1 && call->fn->binding == RSP_BINDING_HTTP)
            call->encoding = RSP_ENC_DER;
    }
    if (call->fn->binding == RSP_BINDING_CARD && call->dst && call->dst->timed)
        timeout = MAX (timeout, TIMED_TIMEOUT);
    rsp_bus_send (&call->request);
    call->timeout_event = rsp_loop_after (bus->loop, timeout, on_timeout, call, NULL);
}

void
rsp_bus_call (RspBus *bus, const char *src, const char *address, const RspFunction *fn,
              GBytes *body, const RspCallOptions *options, RspReplyFunc func, gpointer data)
{
    if (rsp_bus_crashed (bus, src))
        return;
    RspEndpoint *dst = find_destination (bus, fn, address);
    RspCall *call = rsp_bus_call_new (bus, as_offered (dst, fn), rsp_intern (src), address);
    call->dst = dst;
    start_call (call, body, options, func, data);
}

void
rsp_bus_call_through (RspBus *bus, const char *src, GBytes *client, const char *dst,
                      const char *address, const RspFunction *fn, GBytes *body,
                      const RspCallOptions *options, RspReplyFunc func, gpointer data)
{
    RspCall *call = rsp_bus_call_new (bus, fn, rsp_intern (src), address);
    call->dst = rsp_bus_endpoint (bus, dst, FALSE);
    if (client) {
        call->client = rsp_credential_client_name (&call->dst->credential, client);
        call->client_cert = rsp_cert_parse (client, NULL);
    }
    call->client_given = TRUE;
    start_call (call, body, options, func, data);
}

void
rsp_bus_disown (RspBus *bus, gpointer data)
{
    for (RspCall *call = bus->live; call; call = call->next)
        if (call->data == data) {
            call->func = NULL;
            call->orphan = TRUE;
        }
}

/* A further delivery of a leg, under its own xid: behind TRANSIT, and its answer goes nowhere. */
void
rsp_bus_copy (const RspTransit *transit, GBytes *body, const RspFault *fault, gboolean changed)
{
    const RspCall *call = transit->call;
    RspBus *bus = call->bus;
    gboolean request = transit->leg == RSP_LEG_REQUEST;
    RspCall *ghost = rsp_bus_call_new (bus, call->fn, call->src, call->address);
    ghost->ghost = TRUE;
    ghost->encoding = call->encoding;
    ghost->caller = call->caller;
    ghost->dst = call->dst;
    ghost->client = g_strdup (call->client);
    ghost->client_cert = call->client_cert ? rsp_cert_ref (call->client_cert) : NULL;
    ghost->client_given = call->client_given;
    ghost->transaction_id = g_strdup (call->transaction_id);
    ghost->reply_transaction_id = g_strdup (call->reply_transaction_id);
    RspTransit *copy = request ? &ghost->request : &ghost->response;
    copy->body = g_bytes_ref (body);
    copy->fate = request ? LEG_GOES : LEG_ECHO;
    copy->fault = fault;
    copy->changed = changed;
    copy->sent_seq = transit->sent_seq;
    copy->http = transit->http;
    copy->sw = transit->sw;
    ghost->timeout_event = rsp_loop_after (bus->loop, DEFAULT_TIMEOUT, on_timeout, ghost, NULL);
    ghost->refs++;
    g_ptr_array_add (bus->copies, copy);
}

/* Serving ------------------------------------------------------------------------------------- */

const RspFunction *
rsp_call_function (const RspCall *call)
{
    return call->fn;
}

const char *
rsp_call_src (const RspCall *call)
{
    return call->src;
}

GBytes *
rsp_call_body (const RspCall *call)
{
    return call->request.body;
}

RspEncoding
rsp_call_encoding (const RspCall *call)
{
    return call->encoding;
}

const char *
rsp_call_address (const RspCall *call)
{
    return call->address;
}

const char *
rsp_call_client (const RspCall *call)
{
    return call->client;
}

const RspCert *
rsp_call_client_cert (const RspCall *call)
{
    return call->client_cert;
}

void
rsp_call_set_transaction_id (RspCall *call, const char *id)
{
    g_free (call->reply_transaction_id);
    call->reply_transaction_id = g_strdup (id);
}

/* FALSE: nobody is there to answer any more, neither the server nor whoever asked. */
static gboolean
call_take_answer (RspCall *call)
{
    gboolean served = call->served;
    call->served = FALSE;
    return served;
}

static void
set_outcome (RspTransit *transit, const RspOutcome *outcome, GBytes *body)
{
    RspCall *call = transit->call;
    gboolean http = call->fn->binding == RSP_BINDING_HTTP;
    if (outcome) {
        transit->http = http ? outcome->http : 0;
        transit->sw = http ? 0 : outcome->sw;
        transit->subject = g_strdup (outcome->subject);
        transit->reason = g_strdup (outcome->reason);
        transit->error = g_strdup (outcome->error);
    }
    if (http && transit->http == 0)
        transit->http = 200;
    if (!http && transit->sw == 0 && call->fn->binding != RSP_BINDING_RADIO)
        transit->sw = 0x9000;
    /* These have no body in HTTP. */
    gboolean bare = http && (transit->http == 204 || transit->http == 304);
    transit->body = g_bytes_ref (body && !bare ? body : call->bus->empty);
}

void
rsp_call_reply (RspCall *call, const RspOutcome *outcome, GBytes *body)
{
    g_return_if_fail (call);
    if (!call_take_answer (call)) {
        rsp_bus_call_unref (call);
        return;
    }
    set_outcome (&call->response, outcome, body);
    if (call->ghost) {
        RspTransit *transit = &call->response;
        transit->fault = call->request.fault;
        transit->sent_seq = rsp_bus_trace_transit (call->bus, transit, RSP_STAGE_SENT, NULL);
        rsp_bus_trace_transit (call->bus, transit, RSP_STAGE_DROPPED, NULL);
        if (call->awaiting) {
            rsp_bus_call_settle (call);
            rsp_bus_call_unref (call);
        }
    } else {
        rsp_bus_send (&call->response);
    }
    rsp_bus_call_unref (call);
}

void
rsp_call_abandon (RspCall *call)
{
    g_return_if_fail (call);
    call->served = FALSE;
    rsp_bus_call_unref (call);
}

void
rsp_call_fail (RspCall *call, RspReplyKind kind)
{
    g_return_if_fail (call);
    if (call_take_answer (call))
        rsp_bus_fail_later (call, kind);
    rsp_bus_call_unref (call);
}

/* For transports ------------------------------------------------------------------------------ */

gpointer *
rsp_call_exchange (RspCall *call)
{
    return &call->exchange;
}

RspTlsCheck *
rsp_call_tls (RspCall *call)
{
    return &call->tls;
}

const char *
rsp_call_dst (const RspCall *call)
{
    return call->dst ? call->dst->name : NULL;
}
