#include "pki/cert-private.h"

#include "asn1/tlv.h"
#include "pki/key-private.h"

#include <string.h>

#define MAX_SIZE 16384
#define MAX_EXTENSIONS 32
#define MAX_SERIAL 21 /* 20 octets and a sign octet */

G_DEFINE_QUARK (rsp_cert_error, rsp_cert_error)

static gboolean
bad (GError **error, const char *what)
{
    g_set_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT, "certificate: %s", what);
    return FALSE;
}

/* A copy as C text, or NULL if the octets are not clean UTF-8. */
static char *
clean_text (RspSlice octets)
{
    if (octets.len == 0 || memchr (octets.data, 0, octets.len) ||
        !g_utf8_validate_len ((const char *)octets.data, octets.len, NULL))
        return NULL;
    return g_strndup ((const char *)octets.data, octets.len);
}

static gboolean
check_name (RspSlice content)
{
    RspNameWalk walk;
    RspNameAttribute attribute;
    gboolean broken;
    rsp_name_walk_start (&walk, content);
    while (rsp_name_walk_next (&walk, &attribute, &broken))
        ;
    return !broken;
}

static char **
subject_member (RspCert *cert, RspSlice type)
{
    if (rsp_slice_equal (type, rsp_oid_at_o))
        return &cert->organization;
    if (rsp_slice_equal (type, rsp_oid_at_cn))
        return &cert->common_name;
    if (rsp_slice_equal (type, rsp_oid_at_serial_number))
        return &cert->serial_number;
    return NULL;
}

static gboolean
read_subject (RspCert *cert, RspSlice content, GError **error)
{
    RspNameWalk walk;
    RspNameAttribute attribute;
    gboolean broken;
    rsp_name_walk_start (&walk, content);
    while (rsp_name_walk_next (&walk, &attribute, &broken)) {
        char **member = subject_member (cert, attribute.type);
        if (!member || *member || !rsp_name_text_tag (attribute.tag))
            continue;
        *member = clean_text (attribute.value);
        if (!*member)
            return bad (error, "subject has a text that is not clean UTF-8");
    }
    return broken ? bad (error, "subject is malformed") : TRUE;
}

static gboolean
read_validity (RspCert *cert, RspSlice content, GError **error)
{
    RspTlv from, to;
    if (rsp_tlv_next (&content, &from) != RSP_TLV_OK ||
        rsp_tlv_next (&content, &to) != RSP_TLV_OK || content.len != 0 ||
        !rsp_time_parse (from.tag, from.value, &cert->not_before) ||
        !rsp_time_parse (to.tag, to.value, &cert->not_after))
        return bad (error, "validity is malformed");
    return TRUE;
}

static gboolean
read_public_key (RspCert *cert, RspSlice content, GError **error)
{
    RspTlv algorithm, type, curve;
    RspSlice point;
    if (!rsp_der_take (&content, 0x30, &algorithm) || !rsp_der_take_bits (&content, &point) ||
        content.len != 0)
        return bad (error, "subjectPublicKeyInfo is malformed");
    RspSlice rest = algorithm.value;
    if (!rsp_der_take (&rest, 0x06, &type))
        return bad (error, "subjectPublicKeyInfo names no algorithm");
    if (!rsp_slice_equal (type.value, rsp_oid_ec_public_key) ||
        !rsp_der_take (&rest, 0x06, &curve) || rest.len != 0 ||
        !rsp_slice_equal (curve.value, rsp_oid_p256))
        return TRUE; /* another kind of key: no key object */
    cert->public = rsp_public_from_point (point, NULL);
    return cert->public ? TRUE : bad (error, "public key is not a point of P-256");
}

/* Extensions: each reader gets the extnValue's octets. */

static gboolean
read_ski (RspCert *cert, RspSlice value)
{
    RspTlv tlv;
    if (!rsp_tlv_single (value, 0x04, &tlv) || tlv.value.len == 0)
        return FALSE;
    cert->ski = tlv.value;
    return TRUE;
}

