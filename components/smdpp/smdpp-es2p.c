/* ES2+ (SGP.22 5.3): orders by the operator. Checks in the order of consumer-procedures 1.2; a
 * failure leaves everything unchanged, a repeat of an executed call gets the same answer. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

#define MAX_MATCHING_ID 255
#define REMEMBERED_CALLS 4096

/* The digits of an ICCID member, without a final F; NULL if it is none. */
static char *
read_iccid (const char *text)
{
    if (!rsp_iccid_valid (text))
        return NULL;
    gsize n = strlen (text);
    if (g_ascii_toupper (text[n - 1]) == 'F')
        n--;
    return g_strndup (text, n);
}

static gboolean
same (const char *a, const char *b)
{
    return g_strcmp0 (a, b) == 0;
}

/* --- Repeats --- */

/* Function and members: a repeat may be written in another way. */
static void
hash_members (RspRequest *r)
{
    g_autoptr (GBytes) members = rsp_fields_encode (r->in);
    RspSlice parts[] = {RSP_SLICE (r->fn->name, strlen (r->fn->name)), rsp_slice_of (members)};
    rsp_sha256 (parts, G_N_ELEMENTS (parts), r->hash);
}

/* Fills the reply from an earlier execution of the same call (SGP.22 5.2.6: a repeat has the
 * functionCallIdentifier of the first). */
static gboolean
find_executed (RspSmdpp *dp, RspRequest *r, gboolean *ret_found, GError **error)
{
    *ret_found = FALSE;
    hash_members (r);
    sqlite3_stmt *stmt =
        rsp_store_bind (dp->store, "SELECT hash, reply FROM executed WHERE client = ? AND call = ?",
                        "ss", rsp_call_client (r->call), rsp_fields_call_id (r->in));
    gboolean row = FALSE;
    if (!rsp_store_step (dp->store, stmt, &row, error))
        return FALSE;
    if (!row)
        return TRUE;
    g_autoptr (GBytes) hash = rsp_store_blob (stmt, 0);
    g_autoptr (GBytes) reply = rsp_store_blob (stmt, 1);
    sqlite3_reset (stmt);
    if (!rsp_slice_equal (rsp_slice_of (hash), RSP_SLICE_ARRAY (r->hash)))
        return TRUE;
    r->earlier = g_steal_pointer (&reply);
    *ret_found = TRUE;
    return TRUE;
}

/* A new order of ICCID, or its end: what was called before is no repeat any more. */
static gboolean
forget (RspSmdpp *dp, const char *iccid, GError **error)
{
    return rsp_store_run (dp->store, error, "DELETE FROM executed WHERE iccid = ?", "s", iccid);
}

static gboolean
remember (RspSmdpp *dp, RspRequest *r, const char *iccid, GError **error)
{
    g_autoptr (GBytes) hash = g_bytes_new (r->hash, sizeof r->hash);
    g_autoptr (GBytes) reply = rsp_fields_encode (r->out);
    return rsp_store_run (dp->store, error,
                          "INSERT OR REPLACE INTO executed (client, call, iccid, hash, reply)"
                          " VALUES (?, ?, ?, ?, ?)",
                          "sssbb", rsp_call_client (r->call), rsp_fields_call_id (r->in), iccid,
                          hash, reply) &&
           rsp_store_run (dp->store, error,
                          "DELETE FROM executed WHERE seq <= last_insert_rowid () - ?", "i",
                          (gint64)REMEMBERED_CALLS);
}

RspStatus
rsp_smdpp_execute (RspSmdpp *dp, RspRequest *r, RspOrder *order, gint64 note, GError **error)
{
    gboolean anew = r->fn->id == RSP_FN_ES2P_DOWNLOAD_ORDER;
    (void)(rsp_order_begin (dp, error) && rsp_order_write (dp, order, error) &&
           (!note || rsp_events_keep (dp->events, note, error)) &&
           (!anew || forget (dp, order->iccid, error)) && remember (dp, r, order->iccid, error) &&
           rsp_order_commit (dp, order, error));
    return RSP_OK;
}

/* --- What the functions share --- */

/* Finds the order that the call is about, if the caller may touch it. */
static RspStatus
find_order (RspSmdpp *dp, RspRequest *r, RspOrder **ret, GError **error)
{
    g_autofree char *iccid = read_iccid (rsp_fields_text (r->in, "iccid"));
    g_autoptr (RspOrder) order = iccid ? rsp_order_by_iccid (dp, iccid, error) : NULL;
    if (*error)
        return RSP_OK;
    if (!order)
        return RSP_FAILED ("8.2.1", "3.9", "unknown ICCID");
    const char *client = rsp_call_client (r->call);
    const char *holder = order->client ? order->client : order->owner;
    if (!client || (holder && !same (holder, client)))
        return RSP_FAILED ("8.2.1", "1.2", "the caller may not use this profile");
    *ret = g_steal_pointer (&order);
    return RSP_OK;
}

