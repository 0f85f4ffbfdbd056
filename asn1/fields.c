#include "asn1/fields.h"

#include <jansson.h>
#include <string.h>

#include "asn1/base64.h"
#include "asn1/body.h"

#define MAX_BODY (4u << 20)
#define MAX_HEX_OCTETS 16

/* A member's value; what its kind needs is set. */
typedef struct {
    char *text;    /* TEXT, NUMBER, OBJECT; HEX as it was received */
    GBytes *bytes; /* BASE64, HEX */
    gboolean flag, is_set;
} Value;

struct _RspFields {
    const RspFunction *fn;
    const RspMember *members; /* (nullable) */
    RspLeg leg;
    Value *values; /* one a member */
    char *requester, *call_id;
    char *subject, *reason, *message; /* SUBJECT set: refused */
};

G_DEFINE_QUARK (rsp_fields_error, rsp_fields_error)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (json_t, json_decref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RspBody, rsp_body_clear)

static guint
count_members (const RspMember *members)
{
    guint n = 0;
    while (members && members[n].name)
        n++;
    return n;
}

RspFields *
rsp_fields_new (const RspFunction *fn, RspLeg leg)
{
    RspFields *f = g_new0 (RspFields, 1);
    f->fn = fn;
    f->leg = leg;
    f->members = leg == RSP_LEG_REQUEST ? fn->request_members : fn->response_members;
    f->values = g_new0 (Value, count_members (f->members) + 1);
    return f;
}

static void
clear_value (Value *value)
{
    g_clear_pointer (&value->text, g_free);
    g_clear_pointer (&value->bytes, g_bytes_unref);
    value->is_set = FALSE;
}

void
rsp_fields_free (RspFields *f)
{
    if (!f)
        return;
    for (guint i = 0; i < count_members (f->members); i++)
        clear_value (&f->values[i]);
    g_free (f->values);
    g_free (f->requester);
    g_free (f->call_id);
    g_free (f->subject);
    g_free (f->reason);
    g_free (f->message);
    g_free (f);
}

static gboolean
bad (GError **error, const RspFields *f, const char *member, const char *what)
{
    g_set_error (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_BAD, "%s: %s: %s", f->fn->full_name,
                 member, what);
    return FALSE;
}

static gboolean
missing (GError **error, const RspFields *f, const char *member)
{
    g_set_error (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_MISSING, "%s: %s is missing",
                 f->fn->full_name, member);
    return FALSE;
}

static char *
json_text (const json_t *json)
{
    return g_strndup (json_string_value (json), json_string_length (json));
}

/* (nullable): what is wrong */
static const char *
read_hex (Value *value, const json_t *json)
{
    if (!json_is_string (json))
        return "must be text";
    gsize len = json_string_length (json);
    value->bytes = len > 2 * MAX_HEX_OCTETS ? NULL : rsp_unhex (json_string_value (json));
    if (!value->bytes || len == 0)
        return "must be 1 to 16 octets in hex";
    value->text = json_text (json);
    return NULL;
}

static char *
dump (const json_t *json)
{
    char *text = json_dumps (json, JSON_COMPACT);
    char *copy = g_strdup (text);
    free (text);
    return copy;
}

static const char *
read_member (RspBody *body, Value *value, RspMemberKind kind, const json_t *json)
{
    switch (kind) {
    case RSP_MEMBER_TEXT:
        if (!json_is_string (json))
            return "must be text";
        value->text = json_text (json);
        return NULL;
    case RSP_MEMBER_HEX:
        return read_hex (value, json);
    case RSP_MEMBER_BASE64: {
        if (!json_is_string (json))
            return "must be text";
        RspSlice text = rsp_body_string (body, json);
        value->bytes = rsp_base64_decode ((const char *)text.data, text.len);
        return value->bytes ? NULL : "must be base64";
    }
    case RSP_MEMBER_BOOL:
        if (!json_is_boolean (json))
            return "must be true or false";
        value->flag = json_is_true (json);
        return NULL;
    case RSP_MEMBER_NUMBER:
        if (!json_is_integer (json))
            return "must be an integer";
        value->text = g_strdup_printf ("%" JSON_INTEGER_FORMAT, json_integer_value (json));
        return NULL;
    case RSP_MEMBER_OBJECT:
        value->text = json_is_object (json) ? dump (json) : NULL;
        return value->text ? NULL : "must be an object";
    case RSP_MEMBER_ARRAY:
        value->text = json_is_array (json) ? dump (json) : NULL;
        return value->text ? NULL : "must be an array";
    }
    g_assert_not_reached ();
}

