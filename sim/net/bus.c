#include "sim/net/bus-private.h"

#include <string.h>

#define DEFAULT_TIMEOUT (30 * G_USEC_PER_SEC)
#define DEFAULT_LATENCY_HTTP (20 * G_TIME_SPAN_MILLISECOND)
#define DEFAULT_LATENCY_APDU (1 * G_TIME_SPAN_MILLISECOND)

/* The trace's dynamic context ----------------------------------------------------------------- */

guint64
rsp_bus_cause (const RspBus *bus)
{
    return bus->trace ? rsp_trace_cause (bus->trace) : 0;
}

guint64
rsp_bus_enter (RspBus *bus, guint64 cause)
{
    return bus->trace ? rsp_trace_set_cause (bus->trace, cause) : 0;
}

void
rsp_bus_leave (RspBus *bus, guint64 before)
{
    if (bus->trace)
        rsp_trace_set_cause (bus->trace, before);
}

gboolean
rsp_bus_traced (const RspBus *bus)
{
    return bus->trace && rsp_trace_active (bus->trace);
}

const char *
rsp_bus_reply_name (RspReplyKind kind)
{
    static const char *const names[] = {
        [RSP_REPLY_OK] = "ok",     [RSP_REPLY_TIMEOUT] = "timeout",
        [RSP_REPLY_LINK] = "link", [RSP_REPLY_UNRESOLVED] = "unresolved",
        [RSP_REPLY_TLS] = "tls",
    };
    return names[kind];
}

/* The message event of a stage; its parent is the leg's sending, and of that whatever runs now. */
guint64
rsp_bus_trace_transit (RspBus *bus, const RspTransit *transit, RspStage stage, const char *error)
{
    if (!rsp_bus_traced (bus))
        return 0;
    const RspCall *call = transit->call;
    gboolean request = transit->leg == RSP_LEG_REQUEST;
    const char *dst = call->dst ? call->dst->name : call->address;
    const char *id = call->transaction_id;
    if (!request && call->reply_transaction_id)
        id = call->reply_transaction_id;
    RspTraceEvent event = {
        .kind = RSP_TRACE_MESSAGE,
        .function = call->fn,
        .src = request ? call->src : dst,
        .dst = request ? dst : call->src,
        .leg = transit->leg,
        .stage = stage,
        .xid = transit->xid,
        .transaction_id = id,
        .has_body = stage != RSP_STAGE_DROPPED,
        .omit_body = stage == RSP_STAGE_DELIVERED && !transit->changed,
        .encoding = rsp_function_encoding (call->fn),
        .body = rsp_slice_of (transit->body),
    };
    if (!request)
        event.status = (RspOutcome){transit->http, transit->sw, transit->subject, transit->reason,
                                    transit->error};
    if (error)
        event.status.error = error;
    if (transit->fault && stage != RSP_STAGE_SENT) {
        event.fault_name = transit->fault->name;
        event.fault_action = rsp_fault_action_name (transit->fault->action);
    }
    guint64 before = 0;
    if (stage != RSP_STAGE_SENT)
        before = rsp_bus_enter (bus, transit->sent_seq);
    guint64 seq = rsp_trace_event (bus->trace, &event);
    if (stage != RSP_STAGE_SENT)
        rsp_bus_leave (bus, before);
    return seq;
}

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
    g_free (call->address);
    g_free (call->client);
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

static void
call_complete (RspCall *call, const RspReply *reply, guint64 cause)
{
    rsp_bus_call_settle (call);
    if (call->func) {
        guint64 before = rsp_bus_enter (call->bus, cause);
        call->func (reply, call->data);
        rsp_bus_leave (call->bus, before);
    }
    rsp_bus_call_unref (call);
}

static void
call_fails (RspCall *call, RspReplyKind kind, guint64 cause)
{
    rsp_bus_tls_close (call);
    if (call->awaiting)
        call_complete (call, &(RspReply){.kind = kind, .body = call->bus->empty}, cause);
}

/* Carrying ------------------------------------------------------------------------------------ */

static gboolean
call_is_served (const RspCall *call)
{
    if (!call->dst)
        return FALSE;
    return call->fn->binding == RSP_BINDING_CARD ? call->dst->card_serve != NULL
                                                 : call->dst->serve != NULL;
}

static void
transit_fails (RspTransit *transit, RspReplyKind kind)
{
    guint64 seq = rsp_bus_trace_transit (transit->call->bus, transit, RSP_STAGE_DROPPED,
                                         rsp_bus_reply_name (kind));
    call_fails (transit->call, kind, seq);
}

