#include "components/euicc/euicc-iot.h"

#include <string.h>

#define RESULT_LIMIT 8192

#define KEY_STATE "iot/state"
#define KEY_EIMS "iot/eims"
#define KEY_RESULTS "iot/result/"

/* --- Configuration --- */

static void
result_free (gpointer data)
{
    RspEuiccResult *result = data;
    g_bytes_unref (result->tlv);
    g_free (result);
}

RspEuiccIot *
rsp_euicc_iot_new (const RspEuiccIotConfig *config)
{
    RspEuiccIot *iot = g_new0 (RspEuiccIot, 1);
    iot->v10 = iot->eims.v10 = config->v10;
    iot->ecall = config->ecall;
    iot->fallback_supported = config->fallback;
    iot->ipae = config->ipae;
    iot->eims.limit = config->eim_limit ? MIN (config->eim_limit, RSP_IOT_EIMS_MAX) : 1;
    iot->package_limit = config->package_limit ? config->package_limit : RSP_IOT_PACKAGE_LIMIT;
    iot->result_limit = config->result_limit ? config->result_limit : RESULT_LIMIT;
    iot->connectivity = config->connectivity ? g_bytes_ref (config->connectivity) : NULL;
    iot->initial = config->eims ? g_ptr_array_ref (config->eims) : NULL;
    iot->eims.all = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_iot_eim_free);
    iot->results = g_ptr_array_new_with_free_func (result_free);
    return iot;
}

static void
clear_state (RspEuiccIot *iot)
{
    g_ptr_array_set_size (iot->eims.all, 0);
    g_ptr_array_set_size (iot->results, 0);
    rsp_iot_immediate_clear (&iot->immediate);
    g_clear_pointer (&iot->rollback.eim, g_free);
    g_clear_pointer (&iot->rollback.transaction, g_bytes_unref);
    iot->rollback = (RspEuiccRollback){0};
    iot->eims.tokens = 0;
    iot->ipae_active = FALSE;
    iot->fallback = iot->before_fallback = iot->before_emergency = 0;
}

void
rsp_euicc_iot_free (RspEuiccIot *iot)
{
    if (!iot)
        return;
    clear_state (iot);
    g_ptr_array_unref (iot->eims.all);
    g_ptr_array_unref (iot->results);
    g_clear_pointer (&iot->initial, g_ptr_array_unref);
    g_clear_pointer (&iot->connectivity, g_bytes_unref);
    g_clear_pointer (&iot->installed_oid, g_bytes_unref);
    g_free (iot->installed_address);
    g_free (iot);
}

/* --- Writing --- */

static void
put_record (RspEuicc *card, const char *key, GByteArray *value)
{
    g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (value);
    rsp_nvm_put (card->nvm, key, bytes);
}

void
rsp_euicc_iot_put_state (RspEuicc *card)
{
    const RspEuiccIot *iot = card->iot;
    const RspEuiccRollback *r = &iot->rollback;
    GByteArray *out = g_byte_array_sized_new (128);
    guint flags = (iot->immediate.allowed ? 1 : 0) | (iot->ipae_active ? 2 : 0);
    rsp_put_number (out, 0x80, iot->eims.tokens);
    rsp_put_number (out, 0x81, flags);
    rsp_put_number (out, 0x82, iot->fallback);
    rsp_put_number (out, 0x83, iot->before_fallback);
    rsp_put_number (out, 0x84, iot->before_emergency);
    rsp_tlv_put (out, 0x85, rsp_slice_of (iot->immediate.oid));
    rsp_tlv_put_text (out, 0x86, iot->immediate.address ? iot->immediate.address : "");
    if (r->granted) {
        gsize mark = rsp_tlv_open (out, 0xA7);
        rsp_put_number (out, 0x80, r->profile);
        rsp_tlv_put_text (out, 0x81, r->eim);
        rsp_put_number (out, 0x82, (guint64)r->counter);
        rsp_tlv_put (out, 0x83, rsp_slice_of (r->transaction));
        rsp_put_number (out, 0x84, r->seq);
        rsp_tlv_close (out, mark);
    }
    put_record (card, KEY_STATE, out);
}

void
rsp_euicc_iot_put_eims (RspEuicc *card)
{
    GByteArray *out = g_byte_array_sized_new (512);
    rsp_iot_eims_write (&card->iot->eims, out);
    put_record (card, KEY_EIMS, out);
}

static void
result_key (char out[48], guint64 seq)
{
    g_snprintf (out, 48, KEY_RESULTS "%016" G_GINT64_MODIFIER "x", seq);
}

void
rsp_euicc_iot_put_result (RspEuicc *card, GByteArray *tlv)
{
    char key[48];
    RspEuiccIot *iot = card->iot;
    RspEuiccResult *result = g_new0 (RspEuiccResult, 1);
    result->seq = card->next_seq++;
    result->tlv = g_bytes_new (tlv->data, tlv->len);
    g_ptr_array_add (iot->results, result);
    result_key (key, result->seq);
    rsp_nvm_put (card->nvm, key, result->tlv);
    if (iot->results->len > RSP_IOT_RESULTS_MAX)
        rsp_euicc_iot_drop_result (card,
                                   ((RspEuiccResult *)g_ptr_array_index (iot->results, 0))->seq);
    rsp_euicc_put_counters (card);
}

