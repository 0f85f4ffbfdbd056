/* The Bound Profile Package (SGP.22 2.5.4, 5.5; signatures-bsp.md): sizes are known beforehand, so
 * it is written front to back in one array, and every segment is protected in place. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

#define KEY_TYPE_AES 0x88
#define KEY_LENGTH 0x10
#define INSTALL_BOUND_PROFILE_PACKAGE 1

static const guint8 configure_isdp[] = {0xBF, 0x24, 0x00};

/* Remote operation, transaction, key agreement template, otPK.DP: what BF23 carries and signs. */
static void
put_secure_channel (GByteArray *out, RspSlice transaction, const RspBoundKeys *b)
{
    const guint8 type = KEY_TYPE_AES, length = KEY_LENGTH;
    rsp_tlv_put_int (out, 0x82, INSTALL_BOUND_PROFILE_PACKAGE);
    rsp_tlv_put (out, 0x80, transaction);
    gsize mark = rsp_tlv_open (out, 0xA6);
    rsp_tlv_put (out, 0x80, RSP_SLICE (&type, 1));
    rsp_tlv_put (out, 0x81, RSP_SLICE (&length, 1));
    rsp_tlv_put (out, 0x84, RSP_SLICE_ARRAY (b->host_id));
    rsp_tlv_close (out, mark);
    rsp_tlv_put (out, 0x5F49, RSP_SLICE_ARRAY (b->dp_point));
}

static GByteArray *
secure_channel (RspSmdpp *dp, const RspDpSession *s, const RspBoundKeys *b)
{
    g_autoptr (GByteArray) content = g_byte_array_sized_new (256);
    put_secure_channel (content, rsp_session_id (&s->base), b);
    guint8 card_tlv[3 + RSP_POINT_SIZE] = {0x5F, 0x49, RSP_POINT_SIZE};
    memcpy (card_tlv + 3, b->euicc_point, RSP_POINT_SIZE);
    RspSlice input[] = {RSP_SLICE (content->data, content->len), RSP_SLICE_ARRAY (card_tlv)};
    guint8 signature[RSP_SIGNATURE_SIZE];
    rsp_key_sign (s->base.identity->pb_key, input, G_N_ELEMENTS (input), signature);
    rsp_actor_crypto (dp->actor, "sign", "SK.DPpb", TRUE);
    rsp_tlv_put (content, 0x5F37, RSP_SLICE_ARRAY (signature));
    GByteArray *out = g_byte_array_sized_new (content->len + 4);
    rsp_tlv_put (out, 0xBF23, RSP_SLICE (content->data, content->len));
    return out;
}

/* A run of segments under one outer tag. */
typedef struct {
    guint32 outer;
    guint8 tag;
    RspSlice plain;
    gsize chunk;
} Run;

static gsize
segment_size (const Run *run, gsize plain)
{
    gsize body = (run->tag == 0x88 ? plain : (plain / 16 + 1) * 16) + 8;
    return rsp_tlv_head_size (run->tag, body) + body;
}

static gsize
run_content_size (const Run *run)
{
    gsize whole = run->plain.len / run->chunk, rest = run->plain.len % run->chunk;
    return whole * segment_size (run, run->chunk) + (rest ? segment_size (run, rest) : 0);
}

static gsize
run_size (const Run *run)
{
    gsize content = run_content_size (run);
    return rsp_tlv_head_size (run->outer, content) + content;
}

static void
put_run (GByteArray *out, RspBsp *bsp, const Run *run)
{
    rsp_tlv_head (out, run->outer, run_content_size (run));
    for (gsize at = 0; at < run->plain.len; at += run->chunk) {
        gsize n = MIN (run->chunk, run->plain.len - at);
        rsp_bsp_protect (bsp, run->tag, RSP_SLICE (run->plain.data + at, n), out);
    }
}

static GByteArray *
replace_session_keys (const RspBspKeys *ppk)
{
    GByteArray *out = g_byte_array_sized_new (64);
    gsize mark = rsp_tlv_open (out, 0xBF26);
    rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (ppk->chaining));
    rsp_tlv_put (out, 0x81, RSP_SLICE_ARRAY (ppk->s_enc));
    rsp_tlv_put (out, 0x82, RSP_SLICE_ARRAY (ppk->s_mac));
    rsp_tlv_close (out, mark);
    return out;
}