/* Who called, as the link proves it. */
static void
call_identify (RspCall *call)
{
    if (call->client_given || call->fn->interface != RSP_IF_ES2P)
        return;
    const RspCert *cert = call->caller ? call->caller->credential.cert : NULL;
    if (!cert)
        call->client = g_strdup (call->src);
    else if (!call->tls.client_checked || call->tls.client == RSP_CHAIN_OK)
        call->client = g_strdup (rsp_cert_common_name (cert));
}

static void
request_arrives (RspCall *call)
{
    RspBus *bus = call->bus;
    guint64 seq = rsp_bus_trace_transit (bus, &call->request, RSP_STAGE_DELIVERED, NULL);
    if (bus->faults && rsp_faults_concern (bus->faults, call->fn))
        rsp_bus_observe (&call->request);
    call_identify (call);
    call->served = TRUE;
    call->refs++;
    guint64 before = rsp_bus_enter (bus, seq);
    if (call->fn->binding == RSP_BINDING_CARD)
        call->dst->card_serve (call, call->dst->card_data);
    else
        call->dst->serve (call, call->dst->data);
    rsp_bus_leave (bus, before);
}

static void
response_arrives (RspCall *call)
{
    RspBus *bus = call->bus;
    RspTransit *transit = &call->response;
    guint64 seq = rsp_bus_trace_transit (bus, transit, RSP_STAGE_DELIVERED, NULL);
    if (bus->faults && rsp_faults_concern (bus->faults, call->fn))
        rsp_bus_observe (transit);
    if (call->fn->id == RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE)
        rsp_bus_nested_package (call);
    call_complete (
        call,
        &(RspReply){
            .kind = RSP_REPLY_OK, .http = transit->http, .sw = transit->sw, .body = transit->body},
        seq);
}

static void
carry_request (RspCall *call)
{
    RspBus *bus = call->bus;
    RspTransit *transit = &call->request;
    if (!call->dst) {
        transit_fails (transit, RSP_REPLY_UNRESOLVED);
        return;
    }
    if (transit->fate == LEG_CUT || !call_is_served (call)) {
        transit_fails (transit, RSP_REPLY_LINK);
        return;
    }
    gboolean http = call->fn->binding == RSP_BINDING_HTTP;
    if (http && !call->ghost)
        rsp_bus_tls_begin (call);
    if (http && !call->ghost && call->awaiting && bus->transport &&
        bus->transport->takes (bus->transport, call)) {
        bus->carrying = transit;
        bus->transport->carry_request (bus->transport, call, transit->body);
        return;
    }
    if (call->tls.opens && !rsp_bus_tls_conclude (call))
        transit_fails (transit, RSP_REPLY_TLS);
    else
        request_arrives (call);
}

static void
carry_response (RspCall *call)
{
    RspBus *bus = call->bus;
    RspTransit *transit = &call->response;
    if (transit->fate == LEG_ECHO) {
        rsp_bus_trace_transit (bus, transit, RSP_STAGE_DELIVERED, NULL);
        rsp_bus_call_settle (call);
        rsp_bus_call_unref (call);
    } else if (transit->fate == LEG_FAILS) {
        call_fails (call, transit->failure, transit->sent_seq);
    } else if (!call->awaiting) {
        rsp_bus_trace_transit (bus, transit, RSP_STAGE_DROPPED, "late");
    } else if (transit->fate == LEG_CUT || call->orphan) {
        transit_fails (transit, RSP_REPLY_LINK);
    } else if (call->exchange) {
        bus->carrying = transit;
        bus->transport->carry_response (bus->transport, call, transit->http, transit->body);
    } else {
        response_arrives (call);
    }
}

static void
carry (RspTransit *transit)
{
    RspCall *call = transit->call;
    RspBus *bus = call->bus;
    transit->event = 0;
    call->refs++;
    if (bus->held->len > 0)
        g_ptr_array_remove (bus->held, transit);
    if (call->fn->binding == RSP_BINDING_NESTED)
        rsp_bus_nested_carry (call);
    else if (transit->leg == RSP_LEG_REQUEST)
        carry_request (call);
    else
        carry_response (call);
    if (bus->carrying != transit && bus->held->len > 0)
        rsp_bus_release_held (bus, transit);
    rsp_bus_call_unref (call);
    if (bus->carrying != transit)
        rsp_bus_call_unref (call); /* the leg's own reference */
}

static void
carry_queued (RspBus *bus)
{
    RspTransit *next;
    while (!bus->carrying && (next = g_queue_pop_head (&bus->queue)))
        carry (next);
}

