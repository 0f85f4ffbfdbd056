/* Groups: an actor with `count: N` stands for N members NAME-0001 … NAME-000N that differ by what
 * counts up. What a step or an expectation says of a group it says of each member. */
#pragma once

#include "sim/core/yaml.h"

/* Members of the actor that ACTORS declares under NAME; 0: none such, or a single actor. */
guint rsp_group_size (const RspYaml *actors, const char *name);
/* The declaration of actor or member NAME; NULL if there is none. *RET_NUMBER (nullable): which
 * member, from 1; 0: no member of a group. */
const RspYaml *rsp_group_declaration (const RspYaml *actors, const char *name, guint *ret_number);
/* The declaration of the group whose member NAME is, whether or not NAME is declared itself; NULL:
 * of none. *RET_NUMBER: which member, from 1. */
const RspYaml *rsp_group_of_member (const RspYaml *actors, const char *name, guint *ret_number);
/* Members that are declared beside their group become what the group makes of them, with their own
 * keys in place of the group's. ACTORS may be of any shape still. */
void rsp_group_resolve_members (RspYaml *actors);
/* "card", 7 → "card-0007". (transfer full) */
char *rsp_group_member (const char *group, guint number);
/* NAME is GROUP itself or begins as its members do; no other actor's name does. */
gboolean rsp_group_has (const char *group, const char *name);
/* NODE as member NUMBER (from 1) has it: `eid`, `iccid` and `imei` counted up from the first
 * member's, $(number) replaced, groups under `at`, `to`, `from` and `euicc` replaced by their
 * members. What is the same for all is shared with NODE. (transfer full) */
RspYaml *rsp_group_instance (const RspYaml *actors, const RspYaml *node, guint number);
/* Members that STEP of this kind is done for, one after the other; 0: it names no group, or does
 * for all of it at once (`spread`). */
guint rsp_group_of_step (const RspYaml *actors, const RspYaml *step);
