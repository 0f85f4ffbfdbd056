/* Immediate enabling: for which SM-DP+ (SGP.32 3.2.5, 5.9.17). */
#include "components/common/iot.h"

#include <string.h>

void
rsp_iot_immediate_clear (RspIotImmediate *immediate)
{
    g_clear_pointer (&immediate->oid, g_bytes_unref);
    g_clear_pointer (&immediate->address, g_free);
    immediate->allowed = FALSE;
}

gboolean
rsp_iot_immediate_read (RspIotImmediate *immediate, RspSlice body)
{
    RspTlv flag, oid, address;
    gboolean has_flag, has_oid, has_address;
    if (!rsp_take_optional (&body, 0x80, 0, 0, &flag, &has_flag) ||
        !rsp_take_optional (&body, 0x81, 1, 64, &oid, &has_oid) ||
        !rsp_take_optional (&body, 0x82, 1, 255, &address, &has_address) || body.len > 0 ||
        (has_address &&
         (!rsp_is_utf8 (address.value) || memchr (address.value.data, 0, address.value.len))))
        return FALSE;
    rsp_iot_immediate_clear (immediate);
    immediate->allowed = has_flag;
    if (has_oid)
        immediate->oid = rsp_slice_to_bytes (oid.value);
    if (has_address)
        immediate->address = g_strndup ((const char *)address.value.data, address.value.len);
    return TRUE;
}

gboolean
rsp_iot_immediate_matches (const RspIotImmediate *immediate, GBytes *oid, const char *address)
{
    if (immediate->oid && !(oid && g_bytes_equal (immediate->oid, oid)))
        return FALSE;
    return !immediate->address ||
           (address && g_ascii_strcasecmp (immediate->address, address) == 0);
}
