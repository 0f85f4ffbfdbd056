/* Installation against damage and power cuts: a profile is there whole, or not at all. */
#include "test-euicc-host.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "asn1/saip.h"
#include "sim/core/rng.h"

static GBytes *
rich_package (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspYaml) doc = rsp_yaml_load (RSP_SOURCE "/scenarios/profiles/consumer-test.yaml",
                                             "consumer-test.yaml", &error);
    g_assert_no_error (error);
    g_autoptr (RspProfilePackage) p = rsp_saip_build (doc, HOST_ICCID, NULL, &error);
    g_assert_no_error (error);
    return g_bytes_ref (p->upp);
}

static GArray *
elements_of (GBytes *package)
{
    GArray *list = g_array_new (FALSE, FALSE, sizeof (RspSlice));
    RspSlice rest = rsp_slice_of (package);
    RspTlv tlv;
    while (rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK)
        g_array_append_val (list, tlv.whole);
    return list;
}

/* --- Damage --- */

/* The status that the EUICCResponse of a failed installation ends with; 0: there is none. */
static guint
last_status (GBytes *bf37)
{
    static const guint32 path[] = {0xBF37, 0xBF27, 0xA2, 0xA1, 0x82, 0x30, 0xA0};
    RspTlv tlv = {.value = rsp_slice_of (bf37)}, status;
    for (guint i = 0; i < G_N_ELEMENTS (path); i++) {
        RspSlice inside = tlv.value;
        if (!rsp_tlv_find (inside, path[i], &tlv))
            return 0;
    }
    RspSlice list = tlv.value;
    guint last = 0;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK)
        if (rsp_tlv_find (tlv.value, 0x80, &status))
            last = status.value.data[0];
    return last;
}

static void
assert_installed (Host *h, GBytes *upp)
{
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    RspSlice octets = rsp_slice_of (upp);
    guint8 digest[32];
    rsp_sha256 (&octets, 1, digest);
    g_assert_cmpuint (profiles->len, ==, 1);
    const RspProfileView *view = g_ptr_array_index (profiles, 0);
    g_assert_cmpmem (view->package_sha256, 32, digest, 32);
    /* It can be used: enabled, its MF is the profile's, and it goes again. */
    const char *id = T ("5a", host_digits (HOST_ICCID, TRUE));
    assert_es10 (h, T ("bf31", T ("a0", id), "810100"), "bf3103800100");
    g_autofree char *fcp = host_apdu_hex (h, "00a40004023f00");
    g_assert_cmpstr (fcp + strlen (fcp) - 4, !=, "6a82");
    assert_apdu (h, "00a4000c023f00", "9000");
    assert_es10 (h, T ("bf32", T ("a0", id), "810100"), "bf3203800100");
    assert_es10 (h, T ("bf33", id), "bf3303800100");
}

/* Loads UPP: installed as it is, or refused by a name with nothing left. TRUE if installed. */
static gboolean
try_package (Host *h, GBytes *upp, guint32 memory)
{
    HostPackage p = {.upp = upp};
    host_session (h);
    g_autoptr (GPtrArray) chains = host_package (h, &p);
    g_autoptr (GBytes) bf37 = host_load (h, chains, NULL);
    guint result = host_result (h, bf37);
    if (result == 0) {
        assert_installed (h, upp);
    } else {
        guint reason = result & 0xFF;
        g_assert_cmphex (result >> 8, ==, 5);
        g_assert_true (reason == 10 || reason == 12 || reason == 13 || reason == 14);
        if (reason == 12)
            g_assert_nonnull (rsp_saip_status_name (last_status (bf37)));
        g_assert_cmpuint (last_status (bf37) != 0, ==, reason == 10 || reason == 12);
    }
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    g_assert_cmpuint (profiles->len, ==, 0);
    g_assert_cmpuint (rsp_euicc_free_memory (h->card), ==, memory);
    return result == 0;
}

static void
put (GByteArray *out, RspSlice s)
{
    g_byte_array_append (out, s.data, (guint)s.len);
}

