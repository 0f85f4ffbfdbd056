/* Whole packages in DER: whose they are, and another ICCID for them. */
#include "asn1/saip-schema.h"

#include "asn1/ids.h"

#include <string.h>

static gboolean
refuse (GError **error, const char *why)
{
    g_set_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE, "profile package: %s", why);
    return FALSE;
}

/* A package and its header: the one thing that is always needed. */
static gboolean
find_header (RspSlice upp, RspSaipElement *ret, RspSlice *ret_iccid)
{
    RspTlv iccid;
    if (rsp_saip_next (&upp, ret) != RSP_TLV_OK || ret->tag != RSP_SAIP_HEADER ||
        !rsp_tlv_find (ret->body, 0x83, &iccid) || iccid.value.len != 10)
        return FALSE;
    *ret_iccid = iccid.value;
    return TRUE;
}

static void
swap_nibbles (RspSlice in, guint8 out[10])
{
    for (gsize i = 0; i < 10; i++)
        out[i] = (guint8)(in.data[i] << 4 | in.data[i] >> 4);
}

char *
rsp_saip_iccid (RspSlice upp)
{
    RspSaipElement header;
    RspSlice iccid;
    guint8 swapped[10];
    if (!find_header (upp, &header, &iccid))
        return NULL;
    swap_nibbles (iccid, swapped);
    return rsp_iccid_from_octets (RSP_SLICE (swapped, sizeof swapped));
}

static gboolean
has_service (const RspSaipElement *header, guint32 tag)
{
    RspTlv services, service;
    return rsp_tlv_find (header->body, 0xA5, &services) &&
           rsp_tlv_find (services.value, tag, &service);
}

/* At most MAX octets of valid UTF-8. */
static char *
clip (const char *text, gsize max)
{
    gsize n = strlen (text);
    if (n > max)
        for (n = max; n && (text[n] & 0xC0) == 0x80;)
            n--;
    return g_strndup (text, n);
}

RspProfilePackage *
rsp_saip_from_der (GBytes *der, GError **error)
{
    RspSlice upp = rsp_slice_of (der), iccid;
    RspSaipElement header;
    RspTlv type;
    g_autoptr (RspProfilePackage) p = g_new0 (RspProfilePackage, 1);
    p->metadata = rsp_metadata_new ();
    p->upp = g_bytes_ref (der);
    p->iccid = rsp_saip_iccid (upp);
    if (!p->iccid || !find_header (upp, &header, &iccid)) {
        refuse (error, "no header with an ICCID");
        return NULL;
    }
    gboolean typed = rsp_tlv_find (header.body, 0x82, &type) && type.value.len &&
                     g_utf8_validate_len ((const char *)type.value.data, type.value.len, NULL);
    p->type =
        typed ? g_strndup ((const char *)type.value.data, type.value.len) : g_strdup ("profile");
    g_free (p->metadata->iccid);
    p->metadata->iccid = g_strdup (p->iccid);
    g_free (p->metadata->service_provider_name);
    p->metadata->service_provider_name = clip (p->type, 32);
    g_free (p->metadata->profile_name);
    p->metadata->profile_name = clip (p->type, 64);
    p->metadata->icon_type = -1;
    p->metadata->profile_class =
        has_service (&header, 0x91) ? RSP_CLASS_TEST : RSP_CLASS_OPERATIONAL;
    return g_steal_pointer (&p);
}

typedef struct {
    const guint8 *base;
    guint8 *copy;
    const guint8 *octets;
    gboolean done;
} Replace;

/* EF.ICCID's content has to stand in one piece: it is written over in place. */
static RspSaipStatus
replace_iccid (RspSaipAction action, const RspSaipFileDef *file, gpointer data,
               RspSaipProblem *problem)
{
    Replace *r = data;
    RspSlice rest = file->content;
    RspTlv tlv;
    if (action != RSP_SAIP_CREATE || file->fid != 0x2FE2 || r->done)
        return RSP_SAIP_OK;
    while (rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK)
        if ((tlv.tag == 0x83 || tlv.tag == 0x81) && tlv.value.len == 10 && !rest.len) {
            memcpy (r->copy + (tlv.value.data - r->base), r->octets, 10);
            r->done = TRUE;
        }
    return RSP_SAIP_OK;
}

GBytes *
rsp_saip_with_iccid (GBytes *upp, const char *iccid, GError **error)
{
    RspSlice all = rsp_slice_of (upp), rest = all, own;
    RspSaipElement e;
    guint8 octets[10], plain[10];
    if (!rsp_iccid_to_octets (iccid, octets) || !find_header (all, &e, &own)) {
        refuse (error, "no header, or the new ICCID is not 18 to 20 digits");
        return NULL;
    }
    g_autofree guint8 *copy = g_memdup2 (all.data, all.len);
    Replace r = {all.data, copy, octets, FALSE};
    swap_nibbles (RSP_SLICE (octets, 10), plain);
    memcpy (copy + (own.data - all.data), plain, 10);
    while (!r.done && rsp_saip_next (&rest, &e) == RSP_TLV_OK)
        if (e.tag == RSP_SAIP_MF || e.tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT)
            rsp_saip_files (&e, replace_iccid, &r, NULL);
    if (!r.done) {
        refuse (error, "not supported: EF.ICCID is not written in one piece");
        return NULL;
    }
    return g_bytes_new_take (g_steal_pointer (&copy), all.len);
}
