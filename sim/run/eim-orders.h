/* From the words of an `eim` step, or of a managing client, to packages of an eIM. */
#pragma once

#include "sim/run/runner.h"

/* A package for EID as ORDER says; its number, 0 with ERROR set. RUN (nullable): fills in what was
 * saved. */
gint64 rsp_order_eim_package (RspRun *run, const RspWorld *world, RspEim *eim, const RspYaml *order,
                              const char *eid, GError **error);
/* The operations that ORDER says, also those in `raw`, as an eUICC package has them. */
GBytes *rsp_encode_eim_operations (RspRun *run, const RspWorld *world, const RspYaml *order,
                                   gboolean *ret_eco, GError **error);
/* OPERATION's `do` may stand among the operations of an eUICC package. */
gboolean rsp_eim_order_is_operation (const RspYaml *operation);
