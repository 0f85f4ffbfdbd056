#include "sim/core/nvm.h"

#include <string.h>

#include "sim/core/store.h"

/* A file written by another kind of store has another version number and is refused. */
#define NVM_VERSION 0x4e564d01
#define NVM_SCHEMA "CREATE TABLE nvm (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"

struct _RspNvm {
    GHashTable *values;  /* committed: char * → GBytes */
    GHashTable *pending; /* of the open transaction: char * → GBytes, NULL for a deletion */
    gboolean open;
    RspStore *store; /* (nullable) */
};

static void
bytes_unref0 (gpointer bytes)
{
    if (bytes)
        g_bytes_unref (bytes);
}

static GHashTable *
new_table (void)
{
    return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, bytes_unref0);
}

static gboolean
load_all (RspNvm *nvm, GError **error)
{
    sqlite3_stmt *stmt = rsp_store_bind (nvm->store, "SELECT key, value FROM nvm", "");
    gboolean row = FALSE;

    while (rsp_store_step (nvm->store, stmt, &row, error)) {
        if (!row)
            return TRUE;
        g_autofree char *key = rsp_store_text (stmt, 0);
        g_autoptr (GBytes) value = rsp_store_blob (stmt, 1);
        if (key && value)
            g_hash_table_insert (nvm->values, g_steal_pointer (&key), g_steal_pointer (&value));
    }
    return FALSE;
}

RspNvm *
rsp_nvm_open (const char *path, GError **error)
{
    g_autoptr (RspNvm) nvm = g_new0 (RspNvm, 1);

    nvm->values = new_table ();
    if (path) {
        nvm->store = rsp_store_open (path, NVM_VERSION, NVM_SCHEMA, error);
        if (!nvm->store || !load_all (nvm, error))
            return NULL;
    }
    return g_steal_pointer (&nvm);
}

void
rsp_nvm_free (RspNvm *nvm)
{
    if (!nvm)
        return;
    g_clear_pointer (&nvm->values, g_hash_table_unref);
    g_clear_pointer (&nvm->pending, g_hash_table_unref);
    rsp_store_free (nvm->store);
    g_free (nvm);
}

GBytes *
rsp_nvm_get (RspNvm *nvm, const char *key)
{
    gpointer value = NULL;

    if (!nvm->pending || !g_hash_table_lookup_extended (nvm->pending, key, NULL, &value))
        value = g_hash_table_lookup (nvm->values, key);
    return value ? g_bytes_ref (value) : NULL;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

GPtrArray *
rsp_nvm_keys (RspNvm *nvm, const char *prefix)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init (&iter, nvm->values);
    while (g_hash_table_iter_next (&iter, &key, &value))
        if (g_str_has_prefix (key, prefix) &&
            !(nvm->pending && g_hash_table_contains (nvm->pending, key)))
            g_ptr_array_add (keys, g_strdup (key));
    if (nvm->pending) {
        g_hash_table_iter_init (&iter, nvm->pending);
        while (g_hash_table_iter_next (&iter, &key, &value))
            if (value && g_str_has_prefix (key, prefix))
                g_ptr_array_add (keys, g_strdup (key));
    }
    g_ptr_array_sort (keys, compare_keys);
    return keys;
}

void
rsp_nvm_begin (RspNvm *nvm)
{
    g_assert (!nvm->open);
    nvm->open = TRUE;
    if (!nvm->pending)
        nvm->pending = new_table ();
}

void
rsp_nvm_put (RspNvm *nvm, const char *key, GBytes *value)
{
    g_assert (nvm->open && value != NULL);
    g_hash_table_insert (nvm->pending, g_strdup (key), g_bytes_ref (value));
}

void
rsp_nvm_delete (RspNvm *nvm, const char *key)
{
    g_assert (nvm->open);
    g_hash_table_insert (nvm->pending, g_strdup (key), NULL);
}

static gboolean
write_pending (RspNvm *nvm, GError **error)
{
    GHashTableIter iter;
    gpointer key, value;

    if (!rsp_store_begin (nvm->store, error))
        return FALSE;
    g_hash_table_iter_init (&iter, nvm->pending);
    while (g_hash_table_iter_next (&iter, &key, &value)) {
        gboolean ok =
            value ? rsp_store_run (nvm->store, error, "INSERT OR REPLACE INTO nvm VALUES (?, ?)",
                                   "sb", (const char *)key, (GBytes *)value)
                  : rsp_store_run (nvm->store, error, "DELETE FROM nvm WHERE key = ?", "s",
                                   (const char *)key);
        if (!ok) {
            rsp_store_rollback (nvm->store);
            return FALSE;
        }
    }
    return rsp_store_commit (nvm->store, error);
}

gboolean
rsp_nvm_commit (RspNvm *nvm, GError **error)
{
    GHashTableIter iter;
    gpointer key, value;

    g_assert (nvm->open);
    if (nvm->store && g_hash_table_size (nvm->pending) > 0 && !write_pending (nvm, error)) {
        rsp_nvm_rollback (nvm);
        return FALSE;
    }
    g_hash_table_iter_init (&iter, nvm->pending);
    while (g_hash_table_iter_next (&iter, &key, &value)) {
        if (!value)
            g_hash_table_remove (nvm->values, key);
        g_hash_table_iter_steal (&iter);
        if (value)
            g_hash_table_insert (nvm->values, key, value);
        else
            g_free (key);
    }
    g_clear_pointer (&nvm->pending, g_hash_table_unref);
    nvm->open = FALSE;
    return TRUE;
}

void
rsp_nvm_rollback (RspNvm *nvm)
{
    g_clear_pointer (&nvm->pending, g_hash_table_unref);
    nvm->open = FALSE;
}
