/* IpaEuiccDataRequest (SGP.32 2.11.1.2): what the eIM asks for by tag, read from the card element
 * by element, in the order in which the answer has them. */
#include "asn1/ids.h"
#include "components/ipa/ipa-private.h"

#include <string.h>

enum { INCORRECT_TAG_LIST = 1, CI_PK_NOT_FOUND = 5, ECALL_ACTIVE = 104, UNDEFINED = 127 };

typedef struct _Row Row;
struct _Row {
    guint32 tag;                                /* in the tagList and in the answer */
    RspFunctionId function;                     /* RSP_FN_COUNT: not from the card */
    guint32 child, grandchild;                  /* of the card's answer; 0: the answer itself */
    void (*put) (RspIpa *ipa, GByteArray *out); /* what the IPA knows */
};

static void put_token (RspIpa *ipa, GByteArray *out);
static void put_transaction (RspIpa *ipa, GByteArray *out);
static void put_capabilities (RspIpa *ipa, GByteArray *out);
static void put_device (RspIpa *ipa, GByteArray *out);

#define ADDRESSES RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES
#define LISTS RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST
#define INFO1 RSP_FN_ES10B_GET_EUICC_INFO1
#define INFO2 RSP_FN_ES10B_GET_EUICC_INFO2
#define CERTS RSP_FN_ES10B_GET_CERTS

static const Row rows_v12[] = {
    {0xA0, LISTS, 0xA0, 0, NULL},
    {0x81, ADDRESSES, 0x80, 0, NULL},
    {0xA2, LISTS, 0xA2, 0, NULL},
    {0xBF20, INFO1, 0, 0, NULL},
    {0xBF22, INFO2, 0, 0, NULL},
    {0x83, ADDRESSES, 0x81, 0, NULL},
    {0x84, RSP_FN_COUNT, 0, 0, put_token},
    {0xA5, CERTS, 0xA0, 0xA5, NULL},
    {0xA6, CERTS, 0xA0, 0xA6, NULL},
    {0x87, RSP_FN_COUNT, 0, 0, put_transaction},
    {0xA8, RSP_FN_COUNT, 0, 0, put_capabilities},
    {0xA9, RSP_FN_COUNT, 0, 0, put_device},
    {0},
};
static const Row rows_v10[] = {
    {0x80, ADDRESSES, 0x80, 0, NULL},
    {0xBF20, INFO1, 0, 0, NULL},
    {0xBF22, INFO2, 0, 0, NULL},
    {0x83, ADDRESSES, 0x81, 0, NULL},
    {0x84, RSP_FN_COUNT, 0, 0, put_token},
    {0xA5, CERTS, 0xA0, 0xA5, NULL},
    {0xA6, CERTS, 0xA0, 0xA6, NULL},
    {0xA8, RSP_FN_COUNT, 0, 0, put_capabilities},
    {0xA9, RSP_FN_COUNT, 0, 0, put_device},
    {0xBF2B, LISTS, 0, 0, NULL},
    {0},
};

static void next_row (RspIpa *ipa);

static const Row *
rows (const RspIpa *ipa)
{
    return ipa->config.v10 ? rows_v10 : rows_v12;
}

/* --- what the IPA knows --- */

static void
put_token (RspIpa *ipa, GByteArray *out)
{
    if (ipa_eim (ipa) && ipa_eim (ipa)->token)
        rsp_tlv_put_int (out, 0x84, ipa_eim (ipa)->token);
}

static void
put_transaction (RspIpa *ipa, GByteArray *out)
{
    RspSlice id = rsp_asn1_octets (ipa->op->request, "eimTransactionId");
    if (id.len > 0)
        rsp_tlv_put (out, 0x87, id);
}

/* Direct, indirect, data handling, CtxParams1 and metadata by the eIM; HTTPS, pulled and, where the
 * IPA can be reached, pushed. */
static void
put_capabilities (RspIpa *ipa, GByteArray *out)
{
    static const guint8 features[] = {0x03, 0xF8}, pull[] = {0x07, 0x80}, both[] = {0x05, 0xA0};
    gsize mark = rsp_tlv_open (out, 0xA8);
    rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (features));
    rsp_tlv_put (out, 0x81, ipa->fqdn ? RSP_SLICE_ARRAY (both) : RSP_SLICE_ARRAY (pull));
    rsp_tlv_close (out, mark);
}

