#include "components/euicc/euicc-iot.h"

#include <string.h>

#include "asn1/saip-schema.h"

#define DEFAULT_MEMORY (512 * 1024)

static void
channel_clear (RspEuiccChannel *ch)
{
    g_clear_pointer (&ch->chain, g_byte_array_unref);
    g_clear_pointer (&ch->response, g_byte_array_unref);
    rsp_euicc_object_clear (&ch->object);
    *ch = (RspEuiccChannel){0};
}

RspEuiccChannel *
rsp_euicc_channel (RspEuicc *card, guint number)
{
    if (!card->channels[number])
        card->channels[number] = g_new0 (RspEuiccChannel, 1);
    return card->channels[number];
}

void
rsp_euicc_tidy_channels (RspEuicc *card)
{
    for (guint i = 0; i < RSP_EUICC_CHANNELS; i++)
        if (card->channels[i] && !card->channels[i]->open)
            g_clear_pointer (&card->channels[i], g_free);
}

static void
clear_channels (RspEuicc *card)
{
    for (guint i = 0; i < RSP_EUICC_CHANNELS; i++)
        if (card->channels[i])
            channel_clear (card->channels[i]);
}

/* An answer that the card is still working on. */
typedef struct {
    RspEuicc *card;
    RspCall *call;
    GBytes *body;
    guint64 event;
} Answer;

static void
answer_free (gpointer data)
{
    Answer *a = data;
    rsp_loop_cancel (a->card->actor->loop, a->event);
    if (a->call)
        rsp_call_abandon (a->call);
    g_bytes_unref (a->body);
    g_free (a);
}

static void
reply (RspCall *call, GBytes *body)
{
    RspSlice r = rsp_slice_of (body);
    RspOutcome outcome = {.sw = (guint)(r.data[r.len - 2] << 8 | r.data[r.len - 1])};
    rsp_call_reply (call, &outcome, body);
}

static void
on_answer (gpointer data)
{
    Answer *a = data;
    RspCall *call = g_steal_pointer (&a->call);
    g_autoptr (GBytes) body = g_bytes_ref (a->body);
    a->event = 0;
    g_ptr_array_remove_fast (a->card->answers, a);
    reply (call, body);
}

static void
answer_later (RspEuicc *card, RspCall *call, GBytes *body, gint64 delay)
{
    Answer *a = g_new0 (Answer, 1);
    *a = (Answer){.card = card, .call = call, .body = g_bytes_ref (body)};
    a->event = rsp_loop_after (card->actor->loop, delay, on_answer, a, NULL);
    g_ptr_array_add (card->answers, a);
}

static void
serve (RspCall *call, gpointer data)
{
    RspSlice command = rsp_slice_of (rsp_call_body (call));
    RspEuicc *card = data;
    g_autoptr (GBytes) body = rsp_euicc_transmit (card, command);
    if (card->power_lost) {
        rsp_euicc_cut_power (card);
        rsp_call_fail (call, RSP_REPLY_LINK);
        return;
    }
    gint64 delay = rsp_euicc_take_time (card, command.len + g_bytes_get_size (body));
    if (delay > 0)
        answer_later (card, call, body, delay);
    else
        reply (call, body);
}

static void
power_loss (gpointer data)
{
    rsp_euicc_cut_power (data);
}

static void
configure (RspEuicc *card, const RspEuiccConfig *config)
{
    static const guint8 svn[3] = {2, 6, 0}, none[3] = {0};
    card->eid = g_strdup (config->eid);
    card->key = config->key;
    card->cert = rsp_cert_ref (config->cert);
    card->eum_cert = rsp_cert_ref (config->eum_cert);
    card->roots = config->roots ? g_ptr_array_ref (config->roots) : g_ptr_array_new ();
    card->initial_dp = g_strdup (config->default_dp_address);
    card->root_ds =
        g_strdup (config->root_ds_address ? config->root_ds_address : "rootds.example.com");
    card->memory = config->memory ? config->memory : DEFAULT_MEMORY;
    card->worn_memory = config->worn_memory;
    card->services = config->services ? config->services : rsp_euicc_default_services ();
    card->crl_memory = config->crl_memory;
    memcpy (card->svn, memcmp (config->svn, none, 3) == 0 ? svn : config->svn, 3);
    card->timed = config->timed;
    card->answers = g_ptr_array_new_with_free_func (answer_free);
    card->has_clock = config->has_clock;
    card->test_profiles = config->test_profiles;
    card->lpae = config->lpae;
    card->iot = config->iot ? rsp_euicc_iot_new (config->iot) : NULL;
    if (card->iot)
        card->iot->eims.ci = rsp_cert_aki (card->eum_cert);
    card->rat = rsp_slice_to_bytes (config->rat ? *config->rat : RSP_SLICE (NULL, 0));
}

