/* ES10b for IoT without an eIM's signature: rollback, immediate enabling, fallback, emergency,
 * reset, certificates (SGP.32 3.3.2, 3.4, 5.9). What switches profiles here takes away the right to
 * roll back. */
#include "components/euicc/euicc-iot.h"

#include <string.h>

enum { CAT_BUSY = 5, ECALL_ACTIVE = 104 };

static RspEuiccProfile *
emergency_profile (const RspEuicc *card)
{
    for (guint i = 0; card->iot->ecall && i < card->profiles->len; i++) {
        RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        if (p->metadata->ecall)
            return p;
    }
    return NULL;
}

RspEuiccProfile *
rsp_euicc_emergency (const RspEuicc *card)
{
    RspEuiccProfile *p = emergency_profile (card);
    return p && p->enabled ? p : NULL;
}

void
rsp_euicc_put_iot_info (const RspEuicc *card, GByteArray *out)
{
    static const guint8 v10[] = {1, 0, 0}, v12[] = {1, 2, 0};
    const RspEuiccIot *iot = card->iot;
    rsp_tlv_put_int (out, 0x90, iot->ipae_active ? 1 : 0);
    gsize mark = rsp_tlv_open (out, 0xB4), versions = rsp_tlv_open (out, 0xA0);
    rsp_tlv_put (out, 0x04, iot->v10 ? RSP_SLICE_ARRAY (v10) : RSP_SLICE_ARRAY (v12));
    rsp_tlv_close (out, versions);
    if (iot->ecall && !iot->v10)
        rsp_tlv_put (out, 0x81, RSP_SLICE (NULL, 0));
    if (iot->fallback_supported && !iot->v10)
        rsp_tlv_put (out, 0x82, RSP_SLICE (NULL, 0));
    rsp_tlv_close (out, mark);
}

void
rsp_euicc_iot_dropped (RspEuicc *card, guint number)
{
    RspEuiccIot *iot = card->iot;
    if (!iot)
        return;
    guint *const kept[] = {&iot->fallback, &iot->before_fallback, &iot->before_emergency};
    for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
        if (*kept[i] == number)
            *kept[i] = 0;
    if (iot->rollback.granted && iot->rollback.profile == number)
        rsp_euicc_iot_revoke_rollback (card);
    if (iot->installed == number)
        iot->installed = 0;
    rsp_euicc_iot_put_state (card);
}

/* --- Switching --- */

/* Within a transaction that ends here: TARGET (NULL: none) becomes the enabled profile. */
static guint8
switch_and_commit (RspEuicc *card, RspEuiccProfile *target)
{
    rsp_euicc_iot_revoke_rollback (card);
    rsp_euicc_switch_to (card, target);
    if (!rsp_euicc_commit (card))
        return RSP_UNDEFINED_ERROR;
    rsp_euicc_uicc_changed (card);
    return 0;
}

static gboolean
read_refresh (RspSlice body)
{
    RspTlv flag;
    return rsp_take (&body, 0x80, 1, 1, &flag) && body.len == 0;
}

static guint8
may_execute_fallback (const RspEuicc *card, const RspEuiccProfile *fallback)
{
    enum { NOT_DISABLED = 2, NOT_AVAILABLE = 6 };
    if (!rsp_euicc_enabled (card))
        return RSP_IOT_COMMAND_ERROR;
    if (!fallback)
        return NOT_AVAILABLE;
    if (rsp_euicc_emergency (card))
        return ECALL_ACTIVE;
    if (fallback->enabled)
        return NOT_DISABLED;
    return card->refresh_pending ? CAT_BUSY : 0;
}

guint
rsp_euicc_execute_fallback (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspEuiccIot *iot = card->iot;
    RspEuiccProfile *fallback = rsp_euicc_by_number (card, iot->fallback);
    if (!read_refresh (body))
        return 0x6A80;
    guint8 result = may_execute_fallback (card, fallback);
    if (result == 0) {
        rsp_euicc_begin (card);
        iot->before_fallback = rsp_euicc_enabled (card)->number;
        result = switch_and_commit (card, fallback);
    }
    rsp_put_result (out, 0xBF5D, result);
    return 0x9000;
}

