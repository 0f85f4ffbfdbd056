/* Elements that make files: those with a template, and genericFileManagement. */
#include "components/euicc/euicc-pe-private.h"

#include <string.h>

/* The application that an element hangs on, RSP_N_NAAS if none. */
static RspInstallNaa
naa_of (guint32 tag)
{
    switch (tag) {
    case RSP_SAIP_OPT_USIM:
    case RSP_SAIP_PHONEBOOK:
    case RSP_SAIP_GSM_ACCESS:
    case RSP_SAIP_EAP:
    case RSP_SAIP_DF_5GS:
    case RSP_SAIP_DF_SAIP:
    case RSP_SAIP_DF_SNPN:
    case RSP_SAIP_DF_5GPROSE:
        return RSP_NAA_USIM;
    case RSP_SAIP_OPT_ISIM:
        return RSP_NAA_ISIM;
    case RSP_SAIP_OPT_CSIM:
        return RSP_NAA_CSIM;
    default:
        return RSP_N_NAAS;
    }
}

/* The application that an element is, RSP_N_NAAS if none. */
static RspInstallNaa
naa_made_by (guint32 tag)
{
    return tag == RSP_SAIP_USIM   ? RSP_NAA_USIM
           : tag == RSP_SAIP_ISIM ? RSP_NAA_ISIM
           : tag == RSP_SAIP_CSIM ? RSP_NAA_CSIM
                                  : RSP_N_NAAS;
}

gboolean
rsp_install_first_time (RspInstall *in, guint32 tag)
{
    RspInstallNaa naa = naa_of (tag);
    guint32 *seen = naa < RSP_N_NAAS ? &in->seen_naa[naa] : &in->seen;
    guint32 bit = 1u << (tag & 0x1F);
    gboolean first = !(*seen & bit);
    *seen |= bit;
    return first;
}

static RspUiccFile *
find_named (const RspInstall *in, const char *member)
{
    for (guint i = in->n_named; i-- > 0;)
        if (strcmp (in->named[i].member, member) == 0)
            return in->named[i].file;
    return NULL;
}

/* --- Taking back --- */

static void
note_change (RspInstall *in, RspUiccFile *file, RspUiccBody *body)
{
    RspInstallChange change = {file, body, NULL, 0};
    if (body)
        change.used = body->used;
    if (body && body->data)
        change.old = g_memdup2 (body->data, MAX (body->size, body->used));
    g_array_append_val (in->changes, change);
}

static void
forget_changes (RspInstall *in, gboolean undo)
{
    for (guint i = in->changes->len; i-- > 0;) {
        RspInstallChange *c = &g_array_index (in->changes, RspInstallChange, i);
        if (undo && c->file)
            rsp_uicc_take_back (in->uicc, c->file);
        else if (undo && c->old)
            memcpy (c->body->data, c->old, MAX (c->body->size, c->used));
        if (undo && !c->file)
            c->body->used = c->used;
    }
    g_array_set_size (in->changes, 0);
}

void
rsp_install_skip_files (RspInstall *in, const RspSaipElement *element)
{
    RspInstallNaa naa = naa_made_by (element->tag);
    gboolean files = element->type && element->type->members;
    forget_changes (in, TRUE);
    if (files && naa_of (element->tag) == RSP_N_NAAS)
        in->context_skipped = TRUE;
    in->files_skipped = in->files_skipped || files;
    if (naa < RSP_N_NAAS) {
        in->naa[naa] = NULL;
        in->naa_skipped[naa] = in->adf_skipped = TRUE;
    }
}

/* --- Files --- */

static gboolean
is_ber_tlv (guint8 kind)
{
    return (kind & 0x3F) == 0x39;
}

static RspSaipStatus
refuse (RspSaipProblem *problem, RspSaipStatus status, const char *why)
{
    problem->why = why;
    return status;
}

/* What hangs on an element that was left out is left out in the same way. */
static RspSaipStatus
missing (const RspInstall *in, RspSaipProblem *problem, const char *why)
{
    return refuse (problem,
                   in->files_skipped ? RSP_SAIP_PE_NOT_SUPPORTED : RSP_SAIP_INVALID_PARAMETER, why);
}

