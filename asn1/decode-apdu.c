#include "asn1/decode-private.h"
#include "asn1/functions.h"

#include <string.h>

#define INS_STORE_DATA 0xe2

static const struct {
    guint8 ins;
    const char *name;
} instructions[] = {
    {0x10, "TERMINAL PROFILE"},
    {0x12, "FETCH"},
    {0x14, "TERMINAL RESPONSE"},
    {0x20, "VERIFY PIN"},
    {0x24, "CHANGE PIN"},
    {0x2c, "UNBLOCK PIN"},
    {0x70, "MANAGE CHANNEL"},
    {0x88, "AUTHENTICATE"},
    {0x89, "AUTHENTICATE"},
    {0xa4, "SELECT"},
    {0xaa, "TERMINAL CAPABILITY"},
    {0xb0, "READ BINARY"},
    {0xb2, "READ RECORD"},
    {0xc0, "GET RESPONSE"},
    {0xc2, "ENVELOPE"},
    {0xca, "GET DATA"},
    {0xd6, "UPDATE BINARY"},
    {0xdc, "UPDATE RECORD"},
    {INS_STORE_DATA, "STORE DATA"},
    {0xf2, "STATUS"},
};

static const struct {
    guint16 sw, mask;
    const char *meaning;
} status_words[] = {
    {0x9000, 0xffff, "normal ending"},
    {0x9100, 0xff00, "normal ending, a proactive command is pending"},
    {0x6100, 0xff00, "more response octets are available"},
    {0x6c00, 0xff00, "wrong Le"},
    {0x63c0, 0xfff0, "verification failed, tries left"},
    {0x6300, 0xffff, "verification failed"},
    {0x6283, 0xffff, "selected file is deactivated"},
    {0x6581, 0xffff, "memory problem"},
    {0x6700, 0xffff, "wrong length"},
    {0x6881, 0xffff, "logical channel not supported"},
    {0x6982, 0xffff, "security status not satisfied"},
    {0x6983, 0xffff, "authentication method blocked"},
    {0x6985, 0xffff, "conditions of use not satisfied"},
    {0x6986, 0xffff, "command not allowed"},
    {0x6a80, 0xffff, "incorrect data"},
    {0x6a81, 0xffff, "function not supported"},
    {0x6a82, 0xffff, "file or application not found"},
    {0x6a83, 0xffff, "record not found"},
    {0x6a84, 0xffff, "not enough memory"},
    {0x6a86, 0xffff, "incorrect P1 P2"},
    {0x6a88, 0xffff, "referenced data not found"},
    {0x6b00, 0xffff, "wrong P1 P2"},
    {0x6d00, 0xffff, "instruction not supported"},
    {0x6e00, 0xffff, "class not supported"},
    {0x6f00, 0xff00, "technical problem"},
};

static const char *
instruction_name (guint8 ins)
{
    for (gsize i = 0; i < G_N_ELEMENTS (instructions); i++)
        if (instructions[i].ins == ins)
            return instructions[i].name;
    return NULL;
}

static const char *
status_meaning (guint16 sw)
{
    for (gsize i = 0; i < G_N_ELEMENTS (status_words); i++)
        if ((sw & status_words[i].mask) == status_words[i].sw)
            return status_words[i].meaning;
    return NULL;
}

/* First inter-industry, further inter-industry and GlobalPlatform classes (TS 102 221 10.1.1). */
static guint
channel_of (guint8 cla)
{
    return cla & 0x40 ? 4u + (cla & 0xf) : cla & 3u;
}

/* Splits short APDUs into data and Le. FALSE if the lengths do not fit. */
static gboolean
split_command (RspSlice apdu, RspSlice *ret_data, int *ret_le)
{
    *ret_data = RSP_SLICE (NULL, 0);
    *ret_le = -1;
    if (apdu.len == 4)
        return TRUE;
    if (apdu.len == 5) {
        *ret_le = apdu.data[4];
        return TRUE;
    }
    gsize lc = apdu.data[4];
    if (lc == 0 || (apdu.len != 5 + lc && apdu.len != 6 + lc))
        return FALSE;
    *ret_data = RSP_SLICE (apdu.data + 5, lc);
    if (apdu.len == 6 + lc)
        *ret_le = apdu.data[5 + lc];
    return TRUE;
}

static void
show_der (RspItem *item, RspSlice data)
{
    RspTlv tlv;
    RspSlice in = data;
    if (rsp_tlv_next (&in, &tlv) == RSP_TLV_OK && in.len == 0 && rsp_der_check (data, NULL))
        rsp_decode_der (item, NULL, NULL, data, NULL);
    else
        rsp_item_set_hex (rsp_item_add (item, "data"), data);
}

/* The first block of a chain begins with the command's tag, which names the function. */
static void
show_store_data (RspItem *item, const guint8 *head, RspSlice data)
{
    gboolean last = (head[2] & 0x80) != 0;
    rsp_item_set (rsp_item_add (item, "block"), "%u, %s", head[3], last ? "last" : "more follow");
    if (head[3] == 0 && data.len >= 2) {
        const RspFunction *fn = rsp_function_by_tag ((guint32)(data.data[0] << 8 | data.data[1]));
        if (fn)
            rsp_item_set (rsp_item_add (item, "function"), "%s", fn->full_name);
    }
    show_der (item, data);
}

static gboolean
show_command (RspItem *parent, RspSlice apdu)
{
    RspSlice data;
    int le;
    const char *name = apdu.len >= 4 ? instruction_name (apdu.data[1]) : NULL;
    guint8 group = apdu.len ? apdu.data[0] & 0xb0 : 0xff;
    if (!name || (group != 0x00 && group != 0x80) || !split_command (apdu, &data, &le))
        return FALSE;
    const guint8 *head = apdu.data;
    RspItem *item = rsp_item_add (parent, "command APDU");
    rsp_item_set (item, "%s on channel %u", name, channel_of (head[0]));
    rsp_item_set (rsp_item_add (item, "header"), "CLA %02X, INS %02X, P1 %02X, P2 %02X", head[0],
                  head[1], head[2], head[3]);
    if (data.len)
        rsp_item_set (rsp_item_add (item, "Lc"), "%" G_GSIZE_FORMAT, data.len);
    if (data.len && head[1] == INS_STORE_DATA)
        show_store_data (item, head, data);
    else if (data.len)
        rsp_item_set_hex (rsp_item_add (item, "data"), data);
    if (le >= 0)
        rsp_item_set (rsp_item_add (item, "Le"), "%d", le == 0 ? 256 : le);
    return TRUE;
}

gboolean
rsp_decode_apdu (RspItem *parent, RspSlice apdu)
{
    if (show_command (parent, apdu))
        return TRUE;
    if (apdu.len < 2 || apdu.len > 258)
        return FALSE;
    guint16 sw = (guint16)(apdu.data[apdu.len - 2] << 8 | apdu.data[apdu.len - 1]);
    const char *meaning = status_meaning (sw);
    if (!meaning)
        return FALSE;
    RspItem *item = rsp_item_add (parent, "response APDU");
    rsp_item_set (item, "SW %04X, %s", sw, meaning);
    if (apdu.len > 2)
        show_der (item, RSP_SLICE (apdu.data, apdu.len - 2));
    return TRUE;
}
