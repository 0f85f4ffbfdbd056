/* Indirect downloads (SGP.32 3.2.3.2): the calls of an IPA go on to the server, an SM-DP+ on ES9+
 * or an SM-DS on ES11, and its answers back, member by member, with what the eIM checks and adds in
 * between. */
#include "asn1/event-entries.h"
#include "components/eim/eim-private.h"
#include "pki/cert.h"
#include "pki/hash.h"

#include <string.h>

#define MAX_RELAYS 100000
#define LIFETIME (600 * G_USEC_PER_SEC)
#define MAC_SIZE 8

/* What the ASN.1 of ESipa has values of its own for, asn1/fields-der-errors.c. */
#define INVALID_ADDRESS ((RspStatus){"8.8.1", "3.8", "no server to ask"})
#define ADDRESS_MISMATCH ((RspStatus){"8.8.1", "3.10", "not the server of the eIM package"})
#define OID_MISMATCH ((RspStatus){"8.8", "3.10", "not the SM-DP+ of the activation code"})
#define UNKNOWN_TRANSACTION ((RspStatus){"8.10.1", "3.9", "unknown transaction"})
#define UNKNOWN_PACKAGE ((RspStatus){"8.31.2", "3.10", "unknown eimTransactionId"})
#define METADATA_MISMATCH ((RspStatus){"8.2.9", "3.11", "the profile is not what was announced"})
#define EVENT_UNKNOWN ((RspStatus){"8.9.5", "3.9", "no event for this eUICC"})
#define UNREACHABLE ((RspStatus){"8.8", "5.1", "the server does not answer"})
#define BAD_ANSWER ((RspStatus){"8.8", "4.2", "the server's answer cannot be read"})
#define EXECUTION_ERROR ((RspStatus){"1.6", "4.2", "execution error"})
#define NO_EUICC_INFO ((RspStatus){"1.6", "2.2", "euiccInfo1"})

/* One call under way. */
typedef struct {
    RspEim *eim;
    RspCall *call;
    const RspFunction *fn; /* of the server */
    gint64 package;
    gboolean event;
    char address[256], transaction_id[65];
} Relayed;

void
rsp_eim_relay_free (RspEimRelay *relay)
{
    g_free (relay->transaction_id);
    g_free (relay->address);
    g_clear_pointer (&relay->metadata, g_bytes_unref);
    g_free (relay);
}

static gboolean
is_over (gpointer key G_GNUC_UNUSED, gpointer value, gpointer now)
{
    return ((RspEimRelay *)value)->due <= *(gint64 *)now;
}

static RspEimRelay *
find_relay (RspEim *eim, const char *transaction_id)
{
    gint64 now = rsp_loop_now (eim->actor->loop);
    g_autofree char *upper = transaction_id ? g_ascii_strup (transaction_id, -1) : NULL;
    RspEimRelay *relay = upper ? g_hash_table_lookup (eim->relays, upper) : NULL;
    if (!relay || relay->due <= now)
        return NULL;
    relay->due = now + LIFETIME;
    return relay;
}

static void
remember (RspEim *eim, const Relayed *r, const char *transaction_id)
{
    gint64 now = rsp_loop_now (eim->actor->loop);
    if (g_hash_table_size (eim->relays) >= MAX_RELAYS)
        g_hash_table_foreach_remove (eim->relays, is_over, &now);
    if (g_hash_table_size (eim->relays) >= MAX_RELAYS)
        g_hash_table_remove_all (eim->relays);
    RspEimRelay *relay = g_new0 (RspEimRelay, 1);
    relay->transaction_id = g_ascii_strup (transaction_id, -1);
    relay->address = g_strdup (r->address);
    relay->event = r->event;
    relay->package = r->package;
    relay->due = now + LIFETIME;
    g_hash_table_replace (eim->relays, relay->transaction_id, relay);
}

/* --- members --- */

static const struct {
    const char *esipa, *server;
} renamed[] = {{"euiccCiPKIdentifierToBeUsed", "euiccCiPKIdToBeUsed"}};

static const char *
server_name (const char *esipa)
{
    for (guint i = 0; i < G_N_ELEMENTS (renamed); i++)
        if (strcmp (renamed[i].esipa, esipa) == 0)
            return renamed[i].server;
    return esipa;
}

static gboolean
has_member (const RspFields *f, const char *name)
{
    RspLeg leg;
    const RspFunction *fn = rsp_fields_function (f, &leg);
    const RspMember *m = leg == RSP_LEG_REQUEST ? fn->request_members : fn->response_members;
    while (m && m->name && strcmp (m->name, name) != 0)
        m++;
    return m && m->name;
}

