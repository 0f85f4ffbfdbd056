/* JSON text written by hand into one growing buffer, for the trace alone: an event costs a few
 * copies.
 *
 * Members are written with a comma in front. Text is escaped so that the line is valid JSON and
 * safe on a terminal: controls (C0, DEL, C1), separators and direction marks become \uXXXX, octets
 * that are not UTF-8 become \ufffd. The set is fixed here, because a trace must not depend on the
 * version of a Unicode library.
 */
#pragma once

#include <string.h>

#include "sim/core/bytes.h"

typedef struct {
    char *data; /* owned by who owns the struct; g_free */
    gsize len, room;
} RspJsonOut;

void rsp_json_grow (RspJsonOut *out, gsize more);
void rsp_json_escape (RspJsonOut *out, RspSlice text);
void rsp_json_hex (RspJsonOut *out, RspSlice octets);
void rsp_json_number (RspJsonOut *out, guint64 value);

/* TEXT is one JSON value (RFC 8259) in valid UTF-8, nested no deeper than 128. */
gboolean rsp_json_well_formed (RspSlice text);

static inline void
rsp_json_raw (RspJsonOut *out, const char *text, gsize len)
{
    if (out->room - out->len < len)
        rsp_json_grow (out, len);
    memcpy (out->data + out->len, text, len);
    out->len += len;
}

#define rsp_json_literal(out, text) rsp_json_raw ((out), "" text, sizeof (text) - 1)

/* Members; NAME is a string literal. */
#define rsp_json_number_member(out, name, value)                                                   \
    (rsp_json_literal (out, ",\"" name "\":"), rsp_json_number ((out), (value)))
#define rsp_json_hex_member(out, name, octets)                                                     \
    (rsp_json_literal (out, ",\"" name "\":\""), rsp_json_hex ((out), (octets)),                   \
     rsp_json_literal (out, "\""))
/* Nothing where TEXT is NULL. */
#define rsp_json_text_member(out, name, text)                                                      \
    rsp_json_text_after ((out), ",\"" name "\":\"", sizeof name + 4, (text))

static inline void
rsp_json_text_after (RspJsonOut *out, const char *before, gsize len, const char *text)
{
    if (!text)
        return;
    rsp_json_raw (out, before, len);
    rsp_json_escape (out, RSP_SLICE (text, strlen (text)));
    rsp_json_literal (out, "\"");
}
