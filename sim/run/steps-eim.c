#include "sim/run/eim-orders.h"
#include "sim/run/world-private.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
    const RspWorldActor *actor; /* the eIM; a crash gives it a new life */
} Queueing;

static void
on_pushed (const char *result, gpointer data)
{
    Queueing *q = data;
    const RspYaml *expect = rsp_yaml_get (q->step, "expect");
    const RspYaml *want = expect ? rsp_yaml_get (expect, "result") : NULL;
    q->run->step_done = TRUE;
    if (want)
        rsp_run_match (q->run, want, result);
    else if (strcmp (result, "ok") != 0)
        rsp_run_fail (q->run, q->step, "expected result ok, got %s", result);
}

/* --- the step --- */

static gboolean
match_error (Queueing *q, const GError *error)
{
    const RspYaml *expect = rsp_yaml_get (q->step, "expect");
    const RspYaml *want = expect ? rsp_yaml_get (expect, "error") : NULL;
    if (want)
        return rsp_run_match (q->run, want, error ? error->message : NULL);
    return !error || rsp_run_fail (q->run, q->step, "expected a package, got %s", error->message);
}

static gboolean
act (Queueing *q, const char *eid)
{
    g_autoptr (GError) error = NULL;
    const RspYaml *verb = rsp_yaml_get (q->step, "do");
    const char *word = verb ? verb->text : "";
    if (strcmp (word, "push") == 0) {
        q->run->step_done = FALSE;
        g_autofree char *address = rsp_run_text (q->run, rsp_yaml_get (q->step, "address"));
        gboolean json = strcmp (rsp_world_text (q->step, "binding", "asn1"), "json") == 0;
        rsp_eim_push (q->actor->eim, eid, address, json, on_pushed, q);
        return rsp_run_wait (q->run, q->step) && !q->run->failure;
    }
    rsp_order_eim_package (q->run, q->run->world, q->actor->eim, q->step, eid, &error);
    return match_error (q, error);
}

static gboolean
act_on_card (Queueing *q, const RspWorldActor *eim, const char *name)
{
    const RspWorld *w = q->run->world;
    if (strcmp (name, "all") != 0)
        return act (q, rsp_yaml_get (rsp_world_actor (w, name)->yaml, "eid")->text);
    for (guint i = 0; i < w->actors->len; i++) {
        const RspWorldActor *a = w->actors->pdata[i];
        if (rsp_world_manages (eim, a) && !act (q, rsp_yaml_get (a->yaml, "eid")->text))
            return FALSE;
    }
    return TRUE;
}

void
rsp_step_eim (RspRun *run, const RspYaml *step)
{
    const RspWorldActor *a = rsp_world_actor (run->world, rsp_yaml_get (step, "at")->text);
    const RspYaml *to = rsp_yaml_get (step, "to");
    g_autofree char *eid = rsp_run_text (run, rsp_yaml_get (step, "eid"));
    Queueing q = {.run = run, .step = step, .actor = a};
    if (!to)
        act (&q, eid);
    else if (to->kind != RSP_YAML_LIST)
        act_on_card (&q, a, to->text);
    else
        for (guint i = 0; i < to->items->len; i++)
            if (!act_on_card (&q, a, ((RspYaml *)to->items->pdata[i])->text))
                break;
    run->step_done = TRUE;
}
