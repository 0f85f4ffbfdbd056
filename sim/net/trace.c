#include "sim/net/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/net/trace-json.h"

#define FLUSH_AT (256u << 10)
#define DIGEST_TEXT (2 * SHA256_DIGEST_SIZE)
/* Bodies up to this size are remembered, one for each power of two of their size. */
#define MEMORY_LIMIT (1u << 20)
#define MEMORY_SLOTS 21

/* What is known of a body seen before. The octets are kept, because an address proves nothing: the
 * next body may lie where a freed one lay. */
typedef struct {
    guint8 *octets;
    gsize len, room;
    gboolean digested, json_checked, json_good;
    char digest[DIGEST_TEXT];
} Known;

typedef struct {
    RspTraceListener func;
    gpointer data;
} Listener;

struct _RspTrace {
    RspLoop *loop;
    RspTraceOptions options;
    char *path;
    int fd; /* -1: no file */
    int write_error;
    RspJsonOut out;
    char *step;
    guint64 next_seq, cause;
    GArray *listeners; /* of Listener */
    Known known[MEMORY_SLOTS];
    Known unkept; /* for bodies above the limit */
};

static const char *const kind_names[] = {
    "run", "step", "message", "state", "timer", "fault", "store", "crypto", "check",
};
static const char *const leg_names[] = {"request", "response"};
static const char *const stage_names[] = {NULL, "sent", "delivered", "dropped"};
static const char *const encoding_names[] = {"json", "der", "apdu", "raw", "nas"};

static gboolean
set_io_error (GError **error, const char *path, int code)
{
    g_autofree char *shown = rsp_escape_text (path, -1, 400);
    g_set_error (error, G_FILE_ERROR, (gint)g_file_error_from_errno (code), "%s: %s", shown,
                 g_strerror (code));
    return FALSE;
}

RspTrace *
rsp_trace_new (RspLoop *loop, const char *path, RspTraceOptions options, GError **error)
{
    g_autoptr (RspTrace) trace = g_new0 (RspTrace, 1);

    trace->loop = loop;
    trace->options = options;
    trace->fd = -1;
    trace->path = g_strdup (path);
    trace->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
    if (path) {
        mode_t mode = options.secrets ? 0600 : 0644;
        trace->fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode);
        if (trace->fd < 0) {
            set_io_error (error, path, errno);
            return NULL;
        }
        /* A file that was there before keeps its mode otherwise. */
        if (options.secrets && fchmod (trace->fd, 0600) != 0) {
            set_io_error (error, path, errno);
            return NULL;
        }
    }
    return g_steal_pointer (&trace);
}

static void
flush (RspTrace *trace)
{
    const char *at = trace->out.data;
    gsize left = trace->out.len;

    while (left > 0 && trace->write_error == 0) {
        gssize n = write (trace->fd, at, left);
        if (n < 0 && errno != EINTR)
            trace->write_error = errno;
        if (n > 0) {
            at += n;
            left -= (gsize)n;
        }
    }
    if (trace->options.secrets)
        rsp_wipe (trace->out.data, trace->out.len);
    trace->out.len = 0;
}

gboolean
rsp_trace_close (RspTrace *trace, GError **error)
{
    if (trace->fd >= 0) {
        flush (trace);
        if (close (trace->fd) != 0 && trace->write_error == 0)
            trace->write_error = errno;
        trace->fd = -1;
    }
    return trace->write_error == 0 || set_io_error (error, trace->path, trace->write_error);
}

void
rsp_trace_free (RspTrace *trace)
{
    if (!trace)
        return;
    if (trace->fd >= 0)
        rsp_trace_close (trace, NULL);
    for (guint i = 0; i < MEMORY_SLOTS; i++)
        g_free (trace->known[i].octets);
    g_array_unref (trace->listeners);
    g_free (trace->out.data);
    g_free (trace->step);
    g_free (trace->path);
    g_free (trace);
}

