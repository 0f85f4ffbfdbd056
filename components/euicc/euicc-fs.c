#include "components/euicc/euicc-fs.h"

#include <string.h>

#define CHUNK 16384
#define FILE_COST 32 /* what a file takes beside its body */
#define MAX_FILES 4096
#define MAX_PINS 256
#define MAX_KEPT 512

struct _RspUicc {
    GPtrArray *chunks;
    guint8 *room;
    gsize room_left;
    guint32 limit, used;
    guint n_files;
    RspUiccFile *mf;
    GPtrArray *adfs; /* of RspUiccFile */
    GArray *pins;    /* of RspUiccPin */
    GArray *kept;    /* of RspUiccKept */
};

RspUicc *
rsp_uicc_new (guint32 limit)
{
    RspUicc *uicc = g_new0 (RspUicc, 1);
    uicc->chunks = g_ptr_array_new_with_free_func (g_free);
    uicc->adfs = g_ptr_array_new ();
    uicc->pins = g_array_new (FALSE, FALSE, sizeof (RspUiccPin));
    uicc->kept = g_array_new (FALSE, FALSE, sizeof (RspUiccKept));
    uicc->limit = limit;
    return uicc;
}

void
rsp_uicc_free (RspUicc *uicc)
{
    if (!uicc)
        return;
    /* PINs and keys are among what the profile brought. */
    rsp_wipe (uicc->pins->data, (gsize)uicc->pins->len * sizeof (RspUiccPin));
    for (guint i = 0; i < uicc->kept->len; i++) {
        RspSlice whole = g_array_index (uicc->kept, RspUiccKept, i).whole;
        rsp_wipe ((guint8 *)whole.data, whole.len);
    }
    g_array_unref (uicc->kept);
    g_array_unref (uicc->pins);
    g_ptr_array_unref (uicc->adfs);
    g_ptr_array_unref (uicc->chunks);
    g_free (uicc);
}

static gpointer
take (RspUicc *uicc, gsize size)
{
    size = (size + 7) & ~(gsize)7;
    if (size > CHUNK / 4) {
        gpointer own = g_malloc0 (size);
        g_ptr_array_add (uicc->chunks, own);
        return own;
    }
    if (size > uicc->room_left) {
        uicc->room = g_malloc0 (CHUNK);
        uicc->room_left = CHUNK;
        g_ptr_array_add (uicc->chunks, uicc->room);
    }
    gpointer room = uicc->room;
    uicc->room += size;
    uicc->room_left -= size;
    return room;
}

static RspSlice
keep_slice (RspUicc *uicc, RspSlice s)
{
    if (s.len == 0)
        return RSP_SLICE (NULL, 0);
    guint8 *copy = take (uicc, s.len);
    memcpy (copy, s.data, s.len);
    return RSP_SLICE (copy, s.len);
}

RspUiccFile *
rsp_uicc_mf (const RspUicc *uicc)
{
    return uicc->mf;
}

guint32
rsp_uicc_used (const RspUicc *uicc)
{
    return uicc->used;
}

/* FALSE: more than the limit */
static gboolean
reserve (RspUicc *uicc, guint32 octets)
{
    if (octets > uicc->limit - uicc->used)
        return FALSE;
    uicc->used += octets;
    return TRUE;
}

gboolean
rsp_uicc_is_df (const RspUiccFile *file)
{
    return (file->kind & 0x3F) == 0x38;
}

static RspSaipStatus
refuse (RspSaipProblem *problem, RspSaipStatus status, const char *why)
{
    problem->status = status;
    problem->why = why;
    return status;
}

static gboolean
is_ber_tlv (const RspUiccFile *file)
{
    return (file->kind & 0x3F) == 0x39;
}

