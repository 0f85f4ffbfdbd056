/* Signing again what a fault has changed (signature inputs: SGP.22 2.6.2, 5.6, 5.7), with the key
 * of the actor that made the signature. Some inputs come from earlier messages and are kept as
 * those are delivered. */
#include "sim/net/fault-private.h"

#include "asn1/tlv.h"

#include <string.h>

#define NO_KEY "noKey"
#define NO_INPUT "noSignatureInput"
#define NOT_SIGNED "notSigned"

/* What has been seen --------------------------------------------------------------------------- */

static RspSeen *
seen_by (RspFaults *faults, const char *client, gboolean make)
{
    RspSeen *seen = g_hash_table_lookup (faults->seen, client);
    if (!seen && make) {
        seen = g_new0 (RspSeen, 1);
        g_hash_table_insert (faults->seen, g_strdup (client), seen);
    }
    return seen;
}

/* The first TLV with TAG, in reading order. */
static gboolean
find_deep (RspSlice der, guint32 tag, guint depth, RspTlv *ret)
{
    RspTlv tlv;
    while (rsp_tlv_next (&der, &tlv) == RSP_TLV_OK) {
        if (tlv.tag == tag) {
            *ret = tlv;
            return TRUE;
        }
        if ((tlv.whole.data[0] & 0x20) && depth < 8 && find_deep (tlv.value, tag, depth + 1, ret))
            return TRUE;
    }
    return FALSE;
}

static void
keep (GBytes **slot, GBytes *der, guint32 tag)
{
    RspTlv tlv;
    if (!der || !find_deep (rsp_slice_of (der), tag, 0, &tlv))
        return;
    g_clear_pointer (slot, g_bytes_unref);
    *slot = rsp_slice_to_bytes (tlv.whole);
}

/* In the ASN.1 binding the whole message is DER. */
static void
keep_member (GBytes **slot, const RspFaultMessage *message, GBytes *body, const char *member,
             guint32 tag)
{
    g_autoptr (GBytes) der = message->encoding == RSP_ENC_DER
                                 ? g_bytes_ref (body)
                                 : rsp_fault_json_octets (body, member);
    keep (slot, der, tag);
}

static void
keep_name (char **slot, const char *name)
{
    if (g_strcmp0 (*slot, name) == 0)
        return;
    g_free (*slot);
    *slot = g_strdup (name);
}

void
rsp_faults_observe (RspFaults *faults, const RspFaultMessage *message, GBytes *body)
{
    if (!faults->resigns)
        return;
    RspSeen *seen = seen_by (faults, message->client, TRUE);
    gboolean request = message->leg == RSP_LEG_REQUEST;
    const char *peer = request ? message->dst : message->src;
    if (message->function->binding == RSP_BINDING_CARD)
        keep_name (&seen->card, peer);
    else if (message->function->interface == RSP_IF_ES9P ||
             message->function->interface == RSP_IF_ESIPA ||
             message->function->interface == RSP_IF_ES11)
        keep_name (&seen->server, peer);

    switch (message->function->id) {
    case RSP_FN_ES10B_AUTHENTICATE_SERVER:
        if (!request)
            keep (&seen->euicc_signature1, body, 0x5F37);
        break;
    case RSP_FN_ES11_AUTHENTICATE_CLIENT:
        if (request)
            keep_member (&seen->euicc_signature1, message, body, "authenticateServerResponse",
                         0x5F37);
        break;
    case RSP_FN_ES9P_AUTHENTICATE_CLIENT:
    case RSP_FN_ESIPA_AUTHENTICATE_CLIENT:
        if (request)
            keep_member (&seen->euicc_signature1, message, body, "authenticateServerResponse",
                         0x5F37);
        else
            keep_member (&seen->smdp_signature2, message, body, "smdpSignature2", 0x5F37);
        break;
    case RSP_FN_ES10B_PREPARE_DOWNLOAD:
        if (request)
            keep (&seen->smdp_signature2, body, 0x5F37);
        else
            keep (&seen->euicc_otpk, body, 0x5F49);
        break;
    case RSP_FN_ES10B_ADD_INITIAL_EIM:
    case RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA:
        if (!request)
            keep (&seen->association_token, body, 0x84);
        break;
    case RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE:
    case RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE:
        if (request)
            keep_member (&seen->euicc_otpk, message, body, "prepareDownloadResponse", 0x5F49);
        break;
    default:
        break;
    }
}