/* What both have goes from FROM to TO, one of which is of ESipa: MEMBERS are its. */
static void
copy_members (RspFields *to, const RspFields *from, const RspMember *members, gboolean to_server)
{
    for (const RspMember *m = members; m && m->name; m++) {
        const char *source = to_server ? m->name : server_name (m->name);
        const char *target = to_server ? server_name (m->name) : m->name;
        if (!has_member (from, source) || !has_member (to, target) ||
            !rsp_fields_has (from, source))
            continue;
        if (m->kind == RSP_MEMBER_BASE64)
            rsp_fields_set_bytes (to, target, rsp_fields_bytes (from, source));
        else
            rsp_fields_set_text (to, target, rsp_fields_text (from, source));
    }
}

/* --- answers of the server --- */

/* The SM-DP+ is the one of the activation code; the IPA that has no code of its own gets the
 * MatchingID. */
static RspStatus
after_initiate (RspEim *eim, Relayed *r, const RspFields *in, RspFields *out)
{
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (eim, r->package, NULL);
    GBytes *der = rsp_fields_bytes (in, "serverCertificate");
    g_autoptr (RspCert) cert = der ? rsp_cert_parse (der, NULL) : NULL;
    if (p && p->oid && (!cert || g_strcmp0 (rsp_cert_oid (cert), p->oid) != 0))
        return OID_MISMATCH;
    /* who has answered, an SM-DP+ or an SM-DS, its certificate says */
    r->event = cert && rsp_cert_role (cert) == RSP_ROLE_DS_AUTH;
    remember (eim, r, rsp_fields_text (in, "transactionId"));
    if (p && p->matching_id && g_bytes_get_size (p->body) == 0)
        rsp_fields_set_text (out, "matchingId", p->matching_id);
    return (RspStatus){NULL};
}

/* The eIM knows the confirmation code; nobody else does. */
static void
put_hash_cc (RspEim *eim, const RspEimRelay *relay, const RspFields *in, RspFields *out)
{
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (eim, relay->package, NULL);
    GBytes *der = rsp_fields_bytes (in, "smdpSigned2");
    g_autoptr (RspAsn1) signed2 = der ? rsp_asn1_decode ("SmdpSigned2", der, NULL) : NULL;
    g_autoptr (GBytes) id = rsp_unhex (relay->transaction_id);
    guint8 code_hash[RSP_SHA256_SIZE], hash[RSP_SHA256_SIZE];
    if (!p || !p->code || !signed2 || !rsp_asn1_bool (signed2, "ccRequiredFlag"))
        return;
    RspSlice code = RSP_SLICE (p->code, strlen (p->code));
    rsp_sha256 (&code, 1, code_hash);
    rsp_hash_cc (code_hash, rsp_slice_of (id), hash);
    g_autoptr (GBytes) value = g_bytes_new (hash, sizeof hash);
    rsp_fields_set_bytes (out, "hashCc", value);
    rsp_wipe (code_hash, sizeof code_hash);
}

/* The first event of the list becomes the trigger of a further download (SGP.32 3.2.3.3). */
static RspStatus
after_events (RspEim *eim, const RspEimRelay *relay, const RspFields *in, RspFields *out)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (eim, relay->package, NULL);
    g_autoptr (GPtrArray) entries =
        rsp_event_entries_from_json (rsp_fields_text (in, "eventEntries"));
    if (!entries)
        return BAD_ANSWER;
    if (!entries->len || !p)
        return EVENT_UNKNOWN;
    const RspEventEntry *event = entries->pdata[0];
    if (!rsp_eim_redirect (eim, p, event->address, event->event_id, &error))
        return EXECUTION_ERROR;
    rsp_fields_set_bytes (out, "profileDownloadTrigger", p->sent);
    g_hash_table_remove (eim->relays, relay->transaction_id);
    return (RspStatus){NULL};
}

static RspStatus
after_authenticate (RspEim *eim, RspEimRelay *relay, const RspFields *in, RspFields *out)
{
    if (relay->event)
        return after_events (eim, relay, in, out);
    GBytes *metadata = rsp_fields_bytes (in, "profileMetadata");
    g_clear_pointer (&relay->metadata, g_bytes_unref);
    relay->metadata = metadata ? g_bytes_ref (metadata) : NULL;
    put_hash_cc (eim, relay, in, out);
    return (RspStatus){NULL};
}

/* StoreMetadata of a BoundProfilePackage is protected, but not enciphered: A1{88 segment ‖ MAC …}.
 * (transfer full) (nullable) */
