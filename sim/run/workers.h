/* Processes that share out work: item I goes to process I modulo their number. One that ends or
 * hangs costs the item that it was at, and another goes on behind that. */
#pragma once

#include <glib.h>

/* In a process of its own: what came of ITEM, as a line without its end. (transfer full) */
typedef char *(*RspWorkFunc) (guint item, gpointer data);
/* In any order of the items. LINE NULL: LOST says what became of the process ("ended by signal
 * 11"). */
typedef void (*RspWorkDoneFunc) (guint item, const char *line, const char *lost, gpointer data);

/* PATIENCE: real seconds that an item may take, 0: any number. FALSE, with errno: no process could
 * be made. */
gboolean rsp_workers_run (guint items, guint processes, guint patience, RspWorkFunc work,
                          RspWorkDoneFunc done, gpointer data);
/* A bar on standard error, if that is a terminal. */
void rsp_workers_progress (guint done, guint all);
