/* `faults:` of a scenario to what the bus applies. */
#pragma once

#include "sim/net/fault.h"
#include "sim/run/scenario.h"

gboolean rsp_scenario_faults (const RspScenario *scenario, RspFaults *faults, GError **error);
/* Where the fault NAME is declared. */
const RspYaml *rsp_fault_node (const RspScenario *scenario, const char *name);
