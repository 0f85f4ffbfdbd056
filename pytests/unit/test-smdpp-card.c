#include "pytests/unit/test-smdpp-card.h"

#include "asn1/fields.h"
#include "asn1/ids.h"

#include <string.h>

static const guint8 dp_oid[] = {0x88, 0x37, 0x0A}; /* 2.999.10 */

/* --- ES9+ --- */

static GBytes *
take (GByteArray *array)
{
    return g_byte_array_free_to_bytes (array);
}

static void
put_list (GByteArray *out, guint32 tag, RspSlice ski)
{
    gsize mark = rsp_tlv_open (out, tag);
    if (ski.len > 0)
        rsp_tlv_put (out, 0x04, ski);
    rsp_tlv_close (out, mark);
}

GBytes *
info1 (World *w, const guint8 svn[3], const guint8 *highest, RspSlice verify, RspSlice sign)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF20);
    rsp_tlv_put (out, 0x82, RSP_SLICE (svn, 3));
    put_list (out, 0xA9, verify);
    put_list (out, 0xAA, sign);
    if (highest)
        rsp_tlv_put (out, 0x93, RSP_SLICE (highest, 3));
    rsp_tlv_close (out, mark);
    return take (out);
}

static void
keep_tlv (guint8 out[67], GBytes *tlv)
{
    g_assert_cmpuint (g_bytes_get_size (tlv), ==, 67);
    memcpy (out, g_bytes_get_data (tlv, NULL), 67);
}

static void
keep_initiated (World *w, const RspFields *f)
{
    RspTlv signed1, tlv;
    RspSlice der = rsp_slice_of (rsp_fields_bytes (f, "serverSigned1"));
    RspSlice signature = rsp_slice_of (rsp_fields_bytes (f, "serverSignature1"));
    g_clear_pointer (&w->id, g_bytes_unref);
    w->id = g_bytes_ref (rsp_fields_bytes (f, "transactionId"));
    g_assert_true (rsp_tlv_single (der, 0x30, &signed1));
    g_assert_true (rsp_tlv_find (signed1.value, 0x80, &tlv));
    g_assert_true (rsp_slice_equal (tlv.value, rsp_slice_of (w->id)));
    g_assert_true (rsp_tlv_find (signed1.value, 0x83, &tlv));
    g_free (w->address);
    w->address = g_strndup ((const char *)tlv.value.data, tlv.value.len);
    g_assert_true (rsp_tlv_find (signed1.value, 0x84, &tlv));
    memcpy (w->challenge, tlv.value.data, 16);
    g_autoptr (RspPublic) key = rsp_public_of (w->auth_key);
    g_assert_true (rsp_tlv_single (signature, 0x5F37, &tlv));
    g_assert_true (rsp_public_verify (key, &der, 1, tlv.value));
}

const char *
initiate_with (World *w, const char *address, GBytes *info)
{
    const RspFunction *fn = rsp_function (RSP_FN_ES9P_INITIATE_AUTHENTICATION);
    g_autoptr (RspFields) in = rsp_fields_new (fn, RSP_LEG_REQUEST);
    g_autoptr (GBytes) challenge = g_bytes_new ("0123456789abcdef", 16);
    rsp_fields_set_text (in, "smdpAddress", address);
    rsp_fields_set_bytes (in, "euiccChallenge", challenge);
    rsp_fields_set_bytes (in, "euiccInfo1", info);
    g_autoptr (GBytes) body = rsp_fields_encode (in);
    g_autoptr (RspFields) out = world_call (w, fn->id, body);
    if (strcmp (w->code, "ok") == 0)
        keep_initiated (w, out);
    return w->code;
}

const char *
initiate (World *w)
{
    const guint8 svn[3] = {2, 6, 0};
    RspSlice ski = rsp_cert_ski (rsp_ci_cert (w->ci));
    g_autoptr (GBytes) info = info1 (w, svn, NULL, ski, ski);
    return initiate_with (w, FQDN, info);
}

static void
put_bits (GByteArray *out, guint32 tag, guint8 bits)
{
    const guint8 content[] = {0, bits};
    rsp_tlv_put (out, tag, RSP_SLICE_ARRAY (content));
}

static void
put_version (GByteArray *out, guint32 tag, guint8 major)
{
    const guint8 version[] = {major, 3, 1};
    rsp_tlv_put (out, tag, RSP_SLICE_ARRAY (version));
}

