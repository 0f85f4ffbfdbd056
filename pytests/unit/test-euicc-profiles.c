/* Profiles once installed: enabling, disabling, deleting, listing, notifications, and the files
 * that a terminal reads. */
#include "test-euicc-host.h"

#include <string.h>

static const char *
id_of (const char *iccid)
{
    return T ("5a", host_digits (iccid, TRUE));
}

static void
install (Host *h, const char *iccid, RspProfileClass c)
{
    g_autofree char *hex = g_strconcat (host_pe_header (iccid, "8100"), host_pe_mf (iccid),
                                        host_pe_usim (), host_pe_end (), NULL);
    g_autoptr (GBytes) upp = host_hex (hex), metadata = host_metadata (iccid, c);
    HostPackage p = {.upp = upp, .metadata = metadata};
    g_assert_cmpuint (host_download (h, &p), ==, 0);
}

static guint
one_result (Host *h, const char *command)
{
    g_autoptr (GBytes) data = host_es10 (h, command);
    RspSlice s = rsp_slice_of (data);
    g_assert_cmpuint (s.len, ==, 6);
    return s.data[5];
}

#define ENABLE(h, iccid) one_result (h, T ("bf31", T ("a0", id_of (iccid)), "810100"))
#define DISABLE(h, iccid) one_result (h, T ("bf32", T ("a0", id_of (iccid)), "8101ff"))
#define DELETE(h, iccid) one_result (h, T ("bf33", id_of (iccid)))

static const char one[] = "8988303000000000010", two[] = "8988303000000000028";
static const char three[] = "8988303000000000036";

static void
assert_states (Host *h, const char *expected)
{
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    g_autoptr (GString) states = g_string_new (NULL);
    for (guint i = 0; i < profiles->len; i++)
        g_string_append_c (
            states, ((RspProfileView *)g_ptr_array_index (profiles, i))->enabled ? 'E' : 'd');
    g_assert_cmpstr (states->str, ==, expected);
}

/* Kinds and addresses of what is pending behind FROM: "e:dp", … */
static void
assert_notifications (Host *h, guint64 from, const char *expected)
{
    static const char kinds[] = {[1] = 'i', [2] = 'e', [4] = 'd', [8] = 'x'};
    g_autoptr (GPtrArray) list = rsp_euicc_notifications (h->card);
    g_autoptr (GString) text = g_string_new (NULL);
    for (guint i = 0; i < list->len; i++) {
        RspNotificationView *n = g_ptr_array_index (list, i);
        if (n->seq > from)
            g_string_append_printf (text, "%c%c%c ", kinds[n->event],
                                    n->iccid[strlen (n->iccid) - 2], n->address[0]);
    }
    g_assert_cmpstr (text->str, ==, expected);
}

static void
test_switch (void)
{
    g_autoptr (Host) h = host_new ();
    g_assert_cmpuint (ENABLE (h, one), ==, 1);
    g_assert_cmpuint (DISABLE (h, one), ==, 1);
    g_assert_cmpuint (DELETE (h, one), ==, 1);
    install (h, one, RSP_CLASS_OPERATIONAL);
    install (h, two, RSP_CLASS_OPERATIONAL);
    assert_states (h, "dd");
    g_assert_cmpuint (DISABLE (h, one), ==, 2);
    g_assert_cmpuint (ENABLE (h, one), ==, 0);
    g_assert_cmpuint (ENABLE (h, one), ==, 2);
    g_assert_cmpuint (DELETE (h, one), ==, 2);
    assert_notifications (h, 4, "e1d ");
    g_assert_cmpuint (ENABLE (h, two), ==, 0);
    assert_states (h, "dE");
    assert_notifications (h, 5, "d1d e2d ");
    g_assert_cmpuint (DELETE (h, one), ==, 0);
    assert_notifications (h, 7, "x1d x1o ");
    assert_states (h, "E");
    g_assert_cmpuint (DISABLE (h, two), ==, 0);
    assert_states (h, "d");
    /* The freed AID serves again; identifiers by AID work. */
    install (h, three, RSP_CLASS_OPERATIONAL);
    g_assert_cmpuint (
        one_result (h, T ("bf31", T ("a0", "4f10a0000005591010ffffffff8900001000"), "810100")), ==,
        0);
    assert_states (h, "dE");
    g_assert_cmpuint (one_result (h, T ("bf34", "82020780")), ==, 0);
    assert_states (h, "");
    g_assert_cmpuint (one_result (h, T ("bf34", "82020780")), ==, 1);
    g_assert_cmpuint (rsp_euicc_free_memory (h->card), ==, 512 * 1024);
}

