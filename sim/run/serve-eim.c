/* Management of an eIM that is served: JSON over HTTPS with a bearer token (docs/eim.md). A package
 * is ordered with the keys of an `eim` step. */
#include "sim/run/serve-eim.h"

#include "asn1/tlv.h"
#include "sim/run/eim-orders.h"
#include "sim/run/language.h"

#include <string.h>

enum {
    OK = 200,
    CREATED = 201,
    NO_CONTENT = 204,
    BAD = 400,
    NOT_FOUND = 404,
    NOT_ALLOWED = 405,
    CONFLICT = 409
};

static guint
answer (guint status, json_t *json, GBytes **ret)
{
    char *text = json_dumps (json, JSON_COMPACT);
    *ret = g_bytes_new_with_free_func (text, strlen (text), free, text);
    json_decref (json);
    return status;
}

static guint
refuse (guint status, const char *why, GBytes **ret)
{
    return answer (status, json_pack ("{s:s}", "error", why), ret);
}

static json_t *
optional (const char *text)
{
    return text ? json_string (text) : json_null ();
}

/* --- the eIM --- */

GBytes *
rsp_served_eim_initial (const RspServedEim *s)
{
    g_autoptr (GBytes) configuration = rsp_eim_configuration (s->actor->eim, FALSE, 0);
    GByteArray *request = g_byte_array_new ();
    gsize mark = rsp_tlv_open (request, 0xBF57);
    rsp_tlv_put (request, 0xA0, rsp_slice_of (configuration));
    rsp_tlv_close (request, mark);
    return g_byte_array_free_to_bytes (request);
}

static guint
describe (const RspServedEim *s, GBytes **ret)
{
    g_autoptr (GBytes) request = rsp_served_eim_initial (s);
    g_autofree char *hex = rsp_hex (rsp_slice_of (request));
    const char *fqdn = rsp_yaml_get (s->actor->yaml, "fqdn")->text;
    return answer (OK,
                   json_pack ("{s:s, s:s, s:s}", "eimId",
                              rsp_world_text (s->actor->yaml, "eim-id", fqdn), "fqdn", fqdn,
                              "addInitialEimRequest", hex),
                   ret);
}

static guint
progress (const RspServedEim *s, GBytes **ret)
{
    json_t *counts = json_object ();
    for (guint state = RSP_EIM_QUEUED; state <= RSP_EIM_EXPIRED; state++)
        json_object_set_new (counts, rsp_eim_state_name (state),
                             json_integer (rsp_eim_count (s->actor->eim, state)));
    return answer (OK, counts, ret);
}

/* --- packages --- */

static json_t *
package_json (const RspEimPackageView *v)
{
    return json_pack ("{s:I, s:s, s:s, s:s, s:o}", "id", (json_int_t)v->id, "eid", v->eid, "kind",
                      v->kind, "state", rsp_eim_state_name (v->state), "result",
                      optional (v->result));
}

static guint
list_packages (const RspServedEim *s, GBytes **ret)
{
    g_autoptr (GPtrArray) views = rsp_eim_packages (s->actor->eim);
    json_t *list = json_array ();
    for (guint i = 0; i < views->len; i++)
        json_array_append_new (list, package_json (views->pdata[i]));
    return answer (OK, list, ret);
}

static guint
one_package (const RspServedEim *s, const char *method, const char *number, GBytes **ret)
{
    char *end = NULL;
    gint64 id = g_ascii_strtoll (number, &end, 10);
    RspEimPackageView *v = *number && !*end ? rsp_eim_package_view (s->actor->eim, id) : NULL;
    guint status = NO_CONTENT;
    if (!v)
        return refuse (NOT_FOUND, "no such package", ret);
    if (strcmp (method, "DELETE") != 0)
        status = answer (OK, package_json (v), ret);
    else if (!rsp_eim_withdraw (s->actor->eim, id))
        status = refuse (CONFLICT, "the package has been delivered", ret);
    rsp_eim_package_view_free (v);
    return status;
}

static gboolean
order_one (const RspServedEim *s, const RspYaml *order, const char *eid, json_t *ids,
           GError **error)
{
    gint64 id = rsp_order_eim_package (NULL, s->world, s->actor->eim, order, eid, error);
    if (id)
        json_array_append_new (ids, json_integer (id));
    return id != 0;
}

/* A body that is no mapping, or of another shape, is refused with its position. */
static RspYaml *
read_body (GBytes *body, const RspShape *shape, GError **error)
{
    gsize len = 0;
    const char *text = g_bytes_get_data (body, &len);
    g_autoptr (RspYaml) doc = rsp_yaml_parse (text ? text : "", (gssize)len, "body", error);
    return doc && rsp_shape_check (shape, doc, error) ? g_steal_pointer (&doc) : NULL;
}

static gboolean
knows_eim (const RspServedEim *s, const RspYaml *operation, GError **error)
{
    const RspYaml *name = rsp_yaml_get (operation, "eim");
    const RspWorldActor *eim = name ? rsp_world_actor (s->world, name->text) : NULL;
    return !name || (eim && eim->role == RSP_ACTOR_EIM) ||
           rsp_yaml_fail (name, error, "no eim of this name");
}

