/* YAML as a user writes it: read, and built as a profile description. */
#include "asn1/saip.h"
#include "pytests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    g_autoptr (RspYaml) doc = rsp_yaml_parse ((const char *)data, (gssize)len, "fuzz", NULL);
    if (doc)
        rsp_profile_package_free (rsp_saip_build (doc, NULL, NULL, NULL));
    return 0;
}
