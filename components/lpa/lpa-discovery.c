/* Discovery (SGP.22 3.6, 4.4; consumer-procedures 4.3): which events wait at the SM-DSs, and one
 * session after another with the servers behind them. What is behind an event, an SM-DP+ or another
 * SM-DS, shows in the role of its certificate. An event that fails does not stop the others. */
#include "components/lpa/lpa-private.h"

#include "asn1/event-entries.h"
#include "pki/cert.h"

#include <string.h>

#define MAX_HOPS 3
#define MAX_TARGETS RSP_MAX_EVENT_ENTRIES

typedef struct {
    char *address, *event_id; /* NULL: all events of an SM-DS, or a default order */
    guint hops;
    gboolean is_ds;    /* known to be an SM-DS: asked on ES11 */
    gboolean optional; /* nothing there is no failure */
    gboolean last;     /* only if nothing has been installed before */
} Target;

struct _LpaDiscovery {
    GQueue targets; /* of Target */
    GHashTable *seen;
    Target *current;
    gboolean with_default, must_find;
    guint events, installed;
    /* the first failure */
    char *step, *error, *subject, *reason, *iccid;
    const char *cancelled;
};

static void
target_free (gpointer data)
{
    Target *t = data;
    if (!t)
        return;
    g_free (t->address);
    g_free (t->event_id);
    g_free (t);
}

void
lpa_discovery_free (LpaDiscovery *d)
{
    if (!d)
        return;
    g_queue_clear_full (&d->targets, target_free);
    g_hash_table_destroy (d->seen);
    target_free (d->current);
    g_free (d->step);
    g_free (d->error);
    g_free (d->subject);
    g_free (d->reason);
    g_free (d->iccid);
    g_free (d);
}

static Target *
target_new (LpaDiscovery *d, const char *address, const char *event_id)
{
    g_autofree char *host = g_ascii_strdown (address, -1);
    if (g_hash_table_size (d->seen) >= MAX_TARGETS ||
        !g_hash_table_add (d->seen, g_strconcat (host, " ", event_id, NULL)))
        return NULL;
    Target *t = g_new0 (Target, 1);
    t->address = g_strdup (address);
    t->event_id = g_strdup (event_id);
    return t;
}

static void
add_smds (LpaDiscovery *d, const char *address, const char *event_id)
{
    Target *t = target_new (d, address, event_id);
    if (!t)
        return;
    t->is_ds = TRUE;
    t->last = d->with_default;
    g_queue_push_tail (&d->targets, t);
}

static void
add_default (LpaDiscovery *d, const char *address)
{
    Target *t = target_new (d, address, NULL);
    t->optional = TRUE;
    g_queue_push_tail (&d->targets, t);
}

/* --- one target after another --- */

static void
keep_failure (LpaDiscovery *d, LpaOperation *op)
{
    if (d->error || d->current->optional)
        return;
    d->step = g_steal_pointer (&op->step);
    d->error = g_steal_pointer (&op->error);
    d->subject = g_steal_pointer (&op->subject);
    d->reason = g_steal_pointer (&op->reason);
    d->iccid = g_steal_pointer (&op->iccid);
    d->cancelled = op->cancelled;
}

static void
account (LpaDiscovery *d, LpaOperation *op)
{
    if (!d->current)
        return;
    if (op->error)
        keep_failure (d, op);
    else if (!d->current->is_ds)
        d->installed++;
    g_clear_pointer (&d->current, target_free);
}

/* What the whole comes to: the first failure, if there was one. */
static void
sum_up (LpaDiscovery *d, LpaOperation *op)
{
    op->events = d->events;
    op->installed = d->installed;
    if (d->error) {
        g_clear_pointer (&op->iccid, g_free);
        op->step = g_steal_pointer (&d->step);
        op->error = g_steal_pointer (&d->error);
        op->subject = g_steal_pointer (&d->subject);
        op->reason = g_steal_pointer (&d->reason);
        op->iccid = g_steal_pointer (&d->iccid);
        op->cancelled = d->cancelled;
    } else if (d->must_find && d->events == 0) {
        op->step = g_strdup ("discovery");
        op->error = g_strdup ("noEvent");
    }
}

/* What belongs to one target alone. */
static void
clear_target (LpaOperation *op)
{
    lpa_clear_session (op);
    if (op->code)
        rsp_wipe (op->code, strlen (op->code));
    g_clear_pointer (&op->code, g_free);
    op->codes_tried = 0;
    op->code_was_refused = op->restarted = FALSE;
    g_clear_pointer (&op->notes, g_ptr_array_unref);
    op->note = 0;
    g_clear_pointer (&op->pir, g_bytes_unref);
    g_clear_pointer (&op->step, g_free);
    g_clear_pointer (&op->error, g_free);
    g_clear_pointer (&op->subject, g_free);
    g_clear_pointer (&op->reason, g_free);
    op->cancelled = NULL;
}

