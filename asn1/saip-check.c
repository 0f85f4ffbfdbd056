/* The rules of a whole package (SAIP 8): order, references between elements, files. Files and
 * fields check themselves while they are read (saip-files.c, saip-schema.c). */
#include "asn1/saip-schema.h"

#include <string.h>

#define MAX_VIOLATIONS 100
#define MAX_PACKAGE (1024 * 1024)

typedef enum { CONTEXT_NONE, CONTEXT_MF, CONTEXT_DF, CONTEXT_ADF } Context;
typedef enum { APP_USIM, APP_ISIM, APP_CSIM, N_APPS } App;

/* A path is its file identifiers below the MF, 16 bits each; the MF is 0. */
typedef struct {
    GPtrArray *out;
    guint position;     /* of the element, from 1 */
    const guint8 *base; /* the package's first octet */
    gsize offset;       /* of the element's member at hand, octets into the element */
    const RspSaipElement *element;
    gboolean ended, mf;
    guint32 previous;
    guint64 services;
    RspSlice iccid;
    GHashTable *identifications, *paths, *seen; /* seen: element tags in this application's span */
    GPtrArray *aids;                            /* of RspSlice *, the ADFs so far */
    guint64 app_path[N_APPS];
    guint apps[N_APPS];
    Context context;
    guint64 root, selected; /* of the file element at hand; of genericFileManagement */
    GHashTable *folders;    /* member name → path, in the element at hand */
    gboolean puk[256], pin[256], pin_named[256]; /* by reference: defined, named by a DF */
    gboolean security_domain;
    guint8 *body;
    gsize body_size;
} Check;

static void
violation_free (gpointer data)
{
    RspSaipViolation *v = data;
    g_free (v->text);
    g_free (v);
}

