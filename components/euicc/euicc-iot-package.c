/* ES10b.LoadEuiccPackage (SGP.32 5.9.1) and the results that the card keeps (5.9.11). */
#include "components/euicc/euicc-iot.h"

#include <string.h>

enum {
    INVALID_EID = 3,
    REPLAY = 4,
    COUNTER_RANGE = 6,
    SIZE_OVERFLOW = 15,
    ECALL_ACTIVE = 104,
};
enum { RESULT_SIZE_OVERFLOW = 1 }; /* processingTerminated */

typedef struct {
    RspTlv signed_data, id, eid, counter, transaction, list, signature;
    gboolean has_transaction;
} Package;

static gboolean
read_package (RspSlice body, Package *p)
{
    if (!rsp_take (&body, 0x30, 0, RSP_EUICC_CHAIN_MAX, &p->signed_data) ||
        !rsp_take (&body, 0x5F37, 0, 256, &p->signature) || body.len > 0)
        return FALSE;
    RspSlice in = p->signed_data.value;
    return rsp_take (&in, 0x80, 1, 128, &p->id) && rsp_take (&in, 0x5A, 16, 16, &p->eid) &&
           rsp_take (&in, 0x81, 1, 9, &p->counter) &&
           rsp_take_optional (&in, 0x82, 1, 16, &p->transaction, &p->has_transaction) &&
           rsp_tlv_next (&in, &p->list) == RSP_TLV_OK &&
           (p->list.tag == 0xA0 || p->list.tag == 0xA1) && in.len == 0;
}

static RspSlice
transaction_of (const Package *p)
{
    return p->has_transaction ? p->transaction.value : RSP_SLICE (NULL, 0);
}

/* The associationToken data object behind what is signed; none counts as zero. */
static GByteArray *
token_object (gint64 token)
{
    GByteArray *out = g_byte_array_sized_new (12);
    rsp_put_number (out, 0x84, (guint64)token);
    return out;
}

/* BF51{TAG{DATA, signature over DATA and the token}}. (transfer full) */
static GByteArray *
signed_result (RspEuicc *card, guint32 tag, const GByteArray *data, gint64 token)
{
    g_autoptr (GByteArray) association = token_object (token);
    RspSlice parts[] = {RSP_SLICE (data->data, data->len),
                        RSP_SLICE (association->data, association->len)};
    GByteArray *out = g_byte_array_sized_new (data->len + 96);
    gsize outer = rsp_tlv_open (out, 0xBF51), mark = rsp_tlv_open (out, tag);
    g_byte_array_append (out, data->data, data->len);
    rsp_euicc_sign (card, parts, 2, out);
    rsp_euicc_work (card, RSP_WORK_SIGNATURE);
    rsp_tlv_close (out, mark);
    rsp_tlv_close (out, outer);
    return out;
}

static gsize
open_data (GByteArray *out, const char *eim, gint64 counter, RspSlice transaction)
{
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, eim);
    rsp_put_number (out, 0x81, (guint64)counter);
    if (transaction.len > 0)
        rsp_tlv_put (out, 0x82, transaction);
    return mark;
}

GByteArray *
rsp_euicc_package_result (RspEuicc *card, const char *eim, gint64 counter, gint64 token,
                          RspSlice transaction, RspSlice results)
{
    g_autoptr (GByteArray) data = g_byte_array_sized_new ((guint)results.len + 200);
    gsize mark = open_data (data, eim, counter, transaction);
    rsp_put_number (data, 0x83, card->next_seq);
    rsp_tlv_put (data, 0x30, results);
    rsp_tlv_close (data, mark);
    return signed_result (card, 0xA0, data, token);
}

static guint
put_error (RspEuicc *card, const RspEuiccEim *eim, const Package *p, gint64 counter, guint8 code,
           GByteArray *out)
{
    g_autoptr (GByteArray) data = g_byte_array_sized_new (200);
    gsize mark = open_data (data, eim->id, counter, transaction_of (p));
    rsp_tlv_put_int (data, 0x02, code);
    rsp_tlv_close (data, mark);
    g_autoptr (GByteArray) result = signed_result (card, 0xA1, data, eim->token);
    g_byte_array_append (out, result->data, result->len);
    return 0x9000;
}

