/* Reading and changing EFs (ETSI TS 102 221 11.1.3 to 11.1.8). A change is in non-volatile memory
 * before it shows. */
#include "components/euicc/euicc-internal.h"

#include <string.h>

enum { TRANSPARENT = 1, LINEAR = 2, CYCLIC = 6 };

static gboolean
is_cyclic (const RspUiccFile *ef)
{
    return (ef->kind & 0x07) == CYCLIC;
}

static gboolean
has_structure (const RspUiccFile *ef, guint structure)
{
    guint kind = ef->kind & 0x3F;
    return structure == RSP_EF_RECORDS ? kind == LINEAR || kind == CYCLIC : kind == structure;
}

static guint
check_life (const RspUiccFile *ef)
{
    if (ef->lcsi == 0x04 && !(ef->special & 0x40))
        return 0x6984;
    return ef->lcsi == 0x0C ? 0x6985 : 0x9000;
}

static guint
find_ef (RspEuicc *card, RspEuiccChannel *ch, guint8 sfi, RspUiccFile **ret_ef)
{
    const RspUiccFile *df = ch->df ? ch->df : rsp_uicc_mf (rsp_euicc_uicc (card));
    *ret_ef = sfi ? rsp_uicc_by_sfi (df, sfi) : ch->ef;
    return *ret_ef ? 0x9000 : sfi ? 0x6A82 : 0x6986;
}

guint
rsp_euicc_open_ef (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, guint8 sfi,
                   guint structure, guint8 operation, RspUiccFile **ret_ef)
{
    guint sw = find_ef (card, ch, sfi, ret_ef);
    if (sw != 0x9000)
        return sw;
    if (!has_structure (*ret_ef, structure))
        return 0x6981;
    sw = check_life (*ret_ef);
    if (sw != 0x9000)
        return sw;
    if (!rsp_euicc_allowed (card, ch, *ret_ef, c, operation))
        return 0x6982;
    if (*ret_ef != ch->ef) {
        ch->ef = *ret_ef;
        ch->record = 0;
    }
    return 0x9000;
}

/* Puts VALUE at OFFSET of a copy of the body that begins with record (or octet) TURN, keeps it, and
 * makes it the body. */
static guint
change (RspEuicc *card, RspUiccFile *ef, guint turn, guint offset, RspSlice value)
{
    RspUiccBody *body = ef->body;
    g_autofree guint8 *next = g_malloc (MAX (body->size, 1));
    memcpy (next, body->data + turn, body->size - turn);
    memcpy (next + body->size - turn, body->data, turn);
    memcpy (next + offset, value.data, value.len);
    if (!rsp_euicc_keep_body (card, ef, RSP_SLICE (next, body->size)))
        return 0x6581;
    memcpy (body->data, next, body->size);
    return 0x9000;
}

/* --- Transparent files --- */

static guint
open_binary (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, guint8 operation,
             RspUiccFile **ret_ef, guint *ret_offset)
{
    gboolean by_sfi = c->p1 & 0x80;
    if (by_sfi && (c->p1 & 0x60 || !(c->p1 & 0x1F)))
        return 0x6A86;
    if ((operation == RSP_ACCESS_READ) != (c->data.len == 0))
        return 0x6700;
    guint8 sfi = by_sfi ? c->p1 & 0x1F : 0;
    guint sw = rsp_euicc_open_ef (card, ch, c, sfi, TRANSPARENT, operation, ret_ef);
    if (sw != 0x9000)
        return sw;
    *ret_offset = by_sfi ? c->p2 : (guint)(c->p1 << 8 | c->p2);
    return *ret_offset < (*ret_ef)->body->size ? 0x9000 : 0x6B00;
}

guint
rsp_euicc_read_binary (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    RspUiccFile *ef;
    guint offset;
    guint sw = open_binary (card, ch, c, RSP_ACCESS_READ, &ef, &offset);
    if (sw != 0x9000)
        return sw;
    guint rest = MIN (ef->body->size - offset, 256);
    if (c->has_le && c->le > rest)
        return 0x6C00 | (rest & 0xFF);
    g_byte_array_append (out, ef->body->data + offset, c->has_le ? c->le : rest);
    return 0x9000;
}

