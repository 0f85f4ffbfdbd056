#include "sim/run/shape.h"

#include "asn1/functions.h"
#include "asn1/ids.h"
#include "sim/core/bytes.h"

#include <jansson.h>
#include <string.h>

static gboolean
check_name (const RspYaml *node, const char *text, const char *const *names, const char *what,
            GError **error)
{
    if (g_strv_contains (names, text))
        return TRUE;
    const char *near = rsp_suggest (text, names);
    g_autofree char *shown = rsp_escape_text (text, -1, 60);
    if (near)
        return rsp_yaml_fail (node, error, "unknown %s \"%s\"; did you mean \"%s\"?", what, shown,
                              near);
    g_autofree char *all = g_strjoinv (", ", (char **)names);
    if (strlen (all) > 200)
        return rsp_yaml_fail (node, error, "unknown %s \"%s\"", what, shown);
    return rsp_yaml_fail (node, error, "unknown %s \"%s\"; known are %s", what, shown, all);
}

static gboolean
check_number (const RspYaml *node, const char *text, GError **error)
{
    char *end = NULL;
    double value = g_ascii_strtod (text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1))
        return rsp_yaml_fail (node, error, "expected a number from 0 to 1");
    return TRUE;
}

/* Says which check digits would be right, where there are 32 digits (ISO 7064 MOD 97-10). */
static gboolean
fail_eid (const RspYaml *node, const char *text, GError **error)
{
    guint rest = 0;
    if (strlen (text) != 32 || strspn (text, "0123456789") != 32)
        return rsp_yaml_fail (node, error, "expected an EID: 32 digits, in quotes");
    for (guint i = 0; i < 30; i++)
        rest = (rest * 10 + (guint)(text[i] - '0')) % 97;
    return rsp_yaml_fail (node, error, "expected the EID to end with its check digits %02u",
                          98 - rest * 100 % 97);
}

static gboolean
check_scalar (const RspShape *shape, const RspYaml *node, GError **error)
{
    const char *text = NULL;
    gint64 number;
    gboolean flag;
    g_autoptr (GBytes) bytes = NULL;

    switch (shape->kind) {
    case RSP_SHAPE_INT:
        return rsp_yaml_int (node, shape->min, shape->max, &number, error);
    case RSP_SHAPE_BOOL:
        return rsp_yaml_bool (node, &flag, error);
    case RSP_SHAPE_DURATION:
        return rsp_yaml_duration (node, &number, error);
    case RSP_SHAPE_TIME:
        return rsp_yaml_time (node, &number, error);
    case RSP_SHAPE_HEX:
        return rsp_yaml_hex (node, &bytes, error);
    default:
        break;
    }
    if (!rsp_yaml_text (node, &text, error))
        return FALSE;
    switch (shape->kind) {
    case RSP_SHAPE_NUMBER:
        return check_number (node, text, error);
    case RSP_SHAPE_ICCID:
        return rsp_iccid_valid (text) || (shape->partial && g_str_has_prefix (text, "$(")) ||
               rsp_yaml_fail (node, error, "expected an ICCID: 18 to 20 digits, in quotes");
    case RSP_SHAPE_EID:
        return rsp_eid_valid (text) || fail_eid (node, text, error);
    case RSP_SHAPE_FUNCTION:
        return check_name (node, text, rsp_function_names (), "function", error);
    case RSP_SHAPE_ENUM:
        return check_name (node, text, shape->names, shape->what ? shape->what : "word", error);
    default:
        return TRUE;
    }
}

static const RspKeySpec *
find_key (const RspKeySpec *keys, const char *name)
{
    for (; keys && keys->key; keys++)
        if (strcmp (keys->key, name) == 0)
            return keys;
    return NULL;
}

static gboolean
check_keys_known (const RspShape *shape, const RspYaml *node, GError **error)
{
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    for (const RspKeySpec *k = shape->keys; k->key; k++)
        g_ptr_array_add (names, (gpointer)k->key);
    g_ptr_array_add (names, NULL);
    return rsp_yaml_only (node, (const char *const *)names->pdata, error);
}

