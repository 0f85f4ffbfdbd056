/* What the emulation has written down: eIM data with counters, results not yet acknowledged, the
 * right to roll back, and the package that is being run. */
#include "components/ipa/ipa-emulate.h"

#include <string.h>

#define SCHEMA_VERSION 1

enum { INTERRUPTION = 3 }; /* processingTerminated */

static const char schema[] =
    "CREATE TABLE emulation (id INTEGER PRIMARY KEY CHECK (id = 1), eims BLOB NOT NULL,"
    " tokens INTEGER NOT NULL, next_seq INTEGER NOT NULL, results BLOB NOT NULL,"
    " immediate INTEGER NOT NULL, immediate_oid BLOB, immediate_address TEXT,"
    " rollback BLOB NOT NULL, running BLOB NOT NULL);";

static void
result_free (gpointer data)
{
    EmuResult *result = data;
    g_bytes_unref (result->tlv);
    g_free (result);
}

void
emu_package_clear (EmuPackage *p)
{
    g_free (p->eim);
    g_clear_pointer (&p->transaction, g_bytes_unref);
    g_clear_pointer (&p->results, g_bytes_unref);
    *p = (EmuPackage){0};
}

/* --- records --- */

static GBytes *
write_package (const EmuPackage *p)
{
    GByteArray *out = g_byte_array_new ();
    if (p->eim) {
        rsp_tlv_put_text (out, 0x80, p->eim);
        rsp_put_number (out, 0x81, (guint64)p->counter);
        rsp_put_number (out, 0x82, (guint64)p->token);
        rsp_tlv_put (out, 0x83, rsp_slice_of (p->transaction));
        rsp_put_number (out, 0x84, p->seq);
        rsp_tlv_put (out, 0x85, RSP_SLICE_ARRAY (p->iccid));
        rsp_tlv_put (out, 0x86, rsp_slice_of (p->results));
    }
    return ipa_take (out);
}

static gboolean
read_package (RspSlice in, EmuPackage *p)
{
    RspTlv eim, transaction, iccid, results;
    guint64 counter, token;
    if (in.len == 0)
        return TRUE;
    if (!rsp_take (&in, 0x80, 1, 128, &eim) || !rsp_take_number (&in, 0x81, &counter) ||
        !rsp_take_number (&in, 0x82, &token) || !rsp_take (&in, 0x83, 0, 16, &transaction) ||
        !rsp_take_number (&in, 0x84, &p->seq) ||
        !rsp_take (&in, 0x85, EMU_ICCID_SIZE, EMU_ICCID_SIZE, &iccid) ||
        !rsp_take (&in, 0x86, 0, 1u << 20, &results))
        return FALSE;
    p->eim = g_strndup ((const char *)eim.value.data, eim.value.len);
    p->counter = (gint64)counter;
    p->token = (gint64)token;
    p->transaction = transaction.value.len > 0 ? rsp_slice_to_bytes (transaction.value) : NULL;
    memcpy (p->iccid, iccid.value.data, EMU_ICCID_SIZE);
    p->results = rsp_slice_to_bytes (results.value);
    return TRUE;
}

static GBytes *
write_results (const IpaEmulation *e)
{
    GByteArray *out = g_byte_array_new ();
    for (guint i = 0; i < e->results->len; i++) {
        const EmuResult *result = g_ptr_array_index (e->results, i);
        rsp_put_number (out, 0x80, result->seq);
        rsp_tlv_put (out, 0x81, rsp_slice_of (result->tlv));
    }
    return ipa_take (out);
}

static gboolean
read_results (IpaEmulation *e, RspSlice in)
{
    while (in.len > 0) {
        guint64 seq;
        RspTlv tlv;
        if (!rsp_take_number (&in, 0x80, &seq) || !rsp_take (&in, 0x81, 1, 1u << 20, &tlv))
            return FALSE;
        EmuResult *result = g_new0 (EmuResult, 1);
        result->seq = seq;
        result->tlv = rsp_slice_to_bytes (tlv.value);
        g_ptr_array_add (e->results, result);
    }
    return TRUE;
}

/* --- the row --- */

static void
clear (IpaEmulation *e)
{
    g_ptr_array_set_size (e->eims.all, 0);
    g_ptr_array_set_size (e->results, 0);
    e->eims.tokens = 0;
    e->next_seq = EMU_FIRST_SEQ;
    rsp_iot_immediate_clear (&e->immediate);
    emu_package_clear (&e->rollback);
    emu_package_clear (&e->running);
}

static gboolean
load (IpaEmulation *e, GError **error)
{
    gboolean there;
    sqlite3_stmt *row = rsp_store_bind (
        e->store,
        "SELECT eims, tokens, next_seq, results, immediate, immediate_oid, immediate_address,"
        " rollback, running FROM emulation",
        "");
    clear (e);
    if (!rsp_store_step (e->store, row, &there, error))
        return FALSE;
    if (!there)
        return TRUE;
    g_autoptr (GBytes) eims = rsp_store_blob (row, 0);
    g_autoptr (GBytes) results = rsp_store_blob (row, 3);
    g_autoptr (GBytes) rollback = rsp_store_blob (row, 7);
    g_autoptr (GBytes) running = rsp_store_blob (row, 8);
    e->eims.tokens = (guint64)sqlite3_column_int64 (row, 1);
    e->next_seq = (guint64)sqlite3_column_int64 (row, 2);
    e->immediate.allowed = sqlite3_column_int (row, 4);
    e->immediate.oid = rsp_store_blob (row, 5);
    e->immediate.address = rsp_store_text (row, 6);
    sqlite3_reset (row);
    gboolean good = rsp_iot_eims_read (&e->eims, rsp_slice_of (eims)) &&
                    read_results (e, rsp_slice_of (results)) &&
                    read_package (rsp_slice_of (rollback), &e->rollback) &&
                    read_package (rsp_slice_of (running), &e->running);
    if (!good)
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_DAMAGED, "the emulation is damaged");
    return good;
}

