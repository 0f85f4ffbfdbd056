/* `rspsim ipa`: the IPA as a command-line client of any card and any eIM. */
#include "sim/run/commands.h"

#include "asn1/decode.h"
#include "sim/run/cmd-ipa.h"
#include "sim/run/language.h"
#include "sim/run/world-private.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PERIOD (60 * G_USEC_PER_SEC)

typedef struct {
    RspDeskArgs desk;
    char *eim, *eim_ca, *emulate, *version, *esipa, *binding, *notify, *period, *smds, *tags, *code,
        *imei;
    gboolean watch, indirect, immediate_enable, lenient;
    gint retries;
} Args;

static void
args_clear (Args *a)
{
    char *texts[] = {a->emulate, a->eim,    a->eim_ca, a->version, a->esipa, a->binding,
                     a->notify,  a->period, a->smds,   a->tags,    a->imei};
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
        g_free (texts[i]);
    if (a->code)
        rsp_wipe (a->code, strlen (a->code));
    g_free (a->code);
    rsp_desk_args_clear (&a->desk);
}

typedef struct {
    RspDesk desk;
    const Args *args;
    RspWorldIpa *ipa;
    gint64 period; /* µs */
    char *address; /* of the eIM; NULL: the card knows */
} IpaDesk;

/* --- how it ended ----------------------------------------------------------------------------- */

typedef struct Ending Ending;
struct Ending {
    IpaDesk *desk;
    void (*show) (const RspDesk *desk, GBytes *answer); /* NULL: only how it ended */
    gboolean quiet;                                     /* about what worked, for people */
    gboolean done;
    int status;
};

static gboolean
has_ended (gpointer data)
{
    return ((Ending *)data)->done;
}

static int
wait_for (Ending *e)
{
    if (!e->done)
        rsp_loop_run (e->desk->desk.loop, has_ended, e, -1);
    return e->done ? e->status : 0;
}

static void
on_end (const RspIpaOutcome *o, gpointer data)
{
    Ending *e = data;
    const RspDesk *d = &e->desk->desk;
    e->done = TRUE;
    e->status = o->ok && o->failed == 0 ? 0 : 1;
    if (e->show && o->ok && o->answer)
        e->show (d, o->answer);
    else if (d->args->json || !e->quiet)
        rsp_ipa_show_outcome (d, o);
    else if (o->ok && o->iccid)
        printf ("%s\n", o->iccid);
    g_autofree char *why = o->ok ? NULL : rsp_desk_explain (d, o->step, o->error, o->code);
    if (why)
        fprintf (stderr, "rspsim ipa: %s\n", why);
    else if (o->failed)
        fprintf (stderr, "rspsim ipa: %u of %u packages failed, the last with %s\n", o->failed,
                 MAX (o->packages, 1), o->result ? o->result : "no result");
}

static int
do_local (IpaDesk *d, RspIpaLocal what, const char *address,
          void (*show) (const RspDesk *desk, GBytes *answer))
{
    Ending e = {.desk = d, .show = show, .quiet = TRUE};
    rsp_ipa_local (d->ipa->ipa, what, address, on_end, &e);
    return wait_for (&e);
}

/* --- polling ---------------------------------------------------------------------------------- */

static gboolean
on_signal (gpointer loop)
{
    rsp_loop_quit (loop);
    return G_SOURCE_REMOVE;
}

static void
watch_signal (IpaDesk *d, int number)
{
    g_autoptr (GSource) source = g_unix_signal_source_new (number);
    g_source_set_callback (source, on_signal, d->desk.loop, NULL);
    g_source_attach (source, rsp_loop_context (d->desk.loop));
}

static gboolean
never (gpointer data)
{
    return FALSE;
}

/* Until a signal comes; what fails may work the next time. */
static int
watch (IpaDesk *d)
{
    watch_signal (d, SIGINT);
    watch_signal (d, SIGTERM);
    for (;;) {
        Ending e = {.desk = d};
        gint64 due = rsp_loop_now (d->desk.loop) + d->period;
        rsp_ipa_poll (d->ipa->ipa, on_end, &e);
        rsp_loop_run (d->desk.loop, has_ended, &e, -1);
        if (!e.done)
            return 0;
        rsp_loop_run (d->desk.loop, never, NULL, due);
        if (rsp_loop_now (d->desk.loop) < due)
            return 0;
    }
}

