/* Byte helpers: slices, hex, constant-time comparison, wiping, terminal-safe text.
 *
 * A slice borrows memory; it never owns it and must not outlive its owner.
 */
#pragma once

#include <glib.h>

typedef struct {
    const guint8 *data;
    gsize len;
} RspSlice;

#define RSP_SLICE(p, n) ((RspSlice){(const guint8 *)(p), (n)})
#define RSP_SLICE_ARRAY(a) ((RspSlice){(const guint8 *)(a), sizeof (a)})

RspSlice rsp_slice_of (GBytes *bytes);                /* (nullable): empty slice for NULL */
GBytes *rsp_slice_to_bytes (RspSlice s);              /* (transfer full): a copy */
GBytes *rsp_slice_share (GBytes *owner, RspSlice s);  /* (transfer full): shares OWNER's memory */
gboolean rsp_slice_equal (RspSlice a, RspSlice b);    /* fast, for public data */
gboolean rsp_slice_equal_ct (RspSlice a, RspSlice b); /* constant time, for MACs and hashes */

/* Lower-case hex. (transfer full) */
char *rsp_hex (RspSlice s);
void rsp_hex_append (GString *out, RspSlice s);
/* Accepts upper and lower case and nothing else; NULL on an odd length or a bad digit. */
GBytes *rsp_unhex (const char *hex);

/* Overwrites N octets in a way the compiler keeps. */
void rsp_wipe (void *p, gsize n);
/* A GBytes whose memory is wiped when the last reference goes. (transfer full) */
GBytes *rsp_secret_bytes (const guint8 *data, gsize len);

/* Printable form of untrusted text: control characters, escapes and bad UTF-8 become \xNN; cut at
 * MAX characters with "…". (transfer full) */
char *rsp_escape_text (const char *text, gssize len, gsize max);

/* The one copy of TEXT, which stays until the process ends; NULL for NULL. For names of actors and
 * files alone. (GLib's quarks leak their tables once there are some thousands.) */
const char *rsp_intern (const char *text);

/* The closest of NAMES (NULL-terminated) to WORD by edit distance, or NULL if none is close. */
const char *rsp_suggest (const char *word, const char *const *names);
