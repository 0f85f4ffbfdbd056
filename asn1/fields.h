/* The JSON binding: bodies to named fields and back, driven by the members of the message table.
 *
 * Decoding refuses bad UTF-8, duplicate members, wrong types, bad base64 or hex, missing members
 * and bodies over 4 MiB. Members that the table does not know are ignored. Encoding keeps the
 * table's order, so equal fields give equal bytes.
 */
#pragma once

#include "asn1/functions.h"
#include "sim/core/bytes.h"

typedef enum { RSP_FIELDS_ERROR_BAD, RSP_FIELDS_ERROR_MISSING } RspFieldsError;
#define RSP_FIELDS_ERROR (rsp_fields_error_quark ())
GQuark rsp_fields_error_quark (void);

/* functionExecutionStatus of a reply. Codes are text: "3.1" and "3.10" differ. NULL subject: ok. */
typedef struct {
    const char *subject, *reason, *message; /* message may be NULL */
} RspStatus;

typedef struct _RspFields RspFields;

RspFields *rsp_fields_new (const RspFunction *fn, RspLeg leg);
const RspFunction *rsp_fields_function (const RspFields *f, RspLeg *ret_leg);
/* For a response that says Failed, only the status is filled in. */
RspFields *rsp_fields_decode (const RspFunction *fn, RspLeg leg, GBytes *body, GError **error);
void rsp_fields_free (RspFields *fields);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspFields, rsp_fields_free)
GBytes *rsp_fields_encode (const RspFields *fields); /* (transfer full) */
/* A reply with status Failed and nothing else. (transfer full) */
GBytes *rsp_fields_encode_failed (RspStatus status);

/* The same fields in the binding ENCODING: RSP_ENC_JSON as above; RSP_ENC_DER: the ASN.1 binding,
 * whose types the table names (SGP.22 6.3, SGP.32 6.3). There an error is one value of the
 * response's enumeration: a status that has none becomes undefinedError, and a value that is read
 * becomes the status that stands for it. */
RspFields *rsp_fields_decode_as (const RspFunction *fn, RspLeg leg, RspEncoding encoding,
                                 GBytes *body, GError **error);
GBytes *rsp_fields_encode_as (const RspFields *fields, RspEncoding encoding);
GBytes *rsp_fields_encode_failed_as (const RspFunction *fn, RspEncoding encoding, RspStatus status);

const char *rsp_fields_text (const RspFields *f, const char *name); /* NULL if absent */
GBytes *rsp_fields_bytes (const RspFields *f, const char *name);    /* (transfer none) (nullable) */
gboolean rsp_fields_bool (const RspFields *f, const char *name);
gboolean rsp_fields_failed (const RspFields *f, RspStatus *ret_status); /* borrowed texts */
void rsp_fields_set_failed (RspFields *f, RspStatus status);
gboolean rsp_fields_has (const RspFields *f, const char *name);
void rsp_fields_set_text (RspFields *f, const char *name, const char *text); /* NULL: leave out */
void rsp_fields_set_bytes (RspFields *f, const char *name, GBytes *bytes);
void rsp_fields_set_bool (RspFields *f, const char *name, gboolean value);
/* ES2+ request header. */
void rsp_fields_set_header (RspFields *f, const char *requester_id, const char *call_id);
const char *rsp_fields_requester (const RspFields *f);
const char *rsp_fields_call_id (const RspFields *f);
