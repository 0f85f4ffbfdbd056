#include "pki/tuak.h"

#include <nettle/sha3.h>
#include <string.h>

/* Octets of the permutation's state. */
enum { AT_TOPC = 0, AT_INSTANCE = 32, AT_NAME = 33, AT_RAND = 40, AT_AMF = 56, AT_SQN = 58 };
enum { AT_KEY = 64, AT_PADDING = 96, AT_LAST = 135, STATE = 200 };
enum { AT_RES = 0, AT_CK = 32, AT_IK = 64, AT_AK = 96 };

/* TUAK numbers its bits from the other end than Keccak does. */
static void
put (guint8 *state, gsize at, const guint8 *data, gsize n)
{
    for (gsize i = 0; i < n; i++)
        state[at + i] = data[n - 1 - i];
}

static void
get (const guint8 *state, gsize at, guint8 *out, gsize n)
{
    for (gsize i = 0; i < n; i++)
        out[i] = state[at + n - 1 - i];
}

static void
permute (guint8 *state, guint times)
{
    struct sha3_state s;
    for (guint i = 0; i < STATE / 8; i++) {
        s.a[i] = 0;
        for (guint k = 0; k < 8; k++)
            s.a[i] |= (guint64)state[8 * i + k] << 8 * k;
    }
    for (guint i = 0; i < times; i++)
        sha3_permute (&s);
    for (guint i = 0; i < STATE; i++)
        state[i] = (guint8)(s.a[i / 8] >> 8 * (i % 8));
    rsp_wipe (&s, sizeof s);
}

static void
run (const RspTuak *t, guint8 instance, const guint8 rand[16], const guint8 *sqn, const guint8 *amf,
     guint8 state[STATE])
{
    memset (state, 0, STATE);
    put (state, AT_TOPC, t->topc.data, 32);
    state[AT_INSTANCE] = instance | (t->key.len == 32 ? 1 : 0);
    put (state, AT_NAME, (const guint8 *)"TUAK1.0", 7);
    put (state, AT_RAND, rand, 16);
    if (sqn) {
        put (state, AT_AMF, amf, 2);
        put (state, AT_SQN, sqn, 6);
    }
    put (state, AT_KEY, t->key.data, t->key.len);
    state[AT_PADDING] = 0x1F;
    state[AT_LAST] = 0x80;
    permute (state, t->keccak);
}

void
rsp_tuak_mac (const RspTuak *t, const guint8 rand[16], const guint8 sqn[6], const guint8 amf[2],
              gboolean resync, guint8 *ret_mac, gsize size)
{
    guint8 state[STATE];
    run (t, (guint8)((resync ? 0x80 : 0) | size), rand, sqn, amf, state);
    get (state, AT_RES, ret_mac, size);
    rsp_wipe (state, sizeof state);
}

void
rsp_tuak_answer (const RspTuak *t, const guint8 rand[16], guint8 *ret_res, gsize res_size,
                 guint8 *ret_ck, gsize ck_size, guint8 *ret_ik, gsize ik_size, guint8 ret_ak[6])
{
    guint8 state[STATE];
    guint8 lengths = (guint8)(res_size == 4 ? 0 : res_size);
    guint8 keys = (guint8)((ck_size == 32 ? 4 : 0) | (ik_size == 32 ? 2 : 0));
    run (t, 0x40 | lengths | keys, rand, NULL, NULL, state);
    get (state, AT_RES, ret_res, res_size);
    get (state, AT_CK, ret_ck, ck_size);
    get (state, AT_IK, ret_ik, ik_size);
    get (state, AT_AK, ret_ak, 6);
    rsp_wipe (state, sizeof state);
}

void
rsp_tuak_resync_key (const RspTuak *t, const guint8 rand[16], guint8 ret_ak[6])
{
    guint8 state[STATE];
    run (t, 0xC0, rand, NULL, NULL, state);
    get (state, AT_AK, ret_ak, 6);
    rsp_wipe (state, sizeof state);
}
