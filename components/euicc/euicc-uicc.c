/* File commands of the enabled profile: ETSI TS 102 221 11.1. Access rules that need a PIN are not
 * enforced: reading is free. */
#include "components/euicc/euicc-internal.h"

#include <string.h>

static RspUiccFile *
current_df (RspEuicc *card, const RspEuiccChannel *ch)
{
    return ch->df ? ch->df : rsp_uicc_mf (rsp_euicc_uicc (card));
}

static guint
answer_selected (RspEuicc *card, const RspUiccFile *file, guint8 p2, GByteArray *out)
{
    if ((p2 & 0x1C) != 0x0C)
        rsp_uicc_fcp (rsp_euicc_uicc (card), file, rsp_euicc_room (card), out);
    return file->lcsi == 0x04 ? 0x6283 : file->lcsi == 0x0C ? 0x6284 : 0x9000;
}

static void
select_now (RspEuiccChannel *ch, RspUiccFile *file)
{
    ch->record = 0;
    if (rsp_uicc_is_df (file)) {
        ch->df = file;
        ch->ef = NULL;
    } else {
        ch->df = file->parent;
        ch->ef = file;
    }
    /* Leaving an application's files for the card's does not end the application. */
    if (ch->app == RSP_APP_ISDR || ch->app == RSP_APP_ECASD)
        ch->app = ch->adf ? RSP_APP_ADF : RSP_APP_NONE;
}

static RspUiccFile *
find_by_fid (RspEuicc *card, const RspEuiccChannel *ch, guint16 fid)
{
    RspUiccFile *df = current_df (card, ch), *found;
    if (fid == 0x3F00)
        return rsp_uicc_mf (rsp_euicc_uicc (card));
    if (fid == 0x7FFF)
        return ch->adf;
    if ((found = rsp_uicc_child (df, fid)))
        return found;
    if (df->fid == fid && df->aid.len == 0)
        return df;
    if (!df->parent || df->aid.len > 0)
        return NULL;
    if (df->parent->fid == fid && df->parent->aid.len == 0)
        return df->parent;
    found = rsp_uicc_child (df->parent, fid);
    return found && rsp_uicc_is_df (found) ? found : NULL;
}

static RspUiccFile *
find_by_path (RspEuicc *card, const RspEuiccChannel *ch, const RspEuiccCommand *c)
{
    RspUicc *uicc = rsp_euicc_uicc (card);
    RspUiccFile *from = c->p1 == 0x08 ? rsp_uicc_mf (uicc) : current_df (card, ch);
    RspSlice path = c->data;
    if (path.len < 2)
        return NULL;
    if (path.data[0] == 0x7F && path.data[1] == 0xFF) {
        from = ch->adf;
        path = RSP_SLICE (path.data + 2, path.len - 2);
    }
    return rsp_uicc_path (uicc, from, path, FALSE);
}

guint
rsp_euicc_select_file (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    RspUiccFile *file = NULL;
    RspUiccFile *df = current_df (card, ch);
    guint8 form = c->p2 & 0x1C;
    if (form != 0x04 && form != 0x0C && form != 0x00)
        return 0x6A86;
    if (c->p1 <= 0x03 && c->data.len != 2 && c->data.len != 0)
        return 0x6700;
    guint16 fid = c->data.len == 2 ? (guint16)(c->data.data[0] << 8 | c->data.data[1]) : 0x3F00;
    switch (c->p1) {
    case 0x00:
        file = find_by_fid (card, ch, fid);
        break;
    case 0x01:
        file = rsp_uicc_child (df, fid);
        file = file && rsp_uicc_is_df (file) ? file : NULL;
        break;
    case 0x03:
        file = df->parent;
        break;
    case 0x08:
    case 0x09:
        file = find_by_path (card, ch, c);
        break;
    default:
        return 0x6A86;
    }
    if (!file)
        return 0x6A82;
    select_now (ch, file);
    return answer_selected (card, file, c->p2, out);
}

guint
rsp_euicc_select_adf (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                      GByteArray *out)
{
    RspUicc *uicc = rsp_euicc_uicc (card);
    gboolean next = (c->p2 & 0x03) == 0x02;
    RspUiccFile *adf = rsp_uicc_adf (uicc, c->data, next ? ch->adf : NULL);
    /* A name cut on the right means the application selected last, if it fits. */
    if (!next && ch->adf && ch->adf->aid.len >= c->data.len &&
        memcmp (ch->adf->aid.data, c->data.data, c->data.len) == 0)
        adf = ch->adf;
    if (!adf)
        return 0x6A82;
    if (c->p2 & 0x40) { /* the session of the application ends */
        ch->app = RSP_APP_NONE;
        ch->adf = ch->df = ch->ef = NULL;
        return 0x9000;
    }
    ch->app = RSP_APP_ADF;
    ch->adf = ch->df = adf;
    ch->ef = NULL;
    ch->record = 0;
    return answer_selected (card, adf, c->p2, out);
}

