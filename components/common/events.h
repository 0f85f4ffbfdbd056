/* The client's side of event registration (SGP.22 5.9, 5.10): an SM-DP+ on ES12, an alternative
 * SM-DS on ES15.
 *
 * No event outlives what it stands for, whatever fails: every registration writes down its own
 * deletion before it goes out, and the owner drops that note in the transaction that makes the
 * event good. Deletions that are due are called until the SM-DS has acknowledged them or says that
 * it knows no such event, with growing pauses, across restarts.
 */
#pragma once

#include "asn1/fields.h"
#include "sim/core/store.h"
#include "sim/net/actor.h"

/* A part of the owner's schema. */
#define RSP_EVENTS_SCHEMA                                                                          \
    "CREATE TABLE event_deletion (seq INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL,"   \
    " eid TEXT NOT NULL, event_id TEXT NOT NULL);"

typedef struct _RspEvents RspEvents;
/* INTERFACE: RSP_IF_ES12 or RSP_IF_ES15. Borrows ACTOR and STORE; calls what the store still owes.
 */
RspEvents *rsp_events_new (const RspActor *actor, RspStore *store, RspInterface interface,
                           GError **error);
void rsp_events_free (RspEvents *events);

/* STATUS without a subject: registered; else 8.9/5.1 (the SM-DS cannot be reached) or 8.9/4.2 (it
 * refuses). NOTE is the deletion to drop, now and only in the transaction that keeps the event. */
typedef void (*RspEventsFunc) (RspStatus status, gint64 note, gpointer data);
/* ADDRESS: the SM-DS. DESTROY frees DATA in any case. FALSE with ERROR: nothing went out, FUNC is
 * not called. */
gboolean rsp_events_register (RspEvents *events, const char *address, const char *eid,
                              const char *event_id, const char *own_address, gboolean forwarding,
                              RspEventsFunc func, gpointer data, GDestroyNotify destroy,
                              GError **error);
/* Within a transaction: the event of NOTE stays. */
gboolean rsp_events_keep (RspEvents *events, gint64 note, GError **error);
/* Within a transaction: the event is to go. */
gboolean rsp_events_delete (RspEvents *events, const char *address, const char *eid,
                            const char *event_id, GError **error);
/* After a commit, and after a registration whose event is not kept: calls what is due. */
void rsp_events_send (RspEvents *events);
/* Whether a deletion of EVENT_ID is still owed (for invariants). */
gboolean rsp_events_owes (RspEvents *events, const char *event_id);
