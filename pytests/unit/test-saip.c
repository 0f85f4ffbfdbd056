/* Profile packages: templates, file content, building, checking, hostile input. */
#include "asn1/saip-tree.h"
#include "asn1/saip.h"

#include <string.h>

#ifndef RSP_SHARED
#define RSP_SHARED "../shared"
#endif

static const char minimal[] =
    "profile: {iccid: \"8988303000000000028\", type: minimal}\n"
    "metadata:\n"
    "  serviceProviderName: provider\n"
    "  profileName: Minimal\n"
    "  class: provisioning\n"
    "  ppr: [ppr1]\n"
    "  owner: {mccMnc: \"001012\", gid1: \"01\"}\n"
    "  notifications: [{events: [install, delete], address: dp1.example.com}]\n"
    "usim:\n"
    "  imsi: \"001010000000002\"\n"
    "  msisdn: \"+4917012345678\"\n"
    "  aka: {algorithm: milenage, key: 465b5ce8b199b49faa5f0a2ee238a6bc,\n"
    "        opc: cd63cb71954a9f4e48a5994e37a02baf}\n";

static RspProfilePackage *
build (const char *text, const char *iccid, const char *imsi, GError **error)
{
    g_autoptr (RspYaml) doc = rsp_yaml_parse (text, -1, "p.yaml", error);
    return doc ? rsp_saip_build (doc, iccid, imsi, error) : NULL;
}

static RspProfilePackage *
build_good (const char *text)
{
    g_autoptr (GError) error = NULL;
    RspProfilePackage *p = build (text, NULL, NULL, &error);
    g_assert_no_error (error);
    return p;
}

/* --- Looking into packages --- */

typedef struct {
    guint16 fid;
    GByteArray *body;
    RspSaipFileDef def;
    guint n;
} Wanted;

static RspSaipStatus
pick (RspSaipAction action, const RspSaipFileDef *f, gpointer data, RspSaipProblem *problem)
{
    Wanted *w = data;
    w->n++;
    if (action != RSP_SAIP_CREATE || f->fid != w->fid)
        return RSP_SAIP_OK;
    w->def = *f;
    g_byte_array_set_size (w->body, f->size);
    return rsp_saip_fill (f, w->body->data);
}

/* Hex of the file's body; NULL if there is none. */
static char *
file_of (GBytes *upp, guint32 element, guint16 fid)
{
    RspSlice rest = rsp_slice_of (upp);
    RspSaipElement e;
    g_autoptr (GByteArray) body = g_byte_array_new ();
    Wanted w = {.fid = fid, .body = body};
    while (rsp_saip_next (&rest, &e) == RSP_TLV_OK)
        if (e.tag == element)
            g_assert_cmpint (rsp_saip_files (&e, pick, &w, NULL), ==, RSP_SAIP_OK);
    return w.def.fid ? rsp_hex (RSP_SLICE (body->data, body->len)) : NULL;
}

static void
assert_file (GBytes *upp, guint32 element, guint16 fid, const char *hex)
{
    g_autofree char *got = file_of (upp, element, fid);
    g_assert_cmpstr (got, ==, hex);
}

static void
assert_violation (RspSlice upp, const char *text)
{
    g_autoptr (GPtrArray) violations = rsp_saip_check (upp);
    for (guint i = 0; i < violations->len; i++)
        if (strstr (((const RspSaipViolation *)violations->pdata[i])->text, text))
            return;
    const RspSaipViolation *first = violations->len ? violations->pdata[0] : NULL;
    g_test_message ("%s", first ? first->text : "no violation");
    g_test_fail_printf ("no violation says: %s", text);
}

/* --- Tables --- */

