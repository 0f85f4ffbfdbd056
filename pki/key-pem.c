/* Private keys in and out of files: PKCS#8 (RFC 5208) and SEC1 (RFC 5915), P-256 only. */
#include "pki/cert-private.h"
#include "pki/key-private.h"

#include "asn1/tlv.h"

#include <string.h>

#define MAX_PEM 65536

static const struct {
    const char *name;
    guint8 oid[10];
    gsize len;
} other_curves[] = {
    {"brainpoolP256r1", {0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07}, 9},
    {"FRP256v1", {0x2a, 0x81, 0x7a, 0x01, 0x81, 0x5f, 0x65, 0x82, 0x00, 0x01}, 10},
    {"P-192", {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01}, 8},
    {"P-384", {0x2b, 0x81, 0x04, 0x00, 0x22}, 5},
    {"P-521", {0x2b, 0x81, 0x04, 0x00, 0x23}, 5},
};

RspCurve
rsp_curve_of (RspSlice oid, const char **ret_name)
{
    if (rsp_slice_equal (oid, rsp_oid_p256)) {
        *ret_name = "P-256";
        return RSP_CURVE_P256;
    }
    *ret_name = "unknown curve";
    for (gsize i = 0; i < G_N_ELEMENTS (other_curves); i++)
        if (rsp_slice_equal (oid, RSP_SLICE (other_curves[i].oid, other_curves[i].len)))
            *ret_name = other_curves[i].name;
    return RSP_CURVE_OTHER;
}

static gboolean
bad_key (GError **error, const char *what)
{
    g_set_error (error, RSP_KEY_ERROR, RSP_KEY_ERROR_FORMAT, "not a private key: %s", what);
    return FALSE;
}

static gboolean
take (RspSlice *input, guint32 tag, RspSlice *ret_value)
{
    RspSlice rest = *input;
    RspTlv tlv;
    if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.tag != tag)
        return FALSE;
    *input = rest;
    *ret_value = tlv.value;
    return TRUE;
}

/* ECPrivateKey. A curve named inside wins over CURVE, which may be empty. */
static gboolean
read_sec1 (RspSlice der, RspSlice *curve, RspSlice *ret_scalar, GError **error)
{
    RspTlv sequence;
    RspSlice version, params, rest;
    if (!rsp_tlv_single (der, 0x30, &sequence))
        return bad_key (error, "ECPrivateKey is not one SEQUENCE");
    rest = sequence.value;
    if (!take (&rest, 0x02, &version) || version.len != 1 || version.data[0] != 1)
        return bad_key (error, "ECPrivateKey version is not 1");
    if (!take (&rest, 0x04, ret_scalar))
        return bad_key (error, "ECPrivateKey has no octets");
    if (take (&rest, 0xA0, &params) && !take (&params, 0x06, curve))
        return bad_key (error, "curve is not named");
    return TRUE;
}

static gboolean
read_pkcs8 (RspSlice der, RspSlice *ret_curve, RspSlice *ret_scalar, GError **error)
{
    RspTlv sequence;
    RspSlice version, algorithm, oid, octets, rest;
    if (!rsp_tlv_single (der, 0x30, &sequence))
        return bad_key (error, "PrivateKeyInfo is not one SEQUENCE");
    rest = sequence.value;
    if (!take (&rest, 0x02, &version) || !take (&rest, 0x30, &algorithm) ||
        !take (&rest, 0x04, &octets))
        return bad_key (error, "PrivateKeyInfo is incomplete");
    if (!take (&algorithm, 0x06, &oid) || !rsp_slice_equal (oid, rsp_oid_ec_public_key))
        return bad_key (error, "not an elliptic-curve key");
    if (!take (&algorithm, 0x06, ret_curve))
        return bad_key (error, "curve is not named");
    return read_sec1 (octets, ret_curve, ret_scalar, error);
}

static RspKey *
key_of (RspSlice curve, RspSlice scalar, GError **error)
{
    const char *name;
    if (rsp_curve_of (curve, &name) != RSP_CURVE_P256) {
        g_set_error (error, RSP_KEY_ERROR, RSP_KEY_ERROR_CURVE, "not supported: %s", name);
        return NULL;
    }
    if (scalar.len != RSP_SCALAR_SIZE) {
        bad_key (error, "a P-256 scalar has 32 octets");
        return NULL;
    }
    return rsp_key_from_scalar (scalar.data, error);
}

static void
free_secret (GByteArray *array)
{
    rsp_wipe (array->data, array->len);
    g_byte_array_unref (array);
}

