/* Points of P-256 in their compressed form (SEC 1 2.3.3). */
#pragma once

#include "pki/key.h"

#define RSP_COMPRESSED_SIZE 33

void rsp_point_compress (const guint8 point[RSP_POINT_SIZE], guint8 ret[RSP_COMPRESSED_SIZE]);
/* FALSE: not a compressed point, or not on the curve. */
gboolean rsp_point_decompress (RspSlice compressed, guint8 ret_point[RSP_POINT_SIZE]);
