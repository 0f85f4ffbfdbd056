/* YAML 1.1 read by libyaml into a tree that keeps file, line and column of every value.
 *
 * Bounded: file ≤ 4 MiB, depth ≤ 64, nodes ≤ 200,000 after aliases are expanded (so alias bombs
 * fail), cycles refused, duplicate keys refused. Errors read FILE:LINE:COL: text.
 */
#pragma once

#include <glib.h>

typedef enum { RSP_YAML_ERROR_IO, RSP_YAML_ERROR_SYNTAX, RSP_YAML_ERROR_VALUE } RspYamlError;
#define RSP_YAML_ERROR (rsp_yaml_error_quark ())
GQuark rsp_yaml_error_quark (void);

typedef enum { RSP_YAML_SCALAR, RSP_YAML_LIST, RSP_YAML_MAP } RspYamlKind;

typedef struct _RspYaml RspYaml;
struct _RspYaml {
    RspYamlKind kind;
    const char *file; /* interned */
    guint line, column;
    gboolean quoted; /* scalar written in quotes: always text */
    char *text;      /* scalar */
    char *key;       /* set on the values of a map */
    guint key_line, key_column;
    GPtrArray *items; /* list: elements; map: values, in file order */
    guint refs;       /* owners beyond the first */
};

RspYaml *rsp_yaml_load (const char *path, const char *shown_as, GError **error); /* whole file */
RspYaml *rsp_yaml_parse (const char *text, gssize len, const char *shown_as, GError **error);
/* MAP as a document that reads back as the same. (transfer full) */
char *rsp_yaml_write (const RspYaml *map);
RspYaml *rsp_yaml_ref (const RspYaml *node); /* a further owner of NODE, for rsp_yaml_free */
void rsp_yaml_free (RspYaml *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspYaml, rsp_yaml_free)

/* Sets ERROR to "FILE:LINE:COL: message" for NODE; always returns FALSE. */
gboolean rsp_yaml_fail (const RspYaml *node, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

const RspYaml *rsp_yaml_get (const RspYaml *map, const char *key); /* (nullable) */
/* Refuses keys outside the NULL-terminated NAMES, with a suggestion where one is close. */
gboolean rsp_yaml_only (const RspYaml *map, const char *const *names, GError **error);

/* Typed readers: FALSE with a positioned error on a wrong type or range. */
gboolean rsp_yaml_text (const RspYaml *node, const char **ret_text, GError **error);
gboolean rsp_yaml_int (const RspYaml *node, gint64 min, gint64 max, gint64 *ret, GError **error);
gboolean rsp_yaml_bool (const RspYaml *node, gboolean *ret, GError **error);
gboolean rsp_yaml_duration (const RspYaml *node, gint64 *ret_us,
                            GError **error); /* 10us 5ms 30s 2m 1h 3d */
gboolean rsp_yaml_hex (const RspYaml *node, GBytes **ret, GError **error);
gboolean rsp_yaml_time (const RspYaml *node, gint64 *ret_unix_us, GError **error); /* ISO 8601, Z */
/* Typed reader of an optional map member: TRUE and *RET untouched when absent. */
gboolean rsp_yaml_opt_text (const RspYaml *map, const char *key, const char **ret, GError **error);
gboolean rsp_yaml_opt_int (const RspYaml *map, const char *key, gint64 min, gint64 max, gint64 *ret,
                           GError **error);
gboolean rsp_yaml_opt_bool (const RspYaml *map, const char *key, gboolean *ret, GError **error);
