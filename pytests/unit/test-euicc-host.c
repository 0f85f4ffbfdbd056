#include "test-euicc-host.h"

#include <string.h>

#define START 1735689600

GBytes *
host_hex (const char *hex)
{
    GBytes *bytes = rsp_unhex (hex);
    g_assert_nonnull (bytes);
    return bytes;
}

static RspSlice
slice (const GByteArray *a)
{
    return RSP_SLICE (a->data, a->len);
}

/* --- PKI --- */

static RspKey *
make_key (const char *purpose)
{
    g_autoptr (RspRng) rng = rsp_rng_new (7, "host", purpose, 1);
    return rsp_key_generate (rng);
}

RspCert *
host_issue (Host *h, RspRole role, const char *oid, const RspKey *key, const RspCert *issuer,
            const RspKey *issuer_key)
{
    static guint64 serial = 100;
    g_autoptr (GError) error = NULL;
    RspCertSpec spec = {.role = role,
                        .common_name = rsp_role_name (role),
                        .organization = "Test",
                        .country = "DE",
                        .oid = oid,
                        .serial = serial++,
                        .not_before = START - 86400,
                        .not_after = START + 86400 * 365,
                        .point = RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE)};
    if (role == RSP_ROLE_EUICC)
        spec.serial_number = HOST_EID;
    if (role == RSP_ROLE_EUM)
        spec.eid_prefix = "89049032";
    RspCert *cert = rsp_cert_issue (&spec, issuer, issuer_key, &error);
    g_assert_no_error (error);
    return cert;
}

RspCert *
host_forge (RspCert *cert)
{
    g_autoptr (GError) error = NULL;
    RspSlice der = rsp_slice_of (rsp_cert_der (cert));
    guint8 *copy = g_memdup2 (der.data, der.len);
    copy[der.len - 1] ^= 1;
    g_autoptr (GBytes) bytes = g_bytes_new_take (copy, der.len);
    RspCert *forged = rsp_cert_parse (bytes, &error);
    g_assert_no_error (error);
    return forged;
}

void
host_restart (Host *h, const char *nvm_path)
{
    g_autoptr (GError) error = NULL;
    g_clear_pointer (&h->card, rsp_euicc_free);
    h->actor.incarnation++;
    h->config.nvm_path = nvm_path;
    h->card = rsp_euicc_new (&h->actor, &h->config, &error);
    g_assert_no_error (error);
    assert_apdu (h, "0070000001", "019000");
    g_autofree char *fci = host_apdu_hex (h, "01a4040010a0000005591010ffffffff8900000100");
    g_assert_cmpstr (fci, ==, h->config.iot ? "6127" : "6121");
}

Host *
host_new (void)
{
    Host *h = g_new0 (Host, 1);
    h->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, (gint64)START * G_USEC_PER_SEC);
    h->actor = (RspActor){.name = "card", .loop = h->loop, .seed = 42};
    h->ci_key = make_key ("ci");
    h->eum_key = make_key ("eum");
    h->euicc_key = make_key ("euicc");
    h->auth_key = make_key ("auth");
    h->pb_key = make_key ("pb");
    h->ds_key = make_key ("ds");
    h->ci = host_issue (h, RSP_ROLE_CI, "1.3.6.1.4.1.50000.9", h->ci_key, NULL, h->ci_key);
    h->eum = host_issue (h, RSP_ROLE_EUM, "1.3.6.1.4.1.50000.8", h->eum_key, h->ci, h->ci_key);
    h->euicc = host_issue (h, RSP_ROLE_EUICC, NULL, h->euicc_key, h->eum, h->eum_key);
    h->auth = host_issue (h, RSP_ROLE_DP_AUTH, HOST_OID, h->auth_key, h->ci, h->ci_key);
    h->pb = host_issue (h, RSP_ROLE_DP_PB, HOST_OID, h->pb_key, h->ci, h->ci_key);
    h->ds = host_issue (h, RSP_ROLE_DS_AUTH, HOST_OID, h->ds_key, h->ci, h->ci_key);
    h->roots = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_cert_unref);
    g_ptr_array_add (h->roots, rsp_cert_ref (h->ci));
    h->config = (RspEuiccConfig){.eid = HOST_EID,
                                 .key = h->euicc_key,
                                 .cert = h->euicc,
                                 .eum_cert = h->eum,
                                 .roots = h->roots,
                                 .default_dp_address = "dp.example.com",
                                 .test_profiles = TRUE};
    memset (h->transaction, 0x11, sizeof h->transaction);
    h->segment = 120;
    host_restart (h, NULL);
    return h;
}

