#include "sim/run/usage.h"

#include "sim/run/network.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *
link_usage (const RspWorldActor *device, const RspLink *link)
{
    const RspLinkUse *use = rsp_link_use (link);
    return json_pack ("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "device", device->base.name,
                      "link", rsp_link_model (link)->name, "up", (json_int_t)use->up, "down",
                      (json_int_t)use->down, "messages", (json_int_t)use->messages, "packets",
                      (json_int_t)use->packets, "lost", (json_int_t)use->lost,
                      "airtimeMicroseconds", (json_int_t)use->airtime);
}

/* How far an eIM's orders have come: packages in each state, and those that are not done. */
static json_t *
eim_usage (const RspWorldActor *a)
{
    json_t *states = json_object (), *not_done = json_array ();
    g_autoptr (GPtrArray) packages = rsp_eim_packages (a->eim);
    for (guint state = RSP_EIM_QUEUED; state <= RSP_EIM_EXPIRED; state++)
        json_object_set_new (states, rsp_eim_state_name (state),
                             json_integer (rsp_eim_count (a->eim, state)));
    for (guint i = 0; i < packages->len; i++) {
        const RspEimPackageView *v = packages->pdata[i];
        if (v->state != RSP_EIM_DONE)
            json_array_append_new (not_done,
                                   json_pack ("{s:I, s:s, s:s, s:s, s:s?}", "id", (json_int_t)v->id,
                                              "eid", v->eid, "kind", v->kind, "state",
                                              rsp_eim_state_name (v->state), "result", v->result));
    }
    return json_pack ("{s:s, s:o, s:o}", "eim", a->base.name, "packages", states, "notDone",
                      not_done);
}

char *
rsp_usage_json (const RspWorld *world)
{
    json_t *links = json_array (), *cards = json_array (), *eims = json_array ();
    for (guint i = 0; i < world->actors->len; i++) {
        const RspWorldActor *a = world->actors->pdata[i];
        const RspLink *link = a->modem ? rsp_network_link (world->network, a->base.name) : NULL;
        gint64 busy = a->role == RSP_ACTOR_EUICC ? rsp_euicc_busy (a->euicc) : 0;
        if (a->role == RSP_ACTOR_EIM && a->eim)
            json_array_append_new (eims, eim_usage (a));
        if (link)
            json_array_append_new (links, link_usage (a, link));
        if (busy)
            json_array_append_new (cards, json_pack ("{s:s, s:I}", "card", a->base.name,
                                                     "microseconds", (json_int_t)busy));
    }
    gboolean any = json_array_size (links) + json_array_size (cards) + json_array_size (eims) > 0;
    json_t *root = json_pack ("{s:o, s:o, s:o}", "links", links, "cards", cards, "eims", eims);
    char *text = any ? json_dumps (root, JSON_COMPACT) : NULL;
    char *copy = g_strdup (text);
    free (text);
    json_decref (root);
    return copy;
}
