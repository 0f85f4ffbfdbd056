#include "sim/run/groups.h"
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
        g_autofree char *iccid = rsp_run_text (run, rsp_yaml_get (entry, "iccid"));
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

/* ICCID → RspOrderView of VIEWS. (transfer full) */
static GHashTable *
orders_by_iccid (const GPtrArray *views)
{
    GHashTable *table = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint i = 0; i < views->len; i++)
        g_hash_table_insert (table, ((RspOrderView *)views->pdata[i])->iccid, views->pdata[i]);
    return table;
}

static gboolean
check_order (RspRun *run, const RspYaml *entry, GHashTable *orders, const RspWorldActor *server)
{
    g_autofree char *iccid = rsp_run_text (run, rsp_yaml_get (entry, "iccid"));
    const RspOrderView *v = g_hash_table_lookup (orders, iccid);
    if (!v)
        return rsp_run_fail (run, entry, "expected ICCID %s at %s, got none", iccid,
                             server->base.name);
    return match_opt (run, entry, "state", v->state) && match_opt (run, entry, "eid", v->eid) &&
           match_opt (run, entry, "matchingId", v->matching_id) &&
           rsp_run_match_number (run, rsp_yaml_get (entry, "attempts"), v->attempts);
}

static gboolean
check_orders (RspRun *run, const RspYaml *want, const RspWorldActor *server)
{
    const RspYaml *actors = rsp_yaml_get (run->scenario->world, "actors");
    g_autoptr (GPtrArray) views = rsp_smdpp_orders (server->smdpp);
    g_autoptr (GHashTable) orders = orders_by_iccid (views);
    for (guint i = 0; i < want->items->len; i++) {
        const RspYaml *entry = want->items->pdata[i];
        gint64 count = 0;
        rsp_yaml_opt_int (entry, "count", 1, G_MAXUINT32, &count, NULL);
        if (!count && !check_order (run, entry, orders, server))
            return FALSE;
        for (guint number = 1; number <= count; number++) {
            g_autoptr (RspYaml) one = rsp_group_instance (actors, entry, number);
            if (!check_order (run, one, orders, server))
                return FALSE;
        }
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
    gboolean src_group, dst_group;
    const RspFunction *function;
} Wanted;

static void
read_wanted (const RspRun *run, const RspYaml *entry, Wanted *ret)
{
    const RspYaml *actors = rsp_yaml_get (run->scenario->world, "actors");
    const RspYaml *value = entry->items->pdata[0];
    g_auto (GStrv) ends = g_strsplit (value->key, "->", 2);
    ret->src = g_strdup (g_strstrip (ends[0]));
    ret->dst = g_strdup (g_strstrip (ends[1]));
    ret->src_group = rsp_group_size (actors, ret->src) > 0;
    ret->dst_group = rsp_group_size (actors, ret->dst) > 0;
    ret->function = rsp_function_by_name (value->text);
}

/* NAME is WANT or, of a group, any of it. */
static gboolean
is_meant (const char *want, gboolean group, const char *name)
{
    return group ? name && rsp_group_has (want, name) : g_strcmp0 (name, want) == 0;
}

/* Index after the first match at or after FROM, or 0. */
static guint
find_message (const RspRun *run, const Wanted *w, guint from)
{
    for (guint i = from; i < run->messages->len; i++) {
        const RspSentMessage *m = &g_array_index (run->messages, RspSentMessage, i);
        if (m->function == w->function && is_meant (w->src, w->src_group, m->src) &&
            is_meant (w->dst, w->dst_group, m->dst))
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
        read_wanted (run, list->items->pdata[i], &w);
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

static gboolean
check_actor (RspRun *run, const RspYaml *of, const RspWorldActor *a)
{
    if (a->modem)
        return rsp_expect_device (run, of, a);
    for (guint k = 0; k < of->items->len; k++)
        if (!check_item (run, of->items->pdata[k], a))
            return FALSE;
    return TRUE;
}

/* Each member must be as OF says, but for those that EXPECT names themselves. */
static gboolean
check_group (RspRun *run, const RspYaml *expect, const RspYaml *of)
{
    const RspYaml *actors = rsp_yaml_get (run->scenario->world, "actors");
    g_autoptr (GPtrArray) members = rsp_world_members (run->world, of->key);
    gboolean good = TRUE;
    for (guint i = 0; i < members->len && good; i++) {
        const RspWorldActor *a = members->pdata[i];
        if (rsp_yaml_get (expect, a->base.name))
            continue;
        g_autoptr (RspYaml) own = rsp_group_instance (actors, of, i + 1);
        run->member = a->base.name;
        good = check_actor (run, own, a);
        run->member = NULL;
    }
    return good;
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
        if (!(a ? check_actor (run, of, a) : check_group (run, expect, of)))
            return FALSE;
    }
    return TRUE;
}
