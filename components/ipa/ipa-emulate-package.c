/* An eUICC package in front of a consumer card (SGP.32 3.3.1, 5.9.1): signature, EID and counter
 * are checked as the eUICC would; its operations become ES10a, ES10b and ES10c calls, one after the
 * other, and the first that fails is the last. The counter is written down before the first of
 * them. */
#include "components/ipa/ipa-emulate.h"

#include <string.h>

enum { UNDEFINED = EMU_UNDEFINED_ERROR };
enum {
    RESULT_SIZE_OVERFLOW = 1,
    UNKNOWN_OR_DAMAGED = 2,
    INTERRUPTION = 3
}; /* processingTerminated */
enum { ROLLBACK_NOT_AVAILABLE = 20, FALLBACK_NOT_ALLOWED = 2, NO_FALLBACK_ATTRIBUTE = 2 };
enum { PROFILE_CHANGE_ONGOING = 11 };

static void next_operation (RspIpa *ipa);
static void end_package (RspIpa *ipa);

void
emu_run_free (EmuRun *run)
{
    if (!run)
        return;
    g_bytes_unref (run->body);
    g_byte_array_unref (run->results);
    g_ptr_array_unref (run->gone);
    g_array_unref (run->profiles);
    g_free (run);
}

static EmuRun *
run_of (const RspIpa *ipa)
{
    return ipa->emulation->run;
}

/* --- one operation's result --- */

/* The operation has ended with what stands in the results. GOOD: the next one follows. */
static void
proceed (RspIpa *ipa, gsize before, gboolean good)
{
    EmuRun *run = run_of (ipa);
    EmuPackage *running = &ipa->emulation->running;
    const RspFunction *fn = rsp_iot_package_function (&run->package, run->op.tag);
    if (run->results->len > EMU_RESULT_LIMIT) {
        g_byte_array_set_size (run->results, (guint)before);
        rsp_tlv_put_int (run->results, 0x02, RESULT_SIZE_OVERFLOW);
        good = FALSE;
    }
    ipa_check_event (ipa, "operation", fn ? fn->full_name : NULL, good ? "ok" : "failed");
    g_clear_pointer (&running->results, g_bytes_unref);
    running->results = g_bytes_new (run->results->data, run->results->len);
    if (good && !emu_commit (ipa)) {
        g_byte_array_set_size (run->results, (guint)before);
        rsp_tlv_put_int (run->results, 0x02, UNDEFINED);
        good = FALSE;
    }
    if (good)
        next_operation (ipa);
    else
        end_package (ipa);
}

static void
put (RspIpa *ipa, guint32 tag, guint8 value)
{
    gsize before = run_of (ipa)->results->len;
    rsp_tlv_put_int (run_of (ipa)->results, tag, value);
    proceed (ipa, before, value == 0);
}

static void
damaged (RspIpa *ipa)
{
    put (ipa, 0x02, UNKNOWN_OR_DAMAGED);
}

/* What the card has said; v1.0 has no value for what came later. What a card that did not answer
 * has done is not known. */
static void
put_code (RspIpa *ipa, guint32 tag, gint code)
{
    enum { WRONG_REENABLING = 4 };
    gboolean known =
        code >= 0 && code != WRONG_REENABLING && !(ipa->config.v10 && code > EMU_WRONG_STATE);
    if (code == EMU_NO_ANSWER) {
        ipa_note_change (ipa, IPA_CHANGE_UNDEFINED, NULL); /* the card may have done it */
        put (ipa, 0x02, INTERRUPTION);
    } else {
        put (ipa, tag, known ? (guint8)code : UNDEFINED);
    }
}

static void
put_no_data (RspIpa *ipa, gint code)
{
    put (ipa, 0x02, code == EMU_NO_ANSWER ? INTERRUPTION : UNDEFINED);
}

/* --- profiles --- */

static EmuProfile *
find_profile (const EmuRun *run, RspSlice iccid)
{
    for (guint i = 0; i < run->profiles->len; i++) {
        EmuProfile *p = &g_array_index (run->profiles, EmuProfile, i);
        if (rsp_slice_equal (iccid, RSP_SLICE_ARRAY (p->iccid)))
            return p;
    }
    return NULL;
}

static gboolean
read_iccid (EmuRun *run, RspSlice *body)
{
    RspTlv iccid;
    if (!rsp_take (body, 0x5A, EMU_ICCID_SIZE, EMU_ICCID_SIZE, &iccid))
        return FALSE;
    run->target = find_profile (run, iccid.value);
    return TRUE;
}

static void
set_enabled (EmuRun *run, const EmuProfile *enabled)
{
    for (guint i = 0; i < run->profiles->len; i++) {
        EmuProfile *p = &g_array_index (run->profiles, EmuProfile, i);
        p->enabled = p == enabled;
    }
}

