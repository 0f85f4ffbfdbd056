/* What the IPA does when its device is on again: it finds out what came of what it was at, from its
 * memory and from the card. Results that are kept wait for the next poll, which gives them first.
 */
#include "components/ipa/ipa-private.h"

#include <string.h>

/* --- a profile enabled with the rollback flag: has the eIM heard of it? --- */

/* The kept result of that package; empty: it was never executed, or is acknowledged. */
static RspSlice
find_result (GBytes *list, GBytes *rollback)
{
    RspTlv response, results, result, part, data, eim, counter, own_eim, own_counter;
    RspSlice record = rsp_slice_of (rollback);
    if (!rsp_tlv_find (record, 0x80, &own_eim) || !rsp_tlv_find (record, 0x81, &own_counter) ||
        !rsp_tlv_single (rsp_slice_of (list), 0xBF2B, &response))
        return RSP_SLICE (NULL, 0);
    if (!rsp_tlv_find (response.value, 0xA2, &results))
        return RSP_SLICE (NULL, 0);
    while (rsp_tlv_next (&results.value, &result) == RSP_TLV_OK)
        if (rsp_tlv_find (result.value, 0xA0, &part) && rsp_tlv_find (part.value, 0x30, &data) &&
            rsp_tlv_find (data.value, 0x80, &eim) && rsp_tlv_find (data.value, 0x81, &counter) &&
            rsp_slice_equal (eim.value, own_eim.value) &&
            rsp_slice_equal (counter.value, own_counter.value))
            return result.whole;
    return RSP_SLICE (NULL, 0);
}

static gboolean
choose_eim (RspIpa *ipa, GBytes *rollback)
{
    IpaOperation *op = ipa->op;
    RspTlv id;
    if (!rsp_tlv_find (rsp_slice_of (rollback), 0x80, &id))
        return FALSE;
    for (op->eim = 0; op->eim < op->eims->len; op->eim++)
        if (rsp_slice_equal (id.value, RSP_SLICE (ipa_eim (ipa)->id, strlen (ipa_eim (ipa)->id))))
            return ipa_eim (ipa)->fqdn != NULL;
    return FALSE;
}

static void
settled (RspIpa *ipa)
{
    ipa->op->eim = 0;
    ipa->op->after_settling (ipa);
}

static void
on_results (RspIpa *ipa, const RspReply *reply)
{
    const char *problem = ipa_problem (ipa, reply);
    g_autoptr (GBytes) rollback = ipa_recall_rollback (ipa);
    RspSlice result = problem ? RSP_SLICE (NULL, 0) : find_result (reply->body, rollback);
    if (problem) { /* the next poll tries again */
        ipa_note_failure (ipa, NULL, problem);
        settled (ipa);
    } else if (result.len == 0 || !choose_eim (ipa, rollback)) {
        ipa_forget_rollback (ipa);
        settled (ipa);
    } else {
        ipa_deliver_or_roll_back (ipa, result, settled);
    }
}

static void
settle_rollback (RspIpa *ipa)
{
    static const guint8 criteria[] = {0xA0, 0x02, 0x82, 0x00};
    g_autoptr (GBytes) rollback = ipa_recall_rollback (ipa);
    if (rollback)
        ipa_card_call (ipa, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, RSP_SLICE_ARRAY (criteria),
                       on_results);
    else
        settled (ipa);
}

/* --- a switch without an answer: is the Emergency Profile enabled? --- */

gboolean
ipa_emergency_enabled (RspSlice answer)
{
    RspTlv response, list, profile, state, ecall;
    if (!rsp_tlv_single (answer, 0xBF2D, &response) || !rsp_tlv_find (response.value, 0xA0, &list))
        return FALSE;
    while (rsp_tlv_next (&list.value, &profile) == RSP_TLV_OK)
        if (rsp_tlv_find (profile.value, 0x9F7B, &ecall) && ecall.value.len == 1 &&
            ecall.value.data[0] && rsp_tlv_find (profile.value, 0x9F70, &state) &&
            state.value.len == 1 && state.value.data[0] == 1)
            return TRUE;
    return FALSE;
}

static void
on_profiles (RspIpa *ipa, const RspReply *reply)
{
    const char *problem = ipa_problem (ipa, reply);
    if (problem) {
        ipa_note_failure (ipa, NULL, problem);
    } else {
        ipa_note_emergency (ipa, ipa_emergency_enabled (rsp_slice_of (reply->body)));
        ipa_note_change (ipa, ipa_doubted (ipa), NULL);
    }
    settle_rollback (ipa);
}

