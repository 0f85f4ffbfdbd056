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
stands_already (const RspWorldActor *dp, const char *iccid)
{
    g_autoptr (GPtrArray) views = rsp_smdpp_orders (dp->smdpp);
    for (guint i = 0; i < views->len; i++) {
        const RspOrderView *view = views->pdata[i];
        if (strcmp (view->iccid, iccid) == 0)
            return strcmp (view->state, "available") != 0;
    }
    return FALSE;
}

static gboolean
place (RspWorld *w, const RspWorldActor *dp, const RspYaml *order, GError **error)
{
    RspOperator *op = operator_of (w, order);
    const char *iccid = rsp_yaml_get (order, "iccid")->text;
    const char *eid = rsp_world_text (order, "eid", NULL);
    const char *state = rsp_world_text (order, "state", "released");
    if (stands_already (dp, iccid))
        return TRUE;

    g_autoptr (RspFields) download =
        rsp_fields_new (rsp_function (RSP_FN_ES2P_DOWNLOAD_ORDER), RSP_LEG_REQUEST);
    rsp_fields_set_text (download, "iccid", iccid);
    rsp_fields_set_text (download, "eid", eid);
    if (!call (w, op, dp, download, RSP_FN_ES2P_DOWNLOAD_ORDER, order, error))
        return FALSE;
    if (strcmp (state, "allocated") == 0)
        return TRUE;
    g_autoptr (RspFields) confirm =
        rsp_fields_new (rsp_function (RSP_FN_ES2P_CONFIRM_ORDER), RSP_LEG_REQUEST);
    rsp_fields_set_text (confirm, "iccid", iccid);
    rsp_fields_set_text (confirm, "eid", eid);
    rsp_fields_set_text (confirm, "matchingId", rsp_world_text (order, "matchingId", NULL));
    rsp_fields_set_text (confirm, "confirmationCode",
                         rsp_world_text (order, "confirmationCode", NULL));
    rsp_fields_set_bool (confirm, "releaseFlag", strcmp (state, "released") == 0);
    return call (w, op, dp, confirm, RSP_FN_ES2P_CONFIRM_ORDER, order, error);
}

gboolean
rsp_world_place_orders (RspWorld *w, GError **error)
{
    for (guint i = 0; i < w->actors->len; i++) {
        const RspWorldActor *dp = w->actors->pdata[i];
        const RspYaml *orders =
            dp->role == RSP_ACTOR_SMDPP ? rsp_yaml_get (dp->yaml, "orders") : NULL;
        for (guint k = 0; orders && k < orders->items->len; k++)
            if (!place (w, dp, orders->items->pdata[k], error))
                return FALSE;
    }
    return TRUE;
}
