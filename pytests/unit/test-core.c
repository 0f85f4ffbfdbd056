#include <glib/gstdio.h>
#include <string.h>

#include "sim/core/bytes.h"
#include "sim/core/loop.h"
#include "sim/core/nvm.h"
#include "sim/core/rng.h"
#include "sim/core/store.h"

/* bytes */

static void
test_hex (void)
{
    static const guint8 octets[] = {0x00, 0x7f, 0xa5, 0xff};
    g_autofree char *hex = rsp_hex (RSP_SLICE_ARRAY (octets));
    g_autoptr (GBytes) back = rsp_unhex ("007FA5fF");
    g_autoptr (GBytes) empty = rsp_unhex ("");
    g_autoptr (GString) text = g_string_new ("x");

    g_assert_cmpstr (hex, ==, "007fa5ff");
    g_assert_true (rsp_slice_equal (rsp_slice_of (back), RSP_SLICE_ARRAY (octets)));
    g_assert_cmpuint (g_bytes_get_size (empty), ==, 0);
    g_assert_null (rsp_unhex ("0"));
    g_assert_null (rsp_unhex ("0g"));
    g_assert_null (rsp_unhex ("0 "));
    g_assert_null (rsp_unhex ("\xc3\xa9"));
    rsp_hex_append (text, RSP_SLICE_ARRAY (octets));
    g_assert_cmpstr (text->str, ==, "x007fa5ff");
}

static void
test_slices (void)
{
    g_autoptr (GBytes) owner = g_bytes_new ("abcdef", 6);
    RspSlice whole = rsp_slice_of (owner), part = {whole.data + 2, 3};
    g_autoptr (GBytes) shared = rsp_slice_share (owner, part);
    g_autoptr (GBytes) none = rsp_slice_share (owner, RSP_SLICE (NULL, 0));

    g_assert_true (g_bytes_get_data (shared, NULL) == part.data);
    g_assert_cmpuint (g_bytes_get_size (none), ==, 0);
    g_assert_cmpuint (rsp_slice_of (NULL).len, ==, 0);
    g_assert_true (rsp_slice_equal_ct (part, RSP_SLICE ("cde", 3)));
    g_assert_false (rsp_slice_equal_ct (part, RSP_SLICE ("cdf", 3)));
    g_assert_false (rsp_slice_equal_ct (part, RSP_SLICE ("cd", 2)));
    g_assert_true (rsp_slice_equal (RSP_SLICE (NULL, 0), RSP_SLICE ("", 0)));
}

static void
assert_escaped (const char *text, gssize len, gsize max, const char *expected)
{
    g_autofree char *got = rsp_escape_text (text, len, max);
    g_assert_cmpstr (got, ==, expected);
}

static void
test_escape (void)
{
    assert_escaped ("plain é", -1, 100, "plain é");
    assert_escaped ("a\033[31m\n", -1, 100, "a\\x1b[31m\\x0a");
    assert_escaped ("\xff\xc3", -1, 100, "\\xff\\xc3");
    assert_escaped ("\xc2\x9b", -1, 100, "\\xc2\\x9b");          /* C1 CSI */
    assert_escaped ("\xe2\x80\xae", -1, 100, "\\xe2\\x80\\xae"); /* right-to-left override */
    assert_escaped ("a\0b", 3, 100, "a\\x00b");
    assert_escaped ("abcdef", -1, 3, "abc…");
    assert_escaped ("abc", -1, 3, "abc");
    assert_escaped ("abc\n", -1, 4, "abc…");
}

static void
test_suggest (void)
{
    static const char *const names[] = {"scenario", "matchingId", "releaseFlag", "iccid", NULL};
    g_autofree char *longest = g_strnfill (100000, 'a');

    g_assert_cmpstr (rsp_suggest ("matchingID", names), ==, "matchingId");
    g_assert_cmpstr (rsp_suggest ("sceanrio", names), ==, "scenario");
    g_assert_cmpstr (rsp_suggest ("icid", names), ==, "iccid");
    g_assert_null (rsp_suggest ("world", names));
    g_assert_null (rsp_suggest ("", names));
    g_assert_null (rsp_suggest (longest, names));
}