/* A BER-TLV file holds whole objects from its beginning on. */
static RspSaipStatus
update_objects (RspUicc *uicc, RspUiccFile *ef, RspSlice content)
{
    guint32 room = MAX (ef->body->size, ef->maximum);
    g_autofree guint8 *next = g_malloc0 (MAX (room, 1));
    if (ef->body->used)
        memcpy (next, ef->body->data, ef->body->used);
    RspSaipStatus status = rsp_saip_update (content, next, room);
    RspSlice objects = RSP_SLICE (next, MAX (ef->body->used, rsp_saip_extent (content)));
    RspSlice rest = objects;
    RspTlv object;
    RspTlvResult result = RSP_TLV_END;
    while (status == RSP_SAIP_OK && (result = rsp_tlv_next (&rest, &object)) == RSP_TLV_OK)
        ;
    if (status == RSP_SAIP_OK && (result == RSP_TLV_BAD || !rsp_uicc_set_body (uicc, ef, objects)))
        status = RSP_SAIP_INVALID_PARAMETER;
    rsp_wipe (next, room);
    return status;
}

RspSaipStatus
rsp_uicc_update (RspUicc *uicc, RspUiccFile *ef, RspSlice content)
{
    if (content.len == 0)
        return RSP_SAIP_OK;
    return is_ber_tlv (ef) ? update_objects (uicc, ef, content)
                           : rsp_saip_update (content, ef->body->data, ef->body->size);
}

static RspSaipStatus
link_body (RspUicc *uicc, RspUiccFile *file, const RspSaipFileDef *def, RspSaipProblem *problem)
{
    const RspUiccFile *target = rsp_uicc_path (uicc, uicc->mf, def->link, TRUE);
    if (!target)
        return refuse (problem, RSP_SAIP_INVALID_PARAMETER, "the target of a link is missing");
    if (rsp_uicc_is_df (target) || rsp_uicc_is_df (file))
        return refuse (problem, RSP_SAIP_FEATURE_NOT_SUPPORTED, "links of DFs are not supported");
    file->body = target->body;
    file->kind = target->kind;
    file->records = target->records;
    file->record_size = target->record_size;
    file->maximum = target->maximum;
    return RSP_SAIP_OK;
}

static RspSaipStatus
new_body (RspUicc *uicc, RspUiccFile *file, const RspSaipFileDef *def, RspSaipProblem *problem)
{
    if (!reserve (uicc, def->size))
        return refuse (problem, RSP_SAIP_NOT_ENOUGH_MEMORY, "no room for the file");
    file->body = take (uicc, sizeof (RspUiccBody));
    file->body->size = def->size;
    file->body->owner = file;
    RspSaipStatus status;
    if (is_ber_tlv (file)) {
        status = rsp_uicc_update (uicc, file, def->content);
    } else {
        file->body->data = take (uicc, MAX (def->size, 1));
        status = rsp_saip_fill (def, file->body->data);
    }
    return status == RSP_SAIP_OK ? status
                                 : refuse (problem, status, "the content does not fit the file");
}

static RspUiccFile *
new_file (RspUicc *uicc, const RspSaipFileDef *def)
{
    RspUiccFile *file = take (uicc, sizeof *file);
    file->fid = def->fid;
    file->kind = def->kind;
    file->sfi = def->sfi;
    file->lcsi = def->lcsi;
    file->special = def->special;
    file->records = def->records;
    file->record_size = def->record_size;
    file->arr_fid = def->arr_fid;
    file->arr_record = def->arr_record;
    file->maximum = def->maximum;
    file->aid = keep_slice (uicc, def->aid);
    file->pins = keep_slice (uicc, def->pins);
    return file;
}

static void
hang (RspUicc *uicc, RspUiccFile *parent, RspUiccFile *file)
{
    file->parent = parent;
    if (!parent) {
        uicc->mf = file;
        return;
    }
    if (file->aid.len > 0) {
        g_ptr_array_add (uicc->adfs, file);
        return;
    }
    if (parent->last)
        parent->last->next = file;
    else
        parent->first = file;
    parent->last = file;
}

static gboolean
fid_taken (const RspUicc *uicc, const RspUiccFile *parent, const RspSaipFileDef *def)
{
    if (!parent)
        return uicc->mf != NULL;
    if (rsp_uicc_child (parent, def->fid))
        return TRUE;
    for (guint i = 0; def->aid.len > 0 && i < uicc->adfs->len; i++) {
        const RspUiccFile *adf = g_ptr_array_index (uicc->adfs, i);
        if (adf->fid == def->fid || rsp_slice_equal (adf->aid, def->aid))
            return TRUE;
    }
    return FALSE;
}

