/* Packages: from operations to DER, and signed when they are handed out (SGP.32 2.11). */
#include "asn1/ids.h"
#include "components/eim/eim-private.h"

#include <string.h>

static const struct {
    const char *name, *choice;
    RspEimKind kind;
} verbs[RSP_EIM_VERBS] = {
    [RSP_EIM_ENABLE] = {"enable", "enable", RSP_EIM_KIND_PSMO},
    [RSP_EIM_DISABLE] = {"disable", "disable", RSP_EIM_KIND_PSMO},
    [RSP_EIM_DELETE] = {"delete", "delete", RSP_EIM_KIND_PSMO},
    [RSP_EIM_LIST_PROFILE_INFO] = {"list-profile-info", "listProfileInfo", RSP_EIM_KIND_PSMO},
    [RSP_EIM_GET_RAT] = {"get-rat", "getRAT", RSP_EIM_KIND_PSMO},
    [RSP_EIM_CONFIGURE_IMMEDIATE_ENABLE] = {"configure-immediate-enable",
                                            "configureImmediateEnable", RSP_EIM_KIND_PSMO},
    [RSP_EIM_SET_FALLBACK] = {"set-fallback", "setFallbackAttribute", RSP_EIM_KIND_PSMO},
    [RSP_EIM_UNSET_FALLBACK] = {"unset-fallback", "unsetFallbackAttribute", RSP_EIM_KIND_PSMO},
    [RSP_EIM_SET_DEFAULT_DP_ADDRESS] = {"set-default-dp-address", "setDefaultDpAddress",
                                        RSP_EIM_KIND_PSMO},
    [RSP_EIM_ADD_EIM] = {"add-eim", "addEim", RSP_EIM_KIND_ECO},
    [RSP_EIM_DELETE_EIM] = {"delete-eim", "deleteEim", RSP_EIM_KIND_ECO},
    [RSP_EIM_UPDATE_EIM] = {"update-eim", "updateEim", RSP_EIM_KIND_ECO},
    [RSP_EIM_LIST_EIM] = {"list-eim", "listEim", RSP_EIM_KIND_ECO},
};

const char *
rsp_eim_verb_name (RspEimVerb verb)
{
    return verbs[verb].name;
}

static gboolean
refuse (GError **error, const char *what, const char *of)
{
    g_set_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_ENCODE, "%s: %s", of, what);
    return FALSE;
}

/* --- operations --- */

static gboolean
set_iccid (RspAsn1 *node, const char *path, const RspEimOperation *o, GError **error)
{
    guint8 octets[10];
    if (!o->iccid || !rsp_iccid_to_octets (o->iccid, octets))
        return refuse (error, "needs an ICCID", verbs[o->verb].name);
    rsp_asn1_set_octets (node, path, RSP_SLICE_ARRAY (octets));
    return TRUE;
}

static gboolean
set_psmo (RspAsn1 *node, const RspEimOperation *o, GError **error)
{
    switch (o->verb) {
    case RSP_EIM_ENABLE:
        if (o->rollback)
            rsp_asn1_set_octets (node, "enable.rollbackFlag", RSP_SLICE (NULL, 0));
        return set_iccid (node, "enable.iccid", o, error);
    case RSP_EIM_DISABLE:
        return set_iccid (node, "disable.iccid", o, error);
    case RSP_EIM_DELETE:
        return set_iccid (node, "delete.iccid", o, error);
    case RSP_EIM_SET_FALLBACK:
        return set_iccid (node, "setFallbackAttribute.iccid", o, error);
    case RSP_EIM_CONFIGURE_IMMEDIATE_ENABLE:
        if (o->immediate)
            rsp_asn1_set_octets (node, "configureImmediateEnable.immediateEnableFlag",
                                 RSP_SLICE (NULL, 0));
        if (o->oid)
            rsp_asn1_set_oid (node, "configureImmediateEnable.defaultSmdpOid", o->oid);
        if (o->address)
            rsp_asn1_set_text (node, "configureImmediateEnable.defaultSmdpAddress", o->address);
        return TRUE;
    case RSP_EIM_SET_DEFAULT_DP_ADDRESS:
        rsp_asn1_set_text (node, "setDefaultDpAddress.defaultDpAddress",
                           o->address ? o->address : "");
        return TRUE;
    default:
        return TRUE;
    }
}

