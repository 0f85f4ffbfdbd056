/* Devices, packages and what the eIM believes of profiles, in SQLite. */
#include "components/eim/eim-private.h"

#include <string.h>

const char rsp_eim_schema[] =
    "CREATE TABLE device (eid TEXT PRIMARY KEY, token INTEGER NOT NULL, counter INTEGER NOT NULL,"
    " point BLOB, info1 BLOB, info BLOB, emulated INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE package (id INTEGER PRIMARY KEY AUTOINCREMENT, eid TEXT NOT NULL, name TEXT NOT "
    "NULL,"
    " kind INTEGER NOT NULL, state INTEGER NOT NULL, body BLOB, transaction_id BLOB,"
    " counter INTEGER NOT NULL, sent BLOB, address TEXT, matching_id TEXT, oid TEXT, code TEXT,"
    " iccid TEXT, before TEXT, result TEXT, due INTEGER NOT NULL, changed INTEGER NOT NULL,"
    " answer BLOB);"
    "CREATE INDEX package_due ON package (due) WHERE state < 2 AND due > 0;"
    "CREATE INDEX package_state ON package (state);"
    "CREATE INDEX package_open ON package (eid, id) WHERE state < 2;"
    "CREATE UNIQUE INDEX package_transaction ON package (transaction_id);"
    "CREATE TABLE profile (eid TEXT NOT NULL, iccid TEXT NOT NULL, enabled INTEGER NOT NULL,"
    " PRIMARY KEY (eid, iccid)) WITHOUT ROWID;"
    "CREATE TABLE forward (id INTEGER PRIMARY KEY, address TEXT NOT NULL, body BLOB NOT NULL,"
    " since INTEGER NOT NULL);"
    "CREATE INDEX forward_address ON forward (address, id);"
    "CREATE TABLE resource (id TEXT PRIMARY KEY, facility TEXT NOT NULL, request TEXT NOT NULL,"
    " package INTEGER NOT NULL, outcome TEXT, created INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX resource_facility ON resource (facility, id);";

#define COLUMNS                                                                                    \
    "id, eid, name, kind, state, body, transaction_id, counter, sent, address, matching_id, oid,"  \
    " code, iccid, before, result, due, answer"

static const char *const state_names[] = {"queued", "delivered",   "done",
                                          "failed", "rolled-back", "expired"};

const char *
rsp_eim_state_name (RspEimState state)
{
    return state_names[state];
}

void
rsp_eim_device_free (RspEimDevice *device)
{
    if (!device)
        return;
    g_free (device->eid);
    g_clear_pointer (&device->point, g_bytes_unref);
    g_clear_pointer (&device->info1, g_bytes_unref);
    g_clear_pointer (&device->info, g_bytes_unref);
    g_free (device);
}

void
rsp_eim_package_free (RspEimPackage *package)
{
    if (!package)
        return;
    g_free (package->eid);
    g_free (package->name);
    g_clear_pointer (&package->body, g_bytes_unref);
    g_clear_pointer (&package->transaction_id, g_bytes_unref);
    g_clear_pointer (&package->sent, g_bytes_unref);
    g_free (package->address);
    g_free (package->matching_id);
    g_free (package->oid);
    if (package->code)
        rsp_wipe (package->code, strlen (package->code));
    g_free (package->code);
    g_free (package->iccid);
    g_free (package->before);
    g_free (package->result);
    g_clear_pointer (&package->answer, g_bytes_unref);
    g_free (package);
}

/* --- transactions --- */

void
rsp_eim_note_change (RspEim *eim, const RspEimPackage *p, const char *from)
{
    g_autofree char *object = g_strdup_printf ("package %" G_GINT64_FORMAT, p->id);
    rsp_changes_note (eim->changes, object, from, rsp_eim_state_name (p->state));
}

static void
trace_failure (RspEim *eim, const GError *error)
{
    if (rsp_trace_active (eim->actor->trace))
        rsp_trace_event (eim->actor->trace, &(RspTraceEvent){.kind = RSP_TRACE_STORE,
                                                             .src = eim->actor->name,
                                                             .op = "commit",
                                                             .result = error->message});
}

