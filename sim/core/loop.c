#include "sim/core/loop.h"

#include <string.h>

/* Heap entries carry their key, so that sifting touches one array; slots are found from an id. */
typedef struct {
    gint64 due;
    guint64 seq;
    guint32 slot;
} Entry;

#define NOT_QUEUED G_MAXUINT32

typedef struct {
    RspLoopFunc func;
    gpointer data;
    GDestroyNotify destroy;
    guint32 position; /* in the heap, NOT_QUEUED when free */
    guint32 generation;
    guint32 next_free;
    gboolean background;
} Slot;

struct _RspLoop {
    RspClockKind kind;
    gint64 now;   /* virtual clock */
    gint64 base;  /* real clock: monotonic time at now = 0 */
    gint64 start; /* wall at now = 0, clock steps included */
    GMainContext *context;
    GSource *source;
    GArray *heap;  /* of Entry */
    GArray *slots; /* of Slot */
    guint32 free_slot;
    guint64 next_seq;
    guint in_flight;
    guint io_pending;
    gboolean io_seen;
    gboolean quit;
    /* the innermost rsp_loop_run */
    gboolean running;
    gboolean (*done) (gpointer);
    gpointer done_data;
    gboolean is_done;
    gint64 limit;
};

typedef struct {
    GSource source;
    RspLoop *loop;
} LoopSource;

/* Events run between two looks at the context's other sources while no real I/O has ever happened.
 */
#define BATCH 256

static Entry *
entry_at (RspLoop *loop, guint32 i)
{
    return &g_array_index (loop->heap, Entry, i);
}

static Slot *
slot_at (RspLoop *loop, guint32 i)
{
    return &g_array_index (loop->slots, Slot, i);
}

static gboolean
earlier (const Entry *a, const Entry *b)
{
    return a->due < b->due || (a->due == b->due && a->seq < b->seq);
}

static void
place (RspLoop *loop, guint32 i, Entry entry)
{
    *entry_at (loop, i) = entry;
    slot_at (loop, entry.slot)->position = i;
}

static void
sift_up (RspLoop *loop, guint32 i, Entry entry)
{
    while (i > 0) {
        guint32 parent = (i - 1) / 2;
        if (!earlier (&entry, entry_at (loop, parent)))
            break;
        place (loop, i, *entry_at (loop, parent));
        i = parent;
    }
    place (loop, i, entry);
}

static void
sift_down (RspLoop *loop, guint32 i, Entry entry)
{
    guint32 n = loop->heap->len;

    for (;;) {
        guint32 child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && earlier (entry_at (loop, child + 1), entry_at (loop, child)))
            child++;
        if (!earlier (entry_at (loop, child), &entry))
            break;
        place (loop, i, *entry_at (loop, child));
        i = child;
    }
    place (loop, i, entry);
}

static guint32
slot_take (RspLoop *loop)
{
    guint32 i = loop->free_slot;

    if (i != NOT_QUEUED) {
        loop->free_slot = slot_at (loop, i)->next_free;
        return i;
    }
    i = loop->slots->len;
    g_assert (i < NOT_QUEUED - 1);
    g_array_set_size (loop->slots, i + 1);
    return i;
}

/* Takes the event at heap position I out of the queue; its slot can be used again. */
static Slot
unqueue (RspLoop *loop, guint32 i)
{
    guint32 index = entry_at (loop, i)->slot;
    Slot *slot = slot_at (loop, index), event = *slot;
    guint32 last = loop->heap->len - 1;
    Entry moved = *entry_at (loop, last);

    g_array_set_size (loop->heap, last);
    if (i < last) {
        if (i > 0 && earlier (&moved, entry_at (loop, (i - 1) / 2)))
            sift_up (loop, i, moved);
        else
            sift_down (loop, i, moved);
    }
    slot->position = NOT_QUEUED;
    slot->generation++;
    slot->next_free = loop->free_slot;
    slot->func = NULL;
    slot->data = NULL;
    slot->destroy = NULL;
    loop->free_slot = index;
    if (!event.background)
        loop->in_flight--;
    return event;
}

