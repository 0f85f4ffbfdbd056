#include "sim/core/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "sim/core/bytes.h"

G_DEFINE_QUARK (rsp_yaml_error, rsp_yaml_error)

#define MAX_SIZE (4u << 20)
#define MAX_DEPTH 64
#define MAX_NODES 200000

typedef struct {
    yaml_parser_t parser;
    const char *file;
    GHashTable *anchors; /* char * → RspYaml (borrowed), NULL while the node is being built */
    guint nodes;
    GError **error;
} Loader;

static RspYaml *load_node (Loader *loader, yaml_event_t *event, guint depth);

RspYaml *
rsp_yaml_ref (const RspYaml *node)
{
    RspYaml *shared = (RspYaml *)node;
    shared->refs++;
    return shared;
}

void
rsp_yaml_free (RspYaml *node)
{
    if (!node)
        return;
    if (node->refs > 0) {
        node->refs--;
        return;
    }
    g_free (node->text);
    g_free (node->key);
    g_clear_pointer (&node->items, g_ptr_array_unref);
    g_free (node);
}

static void
set_error (GError **error, const char *file, guint line, guint column, int code,
           const char *message)
{
    g_autofree char *place = rsp_escape_text (file, -1, 1000);
    g_autofree char *shown = rsp_escape_text (message, -1, 1000);
    g_set_error (error, RSP_YAML_ERROR, code, "%s:%u:%u: %s", place, line, column, shown);
}

gboolean
rsp_yaml_fail (const RspYaml *node, GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start (args, format);
    message = g_strdup_vprintf (format, args);
    va_end (args);
    set_error (error, node->file, node->line, node->column, RSP_YAML_ERROR_VALUE, message);
    return FALSE;
}

static gpointer G_GNUC_PRINTF (3, 4)
    refuse (Loader *loader, yaml_mark_t mark, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start (args, format);
    message = g_strdup_vprintf (format, args);
    va_end (args);
    set_error (loader->error, loader->file, (guint)mark.line + 1, (guint)mark.column + 1,
               RSP_YAML_ERROR_SYNTAX, message);
    return NULL;
}

static gboolean
next_event (Loader *loader, yaml_event_t *event)
{
    yaml_parser_t *parser = &loader->parser;
    yaml_mark_t mark;

    if (yaml_parser_parse (parser, event))
        return TRUE;
    /* A reader's error has no mark; it stands where the parser stands. */
    mark = parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark;
    if (parser->context && parser->problem)
        refuse (loader, mark, "%s %s", parser->problem, parser->context);
    else
        refuse (loader, mark, "%s", parser->problem ? parser->problem : "out of memory");
    return FALSE;
}

static RspYaml *
new_node (Loader *loader, RspYamlKind kind, yaml_mark_t mark)
{
    RspYaml *node;

    if (++loader->nodes > MAX_NODES)
        return refuse (loader, mark, "more than %u values, aliases expanded", MAX_NODES);
    node = g_new0 (RspYaml, 1);
    node->kind = kind;
    node->file = loader->file;
    node->line = (guint)mark.line + 1;
    node->column = (guint)mark.column + 1;
    if (kind != RSP_YAML_SCALAR)
        node->items = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_yaml_free);
    return node;
}

/* A copy keeps the position of the original: that is where a wrong value must be mended. */
static RspYaml *
copy_node (Loader *loader, const RspYaml *from, guint depth, yaml_mark_t mark)
{
    g_autoptr (RspYaml) node = NULL;

    if (depth > MAX_DEPTH)
        return refuse (loader, mark, "nested more than %u levels deep", MAX_DEPTH);
    node = new_node (loader, from->kind, mark);
    if (!node)
        return NULL;
    node->line = from->line;
    node->column = from->column;
    node->quoted = from->quoted;
    node->text = g_strdup (from->text);
    for (guint i = 0; from->items && i < from->items->len; i++) {
        const RspYaml *item = g_ptr_array_index (from->items, i);
        RspYaml *copy = copy_node (loader, item, depth + 1, mark);
        if (!copy)
            return NULL;
        copy->key = g_strdup (item->key);
        copy->key_line = item->key_line;
        copy->key_column = item->key_column;
        g_ptr_array_add (node->items, copy);
    }
    return g_steal_pointer (&node);
}

