/* Access rules: records of EF.ARR in the expanded format (ETSI TS 102 221 9.2.4, 9.2.7, ISO/IEC
 * 7816-4 security conditions). */
#include "components/euicc/euicc-internal.h"

#define MAX_DEPTH 4

typedef struct {
    RspEuicc *card;
    const RspEuiccChannel *channel;
    const RspUiccFile *df; /* whose local PINs count */
} Asker;

/* Global references are the card's, local ones the DF's or else the application's. */
RspUiccPin *
rsp_euicc_find_pin (RspEuicc *card, const RspEuiccChannel *ch, const RspUiccFile *df,
                    guint8 reference)
{
    RspUicc *uicc = rsp_euicc_uicc (card);
    RspUiccPin *pin = rsp_uicc_pin (uicc, df, reference, FALSE);
    return pin || !ch->adf ? pin : rsp_uicc_pin (uicc, ch->adf, reference, FALSE);
}

gboolean
rsp_euicc_pin_satisfied (RspEuicc *card, const RspEuiccChannel *ch, const RspUiccFile *df,
                         guint8 reference)
{
    const RspUiccPin *pin = rsp_euicc_find_pin (card, ch, df, reference);
    return pin && (pin->verified || !(pin->attributes & RSP_PIN_ENABLED));
}

/* The record of EF.ARR that FILE names: 2F06 is the MF's, 6F06 that of the nearest DF around it. */
static RspSlice
rule_of (const RspUicc *uicc, const RspUiccFile *file)
{
    const RspUiccFile *df = file->parent ? file->parent : file, *arr = NULL;
    if (file->arr_fid == 0x2F06)
        df = rsp_uicc_mf (uicc);
    for (; df && !arr; df = df->parent)
        arr = rsp_uicc_child (df, file->arr_fid);
    if (!arr || !arr->body || arr->record_size == 0 || file->arr_record == 0 ||
        file->arr_record > arr->records)
        return RSP_SLICE (NULL, 0);
    return RSP_SLICE (arr->body->data + (gsize)(file->arr_record - 1) * arr->record_size,
                      arr->record_size);
}

static gboolean
is_access_mode (guint32 tag)
{
    return (tag >= 0x80 && tag <= 0x8F) || tag == 0x9C;
}

/* Tags 81 to 8F list command headers; the tag's bits say which of CLA, INS, P1, P2 they have. */
static gboolean
lists_command (const RspTlv *mode, const RspEuiccCommand *c)
{
    const guint8 header[4] = {c->cla & 0x80, c->ins, c->p1, c->p2};
    guint8 wanted[4];
    guint n = 0;
    for (guint i = 0; i < 4; i++)
        if (mode->tag & 8u >> i)
            wanted[n++] = header[i];
    for (gsize at = 0; at + n <= mode->value.len; at += n) {
        guint same = 0;
        while (same < n && mode->value.data[at + same] == wanted[same])
            same++;
        if (same == n)
            return TRUE;
    }
    return FALSE;
}

static gboolean
covers (const RspTlv *mode, const RspEuiccCommand *c, guint8 operation)
{
    if (mode->tag == 0x80)
        return mode->value.len == 1 && !(mode->value.data[0] & 0x80) &&
               mode->value.data[0] & operation;
    return mode->tag != 0x9C && lists_command (mode, c);
}

/* A control reference template: every key that it names. */
static gboolean
keys_satisfied (const Asker *who, RspSlice template)
{
    RspTlv tlv;
    gboolean any = FALSE;
    while (rsp_tlv_next (&template, &tlv) == RSP_TLV_OK) {
        if (tlv.tag != 0x83)
            continue;
        if (tlv.value.len != 1 ||
            !rsp_euicc_pin_satisfied (who->card, who->channel, who->df, tlv.value.data[0]))
            return FALSE;
        any = TRUE;
    }
    return any;
}

static gboolean satisfied (const Asker *who, const RspTlv *condition, guint depth);

/* How many conditions of a list there are, and hold. */
static void
count (const Asker *who, RspSlice list, guint depth, guint *ret_all, guint *ret_held)
{
    RspTlv tlv;
    *ret_all = *ret_held = 0;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK) {
        ++*ret_all;
        *ret_held += satisfied (who, &tlv, depth) ? 1 : 0;
    }
}

static gboolean
satisfied (const Asker *who, const RspTlv *condition, guint depth)
{
    guint all, held;
    if (depth > MAX_DEPTH)
        return FALSE;
    switch (condition->tag) {
    case 0x90:
        return TRUE;
    case 0x9D:
    case 0x9E: /* any condition but "always" is about a security environment, and there is none */
        return condition->value.len == 1 && condition->value.data[0] == 0x00;
    case 0xA4:
        return keys_satisfied (who, condition->value);
    case 0xA0:
        count (who, condition->value, depth + 1, &all, &held);
        return held > 0;
    case 0xA7:
        count (who, condition->value, depth + 1, &all, &held);
        return all > 0 && held == 0;
    case 0xAF:
        count (who, condition->value, depth + 1, &all, &held);
        return all > 0 && held == all;
    default:
        return FALSE;
    }
}

/* The first access mode that covers the operation decides, by any of its conditions. */
gboolean
rsp_euicc_allowed (RspEuicc *card, const RspEuiccChannel *ch, const RspUiccFile *file,
                   const RspEuiccCommand *c, guint8 operation)
{
    const Asker who = {card, ch, rsp_uicc_is_df (file) ? file : file->parent};
    RspSlice rule = rule_of (rsp_euicc_uicc (card), file);
    gboolean decides = FALSE;
    RspTlv tlv;
    while (rule.len > 0 && rule.data[0] != 0xFF && rsp_tlv_next (&rule, &tlv) == RSP_TLV_OK) {
        if (is_access_mode (tlv.tag)) {
            if (decides)
                return FALSE;
            decides = covers (&tlv, c, operation);
        } else if (decides && satisfied (&who, &tlv, 0)) {
            return TRUE;
        }
    }
    return FALSE;
}
