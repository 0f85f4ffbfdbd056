/* Stock and orders in SQLite, and the transactions that change them. What an answer promises is
 * committed before the answer; what the trace tells is told after the commit. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

const char rsp_smdpp_schema[] =
    "CREATE TABLE package (iccid TEXT PRIMARY KEY, metadata BLOB NOT NULL,"
    " own INTEGER NOT NULL, upp BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE profile (iccid TEXT PRIMARY KEY, type TEXT NOT NULL, owner TEXT,"
    " ppr INTEGER NOT NULL, class INTEGER NOT NULL, version INTEGER NOT NULL,"
    " services INTEGER NOT NULL, size INTEGER NOT NULL, tacs TEXT, state INTEGER NOT NULL,"
    " serial INTEGER NOT NULL DEFAULT 0, client TEXT, eid TEXT, bound_eid TEXT, matching_id TEXT,"
    " code_hash BLOB, smds TEXT, event INTEGER NOT NULL DEFAULT 0,"
    " expiry INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
    " code_tries INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE INDEX profile_type ON profile (type, state);"
    "CREATE INDEX profile_matching_id ON profile (matching_id) WHERE matching_id <> '';"
    "CREATE INDEX profile_default ON profile (eid) WHERE matching_id = '';"
    "CREATE TABLE binding (iccid TEXT PRIMARY KEY, eid TEXT NOT NULL, euicc_point BLOB NOT NULL,"
    " dp_point BLOB NOT NULL, host_id BLOB NOT NULL, keys BLOB NOT NULL, ppk BLOB,"
    " segment INTEGER NOT NULL, metadata_hash BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE awaited (id BLOB PRIMARY KEY, iccid TEXT NOT NULL, serial INTEGER NOT NULL,"
    " eid TEXT NOT NULL, point BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE notification (eid TEXT NOT NULL, seq INTEGER NOT NULL, event INTEGER NOT NULL,"
    " iccid TEXT, PRIMARY KEY (eid, seq)) WITHOUT ROWID;"
    "CREATE TABLE progress (seq INTEGER PRIMARY KEY, iccid TEXT NOT NULL, client TEXT NOT NULL,"
    " body BLOB NOT NULL);"
    "CREATE TABLE executed (seq INTEGER PRIMARY KEY, client TEXT NOT NULL, call TEXT NOT NULL,"
    " iccid TEXT NOT NULL, hash BLOB NOT NULL, reply BLOB NOT NULL, UNIQUE (client, call));"
    "CREATE INDEX executed_iccid ON executed (iccid);" RSP_EVENTS_SCHEMA;

#define COLUMNS                                                                                    \
    "iccid, type, owner, ppr, class, version, services, size, tacs, state, serial, client, eid,"   \
    " bound_eid, matching_id, code_hash, smds, event, expiry, attempts, code_tries, delivered"
#define LIVE "state BETWEEN 1 AND 5" /* Allocated … Downloaded */

static const char *const state_names[] = {
    [RSP_ORDER_AVAILABLE] = "available",     [RSP_ORDER_ALLOCATED] = "allocated",
    [RSP_ORDER_LINKED] = "linked",           [RSP_ORDER_CONFIRMED] = "confirmed",
    [RSP_ORDER_RELEASED] = "released",       [RSP_ORDER_DOWNLOADED] = "downloaded",
    [RSP_ORDER_INSTALLED] = "installed",     [RSP_ORDER_ERROR] = "error",
    [RSP_ORDER_UNAVAILABLE] = "unavailable",
};

void
rsp_order_free (RspOrder *order)
{
    if (!order)
        return;
    g_free (order->iccid);
    g_free (order->type);
    g_free (order->owner);
    g_free (order->tacs);
    g_free (order->client);
    g_free (order->eid);
    g_free (order->bound_eid);
    g_free (order->matching_id);
    g_clear_pointer (&order->code_hash, g_bytes_unref);
    g_free (order->smds);
    g_free (order);
}

gboolean
rsp_order_live (const RspOrder *order)
{
    return order->state >= RSP_ORDER_ALLOCATED && order->state <= RSP_ORDER_DOWNLOADED;
}

const char *
rsp_order_eid (const RspOrder *order)
{
    return order->eid ? order->eid : order->bound_eid;
}

