/* Issuing: certificates of Variant O (trust.md 1.3), the same input always giving the same octets.
 */
#include "pki/cert-private.h"

#include "asn1/tlv.h"
#include "pki/key-private.h"

#include "pki/hash.h"

#include <nettle/bignum.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/sha1.h>
#include <string.h>

#define P384_SIZE 48
#define MAX_TEXT 64 /* upper bounds of X.520 */
#define MAX_URI 512

static const guint8 der_true[] = {0xff};

static gboolean
bad_spec (GError **error, const char *what)
{
    g_set_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT, "cannot issue: %s", what);
    return FALSE;
}

static gboolean
printable (const char *text)
{
    for (; *text; text++)
        if (!g_ascii_isalnum (*text) && !strchr (" '()+,-./:=?", *text))
            return FALSE;
    return TRUE;
}

static gboolean
visible (const char *text, gsize max)
{
    gsize n = 0;
    for (; text[n]; n++)
        if (n >= max || !g_ascii_isgraph (text[n]))
            return FALSE;
    return n > 0;
}

static gboolean
digits (const char *text)
{
    gsize n = strspn (text, "0123456789");
    return n > 0 && n <= 30 && text[n] == 0;
}

static gboolean
name_text (const char *text)
{
    return !text ||
           (*text && g_utf8_validate (text, -1, NULL) && g_utf8_strlen (text, -1) <= MAX_TEXT);
}

static gboolean
check_texts (const RspCertSpec *spec, GError **error)
{
    if (!spec->common_name && !spec->organization && !spec->country && !spec->serial_number)
        return bad_spec (error, "the subject is empty");
    if (!name_text (spec->common_name) || !name_text (spec->organization))
        return bad_spec (error, "a name has 1 to 64 characters");
    if (spec->country && (strlen (spec->country) != 2 || !printable (spec->country)))
        return bad_spec (error, "a country has two letters");
    if (spec->serial_number &&
        (!name_text (spec->serial_number) || !printable (spec->serial_number)))
        return bad_spec (error, "a serialNumber has 1 to 64 printable characters");
    if (spec->dns && !visible (spec->dns, 255))
        return bad_spec (error, "a dNSName has 1 to 255 visible characters");
    if (spec->crl_uri && !visible (spec->crl_uri, MAX_URI))
        return bad_spec (error, "a CRL address has 1 to 512 visible characters");
    if (spec->eid_prefix && (!digits (spec->eid_prefix) || !spec->organization))
        return bad_spec (error, "an EID range is 1 to 30 digits and needs the organization");
    if (spec->not_after < spec->not_before)
        return bad_spec (error, "it would end before it begins");
    return TRUE;
}

static void
put_attribute (GByteArray *out, RspSlice type, guint32 tag, const char *text)
{
    if (!text)
        return;
    gsize set = rsp_tlv_open (out, 0x31), sequence = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x06, type);
    rsp_tlv_put_text (out, tag, text);
    rsp_tlv_close (out, sequence);
    rsp_tlv_close (out, set);
}

static void
put_subject (GByteArray *out, const RspCertSpec *spec)
{
    gsize name = rsp_tlv_open (out, 0x30);
    put_attribute (out, rsp_oid_at_c, 0x13, spec->country);
    put_attribute (out, rsp_oid_at_o, 0x0C, spec->organization);
    put_attribute (out, rsp_oid_at_serial_number, 0x13, spec->serial_number);
    put_attribute (out, rsp_oid_at_cn, 0x0C, spec->common_name);
    rsp_tlv_close (out, name);
}

static void
put_validity (GByteArray *out, const RspCertSpec *spec)
{
    guint32 tag;
    gsize validity = rsp_tlv_open (out, 0x30);
    g_autofree char *from = rsp_time_format (spec->not_before, &tag);
    rsp_tlv_put_text (out, tag, from);
    g_autofree char *to = rsp_time_format (spec->not_after, &tag);
    rsp_tlv_put_text (out, tag, to);
    rsp_tlv_close (out, validity);
}

/* A key that no party here supports: a point of P-384, whose scalar is the hash of POINT. */
static void
put_p384_key (GByteArray *out, RspSlice point)
{
    static const guint8 p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
    guint8 scalar[RSP_SHA256_SIZE], octets[1 + 2 * P384_SIZE] = {0x04};
    const struct ecc_curve *curve = nettle_get_secp_384r1 ();
    struct ecc_scalar secret;
    struct ecc_point public;
    mpz_t number, x, y;
    rsp_sha256 (&point, 1, scalar);
    mpz_inits (number, x, y, NULL);
    mpz_import (number, sizeof scalar, 1, 1, 1, 0, scalar);
    ecc_scalar_init (&secret, curve);
    ecc_point_init (&public, curve);
    ecc_scalar_set (&secret, number);
    ecc_point_mul_g (&public, &secret);
    ecc_point_get (&public, x, y);
    nettle_mpz_get_str_256 (P384_SIZE, octets + 1, x);
    nettle_mpz_get_str_256 (P384_SIZE, octets + 1 + P384_SIZE, y);
    ecc_scalar_clear (&secret);
    ecc_point_clear (&public);
    mpz_clears (number, x, y, NULL);

    gsize info = rsp_tlv_open (out, 0x30), algorithm = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x06, rsp_oid_ec_public_key);
    rsp_tlv_put (out, 0x06, RSP_SLICE_ARRAY (p384));
    rsp_tlv_close (out, algorithm);
    rsp_der_put_bits (out, RSP_SLICE_ARRAY (octets));
    rsp_tlv_close (out, info);
}