static void
on_enabled (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    EmuRun *run = run_of (ipa);
    if (code == 0) {
        run->enabled = TRUE;
        run->grants = run->rollback;
        set_enabled (run, run->target);
    }
    put_code (ipa, 0x83, code);
}

/* A package enables once, and disables once, before that (3.4.1, 3.4.2). */
static void
enable (RspIpa *ipa, RspSlice body)
{
    RspTlv flag;
    EmuRun *run = run_of (ipa);
    if (!read_iccid (run, &body) || !rsp_take_optional (&body, 0x05, 0, 0, &flag, &run->rollback) ||
        body.len > 0) {
        damaged (ipa);
        return;
    }
    guint8 code = run->enabled                      ? UNDEFINED
                  : !run->target                    ? EMU_NOT_FOUND
                  : run->target->enabled            ? EMU_WRONG_STATE
                  : run->rollback && !run->has_back ? ROLLBACK_NOT_AVAILABLE
                                                    : 0;
    if (code)
        put_code (ipa, 0x83, code);
    else
        emu_enable (ipa, run->target->iccid, on_enabled);
}

static void
on_disabled (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    EmuRun *run = run_of (ipa);
    if (code == 0) {
        run->disabled = TRUE;
        set_enabled (run, NULL);
    }
    put_code (ipa, 0x84, code);
}

static void
disable (RspIpa *ipa, RspSlice body)
{
    static const guint8 no_refresh[] = {0x00};
    EmuRun *run = run_of (ipa);
    if (!read_iccid (run, &body) || body.len > 0) {
        damaged (ipa);
    } else if (run->enabled || run->disabled || !run->target) {
        put (ipa, 0x84, run->enabled || run->disabled ? UNDEFINED : EMU_NOT_FOUND);
    } else {
        g_autoptr (GByteArray) content = g_byte_array_new ();
        gsize mark = rsp_tlv_open (content, 0xA0);
        rsp_tlv_put (content, 0x5A, RSP_SLICE_ARRAY (run->target->iccid));
        rsp_tlv_close (content, mark);
        rsp_tlv_put (content, 0x81, RSP_SLICE_ARRAY (no_refresh));
        emu_call (ipa, RSP_FN_ES10C_DISABLE_PROFILE, RSP_SLICE (content->data, content->len),
                  on_disabled);
    }
}

static void
on_deleted (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    EmuRun *run = run_of (ipa);
    if (code == 0) {
        run->deleted = TRUE;
        g_array_remove_index (
            run->profiles,
            (guint)(run->target - (const EmuProfile *)(gpointer)run->profiles->data));
    }
    put_code (ipa, 0x85, code);
}

static void delete (RspIpa *ipa, RspSlice body)
{
    EmuRun *run = run_of (ipa);
    if (!read_iccid (run, &body) || body.len > 0) {
        damaged (ipa);
        return;
    }
    guint8 code = !run->target ? EMU_NOT_FOUND
                  : run->grants && memcmp (run->target->iccid, run->back, EMU_ICCID_SIZE) == 0
                      ? ROLLBACK_NOT_AVAILABLE
                      : 0;
    if (code) {
        put_code (ipa, 0x85, code);
        return;
    }
    g_autoptr (GByteArray) content = g_byte_array_new ();
    rsp_tlv_put (content, 0x5A, RSP_SLICE_ARRAY (run->target->iccid));
    emu_call (ipa, RSP_FN_ES10C_DELETE_PROFILE, RSP_SLICE (content->data, content->len),
              on_deleted);
}

static void
on_listed (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    GByteArray *results = run_of (ipa)->results;
    gsize before = results->len;
    RspTlv list;
    gboolean good = tlv && rsp_tlv_find (tlv->value, 0xA0, &list);
    if (tlv)
        g_byte_array_append (results, tlv->whole.data, (guint)tlv->whole.len);
    if (tlv)
        proceed (ipa, before, good);
    else
        put_no_data (ipa, code);
}

/* What the package has changed so far counts only at its end: it cannot be listed (2.11.1.1.3). */
static void
list_profiles (RspIpa *ipa, RspSlice body)
{
    EmuRun *run = run_of (ipa);
    gsize before = run->results->len;
    if (ipa->config.v10 || !(run->enabled || run->disabled || run->deleted)) {
        emu_call (ipa, RSP_FN_ES10C_GET_PROFILES_INFO, body, on_listed);
        return;
    }
    gsize mark = rsp_tlv_open (run->results, 0xBF2D);
    rsp_tlv_put_int (run->results, 0x81, PROFILE_CHANGE_ONGOING);
    rsp_tlv_close (run->results, mark);
    proceed (ipa, before, FALSE);
}

