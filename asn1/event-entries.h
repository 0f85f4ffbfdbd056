/* eventEntries of ES11.AuthenticateClient (SGP.22 5.8.2): [{eventId, rspServerAddress}, …]. */
#pragma once

#include <glib.h>

#define RSP_MAX_EVENT_ENTRIES 1000

typedef struct {
    char *event_id, *address;
} RspEventEntry;

RspEventEntry *rsp_event_entry_new (const char *event_id, const char *address);
void rsp_event_entry_free (RspEventEntry *entry);
/* JSON text of ENTRIES, of RspEventEntry. (transfer full) */
char *rsp_event_entries_to_json (const GPtrArray *entries);
/* Of RspEventEntry, in the order of TEXT. NULL if it is no such array, an entry is not whole, or
 * there are more than RSP_MAX_EVENT_ENTRIES. (transfer full) */
GPtrArray *rsp_event_entries_from_json (const char *text);
/* An EventID as a MatchingID may be: 1 to 255 of letters, digits, - _ and . */
gboolean rsp_event_id_valid (const char *text);
/* Host name with an optional port, at most 255 characters. */
gboolean rsp_server_address_valid (const char *text);