/* A whole BoundProfilePackage for the session's transaction, signed by its identity. */
static GBytes *
build_package (RspSmdpp *dp, const RspDpSession *s, const RspBoundKeys *b, RspSlice metadata,
               RspSlice upp)
{
    g_autoptr (GByteArray) channel = secure_channel (dp, s, b);
    g_autoptr (GByteArray) new_keys = b->has_ppk ? replace_session_keys (&b->ppk) : NULL;
    gsize mac_chunk = b->segment == RSP_BSP_MAX_PLAIN_ENC ? RSP_BSP_MAX_PLAIN_MAC : b->segment;
    Run isdp = {0xA0, 0x87, RSP_SLICE_ARRAY (configure_isdp), RSP_BSP_MAX_PLAIN_ENC};
    Run meta = {0xA1, 0x88, metadata, mac_chunk};
    Run keys = {0xA2, 0x87, {NULL, 0}, RSP_BSP_MAX_PLAIN_ENC};
    Run elements = {0xA3, 0x86, upp, b->segment};
    gsize size = channel->len + run_size (&isdp) + run_size (&meta) + run_size (&elements);
    if (new_keys) {
        keys.plain = RSP_SLICE (new_keys->data, new_keys->len);
        size += run_size (&keys);
    }
    GByteArray *out = g_byte_array_sized_new (size + 8);
    g_autoptr (RspBsp) bsp = rsp_bsp_new (&b->keys);
    rsp_tlv_head (out, 0xBF36, size);
    g_byte_array_append (out, channel->data, channel->len);
    put_run (out, bsp, &isdp);
    put_run (out, bsp, &meta);
    if (new_keys) {
        put_run (out, bsp, &keys);
        rsp_bsp_replace (bsp, &b->ppk);
        rsp_wipe (new_keys->data, new_keys->len);
    }
    put_run (out, bsp, &elements);
    return g_byte_array_free_to_bytes (out);
}

/* --- Binding --- */

/* New one-time key, new host identifier, new session keys; the private key ends with this call.
 * Protection keys belong to the order: a rebinding keeps them, and so the protected elements. */
static gboolean
bind_new (RspSmdpp *dp, const RspDpSession *s, RspSlice euicc_point, RspBoundKeys *b)
{
    guint8 shared[RSP_SHARED_SIZE], eid[16];
    g_autoptr (RspKey) key = rsp_key_generate (dp->rng_key);
    if (!rsp_ecka (key, euicc_point, shared) || !rsp_eid_to_octets (s->base.eid, eid))
        return FALSE;
    g_strlcpy (b->eid, s->base.eid, sizeof b->eid);
    memcpy (b->euicc_point, euicc_point.data, RSP_POINT_SIZE);
    memcpy (b->dp_point, rsp_key_point (key), RSP_POINT_SIZE);
    rsp_rng_fill (dp->rng_key, b->host_id, sizeof b->host_id);
    rsp_bsp_derive (shared, KEY_TYPE_AES, KEY_LENGTH, RSP_SLICE_ARRAY (b->host_id), eid, &b->keys);
    if (dp->config.protection_keys && !b->has_ppk)
        rsp_rng_fill (dp->rng_key, &b->ppk, sizeof b->ppk);
    if (!dp->config.protection_keys || !b->has_ppk)
        b->segment = dp->config.segment_size;
    b->has_ppk = dp->config.protection_keys;
    if (rsp_trace_active (dp->actor->trace)) {
        RspTraceEvent event = {.kind = RSP_TRACE_CRYPTO,
                               .src = dp->actor->name,
                               .op = "ecka",
                               .key = "otSK.DP",
                               .result = "ok",
                               .shared_secret = shared,
                               .s_enc = b->keys.s_enc,
                               .s_mac = b->keys.s_mac};
        rsp_trace_event (dp->actor->trace, &event);
    }
    rsp_wipe (shared, sizeof shared);
    return TRUE;
}

