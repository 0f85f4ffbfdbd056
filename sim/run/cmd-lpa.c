/* `rspsim lpa`: the LPA as a command-line client of any card and any server. */
#include "sim/run/commands.h"

#include "sim/run/desk.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ANSWER 256

typedef struct {
    RspDeskArgs desk;
    char *code, *imei, *address, *matching_id;
    gboolean yes, no_refresh, keep_notifications, lenient;
} Args;

typedef struct {
    RspDesk desk;
    const Args *args;
    RspLpa *lpa;
} LpaDesk;

static void
args_clear (Args *a)
{
    rsp_desk_args_clear (&a->desk);
    if (a->code)
        rsp_wipe (a->code, strlen (a->code));
    g_free (a->code);
    g_free (a->imei);
    g_free (a->address);
    g_free (a->matching_id);
}

/* --- the user ----------------------------------------------------------------------------------
 */

/* A line from the terminal; NULL: there is none, or the end. (transfer full) */
static char *
ask_line (const char *question)
{
    char line[MAX_ANSWER];
    if (!isatty (STDIN_FILENO))
        return NULL;
    fputs (question, stderr);
    fflush (stderr);
    if (!fgets (line, sizeof line, stdin))
        return NULL;
    char *answer = g_strdup (g_strchomp (line));
    rsp_wipe (line, sizeof line);
    return answer;
}

static char *
question_text (const RspLpaQuestion *q)
{
    g_autofree char *name = NULL, *provider = NULL;
    if (q->metadata) {
        name = rsp_escape_text (q->metadata->profile_name, -1, 64);
        provider = rsp_escape_text (q->metadata->service_provider_name, -1, 64);
    } else if (q->profile) {
        name = rsp_escape_text (q->profile->name, -1, 64);
        provider = rsp_escape_text (q->profile->provider, -1, 64);
    }
    g_autofree char *what = name ? g_strdup_printf (" \"%s\" of \"%s\"", name, provider) : NULL;
    const char *rules = q->metadata && q->metadata->ppr & (RSP_PPR1 | RSP_PPR2)
                            ? " It cannot be disabled or deleted as you like (PPR)."
                            : "";
    return g_strdup_printf ("%s%s?%s [%s] ", q->action, what ? what : "", rules,
                            q->strong ? "type yes in full" : "y/N");
}

static RspLpaAnswer
on_question (const RspLpaQuestion *q, gpointer data)
{
    const LpaDesk *d = data;
    if (d->args->yes)
        return (RspLpaAnswer){.consent = RSP_CONSENT_GRANTED, .authenticated = TRUE};
    g_autofree char *text = question_text (q);
    g_autofree char *answer = ask_line (text);
    if (!answer) {
        fprintf (stderr, "rspsim lpa: %s needs your consent; say --yes\n", q->action);
        return (RspLpaAnswer){.consent = RSP_CONSENT_POSTPONED};
    }
    gboolean in_full = g_ascii_strcasecmp (answer, "yes") == 0;
    gboolean yes = in_full || g_ascii_strcasecmp (answer, "y") == 0;
    return (RspLpaAnswer){.consent = yes ? RSP_CONSENT_GRANTED : RSP_CONSENT_REFUSED,
                          .authenticated = in_full};
}

static char *
on_code (guint tried, gpointer data)
{
    const LpaDesk *d = data;
    if (tried == 0 && d->args->code)
        return g_strdup (d->args->code);
    return ask_line (tried ? "The confirmation code is refused; another one: "
                           : "Confirmation code: ");
}

static void
on_progress (const char *stage, gpointer data)
{
    if (isatty (STDERR_FILENO))
        fprintf (stderr, "%s…\n", stage);
}

/* --- how it ended ------------------------------------------------------------------------------
 */

typedef struct {
    LpaDesk *desk;
    gboolean done;
    int status;
} Ending;

static void
print_outcome (const LpaDesk *d, const RspLpaOutcome *o)
{
    if (!d->args->desk.json) {
        if (o->iccid && o->ok)
            printf ("%s\n", o->iccid);
        if (o->pending)
            fprintf (stderr, "rspsim lpa: %u notifications wait on the card\n", o->pending);
        return;
    }
    g_autofree char *code = o->subject ? g_strconcat (o->subject, "/", o->reason, NULL) : NULL;
    json_t *object =
        json_pack ("{s:b, s:s, s:s?, s:s?, s:s?, s:s?, s:i, s:i}", "ok", o->ok, "step", o->step,
                   "error", o->error, "code", code, "iccid", o->iccid, "cancelled", o->cancelled,
                   "delivered", (int)o->delivered, "pending", (int)o->pending);
    char *text = object ? json_dumps (object, JSON_COMPACT) : NULL;
    puts (text ? text : "{\"ok\":false}");
    free (text);
    json_decref (object);
}

