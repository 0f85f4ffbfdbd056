#include "sim/run/language.h"
#include "sim/run/runner.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
    GPtrArray *codes; /* what the user types, NULL-terminated */
    RspLpaAnswer answer;
    GPtrArray *stages; /* what applications were shown */
} Pending;

static const RspYaml *
wanted (const RspYaml *step, const char *key)
{
    const RspYaml *expect = rsp_yaml_get (step, "expect");
    return expect ? rsp_yaml_get (expect, key) : NULL;
}

static char *
describe (const RspLpaOutcome *o)
{
    GString *out = g_string_new (o->ok ? "success" : "failure");
    if (o->step && !o->ok)
        g_string_append_printf (out, " at %s", o->step);
    if (o->error)
        g_string_append_printf (out, ", error %s", o->error);
    if (o->subject)
        g_string_append_printf (out, ", code %s/%s", o->subject, o->reason);
    if (o->cancelled)
        g_string_append_printf (out, ", cancelled %s", o->cancelled);
    return g_string_free (out, FALSE);
}

static gboolean
failure_is_wanted (const RspYaml *step)
{
    const RspYaml *profile = wanted (step, "profile"), *code = wanted (step, "code");
    if (profile)
        return strcmp (profile->text, "none") == 0;
    if (code)
        return strcmp (code->text, "success") != 0;
    return wanted (step, "error") || wanted (step, "step") || wanted (step, "cancelled");
}

static void
match_notification (RspRun *run, const RspYaml *node, const RspLpaOutcome *o)
{
    if (node)
        rsp_run_match (run, node, o->pending ? "pending" : o->delivered ? "delivered" : "none");
}

static void
check_outcome (RspRun *run, const RspYaml *step, const RspLpaOutcome *o)
{
    g_autofree char *got = describe (o);
    g_autofree char *code = rsp_run_code (o->subject, o->reason);
    gboolean fails = failure_is_wanted (step);
    const RspYaml *expect = rsp_yaml_get (step, "expect"), *profile = wanted (step, "profile");
    gboolean any = profile && strcmp (profile->text, "any") == 0;
    if (!any && fails == o->ok) {
        rsp_run_fail (run, expect ? expect : step, "expected %s, got %s",
                      fails ? "failure" : "success", got);
        return;
    }
    if (!expect)
        return;
    (void)(rsp_run_match (run, wanted (step, "step"), o->step) &&
           rsp_run_match (run, wanted (step, "error"), o->error) &&
           rsp_run_match (run, wanted (step, "code"), code) &&
           rsp_run_match (run, wanted (step, "cancelled"), o->cancelled) &&
           rsp_run_match_number (run, wanted (step, "events"), o->events) &&
           rsp_run_match_number (run, wanted (step, "installed"), o->installed) &&
           rsp_run_match_number (run, wanted (step, "delivered"), o->delivered) &&
           rsp_run_match_number (run, wanted (step, "pending"), o->pending));
    match_notification (run, wanted (step, "notification"), o);
}

static void
check_progress (const Pending *p)
{
    const RspYaml *want = wanted (p->step, "progress");
    for (guint i = 0; want && i < want->items->len; i++) {
        const char *got = i < p->stages->len ? p->stages->pdata[i] : NULL;
        if (!rsp_run_match (p->run, want->items->pdata[i], got))
            return;
    }
    if (want && p->stages->len > want->items->len)
        rsp_run_fail (p->run, want, "expected %u stages, got %s after them", want->items->len,
                      (const char *)p->stages->pdata[want->items->len]);
}

static void
on_done (const RspLpaOutcome *o, gpointer data)
{
    Pending *p = data;
    p->run->step_done = TRUE;
    check_outcome (p->run, p->step, o);
    check_progress (p);
}

/* --- the user's side ---------------------------------------------------------------------------
 */

static RspLpaAnswer
on_question (const RspLpaQuestion *question G_GNUC_UNUSED, gpointer data)
{
    return ((const Pending *)data)->answer;
}

static char *
on_code (guint tried, gpointer data)
{
    const Pending *p = data;
    return tried < p->codes->len ? g_strdup (p->codes->pdata[tried]) : NULL;
}

