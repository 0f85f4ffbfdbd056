/* The error code inside a DER answer that came with a good status word. */
#include "sim/run/trace-view.h"

#include <string.h>

#include "asn1/decode.h"
#include "asn1/functions.h"

#define MAX_ANSWER 4096 /* octets; an answer that refuses is short */

static gboolean
names_an_outcome (const char *element)
{
    static const char *const ends[] = {"Error", "ErrorCode", "errorReason", "Result", "Status"};
    for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
        if (g_str_has_suffix (element, ends[i]))
            return TRUE;
    return FALSE;
}

/* LINE: `  authenticateErrorCode [02]: invalidSignature (2)`. NULL if it is none of the kind, or
 * says that all is well. (transfer full) */
static char *
code_of_line (const char *line)
{
    g_auto (GStrv) parts = g_strsplit (g_strchug ((char *)line), " ", 5);
    if (g_strv_length (parts) != 4 || !names_an_outcome (parts[0]) || parts[3][0] != '(')
        return NULL;
    return g_ascii_strtoull (parts[3] + 1, NULL, 10) > 0 ? g_strdup (parts[2]) : NULL;
}

char *
rsp_trace_refusal (const char *function, const char *body)
{
    const RspFunction *fn = rsp_function_by_name (function);
    if (!fn || !fn->response_type || strlen (body) > 2 * MAX_ANSWER)
        return NULL;
    g_autoptr (GBytes) octets =
        rsp_decode_input ((RspSlice){(const guint8 *)body, strlen (body)}, NULL);
    g_autofree char *text =
        octets ? rsp_decode (rsp_slice_of (octets), fn->response_type, FALSE, NULL) : NULL;
    g_auto (GStrv) lines = text ? g_strsplit (text, "\n", -1) : NULL;
    for (guint i = 0; lines && lines[i]; i++) {
        char *code = code_of_line (lines[i]);
        if (code)
            return code;
    }
    return NULL;
}
