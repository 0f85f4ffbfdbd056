/* A card behind a program: one JSON object a line, {"type": "apdu", "payload": {"func": …}} there
 * and {"type": "apdu", "payload": {"ecode": …, "data": …}} back, as LPAs on a PC speak with their
 * drivers. The bus sees an actor that answers APDU.Transmit. */
#include "sim/run/desk.h"

#include <gio/gio.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 65536
#define PATIENCE (5 * G_USEC_PER_SEC)        /* with a program that is to end */
#define START_PATIENCE (60 * G_USEC_PER_SEC) /* … that is to have its card ready */

struct _RspCardProcess {
    RspBus *bus;
    RspLoop *loop;
    char *name;
    GSubprocess *program;
    GInputStream *in; /* what the program writes */
    GOutputStream *out;
    GCancellable *cancellable;
    RspCall *call;  /* the APDU under way */
    GBytes *answer; /* to the question before any APDU (nullable) */
    gboolean reading, ended;
    char line[MAX_LINE];
    gsize have; /* octets of it */
};

/* FALSE: the program does not listen any more. */
static gboolean
say (RspCardProcess *p, const char *func, RspSlice param)
{
    g_autofree char *hex = rsp_hex (param);
    json_t *object =
        json_pack ("{s:s, s:{s:s, s:s}}", "type", "apdu", "payload", "func", func, "param", hex);
    char *text = json_dumps (object, JSON_COMPACT);
    g_autofree char *line = g_strconcat (text, "\n", NULL);
    free (text);
    json_decref (object);
    return g_output_stream_write_all (p->out, line, strlen (line), NULL, NULL, NULL);
}

/* NULL: not an answer, or one that says that it went wrong. (transfer full) */
static GBytes *
read_answer (const char *line, gsize n)
{
    json_t *object = json_loadb (line, n, 0, NULL);
    const json_t *payload = json_object_get (object, "payload");
    const json_t *code = json_object_get (payload, "ecode");
    const char *hex = json_string_value (json_object_get (payload, "data"));
    GBytes *data = NULL;
    if (json_is_integer (code) && json_integer_value (code) >= 0)
        data = rsp_unhex (hex ? hex : "");
    json_decref (object);
    return data;
}

static void
end_call (RspCardProcess *p, GBytes *response)
{
    RspCall *call = g_steal_pointer (&p->call);
    if (response && g_bytes_get_size (response) >= 2)
        rsp_call_reply (call, &(RspOutcome){0}, response);
    else
        rsp_call_fail (call, RSP_REPLY_LINK);
}

static void read_on (RspCardProcess *p);

/* The program speaks when it is asked: what is behind the line's end answers nothing. */
static void
on_octets (GObject *source, GAsyncResult *result, gpointer data)
{
    RspCardProcess *p = data;
    gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);
    const char *end = n > 0 ? memchr (p->line + p->have, '\n', (gsize)n) : NULL;
    p->have += n > 0 ? (gsize)n : 0;
    if (n > 0 && !end && p->have < sizeof p->line) {
        read_on (p);
        return;
    }
    p->reading = FALSE;
    rsp_loop_io_end (p->loop);
    g_autoptr (GBytes) answer = end ? read_answer (p->line, (gsize)(end - p->line)) : NULL;
    if (p->call)
        end_call (p, answer);
    else
        p->answer = g_steal_pointer (&answer);
}

static void
read_on (RspCardProcess *p)
{
    g_input_stream_read_async (p->in, p->line + p->have, sizeof p->line - p->have,
                               G_PRIORITY_DEFAULT, p->cancellable, on_octets, p);
}

static void
read_line (RspCardProcess *p)
{
    p->have = 0;
    p->reading = TRUE;
    rsp_loop_io_begin (p->loop);
    read_on (p);
}

static void
on_apdu (RspCall *call, gpointer data)
{
    RspCardProcess *p = data;
    if (p->call || p->reading) { /* the answer before was given up, and may still come */
        rsp_call_fail (call, RSP_REPLY_LINK);
        return;
    }
    p->call = call;
    if (!say (p, "transmit", rsp_slice_of (rsp_call_body (call)))) {
        end_call (p, NULL);
        return;
    }
    read_line (p);
}

static gboolean
has_read (gpointer data)
{
    return !((RspCardProcess *)data)->reading;
}

/* Waits for the program to have its card ready. */
static gboolean
connect_card (RspCardProcess *p, const char *command, GError **error)
{
    if (say (p, "connect", RSP_SLICE (NULL, 0))) {
        read_line (p);
        rsp_loop_run (p->loop, has_read, p, rsp_loop_now (p->loop) + START_PATIENCE);
    }
    g_autoptr (GBytes) answer = g_steal_pointer (&p->answer);
    if (!answer)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: does not give a card", command);
    return answer != NULL;
}

RspCardProcess *
rsp_card_process_new (RspBus *bus, RspLoop *loop, const char *name, const char *command,
                      GError **error)
{
    g_auto (GStrv) words = NULL;
    if (!g_shell_parse_argv (command, NULL, &words, error))
        return NULL;
    g_autoptr (GSubprocess) program =
        g_subprocess_newv ((const char *const *)words,
                           G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, error);
    if (!program)
        return NULL;
    RspCardProcess *p = g_new0 (RspCardProcess, 1);
    p->bus = bus;
    p->loop = loop;
    p->name = g_strdup (name);
    p->in = g_object_ref (g_subprocess_get_stdout_pipe (program));
    p->out = g_object_ref (g_subprocess_get_stdin_pipe (program));
    p->program = g_steal_pointer (&program);
    p->cancellable = g_cancellable_new ();
    rsp_bus_attach (bus, name, on_apdu, p);
    if (connect_card (p, command, error))
        return p;
    rsp_card_process_free (p);
    return NULL;
}

static void
on_end (GObject *program, GAsyncResult *result, gpointer data)
{
    RspCardProcess *p = data;
    g_subprocess_wait_finish (G_SUBPROCESS (program), result, NULL);
    p->ended = TRUE;
    rsp_loop_io_end (p->loop);
}

static gboolean
has_ended (gpointer data)
{
    return ((RspCardProcess *)data)->ended;
}

/* The end of its input ends the program, or else it is killed. */
static void
end_program (RspCardProcess *p)
{
    g_output_stream_close (p->out, NULL, NULL);
    rsp_loop_io_begin (p->loop);
    g_subprocess_wait_async (p->program, NULL, on_end, p);
    if (rsp_loop_run (p->loop, has_ended, p, rsp_loop_now (p->loop) + PATIENCE))
        return;
    g_subprocess_force_exit (p->program);
    rsp_loop_run (p->loop, has_ended, p, -1);
}

void
rsp_card_process_free (RspCardProcess *p)
{
    if (!p)
        return;
    g_cancellable_cancel (p->cancellable);
    while (p->reading)
        g_main_context_iteration (rsp_loop_context (p->loop), TRUE);
    rsp_bus_detach (p->bus, p->name);
    end_program (p);
    g_clear_pointer (&p->answer, g_bytes_unref); /* one that came late */
    g_object_unref (p->in);
    g_object_unref (p->out);
    g_object_unref (p->program);
    g_object_unref (p->cancellable);
    g_free (p->name);
    g_free (p);
}
