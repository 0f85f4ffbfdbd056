/* What could go wrong in a run: which faults apply to which message and point. */
#include "sim/run/semantics.h"
#include "sim/run/sweep.h"

#include <string.h>

typedef struct {
    RspSweepSubject *subject;
    GHashTable *fits; /* "action at point" → whether the language lets it be */
    GHashTable *seen; /* messages of a function and leg, for `replay` */
    GHashTable *cards;
} Survey;

static void
fault_free (gpointer data)
{
    RspSweepFault *f = data;
    g_free (f->text);
    g_free (f);
}

static void
add (Survey *s, RspFaultAction action, const char *match, const char *keys)
{
    RspSweepFault *f = g_new0 (RspSweepFault, 1);
    f->action = action;
    f->text = g_strdup_printf ("match: {%s}, action: %s%s%s", match, rsp_fault_action_name (action),
                               *keys ? ", " : "", keys);
    g_ptr_array_add (s->subject->faults, f);
}

/* The scenario language lets ACTION strike AT: asked once for each. */
static gboolean
fits (Survey *s, RspFaultAction action, const char *match, const char *keys, const char *at)
{
    g_autofree char *key = g_strdup_printf ("%s %s %.12s", rsp_fault_action_name (action), at,
                                            g_str_has_prefix (match, "point") ? match : "");
    gpointer known;
    if (g_hash_table_lookup_extended (s->fits, key, NULL, &known))
        return GPOINTER_TO_INT (known);
    RspSweepFault fault = {action, g_strdup_printf ("match: {%s}, action: %s%s%s", match,
                                                    rsp_fault_action_name (action),
                                                    *keys ? ", " : "", keys)};
    RspSweepCase c = {.subject = s->subject, .faults = {&fault}};
    RspScenario scenario;
    rsp_sweep_scenario (&c, &scenario);
    gboolean fit = rsp_semantics_check (&scenario, NULL);
    rsp_sweep_scenario_clear (&scenario);
    g_free (fault.text);
    g_hash_table_insert (s->fits, g_steal_pointer (&key), GINT_TO_POINTER (fit));
    return fit;
}

/* --- at a message --- */

/* Who may lose power or die at a message: either side, and the card of a device. (transfer full) */
static GPtrArray *
victims (const Survey *s, const RspFaultMessage *m)
{
    GPtrArray *all = g_ptr_array_new ();
    const char *const sides[] = {m->src, m->dst};
    for (guint i = 0; i < 2; i++) {
        const char *card = g_hash_table_lookup (s->cards, sides[i]);
        if (rsp_world_role (s->subject->scenario->world, sides[i]))
            g_ptr_array_add (all, (gpointer)sides[i]);
        if (card && !g_ptr_array_find_with_equal_func (all, card, g_str_equal, NULL))
            g_ptr_array_add (all, (gpointer)card);
    }
    return all;
}

static void
strike (Survey *s, RspFaultAction action, const char *match, const RspFaultMessage *m)
{
    static const char *const downs[] = {"", ", down: 2m"};
    g_autoptr (GPtrArray) all = victims (s, m);
    for (guint i = 0; i < all->len; i++)
        for (guint k = 0; k < (action == RSP_FAULT_CRASH ? 2 : 1); k++) {
            g_autofree char *keys =
                g_strdup_printf ("at: %s%s", (const char *)all->pdata[i], downs[k]);
            if (fits (s, action, match, keys, all->pdata[i]))
                add (s, action, match, keys);
        }
}

static void
corrupt (Survey *s, const char *match, const RspFaultMessage *m, gsize size)
{
    const RspMember *member =
        m->leg == RSP_LEG_REQUEST ? m->function->request_members : m->function->response_members;
    g_autofree char *middle = g_strdup_printf ("offset: %" G_GSIZE_FORMAT, size / 2);
    if (size)
        add (s, RSP_FAULT_CORRUPT, match, "offset: 0");
    if (size > 2)
        add (s, RSP_FAULT_CORRUPT, match, middle);
    if (size > 1)
        add (s, RSP_FAULT_CORRUPT, match, "offset: -1");
    for (; m->encoding == RSP_ENC_JSON && member && member->name; member++) {
        g_autofree char *keys = g_strdup_printf ("field: %s, remove: true", member->name);
        add (s, RSP_FAULT_CORRUPT, match, keys);
    }
}

static gboolean
came_before (Survey *s, const RspFaultMessage *m)
{
    gpointer key = GUINT_TO_POINTER (m->function->id * 2 + m->leg + 1);
    return !g_hash_table_add (s->seen, key);
}

static void
add_action (Survey *s, RspFaultAction action, const char *match, const RspFaultMessage *m,
            gsize size, gboolean repeated)
{
    switch (action) {
    case RSP_FAULT_DROP:
    case RSP_FAULT_DUPLICATE:
    case RSP_FAULT_REORDER:
    case RSP_FAULT_CUT_LINK:
        add (s, action, match, "");
        break;
    case RSP_FAULT_DELAY:
        add (s, action, match, "delay: 1m");
        break;
    case RSP_FAULT_REPLAY:
        if (repeated)
            add (s, action, match, "");
        break;
    case RSP_FAULT_CORRUPT:
        corrupt (s, match, m, size);
        break;
    case RSP_FAULT_REPLACE:
        add (s, action, match, m->encoding == RSP_ENC_JSON ? "text: \"{}\"" : "value: \"3000\"");
        break;
    case RSP_FAULT_HTTP_STATUS:
        add (s, action, match, "status: 503");
        break;
    case RSP_FAULT_STATUS_WORD:
        add (s, action, match, "status: 0x6F00");
        break;
    case RSP_FAULT_POWER_LOSS:
    case RSP_FAULT_CRASH:
        strike (s, action, match, m);
        break;
    case RSP_FAULT_WRITE_ERROR:
        break; /* at a point alone */
    }
}