RspEuicc *
rsp_euicc_new (const RspActor *actor, const RspEuiccConfig *config, GError **error)
{
    g_autoptr (RspEuicc) card = g_new0 (RspEuicc, 1);
    card->actor = actor;
    configure (card, config);
    card->changes = rsp_changes_new ();
    card->profiles = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_euicc_profile_free);
    card->notifications =
        g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_euicc_notification_free);
    card->crls = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_crl_unref);
    card->challenges = rsp_actor_rng (actor, "challenge");
    card->keys = rsp_actor_rng (actor, "one-time key");
    if (!rsp_eid_to_octets (config->eid, card->eid_octets)) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "not an EID: \"%s\"", config->eid);
        return NULL;
    }
    card->nvm = rsp_nvm_open (config->nvm_path, error);
    if (!card->nvm || !rsp_euicc_load_state (card, error) ||
        !rsp_euicc_iot_personalise (card, error) ||
        !rsp_euicc_preload (card, config->preloaded, error))
        return NULL;
    rsp_euicc_reset (card);
    if (actor->bus) {
        rsp_bus_attach (actor->bus, actor->name, serve, card);
        rsp_bus_set_power_loss (actor->bus, actor->name, power_loss);
    }
    return g_steal_pointer (&card);
}

void
rsp_euicc_free (RspEuicc *card)
{
    if (!card)
        return;
    if (card->actor->bus)
        rsp_bus_detach (card->actor->bus, card->actor->name);
    g_clear_pointer (&card->answers, g_ptr_array_unref);
    rsp_euicc_session_end (card);
    clear_channels (card);
    rsp_euicc_tidy_channels (card);
    rsp_uicc_free (card->uicc);
    g_clear_pointer (&card->sms, g_ptr_array_unref);
    rsp_euicc_iot_free (card->iot);
    g_clear_pointer (&card->changes, g_ptr_array_unref);
    g_clear_pointer (&card->profiles, g_ptr_array_unref);
    g_clear_pointer (&card->notifications, g_ptr_array_unref);
    g_clear_pointer (&card->crls, g_ptr_array_unref);
    g_clear_pointer (&card->nvm, rsp_nvm_free);
    g_clear_pointer (&card->challenges, rsp_rng_free);
    g_clear_pointer (&card->keys, rsp_rng_free);
    g_clear_pointer (&card->identities, rsp_rng_free);
    g_ptr_array_unref (card->roots);
    g_clear_pointer (&card->cert, rsp_cert_unref);
    g_clear_pointer (&card->eum_cert, rsp_cert_unref);
    g_clear_pointer (&card->elements, g_bytes_unref);
    g_bytes_unref (card->rat);
    g_free (card->default_dp);
    g_free (card->initial_dp);
    g_free (card->root_ds);
    g_free (card->eid);
    g_free (card);
}

void
rsp_euicc_session_end (RspEuicc *card)
{
    RspEuiccSession *s = &card->session;
    if (s->load.install) {
        g_clear_pointer (&card->elements, g_bytes_unref);
        card->elements = rsp_install_response (s->load.install);
    }
    rsp_euicc_load_clear (&s->load);
    g_free (s->address);
    g_clear_pointer (&s->auth, rsp_cert_unref);
    g_clear_pointer (&s->pb, rsp_cert_unref);
    g_clear_pointer (&s->root, rsp_cert_unref);
    g_clear_pointer (&s->otpk, rsp_key_free);
    *s = (RspEuiccSession){0};
}

void
rsp_euicc_reset (RspEuicc *card)
{
    guint target;
    rsp_euicc_session_end (card);
    clear_channels (card);
    card->lpae_active = FALSE;
    g_clear_pointer (&card->sms, g_ptr_array_unref);
    rsp_euicc_iot_forget (card);
    card->terminal_profile = card->refresh_pending = card->refresh_fetched = FALSE;
    rsp_euicc_load_interrupted (card);
    /* A reset is what REFRESH asked for. */
    if (rsp_euicc_get_switch (card, &target))
        rsp_euicc_apply_switch (card, target);
    rsp_euicc_channel (card, 0)->open = TRUE;
    g_clear_pointer (&card->uicc, rsp_uicc_free);
    if (card->on_change)
        card->on_change (card->on_change_data);
}

