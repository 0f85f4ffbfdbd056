/* Profile packages from their YAML description (docs/profiles.md). */
#include "asn1/saip-build-private.h"

#include "asn1/ids.h"
#include "asn1/saip-content.h"
#include "asn1/saip-schema.h"

#include <string.h>

gsize
rsp_saip_open_element (RspSaipBuild *b, guint32 tag)
{
    gsize mark = rsp_tlv_open (b->out, tag);
    gsize header = rsp_tlv_open (b->out, 0xA0);
    rsp_tlv_put (b->out, 0x80, RSP_SLICE (NULL, 0));
    rsp_tlv_put_int (b->out, 0x81, ++b->identification);
    rsp_tlv_close (b->out, header);
    return mark;
}

static gboolean
is_blank (const RspYaml *node)
{
    return node->kind == RSP_YAML_SCALAR && !node->quoted && !*node->text;
}

static gboolean
want_map (const RspYaml *node, GError **error)
{
    return node->kind == RSP_YAML_MAP || is_blank (node) ||
           rsp_yaml_fail (node, error, "a map belongs here");
}

/* --- File elements --- */

typedef struct {
    const char *key;    /* in the section */
    const char *member; /* file it fills */
    const char *value;  /* how: rsp_saip_value */
} Shortcut;

typedef struct {
    const char *name;              /* of the section */
    const guint32 *elements;       /* file elements, in order, ended by 0 */
    const Shortcut *shortcuts;     /* ended by NULL */
    const char *const *more;       /* other keys of the section, NULL-terminated */
    const char *adf, *aid, *label; /* of an application */
    guint16 fid;                   /* its temporary identifier */
} SectionType;

static const guint32 mf_elements[] = {RSP_SAIP_MF, 0};
static const guint32 cd_elements[] = {RSP_SAIP_CD, 0};
static const guint32 telecom_elements[] = {RSP_SAIP_TELECOM, 0};
static const guint32 usim_elements[] = {
    RSP_SAIP_USIM,       RSP_SAIP_OPT_USIM,   RSP_SAIP_PHONEBOOK,
    RSP_SAIP_GSM_ACCESS, RSP_SAIP_DF_5GS,     RSP_SAIP_DF_SAIP,
    RSP_SAIP_DF_SNPN,    RSP_SAIP_DF_5GPROSE, 0};
static const guint32 eap_elements[] = {RSP_SAIP_EAP, 0};
static const guint32 isim_elements[] = {RSP_SAIP_ISIM, RSP_SAIP_OPT_ISIM, 0};
static const guint32 csim_elements[] = {RSP_SAIP_CSIM, RSP_SAIP_OPT_CSIM, 0};

static const Shortcut no_shortcuts[] = {{NULL, NULL, NULL}};
static const Shortcut usim_shortcuts[] = {
    {"imsi", "ef-imsi", "imsi"},          {"spn", "ef-spn", "spn"},
    {"services", "ef-ust", "services"},   {"access-class", "ef-acc", "content"},
    {"msisdn", "ef-msisdn", "numbers"},   {"smsc", "ef-smsp", "smsc"},
    {"emergency", "ef-ecc", "emergency"}, {"home-networks", "ef-hplmnwact", "networks"},
    {"forbidden", "ef-fplmn", "plmns"},   {NULL, NULL, NULL},
};
static const Shortcut isim_shortcuts[] = {
    {"impi", "ef-impi", "uri"},         {"impu", "ef-impu", "uri"}, {"domain", "ef-domain", "uri"},
    {"services", "ef-ist", "services"}, {NULL, NULL, NULL},
};
static const char *const df_keys[] = {"files", "pins", NULL};
static const char *const app_keys[] = {"files", "pins", "aid",        "label",
                                       "aka",   "cdma", "mnc-length", NULL};
static const char *const file_keys[] = {"files", NULL};