static gboolean
read_members (RspFields *f, RspBody *body, GError **error)
{
    for (guint i = 0; i < count_members (f->members); i++) {
        const RspMember *member = &f->members[i];
        const json_t *json = json_object_get (body->root, member->name);
        if (!json) {
            if (!member->optional)
                return missing (error, f, member->name);
            continue;
        }
        const char *wrong = read_member (body, &f->values[i], member->kind, json);
        if (wrong)
            return bad (error, f, member->name, wrong);
        f->values[i].is_set = TRUE;
    }
    return TRUE;
}

static gboolean
has_request_header (const RspFunction *fn)
{
    return rsp_interface_is_mutual (fn->interface);
}

static gboolean
read_request_header (RspFields *f, const json_t *root, GError **error)
{
    const json_t *header = json_object_get (root, "header");
    const json_t *requester = json_object_get (header, "functionRequesterIdentifier");
    const json_t *call = json_object_get (header, "functionCallIdentifier");
    if (!requester)
        return missing (error, f, "header.functionRequesterIdentifier");
    if (!call)
        return missing (error, f, "header.functionCallIdentifier");
    if (!json_is_string (requester) || !json_is_string (call))
        return bad (error, f, "header", "identifiers must be text");
    f->requester = json_text (requester);
    f->call_id = json_text (call);
    return TRUE;
}

static char *
text_or_empty (const json_t *json)
{
    return json_is_string (json) ? json_text (json) : g_strdup ("");
}

static gboolean
read_status (RspFields *f, const json_t *root, GError **error)
{
    const json_t *execution =
        json_object_get (json_object_get (root, "header"), "functionExecutionStatus");
    const json_t *status = json_object_get (execution, "status");
    if (!status)
        return missing (error, f, "header.functionExecutionStatus.status");
    const char *word = json_is_string (status) ? json_string_value (status) : "";
    if (strcmp (word, "Executed-Success") == 0 || strcmp (word, "Executed-WithWarning") == 0)
        return TRUE;
    if (strcmp (word, "Failed") != 0 && strcmp (word, "Expired") != 0)
        return bad (error, f, "header.functionExecutionStatus.status", "unknown status");
    const json_t *data = json_object_get (execution, "statusCodeData");
    f->subject = text_or_empty (json_object_get (data, "subjectCode"));
    f->reason = text_or_empty (json_object_get (data, "reasonCode"));
    const json_t *message = json_object_get (data, "message");
    f->message = json_is_string (message) ? json_text (message) : NULL;
    return TRUE;
}

static gboolean
read_body (RspFields *f, RspBody *body, GError **error)
{
    const json_t *root = body->root;
    if (!json_is_object (root))
        return bad (error, f, "body", "must be an object");
    if (f->leg == RSP_LEG_REQUEST)
        return (!has_request_header (f->fn) || read_request_header (f, root, error)) &&
               read_members (f, body, error);
    return read_status (f, root, error) && (f->subject || read_members (f, body, error));
}

static RspFields *
parse (const RspFunction *fn, RspLeg leg, RspSlice text, gboolean cut, gboolean *ret_whole,
       GError **error)
{
    g_autoptr (RspFields) f = rsp_fields_new (fn, leg);
    json_error_t why = {0};
    g_auto (RspBody) body = rsp_body_parse (text, cut, &why);
    gboolean good = FALSE;
    if (body.root) {
        good = read_body (f, &body, error);
    } else {
        g_autofree char *reason = rsp_escape_text (why.text, -1, 120);
        g_autofree char *what = g_strdup_printf ("not JSON: octet %d: %s", why.position, reason);
        bad (error, f, "body", what);
    }
    *ret_whole = !body.cut || (good && body.taken == body.cut->len);
    return good ? g_steal_pointer (&f) : NULL;
}

RspFields *
rsp_fields_decode (const RspFunction *fn, RspLeg leg, GBytes *body, GError **error)
{
    RspSlice s = rsp_slice_of (body);
    g_autoptr (RspFields) empty = rsp_fields_new (fn, leg);
    if (s.len == 0 && !empty->members)
        return g_steal_pointer (&empty);
    if (s.len > MAX_BODY) {
        bad (error, empty, "body", "over 4 MiB");
        return NULL;
    }
    gboolean whole = FALSE;
    g_autoptr (RspFields) f = parse (fn, leg, s, TRUE, &whole, NULL);
    if (whole && f)
        return g_steal_pointer (&f);
    return parse (fn, leg, s, FALSE, &whole, error);
}

