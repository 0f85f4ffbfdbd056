/* Bodies of every function on both legs. The first octet chooses the function, its lowest bit the
 * leg; the rest is what a peer sent. */
#include "asn1/asn1.h"
#include "asn1/fields.h"
#include "pytests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    if (len < 2)
        return 0;
    const RspFunction *fn = rsp_function ((RspFunctionId)(data[0] % RSP_FN_COUNT));
    RspLeg leg = data[1] & 1 ? RSP_LEG_RESPONSE : RSP_LEG_REQUEST;
    const char *type = leg == RSP_LEG_REQUEST ? fn->request_type : fn->response_type;
    g_autoptr (GBytes) body = g_bytes_new (data + 2, len - 2);

    if (fn->request_members) {
        g_autoptr (RspFields) fields = rsp_fields_decode (fn, leg, body, NULL);
        if (fields)
            g_bytes_unref (rsp_fields_encode (fields));
    }
    if (type) {
        g_autoptr (RspAsn1) node = rsp_asn1_decode (type, body, NULL);
        if (node)
            g_bytes_unref (rsp_asn1_encode (node, ""));
    }
    return 0;
}
