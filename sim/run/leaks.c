#include "sim/run/leaks.h"

#include <string.h>

#define SAMPLE 24    /* octets; nothing of that length occurs by chance */
#define ALIGNMENTS 3 /* of base64 */

typedef struct {
    const char *iccid;
    RspSlice octets;
    char *base64[ALIGNMENTS];
} Needle;

struct _RspLeaks {
    GArray *needles; /* of Needle */
    char *seen;
};

/* The most telling stretch of a package, which has the most different octets: files are full of FF,
 * keys are not. */
static RspSlice
sample_of (RspSlice upp)
{
    guint count[256] = {0}, different = 0, most = 0;
    gsize best = 0;
    for (gsize end = 0; end < upp.len; end++) {
        different += count[upp.data[end]]++ == 0;
        if (end >= SAMPLE)
            different -= --count[upp.data[end - SAMPLE]] == 0;
        if (end + 1 >= SAMPLE && different > most) {
            most = different;
            best = end + 1 - SAMPLE;
        }
    }
    return RSP_SLICE (upp.data + best, MIN (upp.len, SAMPLE));
}

/* Whole base64 quanta of the sample, as they look when SKIP octets stand in another quantum. */
static char *
base64_of (RspSlice sample, guint skip)
{
    gsize n = (sample.len - skip) / 3 * 3;
    return g_base64_encode (sample.data + skip, n);
}

static void
needle_clear (gpointer data)
{
    Needle *needle = data;
    for (guint k = 0; k < ALIGNMENTS; k++)
        g_free (needle->base64[k]);
}

RspLeaks *
rsp_leaks_new (const GPtrArray *packages)
{
    RspLeaks *leaks = g_new0 (RspLeaks, 1);
    /* The profiles of a pool share their most telling stretch: it is looked for once. */
    g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
    leaks->needles = g_array_new (FALSE, TRUE, sizeof (Needle));
    g_array_set_clear_func (leaks->needles, needle_clear);
    for (guint i = 0; i < packages->len; i++) {
        const RspWorldPackage *p = packages->pdata[i];
        Needle needle = {.iccid = p->iccid, .octets = sample_of (rsp_slice_of (p->package->upp))};
        if (needle.octets.len < SAMPLE)
            continue;
        for (guint k = 0; k < ALIGNMENTS; k++)
            needle.base64[k] = base64_of (needle.octets, k);
        if (g_hash_table_contains (known, needle.base64[0])) {
            needle_clear (&needle);
            continue;
        }
        g_hash_table_add (known, needle.base64[0]);
        g_array_append_val (leaks->needles, needle);
    }
    return leaks;
}

void
rsp_leaks_free (RspLeaks *leaks)
{
    if (!leaks)
        return;
    g_array_unref (leaks->needles);
    g_free (leaks->seen);
    g_free (leaks);
}

static gboolean
stands_in (const Needle *needle, const RspTraceEvent *e)
{
    if (e->encoding != RSP_ENC_JSON)
        return memmem (e->body.data, e->body.len, needle->octets.data, needle->octets.len) != NULL;
    for (guint k = 0; k < ALIGNMENTS; k++)
        if (memmem (e->body.data, e->body.len, needle->base64[k], strlen (needle->base64[k])))
            return TRUE;
    return FALSE;
}

void
rsp_leaks_look (RspLeaks *leaks, const RspTraceEvent *e)
{
    if (leaks->seen || e->kind != RSP_TRACE_MESSAGE || e->stage != RSP_STAGE_SENT || !e->has_body ||
        e->body.len < SAMPLE)
        return;
    for (guint i = 0; i < leaks->needles->len; i++) {
        const Needle *needle = &g_array_index (leaks->needles, Needle, i);
        if (stands_in (needle, e)) {
            leaks->seen = g_strdup_printf ("%s in %s", needle->iccid, e->function->full_name);
            return;
        }
    }
}

const char *
rsp_leaks_seen (const RspLeaks *leaks)
{
    return leaks->seen;
}
