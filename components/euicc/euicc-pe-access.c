/* Profile elements that guard: PINs, PUKs, authentication parameters. */
#include "components/euicc/euicc-pe-private.h"

#include "asn1/aka.h"

#include <string.h>

/* --- PINs and PUKs --- */

static gboolean
read_int (RspSlice s, guint32 *ret)
{
    if (s.len == 0 || s.len > 4 || s.data[0] & 0x80)
        return FALSE;
    guint32 value = 0;
    for (gsize i = 0; i < s.len; i++)
        value = value << 8 | s.data[i];
    *ret = value;
    return TRUE;
}

static gboolean
pin_reference_valid (guint32 reference, gboolean puk)
{
    guint32 low = reference & 0x7F;
    if (reference > 0xFF)
        return FALSE;
    return (low >= 1 && low <= 8) || (!puk && low >= 0x0A && low <= 0x0E);
}

static RspSaipStatus
read_pin (RspUicc *uicc, RspUiccFile *context, RspSlice config, gboolean puk, RspUiccPin *pin)
{
    RspTlv tlv;
    guint32 reference = 0, number = 0;
    *pin = (RspUiccPin){.df = puk ? rsp_uicc_mf (uicc) : context, .attributes = 7, .puk = puk};
    guint32 tries = puk ? 170 : 51;
    if (!rsp_tlv_find (config, 0x80, &tlv) || !read_int (tlv.value, &reference) ||
        !rsp_tlv_find (config, 0x81, &tlv) || tlv.value.len != 8)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    memcpy (pin->value, tlv.value.data, 8);
    if (!pin_reference_valid (reference, puk))
        return RSP_SAIP_BAD_VALUES;
    pin->reference = (guint8)reference;
    if (rsp_tlv_find (config, puk ? 0x82 : 0x84, &tlv) && !read_int (tlv.value, &tries))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    pin->max = (guint8)(tries >> 4);
    pin->left = tries & 0x0F;
    if (tries > 0xFF || pin->left > pin->max)
        return RSP_SAIP_BAD_VALUES;
    if (!puk && rsp_tlv_find (config, 0x82, &tlv)) {
        if (!read_int (tlv.value, &number) || number > 0xFF)
            return RSP_SAIP_BAD_VALUES;
        pin->unblock = (guint8)number;
        if (!rsp_uicc_pin (uicc, NULL, pin->unblock, TRUE))
            return RSP_SAIP_INVALID_PARAMETER;
    }
    if (!puk && rsp_tlv_find (config, 0x83, &tlv)) {
        if (!read_int (tlv.value, &number) || number > 0xFF)
            return RSP_SAIP_BAD_VALUES;
        pin->attributes = (guint8)number;
    }
    return RSP_SAIP_OK;
}

static RspSaipStatus
take_pin_list (RspInstall *in, RspUiccFile *context, RspSlice list, gboolean puk)
{
    RspTlv config;
    while (rsp_tlv_next (&list, &config) == RSP_TLV_OK) {
        RspUiccPin pin;
        RspSaipStatus status = read_pin (in->uicc, context, config.value, puk, &pin);
        /* Global references belong to the MF, local ones to any other DF. */
        if (status == RSP_SAIP_OK && !puk &&
            (pin.reference < 0x80) != (context == rsp_uicc_mf (in->uicc)))
            status = RSP_SAIP_BAD_VALUES;
        if (status == RSP_SAIP_OK)
            status = rsp_uicc_add_pin (in->uicc, &pin);
        if (!puk)
            in->pins_set[pin.reference / 8] |= (guint8)(1 << pin.reference % 8);
        rsp_wipe (pin.value, sizeof pin.value);
        if (status != RSP_SAIP_OK)
            return status;
    }
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_pins (RspInstall *in, const RspSaipElement *element)
{
    RspTlv choice, inner;
    RspUiccFile *context = in->context;
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status != RSP_SAIP_OK)
        return status;
    if (in->context_skipped)
        return RSP_SAIP_PE_NOT_SUPPORTED;
    if (!context || !rsp_tlv_find (element->body, 0xA1, &choice))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (rsp_tlv_find (choice.value, 0xA0, &inner))
        return take_pin_list (in, context, inner.value, FALSE);
    if (!rsp_tlv_find (choice.value, 0x81, &inner))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    RspUiccFile *other = rsp_uicc_path (in->uicc, rsp_uicc_mf (in->uicc), inner.value, TRUE);
    if (!other && in->files_skipped)
        return RSP_SAIP_PE_NOT_SUPPORTED;
    if (!other || !rsp_uicc_is_df (other) || other == context)
        return RSP_SAIP_INVALID_PARAMETER;
    context->pins_from = other->pins_from ? other->pins_from : other;
    return context->pins_from == context ? RSP_SAIP_INVALID_PARAMETER : RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_puks (RspInstall *in, const RspSaipElement *element)
{
    RspTlv list;
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status != RSP_SAIP_OK)
        return status;
    if (!rsp_install_first_time (in, element->tag) || !rsp_tlv_find (element->body, 0xA1, &list))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    return take_pin_list (in, NULL, list.value, TRUE);
}

