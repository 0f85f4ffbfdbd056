/* ES10b.LoadBoundProfilePackage and the ES8+ functions within (SGP.22 2.5, 5.5, 5.7.6).
 *
 * The chains, put together, are the octets of one BF36: headers of the sequences and the segments
 * in them. Each chain holds whole headers and segments, however many; the order is strict. Nothing
 * is answered before the ProfileInstallationResult, and nothing of the profile is stored before it.
 */
#include "components/euicc/euicc-internal.h"

#include <string.h>

#define MAX_METADATA 16384
#define MAX_DP_DATA 128
#define FIRST_ISDP 0x1000
#define LAST_ISDP 0xFF00
#define ISDP_STEP 0x100
#define KEY_TYPE_AES 0x88
#define KEY_LENGTH 16

/* BppCommandId */
enum { CMD_CHANNEL = 0, CMD_ISDP = 1, CMD_METADATA = 2, CMD_KEYS = 4, CMD_ELEMENTS = 5 };

/* ErrorReason */
enum {
    INCORRECT_INPUT = 1,
    INVALID_SIGNATURE = 2,
    INVALID_TRANSACTION = 3,
    UNSUPPORTED_CRT = 4,
    UNSUPPORTED_OPERATION = 5,
    UNSUPPORTED_CLASS = 6,
    STRUCTURE_ERROR = 7,
    SECURITY_ERROR = 8,
    ICCID_EXISTS = 9,
    NO_MEMORY = 10,
    ELEMENT_ERROR = 12,
    DATA_MISMATCH = 13,
    INVALID_NAA_KEY = 14,
    PPR_NOT_ALLOWED = 15,
};

void
rsp_euicc_load_clear (RspEuiccLoad *load)
{
    g_clear_pointer (&load->bsp, rsp_bsp_free);
    g_clear_pointer (&load->install, rsp_install_free);
    g_clear_pointer (&load->profile, rsp_euicc_profile_free);
    if (load->upp)
        rsp_wipe (load->upp->data, load->upp->len);
    if (load->plain)
        rsp_wipe (load->plain->data, load->plain->len);
    g_clear_pointer (&load->upp, g_byte_array_unref);
    g_clear_pointer (&load->metadata, g_byte_array_unref);
    g_clear_pointer (&load->plain, g_byte_array_unref);
    *load = (RspEuiccLoad){0};
}

static const RspFunction *
function_of (guint command)
{
    static const RspFunctionId ids[] = {
        [CMD_CHANNEL] = RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL,
        [CMD_ISDP] = RSP_FN_ES8P_CONFIGURE_ISDP,
        [CMD_METADATA] = RSP_FN_ES8P_STORE_METADATA,
        [CMD_KEYS] = RSP_FN_ES8P_REPLACE_SESSION_KEYS,
        [CMD_ELEMENTS] = RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS,
    };
    return rsp_function (ids[command]);
}

static void
tell (RspEuicc *card, guint command, RspSlice plain, guint reason)
{
    RspOutcome outcome = {.error = reason ? rsp_code_name ("ErrorReason", reason) : NULL};
    if (card->actor->bus)
        rsp_bus_opened (card->actor->bus, card->actor->name, function_of (command), plain,
                        &outcome);
}

/* --- ProfileInstallationResult --- */

static GByteArray *
make_result (RspEuicc *card, const guint8 *iccid, RspSlice final)
{
    const RspEuiccSession *s = &card->session;
    GByteArray *out = g_byte_array_sized_new (512);
    g_autoptr (GByteArray) data = g_byte_array_sized_new (320);
    gsize mark = rsp_tlv_open (data, 0xBF27);
    rsp_tlv_put (data, 0x80, RSP_SLICE (s->transaction_id, s->transaction_len));
    rsp_euicc_put_notification_metadata (data, card->next_seq, RSP_EVENT_INSTALL, s->address,
                                         iccid);
    rsp_put_oid (data, 0x06, rsp_cert_oid (s->pb));
    rsp_tlv_put (data, 0xA2, final);
    rsp_tlv_close (data, mark);
    RspSlice part = RSP_SLICE (data->data, data->len);
    gsize outer = rsp_tlv_open (out, 0xBF37);
    g_byte_array_append (out, part.data, (guint)part.len);
    rsp_euicc_sign (card, &part, 1, out);
    rsp_tlv_close (out, outer);
    return out;
}

