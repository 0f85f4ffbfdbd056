#include "asn1/saip-tables.h"

#include <string.h>

const char *
rsp_saip_status_name (RspSaipStatus status)
{
    static const char *const names[] = {
        "ok",
        "pe-not-supported",
        "memory-failure",
        "bad-values",
        "not-enough-memory",
        "invalid-request-format",
        "invalid-parameter",
        "runtime-not-supported",
        "lib-not-supported",
        "template-not-supported",
        "feature-not-supported",
        "pin-code-missing",
    };
    if (status == RSP_SAIP_UNSUPPORTED_PROFILE_VERSION)
        return "unsupported-profile-version";
    return (guint)status < G_N_ELEMENTS (names) ? names[status] : NULL;
}

const RspSaipElementType *
rsp_saip_element_type (guint32 tag)
{
    for (const RspSaipElementType *t = rsp_saip_element_types; t->tag; t++)
        if (t->tag == tag)
            return t;
    return NULL;
}

const RspSaipElementType *
rsp_saip_element_by_name (const char *name)
{
    for (const RspSaipElementType *t = rsp_saip_element_types; t->tag; t++)
        if (!strcmp (t->name, name))
            return t;
    return NULL;
}

const char *
rsp_saip_element_name (guint32 tag)
{
    const RspSaipElementType *type = rsp_saip_element_type (tag);
    return type ? type->name : NULL;
}

const char *
rsp_saip_member (guint32 element_tag, guint member_tag_no)
{
    const RspSaipElementType *type = rsp_saip_element_type (element_tag);
    return type && member_tag_no < type->n_members ? type->members[member_tag_no] : NULL;
}

const RspSaipTemplate *const *
rsp_saip_templates (void)
{
    return rsp_saip_template_list;
}

const RspSaipTemplate *
rsp_saip_template (const char *oid)
{
    for (const RspSaipTemplate *const *t = rsp_saip_template_list; *t; t++)
        if (!strcmp ((*t)->oid, oid))
            return *t;
    return NULL;
}

const RspSaipTemplate *
rsp_saip_template_of (RspSlice oid_octets)
{
    for (const RspSaipTemplate *const *t = rsp_saip_template_list; *t; t++)
        if (rsp_slice_equal ((*t)->oid_octets, oid_octets))
            return *t;
    return NULL;
}

/* 0..32767 in a minimal INTEGER. */
static gboolean
read_identification (RspSlice value, gint32 *ret)
{
    if (value.len == 1 && value.data[0] < 0x80)
        *ret = value.data[0];
    else if (value.len == 2 && value.data[0] < 0x80 && (value.data[0] || value.data[1] & 0x80))
        *ret = value.data[0] << 8 | value.data[1];
    else
        return FALSE;
    return TRUE;
}

static gboolean
read_pe_header (RspSlice header, RspSaipElement *e)
{
    RspTlv tlv;
    RspTlvResult result = rsp_tlv_next (&header, &tlv);
    if (result == RSP_TLV_OK && tlv.tag == 0x80) {
        if (tlv.value.len)
            return FALSE;
        e->mandated = TRUE;
        result = rsp_tlv_next (&header, &tlv);
    }
    return result == RSP_TLV_OK && tlv.tag == 0x81 &&
           read_identification (tlv.value, &e->identification);
}

/* Elements without the common PE header: the profile header, and those that begin otherwise. */
static gboolean
read_front (RspSaipElement *e)
{
    RspSlice rest = e->body;
    RspTlv tlv;
    RspTlvResult result = rsp_tlv_next (&rest, &tlv);
    if (result == RSP_TLV_BAD || e->tag == RSP_SAIP_HEADER || result == RSP_TLV_END ||
        tlv.tag != 0xA0)
        return result != RSP_TLV_BAD;
    if (!read_pe_header (tlv.value, e))
        return !e->type; /* an element unknown here may begin in its own way */
    if (!e->type || !e->type->members)
        return TRUE;
    if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.tag != 0x81)
        return FALSE;
    e->template_id = tlv.value;
    e->template = rsp_saip_template_of (tlv.value);
    if (e->template && e->template->element != e->tag)
        e->template = NULL;
    return TRUE;
}

RspTlvResult
rsp_saip_next (RspSlice *input, RspSaipElement *ret_element)
{
    RspSlice rest = *input;
    RspTlv tlv;
    RspTlvResult result = rsp_tlv_next (&rest, &tlv);
    if (result != RSP_TLV_OK)
        return result;
    RspSaipElement e = {.tag = tlv.tag,
                        .type = rsp_saip_element_type (tlv.tag),
                        .whole = tlv.whole,
                        .body = tlv.value,
                        .identification = -1};
    gboolean good = read_front (&e);
    *ret_element = e;
    if (!good)
        return RSP_TLV_BAD;
    *input = rest;
    return RSP_TLV_OK;
}
