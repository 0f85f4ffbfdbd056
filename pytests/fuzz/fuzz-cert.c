/* Certificates, as any peer sends them. */
#include "pki/cert.h"
#include "pytests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    g_autoptr (GBytes) der = g_bytes_new (data, len);
    g_autoptr (RspCert) cert = rsp_cert_parse (der, NULL);
    if (cert)
        g_free (rsp_cert_to_pem (cert));
    return 0;
}