static gboolean
read_aki (RspCert *cert, RspSlice value)
{
    return rsp_extension_aki (value, &cert->aki);
}

static gboolean
read_key_usage (RspCert *cert, RspSlice value)
{
    RspTlv tlv;
    if (!rsp_tlv_single (value, 0x03, &tlv) || tlv.value.len < 2 || tlv.value.len > 3 ||
        tlv.value.data[0] > 7)
        return FALSE;
    guint low = tlv.value.len == 3 ? tlv.value.data[2] : 0;
    guint bits = (guint)tlv.value.data[1] << 8 | low;
    guint last = tlv.value.data[tlv.value.len - 1];
    if (last & ((1u << tlv.value.data[0]) - 1))
        return FALSE;
    cert->key_usage = bits;
    return bits != 0;
}

static gboolean
read_basic_constraints (RspCert *cert, RspSlice value)
{
    RspTlv sequence, tlv;
    if (!rsp_tlv_single (value, 0x30, &sequence))
        return FALSE;
    RspSlice rest = sequence.value;
    if (rsp_der_take (&rest, 0x01, &tlv)) {
        if (tlv.value.len != 1 || tlv.value.data[0] != 0xFF)
            return FALSE;
        cert->ca = TRUE;
    }
    if (rsp_der_take (&rest, 0x02, &tlv)) {
        if (!cert->ca || tlv.value.len != 1 || tlv.value.data[0] > 0x7F)
            return FALSE;
        cert->path_length = tlv.value.data[0];
    }
    return rest.len == 0;
}

/* The role is the one RSP policy; two of them are no role at all. */
static gboolean
read_policies (RspCert *cert, RspSlice value)
{
    RspTlv sequence, policy, oid;
    guint roles = 0;
    if (!rsp_der_check (value, NULL) || !rsp_tlv_single (value, 0x30, &sequence) ||
        sequence.value.len == 0)
        return FALSE;
    RspSlice rest = sequence.value;
    while (rest.len > 0) {
        if (!rsp_der_take (&rest, 0x30, &policy) || !rsp_der_take (&policy.value, 0x06, &oid))
            return FALSE;
        RspRole role = rsp_role_of_octets (oid.value);
        if (role == RSP_ROLE_NONE)
            continue;
        cert->role = roles++ == 0 ? role : RSP_ROLE_NONE;
    }
    return TRUE;
}