static RspYaml *
load_alias (Loader *loader, const yaml_event_t *event, guint depth)
{
    const char *name = (const char *)event->data.alias.anchor;
    gpointer target = NULL;

    if (!g_hash_table_lookup_extended (loader->anchors, name, NULL, &target))
        return refuse (loader, event->start_mark, "unknown alias '%s'", name);
    if (!target)
        return refuse (loader, event->start_mark, "alias '%s' inside its own anchor", name);
    return copy_node (loader, target, depth, event->start_mark);
}

static void
note_anchor (Loader *loader, const yaml_char_t *anchor, RspYaml *node)
{
    if (anchor)
        g_hash_table_insert (loader->anchors, g_strdup ((const char *)anchor), node);
}

static gboolean
tag_allowed (Loader *loader, const yaml_char_t *tag, const char *implied, yaml_mark_t mark)
{
    if (!tag || g_str_equal (tag, implied) || g_str_equal (tag, "!"))
        return TRUE;
    refuse (loader, mark, "not supported: tag %s", (const char *)tag);
    return FALSE;
}

static RspYaml *
load_scalar (Loader *loader, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    gsize length = event->data.scalar.length;
    RspYaml *node;

    if (!tag_allowed (loader, event->data.scalar.tag, YAML_STR_TAG, event->start_mark))
        return NULL;
    if (memchr (value, '\0', length))
        return refuse (loader, event->start_mark, "not supported: NUL in text");
    node = new_node (loader, RSP_YAML_SCALAR, event->start_mark);
    if (!node)
        return NULL;
    node->quoted =
        event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->data.scalar.tag != NULL;
    node->text = g_strndup (value, length);
    note_anchor (loader, event->data.scalar.anchor, node);
    return node;
}

static RspYaml *
load_list (Loader *loader, yaml_event_t *start, guint depth)
{
    g_autoptr (RspYaml) node = NULL;

    if (!tag_allowed (loader, start->data.sequence_start.tag, YAML_SEQ_TAG, start->start_mark))
        return NULL;
    node = new_node (loader, RSP_YAML_LIST, start->start_mark);
    if (!node)
        return NULL;
    note_anchor (loader, start->data.sequence_start.anchor, NULL);
    for (;;) {
        yaml_event_t event;
        RspYaml *item = NULL;
        gboolean end;

        if (!next_event (loader, &event))
            return NULL;
        end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end)
            item = load_node (loader, &event, depth + 1);
        yaml_event_delete (&event);
        if (end)
            break;
        if (!item)
            return NULL;
        g_ptr_array_add (node->items, item);
    }
    note_anchor (loader, start->data.sequence_start.anchor, node);
    return g_steal_pointer (&node);
}

static gboolean
key_allowed (Loader *loader, const yaml_event_t *event, GHashTable *seen)
{
    const char *key = (const char *)event->data.scalar.value;

    if (event->type != YAML_SCALAR_EVENT)
        refuse (loader, event->start_mark, "not supported: a key that is not plain text");
    else if (event->data.scalar.anchor)
        refuse (loader, event->start_mark, "not supported: anchor on a key");
    else if (memchr (key, '\0', event->data.scalar.length))
        refuse (loader, event->start_mark, "not supported: NUL in text");
    else if (g_str_equal (key, "<<") && event->data.scalar.plain_implicit &&
             event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        refuse (loader, event->start_mark, "not supported: merge key <<");
    else if (g_hash_table_contains (seen, key))
        refuse (loader, event->start_mark, "duplicate key '%s'", key);
    else
        return TRUE;
    return FALSE;
}

/* One "key: value" pair; EVENT is the key's. */
static gboolean
load_member (Loader *loader, RspYaml *map, GHashTable *seen, const yaml_event_t *key, guint depth)
{
    yaml_event_t event;
    RspYaml *item;

    if (!key_allowed (loader, key, seen) || !next_event (loader, &event))
        return FALSE;
    item = load_node (loader, &event, depth + 1);
    yaml_event_delete (&event);
    if (!item)
        return FALSE;
    item->key = g_strdup ((const char *)key->data.scalar.value);
    item->key_line = (guint)key->start_mark.line + 1;
    item->key_column = (guint)key->start_mark.column + 1;
    g_ptr_array_add (map->items, item);
    g_hash_table_add (seen, item->key);
    return TRUE;
}

static RspYaml *
load_map (Loader *loader, yaml_event_t *start, guint depth)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
    g_autoptr (RspYaml) node = NULL;

    if (!tag_allowed (loader, start->data.mapping_start.tag, YAML_MAP_TAG, start->start_mark))
        return NULL;
    node = new_node (loader, RSP_YAML_MAP, start->start_mark);
    if (!node)
        return NULL;
    note_anchor (loader, start->data.mapping_start.anchor, NULL);
    for (;;) {
        yaml_event_t event;
        gboolean end, ok;

        if (!next_event (loader, &event))
            return NULL;
        end = event.type == YAML_MAPPING_END_EVENT;
        ok = end || load_member (loader, node, seen, &event, depth);
        yaml_event_delete (&event);
        if (end)
            break;
        if (!ok)
            return NULL;
    }
    note_anchor (loader, start->data.mapping_start.anchor, node);
    return g_steal_pointer (&node);
}

