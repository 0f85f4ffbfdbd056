#include "asn1/functions.h"

#include <string.h>

#include "asn1/tlv.h"

#define TEXT(name)                                                                                 \
    {                                                                                              \
        name, RSP_MEMBER_TEXT, FALSE, NULL                                                         \
    }
#define TEXT_OPT(name)                                                                             \
    {                                                                                              \
        name, RSP_MEMBER_TEXT, TRUE, NULL                                                          \
    }
#define NUMBER(name)                                                                               \
    {                                                                                              \
        name, RSP_MEMBER_NUMBER, FALSE, NULL                                                       \
    }
#define FLAG(name)                                                                                 \
    {                                                                                              \
        name, RSP_MEMBER_BOOL, FALSE, NULL                                                         \
    }
#define NUMBER_OPT(name)                                                                           \
    {                                                                                              \
        name, RSP_MEMBER_NUMBER, TRUE, NULL                                                        \
    }
#define FLAG_OPT(name)                                                                             \
    {                                                                                              \
        name, RSP_MEMBER_BOOL, TRUE, NULL                                                          \
    }
#define HEX_OPT(name)                                                                              \
    {                                                                                              \
        name, RSP_MEMBER_HEX, TRUE, NULL                                                           \
    }
#define HEX(name)                                                                                  \
    {                                                                                              \
        name, RSP_MEMBER_HEX, FALSE, NULL                                                          \
    }
#define BASE64(name, type)                                                                         \
    {                                                                                              \
        name, RSP_MEMBER_BASE64, FALSE, type                                                       \
    }
#define BASE64_OPT(name, type)                                                                     \
    {                                                                                              \
        name, RSP_MEMBER_BASE64, TRUE, type                                                        \
    }
#define OBJECT(name)                                                                               \
    {                                                                                              \
        name, RSP_MEMBER_OBJECT, FALSE, NULL                                                       \
    }
#define ARRAY(name)                                                                                \
    {                                                                                              \
        name, RSP_MEMBER_ARRAY, FALSE, NULL                                                        \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL                                                                                       \
    }

static const RspMember nothing[] = {END};

static const RspMember download_order_request[] = {TEXT_OPT ("eid"), TEXT_OPT ("iccid"),
                                                   TEXT_OPT ("profileType"), END};
static const RspMember download_order_response[] = {TEXT ("iccid"), END};
static const RspMember confirm_order_request[] = {TEXT ("iccid"),
                                                  TEXT_OPT ("eid"),
                                                  TEXT_OPT ("matchingId"),
                                                  TEXT_OPT ("confirmationCode"),
                                                  TEXT_OPT ("smdsAddress"),
                                                  FLAG ("releaseFlag"),
                                                  END};
static const RspMember confirm_order_response[] = {TEXT_OPT ("eid"), TEXT ("matchingId"),
                                                   TEXT_OPT ("smdpAddress"), END};
static const RspMember cancel_order_request[] = {TEXT ("iccid"), TEXT_OPT ("eid"),
                                                 TEXT_OPT ("matchingId"),
                                                 TEXT ("finalProfileStatusIndicator"), END};
static const RspMember release_profile_request[] = {TEXT ("iccid"), END};
static const RspMember progress_info_request[] = {TEXT_OPT ("eid"),
                                                  TEXT ("iccid"),
                                                  TEXT ("profileType"),
                                                  TEXT ("timestamp"),
                                                  NUMBER ("notificationPointId"),
                                                  OBJECT ("notificationPointStatus"),
                                                  BASE64_OPT ("resultData", NULL),
                                                  END};

static const RspMember initiate_authentication_request[] = {BASE64 ("euiccChallenge", NULL),
                                                            BASE64 ("euiccInfo1", "EUICCInfo1"),
                                                            TEXT ("smdpAddress"), END};
static const RspMember initiate_authentication_response[] = {
    HEX ("transactionId"),
    BASE64 ("serverSigned1", "ServerSigned1"),
    BASE64 ("serverSignature1", "RspSignature"),
    BASE64 ("euiccCiPKIdToBeUsed", "SubjectKeyIdentifier"),
    BASE64 ("serverCertificate", "Certificate"),
    END};
