/* Changes inside a message: one octet, one JSON member, one element of DER at any depth. */
#include "sim/net/fault-private.h"

#include "asn1/asn1.h"
#include "asn1/tlv.h"

#include <jansson.h>
#include <string.h>

#define NOT_FOUND "fieldNotFound"
#define NO_OCTET "noSuchOctet"
#define NOT_APPLICABLE "notApplicable"

typedef struct {
    RspFaults *faults;
    const RspFault *fault;
    const RspFaultMessage *message;
    const char *result; /* why it could not be done */
} Edit;

static gpointer
fails (Edit *edit, const char *result)
{
    edit->result = result;
    return NULL;
}

/* Octets -------------------------------------------------------------------------------------- */

static gboolean
flip (const RspFault *fault, guint8 *octets, gsize len, gboolean last)
{
    gint64 at = last && fault->offset == 0 ? -1 : fault->offset;
    if (at < 0)
        at += (gint64)len;
    if (at < 0 || at >= (gint64)len)
        return FALSE;
    octets[at] ^= fault->mask ? fault->mask : 0x01;
    return TRUE;
}

static GBytes *
flipped (Edit *edit, RspSlice octets, gboolean last)
{
    guint8 *copy = g_memdup2 (octets.data, octets.len);
    if (flip (edit->fault, copy, octets.len, last))
        return g_bytes_new_take (copy, octets.len);
    g_free (copy);
    return fails (edit, NO_OCTET);
}

/* What the fault puts in a field, as octets; NULL: it flips one. (transfer full) */
static GBytes *
new_content (const RspFault *fault)
{
    if (fault->value)
        return g_bytes_ref (fault->value);
    if (fault->text)
        return g_bytes_new (fault->text, strlen (fault->text));
    return NULL;
}

/* DER ----------------------------------------------------------------------------------------- */

typedef struct {
    RspSlice content, whole;
} Element;

static gboolean
within (RspSlice inner, RspSlice outer)
{
    return inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len;
}

/* "sequenceOf86[2]" in a Bound Profile Package. */
static gboolean
find_segment (RspSlice bpp, const char *path, Element *ret)
{
    static const struct {
        const char *name;
        guint32 tag;
    } lists[] = {{"firstSequenceOf87", 0xA0},
                 {"sequenceOf88", 0xA1},
                 {"secondSequenceOf87", 0xA2},
                 {"sequenceOf86", 0xA3}};
    const char *bracket = strchr (path, '[');
    gsize len = bracket ? (gsize)(bracket - path) : strlen (path);
    gint64 index = 0;
    char *end = NULL;
    if (bracket)
        index = g_ascii_strtoll (bracket + 1, &end, 10);
    if (bracket && (end == bracket + 1 || strcmp (end, "]") != 0))
        return FALSE;
    guint32 tag = 0;
    for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
        if (strlen (lists[i].name) == len && strncmp (lists[i].name, path, len) == 0)
            tag = lists[i].tag;
    RspTlv package, list, tlv;
    if (!tag || !rsp_tlv_single (bpp, 0xBF36, &package) ||
        !rsp_tlv_find (package.value, tag, &list))
        return FALSE;
    RspSlice rest = list.value;
    if (index < 0)
        while (rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK)
            index++;
    rest = list.value;
    do {
        if (index < 0 || rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK)
            return FALSE;
    } while (index-- > 0);
    *ret = (Element){tlv.value, tlv.whole};
    return TRUE;
}

static gboolean
locate (const char *type, RspSlice der, const char *path, Element *ret)
{
    RspSlice content, whole;
    if (!rsp_asn1_locate (type, der, path, &content, &whole) || !within (whole, der) ||
        !within (content, whole) || whole.len == 0)
        return FALSE;
    *ret = (Element){content, whole};
    return TRUE;
}

static gboolean
find_in_package (RspSlice der, const char *path, Element *ret)
{
    static const char channel[] = "initialiseSecureChannelRequest.";
    if (!g_str_has_prefix (path, channel))
        return find_segment (der, path, ret);
    RspTlv package, request;
    return rsp_tlv_single (der, 0xBF36, &package) &&
           rsp_tlv_find (package.value, 0xBF23, &request) &&
           locate ("InitialiseSecureChannelRequest", request.whole, path + strlen (channel), ret);
}

