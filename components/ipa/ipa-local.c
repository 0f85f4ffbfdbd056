/* Functions of the card that need no eIM (SGP.32 3.4, 3.5, 5.9): the first eIM, reset, fallback,
 * emergency, immediate enabling. What switches profiles is told to the eIM by the next poll. */
#include "components/ipa/ipa-private.h"

#include <string.h>

enum { UNDEFINED = 127 };

typedef struct {
    const char *name;
    RspFunctionId function;
    const char *response; /* type of the answer */
    const char *result;   /* its element with the result; NULL: an alternative that is no error */
    const char *enumeration; /* of RESULT, or of the INTEGER alternative */
    gboolean takes_refresh;  /* refreshFlag, FALSE: the IPA resets the link */
    IpaStateChange change;
} Local;

static const Local locals[RSP_IPA_LOCALS] = {
    [RSP_IPA_GET_EIMS] = {"getEimConfigurationData", RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA,
                          "GetEimConfigurationDataResponse", NULL, NULL, FALSE, IPA_NO_CHANGE},
    [RSP_IPA_GET_CERTS] = {"getCerts", RSP_FN_ES10B_GET_CERTS, "GetCertsResponse", NULL,
                           "GetCertsError", FALSE, IPA_NO_CHANGE},
    [RSP_IPA_GET_CONNECTIVITY] = {"getConnectivityParameters",
                                  RSP_FN_ES10B_GET_CONNECTIVITY_PARAMETERS,
                                  "GetConnectivityParametersResponse", NULL,
                                  "ConnectivityParametersError", FALSE, IPA_NO_CHANGE},
    [RSP_IPA_FALLBACK] = {"fallback", RSP_FN_ES10B_EXECUTE_FALLBACK_MECHANISM,
                          "ExecuteFallbackMechanismResponse", "executeFallbackMechanismResult",
                          "ExecuteFallbackMechanismResult", TRUE, IPA_CHANGE_FALLBACK},
    [RSP_IPA_RETURN_FROM_FALLBACK] = {"returnFromFallback", RSP_FN_ES10B_RETURN_FROM_FALLBACK,
                                      "ReturnFromFallbackResponse", "returnFromFallbackResult",
                                      "ReturnFromFallbackResult", TRUE, IPA_CHANGE_FALLBACK},
    [RSP_IPA_ENABLE_EMERGENCY] = {"enableEmergencyProfile", RSP_FN_ES10B_ENABLE_EMERGENCY_PROFILE,
                                  "EnableEmergencyProfileResponse", "enableEmergencyProfileResult",
                                  "EnableEmergencyProfileResult", TRUE, IPA_CHANGE_EMERGENCY},
    [RSP_IPA_DISABLE_EMERGENCY] = {"disableEmergencyProfile",
                                   RSP_FN_ES10B_DISABLE_EMERGENCY_PROFILE,
                                   "DisableEmergencyProfileResponse",
                                   "disableEmergencyProfileResult", "DisableEmergencyProfileResult",
                                   TRUE, IPA_CHANGE_EMERGENCY},
    [RSP_IPA_IMMEDIATE_ENABLE] = {"immediateEnable", RSP_FN_ES10B_IMMEDIATE_ENABLE,
                                  "ImmediateEnableResponse", "immediateEnableResult",
                                  "ImmediateEnableResult", TRUE, IPA_CHANGE_IMMEDIATE_ENABLE},
    [RSP_IPA_ROLLBACK] = {"profileRollback", RSP_FN_ES10B_PROFILE_ROLLBACK,
                          "ProfileRollbackResponse", "cmdResult", "ProfileRollbackResult", TRUE,
                          IPA_CHANGE_LOCAL},
    [RSP_IPA_SET_DEFAULT_DP] = {"setDefaultDpAddress", RSP_FN_ES10B_SET_DEFAULT_DP_ADDRESS,
                                "SGP32-SetDefaultDpAddressResponse", "setDefaultDpAddressResult",
                                "SGP32-SetDefaultDpAddressResult", FALSE, IPA_NO_CHANGE},
    [RSP_IPA_CONFIGURE_IMMEDIATE_ENABLE] = {"configureImmediateProfileEnabling",
                                            RSP_FN_ES10B_CONFIGURE_IMMEDIATE_PROFILE_ENABLING,
                                            "ConfigureImmediateProfileEnablingResponse",
                                            "configImmediateEnableResult",
                                            "ConfigImmediateEnableResult", FALSE, IPA_NO_CHANGE},
    [RSP_IPA_ACTIVATE_IPAE] = {"activateIpae", RSP_FN_ES10B_LPAE_ACTIVATION,
                               "IpaeActivationResponse", "ipaeActivationResult",
                               "IpaeActivationResult", FALSE, IPA_NO_CHANGE},
};