static const RspMember authenticate_client_request[] = {
    HEX ("transactionId"), BASE64 ("authenticateServerResponse", "AuthenticateServerResponse"),
    END};
static const RspMember authenticate_client_response[] = {
    HEX ("transactionId"),
    BASE64 ("profileMetadata", "StoreMetadataRequest"),
    BASE64 ("smdpSigned2", "SmdpSigned2"),
    BASE64 ("smdpSignature2", "RspSignature"),
    BASE64 ("smdpCertificate", "Certificate"),
    END};
static const RspMember get_bound_profile_package_request[] = {
    HEX ("transactionId"), BASE64 ("prepareDownloadResponse", "PrepareDownloadResponse"), END};
static const RspMember get_bound_profile_package_response[] = {
    HEX ("transactionId"), BASE64 ("boundProfilePackage", "BoundProfilePackage"), END};
static const RspMember cancel_session_request[] = {
    HEX ("transactionId"), BASE64 ("cancelSessionResponse", "CancelSessionResponse"), END};
static const RspMember handle_notification_request[] = {
    BASE64 ("pendingNotification", "PendingNotification"), END};

/* ESipa (SGP.32 6.4.1). An answer that is an error in ASN.1 is a Failed status here, but where the
 * error has a member of its own. */
static const RspMember esipa_initiate_authentication_request[] = {
    BASE64 ("euiccChallenge", NULL), TEXT_OPT ("smdpAddress"),
    BASE64_OPT ("euiccInfo1", "EUICCInfo1"), HEX_OPT ("eimTransactionId"), END};
static const RspMember esipa_initiate_authentication_response[] = {
    HEX_OPT ("transactionId"),
    BASE64 ("serverSigned1", "ServerSigned1"),
    BASE64 ("serverSignature1", "RspSignature"),
    BASE64 ("euiccCiPKIdentifierToBeUsed", "SubjectKeyIdentifier"),
    BASE64 ("serverCertificate", "Certificate"),
    TEXT_OPT ("matchingId"),
    BASE64_OPT ("ctxParams1", "CtxParams1"),
    END};
static const RspMember esipa_authenticate_client_request[] = {
    HEX ("transactionId"),
    BASE64 ("authenticateServerResponse", "SGP32-AuthenticateServerResponse"), END};
static const RspMember esipa_authenticate_client_response[] = {
    HEX_OPT ("transactionId"),
    BASE64_OPT ("profileMetadata", "StoreMetadataRequest"),
    BASE64_OPT ("smdpSigned2", "SmdpSigned2"),
    BASE64_OPT ("smdpSignature2", "RspSignature"),
    BASE64_OPT ("smdpCertificate", "Certificate"),
    BASE64_OPT ("hashCc", NULL),
    BASE64_OPT ("profileDownloadTrigger", "ProfileDownloadTriggerRequest"),
    END};
static const RspMember esipa_get_bound_profile_package_request[] = {
    HEX ("transactionId"), BASE64 ("prepareDownloadResponse", "SGP32-PrepareDownloadResponse"),
    END};
static const RspMember esipa_get_bound_profile_package_response[] = {
    HEX_OPT ("transactionId"), BASE64 ("boundProfilePackage", "BoundProfilePackage"), END};
static const RspMember transfer_eim_package_request[] = {
    BASE64_OPT ("euiccPackageRequest", "EuiccPackageRequest"),
    BASE64_OPT ("ipaEuiccDataRequest", "IpaEuiccDataRequest"),
    BASE64_OPT ("eimAcknowledgements", "EimAcknowledgements"),
    BASE64_OPT ("profileDownloadTriggerRequest", "ProfileDownloadTriggerRequest"), END};
static const RspMember transfer_eim_package_response[] = {
    BASE64_OPT ("euiccPackageResult", "EuiccPackageResult"),
    BASE64_OPT ("ePRAndNotifications", "EPRAndNotifications"),
    BASE64_OPT ("ipaEuiccDataResponse", "IpaEuiccDataResponse"),
    FLAG_OPT ("eimPackageReceived"),
    NUMBER_OPT ("eimPackageError"),
    END};
static const RspMember get_eim_package_request[] = {
    TEXT ("eidValue"), FLAG_OPT ("notifyStateChange"), NUMBER_OPT ("stateChangeCause"),
    BASE64_OPT ("rPlmn", NULL), END};
