#include "components/lpa/lpa-private.h"

#include "asn1/event-entries.h"

#include <string.h>

#define DEFAULT_TIMEOUT (30 * G_USEC_PER_SEC)
#define DEFAULT_USER_TIMEOUT (60 * G_USEC_PER_SEC)
#define LOAD_FACTOR 4 /* loading a package is many APDUs */

G_DEFINE_QUARK (rsp_lpa_error, rsp_lpa_error)

typedef struct {
    RspLpa *lpa;
    guint64 event;
    RspLpaFunc func;
    RspLpaListFunc list_func;
    gpointer data;
} RefusedOperation;

static void
operation_free (LpaOperation *op)
{
    if (!op)
        return;
    if (op->code)
        rsp_wipe (op->code, strlen (op->code));
    g_free (op->code);
    g_free (op->step);
    g_free (op->error);
    g_free (op->subject);
    g_free (op->reason);
    g_free (op->iccid);
    g_free (op->address);
    g_free (op->matching_id);
    g_free (op->oid);
    g_free (op->transaction_text);
    g_free (op->proxy);
    g_clear_pointer (&op->proxy_transaction, g_bytes_unref);
    g_clear_pointer (&op->ctx_params, g_bytes_unref);
    g_clear_pointer (&op->hash_cc, g_bytes_unref);
    g_clear_pointer (&op->trigger, g_bytes_unref);
    g_clear_pointer (&op->result, g_bytes_unref);
    g_clear_pointer (&op->info1, g_bytes_unref);
    g_clear_pointer (&op->transaction_id, g_bytes_unref);
    g_clear_pointer (&op->client_reply, rsp_fields_free);
    g_clear_pointer (&op->metadata, rsp_metadata_free);
    g_clear_pointer (&op->notes, g_ptr_array_unref);
    g_clear_pointer (&op->pir, g_bytes_unref);
    g_clear_pointer (&op->discovery, lpa_discovery_free);
    g_clear_pointer (&op->profiles, g_ptr_array_unref);
    g_clear_pointer (&op->command, g_bytes_unref);
    lpa_profile_free (op->profile);
    g_free (op);
}

static void
tell (RspLpaFunc func, RspLpaListFunc list_func, const GPtrArray *profiles,
      const RspLpaOutcome *outcome, gpointer data)
{
    if (list_func)
        list_func (profiles, outcome, data);
    else if (func)
        func (outcome, data);
}

static void
tell_busy (gpointer data)
{
    RefusedOperation *refused = data;
    RefusedOperation copy = *refused;
    g_ptr_array_remove (refused->lpa->refused, refused);
    tell (copy.func, copy.list_func, NULL, &(RspLpaOutcome){.step = "start", .error = "busy"},
          copy.data);
}

LpaOperation *
lpa_begin (RspLpa *lpa, const char *name, RspLpaFunc func, RspLpaListFunc list_func, gpointer data)
{
    if (lpa->op) {
        RefusedOperation *refused = g_new0 (RefusedOperation, 1);
        *refused =
            (RefusedOperation){.lpa = lpa, .func = func, .list_func = list_func, .data = data};
        g_ptr_array_add (lpa->refused, refused);
        refused->event = rsp_loop_after (lpa->actor->loop, 0, tell_busy, refused, NULL);
        return NULL;
    }
    LpaOperation *op = g_new0 (LpaOperation, 1);
    op->name = name;
    op->func = func;
    op->list_func = list_func;
    op->data = data;
    lpa->op = op;
    rsp_actor_state (lpa->actor, "lpa", "idle", name);
    return op;
}

void
lpa_finish (RspLpa *lpa)
{
    if (lpa->op->discovery && lpa_discovery_goes_on (lpa))
        return;
    lpa_progress (lpa, lpa->op->error ? "failed" : "done");
    LpaOperation *op = g_steal_pointer (&lpa->op);
    lpa->state = LPA_IDLE;
    rsp_actor_state (lpa->actor, "lpa", op->name, "idle");
    RspLpaOutcome outcome = {
        .ok = !op->error,
        .step = op->error ? op->step : "done",
        .error = op->error,
        .subject = op->subject,
        .reason = op->reason,
        .iccid = op->iccid,
        .cancelled = op->cancelled,
        .result = op->result,
        .trigger = op->trigger,
        .events = op->events,
        .installed = op->installed,
        .delivered = op->delivered,
        .pending = op->pending,
    };
    tell (op->func, op->list_func, op->error ? NULL : op->profiles, &outcome, op->data);
    if (!op->keep_notifications)
        lpa_schedule_retry (lpa, op->pending);
    lpa_polling_after (lpa, op);
    operation_free (op);
}