static void
test_tables (void)
{
    g_assert_cmpstr (rsp_saip_element_name (0xB3), ==, "usim");
    g_assert_cmpstr (rsp_saip_element_name (0xBF1F), ==, "df-5gprose");
    g_assert_null (rsp_saip_element_name (0xAC));
    g_assert_cmpstr (rsp_saip_member (0xB0, 4), ==, "ef-iccid");
    g_assert_cmpstr (rsp_saip_member (0xB3, 3), ==, "ef-imsi");
    g_assert_cmpstr (rsp_saip_member (0xB4, 7), ==, "ef-msisdn");
    g_assert_cmpstr (rsp_saip_member (0xB4, 31), ==, "ef-vgcs");
    g_assert_null (rsp_saip_member (0xB3, 26));
    const RspSaipTemplate *mf = rsp_saip_template ("2.23.143.1.2.1");
    static const guint8 oid[] = {0x67, 0x81, 0x0F, 0x01, 0x02, 0x01};
    g_assert_true (rsp_saip_template_of (RSP_SLICE_ARRAY (oid)) == mf);
    g_assert_cmpuint (mf->files[2].fid, ==, 0x2FE2);
    g_assert_cmpint (mf->files[2].sfi, ==, 2);
    g_assert_true (mf->files[2].required);
    g_assert_null (rsp_saip_template ("2.23.143.1.2.99"));
}

/* Every template: members ascend, exist in the element, and parents stand before their children. */
static void
test_tables_consistent (void)
{
    const RspSaipTemplate *const *all = rsp_saip_templates ();
    for (guint i = 0; all[i]; i++)
        for (const RspSaipFile *f = all[i]->files; f->member; f++) {
            g_assert_cmpstr (rsp_saip_member (all[i]->element, f->tag_no), ==, f->member);
            g_assert_cmpuint (f->tag_no, >=, 2);
            if (f != all[i]->files)
                g_assert_cmpuint (f->tag_no, >, f[-1].tag_no);
            const RspSaipFile *parent = all[i]->files;
            while (f->parent && parent < f && strcmp (parent->member, f->parent))
                parent++;
            g_assert_true (parent < f || !f->parent);
        }
}

/* --- Content --- */

static void
assert_fill (RspSaipFileDef *def, const char *hex)
{
    guint8 body[64];
    g_assert_cmpint (rsp_saip_fill (def, body), ==, RSP_SAIP_OK);
    g_autofree char *got = rsp_hex (RSP_SLICE (body, def->size));
    g_assert_cmpstr (got, ==, hex);
}

static void
test_fill (void)
{
    static const guint8 pattern[] = {0x65, 0x6E, 0xFF, 0x01};
    static const guint8 content[] = {0x83, 2, 0xAA, 0xBB, 0x82, 1, 2, 0x83, 1, 0xCC};
    RspSaipFileDef def = {.kind = 0x41, .size = 6};
    assert_fill (&def, "ffffffffffff");
    def.content = RSP_SLICE_ARRAY (content);
    assert_fill (&def, "aabbffffccff");
    def.has_fill = TRUE;
    def.pattern = RSP_SLICE (pattern, 2);
    assert_fill (&def, "aabb6e6ecc6e");
    def.has_fill = FALSE;
    def.has_repeat = TRUE;
    def.pattern = RSP_SLICE (pattern, 4);
    def.content = RSP_SLICE (NULL, 0);
    assert_fill (&def, "656eff01656e");
    def.size = 3;
    assert_fill (&def, "656eff");
    RspSaipFileDef records = {.kind = 0x42,
                              .size = 6,
                              .record_size = 3,
                              .records = 2,
                              .has_fill = TRUE,
                              .pattern = RSP_SLICE (pattern, 2),
                              .content = RSP_SLICE (content, 4)};
    assert_fill (&records, "aabb6e656e6e");
}

static void
test_fill_template (void)
{
    const RspSaipFile *f = rsp_saip_template ("2.23.143.1.2.4")->files;
    while (strcmp (f->member, "ef-sms"))
        f++;
    RspSaipFileDef sms = {.row = f, .kind = 0x42, .size = 8, .record_size = 4, .records = 2};
    assert_fill (&sms, "00ffffff00ffffff");
    for (f = rsp_saip_template ("2.23.143.1.2.5")->files; strcmp (f->member, "ef-oci");)
        f++;
    RspSaipFileDef oci = {.row = f, .kind = 0x46, .size = 9, .record_size = 9, .records = 1};
    assert_fill (&oci, "ffffff00000001ffff");
}

