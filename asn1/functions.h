/* The one message table: every function of every interface, once. From it come the HTTP routes,
 * the APDU dispatch, the names that faults match, the names in traces and in scenarios, and the
 * JSON bindings. Adding a function is one row here, one handler, one caller. */
#pragma once

#include <glib.h>

typedef enum {
    RSP_IF_ES2P,
    RSP_IF_ES9P,
    RSP_IF_ES11,
    RSP_IF_ES12,
    RSP_IF_ES15,
    RSP_IF_ES10A,
    RSP_IF_ES10B,
    RSP_IF_ES10C,
    RSP_IF_ES8P,
    RSP_IF_ESIPA,
    RSP_IF_ESEP,
    RSP_IF_ES6,
    RSP_IF_APDU,
    RSP_IF_NAS,
} RspInterface;

typedef enum { RSP_LEG_REQUEST, RSP_LEG_RESPONSE } RspLeg;
typedef enum { RSP_ENC_JSON, RSP_ENC_DER, RSP_ENC_APDU, RSP_ENC_RAW, RSP_ENC_NAS } RspEncoding;

typedef enum {
    RSP_BINDING_HTTP,
    RSP_BINDING_CARD,
    RSP_BINDING_NESTED,
    RSP_BINDING_APDU,
    RSP_BINDING_RADIO, /* between a device and a mobile network, without TLS */
} RspBinding;

/* How a JSON member maps to a value (json-bindings.md). */
typedef enum {
    RSP_MEMBER_TEXT,
    RSP_MEMBER_HEX,    /* octets as hex text (transactionId) */
    RSP_MEMBER_BASE64, /* DER or octets as base64 */
    RSP_MEMBER_BOOL,
    RSP_MEMBER_OBJECT, /* a JSON object, kept as its text */
    RSP_MEMBER_NUMBER, /* a JSON integer, kept as its decimal text */
    RSP_MEMBER_ARRAY,  /* a JSON array, kept as its text */
} RspMemberKind;

typedef struct {
    const char *name;
    RspMemberKind kind;
    gboolean optional;
    const char *type; /* ASN.1 type of a BASE64 member, NULL for plain octets */
} RspMember;

typedef struct {
    guint id; /* RSP_FN_… */
    RspInterface interface;
    const char *interface_name; /* "ES9+" */
    const char *name;           /* "InitiateAuthentication" */
    const char *full_name;      /* "ES9+.InitiateAuthentication" */
    RspBinding binding;
    const char *path;          /* HTTP path, or NULL */
    guint32 tag;               /* of the message in ASN.1 (0xBF38), or the carrier tag of ES8+ */
    const char *request_type;  /* ASN.1 type, or NULL; of HTTP functions: in the ASN.1 binding */
    const char *response_type; /* ASN.1 type, or NULL */
    const RspMember *request_members;  /* JSON, ended by a NULL name, or NULL */
    const RspMember *response_members; /* NULL: no body (HTTP 204) */
    gboolean new_connection; /* opens a fresh TLS connection (InitiateAuthentication) */
    const char *spec;        /* "SGP.22 5.6.1" */
} RspFunction;

/* Interfaces whose clients prove who they are at TLS and whose requests carry a header. */
static inline gboolean
rsp_interface_is_mutual (RspInterface interface)
{
    return interface == RSP_IF_ES2P || interface == RSP_IF_ES12 || interface == RSP_IF_ES15;
}

