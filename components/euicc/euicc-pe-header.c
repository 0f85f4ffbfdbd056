/* The profile header (SAIP 8.1): what the card must have for this profile. */
#include "components/euicc/euicc-pe-private.h"

RspSaipStatus
rsp_install_check_fields (const RspSaipElement *element)
{
    const RspSaipField *schema = rsp_saip_schema (element->tag);
    return schema ? rsp_saip_schema_walk (schema, element->body, NULL, NULL, NULL) : RSP_SAIP_OK;
}

static gboolean
services_offered (const RspInstall *in, RspSlice list)
{
    RspTlv tlv;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK) {
        guint service = tlv.tag > 0xFF ? tlv.tag & 0x7F : tlv.tag & 0x1F;
        if (service > 63 || !(in->card.services >> service & 1))
            return FALSE;
    }
    return list.len == 0;
}

static gboolean
templates_known (RspSlice list)
{
    RspTlv oid;
    while (rsp_tlv_next (&list, &oid) == RSP_TLV_OK)
        if (!rsp_saip_template_of (oid.value))
            return FALSE;
    return TRUE;
}

static RspSaipStatus
check_libraries (const RspInstall *in, RspSlice list)
{
    RspTlv entry, aid, version;
    while (rsp_tlv_next (&list, &entry) == RSP_TLV_OK) {
        if (!rsp_install_offers (in, RSP_SERVICE_JAVACARD))
            return RSP_SAIP_RUNTIME_NOT_SUPPORTED;
        if (!rsp_tlv_find (entry.value, 0x80, &aid) || !rsp_tlv_find (entry.value, 0x81, &version))
            return RSP_SAIP_INVALID_REQUEST_FORMAT;
        if (!rsp_euicc_has_library (aid.value, version.value.data[0], version.value.data[1]))
            return RSP_SAIP_LIB_NOT_SUPPORTED;
    }
    return RSP_SAIP_OK;
}

static RspSaipStatus
take_iccid (RspInstall *in, RspSlice iccid)
{
    for (guint i = 0; i < 20; i++) {
        guint digit = i % 2 ? iccid.data[i / 2] & 15 : iccid.data[i / 2] >> 4;
        if (digit > 9 && (i < 18 || digit != 15))
            return RSP_SAIP_BAD_VALUES;
    }
    for (guint i = 0; i < 10; i++)
        in->iccid[i] = (guint8)(iccid.data[i] << 4 | iccid.data[i] >> 4);
    in->header = TRUE;
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_header (RspInstall *in, const RspSaipElement *element)
{
    RspTlv tlv;
    RspSlice body = element->body;
    /* Of another major version nothing else can be known. */
    if (!rsp_tlv_find (body, 0x80, &tlv) || tlv.value.len == 0)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (tlv.value.len != 1 || tlv.value.data[0] < 2 || tlv.value.data[0] > 3)
        return RSP_SAIP_UNSUPPORTED_PROFILE_VERSION;
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status != RSP_SAIP_OK)
        return status;
    if (rsp_tlv_find (body, 0xA5, &tlv) && !services_offered (in, tlv.value))
        return RSP_SAIP_FEATURE_NOT_SUPPORTED;
    if (rsp_tlv_find (body, 0xA6, &tlv) && !templates_known (tlv.value))
        return RSP_SAIP_TEMPLATE_NOT_SUPPORTED;
    if (rsp_tlv_find (body, 0xA8, &tlv))
        status = check_libraries (in, tlv.value);
    if (status == RSP_SAIP_OK && rsp_tlv_find (body, 0x83, &tlv))
        status = take_iccid (in, tlv.value);
    return status;
}
