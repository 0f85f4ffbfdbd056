#include "sim/run/groups.h"
#include "sim/run/network.h"
#include "sim/run/world-private.h"

#include "pki/hash.h"
#include "sim/net/https.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_START G_GINT64_CONSTANT (1735689600) /* 2025-01-01T00:00:00Z */

gint64
rsp_world_start (const RspScenario *s)
{
    const RspYaml *start = rsp_yaml_get (s->world, "start");
    gint64 us = DEFAULT_START * G_USEC_PER_SEC;
    if (start)
        rsp_yaml_time (start, &us, NULL);
    return us;
}

/* --- life --------------------------------------------------------------------------------------
 */

static void
credential_free (RspWorldCredential *c)
{
    g_free (c->purpose);
    rsp_cert_unref (c->cert);
    rsp_key_free (c->key);
    g_free (c);
}

static void
actor_free (RspWorldActor *a)
{
    rsp_loop_cancel (a->base.loop, a->restart);
    switch (a->role) {
    case RSP_ACTOR_CI:
        g_clear_pointer (&a->ci, rsp_ci_free);
        break;
    case RSP_ACTOR_EUM:
        g_clear_pointer (&a->eum, rsp_eum_free);
        break;
    case RSP_ACTOR_OPERATOR:
        g_clear_pointer (&a->op, rsp_operator_free);
        break;
    case RSP_ACTOR_SMDPP:
        g_clear_pointer (&a->smdpp, rsp_smdpp_free);
        break;
    case RSP_ACTOR_SMDS:
        g_clear_pointer (&a->smds, rsp_smds_free);
        break;
    case RSP_ACTOR_EIM:
        g_clear_pointer (&a->eim, rsp_eim_free);
        break;
    case RSP_ACTOR_EUICC:
        g_clear_pointer (&a->link, rsp_apdu_link_free);
        g_clear_pointer (&a->euicc, rsp_euicc_free);
        break;
    case RSP_ACTOR_IPA:
        g_clear_pointer (&a->modem, rsp_modem_free);
        g_clear_pointer (&a->ipa, rsp_world_ipa_free);
        break;
    case RSP_ACTOR_LPA:
        g_clear_pointer (&a->modem, rsp_modem_free);
        g_clear_pointer (&a->lpa, rsp_lpa_free);
        break;
    }
    g_ptr_array_unref (a->roots);
    g_clear_pointer (&a->known_clients, g_ptr_array_unref);
    g_ptr_array_unref (a->base.crls);
    g_clear_pointer (&a->given, g_bytes_unref);
    g_ptr_array_unref (a->credentials);
    rsp_yaml_free (a->yaml);
    g_free (a);
}

static void
package_free (RspWorldPackage *p)
{
    g_free (p->iccid);
    rsp_profile_package_free (p->package);
    g_free (p);
}

void
rsp_world_free (RspWorld *w)
{
    if (!w)
        return;
    g_clear_pointer (&w->network, rsp_network_free);
    if (w->transport) {
        rsp_bus_set_transport (w->bus, NULL);
        rsp_https_transport_free (w->transport);
    }
    /* LPAs before cards, cards before what signed them. */
    for (guint i = w->actors->len; i > 0; i--)
        g_ptr_array_remove_index (w->actors, i - 1);
    g_ptr_array_unref (w->actors);
    g_ptr_array_unref (w->cis);
    g_hash_table_unref (w->devices);
    g_hash_table_unref (w->by_name);
    g_hash_table_unref (w->by_iccid);
    g_ptr_array_unref (w->packages);
    rsp_world_end_crashes (w);
    g_clear_pointer (&w->documents, g_hash_table_unref);
    g_clear_pointer (&w->bus, rsp_bus_free);
    g_free (w);
}

RspWorldActor *
rsp_world_actor (const RspWorld *w, const char *name)
{
    return g_hash_table_lookup (w->by_name, name);
}

GPtrArray *
rsp_world_members (const RspWorld *w, const char *name)
{
    GPtrArray *members = g_ptr_array_new ();
    RspWorldActor *a = rsp_world_actor (w, name);
    guint n = a ? 0 : rsp_group_size (rsp_yaml_get (w->scenario->world, "actors"), name);
    if (a)
        g_ptr_array_add (members, a);
    for (guint number = 1; number <= n; number++) {
        g_autofree char *member = rsp_group_member (name, number);
        g_ptr_array_add (members, rsp_world_actor (w, member));
    }
    return members;
}

