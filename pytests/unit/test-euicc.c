/* The card behind its APDUs: classes, channels, chains, and the commands that need no server. */
#include "test-euicc-host.h"

#include <string.h>

static void
test_classes (void)
{
    g_autoptr (Host) h = host_new ();
    assert_apdu (h, "00a400", "6700");
    assert_apdu (h, "00a40004ff3f00", "6700");
    assert_apdu (h, "10a40004023f00", "6e00");
    assert_apdu (h, "04a40004023f00", "6882");
    assert_apdu (h, "00ff0000", "6d00");
    assert_apdu (h, "80a40004023f00", "6e00");
    assert_apdu (h, "02a40004023f00", "6881");
    assert_apdu (h, "4fa40004023f00", "6881");
    assert_apdu (h, "008a008100", "6d00");
    assert_apdu (h, "0020000008ffffffffffffffff", "6a88");
}

static void
test_channels (void)
{
    g_autoptr (Host) h = host_new (); /* opens channel 1 */
    assert_apdu (h, "0070000001", "029000");
    assert_apdu (h, "0070000000", "039000");
    assert_apdu (h, "0070000a00", "9000");
    assert_apdu (h, "0070000a00", "6a81");
    assert_apdu (h, "0070001400", "6a81");
    assert_apdu (h, "46a40004023f00", "6125");
    assert_apdu (h, "0070800a00", "9000");
    assert_apdu (h, "46a40004023f00", "6881");
    assert_apdu (h, "0070800a00", "6881");
    assert_apdu (h, "0070800000", "6a86");
    for (guint i = 4; i < 20; i++) {
        g_autofree char *expected = g_strdup_printf ("%02x9000", i);
        assert_apdu (h, "0070000001", expected);
    }
    assert_apdu (h, "0070000001", "6a81");
    rsp_euicc_reset (h->card);
    assert_apdu (h, "0070000001", "019000");
}

static void
test_isdr (void)
{
    g_autoptr (Host) h = host_new ();
    const char *fci = "6f1f8410a0000005591010ffffffff8900000100a5049f6501ffe0058203020600";
    g_autofree char *whole = g_strconcat (fci, "9000", NULL);
    assert_apdu (h, "01c0000021", whole);
    assert_apdu (h, "01c0000021", "6f00");
    /* Le is no matter to a case-4 command; a name may be cut. */
    assert_apdu (h, "00a4040010a0000005591010ffffffff890000010000", "6121");
    assert_apdu (h, "00c0000030", "6c21");
    assert_apdu (h, "00c0000002", "6f1f611f");
    assert_apdu (h, "00a404000fa0000005591010ffffffff89000001", "6121");
    assert_apdu (h, "00a404000ca0000005591010ffffffff9900", "6a82");
    assert_apdu (h, "00a4040004a0000005", "6a80");
    assert_apdu (h, "00a4040c10a0000005591010ffffffff8900000100", "9000");
    /* ECASD knows the EID. */
    assert_apdu (h, "00a4040010a0000005591010ffffffff8900000200", "611a");
    assert_apdu (h, "00ca005a00", "6c12");
    assert_apdu (h, "00ca005a12", "5a10" HOST_EID "9000");
    assert_apdu (h, "00ca006600", "6a88");
    assert_apdu (h, "80e2910003bf2e00", "6982");
}

