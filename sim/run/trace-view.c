#include "sim/run/trace-view.h"

#include <errno.h>
#include <string.h>

#include "sim/core/bytes.h"

#define MAX_LINE (16u << 20)
#define MAX_LANES 256
#define MAX_TEXT 160

struct _RspTraceReader {
    FILE *file;
    char *name; /* for messages */
    GString *line;
    guint number;
};

RspTraceReader *
rsp_trace_reader_open (const char *path)
{
    g_autofree char *name = rsp_escape_text (path, -1, 400);
    FILE *file = fopen (path, "re");
    RspTraceReader *reader;

    if (!file) {
        fprintf (stderr, "%s: %s\n", name, g_strerror (errno));
        return NULL;
    }
    reader = g_new0 (RspTraceReader, 1);
    reader->file = file;
    reader->name = g_steal_pointer (&name);
    reader->line = g_string_sized_new (4096);
    return reader;
}

void
rsp_trace_reader_close (RspTraceReader *reader)
{
    if (!reader)
        return;
    fclose (reader->file);
    g_string_free (reader->line, TRUE);
    g_free (reader->name);
    g_free (reader);
}

void
rsp_trace_line_free (RspTraceLine *line)
{
    if (!line)
        return;
    json_decref (line->json);
    g_free (line);
}

static gboolean
complain (const RspTraceReader *reader, const char *what)
{
    g_autofree char *shown = rsp_escape_text (what, -1, 400);
    fprintf (stderr, "%s:%u: %s\n", reader->name, reader->number, shown);
    return FALSE;
}

static gboolean
read_line (RspTraceReader *reader)
{
    int c;

    g_string_truncate (reader->line, 0);
    reader->number++;
    while ((c = getc_unlocked (reader->file)) != EOF && c != '\n') {
        if (reader->line->len == MAX_LINE)
            return complain (reader, "line longer than 16 MiB");
        g_string_append_c (reader->line, (char)c);
    }
    if (ferror (reader->file))
        return complain (reader, g_strerror (errno));
    if (c == EOF && reader->line->len > 0)
        return complain (reader, "the last line is incomplete");
    return TRUE;
}

gboolean
rsp_trace_reader_next (RspTraceReader *reader, RspTraceLine **ret)
{
    json_error_t problem;
    json_t *json;

    *ret = NULL;
    if (!read_line (reader))
        return FALSE;
    if (feof (reader->file))
        return TRUE;
    json = json_loadb (reader->line->str, reader->line->len, JSON_REJECT_DUPLICATES, &problem);
    if (!json)
        return complain (reader, problem.text);
    if (json_integer_value (json_object_get (json, "v")) != 1 ||
        !json_is_string (json_object_get (json, "kind"))) {
        json_decref (json);
        return complain (reader, "not an event of a version 1 trace");
    }
    *ret = g_new0 (RspTraceLine, 1);
    (*ret)->number = reader->number;
    (*ret)->json = json;
    return TRUE;
}

static void
item_free (RspTraceItem *item)
{
    g_free (item->function);
    g_free (item->code);
    g_free (item->text);
    g_free (item->spec);
    g_free (item);
}

void
rsp_trace_view_free (RspTraceView *view)
{
    if (!view)
        return;
    g_ptr_array_unref (view->lines);
    g_ptr_array_unref (view->lanes);
    g_ptr_array_unref (view->items);
    g_hash_table_unref (view->roles);
    g_free (view->title);
    g_free (view);
}

static const char *
text_of (json_t *json, const char *member)
{
    const char *text = json_string_value (json_object_get (json, member));
    return text ? text : "";
}

static gboolean
is (json_t *json, const char *member, const char *value)
{
    return g_str_equal (text_of (json, member), value);
}

static char *
shown (json_t *json, const char *member)
{
    return rsp_escape_text (text_of (json, member), -1, MAX_TEXT);
}

static guint64
number_of (json_t *json, const char *member)
{
    return (guint64)MAX (json_integer_value (json_object_get (json, member)), 0);
}

static guint
lane_of (RspTraceView *view, json_t *json, const char *member)
{
    g_autofree char *name = rsp_escape_text (text_of (json, member), -1, 40);
    const char *actor = *name ? name : "world";

    for (guint i = 0; i < view->lanes->len; i++)
        if (g_str_equal (g_ptr_array_index (view->lanes, i), actor))
            return i;
    /* Too many to draw: the rest shares the last lane. */
    if (view->lanes->len == MAX_LANES)
        return MAX_LANES - 1;
    g_ptr_array_add (view->lanes, g_strdup (actor));
    return view->lanes->len - 1;
}

static RspTraceItem *
add_item (RspTraceView *view, RspTraceItemKind kind, json_t *json)
{
    RspTraceItem *item = g_new0 (RspTraceItem, 1);
    item->kind = kind;
    item->t = number_of (json, "t");
    g_ptr_array_add (view->items, item);
    return item;
}

