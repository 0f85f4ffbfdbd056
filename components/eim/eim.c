/* Life, and the calls that an IPA makes for itself: GetEimPackage, ProvideEimPackageResult,
 * HandleNotification (SGP.32 5.14.5 to 5.14.7). The rest of ESipa is relayed. */
#include "asn1/ids.h"
#include "components/common/server.h"
#include "components/eim/eim-private.h"

#include <string.h>

#define SCHEMA_VERSION 4

typedef enum {
    NO_ERROR = 0,
    NO_PACKAGE_AVAILABLE = 1,
    EID_NOT_FOUND = 2,
    INVALID_EID = 3,
    MISSING_EID = 4,
    UNDEFINED_ERROR = RSP_UNDEFINED_ERROR,
} EidError;

/* --- answers --- */

void
rsp_eim_refuse (RspCall *call, RspStatus status)
{
    g_autoptr (GBytes) body =
        rsp_fields_encode_failed_as (rsp_call_function (call), rsp_call_encoding (call), status);
    gboolean says_so = g_bytes_get_size (body) > 0; /* not every function has a way to */
    RspOutcome outcome = {
        .http = says_so ? 200 : 404, .subject = status.subject, .reason = status.reason};
    rsp_call_reply (call, &outcome, body);
}

void
rsp_eim_answer (RspCall *call, const RspFields *out)
{
    g_autoptr (GBytes) body = rsp_fields_encode_as (out, rsp_call_encoding (call));
    RspOutcome outcome = {.http = 200};
    rsp_call_reply (call, &outcome, body);
}

/* GetEimPackage has its error as a member in both bindings. */
static void
answer_no_package (RspCall *call, gint64 code)
{
    g_autoptr (RspFields) out = rsp_fields_new (rsp_call_function (call), RSP_LEG_RESPONSE);
    g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, code);
    rsp_fields_set_text (out, "eimPackageError", number);
    g_autoptr (GBytes) body = rsp_fields_encode_as (out, rsp_call_encoding (call));
    RspOutcome outcome = {.http = 200, .error = rsp_code_name ("GetEimPackageError", code)};
    rsp_call_reply (call, &outcome, body);
}

static void
refuse_result (RspCall *call, gint64 code)
{
    const RspFunction *fn = rsp_call_function (call);
    g_autoptr (GBytes) body = rsp_fields_encode_failed_as (fn, rsp_call_encoding (call),
                                                           rsp_fields_error_status (fn, code));
    RspOutcome outcome = {.http = 200,
                          .error = rsp_code_name ("ProvideEimPackageResultError", code)};
    rsp_call_reply (call, &outcome, body);
}

/* --- GetEimPackage --- */

#define MAX_ASKERS 100000

static void
note_asker (RspEim *eim, const RspCall *call, const char *eid)
{
    if (eim->version != RSP_SGP32_V1_0)
        return;
    if (g_hash_table_size (eim->askers) >= MAX_ASKERS)
        g_hash_table_remove_all (eim->askers);
    g_hash_table_replace (eim->askers, g_strdup (rsp_call_src (call)), g_strdup (eid));
}

const char *
rsp_eim_asker (const RspEim *eim, const RspCall *call)
{
    return g_hash_table_lookup (eim->askers, rsp_call_src (call));
}

