#include "sim/run/runner.h"
#include "sim/run/world-private.h"

#include <string.h>

/* Texts of a step with what was saved filled in, borrowed by operations until the step ends. */
typedef struct {
    RspRun *run;
    const RspYaml *step;
    RspEim *eim;
    GPtrArray *texts; /* to be freed */
} Queueing;

static const char *
text (Queueing *q, const RspYaml *map, const char *key)
{
    char *value = rsp_run_text (q->run, rsp_yaml_get (map, key));
    if (value)
        g_ptr_array_add (q->texts, value);
    return value;
}

/* --- operations --- */

static GBytes *
configuration (Queueing *q, const RspYaml *map, RspEimVerb verb)
{
    const RspYaml *hex = rsp_yaml_get (map, "configuration"), *name = rsp_yaml_get (map, "eim");
    if (hex)
        return rsp_unhex (hex->text);
    if (!name || (verb != RSP_EIM_ADD_EIM && verb != RSP_EIM_UPDATE_EIM))
        return NULL;
    return rsp_eim_configuration (rsp_world_actor (q->run->world, name->text)->eim,
                                  rsp_world_flag (map, "token", FALSE),
                                  rsp_world_number (map, "counter", 0));
}

static RspEimVerb
verb_of (const char *word)
{
    RspEimVerb verb = 0;
    while (verb < RSP_EIM_VERBS && strcmp (rsp_eim_verb_name (verb), word) != 0)
        verb++;
    return verb;
}

static RspEimOperation
read_operation (Queueing *q, const RspYaml *map)
{
    RspEimVerb verb = verb_of (rsp_yaml_get (map, "do")->text);
    return (RspEimOperation){.verb = verb,
                             .iccid = text (q, map, "iccid"),
                             .rollback = rsp_world_flag (map, "rollback", FALSE),
                             .immediate = rsp_world_flag (map, "immediate", TRUE),
                             .oid = text (q, map, "oid"),
                             .address = text (q, map, "address"),
                             .eim_id = text (q, map, "eim-id"),
                             .configuration = configuration (q, map, verb)};
}

static gint64
queue_operations (Queueing *q, const char *eid, GError **error)
{
    const RspYaml *list = rsp_yaml_get (q->step, "operations");
    guint n = list ? list->items->len : 1;
    g_autofree RspEimOperation *operations = g_new0 (RspEimOperation, n);
    for (guint i = 0; i < n; i++)
        operations[i] = read_operation (q, list ? list->items->pdata[i] : q->step);
    gint64 id = rsp_eim_queue_operations (q->eim, eid, operations, n, error);
    for (guint i = 0; i < n; i++)
        g_clear_pointer (&operations[i].configuration, g_bytes_unref);
    return id;
}

/* --- other packages --- */

static gint64
queue_download (Queueing *q, const char *eid, GError **error)
{
    const RspYaml *step = q->step;
    RspEimDownload d = {.activation_code = text (q, step, "activationCode"),
                        .confirmation_code = text (q, step, "confirmationCode"),
                        .smds_address = text (q, step, "smdsAddress"),
                        .bare = rsp_world_flag (step, "bare", FALSE)};
    d.smds = d.smds_address || rsp_world_flag (step, "smds", FALSE);
    return rsp_eim_queue_download (q->eim, eid, &d, error);
}

static gint64
queue_data_request (Queueing *q, const char *eid, GError **error)
{
    static const guint8 standard[] = {0xA5, 0xA6, 0xBF, 0x20}; /* both certificates, euiccInfo1 */
    const RspYaml *hex = rsp_yaml_get (q->step, "tags");
    g_autoptr (GBytes) tags = hex ? rsp_unhex (hex->text) : NULL;
    return rsp_eim_queue_data_request (
        q->eim, eid, tags ? rsp_slice_of (tags) : RSP_SLICE_ARRAY (standard), error);
}

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
        rsp_eim_push (q->eim, eid, text (q, q->step, "address"), on_pushed, q);
        return rsp_run_wait (q->run, q->step) && !q->run->failure;
    }
    if (strcmp (word, "download") == 0)
        queue_download (q, eid, &error);
    else if (strcmp (word, "data-request") == 0)
        queue_data_request (q, eid, &error);
    else
        queue_operations (q, eid, &error);
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
    g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
    Queueing q = {.run = run, .step = step, .eim = a->eim, .texts = texts};
    if (!to)
        act (&q, text (&q, step, "eid"));
    else if (to->kind != RSP_YAML_LIST)
        act_on_card (&q, a, to->text);
    else
        for (guint i = 0; i < to->items->len; i++)
            if (!act_on_card (&q, a, ((RspYaml *)to->items->pdata[i])->text))
                break;
    run->step_done = TRUE;
}