/* ES9+ in the ASN.1 binding has its messages in a wrapper, of which paths say nothing. */
static gboolean
find_element (const char *type, RspSlice der, const char *path, Element *ret)
{
    static const char package[] = "boundProfilePackage.";
    RspTlv wrapper;
    Element carried;
    if (rsp_tlv_single (der, RSP_REMOTE_PROVISIONING_TAG, &wrapper))
        der = wrapper.value;
    gboolean in_package = g_str_has_prefix (path, package);
    if (strcmp (type, "BoundProfilePackage") == 0)
        return find_in_package (der, path + (in_package ? strlen (package) : 0), ret);
    if (in_package && locate (type, der, "boundProfilePackage", &carried))
        return find_in_package (carried.whole, path + strlen (package), ret);
    return locate (type, der, path, ret);
}

static gboolean
same (RspSlice a, RspSlice b)
{
    return a.data == b.data && a.len == b.len;
}

/* The TLV of LEVEL that holds GOAL. */
static gboolean
find_holder (RspSlice level, RspSlice goal, RspTlv *ret, guint *ret_index)
{
    for (*ret_index = 0; rsp_tlv_next (&level, ret) == RSP_TLV_OK; ++*ret_index)
        if (within (goal, ret->whole))
            return TRUE;
    return FALSE;
}

/* The TLVs around TARGET, which is ELEMENT or its content, outermost first. */
static GArray *
enclosing (RspSlice der, const Element *element, RspSlice target)
{
    GArray *path = g_array_new (FALSE, FALSE, sizeof (RspEnclosing));
    RspSlice level = der, goal = element->whole;
    RspTlv tlv;
    guint index;
    while (path->len < 32 && find_holder (level, goal, &tlv, &index)) {
        if (same (tlv.whole, target))
            break;
        RspEnclosing e = {(gsize)(tlv.whole.data - der.data), (gsize)(tlv.value.data - der.data),
                          (gsize)(tlv.whole.data + tlv.whole.len - der.data), tlv.tag, index};
        g_array_append_val (path, e);
        if (same (tlv.whole, element->whole))
            goal = target; /* through explicit tags, if any */
        if (same (tlv.value, target) || goal.len == 0 || !(tlv.whole.data[0] & 0x20))
            break;
        level = tlv.value;
    }
    return path;
}

/* DER with TARGET replaced, and the lengths around it put right. */
static GByteArray *
splice (RspSlice der, RspSlice target, RspSlice replacement, const GArray *path)
{
    gsize start = (gsize)(target.data - der.data), end = start + target.len;
    GByteArray *inner = g_byte_array_new ();
    g_byte_array_append (inner, replacement.data, replacement.len);
    for (guint i = path->len; i-- > 0;) {
        const RspEnclosing *e = &g_array_index (path, RspEnclosing, i);
        GByteArray *outer = g_byte_array_new ();
        rsp_tlv_head (outer, e->tag, (start - e->value) + inner->len + (e->end - end));
        g_byte_array_append (outer, der.data + e->value, start - e->value);
        g_byte_array_append (outer, inner->data, inner->len);
        g_byte_array_append (outer, der.data + end, e->end - end);
        g_byte_array_unref (inner);
        inner = outer;
        start = e->start;
        end = e->end;
    }
    g_byte_array_prepend (inner, der.data, start);
    g_byte_array_append (inner, der.data + end, der.len - end);
    return inner;
}

static GBytes *
repeated (RspSlice octets, guint copies)
{
    GByteArray *all = g_byte_array_new ();
    for (guint i = 0; i <= MIN (copies, 1000); i++)
        g_byte_array_append (all, octets.data, octets.len);
    return g_byte_array_free_to_bytes (all);
}

/* What takes the place of ELEMENT, and of which part of it. */
static GBytes *
replacement_of (Edit *edit, const Element *element, RspSlice *ret_target)
{
    const RspFault *fault = edit->fault;
    *ret_target = element->whole;
    if (fault->action == RSP_FAULT_DUPLICATE)
        return repeated (element->whole, MAX (fault->count, 1));
    if (fault->remove)
        return g_bytes_new (NULL, 0);
    GBytes *content = new_content (fault);
    RspTlv was, is;
    RspSlice rest = element->whole;
    gboolean constructed = element->whole.data[0] & 0x20;
    if (content && constructed && rsp_tlv_next (&rest, &was) == RSP_TLV_OK &&
        rsp_tlv_single (rsp_slice_of (content), was.tag, &is))
        return content; /* given with its tag */
    *ret_target = element->content;
    return content ? content : flipped (edit, element->content, TRUE);
}