static void
test_test_profiles (void)
{
    g_autoptr (Host) h = host_new ();
    install (h, one, RSP_CLASS_OPERATIONAL);
    install (h, two, RSP_CLASS_OPERATIONAL);
    install (h, three, RSP_CLASS_TEST);
    g_assert_cmpuint (ENABLE (h, one), ==, 0);
    g_assert_cmpuint (ENABLE (h, three), ==, 0);
    assert_states (h, "ddE");
    /* Only the one from before may be enabled over it; disabling brings it back. */
    g_assert_cmpuint (ENABLE (h, two), ==, 4);
    g_assert_cmpuint (DISABLE (h, three), ==, 0);
    assert_states (h, "Edd");
    g_assert_cmpuint (ENABLE (h, three), ==, 0);
    g_assert_cmpuint (ENABLE (h, one), ==, 0);
    assert_states (h, "Edd");
    g_assert_cmpuint (one_result (h, T ("bf34", "82020640")), ==, 0);
    assert_states (h, "Ed");
}

static void
test_refresh (void)
{
    g_autoptr (Host) h = host_new ();
    install (h, one, RSP_CLASS_OPERATIONAL);
    install (h, two, RSP_CLASS_OPERATIONAL);
    /* Without TERMINAL PROFILE the switch is at once. */
    g_assert_cmpuint (one_result (h, T ("bf31", T ("a0", id_of (one)), "8101ff")), ==, 0);
    assert_states (h, "Ed");
    assert_apdu (h, "801000000401020304", "9000");
    g_assert_cmpuint (DISABLE (h, one), ==, 0);
    assert_states (h, "Ed");
    assert_apdu (h, "80f2000c00", "910b");
    g_assert_cmpuint (ENABLE (h, two), ==, 5);
    assert_apdu (h, "8012000000", "6c0b");
    assert_apdu (h, "801200000b", "d0098103010104820281829000");
    assert_apdu (h, "801200000b",
                 "d0098103010104820281829000"); /* once more: it may have been lost */
    assert_apdu (h, "801400000c810301010482028281830120", "9000"); /* could not */
    assert_states (h, "Ed");
    g_assert_cmpuint (DISABLE (h, one), ==, 0);
    assert_apdu (h, "801200000b", "d0098103010104820281829000");
    assert_apdu (h, "801400000c810301010482028281830100", "9000");
    assert_states (h, "dd");
    /* A reset does as well. */
    g_assert_cmpuint (one_result (h, T ("bf31", T ("a0", id_of (two)), "8101ff")), ==, 0);
    assert_states (h, "dd");
    rsp_euicc_reset (h->card);
    assert_states (h, "dE");
}

static void
test_listing (void)
{
    g_autoptr (Host) h = host_new ();
    install (h, one, RSP_CLASS_OPERATIONAL);
    install (h, two, RSP_CLASS_TEST);
    const char *aid = "4f10a0000005591010ffffffff8900001000";
    const char *first = T ("e3", id_of (one), aid, "9f700100", "91084f70657261746f72",
                           "920750726f66696c65", "950102");
    assert_es10 (h, T ("bf2d", T ("a0", id_of (one))), T ("bf2d", T ("a0", first)));
    assert_es10 (h, T ("bf2d", T ("a0", aid)), T ("bf2d", T ("a0", first)));
    assert_es10 (h, T ("bf2d", T ("a0", "950102")), T ("bf2d", T ("a0", first)));
    assert_es10 (h, T ("bf2d", T ("a0", "950101")), "bf2d02a000");
    assert_es10 (h, T ("bf2d", T ("a0", "950102"), "5c0b955a9f70ff559f5599bf22"),
                 T ("bf2d", T ("a0", T ("e3", id_of (one), "9f700100", "950102"))));
    assert_es10 (
        h, T ("bf2d", T ("a0", id_of (two)), "5c0390b695"),
        T ("bf2d",
           T ("a0",
              T ("e3", "950100",
                 T ("b6", T ("30", "800204f0", T ("81", "64702e6578616d706c652e636f6d3a38343433")),
                    T ("30", "80020490", T ("81", "6f70732e6578616d706c652e636f6d")))))));
    assert_es10 (h, T ("bf2d", T ("a0", id_of (one), aid)), "bf2d03810101");
    g_assert_cmpuint (one_result (h, T ("bf29", id_of (three), "900141")), ==, 1);
    g_autofree char *longest = g_strnfill (128, '4'), *longer = g_strnfill (130, '4');
    g_assert_cmpuint (one_result (h, T ("bf29", id_of (one), T ("90", longest))), ==, 0);
    g_assert_cmpuint (one_result (h, T ("bf29", id_of (one), T ("90", longer))), ==, 127);
    g_assert_cmpuint (one_result (h, T ("bf29", id_of (one), "9002c3a9")), ==, 0);
    assert_es10 (h, T ("bf2d", T ("a0", id_of (one)), "5c0190"),
                 T ("bf2d", T ("a0", T ("e3", "9002c3a9"))));
    g_assert_cmpuint (one_result (h, T ("bf29", id_of (one), "9000")), ==, 0);
    assert_es10 (h, T ("bf2d", T ("a0", id_of (one)), "5c0190"), T ("bf2d", T ("a0", "e300")));
}

