#include "sim/run/desk.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#define CARD "card"
#define MAX_ROOTS 1000
#define MAX_TIMEOUT 3600 /* s */

/* --- what servers are trusted by ---------------------------------------------------------------
 */

static gboolean
add_root (GPtrArray *roots, GTlsCertificate *certificate, const char *path, GError **error)
{
    g_autoptr (GByteArray) der = NULL;
    g_object_get (certificate, "certificate", &der, NULL);
    g_autoptr (GBytes) octets = g_bytes_new (der->data, der->len);
    RspCert *cert = rsp_cert_parse (octets, error);
    if (!cert) {
        g_prefix_error (error, "%s: ", path);
        return FALSE;
    }
    g_ptr_array_add (roots, cert);
    return TRUE;
}

/* One DER certificate, or any number in PEM. */
static gboolean
read_roots (GPtrArray *roots, const char *path, GError **error)
{
    GList *list = g_tls_certificate_list_new_from_file (path, error);
    if (!list && !*error) { /* no PEM inside */
        GTlsCertificate *single = g_tls_certificate_new_from_file (path, error);
        list = single ? g_list_append (NULL, single) : NULL;
    }
    gboolean ok = list != NULL;
    if (!ok)
        g_prefix_error (error, "%s: ", path);
    for (GList *l = list; ok && l; l = l->next)
        ok = add_root (roots, l->data, path, error);
    g_list_free_full (list, g_object_unref);
    return ok;
}

static gboolean
is_certificate_file (const char *name)
{
    return g_str_has_suffix (name, ".pem") || g_str_has_suffix (name, ".der") ||
           g_str_has_suffix (name, ".crt") || g_str_has_suffix (name, ".cer");
}

/* Of a folder: what has a certificate's suffix and is a CA. */
static gboolean
read_root_folder (GPtrArray *roots, const char *folder, GError **error)
{
    g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
    if (!dir)
        return FALSE;
    for (const char *name; roots->len < MAX_ROOTS && (name = g_dir_read_name (dir));) {
        g_autofree char *path = g_build_filename (folder, name, NULL);
        g_autoptr (GError) ignored = NULL;
        if (is_certificate_file (name))
            read_roots (roots, path, &ignored);
    }
    for (guint i = roots->len; i > 0; i--)
        if (rsp_cert_role (roots->pdata[i - 1]) != RSP_ROLE_CI)
            g_ptr_array_remove_index (roots, i - 1);
    return TRUE;
}

static gboolean
add_roots (RspDesk *d, GError **error)
{
    for (char **path = d->args->ca; path && *path; path++) {
        gboolean folder = g_file_test (*path, G_FILE_TEST_IS_DIR);
        if (!(folder ? read_root_folder : read_roots) (d->roots, *path, error))
            return FALSE;
    }
    if (d->args->ca && d->roots->len == 0) {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "no CI certificate in %s",
                     d->args->ca[0]);
        return FALSE;
    }
    return TRUE;
}

/* --- cards -------------------------------------------------------------------------------------
 */

static gboolean
no_such_card (GError **error, const char *text)
{
    g_autofree char *shown = rsp_escape_text (text ? text : "", -1, 120);
    g_set_error (
        error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--card is stdio:COMMAND, tcp:HOST:PORT, vpcd:HOST:PORT or sim:WORLD:EUICC, not \"%s\"",
        shown);
    return FALSE;
}

static void
open_bus (RspDesk *d)
{
    d->own_bus = d->bus = rsp_bus_new (d->loop, d->trace, NULL);
    d->card = g_strdup (CARD);
}

static gboolean
open_process (RspDesk *d, const char *command, GError **error)
{
    open_bus (d);
    d->process = rsp_card_process_new (d->bus, d->loop, CARD, command, error);
    if (d->process)
        d->link = rsp_apdu_link_new (d->bus, CARD, 0);
    return d->process != NULL;
}

static gboolean
open_reader (RspDesk *d, const char *place, gboolean waits, GError **error)
{
    open_bus (d);
    d->reader = rsp_card_reader_new (d->bus, d->loop, CARD, place, waits, error);
    if (d->reader)
        d->link = rsp_apdu_link_new (d->bus, CARD, 0);
    return d->reader != NULL;
}

