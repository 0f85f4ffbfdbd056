#include "components/ipa/ipa-private.h"

#include "asn1/ids.h"

#include <string.h>

#define DEFAULT_TIMEOUT (30 * G_USEC_PER_SEC)

typedef struct {
    RspIpa *ipa;
    guint64 event;
    RspIpaFunc func;
    gpointer data;
} RefusedOperation;

static void
operation_free (IpaOperation *op)
{
    if (!op)
        return;
    g_free (op->step);
    g_free (op->error);
    g_free (op->result);
    g_free (op->code);
    g_free (op->iccid);
    g_clear_pointer (&op->eims, g_ptr_array_unref);
    g_clear_pointer (&op->results, g_ptr_array_unref);
    g_clear_pointer (&op->notifications, g_ptr_array_unref);
    g_clear_pointer (&op->to_remove, g_array_unref);
    g_clear_pointer (&op->for_smdp, g_array_unref);
    g_clear_pointer (&op->sending, g_bytes_unref);
    g_clear_pointer (&op->package_result, g_bytes_unref);
    g_clear_pointer (&op->profile_result, g_bytes_unref);
    g_clear_pointer (&op->transaction, g_bytes_unref);
    g_clear_pointer (&op->request, rsp_asn1_free);
    g_clear_pointer (&op->elements, g_byte_array_unref);
    g_clear_pointer (&op->command, g_bytes_unref);
    g_clear_pointer (&op->answer, g_bytes_unref);
    g_free (op->kept_key);
    if (op->call)
        rsp_call_fail (op->call, RSP_REPLY_LINK);
    g_free (op);
}

static void
tell_busy (gpointer data)
{
    RefusedOperation *refused = data;
    RefusedOperation copy = *refused;
    g_ptr_array_remove (refused->ipa->refused, refused);
    if (copy.func)
        copy.func (&(RspIpaOutcome){.step = "start", .error = "busy"}, copy.data);
}

IpaOperation *
ipa_begin (RspIpa *ipa, const char *name, RspIpaFunc func, gpointer data)
{
    if (ipa->op) {
        RefusedOperation *refused = g_new0 (RefusedOperation, 1);
        *refused = (RefusedOperation){.ipa = ipa, .func = func, .data = data};
        g_ptr_array_add (ipa->refused, refused);
        refused->event = rsp_loop_after (ipa->actor->loop, 0, tell_busy, refused, NULL);
        return NULL;
    }
    IpaOperation *op = g_new0 (IpaOperation, 1);
    op->name = name;
    op->func = func;
    op->data = data;
    op->to_remove = g_array_new (FALSE, FALSE, sizeof (guint64));
    op->for_smdp = g_array_new (FALSE, FALSE, sizeof (guint64));
    ipa->op = op;
    rsp_actor_state (ipa->actor, "ipa", "idle", name);
    return op;
}

static void on_period (gpointer data);

/* In whole milliseconds. */
static gint64
jitter (RspIpa *ipa)
{
    gint64 most = MIN (ipa->config.jitter / 1000, (gint64)G_MAXINT32);
    return (gint64)rsp_rng_below (ipa->jitter, (guint32)most + 1) * 1000;
}

static void
arm (RspIpa *ipa)
{
    rsp_loop_cancel (ipa->actor->loop, ipa->poll_event);
    ipa->poll_event = 0;
    gint64 later = ipa->jitter ? jitter (ipa) : 0;
    if (ipa->config.period > 0)
        ipa->poll_event = rsp_loop_after_background (ipa->actor->loop, ipa->config.period + later,
                                                     on_period, ipa, NULL);
}

static void
on_period (gpointer data)
{
    RspIpa *ipa = data;
    ipa->poll_event = 0;
    if (ipa->op)
        arm (ipa);
    else
        rsp_ipa_poll (ipa, NULL, NULL);
}

void
ipa_finish (RspIpa *ipa)
{
    if (rsp_bus_crashed (ipa->actor->bus, ipa->actor->name))
        return; /* who waits hears of it after the boot */
    IpaOperation *op = g_steal_pointer (&ipa->op);
    rsp_actor_state (ipa->actor, "ipa", op->name, "idle");
    RspIpaOutcome outcome = {
        .ok = !op->error,
        .step = op->error ? op->step : "done",
        .error = op->error,
        .packages = op->packages,
        .delivered = op->delivered,
        .kept = op->kept,
        .installed = op->installed,
        .failed = op->failed,
        .rolled_back = op->rolled_back,
        .eims = op->eims ? op->eims->len : 0,
        .result = op->result,
        .code = op->code,
        .iccid = op->iccid,
        .answer = op->answer,
    };
    arm (ipa);
    if (op->func)
        op->func (&outcome, op->data);
    operation_free (op);
    ipa_serve_waiting (ipa);
}

static void
on_pause_over (gpointer data)
{
    RspIpa *ipa = data;
    ipa->start_event = 0;
    ipa->after_pause (ipa);
}

void
ipa_after_pause (RspIpa *ipa, IpaNext next)
{
    ipa->after_pause = next;
    ipa->start_event =
        rsp_loop_after (ipa->actor->loop, ipa->config.pause, on_pause_over, ipa, NULL);
}

void
ipa_note_failure (RspIpa *ipa, const char *step, const char *error)
{
    IpaOperation *op = ipa->op;
    if (op->error)
        return;
    op->step = g_strdup (step ? step : ipa->function->full_name);
    op->error = g_strdup (error);
}

