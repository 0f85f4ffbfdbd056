#include "sim/run/runner.h"

#include <string.h>

static gboolean
match_opt (RspRun *run, const RspYaml *map, const char *key, const char *got)
{
    return rsp_run_match (run, rsp_yaml_get (map, key), got);
}

/* --- card --------------------------------------------------------------------------------------
 */

static const RspProfileView *
find_profile (const GPtrArray *views, const char *iccid)
{
    for (guint i = 0; i < views->len; i++) {
        const RspProfileView *v = views->pdata[i];
        if (strcmp (v->iccid, iccid) == 0)
            return v;
    }
    return NULL;
}

static gboolean
check_profiles (RspRun *run, const RspYaml *want, const RspWorldActor *card)
{
    g_autoptr (GPtrArray) views = rsp_euicc_profiles (card->euicc);
    if (views->len != want->items->len)
        return rsp_run_fail (run, want, "expected %u profiles on %s, got %u", want->items->len,
                             card->base.name, views->len);
    for (guint i = 0; i < want->items->len; i++) {
        const RspYaml *entry = want->items->pdata[i];
        const char *iccid = rsp_yaml_get (entry, "iccid")->text;
        const RspProfileView *v = find_profile (views, iccid);
        if (!v)
            return rsp_run_fail (run, entry, "expected profile %s on %s, got none", iccid,
                                 card->base.name);
        if (!match_opt (run, entry, "state", v->enabled ? "enabled" : "disabled") ||
            !match_opt (run, entry, "nickname", v->nickname))
            return FALSE;
    }
    return TRUE;
}

static const char *
event_name (guint32 event)
{
    static const char *const names[] = {"install", "enable", "disable", "delete"};
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        if (event & 1u << i)
            return names[i];
    return NULL;
}

