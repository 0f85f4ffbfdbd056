/* The management API of another eIM, offered beside our own (docs/eim.md): the facilities download,
 * psmo, eco, edr and euicc, with create, lookup, delete and list. */
#pragma once

#include "sim/run/serve-eim.h"

#include <jansson.h>

/* A RspManageFunc; DATA is an RspServedEim. */
guint rsp_manage_facilities (const char *method, const char *path, GBytes *body, GBytes **ret_body,
                             char **ret_location, gpointer data);

/* --- facilities-order.c --- */

/* ORDER of FACILITY (all but euicc) for EID in the keys of an `eim` step. NULL with ERROR: there is
 * something in it that cannot be ordered. (transfer full) */
json_t *rsp_facility_order (const char *facility, const char *eid, const json_t *order,
                            GError **error);
/* ORDER of the facility euicc; CHANGE's point is in *RET_POINT. FALSE with ERROR, and in *RET_WORD
 * what the API calls it. (transfer full) */
gboolean rsp_facility_euicc (const json_t *order, RspEimDeviceChange *ret_change,
                             GBytes **ret_point, const char **ret_word, GError **error);

/* --- facilities-outcome.c --- */

/* What came of a package that is not open any more: a list. (transfer full) */
json_t *rsp_facility_outcome (const RspEimPackageView *package);
/* Hex as the API has it. (transfer full) */
json_t *rsp_facility_hex (RspSlice octets);
