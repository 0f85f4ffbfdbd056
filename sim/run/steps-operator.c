#include "sim/run/runner.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
} Pending;

static const char *const text_members[] = {"iccid",
                                           "eid",
                                           "profileType",
                                           "matchingId",
                                           "confirmationCode",
                                           "smdsAddress",
                                           "finalProfileStatusIndicator",
                                           NULL};

static RspFields *
request_of (RspRun *run, const RspYaml *step, const RspFunction *fn)
{
    RspFields *fields = rsp_fields_new (fn, RSP_LEG_REQUEST);
    const RspYaml *release = rsp_yaml_get (step, "releaseFlag");
    gboolean flag = FALSE;
    for (guint i = 0; text_members[i]; i++) {
        g_autofree char *text = rsp_run_text (run, rsp_yaml_get (step, text_members[i]));
        if (text)
            rsp_fields_set_text (fields, text_members[i], text);
    }
    if (release && rsp_yaml_bool (release, &flag, NULL))
        rsp_fields_set_bool (fields, "releaseFlag", flag);
    return fields;
}

static gboolean
match_members (RspRun *run, const RspYaml *expect, const RspFields *fields)
{
    static const char *const members[] = {"iccid", "eid", "matchingId", "smdpAddress", NULL};
    for (guint i = 0; members[i]; i++) {
        const RspYaml *node = rsp_yaml_get (expect, members[i]);
        if (node &&
            !rsp_run_match (run, node, fields ? rsp_fields_text (fields, members[i]) : NULL))
            return FALSE;
    }
    return TRUE;
}

static void
save_members (RspRun *run, const RspYaml *save, const RspFields *fields)
{
    for (guint i = 0; save && i < save->items->len; i++) {
        const RspYaml *entry = save->items->pdata[i];
        const char *value = fields ? rsp_fields_text (fields, entry->text) : NULL;
        if (value)
            g_hash_table_insert (run->saved, g_strdup (entry->key), g_strdup (value));
        else
            rsp_run_fail (run, entry, "expected the reply to have %s, got none", entry->text);
    }
}

static void
on_reply (const RspOperatorReply *reply, gpointer data)
{
    Pending *p = data;
    RspRun *run = p->run;
    const RspYaml *expect = rsp_yaml_get (p->step, "expect");
    const RspYaml *code = expect ? rsp_yaml_get (expect, "code") : NULL;
    const RspYaml *failure = expect ? rsp_yaml_get (expect, "failure") : NULL;
    g_autofree char *got =
        reply->failure ? g_strdup (reply->failure) : rsp_run_code (reply->subject, reply->reason);
    run->step_done = TRUE;
    if (code && strcmp (code->text, "any") == 0)
        return;
    if (code || failure)
        rsp_run_match (run, code ? code : failure, got);
    else if (strcmp (got, "success") != 0)
        rsp_run_fail (run, p->step, "expected code success, got %s", got);
    if (expect && !run->failure)
        match_members (run, expect, reply->fields);
    if (!run->failure)
        save_members (run, rsp_yaml_get (p->step, "save"), reply->fields);
}

void
rsp_step_operator (RspRun *run, const RspYaml *step)
{
    RspWorldActor *op = rsp_world_actor (run->world, rsp_yaml_get (step, "at")->text);
    RspWorldActor *dp = rsp_world_actor (run->world, rsp_yaml_get (step, "to")->text);
    const RspFunction *fn = rsp_function_by_name (rsp_yaml_get (step, "call")->text);
    g_autoptr (RspFields) fields = request_of (run, step, fn);
    Pending pending = {.run = run, .step = step};
    rsp_operator_call (op->op, rsp_yaml_get (dp->yaml, "fqdn")->text, fn, fields, on_reply,
                       &pending);
    rsp_run_wait (run, step);
}
