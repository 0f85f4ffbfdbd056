/* Security domains, remote file management and applications: checked, kept, not run. */
#include "components/euicc/euicc-pe-private.h"

/* Instance AIDs of a securityDomain, an rfm or an application: the next one behind *REST, which is
 * at the element's body first. */
typedef struct {
    guint32 tag;
    RspSlice rest;
} Instances;

/* The AID of the next instance, of a kept element. */
static gboolean
next_instance (Instances *it, RspSlice *ret_aid)
{
    RspTlv tlv, aid;
    while (rsp_tlv_next (&it->rest, &tlv) == RSP_TLV_OK) {
        RspSlice inside = tlv.value;
        if (it->tag == RSP_SAIP_RFM && tlv.tag == 0x4F) {
            it->rest = RSP_SLICE (NULL, 0);
            *ret_aid = tlv.value;
            return TRUE;
        }
        if (tlv.tag == (it->tag == RSP_SAIP_SECURITY_DOMAIN ? 0xA1u : 0x30u)) {
            for (guint i = 0; i < 3; i++)
                if (rsp_tlv_next (&inside, &aid) != RSP_TLV_OK)
                    return FALSE;
            *ret_aid = aid.value;
            return TRUE;
        }
    }
    return FALSE;
}

static Instances
instances_of (guint32 tag, RspSlice body)
{
    RspTlv list;
    if (tag != RSP_SAIP_APPLICATION)
        return (Instances){tag, body};
    gboolean any = rsp_tlv_find (body, 0xA2, &list);
    return (Instances){tag, any ? list.value : RSP_SLICE (NULL, 0)};
}

static gboolean
is_instance (const RspInstall *in, RspSlice aid, gboolean domain)
{
    const RspUiccKept *kept;
    RspSlice other;
    RspTlv element;
    for (guint i = 0; (kept = rsp_uicc_kept (in->uicc, i)); i++) {
        if ((domain && kept->tag != RSP_SAIP_SECURITY_DOMAIN) ||
            (kept->tag != RSP_SAIP_SECURITY_DOMAIN && kept->tag != RSP_SAIP_RFM &&
             kept->tag != RSP_SAIP_APPLICATION) ||
            !rsp_tlv_single (kept->whole, kept->tag, &element))
            continue;
        Instances it = instances_of (kept->tag, element.value);
        while (next_instance (&it, &other))
            if (rsp_slice_equal (other, aid))
                return TRUE;
    }
    return FALSE;
}

/* Each instance has an AID of its own; afterwards the element is in the card's memory. */
static RspSaipStatus
keep (RspInstall *in, const RspSaipElement *element)
{
    Instances it = instances_of (element->tag, element->body);
    RspSlice aid;
    while (next_instance (&it, &aid))
        if (is_instance (in, aid, FALSE))
            return RSP_SAIP_INVALID_PARAMETER;
    return rsp_uicc_keep (in->uicc, element->tag, NULL, element->whole)
               ? RSP_SAIP_OK
               : RSP_SAIP_NOT_ENOUGH_MEMORY;
}

/* The MNO-SD comes before all that it is to hold. */
static RspSaipStatus
check_after_domain (const RspInstall *in)
{
    const RspUiccKept *kept;
    for (guint i = 0; (kept = rsp_uicc_kept (in->uicc, i)); i++)
        if (kept->tag == RSP_SAIP_SECURITY_DOMAIN)
            return RSP_SAIP_OK;
    return in->domain_skipped ? RSP_SAIP_PE_NOT_SUPPORTED : RSP_SAIP_INVALID_REQUEST_FORMAT;
}

static RspSaipStatus
check_domain_aid (const RspInstall *in, RspSlice aid)
{
    if (is_instance (in, aid, TRUE))
        return RSP_SAIP_OK;
    return in->domain_skipped ? RSP_SAIP_PE_NOT_SUPPORTED : RSP_SAIP_INVALID_PARAMETER;
}

/* --- Security domains --- */

static RspSaipStatus
check_key_components (RspSlice list)
{
    RspTlv component, type, data;
    while (rsp_tlv_next (&list, &component) == RSP_TLV_OK) {
        if (!rsp_tlv_find (component.value, 0x80, &type) ||
            !rsp_tlv_find (component.value, 0x86, &data))
            return RSP_SAIP_INVALID_REQUEST_FORMAT;
        gsize n = data.value.len;
        guint8 kind = type.value.data[0];
        if ((kind == 0x80 && n != 8 && n != 16 && n != 24) ||
            (kind == 0x88 && n != 16 && n != 24 && n != 32))
            return RSP_SAIP_BAD_VALUES;
    }
    return RSP_SAIP_OK;
}

