/* rspsim profile build --batch: one template, many subscribers. */
#include "sim/run/cmd-profile.h"

#include "asn1/ids.h"
#include "sim/core/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ROWS 1000000
/* The codes come last, in the order of rsp_saip_codes. */
enum { ICCID, IMSI, K, OPC, CODES };
#define N_COLUMNS (CODES + RSP_SAIP_N_CODES)

static const char *
column_name (guint i)
{
    static const char *const names[] = {"iccid", "imsi", "k", "opc"};
    return i < CODES ? names[i] : rsp_saip_codes[i - CODES].name;
}

typedef struct {
    const RspProfileBatch *batch;
    const RspProfilePackage *template;
    char imsi[16];
    gsize key, opc;       /* octets in the template, 0: none */
    guint codes;          /* which the template has */
    char **lines;         /* (nullable): of the CSV, behind its head */
    int place[N_COLUMNS]; /* of each column in the CSV, -1: none */
    char *cells[N_COLUMNS];
    FILE *list; /* what was made */
} Batch;

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    if (error)
        *error = g_error_new_valist (RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE, format, args);
    va_end (args);
    return FALSE;
}

static void
wipe_text (char **text)
{
    if (*text)
        rsp_wipe (*text, strlen (*text));
    g_clear_pointer (text, g_free);
}

/* --- Subscribers --- */

static char *
random_digits (RspRng *rng, guint n)
{
    char *out = g_malloc0 (n + 1);
    for (guint i = 0; i < n; i++)
        out[i] = (char)('0' + rsp_rng_below (rng, 10));
    return out;
}

static char *
random_hex (RspRng *rng, gsize n)
{
    guint8 octets[32];
    if (!n)
        return NULL;
    rsp_rng_fill (rng, octets, n);
    char *out = rsp_hex (RSP_SLICE (octets, n));
    rsp_wipe (octets, sizeof octets);
    return out;
}

/* What the CSV leaves open. The draws are the same whatever it gives. */
static gboolean
complete (Batch *b, guint64 n, GError **error)
{
    g_autoptr (RspRng) rng = rsp_rng_new ((guint64)b->batch->seed, "profile", "batch", n);
    char *drawn[N_COLUMNS] = {NULL};
    drawn[ICCID] = rsp_iccid_nth (b->template->iccid, n);
    drawn[IMSI] = g_strdup (b->imsi);
    drawn[K] = random_hex (rng, b->key);
    drawn[OPC] = random_hex (rng, b->opc);
    for (guint i = 0; i < RSP_SAIP_N_CODES; i++)
        if (b->codes >> i & 1)
            drawn[CODES + i] =
                random_digits (rng, g_str_has_prefix (rsp_saip_codes[i].name, "pin") ? 4 : 8);
    gboolean counted = drawn[ICCID] && rsp_digits_add (drawn[IMSI], strlen (drawn[IMSI]), n);
    for (guint i = 0; i < N_COLUMNS; i++)
        if (b->cells[i])
            wipe_text (&drawn[i]);
        else
            b->cells[i] = g_steal_pointer (&drawn[i]);
    return counted || refuse (error, "no ICCID or IMSI is left for profile %u", (guint)n + 1);
}

static gboolean
take_row (Batch *b, guint64 n, GError **error)
{
    g_auto (GStrv) words = g_strsplit (b->lines[n], ",", 64);
    guint count = g_strv_length (words);
    for (guint i = 0; i < N_COLUMNS; i++) {
        if (b->place[i] < 0)
            continue;
        if ((guint)b->place[i] >= count)
            return refuse (error, "%s: row %u has no %s", b->batch->csv, (guint)n + 1,
                           column_name (i));
        if (*g_strstrip (words[b->place[i]]))
            b->cells[i] = g_strdup (words[b->place[i]]);
    }
    return TRUE;
}

static gboolean
read_csv (Batch *b, GError **error)
{
    g_autofree char *text = NULL;
    gsize len;
    if (!g_file_get_contents (b->batch->csv, &text, &len, error))
        return FALSE;
    if (memchr (text, 0, len))
        return refuse (error, "%s: no text", b->batch->csv);
    g_strchomp (text);
    g_auto (GStrv) all = g_strsplit (text, "\n", MAX_ROWS + 2);
    rsp_wipe (text, len);
    g_auto (GStrv) names = g_strsplit (all[0] ? all[0] : "", ",", 64);
    for (guint i = 0; names[i]; i++) {
        guint c = 0;
        g_strstrip (names[i]);
        while (c < N_COLUMNS && strcmp (column_name (c), names[i]))
            c++;
        if (c == N_COLUMNS || b->place[c] >= 0)
            return refuse (error,
                           "%s: column %u is unknown or repeats: iccid, imsi, k, opc, pin1, "
                           "pin2, puk1, puk2, adm1 to adm10",
                           b->batch->csv, i + 1);
        b->place[c] = (int)i;
    }
    b->lines = g_strdupv (all + 1);
    return TRUE;
}

/* --- Packages --- */

static gboolean
cell_octets (const Batch *b, guint column, GBytes **ret, GError **error)
{
    if (!b->cells[column])
        return TRUE;
    *ret = rsp_unhex (b->cells[column]);
    return *ret || refuse (error, "%s is not hex", column_name (column));
}

