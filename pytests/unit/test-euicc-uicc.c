/* The files and PINs of the enabled profile: what is durable, and what access rules mean. */
#include "test-euicc-host.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char one[] = "8988303000000000010";

/* PIN1 and the USIM's second PIN are 1111 and on, every rule is free. */
static void
install (Host *h)
{
    g_autofree char *hex = g_strconcat (host_pe_header (one, "8100"), host_pe_mf (one),
                                        host_pe_usim (), host_pe_end (), NULL);
    g_autoptr (GBytes) upp = host_hex (hex);
    g_autoptr (GBytes) metadata = host_metadata (one, RSP_CLASS_OPERATIONAL);
    const HostPackage p = {.upp = upp, .metadata = metadata};
    g_assert_cmpuint (host_download (h, &p), ==, 0);
    assert_es10 (h, T ("bf31", T ("a0", T ("5a", host_digits (one, TRUE))), "810100"),
                 "bf3103800100");
    assert_apdu (h, "00a4040c07a0000000871002", "9000");
    assert_apdu (h, "002800010831313131ffffffff", "9000");
    assert_apdu (h, "002800810831313131ffffffff", "9000");
    rsp_euicc_reset (h->card);
    assert_apdu (h, "00a4040c07a0000000871002", "9000");
}

static char *
state_file (void)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp ("rspsim-XXXXXX", &error);
    g_assert_no_error (error);
    return g_build_filename (dir, "card", NULL);
}

static void
remove_state (const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    g_autofree char *dir = g_path_get_dirname (path);
    for (guint i = 0; i < G_N_ELEMENTS (tails); i++) {
        g_autofree char *file = g_strconcat (path, tails[i], NULL);
        g_unlink (file);
    }
    g_rmdir (dir);
}

static void
test_restart (void)
{
    g_autoptr (Host) h = host_new ();
    g_autofree char *path = state_file ();
    host_restart (h, path);
    install (h);
    assert_apdu (h, "00d687000155", "9000");
    assert_apdu (h, "002000010830303030ffffffff", "63c2");
    assert_apdu (h, "002400011031313131ffffffff32323232ffffffff", "9000");
    assert_apdu (h, "002000810838383838ffffffff", "63c2");
    host_restart (h, path);
    assert_apdu (h, "00a4040c07a0000000871002", "9000");
    assert_apdu (h, "00b0870002", "55099000");
    assert_apdu (h, "0020008100", "63c2");
    assert_apdu (h, "002000010831313131ffffffff", "63c2");
    assert_apdu (h, "002000010832323232ffffffff", "9000");
    host_restart (h, NULL);
    remove_state (path);
}