/* Encoding. */

static void
put (GByteArray *out, const char *text)
{
    g_byte_array_append (out, (const guint8 *)text, (guint)strlen (text));
}

static void
put_string (GByteArray *out, const char *text)
{
    put (out, "\"");
    for (const char *at = text; *at;) {
        gsize plain = 0;
        while ((guint8)at[plain] >= 0x20 && at[plain] != '"' && at[plain] != '\\')
            plain++;
        g_byte_array_append (out, (const guint8 *)at, (guint)plain);
        at += plain;
        if (*at == '\0')
            break;
        char escape[8];
        if (*at == '"' || *at == '\\')
            g_snprintf (escape, sizeof escape, "\\%c", *at);
        else
            g_snprintf (escape, sizeof escape, "\\u%04x", (guint8)*at);
        put (out, escape);
        at++;
    }
    put (out, "\"");
}

/* The schema of the JSON binding wants capital letters. */
static void
put_hex (GByteArray *out, RspSlice s)
{
    g_autofree char *lower = rsp_hex (s);
    g_autofree char *upper = g_ascii_strup (lower, -1);
    put_string (out, upper);
}

static void
put_member (GByteArray *out, RspMemberKind kind, const Value *value)
{
    switch (kind) {
    case RSP_MEMBER_TEXT:
        put_string (out, value->text);
        return;
    case RSP_MEMBER_HEX:
        if (value->text)
            put_string (out, value->text);
        else
            put_hex (out, rsp_slice_of (value->bytes));
        return;
    case RSP_MEMBER_BASE64:
        put (out, "\"");
        rsp_base64_append (out, rsp_slice_of (value->bytes));
        put (out, "\"");
        return;
    case RSP_MEMBER_BOOL:
        put (out, value->flag ? "true" : "false");
        return;
    case RSP_MEMBER_NUMBER:
    case RSP_MEMBER_OBJECT:
    case RSP_MEMBER_ARRAY:
        put (out, value->text);
        return;
    }
}

static void
put_status (GByteArray *out, const char *subject, const char *reason, const char *message)
{
    put (out, "\"header\":{\"functionExecutionStatus\":{\"status\":");
    if (!subject) {
        put (out, "\"Executed-Success\"}}");
        return;
    }
    put (out, "\"Failed\",\"statusCodeData\":{\"subjectCode\":");
    put_string (out, subject);
    put (out, ",\"reasonCode\":");
    put_string (out, reason ? reason : "");
    if (message) {
        put (out, ",\"message\":");
        put_string (out, message);
    }
    put (out, "}}}");
}

static gboolean
put_header (GByteArray *out, const RspFields *f)
{
    if (f->leg == RSP_LEG_RESPONSE) {
        put_status (out, f->subject, f->reason, f->message);
        return TRUE;
    }
    if (!has_request_header (f->fn))
        return FALSE;
    put (out, "\"header\":{\"functionRequesterIdentifier\":");
    put_string (out, f->requester ? f->requester : "");
    put (out, ",\"functionCallIdentifier\":");
    put_string (out, f->call_id ? f->call_id : "");
    put (out, "}");
    return TRUE;
}

static gsize
expected_size (const RspFields *f)
{
    gsize size = 256;
    for (guint i = 0; i < count_members (f->members); i++)
        size += 64 + (f->values[i].bytes ? g_bytes_get_size (f->values[i].bytes) / 3 * 4 : 0);
    return size;
}

GBytes *
rsp_fields_encode (const RspFields *f)
{
    if (f->leg == RSP_LEG_RESPONSE && !f->members && !f->subject)
        return g_bytes_new (NULL, 0);
    GByteArray *out = g_byte_array_sized_new ((guint)expected_size (f));
    put (out, "{");
    gboolean more = put_header (out, f);
    for (guint i = 0; i < count_members (f->members) && !f->subject; i++) {
        if (!f->values[i].is_set)
            continue;
        put (out, more ? ",\"" : "\"");
        put (out, f->members[i].name);
        put (out, "\":");
        put_member (out, f->members[i].kind, &f->values[i]);
        more = TRUE;
    }
    put (out, "}");
    return g_byte_array_free_to_bytes (out);
}

GBytes *
rsp_fields_encode_failed (RspStatus status)
{
    GByteArray *out = g_byte_array_new ();
    put (out, "{");
    put_status (out, status.subject ? status.subject : "", status.reason, status.message);
    put (out, "}");
    return g_byte_array_free_to_bytes (out);
}