static gboolean
pins_exist (const RspInstall *in, const RspUiccFile *df)
{
    for (gsize i = 0; i < df->pins.len; i++) {
        guint8 reference = df->pins.data[i];
        if (!(in->pins_set[reference / 8] >> reference % 8 & 1))
            return FALSE;
    }
    for (const RspUiccFile *f = df->first; f; f = f->next)
        if (rsp_uicc_is_df (f) && !pins_exist (in, f))
            return FALSE;
    return TRUE;
}

RspSaipStatus
rsp_install_check_pins (const RspInstall *in)
{
    const RspUiccFile *adf = NULL;
    gboolean good = pins_exist (in, rsp_uicc_mf (in->uicc));
    while (good && (adf = rsp_uicc_adf (in->uicc, RSP_SLICE (NULL, 0), adf)))
        good = pins_exist (in, adf);
    return good ? RSP_SAIP_OK : RSP_SAIP_PIN_CODE_MISSING;
}

/* --- Authentication parameters --- */

static gboolean
is_test_key (RspSlice key)
{
    /* SGP.22 reserves K = 000102…0D xx xx; the other is of test set 1 of 3GPP TS 35.208. */
    static const guint8 range[14] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    static const guint8 set_1[16] = {0x46, 0x5B, 0x5C, 0xE8, 0xB1, 0x99, 0xB4, 0x9F,
                                     0xAA, 0x5F, 0x0A, 0x2E, 0xE2, 0x38, 0xA6, 0xBC};
    static const guint8 zero[16] = {0};
    return rsp_slice_equal_ct (RSP_SLICE (key.data, sizeof range), RSP_SLICE_ARRAY (range)) ||
           rsp_slice_equal_ct (key, RSP_SLICE_ARRAY (set_1)) ||
           rsp_slice_equal_ct (key, RSP_SLICE_ARRAY (zero));
}

static RspSaipStatus
check_algorithm (RspInstall *in, const RspAkaParameter *p)
{
    RspSaipService service = p->algorithm == RSP_AKA_MILENAGE ? RSP_SERVICE_MILENAGE
                             : p->algorithm == RSP_AKA_TEST   ? RSP_SERVICE_USIM_TEST_ALGORITHM
                             : p->key.len == 32               ? RSP_SERVICE_TUAK256
                                                              : RSP_SERVICE_TUAK128;
    if (!rsp_install_offers (in, service))
        return RSP_SAIP_FEATURE_NOT_SUPPORTED;
    in->operational_key = in->operational_key || !is_test_key (p->key);
    return RSP_SAIP_OK;
}

/* The application whose parameters ELEMENT has; each has them once. */
static RspSaipStatus
check_adf (const RspInstall *in, const RspSaipElement *element)
{
    const RspUiccKept *kept;
    if (in->adf_skipped)
        return RSP_SAIP_PE_NOT_SUPPORTED;
    if (!in->adf)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    for (guint i = 0; (kept = rsp_uicc_kept (in->uicc, i)); i++)
        if (kept->tag == element->tag && kept->context == in->adf)
            return RSP_SAIP_INVALID_PARAMETER;
    return RSP_SAIP_OK;
}

static RspSaipStatus
keep (RspInstall *in, const RspSaipElement *element)
{
    return rsp_uicc_keep (in->uicc, element->tag, in->adf, element->whole)
               ? RSP_SAIP_OK
               : RSP_SAIP_NOT_ENOUGH_MEMORY;
}

static gboolean
has_parameters (const RspInstall *in, const RspUiccFile *adf)
{
    const RspUiccKept *kept;
    for (guint i = 0; (kept = rsp_uicc_kept (in->uicc, i)); i++)
        if (kept->tag == RSP_SAIP_AKA_PARAMETER && kept->context == adf)
            return TRUE;
    return FALSE;
}

static RspSaipStatus
check_mapping (const RspInstall *in, RspSlice source)
{
    const RspUiccFile *adf = rsp_uicc_adf (in->uicc, source, NULL);
    if (adf && adf->aid.len == source.len && adf != in->adf && has_parameters (in, adf))
        return RSP_SAIP_OK;
    return in->files_skipped ? RSP_SAIP_PE_NOT_SUPPORTED : RSP_SAIP_INVALID_PARAMETER;
}

RspSaipStatus
rsp_install_aka (RspInstall *in, const RspSaipElement *element)
{
    RspAkaParameter p;
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status == RSP_SAIP_OK)
        status = check_adf (in, element);
    if (status == RSP_SAIP_OK)
        status = rsp_saip_read_aka (element->body, &p);
    if (status != RSP_SAIP_OK)
        return status;
    status =
        p.algorithm == RSP_AKA_MAPPED ? check_mapping (in, p.source) : check_algorithm (in, &p);
    return status == RSP_SAIP_OK ? keep (in, element) : status;
}

RspSaipStatus
rsp_install_cdma (RspInstall *in, const RspSaipElement *element)
{
    RspSaipStatus status = rsp_install_check_fields (element);
    if (status == RSP_SAIP_OK)
        status = check_adf (in, element);
    return status == RSP_SAIP_OK ? keep (in, element) : status;
}
