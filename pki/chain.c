#include "pki/chain.h"

#include "asn1/ids.h"
#include "asn1/tlv.h"
#include "pki/cert-private.h"

#include <string.h>

static const char *const result_names[] = {
    [RSP_CHAIN_OK] = "ok",
    [RSP_CHAIN_FORMAT] = "format",
    [RSP_CHAIN_CI_UNKNOWN] = "ciUnknown",
    [RSP_CHAIN_SIGNATURE] = "signature",
    [RSP_CHAIN_PROFILE] = "profile",
    [RSP_CHAIN_ROLE] = "role",
    [RSP_CHAIN_TIME] = "time",
    [RSP_CHAIN_CURVE] = "curve",
    [RSP_CHAIN_OID] = "oid",
    [RSP_CHAIN_EID_RANGE] = "eidRange",
    [RSP_CHAIN_NAME] = "name",
    [RSP_CHAIN_REVOKED] = "revoked",
};

const char *
rsp_chain_result_name (RspChainResult r)
{
    g_assert ((guint)r < G_N_ELEMENTS (result_names));
    return result_names[r];
}

static gboolean
is_ca_role (RspRole role)
{
    return role == RSP_ROLE_CI || role == RSP_ROLE_EUM;
}

static gboolean
linked (const RspCert *cert, const RspCert *issuer)
{
    return cert->aki.len > 0 && rsp_slice_equal (cert->aki, issuer->ski) &&
           rsp_slice_equal (cert->issuer, issuer->subject);
}

static gboolean
signed_by (const RspCert *cert, const RspCert *issuer)
{
    return rsp_slice_equal (cert->inner_algorithm, rsp_oid_ecdsa_sha256_algorithm) &&
           rsp_slice_equal (cert->outer_algorithm, rsp_oid_ecdsa_sha256_algorithm) &&
           rsp_public_verify_der (issuer->public, cert->tbs, cert->signature);
}

/* BELOW: the certificates of CAs that follow CERT in the chain. */
static gboolean
fit_as_ca (const RspCert *cert, guint below)
{
    return !cert->unknown_critical && cert->ca && (cert->key_usage & RSP_KU_KEY_CERT_SIGN) &&
           (cert->path_length == RSP_NO_PATH_LENGTH || cert->path_length >= below);
}

static gboolean
fit_as_leaf (const RspCert *cert)
{
    return !cert->unknown_critical && !cert->ca && (cert->key_usage & RSP_KU_DIGITAL_SIGNATURE) &&
           !(cert->key_usage & RSP_KU_KEY_CERT_SIGN);
}

static gboolean
in_time (const RspCert *cert, gint64 at)
{
    return at == RSP_NO_TIME || (cert->not_before <= at && at <= cert->not_after);
}

/* All but the role and the range: a certificate that is both out of date and of a wrong role or
 * range is reported as out of date. */
static RspChainResult
check_step (const RspCert *cert, const RspCert *issuer, gboolean ca, gint64 at)
{
    if (!cert->public || !issuer->public)
        return RSP_CHAIN_CURVE;
    if (!linked (cert, issuer))
        return RSP_CHAIN_PROFILE;
    if (!signed_by (cert, issuer))
        return RSP_CHAIN_SIGNATURE;
    if (!fit_as_ca (issuer, ca ? 1 : 0) || !(ca ? fit_as_ca (cert, 0) : fit_as_leaf (cert)))
        return RSP_CHAIN_PROFILE;
    return in_time (cert, at) ? RSP_CHAIN_OK : RSP_CHAIN_TIME;
}

RspChainResult
rsp_chain_check_one (const RspCert *cert, const RspCert *issuer, RspRole role, gint64 at)
{
    RspRole above = role == RSP_ROLE_EUICC ? RSP_ROLE_EUM : RSP_ROLE_CI;
    RspChainResult r = check_step (cert, issuer, is_ca_role (role), at);
    if (r != RSP_CHAIN_OK)
        return r;
    return cert->role == role && issuer->role == above ? RSP_CHAIN_OK : RSP_CHAIN_ROLE;
}

/* Two roots may share key and identifier under different names: the one whose name fits goes first.
 */
static RspCert *
find_root (const RspCert *cert, const GPtrArray *roots)
{
    RspCert *by_key = NULL;
    for (guint i = 0; roots && cert->aki.len > 0 && i < roots->len; i++) {
        RspCert *root = g_ptr_array_index (roots, i);
        if (!rsp_slice_equal (cert->aki, root->ski))
            continue;
        if (rsp_slice_equal (cert->issuer, root->subject))
            return root;
        if (!by_key)
            by_key = root;
    }
    return by_key;
}

/* CERT right under a trusted root that is itself in time. */
static RspChainResult
check_under_root (const RspCert *cert, const GPtrArray *roots, RspRole role, gint64 at,
                  RspCert **ret_root)
{
    RspCert *root = find_root (cert, roots);
    if (!root)
        return RSP_CHAIN_CI_UNKNOWN;
    if (ret_root)
        *ret_root = root;
    RspChainResult r = rsp_chain_check_one (cert, root, role, at);
    if (r == RSP_CHAIN_OK && !in_time (root, at))
        return RSP_CHAIN_TIME;
    return r;
}

