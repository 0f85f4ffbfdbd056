/* Files of profile elements: descriptor over template, then content (SAIP 8.3, Annex A). */
#include "asn1/saip.h"

#include <string.h>

#define MAX_FILE_SIZE (1024 * 1024)
#define MAX_RECORDS 254

static RspSaipStatus
problem (RspSaipProblem *p, RspSaipStatus status, const char *why)
{
    p->status = status;
    p->why = why;
    return status;
}

static gboolean
is_df (const RspSaipFileDef *def)
{
    return (def->kind & 0x3F) == 0x38;
}

static gboolean
is_record_file (const RspSaipFileDef *def)
{
    guint structure = def->kind & 0x3F;
    return structure == 0x02 || structure == 0x06;
}

static gboolean
read_number (RspSlice s, gsize max_octets, guint32 *ret)
{
    if (!s.len || s.len > max_octets)
        return FALSE;
    guint32 n = 0;
    for (gsize i = 0; i < s.len; i++)
        n = n << 8 | s.data[i];
    *ret = n;
    return TRUE;
}

/* --- File control parameters --- */

/* What a descriptor gave explicitly, for the rules that look at several members together. */
typedef struct {
    gboolean descriptor, fid, security, size, record_size, sfi, pins, link;
} Given;

static RspSaipStatus
read_descriptor (RspSlice v, RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    if (v.len != 2 && v.len != 4)
        return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT,
                        "fileDescriptor has neither 2 nor 4 octets");
    guint8 structure = v.data[0] & 0x3F;
    if (v.data[0] & 0x80 || (structure != 0x01 && structure != 0x02 && structure != 0x06 &&
                             structure != 0x38 && structure != 0x39))
        return problem (p, RSP_SAIP_BAD_VALUES, "fileDescriptor names no known file type");
    if (def->row && structure != (def->row->kind & 0x3F))
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "file type differs from the template's");
    gboolean record = structure == 0x02 || structure == 0x06;
    if (record != (v.len == 4))
        return problem (p, RSP_SAIP_INVALID_PARAMETER,
                        "fileDescriptor has a record length exactly for record files");
    def->kind = v.data[0];
    if (record) {
        def->record_size = v.data[2] << 8 | v.data[3];
        if (!def->record_size || def->record_size > 255)
            return problem (p, RSP_SAIP_BAD_VALUES, "record length is not in 1..255");
        given->record_size = TRUE;
    }
    given->descriptor = TRUE;
    return RSP_SAIP_OK;
}

static RspSaipStatus
read_fid (RspSlice v, RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    if (v.len != 2)
        return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "fileID has not 2 octets");
    guint16 fid = v.data[0] << 8 | v.data[1];
    if (def->row && def->row->fid && (fid < def->row->fid || fid > def->row->fid_last))
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "fileID differs from the template's");
    def->fid = fid;
    given->fid = TRUE;
    return RSP_SAIP_OK;
}

static RspSaipStatus
read_security (RspSlice v, RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    if (v.len != 1 && v.len != 3)
        return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT,
                        "securityAttributesReferenced has neither 1 nor 3 octets");
    if (v.len == 3)
        def->arr_fid = v.data[0] << 8 | v.data[1];
    def->arr_record = v.data[v.len - 1];
    if (!def->arr_record)
        return problem (p, RSP_SAIP_BAD_VALUES, "securityAttributesReferenced names record 0");
    def->security = v;
    given->security = TRUE;
    return RSP_SAIP_OK;
}

static RspSaipStatus
read_sfi (RspSlice v, RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    if (v.len > 1)
        return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "shortEFID has more than 1 octet");
    def->sfi = v.len ? v.data[0] >> 3 : 0;
    if (v.len && (v.data[0] & 7 || !def->sfi || def->sfi > 30))
        return problem (p, RSP_SAIP_BAD_VALUES, "shortEFID is not 1..30 in the upper five bits");
    given->sfi = TRUE;
    return RSP_SAIP_OK;
}

static RspSaipStatus
read_pattern (RspSlice v, RspSaipFileDef *def, gboolean *which, RspSaipProblem *p)
{
    if (!v.len)
        return problem (p, RSP_SAIP_BAD_VALUES, "fillPattern or repeatPattern is empty");
    if (def->has_fill || def->has_repeat)
        return problem (p, RSP_SAIP_INVALID_PARAMETER,
                        "fillPattern and repeatPattern exclude each other");
    *which = TRUE;
    def->pattern = v;
    return RSP_SAIP_OK;
}

