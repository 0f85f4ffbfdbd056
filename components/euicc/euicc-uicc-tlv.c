/* BER-TLV files (ETSI TS 102 221 11.3): RETRIEVE DATA and SET DATA, in one block or in several. The
 * body is its objects, one after another. */
#include "components/euicc/euicc-internal.h"

#define BER_TLV 0x39
#define BLOCK 256
#define FIRST_BLOCK 0x80

void
rsp_euicc_object_clear (RspEuiccObject *object)
{
    g_clear_pointer (&object->incoming, g_byte_array_unref);
    *object = (RspEuiccObject){0};
}

static gboolean
names_block (const RspEuiccCommand *c)
{
    return c->p1 == 0 && ((c->p2 & 0xE0) == FIRST_BLOCK || (c->p2 & 0xE0) == 0x00);
}

static guint
open_objects (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, guint8 operation,
              RspUiccFile **ret_ef)
{
    guint sw = rsp_euicc_open_ef (card, ch, c, c->p2 & 0x1F, BER_TLV, operation, ret_ef);
    if (sw != 0x9000)
        return sw;
    if (c->p2 & FIRST_BLOCK)
        rsp_euicc_object_clear (&ch->object);
    else if (ch->object.ef != *ret_ef)
        return 0x6985;
    return 0x9000;
}

/* Takes a tag of up to three octets off *INPUT. */
static gboolean
take_tag (RspSlice *input, guint32 *ret_tag)
{
    gsize n = 0;
    guint32 tag = 0;
    gboolean more = TRUE;
    while (more && n < input->len && n < 3) {
        guint8 octet = input->data[n++];
        tag = tag << 8 | octet;
        more = n == 1 ? (octet & 0x1F) == 0x1F : octet & 0x80;
    }
    *input = RSP_SLICE (input->data + n, input->len - n);
    *ret_tag = tag;
    return n > 0 && !more;
}

/* Octets of the object whose tag was before REST: its length octets and what they count. */
static gboolean
take_length (RspSlice rest, gsize *ret_size)
{
    if (rest.len == 0)
        return FALSE;
    gsize n = rest.data[0] & 0x80 ? rest.data[0] & 0x7F : 0, size = n ? 0 : rest.data[0];
    if ((rest.data[0] & 0x80 && n == 0) || n > 3 || rest.len < 1 + n)
        return FALSE;
    for (gsize i = 1; i <= n; i++)
        size = size << 8 | rest.data[i];
    *ret_size = 1 + n + size;
    return TRUE;
}

static gboolean
find_object (const RspUiccFile *ef, guint32 tag, RspTlv *ret)
{
    return rsp_tlv_find (RSP_SLICE (ef->body->data, ef->body->used), tag, ret);
}

/* Commands without data ask for Le octets at once; with data, the answer waits for GET RESPONSE. */
guint
rsp_euicc_retrieve_data (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                         GByteArray *out)
{
    RspEuiccObject *object = &ch->object;
    gboolean first = (c->p2 & FIRST_BLOCK) != 0;
    RspSlice name = c->data;
    RspUiccFile *ef;
    RspTlv tlv;
    if (!names_block (c))
        return 0x6A86;
    if (first == (c->data.len == 0))
        return 0x6700;
    guint sw = open_objects (card, ch, c, RSP_ACCESS_READ, &ef);
    if (sw != 0x9000)
        return sw;
    if (first) {
        if (!take_tag (&name, &object->tag) || name.len > 0)
            return 0x6A80;
        object->ef = ef;
    } else if (object->incoming) {
        return 0x6985;
    }
    if (!find_object (ef, object->tag, &tlv) || object->sent > tlv.whole.len) {
        rsp_euicc_object_clear (object);
        return 0x6A88;
    }
    gsize rest = tlv.whole.len - object->sent;
    if (!first && c->has_le && c->le > rest)
        return 0x6C00 | (guint)rest;
    gsize n = MIN (!first && c->has_le ? c->le : BLOCK, rest);
    g_byte_array_append (out, tlv.whole.data + object->sent, (guint)n);
    object->sent += n;
    if (n < rest)
        return 0x62F1;
    rsp_euicc_object_clear (object);
    return 0x9000;
}

/* Leaves out the object TAG and puts WHOLE, if there is one, at the end. */
static guint
store (RspEuicc *card, RspUiccFile *ef, guint32 tag, RspSlice whole)
{
    g_autoptr (GByteArray) body = g_byte_array_new ();
    RspSlice rest = RSP_SLICE (ef->body->data, ef->body->used);
    RspTlv tlv;
    while (rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK)
        if (tlv.tag != tag)
            g_byte_array_append (body, tlv.whole.data, (guint)tlv.whole.len);
    g_byte_array_append (body, whole.data, (guint)whole.len);
    RspSlice content = RSP_SLICE (body->data, body->len);
    if (content.len > rsp_uicc_room (ef))
        return 0x6A84;
    if (!rsp_euicc_keep_body (card, ef, content))
        return 0x6581;
    rsp_uicc_set_body (rsp_euicc_uicc (card), ef, content);
    return 0x9000;
}

/* Begins an object; a tag alone deletes it. */
static guint
begin (RspEuicc *card, RspUiccFile *ef, RspEuiccObject *object, RspSlice data)
{
    RspSlice rest = data;
    RspTlv old;
    gsize size;
    if (!take_tag (&rest, &object->tag))
        return 0x6A80;
    if (rest.len == 0)
        return find_object (ef, object->tag, &old)
                   ? store (card, ef, object->tag, RSP_SLICE (NULL, 0))
                   : 0x6A88;
    if (!take_length (rest, &size))
        return 0x6A80;
    object->expected = data.len - rest.len + size;
    if (object->expected > rsp_uicc_room (ef))
        return 0x6A84;
    object->ef = ef;
    object->incoming = g_byte_array_new ();
    return 0x9000;
}

guint
rsp_euicc_set_data (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    RspEuiccObject *object = &ch->object;
    RspUiccFile *ef;
    RspTlv tlv;
    if (!names_block (c))
        return 0x6A86;
    if (c->data.len == 0)
        return 0x6700;
    guint sw = open_objects (card, ch, c, RSP_ACCESS_UPDATE, &ef);
    if (sw == 0x9000 && c->p2 & FIRST_BLOCK)
        sw = begin (card, ef, object, c->data);
    if (sw != 0x9000 || (c->p2 & FIRST_BLOCK && !object->incoming))
        return sw;
    if (!object->incoming)
        return 0x6985;
    g_byte_array_append (object->incoming, c->data.data, (guint)c->data.len);
    if (object->incoming->len < object->expected)
        return 0x63F1;
    RspSlice whole = RSP_SLICE (object->incoming->data, object->incoming->len);
    sw = rsp_tlv_single (whole, object->tag, &tlv) ? store (card, ef, object->tag, whole) : 0x6A80;
    rsp_euicc_object_clear (object);
    return sw;
}
