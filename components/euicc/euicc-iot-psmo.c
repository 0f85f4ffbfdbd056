/* The PSMOs of an eUICC package (SGP.32 2.11.1.1.3, 5.13). Those that change nothing and those that
 * do are one list; the first that fails is the last. */
#include "components/euicc/euicc-iot.h"

#include <string.h>

enum { NOT_FOUND = 1, WRONG_STATE = 2, DISALLOWED = 3, CAT_BUSY = 5 };
enum { ROLLBACK_NOT_AVAILABLE = 20, RETURN_FALLBACK_PROFILE = 21 };
enum { FALLBACK_NOT_ALLOWED = 2, NO_FALLBACK_ATTRIBUTE = 2, FALLBACK_ENABLED = 3 };
enum { PROFILE_CHANGE_ONGOING = 11 };
enum { UNKNOWN_OR_DAMAGED = 2 }; /* processingTerminated */

static gboolean
put (GByteArray *out, guint32 tag, guint8 value)
{
    rsp_tlv_put_int (out, tag, value);
    return value == 0;
}

static gboolean
damaged (GByteArray *out)
{
    return put (out, 0x02, UNKNOWN_OR_DAMAGED);
}

/* v1.0 has no value for what came later. */
static guint8
in_dialect (const RspEuicc *card, guint8 result)
{
    return card->iot->v10 && result > WRONG_STATE ? RSP_UNDEFINED_ERROR : result;
}

static gboolean
read_iccid (const RspEuicc *card, RspSlice *body, RspEuiccProfile **ret)
{
    RspTlv iccid;
    if (!rsp_take (body, 0x5A, 10, 10, &iccid))
        return FALSE;
    *ret = rsp_euicc_by_iccid (card, iccid.value);
    return TRUE;
}

/* A package enables once, and disables once, before that (3.4.1, 3.4.2). BACK: what a rollback
 * goes back to, the profile enabled before the package or disabled by it. */
static guint8
may_enable (const RspEuicc *card, const RspEuiccPackageRun *run, const RspEuiccProfile *p,
            gboolean rollback, guint *ret_back)
{
    const RspEuiccProfile *current = rsp_euicc_enabled (card);
    *ret_back = current ? current->number : run->disabled;
    if (run->enabled)
        return RSP_UNDEFINED_ERROR;
    if (!p)
        return NOT_FOUND;
    if (p->enabled || p->metadata->ecall)
        return WRONG_STATE;
    if (current && current->metadata->ppr & RSP_PPR1)
        return DISALLOWED;
    if (card->refresh_pending)
        return CAT_BUSY;
    return rollback && !*ret_back ? ROLLBACK_NOT_AVAILABLE : 0;
}

static gboolean
enable (RspEuicc *card, RspEuiccPackageRun *run, RspSlice body, GByteArray *out)
{
    RspTlv flag;
    RspEuiccProfile *p;
    gboolean rollback;
    if (!read_iccid (card, &body, &p) || !rsp_take_optional (&body, 0x05, 0, 0, &flag, &rollback) ||
        body.len > 0)
        return damaged (out);
    guint back;
    guint8 result = may_enable (card, run, p, rollback, &back);
    if (result == 0) {
        run->enabled = p->number;
        run->grants_rollback = rollback;
        run->previous = back;
        rsp_euicc_switch_to (card, p);
        card->iot->before_fallback = 0; /* there is no way back from fallback any more */
        rsp_euicc_iot_put_state (card);
    }
    return put (out, 0x83, in_dialect (card, result));
}

static gboolean
disable (RspEuicc *card, RspEuiccPackageRun *run, RspSlice body, GByteArray *out)
{
    RspEuiccProfile *p;
    if (!read_iccid (card, &body, &p) || body.len > 0)
        return damaged (out);
    guint8 result = run->enabled || run->disabled ? RSP_UNDEFINED_ERROR
                    : !p                          ? NOT_FOUND
                    : !p->enabled                 ? WRONG_STATE
                    : p->metadata->ppr & RSP_PPR1 ? DISALLOWED
                    : card->refresh_pending       ? CAT_BUSY
                                                  : 0;
    if (result == 0) {
        run->disabled = p->number;
        rsp_euicc_switch_to (card, NULL);
    }
    return put (out, 0x84, in_dialect (card, result));
}

/* The profile to come back to while the Fallback Profile is enabled. */
static gboolean
is_way_back (const RspEuicc *card, const RspEuiccProfile *p)
{
    const RspEuiccProfile *fallback = rsp_euicc_by_number (card, card->iot->fallback);
    return fallback && fallback->enabled && card->iot->before_fallback == p->number;
}

static gboolean delete (RspEuicc *card, RspEuiccPackageRun *run, RspSlice body, GByteArray *out)
{
    RspEuiccProfile *p;
    if (!read_iccid (card, &body, &p) || body.len > 0)
        return damaged (out);
    guint8 result = !p                                                   ? NOT_FOUND
                    : p->enabled                                         ? WRONG_STATE
                    : p->metadata->ppr & RSP_PPR2                        ? DISALLOWED
                    : run->grants_rollback && run->previous == p->number ? ROLLBACK_NOT_AVAILABLE
                    : is_way_back (card, p)                              ? RETURN_FALLBACK_PROFILE
                                                                         : 0;
    if (result == 0) {
        run->deleted = TRUE;
        rsp_euicc_delete (card, p);
    }
    return put (out, 0x85, in_dialect (card, result));
}

