#include "components/euicc/euicc-pe.h"

#include <string.h>

#define MAX_ELEMENTS 2048
#define MAX_ELEMENT_SIZE (256 * 1024)
#define MAX_NAMED 32

typedef struct {
    const char *member;
    RspUiccFile *file;
} Named;

struct _RspInstall {
    RspUicc *uicc;
    guint8 iccid[10];
    gboolean header, end, aborted, operational_key;
    guint n_elements;
    guint64 seen; /* elements that may come once, by tag & 3F */
    GByteArray *statuses;
    guint8 *identifications; /* a bit each */
    /* where what follows belongs */
    RspUiccFile *context, *usim, *isim, *csim, *first_usim;
    gboolean usim_skipped, isim_skipped, csim_skipped, context_skipped;
    /* within the element at hand */
    const RspSaipElement *element;
    RspUiccFile *root, *current_df, *current_ef;
    Named named[MAX_NAMED];
    guint n_named;
};

RspInstall *
rsp_install_new (guint32 limit)
{
    RspInstall *in = g_new0 (RspInstall, 1);
    in->uicc = rsp_uicc_new (limit);
    in->statuses = g_byte_array_new ();
    in->identifications = g_malloc0 (32768 / 8);
    return in;
}

void
rsp_install_free (RspInstall *in)
{
    if (!in)
        return;
    rsp_uicc_free (in->uicc);
    g_byte_array_unref (in->statuses);
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

/* --- Header --- */

static int
service_capability (guint service)
{
    static const gint8 bits[] = {0,  1,  2,  3,  4,  6,  5,  10, 11, 12, 13, 14, 15,
                                 16, 17, 18, 7,  8,  19, 20, 21, 22, 23, 24, 25, 26,
                                 27, 28, 29, 30, 32, 33, 34, 35, 36, 37, 38, 39};
    return service < G_N_ELEMENTS (bits) ? bits[service] : -1;
}

static gboolean
services_supported (RspSlice list)
{
    RspTlv tlv;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK) {
        guint service = tlv.tag > 0xFF ? tlv.tag & 0x7F : tlv.tag & 0x1F;
        int bit = service_capability (service);
        if (bit < 0 || !(RSP_EUICC_CAPABILITY >> bit & 1))
            return FALSE;
    }
    return list.len == 0;
}

static gboolean
templates_supported (RspSlice list)
{
    RspTlv oid;
    while (rsp_tlv_next (&list, &oid) == RSP_TLV_OK)
        if (oid.tag != 0x06 || !rsp_saip_template_of (oid.value))
            return FALSE;
    return list.len == 0;
}

static RspSaipStatus
take_header (RspInstall *in, RspSlice body)
{
    RspTlv major, minor, iccid, services, templates;
    if (!rsp_tlv_find (body, 0x80, &major) || !rsp_tlv_find (body, 0x81, &minor) ||
        !rsp_tlv_find (body, 0x83, &iccid) || !rsp_tlv_find (body, 0xA5, &services) ||
        !rsp_tlv_find (body, 0xA6, &templates) || iccid.value.len != 10)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (major.value.len != 1 || major.value.data[0] < 2 || major.value.data[0] > 3)
        return RSP_SAIP_UNSUPPORTED_PROFILE_VERSION;
    if (!services_supported (services.value))
        return RSP_SAIP_FEATURE_NOT_SUPPORTED;
    if (!templates_supported (templates.value))
        return RSP_SAIP_TEMPLATE_NOT_SUPPORTED;
    /* Libraries need a runtime, and there is none. */
    RspTlv aids;
    if (rsp_tlv_find (body, 0xA8, &aids) && aids.value.len > 0)
        return RSP_SAIP_RUNTIME_NOT_SUPPORTED;
    for (guint i = 0; i < 10; i++)
        in->iccid[i] = (guint8)(iccid.value.data[i] << 4 | iccid.value.data[i] >> 4);
    in->header = TRUE;
    return RSP_SAIP_OK;
}

/* --- Files --- */

static RspUiccFile *
find_named (const RspInstall *in, const char *member)
{
    for (guint i = in->n_named; i-- > 0;)
        if (strcmp (in->named[i].member, member) == 0)
            return in->named[i].file;
    return NULL;
}

/* The DF in which a template's own root stands. */
static RspUiccFile *
parent_of_root (const RspInstall *in)
{
    switch (in->element->tag) {
    case RSP_SAIP_CD:
    case RSP_SAIP_TELECOM:
    case RSP_SAIP_USIM:
    case RSP_SAIP_ISIM:
    case RSP_SAIP_CSIM:
        return rsp_uicc_mf (in->uicc);
    default:
        return in->usim;
    }
}

