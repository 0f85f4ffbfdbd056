/* What is expected of eIMs, and what always holds of them. */
#include "sim/run/runner.h"
#include "sim/run/world-private.h"

#include <string.h>

/* The euicc actor with EID; NULL: none. */
static const char *
card_with (const RspRun *run, const char *eid)
{
    for (guint i = 0; i < run->world->actors->len; i++) {
        const RspWorldActor *a = run->world->actors->pdata[i];
        if (a->role == RSP_ACTOR_EUICC && strcmp (rsp_yaml_get (a->yaml, "eid")->text, eid) == 0)
            return a->base.name;
    }
    return NULL;
}

static gboolean
check_packages (RspRun *run, const RspYaml *want, const RspWorldActor *a, const GPtrArray *views)
{
    for (guint i = 0; i < MIN (views->len, want->items->len); i++) {
        const RspYaml *entry = want->items->pdata[i], *card = rsp_yaml_get (entry, "card");
        const RspEimPackageView *v = views->pdata[i];
        if ((card && !rsp_run_match (run, card, card_with (run, v->eid))) ||
            !rsp_run_match (run, rsp_yaml_get (entry, "eid"), v->eid) ||
            !rsp_run_match (run, rsp_yaml_get (entry, "kind"), v->kind) ||
            !rsp_run_match (run, rsp_yaml_get (entry, "state"), rsp_eim_state_name (v->state)) ||
            !rsp_run_match (run, rsp_yaml_get (entry, "result"), v->result))
            return FALSE;
    }
    if (views->len > want->items->len) {
        const RspEimPackageView *v = views->pdata[want->items->len];
        const char *card = card_with (run, v->eid);
        return rsp_run_fail (
            run, want, "expected %u packages at %s, got %u: the next is %s of %s, %s (%s)",
            want->items->len, a->base.name, views->len, v->kind, card ? card : v->eid,
            rsp_eim_state_name (v->state), v->result ? v->result : "no result");
    }
    return views->len == want->items->len ||
           rsp_run_fail (run, want, "expected %u packages at %s, got %u", want->items->len,
                         a->base.name, views->len);
}

/* Those that did not end as they were meant to. (transfer full) */
static GPtrArray *
not_done (RspEim *eim)
{
    GPtrArray *views = rsp_eim_packages (eim);
    for (guint i = views->len; i > 0; i--)
        if (((const RspEimPackageView *)views->pdata[i - 1])->state == RSP_EIM_DONE)
            g_ptr_array_remove_index (views, i - 1);
    return views;
}

static gboolean
check_beliefs (RspRun *run, const RspYaml *want, const RspWorldActor *a)
{
    g_autoptr (GPtrArray) views = rsp_eim_profiles (a->eim);
    if (views->len != want->items->len)
        return rsp_run_fail (run, want, "expected %s to believe in %u profiles, got %u",
                             a->base.name, want->items->len, views->len);
    for (guint i = 0; i < views->len; i++) {
        const RspYaml *entry = want->items->pdata[i];
        const RspEimProfileView *v = views->pdata[i];
        if (!rsp_run_match (run, rsp_yaml_get (entry, "eid"), v->eid) ||
            !rsp_run_match (run, rsp_yaml_get (entry, "iccid"), v->iccid) ||
            !rsp_run_match (run, rsp_yaml_get (entry, "state"),
                            v->enabled ? "enabled" : "disabled"))
            return FALSE;
    }
    return TRUE;
}

gboolean
rsp_expect_eim (RspRun *run, const RspYaml *what, const RspWorldActor *a)
{
    gboolean all = strcmp (what->key, "packages") == 0;
    if (all || strcmp (what->key, "not-done") == 0) {
        g_autoptr (GPtrArray) views = all ? rsp_eim_packages (a->eim) : not_done (a->eim);
        return check_packages (run, what, a, views);
    }
    if (strcmp (what->key, "believes") == 0)
        return check_beliefs (run, what, a);
    if (strcmp (what->key, "waiting") == 0)
        return rsp_run_match_number (run, what, rsp_eim_waiting (a->eim));
    for (guint state = RSP_EIM_QUEUED; state <= RSP_EIM_EXPIRED; state++)
        if (!rsp_run_match_number (run, rsp_yaml_get (what, rsp_eim_state_name (state)),
                                   rsp_eim_count (a->eim, state)))
            return FALSE;
    return TRUE;
}

/* --- belief and card --- */

