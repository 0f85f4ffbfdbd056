/* `ipa:` steps: an IPA polls, or uses its card. */
#include "sim/run/groups.h"
#include "sim/run/language.h"
#include "sim/run/runner.h"
#include "sim/run/world-private.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
    const char *member; /* of a group that acts all at once; NULL */
    guint *left;        /* of that group */
    RspYaml *own;       /* what the step is for this member */
} Pending;

static void
check_outcome (RspRun *run, const RspYaml *step, const RspIpaOutcome *o)
{
    const RspYaml *expect = rsp_yaml_get (step, "expect");
    const RspYaml *error = expect ? rsp_yaml_get (expect, "error") : NULL;
    const RspYaml *where = expect ? rsp_yaml_get (expect, "step") : NULL;
    if (!o->ok && !error && !where) {
        rsp_run_fail (run, expect ? expect : step, "expected success, got error %s at %s", o->error,
                      o->step);
        return;
    }
    if (!expect)
        return;
    gboolean any = error && strcmp (error->text, "any") == 0; /* or none */
    const struct {
        const char *key, *got;
    } texts[] = {{"error", any ? "any" : o->error},
                 {"step", o->step},
                 {"result", o->result},
                 {"code", o->code},
                 {"iccid", o->iccid}};
    const struct {
        const char *key;
        guint got;
    } numbers[] = {{"packages", o->packages}, {"delivered", o->delivered},
                   {"kept", o->kept},         {"installed", o->installed},
                   {"failed", o->failed},     {"rolled-back", o->rolled_back},
                   {"eims", o->eims}};
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
        rsp_run_match (run, rsp_yaml_get (expect, texts[i].key), texts[i].got);
    for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        rsp_run_match_number (run, rsp_yaml_get (expect, numbers[i].key), numbers[i].got);
}

static void
on_done (const RspIpaOutcome *o, gpointer data)
{
    const Pending *p = data;
    RspRun *run = p->run;
    if (p->member)
        run->member = p->member;
    check_outcome (run, p->step, o);
    if (p->member)
        run->member = NULL;
    run->step_done = !p->left || --*p->left == 0;
}

static guint
index_of (const char *const *names, const char *name)
{
    guint i = 0;
    while (names[i] && strcmp (names[i], name) != 0)
        i++;
    return i;
}

static guint32
options_of (const RspYaml *list)
{
    guint32 bits = list ? 0 : RSP_IPA_RESET_EIM;
    for (guint i = 0; list && i < list->items->len; i++)
        bits |= 1u << index_of (rsp_language_ipa_reset, ((RspYaml *)list->items->pdata[i])->text);
    return bits;
}

static gboolean
add_initial_eim (RspRun *run, const RspYaml *step, RspIpa *ipa, Pending *pending)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) config = rsp_world_eim_configuration (run->world, step, &error);
    if (!config)
        return rsp_run_fail (run, step, "%s", error->message);
    rsp_ipa_add_initial_eim (ipa, config, on_done, pending);
    return TRUE;
}

/* FALSE: it has not begun, and the run has failed. */
static gboolean
begin (Pending *pending)
{
    RspRun *run = pending->run;
    const RspYaml *step = pending->step;
    RspIpa *ipa = rsp_world_actor (run->world, rsp_yaml_get (step, "at")->text)->ipa->ipa;
    const char *verb = rsp_yaml_get (step, "do")->text;
    g_autofree char *address = rsp_run_text (run, rsp_yaml_get (step, "address"));
    guint local = index_of (rsp_language_ipa_verbs, verb);
    if (local < RSP_IPA_LOCALS)
        rsp_ipa_local (ipa, (RspIpaLocal)local, address, on_done, pending);
    else if (strcmp (verb, "poll") == 0)
        rsp_ipa_poll (ipa, on_done, pending);
    else if (strcmp (verb, "reset") == 0)
        rsp_ipa_reset (ipa, options_of (rsp_yaml_get (step, "options")), on_done, pending);
    else if (strcmp (verb, "deliver-notifications") == 0)
        rsp_ipa_deliver_notifications (ipa, on_done, pending);
    else
        return add_initial_eim (run, step, ipa, pending);
    return TRUE;
}

/* --- a whole group at once --- */

static void
on_turn (gpointer data)
{
    Pending *pending = data;
    if (!begin (pending))
        pending->run->step_done = TRUE;
}

static void
pending_free (gpointer data)
{
    Pending *pending = data;
    rsp_yaml_free (pending->own);
    g_free (pending);
}

static void
step_group (RspRun *run, const RspYaml *step, const GPtrArray *members)
{
    const RspYaml *actors = rsp_yaml_get (run->scenario->world, "actors");
    g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (pending_free);
    gint64 spread = rsp_world_duration (step, "spread", 0);
    guint left = members->len;
    for (guint i = 0; i < members->len; i++) {
        Pending *pending = g_new0 (Pending, 1);
        pending->run = run;
        pending->member = ((const RspWorldActor *)members->pdata[i])->base.name;
        pending->left = &left;
        pending->step = pending->own = rsp_group_instance (actors, step, i + 1);
        g_ptr_array_add (all, pending);
        rsp_loop_after (run->loop, spread * i / members->len, on_turn, pending, NULL);
    }
    rsp_run_wait (run, step);
}

void
rsp_step_ipa (RspRun *run, const RspYaml *step)
{
    g_autoptr (GPtrArray) members = rsp_world_members (run->world, rsp_yaml_get (step, "at")->text);
    Pending pending = {.run = run, .step = step};
    if (rsp_yaml_get (step, "spread"))
        step_group (run, step, members);
    else if (begin (&pending))
        rsp_run_wait (run, step);
}