RspSaipStatus
rsp_uicc_add (RspUicc *uicc, RspUiccFile *parent, const RspSaipFileDef *def, RspUiccFile **ret_file,
              RspSaipProblem *problem)
{
    if (parent && !rsp_uicc_is_df (parent))
        return refuse (problem, RSP_SAIP_INVALID_PARAMETER, "the parent is not a DF");
    if (fid_taken (uicc, parent, def))
        return refuse (problem, RSP_SAIP_INVALID_PARAMETER, "the file exists already");
    if (uicc->n_files == MAX_FILES || !reserve (uicc, FILE_COST))
        return refuse (problem, RSP_SAIP_NOT_ENOUGH_MEMORY, "no room for the file");
    RspUiccFile *file = new_file (uicc, def);
    RspSaipStatus status = RSP_SAIP_OK;
    if (def->linked)
        status = link_body (uicc, file, def, problem);
    else if (!rsp_uicc_is_df (file))
        status = new_body (uicc, file, def, problem);
    if (status != RSP_SAIP_OK)
        return status;
    uicc->n_files++;
    hang (uicc, parent, file);
    *ret_file = file;
    return RSP_SAIP_OK;
}

void
rsp_uicc_take_back (RspUicc *uicc, RspUiccFile *file)
{
    RspUiccFile **at = file->parent ? &file->parent->first : &uicc->mf, *before = NULL;
    uicc->n_files--;
    uicc->used -= FILE_COST;
    if (file->body && file->body->owner == file)
        uicc->used -= file->body->size;
    if (g_ptr_array_remove (uicc->adfs, file))
        return;
    while (*at != file) {
        before = *at;
        at = &before->next;
    }
    *at = NULL;
    if (file->parent)
        file->parent->last = before;
}

RspSaipStatus
rsp_uicc_add_pin (RspUicc *uicc, const RspUiccPin *pin)
{
    if (uicc->pins->len == MAX_PINS || !reserve (uicc, FILE_COST))
        return RSP_SAIP_NOT_ENOUGH_MEMORY;
    for (guint i = 0; i < uicc->pins->len; i++) {
        const RspUiccPin *other = &g_array_index (uicc->pins, RspUiccPin, i);
        if (other->df == pin->df && other->reference == pin->reference && other->puk == pin->puk)
            return RSP_SAIP_INVALID_PARAMETER;
    }
    g_array_append_val (uicc->pins, *pin);
    return RSP_SAIP_OK;
}

static RspUiccPin *
pin_of (const RspUicc *uicc, const RspUiccFile *df, guint8 reference, gboolean puk)
{
    for (guint i = 0; i < uicc->pins->len; i++) {
        RspUiccPin *pin = &g_array_index (uicc->pins, RspUiccPin, i);
        if (pin->df == df && pin->reference == reference && pin->puk == puk)
            return pin;
    }
    return NULL;
}

RspUiccPin *
rsp_uicc_pin (const RspUicc *uicc, const RspUiccFile *df, guint8 reference, gboolean puk)
{
    /* Global references are the card's, local ones the nearest DF's that has them. */
    if (puk || reference < 0x80)
        return pin_of (uicc, uicc->mf, reference, puk);
    for (; df; df = df->parent) {
        RspUiccPin *pin = pin_of (uicc, df->pins_from ? df->pins_from : df, reference, FALSE);
        if (pin)
            return pin;
    }
    return NULL;
}

void
rsp_uicc_forget_local (RspUicc *uicc, const RspUiccFile *df)
{
    for (guint i = 0; i < uicc->pins->len; i++) {
        RspUiccPin *pin = &g_array_index (uicc->pins, RspUiccPin, i);
        if (pin->df == (df->pins_from ? df->pins_from : df) && pin->reference >= 0x80)
            pin->verified = FALSE;
    }
}

guint32
rsp_uicc_room (const RspUiccFile *ef)
{
    gboolean tlv = (ef->kind & 0x3F) == 0x39;
    return tlv ? MAX (ef->body->size, ef->maximum) : ef->body->size;
}

gboolean
rsp_uicc_set_body (RspUicc *uicc, RspUiccFile *file, RspSlice content)
{
    RspUiccBody *body = file->body;
    gboolean tlv = (file->kind & 0x3F) == 0x39;
    guint32 room = rsp_uicc_room (file);
    if (content.len > room || (!tlv && content.len != room))
        return FALSE;
    if (!body->data)
        body->data = take (uicc, MAX (room, 1));
    if (content.len > 0)
        memcpy (body->data, content.data, content.len);
    body->used = (guint32)content.len;
    return TRUE;
}

