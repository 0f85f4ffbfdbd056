/* What IPAs and servers say to an eIM. The first octet says in which place the rest is: its lower
 * half a MODE, the bits above it the version and the package that is out. */
#include "asn1/fields-der.h"
#include "asn1/ids.h"
#include "asn1/tlv.h"
#include "components/ci/ci.h"
#include "components/eim/eim.h"
#include "components/eum/eum.h"
#include "pytests/fuzz/fuzz.h"

#include <string.h>

#define START G_GINT64_CONSTANT (1735689600)
#define EID "89049032001234000000000000000141"
#define FQDN "eim1.example.com"

enum {
    MODE_ASN1,     /* a body; the second octet is its function */
    MODE_JSON,     /* the same in JSON */
    MODE_RESULT,   /* seqNumber and euiccResult of a result that the eUICC has signed */
    MODE_ERROR,    /* … code of a signed error */
    MODE_UNSIGNED, /* an EimPackageResult of that EID */
    MODE_DATA,     /* IpaEuiccData */
    MODE_DOWNLOAD, /* profileDownloadTriggerResultData */
    MODE_SERVER,   /* an SM-DP+'s answer to what is relayed */
    MODES
};

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspKey *key, *euicc_key;
    RspCert *euicc;
    GPtrArray *roots;
    RspEim *eim;
    GBytes *answer;      /* the eIM's last one */
    RspSlice server;     /* what a server answers */
    GBytes *transaction; /* of the package that is out */
    gint64 counter;
} Stage;

static RspSlice
point_of (const RspKey *key)
{
    return RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE);
}

static void
serve (RspCall *call, gpointer data)
{
    Stage *s = data;
    g_autoptr (GBytes) body = rsp_slice_to_bytes (s->server);
    rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
}

static Stage *
stage_new (void)
{
    Stage *s = g_new0 (Stage, 1);
    RspCi *ci = rsp_ci_new ("ci", rsp_rng_new (7, "fuzz", "ci", 0), START, NULL);
    g_autoptr (RspRng) rng = rsp_rng_new (7, "fuzz", "key", 0);
    RspKey *eum_key = rsp_key_generate (rng);
    s->key = rsp_key_generate (rng);
    s->euicc_key = rsp_key_generate (rng);
    RspCert *eum_cert =
        rsp_ci_issue_eum (ci, "EUM", "89049032", "2.999.5", point_of (eum_key), NULL, NULL);
    RspEum *eum = rsp_eum_new ("eum", eum_key, eum_cert, rsp_rng_new (7, "fuzz", "eum", 0));
    s->euicc = rsp_eum_issue_euicc (eum, EID, point_of (s->euicc_key), START, NULL, NULL);
    s->roots = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_cert_unref);
    g_ptr_array_add (s->roots, rsp_cert_ref (rsp_ci_cert (ci)));
    rsp_eum_free (eum);
    rsp_ci_free (ci);
    s->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, START * G_USEC_PER_SEC);
    s->bus = rsp_bus_new (s->loop, NULL, NULL);
    s->actor = (RspActor){.name = "eim1", .loop = s->loop, .bus = s->bus, .seed = 42};
    rsp_bus_attach (s->bus, "dp1", serve, s);
    rsp_bus_add_address (s->bus, "dp1.example.com", "dp1");
    return s;
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    Stage *s = data;
    g_clear_pointer (&s->answer, g_bytes_unref);
    s->answer = g_bytes_ref (reply->body);
}

static void
call (Stage *s, RspFunctionId id, RspSlice body, gboolean asn1)
{
    g_autoptr (GBytes) bytes = rsp_slice_to_bytes (body);
    RspCallOptions options = {.asn1 = asn1};
    rsp_bus_call (s->bus, "ipa", FQDN, rsp_function (id), bytes, &options, on_reply, s);
    rsp_loop_run (s->loop, NULL, NULL, -1);
}

/* --- the package that is out --- */

