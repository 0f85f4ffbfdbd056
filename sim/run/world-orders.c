#include "sim/run/groups.h"
#include "sim/run/world-private.h"

#include <string.h>

typedef struct {
    gboolean done;
    char *refusal; /* NULL: executed */
} Placed;

static void
on_reply (const RspOperatorReply *reply, gpointer data)
{
    Placed *p = data;
    p->done = TRUE;
    if (reply->failure)
        p->refusal = g_strdup (reply->failure);
    else if (reply->subject)
        p->refusal = g_strconcat (reply->subject, "/", reply->reason, NULL);
}

static gboolean
is_placed (gpointer data)
{
    return ((Placed *)data)->done;
}

static gboolean
call (RspWorld *w, RspOperator *op, const RspWorldActor *dp, RspFields *fields, RspFunctionId id,
      const RspYaml *order, GError **error)
{
    Placed p = {0};
    const RspFunction *fn = rsp_function (id);
    rsp_operator_call (op, rsp_yaml_get (dp->yaml, "fqdn")->text, fn, fields, on_reply, &p);
    rsp_loop_run (w->options.loop, is_placed, &p, -1);
    g_autofree char *refusal = p.done ? p.refusal : g_strdup ("no answer");
    return !refusal || rsp_yaml_fail (order, error, "%s was refused: %s", fn->full_name, refusal);
}

static RspOperator *
operator_of (const RspWorld *w, const RspYaml *order)
{
    const char *name = rsp_world_text (order, "operator", NULL);
    for (guint i = 0; i < w->actors->len; i++) {
        RspWorldActor *a = w->actors->pdata[i];
        if (a->role == RSP_ACTOR_OPERATOR && (!name || strcmp (name, a->base.name) == 0))
            return a->op;
    }
    return NULL;
}

/* A world with durable state finds its orders as it left them. */
static gboolean
stands_already (const RspWorld *w, const RspWorldActor *dp, const char *iccid)
{
    if (!w->options.state_dir)
        return FALSE;
    g_autoptr (GPtrArray) views = rsp_smdpp_orders (dp->smdpp);
    for (guint i = 0; i < views->len; i++) {
        const RspOrderView *view = views->pdata[i];
        if (strcmp (view->iccid, iccid) == 0)
            return strcmp (view->state, "available") != 0;
    }
    return FALSE;
}

static gboolean
download_order (RspWorld *w, RspOperator *op, const RspWorldActor *dp, const RspYaml *order,
                const char *eid, GError **error)
{
    g_autoptr (RspFields) f =
        rsp_fields_new (rsp_function (RSP_FN_ES2P_DOWNLOAD_ORDER), RSP_LEG_REQUEST);
    rsp_fields_set_text (f, "iccid", rsp_yaml_get (order, "iccid")->text);
    rsp_fields_set_text (f, "eid", eid);
    return call (w, op, dp, f, RSP_FN_ES2P_DOWNLOAD_ORDER, order, error);
}

static gboolean
confirm_order (RspWorld *w, RspOperator *op, const RspWorldActor *dp, const RspYaml *order,
               gboolean release, GError **error)
{
    static const char *const members[] = {"iccid",       "eid", "matchingId", "confirmationCode",
                                          "smdsAddress", NULL};
    g_autoptr (RspFields) f =
        rsp_fields_new (rsp_function (RSP_FN_ES2P_CONFIRM_ORDER), RSP_LEG_REQUEST);
    for (guint i = 0; members[i]; i++)
        rsp_fields_set_text (f, members[i], rsp_world_text (order, members[i], NULL));
    rsp_fields_set_bool (f, "releaseFlag", release);
    return call (w, op, dp, f, RSP_FN_ES2P_CONFIRM_ORDER, order, error);
}

/* What ES2+ alone does not bring about. */
static gboolean
settle (const RspWorldActor *dp, const RspYaml *order, const char *state, gboolean by_es2p,
        GError **error)
{
    const RspOrderSetting setting = {.state = by_es2p ? NULL : state,
                                     .attempts = rsp_world_number (order, "attempts", 0),
                                     .code_tries =
                                         rsp_world_number (order, "confirmation-attempts", 0),
                                     .expired = rsp_world_flag (order, "expired", FALSE)};
    if (!setting.state && !setting.attempts && !setting.code_tries && !setting.expired)
        return TRUE;
    return rsp_smdpp_set_order (dp->smdpp, rsp_yaml_get (order, "iccid")->text, &setting, error);
}

/* Placed over ES2+ as far as that goes. */
static gboolean
place (RspWorld *w, const RspWorldActor *dp, const RspYaml *order, GError **error)
{
    RspOperator *op = operator_of (w, order);
    const char *iccid = rsp_yaml_get (order, "iccid")->text;
    const char *eid = rsp_world_text (order, "eid", NULL);
    const char *state = rsp_world_text (order, "state", "released");
    gboolean allocated = strcmp (state, "allocated") == 0;
    gboolean confirmed = strcmp (state, "confirmed") == 0;
    gboolean released = strcmp (state, "released") == 0;
    gboolean ordered = allocated || strcmp (state, "linked") == 0;
    if (stands_already (w, dp, iccid) || strcmp (state, "available") == 0)
        return TRUE;
    return download_order (w, op, dp, order, allocated ? NULL : eid, error) &&
           (ordered || confirm_order (w, op, dp, order, !confirmed, error)) &&
           settle (dp, order, state, ordered || confirmed || released, error);
}

/* ORDER, or the `count:` of them. */
static gboolean
place_all (RspWorld *w, const RspWorldActor *dp, const RspYaml *order, GError **error)
{
    const RspYaml *actors = rsp_yaml_get (w->scenario->world, "actors");
    gint64 count = rsp_world_number (order, "count", 0);
    gboolean ok = TRUE;
    if (!count)
        return place (w, dp, order, error);
    for (guint number = 1; number <= count && ok; number++) {
        g_autoptr (RspYaml) one = rsp_group_instance (actors, order, number);
        ok = place (w, dp, one, error);
    }
    return ok;
}

gboolean
rsp_world_place_orders (RspWorld *w, GError **error)
{
    for (guint i = 0; i < w->actors->len; i++) {
        const RspWorldActor *dp = w->actors->pdata[i];
        const RspYaml *orders =
            dp->role == RSP_ACTOR_SMDPP ? rsp_yaml_get (dp->yaml, "orders") : NULL;
        for (guint k = 0; orders && k < orders->items->len; k++)
            if (!place_all (w, dp, orders->items->pdata[k], error))
                return FALSE;
    }
    return TRUE;
}