/* Of nobody that the card knows: what there is to say cannot be signed for him. */
static guint
put_unsigned (const RspEuicc *card, const RspEuiccEim *eim, const Package *p, GByteArray *out)
{
    gsize outer = rsp_tlv_open (out, 0xBF51), mark = rsp_tlv_open (out, 0xA2);
    rsp_tlv_put (out, 0x80, p->id.value);
    if (p->has_transaction && !card->iot->v10)
        rsp_tlv_put (out, 0x82, p->transaction.value);
    if (eim && eim->token)
        rsp_put_number (out, 0x84, (guint64)eim->token);
    rsp_tlv_close (out, mark);
    rsp_tlv_close (out, outer);
    return 0x9000;
}

static gboolean
is_signed_by (RspEuicc *card, const RspEuiccEim *eim, const Package *p)
{
    g_autoptr (GByteArray) token = token_object (eim->token);
    RspSlice parts[] = {p->signed_data.whole, RSP_SLICE (token->data, token->len)};
    gboolean good = rsp_public_verify (eim->key, parts, 2, p->signature.value);
    rsp_euicc_work (card, RSP_WORK_VERIFICATION);
    rsp_actor_crypto (card->actor, "verify", "PK.EIM", good);
    return good;
}

static guint8
check_package (const RspEuicc *card, const RspEuiccEim *eim, const Package *p, gint64 *ret_counter)
{
    guint64 counter = 0;
    gboolean number = rsp_read_number (p->counter.value, &counter) && counter <= G_MAXINT64;
    *ret_counter = number ? (gint64)counter : 0;
    if (!rsp_slice_equal (p->eid.value, RSP_SLICE_ARRAY (card->eid_octets)))
        return INVALID_EID;
    if (!number || counter > RSP_IOT_COUNTER_MAX)
        return COUNTER_RANGE;
    if ((gint64)counter <= eim->counter)
        return REPLAY;
    if (p->signed_data.whole.len > card->iot->package_limit)
        return SIZE_OVERFLOW;
    return rsp_euicc_emergency (card) ? ECALL_ACTIVE : 0;
}

/* --- Running it --- */

typedef struct {
    const RspFunction *fn;
    RspSlice request;
    gsize start, end; /* of its result */
} Done;

static const RspFunction *
function_of (const Package *p, guint32 tag)
{
    const char *type = p->list.tag == 0xA0 ? "Psmo" : "Eco";
    for (guint i = 0; i < RSP_FN_COUNT; i++) {
        const RspFunction *fn = rsp_function (i);
        if (fn->interface == RSP_IF_ESEP && fn->tag == tag && strcmp (fn->request_type, type) == 0)
            return fn;
    }
    return NULL;
}

static void
run_package (RspEuicc *card, RspEuiccPackageRun *run, const Package *p, GByteArray *results,
             GArray *done)
{
    RspTlv op;
    gboolean more = TRUE;
    for (RspSlice in = p->list.value; more && rsp_tlv_next (&in, &op) == RSP_TLV_OK;) {
        Done one = {function_of (p, op.tag), op.whole, results->len, 0};
        more = p->list.tag == 0xA0 ? rsp_euicc_psmo (card, run, &op, results)
                                   : rsp_euicc_eco (card, run, &op, results);
        if (results->len > card->iot->result_limit) {
            g_byte_array_set_size (results, (guint)one.start);
            rsp_tlv_put_int (results, 0x02, RESULT_SIZE_OVERFLOW);
            more = FALSE;
        }
        one.end = results->len;
        if (one.fn)
            rsp_euicc_spend (card, one.fn, op.whole.len);
        g_array_append_val (done, one);
    }
}