/* Who asks. CHANGED: something has happened on the eUICC that this eIM did not do. */
static EidError
read_poll (const RspEim *eim, RspCall *call, char **ret_eid, gboolean *ret_changed)
{
    RspSlice body = rsp_slice_of (rsp_call_body (call));
    RspTlv message, eid;
    if (rsp_call_encoding (call) == RSP_ENC_JSON) {
        g_autoptr (GError) error = NULL;
        g_autoptr (RspFields) in = rsp_fields_decode (rsp_call_function (call), RSP_LEG_REQUEST,
                                                      rsp_call_body (call), &error);
        if (!in)
            return g_error_matches (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_MISSING)
                       ? MISSING_EID
                       : UNDEFINED_ERROR;
        *ret_eid = g_strdup (rsp_fields_text (in, "eidValue"));
        *ret_changed = rsp_fields_bool (in, "notifyStateChange");
        return rsp_eid_valid (*ret_eid) ? NO_ERROR : INVALID_EID;
    }
    if (!rsp_tlv_single (body, 0xBF4F, &message))
        return UNDEFINED_ERROR;
    if (!rsp_tlv_find (message.value, 0x5A, &eid))
        return MISSING_EID;
    *ret_eid = rsp_eid_from_octets (eid.value);
    if (!*ret_eid || !rsp_eid_valid (*ret_eid))
        return INVALID_EID;
    g_autoptr (RspAsn1) node = rsp_asn1_decode_slice (
        eim->version == RSP_SGP32_V1_0 ? "GetEimPackageRequestV10" : "GetEimPackageRequest", body,
        NULL);
    *ret_changed = node && rsp_asn1_has (node, "notifyStateChange");
    return node ? NO_ERROR : UNDEFINED_ERROR;
}

RspEimPackage *
rsp_eim_deliver_next (RspEim *eim, const char *eid, gboolean changed, const char **ret_member,
                      GError **error)
{
    g_autoptr (RspEimDevice) device = rsp_eim_device (eim, eid, error);
    g_autoptr (RspEimPackage) p = NULL;
    if (!device)
        return NULL;
    p = rsp_eim_next_package (eim, eid, error);
    gboolean nothing_new = !changed && !eim->package_lifetime && (!p || p->sent);
    if (*error || (nothing_new && (!p || rsp_eim_render (eim, device, p, ret_member, error))))
        return g_steal_pointer (&p);
    g_clear_pointer (&p, rsp_eim_package_free);
    if (!rsp_store_begin (eim->store, error))
        return NULL;
    gboolean good =
        (!changed || rsp_eim_drop_profiles (eim, eid, error)) && rsp_eim_expire (eim, error);
    p = good ? rsp_eim_next_to_deliver (eim, device, error) : NULL;
    good = !*error && (!p || rsp_eim_render (eim, device, p, ret_member, error));
    return rsp_eim_end (eim, good, error) ? g_steal_pointer (&p) : NULL;
}

static EidError
check_device (RspEim *eim, const char *eid)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspEimDevice) device = rsp_eim_device (eim, eid, &error);
    if (error)
        return UNDEFINED_ERROR;
    return device ? NO_ERROR : EID_NOT_FOUND;
}

static void
get_package (RspEim *eim, RspCall *call)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *eid = NULL;
    const char *member = NULL;
    gboolean changed = FALSE;
    EidError code = read_poll (eim, call, &eid, &changed);
    if (!code)
        code = check_device (eim, eid);
    if (!code)
        note_asker (eim, call, eid);
    g_autoptr (RspEimPackage) p =
        code ? NULL : rsp_eim_deliver_next (eim, eid, changed, &member, &error);
    if (!code && !p)
        code = error ? UNDEFINED_ERROR : NO_PACKAGE_AVAILABLE;
    if (code) {
        answer_no_package (call, code);
        return;
    }
    g_autoptr (RspFields) out = rsp_fields_new (rsp_call_function (call), RSP_LEG_RESPONSE);
    rsp_fields_set_bytes (out, member, p->sent);
    rsp_eim_answer (call, out);
}

/* --- results --- */

gboolean
rsp_eim_take (RspEim *eim, const char *eid, const char *asker, const RspAsn1 *result,
              GArray *ret_acks, gint64 *ret_error, GError **error)
{
    if (!rsp_store_begin (eim->store, error))
        return FALSE;
    gboolean good = rsp_eim_take_result (eim, eid, asker, result, ret_acks, ret_error, error);
    if (!rsp_eim_end (eim, good, error))
        return FALSE;
    rsp_eim_forward_start (eim);
    return TRUE;
}

