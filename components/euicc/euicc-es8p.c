/* The ES8+ functions on opened octets (SGP.22 5.5): each gives the ErrorReason, 0 for fine. */
#include "components/euicc/euicc-internal.h"

#include <string.h>

#define MAX_DP_DATA 128
#define FIRST_ISDP 0x1000
#define LAST_ISDP 0xFF00
#define ISDP_STEP 0x100
#define KEY_TYPE_AES 0x88
#define KEY_LENGTH 16

/* --- InitialiseSecureChannel --- */

typedef struct {
    RspTlv operation, transaction, crt, otpk, signature;
    RspTlv key_type, key_length, host_id;
} ChannelRequest;

static gboolean
read_channel (RspSlice body, ChannelRequest *r)
{
    if (!rsp_take (&body, 0x82, 1, 8, &r->operation) ||
        !rsp_take (&body, 0x80, 1, 16, &r->transaction) ||
        !rsp_take (&body, 0xA6, 0, 128, &r->crt) || !rsp_take (&body, 0x5F49, 0, 256, &r->otpk) ||
        !rsp_take (&body, 0x5F37, 0, 256, &r->signature))
        return FALSE;
    RspSlice in = r->crt.value;
    return rsp_take (&in, 0x80, 0, 16, &r->key_type) &&
           rsp_take (&in, 0x81, 0, 16, &r->key_length) && rsp_take (&in, 0x84, 0, 64, &r->host_id);
}

static gboolean
is_octet (RspSlice s, guint8 value)
{
    return s.len == 1 && s.data[0] == value;
}

static guint
check_channel (RspEuicc *card, const ChannelRequest *r)
{
    const RspEuiccSession *s = &card->session;
    guint8 own[3 + RSP_POINT_SIZE] = {0x5F, 0x49, RSP_POINT_SIZE};
    memcpy (own + 3, rsp_key_point (s->otpk), RSP_POINT_SIZE);
    RspSlice parts[] = {r->operation.whole, r->transaction.whole, r->crt.whole, r->otpk.whole,
                        RSP_SLICE_ARRAY (own)};
    gboolean good = rsp_public_verify (rsp_cert_public (s->pb), parts, G_N_ELEMENTS (parts),
                                       r->signature.value);
    rsp_actor_crypto (card->actor, "verify", "PK.DPpb", good);
    if (!good)
        return RSP_REASON_INVALID_SIGNATURE;
    if (!rsp_slice_equal (r->transaction.value, RSP_SLICE (s->transaction_id, s->transaction_len)))
        return RSP_REASON_INVALID_TRANSACTION;
    if (!is_octet (r->key_type.value, KEY_TYPE_AES) ||
        !is_octet (r->key_length.value, KEY_LENGTH) || r->host_id.value.len == 0 ||
        r->host_id.value.len > 16)
        return RSP_REASON_UNSUPPORTED_CRT;
    if (!is_octet (r->operation.value, 1))
        return RSP_REASON_UNSUPPORTED_OPERATION;
    return 0;
}

static void
trace_agreement (RspEuicc *card, const guint8 *shared, const RspBspKeys *keys)
{
    RspTraceEvent event = {.kind = RSP_TRACE_CRYPTO,
                           .src = card->actor->name,
                           .op = "ecka",
                           .key = "otPK.DP",
                           .result = shared ? "ok" : "failed",
                           .shared_secret = shared,
                           .s_enc = shared ? keys->s_enc : NULL,
                           .s_mac = shared ? keys->s_mac : NULL};
    rsp_trace_event (card->actor->trace, &event);
}

static guint
agree (RspEuicc *card, const ChannelRequest *r)
{
    guint8 shared[RSP_SHARED_SIZE];
    RspBspKeys keys;
    if (!rsp_ecka (card->session.otpk, r->otpk.value, shared)) {
        trace_agreement (card, NULL, NULL);
        return RSP_REASON_INCORRECT_INPUT;
    }
    rsp_bsp_derive (shared, KEY_TYPE_AES, KEY_LENGTH, r->host_id.value, card->eid_octets, &keys);
    trace_agreement (card, shared, &keys);
    card->session.load.bsp = rsp_bsp_new (&keys);
    rsp_wipe (shared, sizeof shared);
    rsp_wipe (&keys, sizeof keys);
    return 0;
}

guint
rsp_euicc_initialise_channel (RspEuicc *card, const RspTlv *tlv)
{
    ChannelRequest r;
    if (!read_channel (tlv->value, &r))
        return RSP_REASON_INCORRECT_INPUT;
    guint reason = check_channel (card, &r);
    return reason ? reason : agree (card, &r);
}

/* --- The functions behind the segments --- */