static GByteArray *
bound_metadata (RspSlice package)
{
    RspTlv bound, sequence, segment;
    if (!rsp_tlv_single (package, 0xBF36, &bound) || !rsp_tlv_find (bound.value, 0xA1, &sequence))
        return NULL;
    GByteArray *out = g_byte_array_new ();
    while (rsp_tlv_next (&sequence.value, &segment) == RSP_TLV_OK)
        if (segment.value.len > MAC_SIZE)
            g_byte_array_append (out, segment.value.data, (guint)segment.value.len - MAC_SIZE);
    return out;
}

static RspStatus
after_package (const RspEimRelay *relay, const RspFields *in)
{
    g_autoptr (GByteArray) bound =
        bound_metadata (rsp_slice_of (rsp_fields_bytes (in, "boundProfilePackage")));
    if (!bound || !relay->metadata)
        return (RspStatus){NULL};
    return rsp_slice_equal (RSP_SLICE (bound->data, bound->len), rsp_slice_of (relay->metadata))
               ? (RspStatus){NULL}
               : METADATA_MISMATCH;
}

static RspStatus
after (RspEim *eim, Relayed *r, const RspFields *in, RspFields *out)
{
    guint id = rsp_call_function (r->call)->id;
    if (id == RSP_FN_ESIPA_INITIATE_AUTHENTICATION)
        return after_initiate (eim, r, in, out);
    RspEimRelay *relay = g_hash_table_lookup (eim->relays, r->transaction_id);
    if (!relay)
        return UNKNOWN_TRANSACTION;
    if (id == RSP_FN_ESIPA_AUTHENTICATE_CLIENT)
        return after_authenticate (eim, relay, in, out);
    if (id == RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE)
        return after_package (relay, in);
    g_hash_table_remove (eim->relays, r->transaction_id);
    return (RspStatus){NULL};
}

static void
on_answer (const RspReply *reply, gpointer data)
{
    Relayed *r = data;
    RspEim *eim = r->eim;
    const RspFunction *esipa = rsp_call_function (r->call);
    RspStatus status = {NULL};
    g_autoptr (RspFields) out = rsp_fields_new (esipa, RSP_LEG_RESPONSE);
    g_autoptr (RspFields) in = NULL;
    if (reply->kind == RSP_REPLY_OK && reply->http == 200)
        in = rsp_fields_decode (r->fn, RSP_LEG_RESPONSE, reply->body, NULL);
    if (!in) {
        status = reply->kind == RSP_REPLY_OK ? BAD_ANSWER : UNREACHABLE;
    } else if (!rsp_fields_failed (in, &status)) {
        copy_members (out, in, esipa->response_members, FALSE);
        status = after (eim, r, in, out);
    }
    if (status.subject)
        rsp_eim_refuse (r->call, status);
    else
        rsp_eim_answer (r->call, out);
    g_hash_table_remove (eim->pending, r);
}

/* --- requests of the IPA --- */

static void
send_on (RspEim *eim, RspCall *call, const Relayed *template, const RspFields *out)
{
    g_autoptr (GBytes) body = rsp_fields_encode (out);
    Relayed *r = g_memdup2 (template, sizeof *template);
    g_hash_table_add (eim->pending, r);
    RspCallOptions options = {.transaction_id = *r->transaction_id ? r->transaction_id : NULL};
    if (options.transaction_id)
        rsp_call_set_transaction_id (call, options.transaction_id);
    rsp_bus_call (eim->actor->bus, eim->actor->name, r->address, r->fn, body, &options, on_answer,
                  r);
}

/* The package that the IPA downloads for. A transaction that is given must be of an open one. */
static RspStatus
find_package (RspEim *eim, const RspFields *in, RspEimPackage **ret)
{
    g_autoptr (GError) error = NULL;
    GBytes *id = rsp_fields_bytes (in, "eimTransactionId");
    g_autoptr (RspEimPackage) p =
        id ? rsp_eim_package_by_transaction (eim, rsp_slice_of (id), &error) : NULL;
    if (error)
        return EXECUTION_ERROR;
    if (id && (!p || p->kind != RSP_EIM_KIND_DOWNLOAD || p->state != RSP_EIM_DELIVERED))
        return UNKNOWN_PACKAGE;
    *ret = g_steal_pointer (&p);
    return (RspStatus){NULL};
}

static RspStatus
choose_address (const RspEimPackage *p, const char *given, const char **ret)
{
    if (p && p->address && given && g_ascii_strcasecmp (p->address, given) != 0)
        return ADDRESS_MISMATCH;
    *ret = given ? given : p ? p->address : NULL;
    return *ret && **ret ? (RspStatus){NULL} : INVALID_ADDRESS;
}

/* euiccInfo1 that the IPA left out, for fewer octets, is what it once told (SGP.32 5.14.1).
 * (transfer full) */
