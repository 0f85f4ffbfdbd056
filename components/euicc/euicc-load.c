/* ES10b.LoadBoundProfilePackage and the ES8+ functions within (SGP.22 2.5, 5.5, 5.7.6).
 *
 * The chains, put together, are the octets of one BF36: headers of the sequences and the segments
 * in them. Each chain holds whole headers and segments, however many; the order is strict. Nothing
 * is answered before the ProfileInstallationResult, and nothing of the profile is stored before it.
 * What a power-off interrupts is told of by a result at the next start.
 */
#include "components/euicc/euicc-iot.h"

#include <string.h>

#define MAX_METADATA 16384

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
        [RSP_BPP_CHANNEL] = RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL,
        [RSP_BPP_ISDP] = RSP_FN_ES8P_CONFIGURE_ISDP,
        [RSP_BPP_METADATA] = RSP_FN_ES8P_STORE_METADATA,
        [RSP_BPP_KEYS] = RSP_FN_ES8P_REPLACE_SESSION_KEYS,
        [RSP_BPP_ELEMENTS] = RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS,
    };
    return rsp_function (ids[command]);
}

static void
tell (RspEuicc *card, guint command, RspSlice plain, guint reason)
{
    RspOutcome outcome = {.error = reason ? rsp_code_name ("ErrorReason", reason) : NULL};
    rsp_euicc_spend (card, function_of (command), plain.len);
    if (card->actor->bus)
        rsp_bus_opened (card->actor->bus, card->actor->name, function_of (command), plain,
                        &outcome);
}

/* --- ProfileInstallationResult --- */

/* What the result of a load names; the record of a load under way holds the same. */
typedef struct {
    RspSlice transaction, address, oid, iccid;
} Origin;

static RspSlice
text_slice (const char *text)
{
    return RSP_SLICE (text, strlen (text));
}

static Origin
origin_of (const RspEuiccSession *s, GByteArray *oid)
{
    const RspEuiccProfile *p = s->load.profile;
    RspTlv tlv = {0};
    rsp_put_oid (oid, 0x06, rsp_cert_oid (s->pb));
    rsp_tlv_single (RSP_SLICE (oid->data, oid->len), 0x06, &tlv);
    return (Origin){.transaction = RSP_SLICE (s->transaction_id, s->transaction_len),
                    .address = text_slice (s->address),
                    .oid = tlv.value,
                    .iccid = p && p->metadata ? RSP_SLICE_ARRAY (p->iccid) : RSP_SLICE (NULL, 0)};
}

static GByteArray *
make_result (RspEuicc *card, const Origin *origin, RspSlice final)
{
    GByteArray *out = g_byte_array_sized_new (512);
    g_autoptr (GByteArray) data = g_byte_array_sized_new (320);
    g_autofree char *address = g_strndup ((const char *)origin->address.data, origin->address.len);
    gsize mark = rsp_tlv_open (data, 0xBF27);
    rsp_tlv_put (data, 0x80, origin->transaction);
    rsp_euicc_put_notification_metadata (data, card->next_seq, RSP_EVENT_INSTALL, address,
                                         origin->iccid.len ? origin->iccid.data : NULL);
    rsp_tlv_put (data, 0x06, origin->oid);
    rsp_tlv_put (data, 0xA2, final);
    rsp_tlv_close (data, mark);
    RspSlice part = RSP_SLICE (data->data, data->len);
    gsize outer = rsp_tlv_open (out, 0xBF37);
    g_byte_array_append (out, part.data, (guint)part.len);
    rsp_euicc_sign (card, &part, 1, out);
    rsp_euicc_work (card, RSP_WORK_SIGNATURE);
    rsp_tlv_close (out, outer);
    return out;
}

/* --- A load under way --- */

/* Written down whenever COMMAND gets its turn, so that an interruption can be told. */
static gboolean
note_progress (RspEuicc *card, guint command)
{
    g_autoptr (GByteArray) oid = g_byte_array_new ();
    Origin origin = origin_of (&card->session, oid);
    GByteArray *record = g_byte_array_sized_new (128);
    rsp_tlv_put_int (record, 0x81, command);
    rsp_tlv_put (record, 0x80, origin.transaction);
    rsp_tlv_put (record, 0x0C, origin.address);
    rsp_tlv_put (record, 0x06, origin.oid);
    if (origin.iccid.len)
        rsp_tlv_put (record, 0x5A, origin.iccid);
    rsp_euicc_begin (card);
    rsp_euicc_put_loading (card, record);
    return rsp_euicc_commit (card);
}

void
rsp_euicc_load_abandon (RspEuicc *card)
{
    if (card->session.state != RSP_SESSION_LOADING)
        return;
    rsp_euicc_begin (card);
    rsp_euicc_drop_loading (card);
    rsp_euicc_commit (card);
}

