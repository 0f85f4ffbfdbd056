/* PINs (ETSI TS 102 221 9.5, 11.1.9 to 11.1.13). What changes is in non-volatile memory before the
 * answer goes out; that a PIN was verified lasts until the next reset. */
#include "components/euicc/euicc-internal.h"

#include <string.h>

#define PIN_SIZE 8

/* The PIN that a command names; its data is SIZE octets, or none to ask for the counter. */
static guint
pin_of_command (RspEuicc *card, const RspEuiccChannel *ch, const RspEuiccCommand *c, gsize size,
                RspUiccPin **ret_pin)
{
    RspUicc *uicc = rsp_euicc_uicc (card);
    if (c->p1 != 0x00)
        return 0x6A86;
    if (c->data.len != 0 && c->data.len != size)
        return 0x6700;
    if (c->has_le && c->le != 256)
        return 0x6700;
    *ret_pin = rsp_euicc_find_pin (card, ch, ch->df ? ch->df : rsp_uicc_mf (uicc), c->p2);
    return *ret_pin ? 0x9000 : 0x6A88;
}

static void
set_value (RspUiccPin *pin, const guint8 *value)
{
    memcpy (pin->value, value, PIN_SIZE);
}

/* The attempt is in the memory before it is made: who cuts the power then spares none. */
static gboolean
spend_attempt (RspEuicc *card, RspUiccPin *pin)
{
    RspUiccPin after = *pin;
    after.left--;
    gboolean kept = rsp_euicc_keep_pins (card, &after, NULL);
    if (kept)
        pin->left = after.left;
    rsp_wipe (after.value, PIN_SIZE);
    return kept;
}

/* 9000: VALUE is right; its attempt is still spent. */
static guint
compare (RspEuicc *card, RspUiccPin *pin, const guint8 *value)
{
    if (pin->left == 0)
        return 0x6983;
    if (!spend_attempt (card, pin))
        return 0x6581;
    if (rsp_slice_equal_ct (RSP_SLICE (value, PIN_SIZE), RSP_SLICE_ARRAY (pin->value)))
        return 0x9000;
    pin->verified = FALSE;
    return 0x63C0u | pin->left;
}

/* When VALUE is right, AFTER is what the PIN becomes, its counter full. */
static guint
present (RspEuicc *card, RspUiccPin *pin, const guint8 *value, RspUiccPin after)
{
    guint sw = compare (card, pin, value);
    after.left = after.max;
    after.verified = TRUE;
    if (sw == 0x9000 && !rsp_euicc_keep_pins (card, &after, NULL))
        sw = 0x6581;
    if (sw == 0x9000)
        *pin = after;
    rsp_wipe (after.value, PIN_SIZE);
    return sw;
}

guint
rsp_euicc_verify_pin (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                      GByteArray *out)
{
    RspUiccPin *pin;
    guint sw = pin_of_command (card, ch, c, PIN_SIZE, &pin);
    if (sw != 0x9000)
        return sw;
    if (c->data.len == 0)
        return 0x63C0u | pin->left;
    if (!(pin->attributes & RSP_PIN_ENABLED))
        return 0x6984;
    return present (card, pin, c->data.data, *pin);
}

guint
rsp_euicc_change_pin (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                      GByteArray *out)
{
    RspUiccPin *pin;
    guint sw = pin_of_command (card, ch, c, 2 * PIN_SIZE, &pin);
    if (sw != 0x9000)
        return sw;
    if (c->data.len == 0)
        return 0x63C0u | pin->left;
    if (!(pin->attributes & RSP_PIN_ENABLED))
        return 0x6984;
    if (!(pin->attributes & RSP_PIN_CHANGEABLE))
        return 0x6985;
    RspUiccPin after = *pin;
    set_value (&after, c->data.data + PIN_SIZE);
    return present (card, pin, c->data.data, after);
}

static guint
switch_pin (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, gboolean enable)
{
    RspUiccPin *pin;
    guint sw = pin_of_command (card, ch, c, PIN_SIZE, &pin);
    if (sw != 0x9000)
        return sw;
    if (c->data.len == 0)
        return 0x63C0u | pin->left;
    if (enable == ((pin->attributes & RSP_PIN_ENABLED) != 0))
        return 0x6984;
    if (!(pin->attributes & RSP_PIN_SWITCHABLE))
        return 0x6985;
    RspUiccPin after = *pin;
    after.attributes ^= RSP_PIN_ENABLED;
    return present (card, pin, c->data.data, after);
}

guint
rsp_euicc_disable_pin (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    return switch_pin (card, ch, c, FALSE);
}

guint
rsp_euicc_enable_pin (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                      GByteArray *out)
{
    return switch_pin (card, ch, c, TRUE);
}

/* The PIN gets a new value, is enabled and verified; both counters are full again. */
guint
rsp_euicc_unblock_pin (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    RspUiccPin *pin;
    guint sw = pin_of_command (card, ch, c, 2 * PIN_SIZE, &pin);
    if (sw != 0x9000)
        return sw;
    RspUiccPin *puk =
        pin->unblock ? rsp_uicc_pin (rsp_euicc_uicc (card), NULL, pin->unblock, TRUE) : NULL;
    if (!puk)
        return 0x6A88;
    if (c->data.len == 0)
        return 0x63C0u | puk->left;
    sw = compare (card, puk, c->data.data);
    if (sw != 0x9000)
        return sw;
    RspUiccPin puk_after = *puk, after = *pin;
    puk_after.left = puk->max;
    set_value (&after, c->data.data + PIN_SIZE);
    after.attributes |= RSP_PIN_ENABLED;
    after.left = pin->max;
    after.verified = TRUE;
    gboolean kept = rsp_euicc_keep_pins (card, &after, &puk_after);
    if (kept) {
        *pin = after;
        *puk = puk_after;
    }
    rsp_wipe (after.value, PIN_SIZE);
    rsp_wipe (puk_after.value, PIN_SIZE);
    return kept ? 0x9000 : 0x6581;
}