/* rng */

static void
test_rng_known (void)
{
    /* SHA-256 (key ‖ counter), key = SHA-256 over the labelled parts: made with Python's hashlib.
     */
    static const char expected[] =
        "054da33e7e6ea7868cf41b0d5af5dacab7723eef7f1753bcf8bce210162330fdeb050cdf03ce767e";
    g_autoptr (RspRng) rng = rsp_rng_new (42, "dp1", "challenge", 3);
    guint8 out[40];
    g_autofree char *hex = NULL;

    rsp_rng_fill (rng, out, 7);
    rsp_rng_fill (rng, out + 7, 33);
    hex = rsp_hex (RSP_SLICE_ARRAY (out));
    g_assert_cmpstr (hex, ==, expected);
}

static void
test_rng_streams (void)
{
    static const struct {
        guint64 seed;
        const char *actor, *purpose;
        guint64 incarnation;
    } others[] = {{2, "a", "bc", 0}, {1, "ab", "c", 0}, {1, "a", "bd", 0}, {1, "a", "bc", 1}};
    g_autoptr (RspRng) rng = rsp_rng_new (1, "a", "bc", 0);
    guint8 first[16], other[16];

    rsp_rng_fill (rng, first, sizeof first);
    for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
        g_autoptr (RspRng) r =
            rsp_rng_new (others[i].seed, others[i].actor, others[i].purpose, others[i].incarnation);
        rsp_rng_fill (r, other, sizeof other);
        g_assert_true (memcmp (first, other, sizeof first) != 0);
    }
}

static void
test_rng_below (void)
{
    g_autoptr (RspRng) rng = rsp_rng_new (1, "a", "b", 0);
    g_autoptr (RspRng) real = rsp_rng_new_system ();
    guint seen[5] = {0};

    for (guint i = 0; i < 5000; i++)
        seen[rsp_rng_below (rng, 5)]++;
    for (guint i = 0; i < 5; i++)
        g_assert_cmpuint (seen[i], >, 850);
    g_assert_cmpuint (rsp_rng_below (real, 1), ==, 0);
    for (guint i = 0; i < 100; i++)
        g_assert_cmpuint (rsp_rng_below (real, 0x80000001u), <=, 0x80000000u);
}

/* loop */

typedef struct {
    RspLoop *loop;
    GString *log;
    guint64 cancel;
} LoopTest;

typedef struct {
    LoopTest *test;
    char letter;
} Mark;

static void
run_mark (gpointer data)
{
    Mark *mark = data;
    g_string_append_printf (mark->test->log, "%c%d ", mark->letter,
                            (int)rsp_loop_now (mark->test->loop));
}

static void
free_mark (gpointer data)
{
    Mark *mark = data;
    g_string_append_c (mark->test->log, '.');
    g_free (mark);
}

static guint64
later (LoopTest *test, gint64 delay, char letter)
{
    Mark *mark = g_new (Mark, 1);
    *mark = (Mark){test, letter};
    return rsp_loop_after (test->loop, delay, run_mark, mark, free_mark);
}

static void
cancel_other (gpointer data)
{
    LoopTest *test = data;
    g_assert_true (rsp_loop_cancel (test->loop, test->cancel));
}

static void
test_loop_order (void)
{
    LoopTest test = {.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 1000), .log = g_string_new (NULL)};
    guint64 id;

    later (&test, 5, 'b');
    later (&test, 5, 'c');
    later (&test, 0, 'a');
    id = later (&test, 7, 'x');
    test.cancel = later (&test, 6, 'y');
    rsp_loop_after (test.loop, 5, cancel_other, &test, NULL);
    g_assert_cmpuint (rsp_loop_in_flight (test.loop), ==, 6);
    g_assert_true (rsp_loop_cancel (test.loop, id));
    g_assert_false (rsp_loop_cancel (test.loop, id));
    g_assert_false (rsp_loop_cancel (test.loop, 0));
    g_assert_false (rsp_loop_cancel (test.loop, 0xffffffffu));
    g_assert_true (rsp_loop_run (test.loop, NULL, NULL, -1));
    g_assert_cmpstr (test.log->str, ==, ".a0 .b5 .c5 ..");
    g_assert_cmpint (rsp_loop_wall (test.loop), ==, 1005);
    rsp_loop_step_wall (test.loop, 50);
    g_assert_cmpint (rsp_loop_wall (test.loop), ==, 1055);
    g_assert_cmpint (rsp_loop_now (test.loop), ==, 5);
    g_string_truncate (test.log, 0);
    later (&test, 1, 'z');
    rsp_loop_free (test.loop);
    g_assert_cmpstr (test.log->str, ==, ".");
    g_string_free (test.log, TRUE);
}