gboolean
rsp_uicc_keep (RspUicc *uicc, guint32 tag, const RspUiccFile *context, RspSlice whole)
{
    if (uicc->kept->len == MAX_KEPT || whole.len > uicc->limit ||
        !reserve (uicc, (guint32)whole.len))
        return FALSE;
    RspUiccKept kept = {tag, context, keep_slice (uicc, whole)};
    g_array_append_val (uicc->kept, kept);
    return TRUE;
}

const RspUiccKept *
rsp_uicc_kept (const RspUicc *uicc, guint i)
{
    return i < uicc->kept->len ? &g_array_index (uicc->kept, RspUiccKept, i) : NULL;
}

RspUiccFile *
rsp_uicc_child (const RspUiccFile *df, guint16 fid)
{
    for (RspUiccFile *file = df->first; file; file = file->next)
        if (file->fid == fid)
            return file;
    return NULL;
}

RspUiccFile *
rsp_uicc_by_sfi (const RspUiccFile *df, guint8 sfi)
{
    for (RspUiccFile *file = df->first; file; file = file->next)
        if (file->sfi == sfi && !rsp_uicc_is_df (file))
            return file;
    return NULL;
}

static RspUiccFile *
temporary_adf (const RspUicc *uicc, guint16 fid)
{
    for (guint i = 0; i < uicc->adfs->len; i++) {
        RspUiccFile *adf = g_ptr_array_index (uicc->adfs, i);
        if (adf->fid == fid)
            return adf;
    }
    return NULL;
}

RspUiccFile *
rsp_uicc_path (const RspUicc *uicc, RspUiccFile *from, RspSlice path, gboolean temporary)
{
    if (!from || path.len % 2 != 0 || path.len > 16)
        return NULL;
    RspUiccFile *file = from;
    for (gsize i = 0; file && i < path.len; i += 2) {
        guint16 fid = (guint16)(path.data[i] << 8 | path.data[i + 1]);
        RspUiccFile *next = rsp_uicc_is_df (file) ? rsp_uicc_child (file, fid) : NULL;
        if (!next && temporary && i == 0)
            next = temporary_adf (uicc, fid);
        file = next;
    }
    return file;
}

RspUiccFile *
rsp_uicc_adf (const RspUicc *uicc, RspSlice aid, const RspUiccFile *after)
{
    gboolean passed = after == NULL;
    for (guint i = 0; i < uicc->adfs->len; i++) {
        RspUiccFile *adf = g_ptr_array_index (uicc->adfs, i);
        RspSlice front = RSP_SLICE (adf->aid.data, MIN (aid.len, adf->aid.len));
        if (passed && rsp_slice_equal (front, aid))
            return adf;
        passed = passed || adf == after;
    }
    return NULL;
}

char *
rsp_uicc_name (const RspUiccFile *file)
{
    g_autoptr (GString) name = g_string_new (NULL);
    for (; file; file = file->parent) {
        char fid[6];
        g_snprintf (fid, sizeof fid, file->parent ? "/%04X" : "%04X", file->fid);
        g_string_prepend (name, fid);
    }
    return g_string_free (g_steal_pointer (&name), FALSE);
}

RspUiccFile *
rsp_uicc_by_name (const RspUicc *uicc, const char *name)
{
    if (strcmp (name, "3F00") == 0)
        return uicc->mf;
    g_auto (GStrv) parts = g_strsplit (name, "/", -1);
    g_autofree char *joined = g_strjoinv ("", parts);
    g_autoptr (GBytes) path = rsp_unhex (joined);
    RspSlice p = rsp_slice_of (path);
    if (p.len < 4 || p.data[0] != 0x3F || p.data[1] != 0x00)
        return NULL;
    return rsp_uicc_path (uicc, uicc->mf, RSP_SLICE (p.data + 2, p.len - 2), TRUE);
}

RspUiccFile *
rsp_uicc_application (RspUiccFile *file)
{
    while (file && file->aid.len == 0)
        file = file->parent;
    return file;
}
