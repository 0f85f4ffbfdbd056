/* rspsim pki: the certificates and keys of a world as files. */
#include "sim/run/commands.h"
#include "sim/run/world.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A key's file never exists with wider rights than its own, not even for a moment, and a name that
 * is already there (a link, say) is not written through. */
static gboolean
write_file (const char *dir, const char *name, const char *suffix, int mode, RspSlice content,
            GError **error)
{
    g_autofree char *file = g_strconcat (name, suffix, NULL);
    g_autofree char *path = g_build_filename (dir, file, NULL);
    g_unlink (path);
    int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    gsize done = 0;
    while (fd >= 0 && done < content.len) {
        gssize n = write (fd, content.data + done, content.len - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (gsize)n : 0;
    }
    int failed = fd < 0 || done < content.len ? errno : 0;
    if (fd >= 0 && close (fd) != 0 && !failed)
        failed = errno;
    if (failed)
        g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (failed), "%s: %s", path,
                     g_strerror (failed));
    return !failed;
}

static gboolean
write_cert (const char *dir, const char *name, const RspCert *cert, GError **error)
{
    g_autofree char *pem = rsp_cert_to_pem (cert);
    return write_file (dir, name, ".der", 0644, rsp_slice_of (rsp_cert_der (cert)), error) &&
           write_file (dir, name, ".pem", 0644, RSP_SLICE (pem, strlen (pem)), error);
}

static gboolean
write_key (const char *dir, const char *name, const RspKey *key, GError **error)
{
    g_autoptr (GBytes) der = rsp_key_to_der (key);
    char *pem = rsp_key_to_pem (key);
    gsize len = strlen (pem);
    gboolean good = write_file (dir, name, ".key.der", 0600, rsp_slice_of (der), error) &&
                    write_file (dir, name, ".key.pem", 0600, RSP_SLICE (pem, len), error);
    rsp_wipe (pem, len);
    g_free (pem);
    return good;
}

/* NAME, or NAME-PURPOSE where the actor has several. */
static gboolean
write_pair (const char *dir, const char *actor, const char *purpose, const RspCert *cert,
            const RspKey *key, GError **error)
{
    g_autofree char *name = purpose ? g_strconcat (actor, "-", purpose, NULL) : g_strdup (actor);
    if (!write_cert (dir, name, cert, error) || (key && !write_key (dir, name, key, error)))
        return FALSE;
    g_autofree char *path = g_build_filename (dir, name, NULL);
    printf ("%s\t%s\t%s.pem\n", actor, rsp_role_name (rsp_cert_role (cert)), path);
    return TRUE;
}

static gboolean
write_actor (const char *dir, const RspWorldActor *a, GError **error)
{
    const char *name = a->base.name;
    if (a->role == RSP_ACTOR_CI)
        return write_pair (dir, name, NULL, rsp_ci_cert (a->ci), rsp_ci_key (a->ci), error);
    if (a->role == RSP_ACTOR_EUM)
        return write_pair (dir, name, NULL, rsp_eum_cert (a->eum), rsp_eum_key (a->eum), error);
    for (guint i = 0; i < a->credentials->len; i++) {
        const RspWorldCredential *c = a->credentials->pdata[i];
        if (!write_pair (dir, name, c->purpose, c->cert, c->key, error))
            return FALSE;
    }
    return TRUE;
}

/* Today, for TLS certificates like those of `serve`. */
static gint64
today (void)
{
    g_autoptr (RspLoop) clock = rsp_loop_new (RSP_CLOCK_REAL, 0);
    return rsp_loop_wall (clock) / G_USEC_PER_SEC;
}

static gboolean
write_world (const char *path, const char *dir, gint64 seed, gboolean for_today, GError **error)
{
    g_autoptr (RspScenario) scenario = rsp_scenario_load_world (path, error);
    if (!scenario)
        return FALSE;
    g_autoptr (RspLoop) loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, rsp_world_start (scenario));
    const RspWorldOptions options = {
        .loop = loop, .seed = seed, .tls_from = for_today ? today () : 0};
    g_autoptr (RspWorld) world = rsp_world_new (scenario, &options, error);
    if (!world)
        return FALSE;
    if (g_mkdir_with_parents (dir, 0755) != 0) {
        g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", dir,
                     g_strerror (errno));
        return FALSE;
    }
    for (guint i = 0; i < world->actors->len; i++)
        if (!write_actor (dir, world->actors->pdata[i], error))
            return FALSE;
    return TRUE;
}

int
rsp_cmd_pki (int argc, char **argv)
{
    g_autofree char *dir = NULL;
    gint64 seed = -1;
    gboolean for_today = FALSE;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &dir, "the folder to write to", "D"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "instead of the world's own", "N"},
        {"today", 0, 0, G_OPTION_ARG_NONE, &for_today,
         "TLS certificates valid from today, as `serve` makes them", NULL},
        {NULL}};
    g_autoptr (GOptionContext) context =
        g_option_context_new ("WORLD -o D - write every certificate and key of a world");
    g_autoptr (GError) error = NULL;
    g_option_context_add_main_entries (context, entries, NULL);
    gboolean parsed = g_option_context_parse (context, &argc, &argv, &error);
    if (!parsed || argc != 2 || !dir || seed < -1) {
        fprintf (stderr, "rspsim pki: %s\n",
                 error ? error->message : "usage: rspsim pki WORLD -o D");
        return 2;
    }
    if (write_world (argv[1], dir, seed, for_today, &error))
        return 0;
    g_autofree char *shown = rsp_escape_text (error->message, -1, 1000);
    fprintf (stderr, "rspsim pki: %s\n", shown);
    return 2;
}