static int
do_poll (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    Ending e = {.desk = d};
    if (d->args->watch)
        return watch (d);
    rsp_ipa_poll (d->ipa->ipa, on_end, &e);
    return wait_for (&e);
}

/* --- the other commands ----------------------------------------------------------------------- */

static int
complain (GError *error)
{
    fprintf (stderr, "rspsim ipa: %s\n", error->message);
    g_error_free (error);
    return 2;
}

static int
do_configure (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    GError *error = NULL;
    Ending e = {.desk = d, .quiet = TRUE};
    g_autoptr (GBytes) configuration = rsp_ipa_read_configuration (argv[0], &error);
    if (!configuration)
        return complain (error);
    rsp_ipa_add_initial_eim (d->ipa->ipa, configuration, on_end, &e);
    return wait_for (&e);
}

static int
do_eims (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_GET_EIMS, NULL, rsp_ipa_show_eims);
}

static int
do_certs (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_GET_CERTS, NULL, rsp_ipa_show_certs);
}

static int
do_connectivity (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_GET_CONNECTIVITY, NULL, rsp_ipa_show_message);
}

static int
do_data (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    Ending e = {.desk = d, .show = rsp_ipa_show_message, .quiet = TRUE};
    g_autoptr (GBytes) tags = rsp_unhex (d->args->tags ? d->args->tags : "");
    if (!tags) {
        fprintf (stderr, "rspsim ipa: --tags is hex, such as bf22a5\n");
        return 2;
    }
    rsp_ipa_data (d->ipa->ipa, rsp_slice_of (tags), on_end, &e);
    return wait_for (&e);
}

static int
do_download (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    Ending e = {.desk = d, .quiet = TRUE};
    g_autoptr (GBytes) trigger = rsp_ipa_make_trigger (argc > 0 ? argv[0] : NULL, d->args->smds);
    rsp_ipa_download (d->ipa->ipa, trigger, on_end, &e);
    return wait_for (&e);
}

static int
do_rollback (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_ROLLBACK, NULL, NULL);
}

static int
do_fallback (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_FALLBACK, NULL, NULL);
}

static int
do_return (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_RETURN_FROM_FALLBACK, NULL, NULL);
}

static int
do_immediate_enable (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_IMMEDIATE_ENABLE, NULL, NULL);
}

static int
do_configure_immediate (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_CONFIGURE_IMMEDIATE_ENABLE, argc > 0 ? argv[0] : NULL, NULL);
}

static int
do_default_dp (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return do_local (d, RSP_IPA_SET_DEFAULT_DP, argv[0], NULL);
}

static int
do_emergency (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    if (strcmp (argv[0], "on") == 0)
        return do_local (d, RSP_IPA_ENABLE_EMERGENCY, NULL, NULL);
    if (strcmp (argv[0], "off") == 0)
        return do_local (d, RSP_IPA_DISABLE_EMERGENCY, NULL, NULL);
    fprintf (stderr, "rspsim ipa: emergency on, or emergency off\n");
    return 2;
}

static int
do_reset (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    Ending e = {.desk = d, .quiet = TRUE};
    guint32 bits = 0;
    for (int i = 0; i < argc; i++) {
        guint k = 0;
        while (rsp_language_ipa_reset[k] && strcmp (argv[i], rsp_language_ipa_reset[k]) != 0)
            k++;
        if (!rsp_language_ipa_reset[k]) {
            g_autofree char *all = g_strjoinv (", ", (char **)rsp_language_ipa_reset);
            fprintf (stderr, "rspsim ipa: reset takes %s\n", all);
            return 2;
        }
        bits |= 1u << k;
    }
    rsp_ipa_reset (d->ipa->ipa, bits, on_end, &e);
    return wait_for (&e);
}