/* ProfileInfoListRequest */
static gboolean
put_list_request (GByteArray *out, const RspEimOperation *o, GError **error)
{
    guint8 iccid[10];
    guint8 class = (guint8)(o->profile_class - 1);
    if ((o->iccid != NULL) + (o->aid != NULL) + (o->profile_class != 0) > 1)
        return refuse (error, "needs one of iccid, aid and class at most", verbs[o->verb].name);
    if (o->iccid && !rsp_iccid_to_octets (o->iccid, iccid))
        return refuse (error, "needs an ICCID", verbs[o->verb].name);
    gsize mark = rsp_tlv_open (out, 0xBF2D);
    if (o->iccid || o->aid || o->profile_class) {
        gsize inner = rsp_tlv_open (out, 0xA0);
        if (o->iccid)
            rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (iccid));
        else if (o->aid)
            rsp_tlv_put (out, 0x4F, rsp_slice_of (o->aid));
        else
            rsp_tlv_put (out, 0x95, RSP_SLICE (&class, 1));
        rsp_tlv_close (out, inner);
    }
    if (o->tags)
        rsp_tlv_put (out, 0x5C, rsp_slice_of (o->tags));
    rsp_tlv_close (out, mark);
    return TRUE;
}

static gboolean
put_operation (GByteArray *out, const RspEimOperation *o, GError **error)
{
    const char *type = verbs[o->verb].kind == RSP_EIM_KIND_PSMO ? "Psmo" : "Eco";
    g_autoptr (RspAsn1) node = rsp_asn1_new (type);
    g_autoptr (GBytes) der = NULL;
    rsp_asn1_set_choice (node, "", verbs[o->verb].choice);
    if (o->verb == RSP_EIM_ADD_EIM || o->verb == RSP_EIM_UPDATE_EIM) {
        RspTlv data;
        if (!o->configuration || !rsp_tlv_single (rsp_slice_of (o->configuration), 0x30, &data))
            return refuse (error, "needs an EimConfigurationData", verbs[o->verb].name);
        rsp_tlv_put (out, o->verb == RSP_EIM_ADD_EIM ? 0xA8 : 0xAA, data.value);
        return TRUE;
    }
    if (o->verb == RSP_EIM_LIST_PROFILE_INFO)
        return put_list_request (out, o, error);
    if (o->verb == RSP_EIM_DELETE_EIM) {
        if (!o->eim_id)
            return refuse (error, "needs an eimId", verbs[o->verb].name);
        rsp_asn1_set_text (node, "deleteEim.eimId", o->eim_id);
    }
    if (!set_psmo (node, o, error))
        return FALSE;
    der = rsp_asn1_encode (node, "");
    RspSlice s = rsp_slice_of (der);
    g_byte_array_append (out, s.data, (guint)s.len);
    return TRUE;
}

GBytes *
rsp_eim_encode_operations (const RspEimOperation *operations, guint n, gboolean *ret_eco,
                           GError **error)
{
    g_autoptr (GByteArray) body = g_byte_array_new ();
    RspEimKind kind = verbs[operations[0].verb].kind;
    for (guint i = 0; i < n; i++) {
        if (verbs[operations[i].verb].kind != kind) {
            refuse (error, "PSMO and eCO do not go into one package",
                    verbs[operations[i].verb].name);
            return NULL;
        }
        if (!put_operation (body, &operations[i], error))
            return NULL;
    }
    *ret_eco = kind == RSP_EIM_KIND_ECO;
    return g_bytes_new (body->data, body->len);
}

/* --- queue --- */

static gint64
queue (RspEim *eim, RspEimPackage *p, GError **error)
{
    g_autoptr (RspEimDevice) device = rsp_eim_device (eim, p->eid, error);
    guint8 id[16];
    if (!device) {
        if (!*error)
            refuse (error, "this eIM does not manage the EID", p->eid);
        return 0;
    }
    if (eim->package_lifetime)
        p->due = rsp_actor_time (eim->actor) + eim->package_lifetime / G_USEC_PER_SEC;
    rsp_rng_fill (eim->rng, id, sizeof id);
    p->transaction_id = g_bytes_new (id, sizeof id);
    if (!rsp_store_begin (eim->store, error))
        return 0;
    gboolean good = rsp_eim_insert_package (eim, p, error);
    if (good)
        rsp_eim_note_change (eim, p, NULL);
    return rsp_eim_end (eim, good, error) ? p->id : 0;
}

