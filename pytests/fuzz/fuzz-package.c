/* Profile packages: checked, printed, read, personalised. */
#include "asn1/saip.h"
#include "pytests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    const RspSaipPersonal who = {.iccid = "8988303000000000010"};
    g_autoptr (GBytes) der = g_bytes_new (data, len);
    char imsi[16];

    g_ptr_array_unref (rsp_saip_check (rsp_slice_of (der)));
    g_free (rsp_saip_show (der, NULL));
    rsp_profile_package_free (rsp_saip_from_der (der, NULL));
    rsp_saip_imsi_of (der, imsi);
    g_bytes_unref (rsp_saip_personalise (der, &who, NULL));
    return 0;
}
