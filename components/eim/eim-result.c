/* What comes back for a package: verified over the received octets, written down, acknowledged
 * (SGP.32 2.11.2, 5.14.6). A result that is not signed by the eUICC of the package changes nothing.
 */
#include "asn1/ids.h"
#include "components/eim/eim-private.h"
#include "pki/chain.h"

#include <string.h>

typedef struct {
    RspEim *eim;
    RspEimDevice *device;
    RspEimPackage *package;
    const char *asker;
    GArray *acks;
    GError **error;
} Taking;

/* --- writing down --- */

static gboolean
finish (Taking *t, RspEimState state, const char *result)
{
    RspEimPackage *p = t->package;
    const char *from = rsp_eim_state_name (p->state);
    p->state = state;
    g_free (p->result);
    p->result = g_strdup (result);
    if (!rsp_eim_update_package (t->eim, p, t->error))
        return FALSE;
    rsp_eim_note_change (t->eim, p, from);
    return TRUE;
}

/* Written down with the state that it makes. */
static void
keep (Taking *t, RspSlice answer)
{
    g_clear_pointer (&t->package->answer, g_bytes_unref);
    t->package->answer = rsp_slice_to_bytes (answer);
}

static char *
code_name (const char *type, gint64 value)
{
    const char *name = rsp_code_name (type, value);
    return name ? g_strdup (name) : g_strdup_printf ("%s %" G_GINT64_FORMAT, type, value);
}

/* --- one operation --- */

static const struct {
    const char *choice, *type;
} plain_results[] = {
    {"enableResult", "EnableProfileResult"},
    {"disableResult", "DisableProfileResult"},
    {"deleteResult", "DeleteProfileResult"},
    {"configureImmediateEnableResult", "ConfigureImmediateEnableResult"},
    {"deleteEimResult", "DeleteEimResult"},
    {"updateEimResult", "UpdateEimResult"},
    {"rollbackResult", "RollbackProfileResult"},
    {"setFallbackAttributeResult", "SetFallbackAttributeResult"},
    {"unsetFallbackAttributeResult", "UnsetFallbackAttributeResult"},
    {"processingTerminated", "ProcessingTerminated"},
};

