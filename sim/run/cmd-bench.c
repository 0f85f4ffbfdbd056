/* rspsim bench: what this machine does, as ratios where they travel better than times. */
#include "sim/run/bench.h"
#include "sim/run/commands.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES 10
#define FLOORS_PER_BATCH 24
#define HTTPS_BATCHES 2
#define STARTS 9

/* Children of the start measurement get this for a name. */
#define PROBE "first-message"

static const char *const names[] = {"crypto-floor", "download", "https", "start",
                                    "card",         "fleet",    NULL};

typedef struct {
    GArray *floor, *plain, *traced; /* of gint64, µs */
    gsize profile_size;
    RspKeyCounts needed, made; /* of one floor, of one download */
} Measured;

static void
measured_clear (Measured *m)
{
    g_array_unref (m->floor);
    g_array_unref (m->plain);
    g_array_unref (m->traced);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Measured, measured_clear)

static gint
compare_times (gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

/* A busy machine makes single times longer, never shorter; the middle one bears that best. */
static double
median (GArray *times)
{
    g_array_sort (times, compare_times);
    return (double)g_array_index (times, gint64, times->len / 2);
}

static RspKeyCounts
counts_since (RspKeyCounts before)
{
    RspKeyCounts now = rsp_key_counts ();
    return (RspKeyCounts){now.signatures - before.signatures,
                          now.verifications - before.verifications,
                          now.generations - before.generations, now.agreements - before.agreements};
}

static gboolean
download_batch (RspBenchWorld *b, GArray *times, RspKeyCounts *ret_counts, GError **error)
{
    for (guint i = 0; i < RSP_BENCH_DOWNLOADS; i++) {
        gint64 us;
        RspKeyCounts before = rsp_key_counts ();
        if (!rsp_bench_download (b, i, &us, error))
            return FALSE;
        /* The first one also opens connections that stay. */
        if (i > 0)
            g_array_append_val (times, us);
        *ret_counts = counts_since (before);
    }
    return TRUE;
}

static void
floor_batch (const RspBenchWorld *b, Measured *m)
{
    g_autoptr (RspBenchFloor) floor = rsp_bench_floor_new (b->world, m->profile_size);
    for (guint i = 0; i < FLOORS_PER_BATCH; i++) {
        RspKeyCounts before = rsp_key_counts ();
        gint64 start = rsp_stopwatch_us ();
        rsp_bench_floor_run (floor);
        gint64 us = rsp_stopwatch_us () - start;
        g_array_append_val (m->floor, us);
        m->needed = counts_since (before);
    }
}

static gboolean
traced_batch (Measured *m, GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp ("rspsim-bench-XXXXXX.jsonl", &path, error);
    if (fd < 0)
        return FALSE;
    g_close (fd, NULL);
    g_auto (RspBenchWorld) b = {0};
    const RspBenchOptions options = {.trace = path};
    RspKeyCounts counts;
    gboolean good = rsp_bench_world_start (&b, &options, error) &&
                    download_batch (&b, m->traced, &counts, error) &&
                    rsp_trace_close (b.trace, error);
    g_unlink (path);
    return good;
}

/* The three take turns, so that a change of the machine's pace meets them alike. */
static gboolean
measure_memory (Measured *m, gboolean downloads, GError **error)
{
    for (guint i = 0; i < BATCHES; i++) {
        g_auto (RspBenchWorld) b = {0};
        const RspBenchOptions options = {0};
        if (!rsp_bench_world_start (&b, &options, error))
            return FALSE;
        m->profile_size = rsp_bench_profile_size (&b);
        floor_batch (&b, m);
        if (downloads &&
            (!download_batch (&b, m->plain, &m->made, error) || !traced_batch (m, error)))
            return FALSE;
    }
    return TRUE;
}

static json_t *
counts_json (const RspKeyCounts *c)
{
    return json_pack ("{s:I, s:I, s:I, s:I}", "signatures", (json_int_t)c->signatures,
                      "verifications", (json_int_t)c->verifications, "key_generations",
                      (json_int_t)c->generations, "key_agreements", (json_int_t)c->agreements);
}

static json_t *
rounded (double value, double step)
{
    return json_real ((double)(gint64)(value / step + 0.5) * step);
}

static json_t *
floor_json (Measured *m)
{
    json_t *list = json_array ();
    for (guint i = 0; rsp_bench_floor_operations[i]; i++)
        json_array_append_new (list, json_string (rsp_bench_floor_operations[i]));
    return json_pack ("{s:o, s:I, s:o, s:o}", "us", rounded (median (m->floor), 1), "profile_bytes",
                      (json_int_t)m->profile_size, "counts", counts_json (&m->needed), "operations",
                      list);
}

static json_t *
download_json (Measured *m)
{
    double floor = median (m->floor), plain = median (m->plain), traced = median (m->traced);
    return json_pack ("{s:o, s:o, s:o, s:o, s:I, s:o}", "us", rounded (plain, 1), "floor_ratio",
                      rounded (plain / floor, 0.001), "trace_us", rounded (traced, 1),
                      "trace_ratio", rounded (traced / plain, 0.001), "profile_bytes",
                      (json_int_t)m->profile_size, "counts", counts_json (&m->made));
}

static gboolean
measure_https (json_t *out, GError **error)
{
    g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
    for (guint i = 0; i < HTTPS_BATCHES; i++) {
        g_auto (RspBenchWorld) b = {0};
        const RspBenchOptions options = {.https = TRUE};
        RspKeyCounts counts;
        if (!rsp_bench_world_start (&b, &options, error) ||
            !download_batch (&b, times, &counts, error))
            return FALSE;
    }
    json_object_set_new (out, "https", json_pack ("{s:o}", "us", rounded (median (times), 1)));
    return TRUE;
}

/* From the start of a process of its own to the LPA's first message, its end included. */
static gboolean
measure_start (json_t *out, GError **error)
{
    g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
    g_autofree char *program = g_file_read_link ("/proc/self/exe", error);
    if (!program)
        return FALSE;
    char *argv[] = {program, (char *)"bench", (char *)PROBE, NULL};
    for (guint i = 0; i < STARTS; i++) {
        gint status = 0;
        gint64 before = rsp_stopwatch_us ();
        if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status,
                           error) ||
            !g_spawn_check_wait_status (status, error))
            return FALSE;
        gint64 us = rsp_stopwatch_us () - before;
        g_array_append_val (times, us);
    }
    double ms = median (times) / 1000;
    json_object_set_new (out, "start", json_pack ("{s:o}", "ms", rounded (ms, 0.01)));
    return TRUE;
}

