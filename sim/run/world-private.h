/* The parts of a world's construction; see world.h. */
#pragma once

#include "asn1/saip.h"
#include "sim/run/world.h"

/* Certificates and keys of every actor, deterministic from the world's seed. */
gboolean rsp_world_build_pki (RspWorld *world, GError **error);
/* PROFILE (an entry of `profiles:`) as a package. (transfer full) */
RspProfilePackage *rsp_world_package (RspWorld *world, const RspYaml *profile, GError **error);
/* The content of a RulesAuthorisationTable from `rat:`. (transfer full) */
GBytes *rsp_world_rat (const RspYaml *rat, GError **error);
static inline const char *
rsp_world_text (const RspYaml *map, const char *key, const char *absent)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    return node ? node->text : absent;
}
