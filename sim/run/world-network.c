/* Mobile networks: what the operators of a world know, and the modems of its devices. */
#include "sim/run/world-private.h"

#include <string.h>

#define TEST_PLMN "00101"

const char *
rsp_world_plmn (const RspWorldActor *op)
{
    return rsp_world_text (op->yaml, "plmn", TEST_PLMN);
}

static RspSuciScheme
scheme_of (const RspYaml *key)
{
    return strcmp (rsp_yaml_get (key, "profile")->text, "A") == 0 ? RSP_SUCI_A : RSP_SUCI_B;
}

static gboolean
add_suci_keys (RspAuc *auc, const RspYaml *list, GError **error)
{
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *key = list->items->pdata[i];
        const RspYaml *private = rsp_yaml_get (key, "private");
        g_autoptr (GBytes) octets = rsp_unhex (private->text);
        gint64 id = 0;
        if (!rsp_yaml_int (rsp_yaml_get (key, "id"), 0, 255, &id, error))
            return FALSE;
        if (g_bytes_get_size (octets) != 32 ||
            !rsp_auc_add_suci_key (auc, (guint)id, scheme_of (key),
                                   g_bytes_get_data (octets, NULL)))
            return rsp_yaml_fail (private, error, "expected a private key of 32 octets in hex");
    }
    return TRUE;
}

/* An operator's subscribers are the profiles in anyone's stock that it owns, and those that nobody
 * owns. */
gboolean
rsp_world_start_operator (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspWorldCredential *client = rsp_world_credential (a, "client");
    if (client && client->key)
        rsp_world_set_tls (w, a, "client");
    a->op = rsp_operator_new (&a->base, rsp_world_plmn (a));
    RspAuc *auc = rsp_operator_auc (a->op);
    for (guint i = 0; i < w->packages->len; i++) {
        const RspWorldPackage *p = w->packages->pdata[i];
        if (strcmp (rsp_world_text (p->yaml, "owner", a->base.name), a->base.name) == 0)
            rsp_auc_add_subscribers (auc, p->package->upp);
    }
    return add_suci_keys (auc, rsp_yaml_get (a->yaml, "suci-keys"), error);
}

/* --- Links --- */

void
rsp_world_link_model (const RspWorld *w, const RspYaml *connectivity, RspLinkModel *ret)
{
    const RspYaml *link = rsp_yaml_get (connectivity, "link");
    const char *preset = w->options.link;
    *ret = (RspLinkModel){.name = "unlimited"};
    if (!preset && link && link->kind == RSP_YAML_SCALAR)
        preset = link->text;
    if (preset)
        *ret = *rsp_link_preset (preset);
    if (preset || !link)
        return;
    ret->name = "own";
    ret->latency = rsp_world_duration (link, "latency", 0);
    ret->up = rsp_world_number (link, "up", 0);
    ret->down = rsp_world_number (link, "down", 0);
    ret->message_limit = (guint)rsp_world_number (link, "message-limit", 0);
    ret->loss = MIN (g_ascii_strtod (rsp_world_text (link, "loss", "0"), NULL), 0.5);
}
