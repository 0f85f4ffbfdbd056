/* File control parameters of SELECT and STATUS (ETSI TS 102 221 11.1.1.3). */
#include "components/euicc/euicc-fs.h"

#define UNIVERSAL_PIN 0x11

static void
put_bytes (GByteArray *out, guint32 tag, const guint8 *data, gsize len)
{
    rsp_tlv_put (out, tag, RSP_SLICE (data, len));
}

static void
put_descriptor (GByteArray *out, const RspUiccFile *file)
{
    gboolean records = file->record_size > 0;
    guint8 descriptor[5] = {file->kind, 0x21, (guint8)(file->record_size >> 8),
                            (guint8)file->record_size, (guint8)file->records};
    put_bytes (out, 0x82, descriptor, records ? 5 : 2);
}

/* Two octets at least, most significant first. */
static void
put_number (GByteArray *out, guint32 tag, guint32 n)
{
    const guint8 octets[4] = {(guint8)(n >> 24), (guint8)(n >> 16), (guint8)(n >> 8), (guint8)n};
    gsize skip = n > 0xFFFFFF ? 0 : n > 0xFFFF ? 1 : 2;
    put_bytes (out, tag, octets + skip, 4 - skip);
}

static gboolean
is_ber_tlv (const RspUiccFile *file)
{
    return (file->kind & 0x3F) == 0x39;
}

static void
put_proprietary (GByteArray *out, const RspUiccFile *file, guint32 free_memory)
{
    guint8 number[4] = {(guint8)(free_memory >> 24), (guint8)(free_memory >> 16),
                        (guint8)(free_memory >> 8), (guint8)free_memory};
    if (file->parent && !file->special && !is_ber_tlv (file))
        return;
    gsize mark = rsp_tlv_open (out, 0xA5);
    if (!file->parent) {
        put_bytes (out, 0x80, (const guint8[]){0x71}, 1); /* clock stop, supply classes */
        put_bytes (out, 0x83, number, sizeof number);
        put_bytes (out, 0x87, (const guint8[]){0x01}, 1); /* TERMINAL CAPABILITY is known */
    }
    if (is_ber_tlv (file)) {
        put_bytes (out, 0x84, (const guint8[]){0x01}, 1); /* file details: DER */
        put_number (out, 0x85, file->body->size);
        if (file->maximum > 0)
            put_number (out, 0x86, file->maximum);
    }
    if (file->parent && file->special)
        put_bytes (out, 0xC0, &file->special, 1);
    rsp_tlv_close (out, mark);
}

/* PIN status: which of the DF's keys are enabled, then the references. */
static void
put_pin_status (GByteArray *out, const RspUicc *uicc, const RspUiccFile *df)
{
    guint8 states[4] = {0};
    gsize n = MIN (df->pins.len, 8 * sizeof states);
    for (gsize i = 0; i < n; i++) {
        const RspUiccPin *pin = rsp_uicc_pin (uicc, df, df->pins.data[i], FALSE);
        if (pin && pin->attributes & 1)
            states[i / 8] |= (guint8)(0x80 >> i % 8);
    }
    gsize mark = rsp_tlv_open (out, 0xC6);
    put_bytes (out, 0x90, states, MAX ((n + 7) / 8, 1));
    for (gsize i = 0; i < n; i++) {
        if (df->pins.data[i] == UNIVERSAL_PIN)
            put_bytes (out, 0x95, (const guint8[]){0x08}, 1);
        put_bytes (out, 0x83, df->pins.data + i, 1);
    }
    rsp_tlv_close (out, mark);
}

static void
put_size (GByteArray *out, const RspUiccFile *file)
{
    guint8 sfi = (guint8)(file->sfi << 3);
    put_number (out, 0x80, MAX (file->body->size, file->body->used));
    put_bytes (out, 0x88, &sfi, file->sfi ? 1 : 0);
}

void
rsp_uicc_fcp (const RspUicc *uicc, const RspUiccFile *file, guint32 free_memory, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0x62);
    put_descriptor (out, file);
    guint8 fid[2] = {(guint8)(file->fid >> 8), (guint8)file->fid};
    /* The FID of an ADF was temporary. */
    if (file->aid.len > 0)
        rsp_tlv_put (out, 0x84, file->aid);
    else
        put_bytes (out, 0x83, fid, sizeof fid);
    put_proprietary (out, file, free_memory);
    put_bytes (out, 0x8A, &file->lcsi, 1);
    guint8 rule[3] = {(guint8)(file->arr_fid >> 8), (guint8)file->arr_fid, file->arr_record};
    put_bytes (out, 0x8B, rule, sizeof rule);
    if (rsp_uicc_is_df (file))
        put_pin_status (out, uicc, file);
    else
        put_size (out, file);
    rsp_tlv_close (out, mark);
}
