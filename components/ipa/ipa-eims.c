/* Whose device this is: the EID, and the eIMs that the eUICC is associated with (SGP.32 5.9.18). */
#include "components/ipa/ipa-private.h"

#include <string.h>

static void
eim_free (gpointer data)
{
    IpaEim *eim = data;
    g_free (eim->id);
    g_free (eim->fqdn);
    g_free (eim);
}

const IpaEim *
ipa_eim (const RspIpa *ipa)
{
    const IpaOperation *op = ipa->op;
    return op->eims && op->eim < op->eims->len ? g_ptr_array_index (op->eims, op->eim) : NULL;
}

static void
on_eims (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    g_autoptr (RspAsn1) node = ipa_decode (ipa, reply, "GetEimConfigurationDataResponse");
    if (!node) {
        ipa_finish (ipa);
        return;
    }
    g_clear_pointer (&op->answer, g_bytes_unref);
    op->answer = g_bytes_ref (reply->body);
    op->eims = g_ptr_array_new_with_free_func (eim_free);
    for (guint i = 1; i <= rsp_asn1_count (node, "eimConfigurationDataList"); i++) {
        g_autofree char *at = g_strdup_printf ("eimConfigurationDataList.?%u", i);
        g_autofree char *id = g_strconcat (at, ".eimId", NULL);
        g_autofree char *fqdn = g_strconcat (at, ".eimFqdn", NULL);
        g_autofree char *token = g_strconcat (at, ".associationToken", NULL);
        g_autofree char *indirect = g_strconcat (at, ".indirectProfileDownload", NULL);
        IpaEim *eim = g_new0 (IpaEim, 1);
        eim->id = rsp_asn1_text (node, id);
        eim->fqdn = ipa->eim_address ? g_strdup (ipa->eim_address) : rsp_asn1_text (node, fqdn);
        eim->token = rsp_asn1_int (node, token, 0);
        eim->indirect = rsp_asn1_has (node, indirect);
        g_ptr_array_add (op->eims, eim);
    }
    op->after_eims (ipa);
}

static void
read_configuration (RspIpa *ipa)
{
    ipa_card_call (ipa, RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA, RSP_SLICE (NULL, 0), on_eims);
}

/* The IPA may be new, the card is not. One that cannot say so has no Emergency Profile. */
static void
on_profiles (RspIpa *ipa, const RspReply *reply)
{
    gboolean enabled =
        !ipa_problem (ipa, reply) && ipa_emergency_enabled (rsp_slice_of (reply->body));
    if (enabled != ipa_in_emergency (ipa))
        ipa_note_emergency (ipa, enabled);
    read_configuration (ipa);
}

static void
on_eid (RspIpa *ipa, const RspReply *reply)
{
    static const guint8 tags[] = {0x5C, 0x04, 0x9F, 0x70, 0x9F, 0x7B};
    const char *problem = ipa_problem (ipa, reply);
    RspTlv response, eid;
    if (!problem &&
        (!rsp_tlv_single (rsp_slice_of (reply->body), 0xBF3E, &response) ||
         !rsp_tlv_find (response.value, 0x5A, &eid) || eid.value.len != sizeof ipa->eid))
        problem = "badReply";
    if (problem) {
        ipa_fail (ipa, NULL, problem);
        return;
    }
    memcpy (ipa->eid, eid.value.data, sizeof ipa->eid);
    ipa->knows_eid = TRUE;
    if (ipa->config.v10 || ipa->emulation)
        read_configuration (ipa);
    else
        ipa_card_call (ipa, RSP_FN_ES10C_GET_PROFILES_INFO, RSP_SLICE_ARRAY (tags), on_profiles);
}

void
ipa_read_eims (RspIpa *ipa, IpaNext next)
{
    static const guint8 content[] = {0x5C, 0x01, 0x5A};
    ipa->op->after_eims = next;
    if (ipa->knows_eid)
        read_configuration (ipa);
    else
        ipa_card_call (ipa, RSP_FN_ES10C_GET_EID, RSP_SLICE_ARRAY (content), on_eid);
}
