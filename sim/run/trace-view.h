/* A trace file read back: its events, and the diagram that they make. For `rspsim trace`.
 *
 * A trace is untrusted input: lines are bounded, every text that an item holds is printable
 * (rsp_escape_text) except what LINE's JSON holds.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdio.h>

typedef struct {
    guint number; /* in the file, from 1 */
    json_t *json;
} RspTraceLine;

typedef enum { RSP_ITEM_MESSAGE, RSP_ITEM_NOTE, RSP_ITEM_STEP } RspTraceItemKind;

typedef struct {
    RspTraceItemKind kind;
    guint64 t;         /* µs */
    guint src, dst;    /* lanes; notes: SRC alone */
    gboolean response; /* messages */
    gboolean dropped, refused, faulted;
    char *function;           /* "ES9+.InitiateAuthentication"; messages only */
    char *code;               /* (nullable) error code inside an ASN.1 answer */
    char *text;               /* note, step; messages: outcome and fault, may be empty */
    char *spec;               /* (nullable) */
    json_t *sent, *delivered; /* (nullable) borrowed from the lines */
} RspTraceItem;

typedef struct {
    GPtrArray *lines;  /* of RspTraceLine */
    GPtrArray *lanes;  /* of char *, actors in order of appearance */
    GPtrArray *items;  /* of RspTraceItem */
    GHashTable *roles; /* name of an actor to "IPA" or "eIM", as its calls show */
    int steps;         /* met so far */
    char *title;       /* from event 0 */
} RspTraceView;

typedef struct {
    const char *filter; /* glob over "Interface.Function" and the other kinds' names; NULL: all but
                         * APDUs, stores and crypto that succeeded */
    int from_step;      /* what was before this step of the scenario, from 1, is not shown */
    gboolean explain, colour;
} RspTraceLook;

/* FALSE after a message "FILE:LINE: …" on standard error. *RET is NULL at the end of the file. */
typedef struct _RspTraceReader RspTraceReader;
RspTraceReader *rsp_trace_reader_open (const char *path);
gboolean rsp_trace_reader_next (RspTraceReader *reader, RspTraceLine **ret);
void rsp_trace_reader_close (RspTraceReader *reader);
void rsp_trace_line_free (RspTraceLine *line);

RspTraceView *rsp_trace_view_load (const char *path, const RspTraceLook *look, gboolean bodies);
void rsp_trace_view_free (RspTraceView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspTraceView, rsp_trace_view_free)

/* The error code inside the answer of FUNCTION (an ASN.1 body in hex); NULL if it holds none. */
char *rsp_trace_refusal (const char *function, const char *body);
/* What a message is for; NULL for a function that the table does not know. (transfer full) */
char *rsp_trace_explain (const RspTraceView *view, const RspTraceItem *item);

void rsp_trace_write_text (const RspTraceView *view, const RspTraceLook *look, GString *out);
void rsp_trace_write_mermaid (const RspTraceView *view, const RspTraceLook *look, GString *out);
void rsp_trace_write_html (const RspTraceView *view, const RspTraceLook *look, GString *out);
/* 0 equal, 1 different, 2 unreadable. */
int rsp_trace_diff (const char *a, const char *b);
