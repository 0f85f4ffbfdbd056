#include <glib.h>
#include <string.h>

#include "asn1/ids.h"
#include "asn1/tlv.h"

static GBytes *
octets (const char *hex)
{
    GBytes *bytes = rsp_unhex (hex);
    g_assert_nonnull (bytes);
    return bytes;
}

static void
check_next (const char *hex, RspTlvResult result, guint32 tag, gsize length)
{
    g_autoptr (GBytes) bytes = octets (hex);
    RspSlice in = rsp_slice_of (bytes), before = in;
    RspTlv tlv;
    g_assert_cmpint (rsp_tlv_next (&in, &tlv), ==, result);
    if (result == RSP_TLV_OK) {
        g_assert_cmphex (tlv.tag, ==, tag);
        g_assert_cmpuint (tlv.value.len, ==, length);
    } else {
        g_assert_true (in.data == before.data && in.len == before.len);
    }
}

static void
test_next (void)
{
    check_next ("5A0103", RSP_TLV_OK, 0x5a, 1);
    check_next ("BF3800", RSP_TLV_OK, 0xbf38, 0);
    check_next ("9F700101", RSP_TLV_OK, 0x9f70, 1);
    check_next ("5F3700", RSP_TLV_OK, 0x5f37, 0);
    check_next ("BF878100", RSP_TLV_BAD, 0, 0);
    check_next ("BF877F00", RSP_TLV_OK, 0xbf877f, 0);
    check_next ("", RSP_TLV_END, 0, 0);
    check_next ("5A", RSP_TLV_BAD, 0, 0);
    check_next ("5A02FF", RSP_TLV_BAD, 0, 0);
    check_next ("3080", RSP_TLV_BAD, 0, 0);       /* indefinite */
    check_next ("30810100", RSP_TLV_BAD, 0, 0);   /* not minimal */
    check_next ("3082000100", RSP_TLV_BAD, 0, 0); /* leading zero */
    check_next ("3084FFFFFFFF00", RSP_TLV_BAD, 0, 0);
    check_next ("308500000000010000", RSP_TLV_BAD, 0, 0);
    check_next ("BF803800", RSP_TLV_BAD, 0, 0); /* tag number with a leading zero */
    check_next ("BF8181810100", RSP_TLV_BAD, 0, 0);
}

static void
check_der (const char *hex, gboolean good, gsize where)
{
    g_autoptr (GBytes) bytes = octets (hex);
    gsize offset = 99999;
    g_assert_cmpint (rsp_der_check (rsp_slice_of (bytes), &offset), ==, good);
    if (!good)
        g_assert_cmpuint (offset, ==, where);
}

static void
test_der (void)
{
    check_der ("3003020105", TRUE, 0);
    check_der ("3000", TRUE, 0);
    check_der ("", FALSE, 0);
    check_der ("300302010500", FALSE, 5); /* something behind it */
    check_der ("3003020205", FALSE, 2);
    check_der ("300630040202", FALSE, 0);
    check_der ("BF0C00", FALSE, 0); /* fits in one octet */
    check_der ("3005BF1F020102", FALSE, 5);
    g_autoptr (GByteArray) deep = g_byte_array_new ();
    for (guint i = 0; i < 40; i++) {
        g_autoptr (GByteArray) inner = g_steal_pointer (&deep);
        deep = g_byte_array_new ();
        rsp_tlv_put (deep, 0x30, RSP_SLICE (inner->data, inner->len));
        g_assert_cmpint (rsp_der_check (RSP_SLICE (deep->data, deep->len), NULL), ==, i < 31);
    }
}

static void
test_many (void)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0x30);
    for (guint i = 0; i < 99999; i++)
        rsp_tlv_put (out, 0x05, RSP_SLICE (NULL, 0));
    g_autoptr (GByteArray) more = g_byte_array_new ();
    g_byte_array_append (more, out->data, out->len);
    rsp_tlv_close (out, mark);
    g_assert_true (rsp_der_check (RSP_SLICE (out->data, out->len), NULL));
    rsp_tlv_put (more, 0x05, RSP_SLICE (NULL, 0));
    rsp_tlv_close (more, mark);
    g_assert_false (rsp_der_check (RSP_SLICE (more->data, more->len), NULL));
}

static void
check_int (gint64 value, const char *hex)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    rsp_tlv_put_int (out, 0x02, value);
    g_autofree char *got = rsp_hex (RSP_SLICE (out->data, out->len));
    g_assert_cmpstr (got, ==, hex);
}

