/* The emulated functions that need no eIM's signature (SGP.32 5.9), but for the packages. */
#include "components/ipa/ipa-emulate.h"

#include <string.h>

/* --- the first eIM --- */

static void
add_initial_eim (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    RspSlice in = e->content;
    RspTlv list;
    g_autoptr (GByteArray) oks = g_byte_array_new ();
    GByteArray *out = g_byte_array_new ();
    guint before = e->eims.all->len;
    guint64 tokens = e->eims.tokens;
    guint8 code = rsp_take (&in, 0xA0, 0, 1u << 20, &list)
                      ? rsp_iot_eims_add_initial (&e->eims, list.value, oks)
                      : RSP_IOT_COMMAND_ERROR;
    if (code) { /* of several, none is kept */
        g_ptr_array_set_size (e->eims.all, (gint)before);
        e->eims.tokens = tokens;
    } else if (!emu_commit (ipa)) {
        code = EMU_UNDEFINED_ERROR;
    }
    rsp_iot_put_initial (out, code, oks);
    emu_answer (ipa, out);
}

void
emu_add_initial_eim (RspIpa *ipa)
{
    emu_prepare (ipa, add_initial_eim);
}

/* --- rollback --- */

static void
answer_rollback (RspIpa *ipa, guint8 code, const GByteArray *result)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF58);
    rsp_tlv_put_int (out, 0x02, code);
    if (result)
        g_byte_array_append (out, result->data, result->len);
    rsp_tlv_close (out, mark);
    emu_answer (ipa, out);
}

/* The profile may stand enabled already: the device went down between the card's answer and ours.
 */
static void
on_back (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    static const guint8 rolled_back[] = {0x8C, 0x01, 0x00};
    enum { COMMAND_ERROR = 7, CAT_BUSY = 5 };
    IpaEmulation *e = ipa->emulation;
    if (code == EMU_NO_ANSWER) {
        emu_pass_silence (ipa);
        return;
    }
    if (code != 0 && code != EMU_WRONG_STATE) {
        answer_rollback (ipa,
                         code == CAT_BUSY ? CAT_BUSY
                         : code < 0       ? EMU_UNDEFINED_ERROR
                                          : COMMAND_ERROR,
                         NULL);
        return;
    }
    g_autoptr (GByteArray) result = emu_result (e, &e->rollback, RSP_SLICE_ARRAY (rolled_back));
    emu_drop_result (e, e->rollback.seq); /* the one that said ok never happened (3.3.2) */
    emu_put_result (e, result);
    emu_package_clear (&e->rollback);
    gboolean stored = emu_commit (ipa);
    answer_rollback (ipa, stored ? 0 : EMU_UNDEFINED_ERROR, stored ? result : NULL);
}

void
emu_profile_rollback (RspIpa *ipa)
{
    enum { NOT_ALLOWED = 1 };
    const EmuPackage *granted = &ipa->emulation->rollback;
    if (granted->eim)
        emu_enable (ipa, granted->iccid, on_back);
    else
        answer_rollback (ipa, NOT_ALLOWED, NULL);
}

/* --- immediate enabling --- */

void
emu_configure_immediate_enable (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    guint8 code = e->eims.all->len > 0 ? RSP_IOT_EIM_EXISTS : 0;
    if (code == 0 && !(rsp_iot_immediate_read (&e->immediate, e->content) && emu_commit (ipa)))
        code = EMU_UNDEFINED_ERROR;
    emu_answer_code (ipa, code);
}

static void
on_enabled_at_once (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    enum { CAT_BUSY = 5 };
    IpaEmulation *e = ipa->emulation;
    if (code == EMU_NO_ANSWER) {
        emu_pass_silence (ipa);
        return;
    }
    if (code == 0) {
        e->has_installed = FALSE;
        emu_package_clear (&e->rollback);
        if (!emu_commit (ipa))
            code = EMU_UNDEFINED_ERROR;
    }
    gboolean known = code == 0 || (code == CAT_BUSY && !ipa->config.v10);
    emu_answer_code (ipa, known ? (guint8)code : EMU_UNDEFINED_ERROR);
}

void
emu_immediate_enable (RspIpa *ipa)
{
    enum { NOT_AVAILABLE = 1, NO_SESSION = 4 };
    const IpaEmulation *e = ipa->emulation;
    if (!e->immediate.allowed ||
        (e->has_installed &&
         !rsp_iot_immediate_matches (&e->immediate, e->installed_oid, e->installed_address)))
        emu_answer_code (ipa, NOT_AVAILABLE);
    else if (!e->has_installed)
        emu_answer_code (ipa, NO_SESSION);
    else
        emu_enable (ipa, e->installed, on_enabled_at_once);
}

/* --- reset: what is the card's by SGP.22's function, the rest here --- */

