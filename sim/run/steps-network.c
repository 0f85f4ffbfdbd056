/* Devices move, and coverage changes. */
#include "sim/run/network.h"
#include "sim/run/runner.h"

#include <string.h>

static gboolean
at_rest (gpointer data)
{
    return rsp_network_at_rest (((RspRun *)data)->world->network);
}

/* Until every device has attached, or given up. */
static gboolean
settle (RspRun *run, const RspYaml *step)
{
    return rsp_loop_run (run->loop, at_rest, run, run->limit) ||
           rsp_run_fail (run, step, "expected the devices to come to rest, got the end of the run");
}

void
rsp_step_device (RspRun *run, const RspYaml *step)
{
    const RspYaml *expect = rsp_yaml_get (step, "expect"), *move = rsp_yaml_get (step, "move");
    const char *device = rsp_yaml_get (step, "at")->text;
    gboolean wifi;
    if (move)
        rsp_network_move (run->world->network, device, move->text);
    if (rsp_yaml_get (step, "wifi")) {
        rsp_yaml_opt_bool (step, "wifi", &wifi, NULL);
        rsp_network_set_wifi (run->world->network, device, wifi);
    }
    if (settle (run, step) && expect)
        rsp_expect_device (run, expect, rsp_world_actor (run->world, device));
}

void
rsp_step_coverage (RspRun *run, const RspYaml *step)
{
    const char *place = rsp_yaml_get (step, "place")->text;
    const RspYaml *operators = rsp_yaml_get (step, "operators");
    gboolean wifi;
    if (operators)
        rsp_network_cover (run->world->network, place, operators);
    if (rsp_yaml_get (step, "wifi")) {
        rsp_yaml_opt_bool (step, "wifi", &wifi, NULL);
        rsp_network_place_wifi (run->world->network, place, wifi);
    }
    settle (run, step);
}

/* NODE (nullable): a number, or a duration. */
static gboolean
at_most (RspRun *run, const RspYaml *node, gint64 got)
{
    gint64 limit = got;
    if (node && node->text[strspn (node->text, "0123456789")] == 0)
        rsp_yaml_int (node, 0, G_MAXINT64, &limit, NULL);
    else if (node)
        rsp_yaml_duration (node, &limit, NULL);
    return got <= limit || rsp_run_fail (run, node, "expected %s at most %s, got %" G_GINT64_FORMAT,
                                         node->key, node->text, got);
}

gboolean
rsp_expect_device (RspRun *run, const RspYaml *want, const RspWorldActor *device)
{
    const RspLink *link = rsp_network_link (run->world->network, device->base.name);
    const RspYaml *traffic = rsp_yaml_get (want, "traffic");
    if (!rsp_run_match (run, rsp_yaml_get (want, "bearer"),
                        rsp_bearer_name (rsp_link_bearer (link))) ||
        !rsp_run_match (run, rsp_yaml_get (want, "network"), rsp_modem_network (device->modem)))
        return FALSE;
    const RspLinkUse *use = rsp_link_use (link);
    return !traffic || (at_most (run, rsp_yaml_get (traffic, "up"), (gint64)use->up) &&
                        at_most (run, rsp_yaml_get (traffic, "down"), (gint64)use->down) &&
                        at_most (run, rsp_yaml_get (traffic, "airtime"), use->airtime));
}