static RspSaipStatus
check_keys (RspSlice list)
{
    guint8 seen[128 * 128 / 8] = {0};
    RspTlv key, id, version, components;
    while (rsp_tlv_next (&list, &key) == RSP_TLV_OK) {
        if (!rsp_tlv_find (key.value, 0x82, &id) || !rsp_tlv_find (key.value, 0x83, &version) ||
            !rsp_tlv_find (key.value, 0x30, &components))
            return RSP_SAIP_INVALID_REQUEST_FORMAT;
        guint8 v = version.value.data[0], k = id.value.data[0];
        if (v == 0 || v > 0x7F || k > 0x7F)
            return RSP_SAIP_BAD_VALUES;
        guint bit = v * 128u + k;
        if (seen[bit / 8] >> bit % 8 & 1)
            return RSP_SAIP_INVALID_PARAMETER;
        seen[bit / 8] |= (guint8)(1 << bit % 8);
        RspSaipStatus status = check_key_components (components.value);
        if (status != RSP_SAIP_OK)
            return status;
    }
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_domain (RspInstall *in, const RspSaipElement *element)
{
    RspTlv tlv;
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status == RSP_SAIP_OK && rsp_tlv_find (element->body, 0xA2, &tlv))
        status = check_keys (tlv.value);
    if (status != RSP_SAIP_OK)
        return status;
    if (rsp_tlv_find (element->body, 0xA4, &tlv) && tlv.value.len > 0 &&
        !rsp_install_offers (in, RSP_SERVICE_CONTACTLESS))
        return RSP_SAIP_FEATURE_NOT_SUPPORTED;
    if (rsp_tlv_find (element->body, 0xA5, &tlv) && !rsp_install_offers (in, RSP_SERVICE_CAT_TP))
        return RSP_SAIP_FEATURE_NOT_SUPPORTED;
    return keep (in, element);
}

/* --- Remote file management --- */

static RspSaipStatus
check_adf (const RspInstall *in, RspSlice aid)
{
    const RspUiccFile *adf = rsp_uicc_adf (in->uicc, aid, NULL);
    if (adf && adf->aid.len == aid.len)
        return RSP_SAIP_OK;
    return in->files_skipped ? RSP_SAIP_PE_NOT_SUPPORTED : RSP_SAIP_INVALID_PARAMETER;
}

RspSaipStatus
rsp_install_rfm (RspInstall *in, const RspSaipElement *element)
{
    RspTlv tlv, access, aid;
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status == RSP_SAIP_OK)
        status = check_after_domain (in);
    if (status != RSP_SAIP_OK)
        return status;
    RspSlice rest = element->body;
    for (guint i = 0; i < 3; i++)
        rsp_tlv_next (&rest, &tlv);
    if (tlv.tag == 0x4F)
        status = check_domain_aid (in, tlv.value);
    if (status == RSP_SAIP_OK && rsp_tlv_find (element->body, 0x30, &access) &&
        rsp_tlv_find (access.value, 0x80, &aid))
        status = check_adf (in, aid.value);
    return status == RSP_SAIP_OK ? keep (in, element) : status;
}

/* --- Applications --- */

/* The package of an instance: one that the profile brought, or is bringing. */
static gboolean
is_loaded (const RspInstall *in, const RspSaipElement *element, RspSlice aid)
{
    const RspUiccKept *kept;
    RspTlv load, package, outer;
    if (rsp_tlv_find (element->body, 0xA1, &load) && rsp_tlv_find (load.value, 0x4F, &package) &&
        rsp_slice_equal (package.value, aid))
        return TRUE;
    for (guint i = 0; (kept = rsp_uicc_kept (in->uicc, i)); i++)
        if (kept->tag == RSP_SAIP_APPLICATION && rsp_tlv_single (kept->whole, kept->tag, &outer) &&
            rsp_tlv_find (outer.value, 0xA1, &load) && rsp_tlv_find (load.value, 0x4F, &package) &&
            rsp_slice_equal (package.value, aid))
            return TRUE;
    return FALSE;
}

static RspSaipStatus
check_load_block (const RspInstall *in, RspSlice block)
{
    RspTlv tlv;
    rsp_tlv_next (&block, &tlv);
    if (rsp_tlv_next (&block, &tlv) == RSP_TLV_OK && tlv.tag == 0x4F)
        return check_domain_aid (in, tlv.value);
    return RSP_SAIP_OK;
}

static RspSaipStatus
check_instances (const RspInstall *in, const RspSaipElement *element, RspSlice list)
{
    RspTlv instance, package, other;
    while (rsp_tlv_next (&list, &instance) == RSP_TLV_OK) {
        RspSlice rest = instance.value;
        if (rsp_tlv_next (&rest, &package) != RSP_TLV_OK)
            return RSP_SAIP_INVALID_REQUEST_FORMAT;
        if (!is_loaded (in, element, package.value))
            return RSP_SAIP_LIB_NOT_SUPPORTED;
        for (guint i = 0; i < 3; i++)
            rsp_tlv_next (&rest, &other);
        RspSaipStatus status = other.tag == 0x4F ? check_domain_aid (in, other.value) : RSP_SAIP_OK;
        if (status != RSP_SAIP_OK)
            return status;
    }
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_application (RspInstall *in, const RspSaipElement *element)
{
    RspTlv tlv;
    if (!rsp_install_offers (in, RSP_SERVICE_JAVACARD) &&
        !rsp_install_offers (in, RSP_SERVICE_MULTOS))
        return RSP_SAIP_RUNTIME_NOT_SUPPORTED;
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status == RSP_SAIP_OK)
        status = check_after_domain (in);
    if (status == RSP_SAIP_OK && rsp_tlv_find (element->body, 0xA1, &tlv))
        status = check_load_block (in, tlv.value);
    if (status == RSP_SAIP_OK && rsp_tlv_find (element->body, 0xA2, &tlv))
        status = check_instances (in, element, tlv.value);
    return status == RSP_SAIP_OK ? keep (in, element) : status;
}