gboolean
rsp_eim_end (RspEim *eim, gboolean good, GError **error)
{
    if (!good || !rsp_actor_commit (eim->actor, eim->store, error)) {
        rsp_store_rollback (eim->store);
        g_ptr_array_set_size (eim->changes, 0);
        trace_failure (eim, *error);
        return FALSE;
    }
    rsp_changes_tell (eim->actor, eim->changes);
    return TRUE;
}

/* --- devices --- */

RspEimDevice *
rsp_eim_device (RspEim *eim, const char *eid, GError **error)
{
    sqlite3_stmt *row = rsp_store_bind (
        eim->store,
        "SELECT eid, token, counter, point, info1, info, emulated FROM device WHERE eid = ?", "s",
        eid);
    gboolean there;
    if (!rsp_store_step (eim->store, row, &there, error) || !there)
        return NULL;
    RspEimDevice *device = g_new0 (RspEimDevice, 1);
    device->eid = rsp_store_text (row, 0);
    device->token = sqlite3_column_int64 (row, 1);
    device->counter = sqlite3_column_int64 (row, 2);
    device->point = rsp_store_blob (row, 3);
    device->info1 = rsp_store_blob (row, 4);
    device->info = rsp_store_blob (row, 5);
    device->emulated = sqlite3_column_int (row, 6) != 0;
    return device;
}

gboolean
rsp_eim_put_device (RspEim *eim, const RspEimDevice *device, GError **error)
{
    return rsp_store_run (eim->store, error, "INSERT OR REPLACE INTO device VALUES (?,?,?,?,?,?,?)",
                          "siibbbi", device->eid, device->token, device->counter, device->point,
                          device->info1, device->info, (gint64)device->emulated);
}

char **
rsp_eim_devices (RspEim *eim)
{
    GPtrArray *eids = g_ptr_array_new ();
    sqlite3_stmt *row = rsp_store_bind (eim->store, "SELECT eid FROM device ORDER BY eid", "");
    gboolean there;
    while (rsp_store_step (eim->store, row, &there, NULL) && there)
        g_ptr_array_add (eids, rsp_store_text (row, 0));
    g_ptr_array_add (eids, NULL);
    return (char **)g_ptr_array_free (eids, FALSE);
}

/* --- packages --- */

static RspEimPackage *
read_package (RspEim *eim, sqlite3_stmt *row, GError **error)
{
    gboolean there;
    if (!rsp_store_step (eim->store, row, &there, error) || !there)
        return NULL;
    RspEimPackage *p = g_new0 (RspEimPackage, 1);
    p->id = sqlite3_column_int64 (row, 0);
    p->eid = rsp_store_text (row, 1);
    p->name = rsp_store_text (row, 2);
    p->kind = (RspEimKind)sqlite3_column_int (row, 3);
    p->state = (RspEimState)sqlite3_column_int (row, 4);
    p->body = rsp_store_blob (row, 5);
    p->transaction_id = rsp_store_blob (row, 6);
    p->counter = sqlite3_column_int64 (row, 7);
    p->sent = rsp_store_blob (row, 8);
    p->address = rsp_store_text (row, 9);
    p->matching_id = rsp_store_text (row, 10);
    p->oid = rsp_store_text (row, 11);
    p->code = rsp_store_text (row, 12);
    p->iccid = rsp_store_text (row, 13);
    p->before = rsp_store_text (row, 14);
    p->result = rsp_store_text (row, 15);
    p->due = sqlite3_column_int64 (row, 16);
    p->answer = rsp_store_blob (row, 17);
    return p;
}

RspEimPackage *
rsp_eim_next_package (RspEim *eim, const char *eid, GError **error)
{
    return read_package (eim,
                         rsp_store_bind (eim->store,
                                         "SELECT " COLUMNS
                                         " FROM package WHERE eid = ? AND state < 2"
                                         " ORDER BY id LIMIT 1",
                                         "s", eid),
                         error);
}

RspEimPackage *
rsp_eim_only_package_out (RspEim *eim, GError **error)
{
    return read_package (eim,
                         rsp_store_bind (eim->store,
                                         "SELECT " COLUMNS " FROM package WHERE state = 1"
                                         " AND (SELECT count(*) FROM package WHERE state = 1) = 1",
                                         ""),
                         error);
}