/* What is known of BODY; a new entry where it is met for the first time. */
static Known *
recall (RspTrace *trace, RspSlice body)
{
    Known *known = &trace->unkept;

    if (body.len <= MEMORY_LIMIT) {
        known = &trace->known[body.len ? g_bit_storage (body.len) - 1 : 0];
        if (known->octets && known->len == body.len &&
            (body.len == 0 || memcmp (known->octets, body.data, body.len) == 0))
            return known;
        if (known->room < body.len || !known->octets) {
            g_free (known->octets);
            known->room = body.len;
            known->octets = g_malloc (body.len + 1);
        }
        if (body.len)
            memcpy (known->octets, body.data, body.len);
    }
    known->len = body.len;
    known->digested = known->json_checked = FALSE;
    return known;
}

static void
put_digest (RspTrace *trace, Known *known, RspSlice body)
{
    RspJsonOut *out = &trace->out;

    rsp_json_literal (out, ",\"sha256\":\"");
    if (!known->digested) {
        struct sha256_ctx ctx;
        guint8 digest[SHA256_DIGEST_SIZE];
        sha256_init (&ctx);
        sha256_update (&ctx, body.len, body.data);
        sha256_digest (&ctx, sizeof digest, digest);
        rsp_json_hex (out, RSP_SLICE_ARRAY (digest));
        memcpy (known->digest, out->data + out->len - DIGEST_TEXT, DIGEST_TEXT);
        known->digested = TRUE;
    } else
        rsp_json_raw (out, known->digest, DIGEST_TEXT);
    rsp_json_literal (out, "\"");
}

static void
put_content (RspTrace *trace, const RspTraceEvent *event)
{
    RspJsonOut *out = &trace->out;
    RspEncoding encoding = event->encoding;
    RspSlice body = event->body;
    Known *known = recall (trace, body);

    if (encoding == RSP_ENC_JSON && body.len > 0) {
        if (!known->json_checked)
            known->json_good = rsp_json_well_formed (body);
        known->json_checked = TRUE;
        if (!known->json_good)
            encoding = RSP_ENC_RAW;
    }
    rsp_json_text_member (out, "encoding", encoding_names[encoding]);
    rsp_json_number_member (out, "bytes", body.len);
    put_digest (trace, known, body);
    if (event->omit_body || !trace->options.bodies)
        return;
    rsp_json_literal (out, ",\"body\":\"");
    if (encoding == RSP_ENC_JSON)
        rsp_json_escape (out, body);
    else
        rsp_json_hex (out, body);
    rsp_json_literal (out, "\"");
}

static void
put_status (RspJsonOut *out, const RspOutcome *status)
{
    gsize before;

    if (!status->http && !status->sw && !status->subject && !status->reason && !status->error)
        return;
    rsp_json_literal (out, ",\"status\":");
    before = out->len;
    if (status->http)
        rsp_json_number_member (out, "http", status->http);
    if (status->sw) {
        guint8 sw[2] = {(guint8)(status->sw >> 8), (guint8)status->sw};
        rsp_json_hex_member (out, "sw", RSP_SLICE_ARRAY (sw));
    }
    rsp_json_text_member (out, "subject", status->subject);
    rsp_json_text_member (out, "reason", status->reason);
    rsp_json_text_member (out, "error", status->error);
    /* Every member begins with a comma; the first one's is the object's brace. */
    out->data[before] = '{';
    rsp_json_literal (out, "}");
}

static void
put_state (RspJsonOut *out, const RspTraceEvent *event)
{
    gsize before;

    if (!event->state_object)
        return;
    rsp_json_literal (out, ",\"state\":");
    before = out->len;
    rsp_json_text_member (out, "object", event->state_object);
    rsp_json_text_member (out, "from", event->state_from);
    rsp_json_text_member (out, "to", event->state_to);
    out->data[before] = '{';
    rsp_json_literal (out, "}");
}

static void
put_fault (RspJsonOut *out, const RspTraceEvent *event)
{
    gsize before;

    if (!event->fault_name)
        return;
    rsp_json_literal (out, ",\"fault\":");
    before = out->len;
    rsp_json_text_member (out, "name", event->fault_name);
    rsp_json_text_member (out, "action", event->fault_action);
    out->data[before] = '{';
    rsp_json_literal (out, "}");
}

