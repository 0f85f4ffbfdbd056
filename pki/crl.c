#include "pki/crl.h"

#include "pki/cert-private.h"
#include "pki/crl-private.h"

#include <string.h>

#define MAX_SIZE (64 * 1024)
#define MAX_PARTS 255
#define REASON_REMOVE 8

typedef struct {
    RspSlice serial;
    gboolean removed;
} Entry;

struct _RspCrl {
    gint refs;
    GBytes *der;
    RspSlice tbs, signature, issuer, aki;
    guint64 number, base;
    gboolean has_number, delta, has_part, has_parts;
    guint part, parts;
    GArray *entries; /* of Entry */
};

static gboolean
bad (GError **error, const char *what)
{
    g_set_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT, "CRL: %s", what);
    return FALSE;
}

/* A positive INTEGER of up to 64 bits. */
static gboolean
read_integer (RspSlice value, guint64 *ret)
{
    RspTlv tlv;
    if (!rsp_tlv_single (value, 0x02, &tlv) || tlv.value.len == 0 || tlv.value.len > 9 ||
        tlv.value.data[0] >= 0x80 || (tlv.value.len == 9 && tlv.value.data[0] != 0))
        return FALSE;
    *ret = 0;
    for (gsize i = 0; i < tlv.value.len; i++)
        *ret = *ret << 8 | tlv.value.data[i];
    return TRUE;
}

static gboolean
read_part (RspSlice value, guint *ret)
{
    guint64 number;
    if (!read_integer (value, &number) || number == 0 || number > MAX_PARTS)
        return FALSE;
    *ret = (guint)number;
    return TRUE;
}

/* Only a list of everything that its issuer has issued is of use to a card. */
static gboolean
read_distribution_point (RspSlice value)
{
    RspTlv sequence, member;
    if (!rsp_der_check (value, NULL) || !rsp_tlv_single (value, 0x30, &sequence))
        return FALSE;
    while (rsp_tlv_next (&sequence.value, &member) == RSP_TLV_OK)
        if (member.tag != 0xA0)
            return FALSE;
    return TRUE;
}

static gboolean
read_extension (RspCrl *crl, RspSlice oid, gboolean critical, RspSlice value)
{
    if (rsp_slice_equal (oid, rsp_oid_ce_aki))
        return rsp_extension_aki (value, &crl->aki);
    if (rsp_slice_equal (oid, rsp_oid_ce_crl_number))
        return crl->has_number = read_integer (value, &crl->number);
    if (rsp_slice_equal (oid, rsp_oid_ce_delta_crl))
        return crl->delta = read_integer (value, &crl->base);
    if (rsp_slice_equal (oid, rsp_oid_ce_issuing_dp))
        return read_distribution_point (value);
    if (rsp_slice_equal (oid, rsp_oid_crl_total_parts))
        return crl->has_parts = read_part (value, &crl->parts);
    if (rsp_slice_equal (oid, rsp_oid_crl_part))
        return crl->has_part = read_part (value, &crl->part);
    return !critical;
}

static gboolean
read_extensions (RspCrl *crl, RspSlice explicit)
{
    RspTlv sequence;
    RspSlice oid, value;
    gboolean critical;
    if (!rsp_tlv_single (explicit, 0x30, &sequence))
        return FALSE;
    while (sequence.value.len > 0)
        if (!rsp_extension_take (&sequence.value, &oid, &critical, &value) ||
            !read_extension (crl, oid, critical, value))
            return FALSE;
    return TRUE;
}

/* Extensions of one entry: the reason counts, the rest is told and not used. */
static gboolean
read_entry_extensions (RspSlice content, Entry *entry)
{
    RspSlice oid, value;
    RspTlv reason;
    gboolean critical;
    while (content.len > 0) {
        if (!rsp_extension_take (&content, &oid, &critical, &value))
            return FALSE;
        gboolean is_reason = rsp_slice_equal (oid, rsp_oid_ce_crl_reason);
        if (critical && !is_reason && !rsp_slice_equal (oid, rsp_oid_crl_expiration))
            return FALSE;
        if (is_reason && (!rsp_tlv_single (value, 0x0A, &reason) || reason.value.len != 1))
            return FALSE;
        if (is_reason)
            entry->removed = reason.value.data[0] == REASON_REMOVE;
    }
    return TRUE;
}

static gboolean
read_entries (RspCrl *crl, RspSlice list)
{
    while (list.len > 0) {
        RspTlv item, serial, when, extensions;
        gint64 at;
        Entry entry = {0};
        if (!rsp_der_take (&list, 0x30, &item))
            return FALSE;
        RspSlice rest = item.value;
        if (!rsp_der_take (&rest, 0x02, &serial) || rsp_tlv_next (&rest, &when) != RSP_TLV_OK ||
            !rsp_time_parse (when.tag, when.value, &at))
            return FALSE;
        entry.serial = serial.value;
        if (rsp_der_take (&rest, 0x30, &extensions) &&
            !read_entry_extensions (extensions.value, &entry))
            return FALSE;
        if (rest.len > 0)
            return FALSE;
        g_array_append_val (crl->entries, entry);
    }
    return TRUE;
}

