/* The list of profiles that a user sees. SGP.22 3.2.4, 5.7.15. */
#include "components/lpa/lpa-private.h"

#include "asn1/ids.h"

#include <string.h>

#define MAX_PROFILES 1000

void
lpa_profile_free (RspLpaProfile *profile)
{
    if (!profile)
        return;
    g_free (profile->iccid);
    g_free (profile->nickname);
    g_free (profile->name);
    g_free (profile->provider);
    g_free (profile);
}

static char *
text_member (RspSlice info, guint32 tag)
{
    RspTlv member;
    char *text = rsp_tlv_find (info, tag, &member) ? lpa_text (member.value) : NULL;
    return text ? text : g_strdup ("");
}

static guint64
integer_member (RspSlice info, guint32 tag, guint64 absent)
{
    RspTlv member;
    guint64 n;
    return rsp_tlv_find (info, tag, &member) && lpa_integer (member.value, &n) ? n : absent;
}

RspLpaProfile *
lpa_profile_read (RspSlice info)
{
    RspTlv iccid;
    guint64 class = integer_member (info, 0x95, RSP_CLASS_OPERATIONAL);
    if (!rsp_tlv_find (info, 0x5A, &iccid) || class > RSP_CLASS_OPERATIONAL)
        return NULL;
    char *digits = rsp_iccid_from_octets (iccid.value);
    if (!digits)
        return NULL;
    RspLpaProfile *profile = g_new0 (RspLpaProfile, 1);
    profile->iccid = digits;
    profile->enabled = integer_member (info, 0x9F70, 0) == 1;
    profile->nickname = text_member (info, 0x90);
    profile->provider = text_member (info, 0x91);
    profile->name = text_member (info, 0x92);
    profile->profile_class = (RspProfileClass) class;
    return profile;
}

/* FALSE: not the information of a profile. */
static gboolean
list_profile (RspLpa *lpa, RspSlice info)
{
    RspLpaProfile *profile = lpa_profile_read (info);
    if (!profile)
        return FALSE;
    gboolean shown = profile->profile_class == RSP_CLASS_OPERATIONAL ||
                     (profile->profile_class == RSP_CLASS_TEST && lpa->test_mode);
    if (shown)
        g_ptr_array_add (lpa->op->profiles, profile);
    else
        lpa_profile_free (profile);
    return TRUE;
}

void
rsp_lpa_list (RspLpa *lpa, RspLpaListFunc func, gpointer data)
{
    static const guint8 command[] = {0xBF, 0x2D, 0x09, 0x5C, 0x07, 0x5A,
                                     0x9F, 0x70, 0x90, 0x91, 0x92, 0x95};
    if (lpa_begin (lpa, "list", NULL, func, data))
        lpa_call (lpa, LPA_LIST_PROFILES, RSP_FN_ES10C_GET_PROFILES_INFO, NULL,
                  g_bytes_new_static (command, sizeof command));
}

void
lpa_on_profile_list (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response, list, info;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    if (!rsp_tlv_find (response.value, 0xA0, &list)) {
        guint64 code = integer_member (response.value, 0x81, 127);
        const char *name = rsp_code_name ("ProfileInfoListError", (gint64)MIN (code, 255));
        lpa_fail (lpa, NULL, name ? name : "undefinedError");
        return;
    }
    op->profiles = g_ptr_array_new_with_free_func ((GDestroyNotify)lpa_profile_free);
    RspTlvResult result;
    gboolean good = TRUE;
    while (good && (result = rsp_tlv_next (&list.value, &info)) == RSP_TLV_OK)
        good =
            info.tag == 0xE3 && op->profiles->len < MAX_PROFILES && list_profile (lpa, info.value);
    if (!good || result != RSP_TLV_END)
        lpa_note_failure (lpa, NULL, "badReply");
    lpa_finish (lpa);
}
