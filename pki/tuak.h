/* TUAK (3GPP TS 35.231) for the lengths that a USIM's AUTHENTICATE carries, and for the others of
 * its test data. */
#pragma once

#include "sim/core/bytes.h"

typedef struct {
    RspSlice key;  /* 16 or 32 octets */
    RspSlice topc; /* 32 octets */
    guint keccak;  /* permutations */
} RspTuak;

/* f1, or with RESYNC f1*: MAC of SIZE octets (8, 16 or 32). */
void rsp_tuak_mac (const RspTuak *t, const guint8 rand[16], const guint8 sqn[6],
                   const guint8 amf[2], gboolean resync, guint8 *ret_mac, gsize size);
/* f2 to f5. RES of 4, 8, 16 or 32 octets, CK and IK of 16 or 32. */
void rsp_tuak_answer (const RspTuak *t, const guint8 rand[16], guint8 *ret_res, gsize res_size,
                      guint8 *ret_ck, gsize ck_size, guint8 *ret_ik, gsize ik_size,
                      guint8 ret_ak[6]);
/* f5*. */
void rsp_tuak_resync_key (const RspTuak *t, const guint8 rand[16], guint8 ret_ak[6]);
