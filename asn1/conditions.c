#include "asn1/conditions.h"

#include <string.h>

#include "asn1/schema.h"

static const RspCondition json_conditions[] = {
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.1/1.2", "caller not allowed on this profile"},
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.1/3.3", "ICCID not available"},
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.1/3.9", "ICCID unknown"},
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.1/3.10", "other EID tied to this ICCID"},
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.5/1.2", "caller not allowed on this profile type"},
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.5/3.7", "no more profile of this type"},
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.5/3.8", "type not aligned with ICCID"},
    {RSP_FN_ES2P_DOWNLOAD_ORDER, "8.2.5/3.9", "profile type unknown"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.1.1/2.2", "EID missing"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.1.1/3.10", "other EID tied to this ICCID"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.2.1/1.2", "caller not allowed on this profile"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.2.1/3.9", "ICCID unknown"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.2.6/2.1", "MatchingID malformed"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.2.6/3.3", "MatchingID in use"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.9/4.2", "SM-DS execution error"},
    {RSP_FN_ES2P_CONFIRM_ORDER, "8.9/5.1", "SM-DS inaccessible"},
    {RSP_FN_ES2P_CANCEL_ORDER, "8.1.1/2.2", "EID missing"},
    {RSP_FN_ES2P_CANCEL_ORDER, "8.1.1/3.10", "other EID tied to this ICCID"},
    {RSP_FN_ES2P_CANCEL_ORDER, "8.2.1/1.2", "caller not allowed on this profile"},
    {RSP_FN_ES2P_CANCEL_ORDER, "8.2.1/3.9", "ICCID unknown"},
    {RSP_FN_ES2P_CANCEL_ORDER, "8.2.6/3.10", "other MatchingID tied to this ICCID"},
    {RSP_FN_ES2P_RELEASE_PROFILE, "8.2.1/1.2", "caller not allowed on this profile"},
    {RSP_FN_ES2P_RELEASE_PROFILE, "8.2.1/3.5", "profile cannot be released"},
    {RSP_FN_ES2P_RELEASE_PROFILE, "8.2.1/3.9", "ICCID unknown"},
    {RSP_FN_ES2P_RELEASE_PROFILE, "8.9/4.2", "SM-DS execution error"},
    {RSP_FN_ES2P_RELEASE_PROFILE, "8.9/5.1", "SM-DS inaccessible"},
    {RSP_FN_ES9P_INITIATE_AUTHENTICATION, "8.8.1/3.8", "SM-DP+ address invalid"},
    {RSP_FN_ES9P_INITIATE_AUTHENTICATION, "8.8.2/3.1", "no proposed CI key supported"},
    {RSP_FN_ES9P_INITIATE_AUTHENTICATION, "8.8.3/3.1", "SVN not supported"},
    {RSP_FN_ES9P_INITIATE_AUTHENTICATION, "8.8.4/3.7", "no CERT.DPauth chaining to a supported CI"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1/4.8", "eUICC: insufficient memory for the profile"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1/6.1", "eUICC signature or serverChallenge invalid"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1.1/3.8", "EID does not match"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1.2/6.1", "EUM certificate invalid"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1.2/6.3", "EUM certificate expired"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1.3/6.1", "eUICC certificate invalid"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1.3/6.3", "eUICC certificate expired"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.1.4/6.1", "EID outside the EUM's range",
     "one public server's own code; this SM-DP+ answers 8.1.3/6.1"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.2/1.2", "profile not released"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.2.5/4.3", "no eligible profile for this eUICC"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.2.6/3.8", "MatchingID refused"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.8.5/4.10", "download order expired"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.8.5/6.4", "download attempts exceeded"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.10.1/3.9", "TransactionID unknown"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "8.11.1/3.9", "CI of the EUM certificate unknown"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "8.1/6.1", "eUICC signature invalid"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "8.2/3.7", "BPP not available for a new binding"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "8.2.7/2.2", "confirmation code missing"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "8.2.7/3.8", "confirmation code refused"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "8.2.7/6.4", "confirmation code retries exceeded"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "8.8.5/4.10", "download order expired"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "8.10.1/3.9", "TransactionID unknown"},
    {RSP_FN_ES9P_CANCEL_SESSION, "8.1/6.1", "eUICC signature invalid"},
    {RSP_FN_ES9P_CANCEL_SESSION, "8.8/3.10", "SM-DP+ OID invalid"},
    {RSP_FN_ES9P_CANCEL_SESSION, "8.10.1/3.9", "TransactionID unknown"},
    {RSP_FN_ES11_INITIATE_AUTHENTICATION, "8.9.1/3.8", "SM-DS address invalid"},
    {RSP_FN_ES11_INITIATE_AUTHENTICATION, "8.9.2/3.1", "no proposed CI key supported by the SM-DS"},
    {RSP_FN_ES11_INITIATE_AUTHENTICATION, "8.9.3/3.1", "SVN not supported by the SM-DS"},
    {RSP_FN_ES11_INITIATE_AUTHENTICATION, "8.9.4/3.7", "no CERT.DSauth chaining to a supported CI"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.1/6.1", "eUICC signature or serverChallenge invalid"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.1.2/6.1", "EUM certificate invalid"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.1.2/6.3", "EUM certificate expired"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.1.3/6.1", "eUICC certificate invalid"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.1.3/6.3", "eUICC certificate expired"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.9.5/3.9", "no such event for the EID"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.10.1/3.9", "TransactionID unknown"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "8.11.1/3.9", "CI of the EUM certificate unknown"},
    {RSP_FN_ES12_REGISTER_EVENT, "1.1/1.2", "the caller is no RSP server"},
    {RSP_FN_ES12_REGISTER_EVENT, "8.1.1/2.1", "EID malformed"},
    {RSP_FN_ES12_REGISTER_EVENT, "8.9/4.2", "cascade: the root refuses; or too many events"},
    {RSP_FN_ES12_REGISTER_EVENT, "8.9/5.1", "cascade: the root is inaccessible"},
    {RSP_FN_ES12_REGISTER_EVENT, "8.9.5/2.1", "EventID malformed"},
    {RSP_FN_ES12_REGISTER_EVENT, "8.9.5/3.3", "event record already exists"},
    {RSP_FN_ES12_DELETE_EVENT, "1.1/1.2", "the caller is no RSP server"},
    {RSP_FN_ES12_DELETE_EVENT, "8.9.5/3.9", "no such event of this owner for the EID"},
    {RSP_FN_ES15_REGISTER_EVENT, "1.1/1.2", "the caller is no SM-DS"},
    {RSP_FN_ES15_REGISTER_EVENT, "8.9/4.2", "too many events"},
    {RSP_FN_ES15_REGISTER_EVENT, "8.9.5/3.3", "event record already exists"},
    {RSP_FN_ES15_DELETE_EVENT, "1.1/1.2", "the caller is no SM-DS"},
    {RSP_FN_ES15_DELETE_EVENT, "8.9.5/3.9", "no such event of this owner for the EID"},
};

/* Enumerations of the answers of cards and of the ASN.1 binding of ES9+; `ok` is no error. */
static const struct {
    RspFunctionId function;
    const char *enumeration, *meaning;
} asn1_conditions[] = {
    {RSP_FN_ES9P_INITIATE_AUTHENTICATION, "InitiateAuthenticationError",
     "initiateAuthenticationError"},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, "AuthenticateClientError", "authenticateClientError"},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "GetBoundProfilePackageError",
     "getBoundProfilePackageError"},
    {RSP_FN_ES9P_CANCEL_SESSION, "CancelSessionError", "cancelSessionError"},
    {RSP_FN_ES11_AUTHENTICATE_CLIENT, "AuthenticateClientErrorEs11", "authenticateClientError"},
    {RSP_FN_ESIPA_INITIATE_AUTHENTICATION, "InitiateAuthenticationErrorEsipa",
     "initiateAuthenticationErrorEsipa"},
    {RSP_FN_ESIPA_AUTHENTICATE_CLIENT, "AuthenticateClientErrorEsipa",
     "authenticateClientErrorEsipa"},
    {RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE, "GetBoundProfilePackageErrorEsipa",
     "getBoundProfilePackageErrorEsipa"},
    {RSP_FN_ESIPA_CANCEL_SESSION, "CancelSessionErrorEsipa", "cancelSessionError"},
    {RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE, "TransferEimPackageError", "eimPackageError"},
    {RSP_FN_ESIPA_GET_EIM_PACKAGE, "GetEimPackageError", "eimPackageError"},
    {RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, "ProvideEimPackageResultError",
     "provideEimPackageResultError"},
    /* what the IPA tells by it */
    {RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, "EimPackageResultErrorCode",
     "eimPackageResultErrorCode"},
    {RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, "IpaEuiccDataErrorCode", "ipaEuiccDataErrorCode"},
    {RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, "ProfileDownloadErrorReason",
     "profileDownloadErrorReason"},
    {RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, "SetDefaultDpAddressResult", "setDefaultDpAddressResult"},
    {RSP_FN_ES10B_PREPARE_DOWNLOAD, "DownloadErrorCode", "downloadErrorCode"},
    {RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, "ErrorReason", "errorReason of the result"},
    {RSP_FN_ES10B_LIST_NOTIFICATION, "ListNotificationsResultError",
     "listNotificationsResultError"},
    {RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, "NotificationsListResultError",
     "notificationsListResultError"},
    {RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, "DeleteNotificationStatus",
     "deleteNotificationStatus"},
    {RSP_FN_ES10B_LOAD_CRL, "LoadCRLResponseError", "loadCRLResponseError"},
    {RSP_FN_ES10B_AUTHENTICATE_SERVER, "AuthenticateErrorCode", "authenticateErrorCode"},
    {RSP_FN_ES10B_CANCEL_SESSION, "CancelSessionResponseError", "cancelSessionResponseError"},
    {RSP_FN_ES10B_LPAE_ACTIVATION, "LpaeActivationResult", "lpaeActivationResult"},
    {RSP_FN_ES10C_GET_PROFILES_INFO, "ProfileInfoListError", "profileInfoListError"},
    {RSP_FN_ES10C_ENABLE_PROFILE, "EnableResult", "enableResult"},
    {RSP_FN_ES10C_DISABLE_PROFILE, "DisableResult", "disableResult"},
    {RSP_FN_ES10C_DELETE_PROFILE, "DeleteResult", "deleteResult"},
    {RSP_FN_ES10C_EUICC_MEMORY_RESET, "ResetResult", "resetResult"},
    {RSP_FN_ES10C_SET_NICKNAME, "SetNicknameResult", "setNicknameResult"},
    {RSP_FN_ES10B_LOAD_EUICC_PACKAGE, "EuiccPackageErrorCode", "euiccPackageErrorCode"},
    {RSP_FN_ES10B_LOAD_EUICC_PACKAGE, "ProcessingTerminated", "processingTerminated"},
    {RSP_FN_ES10B_ADD_INITIAL_EIM, "AddInitialEimError", "addInitialEimError"},
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, "SGP32-ResetResult", "resetResult"},
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, "ResetEimResult", "resetEimResult"},
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, "ResetImmediateEnableConfigResult",
     "resetImmediateEnableConfigResult"},
    {RSP_FN_ES10B_GET_CERTS, "GetCertsError", "getCertsError"},
    {RSP_FN_ES10B_IMMEDIATE_ENABLE, "ImmediateEnableResult", "immediateEnableResult"},
    {RSP_FN_ES10B_PROFILE_ROLLBACK, "ProfileRollbackResult", "cmdResult"},
    {RSP_FN_ES10B_PROFILE_ROLLBACK, "RollbackProfileResult", "rollbackResult"},
    {RSP_FN_ES10B_CONFIGURE_IMMEDIATE_PROFILE_ENABLING, "ConfigImmediateEnableResult",
     "configImmediateEnableResult"},
    {RSP_FN_ES10B_EXECUTE_FALLBACK_MECHANISM, "ExecuteFallbackMechanismResult",
     "executeFallbackMechanismResult"},
    {RSP_FN_ES10B_RETURN_FROM_FALLBACK, "ReturnFromFallbackResult", "returnFromFallbackResult"},
    {RSP_FN_ES10B_ENABLE_EMERGENCY_PROFILE, "EnableEmergencyProfileResult",
     "enableEmergencyProfileResult"},
    {RSP_FN_ES10B_DISABLE_EMERGENCY_PROFILE, "DisableEmergencyProfileResult",
     "disableEmergencyProfileResult"},
    {RSP_FN_ES10B_GET_CONNECTIVITY_PARAMETERS, "ConnectivityParametersError",
     "connectivityParametersError"},
    {RSP_FN_ES10B_SET_DEFAULT_DP_ADDRESS, "SGP32-SetDefaultDpAddressResult",
     "setDefaultDpAddressResult"},
    {RSP_FN_ESEP_ENABLE, "EnableProfileResult", "enableResult"},
    {RSP_FN_ESEP_DISABLE, "DisableProfileResult", "disableResult"},
    {RSP_FN_ESEP_DELETE, "DeleteProfileResult", "deleteResult"},
    {RSP_FN_ESEP_LIST_PROFILE_INFO, "SGP32-ProfileInfoListError", "profileInfoListError"},
    {RSP_FN_ESEP_CONFIGURE_IMMEDIATE_ENABLE, "ConfigureImmediateEnableResult",
     "configureImmediateEnableResult"},
    {RSP_FN_ESEP_SET_FALLBACK_ATTRIBUTE, "SetFallbackAttributeResult",
     "setFallbackAttributeResult"},
    {RSP_FN_ESEP_UNSET_FALLBACK_ATTRIBUTE, "UnsetFallbackAttributeResult",
     "unsetFallbackAttributeResult"},
    {RSP_FN_ESEP_SET_DEFAULT_DP_ADDRESS, "SGP32-SetDefaultDpAddressResult",
     "setDefaultDpAddressResult"},
    {RSP_FN_ESEP_ADD_EIM, "AddEimResultCode", "addEimResultCode"},
    {RSP_FN_ESEP_DELETE_EIM, "DeleteEimResult", "deleteEimResult"},
    {RSP_FN_ESEP_UPDATE_EIM, "UpdateEimResult", "updateEimResult"},
    {RSP_FN_ESEP_LIST_EIM, "ListEimError", "listEimError"},
};

