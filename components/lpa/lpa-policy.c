/* Profile policy rules against the card's Rules Authorisation Table (SGP.22 2.9), and whether a
 * package still carries the metadata that the user saw. */
#include "components/lpa/lpa-private.h"

#include <string.h>

#define MAC_SIZE 8
#define RAT_PPR1 1 /* bits of PprIds */
#define RAT_PPR2 2

static gboolean
bit_of (RspSlice bits, guint n)
{
    return bits.len > 1 + n / 8 && bits.data[1 + n / 8] & 0x80 >> n % 8;
}

/* Each nibble equal, or E in the rule. */
static gboolean
mcc_mnc_matches (RspSlice rule, RspSlice owner)
{
    if (rule.len != 3 || owner.len != 3)
        return FALSE;
    for (guint i = 0; i < 3; i++) {
        guint8 r = rule.data[i], o = owner.data[i];
        if ((r >> 4 != 0xE && r >> 4 != o >> 4) || ((r & 0xF) != 0xE && (r & 0xF) != (o & 0xF)))
            return FALSE;
    }
    return TRUE;
}

/* Zero-length in the rule matches anything; absent in the rule only what is absent. */
static gboolean
gid_matches (RspSlice operator, guint32 tag, GBytes *owner)
{
    RspTlv rule;
    if (!rsp_tlv_find (operator, tag, &rule))
        return owner == NULL;
    if (rule.value.len == 0)
        return TRUE;
    return owner && rsp_slice_equal (rule.value, rsp_slice_of (owner));
}

static gboolean
rule_names_owner (RspSlice rule, const RspMetadata *metadata)
{
    RspTlv operators, operator, mcc_mnc;
    if (!rsp_tlv_find (rule, 0xA1, &operators))
        return FALSE;
    RspSlice list = operators.value;
    while (rsp_tlv_next (&list, &operator) == RSP_TLV_OK) {
        if (rsp_tlv_find (operator.value, 0x80, &mcc_mnc) &&
            mcc_mnc_matches (mcc_mnc.value, rsp_slice_of (metadata->owner_mcc_mnc)) &&
            gid_matches (operator.value, 0x81, metadata->owner_gid1) &&
            gid_matches (operator.value, 0x82, metadata->owner_gid2))
            return TRUE;
    }
    return FALSE;
}

/* First matching rule of RAT (content of the table) for one PPR bit: SGP.22 2.9.2.3. */
static gboolean
rat_allows (RspSlice rat, guint bit, const RspMetadata *metadata, gboolean *ret_consent)
{
    RspTlv rule, ids, flags;
    if (!metadata->owner_mcc_mnc)
        return FALSE;
    while (rsp_tlv_next (&rat, &rule) == RSP_TLV_OK) {
        if (!rsp_tlv_find (rule.value, 0x80, &ids) || !bit_of (ids.value, bit) ||
            !rule_names_owner (rule.value, metadata))
            continue;
        *ret_consent = rsp_tlv_find (rule.value, 0x82, &flags) && bit_of (flags.value, 0);
        return TRUE;
    }
    return FALSE;
}

static void
policy_refused (RspLpa *lpa, const char *rule, const char *why)
{
    lpa_check_event (lpa, "ppr", rule, why);
    lpa_cancel (lpa, LPA_CANCEL_PPR_NOT_ALLOWED, "ppr", "pprNotAllowed");
}

void
lpa_check_policy (RspLpa *lpa)
{
    static const guint8 command[] = {0xBF, 0x43, 0x00};
    if (lpa->op->ppr == 0)
        lpa_ask_about_download (lpa);
    else
        lpa_call (lpa, LPA_GET_RAT, RSP_FN_ES10B_GET_RAT, NULL,
                  g_bytes_new_static (command, sizeof command));
}

static void
get_operational_profiles (RspLpa *lpa)
{
    /* Of class operational, ICCID and class alone. */
    static const guint8 command[] = {0xBF, 0x2D, 0x09, 0xA0, 0x03, 0x95,
                                     0x01, 0x02, 0x5C, 0x02, 0x5A, 0x95};
    lpa_call (lpa, LPA_GET_OPERATIONAL_PROFILES, RSP_FN_ES10C_GET_PROFILES_INFO, NULL,
              g_bytes_new_static (command, sizeof command));
}