static GBytes *
euicc_info (RspEim *eim, const RspEimPackage *p, const RspFields *in)
{
    GBytes *given = rsp_fields_bytes (in, "euiccInfo1");
    g_autoptr (RspEimDevice) device = p ? rsp_eim_device (eim, p->eid, NULL) : NULL;
    if (given)
        return g_bytes_ref (given);
    return device && device->info1 ? g_bytes_ref (device->info1) : NULL;
}

/* An eIM package that asks for events: its server is an SM-DS. */
static gboolean
asks_for_events (const RspEimPackage *p)
{
    RspTlv tlv;
    return p && rsp_tlv_single (rsp_slice_of (p->body), 0xA2, &tlv);
}

static RspStatus
initiate (RspEim *eim, RspCall *call, const RspFields *in)
{
    g_autoptr (RspEimPackage) p = NULL;
    const char *address = NULL;
    RspStatus status = find_package (eim, in, &p);
    if (!status.subject)
        status = choose_address (p, rsp_fields_text (in, "smdpAddress"), &address);
    if (status.subject)
        return status;
    g_autoptr (GBytes) info = euicc_info (eim, p, in);
    if (!info)
        return NO_EUICC_INFO;
    Relayed r = {.eim = eim,
                 .call = call,
                 .fn = rsp_function (asks_for_events (p) ? RSP_FN_ES11_INITIATE_AUTHENTICATION
                                                         : RSP_FN_ES9P_INITIATE_AUTHENTICATION),
                 .package = p ? p->id : 0};
    g_strlcpy (r.address, address, sizeof r.address);
    g_autoptr (RspFields) out = rsp_fields_new (r.fn, RSP_LEG_REQUEST);
    rsp_fields_set_bytes (out, "euiccChallenge", rsp_fields_bytes (in, "euiccChallenge"));
    rsp_fields_set_bytes (out, "euiccInfo1", info);
    rsp_fields_set_text (out, "smdpAddress", address);
    send_on (eim, call, &r, out);
    return (RspStatus){NULL};
}

/* Compact answers (SGP.32 5.14.2) would have to be completed. */
static RspStatus
refuse_compact (const RspFields *in)
{
    static const struct {
        const char *member;
        guint32 tag;
    } members[] = {{"authenticateServerResponse", 0xBF38},
                   {"prepareDownloadResponse", 0xBF21},
                   {"cancelSessionResponse", 0xBF41}};
    for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
        GBytes *value =
            has_member (in, members[i].member) ? rsp_fields_bytes (in, members[i].member) : NULL;
        RspTlv outer, inner;
        if (value && rsp_tlv_single (rsp_slice_of (value), members[i].tag, &outer) &&
            rsp_tlv_next (&outer.value, &inner) == RSP_TLV_OK && inner.tag == 0xA2)
            return (RspStatus){"1.6", "2.1", "not supported: compact messages"};
    }
    return (RspStatus){NULL};
}

static RspStatus
relay (RspEim *eim, RspCall *call, const RspFields *in)
{
    static const RspFunctionId es9p[][2] = {
        {RSP_FN_ESIPA_AUTHENTICATE_CLIENT, RSP_FN_ES9P_AUTHENTICATE_CLIENT},
        {RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE, RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE},
        {RSP_FN_ESIPA_CANCEL_SESSION, RSP_FN_ES9P_CANCEL_SESSION}};
    const RspFunction *esipa = rsp_call_function (call);
    guint row = 0;
    while (es9p[row][0] != (RspFunctionId)esipa->id)
        row++;
    const RspEimRelay *session = find_relay (eim, rsp_fields_text (in, "transactionId"));
    RspStatus status = refuse_compact (in);
    if (!session || status.subject)
        return session ? status : UNKNOWN_TRANSACTION;
    RspFunctionId id = row == 0 && session->event ? RSP_FN_ES11_AUTHENTICATE_CLIENT : es9p[row][1];
    Relayed r = {.eim = eim, .call = call, .fn = rsp_function (id), .package = session->package};
    g_strlcpy (r.address, session->address, sizeof r.address);
    g_strlcpy (r.transaction_id, session->transaction_id, sizeof r.transaction_id);
    g_autoptr (RspFields) out = rsp_fields_new (r.fn, RSP_LEG_REQUEST);
    copy_members (out, in, esipa->request_members, TRUE);
    send_on (eim, call, &r, out);
    return (RspStatus){NULL};
}

void
rsp_eim_relay (RspEim *eim, RspCall *call, const RspFields *in)
{
    RspStatus status = rsp_call_function (call)->id == RSP_FN_ESIPA_INITIATE_AUTHENTICATION
                           ? initiate (eim, call, in)
                           : relay (eim, call, in);
    if (status.subject)
        rsp_eim_refuse (call, status);
}
