/* What the benchmarks share: a world with many ordered profiles, and the floor that its downloads
 * are measured against. */
#pragma once

#include "sim/run/world.h"

#define RSP_BENCH_DOWNLOADS 16

typedef struct {
    RspScenario *scenario;
    RspLoop *loop;
    RspTrace *trace; /* (nullable) */
    RspWorld *world;
} RspBenchWorld;

typedef struct {
    gboolean https;
    const char *trace; /* file, or NULL */
} RspBenchOptions;

/* One SM-DP+ with RSP_BENCH_DOWNLOADS released orders, one card, one LPA. */
gboolean rsp_bench_world_start (RspBenchWorld *b, const RspBenchOptions *options, GError **error);
void rsp_bench_world_stop (RspBenchWorld *b);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RspBenchWorld, rsp_bench_world_stop)
gsize rsp_bench_profile_size (const RspBenchWorld *b); /* octets of one profile package */
/* One download from activation code to acknowledged notification; *RET_US is what it took. */
gboolean rsp_bench_download (RspBenchWorld *b, guint index, gint64 *ret_us, GError **error);
/* Runs until the LPA sends its first message. */
gboolean rsp_bench_first_message (GError **error);

/* The card alone: medians of a READ BINARY of nine octets, and of the installation of the world's
 * profile package from its elements to a file system. */
typedef struct {
    double read_us, install_us;
    gsize profile_size;
} RspBenchCard;
gboolean rsp_bench_card (RspBenchCard *ret, GError **error);

/* Many devices, each a card and its LPA, in one world: what one of them costs. */
typedef struct {
    guint devices;
    double bytes; /* held at rest with one profile installed, beyond the profile package's own */
    double start_us, download_us; /* to make it, certificates included; to download its profile */
    gsize profile_size;
} RspBenchFleet;
gboolean rsp_bench_fleet (guint devices, RspBenchFleet *ret, GError **error);

/* The operations of one download and nothing else, with the world's own keys and certificates. */
typedef struct _RspBenchFloor RspBenchFloor;
RspBenchFloor *rsp_bench_floor_new (const RspWorld *world, gsize profile_size);
void rsp_bench_floor_free (RspBenchFloor *floor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspBenchFloor, rsp_bench_floor_free)
void rsp_bench_floor_run (RspBenchFloor *floor);
extern const char *const rsp_bench_floor_operations[]; /* NULL-terminated */
