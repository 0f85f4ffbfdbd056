/* What the card offers to profiles, and how it says so (EUICCInfo2). */
#include "components/euicc/euicc-pe.h"

#include <string.h>

guint64
rsp_euicc_default_services (void)
{
    return RSP_SERVICE_BIT (RSP_SERVICE_USIM) | RSP_SERVICE_BIT (RSP_SERVICE_ISIM) |
           RSP_SERVICE_BIT (RSP_SERVICE_CSIM) | RSP_SERVICE_BIT (RSP_SERVICE_MILENAGE) |
           RSP_SERVICE_BIT (RSP_SERVICE_TUAK128) | RSP_SERVICE_BIT (RSP_SERVICE_TUAK256) |
           RSP_SERVICE_BIT (RSP_SERVICE_JAVACARD) | RSP_SERVICE_BIT (RSP_SERVICE_MULTIPLE_USIM) |
           RSP_SERVICE_BIT (RSP_SERVICE_MULTIPLE_ISIM) |
           RSP_SERVICE_BIT (RSP_SERVICE_MULTIPLE_CSIM) |
           RSP_SERVICE_BIT (RSP_SERVICE_USIM_TEST_ALGORITHM) |
           RSP_SERVICE_BIT (RSP_SERVICE_BER_TLV) | RSP_SERVICE_BIT (RSP_SERVICE_GET_IDENTITY) |
           RSP_SERVICE_BIT (RSP_SERVICE_PROFILE_A) | RSP_SERVICE_BIT (RSP_SERVICE_PROFILE_B);
}

/* UICCCapability numbers the same services in its own way. */
guint64
rsp_euicc_capability (guint64 services)
{
    static const guint8 bits[] = {0,  1,  2,  3,  4,  6,  5,  10, 11, 12, 13, 14, 15,
                                  16, 17, 18, 7,  8,  19, 20, 21, 22, 23, 24, 25, 26,
                                  27, 28, 29, 30, 32, 33, 34, 35, 36, 37, 38, 39};
    guint64 capability = 0;
    for (guint i = 0; i < G_N_ELEMENTS (bits); i++)
        if (services >> i & 1)
            capability |= G_GUINT64_CONSTANT (1) << bits[i];
    return capability;
}

/* Packages of the Java Card, GlobalPlatform and ETSI/3GPP APIs that come with the runtime. */
gboolean
rsp_euicc_has_library (RspSlice aid, guint8 major, guint8 minor)
{
    static const struct {
        guint8 size, aid[16], major, minor;
    } libraries[] = {
        {7, {0xA0, 0x00, 0x00, 0x00, 0x62, 0x00, 0x01}, 1, 0}, /* java.lang */
        {7, {0xA0, 0x00, 0x00, 0x00, 0x62, 0x01, 0x01}, 1, 6}, /* javacard.framework */
        {7, {0xA0, 0x00, 0x00, 0x00, 0x62, 0x01, 0x02}, 1, 6}, /* javacard.security */
        {7, {0xA0, 0x00, 0x00, 0x00, 0x62, 0x02, 0x01}, 1, 6}, /* javacardx.crypto */
        {6, {0xA0, 0x00, 0x00, 0x01, 0x51, 0x00}, 1, 6},       /* org.globalplatform */
        {16,
         {0xA0, 0x00, 0x00, 0x00, 0x09, 0x00, 0x03, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x10, 0x71, 0x00,
          0x01},
         1,
         5}, /* uicc.access */
        {16,
         {0xA0, 0x00, 0x00, 0x00, 0x09, 0x00, 0x03, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x10, 0x71, 0x00,
          0x02},
         1,
         5}, /* uicc.toolkit */
    };
    for (guint i = 0; i < G_N_ELEMENTS (libraries); i++)
        if (rsp_slice_equal (aid, RSP_SLICE (libraries[i].aid, libraries[i].size)))
            return major == libraries[i].major && minor <= libraries[i].minor;
    return FALSE;
}