static void
queue (Stage *s, guint kind)
{
    g_autoptr (GError) error = NULL;
    static const guint8 tags[] = {0xBF, 0x20, 0xA5, 0xA6};
    const RspEimOperation psmo[] = {
        {.verb = RSP_EIM_LIST_PROFILE_INFO},
        {.verb = RSP_EIM_ENABLE, .iccid = "8988303000000000010", .rollback = TRUE},
        {.verb = RSP_EIM_DELETE, .iccid = "8988303000000000028"}};
    const RspEimDownload download = {.activation_code = "1$dp1.example.com$MID-0001",
                                     .confirmation_code = "1234"};
    if (kind == 0)
        rsp_eim_queue_operations (s->eim, EID, psmo, G_N_ELEMENTS (psmo), &error);
    else if (kind == 1)
        rsp_eim_queue_data_request (s->eim, EID, RSP_SLICE_ARRAY (tags), &error);
    else
        rsp_eim_queue_download (s->eim, EID, &download, &error);
}

static void
poll (Stage *s)
{
    guint8 eid[16];
    RspTlv outer, package, data, tlv;
    g_autoptr (GByteArray) ask = g_byte_array_new ();
    rsp_eid_to_octets (EID, eid);
    gsize mark = rsp_tlv_open (ask, 0xBF4F);
    rsp_tlv_put (ask, 0x5A, RSP_SLICE_ARRAY (eid));
    rsp_tlv_close (ask, mark);
    call (s, RSP_FN_ESIPA_GET_EIM_PACKAGE, RSP_SLICE (ask->data, ask->len), TRUE);
    g_clear_pointer (&s->transaction, g_bytes_unref);
    if (!rsp_tlv_single (rsp_slice_of (s->answer), 0xBF4F, &outer) ||
        rsp_tlv_next (&outer.value, &package) != RSP_TLV_OK)
        return;
    data = package;
    if (package.tag == 0xBF51)
        rsp_tlv_find (package.value, 0x30, &data);
    if (rsp_tlv_find (data.value, package.tag == 0xBF52 ? 0x83 : 0x82, &tlv))
        s->transaction = rsp_slice_to_bytes (tlv.value);
    s->counter = 1;
}

/* --- what comes back for it --- */

static void
put_signed (const Stage *s, GByteArray *out, guint32 tag, RspSlice rest)
{
    static const guint8 no_token[] = {0x84, 0x01, 0x00};
    guint8 signature[RSP_SIGNATURE_SIZE];
    gsize outer = rsp_tlv_open (out, 0xBF51), choice = rsp_tlv_open (out, tag);
    gsize start = out->len, data = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, "eim-1");
    rsp_tlv_put_int (out, 0x81, s->counter);
    if (s->transaction)
        rsp_tlv_put (out, 0x82, rsp_slice_of (s->transaction));
    g_byte_array_append (out, rest.data, (guint)rest.len);
    rsp_tlv_close (out, data);
    RspSlice parts[] = {RSP_SLICE (out->data + start, out->len - start),
                        RSP_SLICE_ARRAY (no_token)};
    rsp_key_sign (s->euicc_key, parts, 2, signature);
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
    rsp_tlv_close (out, choice);
    rsp_tlv_close (out, outer);
}

static void
put_with_transaction (const Stage *s, GByteArray *out, guint mode, RspSlice rest)
{
    gboolean data = mode == MODE_DATA;
    gsize outer = rsp_tlv_open (out, data ? 0xBF52 : 0xBF54);
    gsize inner = data ? rsp_tlv_open (out, 0xA0) : 0;
    if (!data && s->transaction)
        rsp_tlv_put (out, 0x82, rsp_slice_of (s->transaction));
    g_byte_array_append (out, rest.data, (guint)rest.len);
    if (data && s->transaction)
        rsp_tlv_put (out, 0x87, rsp_slice_of (s->transaction));
    if (data)
        rsp_tlv_close (out, inner);
    rsp_tlv_close (out, outer);
}

