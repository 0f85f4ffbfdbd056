/* The device attaches to an operator's network. */
#include "sim/run/language.h"
#include "sim/run/network.h"
#include "sim/run/runner.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
} Pending;

static const RspYaml *
wanted (const RspYaml *step, const char *key)
{
    const RspYaml *expect = rsp_yaml_get (step, "expect");
    return expect ? rsp_yaml_get (expect, key) : NULL;
}

static void
on_attached (const RspModemOutcome *o, gpointer data)
{
    Pending *p = data;
    RspRun *run = p->run;
    const RspYaml *result = wanted (p->step, "result");
    run->step_done = TRUE;
    rsp_network_refresh (run->world->network);
    if (!result && strcmp (o->result, "attached") != 0) {
        rsp_run_fail (run, p->step, "expected attached, got %s", o->result);
        return;
    }
    (void)(rsp_run_match (run, result, o->result) &&
           rsp_run_match (run, wanted (p->step, "identity"), o->identity) &&
           rsp_run_match (run, wanted (p->step, "system"),
                          o->system == RSP_NAS_5GS ? "5gs" : "eps") &&
           rsp_run_match_number (run, wanted (p->step, "cause"), o->cause) &&
           rsp_run_match (run, wanted (p->step, "resynchronised"),
                          o->resynchronised ? "true" : "false"));
}

static RspModemSystem
system_of (const RspYaml *step)
{
    const RspYaml *node = rsp_yaml_get (step, "system");
    if (!node)
        return RSP_MODEM_BY_USIM;
    return strcmp (node->text, "eps") == 0 ? RSP_MODEM_EPS : RSP_MODEM_5GS;
}

void
rsp_step_attach (RspRun *run, const RspYaml *step)
{
    Pending pending = {.run = run, .step = step};
    const RspWorldActor *phone = rsp_world_actor (run->world, rsp_yaml_get (step, "at")->text);
    const RspWorldActor *op = rsp_world_actor (run->world, rsp_yaml_get (step, "to")->text);
    RspModemCell cell = {.operator= op->base.name, .plmn = rsp_world_plmn (op)};
    if (rsp_modem_attach (phone->modem, &cell, system_of (step), on_attached, &pending))
        rsp_run_wait (run, step);
    else
        rsp_run_fail (run, step, "expected the device to be free, got an attach under way");
}
