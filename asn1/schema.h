/* The types of the modules (asn1/rsp.asn, asn1/pe.asn) as trees that the codec, the printer and the
 * code names walk. They are read from the tables that asn1Parser makes, a format that libtasn1's
 * asn1_static_node fixes. Schemas live as long as the process. Internal to asn1/. */
#pragma once

#include <glib.h>
#include <libtasn1.h>

typedef enum {
    RSP_KIND_ANY,
    RSP_KIND_BITS,
    RSP_KIND_BOOLEAN,
    RSP_KIND_CHOICE,
    RSP_KIND_INTEGER,
    RSP_KIND_LIST, /* SEQUENCE OF */
    RSP_KIND_NULL,
    RSP_KIND_OCTETS,
    RSP_KIND_OID,
    RSP_KIND_SEQUENCE,
    RSP_KIND_UTF8,
} RspKind;

typedef struct _RspSchema RspSchema;
struct _RspSchema {
    const char *name; /* of the component, or of the type */
    const char *type; /* name of the type referred to; "" if written in place */
    RspKind kind;
    guint32 tag;          /* encoded outer tag; 0 for ANY and for a CHOICE without one */
    gboolean is_explicit; /* TAG is a wrapper around a CHOICE or ANY */
    gboolean optional;
    gsize min_size, max_size;  /* octets, or characters of UTF8 */
    const RspSchema *children; /* components, alternatives, or the one element of a LIST */
    guint n_children;
    const asn1_static_node *constants; /* named bits or values; NULL if none */
};

const RspSchema *rsp_schema (const char *type); /* NULL if unknown */
/* Names of the messages' types (asn1/rsp.asn), in the order of the module, NULL-terminated. */
const char *const *rsp_schema_types (void);
/* Can an element with this TAG begin a value of SCHEMA? */
gboolean rsp_schema_starts (const RspSchema *schema, guint32 tag);
/* Name of a named bit or value; NULL if it has none. */
const char *rsp_schema_constant (const RspSchema *schema, gint64 value);