/* X (id, interface, name, binding, path, tag, request type, response type, spec) */
#define RSP_FUNCTIONS(X)                                                                           \
    X (ES2P_DOWNLOAD_ORDER, ES2P, "ES2+", "DownloadOrder", HTTP, "/gsma/rsp2/es2plus/downloadOrder", 0, NULL, NULL, "SGP.22 5.3.1") \
    X (ES2P_CONFIRM_ORDER, ES2P, "ES2+", "ConfirmOrder", HTTP, "/gsma/rsp2/es2plus/confirmOrder", 0, NULL, NULL, "SGP.22 5.3.2") \
    X (ES2P_CANCEL_ORDER, ES2P, "ES2+", "CancelOrder", HTTP, "/gsma/rsp2/es2plus/cancelOrder", 0, NULL, NULL, "SGP.22 5.3.3") \
    X (ES2P_RELEASE_PROFILE, ES2P, "ES2+", "ReleaseProfile", HTTP, "/gsma/rsp2/es2plus/releaseProfile", 0, NULL, NULL, "SGP.22 5.3.4") \
    X (ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO, ES2P, "ES2+", "HandleDownloadProgressInfo", HTTP, "/gsma/rsp2/es2plus/handleDownloadProgressInfo", 0, NULL, NULL, "SGP.22 5.3.5") \
    X (ES9P_INITIATE_AUTHENTICATION, ES9P, "ES9+", "InitiateAuthentication", HTTP, "/gsma/rsp2/es9plus/initiateAuthentication", 0xBF39, "InitiateAuthenticationRequest", "InitiateAuthenticationResponse", "SGP.22 5.6.1") \
    X (ES9P_AUTHENTICATE_CLIENT, ES9P, "ES9+", "AuthenticateClient", HTTP, "/gsma/rsp2/es9plus/authenticateClient", 0xBF3B, "AuthenticateClientRequest", "AuthenticateClientResponseEs9", "SGP.22 5.6.3") \
    X (ES9P_GET_BOUND_PROFILE_PACKAGE, ES9P, "ES9+", "GetBoundProfilePackage", HTTP, "/gsma/rsp2/es9plus/getBoundProfilePackage", 0xBF3A, "GetBoundProfilePackageRequest", "GetBoundProfilePackageResponse", "SGP.22 5.6.2") \
    X (ES9P_HANDLE_NOTIFICATION, ES9P, "ES9+", "HandleNotification", HTTP, "/gsma/rsp2/es9plus/handleNotification", 0xBF3D, "HandleNotification", NULL, "SGP.22 5.6.4") \
    X (ES9P_CANCEL_SESSION, ES9P, "ES9+", "CancelSession", HTTP, "/gsma/rsp2/es9plus/cancelSession", 0xBF41, "CancelSessionRequestEs9", "CancelSessionResponseEs9", "SGP.22 5.6.5") \
    X (ES11_INITIATE_AUTHENTICATION, ES11, "ES11", "InitiateAuthentication", HTTP, "/gsma/rsp2/es9plus/initiateAuthentication", 0, NULL, NULL, "SGP.22 5.8.1") \
    X (ES11_AUTHENTICATE_CLIENT, ES11, "ES11", "AuthenticateClient", HTTP, "/gsma/rsp2/es9plus/authenticateClient", 0, NULL, NULL, "SGP.22 5.8.2") \
    X (ES12_REGISTER_EVENT, ES12, "ES12", "RegisterEvent", HTTP, "/gsma/rsp2/es12/registerEvent", 0, NULL, NULL, "SGP.22 5.9.1") \
    X (ES12_DELETE_EVENT, ES12, "ES12", "DeleteEvent", HTTP, "/gsma/rsp2/es12/deleteEvent", 0, NULL, NULL, "SGP.22 5.9.2") \
    X (ES15_REGISTER_EVENT, ES15, "ES15", "RegisterEvent", HTTP, "/gsma/rsp2/es12/registerEvent", 0, NULL, NULL, "SGP.22 5.10.1") \
    X (ES15_DELETE_EVENT, ES15, "ES15", "DeleteEvent", HTTP, "/gsma/rsp2/es12/deleteEvent", 0, NULL, NULL, "SGP.22 5.10.2") \
    X (ES10A_GET_EUICC_CONFIGURED_ADDRESSES, ES10A, "ES10a", "GetEuiccConfiguredAddresses", CARD, NULL, 0xBF3C, "EuiccConfiguredAddressesRequest", "EuiccConfiguredAddressesResponse", "SGP.22 5.7.3") \
    X (ES10A_SET_DEFAULT_DP_ADDRESS, ES10A, "ES10a", "SetDefaultDpAddress", CARD, NULL, 0xBF3F, "SetDefaultDpAddressRequest", "SetDefaultDpAddressResponse", "SGP.22 5.7.4") \
    X (ES10B_PREPARE_DOWNLOAD, ES10B, "ES10b", "PrepareDownload", CARD, NULL, 0xBF21, "PrepareDownloadRequest", "PrepareDownloadResponse", "SGP.22 5.7.5") \
    X (ES10B_LOAD_BOUND_PROFILE_PACKAGE, ES10B, "ES10b", "LoadBoundProfilePackage", CARD, NULL, 0xBF36, "BoundProfilePackage", "ProfileInstallationResult", "SGP.22 5.7.6") \
    X (ES10B_GET_EUICC_CHALLENGE, ES10B, "ES10b", "GetEUICCChallenge", CARD, NULL, 0xBF2E, "GetEuiccChallengeRequest", "GetEuiccChallengeResponse", "SGP.22 5.7.7") \
    X (ES10B_GET_EUICC_INFO1, ES10B, "ES10b", "GetEUICCInfo1", CARD, NULL, 0xBF20, "GetEuiccInfo1Request", "EUICCInfo1", "SGP.22 5.7.8") \
    X (ES10B_GET_EUICC_INFO2, ES10B, "ES10b", "GetEUICCInfo2", CARD, NULL, 0xBF22, "GetEuiccInfo2Request", "EUICCInfo2", "SGP.22 5.7.8") \
    X (ES10B_LIST_NOTIFICATION, ES10B, "ES10b", "ListNotification", CARD, NULL, 0xBF28, "ListNotificationRequest", "ListNotificationResponse", "SGP.22 5.7.9") \
    X (ES10B_RETRIEVE_NOTIFICATIONS_LIST, ES10B, "ES10b", "RetrieveNotificationsList", CARD, NULL, 0xBF2B, "SGP32-RetrieveNotificationsListRequest", "SGP32-RetrieveNotificationsListResponse", "SGP.22 5.7.10") \
    X (ES10B_REMOVE_NOTIFICATION_FROM_LIST, ES10B, "ES10b", "RemoveNotificationFromList", CARD, NULL, 0xBF30, "NotificationSentRequest", "NotificationSentResponse", "SGP.22 5.7.11") \
    X (ES10B_LOAD_CRL, ES10B, "ES10b", "LoadCRL", CARD, NULL, 0xBF35, "LoadCRLRequest", "LoadCRLResponse", "SGP.22 5.7.12") \
    X (ES10B_AUTHENTICATE_SERVER, ES10B, "ES10b", "AuthenticateServer", CARD, NULL, 0xBF38, "AuthenticateServerRequest", "AuthenticateServerResponse", "SGP.22 5.7.13") \
    X (ES10B_CANCEL_SESSION, ES10B, "ES10b", "CancelSession", CARD, NULL, 0xBF41, "CancelSessionRequest", "CancelSessionResponse", "SGP.22 5.7.14") \
    X (ES10B_GET_RAT, ES10B, "ES10b", "GetRAT", CARD, NULL, 0xBF43, "GetRatRequest", "GetRatResponse", "SGP.22 5.7.22") \
    X (ES10B_LPAE_ACTIVATION, ES10B, "ES10b", "LpaeActivation", CARD, NULL, 0xBF42, "LpaeActivationRequest", "LpaeActivationResponse", "SGP.22 5.7.23") \
    X (ES10C_GET_PROFILES_INFO, ES10C, "ES10c", "GetProfilesInfo", CARD, NULL, 0xBF2D, "ProfileInfoListRequest", "ProfileInfoListResponse", "SGP.22 5.7.15") \
    X (ES10C_ENABLE_PROFILE, ES10C, "ES10c", "EnableProfile", CARD, NULL, 0xBF31, "EnableProfileRequest", "EnableProfileResponse", "SGP.22 5.7.16") \
    X (ES10C_DISABLE_PROFILE, ES10C, "ES10c", "DisableProfile", CARD, NULL, 0xBF32, "DisableProfileRequest", "DisableProfileResponse", "SGP.22 5.7.17") \
    X (ES10C_DELETE_PROFILE, ES10C, "ES10c", "DeleteProfile", CARD, NULL, 0xBF33, "DeleteProfileRequest", "DeleteProfileResponse", "SGP.22 5.7.18") \
    X (ES10C_EUICC_MEMORY_RESET, ES10C, "ES10c", "eUICCMemoryReset", CARD, NULL, 0xBF34, "EuiccMemoryResetRequest", "EuiccMemoryResetResponse", "SGP.22 5.7.19") \
    X (ES10C_GET_EID, ES10C, "ES10c", "GetEID", CARD, NULL, 0xBF3E, "GetEuiccDataRequest", "GetEuiccDataResponse", "SGP.22 5.7.20") \
    X (ES10C_SET_NICKNAME, ES10C, "ES10c", "SetNickname", CARD, NULL, 0xBF29, "SetNicknameRequest", "SetNicknameResponse", "SGP.22 5.7.21") \
    X (ES8P_INITIALISE_SECURE_CHANNEL, ES8P, "ES8+", "InitialiseSecureChannel", NESTED, NULL, 0xBF23, "InitialiseSecureChannelRequest", NULL, "SGP.22 5.5.1") \
    X (ES8P_CONFIGURE_ISDP, ES8P, "ES8+", "ConfigureISDP", NESTED, NULL, 0xA0, "ConfigureISDPRequest", NULL, "SGP.22 5.5.2") \
    X (ES8P_STORE_METADATA, ES8P, "ES8+", "StoreMetadata", NESTED, NULL, 0xA1, "StoreMetadataRequest", NULL, "SGP.22 5.5.3") \
    X (ES8P_REPLACE_SESSION_KEYS, ES8P, "ES8+", "ReplaceSessionKeys", NESTED, NULL, 0xA2, "ReplaceSessionKeysRequest", NULL, "SGP.22 5.5.4") \
    X (ES8P_LOAD_PROFILE_ELEMENTS, ES8P, "ES8+", "LoadProfileElements", NESTED, NULL, 0xA3, NULL, NULL, "SGP.22 5.5.5") \
    X (ES10B_LOAD_EUICC_PACKAGE, ES10B, "ES10b", "LoadEuiccPackage", CARD, NULL, 0xBF51, "EuiccPackageRequest", "EuiccPackageResult", "SGP.32 5.9.1") \
    X (ES10B_ADD_INITIAL_EIM, ES10B, "ES10b", "AddInitialEim", CARD, NULL, 0xBF57, "AddInitialEimRequest", "AddInitialEimResponse", "SGP.32 5.9.4") \
    X (ES10B_EUICC_MEMORY_RESET, ES10B, "ES10b", "eUICCMemoryReset", CARD, NULL, 0xBF64, "SGP32-EuiccMemoryResetRequest", "SGP32-EuiccMemoryResetResponse", "SGP.32 5.9") \
    X (ES10B_GET_CERTS, ES10B, "ES10b", "GetCerts", CARD, NULL, 0xBF56, "GetCertsRequest", "GetCertsResponse", "SGP.32 5.9.10") \
    X (ES10B_IMMEDIATE_ENABLE, ES10B, "ES10b", "ImmediateEnable", CARD, NULL, 0xBF5A, "ImmediateEnableRequest", "ImmediateEnableResponse", "SGP.32 5.9.15") \
    X (ES10B_PROFILE_ROLLBACK, ES10B, "ES10b", "ProfileRollback", CARD, NULL, 0xBF58, "ProfileRollbackRequest", "ProfileRollbackResponse", "SGP.32 5.9.16") \
    X (ES10B_CONFIGURE_IMMEDIATE_PROFILE_ENABLING, ES10B, "ES10b", "ConfigureImmediateProfileEnabling", CARD, NULL, 0xBF59, "ConfigureImmediateProfileEnablingRequest", "ConfigureImmediateProfileEnablingResponse", "SGP.32 5.9.17") \
    X (ES10B_GET_EIM_CONFIGURATION_DATA, ES10B, "ES10b", "GetEimConfigurationData", CARD, NULL, 0xBF55, "GetEimConfigurationDataRequest", "GetEimConfigurationDataResponse", "SGP.32 5.9.18") \
    X (ES10B_EXECUTE_FALLBACK_MECHANISM, ES10B, "ES10b", "ExecuteFallbackMechanism", CARD, NULL, 0xBF5D, "ExecuteFallbackMechanismRequest", "ExecuteFallbackMechanismResponse", "SGP.32 5.9.20") \
    X (ES10B_RETURN_FROM_FALLBACK, ES10B, "ES10b", "ReturnFromFallback", CARD, NULL, 0xBF5E, "ReturnFromFallbackRequest", "ReturnFromFallbackResponse", "SGP.32 5.9.21") \
    X (ES10B_ENABLE_EMERGENCY_PROFILE, ES10B, "ES10b", "EnableEmergencyProfile", CARD, NULL, 0xBF5B, "EnableEmergencyProfileRequest", "EnableEmergencyProfileResponse", "SGP.32 5.9") \
    X (ES10B_DISABLE_EMERGENCY_PROFILE, ES10B, "ES10b", "DisableEmergencyProfile", CARD, NULL, 0xBF5C, "DisableEmergencyProfileRequest", "DisableEmergencyProfileResponse", "SGP.32 5.9") \
    X (ES10B_GET_CONNECTIVITY_PARAMETERS, ES10B, "ES10b", "GetConnectivityParameters", CARD, NULL, 0xBF5F, "GetConnectivityParametersRequest", "GetConnectivityParametersResponse", "SGP.32 5.9") \
    X (ES10B_SET_DEFAULT_DP_ADDRESS, ES10B, "ES10b", "SetDefaultDpAddress", CARD, NULL, 0xBF65, "SGP32-SetDefaultDpAddressRequest", "SGP32-SetDefaultDpAddressResponse", "SGP.32 5.9") \
    X (ESIPA_INITIATE_AUTHENTICATION, ESIPA, "ESipa", "InitiateAuthentication", HTTP, "/gsma/rsp2/esipa/initiateAuthentication", 0xBF39, "InitiateAuthenticationRequestEsipa", "InitiateAuthenticationResponseEsipa", "SGP.32 5.14.1") \
    X (ESIPA_GET_BOUND_PROFILE_PACKAGE, ESIPA, "ESipa", "GetBoundProfilePackage", HTTP, "/gsma/rsp2/esipa/getBoundProfilePackage", 0xBF3A, "GetBoundProfilePackageRequestEsipa", "GetBoundProfilePackageResponseEsipa", "SGP.32 5.14.2") \
    X (ESIPA_AUTHENTICATE_CLIENT, ESIPA, "ESipa", "AuthenticateClient", HTTP, "/gsma/rsp2/esipa/authenticateClient", 0xBF3B, "AuthenticateClientRequestEsipa", "AuthenticateClientResponseEsipa", "SGP.32 5.14.3") \
    X (ESIPA_TRANSFER_EIM_PACKAGE, ESIPA, "ESipa", "TransferEimPackage", HTTP, "/gsma/rsp2/esipa/transferEimPackage", 0xBF4E, "TransferEimPackageRequest", "TransferEimPackageResponse", "SGP.32 5.14.4") \
    X (ESIPA_GET_EIM_PACKAGE, ESIPA, "ESipa", "GetEimPackage", HTTP, "/gsma/rsp2/esipa/getEimPackage", 0xBF4F, "GetEimPackageRequest", "GetEimPackageResponse", "SGP.32 5.14.5") \
    X (ESIPA_PROVIDE_EIM_PACKAGE_RESULT, ESIPA, "ESipa", "ProvideEimPackageResult", HTTP, "/gsma/rsp2/esipa/provideEimPackageResult", 0xBF50, "ProvideEimPackageResult", "ProvideEimPackageResultResponse", "SGP.32 5.14.6") \
    X (ESIPA_HANDLE_NOTIFICATION, ESIPA, "ESipa", "HandleNotification", HTTP, "/gsma/rsp2/esipa/handleNotification", 0xBF3D, "HandleNotificationEsipa", NULL, "SGP.32 5.14.7") \
    X (ESIPA_CANCEL_SESSION, ESIPA, "ESipa", "CancelSession", HTTP, "/gsma/rsp2/esipa/cancelSession", 0xBF41, "CancelSessionRequestEsipa", "CancelSessionResponseEsipa", "SGP.32 5.14.8") \
    X (ESEP_ENABLE, ESEP, "ESep", "Enable", NESTED, NULL, 0xA3, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_DISABLE, ESEP, "ESep", "Disable", NESTED, NULL, 0xA4, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_DELETE, ESEP, "ESep", "Delete", NESTED, NULL, 0xA5, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_LIST_PROFILE_INFO, ESEP, "ESep", "ListProfileInfo", NESTED, NULL, 0xBF2D, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_GET_RAT, ESEP, "ESep", "GetRAT", NESTED, NULL, 0xA6, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_CONFIGURE_IMMEDIATE_ENABLE, ESEP, "ESep", "ConfigureImmediateEnable", NESTED, NULL, 0xA7, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_SET_FALLBACK_ATTRIBUTE, ESEP, "ESep", "SetFallbackAttribute", NESTED, NULL, 0xA8, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_UNSET_FALLBACK_ATTRIBUTE, ESEP, "ESep", "UnsetFallbackAttribute", NESTED, NULL, 0xA9, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_SET_DEFAULT_DP_ADDRESS, ESEP, "ESep", "SetDefaultDpAddress", NESTED, NULL, 0xBF65, "Psmo", "EuiccResultData", "SGP.32 2.11.1.1.3") \
    X (ESEP_ADD_EIM, ESEP, "ESep", "AddEim", NESTED, NULL, 0xA8, "Eco", "EuiccResultData", "SGP.32 2.11.1.1.2") \
    X (ESEP_DELETE_EIM, ESEP, "ESep", "DeleteEim", NESTED, NULL, 0xA9, "Eco", "EuiccResultData", "SGP.32 2.11.1.1.2") \
    X (ESEP_UPDATE_EIM, ESEP, "ESep", "UpdateEim", NESTED, NULL, 0xAA, "Eco", "EuiccResultData", "SGP.32 2.11.1.1.2") \
    X (ESEP_LIST_EIM, ESEP, "ESep", "ListEim", NESTED, NULL, 0xAB, "Eco", "EuiccResultData", "SGP.32 2.11.1.1.2") \
    X (ES6_UPDATE_METADATA, ES6, "ES6", "UpdateMetadata", CARD, NULL, 0, NULL, NULL, "SGP.22 5.4.1") \
    X (APDU_TRANSMIT, APDU, "APDU", "Transmit", APDU, NULL, 0, NULL, NULL, "ETSI TS 102 221 10") \
    X (NAS_ATTACH_REQUEST, NAS, "NAS", "AttachRequest", RADIO, NULL, 0, NULL, NULL, "3GPP TS 24.301 8.2.4") \
    X (NAS_REGISTRATION_REQUEST, NAS, "NAS", "RegistrationRequest", RADIO, NULL, 0, NULL, NULL, "3GPP TS 24.501 8.2.6") \
    X (NAS_AUTHENTICATION_RESPONSE, NAS, "NAS", "AuthenticationResponse", RADIO, NULL, 0, NULL, NULL, "3GPP TS 24.301 8.2.8") \
    X (NAS_AUTHENTICATION_FAILURE, NAS, "NAS", "AuthenticationFailure", RADIO, NULL, 0, NULL, NULL, "3GPP TS 24.301 8.2.5")

