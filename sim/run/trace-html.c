#include "sim/run/trace-view.h"

#include <string.h>

#include "asn1/decode.h"
#include "asn1/functions.h"

/* One page that needs nothing else: each message is a row with its arrow as SVG, and opens to show
 * its body. No script: the browser's own <details> does the opening. */

#define LANE 180
#define MARGIN 90
#define ROW 30

static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                           "<meta http-equiv=\"Content-Security-Policy\" "
                           "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";
static const char style[] =
    "<style>\n"
    ":root{--ink:#222;--paper:#fff;--line:#bbb;--req:#1565c0;--res:#2e7d32;--bad:#c62828;"
    "--odd:#e65100}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#181818;--line:#555;"
    "--req:#64b5f6;--res:#81c784;--bad:#ef9a9a;--odd:#ffb74d}}\n"
    "body{font:14px system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:1em}\n"
    "h1{font-size:1.1em}\n"
    "summary,.row{display:flex;align-items:center;list-style:none;min-width:max-content}\n"
    "summary{cursor:pointer}summary:hover,summary:focus-visible{outline:1px solid var(--line)}\n"
    "time{width:8em;text-align:right;padding-right:1em;font:12px monospace;opacity:.7}\n"
    "svg{display:block}text{font-size:12px;fill:var(--ink);text-anchor:middle}\n"
    ".life{stroke:var(--line)}.req{stroke:var(--req);fill:var(--req)}"
    ".res{stroke:var(--res);fill:var(--res)}.bad{stroke:var(--bad);fill:var(--bad)}"
    ".odd{stroke:var(--odd);fill:var(--odd)}.dash{stroke-dasharray:6 4}\n"
    "pre{margin:.3em 0 .8em 9em;padding:.6em;border:1px solid var(--line);overflow:auto;"
    "max-height:40em;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    ".say{margin:.1em 0 .3em 9em;opacity:.8}.step{margin:1em 0 .3em;font-weight:bold}\n"
    "header{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--line)}\n"
    "</style>\n";

static void
append_escaped (GString *out, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text (text, -1);
    g_string_append (out, escaped);
}

static guint
lane_x (guint lane)
{
    return MARGIN + lane * LANE;
}

static void
begin_row (const RspTraceView *view, GString *out, guint64 t, guint height)
{
    g_string_append_printf (out,
                            "<time>%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT
                            "</time><svg width=\"%u\" height=\"%u\">",
                            t / 1000000, t % 1000000, 2 * MARGIN + LANE * view->lanes->len, height);
    for (guint i = 0; i < view->lanes->len; i++)
        g_string_append_printf (out,
                                "<line class=\"life\" x1=\"%u\" x2=\"%u\" y1=\"0\" y2=\"%u\"/>",
                                lane_x (i), lane_x (i), height);
}

static void
append_label (GString *out, guint x, guint y, const char *text, const char *more)
{
    g_string_append_printf (out, "<text x=\"%u\" y=\"%u\">", x, y);
    append_escaped (out, text);
    if (*more) {
        g_string_append_c (out, ' ');
        append_escaped (out, more);
    }
    g_string_append (out, "</text>");
}

static void
append_arrow (GString *out, const RspTraceItem *item)
{
    const char *look = item->dropped || item->refused ? "bad"
                       : item->faulted                ? "odd"
                       : item->response               ? "res"
                                                      : "req";
    guint a = lane_x (item->src), b = lane_x (item->dst);
    int back = b > a ? -8 : 8;
    guint end = item->dropped ? (guint)((int)b + 2 * back) : b;

    if (a == b) {
        g_string_append_printf (out, "<circle class=\"%s\" cx=\"%u\" cy=\"22\" r=\"4\"/>", look, a);
        return;
    }
    g_string_append_printf (out, "<line class=\"%s%s\" x1=\"%u\" x2=\"%u\" y1=\"22\" y2=\"22\"/>",
                            look, item->response ? " dash" : "", a, end);
    if (item->dropped)
        g_string_append_printf (out, "<path class=\"bad\" d=\"M%u 17l10 10m0 -10l-10 10\"/>",
                                end - 5);
    else
        g_string_append_printf (out, "<path class=\"%s\" d=\"M%u 22l%d -4v8z\"/>", look, b, back);
}

