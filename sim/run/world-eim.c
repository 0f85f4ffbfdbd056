/* The eIMs of a world. */
#include "sim/run/world-private.h"

#include <string.h>

/* What the card's EUM loads of this eIM: the counter to begin above, and the association token,
 * which the card counts up for those that ask for one. */
static void
association (const RspWorldActor *card, const char *eim, gint64 *ret_token, gint64 *ret_counter)
{
    const RspYaml *iot = rsp_yaml_get (card->yaml, "iot");
    const RspYaml *eims = iot ? rsp_yaml_get (iot, "eims") : NULL;
    gint64 tokens = 0;
    *ret_token = *ret_counter = 0;
    for (guint i = 0; eims && i < eims->items->len; i++) {
        const RspYaml *entry = eims->items->pdata[i];
        gboolean token = rsp_world_flag (entry, "token", FALSE);
        tokens += token;
        if (strcmp (rsp_world_text (entry, "eim", ""), eim) != 0)
            continue;
        *ret_counter = rsp_world_number (entry, "counter", 0);
        *ret_token = token ? tokens : 0;
    }
}

static gboolean
names (const RspYaml *node, const RspWorldActor *card)
{
    return strcmp (node->text, "all") == 0 || strcmp (node->text, card->base.name) == 0 ||
           g_strcmp0 (node->text, card->group) == 0;
}

static gboolean
lists (const RspWorldActor *eim, const char *key, const RspWorldActor *card)
{
    const RspYaml *devices = rsp_yaml_get (eim->yaml, key);
    if (!devices || card->role != RSP_ACTOR_EUICC)
        return FALSE;
    if (devices->kind != RSP_YAML_LIST)
        return names (devices, card);
    for (guint i = 0; i < devices->items->len; i++)
        if (names (devices->items->pdata[i], card))
            return TRUE;
    return FALSE;
}

/* A bit for each name of the list, by its place in NAMES. */
static guint32
bits_of (const RspYaml *list, const char *const *names)
{
    guint32 mask = 0;
    for (guint i = 0; list && i < list->items->len; i++)
        for (guint k = 0; names[k]; k++)
            if (strcmp (((RspYaml *)list->items->pdata[i])->text, names[k]) == 0)
                mask |= 1u << k;
    return mask;
}

static RspEimRules
rules_of (const RspYaml *yaml)
{
    static const char *const pprs[] = {"update-control", "ppr1", "ppr2", NULL};
    static const char *const classes[] = {"test", "provisioning", "operational", NULL};
    const RspYaml *refuses = rsp_yaml_get (yaml, "refuses");
    RspEimRules rules = {.any = strcmp (rsp_world_text (yaml, "relay", "ordered"), "any") == 0};
    if (refuses) {
        rules.refused_ppr = bits_of (rsp_yaml_get (refuses, "ppr"), pprs);
        rules.refused_classes = bits_of (rsp_yaml_get (refuses, "class"), classes);
    }
    return rules;
}

gboolean
rsp_world_manages (const RspWorldActor *eim, const RspWorldActor *card)
{
    return lists (eim, "devices", card);
}

static gboolean
add_device (const RspWorldActor *a, const RspWorldActor *card, GError **error)
{
    gint64 token, counter;
    const RspWorldCredential *c = rsp_world_credential (card, "euicc");
    const char *eid = rsp_yaml_get (card->yaml, "eid")->text;
    RspEimDeviceChange emulated = {-1, -1, TRUE, {0}};
    association (card, a->base.name, &token, &counter);
    return rsp_eim_add_device (a->eim, eid, token, counter, c->cert, error) &&
           (!lists (a, "emulated", card) || rsp_eim_change_device (a->eim, eid, &emulated, error));
}

gboolean
rsp_world_start_eim (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspYaml *yaml = a->yaml;
    const char *fqdn = rsp_yaml_get (yaml, "fqdn")->text;
    g_autofree char *path = rsp_world_state_path (w, a, ".db");
    RspEimConfig config = {.fqdn = fqdn,
                           .eim_id = rsp_world_text (yaml, "eim-id", fqdn),
                           .state_path = path,
                           .key = rsp_world_credential (a, "eim")->key,
                           .roots = a->roots,
                           .version = strcmp (rsp_world_text (yaml, "version", "1.2"), "1.0") == 0
                                          ? RSP_SGP32_V1_0
                                          : RSP_SGP32_V1_2,
                           .package_lifetime = rsp_world_duration (yaml, "package-lifetime", 0),
                           .rules = rules_of (yaml)};
    a->eim = rsp_eim_new (&a->base, &config, error);
    if (!a->eim)
        return FALSE;
    rsp_world_set_tls (w, a, "tls");
    rsp_world_add_fault_key (w, a, "eim", "eim");
    for (guint i = 0; i < w->actors->len; i++)
        if (rsp_world_manages (a, w->actors->pdata[i]) &&
            !add_device (a, w->actors->pdata[i], error))
            return FALSE;
    return TRUE;
}