RspChainResult
rsp_chain_check_server (const RspCert *leaf, const GPtrArray *roots, RspRole role, gint64 at,
                        RspCert **ret_root)
{
    RspCert *root = NULL;
    RspChainResult r = check_under_root (leaf, roots, role, at, &root);
    if (ret_root)
        *ret_root = root;
    if (r != RSP_CHAIN_OK)
        return r;
    return leaf->oid ? RSP_CHAIN_OK : RSP_CHAIN_OID;
}

/* One GeneralSubtree of a directoryName against the eUICC: its O must be equal and its serialNumber
 * a prefix of the EID (trust.md 2.5). NEED_SERIAL: a subtree without a prefix matches nothing. */
static gboolean
subtree_matches (RspSlice subtree, const RspCert *euicc, gboolean need_serial)
{
    RspTlv base, name;
    if (rsp_tlv_next (&subtree, &base) != RSP_TLV_OK || base.tag != 0xA4 ||
        !rsp_tlv_single (base.value, 0x30, &name))
        return FALSE;
    RspNameWalk walk;
    RspNameAttribute attribute;
    gboolean broken, organization = FALSE, serial = FALSE;
    rsp_name_walk_start (&walk, name.value);
    while (rsp_name_walk_next (&walk, &attribute, &broken)) {
        const char *have = NULL;
        gboolean prefix = rsp_slice_equal (attribute.type, rsp_oid_at_serial_number);
        if (prefix)
            have = euicc->serial_number;
        else if (rsp_slice_equal (attribute.type, rsp_oid_at_o))
            have = euicc->organization;
        gsize len = have ? strlen (have) : 0;
        if (!have || attribute.value.len == 0 || attribute.value.len > len ||
            (!prefix && attribute.value.len != len) ||
            memcmp (have, attribute.value.data, attribute.value.len) != 0)
            return FALSE;
        serial |= prefix;
        organization |= !prefix;
    }
    return !broken && (need_serial ? serial && organization : serial || organization);
}

static gboolean
any_subtree_matches (RspSlice subtrees, const RspCert *euicc, gboolean need_serial)
{
    RspTlv subtree;
    while (rsp_tlv_next (&subtrees, &subtree) == RSP_TLV_OK)
        if (subtree.tag == 0x30 && subtree_matches (subtree.value, euicc, need_serial))
            return TRUE;
    return FALSE;
}

/* Without constraints nothing is permitted. */
static gboolean
in_range (const RspCert *euicc, const RspCert *eum)
{
    RspTlv subtrees;
    if (!rsp_eid_valid (euicc->serial_number) || !eum->name_constraints.data)
        return FALSE;
    if (rsp_tlv_find (eum->name_constraints, 0xA1, &subtrees) &&
        any_subtree_matches (subtrees.value, euicc, FALSE))
        return FALSE;
    return rsp_tlv_find (eum->name_constraints, 0xA0, &subtrees) &&
           any_subtree_matches (subtrees.value, euicc, TRUE);
}

RspChainResult
rsp_chain_check_euicc (const RspCert *euicc, const RspCert *eum, const GPtrArray *roots, gint64 at,
                       RspCert **ret_root, const RspCert **ret_bad)
{
    const RspCert *at_fault = eum;
    RspCert *root = NULL;
    RspChainResult r = check_under_root (eum, roots, RSP_ROLE_EUM, at, &root);
    if (r == RSP_CHAIN_OK) {
        at_fault = euicc;
        r = rsp_chain_check_one (euicc, eum, RSP_ROLE_EUICC, at);
    }
    if (r == RSP_CHAIN_OK && !in_range (euicc, eum))
        r = RSP_CHAIN_EID_RANGE;
    if (ret_root)
        *ret_root = root;
    if (ret_bad)
        *ret_bad = r == RSP_CHAIN_OK ? NULL : at_fault;
    return r;
}

/* A common name is no host name: only dNSName counts. */
static gboolean
names_host (const RspCert *cert, const char *host)
{
    RspSlice rest = cert->alternative_names;
    gsize len = strlen (host);
    RspTlv name;
    while (rsp_tlv_next (&rest, &name) == RSP_TLV_OK)
        if (name.tag == 0x82 && name.value.len == len &&
            g_ascii_strncasecmp ((const char *)name.value.data, host, len) == 0)
            return TRUE;
    return FALSE;
}

RspChainResult
rsp_chain_check_tls (const RspCert *leaf, const GPtrArray *roots, const char *host, gint64 at)
{
    RspRole role = leaf->role == RSP_ROLE_DS_TLS ? RSP_ROLE_DS_TLS : RSP_ROLE_DP_TLS;
    RspChainResult r = check_under_root (leaf, roots, role, at, NULL);
    if (r != RSP_CHAIN_OK)
        return r;
    if (!(leaf->ext_key_usage & RSP_EKU_SERVER_AUTH))
        return RSP_CHAIN_PROFILE;
    return names_host (leaf, host) ? RSP_CHAIN_OK : RSP_CHAIN_NAME;
}

RspChainResult
rsp_chain_check_client (const RspCert *leaf, const GPtrArray *roots, gint64 at)
{
    RspChainResult r = check_under_root (leaf, roots, leaf->role, at, NULL);
    if (r != RSP_CHAIN_OK)
        return r;
    if (leaf->role != RSP_ROLE_NONE && leaf->role != RSP_ROLE_DP_TLS &&
        leaf->role != RSP_ROLE_DS_TLS)
        return RSP_CHAIN_ROLE;
    return leaf->ext_key_usage & RSP_EKU_CLIENT_AUTH ? RSP_CHAIN_OK : RSP_CHAIN_PROFILE;
}