char *
rsp_eim_result_name (const RspAsn1 *result, const char *base)
{
    const char *choice = rsp_asn1_choice (result, base);
    g_autofree char *path = g_strconcat (base, ".", choice, NULL);
    for (guint i = 0; i < G_N_ELEMENTS (plain_results); i++)
        if (strcmp (choice, plain_results[i].choice) == 0)
            return code_name (plain_results[i].type, rsp_asn1_int (result, path, 127));
    static const struct {
        const char *choice, *error, *type;
    } nested[] = {
        {"listProfileInfoResult", "profileInfoListError", "SGP32-ProfileInfoListError"},
        {"addEimResult", "addEimResultCode", "AddEimResultCode"},
        {"listEimResult", "listEimError", "ListEimError"},
        {"setDefaultDpAddressResult", "setDefaultDpAddressResult",
         "SGP32-SetDefaultDpAddressResponse.setDefaultDpAddressResult"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (nested); i++)
        if (strcmp (choice, nested[i].choice) == 0) {
            g_autofree char *deeper = g_strconcat (path, ".", nested[i].error, NULL);
            gint64 value = rsp_asn1_has (result, deeper) ? rsp_asn1_int (result, deeper, 127) : 0;
            return value == 0 ? g_strdup ("ok") : code_name (nested[i].type, value);
        }
    return g_strdup ("ok");
}

/* lastEimDeleted is a success that says more. */
static gboolean
is_success (const char *name)
{
    return strcmp (name, "ok") == 0 || strcmp (name, "lastEimDeleted") == 0;
}

/* The content of the Nth operation of the package. */
static RspSlice
operation_of (const RspEimPackage *p, guint nth)
{
    RspSlice rest = rsp_slice_of (p->body);
    RspTlv operation;
    for (guint i = 0; rsp_tlv_next (&rest, &operation) == RSP_TLV_OK; i++)
        if (i == nth)
            return operation.value;
    return RSP_SLICE (NULL, 0);
}

/* The ICCID of the Nth operation of the package. (transfer full) (nullable) */
static char *
operand (const RspEimPackage *p, guint nth)
{
    RspTlv iccid;
    return rsp_tlv_find (operation_of (p, nth), 0x5A, &iccid) ? rsp_iccid_from_octets (iccid.value)
                                                              : NULL;
}

static gboolean
note_list (Taking *t, const RspAsn1 *result, const char *base)
{
    g_autofree char *list = g_strconcat (base, ".listProfileInfoResult.profileInfoListOk", NULL);
    guint n = rsp_asn1_count (result, list);
    if (!rsp_eim_drop_profiles (t->eim, t->package->eid, t->error))
        return FALSE;
    for (guint i = 1; i <= n; i++) {
        g_autofree char *iccid_path = g_strdup_printf ("%s.?%u.iccid", list, i);
        g_autofree char *state_path = g_strdup_printf ("%s.?%u.profileState", list, i);
        g_autofree char *iccid = rsp_iccid_from_octets (rsp_asn1_octets (result, iccid_path));
        if (iccid && !rsp_eim_put_profile (t->eim, t->package->eid, iccid,
                                           rsp_asn1_int (result, state_path, 0) == 1, t->error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
note_enabled (Taking *t, const char *iccid)
{
    RspEimPackage *p = t->package;
    if (!p->before)
        p->before = rsp_eim_enabled (t->eim, p->eid, t->error);
    return p->before && rsp_eim_disable_all (t->eim, p->eid, t->error) &&
           rsp_eim_put_profile (t->eim, p->eid, iccid, TRUE, t->error);
}

/* The card is where it was before the enabling. */
static gboolean
note_rollback (Taking *t)
{
    const RspEimPackage *p = t->package;
    if (!p->before)
        return TRUE;
    if (!*p->before)
        return rsp_eim_drop_profiles (t->eim, p->eid, t->error);
    return rsp_eim_disable_all (t->eim, p->eid, t->error) &&
           rsp_eim_put_profile (t->eim, p->eid, p->before, TRUE, t->error);
}

/* What a successful operation says of the card's profiles. */
static gboolean
note_success (Taking *t, const RspAsn1 *result, const char *base, const char *choice, guint nth)
{
    const char *eid = t->package->eid;
    g_autofree char *iccid = operand (t->package, nth);
    if (strcmp (choice, "listProfileInfoResult") == 0) /* of some profiles, or of some tags: no */
        return operation_of (t->package, nth).len > 0 || note_list (t, result, base);
    if (!iccid)
        return TRUE;
    if (strcmp (choice, "enableResult") == 0)
        return note_enabled (t, iccid);
    if (strcmp (choice, "disableResult") == 0)
        return rsp_eim_put_profile (t->eim, eid, iccid, FALSE, t->error);
    if (strcmp (choice, "deleteResult") == 0)
        return rsp_eim_drop_profile (t->eim, eid, iccid, t->error);
    return TRUE;
}

/* --- eUICC package results --- */

/* Over DATA and, for package results, the association token; no key, no trust. */
static gboolean
verify (Taking *t, RspSlice data, gboolean with_token, RspSlice signature)
{
    g_autoptr (RspPublic) key =
        t->device->point ? rsp_public_from_point (rsp_slice_of (t->device->point), NULL) : NULL;
    g_autoptr (GByteArray) token = g_byte_array_new ();
    if (with_token && t->device->emulated) {
        rsp_actor_crypto_result (t->eim->actor, "verify", "PK.EUICC", "emulated");
        return TRUE;
    }
    if (with_token)
        rsp_eim_put_token (token, t->device->token);
    RspSlice parts[] = {data, RSP_SLICE (token->data, token->len)};
    gboolean good = key && rsp_public_verify (key, parts, G_N_ELEMENTS (parts), signature);
    rsp_actor_crypto (t->eim->actor, "verify", "PK.EUICC", good);
    return good;
}

#define DATA "euiccPackageResultSigned.euiccPackageResultDataSigned"

/* What the IPA alone has said of a package gives way to what its eUICC has signed, as long as no
 * later package has changed more. */
static gboolean
gives_way (const Taking *t)
{
    const RspEimPackage *p = t->package;
    gboolean later = FALSE;
    if (p->state != RSP_EIM_FAILED || g_strcmp0 (p->result, "undefinedError") != 0)
        return FALSE;
    sqlite3_stmt *stmt = rsp_store_bind (
        t->eim->store,
        "SELECT 1 FROM package WHERE eid = ? AND id > ? AND state = ? AND counter > 0", "sii",
        p->eid, p->id, (gint64)RSP_EIM_DONE);
    if (!rsp_store_step (t->eim->store, stmt, &later, NULL))
        return FALSE;
    if (later)
        sqlite3_reset (stmt);
    return !later;
}

static gboolean
take_signed (Taking *t, const RspAsn1 *result)
{
    guint n = rsp_asn1_count (result, DATA ".euiccResult");
    /* a replayError says that it was executed before: this is what came of it */
    gboolean replayed = g_strcmp0 (t->package->result, "replayError") == 0 || gives_way (t);
    gboolean rolled_back = FALSE, settled = rsp_eim_package_is_settled (t->package) && !replayed;
    g_autofree char *failure = NULL;
    gint64 seq = rsp_asn1_int (result, DATA ".seqNumber", -1);
    g_array_append_val (t->acks, seq);
    for (guint i = 1; i <= n; i++) {
        g_autofree char *base = g_strdup_printf (DATA ".euiccResult.?%u", i);
        const char *choice = rsp_asn1_choice (result, base);
        g_autofree char *name = rsp_eim_result_name (result, base);
        gboolean good = is_success (name);
        rolled_back = rolled_back || (strcmp (choice, "rollbackResult") == 0 && good);
        if (!settled && good && !note_success (t, result, base, choice, i - 1))
            return FALSE;
        if (!good && !failure)
            failure = g_steal_pointer (&name);
    }
    /* A result that comes once more says nothing new, but for the rollback of what was done. */
    if (t->package->state == RSP_EIM_ROLLED_BACK || (settled && !rolled_back))
        return TRUE;
    if (rolled_back)
        return note_rollback (t) && finish (t, RSP_EIM_ROLLED_BACK, "rollback");
    return finish (t, failure ? RSP_EIM_FAILED : RSP_EIM_DONE, failure ? failure : "ok");
}

/* By its eimTransactionId; without one, the package that is out. What comes in v1.0 may not even
 * say of whom it is: then it is of who asked last from there, or the only package that is out. */
static gboolean
find_package (Taking *t, const char *eid, RspSlice transaction_id)
{
    if (transaction_id.len)
        t->package = rsp_eim_package_by_transaction (t->eim, transaction_id, t->error);
    else if (eid || t->asker)
        t->package = rsp_eim_next_package (t->eim, eid ? eid : t->asker, t->error);
    else if (t->eim->version == RSP_SGP32_V1_0)
        t->package = rsp_eim_only_package_out (t->eim, t->error);
    if (t->package &&
        ((eid && strcmp (t->package->eid, eid) != 0) || t->package->state == RSP_EIM_QUEUED))
        g_clear_pointer (&t->package, rsp_eim_package_free);
    if (t->package)
        t->device = rsp_eim_device (t->eim, t->package->eid, t->error);
    return t->package && t->device;
}

static const struct {
    const char *choice, *data, *signature;
} forms[] = {
    {"euiccPackageResultSigned", DATA, "euiccPackageResultSigned.euiccSignEPR"},
    {"euiccPackageErrorSigned", "euiccPackageErrorSigned.euiccPackageErrorDataSigned",
     "euiccPackageErrorSigned.euiccSignEPE"},
    {"euiccPackageErrorUnsigned", "euiccPackageErrorUnsigned", NULL},
};

/* Is it of this eIM, for a package of its own, and from that package's eUICC? */
static gboolean
is_genuine (Taking *t, const char *eid, const RspAsn1 *result, guint form)
{
    g_autofree char *id_path = g_strconcat (forms[form].data, ".eimTransactionId", NULL);
    g_autofree char *eim_path = g_strconcat (forms[form].data, ".eimId", NULL);
    g_autofree char *counter_path = g_strconcat (forms[form].data, ".counterValue", NULL);
    g_autofree char *eim_id = rsp_asn1_text (result, eim_path);
    if (!find_package (t, eid, rsp_asn1_octets (result, id_path)) || !t->package->counter ||
        g_strcmp0 (eim_id, t->eim->eim_id) != 0)
        return FALSE;
    if (!forms[form].signature)
        return TRUE;
    return rsp_asn1_int (result, counter_path, -1) == t->package->counter &&
           verify (t, rsp_asn1_slice (result, forms[form].data), TRUE,
                   rsp_asn1_octets (result, forms[form].signature));
}

static gboolean
take_euicc_result (Taking *t, const char *eid, RspSlice whole, gint64 *ret_error)
{
    static const char code_path[] =
        "euiccPackageErrorSigned.euiccPackageErrorDataSigned.euiccPackageErrorCode";
    g_autoptr (RspAsn1) result = rsp_asn1_decode_slice ("EuiccPackageResult", whole, NULL);
    guint form = 0;
    while (result && strcmp (rsp_asn1_choice (result, ""), forms[form].choice) != 0)
        form++;
    if (!result || !is_genuine (t, eid, result, form)) {
        *ret_error = RSP_UNDEFINED_ERROR;
        return *t->error == NULL;
    }
    keep (t, whole);
    if (form == 0)
        return take_signed (t, result);
    if (rsp_eim_package_is_settled (t->package))
        return TRUE;
    g_autofree char *name =
        form == 1 ? code_name ("EuiccPackageErrorCode", rsp_asn1_int (result, code_path, 127))
                  : g_strdup ("euiccPackageErrorUnsigned");
    return finish (t, RSP_EIM_FAILED, name);
}

/* Notifications that travel with a result. */
static gboolean
forward_list (Taking *t, RspSlice rest)
{
    RspTlv one;
    while (rsp_tlv_next (&rest, &one) == RSP_TLV_OK)
        if (!rsp_eim_forward (t->eim, one.whole, t->acks, t->error))
            return FALSE;
    return TRUE;
}

static void
taking_clear (Taking *t)
{
    g_clear_pointer (&t->package, rsp_eim_package_free);
    g_clear_pointer (&t->device, rsp_eim_device_free);
}

/* eUICC package results that the IPA was asked for: one that is not genuine changes nothing. */
static gboolean
take_list (Taking *t, const char *eid, RspSlice rest)
{
    RspTlv one;
    gboolean ok = TRUE;
    while (ok && rsp_tlv_next (&rest, &one) == RSP_TLV_OK) {
        Taking own = {.eim = t->eim, .acks = t->acks, .error = t->error};
        gint64 ignored = 0;
        ok = take_euicc_result (&own, eid, one.whole, &ignored);
        taking_clear (&own);
    }
    return ok;
}

/* --- data of IPA and eUICC --- */

static RspCert *
body_cert (const RspAsn1 *node, const char *path)
{
    RspSlice content = rsp_asn1_octets (node, path);
    g_autoptr (GByteArray) der = g_byte_array_new ();
    if (!content.len)
        return NULL;
    rsp_tlv_put (der, 0x30, content);
    g_autoptr (GBytes) bytes = g_bytes_new (der->data, der->len);
    return rsp_cert_parse (bytes, NULL);
}

static void
learn_key (Taking *t, const RspAsn1 *node, const char *base)
{
    g_autofree char *euicc_path = g_strconcat (base, ".euiccCertificate", NULL);
    g_autofree char *eum_path = g_strconcat (base, ".eumCertificate", NULL);
    g_autoptr (RspCert) euicc = body_cert (node, euicc_path), eum = body_cert (node, eum_path);
    if (!euicc || !eum)
        return;
    RspChainResult verdict = rsp_chain_check_euicc (euicc, eum, t->eim->roots,
                                                    rsp_actor_time (t->eim->actor), NULL, NULL);
    rsp_actor_crypto_result (t->eim->actor, "chain", "CERT.EUICC", rsp_chain_result_name (verdict));
    if (verdict != RSP_CHAIN_OK || g_strcmp0 (rsp_cert_serial_number (euicc), t->device->eid) != 0)
        return;
    RspSlice point = rsp_public_point (rsp_cert_public (euicc));
    g_clear_pointer (&t->device->point, g_bytes_unref);
    t->device->point = g_bytes_new (point.data, point.len);
}

static void
learn_device (Taking *t, const RspAsn1 *node, const char *data)
{
    g_autofree char *info_path = g_strconcat (data, ".euiccInfo1", NULL);
    g_autofree char *token_path = g_strconcat (data, ".associationToken", NULL);
    g_autofree char *device_path = g_strconcat (data, ".deviceInfo", NULL);
    learn_key (t, node, data);
    t->device->token = rsp_asn1_int (node, token_path, t->device->token);
    if (rsp_asn1_has (node, device_path)) {
        g_clear_pointer (&t->device->info, g_bytes_unref);
        t->device->info = rsp_slice_to_bytes (rsp_asn1_octets (node, device_path));
    }
    if (rsp_asn1_has (node, info_path)) {
        g_clear_pointer (&t->device->info1, g_bytes_unref);
        t->device->info1 = rsp_slice_to_bytes (rsp_asn1_slice (node, info_path));
    }
}

/* Notifications and kept results, in either dialect's place. */
static gboolean
take_lists (Taking *t, const RspAsn1 *node, const char *data)
{
    static const char *const notifications[] = {"", ".notificationList",
                                                ".notificationAndEprListV10.notificationList"};
    static const char *const results[] = {".euiccPackageResultList",
                                          ".notificationsList.euiccPackageResultList",
                                          ".notificationsList.notificationAndEprListV10"
                                          ".euiccPackageResultList"};
    gboolean v10 = t->eim->version == RSP_SGP32_V1_0;
    for (guint i = v10 ? 1 : 0; i < (v10 ? 3 : 1); i++) {
        g_autofree char *path = g_strconcat (data, ".notificationsList", notifications[i], NULL);
        if (!forward_list (t, rsp_asn1_octets (node, path)))
            return FALSE;
    }
    for (guint i = v10 ? 1 : 0; i < (v10 ? 3 : 1); i++) {
        g_autofree char *path = g_strconcat (data, results[i], NULL);
        if (!take_list (t, t->package->eid, rsp_asn1_octets (node, path)))
            return FALSE;
    }
    return TRUE;
}

/* The EID in the eUICC's certificate; NULL: there is none. (transfer full) */
static char *
owner_of (const RspAsn1 *node, const char *data)
{
    g_autofree char *path = g_strconcat (data, ".euiccCertificate", NULL);
    g_autoptr (RspCert) cert = body_cert (node, path);
    return cert ? g_strdup (rsp_cert_serial_number (cert)) : NULL;
}

static gboolean
take_data (Taking *t, const char *eid, const RspAsn1 *node, const char *base)
{
    gboolean v10 = t->eim->version == RSP_SGP32_V1_0;
    g_autofree char *data = g_strconcat (base, ".ipaEuiccData", NULL);
    g_autofree char *wrong =
        g_strconcat (base, v10 ? ".ipaEuiccDataError" : ".ipaEuiccDataResponseError", NULL);
    gboolean good = rsp_asn1_has (node, data);
    g_autofree char *id_path = g_strconcat (good ? data : wrong, ".eimTransactionId", NULL);
    g_autofree char *owner = eid ? g_strdup (eid) : owner_of (node, data);
    if (!find_package (t, owner, v10 ? RSP_SLICE (NULL, 0) : rsp_asn1_octets (node, id_path)) ||
        t->package->kind != RSP_EIM_KIND_DATA || rsp_eim_package_is_settled (t->package))
        return *t->error == NULL;
    keep (t, rsp_asn1_slice (node, base));
    if (!good) {
        g_autofree char *code_path = g_strconcat (wrong, v10 ? "" : ".ipaEuiccDataErrorCode", NULL);
        g_autofree char *name =
            code_name ("IpaEuiccDataErrorCode", rsp_asn1_int (node, code_path, 127));
        return finish (t, RSP_EIM_FAILED, name);
    }
    learn_device (t, node, data);
    return rsp_eim_put_device (t->eim, t->device, t->error) && take_lists (t, node, data) &&
           finish (t, RSP_EIM_DONE, "ok");
}

/* --- downloads --- */

#define INSTALLED ".profileInstallationResult.profileInstallationResultData"

/* NULL: installed. (transfer full) */
static char *
installation_failure (const RspAsn1 *node, const char *data)
{
    g_autofree char *path = g_strconcat (data, INSTALLED ".finalResult", NULL);
    g_autofree char *reason = g_strconcat (path, ".errorResult.errorReason", NULL);
    if (g_strcmp0 (rsp_asn1_choice (node, path), "errorResult") != 0)
        return NULL;
    return code_name ("ErrorReason", rsp_asn1_int (node, reason, 127));
}

/* The eUICC's own word on the installation; the SM-DP+ gets it from here, whoever else tells it. */
static gboolean
take_installation (Taking *t, const RspAsn1 *node, const char *data, gint64 *ret_error)
{
    g_autofree char *whole = g_strconcat (data, ".profileInstallationResult", NULL);
    g_autofree char *signed_path = g_strconcat (data, INSTALLED, NULL);
    g_autofree char *signature = g_strconcat (whole, ".euiccSignPIR", NULL);
    g_autofree char *iccid_path = g_strconcat (data, INSTALLED ".notificationMetadata.iccid", NULL);
    g_autofree char *iccid = rsp_iccid_from_octets (rsp_asn1_octets (node, iccid_path));
    g_autofree char *failure = installation_failure (node, data);
    if (!verify (t, rsp_asn1_slice (node, signed_path), FALSE, rsp_asn1_octets (node, signature)) &&
        t->device->point) {
        *ret_error = RSP_UNDEFINED_ERROR;
        return TRUE;
    }
    if (!failure && iccid && !rsp_eim_put_profile (t->eim, t->package->eid, iccid, FALSE, t->error))
        return FALSE;
    return rsp_eim_forward (t->eim, rsp_asn1_slice (node, whole), t->acks, t->error) &&
           finish (t, failure ? RSP_EIM_FAILED : RSP_EIM_DONE, failure ? failure : "ok");
}

/* The refusal of a server, as the IPA quotes it in the ASN.1 of ES9+ or ESipa: its own word says
 * more than undefinedError. NULL: none. */
static const char *
server_error (RspSlice response)
{
    static const struct {
        guint32 tag;
        const char *enumerations[2];
    } answers[] = {{0xBF39, {"InitiateAuthenticationErrorEsipa", "InitiateAuthenticationError"}},
                   {0xBF3B, {"AuthenticateClientErrorEsipa", "AuthenticateClientError"}},
                   {0xBF3A, {"GetBoundProfilePackageErrorEsipa", "GetBoundProfilePackageError"}}};
    RspTlv message, code;
    if (rsp_tlv_single (response, 0xA2, &message)) /* RemoteProfileProvisioningResponse */
        response = message.value;
    if (rsp_tlv_next (&response, &message) != RSP_TLV_OK ||
        rsp_tlv_next (&message.value, &code) != RSP_TLV_OK || code.value.len != 1)
        return NULL;
    const char *name = NULL;
    for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
        for (guint k = 0; k < 2 && !name && answers[i].tag == message.tag; k++)
            name = rsp_code_name (answers[i].enumerations[k], code.value.data[0]);
    return name;
}

/* (transfer full) */
static char *
download_failure (const RspAsn1 *node, const char *data)
{
    g_autofree char *reason =
        g_strconcat (data, ".profileDownloadError.profileDownloadErrorReason", NULL);
    g_autofree char *path = g_strconcat (data, ".profileDownloadError.errorResponse", NULL);
    gint64 value = rsp_asn1_int (node, reason, RSP_UNDEFINED_ERROR);
    const char *said = server_error (rsp_asn1_octets (node, path));
    return value == RSP_UNDEFINED_ERROR && said ? g_strdup (said)
                                                : code_name ("ProfileDownloadErrorReason", value);
}

static gboolean
take_download (Taking *t, const char *eid, const RspAsn1 *node, const char *base, gint64 *ret_error)
{
    g_autofree char *id_path = g_strconcat (base, ".eimTransactionId", NULL);
    g_autofree char *data = g_strconcat (base, ".profileDownloadTriggerResultData", NULL);
    if (!find_package (t, eid, rsp_asn1_octets (node, id_path)) ||
        t->package->kind != RSP_EIM_KIND_DOWNLOAD || rsp_eim_package_is_settled (t->package))
        return *t->error == NULL;
    keep (t, rsp_asn1_slice (node, base));
    if (g_strcmp0 (rsp_asn1_choice (node, data), "profileInstallationResult") == 0)
        return take_installation (t, node, data, ret_error);
    g_autofree char *name = download_failure (node, data);
    return finish (t, RSP_EIM_FAILED, name);
}

/* The IPA did not understand: eimPackageError in v1.0. */
static gboolean
take_refusal (Taking *t, const char *eid, const RspAsn1 *node, const char *choice)
{
    gboolean bare = strcmp (choice, "eimPackageError") == 0;
    g_autofree char *id_path = g_strconcat (choice, ".eimTransactionId", NULL);
    g_autofree char *code_path =
        g_strconcat (choice, bare ? "" : ".eimPackageResultErrorCode", NULL);
    if (!find_package (t, eid, bare ? RSP_SLICE (NULL, 0) : rsp_asn1_octets (node, id_path)) ||
        rsp_eim_package_is_settled (t->package))
        return *t->error == NULL;
    g_autofree char *name =
        code_name ("EimPackageResultErrorCode", rsp_asn1_int (node, code_path, 127));
    return finish (t, RSP_EIM_FAILED, name);
}

/* --- the message --- */

gboolean
rsp_eim_take_result (RspEim *eim, const char *eid, const char *asker, const RspAsn1 *node,
                     GArray *ret_acks, gint64 *ret_error, GError **error)
{
    Taking t = {.eim = eim, .asker = asker, .acks = ret_acks, .error = error};
    const char *choice = rsp_asn1_choice (node, "");
    const char *list = eim->version == RSP_SGP32_V1_0
                           ? "ePRAndNotifications.notificationList.notificationList"
                           : "ePRAndNotifications.notificationList";
    gboolean ok;
    *ret_error = 0;
    if (strcmp (choice, "euiccPackageResult") == 0)
        ok = take_euicc_result (&t, eid, rsp_asn1_slice (node, choice), ret_error);
    else if (strcmp (choice, "ePRAndNotifications") == 0)
        ok = take_euicc_result (&t, eid,
                                rsp_asn1_slice (node, "ePRAndNotifications.euiccPackageResult"),
                                ret_error) &&
             (*ret_error || forward_list (&t, rsp_asn1_octets (node, list)));
    else if (strcmp (choice, "ipaEuiccDataResponse") == 0)
        ok = take_data (&t, eid, node, choice);
    else if (strcmp (choice, "profileDownloadTriggerResult") == 0)
        ok = take_download (&t, eid, node, choice, ret_error);
    else
        ok = take_refusal (&t, eid, node, choice);
    taking_clear (&t);
    return ok;
}
