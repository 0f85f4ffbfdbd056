#include "sim/run/trace-view.h"

#include <string.h>

/* A sequence diagram in characters: time, one lifeline an actor, one arrow a message. */

#define TIME_WIDTH 12
#define LANES_WIDTH 86 /* lanes share what 100 columns leave beside the time */
#define MIN_GAP 12
#define MAX_GAP 44

typedef enum { PLAIN, DIM, BOLD, RED, YELLOW, GREEN, CYAN } Ink;

typedef struct {
    gunichar c;
    Ink ink;
} Cell;

typedef struct {
    const RspTraceView *view;
    gboolean colour;
    guint gap;
    GArray *row; /* of Cell */
    GString *out;
} Page;

static const char *const ink_codes[] = {"0", "0;2", "0;1", "0;31", "0;33", "0;32", "0;36"};

static guint
lane_column (const Page *page, guint lane)
{
    return TIME_WIDTH + 2 + lane * page->gap;
}

static void
put (Page *page, guint column, gunichar c, Ink ink)
{
    if (page->row->len <= column)
        g_array_set_size (page->row, column + 1);
    g_array_index (page->row, Cell, column) = (Cell){c, ink};
}

static guint
put_text (Page *page, guint column, const char *text, Ink ink)
{
    for (; *text; text = g_utf8_next_char (text))
        put (page, column++, g_utf8_get_char (text), ink);
    return column;
}

static void
start_row (Page *page)
{
    g_array_set_size (page->row, 0);
    for (guint i = 0; i < page->view->lanes->len; i++)
        put (page, lane_column (page, i), 0x2502, DIM);
}

static void
end_row (Page *page)
{
    guint n = page->row->len;
    Ink ink = PLAIN;

    while (n > 0 && (g_array_index (page->row, Cell, n - 1).c == 0 ||
                     g_array_index (page->row, Cell, n - 1).c == ' '))
        n--;
    for (guint i = 0; i < n; i++) {
        Cell cell = g_array_index (page->row, Cell, i);
        if (page->colour && cell.c && cell.ink != ink) {
            ink = cell.ink;
            g_string_append_printf (page->out, "\033[%sm", ink_codes[ink]);
        }
        g_string_append_unichar (page->out, cell.c ? cell.c : ' ');
    }
    if (ink != PLAIN)
        g_string_append (page->out, "\033[0m");
    g_string_append_c (page->out, '\n');
}

static void
put_time (Page *page, guint64 t)
{
    g_autofree char *text =
        g_strdup_printf ("%5" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT, t / 1000000, t % 1000000);
    put_text (page, 0, text, DIM);
}

static Ink
item_ink (const RspTraceItem *item)
{
    if (item->dropped || item->refused)
        return RED;
    if (item->faulted)
        return YELLOW;
    return item->response ? GREEN : CYAN;
}

static void
put_arrow (Page *page, const RspTraceItem *item, Ink ink)
{
    guint a = lane_column (page, item->src), b = lane_column (page, item->dst);
    guint left = MIN (a, b), right = MAX (a, b);

    for (guint i = left + 1; i < right; i++)
        put (page, i, item->response ? 0x254c : 0x2500, ink);
    /* A lost message does not arrive. */
    if (item->dropped)
        put (page, b > a ? b - 2 : b + 2, 0x2717, RED);
    else
        put (page, b > a ? b - 1 : b + 1, b > a ? 0x25b6 : 0x25c0, ink);
    put (page, a, b > a ? 0x251c : 0x2524, ink);
}

static void
draw_self (Page *page, const RspTraceItem *item, const char *label, Ink ink)
{
    start_row (page);
    put_time (page, item->t);
    put (page, lane_column (page, item->src), 0x21ba, ink);
    put_text (page, lane_column (page, item->src) + 2, label, ink);
    end_row (page);
}

static void
draw_message (Page *page, const RspTraceItem *item)
{
    g_autofree char *label =
        g_strdup_printf (" %s%s%s ", item->function, *item->text ? " " : "", item->text);
    guint a = lane_column (page, item->src), b = lane_column (page, item->dst);
    guint left = MIN (a, b), span = MAX (a, b) - left, width = (guint)g_utf8_strlen (label, -1);
    Ink ink = item_ink (item);

    if (a == b) {
        draw_self (page, item, g_strstrip (label), ink);
        return;
    }
    start_row (page);
    put_time (page, item->t);
    /* A label longer than its arrow stands above it. */
    if (width + 6 > span) {
        put_text (page, left + 1, label, ink);
        end_row (page);
        start_row (page);
        put_arrow (page, item, ink);
    } else {
        put_arrow (page, item, ink);
        put_text (page, left + (span - width) / 2, label, ink);
    }
    end_row (page);
}

static void
draw_explanation (Page *page, const RspTraceItem *item)
{
    g_autofree char *sentence = rsp_trace_explain (page->view, item);
    g_autofree char *text =
        g_strdup_printf ("%s%s%s%s", sentence ? sentence : "", sentence && item->spec ? " (" : "",
                         item->spec ? item->spec : "", sentence && item->spec ? ")" : "");

    if (!*text)
        return;
    start_row (page);
    put_text (page, MIN (lane_column (page, item->src), lane_column (page, item->dst)) + 3, text,
              DIM);
    end_row (page);
}

static void
draw_note (Page *page, const RspTraceItem *item)
{
    Ink ink = item->refused ? RED : item->faulted ? YELLOW : BOLD;

    start_row (page);
    put_time (page, item->t);
    put (page, lane_column (page, item->src), 0x25c6, ink);
    put_text (page, lane_column (page, item->src) + 2, item->text, ink);
    end_row (page);
}

static void
draw_step (Page *page, const RspTraceItem *item)
{
    guint column;

    start_row (page);
    end_row (page);
    g_array_set_size (page->row, 0);
    column = put_text (page, 0, "── ", DIM);
    column = put_text (page, column, item->text, BOLD);
    put_text (page, column, " ──", DIM);
    end_row (page);
}

static void
draw_names (Page *page)
{
    g_array_set_size (page->row, 0);
    for (guint i = 0; i < page->view->lanes->len; i++) {
        const char *name = g_ptr_array_index (page->view->lanes, i);
        g_autofree char *cut =
            g_utf8_substring (name, 0, MIN ((glong)page->gap - 2, g_utf8_strlen (name, -1)));
        guint half = (guint)g_utf8_strlen (cut, -1) / 2;
        put_text (page, lane_column (page, i) - MIN (half, TIME_WIDTH), cut, BOLD);
    }
    end_row (page);
}

void
rsp_trace_write_text (const RspTraceView *view, const RspTraceLook *look, GString *out)
{
    guint n = view->lanes->len;
    Page page = {
        .view = view,
        .colour = look->colour,
        .gap = n > 1 ? CLAMP (LANES_WIDTH / (n - 1), MIN_GAP, MAX_GAP) : MAX_GAP,
        .row = g_array_new (FALSE, TRUE, sizeof (Cell)),
        .out = out,
    };

    g_string_append_printf (out, "%s\n\n", view->title);
    draw_names (&page);
    for (guint i = 0; i < view->items->len; i++) {
        const RspTraceItem *item = g_ptr_array_index (view->items, i);
        if (item->kind == RSP_ITEM_MESSAGE)
            draw_message (&page, item);
        else if (item->kind == RSP_ITEM_STEP)
            draw_step (&page, item);
        else
            draw_note (&page, item);
        if (look->explain && item->kind == RSP_ITEM_MESSAGE)
            draw_explanation (&page, item);
    }
    draw_names (&page);
    g_array_unref (page.row);
}