static gboolean
read_dp_data (RspSlice plain, RspTlv *ret_data, gboolean *ret_present)
{
    RspTlv outer, oid;
    if (!rsp_tlv_single (plain, 0xBF24, &outer) || !rsp_der_check (plain, NULL))
        return FALSE;
    RspSlice in = outer.value;
    if (!rsp_take_optional (&in, 0xB8, 0, MAX_DP_DATA, ret_data, ret_present))
        return FALSE;
    if (!*ret_present)
        return TRUE;
    in = ret_data->value;
    return ret_data->whole.len <= MAX_DP_DATA && rsp_take (&in, 0x06, 1, 64, &oid);
}

static guint
free_isdp (const RspEuicc *card)
{
    for (guint number = FIRST_ISDP; number <= LAST_ISDP; number += ISDP_STEP)
        if (!rsp_euicc_by_number (card, number))
            return number;
    return 0;
}

guint
rsp_euicc_new_isdp (RspEuicc *card)
{
    guint number = free_isdp (card);
    if (number == 0 || card->profiles->len >= RSP_EUICC_PROFILES_MAX)
        return RSP_REASON_NO_MEMORY;
    card->session.load.profile = g_new0 (RspEuiccProfile, 1);
    card->session.load.profile->number = number;
    return 0;
}

guint
rsp_euicc_configure_isdp (RspEuicc *card, RspSlice plain)
{
    RspTlv data, oid;
    gboolean present;
    RspEuiccLoad *load = &card->session.load;
    if (!read_dp_data (plain, &data, &present))
        return RSP_REASON_INCORRECT_INPUT;
    if (present && !(rsp_tlv_find (data.value, 0x06, &oid) &&
                     rsp_oid_equal (oid.value, rsp_cert_oid (card->session.pb))))
        return RSP_REASON_INCORRECT_INPUT;
    guint reason = rsp_euicc_new_isdp (card);
    if (!reason && present)
        load->profile->dp_data = rsp_slice_to_bytes (data.whole);
    return reason;
}

static guint
check_rules (const RspEuicc *card, const RspMetadata *m)
{
    static const guint32 known = RSP_PPR_UPDATE_CONTROL | RSP_PPR1 | RSP_PPR2;
    guint32 rules = m->ppr & (RSP_PPR1 | RSP_PPR2);
    if (m->ppr & ~known)
        return RSP_REASON_PPR_NOT_ALLOWED;
    if (!rules)
        return 0;
    if (!m->owner_mcc_mnc || m->profile_class == RSP_CLASS_TEST)
        return RSP_REASON_PPR_NOT_ALLOWED;
    for (guint32 ppr = RSP_PPR1; ppr <= RSP_PPR2; ppr <<= 1)
        if (rules & ppr && rsp_euicc_ppr_match (card, ppr, m) != RSP_PPR_ALLOWED)
            return RSP_REASON_PPR_NOT_ALLOWED;
    if (rules & RSP_PPR1 && rsp_euicc_has_operational (card))
        return RSP_REASON_PPR_NOT_ALLOWED;
    return 0;
}

