/* What the card says of itself, for people or as JSON. All texts of the card are escaped. */
#include "sim/run/desk.h"

#include "asn1/conditions.h"
#include "asn1/ids.h"
#include "asn1/tlv.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const class_names[] = {"test", "provisioning", "operational"};

static int
failed (const RspDesk *d, GError *error)
{
    fprintf (stderr, "rspsim %s: %s\n", d->actor.name, error->message);
    g_error_free (error);
    return 1;
}

static void
print_json (json_t *value)
{
    char *text = json_dumps (value, JSON_INDENT (2));
    puts (text);
    free (text);
    json_decref (value);
}

/* The text member TAG of INFO, printable; "" if absent. (transfer full) */
static char *
text_of (RspSlice info, guint32 tag)
{
    RspTlv member;
    if (!rsp_tlv_find (info, tag, &member))
        return g_strdup ("");
    return rsp_escape_text ((const char *)member.value.data, (gssize)member.value.len, 256);
}

static guint64
number_of (RspSlice value)
{
    guint64 n = 0;
    for (gsize i = 0; i < MIN (value.len, 8); i++)
        n = n << 8 | value.data[i];
    return n;
}

/* --- info --- */

static char *
version_of (RspSlice info, guint32 tag)
{
    RspTlv v;
    return rsp_tlv_find (info, tag, &v) && v.value.len == 3
               ? g_strdup_printf ("%u.%u.%u", v.value.data[0], v.value.data[1], v.value.data[2])
               : g_strdup ("");
}

static json_t *
key_ids (RspSlice info, guint32 tag)
{
    json_t *list = json_array ();
    RspTlv ids, id;
    if (!rsp_tlv_find (info, tag, &ids))
        return list;
    while (rsp_tlv_next (&ids.value, &id) == RSP_TLV_OK) {
        g_autofree char *hex = rsp_hex (id.value);
        json_array_append_new (list, json_string (hex));
    }
    return list;
}

static json_int_t
free_memory (RspSlice info)
{
    RspTlv resource, memory;
    return rsp_tlv_find (info, 0x84, &resource) && rsp_tlv_find (resource.value, 0x82, &memory)
               ? (json_int_t)number_of (memory.value)
               : 0;
}

static json_t *
info_of (RspSlice eid, RspSlice addresses, RspSlice info2)
{
    RspTlv data = {0}, id = {0}, places = {0}, info = {0};
    (void)(rsp_tlv_single (eid, 0xBF3E, &data) && rsp_tlv_find (data.value, 0x5A, &id));
    (void)rsp_tlv_single (addresses, 0xBF3C, &places);
    (void)rsp_tlv_single (info2, 0xBF22, &info);
    g_autofree char *digits = rsp_hex (id.value);
    g_autofree char *dp = text_of (places.value, 0x80);
    g_autofree char *ds = text_of (places.value, 0x81);
    g_autofree char *svn = version_of (info.value, 0x82);
    g_autofree char *profile = version_of (info.value, 0x81);
    g_autofree char *firmware = version_of (info.value, 0x83);
    return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "eid", digits,
                      "defaultDpAddress", dp, "rootDsAddress", ds, "svn", svn, "profileVersion",
                      profile, "firmwareVersion", firmware, "freeMemory", free_memory (info.value),
                      "verificationCIs", key_ids (info.value, 0xA9), "signingCIs",
                      key_ids (info.value, 0xAA));
}