static guint64
add_event (RspLoop *loop, gint64 delay, RspLoopFunc func, gpointer data, GDestroyNotify destroy,
           gboolean background)
{
    gint64 now = rsp_loop_now (loop);
    guint32 index;
    Slot *slot;
    Entry entry;

    g_assert (delay >= 0 && func != NULL);
    index = slot_take (loop);
    slot = slot_at (loop, index);
    slot->func = func;
    slot->data = data;
    slot->destroy = destroy;
    slot->background = background;
    entry = (Entry){delay > G_MAXINT64 - now ? G_MAXINT64 : now + delay, loop->next_seq++, index};
    g_array_set_size (loop->heap, loop->heap->len + 1);
    sift_up (loop, loop->heap->len - 1, entry);
    if (!background)
        loop->in_flight++;
    return (guint64)slot_at (loop, index)->generation << 32 | (index + 1);
}

guint64
rsp_loop_after (RspLoop *loop, gint64 delay, RspLoopFunc func, gpointer data,
                GDestroyNotify destroy)
{
    return add_event (loop, delay, func, data, destroy, FALSE);
}

guint64
rsp_loop_after_background (RspLoop *loop, gint64 delay, RspLoopFunc func, gpointer data,
                           GDestroyNotify destroy)
{
    return add_event (loop, delay, func, data, destroy, TRUE);
}

gboolean
rsp_loop_cancel (RspLoop *loop, guint64 id)
{
    guint32 index = (guint32)id - 1, generation = (guint32)(id >> 32);
    Slot event;

    if ((guint32)id == 0 || index >= loop->slots->len)
        return FALSE;
    if (slot_at (loop, index)->generation != generation ||
        slot_at (loop, index)->position == NOT_QUEUED)
        return FALSE;
    event = unqueue (loop, slot_at (loop, index)->position);
    if (event.destroy)
        event.destroy (event.data);
    return TRUE;
}

/* The next event may run now: it is due, or time may jump to it. */
static gboolean
may_run (RspLoop *loop)
{
    if (loop->heap->len == 0 || loop->quit || loop->is_done || !loop->running)
        return FALSE;
    gint64 due = entry_at (loop, 0)->due;
    if (loop->limit >= 0 && due > loop->limit)
        return FALSE;
    if (loop->kind == RSP_CLOCK_REAL)
        return due <= rsp_loop_now (loop);
    return loop->io_pending == 0 && loop->in_flight > 0;
}

static void
run_one (RspLoop *loop)
{
    gint64 due = entry_at (loop, 0)->due;
    Slot event = unqueue (loop, 0);

    loop->now = MAX (loop->now, due);
    event.func (event.data);
    if (event.destroy)
        event.destroy (event.data);
    if (loop->done)
        loop->is_done = loop->done (loop->done_data);
}

static gboolean
source_prepare (GSource *source, gint *timeout)
{
    *timeout = -1;
    return may_run (((LoopSource *)source)->loop);
}

static gboolean
source_check (GSource *source)
{
    return may_run (((LoopSource *)source)->loop);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc func, gpointer data)
{
    RspLoop *loop = ((LoopSource *)source)->loop;
    guint batch = loop->io_seen ? 1 : BATCH;

    while (batch-- > 0 && may_run (loop))
        run_one (loop);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
    .prepare = source_prepare,
    .check = source_check,
    .dispatch = source_dispatch,
};

RspLoop *
rsp_loop_new (RspClockKind kind, gint64 start_wall)
{
    RspLoop *loop = g_new0 (RspLoop, 1);

    loop->kind = kind;
    loop->base = g_get_monotonic_time ();
    loop->start = kind == RSP_CLOCK_REAL && start_wall == 0 ? g_get_real_time () : start_wall;
    loop->heap = g_array_new (FALSE, FALSE, sizeof (Entry));
    loop->slots = g_array_new (FALSE, TRUE, sizeof (Slot));
    loop->free_slot = NOT_QUEUED;
    loop->limit = -1;
    loop->context = g_main_context_new ();
    g_main_context_push_thread_default (loop->context);
    loop->source = g_source_new (&source_funcs, sizeof (LoopSource));
    ((LoopSource *)loop->source)->loop = loop;
    g_source_set_priority (loop->source, G_PRIORITY_LOW);
    g_source_set_can_recurse (loop->source, TRUE);
    g_source_set_static_name (loop->source, "rsp-loop");
    g_source_attach (loop->source, loop->context);
    return loop;
}

