#include "sim/net/bus-private.h"

/* Ends ---------------------------------------------------------------------------------------- */

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

void
rsp_bus_call_fails (RspCall *call, RspReplyKind kind, guint64 cause)
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
                                         rsp_reply_name (kind));
    rsp_bus_call_fails (transit->call, kind, seq);
}

/* Who called, as the link proves it. */
static void
call_identify (RspCall *call)
{
    if (call->client_given || !rsp_interface_is_mutual (call->fn->interface))
        return;
    RspCert *cert = call->caller ? call->caller->credential.cert : NULL;
    gboolean good = !call->tls.client_checked || call->tls.client == RSP_CHAIN_OK;
    g_clear_pointer (&call->client, g_free);
    g_clear_pointer (&call->client_cert, rsp_cert_unref);
    if (!cert) {
        call->client = g_strdup (call->src);
    } else if (good) {
        call->client = rsp_credential_client_name (&call->dst->credential, rsp_cert_der (cert));
        call->client_cert = rsp_cert_ref (cert);
    }
}

static void
request_arrives (RspCall *call)
{
    RspBus *bus = call->bus;
    guint64 seq = rsp_bus_trace_transit (bus, &call->request, RSP_STAGE_DELIVERED, NULL);
    if (bus->faults && rsp_faults_concern (bus->faults, call->fn))
        rsp_bus_observe (&call->request);
    call_identify (call);
    if (call->fn->id == RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE)
        rsp_bus_nested_eim (call);
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
    rsp_bus_nested_package (call);
    if (call->fn->id == RSP_FN_ESIPA_GET_EIM_PACKAGE)
        rsp_bus_nested_eim (call);
    call_complete (
        call,
        &(RspReply){
            .kind = RSP_REPLY_OK, .http = transit->http, .sw = transit->sw, .body = transit->body},
        seq);
}

/* The link of the device that called, or was called; NULL: none that is modelled. */
static RspLink *
link_of (const RspCall *call)
{
    if (call->fn->binding != RSP_BINDING_HTTP)
        return NULL;
    return call->caller && call->caller->link ? call->caller->link
           : call->dst                        ? call->dst->link
                                              : NULL;
}

/* The device has no bearer, or one that does not take such a message. */
static gboolean
has_no_link (const RspTransit *transit)
{
    const RspLink *link = link_of (transit->call);
    return link && (rsp_link_bearer (link) == RSP_BEARER_NONE ||
                    !rsp_link_takes (link, g_bytes_get_size (transit->body)));
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
    if (transit->fate == LEG_CUT || !call_is_served (call) || has_no_link (transit)) {
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
        rsp_bus_call_fails (call, transit->failure, transit->sent_seq);
    } else if (!call->awaiting) {
        rsp_bus_trace_transit (bus, transit, RSP_STAGE_DROPPED, "late");
    } else if (transit->fate == LEG_CUT || call->orphan || has_no_link (transit)) {
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

void
rsp_bus_carry_queued (RspBus *bus)
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
    rsp_bus_carry_queued (bus);
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
latency_of (const RspCall *call)
{
    const RspBus *bus = call->bus;
    switch (call->fn->binding) {
    case RSP_BINDING_HTTP:
        return bus->latency_http;
    case RSP_BINDING_APDU:
        return call->dst && call->dst->timed ? 0 : bus->latency_apdu;
    case RSP_BINDING_RADIO:
        return bus->latency_radio;
    case RSP_BINDING_CARD: /* a call inside the terminal; its APDUs take the time */
    case RSP_BINDING_NESTED:
        return 0;
    }
    g_assert_not_reached ();
}

static gint64
link_time (const RspTransit *transit)
{
    RspCall *call = transit->call;
    RspLink *link = link_of (call);
    gboolean request = transit->leg == RSP_LEG_REQUEST;
    if (!link || call->ghost)
        return 0;
    gboolean called = !call->caller || link != call->caller->link;
    gboolean shakes = rsp_bus_tls_shakes (call);
    return rsp_link_carry (link, request != called, request, g_bytes_get_size (transit->body),
                           request && shakes);
}

void
rsp_bus_send (RspTransit *transit)
{
    RspCall *call = transit->call;
    RspBus *bus = call->bus;
    gint64 delay = latency_of (call) + link_time (transit);
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

void
rsp_bus_fail_later (RspCall *call, RspReplyKind kind)
{
    RspTransit *transit = &call->response;
    transit->fate = LEG_FAILS;
    transit->failure = kind;
    transit->sent_seq = rsp_bus_cause (call->bus);
    transit->body = g_bytes_ref (call->bus->empty);
    call->refs++;
    rsp_bus_schedule (transit, latency_of (call));
}