static RspOrder *
read_order (sqlite3_stmt *stmt)
{
    RspOrder *o = g_new0 (RspOrder, 1);
    int c = 0;
    o->iccid = rsp_store_text (stmt, c++);
    o->type = rsp_store_text (stmt, c++);
    o->owner = rsp_store_text (stmt, c++);
    o->ppr = sqlite3_column_int64 (stmt, c++);
    o->profile_class = sqlite3_column_int64 (stmt, c++);
    o->version = sqlite3_column_int64 (stmt, c++);
    o->services = sqlite3_column_int64 (stmt, c++);
    o->size = sqlite3_column_int64 (stmt, c++);
    o->tacs = rsp_store_text (stmt, c++);
    o->state = o->stored_state = sqlite3_column_int64 (stmt, c++);
    o->serial = sqlite3_column_int64 (stmt, c++);
    o->client = rsp_store_text (stmt, c++);
    o->eid = rsp_store_text (stmt, c++);
    o->bound_eid = rsp_store_text (stmt, c++);
    o->matching_id = rsp_store_text (stmt, c++);
    o->code_hash = rsp_store_blob (stmt, c++);
    o->smds = rsp_store_text (stmt, c++);
    o->event = sqlite3_column_int64 (stmt, c++) != 0;
    o->expiry = sqlite3_column_int64 (stmt, c++);
    o->attempts = sqlite3_column_int64 (stmt, c++);
    o->code_tries = sqlite3_column_int64 (stmt, c++);
    o->delivered = sqlite3_column_int64 (stmt, c++) != 0;
    return o;
}

static RspOrder *
read_one (RspSmdpp *dp, sqlite3_stmt *stmt, GError **error)
{
    gboolean row = FALSE;
    if (!rsp_store_step (dp->store, stmt, &row, error) || !row)
        return NULL;
    RspOrder *order = read_order (stmt);
    sqlite3_reset (stmt);
    return order;
}

RspOrder *
rsp_order_by_iccid (RspSmdpp *dp, const char *iccid, GError **error)
{
    return read_one (
        dp,
        rsp_store_bind (dp->store, "SELECT " COLUMNS " FROM profile WHERE iccid = ?", "s", iccid),
        error);
}

RspOrder *
rsp_order_by_matching_id (RspSmdpp *dp, const char *matching_id, GError **error)
{
    return read_one (dp,
                     rsp_store_bind (dp->store,
                                     "SELECT " COLUMNS " FROM profile WHERE matching_id = ?"
                                     " AND matching_id <> '' AND " LIVE " LIMIT 1",
                                     "s", matching_id),
                     error);
}

/* The oldest that can be downloaded, else the oldest at all. */
RspOrder *
rsp_order_by_default (RspSmdpp *dp, const char *eid, GError **error)
{
    return read_one (dp,
                     rsp_store_bind (dp->store,
                                     "SELECT " COLUMNS " FROM profile WHERE eid = ?"
                                     " AND matching_id = '' AND " LIVE
                                     " ORDER BY state < 4, serial LIMIT 1",
                                     "s", eid),
                     error);
}

RspOrder *
rsp_order_ended (RspSmdpp *dp, const char *matching_id, const char *eid, GError **error)
{
    return read_one (dp,
                     rsp_store_bind (dp->store,
                                     "SELECT " COLUMNS " FROM profile WHERE matching_id = ?"
                                     " AND state = 7 AND coalesce (eid, bound_eid, ?2) = ?2"
                                     " ORDER BY serial DESC LIMIT 1",
                                     "ss", matching_id, eid),
                     error);
}

RspOrder *
rsp_order_by_type (RspSmdpp *dp, const char *type, const char *client, gboolean *ret_known,
                   gboolean *ret_allowed, GError **error)
{
    sqlite3_stmt *stmt = rsp_store_bind (dp->store,
                                         "SELECT EXISTS (SELECT 1 FROM profile WHERE type = ?1),"
                                         " EXISTS (SELECT 1 FROM profile WHERE type = ?1"
                                         " AND (owner IS NULL OR owner = ?2))",
                                         "ss", type, client);
    gboolean row = FALSE;
    if (!rsp_store_step (dp->store, stmt, &row, error))
        return NULL;
    *ret_known = row && sqlite3_column_int64 (stmt, 0) != 0;
    *ret_allowed = row && sqlite3_column_int64 (stmt, 1) != 0;
    sqlite3_reset (stmt);
    return read_one (dp,
                     rsp_store_bind (dp->store,
                                     "SELECT " COLUMNS " FROM profile WHERE type = ? AND state = 0"
                                     " AND (owner IS NULL OR owner = ?) ORDER BY iccid LIMIT 1",
                                     "ss", type, client),
                     error);
}

