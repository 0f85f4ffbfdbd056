/* Profile elements that guard: PINs, PUKs, authentication parameters. */
#include "components/euicc/euicc-pe.h"

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
take_pin_list (RspUicc *uicc, RspUiccFile *context, RspSlice list, gboolean puk)
{
    RspTlv config;
    RspTlvResult result;
    while ((result = rsp_tlv_next (&list, &config)) == RSP_TLV_OK) {
        RspUiccPin pin;
        RspSaipStatus status = config.tag == 0x30
                                   ? read_pin (uicc, context, config.value, puk, &pin)
                                   : RSP_SAIP_INVALID_REQUEST_FORMAT;
        /* Global references belong to the MF, local ones to any other DF. */
        if (status == RSP_SAIP_OK && !puk &&
            (pin.reference < 0x80) != (context == rsp_uicc_mf (uicc)))
            status = RSP_SAIP_BAD_VALUES;
        if (status == RSP_SAIP_OK)
            status = rsp_uicc_add_pin (uicc, &pin);
        rsp_wipe (pin.value, sizeof pin.value);
        if (status != RSP_SAIP_OK)
            return status;
    }
    return result == RSP_TLV_END ? RSP_SAIP_OK : RSP_SAIP_INVALID_REQUEST_FORMAT;
}

RspSaipStatus
rsp_install_pins (RspUicc *uicc, RspUiccFile *context, RspSlice body)
{
    RspTlv choice, inner;
    if (!context || !rsp_tlv_find (body, 0xA1, &choice))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    RspSlice rest = choice.value;
    if (rsp_tlv_next (&rest, &inner) != RSP_TLV_OK || rest.len > 0)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (inner.tag == 0xA0)
        return take_pin_list (uicc, context, inner.value, FALSE);
    if (inner.tag != 0x81)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    RspUiccFile *other = rsp_uicc_path (uicc, rsp_uicc_mf (uicc), inner.value, TRUE);
    if (!other || !rsp_uicc_is_df (other) || other == context)
        return RSP_SAIP_INVALID_PARAMETER;
    context->pins_from = other->pins_from ? other->pins_from : other;
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_puks (RspUicc *uicc, RspSlice body)
{
    RspTlv list;
    if (!rsp_uicc_mf (uicc) || !rsp_tlv_find (body, 0xA1, &list))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    return take_pin_list (uicc, NULL, list.value, TRUE);
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
check_algorithm (RspSlice algo, gboolean *operational_key)
{
    RspTlv id, options, key, opc;
    if (!rsp_tlv_find (algo, 0x80, &id) || !rsp_tlv_find (algo, 0x81, &options) ||
        !rsp_tlv_find (algo, 0x82, &key) || !rsp_tlv_find (algo, 0x83, &opc) || id.value.len != 1)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    guint8 algorithm = id.value.data[0];
    if (algorithm == 2)
        return RSP_SAIP_FEATURE_NOT_SUPPORTED; /* TUAK */
    if (algorithm != 1 && algorithm != 3)
        return RSP_SAIP_BAD_VALUES;
    if (key.value.len != 16 || (algorithm == 1 && opc.value.len != 16))
        return RSP_SAIP_BAD_VALUES;
    *operational_key = *operational_key || !is_test_key (key.value);
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_aka (RspUicc *uicc, RspUiccFile *context, RspSlice body, gboolean *ret_operational_key)
{
    RspTlv choice, inner;
    if (!context || context->aid.len == 0 || !rsp_tlv_find (body, 0xA1, &choice))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    RspSaipStatus status = RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (rsp_tlv_find (choice.value, 0xA1, &inner)) {
        status = check_algorithm (inner.value, ret_operational_key);
    } else if (rsp_tlv_find (choice.value, 0xA0, &inner)) {
        RspTlv source;
        if (!rsp_tlv_find (inner.value, 0x81, &source))
            return RSP_SAIP_INVALID_REQUEST_FORMAT;
        gboolean known = source.value.len >= 5 && rsp_uicc_adf (uicc, source.value, NULL);
        status = known ? RSP_SAIP_OK : RSP_SAIP_INVALID_PARAMETER;
    }
    return status;
}
