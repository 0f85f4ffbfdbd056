#include "sim/run/network.h"

#include <string.h>

#define SEARCH (2 * G_USEC_PER_SEC) /* from a reset to the first request */
#define RETRY (10 * G_USEC_PER_SEC) /* T3411 of 3GPP TS 24.301 10.2 */
#define ATTEMPTS_MAX 5              /* the attempt counter's limit, 5.5.1.2.6 */

typedef struct {
    char *name;
    gboolean wifi;
    GPtrArray *operators; /* of interned names, the first is tried first */
} Place;

typedef struct {
    RspNetwork *network;
    RspWorldActor *actor;
    Place *place; /* NULL: covered by whoever admits it, everywhere */
    gboolean wifi;
    RspLink *link;
    guint next;                /* operator to try */
    guint attempts;            /* that failed for want of an answer */
    guint64 event;             /* of the next attempt; 0: none */
    gboolean under_way, stale; /* STALE: something has changed since the attempt began */
} Device;

struct _RspNetwork {
    RspWorld *world;
    GHashTable *places;  /* name → Place */
    GPtrArray *devices;  /* of Device */
    GHashTable *by_name; /* the same by name */
};

/* --- Bearers --- */

static gboolean
covers (const Place *place, const char *operator)
{
    return operator&& g_ptr_array_find (place->operators, operator, NULL);
}

/* Wi-Fi is preferred where there is any. */
static RspBearer
bearer_of (const Device *d)
{
    if (!d->place)
        return RSP_BEARER_CELLULAR;
    if (d->wifi && d->place->wifi)
        return RSP_BEARER_WIFI;
    return covers (d->place, rsp_modem_network (d->actor->modem)) ? RSP_BEARER_CELLULAR
                                                                  : RSP_BEARER_NONE;
}

static void
update (Device *d)
{
    RspBearer before = rsp_link_bearer (d->link), now = bearer_of (d);
    if (before == now)
        return;
    rsp_link_set_bearer (d->link, now);
    rsp_actor_state (&d->actor->base, "bearer", rsp_bearer_name (before), rsp_bearer_name (now));
}

/* --- Attaching --- */

static void schedule (Device *d, gint64 delay);

static gboolean
is_temporary (const char *result)
{
    return strcmp (result, "no-answer") == 0 || strcmp (result, "link") == 0;
}

static void
on_attached (const RspModemOutcome *o, gpointer data)
{
    Device *d = data;
    d->under_way = FALSE;
    if (d->stale) {
        rsp_modem_detach (d->actor->modem);
        schedule (d, SEARCH);
    } else if (strcmp (o->result, "attached") == 0) {
        d->attempts = 0;
    } else if (o->identity && !is_temporary (o->result)) {
        /* Refused here: the next network in reach. */
        d->next++;
        schedule (d, 0);
    } else if (is_temporary (o->result) && ++d->attempts < ATTEMPTS_MAX) {
        schedule (d, RETRY);
    }
    update (d);
}

static void
attach (gpointer data)
{
    Device *d = data;
    d->event = 0;
    if (d->next >= d->place->operators->len)
        return;
    const char *operator= g_ptr_array_index (d->place->operators, d->next);
    RspModemCell cell = {.operator= operator,
                         .plmn = rsp_world_plmn (rsp_world_actor (d->network->world, operator))};
    d->stale = FALSE;
    /* A step of the scenario may be at it; what it brings about counts as well. */
    if (rsp_modem_attach (d->actor->modem, &cell, RSP_MODEM_BY_USIM, on_attached, d))
        d->under_way = TRUE;
    else
        schedule (d, SEARCH);
}

static void
schedule (Device *d, gint64 delay)
{
    RspLoop *loop = d->network->world->options.loop;
    rsp_loop_cancel (loop, d->event);
    d->event = 0;
    if (d->place && d->next < d->place->operators->len)
        d->event = rsp_loop_after (loop, delay, attach, d, NULL);
}

/* The device looks for a network anew. */
static void
renew (Device *d)
{
    d->next = d->attempts = 0;
    d->stale = d->under_way;
    rsp_modem_detach (d->actor->modem);
    if (!d->under_way)
        schedule (d, SEARCH);
    update (d);
}

static void
on_card_changed (gpointer data)
{
    renew (data);
}

/* --- Changes --- */

static Device *
find_device (const RspNetwork *network, const char *name)
{
    return g_hash_table_lookup (network->by_name, name);
}

/* A device keeps its network as long as it reaches it. */
static void
reconsider (Device *d)
{
    if (d->place && covers (d->place, rsp_modem_network (d->actor->modem)))
        update (d);
    else
        renew (d);
}

void
rsp_network_move (RspNetwork *network, const char *device, const char *place)
{
    Device *d = find_device (network, device);
    Place *to = g_hash_table_lookup (network->places, place);
    g_return_if_fail (d && to);
    rsp_actor_state (&d->actor->base, "place", d->place ? d->place->name : "anywhere", place);
    d->place = to;
    reconsider (d);
}

void
rsp_network_set_wifi (RspNetwork *network, const char *device, gboolean wifi)
{
    Device *d = find_device (network, device);
    g_return_if_fail (d);
    d->wifi = wifi;
    update (d);
}