static gboolean
measure_card (json_t *out, GError **error)
{
    RspBenchCard card;
    if (!rsp_bench_card (&card, error))
        return FALSE;
    json_object_set_new (
        out, "card",
        json_pack ("{s:o, s:o, s:I}", "read_binary_us", rounded (card.read_us, 0.001), "install_us",
                   rounded (card.install_us, 1), "profile_bytes", (json_int_t)card.profile_size));
    return TRUE;
}

static gboolean
measure_fleet (json_t *out, guint devices, GError **error)
{
    RspBenchFleet fleet;
    if (!rsp_bench_fleet (devices, &fleet, error))
        return FALSE;
    json_object_set_new (out, "fleet",
                         json_pack ("{s:I, s:o, s:o, s:o, s:I}", "devices",
                                    (json_int_t)fleet.devices, "bytes", rounded (fleet.bytes, 1),
                                    "start_us", rounded (fleet.start_us, 0.1), "download_us",
                                    rounded (fleet.download_us, 1), "profile_bytes",
                                    (json_int_t)fleet.profile_size));
    return TRUE;
}

static gboolean
wanted (const char *only, const char *name)
{
    return !only || strcmp (only, name) == 0;
}

static gboolean
measure_floor_and_download (json_t *out, const char *only, GError **error)
{
    g_auto (Measured) m = {.floor = g_array_new (FALSE, FALSE, sizeof (gint64)),
                           .plain = g_array_new (FALSE, FALSE, sizeof (gint64)),
                           .traced = g_array_new (FALSE, FALSE, sizeof (gint64))};
    gboolean download = wanted (only, "download");
    if (!measure_memory (&m, download, error))
        return FALSE;
    if (wanted (only, "crypto-floor"))
        json_object_set_new (out, "crypto-floor", floor_json (&m));
    if (download)
        json_object_set_new (out, "download", download_json (&m));
    return TRUE;
}

static int
fail (const char *message, int status)
{
    g_autofree char *shown = rsp_escape_text (message, -1, 1000);
    fprintf (stderr, "rspsim bench: %s\n", shown);
    return status;
}