static void
test_fill_bounds (void)
{
    static const guint8 long_content[] = {0x83, 3, 1, 2, 3};
    static const guint8 far_offset[] = {0x82, 1, 3};
    static const guint8 negative[] = {0x82, 1, 0xFF};
    static const guint8 torn[] = {0x83, 9, 1};
    guint8 body[2];
    g_assert_cmpint (rsp_saip_update (RSP_SLICE_ARRAY (long_content), body, 2), ==,
                     RSP_SAIP_INVALID_PARAMETER);
    g_assert_cmpint (rsp_saip_update (RSP_SLICE_ARRAY (far_offset), body, 2), ==,
                     RSP_SAIP_INVALID_PARAMETER);
    g_assert_cmpint (rsp_saip_update (RSP_SLICE_ARRAY (negative), body, 2), ==,
                     RSP_SAIP_BAD_VALUES);
    g_assert_cmpint (rsp_saip_update (RSP_SLICE_ARRAY (torn), body, 2), ==,
                     RSP_SAIP_INVALID_REQUEST_FORMAT);
}

/* --- Building --- */

static void
test_build (void)
{
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    g_assert_cmpstr (p->iccid, ==, "8988303000000000028");
    g_assert_cmpstr (p->type, ==, "minimal");
    g_assert_cmpstr (p->metadata->iccid, ==, "8988303000000000028");
    g_assert_cmpstr (p->metadata->service_provider_name, ==, "provider");
    g_assert_cmpint (p->metadata->profile_class, ==, RSP_CLASS_PROVISIONING);
    g_assert_cmpuint (p->metadata->ppr, ==, RSP_PPR1);
    g_assert_cmpuint (p->metadata->notifications->len, ==, 1);
    g_autofree char *owner = rsp_hex (rsp_slice_of (p->metadata->owner_mcc_mnc));
    g_assert_cmpstr (owner, ==, "002110");
    assert_file (p->upp, RSP_SAIP_MF, 0x2FE2, "988803030000000020f8");
    assert_file (p->upp, RSP_SAIP_USIM, 0x6F07, "080910100000000020");
    assert_file (p->upp, RSP_SAIP_USIM, 0x6F46, "0170726f7669646572ffffffffffffffff");
    assert_file (p->upp, RSP_SAIP_OPT_USIM, 0x6F40,
                 "ffffffffffffffffffff0891947110325476f8ffffffffff");
}

static void
test_build_overrides (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspProfilePackage) p =
        build (minimal, "89000123456789012341", "001010123456789", &error);
    g_assert_no_error (error);
    g_assert_cmpstr (p->iccid, ==, "89000123456789012341");
    g_assert_cmpstr (p->metadata->iccid, ==, "89000123456789012341");
    assert_file (p->upp, RSP_SAIP_MF, 0x2FE2, "98001032547698103214");
    assert_file (p->upp, RSP_SAIP_USIM, 0x6F07, "080910101032547698");
    g_autofree char *header = rsp_saip_iccid (rsp_slice_of (p->upp));
    g_assert_cmpstr (header, ==, "89000123456789012341");
    g_assert_null (build (minimal, "12", NULL, NULL));
    g_assert_null (build (minimal, NULL, "12x", NULL));
}

static void
test_with_iccid (void)
{
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) other = rsp_saip_with_iccid (p->upp, "89000123456789012341", &error);
    g_assert_no_error (error);
    g_assert_cmpuint (g_bytes_get_size (other), ==, g_bytes_get_size (p->upp));
    assert_file (other, RSP_SAIP_MF, 0x2FE2, "98001032547698103214");
    g_autoptr (GPtrArray) violations = rsp_saip_check (rsp_slice_of (other));
    g_assert_cmpuint (violations->len, ==, 0);
    g_autoptr (RspProfilePackage) again = rsp_saip_from_der (other, &error);
    g_assert_cmpstr (again->iccid, ==, "89000123456789012341");
    g_assert_cmpstr (again->metadata->profile_name, ==, "minimal");
    g_assert_null (rsp_saip_with_iccid (p->upp, "x", NULL));
}

typedef struct {
    const char *from, *to; /* edit of the minimal description */
    const char *error;
} Bad;

