#include "sim/core/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/core/bytes.h"

G_DEFINE_QUARK (rsp_store_error, rsp_store_error)

#define APPLICATION_ID 0x52535053 /* "RSPS" */
#define HEADER_SIZE 100           /* SQLite's file header */
#define USER_VERSION_OFFSET 60
#define APPLICATION_ID_OFFSET 68

struct _RspStore {
    sqlite3 *db;
    char *name;             /* for messages, escaped */
    GHashTable *statements; /* SQL text, by pointer → sqlite3_stmt */
    char *bind_error;       /* why the last rsp_store_bind gave NULL */
};

static int
code_of (int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return RSP_STORE_ERROR_DAMAGED;
    case SQLITE_FULL:
        return RSP_STORE_ERROR_FULL;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return RSP_STORE_ERROR_IO;
    default:
        return RSP_STORE_ERROR_SQL;
    }
}

static gboolean
fail (RspStore *store, GError **error)
{
    int code = sqlite3_extended_errcode (store->db);
    const char *what =
        (code & 0xff) == SQLITE_BUSY ? "in use by another process" : sqlite3_errmsg (store->db);
    g_set_error (error, RSP_STORE_ERROR, code_of (code), "%s: %s", store->name, what);
    return FALSE;
}

static gboolean
execute (RspStore *store, const char *sql, GError **error)
{
    return sqlite3_exec (store->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail (store, error);
}

static gboolean
open_database (RspStore *store, const char *path, int flags, GError **error)
{
    int code = sqlite3_open_v2 (path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (!store->db) {
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_IO, "%s: out of memory", store->name);
        return FALSE;
    }
    sqlite3_extended_result_codes (store->db, 1);
    return code == SQLITE_OK || fail (store, error);
}

static guint32
be32 (const guint8 *p)
{
    return (guint32)p[0] << 24 | (guint32)p[1] << 16 | (guint32)p[2] << 8 | p[3];
}

/* Looks at the header with plain reads: SQLite must not touch a file that is not ours. */
static gboolean
check_header (RspStore *store, int fd, int version, GError **error)
{
    guint8 header[HEADER_SIZE];

    if (pread (fd, header, sizeof header, 0) != (gssize)sizeof header ||
        memcmp (header, "SQLite format 3", 16) != 0) {
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_DAMAGED,
                     "%s: not a database, or damaged", store->name);
        return FALSE;
    }
    if (be32 (header + APPLICATION_ID_OFFSET) != APPLICATION_ID) {
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_VERSION,
                     "%s: a database of another application", store->name);
        return FALSE;
    }
    if (be32 (header + USER_VERSION_OFFSET) != (guint32)version) {
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_VERSION,
                     "%s: database version %u, expected %d", store->name,
                     be32 (header + USER_VERSION_OFFSET), version);
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_integrity (RspStore *store, GError **error)
{
    sqlite3_stmt *stmt = NULL;
    g_autofree char *verdict = NULL;
    int code = sqlite3_prepare_v2 (store->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);

    if (code == SQLITE_OK && sqlite3_step (stmt) == SQLITE_ROW)
        verdict = rsp_store_text (stmt, 0);
    if (!verdict)
        fail (store, error);
    else if (!g_str_equal (verdict, "ok")) {
        g_autofree char *shown = rsp_escape_text (verdict, -1, 200);
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_DAMAGED, "%s: damaged: %s",
                     store->name, shown);
    }
    sqlite3_finalize (stmt);
    return verdict && g_str_equal (verdict, "ok");
}

/* An existing file is proven good on a read-only connection before it is opened for writing. */
static gboolean
check_existing (RspStore *store, const char *path, GError **error)
{
    gboolean good =
        open_database (store, path, SQLITE_OPEN_READONLY, error) && check_integrity (store, error);
    sqlite3_close (store->db);
    store->db = NULL;
    return good;
}

/* Sees to it that a good database of this version, or an empty file, is there.
 * *RET_NEW: the schema is still to be made. */
static gboolean
prepare_file (RspStore *store, const char *path, int version, gboolean *ret_new, GError **error)
{
    struct stat st;
    int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    gboolean good = FALSE;

    if (fd < 0 || fstat (fd, &st) != 0)
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_IO, "%s: %s", store->name,
                     g_strerror (errno));
    else if (!S_ISREG (st.st_mode))
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_IO, "%s: not a regular file",
                     store->name);
    else if (st.st_size == 0)
        good = TRUE;
    else
        good = check_header (store, fd, version, error);
    if (fd >= 0)
        close (fd);
    *ret_new = good && st.st_size == 0;
    return good && (*ret_new || check_existing (store, path, error));
}

/* Version and application go into the main file, in one transaction with the schema, before WAL
 * begins: a kill leaves either an empty file or a whole database. */
static gboolean
create_schema (RspStore *store, int version, const char *schema, GError **error)
{
    g_autofree char *marks = g_strdup_printf ("PRAGMA application_id=%d; PRAGMA user_version=%d;",
                                              APPLICATION_ID, version);

    return rsp_store_begin (store, error) && execute (store, marks, error) &&
           execute (store, schema, error) && rsp_store_commit (store, error);
}

static void
finalize (gpointer stmt)
{
    sqlite3_finalize (stmt);
}