guint
rsp_euicc_return_from_fallback (RspEuicc *card, RspSlice body, GByteArray *out)
{
    enum { NOT_AVAILABLE = 6 };
    RspEuiccIot *iot = card->iot;
    const RspEuiccProfile *fallback = rsp_euicc_by_number (card, iot->fallback);
    RspEuiccProfile *before = rsp_euicc_by_number (card, iot->before_fallback);
    if (!read_refresh (body))
        return 0x6A80;
    guint8 result = !fallback || !fallback->enabled ? NOT_AVAILABLE
                    : !before                       ? RSP_IOT_COMMAND_ERROR
                    : card->refresh_pending         ? CAT_BUSY
                                                    : 0;
    if (result == 0) {
        rsp_euicc_begin (card);
        iot->before_fallback = 0;
        result = switch_and_commit (card, before);
    }
    rsp_put_result (out, 0xBF5E, result);
    return 0x9000;
}

guint
rsp_euicc_enable_emergency (RspEuicc *card, RspSlice body, GByteArray *out)
{
    enum { NOT_DISABLED = 2, NOT_AVAILABLE = 8 };
    RspEuiccProfile *p = emergency_profile (card);
    if (!read_refresh (body))
        return 0x6A80;
    guint8 result = !p                      ? NOT_AVAILABLE
                    : p->enabled            ? NOT_DISABLED
                    : card->refresh_pending ? CAT_BUSY
                                            : 0;
    if (result == 0) {
        const RspEuiccProfile *current = rsp_euicc_enabled (card);
        rsp_euicc_begin (card);
        card->iot->before_emergency = current ? current->number : 0;
        result = switch_and_commit (card, p);
    }
    rsp_put_result (out, 0xBF5B, result);
    return 0x9000;
}

guint
rsp_euicc_disable_emergency (RspEuicc *card, RspSlice body, GByteArray *out)
{
    enum { NOT_ENABLED = 2 };
    RspEuiccIot *iot = card->iot;
    if (!read_refresh (body))
        return 0x6A80;
    guint8 result = !rsp_euicc_emergency (card) ? NOT_ENABLED
                    : card->refresh_pending     ? CAT_BUSY
                                                : 0;
    if (result == 0) {
        rsp_euicc_begin (card);
        RspEuiccProfile *before = rsp_euicc_by_number (card, iot->before_emergency);
        iot->before_emergency = 0;
        result = switch_and_commit (card, before);
    }
    rsp_put_result (out, 0xBF5C, result);
    return 0x9000;
}

/* --- Rollback --- */

static void
put_rolled_back (GByteArray *out, guint8 result, const GByteArray *package_result)
{
    gsize mark = rsp_tlv_open (out, 0xBF58);
    rsp_tlv_put_int (out, 0x02, result);
    if (package_result)
        g_byte_array_append (out, package_result->data, package_result->len);
    rsp_tlv_close (out, mark);
}

guint
rsp_euicc_profile_rollback (RspEuicc *card, RspSlice body, GByteArray *out)
{
    enum { NOT_ALLOWED = 1 };
    static const guint8 rolled_back[] = {0x8C, 0x01, 0x00};
    const RspEuiccRollback *r = &card->iot->rollback;
    if (!read_refresh (body))
        return 0x6A80;
    RspEuiccProfile *target = rsp_euicc_by_number (card, r->profile);
    const RspIotEim *eim =
        r->granted ? rsp_iot_eim_find (&card->iot->eims, RSP_SLICE (r->eim, strlen (r->eim)))
                   : NULL;
    guint8 result = !r->granted             ? NOT_ALLOWED
                    : card->refresh_pending ? CAT_BUSY
                    : !target || !eim       ? RSP_IOT_COMMAND_ERROR
                                            : 0;
    if (result) {
        put_rolled_back (out, result, NULL);
        return 0x9000;
    }
    const RspIotResultOf of = {r->eim, r->counter, eim->token, rsp_slice_of (r->transaction)};
    rsp_euicc_begin (card);
    g_autoptr (GByteArray) epr =
        rsp_euicc_package_result (card, &of, RSP_SLICE_ARRAY (rolled_back));
    rsp_euicc_iot_drop_result (card, r->seq); /* the one that said ok never happened (3.3.2) */
    rsp_euicc_iot_put_result (card, epr);
    result = switch_and_commit (card, target);
    put_rolled_back (out, result, result ? NULL : epr);
    return 0x9000;
}

