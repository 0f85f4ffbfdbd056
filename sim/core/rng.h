/* Deterministic random streams (SHA-256 in counter mode over seed, actor, purpose, incarnation), so
 * that adding an actor shifts no other actor's numbers; or the system's source for `serve`. */
#pragma once

#include <glib.h>

typedef struct _RspRng RspRng;

RspRng *rsp_rng_new (guint64 seed, const char *actor, const char *purpose, guint64 incarnation);
RspRng *rsp_rng_new_system (void);
void rsp_rng_free (RspRng *rng); /* wipes its state */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspRng, rsp_rng_free)

void rsp_rng_fill (RspRng *rng, void *out, gsize len);
guint32 rsp_rng_below (RspRng *rng, guint32 bound); /* uniform in [0, bound) */