typedef enum {
#define X(id, ...) RSP_FN_##id,
    RSP_FUNCTIONS (X)
#undef X
        RSP_FN_COUNT
} RspFunctionId;

const RspFunction *rsp_function (RspFunctionId id);
const RspFunction *rsp_function_by_name (const char *full_name); /* NULL if unknown */
/* Interfaces may share a path: INTERFACES is a set of 1u << RSP_IF_… that the server offers, 0 any.
 * NULL if unknown. */
const RspFunction *rsp_function_by_path (const char *http_path, guint interfaces);
const RspFunction *rsp_function_by_tag (guint32 tag);            /* ES10 command; NULL if unknown */

/* The ASN.1 binding of HTTP functions (SGP.22 6.3, SGP.32 6.3): one path for all. What is asked for
 * is found in the body: ESipa by its first tag, ES9+ inside of RemoteProfileProvisioningRequest
 * (A2). NULL if unknown. */
#define RSP_REMOTE_PROVISIONING_TAG 0xA2u
#define RSP_ASN1_PATH "/gsma/rsp2/asn1"
#define RSP_ASN1_CONTENT_TYPE "application/x-gsma-rsp-asn1"
const RspFunction *rsp_function_by_asn1 (const guint8 *body, gsize len);

/* How it is usually encoded: ESipa and cards in DER, other HTTP functions in JSON. */
RspEncoding rsp_function_encoding (const RspFunction *fn);
/* All full names, NULL-terminated, for suggestions. */
const char *const *rsp_function_names (void);