static void
on_progress (const char *stage, gpointer data)
{
    g_ptr_array_add (((Pending *)data)->stages, (gpointer)stage);
}

/* --- download ----------------------------------------------------------------------------------
 */

static GPtrArray *
codes_of (RspRun *run, const RspYaml *node)
{
    GPtrArray *codes = g_ptr_array_new_with_free_func (g_free);
    if (node && node->kind == RSP_YAML_SCALAR)
        g_ptr_array_add (codes, rsp_run_text (run, node));
    for (guint i = 0; node && node->kind == RSP_YAML_LIST && i < node->items->len; i++)
        g_ptr_array_add (codes, rsp_run_text (run, node->items->pdata[i]));
    return codes;
}

static RspLpaAnswer
answer_of (const RspYaml *step)
{
    const RspYaml *consent = rsp_yaml_get (step, "consent");
    const RspYaml *thinks = rsp_yaml_get (step, "thinks");
    RspLpaAnswer answer = {.authenticated = TRUE};
    for (guint i = 0; consent && rsp_language_consents[i]; i++)
        if (strcmp (rsp_language_consents[i], consent->text) == 0)
            answer.consent = (RspConsent)i;
    if (thinks)
        rsp_yaml_duration (thinks, &answer.after, NULL);
    rsp_yaml_opt_bool (step, "authenticated", &answer.authenticated, NULL);
    return answer;
}

static void
download (RspRun *run, const RspYaml *step, RspLpa *lpa, Pending *pending)
{
    g_autofree char *code = rsp_run_text (run, rsp_yaml_get (step, "activationCode"));
    g_autofree char *address = rsp_run_text (run, rsp_yaml_get (step, "address"));
    g_autofree char *matching_id = rsp_run_text (run, rsp_yaml_get (step, "matchingId"));
    gboolean keep = FALSE;
    rsp_yaml_opt_bool (step, "keep-notifications", &keep, NULL);
    RspLpaDownload d = {.activation_code = code,
                        .address = address,
                        .matching_id = matching_id,
                        .keep_notifications = keep};
    rsp_lpa_download (lpa, &d, on_done, pending);
    rsp_run_wait (run, step);
}

static void
discover (RspRun *run, const RspYaml *step, RspLpa *lpa, gboolean must_find, Pending *pending)
{
    g_autofree char *address = rsp_run_text (run, rsp_yaml_get (step, "address"));
    g_autofree char *event_id = rsp_run_text (run, rsp_yaml_get (step, "matchingId"));
    RspLpaDiscover d = {.address = address, .event_id = event_id, .must_find = must_find};
    rsp_yaml_opt_bool (step, "keep-notifications", &d.keep_notifications, NULL);
    rsp_lpa_discover (lpa, &d, on_done, pending);
    rsp_run_wait (run, step);
}

static gboolean
is_idle (gpointer lpa)
{
    return rsp_lpa_is_idle (lpa);
}

/* --- list --------------------------------------------------------------------------------------
 */

static const char *const class_names[] = {"test", "provisioning", "operational"};

static gboolean
match_profile (RspRun *run, const RspYaml *want, const RspLpaProfile *got)
{
    return rsp_run_match (run, rsp_yaml_get (want, "iccid"), got->iccid) &&
           rsp_run_match (run, rsp_yaml_get (want, "state"),
                          got->enabled ? "enabled" : "disabled") &&
           rsp_run_match (run, rsp_yaml_get (want, "nickname"), got->nickname) &&
           rsp_run_match (run, rsp_yaml_get (want, "name"), got->name) &&
           rsp_run_match (run, rsp_yaml_get (want, "provider"), got->provider) &&
           rsp_run_match (run, rsp_yaml_get (want, "class"), class_names[got->profile_class]);
}

