/* The parts of a world's construction; see world.h. */
#pragma once

#include "asn1/saip.h"
#include "sim/run/world.h"

/* The certificate in the file that NODE names, whatever it is of. (transfer full) */
GBytes *rsp_world_read_der (const RspWorld *w, const RspYaml *node, GError **error);
/* The certificate under member FILE of MAP and the key under "key"; *RET_KEY NULL: none given. */
gboolean rsp_world_read_pair (const RspWorld *w, const RspYaml *map, const char *file,
                              RspCert **ret_cert, RspKey **ret_key, GError **error);
/* Certificates and keys of every actor, deterministic from the world's seed. */
gboolean rsp_world_build_pki (RspWorld *world, GError **error);
/* The Nth (from 0) of PROFILE (an entry of `profiles:`) as a package. (transfer full) */
RspProfilePackage *rsp_world_package (RspWorld *world, const RspYaml *profile, guint nth,
                                      GError **error);
/* The content of a RulesAuthorisationTable from `rat:`. (transfer full) */
GBytes *rsp_world_rat (const RspYaml *rat, GError **error);
/* EimConfigurationData of an eIM: an actor of the world, or as ENTRY describes it. (transfer full)
 */
GBytes *rsp_world_eim_configuration (const RspWorld *w, const RspYaml *entry, GError **error);
/* `iot:` of a euicc, with what its eIMs give. (transfer full) */
RspEuiccIotConfig *rsp_world_euicc_iot (const RspWorld *w, const RspYaml *card, GError **error);
void rsp_world_euicc_iot_free (RspEuiccIotConfig *config);
/* `preloaded:` of a euicc, of RspEuiccPreloaded; NULL with ERROR. (transfer full) */
GPtrArray *rsp_world_preloaded (const RspWorld *w, const RspYaml *card, GError **error);
/* RSP_SERVICE_BIT of `services:`; 0 if LIST is NULL. */
guint64 rsp_world_services (const RspYaml *list);
static inline const char *
rsp_world_text (const RspYaml *map, const char *key, const char *absent)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    return node ? node->text : absent;
}

/* A value of MAP, or ABSENT. Durations are in µs. */
static inline gint64
rsp_world_number (const RspYaml *map, const char *key, gint64 absent)
{
    gint64 value = absent;
    rsp_yaml_opt_int (map, key, G_MININT64, G_MAXINT64, &value, NULL);
    return value;
}

static inline gboolean
rsp_world_flag (const RspYaml *map, const char *key, gboolean absent)
{
    gboolean value = absent;
    rsp_yaml_opt_bool (map, key, &value, NULL);
    return value;
}

static inline gint64
rsp_world_duration (const RspYaml *map, const char *key, gint64 absent)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    gint64 value = absent;
    if (node)
        rsp_yaml_duration (node, &value, NULL);
    return value;
}

/* NULL-terminated texts of a list, borrowed. (transfer container) */
static inline GPtrArray *
rsp_world_texts (const RspYaml *map, const char *key)
{
    const RspYaml *list = rsp_yaml_get (map, key);
    GPtrArray *texts = g_ptr_array_new ();
    for (guint i = 0; list && i < list->items->len; i++)
        g_ptr_array_add (texts, ((RspYaml *)list->items->pdata[i])->text);
    g_ptr_array_add (texts, NULL);
    return texts;
}

/* PURPOSE: which of the actor's credentials it shows at TLS; NULL: none. */
void rsp_world_set_tls (RspWorld *w, RspWorldActor *a, const char *purpose);
/* Faults that sign again use the key of CREDENTIAL under the name PURPOSE. */
void rsp_world_add_fault_key (RspWorld *w, RspWorldActor *a, const char *purpose,
                              const char *credential);
/* The actor's file in the state folder; NULL without one. (transfer full) */
char *rsp_world_state_path (const RspWorld *w, const RspWorldActor *a, const char *suffix);

/* The packages of the actor's `profiles:`. */
gboolean rsp_world_load_stock (RspWorld *w, const RspWorldActor *a, GError **error);
gboolean rsp_world_start_smdpp (RspWorld *w, RspWorldActor *a, GError **error);
/* LPA is the one of CARD's device. */
void rsp_world_join (RspWorldActor *card, const RspWorldActor *lpa);
/* Brings the LPA of A to life. */
void rsp_world_start_lpa (RspWorld *world, RspWorldActor *a);
/* CARD is among the `devices:` of EIM. */
gboolean rsp_world_manages (const RspWorldActor *eim, const RspWorldActor *card);
gboolean rsp_world_start_eim (RspWorld *w, RspWorldActor *a, GError **error);
gboolean rsp_world_start_ipa (RspWorld *world, RspWorldActor *a, GError **error);
/* CONFIG's downloader becomes ENGINE, made with it. */
RspWorldIpa *rsp_world_ipa_new (const RspActor *actor, const RspLpaConfig *engine,
                                const RspIpaConfig *config, GError **error);
/* The terminal's side of the link to CARD, anew. */
void rsp_world_insert_card (RspWorld *w, RspWorldActor *card);
void rsp_world_ipa_free (RspWorldIpa *ipa);
gboolean rsp_world_start_operator (RspWorld *w, RspWorldActor *a, GError **error);
/* Servers that faults kill come back to life from their databases. */
gboolean rsp_world_prepare_crashes (RspWorld *w, GError **error);
void rsp_world_end_crashes (RspWorld *w);
gboolean rsp_world_start_smds (RspWorld *w, RspWorldActor *a, GError **error);
