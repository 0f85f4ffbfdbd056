#include "sim/net/bus-private.h"

#include <string.h>

#define DEFAULT_LATENCY_HTTP (20 * G_TIME_SPAN_MILLISECOND)
#define DEFAULT_LATENCY_APDU (1 * G_TIME_SPAN_MILLISECOND)
#define DEFAULT_LATENCY_RADIO (50 * G_TIME_SPAN_MILLISECOND)

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
rsp_reply_name (RspReplyKind kind)
{
    static const char *const names[] = {
        [RSP_REPLY_OK] = NULL,     [RSP_REPLY_TIMEOUT] = "timeout",
        [RSP_REPLY_LINK] = "link", [RSP_REPLY_UNRESOLVED] = "unresolved",
        [RSP_REPLY_TLS] = "tls",
    };
    return names[kind];
}

const char *
rsp_reply_problem (const RspReply *reply, const RspFunction *function)
{
    if (reply->kind != RSP_REPLY_OK)
        return rsp_reply_name (reply->kind);
    if (function->binding == RSP_BINDING_HTTP)
        return reply->http / 100 == 2 ? NULL : "http";
    return reply->sw >> 8 == 0x90 || reply->sw >> 8 == 0x91 ? NULL : "statusWord";
}

const char *
rsp_bus_callee (const RspCall *call)
{
    if (!call->dst)
        return call->address;
    return call->dst->name == call->bus->gateway ? rsp_intern (call->address) : call->dst->name;
}

/* The message event of a stage; its parent is the leg's sending, and of that whatever runs now. */
guint64
rsp_bus_trace_transit (RspBus *bus, const RspTransit *transit, RspStage stage, const char *error)
{
    if (!rsp_bus_traced (bus))
        return 0;
    const RspCall *call = transit->call;
    gboolean request = transit->leg == RSP_LEG_REQUEST;
    const char *dst = rsp_bus_callee (call);
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
        .encoding = call->encoding,
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

/* Endpoints ----------------------------------------------------------------------------------- */

RspEndpoint *
rsp_bus_endpoint (RspBus *bus, const char *name, gboolean make)
{
    RspEndpoint *endpoint = g_hash_table_lookup (bus->endpoints, name);
    if (!endpoint && make) {
        endpoint = g_new0 (RspEndpoint, 1);
        endpoint->name = rsp_intern (name);
        g_hash_table_insert (bus->endpoints, (gpointer)endpoint->name, endpoint);
    }
    return endpoint;
}

static void
credential_clear (RspCredential *credential)
{
    g_clear_pointer (&credential->cert, rsp_cert_unref);
    g_clear_pointer (&credential->roots, g_ptr_array_unref);
    g_clear_pointer (&credential->clients, g_ptr_array_unref);
    g_clear_pointer (&credential->crls, g_ptr_array_unref);
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
    endpoint->crashed = FALSE;
}

void
rsp_bus_set_crash (RspBus *bus, RspCrashFunc func, gpointer data)
{
    bus->crash = func;
    bus->crash_data = data;
}

gboolean
rsp_bus_crashed (RspBus *bus, const char *actor)
{
    const RspEndpoint *endpoint = rsp_bus_endpoint (bus, actor, FALSE);
    return endpoint && endpoint->crashed;
}

void
rsp_bus_attach_card (RspBus *bus, const char *card, RspServeFunc serve, gpointer data)
{
    RspEndpoint *endpoint = rsp_bus_endpoint (bus, card, TRUE);
    endpoint->card_serve = serve;
    endpoint->card_data = data;
    endpoint->known = TRUE;
}

void
rsp_bus_set_power_loss (RspBus *bus, const char *name, void (*func) (gpointer data))
{
    rsp_bus_endpoint (bus, name, TRUE)->power_loss = func;
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
                rsp_bus_fail_later (call, RSP_REPLY_LINK);
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
        endpoint->power_loss = NULL;
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

void
rsp_bus_set_gateway (RspBus *bus, const char *name)
{
    bus->gateway = rsp_intern (name);
}

void
rsp_bus_set_interfaces (RspBus *bus, const char *name, guint interfaces)
{
    rsp_bus_endpoint (bus, name, TRUE)->interfaces = interfaces;
}

guint
rsp_bus_interfaces (RspBus *bus, const char *name)
{
    const RspEndpoint *endpoint = rsp_bus_endpoint (bus, name, FALSE);
    return endpoint ? endpoint->interfaces : 0;
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
    if (copy.crls)
        g_ptr_array_ref (copy.crls);
    if (copy.cert)
        rsp_cert_ref (copy.cert);
    if (copy.roots)
        g_ptr_array_ref (copy.roots);
    if (copy.clients)
        g_ptr_array_ref (copy.clients);
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
    bus->eims = g_hash_table_new (NULL, NULL);
    bus->nested = rsp_bus_nested_table ();
    bus->nested_held = rsp_bus_nested_table ();
    bus->latency_http = DEFAULT_LATENCY_HTTP;
    bus->latency_apdu = DEFAULT_LATENCY_APDU;
    bus->latency_radio = DEFAULT_LATENCY_RADIO;
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
    g_hash_table_remove_all (bus->nested_held);
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
    g_hash_table_unref (bus->nested_held);
    g_hash_table_unref (bus->nested);
    g_hash_table_unref (bus->packages);
    g_hash_table_unref (bus->eims);
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
rsp_bus_set_latency (RspBus *bus, gint64 http, gint64 apdu, gint64 radio)
{
    bus->latency_http = MAX (http, 0);
    bus->latency_apdu = MAX (apdu, 0);
    bus->latency_radio = MAX (radio, 0);
}

void
rsp_bus_set_link (RspBus *bus, const char *device, RspLink *link)
{
    rsp_bus_endpoint (bus, device, TRUE)->link = link;
}

void
rsp_bus_set_timed (RspBus *bus, const char *card)
{
    rsp_bus_endpoint (bus, card, TRUE)->timed = TRUE;
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
