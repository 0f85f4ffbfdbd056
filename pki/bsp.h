/* Profile protection: BSP (SCP03t), SGP.22 2.6.4 and 5.5; signatures-bsp.md.
 *
 * Keys come out of X9.63 KDF with SHA-256: initial MAC chaining value, S-ENC, S-MAC, 16 octets
 * each. One counter goes up by one for every segment, MAC-only ones included; replacing the keys
 * sets it back to 1. A whole segment TLV is at most 1,020 octets.
 */
#pragma once

#include "sim/core/bytes.h"

#define RSP_BSP_MAX_SEGMENT 1020
/* Largest clear-text that fits one encrypted segment, and one MAC-only segment. */
#define RSP_BSP_MAX_PLAIN_ENC 1007
#define RSP_BSP_MAX_PLAIN_MAC 1008

typedef struct {
    guint8 chaining[16], s_enc[16], s_mac[16];
} RspBspKeys;

/* SharedInfo = keyType ‖ keyLength ‖ LV(hostId) ‖ LV(EID). */
void rsp_bsp_derive (const guint8 shared[32], guint8 key_type, guint8 key_length, RspSlice host_id,
                     const guint8 eid[16], RspBspKeys *ret_keys);

typedef struct _RspBsp RspBsp;
RspBsp *rsp_bsp_new (const RspBspKeys *keys); /* copies; wiped on free */
void rsp_bsp_free (RspBsp *bsp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspBsp, rsp_bsp_free)
void rsp_bsp_replace (RspBsp *bsp, const RspBspKeys *keys); /* ReplaceSessionKeys */

/* Appends one segment TLV (tag 0x86, 0x87: encrypted and MACed; 0x88: MAC only) to OUT. */
void rsp_bsp_protect (RspBsp *bsp, guint8 tag, RspSlice plain, GByteArray *out);

typedef enum { RSP_BSP_OK, RSP_BSP_STRUCTURE, RSP_BSP_SECURITY } RspBspResult;
/* Opens one whole segment TLV, appending the clear text to OUT. STRUCTURE: not such a TLV, too
 * long, no room for the MAC; SECURITY: MAC or padding wrong. Nothing is appended on failure. */
RspBspResult rsp_bsp_open (RspBsp *bsp, guint8 tag, RspSlice segment, GByteArray *out);

/* Primitives, for known-answer tests and card authentication. */
void rsp_aes_cmac (const guint8 key[16], const RspSlice *parts, gsize n, guint8 out[16]);
void rsp_aes_cbc_encrypt (const guint8 key[16], const guint8 iv[16], gsize len, const guint8 *in,
                          guint8 *out);
void rsp_aes_cbc_decrypt (const guint8 key[16], const guint8 iv[16], gsize len, const guint8 *in,
                          guint8 *out);
void rsp_x963_kdf (RspSlice shared, RspSlice shared_info, guint8 *out, gsize len);