void
rsp_euicc_iot_drop_result (RspEuicc *card, guint64 seq)
{
    char key[48];
    for (guint i = 0; i < card->iot->results->len; i++) {
        const RspEuiccResult *result = g_ptr_array_index (card->iot->results, i);
        if (result->seq != seq)
            continue;
        result_key (key, seq);
        rsp_nvm_delete (card->nvm, key);
        g_ptr_array_remove_index (card->iot->results, i);
        return;
    }
}

void
rsp_euicc_iot_revoke_rollback (RspEuicc *card)
{
    RspEuiccRollback *r = &card->iot->rollback;
    g_clear_pointer (&r->eim, g_free);
    g_clear_pointer (&r->transaction, g_bytes_unref);
    *r = (RspEuiccRollback){0};
    rsp_euicc_iot_put_state (card);
}

/* --- Reading --- */

static char *
text_of (RspSlice s)
{
    return g_strndup ((const char *)s.data, s.len);
}

static gboolean
load_rollback (RspEuiccIot *iot, RspSlice in)
{
    RspTlv eim, transaction;
    guint64 profile, counter;
    RspEuiccRollback *r = &iot->rollback;
    if (!rsp_take_number (&in, 0x80, &profile) || !rsp_take (&in, 0x81, 1, 128, &eim) ||
        !rsp_take_number (&in, 0x82, &counter) || !rsp_take (&in, 0x83, 0, 16, &transaction) ||
        !rsp_take_number (&in, 0x84, &r->seq))
        return FALSE;
    r->granted = TRUE;
    r->profile = (guint)profile;
    r->counter = (gint64)counter;
    r->eim = text_of (eim.value);
    r->transaction = transaction.value.len ? rsp_slice_to_bytes (transaction.value) : NULL;
    return TRUE;
}

static gboolean
load_state (RspEuicc *card)
{
    RspEuiccIot *iot = card->iot;
    g_autoptr (GBytes) record = rsp_nvm_get (card->nvm, KEY_STATE);
    RspSlice in = rsp_slice_of (record);
    RspTlv oid, address, rollback;
    gboolean has_rollback;
    guint64 flags, fallback, before_fallback, before_emergency;
    if (!record)
        return TRUE;
    if (!rsp_take_number (&in, 0x80, &iot->eims.tokens) || !rsp_take_number (&in, 0x81, &flags) ||
        !rsp_take_number (&in, 0x82, &fallback) || !rsp_take_number (&in, 0x83, &before_fallback) ||
        !rsp_take_number (&in, 0x84, &before_emergency) || !rsp_take (&in, 0x85, 0, 64, &oid) ||
        !rsp_take (&in, 0x86, 0, 255, &address) ||
        !rsp_take_optional (&in, 0xA7, 1, 512, &rollback, &has_rollback))
        return FALSE;
    iot->immediate.allowed = flags & 1;
    iot->ipae_active = (flags & 2) != 0;
    iot->fallback = (guint)fallback;
    iot->before_fallback = (guint)before_fallback;
    iot->before_emergency = (guint)before_emergency;
    iot->immediate.oid = oid.value.len ? rsp_slice_to_bytes (oid.value) : NULL;
    iot->immediate.address = address.value.len ? text_of (address.value) : NULL;
    return !has_rollback || load_rollback (iot, rollback.value);
}

static gboolean
load_eims (RspEuicc *card)
{
    g_autoptr (GBytes) record = rsp_nvm_get (card->nvm, KEY_EIMS);
    return rsp_iot_eims_read (&card->iot->eims, rsp_slice_of (record));
}

gboolean
rsp_euicc_iot_load (RspEuicc *card)
{
    if (!card->iot)
        return TRUE;
    clear_state (card->iot);
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (card->nvm, KEY_RESULTS);
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index (keys, i);
        RspEuiccResult *result = g_new0 (RspEuiccResult, 1);
        result->seq = g_ascii_strtoull (key + strlen (KEY_RESULTS), NULL, 16);
        result->tlv = rsp_nvm_get (card->nvm, key);
        g_ptr_array_add (card->iot->results, result);
    }
    return load_state (card) && load_eims (card);
}

gboolean
rsp_euicc_iot_personalise (RspEuicc *card, GError **error)
{
    g_autoptr (GBytes) record = card->iot ? rsp_nvm_get (card->nvm, KEY_EIMS) : NULL;
    if (!card->iot || record)
        return TRUE;
    rsp_euicc_begin (card);
    for (guint i = 0; card->iot->initial && i < card->iot->initial->len; i++) {
        gint64 token;
        GBytes *config = g_ptr_array_index (card->iot->initial, i);
        guint8 code = rsp_iot_eim_add (&card->iot->eims, rsp_slice_of (config), &token);
        if (code) {
            rsp_euicc_rollback (card);
            g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                         "eIM configuration %u of %s is refused with %u", i + 1, card->actor->name,
                         code);
            return FALSE;
        }
    }
    rsp_euicc_iot_put_eims (card);
    rsp_euicc_iot_put_state (card);
    return rsp_nvm_commit (card->nvm, error); /* no place for faults: it is not in use yet */
}

void
rsp_euicc_iot_forget (RspEuicc *card)
{
    if (card->iot)
        card->iot->installed = 0;
}

gboolean
rsp_euicc_iot_has_result (const RspEuicc *card, guint64 seq)
{
    for (guint i = 0; card->iot && i < card->iot->results->len; i++)
        if (((const RspEuiccResult *)g_ptr_array_index (card->iot->results, i))->seq == seq)
            return TRUE;
    return FALSE;
}