static void
print_info (json_t *info)
{
    const char *key;
    json_t *value;
    json_object_foreach (info, key, value)
    {
        if (json_is_integer (value)) {
            printf ("%-18s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value (value));
        } else if (json_is_string (value)) {
            const char *text = json_string_value (value);
            printf ("%-18s %s\n", key, *text ? text : "-");
        } else {
            for (gsize i = 0; i < json_array_size (value); i++)
                printf ("%-18s %s\n", key, json_string_value (json_array_get (value, i)));
        }
    }
    json_decref (info);
}

int
rsp_desk_show_info (RspDesk *d)
{
    GError *error = NULL;
    g_autoptr (GBytes) eid = rsp_desk_ask_card (d, RSP_FN_ES10C_GET_EID, "bf3e035c015a", &error);
    g_autoptr (GBytes) addresses =
        eid ? rsp_desk_ask_card (d, RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES, "bf3c00", &error)
            : NULL;
    g_autoptr (GBytes) info2 =
        addresses ? rsp_desk_ask_card (d, RSP_FN_ES10B_GET_EUICC_INFO2, "bf2200", &error) : NULL;
    if (!info2)
        return failed (d, error);
    json_t *info = info_of (rsp_slice_of (eid), rsp_slice_of (addresses), rsp_slice_of (info2));
    if (d->args->json)
        print_json (info);
    else
        print_info (info);
    return 0;
}

/* --- notifications --- */

static const char *
event_name (RspSlice bits)
{
    static const char *const names[] = {"install", "enable", "disable", "delete"};
    for (guint i = 0; i < G_N_ELEMENTS (names) && bits.len >= 2; i++)
        if (bits.data[1] & 0x80 >> i)
            return names[i];
    return "?";
}

static json_t *
notification_of (RspSlice entry)
{
    RspTlv seq = {0}, event = {0}, iccid = {0};
    (void)rsp_tlv_find (entry, 0x80, &seq);
    (void)rsp_tlv_find (entry, 0x81, &event);
    g_autofree char *address = text_of (entry, 0x0C);
    g_autofree char *digits =
        rsp_tlv_find (entry, 0x5A, &iccid) ? rsp_iccid_from_octets (iccid.value) : NULL;
    return json_pack ("{s:I, s:s, s:s, s:s}", "seqNumber", (json_int_t)number_of (seq.value),
                      "event", event_name (event.value), "address", address, "iccid",
                      digits ? digits : "");
}

int
rsp_desk_show_notifications (RspDesk *d)
{
    GError *error = NULL;
    RspTlv response, list, entry;
    g_autoptr (GBytes) body =
        rsp_desk_ask_card (d, RSP_FN_ES10B_LIST_NOTIFICATION, "bf2800", &error);
    if (!body)
        return failed (d, error);
    json_t *all = json_array ();
    if (rsp_tlv_single (rsp_slice_of (body), 0xBF28, &response) &&
        rsp_tlv_find (response.value, 0xA0, &list))
        while (rsp_tlv_next (&list.value, &entry) == RSP_TLV_OK)
            json_array_append_new (all, notification_of (entry.value));
    if (d->args->json) {
        print_json (all);
        return 0;
    }
    for (gsize i = 0; i < json_array_size (all); i++) {
        const json_t *n = json_array_get (all, i);
        printf ("%" JSON_INTEGER_FORMAT "\t%s\t%s\t%s\n",
                json_integer_value (json_object_get (n, "seqNumber")),
                json_string_value (json_object_get (n, "event")),
                json_string_value (json_object_get (n, "iccid")),
                json_string_value (json_object_get (n, "address")));
    }
    json_decref (all);
    return 0;
}

/* --- profiles --- */

int
rsp_desk_show_profiles (const RspDesk *d, const GPtrArray *profiles)
{
    json_t *all = json_array ();
    for (guint i = 0; i < profiles->len; i++) {
        const RspLpaProfile *p = profiles->pdata[i];
        g_autofree char *nickname = rsp_escape_text (p->nickname, -1, 256);
        g_autofree char *name = rsp_escape_text (p->name, -1, 256);
        g_autofree char *provider = rsp_escape_text (p->provider, -1, 256);
        const char *state = p->enabled ? "enabled" : "disabled";
        const char *class = class_names[p->profile_class];
        if (!d->args->json)
            printf ("%s\t%s\t%s\t%s\t%s\t%s\n", p->iccid, state, class, provider, name, nickname);
        json_array_append_new (all, json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s}", "iccid", p->iccid,
                                               "state", state, "class", class, "provider", provider,
                                               "name", name, "nickname", nickname));
    }
    if (d->args->json)
        print_json (all);
    else
        json_decref (all);
    return 0;
}

/* --- failures --- */

typedef struct {
    const char *function, *code;
    char *meaning; /* owned */
} Search;

static void
look_at (const RspCondition *condition, gpointer data)
{
    Search *search = data;
    if (!search->meaning &&
        strcmp (rsp_function (condition->function)->full_name, search->function) == 0 &&
        strcmp (condition->code, search->code) == 0)
        search->meaning = g_strdup (condition->meaning);
}

char *
rsp_desk_explain (const RspDesk *d, const char *step, const char *error, const char *code)
{
    GString *out = g_string_new (NULL);
    g_autofree char *text = rsp_escape_text (error, -1, 200);
    g_autofree char *shown = code ? rsp_escape_text (code, -1, 60) : NULL;
    Search search = {.function = step, .code = code ? code : error};
    const char *problem = rsp_gateway_problem (d->gateway);
    rsp_conditions_foreach (look_at, &search);
    g_string_append_printf (out, "%s: %s", step, text);
    if (shown)
        g_string_append_printf (out, " %s", shown);
    if (search.meaning)
        g_string_append_printf (out, " (%s)", search.meaning);
    g_free (search.meaning);
    if (problem && !code) {
        g_autofree char *why = rsp_escape_text (problem, -1, 300);
        g_string_append_printf (out, " (%s)", why);
    }
    return g_string_free (out, FALSE);
}
