#include "components/euicc/euicc-pe-private.h"

#include <string.h>

#define MAX_ELEMENTS 2048
#define MAX_ELEMENT_SIZE (256 * 1024)

static void
clear_change (gpointer data)
{
    g_free (((RspInstallChange *)data)->old);
}

RspInstall *
rsp_install_new (const RspInstallCard *card)
{
    RspInstall *in = g_new0 (RspInstall, 1);
    in->card = *card;
    in->uicc = rsp_uicc_new (card->memory);
    in->statuses = g_byte_array_new ();
    in->identifications = g_malloc0 (32768 / 8);
    in->changes = g_array_new (FALSE, FALSE, sizeof (RspInstallChange));
    g_array_set_clear_func (in->changes, clear_change);
    return in;
}

void
rsp_install_free (RspInstall *in)
{
    if (!in)
        return;
    rsp_uicc_free (in->uicc);
    g_byte_array_unref (in->statuses);
    g_array_unref (in->changes);
    g_free (in->identifications);
    g_free (in);
}

static void
add_status (RspInstall *in, RspSaipStatus status, gint32 identification)
{
    gsize mark = rsp_tlv_open (in->statuses, 0x30);
    rsp_tlv_put_int (in->statuses, 0x80, status);
    if (identification >= 0)
        rsp_tlv_put_int (in->statuses, 0x81, identification);
    rsp_tlv_close (in->statuses, mark);
}

/* --- Elements --- */

static RspSaipStatus
take_end (RspInstall *in, const RspSaipElement *element)
{
    RspSaipStatus status = rsp_install_check_fields (element);
    in->end = TRUE;
    return status == RSP_SAIP_OK ? rsp_install_check_pins (in) : status;
}

static RspSaipStatus
take_body (RspInstall *in, const RspSaipElement *element)
{
    switch (element->tag) {
    case RSP_SAIP_GENERIC_FILE_MANAGEMENT:
        return rsp_install_generic_files (in, element);
    case RSP_SAIP_PIN_CODES:
        return rsp_install_pins (in, element);
    case RSP_SAIP_PUK_CODES:
        return rsp_install_puks (in, element);
    case RSP_SAIP_AKA_PARAMETER:
        return rsp_install_aka (in, element);
    case RSP_SAIP_CDMA_PARAMETER:
        return rsp_install_cdma (in, element);
    case RSP_SAIP_SECURITY_DOMAIN:
        return rsp_install_domain (in, element);
    case RSP_SAIP_RFM:
        return rsp_install_rfm (in, element);
    case RSP_SAIP_APPLICATION:
        return rsp_install_application (in, element);
    case RSP_SAIP_END:
        return take_end (in, element);
    default:
        return element->type && element->type->members ? rsp_install_template (in, element)
                                                       : RSP_SAIP_PE_NOT_SUPPORTED;
    }
}

static gboolean
lacks_support (RspSaipStatus status)
{
    return status == RSP_SAIP_PE_NOT_SUPPORTED || status == RSP_SAIP_RUNTIME_NOT_SUPPORTED ||
           status == RSP_SAIP_LIB_NOT_SUPPORTED || status == RSP_SAIP_TEMPLATE_NOT_SUPPORTED ||
           status == RSP_SAIP_FEATURE_NOT_SUPPORTED;
}

static RspSaipStatus
check_identification (RspInstall *in, gint32 id)
{
    if (id < 0 || id > 32767)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    guint8 bit = (guint8)(1 << id % 8);
    if (in->identifications[id / 8] & bit)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    in->identifications[id / 8] |= bit;
    return RSP_SAIP_OK;
}

