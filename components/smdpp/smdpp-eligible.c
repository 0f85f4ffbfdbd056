/* Eligibility (SGP.22 3.1.3): what a profile asks of the eUICC and of the device. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

#define SIGNED1 "authenticateResponseOk.euiccSigned1."
#define INFO2 SIGNED1 "euiccInfo2."
#define TAC SIGNED1 "ctxParams1.ctxParamsForCommonAuthentication.deviceInfo.tac"

static gboolean
has_services (const RspAsn1 *answer, gint64 services)
{
    for (guint bit = 0; bit < 63; bit++)
        if ((services >> bit & 1) && !rsp_asn1_bit (answer, INFO2 "uiccCapability", bit))
            return FALSE;
    return TRUE;
}

static gboolean
supports_version (const RspAsn1 *answer, gint64 version)
{
    RspSlice base = rsp_asn1_octets (answer, INFO2 "profileVersion");
    if (base.len == 3 && base.data[0] >= version)
        return TRUE;
    RspTlv list, tlv;
    RspSlice more = rsp_asn1_slice (answer, INFO2 "additionalEuiccProfilePackageVersions");
    if (rsp_tlv_next (&more, &list) != RSP_TLV_OK)
        return FALSE;
    while (rsp_tlv_next (&list.value, &tlv) == RSP_TLV_OK)
        if (tlv.value.len == 3 && tlv.value.data[0] >= version)
            return TRUE;
    return FALSE;
}

/* Free non-volatile memory (tag 82 of ETSI TS 102 226); -1 if the card does not say. */
static gint64
free_memory (const RspAsn1 *answer)
{
    RspTlv tlv;
    if (!rsp_tlv_find (rsp_asn1_octets (answer, INFO2 "extCardResource"), 0x82, &tlv) ||
        tlv.value.len == 0 || tlv.value.len > 7)
        return -1;
    gint64 n = 0;
    for (gsize i = 0; i < tlv.value.len; i++)
        n = n << 8 | tlv.value.data[i];
    return n;
}

/* The TAC of deviceInfo is TBCD (nibbles swapped); deployed LPAs also send plain BCD. */
static gboolean
takes_device (const char *tacs, RspSlice tac)
{
    g_auto (GStrv) list = g_strsplit (tacs, ",", -1);
    g_autofree char *plain = rsp_hex (tac);
    g_autofree char *swapped = g_strdup (plain);
    for (gsize i = 0; i + 1 < strlen (plain); i += 2) {
        swapped[i] = plain[i + 1];
        swapped[i + 1] = plain[i];
    }
    return g_strv_contains ((const char *const *)list, plain) ||
           g_strv_contains ((const char *const *)list, swapped);
}

RspStatus
rsp_order_check_eligible (const RspOrder *order, const RspAsn1 *answer)
{
    for (guint bit = 0; bit < 3; bit++)
        if ((order->ppr >> bit & 1) &&
            rsp_asn1_bit (answer, INFO2 "forbiddenProfilePolicyRules", bit))
            return RSP_FAILED ("8.2.5", "4.3", "the eUICC forbids a policy rule of the profile");
    if (!rsp_asn1_bit (answer, INFO2 "rspCapability", 0))
        return RSP_FAILED ("8.2.5", "4.3", "the eUICC takes no additional profile");
    if (order->profile_class == RSP_CLASS_TEST && !rsp_asn1_bit (answer, INFO2 "rspCapability", 3))
        return RSP_FAILED ("8.2.5", "4.3", "the eUICC takes no test profile");
    if (!has_services (answer, order->services))
        return RSP_FAILED ("8.2.5", "4.3", "the eUICC lacks a service that the profile needs");
    if (!supports_version (answer, order->version))
        return RSP_FAILED ("8.2.5", "4.3", "profile package version");
    if (order->tacs && !takes_device (order->tacs, rsp_asn1_octets (answer, TAC)))
        return RSP_FAILED ("8.2.5", "4.3", "not for devices of this type");
    gint64 memory = free_memory (answer);
    if (memory >= 0 && memory < order->size)
        return RSP_FAILED ("8.1", "4.8", "not enough memory on the eUICC");
    return RSP_OK;
}
