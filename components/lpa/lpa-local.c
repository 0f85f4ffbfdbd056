/* Local profile management: ES10c and ES10a by user order. SGP.22 3.2, 5.7.15–5.7.21. */
#include "components/lpa/lpa-private.h"

#include "asn1/ids.h"

#include <string.h>

#define MAX_PROFILES 1000
#define MAX_RESET_BITS 8

static gboolean
begin (RspLpa *lpa, const char *name, const char *enumeration, gboolean makes_notifications,
       RspLpaFunc func, gpointer data)
{
    LpaOperation *op = lpa_begin (lpa, name, func, NULL, data);
    if (!op)
        return FALSE;
    op->result_enumeration = enumeration;
    op->makes_notifications = makes_notifications;
    return TRUE;
}

/* FALSE: the operation has ended. */
static gboolean
take_iccid (RspLpa *lpa, const char *iccid, guint8 ret_octets[10])
{
    if (!iccid || !rsp_iccid_to_octets (iccid, ret_octets)) {
        lpa_end_early (lpa, "iccid", "badIccid");
        return FALSE;
    }
    lpa->op->iccid = g_strdup (iccid);
    return TRUE;
}

static void
consent (RspLpa *lpa, const char *level)
{
    lpa_check_event (lpa, "consent", level, "granted");
}

static void
switch_profile (RspLpa *lpa, RspFunctionId function, const char *iccid, gboolean refresh)
{
    guint8 octets[10], flag = refresh ? 0xFF : 0x00;
    if (!take_iccid (lpa, iccid, octets))
        return;
    consent (lpa, "simple");
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, rsp_function (function)->tag);
    gsize identifier = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    rsp_tlv_close (out, identifier);
    rsp_tlv_put (out, 0x81, RSP_SLICE (&flag, 1));
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_LOCAL, function, NULL, lpa_take (out));
}

void
rsp_lpa_enable (RspLpa *lpa, const char *iccid, gboolean refresh, RspLpaFunc func, gpointer data)
{
    if (begin (lpa, "enable", "EnableProfileResponse.enableResult", TRUE, func, data))
        switch_profile (lpa, RSP_FN_ES10C_ENABLE_PROFILE, iccid, refresh);
}

void
rsp_lpa_disable (RspLpa *lpa, const char *iccid, gboolean refresh, RspLpaFunc func, gpointer data)
{
    if (begin (lpa, "disable", "DisableProfileResponse.disableResult", TRUE, func, data))
        switch_profile (lpa, RSP_FN_ES10C_DISABLE_PROFILE, iccid, refresh);
}

void
rsp_lpa_delete (RspLpa *lpa, const char *iccid, RspLpaFunc func, gpointer data)
{
    guint8 octets[10];
    if (!begin (lpa, "delete", "DeleteProfileResponse.deleteResult", TRUE, func, data) ||
        !take_iccid (lpa, iccid, octets))
        return;
    consent (lpa, "strong");
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF33);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_LOCAL, RSP_FN_ES10C_DELETE_PROFILE, NULL, lpa_take (out));
}

void
rsp_lpa_set_nickname (RspLpa *lpa, const char *iccid, const char *name, RspLpaFunc func,
                      gpointer data)
{
    guint8 octets[10];
    if (!begin (lpa, "setNickname", "SetNicknameResponse.setNicknameResult", FALSE, func, data) ||
        !take_iccid (lpa, iccid, octets))
        return;
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF29);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    rsp_tlv_put_text (out, 0x90, name);
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_LOCAL, RSP_FN_ES10C_SET_NICKNAME, NULL, lpa_take (out));
}

void
rsp_lpa_memory_reset (RspLpa *lpa, guint32 bits, RspLpaFunc func, gpointer data)
{
    if (!begin (lpa, "memoryReset", "EuiccMemoryResetResponse.resetResult", TRUE, func, data))
        return;
    if (bits >= 1u << MAX_RESET_BITS) {
        lpa_end_early (lpa, "options", "badOptions");
        return;
    }
    consent (lpa, "strong");
    /* DER: trailing zero bits of a named bit list are left out. */
    guint8 value[2] = {0, 0};
    guint used = 0;
    for (guint i = 0; i < MAX_RESET_BITS; i++) {
        if (bits & 1u << i) {
            value[1] |= 0x80 >> i;
            used = i + 1;
        }
    }
    value[0] = used ? (guint8)(MAX_RESET_BITS - used) : 0;
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF34);
    rsp_tlv_put (out, 0x82, RSP_SLICE (value, used ? 2 : 1));
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_LOCAL, RSP_FN_ES10C_EUICC_MEMORY_RESET, NULL, lpa_take (out));
}

