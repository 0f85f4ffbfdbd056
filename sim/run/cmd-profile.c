/* rspsim profile: build, check, print and compare profile packages. */
#include "sim/run/cmd-profile.h"

#include "asn1/saip-tree.h"
#include "sim/run/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE (4 * 1024 * 1024)
#define MAX_BATCH 1000000

static int
usage (void)
{
    fputs ("usage: rspsim profile build FILE.yaml [-o OUT.der] [--iccid DIGITS] [--imsi DIGITS]\n"
           "       rspsim profile build TEMPLATE --batch N -o DIR [--csv FILE] [--seed N]\n"
           "       rspsim profile check FILE...\n"
           "       rspsim profile show FILE [--yaml]\n"
           "       rspsim profile diff A B\n"
           "FILE is a description in YAML or a package in DER.\n",
           stderr);
    return 2;
}

void
rsp_profile_complain (const char *file, const GError *error)
{
    g_autofree char *text = rsp_escape_text (error->message, -1, 1000);
    gboolean placed = g_str_has_prefix (error->message, file);
    fprintf (stderr, "%s%s%s\n", placed ? "" : file, placed ? "" : ": ", text);
}

/* A package begins with the header's tag, which begins no text. */
RspProfilePackage *
rsp_profile_load (const char *file, const char *iccid, const char *imsi, GError **error)
{
    g_autofree char *data = NULL;
    gsize len;
    if (!g_file_get_contents (file, &data, &len, error))
        return NULL;
    if (len > MAX_FILE) {
        g_set_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_IO, "larger than %u octets", MAX_FILE);
        return NULL;
    }
    if (len && (guint8)data[0] == RSP_SAIP_HEADER) {
        g_autoptr (GBytes) der = g_bytes_new_take (g_steal_pointer (&data), len);
        return rsp_saip_from_der (der, error);
    }
    g_autoptr (RspYaml) doc = rsp_yaml_parse (data, (gssize)len, file, error);
    return doc ? rsp_saip_build (doc, iccid, imsi, error) : NULL;
}

static gboolean
write_out (const char *out, GBytes *upp)
{
    gsize len;
    const char *data = g_bytes_get_data (upp, &len);
    g_autoptr (GError) error = NULL;
    if (!out) {
        if (fwrite (data, 1, len, stdout) == len && fflush (stdout) == 0)
            return TRUE;
        perror ("standard output");
        return FALSE;
    }
    if (g_file_set_contents (out, data, (gssize)len, &error))
        return TRUE;
    rsp_profile_complain (out, error);
    return FALSE;
}

static int
build (int argc, char **argv)
{
    g_autofree char *out = NULL, *iccid = NULL, *imsi = NULL, *csv = NULL;
    gint64 batch = 0, seed = 1;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, "Where the package goes", "OUT.der"},
        {"iccid", 0, 0, G_OPTION_ARG_STRING, &iccid, "Instead of the description's", "DIGITS"},
        {"imsi", 0, 0, G_OPTION_ARG_STRING, &imsi, "Instead of the description's", "DIGITS"},
        {"batch", 0, 0, G_OPTION_ARG_INT64, &batch, "Build N profiles over a template", "N"},
        {"csv", 0, 0, G_OPTION_ARG_FILENAME, &csv, "Their subscribers", "FILE"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Of keys and codes (1)", "N"},
        {NULL}};
    g_autoptr (GOptionContext) context = g_option_context_new ("FILE.yaml");
    g_autoptr (GError) error = NULL;
    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return 2;
    }
    if (argc != 2)
        return usage ();
    if (batch < 0 || batch > MAX_BATCH || ((batch || csv) && !out)) {
        fprintf (stderr, "a batch is of 1 to %d profiles and goes to -o DIR\n", MAX_BATCH);
        return 2;
    }
    if (!out && isatty (STDOUT_FILENO)) {
        fputs ("a package is no text: give -o OUT.der\n", stderr);
        return 2;
    }
    g_autoptr (RspProfilePackage) package = rsp_profile_load (argv[1], iccid, imsi, &error);
    if (!package) {
        rsp_profile_complain (argv[1], error);
        return 2;
    }
    if (batch || csv)
        return rsp_profile_batch (argv[1], package, &(RspProfileBatch){batch, out, csv, seed});
    return write_out (out, package->upp) ? 0 : 2;
}

/* What FILE says, right or wrong: a broken package need not have a readable header. */
typedef struct {
    GBytes *upp;
    RspYaml *doc; /* NULL: a package in DER */
} Checked;