static const SectionType section_types[] = {
    {"mf", mf_elements, no_shortcuts, df_keys, NULL, NULL, NULL, 0},
    {"cd", cd_elements, no_shortcuts, df_keys, NULL, NULL, NULL, 0},
    {"telecom", telecom_elements, no_shortcuts, df_keys, NULL, NULL, NULL, 0},
    {"usim", usim_elements, usim_shortcuts, app_keys, "adf-usim", "a0000000871002ff49ff0589",
     "USIM", 0x7FD0},
    {"eap", eap_elements, no_shortcuts, file_keys, NULL, NULL, NULL, 0},
    {"isim", isim_elements, isim_shortcuts, app_keys, "adf-isim", "a0000000871004ff49ff0589",
     "ISIM", 0x7FB0},
    {"csim", csim_elements, no_shortcuts, app_keys, "adf-csim", "a0000003431002f310ffff89020000ff",
     "CSIM", 0x7FC0},
};

typedef struct {
    RspSaipBuild *b;
    const SectionType *type;
    const RspYaml *node;  /* (nullable) */
    const RspYaml *files; /* (nullable) */
    GByteArray *pins;     /* pinStatusTemplateDO of its DFs */
    guint turn;           /* 0: the first application of its kind */
} Section;

static const SectionType *
section_type (const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (section_types); i++)
        if (!strcmp (section_types[i].name, name))
            return &section_types[i];
    g_assert_not_reached ();
}

static const RspYaml *
file_node (const Section *s, const char *member)
{
    return s->files && s->files->kind == RSP_YAML_MAP ? rsp_yaml_get (s->files, member) : NULL;
}

static const Shortcut *
shortcut_of (const Section *s, const char *member)
{
    for (const Shortcut *k = s->type->shortcuts; k->key; k++)
        if (!strcmp (k->member, member) && s->node && s->node->kind == RSP_YAML_MAP &&
            rsp_yaml_get (s->node, k->key))
            return k;
    return NULL;
}

static gboolean
is_named (const Section *s, const char *member)
{
    return file_node (s, member) || shortcut_of (s, member);
}

/* --- What files hold when the description does not say --- */

static void
add_part (GPtrArray *parts, const void *data, gsize n)
{
    g_ptr_array_add (parts, g_bytes_new (data, n));
}

typedef struct {
    const char *member;
    guint8 service;
} Implied;

/* A service table of the longest template's 17 octets, or more: SERVICES, and those that named
 * files stand for. */
static void
default_services (const Section *s, const Implied *implied, const guint8 *services, gsize n,
                  GPtrArray *parts)
{
    guint8 table[32] = {0};
    gsize size = 17;
    for (gsize i = 0; i < n; i++)
        table[(services[i] - 1) / 8] |= 1u << (services[i] - 1) % 8;
    for (; implied->member; implied++)
        if (is_named (s, implied->member)) {
            guint8 bit = implied->service - 1;
            table[bit / 8] |= 1u << bit % 8;
            size = MAX (size, bit / 8 + 1u);
        }
    add_part (parts, table, size);
}

static void
default_ust (const Section *s, GPtrArray *parts)
{
    static const Implied implied[] = {
        {"ef-ext2", 3},          {"ef-sdn", 4},          {"ef-smsr", 11},
        {"ef-acm", 13},          {"ef-ccp2", 14},        {"ef-cbmi", 15},
        {"ef-cbmir", 16},        {"ef-gid1", 17},        {"ef-gid2", 18},
        {"ef-plmnwact", 20},     {"ef-msisdn", 21},      {"ef-emlpp", 24},
        {"ef-kc", 27},           {"df-gsm-access", 27},  {"ef-dck", 36},
        {"ef-cnl", 37},          {"ef-oplmnwact", 42},   {"ef-hplmnwact", 43},
        {"ef-pnn", 45},          {"ef-opl", 46},         {"ef-mbdn", 47},
        {"ef-mwis", 48},         {"ef-cfis", 49},        {"ef-spdi", 51},
        {"ef-ehplmn", 71},       {"ef-ehplmnpi", 73},    {"ef-lrplmnsi", 74},
        {"ef-spni", 78},         {"ef-pnni", 79},        {"ef-nasconfig", 96},
        {"ef-5gs3gpploci", 122}, {"ef-5gauthkeys", 123}, {"ef-routing-indicator", 124},
        {"ef-uac-aic", 126},     {"ef-opl5g", 129},      {NULL, 0},
    };
    static const guint8 always[] = {2, 10, 12, 19, 85};
    default_services (s, implied, always, sizeof always, parts);
}