static GBytes *
reordered (const GArray *elements, guint left_out, guint twice, guint swapped, guint cut)
{
    GByteArray *out = g_byte_array_new ();
    for (guint i = 0; i < elements->len && i < cut; i++) {
        guint at = i == swapped ? i + 1 : i == swapped + 1 ? i - 1 : i;
        if (i != left_out)
            put (out, g_array_index (elements, RspSlice, MIN (at, elements->len - 1)));
        if (i == twice)
            put (out, g_array_index (elements, RspSlice, i));
    }
    return g_byte_array_free_to_bytes (out);
}

/* Each element left out, twice, behind its neighbour, and the last one. */
static void
test_element_boundaries (void)
{
    g_autoptr (Host) h = host_new ();
    guint32 memory = rsp_euicc_free_memory (h->card);
    g_autoptr (GBytes) good = rich_package ();
    g_autoptr (GArray) elements = elements_of (good);
    const guint none = elements->len + 1;
    guint installed = 0;
    g_assert_true (try_package (h, good, memory));
    for (guint i = 0; i < elements->len; i++) {
        g_autoptr (GBytes) without = reordered (elements, i, none, none, none);
        g_autoptr (GBytes) twice = reordered (elements, none, i, none, none);
        g_autoptr (GBytes) swapped = reordered (elements, none, none, i, none);
        g_autoptr (GBytes) cut = reordered (elements, none, none, none, i);
        installed += try_package (h, without, memory);
        g_assert_false (try_package (h, twice, memory));
        try_package (h, swapped, memory);
        if (i > 0)
            g_assert_false (try_package (h, cut, memory));
    }
    g_assert_cmpuint (installed, >, 0);
    g_assert_cmpuint (installed, <, elements->len);
}

/* Every octet of the head of each element, and its last one. */
static void
test_element_heads (void)
{
    g_autoptr (Host) h = host_new ();
    guint32 memory = rsp_euicc_free_memory (h->card);
    g_autoptr (GBytes) good = rich_package ();
    g_autoptr (GArray) elements = elements_of (good);
    RspSlice whole = rsp_slice_of (good);
    for (guint i = 0; i < elements->len; i++) {
        RspSlice e = g_array_index (elements, RspSlice, i);
        gsize start = (gsize)(e.data - whole.data);
        for (gsize k = 0; k < 9; k++) {
            gsize at = k < 8 ? k : e.len - 1;
            guint8 *copy = g_memdup2 (whole.data, whole.len);
            copy[start + MIN (at, e.len - 1)] ^= (guint8)(k % 2 ? 0x01 : 0x21);
            g_autoptr (GBytes) bad = g_bytes_new_take (copy, whole.len);
            try_package (h, bad, memory);
        }
    }
}

/* Octets turned, taken out, put in; half of it within one element whose lengths are kept. */
static void
test_random_places (void)
{
    const char *count = g_getenv ("RSPSIM_MUTATIONS");
    guint runs = count ? (guint)g_ascii_strtoull (count, NULL, 10) : 300, installed = 0;
    g_autoptr (Host) h = host_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (7, "test", "profiles", 1);
    guint32 memory = rsp_euicc_free_memory (h->card);
    g_autoptr (GBytes) good = rich_package ();
    RspSlice whole = rsp_slice_of (good);
    for (guint n = 0; n < runs; n++) {
        GByteArray *copy = g_byte_array_new ();
        put (copy, whole);
        guint at = rsp_rng_below (rng, (guint32)whole.len - 4);
        guint8 octets[3] = {(guint8)rsp_rng_below (rng, 256), 0x80, 0};
        switch (rsp_rng_below (rng, 6)) {
        case 0:
            g_byte_array_remove_range (copy, at, 1 + rsp_rng_below (rng, 3));
            break;
        case 1: {
            g_autoptr (GByteArray) tail = g_byte_array_new ();
            g_byte_array_append (tail, copy->data + at, copy->len - at);
            g_byte_array_set_size (copy, at);
            g_byte_array_append (copy, octets, 1 + rsp_rng_below (rng, 3));
            g_byte_array_append (copy, tail->data, tail->len);
            break;
        }
        case 2:
            copy->data[at] = octets[rsp_rng_below (rng, 3)];
            break;
        default:
            copy->data[at] ^= (guint8)(1u << rsp_rng_below (rng, 8));
        }
        g_autoptr (GBytes) bad = g_byte_array_free_to_bytes (copy);
        installed += try_package (h, bad, memory);
    }
    g_assert_cmpuint (installed, >, runs / 50);
    g_assert_cmpuint (installed, <, runs);
}

