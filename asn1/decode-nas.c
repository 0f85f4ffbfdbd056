/* NAS messages of an attach or registration (nas.h). */
#include "asn1/decode-private.h"

#include "asn1/nas.h"

static void
show_octets (RspItem *message, const char *name, RspSlice octets)
{
    if (octets.len)
        rsp_item_set_hex (rsp_item_add (message, name), octets);
}

gboolean
rsp_decode_nas (RspItem *parent, RspSlice message)
{
    RspNas nas;
    char imsi[16];
    if (!rsp_nas_decode (message, &nas))
        return FALSE;
    RspItem *item = rsp_item_add (parent, "NAS message");
    rsp_item_set (item, "%s (%s)", rsp_nas_name (&nas), nas.system == RSP_NAS_EPS ? "EPS" : "5GS");
    if (nas.system == RSP_NAS_EPS && rsp_nas_read_imsi (nas.identity, imsi))
        rsp_item_set (rsp_item_add (item, "IMSI"), "%s", imsi);
    else
        show_octets (item, "mobile identity", nas.identity);
    show_octets (item, "RAND", nas.rand);
    show_octets (item, "AUTN", nas.autn);
    show_octets (item, nas.system == RSP_NAS_EPS ? "RES" : "RES*", nas.res);
    show_octets (item, "AUTS", nas.auts);
    if (nas.cause)
        rsp_item_set (rsp_item_add (item, "cause"), "%u", nas.cause);
    return TRUE;
}
