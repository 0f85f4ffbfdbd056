#include "components/common/events.h"

#include <string.h>

#define CALL_TIMEOUT (10 * G_USEC_PER_SEC) /* whoever waits behind it has 30 s */
#define FIRST_RETRY (5 * G_USEC_PER_SEC)
#define LAST_RETRY (600 * G_USEC_PER_SEC)
#define LATE                                                                                       \
    (80 * G_USEC_PER_SEC) /* a registration given up may arrive until retries are so rare */

/* A row of event_deletion. Held: its registration is under way or not yet decided on. Unheard:
 * nobody knows whether the registration has arrived, or will. */
typedef struct {
    RspEvents *events;
    gint64 seq;
    char *address, *eid, *event_id;
    gboolean held, on_the_way, unheard;
    gint64 delay; /* to the next try */
    guint64 timer;
} Deletion;

typedef struct {
    RspEvents *events;
    gint64 seq;
    RspEventsFunc func;
    gpointer data;
    GDestroyNotify destroy;
} Registration;

static void
registration_free (gpointer registration)
{
    Registration *r = registration;
    r->destroy (r->data);
    g_free (r);
}

struct _RspEvents {
    const RspActor *actor;
    RspStore *store;
    RspInterface interface;
    GQueue deletions;          /* of Deletion, by seq */
    GHashTable *registrations; /* set of Registration */
    gint64 loaded;             /* highest seq in DELETIONS so far */
    guint64 next_call, start_timer;
};

static void
deletion_free (gpointer data)
{
    Deletion *d = data;
    rsp_loop_cancel (d->events->actor->loop, d->timer);
    g_free (d->address);
    g_free (d->eid);
    g_free (d->event_id);
    g_free (d);
}

static Deletion *
remember (RspEvents *events, gint64 seq, char *address, char *eid, char *event_id)
{
    Deletion *d = g_new0 (Deletion, 1);
    *d = (Deletion){.events = events, .seq = seq, .address = address, .eid = eid};
    d->event_id = event_id;
    events->loaded = seq;
    g_queue_push_tail (&events->deletions, d);
    return d;
}

/* The table is the truth: what a transaction wrote into it counts once that has been committed. */
static gboolean
load (RspEvents *events, GError **error)
{
    sqlite3_stmt *stmt = rsp_store_bind (events->store,
                                         "SELECT seq, address, eid, event_id FROM event_deletion"
                                         " WHERE seq > ? ORDER BY seq",
                                         "i", events->loaded);
    gboolean row = FALSE, ok;
    while ((ok = rsp_store_step (events->store, stmt, &row, error)) && row)
        remember (events, sqlite3_column_int64 (stmt, 0), rsp_store_text (stmt, 1),
                  rsp_store_text (stmt, 2), rsp_store_text (stmt, 3));
    return ok;
}

static Deletion *
find (RspEvents *events, gint64 seq)
{
    GList *link = events->deletions.head;
    while (link && ((Deletion *)link->data)->seq != seq)
        link = link->next;
    return link ? link->data : NULL;
}

static void
forget (Deletion *d)
{
    g_queue_remove (&d->events->deletions, d);
    deletion_free (d);
}

static gboolean
stands (const Deletion *d)
{
    gboolean row = FALSE;
    sqlite3_stmt *stmt = rsp_store_bind (d->events->store,
                                         "SELECT 1 FROM event_deletion WHERE seq = ?", "i", d->seq);
    gboolean known = rsp_store_step (d->events->store, stmt, &row, NULL);
    if (known && row)
        sqlite3_reset (stmt);
    return !known || row;
}

/* Incarnation and number: unique for the client's life. */
static GBytes *
encode (RspEvents *events, RspFields *fields)
{
    g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
                                           events->actor->incarnation, events->next_call++);
    rsp_fields_set_header (fields, events->actor->name, id);
    return rsp_fields_encode (fields);
}

static void
call (RspEvents *events, const char *address, const RspFunction *fn, RspFields *fields,
      RspReplyFunc func, gpointer data)
{
    g_autoptr (GBytes) body = encode (events, fields);
    RspCallOptions options = {.timeout = CALL_TIMEOUT};
    rsp_bus_call (events->actor->bus, events->actor->name, address, fn, body, &options, func, data);
}

/* --- deletion --- */

static void send_one (Deletion *d);

static void
retry (gpointer data)
{
    Deletion *d = data;
    d->timer = 0;
    send_one (d);
}