static int
do_notifications (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    Ending e = {.desk = d, .quiet = TRUE};
    if (argc == 0)
        return rsp_desk_show_notifications (&d->desk);
    if (strcmp (argv[0], "deliver") != 0) {
        fprintf (stderr, "rspsim ipa: notifications, or notifications deliver\n");
        return 2;
    }
    rsp_ipa_deliver_notifications (d->ipa->ipa, on_end, &e);
    return wait_for (&e);
}

static int
do_info (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    return rsp_desk_show_info (&d->desk);
}

static void
on_list (const GPtrArray *profiles, const RspLpaOutcome *o, gpointer data)
{
    Ending *e = data;
    e->done = TRUE;
    if (profiles) {
        e->status = rsp_desk_show_profiles (&e->desk->desk, profiles);
        return;
    }
    e->status = 1;
    fprintf (stderr, "rspsim ipa: %s: %s\n", o->step, o->error);
}

static int
do_list (gpointer desk, int argc, char **argv)
{
    IpaDesk *d = desk;
    Ending e = {.desk = d};
    rsp_lpa_list (d->ipa->engine, on_list, &e);
    return wait_for (&e);
}

static const RspDeskCommand commands[] = {
    {"poll", "", "what the eIMs have, until they have nothing; --watch", 0, 0, do_poll},
    {"configure", "FILE", "the first eIM (AddInitialEim): DER, hex, base64, or JSON", 1, 1,
     do_configure},
    {"eims", "", "associated eIMs: eimId, eimFqdn, association token", 0, 0, do_eims},
    {"info", "", "EID, versions, addresses, CIs", 0, 0, do_info},
    {"list", "", "profiles", 0, 0, do_list},
    {"certs", "", "of EUM and eUICC, in PEM", 0, 0, do_certs},
    {"data", "", "the IpaEuiccData that an eIM would get; --tags", 0, 0, do_data},
    {"connectivity", "", "connectivity parameters of the enabled profile", 0, 0, do_connectivity},
    {"download", "[ACTIVATION-CODE]", "or --smds, or the default SM-DP+; --indirect: by the eIM", 0,
     1, do_download},
    {"rollback", "", "to the profile before", 0, 0, do_rollback},
    {"fallback", "", "to the Fallback Profile", 0, 0, do_fallback},
    {"return", "", "from the Fallback Profile", 0, 0, do_return},
    {"emergency", "on|off", "the Emergency Profile", 1, 1, do_emergency},
    {"immediate-enable", "", "the profile just installed", 0, 0, do_immediate_enable},
    {"configure-immediate-enable", "[SM-DP+]", "for the next download", 0, 1,
     do_configure_immediate},
    {"default-dp", "ADDRESS", "default SM-DP+", 1, 1, do_default_dp},
    {"notifications", "[deliver]", "what waits on the card", 0, 1, do_notifications},
    {"reset", "eim|operational|…", "eUICC memory reset", 1, 7, do_reset},
    {NULL},
};

/* --- the desk --------------------------------------------------------------------------------- */