static void
default_ist (const Section *s, GPtrArray *parts)
{
    static const Implied implied[] = {
        {"ef-pcscf", 1}, {"ef-gbabp", 2},     {"ef-sms", 6}, {"ef-smsr", 7},
        {"ef-smsp", 8},  {"ef-uicciari", 10}, {NULL, 0},
    };
    default_services (s, implied, NULL, 0, parts);
}

static void
default_access_class (const Section *s, GPtrArray *parts)
{
    gsize n = s->b->imsi ? strlen (s->b->imsi) : 0;
    guint16 classes = (guint16)(1u << (n ? s->b->imsi[n - 1] - '0' : 0));
    add_part (parts, (guint8[]){(guint8)(classes >> 8), (guint8)classes}, 2);
}

static void
default_spn (const Section *s, GPtrArray *parts)
{
    guint8 spn[17];
    const char *name = s->b->metadata->service_provider_name;
    memset (spn, 0xFF, sizeof spn);
    spn[0] = 1;
    for (gsize i = 0; i < 16 && g_ascii_isprint (name[i]); i++)
        spn[1 + i] = (guint8)name[i];
    add_part (parts, spn, sizeof spn);
}

static void
default_administrative_data (const Section *s, GPtrArray *parts)
{
    if (s->b->mnc_length != 2)
        add_part (parts, (guint8[]){0, 0, 0, (guint8)s->b->mnc_length}, 4);
}

static void
default_directory (const Section *s, GPtrArray *parts)
{
    for (guint i = 0; i < s->b->n_apps; i++)
        g_ptr_array_add (
            parts, rsp_saip_dir_record (rsp_slice_of (s->b->apps[i].aid), s->b->apps[i].label));
}

/* Identities by 3GPP TS 23.003 13: derived from the IMSI. */
static void
default_identity (const Section *s, const char *prefix, gboolean with_imsi, GPtrArray *parts)
{
    const char *imsi = s->b->imsi;
    if (!imsi || strlen (imsi) < 6)
        return;
    g_autofree char *text = g_strdup_printf (
        "%s%s%sims.mnc%s%.*s.mcc%.3s.3gppnetwork.org", prefix, with_imsi ? imsi : "",
        with_imsi ? "@" : "", s->b->mnc_length == 2 ? "0" : "", s->b->mnc_length, imsi + 3, imsi);
    g_autoptr (GByteArray) out = g_byte_array_new ();
    rsp_tlv_put_text (out, 0x80, text);
    add_part (parts, out->data, out->len);
}

/* Content that follows from the rest of the description. */
static void
default_content (const Section *s, guint32 element, const char *member, GPtrArray *parts)
{
    static const guint8 emergency[] = {0x11, 0xF2, 0xFF, 0x00};
    if (!strcmp (member, "ef-arr"))
        rsp_saip_default_rules (parts);
    else if (!strcmp (member, "ef-iccid"))
        add_part (parts, s->b->iccid_octets, 10);
    else if (!strcmp (member, "ef-dir"))
        default_directory (s, parts);
    else if (element == RSP_SAIP_USIM && !strcmp (member, "ef-ust"))
        default_ust (s, parts);
    else if (element == RSP_SAIP_USIM && !strcmp (member, "ef-acc"))
        default_access_class (s, parts);
    else if (element == RSP_SAIP_USIM && !strcmp (member, "ef-spn"))
        default_spn (s, parts);
    else if (element == RSP_SAIP_USIM && !strcmp (member, "ef-est"))
        add_part (parts, "", 1);
    else if (element == RSP_SAIP_USIM && !strcmp (member, "ef-ecc"))
        add_part (parts, emergency, sizeof emergency);
    else if (element == RSP_SAIP_USIM && !strcmp (member, "ef-ad"))
        default_administrative_data (s, parts);
    else if (element == RSP_SAIP_ISIM && !strcmp (member, "ef-impi"))
        default_identity (s, "", TRUE, parts);
    else if (element == RSP_SAIP_ISIM && !strcmp (member, "ef-impu"))
        default_identity (s, "sip:", TRUE, parts);
    else if (element == RSP_SAIP_ISIM && !strcmp (member, "ef-domain"))
        default_identity (s, "", FALSE, parts);
    else if (element == RSP_SAIP_ISIM && !strcmp (member, "ef-ist"))
        default_ist (s, parts);
}

