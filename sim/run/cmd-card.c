/* One eUICC of a world for outside tools: APDUs as JSON objects, one a line, on standard input and
 * output (the "stdio" driver of LPAs on a PC), as the card in a virtual PC/SC reader (vpcd), or
 * behind a TCP port. */
#include "sim/run/cmd-card.h"

#include "sim/run/commands.h"
#include "sim/run/world.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 65536
#define MAX_APDU 600

typedef struct {
    gboolean stdio;
    char *vpcd, *tcp, *state;
    gint64 seed;
} Args;

static void
args_clear (Args *a)
{
    g_free (a->vpcd);
    g_free (a->tcp);
    g_free (a->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Args, args_clear)

typedef struct {
    RspLoop *loop;
    RspWorld *world;
    RspEuicc *card;
} Desk;

static void
desk_clear (Desk *d)
{
    g_clear_pointer (&d->world, rsp_world_free);
    g_clear_pointer (&d->loop, rsp_loop_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Desk, desk_clear)

static gboolean
parse (int *argc, char ***argv, Args *a)
{
    const GOptionEntry entries[] = {
        {"stdio", 0, 0, G_OPTION_ARG_NONE, &a->stdio, "APDUs as JSON lines on standard input",
         NULL},
        {"vpcd", 0, 0, G_OPTION_ARG_STRING, &a->vpcd, "be the card in a virtual reader",
         "HOST:PORT"},
        {"tcp", 0, 0, G_OPTION_ARG_STRING, &a->tcp, "listen for the reader", "HOST:PORT"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &a->state, "keep the card's memory", "DIR"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &a->seed, "deterministic instead of system randomness",
         "N"},
        {NULL}};
    g_autoptr (GOptionContext) context =
        g_option_context_new ("WORLD EUICC - one eUICC for outside tools");
    g_autoptr (GError) error = NULL;
    g_option_context_add_main_entries (context, entries, NULL);
    gboolean read = g_option_context_parse (context, argc, argv, &error);
    if (read && *argc == 3 && a->stdio + (a->vpcd != NULL) + (a->tcp != NULL) == 1)
        return TRUE;
    fprintf (stderr, "rspsim card: %s\n",
             error ? error->message
                   : "usage: rspsim card WORLD EUICC --stdio | --vpcd HOST:PORT | --tcp HOST:PORT");
    return FALSE;
}

static gboolean
start (Desk *d, const RspScenario *scenario, const char *name, const Args *a, GError **error)
{
    d->loop = rsp_loop_new (RSP_CLOCK_REAL, 0);
    RspWorldOptions options = {
        .loop = d->loop, .state_dir = a->state, .seed = a->seed, .system_random = a->seed < 0};
    d->world = rsp_world_new (scenario, &options, error);
    if (!d->world || !rsp_world_begin (d->world, error))
        return FALSE;
    RspWorldActor *actor = rsp_world_actor (d->world, name);
    if (!actor || actor->role != RSP_ACTOR_EUICC) {
        g_autofree char *shown = rsp_escape_text (name, -1, 64);
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     "%s: no euicc \"%s\" in this world", scenario->shown, shown);
        return FALSE;
    }
    d->card = actor->euicc;
    return TRUE;
}

/* --- What the driver asks --- */

static GBytes *
transmit (const Desk *d, const guint8 *apdu, gsize size)
{
    return rsp_euicc_transmit (d->card, RSP_SLICE (apdu, size));
}

/* Octets from the hex text of a request. */
static GBytes *
octets (const json_t *param)
{
    const char *hex = json_string_value (param);
    GBytes *bytes = hex && strlen (hex) <= 2 * MAX_APDU ? rsp_unhex (hex) : NULL;
    return bytes;
}

/* A channel with the application AID selected on it; -1 if there is none. */
static int
open_channel (const Desk *d, RspSlice aid)
{
    static const guint8 manage[] = {0x00, 0x70, 0x00, 0x00, 0x01};
    guint8 select[5 + 16] = {0x00, 0xA4, 0x04, 0x00};
    if (aid.len < 5 || aid.len > 16)
        return -1;
    g_autoptr (GBytes) opened = transmit (d, manage, sizeof manage);
    RspSlice r = rsp_slice_of (opened);
    if (r.len != 3 || r.data[1] != 0x90)
        return -1;
    guint8 channel = r.data[0];
    select[0] = (guint8)(channel < 4 ? channel : 0x40 | (channel - 4));
    select[4] = (guint8)aid.len;
    memcpy (select + 5, aid.data, aid.len);
    g_autoptr (GBytes) selected = transmit (d, select, 5 + aid.len);
    r = rsp_slice_of (selected);
    if (r.data[r.len - 2] == 0x61 || r.data[r.len - 2] == 0x90)
        return channel;
    g_autoptr (GBytes) closed = transmit (d, (const guint8[]){0x00, 0x70, 0x80, channel, 0x00}, 5);
    return -1;
}

static int
close_channel (const Desk *d, const json_t *param)
{
    guint8 channel = (guint8)json_integer_value (param);
    g_autoptr (GBytes) bytes = octets (param);
    if (bytes && g_bytes_get_size (bytes) == 1)
        channel = ((const guint8 *)g_bytes_get_data (bytes, NULL))[0];
    g_autoptr (GBytes) reply = transmit (d, (const guint8[]){0x00, 0x70, 0x80, channel, 0x00}, 5);
    return ((const guint8 *)g_bytes_get_data (reply, NULL))[0] == 0x90 ? 0 : -1;
}

static void
answer (int code, GBytes *data)
{
    g_autofree char *hex = data ? rsp_hex (rsp_slice_of (data)) : NULL;
    json_t *object =
        json_pack ("{s:s, s:{s:i, s:s?}}", "type", "apdu", "payload", "ecode", code, "data", hex);
    char *text = json_dumps (object, JSON_COMPACT);
    puts (text);
    fflush (stdout);
    free (text);
    json_decref (object);
}

static void
serve_request (const Desk *d, const char *func, const json_t *param)
{
    g_autoptr (GBytes) data = NULL;
    if (strcmp (func, "transmit") == 0) {
        g_autoptr (GBytes) apdu = octets (param);
        if (apdu)
            data = rsp_euicc_transmit (d->card, rsp_slice_of (apdu));
        answer (data ? 0 : -1, data);
    } else if (strcmp (func, "logic_channel_open") == 0) {
        g_autoptr (GBytes) aid = octets (param);
        answer (open_channel (d, rsp_slice_of (aid)), NULL);
    } else if (strcmp (func, "logic_channel_close") == 0) {
        answer (close_channel (d, param), NULL);
    } else if (strcmp (func, "connect") == 0) {
        rsp_euicc_reset (d->card);
        answer (0, NULL);
    } else {
        answer (strcmp (func, "disconnect") == 0 ? 0 : -1, NULL);
    }
}

/* Lines of other types are for somebody else. */
static void
serve_line (const Desk *d, const char *line, gsize size)
{
    json_t *object = json_loadb (line, size, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value (json_object_get (object, "type"));
    const json_t *payload = json_object_get (object, "payload");
    const char *func = json_string_value (json_object_get (payload, "func"));
    if (type && strcmp (type, "apdu") == 0)
        serve_request (d, func ? func : "", json_object_get (payload, "param"));
    json_decref (object);
}

/* Reads to the end of input. A line too long is dropped whole. */
static void
serve_stdio (const Desk *d)
{
    g_autoptr (GString) line = g_string_new (NULL);
    gboolean too_long = FALSE;
    for (int c = getchar (); c != EOF; c = getchar ()) {
        if (c != '\n') {
            too_long = too_long || line->len >= MAX_LINE;
            if (!too_long)
                g_string_append_c (line, (char)c);
            continue;
        }
        if (!too_long && line->len > 0)
            serve_line (d, line->str, line->len);
        g_string_truncate (line, 0);
        too_long = FALSE;
    }
}

int
rsp_cmd_card (int argc, char **argv)
{
    g_auto (Args) a = {.seed = -1};
    g_auto (Desk) d = {0};
    g_autoptr (GError) error = NULL;
    if (!parse (&argc, &argv, &a))
        return 2;
    g_autoptr (RspScenario) scenario = rsp_scenario_load_world (argv[1], &error);
    if (!scenario || !start (&d, scenario, argv[2], &a, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return 2;
    }
    if (a.stdio) {
        serve_stdio (&d);
        return 0;
    }
    if (a.vpcd ? rsp_card_join_reader (d.card, a.vpcd, &error)
               : rsp_card_listen (d.card, a.tcp, &error))
        return 0;
    fprintf (stderr, "%s\n", error->message);
    return 1;
}
