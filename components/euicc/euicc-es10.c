/* ES10 commands: from the outer tag to the function, by the one message table. */
#include "components/euicc/euicc-iot.h"

static const struct {
    RspFunctionId id;
    RspEuiccHandler run;
    gboolean changes; /* refused while a package is being loaded */
} handlers[] = {
    {RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES, rsp_euicc_get_addresses, FALSE},
    {RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, rsp_euicc_set_default_dp, TRUE},
    {RSP_FN_ES10B_PREPARE_DOWNLOAD, rsp_euicc_prepare_download, TRUE},
    {RSP_FN_ES10B_GET_EUICC_CHALLENGE, rsp_euicc_get_challenge, FALSE},
    {RSP_FN_ES10B_GET_EUICC_INFO1, rsp_euicc_get_info1, FALSE},
    {RSP_FN_ES10B_GET_EUICC_INFO2, rsp_euicc_get_info2, FALSE},
    {RSP_FN_ES10B_LIST_NOTIFICATION, rsp_euicc_list_notification, FALSE},
    {RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, rsp_euicc_retrieve_notifications, FALSE},
    {RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, rsp_euicc_remove_notification, TRUE},
    {RSP_FN_ES10B_AUTHENTICATE_SERVER, rsp_euicc_authenticate_server, TRUE},
    {RSP_FN_ES10B_CANCEL_SESSION, rsp_euicc_cancel_session, FALSE},
    {RSP_FN_ES10B_LOAD_CRL, rsp_euicc_load_crl, TRUE},
    {RSP_FN_ES10B_GET_RAT, rsp_euicc_get_rat, FALSE},
    {RSP_FN_ES10B_LPAE_ACTIVATION, rsp_euicc_lpae_activation, FALSE},
    {RSP_FN_ES10C_GET_PROFILES_INFO, rsp_euicc_get_profiles_info, FALSE},
    {RSP_FN_ES10C_ENABLE_PROFILE, rsp_euicc_enable_profile, TRUE},
    {RSP_FN_ES10C_DISABLE_PROFILE, rsp_euicc_disable_profile, TRUE},
    {RSP_FN_ES10C_DELETE_PROFILE, rsp_euicc_delete_profile, TRUE},
    {RSP_FN_ES10C_EUICC_MEMORY_RESET, rsp_euicc_memory_reset, TRUE},
    {RSP_FN_ES10C_GET_EID, rsp_euicc_get_eid, FALSE},
    {RSP_FN_ES10C_SET_NICKNAME, rsp_euicc_set_nickname, TRUE},
};

/* Known to cards for IoT alone; SINCE_V12 to those of SGP.32 v1.2. */
static const struct {
    RspFunctionId id;
    RspEuiccHandler run;
    gboolean since_v12;
} iot_handlers[] = {
    {RSP_FN_ES10B_LOAD_EUICC_PACKAGE, rsp_euicc_load_package, FALSE},
    {RSP_FN_ES10B_ADD_INITIAL_EIM, rsp_euicc_add_initial_eim, FALSE},
    {RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA, rsp_euicc_get_eim_configuration, FALSE},
    {RSP_FN_ES10B_GET_CERTS, rsp_euicc_get_certs, FALSE},
    {RSP_FN_ES10B_PROFILE_ROLLBACK, rsp_euicc_profile_rollback, FALSE},
    {RSP_FN_ES10B_CONFIGURE_IMMEDIATE_PROFILE_ENABLING, rsp_euicc_configure_immediate_enable,
     FALSE},
    {RSP_FN_ES10B_IMMEDIATE_ENABLE, rsp_euicc_immediate_enable, FALSE},
    {RSP_FN_ES10B_LPAE_ACTIVATION, rsp_euicc_activate_ipae, FALSE}, /* and IpaeActivation */
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, rsp_euicc_iot_memory_reset, TRUE},
    {RSP_FN_ES10B_SET_DEFAULT_DP_ADDRESS, rsp_euicc_iot_set_default_dp, TRUE},
    {RSP_FN_ES10B_EXECUTE_FALLBACK_MECHANISM, rsp_euicc_execute_fallback, TRUE},
    {RSP_FN_ES10B_RETURN_FROM_FALLBACK, rsp_euicc_return_from_fallback, TRUE},
    {RSP_FN_ES10B_ENABLE_EMERGENCY_PROFILE, rsp_euicc_enable_emergency, TRUE},
    {RSP_FN_ES10B_DISABLE_EMERGENCY_PROFILE, rsp_euicc_disable_emergency, TRUE},
    {RSP_FN_ES10B_GET_CONNECTIVITY_PARAMETERS, rsp_euicc_get_connectivity, TRUE},
};