/* BF50 of either dialect: *RET_EID NULL where it says none. NULL: it cannot be read. */
static RspAsn1 *
read_der_result (const RspEim *eim, RspSlice body, char **ret_eid)
{
    if (eim->version == RSP_SGP32_V1_0)
        return rsp_asn1_decode_slice ("ProvideEimPackageResultV10", body, NULL);
    g_autoptr (RspAsn1) node = rsp_asn1_decode_slice ("ProvideEimPackageResult", body, NULL);
    if (!node)
        return NULL;
    if (rsp_asn1_has (node, "eidValue"))
        *ret_eid = rsp_eid_from_octets (rsp_asn1_octets (node, "eidValue"));
    const char *choice = rsp_asn1_choice (node, "eimPackageResult");
    g_autofree char *path = g_strconcat ("eimPackageResult.", choice, NULL);
    return rsp_asn1_decode_slice ("EimPackageResult", rsp_asn1_slice (node, path), NULL);
}

static RspAsn1 *
read_result (const RspEim *eim, RspCall *call, char **ret_eid)
{
    if (rsp_call_encoding (call) == RSP_ENC_DER)
        return read_der_result (eim, rsp_slice_of (rsp_call_body (call)), ret_eid);
    g_autoptr (RspFields) in =
        rsp_fields_decode (rsp_call_function (call), RSP_LEG_REQUEST, rsp_call_body (call), NULL);
    if (!in)
        return NULL;
    *ret_eid = g_strdup (rsp_fields_text (in, "eidValue"));
    return rsp_asn1_decode ("EimPackageResult", rsp_fields_bytes (in, "eimPackageResult"), NULL);
}

static GBytes *
acknowledgements (const GArray *acks)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF53);
    for (guint i = 0; i < acks->len; i++)
        rsp_tlv_put_int (out, 0x80, g_array_index (acks, gint64, i));
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

/* Acknowledgements, or nothing: in v1.2's ASN.1 an emptyResponse, in v1.0's an empty message. */
static void
answer_result (const RspEim *eim, RspCall *call, const GArray *acks)
{
    g_autoptr (RspFields) out = rsp_fields_new (rsp_call_function (call), RSP_LEG_RESPONSE);
    g_autoptr (GBytes) list = acks->len ? acknowledgements (acks) : NULL;
    if (list || rsp_call_encoding (call) == RSP_ENC_JSON) {
        rsp_fields_set_bytes (out, "eimAcknowledgements", list);
        rsp_eim_answer (call, out);
        return;
    }
    static const guint8 empty[] = {0xBF, 0x50, 0x02, 0x30, 0x00}, empty_v10[] = {0xBF, 0x50, 0x00};
    g_autoptr (GBytes) body = eim->version == RSP_SGP32_V1_0
                                  ? g_bytes_new_static (empty_v10, sizeof empty_v10)
                                  : g_bytes_new_static (empty, sizeof empty);
    RspOutcome outcome = {.http = 200};
    rsp_call_reply (call, &outcome, body);
}

static EidError
check_result (RspEim *eim, const RspAsn1 *result, const char *eid)
{
    if (!result)
        return UNDEFINED_ERROR;
    if (eid && !rsp_eid_valid (eid))
        return INVALID_EID;
    return eid ? check_device (eim, eid) : NO_ERROR;
}

static void
provide_result (RspEim *eim, RspCall *call)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *eid = NULL;
    g_autoptr (RspAsn1) result = read_result (eim, call, &eid);
    g_autoptr (GArray) acks = g_array_new (FALSE, FALSE, sizeof (gint64));
    gint64 code = check_result (eim, result, eid);
    if (!code && !rsp_eim_take (eim, eid, rsp_eim_asker (eim, call), result, acks, &code, &error))
        code = UNDEFINED_ERROR;
    if (code == UNDEFINED_ERROR && result && !eid && !error)
        code = MISSING_EID; /* that would have told more */
    if (code == NO_ERROR || (eim->version == RSP_SGP32_V1_0 && !error))
        answer_result (eim, call, acks);
    else
        refuse_result (call, code);
}

/* --- notifications --- */

static gboolean
take_pending (RspEim *eim, GBytes *pending)
{
    g_autoptr (GError) error = NULL;
    if (!rsp_store_begin (eim->store, &error) ||
        !rsp_eim_end (eim, rsp_eim_forward (eim, rsp_slice_of (pending), NULL, &error), &error))
        return FALSE;
    rsp_eim_forward_start (eim);
    return TRUE;
}

