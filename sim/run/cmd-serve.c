#include "sim/net/https.h"
#include "sim/run/facilities.h"
#include "sim/run/commands.h"
#include "sim/run/world-private.h"

#include <glib-unix.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *time, *trace, *state;
    gint64 seed;
    gint port;
} Args;

static void
args_clear (Args *a)
{
    g_free (a->time);
    g_free (a->trace);
    g_free (a->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Args, args_clear)

typedef struct {
    RspLoop *loop;
    RspTrace *trace;
    RspWorld *world;
    GPtrArray *doors, *manage_doors;
    GPtrArray *eims; /* of RspServedEim */
} Host;

static void
host_clear (Host *h)
{
    g_clear_pointer (&h->manage_doors, g_ptr_array_unref);
    g_clear_pointer (&h->eims, g_ptr_array_unref);
    g_clear_pointer (&h->doors, g_ptr_array_unref);
    g_clear_pointer (&h->world, rsp_world_free);
    g_clear_pointer (&h->trace, rsp_trace_free);
    g_clear_pointer (&h->loop, rsp_loop_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Host, host_clear)

static gboolean
parse (int *argc, char ***argv, Args *a)
{
    const GOptionEntry entries[] = {
        {"time", 0, 0, G_OPTION_ARG_STRING, &a->time, "real, or offset:DURATION later", "WHEN"},
        {"trace", 0, 0, G_OPTION_ARG_FILENAME, &a->trace, "write a trace", "FILE"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &a->state, "keep the servers' state", "DIR"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &a->seed, "deterministic instead of system randomness",
         "N"},
        {"port", 0, 0, G_OPTION_ARG_INT, &a->port,
         "of the first server without `port:`, the next ones after it; default: any free one", "N"},
        {NULL}};
    g_autoptr (GOptionContext) context = g_option_context_new ("WORLD - host a world on loopback");
    g_autoptr (GError) error = NULL;
    g_option_context_add_main_entries (context, entries, NULL);
    if (g_option_context_parse (context, argc, argv, &error) && *argc == 2 && a->port >= 0 &&
        a->port < 65536)
        return TRUE;
    fprintf (stderr, "rspsim serve: %s\n", error ? error->message : "usage: rspsim serve WORLD");
    return FALSE;
}

/* µs to add to the host's clock. */
static gboolean
read_offset (const char *text, gint64 *ret, GError **error)
{
    *ret = 0;
    if (!text || strcmp (text, "real") == 0)
        return TRUE;
    if (!g_str_has_prefix (text, "offset:")) {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     "--time is real or offset:DURATION");
        return FALSE;
    }
    g_autoptr (RspYaml) node = rsp_yaml_parse (text + 7, -1, "--time", error);
    return node && rsp_yaml_duration (node, ret, error);
}

/* What the servers of a role answer to from outside. */
typedef struct {
    RspActorRole role;
    const char *name;
    const char *const *interfaces; /* NULL-terminated */
    void (*add_address) (RspWorldActor *a, const char *address);
} Service;

static void
add_smdpp_address (RspWorldActor *a, const char *address)
{
    rsp_smdpp_add_address (a->smdpp, address);
}

static void
add_smds_address (RspWorldActor *a, const char *address)
{
    rsp_smds_add_address (a->smds, address);
}

static const char *const smdpp_interfaces[] = {"ES9+", "ES2+", NULL};
static const char *const smds_interfaces[] = {"ES11", "ES12", NULL};
static void
add_eim_address (RspWorldActor *a, const char *address)
{
    rsp_eim_add_address (a->eim, address);
}

static const char *const eim_interfaces[] = {"ESipa", NULL};
static const Service services[] = {
    {RSP_ACTOR_SMDPP, "smdpp", smdpp_interfaces, add_smdpp_address},
    {RSP_ACTOR_SMDS, "smds", smds_interfaces, add_smds_address},
    {RSP_ACTOR_EIM, "eim", eim_interfaces, add_eim_address},
};

static const Service *
service_of (const RspWorldActor *a)
{
    for (guint i = 0; i < G_N_ELEMENTS (services); i++)
        if (services[i].role == a->role)
            return &services[i];
    return NULL;
}

/* "dp1.example.com:443" is written without its port. */
static void
add_addresses (const Service *service, RspWorldActor *a, const char *fqdn, guint port)
{
    g_autofree char *host = g_strndup (fqdn, strcspn (fqdn, ":"));
    const char *hosts[] = {"127.0.0.1", "localhost", host};
    for (guint i = 0; i < G_N_ELEMENTS (hosts); i++) {
        g_autofree char *address = g_strdup_printf ("%s:%u", hosts[i], port);
        service->add_address (a, address);
    }
}

static json_t *
describe (const Service *service, const RspWorldActor *a, const char *fqdn, guint port)
{
    json_t *interfaces = json_array ();
    for (guint i = 0; service->interfaces[i]; i++)
        json_array_append_new (interfaces, json_string (service->interfaces[i]));
    g_autofree char *address = g_strdup_printf ("127.0.0.1:%u", port);
    g_autofree char *url = g_strconcat ("https://", address, NULL);
    return json_pack ("{s:s, s:s, s:o, s:s, s:s, s:s}", "actor", a->base.name, "role",
                      service->name, "interfaces", interfaces, "url", url, "address", address,
                      "fqdn", fqdn);
}

/* (transfer full) */
static char *
management_token (const RspWorldActor *a)
{
    const char *given = rsp_world_text (a->yaml, "management-token", NULL);
    g_autoptr (RspRng) rng = rsp_actor_rng (&a->base, "management token");
    guint8 octets[16];
    rsp_rng_fill (rng, octets, sizeof octets);
    return given ? g_strdup (given) : rsp_hex (RSP_SLICE_ARRAY (octets));
}

/* An eIM answers in plain HTTP as well: on private links to devices TLS is often left to the link.
 */
static gboolean
open_plain (Host *h, RspWorldActor *a, const char *fqdn, json_t *description, GError **error)
{
    guint port = 0;
    RspDoor *door = rsp_door_open (h->world->bus, h->loop, a->base.name, NULL, 0, &port, error);
    if (!door)
        return FALSE;
    g_ptr_array_add (h->doors, door);
    add_addresses (service_of (a), a, fqdn, port);
    g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", port);
    json_object_set_new (description, "plainUrl", json_string (url));
    return TRUE;
}

/* The API of another eIM, where the world asks for it. */
static gboolean
open_facilities (Host *h, RspServedEim *served, json_t *description, GError **error)
{
    const RspYaml *wanted = rsp_yaml_get (served->actor->yaml, "facilities");
    guint port = wanted ? (guint)rsp_world_number (wanted, "port", 0) : 0;
    if (!wanted)
        return TRUE;
    const char *token = rsp_world_text (wanted, "token", NULL);
    g_autoptr (GError) failure = NULL;
    RspManageDoor *door =
        rsp_manage_door_open (NULL, token, port, rsp_manage_facilities, served, &port, &failure);
    if (!door) {
        g_set_error (error, failure->domain, failure->code, "%s: facilities: port %u: %s",
                     served->actor->base.name, port, failure->message);
        return FALSE;
    }
    g_ptr_array_add (h->manage_doors, door);
    g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", port);
    json_object_set_new (description, "facilities",
                         json_pack ("{s:s, s:s*}", "url", url, "token", token));
    return TRUE;
}

/* The managing side of an eIM, whose ESipa is at ESIPA_PORT, told of in its DESCRIPTION. */
static gboolean
open_management (Host *h, RspWorldActor *a, guint esipa_port, json_t *description, GError **error)
{
    guint port = 0;
    g_autofree char *token = management_token (a);
    RspServedEim *served = g_new0 (RspServedEim, 1);
    *served = (RspServedEim){h->world, a, esipa_port};
    g_ptr_array_add (h->eims, served);
    RspManageDoor *door =
        rsp_manage_door_open (&a->tls, token, 0, rsp_manage_eim, served, &port, error);
    if (!door)
        return FALSE;
    g_ptr_array_add (h->manage_doors, door);
    g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u", port);
    json_object_set_new (description, "management",
                         json_pack ("{s:s, s:s}", "url", url, "token", token));
    return open_facilities (h, served, description, error);
}

static gboolean
open_door (Host *h, const Service *service, RspWorldActor *a, guint port, json_t *list,
           GError **error)
{
    g_autoptr (GError) failure = NULL;
    guint bound = 0;
    const char *fqdn = rsp_yaml_get (a->yaml, "fqdn")->text;
    RspDoor *door =
        rsp_door_open (h->world->bus, h->loop, a->base.name, &a->tls, port, &bound, &failure);
    if (!door) {
        g_set_error (error, failure->domain, failure->code, "%s: port %u: %s", a->base.name, port,
                     failure->message);
        return FALSE;
    }
    g_ptr_array_add (h->doors, door);
    add_addresses (service, a, fqdn, bound);
    json_t *description = describe (service, a, fqdn, bound);
    json_array_append_new (list, description);
    return a->role != RSP_ACTOR_EIM || (open_plain (h, a, fqdn, description, error) &&
                                        open_management (h, a, bound, description, error));
}

/* The world's own `port:` first, then --port and those after it, else any. */
static gboolean
open_doors (Host *h, guint port, json_t *list, GError **error)
{
    for (guint i = 0; i < h->world->actors->len; i++) {
        RspWorldActor *a = h->world->actors->pdata[i];
        const Service *service = service_of (a);
        gint64 own = service ? rsp_world_number (a->yaml, "port", 0) : 0;
        if (!service)
            continue;
        if (!open_door (h, service, a, own ? (guint)own : port, list, error))
            return FALSE;
        if (!own && port)
            port++;
    }
    return TRUE;
}

static gboolean
stop (gpointer loop)
{
    rsp_loop_quit (loop);
    return G_SOURCE_REMOVE;
}

static void
watch_signal (Host *h, int signal)
{
    g_autoptr (GSource) source = g_unix_signal_source_new (signal);
    g_source_set_callback (source, stop, h->loop, NULL);
    g_source_attach (source, rsp_loop_context (h->loop));
}

static gboolean
start (Host *h, const RspScenario *scenario, const Args *a, GError **error)
{
    gint64 offset = 0;
    if (!read_offset (a->time, &offset, error))
        return FALSE;
    h->loop = rsp_loop_new (RSP_CLOCK_REAL, 0);
    rsp_loop_step_wall (h->loop, offset);
    h->doors = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_door_close);
    h->manage_doors = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_manage_door_close);
    h->eims = g_ptr_array_new_with_free_func (g_free);
    h->trace = rsp_trace_new (h->loop, a->trace, (RspTraceOptions){.bodies = TRUE}, error);
    if (!h->trace)
        return FALSE;
    RspWorldOptions options = {.loop = h->loop,
                               .trace = h->trace,
                               .state_dir = a->state,
                               .seed = a->seed,
                               .system_random = a->seed < 0,
                               .tls_from = rsp_loop_wall (h->loop) / G_USEC_PER_SEC};
    h->world = rsp_world_new (scenario, &options, error);
    if (!h->world || !rsp_world_begin (h->world, error))
        return FALSE;
    rsp_bus_set_latency (h->world->bus, 0, 0, 0);
    return rsp_world_place_orders (h->world, error);
}

int
rsp_cmd_serve (int argc, char **argv)
{
    g_auto (Args) a = {.seed = -1};
    g_auto (Host) h = {0};
    g_autoptr (GError) error = NULL;
    if (!parse (&argc, &argv, &a))
        return 2;
    g_autoptr (RspScenario) scenario = rsp_scenario_load_world (argv[1], &error);
    json_t *list = json_array ();
    json_t *ready = json_pack ("{s:o}", "endpoints", list);
    if (!scenario || !start (&h, scenario, &a, &error) ||
        !open_doors (&h, (guint)a.port, list, &error)) {
        fprintf (stderr, "%s\n", error->message);
        json_decref (ready);
        return 2;
    }
    watch_signal (&h, SIGINT);
    watch_signal (&h, SIGTERM);
    char *text = json_dumps (ready, JSON_COMPACT);
    puts (text);
    fflush (stdout);
    free (text);
    json_decref (ready);
    rsp_loop_run (h.loop, NULL, NULL, -1);
    if (!rsp_trace_close (h.trace, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return 1;
    }
    return 0;
}