void
ipa_settle (RspIpa *ipa, IpaNext next)
{
    static const guint8 tags[] = {0x5C, 0x04, 0x9F, 0x70, 0x9F, 0x7B};
    ipa->op->after_settling = next;
    if (ipa_doubted (ipa) != IPA_NO_CHANGE)
        ipa_card_call (ipa, RSP_FN_ES10C_GET_PROFILES_INFO, RSP_SLICE_ARRAY (tags), on_profiles);
    else
        settle_rollback (ipa);
}

/* --- a download: has the card ended it? --- */

/* Nothing came of it: the eIM, which has no result, gives the trigger again. */
static void
keep_installation (RspIpa *ipa, RspSlice installation)
{
    g_autofree char *eim = NULL;
    g_autoptr (GBytes) transaction = NULL, result = NULL;
    if (!ipa_recall_download (ipa, &eim, &transaction, &result))
        return;
    if (result)
        installation = rsp_slice_of (result);
    ipa_check_event (ipa, "download", "boot", installation.len ? "resultFound" : "noResult");
    if (installation.len == 0) {
        ipa_forget_download (ipa);
        return;
    }
    g_autoptr (GBytes) whole = ipa_download_result (transaction, installation);
    g_free (ipa_keep_result (ipa, eim, whole, installation));
    ipa->op->kept++;
}

static void
on_notifications (RspIpa *ipa, const RspReply *reply)
{
    const char *problem = ipa_problem (ipa, reply);
    RspTlv response, list, tlv;
    RspSlice found = RSP_SLICE (NULL, 0);
    if (problem) {
        ipa_note_failure (ipa, NULL, problem);
        ipa->op->after_download (ipa);
        return;
    }
    if (rsp_tlv_single (rsp_slice_of (reply->body), 0xBF2B, &response) &&
        rsp_tlv_find (response.value, 0xA0, &list))
        while (rsp_tlv_next (&list.value, &tlv) == RSP_TLV_OK)
            if (ipa_is_new_result (ipa, &tlv))
                found = tlv.whole;
    keep_installation (ipa, found);
    ipa->op->after_download (ipa);
}

static void
look_at_download (RspIpa *ipa)
{
    g_autofree char *eim = NULL;
    g_autoptr (GBytes) transaction = NULL, result = NULL;
    gboolean under_way = ipa_recall_download (ipa, &eim, &transaction, &result);
    if (under_way && !result) {
        ipa_card_call (ipa, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, RSP_SLICE (NULL, 0),
                       on_notifications);
        return;
    }
    if (under_way)
        keep_installation (ipa, RSP_SLICE (NULL, 0));
    ipa->op->after_download (ipa);
}

/* --- the boot --- */

static void
end_boot (RspIpa *ipa)
{
    if (ipa->op->kept && ipa->config.notify != RSP_IPA_NOTIFY_EIM)
        ipa_deliver_and_finish (ipa);
    else
        ipa_finish (ipa);
}

static void
settle (RspIpa *ipa)
{
    ipa_settle (ipa, end_boot);
}

static void
read_eims (RspIpa *ipa)
{
    ipa_read_eims (ipa, settle);
}

static void
begin (gpointer data)
{
    RspIpa *ipa = data;
    g_autoptr (GBytes) rollback = ipa_recall_rollback (ipa);
    ipa->start_event = 0;
    ipa->op->after_download = rollback ? read_eims : settle;
    look_at_download (ipa);
}

void
rsp_ipa_boot (RspIpa *ipa, RspIpaFunc func, gpointer data)
{
    if (!func && !ipa_owes (ipa))
        return;
    if (!ipa_begin (ipa, "boot", func, data))
        return;
    if (func)
        ipa_note_failure (ipa, "boot", "crashed");
    ipa->start_event = rsp_loop_after (ipa->actor->loop, 0, begin, ipa, NULL);
}

void
rsp_ipa_take_waiting (RspIpa *ipa, RspIpaFunc *ret_func, gpointer *ret_data)
{
    *ret_func = ipa->op ? ipa->op->func : NULL;
    *ret_data = ipa->op ? ipa->op->data : NULL;
}