/* Place of a tag in its SEQUENCE, so that order and repetition are seen; 0: an extension. */
static guint
place_of (guint32 tag, const guint8 *order, gsize n)
{
    for (gsize i = 0; i < n; i++)
        if (order[i] == tag)
            return i + 1;
    return 0;
}

static RspSaipStatus
read_proprietary_member (const RspTlv *tlv, RspSaipFileDef *def, RspSaipProblem *p)
{
    switch (tlv->tag) {
    case 0xC0:
        if (tlv->value.len != 1)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT,
                            "specialFileInformation has not 1 octet");
        def->special = tlv->value.data[0];
        return RSP_SAIP_OK;
    case 0xC1:
        return read_pattern (tlv->value, def, &def->has_fill, p);
    case 0xC2:
        return read_pattern (tlv->value, def, &def->has_repeat, p);
    case 0x86:
        if (!read_number (tlv->value, 4, &def->maximum) || def->maximum > MAX_FILE_SIZE)
            return problem (p, RSP_SAIP_BAD_VALUES, "maximumFileSize is empty or too large");
        return RSP_SAIP_OK;
    default: /* fileDetails says how a BER-TLV file codes its tags: only DER exists */
        return RSP_SAIP_OK;
    }
}

static RspSaipStatus
read_proprietary (RspSlice v, RspSaipFileDef *def, RspSaipProblem *p)
{
    static const guint8 order[] = {0xC0, 0xC1, 0xC2, 0x86, 0x84};
    guint last = 0;
    RspTlv tlv;
    while (v.len) {
        if (rsp_tlv_next (&v, &tlv) != RSP_TLV_OK)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "proprietaryEFInfo is malformed");
        guint place = place_of (tlv.tag, order, G_N_ELEMENTS (order));
        if (!place)
            continue;
        if (place <= last)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT,
                            "proprietaryEFInfo members repeat or are out of order");
        last = place;
        RspSaipStatus status = read_proprietary_member (&tlv, def, p);
        if (status)
            return status;
    }
    return RSP_SAIP_OK;
}

static RspSaipStatus
read_link (RspSlice v, RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    if (v.len > 8 || v.len % 2)
        return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT,
                        "linkPath is not 0 to 4 file identifiers");
    given->link = TRUE;
    def->linked = v.len > 0;
    def->link = v;
    return RSP_SAIP_OK;
}

static RspSaipStatus
read_fcp_member (const RspTlv *tlv, RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    RspSlice v = tlv->value;
    switch (tlv->tag) {
    case 0x82:
        return read_descriptor (v, def, given, p);
    case 0x83:
        return read_fid (v, def, given, p);
    case 0x84:
        if (v.len < 5 || v.len > 16)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "dfName has not 5 to 16 octets");
        def->aid = v;
        return RSP_SAIP_OK;
    case 0x8A:
        if (v.len != 1)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "lcsi has not 1 octet");
        def->lcsi = v.data[0];
        return RSP_SAIP_OK;
    case 0x8B:
        return read_security (v, def, given, p);
    case 0x80:
        given->size = TRUE;
        if (!read_number (v, 4, &def->size) || def->size > MAX_FILE_SIZE)
            return problem (p, RSP_SAIP_BAD_VALUES, "efFileSize is empty or too large");
        return RSP_SAIP_OK;
    case 0xC6:
        given->pins = TRUE;
        def->pins = v;
        return RSP_SAIP_OK;
    case 0x88:
        return read_sfi (v, def, given, p);
    case 0xA5:
        return read_proprietary (v, def, p);
    default:
        return read_link (v, def, given, p);
    }
}

static RspSaipStatus
read_fcp (RspSlice v, RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    static const guint8 order[] = {0x82, 0x83, 0x84, 0x8A, 0x8B, 0x80, 0xC6, 0x88, 0xA5, 0xC7};
    guint last = 0;
    RspTlv tlv;
    while (v.len) {
        if (rsp_tlv_next (&v, &tlv) != RSP_TLV_OK)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "fileDescriptor is malformed");
        guint place = place_of (tlv.tag, order, G_N_ELEMENTS (order));
        if (!place)
            continue;
        if (place <= last)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT,
                            "fileDescriptor members repeat or are out of order");
        last = place;
        RspSaipStatus status = read_fcp_member (&tlv, def, given, p);
        if (status)
            return status;
    }
    return RSP_SAIP_OK;
}

/* --- One file --- */

