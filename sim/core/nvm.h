/* Non-volatile memory of a card or a device: keys to byte strings, with transactions. In memory, or
 * in one file (rsp_store underneath) that survives the process. What is not committed is gone after
 * a power cut: either before or after, never between. */
#pragma once

#include <glib.h>

typedef struct _RspNvm RspNvm;

RspNvm *rsp_nvm_open (const char *path, GError **error); /* NULL path: in memory */
void rsp_nvm_free (RspNvm *nvm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspNvm, rsp_nvm_free)

GBytes *rsp_nvm_get (RspNvm *nvm, const char *key);        /* (transfer full) (nullable) */
GPtrArray *rsp_nvm_keys (RspNvm *nvm, const char *prefix); /* of char *, sorted. (transfer full) */
void rsp_nvm_begin (RspNvm *nvm);                          /* not nested */
void rsp_nvm_put (RspNvm *nvm, const char *key, GBytes *value);
void rsp_nvm_delete (RspNvm *nvm, const char *key);
gboolean rsp_nvm_commit (RspNvm *nvm, GError **error);
void rsp_nvm_rollback (RspNvm *nvm); /* also what a power cut does */