/* --- One element --- */

/* The first version of the element's template that knows every file the description names. */
static const RspSaipTemplate *
choose_template (const Section *s, const RspSaipElementType *type, const char **ret_missing)
{
    const RspSaipTemplate *const *all = rsp_saip_templates ();
    *ret_missing = NULL;
    for (guint i = 0; all[i]; i++) {
        if (all[i]->element != type->tag)
            continue;
        const char *missing = NULL;
        for (guint m = 2; m < type->n_members && !missing; m++) {
            const RspSaipFile *f = all[i]->files;
            while (f->member && f->tag_no != m)
                f++;
            if (!f->member && is_named (s, type->members[m]))
                missing = type->members[m];
        }
        if (!missing)
            return all[i];
        *ret_missing = missing;
    }
    return NULL;
}

static gboolean
use_template (const Section *s, const RspSaipElementType *type, const RspSaipTemplate **ret,
              GError **error)
{
    const char *missing;
    *ret = choose_template (s, type, &missing);
    if (*ret) {
        if (!g_ptr_array_find (s->b->templates, *ret, NULL))
            g_ptr_array_add (s->b->templates, (gpointer)*ret);
        return TRUE;
    }
    const RspYaml *node = missing ? file_node (s, missing) : NULL;
    return rsp_yaml_fail (node       ? node
                          : s->files ? s->files
                                     : s->b->doc,
                          error, "not supported: no template of %s has %s", type->name,
                          missing ? missing : "these files");
}

static gboolean
is_df_row (const RspSaipFile *row)
{
    return (row->kind & 0x3F) == 0x38;
}

/* The content of a file that its node does not give. */
static gboolean
find_parts (const Section *s, const RspSaipTemplate *t, const RspSaipFile *row, GPtrArray *parts,
            GError **error)
{
    const Shortcut *k = shortcut_of (s, row->member);
    const RspYaml *node = file_node (s, row->member);
    if (s->b->imsi_override && !s->turn && !strcmp (row->member, "ef-imsi") &&
        t->element == RSP_SAIP_USIM) {
        guint8 octets[9];
        rsp_saip_imsi_octets (s->b->imsi, octets);
        add_part (parts, octets, sizeof octets);
        return TRUE;
    }
    if (k && node)
        return rsp_yaml_fail (node, error, "%s is given already as %s", row->member, k->key);
    if (k)
        return rsp_saip_value (k->value, rsp_yaml_get (s->node, k->key), row->record_size, parts,
                               error);
    default_content (s, t->element, row->member, parts);
    return TRUE;
}

/* EF.ARR of the MF serves the files in it, ADFs and DFs below it; the others have their own. */
static guint16
rules_file (const RspSaipTemplate *t, const RspSaipFile *row)
{
    gboolean below_mf =
        row == t->files && (t->element == RSP_SAIP_TELECOM || t->element == RSP_SAIP_CD);
    return t->element == RSP_SAIP_MF || row->adf || below_mf ? 0x2F06 : 0x6F06;
}

