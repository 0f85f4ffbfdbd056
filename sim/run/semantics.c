#include "sim/run/semantics.h"

#include "sim/run/eim-orders.h"

#include "asn1/functions.h"
#include "pki/suci.h"
#include "sim/core/bytes.h"
#include "sim/run/groups.h"

#include <string.h>

typedef struct {
    const RspScenario *s;
    const RspYaml *actors;
} Check;

const char *
rsp_world_role (const RspYaml *world, const char *name)
{
    const RspYaml *actors = rsp_yaml_get (world, "actors");
    const RspYaml *actor = actors ? rsp_group_declaration (actors, name, NULL) : NULL;
    return actor ? rsp_yaml_get (actor, "role")->text : NULL;
}

/* SM-DP+ actor of an address (fqdn or alias, no case), or NULL. */
static const char *
server_by_address (const RspYaml *world, const char *address)
{
    const RspYaml *actors = rsp_yaml_get (world, "actors");
    for (guint i = 0; actors && i < actors->items->len; i++) {
        const RspYaml *actor = actors->items->pdata[i];
        const RspYaml *fqdn = rsp_yaml_get (actor, "fqdn");
        const RspYaml *aliases = rsp_yaml_get (actor, "aliases");
        if (fqdn && g_ascii_strcasecmp (fqdn->text, address) == 0)
            return actor->key;
        for (guint k = 0; aliases && k < aliases->items->len; k++)
            if (g_ascii_strcasecmp (((RspYaml *)aliases->items->pdata[k])->text, address) == 0)
                return actor->key;
    }
    return NULL;
}

static gboolean
unknown_actor (const Check *c, const RspYaml *node, GError **error)
{
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    for (guint i = 0; i < c->actors->items->len; i++)
        g_ptr_array_add (names, ((RspYaml *)c->actors->items->pdata[i])->key);
    g_ptr_array_add (names, NULL);
    const char *near = rsp_suggest (node->text, (const char *const *)names->pdata);
    g_autofree char *shown = rsp_escape_text (node->text, -1, 60);
    if (near)
        return rsp_yaml_fail (node, error, "unknown actor \"%s\"; did you mean \"%s\"?", shown,
                              near);
    return rsp_yaml_fail (node, error, "unknown actor \"%s\"", shown);
}

/* NODE (nullable) names an actor whose role is among the comma-separated ROLES, or a group of such.
 */
static gboolean
check_group_ref (const Check *c, const RspYaml *node, const char *roles, GError **error)
{
    if (!node)
        return TRUE;
    const char *role = rsp_world_role (c->s->world, node->text);
    if (!role)
        return unknown_actor (c, node, error);
    g_auto (GStrv) wanted = g_strsplit (roles, ",", -1);
    if (g_strv_contains ((const char *const *)wanted, role))
        return TRUE;
    return rsp_yaml_fail (node, error, "\"%s\" is %s %s, expected %s", node->text,
                          strchr ("aeiou", role[0]) ? "an" : "a", role, roles);
}

/* The same, and no group. */
static gboolean
check_ref (const Check *c, const RspYaml *node, const char *roles, GError **error)
{
    guint size = node ? rsp_group_size (c->actors, node->text) : 0;
    if (!check_group_ref (c, node, roles, error))
        return FALSE;
    return !size ||
           rsp_yaml_fail (node, error, "\"%s\" is a group of %u; name one of it, such as %s-0001",
                          node->text, size, node->text);
}

static gboolean
check_refs (const Check *c, const RspYaml *list, const char *roles, GError **error)
{
    for (guint i = 0; list && i < list->items->len; i++)
        if (!check_ref (c, list->items->pdata[i], roles, error))
            return FALSE;
    return TRUE;
}

static gboolean
check_twist (const Check *c, const RspYaml *twist, GError **error)
{
    return !twist || check_ref (c, rsp_yaml_get (twist, "issued-by"), "ci,eum", error);
}