static gboolean
is_local (RspFunctionId id)
{
    static const RspFunctionId local[] = {RSP_FN_ES10C_ENABLE_PROFILE,
                                          RSP_FN_ES10C_DISABLE_PROFILE,
                                          RSP_FN_ES10C_DELETE_PROFILE,
                                          RSP_FN_ES10C_EUICC_MEMORY_RESET,
                                          RSP_FN_ES10B_EUICC_MEMORY_RESET,
                                          RSP_FN_ES10B_EXECUTE_FALLBACK_MECHANISM,
                                          RSP_FN_ES10B_RETURN_FROM_FALLBACK,
                                          RSP_FN_ES10B_ENABLE_EMERGENCY_PROFILE,
                                          RSP_FN_ES10B_DISABLE_EMERGENCY_PROFILE,
                                          RSP_FN_ES10B_IMMEDIATE_ENABLE};
    for (guint k = 0; k < G_N_ELEMENTS (local); k++)
        if (id == local[k])
            return TRUE;
    return FALSE;
}

/* Names of cards that their devices changed without an eIM, which hears of it when the IPA next
 * asks. (transfer full) */
static GHashTable *
changed_locally (const RspRun *run)
{
    GHashTable *changed = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint i = 0; i < run->messages->len; i++) {
        const RspSentMessage *m = &g_array_index (run->messages, RspSentMessage, i);
        if (m->dst && is_local (m->function->id))
            g_hash_table_add (changed, (gpointer)m->dst);
    }
    return changed;
}

static gboolean
has_other_manager (const RspRun *run, const RspWorldActor *eim, const RspWorldActor *card)
{
    for (guint i = 0; i < run->world->actors->len; i++) {
        const RspWorldActor *a = run->world->actors->pdata[i];
        if (a->role == RSP_ACTOR_EIM && a != eim && rsp_world_manages (a, card))
            return TRUE;
    }
    return FALSE;
}

/* EIDs of packages whose outcome the eIM does not know. (transfer full) */
static GHashTable *
open_devices (RspEim *eim)
{
    g_autoptr (GPtrArray) packages = rsp_eim_packages (eim);
    GHashTable *open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < packages->len; i++) {
        const RspEimPackageView *v = packages->pdata[i];
        gboolean only_word = v->state == RSP_EIM_FAILED &&
                             g_strcmp0 (v->result, "undefinedError") == 0; /* of the IPA */
        if (v->state == RSP_EIM_QUEUED || v->state == RSP_EIM_DELIVERED ||
            v->state == RSP_EIM_EXPIRED || only_word)
            g_hash_table_add (open, g_strdup (v->eid));
    }
    return open;
}

/* EID → card, of those whose every change A must know of. (transfer full) */
static GHashTable *
known_cards (const RspRun *run, const RspWorldActor *a)
{
    g_autoptr (GHashTable) open = open_devices (a->eim);
    g_autoptr (GHashTable) changed = changed_locally (run);
    GHashTable *known = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint i = 0; i < run->world->actors->len; i++) {
        const RspWorldActor *card = run->world->actors->pdata[i];
        if (card->role != RSP_ACTOR_EUICC || g_hash_table_contains (changed, card->base.name))
            continue;
        const char *eid = rsp_yaml_get (card->yaml, "eid")->text;
        if (!g_hash_table_contains (open, eid) && !has_other_manager (run, a, card))
            g_hash_table_insert (known, (gpointer)eid, (gpointer)card);
    }
    return known;
}

static gboolean
check_belief (RspRun *run, const RspYaml *node, const RspWorldActor *a, const RspWorldActor *card,
              const RspEimProfileView *belief)
{
    g_autoptr (GPtrArray) views = rsp_euicc_profiles (card->euicc);
    for (guint i = 0; i < views->len; i++) {
        const RspProfileView *v = views->pdata[i];
        if (strcmp (v->iccid, belief->iccid) == 0 && v->enabled == belief->enabled)
            return TRUE;
    }
    return rsp_run_fail (run, node, "expected profile %s %s on %s, as %s believes", belief->iccid,
                         belief->enabled ? "enabled" : "disabled", card->base.name, a->base.name);
}

gboolean
rsp_invariant_eim (RspRun *run, const RspYaml *node, const RspWorldActor *a)
{
    g_autoptr (GHashTable) known = known_cards (run, a);
    g_autoptr (GPtrArray) beliefs = rsp_eim_profiles (a->eim);
    for (guint i = 0; i < beliefs->len; i++) {
        const RspEimProfileView *belief = beliefs->pdata[i];
        const RspWorldActor *card = g_hash_table_lookup (known, belief->eid);
        if (card && !check_belief (run, node, a, card, belief))
            return FALSE;
    }
    return TRUE;
}