static void
put_public_key (GByteArray *out, RspSlice point)
{
    gsize info = rsp_tlv_open (out, 0x30), algorithm = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x06, rsp_oid_ec_public_key);
    rsp_tlv_put (out, 0x06, rsp_oid_p256);
    rsp_tlv_close (out, algorithm);
    rsp_der_put_bits (out, point);
    rsp_tlv_close (out, info);
}

static void
put_key_ids (GByteArray *out, const RspCertSpec *spec, const RspCert *issuer)
{
    if (issuer)
        rsp_extension_put_aki (out, issuer);
    struct sha1_ctx ctx;
    guint8 id[SHA1_DIGEST_SIZE];
    sha1_init (&ctx);
    sha1_update (&ctx, spec->point.len, spec->point.data);
    sha1_digest (&ctx, sizeof id, id);
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_ski, FALSE);
    rsp_tlv_put (out, 0x04, RSP_SLICE_ARRAY (id));
    rsp_extension_close (out, frame);
}

static void
put_usage (GByteArray *out, RspRole role)
{
    static const guint8 ci[] = {0x01, 0x06}, eum[] = {0x02, 0x04}, leaf[] = {0x07, 0x80};
    const guint8 *bits = role == RSP_ROLE_CI ? ci : role == RSP_ROLE_EUM ? eum : leaf;
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_key_usage, TRUE);
    rsp_tlv_put (out, 0x03, RSP_SLICE (bits, 2));
    rsp_extension_close (out, frame);
}

static gboolean
is_tls (RspRole role)
{
    return role == RSP_ROLE_DP_TLS || role == RSP_ROLE_DS_TLS;
}

static void
put_ext_usage (GByteArray *out, RspRole role)
{
    if (!is_tls (role) && role != RSP_ROLE_NONE)
        return;
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_eku, TRUE);
    gsize sequence = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x06, rsp_oid_kp_server_auth);
    rsp_tlv_put (out, 0x06, rsp_oid_kp_client_auth);
    rsp_tlv_close (out, sequence);
    rsp_extension_close (out, frame);
}

static void
put_policy (GByteArray *out, const RspCertSpec *spec)
{
    RspRole policy = spec->policy != RSP_ROLE_NONE ? spec->policy : spec->role;
    if (policy == RSP_ROLE_NONE)
        return;
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_policies, !is_tls (spec->role));
    gsize policies = rsp_tlv_open (out, 0x30), information = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x06, rsp_role_oid_octets (policy));
    rsp_tlv_close (out, information);
    rsp_tlv_close (out, policies);
    rsp_extension_close (out, frame);
}

static void
put_alternative_names (GByteArray *out, const char *dns, RspSlice oid)
{
    if (!dns && oid.len == 0)
        return;
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_san, FALSE);
    gsize names = rsp_tlv_open (out, 0x30);
    if (dns)
        rsp_tlv_put_text (out, 0x82, dns);
    if (oid.len > 0)
        rsp_tlv_put (out, 0x88, oid);
    rsp_tlv_close (out, names);
    rsp_extension_close (out, frame);
}

static void
put_basic_constraints (GByteArray *out, RspRole role)
{
    if (role != RSP_ROLE_CI && role != RSP_ROLE_EUM)
        return;
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_bc, TRUE);
    gsize sequence = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x01, RSP_SLICE_ARRAY (der_true));
    if (role == RSP_ROLE_EUM)
        rsp_tlv_put_int (out, 0x02, 0);
    rsp_tlv_close (out, sequence);
    rsp_extension_close (out, frame);
}

static void
put_crl_address (GByteArray *out, const char *uri)
{
    if (!uri)
        return;
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_crl_dp, FALSE);
    gsize points = rsp_tlv_open (out, 0x30), point = rsp_tlv_open (out, 0x30);
    gsize name = rsp_tlv_open (out, 0xA0), full = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put_text (out, 0x86, uri);
    rsp_tlv_close (out, full);
    rsp_tlv_close (out, name);
    rsp_tlv_close (out, point);
    rsp_tlv_close (out, points);
    rsp_extension_close (out, frame);
}

