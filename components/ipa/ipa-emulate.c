/* Which functions are emulated, how they are answered, and the card's part in it. */
#include "components/ipa/ipa-emulate.h"

#include <string.h>

/* --- answers --- */

static void
deliver (gpointer data)
{
    RspIpa *ipa = data;
    IpaEmulation *e = ipa->emulation;
    g_autoptr (GBytes) body = g_steal_pointer (&e->answer);
    g_autofree char *sw = g_strdup_printf ("%04X", e->sw);
    ipa_check_event (ipa, "emulated", e->function->full_name, sw);
    e->event = 0;
    g_clear_pointer (&e->body, g_bytes_unref);
    const RspReply reply = {
        .kind = e->silent ? RSP_REPLY_LINK : RSP_REPLY_OK, .sw = e->sw, .body = body};
    e->silent = FALSE;
    ipa->answered (ipa, &reply);
}

static void
answer (RspIpa *ipa, guint sw, GBytes *body)
{
    IpaEmulation *e = ipa->emulation;
    e->sw = sw;
    e->answer = body;
    e->event = rsp_loop_after (ipa->actor->loop, 0, deliver, ipa, NULL);
}

void
emu_answer (RspIpa *ipa, GByteArray *out)
{
    answer (ipa, 0x9000, ipa_take (out));
}

void
emu_refuse (RspIpa *ipa, guint sw)
{
    answer (ipa, sw, g_bytes_new (NULL, 0));
}

void
emu_pass_silence (RspIpa *ipa)
{
    ipa->emulation->silent = TRUE;
    emu_refuse (ipa, 0);
}

void
emu_answer_code (RspIpa *ipa, guint8 code)
{
    GByteArray *out = g_byte_array_new ();
    rsp_put_result (out, ipa->emulation->function->tag, code);
    emu_answer (ipa, out);
}

/* --- the card --- */

static void
on_card (const RspReply *reply, gpointer data)
{
    RspIpa *ipa = data;
    IpaEmulation *e = ipa->emulation;
    RspTlv tlv, code;
    guint64 number;
    gboolean good =
        reply->kind == RSP_REPLY_OK && (reply->sw >> 8 == 0x90 || reply->sw >> 8 == 0x91) &&
        rsp_tlv_single (rsp_slice_of (reply->body), rsp_function (e->called)->tag, &tlv);
    gboolean has_code = good && rsp_tlv_find (tlv.value, 0x80, &code) &&
                        rsp_read_number (code.value, &number) && number <= EMU_UNDEFINED_ERROR;
    gint none = reply->kind == RSP_REPLY_OK ? EMU_BAD_ANSWER : EMU_NO_ANSWER;
    e->answered (ipa, has_code ? (gint)number : none, good ? &tlv : NULL);
}

void
emu_call (RspIpa *ipa, RspFunctionId function, RspSlice content, EmuAnswered answered)
{
    IpaEmulation *e = ipa->emulation;
    const RspCallOptions options = {.timeout = ipa->timeout};
    GByteArray *out = g_byte_array_sized_new ((guint)content.len + 8);
    rsp_tlv_put (out, rsp_function (function)->tag, content);
    g_autoptr (GBytes) body = ipa_take (out);
    e->called = function;
    e->answered = answered;
    rsp_bus_call (ipa->actor->bus, ipa->actor->name, ipa->card, rsp_function (function), body,
                  &options, on_card, ipa);
}

void
emu_enable (RspIpa *ipa, const guint8 iccid[EMU_ICCID_SIZE], EmuAnswered answered)
{
    static const guint8 no_refresh[] = {0x00};
    g_autoptr (GByteArray) content = g_byte_array_new ();
    gsize mark = rsp_tlv_open (content, 0xA0);
    rsp_tlv_put (content, 0x5A, RSP_SLICE (iccid, EMU_ICCID_SIZE));
    rsp_tlv_close (content, mark);
    rsp_tlv_put (content, 0x81, RSP_SLICE_ARRAY (no_refresh));
    emu_call (ipa, RSP_FN_ES10C_ENABLE_PROFILE, RSP_SLICE (content->data, content->len), answered);
}

static void
on_info (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    IpaEmulation *e = ipa->emulation;
    RspTlv list, first;
    if (!tlv || !rsp_tlv_find (tlv->value, 0xAA, &list) ||
        !rsp_tlv_find (list.value, 0x04, &first)) {
        emu_refuse (ipa, 0x6F00);
        return;
    }
    e->ci = rsp_slice_to_bytes (first.value);
    e->eims.ci = rsp_slice_of (e->ci);
    e->prepared (ipa);
}

static void
on_eid (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    RspTlv eid;
    if (!tlv || !rsp_tlv_find (tlv->value, 0x5A, &eid) || eid.value.len != sizeof ipa->eid) {
        emu_refuse (ipa, 0x6F00);
        return;
    }
    memcpy (ipa->eid, eid.value.data, sizeof ipa->eid);
    ipa->knows_eid = TRUE;
    emu_prepare (ipa, ipa->emulation->prepared);
}

void
emu_prepare (RspIpa *ipa, EmuNext next)
{
    static const guint8 wanted[] = {0x5C, 0x01, 0x5A};
    ipa->emulation->prepared = next;
    if (!ipa->knows_eid)
        emu_call (ipa, RSP_FN_ES10C_GET_EID, RSP_SLICE_ARRAY (wanted), on_eid);
    else if (!ipa->emulation->ci)
        emu_call (ipa, RSP_FN_ES10B_GET_EUICC_INFO1, RSP_SLICE (NULL, 0), on_info);
    else
        next (ipa);
}