static void
test_bad_descriptions (void)
{
    static const Bad cases[] = {
        {"usim:", "usin:", "p.yaml:9:1: unknown key"},
        {"type: minimal", "typ: minimal", "unknown key 'typ'"},
        {"8988303000000000028", "89883030", "ICCID"},
        {"provisioning", "special", "p.yaml:5:10: a class is"},
        {"ppr1", "ppr9", "p.yaml:6:9: unknown policy rule"},
        {"\"001012\"", "\"0010\"", "5 or 6 digits"},
        {"install,", "instal,", "p.yaml:8:29: unknown event"},
        {"001010000000002", "00101", "p.yaml:10:9: an IMSI has 6 to 15 digits"},
        {"+4917012345678", "+49170x", "p.yaml:11:11: a number has"},
        {"milenage", "milenagr", "an algorithm is"},
        {"465b5ce8b1", "465b5ce8", "key has 16 to 16 octets"},
        {"opc: cd63cb71954a9f4e48a5994e37a02baf", "options: \"00\"", "opc is missing"},
        {"  imsi:", "  files: {ef-nothing: 00}\n  imsi:", "p.yaml:10:11: unknown key"},
        {"  imsi:", "  files: {ef-imsi: 00}\n  imsi:", "given already as imsi"},
        {"  imsi:", "  files: {ef-gid1: {content: 00, text: x}}\n  imsi:", "given already as"},
        {"  imsi:", "  files: {ef-hpplmn: {content: 0001, size: 1}}\n  imsi:",
         "longer than the file"},
        {"  imsi:", "  files: {ef-fdn: {content: [00], record-size: 300}}\n  imsi:", "300"},
        {"  imsi:", "  files: {ef-fdn: {content: [0001], record-size: 1}}\n  imsi:",
         "longer than record-size"},
        {"  imsi:", "  files: {ef-fdn: {type: linear}}\n  imsi:", "the template says the type"},
        {"  imsi:", "  files: {ef-gid1: {fill: 00, repeat: 00}}\n  imsi:", "exclude each other"},
        {"  imsi:", "  files: {ef-acm: {link: 7FD0/123}}\n  imsi:", "a path is"},
        {"  imsi:", "  files: {ef-arr: {rules: [{read: pin7}]}}\n  imsi:", "a condition is"},
        {"  imsi:", "  files: [1]\n  imsi:", "a map belongs here"},
        {"  imsi:", "  pins: {pin1: \"1234\"}\n  imsi:", "a global PIN"},
        {"  imsi:", "  pins: {pin2: \"12\"}\n  imsi:", "a code has 4 to 8 digits"},
        {"  imsi:", "  pins: {pin2: {value: \"1234\", puk: puk1x}}\n  imsi:", "no such PUK"},
        {"usim:", "puks: {puk1: \"1\"}\nusim:", "4 to 8 digits"},
        {"usim:", "rfm: [{aid: a000000559, application: isim}]\nusim:", "no such application"},
        {"usim:", "rfm: [{aid: a000000559, tars: [b00120]}]\nusim:",
         "before the first securityDomain"},
        {"usim:", "generic-files: [{path: 7F99, files: [{fid: 6F01, type: df}]}]\nusim:",
         "leads to no file"},
        {"usim:", "generic-files: [{files: [{fid: 2FE2, type: transparent, size: 1}]}]\nusim:",
         "p.yaml:9:16: element 9 genericFileManagement (identification 8): a file"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        g_auto (GStrv) pieces = g_strsplit (minimal, cases[i].from, 2);
        g_assert_nonnull (pieces[1]);
        g_autofree char *text = g_strjoinv (cases[i].to, pieces);
        g_assert_null (build (text, NULL, NULL, &error));
        g_assert_nonnull (error);
        if (!strstr (error->message, cases[i].error))
            g_test_fail_printf ("%u: \"%s\" does not say \"%s\"", i, error->message,
                                cases[i].error);
    }
}

/* --- Checking --- */

/* The package's elements at these places, in this order. */
static GByteArray *
reorder (GBytes *upp, const guint *places, guint n)
{
    RspSaipElement elements[32];
    RspSlice rest = rsp_slice_of (upp);
    guint count = 0;
    while (count < 32 && rsp_saip_next (&rest, &elements[count]) == RSP_TLV_OK)
        count++;
    GByteArray *out = g_byte_array_new ();
    for (guint i = 0; i < n; i++) {
        g_assert_cmpuint (places[i], <, count);
        g_byte_array_append (out, elements[places[i]].whole.data, elements[places[i]].whole.len);
    }
    return out;
}

/* The minimal package: header 0, mf 1, puk 2, pin 3, usim 4, opt-usim 5, pin 6, aka 7, end 8. */
static void
test_check_order (void)
{
    static const struct {
        guint places[10], n;
        const char *text;
    } cases[] = {
        {{1, 0, 2, 3, 4, 5, 6, 7, 8}, 9, "a package begins with the header"},
        {{0, 1, 2, 3, 4, 5, 6, 7}, 8, "does not finish with the end"},
        {{0, 1, 2, 3, 4, 5, 6, 8, 7}, 9, "nothing may follow the end"},
        {{0, 2, 1, 3, 4, 5, 6, 7, 8}, 9, "the MF comes right after the header"},
        {{0, 1, 2, 3, 5, 4, 6, 7, 8}, 9, "before the application that it belongs to"},
        {{0, 1, 2, 3, 4, 5, 5, 7, 8}, 9, "comes once at most"},
        {{0, 1, 2, 3, 4, 4, 6, 7, 8}, 9, "multiple-usim"},
        {{0, 1, 1, 3, 4, 5, 6, 7, 8}, 9, "there is an MF already"},
        {{0, 1, 3, 2, 4, 5, 6, 7, 8}, 9, "there is no PUK 1 before it"},
        {{0, 1, 2, 3, 7, 4, 5, 6, 8}, 9, "stands in no application's context"},
        {{0, 1, 2, 6, 4, 5, 6, 7, 8}, 9, "129 is local, but this is the MF"},
        {{0, 1, 2, 3, 4, 5, 3, 7, 8}, 9, "is global, but this is not the MF"},
        {{0, 1, 2, 3, 3, 4, 6, 7, 8}, 9, "is not unique"},
        {{0, 1, 2, 3, 4, 5, 7, 8}, 8, "no pinCodes define 129 (pin-code-missing)"},
    };
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    g_autoptr (GPtrArray) none = rsp_saip_check (rsp_slice_of (p->upp));
    g_assert_cmpuint (none->len, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GByteArray) bad = reorder (p->upp, cases[i].places, cases[i].n);
        assert_violation (RSP_SLICE (bad->data, bad->len), cases[i].text);
    }
}