/* The memory's file may not grow: as a write that fails, or power that goes before it is whole. */
static void
set_file_limit (const char *path, gboolean full)
{
    g_autofree char *wal = g_strconcat (path, "-wal", NULL);
    struct stat info = {0};
    struct rlimit limit;
    g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
    g_assert_cmpint (stat (wal, &info), ==, 0);
    limit.rlim_cur = full ? (rlim_t)info.st_size : limit.rlim_max;
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_write_fails (void)
{
    g_autoptr (Host) h = host_new ();
    g_autofree char *path = state_file ();
    signal (SIGXFSZ, SIG_IGN);
    host_restart (h, path);
    install (h);
    assert_apdu (h, "00b0870002", "08099000");
    set_file_limit (path, TRUE);
    assert_apdu (h, "00d687000155", "6581");
    assert_apdu (h, "00b0870002", "08099000"); /* the file, still selected */
    assert_apdu (h, "002000010830303030ffffffff", "6581");
    assert_apdu (h, "002400011031313131ffffffff32323232ffffffff", "6581");
    assert_apdu (h, "0020000100", "63c3");
    assert_apdu (h, "0004000000", "6982");
    set_file_limit (path, FALSE);
    assert_apdu (h, "002000010831313131ffffffff", "9000");
    assert_apdu (h, "00d687000155", "9000");
    host_restart (h, path);
    assert_apdu (h, "00a4040c07a0000000871002", "9000");
    assert_apdu (h, "00b0870002", "55099000");
    host_restart (h, NULL);
    remove_state (path);
}

/* Puts RULE, padded with FF, where EF.IMSI's rule is (record 2 of the USIM's EF.ARR, 16 octets). */
static void
set_rule (Host *h, const char *rule)
{
    g_autofree char *fill = g_strnfill (32 - strlen (rule), 'f');
    g_autofree char *command = g_strconcat ("00dc020410", rule, fill, NULL);
    assert_apdu (h, "00a4000c026f06", "9000");
    assert_apdu (h, command, "9000");
    assert_apdu (h, "00a4000c026f07", "9000");
}

static void
assert_rule (Host *h, const char *rule, const char *read, const char *update)
{
    set_rule (h, rule);
    g_autofree char *got = host_apdu_hex (h, "00b0000001");
    g_assert_cmpstr (got + strlen (got) - 4, ==, read);
    assert_apdu (h, "00d600000108", update);
}

#define YES "9000"
#define NO "6982"

static void
test_rules (void)
{
    g_autoptr (Host) h = host_new ();
    install (h);
    assert_rule (h, "8001039000", YES, YES);
    assert_rule (h, "8001019000", YES, NO);
    assert_rule (h, "80010197008001039000", NO, YES); /* the first that covers decides */
    assert_rule (h, "80010397009000", YES, YES);      /* several conditions: any */
    assert_rule (h, "", NO, NO);
    assert_rule (h, "8001", NO, NO);
    assert_rule (h, "8001839000", NO, NO); /* no access mode octet */
    assert_rule (h, "9000", NO, NO);
    assert_rule (h, "8401b090008401d69700", YES, NO);
    assert_rule (h, "8402d6b09000", YES, YES); /* a list of instructions */
    assert_rule (h, "8602b0009000", YES, NO);
    assert_rule (h, "8f0400b000009000", YES, NO);
    assert_rule (h, "9c01039000", NO, NO);
    assert_rule (h, "8001039e0100", YES, YES);
    assert_rule (h, "8001039e0110", NO, NO);
    assert_rule (h, "8001039f00", NO, NO);
    assert_rule (h, "800103a403830101", NO, NO);
    assert_rule (h, "800103a400", NO, NO);
    assert_rule (h, "800103a403830102", NO, NO); /* no such PIN */
    assert_rule (h, "800103af0490009700", NO, NO);
    assert_rule (h, "800103af0490009000", YES, YES);
    assert_rule (h, "800103af00", NO, NO);
    assert_rule (h, "800103a00497009000", YES, YES);
    assert_rule (h, "800103a000", NO, NO);
    assert_rule (h, "800103a7029700", YES, YES);
    assert_rule (h, "800103a7029000", NO, NO);
    assert_rule (h, "800103a008a006a004a0029000", YES, YES);
    assert_rule (h, "800103a00aa008a006a004a0029000", NO, NO); /* too deep */
    assert_apdu (h, "002000010831313131ffffffff", "9000");
    assert_rule (h, "800103a406830101950108", YES, YES);
    assert_rule (h, "800103a406830101830181", NO, NO); /* both keys of a template */
    assert_apdu (h, "002000810831313131ffffffff", "9000");
    assert_rule (h, "800103a406830101830181", YES, YES);
    assert_apdu (h, "00a4040c07a0000000871002", "9000"); /* the same application: nothing ends */
    assert_rule (h, "800103a403830181", YES, YES);
    rsp_euicc_reset (h->card);
    assert_apdu (h, "00a4040c07a0000000871002", "9000");
    assert_rule (h, "800103a403830181", NO, NO);
}

/* Any octets: an answer each time, and the card goes on. */
static void
test_any_octets (void)
{
    static const guint8 instructions[] = {0xA4, 0xB0, 0xB2, 0xD6, 0xDC, 0xA2, 0x32, 0x20,
                                          0x24, 0x26, 0x28, 0x2C, 0x04, 0x44, 0x70, 0xF2,
                                          0xCB, 0xDB, 0x10, 0x12, 0x14, 0xC0, 0xAA, 0xCA};
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (11, "test", "octets", 1);
    install (h);
    for (guint i = 0; i < 20000; i++) {
        guint8 command[5 + 255 + 1];
        rsp_rng_fill (rng, command, sizeof command);
        command[0] = (guint8)((command[0] & 0x80) | rsp_rng_below (rng, 3));
        command[1] = instructions[rsp_rng_below (rng, sizeof instructions)];
        guint size = rsp_rng_below (rng, 24);
        command[4] = (guint8)size;
        if (rsp_rng_below (rng, 2)) { /* near what has a meaning */
            command[2] = (guint8)rsp_rng_below (rng, 10);
            command[3] = (guint8)rsp_rng_below (rng, 16);
            command[5] = (guint8)(0x6F + rsp_rng_below (rng, 2) * 0x10);
            command[6] = (guint8)rsp_rng_below (rng, 10);
        }
        g_autoptr (GBytes) reply = host_apdu (h, RSP_SLICE (command, 5 + size));
    }
    rsp_euicc_reset (h->card);
    assert_apdu (h, "00a4000c023f00", "9000");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/euicc-uicc/restart", test_restart);
    g_test_add_func ("/euicc-uicc/write-fails", test_write_fails);
    g_test_add_func ("/euicc-uicc/rules", test_rules);
    g_test_add_func ("/euicc-uicc/any-octets", test_any_octets);
    return g_test_run ();
}
