#include "sim/core/bytes.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

RspSlice
rsp_slice_of (GBytes *bytes)
{
    RspSlice s = {NULL, 0};
    if (bytes)
        s.data = g_bytes_get_data (bytes, &s.len);
    return s;
}

GBytes *
rsp_slice_to_bytes (RspSlice s)
{
    return g_bytes_new (s.data, s.len);
}

GBytes *
rsp_slice_share (GBytes *owner, RspSlice s)
{
    RspSlice whole = rsp_slice_of (owner);
    if (s.len == 0)
        return g_bytes_new_static (NULL, 0);
    g_assert (s.data >= whole.data && s.data + s.len <= whole.data + whole.len);
    return g_bytes_new_from_bytes (owner, (gsize)(s.data - whole.data), s.len);
}

gboolean
rsp_slice_equal (RspSlice a, RspSlice b)
{
    return a.len == b.len && (a.len == 0 || memcmp (a.data, b.data, a.len) == 0);
}

gboolean
rsp_slice_equal_ct (RspSlice a, RspSlice b)
{
    volatile guint8 difference = 0;

    if (a.len != b.len)
        return FALSE;
    for (gsize i = 0; i < a.len; i++)
        difference |= a.data[i] ^ b.data[i];
    return difference == 0;
}

static void
hex_write (char *out, RspSlice s)
{
    for (gsize i = 0; i < s.len; i++) {
        out[2 * i] = hex_digits[s.data[i] >> 4];
        out[2 * i + 1] = hex_digits[s.data[i] & 15];
    }
}

char *
rsp_hex (RspSlice s)
{
    char *text = g_malloc (2 * s.len + 1);
    hex_write (text, s);
    text[2 * s.len] = '\0';
    return text;
}

void
rsp_hex_append (GString *out, RspSlice s)
{
    gsize at = out->len;
    g_string_set_size (out, at + 2 * s.len);
    hex_write (out->str + at, s);
}

GBytes *
rsp_unhex (const char *hex)
{
    gsize len = strlen (hex);
    g_autofree guint8 *out = NULL;

    if (len % 2)
        return NULL;
    out = g_malloc (len / 2 + 1);
    for (gsize i = 0; i < len; i += 2) {
        int high = g_ascii_xdigit_value (hex[i]);
        int low = g_ascii_xdigit_value (hex[i + 1]);
        if (high < 0 || low < 0)
            return NULL;
        out[i / 2] = (guint8)(high << 4 | low);
    }
    return g_bytes_new_take (g_steal_pointer (&out), len / 2);
}

void
rsp_wipe (void *p, gsize n)
{
    if (n)
        explicit_bzero (p, n);
}

typedef struct {
    gsize len;
    guint8 data[];
} Secret;

static void
secret_free (gpointer p)
{
    Secret *secret = p;
    rsp_wipe (secret->data, secret->len);
    g_free (secret);
}

GBytes *
rsp_secret_bytes (const guint8 *data, gsize len)
{
    Secret *secret = g_malloc (sizeof *secret + len);
    secret->len = len;
    if (len)
        memcpy (secret->data, data, len);
    return g_bytes_new_with_free_func (secret->data, len, secret_free, secret);
}

/* Line and paragraph separators print, yet break the line; invisible format characters
 * (bidirectional overrides among them) GLib already calls unprintable. */
static gboolean
printable (gunichar c)
{
    return g_unichar_isprint (c) && c != 0x2028 && c != 0x2029;
}

char *
rsp_escape_text (const char *text, gssize len, gsize max)
{
    gsize size = len < 0 ? strlen (text) : (gsize)len;
    GString *out = g_string_sized_new (MIN (size, max) + 8);
    gsize i = 0, written = 0;

    while (i < size) {
        gunichar c = g_utf8_get_char_validated (text + i, (gssize)(size - i));
        gboolean whole = c != (gunichar)-1 && c != (gunichar)-2;
        gsize octets = whole ? (gsize)g_unichar_to_utf8 (c, NULL) : 1;
        gboolean plain = whole && printable (c);
        gsize width = plain ? 1 : 4 * octets;

        if (written + width > max) {
            g_string_append (out, "…");
            break;
        }
        if (plain)
            g_string_append_len (out, text + i, (gssize)octets);
        else
            for (gsize k = 0; k < octets; k++)
                g_string_append_printf (out, "\\x%02x", (guint8)text[i + k]);
        written += width;
        i += octets;
    }
    return g_string_free (out, FALSE);
}

#define SUGGEST_MAX 64

/* Edit distance with neighbouring letters swapped counted as one, letters compared without case. */
static guint
edit_distance (const char *a, gsize a_len, const char *b, gsize b_len)
{
    guint8 rows[3][SUGGEST_MAX + 1];

    for (gsize j = 0; j <= b_len; j++)
        rows[0][j] = (guint8)j;
    for (gsize i = 1; i <= a_len; i++) {
        guint8 *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (guint8)i;
        for (gsize j = 1; j <= b_len; j++) {
            char x = g_ascii_tolower (a[i - 1]), y = g_ascii_tolower (b[j - 1]);
            guint best = above[j - 1] + (x != y);
            best = MIN (best, above[j] + 1u);
            best = MIN (best, row[j - 1] + 1u);
            if (i > 1 && j > 1 && x == g_ascii_tolower (b[j - 2]) &&
                g_ascii_tolower (a[i - 2]) == y)
                best = MIN (best, above2[j - 2] + 1u);
            row[j] = (guint8)best;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *
rsp_suggest (const char *word, const char *const *names)
{
    gsize len = strlen (word);
    guint best = len < 4 ? 1 : MIN (1 + (guint)len / 4, 5);
    const char *found = NULL;

    if (len == 0 || len > SUGGEST_MAX)
        return NULL;
    for (; *names; names++) {
        gsize name_len = strlen (*names);
        if (name_len > SUGGEST_MAX)
            continue;
        guint distance = edit_distance (word, len, *names, name_len);
        if (distance < best || (distance == best && !found)) {
            best = distance;
            found = *names;
        }
    }
    return found;
}

const char *
rsp_intern (const char *text)
{
    static GStringChunk *copies;
    if (!copies)
        copies = g_string_chunk_new (1024);
    return text ? g_string_chunk_insert_const (copies, text) : NULL;
}
