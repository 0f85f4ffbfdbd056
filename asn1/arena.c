#include "asn1/arena.h"

#include "sim/core/bytes.h"

#define FIRST_BLOCK 2048
#define LARGEST_BLOCK 65536
#define ALIGNMENT 16

struct _RspArenaBlock {
    RspArenaBlock *older;
    gsize size, used;
    _Alignas(ALIGNMENT) guint8 data[];
};

gpointer
rsp_arena_take (RspArena *arena, gsize size)
{
    RspArenaBlock *block = arena->block;
    size = (size + ALIGNMENT - 1) & ~(gsize)(ALIGNMENT - 1);
    if (!block || block->size - block->used < size) {
        gsize next = block ? MIN (2 * block->size, LARGEST_BLOCK) : FIRST_BLOCK;
        next = MAX (next, size);
        block = g_malloc (sizeof *block + next);
        block->older = arena->block;
        block->size = next;
        block->used = 0;
        arena->block = block;
    }
    gpointer taken = block->data + block->used;
    block->used += size;
    return taken;
}

void
rsp_arena_clear (RspArena *arena)
{
    while (arena->block) {
        RspArenaBlock *older = arena->block->older;
        rsp_wipe (arena->block->data, arena->block->used);
        g_free (arena->block);
        arena->block = older;
    }
}