static void
test_loop_limit (void)
{
    LoopTest test = {.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0), .log = g_string_new (NULL)};

    later (&test, 10, 'a');
    later (&test, 20, 'b');
    g_assert_false (rsp_loop_run (test.loop, NULL, NULL, 15));
    g_assert_cmpint (rsp_loop_now (test.loop), ==, 15);
    g_assert_cmpstr (test.log->str, ==, "a10 .");
    g_assert_true (rsp_loop_run (test.loop, NULL, NULL, 20));
    g_assert_cmpint (rsp_loop_now (test.loop), ==, 20);
    rsp_loop_free (test.loop);
    g_string_free (test.log, TRUE);
}

static void
tick (gpointer data)
{
    LoopTest *test = data;
    g_string_append_c (test->log, 't');
    rsp_loop_after_background (test->loop, 10, tick, test, NULL);
}

static gboolean
five_ticks (gpointer data)
{
    return ((LoopTest *)data)->log->len >= 5;
}

static void
test_loop_background (void)
{
    LoopTest test = {.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0), .log = g_string_new (NULL)};

    rsp_loop_after_background (test.loop, 10, tick, &test, NULL);
    g_assert_true (rsp_loop_run (test.loop, NULL, NULL, -1));
    g_assert_cmpint (rsp_loop_now (test.loop), ==, 0);
    rsp_loop_after (test.loop, 1000, tick, &test, NULL);
    g_assert_true (rsp_loop_run (test.loop, five_ticks, &test, -1));
    g_assert_cmpint (rsp_loop_now (test.loop), ==, 50);
    rsp_loop_free (test.loop);
    g_string_free (test.log, TRUE);
}

static gboolean
end_io (gpointer data)
{
    LoopTest *test = data;
    g_string_append (test->log, "io ");
    rsp_loop_io_end (test->loop);
    return G_SOURCE_REMOVE;
}

/* Real I/O holds the virtual clock, whatever is due. */
static void
test_loop_io (void)
{
    LoopTest test = {.loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0), .log = g_string_new (NULL)};
    GSource *source = g_timeout_source_new (5);

    g_source_set_callback (source, end_io, &test, NULL);
    g_source_attach (source, rsp_loop_context (test.loop));
    g_source_unref (source);
    rsp_loop_io_begin (test.loop);
    later (&test, 0, 'a');
    g_assert_true (rsp_loop_run (test.loop, NULL, NULL, -1));
    g_assert_cmpstr (test.log->str, ==, "io a0 .");
    rsp_loop_free (test.loop);
    g_string_free (test.log, TRUE);
}

static void
quit (gpointer loop)
{
    rsp_loop_quit (loop);
}

static void
test_loop_real (void)
{
    LoopTest test = {.loop = rsp_loop_new (RSP_CLOCK_REAL, 0), .log = g_string_new (NULL)};
    gint64 start = rsp_stopwatch_us ();

    g_assert_cmpint (rsp_loop_wall (test.loop), >, G_GINT64_CONSTANT (1600000000000000));
    rsp_loop_after (test.loop, 20000, quit, test.loop, NULL);
    rsp_loop_run (test.loop, NULL, NULL, -1);
    g_assert_cmpint (rsp_stopwatch_us () - start, >=, 20000);
    g_assert_false (rsp_loop_run (test.loop, NULL, NULL, rsp_loop_now (test.loop) + 3000));
    rsp_loop_free (test.loop);
    g_string_free (test.log, TRUE);
}

static void
count (gpointer data)
{
    (*(guint *)data)++;
}