static void
put_info2 (World *w, GByteArray *out, Bad bad)
{
    const guint8 memory[] = {0x81,
                             1,
                             0,
                             0x82,
                             4,
                             w->card.memory >> 24,
                             w->card.memory >> 16,
                             w->card.memory >> 8,
                             w->card.memory,
                             0x83,
                             1,
                             9};
    RspSlice ski = rsp_cert_ski (rsp_ci_cert (w->ci));
    gsize mark = rsp_tlv_open (out, 0xBF22);
    put_version (out, 0x81, w->card.profile_version);
    put_version (out, 0x82, 2);
    put_version (out, 0x83, 1);
    rsp_tlv_put (out, 0x84, RSP_SLICE_ARRAY (memory));
    put_bits (out, 0x85, w->card.services);
    put_bits (out, 0x88, w->card.rsp_capability);
    put_list (out, 0xA9, ski);
    put_list (out, 0xAA, ski);
    put_bits (out, 0x99, w->card.forbidden);
    put_version (out, 0x04, 1);
    rsp_tlv_put_text (out, 0x0C, "SAS");
    if (bad == BAD_EXTENSION)
        rsp_tlv_put_text (out, 0x9F70, "unknown");
    rsp_tlv_close (out, mark);
}

static void
put_context (GByteArray *out, const char *matching_id)
{
    const guint8 tac[] = {0x35, 0x29, 0x06, 0x11};
    gsize mark = rsp_tlv_open (out, 0xA0);
    if (matching_id)
        rsp_tlv_put_text (out, 0x80, matching_id);
    gsize device = rsp_tlv_open (out, 0xA1);
    rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (tac));
    rsp_tlv_head (out, 0xA1, 0);
    rsp_tlv_close (out, device);
    rsp_tlv_close (out, mark);
}

/* The identifier that a signed part carries. */
static void
put_id (World *w, GByteArray *out, guint32 tag, Bad bad)
{
    guint8 id[16];
    memcpy (id, g_bytes_get_data (w->id, NULL), sizeof id);
    id[3] ^= bad == BAD_SIGNED_ID;
    rsp_tlv_put (out, tag, RSP_SLICE_ARRAY (id));
}

/* Signs what stands in OUT from AT on, with TAIL behind it, and appends 5F37. */
static void
sign_from (World *w, GByteArray *out, gsize at, RspSlice tail, Bad bad)
{
    guint8 signature[RSP_SIGNATURE_SIZE];
    RspSlice parts[] = {RSP_SLICE (out->data + at, out->len - at), tail};
    rsp_key_sign (w->card.key, parts, 2, signature);
    signature[20] ^= bad == BAD_SIGNATURE;
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
}

static void
put_der (GByteArray *out, GBytes *der)
{
    g_byte_array_append (out, g_bytes_get_data (der, NULL), g_bytes_get_size (der));
}

GBytes *
authenticate_body (World *w, const char *matching_id, Bad bad)
{
    g_autoptr (GByteArray) part = g_byte_array_new ();
    guint8 challenge[16];
    memcpy (challenge, w->challenge, sizeof challenge);
    challenge[0] ^= bad == BAD_CHALLENGE;
    gsize mark = rsp_tlv_open (part, 0x30);
    put_id (w, part, 0x80, bad);
    rsp_tlv_put_text (part, 0x83, bad == BAD_ADDRESS ? "elsewhere.example.com" : w->address);
    rsp_tlv_put (part, 0x84, RSP_SLICE_ARRAY (challenge));
    put_info2 (w, part, bad);
    put_context (part, matching_id);
    rsp_tlv_close (part, mark);
    sign_from (w, part, 0, NO_BYTES, bad);
    memcpy (w->signature1, part->data + part->len - 67, 67);
    put_der (part, rsp_cert_der (w->card.cert));
    put_der (part, rsp_cert_der (w->card.eum));
    GByteArray *out = g_byte_array_new ();
    gsize outer = rsp_tlv_open (out, 0xBF38);
    rsp_tlv_put (out, 0xA0, RSP_SLICE (part->data, part->len));
    rsp_tlv_close (out, outer);
    return take (out);
}

static GBytes *
request (World *w, RspFunctionId id, const char *member, GBytes *der)
{
    g_autoptr (RspFields) in = rsp_fields_new (rsp_function (id), RSP_LEG_REQUEST);
    if (id != RSP_FN_ES9P_HANDLE_NOTIFICATION)
        rsp_fields_set_bytes (in, "transactionId", w->id);
    rsp_fields_set_bytes (in, member, der);
    return rsp_fields_encode (in);
}