/* The check digits are the card's business: an EID that no card has ties the order to none. */
static RspStatus
check_eid (const char *eid)
{
    gboolean good = !eid || (strlen (eid) == 32 && strspn (eid, "0123456789") == 32);
    return good ? RSP_OK : RSP_FAILED ("8.1.1", "2.1", "malformed EID");
}

/* --- DownloadOrder --- */

static RspStatus
find_in_stock (RspSmdpp *dp, RspRequest *r, const char *iccid_text, RspOrder **ret, GError **error)
{
    const char *client = rsp_call_client (r->call);
    const char *type = rsp_fields_text (r->in, "profileType");
    const char *eid = rsp_fields_text (r->in, "eid");
    g_autofree char *iccid = read_iccid (iccid_text);
    g_autoptr (RspOrder) order = iccid ? rsp_order_by_iccid (dp, iccid, error) : NULL;
    if (*error)
        return RSP_OK;
    if (!order)
        return RSP_FAILED ("8.2.1", "3.9", "unknown ICCID");
    if (!client || (order->owner && !same (order->owner, client)))
        return RSP_FAILED ("8.2.1", "1.2", "the caller may not order this profile");
    if (order->state != RSP_ORDER_AVAILABLE) {
        const char *linked = rsp_order_live (order) ? rsp_order_eid (order) : NULL;
        gboolean other = eid && linked && !same (eid, linked);
        return RSP_FAILED ("8.2.1", other ? "3.10" : "3.3",
                           other ? "linked to another EID" : "not available");
    }
    if (type && !same (type, order->type))
        return RSP_FAILED ("8.2.5", "3.8", "the profile is of another type");
    *ret = g_steal_pointer (&order);
    return RSP_OK;
}

static RspStatus
pick_of_type (RspSmdpp *dp, RspRequest *r, const char *type, RspOrder **ret, GError **error)
{
    const char *client = rsp_call_client (r->call);
    gboolean known = FALSE, allowed = FALSE;
    g_autoptr (RspOrder) order =
        rsp_order_by_type (dp, type, client ? client : "", &known, &allowed, error);
    if (*error)
        return RSP_OK;
    if (!known)
        return RSP_FAILED ("8.2.5", "3.9", "unknown profile type");
    if (!client || !allowed)
        return RSP_FAILED ("8.2.5", "1.2", "the caller may not order this profile type");
    if (!order)
        return RSP_FAILED ("8.2.5", "3.7", "no more profile of this type");
    *ret = g_steal_pointer (&order);
    return RSP_OK;
}

RspStatus
rsp_es2p_download_order (RspSmdpp *dp, RspRequest *r, GError **error)
{
    const char *iccid = rsp_fields_text (r->in, "iccid");
    const char *type = rsp_fields_text (r->in, "profileType");
    const char *eid = rsp_fields_text (r->in, "eid");
    gboolean repeat = FALSE;
    if (!find_executed (dp, r, &repeat, error) || repeat)
        return RSP_OK;
    if (!iccid && !type)
        return RSP_FAILED ("8.2.1", "2.2", "neither iccid nor profileType");
    RspStatus status = check_eid (eid);
    g_autoptr (RspOrder) order = NULL;
    if (!status.subject)
        status = iccid ? find_in_stock (dp, r, iccid, &order, error)
                       : pick_of_type (dp, r, type, &order, error);
    if (*error || status.subject)
        return status;
    order->state = eid ? RSP_ORDER_LINKED : RSP_ORDER_ALLOCATED;
    order->serial = dp->next_order++;
    g_free (order->client);
    order->client = g_strdup (rsp_call_client (r->call));
    order->eid = g_strdup (eid);
    rsp_fields_set_text (r->out, "iccid", order->iccid);
    return rsp_smdpp_execute (dp, r, order, 0, error);
}

/* --- ConfirmOrder --- */

static gboolean
matching_id_valid (const RspSmdpp *dp, const char *id)
{
    gsize n = strspn (id, dp->config.lenient_matching_id ? "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
                                                         : "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return id[n] == '\0' && n <= MAX_MATCHING_ID;
}

/* 150 random bits in six groups of five; look-alike letters are left out. */
static char *
generate_matching_id (RspSmdpp *dp)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    guint8 random[30];
    rsp_rng_fill (dp->rng_matching, random, sizeof random);
    GString *id = g_string_sized_new (36);
    for (guint i = 0; i < sizeof random; i++) {
        if (i > 0 && i % 5 == 0)
            g_string_append_c (id, '-');
        g_string_append_c (id, alphabet[random[i] & 31]);
    }
    return g_string_free (id, FALSE);
}

