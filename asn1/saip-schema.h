/* The elements that are no file system, described once for checking and printing. Components are
 * taken by position, as tags repeat; what stands where no component matches is an extension. */
#pragma once

#include "asn1/saip.h"

typedef enum {
    RSP_SAIP_FIELD_OCTETS,
    RSP_SAIP_FIELD_INT,
    RSP_SAIP_FIELD_TEXT,
    RSP_SAIP_FIELD_NULL,
    RSP_SAIP_FIELD_OID,
    RSP_SAIP_FIELD_SEQUENCE,
    RSP_SAIP_FIELD_LIST,     /* MEMBERS[0] again and again */
    RSP_SAIP_FIELD_CHOICE,   /* explicit: one of MEMBERS inside */
    RSP_SAIP_FIELD_SERVICES, /* NULLs numbered by service */
    RSP_SAIP_FIELD_ITEMS,    /* any of MEMBERS, again and again */
} RspSaipFieldKind;

typedef struct _RspSaipField RspSaipField;
struct _RspSaipField {
    const char *name;
    guint32 tag;
    RspSaipFieldKind kind;
    guint min, max; /* octets, value of an INT, or elements of a LIST; max 0: no limit */
    gboolean optional;
    const RspSaipField *members; /* ended by a NULL name */
};

/* The components of an element's body; NULL for file elements and unknown ones. */
const RspSaipField *rsp_saip_schema (guint32 element_tag);

typedef void (*RspSaipFieldFunc) (const RspSaipField *field, const RspTlv *tlv, guint depth,
                                  gpointer data);
/* Visits every component (VISIT may be NULL) up to the first violation, of which *RET_PROBLEM
 * (nullable) tells. */
RspSaipStatus rsp_saip_schema_walk (const RspSaipField *members, RspSlice body,
                                    RspSaipFieldFunc visit, gpointer data,
                                    RspSaipProblem *ret_problem);
/* An INTEGER's value; FALSE beyond 32 bits. */
gboolean rsp_saip_int (RspSlice value, gint64 *ret);
