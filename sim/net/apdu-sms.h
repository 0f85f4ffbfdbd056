/* Short messages to the card: a secured packet as SMS-PP downloads (3GPP TS 23.040, TS 31.115; ETSI
 * TS 102 223 7.1.1). */
#pragma once

#include "sim/core/bytes.h"

/* The data of one ENVELOPE command each; several, as concatenated messages, where PACKET needs
 * them. At most 255: NULL if it needs more. (transfer full) of GBytes. */
GPtrArray *rsp_sms_envelopes (RspSlice packet);
