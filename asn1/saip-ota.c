#include "asn1/saip-ota.h"

#include <string.h>

#include "asn1/tlv.h"

#define SECURITY_DOMAIN 0xA6
#define KEY_SIZE 16
#define TYPE_AES 0x88
#define TAR_SIZE 3
#define MSL_AT 5 /* of the toolkit parameters, with no menu entries: their count is octet 3 */

/* The first security domain of PACKAGE. */
static gboolean
find_domain (RspSlice package, RspTlv *ret)
{
    while (rsp_tlv_next (&package, ret) == RSP_TLV_OK)
        if (ret->tag == SECURITY_DOMAIN)
            return TRUE;
    return FALSE;
}

static gboolean
is_octet (RspSlice value, guint32 tag, guint8 octet)
{
    RspTlv member;
    return rsp_tlv_find (value, tag, &member) && member.value.len == 1 &&
           member.value.data[0] == octet;
}

static gboolean
read_key (RspSlice keys, guint8 version, guint8 id, guint8 ret[KEY_SIZE])
{
    RspTlv key, components, component, data;
    while (rsp_tlv_next (&keys, &key) == RSP_TLV_OK) {
        if (!is_octet (key.value, 0x82, id) || !is_octet (key.value, 0x83, version) ||
            !rsp_tlv_find (key.value, 0x30, &components) ||
            !rsp_tlv_find (components.value, 0x30, &component) ||
            !is_octet (component.value, 0x80, TYPE_AES) ||
            !rsp_tlv_find (component.value, 0x86, &data) || data.value.len != KEY_SIZE)
            continue;
        memcpy (ret, data.value.data, KEY_SIZE);
        return TRUE;
    }
    return FALSE;
}

gboolean
rsp_saip_ota_keys (RspSlice package, guint8 version, guint8 ret_kic[16], guint8 ret_kid[16])
{
    RspTlv domain, keys;
    return version >= 1 && version <= 15 && find_domain (package, &domain) &&
           rsp_tlv_find (domain.value, 0xA2, &keys) && read_key (keys.value, version, 1, ret_kic) &&
           read_key (keys.value, version, 2, ret_kid);
}

/* The TARs of uiccToolkitApplicationSpecificParametersField (ETSI TS 102 226 8.2.1.3.2.1):
 * priority, timers, text length, number of menu entries with two octets each, channels, then LV
 * minimum security level and LV TARs. */
static RspSlice
toolkit_tars (RspSlice field)
{
    RspSlice none = RSP_SLICE (NULL, 0);
    if (field.len <= MSL_AT)
        return none;
    gsize at = MSL_AT + 2u * field.data[3];
    if (at >= field.len)
        return none;
    at += 1u + field.data[at];
    if (at >= field.len || field.data[at] > field.len - at - 1)
        return none;
    return RSP_SLICE (field.data + at + 1, field.data[at]);
}

gboolean
rsp_saip_ota_tar (RspSlice package, const guint8 tar[3])
{
    static const guint8 usual[] = {0xB2, 0x01, 0x00, 0x00, 0x00, 0x00};
    RspTlv domain, instance, parameters, field;
    RspSlice tars = RSP_SLICE (NULL, 0);
    if (!find_domain (package, &domain))
        return FALSE;
    if (rsp_tlv_find (domain.value, 0xA1, &instance) &&
        rsp_tlv_find (instance.value, 0xEA, &parameters) &&
        rsp_tlv_find (parameters.value, 0x80, &field))
        tars = toolkit_tars (field.value);
    if (tars.len == 0)
        tars = RSP_SLICE_ARRAY (usual);
    for (gsize i = 0; i + TAR_SIZE <= tars.len; i += TAR_SIZE)
        if (memcmp (tars.data + i, tar, TAR_SIZE) == 0)
            return TRUE;
    return FALSE;
}