RspWorldCredential *
rsp_world_credential (const RspWorldActor *a, const char *purpose)
{
    for (guint i = 0; i < a->credentials->len; i++) {
        RspWorldCredential *c = a->credentials->pdata[i];
        if (strcmp (c->purpose, purpose) == 0)
            return c;
    }
    return NULL;
}

/* --- actors ------------------------------------------------------------------------------------
 */

static RspActorRole
role_of (const RspYaml *yaml)
{
    static const char *const names[] = {"ci",  "eum",  "operator", "smdpp", "euicc",
                                        "lpa", "smds", "eim",      "ipa",   NULL};
    const char *text = rsp_yaml_get (yaml, "role")->text;
    guint i = 0;
    while (strcmp (names[i], text) != 0)
        i++;
    return (RspActorRole)i;
}

/* Takes YAML. */
static RspWorldActor *
add_actor (RspWorld *w, RspYaml *yaml)
{
    const RspYaml *card = rsp_yaml_get (yaml, "euicc");
    RspWorldActor *a = g_new0 (RspWorldActor, 1);
    a->base = (RspActor){.name = yaml->key,
                         .loop = w->options.loop,
                         .bus = w->bus,
                         .trace = w->options.trace,
                         .seed = w->seed,
                         .incarnation = w->incarnation,
                         .system_random = w->options.system_random};
    a->role = role_of (yaml);
    a->yaml = yaml;
    a->credentials = g_ptr_array_new_with_free_func ((GDestroyNotify)credential_free);
    a->base.crls = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_crl_unref);
    a->roots = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_cert_unref);
    g_ptr_array_add (w->actors, a);
    g_hash_table_insert (w->by_name, (gpointer)a->base.name, a);
    if (card)
        g_hash_table_insert (w->devices, card->text, a);
    if (a->role == RSP_ACTOR_CI)
        g_ptr_array_add (w->cis, a);
    return a;
}

/* What GROUP makes of its member NUMBER, unless that one is declared itself. (transfer full) */
static RspYaml *
member_of (const RspYaml *actors, const RspYaml *group, guint number)
{
    g_autofree char *name = rsp_group_member (group->key, number);
    const RspYaml *own = rsp_yaml_get (actors, name);
    if (own)
        return rsp_yaml_ref (own);
    RspYaml *member = rsp_group_instance (actors, group, number);
    g_free (member->key);
    member->key = g_steal_pointer (&name);
    return member;
}

static void
add_actors (RspWorld *w, const RspYaml *actors)
{
    for (guint i = 0; i < actors->items->len; i++) {
        const RspYaml *yaml = actors->items->pdata[i];
        guint n = rsp_group_size (actors, yaml->key), number;
        if (!n && !rsp_group_of_member (actors, yaml->key, &number))
            add_actor (w, rsp_yaml_ref (yaml));
        for (number = 1; number <= n; number++)
            add_actor (w, member_of (actors, yaml, number))->group = yaml->key;
    }
}

void
rsp_world_set_tls (RspWorld *w, RspWorldActor *a, const char *purpose)
{
    RspWorldCredential *c = purpose ? rsp_world_credential (a, purpose) : NULL;
    a->tls = (RspCredential){.cert = c ? c->cert : NULL,
                             .key = c ? c->key : NULL,
                             .roots = a->roots,
                             .crls = a->base.crls};
    a->tls.clients = a->known_clients;
    rsp_bus_set_credential (w->bus, a->base.name, &a->tls);
}

void
rsp_world_add_fault_key (RspWorld *w, RspWorldActor *a, const char *purpose, const char *credential)
{
    RspWorldCredential *c = rsp_world_credential (a, credential);
    if (w->options.faults && c)
        rsp_faults_add_key (w->options.faults, a->base.name, purpose, c->key);
}

char *
rsp_world_state_path (const RspWorld *w, const RspWorldActor *a, const char *suffix)
{
    if (!w->folder)
        return NULL;
    g_autofree char *name = g_strconcat (a->base.name, suffix, NULL);
    return g_build_filename (w->folder, name, NULL);
}

