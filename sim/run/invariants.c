/* What always holds at rest, whatever was done to the messages: checked from the outside, by code
 * that shares nothing with the actors but their views. */
#include "sim/run/groups.h"
#include "sim/run/runner.h"

#include <string.h>

/* What is looked up for each card and each order. */
typedef struct {
    GHashTable *packages;  /* ICCID → RspWorldPackage, the first */
    GHashTable *cards;     /* EID → name of the card */
    GHashTable *where;     /* ICCID → name of the card that has the profile */
    GHashTable *elsewhere; /* ICCIDs of orders with which the world began as installed */
    gboolean deleted;      /* profiles were, perhaps, by someone */
} Lookup;

/* Every profile on a card was ordered somewhere, octet for octet. */
static gboolean
check_origin (RspRun *run, const RspYaml *node, const RspWorldActor *card, const RspProfileView *v,
              const Lookup *lookup)
{
    const RspWorldPackage *p = g_hash_table_lookup (lookup->packages, v->iccid);
    if (!p)
        return rsp_run_fail (run, node, "expected only ordered profiles on %s, got ICCID %s",
                             card->base.name, v->iccid);
    if (memcmp (p->sha256, v->package_sha256, sizeof p->sha256) != 0)
        return rsp_run_fail (run, node,
                             "expected profile %s on %s to be what was ordered, got "
                             "another package",
                             v->iccid, card->base.name);
    return TRUE;
}

static gboolean
check_card (RspRun *run, const RspYaml *node, const RspWorldActor *card, const Lookup *lookup)
{
    g_autoptr (GPtrArray) views = rsp_euicc_profiles (card->euicc);
    guint enabled = 0;
    for (guint i = 0; i < views->len; i++) {
        const RspProfileView *v = views->pdata[i];
        const char *other = g_hash_table_lookup (lookup->where, v->iccid);
        if (other)
            return rsp_run_fail (run, node, "expected ICCID %s on one eUICC, got it on %s and %s",
                                 v->iccid, other, card->base.name);
        g_hash_table_insert (lookup->where, g_strdup (v->iccid), (gpointer)card->base.name);
        enabled += v->enabled;
        if (!check_origin (run, node, card, v, lookup))
            return FALSE;
    }
    if (enabled > 1)
        return rsp_run_fail (run, node, "expected one enabled profile at most on %s, got %u",
                             card->base.name, enabled);
    return TRUE;
}

static gboolean
was_deleted (const RspRun *run)
{
    for (guint i = 0; i < run->messages->len; i++) {
        guint id = g_array_index (run->messages, RspSentMessage, i).function->id;
        if (id == RSP_FN_ES10C_DELETE_PROFILE || id == RSP_FN_ES10C_EUICC_MEMORY_RESET ||
            id == RSP_FN_ESEP_DELETE || id == RSP_FN_ES10B_EUICC_MEMORY_RESET)
            return TRUE;
    }
    return FALSE;
}

/* An order that ends Installed has its profile on the card that it was for. */
static gboolean
check_server (RspRun *run, const RspYaml *node, const RspWorldActor *server, const Lookup *lookup)
{
    g_autoptr (GPtrArray) orders = rsp_smdpp_orders (server->smdpp);
    for (guint i = 0; i < orders->len; i++) {
        const RspOrderView *o = orders->pdata[i];
        const char *card = g_hash_table_lookup (lookup->where, o->iccid);
        if (strcmp (o->state, "installed") != 0 || lookup->deleted ||
            g_hash_table_contains (lookup->elsewhere, o->iccid))
            continue;
        if (!card)
            return rsp_run_fail (run, node, "expected the installed profile %s on a card, got none",
                                 o->iccid);
        const char *meant = o->eid ? g_hash_table_lookup (lookup->cards, o->eid) : NULL;
        if (meant && strcmp (meant, card) != 0)
            return rsp_run_fail (run, node, "expected profile %s on %s, got it on %s", o->iccid,
                                 meant, card);
    }
    return TRUE;
}

/* --- events ------------------------------------------------------------------------------------
 */

static const RspWorldActor *
server_with_oid (const RspRun *run, const char *oid)
{
    for (guint i = 0; i < run->world->actors->len; i++) {
        const RspWorldActor *a = run->world->actors->pdata[i];
        const RspWorldCredential *tls =
            a->role == RSP_ACTOR_SMDPP ? rsp_world_credential (a, "tls") : NULL;
        if (tls && g_strcmp0 (rsp_cert_oid (tls->cert), oid) == 0)
            return a;
    }
    return NULL;
}

static gboolean
asked_for (const RspRun *run, const RspWorldActor *server)
{
    guint n = 0;
    for (guint i = 0; i < run->messages->len; i++) {
        const RspSentMessage *m = &g_array_index (run->messages, RspSentMessage, i);
        n += m->function->id == RSP_FN_ES2P_CONFIRM_ORDER &&
             g_strcmp0 (m->dst, server->base.name) == 0;
    }
    return n > 0;
}