/* Keys ------------------------------------------------------------------------------------------
 */

static const char *
signer_of (RspFaults *faults, const RspFaultMessage *message, const char *purpose)
{
    const RspSeen *seen = seen_by (faults, message->client, FALSE);
    gboolean server = strcmp (purpose, "euicc") != 0;
    const char *peer = message->leg == RSP_LEG_REQUEST ? message->dst : message->src;
    switch (message->function->binding) {
    case RSP_BINDING_HTTP:
        return server ? peer : (seen ? seen->card : NULL);
    case RSP_BINDING_CARD:
        return server ? (seen ? seen->server : NULL) : peer;
    case RSP_BINDING_NESTED:
        return server ? message->src : message->dst;
    case RSP_BINDING_APDU:
    case RSP_BINDING_RADIO:
        break;
    }
    return NULL;
}

/* The signer's key; where it is not known who signs, or an eIM may have relayed it, the only key
 * for the purpose. */
static const RspKey *
find_key (RspFaults *faults, const RspFaultMessage *message, const char *purpose)
{
    const char *actor = signer_of (faults, message, purpose);
    g_autofree char *full = g_strdup_printf ("%s %s", purpose, actor ? actor : "");
    const RspKey *known = g_hash_table_lookup (faults->keys, full);
    if (known || (actor && message->function->interface != RSP_IF_ESIPA))
        return known;
    g_autofree char *prefix = g_strdup_printf ("%s ", purpose);
    GHashTableIter iter;
    gpointer name, key;
    const RspKey *only = NULL;
    guint found = 0;
    g_hash_table_iter_init (&iter, faults->keys);
    while (g_hash_table_iter_next (&iter, &name, &key))
        if (g_str_has_prefix (name, prefix)) {
            only = key;
            found++;
        }
    return found == 1 ? only : NULL;
}

/* Inputs ----------------------------------------------------------------------------------------
 */

typedef struct {
    const char *purpose;
    gboolean needs_other;
    RspSlice other; /* behind the signed TLVs */
} Rule;

static gboolean
one_of (const char *type, const char *names)
{
    g_auto (GStrv) all = g_strsplit (names, " ", -1);
    return g_strv_contains ((const char *const *)all, type);
}

/* As the eIM's packages and the eUICC's results are signed with; none counts as zero (SGP.32
 * 2.11.1.1). */
static RspSlice
association_token (const RspSeen *seen)
{
    static const guint8 zero[] = {0x84, 0x01, 0x00};
    return seen && seen->association_token ? rsp_slice_of (seen->association_token)
                                           : RSP_SLICE_ARRAY (zero);
}

static Rule
rule_for (RspFaults *faults, const RspFaultMessage *message, const char *type)
{
    const RspSeen *seen = seen_by (faults, message->client, FALSE);
    if (one_of (type, "AuthenticateServerRequest InitiateAuthenticationResponse "
                      "InitiateAuthenticationResponseEsipa"))
        return (Rule){.purpose = "dp-auth"};
    if (one_of (type, "PrepareDownloadRequest AuthenticateClientResponseEs9 "
                      "AuthenticateClientResponseEsipa"))
        return (Rule){"dp-pb", TRUE, rsp_slice_of (seen ? seen->euicc_signature1 : NULL)};
    if (one_of (type, "EuiccPackageRequest GetEimPackageResponse TransferEimPackageRequest"))
        return (Rule){"eim", TRUE, association_token (seen)};
    if (one_of (type, "EuiccPackageResult EimPackageResult ProvideEimPackageResult "
                      "TransferEimPackageResponse"))
        return (Rule){"euicc", TRUE, association_token (seen)};
    if (one_of (type, "PrepareDownloadResponse SGP32-PrepareDownloadResponse "
                      "GetBoundProfilePackageRequest GetBoundProfilePackageRequestEsipa"))
        return (Rule){"euicc", TRUE, rsp_slice_of (seen ? seen->smdp_signature2 : NULL)};
    if (strcmp (type, "InitialiseSecureChannelRequest") == 0)
        return (Rule){"dp-pb", TRUE, rsp_slice_of (seen ? seen->euicc_otpk : NULL)};
    return (Rule){.purpose = "euicc"};
}