void
rsp_loop_free (RspLoop *loop)
{
    if (!loop)
        return;
    while (loop->heap->len > 0) {
        Slot event = unqueue (loop, loop->heap->len - 1);
        if (event.destroy)
            event.destroy (event.data);
    }
    g_source_destroy (loop->source);
    g_source_unref (loop->source);
    g_main_context_pop_thread_default (loop->context);
    g_main_context_unref (loop->context);
    g_array_unref (loop->heap);
    g_array_unref (loop->slots);
    g_free (loop);
}

gboolean
rsp_loop_is_real (const RspLoop *loop)
{
    return loop->kind == RSP_CLOCK_REAL;
}

gint64
rsp_loop_now (const RspLoop *loop)
{
    return loop->kind == RSP_CLOCK_VIRTUAL ? loop->now : g_get_monotonic_time () - loop->base;
}

gint64
rsp_loop_wall (const RspLoop *loop)
{
    return loop->start + rsp_loop_now (loop);
}

void
rsp_loop_step_wall (RspLoop *loop, gint64 delta)
{
    loop->start += delta;
}

GMainContext *
rsp_loop_context (RspLoop *loop)
{
    return loop->context;
}

void
rsp_loop_io_begin (RspLoop *loop)
{
    loop->io_pending++;
    loop->io_seen = TRUE;
}

void
rsp_loop_io_end (RspLoop *loop)
{
    g_assert (loop->io_pending > 0);
    loop->io_pending--;
}

guint
rsp_loop_in_flight (const RspLoop *loop)
{
    return loop->in_flight;
}

/* TRUE when this run has nothing more to do; sets now to the limit where that is the reason. */
static gboolean
at_end (RspLoop *loop, gboolean *ret_rest)
{
    *ret_rest = FALSE;
    if (loop->quit || loop->is_done)
        return TRUE;
    if (loop->kind == RSP_CLOCK_REAL)
        return loop->limit >= 0 && rsp_loop_now (loop) >= loop->limit;
    if (loop->io_pending > 0)
        return FALSE;
    if (loop->in_flight == 0) {
        *ret_rest = TRUE;
        return TRUE;
    }
    if (loop->limit < 0 || entry_at (loop, 0)->due <= loop->limit)
        return FALSE;
    loop->now = MAX (loop->now, loop->limit);
    return TRUE;
}

static void
set_wakeup (RspLoop *loop)
{
    gint64 next = loop->heap->len > 0 ? entry_at (loop, 0)->due : G_MAXINT64;

    if (loop->kind != RSP_CLOCK_REAL)
        return;
    if (loop->limit >= 0)
        next = MIN (next, loop->limit);
    g_source_set_ready_time (loop->source, next > G_MAXINT64 - loop->base ? -1 : loop->base + next);
}

gboolean
rsp_loop_run (RspLoop *loop, gboolean (*done) (gpointer), gpointer data, gint64 limit)
{
    RspLoop outer = *loop;
    gboolean rest = FALSE, result;

    loop->running = TRUE;
    loop->quit = FALSE;
    loop->done = done;
    loop->done_data = data;
    loop->limit = limit;
    loop->is_done = done ? done (data) : FALSE;
    while (!at_end (loop, &rest)) {
        set_wakeup (loop);
        g_main_context_iteration (loop->context, TRUE);
        /* A source of real I/O may have done what DONE waits for. */
        if (done && !loop->is_done && (loop->io_seen || loop->kind == RSP_CLOCK_REAL))
            loop->is_done = done (data);
    }
    result = done ? loop->is_done : rest;
    loop->running = outer.running;
    loop->quit = outer.running && loop->quit;
    loop->done = outer.done;
    loop->done_data = outer.done_data;
    loop->limit = outer.limit;
    loop->is_done = outer.is_done;
    return result;
}

void
rsp_loop_quit (RspLoop *loop)
{
    loop->quit = TRUE;
    g_main_context_wakeup (loop->context);
}

gint64
rsp_stopwatch_us (void)
{
    return g_get_monotonic_time ();
}
