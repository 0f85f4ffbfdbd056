#include "components/common/iot.h"

#include <string.h>

#define BODY_MAX (1u << 20)

enum { INVALID_EID = 3, REPLAY = 4, COUNTER_RANGE = 6, SIZE_OVERFLOW = 15 };

gboolean
rsp_iot_package_read (RspSlice body, RspIotPackage *p)
{
    RspTlv transaction;
    gboolean present;
    memset (p, 0, sizeof *p);
    if (!rsp_take (&body, 0x30, 0, BODY_MAX, &p->signed_data) ||
        !rsp_take (&body, 0x5F37, 0, 256, &p->signature) || body.len > 0)
        return FALSE;
    RspSlice in = p->signed_data.value;
    if (!rsp_take (&in, 0x80, 1, 128, &p->id) || !rsp_take (&in, 0x5A, 16, 16, &p->eid) ||
        !rsp_take (&in, 0x81, 1, 9, &p->counter) ||
        !rsp_take_optional (&in, 0x82, 1, 16, &transaction, &present))
        return FALSE;
    if (present)
        p->transaction = transaction.value;
    return rsp_tlv_next (&in, &p->list) == RSP_TLV_OK &&
           (p->list.tag == 0xA0 || p->list.tag == 0xA1) && in.len == 0;
}

/* The associationToken data object behind what is signed; none counts as zero. */
static GByteArray *
token_object (gint64 token)
{
    GByteArray *out = g_byte_array_sized_new (12);
    rsp_put_number (out, 0x84, (guint64)token);
    return out;
}

gboolean
rsp_iot_package_is_signed (const RspIotPackage *p, const RspIotEim *eim)
{
    g_autoptr (GByteArray) token = token_object (eim->token);
    RspSlice parts[] = {p->signed_data.whole, RSP_SLICE (token->data, token->len)};
    return rsp_public_verify (eim->key, parts, 2, p->signature.value);
}

guint8
rsp_iot_package_check (const RspIotPackage *p, const RspIotEim *eim, RspSlice eid, guint limit,
                       gint64 *ret_counter)
{
    guint64 counter = 0;
    gboolean number = rsp_read_number (p->counter.value, &counter) && counter <= G_MAXINT64;
    *ret_counter = number ? (gint64)counter : 0;
    if (!rsp_slice_equal (p->eid.value, eid))
        return INVALID_EID;
    if (!number || counter > RSP_IOT_COUNTER_MAX)
        return COUNTER_RANGE;
    if ((gint64)counter <= eim->counter)
        return REPLAY;
    return p->signed_data.whole.len > limit ? SIZE_OVERFLOW : 0;
}

const RspFunction *
rsp_iot_package_function (const RspIotPackage *p, guint32 tag)
{
    const char *type = p->list.tag == 0xA0 ? "Psmo" : "Eco";
    for (guint i = 0; i < RSP_FN_COUNT; i++) {
        const RspFunction *fn = rsp_function (i);
        if (fn->interface == RSP_IF_ESEP && fn->tag == tag && strcmp (fn->request_type, type) == 0)
            return fn;
    }
    return NULL;
}

void
rsp_iot_put_unsigned (const RspIotEims *eims, const RspIotEim *eim, const RspIotPackage *p,
                      GByteArray *out)
{
    gsize outer = rsp_tlv_open (out, 0xBF51), mark = rsp_tlv_open (out, 0xA2);
    rsp_tlv_put (out, 0x80, p->id.value);
    if (p->transaction.len > 0 && !eims->v10)
        rsp_tlv_put (out, 0x82, p->transaction);
    if (eim && eim->token)
        rsp_put_number (out, 0x84, (guint64)eim->token);
    rsp_tlv_close (out, mark);
    rsp_tlv_close (out, outer);
}

/* --- what is signed --- */

static gsize
open_data (GByteArray *out, const RspIotResultOf *of)
{
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, of->eim);
    rsp_put_number (out, 0x81, (guint64)of->counter);
    if (of->transaction.len > 0)
        rsp_tlv_put (out, 0x82, of->transaction);
    return mark;
}

/* BF51{TAG{DATA, signature over DATA and the token}} */
static GByteArray *
signed_result (const RspIotResultOf *of, guint32 tag, const GByteArray *data, RspIotSign sign,
               gpointer signer)
{
    g_autoptr (GByteArray) association = token_object (of->token);
    RspSlice parts[] = {RSP_SLICE (data->data, data->len),
                        RSP_SLICE (association->data, association->len)};
    GByteArray *out = g_byte_array_sized_new (data->len + 96);
    gsize outer = rsp_tlv_open (out, 0xBF51), mark = rsp_tlv_open (out, tag);
    g_byte_array_append (out, data->data, data->len);
    sign (signer, parts, G_N_ELEMENTS (parts), out);
    rsp_tlv_close (out, mark);
    rsp_tlv_close (out, outer);
    return out;
}

GByteArray *
rsp_iot_result (const RspIotResultOf *of, guint64 seq, RspSlice results, RspIotSign sign,
                gpointer signer)
{
    g_autoptr (GByteArray) data = g_byte_array_sized_new ((guint)results.len + 200);
    gsize mark = open_data (data, of);
    rsp_put_number (data, 0x83, seq);
    rsp_tlv_put (data, 0x30, results);
    rsp_tlv_close (data, mark);
    return signed_result (of, 0xA0, data, sign, signer);
}

GByteArray *
rsp_iot_error (const RspIotResultOf *of, guint8 code, RspIotSign sign, gpointer signer)
{
    g_autoptr (GByteArray) data = g_byte_array_sized_new (200);
    gsize mark = open_data (data, of);
    rsp_tlv_put_int (data, 0x02, code);
    rsp_tlv_close (data, mark);
    return signed_result (of, 0xA1, data, sign, signer);
}