static gboolean
open_world (RspDesk *d, const char *text, GError **error)
{
    const char *colon = strrchr (text, ':');
    if (!colon || colon == text || !colon[1])
        return no_such_card (error, text);
    g_autofree char *path = g_strndup (text, (gsize)(colon - text));
    d->card = g_strdup (colon + 1);
    d->scenario = rsp_scenario_load_world (path, error);
    if (!d->scenario)
        return FALSE;
    RspWorldOptions options = {.loop = d->loop,
                               .trace = d->trace,
                               .state_dir = d->args->state,
                               .seed = d->args->seed,
                               .system_random = d->args->seed < 0,
                               .only = d->card};
    d->world = rsp_world_new (d->scenario, &options, error);
    if (!d->world || !rsp_world_begin (d->world, error))
        return FALSE;
    d->bus = d->world->bus;
    const RspWorldActor *a = rsp_world_actor (d->world, d->card);
    if (!a || a->role != RSP_ACTOR_EUICC) {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: no euicc \"%s\" in it",
                     path, d->card);
        return FALSE;
    }
    for (guint i = 0; i < d->world->actors->len; i++) {
        const RspWorldActor *ci = d->world->actors->pdata[i];
        if (ci->role == RSP_ACTOR_CI)
            g_ptr_array_add (d->roots, rsp_cert_ref (rsp_ci_cert (ci->ci)));
    }
    return TRUE;
}

static gboolean
open_card (RspDesk *d, GError **error)
{
    const char *card = d->args->card;
    if (card && g_str_has_prefix (card, "stdio:"))
        return open_process (d, card + 6, error);
    if (card && g_str_has_prefix (card, "tcp:"))
        return open_reader (d, card + 4, FALSE, error);
    if (card && g_str_has_prefix (card, "vpcd:"))
        return open_reader (d, card + 5, TRUE, error);
    if (card && g_str_has_prefix (card, "sim:"))
        return open_world (d, card + 4, error);
    return no_such_card (error, card);
}

/* --- the desk ----------------------------------------------------------------------------------
 */

static gboolean
map_places (RspDesk *d, GError **error)
{
    for (char **text = d->args->places; text && *text; text++) {
        g_auto (GStrv) sides = g_strsplit (*text, "=", 2);
        if (g_strv_length (sides) != 2 || !*sides[0] || !*sides[1]) {
            g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                         "--resolve is ADDRESS=HOST:PORT");
            return FALSE;
        }
        if (!rsp_gateway_map (d->gateway, sides[0], sides[1], error))
            return FALSE;
    }
    return TRUE;
}

gboolean
rsp_desk_open (RspDesk *d, const char *name, const RspDeskArgs *args, GError **error)
{
    *d = (RspDesk){.args = args};
    if (args->timeout < 0 || args->timeout > MAX_TIMEOUT) {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--timeout is 1 to %d",
                     MAX_TIMEOUT);
        return FALSE;
    }
    d->loop = rsp_loop_new (RSP_CLOCK_REAL, 0);
    d->roots = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_cert_unref);
    d->trace = rsp_trace_new (d->loop, args->trace, (RspTraceOptions){.bodies = TRUE}, error);
    if (!d->trace || !open_card (d, error) || !add_roots (d, error))
        return FALSE;
    rsp_bus_set_latency (d->bus, 0, 0, 0);
    d->gateway = rsp_gateway_new (d->bus, d->loop, d->roots->len > 0 ? d->roots : NULL);
    if (args->timeout)
        rsp_gateway_set_patience (d->gateway, (guint)args->timeout + 30);
    if (args->insecure)
        rsp_gateway_trust_all (d->gateway);
    if (!map_places (d, error))
        return FALSE;
    d->actor = (RspActor){.name = name,
                          .loop = d->loop,
                          .bus = d->bus,
                          .trace = d->trace,
                          .system_random = args->seed < 0};
    return TRUE;
}