static void
test_chains (void)
{
    g_autoptr (Host) h = host_new ();
    /* In one block, and on the basic channel with Le. */
    assert_apdu (h, "00a4040010a0000005591010ffffffff8900000100", "6121");
    assert_apdu (h, "80e2910006bf3e035c015a00", "6115");
    assert_apdu (h, "80c0000015", "bf3e125a10" HOST_EID "9000");
    /* In three. */
    assert_apdu (h, "80e2110002bf3e", "9000");
    assert_apdu (h, "80e2110102035c", "9000");
    assert_apdu (h, "80e2910202015a", "6115");
    /* Out of order: the chain is gone, the next one works. */
    assert_apdu (h, "80e2110002bf3e", "9000");
    assert_apdu (h, "80e2910203035c01", "6a86");
    assert_apdu (h, "80e29101045c015a00", "6a86");
    assert_apdu (h, "80e2510003bf2e00", "6a86");
    assert_apdu (h, "80e2910006bf3e035c015a", "6115");
    /* Another command in between drops the chain. */
    assert_apdu (h, "80e2110002bf3e", "9000");
    assert_apdu (h, "80aa000005a903830107", "9000");
    assert_apdu (h, "80e2910104035c015a", "6a86");
    /* What is no command. */
    assert_apdu (h, "80e2910003bf7f00", "6a88");
    assert_apdu (h, "80e2910003bf5600", "6a88");
    assert_apdu (h, "80e2910003bf3500", "6a88");
    assert_apdu (h, "80e2910004bf2e0100", "6a80");
    assert_apdu (h, "80e2910003bf2e05", "6a80");
    assert_apdu (h, "80e29100", "6a80");
    assert_apdu (h, "80e2910003bf3e00", "6a80");
    assert_apdu (h, "80e2910003bf3600", "6985");
    assert_apdu (h, "80e29100028600", "6985");
}

static void
test_long_chain (void)
{
    g_autoptr (Host) h = host_new ();
    guint8 block[5 + 255] = {0x81, 0xE2, 0x11, 0, 255};
    guint sw = 0x9000, n = 0;
    for (; sw == 0x9000 && n < 300; n++) {
        block[3] = (guint8)n;
        g_autoptr (GBytes) reply = host_apdu (h, RSP_SLICE_ARRAY (block));
        sw = (guint)(((const guint8 *)g_bytes_get_data (reply, NULL))[0] << 8);
        sw |= ((const guint8 *)g_bytes_get_data (reply, NULL))[1];
    }
    g_assert_cmphex (sw, ==, 0x6a84);
    g_assert_cmpuint (n, <, 140);
    assert_es10 (h, "bf2d00", "bf2d02a000");
}

static void
test_info (void)
{
    g_autoptr (Host) h = host_new ();
    g_autofree char *ci = rsp_hex (rsp_cert_ski (h->ci));
    g_autofree char *info1 = g_strdup_printf ("bf20358203020600a9160414%saa160414%s", ci, ci);
    assert_es10 (h, "bf2000", info1);
    g_autoptr (GBytes) info2 = host_es10 (h, "bf2200");
    g_autofree char *hex = rsp_hex (rsp_slice_of (info2));
    g_assert_nonnull (strstr (hex, "8103020301"
                                   "8203020600"));
    g_assert_nonnull (strstr (hex, "840f"
                                   "810100"
                                   "820400080000"));
    g_assert_nonnull (strstr (hex, "8505077b82f380"));
    g_assert_nonnull (strstr (hex, "88020490"));
    g_assert_nonnull (strstr (hex, "99020560")); /* no rule: both PPRs are forbidden */
    assert_es10 (h, "bf4300", "bf4302a000");
    assert_es10 (h, "bf2800", "bf2802a000");
    assert_es10 (h, "bf2b00", "bf2b02a000");
    assert_es10 (h, "bf3003800101", "bf3003800101");
    assert_es10 (h,
                 "bf34048202"
                 "05e0",
                 "bf3403800100");
    assert_es10 (h,
                 "bf34038201"
                 "80",
                 "bf3403800101");
    assert_es10 (h, "bf2d04a0029500", "bf2d03810101");
}