static void
put_secret (RspJsonOut *out, const RspTraceEvent *event)
{
    gsize before;

    if (!event->shared_secret && !event->s_enc && !event->s_mac)
        return;
    rsp_json_literal (out, ",\"secret\":");
    before = out->len;
    if (event->shared_secret)
        rsp_json_hex_member (out, "shared_secret", RSP_SLICE (event->shared_secret, 32));
    if (event->s_enc)
        rsp_json_hex_member (out, "s_enc", RSP_SLICE (event->s_enc, 16));
    if (event->s_mac)
        rsp_json_hex_member (out, "s_mac", RSP_SLICE (event->s_mac, 16));
    out->data[before] = '{';
    rsp_json_literal (out, "}");
}

static void
put_position (RspTrace *trace, const RspTraceEvent *event, guint64 seq)
{
    RspJsonOut *out = &trace->out;

    rsp_json_literal (out, "{\"v\":1");
    rsp_json_number_member (out, "seq", seq);
    rsp_json_number_member (out, "t", (guint64)rsp_loop_now (trace->loop));
    rsp_json_text_member (out, "step", trace->step);
    if (seq > 0)
        rsp_json_number_member (out, "cause", trace->cause);
    rsp_json_text_member (out, "kind", kind_names[event->kind]);
    if (event->extra && *event->extra) {
        rsp_json_literal (out, ",");
        rsp_json_raw (out, event->extra, strlen (event->extra));
    }
}

static void
put_message (RspTrace *trace, const RspTraceEvent *event)
{
    RspJsonOut *out = &trace->out;
    const RspFunction *fn = event->function;

    if (fn) {
        rsp_json_text_member (out, "interface", fn->interface_name);
        rsp_json_text_member (out, "function", fn->name);
    }
    rsp_json_text_member (out, "spec", event->spec ? event->spec : fn ? fn->spec : NULL);
    rsp_json_text_member (out, "src", event->src);
    rsp_json_text_member (out, "dst", event->dst);
    if (event->kind == RSP_TRACE_MESSAGE || (event->kind == RSP_TRACE_FAULT && fn))
        rsp_json_text_member (out, "leg", leg_names[event->leg]);
    rsp_json_text_member (out, "stage", stage_names[event->stage]);
    if (event->xid)
        rsp_json_number_member (out, "xid", event->xid);
    rsp_json_text_member (out, "transactionId", event->transaction_id);
    if (event->has_body)
        put_content (trace, event);
    if (event->plain.data && trace->options.bodies)
        rsp_json_hex_member (out, "plain", event->plain);
    put_status (out, &event->status);
}

static void
write_event (RspTrace *trace, const RspTraceEvent *event, guint64 seq)
{
    RspJsonOut *out = &trace->out;

    put_position (trace, event, seq);
    put_message (trace, event);
    put_state (out, event);
    put_fault (out, event);
    rsp_json_text_member (out, "op", event->op);
    rsp_json_text_member (out, "key", event->key);
    rsp_json_text_member (out, "result", event->result);
    if (trace->options.secrets)
        put_secret (out, event);
    rsp_json_literal (out, "}\n");
    /* Where time is real somebody may be watching the file grow. */
    if (out->len >= FLUSH_AT || rsp_loop_is_real (trace->loop))
        flush (trace);
}

guint64
rsp_trace_event (RspTrace *trace, const RspTraceEvent *event)
{
    guint64 seq;

    if (!trace)
        return 0;
    seq = trace->next_seq++;
    if (trace->fd >= 0 && trace->write_error == 0)
        write_event (trace, event, seq);
    for (guint i = 0; i < trace->listeners->len; i++) {
        Listener listener = g_array_index (trace->listeners, Listener, i);
        listener.func (event, seq, listener.data);
    }
    return seq;
}

gboolean
rsp_trace_active (const RspTrace *trace)
{
    return trace && (trace->fd >= 0 || trace->listeners->len > 0);
}

guint64
rsp_trace_set_cause (RspTrace *trace, guint64 seq)
{
    guint64 former;

    if (!trace)
        return 0;
    former = trace->cause;
    trace->cause = seq;
    return former;
}

guint64
rsp_trace_cause (const RspTrace *trace)
{
    return trace ? trace->cause : 0;
}

void
rsp_trace_set_step (RspTrace *trace, const char *file_line)
{
    if (!trace)
        return;
    g_free (trace->step);
    trace->step = g_strdup (file_line);
}

void
rsp_trace_listen (RspTrace *trace, RspTraceListener func, gpointer data)
{
    Listener listener = {func, data};
    if (trace)
        g_array_append_val (trace->listeners, listener);
}