static gboolean
write_private (const char *path, RspSlice data, GError **error)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean good = fd >= 0 && fchmod (fd, 0600) == 0;
    for (gsize done = 0; good && done < data.len;) {
        gssize n = write (fd, data.data + done, data.len - done);
        good = n > 0 || (n < 0 && errno == EINTR);
        done += n > 0 ? (gsize)n : 0;
    }
    int saved = errno;
    if (fd >= 0)
        good = close (fd) == 0 && good;
    return good || refuse (error, "%s: %s", path, g_strerror (saved));
}

/* The list leaves out codes that the template lacks. */
static gboolean
has_column (const Batch *b, guint column)
{
    return column < CODES || b->codes >> (column - CODES) & 1;
}

static gboolean
make_one (Batch *b, GError **error)
{
    g_autoptr (GBytes) key = NULL, opc = NULL, upp = NULL;
    if (!cell_octets (b, K, &key, error) || !cell_octets (b, OPC, &opc, error))
        return FALSE;
    RspSaipPersonal who = {.iccid = b->cells[ICCID],
                           .imsi = b->cells[IMSI],
                           .key = rsp_slice_of (key),
                           .opc = rsp_slice_of (opc)};
    for (guint i = 0; i < RSP_SAIP_N_CODES; i++)
        who.codes[i] = b->cells[CODES + i];
    upp = rsp_saip_personalise (b->template->upp, &who, error);
    if (!upp)
        return FALSE;
    g_autofree char *path = g_strdup_printf ("%s/%s.der", b->batch->dir, b->cells[ICCID]);
    if (!write_private (path, rsp_slice_of (upp), error))
        return FALSE;
    for (guint i = 0; i < N_COLUMNS; i++)
        if (has_column (b, i))
            fprintf (b->list, "%s%s", i ? "," : "", b->cells[i] ? b->cells[i] : "");
    return fputc ('\n', b->list) != EOF || refuse (error, "profiles.csv cannot be written");
}

/* Lengths of the template's K and OPc, and its codes: those that it lacks are not drawn. */
static gboolean
read_template (Batch *b, GError **error)
{
    RspSlice rest = rsp_slice_of (b->template->upp);
    RspSaipElement e;
    RspTlv choice, algorithm, value;
    b->codes = rsp_saip_codes_of (rest);
    if (!rsp_saip_imsi_of (b->template->upp, b->imsi))
        return refuse (error, "the template has no USIM with an IMSI in one piece");
    while (rsp_saip_next (&rest, &e) == RSP_TLV_OK) {
        if (e.tag != RSP_SAIP_AKA_PARAMETER || !rsp_tlv_find (e.body, 0xA1, &choice) ||
            !rsp_tlv_find (choice.value, 0xA1, &algorithm))
            continue;
        if (rsp_tlv_find (algorithm.value, 0x82, &value))
            b->key = value.value.len;
        if (rsp_tlv_find (algorithm.value, 0x83, &value))
            b->opc = value.value.len;
    }
    if (b->key > 32 || b->opc > 32)
        return refuse (error, "the template's keys are longer than 32 octets");
    return TRUE;
}

static FILE *
open_list (const Batch *b, GError **error)
{
    g_autofree char *path = g_build_filename (b->batch->dir, "profiles.csv", NULL);
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod (fd, 0600) < 0) {
        refuse (error, "%s: %s", path, g_strerror (errno));
        if (fd >= 0)
            close (fd);
        return NULL;
    }
    FILE *list = fdopen (fd, "w");
    for (guint i = 0; i < N_COLUMNS; i++)
        if (has_column (b, i))
            fprintf (list, "%s%s", i ? "," : "", column_name (i));
    fputc ('\n', list);
    return list;
}

static gboolean
make_all (Batch *b, GError **error)
{
    gboolean shown = isatty (STDERR_FILENO);
    guint rows = b->lines ? g_strv_length (b->lines) : 0;
    guint count = b->batch->count ? (guint)b->batch->count : rows;
    if (b->lines && count > rows)
        return refuse (error, "%s has only %u rows", b->batch->csv, rows);
    for (guint n = 0; n < count; n++) {
        gboolean good =
            (!b->lines || take_row (b, n, error)) && complete (b, n, error) && make_one (b, error);
        for (guint i = 0; i < N_COLUMNS; i++)
            wipe_text (&b->cells[i]);
        if (!good) {
            g_prefix_error (error, "profile %u: ", n + 1);
            return FALSE;
        }
        if (shown && ((n + 1) % 1000 == 0 || n + 1 == count))
            fprintf (stderr, "\r%u of %u profiles%s", n + 1, count, n + 1 == count ? "\n" : "");
    }
    return TRUE;
}

int
rsp_profile_batch (const char *file, const RspProfilePackage *template,
                   const RspProfileBatch *batch)
{
    g_autoptr (GError) error = NULL;
    Batch b = {.batch = batch, .template = template};
    for (guint i = 0; i < N_COLUMNS; i++)
        b.place[i] = -1;
    gboolean good = read_template (&b, &error) && (!batch->csv || read_csv (&b, &error));
    if (good && g_mkdir_with_parents (batch->dir, 0700) < 0)
        good = refuse (&error, "%s: %s", batch->dir, g_strerror (errno));
    b.list = good ? open_list (&b, &error) : NULL;
    good = b.list && make_all (&b, &error);
    if (b.list && fclose (b.list) != 0 && good)
        good = refuse (&error, "profiles.csv: %s", g_strerror (errno));
    for (guint i = 0; b.lines && b.lines[i]; i++)
        rsp_wipe (b.lines[i], strlen (b.lines[i]));
    g_strfreev (b.lines);
    if (!good)
        rsp_profile_complain (file, error);
    return good ? 0 : 2;
}
