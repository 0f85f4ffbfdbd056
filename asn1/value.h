/* Decoded and built values: a tree over a schema, in one arena a message. Internal to asn1/. */
#pragma once

#include "asn1/arena.h"
#include "asn1/asn1.h"
#include "asn1/schema.h"

typedef struct _RspValue RspValue;
struct _RspValue {
    const RspSchema *schema;
    RspValue *first, *last, *next; /* components present, elements, or the chosen alternative */
    RspSlice whole;                /* TLV as received; empty in a built value */
    RspSlice content;              /* octets of a leaf; whole TLV of ANY */
    RspValue *cursor;   /* element of a list read last, so that a walk is not quadratic */
    guint cursor_index; /* from 1; 0: none */
    gsize length;       /* of the encoded content, while encoding */
    gboolean verbatim;  /* CONTENT is a whole TLV, to be sent as it is */
};

struct _RspAsn1 {
    RspArena arena;
    RspValue *root;
    GBytes *der; /* what slices point into; NULL if built or borrowed */
};

RspAsn1 *rsp_value_message (const char *type);
RspValue *rsp_value_new (RspAsn1 *node, const RspSchema *schema);
void rsp_value_add (RspValue *parent, RspValue *child);
RspValue *rsp_value_find (const RspAsn1 *node, const char *path); /* NULL if absent */
/* What follows the first segment of PATH, and how long that is. */
const char *rsp_value_rest (const char *path, gsize *ret_length);
/* One step of a path: an element of a list, a component of anything else; NULL if absent. */
RspValue *rsp_value_step (RspValue *parent, const char *segment, gsize length);
gboolean rsp_value_oid_good (RspSlice content);
/* Deployed LPAs leave out the octet that counts the unused bits (resetOptions `82 01 80`), so one
 * octet above 7 is read as the bits themselves. */
gboolean rsp_value_bits_bare (RspSlice content);

/* A message that keeps no reference to DER: DER must outlive it. */
RspAsn1 *rsp_asn1_decode_borrowed (const char *type, RspSlice der, GError **error);
const RspValue *rsp_asn1_root (const RspAsn1 *node);
char *rsp_asn1_oid_text (RspSlice content); /* dotted; NULL if malformed */
gboolean rsp_asn1_bits_test (RspSlice content, guint n);