static void
put_device (RspIpa *ipa, GByteArray *out)
{
    gsize mark = rsp_tlv_open (out, 0xA9);
    rsp_put_device_info (out, ipa->tac, NULL);
    rsp_tlv_close (out, mark);
}

/* --- the answer --- */

static void
end_request (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    g_clear_pointer (&op->request, rsp_asn1_free);
    g_clear_pointer (&op->elements, g_byte_array_unref);
    if (!op->reached)
        op->kept++; /* at the eIM: it asks again */
    op->after_package (ipa);
}

static void
send_error (RspIpa *ipa, guint8 code)
{
    IpaOperation *op = ipa->op;
    GByteArray *out = g_byte_array_new ();
    RspSlice id = rsp_asn1_octets (op->request, "eimTransactionId");
    gsize outer = rsp_tlv_open (out, 0xBF52);
    if (ipa->config.v10) {
        rsp_tlv_put_int (out, 0x81, code);
    } else {
        gsize mark = rsp_tlv_open (out, 0xA1);
        if (id.len > 0)
            rsp_tlv_put (out, 0x80, id);
        rsp_tlv_put_int (out, 0x02, code);
        rsp_tlv_close (out, mark);
    }
    rsp_tlv_close (out, outer);
    op->failed++;
    ipa_set_result (ipa, ipa_code_name ("IpaEuiccDataErrorCode", code));
    if (op->asked)
        ipa_note_failure (ipa, "ipaEuiccData", op->result);
    ipa_send_result (ipa, ipa_take (out), end_request);
}

static void
send_answer (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    GByteArray *out = g_byte_array_new ();
    gsize outer = rsp_tlv_open (out, 0xBF52);
    rsp_tlv_put (out, 0xA0, RSP_SLICE (op->elements->data, op->elements->len));
    rsp_tlv_close (out, outer);
    ipa_set_result (ipa, "ok");
    ipa_send_result (ipa, ipa_take (out), end_request);
}

/* --- from the card --- */

static void
put_element (RspIpa *ipa, const Row *row, RspSlice answer)
{
    GByteArray *out = ipa->op->elements;
    RspTlv tlv, child;
    if (!rsp_tlv_single (answer, rsp_function (row->function)->tag, &tlv))
        return;
    if (row->child) {
        if (!rsp_tlv_find (tlv.value, row->child, &child))
            return;
        tlv = child;
    }
    if (row->grandchild) {
        if (!rsp_tlv_find (tlv.value, row->grandchild, &child))
            return;
        tlv = child;
    }
    if (tlv.tag == 0xA0)
        ipa_note_notifications (ipa, tlv.value);
    rsp_tlv_put (out, row->tag, tlv.value);
}

static void
on_element (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    const Row *row = &rows (ipa)[op->row];
    const char *problem = ipa_problem (ipa, reply);
    RspTlv response, error;
    if (problem) {
        ipa_note_failure (ipa, NULL, problem);
        send_error (ipa, UNDEFINED);
        return;
    }
    if (row->function == CERTS && rsp_tlv_single (rsp_slice_of (reply->body), 0xBF56, &response) &&
        rsp_tlv_find (response.value, 0x81, &error)) {
        send_error (ipa, CI_PK_NOT_FOUND);
        return;
    }
    put_element (ipa, row, rsp_slice_of (reply->body));
    op->row++;
    next_row (ipa);
}

/* Which notifications or results, which certificates. */
static void
put_criteria (RspIpa *ipa, const Row *row, GByteArray *out)
{
    static const guint8 all_results[] = {0x82, 0x00};
    const RspAsn1 *request = ipa->op->request;
    const char *path =
        row->tag == 0xA2 ? "searchCriteriaEuiccPackageResult" : "searchCriteriaNotification";
    RspTlv criteria;
    RspSlice whole = rsp_asn1_slice (request, path);
    RspSlice ci = rsp_asn1_octets (request, "euiccCiPKIdentifierToBeUsed");
    if (row->function == CERTS && ci.len > 0)
        rsp_tlv_put (out, 0x80, ci);
    if (row->function != LISTS)
        return;
    if (rsp_tlv_next (&whole, &criteria) == RSP_TLV_OK)
        rsp_tlv_put (out, 0xA0, criteria.value);
    else if (row->tag == 0xA2)
        rsp_tlv_put (out, 0xA0, RSP_SLICE_ARRAY (all_results));
}

