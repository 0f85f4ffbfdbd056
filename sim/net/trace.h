/* The trace (docs/trace.md, a contract): JSON Lines, fixed key order, one event a line.
 *
 * Every event gets the next seq, the virtual time, the current step and the current cause.
 * Listeners see events whether or not a file is written; with neither, an event costs next to
 * nothing.
 */
#pragma once

#include "asn1/functions.h"
#include "sim/core/bytes.h"
#include "sim/core/loop.h"

typedef enum {
    RSP_TRACE_RUN,
    RSP_TRACE_STEP,
    RSP_TRACE_MESSAGE,
    RSP_TRACE_STATE,
    RSP_TRACE_TIMER,
    RSP_TRACE_FAULT,
    RSP_TRACE_STORE,
    RSP_TRACE_CRYPTO,
    RSP_TRACE_CHECK,
} RspTraceKind;

typedef enum { RSP_STAGE_NONE, RSP_STAGE_SENT, RSP_STAGE_DELIVERED, RSP_STAGE_DROPPED } RspStage;

/* What an answer says of itself; empty members are left out. */
typedef struct {
    guint http;
    guint sw;
    const char *subject, *reason;
    const char *error; /* name of an ASN.1 error code, "timeout", "unresolved", … */
} RspOutcome;

/* One event; zero members are left out of the line. All pointers are borrowed for the call. */
typedef struct {
    RspTraceKind kind;
    const RspFunction *function;
    const char *spec; /* NULL: the function's */
    const char *src, *dst;
    RspLeg leg;
    RspStage stage;
    guint64 xid;
    const char *transaction_id;
    gboolean has_body;  /* encoding, bytes, sha256 and body are written */
    gboolean omit_body; /* …but not the body itself (a delivery that changed nothing) */
    RspEncoding encoding;
    RspSlice body;
    RspSlice plain; /* opened bytes of ES8+ */
    RspOutcome status;
    const char *state_object, *state_from, *state_to;
    const char *fault_name, *fault_action;
    const char *op, *key, *result;               /* crypto, check */
    const guint8 *shared_secret, *s_enc, *s_mac; /* 32, 16, 16 octets; only with --secrets */
    const char *extra; /* further members as JSON text without braces (run, step, timer), or NULL */
} RspTraceEvent;

typedef struct _RspTrace RspTrace;
typedef struct {
    gboolean bodies;  /* write bodies */
    gboolean secrets; /* write secrets; the file gets mode 0600 */
} RspTraceOptions;

/* PATH NULL: no file. */
RspTrace *rsp_trace_new (RspLoop *loop, const char *path, RspTraceOptions options, GError **error);
/* Flushes; FALSE if any write failed. */
gboolean rsp_trace_close (RspTrace *trace, GError **error);
void rsp_trace_free (RspTrace *trace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspTrace, rsp_trace_free)

/* Writes the event, tells the listeners, returns its seq. TRACE may be NULL (returns 0). */
guint64 rsp_trace_event (RspTrace *trace, const RspTraceEvent *event);
/* TRUE if anybody sees events: skip costly preparation otherwise. */
gboolean rsp_trace_active (const RspTrace *trace);

/* Dynamic context: what the following events are caused by, and the scenario step they belong to.
 * Setters return the former value, to be put back. */
guint64 rsp_trace_set_cause (RspTrace *trace, guint64 seq);
guint64 rsp_trace_cause (const RspTrace *trace);
void rsp_trace_set_step (RspTrace *trace, const char *file_line); /* copied; NULL: none */

typedef void (*RspTraceListener) (const RspTraceEvent *event, guint64 seq, gpointer data);
void rsp_trace_listen (RspTrace *trace, RspTraceListener listener, gpointer data);
