/* Event records in SQLite. An owner is who proved itself at TLS; the same EID and EventID may stand
 * once for each owner. */
#include "components/smds/smds-private.h"

const char rsp_smds_schema[] =
    "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL,"
    " eid TEXT NOT NULL, event_id TEXT NOT NULL, address TEXT NOT NULL, root_event TEXT,"
    " expiry INTEGER NOT NULL, UNIQUE (owner, eid, event_id));"
    "CREATE INDEX event_eid ON event (eid, seq);" RSP_EVENTS_SCHEMA;

#define COLUMNS "seq, owner, eid, event_id, address, root_event"
#define ALIVE "(expiry = 0 OR expiry > ?)"

void
rsp_event_free (RspEvent *event)
{
    g_free (event->owner);
    g_free (event->eid);
    g_free (event->event_id);
    g_free (event->address);
    g_free (event->root_event);
    g_free (event);
}

static RspEvent *
read_event (sqlite3_stmt *stmt)
{
    RspEvent *e = g_new0 (RspEvent, 1);
    e->seq = sqlite3_column_int64 (stmt, 0);
    e->owner = rsp_store_text (stmt, 1);
    e->eid = rsp_store_text (stmt, 2);
    e->event_id = rsp_store_text (stmt, 3);
    e->address = rsp_store_text (stmt, 4);
    e->root_event = rsp_store_text (stmt, 5);
    return e;
}

static RspEvent *
read_one (RspSmds *ds, sqlite3_stmt *stmt, GError **error)
{
    gboolean row = FALSE;
    if (!rsp_store_step (ds->store, stmt, &row, error) || !row)
        return NULL;
    RspEvent *event = read_event (stmt);
    sqlite3_reset (stmt);
    return event;
}

static GPtrArray *
read_all (RspSmds *ds, sqlite3_stmt *stmt, GError **error)
{
    g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_event_free);
    gboolean row = FALSE, ok;
    while ((ok = rsp_store_step (ds->store, stmt, &row, error)) && row)
        g_ptr_array_add (list, read_event (stmt));
    return ok ? g_steal_pointer (&list) : NULL;
}

RspEvent *
rsp_event_by_owner (RspSmds *ds, const char *owner, const char *eid, const char *event_id,
                    GError **error)
{
    return read_one (ds,
                     rsp_store_bind (ds->store,
                                     "SELECT " COLUMNS " FROM event WHERE owner = ? AND eid = ?"
                                     " AND event_id = ? AND " ALIVE,
                                     "sssi", owner, eid, event_id, rsp_actor_time (ds->actor)),
                     error);
}

RspEvent *
rsp_event_by_id (RspSmds *ds, const char *eid, const char *event_id, GError **error)
{
    return read_one (ds,
                     rsp_store_bind (ds->store,
                                     "SELECT " COLUMNS " FROM event WHERE eid = ?"
                                     " AND (event_id = ? OR root_event = ?) AND " ALIVE
                                     " ORDER BY seq LIMIT 1",
                                     "sssi", eid, event_id, event_id, rsp_actor_time (ds->actor)),
                     error);
}

GPtrArray *
rsp_event_list (RspSmds *ds, const char *eid, GError **error)
{
    gint64 now = rsp_actor_time (ds->actor);
    sqlite3_stmt *stmt =
        eid ? rsp_store_bind (ds->store,
                              "SELECT " COLUMNS " FROM event WHERE eid = ? AND " ALIVE
                              " ORDER BY seq",
                              "si", eid, now)
            : rsp_store_bind (ds->store,
                              "SELECT " COLUMNS " FROM event WHERE " ALIVE " ORDER BY seq", "i",
                              now);
    return read_all (ds, stmt, error);
}

gboolean
rsp_event_count (RspSmds *ds, const char *eid, guint *ret, GError **error)
{
    gboolean row = FALSE;
    sqlite3_stmt *stmt =
        rsp_store_bind (ds->store, "SELECT count (*) FROM event WHERE eid = ?", "s", eid);
    if (!rsp_store_step (ds->store, stmt, &row, error))
        return FALSE;
    *ret = (guint)sqlite3_column_int64 (stmt, 0);
    sqlite3_reset (stmt);
    return TRUE;
}

gboolean
rsp_event_add (RspSmds *ds, const RspEvent *e, GError **error)
{
    gint64 lifetime = ds->config.event_lifetime;
    gint64 expiry = lifetime ? rsp_actor_time (ds->actor) + lifetime / G_USEC_PER_SEC : 0;
    return rsp_store_run (ds->store, error,
                          "INSERT INTO event (owner, eid, event_id, address, root_event, expiry)"
                          " VALUES (?, ?, ?, ?, ?, ?)",
                          "sssssi", e->owner, e->eid, e->event_id, e->address, e->root_event,
                          expiry);
}

gboolean
rsp_event_remove (RspSmds *ds, const RspEvent *e, GError **error)
{
    return rsp_store_run (ds->store, error, "DELETE FROM event WHERE seq = ?", "i", e->seq) &&
           (!e->root_event ||
            rsp_events_delete (ds->root, ds->config.parent, e->eid, e->root_event, error));
}

gboolean
rsp_event_purge (RspSmds *ds, GError **error)
{
    sqlite3_stmt *stmt = rsp_store_bind (ds->store,
                                         "SELECT " COLUMNS " FROM event WHERE expiry <> 0"
                                         " AND expiry <= ? ORDER BY seq",
                                         "i", rsp_actor_time (ds->actor));
    g_autoptr (GPtrArray) expired = read_all (ds, stmt, error);
    if (!expired || expired->len == 0)
        return expired != NULL;
    if (!rsp_store_begin (ds->store, error))
        return FALSE;
    for (guint i = 0; i < expired->len; i++)
        if (!rsp_event_remove (ds, expired->pdata[i], error))
            return FALSE;
    if (!rsp_actor_commit (ds->actor, ds->store, error))
        return FALSE;
    for (guint i = 0; i < expired->len; i++)
        rsp_event_told (ds, expired->pdata[i], "registered", "expired");
    return TRUE;
}

void
rsp_event_told (RspSmds *ds, const RspEvent *e, const char *from, const char *to)
{
    if (!rsp_trace_active (ds->actor->trace))
        return;
    g_autofree char *object = g_strdup_printf ("event %s", e->event_id);
    rsp_actor_state (ds->actor, object, from, to);
}

/* --- views --- */

void
rsp_event_view_free (RspEventView *view)
{
    g_free (view->eid);
    g_free (view->event_id);
    g_free (view->address);
    g_free (view->owner);
    g_free (view);
}

GPtrArray *
rsp_smds_events (RspSmds *ds)
{
    GPtrArray *views = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_event_view_free);
    g_autoptr (GPtrArray) list = rsp_event_list (ds, NULL, NULL);
    for (guint i = 0; list && i < list->len; i++) {
        RspEvent *e = list->pdata[i];
        RspEventView *view = g_new0 (RspEventView, 1);
        *view = (RspEventView){.eid = g_steal_pointer (&e->eid),
                               .event_id = g_steal_pointer (&e->event_id),
                               .address = g_steal_pointer (&e->address),
                               .owner = g_steal_pointer (&e->owner),
                               .forwarded = e->root_event != NULL};
        g_ptr_array_add (views, view);
    }
    return views;
}