static void
keep_authenticated (World *w, const RspFields *f)
{
    RspTlv signed2, tlv;
    RspSlice der = rsp_slice_of (rsp_fields_bytes (f, "smdpSigned2"));
    keep_tlv (w->signature2, rsp_fields_bytes (f, "smdpSignature2"));
    g_assert_true (rsp_tlv_single (der, 0x30, &signed2));
    g_assert_true (rsp_tlv_find (signed2.value, 0x80, &tlv));
    g_assert_true (rsp_slice_equal (tlv.value, rsp_slice_of (w->id)));
    g_assert_true (rsp_tlv_find (signed2.value, 0x01, &tlv));
    w->code_required = tlv.value.data[0] != 0;
    g_clear_pointer (&w->offered, g_bytes_unref);
    if (rsp_tlv_find (signed2.value, 0x5F49, &tlv))
        w->offered = rsp_slice_to_bytes (tlv.value);
    RspSlice input[] = {der, RSP_SLICE_ARRAY (w->signature1)};
    g_autoptr (RspPublic) key = rsp_public_of (w->pb_key);
    g_assert_true (rsp_public_verify (key, input, 2, RSP_SLICE (w->signature2 + 3, 64)));
    g_clear_pointer (&w->metadata, g_bytes_unref);
    w->metadata = g_bytes_ref (rsp_fields_bytes (f, "profileMetadata"));
}

const char *
authenticate (World *w, const char *matching_id, Bad bad)
{
    g_autoptr (GBytes) der = authenticate_body (w, matching_id, bad);
    g_autoptr (GBytes) body =
        request (w, RSP_FN_ES9P_AUTHENTICATE_CLIENT, "authenticateServerResponse", der);
    g_autoptr (RspFields) out = world_call (w, RSP_FN_ES9P_AUTHENTICATE_CLIENT, body);
    if (strcmp (w->code, "ok") == 0)
        keep_authenticated (w, out);
    return w->code;
}

GBytes *
prepare_body (World *w, const char *code, Bad bad)
{
    g_autoptr (GByteArray) part = g_byte_array_new ();
    guint8 point[RSP_POINT_SIZE], hash[32], cc[32];
    memcpy (point, rsp_key_point (w->card.otsk), sizeof point);
    point[40] ^= bad == BAD_POINT;
    gsize mark = rsp_tlv_open (part, 0x30);
    put_id (w, part, 0x80, bad);
    rsp_tlv_put (part, 0x5F49, RSP_SLICE_ARRAY (point));
    if (code) {
        RspSlice text = RSP_SLICE (code, strlen (code));
        rsp_sha256 (&text, 1, hash);
        rsp_hash_cc (hash, rsp_slice_of (w->id), cc);
        rsp_tlv_put (part, 0x04, RSP_SLICE_ARRAY (cc));
    }
    rsp_tlv_close (part, mark);
    sign_from (w, part, 0, RSP_SLICE_ARRAY (w->signature2), bad);
    GByteArray *out = g_byte_array_new ();
    gsize outer = rsp_tlv_open (out, 0xBF21);
    rsp_tlv_put (out, 0xA0, RSP_SLICE (part->data, part->len));
    rsp_tlv_close (out, outer);
    return take (out);
}

const char *
get_bpp (World *w, const char *code, Bad bad)
{
    g_autoptr (GBytes) der = prepare_body (w, code, bad);
    g_autoptr (GBytes) body =
        request (w, RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, "prepareDownloadResponse", der);
    g_autoptr (RspFields) out = world_call (w, RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, body);
    if (strcmp (w->code, "ok") == 0) {
        g_clear_pointer (&w->bpp, g_bytes_unref);
        w->bpp = g_bytes_ref (rsp_fields_bytes (out, "boundProfilePackage"));
    }
    return w->code;
}

static void
put_oid (GByteArray *out, guint32 tag, Bad bad)
{
    guint8 oid[sizeof dp_oid];
    memcpy (oid, dp_oid, sizeof oid);
    oid[2] ^= bad == BAD_OID;
    rsp_tlv_put (out, tag, RSP_SLICE_ARRAY (oid));
}

GBytes *
cancel_body (World *w, int reason, Bad bad)
{
    g_autoptr (GByteArray) part = g_byte_array_new ();
    gsize mark = rsp_tlv_open (part, 0x30);
    put_id (w, part, 0x80, bad);
    put_oid (part, 0x81, bad);
    rsp_tlv_put_int (part, 0x82, reason);
    rsp_tlv_close (part, mark);
    sign_from (w, part, 0, NO_BYTES, bad);
    GByteArray *out = g_byte_array_new ();
    gsize outer = rsp_tlv_open (out, 0xBF41);
    rsp_tlv_put (out, 0xA0, RSP_SLICE (part->data, part->len));
    rsp_tlv_close (out, outer);
    return take (out);
}

