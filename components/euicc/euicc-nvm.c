/* What the card keeps: counters, profiles with their packages, notifications, one-time keys. */
#include "components/euicc/euicc-iot.h"

#include <string.h>

void
rsp_euicc_profile_free (RspEuiccProfile *p)
{
    if (!p)
        return;
    g_free (p->nickname);
    g_clear_pointer (&p->bf25, g_bytes_unref);
    g_clear_pointer (&p->dp_data, g_bytes_unref);
    g_clear_pointer (&p->upp, g_bytes_unref);
    g_clear_pointer (&p->metadata, rsp_metadata_free);
    g_free (p);
}

void
rsp_euicc_notification_free (RspEuiccNotification *n)
{
    if (!n)
        return;
    g_free (n->address);
    g_bytes_unref (n->tlv);
    g_free (n);
}

gboolean
rsp_euicc_profile_set_metadata (RspEuiccProfile *p, GBytes *bf25)
{
    RspTlv outer, iccid;
    g_autoptr (RspMetadata) metadata = rsp_metadata_decode (rsp_slice_of (bf25), NULL);
    if (!metadata || !rsp_tlv_single (rsp_slice_of (bf25), 0xBF25, &outer) ||
        !rsp_tlv_find (outer.value, 0x5A, &iccid) || iccid.value.len != 10)
        return FALSE;
    memcpy (p->iccid, iccid.value.data, 10);
    p->bf25 = g_bytes_ref (bf25);
    p->metadata = g_steal_pointer (&metadata);
    return TRUE;
}

RspEuiccNotification *
rsp_euicc_notification_new (GBytes *tlv)
{
    RspTlv outer, data, meta, seq, event, address, iccid;
    RspSlice whole = rsp_slice_of (tlv), rest = whole;
    if (rsp_tlv_next (&rest, &outer) != RSP_TLV_OK || rest.len > 0)
        return NULL;
    RspSlice body = outer.value;
    if (outer.tag == 0xBF37) {
        if (!rsp_tlv_find (body, 0xBF27, &data))
            return NULL;
        body = data.value;
    }
    guint64 number;
    guint32 bits;
    if (!rsp_tlv_find (body, 0xBF2F, &meta) || !rsp_tlv_find (meta.value, 0x80, &seq) ||
        !rsp_tlv_find (meta.value, 0x81, &event) || !rsp_tlv_find (meta.value, 0x0C, &address) ||
        !rsp_read_number (seq.value, &number) || !rsp_read_bits (event.value, &bits))
        return NULL;
    RspEuiccNotification *n = g_new0 (RspEuiccNotification, 1);
    n->seq = number;
    n->event = bits;
    n->address = g_strndup ((const char *)address.value.data, address.value.len);
    n->tlv = g_bytes_ref (tlv);
    n->metadata = meta.whole;
    n->has_iccid = rsp_tlv_find (meta.value, 0x5A, &iccid) && iccid.value.len == 10;
    if (n->has_iccid)
        memcpy (n->iccid, iccid.value.data, 10);
    return n;
}

/* --- Reading --- */

