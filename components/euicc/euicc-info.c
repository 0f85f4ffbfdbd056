/* EUICCInfo1, EUICCInfo2, the Rules Authorisation Table and the EID (SGP.22 5.7.8, 5.7.20, 5.7.22).
 */
#include "components/euicc/euicc-iot.h"

#include <string.h>

static const guint8 profile_version[3] = {2, 3, 1}, later_version[3] = {3, 4, 0};
static const guint8 toolkit[3] = {9, 2, 0}, globalplatform[3] = {2, 3, 0};
static const guint8 firmware[3] = {1, 0, 0}, protection_profile[3] = {1, 0, 0};

/* What a CI is known by: the key identifiers that verify, in the order of the configuration. */
static void
put_verification_list (RspEuicc *card, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xA9);
    for (guint i = 0; i < card->roots->len; i++)
        rsp_tlv_put (out, 0x04, rsp_cert_ski (g_ptr_array_index (card->roots, i)));
    rsp_tlv_close (out, mark);
}

static void
put_signing_list (RspEuicc *card, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xAA);
    rsp_tlv_put (out, 0x04, rsp_cert_aki (card->eum_cert));
    rsp_tlv_close (out, mark);
}

guint
rsp_euicc_get_info1 (RspEuicc *card, RspSlice body, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xBF20);
    rsp_tlv_put (out, 0x82, RSP_SLICE_ARRAY (card->svn));
    put_verification_list (card, out);
    put_signing_list (card, out);
    rsp_tlv_close (out, mark);
    return 0x9000;
}

static void
put_octets (GByteArray *out, guint32 tag, guint32 number)
{
    guint8 octets[4] = {(guint8)(number >> 24), (guint8)(number >> 16), (guint8)(number >> 8),
                        (guint8)number};
    rsp_tlv_put (out, tag, RSP_SLICE_ARRAY (octets));
}

/* ETSI TS 102 226: installed applications, free non-volatile and volatile memory. */
static void
put_card_resource (RspEuicc *card, GByteArray *out)
{
    guint8 installed = (guint8)MIN (card->profiles->len, 255);
    gsize mark = rsp_tlv_open (out, 0x84);
    rsp_tlv_put (out, 0x81, RSP_SLICE (&installed, 1));
    put_octets (out, 0x82, rsp_euicc_room (card));
    put_octets (out, 0x83, 8192);
    rsp_tlv_close (out, mark);
}

/* PPRs that no rule allows to anybody, and PPR1 while an operational profile stands. */
static guint32
forbidden_rules (const RspEuicc *card)
{
    guint32 allowed = 0;
    RspSlice rules = rsp_slice_of (card->rat);
    RspTlv rule, ids;
    while (rsp_tlv_next (&rules, &rule) == RSP_TLV_OK) {
        guint32 bits;
        if (rsp_tlv_find (rule.value, 0x80, &ids) && rsp_read_bits (ids.value, &bits))
            allowed |= bits;
    }
    guint32 forbidden = (RSP_PPR1 | RSP_PPR2) & ~allowed;
    return forbidden | (rsp_euicc_has_operational (card) ? RSP_PPR1 : 0);
}

void
rsp_euicc_put_info2 (RspEuicc *card, GByteArray *out)
{
    guint32 capability =
        1u << 0 | (card->crl_memory ? 1u << 1 : 0) | (card->test_profiles ? 1u << 3 : 0);
    guint32 forbidden = forbidden_rules (card);
    gsize mark = rsp_tlv_open (out, 0xBF22);
    rsp_tlv_put (out, 0x81, RSP_SLICE_ARRAY (profile_version));
    rsp_tlv_put (out, 0x82, RSP_SLICE_ARRAY (card->svn));
    rsp_tlv_put (out, 0x83, RSP_SLICE_ARRAY (firmware));
    put_card_resource (card, out);
    rsp_put_named_bits (out, 0x85, rsp_euicc_capability (card->services));
    if (card->services & RSP_SERVICE_BIT (RSP_SERVICE_JAVACARD)) {
        rsp_tlv_put (out, 0x86, RSP_SLICE_ARRAY (toolkit));
        rsp_tlv_put (out, 0x87, RSP_SLICE_ARRAY (globalplatform));
    }
    rsp_put_named_bits (out, 0x88, capability);
    put_verification_list (card, out);
    put_signing_list (card, out);
    if (forbidden)
        rsp_put_named_bits (out, 0x99, forbidden);
    rsp_tlv_put (out, 0x04, RSP_SLICE_ARRAY (protection_profile));
    rsp_tlv_put_text (out, 0x0C, "RS-LB-UP-0125");
    gsize more = rsp_tlv_open (out, 0xAF);
    rsp_tlv_put (out, 0x04, RSP_SLICE_ARRAY (later_version));
    rsp_tlv_close (out, more);
    if (card->iot)
        rsp_euicc_put_iot_info (card, out);
    rsp_tlv_close (out, mark);
}

