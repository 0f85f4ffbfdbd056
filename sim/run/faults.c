#include "sim/run/faults.h"

#include "sim/run/groups.h"

#include <string.h>

static const char *
text_of (const RspYaml *map, const char *key)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    return node ? node->text : NULL;
}

/* A peer's name; of a group, "NAME-*". (transfer full) */
static char *
peer_of (const RspScenario *s, const RspYaml *match, const char *key)
{
    const char *name = text_of (match, key);
    gboolean group = name && rsp_group_size (rsp_yaml_get (s->world, "actors"), name);
    return group ? g_strconcat (name, "-*", NULL) : g_strdup (name);
}

static gboolean
read_match (const RspScenario *s, const RspYaml *match, RspFault *f, GError **error)
{
    const char *function = text_of (match, "function"), *leg = text_of (match, "leg");
    const char *probability = text_of (match, "probability"), *apdu = text_of (match, "apdu");
    const char *point = text_of (match, "point");
    gint64 nth = 0, every = 0;
    if (!rsp_yaml_opt_int (match, "nth", 1, 1000000, &nth, error) ||
        !rsp_yaml_opt_int (match, "every", 1, 1000000, &every, error))
        return FALSE;
    f->function = function ? rsp_function_by_name (function) : NULL;
    f->any_leg = leg && strcmp (leg, "any") == 0;
    f->leg = leg && strcmp (leg, "response") == 0 ? RSP_LEG_RESPONSE : RSP_LEG_REQUEST;
    f->from = peer_of (s, match, "from");
    f->to = peer_of (s, match, "to");
    f->at = peer_of (s, match, "at");
    if (point)
        rsp_fault_point_parse (point, &f->point);
    f->nth = (guint)nth;
    f->every = (guint)every;
    if (apdu) {
        f->function = rsp_function (RSP_FN_APDU_TRANSMIT);
        f->apdu = rsp_unhex (apdu);
    }
    f->probability = probability ? g_ascii_strtod (probability, NULL) : 0;
    return TRUE;
}

static gboolean
read_action (const RspYaml *yaml, RspFault *f, GError **error)
{
    gint64 mask = 0, status = 0, copies = 0;
    const RspYaml *delay = rsp_yaml_get (yaml, "delay"), *value = rsp_yaml_get (yaml, "value");
    const RspYaml *down = rsp_yaml_get (yaml, "down");
    if (!rsp_fault_action_parse (text_of (yaml, "action"), &f->action))
        return rsp_yaml_fail (yaml, error, "unknown fault action");
    if ((delay && !rsp_yaml_duration (delay, &f->delay, error)) ||
        (down && !rsp_yaml_duration (down, &f->down, error)) ||
        !rsp_yaml_opt_int (yaml, "offset", G_MININT32, G_MAXINT32, &f->offset, error) ||
        !rsp_yaml_opt_int (yaml, "mask", 0, 255, &mask, error) ||
        !rsp_yaml_opt_int (yaml, "status", 0, 0xFFFF, &status, error) ||
        !rsp_yaml_opt_int (yaml, "copies", 1, 1000, &copies, error) ||
        !rsp_yaml_opt_bool (yaml, "remove", &f->remove, error) ||
        !rsp_yaml_opt_bool (yaml, "resign", &f->resign, error))
        return FALSE;
    f->mask = (guint8)mask;
    f->status = (guint)status;
    f->count = (guint)copies;
    if (rsp_yaml_get (yaml, "at"))
        f->at = g_strdup (text_of (yaml, "at"));
    f->field = g_strdup (text_of (yaml, "field"));
    f->text = g_strdup (text_of (yaml, "text"));
    f->value = value ? rsp_unhex (value->text) : NULL;
    return TRUE;
}

gboolean
rsp_scenario_faults (const RspScenario *s, RspFaults *faults, GError **error)
{
    for (guint i = 0; s->faults && i < s->faults->items->len; i++) {
        const RspYaml *yaml = s->faults->items->pdata[i];
        RspFault *f = g_new0 (RspFault, 1);
        f->name = g_strdup (text_of (yaml, "name"));
        if (!read_match (s, rsp_yaml_get (yaml, "match"), f, error) ||
            !read_action (yaml, f, error)) {
            rsp_fault_free (f);
            return FALSE;
        }
        rsp_faults_add (faults, f);
    }
    return TRUE;
}

const RspYaml *
rsp_fault_node (const RspScenario *s, const char *name)
{
    for (guint i = 0; s->faults && i < s->faults->items->len; i++)
        if (strcmp (text_of (s->faults->items->pdata[i], "name"), name) == 0)
            return s->faults->items->pdata[i];
    return s->doc;
}