static GBytes *
edit_der (Edit *edit, const char *type, RspSlice der, const char *path)
{
    Element element;
    if (!type || !find_element (type, der, path, &element))
        return fails (edit, NOT_FOUND);
    RspSlice target;
    g_autoptr (GBytes) replacement = replacement_of (edit, &element, &target);
    if (!replacement)
        return NULL;
    g_autoptr (GArray) around = enclosing (der, &element, target);
    GByteArray *out = splice (der, target, rsp_slice_of (replacement), around);
    if (edit->fault->resign) {
        g_autoptr (GArray) place = enclosing (der, &element, element.content);
        edit->result = rsp_fault_resign_der (edit->faults, edit->message, type, place, out);
    }
    if (!edit->result)
        return g_byte_array_free_to_bytes (out);
    g_byte_array_unref (out);
    return NULL;
}

/* JSON ---------------------------------------------------------------------------------------- */

static json_t *
json_base64 (GBytes *octets)
{
    gsize len;
    const guint8 *data = g_bytes_get_data (octets, &len);
    g_autofree char *text = len ? g_base64_encode (data, len) : g_strdup ("");
    return json_string (text);
}

static GBytes *
json_octets (const json_t *member)
{
    const char *text = json_string_value (member);
    if (!text)
        return NULL;
    gsize len;
    guchar *octets = g_base64_decode (text, &len);
    return g_bytes_new_take (octets, len);
}

GBytes *
rsp_fault_json_octets (GBytes *body, const char *member)
{
    RspSlice s = rsp_slice_of (body);
    json_t *root = json_loadb ((const char *)s.data, s.len, 0, NULL);
    GBytes *octets = json_octets (json_object_get (root, member));
    json_decref (root);
    return octets;
}

static json_t *
flipped_text (Edit *edit, const char *text)
{
    gsize len = strlen (text);
    g_autofree char *copy = g_strdup (text);
    if (!flip (edit->fault, (guint8 *)copy, len, TRUE))
        return fails (edit, NO_OCTET);
    json_t *value = json_stringn (copy, len); /* NULL if this broke the UTF-8 */
    return value ? value : fails (edit, NOT_APPLICABLE);
}

/* A member of the kinds that carry octets. */
static json_t *
new_octets (Edit *edit, RspMemberKind kind, const json_t *old)
{
    g_autoptr (GBytes) value = edit->fault->value ? g_bytes_ref (edit->fault->value) : NULL;
    if (!value) {
        const char *text = json_string_value (old);
        g_autoptr (GBytes) octets =
            kind == RSP_MEMBER_HEX ? (text ? rsp_unhex (text) : NULL) : json_octets (old);
        value = octets ? flipped (edit, rsp_slice_of (octets), TRUE) : fails (edit, NOT_FOUND);
    }
    if (!value)
        return NULL;
    if (kind == RSP_MEMBER_BASE64)
        return json_base64 (value);
    g_autofree char *hex = rsp_hex (rsp_slice_of (value));
    return json_string (hex);
}

static json_t *
new_text (Edit *edit, const json_t *old)
{
    if (!json_is_string (old))
        return json_loads (edit->fault->text, JSON_DECODE_ANY, NULL);
    return json_string (edit->fault->text);
}

static json_t *
new_member (Edit *edit, const RspMember *member, const json_t *old)
{
    const RspFault *fault = edit->fault;
    RspMemberKind kind = member ? member->kind : RSP_MEMBER_TEXT;
    json_t *value = NULL;
    if (fault->text)
        value = new_text (edit, old);
    else if (kind == RSP_MEMBER_BASE64 || kind == RSP_MEMBER_HEX)
        return new_octets (edit, kind, old);
    else if (fault->value)
        value =
            json_stringn (g_bytes_get_data (fault->value, NULL), g_bytes_get_size (fault->value));
    else if (json_is_boolean (old))
        value = json_boolean (!json_is_true (old));
    else if (json_is_integer (old))
        value = json_integer (json_integer_value (old) ^ 1);
    else if (json_is_string (old))
        return flipped_text (edit, json_string_value (old));
    return value ? value : fails (edit, NOT_APPLICABLE);
}

static const RspMember *
member_of (const RspFaultMessage *message, const char *name)
{
    const RspMember *m = message->leg == RSP_LEG_REQUEST ? message->function->request_members
                                                         : message->function->response_members;
    for (; m && m->name; m++)
        if (strcmp (m->name, name) == 0)
            return m;
    return NULL;
}

