/* What a user pastes into `rspsim decode`: DER, hex, base64, JSON, APDU. */
#include "asn1/decode.h"
#include "pytests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    g_autoptr (GBytes) octets = rsp_decode_input (RSP_SLICE (data, len), NULL);
    if (!octets)
        return 0;
    for (gboolean as_json = FALSE; as_json <= TRUE; as_json++)
        g_free (rsp_decode (rsp_slice_of (octets), NULL, as_json, NULL));
    return 0;
}
