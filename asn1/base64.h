/* Base64 by RFC 4648 section 4, strictly: standard alphabet, padding, no blanks, no stray bits. */
#pragma once

#include "sim/core/bytes.h"

GBytes *rsp_base64_decode (const char *text, gsize len); /* NULL if malformed. (transfer full) */
void rsp_base64_append (GByteArray *out, RspSlice octets);