/* Exactly one registeredID counts; with two there is none to rely on. */
static gboolean
read_alternative_names (RspCert *cert, RspSlice value)
{
    RspTlv sequence, name;
    guint ids = 0;
    if (!rsp_tlv_single (value, 0x30, &sequence) || sequence.value.len == 0)
        return FALSE;
    RspSlice rest = cert->alternative_names = sequence.value;
    while (rest.len > 0) {
        if (rsp_tlv_next (&rest, &name) != RSP_TLV_OK)
            return FALSE;
        if (name.tag == 0x88) {
            g_clear_pointer (&cert->oid, g_free);
            if (ids++ == 0 && !(cert->oid = rsp_oid_to_text (name.value)))
                return FALSE;
        }
        if (name.tag == 0x82 && !cert->dns && !(cert->dns = clean_text (name.value)))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_ext_key_usage (RspCert *cert, RspSlice value)
{
    RspTlv sequence, oid;
    if (!rsp_tlv_single (value, 0x30, &sequence) || sequence.value.len == 0)
        return FALSE;
    RspSlice rest = sequence.value;
    while (rest.len > 0) {
        if (!rsp_der_take (&rest, 0x06, &oid))
            return FALSE;
        if (rsp_slice_equal (oid.value, rsp_oid_kp_server_auth))
            cert->ext_key_usage |= RSP_EKU_SERVER_AUTH;
        if (rsp_slice_equal (oid.value, rsp_oid_kp_client_auth))
            cert->ext_key_usage |= RSP_EKU_CLIENT_AUTH;
    }
    return TRUE;
}

static gboolean
read_name_constraints (RspCert *cert, RspSlice value)
{
    RspTlv sequence;
    if (!rsp_der_check (value, NULL) || !rsp_tlv_single (value, 0x30, &sequence))
        return FALSE;
    cert->name_constraints = sequence.value;
    return TRUE;
}

/* Only servers fetch CRLs; here the addresses are just well-formed. */
static gboolean
read_crl_dp (RspCert *cert, RspSlice value)
{
    RspTlv sequence;
    return rsp_der_check (value, NULL) && rsp_tlv_single (value, 0x30, &sequence);
}

static const struct {
    const RspSlice *oid;
    gboolean (*read) (RspCert *cert, RspSlice value);
} extension_readers[] = {
    {&rsp_oid_ce_aki, read_aki},
    {&rsp_oid_ce_ski, read_ski},
    {&rsp_oid_ce_key_usage, read_key_usage},
    {&rsp_oid_ce_policies, read_policies},
    {&rsp_oid_ce_san, read_alternative_names},
    {&rsp_oid_ce_bc, read_basic_constraints},
    {&rsp_oid_ce_crl_dp, read_crl_dp},
    {&rsp_oid_ce_name_constraints, read_name_constraints},
    {&rsp_oid_ce_eku, read_ext_key_usage},
};

static gboolean
read_extension (RspCert *cert, RspSlice oid, gboolean critical, RspSlice value)
{
    for (gsize i = 0; i < G_N_ELEMENTS (extension_readers); i++)
        if (rsp_slice_equal (oid, *extension_readers[i].oid))
            return extension_readers[i].read (cert, value);
    cert->unknown_critical |= critical;
    return TRUE;
}

static gboolean
read_extensions (RspCert *cert, RspSlice explicit, GError **error)
{
    RspSlice seen[MAX_EXTENSIONS];
    RspTlv sequence;
    if (!rsp_tlv_single (explicit, 0x30, &sequence) || sequence.value.len == 0)
        return bad (error, "extensions are malformed");
    RspSlice rest = sequence.value;
    for (guint n = 0; rest.len > 0; n++) {
        RspSlice value;
        gboolean critical;
        if (n == MAX_EXTENSIONS || !rsp_extension_take (&rest, &seen[n], &critical, &value))
            return bad (error, "extensions are malformed");
        for (guint i = 0; i < n; i++)
            if (rsp_slice_equal (seen[i], seen[n]))
                return bad (error, "an extension stands there twice");
        if (!read_extension (cert, seen[n], critical, value))
            return bad (error, "an extension is malformed");
    }
    return TRUE;
}

static gboolean
read_serial (RspCert *cert, RspSlice *tbs, GError **error)
{
    RspTlv tlv;
    if (!rsp_der_take (tbs, 0x02, &tlv) || tlv.value.len == 0 || tlv.value.len > MAX_SERIAL)
        return bad (error, "serial number is malformed");
    const guint8 *octets = tlv.value.data;
    gboolean minimal = tlv.value.len == 1 || octets[0] != 0 || octets[1] >= 0x80;
    if (octets[0] >= 0x80 || !minimal)
        return bad (error, "serial number is negative or not minimal");
    cert->serial = tlv.value;
    return TRUE;
}

static gboolean
read_tbs (RspCert *cert, RspSlice tbs, GError **error)
{
    static const guint8 v3[] = {0x02, 0x01, 0x02};
    RspTlv version, algorithm, issuer, validity, subject, key, extensions;
    if (!rsp_der_take (&tbs, 0xA0, &version) ||
        !rsp_slice_equal (version.value, RSP_SLICE_ARRAY (v3)))
        return bad (error, "not of version 3");
    if (!read_serial (cert, &tbs, error))
        return FALSE;
    if (!rsp_der_take (&tbs, 0x30, &algorithm) || !rsp_der_take (&tbs, 0x30, &issuer) ||
        !rsp_der_take (&tbs, 0x30, &validity) || !rsp_der_take (&tbs, 0x30, &subject) ||
        !rsp_der_take (&tbs, 0x30, &key))
        return bad (error, "tbsCertificate is malformed");
    cert->inner_algorithm = algorithm.whole;
    cert->issuer = issuer.whole;
    cert->subject = subject.whole;
    if (!check_name (issuer.value))
        return bad (error, "issuer is malformed");
    if (!read_validity (cert, validity.value, error) ||
        !read_subject (cert, subject.value, error) || !read_public_key (cert, key.value, error))
        return FALSE;
    if (!rsp_der_take (&tbs, 0xA3, &extensions) || tbs.len != 0)
        return bad (error, "extensions are absent, or not the last member");
    return read_extensions (cert, extensions.value, error);
}

static gboolean
read_certificate (RspCert *cert, GError **error)
{
    RspTlv outer, tbs, algorithm;
    if (!rsp_tlv_single (rsp_slice_of (cert->der), 0x30, &outer))
        return bad (error, "not one DER SEQUENCE");
    RspSlice rest = outer.value;
    if (!rsp_der_take (&rest, 0x30, &tbs) || !rsp_der_take (&rest, 0x30, &algorithm) ||
        !rsp_der_check (algorithm.whole, NULL) || !rsp_der_take_bits (&rest, &cert->signature) ||
        rest.len != 0)
        return bad (error, "not tbsCertificate, signatureAlgorithm, signature");
    cert->tbs = tbs.whole;
    cert->outer_algorithm = algorithm.whole;
    return read_tbs (cert, tbs.value, error);
}

RspCert *
rsp_cert_parse (GBytes *der, GError **error)
{
    if (g_bytes_get_size (der) > MAX_SIZE) {
        bad (error, "longer than 16 KiB");
        return NULL;
    }
    g_autoptr (RspCert) cert = g_new0 (RspCert, 1);
    cert->refs = 1;
    cert->der = g_bytes_ref (der);
    cert->path_length = RSP_NO_PATH_LENGTH;
    return read_certificate (cert, error) ? g_steal_pointer (&cert) : NULL;
}

RspCert *
rsp_cert_ref (RspCert *cert)
{
    cert->refs++;
    return cert;
}

void
rsp_cert_unref (RspCert *cert)
{
    if (!cert || --cert->refs > 0)
        return;
    rsp_public_unref (cert->public);
    g_free (cert->oid);
    g_free (cert->dns);
    g_free (cert->organization);
    g_free (cert->common_name);
    g_free (cert->serial_number);
    g_bytes_unref (cert->der);
    g_free (cert);
}

GBytes *
rsp_cert_der (const RspCert *cert)
{
    return cert->der;
}

RspSlice
rsp_cert_tbs (const RspCert *cert)
{
    return cert->tbs;
}

RspPublic *
rsp_cert_public (const RspCert *cert)
{
    return cert->public;
}

RspSlice
rsp_cert_ski (const RspCert *cert)
{
    return cert->ski;
}

RspSlice
rsp_cert_aki (const RspCert *cert)
{
    return cert->aki;
}

RspSlice
rsp_cert_issuer (const RspCert *cert)
{
    return cert->issuer;
}

RspSlice
rsp_cert_subject (const RspCert *cert)
{
    return cert->subject;
}

RspSlice
rsp_cert_serial (const RspCert *cert)
{
    return cert->serial;
}

RspRole
rsp_cert_role (const RspCert *cert)
{
    return cert->role;
}

const char *
rsp_cert_oid (const RspCert *cert)
{
    return cert->oid;
}

const char *
rsp_cert_dns (const RspCert *cert)
{
    return cert->dns;
}

const char *
rsp_cert_organization (const RspCert *cert)
{
    return cert->organization;
}

const char *
rsp_cert_common_name (const RspCert *cert)
{
    return cert->common_name;
}

const char *
rsp_cert_serial_number (const RspCert *cert)
{
    return cert->serial_number;
}

gint64
rsp_cert_not_before (const RspCert *cert)
{
    return cert->not_before;
}

gint64
rsp_cert_not_after (const RspCert *cert)
{
    return cert->not_after;
}

char *
rsp_cert_to_pem (const RspCert *cert)
{
    return rsp_pem (rsp_slice_of (cert->der), "CERTIFICATE");
}
