/* rspsim profile: build, check and show profile packages. */
#include "sim/run/commands.h"

#include "asn1/saip.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE (4 * 1024 * 1024)

static int
usage (void)
{
    fputs ("usage: rspsim profile build FILE.yaml [-o OUT.der] [--iccid DIGITS] [--imsi DIGITS]\n"
           "       rspsim profile check FILE...\n"
           "       rspsim profile show FILE\n"
           "FILE is a description in YAML or a package in DER.\n",
           stderr);
    return 2;
}

static void
complain (const char *file, const GError *error)
{
    g_autofree char *text = rsp_escape_text (error->message, -1, 1000);
    gboolean placed = g_str_has_prefix (error->message, file);
    fprintf (stderr, "%s%s%s\n", placed ? "" : file, placed ? "" : ": ", text);
}

/* A package begins with the header's tag, which begins no text. */
static RspProfilePackage *
load (const char *file, const char *iccid, const char *imsi, GError **error)
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
    complain (out, error);
    return FALSE;
}

static int
build (int argc, char **argv)
{
    g_autofree char *out = NULL, *iccid = NULL, *imsi = NULL;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, "Where the package goes", "OUT.der"},
        {"iccid", 0, 0, G_OPTION_ARG_STRING, &iccid, "Instead of the description's", "DIGITS"},
        {"imsi", 0, 0, G_OPTION_ARG_STRING, &imsi, "Instead of the description's", "DIGITS"},
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
    if (!out && isatty (STDOUT_FILENO)) {
        fputs ("a package is no text: give -o OUT.der\n", stderr);
        return 2;
    }
    g_autoptr (RspProfilePackage) package = load (argv[1], iccid, imsi, &error);
    if (!package) {
        complain (argv[1], error);
        return 2;
    }
    return write_out (out, package->upp) ? 0 : 2;
}

static gboolean
check_one (const char *file)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *data = NULL;
    g_autoptr (RspProfilePackage) package = NULL;
    gsize len = 0;
    /* A broken package is checked as it is: it need not have a readable header. */
    if (!g_file_get_contents (file, &data, &len, &error)) {
        complain (file, error);
        return FALSE;
    }
    RspSlice upp = RSP_SLICE (data, len);
    if (!len || (guint8)data[0] != RSP_SAIP_HEADER) {
        package = load (file, NULL, NULL, &error);
        if (!package) {
            complain (file, error);
            return FALSE;
        }
        upp = rsp_slice_of (package->upp);
    }
    g_autoptr (GPtrArray) violations = rsp_saip_check (upp);
    for (guint i = 0; i < violations->len; i++)
        fprintf (stderr, "%s: %s\n", file, (const char *)violations->pdata[i]);
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

static int
show (int argc, char **argv)
{
    g_autoptr (GError) error = NULL;
    if (argc != 2)
        return usage ();
    g_autoptr (RspProfilePackage) package = load (argv[1], NULL, NULL, &error);
    g_autofree char *text = package ? rsp_saip_show (package->upp, &error) : NULL;
    if (!text) {
        complain (argv[1], error);
        return 2;
    }
    fputs (text, stdout);
    return 0;
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
    return usage ();
}