static gboolean
build_member (const Section *s, const RspSaipTemplate *t, const RspSaipFile *row, GError **error)
{
    g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    const RspYaml *node = file_node (s, row->member);
    gboolean df = is_df_row (row);
    if (!df && !find_parts (s, t, row, parts, error))
        return FALSE;
    /* Elements whose files do not exist by default hold what is named, and the DFs around it. */
    gboolean present =
        (row == t->files && df) || is_named (s, row->member) || !strcmp (row->member, "ef-arr");
    if (rsp_saip_element_type (t->element)->by_default)
        present = present || row->required || parts->len;
    for (const RspSaipFile *f = row; df && !present && f->member; f++)
        present = f->parent && !strcmp (f->parent, row->member) && is_named (s, f->member);
    if (!present)
        return TRUE;
    if ((row->kind & 0x3F) == 0x39)
        rsp_saip_need_service (s->b, "ber-tlv");
    gboolean override = s->b->imsi_override && !s->turn && !strcmp (row->member, "ef-imsi");
    RspSaipFileHints hints = {.parts = parts->len ? parts : NULL,
                              .pins = RSP_SLICE (s->pins->data, s->pins->len),
                              .at = s->files ? s->files : s->b->doc,
                              .full = s->b->full,
                              .arr_fid = rules_file (t, row)};
    if (row->adf) {
        hints.aid = s->b->aid;
        hints.fid = (guint16)(s->type->fid + s->turn);
    }
    guint32 tag = row->tag_no < 31 ? 0xA0u + row->tag_no : 0xBF00u + row->tag_no;
    gsize mark = rsp_tlv_open (s->b->out, tag);
    gboolean good =
        node && node->kind == RSP_YAML_LIST && row->fid_last > row->fid
            ? rsp_saip_build_files (node, row, &hints, s->b->out, error)
            : rsp_saip_build_file (override ? NULL : node, row, &hints, s->b->out, error);
    rsp_tlv_close (s->b->out, mark);
    return good;
}

static gboolean
build_element (const Section *s, const RspSaipElementType *type, GError **error)
{
    const RspSaipTemplate *t;
    if (!use_template (s, type, &t, error))
        return FALSE;
    gsize mark = rsp_saip_open_element (s->b, type->tag);
    rsp_tlv_put (s->b->out, 0x81, t->oid_octets);
    for (const RspSaipFile *row = t->files; row->member; row++)
        if (!build_member (s, t, row, error))
            return FALSE;
    rsp_tlv_close (s->b->out, mark);
    return TRUE;
}

static gboolean
element_wanted (const Section *s, const RspSaipElementType *type)
{
    if (type->tag == s->type->elements[0])
        return TRUE;
    for (guint m = 2; m < type->n_members; m++)
        if (is_named (s, type->members[m]))
            return TRUE;
    return FALSE;
}

/* --- Sections --- */

static gboolean
check_section_keys (const Section *s, GError **error)
{
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    for (guint i = 0; s->type->more[i]; i++)
        g_ptr_array_add (names, (gpointer)s->type->more[i]);
    for (const Shortcut *k = s->type->shortcuts; k->key; k++)
        g_ptr_array_add (names, (gpointer)k->key);
    g_ptr_array_add (names, NULL);
    if (s->node->kind == RSP_YAML_MAP &&
        !rsp_yaml_only (s->node, (const char *const *)names->pdata, error))
        return FALSE;
    if (!s->files || !want_map (s->files, error))
        return !s->files;
    g_ptr_array_set_size (names, 0);
    for (const guint32 *e = s->type->elements; *e; e++) {
        const RspSaipElementType *type = rsp_saip_element_type (*e);
        for (guint m = 2; m < type->n_members; m++)
            g_ptr_array_add (names, (gpointer)type->members[m]);
    }
    g_ptr_array_add (names, NULL);
    return s->files->kind != RSP_YAML_MAP ||
           rsp_yaml_only (s->files, (const char *const *)names->pdata, error);
}

