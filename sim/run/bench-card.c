#include "sim/run/bench.h"

#include "components/euicc/euicc-pe.h"

#define INSTALLS 300
#define ROUNDS 41
#define READS 2000 /* a round */

static gint
compare (gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

static double
middle (gint64 *times, gsize n)
{
    qsort (times, n, sizeof *times, compare);
    return (double)times[n / 2];
}

static double
time_install (RspSlice upp)
{
    const RspInstallCard room = {.services = G_MAXUINT64, .memory = G_MAXUINT32};
    gint64 times[INSTALLS];
    for (guint i = 0; i < INSTALLS; i++) {
        gint64 start = rsp_stopwatch_us ();
        RspSlice rest = upp;
        g_autoptr (RspInstall) install = rsp_install_new (&room);
        g_assert (rsp_install_feed (install, &rest, TRUE) == RSP_SAIP_OK);
        times[i] = rsp_stopwatch_us () - start;
    }
    return middle (times, INSTALLS);
}

static gboolean
send (RspEuicc *card, const char *hex)
{
    g_autoptr (GBytes) command = rsp_unhex (hex);
    g_autoptr (GBytes) reply = rsp_euicc_transmit (card, rsp_slice_of (command));
    RspSlice r = rsp_slice_of (reply);
    return r.data[r.len - 2] == 0x90 || r.data[r.len - 2] == 0x61;
}

/* The downloaded profile is enabled, EF.IMSI of its USIM selected. */
static gboolean
select_imsi (RspEuicc *card)
{
    return send (card, "00A4040010A0000005591010FFFFFFFF8900000100") &&
           send (card, "80E2910014BF3111A00C5A0A988803030000010000F0810100") &&
           send (card, "00A4040C07A0000000871002") && send (card, "00A4000C026F07");
}

static double
time_reads (RspEuicc *card)
{
    static const guint8 read[] = {0x00, 0xB0, 0x00, 0x00, 0x09};
    gint64 times[ROUNDS];
    for (guint i = 0; i < ROUNDS; i++) {
        gint64 start = rsp_stopwatch_us ();
        for (guint j = 0; j < READS; j++)
            g_bytes_unref (rsp_euicc_transmit (card, RSP_SLICE_ARRAY (read)));
        times[i] = rsp_stopwatch_us () - start;
    }
    return middle (times, ROUNDS) / READS;
}

gboolean
rsp_bench_card (RspBenchCard *ret, GError **error)
{
    g_auto (RspBenchWorld) b = {0};
    const RspBenchOptions options = {0};
    gint64 us;
    if (!rsp_bench_world_start (&b, &options, error) || !rsp_bench_download (&b, 0, &us, error))
        return FALSE;
    RspEuicc *card = rsp_world_actor (b.world, "card")->euicc;
    const RspWorldPackage *package = b.world->packages->pdata[0];
    ret->profile_size = rsp_bench_profile_size (&b);
    ret->install_us = time_install (rsp_slice_of (package->package->upp));
    if (!select_imsi (card) || !send (card, "00B0000009")) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "the card gives no EF.IMSI");
        return FALSE;
    }
    ret->read_us = time_reads (card);
    return TRUE;
}
