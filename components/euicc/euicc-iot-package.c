/* ES10b.LoadEuiccPackage (SGP.32 5.9.1) and the results that the card keeps (5.9.11). */
#include "components/euicc/euicc-iot.h"

#include <string.h>

enum { ECALL_ACTIVE = 104 };
enum { RESULT_SIZE_OVERFLOW = 1 }; /* processingTerminated */

static void
sign (gpointer card, const RspSlice *parts, gsize n, GByteArray *out)
{
    rsp_euicc_sign (card, parts, n, out);
    rsp_euicc_work (card, RSP_WORK_SIGNATURE);
}

GByteArray *
rsp_euicc_package_result (RspEuicc *card, const RspIotResultOf *of, RspSlice results)
{
    return rsp_iot_result (of, card->next_seq, results, sign, card);
}

static guint
put_error (RspEuicc *card, const RspIotEim *eim, const RspIotPackage *p, gint64 counter,
           guint8 code, GByteArray *out)
{
    const RspIotResultOf of = {eim->id, counter, eim->token, p->transaction};
    g_autoptr (GByteArray) result = rsp_iot_error (&of, code, sign, card);
    g_byte_array_append (out, result->data, result->len);
    return 0x9000;
}

/* Of nobody that the card knows: what there is to say cannot be signed for him. */
static guint
put_unsigned (const RspEuicc *card, const RspIotEim *eim, const RspIotPackage *p, GByteArray *out)
{
    rsp_iot_put_unsigned (&card->iot->eims, eim, p, out);
    return 0x9000;
}

static gboolean
is_signed_by (RspEuicc *card, const RspIotEim *eim, const RspIotPackage *p)
{
    gboolean good = rsp_iot_package_is_signed (p, eim);
    rsp_euicc_work (card, RSP_WORK_VERIFICATION);
    rsp_actor_crypto (card->actor, "verify", "PK.EIM", good);
    return good;
}

static guint8
check_package (const RspEuicc *card, const RspIotEim *eim, const RspIotPackage *p,
               gint64 *ret_counter)
{
    guint8 code = rsp_iot_package_check (p, eim, RSP_SLICE_ARRAY (card->eid_octets),
                                         card->iot->package_limit, ret_counter);
    return code ? code : rsp_euicc_emergency (card) ? ECALL_ACTIVE : 0;
}

/* --- Running it --- */

typedef struct {
    const RspFunction *fn;
    RspSlice request;
    gsize start, end; /* of its result */
} Done;

static void
run_package (RspEuicc *card, RspEuiccPackageRun *run, const RspIotPackage *p, GByteArray *results,
             GArray *done)
{
    RspTlv op;
    gboolean more = TRUE;
    for (RspSlice in = p->list.value; more && rsp_tlv_next (&in, &op) == RSP_TLV_OK;) {
        Done one = {rsp_iot_package_function (p, op.tag), op.whole, results->len, 0};
        more = p->list.tag == 0xA0 ? rsp_euicc_psmo (card, run, &op, results)
                                   : rsp_iot_eco (&card->iot->eims, run->gone, &op, results);
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
grant_rollback (RspEuicc *card, const RspEuiccPackageRun *run, const RspIotPackage *p,
                gint64 counter)
{
    RspEuiccRollback *r = &card->iot->rollback;
    *r = (RspEuiccRollback){.granted = TRUE,
                            .profile = run->previous,
                            .eim = g_strdup (run->eim->id),
                            .counter = counter,
                            .seq = card->next_seq};
    if (p->transaction.len > 0)
        r->transaction = rsp_slice_to_bytes (p->transaction);
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
execute (RspEuicc *card, RspIotEim *eim, const RspIotPackage *p, gint64 counter, GByteArray *out)
{
    g_autoptr (GByteArray) results = g_byte_array_sized_new (256);
    g_autoptr (GArray) done = g_array_new (FALSE, FALSE, sizeof (Done));
    g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_iot_eim_free);
    const RspEuiccProfile *before = rsp_euicc_enabled (card);
    RspEuiccPackageRun run = {.eim = eim, .gone = gone};
    g_autofree char *id = g_strdup (eim->id);
    const RspIotResultOf of = {id, counter, eim->token, p->transaction};

    rsp_euicc_begin (card);
    rsp_euicc_iot_revoke_rollback (card); /* whatever was granted, by whatever package */
    run_package (card, &run, p, results, done);
    eim->counter = counter;
    rsp_euicc_iot_put_eims (card);
    rsp_euicc_iot_put_state (card);
    if (run.grants_rollback)
        grant_rollback (card, &run, p, counter);
    g_autoptr (GByteArray) result =
        rsp_euicc_package_result (card, &of, RSP_SLICE (results->data, results->len));
    rsp_euicc_iot_put_result (card, result);
    if (!rsp_euicc_commit (card)) {
        /* The mirror has been read anew. */
        const RspIotEim *again = rsp_iot_eim_find (&card->iot->eims, p->id.value);
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
    RspIotPackage p;
    gint64 counter;
    if (!rsp_iot_package_read (body, &p))
        return 0x6A80;
    RspIotEim *eim = rsp_iot_eim_find (&card->iot->eims, p.id.value);
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