static void
add_message (Survey *s, const RspFaultMessage *m, gsize size)
{
    gboolean repeated = came_before (s, m);
    g_autofree char *match =
        g_strdup_printf ("function: %s, leg: %s, nth: %" G_GUINT64_FORMAT, m->function->full_name,
                         m->leg == RSP_LEG_REQUEST ? "request" : "response", m->nth);
    s->subject->messages++;
    for (guint action = 0; action <= RSP_FAULT_CRASH; action++)
        if (rsp_fault_applies (action, m->function, m->leg))
            add_action (s, action, match, m, size, repeated);
}

/* --- at a point --- */

static void
add_point (Survey *s, const RspFaultChance *chance)
{
    static const RspFaultAction actions[] = {RSP_FAULT_POWER_LOSS, RSP_FAULT_WRITE_ERROR,
                                             RSP_FAULT_CRASH};
    g_autofree char *match =
        g_strdup_printf ("point: %s, at: %s, nth: %u", rsp_fault_point_name (chance->point),
                         chance->actor, chance->visit);
    s->subject->points++;
    for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
        if (!fits (s, actions[i], match, "", chance->actor))
            continue;
        add (s, actions[i], match, "");
        if (actions[i] == RSP_FAULT_CRASH)
            add (s, actions[i], match, "down: 2m");
    }
}

static void
on_chance (const RspFaultChance *chance, gpointer data)
{
    if (chance->message)
        add_message (data, chance->message, chance->size);
    else
        add_point (data, chance);
}

/* --- subjects and cases --- */

static void
fill_cards (Survey *s)
{
    const RspYaml *actors = rsp_yaml_get (s->subject->scenario->world, "actors");
    for (guint i = 0; i < actors->items->len; i++) {
        const RspYaml *actor = actors->items->pdata[i], *card = rsp_yaml_get (actor, "euicc");
        if (card)
            g_hash_table_insert (s->cards, actor->key, card->text);
    }
}

RspSweepSubject *
rsp_sweep_subject_new (const RspScenario *scenario, char **ret_failure)
{
    RspSweepSubject *subject = g_new0 (RspSweepSubject, 1);
    Survey survey = {.subject = subject,
                     .fits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                     .seen = g_hash_table_new (NULL, NULL),
                     .cards = g_hash_table_new (g_str_hash, g_str_equal)};
    RspRunOptions options = {.seed = -1, .watch = on_chance, .watch_data = &survey};
    subject->scenario = scenario;
    subject->faults = g_ptr_array_new_with_free_func (fault_free);
    fill_cards (&survey);
    g_autoptr (RspRunResult) result = rsp_run_scenario (scenario, &options);
    subject->events = result->events;
    g_hash_table_unref (survey.fits);
    g_hash_table_unref (survey.seen);
    g_hash_table_unref (survey.cards);
    if (result->passed)
        return subject;
    *ret_failure = g_steal_pointer (&result->failure);
    rsp_sweep_subject_free (subject);
    return NULL;
}

void
rsp_sweep_subject_free (RspSweepSubject *subject)
{
    g_ptr_array_unref (subject->faults);
    g_free (subject);
}

static void
case_free (gpointer data)
{
    RspSweepCase *c = data;
    if (!c)
        return;
    g_free (c->failure);
    g_free (c);
}

static void
add_case (GPtrArray *cases, RspSweepSubject *subject, guint first, gint second)
{
    RspSweepCase *c = g_new0 (RspSweepCase, 1);
    c->subject = subject;
    c->faults[0] = subject->faults->pdata[first];
    c->faults[1] = second < 0 ? NULL : subject->faults->pdata[second];
    g_ptr_array_add (cases, c);
}

/* One of each of LIMIT equal stretches of ALL. (transfer full) */
static GPtrArray *
sample (GPtrArray *all, guint limit, RspRng *rng)
{
    GPtrArray *some = g_ptr_array_new_with_free_func (case_free);
    for (guint i = 0; i < limit; i++) {
        guint from = (guint)((guint64)i * all->len / limit);
        guint to = (guint)((guint64)(i + 1) * all->len / limit);
        guint pick = from + rsp_rng_below (rng, to - from);
        g_ptr_array_add (some, g_steal_pointer (&all->pdata[pick]));
    }
    return some;
}

static void
add_pairs (GPtrArray *cases, const GPtrArray *subjects, guint pairs, RspRng *rng)
{
    for (guint i = 0; i < pairs && subjects->len; i++) {
        RspSweepSubject *s = subjects->pdata[rsp_rng_below (rng, subjects->len)];
        if (s->faults->len < 2)
            continue;
        guint a = rsp_rng_below (rng, s->faults->len), b = rsp_rng_below (rng, s->faults->len);
        if (a != b)
            add_case (cases, s, MIN (a, b), (gint)MAX (a, b));
    }
}

GPtrArray *
rsp_sweep_cases (const GPtrArray *subjects, gint limit, guint pairs, gint64 seed)
{
    g_autoptr (RspRng) rng = rsp_rng_new ((guint64)seed, "sweep", "choice", 0);
    g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (case_free);
    for (guint i = 0; i < subjects->len; i++) {
        RspSweepSubject *s = subjects->pdata[i];
        for (guint k = 0; k < s->faults->len; k++)
            add_case (all, s, k, -1);
    }
    GPtrArray *cases = limit >= 0 && (guint)limit < all->len ? sample (all, (guint)limit, rng)
                                                             : g_steal_pointer (&all);
    add_pairs (cases, subjects, pairs, rng);
    return cases;
}