static const char *
local_error (const Local *local, const RspAsn1 *node)
{
    const char *choice = local->result ? NULL : rsp_asn1_choice (node, "");
    if (local->result) {
        gint64 code = rsp_asn1_int (node, local->result, UNDEFINED);
        return code ? ipa_code_name (local->enumeration, code) : NULL;
    }
    if (choice && g_str_has_suffix (choice, "Error"))
        return ipa_code_name (local->enumeration, rsp_asn1_int (node, choice, UNDEFINED));
    return NULL;
}

static void
on_local (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    const Local *local = &locals[op->local];
    g_autoptr (RspAsn1) node = ipa_decode (ipa, reply, local->response);
    if (!node) {
        ipa_note_refusal (ipa, reply);
        ipa_finish (ipa);
        return;
    }
    const char *error = local_error (local, node);
    op->answer = g_bytes_ref (reply->body);
    ipa_set_result (ipa, error ? error : "ok");
    if (error)
        ipa_note_failure (ipa, NULL, error);
    if (!error && op->local == RSP_IPA_ENABLE_EMERGENCY)
        ipa_note_emergency (ipa, TRUE);
    if (!error && op->local == RSP_IPA_DISABLE_EMERGENCY)
        ipa_note_emergency (ipa, FALSE);
    ipa_note_change (ipa, error ? IPA_NO_CHANGE : local->change, NULL);
    ipa_finish (ipa);
}

static void
put_content (const RspIpa *ipa, RspIpaLocal what, const char *address, GByteArray *out)
{
    static const guint8 no_refresh[] = {0x00}, activate[] = {0x07, 0x80};
    if (locals[what].takes_refresh && !(what == RSP_IPA_IMMEDIATE_ENABLE && ipa->config.v10))
        rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (no_refresh));
    if (what == RSP_IPA_SET_DEFAULT_DP)
        rsp_tlv_put_text (out, 0x80, address);
    if (what == RSP_IPA_ACTIVATE_IPAE)
        rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (activate));
    if (what != RSP_IPA_CONFIGURE_IMMEDIATE_ENABLE)
        return;
    rsp_tlv_put (out, 0x80, RSP_SLICE (NULL, 0));
    if (*address)
        rsp_tlv_put_text (out, 0x82, address);
}

static void
on_eims (RspIpa *ipa)
{
    ipa_set_result (ipa, "ok");
    ipa_finish (ipa);
}

void
rsp_ipa_local (RspIpa *ipa, RspIpaLocal what, const char *address, RspIpaFunc func, gpointer data)
{
    IpaOperation *op = ipa_begin (ipa, locals[what].name, func, data);
    if (!op)
        return;
    op->local = what;
    if (what == RSP_IPA_GET_EIMS) {
        ipa_read_eims (ipa, on_eims);
        return;
    }
    g_autoptr (GByteArray) content = g_byte_array_new ();
    put_content (ipa, what, address ? address : "", content);
    ipa_doubt (ipa, locals[what].change);
    ipa_card_call (ipa, locals[what].function, RSP_SLICE (content->data, content->len), on_local);
}

/* --- the first eIM --- */

