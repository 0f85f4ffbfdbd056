#include "sim/core/rng.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

#include "sim/core/bytes.h"

struct _RspRng {
    gboolean system;
    guint8 key[SHA256_DIGEST_SIZE];
    guint8 block[SHA256_DIGEST_SIZE];
    guint used; /* octets of BLOCK already handed out */
    guint64 counter;
};

static void
put_u64 (guint8 out[8], guint64 value)
{
    value = GUINT64_TO_BE (value);
    memcpy (out, &value, 8);
}

static void
hash_u64 (struct sha256_ctx *ctx, guint64 value)
{
    guint8 octets[8];
    put_u64 (octets, value);
    sha256_update (ctx, sizeof octets, octets);
}

/* Lengths go in front, so that no two (actor, purpose) pairs give the same input. */
static void
hash_text (struct sha256_ctx *ctx, const char *text)
{
    gsize len = strlen (text);
    hash_u64 (ctx, len);
    sha256_update (ctx, len, (const guint8 *)text);
}

RspRng *
rsp_rng_new (guint64 seed, const char *actor, const char *purpose, guint64 incarnation)
{
    RspRng *rng = g_new0 (RspRng, 1);
    struct sha256_ctx ctx;

    sha256_init (&ctx);
    hash_text (&ctx, "rspsim stream 1");
    hash_u64 (&ctx, seed);
    hash_text (&ctx, actor);
    hash_text (&ctx, purpose);
    hash_u64 (&ctx, incarnation);
    sha256_digest (&ctx, sizeof rng->key, rng->key);
    rsp_wipe (&ctx, sizeof ctx);
    rng->used = sizeof rng->block;
    return rng;
}

RspRng *
rsp_rng_new_system (void)
{
    RspRng *rng = g_new0 (RspRng, 1);
    rng->system = TRUE;
    return rng;
}

void
rsp_rng_free (RspRng *rng)
{
    if (!rng)
        return;
    rsp_wipe (rng, sizeof *rng);
    g_free (rng);
}

static void
fill_system (guint8 *out, gsize len)
{
    while (len > 0) {
        gssize got = getrandom (out, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        /* Going on without randomness would hand out keys that anybody can guess. */
        if (got <= 0)
            g_error ("the system's random source failed: %s", g_strerror (errno));
        out += got;
        len -= (gsize)got;
    }
}

/* Key and counter fit one SHA-256 block with its padding. */
static void
next_block (RspRng *rng)
{
    struct sha256_ctx ctx;

    sha256_init (&ctx);
    sha256_update (&ctx, sizeof rng->key, rng->key);
    hash_u64 (&ctx, rng->counter++);
    sha256_digest (&ctx, sizeof rng->block, rng->block);
    rng->used = 0;
}

void
rsp_rng_fill (RspRng *rng, void *out, gsize len)
{
    guint8 *at = out;

    if (rng->system) {
        fill_system (at, len);
        return;
    }
    while (len > 0) {
        if (rng->used == sizeof rng->block)
            next_block (rng);
        gsize n = MIN (len, sizeof rng->block - rng->used);
        memcpy (at, rng->block + rng->used, n);
        memset (rng->block + rng->used, 0, n);
        rng->used += (guint)n;
        at += n;
        len -= n;
    }
}

guint32
rsp_rng_below (RspRng *rng, guint32 bound)
{
    guint32 value, limit;

    g_assert (bound > 0);
    /* Values from the last, incomplete run of BOUND are drawn again: no residue is favoured. */
    limit = G_MAXUINT32 - (G_MAXUINT32 % bound + 1) % bound;
    do {
        rsp_rng_fill (rng, &value, sizeof value);
        value = GUINT32_FROM_BE (value);
    } while (value > limit);
    return value % bound;
}
