/* ES10c: local profile management (SGP.22 3.2, 5.7.15 to 5.7.21). */
#include "components/euicc/euicc-iot.h"

#include <string.h>

#define DISALLOWED 3
#define CAT_BUSY 5

static RspProfileClass
class_of (const RspEuiccProfile *p)
{
    return p->metadata->profile_class;
}

static gboolean
has_rule (const RspEuiccProfile *p, guint32 ppr)
{
    return p->metadata->ppr & ppr;
}

/* Finds by AID (4F) or ICCID (5A). FALSE if ID is neither. */
static gboolean
find_profile (const RspEuicc *card, const RspTlv *id, RspEuiccProfile **ret_profile)
{
    *ret_profile = NULL;
    if (id->tag == 0x5A && id->value.len == 10) {
        *ret_profile = rsp_euicc_by_iccid (card, id->value);
        return TRUE;
    }
    if (id->tag != 0x4F || id->value.len < 5 || id->value.len > 16)
        return FALSE;
    for (guint i = 0; i < card->profiles->len; i++) {
        RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        guint8 aid[16];
        rsp_euicc_isdp_aid (p->number, aid);
        if (rsp_slice_equal (id->value, RSP_SLICE_ARRAY (aid)))
            *ret_profile = p;
    }
    return TRUE;
}

/* EnableProfile and DisableProfile: profileIdentifier, refreshFlag. */
static gboolean
read_switch (const RspEuicc *card, RspSlice body, RspEuiccProfile **ret_profile,
             gboolean *ret_refresh)
{
    RspTlv choice, id, flag;
    if (!rsp_take (&body, 0xA0, 2, 18, &choice) || !rsp_take (&body, 0x81, 1, 1, &flag))
        return FALSE;
    RspSlice rest = choice.value;
    if (rsp_tlv_next (&rest, &id) != RSP_TLV_OK || rest.len > 0)
        return FALSE;
    *ret_refresh = flag.value.data[0] != 0;
    return find_profile (card, &id, ret_profile);
}

/* --- Switching --- */

static void
set_enabled (RspEuicc *card, RspEuiccProfile *p, gboolean enabled)
{
    g_autofree char *iccid = rsp_iccid_from_octets (RSP_SLICE_ARRAY (p->iccid));
    p->enabled = enabled;
    rsp_euicc_put_profile (card, p, FALSE);
    rsp_euicc_notify (card, p->metadata, p->iccid, enabled ? RSP_EVENT_ENABLE : RSP_EVENT_DISABLE,
                      NULL);
    rsp_changes_note (card->changes, iccid, enabled ? "disabled" : "enabled",
                      enabled ? "enabled" : "disabled");
}

/* The operational profile to come back to is the one enabled before the first test profile. */
static void
remember (RspEuicc *card, const RspEuiccProfile *current, const RspEuiccProfile *target)
{
    if (class_of (target) == RSP_CLASS_OPERATIONAL)
        rsp_euicc_put_resume (card, 0);
    else if (current && class_of (current) == RSP_CLASS_OPERATIONAL)
        rsp_euicc_put_resume (card, current->number);
}

void
rsp_euicc_switch_to (RspEuicc *card, RspEuiccProfile *target)
{
    RspEuiccProfile *current = rsp_euicc_enabled (card);
    if (target)
        remember (card, current, target);
    if (current)
        set_enabled (card, current, FALSE);
    if (target)
        set_enabled (card, target, TRUE);
}

void
rsp_euicc_apply_switch (RspEuicc *card, guint target)
{
    rsp_euicc_begin (card);
    rsp_euicc_put_switch (card, FALSE, 0);
    RspEuiccProfile *p = rsp_euicc_by_number (card, target);
    if (target == 0 || p)
        rsp_euicc_switch_to (card, p);
    rsp_euicc_commit (card);
    rsp_euicc_uicc_changed (card);
}

/* With a proactive terminal, the switch waits for its REFRESH. */
static gboolean
announce_or_apply (RspEuicc *card, RspEuiccProfile *target, gboolean refresh)
{
    rsp_euicc_begin (card);
    if (refresh && card->terminal_profile) {
        guint number = target ? target->number : 0;
        rsp_euicc_put_switch (card, TRUE, number);
        if (!rsp_euicc_commit (card))
            return FALSE;
        card->refresh_pending = TRUE;
        card->refresh_fetched = FALSE;
        card->refresh_target = number;
        return TRUE;
    }
    rsp_euicc_switch_to (card, target);
    if (!rsp_euicc_commit (card))
        return FALSE;
    rsp_euicc_uicc_changed (card);
    return TRUE;
}

static guint8
may_enable (const RspEuicc *card, const RspEuiccProfile *target, gboolean refresh)
{
    const RspEuiccProfile *current = rsp_euicc_enabled (card);
    if (!target)
        return 1;
    if (target->enabled)
        return 2;
    if (current && class_of (current) == RSP_CLASS_TEST && class_of (target) != RSP_CLASS_TEST &&
        target->number != card->resume)
        return 4;
    if (current && has_rule (current, RSP_PPR1) && class_of (target) == RSP_CLASS_OPERATIONAL)
        return DISALLOWED;
    if (card->refresh_pending || (refresh && card->refresh_fetched))
        return CAT_BUSY;
    return 0;
}

guint
rsp_euicc_enable_profile (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspEuiccProfile *target;
    gboolean refresh;
    if (!read_switch (card, body, &target, &refresh))
        return 0x6A80;
    guint8 result = may_enable (card, target, refresh);
    if (result == 0 && !announce_or_apply (card, target, refresh))
        result = RSP_UNDEFINED_ERROR;
    rsp_put_result (out, 0xBF31, result);
    return 0x9000;
}