/* The outcome in the words of the standards; *RET_REFUSED says whether it is a refusal. */
static char *
outcome (json_t *json, gboolean *ret_refused)
{
    json_t *status = json_object_get (json, "status");
    guint64 http = number_of (status, "http");
    const char *sw = text_of (status, "sw"), *subject = text_of (status, "subject");
    const char *error = text_of (status, "error");
    GString *text = g_string_new (NULL);
    gboolean bad_sw = *sw && !g_str_equal (sw, "9000") && !g_str_has_prefix (sw, "61") &&
                      !g_str_has_prefix (sw, "91");
    g_autofree char *raw = NULL;

    if (*subject)
        g_string_append_printf (text, "%s/%s ", subject, text_of (status, "reason"));
    if (*error)
        g_string_append_printf (text, "%s ", error);
    if (bad_sw)
        g_string_append_printf (text, "sw %s ", sw);
    if (http >= 300)
        g_string_append_printf (text, "HTTP %" G_GUINT64_FORMAT " ", http);
    *ret_refused = text->len > 0;
    if (text->len > 0)
        g_string_truncate (text, text->len - 1);
    raw = g_string_free (text, FALSE);
    return rsp_escape_text (raw, -1, MAX_TEXT);
}

static char *
message_key (json_t *json)
{
    return g_strdup_printf ("%" G_GUINT64_FORMAT " %s %s.%s", number_of (json, "xid"),
                            text_of (json, "leg"), text_of (json, "interface"),
                            text_of (json, "function"));
}

static void
describe_message (RspTraceItem *item, json_t *json)
{
    json_t *fault = json_object_get (json, "fault");
    gboolean refused = FALSE;
    g_autofree char *status = outcome (json, &refused);
    GString *text = g_string_new (NULL);

    if (item->response && is (json, "encoding", "der") && *text_of (json, "body")) {
        g_free (item->code);
        item->code = rsp_trace_refusal (item->function, text_of (json, "body"));
    }
    if (!refused && item->code) {
        g_free (status);
        status = g_strdup (item->code);
        refused = TRUE;
    }
    item->dropped |= is (json, "stage", "dropped");
    item->refused |= refused;
    item->faulted |= fault != NULL;
    if (refused)
        g_string_append_printf (text, "✗ %s", status);
    if (item->faulted && fault) {
        g_autofree char *action = shown (fault, "action");
        g_autofree char *name = shown (fault, "name");
        g_string_append_printf (text, "%s%s %s (%s)", text->len ? " " : "",
                                item->dropped ? "✗" : "⚡", action, name);
    } else if (item->dropped && !refused)
        g_string_append (text, "✗ dropped");
    g_free (item->text);
    item->text = g_string_free (text, FALSE);
}

/* One arrow a leg: its sending and its delivery (or loss) are told together. */
static void
add_message (RspTraceView *view, GHashTable *open, json_t *json)
{
    char *key = message_key (json);
    RspTraceItem *item = g_hash_table_lookup (open, key);
    gboolean sent = is (json, "stage", "sent");

    if (!item || sent || item->delivered) {
        g_autofree char *full =
            g_strdup_printf ("%s.%s", text_of (json, "interface"), text_of (json, "function"));
        item = add_item (view, RSP_ITEM_MESSAGE, json);
        item->function = rsp_escape_text (full, -1, MAX_TEXT);
        item->spec = *text_of (json, "spec") ? shown (json, "spec") : NULL;
        item->src = lane_of (view, json, "src");
        item->dst = lane_of (view, json, "dst");
        item->response = is (json, "leg", "response");
    }
    if (sent)
        item->sent = json;
    else
        item->delivered = json;
    describe_message (item, json);
    g_hash_table_replace (open, key, item);
}

static void
add_step (RspTraceView *view, json_t *json)
{
    g_autofree char *where = shown (json, "step");
    g_autofree char *what = shown (json, "do");
    add_item (view, RSP_ITEM_STEP, json)->text = g_strdup_printf ("%s %s", where, what);
}

/* What an event other than a message says, in one line. */
static char *
describe (json_t *json, gboolean *ret_refused)
{
    json_t *state = json_object_get (json, "state"), *fault = json_object_get (json, "fault");
    g_autofree char *status = outcome (json, ret_refused);
    GString *text = g_string_new (text_of (json, "kind"));
    g_autofree char *raw = NULL;
    static const char *const members[] = {"op", "key", "result", NULL};

    if (state) {
        const char *from = text_of (state, "from");
        g_string_printf (text, "%s: %s → %s", text_of (state, "object"), *from ? from : "–",
                         text_of (state, "to"));
    }
    if (*text_of (json, "function"))
        g_string_append_printf (text, " %s.%s", text_of (json, "interface"),
                                text_of (json, "function"));
    if (fault)
        g_string_append_printf (text, " %s (%s)", text_of (fault, "action"),
                                text_of (fault, "name"));
    for (guint i = 0; members[i]; i++)
        if (*text_of (json, members[i]))
            g_string_append_printf (text, " %s", text_of (json, members[i]));
    if (*ret_refused)
        g_string_append_printf (text, " ✗ %s", status);
    raw = g_string_free (text, FALSE);
    return rsp_escape_text (raw, -1, MAX_TEXT);
}

