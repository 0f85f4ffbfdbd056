/* Local profile management: ES10c and ES10a by user order. SGP.22 3.2, 5.7.15–5.7.21. What an order
 * is about is looked up on the card first, so that the user is asked about it by name and what no
 * user may touch stays untouched; then comes the consent that the order needs. */
#include "components/lpa/lpa-private.h"

#include "asn1/ids.h"

#include <string.h>

#define MAX_RESET_BITS 8

static LpaOperation *
begin (RspLpa *lpa, const char *name, const char *enumeration, gboolean makes_notifications,
       RspLpaFunc func, gpointer data)
{
    LpaOperation *op = lpa_begin (lpa, name, func, NULL, data);
    if (!op)
        return NULL;
    op->result_enumeration = enumeration;
    op->makes_notifications = makes_notifications;
    return op;
}

static void
send_command (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    lpa_call (lpa, LPA_LOCAL, op->command_function, NULL, g_steal_pointer (&op->command));
}

static void
on_answer (RspLpa *lpa, RspConsent consent, const char *error)
{
    if (error)
        lpa_fail (lpa, "consent", error);
    else
        send_command (lpa);
}

static void
confirm (RspLpa *lpa)
{
    if (lpa->op->level == LPA_NO_CONSENT)
        send_command (lpa);
    else
        lpa_ask (lpa, lpa->op->level == LPA_STRONG_CONSENT, on_answer);
}

static void
read_profile_of (RspLpa *lpa, RspSlice iccid)
{
    static const guint8 tags[] = {0x5A, 0x9F, 0x70, 0x90, 0x91, 0x92, 0x95};
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF2D);
    gsize criterion = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put (out, 0x5A, iccid);
    rsp_tlv_close (out, criterion);
    rsp_tlv_put (out, 0x5C, RSP_SLICE_ARRAY (tags));
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_READ_PROFILE, RSP_FN_ES10C_GET_PROFILES_INFO, NULL, lpa_take (out));
}

/* Takes COMMAND. */
static void
order (RspLpa *lpa, LpaConsentLevel level, RspFunctionId function, GByteArray *command)
{
    LpaOperation *op = lpa->op;
    guint8 octets[10];
    op->level = level;
    op->command_function = function;
    op->command = lpa_take (command);
    if (op->iccid && rsp_iccid_to_octets (op->iccid, octets))
        read_profile_of (lpa, RSP_SLICE_ARRAY (octets));
    else
        confirm (lpa);
}

/* What the user may not touch: SGP.22 3.2. NULL: nothing against it. */
static const char *
forbidden (const RspLpa *lpa, const RspLpaProfile *profile)
{
    if (profile->profile_class == RSP_CLASS_PROVISIONING)
        return "provisioningProfile";
    return profile->profile_class == RSP_CLASS_TEST && !lpa->test_mode ? "notInTestMode" : NULL;
}

void
lpa_on_read_profile (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response, list, info;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    if (rsp_tlv_find (response.value, 0xA0, &list) &&
        rsp_tlv_next (&list.value, &info) == RSP_TLV_OK && info.tag == 0xE3)
        op->profile = lpa_profile_read (info.value);
    const char *why = op->profile ? forbidden (lpa, op->profile) : NULL;
    if (why)
        lpa_fail (lpa, "profile", why);
    else
        confirm (lpa); /* a profile that is not there is for the card to refuse */
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
switch_profile (RspLpa *lpa, RspFunctionId function, const char *iccid, gboolean refresh)
{
    guint8 octets[10], flag = refresh ? 0xFF : 0x00;
    if (!take_iccid (lpa, iccid, octets))
        return;
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, rsp_function (function)->tag);
    gsize identifier = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    rsp_tlv_close (out, identifier);
    rsp_tlv_put (out, 0x81, RSP_SLICE (&flag, 1));
    rsp_tlv_close (out, mark);
    order (lpa, LPA_SIMPLE_CONSENT, function, out);
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
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF33);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
    rsp_tlv_close (out, mark);
    order (lpa, LPA_STRONG_CONSENT, RSP_FN_ES10C_DELETE_PROFILE, out);
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
    order (lpa, LPA_NO_CONSENT, RSP_FN_ES10C_SET_NICKNAME, out);
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
    order (lpa, LPA_STRONG_CONSENT, RSP_FN_ES10C_EUICC_MEMORY_RESET, out);
}

void
rsp_lpa_set_default_dp (RspLpa *lpa, const char *address, RspLpaFunc func, gpointer data)
{
    if (!begin (lpa, "setDefaultDpAddress", "SetDefaultDpAddressResponse.setDefaultDpAddressResult",
                FALSE, func, data))
        return;
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF3F);
    rsp_tlv_put_text (out, 0x80, address);
    rsp_tlv_close (out, mark);
    order (lpa, LPA_STRONG_CONSENT, RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, out);
}

void
rsp_lpa_activate_lpae (RspLpa *lpa, RspLpaFunc func, gpointer data)
{
    static const guint8 using_cat[] = {0xBF, 0x42, 0x04, 0x80, 0x02, 0x07, 0x80};
    if (!begin (lpa, "activateLpae", "LpaeActivationResult", FALSE, func, data))
        return;
    GByteArray *out = g_byte_array_new ();
    g_byte_array_append (out, using_cat, sizeof using_cat);
    order (lpa, LPA_NO_CONSENT, RSP_FN_ES10B_LPAE_ACTIVATION, out);
}

void
lpa_on_local (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response, result;
    guint64 code;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    if (!rsp_tlv_find (response.value, 0x80, &result) || !lpa_integer (result.value, &code)) {
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