void
rsp_bus_carried (RspBus *bus, RspCall *call, RspReplyKind kind, guint http, GBytes *body)
{
    RspTransit *transit = bus->carrying;
    g_return_if_fail (transit && transit->call == call);
    bus->carrying = NULL;
    if (body) {
        g_bytes_unref (transit->body);
        transit->body = g_bytes_ref (body);
    }
    gboolean tls_ok = TRUE;
    if (transit->leg == RSP_LEG_REQUEST && call->tls.opens &&
        (kind == RSP_REPLY_OK || kind == RSP_REPLY_TLS))
        tls_ok = rsp_bus_tls_conclude (call);
    if (!tls_ok || kind != RSP_REPLY_OK) {
        transit_fails (transit, tls_ok ? kind : RSP_REPLY_TLS);
    } else if (transit->leg == RSP_LEG_REQUEST) {
        request_arrives (call);
    } else {
        transit->http = http;
        response_arrives (call);
    }
    if (bus->held->len > 0)
        rsp_bus_release_held (bus, transit);
    rsp_bus_call_unref (call);
    carry_queued (bus);
}

static void
on_due (gpointer data)
{
    RspTransit *transit = data;
    RspBus *bus = transit->call->bus;
    if (bus->carrying) {
        transit->event = 0;
        g_queue_push_tail (&bus->queue, transit);
    } else {
        carry (transit);
    }
}

/* The leg holds a reference to its call until it has been carried. */
void
rsp_bus_schedule (RspTransit *transit, gint64 delay)
{
    transit->event = rsp_loop_after (transit->call->bus->loop, delay, on_due, transit, NULL);
}

static gint64
latency_of (const RspBus *bus, const RspFunction *fn)
{
    switch (fn->binding) {
    case RSP_BINDING_HTTP:
        return bus->latency_http;
    case RSP_BINDING_APDU:
        return bus->latency_apdu;
    case RSP_BINDING_CARD: /* a call inside the terminal; its APDUs take the time */
    case RSP_BINDING_NESTED:
        return 0;
    }
    g_assert_not_reached ();
}

void
rsp_bus_send (RspTransit *transit)
{
    RspCall *call = transit->call;
    RspBus *bus = call->bus;
    gint64 delay = latency_of (bus, call->fn);
    transit->fate = LEG_GOES;
    transit->sent_seq = rsp_bus_trace_transit (bus, transit, RSP_STAGE_SENT, NULL);
    gboolean goes = TRUE;
    if (bus->faults && rsp_faults_concern (bus->faults, call->fn))
        goes = rsp_bus_apply_faults (transit, &delay);
    if (goes) {
        call->refs++;
        rsp_bus_schedule (transit, delay);
    } else {
        rsp_bus_trace_transit (bus, transit, RSP_STAGE_DROPPED, NULL);
        if (call->fn->binding == RSP_BINDING_NESTED) {
            /* The link waits for word, not for the message. */
            call->copies = 0;
            call->refs++;
            rsp_bus_schedule (transit, 0);
        }
    }
    /* Copies travel behind their original. */
    for (guint i = 0; i < bus->copies->len; i++)
        rsp_bus_schedule (g_ptr_array_index (bus->copies, i), delay);
    g_ptr_array_set_size (bus->copies, 0);
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
        seq = rsp_trace_event (bus->trace,
                               &(RspTraceEvent){.kind = RSP_TRACE_TIMER,
                                                .function = call->fn,
                                                .src = call->src,
                                                .dst = call->dst ? call->dst->name : call->address,
                                                .xid = call->xid,
                                                .transaction_id = call->transaction_id,
                                                .status = {.error = "timeout"}});
    rsp_bus_leave (bus, before);
    call_fails (call, RSP_REPLY_TIMEOUT, seq);
    carry_queued (bus);
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
    return dst && dst->known ? dst : NULL;
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
    }
    rsp_bus_send (&call->request);
    call->timeout_event = rsp_loop_after (bus->loop, timeout, on_timeout, call, NULL);
}

void
rsp_bus_call (RspBus *bus, const char *src, const char *address, const RspFunction *fn,
              GBytes *body, const RspCallOptions *options, RspReplyFunc func, gpointer data)
{
    RspCall *call = rsp_bus_call_new (bus, fn, g_intern_string (src), address);
    call->dst = find_destination (bus, fn, address);
    start_call (call, body, options, func, data);
}

