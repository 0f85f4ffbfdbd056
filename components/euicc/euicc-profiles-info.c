/* ES10c.GetProfilesInfo (SGP.22 5.7.15). */
#include "components/euicc/euicc-iot.h"

#define MAX_TAGS 32

typedef struct {
    guint32 tags[MAX_TAGS];
    guint n;
} TagList;

/* What ProfileInfo may hold, in its order. The rest of the metadata comes on demand only. */
static const struct {
    guint32 tag;
    gboolean by_default;
    gboolean own; /* the card's own knowledge; all else is the metadata as received */
} fields[] = {
    {0x5A, TRUE, FALSE},    {0x4F, TRUE, TRUE},     {0x9F70, TRUE, TRUE},   {0x90, TRUE, TRUE},
    {0x91, TRUE, FALSE},    {0x92, TRUE, FALSE},    {0x93, TRUE, FALSE},    {0x94, TRUE, FALSE},
    {0x95, TRUE, TRUE},     {0xB6, FALSE, FALSE},   {0xB7, FALSE, FALSE},   {0xB8, FALSE, TRUE},
    {0x99, FALSE, FALSE},   {0xBF22, FALSE, FALSE}, {0x9F7B, FALSE, FALSE}, {0x9F26, FALSE, TRUE},
    {0x9F67, FALSE, FALSE},
};

static gboolean
read_tags (RspSlice list, TagList *ret)
{
    ret->n = 0;
    for (gsize i = 0; i < list.len;) {
        guint32 tag = list.data[i++];
        if ((tag & 0x1F) == 0x1F) {
            if (i == list.len)
                return FALSE;
            tag = tag << 8 | list.data[i++];
            if (tag & 0x80 && i < list.len)
                tag = tag << 8 | list.data[i++];
        }
        if (ret->n < MAX_TAGS)
            ret->tags[ret->n++] = tag;
    }
    return TRUE;
}

static gboolean
wanted (const TagList *list, guint32 tag, gboolean by_default)
{
    if (list->n == 0)
        return by_default;
    for (guint i = 0; i < list->n; i++)
        if (list->tags[i] == tag)
            return TRUE;
    return FALSE;
}

static void
put_own_field (const RspEuicc *card, GByteArray *out, const RspEuiccProfile *p, guint32 tag)
{
    static const guint8 yes[] = {0xFF};
    guint8 aid[16];
    RspSlice dp_data = rsp_slice_of (p->dp_data);
    switch (tag) {
    case 0x4F:
        rsp_euicc_isdp_aid (p->number, aid);
        rsp_tlv_put (out, 0x4F, RSP_SLICE_ARRAY (aid));
        break;
    case 0x9F70:
        rsp_tlv_put_int (out, 0x9F70, p->enabled ? 1 : 0);
        break;
    case 0x90:
        if (p->nickname)
            rsp_tlv_put_text (out, 0x90, p->nickname);
        break;
    case 0x95:
        rsp_tlv_put_int (out, 0x95, p->metadata->profile_class);
        break;
    case 0xB8:
        g_byte_array_append (out, dp_data.data, (guint)dp_data.len);
        break;
    case 0x9F26: /* FALSE is the default */
        if (card->iot && card->iot->fallback == p->number)
            rsp_tlv_put (out, 0x9F26, RSP_SLICE_ARRAY (yes));
        break;
    default:
        break;
    }
}

static void
put_profile (const RspEuicc *card, GByteArray *out, const RspEuiccProfile *p, const TagList *tags)
{
    RspTlv metadata, tlv;
    rsp_tlv_single (rsp_slice_of (p->bf25), 0xBF25, &metadata);
    gsize mark = rsp_tlv_open (out, 0xE3);
    for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
        guint32 tag = fields[i].tag;
        if (!wanted (tags, tag, fields[i].by_default))
            continue;
        if (fields[i].own)
            put_own_field (card, out, p, tag);
        else if (rsp_tlv_find (metadata.value, tag, &tlv))
            g_byte_array_append (out, tlv.whole.data, (guint)tlv.whole.len);
    }
    rsp_tlv_close (out, mark);
}

typedef struct {
    RspTlv criterion;
    gboolean present;
} Search;

static gboolean
matches (const RspEuiccProfile *p, const Search *search)
{
    guint8 aid[16];
    RspSlice value = search->criterion.value;
    if (!search->present)
        return TRUE;
    switch (search->criterion.tag) {
    case 0x5A:
        return rsp_slice_equal (value, RSP_SLICE_ARRAY (p->iccid));
    case 0x4F:
        rsp_euicc_isdp_aid (p->number, aid);
        return rsp_slice_equal (value, RSP_SLICE_ARRAY (aid));
    default:
        return value.data[0] == p->metadata->profile_class;
    }
}

static gboolean
read_search (RspSlice criteria, Search *search)
{
    RspTlv *c = &search->criterion;
    if (rsp_tlv_next (&criteria, c) != RSP_TLV_OK || criteria.len > 0)
        return FALSE;
    return (c->tag == 0x5A && c->value.len == 10) ||
           (c->tag == 0x4F && c->value.len >= 1 && c->value.len <= 16) ||
           (c->tag == 0x95 && c->value.len == 1);
}

guint
rsp_euicc_get_profiles_info (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv criteria, list;
    gboolean has_list;
    Search search = {0};
    TagList tags = {0};
    if (!rsp_take_optional (&body, 0xA0, 0, 256, &criteria, &search.present) ||
        !rsp_take_optional (&body, 0x5C, 0, 256, &list, &has_list))
        return 0x6A80;
    gsize outer = rsp_tlv_open (out, 0xBF2D);
    if ((search.present && !read_search (criteria.value, &search)) ||
        (has_list && !read_tags (list.value, &tags))) {
        rsp_tlv_put_int (out, 0x81, 1);
    } else {
        gsize mark = rsp_tlv_open (out, 0xA0);
        for (guint i = 0; i < card->profiles->len; i++) {
            const RspEuiccProfile *p = g_ptr_array_index (card->profiles, i);
            if (matches (p, &search))
                put_profile (card, out, p, &tags);
        }
        rsp_tlv_close (out, mark);
    }
    rsp_tlv_close (out, outer);
    return 0x9000;
}
