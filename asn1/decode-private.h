/* The parts of the printer (decode.h). Internal to asn1/. */
#pragma once

#include "asn1/item.h"
#include "asn1/tlv.h"
#include "asn1/value.h"

/* DER of TYPE, or of the type that fits best where TYPE is NULL, as a child of PARENT; what fits no
 * type is shown as a tree of TLVs. NAME NULL: the type's. FALSE if DER is not DER or, with a TYPE,
 * not of that type. */
gboolean rsp_decode_der (RspItem *parent, const char *name, const char *type, RspSlice der,
                         GError **error);
/* Children of PARENT: the TLVs of VALUE, whatever they are. */
void rsp_decode_tlvs (RspItem *parent, RspSlice value, guint depth);
/* The type that DER fits best; NULL if none does. */
const char *rsp_decode_guess (RspSlice der);

/* Children of ITEM: who is named in an X.509 certificate. FALSE if it is none. */
gboolean rsp_decode_certificate (RspItem *item, RspSlice der);
void rsp_decode_oid (RspItem *item, RspSlice content);

gboolean rsp_decode_json (RspItem *parent, RspSlice text, GError **error);
/* A command or response APDU; FALSE if it does not look like one. */
gboolean rsp_decode_apdu (RspItem *parent, RspSlice apdu);
/* A NAS message of nas.h; FALSE if it is none. */
gboolean rsp_decode_nas (RspItem *parent, RspSlice message);