static void
next_row (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    const Row *row = &rows (ipa)[op->row];
    for (; row->tag && (!(op->wanted & 1u << op->row) || row->put); row++, op->row++)
        if (op->wanted & 1u << op->row)
            row->put (ipa, op->elements);
    if (!row->tag) {
        send_answer (ipa);
        return;
    }
    g_autoptr (GByteArray) content = g_byte_array_new ();
    put_criteria (ipa, row, content);
    ipa_card_call (ipa, row->function, RSP_SLICE (content->data, content->len), on_element);
}

/* --- the request --- */

/* FALSE: no tag is left, or what is left is none. */
static gboolean
take_tag (RspSlice *list, guint32 *ret_tag)
{
    gsize n = list->len > 0 && (list->data[0] & 0x1F) == 0x1F ? 2 : 1;
    if (list->len < n)
        return FALSE;
    *ret_tag = n == 2 ? (guint32)(list->data[0] << 8 | list->data[1]) : list->data[0];
    *list = RSP_SLICE (list->data + n, list->len - n);
    return TRUE;
}

/* One bit a row; FALSE: an unknown tag. */
static gboolean
read_tags (const RspIpa *ipa, RspSlice list, guint *ret_wanted)
{
    guint32 tag;
    *ret_wanted = 0;
    while (list.len > 0) {
        if (!take_tag (&list, &tag))
            return FALSE;
        if (tag == 0x88 &&
            ipa->config.v10) /* ipaCapabilities, as eIMs of that version ask for it */
            tag = 0xA8;
        guint i = 0;
        while (rows (ipa)[i].tag && rows (ipa)[i].tag != tag)
            i++;
        if (!rows (ipa)[i].tag)
            return FALSE;
        *ret_wanted |= 1u << i;
    }
    for (guint i = 0; rows (ipa)[i].tag; i++)
        if (rows (ipa)[i].tag == 0x87 && !ipa->config.v10)
            *ret_wanted |= 1u << i;
    return TRUE;
}

void
ipa_answer_data_request (RspIpa *ipa, RspSlice request, IpaNext next)
{
    IpaOperation *op = ipa->op;
    op->after_package = next;
    op->request = rsp_asn1_decode_slice ("IpaEuiccDataRequest", request, NULL);
    op->elements = g_byte_array_new ();
    op->row = 0;
    if (!op->request || !read_tags (ipa, rsp_asn1_octets (op->request, "tagList"), &op->wanted))
        send_error (ipa, INCORRECT_TAG_LIST);
    else if (ipa_in_emergency (ipa))
        send_error (ipa, ECALL_ACTIVE);
    else
        next_row (ipa);
}

/* --- for the user of the IPA --- */

static void
put_all_tags (const RspIpa *ipa, GByteArray *out)
{
    for (const Row *row = rows (ipa); row->tag; row++) {
        guint8 tag[] = {(guint8)(row->tag >> 8), (guint8)row->tag};
        if (row->tag != 0x87) /* eimTransactionId: there is no eIM */
            g_byte_array_append (out, tag[0] ? tag : tag + 1, tag[0] ? 2 : 1);
    }
}

static void
answer_own_request (RspIpa *ipa)
{
    ipa_answer_data_request (ipa, rsp_slice_of (ipa->op->command), ipa_finish);
}

void
rsp_ipa_data (RspIpa *ipa, RspSlice tags, RspIpaFunc func, gpointer data)
{
    IpaOperation *op = ipa_begin (ipa, "data", func, data);
    if (!op)
        return;
    g_autoptr (GByteArray) list = g_byte_array_new ();
    GByteArray *out = g_byte_array_new ();
    if (tags.len > 0)
        g_byte_array_append (list, tags.data, (guint)tags.len);
    else
        put_all_tags (ipa, list);
    gsize mark = rsp_tlv_open (out, 0xBF52);
    rsp_tlv_put (out, 0x5C, RSP_SLICE (list->data, list->len));
    rsp_tlv_close (out, mark);
    op->asked = TRUE;
    op->command = ipa_take (out);
    ipa_read_eims (ipa, answer_own_request);
}
