/* What a profile package says about its over-the-air interface: the keys and names of the MNO-SD,
 * its first security domain (TCA profile package, PE-SecurityDomain). Card and operator read it
 * alike. */
#pragma once

#include "sim/core/bytes.h"

/* The two AES-128 keys of SCP80 key VERSION (1 to 15): key identifiers 1 (KIc) and 2 (KID). FALSE:
 * the package has no such keys. */
gboolean rsp_saip_ota_keys (RspSlice package, guint8 version, guint8 ret_kic[16],
                            guint8 ret_kid[16]);
/* Whether TAR is one of the MNO-SD's; without a list it is B20100 or 000000. */
gboolean rsp_saip_ota_tar (RspSlice package, const guint8 tar[3]);