/* Deleted, or not there to begin with. */
static gboolean
is_gone (const RspFunction *fn, const RspReply *reply, gboolean may_come_late)
{
    RspStatus status = {0};
    g_autoptr (RspFields) fields = reply->kind == RSP_REPLY_OK && reply->http == 200
                                       ? rsp_fields_decode (fn, RSP_LEG_RESPONSE, reply->body, NULL)
                                       : NULL;
    if (!fields)
        return FALSE;
    return !rsp_fields_failed (fields, &status) ||
           (!may_come_late && strcmp (status.subject, "8.9.5") == 0 &&
            g_strcmp0 (status.reason, "3.9") == 0);
}

static const RspFunction *
delete_function (const RspEvents *events)
{
    return rsp_function (events->interface == RSP_IF_ES12 ? RSP_FN_ES12_DELETE_EVENT
                                                          : RSP_FN_ES15_DELETE_EVENT);
}

static void
on_deleted (const RspReply *reply, gpointer data)
{
    Deletion *d = data;
    RspEvents *events = d->events;
    d->on_the_way = FALSE;
    gboolean gone = is_gone (delete_function (events), reply, d->unheard && d->delay < LATE);
    if (!stands (d) ||
        (gone && rsp_store_run (events->store, NULL, "DELETE FROM event_deletion WHERE seq = ?",
                                "i", d->seq))) {
        forget (d);
        return;
    }
    d->delay = d->delay ? MIN (2 * d->delay, LAST_RETRY) : FIRST_RETRY;
    d->timer = rsp_loop_after_background (events->actor->loop, d->delay, retry, d, NULL);
}

static void
send_one (Deletion *d)
{
    if (d->held || d->on_the_way || d->timer)
        return;
    const RspFunction *fn = delete_function (d->events);
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_REQUEST);
    rsp_fields_set_text (f, "eid", d->eid);
    rsp_fields_set_text (f, "eventId", d->event_id);
    d->on_the_way = TRUE;
    call (d->events, d->address, fn, f, on_deleted, d);
}

void
rsp_events_send (RspEvents *events)
{
    load (events, NULL);
    for (GList *link = events->deletions.head; link; link = link->next)
        send_one (link->data);
}

gboolean
rsp_events_delete (RspEvents *events, const char *address, const char *eid, const char *event_id,
                   GError **error)
{
    return rsp_store_run (events->store, error,
                          "INSERT INTO event_deletion (address, eid, event_id) VALUES (?, ?, ?)",
                          "sss", address, eid, event_id);
}

gboolean
rsp_events_owes (RspEvents *events, const char *event_id)
{
    for (GList *link = events->deletions.head; link; link = link->next)
        if (strcmp (((Deletion *)link->data)->event_id, event_id) == 0)
            return TRUE;
    return FALSE;
}

/* --- registration --- */

/* An event of the same name that was to go is taken up again: who failed to hear that it was
 * registered, and asks once more, finds it there. Not when its deletion is under way already: that
 * may arrive after this answer. */
static gboolean
take_up (RspEvents *events, const Deletion *own)
{
    for (GList *link = events->deletions.head; link; link = link->next) {
        const Deletion *d = link->data;
        if (d != own && !d->on_the_way && strcmp (d->event_id, own->event_id) == 0 &&
            strcmp (d->eid, own->eid) == 0 && g_ascii_strcasecmp (d->address, own->address) == 0)
            return TRUE;
    }
    return FALSE;
}

/* *RET_REFUSED: an event of that name stands there already, so it is not for us to delete. */
static RspStatus
judge (RspEvents *events, const Deletion *own, const RspFunction *fn, const RspReply *reply,
       gboolean *ret_refused)
{
    static const RspStatus silent = {"8.9", "5.1", "the SM-DS cannot be reached"};
    static const RspStatus refuses = {"8.9", "4.2", "the SM-DS refuses the event"};
    RspStatus status = {0};
    if (reply->kind != RSP_REPLY_OK || reply->http != 200)
        return silent;
    g_autoptr (RspFields) fields = rsp_fields_decode (fn, RSP_LEG_RESPONSE, reply->body, NULL);
    if (!fields)
        return refuses;
    if (!rsp_fields_failed (fields, &status))
        return (RspStatus){0};
    gboolean exists =
        strcmp (status.subject, "8.9.5") == 0 && g_strcmp0 (status.reason, "3.3") == 0;
    if (exists && take_up (events, own))
        return (RspStatus){0};
    *ret_refused = exists;
    gboolean behind = strcmp (status.subject, "8.9") == 0 && g_strcmp0 (status.reason, "5.1") == 0;
    return behind ? silent : refuses;
}