RspEimPackage *
rsp_eim_package_by_transaction (RspEim *eim, RspSlice id, GError **error)
{
    g_autoptr (GBytes) octets = g_bytes_new (id.data, id.len);
    return read_package (eim,
                         rsp_store_bind (eim->store,
                                         "SELECT " COLUMNS " FROM package WHERE transaction_id = ?",
                                         "b", octets),
                         error);
}

RspEimPackage *
rsp_eim_package_by_id (RspEim *eim, gint64 id, GError **error)
{
    return read_package (
        eim, rsp_store_bind (eim->store, "SELECT " COLUMNS " FROM package WHERE id = ?", "i", id),
        error);
}

RspEimPackage *
rsp_eim_download_from (RspEim *eim, const char *eid, const char *address, gboolean *ret_more,
                       GError **error)
{
    sqlite3_stmt *row =
        rsp_store_bind (eim->store,
                        "SELECT " COLUMNS " FROM package WHERE state < 2 AND state = 1 AND kind = 3"
                        " AND (?1 IS NULL OR eid = ?1) AND (?2 IS NULL OR address IS NULL OR"
                        " address = ?2 COLLATE NOCASE)"
                        " ORDER BY id LIMIT 2",
                        "ss", eid, address);
    g_autoptr (RspEimPackage) p = read_package (eim, row, error);
    *ret_more = FALSE;
    return p && !rsp_store_step (eim->store, row, ret_more, error) ? NULL : g_steal_pointer (&p);
}

gboolean
rsp_eim_insert_package (RspEim *eim, RspEimPackage *p, GError **error)
{
    if (!rsp_store_run (
            eim->store, error,
            "INSERT INTO package (eid, name, kind, state, body, transaction_id, counter,"
            " address, matching_id, oid, code, iccid, due, changed)"
            " VALUES (?,?,?,?,?,?,0,?,?,?,?,?,?,?)",
            "ssiibbsssssii", p->eid, p->name, (gint64)p->kind, (gint64)p->state, p->body,
            p->transaction_id, p->address, p->matching_id, p->oid, p->code, p->iccid, p->due,
            rsp_actor_time (eim->actor)))
        return FALSE;
    sqlite3_stmt *row = rsp_store_bind (eim->store, "SELECT last_insert_rowid ()", "");
    gboolean there;
    if (!rsp_store_step (eim->store, row, &there, error))
        return FALSE;
    p->id = sqlite3_column_int64 (row, 0);
    return TRUE;
}

gboolean
rsp_eim_update_package (RspEim *eim, const RspEimPackage *p, GError **error)
{
    return rsp_store_run (
        eim->store, error,
        "UPDATE package SET state = ?, counter = ?, body = ?, sent = ?, address = ?,"
        " matching_id = ?, before = ?, result = ?, answer = ?, changed = ? WHERE id = ?",
        "iibbssssbii", (gint64)p->state, p->counter, p->body, p->sent, p->address, p->matching_id,
        p->before, p->result, p->answer, rsp_actor_time (eim->actor), p->id);
}

gboolean
rsp_eim_expire (RspEim *eim, GError **error)
{
    return !eim->package_lifetime ||
           rsp_store_run (eim->store, error,
                          "UPDATE package SET state = 5, result = 'expired', changed = ?1 WHERE "
                          "state < 2 AND due > 0"
                          " AND due <= ?1",
                          "i", rsp_actor_time (eim->actor));
}

void
rsp_eim_package_view_free (RspEimPackageView *view)
{
    g_free (view->eid);
    g_free (view->kind);
    g_free (view->result);
    g_clear_pointer (&view->answer, g_bytes_unref);
    g_free (view);
}

static RspEimPackageView *
read_view (sqlite3_stmt *row)
{
    RspEimPackageView *view = g_new0 (RspEimPackageView, 1);
    view->id = sqlite3_column_int64 (row, 0);
    view->eid = rsp_store_text (row, 1);
    view->kind = rsp_store_text (row, 2);
    view->state = (RspEimState)sqlite3_column_int (row, 3);
    view->result = rsp_store_text (row, 4);
    view->changed = sqlite3_column_int64 (row, 5);
    view->delivered = sqlite3_column_int (row, 6) != 0;
    return view;
}