static RspSaipStatus
check_support (const RspInstall *in, const RspSaipFileDef *file, RspSaipProblem *problem)
{
    if (is_ber_tlv (file->kind) && !rsp_install_offers (in, RSP_SERVICE_BER_TLV))
        return refuse (problem, RSP_SAIP_FEATURE_NOT_SUPPORTED, "the card has no BER-TLV files");
    if (file->linked && (file->kind & 0x3F) == 0x38 &&
        !rsp_install_offers (in, RSP_SERVICE_DF_LINK))
        return refuse (problem, RSP_SAIP_FEATURE_NOT_SUPPORTED, "the card has no links of DFs");
    return RSP_SAIP_OK;
}

/* The DF in which a template's own root stands. */
static RspUiccFile *
parent_of_root (const RspInstall *in)
{
    RspInstallNaa naa = naa_of (in->element->tag);
    return naa < RSP_N_NAAS ? in->naa[naa] : rsp_uicc_mf (in->uicc);
}

static RspUiccFile *
parent_of (const RspInstall *in, const RspSaipFileDef *file)
{
    if (in->element->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT)
        return in->current_df;
    if (file->root)
        return parent_of_root (in);
    return file->parent ? find_named (in, file->parent) : in->root;
}

static RspSaipStatus
create_file (RspInstall *in, const RspSaipFileDef *file, RspSaipProblem *problem)
{
    gboolean generic = in->element->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT;
    gboolean is_mf = in->element->tag == RSP_SAIP_MF ? file->root : generic && file->fid == 0x3F00;
    RspUiccFile *parent = is_mf ? NULL : parent_of (in, file), *made = NULL;
    if (!parent && !is_mf)
        return refuse (problem, RSP_SAIP_INVALID_PARAMETER, "the parent DF is missing");
    RspSaipStatus status = check_support (in, file, problem);
    if (status == RSP_SAIP_OK)
        status = rsp_uicc_add (in->uicc, parent, file, &made, problem);
    if (status != RSP_SAIP_OK)
        return status;
    note_change (in, made, NULL);
    gboolean df = rsp_uicc_is_df (made);
    if (generic) {
        in->current_ef = df ? NULL : made;
        in->current_df = is_mf ? made : in->current_df;
        in->pins_df = df ? made : in->pins_df;
        return RSP_SAIP_OK;
    }
    if (file->root)
        in->root = made;
    if (file->row && df && in->n_named < G_N_ELEMENTS (in->named))
        in->named[in->n_named++] = (RspInstallNamed){file->row->member, made};
    return RSP_SAIP_OK;
}

static RspSaipStatus
select_file (RspInstall *in, RspSlice path, RspSaipProblem *problem)
{
    RspUiccFile *found = rsp_uicc_path (in->uicc, rsp_uicc_mf (in->uicc), path, TRUE);
    if (!found)
        return missing (in, problem, "the file of a filePath is missing");
    gboolean df = rsp_uicc_is_df (found);
    in->current_ef = df ? NULL : found;
    in->current_df = in->pins_df = df ? found : found->parent;
    return RSP_SAIP_OK;
}

static RspSaipStatus
update_file (RspInstall *in, RspSlice content, RspSaipProblem *problem)
{
    if (!in->current_ef)
        return refuse (problem, RSP_SAIP_INVALID_PARAMETER, "content without an EF");
    note_change (in, NULL, in->current_ef->body);
    return rsp_uicc_update (in->uicc, in->current_ef, content);
}

static RspSaipStatus
on_file (RspSaipAction action, const RspSaipFileDef *file, gpointer data, RspSaipProblem *problem)
{
    switch (action) {
    case RSP_SAIP_CREATE:
        return create_file (data, file, problem);
    case RSP_SAIP_SELECT:
        return select_file (data, file->link, problem);
    case RSP_SAIP_UPDATE:
        return update_file (data, file->content, problem);
    }
    return RSP_SAIP_INVALID_REQUEST_FORMAT;
}