static gboolean
read_tbs (RspCrl *crl, RspSlice tbs, GError **error)
{
    static const guint8 v2[] = {0x01};
    RspTlv version, algorithm, issuer, from, until, list, extensions;
    gint64 at;
    if (!rsp_der_take (&tbs, 0x02, &version) ||
        !rsp_slice_equal (version.value, RSP_SLICE_ARRAY (v2)))
        return bad (error, "not of version 2");
    if (!rsp_der_take (&tbs, 0x30, &algorithm) || !rsp_der_take (&tbs, 0x30, &issuer) ||
        rsp_tlv_next (&tbs, &from) != RSP_TLV_OK || !rsp_time_parse (from.tag, from.value, &at))
        return bad (error, "tbsCertList is malformed");
    if (!rsp_slice_equal (algorithm.whole, rsp_oid_ecdsa_sha256_algorithm))
        return bad (error, "not signed with ECDSA and SHA-256");
    crl->issuer = issuer.whole;
    if ((rsp_der_take (&tbs, 0x17, &until) || rsp_der_take (&tbs, 0x18, &until)) &&
        !rsp_time_parse (until.tag, until.value, &at))
        return bad (error, "nextUpdate is malformed");
    if (rsp_der_take (&tbs, 0x30, &list) && !read_entries (crl, list.value))
        return bad (error, "an entry is malformed");
    if (!rsp_der_take (&tbs, 0xA0, &extensions) || tbs.len > 0 ||
        !read_extensions (crl, extensions.value))
        return bad (error, "an extension is malformed, or critical and not known");
    return TRUE;
}

static gboolean
read_list (RspCrl *crl, GError **error)
{
    RspTlv outer, tbs, algorithm;
    if (!rsp_tlv_single (rsp_slice_of (crl->der), 0x30, &outer) ||
        !rsp_der_check (rsp_slice_of (crl->der), NULL))
        return bad (error, "not one DER SEQUENCE");
    RspSlice rest = outer.value;
    if (!rsp_der_take (&rest, 0x30, &tbs) || !rsp_der_take (&rest, 0x30, &algorithm) ||
        !rsp_slice_equal (algorithm.whole, rsp_oid_ecdsa_sha256_algorithm) ||
        !rsp_der_take_bits (&rest, &crl->signature) || rest.len > 0)
        return bad (error, "not tbsCertList, signatureAlgorithm, signatureValue");
    crl->tbs = tbs.whole;
    if (!read_tbs (crl, tbs.value, error))
        return FALSE;
    if (!crl->has_number || crl->aki.len == 0)
        return bad (error, "cRLNumber and authorityKeyIdentifier must be there");
    if (crl->has_part != crl->has_parts || crl->part > crl->parts)
        return bad (error, "the parts are counted wrongly");
    return TRUE;
}

RspCrl *
rsp_crl_parse (GBytes *der, GError **error)
{
    if (g_bytes_get_size (der) > MAX_SIZE) {
        bad (error, "longer than 64 KiB");
        return NULL;
    }
    g_autoptr (RspCrl) crl = g_new0 (RspCrl, 1);
    crl->refs = 1;
    crl->der = g_bytes_ref (der);
    crl->part = crl->parts = 1;
    crl->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
    return read_list (crl, error) ? g_steal_pointer (&crl) : NULL;
}

RspCrl *
rsp_crl_ref (RspCrl *crl)
{
    crl->refs++;
    return crl;
}

void
rsp_crl_unref (RspCrl *crl)
{
    if (!crl || --crl->refs > 0)
        return;
    g_array_unref (crl->entries);
    g_bytes_unref (crl->der);
    g_free (crl);
}

GBytes *
rsp_crl_der (const RspCrl *crl)
{
    return crl->der;
}

RspSlice
rsp_crl_aki (const RspCrl *crl)
{
    return crl->aki;
}

guint64
rsp_crl_number (const RspCrl *crl)
{
    return crl->number;
}

gboolean
rsp_crl_is_delta (const RspCrl *crl)
{
    return crl->delta;
}

guint64
rsp_crl_base (const RspCrl *crl)
{
    return crl->base;
}

guint
rsp_crl_part (const RspCrl *crl)
{
    return crl->part;
}

guint
rsp_crl_parts (const RspCrl *crl)
{
    return crl->parts;
}

gboolean
rsp_crl_verify (const RspCrl *crl, const RspCert *issuer)
{
    return issuer->public && (issuer->key_usage & RSP_KU_CRL_SIGN) &&
           rsp_slice_equal (crl->issuer, issuer->subject) &&
           rsp_public_verify_der (issuer->public, crl->tbs, crl->signature);
}

RspCrlVerdict
rsp_crl_looks_up (const RspCrl *crl, const RspCert *cert)
{
    if (!rsp_slice_equal (crl->aki, cert->aki) || !rsp_slice_equal (crl->issuer, cert->issuer))
        return RSP_CRL_SILENT;
    for (guint i = 0; i < crl->entries->len; i++) {
        const Entry *entry = &g_array_index (crl->entries, Entry, i);
        if (rsp_slice_equal (entry->serial, cert->serial))
            return entry->removed ? RSP_CRL_RESTORED : RSP_CRL_REVOKED;
    }
    return RSP_CRL_SILENT;
}

gboolean
rsp_crls_revoke (const GPtrArray *crls, const RspCert *cert)
{
    RspCrlVerdict verdict = RSP_CRL_SILENT;
    guint64 number = 0;
    for (guint i = 0; crls && i < crls->len; i++) {
        const RspCrl *crl = g_ptr_array_index (crls, i);
        RspCrlVerdict says = rsp_crl_looks_up (crl, cert);
        if (says == RSP_CRL_SILENT || crl->number < number)
            continue;
        verdict = says;
        number = crl->number;
    }
    return verdict == RSP_CRL_REVOKED;
}