static gboolean
resign_member (Edit *edit, json_t *root, const char *name)
{
    g_autoptr (GBytes) octets = json_octets (json_object_get (root, name));
    g_autoptr (GBytes) signature =
        octets ? rsp_fault_sign_member (edit->faults, edit->message, name, octets, &edit->result)
               : fails (edit, NOT_FOUND);
    if (!signature)
        return FALSE;
    json_object_set_new (root, rsp_fault_signature_member (name), json_base64 (signature));
    return TRUE;
}

/* The object that holds the member PATH leads to; *PATH becomes what is left, inside the member. */
static json_t *
walk_json (json_t *root, const char **path, char **ret_name)
{
    json_t *at = root;
    for (;;) {
        const char *dot = strchr (*path, '.');
        g_autofree char *name = dot ? g_strndup (*path, dot - *path) : g_strdup (*path);
        json_t *member = json_object_get (at, name);
        *path += dot ? dot - *path + 1 : (gssize)strlen (*path);
        if (!json_is_object (member) || !dot) {
            *ret_name = g_steal_pointer (&name);
            return at;
        }
        at = member;
    }
}

/* A member that is signed as a whole has its signature beside itself. */
static gboolean
signs_member (const Edit *edit, const char *name)
{
    return edit->fault->resign && rsp_fault_signature_member (name);
}

static json_t *
edit_inside (Edit *edit, const RspMember *member, const json_t *old, const char *path)
{
    g_autoptr (GBytes) octets = json_octets (old);
    if (!octets || !member || !member->type)
        return fails (edit, NOT_FOUND);
    RspFault fault = *edit->fault;
    fault.resign = fault.resign && !rsp_fault_signature_member (member->name);
    Edit inner = {edit->faults, &fault, edit->message, NULL};
    g_autoptr (GBytes) changed = edit_der (&inner, member->type, rsp_slice_of (octets), path);
    edit->result = inner.result;
    return changed ? json_base64 (changed) : NULL;
}

static gboolean
change_member (Edit *edit, json_t *root)
{
    const char *rest = edit->fault->field;
    g_autofree char *name = NULL;
    json_t *at = walk_json (root, &rest, &name);
    json_t *old = json_object_get (at, name), *new = NULL;
    const RspMember *member = at == root ? member_of (edit->message, name) : NULL;
    if (!old)
        edit->result = NOT_FOUND;
    else if (*rest)
        new = edit_inside (edit, member, old, rest);
    else if (edit->fault->action == RSP_FAULT_DUPLICATE)
        edit->result = NOT_APPLICABLE;
    else if (edit->fault->remove)
        return json_object_del (at, name) == 0;
    else
        new = new_member (edit, member, old);
    if (!new)
        return FALSE;
    json_object_set_new (at, name, new);
    return !signs_member (edit, name) || resign_member (edit, root, name);
}

static GBytes *
edit_json (Edit *edit, RspSlice body)
{
    json_t *root = json_loadb ((const char *)body.data, body.len, 0, NULL);
    GBytes *changed = NULL;
    if (!json_is_object (root)) {
        edit->result = NOT_FOUND;
    } else if (change_member (edit, root)) {
        char *text = json_dumps (root, JSON_COMPACT);
        changed = g_bytes_new (text, strlen (text));
        free (text);
    }
    json_decref (root);
    return changed;
}

/* Whole bodies ----------------------------------------------------------------------------------
 */

static GBytes *
edit_body (Edit *edit, RspSlice body)
{
    GBytes *content = new_content (edit->fault);
    if (content)
        return content;
    if (edit->fault->action == RSP_FAULT_REPLACE || edit->fault->remove)
        return g_bytes_new (NULL, 0);
    return flipped (edit, body, FALSE);
}

GBytes *
rsp_faults_edit (RspFaults *faults, const RspFault *fault, const RspFaultMessage *message,
                 GBytes *body, const char **ret_result)
{
    Edit edit = {faults, fault, message, NULL};
    const RspFunction *fn = message->function;
    RspSlice octets = rsp_slice_of (body);
    GBytes *changed = NULL;
    if (!fault->field)
        changed = edit_body (&edit, octets);
    else if (fn->binding == RSP_BINDING_HTTP && message->encoding != RSP_ENC_DER)
        changed = edit_json (&edit, octets);
    else
        changed =
            edit_der (&edit, message->leg == RSP_LEG_REQUEST ? fn->request_type : fn->response_type,
                      octets, fault->field);
    if (!changed)
        *ret_result = edit.result ? edit.result : NOT_FOUND;
    return changed;
}
