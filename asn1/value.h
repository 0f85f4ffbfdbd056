/* Decoded and built values: a tree over a schema, in one arena a message. Internal to asn1/. */
#pragma once

#include "asn1/asn1.h"
#include "asn1/schema.h"

typedef struct _RspValue RspValue;
struct _RspValue {
    const RspSchema *schema;
    RspValue *first, *last, *next; /* components present, elements, or the chosen alternative */
    RspSlice whole;                /* TLV as received; empty in a built value */
    RspSlice content;              /* octets of a leaf; whole TLV of ANY */
    gsize length;                  /* of the encoded content, while encoding */
    gboolean verbatim;             /* CONTENT is a whole TLV, to be sent as it is */
};

/* A message that keeps no reference to DER: DER must outlive it. */
RspAsn1 *rsp_asn1_decode_borrowed (const char *type, RspSlice der, GError **error);
const RspValue *rsp_asn1_root (const RspAsn1 *node);
char *rsp_asn1_oid_text (RspSlice content); /* dotted; NULL if malformed */
gboolean rsp_asn1_bits_test (RspSlice content, guint n);