static void
provide (Stage *s, guint mode, gboolean v10, RspSlice rest)
{
    guint8 eid[16];
    g_autoptr (GByteArray) out = g_byte_array_new ();
    rsp_eid_to_octets (EID, eid);
    gsize mark = rsp_tlv_open (out, 0xBF50);
    if (!v10)
        rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (eid));
    if (mode == MODE_RESULT || mode == MODE_ERROR)
        put_signed (s, out, mode == MODE_RESULT ? 0xA0 : 0xA1, rest);
    else if (mode == MODE_UNSIGNED)
        g_byte_array_append (out, rest.data, (guint)rest.len);
    else
        put_with_transaction (s, out, mode, rest);
    rsp_tlv_close (out, mark);
    call (s, RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, RSP_SLICE (out->data, out->len), TRUE);
}

/* InitiateAuthentication, answered so; then the functions that follow it. */
static void
relay (Stage *s, RspSlice answer)
{
    static const RspFunctionId later[] = {RSP_FN_ESIPA_AUTHENTICATE_CLIENT,
                                          RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE,
                                          RSP_FN_ESIPA_CANCEL_SESSION};
    static const char initiate[] =
        "{\"euiccChallenge\":\"AAECAwQFBgcICQoLDA0ODw==\",\"smdpAddress\":\"dp1.example.com\","
        "\"euiccInfo1\":\"vyA1ggMCBgCpFgQUAAAAAAAAAAAAAAAAAAAAAAAAAACqFgQUAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAA=\"}";
    static const char *const members[] = {"authenticateServerResponse", "prepareDownloadResponse",
                                          "cancelSessionResponse"};
    static const char *const responses[] = {"vzgDgQEB", "vyEDgQEB", "v0EDgQEF"};
    s->server = answer;
    call (s, RSP_FN_ESIPA_INITIATE_AUTHENTICATION, RSP_SLICE (initiate, strlen (initiate)), FALSE);
    for (guint i = 0; i < G_N_ELEMENTS (later); i++) {
        g_autofree char *body = g_strdup_printf (
            "{\"transactionId\":\"00112233445566778899AABBCCDDEEFF\",\"%s\":\"%s\"}", members[i],
            responses[i]);
        call (s, later[i], RSP_SLICE (body, strlen (body)), FALSE);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    static Stage *stage;
    if (!stage)
        stage = stage_new ();
    if (len < 2)
        return 0;
    guint mode = data[0] % 16 % MODES;
    gboolean v10 = (data[0] & 0x10) != 0;
    RspEimConfig config = {.fqdn = FQDN,
                           .eim_id = "eim-1",
                           .key = stage->key,
                           .roots = stage->roots,
                           .version = v10 ? RSP_SGP32_V1_0 : RSP_SGP32_V1_2};
    g_autoptr (GError) error = NULL;
    stage->eim = rsp_eim_new (&stage->actor, &config, &error);
    rsp_eim_add_device (stage->eim, EID, 0, 0, stage->euicc, &error);
    queue (stage,
           mode == MODE_DATA || mode == MODE_DOWNLOAD ? mode - MODE_DATA + 1 : (data[0] >> 5) % 3);
    poll (stage);
    if (mode == MODE_ASN1 || mode == MODE_JSON)
        call (stage,
              RSP_FN_ESIPA_INITIATE_AUTHENTICATION +
                  data[1] %
                      (RSP_FN_ESIPA_CANCEL_SESSION - RSP_FN_ESIPA_INITIATE_AUTHENTICATION + 1),
              RSP_SLICE (data + 2, len - 2), mode == MODE_ASN1);
    else if (mode == MODE_SERVER)
        relay (stage, RSP_SLICE (data + 1, len - 1));
    else
        provide (stage, mode, v10, RSP_SLICE (data + 1, len - 1));
    poll (stage);
    g_clear_pointer (&stage->transaction, g_bytes_unref);
    g_clear_pointer (&stage->eim, rsp_eim_free);
    return 0;
}