/* It has no errors but those of HTTP: what is not written down may not be forgotten by the IPA. */
static guint
take_notification (RspEim *eim, const char *asker, const RspFields *in)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *eid = NULL;
    GBytes *pending = rsp_fields_bytes (in, "pendingNotification");
    GBytes *provided = rsp_fields_bytes (in, "provideEimPackageResult");
    g_autoptr (GArray) acks = g_array_new (FALSE, FALSE, sizeof (gint64));
    gint64 code = 0;
    if (pending)
        return take_pending (eim, pending) ? 204 : 500;
    g_autoptr (RspAsn1) result =
        provided ? read_der_result (eim, rsp_slice_of (provided), &eid) : NULL;
    return !result ? 400 : rsp_eim_take (eim, eid, asker, result, acks, &code, &error) ? 204 : 500;
}

static void
handle_notification (RspEim *eim, RspCall *call)
{
    g_autoptr (RspFields) in =
        rsp_fields_decode_as (rsp_call_function (call), RSP_LEG_REQUEST, rsp_call_encoding (call),
                              rsp_call_body (call), NULL);
    RspOutcome outcome = {.http =
                              in ? take_notification (eim, rsp_eim_asker (eim, call), in) : 400};
    rsp_call_reply (call, &outcome, NULL);
}

/* --- dispatch --- */

static void
relay (RspEim *eim, RspCall *call)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspFields) in =
        rsp_fields_decode_as (rsp_call_function (call), RSP_LEG_REQUEST, rsp_call_encoding (call),
                              rsp_call_body (call), &error);
    g_autofree char *message = in ? NULL : rsp_escape_text (error->message, -1, 200);
    if (in)
        rsp_eim_relay (eim, call, in);
    else
        rsp_eim_refuse (call, RSP_FAILED ("1.6", "2.1", message));
}

static const RspServed served[] = {
    RSP_SERVED (ESIPA_GET_EIM_PACKAGE, get_package),
    RSP_SERVED (ESIPA_PROVIDE_EIM_PACKAGE_RESULT, provide_result),
    RSP_SERVED (ESIPA_HANDLE_NOTIFICATION, handle_notification),
    RSP_SERVED (ESIPA_INITIATE_AUTHENTICATION, relay),
    RSP_SERVED (ESIPA_AUTHENTICATE_CLIENT, relay),
    RSP_SERVED (ESIPA_GET_BOUND_PROFILE_PACKAGE, relay),
    RSP_SERVED (ESIPA_CANCEL_SESSION, relay),
    {0},
};

/* Not an RspServer: it has to read both dialects, and answers with the peer's sessions. */
static void
serve (RspCall *call, gpointer eim)
{
    const RspFunction *fn = rsp_call_function (call);
    void (*handle) (RspEim *, RspCall *) =
        (void (*) (RspEim *, RspCall *))rsp_served_by (served, fn->id);
    g_autofree char *message = g_strdup_printf ("not supported: %s", fn->full_name);
    if (handle)
        handle (eim, call);
    else
        rsp_eim_refuse (call, RSP_FAILED ("1.6", "2.1", message));
}

/* --- devices --- */

gboolean
rsp_eim_add_device (RspEim *eim, const char *eid, gint64 token, gint64 counter,
                    const RspCert *euicc, GError **error)
{
    g_autoptr (RspEimDevice) known = rsp_eim_device (eim, eid, error);
    if (known || *error)
        return known != NULL;
    g_autoptr (RspEimDevice) device = g_new0 (RspEimDevice, 1);
    device->eid = g_strdup (eid);
    device->token = token;
    device->counter = counter;
    if (euicc)
        device->point = rsp_slice_to_bytes (rsp_public_point (rsp_cert_public (euicc)));
    return rsp_eim_put_device (eim, device, error);
}

/* Content of a SEQUENCE, under the implicit TAG within the explicit A5. */
static void
put_key (GByteArray *out, guint32 tag, RspSlice sequence)
{
    RspTlv tlv;
    if (!rsp_tlv_single (sequence, 0x30, &tlv))
        return;
    gsize mark = rsp_tlv_open (out, 0xA5);
    rsp_tlv_put (out, tag, tlv.value);
    rsp_tlv_close (out, mark);
}