/* What is not for the card to keep (serviceSpecificDataNotStoredInEuicc) is left out. */
static GBytes *
stored_metadata (RspSlice content)
{
    GByteArray *out = g_byte_array_sized_new ((guint)content.len + 8);
    RspTlv tlv;
    gsize mark = rsp_tlv_open (out, 0xBF25);
    while (rsp_tlv_next (&content, &tlv) == RSP_TLV_OK)
        if (tlv.tag != 0xBF23)
            g_byte_array_append (out, tlv.whole.data, (guint)tlv.whole.len);
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

guint
rsp_euicc_store_metadata (RspEuicc *card)
{
    RspEuiccLoad *load = &card->session.load;
    RspSlice whole = RSP_SLICE (load->metadata->data, load->metadata->len);
    RspTlv outer, icon;
    if (!rsp_tlv_single (whole, 0xBF25, &outer) || !rsp_der_check (whole, NULL))
        return RSP_REASON_INCORRECT_INPUT;
    if (rsp_tlv_find (outer.value, 0x94, &icon) && !rsp_tlv_find (outer.value, 0x93, &icon))
        return RSP_REASON_INCORRECT_INPUT;
    g_autoptr (GBytes) bf25 = stored_metadata (outer.value);
    if (!rsp_euicc_profile_set_metadata (load->profile, bf25))
        return RSP_REASON_INCORRECT_INPUT;
    if (rsp_euicc_by_iccid (card, RSP_SLICE_ARRAY (load->profile->iccid)))
        return RSP_REASON_ICCID_EXISTS;
    if (load->profile->metadata->profile_class == RSP_CLASS_TEST && !card->test_profiles)
        return RSP_REASON_UNSUPPORTED_CLASS;
    return check_rules (card, load->profile->metadata);
}

guint
rsp_euicc_replace_keys (RspEuicc *card, RspSlice plain)
{
    RspTlv outer, chaining, enc, mac;
    RspBspKeys keys;
    if (!rsp_tlv_single (plain, 0xBF26, &outer))
        return RSP_REASON_INCORRECT_INPUT;
    RspSlice in = outer.value;
    if (!rsp_take (&in, 0x80, 16, 16, &chaining) || !rsp_take (&in, 0x81, 16, 16, &enc) ||
        !rsp_take (&in, 0x82, 16, 16, &mac))
        return RSP_REASON_INCORRECT_INPUT;
    memcpy (keys.chaining, chaining.value.data, 16);
    memcpy (keys.s_enc, enc.value.data, 16);
    memcpy (keys.s_mac, mac.value.data, 16);
    rsp_bsp_replace (card->session.load.bsp, &keys);
    rsp_wipe (&keys, sizeof keys);
    return 0;
}

/* --- Profile elements --- */

/* Digits of EF.IMSI against MCC and MNC as in TS 24.008. An IMSI that is not set tells nothing. */
static gboolean
imsi_belongs_to (const RspUiccFile *ef, RspSlice plmn)
{
    char imsi[18] = "", owner[7] = "";
    guint n = 0;
    if (!ef || !ef->body || !ef->body->data || ef->body->size < 9 || ef->body->data[0] > 8 ||
        plmn.len != 3)
        return TRUE;
    for (guint i = 1; i <= ef->body->data[0]; i++) {
        guint8 octet = ef->body->data[i];
        if (i > 1)
            imsi[n++] = (char)('0' + (octet & 0x0F));
        if (octet >> 4 != 0x0F)
            imsi[n++] = (char)('0' + (octet >> 4));
    }
    const guint8 *p = plmn.data;
    guint8 digits[6] = {p[0] & 0x0F, p[0] >> 4, p[1] & 0x0F, p[2] & 0x0F, p[2] >> 4, p[1] >> 4};
    for (guint i = 0; i < 6 && digits[i] != 0x0F; i++)
        owner[i] = (char)('0' + digits[i]);
    return strncmp (imsi, owner, strlen (owner)) == 0;
}

static gboolean
gid_belongs_to (const RspUiccFile *ef, GBytes *owner)
{
    RspSlice gid = rsp_slice_of (owner);
    if (gid.len == 0)
        return TRUE;
    return ef && ef->body && ef->body->data && ef->body->size >= gid.len &&
           memcmp (ef->body->data, gid.data, gid.len) == 0;
}

static gboolean
owner_fits (RspEuiccLoad *load)
{
    const RspMetadata *m = load->profile->metadata;
    const RspUiccFile *usim = rsp_install_usim (load->install);
    if (!m->owner_mcc_mnc || !usim)
        return TRUE;
    return imsi_belongs_to (rsp_uicc_child (usim, 0x6F07), rsp_slice_of (m->owner_mcc_mnc)) &&
           gid_belongs_to (rsp_uicc_child (usim, 0x6F3E), m->owner_gid1) &&
           gid_belongs_to (rsp_uicc_child (usim, 0x6F3F), m->owner_gid2);
}

static guint
check_profile (RspEuiccLoad *load, gboolean last)
{
    guint8 iccid[10];
    if (rsp_install_header_iccid (load->install, iccid) &&
        memcmp (iccid, load->profile->iccid, sizeof iccid) != 0)
        return RSP_REASON_DATA_MISMATCH;
    if (load->profile->metadata->profile_class == RSP_CLASS_TEST &&
        rsp_install_has_operational_key (load->install))
        return RSP_REASON_INVALID_NAA_KEY;
    return last && !owner_fits (load) ? RSP_REASON_DATA_MISMATCH : 0;
}

guint
rsp_euicc_load_elements (RspEuicc *card, gboolean last)
{
    RspEuiccLoad *load = &card->session.load;
    guint32 room = rsp_euicc_room (card);
    RspInstallCard offer = {card->services, room, card->worn_memory};
    if (!load->install)
        load->install = rsp_install_new (&offer);
    if (load->upp->len > room) {
        rsp_install_abort (load->install, RSP_SAIP_NOT_ENOUGH_MEMORY);
        return RSP_REASON_NO_MEMORY;
    }
    RspSlice rest = RSP_SLICE (load->upp->data + load->taken, load->upp->len - load->taken);
    RspSaipStatus status = rsp_install_feed (load->install, &rest, last);
    load->taken = load->upp->len - rest.len;
    if (status != RSP_SAIP_OK)
        return status == RSP_SAIP_NOT_ENOUGH_MEMORY ? RSP_REASON_NO_MEMORY
                                                    : RSP_REASON_ELEMENT_ERROR;
    return check_profile (load, last);
}