/* --- Immediate enabling --- */

void
rsp_euicc_iot_installed (RspEuicc *card, guint number)
{
    RspEuiccIot *iot = card->iot;
    g_autoptr (GByteArray) oid = g_byte_array_new ();
    RspTlv tlv;
    if (!iot)
        return;
    g_free (iot->installed_address);
    g_clear_pointer (&iot->installed_oid, g_bytes_unref);
    iot->installed = number;
    iot->installed_address = g_strdup (card->session.address);
    rsp_put_oid (oid, 0x06, rsp_cert_oid (card->session.pb));
    if (rsp_tlv_single (RSP_SLICE (oid->data, oid->len), 0x06, &tlv))
        iot->installed_oid = rsp_slice_to_bytes (tlv.value);
}

guint
rsp_euicc_immediate_enable (RspEuicc *card, RspSlice body, GByteArray *out)
{
    enum { NOT_AVAILABLE = 1, NO_SESSION = 4 };
    RspEuiccIot *iot = card->iot;
    RspEuiccProfile *p = rsp_euicc_by_number (card, iot->installed);
    if (body.len > 0 && !read_refresh (body))
        return 0x6A80;
    gboolean expected =
        rsp_iot_immediate_matches (&iot->immediate, iot->installed_oid, iot->installed_address);
    guint8 result = !iot->immediate.allowed ? NOT_AVAILABLE
                    : !p || p->enabled      ? NO_SESSION
                    : !expected             ? NOT_AVAILABLE
                    : card->refresh_pending ? CAT_BUSY
                                            : 0;
    if (result == 0) {
        rsp_euicc_begin (card);
        result = switch_and_commit (card, p);
        if (result == 0)
            iot->installed = 0;
    }
    rsp_put_result (out, 0xBF5A, iot->v10 && result == CAT_BUSY ? RSP_UNDEFINED_ERROR : result);
    return 0x9000;
}

guint
rsp_euicc_configure_immediate_enable (RspEuicc *card, RspSlice body, GByteArray *out)
{
    guint8 result = card->iot->eims.all->len > 0 ? RSP_IOT_EIM_EXISTS : 0;
    if (result == 0) {
        rsp_euicc_begin (card);
        gboolean good = rsp_euicc_set_immediate_enable (card, body);
        if (!good)
            rsp_euicc_rollback (card);
        result = good && rsp_euicc_commit (card) ? 0 : RSP_UNDEFINED_ERROR;
    }
    rsp_put_result (out, 0xBF59, result);
    return 0x9000;
}

/* --- The first eIM --- */

guint
rsp_euicc_add_initial_eim (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv list;
    g_autoptr (GByteArray) oks = g_byte_array_new ();
    if (!rsp_take (&body, 0xA0, 0, RSP_EUICC_CHAIN_MAX, &list))
        return 0x6A80;
    rsp_euicc_begin (card);
    guint8 code = rsp_iot_eims_add_initial (&card->iot->eims, list.value, oks);
    rsp_euicc_iot_put_eims (card);
    rsp_euicc_iot_put_state (card);
    if (code)
        rsp_euicc_rollback (card); /* of several, none is kept */
    else if (!rsp_euicc_commit (card))
        code = RSP_UNDEFINED_ERROR;
    rsp_iot_put_initial (out, code, oks);
    return 0x9000;
}

guint
rsp_euicc_get_eim_configuration (RspEuicc *card, RspSlice body, GByteArray *out)
{
    return rsp_iot_put_configuration (&card->iot->eims, body, out) ? 0x9000 : 0x6A80;
}