static void
test_notifications (void)
{
    g_autoptr (Host) h = host_new ();
    install (h, one, RSP_CLASS_OPERATIONAL);
    ENABLE (h, one);
    const char *address = "0c1364702e6578616d706c652e636f6d3a38343433";
    const char *enable = T ("bf2f", "800103", "81020640", address, id_of (one));
    assert_es10 (h,
                 "bf28048102"
                 "0640",
                 T ("bf28", T ("a0", enable)));
    g_autoptr (GBytes) list = host_es10 (h, "bf2b05a003800103");
    RspTlv outer, inner, signed_, meta, signature;
    g_assert_true (rsp_tlv_single (rsp_slice_of (list), 0xBF2B, &outer));
    g_assert_true (rsp_tlv_single (outer.value, 0xA0, &inner));
    g_assert_true (rsp_tlv_single (inner.value, 0x30, &signed_));
    g_assert_true (rsp_tlv_find (signed_.value, 0xBF2F, &meta));
    g_assert_true (rsp_tlv_find (signed_.value, 0x5F37, &signature));
    g_assert_true (rsp_public_verify (rsp_cert_public (h->euicc), &meta.whole, 1, signature.value));
    g_autofree char *hex = rsp_hex (meta.whole);
    g_assert_cmpstr (hex, ==, enable);
    assert_es10 (h, "bf2b05a003800109", "bf2b02a000");
    assert_es10 (h, "bf3003800102", "bf3003800100");
    assert_es10 (h, "bf3003800102", "bf3003800101");
    g_autoptr (GBytes) installs = host_es10 (h, "bf2b"
                                                "06a00481020780");
    g_assert_true (rsp_tlv_single (rsp_slice_of (installs), 0xBF2B, &outer));
    g_assert_true (rsp_tlv_single (outer.value, 0xA0, &inner));
    g_assert_true (rsp_tlv_single (inner.value, 0xBF37, &signed_));
    assert_es10 (h, "bf3003800101", "bf3003800100");
    assert_es10 (h,
                 "bf2b"
                 "06a00481020780",
                 "bf2b02a000");
    /* The counter goes on. */
    DISABLE (h, one);
    assert_notifications (h, 3, "d1d ");
}

