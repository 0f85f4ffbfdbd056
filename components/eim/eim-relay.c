/* Indirect downloads (SGP.32 3.2.3.2): the calls of an IPA go on to the server, an SM-DP+ on ES9+
 * or an SM-DS on ES11, and its answers back, member by member, with what the eIM checks and adds in
 * between. */
#include "asn1/event-entries.h"
#include "components/eim/eim-private.h"
#include "pki/cert.h"
#include "pki/hash.h"

#include <string.h>

#define MAC_SIZE 8

/* What the ASN.1 of ESipa has values of its own for, asn1/fields-der-errors.c. */
#define INVALID_ADDRESS ((RspStatus){"8.8.1", "3.8", "no server to ask"})
#define ADDRESS_MISMATCH ((RspStatus){"8.8.1", "3.10", "not the server of the eIM package"})
#define OID_MISMATCH ((RspStatus){"8.8", "3.10", "not the SM-DP+ of the activation code"})
#define UNKNOWN_TRANSACTION ((RspStatus){"8.10.1", "3.9", "unknown transaction"})
#define UNKNOWN_PACKAGE ((RspStatus){"8.31.2", "3.10", "unknown eimTransactionId"})
#define WRONG_STEP ((RspStatus){"8.10.1", "3.9", "not the next step of this session"})
#define OTHER_EUICC ((RspStatus){"8.1.1", "3.8", "nothing ordered for this eUICC from that server"})
#define PPR_NOT_ALLOWED ((RspStatus){"8.2.8", "3.8", "this eIM lets no such profile through"})
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
    char address[256], transaction_id[65];
} Relayed;

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

/* CtxParams1 for the eUICC to sign, where the eIM knows the device (SGP.32 3.2.3.2). */
static GBytes *
context (const RspEimPackage *p, const RspEimDevice *device)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put_text (out, 0x80, p->matching_id);
    rsp_tlv_put (out, 0xA1, rsp_slice_of (device->info));
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

/* The IPA that has no activation code gets what the eUICC is to say, or the MatchingID alone. */
static void
put_download_data (RspEim *eim, const RspEimPackage *p, RspFields *out)
{
    if (!p || !p->matching_id || g_bytes_get_size (p->body) > 0)
        return;
    g_autoptr (RspEimDevice) device = rsp_eim_device (eim, p->eid, NULL);
    if (device && device->info) {
        g_autoptr (GBytes) params = context (p, device);
        rsp_fields_set_bytes (out, "ctxParams1", params);
    } else {
        rsp_fields_set_text (out, "matchingId", p->matching_id);
    }
}

/* The SM-DP+ is the one of the activation code. Who has answered, an SM-DP+ or an SM-DS, its
 * certificate says. */
static RspStatus
after_initiate (RspEim *eim, Relayed *r, const RspFields *in, RspFields *out)
{
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (eim, r->package, NULL);
    GBytes *der = rsp_fields_bytes (in, "serverCertificate");
    g_autoptr (RspCert) cert = der ? rsp_cert_parse (der, NULL) : NULL;
    const char *oid = cert ? rsp_cert_oid (cert) : NULL;
    if (p && p->oid && g_strcmp0 (oid, p->oid) != 0)
        return OID_MISMATCH;
    RspEimSession *s = rsp_eim_session_new (eim, rsp_fields_text (in, "transactionId"), r->address);
    rsp_eim_session_settle (eim, s, r->package);
    s->event = cert && rsp_cert_role (cert) == RSP_ROLE_DS_AUTH;
    s->oid = g_strdup (oid);
    put_download_data (eim, p, out);
    return (RspStatus){NULL};
}