/* The octets of the block LABEL, or NULL if TEXT has none that reads. */
static GByteArray *
pem_block (const char *text, const char *label)
{
    g_autofree char *begin = g_strdup_printf ("-----BEGIN %s-----", label);
    g_autofree char *end = g_strdup_printf ("-----END %s-----", label);
    const char *from = strstr (text, begin);
    if (!from)
        return NULL;
    from += strlen (begin);
    const char *to = strstr (from, end);
    if (!to)
        return NULL;
    gsize room = (gsize)(to - from) / 4 * 3 + 3;
    GByteArray *out = g_byte_array_sized_new ((guint)room);
    int state = 0;
    guint save = 0;
    gsize len = g_base64_decode_step (from, (gsize)(to - from), out->data, &state, &save);
    rsp_wipe (&save, sizeof save);
    g_byte_array_set_size (out, (guint)len);
    return out;
}

static RspKey *
key_from_text (const char *text, GError **error)
{
    RspSlice curve = {NULL, 0}, scalar = {NULL, 0};
    GByteArray *block = pem_block (text, "PRIVATE KEY");
    RspKey *key = NULL;
    if (block) {
        if (read_pkcs8 (RSP_SLICE (block->data, block->len), &curve, &scalar, error))
            key = key_of (curve, scalar, error);
        free_secret (block);
        return key;
    }
    block = pem_block (text, "EC PRIVATE KEY");
    if (!block) {
        bad_key (error, "no PEM block of that kind");
        return NULL;
    }
    g_autoptr (GByteArray) params = pem_block (text, "EC PARAMETERS");
    RspTlv named;
    if (params && rsp_tlv_single (RSP_SLICE (params->data, params->len), 0x06, &named))
        curve = named.value;
    if (read_sec1 (RSP_SLICE (block->data, block->len), &curve, &scalar, error))
        key = key_of (curve, scalar, error);
    free_secret (block);
    return key;
}

RspKey *
rsp_key_from_pem (const char *pem, gssize len, GError **error)
{
    gsize size = len < 0 ? strlen (pem) : (gsize)len;
    if (size > MAX_PEM || memchr (pem, 0, size)) {
        bad_key (error, "not a PEM text");
        return NULL;
    }
    char *text = g_strndup (pem, size);
    RspKey *key = key_from_text (text, error);
    rsp_wipe (text, size);
    g_free (text);
    return key;
}

static void
put_ec_private_key (GByteArray *out, const RspKey *key)
{
    gsize octets = rsp_tlv_open (out, 0x04);
    gsize sequence = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_int (out, 0x02, 1);
    rsp_tlv_put (out, 0x04, RSP_SLICE_ARRAY (key->octets));
    gsize pub = rsp_tlv_open (out, 0xA1);
    rsp_tlv_head (out, 0x03, 1 + RSP_POINT_SIZE);
    g_byte_array_append (out, (const guint8 *)"", 1);
    g_byte_array_append (out, key->point, RSP_POINT_SIZE);
    rsp_tlv_close (out, pub);
    rsp_tlv_close (out, sequence);
    rsp_tlv_close (out, octets);
}

GBytes *
rsp_key_to_der (const RspKey *key)
{
    /* Sized so that it never moves and leaves no copy of the key behind. */
    GByteArray *out = g_byte_array_sized_new (256);
    gsize info = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_int (out, 0x02, 0);
    gsize algorithm = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x06, rsp_oid_ec_public_key);
    rsp_tlv_put (out, 0x06, rsp_oid_p256);
    rsp_tlv_close (out, algorithm);
    put_ec_private_key (out, key);
    rsp_tlv_close (out, info);
    GBytes *der = rsp_secret_bytes (out->data, out->len);
    free_secret (out);
    return der;
}

char *
rsp_pem (RspSlice der, const char *label)
{
    /* Sized so that it never moves: it may be a key. */
    GString *out = g_string_sized_new (der.len / 48 * 65 + 192);
    g_string_append_printf (out, "-----BEGIN %s-----\n", label);
    for (gsize at = 0; at < der.len; at += 48) {
        gsize chunk = MIN ((gsize)48, der.len - at);
        char line[72];
        int state = 0, save = 0;
        gsize n = g_base64_encode_step (der.data + at, chunk, FALSE, line, &state, &save);
        n += g_base64_encode_close (FALSE, line + n, &state, &save);
        g_string_append_len (out, line, (gssize)n);
        g_string_append_c (out, '\n');
        rsp_wipe (line, sizeof line);
    }
    g_string_append_printf (out, "-----END %s-----\n", label);
    return g_string_free (out, FALSE);
}

char *
rsp_key_to_pem (const RspKey *key)
{
    g_autoptr (GBytes) der = rsp_key_to_der (key);
    return rsp_pem (rsp_slice_of (der), "PRIVATE KEY");
}
