/* A JSON body read by jansson, which takes 8 ns an octet, a whole download's budget on a package of
 * 40 KiB. So long strings are cut out first and kept as slices of the body; a string in their place
 * says which. Only base64 members may take them; whoever finds one elsewhere reads the body whole.
 */
#pragma once

#include <jansson.h>

#include "sim/core/bytes.h"

typedef struct {
    json_t *root;
    GArray *cut; /* of RspSlice; NULL: the body was read whole */
    guint taken; /* cut strings that found their reader */
} RspBody;

/* CUT FALSE reads the body whole. On failure ROOT is NULL and WHY is filled in. */
RspBody rsp_body_parse (RspSlice text, gboolean cut, json_error_t *why);
void rsp_body_clear (RspBody *body);
/* The text of a JSON string, cut out or not. */
RspSlice rsp_body_string (RspBody *body, const json_t *string);