static void
def_init (RspSaipFileDef *def, const RspSaipFile *row, const RspSaipElement *e)
{
    *def = (RspSaipFileDef){.row = row, .lcsi = 0x05, .arr_fid = 0x6F06};
    if (!row)
        return;
    def->parent = row->parent;
    def->root = is_df (&(RspSaipFileDef){.kind = row->kind}) && row == e->template->files;
    def->kind = row->kind;
    def->sfi = row->sfi < 0 ? 0 : row->sfi;
    def->fid = row->fid;
    def->records = row->records;
    def->record_size = row->record_size;
    def->size = row->size;
    def->arr_record = row->arr_record;
    if (e->tag == RSP_SAIP_MF ||
        (def->root && (row->adf || e->tag == RSP_SAIP_TELECOM || e->tag == RSP_SAIP_CD)))
        def->arr_fid = 0x2F06;
}

static RspSaipStatus
settle_df (RspSaipFileDef *def, const Given *given, RspSaipProblem *p)
{
    if (given->size || given->sfi || def->has_fill || def->has_repeat)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "a DF has a size, an SFI or a pattern");
    if (!given->pins && !def->linked)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "a DF lacks its pinStatusTemplateDO");
    gboolean adf = def->row ? def->row->adf : def->aid.len > 0;
    if (adf && !def->aid.len)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "an ADF lacks its dfName");
    if (!adf && def->aid.len)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "a DF that is no ADF has a dfName");
    if (!def->fid)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "a DF lacks its fileID");
    def->size = 0;
    return RSP_SAIP_OK;
}

static RspSaipStatus
settle_records (RspSaipFileDef *def, const Given *given, RspSaipProblem *p)
{
    if (!def->record_size)
        return problem (p, RSP_SAIP_INVALID_PARAMETER,
                        "neither profile nor template say the "
                        "record length");
    if (!given->size)
        def->size = (guint32)def->records * def->record_size;
    if (def->size % def->record_size)
        return problem (p, RSP_SAIP_INVALID_PARAMETER,
                        "efFileSize is not a multiple of the record length");
    guint32 records = def->size / def->record_size;
    if (!records || records > MAX_RECORDS)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "the number of records is not in 1..254");
    def->records = records;
    return RSP_SAIP_OK;
}

static RspSaipStatus
settle_ef (RspSaipFileDef *def, const Given *given, RspSaipProblem *p)
{
    if (given->pins || def->aid.len)
        return problem (p, RSP_SAIP_INVALID_PARAMETER,
                        "an EF has a pinStatusTemplateDO or a dfName");
    if (!def->fid)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "an EF lacks its fileID");
    if (def->linked) {
        if (given->size)
            return problem (p, RSP_SAIP_INVALID_PARAMETER, "a linked EF has an efFileSize");
        return RSP_SAIP_OK;
    }
    /* The GSMA's own profiles leave such a file blank where they say its size (TS.48 v5, v7). */
    if (def->row && def->row->required && !def->content.len && !def->has_fill && !def->has_repeat &&
        !given->size)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "the profile has to give the content");
    if (is_record_file (def))
        return settle_records (def, given, p);
    if (!def->size)
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "neither profile nor template say the size");
    return RSP_SAIP_OK;
}

static RspSaipStatus
settle (RspSaipFileDef *def, const Given *given, RspSaipProblem *p)
{
    return is_df (def) ? settle_df (def, given, p) : settle_ef (def, given, p);
}

/* The run of content TLVs at the head of *REST. */
static RspSaipStatus
take_content (RspSlice *rest, guint32 offset_tag, guint32 content_tag, RspSlice *ret,
              RspSaipProblem *p)
{
    RspSlice at = *rest;
    RspTlv tlv;
    while (at.len) {
        RspSlice before = at;
        if (rsp_tlv_next (&at, &tlv) != RSP_TLV_OK)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "file content is malformed");
        if (tlv.tag != offset_tag && tlv.tag != content_tag) {
            at = before;
            break;
        }
    }
    *ret = RSP_SLICE (rest->data, rest->len - at.len);
    *rest = at;
    return RSP_SAIP_OK;
}

/* --- Elements with a template --- */

typedef struct {
    const RspSaipElement *element;
    RspSaipFileFunc func;
    gpointer data;
    RspSaipProblem *problem;
} Walk;

static RspSaipStatus
create_default (const Walk *walk, const RspSaipFile *row)
{
    RspSaipFileDef def;
    def_init (&def, row, walk->element);
    walk->problem->member = row->member;
    RspSaipStatus status = settle (&def, &(Given){FALSE}, walk->problem);
    return status ? status : walk->func (RSP_SAIP_CREATE, &def, walk->data, walk->problem);
}

