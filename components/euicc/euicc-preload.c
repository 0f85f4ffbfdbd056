/* Profiles that are on the card when it leaves the factory: installed from their packages as any
 * other (SGP.22 2.5.3, 5.5), but without session, result and notifications. */
#include "components/euicc/euicc-internal.h"

#define KEY_PRELOADED "preloaded"

static GByteArray *
copy_of (GBytes *octets)
{
    RspSlice s = rsp_slice_of (octets);
    return g_byte_array_append (g_byte_array_sized_new ((guint)s.len), s.data, (guint)s.len);
}

/* ErrorReason; 0: all of it is on the card, and the transaction open. */
static guint
install (RspEuicc *card, const RspEuiccPreloaded *what)
{
    RspEuiccLoad *load = &card->session.load;
    guint reason = rsp_euicc_new_isdp (card);
    if (reason)
        return reason;
    load->metadata = copy_of (what->metadata);
    load->upp = copy_of (what->package);
    reason = rsp_euicc_store_metadata (card);
    if (!reason)
        reason = rsp_euicc_load_elements (card, TRUE);
    if (reason)
        return reason;
    gboolean enabled = what->enabled && !rsp_euicc_enabled (card);
    RspEuiccProfile *p = rsp_euicc_add_profile (card);
    p->enabled = enabled;
    rsp_euicc_put_profile (card, p, TRUE);
    return 0;
}

gboolean
rsp_euicc_preload (RspEuicc *card, const GPtrArray *profiles, GError **error)
{
    g_autoptr (GBytes) done = rsp_nvm_get (card->nvm, KEY_PRELOADED);
    if (!profiles || !profiles->len || done)
        return TRUE;
    g_autoptr (GBytes) mark = g_bytes_new_static ("\1", 1);
    rsp_euicc_begin (card);
    for (guint i = 0; i < profiles->len; i++) {
        guint reason = install (card, g_ptr_array_index (profiles, i));
        rsp_euicc_session_end (card);
        if (reason) {
            rsp_euicc_rollback (card);
            g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                         "preloaded profile %u of %s is refused: %s", i + 1, card->actor->name,
                         rsp_code_name ("ErrorReason", reason));
            return FALSE;
        }
    }
    rsp_euicc_put_counters (card);
    rsp_nvm_put (card->nvm, KEY_PRELOADED, mark);
    return rsp_nvm_commit (card->nvm, error);
}