const char *
cancel (World *w, int reason, Bad bad)
{
    g_autoptr (GBytes) der = cancel_body (w, reason, bad);
    g_autoptr (GBytes) body = request (w, RSP_FN_ES9P_CANCEL_SESSION, "cancelSessionResponse", der);
    return post (w, RSP_FN_ES9P_CANCEL_SESSION, body);
}

static void
put_notification (World *w, GByteArray *out, guint seq, guint8 event, const char *iccid)
{
    guint8 octets[10];
    const guint8 bits[] = {4, event};
    g_assert_true (rsp_iccid_to_octets (iccid, octets));
    gsize mark = rsp_tlv_open (out, 0xBF2F);
    rsp_tlv_put_int (out, 0x80, seq);
    rsp_tlv_put (out, 0x81, RSP_SLICE_ARRAY (bits));
    rsp_tlv_put_text (out, 0x0C, FQDN);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    rsp_tlv_close (out, mark);
}

GBytes *
result_body (World *w, int error_reason, Bad bad)
{
    static const guint8 aid[] = {0xA0, 0, 0, 5, 0x59, 0x10, 0x10};
    GByteArray *out = g_byte_array_new ();
    gsize outer = rsp_tlv_open (out, 0xBF37);
    gsize at = out->len;
    gsize mark = rsp_tlv_open (out, 0xBF27);
    put_id (w, out, 0x80, bad);
    put_notification (w, out, 1, 0x80, ICCID);
    put_oid (out, 0x06, bad);
    gsize final = rsp_tlv_open (out, 0xA2);
    gsize chosen = rsp_tlv_open (out, error_reason < 0 ? 0xA0 : 0xA1);
    if (error_reason < 0) {
        rsp_tlv_put (out, 0x4F, RSP_SLICE_ARRAY (aid));
        rsp_tlv_put_text (out, 0x04, "response");
    } else {
        rsp_tlv_put_int (out, 0x80, 5);
        rsp_tlv_put_int (out, 0x81, error_reason);
    }
    rsp_tlv_close (out, chosen);
    rsp_tlv_close (out, final);
    rsp_tlv_close (out, mark);
    sign_from (w, out, at, NO_BYTES, bad);
    rsp_tlv_close (out, outer);
    return take (out);
}

const char *
notify (World *w, GBytes *pending)
{
    g_autoptr (GBytes) body =
        request (w, RSP_FN_ES9P_HANDLE_NOTIFICATION, "pendingNotification", pending);
    return post (w, RSP_FN_ES9P_HANDLE_NOTIFICATION, body);
}

const char *
deliver_result (World *w, int error_reason, Bad bad)
{
    g_autoptr (GBytes) pir = result_body (w, error_reason, bad);
    return notify (w, pir);
}

GBytes *
other_notification (World *w, guint seq, guint8 event, const char *iccid, Bad bad)
{
    GByteArray *out = g_byte_array_new ();
    gsize outer = rsp_tlv_open (out, 0x30);
    gsize at = out->len;
    put_notification (w, out, seq, event, iccid);
    sign_from (w, out, at, NO_BYTES, bad);
    put_der (out, rsp_cert_der (w->card.cert));
    put_der (out, rsp_cert_der (w->card.eum));
    rsp_tlv_close (out, outer);
    return take (out);
}

/* --- The card opens a package --- */

void
opened_clear (Opened *o)
{
    g_clear_pointer (&o->metadata, g_bytes_unref);
    g_clear_pointer (&o->upp, g_bytes_unref);
}