static gsize
find (const guint8 *data, gsize len, const char *hex)
{
    g_autoptr (GBytes) needle = rsp_unhex (hex);
    gsize n = g_bytes_get_size (needle);
    for (gsize i = 0; i + n <= len; i++)
        if (!memcmp (data + i, g_bytes_get_data (needle, NULL), n))
            return i;
    g_assert_not_reached ();
}

/* One octet replaced: AT octets behind the first occurrence of HEX. */
static void
test_check_values (void)
{
    static const struct {
        const char *hex;
        gsize at;
        guint8 octet;
        const char *text;
    } cases[] = {
        {"800102", 2, 9, "unsupported-profile-version"},
        {"8988303000000000028f", 9, 0x9F, "EF.ICCID is not the header's"},
        {"8988303000000000028f", 2, 0xA0, "not 18 to 20 decimal digits"},
        {"060667810f010201", 7, 0x63, "is unknown"},
        {"810667810f010204", 7, 0x63, "template is unknown"},
        {"810667810f010204", 7, 0x05, "not one of this element"},
    };
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    gsize len;
    const guint8 *data = g_bytes_get_data (p->upp, &len);
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree guint8 *copy = g_memdup2 (data, len);
        copy[find (data, len, cases[i].hex) + cases[i].at] = cases[i].octet;
        assert_violation (RSP_SLICE (copy, len), cases[i].text);
    }
}

/* Every prefix is refused by name; nothing reads beyond it. */
static void
test_truncation (void)
{
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    gsize len;
    const guint8 *data = g_bytes_get_data (p->upp, &len);
    for (gsize n = 0; n < len; n++) {
        g_autofree guint8 *copy = g_memdup2 (data, n);
        g_autoptr (GPtrArray) violations = rsp_saip_check (RSP_SLICE (copy, n));
        g_assert_cmpuint (violations->len, >, 0);
        g_autoptr (GBytes) der = g_bytes_new (copy, n);
        g_autoptr (RspProfilePackage) again = rsp_saip_from_der (der, NULL);
        g_autofree char *text = rsp_saip_show (der, NULL);
        g_autoptr (GBytes) other = rsp_saip_with_iccid (der, "89000123456789012341", NULL);
    }
}