/* --- others --- */

static void
on_rat (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    GByteArray *results = run_of (ipa)->results;
    gsize before = results->len;
    RspTlv rules;
    if (!tlv || !rsp_tlv_find (tlv->value, 0xA0, &rules)) {
        put_no_data (ipa, code);
        return;
    }
    rsp_tlv_put (results, 0xA6, rules.value);
    proceed (ipa, before, TRUE);
}

static void
on_default_dp (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    gsize before = run_of (ipa)->results->len;
    rsp_put_result (run_of (ipa)->results, 0xBF65, code < 0 ? UNDEFINED : (guint8)code);
    proceed (ipa, before, code == 0);
}

/* No profile of a consumer card says that its owner allows fallback. */
static void
set_fallback (RspIpa *ipa, RspSlice body)
{
    EmuRun *run = run_of (ipa);
    if (!read_iccid (run, &body) || body.len > 0)
        damaged (ipa);
    else
        put (ipa, 0x8D, run->target ? FALLBACK_NOT_ALLOWED : EMU_NOT_FOUND);
}

static void
psmo_v12 (RspIpa *ipa, const RspTlv *op)
{
    switch (ipa->config.v10 ? 0 : op->tag) {
    case 0xA8:
        set_fallback (ipa, op->value);
        break;
    case 0xA9:
        put (ipa, 0x8E, op->value.len > 0 ? RSP_IOT_COMMAND_ERROR : NO_FALLBACK_ATTRIBUTE);
        break;
    case 0xBF65:
        emu_call (ipa, RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, op->value, on_default_dp);
        break;
    default:
        damaged (ipa);
    }
}

static void
psmo (RspIpa *ipa, const RspTlv *op)
{
    switch (op->tag) {
    case 0xA3:
        enable (ipa, op->value);
        break;
    case 0xA4:
        disable (ipa, op->value);
        break;
    case 0xA5:
        delete (ipa, op->value);
        break;
    case 0xBF2D:
        list_profiles (ipa, op->value);
        break;
    case 0xA6:
        emu_call (ipa, RSP_FN_ES10B_GET_RAT, RSP_SLICE (NULL, 0), on_rat);
        break;
    case 0xA7:
        put (ipa, 0x87,
             rsp_iot_immediate_read (&ipa->emulation->immediate, op->value)
                 ? 0
                 : RSP_IOT_COMMAND_ERROR);
        break;
    default:
        psmo_v12 (ipa, op);
    }
}

/* --- the package --- */

static void
run_operation (RspIpa *ipa)
{
    EmuRun *run = run_of (ipa);
    gsize before = run->results->len;
    if (run->rest.len == 0) {
        end_package (ipa);
    } else if (rsp_tlv_next (&run->rest, &run->op) != RSP_TLV_OK) {
        damaged (ipa);
    } else if (run->package.list.tag == 0xA0) {
        psmo (ipa, &run->op);
    } else {
        gboolean good = rsp_iot_eco (&ipa->emulation->eims, run->gone, &run->op, run->results);
        proceed (ipa, before, good);
    }
}

/* Not on one another's stack: a package has thousands of those that need no card. */
static void
next_operation (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    e->run->more = TRUE;
    if (e->run->stepping)
        return;
    e->run->stepping = TRUE;
    while (e->run && e->run->more) {
        e->run->more = FALSE;
        run_operation (ipa);
    }
    if (e->run)
        e->run->stepping = FALSE;
}

static void
answer_error (RspIpa *ipa, const RspIotResultOf *of, guint8 code)
{
    emu_answer (ipa, rsp_iot_error (of, code, emu_put_no_signature, NULL));
}

static void
end_package (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    EmuRun *run = e->run;
    const RspIotResultOf of = {e->running.eim, e->running.counter, e->running.token,
                               rsp_slice_of (e->running.transaction)};
    GByteArray *failure = rsp_iot_error (&of, UNDEFINED, emu_put_no_signature, NULL);
    GByteArray *result =
        emu_result (e, &e->running, RSP_SLICE (run->results->data, run->results->len));
    EmuPackage ended = e->running;
    e->running = (EmuPackage){0};
    if (run->grants) {
        e->rollback = ended;
        e->rollback.seq = e->next_seq;
        memcpy (e->rollback.iccid, run->back, EMU_ICCID_SIZE);
        ended = (EmuPackage){0};
    }
    emu_put_result (e, result);
    gboolean stored = emu_commit (ipa);
    g_byte_array_unref (stored ? failure : result);
    emu_answer (ipa, stored ? result : failure);
    emu_package_clear (&ended);
    emu_run_free (g_steal_pointer (&e->run));
}