/* The key references of a section's DFs: its own PINs, then the global ones. */
static gboolean
collect_pins (Section *s, const RspYaml *pins, gboolean local, GError **error)
{
    if (local && !rsp_saip_pin_references (pins, s->pins, error))
        return FALSE;
    g_byte_array_append (s->pins, s->b->global_pins->data, s->b->global_pins->len);
    return TRUE;
}

static void
start_application (Section *s)
{
    for (guint i = 0; i < s->b->n_apps; i++)
        if (s->b->apps[i].node == s->node) {
            s->b->aid = rsp_slice_of (s->b->apps[i].aid);
            s->turn = s->b->apps[i].turn;
        }
}

/* The Nth application of a section, which is one map or a list; NULL beyond. */
static const RspYaml *
applications_of (const RspYaml *doc, const char *section, guint n)
{
    const RspYaml *node = rsp_yaml_get (doc, section);
    if (node && node->kind == RSP_YAML_LIST)
        return n < node->items->len ? node->items->pdata[n] : NULL;
    return n ? NULL : node;
}

static gboolean
build_keys (RspSaipBuild *b, const Section *s, const RspYaml *pins, GError **error)
{
    gboolean map = s->node->kind == RSP_YAML_MAP;
    const RspYaml *aka = map ? rsp_yaml_get (s->node, "aka") : NULL;
    const RspYaml *cdma = map ? rsp_yaml_get (s->node, "cdma") : NULL;
    if (!rsp_saip_build_local (b, pins, aka, error))
        return FALSE;
    if (cdma)
        rsp_saip_need_service (b, "cave");
    return !cdma || rsp_saip_put_named (b, RSP_SAIP_CDMA_PARAMETER, cdma, error);
}

static gboolean
build_section (RspSaipBuild *b, const char *name, const RspYaml *node, GError **error)
{
    static const RspYaml blank = {.kind = RSP_YAML_SCALAR, .text = (char *)""};
    g_autoptr (GByteArray) pin_octets = g_byte_array_new ();
    Section s = {
        .b = b, .type = section_type (name), .node = node ? node : &blank, .pins = pin_octets};
    if (!want_map (s.node, error))
        return FALSE;
    gboolean map = s.node->kind == RSP_YAML_MAP, mf = !strcmp (name, "mf");
    const RspYaml *pins = map ? rsp_yaml_get (s.node, "pins") : NULL;
    s.files = map ? rsp_yaml_get (s.node, "files") : NULL;
    gboolean eap = !strcmp (name, "eap"), local = !mf && (pins || strcmp (name, "cd"));
    if (eap) {
        const RspYaml *usim = applications_of (b->doc, "usim", 0);
        pins = usim && usim->kind == RSP_YAML_MAP ? rsp_yaml_get (usim, "pins") : NULL;
        rsp_saip_need_service (b, "eap");
    }
    if (mf && pins)
        return rsp_yaml_fail (pins, error, "the PINs of the MF are the profile's pins");
    if (!check_section_keys (&s, error) || !collect_pins (&s, pins, local, error))
        return FALSE;
    start_application (&s);
    for (const guint32 *e = s.type->elements; *e; e++) {
        const RspSaipElementType *type = rsp_saip_element_type (*e);
        if (element_wanted (&s, type) && !build_element (&s, type, error))
            return FALSE;
        /* PINs and keys stand after the application's own files, before the DFs attached to it. */
        gboolean own_files_end = !e[1] || e == s.type->elements + 1;
        if (own_files_end && local && !eap && !build_keys (b, &s, pins, error))
            return FALSE;
        local = local && !own_files_end;
    }
    return TRUE;
}

/* --- The document --- */

