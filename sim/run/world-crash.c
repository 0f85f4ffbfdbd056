/* Crash faults: a server, or an IoT device, is gone at once, and starts again from what it has
 * written down. */
#include "sim/run/world-private.h"

#include <glib/gstdio.h>
#include <string.h>

/* Above every incarnation that a restart of the whole world counts. */
#define NEXT_LIFE (G_GUINT64_CONSTANT (1) << 32)

typedef struct {
    RspWorld *world;
    RspWorldActor *actor;
} Restart;

static void
bury (RspWorldActor *a)
{
    if (a->role == RSP_ACTOR_SMDPP) {
        g_clear_pointer (&a->smdpp, rsp_smdpp_free);
    } else if (a->role == RSP_ACTOR_SMDS) {
        g_clear_pointer (&a->smds, rsp_smds_free);
    } else if (a->role == RSP_ACTOR_EIM) {
        rsp_eim_abandon_pushes (a->eim);
        g_clear_pointer (&a->eim, rsp_eim_free);
    } else {
        g_clear_pointer (&a->ipa, rsp_world_ipa_free);
    }
}

static gboolean
start (RspWorld *w, RspWorldActor *a, GError **error)
{
    return a->role == RSP_ACTOR_SMDPP  ? rsp_world_start_smdpp (w, a, error)
           : a->role == RSP_ACTOR_SMDS ? rsp_world_start_smds (w, a, error)
           : a->role == RSP_ACTOR_EIM  ? rsp_world_start_eim (w, a, error)
                                       : rsp_world_start_ipa (w, a, error);
}

/* A device takes its card's power along. */
static void
cut_card (RspWorld *w, const RspWorldActor *device)
{
    RspWorldActor *card = rsp_world_actor (w, rsp_yaml_get (device->yaml, "euicc")->text);
    rsp_euicc_cut_power (card->euicc);
    rsp_world_insert_card (w, card);
}

static void
restart (gpointer data)
{
    const Restart *r = data;
    RspWorld *w = r->world;
    RspWorldActor *a = r->actor;
    gboolean is_ipa = a->role == RSP_ACTOR_IPA;
    RspIpaFunc func = NULL;
    gpointer waiting = NULL;
    g_autoptr (GError) error = NULL;
    a->restart = 0;
    if (is_ipa)
        rsp_ipa_take_waiting (a->ipa->ipa, &func, &waiting);
    bury (a);
    if (is_ipa)
        cut_card (w, a);
    a->base.incarnation += NEXT_LIFE;
    if (start (w, a, &error))
        rsp_actor_state (&a->base, "process", "crashed", "running");
    else if (!w->failure)
        w->failure = g_strdup (error->message);
    if (is_ipa && !error)
        rsp_ipa_boot (a->ipa->ipa, func, waiting);
}

/* What is left of it waits for its end until the loop runs: it may stand on the stack. */
static gboolean
on_crash (const char *actor, gint64 down, gpointer data)
{
    RspWorld *w = data;
    RspWorldActor *a = rsp_world_actor (w, actor);
    if (!a || (a->role != RSP_ACTOR_SMDPP && a->role != RSP_ACTOR_SMDS &&
               a->role != RSP_ACTOR_EIM && a->role != RSP_ACTOR_IPA))
        return FALSE;
    Restart *r = g_new0 (Restart, 1);
    *r = (Restart){w, a};
    rsp_actor_state (&a->base, "process", "running", "crashed");
    a->restart = rsp_loop_after (w->options.loop, down, restart, r, g_free);
    return TRUE;
}

static gboolean
has_crashes (const RspScenario *s)
{
    for (guint i = 0; s->faults && i < s->faults->items->len; i++)
        if (strcmp (rsp_world_text (s->faults->items->pdata[i], "action", ""), "crash") == 0)
            return TRUE;
    return FALSE;
}

gboolean
rsp_world_prepare_crashes (RspWorld *w, GError **error)
{
    w->folder = g_strdup (w->options.state_dir);
    if (!has_crashes (w->scenario))
        return TRUE;
    rsp_bus_set_crash (w->bus, on_crash, w);
    if (w->folder)
        return TRUE;
    w->scratch = TRUE;
    w->folder = g_dir_make_tmp ("rspsim-XXXXXX", error);
    return w->folder != NULL;
}

static void
remove_folder (const char *folder)
{
    g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name (dir))) {
        g_autofree char *path = g_build_filename (folder, name, NULL);
        g_unlink (path);
    }
    g_rmdir (folder);
}

void
rsp_world_end_crashes (RspWorld *w)
{
    if (w->scratch && w->folder)
        remove_folder (w->folder);
    g_free (w->folder);
    g_free (w->failure);
}
