/* Object identifiers of CRLs: content octets. Not for use outside pki. */
#pragma once

#include "sim/core/bytes.h"

extern const RspSlice rsp_oid_ce_crl_number, rsp_oid_ce_delta_crl, rsp_oid_ce_issuing_dp,
    rsp_oid_ce_crl_reason;
/* SGP.22 2.23.146.1.2.0.{1, 2, 3} */
extern const RspSlice rsp_oid_crl_expiration, rsp_oid_crl_total_parts, rsp_oid_crl_part;
