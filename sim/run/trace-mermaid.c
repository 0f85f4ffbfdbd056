#include "sim/run/trace-view.h"

#include <string.h>

/* Mermaid gives meaning to #, ;, : and more: all but plain letters, digits and a few signs becomes
 * an entity code. */
static void
append_safe (GString *out, const char *text)
{
    for (; *text; text = g_utf8_next_char (text)) {
        gunichar c = g_utf8_get_char (text);
        if (c < 0x80 && (g_ascii_isalnum ((char)c) || strchr (" +-./_(),", (char)c)))
            g_string_append_c (out, (char)c);
        else
            g_string_append_printf (out, "#%u;", c);
    }
}

/* The same thing sent again at once, with no answer between: segments of a package. */
static guint
times_sent (const RspTraceView *view, guint at)
{
    const RspTraceItem *first = view->items->pdata[at];
    guint n = 1;
    for (; at + n < view->items->len; n++) {
        const RspTraceItem *next = view->items->pdata[at + n];
        if (next->kind != RSP_ITEM_MESSAGE || next->src != first->src || next->dst != first->dst ||
            next->response != first->response || next->dropped != first->dropped ||
            strcmp (next->function, first->function) != 0 || strcmp (next->text, first->text) != 0)
            break;
    }
    return n;
}

static void
append_message (GString *out, const RspTraceItem *item, guint times)
{
    const char *arrow = item->response ? "-->>" : "->>";

    if (item->dropped)
        arrow = item->response ? "--x" : "-x";
    g_string_append_printf (out, "    p%u%sp%u: ", item->src, arrow, item->dst);
    append_safe (out, item->function);
    if (*item->text) {
        g_string_append_c (out, ' ');
        append_safe (out, item->text);
    }
    if (times > 1)
        g_string_append_printf (out, " (%u times)", times);
    g_string_append_c (out, '\n');
}

static void
append_note (GString *out, guint first, guint last, const char *text)
{
    if (first == last)
        g_string_append_printf (out, "    Note over p%u: ", first);
    else
        g_string_append_printf (out, "    Note over p%u,p%u: ", first, last);
    append_safe (out, text);
    g_string_append_c (out, '\n');
}

void
rsp_trace_write_mermaid (const RspTraceView *view, const RspTraceLook *look, GString *out)
{
    g_string_append (out, "sequenceDiagram\n");
    for (guint i = 0; i < view->lanes->len; i++) {
        g_string_append_printf (out, "    participant p%u as ", i);
        append_safe (out, g_ptr_array_index (view->lanes, i));
        g_string_append_c (out, '\n');
    }
    for (guint i = 0; i < view->items->len; i++) {
        const RspTraceItem *item = g_ptr_array_index (view->items, i);
        g_autofree char *sentence = NULL;

        if (item->kind == RSP_ITEM_NOTE)
            append_note (out, item->src, item->src, item->text);
        else if (item->kind == RSP_ITEM_MESSAGE) {
            guint times = times_sent (view, i);
            append_message (out, item, times);
            i += times - 1;
        } else if (view->lanes->len > 0)
            append_note (out, 0, view->lanes->len - 1, item->text);
        if (look->explain && item->kind == RSP_ITEM_MESSAGE)
            sentence = rsp_trace_explain (view, item);
        if (sentence)
            append_note (out, MIN (item->src, item->dst), MAX (item->src, item->dst), sentence);
    }
}