static void
checked_clear (Checked *c)
{
    g_clear_pointer (&c->upp, g_bytes_unref);
    g_clear_pointer (&c->doc, rsp_yaml_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Checked, checked_clear)

static gboolean
load_checked (const char *file, Checked *ret, GError **error)
{
    g_autofree char *data = NULL;
    gsize len = 0;
    if (!g_file_get_contents (file, &data, &len, error))
        return FALSE;
    if (len && (guint8)data[0] == RSP_SAIP_HEADER) {
        ret->upp = g_bytes_new_take (g_steal_pointer (&data), len);
        return TRUE;
    }
    ret->doc = rsp_yaml_parse (data, (gssize)len, file, error);
    if (!ret->doc)
        return FALSE;
    if (ret->doc->kind == RSP_YAML_MAP && rsp_yaml_get (ret->doc, "elements")) {
        ret->upp = rsp_saip_encode (ret->doc, error);
        return ret->upp != NULL;
    }
    g_autoptr (RspProfilePackage) package = rsp_saip_build (ret->doc, NULL, NULL, error);
    ret->upp = package ? g_bytes_ref (package->upp) : NULL;
    return package != NULL;
}

static void
print_violation (const char *file, const Checked *c, const RspSaipViolation *v)
{
    const RspYaml *at = c->doc ? rsp_saip_place (c->doc, v->offset, v->member) : NULL;
    if (at)
        fprintf (stderr, "%s:%u:%u: %s\n", file, at->key_line, at->key_column, v->text);
    else if (!c->doc)
        fprintf (stderr, "%s: octet %" G_GSIZE_FORMAT ": %s\n", file, v->offset, v->text);
    else
        fprintf (stderr, "%s: %s\n", file, v->text);
}

static gboolean
check_one (const char *file)
{
    g_autoptr (GError) error = NULL;
    g_auto (Checked) c = {0};
    if (!load_checked (file, &c, &error)) {
        rsp_profile_complain (file, error);
        return FALSE;
    }
    RspSlice upp = rsp_slice_of (c.upp);
    g_autoptr (GPtrArray) violations = rsp_saip_check (upp);
    for (guint i = 0; i < violations->len; i++)
        print_violation (file, &c, violations->pdata[i]);
    if (!violations->len) {
        g_autofree char *iccid = rsp_saip_iccid (upp);
        printf ("%s: good: ICCID %s, %" G_GSIZE_FORMAT " octets\n", file, iccid, upp.len);
    }
    return !violations->len;
}

static int
check (int argc, char **argv)
{
    int status = 0;
    if (argc < 2)
        return usage ();
    for (int i = 1; i < argc; i++)
        if (!check_one (argv[i]))
            status = 2;
    return status;
}

/* The package behind FILE as a tree of elements. */
static RspYaml *
load_tree (const char *file)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspProfilePackage) package = rsp_profile_load (file, NULL, NULL, &error);
    RspYaml *tree = package ? rsp_saip_tree (rsp_slice_of (package->upp), &error) : NULL;
    if (!tree)
        rsp_profile_complain (file, error);
    return tree;
}

static int
show_yaml (const char *file)
{
    g_autoptr (RspYaml) tree = load_tree (file);
    if (!tree)
        return 2;
    g_autofree char *text = rsp_saip_tree_text (tree);
    fputs (text, stdout);
    return 0;
}

static int
show (int argc, char **argv)
{
    g_autoptr (GError) error = NULL;
    if (argc == 3 && !strcmp (argv[1], "--yaml"))
        return show_yaml (argv[2]);
    if (argc == 3 && !strcmp (argv[2], "--yaml"))
        return show_yaml (argv[1]);
    if (argc != 2)
        return usage ();
    g_autoptr (RspProfilePackage) package = rsp_profile_load (argv[1], NULL, NULL, &error);
    g_autofree char *text = package ? rsp_saip_show (package->upp, &error) : NULL;
    if (!text) {
        rsp_profile_complain (argv[1], error);
        return 2;
    }
    fputs (text, stdout);
    return 0;
}

static int
diff (int argc, char **argv)
{
    if (argc != 3)
        return usage ();
    g_autoptr (RspYaml) a = load_tree (argv[1]);
    g_autoptr (RspYaml) b = a ? load_tree (argv[2]) : NULL;
    if (!b)
        return 2;
    g_autoptr (GPtrArray) lines = rsp_saip_tree_diff (a, b);
    for (guint i = 0; i < lines->len; i++)
        puts (lines->pdata[i]);
    return lines->len ? 1 : 0;
}

int
rsp_cmd_profile (int argc, char **argv)
{
    if (argc >= 2 && !strcmp (argv[1], "build"))
        return build (argc - 1, argv + 1);
    if (argc >= 2 && !strcmp (argv[1], "check"))
        return check (argc - 1, argv + 1);
    if (argc >= 2 && !strcmp (argv[1], "show"))
        return show (argc - 1, argv + 1);
    if (argc >= 2 && !strcmp (argv[1], "diff"))
        return diff (argc - 1, argv + 1);
    return usage ();
}