/* Ends the load: nothing of it stays but the result, which is stored before it is given. */
static guint
refuse (RspEuicc *card, guint command, guint reason, GByteArray *out)
{
    RspEuiccLoad *load = &card->session.load;
    g_autoptr (GByteArray) final = g_byte_array_new ();
    gsize mark = rsp_tlv_open (final, 0xA1);
    rsp_tlv_put_int (final, 0x80, command);
    rsp_tlv_put_int (final, 0x81, reason);
    if (command == CMD_ELEMENTS && load->install &&
        (reason == ELEMENT_ERROR || reason == NO_MEMORY)) {
        g_autoptr (GBytes) response = rsp_install_response (load->install);
        rsp_tlv_put (final, 0x82, rsp_slice_of (response));
    }
    rsp_tlv_close (final, mark);
    gboolean named = load->profile && load->profile->metadata;
    rsp_euicc_begin (card);
    g_autoptr (GByteArray) result = make_result (card, named ? load->profile->iccid : NULL,
                                                 RSP_SLICE (final->data, final->len));
    rsp_euicc_store_notification (card, result);
    rsp_euicc_session_end (card);
    if (!rsp_euicc_commit (card))
        return 0x6581;
    g_byte_array_append (out, result->data, result->len);
    return 0x9000;
}

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
        return INVALID_SIGNATURE;
    if (!rsp_slice_equal (r->transaction.value, RSP_SLICE (s->transaction_id, s->transaction_len)))
        return INVALID_TRANSACTION;
    if (!is_octet (r->key_type.value, KEY_TYPE_AES) ||
        !is_octet (r->key_length.value, KEY_LENGTH) || r->host_id.value.len == 0 ||
        r->host_id.value.len > 16)
        return UNSUPPORTED_CRT;
    if (!is_octet (r->operation.value, 1))
        return UNSUPPORTED_OPERATION;
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
        return INCORRECT_INPUT;
    }
    rsp_bsp_derive (shared, KEY_TYPE_AES, KEY_LENGTH, r->host_id.value, card->eid_octets, &keys);
    trace_agreement (card, shared, &keys);
    card->session.load.bsp = rsp_bsp_new (&keys);
    rsp_wipe (shared, sizeof shared);
    rsp_wipe (&keys, sizeof keys);
    return 0;
}

