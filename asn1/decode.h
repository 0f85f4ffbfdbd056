/* Naming and printing any RSP message: DER, hex, base64, JSON or APDU. */
#pragma once

#include "sim/core/bytes.h"

/* TYPE NULL: guessed from the outer tag. Text with one element a line, indented; JSON with AS_JSON.
 * Everything from the message is escaped. (transfer full) */
char *rsp_decode (RspSlice input, const char *type, gboolean as_json, GError **error);
/* Octets out of what a user pastes: raw DER, hex (blanks allowed) or base64. (transfer full) */
GBytes *rsp_decode_input (RspSlice text, GError **error);
