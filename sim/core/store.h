/* SQLite for the servers: one file an actor, in memory by default, synchronous=FULL on disk.
 *
 * A store refuses a file that is damaged, of another application or of another schema version
 * (PRAGMA application_id, user_version) with a named error and leaves it untouched.
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

typedef enum {
    RSP_STORE_ERROR_DAMAGED,
    RSP_STORE_ERROR_VERSION,
    RSP_STORE_ERROR_FULL,
    RSP_STORE_ERROR_IO,
    RSP_STORE_ERROR_SQL,
} RspStoreError;
#define RSP_STORE_ERROR (rsp_store_error_quark ())
GQuark rsp_store_error_quark (void);

typedef struct _RspStore RspStore;

/* PATH NULL: in memory. SCHEMA is run once on an empty database. A file is locked for the store's
 * life. */
RspStore *rsp_store_open (const char *path, int version, const char *schema, GError **error);
void rsp_store_free (RspStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspStore, rsp_store_free)

/* A prepared statement, cached by the pointer of its SQL text (pass a string literal), reset and
 * bound: FORMAT has one letter a parameter: i gint64, s const char * (nullable), b GBytes *
 * (nullable). The statement belongs to the store and is good until the same SQL is asked again or a
 * transaction begins. NULL on an error, which rsp_store_step then reports. */
sqlite3_stmt *rsp_store_bind (RspStore *store, const char *sql, const char *format, ...);
/* TRUE with *RET_ROW saying whether a row stands ready. */
gboolean rsp_store_step (RspStore *store, sqlite3_stmt *stmt, gboolean *ret_row, GError **error);
/* Bind and run a statement that gives no rows. */
gboolean rsp_store_run (RspStore *store, GError **error, const char *sql, const char *format, ...);

gboolean rsp_store_begin (RspStore *store, GError **error);
gboolean rsp_store_commit (RspStore *store, GError **error);
void rsp_store_rollback (RspStore *store);

/* Column readers. (transfer full); NULL for an SQL NULL. */
char *rsp_store_text (sqlite3_stmt *stmt, int column);
GBytes *rsp_store_blob (sqlite3_stmt *stmt, int column);