static gboolean
check_map (const RspShape *shape, const RspYaml *node, GError **error)
{
    const char *what = shape->what ? shape->what : "this";
    if (node->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (node, error, "expected a map (%s)", what);
    if (!check_keys_known (shape, node, error))
        return FALSE;
    if (shape->exactly_one && node->items->len != 1)
        return rsp_yaml_fail (node, error, "%s has exactly one key, this has %u", what,
                              node->items->len);
    for (const RspKeySpec *k = shape->keys; k->key; k++)
        if (k->required && !rsp_yaml_get (node, k->key))
            return rsp_yaml_fail (node, error, "%s needs \"%s\"", what, k->key);
    for (guint i = 0; i < node->items->len; i++) {
        const RspYaml *value = node->items->pdata[i];
        if (!rsp_shape_check (find_key (shape->keys, value->key)->shape, value, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_variant (const RspShape *shape, const RspYaml *node, GError **error)
{
    const char *what = shape->what ? shape->what : "this";
    if (node->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (node, error, "expected a map (%s)", what);
    const RspYaml *which = rsp_yaml_get (node, shape->names[0]);
    if (!which && shape->partial)
        return TRUE;
    if (!which)
        return rsp_yaml_fail (node, error, "%s needs \"%s\"", what, shape->names[0]);
    const char *text = NULL;
    if (!rsp_yaml_text (which, &text, error))
        return FALSE;
    const RspKeySpec *alternative = find_key (shape->keys, text);
    if (!alternative) {
        g_autoptr (GPtrArray) names = g_ptr_array_new ();
        for (const RspKeySpec *k = shape->keys; k->key; k++)
            g_ptr_array_add (names, (gpointer)k->key);
        g_ptr_array_add (names, NULL);
        return check_name (which, text, (const char *const *)names->pdata, shape->names[0], error);
    }
    if (!alternative->shape)
        return rsp_yaml_fail (which, error, "not supported: %s %s", shape->names[0], text);
    return rsp_shape_check (alternative->shape, node, error);
}

gboolean
rsp_shape_check (const RspShape *shape, const RspYaml *node, GError **error)
{
    switch (shape->kind) {
    case RSP_SHAPE_LIST:
        if (node->kind != RSP_YAML_LIST)
            return rsp_yaml_fail (node, error, "expected a list");
        for (guint i = 0; i < node->items->len; i++)
            if (!rsp_shape_check (shape->element, node->items->pdata[i], error))
                return FALSE;
        return TRUE;
    case RSP_SHAPE_NAMED:
        if (node->kind != RSP_YAML_MAP)
            return rsp_yaml_fail (node, error, "expected a map");
        for (guint i = 0; i < node->items->len; i++) {
            const RspYaml *value = node->items->pdata[i];
            const RspKeySpec *reserved = find_key (shape->keys, value->key);
            if (!rsp_shape_check (reserved ? reserved->shape : shape->element, value, error))
                return FALSE;
        }
        return TRUE;
    case RSP_SHAPE_MAP:
        return check_map (shape, node, error);
    case RSP_SHAPE_VARIANT:
        return check_variant (shape, node, error);
    case RSP_SHAPE_EITHER:
        return rsp_shape_check (node->kind == RSP_YAML_SCALAR ? shape->scalar : shape->element,
                                node, error);
    default:
        return check_scalar (shape, node, error);
    }
}

static json_t *schema_of (const RspShape *shape);

static json_t *
schema_map (const RspShape *shape, const char *discriminator, const char *value)
{
    json_t *properties = json_object (), *required = json_array ();
    for (const RspKeySpec *k = shape->keys; k->key; k++) {
        json_t *sub = schema_of (k->shape);
        if (k->doc)
            json_object_set_new (sub, "description", json_string (k->doc));
        if (discriminator && strcmp (k->key, discriminator) == 0)
            json_object_set_new (sub, "const", json_string (value));
        json_object_set_new (properties, k->key, sub);
        if (k->required)
            json_array_append_new (required, json_string (k->key));
    }
    json_t *out = json_pack ("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0,
                             "properties", properties);
    if (json_array_size (required))
        json_object_set (out, "required", required);
    json_decref (required);
    if (shape->exactly_one) {
        json_object_set_new (out, "minProperties", json_integer (1));
        json_object_set_new (out, "maxProperties", json_integer (1));
    }
    return out;
}

static json_t *
schema_names (const char *const *names)
{
    json_t *list = json_array ();
    for (; *names; names++)
        json_array_append_new (list, json_string (*names));
    return json_pack ("{s:o}", "enum", list);
}

/* What overrides a part of an alternative: any of their keys, without the discriminator. */
static json_t *
schema_partial (const RspShape *shape)
{
    json_t *properties = json_object ();
    for (const RspKeySpec *k = shape->keys; k->key; k++)
        for (const RspKeySpec *m = k->shape ? k->shape->keys : NULL; m && m->key; m++)
            if (strcmp (m->key, shape->names[0]) != 0)
                json_object_set_new (properties, m->key, json_object ());
    return json_pack ("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties",
                      properties);
}

static json_t *
schema_variant (const RspShape *shape)
{
    json_t *list = json_array ();
    for (const RspKeySpec *k = shape->keys; k->key; k++)
        if (k->shape)
            json_array_append_new (list, schema_map (k->shape, shape->names[0], k->key));
    if (shape->partial)
        json_array_append_new (list, schema_partial (shape));
    return json_pack ("{s:o}", "oneOf", list);
}

static json_t *
schema_named (const RspShape *shape)
{
    json_t *out = json_pack ("{s:s, s:o}", "type", "object", "additionalProperties",
                             schema_of (shape->element));
    json_t *reserved = json_object ();
    for (const RspKeySpec *k = shape->keys; k && k->key; k++)
        json_object_set_new (reserved, k->key, schema_of (k->shape));
    if (json_object_size (reserved))
        json_object_set (out, "properties", reserved);
    json_decref (reserved);
    return out;
}

static json_t *
schema_of (const RspShape *shape)
{
    switch (shape->kind) {
    case RSP_SHAPE_INT:
        return json_pack ("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)shape->min,
                          "maximum", (json_int_t)shape->max);
    case RSP_SHAPE_NUMBER:
        return json_pack ("{s:s, s:i, s:i}", "type", "number", "minimum", 0, "maximum", 1);
    case RSP_SHAPE_BOOL:
        return json_pack ("{s:s}", "type", "boolean");
    case RSP_SHAPE_DURATION:
        return json_pack ("{s:s, s:s}", "type", "string", "pattern", "^[0-9]+(us|ms|s|m|h|d)$");
    case RSP_SHAPE_TIME:
        return json_pack ("{s:s, s:s}", "type", "string", "pattern",
                          "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$");
    case RSP_SHAPE_HEX:
        return json_pack ("{s:s, s:s}", "type", "string", "pattern", "^([0-9A-Fa-f]{2})*$");
    case RSP_SHAPE_ICCID:
        return json_pack ("{s:s, s:s}", "type", "string", "pattern",
                          shape->partial ? "^([0-9]{18,20}F?|[$][(].*)$" : "^[0-9]{18,20}F?$");
    case RSP_SHAPE_EID:
        return json_pack ("{s:s, s:s}", "type", "string", "pattern", "^[0-9]{32}$");
    case RSP_SHAPE_FUNCTION:
        return schema_names (rsp_function_names ());
    case RSP_SHAPE_ENUM:
        return schema_names (shape->names);
    case RSP_SHAPE_LIST:
        return json_pack ("{s:s, s:o}", "type", "array", "items", schema_of (shape->element));
    case RSP_SHAPE_NAMED:
        return schema_named (shape);
    case RSP_SHAPE_MAP:
        return schema_map (shape, NULL, NULL);
    case RSP_SHAPE_VARIANT:
        return schema_variant (shape);
    case RSP_SHAPE_EITHER:
        return json_pack ("{s:[o, o]}", "oneOf", schema_of (shape->scalar),
                          schema_of (shape->element));
    default:
        return json_pack ("{s:[s, s, s]}", "type", "string", "integer", "number");
    }
}

char *
rsp_shape_schema (const RspShape *shape, const char *title)
{
    json_t *body = schema_of (shape);
    json_t *root = json_pack ("{s:s, s:s}", "$schema",
                              "https://json-schema.org/draft/2020-12/schema", "title", title);
    json_object_update (root, body);
    json_decref (body);
    char *text = json_dumps (root, JSON_INDENT (1));
    char *out = g_strconcat (text, "\n", NULL);
    free (text);
    json_decref (root);
    return out;
}