static RspSaipStatus
create_instance (const Walk *walk, const RspSaipFile *row, guint nth, const RspTlv *fcp,
                 RspSlice *rest)
{
    RspSaipProblem *p = walk->problem;
    RspSaipFileDef def;
    Given given = {FALSE};
    def_init (&def, row, walk->element);
    if (row->fid && nth > (guint)(row->fid_last - row->fid))
        return problem (p, RSP_SAIP_INVALID_PARAMETER, "more files than the template has");
    def.fid += nth;
    RspSaipStatus status = fcp ? read_fcp (fcp->value, &def, &given, p) : RSP_SAIP_OK;
    if (!status)
        status = take_content (rest, 0x82, 0x83, &def.content, p);
    if (!status)
        status = settle (&def, &given, p);
    return status ? status : walk->func (RSP_SAIP_CREATE, &def, walk->data, p);
}

static RspSaipStatus
do_not_create (const Walk *walk, const RspSaipFile *row, RspSlice rest)
{
    if (rest.len)
        return problem (walk->problem, RSP_SAIP_INVALID_REQUEST_FORMAT,
                        "doNotCreate does not stand alone");
    if (!walk->element->type->by_default)
        return problem (walk->problem, RSP_SAIP_INVALID_PARAMETER,
                        "doNotCreate in an element whose files do not exist by default");
    return walk->element->tag == RSP_SAIP_MF ? create_default (walk, row) : RSP_SAIP_OK;
}

/* One member: a File, that is a list of descriptors and content. */
static RspSaipStatus
walk_member (const Walk *walk, const RspSaipFile *row, RspSlice list)
{
    guint nth = 0;
    RspTlv tlv;
    while (list.len) {
        RspSlice rest = list;
        if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK)
            return problem (walk->problem, RSP_SAIP_INVALID_REQUEST_FORMAT, "File is malformed");
        gboolean fcp = tlv.tag == 0xA1, content = tlv.tag == 0x82 || tlv.tag == 0x83;
        if (tlv.tag == 0x80 && !nth)
            return do_not_create (walk, row, rest);
        if (content && nth)
            return problem (walk->problem, RSP_SAIP_INVALID_REQUEST_FORMAT,
                            "content is torn from its fileDescriptor");
        if (!content)
            list = rest;
        if (!content && !fcp)
            continue; /* an extension */
        RspSaipStatus status = create_instance (walk, row, nth++, fcp ? &tlv : NULL, &list);
        if (status)
            return status;
    }
    return nth ? RSP_SAIP_OK : create_instance (walk, row, 0, NULL, &list);
}

/* Rows before TAG_NO that the profile did not name. */
static RspSaipStatus
skip_rows (const Walk *walk, const RspSaipFile **row, guint tag_no)
{
    for (; (*row)->member && (*row)->tag_no < tag_no; (*row)++) {
        RspSaipStatus status =
            walk->element->type->by_default ? create_default (walk, *row) : RSP_SAIP_OK;
        if (status)
            return status;
    }
    return RSP_SAIP_OK;
}

/* Context tag number of a constructed member; -1 for anything else. */
static int
member_number (const RspTlv *tlv)
{
    if (tlv->tag >= 0xA0 && tlv->tag <= 0xBE)
        return tlv->tag - 0xA0;
    if (tlv->tag >= 0xBF1F && tlv->tag <= 0xBF7F)
        return tlv->tag - 0xBF00;
    return -1;
}

static RspSaipStatus
walk_members (const Walk *walk, RspSlice rest)
{
    RspSaipProblem *p = walk->problem;
    const RspSaipFile *row = walk->element->template->files;
    int last = -1;
    RspTlv tlv;
    while (rest.len) {
        p->member = NULL;
        p->offset = rest.data - walk->element->whole.data;
        if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "element is malformed");
        int number = member_number (&tlv);
        if (number < 0 || (guint)number >= walk->element->type->n_members)
            continue; /* an extension */
        if (number <= last)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT,
                            "members repeat or are out of order");
        last = number;
        if (number < 2)
            continue; /* PE header and templateID, read by rsp_saip_next */
        RspSaipStatus status = skip_rows (walk, &row, number);
        if (status)
            return status;
        p->member = walk->element->type->members[number];
        if (!row->member || row->tag_no != number)
            return problem (p, RSP_SAIP_TEMPLATE_NOT_SUPPORTED, "the template has no such file");
        status = walk_member (walk, row++, tlv.value);
        if (status)
            return status;
    }
    return skip_rows (walk, &row, G_MAXUINT);
}

/* --- genericFileManagement --- */