/* Adds and cancels at random against the plain truth: what is not cancelled runs once. */
static void
test_loop_churn (void)
{
    g_autoptr (RspLoop) loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    g_autoptr (RspRng) rng = rsp_rng_new (7, "churn", "", 0);
    guint64 ids[500] = {0};
    guint ran = 0, cancelled = 0;

    for (guint i = 0; i < 20000; i++) {
        guint at = rsp_rng_below (rng, 500);
        cancelled += rsp_loop_cancel (loop, ids[at]);
        ids[at] = rsp_loop_after (loop, rsp_rng_below (rng, 1000), count, &ran, NULL);
    }
    g_assert_cmpuint (rsp_loop_in_flight (loop), ==, 20000 - cancelled);
    rsp_loop_run (loop, NULL, NULL, -1);
    g_assert_cmpuint (ran, ==, 20000 - cancelled);
    g_assert_cmpuint (cancelled, >, 15000);
}

/* store and nvm */

#define SCHEMA "CREATE TABLE t (k INTEGER PRIMARY KEY, s TEXT, b BLOB);"

typedef struct {
    char *folder, *path;
} Files;

static void
files_set_up (Files *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp ("rspsim-core-XXXXXX", NULL);
    f->path = g_build_filename (f->folder, "state.db", NULL);
}

static void
files_tear_down (Files *f, gconstpointer data)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
        g_autofree char *path = g_strconcat (f->path, suffixes[i], NULL);
        g_unlink (path);
    }
    g_assert_cmpint (g_rmdir (f->folder), ==, 0);
    g_free (f->folder);
    g_free (f->path);
}

static void
insert (RspStore *store, gint64 k, const char *s)
{
    g_autoptr (GBytes) blob = g_bytes_new ("\0\1", 2);
    g_autoptr (GError) error = NULL;
    g_assert_true (
        rsp_store_run (store, &error, "INSERT INTO t VALUES (?, ?, ?)", "isb", k, s, blob));
    g_assert_no_error (error);
}

static gint64
rows (RspStore *store)
{
    sqlite3_stmt *stmt = rsp_store_bind (store, "SELECT count(*) FROM t", "");
    gboolean row = FALSE;
    g_assert_true (rsp_store_step (store, stmt, &row, NULL) && row);
    return sqlite3_column_int64 (stmt, 0);
}

static void
test_store_values (void)
{
    g_autoptr (RspStore) store = rsp_store_open (NULL, 1, SCHEMA, NULL);
    g_autoptr (GError) error = NULL;
    gboolean row = FALSE;
    sqlite3_stmt *stmt;

    insert (store, 1, NULL);
    insert (store, 2, "é");
    stmt = rsp_store_bind (store, "SELECT s, b FROM t WHERE k = ?", "i", (gint64)2);
    g_assert_true (rsp_store_step (store, stmt, &row, NULL) && row);
    g_autofree char *text = rsp_store_text (stmt, 0);
    g_autoptr (GBytes) blob = rsp_store_blob (stmt, 1);
    g_assert_cmpstr (text, ==, "é");
    g_assert_true (rsp_slice_equal (rsp_slice_of (blob), RSP_SLICE ("\0\1", 2)));
    g_assert_true (rsp_store_step (store, stmt, &row, NULL) && !row);
    stmt = rsp_store_bind (store, "SELECT nothing FROM t", "");
    g_assert_null (stmt);
    g_assert_false (rsp_store_step (store, stmt, &row, &error));
    g_assert_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_SQL);
    g_assert_true (rsp_store_begin (store, NULL));
    insert (store, 3, "x");
    rsp_store_rollback (store);
    g_assert_cmpint (rows (store), ==, 2);
}

static void
test_store_file (Files *f, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    RspStore *store = rsp_store_open (f->path, 3, SCHEMA, &error);
    GStatBuf st;

    g_assert_no_error (error);
    insert (store, 1, "kept");
    g_assert_null (rsp_store_open (f->path, 3, SCHEMA, &error));
    g_assert_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_IO);
    g_clear_error (&error);
    rsp_store_free (store);
    g_assert_cmpint (g_stat (f->path, &st), ==, 0);
    g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
    store = rsp_store_open (f->path, 3, SCHEMA, &error);
    g_assert_no_error (error);
    g_assert_cmpint (rows (store), ==, 1);
    rsp_store_free (store);
}

