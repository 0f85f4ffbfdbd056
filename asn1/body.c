#include "asn1/body.h"

#include <string.h>

#define LONG_STRING 128
#define MARK '#'

/* Stand-ins begin with MARK; a text that holds neither it nor an escape cannot forge one, and its
 * strings end at the next quotation mark. */
static gboolean
can_cut (RspSlice text)
{
    return text.len > LONG_STRING && !memchr (text.data, MARK, text.len) &&
           !memchr (text.data, '\\', text.len);
}

static GByteArray *
cut_long_strings (RspSlice text, GArray *cut)
{
    GByteArray *rest = g_byte_array_sized_new (1024);
    const guint8 *at = text.data, *end = text.data + text.len;
    while (at < end) {
        const guint8 *open = memchr (at, '"', (gsize)(end - at));
        const guint8 *close = open ? memchr (open + 1, '"', (gsize)(end - open - 1)) : NULL;
        if (!close) {
            g_byte_array_append (rest, at, (guint)(end - at));
            return rest;
        }
        RspSlice string = RSP_SLICE (open + 1, close - open - 1);
        if (string.len < LONG_STRING) {
            g_byte_array_append (rest, at, (guint)(close + 1 - at));
        } else {
            char mark[16];
            int n = g_snprintf (mark, sizeof mark, "%c%u\"", MARK, cut->len);
            g_byte_array_append (rest, at, (guint)(open + 1 - at));
            g_byte_array_append (rest, (const guint8 *)mark, (guint)n);
            g_array_append_val (cut, string);
        }
        at = close + 1;
    }
    return rest;
}

RspBody
rsp_body_parse (RspSlice text, gboolean cut, json_error_t *why)
{
    RspBody body = {NULL};
    if (!cut || !can_cut (text)) {
        const char *start = text.len ? (const char *)text.data : "";
        body.root = json_loadb (start, text.len, JSON_REJECT_DUPLICATES, why);
        return body;
    }
    body.cut = g_array_new (FALSE, FALSE, sizeof (RspSlice));
    g_autoptr (GByteArray) rest = cut_long_strings (text, body.cut);
    body.root = json_loadb ((const char *)rest->data, rest->len, JSON_REJECT_DUPLICATES, why);
    return body;
}

void
rsp_body_clear (RspBody *body)
{
    json_decref (body->root);
    g_clear_pointer (&body->cut, g_array_unref);
}

static gboolean
is_cut (const RspBody *body, const json_t *string)
{
    return body->cut && json_string_value (string)[0] == MARK;
}

RspSlice
rsp_body_string (RspBody *body, const json_t *string)
{
    const char *text = json_string_value (string);
    if (!is_cut (body, string))
        return RSP_SLICE (text, json_string_length (string));
    body->taken++;
    return g_array_index (body->cut, RspSlice, g_ascii_strtoull (text + 1, NULL, 10));
}
