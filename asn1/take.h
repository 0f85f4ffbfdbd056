/* Reading and writing TLVs of fixed order, as cards have them: strict, bounded, without tables. */
#pragma once

#include "asn1/tlv.h"

/* Takes the next TLV if it is TAG with MIN to MAX octets of content. */
gboolean rsp_take (RspSlice *input, guint32 tag, gsize min, gsize max, RspTlv *ret_tlv);
/* FALSE only if the next one is TAG and bad; *RET_PRESENT says whether it was there. */
gboolean rsp_take_optional (RspSlice *input, guint32 tag, gsize min, gsize max, RspTlv *ret_tlv,
                            gboolean *ret_present);
gboolean rsp_is_utf8 (RspSlice s);
gboolean rsp_read_number (RspSlice s, guint64 *ret); /* INTEGER, not negative, ≤ 8 octets */
gboolean rsp_read_bits (RspSlice s, guint32 *ret);   /* BIT STRING: bit 0 is the first named */
gboolean rsp_take_number (RspSlice *input, guint32 tag, guint64 *ret); /* one under TAG */
void rsp_put_number (GByteArray *out, guint32 tag, guint64 value);
void rsp_put_named_bits (GByteArray *out, guint32 tag, guint64 mask);     /* no trailing zeros */
void rsp_put_result (GByteArray *out, guint32 command_tag, guint8 value); /* TAG{80 value} */
void rsp_put_oid (GByteArray *out, guint32 tag, const char *dotted);
gboolean rsp_oid_equal (RspSlice oid, const char *dotted);