static gboolean
parse (int *argc, char ***argv, Args *a)
{
    const GOptionEntry entries[] = {
        {"eim", 0, 0, G_OPTION_ARG_STRING, &a->eim,
         "where the eIM is, in place of the eimFqdn on the card; http:// for no TLS",
         "[http://]HOST[:PORT]"},
        {"eim-ca", 0, 0, G_OPTION_ARG_FILENAME, &a->eim_ca,
         "CAs of eIMs' TLS certificates, PEM, by the rules of the web; default: as --ca", "FILE"},
        {"version", 0, 0, G_OPTION_ARG_STRING, &a->version, "of SGP.32: 1.2 (default) or 1.0", "V"},
        {"esipa", 0, 0, G_OPTION_ARG_STRING, &a->esipa, "binding: asn1 (default) or json", "B"},
        {"binding", 0, 0, G_OPTION_ARG_STRING, &a->binding, "of ES9+: json (default) or asn1", "B"},
        {"watch", 0, 0, G_OPTION_ARG_NONE, &a->watch, "poll: again and again", NULL},
        {"period", 0, 0, G_OPTION_ARG_STRING, &a->period, "of --watch; default 60s", "DURATION"},
        {"emulate", 0, 0, G_OPTION_ARG_FILENAME, &a->emulate,
         "the card is one for consumers: the IPA emulates, and keeps in FILE what it needs",
         "FILE"},
        {"notify", 0, 0, G_OPTION_ARG_STRING, &a->notify,
         "who gets notifications: smdp (default), eim, both", "WHO"},
        {"indirect", 0, 0, G_OPTION_ARG_NONE, &a->indirect, "downloads through the eIM", NULL},
        {"immediate-enable", 0, 0, G_OPTION_ARG_NONE, &a->immediate_enable, "after a download",
         NULL},
        {"smds", 0, 0, G_OPTION_ARG_STRING, &a->smds, "download: what waits there; \"\": the root",
         "ADDRESS"},
        {"confirmation-code", 0, 0, G_OPTION_ARG_STRING, &a->code, "of a direct download", "CODE"},
        {"tags", 0, 0, G_OPTION_ARG_STRING, &a->tags, "data: what; default: everything", "HEX"},
        {"retries", 0, 0, G_OPTION_ARG_INT, &a->retries, "of a delivery, before a rollback", "N"},
        {"imei", 0, 0, G_OPTION_ARG_STRING, &a->imei, "of the device", "DIGITS"},
        {"lenient", 0, 0, G_OPTION_ARG_NONE, &a->lenient, "allow _ in a MatchingID", NULL},
        {NULL}};
    g_autoptr (GOptionContext) context =
        g_option_context_new ("COMMAND … - the IPA as a client of any card and any eIM");
    g_autoptr (GError) error = NULL;
    g_autofree char *text = rsp_desk_list_commands (commands);
    g_option_context_set_summary (context, text);
    rsp_desk_add_options (context, &a->desk);
    g_option_context_add_main_entries (context, entries, NULL);
    if (g_option_context_parse (context, argc, argv, &error))
        return TRUE;
    fprintf (stderr, "rspsim ipa: %s\n", error->message);
    return FALSE;
}

/* The index of VALUE among NAMES; 0 for NULL. */
static gboolean
choose (const char *option, const char *value, const char *const *names, guint *ret, GError **error)
{
    for (*ret = 0; value && names[*ret]; (*ret)++)
        if (strcmp (names[*ret], value) == 0)
            return TRUE;
    if (!value)
        return TRUE;
    g_autofree char *all = g_strjoinv (", ", (char **)names);
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s is one of %s", option, all);
    return FALSE;
}

static gboolean
read_place (IpaDesk *d, const char *text, GError **error)
{
    g_autofree char *scheme = text ? g_uri_parse_scheme (text) : NULL;
    const char *rest = text ? strstr (text, "://") : NULL;
    gboolean plain = rest && g_strcmp0 (scheme, "http") == 0;
    rest = rest ? rest + strlen ("://") : text;
    gsize len = rest ? strcspn (rest, "/") : 0;
    if (!text)
        return TRUE;
    if ((strstr (text, "://") && !plain && g_strcmp0 (scheme, "https") != 0) || len == 0 ||
        (rest[len] && strcmp (rest + len, "/") != 0)) {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     "--eim is [http://|https://]HOST[:PORT]");
        return FALSE;
    }
    d->address = g_strndup (rest, len);
    if (plain)
        rsp_gateway_without_tls (d->desk.gateway, d->address);
    return TRUE;
}

static gboolean
read_period (IpaDesk *d, const char *text, GError **error)
{
    g_autoptr (RspYaml) node = text ? rsp_yaml_parse (text, -1, "--period", error) : NULL;
    d->period = DEFAULT_PERIOD;
    if (!text || (node && rsp_yaml_duration (node, &d->period, error) && d->period > 0))
        return TRUE;
    if (!*error)
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--period is above 0");
    return FALSE;
}

static RspLpaAnswer
on_question (const RspLpaQuestion *q, gpointer data)
{
    return (RspLpaAnswer){.consent = RSP_CONSENT_GRANTED, .authenticated = TRUE};
}

static char *
on_code (guint tried, gpointer data)
{
    const IpaDesk *d = data;
    return tried == 0 ? g_strdup (d->args->code) : NULL;
}

typedef struct {
    guint version, esipa, binding, notify;
} Choices;

