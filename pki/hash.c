#include "pki/hash.h"

#include <nettle/sha2.h>

void
rsp_sha256 (const RspSlice *parts, gsize n, guint8 out[RSP_SHA256_SIZE])
{
    struct sha256_ctx ctx;
    sha256_init (&ctx);
    for (gsize i = 0; i < n; i++)
        sha256_update (&ctx, parts[i].len, parts[i].data);
    sha256_digest (&ctx, RSP_SHA256_SIZE, out);
}

void
rsp_hash_cc (const guint8 code_hash[32], RspSlice transaction_id, guint8 out[32])
{
    const RspSlice parts[] = {RSP_SLICE (code_hash, RSP_SHA256_SIZE), transaction_id};
    rsp_sha256 (parts, G_N_ELEMENTS (parts), out);
}