static const char *
sign (RspFaults *faults, const RspFaultMessage *message, const Rule *rule, RspSlice input,
      guint8 signature[RSP_SIGNATURE_SIZE])
{
    const RspKey *key = find_key (faults, message, rule->purpose);
    if (!key)
        return NO_KEY;
    if (rule->needs_other && rule->other.len == 0)
        return NO_INPUT;
    RspSlice parts[] = {input, rule->other};
    rsp_key_sign (key, parts, rule->needs_other ? 2 : 1, signature);
    return NULL;
}

/* DER: a signature stands right behind what it covers --------------------------------------------
 */

static gboolean
child_at (RspSlice level, guint index, RspTlv *ret, RspTlv *ret_next)
{
    for (guint i = 0; i <= index; i++)
        if (rsp_tlv_next (&level, ret) != RSP_TLV_OK)
            return FALSE;
    if (rsp_tlv_next (&level, ret_next) != RSP_TLV_OK)
        ret_next->tag = 0;
    return TRUE;
}

const char *
rsp_fault_resign_der (RspFaults *faults, const RspFaultMessage *message, const char *type,
                      const GArray *path, GByteArray *der)
{
    RspSlice level = RSP_SLICE (der->data, der->len), input = {0};
    Rule rule = rule_for (faults, message, type);
    RspTlv tlv, next, signature = {0};
    for (guint i = 0; !signature.tag && i < path->len; i++) {
        if (!child_at (level, g_array_index (path, RspEnclosing, i).index, &tlv, &next))
            return NOT_SIGNED;
        level = tlv.value;
        if (tlv.tag == 0xBF23 && rsp_tlv_find (tlv.value, 0x5F37, &signature)) {
            /* smdpSign covers all its neighbours. */
            rule = rule_for (faults, message, "InitialiseSecureChannelRequest");
            input = RSP_SLICE (tlv.value.data, signature.whole.data - tlv.value.data);
        } else if (next.tag == 0x5F37) {
            signature = next;
            input = tlv.whole;
        }
    }
    if (!signature.tag || signature.value.len != RSP_SIGNATURE_SIZE)
        return NOT_SIGNED;
    guint8 octets[RSP_SIGNATURE_SIZE];
    const char *result = sign (faults, message, &rule, input, octets);
    if (!result)
        memcpy (der->data + (signature.value.data - der->data), octets, sizeof octets);
    return result;
}

/* JSON members that are signed, with their signatures as members of their own ---------------------
 */

static const struct {
    const char *member, *signature, *type; /* the ES10b request in which both stand */
} signed_members[] = {{"serverSigned1", "serverSignature1", "AuthenticateServerRequest"},
                      {"smdpSigned2", "smdpSignature2", "PrepareDownloadRequest"}};

const char *
rsp_fault_signature_member (const char *member)
{
    for (guint i = 0; i < G_N_ELEMENTS (signed_members); i++)
        if (strcmp (signed_members[i].member, member) == 0)
            return signed_members[i].signature;
    return NULL;
}

GBytes *
rsp_fault_sign_member (RspFaults *faults, const RspFaultMessage *message, const char *member,
                       GBytes *der, const char **ret_result)
{
    gboolean first = strcmp (member, signed_members[0].member) == 0;
    Rule rule = rule_for (faults, message, signed_members[first ? 0 : 1].type);
    guint8 octets[RSP_SIGNATURE_SIZE];
    const char *result = sign (faults, message, &rule, rsp_slice_of (der), octets);
    if (result) {
        *ret_result = result;
        return NULL;
    }
    GByteArray *out = g_byte_array_new ();
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (octets));
    return g_byte_array_free_to_bytes (out);
}