void
host_free (Host *h)
{
    rsp_euicc_free (h->card);
    RspKey *keys[] = {h->ci_key, h->eum_key, h->euicc_key, h->auth_key, h->pb_key, h->ds_key};
    RspCert *certs[] = {h->ci, h->eum, h->euicc, h->auth, h->pb, h->ds};
    for (guint i = 0; i < 6; i++) {
        rsp_key_free (keys[i]);
        rsp_cert_unref (certs[i]);
    }
    g_ptr_array_unref (h->roots);
    rsp_loop_free (h->loop);
    g_free (h);
}

/* --- Terminal --- */

GBytes *
host_apdu (Host *h, RspSlice command)
{
    GBytes *reply = rsp_euicc_transmit (h->card, command);
    g_assert_cmpuint (g_bytes_get_size (reply), >=, 2);
    g_assert_cmpuint (g_bytes_get_size (reply), <=, 258);
    return reply;
}

char *
host_apdu_hex (Host *h, const char *hex)
{
    g_autoptr (GBytes) command = host_hex (hex);
    g_autoptr (GBytes) reply = host_apdu (h, rsp_slice_of (command));
    return rsp_hex (rsp_slice_of (reply));
}

static guint
take_reply (GBytes *reply, GByteArray *data)
{
    RspSlice r = rsp_slice_of (reply);
    g_byte_array_append (data, r.data, (guint)r.len - 2);
    return (guint)(r.data[r.len - 2] << 8 | r.data[r.len - 1]);
}

guint
host_store (Host *h, RspSlice command, GBytes **ret_data)
{
    GByteArray *data = g_byte_array_new ();
    guint sw = 0x9000;
    guint8 block = 0;
    for (gsize at = 0; (at < command.len || at == 0) && sw == 0x9000;) {
        guint8 apdu[5 + 255] = {0x81, 0xE2, 0x11, block++};
        gsize n = MIN (command.len - at, h->segment);
        apdu[2] = at + n == command.len ? 0x91 : 0x11;
        apdu[4] = (guint8)n;
        memcpy (apdu + 5, command.data + at, n);
        g_autoptr (GBytes) reply = host_apdu (h, RSP_SLICE (apdu, 5 + n));
        sw = take_reply (reply, data);
        at += n;
        if (n == 0)
            break;
    }
    while (sw >> 8 == 0x61) {
        guint8 more[5] = {0x81, 0xC0, 0, 0, (guint8)sw};
        g_autoptr (GBytes) reply = host_apdu (h, RSP_SLICE_ARRAY (more));
        sw = take_reply (reply, data);
    }
    g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (data);
    if (ret_data)
        *ret_data = g_steal_pointer (&bytes);
    return sw;
}

GBytes *
host_es10 (Host *h, const char *hex)
{
    g_autoptr (GBytes) command = host_hex (hex);
    GBytes *data = NULL;
    guint sw = host_store (h, rsp_slice_of (command), &data);
    g_assert_true (sw == 0x9000 || sw >> 8 == 0x91);
    return data;
}

/* --- SM-DP+ --- */

static void
put_signature (GByteArray *out, const RspKey *key, const RspSlice *parts, gsize n, gboolean bad)
{
    guint8 signature[RSP_SIGNATURE_SIZE];
    rsp_key_sign (key, parts, n, signature);
    signature[20] ^= bad ? 1 : 0;
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
}

static void
put_bytes (GByteArray *out, RspSlice s)
{
    if (s.len > 0)
        g_byte_array_append (out, s.data, (guint)s.len);
}

void
host_get_challenge (Host *h)
{
    g_autoptr (GBytes) data = host_es10 (h, "bf2e00");
    RspTlv outer, challenge;
    g_assert_true (rsp_tlv_single (rsp_slice_of (data), 0xBF2E, &outer));
    g_assert_true (rsp_tlv_single (outer.value, 0x80, &challenge));
    g_assert_cmpuint (challenge.value.len, ==, 16);
    memcpy (h->challenge, challenge.value.data, 16);
}