gboolean
rsp_order_begin (RspSmdpp *dp, GError **error)
{
    return rsp_store_begin (dp->store, error) && rsp_progress_erase (dp, error);
}

gboolean
rsp_order_write (RspSmdpp *dp, const RspOrder *o, GError **error)
{
    return rsp_store_run (dp->store, error,
                          "UPDATE profile SET state = ?, serial = ?, client = ?, eid = ?,"
                          " bound_eid = ?, matching_id = ?, code_hash = ?, smds = ?, event = ?,"
                          " expiry = ?,"
                          " attempts = ?, code_tries = ?, delivered = ? WHERE iccid = ?",
                          "iissssbsiiiiis", (gint64)o->state, o->serial, o->client, o->eid,
                          o->bound_eid, o->matching_id, o->code_hash, o->smds, (gint64)o->event,
                          o->expiry, o->attempts, o->code_tries, (gint64)o->delivered, o->iccid);
}

gboolean
rsp_order_commit (RspSmdpp *dp, RspOrder *order, GError **error)
{
    if (!rsp_actor_commit (dp->actor, dp->store, error))
        return FALSE;
    if (order && order->state != order->stored_state) {
        if (rsp_trace_active (dp->actor->trace)) {
            g_autofree char *object = g_strdup_printf ("order %s", order->iccid);
            rsp_actor_state (dp->actor, object, state_names[order->stored_state],
                             state_names[order->state]);
        }
        order->stored_state = order->state;
    }
    rsp_progress_committed (dp);
    return TRUE;
}

gboolean
rsp_order_save (RspSmdpp *dp, RspOrder *order, GError **error)
{
    return rsp_order_begin (dp, error) && rsp_order_write (dp, order, error) &&
           rsp_order_commit (dp, order, error);
}

void
rsp_order_rollback (RspSmdpp *dp)
{
    rsp_store_rollback (dp->store);
    rsp_progress_rolled_back (dp);
}

gboolean
rsp_order_end (RspSmdpp *dp, RspOrder *order, RspOrderState state, GError **error)
{
    order->state = state;
    return rsp_smdpp_drop_event (dp, order, error) && rsp_binding_erase (dp, order->iccid, error) &&
           rsp_order_write (dp, order, error);
}

/* --- Binding --- */

void
rsp_binding_clear (RspBoundKeys *binding)
{
    rsp_wipe (binding, sizeof *binding);
}

static gboolean
read_fixed (sqlite3_stmt *stmt, int column, gpointer out, gsize size)
{
    if (sqlite3_column_bytes (stmt, column) != (int)size)
        return FALSE;
    memcpy (out, sqlite3_column_blob (stmt, column), size);
    return TRUE;
}

gboolean
rsp_binding_read (RspSmdpp *dp, const char *iccid, RspBoundKeys *ret, gboolean *ret_found,
                  GError **error)
{
    sqlite3_stmt *stmt = rsp_store_bind (
        dp->store,
        "SELECT eid, euicc_point, dp_point, host_id, keys, ppk, segment, metadata_hash FROM binding"
        " WHERE iccid = ?",
        "s", iccid);
    gboolean row = FALSE;
    *ret_found = FALSE;
    if (!rsp_store_step (dp->store, stmt, &row, error))
        return FALSE;
    if (!row)
        return TRUE;
    const char *eid = (const char *)sqlite3_column_text (stmt, 0);
    g_strlcpy (ret->eid, eid ? eid : "", sizeof ret->eid);
    *ret_found = read_fixed (stmt, 1, ret->euicc_point, sizeof ret->euicc_point) &&
                 read_fixed (stmt, 2, ret->dp_point, sizeof ret->dp_point) &&
                 read_fixed (stmt, 3, ret->host_id, sizeof ret->host_id) &&
                 read_fixed (stmt, 4, &ret->keys, sizeof ret->keys) &&
                 read_fixed (stmt, 7, ret->metadata_hash, sizeof ret->metadata_hash);
    ret->has_ppk = read_fixed (stmt, 5, &ret->ppk, sizeof ret->ppk);
    ret->segment = CLAMP (sqlite3_column_int64 (stmt, 6), 1, RSP_BSP_MAX_PLAIN_ENC);
    sqlite3_reset (stmt);
    return TRUE;
}