/* The EUM's range of EIDs: one permitted directoryName of O and a prefix of serialNumber. */
static void
put_eid_range (GByteArray *out, const RspCertSpec *spec)
{
    if (!spec->eid_prefix)
        return;
    RspExtension frame = rsp_extension_open (out, rsp_oid_ce_name_constraints, TRUE);
    gsize constraints = rsp_tlv_open (out, 0x30), permitted = rsp_tlv_open (out, 0xA0);
    gsize subtree = rsp_tlv_open (out, 0x30), base = rsp_tlv_open (out, 0xA4);
    gsize name = rsp_tlv_open (out, 0x30);
    put_attribute (out, rsp_oid_at_o, 0x0C, spec->organization);
    put_attribute (out, rsp_oid_at_serial_number, 0x13, spec->eid_prefix);
    rsp_tlv_close (out, name);
    rsp_tlv_close (out, base);
    rsp_tlv_close (out, subtree);
    rsp_tlv_close (out, permitted);
    rsp_tlv_close (out, constraints);
    rsp_extension_close (out, frame);
}

static void
put_extensions (GByteArray *out, const RspCertSpec *spec, const RspCert *issuer, RspSlice oid)
{
    gsize explicit = rsp_tlv_open (out, 0xA3), sequence = rsp_tlv_open (out, 0x30);
    put_key_ids (out, spec, issuer);
    put_usage (out, spec->role);
    put_ext_usage (out, spec->role);
    put_policy (out, spec);
    put_alternative_names (out, spec->dns, oid);
    put_basic_constraints (out, spec->role);
    put_crl_address (out, spec->crl_uri);
    put_eid_range (out, spec);
    rsp_tlv_close (out, sequence);
    rsp_tlv_close (out, explicit);
}

static void
put_serial (GByteArray *out, guint64 serial)
{
    guint8 octets[9] = {0};
    for (int i = 0; i < 8; i++)
        octets[8 - i] = (guint8)(serial >> (8 * i));
    gsize skip = 0;
    while (skip < 8 && octets[skip] == 0 && octets[skip + 1] < 0x80)
        skip++;
    rsp_tlv_put (out, 0x02, RSP_SLICE (octets + skip, sizeof octets - skip));
}

static GByteArray *
build_tbs (const RspCertSpec *spec, const RspCert *issuer, RspSlice oid)
{
    GByteArray *out = g_byte_array_sized_new (1024);
    gsize tbs = rsp_tlv_open (out, 0x30), version = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put_int (out, 0x02, 2);
    rsp_tlv_close (out, version);
    put_serial (out, spec->serial);
    g_byte_array_append (out, rsp_oid_ecdsa_sha256_algorithm.data,
                         (guint)rsp_oid_ecdsa_sha256_algorithm.len);
    if (issuer)
        g_byte_array_append (out, issuer->subject.data, (guint)issuer->subject.len);
    else
        put_subject (out, spec);
    put_validity (out, spec);
    put_subject (out, spec);
    if (spec->p384)
        put_p384_key (out, spec->point);
    else
        put_public_key (out, spec->point);
    put_extensions (out, spec, issuer, oid);
    rsp_tlv_close (out, tbs);
    return out;
}

static gboolean
check_keys (const RspCertSpec *spec, const RspCert *issuer, const RspKey *key, GError **error)
{
    RspSlice signer = RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE);
    if (!rsp_point_valid (spec->point))
        return bad_spec (error, "the subject's key is not a point of P-256");
    if (!issuer)
        return rsp_slice_equal (spec->point, signer) ||
               bad_spec (error, "a root certifies its own key");
    if (!issuer->public) {
        g_set_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_CURVE,
                     "cannot issue: the issuer's curve is not supported");
        return FALSE;
    }
    if (!rsp_slice_equal (rsp_public_point (issuer->public), signer))
        return bad_spec (error, "the key is not that of the issuer's certificate");
    return issuer->ski.len > 0 || bad_spec (error, "the issuer has no subject key identifier");
}

RspCert *
rsp_cert_issue (const RspCertSpec *spec, const RspCert *issuer, const RspKey *issuer_key,
                GError **error)
{
    g_autoptr (GByteArray) oid = NULL;
    if (!check_texts (spec, error) || !check_keys (spec, issuer, issuer_key, error))
        return NULL;
    if (spec->oid && !(oid = rsp_oid_from_text (spec->oid))) {
        bad_spec (error, "the registeredID is not an object identifier");
        return NULL;
    }
    RspSlice id = oid ? RSP_SLICE (oid->data, oid->len) : RSP_SLICE (NULL, 0);
    g_autoptr (GByteArray) tbs = build_tbs (spec, issuer, id);
    g_autoptr (GBytes) signature = rsp_key_sign_der (issuer_key, RSP_SLICE (tbs->data, tbs->len));

    GByteArray *out = g_byte_array_sized_new (tbs->len + 128);
    gsize certificate = rsp_tlv_open (out, 0x30);
    g_byte_array_append (out, tbs->data, tbs->len);
    g_byte_array_append (out, rsp_oid_ecdsa_sha256_algorithm.data,
                         (guint)rsp_oid_ecdsa_sha256_algorithm.len);
    rsp_der_put_bits (out, rsp_slice_of (signature));
    if (spec->bad_signature)
        out->data[out->len - 1] ^= 0x01;
    rsp_tlv_close (out, certificate);
    /* A certificate is held for long, so without room to grow. */
    g_autoptr (GBytes) der = g_bytes_new (out->data, out->len);
    g_byte_array_unref (out);
    return rsp_cert_parse (der, error);
}