static gboolean
read_loading (RspSlice record, RspTlv *command, Origin *origin)
{
    RspTlv transaction, address, oid, iccid = {0};
    gboolean named;
    if (!rsp_take (&record, 0x81, 1, 1, command) ||
        !rsp_take (&record, 0x80, 1, 16, &transaction) ||
        !rsp_take (&record, 0x0C, 0, 255, &address) || !rsp_take (&record, 0x06, 1, 64, &oid) ||
        !rsp_take_optional (&record, 0x5A, 10, 10, &iccid, &named))
        return FALSE;
    *origin = (Origin){transaction.value, address.value, oid.value,
                       named ? iccid.value : RSP_SLICE (NULL, 0)};
    return TRUE;
}

void
rsp_euicc_load_interrupted (RspEuicc *card)
{
    RspTlv command;
    Origin origin;
    g_autoptr (GBytes) record = rsp_euicc_get_loading (card);
    if (!record)
        return;
    rsp_euicc_begin (card);
    rsp_euicc_drop_loading (card);
    if (read_loading (rsp_slice_of (record), &command, &origin)) {
        g_autoptr (GByteArray) final = g_byte_array_new ();
        gsize mark = rsp_tlv_open (final, 0xA1);
        rsp_tlv_put (final, 0x80, command.value);
        rsp_tlv_put_int (final, 0x81, RSP_REASON_INTERRUPTION);
        rsp_tlv_close (final, mark);
        g_autoptr (GByteArray) result =
            make_result (card, &origin, RSP_SLICE (final->data, final->len));
        rsp_euicc_store_notification (card, result);
    }
    rsp_euicc_commit (card);
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
    if (command == RSP_BPP_ELEMENTS && load->install &&
        (reason == RSP_REASON_ELEMENT_ERROR || reason == RSP_REASON_NO_MEMORY)) {
        g_autoptr (GBytes) response = rsp_install_response (load->install);
        rsp_tlv_put (final, 0x82, rsp_slice_of (response));
    }
    rsp_tlv_close (final, mark);
    g_autoptr (GByteArray) oid = g_byte_array_new ();
    Origin origin = origin_of (&card->session, oid);
    rsp_euicc_begin (card);
    g_autoptr (GByteArray) result =
        make_result (card, &origin, RSP_SLICE (final->data, final->len));
    rsp_euicc_store_notification (card, result);
    rsp_euicc_drop_loading (card);
    rsp_euicc_session_end (card);
    if (!rsp_euicc_commit (card))
        return 0x6581;
    g_byte_array_append (out, result->data, result->len);
    return 0x9000;
}

/* --- Installation --- */

RspEuiccProfile *
rsp_euicc_add_profile (RspEuicc *card)
{
    RspEuiccLoad *load = &card->session.load;
    RspEuiccProfile *p = g_steal_pointer (&load->profile);
    p->order = card->next_order++;
    p->cost =
        rsp_uicc_used (rsp_install_uicc (load->install)) + (guint32)g_bytes_get_size (p->bf25);
    p->cost = MIN (p->cost, rsp_euicc_room (card));
    p->upp = rsp_secret_bytes (load->upp->data, load->upp->len);
    g_ptr_array_add (card->profiles, p);
    return p;
}

static guint
install_profile (RspEuicc *card, GByteArray *out)
{
    RspEuiccSession *s = &card->session;
    g_autoptr (GByteArray) oid = g_byte_array_new ();
    Origin origin = origin_of (s, oid);
    RspEuiccProfile *p = s->load.profile;
    g_autoptr (GBytes) response = rsp_install_response (s->load.install);
    g_autoptr (GByteArray) final = g_byte_array_new ();
    g_autofree char *iccid = rsp_iccid_from_octets (RSP_SLICE_ARRAY (p->iccid));
    guint8 aid[16];
    rsp_euicc_isdp_aid (p->number, aid);
    gsize mark = rsp_tlv_open (final, 0xA0);
    rsp_tlv_put (final, 0x4F, RSP_SLICE_ARRAY (aid));
    rsp_tlv_put (final, 0x04, rsp_slice_of (response));
    rsp_tlv_close (final, mark);
    rsp_euicc_begin (card);
    rsp_euicc_put_profile (card, rsp_euicc_add_profile (card), TRUE);
    rsp_euicc_drop_otpk (card, rsp_cert_oid (s->pb));
    rsp_euicc_drop_loading (card);
    g_autoptr (GByteArray) result =
        make_result (card, &origin, RSP_SLICE (final->data, final->len));
    rsp_euicc_store_notification (card, result);
    rsp_euicc_notify (card, p->metadata, p->iccid, RSP_EVENT_INSTALL, s->address);
    /* Not stored: the profile is gone with the mirror, and the load ends as any that failed. */
    if (!rsp_euicc_commit (card))
        return refuse (card, RSP_BPP_ELEMENTS, RSP_REASON_UNKNOWN_ERROR, out);
    rsp_euicc_iot_installed (card, p->number);
    rsp_euicc_session_end (card);
    rsp_euicc_work (card, RSP_WORK_INSTALLATION);
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
           : result == RSP_BSP_STRUCTURE ? RSP_REASON_STRUCTURE_ERROR
                                         : RSP_REASON_SECURITY_ERROR;
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
        reason = command == RSP_BPP_ISDP ? rsp_euicc_configure_isdp (card, plain)
                                         : rsp_euicc_replace_keys (card, plain);
    if (!reason && command == RSP_BPP_ISDP && !note_progress (card, RSP_BPP_METADATA))
        reason = RSP_REASON_UNKNOWN_ERROR;
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
        reason = RSP_REASON_INCORRECT_INPUT;
    if (!reason && last)
        reason = rsp_euicc_store_metadata (card);
    if (!reason && last && !note_progress (card, RSP_BPP_ELEMENTS))
        reason = RSP_REASON_UNKNOWN_ERROR;
    tell (card, RSP_BPP_METADATA, plain, reason);
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
        reason = rsp_euicc_load_elements (card, last);
    tell (card, RSP_BPP_ELEMENTS, plain, reason);
    return reason;
}

