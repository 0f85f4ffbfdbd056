/* The ASN.1 binding of HTTP functions: the members of the message table as elements of the types
 * that it names. A member is the element of its name, in the message itself or in the alternative
 * that says ok; an INTEGER alternative without a member is the error. */
#include "asn1/fields-der.h"

#include <string.h>

#include "asn1/ids.h"
#include "asn1/tlv.h"
#include "asn1/value.h"

#define MAX_BODY (4u << 20)

static gboolean
bad (GError **error, const RspFunction *fn, const char *member, const char *what)
{
    g_set_error (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_BAD, "%s: %s: %s", fn->full_name, member,
                 what);
    return FALSE;
}

static const RspMember *
members_of (const RspFunction *fn, RspLeg leg)
{
    return leg == RSP_LEG_REQUEST ? fn->request_members : fn->response_members;
}

/* profileMetadata is profileMetaData in ASN.1. */
static const RspSchema *
component (const RspSchema *schema, const char *name)
{
    for (guint i = 0; schema && i < schema->n_children; i++)
        if (g_ascii_strcasecmp (schema->children[i].name, name) == 0)
            return &schema->children[i];
    return NULL;
}

static const RspSchema *
error_alternative (const RspSchema *root, const RspMember *members)
{
    for (guint i = 0; root->kind == RSP_KIND_CHOICE && i < root->n_children; i++) {
        const RspSchema *child = &root->children[i];
        gboolean member = FALSE;
        for (const RspMember *m = members; m && m->name; m++)
            member = member || g_ascii_strcasecmp (m->name, child->name) == 0;
        if (child->kind == RSP_KIND_INTEGER && !member)
            return child;
    }
    return NULL;
}

static gboolean
holds_all (const RspSchema *schema, const RspFields *f, const RspMember *members)
{
    for (const RspMember *m = members; m && m->name; m++)
        if (rsp_fields_has (f, m->name) && !component (schema, m->name))
            return FALSE;
    return TRUE;
}

/* The alternative of ROOT that holds the members of F; NULL: ROOT itself does. */
static const RspSchema *
ok_alternative (const RspSchema *root, const RspFields *f, const RspMember *members)
{
    if (root->kind != RSP_KIND_CHOICE || (members->name && holds_all (root, f, members)))
        return NULL;
    for (guint i = 0; i < root->n_children; i++)
        if (root->children[i].kind == RSP_KIND_SEQUENCE &&
            holds_all (&root->children[i], f, members))
            return &root->children[i];
    return NULL;
}

static char *
path_of (const RspSchema *alternative, const RspSchema *element)
{
    return alternative ? g_strconcat (alternative->name, ".", element->name, NULL)
                       : g_strdup (element->name);
}

/* Encoding ------------------------------------------------------------------------------------ */

/* VALUE, a TLV of the member's type, under the tag that ELEMENT has in the message. */
static void
put_typed (RspAsn1 *node, const char *path, const RspSchema *element, const RspMember *member,
           RspSlice value)
{
    const RspSchema *type = rsp_schema (member->type);
    g_autoptr (GByteArray) out = g_byte_array_new ();
    RspTlv tlv;
    RspSlice in = value;
    if (type->tag == element->tag || element->tag == 0) {
        rsp_asn1_set_der (node, path, value);
        return;
    }
    gboolean wrap = type->tag == 0 || rsp_tlv_next (&in, &tlv) != RSP_TLV_OK;
    rsp_tlv_put (out, element->tag, wrap ? value : tlv.value);
    rsp_asn1_set_der (node, path, RSP_SLICE (out->data, out->len));
}

static void
put_text (RspAsn1 *node, const char *path, const RspSchema *element, const char *text)
{
    guint8 eid[16] = {0};
    if (element->kind != RSP_KIND_OCTETS) {
        rsp_asn1_set_text (node, path, text);
    } else {
        rsp_eid_to_octets (text, eid); /* no EID is none that anybody has */
        rsp_asn1_set_octets (node, path, RSP_SLICE_ARRAY (eid));
    }
}