gboolean
lpa_discovery_goes_on (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    LpaDiscovery *d = op->discovery;
    if (!d->current && op->error) /* the card did not even say where to ask */
        return FALSE;
    account (d, op);
    clear_target (op);
    while ((d->current = g_queue_pop_head (&d->targets)) && d->current->last && d->installed > 0)
        target_free (d->current);
    if (!d->current) {
        sum_up (d, op);
        return FALSE;
    }
    g_free (op->address);
    g_free (op->matching_id);
    op->address = g_strdup (d->current->address);
    op->matching_id = g_strdup (d->current->event_id);
    lpa_start_session (lpa);
    return TRUE;
}

/* --- the session --- */

RspFunctionId
lpa_session_function (const RspLpa *lpa, RspFunctionId es9p, RspFunctionId es11)
{
    const LpaDiscovery *d = lpa->op->discovery;
    if (lpa->op->proxy)
        return lpa_proxy_function (es9p);
    return d && d->current->is_ds ? es11 : es9p;
}

/* What answers may be an SM-DS, which speaks JSON alone. */
RspEncoding
lpa_session_encoding (const RspLpa *lpa)
{
    return lpa->op->proxy ? lpa->proxy_encoding : lpa->op->discovery ? RSP_ENC_JSON : lpa->encoding;
}

const char *
lpa_discovery_check_server (RspLpa *lpa, const RspFields *server)
{
    LpaDiscovery *d = lpa->op->discovery;
    if (!d)
        return NULL;
    g_autoptr (RspCert) cert =
        rsp_cert_parse (rsp_fields_bytes (server, "serverCertificate"), NULL);
    gboolean ds = cert && rsp_cert_role (cert) == RSP_ROLE_DS_AUTH;
    if (d->current->is_ds && !ds)
        return "notAnSmds";
    d->current->is_ds = ds;
    return NULL;
}

gboolean
lpa_asks_smds (const RspLpa *lpa)
{
    return lpa->op->discovery && lpa->op->discovery->current->is_ds;
}

/* In the order received, before what waited behind this SM-DS. */
static const char *
take_entries (LpaDiscovery *d, const GPtrArray *entries)
{
    const Target *from = d->current;
    d->events += entries->len;
    if (entries->len > 0 && from->hops + 1 > MAX_HOPS)
        return "tooManyHops";
    for (guint i = entries->len; i > 0; i--) {
        const RspEventEntry *e = entries->pdata[i - 1];
        Target *t = target_new (d, e->address, e->event_id);
        if (!t)
            continue;
        t->hops = from->hops + 1;
        g_queue_push_head (&d->targets, t);
    }
    return NULL;
}

void
lpa_on_event_entries (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    RspSlice id = rsp_slice_of (rsp_fields_bytes (op->client_reply, "transactionId"));
    g_autoptr (GPtrArray) entries =
        rsp_event_entries_from_json (rsp_fields_text (op->client_reply, "eventEntries"));
    const char *wrong = !rsp_slice_equal (id, rsp_slice_of (op->transaction_id))
                            ? "transactionIdMismatch"
                        : entries ? take_entries (op->discovery, entries)
                                  : "badReply";
    g_autofree char *n = entries ? g_strdup_printf ("%u", entries->len) : NULL;
    lpa_check_event (lpa, "events", op->address, wrong ? wrong : n);
    if (wrong)
        lpa_note_failure (lpa, NULL, wrong);
    lpa_finish (lpa);
}

/* --- beginning --- */

static LpaDiscovery *
begin (RspLpa *lpa, const char *name, RspLpaFunc func, gpointer data)
{
    LpaOperation *op = lpa_begin (lpa, name, func, NULL, data);
    if (!op)
        return NULL;
    op->discovery = g_new0 (LpaDiscovery, 1);
    g_queue_init (&op->discovery->targets);
    op->discovery->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    return op->discovery;
}

static void
get_addresses (RspLpa *lpa)
{
    static const guint8 command[] = {0xBF, 0x3C, 0x00};
    lpa_call (lpa, LPA_GET_SMDS_ADDRESSES, RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES, NULL,
              g_bytes_new_static (command, sizeof command));
}

void
rsp_lpa_discover (RspLpa *lpa, const RspLpaDiscover *discover, RspLpaFunc func, gpointer data)
{
    LpaDiscovery *d = begin (lpa, discover->must_find ? "download" : "discover", func, data);
    if (!d)
        return;
    d->must_find = discover->must_find;
    lpa->op->by_user = TRUE;
    lpa->op->keep_notifications = discover->keep_notifications;
    if (discover->address) {
        add_smds (d, discover->address, discover->event_id);
        lpa_discovery_goes_on (lpa);
    } else {
        get_addresses (lpa);
    }
}