static gboolean
read_aid (RspSaipBuild *b, const SectionType *type, const RspYaml *node, guint turn, GError **error)
{
    const RspYaml *aid = node->kind == RSP_YAML_MAP ? rsp_yaml_get (node, "aid") : NULL;
    const char *label = type->label;
    g_autoptr (GBytes) octets = NULL;
    if (aid ? !rsp_yaml_hex (aid, &octets, error) : !(octets = rsp_unhex (type->aid)))
        return FALSE;
    if (g_bytes_get_size (octets) < 5 || g_bytes_get_size (octets) > 16)
        return rsp_yaml_fail (aid, error, "an AID has 5 to 16 octets");
    if (node->kind == RSP_YAML_MAP && !rsp_yaml_opt_text (node, "label", &label, error))
        return FALSE;
    if (strlen (label) > 32)
        return rsp_yaml_fail (node, error, "a label has at most 32 octets");
    for (guint i = 0; i < b->n_apps; i++)
        if (rsp_slice_equal (rsp_slice_of (b->apps[i].aid), rsp_slice_of (octets)))
            return rsp_yaml_fail (node, error,
                                  "another application has this AID: give each its aid");
    if (b->n_apps == RSP_SAIP_MAX_APPS)
        return rsp_yaml_fail (node, error, "a profile has at most %u applications", b->n_apps);
    b->apps[b->n_apps].section = type->name;
    b->apps[b->n_apps].node = node;
    b->apps[b->n_apps].turn = turn;
    b->apps[b->n_apps].aid = g_steal_pointer (&octets);
    b->apps[b->n_apps++].label = label;
    return TRUE;
}

static gboolean
read_application (RspSaipBuild *b, const SectionType *type, const RspYaml *node, guint turn,
                  GError **error)
{
    static const char *const multiple[] = {"multiple-usim", "multiple-isim", "multiple-csim"};
    gint64 mnc_length = 2;
    if (!want_map (node, error) || !read_aid (b, type, node, turn, error))
        return FALSE;
    for (guint i = 0; turn && i < G_N_ELEMENTS (multiple); i++)
        if (g_str_has_suffix (multiple[i], type->name))
            rsp_saip_need_service (b, multiple[i]);
    if (node->kind != RSP_YAML_MAP || strcmp (type->name, "usim") || turn)
        return TRUE;
    if (!rsp_yaml_opt_int (node, "mnc-length", 2, 3, &mnc_length, error) ||
        (!b->imsi && !rsp_yaml_opt_text (node, "imsi", &b->imsi, error)))
        return FALSE;
    b->mnc_length = (int)mnc_length;
    return TRUE;
}

static gboolean
read_applications (RspSaipBuild *b, GError **error)
{
    const RspYaml *node;
    b->mnc_length = 2;
    for (guint i = 0; i < G_N_ELEMENTS (section_types); i++) {
        const SectionType *type = &section_types[i];
        for (guint n = 0; type->adf && (node = applications_of (b->doc, type->name, n)); n++)
            if (!read_application (b, type, node, n, error))
                return FALSE;
    }
    return TRUE;
}

static gboolean
build_elements (RspSaipBuild *b, GError **error)
{
    static const char *const apps[] = {"usim", "eap", "isim", "csim"};
    const RspYaml *doc = b->doc, *node;
    if (!build_section (b, "mf", rsp_yaml_get (doc, "mf"), error) ||
        !rsp_saip_build_global (b, error))
        return FALSE;
    if ((node = rsp_yaml_get (doc, "cd")) && !build_section (b, "cd", node, error))
        return FALSE;
    if ((node = rsp_yaml_get (doc, "telecom")) && !build_section (b, "telecom", node, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (apps); i++)
        for (guint n = 0; (node = applications_of (doc, apps[i], n)); n++)
            if (!build_section (b, apps[i], node, error))
                return FALSE;
    return rsp_saip_build_tail (b, error);
}

static void
build_clear (RspSaipBuild *b)
{
    for (guint i = 0; i < b->n_apps; i++)
        g_bytes_unref (b->apps[i].aid);
    g_clear_pointer (&b->out, g_byte_array_unref);
    g_clear_pointer (&b->global_pins, g_byte_array_unref);
    g_clear_pointer (&b->templates, g_ptr_array_unref);
    g_clear_pointer (&b->metadata, rsp_metadata_free);
    g_free (b->iccid);
    g_free (b->type);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RspSaipBuild, build_clear)

static gboolean
check_imsi (const RspSaipBuild *b, GError **error)
{
    guint8 octets[9];
    if (!b->imsi_override || rsp_saip_imsi_octets (b->imsi, octets))
        return TRUE;
    g_set_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE, "an IMSI has 6 to 15 digits");
    return FALSE;
}