static void
on_list (const GPtrArray *profiles, const RspLpaOutcome *o, gpointer data)
{
    Pending *p = data;
    const RspYaml *want = wanted (p->step, "profiles");
    guint n = profiles ? profiles->len : 0;
    p->run->step_done = TRUE;
    check_outcome (p->run, p->step, o);
    if (!want)
        return;
    if (want->items->len != n) {
        rsp_run_fail (p->run, want, "expected %u profiles, got %u", want->items->len, n);
        return;
    }
    for (guint i = 0; i < n; i++)
        if (!match_profile (p->run, want->items->pdata[i], profiles->pdata[i]))
            return;
}

/* --- local management --------------------------------------------------------------------------
 */

static guint32
reset_bits (const RspYaml *list)
{
    static const char *const names[] = {"operational", "test", "default-dp-address"};
    guint32 bits = 0;
    for (guint i = 0; i < list->items->len; i++)
        for (guint b = 0; b < G_N_ELEMENTS (names); b++)
            if (strcmp (((RspYaml *)list->items->pdata[i])->text, names[b]) == 0)
                bits |= 1u << b;
    return bits;
}

static void
manage (RspRun *run, const RspYaml *step, RspLpa *lpa, const char *verb, Pending *pending)
{
    g_autofree char *iccid = rsp_run_text (run, rsp_yaml_get (step, "iccid"));
    g_autofree char *name = rsp_run_text (run, rsp_yaml_get (step, "name"));
    g_autofree char *address = rsp_run_text (run, rsp_yaml_get (step, "address"));
    gboolean refresh = TRUE;
    rsp_yaml_opt_bool (step, "refresh", &refresh, NULL);
    if (strcmp (verb, "enable") == 0)
        rsp_lpa_enable (lpa, iccid, refresh, on_done, pending);
    else if (strcmp (verb, "disable") == 0)
        rsp_lpa_disable (lpa, iccid, refresh, on_done, pending);
    else if (strcmp (verb, "delete") == 0)
        rsp_lpa_delete (lpa, iccid, on_done, pending);
    else if (strcmp (verb, "set-nickname") == 0)
        rsp_lpa_set_nickname (lpa, iccid, name ? name : "", on_done, pending);
    else if (strcmp (verb, "memory-reset") == 0)
        rsp_lpa_memory_reset (lpa, reset_bits (rsp_yaml_get (step, "options")), on_done, pending);
    else if (strcmp (verb, "set-default-dp-address") == 0)
        rsp_lpa_set_default_dp (lpa, address ? address : "", on_done, pending);
    else if (strcmp (verb, "power-on") == 0)
        rsp_lpa_power_on (lpa, on_done, pending);
    else if (strcmp (verb, "activate-lpae") == 0)
        rsp_lpa_activate_lpae (lpa, on_done, pending);
    else if (strcmp (verb, "list") == 0)
        rsp_lpa_list (lpa, on_list, pending);
    else
        rsp_lpa_deliver_notifications (lpa, on_done, pending);
    rsp_run_wait (run, step);
}

void
rsp_step_user (RspRun *run, const RspYaml *step)
{
    RspLpa *lpa = rsp_world_actor (run->world, rsp_yaml_get (step, "at")->text)->lpa;
    const char *verb = rsp_yaml_get (step, "do")->text;
    g_autoptr (GPtrArray) codes = codes_of (run, rsp_yaml_get (step, "confirmationCode"));
    g_autoptr (GPtrArray) stages = g_ptr_array_new ();
    Pending pending = {
        .run = run, .step = step, .codes = codes, .answer = answer_of (step), .stages = stages};
    const RspLpaUi ui = {
        .ask = on_question, .code = on_code, .progress = on_progress, .data = &pending};
    /* The user waits for what the device does by itself. */
    rsp_loop_run (run->loop, is_idle, lpa, run->limit);
    rsp_lpa_set_ui (lpa, &ui);
    gboolean discovery = FALSE;
    rsp_yaml_opt_bool (step, "discovery", &discovery, NULL);
    if (strcmp (verb, "discover") == 0 || discovery)
        discover (run, step, lpa, discovery, &pending);
    else if (strcmp (verb, "download") == 0)
        download (run, step, lpa, &pending);
    else
        manage (run, step, lpa, verb, &pending);
    rsp_lpa_set_ui (lpa, NULL);
}
