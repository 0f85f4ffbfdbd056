/* What the IPA keeps over a reboot, in the device's non-volatile memory (sim/core/nvm.h): each
 * write is one transaction, and comes before what rests on it.
 *
 *   result/N        a download's result that the eIM has not taken: its eimId, an EimPackageResult
 *   download        one under way: eimId, eimTransactionId and, once it is known, the card's result
 *   installed       seqNumber of the last ProfileInstallationResult that was seen
 *   acknowledged/N  seqNumber that is still to be removed from the card
 *   rollback        an enabling that may have to be rolled back: eimId, counterValue
 *   change          the last StateChangeCause, and which eIMs know of it
 *   doubt           … of a function of the card whose answer is not there yet
 *   emergency       the Emergency Profile is enabled
 */
#include "components/ipa/ipa-private.h"

#include <string.h>

#define RESULTS "result/"
#define ACKNOWLEDGED "acknowledged/"

/* --- records --- */

static void
commit (RspIpa *ipa)
{
    g_autoptr (GError) error = NULL;
    if (rsp_actor_commit_memory (ipa->actor, ipa->memory, &error))
        return;
    if (rsp_trace_active (ipa->actor->trace))
        rsp_trace_event (ipa->actor->trace, &(RspTraceEvent){.kind = RSP_TRACE_STORE,
                                                             .src = ipa->actor->name,
                                                             .op = "commit",
                                                             .result = error->message});
}

static void
put_octet (RspIpa *ipa, const char *key, gint value)
{
    const guint8 octet = (guint8)value;
    g_autoptr (GBytes) bytes = g_bytes_new (&octet, 1);
    rsp_nvm_put (ipa->memory, key, bytes);
}

static gboolean
has (const RspIpa *ipa, const char *key)
{
    g_autoptr (GBytes) bytes = rsp_nvm_get (ipa->memory, key);
    return bytes != NULL;
}

static void
drop (RspIpa *ipa, const char *key)
{
    if (!has (ipa, key))
        return;
    rsp_nvm_begin (ipa->memory);
    rsp_nvm_delete (ipa->memory, key);
    commit (ipa);
}

/* 80 eimId, 81 TEXT, 82 OCTETS; (nullable). */
static void
put_record (RspIpa *ipa, const char *key, const char *eim, RspSlice number, GBytes *octets)
{
    GByteArray *out = g_byte_array_new ();
    rsp_tlv_put_text (out, 0x80, eim);
    rsp_tlv_put (out, 0x81, number);
    if (octets)
        rsp_tlv_put (out, 0x82, rsp_slice_of (octets));
    g_autoptr (GBytes) bytes = ipa_take (out);
    rsp_nvm_put (ipa->memory, key, bytes);
}

static RspSlice
part (GBytes *record, guint32 tag)
{
    RspTlv tlv;
    return rsp_tlv_find (rsp_slice_of (record), tag, &tlv) ? tlv.value : RSP_SLICE (NULL, 0);
}

/* What was put as one octet; a file that somebody has changed may have none. */
static IpaStateChange
change_of (RspSlice octet)
{
    return octet.len == 1 ? (IpaStateChange)octet.data[0] : IPA_NO_CHANGE;
}

static char *
text_of (RspSlice slice)
{
    return g_strndup ((const char *)slice.data, slice.len);
}

static char *
numbered (const char *prefix, guint64 number)
{
    return g_strdup_printf ("%s%016" G_GINT64_MODIFIER "x", prefix, number);
}

static guint64
number_of (const char *key)
{
    return g_ascii_strtoull (strchr (key, '/') + 1, NULL, 16);
}

/* --- results of downloads --- */

static guint64
last_installed (const RspIpa *ipa)
{
    g_autoptr (GBytes) record = rsp_nvm_get (ipa->memory, "installed");
    g_autofree char *text = record ? text_of (rsp_slice_of (record)) : NULL;
    return text ? g_ascii_strtoull (text, NULL, 10) : 0;
}