static const RspMember get_eim_package_response[] = {
    BASE64_OPT ("euiccPackageRequest", "EuiccPackageRequest"),
    BASE64_OPT ("ipaEuiccDataRequest", "IpaEuiccDataRequest"),
    BASE64_OPT ("profileDownloadTriggerRequest", "ProfileDownloadTriggerRequest"),
    NUMBER_OPT ("eimPackageError"), END};
static const RspMember provide_eim_package_result_request[] = {
    TEXT_OPT ("eidValue"), BASE64 ("eimPackageResult", "EimPackageResult"), END};
static const RspMember provide_eim_package_result_response[] = {
    BASE64_OPT ("eimAcknowledgements", "EimAcknowledgements"), END};
static const RspMember esipa_handle_notification_request[] = {
    BASE64_OPT ("pendingNotification", "SGP32-PendingNotification"),
    BASE64_OPT ("provideEimPackageResult", "ProvideEimPackageResult"), END};

static const RspMember discovery_response[] = {HEX ("transactionId"), ARRAY ("eventEntries"), END};
static const RspMember register_event_request[] = {
    TEXT ("eid"), TEXT ("rspServerAddress"), TEXT ("eventId"), FLAG ("forwardingIndicator"), END};
static const RspMember delete_event_request[] = {TEXT ("eid"), TEXT ("eventId"), END};

/* A reply of NULL has no body (HTTP 204); one of `nothing` has the header alone. */
static const struct {
    const RspMember *request, *response;
} members[RSP_FN_COUNT] = {
    [RSP_FN_ES2P_DOWNLOAD_ORDER] = {download_order_request, download_order_response},
    [RSP_FN_ES2P_CONFIRM_ORDER] = {confirm_order_request, confirm_order_response},
    [RSP_FN_ES2P_CANCEL_ORDER] = {cancel_order_request, nothing},
    [RSP_FN_ES2P_RELEASE_PROFILE] = {release_profile_request, nothing},
    [RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO] = {progress_info_request, NULL},
    [RSP_FN_ES9P_INITIATE_AUTHENTICATION] = {initiate_authentication_request,
                                             initiate_authentication_response},
    [RSP_FN_ES9P_AUTHENTICATE_CLIENT] = {authenticate_client_request, authenticate_client_response},
    [RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE] = {get_bound_profile_package_request,
                                               get_bound_profile_package_response},
    [RSP_FN_ES9P_HANDLE_NOTIFICATION] = {handle_notification_request, NULL},
    [RSP_FN_ES9P_CANCEL_SESSION] = {cancel_session_request, nothing},
    [RSP_FN_ESIPA_INITIATE_AUTHENTICATION] = {esipa_initiate_authentication_request,
                                              esipa_initiate_authentication_response},
    [RSP_FN_ESIPA_AUTHENTICATE_CLIENT] = {esipa_authenticate_client_request,
                                          esipa_authenticate_client_response},
    [RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE] = {esipa_get_bound_profile_package_request,
                                                esipa_get_bound_profile_package_response},
    [RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE] = {transfer_eim_package_request,
                                           transfer_eim_package_response},
    [RSP_FN_ESIPA_GET_EIM_PACKAGE] = {get_eim_package_request, get_eim_package_response},
    [RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT] = {provide_eim_package_result_request,
                                                 provide_eim_package_result_response},
    [RSP_FN_ESIPA_HANDLE_NOTIFICATION] = {esipa_handle_notification_request, NULL},
    [RSP_FN_ESIPA_CANCEL_SESSION] = {cancel_session_request, nothing},
    [RSP_FN_ES11_INITIATE_AUTHENTICATION] = {initiate_authentication_request,
                                             initiate_authentication_response},
    [RSP_FN_ES11_AUTHENTICATE_CLIENT] = {authenticate_client_request, discovery_response},
    [RSP_FN_ES12_REGISTER_EVENT] = {register_event_request, nothing},
    [RSP_FN_ES12_DELETE_EVENT] = {delete_event_request, nothing},
    [RSP_FN_ES15_REGISTER_EVENT] = {register_event_request, nothing},
    [RSP_FN_ES15_DELETE_EVENT] = {delete_event_request, nothing},
};