static RspUiccFile *
parent_in_template (const RspInstall *in, const RspSaipFileDef *file)
{
    return file->parent ? find_named (in, file->parent) : in->root;
}

static RspSaipStatus
create_file (RspInstall *in, const RspSaipFileDef *file, RspSaipProblem *problem)
{
    gboolean generic = in->element->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT;
    gboolean is_mf = in->element->tag == RSP_SAIP_MF ? file->root : generic && file->fid == 0x3F00;
    RspUiccFile *parent = generic      ? in->current_df
                          : file->root ? parent_of_root (in)
                                       : parent_in_template (in, file);
    RspUiccFile *made = NULL;
    if (!parent && !is_mf) {
        problem->why = "the parent DF is missing";
        return RSP_SAIP_INVALID_PARAMETER;
    }
    RspSaipStatus status = rsp_uicc_add (in->uicc, is_mf ? NULL : parent, file, &made, problem);
    if (status != RSP_SAIP_OK)
        return status;
    if (generic) {
        in->current_ef = rsp_uicc_is_df (made) ? NULL : made;
        in->current_df = is_mf ? made : in->current_df;
        return RSP_SAIP_OK;
    }
    if (file->root)
        in->root = made;
    if (file->row && rsp_uicc_is_df (made) && in->n_named < MAX_NAMED)
        in->named[in->n_named++] = (Named){file->row->member, made};
    return RSP_SAIP_OK;
}

static RspSaipStatus
on_file (RspSaipAction action, const RspSaipFileDef *file, gpointer data, RspSaipProblem *problem)
{
    RspInstall *in = data;
    RspUiccFile *found;
    switch (action) {
    case RSP_SAIP_CREATE:
        return create_file (in, file, problem);
    case RSP_SAIP_SELECT:
        found = rsp_uicc_path (in->uicc, rsp_uicc_mf (in->uicc), file->link, TRUE);
        if (!found) {
            problem->why = "the file of a filePath is missing";
            return RSP_SAIP_INVALID_PARAMETER;
        }
        in->current_ef = rsp_uicc_is_df (found) ? NULL : found;
        in->current_df = in->current_ef ? found->parent : found;
        return RSP_SAIP_OK;
    case RSP_SAIP_UPDATE:
        if (!in->current_ef || !in->current_ef->body->data) {
            problem->why = "content without an EF";
            return RSP_SAIP_INVALID_PARAMETER;
        }
        return rsp_saip_update (file->content, in->current_ef->body->data,
                                in->current_ef->body->size);
    }
    return RSP_SAIP_INVALID_REQUEST_FORMAT;
}

/* Elements that hang below an application: the one they need, and whether it was skipped. */
static RspUiccFile *
owner_of (RspInstall *in, guint32 tag, gboolean *ret_needed, gboolean *ret_skipped)
{
    *ret_needed = TRUE;
    switch (tag) {
    case RSP_SAIP_OPT_ISIM:
        *ret_skipped = in->isim_skipped;
        return in->isim;
    case RSP_SAIP_OPT_CSIM:
        *ret_skipped = in->csim_skipped;
        return in->csim;
    case RSP_SAIP_MF:
    case RSP_SAIP_CD:
    case RSP_SAIP_TELECOM:
    case RSP_SAIP_USIM:
    case RSP_SAIP_ISIM:
    case RSP_SAIP_CSIM:
        *ret_needed = *ret_skipped = FALSE;
        return NULL;
    default:
        *ret_skipped = in->usim_skipped;
        return in->usim;
    }
}

/* opt-… elements have no DF of their own: their files stand in the application's. */
static gboolean
is_optional_part (guint32 tag)
{
    return tag == RSP_SAIP_OPT_USIM || tag == RSP_SAIP_OPT_ISIM || tag == RSP_SAIP_OPT_CSIM;
}

static void
enter_application (RspInstall *in, guint32 tag, RspUiccFile *root)
{
    in->context = root;
    if (tag == RSP_SAIP_USIM) {
        in->usim = root;
        in->first_usim = in->first_usim ? in->first_usim : root;
        in->seen &= ~(guint64)0xFFFFFFFF00000000u;
    } else if (tag == RSP_SAIP_ISIM) {
        in->isim = root;
    } else if (tag == RSP_SAIP_CSIM) {
        in->csim = root;
    }
}

static RspSaipStatus
take_files (RspInstall *in, const RspSaipElement *element, RspUiccFile *owner)
{
    RspSaipProblem problem = {0};
    in->element = element;
    in->n_named = 0;
    in->root = is_optional_part (element->tag) ? owner : NULL;
    in->current_df = rsp_uicc_mf (in->uicc);
    in->current_ef = NULL;
    RspSaipStatus status = rsp_saip_files (element, on_file, in, &problem);
    in->element = NULL;
    if (status != RSP_SAIP_OK)
        return status;
    in->context_skipped = FALSE;
    if (element->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT)
        in->context = in->current_df;
    else if (owner)
        in->context = owner;
    else
        enter_application (in, element->tag, in->root);
    return RSP_SAIP_OK;
}

