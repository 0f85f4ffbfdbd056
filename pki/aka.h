/* Authentication and key agreement (3GPP TS 33.102): Milenage (TS 35.206), TUAK (TS 35.231), the
 * XOR test algorithm (TS 34.108 8.1.2); what the card and the authentication centre both compute.
 *
 * P is never RSP_AKA_MAPPED. SQN is a number of 48 bits. Results are secrets: wipe them.
 */
#pragma once

#include "asn1/aka.h"

typedef struct {
    guint8 res[16]; /* f2: P->res_size octets */
    guint8 ck[16], ik[16];
    guint8 ak[6], ak_resync[6]; /* f5, f5* */
} RspAkaAnswer;

/* f1, or with RESYNC f1*. */
void rsp_aka_mac (const RspAkaParameter *p, const guint8 rand[16], guint64 sqn, const guint8 amf[2],
                  gboolean resync, guint8 ret_mac[8]);
/* f2 to f5 and f5*. */
void rsp_aka_answer (const RspAkaParameter *p, const guint8 rand[16], RspAkaAnswer *ret);

/* AUTN = SQN ⊕ AK ‖ AMF ‖ MAC. */
void rsp_aka_autn (const RspAkaParameter *p, const guint8 rand[16], guint64 sqn,
                   const guint8 amf[2], guint8 ret_autn[16]);
/* FALSE: the MAC is wrong. */
gboolean rsp_aka_open_autn (const RspAkaParameter *p, const guint8 rand[16], const guint8 autn[16],
                            guint64 *ret_sqn);
/* AUTS = SQN_MS ⊕ AK* ‖ MAC-S, the MAC over AMF 0000. */
void rsp_aka_auts (const RspAkaParameter *p, const guint8 rand[16], guint64 sqn_ms,
                   guint8 ret_auts[14]);
gboolean rsp_aka_open_auts (const RspAkaParameter *p, const guint8 rand[16], const guint8 auts[14],
                            guint64 *ret_sqn_ms);

/* c2 and c3 of TS 33.102 6.8.1.2. */
void rsp_aka_gsm (const RspAkaParameter *p, const RspAkaAnswer *answer, guint8 ret_sres[4],
                  guint8 ret_kc[8]);
/* "5G:mnc001.mcc001.3gppnetwork.org" (TS 24.501 9.12.1) for MCC and MNC digits. (transfer full) */
char *rsp_serving_network_name (const char *plmn);
/* RES* of 5G AKA (TS 33.501 A.4) for the serving network of this name; RES as the USIM gave it. */
void rsp_aka_res_star (const guint8 ck[16], const guint8 ik[16], RspSlice res,
                       const guint8 rand[16], const char *network, guint8 ret_res_star[16]);