guint
rsp_euicc_update_binary (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                         GByteArray *out)
{
    RspUiccFile *ef;
    guint offset;
    guint sw = open_binary (card, ch, c, RSP_ACCESS_UPDATE, &ef, &offset);
    if (sw != 0x9000)
        return sw;
    if (c->data.len > ef->body->size - offset)
        return 0x6700;
    return change (card, ef, 0, offset, c->data);
}

/* --- Records --- */

static guint
open_records (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, guint8 operation,
              RspUiccFile **ret_ef)
{
    return c->p2 >> 3 == 0x1F
               ? 0x6A86
               : rsp_euicc_open_ef (card, ch, c, c->p2 >> 3, RSP_EF_RECORDS, operation, ret_ef);
}

/* 0: there is none. */
static guint
record_number (const RspUiccFile *ef, const RspEuiccChannel *ch, guint8 p1, guint8 mode)
{
    guint last = ef->records, number;
    switch (mode) {
    case 2:
        number = ch->record < last ? ch->record + 1 : is_cyclic (ef) ? 1 : 0;
        break;
    case 3:
        number = ch->record > 1 ? ch->record - 1 : ch->record == 0 || is_cyclic (ef) ? last : 0;
        break;
    default:
        number = p1 ? p1 : ch->record;
    }
    return number <= last ? number : 0;
}

static const guint8 *
record_at (const RspUiccFile *ef, guint number)
{
    return ef->body->data + (gsize)(number - 1) * ef->record_size;
}

static gboolean
is_record_mode (const RspEuiccCommand *c)
{
    guint8 mode = c->p2 & 0x07;
    return mode == 4 || ((mode == 2 || mode == 3) && c->p1 == 0);
}

guint
rsp_euicc_read_record (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                       GByteArray *out)
{
    RspUiccFile *ef;
    guint8 mode = c->p2 & 0x07;
    if (!is_record_mode (c))
        return 0x6A86;
    if (c->data.len > 0)
        return 0x6700;
    guint sw = open_records (card, ch, c, RSP_ACCESS_READ, &ef);
    if (sw != 0x9000)
        return sw;
    guint record = record_number (ef, ch, c->p1, mode);
    if (record == 0)
        return 0x6A83;
    if (c->has_le && c->le != ef->record_size)
        return 0x6C00 | (ef->record_size & 0xFF);
    if (mode != 4)
        ch->record = record;
    g_byte_array_append (out, record_at (ef, record), ef->record_size);
    return 0x9000;
}

/* The oldest record of a cyclic file, its last one, gets the value and becomes the first. */
static guint
write_newest (RspEuicc *card, RspEuiccChannel *ch, RspUiccFile *ef, RspSlice value)
{
    guint turn = ef->body->size - ef->record_size;
    guint sw = change (card, ef, turn, 0, value);
    if (sw == 0x9000)
        ch->record = 1;
    return sw;
}

guint
rsp_euicc_update_record (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                         GByteArray *out)
{
    RspUiccFile *ef;
    guint8 mode = c->p2 & 0x07;
    if (!is_record_mode (c))
        return 0x6A86;
    if (c->data.len == 0)
        return 0x6700;
    guint sw = open_records (card, ch, c, RSP_ACCESS_UPDATE, &ef);
    if (sw != 0x9000)
        return sw;
    if (is_cyclic (ef) && mode != 3)
        return 0x6A86;
    if (c->data.len != ef->record_size)
        return 0x6700;
    if (is_cyclic (ef))
        return write_newest (card, ch, ef, c->data);
    guint record = record_number (ef, ch, c->p1, mode);
    if (record == 0)
        return 0x6A83;
    sw = change (card, ef, 0, (record - 1) * ef->record_size, c->data);
    if (sw == 0x9000 && mode != 4)
        ch->record = record;
    return sw;
}

/* --- SEARCH RECORD --- */