static void
copy_file (const char *from, const char *to, const char *suffix)
{
    g_autofree char *source = g_strconcat (from, suffix, NULL);
    g_autofree char *target = g_strconcat (to, suffix, NULL);
    g_autofree char *content = NULL;
    gsize len = 0;

    g_assert_true (g_file_get_contents (source, &content, &len, NULL));
    g_assert_true (g_file_set_contents (target, content, (gssize)len, NULL));
}

/* What a kill leaves: the file and its log as they are while the store is open. */
static void
test_store_killed (Files *f, gconstpointer data)
{
    g_autofree char *live = g_strconcat (f->path, "-live", NULL);
    RspStore *store = rsp_store_open (live, 3, SCHEMA, NULL);
    g_autoptr (GError) error = NULL;

    insert (store, 1, "acknowledged");
    g_assert_true (rsp_store_begin (store, NULL));
    insert (store, 2, "not committed");
    copy_file (live, f->path, "");
    copy_file (live, f->path, "-wal");
    rsp_store_free (store);
    g_unlink (live);
    store = rsp_store_open (f->path, 3, SCHEMA, &error);
    g_assert_no_error (error);
    g_assert_cmpint (rows (store), ==, 1);
    rsp_store_free (store);
}

/* Opening CONTENT must fail with CODE and leave every octet. */
static void
assert_refused (const char *path, const char *content, gsize len, int code)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *after = NULL;
    gsize after_len = 0;

    g_assert_true (g_file_set_contents (path, content, (gssize)len, NULL));
    g_assert_null (rsp_store_open (path, 3, SCHEMA, &error));
    g_assert_error (error, RSP_STORE_ERROR, code);
    g_assert_true (g_file_get_contents (path, &after, &after_len, NULL));
    g_assert_true (rsp_slice_equal (RSP_SLICE (content, len), RSP_SLICE (after, after_len)));
}

static void
test_store_refusals (Files *f, gconstpointer data)
{
    RspStore *store = rsp_store_open (f->path, 3, SCHEMA, NULL);
    g_autofree char *good = NULL, *bad = NULL;
    gsize len = 0;

    for (gint64 i = 0; i < 2000; i++)
        insert (store, i, "some text that fills pages");
    rsp_store_free (store);
    g_assert_true (g_file_get_contents (f->path, &good, &len, NULL));
    bad = g_memdup2 (good, len);
    assert_refused (f->path, "hello", 5, RSP_STORE_ERROR_DAMAGED);
    assert_refused (f->path, good, len / 2, RSP_STORE_ERROR_DAMAGED);
    assert_refused (f->path, good, 100, RSP_STORE_ERROR_DAMAGED);
    memset (bad + 4096 * 3, 0xa5, 4096);
    assert_refused (f->path, bad, len, RSP_STORE_ERROR_DAMAGED);
    memcpy (bad, good, len);
    bad[68] = 'X'; /* application_id */
    assert_refused (f->path, bad, len, RSP_STORE_ERROR_VERSION);
    memcpy (bad, good, len);
    bad[63] = 4; /* user_version */
    assert_refused (f->path, bad, len, RSP_STORE_ERROR_VERSION);
    g_assert_null (rsp_store_open (f->folder, 3, SCHEMA, NULL));
}

static void
test_store_full (void)
{
    g_autoptr (RspStore) store = rsp_store_open (NULL, 1, SCHEMA, NULL);
    g_autofree char *big = g_strnfill (100000, 'x');
    g_autoptr (GError) error = NULL;
    gboolean row = FALSE;
    sqlite3_stmt *stmt = rsp_store_bind (store, "PRAGMA max_page_count=10", "");

    g_assert_true (rsp_store_step (store, stmt, &row, NULL));
    g_assert_false (rsp_store_run (store, &error, "INSERT INTO t VALUES (1, ?, NULL)", "s", big));
    g_assert_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_FULL);
    insert (store, 2, "small");
    g_assert_cmpint (rows (store), ==, 1);
}