static const RspFunction *
register_function (const RspEvents *events)
{
    return rsp_function (events->interface == RSP_IF_ES12 ? RSP_FN_ES12_REGISTER_EVENT
                                                          : RSP_FN_ES15_REGISTER_EVENT);
}

/* After a decision: what was kept is no deletion any more. */
static void
settle (RspEvents *events)
{
    for (GList *link = events->deletions.head, *next; link; link = next) {
        Deletion *d = link->data;
        next = link->next;
        if (!d->held && !d->on_the_way && !stands (d))
            forget (d);
    }
}

gboolean
rsp_events_keep (RspEvents *events, gint64 note, GError **error)
{
    const Deletion *d = find (events, note);
    return d && rsp_store_run (events->store, error,
                               "DELETE FROM event_deletion WHERE address = ? AND eid = ?"
                               " AND event_id = ?",
                               "sss", d->address, d->eid, d->event_id);
}

static void
drop (RspEvents *events, gint64 seq)
{
    rsp_store_run (events->store, NULL, "DELETE FROM event_deletion WHERE seq = ?", "i", seq);
}

/* Silence says nothing: the deletion stands. */
static void
on_registered (const RspReply *reply, gpointer data)
{
    Registration *r = data;
    RspEvents *events = r->events;
    Deletion *d = find (events, r->seq);
    gboolean refused = FALSE;
    RspStatus status = judge (events, d, register_function (events), reply, &refused);
    if (refused)
        drop (events, d->seq);
    r->func (status, r->seq, r->data);
    d->held = FALSE;
    d->unheard = reply->kind != RSP_REPLY_OK;
    g_hash_table_remove (events->registrations, r);
    settle (events);
    rsp_events_send (events);
}

/* The deletion, written down and held back. */
static Deletion *
hold (RspEvents *events, const char *address, const char *eid, const char *event_id, GError **error)
{
    gboolean row = FALSE;
    if (!load (events, error) || !rsp_events_delete (events, address, eid, event_id, error))
        return NULL;
    sqlite3_stmt *stmt = rsp_store_bind (events->store, "SELECT last_insert_rowid ()", "");
    if (!rsp_store_step (events->store, stmt, &row, error))
        return NULL;
    gint64 seq = sqlite3_column_int64 (stmt, 0);
    sqlite3_reset (stmt);
    Deletion *d = remember (events, seq, g_strdup (address), g_strdup (eid), g_strdup (event_id));
    d->held = TRUE;
    return d;
}

gboolean
rsp_events_register (RspEvents *events, const char *address, const char *eid, const char *event_id,
                     const char *own_address, gboolean forwarding, RspEventsFunc func,
                     gpointer data, GDestroyNotify destroy, GError **error)
{
    Deletion *d = hold (events, address, eid, event_id, error);
    if (!d) {
        destroy (data);
        return FALSE;
    }
    const RspFunction *fn = register_function (events);
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_REQUEST);
    rsp_fields_set_text (f, "eid", eid);
    rsp_fields_set_text (f, "rspServerAddress", own_address);
    rsp_fields_set_text (f, "eventId", event_id);
    rsp_fields_set_bool (f, "forwardingIndicator", forwarding);
    Registration *r = g_new0 (Registration, 1);
    *r = (Registration){events, d->seq, func, data, destroy};
    g_hash_table_add (events->registrations, r);
    call (events, address, fn, f, on_registered, r);
    return TRUE;
}

/* --- life --- */

/* The SM-DS may start after its client. */
static void
start (gpointer data)
{
    RspEvents *events = data;
    events->start_timer = 0;
    load (events, NULL);
    for (GList *link = events->deletions.head; link; link = link->next)
        ((Deletion *)link->data)->unheard = TRUE; /* an earlier life may have been about to hear */
    rsp_events_send (events);
}

RspEvents *
rsp_events_new (const RspActor *actor, RspStore *store, RspInterface interface, GError **error)
{
    RspEvents *events = g_new0 (RspEvents, 1);
    *events = (RspEvents){.actor = actor, .store = store, .interface = interface, .next_call = 1};
    g_queue_init (&events->deletions);
    events->registrations = g_hash_table_new_full (NULL, NULL, registration_free, NULL);
    if (!load (events, error)) {
        rsp_events_free (events);
        return NULL;
    }
    if (events->deletions.length > 0)
        events->start_timer = rsp_loop_after (actor->loop, 0, start, events, NULL);
    return events;
}

void
rsp_events_free (RspEvents *events)
{
    if (!events)
        return;
    rsp_loop_cancel (events->actor->loop, events->start_timer);
    g_queue_clear_full (&events->deletions, deletion_free);
    g_hash_table_destroy (events->registrations);
    g_free (events);
}
