/* The LPAs of a world. */
#include "sim/run/language.h"
#include "sim/run/world-private.h"

#include <string.h>

/* Key identifier of the CI that the device imposes; NULL: none. (transfer full) */
static GBytes *
imposed_ci (const RspWorld *w, const RspWorldActor *a)
{
    const char *name = rsp_world_text (a->yaml, "imposed-ci", NULL);
    const RspWorldActor *ci = name ? rsp_world_actor (w, name) : NULL;
    return ci ? rsp_slice_to_bytes (rsp_cert_ski (rsp_ci_cert (ci->ci))) : NULL;
}

static RspLpaPolling
polling (const RspYaml *yaml)
{
    if (!yaml)
        return (RspLpaPolling){0};
    return (RspLpaPolling){.empty = rsp_world_duration (yaml, "empty", 0),
                           .disabled = rsp_world_duration (yaml, "disabled", 0),
                           .enabled = rsp_world_duration (yaml, "enabled", 0),
                           .searching = rsp_world_duration (yaml, "searching", 0),
                           .searches = (guint)rsp_world_number (yaml, "searches", 10)};
}

static RspConsent
consent (const RspYaml *yaml)
{
    const char *text = rsp_world_text (yaml, "unattended-consent", rsp_language_consents[0]);
    RspConsent consent = RSP_CONSENT_GRANTED;
    while (strcmp (rsp_language_consents[consent], text) != 0)
        consent++;
    return consent;
}

static guint
on_inside_command (RspSlice command, GByteArray *out, gpointer card)
{
    return rsp_euicc_internal_es10 (card, command, out);
}

/* Whether an LPA is in the eUICC or in the device is where its ES10 calls go. */
void
rsp_world_join (RspWorldActor *card, const RspWorldActor *lpa)
{
    if (strcmp (rsp_world_text (lpa->yaml, "in", "device"), "euicc") == 0)
        rsp_apdu_link_set_inside (card->link, lpa->base.name, on_inside_command, card->euicc);
}

void
rsp_world_start_lpa (RspWorld *w, RspWorldActor *a)
{
    const RspYaml *yaml = a->yaml;
    g_autoptr (GBytes) ci = imposed_ci (w, a);
    g_autoptr (GPtrArray) smds = rsp_world_texts (yaml, "smds");
    RspLpaConfig config = {
        .card = rsp_yaml_get (yaml, "euicc")->text,
        .imei = rsp_world_text (yaml, "imei", NULL),
        .tac = rsp_world_text (yaml, "tac", NULL),
        .timeout = rsp_world_duration (yaml, "timeout", 0),
        .user_timeout = rsp_world_duration (yaml, "user-timeout", 0),
        .retry = rsp_world_duration (yaml, "notification-retry", 0),
        .imposed_ci = ci,
        .check_dates = rsp_world_flag (yaml, "check-dates", FALSE),
        .test_mode = rsp_world_flag (yaml, "test-mode", TRUE),
        .smds = (const char *const *)smds->pdata,
        .power_on_discovery = rsp_world_flag (yaml, "power-on-discovery", FALSE),
        .polling = polling (rsp_yaml_get (yaml, "polling")),
        .unattended = consent (yaml),
        .lenient_matching_id = rsp_world_flag (yaml, "lenient-matching-id", FALSE),
        .asn1_binding = strcmp (rsp_world_text (yaml, "binding", "json"), "asn1") == 0,
    };
    rsp_world_set_tls (w, a, NULL);
    a->lpa = rsp_lpa_new (&a->base, &config);
    a->modem = rsp_modem_new (&a->base, config.card);
}
