#include "asn1/event-entries.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 255
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

RspEventEntry *
rsp_event_entry_new (const char *event_id, const char *address)
{
    RspEventEntry *entry = g_new0 (RspEventEntry, 1);
    entry->event_id = g_strdup (event_id);
    entry->address = g_strdup (address);
    return entry;
}

void
rsp_event_entry_free (RspEventEntry *entry)
{
    g_free (entry->event_id);
    g_free (entry->address);
    g_free (entry);
}

char *
rsp_event_entries_to_json (const GPtrArray *entries)
{
    json_t *list = json_array ();
    for (guint i = 0; i < entries->len; i++) {
        const RspEventEntry *e = entries->pdata[i];
        json_array_append_new (
            list, json_pack ("{s:s, s:s}", "eventId", e->event_id, "rspServerAddress", e->address));
    }
    char *text = json_dumps (list, JSON_COMPACT);
    char *copy = g_strdup (text);
    free (text);
    json_decref (list);
    return copy;
}

static RspEventEntry *
read_entry (json_t *json)
{
    const char *id = json_string_value (json_object_get (json, "eventId"));
    const char *address = json_string_value (json_object_get (json, "rspServerAddress"));
    if (!id || !address || !rsp_event_id_valid (id) || !rsp_server_address_valid (address))
        return NULL;
    return rsp_event_entry_new (id, address);
}

GPtrArray *
rsp_event_entries_from_json (const char *text)
{
    json_t *list = json_loads (text, JSON_REJECT_DUPLICATES, NULL);
    GPtrArray *entries = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_event_entry_free);
    gboolean ok = json_is_array (list) && json_array_size (list) <= RSP_MAX_EVENT_ENTRIES;
    for (gsize i = 0; ok && i < json_array_size (list); i++) {
        RspEventEntry *entry = read_entry (json_array_get (list, i));
        if (entry)
            g_ptr_array_add (entries, entry);
        else
            ok = FALSE;
    }
    json_decref (list);
    if (!ok)
        g_clear_pointer (&entries, g_ptr_array_unref);
    return entries;
}

gboolean
rsp_event_id_valid (const char *text)
{
    gsize n = strlen (text);
    return n >= 1 && n <= MAX_TEXT && strspn (text, LETTERS) == n;
}

gboolean
rsp_server_address_valid (const char *text)
{
    gsize n = strlen (text), host = strspn (text, LETTERS);
    if (n > MAX_TEXT || host == 0)
        return FALSE;
    if (text[host] == '\0')
        return TRUE;
    gsize digits = text[host] == ':' ? strspn (text + host + 1, "0123456789") : 0;
    return digits >= 1 && digits <= 5 && text[host + 1 + digits] == '\0';
}
