/* SHA-256 over several slices in one pass. */
#pragma once

#include "sim/core/bytes.h"

#define RSP_SHA256_SIZE 32
void rsp_sha256 (const RspSlice *parts, gsize n, guint8 out[RSP_SHA256_SIZE]);
/* hashCc (SGP.22 4.7): SHA-256(SHA-256(code) ‖ transactionId). */
void rsp_hash_cc (const guint8 code_hash[32], RspSlice transaction_id, guint8 out[32]);