static gboolean
check_order (const RspServedEim *s, const RspYaml *order, GError **error)
{
    const RspYaml *verb = rsp_yaml_get (order, "do"), *list = rsp_yaml_get (order, "operations");
    if (!rsp_yaml_get (order, "eid") == !rsp_yaml_get (order, "eids"))
        return rsp_yaml_fail (order, error, "needs either eid or eids");
    if (!verb == !list || (list && !list->items->len))
        return rsp_yaml_fail (order, error, "needs either do or operations");
    if (verb && strcmp (verb->text, "push") == 0)
        return rsp_yaml_fail (verb, error, "not supported: push");
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *operation = list->items->pdata[i];
        if (!rsp_eim_order_is_operation (operation))
            return rsp_yaml_fail (operation, error, "not an operation of an eUICC package");
        if (!knows_eim (s, operation, error))
            return FALSE;
    }
    return knows_eim (s, order, error);
}

gboolean
rsp_manage_order (const RspServedEim *s, GBytes *body, json_t *ids, GError **error)
{
    g_autoptr (RspYaml) order = read_body (body, &rsp_language_eim_order, error);
    gboolean good = order && check_order (s, order, error);
    const RspYaml *eid = good ? rsp_yaml_get (order, "eid") : NULL;
    const RspYaml *eids = good ? rsp_yaml_get (order, "eids") : NULL;
    if (eid)
        good = order_one (s, order, eid->text, ids, error);
    for (guint i = 0; good && eids && i < eids->items->len; i++)
        good = order_one (s, order, ((RspYaml *)eids->items->pdata[i])->text, ids, error);
    return good;
}

static guint
create_packages (const RspServedEim *s, GBytes *body, GBytes **ret)
{
    g_autoptr (GError) error = NULL;
    json_t *ids = json_array ();
    if (rsp_manage_order (s, body, ids, &error))
        return answer (CREATED, json_pack ("{s:o}", "ids", ids), ret);
    g_autofree char *why = rsp_escape_text (error->message, -1, 400);
    return answer (BAD, json_pack ("{s:s, s:o}", "error", why, "ids", ids), ret);
}

/* --- eUICCs --- */

static guint
list_devices (const RspServedEim *s, GBytes **ret)
{
    g_auto (GStrv) eids = rsp_eim_devices (s->actor->eim);
    json_t *list = json_array ();
    for (guint i = 0; eids[i]; i++)
        json_array_append_new (list, json_string (eids[i]));
    return answer (OK, list, ret);
}

static guint
one_device (const RspServedEim *s, const char *eid, GBytes **ret)
{
    g_auto (GStrv) eids = rsp_eim_devices (s->actor->eim);
    if (!g_strv_contains ((const char *const *)eids, eid))
        return refuse (NOT_FOUND, "this eIM does not manage the EID", ret);
    g_autoptr (GPtrArray) views = rsp_eim_profiles (s->actor->eim);
    json_t *profiles = json_array ();
    for (guint i = 0; i < views->len; i++) {
        const RspEimProfileView *v = views->pdata[i];
        if (strcmp (v->eid, eid) == 0)
            json_array_append_new (profiles, json_pack ("{s:s, s:s}", "iccid", v->iccid, "state",
                                                        v->enabled ? "enabled" : "disabled"));
    }
    return answer (OK, json_pack ("{s:s, s:o}", "eid", eid, "profiles", profiles), ret);
}

static guint
create_device (const RspServedEim *s, GBytes *body, GBytes **ret)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspYaml) device = read_body (body, &rsp_language_eim_device, &error);
    const char *eid = device ? rsp_yaml_get (device, "eid")->text : NULL;
    RspEimDeviceChange change = {-1, -1, -1, {0}};
    if (device && rsp_yaml_get (device, "emulated"))
        change.emulated = rsp_world_flag (device, "emulated", FALSE);
    if (eid &&
        rsp_eim_add_device (s->actor->eim, eid, rsp_world_number (device, "token", 0),
                            rsp_world_number (device, "counter", 0), NULL, &error) &&
        rsp_eim_change_device (s->actor->eim, eid, &change, &error))
        return answer (CREATED, json_pack ("{s:s}", "eid", eid), ret);
    g_autofree char *why = rsp_escape_text (error->message, -1, 400);
    return refuse (BAD, why, ret);
}

guint
rsp_manage_eim (const char *method, const char *path, GBytes *body, GBytes **ret_body,
                char **ret_location G_GNUC_UNUSED, gpointer data)
{
    const RspServedEim *s = data;
    gboolean get = strcmp (method, "GET") == 0, post = strcmp (method, "POST") == 0;
    if (g_str_has_prefix (path, "/packages/") && (get || strcmp (method, "DELETE") == 0))
        return one_package (s, method, path + strlen ("/packages/"), ret_body);
    if (strcmp (path, "/packages") == 0 && (get || post))
        return get ? list_packages (s, ret_body) : create_packages (s, body, ret_body);
    if (strcmp (path, "/euiccs") == 0 && (get || post))
        return get ? list_devices (s, ret_body) : create_device (s, body, ret_body);
    if (g_str_has_prefix (path, "/euiccs/") && get)
        return one_device (s, path + strlen ("/euiccs/"), ret_body);
    if (strcmp (path, "/fleet") == 0 && get)
        return progress (s, ret_body);
    if (strcmp (path, "/") == 0 && get)
        return describe (s, ret_body);
    return refuse (g_str_has_prefix (path, "/packages") || g_str_has_prefix (path, "/euiccs") ||
                           strcmp (path, "/fleet") == 0 || strcmp (path, "/") == 0
                       ? NOT_ALLOWED
                       : NOT_FOUND,
                   "no such resource or method", ret_body);
}