/* --- Others --- */

guint
rsp_euicc_get_certs (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv ci, cert;
    gboolean present;
    if (!rsp_take_optional (&body, 0x80, 0, 64, &ci, &present))
        return 0x6A80;
    gsize outer = rsp_tlv_open (out, 0xBF56);
    if (present && ci.value.len > 0 && !rsp_slice_equal (ci.value, rsp_cert_aki (card->eum_cert))) {
        rsp_tlv_put_int (out, 0x81, 1); /* invalidCiPKId */
    } else {
        gsize mark = rsp_tlv_open (out, 0xA0);
        if (rsp_tlv_single (rsp_slice_of (rsp_cert_der (card->eum_cert)), 0x30, &cert))
            rsp_tlv_put (out, 0xA5, cert.value);
        if (rsp_tlv_single (rsp_slice_of (rsp_cert_der (card->cert)), 0x30, &cert))
            rsp_tlv_put (out, 0xA6, cert.value);
        rsp_tlv_close (out, mark);
    }
    rsp_tlv_close (out, outer);
    return 0x9000;
}

guint
rsp_euicc_get_connectivity (RspEuicc *card, RspSlice body, GByteArray *out)
{
    gsize outer = rsp_tlv_open (out, 0xBF5F);
    if (card->iot->connectivity) {
        gsize mark = rsp_tlv_open (out, 0xA0);
        rsp_tlv_put (out, 0x81, rsp_slice_of (card->iot->connectivity));
        rsp_tlv_close (out, mark);
    } else {
        rsp_tlv_put_int (out, 0x81, 1); /* parametersNotAvailable */
    }
    rsp_tlv_close (out, outer);
    return 0x9000;
}

guint
rsp_euicc_iot_set_default_dp (RspEuicc *card, RspSlice body, GByteArray *out)
{
    guint sw = rsp_euicc_set_default_dp (card, body, out);
    RspTlv answer;
    if (sw == 0x9000 && rsp_tlv_single (RSP_SLICE (out->data, out->len), 0xBF3F, &answer)) {
        guint8 result = answer.value.data[answer.value.len - 1];
        g_byte_array_set_size (out, 0);
        rsp_put_result (out, 0xBF65, result);
    }
    return sw;
}

guint
rsp_euicc_activate_ipae (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv option;
    guint32 bits;
    RspEuiccIot *iot = card->iot;
    if (!rsp_take (&body, 0x80, 1, 5, &option) || !rsp_read_bits (option.value, &bits))
        return 0x6A80;
    gboolean supported = iot->ipae;
    if (supported && iot->ipae_active != (gboolean)(bits & 1)) {
        rsp_euicc_begin (card);
        iot->ipae_active = bits & 1;
        rsp_euicc_iot_put_state (card);
        if (!rsp_euicc_commit (card))
            return 0x6581;
    }
    rsp_put_result (out, 0xBF42, supported ? 0 : 1);
    return 0x9000;
}

/* --- Memory reset (BF64; v1.0: BF34 with bits 3 and 4) --- */

enum {
    RESET_OPERATIONAL = 1 << 0,
    RESET_TEST = 1 << 1,
    RESET_DEFAULT_DP = 1 << 2,
    RESET_PRELOADED_TEST = 1 << 3,
    RESET_PROVISIONING = 1 << 4,
    RESET_EIM = 1 << 5,
    RESET_IMMEDIATE_ENABLE = 1 << 6,
    RESET_PROFILES = RESET_OPERATIONAL | RESET_TEST | RESET_PROVISIONING,
};

static gboolean
is_reset (const RspEuiccProfile *p, guint32 options)
{
    switch (p->metadata->profile_class) {
    case RSP_CLASS_OPERATIONAL:
        return options & RESET_OPERATIONAL;
    case RSP_CLASS_TEST:
        return (options & RESET_TEST) != 0;
    case RSP_CLASS_PROVISIONING:
        return (options & RESET_PROVISIONING) != 0;
    }
    return FALSE;
}