RspStore *
rsp_store_open (const char *path, int version, const char *schema, GError **error)
{
    g_autoptr (RspStore) store = g_new0 (RspStore, 1);
    gboolean is_new = TRUE;

    store->name = path ? rsp_escape_text (path, -1, 400) : g_strdup ("database in memory");
    store->statements = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, finalize);
    if (path && !prepare_file (store, path, version, &is_new, error))
        return NULL;
    if (!open_database (store, path ? path : ":memory:", SQLITE_OPEN_READWRITE, error))
        return NULL;
    if (!execute (store, "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON;", error))
        return NULL;
    /* One process owns the file for its life; that also spares the shared-memory index. */
    if (path && !execute (store, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;", error))
        return NULL;
    if (is_new && !create_schema (store, version, schema, error))
        return NULL;
    if (path && !execute (store, "PRAGMA journal_mode=WAL;", error))
        return NULL;
    return g_steal_pointer (&store);
}

void
rsp_store_free (RspStore *store)
{
    if (!store)
        return;
    g_hash_table_unref (store->statements);
    sqlite3_close (store->db);
    g_free (store->bind_error);
    g_free (store->name);
    g_free (store);
}

static sqlite3_stmt *
prepare (RspStore *store, const char *sql)
{
    sqlite3_stmt *stmt = g_hash_table_lookup (store->statements, sql);

    if (stmt) {
        sqlite3_reset (stmt);
        return stmt;
    }
    if (sqlite3_prepare_v3 (store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
        SQLITE_OK) {
        g_free (store->bind_error);
        store->bind_error = g_strdup (sqlite3_errmsg (store->db));
        return NULL;
    }
    g_hash_table_insert (store->statements, (gpointer)sql, stmt);
    return stmt;
}

static int
bind_bytes (sqlite3_stmt *stmt, int i, GBytes *bytes)
{
    RspSlice s = rsp_slice_of (bytes);

    if (!bytes)
        return sqlite3_bind_null (stmt, i);
    if (s.len == 0)
        return sqlite3_bind_zeroblob (stmt, i, 0);
    return sqlite3_bind_blob64 (stmt, i, s.data, s.len, SQLITE_TRANSIENT);
}

static sqlite3_stmt *
bind_valist (RspStore *store, const char *sql, const char *format, va_list args)
{
    sqlite3_stmt *stmt = prepare (store, sql);
    int code = SQLITE_OK;

    if (!stmt)
        return NULL;
    g_assert ((gsize)sqlite3_bind_parameter_count (stmt) == strlen (format));
    for (int i = 1; format[i - 1] && code == SQLITE_OK; i++) {
        if (format[i - 1] == 'i')
            code = sqlite3_bind_int64 (stmt, i, va_arg (args, gint64));
        else if (format[i - 1] == 's')
            code = sqlite3_bind_text (stmt, i, va_arg (args, const char *), -1, SQLITE_TRANSIENT);
        else if (format[i - 1] == 'b')
            code = bind_bytes (stmt, i, va_arg (args, GBytes *));
        else
            g_assert_not_reached ();
    }
    if (code == SQLITE_OK)
        return stmt;
    g_free (store->bind_error);
    store->bind_error = g_strdup (sqlite3_errmsg (store->db));
    return NULL;
}

sqlite3_stmt *
rsp_store_bind (RspStore *store, const char *sql, const char *format, ...)
{
    sqlite3_stmt *stmt;
    va_list args;

    va_start (args, format);
    stmt = bind_valist (store, sql, format, args);
    va_end (args);
    return stmt;
}

gboolean
rsp_store_step (RspStore *store, sqlite3_stmt *stmt, gboolean *ret_row, GError **error)
{
    int code;

    if (!stmt) {
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_SQL, "%s: %s", store->name,
                     store->bind_error ? store->bind_error : "no statement");
        return FALSE;
    }
    code = sqlite3_step (stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        fail (store, error);
        sqlite3_reset (stmt);
        return FALSE;
    }
    /* A finished statement lets go of its locks and of what was bound. */
    if (code == SQLITE_DONE) {
        sqlite3_reset (stmt);
        sqlite3_clear_bindings (stmt);
    }
    *ret_row = code == SQLITE_ROW;
    return TRUE;
}

gboolean
rsp_store_run (RspStore *store, GError **error, const char *sql, const char *format, ...)
{
    gboolean row = FALSE, ok;
    sqlite3_stmt *stmt;
    va_list args;

    va_start (args, format);
    stmt = bind_valist (store, sql, format, args);
    va_end (args);
    ok = rsp_store_step (store, stmt, &row, error);
    if (ok && row)
        sqlite3_reset (stmt);
    return ok;
}

gboolean
rsp_store_begin (RspStore *store, GError **error)
{
    GHashTableIter iter;
    gpointer stmt;

    /* A row left unread would hold a read lock, and so keep the log from ever being folded in. */
    g_hash_table_iter_init (&iter, store->statements);
    while (g_hash_table_iter_next (&iter, NULL, &stmt))
        if (sqlite3_stmt_busy (stmt))
            sqlite3_reset (stmt);
    return rsp_store_run (store, error, "BEGIN IMMEDIATE", "");
}

gboolean
rsp_store_commit (RspStore *store, GError **error)
{
    if (rsp_store_run (store, error, "COMMIT", ""))
        return TRUE;
    rsp_store_rollback (store);
    return FALSE;
}

void
rsp_store_rollback (RspStore *store)
{
    /* Some failures (a full disk) have rolled back already. */
    if (!sqlite3_get_autocommit (store->db))
        rsp_store_run (store, NULL, "ROLLBACK", "");
}

char *
rsp_store_text (sqlite3_stmt *stmt, int column)
{
    return g_strdup ((const char *)sqlite3_column_text (stmt, column));
}

GBytes *
rsp_store_blob (sqlite3_stmt *stmt, int column)
{
    const void *data;

    if (sqlite3_column_type (stmt, column) == SQLITE_NULL)
        return NULL;
    data = sqlite3_column_blob (stmt, column);
    return g_bytes_new (data, (gsize)sqlite3_column_bytes (stmt, column));
}