static RspEuiccProfile *
parse_profile (RspEuicc *card, guint number, GBytes *record)
{
    RspTlv order, enabled, cost, bf25, nickname, dp_data;
    RspSlice rest = rsp_slice_of (record);
    gboolean has_nickname, has_dp_data;
    guint64 value, octets;
    if (!rsp_take (&rest, 0x80, 1, 9, &order) || !rsp_take (&rest, 0x81, 1, 1, &enabled) ||
        !rsp_take (&rest, 0x82, 1, 9, &cost) || !rsp_take (&rest, 0xBF25, 0, 65536, &bf25) ||
        !rsp_take_optional (&rest, 0x90, 0, 64, &nickname, &has_nickname) ||
        !rsp_take_optional (&rest, 0xB8, 0, 128, &dp_data, &has_dp_data) ||
        !rsp_read_number (order.value, &value) || !rsp_read_number (cost.value, &octets))
        return NULL;
    RspEuiccProfile *p = g_new0 (RspEuiccProfile, 1);
    p->number = number;
    p->order = value;
    p->enabled = enabled.value.data[0] == 1;
    p->cost = (guint32)octets;
    if (has_nickname)
        p->nickname = g_strndup ((const char *)nickname.value.data, nickname.value.len);
    if (has_dp_data)
        p->dp_data = rsp_slice_to_bytes (dp_data.whole);
    g_autofree char *key = g_strdup_printf ("upp/%04x", number);
    g_autoptr (GBytes) metadata = rsp_slice_to_bytes (bf25.whole);
    p->upp = rsp_nvm_get (card->nvm, key);
    if (p->upp && rsp_euicc_profile_set_metadata (p, metadata))
        return p;
    rsp_euicc_profile_free (p);
    return NULL;
}

static gint
by_order (gconstpointer a, gconstpointer b)
{
    const RspEuiccProfile *const *x = a, *const *y = b;
    return (*x)->order < (*y)->order ? -1 : (*x)->order > (*y)->order;
}

static gboolean
damaged (GError **error, const char *key)
{
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "card memory is damaged at \"%s\"", key);
    return FALSE;
}

static gboolean
load_profiles (RspEuicc *card, GError **error)
{
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (card->nvm, "profile/");
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index (keys, i);
        g_autoptr (GBytes) record = rsp_nvm_get (card->nvm, key);
        guint number = (guint)g_ascii_strtoull (key + strlen ("profile/"), NULL, 16);
        RspEuiccProfile *p = parse_profile (card, number, record);
        if (!p)
            return damaged (error, key);
        g_ptr_array_add (card->profiles, p);
    }
    g_ptr_array_sort (card->profiles, by_order);
    return TRUE;
}

static gboolean
load_notifications (RspEuicc *card, GError **error)
{
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (card->nvm, "notification/");
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index (keys, i);
        g_autoptr (GBytes) tlv = rsp_nvm_get (card->nvm, key);
        RspEuiccNotification *n = rsp_euicc_notification_new (tlv);
        if (!n)
            return damaged (error, key);
        g_ptr_array_add (card->notifications, n);
    }
    return TRUE;
}

static gboolean
load_numbers (RspEuicc *card, GError **error)
{
    g_autoptr (GBytes) counters = rsp_nvm_get (card->nvm, "counters");
    card->next_seq = card->next_order = 1;
    if (counters) {
        RspTlv seq, order;
        RspSlice rest = rsp_slice_of (counters);
        if (!rsp_take (&rest, 0x80, 1, 9, &seq) || !rsp_take (&rest, 0x81, 1, 9, &order) ||
            !rsp_read_number (seq.value, &card->next_seq) ||
            !rsp_read_number (order.value, &card->next_order))
            return damaged (error, "counters");
    }
    g_autoptr (GBytes) dp = rsp_nvm_get (card->nvm, "default-dp");
    g_clear_pointer (&card->default_dp, g_free);
    if (dp)
        card->default_dp = g_strndup (g_bytes_get_data (dp, NULL), g_bytes_get_size (dp));
    g_autoptr (GBytes) resume = rsp_nvm_get (card->nvm, "resume");
    RspSlice r = rsp_slice_of (resume);
    card->resume = r.len == 2 ? (guint)(r.data[0] << 8 | r.data[1]) : 0;
    return TRUE;
}

gboolean
rsp_euicc_load_state (RspEuicc *card, GError **error)
{
    g_ptr_array_set_size (card->profiles, 0);
    g_ptr_array_set_size (card->notifications, 0);
    return load_numbers (card, error) && load_profiles (card, error) &&
           load_notifications (card, error) &&
           (rsp_euicc_load_crls (card) || damaged (error, "crl")) &&
           (rsp_euicc_iot_load (card) || damaged (error, "iot"));
}

/* --- Writing --- */

