/* What the shapes cannot say: names that must be actors of the right role, reference cycles, keys
 * that belong together. Runs after the shapes, before anything is built. */
#pragma once

#include "sim/run/scenario.h"

gboolean rsp_semantics_check (const RspScenario *scenario, GError **error);
/* semantics-network.c: places and operators that are named are there; NODE names a device with
 * connectivity; a `device` or `coverage` step. */
gboolean rsp_semantics_check_network (const RspYaml *world, GError **error);
gboolean rsp_semantics_check_device (const RspYaml *world, const RspYaml *node, GError **error);
gboolean rsp_semantics_check_move (const RspYaml *world, const RspYaml *step, GError **error);
/* Role of the world's actor NAME, or NULL. */
const char *rsp_world_role (const RspYaml *world, const char *name);
