/* ES6.UpdateMetadata (SGP.22 5.4.1): the operator changes the metadata of its enabled profile by a
 * script of INSTALL [for personalization] to the ISD-P and STORE DATA (ETSI TS 102 226 5.2.1,
 * compact form). All or nothing. */
#include "components/euicc/euicc-internal.h"

#include <string.h>

#define MAX_UPDATE 2048
#define ISDP_RESERVED 0x0F /* the AID by which a profile names its own ISD-P */

typedef struct {
    gboolean personalizing;
    GByteArray *update; /* of STORE DATA so far */
    guint next_block;
} Script;

/* The members of a StoreMetadataRequest in its order, and those that may be updated. */
static const struct {
    guint32 tag;
    gboolean update;
} members[] = {{0x5A, FALSE}, {0x91, TRUE},  {0x92, TRUE},  {0x93, TRUE}, {0x94, TRUE},
               {0x95, FALSE}, {0xB6, FALSE}, {0xB7, FALSE}, {0x99, TRUE}, {0xBF22, FALSE}};

static gboolean
may_update (guint32 tag)
{
    for (guint i = 0; i < G_N_ELEMENTS (members); i++)
        if (members[i].tag == tag)
            return members[i].update;
    return FALSE;
}

/* FALSE: something in it is unknown or not to be changed. */
static gboolean
check_update (RspSlice update)
{
    RspTlv member;
    RspTlvResult r;
    while ((r = rsp_tlv_next (&update, &member)) == RSP_TLV_OK)
        if (!may_update (member.tag))
            return FALSE;
    return r == RSP_TLV_END;
}

/* OLD (content of BF25) with UPDATE's members in place; an empty icon or PPR leaves its member out.
 */
static GBytes *
merged (RspSlice old, RspSlice update)
{
    GByteArray *out = g_byte_array_new ();
    RspTlv member, icon;
    gboolean no_icon = rsp_tlv_find (update, 0x94, &icon) && icon.value.len == 0;
    gsize mark = rsp_tlv_open (out, 0xBF25);
    for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
        guint32 tag = members[i].tag;
        gboolean updated = members[i].update && rsp_tlv_find (update, tag, &member);
        if (!updated && !rsp_tlv_find (old, tag, &member))
            continue;
        if ((tag == 0x93 || tag == 0x94) && no_icon)
            continue;
        if (tag == 0x99 && updated && member.value.len <= 1)
            continue;
        g_byte_array_append (out, member.whole.data, (guint)member.whole.len);
    }
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

static guint
apply (RspEuicc *card, RspSlice command)
{
    RspTlv update, old;
    RspEuiccProfile *p = rsp_euicc_enabled (card);
    if (!rsp_tlv_single (command, 0xBF2A, &update) || !rsp_der_check (command, NULL) ||
        !check_update (update.value) || !rsp_tlv_single (rsp_slice_of (p->bf25), 0xBF25, &old))
        return 0x6A80;
    g_autoptr (GBytes) bf25 = merged (old.value, update.value);
    g_autoptr (RspMetadata) m = rsp_metadata_decode (rsp_slice_of (bf25), NULL);
    if (!m)
        return 0x6A80;
    if (m->ppr & ~p->metadata->ppr) /* rules may be unset, never set */
        return 0x6985;
    gsize before = g_bytes_get_size (p->bf25), after = g_bytes_get_size (bf25);
    if (after > before && after - before > rsp_euicc_room (card))
        return 0x6A84;
    rsp_euicc_begin (card);
    p->cost = (guint32)(p->cost + after - before);
    g_clear_pointer (&p->bf25, g_bytes_unref);
    g_clear_pointer (&p->metadata, rsp_metadata_free);
    rsp_euicc_profile_set_metadata (p, bf25);
    rsp_euicc_put_profile (card, p, FALSE);
    return rsp_euicc_commit (card) ? 0x9000 : 0x6581;
}

/* INSTALL [for personalization]: no package, the application, no parameters. */
static guint
install (RspEuicc *card, const guint8 *header, RspSlice data, Script *s)
{
    guint8 own[16], reserved[16];
    rsp_euicc_isdp_aid (rsp_euicc_enabled (card)->number, own);
    memcpy (reserved, own, sizeof own);
    reserved[13] = 0x00;
    reserved[14] = ISDP_RESERVED;
    reserved[15] = 0x00;
    if (header[2] != 0x20 || header[3] != 0x00)
        return 0x6A86;
    if (data.len < 19 || data.data[0] != 0 || data.data[1] != 0 || data.data[2] != 16)
        return 0x6A80;
    s->personalizing =
        memcmp (data.data + 3, own, 16) == 0 || memcmp (data.data + 3, reserved, 16) == 0;
    return s->personalizing ? 0x9000 : 0x6A88;
}

static guint
store_data (RspEuicc *card, const guint8 *header, RspSlice data, Script *s)
{
    gboolean last = header[2] & 0x80;
    if (!s->personalizing)
        return 0x6985;
    if ((header[2] & 0x60) || header[3] != s->next_block)
        return 0x6A86;
    if (s->update->len + data.len > MAX_UPDATE)
        return 0x6A84;
    if (data.len > 0)
        g_byte_array_append (s->update, data.data, (guint)data.len);
    s->next_block++;
    if (!last)
        return 0x9000;
    guint sw = apply (card, RSP_SLICE (s->update->data, s->update->len));
    g_byte_array_set_size (s->update, 0);
    s->next_block = 0;
    return sw;
}

guint
rsp_euicc_es6 (RspEuicc *card, RspSlice script, guint8 *ret_executed)
{
    g_autoptr (GByteArray) update = g_byte_array_new ();
    Script s = {.update = update};
    guint sw = 0x6A80;
    *ret_executed = 0;
    while (script.len > 0) {
        const guint8 *h = script.data;
        if (script.len < 5 || h[4] > script.len - 5)
            return 0x6700;
        RspSlice data = RSP_SLICE (h + 5, h[4]);
        script = RSP_SLICE (data.data + data.len, script.len - 5 - data.len);
        if (h[0] != 0x80 && h[0] != 0x84)
            sw = 0x6E00;
        else if (h[1] == 0xE6)
            sw = install (card, h, data, &s);
        else if (h[1] == 0xE2)
            sw = store_data (card, h, data, &s);
        else
            sw = 0x6D00;
        (*ret_executed)++;
        if (sw != 0x9000)
            break;
    }
    return sw;
}