static void
on_added (RspIpa *ipa, const RspReply *reply)
{
    g_autoptr (RspAsn1) node = ipa_decode (ipa, reply, "AddInitialEimResponse");
    const char *error =
        node && rsp_asn1_has (node, "addInitialEimError")
            ? ipa_code_name ("AddInitialEimError", rsp_asn1_int (node, "addInitialEimError", 127))
            : NULL;
    if (node)
        ipa_set_result (ipa, error ? error : "ok");
    if (error)
        ipa_note_failure (ipa, NULL, error);
    ipa_finish (ipa);
}

void
rsp_ipa_add_initial_eim (RspIpa *ipa, GBytes *configuration, RspIpaFunc func, gpointer data)
{
    if (!ipa_begin (ipa, "addInitialEim", func, data))
        return;
    g_autoptr (GByteArray) list = g_byte_array_new ();
    rsp_tlv_put (list, 0xA0, rsp_slice_of (configuration));
    ipa_card_call (ipa, RSP_FN_ES10B_ADD_INITIAL_EIM, RSP_SLICE (list->data, list->len), on_added);
}

/* --- reset: SGP.32 5.9.12; v1.0: SGP.22's function with two more bits --- */

enum { V10_EIM = 1 << 3, V10_IMMEDIATE_ENABLE = 1 << 4 };

static guint32
options_v10 (guint32 options)
{
    return (options & 7) | (options & RSP_IPA_RESET_EIM ? V10_EIM : 0) |
           (options & RSP_IPA_RESET_IMMEDIATE_ENABLE ? V10_IMMEDIATE_ENABLE : 0);
}

static const char *
part_error (RspSlice response, guint32 tag, const char *enumeration)
{
    RspTlv result;
    return rsp_tlv_find (response, tag, &result) && result.value.len == 1 && result.value.data[0]
               ? ipa_code_name (enumeration, result.value.data[0])
               : NULL;
}

static void
on_reset (RspIpa *ipa, const RspReply *reply)
{
    const char *problem = ipa_problem (ipa, reply);
    RspTlv response, result;
    if (!problem && (!rsp_tlv_single (rsp_slice_of (reply->body), ipa->function->tag, &response) ||
                     !rsp_tlv_find (response.value, 0x80, &result)))
        problem = "badReply";
    if (problem) {
        ipa_note_refusal (ipa, reply);
        ipa_fail (ipa, NULL, problem);
        return;
    }
    const char *error = part_error (response.value, 0x80, "SGP32-ResetResult");
    if (!error)
        error = part_error (response.value, 0x81, "ResetEimResult");
    if (!error)
        error = part_error (response.value, 0x82, "ResetImmediateEnableConfigResult");
    ipa_set_result (ipa, error ? error : "ok");
    ipa_note_change (ipa, IPA_CHANGE_RESET, NULL);
    if (error)
        ipa_note_failure (ipa, NULL, error);
    ipa_finish (ipa);
}

void
rsp_ipa_reset (RspIpa *ipa, guint32 options, RspIpaFunc func, gpointer data)
{
    if (!ipa_begin (ipa, "reset", func, data))
        return;
    guint32 bits = ipa->config.v10 ? options_v10 (options) : options;
    guint8 value[2] = {0, 0};
    guint used = 0;
    for (guint i = 0; i < 8; i++) {
        if (bits & 1u << i) {
            value[1] |= 0x80 >> i;
            used = i + 1;
        }
    }
    value[0] = used ? (guint8)(8 - used) : 0;
    g_autoptr (GByteArray) content = g_byte_array_new ();
    rsp_tlv_put (content, 0x82, RSP_SLICE (value, used ? 2 : 1));
    ipa_doubt (ipa, IPA_CHANGE_RESET);
    ipa_card_call (
        ipa, ipa->config.v10 ? RSP_FN_ES10C_EUICC_MEMORY_RESET : RSP_FN_ES10B_EUICC_MEMORY_RESET,
        RSP_SLICE (content->data, content->len), on_reset);
}