void
rsp_bus_call_through (RspBus *bus, const char *src, const char *client, const char *dst,
                      const char *address, const RspFunction *fn, GBytes *body, RspReplyFunc func,
                      gpointer data)
{
    RspCall *call = rsp_bus_call_new (bus, fn, g_intern_string (src), address);
    call->dst = rsp_bus_endpoint (bus, dst, FALSE);
    call->client = g_strdup (client);
    call->client_given = TRUE;
    start_call (call, body, NULL, func, data);
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
    ghost->caller = call->caller;
    ghost->dst = call->dst;
    ghost->client = g_strdup (call->client);
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
    if (!http && transit->sw == 0)
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

static void
schedule_failure (RspCall *call, RspReplyKind kind)
{
    RspTransit *transit = &call->response;
    transit->fate = LEG_FAILS;
    transit->failure = kind;
    transit->sent_seq = rsp_bus_cause (call->bus);
    transit->body = g_bytes_ref (call->bus->empty);
    call->refs++;
    rsp_bus_schedule (transit, latency_of (call->bus, call->fn));
}

void
rsp_call_fail (RspCall *call, RspReplyKind kind)
{
    g_return_if_fail (call);
    if (call_take_answer (call))
        schedule_failure (call, kind);
    rsp_bus_call_unref (call);
}

/* Endpoints ----------------------------------------------------------------------------------- */

RspEndpoint *
rsp_bus_endpoint (RspBus *bus, const char *name, gboolean make)
{
    RspEndpoint *endpoint = g_hash_table_lookup (bus->endpoints, name);
    if (!endpoint && make) {
        endpoint = g_new0 (RspEndpoint, 1);
        endpoint->name = g_intern_string (name);
        g_hash_table_insert (bus->endpoints, (gpointer)endpoint->name, endpoint);
    }
    return endpoint;
}

static void
credential_clear (RspCredential *credential)
{
    g_clear_pointer (&credential->cert, rsp_cert_unref);
    g_clear_pointer (&credential->roots, g_ptr_array_unref);
}

static void
endpoint_free (gpointer data)
{
    RspEndpoint *endpoint = data;
    credential_clear (&endpoint->credential);
    g_free (endpoint);
}

void
rsp_bus_attach (RspBus *bus, const char *name, RspServeFunc serve, gpointer data)
{
    RspEndpoint *endpoint = rsp_bus_endpoint (bus, name, TRUE);
    endpoint->serve = serve;
    endpoint->data = data;
    endpoint->known = TRUE;
}

void
rsp_bus_attach_card (RspBus *bus, const char *card, RspServeFunc serve, gpointer data)
{
    RspEndpoint *endpoint = rsp_bus_endpoint (bus, card, TRUE);
    endpoint->card_serve = serve;
    endpoint->card_data = data;
    endpoint->known = TRUE;
}

/* What ENDPOINT served, as itself or as the link to it, and has not answered, fails. */
static void
fail_served (RspBus *bus, const RspEndpoint *endpoint, gboolean link)
{
    for (RspCall *call = bus->live; call; call = call->next)
        if (call->dst == endpoint && call->served &&
            (call->fn->binding == RSP_BINDING_CARD) == link) {
            call->served = FALSE;
            if (call->awaiting)
                schedule_failure (call, RSP_REPLY_LINK);
        }
}

static void
forget_calls_of (RspBus *bus, const char *name)
{
    for (RspCall *call = bus->live; call; call = call->next)
        if (call->awaiting && strcmp (call->src, name) == 0) {
            call->func = NULL;
            call->orphan = TRUE;
        }
}

void
rsp_bus_detach (RspBus *bus, const char *name)
{
    RspEndpoint *endpoint = rsp_bus_endpoint (bus, name, FALSE);
    if (endpoint) {
        endpoint->serve = NULL;
        endpoint->data = NULL;
        fail_served (bus, endpoint, FALSE);
        rsp_bus_tls_forget (bus, endpoint);
    }
    forget_calls_of (bus, name);
}

void
rsp_bus_detach_card (RspBus *bus, const char *card)
{
    RspEndpoint *endpoint = rsp_bus_endpoint (bus, card, FALSE);
    if (!endpoint)
        return;
    endpoint->card_serve = NULL;
    endpoint->card_data = NULL;
    fail_served (bus, endpoint, TRUE);
    rsp_bus_nested_forget (bus, endpoint, NULL);
}

void
rsp_bus_add_address (RspBus *bus, const char *fqdn, const char *name)
{
    RspEndpoint *endpoint = rsp_bus_endpoint (bus, name, TRUE);
    endpoint->known = TRUE;
    g_hash_table_replace (bus->addresses, g_strdup (fqdn), endpoint);
}

const char *
rsp_bus_resolve (RspBus *bus, const char *fqdn)
{
    const RspEndpoint *endpoint = g_hash_table_lookup (bus->addresses, fqdn);
    return endpoint ? endpoint->name : NULL;
}

void
rsp_bus_set_credential (RspBus *bus, const char *name, const RspCredential *credential)
{
    RspEndpoint *endpoint = rsp_bus_endpoint (bus, name, TRUE);
    RspCredential copy = credential ? *credential : (RspCredential){0};
    if (copy.cert)
        rsp_cert_ref (copy.cert);
    if (copy.roots)
        g_ptr_array_ref (copy.roots);
    credential_clear (&endpoint->credential);
    endpoint->credential = copy;
    endpoint->has_credential = credential != NULL;
    endpoint->credential_version++;
    rsp_bus_tls_forget (bus, endpoint);
}

const RspCredential *
rsp_bus_credential (RspBus *bus, const char *name, guint *ret_version)
{
    const RspEndpoint *endpoint = rsp_bus_endpoint (bus, name, FALSE);
    if (!endpoint || !endpoint->has_credential)
        return NULL;
    if (ret_version)
        *ret_version = endpoint->credential_version;
    return &endpoint->credential;
}

/* The bus itself ------------------------------------------------------------------------------ */

static guint
fqdn_hash (gconstpointer key)
{
    guint32 h = 5381;
    for (const char *p = key; *p; p++)
        h = h * 33 + (guint8)g_ascii_tolower (*p);
    return h;
}

static gboolean
fqdn_equal (gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp (a, b) == 0;
}

RspBus *
rsp_bus_new (RspLoop *loop, RspTrace *trace, RspFaults *faults)
{
    RspBus *bus = g_new0 (RspBus, 1);
    bus->loop = loop;
    bus->trace = trace;
    bus->faults = faults;
    bus->endpoints = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, endpoint_free);
    bus->addresses = g_hash_table_new_full (fqdn_hash, fqdn_equal, g_free, NULL);
    bus->connections = rsp_bus_tls_table ();
    bus->packages = rsp_bus_nested_packages ();
    bus->nested = rsp_bus_nested_table ();
    bus->latency_http = DEFAULT_LATENCY_HTTP;
    bus->latency_apdu = DEFAULT_LATENCY_APDU;
    bus->held = g_ptr_array_new ();
    bus->copies = g_ptr_array_new ();
    bus->empty = g_bytes_new_static ("", 0);
    g_queue_init (&bus->queue);
    return bus;
}