void
rsp_euicc_cut_power (RspEuicc *card)
{
    card->power_lost = FALSE;
    rsp_euicc_rollback (card);
    rsp_euicc_reset (card);
}

GBytes *
rsp_euicc_atr (RspEuicc *card)
{
    static const guint8 atr[] = {0x3B, 0x9F, 0x96, 0x80, 0x1F, 0xC7, 0x80, 0x31, 0xA0, 0x73, 0xBE,
                                 0x21, 0x13, 0x67, 0x43, 0x20, 0x07, 0x18, 0x00, 0x00, 0x01, 0xA5};
    return g_bytes_new_static (atr, sizeof atr);
}

void
rsp_euicc_on_change (RspEuicc *card, void (*func) (gpointer data), gpointer data)
{
    card->on_change = func;
    card->on_change_data = data;
}

/* --- Profiles --- */

guint32
rsp_euicc_room (const RspEuicc *card)
{
    guint64 taken = 0;
    for (guint i = 0; i < card->profiles->len; i++)
        taken += ((const RspEuiccProfile *)g_ptr_array_index (card->profiles, i))->cost;
    return taken < card->memory ? card->memory - (guint32)taken : 0;
}

RspEuiccProfile *
rsp_euicc_enabled (const RspEuicc *card)
{
    for (guint i = 0; i < card->profiles->len; i++) {
        RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        if (p->enabled)
            return p;
    }
    return NULL;
}

RspEuiccProfile *
rsp_euicc_by_number (const RspEuicc *card, guint number)
{
    for (guint i = 0; i < card->profiles->len; i++) {
        RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        if (p->number == number)
            return p;
    }
    return NULL;
}

RspEuiccProfile *
rsp_euicc_by_iccid (const RspEuicc *card, RspSlice iccid)
{
    for (guint i = 0; i < card->profiles->len; i++) {
        RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        if (rsp_slice_equal (iccid, RSP_SLICE_ARRAY (p->iccid)))
            return p;
    }
    return NULL;
}

gboolean
rsp_euicc_has_operational (const RspEuicc *card)
{
    for (guint i = 0; i < card->profiles->len; i++) {
        const RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        if (p->metadata->profile_class == RSP_CLASS_OPERATIONAL)
            return TRUE;
    }
    return FALSE;
}

void
rsp_euicc_isdp_aid (guint number, guint8 out[16])
{
    static const guint8 aid[16] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                   0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x00, 0x00};
    memcpy (out, aid, sizeof aid);
    out[14] = (guint8)(number >> 8);
    out[15] = (guint8)number;
}

/* Without an enabled profile there is but an MF with an empty EF.DIR, readable by its EF.ARR. */
static RspUicc *
bare_uicc (void)
{
    static const RspSaipFileDef mf = {
        .kind = 0x78, .fid = 0x3F00, .lcsi = 5, .arr_fid = 0x2F06, .arr_record = 1};
    static const RspSaipFileDef dir = {.kind = 0x42,
                                       .fid = 0x2F00,
                                       .lcsi = 5,
                                       .sfi = 0x1E,
                                       .records = 1,
                                       .record_size = 34,
                                       .size = 34,
                                       .arr_fid = 0x2F06,
                                       .arr_record = 2};
    static const RspSaipFileDef arr = {.kind = 0x42,
                                       .fid = 0x2F06,
                                       .lcsi = 5,
                                       .records = 2,
                                       .record_size = 5,
                                       .size = 10,
                                       .arr_fid = 0x2F06,
                                       .arr_record = 2};
    static const guint8 rules[] = {0x80, 0x01, 0x18, 0x97, 0x00, 0x80, 0x01, 0x01, 0x90, 0x00};
    RspSaipProblem problem;
    RspUiccFile *root, *file;
    RspUicc *uicc = rsp_uicc_new (1024);
    rsp_uicc_add (uicc, NULL, &mf, &root, &problem);
    rsp_uicc_add (uicc, root, &dir, &file, &problem);
    rsp_uicc_add (uicc, root, &arr, &file, &problem);
    rsp_uicc_set_body (uicc, file, RSP_SLICE_ARRAY (rules));
    return uicc;
}