gint64
rsp_eim_queue_operations (RspEim *eim, const char *eid, const RspEimOperation *operations, guint n,
                          GError **error)
{
    gboolean eco = FALSE;
    g_autoptr (RspEimPackage) p = g_new0 (RspEimPackage, 1);
    p->eid = g_strdup (eid);
    p->name = g_strdup (verbs[operations[0].verb].name);
    p->body = rsp_eim_encode_operations (operations, n, &eco, error);
    p->kind = eco ? RSP_EIM_KIND_ECO : RSP_EIM_KIND_PSMO;
    return p->body ? queue (eim, p, error) : 0;
}

gint64
rsp_eim_queue_data_request (RspEim *eim, const char *eid, RspSlice tags, GError **error)
{
    g_autoptr (RspEimPackage) p = g_new0 (RspEimPackage, 1);
    p->eid = g_strdup (eid);
    p->kind = RSP_EIM_KIND_DATA;
    p->name = g_strdup ("data-request");
    p->body = g_bytes_new (tags.data, tags.len);
    return queue (eim, p, error);
}

/* "1$ADDRESS$MATCHINGID[$OID[$CC]]", with or without "LPA:" (SGP.22 4.1). */
static gboolean
read_code (RspEimPackage *p, const char *code, GError **error)
{
    const char *text = g_str_has_prefix (code, "LPA:") ? code + 4 : code;
    g_auto (GStrv) parts = g_strsplit (text, "$", 6);
    if (g_strv_length (parts) < 3 || strcmp (parts[0], "1") != 0 || !*parts[1])
        return refuse (error, "not an activation code", code);
    p->address = g_strdup (parts[1]);
    p->matching_id = g_strdup (parts[2]);
    p->oid = parts[3] && *parts[3] ? g_strdup (parts[3]) : NULL;
    return TRUE;
}

/* The content of profileDownloadData; NULL: none. */
static GBytes *
download_data (const RspEimDownload *d)
{
    GByteArray *out = g_byte_array_new ();
    if (d->activation_code && !d->bare) {
        const char *code = d->activation_code;
        rsp_tlv_put_text (out, 0x80, g_str_has_prefix (code, "LPA:") ? code + 4 : code);
    } else if (d->smds) {
        gsize mark = rsp_tlv_open (out, 0xA2);
        if (d->smds_address)
            rsp_tlv_put_text (out, 0x80, d->smds_address);
        rsp_tlv_close (out, mark);
    } else if (!d->activation_code) {
        rsp_tlv_put (out, 0x81, RSP_SLICE (NULL, 0));
    }
    return g_byte_array_free_to_bytes (out);
}

gint64
rsp_eim_queue_download (RspEim *eim, const char *eid, const RspEimDownload *d, GError **error)
{
    g_autoptr (RspEimPackage) p = g_new0 (RspEimPackage, 1);
    p->eid = g_strdup (eid);
    p->kind = RSP_EIM_KIND_DOWNLOAD;
    p->name = g_strdup ("download");
    if (d->activation_code && !read_code (p, d->activation_code, error))
        return 0;
    if (!d->activation_code && d->smds_address)
        p->address = g_strdup (d->smds_address);
    p->code = g_strdup (d->confirmation_code);
    p->iccid = g_strdup (d->iccid);
    p->body = download_data (d);
    return queue (eim, p, error);
}

/* --- handing out --- */

void
rsp_eim_put_token (GByteArray *out, gint64 token)
{
    rsp_tlv_put_int (out, 0x84, token);
}

static void
put_signed (RspEim *eim, const RspEimDevice *device, const RspEimPackage *p, GByteArray *out)
{
    guint8 eid[16], signature[RSP_SIGNATURE_SIZE];
    g_autoptr (GByteArray) token = g_byte_array_new ();
    rsp_eid_to_octets (p->eid, eid);
    gsize whole = rsp_tlv_open (out, 0xBF51), start = out->len;
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, eim->eim_id);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (eid));
    rsp_tlv_put_int (out, 0x81, p->counter);
    rsp_tlv_put (out, 0x82, rsp_slice_of (p->transaction_id));
    rsp_tlv_put (out, p->kind == RSP_EIM_KIND_PSMO ? 0xA0 : 0xA1, rsp_slice_of (p->body));
    rsp_tlv_close (out, mark);
    rsp_eim_put_token (token, device->token);
    RspSlice parts[] = {RSP_SLICE (out->data + start, out->len - start),
                        RSP_SLICE (token->data, token->len)};
    rsp_key_sign (eim->key, parts, G_N_ELEMENTS (parts), signature);
    rsp_actor_crypto (eim->actor, "sign", "SK.EIM", TRUE);
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
    rsp_tlv_close (out, whole);
}