#define WHOLE_PACKAGE                                                                              \
    "this card does a package whole or not at all: what fails is the package's undefinedError"

/* Values of these enumerations that cannot come about here. */
static const struct {
    RspFunctionId function;
    const char *code, *why;
} never[] = {
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "deprecated",
     "deprecated; an order that expired is undefinedError"},
    {RSP_FN_ES10B_LIST_NOTIFICATION, "undefinedError",
     "this card reads its list from where it cannot fail, and answers what it cannot decode with "
     "6A80"},
    {RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, "undefinedError",
     "this card reads its list from where it cannot fail, and answers what it cannot decode with "
     "6A80"},
    {RSP_FN_ES10B_AUTHENTICATE_SERVER, "undefinedError",
     "nothing is written; every check that can fail has a code of its own"},
    {RSP_FN_ES10B_CANCEL_SESSION, "undefinedError",
     "nothing is written; whatever is not of the session is invalidTransactionId"},
    {RSP_FN_ES10C_GET_PROFILES_INFO, "undefinedError",
     "this card reads its profiles from where it cannot fail; bad criteria are "
     "incorrectInputValues"},
    {RSP_FN_ES10B_LOAD_EUICC_PACKAGE, "interruption", WHOLE_PACKAGE},
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, "eimResetNotSupported", "this card can remove its eIMs"},
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, "resetIECNotSupported",
     "this card can reset the configuration of immediate enabling"},
    {RSP_FN_ES10B_GET_CERTS, "undefinedError", "nothing is written; another CI is invalidCiPKId"},
    {RSP_FN_ES10B_PROFILE_ROLLBACK, "commandError",
     "the right to roll back goes with the profile, or the eIM, that it needs"},
    {RSP_FN_ES10B_CONFIGURE_IMMEDIATE_PROFILE_ENABLING, "insufficientMemory",
     "the configuration has a place of its own"},
    {RSP_FN_ES10B_GET_CONNECTIVITY_PARAMETERS, "undefinedError",
     "nothing is written; none are parametersNotAvailable"},
    {RSP_FN_ESEP_ENABLE, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_DISABLE, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_DELETE, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_LIST_PROFILE_INFO, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_CONFIGURE_IMMEDIATE_ENABLE, "insufficientMemory",
     "the configuration has a place of its own"},
    {RSP_FN_ESEP_CONFIGURE_IMMEDIATE_ENABLE, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_SET_FALLBACK_ATTRIBUTE, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_UNSET_FALLBACK_ATTRIBUTE, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_SET_DEFAULT_DP_ADDRESS, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_ADD_EIM, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_DELETE_EIM, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_UPDATE_EIM, "undefinedError", WHOLE_PACKAGE},
    {RSP_FN_ESEP_LIST_EIM, "undefinedError", WHOLE_PACKAGE},
};