/* The eIM knows the confirmation code; nobody else does. */
static void
put_hash_cc (const RspEimSession *s, const RspEimPackage *p, const RspFields *in, RspFields *out)
{
    GBytes *der = rsp_fields_bytes (in, "smdpSigned2");
    g_autoptr (RspAsn1) signed2 = der ? rsp_asn1_decode ("SmdpSigned2", der, NULL) : NULL;
    g_autoptr (GBytes) id = rsp_unhex (s->transaction_id);
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
after_events (RspEim *eim, RspEimSession *s, RspEimPackage *p, const RspFields *in, RspFields *out)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) entries =
        rsp_event_entries_from_json (rsp_fields_text (in, "eventEntries"));
    rsp_eim_session_end (eim, s);
    if (!entries)
        return BAD_ANSWER;
    if (!entries->len || !p)
        return EVENT_UNKNOWN;
    const RspEventEntry *event = entries->pdata[0];
    if (!rsp_eim_redirect (eim, p, event->address, event->event_id, &error))
        return EXECUTION_ERROR;
    rsp_fields_set_bytes (out, "profileDownloadTrigger", p->sent);
    return (RspStatus){NULL};
}

/* What the eIM itself has to say of the profile announced (eimProfileMetadataVerification). */
static RspStatus
check_metadata (RspEim *eim, RspEimSession *s, const RspEimPackage *p, GBytes *der)
{
    g_autoptr (RspMetadata) m = der ? rsp_metadata_decode (rsp_slice_of (der), NULL) : NULL;
    if (!m)
        return BAD_ANSWER;
    s->unwanted = (p && p->iccid && strcmp (p->iccid, m->iccid) != 0) ||
                  eim->rules.refused_classes & 1u << m->profile_class;
    const char *what = m->ppr & eim->rules.refused_ppr ? "pprNotAllowed"
                       : s->unwanted                   ? "metadataMismatch"
                                                       : "ok";
    rsp_trace_event (eim->actor->trace, &(RspTraceEvent){.kind = RSP_TRACE_CHECK,
                                                         .src = eim->actor->name,
                                                         .op = "profileMetadata",
                                                         .key = m->iccid,
                                                         .result = what});
    return m->ppr & eim->rules.refused_ppr ? PPR_NOT_ALLOWED : (RspStatus){NULL};
}

