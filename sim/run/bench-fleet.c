/* What a device costs where there are many: a card with one installed profile and its LPA, at rest.
 */
#include "sim/run/bench.h"

#include <glib/gstdio.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

/* Octets that the program has allocated and not freed. */
static gint64
heap (void)
{
    struct mallinfo2 info = mallinfo2 ();
    return (gint64)(info.uordblks + info.hblkhd);
}

static RspScenario *
load_world (guint n, GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *text = g_strdup_printf (
        "world:\n  seed: 1\n  start: \"2025-01-01T00:00:00Z\"\n  actors:\n"
        "    ci: {role: ci}\n    eum: {role: eum, certified-by: ci}\n"
        "    mno: {role: operator, certified-by: ci}\n"
        "    card: {role: euicc, count: %u, certified-by: eum,"
        " eid: \"89049032001234000000000000000141\"}\n"
        "    phone: {role: lpa, count: %u, euicc: card}\n"
        "    dp1:\n      role: smdpp\n      certified-by: ci\n      fqdn: dp1.example.com\n"
        "      profiles: [{iccid: \"8988303000000100000\", count: %u, type: fleet,\n"
        "                  package: profiles/consumer-test.yaml}]\n"
        "      orders: [{iccid: \"8988303000000100000\", count: %u, matchingId: "
        "FLEET-$(number)}]\n",
        n, n, n, n);
    int fd = g_file_open_tmp ("rspsim-bench-XXXXXX.yaml", &path, error);
    if (fd < 0)
        return NULL;
    close (fd);
    RspScenario *scenario =
        g_file_set_contents (path, text, -1, error) ? rsp_scenario_load_world (path, error) : NULL;
    g_unlink (path);
    return scenario;
}

typedef struct {
    guint left;
    char *why;
} Fleet;

static void
on_download (const RspLpaOutcome *o, gpointer data)
{
    Fleet *fleet = data;
    fleet->left--;
    if (!o->ok && !fleet->why)
        fleet->why = g_strdup_printf ("%s: %s", o->step ? o->step : "end",
                                      o->error ? o->error : "no reason");
}

static gboolean
all_done (gpointer data)
{
    return ((Fleet *)data)->left == 0;
}

/* Every phone downloads its profile, one after the other. */
static gboolean
download (const RspWorld *world, GError **error)
{
    g_autoptr (GPtrArray) phones = rsp_world_members (world, "phone");
    for (guint i = 0; i < phones->len; i++) {
        Fleet fleet = {.left = 1};
        g_autofree char *code = g_strdup_printf ("LPA:1$dp1.example.com$FLEET-%04u", i + 1);
        const RspLpaDownload d = {.activation_code = code};
        rsp_lpa_download (((RspWorldActor *)phones->pdata[i])->lpa, &d, on_download, &fleet);
        rsp_loop_run (world->options.loop, all_done, &fleet, -1);
        g_autofree char *why = fleet.why;
        if (fleet.left || why) {
            g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "download %u failed: %s", i + 1,
                         why ? why : "it came to no end");
            return FALSE;
        }
    }
    return TRUE;
}

/* What server and operator hold is no part of a device. */
static void
free_servers (RspWorld *world)
{
    rsp_operator_free (g_steal_pointer (&rsp_world_actor (world, "mno")->op));
    rsp_smdpp_free (g_steal_pointer (&rsp_world_actor (world, "dp1")->smdpp));
    g_ptr_array_set_size (world->packages, 0);
}

/* Octets that N devices hold with everything around them but the server; *RET_US: making the world,
 * and the downloads. */
static gboolean
measure (guint n, gint64 *ret_octets, gint64 ret_us[2], gsize *ret_profile, GError **error)
{
    g_auto (RspBenchWorld) b = {0};
    gint64 before = heap (), start = rsp_stopwatch_us ();
    b.scenario = load_world (n, error);
    if (!b.scenario)
        return FALSE;
    b.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, rsp_world_start (b.scenario));
    const RspWorldOptions world = {.loop = b.loop, .seed = -1};
    b.world = rsp_world_new (b.scenario, &world, error);
    if (!b.world || !rsp_world_begin (b.world, error))
        return FALSE;
    ret_us[0] = rsp_stopwatch_us () - start;
    *ret_profile = rsp_bench_profile_size (&b);
    if (!rsp_world_place_orders (b.world, error))
        return FALSE;
    start = rsp_stopwatch_us ();
    if (!download (b.world, error))
        return FALSE;
    ret_us[1] = rsp_stopwatch_us () - start;
    free_servers (b.world);
    *ret_octets = heap () - before;
    return TRUE;
}

gboolean
rsp_bench_fleet (guint n, RspBenchFleet *ret, GError **error)
{
    gint64 one, all, us[2];
    if (!measure (1, &one, us, &ret->profile_size, error) ||
        !measure (n + 1, &all, us, &ret->profile_size, error))
        return FALSE;
    ret->devices = n;
    ret->bytes = (double)(all - one) / n - (double)ret->profile_size;
    ret->start_us = (double)us[0] / (n + 1);
    ret->download_us = (double)us[1] / (n + 1);
    return TRUE;
}
