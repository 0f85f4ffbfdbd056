#include "sim/run/commands.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sim/core/bytes.h"
#include "sim/run/trace-view.h"

typedef void (*Writer) (const RspTraceView *view, const RspTraceLook *look, GString *out);

static const struct {
    const char *name;
    Writer writer; /* NULL: not supported */
    gboolean bodies;
} formats[] = {
    {"text", rsp_trace_write_text, FALSE},
    {"mermaid", rsp_trace_write_mermaid, FALSE},
    {"html", rsp_trace_write_html, TRUE},
    {"pcapng", NULL, FALSE},
};

static int
bad_usage (const char *message)
{
    g_autofree char *shown = rsp_escape_text (message, -1, 400);
    fprintf (stderr,
             "rspsim trace: %s\n"
             "usage: rspsim trace FILE [--format text|mermaid|html] [-o OUT] [--filter GLOB]"
             " [--from-step N] [--explain]\n"
             "       rspsim trace diff A B\n",
             shown);
    return 2;
}

static int
format_index (const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
        if (g_str_equal (formats[i].name, name))
            return (int)i;
    return -1;
}

static gboolean
write_result (const char *path, const GString *text)
{
    g_autofree char *name = rsp_escape_text (path ? path : "standard output", -1, 400);
    FILE *file = path ? fopen (path, "we") : stdout;
    gboolean good = file && fwrite (text->str, 1, text->len, file) == text->len;

    if (good)
        good = fflush (file) == 0;
    if (!good)
        fprintf (stderr, "%s: %s\n", name, g_strerror (errno));
    if (file && path && fclose (file) != 0 && good) {
        fprintf (stderr, "%s: %s\n", name, g_strerror (errno));
        good = FALSE;
    }
    return good;
}

static int
render (const char *path, int format, const char *output, RspTraceLook *look)
{
    const char *no_colour = g_getenv ("NO_COLOR");
    g_autoptr (RspTraceView) view = NULL;
    GString *out;
    gboolean good;

    look->colour = !output && isatty (STDOUT_FILENO) && !(no_colour && *no_colour);
    view = rsp_trace_view_load (path, look, formats[format].bodies);
    if (!view)
        return 2;
    out = g_string_sized_new (65536);
    formats[format].writer (view, look, out);
    good = write_result (output, out);
    g_string_free (out, TRUE);
    return good ? 0 : 2;
}

int
rsp_cmd_trace (int argc, char **argv)
{
    g_autofree char *format = NULL, *output = NULL, *filter = NULL;
    RspTraceLook look = {0};
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, "text, mermaid or html", "FORMAT"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Write here", "OUT"},
        {"filter", 0, 0, G_OPTION_ARG_STRING, &filter,
         "Show only what matches: Interface.Function, or a kind (state, crypto, …)", "GLOB"},
        {"from-step", 0, 0, G_OPTION_ARG_INT, &look.from_step,
         "Leave out what was before the N-th step of the scenario", "N"},
        {"explain", 0, 0, G_OPTION_ARG_NONE, &look.explain, "Say what each message is for", NULL},
        {NULL},
    };
    g_autoptr (GOptionContext) context = g_option_context_new ("FILE | diff A B");
    g_autoptr (GError) error = NULL;
    int chosen;

    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error))
        return bad_usage (error->message);
    if (argc >= 2 && g_str_equal (argv[1], "diff") && argc != 2) {
        if (argc != 4)
            return bad_usage ("diff takes two files");
        return rsp_trace_diff (argv[2], argv[3]);
    }
    if (argc != 2)
        return bad_usage ("one FILE is wanted");
    chosen = format_index (format ? format : "text");
    if (chosen < 0)
        return bad_usage ("unknown format");
    if (!formats[chosen].writer) {
        fprintf (stderr, "not supported: %s\n", formats[chosen].name);
        return 2;
    }
    look.filter = filter;
    return render (argv[1], chosen, output, &look);
}