static void
read_profiles (EmuRun *run, RspSlice list)
{
    RspTlv info, iccid, state;
    while (rsp_tlv_next (&list, &info) == RSP_TLV_OK) {
        EmuProfile p = {.enabled = FALSE};
        if (!rsp_tlv_find (info.value, 0x5A, &iccid) || iccid.value.len != EMU_ICCID_SIZE)
            continue;
        memcpy (p.iccid, iccid.value.data, EMU_ICCID_SIZE);
        p.enabled = rsp_tlv_find (info.value, 0x9F70, &state) && state.value.len == 1 &&
                    state.value.data[0] == 1;
        g_array_append_val (run->profiles, p);
        if (!p.enabled)
            continue;
        run->has_back = TRUE;
        memcpy (run->back, p.iccid, EMU_ICCID_SIZE);
    }
}

static void
on_profiles (RspIpa *ipa, gint code, const RspTlv *tlv)
{
    RspTlv list;
    if (!tlv || !rsp_tlv_find (tlv->value, 0xA0, &list)) {
        put_no_data (ipa, code);
        return;
    }
    read_profiles (run_of (ipa), list.value);
    next_operation (ipa);
}

/* The counter is used, and nothing that an earlier package granted holds any longer. */
static gboolean
begin (RspIpa *ipa, RspIotEim *eim, gint64 counter)
{
    IpaEmulation *e = ipa->emulation;
    RspSlice transaction = run_of (ipa)->package.transaction;
    emu_package_clear (&e->rollback);
    emu_package_clear (&e->running);
    e->running = (EmuPackage){
        .eim = g_strdup (eim->id),
        .counter = counter,
        .token = eim->token,
        .transaction = transaction.len > 0 ? rsp_slice_to_bytes (transaction) : NULL,
    };
    eim->counter = counter;
    return emu_commit (ipa);
}

/* NULL: the answer is on its way. */
static RspIotEim *
check (RspIpa *ipa, gint64 *ret_counter)
{
    IpaEmulation *e = ipa->emulation;
    const RspIotPackage *p = &e->run->package;
    RspIotEim *eim = rsp_iot_eim_find (&e->eims, p->id.value);
    gboolean good = eim && rsp_iot_package_is_signed (p, eim);
    if (eim)
        rsp_actor_crypto (ipa->actor, "verify", "PK.EIM", good);
    if (!good) {
        GByteArray *out = g_byte_array_new ();
        rsp_iot_put_unsigned (&e->eims, eim, p, out);
        emu_answer (ipa, out);
        return NULL;
    }
    guint8 code = rsp_iot_package_check (p, eim, RSP_SLICE_ARRAY (ipa->eid), RSP_IOT_PACKAGE_LIMIT,
                                         ret_counter);
    if (code == 0)
        return eim;
    const RspIotResultOf of = {eim->id, *ret_counter, eim->token, p->transaction};
    answer_error (ipa, &of, code);
    return NULL;
}

static void
load_package (RspIpa *ipa)
{
    static const guint8 wanted[] = {0x5C, 0x03, 0x5A, 0x9F, 0x70};
    IpaEmulation *e = ipa->emulation;
    gint64 counter = 0;
    RspIotEim *eim = check (ipa, &counter);
    if (eim && begin (ipa, eim, counter)) {
        emu_call (ipa, RSP_FN_ES10C_GET_PROFILES_INFO, RSP_SLICE_ARRAY (wanted), on_profiles);
        return;
    }
    if (eim) {
        const RspIotPackage *p = &e->run->package;
        const RspIotEim *again = rsp_iot_eim_find (&e->eims, p->id.value); /* all was read anew */
        const RspIotResultOf of = {again ? again->id : "", counter, again ? again->token : 0,
                                   p->transaction};
        answer_error (ipa, &of, UNDEFINED);
    }
    emu_run_free (g_steal_pointer (&e->run));
}

void
emu_load_package (RspIpa *ipa)
{
    IpaEmulation *e = ipa->emulation;
    RspIotPackage package;
    if (!rsp_iot_package_read (e->content, &package)) {
        emu_refuse (ipa, 0x6A80);
        return;
    }
    emu_run_free (e->run);
    e->run = g_new0 (EmuRun, 1);
    e->run->body = g_bytes_ref (e->body);
    e->run->package = package;
    e->run->rest = package.list.value;
    e->run->results = g_byte_array_new ();
    e->run->gone = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_iot_eim_free);
    e->run->profiles = g_array_new (FALSE, FALSE, sizeof (EmuProfile));
    emu_prepare (ipa, load_package);
}