/* Reuse, rebind, or refuse (consumer-procedures 1.8). *RET_NEW: B is to be stored. */
static RspStatus
choose_binding (RspSmdpp *dp, const RspDpSession *s, RspSlice euicc_point, RspSlice metadata,
                RspBoundKeys *b, gboolean *ret_new, GError **error)
{
    gboolean bound = FALSE;
    guint8 hash[RSP_SHA256_SIZE];
    rsp_sha256 (&metadata, 1, hash);
    if (!rsp_binding_read (dp, s->iccid, b, &bound, error))
        return RSP_OK;
    gboolean same_card = bound && strcmp (b->eid, s->base.eid) == 0 &&
                         rsp_slice_equal (euicc_point, RSP_SLICE_ARRAY (b->euicc_point));
    *ret_new = !same_card || memcmp (b->metadata_hash, hash, sizeof hash) != 0;
    if (!*ret_new)
        return RSP_OK;
    if (bound && dp->config.refuse_rebinding)
        return RSP_FAILED ("8.2", "3.7", "no new binding of this BPP");
    if (!bound)
        rsp_binding_clear (b);
    memcpy (b->metadata_hash, hash, sizeof hash);
    return bind_new (dp, s, euicc_point, b) ? RSP_OK : RSP_BAD_SIGNATURE ("euiccOtpk");
}

/* --- GetBoundProfilePackage --- */

/* The order that the session stands for, if it can still be downloaded. */
static RspStatus
find_order (RspSmdpp *dp, const RspDpSession *s, RspOrder **ret, GError **error)
{
    g_autoptr (RspOrder) order = rsp_order_by_iccid (dp, s->iccid, error);
    gboolean open = order && order->serial == s->serial &&
                    (order->state == RSP_ORDER_RELEASED || order->state == RSP_ORDER_DOWNLOADED) &&
                    (order->expiry == 0 || rsp_actor_time (dp->actor) <= order->expiry);
    if (!open)
        return RSP_FAILED ("8.8.5", "4.10", "the order has expired");
    *ret = g_steal_pointer (&order);
    return RSP_OK;
}

static RspStatus
refuse_code (RspSmdpp *dp, RspOrder *order, const RspDpSession *s, GError **error)
{
    RspStatus status = RSP_FAILED ("8.2.7", "6.4", "too many wrong confirmation codes");
    (void)(rsp_order_begin (dp, error) && rsp_order_end (dp, order, RSP_ORDER_ERROR, error) &&
           rsp_progress_add (dp, order, s->base.eid, RSP_POINT_CONFIRMATION, &status,
                             (RspSlice){NULL, 0}, error) &&
           rsp_order_commit (dp, order, error));
    return status;
}

/* The limit comes before the comparison, so that a right guess after it still fails. */
static RspStatus
check_code (RspSmdpp *dp, RspRequest *r, RspOrder *order, const RspAsn1 *answer, GError **error)
{
    static const char path[] = "downloadResponseOk.euiccSigned2.hashCc";
    if (!order->code_hash)
        return RSP_OK;
    if (order->code_tries >= dp->config.cc_limit)
        return refuse_code (dp, order, rsp_request_session (r), error);
    RspSlice given = rsp_asn1_octets (answer, path);
    if (!rsp_asn1_has (answer, path) || given.len == 0)
        return RSP_FAILED ("8.2.7", "2.2", "confirmation code missing");
    guint8 hash[RSP_SHA256_SIZE];
    rsp_hash_cc (g_bytes_get_data (order->code_hash, NULL), rsp_session_id (r->session), hash);
    if (rsp_slice_equal_ct (given, RSP_SLICE_ARRAY (hash)))
        return RSP_OK;
    order->code_tries++;
    r->end_session = FALSE; /* the user may try again in this session */
    (void)rsp_order_save (dp, order, error);
    rsp_session_touch (&dp->server, r->session);
    return RSP_FAILED ("8.2.7", "3.8", "confirmation code refused");
}

static RspStatus
check_answer (RspSmdpp *dp, const RspDpSession *s, const RspAsn1 *answer)
{
    if (g_strcmp0 (rsp_asn1_choice (answer, ""), "downloadResponseOk") != 0)
        return RSP_FAILED (
            "8.1", "4.2",
            rsp_code_name ("DownloadErrorCode",
                           rsp_asn1_int (answer, "downloadResponseError.downloadErrorCode", 127)));
    guint8 own_signature[3 + RSP_SIGNATURE_SIZE] = {0x5F, 0x37, RSP_SIGNATURE_SIZE};
    memcpy (own_signature + 3, s->signature2, RSP_SIGNATURE_SIZE);
    RspSlice input[] = {rsp_asn1_slice (answer, "downloadResponseOk.euiccSigned2"),
                        RSP_SLICE_ARRAY (own_signature)};
    gboolean good =
        rsp_public_verify (s->base.euicc, input, G_N_ELEMENTS (input),
                           rsp_asn1_octets (answer, "downloadResponseOk.euiccSignature2"));
    rsp_actor_crypto (dp->actor, "verify", "SK.EUICC", good);
    if (!good)
        return RSP_BAD_SIGNATURE ("euiccSignature2");
    if (!rsp_slice_equal (rsp_asn1_octets (answer, "downloadResponseOk.euiccSigned2.transactionId"),
                          rsp_session_id (&s->base)))
        return RSP_UNKNOWN_TRANSACTION;
    return RSP_OK;
}