/* NULL: not for IoT, or not on this card. */
static RspEuiccHandler
iot_handler (const RspEuicc *card, guint id)
{
    if (!card->iot)
        return NULL;
    if (card->iot->v10 && id == RSP_FN_ES10C_EUICC_MEMORY_RESET)
        return rsp_euicc_iot_memory_reset_v10;
    for (guint i = 0; i < G_N_ELEMENTS (iot_handlers); i++)
        if (iot_handlers[i].id == id && !(card->iot->v10 && iot_handlers[i].since_v12))
            return iot_handlers[i].run;
    return NULL;
}

/* What an IPA in the device may still ask for while the card's own IPA is active: what only looks,
 * and the end of that. The two exclude each other (SGP.32 3.8.4). */
static gboolean
is_left_to_device (guint id)
{
    static const RspFunctionId left[] = {
        RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES,
        RSP_FN_ES10B_GET_EUICC_INFO1,
        RSP_FN_ES10B_GET_EUICC_INFO2,
        RSP_FN_ES10B_LIST_NOTIFICATION,
        RSP_FN_ES10B_GET_RAT,
        RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA,
        RSP_FN_ES10B_GET_CERTS,
        RSP_FN_ES10B_LPAE_ACTIVATION,
        RSP_FN_ES10C_GET_PROFILES_INFO,
        RSP_FN_ES10C_GET_EID,
    };
    for (guint i = 0; i < G_N_ELEMENTS (left); i++)
        if (left[i] == id)
            return TRUE;
    return FALSE;
}

static gboolean
is_taken_by_ipae (const RspEuicc *card, guint id)
{
    return rsp_euicc_ipae_is_active (card) && !card->from_inside && !is_left_to_device (id);
}

static guint
run (RspEuicc *card, const RspFunction *fn, RspSlice body, GByteArray *out)
{
    RspEuiccHandler iot = iot_handler (card, fn->id);
    if (is_taken_by_ipae (card, fn->id))
        return 0x6985;
    if (iot)
        return card->session.state == RSP_SESSION_LOADING ? 0x6985 : iot (card, body, out);
    for (guint i = 0; i < G_N_ELEMENTS (handlers); i++) {
        if (handlers[i].id != fn->id)
            continue;
        if (handlers[i].changes && card->session.state == RSP_SESSION_LOADING)
            return 0x6985;
        return handlers[i].run (card, body, out);
    }
    return 0x6A88;
}

/* The tag at the front, without the TLV being whole: a package comes in pieces. */
static guint32
outer_tag (RspSlice s)
{
    if (s.len == 0)
        return 0;
    if ((s.data[0] & 0x1F) != 0x1F)
        return s.data[0];
    return s.len > 1 && !(s.data[1] & 0x80) ? (guint32)(s.data[0] << 8 | s.data[1]) : 0;
}

guint
rsp_euicc_es10 (RspEuicc *card, RspSlice command, GByteArray *out)
{
    RspTlv tlv;
    guint32 tag = outer_tag (command);
    switch (tag) {
    case 0xBF36:
    case 0xBF23:
    case 0xA0:
    case 0xA1:
    case 0xA2:
    case 0xA3:
    case 0x86:
    case 0x87:
    case 0x88:
        if (is_taken_by_ipae (card, RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE))
            return 0x6985;
        return rsp_euicc_load_chain (card, command, out);
    default:
        break;
    }
    const RspFunction *fn = rsp_function_by_tag (tag);
    if (!fn)
        return tag ? 0x6A88 : 0x6A80;
    if (!rsp_tlv_single (command, tag, &tlv) || !rsp_der_check (command, NULL))
        return 0x6A80;
    guint sw = run (card, fn, tlv.value, out);
    rsp_euicc_spend (card, fn, tlv.value.len);
    if (sw != 0x9000)
        g_byte_array_set_size (out, 0);
    return sw;
}
