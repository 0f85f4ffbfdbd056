/* Certificates and keys that come from files in place of ones made here. */
#include "sim/run/world-private.h"

#include <string.h>

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

/* The first certificate of a PEM file, or the octets of a DER one. */
static GBytes *
der_of (const char *data, gsize n)
{
    const char *begin = g_strstr_len (data, (gssize)n, PEM_BEGIN);
    const char *end = begin ? g_strstr_len (begin, (gssize)(data + n - begin), PEM_END) : NULL;
    if (!end)
        return g_bytes_new (data, n);
    g_autofree char *text =
        g_strndup (begin + strlen (PEM_BEGIN), (gsize)(end - begin) - strlen (PEM_BEGIN));
    gsize size = 0;
    guchar *der = g_base64_decode (text, &size);
    return g_bytes_new_take (der, size);
}

GBytes *
rsp_world_read_der (const RspWorld *w, const RspYaml *node, GError **error)
{
    g_autofree char *data = NULL;
    gsize n = 0;
    g_autofree char *path = rsp_scenario_find (w->scenario, node, error);
    return path && g_file_get_contents (path, &data, &n, error) ? der_of (data, n) : NULL;
}

static RspCert *
read_cert (const RspWorld *w, const RspYaml *node, GError **error)
{
    g_autoptr (GError) failure = NULL;
    g_autoptr (GBytes) der = rsp_world_read_der (w, node, error);
    if (!der)
        return NULL;
    RspCert *cert = rsp_cert_parse (der, &failure);
    if (!cert)
        rsp_yaml_fail (node, error, "not a certificate: %s", failure->message);
    else if (!rsp_cert_public (cert)) {
        rsp_yaml_fail (node, error, "not supported: the curve of this certificate");
        g_clear_pointer (&cert, rsp_cert_unref);
    }
    return cert;
}

static RspKey *
read_key (const RspWorld *w, const RspYaml *node, const RspCert *cert, GError **error)
{
    g_autoptr (GError) failure = NULL;
    g_autofree char *pem = NULL;
    g_autofree char *path = rsp_scenario_find (w->scenario, node, error);
    if (!path || !g_file_get_contents (path, &pem, NULL, error))
        return NULL;
    g_autoptr (RspKey) key = rsp_key_from_pem (pem, -1, &failure);
    rsp_wipe (pem, strlen (pem));
    if (!key) {
        rsp_yaml_fail (node, error, "not a key: %s", failure->message);
        return NULL;
    }
    if (!rsp_slice_equal (rsp_public_point (rsp_cert_public (cert)),
                          RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE))) {
        rsp_yaml_fail (node, error, "not the key of the certificate");
        return NULL;
    }
    return g_steal_pointer (&key);
}

gboolean
rsp_world_read_pair (const RspWorld *w, const RspYaml *map, const char *file, RspCert **ret_cert,
                     RspKey **ret_key, GError **error)
{
    const RspYaml *key = rsp_yaml_get (map, "key");
    g_autoptr (RspCert) cert = read_cert (w, rsp_yaml_get (map, file), error);
    *ret_key = NULL;
    if (!cert || (key && !(*ret_key = read_key (w, key, cert, error))))
        return FALSE;
    *ret_cert = g_steal_pointer (&cert);
    return TRUE;
}