/* Every octet changed, each in a few ways. */
static void
test_mutation (void)
{
    static const guint8 masks[] = {0x01, 0x20, 0x80, 0xFF};
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    gsize len;
    const guint8 *data = g_bytes_get_data (p->upp, &len);
    for (gsize n = 0; n < len; n++)
        for (guint m = 0; m < G_N_ELEMENTS (masks); m++) {
            guint8 *copy = g_memdup2 (data, len);
            copy[n] ^= masks[m];
            g_autoptr (GBytes) der = g_bytes_new_take (copy, len);
            g_autoptr (GPtrArray) violations = rsp_saip_check (rsp_slice_of (der));
            g_autofree char *text = rsp_saip_show (der, NULL);
            g_autoptr (GBytes) other = rsp_saip_with_iccid (der, "89000123456789012341", NULL);
        }
}

/* --- The GSMA's generic test profiles --- */

static GBytes *
vector (const char *name)
{
    g_autofree char *path = g_build_filename (RSP_SHARED, "vectors", "ts48", name, NULL);
    char *data;
    gsize len;
    if (g_file_get_contents (path, &data, &len, NULL))
        return g_bytes_new_take (data, len);
    g_test_skip ("../shared/vectors/ts48 is absent");
    return NULL;
}

static void
test_ts48 (void)
{
    static const struct {
        const char *name;
        guint elements;
        const char *imsi;
    } files[] = {
        {"ts48-v1-a.der", 28, "080910101032546036"},
        {"ts48-v5-saip2.3-nobertlv.der", 30, "080910101032540636"},
        {"ts48-v7-saip2.3-nobertlv.der", 30, "080910101032547698"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
        g_autoptr (GBytes) upp = vector (files[i].name);
        if (!upp)
            return;
        g_autoptr (GPtrArray) violations = rsp_saip_check (rsp_slice_of (upp));
        g_assert_cmpuint (violations->len, ==, 0);
        g_autofree char *text = rsp_saip_show (upp, NULL);
        g_assert_null (strstr (text, "unknown"));
        g_assert_null (strstr (text, "!"));
        RspSlice rest = rsp_slice_of (upp);
        RspSaipElement e;
        guint n = 0;
        while (rsp_saip_next (&rest, &e) == RSP_TLV_OK)
            n++;
        g_assert_cmpuint (n, ==, files[i].elements);
        assert_file (upp, RSP_SAIP_MF, 0x2FE2, "98001032547698103214");
        if (i)
            assert_file (upp, RSP_SAIP_USIM, 0x6F07, files[i].imsi);
        g_autoptr (RspProfilePackage) p = rsp_saip_from_der (upp, NULL);
        g_assert_cmpint (p->metadata->profile_class, ==, RSP_CLASS_TEST);
    }
}

/* --- Trees --- */

/* DER, tree, text, tree and DER again; FALSE where the elements cannot be told apart. */
static gboolean
survives (GBytes *upp)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspYaml) tree = rsp_saip_tree (rsp_slice_of (upp), NULL);
    if (!tree)
        return FALSE;
    g_autofree char *text = rsp_saip_tree_text (tree);
    g_autoptr (RspYaml) read = rsp_yaml_parse (text, -1, "tree.yaml", &error);
    g_assert_no_error (error);
    g_autoptr (GBytes) back = rsp_saip_encode (read, &error);
    g_assert_no_error (error);
    g_assert_true (g_bytes_equal (back, upp));
    g_autoptr (GPtrArray) differences = rsp_saip_tree_diff (tree, read);
    g_assert_cmpuint (differences->len, ==, 0);
    return TRUE;
}