static char *
pretty_json (const char *text)
{
    json_t *json = json_loads (text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *dump, *copy;

    if (!json)
        return g_strdup (text);
    dump = json_dumps (json, JSON_INDENT (2) | JSON_ENCODE_ANY);
    json_decref (json);
    copy = g_strdup (dump ? dump : text);
    free (dump);
    return copy;
}

static char *
pretty_octets (const char *hex, const char *type)
{
    g_autoptr (GBytes) octets = rsp_unhex (hex);
    char *text = NULL;

    if (octets && g_bytes_get_size (octets) > 0) {
        text = type ? rsp_decode (rsp_slice_of (octets), type, FALSE, NULL) : NULL;
        if (!text)
            text = rsp_decode (rsp_slice_of (octets), NULL, FALSE, NULL);
    }
    return text ? text : g_strdup (hex);
}

static void
append_body (GString *out, const RspTraceItem *item, json_t *event, const char *member)
{
    const char *body = json_string_value (json_object_get (event, member));
    const char *encoding = json_string_value (json_object_get (event, "encoding"));
    gboolean is_body = g_str_equal (member, "body");
    const RspFunction *fn = rsp_function_by_name (item->function);
    const char *type =
        fn && is_body ? (item->response ? fn->response_type : fn->request_type) : NULL;
    g_autofree char *text = NULL;

    if (!body)
        return;
    if (is_body && g_strcmp0 (encoding, "json") == 0)
        text = pretty_json (body);
    else if (is_body && g_strcmp0 (encoding, "raw") == 0)
        text = g_strdup (body);
    else
        text = pretty_octets (body, type);
    g_string_append_printf (out, "<pre>%s", is_body ? "" : "opened:\n");
    append_escaped (out, *text ? text : "(empty)");
    g_string_append (out, "</pre>\n");
}

/* What a message says of itself besides its body, as in the file. */
static void
append_facts (GString *out, json_t *event)
{
    static const char *const members[] = {"seq",           "cause",  "stage",    "xid",
                                          "transactionId", "spec",   "encoding", "bytes",
                                          "sha256",        "status", "fault"};
    g_string_append (out, "<pre>");
    for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
        json_t *value = json_object_get (event, members[i]);
        char *dump = value ? json_dumps (value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        if (dump) {
            g_string_append_printf (out, "%s: ", members[i]);
            append_escaped (out, dump);
            g_string_append_c (out, '\n');
        }
        free (dump);
    }
    g_string_append (out, "</pre>\n");
}

static void
append_event (GString *out, const RspTraceItem *item, json_t *event)
{
    if (!event)
        return;
    append_facts (out, event);
    append_body (out, item, event, "body");
    append_body (out, item, event, "plain");
}

static void
append_message (const RspTraceView *view, const RspTraceLook *look, GString *out,
                const RspTraceItem *item)
{
    g_autofree char *sentence = look->explain ? rsp_trace_explain (view, item) : NULL;

    g_string_append (out, "<details><summary>");
    begin_row (view, out, item->t, ROW);
    append_arrow (out, item);
    append_label (out, (lane_x (item->src) + lane_x (item->dst)) / 2, 14, item->function,
                  item->text);
    g_string_append (out, "</svg></summary>\n");
    append_event (out, item, item->sent);
    append_event (out, item, item->delivered);
    g_string_append (out, "</details>\n");
    if (sentence) {
        g_string_append (out, "<p class=\"say\">");
        append_escaped (out, sentence);
        if (item->spec) {
            g_string_append (out, " (");
            append_escaped (out, item->spec);
            g_string_append_c (out, ')');
        }
        g_string_append (out, "</p>\n");
    }
}

static void
append_note (const RspTraceView *view, GString *out, const RspTraceItem *item)
{
    g_string_append (out, "<div class=\"row\">");
    begin_row (view, out, item->t, ROW - 8);
    g_string_append_printf (out, "<circle class=\"%s\" cx=\"%u\" cy=\"11\" r=\"4\"/>",
                            item->refused ? "bad" : "life", lane_x (item->src));
    g_string_append_printf (out, "<text style=\"text-anchor:start\" x=\"%u\" y=\"15\">",
                            lane_x (item->src) + 10);
    append_escaped (out, item->text);
    g_string_append (out, "</text></svg></div>\n");
}

static void
append_names (const RspTraceView *view, GString *out)
{
    g_string_append_printf (
        out, "<header><div class=\"row\"><time>seconds</time><svg width=\"%u\" height=\"24\">",
        2 * MARGIN + LANE * view->lanes->len);
    for (guint i = 0; i < view->lanes->len; i++)
        append_label (out, lane_x (i), 16, g_ptr_array_index (view->lanes, i), "");
    g_string_append (out, "</svg></div></header>\n");
}

void
rsp_trace_write_html (const RspTraceView *view, const RspTraceLook *look, GString *out)
{
    g_string_append (out, head);
    g_string_append (out, "<title>");
    append_escaped (out, view->title);
    g_string_append_printf (out, "</title>\n%s</head><body>\n<h1>", style);
    append_escaped (out, view->title);
    g_string_append (out, "</h1>\n");
    append_names (view, out);
    for (guint i = 0; i < view->items->len; i++) {
        const RspTraceItem *item = g_ptr_array_index (view->items, i);
        if (item->kind == RSP_ITEM_MESSAGE)
            append_message (view, look, out, item);
        else if (item->kind == RSP_ITEM_NOTE)
            append_note (view, out, item);
        else {
            g_string_append (out, "<div class=\"step\">");
            append_escaped (out, item->text);
            g_string_append (out, "</div>\n");
        }
    }
    g_string_append (out, "</body></html>\n");
}