GBytes *
rsp_eim_configuration (RspEim *eim, gboolean token, gint64 counter)
{
    /* SubjectPublicKeyInfo of a P-256 key, in front of its point */
    static const guint8 p256[] = {0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE,
                                  0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                  0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, eim->eim_id);
    rsp_tlv_put_text (out, 0x81, eim->fqdn);
    rsp_tlv_put_int (out, 0x82, strcmp (eim->eim_id, eim->fqdn) == 0 ? 2 : 3);
    rsp_tlv_put_int (out, 0x83, counter);
    if (token)
        rsp_tlv_put_int (out, 0x84, -1);
    g_autoptr (GByteArray) info = g_byte_array_new ();
    gsize inner = rsp_tlv_open (info, 0x30);
    g_byte_array_append (info, p256, sizeof p256);
    g_byte_array_append (info, rsp_key_point (eim->key), RSP_POINT_SIZE);
    rsp_tlv_close (info, inner);
    put_key (out, 0xA0, RSP_SLICE (info->data, info->len));
    rsp_tlv_put (out, 0x87, RSP_SLICE ("\x07\x80", 2)); /* eimRetrieveHttps */
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

/* --- life --- */

void
rsp_eim_add_address (RspEim *eim, const char *address)
{
    rsp_bus_add_address (eim->actor->bus, address, eim->actor->name);
}

static void
start (gpointer data)
{
    RspEim *eim = data;
    eim->start_timer = 0;
    rsp_eim_forward_start (eim);
}

RspEim *
rsp_eim_new (const RspActor *actor, const RspEimConfig *config, GError **error)
{
    g_return_val_if_fail (config->fqdn && config->eim_id && config->key && config->roots, NULL);
    g_autoptr (RspStore) store =
        rsp_store_open (config->state_path, SCHEMA_VERSION, rsp_eim_schema, error);
    if (!store)
        return NULL;
    RspEim *eim = g_new0 (RspEim, 1);
    eim->actor = actor;
    eim->fqdn = g_strdup (config->fqdn);
    eim->eim_id = g_strdup (config->eim_id);
    eim->key = config->key;
    eim->roots = g_ptr_array_ref (config->roots);
    eim->version = config->version;
    eim->package_lifetime = config->package_lifetime;
    eim->store = g_steal_pointer (&store);
    eim->rng = rsp_actor_rng (actor, "transaction");
    eim->rules = config->rules;
    rsp_eim_sessions_init (eim);
    eim->pending = g_hash_table_new_full (NULL, NULL, g_free, NULL);
    eim->pushes = g_hash_table_new_full (NULL, NULL, rsp_eim_push_free, NULL);
    eim->changes = rsp_changes_new ();
    eim->askers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    eim->outboxes = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, rsp_eim_outbox_free);
    rsp_bus_attach (actor->bus, actor->name, serve, eim);
    rsp_bus_set_interfaces (actor->bus, actor->name, 1u << RSP_IF_ESIPA);
    rsp_eim_add_address (eim, config->fqdn);
    /* what a former life left, when the servers are there */
    eim->start_timer = rsp_loop_after (actor->loop, 0, start, eim, NULL);
    return eim;
}

void
rsp_eim_free (RspEim *eim)
{
    if (!eim)
        return;
    rsp_loop_cancel (eim->actor->loop, eim->start_timer);
    rsp_bus_detach (eim->actor->bus, eim->actor->name);
    rsp_eim_sessions_clear (eim);
    g_hash_table_destroy (eim->pending);
    g_hash_table_destroy (eim->pushes);
    g_ptr_array_unref (eim->changes);
    g_hash_table_destroy (eim->askers);
    g_hash_table_destroy (eim->outboxes);
    rsp_store_free (eim->store);
    rsp_rng_free (eim->rng);
    g_ptr_array_unref (eim->roots);
    g_free (eim->fqdn);
    g_free (eim->eim_id);
    g_free (eim);
}