/* BF23: verifies smdpSign and derives the session keys. */
static gboolean
open_channel (World *w, RspSlice bf23, RspBspKeys *keys, Opened *ret)
{
    RspTlv op, id, crt, host, point, sign;
    guint8 card_point[3 + RSP_POINT_SIZE] = {0x5F, 0x49, RSP_POINT_SIZE};
    guint8 shared[RSP_SHARED_SIZE], eid[16];
    memcpy (card_point + 3, rsp_key_point (w->card.otsk), RSP_POINT_SIZE);
    if (rsp_tlv_next (&bf23, &op) != RSP_TLV_OK || op.tag != 0x82 ||
        rsp_tlv_next (&bf23, &id) != RSP_TLV_OK || id.tag != 0x80 ||
        rsp_tlv_next (&bf23, &crt) != RSP_TLV_OK || crt.tag != 0xA6 ||
        rsp_tlv_next (&bf23, &point) != RSP_TLV_OK || point.tag != 0x5F49 ||
        rsp_tlv_next (&bf23, &sign) != RSP_TLV_OK || sign.tag != 0x5F37 || bf23.len > 0)
        return FALSE;
    RspSlice input[] = {op.whole, id.whole, crt.whole, point.whole, RSP_SLICE_ARRAY (card_point)};
    g_autoptr (RspPublic) pb = rsp_public_of (w->pb_key);
    if (!rsp_public_verify (pb, input, G_N_ELEMENTS (input), sign.value) ||
        !rsp_slice_equal (id.value, rsp_slice_of (w->id)) ||
        !rsp_tlv_find (crt.value, 0x84, &host) || !rsp_ecka (w->card.otsk, point.value, shared) ||
        !rsp_eid_to_octets (w->card.eid, eid))
        return FALSE;
    rsp_bsp_derive (shared, 0x88, 0x10, host.value, eid, keys);
    memcpy (ret->dp_point, point.value.data, RSP_POINT_SIZE);
    return TRUE;
}

static GBytes *
open_run (RspBsp *bsp, guint8 tag, RspSlice segments, guint *count)
{
    GByteArray *out = g_byte_array_new ();
    RspTlv tlv;
    while (rsp_tlv_next (&segments, &tlv) == RSP_TLV_OK) {
        g_assert_cmpuint (tlv.whole.len, <=, RSP_BSP_MAX_SEGMENT);
        g_assert_cmpint (rsp_bsp_open (bsp, tag, tlv.whole, out), ==, RSP_BSP_OK);
        ++*count;
    }
    return take (out);
}

static void
replace_keys (RspBsp *bsp, GBytes *bf26)
{
    RspTlv outer, mac, enc, cmac;
    RspBspKeys keys;
    g_assert_true (rsp_tlv_single (rsp_slice_of (bf26), 0xBF26, &outer));
    g_assert_true (rsp_tlv_find (outer.value, 0x80, &mac) && mac.value.len == 16);
    g_assert_true (rsp_tlv_find (outer.value, 0x81, &enc) && enc.value.len == 16);
    g_assert_true (rsp_tlv_find (outer.value, 0x82, &cmac) && cmac.value.len == 16);
    memcpy (keys.chaining, mac.value.data, 16);
    memcpy (keys.s_enc, enc.value.data, 16);
    memcpy (keys.s_mac, cmac.value.data, 16);
    rsp_bsp_replace (bsp, &keys);
}

gboolean
open_bpp (World *w, Opened *ret)
{
    RspTlv bpp, part;
    RspBspKeys keys;
    guint count = 0;
    if (!rsp_der_check (rsp_slice_of (w->bpp), NULL) ||
        !rsp_tlv_single (rsp_slice_of (w->bpp), 0xBF36, &bpp))
        return FALSE;
    RspSlice rest = bpp.value;
    if (rsp_tlv_next (&rest, &part) != RSP_TLV_OK || part.tag != 0xBF23 ||
        !open_channel (w, part.value, &keys, ret))
        return FALSE;
    g_autoptr (RspBsp) bsp = rsp_bsp_new (&keys);
    g_assert_true (rsp_tlv_next (&rest, &part) == RSP_TLV_OK && part.tag == 0xA0);
    g_autoptr (GBytes) isdp = open_run (bsp, 0x87, part.value, &count);
    RspTlv configure;
    g_assert_true (rsp_tlv_single (rsp_slice_of (isdp), 0xBF24, &configure));
    g_assert_true (rsp_tlv_next (&rest, &part) == RSP_TLV_OK && part.tag == 0xA1);
    ret->metadata = open_run (bsp, 0x88, part.value, &count);
    g_assert_true (rsp_tlv_next (&rest, &part) == RSP_TLV_OK);
    if (part.tag == 0xA2) {
        g_autoptr (GBytes) bf26 = open_run (bsp, 0x87, part.value, &count);
        replace_keys (bsp, bf26);
        ret->replaced_keys = TRUE;
        g_assert_true (rsp_tlv_next (&rest, &part) == RSP_TLV_OK);
    }
    g_assert_true (part.tag == 0xA3 && rest.len == 0);
    ret->segments = 0;
    ret->upp = open_run (bsp, 0x86, part.value, &ret->segments);
    return TRUE;
}