static void
set_operators (Place *place, const RspYaml *list)
{
    g_ptr_array_set_size (place->operators, 0);
    for (guint i = 0; list && i < list->items->len; i++)
        g_ptr_array_add (place->operators,
                         (gpointer)rsp_intern (((RspYaml *)list->items->pdata[i])->text));
}

void
rsp_network_cover (RspNetwork *network, const char *place, const RspYaml *list)
{
    Place *p = g_hash_table_lookup (network->places, place);
    g_return_if_fail (p);
    set_operators (p, list);
    for (guint i = 0; i < network->devices->len; i++)
        if (((Device *)network->devices->pdata[i])->place == p)
            reconsider (network->devices->pdata[i]);
}

void
rsp_network_place_wifi (RspNetwork *network, const char *place, gboolean wifi)
{
    Place *p = g_hash_table_lookup (network->places, place);
    g_return_if_fail (p);
    p->wifi = wifi;
    for (guint i = 0; i < network->devices->len; i++)
        update (network->devices->pdata[i]);
}

void
rsp_network_refresh (RspNetwork *network)
{
    for (guint i = 0; i < network->devices->len; i++)
        update (network->devices->pdata[i]);
}

/* --- Views --- */

gboolean
rsp_network_at_rest (const RspNetwork *network)
{
    for (guint i = 0; i < network->devices->len; i++) {
        const Device *d = network->devices->pdata[i];
        if (d->event || d->under_way)
            return FALSE;
    }
    return TRUE;
}

RspLink *
rsp_network_link (const RspNetwork *network, const char *device)
{
    const Device *d = find_device (network, device);
    return d ? d->link : NULL;
}

/* --- Life --- */

static void
place_free (gpointer data)
{
    Place *p = data;
    g_free (p->name);
    g_ptr_array_unref (p->operators);
    g_free (p);
}

static void
device_free (gpointer data)
{
    Device *d = data;
    RspWorld *w = d->network->world;
    RspWorldActor *card = rsp_world_actor (w, rsp_yaml_get (d->actor->yaml, "euicc")->text);
    rsp_loop_cancel (w->options.loop, d->event);
    if (card)
        rsp_euicc_on_change (card->euicc, NULL, NULL);
    rsp_bus_set_link (w->bus, d->actor->base.name, NULL);
    rsp_link_free (d->link);
    g_free (d);
}

static void
add_places (RspNetwork *network, const RspYaml *places)
{
    for (guint i = 0; places && i < places->items->len; i++) {
        const RspYaml *yaml = places->items->pdata[i];
        Place *p = g_new0 (Place, 1);
        p->name = g_strdup (yaml->key);
        p->operators = g_ptr_array_new ();
        rsp_yaml_opt_bool (yaml, "wifi", &p->wifi, NULL);
        set_operators (p, rsp_yaml_get (yaml, "coverage"));
        g_hash_table_insert (network->places, p->name, p);
    }
}

static void
add_device (RspNetwork *network, RspWorldActor *a, const RspYaml *yaml)
{
    RspWorld *w = network->world;
    const RspYaml *place = rsp_yaml_get (yaml, "place");
    RspLinkModel model;
    Device *d = g_new0 (Device, 1);
    rsp_world_link_model (w, yaml, &model);
    d->network = network;
    d->actor = a;
    d->place = place ? g_hash_table_lookup (network->places, place->text) : NULL;
    d->wifi = TRUE;
    rsp_yaml_opt_bool (yaml, "wifi", &d->wifi, NULL);
    d->link = rsp_link_new (&model, rsp_actor_rng (&a->base, "link"));
    rsp_link_set_bearer (d->link, bearer_of (d));
    rsp_bus_set_link (w->bus, a->base.name, d->link);
    RspWorldActor *card = rsp_world_actor (w, rsp_yaml_get (a->yaml, "euicc")->text);
    rsp_euicc_on_change (card->euicc, on_card_changed, d);
    g_ptr_array_add (network->devices, d);
    g_hash_table_insert (network->by_name, (gpointer)a->base.name, d);
    schedule (d, SEARCH);
}

RspNetwork *
rsp_network_new (RspWorld *world)
{
    RspNetwork *network = g_new0 (RspNetwork, 1);
    const RspYaml *yaml = rsp_yaml_get (world->scenario->world, "network");
    network->world = world;
    network->places = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, place_free);
    network->by_name = g_hash_table_new (g_str_hash, g_str_equal);
    network->devices = g_ptr_array_new_with_free_func (device_free);
    add_places (network, yaml ? rsp_yaml_get (yaml, "places") : NULL);
    for (guint i = 0; i < world->actors->len; i++) {
        RspWorldActor *a = world->actors->pdata[i];
        const RspYaml *connectivity = rsp_yaml_get (a->yaml, "connectivity");
        if (a->modem && (connectivity || world->options.link))
            add_device (network, a, connectivity);
    }
    return network;
}

void
rsp_network_free (RspNetwork *network)
{
    if (!network)
        return;
    g_ptr_array_unref (network->devices);
    g_hash_table_unref (network->by_name);
    g_hash_table_unref (network->places);
    g_free (network);
}