static gboolean
read_version (const RspYaml *node, guint8 out[3], GError **error)
{
    guint v[3];
    char rest;
    if (!node)
        return TRUE;
    if (sscanf (node->text, "%3u.%3u.%3u%c", &v[0], &v[1], &v[2], &rest) != 3 || v[0] > 255 ||
        v[1] > 255 || v[2] > 255)
        return rsp_yaml_fail (node, error, "expected a version such as \"2.6.0\"");
    for (guint i = 0; i < 3; i++)
        out[i] = (guint8)v[i];
    return TRUE;
}

void
rsp_world_insert_card (RspWorld *w, RspWorldActor *card)
{
    const RspWorldActor *device = g_hash_table_lookup (w->devices, card->base.name);
    guint segment = device ? (guint)rsp_world_number (device->yaml, "segment-size", 255) : 255;
    g_clear_pointer (&card->link, rsp_apdu_link_free);
    card->link = rsp_apdu_link_new (w->bus, card->base.name, segment);
    if (device)
        rsp_world_join (card, device);
}

static gboolean
start_euicc (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspYaml *rat_yaml = rsp_yaml_get (a->yaml, "rat");
    const RspYaml *twist = rsp_yaml_get (a->yaml, "certificate");
    RspWorldCredential *c = rsp_world_credential (a, "euicc");
    g_autofree char *path = rsp_world_state_path (w, a, ".nvm");
    g_autoptr (GBytes) rat = rat_yaml ? rsp_world_rat (rat_yaml, error) : NULL;
    if (rat_yaml && !rat)
        return FALSE;
    const char *by = rsp_yaml_get (a->yaml, "certified-by")->text;
    if (twist)
        by = rsp_world_text (twist, "issued-by", by);
    RspEuiccIotConfig *iot =
        rsp_yaml_get (a->yaml, "iot") ? rsp_world_euicc_iot (w, a->yaml, error) : NULL;
    if (rsp_yaml_get (a->yaml, "iot") && !iot)
        return FALSE;
    g_autoptr (GPtrArray) preloaded = rsp_world_preloaded (w, a->yaml, error);
    if (!preloaded) {
        rsp_world_euicc_iot_free (iot);
        return FALSE;
    }
    RspSlice rat_slice = rsp_slice_of (rat);
    RspEuiccConfig config = {
        .eid = rsp_yaml_get (a->yaml, "eid")->text,
        .key = c->key,
        .cert = c->cert,
        .eum_cert = rsp_eum_cert (rsp_world_actor (w, by)->eum),
        .roots = a->roots,
        .nvm_path = path,
        .default_dp_address = rsp_world_text (a->yaml, "default-dp-address", NULL),
        .root_ds_address = rsp_world_text (a->yaml, "root-ds-address", "rootds.example.com"),
        .memory = (guint32)rsp_world_number (a->yaml, "memory", 512 * 1024),
        .services = rsp_world_services (rsp_yaml_get (a->yaml, "services")),
        .worn_memory = (guint32)rsp_world_number (a->yaml, "worn-memory", 0),
        .svn = {2, 6, 0},
        .crl_memory = (guint32)rsp_world_number (a->yaml, "crl-memory", 4096),
        .timed = rsp_yaml_get (a->yaml, "timing") != NULL,
        .lpae = rsp_world_flag (a->yaml, "lpae", FALSE),
        .has_clock = rsp_world_flag (a->yaml, "has-clock", FALSE),
        .test_profiles = rsp_world_flag (a->yaml, "test-profiles", TRUE),
        .iot = iot,
        .preloaded = preloaded,
        .rat = rat ? &rat_slice : NULL};
    if (read_version (rsp_yaml_get (a->yaml, "version"), config.svn, error))
        a->euicc = rsp_euicc_new (&a->base, &config, error);
    rsp_world_euicc_iot_free (iot);
    if (!a->euicc)
        return FALSE;
    if (config.timed)
        rsp_bus_set_timed (w->bus, a->base.name);
    rsp_world_insert_card (w, a);
    rsp_world_add_fault_key (w, a, "euicc", "euicc");
    return TRUE;
}