GBytes *
host_authenticate_request (Host *h, RspCert *cert, const RspKey *key, HostTwist twist)
{
    static const guint8 server_challenge[16] = {0x55};
    guint8 challenge[16];
    RspSlice ci = rsp_cert_ski (h->ci), other_ci = rsp_cert_ski (h->eum);
    memcpy (challenge, h->challenge, 16);
    challenge[0] ^= twist == HOST_OTHER_CHALLENGE ? 1 : 0;
    g_autoptr (GByteArray) signed1 = g_byte_array_new ();
    gsize mark = rsp_tlv_open (signed1, 0x30);
    rsp_tlv_put (signed1, 0x80, RSP_SLICE_ARRAY (h->transaction));
    rsp_tlv_put (signed1, 0x81, RSP_SLICE_ARRAY (challenge));
    rsp_tlv_put_text (signed1, 0x83, "dp.example.com:8443");
    rsp_tlv_put (signed1, 0x84, RSP_SLICE_ARRAY (server_challenge));
    rsp_tlv_close (signed1, mark);
    GByteArray *out = g_byte_array_new ();
    mark = rsp_tlv_open (out, 0xBF38);
    RspSlice part = slice (signed1);
    put_bytes (out, part);
    put_signature (out, key, &part, 1, twist == HOST_BAD_SIGNATURE);
    rsp_tlv_put (out, 0x04,
                 twist == HOST_OTHER_CI ? other_ci
                 : twist == HOST_NO_CI  ? RSP_SLICE (NULL, 0)
                                        : ci);
    put_bytes (out, rsp_slice_of (rsp_cert_der (cert)));
    g_autoptr (GBytes) context = host_hex ("a017"
                                           "80034d4944"
                                           "a110"
                                           "800435290611"
                                           "a108"
                                           "8203020300"
                                           "850109");
    put_bytes (out, rsp_slice_of (context));
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

/* The error code of TAG{A1{80, 02 code}}, 0 for TAG{A0}. */
static guint
error_code (RspSlice data, guint32 tag, RspTlv *ret_ok)
{
    RspTlv outer, code;
    g_assert_true (rsp_tlv_single (data, tag, &outer));
    if (rsp_tlv_single (outer.value, 0xA0, ret_ok))
        return 0;
    g_assert_true (rsp_tlv_single (outer.value, 0xA1, &outer));
    g_assert_true (rsp_tlv_find (outer.value, 0x02, &code));
    return code.value.data[0];
}

guint
host_authenticate (Host *h, RspCert *cert, const RspKey *key, HostTwist twist)
{
    g_autoptr (GBytes) request = host_authenticate_request (h, cert, key, twist), data = NULL;
    g_assert_cmphex (host_store (h, rsp_slice_of (request), &data), ==, 0x9000);
    RspTlv ok, signed1, signature;
    guint code = error_code (rsp_slice_of (data), 0xBF38, &ok);
    if (code)
        return code;
    g_assert_true (rsp_tlv_find (ok.value, 0x30, &signed1));
    g_assert_true (rsp_tlv_find (ok.value, 0x5F37, &signature));
    g_assert_true (
        rsp_public_verify (rsp_cert_public (h->euicc), &signed1.whole, 1, signature.value));
    memcpy (h->signature1, signature.whole.data, sizeof h->signature1);
    return 0;
}

GBytes *
host_prepare_request (Host *h, RspCert *cert, const RspKey *key, HostTwist twist, RspSlice otpk,
                      const guint8 *hash_cc)
{
    static const guint8 no[] = {0};
    guint8 transaction[16];
    memcpy (transaction, h->transaction, 16);
    transaction[0] ^= twist == HOST_OTHER_TRANSACTION ? 1 : 0;
    g_autoptr (GByteArray) signed2 = g_byte_array_new (), signature = g_byte_array_new ();
    gsize mark = rsp_tlv_open (signed2, 0x30);
    rsp_tlv_put (signed2, 0x80, RSP_SLICE_ARRAY (transaction));
    rsp_tlv_put (signed2, 0x01, RSP_SLICE_ARRAY (no));
    if (otpk.len > 0)
        rsp_tlv_put (signed2, 0x5F49, otpk);
    rsp_tlv_close (signed2, mark);
    RspSlice parts[] = {slice (signed2), RSP_SLICE_ARRAY (h->signature1)};
    put_signature (signature, key, parts, 2, twist == HOST_BAD_SIGNATURE);
    memcpy (h->signature2, signature->data, sizeof h->signature2);
    GByteArray *out = g_byte_array_new ();
    mark = rsp_tlv_open (out, 0xBF21);
    put_bytes (out, parts[0]);
    put_bytes (out, slice (signature));
    if (hash_cc)
        rsp_tlv_put (out, 0x04, RSP_SLICE (hash_cc, 32));
    put_bytes (out, rsp_slice_of (rsp_cert_der (cert)));
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

guint
host_prepare (Host *h, RspCert *cert, const RspKey *key, HostTwist twist, RspSlice otpk,
              const guint8 *hash_cc)
{
    g_autoptr (GBytes) request = host_prepare_request (h, cert, key, twist, otpk, hash_cc);
    g_autoptr (GBytes) data = NULL;
    g_assert_cmphex (host_store (h, rsp_slice_of (request), &data), ==, 0x9000);
    RspTlv ok, signed2, point, signature, hash;
    guint code = error_code (rsp_slice_of (data), 0xBF21, &ok);
    if (code)
        return code;
    g_assert_true (rsp_tlv_find (ok.value, 0x30, &signed2));
    g_assert_true (rsp_tlv_find (signed2.value, 0x5F49, &point));
    g_assert_true (rsp_tlv_find (ok.value, 0x5F37, &signature));
    RspSlice parts[] = {signed2.whole, RSP_SLICE_ARRAY (h->signature2)};
    g_assert_true (rsp_public_verify (rsp_cert_public (h->euicc), parts, 2, signature.value));
    g_assert_cmpint (rsp_tlv_find (signed2.value, 0x04, &hash), ==, hash_cc != NULL);
    g_assert_true (rsp_point_valid (point.value));
    memcpy (h->euicc_point, point.value.data, RSP_POINT_SIZE);
    return 0;
}

void
host_session (Host *h)
{
    host_get_challenge (h);
    g_assert_cmpuint (host_authenticate (h, h->auth, h->auth_key, HOST_FINE), ==, 0);
    g_assert_cmpuint (host_prepare (h, h->pb, h->pb_key, HOST_FINE, RSP_SLICE (NULL, 0), NULL), ==,
                      0);
}

/* --- Bound Profile Package --- */

static void
put_channel (Host *h, const HostPackage *p, const RspKey *otpk, GByteArray *out)
{
    guint8 operation = p->operation ? p->operation : 1;
    guint8 type = p->key_type ? p->key_type : 0x88, length = p->key_length ? p->key_length : 16;
    guint8 transaction[16], point[RSP_POINT_SIZE], host_id[32];
    memset (host_id, 0x80, sizeof host_id);
    memcpy (transaction, h->transaction, 16);
    transaction[15] ^= p->bad_transaction ? 1 : 0;
    memcpy (point, rsp_key_point (otpk), RSP_POINT_SIZE);
    point[40] ^= p->bad_point ? 1 : 0;
    g_autoptr (GByteArray) body = g_byte_array_new (), own = g_byte_array_new ();
    rsp_tlv_put (body, 0x82, RSP_SLICE (&operation, 1));
    rsp_tlv_put (body, 0x80, RSP_SLICE_ARRAY (transaction));
    gsize crt = rsp_tlv_open (body, 0xA6);
    rsp_tlv_put (body, 0x80, RSP_SLICE (&type, 1));
    rsp_tlv_put (body, 0x81, RSP_SLICE (&length, 1));
    rsp_tlv_put (body, 0x84, RSP_SLICE (host_id, p->host_id_length ? p->host_id_length : 8));
    rsp_tlv_close (body, crt);
    rsp_tlv_put (body, 0x5F49, RSP_SLICE_ARRAY (point));
    rsp_tlv_put (own, 0x5F49, RSP_SLICE_ARRAY (h->euicc_point));
    RspSlice parts[] = {slice (body), slice (own)};
    g_autoptr (GByteArray) signature = g_byte_array_new ();
    put_signature (signature, h->pb_key, parts, 2, p->bad_sign);
    gsize mark = rsp_tlv_open (out, 0xBF23);
    put_bytes (out, slice (body));
    put_bytes (out, slice (signature));
    rsp_tlv_close (out, mark);
}

static RspBsp *
make_channel (Host *h, const RspKey *otpk)
{
    guint8 shared[RSP_SHARED_SIZE], host_id[8], eid[16];
    RspBspKeys keys;
    g_autoptr (GBytes) octets = host_hex (HOST_EID);
    memset (host_id, 0x80, sizeof host_id);
    memcpy (eid, g_bytes_get_data (octets, NULL), 16);
    g_assert_true (rsp_ecka (otpk, RSP_SLICE_ARRAY (h->euicc_point), shared));
    rsp_bsp_derive (shared, 0x88, 16, RSP_SLICE_ARRAY (host_id), eid, &keys);
    return rsp_bsp_new (&keys);
}

static void
protect (RspBsp *bsp, guint8 tag, RspSlice plain, const HostPackage *p, int *count,
         GPtrArray *segments)
{
    GByteArray *out = g_byte_array_new ();
    rsp_bsp_protect (bsp, tag, plain, out);
    if (++*count == p->flip_mac_of)
        out->data[out->len - 1] ^= 1;
    g_ptr_array_add (segments, g_byte_array_free_to_bytes (out));
}

static GPtrArray *
protect_all (RspBsp *bsp, guint8 tag, RspSlice plain, gsize size, const HostPackage *p, int *count)
{
    GPtrArray *segments = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    for (gsize at = 0; at < plain.len || at == 0; at += size)
        protect (bsp, tag, RSP_SLICE (plain.data + at, MIN (size, plain.len - at)), p, count,
                 segments);
    return segments;
}

/* Head and segments as chains of their own, or, TOGETHER, in one. */
static void
put_sequence (GPtrArray *chains, guint32 tag, GPtrArray *segments, gboolean together)
{
    gsize size = 0;
    GByteArray *head = g_byte_array_new ();
    for (guint i = 0; i < segments->len; i++)
        size += g_bytes_get_size (g_ptr_array_index (segments, i));
    rsp_tlv_head (head, tag, size);
    if (together)
        put_bytes (head, rsp_slice_of (g_ptr_array_index (segments, 0)));
    g_ptr_array_add (chains, g_byte_array_free_to_bytes (head));
    for (guint i = 0; !together && i < segments->len; i++)
        g_ptr_array_add (chains, g_bytes_ref (g_ptr_array_index (segments, i)));
}

static GPtrArray *
replace_keys (RspBsp *bsp, const HostPackage *p, int *count)
{
    RspBspKeys keys;
    memset (&keys, 0x3C, sizeof keys);
    g_autoptr (GByteArray) plain = g_byte_array_new ();
    gsize mark = rsp_tlv_open (plain, 0xBF26);
    rsp_tlv_put (plain, 0x80, RSP_SLICE_ARRAY (keys.chaining));
    rsp_tlv_put (plain, 0x81, RSP_SLICE_ARRAY (keys.s_enc));
    rsp_tlv_put (plain, 0x82, RSP_SLICE_ARRAY (keys.s_mac));
    rsp_tlv_close (plain, mark);
    g_autoptr (GBytes) other = p->keys ? host_hex (p->keys) : NULL;
    GPtrArray *segments = protect_all (bsp, 0x87, other ? rsp_slice_of (other) : slice (plain),
                                       RSP_BSP_MAX_PLAIN_ENC, p, count);
    rsp_bsp_replace (bsp, &keys);
    return segments;
}

GPtrArray *
host_package (Host *h, const HostPackage *p)
{
    static guint number = 0;
    g_autofree char *purpose = g_strdup_printf ("otpk %u", number++);
    g_autoptr (RspKey) otpk = make_key (purpose);
    g_autoptr (RspBsp) bsp = make_channel (h, otpk);
    g_autoptr (GBytes) isdp = host_hex (p->isdp ? p->isdp : "bf2400");
    g_autoptr (GBytes) metadata =
        p->metadata ? g_bytes_ref (p->metadata) : host_metadata (HOST_ICCID, RSP_CLASS_OPERATIONAL);
    g_autoptr (GBytes) upp = p->upp ? g_bytes_ref (p->upp) : host_upp (HOST_ICCID);
    gsize size = p->segment ? p->segment : RSP_BSP_MAX_PLAIN_ENC;
    int count = 0;
    g_autoptr (GPtrArray) a0 = protect_all (bsp, 0x87, rsp_slice_of (isdp), 1007, p, &count);
    g_autoptr (GPtrArray) a1 = protect_all (bsp, 0x88, rsp_slice_of (metadata), size, p, &count);
    g_autoptr (GPtrArray) a2 = p->protection_keys ? replace_keys (bsp, p, &count) : NULL;
    g_autoptr (GPtrArray) a3 = protect_all (bsp, 0x86, rsp_slice_of (upp), size, p, &count);
    GPtrArray *chains = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    put_sequence (chains, 0xA0, a0, TRUE);
    put_sequence (chains, 0xA1, a1, FALSE);
    if (a2)
        put_sequence (chains, 0xA2, a2, TRUE);
    put_sequence (chains, 0xA3, a3, FALSE);
    g_autoptr (GByteArray) channel = g_byte_array_new ();
    put_channel (h, p, otpk, channel);
    gsize total = channel->len;
    for (guint i = 0; i < chains->len; i++)
        total += g_bytes_get_size (g_ptr_array_index (chains, i));
    GByteArray *first = g_byte_array_new ();
    rsp_tlv_head (first, 0xBF36, total);
    put_bytes (first, slice (channel));
    g_ptr_array_insert (chains, 0, g_byte_array_free_to_bytes (first));
    return chains;
}

GBytes *
host_load (Host *h, GPtrArray *chains, guint *ret_sw)
{
    guint sw = 0;
    for (guint i = 0; i < chains->len; i++) {
        g_autoptr (GBytes) data = NULL;
        sw = host_store (h, rsp_slice_of (g_ptr_array_index (chains, i)), &data);
        if (ret_sw)
            *ret_sw = sw;
        if (sw != 0x9000)
            return NULL;
        if (g_bytes_get_size (data) > 0)
            return g_steal_pointer (&data);
    }
    return NULL;
}

guint
host_result (Host *h, GBytes *bf37)
{
    RspTlv outer, data, signature, final, error, command, reason;
    g_assert_nonnull (bf37);
    g_assert_true (rsp_tlv_single (rsp_slice_of (bf37), 0xBF37, &outer));
    g_assert_true (rsp_tlv_find (outer.value, 0xBF27, &data));
    g_assert_true (rsp_tlv_find (outer.value, 0x5F37, &signature));
    g_assert_true (rsp_public_verify (rsp_cert_public (h->euicc), &data.whole, 1, signature.value));
    g_assert_true (rsp_tlv_find (data.value, 0xA2, &final));
    if (rsp_tlv_find (final.value, 0xA0, &error))
        return 0;
    g_assert_true (rsp_tlv_find (final.value, 0xA1, &error));
    g_assert_true (rsp_tlv_find (error.value, 0x80, &command));
    g_assert_true (rsp_tlv_find (error.value, 0x81, &reason));
    return command.value.data[0] * 256u + reason.value.data[0];
}

guint
host_download (Host *h, const HostPackage *p)
{
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, p);
    g_autoptr (GBytes) result = host_load (h, chains, NULL);
    return host_result (h, result);
}

/* --- Profiles --- */

GBytes *
host_metadata (const char *iccid, RspProfileClass c)
{
    g_autoptr (RspMetadata) m = rsp_metadata_new ();
    m->iccid = g_strdup (iccid);
    m->service_provider_name = g_strdup ("Operator");
    m->profile_name = g_strdup ("Profile");
    m->profile_class = c;
    rsp_metadata_add_notification (m, 0xF, "dp.example.com:8443");
    rsp_metadata_add_notification (m, RSP_EVENT_INSTALL | RSP_EVENT_DELETE, "ops.example.com");
    return rsp_metadata_encode (m);
}

const char *
host_tlv (const char *tag, ...)
{
    static GStringChunk *texts = NULL;
    g_autoptr (GString) body = g_string_new (NULL);
    va_list parts;
    const char *part;
    if (!texts)
        texts = g_string_chunk_new (4096);
    va_start (parts, tag);
    while ((part = va_arg (parts, const char *)))
        g_string_append (body, part);
    va_end (parts);
    gsize n = body->len / 2;
    char head[16];
    g_snprintf (head, sizeof head,
                n < 0x80    ? "%s%02x"
                : n < 0x100 ? "%s81%02x"
                            : "%s82%04x",
                tag, (guint)n);
    g_string_prepend (body, head);
    return g_string_chunk_insert (texts, body->str);
}

const char *
host_digits (const char *digits, gboolean swapped)
{
    g_autofree char *padded = g_strconcat (digits, strlen (digits) % 2 ? "f" : "", NULL);
    g_autoptr (GString) out = g_string_new (NULL);
    for (gsize i = 0; padded[i]; i += 2)
        g_string_append_printf (out, "%c%c", padded[swapped ? i + 1 : i],
                                padded[swapped ? i : i + 1]);
    return g_intern_string (out->str);
}

const char *
host_pe_header (const char *iccid, const char *services)
{
    return T ("a0", T ("80", "02"), T ("81", "03"), T ("83", host_digits (iccid, FALSE)),
              T ("a5", services), T ("a6", "060667810f010201", "060667810f010204"));
}

static const char *
front (const char *identification)
{
    return T ("a0", "8000", T ("81", identification));
}

/* EF.ARR: sixteen records, each of which lets anybody read and update. */
static const char *
free_rules (void)
{
    return T ("a1", T ("82", "42210010"), T ("80", "0100"), T ("a5", T ("c1", "8001039000ff")));
}

static const char *
join (const char *a, const char *b)
{
    g_autofree char *both = g_strconcat (a, b, NULL);
    return g_intern_string (both);
}

/* pinCodes with a PIN, off, for each of the references A and B (nullable). */
static const char *
pe_pins (const char *identification, const char *a, const char *b)
{
    const char *rest[] = {T ("81", "31313131ffffffff"), T ("83", "06")};
    return T ("a2", front (identification),
              T ("a1", T ("a0", T ("30", T ("80", a), rest[0], rest[1]),
                          b ? T ("30", T ("80", b), rest[0], rest[1]) : "")));
}

const char *
host_pe_mf (const char *iccid)
{
    const char *arr = T ("a6", free_rules ());
    const char *mf = T ("b0", front ("01"), "810667810f010201",
                        T ("a2", T ("a1", T ("8b", "2f0601"), T ("c6", "010a"))),
                        T ("a4", T ("83", host_digits (iccid, TRUE))),
                        T ("a5", T ("a1", T ("82", "42210021"), T ("80", "42")),
                           T ("83", "61144f0ca0000000871002ff49ff058950045553494d")),
                        arr);
    return join (mf, pe_pins ("31", "01", "0a"));
}

const char *
host_pe_usim (void)
{
    const char *usim =
        T ("b3", front ("02"), "810667810f010204",
           T ("a2", T ("a1", T ("83", "7fd0"), T ("84", "a0000000871002ff49ff0589"),
                       T ("8b", "2f0601"), T ("c6", "81010a"))),
           T ("a3", T ("83", "080910101032547698")), T ("a4", free_rules ()),
           T ("a8", T ("a1", T ("80", "11")), T ("83", "020000")), T ("ad", T ("83", "01474d")),
           T ("ae", T ("a1", T ("80", "01")), T ("83", "00")), T ("b2", T ("83", "0001")),
           T ("b6", T ("a1", T ("82", "4221000e"), T ("80", "1c")), T ("83", "11f2ff")));
    return join (usim, pe_pins ("32", "0081", NULL));
}

const char *
host_pe_aka (const char *identification, const char *key)
{
    return T ("a4", front (identification),
              T ("a1", T ("a1", T ("80", "01"), T ("81", "00"), T ("82", key), T ("83", key))));
}

const char *
host_pe_end (void)
{
    return T ("aa", T ("a0", "8000", T ("81", "7f")));
}

GBytes *
host_upp (const char *iccid)
{
    g_autofree char *hex =
        g_strconcat (host_pe_header (iccid, "81008400"), host_pe_mf (iccid), host_pe_usim (),
                     host_pe_aka ("03", "00112233445566778899aabbccddeeff"), host_pe_end (), NULL);
    return host_hex (hex);
}

GBytes *
host_ts48 (const char *name)
{
    g_autofree char *path = g_build_filename (RSP_SHARED, "vectors", "ts48", name, NULL);
    char *data = NULL;
    gsize size = 0;
    if (g_file_get_contents (path, &data, &size, NULL))
        return g_bytes_new_take (data, size);
    g_test_skip ("the TS.48 profiles are not here");
    return NULL;
}