static RspSaipStatus
settle_generic (RspSaipFileDef *def, Given *given, RspSaipProblem *p)
{
    if (!given->descriptor || !given->fid || !given->security)
        return problem (p, RSP_SAIP_INVALID_PARAMETER,
                        "createFCP lacks fileDescriptor, fileID or securityAttributesReferenced");
    guint8 low = def->fid & 0x1F;
    if (!given->sfi && !is_df (def) && low != 0x1F)
        def->sfi = low;
    return settle (def, given, p);
}

static RspSaipStatus
generic_create (const Walk *walk, const RspTlv *fcp, gboolean at_mf, RspSlice *rest)
{
    RspSaipFileDef def;
    Given given = {FALSE};
    def_init (&def, NULL, walk->element);
    if (at_mf)
        def.arr_fid = 0x2F06;
    RspSaipStatus status = read_fcp (fcp->value, &def, &given, walk->problem);
    if (!status)
        status = take_content (rest, 0x02, 0x81, &def.content, walk->problem);
    if (!status)
        status = settle_generic (&def, &given, walk->problem);
    return status ? status : walk->func (RSP_SAIP_CREATE, &def, walk->data, walk->problem);
}

static RspSaipStatus
generic_select (const Walk *walk, RspSlice path)
{
    if (path.len > 8 || path.len % 2)
        return problem (walk->problem, RSP_SAIP_INVALID_REQUEST_FORMAT,
                        "filePath is not 0 to 4 file identifiers");
    RspSaipFileDef def = {.link = path};
    return walk->func (RSP_SAIP_SELECT, &def, walk->data, walk->problem);
}

static RspSaipStatus
walk_command (const Walk *walk, RspSlice rest, gboolean *at_mf)
{
    RspSaipProblem *p = walk->problem;
    RspSaipStatus status = RSP_SAIP_OK;
    RspTlv tlv;
    while (rest.len && !status) {
        RspSlice before = rest;
        p->offset = rest.data - walk->element->whole.data;
        if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "FileManagement is malformed");
        if (tlv.tag == 0x80) {
            *at_mf = !tlv.value.len;
            status = generic_select (walk, tlv.value);
        } else if (tlv.tag == 0x62)
            status = generic_create (walk, &tlv, *at_mf, &rest);
        else if (tlv.tag == 0x02 || tlv.tag == 0x81) {
            RspSaipFileDef def = {.content = {NULL, 0}};
            rest = before;
            status = take_content (&rest, 0x02, 0x81, &def.content, p);
            if (!status)
                status = walk->func (RSP_SAIP_UPDATE, &def, walk->data, p);
        }
    }
    return status;
}

static RspSaipStatus
walk_generic (const Walk *walk)
{
    RspSaipProblem *p = walk->problem;
    RspSlice rest = walk->element->body;
    RspTlv header, commands, command;
    if (rsp_tlv_next (&rest, &header) != RSP_TLV_OK || header.tag != 0xA0 ||
        rsp_tlv_next (&rest, &commands) != RSP_TLV_OK || commands.tag != 0xA1 ||
        !commands.value.len)
        return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "fileManagementCMD is missing");
    gboolean at_mf = TRUE;
    rest = commands.value;
    while (rest.len) {
        p->offset = rest.data - walk->element->whole.data;
        if (rsp_tlv_next (&rest, &command) != RSP_TLV_OK || command.tag != 0x30 ||
            !command.value.len)
            return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "FileManagement is malformed");
        RspSaipStatus status = walk_command (walk, command.value, &at_mf);
        if (status)
            return status;
    }
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_saip_files (const RspSaipElement *element, RspSaipFileFunc func, gpointer data,
                RspSaipProblem *ret_problem)
{
    RspSaipProblem scratch, *p = ret_problem ? ret_problem : &scratch;
    *p = (RspSaipProblem){.status = RSP_SAIP_OK};
    Walk walk = {element, func, data, p};
    RspSaipStatus status;
    if (element->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT)
        status = walk_generic (&walk);
    else if (!element->type || !element->type->members)
        return problem (p, RSP_SAIP_PE_NOT_SUPPORTED, "the element has no files");
    else if (element->identification < 0 || !element->template_id.len)
        return problem (p, RSP_SAIP_INVALID_REQUEST_FORMAT, "PE header or templateID is missing");
    else if (!element->template)
        return problem (p, RSP_SAIP_TEMPLATE_NOT_SUPPORTED,
                        "the template is unknown, or not one of this element");
    else
        status = walk_members (&walk, element->body);
    p->status = status;
    return status;
}