void
rsp_euicc_begin (RspEuicc *card)
{
    rsp_nvm_begin (card->nvm);
}

void
rsp_euicc_rollback (RspEuicc *card)
{
    g_autoptr (GError) error = NULL;
    rsp_nvm_rollback (card->nvm);
    g_ptr_array_set_size (card->changes, 0);
    if (!rsp_euicc_load_state (card, &error))
        g_warning ("%s", error->message);
    rsp_euicc_uicc_changed (card);
}

/* Does a fault strike at POINT? Without power nothing more is written. */
static gboolean
struck (RspEuicc *card, RspFaultPoint point)
{
    RspFaultAction action;
    if (!card->actor->bus || !rsp_bus_point (card->actor->bus, card->actor->name, point, &action))
        return FALSE;
    card->power_lost |= action == RSP_FAULT_POWER_LOSS;
    return TRUE;
}

gboolean
rsp_euicc_commit_alone (RspEuicc *card)
{
    if (card->power_lost || struck (card, RSP_POINT_BEFORE_COMMIT)) {
        rsp_nvm_rollback (card->nvm);
        return FALSE;
    }
    if (!rsp_nvm_commit (card->nvm, NULL))
        return FALSE;
    rsp_changes_tell (card->actor, card->changes);
    struck (card, RSP_POINT_AFTER_COMMIT);
    return TRUE;
}

gboolean
rsp_euicc_commit (RspEuicc *card)
{
    if (rsp_euicc_commit_alone (card))
        return TRUE;
    rsp_euicc_rollback (card);
    return FALSE;
}

static void
put_steal (RspEuicc *card, const char *key, GByteArray *value)
{
    g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (value);
    rsp_nvm_put (card->nvm, key, bytes);
}

static void
put_copy (RspEuicc *card, const char *key, RspSlice value)
{
    g_autoptr (GBytes) bytes = rsp_slice_to_bytes (value);
    rsp_nvm_put (card->nvm, key, bytes);
}

void
rsp_euicc_put_profile (RspEuicc *card, const RspEuiccProfile *p, gboolean with_package)
{
    char key[32];
    GByteArray *record = g_byte_array_sized_new (256);
    RspSlice metadata = rsp_slice_of (p->bf25), dp_data = rsp_slice_of (p->dp_data);
    guint8 enabled = p->enabled ? 1 : 0;
    rsp_put_number (record, 0x80, p->order);
    rsp_tlv_put (record, 0x81, RSP_SLICE (&enabled, 1));
    rsp_put_number (record, 0x82, p->cost);
    g_byte_array_append (record, metadata.data, (guint)metadata.len);
    if (p->nickname)
        rsp_tlv_put_text (record, 0x90, p->nickname);
    if (dp_data.len > 0)
        g_byte_array_append (record, dp_data.data, (guint)dp_data.len);
    g_snprintf (key, sizeof key, "profile/%04x", p->number);
    put_steal (card, key, record);
    if (with_package) {
        g_snprintf (key, sizeof key, "upp/%04x", p->number);
        rsp_nvm_put (card->nvm, key, p->upp);
    }
}

void
rsp_euicc_drop_profile (RspEuicc *card, RspEuiccProfile *p)
{
    char key[32];
    g_snprintf (key, sizeof key, "profile/%04x", p->number);
    rsp_nvm_delete (card->nvm, key);
    g_snprintf (key, sizeof key, "upp/%04x", p->number);
    rsp_nvm_delete (card->nvm, key);
    rsp_euicc_forget (card, p);
    if (card->resume == p->number)
        rsp_euicc_put_resume (card, 0);
    g_ptr_array_remove (card->profiles, p);
}

static void
notification_key (char out[48], guint64 seq)
{
    g_snprintf (out, 48, "notification/%016" G_GINT64_MODIFIER "x", seq);
}

void
rsp_euicc_put_notification (RspEuicc *card, const RspEuiccNotification *n)
{
    char key[48];
    notification_key (key, n->seq);
    rsp_nvm_put (card->nvm, key, n->tlv);
}