static void
test_files (void)
{
    g_autoptr (Host) h = host_new ();
    install (h, one, RSP_CLASS_OPERATIONAL);
    assert_apdu (h, "00a40004022fe2", "6a82");
    g_assert_cmpuint (ENABLE (h, one), ==, 0);
    assert_apdu (h, "00a40004022fe2", "6119");
    assert_apdu (h, "00c0000019",
                 "621782024121830"
                 "22fe28a01058b032f060b8002000a8801109000");
    assert_apdu (h, "00b000000a", "988803030000000010f09000");
    assert_apdu (h, "00b0000000", "6c0a");
    assert_apdu (h, "00b0000800", "6c02");
    assert_apdu (h, "00b0000802", "10f09000");
    assert_apdu (h, "00b0000a01", "6b00");
    assert_apdu (h, "00b0820802", "10f09000");
    assert_apdu (h, "00b0950802", "6a82");
    assert_apdu (h, "00b2010400", "6981");
    /* EF.DIR by SFI, its records */
    assert_apdu (h, "00b201f400", "6c21");
    assert_apdu (h, "00b201f421",
                 "61144f0ca0000000871002ff49ff058950045553494dffffffffffffffffffffff9000");
    assert_apdu (h, "00b203f421", "6a83");
    assert_apdu (h, "00a4000c022f00", "9000");
    assert_apdu (h, "00b2000400", "6a83");
    assert_apdu (h, "00b2000221",
                 "61144f0ca0000000871002ff49ff058950045553494dffffffffffffffffffffff9000");
    assert_apdu (h, "00b2000221",
                 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                 "ffff9000");
    assert_apdu (h, "00b2000221", "6a83");
    assert_apdu (h, "00b000000a", "6981");
    /* The application: by a name cut short, by path, by 7FFF; its temporary FID is gone. */
    assert_apdu (h, "00a40004027fff", "6a82");
    assert_apdu (h, "00a4040c07a0000000871002", "9000");
    assert_apdu (h, "80f2000100", "6c0e");
    assert_apdu (h, "80f200010e", "840ca0000000871002ff49ff05899000");
    assert_apdu (h, "00a4000c026f07", "9000");
    assert_apdu (h, "00b0000009", "0809101010325476989000");
    assert_apdu (h, "00b0870009", "0809101010325476989000");
    assert_apdu (h, "00a4080c047fff6f07", "9000");
    assert_apdu (h, "00a4000c026fff", "6a82");
    assert_apdu (h, "00b0000009", "0809101010325476989000");
    assert_apdu (h, "00a4000c027fd0", "6a82");
    assert_apdu (h, "00a4080c047fd06f07", "6a82");
    assert_apdu (h, "00a4000c023f00", "9000");
    assert_apdu (h, "00a40000027fff", "612a");
    assert_apdu (h, "00c000002a",
                 "622882027821840ca0000000871002ff49ff05898a01058b032f0601c60c900100830181830101"
                 "83010a9000");
    assert_apdu (h, "00a4080c022fe2", "9000");
    assert_apdu (h, "00a4030c00", "6a82");
    assert_apdu (h, "00a4020c022fe2", "6a86");
    assert_apdu (h, "00a40008022fe2", "6a86");
    assert_apdu (h,
                 "00a40402"
                 "07a0000000871002",
                 "6a82");
    /* Another channel stands elsewhere. */
    assert_apdu (h, "01b0870009", "6a82");
    DISABLE (h, one);
    assert_apdu (h, "00b0000009", "6986");
    assert_apdu (h, "00a4040c07a0000000871002", "6a82");
}

/* The published generic test profiles: installed whole, their first files read back. */
static void
install_ts48 (const char *name, const char *imsi)
{
    g_autoptr (GBytes) upp = host_ts48 (name);
    if (!upp)
        return;
    g_autoptr (Host) h = host_new ();
    g_autoptr (GBytes) metadata = host_metadata ("89000123456789012341", RSP_CLASS_TEST);
    HostPackage p = {.upp = upp, .metadata = metadata};
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &p);
    g_autoptr (GBytes) bf37 = host_load (h, chains, NULL);
    g_autofree char *hex = rsp_hex (rsp_slice_of (bf37));
    if (host_result (h, bf37) != 0)
        g_error ("%s: %s", name, hex);
    g_assert_nonnull (strstr (hex, "3007a0053003800100"));
    g_assert_cmpuint (ENABLE (h, "89000123456789012341"), ==, 0);
    assert_apdu (h, "00a4000c022fe2", "9000");
    assert_apdu (h, "00b000000a", "980010325476981032149000");
    assert_apdu (h, "00b201f421",
                 "61144f0ca0000000871002ff49ff058950045553494dffffffffffffffffffffff9000");
    assert_apdu (h, "00a4040c07a0000000871002", "9000");
    assert_apdu (h, "00a4000c026f07", "9000");
    assert_apdu (h, "00b0000009", imsi);
}

static void
test_ts48_v1 (void)
{
    install_ts48 ("ts48-v1-a.der", "0809101010325406369000");
}

static void
test_ts48_v5 (void)
{
    install_ts48 ("ts48-v5-saip2.3-nobertlv.der", "0809101010325406369000");
}

static void
test_ts48_v7 (void)
{
    install_ts48 ("ts48-v7-saip2.3-nobertlv.der", "0809101010325476989000");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/euicc-profiles/switch", test_switch);
    g_test_add_func ("/euicc-profiles/test-profiles", test_test_profiles);
    g_test_add_func ("/euicc-profiles/refresh", test_refresh);
    g_test_add_func ("/euicc-profiles/listing", test_listing);
    g_test_add_func ("/euicc-profiles/notifications", test_notifications);
    g_test_add_func ("/euicc-profiles/files", test_files);
    g_test_add_func ("/euicc-profiles/ts48-v1", test_ts48_v1);
    g_test_add_func ("/euicc-profiles/ts48-v5", test_ts48_v5);
    g_test_add_func ("/euicc-profiles/ts48-v7", test_ts48_v7);
    return g_test_run ();
}
