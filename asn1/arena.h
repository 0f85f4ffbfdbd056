/* Memory of one message: blocks handed out from the front, given back and wiped all at once. */
#pragma once

#include <glib.h>

typedef struct _RspArenaBlock RspArenaBlock;
typedef struct {
    RspArenaBlock *block; /* the newest */
} RspArena;               /* zeroes: empty */

gpointer rsp_arena_take (RspArena *arena, gsize size); /* aligned; not cleared */
void rsp_arena_clear (RspArena *arena);
