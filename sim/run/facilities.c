#include "sim/run/facilities.h"

#include "asn1/ids.h"
#include "asn1/tlv.h"

#include <string.h>

enum { OK = 200, SEE_OTHER = 303, BAD = 400, NOT_FOUND = 404, NOT_ALLOWED = 405 };

#define MAX_REQUEST 65536

static const char *const facilities[] = {"download", "psmo", "eco", "edr", "euicc", NULL};

static guint
answer (guint status, json_t *json, GBytes **ret)
{
    char *text = json_dumps (json, JSON_COMPACT);
    *ret = g_bytes_new_with_free_func (text, strlen (text), free, text);
    json_decref (json);
    return status;
}

static guint
answer_status (const char *status, GBytes **ret)
{
    return answer (OK, json_pack ("{s:s}", "status", status), ret);
}

/* OUTCOME (nullable) is the API's own word for it. */
static guint
refuse (guint status, const char *why, json_t *outcome, GBytes **ret)
{
    g_autofree char *message = rsp_escape_text (why, -1, 400);
    json_t *json = json_pack ("{s:s}", "error", message);
    if (outcome)
        json_object_set_new (json, "outcome", outcome);
    return answer (status, json, ret);
}

/* --- about the eIM --- */

static void
set_pem (json_t *about, const char *key, const RspCert *cert)
{
    g_autofree char *pem = cert ? rsp_cert_to_pem (cert) : NULL;
    if (pem)
        json_object_set_new (about, key, json_string (pem));
}

static json_t *
roots_pem (const GPtrArray *roots)
{
    json_t *list = json_array ();
    for (guint i = 0; i < roots->len; i++) {
        g_autofree char *pem = rsp_cert_to_pem (roots->pdata[i]);
        json_array_append_new (list, json_string (pem));
    }
    return list;
}

static guint
describe (const RspServedEim *s, GBytes **ret)
{
    const RspWorldActor *a = s->actor;
    g_autoptr (GBytes) configuration = rsp_eim_configuration (a->eim, FALSE, 0);
    g_autoptr (GBytes) request = rsp_served_eim_initial (s);
    g_autofree char *port = g_strdup_printf ("%u", s->port);
    g_autofree char *node = g_strconcat ("rspsim@", a->base.name, NULL);
    json_t *about =
        json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s}", "hostname", "localhost", "node", node, "vsn",
                   RSPSIM_VERSION, "eimId",
                   rsp_world_text (a->yaml, "eim-id", rsp_yaml_get (a->yaml, "fqdn")->text),
                   "esipaIp", "127.0.0.1", "esipaPort", port);
    set_pem (about, "esipaSslCert", rsp_world_credential (a, "tls")->cert);
    set_pem (about, "eimCert", rsp_world_credential (a, "eim")->cert);
    json_object_set_new (about, "rootCiCerts", roots_pem (a->roots));
    json_object_set_new (about, "addInitialEimRequest", rsp_facility_hex (rsp_slice_of (request)));
    json_object_set_new (about, "eimConfigurationData",
                         rsp_facility_hex (rsp_slice_of (configuration)));
    json_object_set_new (about, "counterValue", json_integer (0));
    return answer (OK, about, ret);
}

/* --- create --- */

typedef struct {
    const RspServedEim *served;
    const char *facility, *eid;
    const json_t *order;
    json_t *outcome; /* of what is done at once, or of what cannot be done (nullable) */
    gint64 package;
} Creating;

static gboolean
fail (GError **error, const char *what)
{
    g_set_error_literal (error, RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE, what);
    return FALSE;
}

/* Whoever is named for the first time is managed from then on. */
static gboolean
manage (const Creating *c, GError **error)
{
    return rsp_eim_add_device (c->served->actor->eim, c->eid, 0, 0, NULL, error);
}