guint
rsp_euicc_get_info2 (RspEuicc *card, RspSlice body, GByteArray *out)
{
    rsp_euicc_put_info2 (card, out);
    return 0x9000;
}

guint
rsp_euicc_get_eid (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv tags;
    if (!rsp_take (&body, 0x5C, 1, 1, &tags) || tags.value.data[0] != 0x5A)
        return 0x6A80;
    gsize mark = rsp_tlv_open (out, 0xBF3E);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (card->eid_octets));
    rsp_tlv_close (out, mark);
    return 0x9000;
}

guint
rsp_euicc_get_rat (RspEuicc *card, RspSlice body, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xBF43);
    rsp_tlv_put (out, 0xA0, rsp_slice_of (card->rat));
    rsp_tlv_close (out, mark);
    return 0x9000;
}

/* --- Who may set a PPR (SGP.22 2.9.2) --- */

/* A nibble E in the rule stands for any. */
static gboolean
plmn_matches (RspSlice rule, GBytes *owner)
{
    RspSlice o = rsp_slice_of (owner);
    if (rule.len != 3 || o.len != 3)
        return FALSE;
    for (gsize i = 0; i < 3; i++) {
        guint8 r = rule.data[i], have = o.data[i];
        if ((r >> 4 != 0x0E && r >> 4 != have >> 4) ||
            ((r & 0x0F) != 0x0E && (r & 0x0F) != (have & 0x0F)))
            return FALSE;
    }
    return TRUE;
}

static gboolean
gid_matches (RspSlice operator, guint32 tag, GBytes *owner)
{
    RspTlv gid;
    if (!rsp_tlv_find (operator, tag, &gid))
        return owner == NULL;
    return gid.value.len == 0 || (owner && rsp_slice_equal (gid.value, rsp_slice_of (owner)));
}

static gboolean
rule_covers (RspSlice rule, guint32 ppr, const RspMetadata *m)
{
    RspTlv ids, operators, operator, plmn;
    guint32 bits;
    if (!rsp_tlv_find (rule, 0x80, &ids) || !rsp_read_bits (ids.value, &bits) || !(bits & ppr) ||
        !rsp_tlv_find (rule, 0xA1, &operators))
        return FALSE;
    RspSlice rest = operators.value;
    while (rsp_tlv_next (&rest, &operator) == RSP_TLV_OK)
        if (rsp_tlv_find (operator.value, 0x80, &plmn) &&
            plmn_matches (plmn.value, m->owner_mcc_mnc) &&
            gid_matches (operator.value, 0x81, m->owner_gid1) &&
            gid_matches (operator.value, 0x82, m->owner_gid2))
            return TRUE;
    return FALSE;
}

RspPprVerdict
rsp_euicc_ppr_match (const RspEuicc *card, guint32 ppr, const RspMetadata *metadata)
{
    RspSlice rules = rsp_slice_of (card->rat);
    RspTlv rule;
    /* The first rule decides; whether the user is asked is the LPA's business. */
    while (rsp_tlv_next (&rules, &rule) == RSP_TLV_OK)
        if (rule_covers (rule.value, ppr, metadata))
            return RSP_PPR_ALLOWED;
    return RSP_PPR_FORBIDDEN;
}