static RspSaipStatus
walk (RspInstall *in, const RspSaipElement *element, RspUiccFile *root)
{
    in->element = element;
    in->n_named = 0;
    in->root = root;
    in->current_df = in->pins_df = rsp_uicc_mf (in->uicc);
    in->current_ef = NULL;
    RspSaipStatus status = rsp_saip_files (element, on_file, in, NULL);
    in->element = NULL;
    if (status == RSP_SAIP_OK)
        forget_changes (in, FALSE);
    return status;
}

RspSaipStatus
rsp_install_generic_files (RspInstall *in, const RspSaipElement *element)
{
    RspSaipStatus status = walk (in, element, NULL);
    if (status != RSP_SAIP_OK)
        return status;
    in->context = in->pins_df;
    in->context_skipped = FALSE;
    return RSP_SAIP_OK;
}

/* --- Elements with a template --- */

static RspSaipStatus
check_application (const RspInstall *in, RspInstallNaa naa)
{
    static const RspSaipService one[] = {RSP_SERVICE_USIM, RSP_SERVICE_ISIM, RSP_SERVICE_CSIM};
    static const RspSaipService many[] = {RSP_SERVICE_MULTIPLE_USIM, RSP_SERVICE_MULTIPLE_ISIM,
                                          RSP_SERVICE_MULTIPLE_CSIM};
    if (!rsp_install_offers (in, one[naa]) ||
        (in->n_naas[naa] > 0 && !rsp_install_offers (in, many[naa])))
        return RSP_SAIP_FEATURE_NOT_SUPPORTED;
    return RSP_SAIP_OK;
}

static RspSaipStatus
enter_application (RspInstall *in, RspInstallNaa naa)
{
    if (!in->root)
        return RSP_SAIP_INVALID_PARAMETER;
    in->adf = in->naa[naa] = in->root;
    in->adf_skipped = in->naa_skipped[naa] = FALSE;
    in->seen_naa[naa] = 0;
    in->n_naas[naa]++;
    if (naa == RSP_NAA_USIM && !in->first_usim)
        in->first_usim = in->root;
    return RSP_SAIP_OK;
}

/* Whether the element has its turn, and the card what it needs. */
static RspSaipStatus
check_turn (RspInstall *in, const RspSaipElement *element)
{
    RspInstallNaa on = naa_of (element->tag), made = naa_made_by (element->tag);
    if (!element->template)
        return RSP_SAIP_TEMPLATE_NOT_SUPPORTED;
    if (on < RSP_N_NAAS && !in->naa[on])
        return in->naa_skipped[on] ? RSP_SAIP_PE_NOT_SUPPORTED : RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (made == RSP_N_NAAS && !rsp_install_first_time (in, element->tag))
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (element->tag == RSP_SAIP_EAP && !rsp_install_offers (in, RSP_SERVICE_EAP))
        return RSP_SAIP_FEATURE_NOT_SUPPORTED;
    return made < RSP_N_NAAS ? check_application (in, made) : RSP_SAIP_OK;
}

RspSaipStatus
rsp_install_template (RspInstall *in, const RspSaipElement *element)
{
    RspInstallNaa on = naa_of (element->tag), made = naa_made_by (element->tag);
    /* opt-… elements have no DF of their own: their files stand in the application's. */
    gboolean optional = element->tag == RSP_SAIP_OPT_USIM || element->tag == RSP_SAIP_OPT_ISIM ||
                        element->tag == RSP_SAIP_OPT_CSIM;
    RspSaipStatus status = check_turn (in, element);
    if (status == RSP_SAIP_OK)
        status = walk (in, element, optional ? in->naa[on] : NULL);
    if (status == RSP_SAIP_OK && made < RSP_N_NAAS)
        status = enter_application (in, made);
    if (status != RSP_SAIP_OK)
        return status;
    in->context = on < RSP_N_NAAS ? in->naa[on] : in->root;
    in->context_skipped = FALSE;
    if (on < RSP_N_NAAS) {
        in->adf = in->naa[on];
        in->adf_skipped = FALSE;
    }
    return RSP_SAIP_OK;
}
