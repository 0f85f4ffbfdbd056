#include "sim/run/commands.h"

#include <stdio.h>
#include <string.h>

#include "asn1/decode.h"

#define LARGEST_INPUT (8u << 20) /* hex of the largest message */

static GBytes *
read_input (const char *path, GError **error)
{
    FILE *file = path ? fopen (path, "rb") : stdin;
    if (!file) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot be read: %s",
                     g_strerror (errno));
        return NULL;
    }
    g_autoptr (GByteArray) all = g_byte_array_new ();
    guint8 block[65536];
    gsize n;
    while (all->len <= LARGEST_INPUT && (n = fread (block, 1, sizeof block, file)) > 0)
        g_byte_array_append (all, block, (guint)n);
    gboolean bad = ferror (file) != 0;
    if (path)
        fclose (file);
    if (bad || all->len > LARGEST_INPUT) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s",
                     bad ? "cannot be read" : "is over 8 MiB");
        return NULL;
    }
    return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static char *
decode_file (const char *path, const char *type, gboolean as_json, GError **error)
{
    g_autoptr (GBytes) text = read_input (path, error);
    if (!text)
        return NULL;
    g_autoptr (GBytes) octets = rsp_decode_input (rsp_slice_of (text), error);
    return octets ? rsp_decode (rsp_slice_of (octets), type, as_json, error) : NULL;
}

int
rsp_cmd_decode (int argc, char **argv)
{
    g_autofree char *type = NULL;
    gboolean as_json = FALSE;
    GOptionEntry entries[] = {
        {"type", 0, 0, G_OPTION_ARG_STRING, &type, "ASN.1 type of the message", "NAME"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
        {NULL},
    };
    g_autoptr (GOptionContext) context = g_option_context_new ("[FILE]");
    g_option_context_add_main_entries (context, entries, NULL);
    g_autoptr (GError) error = NULL;
    if (!g_option_context_parse (context, &argc, &argv, &error)) {
        fprintf (stderr, "rspsim decode: %s\n", error->message);
        return 2;
    }
    if (argc > 2) {
        fprintf (stderr, "rspsim decode: one FILE at most\n");
        return 2;
    }
    const char *path = argc == 2 && strcmp (argv[1], "-") != 0 ? argv[1] : NULL;
    g_autofree char *text = decode_file (path, type, as_json, &error);
    if (!text) {
        fprintf (stderr, "rspsim decode: %s: %s\n", path ? path : "standard input", error->message);
        return 2;
    }
    fputs (text, stdout);
    return 0;
}