void
lpa_finish_early (gpointer data)
{
    RspLpa *lpa = data;
    lpa->start_event = 0;
    lpa_finish (lpa);
}

void
lpa_end_early (RspLpa *lpa, const char *step, const char *error)
{
    lpa_note_failure (lpa, step, error);
    lpa->start_event = rsp_loop_after (lpa->actor->loop, 0, lpa_finish_early, lpa, NULL);
}

void
lpa_note_failure (RspLpa *lpa, const char *step, const char *error)
{
    if (lpa->op->error)
        return;
    lpa->op->step = g_strdup (step ? step : lpa->function->full_name);
    lpa->op->error = g_strdup (error);
}

void
lpa_fail (RspLpa *lpa, const char *step, const char *error)
{
    lpa_note_failure (lpa, step, error);
    lpa_finish (lpa);
}

void
lpa_check_event (RspLpa *lpa, const char *op, const char *key, const char *result)
{
    rsp_trace_event (lpa->actor->trace, &(RspTraceEvent){.kind = RSP_TRACE_CHECK,
                                                         .src = lpa->actor->name,
                                                         .op = op,
                                                         .key = key,
                                                         .result = result});
}

gboolean
lpa_card_response (RspLpa *lpa, const RspReply *reply, RspTlv *ret_tlv)
{
    return rsp_tlv_single (rsp_slice_of (reply->body), lpa->function->tag, ret_tlv);
}

gboolean
lpa_read_card (RspLpa *lpa, const RspReply *reply, RspTlv *ret_tlv)
{
    const char *problem = rsp_reply_problem (reply, lpa->function);
    if (!problem && !lpa_card_response (lpa, reply, ret_tlv))
        problem = "badReply";
    if (problem)
        lpa_fail (lpa, NULL, problem);
    return !problem;
}

gboolean
lpa_card_answered (RspLpa *lpa, const RspReply *reply, RspTlv *ret_tlv)
{
    const char *problem = rsp_reply_problem (reply, lpa->function);
    if (reply->kind != RSP_REPLY_OK) {
        lpa_fail (lpa, NULL, problem);
        return FALSE;
    }
    if (problem || !lpa_card_response (lpa, reply, ret_tlv)) {
        lpa_cancel (lpa, LPA_CANCEL_UNDEFINED, NULL, problem ? problem : "badReply");
        return FALSE;
    }
    return TRUE;
}

gboolean
lpa_integer (RspSlice value, guint64 *ret)
{
    if (value.len == 0 || value.len > 8 || value.data[0] & 0x80)
        return FALSE;
    *ret = 0;
    for (gsize i = 0; i < value.len; i++)
        *ret = *ret << 8 | value.data[i];
    return TRUE;
}

char *
lpa_text (RspSlice value)
{
    if (value.len > 0 && !g_utf8_validate ((const char *)value.data, (gssize)value.len, NULL))
        return NULL;
    return g_strndup ((const char *)value.data, value.len);
}

char *
lpa_address (RspSlice value)
{
    g_autofree char *text = lpa_text (value);
    return text && rsp_server_address_valid (text) ? g_steal_pointer (&text) : NULL;
}

GBytes *
lpa_take (GByteArray *out)
{
    return g_byte_array_free_to_bytes (out);
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    RspLpa *lpa = data;
    switch (lpa->state) {
    case LPA_IDLE:
    case LPA_ASK_USER:
        g_assert_not_reached ();
    case LPA_GET_ADDRESSES:
        lpa_on_addresses (lpa, reply);
        break;
    case LPA_GET_SMDS_ADDRESSES:
        lpa_on_smds_addresses (lpa, reply);
        break;
    case LPA_READ_STATE:
        lpa_on_state (lpa, reply);
        break;
    case LPA_GET_INFO1:
        lpa_on_info1 (lpa, reply);
        break;
    case LPA_GET_CHALLENGE:
        lpa_on_challenge (lpa, reply);
        break;
    case LPA_INITIATE_AUTHENTICATION:
        lpa_on_initiate_authentication (lpa, reply);
        break;
    case LPA_AUTHENTICATE_SERVER:
        lpa_on_authenticate_server (lpa, reply);
        break;
    case LPA_AUTHENTICATE_CLIENT:
        lpa_on_authenticate_client (lpa, reply);
        break;
    case LPA_GET_RAT:
        lpa_on_rat (lpa, reply);
        break;
    case LPA_GET_OPERATIONAL_PROFILES:
        lpa_on_operational_profiles (lpa, reply);
        break;
    case LPA_PREPARE_DOWNLOAD:
        lpa_on_prepare_download (lpa, reply);
        break;
    case LPA_GET_BOUND_PROFILE_PACKAGE:
        lpa_on_bound_profile_package (lpa, reply);
        break;
    case LPA_LOAD_BOUND_PROFILE_PACKAGE:
        lpa_on_load (lpa, reply);
        break;
    case LPA_CANCEL_ON_CARD:
        lpa_on_cancel_card (lpa, reply);
        break;
    case LPA_CANCEL_ON_SERVER:
        lpa_on_cancel_server (lpa, reply);
        break;
    case LPA_LIST_NOTIFICATIONS:
        lpa_on_notification_list (lpa, reply);
        break;
    case LPA_RETRIEVE_NOTIFICATION:
        lpa_on_notification (lpa, reply);
        break;
    case LPA_SEND_NOTIFICATION:
        lpa_on_notification_sent (lpa, reply);
        break;
    case LPA_REMOVE_NOTIFICATION:
        lpa_on_notification_removed (lpa, reply);
        break;
    case LPA_READ_PROFILE:
        lpa_on_read_profile (lpa, reply);
        break;
    case LPA_LOCAL:
        lpa_on_local (lpa, reply);
        break;
    case LPA_LIST_PROFILES:
        lpa_on_profile_list (lpa, reply);
        break;
    }
}

