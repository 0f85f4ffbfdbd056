/* What the key files share: the layout of a private key. Not for use outside pki. */
#pragma once

#include "pki/key.h"

#include <nettle/ecc.h>

#define RSP_SCALAR_SIZE 32

struct _RspKey {
    struct ecc_scalar scalar;
    guint8 octets[RSP_SCALAR_SIZE]; /* the scalar, for RFC 6979 and for export */
    guint8 point[RSP_POINT_SIZE];
};

/* Named curves: dotted name of the standards for the content octets of an OID. */
typedef enum { RSP_CURVE_P256, RSP_CURVE_OTHER } RspCurve;
RspCurve rsp_curve_of (RspSlice oid, const char **ret_name);

/* A PEM text of lines of 64 characters. (transfer full) */
char *rsp_pem (RspSlice der, const char *label);