void
lpa_on_smds_addresses (RspLpa *lpa, const RspReply *reply)
{
    LpaDiscovery *d = lpa->op->discovery;
    RspTlv response, tlv;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    g_autofree char *dp =
        rsp_tlv_find (response.value, 0x80, &tlv) ? lpa_address (tlv.value) : NULL;
    g_autofree char *ds =
        rsp_tlv_find (response.value, 0x81, &tlv) ? lpa_address (tlv.value) : NULL;
    if (d->with_default && dp)
        add_default (d, dp);
    if (ds)
        add_smds (d, ds, NULL);
    for (char **more = lpa->smds; more && *more; more++)
        add_smds (d, *more, NULL);
    lpa_finish (lpa); /* of the card's part: the targets follow */
}

/* --- by itself: at power-on and from time to time --- */

static void
read_profiles (RspLpa *lpa)
{
    static const guint8 command[] = {0xBF, 0x2D, 0x06, 0x5C, 0x04, 0x5A, 0x9F, 0x70, 0x95};
    lpa_call (lpa, LPA_READ_STATE, RSP_FN_ES10C_GET_PROFILES_INFO, NULL,
              g_bytes_new_static (command, sizeof command));
}

static void on_poll (gpointer data);

/* How long until the next poll: by the state of the eUICC and by what the end user has done. */
static gint64
period (const RspLpa *lpa)
{
    const RspLpaPolling *p = &lpa->polling;
    if (lpa->searches > 0 && p->searching > 0)
        return p->searching;
    return lpa->enabled ? p->enabled : lpa->installed ? p->disabled : p->empty;
}

static void
arm (RspLpa *lpa)
{
    gint64 pause = period (lpa);
    rsp_loop_cancel (lpa->actor->loop, lpa->poll_event);
    lpa->poll_event = 0;
    if (pause > 0)
        lpa->poll_event = rsp_loop_after_background (lpa->actor->loop, pause, on_poll, lpa, NULL);
}

static void
on_poll (gpointer data)
{
    RspLpa *lpa = data;
    lpa->poll_event = 0;
    if (lpa->op) /* what is under way arms the timer when it ends */
        return;
    if (lpa->searches > 0)
        lpa->searches--;
    if (begin (lpa, "poll", NULL, NULL))
        get_addresses (lpa);
}

static void
on_look (gpointer data)
{
    RspLpa *lpa = data;
    lpa->look_event = 0;
    if (!lpa->op && lpa_begin (lpa, "pollingPolicy", NULL, NULL, NULL))
        read_profiles (lpa);
}

void
lpa_polling_after (RspLpa *lpa, const LpaOperation *op)
{
    const RspLpaPolling *p = &lpa->polling;
    if (p->empty <= 0 && p->disabled <= 0 && p->enabled <= 0)
        return;
    if (strcmp (op->name, "pollingPolicy") == 0) {
        arm (lpa);
        return;
    }
    if (op->discovery && op->by_user && op->events == 0)
        lpa->searches = p->searches;
    if (op->events > 0)
        lpa->searches = 0;
    if (!lpa->look_event)
        lpa->look_event = rsp_loop_after (lpa->actor->loop, 0, on_look, lpa, NULL);
}

/* A profile that cannot be read counts as none. */
static void
note_profiles (RspLpa *lpa, RspSlice list, guint *ret_operational)
{
    RspTlv info;
    lpa->installed = lpa->enabled = FALSE;
    while (rsp_tlv_next (&list, &info) == RSP_TLV_OK) {
        RspLpaProfile *profile = lpa_profile_read (info.value);
        if (!profile)
            continue;
        lpa->installed = TRUE;
        lpa->enabled |= profile->enabled;
        *ret_operational += profile->profile_class == RSP_CLASS_OPERATIONAL;
        lpa_profile_free (profile);
    }
}

void
lpa_on_state (RspLpa *lpa, const RspReply *reply)
{
    RspTlv response, list;
    guint operational = 0;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    if (!rsp_tlv_find (response.value, 0xA0, &list)) {
        lpa_fail (lpa, NULL, "badReply");
        return;
    }
    note_profiles (lpa, list.value, &operational);
    if (!lpa->op->discovery || operational > 0)
        lpa_finish (lpa);
    else
        get_addresses (lpa);
}

void
rsp_lpa_power_on (RspLpa *lpa, RspLpaFunc func, gpointer data)
{
    LpaDiscovery *d = begin (lpa, "powerOn", func, data);
    if (!d)
        return;
    d->with_default = TRUE;
    if (lpa->power_on_discovery)
        read_profiles (lpa);
    else
        lpa->start_event = rsp_loop_after (lpa->actor->loop, 0, lpa_finish_early, lpa, NULL);
}

void
rsp_lpa_start (RspLpa *lpa)
{
    const RspLpaPolling *p = &lpa->polling;
    if (lpa->power_on_discovery)
        rsp_lpa_power_on (lpa, NULL, NULL);
    else if (p->empty > 0 || p->disabled > 0 || p->enabled > 0)
        lpa->look_event = rsp_loop_after (lpa->actor->loop, 0, on_look, lpa, NULL);
}

gboolean
rsp_lpa_is_idle (const RspLpa *lpa)
{
    return !lpa->op && !lpa->look_event;
}