void
rsp_desk_close (RspDesk *d)
{
    g_clear_pointer (&d->gateway, rsp_gateway_free);
    g_clear_pointer (&d->link, rsp_apdu_link_free);
    g_clear_pointer (&d->process, rsp_card_process_free);
    g_clear_pointer (&d->reader, rsp_card_reader_free);
    g_clear_pointer (&d->own_bus, rsp_bus_free);
    g_clear_pointer (&d->world, rsp_world_free);
    g_clear_pointer (&d->scenario, rsp_scenario_free);
    g_clear_pointer (&d->trace, rsp_trace_free);
    g_clear_pointer (&d->roots, g_ptr_array_unref);
    g_clear_pointer (&d->loop, rsp_loop_free);
    g_clear_pointer (&d->card, g_free);
}

/* --- options and questions ---------------------------------------------------------------------
 */

void
rsp_desk_args_clear (RspDeskArgs *a)
{
    g_free (a->card);
    g_free (a->state);
    g_free (a->trace);
    g_strfreev (a->ca);
    g_strfreev (a->places);
}

void
rsp_desk_add_options (GOptionContext *context, RspDeskArgs *a)
{
    const GOptionEntry entries[] = {
        {"card", 0, 0, G_OPTION_ARG_STRING, &a->card,
         "stdio:COMMAND (a program that speaks the stdio APDU protocol), tcp:HOST:PORT (a card "
         "that listens), vpcd:HOST:PORT (one that comes), or sim:WORLD:EUICC",
         "CARD"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &a->state,
         "keep the memory of a sim: card, and of an IPA", "DIR"},
        {"ca", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->ca,
         "CI certificate(s) of servers, PEM or DER; default: the world's, or the host's trust "
         "store",
         "FILE|DIR"},
        {"insecure", 0, 0, G_OPTION_ARG_NONE, &a->insecure, "accept any TLS certificate", NULL},
        {"resolve", 0, 0, G_OPTION_ARG_STRING_ARRAY, &a->places, "where a server's address is",
         "ADDRESS=HOST:PORT"},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &a->timeout, "of a call; default 30", "SECONDS"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &a->json, "results as JSON", NULL},
        {"trace", 0, 0, G_OPTION_ARG_FILENAME, &a->trace, "write a trace", "FILE"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &a->seed, "sim: card without system randomness", "N"},
        {NULL}};
    g_option_context_add_main_entries (context, entries, NULL);
}

typedef struct {
    gboolean done;
    GBytes *body; /* NULL: the card refused or did not answer */
} CardAnswer;

static void
on_card_answer (const RspReply *reply, gpointer data)
{
    CardAnswer *answer = data;
    answer->done = TRUE;
    if (reply->kind == RSP_REPLY_OK && (reply->sw >> 8 == 0x90 || reply->sw >> 8 == 0x91))
        answer->body = g_bytes_ref (reply->body);
}

static gboolean
is_answered (gpointer data)
{
    return ((CardAnswer *)data)->done;
}

GBytes *
rsp_desk_ask_card (RspDesk *d, RspFunctionId function, const char *hex, GError **error)
{
    CardAnswer answer = {0};
    const RspFunction *fn = rsp_function (function);
    g_autoptr (GBytes) command = rsp_unhex (hex);
    rsp_bus_call (d->bus, d->actor.name, d->card, fn, command, NULL, on_card_answer, &answer);
    rsp_loop_run (d->loop, is_answered, &answer, -1);
    if (!answer.body)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the card does not answer %s",
                     fn->full_name);
    return answer.body;
}

/* --- commands --- */

char *
rsp_desk_list_commands (const RspDeskCommand *commands)
{
    GString *out = g_string_new ("Commands:\n");
    for (const RspDeskCommand *c = commands; c->name; c++)
        g_string_append_printf (out, "  %s %s  %s\n", c->name, c->arguments, c->help);
    return g_string_free (out, FALSE);
}

const RspDeskCommand *
rsp_desk_find_command (const RspDeskCommand *commands, const char *program, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    for (const RspDeskCommand *c = commands; name && c->name; c++) {
        if (strcmp (name, c->name) != 0)
            continue;
        int given = argc - 2;
        if (given >= c->least && given <= c->most)
            return c;
        fprintf (stderr, "usage: rspsim %s %s %s\n", program, name, c->arguments);
        return NULL;
    }
    fprintf (stderr, "rspsim %s: %s; see rspsim %s --help\n", program,
             name ? "no such command" : "what shall it do?", program);
    return NULL;
}