/* --- The order of things --- */

/* What an error in a phase is put down to. */
static guint
command_of (RspLoadPhase phase)
{
    switch (phase) {
    case RSP_LOAD_CHANNEL:
        return RSP_BPP_CHANNEL;
    case RSP_LOAD_FIRST_87:
    case RSP_LOAD_ISDP:
        return RSP_BPP_ISDP;
    case RSP_LOAD_88:
    case RSP_LOAD_METADATA:
        return RSP_BPP_METADATA;
    case RSP_LOAD_KEYS:
        return RSP_BPP_KEYS;
    default:
        return RSP_BPP_ELEMENTS;
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
        tell (card, RSP_BPP_CHANNEL, RSP_SLICE (NULL, 0), RSP_REASON_INCORRECT_INPUT);
        return RSP_REASON_INCORRECT_INPUT;
    }
    load->package_left -= tlv.whole.len;
    load->phase = RSP_LOAD_FIRST_87;
    guint reason = rsp_euicc_initialise_channel (card, &tlv);
    if (!reason && !note_progress (card, RSP_BPP_ISDP))
        reason = RSP_REASON_UNKNOWN_ERROR;
    tell (card, RSP_BPP_CHANNEL, reason ? RSP_SLICE (NULL, 0) : tlv.whole, reason);
    return reason;
}

/* A segment that is not what has its turn. */
static guint
not_expected (RspEuicc *card)
{
    tell (card, command_of (card->session.load.phase), RSP_SLICE (NULL, 0),
          RSP_REASON_STRUCTURE_ERROR);
    return RSP_REASON_STRUCTURE_ERROR;
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
        return open_sequence (load, in, 0xA0, RSP_LOAD_ISDP) ? 0 : RSP_REASON_STRUCTURE_ERROR;
    case RSP_LOAD_ISDP:
        if (!next_segment (load, in, 0x87, &segment) || load->sequence_left > 0)
            return not_expected (card);
        reason = take_87 (card, RSP_BPP_ISDP, segment);
        load->phase = reason ? load->phase : RSP_LOAD_88;
        return reason;
    case RSP_LOAD_88:
        return open_sequence (load, in, 0xA1, RSP_LOAD_METADATA) ? 0 : RSP_REASON_STRUCTURE_ERROR;
    case RSP_LOAD_METADATA:
        if (!next_segment (load, in, 0x88, &segment))
            return not_expected (card);
        reason = take_88 (card, segment, load->sequence_left == 0);
        if (!reason && load->sequence_left == 0)
            load->phase = RSP_LOAD_KEYS_OR_86;
        return reason;
    case RSP_LOAD_KEYS_OR_86:
        if (in->data[0] == 0xA2)
            return open_sequence (load, in, 0xA2, RSP_LOAD_KEYS) ? 0 : RSP_REASON_STRUCTURE_ERROR;
        return open_sequence (load, in, 0xA3, RSP_LOAD_ELEMENTS) ? 0 : RSP_REASON_STRUCTURE_ERROR;
    case RSP_LOAD_KEYS:
        if (!next_segment (load, in, 0x87, &segment) || load->sequence_left > 0)
            return not_expected (card);
        reason = take_87 (card, RSP_BPP_KEYS, segment);
        load->phase = reason ? load->phase : RSP_LOAD_86;
        return reason;
    case RSP_LOAD_86:
        return open_sequence (load, in, 0xA3, RSP_LOAD_ELEMENTS) ? 0 : RSP_REASON_STRUCTURE_ERROR;
    case RSP_LOAD_ELEMENTS:
        if (!next_segment (load, in, 0x86, &segment))
            return not_expected (card);
        *ret_done = load->sequence_left == 0;
        return take_86 (card, segment, *ret_done);
    }
    return RSP_REASON_STRUCTURE_ERROR;
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
        guint reason = done ? RSP_REASON_STRUCTURE_ERROR : step (card, &chain, &done);
        if (reason)
            return refuse (card, command, reason, out);
    }
    return done ? install_profile (card, out) : 0x9000;
}
