/* The one scheduler: a heap of (due, seq) on one GSource of a GLib main context.
 *
 * Virtual clock: when nothing is due and no real I/O is pending, time jumps to the next due event.
 * Real clock: the same heap, dispatched when the wall says so. Events with the same due time run
 * in the order in which they were added. All times are µs; "now" counts from the start of the run,
 * "wall" is Unix time (start + now), the only clock by which certificates age.
 */
#pragma once

#include <glib.h>

typedef struct _RspLoop RspLoop;
typedef enum { RSP_CLOCK_VIRTUAL, RSP_CLOCK_REAL } RspClockKind;
typedef void (*RspLoopFunc) (gpointer data);

/* START_WALL: Unix time in µs at now = 0; with RSP_CLOCK_REAL a START_WALL of 0 means the host's
 * time. Makes and pushes its own GMainContext as thread default. */
RspLoop *rsp_loop_new (RspClockKind kind, gint64 start_wall);
void rsp_loop_free (RspLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspLoop, rsp_loop_free)

gboolean rsp_loop_is_real (const RspLoop *loop);
gint64 rsp_loop_now (const RspLoop *loop);
gint64 rsp_loop_wall (const RspLoop *loop); /* µs */
/* Moves the wall clock only (the fault "clock step"); due times stand. */
void rsp_loop_step_wall (RspLoop *loop, gint64 delta);
GMainContext *rsp_loop_context (RspLoop *loop);

/* Returns an id for rsp_loop_cancel, never 0. DELAY ≥ 0. DESTROY (nullable) frees DATA whether the
 * event ran or was cancelled. BACKGROUND events (periodic timers) do not count as work in flight.
 */
guint64 rsp_loop_after (RspLoop *loop, gint64 delay, RspLoopFunc func, gpointer data,
                        GDestroyNotify destroy);
guint64 rsp_loop_after_background (RspLoop *loop, gint64 delay, RspLoopFunc func, gpointer data,
                                   GDestroyNotify destroy);
gboolean rsp_loop_cancel (RspLoop *loop, guint64 id); /* FALSE if it ran or never was; 0 is fine */

/* Brackets real I/O: the virtual clock stands still while the count is above 0. */
void rsp_loop_io_begin (RspLoop *loop);
void rsp_loop_io_end (RspLoop *loop);

guint rsp_loop_in_flight (const RspLoop *loop); /* pending events, background ones left out */

/* Runs until DONE (nullable) says TRUE, or, on the virtual clock, nothing is left but background
 * events and no I/O pends (then returns DONE's last word). LIMIT: now at which to give up, -1 for
 * none. On return at LIMIT, now = LIMIT. Without DONE, TRUE says that everything came to rest. */
gboolean rsp_loop_run (RspLoop *loop, gboolean (*done) (gpointer), gpointer data, gint64 limit);
void rsp_loop_quit (RspLoop *loop);

/* Real time in µs from an arbitrary start, for measurements alone: nothing that a run writes may
 * depend on it. */
gint64 rsp_stopwatch_us (void);
