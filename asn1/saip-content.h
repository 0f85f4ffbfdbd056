/* Natural values to the octets of elementary files (ETSI TS 102 221, 3GPP TS 31.102), for the
 * builder. What a value gives is a list of parts: the records of a record file, or the pieces of a
 * transparent one. */
#pragma once

#include "asn1/tlv.h"
#include "sim/core/yaml.h"

/* Keys of the values: "imsi", "spn", "plmns" …, NULL-terminated. */
const char *const *rsp_saip_value_names (void);
/* RECORD_SIZE: of the file, 0 for a transparent one or where the value decides. Appends GBytes to
 * PARTS. KEY has to be one of rsp_saip_value_names. */
gboolean rsp_saip_value (const char *key, const RspYaml *node, guint record_size, GPtrArray *parts,
                         GError **error);

gboolean rsp_saip_imsi_octets (const char *imsi, guint8 out[9]);
/* The access rules that templates count on: records 1 to 14 of an EF.ARR. */
void rsp_saip_default_rules (GPtrArray *parts);
/* One record of EF.DIR. (transfer full) */
GBytes *rsp_saip_dir_record (RspSlice aid, const char *label);