static GBytes *
hash_code (const char *code)
{
    if (!code || !*code)
        return NULL;
    guint8 hash[RSP_SHA256_SIZE];
    RspSlice part = RSP_SLICE (code, strlen (code));
    rsp_sha256 (&part, 1, hash);
    return rsp_secret_bytes (hash, sizeof hash);
}

/* The same ConfirmOrder again under another call identifier: same parameters, same answer. */
static gboolean
confirmed_alike (RspRequest *r, const RspOrder *order)
{
    const char *eid = rsp_fields_text (r->in, "eid");
    const char *matching_id = rsp_fields_text (r->in, "matchingId");
    const char *smds = rsp_fields_text (r->in, "smdsAddress");
    g_autoptr (GBytes) code = hash_code (rsp_fields_text (r->in, "confirmationCode"));
    RspOrderState wanted =
        rsp_fields_bool (r->in, "releaseFlag") ? RSP_ORDER_RELEASED : RSP_ORDER_CONFIRMED;
    return order->state == wanted && (!eid || same (eid, order->eid)) &&
           (!matching_id || same (matching_id, order->matching_id)) &&
           same (smds && *smds ? smds : NULL, order->smds) && !code == !order->code_hash &&
           rsp_slice_equal_ct (rsp_slice_of (code), rsp_slice_of (order->code_hash));
}

static void
confirm_reply (RspRequest *r, const RspOrder *order)
{
    rsp_fields_set_text (r->out, "eid", rsp_fields_text (r->in, "eid"));
    rsp_fields_set_text (r->out, "matchingId", order->matching_id);
}

static RspStatus
check_matching_id (RspSmdpp *dp, const char *matching_id, GError **error)
{
    if (!matching_id || !*matching_id)
        return RSP_OK;
    if (!matching_id_valid (dp, matching_id))
        return RSP_FAILED ("8.2.6", "2.1", "malformed matchingId");
    g_autoptr (RspOrder) other = rsp_order_by_matching_id (dp, matching_id, error);
    return other ? RSP_FAILED ("8.2.6", "3.3", "matchingId in use") : RSP_OK;
}

static RspStatus
check_confirmation (RspSmdpp *dp, RspRequest *r, const RspOrder *order, GError **error)
{
    const char *eid = rsp_fields_text (r->in, "eid");
    const char *matching_id = rsp_fields_text (r->in, "matchingId");
    const char *smds = rsp_fields_text (r->in, "smdsAddress");
    gboolean by_smds = smds && *smds;
    if (order->state != RSP_ORDER_ALLOCATED && order->state != RSP_ORDER_LINKED)
        return RSP_FAILED ("8.2.1", "1.2", "the order is not open for confirmation");
    if (eid && order->eid && !same (eid, order->eid))
        return RSP_FAILED ("8.1.1", "3.10", "linked to another EID");
    if (!eid && !order->eid && (by_smds || (matching_id && !*matching_id)))
        return RSP_FAILED ("8.1.1", "2.2", "this kind of order needs an EID");
    RspStatus status = check_eid (eid);
    if (!status.subject)
        status = check_matching_id (dp, matching_id, error);
    if (!status.subject && !*error && by_smds && !rsp_bus_resolve (dp->actor->bus, smds))
        return RSP_FAILED ("8.9", "5.1", "unknown SM-DS address");
    return status;
}

void
rsp_smdpp_release (RspSmdpp *dp, RspOrder *order)
{
    order->state = RSP_ORDER_RELEASED;
    if (dp->config.order_lifetime > 0)
        order->expiry = rsp_actor_time (dp->actor) + dp->config.order_lifetime / G_USEC_PER_SEC;
}

/* The EventID is the MatchingID, so an order behind an event has one. */
static void
take_parameters (RspSmdpp *dp, RspRequest *r, RspOrder *order)
{
    const char *matching_id = rsp_fields_text (r->in, "matchingId");
    const char *smds = rsp_fields_text (r->in, "smdsAddress");
    g_free (order->smds);
    order->smds = smds && *smds ? g_strdup (smds) : NULL;
    if (matching_id && !*matching_id && order->smds)
        matching_id = NULL;
    if (rsp_fields_text (r->in, "eid") && !order->eid)
        order->eid = g_strdup (rsp_fields_text (r->in, "eid"));
    g_free (order->matching_id);
    order->matching_id = matching_id ? g_strdup (matching_id) : generate_matching_id (dp);
    g_clear_pointer (&order->code_hash, g_bytes_unref);
    order->code_hash = hash_code (rsp_fields_text (r->in, "confirmationCode"));
}