static void
put_member (RspAsn1 *node, const char *path, const RspSchema *element, const RspMember *member,
            const RspFields *f)
{
    switch (member->kind) {
    case RSP_MEMBER_TEXT:
        put_text (node, path, element, rsp_fields_text (f, member->name));
        return;
    case RSP_MEMBER_HEX:
        rsp_asn1_set_octets (node, path, rsp_slice_of (rsp_fields_bytes (f, member->name)));
        return;
    case RSP_MEMBER_BASE64: {
        RspSlice value = rsp_slice_of (rsp_fields_bytes (f, member->name));
        if (member->type)
            put_typed (node, path, element, member, value);
        else
            rsp_asn1_set_octets (node, path, value);
        return;
    }
    case RSP_MEMBER_BOOL: {
        if (element->kind == RSP_KIND_BOOLEAN)
            rsp_asn1_set_bool (node, path, rsp_fields_bool (f, member->name));
        else if (rsp_fields_bool (f, member->name)) {
            g_autoptr (GByteArray) out = g_byte_array_new ();
            rsp_tlv_put (out, element->tag, RSP_SLICE (NULL, 0));
            rsp_asn1_set_der (node, path, RSP_SLICE (out->data, out->len));
        }
        return;
    }
    case RSP_MEMBER_NUMBER:
        rsp_asn1_set_int (node, path,
                          g_ascii_strtoll (rsp_fields_text (f, member->name), NULL, 10));
        return;
    case RSP_MEMBER_OBJECT: /* none of the functions that have this binding */
    case RSP_MEMBER_ARRAY:
        return;
    }
}

static GBytes *
finish (const RspFunction *fn, RspAsn1 *node)
{
    GBytes *message = rsp_asn1_encode (node, "");
    if (fn->interface == RSP_IF_ESIPA)
        return message;
    GByteArray *out = g_byte_array_sized_new ((guint)g_bytes_get_size (message) + 8);
    rsp_tlv_put (out, RSP_REMOTE_PROVISIONING_TAG, rsp_slice_of (message));
    g_bytes_unref (message);
    return g_byte_array_free_to_bytes (out);
}

static GBytes *
encode_failed (const RspFunction *fn, RspStatus status)
{
    const RspSchema *root = fn->response_type ? rsp_schema (fn->response_type) : NULL;
    const RspSchema *alternative = root ? error_alternative (root, fn->response_members) : NULL;
    if (!alternative)
        return g_bytes_new (NULL, 0);
    g_autoptr (RspAsn1) node = rsp_asn1_new (fn->response_type);
    rsp_asn1_set_int (node, alternative->name, rsp_fields_error_value (fn, status));
    return finish (fn, node);
}

static GBytes *
encode (const RspFields *f)
{
    RspLeg leg;
    RspStatus status;
    const RspFunction *fn = rsp_fields_function (f, &leg);
    const char *type = leg == RSP_LEG_REQUEST ? fn->request_type : fn->response_type;
    const RspMember *members = members_of (fn, leg);
    if (rsp_fields_failed (f, &status))
        return encode_failed (fn, status);
    if (!type || !members)
        return g_bytes_new (NULL, 0);
    const RspSchema *root = rsp_schema (type);
    const RspSchema *alternative = ok_alternative (root, f, members);
    g_autoptr (RspAsn1) node = rsp_asn1_new (type);
    if (alternative)
        rsp_asn1_set_choice (node, "", alternative->name);
    for (const RspMember *m = members; m->name; m++) {
        const RspSchema *element = component (alternative ? alternative : root, m->name);
        if (!element || !rsp_fields_has (f, m->name))
            continue;
        g_autofree char *path = path_of (alternative, element);
        put_member (node, path, element, m, f);
    }
    return finish (fn, node);
}

GBytes *
rsp_fields_encode_as (const RspFields *fields, RspEncoding encoding)
{
    return encoding == RSP_ENC_DER ? encode (fields) : rsp_fields_encode (fields);
}

GBytes *
rsp_fields_encode_failed_as (const RspFunction *fn, RspEncoding encoding, RspStatus status)
{
    return encoding == RSP_ENC_DER ? encode_failed (fn, status) : rsp_fields_encode_failed (status);
}

/* Decoding ------------------------------------------------------------------------------------ */

static GBytes *
typed_value (const RspAsn1 *node, const char *path, const RspSchema *element,
             const RspMember *member)
{
    const RspSchema *type = rsp_schema (member->type);
    RspSlice whole = rsp_asn1_slice (node, path);
    RspTlv tlv;
    RspSlice in = whole;
    if (type->tag == element->tag || element->tag == 0 || rsp_tlv_next (&in, &tlv) != RSP_TLV_OK)
        return rsp_slice_to_bytes (whole);
    if (type->tag == 0)
        return rsp_slice_to_bytes (tlv.value);
    GByteArray *out = g_byte_array_new ();
    rsp_tlv_put (out, type->tag, tlv.value);
    return g_byte_array_free_to_bytes (out);
}