static guint
initialise (RspEuicc *card, const RspTlv *tlv)
{
    ChannelRequest r;
    guint reason = read_channel (tlv->value, &r) ? check_channel (card, &r) : INCORRECT_INPUT;
    if (!reason)
        reason = agree (card, &r);
    tell (card, CMD_CHANNEL, reason ? RSP_SLICE (NULL, 0) : tlv->whole, reason);
    return reason;
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

static guint
configure_isdp (RspEuicc *card, RspSlice plain)
{
    RspTlv data, oid;
    gboolean present;
    RspEuiccLoad *load = &card->session.load;
    if (!read_dp_data (plain, &data, &present))
        return INCORRECT_INPUT;
    if (present && !(rsp_tlv_find (data.value, 0x06, &oid) &&
                     rsp_oid_equal (oid.value, rsp_cert_oid (card->session.pb))))
        return INCORRECT_INPUT;
    guint number = free_isdp (card);
    if (number == 0 || card->profiles->len >= RSP_EUICC_PROFILES_MAX)
        return NO_MEMORY;
    load->profile = g_new0 (RspEuiccProfile, 1);
    load->profile->number = number;
    if (present)
        load->profile->dp_data = rsp_slice_to_bytes (data.whole);
    return 0;
}

static guint
check_rules (const RspEuicc *card, const RspMetadata *m)
{
    static const guint32 known = RSP_PPR_UPDATE_CONTROL | RSP_PPR1 | RSP_PPR2;
    guint32 rules = m->ppr & (RSP_PPR1 | RSP_PPR2);
    if (m->ppr & ~known)
        return PPR_NOT_ALLOWED;
    if (!rules)
        return 0;
    if (!m->owner_mcc_mnc || m->profile_class == RSP_CLASS_TEST)
        return PPR_NOT_ALLOWED;
    for (guint32 ppr = RSP_PPR1; ppr <= RSP_PPR2; ppr <<= 1)
        if (rules & ppr && rsp_euicc_ppr_match (card, ppr, m) != RSP_PPR_ALLOWED)
            return PPR_NOT_ALLOWED;
    if (rules & RSP_PPR1 && rsp_euicc_has_operational (card))
        return PPR_NOT_ALLOWED;
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

static guint
store_metadata (RspEuicc *card)
{
    RspEuiccLoad *load = &card->session.load;
    RspSlice whole = RSP_SLICE (load->metadata->data, load->metadata->len);
    RspTlv outer, icon;
    if (!rsp_tlv_single (whole, 0xBF25, &outer) || !rsp_der_check (whole, NULL))
        return INCORRECT_INPUT;
    if (rsp_tlv_find (outer.value, 0x94, &icon) && !rsp_tlv_find (outer.value, 0x93, &icon))
        return INCORRECT_INPUT;
    g_autoptr (GBytes) bf25 = stored_metadata (outer.value);
    if (!rsp_euicc_profile_set_metadata (load->profile, bf25))
        return INCORRECT_INPUT;
    if (rsp_euicc_by_iccid (card, RSP_SLICE_ARRAY (load->profile->iccid)))
        return ICCID_EXISTS;
    if (load->profile->metadata->profile_class == RSP_CLASS_TEST && !card->test_profiles)
        return UNSUPPORTED_CLASS;
    return check_rules (card, load->profile->metadata);
}

static guint
replace_keys (RspEuicc *card, RspSlice plain)
{
    RspTlv outer, chaining, enc, mac;
    RspBspKeys keys;
    if (!rsp_tlv_single (plain, 0xBF26, &outer))
        return INCORRECT_INPUT;
    RspSlice in = outer.value;
    if (!rsp_take (&in, 0x80, 16, 16, &chaining) || !rsp_take (&in, 0x81, 16, 16, &enc) ||
        !rsp_take (&in, 0x82, 16, 16, &mac))
        return INCORRECT_INPUT;
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
        return DATA_MISMATCH;
    if (load->profile->metadata->profile_class == RSP_CLASS_TEST &&
        rsp_install_has_operational_key (load->install))
        return INVALID_NAA_KEY;
    return last && !owner_fits (load) ? DATA_MISMATCH : 0;
}

static guint
load_elements (RspEuicc *card, gboolean last)
{
    RspEuiccLoad *load = &card->session.load;
    guint32 room = rsp_euicc_room (card);
    if (!load->install)
        load->install = rsp_install_new (room);
    if (load->upp->len > room)
        return NO_MEMORY;
    RspSlice rest = RSP_SLICE (load->upp->data + load->taken, load->upp->len - load->taken);
    RspSaipStatus status = rsp_install_feed (load->install, &rest, last);
    load->taken = load->upp->len - rest.len;
    if (status != RSP_SAIP_OK)
        return status == RSP_SAIP_NOT_ENOUGH_MEMORY ? NO_MEMORY : ELEMENT_ERROR;
    return check_profile (load, last);
}

static guint
install_profile (RspEuicc *card, GByteArray *out)
{
    RspEuiccSession *s = &card->session;
    RspEuiccProfile *p = g_steal_pointer (&s->load.profile);
    g_autoptr (GBytes) response = rsp_install_response (s->load.install);
    g_autoptr (GByteArray) final = g_byte_array_new ();
    g_autofree char *iccid = rsp_iccid_from_octets (RSP_SLICE_ARRAY (p->iccid));
    guint8 aid[16];
    rsp_euicc_isdp_aid (p->number, aid);
    p->order = card->next_order++;
    p->cost =
        rsp_uicc_used (rsp_install_uicc (s->load.install)) + (guint32)g_bytes_get_size (p->bf25);
    p->cost = MIN (p->cost, rsp_euicc_room (card));
    p->upp = rsp_secret_bytes (s->load.upp->data, s->load.upp->len);
    gsize mark = rsp_tlv_open (final, 0xA0);
    rsp_tlv_put (final, 0x4F, RSP_SLICE_ARRAY (aid));
    rsp_tlv_put (final, 0x04, rsp_slice_of (response));
    rsp_tlv_close (final, mark);
    rsp_euicc_begin (card);
    g_ptr_array_add (card->profiles, p);
    rsp_euicc_put_profile (card, p, TRUE);
    rsp_euicc_drop_otpk (card, rsp_cert_oid (s->pb));
    g_autoptr (GByteArray) result =
        make_result (card, p->iccid, RSP_SLICE (final->data, final->len));
    rsp_euicc_store_notification (card, result);
    rsp_euicc_notify (card, p->metadata, p->iccid, RSP_EVENT_INSTALL, s->address);
    rsp_euicc_session_end (card);
    if (!rsp_euicc_commit (card))
        return 0x6581;
    rsp_actor_state (card->actor, iccid, "loading", "disabled");
    g_byte_array_append (out, result->data, result->len);
    return 0x9000;
}

/* --- Segments --- */

/* Opens SEGMENT behind what OUT holds. */
static guint
open_segment (RspEuicc *card, guint8 tag, RspSlice segment, GByteArray *out)
{
    RspBspResult result = rsp_bsp_open (card->session.load.bsp, tag, segment, out);
    if (result != RSP_BSP_STRUCTURE)
        rsp_actor_crypto (card->actor, "mac", "S-MAC", result == RSP_BSP_OK);
    return result == RSP_BSP_OK          ? 0
           : result == RSP_BSP_STRUCTURE ? STRUCTURE_ERROR
                                         : SECURITY_ERROR;
}

/* 87: one function, in one segment. */
static guint
take_87 (RspEuicc *card, guint command, RspSlice segment)
{
    RspEuiccLoad *load = &card->session.load;
    g_byte_array_set_size (load->plain, 0);
    guint reason = open_segment (card, 0x87, segment, load->plain);
    RspSlice plain = RSP_SLICE (load->plain->data, load->plain->len);
    if (!reason)
        reason = command == CMD_ISDP ? configure_isdp (card, plain) : replace_keys (card, plain);
    tell (card, command, plain, reason);
    rsp_wipe (load->plain->data, load->plain->len);
    return reason;
}

static guint
take_88 (RspEuicc *card, RspSlice segment, gboolean last)
{
    RspEuiccLoad *load = &card->session.load;
    gsize before = load->metadata->len;
    guint reason = open_segment (card, 0x88, segment, load->metadata);
    RspSlice plain = RSP_SLICE (load->metadata->data + before, load->metadata->len - before);
    if (!reason && load->metadata->len > MAX_METADATA)
        reason = INCORRECT_INPUT;
    if (!reason && last)
        reason = store_metadata (card);
    tell (card, CMD_METADATA, plain, reason);
    return reason;
}

static guint
take_86 (RspEuicc *card, RspSlice segment, gboolean last)
{
    RspEuiccLoad *load = &card->session.load;
    gsize before = load->upp->len;
    guint reason = open_segment (card, 0x86, segment, load->upp);
    RspSlice plain = RSP_SLICE (load->upp->data + before, load->upp->len - before);
    if (!reason)
        reason = load_elements (card, last);
    tell (card, CMD_ELEMENTS, plain, reason);
    return reason;
}

/* --- The order of things --- */

/* What an error in a phase is put down to. */
static guint
command_of (RspLoadPhase phase)
{
    switch (phase) {
    case RSP_LOAD_CHANNEL:
        return CMD_CHANNEL;
    case RSP_LOAD_FIRST_87:
    case RSP_LOAD_ISDP:
        return CMD_ISDP;
    case RSP_LOAD_88:
    case RSP_LOAD_METADATA:
        return CMD_METADATA;
    case RSP_LOAD_KEYS:
        return CMD_KEYS;
    default:
        return CMD_ELEMENTS;
    }
}

/* Takes the head of a constructed TLV, whose content may come later. */
static gboolean
take_head (RspSlice *input, guint32 *ret_tag, gsize *ret_length)
{
    gsize at = 0;
    RspSlice in = *input;
    if (in.len < 2)
        return FALSE;
    guint32 tag = in.data[at++];
    if ((tag & 0x1F) == 0x1F)
        tag = tag << 8 | in.data[at++];
    if (at >= in.len)
        return FALSE;
    gsize length = in.data[at++];
    if (length > 0x7F) {
        guint n = length & 0x7F;
        if (n == 0 || n > 3 || in.len - at < n)
            return FALSE;
        for (length = 0; n > 0; n--)
            length = length << 8 | in.data[at++];
    }
    *ret_tag = tag;
    *ret_length = length;
    *input = RSP_SLICE (in.data + at, in.len - at);
    return TRUE;
}

/* Takes the head of the sequence TAG. */
static gboolean
open_sequence (RspEuiccLoad *load, RspSlice *in, guint32 wanted, RspLoadPhase next)
{
    RspSlice rest = *in;
    guint32 tag;
    gsize length;
    if (!take_head (&rest, &tag, &length) || tag != wanted || length == 0)
        return FALSE;
    gsize head = in->len - rest.len;
    if (head + length > load->package_left)
        return FALSE;
    /* The last sequence ends with the package. */
    if (wanted == 0xA3 && head + length != load->package_left)
        return FALSE;
    load->package_left -= head;
    load->sequence_left = length;
    load->phase = next;
    *in = rest;
    return TRUE;
}

/* Takes one whole segment of the open sequence. */
static gboolean
next_segment (RspEuiccLoad *load, RspSlice *in, guint32 wanted, RspSlice *ret_segment)
{
    RspTlv tlv;
    RspSlice rest = *in;
    if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.tag != wanted ||
        tlv.whole.len > load->sequence_left)
        return FALSE;
    load->sequence_left -= tlv.whole.len;
    load->package_left -= tlv.whole.len;
    *ret_segment = tlv.whole;
    *in = rest;
    return TRUE;
}

static guint
step_channel (RspEuicc *card, RspSlice *in)
{
    RspTlv tlv;
    RspEuiccLoad *load = &card->session.load;
    if (rsp_tlv_next (in, &tlv) != RSP_TLV_OK || tlv.tag != 0xBF23 ||
        tlv.whole.len > load->package_left || !rsp_der_check (tlv.whole, NULL)) {
        tell (card, CMD_CHANNEL, RSP_SLICE (NULL, 0), INCORRECT_INPUT);
        return INCORRECT_INPUT;
    }
    load->package_left -= tlv.whole.len;
    load->phase = RSP_LOAD_FIRST_87;
    return initialise (card, &tlv);
}

/* A segment that is not what has its turn. */
static guint
not_expected (RspEuicc *card)
{
    tell (card, command_of (card->session.load.phase), RSP_SLICE (NULL, 0), STRUCTURE_ERROR);
    return STRUCTURE_ERROR;
}

/* The next element of the package, by the phase. Result: ErrorReason, 0 to go on; *RET_DONE: the
 * last segment has been taken. */
static guint
step (RspEuicc *card, RspSlice *in, gboolean *ret_done)
{
    RspSlice segment;
    guint reason;
    RspEuiccLoad *load = &card->session.load;
    switch (load->phase) {
    case RSP_LOAD_CHANNEL:
        return step_channel (card, in);
    case RSP_LOAD_FIRST_87:
        return open_sequence (load, in, 0xA0, RSP_LOAD_ISDP) ? 0 : STRUCTURE_ERROR;
    case RSP_LOAD_ISDP:
        if (!next_segment (load, in, 0x87, &segment) || load->sequence_left > 0)
            return not_expected (card);
        reason = take_87 (card, CMD_ISDP, segment);
        load->phase = reason ? load->phase : RSP_LOAD_88;
        return reason;
    case RSP_LOAD_88:
        return open_sequence (load, in, 0xA1, RSP_LOAD_METADATA) ? 0 : STRUCTURE_ERROR;
    case RSP_LOAD_METADATA:
        if (!next_segment (load, in, 0x88, &segment))
            return not_expected (card);
        reason = take_88 (card, segment, load->sequence_left == 0);
        if (!reason && load->sequence_left == 0)
            load->phase = RSP_LOAD_KEYS_OR_86;
        return reason;
    case RSP_LOAD_KEYS_OR_86:
        if (in->data[0] == 0xA2)
            return open_sequence (load, in, 0xA2, RSP_LOAD_KEYS) ? 0 : STRUCTURE_ERROR;
        return open_sequence (load, in, 0xA3, RSP_LOAD_ELEMENTS) ? 0 : STRUCTURE_ERROR;
    case RSP_LOAD_KEYS:
        if (!next_segment (load, in, 0x87, &segment) || load->sequence_left > 0)
            return not_expected (card);
        reason = take_87 (card, CMD_KEYS, segment);
        load->phase = reason ? load->phase : RSP_LOAD_86;
        return reason;
    case RSP_LOAD_86:
        return open_sequence (load, in, 0xA3, RSP_LOAD_ELEMENTS) ? 0 : STRUCTURE_ERROR;
    case RSP_LOAD_ELEMENTS:
        if (!next_segment (load, in, 0x86, &segment))
            return not_expected (card);
        *ret_done = load->sequence_left == 0;
        return take_86 (card, segment, *ret_done);
    }
    return STRUCTURE_ERROR;
}

/* The first chain: BF36 and what follows. FALSE: no such thing, and nothing has begun. */
static gboolean
begin (RspEuicc *card, RspSlice *in)
{
    guint32 tag;
    gsize length;
    RspEuiccLoad *load = &card->session.load;
    RspSlice rest = *in;
    if (!take_head (&rest, &tag, &length) || tag != 0xBF36 || length == 0)
        return FALSE;
    *in = rest;
    card->session.state = RSP_SESSION_LOADING;
    load->phase = RSP_LOAD_CHANNEL;
    load->package_left = length;
    load->plain = g_byte_array_sized_new (RSP_BSP_MAX_SEGMENT);
    load->metadata = g_byte_array_sized_new (2048);
    /* A peer's claim; what it holds in fact is bounded by the card's memory. */
    load->upp = g_byte_array_sized_new ((guint)MIN (length, rsp_euicc_room (card)));
    return TRUE;
}

guint
rsp_euicc_load_chain (RspEuicc *card, RspSlice chain, GByteArray *out)
{
    RspEuiccSession *s = &card->session;
    gboolean done = FALSE;
    if (s->state != RSP_SESSION_PREPARED && s->state != RSP_SESSION_LOADING)
        return 0x6985;
    if (s->state == RSP_SESSION_PREPARED && !begin (card, &chain))
        return 0x6A80;
    while (chain.len > 0) {
        guint command = command_of (s->load.phase);
        guint reason = done ? STRUCTURE_ERROR : step (card, &chain, &done);
        if (reason)
            return refuse (card, command, reason, out);
    }
    return done ? install_profile (card, out) : 0x9000;
}
