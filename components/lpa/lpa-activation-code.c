#include "components/lpa/lpa.h"

#include <string.h>

#define MAX_CODE 255
#define MAX_FQDN 253
#define MAX_LABEL 63
#define MAX_MATCHING_ID 255
#define MAX_ARC_DIGITS 39 /* 128 bits, as for UUID arcs */

static gboolean
refuse (GError **error, const char *why)
{
    g_set_error (error, RSP_LPA_ERROR, RSP_LPA_ERROR_ACTIVATION_CODE, "activation code: %s", why);
    return FALSE;
}

static gboolean
check_characters (const char *text, GError **error)
{
    for (const char *c = text; *c; c++) {
        if (g_ascii_isspace (*c))
            return refuse (error, "blank inside");
        if (!g_ascii_isgraph (*c))
            return refuse (error, "character outside printable ASCII");
    }
    return TRUE;
}

static gboolean
check_port (const char *port, GError **error)
{
    gsize len = strlen (port);
    if (len == 0 || len > 5 || strspn (port, "0123456789") != len || port[0] == '0' ||
        strtoul (port, NULL, 10) > 65535)
        return refuse (error, "bad port in the address");
    return TRUE;
}

static gboolean
check_labels (const char *host, GError **error)
{
    g_auto (GStrv) labels = g_strsplit (host, ".", -1);
    for (char **label = labels; *label; label++) {
        gsize len = strlen (*label);
        if (len == 0)
            return refuse (error, "empty label in the address");
        if (len > MAX_LABEL)
            return refuse (error, "label of the address longer than 63 characters");
        if ((*label)[0] == '-' || (*label)[len - 1] == '-')
            return refuse (error, "label of the address starts or ends with a hyphen");
    }
    return TRUE;
}

static gboolean
check_address (const char *address, GError **error)
{
    if (!*address)
        return refuse (error, "empty address");
    if (strstr (address, "://"))
        return refuse (error, "scheme in the address");
    if (strchr (address, '/'))
        return refuse (error, "path in the address");

    const char *colon = strchr (address, ':');
    if (colon && !check_port (colon + 1, error))
        return FALSE;
    g_autofree char *host = colon ? g_strndup (address, colon - address) : g_strdup (address);
    gsize len = strlen (host);
    if (len == 0)
        return refuse (error, "empty address");
    if (len > MAX_FQDN)
        return refuse (error, "address longer than 253 characters");
    for (const char *c = host; *c; c++)
        if (!g_ascii_isalnum (*c) && *c != '-' && *c != '.')
            return refuse (error, "character not allowed in the address");
    return check_labels (host, error);
}

static gboolean
check_token (const char *token, gboolean lenient, GError **error)
{
    if (strlen (token) > MAX_MATCHING_ID)
        return refuse (error, "MatchingID longer than 255 characters");
    for (const char *c = token; *c; c++) {
        if (*c == '_' && lenient)
            continue;
        if (!g_ascii_isupper (*c) && !g_ascii_isdigit (*c) && *c != '-')
            return refuse (error, "character not allowed in the MatchingID");
    }
    return TRUE;
}

static gboolean
check_oid (const char *oid, GError **error)
{
    g_auto (GStrv) arcs = g_strsplit (oid, ".", -1);
    if (g_strv_length (arcs) < 2)
        return refuse (error, "OID with less than two arcs");
    for (char **arc = arcs; *arc; arc++) {
        gsize len = strlen (*arc);
        if (len == 0 || strspn (*arc, "0123456789") != len)
            return refuse (error, "OID not in dotted decimal form");
        if (len > 1 && (*arc)[0] == '0')
            return refuse (error, "OID arc with a leading zero");
        if (len > MAX_ARC_DIGITS)
            return refuse (error, "OID arc too large");
    }
    if (strlen (arcs[0]) > 1 || arcs[0][0] > '2')
        return refuse (error, "first OID arc above 2");
    if (arcs[0][0] < '2' && (strlen (arcs[1]) > 2 || strtoul (arcs[1], NULL, 10) > 39))
        return refuse (error, "second OID arc above 39");
    return TRUE;
}

static gboolean
check_fields (char **fields, guint n, gboolean lenient, GError **error)
{
    if (n < 2)
        return refuse (error, "no delimiter");
    if (strcmp (fields[0], "1") != 0)
        return refuse (error, "format not supported");
    if (n < 3)
        return refuse (error, *fields[1] ? "no delimiter after the address" : "no address");
    if (!check_address (fields[1], error) || !check_token (fields[2], lenient, error))
        return FALSE;
    if (n > 3 && *fields[3] && !check_oid (fields[3], error))
        return FALSE;
    if (n > 4 && *fields[4] && strcmp (fields[4], "1") != 0)
        return refuse (error, "bad confirmation code flag");
    return TRUE; /* later versions' fields are skipped */
}

RspActivationCode *
rsp_activation_code_parse (const char *text, gboolean lenient, GError **error)
{
    g_autofree char *trimmed = g_strstrip (g_strndup (text, 4 * MAX_CODE));
    const char *code = g_ascii_strncasecmp (trimmed, "LPA:", 4) == 0 ? trimmed + 4 : trimmed;
    if (!*code) {
        refuse (error, "empty");
        return NULL;
    }
    if (strlen (code) > MAX_CODE) {
        refuse (error, "longer than 255 characters");
        return NULL;
    }
    if (!check_characters (code, error))
        return NULL;

    g_auto (GStrv) fields = g_strsplit (code, "$", -1);
    guint n = g_strv_length (fields);
    if (!check_fields (fields, n, lenient, error))
        return NULL;

    RspActivationCode *result = g_new0 (RspActivationCode, 1);
    result->address = g_strdup (fields[1]);
    result->matching_id = g_strdup (fields[2]);
    result->oid = n > 3 && *fields[3] ? g_strdup (fields[3]) : NULL;
    result->cc_required = n > 4 && *fields[4];
    return result;
}

void
rsp_activation_code_free (RspActivationCode *code)
{
    if (!code)
        return;
    g_free (code->address);
    g_free (code->matching_id);
    g_free (code->oid);
    g_free (code);
}
