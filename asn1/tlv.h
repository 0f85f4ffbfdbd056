/* Bounded BER-TLV walking and building: for BPP segments, profile elements, APDU data, and as the
 * strict DER check in front of libtasn1. Tags are kept as their encoded octets in one integer
 * (0x30, 0x5A, 0xBF38, 0x5F37, 0x9F70), the way the specifications print them. */
#pragma once

#include "sim/core/bytes.h"

typedef struct {
    guint32 tag;
    RspSlice value;
    RspSlice whole; /* tag, length and value as received */
} RspTlv;

typedef enum { RSP_TLV_OK, RSP_TLV_END, RSP_TLV_BAD } RspTlvResult;

/* Takes the next TLV off *INPUT (definite minimal lengths, tags ≤ 3 octets). *INPUT stays on BAD.
 */
RspTlvResult rsp_tlv_next (RspSlice *input, RspTlv *ret_tlv);
/* Finds the first child TAG in a constructed value. */
gboolean rsp_tlv_find (RspSlice value, guint32 tag, RspTlv *ret_tlv);
/* One whole TLV and nothing after it. */
gboolean rsp_tlv_single (RspSlice input, guint32 tag, RspTlv *ret_tlv);
/* DER all the way down: minimal lengths, depth ≤ 32, ≤ 100,000 elements, no trailing octets.
 * *RET_OFFSET (nullable) is where it went wrong. */
gboolean rsp_der_check (RspSlice der, gsize *ret_offset);

/* Building: append to a GByteArray. */
void rsp_tlv_head (GByteArray *out, guint32 tag, gsize length);
void rsp_tlv_put (GByteArray *out, guint32 tag, RspSlice value);
void rsp_tlv_put_int (GByteArray *out, guint32 tag, gint64 value);
void rsp_tlv_put_text (GByteArray *out, guint32 tag, const char *text);
/* Opens a constructed TLV: returns a mark for rsp_tlv_close, which inserts the length. */
gsize rsp_tlv_open (GByteArray *out, guint32 tag);
void rsp_tlv_close (GByteArray *out, gsize mark);
gsize rsp_tlv_head_size (guint32 tag, gsize length);