static void
test_addresses (void)
{
    g_autoptr (Host) h = host_new ();
    const char *ds = "8112726f6f7464732e6578616d706c652e636f6d";
    g_autofree char *initial = g_strdup_printf ("bf3c24"
                                                "800e64702e6578616d706c652e636f6d"
                                                "%s",
                                                ds);
    g_autofree char *none = g_strdup_printf ("bf3c14%s", ds);
    assert_es10 (h, "bf3c00", initial);
    assert_es10 (h, "bf3f028000", "bf3f03800100");
    assert_es10 (h, "bf3c00", none);
    assert_es10 (h,
                 "bf34048202"
                 "0520",
                 "bf3403800100");
    assert_es10 (h, "bf3c00", initial);
}

static void
test_bare_files (void)
{
    g_autoptr (Host) h = host_new ();
    assert_apdu (h, "00a40004023f00", "6125");
    assert_apdu (h, "00a40004022f00", "611c");
    assert_apdu (h, "00b2010422",
                 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                 "ffff9000");
    assert_apdu (h, "00a40004022fe2", "6a82");
    assert_apdu (h, "00a4040407a0000000871002", "6a82");
    assert_apdu (h, "00b000000a", "6981");
}

/* Commands cut and turned: any answer, no harm. */
static void
test_mutations (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (1, "test", "mutations", 1);
    static const char *const commands[] = {
        "bf2e00",
        "bf2000",
        "bf2200",
        "bf2d0ea0085a0698880300000000105c025a4f",
        "bf31"
        "12a00d4f0ba0000005591010ffffffff8101ff",
        "bf32"
        "11a00c5a0a989803000000000010f08101ff",
        "bf33"
        "0c5a0a98980300000000001001",
        "bf340482020"
        "5e0",
        "bf3e035c015a",
        "bf290f5a0a98980300000000001001900141",
        "bf3c00",
        "bf3f04800261"
        "62",
        "bf28048102"
        "0780",
        "bf2b05a003800101",
        "bf3003800101",
        "bf4300",
        "bf41"
        "06800111810105",
    };
    for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
        g_autoptr (GBytes) good = host_hex (commands[i]);
        for (guint n = 0; n < 300; n++) {
            gsize size = 0;
            const guint8 *data = g_bytes_get_data (good, &size);
            guint8 copy[64];
            memcpy (copy, data, size);
            copy[rsp_rng_below (rng, (guint32)size)] ^= (guint8)(1 + rsp_rng_below (rng, 255));
            host_store (h, RSP_SLICE (copy, 1 + rsp_rng_below (rng, (guint32)size)), NULL);
        }
    }
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    g_assert_cmpuint (profiles->len, ==, 0);
}

static void
test_random_apdus (void)
{
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (2, "test", "apdus", 1);
    static const guint8 instructions[] = {0xA4, 0x70, 0xC0, 0xE2, 0xCA, 0xB0,
                                          0xB2, 0xF2, 0xAA, 0x10, 0x12, 0x14};
    for (guint n = 0; n < 20000; n++) {
        guint8 apdu[300];
        gsize size = rsp_rng_below (rng, 24);
        rsp_rng_fill (rng, apdu, sizeof apdu);
        apdu[0] &= 0x83;
        apdu[1] = instructions[rsp_rng_below (rng, sizeof instructions)];
        apdu[2] &= n % 2 ? 0x9F : 0x11;
        if (size > 5)
            apdu[4] = (guint8)(size - 5);
        g_autoptr (GBytes) reply = host_apdu (h, RSP_SLICE (apdu, size));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/euicc/classes", test_classes);
    g_test_add_func ("/euicc/channels", test_channels);
    g_test_add_func ("/euicc/isd-r", test_isdr);
    g_test_add_func ("/euicc/chains", test_chains);
    g_test_add_func ("/euicc/long-chain", test_long_chain);
    g_test_add_func ("/euicc/info", test_info);
    g_test_add_func ("/euicc/addresses", test_addresses);
    g_test_add_func ("/euicc/bare-files", test_bare_files);
    g_test_add_func ("/euicc/mutations", test_mutations);
    g_test_add_func ("/euicc/random-apdus", test_random_apdus);
    return g_test_run ();
}