/* --- Elements --- */

static RspSaipStatus
keep (RspInstall *in, const RspSaipElement *element)
{
    return rsp_uicc_keep (in->uicc, element->tag, in->context, element->whole)
               ? RSP_SAIP_OK
               : RSP_SAIP_NOT_ENOUGH_MEMORY;
}

/* Once a package, or once an application. */
static gboolean
comes_again (RspInstall *in, guint32 tag)
{
    guint bit;
    switch (tag) {
    case RSP_SAIP_MF:
    case RSP_SAIP_CD:
    case RSP_SAIP_TELECOM:
    case RSP_SAIP_PUK_CODES:
        bit = tag & 0x1F;
        break;
    case RSP_SAIP_OPT_USIM:
    case RSP_SAIP_PHONEBOOK:
    case RSP_SAIP_GSM_ACCESS:
    case RSP_SAIP_DF_5GS:
    case RSP_SAIP_DF_SAIP:
    case RSP_SAIP_DF_SNPN:
    case RSP_SAIP_DF_5GPROSE:
        bit = 32 + (tag & 0x1F);
        break;
    default:
        return FALSE;
    }
    if (in->seen >> bit & 1)
        return TRUE;
    in->seen |= 1ull << bit;
    return FALSE;
}

static RspSaipStatus
take_template_element (RspInstall *in, const RspSaipElement *element)
{
    gboolean needed, skipped;
    RspUiccFile *owner = owner_of (in, element->tag, &needed, &skipped);
    if (!element->template || element->tag == RSP_SAIP_EAP)
        return element->tag == RSP_SAIP_EAP ? RSP_SAIP_FEATURE_NOT_SUPPORTED
                                            : RSP_SAIP_TEMPLATE_NOT_SUPPORTED;
    if (needed && !owner)
        return skipped ? RSP_SAIP_PE_NOT_SUPPORTED : RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (comes_again (in, element->tag))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    return take_files (in, element, owner);
}

static RspSaipStatus
take_body (RspInstall *in, const RspSaipElement *element)
{
    switch (element->tag) {
    case RSP_SAIP_GENERIC_FILE_MANAGEMENT:
        return take_files (in, element, NULL);
    case RSP_SAIP_PIN_CODES:
        return in->context_skipped ? RSP_SAIP_PE_NOT_SUPPORTED
                                   : rsp_install_pins (in->uicc, in->context, element->body);
    case RSP_SAIP_PUK_CODES:
        return comes_again (in, element->tag) ? RSP_SAIP_INVALID_REQUEST_FORMAT
                                              : rsp_install_puks (in->uicc, element->body);
    case RSP_SAIP_AKA_PARAMETER: {
        RspSaipStatus status =
            in->context_skipped
                ? RSP_SAIP_PE_NOT_SUPPORTED
                : rsp_install_aka (in->uicc, in->context, element->body, &in->operational_key);
        return status == RSP_SAIP_OK ? keep (in, element) : status;
    }
    case RSP_SAIP_CDMA_PARAMETER:
    case RSP_SAIP_SECURITY_DOMAIN:
    case RSP_SAIP_RFM:
        return keep (in, element);
    case RSP_SAIP_APPLICATION:
        return RSP_SAIP_RUNTIME_NOT_SUPPORTED;
    case RSP_SAIP_NON_STANDARD:
        return RSP_SAIP_PE_NOT_SUPPORTED;
    case RSP_SAIP_END:
        in->end = TRUE;
        return RSP_SAIP_OK;
    default:
        return element->type && element->type->members ? take_template_element (in, element)
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

static void
note_skipped (RspInstall *in, guint32 tag)
{
    /* PINs and keys that follow belong to what is not there. */
    if (tag == RSP_SAIP_USIM || tag == RSP_SAIP_ISIM || tag == RSP_SAIP_CSIM)
        in->context_skipped = TRUE;
    if (tag == RSP_SAIP_USIM) {
        in->usim = NULL;
        in->usim_skipped = TRUE;
    } else if (tag == RSP_SAIP_ISIM) {
        in->isim = NULL;
        in->isim_skipped = TRUE;
    } else if (tag == RSP_SAIP_CSIM) {
        in->csim = NULL;
        in->csim_skipped = TRUE;
    }
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
        return take_header (in, element->body);
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
        note_skipped (in, element->tag);
        return RSP_SAIP_OK;
    }
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