static void
test_tree_of_anything (void)
{
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    const RspSaipPersonal who = {.imsi = "001010000000009",
                                 .codes = {[0] = "1234", [2] = "87654321"}};
    gsize n = g_bytes_get_size (p->upp);
    guint32 state = 1, told_apart = 0;
    g_assert_true (survives (p->upp));
    for (guint i = 0; i < 3000; i++) {
        g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (p->upp, NULL), n);
        for (guint k = 0; k <= i % 3; k++) {
            state = state * 1664525 + 1013904223;
            copy[(state >> 8) % n] = (guint8)(state >> 24);
        }
        g_autoptr (GBytes) bad = g_bytes_new (copy, n);
        told_apart += survives (bad);
        g_autoptr (GBytes) other = rsp_saip_personalise (bad, &who, NULL);
        g_assert_true (!other || g_bytes_get_size (other) == n);
    }
    g_assert_cmpuint (told_apart, >, 1000);
}

static void
assert_refused (const char *text, const char *why)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspYaml) doc = rsp_yaml_parse (text, -1, "t.yaml", &error);
    g_assert_no_error (error);
    g_autoptr (GBytes) der = rsp_saip_encode (doc, &error);
    g_assert_null (der);
    g_assert_nonnull (error);
    if (!strstr (error->message, why))
        g_error ("%s: %s", why, error->message);
}

static void
test_tree_refusals (void)
{
    assert_refused ("elements: 1", "t.yaml:1:11: elements is missing or no list");
    assert_refused ("elements: [1]", "an element is");
    assert_refused ("elements: [{mf: 1}]", "a map of the element's components");
    assert_refused ("elements: [{nf: {}}]", "unknown element");
    assert_refused ("elements: [{mf: {raw: \"00\", identification: 1}}]", "raw stands for all");
    assert_refused ("elements: [{raw: \"0\"}]", "octets in hex");
    assert_refused ("elements: [{mf: {ef-imsi: []}}]", "unknown key");
    assert_refused ("elements: [{mf: {ef-pl: [{}]}}]", "exactly one alternative");
    assert_refused ("elements: [{mf: {ef-pl: [{doNotCreate: 3}]}}]", "true or false");
    assert_refused ("elements: [{mf: {templateID: \"2\"}}]", "an object identifier");
    assert_refused ("elements: [{pinCodes: {pinCodes: {pinconfig: 1}}}]", "a list");
    assert_refused ("elements: [{header: {eUICC-Mandatory-services: [fly]}}]", "unknown service");
}

static void
test_personal (void)
{
    g_autoptr (RspProfilePackage) p = build_good (minimal);
    g_autoptr (GError) error = NULL;
    char imsi[16];
    g_assert_true (rsp_saip_imsi_of (p->upp, imsi));
    g_assert_cmpstr (imsi, ==, "001010000000002");
    RspSaipPersonal who = {.imsi = "00101000000123", .codes = {"4711"}};
    g_autoptr (GBytes) own = rsp_saip_personalise (p->upp, &who, &error);
    g_assert_no_error (error);
    g_assert_true (rsp_saip_imsi_of (own, imsi));
    g_assert_cmpstr (imsi, ==, "00101000000123");
    assert_file (own, RSP_SAIP_USIM, 0x6F78, "0008");
    who.key = RSP_SLICE (imsi, 3);
    g_autoptr (GBytes) none = rsp_saip_personalise (p->upp, &who, &error);
    g_assert_null (none);
    g_assert_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/saip/tree/anything", test_tree_of_anything);
    g_test_add_func ("/saip/tree/refusals", test_tree_refusals);
    g_test_add_func ("/saip/personal", test_personal);
    g_test_add_func ("/saip/tables", test_tables);
    g_test_add_func ("/saip/tables/consistent", test_tables_consistent);
    g_test_add_func ("/saip/fill", test_fill);
    g_test_add_func ("/saip/fill/template", test_fill_template);
    g_test_add_func ("/saip/fill/bounds", test_fill_bounds);
    g_test_add_func ("/saip/build", test_build);
    g_test_add_func ("/saip/build/overrides", test_build_overrides);
    g_test_add_func ("/saip/build/bad", test_bad_descriptions);
    g_test_add_func ("/saip/iccid", test_with_iccid);
    g_test_add_func ("/saip/check/order", test_check_order);
    g_test_add_func ("/saip/check/values", test_check_values);
    g_test_add_func ("/saip/truncation", test_truncation);
    g_test_add_func ("/saip/mutation", test_mutation);
    g_test_add_func ("/saip/ts48", test_ts48);
    return g_test_run ();
}
