#include "sim/run/runner.h"

#include <string.h>

static gboolean
check_event (RspRun *run, const RspYaml *want, const RspEventView *v)
{
    const RspYaml *forwarded = rsp_yaml_get (want, "forwarded");
    return rsp_run_match (run, rsp_yaml_get (want, "eventId"), v->event_id) &&
           rsp_run_match (run, rsp_yaml_get (want, "eid"), v->eid) &&
           rsp_run_match (run, rsp_yaml_get (want, "rspServerAddress"), v->address) &&
           rsp_run_match (run, rsp_yaml_get (want, "owner"), v->owner) &&
           rsp_run_match (run, forwarded, v->forwarded ? "true" : "false");
}

gboolean
rsp_expect_events (RspRun *run, const RspYaml *want, const RspWorldActor *server)
{
    g_autoptr (GPtrArray) views = rsp_smds_events (server->smds);
    if (views->len != want->items->len)
        return rsp_run_fail (run, want, "expected %u events at %s, got %u", want->items->len,
                             server->base.name, views->len);
    for (guint i = 0; i < views->len; i++)
        if (!check_event (run, want->items->pdata[i], views->pdata[i]))
            return FALSE;
    return TRUE;
}