static gboolean
read_choices (const Args *a, Choices *c, GError **error)
{
    static const char *const versions[] = {"1.2", "1.0", NULL};
    static const char *const bindings[] = {"asn1", "json", NULL};
    if (!choose ("version", a->version, versions, &c->version, error) ||
        !choose ("esipa", a->esipa, bindings, &c->esipa, error) ||
        !choose ("binding", a->binding, rsp_language_bindings, &c->binding, error) ||
        !choose ("notify", a->notify, rsp_language_ipa_notify, &c->notify, error))
        return FALSE;
    if (!c->version || !c->esipa)
        return TRUE;
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "not supported: ESipa in JSON with version 1.0");
    return FALSE;
}

/* The file of the device's memory in the folder that --state names; NULL without. (transfer full)
 */
static gboolean
find_memory (const char *folder, char **ret, GError **error)
{
    *ret = folder ? g_build_filename (folder, "ipa.nvm", NULL) : NULL;
    if (!folder || g_mkdir_with_parents (folder, 0700) == 0)
        return TRUE;
    g_set_error (error, G_FILE_ERROR, (gint)g_file_error_from_errno (errno), "%s: %s", folder,
                 g_strerror (errno));
    return FALSE;
}

static gboolean
sit_down (IpaDesk *d, const Args *a, GError **error)
{
    Choices c;
    g_autofree char *memory = NULL;
    *d = (IpaDesk){.args = a};
    if (!read_choices (a, &c, error) || !find_memory (a->desk.state, &memory, error) ||
        !rsp_desk_open (&d->desk, "ipa", &a->desk, error) ||
        (a->eim_ca && !rsp_gateway_trust_eims (d->desk.gateway, a->eim_ca, error)) ||
        !read_place (d, a->eim, error) || !read_period (d, a->period, error))
        return FALSE;
    gint64 timeout = a->desk.timeout * G_USEC_PER_SEC;
    const RspLpaConfig engine = {.card = d->desk.card,
                                 .imei = a->imei,
                                 .timeout = timeout,
                                 .test_mode = TRUE,
                                 .lenient_matching_id = a->lenient,
                                 .asn1_binding = c.binding == 1,
                                 .json_proxy = c.esipa == 1};
    const RspIpaConfig config = {.card = d->desk.card,
                                 .memory = memory,
                                 .v10 = c.version == 1,
                                 .json = c.esipa == 1,
                                 .indirect = a->indirect,
                                 .immediate_enable = a->immediate_enable,
                                 .notify = (RspIpaNotify)c.notify,
                                 .eim_address = d->address,
                                 .timeout = timeout,
                                 .pause = 10 * G_USEC_PER_SEC,
                                 .retries = (guint)CLAMP (a->retries, 0, 100)};
    const RspLpaUi ui = {.ask = on_question, .code = on_code, .data = d};
    d->ipa = rsp_world_ipa_new (&d->desk.actor, &engine, &config, error);
    if (!d->ipa)
        return FALSE;
    rsp_lpa_set_ui (d->ipa->engine, &ui);
    return !a->emulate || rsp_ipa_emulate (d->ipa->ipa, a->emulate, error);
}

int
rsp_cmd_ipa (int argc, char **argv)
{
    Args args = {.desk.seed = -1};
    IpaDesk desk;
    g_autoptr (GError) error = NULL;
    int status = 2;
    signal (SIGPIPE, SIG_IGN); /* a card's program that has gone is an error, not the end */
    const RspDeskCommand *command =
        parse (&argc, &argv, &args) ? rsp_desk_find_command (commands, "ipa", argc, argv) : NULL;
    if (command) {
        if (sit_down (&desk, &args, &error)) {
            status = command->run (&desk, argc - 2, argv + 2);
            if (!rsp_trace_close (desk.desk.trace, &error))
                status = 2;
        }
        g_clear_pointer (&desk.ipa, rsp_world_ipa_free);
        rsp_desk_close (&desk.desk);
        g_free (desk.address);
    }
    if (error)
        fprintf (stderr, "rspsim ipa: %s\n", error->message);
    args_clear (&args);
    return status;
}