void
rsp_bus_free (RspBus *bus)
{
    if (!bus)
        return;
    g_hash_table_remove_all (bus->nested);
    /* Whoever still holds a call has gone before the bus, so nothing refers to what is left. */
    while (bus->live) {
        RspCall *call = bus->live;
        if (call->exchange)
            bus->transport->finish (bus->transport, call);
        rsp_loop_cancel (bus->loop, call->timeout_event);
        rsp_loop_cancel (bus->loop, call->request.event);
        rsp_loop_cancel (bus->loop, call->response.event);
        call->refs = 1;
        rsp_bus_call_unref (call);
    }
    g_queue_clear (&bus->queue);
    g_ptr_array_unref (bus->held);
    g_ptr_array_unref (bus->copies);
    g_hash_table_unref (bus->nested);
    g_hash_table_unref (bus->packages);
    g_hash_table_unref (bus->connections);
    g_hash_table_unref (bus->addresses);
    g_hash_table_unref (bus->endpoints);
    g_bytes_unref (bus->empty);
    g_free (bus);
}

void
rsp_bus_set_transport (RspBus *bus, RspTransport *transport)
{
    /* What the former transport still carries is lost. */
    for (RspCall *call = bus->live; call; call = call->next)
        if (call->exchange)
            bus->transport->finish (bus->transport, call);
    if (bus->carrying) {
        RspCall *call = bus->carrying->call;
        bus->carrying = NULL;
        rsp_bus_call_unref (call);
    }
    bus->transport = transport;
}

void
rsp_bus_set_latency (RspBus *bus, gint64 http, gint64 apdu)
{
    bus->latency_http = MAX (http, 0);
    bus->latency_apdu = MAX (apdu, 0);
}

RspTrace *
rsp_bus_trace (RspBus *bus)
{
    return bus->trace;
}

guint
rsp_bus_in_flight (const RspBus *bus)
{
    return bus->in_flight;
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

static int
compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
rsp_bus_tls_servers (RspBus *bus)
{
    GPtrArray *names = g_ptr_array_new ();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init (&iter, bus->endpoints);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        const RspEndpoint *endpoint = value;
        if (rsp_credential_serves (&endpoint->credential))
            g_ptr_array_add (names, (gpointer)endpoint->name);
    }
    g_ptr_array_sort (names, compare_names);
    return names;
}