/* Access. */

static Value *
find_value (const RspFields *f, const char *name, RspMemberKind *ret_kind)
{
    for (guint i = 0; i < count_members (f->members); i++) {
        if (strcmp (f->members[i].name, name) != 0)
            continue;
        *ret_kind = f->members[i].kind;
        return &f->values[i];
    }
    return NULL;
}

/* For setters: a name that the table does not have is a programmer error. */
static Value *
value_of (const RspFields *f, const char *name, RspMemberKind *ret_kind)
{
    Value *value = find_value (f, name, ret_kind);
    if (!value)
        g_error ("fields: %s has no member %s in this leg", f->fn->full_name, name);
    return value;
}

const char *
rsp_fields_text (const RspFields *f, const char *name)
{
    RspMemberKind kind;
    const Value *value = find_value (f, name, &kind);
    return value ? value->text : NULL;
}

GBytes *
rsp_fields_bytes (const RspFields *f, const char *name)
{
    RspMemberKind kind;
    const Value *value = find_value (f, name, &kind);
    return value ? value->bytes : NULL;
}

gboolean
rsp_fields_bool (const RspFields *f, const char *name)
{
    RspMemberKind kind;
    const Value *value = find_value (f, name, &kind);
    return value && value->is_set && value->flag;
}

gboolean
rsp_fields_failed (const RspFields *f, RspStatus *ret_status)
{
    if (ret_status)
        *ret_status = (RspStatus){f->subject, f->reason, f->message};
    return f->subject != NULL;
}

void
rsp_fields_set_failed (RspFields *f, RspStatus status)
{
    g_free (f->subject);
    g_free (f->reason);
    g_free (f->message);
    f->subject = g_strdup (status.subject);
    f->reason = g_strdup (status.reason);
    f->message = g_strdup (status.message);
}

gboolean
rsp_fields_has (const RspFields *f, const char *name)
{
    RspMemberKind kind;
    const Value *value = find_value (f, name, &kind);
    return value && value->is_set;
}

const RspFunction *
rsp_fields_function (const RspFields *f, RspLeg *ret_leg)
{
    *ret_leg = f->leg;
    return f->fn;
}

/* Whether TEXT is what KIND wants, of the kinds that are kept as JSON. */
static gboolean
fits_kind (const char *text, RspMemberKind kind)
{
    g_autoptr (json_t) json = json_loads (text, JSON_DECODE_ANY, NULL);
    return json && (kind == RSP_MEMBER_OBJECT  ? json_is_object (json)
                    : kind == RSP_MEMBER_ARRAY ? json_is_array (json)
                                               : json_is_integer (json));
}

void
rsp_fields_set_text (RspFields *f, const char *name, const char *text)
{
    RspMemberKind kind;
    Value *value = value_of (f, name, &kind);
    clear_value (value);
    if (!text)
        return;
    g_assert (kind != RSP_MEMBER_BASE64 && kind != RSP_MEMBER_BOOL);
    g_assert (kind == RSP_MEMBER_TEXT || kind == RSP_MEMBER_HEX || fits_kind (text, kind));
    value->text = g_utf8_make_valid (text, -1);
    if (kind == RSP_MEMBER_HEX)
        value->bytes = rsp_unhex (text);
    value->is_set = TRUE;
}

void
rsp_fields_set_bytes (RspFields *f, const char *name, GBytes *bytes)
{
    RspMemberKind kind;
    Value *value = value_of (f, name, &kind);
    clear_value (value);
    if (!bytes)
        return;
    g_assert (kind == RSP_MEMBER_BASE64 || kind == RSP_MEMBER_HEX);
    value->bytes = g_bytes_ref (bytes);
    value->is_set = TRUE;
}

void
rsp_fields_set_bool (RspFields *f, const char *name, gboolean flag)
{
    RspMemberKind kind;
    Value *value = value_of (f, name, &kind);
    g_assert (kind == RSP_MEMBER_BOOL);
    value->flag = flag;
    value->is_set = TRUE;
}

void
rsp_fields_set_header (RspFields *f, const char *requester_id, const char *call_id)
{
    g_free (f->requester);
    g_free (f->call_id);
    f->requester = g_utf8_make_valid (requester_id, -1);
    f->call_id = g_utf8_make_valid (call_id, -1);
}

const char *
rsp_fields_requester (const RspFields *f)
{
    return f->requester;
}

const char *
rsp_fields_call_id (const RspFields *f)
{
    return f->call_id;
}
