#include "sim/run/sweep.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ACTIONS (RSP_FAULT_CRASH + 1)

static json_t *
counts (const guint *n)
{
    json_t *object = json_object ();
    for (guint i = 0; i < RSP_SWEEP_OUTCOMES; i++)
        json_object_set_new (object, rsp_sweep_outcomes[i], json_integer (n[i]));
    return object;
}

static json_t *
by_action (const GPtrArray *cases)
{
    guint n[ACTIONS][RSP_SWEEP_OUTCOMES] = {0};
    json_t *object = json_object ();
    for (guint i = 0; i < cases->len; i++) {
        const RspSweepCase *c = cases->pdata[i];
        for (guint k = 0; k < G_N_ELEMENTS (c->faults) && c->faults[k]; k++)
            n[c->faults[k]->action][c->outcome]++;
    }
    for (guint action = 0; action < ACTIONS; action++)
        json_object_set_new (object, rsp_fault_action_name (action), counts (n[action]));
    return object;
}

static json_t *
by_scenario (const GPtrArray *subjects, const GPtrArray *cases)
{
    json_t *list = json_array ();
    for (guint i = 0; i < subjects->len; i++) {
        const RspSweepSubject *s = subjects->pdata[i];
        guint n[RSP_SWEEP_OUTCOMES] = {0};
        for (guint k = 0; k < cases->len; k++) {
            const RspSweepCase *c = cases->pdata[k];
            if (c->subject == s)
                n[c->outcome]++;
        }
        json_array_append_new (list,
                               json_pack ("{s:s, s:s, s:i, s:i, s:i, s:o}", "scenario",
                                          s->scenario->name, "file", s->scenario->shown, "messages",
                                          (int)s->messages, "points", (int)s->points, "faults",
                                          (int)s->faults->len, "outcomes", counts (n)));
    }
    return list;
}

static json_t *
failures (const GPtrArray *cases)
{
    json_t *list = json_array ();
    for (guint i = 0; i < cases->len; i++) {
        const RspSweepCase *c = cases->pdata[i];
        json_t *texts = json_array ();
        for (guint k = 0; k < G_N_ELEMENTS (c->faults) && c->faults[k]; k++)
            json_array_append_new (texts, json_string (c->faults[k]->text));
        json_t *one = json_pack ("{s:i, s:s, s:o, s:s}", "case", (int)i + 1, "scenario",
                                 c->subject->scenario->name, "faults", texts, "failure",
                                 c->failure ? c->failure : "");
        if (c->outcome == RSP_SWEEP_FAILED)
            json_array_append (list, one);
        json_decref (one);
    }
    return list;
}

gboolean
rsp_sweep_report (const GPtrArray *subjects, const GPtrArray *cases, gint64 seed, const char *path,
                  GError **error)
{
    guint n[RSP_SWEEP_OUTCOMES] = {0};
    for (guint i = 0; i < cases->len; i++)
        n[((const RspSweepCase *)cases->pdata[i])->outcome]++;
    json_t *root =
        json_pack ("{s:I, s:i, s:o, s:o, s:o, s:o}", "seed", (json_int_t)seed, "cases",
                   (int)cases->len, "outcomes", counts (n), "actions", by_action (cases),
                   "scenarios", by_scenario (subjects, cases), "failures", failures (cases));
    char *text = json_dumps (root, JSON_INDENT (1));
    g_autofree char *with_end = g_strconcat (text, "\n", NULL);
    free (text);
    json_decref (root);
    return g_file_set_contents (path, with_end, -1, error);
}