static gboolean
check_stock (const Check *c, const RspYaml *stock, GError **error)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint i = 0; stock && i < stock->items->len; i++) {
        const RspYaml *profile = stock->items->pdata[i];
        const RspYaml *iccid = rsp_yaml_get (profile, "iccid");
        if (!g_hash_table_add (seen, iccid->text))
            return rsp_yaml_fail (iccid, error, "this ICCID is in stock already");
        if (!check_ref (c, rsp_yaml_get (profile, "owner"), "operator", error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
has_role (const Check *c, const char *role)
{
    for (guint i = 0; i < c->actors->items->len; i++)
        if (strcmp (rsp_yaml_get (c->actors->items->pdata[i], "role")->text, role) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
check_orders (const Check *c, const RspYaml *orders, GError **error)
{
    for (guint i = 0; orders && i < orders->items->len; i++) {
        const RspYaml *order = orders->items->pdata[i], *state = rsp_yaml_get (order, "state");
        if (!check_ref (c, rsp_yaml_get (order, "operator"), "operator", error))
            return FALSE;
        if (state && strcmp (state->text, "linked") == 0 && !rsp_yaml_get (order, "eid"))
            return rsp_yaml_fail (state, error, "a linked order needs \"eid\"");
    }
    return !orders || has_role (c, "operator") ||
           rsp_yaml_fail (orders, error, "orders need an operator in the world");
}

/* The cascade has one step. */
static gboolean
check_parent (const Check *c, const RspYaml *parent, GError **error)
{
    if (!check_ref (c, parent, "smds", error))
        return FALSE;
    if (!parent || !rsp_yaml_get (rsp_yaml_get (c->actors, parent->text), "parent"))
        return TRUE;
    return rsp_yaml_fail (parent, error, "\"%s\" is an alternative SM-DS itself", parent->text);
}

static gboolean
check_files (const RspYaml *actor, GError **error)
{
    const RspYaml *cert = rsp_yaml_get (actor, "certificate"), *key = rsp_yaml_get (actor, "key");
    return cert || !key || rsp_yaml_fail (key, error, "a key without its certificate");
}

static gboolean
check_plmn (const RspYaml *actor, GError **error)
{
    const RspYaml *plmn = rsp_yaml_get (actor, "plmn");
    guint8 octets[3];
    return !plmn || rsp_plmn_octets (plmn->text, octets) ||
           rsp_yaml_fail (plmn, error, "expected an MCC and MNC: 5 or 6 digits, in quotes");
}

/* The devices of a group have the cards of a group of the same size. */
static gboolean
check_pairing (const Check *c, const RspYaml *actor, GError **error)
{
    const RspYaml *card = rsp_yaml_get (actor, "euicc");
    guint devices = rsp_group_size (c->actors, actor->key);
    guint cards = card ? rsp_group_size (c->actors, card->text) : 0;
    if (!card || (!devices && !cards))
        return check_ref (c, card, "euicc", error);
    return check_group_ref (c, card, "euicc", error) &&
           (devices == cards ||
            rsp_yaml_fail (card, error, "\"%s\" and \"%s\" differ in count: %u and %u", actor->key,
                           card->text, MAX (devices, 1), MAX (cards, 1)));
}

/* An IPA emulates IoT functions for a card without them, and from without. */
static gboolean
check_emulation (const Check *c, const RspYaml *actor, GError **error)
{
    const RspYaml *emulate = rsp_yaml_get (actor, "emulate"), *place = rsp_yaml_get (actor, "in");
    if (!emulate || strcmp (emulate->text, "true") != 0)
        return TRUE;
    const RspYaml *card = rsp_yaml_get (c->actors, rsp_yaml_get (actor, "euicc")->text);
    if (rsp_yaml_get (card, "iot"))
        return rsp_yaml_fail (emulate, error, "the card has IoT functions of its own");
    return !place || strcmp (place->text, "device") == 0 ||
           rsp_yaml_fail (emulate, error, "an IPA in the eUICC emulates nothing");
}

/* So that a name says of itself whether it is of a group. */
static gboolean
check_group_name (const Check *c, const RspYaml *actor, GError **error)
{
    guint number;
    for (guint i = 0; i < c->actors->items->len; i++) {
        const RspYaml *group = c->actors->items->pdata[i];
        if (group == actor || !rsp_group_size (c->actors, group->key) ||
            !rsp_group_has (group->key, actor->key))
            continue;
        if (rsp_group_of_member (c->actors, actor->key, &number) != group)
            return rsp_yaml_fail (actor, error,
                                  "names that begin with \"%s-\" are those of the group \"%s\"",
                                  group->key, group->key);
        if (strcmp (rsp_yaml_get (group, "role")->text, rsp_yaml_get (actor, "role")->text) != 0)
            return rsp_yaml_fail (actor, error, "a member of \"%s\" has its role", group->key);
    }
    return TRUE;
}

static gboolean
check_text_or_texts (const Check *c, const RspYaml *node,
                     gboolean (*check) (const Check *c, const RspYaml *item, GError **error),
                     GError **error)
{
    if (!node || node->kind != RSP_YAML_LIST)
        return !node || check (c, node, error);
    for (guint i = 0; i < node->items->len; i++)
        if (!check (c, node->items->pdata[i], error))
            return FALSE;
    return TRUE;
}

static gboolean
check_managed (const Check *c, const RspYaml *item, GError **error)
{
    return strcmp (item->text, "all") == 0 || check_group_ref (c, item, "euicc", error);
}

/* The two bindings of an IPA's ESipa are one in v1.2 alone. */
static gboolean
check_esipa (const RspYaml *actor, GError **error)
{
    const RspYaml *esipa = rsp_yaml_get (actor, "esipa"),
                  *version = rsp_yaml_get (actor, "version");
    return !esipa || strcmp (esipa->text, "json") != 0 || !version ||
           strcmp (version->text, "1.0") != 0 ||
           rsp_yaml_fail (esipa, error, "not supported: ESipa in JSON with version 1.0");
}

static gboolean
check_actor (const Check *c, const RspYaml *actor, GError **error)
{
    const char *role = rsp_yaml_get (actor, "role")->text;
    const RspYaml *certificates = rsp_yaml_get (actor, "certificates");

    if (strspn (actor->key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
            strlen (actor->key) ||
        strlen (actor->key) > 64 || !*actor->key)
        return rsp_yaml_fail (actor, error, "an actor's name has letters, digits, - and _ only");
    for (guint i = 0; certificates && i < certificates->items->len; i++)
        if (!check_twist (c, certificates->items->pdata[i], error))
            return FALSE;
    const RspYaml *further = rsp_yaml_get (actor, "further-certificates");
    for (guint i = 0; further && i < further->items->len; i++)
        if (!check_ref (c, rsp_yaml_get (further->items->pdata[i], "certified-by"), "ci", error))
            return FALSE;
    if (strcmp (role, "ci") != 0 && strcmp (role, "operator") != 0 &&
        !check_twist (c, rsp_yaml_get (actor, "certificate"), error))
        return FALSE;
    return check_group_name (c, actor, error) && check_files (actor, error) &&
           check_plmn (actor, error) && check_esipa (actor, error) &&
           check_ref (c, rsp_yaml_get (actor, "certified-by"),
                      strcmp (role, "euicc") == 0 ? "eum" : "ci", error) &&
           check_pairing (c, actor, error) &&
           check_parent (c, rsp_yaml_get (actor, "parent"), error) &&
           check_text_or_texts (c, rsp_yaml_get (actor, "devices"), check_managed, error) &&
           check_text_or_texts (c, rsp_yaml_get (actor, "emulated"), check_managed, error) &&
           check_emulation (c, actor, error) &&
           check_refs (c, rsp_yaml_get (actor, "trusts"), "ci", error) &&
           check_ref (c, rsp_yaml_get (actor, "imposed-ci"), "ci", error) &&
           check_stock (c, rsp_yaml_get (actor, "profiles"), error) &&
           check_orders (c, rsp_yaml_get (actor, "orders"), error);
}

/* Two actors never share an address, an EID, or a card's slot. */
static gboolean
check_unique (const Check *c, const char *key, const char *what, GError **error)
{
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < c->actors->items->len; i++) {
        const RspYaml *actor = c->actors->items->pdata[i], *value = rsp_yaml_get (actor, key);
        guint n = MAX (rsp_group_size (c->actors, actor->key), 1);
        for (guint number = 1; value && number <= n; number++) {
            g_autofree char *member = rsp_group_member (actor->key, number);
            if (rsp_yaml_get (c->actors, member))
                continue; /* has its turn */
            g_autoptr (RspYaml) own = rsp_group_instance (c->actors, value, number);
            if (!g_hash_table_add (seen, g_ascii_strdown (own->text, -1)))
                return rsp_yaml_fail (value, error, "another actor has this %s already", what);
        }
    }
    return TRUE;
}

static gboolean
check_world (const Check *c, GError **error)
{
    for (guint i = 0; i < c->actors->items->len; i++)
        if (!check_actor (c, c->actors->items->pdata[i], error))
            return FALSE;
    return check_unique (c, "fqdn", "address", error) && check_unique (c, "eid", "EID", error) &&
           check_unique (c, "euicc", "eUICC", error) &&
           rsp_semantics_check_network (c->s->world, error);
}

/* --- faults ------------------------------------------------------------------------------------
 */

static gboolean
needs (const RspYaml *map, const char *what, const char *key, GError **error)
{
    return rsp_yaml_get (map, key) || rsp_yaml_fail (map, error, "%s needs \"%s\"", what, key);
}

static gboolean
is_sender (const Check *c, const char *name)
{
    for (guint i = 0; c->s->steps && i < c->s->steps->items->len; i++) {
        const RspYaml *send = rsp_yaml_get (c->s->steps->items->pdata[i], "send");
        if (send && strcmp (rsp_yaml_get (send, "as")->text, name) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
check_peer (const Check *c, const RspYaml *node, GError **error)
{
    if (!node || rsp_world_role (c->s->world, node->text) || is_sender (c, node->text))
        return TRUE;
    return unknown_actor (c, node, error);
}

/* Who a fault inside an actor may strike: cards, and the servers that start again. */
static gboolean
check_victim (const Check *c, const RspYaml *node, gboolean card, gboolean server, GError **error)
{
    const char *role = node ? rsp_world_role (c->s->world, node->text) : NULL;
    if (!node)
        return TRUE;
    if (!role)
        return unknown_actor (c, node, error);
    static const char *const servers[] = {"smdpp", "smds", "eim", "ipa", NULL};
    gboolean serves = g_strv_contains (servers, role);
    if ((server && serves) || (card && strcmp (role, "euicc") == 0))
        return TRUE;
    return rsp_yaml_fail (node, error, "expected %s, got %s \"%s\"",
                          !server ? "euicc"
                          : card  ? "euicc, smdpp, smds, eim or ipa"
                                  : "smdpp, smds, eim or ipa",
                          role, node->text);
}

/* Faults inside an actor, and those that act on one wherever the message goes. */
static gboolean
check_point (const Check *c, const RspYaml *fault, const RspYaml *match, const char *action,
             GError **error)
{
    const RspYaml *point = rsp_yaml_get (match, "point"), *at = rsp_yaml_get (match, "at");
    gboolean power = strcmp (action, "power-loss") == 0,
             write = strcmp (action, "write-error") == 0, crash = strcmp (action, "crash") == 0;
    if (!check_victim (c, at, !crash, crash || write, error) ||
        !check_victim (c, rsp_yaml_get (fault, "at"), !crash, crash, error))
        return FALSE;
    if (crash && point && !at)
        return rsp_yaml_fail (match, error, "crash at a point needs \"at\"");
    if (!crash && rsp_yaml_get (fault, "down"))
        return rsp_yaml_fail (fault, error, "\"down\" goes with crash");
    if (!point && at)
        return rsp_yaml_fail (at, error, "\"at\" in a match goes with a point");
    if (point && rsp_yaml_get (match, "function"))
        return rsp_yaml_fail (match, error, "a match has a point or a function");
    if (point && !power && !write && !crash)
        return rsp_yaml_fail (fault, error, "%s does not apply at a point", action);
    if (write && (!point || strcmp (point->text, "before-commit") != 0))
        return rsp_yaml_fail (fault, error, "write-error applies at point: before-commit");
    if (!power && !crash && rsp_yaml_get (fault, "at"))
        return rsp_yaml_fail (fault, error, "\"at\" goes with power-loss and crash");
    return TRUE;
}

static gboolean
check_fault (const Check *c, const RspYaml *fault, GError **error)
{
    const RspYaml *match = rsp_yaml_get (fault, "match");
    const RspYaml *leg = rsp_yaml_get (match, "leg");
    const char *action = rsp_yaml_get (fault, "action")->text;
    gboolean response = leg && strcmp (leg->text, "response") == 0;
    gboolean status = strcmp (action, "http-status") == 0 || strcmp (action, "status-word") == 0;

    if (!check_point (c, fault, match, action, error))
        return FALSE;
    if (!check_peer (c, rsp_yaml_get (match, "from"), error) ||
        !check_peer (c, rsp_yaml_get (match, "to"), error))
        return FALSE;
    const RspYaml *apdu = rsp_yaml_get (match, "apdu"),
                  *function = rsp_yaml_get (match, "function");
    if (apdu && function && strcmp (function->text, "APDU.Transmit") != 0)
        return rsp_yaml_fail (apdu, error, "\"apdu\" matches calls of APDU.Transmit alone");
    if (strcmp (action, "delay") == 0 && !needs (fault, "delay", "delay", error))
        return FALSE;
    if (status && !needs (fault, action, "status", error))
        return FALSE;
    if (status && !response)
        return rsp_yaml_fail (fault, error, "%s applies to leg: response", action);
    if (strcmp (action, "replace") == 0 && !rsp_yaml_get (fault, "value") &&
        !rsp_yaml_get (fault, "text"))
        return rsp_yaml_fail (fault, error, "replace needs \"value\" or \"text\"");
    return TRUE;
}

static gboolean
check_faults (const Check *c, GError **error)
{
    g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint i = 0; c->s->faults && i < c->s->faults->items->len; i++) {
        const RspYaml *fault = c->s->faults->items->pdata[i];
        const RspYaml *name = rsp_yaml_get (fault, "name");
        if (!g_hash_table_add (names, name->text))
            return rsp_yaml_fail (name, error, "another fault has this name");
        if (!check_fault (c, fault, error))
            return FALSE;
    }
    return TRUE;
}

/* --- expectations ------------------------------------------------------------------------------
 */

static gboolean
check_message (const Check *c, const RspYaml *message, GError **error)
{
    if (message->items->len != 1)
        return rsp_yaml_fail (message, error, "write a message as \"SRC -> DST: FUNCTION\"");
    const RspYaml *value = message->items->pdata[0];
    g_auto (GStrv) ends = g_strsplit (value->key, "->", 2);
    if (g_strv_length (ends) != 2)
        return rsp_yaml_fail (value, error, "write a message as \"SRC -> DST: FUNCTION\"");
    for (guint i = 0; i < 2; i++) {
        const char *name = g_strstrip (ends[i]);
        RspYaml probe = *value;
        probe.text = (char *)name;
        if (!check_peer (c, &probe, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_messages (const Check *c, const RspYaml *list, GError **error)
{
    for (guint i = 0; i < list->items->len; i++)
        if (!check_message (c, list->items->pdata[i], error))
            return FALSE;
    return TRUE;
}

static const char *
role_of_expectation (const char *key)
{
    if (strcmp (key, "profiles") == 0 || strcmp (key, "notifications") == 0 ||
        strcmp (key, "elements") == 0)
        return "euicc";
    if (strcmp (key, "bearer") == 0 || strcmp (key, "network") == 0 || strcmp (key, "traffic") == 0)
        return "lpa,ipa";
    if (strcmp (key, "sessions") == 0)
        return "smdpp,smds";
    if (strcmp (key, "events") == 0)
        return "smds";
    if (strcmp (key, "packages") == 0 || strcmp (key, "not-done") == 0 ||
        strcmp (key, "believes") == 0 || strcmp (key, "fleet") == 0 || strcmp (key, "waiting") == 0)
        return "eim";
    return strcmp (key, "received") == 0 ? "operator" : "smdpp";
}

static gboolean
check_expect (const Check *c, const RspYaml *expect, GError **error)
{
    for (guint i = 0; expect && i < expect->items->len; i++) {
        const RspYaml *of = expect->items->pdata[i];
        if (of->kind == RSP_YAML_LIST) {
            if (!check_messages (c, of, error))
                return FALSE;
            continue;
        }
        RspYaml probe = *of;
        probe.text = of->key;
        for (guint k = 0; k < of->items->len; k++) {
            const RspYaml *what = of->items->pdata[k];
            const char *role = role_of_expectation (what->key);
            if (!check_group_ref (c, &probe, role, error) ||
                (strcmp (role, "lpa,ipa") == 0 &&
                 !rsp_semantics_check_device (c->s->world, &probe, error)))
                return FALSE;
        }
    }
    return TRUE;
}

/* --- steps -------------------------------------------------------------------------------------
 */

/* Every key that is not the step's own is a member of the request. */
static gboolean
check_members (const RspFunction *fn, const RspYaml *step, GError **error)
{
    static const char *const own[] = {"at", "call", "to", "save", "expect", NULL};
    for (guint i = 0; i < step->items->len; i++) {
        const RspYaml *item = step->items->pdata[i];
        const RspMember *m = fn->request_members;
        while (m && m->name && strcmp (m->name, item->key) != 0)
            m++;
        if ((!m || !m->name) && !g_strv_contains (own, item->key))
            return rsp_yaml_fail (item, error, "%s has no member \"%s\"", fn->full_name, item->key);
    }
    return TRUE;
}

static gboolean
check_operator (const Check *c, const RspYaml *step, GError **error)
{
    const RspYaml *call = rsp_yaml_get (step, "call");
    const RspFunction *fn = rsp_function_by_name (call->text);
    if (fn->interface != RSP_IF_ES2P || fn->id == RSP_FN_ES2P_HANDLE_DOWNLOAD_PROGRESS_INFO)
        return rsp_yaml_fail (call, error, "an operator calls ES2+ functions, not %s", call->text);
    return check_members (fn, step, error) &&
           check_ref (c, rsp_yaml_get (step, "at"), "operator", error) &&
           check_ref (c, rsp_yaml_get (step, "to"), "smdpp", error);
}

static gboolean
check_user (const Check *c, const RspYaml *step, GError **error)
{
    const char *verb = rsp_yaml_get (step, "do")->text;
    gboolean by_iccid = strcmp (verb, "enable") == 0 || strcmp (verb, "disable") == 0 ||
                        strcmp (verb, "delete") == 0 || strcmp (verb, "set-nickname") == 0;
    if (rsp_yaml_get (step, "activationCode") && rsp_yaml_get (step, "address"))
        return rsp_yaml_fail (step, error, "activationCode and address exclude each other");
    if (by_iccid && !needs (step, verb, "iccid", error))
        return FALSE;
    if (strcmp (verb, "memory-reset") == 0 && !needs (step, verb, "options", error))
        return FALSE;
    return check_group_ref (c, rsp_yaml_get (step, "at"), "lpa", error);
}

static gboolean
check_card (const Check *c, const RspYaml *step, GError **error)
{
    if (!rsp_yaml_get (step, "do") == !rsp_yaml_get (step, "apdu"))
        return rsp_yaml_fail (step, error, "a card step needs either do or apdu");
    return check_group_ref (c, rsp_yaml_get (step, "at"), "euicc", error);
}

static gboolean
check_send (const Check *c, const RspYaml *step, GError **error)
{
    const RspYaml *to = rsp_yaml_get (step, "to");
    const RspFunction *fn = rsp_function_by_name (rsp_yaml_get (step, "function")->text);
    if (rsp_yaml_get (step, "body") && rsp_yaml_get (step, "hex"))
        return rsp_yaml_fail (step, error, "a send step has body or hex, not both");
    if (fn->binding == RSP_BINDING_NESTED)
        return rsp_yaml_fail (step, error, "not supported: send of %s", fn->full_name);
    if (fn->binding == RSP_BINDING_HTTP && server_by_address (c->s->world, to->text))
        return TRUE;
    return check_group_ref (c, to,
                            fn->binding == RSP_BINDING_HTTP    ? "smdpp,smds,eim,operator"
                            : fn->binding == RSP_BINDING_RADIO ? "operator"
                                                               : "euicc",
                            error);
}

static gboolean
check_receiver (const Check *c, const RspYaml *item, GError **error)
{
    return check_ref (c, item, "euicc,smdpp,smds,lpa", error);
}

/* ACTOR.PURPOSE, or an eum. */
static gboolean
check_certificate_name (const Check *c, const RspYaml *item, GError **error)
{
    const char *dot = strchr (item->text, '.');
    g_autofree char *name = g_strndup (item->text, dot ? (gsize)(dot - item->text) : 4096);
    RspYaml probe = *item;
    probe.text = name;
    if (!check_ref (c, &probe, dot ? "smdpp,smds,operator" : "eum", error))
        return FALSE;
    static const char *const purposes[] = {"auth", "pb", "tls", "client", NULL};
    return !dot || g_strv_contains (purposes, dot + 1) ||
           rsp_yaml_fail (item, error, "a certificate is ACTOR.auth, .pb, .tls or .client");
}

static gboolean
check_crl (const Check *c, const RspYaml *step, GError **error)
{
    return check_ref (c, rsp_yaml_get (step, "from"), "ci", error) &&
           check_text_or_texts (c, rsp_yaml_get (step, "to"), check_receiver, error) &&
           check_text_or_texts (c, rsp_yaml_get (step, "revoke"), check_certificate_name, error);
}

static gboolean
check_one_managed (const Check *c, const RspYaml *item, GError **error)
{
    return strcmp (item->text, "all") == 0 || check_ref (c, item, "euicc", error);
}

static gboolean
check_eim (const Check *c, const RspYaml *step, GError **error)
{
    const RspYaml *to = rsp_yaml_get (step, "to"), *eid = rsp_yaml_get (step, "eid");
    const RspYaml *verb = rsp_yaml_get (step, "do"), *list = rsp_yaml_get (step, "operations");
    if (!to == !eid)
        return rsp_yaml_fail (step, error, "an eim step needs either to or eid");
    if (!verb == !list || (list && !list->items->len))
        return rsp_yaml_fail (step, error, "an eim step needs either do or operations");
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *operation = list->items->pdata[i];
        if (!rsp_eim_order_is_operation (operation))
            return rsp_yaml_fail (operation, error, "not an operation of an eUICC package");
        if (!check_ref (c, rsp_yaml_get (operation, "eim"), "eim", error))
            return FALSE;
    }
    if (verb && strcmp (verb->text, "push") == 0 && !needs (step, "push", "address", error))
        return FALSE;
    return check_ref (c, rsp_yaml_get (step, "at"), "eim", error) &&
           check_ref (c, rsp_yaml_get (step, "eim"), "eim", error) &&
           (!to || to->kind == RSP_YAML_LIST ? check_text_or_texts (c, to, check_one_managed, error)
                                             : check_managed (c, to, error));
}

/* One operation in words or raw. */
static gboolean
check_operation (const Check *c, const RspYaml *map, GError **error)
{
    if (!rsp_yaml_get (map, "do") == !rsp_yaml_get (map, "raw"))
        return rsp_yaml_fail (map, error, "an operation has either do or raw");
    if (rsp_yaml_get (map, "do") && !rsp_eim_order_is_operation (map))
        return rsp_yaml_fail (map, error, "not an operation of an eUICC package");
    return check_ref (c, rsp_yaml_get (map, "eim"), "eim", error);
}

static gboolean
check_package (const Check *c, const RspYaml *step, GError **error)
{
    const RspYaml *list = rsp_yaml_get (step, "operations");
    if (list && (rsp_yaml_get (step, "do") || rsp_yaml_get (step, "raw")))
        return rsp_yaml_fail (step, error, "a package step has operations, or one of its own");
    if (!list && !check_operation (c, step, error))
        return FALSE;
    for (guint i = 0; list && i < list->items->len; i++)
        if (!check_operation (c, list->items->pdata[i], error))
            return FALSE;
    return check_ref (c, rsp_yaml_get (step, "from"), "eim", error) &&
           check_ref (c, rsp_yaml_get (step, "to"), "euicc", error);
}

static gboolean
check_ota (const Check *c, const RspYaml *step, GError **error)
{
    const RspYaml *actors = c->actors, *iccid = rsp_yaml_get (step, "iccid");
    for (guint i = 0; i < actors->items->len; i++) {
        const RspYaml *stock = rsp_yaml_get (actors->items->pdata[i], "profiles");
        for (guint k = 0; stock && k < stock->items->len; k++)
            if (strcmp (rsp_yaml_get (stock->items->pdata[k], "iccid")->text, iccid->text) == 0)
                return check_ref (c, rsp_yaml_get (step, "at"), "operator", error) &&
                       check_group_ref (c, rsp_yaml_get (step, "to"), "euicc", error);
    }
    return rsp_yaml_fail (iccid, error, "no profile in stock has this ICCID");
}

static gboolean
check_ipa (const Check *c, const RspYaml *step, GError **error)
{
    const RspYaml *verb = rsp_yaml_get (step, "do");
    if (strcmp (verb->text, "set-default-dp-address") == 0 &&
        !needs (step, verb->text, "address", error))
        return FALSE;
    if (strcmp (verb->text, "add-initial-eim") == 0 && !rsp_yaml_get (step, "eim") &&
        !needs (step, verb->text, "public-key", error))
        return FALSE;
    return check_group_ref (c, rsp_yaml_get (step, "at"), "ipa", error) &&
           check_ref (c, rsp_yaml_get (step, "eim"), "eim", error);
}

static gboolean
check_step (const Check *c, const RspYaml *item, GError **error)
{
    const RspYaml *step = item->items->pdata[0];
    if (strcmp (step->key, "operator") == 0)
        return check_operator (c, step, error);
    if (strcmp (step->key, "user") == 0)
        return check_user (c, step, error);
    if (strcmp (step->key, "ipa") == 0)
        return check_ipa (c, step, error);
    if (strcmp (step->key, "card") == 0)
        return check_card (c, step, error);
    if (strcmp (step->key, "ota") == 0)
        return check_ota (c, step, error);
    if (strcmp (step->key, "read") == 0)
        return check_group_ref (c, rsp_yaml_get (step, "at"), "euicc", error);
    if (strcmp (step->key, "device") == 0 || strcmp (step->key, "coverage") == 0)
        return rsp_semantics_check_move (c->s->world, step, error);
    if (strcmp (step->key, "attach") == 0)
        return check_group_ref (c, rsp_yaml_get (step, "at"), "lpa,ipa", error) &&
               check_ref (c, rsp_yaml_get (step, "to"), "operator", error);
    if (strcmp (step->key, "send") == 0)
        return check_send (c, step, error);
    if (strcmp (step->key, "expect") == 0)
        return check_expect (c, step, error);
    if (strcmp (step->key, "eim") == 0)
        return check_eim (c, step, error);
    if (strcmp (step->key, "package") == 0)
        return check_package (c, step, error);
    if (strcmp (step->key, "crl") == 0)
        return check_crl (c, step, error);
    return TRUE;
}

gboolean
rsp_semantics_check (const RspScenario *s, GError **error)
{
    Check c = {.s = s, .actors = rsp_yaml_get (s->world, "actors")};
    if (!c.actors->items->len)
        return rsp_yaml_fail (c.actors, error, "a world needs actors");
    if (!check_world (&c, error) || !check_faults (&c, error))
        return FALSE;
    for (guint i = 0; s->steps && i < s->steps->items->len; i++)
        if (!check_step (&c, s->steps->items->pdata[i], error))
            return FALSE;
    return check_expect (&c, s->expect, error);
}