/* --- functions --- */

static void
get_configuration (RspIpa *ipa)
{
    const IpaEmulation *e = ipa->emulation;
    GByteArray *out = g_byte_array_new ();
    if (!rsp_iot_put_configuration (&e->eims, e->content, out)) {
        g_byte_array_unref (out);
        emu_refuse (ipa, 0x6A80);
        return;
    }
    emu_answer (ipa, out);
}

/* What a consumer card has no equivalent of. */
static void
know_nothing (RspIpa *ipa)
{
    emu_refuse (ipa, 0x6A88);
}

static void
no_ipae (RspIpa *ipa)
{
    emu_answer_code (ipa, 1); /* notSupported */
}

/* No profile of a consumer card has what allows fallback, or is for emergency. */
static void
no_fallback (RspIpa *ipa)
{
    emu_answer_code (ipa, 6); /* fallbackNotAvailable */
}

static void
no_emergency_profile (RspIpa *ipa)
{
    emu_answer_code (ipa, 8); /* ecallNotAvailable */
}

static void
no_emergency (RspIpa *ipa)
{
    emu_answer_code (ipa, EMU_WRONG_STATE);
}

static void
no_parameters (RspIpa *ipa)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF5F);
    rsp_tlv_put_int (out, 0x81, 1); /* parametersNotAvailable */
    rsp_tlv_close (out, mark);
    emu_answer (ipa, out);
}

static const struct {
    RspFunctionId id;
    EmuNext run;
} emulated[] = {
    {RSP_FN_ES10B_LOAD_EUICC_PACKAGE, emu_load_package},
    {RSP_FN_ES10B_ADD_INITIAL_EIM, emu_add_initial_eim},
    {RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA, get_configuration},
    {RSP_FN_ES10B_GET_CERTS, know_nothing},
    {RSP_FN_ES10B_PROFILE_ROLLBACK, emu_profile_rollback},
    {RSP_FN_ES10B_CONFIGURE_IMMEDIATE_PROFILE_ENABLING, emu_configure_immediate_enable},
    {RSP_FN_ES10B_IMMEDIATE_ENABLE, emu_immediate_enable},
    {RSP_FN_ES10B_LPAE_ACTIVATION, no_ipae},
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, emu_memory_reset},
    {RSP_FN_ES10C_EUICC_MEMORY_RESET, emu_memory_reset}, /* of v1.0 */
    {RSP_FN_ES10B_SET_DEFAULT_DP_ADDRESS, emu_set_default_dp},
    {RSP_FN_ES10B_EXECUTE_FALLBACK_MECHANISM, no_fallback},
    {RSP_FN_ES10B_RETURN_FROM_FALLBACK, no_fallback},
    {RSP_FN_ES10B_ENABLE_EMERGENCY_PROFILE, no_emergency_profile},
    {RSP_FN_ES10B_DISABLE_EMERGENCY_PROFILE, no_emergency},
    {RSP_FN_ES10B_GET_CONNECTIVITY_PARAMETERS, no_parameters},
    {RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, emu_retrieve_list},
    {RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, emu_remove_notification},
};

gboolean
ipa_emulates (RspIpa *ipa, const RspFunction *function, GBytes *body)
{
    IpaEmulation *e = ipa->emulation;
    RspTlv tlv;
    for (guint i = 0; e && i < G_N_ELEMENTS (emulated); i++) {
        if (emulated[i].id != function->id)
            continue;
        e->function = function;
        e->body = g_bytes_ref (body);
        if (rsp_tlv_single (rsp_slice_of (body), function->tag, &tlv) &&
            rsp_der_check (tlv.whole, NULL)) {
            e->content = tlv.value;
            emulated[i].run (ipa);
        } else {
            emu_refuse (ipa, 0x6A80);
        }
        return TRUE;
    }
    return FALSE;
}

gboolean
rsp_ipa_emulate (RspIpa *ipa, const char *state_path, GError **error)
{
    return emu_open (ipa, state_path, error);
}

void
ipa_emulation_free (RspIpa *ipa)
{
    if (!ipa->emulation)
        return;
    rsp_loop_cancel (ipa->actor->loop, ipa->emulation->event);
    emu_free (ipa->emulation);
}

/* ProfileInstallationResult: for ImmediateEnable, by what the SM-DP+ says of itself in it. */
void
ipa_emulation_installed (RspIpa *ipa, GBytes *result)
{
    IpaEmulation *e = ipa->emulation;
    RspTlv outer, data, metadata, iccid, address, oid;
    if (!e || !rsp_tlv_single (rsp_slice_of (result), 0xBF37, &outer) ||
        !rsp_tlv_find (outer.value, 0xBF27, &data) ||
        !rsp_tlv_find (data.value, 0xBF2F, &metadata) ||
        !rsp_tlv_find (metadata.value, 0x5A, &iccid) || iccid.value.len != EMU_ICCID_SIZE ||
        !rsp_tlv_find (metadata.value, 0x0C, &address) || !rsp_tlv_find (data.value, 0x06, &oid))
        return;
    e->has_installed = TRUE;
    memcpy (e->installed, iccid.value.data, EMU_ICCID_SIZE);
    g_free (e->installed_address);
    g_clear_pointer (&e->installed_oid, g_bytes_unref);
    e->installed_address = g_strndup ((const char *)address.value.data, address.value.len);
    e->installed_oid = rsp_slice_to_bytes (oid.value);
}
