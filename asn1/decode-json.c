#include "asn1/decode-private.h"

#include <jansson.h>
#include <string.h>

#include "asn1/base64.h"
#include "asn1/fields.h"
#include "asn1/functions.h"

#define MAX_DEPTH 32

G_DEFINE_AUTOPTR_CLEANUP_FUNC (json_t, json_decref)

static void show_value (RspItem *item, const json_t *json, const RspMember *member, guint depth);

/* How many of MEMBERS the body has; -1 if a mandatory one is missing. */
static int
fit (const json_t *root, const RspMember *members)
{
    int n = 0;
    for (const RspMember *m = members; m && m->name; m++) {
        if (json_object_get (root, m->name))
            n++;
        else if (!m->optional)
            return -1;
    }
    return n;
}

static gboolean
is_reply (const json_t *root)
{
    return json_object_get (json_object_get (root, "header"), "functionExecutionStatus") != NULL;
}

/* A header with an execution status makes a reply, one with a caller a request of another server or
 * an operator. */
static gboolean
header_fits (const json_t *root, const RspFunction *fn, RspLeg leg)
{
    if (leg == RSP_LEG_RESPONSE)
        return is_reply (root);
    return !is_reply (root) &&
           (!rsp_interface_is_mutual (fn->interface) || json_object_get (root, "header"));
}

static const RspFunction *
guess (const json_t *root, RspLeg *ret_leg)
{
    const RspFunction *best = NULL;
    int most = 0;
    for (guint i = 0; i < RSP_FN_COUNT; i++) {
        const RspFunction *fn = rsp_function (i);
        for (RspLeg leg = RSP_LEG_REQUEST; leg <= RSP_LEG_RESPONSE; leg++) {
            int n = header_fits (root, fn, leg)
                        ? fit (root,
                               leg == RSP_LEG_REQUEST ? fn->request_members : fn->response_members)
                        : -1;
            if (n <= most)
                continue;
            most = n;
            best = fn;
            *ret_leg = leg;
        }
    }
    return best;
}

static const RspMember *
member_named (const RspFunction *fn, RspLeg leg, const char *name)
{
    const RspMember *members = !fn                      ? NULL
                               : leg == RSP_LEG_REQUEST ? fn->request_members
                                                        : fn->response_members;
    for (; members && members->name; members++)
        if (strcmp (members->name, name) == 0)
            return members;
    return NULL;
}

static void
show_string (RspItem *item, const json_t *json, const RspMember *member)
{
    RspSlice text = RSP_SLICE (json_string_value (json), json_string_length (json));
    g_autoptr (GBytes) octets = member && member->kind == RSP_MEMBER_BASE64
                                    ? rsp_base64_decode ((const char *)text.data, text.len)
                                    : NULL;
    if (!octets) {
        rsp_item_set_text (item, text);
        return;
    }
    if (!member->type || !rsp_decode_der (item, NULL, member->type, rsp_slice_of (octets), NULL))
        rsp_item_set_hex (item, rsp_slice_of (octets));
}

static void
show_object (RspItem *item, json_t *json, const RspFunction *fn, RspLeg leg, guint depth)
{
    const char *name;
    json_t *value;
    json_object_foreach (json, name, value)
    {
        if (!rsp_item_has_room (item))
            return;
        g_autofree char *safe = rsp_escape_text (name, -1, 64);
        show_value (rsp_item_add (item, safe), value, member_named (fn, leg, name), depth);
    }
}

static void
show_array (RspItem *item, const json_t *json, guint depth)
{
    for (gsize i = 0; i < json_array_size (json) && rsp_item_has_room (item); i++)
        show_value (rsp_item_add (item, "element"), json_array_get (json, i), NULL, depth);
}

static void
show_value (RspItem *item, const json_t *json, const RspMember *member, guint depth)
{
    if (json_is_string (json)) {
        show_string (item, json, member);
    } else if (depth < MAX_DEPTH && json_is_object (json)) {
        show_object (item, (json_t *)json, NULL, RSP_LEG_REQUEST, depth + 1);
    } else if (depth < MAX_DEPTH && json_is_array (json)) {
        show_array (item, json, depth + 1);
    } else {
        char *dump = json_is_object (json) || json_is_array (json)
                         ? NULL
                         : json_dumps (json, JSON_ENCODE_ANY | JSON_COMPACT);
        rsp_item_set (item, "%s", dump ? dump : "…");
        free (dump);
    }
}

gboolean
rsp_decode_json (RspItem *parent, RspSlice text, GError **error)
{
    json_error_t why = {0};
    g_autoptr (json_t) root =
        json_loadb ((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object (root)) {
        g_autofree char *safe = rsp_escape_text (root ? "not an object" : why.text, -1, 120);
        g_set_error (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_BAD, "not JSON: octet %d: %s",
                     why.position, safe);
        return FALSE;
    }
    RspLeg leg = RSP_LEG_REQUEST;
    const RspFunction *fn = guess (root, &leg);
    g_autofree char *name = fn ? g_strdup_printf ("%s %s", fn->full_name,
                                                  leg == RSP_LEG_REQUEST ? "request" : "response")
                               : g_strdup (is_reply (root) ? "JSON reply" : "JSON body");
    show_object (rsp_item_add (parent, name), root, fn, leg, 0);
    return TRUE;
}