static guint8
may_disable (const RspEuicc *card, const RspEuiccProfile *p)
{
    if (!p)
        return 1;
    if (!p->enabled)
        return 2;
    if (has_rule (p, RSP_PPR1))
        return DISALLOWED;
    return card->refresh_pending ? CAT_BUSY : 0;
}

guint
rsp_euicc_disable_profile (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspEuiccProfile *p;
    gboolean refresh;
    if (!read_switch (card, body, &p, &refresh))
        return 0x6A80;
    guint8 result = may_disable (card, p);
    if (result == 0) {
        /* After a test profile the operational one comes back. */
        gboolean comes_back = class_of (p) != RSP_CLASS_OPERATIONAL && card->resume;
        RspEuiccProfile *next = comes_back ? rsp_euicc_by_number (card, card->resume) : NULL;
        if (!announce_or_apply (card, next, refresh))
            result = RSP_UNDEFINED_ERROR;
    }
    rsp_put_result (out, 0xBF32, result);
    return 0x9000;
}

/* --- Deleting --- */

void
rsp_euicc_delete (RspEuicc *card, RspEuiccProfile *p)
{
    g_autofree char *iccid = rsp_iccid_from_octets (RSP_SLICE_ARRAY (p->iccid));
    rsp_euicc_notify (card, p->metadata, p->iccid, RSP_EVENT_DELETE, NULL);
    rsp_changes_note (card->changes, iccid, p->enabled ? "enabled" : "disabled", "deleted");
    rsp_euicc_iot_dropped (card, p->number);
    rsp_euicc_drop_profile (card, p);
}

guint
rsp_euicc_delete_profile (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv id;
    RspEuiccProfile *p;
    if (rsp_tlv_next (&body, &id) != RSP_TLV_OK || !find_profile (card, &id, &p))
        return 0x6A80;
    guint8 result = !p                                                           ? 1
                    : p->enabled                                                 ? 2
                    : has_rule (p, RSP_PPR2)                                     ? DISALLOWED
                    : class_of (p) == RSP_CLASS_PROVISIONING                     ? DISALLOWED
                    : card->refresh_pending && card->refresh_target == p->number ? 2
                                                                                 : 0;
    if (result == 0) {
        rsp_euicc_begin (card);
        rsp_euicc_delete (card, p);
        if (!rsp_euicc_commit (card))
            result = RSP_UNDEFINED_ERROR;
    }
    rsp_put_result (out, 0xBF33, result);
    return 0x9000;
}

/* Clients send this BIT STRING also without the octet of unused bits, or with a wrong one. */
static gboolean
read_reset_options (RspSlice value, guint32 *ret)
{
    guint8 bits;
    if (value.len == 0 || value.len > 3)
        return FALSE;
    bits = value.data[value.len == 1 ? 0 : 1];
    *ret = (bits & 0x80 ? 1u : 0) | (bits & 0x40 ? 2u : 0) | (bits & 0x20 ? 4u : 0);
    return TRUE;
}

static gboolean
is_reset (const RspEuiccProfile *p, guint32 options)
{
    return (options & 1 && class_of (p) == RSP_CLASS_OPERATIONAL) ||
           (options & 2 && class_of (p) == RSP_CLASS_TEST);
}

static void
reset_profiles (RspEuicc *card, guint32 options)
{
    for (guint i = 0; i < card->profiles->len;) {
        RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        if (is_reset (p, options))
            rsp_euicc_delete (card, p);
        else
            i++;
    }
}

guint
rsp_euicc_memory_reset (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv options;
    guint32 bits;
    gboolean found = FALSE, enabled_goes = FALSE;
    if (!rsp_take (&body, 0x82, 1, 3, &options) || !read_reset_options (options.value, &bits))
        return 0x6A80;
    for (guint i = 0; i < card->profiles->len; i++) {
        const RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        found = found || is_reset (p, bits);
        enabled_goes = enabled_goes || (p->enabled && is_reset (p, bits));
    }
    guint8 result = !found && !(bits & 4)                   ? 1
                    : enabled_goes && card->refresh_pending ? CAT_BUSY
                                                            : 0;
    if (result == 0) {
        rsp_euicc_begin (card);
        reset_profiles (card, bits);
        if (bits & 4)
            rsp_euicc_put_default_dp (card, NULL);
        if (!rsp_euicc_commit (card))
            result = RSP_UNDEFINED_ERROR;
        else if (enabled_goes)
            rsp_euicc_uicc_changed (card);
    }
    rsp_put_result (out, 0xBF34, result);
    return 0x9000;
}

/* --- Nickname --- */

guint
rsp_euicc_set_nickname (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv iccid, name;
    if (!rsp_take (&body, 0x5A, 10, 10, &iccid) || !rsp_take (&body, 0x90, 0, 256, &name) ||
        !rsp_is_utf8 (name.value))
        return 0x6A80;
    RspEuiccProfile *p = rsp_euicc_by_iccid (card, iccid.value);
    guint8 result = !p ? 1 : name.value.len > 64 ? 127 : 0;
    if (result == 0) {
        rsp_euicc_begin (card);
        g_free (p->nickname);
        p->nickname =
            name.value.len > 0 ? g_strndup ((const char *)name.value.data, name.value.len) : NULL;
        rsp_euicc_put_profile (card, p, FALSE);
        if (!rsp_euicc_commit (card))
            result = RSP_UNDEFINED_ERROR;
    }
    rsp_put_result (out, 0xBF29, result);
    return 0x9000;
}