RspStatus
rsp_es2p_confirm_order (RspSmdpp *dp, RspRequest *r, GError **error)
{
    gboolean repeat = FALSE;
    g_autoptr (RspOrder) order = NULL;
    if (!find_executed (dp, r, &repeat, error) || repeat)
        return RSP_OK;
    RspStatus status = find_order (dp, r, &order, error);
    if (*error || status.subject || rsp_smdpp_waits_for_event (dp, r, order->iccid))
        return status;
    if (confirmed_alike (r, order)) {
        confirm_reply (r, order);
        return RSP_OK;
    }
    status = check_confirmation (dp, r, order, error);
    if (*error || status.subject)
        return status;
    take_parameters (dp, r, order);
    confirm_reply (r, order);
    if (!rsp_fields_bool (r->in, "releaseFlag"))
        order->state = RSP_ORDER_CONFIRMED;
    else if (order->smds)
        return rsp_smdpp_release_with_event (dp, r, g_steal_pointer (&order), error);
    else
        rsp_smdpp_release (dp, order);
    return rsp_smdpp_execute (dp, r, order, 0, error);
}

RspStatus
rsp_es2p_release_profile (RspSmdpp *dp, RspRequest *r, GError **error)
{
    gboolean repeat = FALSE;
    g_autoptr (RspOrder) order = NULL;
    if (!find_executed (dp, r, &repeat, error) || repeat)
        return RSP_OK;
    RspStatus status = find_order (dp, r, &order, error);
    if (*error || status.subject || rsp_smdpp_waits_for_event (dp, r, order->iccid))
        return status;
    if (order->state != RSP_ORDER_CONFIRMED)
        return RSP_FAILED ("8.2.1", "3.5", "the profile cannot be released");
    if (order->smds)
        return rsp_smdpp_release_with_event (dp, r, g_steal_pointer (&order), error);
    rsp_smdpp_release (dp, order);
    return rsp_smdpp_execute (dp, r, order, 0, error);
}

/* --- CancelOrder --- */

static RspStatus
check_cancel (RspRequest *r, const RspOrder *order)
{
    const char *eid = rsp_fields_text (r->in, "eid");
    const char *matching_id = rsp_fields_text (r->in, "matchingId");
    const char *final = rsp_fields_text (r->in, "finalProfileStatusIndicator");
    if (order->state == RSP_ORDER_AVAILABLE || order->state == RSP_ORDER_INSTALLED ||
        order->state == RSP_ORDER_UNAVAILABLE)
        return RSP_FAILED ("8.2.1", "3.3", "there is no order to cancel");
    if (order->eid && !eid)
        return RSP_FAILED ("8.1.1", "2.2", "the order is linked to an EID");
    if (eid && rsp_order_eid (order) && !same (eid, rsp_order_eid (order)))
        return RSP_FAILED ("8.1.1", "3.10", "linked to another EID");
    if (matching_id && !same (matching_id, order->matching_id))
        return RSP_FAILED ("8.2.6", "3.10", "another matchingId is tied to this ICCID");
    if (!same (final, "Available") && !same (final, "Unavailable"))
        return RSP_FAILED ("1.6", "2.1", "finalProfileStatusIndicator");
    if (order->delivered && same (final, "Available"))
        return RSP_FAILED ("8.2.1", "3.3",
                           "a delivered profile may still be installed: it cannot be Available");
    return RSP_OK;
}

RspStatus
rsp_es2p_cancel_order (RspSmdpp *dp, RspRequest *r, GError **error)
{
    gboolean repeat = FALSE;
    g_autoptr (RspOrder) order = NULL;
    if (!find_executed (dp, r, &repeat, error) || repeat)
        return RSP_OK;
    RspStatus status = find_order (dp, r, &order, error);
    if (!*error && !status.subject && rsp_smdpp_waits_for_event (dp, r, order->iccid))
        return status;
    if (!*error && !status.subject)
        status = check_cancel (r, order);
    if (*error || status.subject || !rsp_order_begin (dp, error) ||
        !rsp_smdpp_drop_event (dp, order, error))
        return status;
    gboolean available = same (rsp_fields_text (r->in, "finalProfileStatusIndicator"), "Available");
    g_clear_pointer (&order->eid, g_free);
    g_clear_pointer (&order->bound_eid, g_free);
    g_clear_pointer (&order->matching_id, g_free);
    g_clear_pointer (&order->code_hash, g_bytes_unref);
    g_clear_pointer (&order->smds, g_free);
    order->attempts = order->code_tries = order->expiry = 0;
    if (available)
        g_clear_pointer (&order->client, g_free);
    if (!rsp_order_end (dp, order, available ? RSP_ORDER_AVAILABLE : RSP_ORDER_UNAVAILABLE,
                        error) ||
        !forget (dp, order->iccid, error) || !remember (dp, r, order->iccid, error) ||
        !rsp_order_commit (dp, order, error))
        return RSP_OK;
    rsp_smdpp_end_session_of (dp, order->iccid);
    return RSP_OK;
}