static gboolean
check_notifications (RspRun *run, const RspYaml *want, const RspWorldActor *card)
{
    g_autoptr (GPtrArray) views = rsp_euicc_notifications (card->euicc);
    if (views->len != want->items->len)
        return rsp_run_fail (run, want, "expected %u pending notifications on %s, got %u",
                             want->items->len, card->base.name, views->len);
    for (guint i = 0; i < views->len; i++) {
        const RspYaml *entry = want->items->pdata[i];
        const RspNotificationView *v = views->pdata[i];
        if (!match_opt (run, entry, "event", event_name (v->event)) ||
            !match_opt (run, entry, "iccid", v->iccid) ||
            !match_opt (run, entry, "address", v->address))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_elements (RspRun *run, const RspYaml *want, const RspWorldActor *card)
{
    g_autoptr (GArray) views = rsp_euicc_elements (card->euicc);
    if (views->len != want->items->len)
        return rsp_run_fail (run, want, "expected %u element statuses of %s, got %u",
                             want->items->len, card->base.name, views->len);
    for (guint i = 0; i < views->len; i++) {
        const RspYaml *entry = want->items->pdata[i];
        const RspElementView *v = &g_array_index (views, RspElementView, i);
        if (!match_opt (run, entry, "status", v->status) ||
            !rsp_run_match_number (run, rsp_yaml_get (entry, "identification"), v->identification))
            return FALSE;
    }
    return TRUE;
}

/* --- servers -----------------------------------------------------------------------------------
 */

static const RspOrderView *
find_order (const GPtrArray *views, const char *iccid)
{
    for (guint i = 0; i < views->len; i++) {
        const RspOrderView *v = views->pdata[i];
        if (strcmp (v->iccid, iccid) == 0)
            return v;
    }
    return NULL;
}

static gboolean
check_orders (RspRun *run, const RspYaml *want, const RspWorldActor *server)
{
    g_autoptr (GPtrArray) views = rsp_smdpp_orders (server->smdpp);
    for (guint i = 0; i < want->items->len; i++) {
        const RspYaml *entry = want->items->pdata[i];
        const char *iccid = rsp_yaml_get (entry, "iccid")->text;
        const RspOrderView *v = find_order (views, iccid);
        if (!v)
            return rsp_run_fail (run, entry, "expected ICCID %s at %s, got none", iccid,
                                 server->base.name);
        if (!match_opt (run, entry, "state", v->state) || !match_opt (run, entry, "eid", v->eid) ||
            !match_opt (run, entry, "matchingId", v->matching_id) ||
            !rsp_run_match_number (run, rsp_yaml_get (entry, "attempts"), v->attempts))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_received (RspRun *run, const RspYaml *want, const RspWorldActor *op)
{
    const GPtrArray *got = rsp_operator_notifications (op->op);
    if (got->len != want->items->len)
        return rsp_run_fail (run, want, "expected %u notifications at %s, got %u", want->items->len,
                             op->base.name, got->len);
    for (guint i = 0; i < got->len; i++) {
        const RspYaml *entry = want->items->pdata[i];
        const RspOperatorNotification *n = got->pdata[i];
        g_autofree char *code = n->success ? g_strdup ("success")
                                           : rsp_run_code (n->subject ? n->subject : "none",
                                                           n->reason ? n->reason : "none");
        if (!match_opt (run, entry, "iccid", n->iccid) ||
            !rsp_run_match_number (run, rsp_yaml_get (entry, "point"), n->point) ||
            !match_opt (run, entry, "code", code))
            return FALSE;
    }
    return TRUE;
}

/* --- messages ----------------------------------------------------------------------------------
 */

typedef struct {
    char *src, *dst;
    const RspFunction *function;
} Wanted;

static void
read_wanted (const RspYaml *entry, Wanted *ret)
{
    const RspYaml *value = entry->items->pdata[0];
    g_auto (GStrv) ends = g_strsplit (value->key, "->", 2);
    ret->src = g_strdup (g_strstrip (ends[0]));
    ret->dst = g_strdup (g_strstrip (ends[1]));
    ret->function = rsp_function_by_name (value->text);
}

/* Index after the first match at or after FROM, or 0. */
static guint
find_message (const RspRun *run, const Wanted *w, guint from)
{
    for (guint i = from; i < run->messages->len; i++) {
        const RspSentMessage *m = &g_array_index (run->messages, RspSentMessage, i);
        if (m->function == w->function && g_strcmp0 (m->src, w->src) == 0 &&
            g_strcmp0 (m->dst, w->dst) == 0)
            return i + 1;
    }
    return 0;
}

static gboolean
check_messages (RspRun *run, const RspYaml *list, gboolean wanted)
{
    guint from = 0;
    for (guint i = 0; i < list->items->len; i++) {
        Wanted w;
        read_wanted (list->items->pdata[i], &w);
        guint found = find_message (run, &w, wanted ? from : 0);
        g_free (w.src);
        g_free (w.dst);
        const RspYaml *value = ((RspYaml *)list->items->pdata[i])->items->pdata[0];
        if (wanted && !found)
            return rsp_run_fail (run, list->items->pdata[i], "expected message %s: %s, got none %s",
                                 value->key, value->text, i ? "after the one before" : "at all");
        if (!wanted && found)
            return rsp_run_fail (run, list->items->pdata[i], "expected no message %s: %s, got one",
                                 value->key, value->text);
        from = found;
    }
    return TRUE;
}

/* --- all ---------------------------------------------------------------------------------------
 */

static gboolean
check_item (RspRun *run, const RspYaml *what, const RspWorldActor *a)
{
    if (strcmp (what->key, "profiles") == 0)
        return check_profiles (run, what, a);
    if (strcmp (what->key, "notifications") == 0)
        return check_notifications (run, what, a);
    if (strcmp (what->key, "elements") == 0)
        return check_elements (run, what, a);
    if (strcmp (what->key, "orders") == 0)
        return check_orders (run, what, a);
    if (strcmp (what->key, "received") == 0)
        return check_received (run, what, a);
    if (strcmp (what->key, "events") == 0)
        return rsp_expect_events (run, what, a);
    if (a->role == RSP_ACTOR_SMDS)
        return rsp_run_match_number (run, what, rsp_smds_live_sessions (a->smds));
    if (a->role == RSP_ACTOR_EIM)
        return rsp_expect_eim (run, what, a);
    return rsp_run_match_number (run, what, rsp_smdpp_live_sessions (a->smdpp));
}

gboolean
rsp_expect_check (RspRun *run, const RspYaml *expect)
{
    for (guint i = 0; i < expect->items->len; i++) {
        const RspYaml *of = expect->items->pdata[i];
        if (of->kind == RSP_YAML_LIST) {
            if (!check_messages (run, of, strcmp (of->key, "messages") == 0))
                return FALSE;
            continue;
        }
        const RspWorldActor *a = rsp_world_actor (run->world, of->key);
        if (a->modem) {
            if (!rsp_expect_device (run, of, a))
                return FALSE;
            continue;
        }
        for (guint k = 0; k < of->items->len; k++)
            if (!check_item (run, of->items->pdata[k], a))
                return FALSE;
    }
    return TRUE;
}
