/* From the orders of the facilities to the keys of an `eim` step. */
#include "asn1/ids.h"
#include "pki/key.h"
#include "sim/run/facilities.h"

#include <string.h>

#define MAX_OPERATIONS 100

static gboolean fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    g_autofree char *text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error_literal (error, RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE, text);
    return FALSE;
}

/* --- members --- */

typedef enum { TEXT, FLAG, HEX, ICCID, CLASS, CRITERION } Kind;

typedef struct {
    const char *name, *key; /* theirs and ours */
    Kind kind;
    gboolean required;
} Member;

#define MAX_MEMBERS 4

static gboolean translate (const Member *members, const json_t *in, const char *where, json_t *out,
                           GError **error);

static gboolean
put_iccid (const Member *m, const char *text, const char *where, json_t *out, GError **error)
{
    g_autoptr (GBytes) octets = text ? rsp_unhex (text) : NULL;
    g_autofree char *iccid = octets && g_bytes_get_size (octets) == 10
                                 ? rsp_iccid_from_octets (rsp_slice_of (octets))
                                 : NULL;
    if (!iccid || !rsp_iccid_valid (iccid))
        return fail (error, "%s.%s: not an ICCID in octets (20 digits, swapped, with F at the end)",
                     where, m->name);
    json_object_set_new (out, m->key, json_string (iccid));
    return TRUE;
}

static gboolean
put_class (const Member *m, const json_t *value, const char *where, json_t *out, GError **error)
{
    static const char *const classes[] = {"test", "provisioning", "operational"};
    json_int_t number = json_integer_value (value);
    if (!json_is_integer (value) || number < 0 || number >= (json_int_t)G_N_ELEMENTS (classes))
        return fail (error, "%s.%s: not 0, 1 or 2", where, m->name);
    json_object_set_new (out, m->key, json_string (classes[number]));
    return TRUE;
}

/* One of them. */
static gboolean
put_criterion (const json_t *value, const char *where, json_t *out, GError **error)
{
    static const Member criteria[MAX_MEMBERS] = {{"isdpAid", "aid", HEX, FALSE},
                                                 {"iccid", "iccid", ICCID, FALSE},
                                                 {"profileClass", "class", CLASS, FALSE}};
    g_autofree char *deeper = g_strconcat (where, ".searchCriteria", NULL);
    if (!json_is_object (value) || json_object_size (value) != 1)
        return fail (error, "%s: needs one of isdpAid, iccid, profileClass", deeper);
    return translate (criteria, value, deeper, out, error);
}

static gboolean
put_member (const Member *m, const json_t *value, const char *where, json_t *out, GError **error)
{
    const char *text = json_string_value (value);
    g_autoptr (GBytes) octets = m->kind == HEX && text ? rsp_unhex (text) : NULL;
    switch (m->kind) {
    case ICCID:
        return put_iccid (m, text, where, out, error);
    case CLASS:
        return put_class (m, value, where, out, error);
    case CRITERION:
        return put_criterion (value, where, out, error);
    case FLAG:
        if (!json_is_boolean (value))
            return fail (error, "%s.%s: needs true or false", where, m->name);
        break;
    case HEX:
        if (!octets)
            return fail (error, "%s.%s: needs hex", where, m->name);
        break;
    case TEXT:
        if (!text)
            return fail (error, "%s.%s: needs a text", where, m->name);
        break;
    }
    json_object_set (out, m->key, (json_t *)value);
    return TRUE;
}