static gboolean
change_euicc (Creating *c, GError **error)
{
    RspEimDeviceChange change = {-1, -1, -1, {0}};
    g_autoptr (GBytes) point = NULL;
    const char *word = "ok";
    gboolean good = rsp_facility_euicc (c->order, &change, &point, &word, error);
    c->outcome = json_pack ("[{s:s}]", "euiccUpdateResult", word);
    return good && manage (c, error) &&
           rsp_eim_change_device (c->served->actor->eim, c->eid, &change, error);
}

static gboolean
order_package (Creating *c, GError **error)
{
    static const char *const words[] = {"badOrder", "badPsmo", "badEco", "badEdr"};
    guint kind = 0;
    while (strcmp (facilities[kind], c->facility) != 0)
        kind++;
    json_t *ids = json_array ();
    json_t *order = rsp_facility_order (c->facility, c->eid, c->order, error);
    char *text = order ? json_dumps (order, JSON_COMPACT) : NULL;
    g_autoptr (GBytes) body =
        text ? g_bytes_new_with_free_func (text, strlen (text), free, text) : NULL;
    gboolean good = body && manage (c, error) && rsp_manage_order (c->served, body, ids, error);
    if (good)
        c->package = json_integer_value (json_array_get (ids, 0));
    else
        c->outcome = json_pack ("[{s:s}]", "procedureError", words[kind]);
    json_decref (ids);
    json_decref (order);
    return good;
}

/* The resource that is kept; NULL with ERROR. (transfer full) */
static char *
create_from (Creating *c, const json_t *request, GError **error)
{
    const char *eid = json_string_value (json_object_get (request, "eidValue"));
    c->order = json_object_get (request, "order");
    if (!json_is_object (request) || !eid || !rsp_eid_valid (eid)) {
        fail (error, "eidValue: needs an EID");
        return NULL;
    }
    if (!json_is_object (c->order)) {
        fail (error, "order: needs an object");
        return NULL;
    }
    if (!rsp_eim_has_room (c->served->actor->eim)) {
        fail (error, "too many resources: delete some");
        return NULL;
    }
    c->eid = eid;
    if (!(strcmp (c->facility, "euicc") == 0 ? change_euicc : order_package) (c, error))
        return NULL;
    json_t *kept = json_pack ("{s:s, s:O}", "eidValue", eid, "order", c->order);
    char *text = json_dumps (kept, JSON_COMPACT);
    char *outcome = c->outcome ? json_dumps (c->outcome, JSON_COMPACT) : NULL;
    char *id =
        rsp_eim_add_resource (c->served->actor->eim, c->facility, text, c->package, outcome, error);
    json_decref (kept);
    free (text);
    free (outcome);
    return id;
}

/* Answered by a way to the resource, as a browser follows it. */
static guint
create (const RspServedEim *s, const char *facility, GBytes *body, GBytes **ret,
        char **ret_location)
{
    g_autoptr (GError) error = NULL;
    gsize len = 0;
    const char *text = g_bytes_get_data (body, &len);
    json_error_t trouble = {0};
    if (len > MAX_REQUEST)
        return refuse (BAD, "the request is larger than 64 KiB", NULL, ret);
    json_t *request = json_loadb (text ? text : "", len, JSON_REJECT_DUPLICATES, &trouble);
    if (!request) {
        g_autofree char *why =
            g_strdup_printf ("body:%d:%d: %s", trouble.line, trouble.column, trouble.text);
        return refuse (BAD, why, NULL, ret);
    }
    Creating c = {.served = s, .facility = facility};
    g_autofree char *id = create_from (&c, request, &error);
    json_decref (request);
    if (!id)
        return refuse (BAD, error->message, c.outcome, ret);
    json_decref (c.outcome);
    *ret_location = g_strdup_printf ("/%s/lookup/%s", facility, id);
    return answer (SEE_OTHER, json_pack ("{s:s}", "resourceId", id), ret);
}

/* --- the other operations --- */

/* RESOURCE with what has become of its PACKAGE (nullable: it had an outcome at once, or somebody
 * has withdrawn it). */
