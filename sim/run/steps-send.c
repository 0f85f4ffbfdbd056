#include "sim/run/runner.h"
#include "sim/run/trace-view.h"
#include "sim/run/world-private.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
    const RspFunction *fn;
    RspEncoding encoding;
} Pending;

/* "success", or the name of the error in a card's answer. */
static char *
card_code_of (const Pending *p, GBytes *body)
{
    const char *type = p->fn->response_type;
    g_autoptr (RspAsn1) answer = type ? rsp_asn1_decode (type, body, NULL) : NULL;
    if (!answer)
        return g_strdup ("undecodable");
    g_autofree char *hex = rsp_hex (rsp_slice_of (body));
    char *name = rsp_trace_refusal (p->fn->full_name, hex);
    return name ? name : g_strdup ("success");
}

static char *
code_of (const Pending *p, GBytes *body)
{
    RspStatus status;
    if (p->fn->binding == RSP_BINDING_CARD)
        return card_code_of (p, body);
    g_autoptr (RspFields) fields =
        p->fn->binding == RSP_BINDING_HTTP
            ? rsp_fields_decode_as (p->fn, RSP_LEG_RESPONSE, p->encoding, body, NULL)
            : NULL;
    if (!fields)
        return g_strdup ("undecodable");
    return rsp_fields_failed (fields, &status) ? rsp_run_code (status.subject, status.reason)
                                               : g_strdup ("success");
}

static void
match_answer (Pending *p, const RspYaml *expect, const RspReply *reply)
{
    RspRun *run = p->run;
    const RspYaml *code = rsp_yaml_get (expect, "code"), *body = rsp_yaml_get (expect, "body");
    g_autofree char *sw = g_strdup_printf ("%04X", reply->sw);
    if (!rsp_run_match (run, rsp_yaml_get (expect, "failure"), rsp_reply_name (reply->kind)))
        return;
    if (reply->kind != RSP_REPLY_OK) {
        if (!rsp_yaml_get (expect, "failure"))
            rsp_run_fail (run, expect, "expected an answer, got %s", rsp_reply_name (reply->kind));
        return;
    }
    if (!rsp_run_match_number (run, rsp_yaml_get (expect, "http"), reply->http) ||
        !rsp_run_match (run, rsp_yaml_get (expect, "sw"), sw))
        return;
    if (code) {
        g_autofree char *got = code_of (p, reply->body);
        rsp_run_match (run, code, got);
    }
    rsp_run_match_hex (run, body, rsp_slice_of (reply->body));
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    Pending *p = data;
    const RspYaml *expect = rsp_yaml_get (p->step, "expect");
    p->run->step_done = TRUE;
    if (expect)
        match_answer (p, expect, reply);
}

static GBytes *
body_of (RspRun *run, const RspYaml *step)
{
    const RspYaml *hex = rsp_yaml_get (step, "hex");
    g_autofree char *text = rsp_run_text (run, rsp_yaml_get (step, "body"));
    gint64 padding = 0;
    if (hex)
        return rsp_unhex (hex->text);
    rsp_yaml_opt_int (step, "padding", 0, 1 << 26, &padding, NULL);
    gsize n = text ? strlen (text) : 0;
    char *all = g_malloc (n + (gsize)padding + 1);
    if (n)
        memcpy (all, text, n);
    memset (all + n, ' ', (gsize)padding);
    return g_bytes_new_take (all, n + (gsize)padding);
}

/* A server is reached by its address, also when it is named as an actor. */
static const char *
address_of (const RspRun *run, const char *to)
{
    const RspWorldActor *a = rsp_world_actor (run->world, to);
    return a ? rsp_world_text (a->yaml, "fqdn", to) : to;
}

/* Whoever sends may die of a fault, and then nobody waits for the answer. */
static gboolean
wait_for_answer (RspRun *run, const RspYaml *step)
{
    const RspWorldActor *sender = rsp_world_actor (run->world, rsp_yaml_get (step, "as")->text);
    guint64 life = sender ? sender->base.incarnation : 0;
    gboolean good = rsp_run_wait (run, step);
    if (!good && sender && sender->base.incarnation != life)
        run->stuck = FALSE;
    return good;
}

void
rsp_step_send (RspRun *run, const RspYaml *step)
{
    const RspFunction *fn = rsp_function_by_name (rsp_yaml_get (step, "function")->text);
    const RspYaml *binding = rsp_yaml_get (step, "binding");
    gboolean asn1 =
        binding ? strcmp (binding->text, "asn1") == 0 : rsp_function_encoding (fn) == RSP_ENC_DER;
    Pending pending = {run, step, fn, asn1 ? RSP_ENC_DER : RSP_ENC_JSON};
    RspCallOptions options = {.asn1 = asn1};
    g_autoptr (GBytes) body = body_of (run, step);
    gint64 repeat = 1;
    rsp_yaml_opt_int (step, "repeat", 1, 1000000, &repeat, NULL);
    for (gint64 i = 0; i < repeat && !run->failure; i++) {
        run->step_done = FALSE;
        rsp_bus_call (run->world->bus, rsp_yaml_get (step, "as")->text,
                      address_of (run, rsp_yaml_get (step, "to")->text), fn, body, &options,
                      on_reply, &pending);
        wait_for_answer (run, step);
    }
}