static const Member *
member_of (const Member *members, const char *name)
{
    for (guint i = 0; i < MAX_MEMBERS && members[i].name; i++)
        if (strcmp (members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static gboolean
translate (const Member *members, const json_t *in, const char *where, json_t *out, GError **error)
{
    const char *name;
    json_t *value;
    if (!json_is_object (in))
        return fail (error, "%s: needs an object", where);
    json_object_foreach ((json_t *)in, name, value)
    {
        const Member *m = member_of (members, name);
        if (!m)
            return fail (error, "%s: not supported: %s", where, name);
        if (!put_member (m, value, where, out, error))
            return FALSE;
    }
    for (guint i = 0; i < MAX_MEMBERS && members[i].name; i++)
        if (members[i].required && !json_object_get (in, members[i].name))
            return fail (error, "%s: needs %s", where, members[i].name);
    return TRUE;
}

/* --- operations --- */

static const struct {
    const char *facility, *name, *verb;
    Member members[MAX_MEMBERS];
} operations[] = {
    {"psmo",
     "enable",
     "enable",
     {{"iccid", "iccid", ICCID, TRUE}, {"rollback", "rollback", FLAG, FALSE}}},
    {"psmo", "disable", "disable", {{"iccid", "iccid", ICCID, TRUE}}},
    {"psmo", "delete", "delete", {{"iccid", "iccid", ICCID, TRUE}}},
    {"psmo",
     "listProfileInfo",
     "list-profile-info",
     {{"searchCriteria", NULL, CRITERION, FALSE}, {"tagList", "tags", HEX, FALSE}}},
    {"psmo", "getRAT", "get-rat", {{0}}},
    {"psmo",
     "configureAutoEnable",
     "configure-immediate-enable",
     {{"autoEnableFlag", "immediate", FLAG, TRUE},
      {"smdpOid", "oid", TEXT, FALSE},
      {"smdpAddress", "address", TEXT, FALSE}}},
    {"eco", "addEim", "add-eim", {{"eimConfigurationData", "configuration", HEX, TRUE}}},
    {"eco", "deleteEim", "delete-eim", {{"eimId", "eim-id", TEXT, TRUE}}},
    {"eco", "updateEim", "update-eim", {{"eimConfigurationData", "configuration", HEX, TRUE}}},
    {"eco", "listEim", "list-eim", {{0}}},
    {"download", "download", "download", {{"activationCode", "activationCode", TEXT, TRUE}}},
    {"edr", "edr", "data-request", {{"tagList", "tags", HEX, TRUE}}},
};

/* {"NAME": {…}} of FACILITY, into OUT. */
static gboolean
put_operation (const char *facility, const json_t *in, const char *where, json_t *out,
               GError **error)
{
    void *only = json_object_iter ((json_t *)in);
    if (!only || json_object_size (in) != 1)
        return fail (error, "%s: needs an object with one member", where);
    const char *name = json_object_iter_key (only);
    for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
        if (strcmp (operations[i].facility, facility) == 0 &&
            strcmp (operations[i].name, name) == 0) {
            g_autofree char *deeper = g_strconcat (where, ".", name, NULL);
            json_object_set_new (out, "do", json_string (operations[i].verb));
            return translate (operations[i].members, json_object_iter_value (only), deeper, out,
                              error);
        }
    return fail (error, "%s: not supported: %s", where, name);
}

static gboolean
put_list (const char *facility, const json_t *order, json_t *out, GError **error)
{
    const json_t *in = json_object_get (order, facility);
    if (!json_is_array (in) || !json_array_size (in) || json_object_size (order) != 1)
        return fail (error, "order: needs %s with a list of operations, and nothing else",
                     facility);
    if (json_array_size (in) > MAX_OPERATIONS)
        return fail (error, "order.%s: more than %d operations", facility, MAX_OPERATIONS);
    json_t *list = json_array ();
    json_object_set_new (out, "operations", list);
    for (gsize i = 0; i < json_array_size (in); i++) {
        g_autofree char *where = g_strdup_printf ("order.%s[%zu]", facility, i);
        json_t *operation = json_object ();
        json_array_append_new (list, operation);
        if (!put_operation (facility, json_array_get (in, i), where, operation, error))
            return FALSE;
    }
    return TRUE;
}

json_t *
rsp_facility_order (const char *facility, const char *eid, const json_t *order, GError **error)
{
    json_t *out = json_pack ("{s:s}", "eid", eid);
    gboolean list = strcmp (facility, "psmo") == 0 || strcmp (facility, "eco") == 0;
    /* {"activationCode": …} stands for {"download": {"activationCode": …}} */
    json_t *whole = json_object_get (order, "activationCode") && strcmp (facility, "download") == 0
                        ? json_pack ("{s:O}", facility, order)
                        : json_incref ((json_t *)order);
    gboolean good = list ? put_list (facility, whole, out, error)
                         : put_operation (facility, whole, "order", out, error);
    json_decref (whole);
    if (good)
        return out;
    json_decref (out);
    return NULL;
}

/* --- parameters of an eUICC --- */

static gboolean
take_point (const json_t *value, GBytes **ret_point)
{
    const char *hex = json_string_value (value);
    g_clear_pointer (ret_point, g_bytes_unref);
    *ret_point = hex ? rsp_unhex (hex) : NULL;
    g_autoptr (RspPublic) public =
        *ret_point ? rsp_public_from_point (rsp_slice_of (*ret_point), NULL) : NULL;
    return public != NULL;
}

static gboolean
take_number (const json_t *value, json_int_t most, gint64 *ret)
{
    *ret = json_integer_value (value);
    return json_is_integer (value) && *ret >= 0 && *ret <= most;
}

static gboolean
take_parameter (const char *name, const json_t *value, RspEimDeviceChange *change,
                GBytes **ret_point, GError **error)
{
    gboolean good = FALSE;
    const char *text = json_string_value (value);
    if (strcmp (name, "counterValue") == 0)
        good = take_number (value, 8388607, &change->counter);
    else if (strcmp (name, "associationToken") == 0)
        good = take_number (value, G_MAXINT32, &change->token);
    else if (strcmp (name, "signPubKey") == 0)
        good = take_point (value, ret_point);
    else if (strcmp (name, "consumerEuicc") == 0 && (good = json_is_boolean (value)))
        change->emulated = json_is_true (value);
    else if (strcmp (name, "signAlgo") == 0 && g_strcmp0 (text, "brainpoolP256r1") == 0)
        return fail (error, "order.euicc: not supported: signAlgo brainpoolP256r1");
    else if (strcmp (name, "signAlgo") == 0)
        good = g_strcmp0 (text, "prime256v1") == 0;
    else if (strcmp (name, "consumerEuicc") != 0)
        return fail (error, "order.euicc: not supported: %s", name);
    return good || fail (error, "order.euicc: not a value of %s", name);
}

gboolean
rsp_facility_euicc (const json_t *order, RspEimDeviceChange *ret_change, GBytes **ret_point,
                    const char **ret_word, GError **error)
{
    const json_t *list = json_object_get (order, "euicc");
    *ret_word = "badParamFormat";
    if (!json_is_array (list) || !json_array_size (list) || json_object_size (order) != 1)
        return fail (error, "order: needs euicc with a list of parameters, and nothing else");
    for (gsize i = 0; i < json_array_size (list); i++) {
        void *only = json_object_iter (json_array_get (list, i));
        if (!only || json_object_size (json_array_get (list, i)) != 1)
            return fail (error, "order.euicc[%zu]: needs an object with one member", i);
        *ret_word = "badParam";
        if (!take_parameter (json_object_iter_key (only), json_object_iter_value (only), ret_change,
                             ret_point, error))
            return FALSE;
        *ret_word = "badParamFormat";
    }
    if (*ret_point)
        ret_change->point = rsp_slice_of (*ret_point);
    *ret_word = "ok";
    return TRUE;
}