void
lpa_on_rat (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response, rat;
    if (!lpa_card_answered (lpa, reply, &response))
        return;
    if (!rsp_tlv_find (response.value, 0xA0, &rat)) {
        lpa_cancel (lpa, LPA_CANCEL_UNDEFINED, NULL, "badReply");
        return;
    }
    gboolean consent1 = FALSE, consent2 = FALSE;
    if (op->ppr & RSP_PPR1 && !rat_allows (rat.value, RAT_PPR1, op->metadata, &consent1)) {
        policy_refused (lpa, "ppr1", "notInRat");
        return;
    }
    if (op->ppr & RSP_PPR2 && !rat_allows (rat.value, RAT_PPR2, op->metadata, &consent2)) {
        policy_refused (lpa, "ppr2", "notInRat");
        return;
    }
    op->strong_consent = consent1 || consent2;
    if (op->ppr & RSP_PPR1)
        get_operational_profiles (lpa);
    else
        lpa_ask_about_download (lpa);
}

void
lpa_on_operational_profiles (RspLpa *lpa, const RspReply *reply)
{
    RspTlv response, list;
    if (!lpa_card_answered (lpa, reply, &response))
        return;
    if (!rsp_tlv_find (response.value, 0xA0, &list))
        lpa_cancel (lpa, LPA_CANCEL_UNDEFINED, NULL, "badReply");
    else if (list.value.len > 0)
        policy_refused (lpa, "ppr1", "operationalProfileInstalled");
    else
        lpa_ask_about_download (lpa);
}

/* The clear text of the 88 segments; NULL where the package has no such structure. */
static GByteArray *
package_metadata (GBytes *bpp)
{
    RspSlice input = rsp_slice_of (bpp);
    RspTlv package, list, segment;
    if (!rsp_tlv_single (input, 0xBF36, &package) || !rsp_tlv_find (package.value, 0xA1, &list))
        return NULL;
    GByteArray *out = g_byte_array_sized_new (list.value.len);
    while (rsp_tlv_next (&list.value, &segment) == RSP_TLV_OK)
        if (segment.tag == 0x88 && segment.value.len > MAC_SIZE)
            g_byte_array_append (out, segment.value.data, segment.value.len - MAC_SIZE);
    return out;
}

static gboolean
same_bytes (GBytes *a, GBytes *b)
{
    return (a == NULL) == (b == NULL) && rsp_slice_equal (rsp_slice_of (a), rsp_slice_of (b));
}

/* What the user saw, and what the decision rested on. */
static gboolean
same_profile (const RspMetadata *a, const RspMetadata *b)
{
    return g_strcmp0 (a->iccid, b->iccid) == 0 &&
           g_strcmp0 (a->service_provider_name, b->service_provider_name) == 0 &&
           g_strcmp0 (a->profile_name, b->profile_name) == 0 && a->icon_type == b->icon_type &&
           same_bytes (a->icon, b->icon) && a->profile_class == b->profile_class &&
           same_bytes (a->owner_mcc_mnc, b->owner_mcc_mnc) &&
           same_bytes (a->owner_gid1, b->owner_gid1) && same_bytes (a->owner_gid2, b->owner_gid2);
}

gboolean
lpa_metadata_changed (GBytes *bpp, RspSlice shown, const RspMetadata *metadata,
                      LpaCancelReason *ret_reason)
{
    g_autoptr (GByteArray) octets = package_metadata (bpp);
    if (!octets) /* the card says what is wrong with it */
        return FALSE;
    RspSlice carried = RSP_SLICE (octets->data, octets->len);
    if (rsp_slice_equal (carried, shown))
        return FALSE;
    *ret_reason = LPA_CANCEL_METADATA_MISMATCH;
    g_autoptr (RspMetadata) m = rsp_metadata_decode (carried, NULL);
    if (!m)
        return TRUE;
    if (m->ppr != metadata->ppr) {
        *ret_reason = LPA_CANCEL_PPR_NOT_ALLOWED;
        return TRUE;
    }
    return !same_profile (m, metadata);
}