static gboolean
save (const RspActor *actor, IpaEmulation *e, GError **error)
{
    g_autoptr (GByteArray) list = g_byte_array_new ();
    rsp_iot_eims_write (&e->eims, list);
    g_autoptr (GBytes) eims = g_bytes_new (list->data, list->len);
    g_autoptr (GBytes) results = write_results (e);
    g_autoptr (GBytes) rollback = write_package (&e->rollback);
    g_autoptr (GBytes) running = write_package (&e->running);
    return rsp_store_begin (e->store, error) &&
           rsp_store_run (e->store, error,
                          "REPLACE INTO emulation (id, eims, tokens, next_seq, results, immediate,"
                          " immediate_oid, immediate_address, rollback, running)"
                          " VALUES (1,?,?,?,?,?,?,?,?,?)",
                          "biibibsbb", eims, (gint64)e->eims.tokens, (gint64)e->next_seq, results,
                          (gint64)e->immediate.allowed, e->immediate.oid, e->immediate.address,
                          rollback, running) &&
           rsp_actor_commit (actor, e->store, error);
}

gboolean
emu_commit (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    g_autoptr (GError) error = NULL;
    if (save (ipa->actor, e, &error))
        return TRUE;
    ipa_check_event (ipa, "emulation", "commit", error->message);
    rsp_store_rollback (e->store);
    load (e, NULL);
    return FALSE;
}

/* --- results --- */

void
emu_put_no_signature (gpointer unused, const RspSlice *parts, gsize n, GByteArray *out)
{
    static const guint8 none[64] = {0};
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (none));
}

GByteArray *
emu_result (const IpaEmulation *e, const EmuPackage *p, RspSlice results)
{
    const RspIotResultOf of = {p->eim, p->counter, p->token, rsp_slice_of (p->transaction)};
    return rsp_iot_result (&of, e->next_seq, results, emu_put_no_signature, NULL);
}

void
emu_put_result (IpaEmulation *e, GByteArray *tlv)
{
    EmuResult *result = g_new0 (EmuResult, 1);
    result->seq = e->next_seq++;
    result->tlv = g_bytes_new (tlv->data, tlv->len);
    g_ptr_array_add (e->results, result);
    if (e->results->len > EMU_RESULTS_MAX)
        g_ptr_array_remove_index (e->results, 0);
}

gboolean
emu_drop_result (IpaEmulation *e, guint64 seq)
{
    for (guint i = 0; i < e->results->len; i++) {
        if (((const EmuResult *)g_ptr_array_index (e->results, i))->seq != seq)
            continue;
        g_ptr_array_remove_index (e->results, i);
        return TRUE;
    }
    return FALSE;
}

/* --- life --- */

/* A package that was begun ended with the device: what was done is told, and that it was
 * interrupted. */
static gboolean
end_interrupted (RspIpa *ipa, GError **error)
{
    IpaEmulation *e = ipa->emulation;
    RspSlice done = rsp_slice_of (e->running.results);
    if (!e->running.eim)
        return TRUE;
    g_autoptr (GByteArray) results = g_byte_array_new ();
    g_byte_array_append (results, done.data, (guint)done.len);
    rsp_tlv_put_int (results, 0x02, INTERRUPTION);
    g_autoptr (GByteArray) result =
        emu_result (e, &e->running, RSP_SLICE (results->data, results->len));
    emu_put_result (e, result);
    emu_package_clear (&e->running);
    ipa_note_change (ipa, IPA_CHANGE_UNDEFINED, NULL); /* the card may have done more */
    return save (ipa->actor, e, error);
}

gboolean
emu_open (RspIpa *ipa, const char *path, GError **error)
{
    IpaEmulation *e = g_new0 (IpaEmulation, 1);
    ipa->emulation = e;
    e->eims = (RspIotEims){
        .v10 = ipa->config.v10,
        .limit = 1,
        .all = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_iot_eim_free),
    };
    e->results = g_ptr_array_new_with_free_func (result_free);
    e->store = rsp_store_open (path, SCHEMA_VERSION, schema, error);
    return e->store && load (e, error) && end_interrupted (ipa, error);
}

void
emu_free (IpaEmulation *e)
{
    clear (e);
    emu_run_free (e->run);
    g_ptr_array_unref (e->eims.all);
    g_ptr_array_unref (e->results);
    g_clear_pointer (&e->ci, g_bytes_unref);
    g_clear_pointer (&e->installed_oid, g_bytes_unref);
    g_free (e->installed_address);
    g_clear_pointer (&e->body, g_bytes_unref);
    g_clear_pointer (&e->answer, g_bytes_unref);
    g_clear_pointer (&e->store, rsp_store_free);
    g_free (e);
}
