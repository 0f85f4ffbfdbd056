/* What the ASN.1 binding of HTTP functions has in place of subject and reason codes. Internal to
 * asn1/. */
#pragma once

#include "asn1/fields.h"

#define RSP_UNDEFINED_ERROR 127

/* The value that stands for STATUS; RSP_UNDEFINED_ERROR if none does. */
gint64 rsp_fields_error_value (const RspFunction *fn, RspStatus status);
/* The status that VALUE stands for, of static texts but MESSAGE, which is NULL. */
RspStatus rsp_fields_error_status (const RspFunction *fn, gint64 value);