void
lpa_call (RspLpa *lpa, LpaState state, RspFunctionId function, const char *address, GBytes *body)
{
    lpa->state = state;
    lpa->function = rsp_function (function);
    gboolean card = lpa->function->binding == RSP_BINDING_CARD;
    RspEncoding encoding =
        function == RSP_FN_ES9P_HANDLE_NOTIFICATION ? lpa->encoding : lpa_session_encoding (lpa);
    RspCallOptions options = {.timeout = lpa->timeout,
                              .transaction_id = lpa->op->transaction_text,
                              .asn1 = encoding == RSP_ENC_DER};
    if (function == RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE)
        options.timeout *= LOAD_FACTOR;
    rsp_bus_call (lpa->actor->bus, lpa->actor->name, card ? lpa->card : address, lpa->function,
                  body, &options, on_reply, lpa);
    g_bytes_unref (body);
}

RspLpa *
rsp_lpa_new (const RspActor *actor, const RspLpaConfig *config)
{
    RspLpa *lpa = g_new0 (RspLpa, 1);
    lpa->actor = actor;
    lpa->card = g_strdup (config->card);
    lpa->imei = g_strdup (config->imei);
    lpa->tac = config->imei && strlen (config->imei) >= 8 ? g_strndup (config->imei, 8)
                                                          : g_strdup (config->tac);
    lpa->timeout = config->timeout > 0 ? config->timeout : DEFAULT_TIMEOUT;
    lpa->user_timeout = config->user_timeout > 0 ? config->user_timeout : DEFAULT_USER_TIMEOUT;
    lpa->retry = config->retry;
    lpa->imposed_ci = config->imposed_ci ? g_bytes_ref (config->imposed_ci) : NULL;
    lpa->test_mode = config->test_mode;
    lpa->check_dates = config->check_dates;
    lpa->lenient = config->lenient_matching_id;
    lpa->encoding = config->asn1_binding ? RSP_ENC_DER : RSP_ENC_JSON;
    lpa->proxy_encoding = config->json_proxy ? RSP_ENC_JSON : RSP_ENC_DER;
    lpa->smds = g_strdupv ((char **)config->smds);
    lpa->power_on_discovery = config->power_on_discovery;
    lpa->polling = config->polling;
    lpa->unattended = config->unattended;
    lpa->refused = g_ptr_array_new_with_free_func (g_free);
    return lpa;
}

void
rsp_lpa_free (RspLpa *lpa)
{
    if (!lpa)
        return;
    rsp_bus_detach (lpa->actor->bus, lpa->actor->name);
    rsp_loop_cancel (lpa->actor->loop, lpa->start_event);
    rsp_loop_cancel (lpa->actor->loop, lpa->answer_event);
    rsp_loop_cancel (lpa->actor->loop, lpa->retry_event);
    rsp_loop_cancel (lpa->actor->loop, lpa->poll_event);
    rsp_loop_cancel (lpa->actor->loop, lpa->look_event);
    for (guint i = 0; i < lpa->refused->len; i++) {
        RefusedOperation *refused = g_ptr_array_index (lpa->refused, i);
        rsp_loop_cancel (lpa->actor->loop, refused->event);
    }
    g_ptr_array_unref (lpa->refused);
    operation_free (lpa->op);
    g_clear_pointer (&lpa->imposed_ci, g_bytes_unref);
    g_strfreev (lpa->smds);
    g_free (lpa->card);
    g_free (lpa->imei);
    g_free (lpa->tac);
    g_free (lpa);
}
