/* The IPAs of a world, each with the download procedure of a device. */
#include "sim/run/language.h"
#include "sim/run/world-private.h"

#include <string.h>

static void
on_downloaded (const RspLpaOutcome *o, gpointer data)
{
    RspWorldIpa *ipa = data;
    const RspIpaDownloaded outcome = {.step = o->step,
                                      .error = o->error,
                                      .subject = o->subject,
                                      .reason = o->reason,
                                      .iccid = o->iccid,
                                      .result = o->result,
                                      .trigger = o->trigger};
    ipa->downloaded (&outcome, ipa->data);
}

static void
on_installed (GBytes *result, gpointer data)
{
    RspWorldIpa *ipa = data;
    ipa->installed (result, ipa->data);
}

static void
download (gpointer engine, const RspIpaDownload *d, RspIpaDownloadedFunc func, gpointer data)
{
    RspWorldIpa *ipa = engine;
    ipa->downloaded = func;
    ipa->installed = d->installed;
    ipa->data = data;
    if (d->smds && !d->via) {
        const RspLpaDiscover discover = {.address = d->smds_address,
                                         .must_find = TRUE,
                                         .keep_notifications = d->keep_notifications};
        rsp_lpa_discover (ipa->engine, &discover, on_downloaded, ipa);
        return;
    }
    const RspLpaDownload download = {.activation_code = d->activation_code,
                                     .address = d->smds_address,
                                     .keep_notifications = d->keep_notifications,
                                     .proxy = d->via,
                                     .proxy_transaction = d->eim_transaction,
                                     .proxy_chooses = d->bare,
                                     .root_smds = d->smds};
    rsp_lpa_download (ipa->engine, &download, on_downloaded, ipa);
}

static void
on_delivered (const RspLpaOutcome *o, gpointer data)
{
    RspWorldIpa *ipa = data;
    ipa->delivered (o->delivered, o->pending, ipa->data);
}

static void
deliver (gpointer engine, RspIpaDeliveredFunc func, gpointer data)
{
    RspWorldIpa *ipa = engine;
    ipa->delivered = func;
    ipa->data = data;
    rsp_lpa_deliver_notifications (ipa->engine, on_delivered, ipa);
}

static RspIpaNotify
notify (const RspYaml *yaml)
{
    const char *text = rsp_world_text (yaml, "notify", rsp_language_ipa_notify[0]);
    guint i = 0;
    while (strcmp (rsp_language_ipa_notify[i], text) != 0)
        i++;
    return (RspIpaNotify)i;
}

RspWorldIpa *
rsp_world_ipa_new (const RspActor *actor, const RspLpaConfig *engine, const RspIpaConfig *config,
                   GError **error)
{
    RspWorldIpa *ipa = g_new0 (RspWorldIpa, 1);
    RspIpaConfig own = *config;
    const RspLpaUi ui = {.installed = on_installed, .data = ipa};
    own.downloader = (RspIpaDownloader){.download = download, .deliver = deliver, .engine = ipa};
    ipa->engine = rsp_lpa_new (actor, engine);
    rsp_lpa_set_ui (ipa->engine, &ui);
    ipa->ipa = rsp_ipa_new (actor, &own, error);
    if (!ipa->ipa)
        g_clear_pointer (&ipa, rsp_world_ipa_free);
    return ipa;
}

static gboolean
says (const RspYaml *yaml, const char *key, const char *value)
{
    return strcmp (rsp_world_text (yaml, key, ""), value) == 0;
}

gboolean
rsp_world_start_ipa (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspYaml *yaml = a->yaml;
    g_autofree char *memory = rsp_world_state_path (w, a, ".nvm");
    const RspLpaConfig engine = {
        .card = rsp_yaml_get (yaml, "euicc")->text,
        .imei = rsp_world_text (yaml, "imei", NULL),
        .tac = rsp_world_text (yaml, "tac", NULL),
        .timeout = rsp_world_duration (yaml, "timeout", 0),
        .lenient_matching_id = rsp_world_flag (yaml, "lenient-matching-id", FALSE),
        .asn1_binding = says (yaml, "binding", "asn1"),
        .json_proxy = says (yaml, "esipa", "json"),
    };
    const RspIpaConfig config = {
        .card = engine.card,
        .fqdn = rsp_world_text (yaml, "fqdn", NULL),
        .tac = engine.tac,
        .memory = memory,
        .v10 = says (yaml, "version", "1.0"),
        .json = engine.json_proxy,
        .indirect = rsp_world_flag (yaml, "indirect", FALSE),
        .immediate_enable = rsp_world_flag (yaml, "immediate-enable", FALSE),
        .notify = notify (yaml),
        .timeout = engine.timeout,
        .period = rsp_world_duration (yaml, "poll-period", 0),
        .jitter = rsp_world_duration (yaml, "poll-jitter", 0),
        .pause = rsp_world_duration (yaml, "retry-pause", 10 * G_USEC_PER_SEC),
        .retries = (guint)rsp_world_number (yaml, "retries", 0),
    };
    rsp_world_set_tls (w, a, NULL);
    a->ipa = rsp_world_ipa_new (&a->base, &engine, &config, error);
    if (!a->modem)
        a->modem = rsp_modem_new (&a->base, config.card);
    g_autofree char *path = rsp_world_state_path (w, a, "-emulation.db");
    return a->ipa &&
           (!rsp_world_flag (yaml, "emulate", FALSE) || rsp_ipa_emulate (a->ipa->ipa, path, error));
}

void
rsp_world_ipa_free (RspWorldIpa *ipa)
{
    rsp_ipa_free (ipa->ipa);
    rsp_lpa_free (ipa->engine);
    g_free (ipa);
}
