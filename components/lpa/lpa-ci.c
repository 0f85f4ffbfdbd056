/* A device that is bound to one CI: SGP.22 3.0.1 steps 1 and 10. */
#include "components/lpa/lpa-private.h"

#include "pki/cert.h"

#define KEY_ID 0x04 /* OCTET STRING: SubjectKeyIdentifier */

/* The identifiers of LIST (content) that are CI. Returns how many. */
static guint
put_filtered (GByteArray *out, RspTlv list, RspSlice ci)
{
    RspTlv id;
    guint n = 0;
    gsize mark = rsp_tlv_open (out, list.tag);
    while (rsp_tlv_next (&list.value, &id) == RSP_TLV_OK) {
        if (id.tag != KEY_ID || !rsp_slice_equal (id.value, ci))
            continue;
        g_byte_array_append (out, id.whole.data, id.whole.len);
        n++;
    }
    rsp_tlv_close (out, mark);
    return n;
}

GBytes *
lpa_impose_ci (GBytes *info1, RspSlice ci)
{
    enum { VERIFICATION = 0xA9, SIGNING = 0xAA };
    RspTlv info, member;
    if (!rsp_tlv_single (rsp_slice_of (info1), 0xBF20, &info))
        return NULL;
    g_autoptr (GByteArray) out = g_byte_array_sized_new ((guint)g_bytes_get_size (info1));
    guint verification = 0, signing = 0;
    gsize mark = rsp_tlv_open (out, 0xBF20);
    while (rsp_tlv_next (&info.value, &member) == RSP_TLV_OK) {
        if (member.tag == VERIFICATION)
            verification = put_filtered (out, member, ci);
        else if (member.tag == SIGNING)
            signing = put_filtered (out, member, ci);
        else
            g_byte_array_append (out, member.whole.data, member.whole.len);
    }
    rsp_tlv_close (out, mark);
    return verification && signing ? lpa_take (g_steal_pointer (&out)) : NULL;
}

gboolean
lpa_ci_is (const RspFields *server, RspSlice ci)
{
    RspTlv id;
    RspSlice chosen = rsp_slice_of (rsp_fields_bytes (server, "euiccCiPKIdToBeUsed"));
    g_autoptr (RspCert) cert =
        rsp_cert_parse (rsp_fields_bytes (server, "serverCertificate"), NULL);
    return rsp_tlv_single (chosen, KEY_ID, &id) && rsp_slice_equal (id.value, ci) && cert &&
           rsp_slice_equal (rsp_cert_aki (cert), ci);
}
