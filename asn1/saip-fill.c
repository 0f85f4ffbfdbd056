/* What a file holds at first: the template's or the profile's pattern, then the profile's content
 * (SAIP 8.3). */
#include "asn1/saip-schema.h"

#include <string.h>

static void
fill_unit (const RspSaipFileDef *def, guint8 *out, gsize n)
{
    const RspSaipFile *row = def->row;
    gboolean own = def->has_fill || def->has_repeat;
    RspSlice head = own ? def->pattern : row ? row->head : RSP_SLICE (NULL, 0);
    RspSlice tail = own || !row ? RSP_SLICE (NULL, 0) : row->tail;
    gboolean repeat = own ? def->has_repeat : row && row->repeat;
    gboolean stretch = own ? def->has_fill : tail.len > 0;
    if (repeat && head.len) {
        for (gsize i = 0; i < n; i++)
            out[i] = head.data[i % head.len];
        return;
    }
    memset (out, stretch && head.len ? head.data[head.len - 1] : 0xFF, n);
    if (head.len)
        memcpy (out, head.data, MIN (head.len, n));
    if (tail.len && n >= head.len + tail.len)
        memcpy (out + n - tail.len, tail.data, tail.len);
}

RspSaipStatus
rsp_saip_fill (const RspSaipFileDef *file, guint8 *out)
{
    guint structure = file->kind & 0x3F;
    if ((structure == 0x02 || structure == 0x06) && file->record_size && file->size) {
        fill_unit (file, out, file->record_size);
        for (gsize at = file->record_size; at < file->size; at += file->record_size)
            memcpy (out + at, out, file->record_size);
    } else
        fill_unit (file, out, file->size);
    return rsp_saip_update (file->content, out, file->size);
}

RspSaipStatus
rsp_saip_update (RspSlice content, guint8 *body, gsize size)
{
    gsize at = 0;
    RspTlv tlv;
    while (content.len) {
        if (rsp_tlv_next (&content, &tlv) != RSP_TLV_OK)
            return RSP_SAIP_INVALID_REQUEST_FORMAT;
        if (tlv.tag == 0x82 || tlv.tag == 0x02) {
            gint64 offset;
            if (!rsp_saip_int (tlv.value, &offset) || offset < 0 || offset > G_MAXUINT16)
                return RSP_SAIP_BAD_VALUES;
            at += offset;
        } else {
            if (tlv.value.len > size || at > size - tlv.value.len)
                return RSP_SAIP_INVALID_PARAMETER;
            if (tlv.value.len)
                memcpy (body + at, tlv.value.data, tlv.value.len);
            at += tlv.value.len;
        }
        if (at > size)
            return RSP_SAIP_INVALID_PARAMETER;
    }
    return RSP_SAIP_OK;
}

gsize
rsp_saip_extent (RspSlice content)
{
    gsize at = 0;
    gint64 offset;
    RspTlv tlv;
    while (rsp_tlv_next (&content, &tlv) == RSP_TLV_OK) {
        if (tlv.tag != 0x82 && tlv.tag != 0x02)
            at += tlv.value.len;
        else if (rsp_saip_int (tlv.value, &offset))
            at += offset;
    }
    return at;
}