static guint8
may_reset (const RspEuicc *card, guint32 options)
{
    gboolean found = FALSE, enabled_goes = FALSE;
    for (guint i = 0; i < card->profiles->len; i++) {
        const RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        found = found || is_reset (p, options);
        enabled_goes = enabled_goes || (p->enabled && is_reset (p, options));
    }
    if (found && rsp_euicc_emergency (card))
        return ECALL_ACTIVE;
    if (enabled_goes && card->refresh_pending)
        return CAT_BUSY;
    /* What asks for no profile and no address cannot fail for want of them. */
    gboolean asked = options & (RESET_PROFILES | RESET_PRELOADED_TEST);
    return asked && !found && !(options & RESET_DEFAULT_DP) ? 1 : 0;
}

static void
reset (RspEuicc *card, guint32 options)
{
    RspEuiccIot *iot = card->iot;
    for (guint i = 0; i < card->profiles->len;) {
        RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        if (is_reset (p, options))
            rsp_euicc_delete (card, p);
        else
            i++;
    }
    if (options & RESET_DEFAULT_DP)
        rsp_euicc_put_default_dp (card, NULL);
    if (options & RESET_EIM) {
        g_ptr_array_set_size (iot->eims.all, 0);
        rsp_euicc_iot_revoke_rollback (card);
        rsp_euicc_iot_put_eims (card);
    }
    if (options & RESET_IMMEDIATE_ENABLE) {
        rsp_iot_immediate_clear (&iot->immediate);
        rsp_euicc_iot_put_state (card);
    }
}

static guint
run_reset (RspEuicc *card, guint32 tag, guint32 options, GByteArray *out)
{
    const RspEuiccProfile *before = rsp_euicc_enabled (card);
    guint8 eim = options & RESET_EIM && card->iot->eims.all->len == 0 ? 1 : 0;
    guint8 result = may_reset (card, options);
    /* The parts succeed or fail for themselves, but for the memory. */
    guint32 doable = result ? options & ~(guint32)(RESET_PROFILES | RESET_DEFAULT_DP) : options;
    rsp_euicc_begin (card);
    reset (card, doable);
    gboolean stored = rsp_euicc_commit (card);
    if (stored && before != rsp_euicc_enabled (card))
        rsp_euicc_uicc_changed (card);
    gsize mark = rsp_tlv_open (out, tag);
    rsp_tlv_put_int (out, 0x80, stored ? result : RSP_UNDEFINED_ERROR);
    if (options & RESET_EIM)
        rsp_tlv_put_int (out, 0x81, stored ? eim : RSP_UNDEFINED_ERROR);
    if (options & RESET_IMMEDIATE_ENABLE)
        rsp_tlv_put_int (out, 0x82, stored ? 0 : RSP_UNDEFINED_ERROR);
    rsp_tlv_close (out, mark);
    return 0x9000;
}

static gboolean
read_options (RspSlice body, guint32 *ret)
{
    RspTlv options;
    if (!rsp_take (&body, 0x82, 1, 5, &options))
        return FALSE;
    if (options.value.len == 1) { /* without the octet of unused bits, as deployed clients send */
        guint8 with[2] = {0, options.value.data[0]};
        return rsp_read_bits (RSP_SLICE_ARRAY (with), ret);
    }
    return rsp_read_bits (options.value, ret);
}

guint
rsp_euicc_iot_memory_reset (RspEuicc *card, RspSlice body, GByteArray *out)
{
    guint32 options;
    return read_options (body, &options) ? run_reset (card, 0xBF64, options, out) : 0x6A80;
}

guint
rsp_euicc_iot_memory_reset_v10 (RspEuicc *card, RspSlice body, GByteArray *out)
{
    guint32 bits;
    if (!read_options (body, &bits))
        return 0x6A80;
    guint32 options =
        (bits & 7) | (bits & 8 ? RESET_EIM : 0) | (bits & 16 ? RESET_IMMEDIATE_ENABLE : 0);
    return run_reset (card, 0xBF34, options, out);
}
