/* Selection, STATUS and the life cycle of files: ETSI TS 102 221 11.1.1, 11.1.2, 11.1.14. */
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

/* The file that P1 and the data name; OK only with *RET_FILE. */
static guint
named_file (RspEuicc *card, const RspEuiccChannel *ch, const RspEuiccCommand *c,
            RspUiccFile **ret_file)
{
    RspUiccFile *df = current_df (card, ch), *file;
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
    *ret_file = file;
    return file ? 0x9000 : 0x6A82;
}

guint
rsp_euicc_select_file (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    RspUiccFile *file;
    guint8 form = c->p2 & 0x1C;
    if (form != 0x04 && form != 0x0C && form != 0x00)
        return 0x6A86;
    guint sw = named_file (card, ch, c, &file);
    if (sw != 0x9000)
        return sw;
    select_now (ch, file);
    return answer_selected (card, file, c->p2, out);
}

/* --- Applications --- */

static gboolean
fits (const RspUiccFile *adf, RspSlice aid)
{
    return adf->aid.len >= aid.len && memcmp (adf->aid.data, aid.data, aid.len) == 0;
}

/* One of the ADFs that AID, which may be cut on the right, fits: the first (but the current one if
 * it fits), the last, the next or the previous one, seen from the current. */
static RspUiccFile *
find_adf (const RspUicc *uicc, RspUiccFile *current, RspSlice aid, guint8 occurrence)
{
    RspUiccFile *adf = rsp_uicc_adf (uicc, aid, NULL), *found = NULL;
    if (occurrence == 0x00)
        return current && fits (current, aid) ? current : adf;
    if (occurrence == 0x02)
        return rsp_uicc_adf (uicc, aid, current);
    const RspUiccFile *end = occurrence == 0x03 ? current : NULL;
    for (; adf && adf != end; adf = rsp_uicc_adf (uicc, aid, adf))
        found = adf;
    return found;
}

/* Is ADF the application of another channel too? */
static gboolean
open_elsewhere (const RspEuicc *card, const RspEuiccChannel *ch, const RspUiccFile *adf)
{
    for (guint i = 0; i < RSP_EUICC_CHANNELS; i++)
        if (card->channels[i] != ch && rsp_euicc_is_open (card, i) && card->channels[i]->adf == adf)
            return TRUE;
    return FALSE;
}

void
rsp_euicc_leave_application (RspEuicc *card, RspEuiccChannel *ch)
{
    if (ch->adf && card->uicc && !open_elsewhere (card, ch, ch->adf))
        rsp_uicc_forget_local (card->uicc, ch->adf);
    ch->app = RSP_APP_NONE;
    ch->adf = ch->df = ch->ef = NULL;
    ch->record = 0;
}

guint
rsp_euicc_select_adf (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                      GByteArray *out)
{
    RspUiccFile *adf = find_adf (rsp_euicc_uicc (card), ch->adf, c->data, c->p2 & 0x03);
    if (!adf)
        return 0x6A82;
    if (c->p2 & 0x40) { /* the session of the application ends */
        if (adf != ch->adf)
            return 0x6A82;
        rsp_euicc_leave_application (card, ch);
        return 0x9000;
    }
    if (adf != ch->adf)
        rsp_euicc_leave_application (card, ch);
    ch->app = RSP_APP_ADF;
    ch->adf = ch->df = adf;
    ch->ef = NULL;
    ch->record = 0;
    return answer_selected (card, adf, c->p2, out);
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

/* --- Life cycle --- */

static guint
set_life (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, guint8 operation,
          guint8 lcsi)
{
    RspUiccFile *file = ch->ef;
    guint sw = c->p2 != 0 || (c->p1 != 0 && c->p1 != 0x08 && c->p1 != 0x09) ? 0x6A86 : 0x9000;
    if (sw == 0x9000 && c->data.len > 0)
        sw = named_file (card, ch, c, &file);
    if (sw != 0x9000)
        return sw;
    if (!file)
        return 0x6986;
    if (rsp_uicc_is_df (file))
        return 0x6981;
    if (file->lcsi == 0x0C)
        return 0x6985;
    if (!rsp_euicc_allowed (card, ch, file, c, operation))
        return 0x6982;
    if (file->lcsi != lcsi && !rsp_euicc_keep_life (card, file, lcsi))
        return 0x6581;
    file->lcsi = lcsi;
    return 0x9000;
}

guint
rsp_euicc_activate_file (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                         GByteArray *out)
{
    return set_life (card, ch, c, RSP_ACCESS_ACTIVATE, 0x05);
}

guint
rsp_euicc_deactivate_file (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                           GByteArray *out)
{
    return set_life (card, ch, c, RSP_ACCESS_DEACTIVATE, 0x04);
}