RspEimPackageView *
rsp_eim_package_view (RspEim *eim, gint64 id)
{
    gboolean there;
    rsp_eim_expire (eim, NULL);
    sqlite3_stmt *row = rsp_store_bind (
        eim->store,
        "SELECT id, eid, name, state, result, changed, sent IS NOT NULL, answer FROM package"
        " WHERE id = ?",
        "i", id);
    if (!rsp_store_step (eim->store, row, &there, NULL) || !there)
        return NULL;
    RspEimPackageView *view = read_view (row);
    view->answer = rsp_store_blob (row, 7);
    return view;
}

gboolean
rsp_eim_withdraw (RspEim *eim, gint64 id)
{
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (eim, id, NULL);
    g_autoptr (GError) error = NULL;
    return p && p->state == RSP_EIM_QUEUED && rsp_store_begin (eim->store, &error) &&
           rsp_eim_end (eim,
                        rsp_store_run (eim->store, &error,
                                       "DELETE FROM package WHERE id = ? AND state = 0", "i", id),
                        &error);
}

GPtrArray *
rsp_eim_packages (RspEim *eim)
{
    rsp_eim_expire (eim, NULL);
    GPtrArray *out = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_eim_package_view_free);
    sqlite3_stmt *row = rsp_store_bind (
        eim->store,
        "SELECT id, eid, name, state, result, changed, sent IS NOT NULL FROM package ORDER BY id",
        "");
    gboolean there;
    while (rsp_store_step (eim->store, row, &there, NULL) && there)
        g_ptr_array_add (out, read_view (row));
    return out;
}

/* --- profiles --- */

gboolean
rsp_eim_put_profile (RspEim *eim, const char *eid, const char *iccid, gboolean enabled,
                     GError **error)
{
    return rsp_store_run (eim->store, error, "INSERT OR REPLACE INTO profile VALUES (?,?,?)", "ssi",
                          eid, iccid, (gint64)enabled);
}

gboolean
rsp_eim_drop_profile (RspEim *eim, const char *eid, const char *iccid, GError **error)
{
    return rsp_store_run (eim->store, error, "DELETE FROM profile WHERE eid = ? AND iccid = ?",
                          "ss", eid, iccid);
}

gboolean
rsp_eim_drop_profiles (RspEim *eim, const char *eid, GError **error)
{
    return rsp_store_run (eim->store, error, "DELETE FROM profile WHERE eid = ?", "s", eid);
}

gboolean
rsp_eim_disable_all (RspEim *eim, const char *eid, GError **error)
{
    return rsp_store_run (eim->store, error, "UPDATE profile SET enabled = 0 WHERE eid = ?", "s",
                          eid);
}

char *
rsp_eim_enabled (RspEim *eim, const char *eid, GError **error)
{
    sqlite3_stmt *row = rsp_store_bind (
        eim->store, "SELECT iccid FROM profile WHERE eid = ? AND enabled = 1", "s", eid);
    gboolean there;
    if (!rsp_store_step (eim->store, row, &there, error))
        return NULL;
    return there ? rsp_store_text (row, 0) : g_strdup ("");
}

void
rsp_eim_profile_view_free (RspEimProfileView *view)
{
    g_free (view->eid);
    g_free (view->iccid);
    g_free (view);
}

GPtrArray *
rsp_eim_profiles (RspEim *eim)
{
    GPtrArray *out = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_eim_profile_view_free);
    sqlite3_stmt *row = rsp_store_bind (
        eim->store, "SELECT eid, iccid, enabled FROM profile ORDER BY eid, iccid", "");
    gboolean there;
    while (rsp_store_step (eim->store, row, &there, NULL) && there) {
        RspEimProfileView *view = g_new0 (RspEimProfileView, 1);
        view->eid = rsp_store_text (row, 0);
        view->iccid = rsp_store_text (row, 1);
        view->enabled = sqlite3_column_int (row, 2) != 0;
        g_ptr_array_add (out, view);
    }
    return out;
}

guint
rsp_eim_count (RspEim *eim, RspEimState state)
{
    rsp_eim_expire (eim, NULL);
    sqlite3_stmt *row = rsp_store_bind (eim->store, "SELECT count (*) FROM package WHERE state = ?",
                                        "i", (gint64)state);
    gboolean there;
    return rsp_store_step (eim->store, row, &there, NULL) && there
               ? (guint)sqlite3_column_int (row, 0)
               : 0;
}
