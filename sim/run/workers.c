#include "sim/run/workers.h"

#include "sim/core/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    guint next; /* the item that it is at */
    pid_t pid;
    int fd; /* -1: it has done all */
    GString *text;
    gint64 heard; /* stopwatch */
    gboolean killed;
} Worker;

typedef struct {
    guint items, processes, patience, finished;
    RspWorkFunc work;
    RspWorkDoneFunc done;
    gpointer data;
    Worker *workers;
} Team;

void
rsp_workers_progress (guint done, guint all)
{
    if (!isatty (STDERR_FILENO) || all < 2)
        return;
    guint filled = (guint)((guint64)done * 40 / all);
    fprintf (stderr, "\r[%.*s%*s] %u/%u", (int)filled, "########################################",
             (int)(40 - filled), "", done, all);
    if (done == all)
        fprintf (stderr, "\r%60s\r", "");
}

static void
serve (const Team *team, guint first, int fd)
{
    FILE *out = fdopen (fd, "w");
    for (guint i = first; i < team->items; i += team->processes) {
        g_autofree char *line = team->work (i, team->data);
        fprintf (out, "%s\n", line);
        fflush (out);
    }
    fclose (out);
}

static gboolean
start (Team *team, Worker *w)
{
    int ends[2];
    if (w->next >= team->items)
        return TRUE;
    fflush (NULL);
    if (pipe (ends) != 0)
        return FALSE;
    w->pid = fork ();
    if (w->pid < 0)
        return FALSE;
    if (w->pid == 0) {
        close (ends[0]);
        serve (team, w->next, ends[1]);
        _exit (0);
    }
    close (ends[1]);
    w->fd = ends[0];
    w->killed = FALSE;
    w->heard = rsp_stopwatch_us ();
    return TRUE;
}

static void
finish (Team *team, Worker *w, const char *line, const char *lost)
{
    team->done (w->next, line, lost, team->data);
    w->next += team->processes;
    rsp_workers_progress (++team->finished, team->items);
}

static char *
fate_of (const Worker *w, int status)
{
    if (w->killed)
        return g_strdup ("did not end");
    if (WIFSIGNALED (status))
        return g_strdup_printf ("ended by signal %d", WTERMSIG (status));
    return g_strdup_printf ("ended with status %d", WEXITSTATUS (status));
}

/* The process has gone: as it should, or before its time. */
static gboolean
bury (Team *team, Worker *w)
{
    int status = 0;
    while (waitpid (w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close (w->fd);
    w->fd = -1;
    g_string_truncate (w->text, 0);
    if (w->next >= team->items)
        return TRUE;
    g_autofree char *lost = fate_of (w, status);
    finish (team, w, NULL, lost);
    return start (team, w);
}

static gboolean
hear (Team *team, Worker *w)
{
    char chunk[4096];
    ssize_t got = read (w->fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR)
        return TRUE;
    if (got <= 0)
        return bury (team, w);
    w->heard = rsp_stopwatch_us ();
    g_string_append_len (w->text, chunk, got);
    for (char *end; (end = strchr (w->text->str, '\n'));) {
        *end = '\0';
        finish (team, w, w->text->str, NULL);
        g_string_erase (w->text, 0, end + 1 - w->text->str);
    }
    return TRUE;
}

static void
watch (const Team *team, Worker *w)
{
    gint64 silent = rsp_stopwatch_us () - w->heard;
    if (!team->patience || w->fd < 0 || w->killed ||
        silent < (gint64)team->patience * G_USEC_PER_SEC)
        return;
    w->killed = TRUE;
    kill (w->pid, SIGKILL);
}

static gboolean
gather (Team *team)
{
    g_autofree struct pollfd *fds = g_new0 (struct pollfd, team->processes);
    while (team->finished < team->items) {
        for (guint k = 0; k < team->processes; k++)
            fds[k] = (struct pollfd){.fd = team->workers[k].fd, .events = POLLIN};
        if (poll (fds, team->processes, 1000) < 0 && errno != EINTR)
            return FALSE;
        for (guint k = 0; k < team->processes; k++) {
            if (fds[k].revents && fds[k].fd >= 0 && !hear (team, &team->workers[k]))
                return FALSE;
            watch (team, &team->workers[k]);
        }
    }
    return TRUE;
}

gboolean
rsp_workers_run (guint items, guint processes, guint patience, RspWorkFunc work,
                 RspWorkDoneFunc done, gpointer data)
{
    Team team = {.items = items,
                 .processes = processes,
                 .patience = patience,
                 .work = work,
                 .done = done,
                 .data = data};
    gboolean good = TRUE;
    team.workers = g_new0 (Worker, processes);
    for (guint k = 0; k < processes; k++) {
        team.workers[k] = (Worker){.next = k, .fd = -1, .text = g_string_new (NULL)};
        good = good && start (&team, &team.workers[k]);
    }
    good = good && gather (&team);
    for (guint k = 0; k < processes; k++) {
        Worker *w = &team.workers[k];
        if (w->fd >= 0) {
            close (w->fd);
            waitpid (w->pid, NULL, 0);
        }
        g_string_free (w->text, TRUE);
    }
    g_free (team.workers);
    return good;
}