static void
take_member (RspFields *f, const RspAsn1 *node, const char *path, const RspSchema *element,
             const RspMember *member)
{
    g_autoptr (GBytes) bytes = NULL;
    g_autofree char *text = NULL;
    switch (member->kind) {
    case RSP_MEMBER_TEXT:
        text = element->kind == RSP_KIND_OCTETS ? rsp_hex (rsp_asn1_octets (node, path))
                                                : rsp_asn1_text (node, path);
        rsp_fields_set_text (f, member->name, text);
        return;
    case RSP_MEMBER_HEX: {
        g_autofree char *lower = rsp_hex (rsp_asn1_octets (node, path));
        text = g_ascii_strup (lower, -1);
        rsp_fields_set_text (f, member->name, text);
        return;
    }
    case RSP_MEMBER_BASE64:
        bytes = member->type ? typed_value (node, path, element, member)
                             : rsp_slice_to_bytes (rsp_asn1_octets (node, path));
        rsp_fields_set_bytes (f, member->name, bytes);
        return;
    case RSP_MEMBER_BOOL:
        rsp_fields_set_bool (f, member->name,
                             element->kind == RSP_KIND_NULL || rsp_asn1_bool (node, path));
        return;
    case RSP_MEMBER_NUMBER:
        text =
            g_strdup_printf ("%" G_GINT64_FORMAT, rsp_asn1_int (node, path, RSP_UNDEFINED_ERROR));
        rsp_fields_set_text (f, member->name, text);
        return;
    case RSP_MEMBER_OBJECT:
    case RSP_MEMBER_ARRAY:
        return;
    }
}

/* Where the members of a received message stand: NULL in the message itself, or in the alternative
 * that was chosen; an error ends up in F. */
static const RspSchema *
chosen (RspFields *f, const RspAsn1 *node, const RspFunction *fn, const RspSchema *root,
        const RspMember *members)
{
    const char *name = root->kind == RSP_KIND_CHOICE ? rsp_asn1_choice (node, "") : NULL;
    const RspSchema *alternative = name ? component (root, name) : NULL;
    const RspSchema *wrong = alternative ? error_alternative (root, members) : NULL;
    if (alternative && alternative == wrong) {
        gint64 value = rsp_asn1_int (node, name, RSP_UNDEFINED_ERROR);
        RspStatus status = rsp_fields_error_status (fn, value);
        const char *constant = rsp_schema_constant (wrong, value);
        status.message = constant ? constant : "unknown error value";
        rsp_fields_set_failed (f, status);
        return NULL;
    }
    for (const RspMember *m = members; alternative && m->name; m++)
        if (g_ascii_strcasecmp (m->name, name) == 0)
            return NULL;
    return alternative && alternative->kind == RSP_KIND_SEQUENCE ? alternative : NULL;
}

static gboolean
take_members (RspFields *f, const RspAsn1 *node, const RspFunction *fn, const RspSchema *root,
              const RspMember *members, GError **error)
{
    const RspSchema *alternative = chosen (f, node, fn, root, members);
    for (const RspMember *m = members; m->name && !rsp_fields_failed (f, NULL); m++) {
        const RspSchema *element = component (alternative ? alternative : root, m->name);
        g_autofree char *path = element ? path_of (alternative, element) : NULL;
        if (path && rsp_asn1_has (node, path)) {
            take_member (f, node, path, element, m);
        } else if (!m->optional) {
            g_set_error (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_MISSING, "%s: %s is missing",
                         fn->full_name, m->name);
            return FALSE;
        }
    }
    return TRUE;
}

static RspFields *
decode (const RspFunction *fn, RspLeg leg, GBytes *body, GError **error)
{
    const char *type = leg == RSP_LEG_REQUEST ? fn->request_type : fn->response_type;
    const RspMember *members = members_of (fn, leg);
    RspSlice message = rsp_slice_of (body);
    g_autoptr (RspFields) f = rsp_fields_new (fn, leg);
    RspTlv outer;
    if (!type || !members) {
        if (message.len > 0 && !bad (error, fn, "body", "must be empty"))
            return NULL;
        return g_steal_pointer (&f);
    }
    if (message.len > MAX_BODY && !bad (error, fn, "body", "over 4 MiB"))
        return NULL;
    if (fn->interface != RSP_IF_ESIPA) {
        if (!rsp_tlv_single (message, RSP_REMOTE_PROVISIONING_TAG, &outer) &&
            !bad (error, fn, "body", "not a message of remote profile provisioning"))
            return NULL;
        message = outer.value;
    }
    g_autoptr (GError) why = NULL;
    g_autoptr (RspAsn1) node = rsp_asn1_decode_slice (type, message, &why);
    if (!node && !bad (error, fn, "body", why->message))
        return NULL;
    gboolean good = take_members (f, node, fn, rsp_schema (type), members, error);
    return good ? g_steal_pointer (&f) : NULL;
}

RspFields *
rsp_fields_decode_as (const RspFunction *fn, RspLeg leg, RspEncoding encoding, GBytes *body,
                      GError **error)
{
    return encoding == RSP_ENC_DER ? decode (fn, leg, body, error)
                                   : rsp_fields_decode (fn, leg, body, error);
}