static void
add_note (RspTraceView *view, json_t *json)
{
    RspTraceItem *item = add_item (view, RSP_ITEM_NOTE, json);

    item->text = describe (json, &item->refused);
    item->src = item->dst = lane_of (view, json, "src");
    item->faulted = json_object_get (json, "fault") != NULL;
    item->sent = json;
}

/* An event of nobody's, as the checks at the end of a run are. */
static void
add_remark (RspTraceView *view, json_t *json)
{
    RspTraceItem *item = add_item (view, RSP_ITEM_STEP, json);
    item->text = describe (json, &item->refused);
}

static gboolean
succeeded (json_t *json)
{
    const char *result = text_of (json, "result");
    return !*result || g_str_equal (result, "ok") || g_str_equal (result, "true");
}

static gboolean
wanted (const RspTraceLook *look, json_t *json)
{
    const char *kind = text_of (json, "kind");
    g_autofree char *full =
        g_strdup_printf ("%s.%s", text_of (json, "interface"), text_of (json, "function"));
    gboolean message = g_str_equal (kind, "message");

    if (look->filter)
        return g_pattern_match_simple (look->filter, message ? full : kind);
    if (message)
        return !is (json, "interface", "APDU");
    if (g_str_equal (kind, "crypto"))
        return !succeeded (json);
    /* The message that it struck is marked itself. */
    return !g_str_equal (kind, "store") && !g_str_equal (kind, "fault");
}

static void
set_title (RspTraceView *view, json_t *json)
{
    g_autofree char *scenario = shown (json, "scenario");
    g_autofree char *transport = shown (json, "transport");
    g_autofree char *start = shown (json, "start");
    g_autofree char *version = shown (json, "version");

    g_free (view->title);
    view->title = g_strdup_printf (
        "%s  transport %s, seed %" G_GUINT64_FORMAT ", start %s, version %s",
        *scenario ? scenario : "trace", transport, number_of (json, "seed"), start, version);
}

/* Only an IPA calls SGP.32's functions of the card, and only it and an eIM speak ESipa. */
static void
note_roles (RspTraceView *view, json_t *json)
{
    gboolean esipa = is (json, "interface", "ESipa");
    gboolean pushed = is (json, "function", "TransferEimPackage");
    if (!is (json, "leg", "request") ||
        (!esipa &&
         !(is (json, "interface", "ES10b") && g_str_has_prefix (text_of (json, "spec"), "SGP.32"))))
        return;
    g_hash_table_replace (view->roles, rsp_escape_text (text_of (json, "src"), -1, 40),
                          (gpointer)(pushed ? "eIM" : "IPA"));
    if (esipa)
        g_hash_table_replace (view->roles, rsp_escape_text (text_of (json, "dst"), -1, 40),
                              (gpointer)(pushed ? "IPA" : "eIM"));
}

static void
add_line (RspTraceView *view, const RspTraceLook *look, GHashTable *open, json_t *json)
{
    note_roles (view, json);
    view->steps += is (json, "kind", "step");
    if (is (json, "kind", "run"))
        set_title (view, json);
    else if (view->steps < look->from_step || !wanted (look, json))
        return;
    else if (is (json, "kind", "message"))
        add_message (view, open, json);
    else if (is (json, "kind", "step"))
        add_step (view, json);
    else if (!*text_of (json, "src"))
        add_remark (view, json);
    else
        add_note (view, json);
}

RspTraceView *
rsp_trace_view_load (const char *path, const RspTraceLook *look, gboolean bodies)
{
    RspTraceReader *reader = rsp_trace_reader_open (path);
    g_autoptr (RspTraceView) view = g_new0 (RspTraceView, 1);
    g_autoptr (GHashTable) open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    RspTraceLine *line = NULL;
    gboolean good = reader != NULL;

    view->lines = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_trace_line_free);
    view->lanes = g_ptr_array_new_with_free_func (g_free);
    view->items = g_ptr_array_new_with_free_func ((GDestroyNotify)item_free);
    view->roles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    view->title = g_strdup ("trace");
    while (good && (good = rsp_trace_reader_next (reader, &line)) && line) {
        g_ptr_array_add (view->lines, line);
        add_line (view, look, open, line->json);
        if (!bodies) {
            json_object_del (line->json, "body");
            json_object_del (line->json, "plain");
        }
    }
    rsp_trace_reader_close (reader);
    return good ? g_steal_pointer (&view) : NULL;
}