/* The order that the event stands for can still be downloaded, or the event is about to go. */
static gboolean
event_is_due (const RspWorldActor *server, const RspEventView *event)
{
    g_autoptr (GPtrArray) orders = rsp_smdpp_orders (server->smdpp);
    for (guint i = 0; i < orders->len; i++) {
        const RspOrderView *o = orders->pdata[i];
        gboolean live = strcmp (o->state, "released") == 0 || strcmp (o->state, "downloaded") == 0;
        if (live && g_strcmp0 (o->matching_id, event->event_id) == 0)
            return TRUE;
    }
    return rsp_smdpp_owes_event_deletion (server->smdpp, event->event_id);
}

/* No event outlives the order that it was registered for. */
static gboolean
check_events (RspRun *run, const RspYaml *node, const RspWorldActor *ds)
{
    g_autoptr (GPtrArray) events = rsp_smds_events (ds->smds);
    for (guint i = 0; i < events->len; i++) {
        const RspEventView *e = events->pdata[i];
        const RspWorldActor *server = server_with_oid (run, e->owner);
        if (server && asked_for (run, server) && !event_is_due (server, e))
            return rsp_run_fail (run, node, "expected event %s gone from %s with its order",
                                 e->event_id, ds->base.name);
    }
    return TRUE;
}

static void
add_installed (const RspRun *run, const RspYaml *orders, GHashTable *out)
{
    const RspYaml *actors = rsp_yaml_get (run->scenario->world, "actors");
    for (guint i = 0; orders && i < orders->items->len; i++) {
        const RspYaml *order = orders->items->pdata[i], *state = rsp_yaml_get (order, "state");
        gint64 count = 1;
        if (!state || strcmp (state->text, "installed") != 0)
            continue;
        rsp_yaml_opt_int (order, "count", 1, G_MAXUINT32, &count, NULL);
        for (guint number = 1; number <= count; number++) {
            g_autoptr (RspYaml) one =
                rsp_group_instance (actors, rsp_yaml_get (order, "iccid"), number);
            g_hash_table_add (out, g_strdup (one->text));
        }
    }
}

static void
lookup_fill (Lookup *lookup, const RspRun *run)
{
    const RspWorld *w = run->world;
    lookup->packages = g_hash_table_new (g_str_hash, g_str_equal);
    lookup->cards = g_hash_table_new (g_str_hash, g_str_equal);
    lookup->where = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    lookup->elsewhere = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    lookup->deleted = was_deleted (run);
    for (guint i = w->packages->len; i > 0; i--) {
        RspWorldPackage *p = w->packages->pdata[i - 1];
        g_hash_table_insert (lookup->packages, p->iccid, p);
    }
    for (guint i = 0; i < w->actors->len; i++) {
        const RspWorldActor *a = w->actors->pdata[i];
        if (a->role == RSP_ACTOR_EUICC)
            g_hash_table_insert (lookup->cards, rsp_yaml_get (a->yaml, "eid")->text,
                                 (gpointer)a->base.name);
        if (a->role == RSP_ACTOR_SMDPP)
            add_installed (run, rsp_yaml_get (a->yaml, "orders"), lookup->elsewhere);
    }
}

static void
lookup_clear (Lookup *lookup)
{
    g_hash_table_unref (lookup->packages);
    g_hash_table_unref (lookup->cards);
    g_hash_table_unref (lookup->where);
    g_hash_table_unref (lookup->elsewhere);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Lookup, lookup_clear)

gboolean
rsp_invariants_check (RspRun *run, const RspYaml *node)
{
    g_auto (Lookup) lookup = {0};
    const char *leak = rsp_leaks_seen (run->leaks);
    lookup_fill (&lookup, run);
    if (leak)
        return rsp_run_fail (run, node, "expected no profile in clear on the bus, got %s", leak);
    for (guint i = 0; i < run->world->actors->len; i++) {
        const RspWorldActor *a = run->world->actors->pdata[i];
        if (a->role == RSP_ACTOR_EUICC && !check_card (run, node, a, &lookup))
            return FALSE;
    }
    for (guint i = 0; i < run->world->actors->len; i++) {
        const RspWorldActor *a = run->world->actors->pdata[i];
        if (a->role == RSP_ACTOR_SMDPP && !check_server (run, node, a, &lookup))
            return FALSE;
        if (a->role == RSP_ACTOR_SMDS && !check_events (run, node, a))
            return FALSE;
        if (a->role == RSP_ACTOR_EIM && !rsp_invariant_eim (run, node, a))
            return FALSE;
    }
    return TRUE;
}