void
rsp_euicc_drop_notification (RspEuicc *card, guint index)
{
    char key[48];
    const RspEuiccNotification *n = g_ptr_array_index (card->notifications, index);
    notification_key (key, n->seq);
    rsp_nvm_delete (card->nvm, key);
    g_ptr_array_remove_index (card->notifications, index);
}

void
rsp_euicc_put_counters (RspEuicc *card)
{
    GByteArray *value = g_byte_array_new ();
    rsp_put_number (value, 0x80, card->next_seq);
    rsp_put_number (value, 0x81, card->next_order);
    put_steal (card, "counters", value);
}

void
rsp_euicc_put_default_dp (RspEuicc *card, const char *address)
{
    g_free (card->default_dp);
    card->default_dp = g_strdup (address);
    if (address)
        put_copy (card, "default-dp", RSP_SLICE (address, strlen (address)));
    else
        rsp_nvm_delete (card->nvm, "default-dp");
}

void
rsp_euicc_put_resume (RspEuicc *card, guint number)
{
    guint8 octets[2] = {(guint8)(number >> 8), (guint8)number};
    if (card->resume == number)
        return;
    card->resume = number;
    if (number)
        put_copy (card, "resume", RSP_SLICE_ARRAY (octets));
    else
        rsp_nvm_delete (card->nvm, "resume");
}

void
rsp_euicc_put_switch (RspEuicc *card, gboolean pending, guint target)
{
    guint8 octets[2] = {(guint8)(target >> 8), (guint8)target};
    if (pending)
        put_copy (card, "switch", RSP_SLICE_ARRAY (octets));
    else
        rsp_nvm_delete (card->nvm, "switch");
}

gboolean
rsp_euicc_get_switch (RspEuicc *card, guint *ret_target)
{
    g_autoptr (GBytes) value = rsp_nvm_get (card->nvm, "switch");
    RspSlice s = rsp_slice_of (value);
    if (s.len != 2)
        return FALSE;
    *ret_target = (guint)(s.data[0] << 8 | s.data[1]);
    return TRUE;
}

void
rsp_euicc_put_loading (RspEuicc *card, GByteArray *record)
{
    put_steal (card, "loading", record);
}

GBytes *
rsp_euicc_get_loading (RspEuicc *card)
{
    return rsp_nvm_get (card->nvm, "loading");
}

void
rsp_euicc_drop_loading (RspEuicc *card)
{
    rsp_nvm_delete (card->nvm, "loading");
}

static char *
otpk_key (const char *oid)
{
    return g_strconcat ("otpk/", oid, NULL);
}

GBytes *
rsp_euicc_get_otpk (RspEuicc *card, const char *oid)
{
    g_autofree char *key = otpk_key (oid);
    GBytes *value = rsp_nvm_get (card->nvm, key);
    if (value && g_bytes_get_size (value) != 32 + RSP_POINT_SIZE)
        g_clear_pointer (&value, g_bytes_unref);
    return value;
}

void
rsp_euicc_put_otpk (RspEuicc *card, const char *oid, const RspKey *otpk)
{
    guint8 octets[32 + RSP_POINT_SIZE];
    g_autofree char *key = otpk_key (oid);
    g_autoptr (GBytes) scalar = rsp_key_scalar (otpk);
    memcpy (octets, g_bytes_get_data (scalar, NULL), 32);
    memcpy (octets + 32, rsp_key_point (otpk), RSP_POINT_SIZE);
    g_autoptr (GBytes) value = rsp_secret_bytes (octets, sizeof octets);
    rsp_wipe (octets, sizeof octets);
    rsp_nvm_put (card->nvm, key, value);
}

void
rsp_euicc_drop_otpk (RspEuicc *card, const char *oid)
{
    g_autofree char *key = otpk_key (oid);
    rsp_nvm_delete (card->nvm, key);
}