/* The EF that a command is about: by SFI, which selects it, or the current one. */
static guint
find_ef (RspEuicc *card, RspEuiccChannel *ch, guint8 sfi, RspUiccFile **ret_ef)
{
    RspUiccFile *ef = sfi ? rsp_uicc_by_sfi (current_df (card, ch), sfi) : ch->ef;
    if (!ef)
        return sfi ? 0x6A82 : 0x6986;
    if (sfi && ef != ch->ef) {
        ch->ef = ef;
        ch->record = 0;
    }
    *ret_ef = ef;
    return 0x9000;
}

static guint
check_life (const RspUiccFile *ef)
{
    if (ef->lcsi == 0x04 && !(ef->special & 0x40))
        return 0x6984;
    return ef->lcsi == 0x0C ? 0x6985 : 0x9000;
}

guint
rsp_euicc_read_binary (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    gboolean by_sfi = c->p1 & 0x80;
    if (by_sfi && (c->p1 & 0x60 || !(c->p1 & 0x1F)))
        return 0x6A86;
    if (c->data.len > 0)
        return 0x6700;
    RspUiccFile *ef = NULL;
    guint sw = find_ef (card, ch, by_sfi ? c->p1 & 0x1F : 0, &ef);
    if (sw != 0x9000)
        return sw;
    if ((ef->kind & 0x3F) != 0x01)
        return 0x6981;
    sw = check_life (ef);
    if (sw != 0x9000)
        return sw;
    guint offset = by_sfi ? c->p2 : (guint)(c->p1 << 8 | c->p2);
    if (offset >= ef->body->size)
        return 0x6B00;
    guint rest = MIN (ef->body->size - offset, 256);
    if (c->has_le && c->le > rest)
        return 0x6C00 | (rest & 0xFF);
    g_byte_array_append (out, ef->body->data + offset, c->has_le ? c->le : rest);
    return 0x9000;
}

static guint
record_number (const RspUiccFile *ef, const RspEuiccChannel *ch, guint8 p1, guint8 mode)
{
    gboolean cyclic = (ef->kind & 0x3F) == 0x06;
    guint last = ef->records;
    switch (mode) {
    case 2:
        if (ch->record == last)
            return cyclic ? 1 : 0;
        return ch->record + 1;
    case 3:
        if (ch->record <= 1)
            return ch->record == 0 || cyclic ? last : 0;
        return ch->record - 1;
    default:
        return p1 ? p1 : ch->record;
    }
}

guint
rsp_euicc_read_record (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    guint8 mode = c->p2 & 0x07;
    if (mode < 2 || mode > 4 || (mode != 4 && c->p1 != 0) || c->p2 >> 3 == 0x1F)
        return 0x6A86;
    if (c->data.len > 0)
        return 0x6700;
    RspUiccFile *ef = NULL;
    guint sw = find_ef (card, ch, c->p2 >> 3, &ef);
    if (sw != 0x9000)
        return sw;
    if ((ef->kind & 0x3F) != 0x02 && (ef->kind & 0x3F) != 0x06)
        return 0x6981;
    sw = check_life (ef);
    if (sw != 0x9000)
        return sw;
    guint record = record_number (ef, ch, c->p1, mode);
    if (record == 0 || record > ef->records)
        return 0x6A83;
    if (c->has_le && c->le != ef->record_size)
        return 0x6C00 | (ef->record_size & 0xFF);
    if (mode != 4)
        ch->record = record;
    g_byte_array_append (out, ef->body->data + (gsize)(record - 1) * ef->record_size,
                         ef->record_size);
    return 0x9000;
}

guint
rsp_euicc_status (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    if (c->p1 > 0x02 || (c->p2 != 0x00 && c->p2 != 0x01 && c->p2 != 0x0C))
        return 0x6A86;
    if (c->data.len > 0)
        return 0x6700;
    if (c->p2 == 0x0C)
        return 0x9000;
    if (c->p2 == 0x01) {
        if (ch->app != RSP_APP_ADF || !ch->adf)
            return 0x6A88;
        rsp_tlv_put (out, 0x84, ch->adf->aid);
    } else {
        rsp_uicc_fcp (rsp_euicc_uicc (card), current_df (card, ch), rsp_euicc_room (card), out);
    }
    return 0x9000;
}
