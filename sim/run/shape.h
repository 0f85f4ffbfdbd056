/* Shapes: what a YAML value must look like. The scenario language is written down once as shapes
 * (language.c); from them come the checks, the suggestions and the JSON Schema. Shapes are static.
 */
#pragma once

#include "sim/core/yaml.h"

typedef struct _RspShape RspShape;
typedef struct _RspKeySpec RspKeySpec;

typedef enum {
    RSP_SHAPE_TEXT,
    RSP_SHAPE_INT,
    RSP_SHAPE_NUMBER, /* 0 … 1 */
    RSP_SHAPE_BOOL,
    RSP_SHAPE_DURATION, /* 5ms, 30s, 1h */
    RSP_SHAPE_TIME,     /* "2025-01-01T00:00:00Z" */
    RSP_SHAPE_HEX,
    RSP_SHAPE_ICCID,
    RSP_SHAPE_EID,
    RSP_SHAPE_FUNCTION, /* a full name of the message table */
    RSP_SHAPE_ENUM,
    RSP_SHAPE_LIST,    /* of element */
    RSP_SHAPE_MAP,     /* of keys */
    RSP_SHAPE_NAMED,   /* free keys, each an element; `keys` are reserved ones */
    RSP_SHAPE_VARIANT, /* a map whose key `names[0]` says which of variants */
    RSP_SHAPE_EITHER,  /* scalar, or element where it is a list or a map */
} RspShapeKind;

struct _RspKeySpec {
    const char *key;
    const RspShape *shape;
    gboolean required;
    const char *doc; /* one line, for the schema and `rspsim list` */
};

struct _RspShape {
    RspShapeKind kind;
    gint64 min, max;          /* INT */
    const char *const *names; /* ENUM; VARIANT: {discriminator, NULL} */
    const RspKeySpec *keys;   /* MAP; VARIANT: alternatives by value, ended by a NULL key */
    const RspShape *element;  /* LIST, NAMED, EITHER */
    const RspShape *scalar;   /* EITHER */
    gboolean exactly_one;     /* MAP: one key and no more */
    gboolean partial;         /* VARIANT: may lack the discriminator; checked when complete. ICCID:
                               * or $(name) */
    const char *what;         /* for messages: "a step" */
};

/* Checks NODE and everything below it. */
gboolean rsp_shape_check (const RspShape *shape, const RspYaml *node, GError **error);
/* JSON Schema (draft 2020-12) text of SHAPE. (transfer full) */
char *rsp_shape_schema (const RspShape *shape, const char *title);