gboolean
rsp_binding_write (RspSmdpp *dp, const char *iccid, const RspBoundKeys *b, GError **error)
{
    g_autoptr (GBytes) euicc = g_bytes_new_static (b->euicc_point, sizeof b->euicc_point);
    g_autoptr (GBytes) own = g_bytes_new_static (b->dp_point, sizeof b->dp_point);
    g_autoptr (GBytes) host = g_bytes_new_static (b->host_id, sizeof b->host_id);
    g_autoptr (GBytes) keys = g_bytes_new_static (&b->keys, sizeof b->keys);
    g_autoptr (GBytes) ppk = b->has_ppk ? g_bytes_new_static (&b->ppk, sizeof b->ppk) : NULL;
    g_autoptr (GBytes) hash = g_bytes_new_static (b->metadata_hash, sizeof b->metadata_hash);
    return rsp_store_run (dp->store, error,
                          "INSERT OR REPLACE INTO binding (iccid, eid, euicc_point, dp_point,"
                          " host_id, keys, ppk, segment, metadata_hash)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          "ssbbbbbib", iccid, b->eid, euicc, own, host, keys, ppk, b->segment,
                          hash);
}

gboolean
rsp_binding_erase (RspSmdpp *dp, const char *iccid, GError **error)
{
    return rsp_store_run (dp->store, error, "DELETE FROM binding WHERE iccid = ?", "s", iccid);
}

gboolean
rsp_orders_open (RspSmdpp *dp, GError **error)
{
    sqlite3_stmt *stmt =
        rsp_store_bind (dp->store, "SELECT coalesce(max(serial), 0) FROM profile", "");
    gboolean row = FALSE;
    if (!rsp_store_step (dp->store, stmt, &row, error))
        return FALSE;
    dp->next_order = sqlite3_column_int64 (stmt, 0) + 1;
    sqlite3_reset (stmt);
    return TRUE;
}

/* --- Views --- */

void
rsp_order_view_free (RspOrderView *view)
{
    if (!view)
        return;
    g_free (view->iccid);
    g_free (view->state);
    g_free (view->eid);
    g_free (view->matching_id);
    g_free (view);
}

GPtrArray *
rsp_smdpp_orders (RspSmdpp *dp)
{
    GPtrArray *views = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_order_view_free);
    sqlite3_stmt *stmt =
        rsp_store_bind (dp->store, "SELECT " COLUMNS " FROM profile ORDER BY iccid", "");
    gboolean row = FALSE;
    while (rsp_store_step (dp->store, stmt, &row, NULL) && row) {
        g_autoptr (RspOrder) o = read_order (stmt);
        RspOrderView *view = g_new0 (RspOrderView, 1);
        view->state = g_strdup (state_names[o->state]);
        view->eid = g_strdup (rsp_order_eid (o));
        view->matching_id = g_steal_pointer (&o->matching_id);
        view->iccid = g_steal_pointer (&o->iccid);
        view->attempts = o->attempts;
        view->cc_tries = o->code_tries;
        g_ptr_array_add (views, view);
    }
    return views;
}

gboolean
rsp_smdpp_set_order (RspSmdpp *dp, const char *iccid, const RspOrderSetting *setting,
                     GError **error)
{
    g_autoptr (GError) failure = NULL;
    g_autoptr (RspOrder) o = rsp_order_by_iccid (dp, iccid, &failure);
    if (o) {
        for (guint i = 0; setting->state && i < G_N_ELEMENTS (state_names); i++)
            if (strcmp (state_names[i], setting->state) == 0)
                o->state = (RspOrderState)i;
        o->attempts = setting->attempts;
        o->code_tries = setting->code_tries;
        if (setting->expired)
            o->expiry = rsp_actor_time (dp->actor) - 1;
        rsp_order_save (dp, o, &failure);
    }
    if (!failure)
        return TRUE;
    rsp_order_rollback (dp);
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
}