static void
on_end (const RspLpaOutcome *o, gpointer data)
{
    Ending *e = data;
    e->done = TRUE;
    e->status = o->ok ? 0 : 1;
    print_outcome (e->desk, o);
    if (o->ok)
        return;
    g_autofree char *code = o->subject ? g_strconcat (o->subject, "/", o->reason, NULL) : NULL;
    g_autofree char *why = rsp_desk_explain (&e->desk->desk, o->step, o->error, code);
    fprintf (stderr, "rspsim lpa: %s\n", why);
}

static void
on_list (const GPtrArray *profiles, const RspLpaOutcome *o, gpointer data)
{
    Ending *e = data;
    if (!profiles) {
        on_end (o, data);
        return;
    }
    e->done = TRUE;
    e->status = rsp_desk_show_profiles (&e->desk->desk, profiles);
}

static gboolean
has_ended (gpointer data)
{
    return ((Ending *)data)->done;
}

static int
wait_for (Ending *e)
{
    rsp_loop_run (e->desk->desk.loop, has_ended, e, -1);
    return e->status;
}

/* --- commands ----------------------------------------------------------------------------------
 */

static int
do_info (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    return rsp_desk_show_info (&d->desk);
}

static int
do_list (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    rsp_lpa_list (d->lpa, on_list, &e);
    return wait_for (&e);
}

static int
do_download (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    const RspLpaDownload download = {.activation_code = argc > 0 ? argv[0] : NULL,
                                     .address = d->args->address,
                                     .matching_id = d->args->matching_id,
                                     .keep_notifications = d->args->keep_notifications};
    rsp_lpa_download (d->lpa, &download, on_end, &e);
    return wait_for (&e);
}

static int
do_discover (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    const RspLpaDiscover discover = {.address = argc > 0 ? argv[0] : NULL,
                                     .keep_notifications = d->args->keep_notifications};
    rsp_lpa_discover (d->lpa, &discover, on_end, &e);
    return wait_for (&e);
}

static int
do_enable (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    rsp_lpa_enable (d->lpa, argv[0], !d->args->no_refresh, on_end, &e);
    return wait_for (&e);
}

static int
do_disable (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    rsp_lpa_disable (d->lpa, argv[0], !d->args->no_refresh, on_end, &e);
    return wait_for (&e);
}

static int
do_delete (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    rsp_lpa_delete (d->lpa, argv[0], on_end, &e);
    return wait_for (&e);
}

static int
do_nickname (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    rsp_lpa_set_nickname (d->lpa, argv[0], argc > 1 ? argv[1] : "", on_end, &e);
    return wait_for (&e);
}

static int
do_notifications (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    if (argc == 0)
        return rsp_desk_show_notifications (&d->desk);
    if (strcmp (argv[0], "deliver") != 0) {
        fprintf (stderr, "rspsim lpa: notifications, or notifications deliver\n");
        return 2;
    }
    rsp_lpa_deliver_notifications (d->lpa, on_end, &e);
    return wait_for (&e);
}

static int
do_default_dp (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    Ending e = {.desk = d};
    rsp_lpa_set_default_dp (d->lpa, argc > 0 ? argv[0] : "", on_end, &e);
    return wait_for (&e);
}

static int
do_reset (gpointer desk, int argc, char **argv)
{
    LpaDesk *d = desk;
    static const char *const names[] = {"operational", "test", "default-dp-address"};
    Ending e = {.desk = d};
    guint32 bits = 0;
    for (int i = 0; i < argc; i++) {
        guint32 bit = 0;
        for (guint k = 0; k < G_N_ELEMENTS (names); k++)
            if (strcmp (argv[i], names[k]) == 0)
                bit = 1u << k;
        if (!bit) {
            fprintf (stderr, "rspsim lpa: reset takes operational, test, default-dp-address\n");
            return 2;
        }
        bits |= bit;
    }
    rsp_lpa_memory_reset (d->lpa, bits, on_end, &e);
    return wait_for (&e);
}

