/* Making CRLs: the same input always gives the same octets. */
#include "pki/crl.h"

#include "pki/cert-private.h"
#include "pki/crl-private.h"

#define VALIDITY (30 * 24 * 3600)

#define OID(name, ...)                                                                             \
    static const guint8 name##_octets[] = {__VA_ARGS__};                                           \
    const RspSlice name = {.data = name##_octets, .len = sizeof name##_octets}
OID (rsp_oid_ce_crl_number, 0x55, 0x1d, 0x14);
OID (rsp_oid_ce_crl_reason, 0x55, 0x1d, 0x15);
OID (rsp_oid_ce_delta_crl, 0x55, 0x1d, 0x1b);
OID (rsp_oid_ce_issuing_dp, 0x55, 0x1d, 0x1c);
OID (rsp_oid_crl_expiration, 0x67, 0x81, 0x12, 0x01, 0x02, 0x00, 0x01);
OID (rsp_oid_crl_total_parts, 0x67, 0x81, 0x12, 0x01, 0x02, 0x00, 0x02);
OID (rsp_oid_crl_part, 0x67, 0x81, 0x12, 0x01, 0x02, 0x00, 0x03);
/* 2.999.99: of nobody. */
OID (unknown, 0x88, 0x37, 0x63);

static void
put_time (GByteArray *out, gint64 at)
{
    guint32 tag;
    g_autofree char *text = rsp_time_format (at, &tag);
    rsp_tlv_put_text (out, tag, text);
}

static void
put_number (GByteArray *out, RspSlice oid, gboolean critical, guint64 number)
{
    RspExtension frame = rsp_extension_open (out, oid, critical);
    rsp_tlv_put_int (out, 0x02, (gint64)number);
    rsp_extension_close (out, frame);
}

static void
put_entries (GByteArray *out, const RspCrlSpec *spec)
{
    if (!spec->serials || spec->serials->len == 0)
        return;
    gsize list = rsp_tlv_open (out, 0x30);
    for (guint i = 0; i < spec->serials->len; i++) {
        gsize entry = rsp_tlv_open (out, 0x30);
        rsp_tlv_put (out, 0x02, rsp_slice_of (g_ptr_array_index (spec->serials, i)));
        put_time (out, spec->at);
        rsp_tlv_close (out, entry);
    }
    rsp_tlv_close (out, list);
}

static void
put_extensions (GByteArray *out, const RspCrlSpec *spec, const RspCert *issuer)
{
    gsize explicit = rsp_tlv_open (out, 0xA0), sequence = rsp_tlv_open (out, 0x30);
    rsp_extension_put_aki (out, issuer);
    put_number (out, rsp_oid_ce_crl_number, FALSE, spec->number);
    if (spec->base)
        put_number (out, rsp_oid_ce_delta_crl, TRUE, spec->base);
    if (spec->parts)
        put_number (out, rsp_oid_crl_total_parts, FALSE, spec->parts);
    if (spec->part)
        put_number (out, rsp_oid_crl_part, FALSE, spec->part);
    if (spec->unknown_critical)
        put_number (out, unknown, TRUE, 1);
    rsp_tlv_close (out, sequence);
    rsp_tlv_close (out, explicit);
}

GBytes *
rsp_crl_issue (const RspCrlSpec *spec, const RspCert *issuer, const RspKey *key)
{
    g_autoptr (GByteArray) tbs = g_byte_array_sized_new (512);
    gsize mark = rsp_tlv_open (tbs, 0x30);
    rsp_tlv_put_int (tbs, 0x02, 1);
    g_byte_array_append (tbs, rsp_oid_ecdsa_sha256_algorithm.data,
                         (guint)rsp_oid_ecdsa_sha256_algorithm.len);
    g_byte_array_append (tbs, issuer->subject.data, (guint)issuer->subject.len);
    put_time (tbs, spec->at);
    put_time (tbs, spec->at + VALIDITY);
    put_entries (tbs, spec);
    put_extensions (tbs, spec, issuer);
    rsp_tlv_close (tbs, mark);
    g_autoptr (GBytes) signature = rsp_key_sign_der (key, RSP_SLICE (tbs->data, tbs->len));
    GByteArray *out = g_byte_array_sized_new (tbs->len + 128);
    mark = rsp_tlv_open (out, 0x30);
    g_byte_array_append (out, tbs->data, tbs->len);
    g_byte_array_append (out, rsp_oid_ecdsa_sha256_algorithm.data,
                         (guint)rsp_oid_ecdsa_sha256_algorithm.len);
    rsp_der_put_bits (out, rsp_slice_of (signature));
    if (spec->bad_signature)
        out->data[out->len - 1] ^= 0x01;
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}
