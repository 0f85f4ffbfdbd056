#include "sim/net/trace-json.h"

#define MAX_DEPTH 128

static const char hex_digits[] = "0123456789abcdef";

void
rsp_json_grow (RspJsonOut *out, gsize more)
{
    gsize room = MAX (out->len + more, MAX (2 * out->room, 4096));
    out->data = g_realloc (out->data, room);
    out->room = room;
}

typedef guint8 Sixteen __attribute__ ((vector_size (16)));
typedef guint64 Two __attribute__ ((vector_size (16)));

static inline gboolean
special (guint8 c)
{
    return c < 0x20 || c >= 0x7f || c == '"' || c == '\\';
}

/* How many octets from the start are printable ASCII other than " and \. Most of a body is base64,
 * so sixteen are looked at together. */
static gsize
plain_run (const guint8 *p, gsize n)
{
    gsize i = 0;

    for (; i + 16 <= n; i += 16) {
        Sixteen v;
        memcpy (&v, p + i, 16);
        Two found = (Two)((v < 0x20) | (v >= 0x7f) | (v == '"') | (v == '\\'));
        if (found[0] | found[1])
            break;
    }
    while (i < n && !special (p[i]))
        i++;
    return i;
}

static gboolean
unsafe_character (gunichar c)
{
    return (c >= 0x80 && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void
escape_code (RspJsonOut *out, guint code)
{
    char text[6] = {'\\',
                    'u',
                    hex_digits[code >> 12 & 15],
                    hex_digits[code >> 8 & 15],
                    hex_digits[code >> 4 & 15],
                    hex_digits[code & 15]};
    rsp_json_raw (out, text, sizeof text);
}

/* Writes the one character at P that plain_run stopped at; returns its octets. */
static gsize
escape_one (RspJsonOut *out, const guint8 *p, gsize n)
{
    static const char *const letters = "\"\"\\\\\nn\tt\rr";
    gunichar c;

    if (*p >= 0x80) {
        gsize octets;
        c = g_utf8_get_char_validated ((const char *)p, (gssize)n);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            escape_code (out, 0xfffd);
            return 1;
        }
        octets = (gsize)g_unichar_to_utf8 (c, NULL);
        if (unsafe_character (c))
            escape_code (out, c);
        else
            rsp_json_raw (out, (const char *)p, octets);
        return octets;
    }
    for (const char *l = letters; *l; l += 2)
        if (*p == (guint8)l[0]) {
            char text[2] = {'\\', l[1]};
            rsp_json_raw (out, text, 2);
            return 1;
        }
    escape_code (out, *p);
    return 1;
}

void
rsp_json_escape (RspJsonOut *out, RspSlice text)
{
    gsize i = 0;

    while (i < text.len) {
        gsize run = plain_run (text.data + i, text.len - i);
        rsp_json_raw (out, (const char *)text.data + i, run);
        i += run;
        if (i < text.len)
            i += escape_one (out, text.data + i, text.len - i);
    }
}

void
rsp_json_hex (RspJsonOut *out, RspSlice octets)
{
    static guint16 pairs[256];
    char *to;

    if (G_UNLIKELY (!pairs[0]))
        for (guint i = 0; i < 256; i++) {
            char pair[2] = {hex_digits[i >> 4], hex_digits[i & 15]};
            memcpy (&pairs[i], pair, 2);
        }
    if (out->room - out->len < 2 * octets.len)
        rsp_json_grow (out, 2 * octets.len);
    to = out->data + out->len;
    for (gsize i = 0; i < octets.len; i++)
        memcpy (to + 2 * i, &pairs[octets.data[i]], 2);
    out->len += 2 * octets.len;
}

void
rsp_json_number (RspJsonOut *out, guint64 value)
{
    char digits[20];
    gsize at = sizeof digits;

    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    rsp_json_raw (out, digits + at, sizeof digits - at);
}

typedef struct {
    const guint8 *p, *end;
    gboolean high; /* met an octet above 7f */
} Scan;

static void
skip_blanks (Scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

static gboolean
take (Scan *s, char c)
{
    if (s->p == s->end || *s->p != (guint8)c)
        return FALSE;
    s->p++;
    return TRUE;
}

static gboolean
scan_escape (Scan *s)
{
    static const char simple[] = "\"\\/bfnrt";

    if (s->p == s->end)
        return FALSE;
    if (*s->p != 'u')
        return *s->p != 0 && strchr (simple, *s->p++) != NULL;
    s->p++;
    for (int i = 0; i < 4; i++, s->p++)
        if (s->p == s->end || !g_ascii_isxdigit ((char)*s->p))
            return FALSE;
    return TRUE;
}

/* After the opening quote, up to and with the closing one. */
static gboolean
scan_string (Scan *s)
{
    for (;;) {
        s->p += plain_run (s->p, (gsize)(s->end - s->p));
        if (s->p == s->end || *s->p < 0x20)
            return FALSE;
        guint8 c = *s->p++;
        if (c == '"')
            return TRUE;
        if (c == '\\' && !scan_escape (s))
            return FALSE;
        if (c >= 0x80)
            s->high = TRUE;
    }
}

static gboolean
scan_digits (Scan *s)
{
    const guint8 *start = s->p;
    while (s->p < s->end && g_ascii_isdigit ((char)*s->p))
        s->p++;
    return s->p > start;
}

static gboolean
scan_number (Scan *s)
{
    take (s, '-');
    if (!take (s, '0') && !scan_digits (s))
        return FALSE;
    if (take (s, '.') && !scan_digits (s))
        return FALSE;
    if (take (s, 'e') || take (s, 'E')) {
        if (!take (s, '+'))
            take (s, '-');
        return scan_digits (s);
    }
    return TRUE;
}

static gboolean
scan_word (Scan *s, const char *word)
{
    gsize len = strlen (word);
    if ((gsize)(s->end - s->p) < len || memcmp (s->p, word, len) != 0)
        return FALSE;
    s->p += len;
    return TRUE;
}

static gboolean
scan_scalar (Scan *s)
{
    if (take (s, '"'))
        return scan_string (s);
    return scan_word (s, "true") || scan_word (s, "false") || scan_word (s, "null") ||
           scan_number (s);
}

static gboolean
scan_key (Scan *s)
{
    skip_blanks (s);
    if (!take (s, '"') || !scan_string (s))
        return FALSE;
    skip_blanks (s);
    return take (s, ':');
}

/* Opens containers until a value is whole: a scalar or an empty container. */
static gboolean
scan_open (Scan *s, char *closers, guint *depth)
{
    for (;;) {
        skip_blanks (s);
        gboolean object = take (s, '{');
        if (!object && !take (s, '['))
            return scan_scalar (s);
        char closer = object ? '}' : ']';
        skip_blanks (s);
        if (take (s, closer))
            return TRUE;
        if (*depth == MAX_DEPTH)
            return FALSE;
        closers[(*depth)++] = closer;
        if (object && !scan_key (s))
            return FALSE;
    }
}

gboolean
rsp_json_well_formed (RspSlice text)
{
    Scan s = {text.data, text.data + text.len, FALSE};
    char closers[MAX_DEPTH];
    guint depth = 0;

    do {
        if (!scan_open (&s, closers, &depth))
            return FALSE;
        skip_blanks (&s);
        while (depth > 0 && take (&s, closers[depth - 1])) {
            depth--;
            skip_blanks (&s);
        }
        if (depth > 0 && (!take (&s, ',') || (closers[depth - 1] == '}' && !scan_key (&s))))
            return FALSE;
    } while (depth > 0);
    return s.p == s.end &&
           (!s.high || g_utf8_validate_len ((const char *)text.data, text.len, NULL));
}