#define LARGEST_VALUE 127

static const char *
why_never (RspFunctionId function, const char *code)
{
    if (function == RSP_FN_ES11_AUTHENTICATE_CLIENT)
        return "this SM-DS serves ES11 in the JSON binding";
    for (gsize i = 0; i < G_N_ELEMENTS (never); i++)
        if (never[i].function == function && strcmp (never[i].code, code) == 0)
            return never[i].why;
    return NULL;
}

/* Several enumerations of one answer may use a name; it is listed once. */
static gboolean
is_listed_before (gsize index, const char *name)
{
    for (gsize i = 0; i < index; i++)
        if (asn1_conditions[i].function == asn1_conditions[index].function)
            for (gint64 value = 0; value <= LARGEST_VALUE; value++)
                if (g_strcmp0 (
                        rsp_schema_constant (rsp_schema (asn1_conditions[i].enumeration), value),
                        name) == 0)
                    return TRUE;
    return FALSE;
}

void
rsp_conditions_foreach (void (*func) (const RspCondition *condition, gpointer data), gpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS (json_conditions); i++)
        func (&json_conditions[i], data);
    for (gsize i = 0; i < G_N_ELEMENTS (asn1_conditions); i++) {
        const RspSchema *schema = rsp_schema (asn1_conditions[i].enumeration);
        for (gint64 value = 0; value <= LARGEST_VALUE; value++) {
            const char *name = rsp_schema_constant (schema, value);
            if (!name || strcmp (name, "ok") == 0 || is_listed_before (i, name))
                continue;
            g_autofree char *meaning =
                g_strdup_printf ("%s %" G_GINT64_FORMAT, asn1_conditions[i].meaning, value);
            func (&(RspCondition){asn1_conditions[i].function, name, meaning,
                                  why_never (asn1_conditions[i].function, name)},
                  data);
        }
    }
}
