/* A tree of YAML values as text. */
#include "sim/core/yaml.h"

#include <string.h>
#include <yaml.h>

#define WIDTH 140
#define SHORT 12 /* values that may stand on one line */

static int
append (void *out, unsigned char *data, size_t size)
{
    g_string_append_len (out, (const char *)data, (gssize)size);
    return 1;
}

static guint
count (const RspYaml *node)
{
    guint n = 1;
    for (guint i = 0; node->items && i < node->items->len; i++)
        n += count (node->items->pdata[i]);
    return n;
}

static void
emit (yaml_emitter_t *emitter, yaml_event_t *event)
{
    if (!yaml_emitter_emit (emitter, event))
        g_error ("YAML: %s", emitter->problem);
}

static void
emit_scalar (yaml_emitter_t *emitter, const char *text, gboolean quoted)
{
    yaml_event_t event;
    yaml_scalar_style_t style =
        quoted || strchr (text, '\n') ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
    yaml_scalar_event_initialize (&event, NULL, NULL, (const yaml_char_t *)text, -1, !quoted, TRUE,
                                  style);
    emit (emitter, &event);
}

static void
emit_node (yaml_emitter_t *emitter, const RspYaml *node, guint depth)
{
    yaml_event_t event;
    gboolean flow = depth > 1 && count (node) <= SHORT;
    if (node->kind == RSP_YAML_SCALAR) {
        emit_scalar (emitter, node->text, node->quoted);
        return;
    }
    if (node->kind == RSP_YAML_MAP)
        yaml_mapping_start_event_initialize (
            &event, NULL, NULL, TRUE, flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
    else
        yaml_sequence_start_event_initialize (
            &event, NULL, NULL, TRUE, flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
    emit (emitter, &event);
    for (guint i = 0; i < node->items->len; i++) {
        const RspYaml *item = node->items->pdata[i];
        if (node->kind == RSP_YAML_MAP)
            emit_scalar (emitter, item->key, FALSE);
        emit_node (emitter, item, depth + 1);
    }
    if (node->kind == RSP_YAML_MAP)
        yaml_mapping_end_event_initialize (&event);
    else
        yaml_sequence_end_event_initialize (&event);
    emit (emitter, &event);
}

char *
rsp_yaml_write (const RspYaml *map)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    GString *out = g_string_new (NULL);
    yaml_emitter_initialize (&emitter);
    yaml_emitter_set_output (&emitter, append, out);
    yaml_emitter_set_unicode (&emitter, 1);
    yaml_emitter_set_width (&emitter, WIDTH);
    yaml_stream_start_event_initialize (&event, YAML_UTF8_ENCODING);
    emit (&emitter, &event);
    yaml_document_start_event_initialize (&event, NULL, NULL, NULL, TRUE);
    emit (&emitter, &event);
    emit_node (&emitter, map, 0);
    yaml_document_end_event_initialize (&event, TRUE);
    emit (&emitter, &event);
    yaml_stream_end_event_initialize (&event);
    emit (&emitter, &event);
    yaml_emitter_delete (&emitter);
    return g_string_free (out, FALSE);
}
