/* A scenario file, read, checked and with its world merged. Also reads world files. */
#pragma once

#include "sim/core/yaml.h"

typedef struct {
    char *name;  /* NULL for a world file */
    char *shown; /* path relative to what the user gave: `step` in traces, positions in messages */
    GBytes *digest;                         /* SHA-256 of the file, 32 octets */
    RspYaml *doc;                           /* owns everything below */
    RspYaml *world;                         /* merged, owned */
    const RspYaml *faults, *steps, *expect; /* (nullable) */
    gint64 until;                           /* µs, -1: none */
    gboolean forgiving; /* `judge: invariants`: what steps and `expect` want is no condition */
    GPtrArray *roots;   /* of char *: folders below which paths of the file are found */
} RspScenario;

/* NULL with ERROR unset: a file without `scenario:` (a world or a fragment). */
RspScenario *rsp_scenario_load (const char *path, const char *shown, GError **error);
/* A world file or the world of a scenario. */
RspScenario *rsp_scenario_load_world (const char *path, GError **error);
void rsp_scenario_free (RspScenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspScenario, rsp_scenario_free)

/* Finds the file that NODE names: relative, no "..", below a root. (transfer full) */
char *rsp_scenario_find (const RspScenario *scenario, const RspYaml *node, GError **error);

/* All scenario files of PATHS (files, or folders searched for *.yaml), sorted, names checked for
 * uniqueness. FALSE with an error for each bad file already printed on standard error. */
gboolean rsp_scenarios_collect (char **paths, gint n, const char *filter,
                                GPtrArray **ret_scenarios);