static void
put_data_request (const RspEim *eim, const RspEimPackage *p, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xBF52);
    rsp_tlv_put (out, 0x5C, rsp_slice_of (p->body));
    if (eim->version >= RSP_SGP32_V1_2)
        rsp_tlv_put (out, 0x83, rsp_slice_of (p->transaction_id));
    rsp_tlv_close (out, mark);
}

static void
put_trigger (const RspEimPackage *p, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xBF54);
    if (g_bytes_get_size (p->body))
        rsp_tlv_put (out, 0xA0, rsp_slice_of (p->body));
    rsp_tlv_put (out, 0x82, rsp_slice_of (p->transaction_id));
    rsp_tlv_close (out, mark);
}

RspEimPackage *
rsp_eim_next_to_deliver (RspEim *eim, const RspEimDevice *device, GError **error)
{
    RspEimPackage *p;
    while ((p = rsp_eim_next_package (eim, device->eid, error)) && !p->sent &&
           p->kind <= RSP_EIM_KIND_ECO && device->counter >= RSP_EIM_COUNTER_MAX) {
        g_autoptr (RspEimPackage) spent = p;
        spent->state = RSP_EIM_FAILED;
        spent->result = g_strdup ("counterValueOutOfRange");
        if (!rsp_eim_update_package (eim, spent, error))
            return NULL;
        rsp_eim_note_change (eim, spent, rsp_eim_state_name (RSP_EIM_QUEUED));
    }
    return p;
}

/* The same octets until there is a result: what was signed once is not signed again. */
static gboolean
render_once (RspEim *eim, RspEimDevice *device, RspEimPackage *p, GError **error)
{
    GByteArray *out = g_byte_array_new ();
    switch (p->kind) {
    case RSP_EIM_KIND_PSMO:
    case RSP_EIM_KIND_ECO:
        p->counter = ++device->counter;
        if (!rsp_eim_put_device (eim, device, error)) {
            g_byte_array_unref (out);
            return FALSE;
        }
        put_signed (eim, device, p, out);
        break;
    case RSP_EIM_KIND_DATA:
        put_data_request (eim, p, out);
        break;
    case RSP_EIM_KIND_DOWNLOAD:
        put_trigger (p, out);
        break;
    }
    p->sent = g_byte_array_free_to_bytes (out);
    return TRUE;
}

gboolean
rsp_eim_render (RspEim *eim, RspEimDevice *device, RspEimPackage *p, const char **ret_member,
                GError **error)
{
    static const char *const members[] = {
        [RSP_EIM_KIND_PSMO] = "euiccPackageRequest",
        [RSP_EIM_KIND_ECO] = "euiccPackageRequest",
        [RSP_EIM_KIND_DATA] = "ipaEuiccDataRequest",
        [RSP_EIM_KIND_DOWNLOAD] = "profileDownloadTriggerRequest",
    };
    *ret_member = members[p->kind];
    if (p->sent)
        return TRUE;
    const char *from = rsp_eim_state_name (p->state);
    p->state = RSP_EIM_DELIVERED;
    if (!render_once (eim, device, p, error) || !rsp_eim_update_package (eim, p, error))
        return FALSE;
    rsp_eim_note_change (eim, p, from);
    return TRUE;
}

gboolean
rsp_eim_redirect (RspEim *eim, RspEimPackage *p, const char *address, const char *event_id,
                  GError **error)
{
    g_autofree char *code = g_strdup_printf ("1$%s$%s", address, event_id);
    GByteArray *data = g_byte_array_new (), *trigger = g_byte_array_new ();
    rsp_tlv_put_text (data, 0x80, code);
    g_free (p->address);
    g_free (p->matching_id);
    p->address = g_strdup (address);
    p->matching_id = g_strdup (event_id);
    g_clear_pointer (&p->body, g_bytes_unref);
    g_clear_pointer (&p->sent, g_bytes_unref);
    p->body = g_byte_array_free_to_bytes (data);
    put_trigger (p, trigger);
    p->sent = g_byte_array_free_to_bytes (trigger);
    return rsp_store_begin (eim->store, error) &&
           rsp_eim_end (eim, rsp_eim_update_package (eim, p, error), error);
}