static const RspDeskCommand commands[] = {
    {"info", "", "EID, versions, addresses, CIs", 0, 0, do_info},
    {"list", "", "profiles: ICCID, state, class, provider, name, nickname", 0, 0, do_list},
    {"download", "[ACTIVATION-CODE]", "or --address, or the default SM-DP+", 0, 1, do_download},
    {"enable", "ICCID", "", 1, 1, do_enable},
    {"disable", "ICCID", "", 1, 1, do_disable},
    {"delete", "ICCID", "", 1, 1, do_delete},
    {"nickname", "ICCID [NAME]", "without NAME: none", 1, 2, do_nickname},
    {"notifications", "[deliver]", "what waits on the card", 0, 1, do_notifications},
    {"default-dp", "[ADDRESS]", "without ADDRESS: none", 0, 1, do_default_dp},
    {"reset", "operational|test|default-dp-address…", "memory reset", 1, 3, do_reset},
    {"discover", "[ADDRESS]", "downloads what waits at the SM-DS; default: the card's root", 0, 1,
     do_discover},
    {NULL},
};

static gboolean
parse (int *argc, char ***argv, Args *a)
{
    const GOptionEntry entries[] = {
        {"address", 0, 0, G_OPTION_ARG_STRING, &a->address, "download: SM-DP+", "ADDRESS"},
        {"matching-id", 0, 0, G_OPTION_ARG_STRING, &a->matching_id, "with --address", "ID"},
        {"confirmation-code", 0, 0, G_OPTION_ARG_STRING, &a->code, "what the user types", "CODE"},
        {"imei", 0, 0, G_OPTION_ARG_STRING, &a->imei, "of the device", "DIGITS"},
        {"lenient", 0, 0, G_OPTION_ARG_NONE, &a->lenient, "allow _ in a MatchingID", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &a->yes, "consent to everything", NULL},
        {"no-refresh", 0, 0, G_OPTION_ARG_NONE, &a->no_refresh, "enable, disable: at once", NULL},
        {"keep-notifications", 0, 0, G_OPTION_ARG_NONE, &a->keep_notifications,
         "download: deliver nothing", NULL},
        {NULL}};
    g_autoptr (GOptionContext) context =
        g_option_context_new ("COMMAND … - the LPA as a client of any card and any server");
    g_autoptr (GError) error = NULL;
    g_autofree char *text = rsp_desk_list_commands (commands);
    g_option_context_set_summary (context, text);
    rsp_desk_add_options (context, &a->desk);
    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, argc, argv, &error)) {
        fprintf (stderr, "rspsim lpa: %s\n", error->message);
        return FALSE;
    }
    return TRUE;
}

static gboolean
sit_down (LpaDesk *d, const Args *a, GError **error)
{
    const RspLpaUi ui = {.ask = on_question, .code = on_code, .progress = on_progress, .data = d};
    *d = (LpaDesk){.args = a};
    if (!rsp_desk_open (&d->desk, "lpa", &a->desk, error))
        return FALSE;
    d->lpa =
        rsp_lpa_new (&d->desk.actor, &(RspLpaConfig){.card = d->desk.card,
                                                     .imei = a->imei,
                                                     .timeout = a->desk.timeout * G_USEC_PER_SEC,
                                                     .user_timeout = G_MAXINT64,
                                                     .test_mode = TRUE,
                                                     .lenient_matching_id = a->lenient});
    rsp_lpa_set_ui (d->lpa, &ui);
    return TRUE;
}

int
rsp_cmd_lpa (int argc, char **argv)
{
    Args args = {.desk.seed = -1};
    LpaDesk desk;
    g_autoptr (GError) error = NULL;
    int status = 2;
    signal (SIGPIPE, SIG_IGN); /* a card's program that has gone is an error, not the end */
    const RspDeskCommand *command =
        parse (&argc, &argv, &args) ? rsp_desk_find_command (commands, "lpa", argc, argv) : NULL;
    if (command) {
        if (sit_down (&desk, &args, &error)) {
            status = command->run (&desk, argc - 2, argv + 2);
            if (!rsp_trace_close (desk.desk.trace, &error))
                status = 2;
        }
        g_clear_pointer (&desk.lpa, rsp_lpa_free);
        rsp_desk_close (&desk.desk);
    }
    if (error)
        fprintf (stderr, "rspsim lpa: %s\n", error->message);
    args_clear (&args);
    return status;
}