static RspSaipStatus
take_element (RspInstall *in, const RspSaipElement *element)
{
    if (in->end || in->header == (element->tag == RSP_SAIP_HEADER) ||
        ++in->n_elements > MAX_ELEMENTS)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (element->tag == RSP_SAIP_HEADER)
        return rsp_install_header (in, element);
    /* An unknown element need not have a header that can be read. */
    RspSaipStatus status = element->type || element->identification >= 0
                               ? check_identification (in, element->identification)
                               : RSP_SAIP_OK;
    /* The file system begins with its MF. */
    if (status == RSP_SAIP_OK && !rsp_uicc_mf (in->uicc) && element->tag != RSP_SAIP_MF &&
        element->tag != RSP_SAIP_GENERIC_FILE_MANAGEMENT)
        status = RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (status == RSP_SAIP_OK)
        status = take_body (in, element);
    if (lacks_support (status) && !element->mandated) {
        add_status (in, status, element->identification);
        rsp_install_skip_files (in, element);
        in->domain_skipped = in->domain_skipped || element->tag == RSP_SAIP_SECURITY_DOMAIN;
        return RSP_SAIP_OK;
    }
    if (status == RSP_SAIP_OK && in->card.worn > 0 && rsp_uicc_used (in->uicc) > in->card.worn)
        return RSP_SAIP_MEMORY_FAILURE;
    return status;
}

/* TRUE if the TLV at the front of INPUT is whole; *RET_SIZE is what it takes, 0 if not known yet.
 */
static gboolean
whole_element (RspSlice input, gsize *ret_size)
{
    gsize at = 1;
    *ret_size = 0;
    if (input.len < 2)
        return FALSE;
    if ((input.data[0] & 0x1F) == 0x1F)
        at = 2;
    if (input.len <= at)
        return FALSE;
    gsize size = input.data[at++];
    if (size > 0x80) {
        guint n = size & 0x7F;
        if (n > 3 || input.len < at + n) {
            *ret_size = n > 3 ? G_MAXSIZE : 0;
            return FALSE;
        }
        for (size = 0; n > 0; n--)
            size = size << 8 | input.data[at++];
    }
    *ret_size = at + size;
    return input.len >= *ret_size;
}

static RspSaipStatus
fail (RspInstall *in, RspSaipStatus status, gint32 identification)
{
    in->aborted = TRUE;
    add_status (in, status, identification);
    return status;
}

void
rsp_install_abort (RspInstall *in, RspSaipStatus status)
{
    fail (in, status, -1);
}

RspSaipStatus
rsp_install_feed (RspInstall *in, RspSlice *input, gboolean last)
{
    gsize size;
    g_return_val_if_fail (!in->aborted, RSP_SAIP_INVALID_REQUEST_FORMAT);
    while (whole_element (*input, &size)) {
        RspSaipElement element;
        RspSlice one = RSP_SLICE (input->data, size);
        if (rsp_saip_next (&one, &element) != RSP_TLV_OK || !rsp_der_check (element.whole, NULL))
            return fail (in, RSP_SAIP_INVALID_REQUEST_FORMAT, -1);
        RspSaipStatus status = take_element (in, &element);
        if (status != RSP_SAIP_OK)
            return fail (in, status, element.identification);
        *input = RSP_SLICE (input->data + size, input->len - size);
    }
    if (size > MAX_ELEMENT_SIZE || (last && (input->len > 0 || !in->end)) ||
        (in->end && input->len > 0))
        return fail (in, RSP_SAIP_INVALID_REQUEST_FORMAT, -1);
    if (last)
        add_status (in, RSP_SAIP_OK, -1);
    return RSP_SAIP_OK;
}

gboolean
rsp_install_header_iccid (const RspInstall *in, guint8 out[10])
{
    if (in->header)
        memcpy (out, in->iccid, sizeof in->iccid);
    return in->header;
}

gboolean
rsp_install_has_operational_key (const RspInstall *in)
{
    return in->operational_key;
}

GBytes *
rsp_install_response (const RspInstall *in)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0xA0, RSP_SLICE (in->statuses->data, in->statuses->len));
    if (in->aborted)
        rsp_tlv_put (out, 0x81, RSP_SLICE (NULL, 0));
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

RspUicc *
rsp_install_uicc (RspInstall *in)
{
    return in->uicc;
}

RspUicc *
rsp_install_finish (RspInstall *in)
{
    return g_steal_pointer (&in->uicc);
}

RspUiccFile *
rsp_install_usim (const RspInstall *in)
{
    return in->first_usim;
}