static RspYaml *
load_node (Loader *loader, yaml_event_t *event, guint depth)
{
    if (depth > MAX_DEPTH)
        return refuse (loader, event->start_mark, "nested more than %u levels deep", MAX_DEPTH);
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return load_alias (loader, event, depth);
    case YAML_SCALAR_EVENT:
        return load_scalar (loader, event);
    case YAML_SEQUENCE_START_EVENT:
        return load_list (loader, event, depth);
    case YAML_MAPPING_START_EVENT:
        return load_map (loader, event, depth);
    default:
        return refuse (loader, event->start_mark, "a value is missing");
    }
}

/* Reads one event and compares its type. */
static gboolean
expect_event (Loader *loader, yaml_event_type_t type, const char *otherwise)
{
    yaml_event_t event;
    gboolean ok;

    if (!next_event (loader, &event))
        return FALSE;
    ok = event.type == type;
    if (!ok)
        refuse (loader, event.start_mark, "%s", otherwise);
    yaml_event_delete (&event);
    return ok;
}

static RspYaml *
load_document (Loader *loader)
{
    g_autoptr (RspYaml) root = NULL;
    yaml_event_t event;

    if (!expect_event (loader, YAML_STREAM_START_EVENT, "not a YAML stream") ||
        !expect_event (loader, YAML_DOCUMENT_START_EVENT, "the document is empty") ||
        !next_event (loader, &event))
        return NULL;
    root = load_node (loader, &event, 1);
    yaml_event_delete (&event);
    if (!root || !expect_event (loader, YAML_DOCUMENT_END_EVENT, "more than one value") ||
        !expect_event (loader, YAML_STREAM_END_EVENT, "not supported: more than one document"))
        return NULL;
    return g_steal_pointer (&root);
}

RspYaml *
rsp_yaml_parse (const char *text, gssize len, const char *shown_as, GError **error)
{
    gsize size = len < 0 ? strlen (text) : (gsize)len;
    Loader loader = {.file = rsp_intern (shown_as), .error = error};
    RspYaml *root;

    if (size > MAX_SIZE) {
        set_error (error, loader.file, 1, 1, RSP_YAML_ERROR_SYNTAX, "larger than 4 MiB");
        return NULL;
    }
    if (!yaml_parser_initialize (&loader.parser)) {
        set_error (error, loader.file, 1, 1, RSP_YAML_ERROR_IO, "out of memory");
        return NULL;
    }
    yaml_parser_set_input_string (&loader.parser, (const guint8 *)text, size);
    loader.anchors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    root = load_document (&loader);
    g_hash_table_unref (loader.anchors);
    yaml_parser_delete (&loader.parser);
    return root;
}

/* One octet more than allowed is asked for, so that a larger file shows. */
static GString *
read_file (const char *path, const char **ret_problem)
{
    g_autoptr (GString) text = g_string_sized_new (4096);
    struct stat st;
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    gssize got = 0;
    char buffer[16384];

    *ret_problem = NULL;
    if (fd < 0 || fstat (fd, &st) != 0)
        *ret_problem = g_strerror (errno);
    else if (!S_ISREG (st.st_mode))
        *ret_problem = "not a regular file";
    while (!*ret_problem && text->len <= MAX_SIZE &&
           (got = read (fd, buffer, sizeof buffer)) != 0) {
        if (got > 0)
            g_string_append_len (text, buffer, got);
        else if (errno != EINTR)
            *ret_problem = g_strerror (errno);
    }
    if (fd >= 0)
        close (fd);
    return *ret_problem ? NULL : g_steal_pointer (&text);
}

RspYaml *
rsp_yaml_load (const char *path, const char *shown_as, GError **error)
{
    const char *problem = NULL;
    g_autoptr (GString) text = read_file (path, &problem);

    if (text)
        return rsp_yaml_parse (text->str, (gssize)text->len, shown_as, error);
    set_error (error, shown_as, 1, 1, RSP_YAML_ERROR_IO, problem);
    return NULL;
}