static void violation (Check *c, const char *what, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
violation (Check *c, const char *what, const char *format, ...)
{
    if (c->out->len >= MAX_VIOLATIONS)
        return;
    GString *s = g_string_new (NULL);
    if (c->element) {
        const char *name = c->element->type ? c->element->type->name : NULL;
        g_string_append_printf (s, "element %u ", c->position);
        if (name)
            g_string_append (s, name);
        else
            g_string_append_printf (s, "%02X", c->element->tag);
        if (c->element->identification >= 0)
            g_string_append_printf (s, " (identification %d)", c->element->identification);
        g_string_append (s, ": ");
    }
    if (what)
        g_string_append_printf (s, "%s: ", what);
    va_list args;
    va_start (args, format);
    g_string_append_vprintf (s, format, args);
    va_end (args);
    RspSaipViolation *v = g_new (RspSaipViolation, 1);
    *v = (RspSaipViolation){.element = c->element ? c->position : 0,
                            .offset = c->element ? (gsize)(c->element->whole.data - c->base) : 0,
                            .name = c->element && c->element->type ? c->element->type->name : NULL,
                            .member = what,
                            .text = g_string_free (s, FALSE)};
    v->offset += c->offset;
    g_ptr_array_add (c->out, v);
}

/* --- Order of elements --- */

static gboolean
is_app (guint32 tag, App *ret)
{
    *ret = tag == RSP_SAIP_USIM ? APP_USIM : tag == RSP_SAIP_ISIM ? APP_ISIM : APP_CSIM;
    return tag == RSP_SAIP_USIM || tag == RSP_SAIP_ISIM || tag == RSP_SAIP_CSIM;
}

static const struct {
    guint32 tag;
    App app;
} attached[] = {
    {RSP_SAIP_OPT_USIM, APP_USIM}, {RSP_SAIP_PHONEBOOK, APP_USIM},  {RSP_SAIP_GSM_ACCESS, APP_USIM},
    {RSP_SAIP_EAP, APP_USIM},      {RSP_SAIP_DF_5GS, APP_USIM},     {RSP_SAIP_DF_SAIP, APP_USIM},
    {RSP_SAIP_DF_SNPN, APP_USIM},  {RSP_SAIP_DF_5GPROSE, APP_USIM}, {RSP_SAIP_OPT_ISIM, APP_ISIM},
    {RSP_SAIP_OPT_CSIM, APP_CSIM},
};

/* The application an element attaches to; FALSE for elements that stand for themselves. */
static gboolean
attaches_to (guint32 tag, App *ret)
{
    for (guint i = 0; i < G_N_ELEMENTS (attached); i++)
        if (attached[i].tag == tag) {
            *ret = attached[i].app;
            return TRUE;
        }
    return FALSE;
}

/* A further application may have its attached elements again. */
static void
check_application (Check *c, guint32 tag)
{
    static const char *const multiple[] = {"multiple-usim", "multiple-isim", "multiple-csim"};
    App app;
    if (is_app (tag, &app)) {
        guint64 service = G_GUINT64_CONSTANT (1) << rsp_saip_service_number (multiple[app]);
        if (c->apps[app]++ && !(c->services & service))
            violation (c, NULL, "a second one needs the service %s", multiple[app]);
        for (guint i = 0; i < G_N_ELEMENTS (attached); i++)
            if (attached[i].app == app)
                g_hash_table_remove (c->seen, GUINT_TO_POINTER (attached[i].tag));
    } else if (attaches_to (tag, &app) && !c->apps[app])
        violation (c, NULL, "stands before the application that it belongs to");
}

static gboolean
may_repeat (guint32 tag)
{
    App app;
    return is_app (tag, &app) || tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT ||
           tag == RSP_SAIP_PIN_CODES || tag == RSP_SAIP_AKA_PARAMETER ||
           tag == RSP_SAIP_CDMA_PARAMETER || tag == RSP_SAIP_SECURITY_DOMAIN ||
           tag == RSP_SAIP_RFM || tag == RSP_SAIP_APPLICATION || tag == RSP_SAIP_NON_STANDARD;
}

static void
check_order (Check *c)
{
    guint32 tag = c->element->tag;
    if ((c->position == 1) != (tag == RSP_SAIP_HEADER))
        violation (c, NULL,
                   c->position == 1 ? "a package begins with the header"
                                    : "the header comes first and once");
    if (c->ended)
        violation (c, NULL, "nothing may follow the end");
    if (c->position == 2 && tag != RSP_SAIP_MF && tag != RSP_SAIP_GENERIC_FILE_MANAGEMENT)
        violation (c, NULL, "the MF comes right after the header");
    if (tag == RSP_SAIP_MF && c->mf)
        violation (c, NULL, "there is an MF already");
    if (tag == RSP_SAIP_PUK_CODES && g_hash_table_contains (c->seen, GUINT_TO_POINTER (tag)))
        violation (c, NULL, "pukCodes come once at most");
    else if (!may_repeat (tag) && tag != RSP_SAIP_HEADER && tag != RSP_SAIP_MF &&
             tag != RSP_SAIP_END && g_hash_table_contains (c->seen, GUINT_TO_POINTER (tag)))
        violation (c, NULL, "comes once at most");
    check_application (c, tag);
    g_hash_table_add (c->seen, GUINT_TO_POINTER (tag));
    if (tag == RSP_SAIP_SECURITY_DOMAIN)
        c->security_domain = TRUE;
    if ((tag == RSP_SAIP_RFM || tag == RSP_SAIP_APPLICATION) && !c->security_domain)
        violation (c, NULL, "stands before the first securityDomain, the MNO-SD");
    c->ended |= tag == RSP_SAIP_END;
}

static void
check_identification (Check *c)
{
    gint32 id = c->element->identification;
    if (id < 0) {
        if (c->element->tag != RSP_SAIP_HEADER && c->element->type)
            violation (c, NULL, "PE header is missing");
    } else if (!g_hash_table_add (c->identifications, GINT_TO_POINTER (id)))
        violation (c, NULL, "identification %d is not unique", id);
}

/* --- Header --- */

static void
check_header (Check *c)
{
    RspTlv tlv, item;
    gint64 major;
    if (rsp_tlv_find (c->element->body, 0x80, &tlv) && rsp_saip_int (tlv.value, &major) &&
        (major < 1 || major > 3))
        violation (c, "major-version", "not 1, 2 or 3 (unsupported-profile-version)");
    if (rsp_tlv_find (c->element->body, 0x83, &tlv)) {
        c->iccid = tlv.value;
        for (gsize i = 0; i < 20; i++) {
            guint digit = i % 2 ? tlv.value.data[i / 2] & 15 : tlv.value.data[i / 2] >> 4;
            if (digit > 9 && (i < 18 || digit != 15)) {
                violation (c, "iccid", "not 18 to 20 decimal digits");
                break;
            }
        }
    }
    if (rsp_tlv_find (c->element->body, 0xA5, &tlv))
        while (rsp_tlv_next (&tlv.value, &item) == RSP_TLV_OK) {
            guint n = item.tag > 0xFF ? item.tag & 0x7F : item.tag & 0x1F;
            if (rsp_saip_service_name (n))
                c->services |= G_GUINT64_CONSTANT (1) << n;
            else
                violation (c, "eUICC-Mandatory-services", "service %u is unknown", n);
        }
    if (rsp_tlv_find (c->element->body, 0xA6, &tlv))
        while (rsp_tlv_next (&tlv.value, &item) == RSP_TLV_OK)
            if (!rsp_saip_template_of (item.value)) {
                g_autofree char *oid = rsp_hex (item.value);
                violation (c, "eUICC-Mandatory-GFSTEList", "template %s is unknown", oid);
            }
}

/* --- PINs, PUKs, AKA --- */

static gboolean
int_of (RspSlice body, guint32 tag, gint64 *ret)
{
    RspTlv tlv;
    return rsp_tlv_find (body, tag, &tlv) && rsp_saip_int (tlv.value, ret);
}

static gboolean
is_application_key (gint64 n)
{
    return (n >= 1 && n <= 8) || (n >= 129 && n <= 136);
}

static void
check_retries (Check *c, const char *what, gint64 reference, RspSlice body, guint32 tag)
{
    gint64 retries;
    if (int_of (body, tag, &retries) && (retries & 15) > retries >> 4)
        violation (c, what, "%d has more tries left than the maximum", (int)reference);
}

static void
check_puks (Check *c)
{
    RspTlv list, item;
    gint64 reference;
    if (!rsp_tlv_find (c->element->body, 0xA1, &list))
        return;
    while (rsp_tlv_next (&list.value, &item) == RSP_TLV_OK) {
        if (!int_of (item.value, 0x80, &reference))
            continue;
        if (!is_application_key (reference))
            violation (c, "keyReference", "%d is no PUK reference", (int)reference);
        else if (c->puk[reference])
            violation (c, "keyReference", "%d is not unique", (int)reference);
        c->puk[reference & 255] = TRUE;
        check_retries (c, "pukCodes", reference, item.value, 0x82);
    }
}

static void
check_pin (Check *c, RspSlice pin, gboolean *here)
{
    gint64 reference, puk;
    if (!int_of (pin, 0x80, &reference))
        return;
    gboolean global = reference <= 8 || (reference >= 10 && reference <= 14);
    gboolean local = (reference >= 129 && reference <= 136) || (reference >= 138);
    if (!global && !local)
        violation (c, "keyReference", "%d is no PIN reference", (int)reference);
    else if (c->context == CONTEXT_MF && !global)
        violation (c, "keyReference", "%d is local, but this is the MF", (int)reference);
    else if ((c->context == CONTEXT_ADF || c->context == CONTEXT_DF) && !local)
        violation (c, "keyReference", "%d is global, but this is not the MF", (int)reference);
    if (here[reference & 255])
        violation (c, "keyReference", "%d is not unique", (int)reference);
    here[reference & 255] = TRUE;
    c->pin[reference & 255] = TRUE;
    if (int_of (pin, 0x82, &puk) && (puk > 255 || !c->puk[puk]))
        violation (c, "unblockingPINReference", "there is no PUK %d before it", (int)puk);
    check_retries (c, "pinCodes", reference, pin, 0x84);
}

static gboolean path_of (RspSlice path, guint64 *ret);

static void
check_pins (Check *c)
{
    RspTlv choice, config, item;
    gboolean here[256] = {FALSE};
    guint64 path;
    if (!rsp_tlv_find (c->element->body, 0xA1, &choice))
        return;
    if (rsp_tlv_find (choice.value, 0xA0, &config)) {
        while (rsp_tlv_next (&config.value, &item) == RSP_TLV_OK)
            check_pin (c, item.value, here);
    } else if (rsp_tlv_find (choice.value, 0x81, &config) &&
               (!path_of (config.value, &path) || !g_hash_table_contains (c->paths, &path)))
        violation (c, "filePath", "the DF does not exist at this point (invalid-parameter)");
}

static void
check_aka (Check *c)
{
    RspTlv choice, algo, key, opc;
    gint64 id;
    if (c->context != CONTEXT_ADF)
        violation (c, NULL, "stands in no application's context");
    if (!rsp_tlv_find (c->element->body, 0xA1, &choice) ||
        !rsp_tlv_find (choice.value, 0xA1, &algo) || !int_of (algo.value, 0x80, &id) ||
        !rsp_tlv_find (algo.value, 0x82, &key) || !rsp_tlv_find (algo.value, 0x83, &opc))
        return;
    if (key.value.len != 16 && (id != 2 || key.value.len != 32))
        violation (c, "key", "wrong length for the algorithm (bad-values)");
    if (id == 1 && opc.value.len != 16)
        violation (c, "opc", "OPc of Milenage has 16 octets (bad-values)");
    if (id == 2 && opc.value.len != 32)
        violation (c, "opc", "TOPc of TUAK has 32 octets (bad-values)");
}

static void
check_rfm (Check *c)
{
    RspTlv access, aid;
    if (!rsp_tlv_find (c->element->body, 0x30, &access) || !rsp_tlv_find (access.value, 0x80, &aid))
        return;
    for (guint i = 0; i < c->aids->len; i++)
        if (rsp_slice_equal (*(RspSlice *)c->aids->pdata[i], aid.value))
            return;
    violation (c, "adfAID", "no such application before it");
}

/* --- Files --- */

static gboolean
path_of (RspSlice path, guint64 *ret)
{
    if (path.len > 8 || path.len % 2)
        return FALSE;
    guint64 p = 0;
    for (gsize i = 0; i < path.len; i++)
        p = p << 8 | path.data[i];
    *ret = p;
    return TRUE;
}

static gboolean
add_path (Check *c, guint64 path)
{
    return g_hash_table_add (c->paths, g_memdup2 (&path, sizeof path));
}

static RspSaipStatus
refuse (RspSaipProblem *p, const char *why)
{
    p->why = why;
    return RSP_SAIP_INVALID_PARAMETER;
}

/* Where a created file comes to stand. */
static RspSaipStatus
place (Check *c, const RspSaipFileDef *f, guint64 *ret, RspSaipProblem *p)
{
    guint64 parent = c->root;
    if (!f->row)
        parent = c->selected;
    else if (f->parent) {
        guint64 *folder = g_hash_table_lookup (c->folders, f->parent);
        if (!folder)
            return refuse (p, "the DF that holds the file does not exist");
        parent = *folder;
    } else if (f->root && c->element->tag == RSP_SAIP_MF) {
        *ret = 0;
        return RSP_SAIP_OK;
    }
    if (parent >> 48)
        return refuse (p, "deeper than four levels");
    *ret = parent << 16 | f->fid;
    return RSP_SAIP_OK;
}

static void
note_folder (Check *c, const RspSaipFileDef *f, guint64 path)
{
    App app;
    if (f->row)
        g_hash_table_insert (c->folders, (gpointer)f->row->member, g_memdup2 (&path, sizeof path));
    if (f->root)
        c->root = path;
    if (f->root && is_app (c->element->tag, &app))
        c->app_path[app] = path;
    for (gsize i = 0; i < f->pins.len; i++)
        c->pin_named[f->pins.data[i]] = TRUE;
    if (f->aid.len)
        g_ptr_array_add (c->aids, g_memdup2 (&f->aid, sizeof f->aid));
    if (!path)
        c->mf = TRUE;
}

static RspSaipStatus
check_iccid (Check *c, RspSaipProblem *p)
{
    for (gsize i = 0; c->iccid.len == 10 && i < 10; i++)
        if (c->body[i] != (guint8)(c->iccid.data[i] << 4 | c->iccid.data[i] >> 4))
            return refuse (p, "EF.ICCID is not the header's ICCID");
    return RSP_SAIP_OK;
}

static RspSaipStatus
check_content (Check *c, const RspSaipFileDef *f, guint64 path, RspSaipProblem *p)
{
    if (f->size > c->body_size) {
        c->body = g_realloc (c->body, f->size);
        c->body_size = f->size;
    }
    RspSaipStatus status = rsp_saip_fill (f, c->body);
    if (status) {
        p->why = status == RSP_SAIP_INVALID_PARAMETER ? "the content is longer than the file"
                                                      : "the content is malformed";
        return status;
    }
    return path == 0x2FE2 && f->size == 10 ? check_iccid (c, p) : RSP_SAIP_OK;
}

static RspSaipStatus
on_create (Check *c, const RspSaipFileDef *f, RspSaipProblem *p)
{
    guint64 path, target;
    if (!f->row && f->fid == 0x3F00 && !c->mf) {
        note_folder (c, f, 0);
        add_path (c, 0);
        return RSP_SAIP_OK;
    }
    RspSaipStatus status = place (c, f, &path, p);
    if (status)
        return status;
    if (!add_path (c, path))
        return refuse (p, "a file with this identifier exists already");
    if (f->linked && (!path_of (f->link, &target) || !g_hash_table_contains (c->paths, &target)))
        return refuse (p, "the target of linkPath does not exist at this point");
    if ((f->kind & 0x3F) == 0x38)
        note_folder (c, f, path);
    else if (!f->linked)
        return check_content (c, f, path, p);
    return RSP_SAIP_OK;
}

static RspSaipStatus
on_file (RspSaipAction action, const RspSaipFileDef *f, gpointer data, RspSaipProblem *p)
{
    Check *c = data;
    switch (action) {
    case RSP_SAIP_CREATE:
        return on_create (c, f, p);
    case RSP_SAIP_SELECT:
        if (!path_of (f->link, &c->selected) || !g_hash_table_contains (c->paths, &c->selected))
            return refuse (p, "filePath leads to no file that exists at this point");
        return RSP_SAIP_OK;
    default:
        return RSP_SAIP_OK;
    }
}

static void
check_files (Check *c)
{
    RspSaipProblem problem = {0};
    App app;
    c->selected = 0;
    c->root = attaches_to (c->element->tag, &app) ? c->app_path[app] : 0;
    g_hash_table_remove_all (c->folders);
    if (rsp_saip_files (c->element, on_file, c, &problem) == RSP_SAIP_OK)
        return;
    c->offset = problem.offset;
    violation (c, problem.member, "%s (%s)", problem.why, rsp_saip_status_name (problem.status));
    c->offset = 0;
}

/* --- One element after the other --- */

static void
check_fields (Check *c, const RspSaipField *schema)
{
    RspSaipProblem problem = {0};
    if (rsp_saip_schema_walk (schema, c->element->body, NULL, NULL, &problem)) {
        violation (c, problem.member, "%s (%s)", problem.why,
                   rsp_saip_status_name (problem.status));
        return;
    }
    switch (c->element->tag) {
    case RSP_SAIP_HEADER:
        check_header (c);
        break;
    case RSP_SAIP_PIN_CODES:
        check_pins (c);
        break;
    case RSP_SAIP_PUK_CODES:
        check_puks (c);
        break;
    case RSP_SAIP_AKA_PARAMETER:
        check_aka (c);
        break;
    case RSP_SAIP_RFM:
        check_rfm (c);
        break;
    default:
        break;
    }
}

static void
follow_context (Check *c)
{
    App app;
    guint32 tag = c->element->tag;
    if (tag == RSP_SAIP_MF)
        c->context = CONTEXT_MF;
    else if (tag == RSP_SAIP_TELECOM || tag == RSP_SAIP_CD)
        c->context = CONTEXT_DF;
    else if (is_app (tag, &app) || attaches_to (tag, &app))
        c->context = CONTEXT_ADF;
    else if (tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT)
        c->context = c->context == CONTEXT_ADF ? CONTEXT_ADF : CONTEXT_NONE;
}

static void
check_element (Check *c, const RspSaipElement *e)
{
    gsize offset;
    c->element = e;
    check_order (c);
    check_identification (c);
    follow_context (c);
    const RspSaipField *schema = rsp_saip_schema (e->tag);
    if (!rsp_der_check (e->whole, &offset)) {
        c->offset = offset;
        violation (c, NULL, "not DER at octet %" G_GSIZE_FORMAT " (invalid-request-format)",
                   offset);
        c->offset = 0;
    } else if (schema)
        check_fields (c, schema);
    else if (e->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT || (e->type && e->type->members))
        check_files (c);
    else if (!e->type || e->tag != 0xAB)
        violation (c, NULL, "unknown element (pe-not-supported)");
    c->previous = e->tag;
}

static void
check_free (Check *c)
{
    g_hash_table_unref (c->identifications);
    g_hash_table_unref (c->paths);
    g_hash_table_unref (c->seen);
    g_hash_table_unref (c->folders);
    g_ptr_array_unref (c->aids);
    g_free (c->body);
}

GPtrArray *
rsp_saip_check (RspSlice upp)
{
    Check c = {.out = g_ptr_array_new_with_free_func (violation_free),
               .base = upp.data,
               .identifications = g_hash_table_new (NULL, NULL),
               .paths = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL),
               .seen = g_hash_table_new (NULL, NULL),
               .folders = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free),
               .aids = g_ptr_array_new_with_free_func (g_free)};
    RspSaipElement e;
    RspTlvResult result = RSP_TLV_END;
    RspSlice rest = upp;
    if (upp.len > MAX_PACKAGE)
        violation (&c, NULL, "the package is larger than %u octets", MAX_PACKAGE);
    else
        while (c.out->len < MAX_VIOLATIONS && (result = rsp_saip_next (&rest, &e)) == RSP_TLV_OK) {
            c.position++;
            check_element (&c, &e);
        }
    c.element = NULL;
    c.offset = upp.len - rest.len;
    if (result == RSP_TLV_BAD)
        violation (&c, NULL, "no well-formed element");
    else if (!c.mf)
        violation (&c, NULL, "the package has no MF");
    if (result != RSP_TLV_BAD && (!c.ended || c.previous != RSP_SAIP_END))
        violation (&c, NULL, "the package does not finish with the end");
    for (guint i = 0; i < 256 && result != RSP_TLV_BAD; i++)
        if (c.pin_named[i] && !c.pin[i])
            violation (&c, "pinStatusTemplateDO", "no pinCodes define %u (pin-code-missing)", i);
    check_free (&c);
    return c.out;
}