/* One that fails does not hide what the others found. */
static int
measure (json_t *out, const char *only, guint devices)
{
    g_autoptr (GError) memory = NULL, https = NULL, start = NULL, card = NULL, fleet = NULL;
    int status = 0;
    if ((wanted (only, "crypto-floor") || wanted (only, "download")) &&
        !measure_floor_and_download (out, only, &memory))
        status = fail (memory->message, 1);
    if (wanted (only, "https") && !measure_https (out, &https))
        status = fail (https->message, 1);
    if (wanted (only, "start") && !measure_start (out, &start))
        status = fail (start->message, 1);
    if (wanted (only, "card") && !measure_card (out, &card))
        status = fail (card->message, 1);
    if (wanted (only, "fleet") && !measure_fleet (out, devices, &fleet))
        status = fail (fleet->message, 1);
    return status;
}

static double
number (json_t *object, const char *key)
{
    return json_number_value (json_object_get (object, key));
}

static void
print_counts (json_t *object)
{
    json_t *c = json_object_get (object, "counts");
    printf ("              %.0f signatures, %.0f verifications, %.0f key generations, %.0f key "
            "agreements\n",
            number (c, "signatures"), number (c, "verifications"), number (c, "key_generations"),
            number (c, "key_agreements"));
}

static void
print_text (json_t *out)
{
    json_t *floor = json_object_get (out, "crypto-floor"), *https = json_object_get (out, "https");
    json_t *download = json_object_get (out, "download"), *start = json_object_get (out, "start");
    json_t *card = json_object_get (out, "card"), *fleet = json_object_get (out, "fleet");
    if (floor) {
        printf ("crypto-floor  %.0f us a download; profile package of %.0f octets\n",
                number (floor, "us"), number (floor, "profile_bytes"));
        print_counts (floor);
        for (guint i = 0; rsp_bench_floor_operations[i]; i++)
            printf ("              %s\n", rsp_bench_floor_operations[i]);
    }
    if (download) {
        printf (
            "download      %.0f us, %.3f x crypto-floor; with a trace %.0f us, %.3f x without\n",
            number (download, "us"), number (download, "floor_ratio"),
            number (download, "trace_us"), number (download, "trace_ratio"));
        print_counts (download);
    }
    if (https)
        printf ("https         %.0f us a download over loopback TLS\n", number (https, "us"));
    if (start)
        printf ("start         %.2f ms from process start to the first message\n",
                number (start, "ms"));
    if (card)
        printf ("card          %.3f us a READ BINARY; %.0f us to install a profile package of %.0f "
                "octets\n",
                number (card, "read_binary_us"), number (card, "install_us"),
                number (card, "profile_bytes"));
    if (fleet)
        printf ("fleet         %.0f devices: %.0f octets each at rest, beyond a profile package of "
                "%.0f;\n              %.1f us to make one, %.0f us for its download\n",
                number (fleet, "devices"), number (fleet, "bytes"), number (fleet, "profile_bytes"),
                number (fleet, "start_us"), number (fleet, "download_us"));
}

static int
refuse_name (const char *name)
{
    const char *close = rsp_suggest (name, names);
    g_autofree char *text =
        close ? g_strdup_printf ("no benchmark \"%s\"; did you mean \"%s\"?", name, close)
              : g_strdup_printf (
                    "no benchmark \"%s\": crypto-floor, download, https, start, card, fleet", name);
    return fail (text, 2);
}

int
rsp_cmd_bench (int argc, char **argv)
{
    gboolean json = FALSE;
    gint devices = 100;
    const GOptionEntry entries[] = {
        {"devices", 0, 0, G_OPTION_ARG_INT, &devices, "of fleet; default 100", "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "one JSON object", NULL},
        {NULL}};
    g_autoptr (GOptionContext) context = g_option_context_new ("[NAME] - measure on this machine");
    g_autoptr (GError) error = NULL;
    g_option_context_set_description (context,
                                      "Names: crypto-floor, download, https, start, card, fleet\n");
    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error))
        return fail (error->message, 2);
    if (argc > 2)
        return fail ("usage: rspsim bench [NAME] [--json]", 2);
    if (devices < 1 || devices > 9999)
        return fail ("--devices: 1 to 9999", 2);
    const char *only = argc == 2 ? argv[1] : NULL;
    if (only && strcmp (only, PROBE) == 0)
        return rsp_bench_first_message (&error) ? 0 : fail (error ? error->message : "silence", 1);
    if (only && !g_strv_contains (names, only))
        return refuse_name (only);
    json_t *out = json_object ();
    int status = measure (out, only, (guint)devices);
    if (json) {
        char *text = json_dumps (out, JSON_REAL_PRECISION (6));
        printf ("%s\n", text);
        free (text);
    } else {
        print_text (out);
    }
    json_decref (out);
    return status;
}