static void
put (RspNvm *nvm, const char *key, const char *value)
{
    g_autoptr (GBytes) bytes = g_bytes_new (value, strlen (value));
    rsp_nvm_put (nvm, key, bytes);
}

static char *
dump (RspNvm *nvm)
{
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (nvm, "p/");
    GString *text = g_string_new (NULL);
    for (guint i = 0; i < keys->len; i++) {
        g_autoptr (GBytes) value = rsp_nvm_get (nvm, keys->pdata[i]);
        g_string_append_printf (text, "%s=%.*s ", (char *)keys->pdata[i],
                                (int)g_bytes_get_size (value),
                                (const char *)g_bytes_get_data (value, NULL));
    }
    return g_string_free (text, FALSE);
}

static void
assert_nvm (RspNvm *nvm, const char *expected)
{
    g_autofree char *text = dump (nvm);
    g_assert_cmpstr (text, ==, expected);
}

static void
use_nvm (RspNvm *nvm)
{
    rsp_nvm_begin (nvm);
    put (nvm, "p/b", "1");
    put (nvm, "p/a", "2");
    put (nvm, "q", "3");
    assert_nvm (nvm, "p/a=2 p/b=1 ");
    g_assert_true (rsp_nvm_commit (nvm, NULL));
    rsp_nvm_begin (nvm);
    rsp_nvm_delete (nvm, "p/b");
    put (nvm, "p/a", "new");
    put (nvm, "p/c", "4");
    assert_nvm (nvm, "p/a=new p/c=4 ");
    rsp_nvm_rollback (nvm);
    assert_nvm (nvm, "p/a=2 p/b=1 ");
    rsp_nvm_begin (nvm);
    rsp_nvm_delete (nvm, "p/b");
    rsp_nvm_delete (nvm, "p/absent");
    put (nvm, "p/a", "new");
    g_assert_true (rsp_nvm_commit (nvm, NULL));
    assert_nvm (nvm, "p/a=new ");
}

static void
test_nvm (Files *f, gconstpointer data)
{
    g_autoptr (RspNvm) memory = rsp_nvm_open (NULL, NULL);
    g_autoptr (GError) error = NULL;
    RspNvm *file = rsp_nvm_open (f->path, &error);

    g_assert_no_error (error);
    use_nvm (memory);
    use_nvm (file);
    rsp_nvm_begin (file);
    put (file, "p/lost", "x");
    rsp_nvm_free (file);
    file = rsp_nvm_open (f->path, NULL);
    assert_nvm (file, "p/a=new ");
    rsp_nvm_free (file);
    g_assert_null (rsp_store_open (f->path, 3, SCHEMA, &error));
    g_assert_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_VERSION);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/core/bytes/hex", test_hex);
    g_test_add_func ("/core/bytes/slices", test_slices);
    g_test_add_func ("/core/bytes/escape", test_escape);
    g_test_add_func ("/core/bytes/suggest", test_suggest);
    g_test_add_func ("/core/rng/known", test_rng_known);
    g_test_add_func ("/core/rng/streams", test_rng_streams);
    g_test_add_func ("/core/rng/below", test_rng_below);
    g_test_add_func ("/core/loop/order", test_loop_order);
    g_test_add_func ("/core/loop/limit", test_loop_limit);
    g_test_add_func ("/core/loop/background", test_loop_background);
    g_test_add_func ("/core/loop/io", test_loop_io);
    g_test_add_func ("/core/loop/real", test_loop_real);
    g_test_add_func ("/core/loop/churn", test_loop_churn);
    g_test_add_func ("/core/store/values", test_store_values);
    g_test_add_func ("/core/store/full", test_store_full);
    g_test_add ("/core/store/file", Files, NULL, files_set_up, test_store_file, files_tear_down);
    g_test_add ("/core/store/killed", Files, NULL, files_set_up, test_store_killed,
                files_tear_down);
    g_test_add ("/core/store/refusals", Files, NULL, files_set_up, test_store_refusals,
                files_tear_down);
    g_test_add ("/core/nvm", Files, NULL, files_set_up, test_nvm, files_tear_down);
    return g_test_run ();
}