static RspStatus
after_authenticate (RspEim *eim, RspEimSession *s, gint64 package, const RspFields *in,
                    RspFields *out)
{
    rsp_eim_session_settle (eim, s, package); /* the server has proved the eUICC now */
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (eim, s->package, NULL);
    if (s->event)
        return after_events (eim, s, p, in, out);
    GBytes *metadata = rsp_fields_bytes (in, "profileMetadata");
    g_clear_pointer (&s->metadata, g_bytes_unref);
    s->metadata = metadata ? g_bytes_ref (metadata) : NULL;
    RspStatus status = check_metadata (eim, s, p, metadata);
    s->step = status.subject ? RSP_EIM_REFUSED : RSP_EIM_AUTHENTICATED;
    put_hash_cc (s, p, in, out);
    return status;
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
after_package (RspEimSession *s, const RspFields *in)
{
    g_autoptr (GByteArray) bound =
        bound_metadata (rsp_slice_of (rsp_fields_bytes (in, "boundProfilePackage")));
    gboolean same =
        !bound || !s->metadata ||
        rsp_slice_equal (RSP_SLICE (bound->data, bound->len), rsp_slice_of (s->metadata));
    s->step = same ? RSP_EIM_BOUND : RSP_EIM_REFUSED;
    return same ? (RspStatus){NULL} : METADATA_MISMATCH;
}

static RspStatus
after (RspEim *eim, Relayed *r, const RspFields *in, RspFields *out)
{
    guint id = rsp_call_function (r->call)->id;
    if (id == RSP_FN_ESIPA_INITIATE_AUTHENTICATION)
        return after_initiate (eim, r, in, out);
    RspEimSession *s = rsp_eim_session_find (eim, r->transaction_id);
    if (!s)
        return UNKNOWN_TRANSACTION;
    if (id == RSP_FN_ESIPA_AUTHENTICATE_CLIENT)
        return after_authenticate (eim, s, r->package, in, out);
    if (id == RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE)
        return after_package (s, in);
    rsp_eim_session_end (eim, s);
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

/* A download that is out, and not over. */
static gboolean
is_open (const RspEimPackage *p)
{
    return p && p->kind == RSP_EIM_KIND_DOWNLOAD && p->state == RSP_EIM_DELIVERED;
}

static RspStatus
choose_address (const RspEimPackage *p, const char *given, const char **ret)
{
    if (p && p->address && given && g_ascii_strcasecmp (p->address, given) != 0)
        return ADDRESS_MISMATCH;
    *ret = given ? given : p ? p->address : NULL;
    return *ret && **ret ? (RspStatus){NULL} : INVALID_ADDRESS;
}

/* Without a transaction the address alone can say which order it is for: if there are several, *RET
 * is not sure, and the eUICC will say, once it is known. */
static RspStatus
find_order (RspEim *eim, const char *address, RspEimPackage **ret, gboolean *ret_sure)
{
    g_autoptr (GError) error = NULL;
    gboolean more;
    g_autoptr (RspEimPackage) p = rsp_eim_download_from (eim, NULL, address, &more, &error);
    if (error)
        return EXECUTION_ERROR;
    if (!p && !eim->rules.any)
        return ADDRESS_MISMATCH;
    *ret_sure = p && !more && !eim->rules.any;
    *ret = g_steal_pointer (&p);
    return (RspStatus){NULL};
}

/* A trigger without data and, in v1.0, nothing in the request that says which one: it is the only
 * one out for the eUICC that asked last from there. */
static RspStatus
find_bare_order (RspEim *eim, const RspCall *call, RspEimPackage **ret, const char **ret_address)
{
    g_autoptr (GError) error = NULL;
    gboolean more;
    g_autoptr (RspEimPackage) p =
        rsp_eim_download_from (eim, rsp_eim_asker (eim, call), NULL, &more, &error);
    if (error)
        return EXECUTION_ERROR;
    if (!p || more || g_bytes_get_size (p->body) > 0 || !p->address)
        return INVALID_ADDRESS;
    *ret_address = p->address;
    *ret = g_steal_pointer (&p);
    return (RspStatus){NULL};
}

/* What the IPA downloads for, and from whom: never from a server that nobody ordered from. */
static RspStatus
find_package (RspEim *eim, const RspCall *call, const RspFields *in, RspEimPackage **ret,
              gboolean *ret_sure, const char **ret_address)
{
    g_autoptr (GError) error = NULL;
    GBytes *id = rsp_fields_bytes (in, "eimTransactionId");
    const char *given = rsp_fields_text (in, "smdpAddress");
    g_autoptr (RspEimPackage) p =
        id ? rsp_eim_package_by_transaction (eim, rsp_slice_of (id), &error) : NULL;
    if (error || !rsp_eim_expire (eim, &error))
        return EXECUTION_ERROR;
    if (id && !is_open (p))
        return UNKNOWN_PACKAGE;
    *ret_sure = id || !given;
    if (!id && !given && eim->version == RSP_SGP32_V1_0)
        return find_bare_order (eim, call, ret, ret_address);
    RspStatus status = choose_address (p, given, ret_address);
    if (!status.subject && !id)
        status = find_order (eim, *ret_address, &p, ret_sure);
    *ret = g_steal_pointer (&p);
    return status;
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
    gboolean sure;
    RspStatus status = find_package (eim, call, in, &p, &sure, &address);
    if (status.subject)
        return status;
    g_autoptr (GBytes) info = euicc_info (eim, sure ? p : NULL, in);
    if (!info)
        return NO_EUICC_INFO;
    Relayed r = {.eim = eim,
                 .call = call,
                 .fn = rsp_function (asks_for_events (p) ? RSP_FN_ES11_INITIATE_AUTHENTICATION
                                                         : RSP_FN_ES9P_INITIATE_AUTHENTICATION),
                 .package = sure ? p->id : 0};
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

/* The EID of the eUICC that answers the server; NULL: it answers with an error. (transfer full) */
static char *
eid_of (const RspFields *in)
{
    g_autoptr (RspAsn1) answer = rsp_asn1_decode (
        "AuthenticateServerResponse", rsp_fields_bytes (in, "authenticateServerResponse"), NULL);
    RspSlice der = answer ? rsp_asn1_slice (answer, "authenticateResponseOk.euiccCertificate")
                          : RSP_SLICE (NULL, 0);
    g_autoptr (GBytes) bytes = der.len ? rsp_slice_to_bytes (der) : NULL;
    g_autoptr (RspCert) cert = bytes ? rsp_cert_parse (bytes, NULL) : NULL;
    return cert ? g_strdup (rsp_cert_serial_number (cert)) : NULL;
}

/* Now the eUICC is said: is the session for it, and for which package (0: none)? The server proves
 * it; the eIM relies on that, and does not take the package from another session before. */
static RspStatus
order_of_euicc (RspEim *eim, const RspEimSession *s, const RspFields *in, gint64 *ret_package)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *eid = eid_of (in);
    gboolean more = FALSE;
    g_autoptr (RspEimPackage) p = s->package ? rsp_eim_package_by_id (eim, s->package, &error)
                                  : eid
                                      ? rsp_eim_download_from (eim, eid, s->address, &more, &error)
                                      : NULL;
    g_autoptr (RspEimDevice) device = eid && !error ? rsp_eim_device (eim, eid, &error) : NULL;
    if (error)
        return EXECUTION_ERROR;
    if ((eid && !device) || (p && eid && strcmp (p->eid, eid) != 0) || (!p && !eim->rules.any))
        return OTHER_EUICC;
    if (p && p->oid && g_strcmp0 (p->oid, s->oid) != 0)
        return OTHER_EUICC;
    *ret_package = p ? p->id : 0;
    return (RspStatus){NULL};
}

/* The steps of a session follow one another; each may come again, when its answer was lost. */
static RspStatus
check_step (RspEim *eim, RspEimSession *s, guint function, const RspFields *in, gint64 *ret_package)
{
    *ret_package = s->package;
    if (function == RSP_FN_ESIPA_CANCEL_SESSION)
        return (RspStatus){NULL};
    if (!rsp_eim_expire (eim, NULL))
        return EXECUTION_ERROR;
    g_autoptr (RspEimPackage) p = rsp_eim_package_by_id (eim, s->package, NULL);
    if (s->package && !is_open (p))
        return UNKNOWN_TRANSACTION;
    if (function == RSP_FN_ESIPA_AUTHENTICATE_CLIENT)
        return s->step <= RSP_EIM_AUTHENTICATED ? order_of_euicc (eim, s, in, ret_package)
                                                : WRONG_STEP;
    if (s->step != RSP_EIM_AUTHENTICATED && s->step != RSP_EIM_BOUND)
        return WRONG_STEP;
    if (s->unwanted)
        s->step = RSP_EIM_REFUSED;
    return s->unwanted ? METADATA_MISMATCH : (RspStatus){NULL};
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
    RspEimSession *s = rsp_eim_session_find (eim, rsp_fields_text (in, "transactionId"));
    gint64 package = 0;
    RspStatus status = refuse_compact (in);
    if (!status.subject)
        status = s ? check_step (eim, s, esipa->id, in, &package) : UNKNOWN_TRANSACTION;
    if (status.subject)
        return status;
    RspFunctionId id = row == 0 && s->event ? RSP_FN_ES11_AUTHENTICATE_CLIENT : es9p[row][1];
    Relayed r = {.eim = eim, .call = call, .fn = rsp_function (id), .package = package};
    g_strlcpy (r.address, s->address, sizeof r.address);
    g_strlcpy (r.transaction_id, s->transaction_id, sizeof r.transaction_id);
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