static void
put_installed (RspIpa *ipa, RspSlice result)
{
    RspTlv tlv;
    guint64 seq;
    if (rsp_tlv_next (&result, &tlv) != RSP_TLV_OK || !ipa_seq_number (&tlv, &seq) ||
        seq <= last_installed (ipa))
        return;
    g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, seq);
    g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
    rsp_nvm_put (ipa->memory, "installed", bytes);
}

void
ipa_remember_download (RspIpa *ipa, const char *eim, RspSlice transaction, GBytes *result)
{
    rsp_nvm_begin (ipa->memory);
    put_record (ipa, "download", eim, transaction, result);
    if (result)
        put_installed (ipa, rsp_slice_of (result));
    commit (ipa);
}

gboolean
ipa_recall_download (RspIpa *ipa, char **ret_eim, GBytes **ret_transaction, GBytes **ret_result)
{
    g_autoptr (GBytes) record = rsp_nvm_get (ipa->memory, "download");
    if (!record)
        return FALSE;
    RspSlice transaction = part (record, 0x81), result = part (record, 0x82);
    *ret_eim = text_of (part (record, 0x80));
    *ret_transaction = transaction.len ? rsp_slice_to_bytes (transaction) : NULL;
    *ret_result = result.len ? rsp_slice_to_bytes (result) : NULL;
    return TRUE;
}

void
ipa_forget_download (RspIpa *ipa)
{
    drop (ipa, "download");
}

gboolean
ipa_is_new_result (const RspIpa *ipa, const RspTlv *notification)
{
    guint64 seq;
    return notification->tag == 0xBF37 && ipa_seq_number (notification, &seq) &&
           seq > last_installed (ipa);
}

char *
ipa_keep_result (RspIpa *ipa, const char *eim, GBytes *result, RspSlice installation)
{
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (ipa->memory, RESULTS);
    guint64 last = keys->len ? number_of (g_ptr_array_index (keys, keys->len - 1)) : 0;
    char *key = numbered (RESULTS, last + 1);
    rsp_nvm_begin (ipa->memory);
    put_record (ipa, key, eim, RSP_SLICE (NULL, 0), result);
    put_installed (ipa, installation);
    rsp_nvm_delete (ipa->memory, "download");
    commit (ipa);
    return key;
}

char *
ipa_next_kept (const RspIpa *ipa, const char *eim, const char *after, GBytes **ret_result)
{
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (ipa->memory, RESULTS);
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index (keys, i);
        g_autoptr (GBytes) record = rsp_nvm_get (ipa->memory, key);
        if ((after && strcmp (key, after) <= 0) ||
            !rsp_slice_equal (part (record, 0x80), RSP_SLICE (eim, strlen (eim))))
            continue;
        *ret_result = rsp_slice_to_bytes (part (record, 0x82));
        return g_strdup (key);
    }
    return NULL;
}

void
ipa_drop_kept (RspIpa *ipa, const char *key)
{
    drop (ipa, key);
}

/* --- acknowledgements --- */

void
ipa_keep_acknowledged (RspIpa *ipa, const GArray *numbers)
{
    if (numbers->len == 0)
        return;
    rsp_nvm_begin (ipa->memory);
    for (guint i = 0; i < numbers->len; i++) {
        g_autofree char *key = numbered (ACKNOWLEDGED, g_array_index (numbers, guint64, i));
        put_octet (ipa, key, 1);
    }
    commit (ipa);
}

void
ipa_recall_acknowledged (const RspIpa *ipa, GArray *numbers)
{
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (ipa->memory, ACKNOWLEDGED);
    for (guint i = 0; i < keys->len; i++) {
        guint64 number = number_of (g_ptr_array_index (keys, i));
        g_array_append_val (numbers, number);
    }
}

void
ipa_drop_acknowledged (RspIpa *ipa, guint64 number)
{
    g_autofree char *key = numbered (ACKNOWLEDGED, number);
    drop (ipa, key);
}

/* --- rollback --- */

void
ipa_remember_rollback (RspIpa *ipa, RspSlice eim, RspSlice counter)
{
    g_autofree char *id = text_of (eim);
    rsp_nvm_begin (ipa->memory);
    put_record (ipa, "rollback", id, counter, NULL);
    commit (ipa);
}

GBytes *
ipa_recall_rollback (const RspIpa *ipa)
{
    return rsp_nvm_get (ipa->memory, "rollback");
}