enum {
    CARDS = 7, /* operational, test profiles, default SM-DP+ address */
    ABSENT = 3 << 3,
    EIM = 1 << 5,
    IMMEDIATE = 1 << 6,
};

static void
end_reset (RspIpa *ipa, guint8 profiles)
{
    enum { NOTHING = 1 };
    IpaEmulation *e = ipa->emulation;
    guint8 eim = e->eims.all->len == 0 ? NOTHING : 0;
    if (e->options & EIM) {
        g_ptr_array_set_size (e->eims.all, 0);
        emu_package_clear (&e->rollback);
    }
    if (e->options & IMMEDIATE)
        rsp_iot_immediate_clear (&e->immediate);
    gboolean stored = emu_commit (ipa);
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, e->function->tag);
    rsp_tlv_put_int (out, 0x80, profiles);
    if (e->options & EIM)
        rsp_tlv_put_int (out, 0x81, stored ? eim : EMU_UNDEFINED_ERROR);
    if (e->options & IMMEDIATE)
        rsp_tlv_put_int (out, 0x82, stored ? 0 : EMU_UNDEFINED_ERROR);
    rsp_tlv_close (out, mark);
    emu_answer (ipa, out);
}

static void
on_reset (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    end_reset (ipa, code < 0 ? EMU_UNDEFINED_ERROR : (guint8)code);
}

void
emu_memory_reset (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    RspSlice in = e->content;
    RspTlv options;
    guint32 bits;
    g_autoptr (GByteArray) content = g_byte_array_new ();
    if (!rsp_take (&in, 0x82, 1, 5, &options) || !rsp_read_bits (options.value, &bits)) {
        emu_refuse (ipa, 0x6A80);
        return;
    }
    e->options = ipa->config.v10
                     ? (bits & CARDS) | (bits & 8 ? EIM : 0) | (bits & 16 ? IMMEDIATE : 0)
                     : bits;
    if (!(e->options & CARDS)) {
        end_reset (ipa, e->options & ABSENT ? 1 : 0); /* nothingToDelete */
        return;
    }
    rsp_put_named_bits (content, 0x82, e->options & CARDS);
    emu_call (ipa, RSP_FN_ES10C_EUICC_MEMORY_RESET, RSP_SLICE (content->data, content->len),
              on_reset);
}

/* --- others --- */

static void
on_default_dp (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    emu_answer_code (ipa, code < 0 ? EMU_UNDEFINED_ERROR : (guint8)code);
}

void
emu_set_default_dp (RspIpa *ipa)
{
    emu_call (ipa, RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, ipa->emulation->content, on_default_dp);
}

static void
on_passed (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    GByteArray *out = g_byte_array_new ();
    if (!tlv) {
        g_byte_array_unref (out);
        emu_refuse (ipa, 0x6F00);
        return;
    }
    g_byte_array_append (out, tlv->whole.data, (guint)tlv->whole.len);
    emu_answer (ipa, out);
}

/* The number asked for, in criteria or alone; FALSE: it is not one of the emulation's. */
static gboolean
is_own_number (RspSlice in, guint64 *ret)
{
    RspTlv number;
    return rsp_take (&in, 0x80, 1, 9, &number) && rsp_read_number (number.value, ret) &&
           *ret >= EMU_FIRST_SEQ;
}

void
emu_retrieve_list (RspIpa *ipa)
{
    static const guint8 all_results[] = {0xA0, 0x02, 0x82, 0x00};
    const IpaEmulation *e = ipa->emulation;
    RspTlv criteria;
    guint64 seq = 0;
    gboolean all = rsp_slice_equal (e->content, RSP_SLICE_ARRAY (all_results));
    gboolean one =
        !all && rsp_tlv_find (e->content, 0xA0, &criteria) && is_own_number (criteria.value, &seq);
    if (!all && !one) {
        emu_call (ipa, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, e->content, on_passed);
        return;
    }
    GByteArray *out = g_byte_array_new ();
    gsize outer = rsp_tlv_open (out, 0xBF2B), list = rsp_tlv_open (out, 0xA2);
    for (guint i = 0; i < e->results->len; i++) {
        const EmuResult *result = g_ptr_array_index (e->results, i);
        RspSlice tlv = rsp_slice_of (result->tlv);
        if (all || result->seq == seq)
            g_byte_array_append (out, tlv.data, (guint)tlv.len);
    }
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, outer);
    emu_answer (ipa, out);
}

void
emu_remove_notification (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    guint64 seq;
    if (!is_own_number (e->content, &seq))
        emu_call (ipa, RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, e->content, on_passed);
    else if (!emu_drop_result (e, seq))
        emu_answer_code (ipa, 1); /* nothingToDelete */
    else
        emu_answer_code (ipa, emu_commit (ipa) ? 0 : EMU_UNDEFINED_ERROR);
}