void
ipa_fail (RspIpa *ipa, const char *step, const char *error)
{
    ipa_note_failure (ipa, step, error);
    ipa_finish (ipa);
}

void
ipa_set_result (RspIpa *ipa, const char *result)
{
    g_free (ipa->op->result);
    ipa->op->result = g_strdup (result);
}

void
ipa_check_event (RspIpa *ipa, const char *op, const char *key, const char *result)
{
    rsp_trace_event (ipa->actor->trace, &(RspTraceEvent){.kind = RSP_TRACE_CHECK,
                                                         .src = ipa->actor->name,
                                                         .op = op,
                                                         .key = key,
                                                         .result = result});
}

const char *
ipa_problem (const RspIpa *ipa, const RspReply *reply)
{
    return rsp_reply_problem (reply, ipa->function);
}

RspAsn1 *
ipa_decode (RspIpa *ipa, const RspReply *reply, const char *type)
{
    const char *problem = ipa_problem (ipa, reply);
    RspAsn1 *node = problem ? NULL : rsp_asn1_decode (type, reply->body, NULL);
    if (!node)
        ipa_note_failure (ipa, NULL, problem ? problem : "badReply");
    return node;
}

GBytes *
ipa_take (GByteArray *out)
{
    return g_byte_array_free_to_bytes (out);
}

const char *
ipa_code_name (const char *enumeration, gint64 value)
{
    const char *name = rsp_code_name (enumeration, value);
    return name ? name : "undefinedError";
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    RspIpa *ipa = data;
    gboolean json = ipa->config.json && ipa->function->binding == RSP_BINDING_HTTP &&
                    reply->kind == RSP_REPLY_OK && reply->http / 100 == 2;
    g_autoptr (GBytes) body = json ? ipa_answer_in_asn1 (ipa->function, reply->body) : NULL;
    RspReply own = *reply;
    if (json)
        own.body = body;
    ipa->answered (ipa, &own);
}

void
ipa_call (RspIpa *ipa, RspFunctionId function, const char *address, GBytes *body,
          IpaAnswered answered)
{
    ipa->function = rsp_function (function);
    ipa->answered = answered;
    gboolean card = ipa->function->binding == RSP_BINDING_CARD;
    g_autoptr (GBytes) asn1 = body;
    if (card && ipa_emulates (ipa, ipa->function, body))
        return;
    g_autoptr (GBytes) sent =
        ipa->config.json && !card ? ipa_request_in_json (ipa->function, asn1) : g_bytes_ref (asn1);
    RspCallOptions options = {.timeout = ipa->timeout, .asn1 = !ipa->config.json};
    rsp_bus_call (ipa->actor->bus, ipa->actor->name, card ? ipa->card : address, ipa->function,
                  sent, &options, on_reply, ipa);
}

void
ipa_card_call (RspIpa *ipa, RspFunctionId function, RspSlice content, IpaAnswered answered)
{
    GByteArray *out = g_byte_array_sized_new ((guint)content.len + 8);
    rsp_tlv_put (out, rsp_function (function)->tag, content);
    ipa_call (ipa, function, NULL, ipa_take (out), answered);
}

RspIpa *
rsp_ipa_new (const RspActor *actor, const RspIpaConfig *config, GError **error)
{
    g_autoptr (RspNvm) memory = rsp_nvm_open (config->memory, error);
    if (!memory)
        return NULL;
    RspIpa *ipa = g_new0 (RspIpa, 1);
    ipa->actor = actor;
    ipa->config = *config;
    ipa->card = g_strdup (config->card);
    ipa->fqdn = g_strdup (config->fqdn);
    ipa->eim_address = g_strdup (config->eim_address);
    ipa->tac = g_strdup (config->tac ? config->tac : RSP_DEFAULT_TAC);
    ipa->timeout = config->timeout > 0 ? config->timeout : DEFAULT_TIMEOUT;
    ipa->refused = g_ptr_array_new_with_free_func (g_free);
    ipa->memory = g_steal_pointer (&memory);
    ipa->jitter = config->jitter > 0 ? rsp_actor_rng (actor, "poll") : NULL;
    rsp_bus_attach (actor->bus, actor->name, ipa_serve, ipa);
    if (ipa->fqdn)
        rsp_bus_add_address (actor->bus, ipa->fqdn, actor->name);
    arm (ipa);
    return ipa;
}

void
rsp_ipa_free (RspIpa *ipa)
{
    if (!ipa)
        return;
    rsp_bus_detach (ipa->actor->bus, ipa->actor->name);
    rsp_loop_cancel (ipa->actor->loop, ipa->start_event);
    rsp_loop_cancel (ipa->actor->loop, ipa->poll_event);
    for (guint i = 0; i < ipa->refused->len; i++) {
        RefusedOperation *refused = g_ptr_array_index (ipa->refused, i);
        rsp_loop_cancel (ipa->actor->loop, refused->event);
    }
    g_ptr_array_unref (ipa->refused);
    operation_free (ipa->op);
    if (ipa->waiting)
        rsp_call_fail (ipa->waiting, RSP_REPLY_LINK);
    ipa_emulation_free (ipa);
    g_clear_pointer (&ipa->jitter, rsp_rng_free);
    rsp_nvm_free (ipa->memory);
    g_free (ipa->card);
    g_free (ipa->fqdn);
    g_free (ipa->eim_address);
    g_free (ipa->tac);
    g_free (ipa);
}