void
ipa_forget_rollback (RspIpa *ipa)
{
    drop (ipa, "rollback");
}

/* --- what has happened on the card: 80 the cause, 81 each eIM that knows of it --- */

IpaStateChange
ipa_change (const RspIpa *ipa)
{
    g_autoptr (GBytes) record = rsp_nvm_get (ipa->memory, "change");
    return change_of (part (record, 0x80));
}

gboolean
ipa_is_told (const RspIpa *ipa, const IpaEim *eim)
{
    g_autoptr (GBytes) record = rsp_nvm_get (ipa->memory, "change");
    RspSlice in = rsp_slice_of (record);
    RspTlv tlv;
    while (rsp_tlv_next (&in, &tlv) == RSP_TLV_OK)
        if (tlv.tag == 0x81 && rsp_slice_equal (tlv.value, RSP_SLICE (eim->id, strlen (eim->id))))
            return TRUE;
    return record == NULL;
}

static void
put_change (RspIpa *ipa, RspSlice told, IpaStateChange change, const IpaEim *eim)
{
    GByteArray *out = g_byte_array_new ();
    rsp_tlv_put_int (out, 0x80, change);
    g_byte_array_append (out, told.data, (guint)told.len);
    if (eim)
        rsp_tlv_put_text (out, 0x81, eim->id);
    g_autoptr (GBytes) bytes = ipa_take (out);
    rsp_nvm_put (ipa->memory, "change", bytes);
}

void
ipa_tell (RspIpa *ipa, const IpaEim *eim)
{
    RspTlv cause;
    g_autoptr (GBytes) record = rsp_nvm_get (ipa->memory, "change");
    RspSlice told = rsp_slice_of (record);
    if (ipa_is_told (ipa, eim) || rsp_tlv_next (&told, &cause) != RSP_TLV_OK)
        return;
    rsp_nvm_begin (ipa->memory);
    put_change (ipa, told, ipa_change (ipa), eim);
    commit (ipa);
}

gboolean
ipa_in_emergency (const RspIpa *ipa)
{
    return has (ipa, "emergency");
}

void
ipa_note_emergency (RspIpa *ipa, gboolean active)
{
    if (!active) {
        drop (ipa, "emergency");
        return;
    }
    rsp_nvm_begin (ipa->memory);
    put_octet (ipa, "emergency", 1);
    commit (ipa);
}

void
ipa_doubt (RspIpa *ipa, IpaStateChange change)
{
    if (change == IPA_NO_CHANGE)
        return;
    rsp_nvm_begin (ipa->memory);
    put_octet (ipa, "doubt", change);
    commit (ipa);
}

IpaStateChange
ipa_doubted (const RspIpa *ipa)
{
    g_autoptr (GBytes) record = rsp_nvm_get (ipa->memory, "doubt");
    return change_of (rsp_slice_of (record));
}

/* Nobody but EIM is there to hear of CHANGE, and EIM has heard of all. */
static gboolean
concerns_nobody (const RspIpa *ipa, IpaStateChange change, const IpaEim *eim)
{
    return change == IPA_NO_CHANGE || (eim && ipa->op->eims->len == 1 && ipa_is_told (ipa, eim));
}

void
ipa_note_change (RspIpa *ipa, IpaStateChange change, const IpaEim *eim)
{
    gboolean noted = !concerns_nobody (ipa, change, eim);
    if (!noted && !has (ipa, "doubt"))
        return;
    rsp_nvm_begin (ipa->memory);
    if (noted)
        put_change (ipa, RSP_SLICE (NULL, 0), change, eim && ipa_is_told (ipa, eim) ? eim : NULL);
    rsp_nvm_delete (ipa->memory, "doubt");
    commit (ipa);
}

void
ipa_note_refusal (RspIpa *ipa, const RspReply *reply)
{
    if (reply->kind == RSP_REPLY_OK)
        ipa_note_change (ipa, IPA_NO_CHANGE, NULL);
}

gboolean
ipa_owes (const RspIpa *ipa)
{
    return has (ipa, "download") || has (ipa, "rollback") || has (ipa, "doubt");
}