typedef struct {
    RspSlice pattern;
    guint start;       /* record number, 0: none */
    gboolean backward; /* towards record 1 */
    gboolean by_value; /* FROM is an octet: each record is searched from where it is first */
    guint8 from;       /* offset otherwise */
} Search;

static gboolean
record_has (const Search *s, const guint8 *record, gsize size)
{
    gsize from = s->from;
    if (s->by_value) {
        const guint8 *at = memchr (record, s->from, size);
        if (!at)
            return FALSE;
        from = (gsize)(at - record);
    }
    return from < size && memmem (record + from, size - from, s->pattern.data, s->pattern.len);
}

/* The enhanced form begins with two octets: b4 value or offset, b3 to b1 direction and start. */
static guint
read_search (const RspUiccFile *ef, const RspEuiccChannel *ch, const RspEuiccCommand *c, Search *s)
{
    guint8 way = c->p2 & 0x07;
    s->pattern = c->data;
    if (way == 6) {
        if (c->data.len < 3)
            return 0x6700;
        if (c->data.data[0] & 0xF0 || !(c->data.data[0] & 0x04))
            return 0x6A80;
        way = c->data.data[0] & 0x07;
        s->by_value = c->data.data[0] & 0x08;
        s->from = c->data.data[1];
        s->pattern = RSP_SLICE (c->data.data + 2, c->data.len - 2);
    }
    if (s->pattern.len > ef->record_size)
        return 0x6700;
    s->backward = way & 1;
    if (way >= 6 && c->p1 != 0)
        return 0x6A86;
    s->start =
        way >= 6 ? record_number (ef, ch, 0, way == 6 ? 2 : 3) : record_number (ef, ch, c->p1, 4);
    return s->start ? 0x9000 : 0x6A83;
}

guint
rsp_euicc_search_record (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                         GByteArray *out)
{
    RspUiccFile *ef;
    Search s = {0};
    guint8 mode = c->p2 & 0x07;
    if (mode < 4 || mode > 6)
        return 0x6A86;
    if (c->data.len == 0)
        return 0x6700;
    guint sw = open_records (card, ch, c, RSP_ACCESS_READ, &ef);
    if (sw == 0x9000)
        sw = read_search (ef, ch, c, &s);
    if (sw != 0x9000)
        return sw;
    for (guint n = s.start; n >= 1 && n <= ef->records; n += s.backward ? -1u : 1u) {
        guint8 number = (guint8)n;
        if (record_has (&s, record_at (ef, n), ef->record_size))
            g_byte_array_append (out, &number, 1);
    }
    if (out->len == 0)
        return 0x6282;
    ch->record = out->data[0];
    return 0x9000;
}

/* --- INCREASE --- */

/* SUM = OLD + ADDED, big-endian, SIZE octets. FALSE where it does not fit. */
static gboolean
add (const guint8 *old, guint size, RspSlice added, guint8 *sum)
{
    guint carry = 0;
    for (guint i = 0; i < MAX (size, added.len); i++) {
        guint digit = carry + (i < size ? old[size - 1 - i] : 0u) +
                      (i < added.len ? added.data[added.len - 1 - i] : 0u);
        if (i < size)
            sum[size - 1 - i] = (guint8)digit;
        else if (digit)
            return FALSE;
        carry = digit >> 8;
    }
    return carry == 0;
}

guint
rsp_euicc_increase (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    RspUiccFile *ef;
    guint8 sum[256];
    if (c->p2 != 0 || (c->p1 != 0 && (c->p1 & 0xE0) != 0x80))
        return 0x6A86;
    if (c->data.len == 0 || c->data.len > 127)
        return 0x6700;
    guint sw = rsp_euicc_open_ef (card, ch, c, c->p1 & 0x1F, CYCLIC, 0, &ef);
    if (sw != 0x9000)
        return sw;
    if (!add (record_at (ef, 1), ef->record_size, c->data, sum))
        return 0x9850;
    sw = write_newest (card, ch, ef, RSP_SLICE (sum, ef->record_size));
    if (sw != 0x9000)
        return sw;
    g_byte_array_append (out, sum, ef->record_size);
    g_byte_array_append (out, c->data.data, (guint)c->data.len);
    return 0x9000;
}
