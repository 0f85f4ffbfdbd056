/* For those who manage the eIM: changes to eUICCs, and the resources of its facilities. */
#include "components/eim/eim-private.h"

#define MAX_RESOURCES 100000

gboolean
rsp_eim_change_device (RspEim *eim, const char *eid, const RspEimDeviceChange *change,
                       GError **error)
{
    g_autoptr (RspEimDevice) device = rsp_eim_device (eim, eid, error);
    if (!device) {
        if (!*error)
            g_set_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_ENCODE,
                         "%s: this eIM does not manage the EID", eid);
        return FALSE;
    }
    if (change->token >= 0)
        device->token = change->token;
    if (change->counter >= 0)
        device->counter = change->counter;
    if (change->emulated >= 0)
        device->emulated = change->emulated != 0;
    if (change->point.len) {
        g_clear_pointer (&device->point, g_bytes_unref);
        device->point = rsp_slice_to_bytes (change->point);
    }
    return rsp_eim_put_device (eim, device, error);
}

/* --- resources --- */

/* A random UUID (RFC 4122 4.4). (transfer full) */
static char *
new_id (RspEim *eim)
{
    guint8 o[16];
    rsp_rng_fill (eim->rng, o, sizeof o);
    o[6] = (guint8)((o[6] & 0x0F) | 0x40);
    o[8] = (guint8)((o[8] & 0x3F) | 0x80);
    g_autofree char *hex = rsp_hex (RSP_SLICE_ARRAY (o));
    return g_strdup_printf ("%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

gboolean
rsp_eim_has_room (RspEim *eim)
{
    sqlite3_stmt *row = rsp_store_bind (eim->store, "SELECT count (*) FROM resource", "");
    gboolean there;
    return rsp_store_step (eim->store, row, &there, NULL) && there &&
           sqlite3_column_int64 (row, 0) < MAX_RESOURCES;
}

char *
rsp_eim_add_resource (RspEim *eim, const char *facility, const char *request, gint64 package,
                      const char *outcome, GError **error)
{
    g_autofree char *id = new_id (eim);
    return rsp_store_run (eim->store, error, "INSERT INTO resource VALUES (?,?,?,?,?,?)", "sssisi",
                          id, facility, request, package, outcome, rsp_actor_time (eim->actor))
               ? g_steal_pointer (&id)
               : NULL;
}

RspEimResource *
rsp_eim_resource (RspEim *eim, const char *facility, const char *id)
{
    sqlite3_stmt *row = rsp_store_bind (eim->store,
                                        "SELECT request, package, outcome, created FROM resource"
                                        " WHERE id = ? AND facility = ?",
                                        "ss", id, facility);
    gboolean there;
    if (!rsp_store_step (eim->store, row, &there, NULL) || !there)
        return NULL;
    RspEimResource *r = g_new0 (RspEimResource, 1);
    r->request = rsp_store_text (row, 0);
    r->package = sqlite3_column_int64 (row, 1);
    r->outcome = rsp_store_text (row, 2);
    r->created = sqlite3_column_int64 (row, 3);
    return r;
}

void
rsp_eim_resource_free (RspEimResource *resource)
{
    if (!resource)
        return;
    g_free (resource->request);
    g_free (resource->outcome);
    g_free (resource);
}

gboolean
rsp_eim_drop_resource (RspEim *eim, const char *id, GError **error)
{
    return rsp_store_run (eim->store, error, "DELETE FROM resource WHERE id = ?", "s", id);
}

char **
rsp_eim_resources (RspEim *eim, const char *facility)
{
    GPtrArray *ids = g_ptr_array_new ();
    sqlite3_stmt *row = rsp_store_bind (
        eim->store, "SELECT id FROM resource WHERE facility = ? ORDER BY id", "s", facility);
    gboolean there;
    while (rsp_store_step (eim->store, row, &there, NULL) && there)
        g_ptr_array_add (ids, rsp_store_text (row, 0));
    g_ptr_array_add (ids, NULL);
    return (char **)g_ptr_array_free (ids, FALSE);
}