/* --- Power cuts --- */

/* Every file that SQLite opens writes through here; the process ends at write WRITES_LEFT, when
 * half of the octets have gone out. */
static sqlite3_vfs *below;
static sqlite3_io_methods counted;
static int (*write_below) (sqlite3_file *file, const void *data, int size, sqlite3_int64 offset);
static int writes_left = -1;

static int
cut_write (sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    if (writes_left == 0) {
        write_below (file, data, size / 2, offset);
        _exit (0);
    }
    if (writes_left > 0)
        writes_left--;
    return write_below (file, data, size, offset);
}

static int
cut_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    int code = below->xOpen (below, name, file, flags, out_flags);
    if (code == SQLITE_OK && file->pMethods) {
        write_below = file->pMethods->xWrite;
        counted = *file->pMethods;
        counted.xWrite = cut_write;
        file->pMethods = &counted;
    }
    return code;
}

/* The child: power goes at write CUT. It ends with 1 if there were not so many. */
static void
install_and_cut (const char *path, int cut)
{
    static sqlite3_vfs vfs;
    below = sqlite3_vfs_find (NULL);
    vfs = *below;
    vfs.zName = "cut";
    vfs.xOpen = cut_open;
    sqlite3_vfs_register (&vfs, TRUE);
    Host *h = host_new ();
    HostPackage fine = {0};
    host_restart (h, path);
    writes_left = cut;
    guint result = host_download (h, &fine);
    _exit (result == 0 ? 1 : 2);
}

static void
assert_before_or_after (const char *path, guint32 memory, gboolean *ret_after)
{
    g_autoptr (Host) h = host_new ();
    HostPackage fine = {0};
    host_restart (h, path);
    g_autoptr (GPtrArray) profiles = rsp_euicc_profiles (h->card);
    g_autoptr (GPtrArray) pending = rsp_euicc_notifications (h->card);
    g_assert_cmpuint (profiles->len, <=, 1);
    *ret_after = profiles->len == 1;
    /* The result and the install notification come with the profile; a load that was interrupted
     * leaves a result at most. */
    if (*ret_after)
        g_assert_cmpuint (pending->len, ==, 2);
    else
        g_assert_cmpuint (pending->len, <=, 1);
    if (*ret_after) {
        g_assert_cmpuint (rsp_euicc_free_memory (h->card), <, memory);
        g_assert_cmphex (host_download (h, &fine), ==, 0x0209);
    } else {
        g_assert_cmpuint (rsp_euicc_free_memory (h->card), ==, memory);
        g_assert_cmpuint (host_download (h, &fine), ==, 0);
    }
}

static void
test_power_cuts (void)
{
    g_autofree char *dir = g_dir_make_tmp ("euicc-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (dir, "card.nvm", NULL);
    g_autofree char *wipe = g_strdup_printf ("rm -rf %s/*", dir);
    guint32 memory = 512 * 1024;
    guint before = 0, after = 0;
    gboolean finished = FALSE;
    for (int cut = 0; !finished; cut++) {
        int status = 0;
        pid_t child = fork ();
        if (child == 0)
            install_and_cut (path, cut);
        g_assert_cmpint (waitpid (child, &status, 0), ==, child);
        g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) < 2);
        finished = WEXITSTATUS (status) == 1;
        gboolean there;
        assert_before_or_after (path, memory, &there);
        g_assert_true (!finished || there);
        g_assert_true (there || after == 0);
        before += !there;
        after += there;
        g_assert_cmpint (system (wipe), ==, 0);
    }
    g_assert_cmpuint (before, >, 5);
    g_assert_cmpint (rmdir (dir), ==, 0);
}

int
main (int argc, char *argv[])
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/euicc-install/power-cuts", test_power_cuts);
    g_test_add_func ("/euicc-install/element-boundaries", test_element_boundaries);
    g_test_add_func ("/euicc-install/element-heads", test_element_heads);
    g_test_add_func ("/euicc-install/random-places", test_random_places);
    return g_test_run ();
}