static json_t *
resource_json (const RspEimResource *resource, const RspEimPackageView *package)
{
    gboolean open = package && package->state <= RSP_EIM_DELIVERED;
    json_t *outcome = NULL;
    if (resource->outcome)
        outcome = json_loads (resource->outcome, 0, NULL);
    else if (!package)
        outcome = json_pack ("[{s:s}]", "procedureError", "abortedOrder");
    else
        outcome = open ? json_array () : rsp_facility_outcome (package);
    g_autofree char *time =
        g_strdup_printf ("%" G_GINT64_FORMAT, package ? package->changed : resource->created);
    json_t *json = json_pack (
        "{s:s, s:s, s:o, s:o}", "status",
        !open ? "done" : (package->state == RSP_EIM_DELIVERED ? "work" : "new"), "timestamp", time,
        "resource", json_loads (resource->request, 0, NULL), "outcome", outcome);
    if (package && package->result)
        json_object_set_new (json, "result", json_string (package->result));
    if (package && package->answer)
        json_object_set_new (json, "debuginfo", rsp_facility_hex (rsp_slice_of (package->answer)));
    return json;
}

static guint
lookup (const RspServedEim *s, const char *facility, const char *id, GBytes **ret)
{
    g_autoptr (RspEimResource) resource = rsp_eim_resource (s->actor->eim, facility, id);
    if (!resource)
        return answer_status ("absent", ret);
    g_autoptr (RspEimPackageView) package =
        resource->package ? rsp_eim_package_view (s->actor->eim, resource->package) : NULL;
    return answer (OK, resource_json (resource, package), ret);
}

/* An order that nobody has fetched is withdrawn with it. */
static guint
delete_one (const RspServedEim *s, const char *facility, const char *id, GBytes **ret)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspEimResource) resource = rsp_eim_resource (s->actor->eim, facility, id);
    if (!resource)
        return answer_status ("absent", ret);
    if (resource->package)
        (void)rsp_eim_withdraw (s->actor->eim, resource->package);
    if (!rsp_eim_drop_resource (s->actor->eim, id, &error))
        return answer_status ("error", ret);
    return answer_status ("deleted", ret);
}

static guint
list (const RspServedEim *s, const char *facility, GBytes **ret)
{
    g_auto (GStrv) ids = rsp_eim_resources (s->actor->eim, facility);
    json_t *all = json_array ();
    for (guint i = 0; ids[i]; i++)
        json_array_append_new (all, json_string (ids[i]));
    return answer (OK, json_pack ("{s:o}", "resourceIdList", all), ret);
}

guint
rsp_manage_facilities (const char *method, const char *path, GBytes *body, GBytes **ret_body,
                       char **ret_location, gpointer data)
{
    const RspServedEim *s = data;
    g_auto (GStrv) parts = g_strsplit (path + (*path == '/'), "/", 4);
    guint n = g_strv_length (parts);
    if (n && !*parts[n - 1]) /* "/psmo/list/" */
        n--;
    const char *facility = n ? parts[0] : "", *operation = n > 1 ? parts[1] : "";
    gboolean creates = n == 2 && strcmp (operation, "create") == 0;
    gboolean one = n == 3 && (strcmp (operation, "lookup") == 0 || !strcmp (operation, "delete"));
    gboolean all = n == 2 && strcmp (operation, "list") == 0;
    if (n && (!g_strv_contains (facilities, facility) || !(creates || one || all)))
        return refuse (NOT_FOUND, "no such facility or operation", NULL, ret_body);
    if (strcmp (method, creates ? "POST" : "GET") != 0)
        return refuse (NOT_ALLOWED, creates ? "create is a POST" : "this is a GET", NULL, ret_body);
    if (creates)
        return create (s, facility, body, ret_body, ret_location);
    if (one)
        return (strcmp (operation, "lookup") == 0 ? lookup : delete_one) (s, facility, parts[2],
                                                                          ret_body);
    return all ? list (s, facility, ret_body) : describe (s, ret_body);
}