void
rsp_lpa_set_default_dp (RspLpa *lpa, const char *address, RspLpaFunc func, gpointer data)
{
    if (!begin (lpa, "setDefaultDpAddress", "SetDefaultDpAddressResponse.setDefaultDpAddressResult",
                FALSE, func, data))
        return;
    consent (lpa, "strong");
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF3F);
    rsp_tlv_put_text (out, 0x80, address);
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_LOCAL, RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, NULL, lpa_take (out));
}

void
lpa_on_local (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    const char *problem = lpa_reply_problem (reply, lpa->function);
    RspTlv response, result;
    guint64 code;
    if (problem) {
        lpa_fail (lpa, NULL, problem);
        return;
    }
    if (!lpa_card_response (lpa, reply, &response) ||
        !rsp_tlv_find (response.value, 0x80, &result) || !lpa_integer (result.value, &code)) {
        lpa_fail (lpa, NULL, "badReply");
        return;
    }
    if (code != 0) {
        const char *name = rsp_code_name (op->result_enumeration, (gint64)MIN (code, 255));
        lpa_fail (lpa, NULL, name ? name : "undefinedError");
    } else if (op->makes_notifications) {
        lpa_deliver (lpa);
    } else {
        lpa_finish (lpa);
    }
}

/* The list ------------------------------------------------------------------------------------ */

static void
profile_free (gpointer data)
{
    RspLpaProfile *profile = data;
    g_free (profile->iccid);
    g_free (profile->nickname);
    g_free (profile->name);
    g_free (profile->provider);
    g_free (profile);
}

static char *
text_member (RspSlice info, guint32 tag)
{
    RspTlv member;
    char *text = rsp_tlv_find (info, tag, &member) ? lpa_text (member.value) : NULL;
    return text ? text : g_strdup ("");
}

static guint64
integer_member (RspSlice info, guint32 tag, guint64 absent)
{
    RspTlv member;
    guint64 n;
    return rsp_tlv_find (info, tag, &member) && lpa_integer (member.value, &n) ? n : absent;
}

static gboolean
read_profile (LpaOperation *op, RspSlice info)
{
    RspTlv iccid;
    guint64 class = integer_member (info, 0x95, RSP_CLASS_OPERATIONAL);
    if (!rsp_tlv_find (info, 0x5A, &iccid) || class > RSP_CLASS_OPERATIONAL)
        return FALSE;
    char *digits = rsp_iccid_from_octets (iccid.value);
    if (!digits)
        return FALSE;
    RspLpaProfile *profile = g_new0 (RspLpaProfile, 1);
    profile->iccid = digits;
    profile->enabled = integer_member (info, 0x9F70, 0) == 1;
    profile->nickname = text_member (info, 0x90);
    profile->provider = text_member (info, 0x91);
    profile->name = text_member (info, 0x92);
    profile->profile_class = (RspProfileClass) class;
    if (profile->profile_class == RSP_CLASS_PROVISIONING)
        profile_free (profile);
    else
        g_ptr_array_add (op->profiles, profile);
    return TRUE;
}

void
rsp_lpa_list (RspLpa *lpa, RspLpaListFunc func, gpointer data)
{
    static const guint8 command[] = {0xBF, 0x2D, 0x09, 0x5C, 0x07, 0x5A,
                                     0x9F, 0x70, 0x90, 0x91, 0x92, 0x95};
    if (lpa_begin (lpa, "list", NULL, func, data))
        lpa_call (lpa, LPA_LIST_PROFILES, RSP_FN_ES10C_GET_PROFILES_INFO, NULL,
                  g_bytes_new_static (command, sizeof command));
}

void
lpa_on_profile_list (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    const char *problem = lpa_reply_problem (reply, lpa->function);
    RspTlv response, list, info;
    if (problem) {
        lpa_fail (lpa, NULL, problem);
        return;
    }
    if (!lpa_card_response (lpa, reply, &response)) {
        lpa_fail (lpa, NULL, "badReply");
        return;
    }
    if (!rsp_tlv_find (response.value, 0xA0, &list)) {
        guint64 code = integer_member (response.value, 0x81, 127);
        const char *name = rsp_code_name ("ProfileInfoListError", (gint64)MIN (code, 255));
        lpa_fail (lpa, NULL, name ? name : "undefinedError");
        return;
    }
    op->profiles = g_ptr_array_new_with_free_func (profile_free);
    RspTlvResult result;
    gboolean good = TRUE;
    while (good && (result = rsp_tlv_next (&list.value, &info)) == RSP_TLV_OK)
        good =
            info.tag == 0xE3 && op->profiles->len < MAX_PROFILES && read_profile (op, info.value);
    if (!good || result != RSP_TLV_END)
        lpa_note_failure (lpa, NULL, "badReply");
    lpa_finish (lpa);
}
