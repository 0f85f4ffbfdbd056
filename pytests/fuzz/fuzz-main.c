/* Runs a fuzz target without a fuzzing engine: every file of the corpus as it is, then --runs N
 * deterministic mutations of them. An engine (make fuzz) brings its own main instead of this one.
 *
 * usage: fuzz-TARGET [--runs N] [--seed N] FILE|DIR… */
#include "pytests/fuzz/fuzz.h"

#include <string.h>

#define LARGEST 65536

static guint64 state;

static guint32
next (guint32 below)
{
    state =
        state * G_GUINT64_CONSTANT (6364136223846793005) + G_GUINT64_CONSTANT (1442695040888963407);
    return (guint32)((state >> 33) % below);
}

static void
add_file (GPtrArray *corpus, const char *path)
{
    char *data;
    gsize len;
    g_autoptr (GError) error = NULL;
    if (!g_file_get_contents (path, &data, &len, &error))
        g_error ("%s", error->message);
    g_ptr_array_add (corpus, g_bytes_new_take (data, len));
}

static int
by_name (gconstpointer a, gconstpointer b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

static void
add (GPtrArray *corpus, const char *path)
{
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
    const char *name;
    if (!dir) {
        add_file (corpus, path);
        return;
    }
    while ((name = g_dir_read_name (dir)))
        g_ptr_array_add (paths, g_build_filename (path, name, NULL));
    g_ptr_array_sort (paths, by_name);
    for (guint i = 0; i < paths->len; i++)
        add_file (corpus, paths->pdata[i]);
}

static void
splice (GByteArray *input, GBytes *other)
{
    gsize len;
    const guint8 *data = g_bytes_get_data (other, &len);
    guint cut = input->len ? next (input->len) : 0;
    gsize from = len ? next ((guint32)len) : 0;
    g_byte_array_set_size (input, cut);
    g_byte_array_append (input, data + from, (guint)MIN (len - from, LARGEST - cut));
}

static void
mutate (GByteArray *input, const GPtrArray *corpus)
{
    static const guint8 telling[] = {0x00, 0x7F, 0x80, 0x81, 0x82, 0x84,
                                     0xFF, 0xBF, 0x30, '"',  '{',  '\\'};
    guint at = input->len ? next (input->len) : 0;
    guint n = input->len ? 1 + next (MIN (input->len - at, 64)) : 0;
    switch (next (6)) {
    case 0:
        if (n)
            input->data[at] ^= (guint8)(1u << next (8));
        break;
    case 1:
        if (n)
            input->data[at] = telling[next (G_N_ELEMENTS (telling))];
        break;
    case 2:
        if (n)
            g_byte_array_remove_range (input, at, n);
        break;
    case 3:
        if (n && input->len + n < LARGEST) {
            g_autofree guint8 *copy = g_memdup2 (input->data + at, n);
            g_byte_array_append (input, copy, n);
            memmove (input->data + at + n, input->data + at, input->len - at - n);
            memcpy (input->data + at, copy, n);
        }
        break;
    case 4:
        if (n)
            input->data[at] = (guint8)next (256);
        break;
    default:
        splice (input, corpus->pdata[next (corpus->len)]);
    }
}

static void
run (const guint8 *data, gsize len)
{
    /* A copy of its own, so that a read beyond the end is seen. */
    g_autofree guint8 *copy = g_memdup2 (data, len);
    LLVMFuzzerTestOneInput (copy, len);
}

static void
run_mutations (const GPtrArray *corpus, gint64 runs)
{
    for (gint64 i = 0; i < runs; i++) {
        GBytes *start = corpus->pdata[next (corpus->len)];
        gsize len;
        const guint8 *data = g_bytes_get_data (start, &len);
        g_autoptr (GByteArray) input = g_byte_array_new ();
        g_byte_array_append (input, data, (guint)MIN (len, LARGEST));
        for (guint n = 1 + next (4); n > 0; n--)
            mutate (input, corpus);
        run (input->data, input->len);
    }
}

int
main (int argc, char **argv)
{
    gint64 runs = 0, seed = 1;
    g_autoptr (GError) error = NULL;
    const GOptionEntry entries[] = {
        {"runs", 0, 0, G_OPTION_ARG_INT64, &runs, "so many mutations after the corpus", "N"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of the mutations", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    g_autoptr (GOptionContext) context = g_option_context_new ("FILE|DIR…");
    g_autoptr (GPtrArray) corpus = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error))
        g_error ("%s", error->message);
    state = (guint64)seed;
    for (int i = 1; i < argc; i++)
        add (corpus, argv[i]);
    if (!corpus->len)
        g_error ("no corpus");
    for (guint i = 0; i < corpus->len; i++) {
        gsize len;
        const guint8 *data = g_bytes_get_data (corpus->pdata[i], &len);
        run (data, len);
    }
    run_mutations (corpus, runs);
    g_print ("%u inputs, %" G_GINT64_FORMAT " mutations\n", corpus->len, runs);
    return 0;
}
