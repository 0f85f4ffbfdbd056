/* A Bound Profile Package cut into STORE DATA chains: SGP.22 2.5.5. */
#include "sim/net/apdu.h"

#include "asn1/tlv.h"

#define MAX_SEGMENTS 65536

typedef struct {
    GBytes *bpp;
    RspSlice all;
    GPtrArray *segments;
    GArray *functions;
} Splitter;

static void
split_add (Splitter *s, const guint8 *from, const guint8 *to, guint function)
{
    if (from == to)
        return;
    g_ptr_array_add (s->segments, rsp_slice_share (s->bpp, RSP_SLICE (from, to - from)));
    g_array_append_val (s->functions, function);
}

/* Header, then each child of TAG; FALSE (with *AT at the rest) on anything else. */
static gboolean
split_sequence (Splitter *s, const RspTlv *list, guint32 tag, guint function, const guint8 **at)
{
    split_add (s, list->whole.data, list->value.data, RSP_FN_COUNT);
    *at = list->value.data;

    RspSlice children = list->value;
    RspTlv child;
    RspTlvResult result;
    while ((result = rsp_tlv_next (&children, &child)) == RSP_TLV_OK) {
        if (child.tag != tag || s->segments->len >= MAX_SEGMENTS)
            return FALSE;
        *at = child.whole.data + child.whole.len;
        split_add (s, child.whole.data, *at, function);
    }
    return result == RSP_TLV_END;
}

/* Cuts what has the structure of a package; returns where that ends. */
static const guint8 *
split_package (Splitter *s)
{
    const guint8 *at = s->all.data;
    RspSlice input = s->all;
    RspTlv bpp, tlv;
    if (rsp_tlv_next (&input, &bpp) != RSP_TLV_OK || bpp.tag != 0xBF36)
        return at;

    RspSlice parts = bpp.value;
    if (rsp_tlv_next (&parts, &tlv) != RSP_TLV_OK || tlv.tag != 0xBF23)
        return at;
    split_add (s, at, parts.data, RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL);
    at = parts.data;

    guint32 before = 0;
    while (rsp_tlv_next (&parts, &tlv) == RSP_TLV_OK) {
        if (tlv.tag <= before)
            return at;
        before = tlv.tag;
        gboolean fits = TRUE;
        switch (tlv.tag) {
        case 0xA0:
            split_add (s, tlv.whole.data, parts.data, RSP_FN_ES8P_CONFIGURE_ISDP);
            at = parts.data;
            break;
        case 0xA1:
            fits = split_sequence (s, &tlv, 0x88, RSP_FN_ES8P_STORE_METADATA, &at);
            break;
        case 0xA2:
            split_add (s, tlv.whole.data, parts.data, RSP_FN_ES8P_REPLACE_SESSION_KEYS);
            at = parts.data;
            break;
        case 0xA3:
            fits = split_sequence (s, &tlv, 0x86, RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS, &at);
            break;
        default:
            fits = FALSE;
        }
        if (!fits)
            return at;
    }
    return at;
}

GPtrArray *
rsp_bpp_segments (GBytes *bpp, GArray **ret_functions)
{
    Splitter s = {
        .bpp = bpp,
        .all = rsp_slice_of (bpp),
        .segments = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref),
        .functions = g_array_new (FALSE, FALSE, sizeof (guint)),
    };
    if (s.all.len > 0) {
        const guint8 *rest = split_package (&s);
        split_add (&s, rest, s.all.data + s.all.len, RSP_FN_COUNT);
    }
    if (ret_functions)
        *ret_functions = s.functions;
    else
        g_array_unref (s.functions);
    return s.segments;
}