/* Values with KEY at any depth; the last one in *RET. */
static guint
count_keys (const RspYaml *node, const char *key, const RspYaml **ret)
{
    guint n = 0;
    if (!g_strcmp0 (node->key, key)) {
        *ret = node;
        n++;
    }
    for (guint i = 0; node->items && i < node->items->len; i++)
        n += count_keys (node->items->pdata[i], key, ret);
    return n;
}

/* The only place of the description that can have made the violation; else the whole. */
static const RspYaml *
place_of (const RspYaml *doc, const RspSaipViolation *v)
{
    static const char *const sections[][2] = {{"genericFileManagement", "generic-files"},
                                              {"securityDomain", "security-domains"},
                                              {"application", "applications"},
                                              {"pukCodes", "puks"},
                                              {"pinCodes", "pins"}};
    const RspYaml *at = doc;
    if (v->member && count_keys (doc, v->member, &at) == 1)
        return at;
    const char *name = v->name;
    for (guint i = 0; name && i < G_N_ELEMENTS (sections); i++)
        if (!strcmp (name, sections[i][0]))
            name = sections[i][1];
    return name && count_keys (doc, name, &at) == 1 ? at : doc;
}

/* The finished package has to pass its own check: a description can still contradict itself. */
static gboolean
check_result (const RspSaipBuild *b, RspSlice upp, GError **error)
{
    g_autoptr (GPtrArray) violations = rsp_saip_check (upp);
    if (!violations->len)
        return TRUE;
    const RspSaipViolation *first = violations->pdata[0];
    return rsp_yaml_fail (place_of (b->doc, first), error, "%s", first->text);
}

RspProfilePackage *
rsp_saip_build (const RspYaml *doc, const char *iccid, const char *imsi, GError **error)
{
    static const char *const keys[] = {
        "profile", "metadata", "mf",           "puks", "pins",          "cd",
        "telecom", "usim",     "isim",         "csim", "generic-files", "security-domains",
        "rfm",     "eap",      "applications", NULL};
    g_auto (RspSaipBuild) b = {.doc = doc,
                               .imsi = imsi,
                               .imsi_override = imsi != NULL,
                               .out = g_byte_array_new (),
                               .global_pins = g_byte_array_new (),
                               .templates = g_ptr_array_new (),
                               .metadata = rsp_metadata_new ()};
    if (doc->kind != RSP_YAML_MAP) {
        rsp_yaml_fail (doc, error, "a profile is a map");
        return NULL;
    }
    if (rsp_yaml_get (doc, "elements"))
        return rsp_saip_build_as_said (doc, iccid, imsi, error);
    if (!rsp_yaml_only (doc, keys, error) || !rsp_saip_read_profile (&b, iccid, error) ||
        !check_imsi (&b, error) || !read_applications (&b, error) ||
        !rsp_saip_read_pins (&b, error) || !build_elements (&b, error))
        return NULL;
    rsp_saip_put_header (&b);
    if (!check_result (&b, RSP_SLICE (b.out->data, b.out->len), error))
        return NULL;
    RspProfilePackage *p = g_new0 (RspProfilePackage, 1);
    p->iccid = g_steal_pointer (&b.iccid);
    p->type = g_steal_pointer (&b.type);
    p->upp = g_byte_array_free_to_bytes (g_steal_pointer (&b.out));
    p->metadata = g_steal_pointer (&b.metadata);
    return p;
}

void
rsp_profile_package_free (RspProfilePackage *p)
{
    if (!p)
        return;
    g_free (p->iccid);
    g_free (p->type);
    g_bytes_unref (p->upp);
    rsp_metadata_free (p->metadata);
    g_free (p);
}