RspUicc *
rsp_euicc_uicc (RspEuicc *card)
{
    if (card->uicc)
        return card->uicc;
    RspEuiccProfile *p = rsp_euicc_enabled (card);
    if (p) {
        RspInstallCard all = {.services = card->services, .memory = G_MAXUINT32};
        g_autoptr (RspInstall) install = rsp_install_new (&all);
        RspSlice upp = rsp_slice_of (p->upp);
        if (rsp_install_feed (install, &upp, TRUE) == RSP_SAIP_OK)
            card->uicc = rsp_install_finish (install);
        if (card->uicc)
            rsp_euicc_restore (card, p, card->uicc);
    }
    if (!card->uicc)
        card->uicc = bare_uicc ();
    return card->uicc;
}

void
rsp_euicc_uicc_changed (RspEuicc *card)
{
    g_clear_pointer (&card->uicc, rsp_uicc_free);
    for (guint i = 0; i < RSP_EUICC_CHANNELS; i++) {
        RspEuiccChannel *ch = card->channels[i];
        if (!ch)
            continue;
        ch->df = ch->ef = ch->adf = NULL;
        ch->record = 0;
        rsp_euicc_object_clear (&ch->object);
        if (ch->app == RSP_APP_ADF)
            ch->app = RSP_APP_NONE;
    }
    if (card->on_change)
        card->on_change (card->on_change_data);
}

/* --- Views --- */

static void
profile_view_free (gpointer data)
{
    RspProfileView *view = data;
    g_free (view->iccid);
    g_free (view->nickname);
    rsp_metadata_free (view->metadata);
    g_free (view);
}

GPtrArray *
rsp_euicc_profiles (RspEuicc *card)
{
    GPtrArray *views = g_ptr_array_new_with_free_func (profile_view_free);
    for (guint i = 0; i < card->profiles->len; i++) {
        const RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
        RspProfileView *view = g_new0 (RspProfileView, 1);
        RspSlice upp = rsp_slice_of (p->upp);
        guint8 aid[16];
        rsp_euicc_isdp_aid (p->number, aid);
        g_autofree char *hex = rsp_hex (RSP_SLICE_ARRAY (aid));
        g_strlcpy (view->aid, hex, sizeof view->aid);
        view->iccid = rsp_iccid_from_octets (RSP_SLICE_ARRAY (p->iccid));
        view->nickname = g_strdup (p->nickname);
        view->enabled = p->enabled;
        view->metadata = rsp_metadata_copy (p->metadata);
        rsp_sha256 (&upp, 1, view->package_sha256);
        g_ptr_array_add (views, view);
    }
    return views;
}

static void
notification_view_free (gpointer data)
{
    RspNotificationView *view = data;
    g_free (view->address);
    g_free (view->iccid);
    g_free (view);
}

GPtrArray *
rsp_euicc_notifications (RspEuicc *card)
{
    GPtrArray *views = g_ptr_array_new_with_free_func (notification_view_free);
    for (guint i = 0; i < card->notifications->len; i++) {
        const RspEuiccNotification *n = g_ptr_array_index (card->notifications, i);
        RspNotificationView *view = g_new0 (RspNotificationView, 1);
        view->seq = n->seq;
        view->event = n->event;
        view->address = g_strdup (n->address);
        if (n->has_iccid)
            view->iccid = rsp_iccid_from_octets (RSP_SLICE_ARRAY (n->iccid));
        g_ptr_array_add (views, view);
    }
    return views;
}

GArray *
rsp_euicc_elements (RspEuicc *card)
{
    GArray *views = g_array_new (FALSE, FALSE, sizeof (RspElementView));
    RspTlv response, list, entry, status, identification;
    gint64 number;
    if (!card->elements || !rsp_tlv_single (rsp_slice_of (card->elements), 0x30, &response) ||
        !rsp_tlv_find (response.value, 0xA0, &list))
        return views;
    while (rsp_tlv_next (&list.value, &entry) == RSP_TLV_OK) {
        RspElementView view = {NULL, -1};
        if (rsp_tlv_find (entry.value, 0x80, &status) && rsp_saip_int (status.value, &number))
            view.status = rsp_saip_status_name ((RspSaipStatus)number);
        if (rsp_tlv_find (entry.value, 0x81, &identification) &&
            rsp_saip_int (identification.value, &number))
            view.identification = (gint32)number;
        g_array_append_val (views, view);
    }
    return views;
}

guint32
rsp_euicc_free_memory (RspEuicc *card)
{
    return rsp_euicc_room (card);
}