static void
grant_rollback (RspEuicc *card, const RspEuiccPackageRun *run, const Package *p, gint64 counter)
{
    RspEuiccRollback *r = &card->iot->rollback;
    *r = (RspEuiccRollback){.granted = TRUE,
                            .profile = run->previous,
                            .eim = g_strdup (run->eim->id),
                            .counter = counter,
                            .seq = card->next_seq};
    if (p->has_transaction)
        r->transaction = rsp_slice_to_bytes (p->transaction.value);
    rsp_euicc_iot_put_state (card);
}

static void
tell (RspEuicc *card, const GArray *done, const GByteArray *results)
{
    for (guint i = 0; card->actor->bus && i < done->len; i++) {
        const Done *one = &g_array_index (done, Done, i);
        if (one->fn)
            rsp_bus_esep (card->actor->bus, card->actor->name, one->fn, one->request,
                          RSP_SLICE (results->data + one->start, one->end - one->start));
    }
}

static guint
execute (RspEuicc *card, RspEuiccEim *eim, const Package *p, gint64 counter, GByteArray *out)
{
    g_autoptr (GByteArray) results = g_byte_array_sized_new (256);
    g_autoptr (GArray) done = g_array_new (FALSE, FALSE, sizeof (Done));
    g_autoptr (GPtrArray) gone =
        g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_euicc_eim_free);
    const RspEuiccProfile *before = rsp_euicc_enabled (card);
    RspEuiccPackageRun run = {.eim = eim, .gone = gone};
    g_autofree char *id = g_strdup (eim->id);
    gint64 token = eim->token;

    rsp_euicc_begin (card);
    rsp_euicc_iot_revoke_rollback (card); /* whatever was granted, by whatever package */
    run_package (card, &run, p, results, done);
    eim->counter = counter;
    rsp_euicc_iot_put_eims (card);
    if (run.grants_rollback)
        grant_rollback (card, &run, p, counter);
    g_autoptr (GByteArray) result = rsp_euicc_package_result (
        card, id, counter, token, transaction_of (p), RSP_SLICE (results->data, results->len));
    rsp_euicc_iot_put_result (card, result);
    if (!rsp_euicc_commit (card)) {
        /* The mirror has been read anew. */
        const RspEuiccEim *again = rsp_euicc_eim_find (card, p->id.value);
        return again ? put_error (card, again, p, counter, RSP_UNDEFINED_ERROR, out) : 0x6581;
    }
    if (before != rsp_euicc_enabled (card))
        rsp_euicc_uicc_changed (card);
    tell (card, done, results);
    g_byte_array_append (out, result->data, result->len);
    return 0x9000;
}

guint
rsp_euicc_load_package (RspEuicc *card, RspSlice body, GByteArray *out)
{
    Package p = {0};
    gint64 counter;
    if (!read_package (body, &p))
        return 0x6A80;
    RspEuiccEim *eim = rsp_euicc_eim_find (card, p.id.value);
    if (!eim || !is_signed_by (card, eim, &p))
        return put_unsigned (card, eim, &p, out);
    guint8 code = check_package (card, eim, &p, &counter);
    if (code)
        return put_error (card, eim, &p, counter, code, out);
    return execute (card, eim, &p, counter, out);
}

gboolean
rsp_euicc_iot_list_results (const RspEuicc *card, gboolean by_seq, guint64 seq, GByteArray *out)
{
    gboolean found = !by_seq;
    g_autoptr (GByteArray) list = g_byte_array_new ();
    for (guint i = 0; card->iot && i < card->iot->results->len; i++) {
        const RspEuiccResult *result = g_ptr_array_index (card->iot->results, i);
        RspSlice tlv = rsp_slice_of (result->tlv);
        if (by_seq && result->seq != seq)
            continue;
        found = TRUE;
        g_byte_array_append (list, tlv.data, (guint)tlv.len);
    }
    if (!card->iot || !found)
        return FALSE;
    gsize mark = rsp_tlv_open (out, 0xBF2B);
    rsp_tlv_put (out, 0xA2, RSP_SLICE (list->data, list->len));
    rsp_tlv_close (out, mark);
    return TRUE;
}
