#include "sim/run/trace-view.h"

#include <string.h>

#include "sim/core/bytes.h"

#define SHOWN 120
#define CONTEXT 24

static char *
dump (json_t *value)
{
    char *text, *copy;

    if (!value)
        return g_strdup ("(absent)");
    text = json_dumps (value, JSON_ENCODE_ANY | JSON_COMPACT);
    copy = g_strdup (text ? text : "(unprintable)");
    free (text);
    return copy;
}

/* Long values are shown from shortly before their first difference. */
static char *
excerpt (const char *text, gsize first)
{
    gsize start = first > CONTEXT ? first - CONTEXT : 0;
    g_autofree char *part = NULL;

    if (strlen (text) <= SHOWN)
        start = 0;
    while (start > 0 && ((guint8)text[start] & 0xc0) == 0x80)
        start--;
    part = rsp_escape_text (text + start, -1, SHOWN);
    return g_strdup_printf ("%s%s", start ? "…" : "", part);
}

static void
print_member (const char *key, json_t *a, json_t *b)
{
    g_autofree char *left = NULL, *right = NULL, *left_part = NULL, *right_part = NULL;
    g_autofree char *name = rsp_escape_text (key, -1, 60);
    gsize first = 0;

    if (a && b && json_equal (a, b))
        return;
    left = dump (a);
    right = dump (b);
    while (left[first] && left[first] == right[first])
        first++;
    left_part = excerpt (left, first);
    right_part = excerpt (right, first);
    printf ("  %s\n    < %s\n    > %s\n", name, left_part, right_part);
}

static void
print_members (json_t *a, json_t *b)
{
    const char *key;
    json_t *value;

    json_object_foreach (a, key, value) print_member (key, value, json_object_get (b, key));
    json_object_foreach (b, key, value) if (!json_object_get (a, key))
        print_member (key, NULL, value);
}

static void
print_place (const char *mark, const char *path, const RspTraceLine *line)
{
    g_autofree char *name = rsp_escape_text (path, -1, 400);
    if (line)
        printf ("%s %s:%u\n", mark, name, line->number);
    else
        printf ("%s %s: ends here\n", mark, name);
}

/* Compares event by event; nothing but the current pair is held. */
static int
compare (RspTraceReader *ra, RspTraceReader *rb, const char *a, const char *b)
{
    for (guint64 n = 0;; n++) {
        RspTraceLine *left = NULL, *right = NULL;
        gboolean good = rsp_trace_reader_next (ra, &left) && rsp_trace_reader_next (rb, &right);
        gboolean end = good && !left && !right;
        gboolean same = good && left && right && json_equal (left->json, right->json);

        if (end)
            printf ("%" G_GUINT64_FORMAT " events, no difference\n", n);
        else if (good && !same) {
            printf ("first difference at event %" G_GUINT64_FORMAT "\n", n);
            print_place ("<", a, left);
            print_place (">", b, right);
            if (left && right)
                print_members (left->json, right->json);
        }
        rsp_trace_line_free (left);
        rsp_trace_line_free (right);
        if (!good)
            return 2;
        if (end || !same)
            return end ? 0 : 1;
    }
}

int
rsp_trace_diff (const char *a, const char *b)
{
    RspTraceReader *ra = rsp_trace_reader_open (a);
    RspTraceReader *rb = ra ? rsp_trace_reader_open (b) : NULL;
    int status = rb ? compare (ra, rb, a, b) : 2;

    rsp_trace_reader_close (ra);
    rsp_trace_reader_close (rb);
    return status;
}