static void
test_build (void)
{
    check_int (0, "020100");
    check_int (127, "02017f");
    check_int (128, "02020080");
    check_int (255, "020200ff");
    check_int (256, "02020100");
    check_int (-1, "0201ff");
    check_int (-128, "020180");
    check_int (-129, "0202ff7f");
    check_int (G_MAXINT64, "02087fffffffffffffff");
    check_int (G_MININT64, "02088000000000000000");

    const gsize sizes[] = {0, 127, 128, 255, 256, 65535, 65536};
    for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
        g_autofree guint8 *zeros = g_malloc0 (sizes[i] + 1);
        g_autoptr (GByteArray) put = g_byte_array_new (), opened = g_byte_array_new ();
        rsp_tlv_put (put, 0xbf36, RSP_SLICE (zeros, sizes[i]));
        gsize mark = rsp_tlv_open (opened, 0xbf36);
        g_byte_array_append (opened, zeros, (guint)sizes[i]);
        rsp_tlv_close (opened, mark);
        g_assert_cmpmem (put->data, put->len, opened->data, opened->len);
        g_assert_cmpuint (put->len, ==, rsp_tlv_head_size (0xbf36, sizes[i]) + sizes[i]);
        RspTlv tlv;
        g_assert_true (rsp_tlv_single (RSP_SLICE (put->data, put->len), 0xbf36, &tlv));
        g_assert_cmpuint (tlv.value.len, ==, sizes[i]);
    }
}

static void
test_find (void)
{
    g_autoptr (GBytes) bytes = octets ("8001018102020283800A");
    RspTlv tlv;
    g_assert_true (rsp_tlv_find (rsp_slice_of (bytes), 0x81, &tlv));
    g_assert_cmpuint (tlv.whole.len, ==, 4);
    g_assert_false (rsp_tlv_find (rsp_slice_of (bytes), 0x84, &tlv));
    g_assert_false (rsp_tlv_single (rsp_slice_of (bytes), 0x80, &tlv));
}

static void
test_ids (void)
{
    g_assert_true (rsp_eid_valid ("89049032001234000000000000000141"));
    g_assert_true (rsp_eid_valid ("89049032123451234512345678901235"));
    g_assert_false (rsp_eid_valid ("89049032123451234512345678901234"));
    g_assert_false (rsp_eid_valid ("8904903212345123451234567890123"));
    g_assert_false (rsp_eid_valid ("890490321234512345123456789012355"));
    g_assert_false (rsp_eid_valid ("8904903212345123451234567890123A"));
    g_assert_false (rsp_eid_valid (NULL));
    guint8 eid[16], iccid[10];
    g_assert_true (rsp_eid_to_octets ("89049032123451234512345678901235", eid));
    g_autofree char *eid_text = rsp_eid_from_octets (RSP_SLICE_ARRAY (eid));
    g_assert_cmpstr (eid_text, ==, "89049032123451234512345678901235");

    const char *const good[] = {"8988303000000000010", "89000123456789012341",
                                "8988303000000000010F", "898830300000000001"};
    const char *const hex[] = {"988803030000000010f0", "98001032547698103214",
                               "988803030000000010f0", "988803030000000010ff"};
    for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
        g_assert_true (rsp_iccid_valid (good[i]));
        g_assert_true (rsp_iccid_to_octets (good[i], iccid));
        g_autofree char *text = rsp_hex (RSP_SLICE_ARRAY (iccid));
        g_assert_cmpstr (text, ==, hex[i]);
        g_autofree char *back = rsp_iccid_from_octets (RSP_SLICE_ARRAY (iccid));
        g_assert_cmpmem (back, strlen (back), good[i], strcspn (good[i], "F"));
    }
    const char *const bad[] = {"",
                               "89883030000000001",
                               "8988303000000000010FF",
                               "F",
                               "898830300000000001F0",
                               "8988303000000000010 ",
                               "898830300000000000123"};
    for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_false (rsp_iccid_valid (bad[i]));
    g_autoptr (GBytes) holes = octets ("98F01032547698103214");
    g_assert_null (rsp_iccid_from_octets (rsp_slice_of (holes)));

    g_assert_cmpstr (rsp_code_name ("AuthenticateErrorCode", 6), ==, "euiccChallengeMismatch");
    g_assert_cmpstr (rsp_code_name ("EnableResult", 5), ==, "catBusy");
    g_assert_cmpstr (rsp_code_name ("EnableProfileResponse.enableResult", 4), ==,
                     "wrongProfileReenabling");
    g_assert_cmpstr (rsp_code_name ("CancelSessionReason", 127), ==, "undefinedReason");
    g_assert_null (rsp_code_name ("ErrorReason", 16));
    g_assert_null (rsp_code_name ("NoSuchThing", 1));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/tlv/next", test_next);
    g_test_add_func ("/tlv/der", test_der);
    g_test_add_func ("/tlv/many", test_many);
    g_test_add_func ("/tlv/build", test_build);
    g_test_add_func ("/tlv/find", test_find);
    g_test_add_func ("/ids", test_ids);
    return g_test_run ();
}