static gboolean
start_actors (RspWorld *w, GError **error)
{
    for (guint i = 0; i < w->actors->len; i++) {
        RspWorldActor *a = w->actors->pdata[i];
        if (w->options.only && strcmp (w->options.only, a->base.name) != 0)
            continue;
        if (a->role == RSP_ACTOR_SMDPP && !rsp_world_start_smdpp (w, a, error))
            return FALSE;
        if (a->role == RSP_ACTOR_SMDS && !rsp_world_start_smds (w, a, error))
            return FALSE;
        if (a->role == RSP_ACTOR_EIM && !rsp_world_start_eim (w, a, error))
            return FALSE;
        if (a->role == RSP_ACTOR_EUICC && !start_euicc (w, a, error))
            return FALSE;
        if (a->role == RSP_ACTOR_LPA)
            rsp_world_start_lpa (w, a);
        if (a->role == RSP_ACTOR_IPA) {
            if (!rsp_world_start_ipa (w, a, error))
                return FALSE;
            rsp_ipa_boot (a->ipa->ipa, NULL, NULL);
        }
        if (a->role == RSP_ACTOR_OPERATOR && !rsp_world_start_operator (w, a, error))
            return FALSE;
    }
    return TRUE;
}

/* Every start of a world on durable state is a new incarnation, written down before first use. */
static gboolean
next_incarnation (RspWorld *w, GError **error)
{
    if (!w->options.state_dir)
        return TRUE;
    g_autofree char *path = g_build_filename (w->options.state_dir, "incarnation", NULL);
    g_autofree char *old = NULL;
    if (g_mkdir_with_parents (w->options.state_dir, 0700) != 0) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: cannot make the folder",
                     w->options.state_dir);
        return FALSE;
    }
    if (g_file_get_contents (path, &old, NULL, NULL))
        w->incarnation = g_ascii_strtoull (old, NULL, 10) + 1;
    g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", w->incarnation);
    return g_file_set_contents (path, text, -1, error);
}

RspWorld *
rsp_world_new (const RspScenario *scenario, const RspWorldOptions *options, GError **error)
{
    g_autoptr (RspWorld) w = g_new0 (RspWorld, 1);
    const RspYaml *actors = rsp_yaml_get (scenario->world, "actors");
    const RspYaml *latency = rsp_yaml_get (scenario->world, "latency");

    w->scenario = scenario;
    w->options = *options;
    w->seed = options->seed >= 0 ? (guint64)options->seed
                                 : (guint64)rsp_world_number (scenario->world, "seed", 1);
    w->actors = g_ptr_array_new_with_free_func ((GDestroyNotify)actor_free);
    w->by_name = g_hash_table_new (g_str_hash, g_str_equal);
    w->devices = g_hash_table_new (g_str_hash, g_str_equal);
    w->cis = g_ptr_array_new ();
    w->by_iccid = g_hash_table_new (g_str_hash, g_str_equal);
    w->packages = g_ptr_array_new_with_free_func ((GDestroyNotify)package_free);
    w->bus = rsp_bus_new (options->loop, options->trace, options->faults);
    if (latency)
        rsp_bus_set_latency (w->bus, rsp_world_duration (latency, "http", 20000),
                             rsp_world_duration (latency, "apdu", 1000),
                             rsp_world_duration (latency, "radio", 50000));
    if (!next_incarnation (w, error) || !rsp_world_prepare_crashes (w, error))
        return NULL;
    add_actors (w, actors);
    if (!rsp_world_build_pki (w, error))
        return NULL;
    for (guint i = 0; i < w->actors->len; i++)
        if (!rsp_world_load_stock (w, w->actors->pdata[i], error))
            return NULL;
    return g_steal_pointer (&w);
}

gboolean
rsp_world_begin (RspWorld *w, GError **error)
{
    if (!start_actors (w, error))
        return FALSE;
    w->network = rsp_network_new (w);
    if (w->options.https) {
        w->transport = rsp_https_transport_new (w->bus, w->options.loop, error);
        if (!w->transport)
            return FALSE;
        rsp_bus_set_transport (w->bus, w->transport);
    }
    return TRUE;
}