/* What the package has changed so far counts only at its end: it cannot be listed (2.11.1.1.3). */
static gboolean
list_profiles (RspEuicc *card, const RspEuiccPackageRun *run, RspSlice body, GByteArray *out)
{
    /* what is listed when no tags are named: 5A 4F 9F70 91 92 95 9F7B 9F26 9F67 */
    static const guint8 tags[] = {0x5C, 0x0D, 0x5A, 0x4F, 0x9F, 0x70, 0x91, 0x92,
                                  0x95, 0x9F, 0x7B, 0x9F, 0x26, 0x9F, 0x67};
    RspTlv tlv;
    gsize before = out->len;
    gboolean changed = run->enabled || run->disabled || run->deleted;
    if (card->refresh_pending || (changed && !card->iot->v10)) {
        gsize mark = rsp_tlv_open (out, 0xBF2D);
        rsp_tlv_put_int (out, 0x81, in_dialect (card, PROFILE_CHANGE_ONGOING));
        rsp_tlv_close (out, mark);
        return FALSE;
    }
    g_autoptr (GByteArray) request = g_byte_array_new ();
    g_byte_array_append (request, body.data, (guint)body.len);
    if (!card->iot->v10 && !rsp_tlv_find (body, 0x5C, &tlv))
        g_byte_array_append (request, tags, sizeof tags);
    if (rsp_euicc_get_profiles_info (card, RSP_SLICE (request->data, request->len), out) !=
        0x9000) {
        g_byte_array_set_size (out, (guint)before);
        return damaged (out);
    }
    return rsp_tlv_single (RSP_SLICE (out->data + before, out->len - before), 0xBF2D, &tlv) &&
           tlv.value.data[0] == 0xA0;
}

gboolean
rsp_euicc_set_immediate_enable (RspEuicc *card, RspSlice body)
{
    if (!rsp_iot_immediate_read (&card->iot->immediate, body))
        return FALSE;
    rsp_euicc_iot_put_state (card);
    return TRUE;
}

static gboolean
set_fallback (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspEuiccProfile *p;
    RspEuiccIot *iot = card->iot;
    if (!iot->fallback_supported || !read_iccid (card, &body, &p) || body.len > 0)
        return damaged (out);
    const RspEuiccProfile *holder = rsp_euicc_by_number (card, iot->fallback);
    guint8 result = !p                               ? NOT_FOUND
                    : p == holder                    ? 0
                    : !p->metadata->fallback_allowed ? FALLBACK_NOT_ALLOWED
                    : holder && holder->enabled      ? FALLBACK_ENABLED
                                                     : 0;
    if (result == 0) {
        iot->fallback = p->number;
        rsp_euicc_iot_put_state (card);
    }
    return put (out, 0x8D, result);
}

static gboolean
unset_fallback (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspEuiccIot *iot = card->iot;
    const RspEuiccProfile *holder = rsp_euicc_by_number (card, iot->fallback);
    guint8 result = !iot->fallback_supported || body.len > 0 ? RSP_IOT_COMMAND_ERROR
                    : !holder                                ? NO_FALLBACK_ATTRIBUTE
                    : holder->enabled                        ? FALLBACK_ENABLED
                                                             : 0;
    if (result == 0) {
        iot->fallback = 0;
        rsp_euicc_iot_put_state (card);
    }
    return put (out, 0x8E, result);
}

static gboolean
set_default_dp (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv address;
    if (!rsp_take (&body, 0x80, 0, 255, &address) || body.len > 0 || !rsp_is_utf8 (address.value) ||
        memchr (address.value.data, 0, address.value.len))
        return damaged (out);
    g_autofree char *text = g_strndup ((const char *)address.value.data, address.value.len);
    rsp_euicc_put_default_dp (card, text);
    rsp_put_result (out, 0xBF65, 0);
    return TRUE;
}

gboolean
rsp_euicc_psmo (RspEuicc *card, RspEuiccPackageRun *run, const RspTlv *op, GByteArray *out)
{
    switch (op->tag) {
    case 0xA3:
        return enable (card, run, op->value, out);
    case 0xA4:
        return disable (card, run, op->value, out);
    case 0xA5:
        return delete (card, run, op->value, out);
    case 0xBF2D:
        return list_profiles (card, run, op->value, out);
    case 0xA6:
        rsp_tlv_put (out, 0xA6, rsp_slice_of (card->rat));
        return TRUE;
    case 0xA7:
        return put (out, 0x87,
                    rsp_euicc_set_immediate_enable (card, op->value) ? 0 : RSP_IOT_COMMAND_ERROR);
    default:
        break;
    }
    if (card->iot->v10)
        return damaged (out);
    switch (op->tag) {
    case 0xA8:
        return set_fallback (card, op->value, out);
    case 0xA9:
        return unset_fallback (card, op->value, out);
    case 0xBF65:
        return set_default_dp (card, op->value, out);
    default:
        return damaged (out);
    }
}