/* Initialisers take constants only, so the member lists are joined in on first use. */
static RspFunction table[RSP_FN_COUNT] = {
#define X(row, iface, iface_name, fn_name, fn_binding, fn_path, fn_tag, req, resp, fn_spec)        \
    [RSP_FN_##row] = {.id = RSP_FN_##row,                                                          \
                      .interface = RSP_IF_##iface,                                                 \
                      .interface_name = iface_name,                                                \
                      .name = fn_name,                                                             \
                      .full_name = iface_name "." fn_name,                                         \
                      .binding = RSP_BINDING_##fn_binding,                                         \
                      .path = fn_path,                                                             \
                      .tag = fn_tag,                                                               \
                      .request_type = req,                                                         \
                      .response_type = resp,                                                       \
                      .new_connection = RSP_FN_##row == RSP_FN_ES9P_INITIATE_AUTHENTICATION ||     \
                                        RSP_FN_##row == RSP_FN_ES11_INITIATE_AUTHENTICATION,       \
                      .spec = fn_spec},
    RSP_FUNCTIONS (X)
#undef X
};
static const char *names[RSP_FN_COUNT + 1];

static const RspFunction *
functions (void)
{
    static gsize done;
    if (g_once_init_enter (&done)) {
        for (guint i = 0; i < RSP_FN_COUNT; i++) {
            table[i].request_members = members[i].request;
            table[i].response_members = members[i].response;
            names[i] = table[i].full_name;
        }
        g_once_init_leave (&done, 1);
    }
    return table;
}

const RspFunction *
rsp_function (RspFunctionId id)
{
    g_assert ((guint)id < RSP_FN_COUNT);
    return &functions ()[id];
}

const RspFunction *
rsp_function_by_name (const char *full_name)
{
    const RspFunction *all = functions ();
    for (guint i = 0; i < RSP_FN_COUNT; i++)
        if (strcmp (all[i].full_name, full_name) == 0)
            return &all[i];
    return NULL;
}

const RspFunction *
rsp_function_by_path (const char *http_path, guint interfaces)
{
    const RspFunction *all = functions ();
    for (guint i = 0; i < RSP_FN_COUNT; i++)
        if (all[i].path && strcmp (all[i].path, http_path) == 0 &&
            (!interfaces || (interfaces & 1u << all[i].interface)))
            return &all[i];
    return NULL;
}

const RspFunction *
rsp_function_by_tag (guint32 tag)
{
    const RspFunction *all = functions ();
    for (guint i = 0; tag && i < RSP_FN_COUNT; i++)
        if (all[i].binding == RSP_BINDING_CARD && all[i].tag == tag)
            return &all[i];
    return NULL;
}

const RspFunction *
rsp_function_by_asn1 (const guint8 *body, gsize len)
{
    RspSlice in = RSP_SLICE (body, len);
    RspTlv tlv, inner;
    RspInterface interface = RSP_IF_ESIPA;
    if (rsp_tlv_next (&in, &tlv) != RSP_TLV_OK || in.len > 0)
        return NULL;
    if (tlv.tag == RSP_REMOTE_PROVISIONING_TAG) {
        interface = RSP_IF_ES9P;
        if (rsp_tlv_next (&tlv.value, &inner) != RSP_TLV_OK || tlv.value.len > 0)
            return NULL;
        tlv = inner;
    }
    const RspFunction *all = functions ();
    for (guint i = 0; i < RSP_FN_COUNT; i++)
        if (all[i].interface == interface && all[i].tag == tlv.tag)
            return &all[i];
    return NULL;
}

RspEncoding
rsp_function_encoding (const RspFunction *fn)
{
    switch (fn->binding) {
    case RSP_BINDING_HTTP:
        return fn->interface == RSP_IF_ESIPA ? RSP_ENC_DER : RSP_ENC_JSON;
    case RSP_BINDING_CARD:
    case RSP_BINDING_NESTED:
        return fn->interface == RSP_IF_ES6 ? RSP_ENC_RAW : RSP_ENC_DER;
    case RSP_BINDING_APDU:
        return RSP_ENC_APDU;
    case RSP_BINDING_RADIO:
        return RSP_ENC_NAS;
    }
    g_assert_not_reached ();
}

const char *const *
rsp_function_names (void)
{
    functions ();
    return names;
}