/* Downloaded, bound, awaiting the result: all of it, or nothing, before the package goes out. */
static gboolean
store_delivery (RspSmdpp *dp, const RspDpSession *s, RspOrder *order, const RspBoundKeys *b,
                gboolean new_binding, GError **error)
{
    g_autoptr (GBytes) id = g_bytes_new_static (s->base.id, sizeof s->base.id);
    g_autoptr (GBytes) point = rsp_slice_to_bytes (rsp_public_point (s->base.euicc));
    order->state = RSP_ORDER_DOWNLOADED;
    order->delivered = TRUE;
    return rsp_order_begin (dp, error) && rsp_order_write (dp, order, error) &&
           (!new_binding || rsp_binding_write (dp, order->iccid, b, error)) &&
           rsp_store_run (dp->store, error,
                          "INSERT INTO awaited (id, iccid, serial, eid, point)"
                          " VALUES (?, ?, ?, ?, ?)",
                          "bsisb", id, order->iccid, order->serial, s->base.eid, point) &&
           rsp_progress_add (dp, order, s->base.eid, RSP_POINT_DOWNLOAD, NULL, (RspSlice){NULL, 0},
                             error) &&
           rsp_order_commit (dp, order, error);
}

static RspStatus
deliver (RspSmdpp *dp, RspRequest *r, RspOrder *order, RspSlice euicc_point, GError **error)
{
    RspDpSession *s = rsp_request_session (r);
    g_auto (RspBoundKeys) binding = {0};
    g_autoptr (GBytes) metadata = NULL;
    g_autoptr (GBytes) upp = NULL;
    gboolean fresh = FALSE;
    if (!rsp_point_valid (euicc_point))
        return RSP_BAD_SIGNATURE ("euiccOtpk");
    if (!rsp_package_read (dp, order->iccid, &metadata, &upp, error))
        return RSP_OK;
    RspStatus status =
        choose_binding (dp, s, euicc_point, rsp_slice_of (metadata), &binding, &fresh, error);
    if (*error || status.subject || !store_delivery (dp, s, order, &binding, fresh, error))
        return status;
    g_autoptr (GBytes) bpp =
        build_package (dp, s, &binding, rsp_slice_of (metadata), rsp_slice_of (upp));
    rsp_session_put_id (&s->base, r->out);
    rsp_fields_set_bytes (r->out, "boundProfilePackage", bpp);
    s->step = RSP_SESSION_BOUND;
    rsp_session_touch (&dp->server, &s->base);
    return RSP_OK;
}

RspStatus
rsp_es9p_get_bound_profile_package (RspSmdpp *dp, RspRequest *r, GError **error)
{
    static const gsize max_answer = 4096;
    RspDpSession *s = rsp_request_session (r);
    if (!s || s->step != RSP_SESSION_AUTHENTICATED)
        return RSP_UNKNOWN_TRANSACTION;
    GBytes *der = rsp_fields_bytes (r->in, "prepareDownloadResponse");
    g_autoptr (RspAsn1) answer = g_bytes_get_size (der) <= max_answer
                                     ? rsp_asn1_decode ("PrepareDownloadResponse", der, NULL)
                                     : NULL;
    if (!answer)
        return RSP_FAILED ("1.6", "2.1", "prepareDownloadResponse");
    g_autoptr (RspOrder) order = NULL;
    r->end_session = TRUE;
    RspStatus status = check_answer (dp, s, answer);
    if (!status.subject)
        status = find_order (dp, s, &order, error);
    if (!*error && !status.subject)
        status = check_code (dp, r, order, answer, error);
    if (!*error && !status.subject)
        status =
            deliver (dp, r, order,
                     rsp_asn1_octets (answer, "downloadResponseOk.euiccSigned2.euiccOtpk"), error);
    if (!status.subject)
        r->end_session = FALSE;
    return status;
}
