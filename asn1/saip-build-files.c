#include "asn1/saip-build.h"

#include "asn1/saip-content.h"

#include <string.h>

#define MAX_SIZE 65535

/* A description read; what is not given is 0, NULL or -1. */
typedef struct {
    const RspYaml *node, *at;
    const RspSaipFile *row;
    GPtrArray *parts;
    GBytes *fill, *repeat, *aid, *pins, *link, *security;
    guint8 structure; /* low six bits of the descriptor */
    gint64 size, record_size, records, sfi, fid, lcsi, special, maximum;
    gboolean create, record_given;
} Spec;

static void
spec_clear (Spec *spec)
{
    g_clear_pointer (&spec->parts, g_ptr_array_unref);
    g_clear_pointer (&spec->fill, g_bytes_unref);
    g_clear_pointer (&spec->repeat, g_bytes_unref);
    g_clear_pointer (&spec->aid, g_bytes_unref);
    g_clear_pointer (&spec->pins, g_bytes_unref);
    g_clear_pointer (&spec->link, g_bytes_unref);
    g_clear_pointer (&spec->security, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Spec, spec_clear)

static gboolean
is_record_file (const Spec *spec)
{
    return spec->structure == 0x02 || spec->structure == 0x06;
}

/* --- Reading --- */

gboolean
rsp_saip_build_path (const RspYaml *node, GBytes **ret, GError **error)
{
    const char *text;
    if (!rsp_yaml_text (node, &text, error))
        return FALSE;
    g_auto (GStrv) words = g_strsplit (text, "/", -1);
    g_autofree char *joined = g_strjoinv ("", words);
    g_autoptr (GBytes) path = rsp_unhex (joined);
    for (guint i = 0; words[i]; i++)
        if (strlen (words[i]) != 4 && *text)
            g_clear_pointer (&path, g_bytes_unref);
    if (!path || g_bytes_get_size (path) > 8)
        return rsp_yaml_fail (node, error, "a path is up to four file identifiers: 7FD0/5F3A");
    *ret = g_steal_pointer (&path);
    return TRUE;
}

static gboolean
read_security (Spec *spec, const RspYaml *map, GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, "security");
    if (!node)
        return TRUE;
    gint64 record;
    if (node->kind == RSP_YAML_SCALAR && strlen (node->text) == 6)
        return rsp_yaml_hex (node, &spec->security, error);
    if (!rsp_yaml_int (node, 1, 255, &record, error))
        return FALSE;
    guint8 octet = (guint8)record;
    spec->security = g_bytes_new (&octet, 1);
    return TRUE;
}

static gboolean
read_fid (Spec *spec, const RspYaml *map, GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, "fid");
    g_autoptr (GBytes) fid = NULL;
    if (!node)
        return TRUE;
    if (!rsp_yaml_hex (node, &fid, error))
        return FALSE;
    if (g_bytes_get_size (fid) != 2)
        return rsp_yaml_fail (node, error, "a file identifier has four hexadecimal digits");
    const guint8 *octets = g_bytes_get_data (fid, NULL);
    spec->fid = octets[0] << 8 | octets[1];
    return TRUE;
}

static gboolean
read_sfi (Spec *spec, const RspYaml *map, GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, "sfi");
    if (node && node->kind == RSP_YAML_SCALAR && !strcmp (node->text, "none")) {
        spec->sfi = 0;
        return TRUE;
    }
    return !node || rsp_yaml_int (node, 1, 30, &spec->sfi, error);
}

static gboolean
read_type (Spec *spec, const RspYaml *map, GError **error)
{
    static const struct {
        const char *name;
        guint8 structure;
    } types[] = {
        {"transparent", 0x01}, {"linear", 0x02}, {"cyclic", 0x06}, {"ber-tlv", 0x39}, {"df", 0x38}};
    const char *name = NULL;
    if (!rsp_yaml_opt_text (map, "type", &name, error))
        return FALSE;
    if (spec->row || !name)
        return spec->row ? !name || rsp_yaml_fail (map, error, "the template says the type")
                         : rsp_yaml_fail (map, error, "type is missing");
    for (guint i = 0; i < G_N_ELEMENTS (types); i++)
        if (!strcmp (types[i].name, name)) {
            spec->structure = types[i].structure;
            return TRUE;
        }
    return rsp_yaml_fail (rsp_yaml_get (map, "type"), error,
                          "a type is transparent, linear, cyclic, ber-tlv or df");
}

static gboolean
read_octets (const RspYaml *map, const char *key, gsize min, gsize max, GBytes **ret,
             GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    if (!node)
        return TRUE;
    if (!rsp_yaml_hex (node, ret, error))
        return FALSE;
    gsize n = g_bytes_get_size (*ret);
    if (n < min || n > max)
        return rsp_yaml_fail (node, error, "%s has %u to %u octets", key, (guint)min, (guint)max);
    return TRUE;
}

static gboolean
read_byte (const RspYaml *map, const char *key, gint64 *ret, GError **error)
{
    g_autoptr (GBytes) octet = NULL;
    if (!read_octets (map, key, 1, 1, &octet, error))
        return FALSE;
    if (octet)
        *ret = *(const guint8 *)g_bytes_get_data (octet, NULL);
    return TRUE;
}

/* At most one of the value keys. */
static gboolean
read_value (Spec *spec, const RspYaml *map, GError **error)
{
    const RspYaml *value = NULL;
    const char *const *names = rsp_saip_value_names ();
    for (guint i = 0; names[i]; i++) {
        const RspYaml *node = rsp_yaml_get (map, names[i]);
        if (node && value)
            return rsp_yaml_fail (node, error, "the content is given already as %s", value->key);
        value = node ? node : value;
    }
    if (!value)
        return TRUE;
    guint record = is_record_file (spec) ? (guint)MAX (spec->record_size, 0) : 0;
    spec->parts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    return rsp_saip_value (value->key, value, record, spec->parts, error);
}

static gboolean
only_known (const RspYaml *map, GError **error)
{
    static const char *const other[] = {
        "fill",    "repeat",  "size", "record-size", "records", "security", "sfi",  "fid", "lcsi",
        "special", "maximum", "aid",  "pins",        "link",    "create",   "type", NULL};
    const char *names[64];
    guint n = 0;
    const char *const *values = rsp_saip_value_names ();
    for (guint i = 0; values[i]; i++)
        names[n++] = values[i];
    for (guint i = 0; other[i]; i++)
        names[n++] = other[i];
    names[n] = NULL;
    g_assert (n < G_N_ELEMENTS (names));
    return rsp_yaml_only (map, names, error);
}

static gboolean
read_map (Spec *spec, const RspYaml *map, GError **error)
{
    const RspYaml *link = rsp_yaml_get (map, "link");
    spec->record_given = rsp_yaml_get (map, "record-size") != NULL;
    return only_known (map, error) && read_type (spec, map, error) &&
           read_octets (map, "fill", 1, 255, &spec->fill, error) &&
           read_octets (map, "repeat", 1, 255, &spec->repeat, error) &&
           read_octets (map, "aid", 5, 16, &spec->aid, error) &&
           read_octets (map, "pins", 0, 16, &spec->pins, error) &&
           rsp_yaml_opt_int (map, "size", 1, MAX_SIZE, &spec->size, error) &&
           rsp_yaml_opt_int (map, "record-size", 1, 255, &spec->record_size, error) &&
           rsp_yaml_opt_int (map, "records", 1, 254, &spec->records, error) &&
           rsp_yaml_opt_int (map, "maximum", 1, MAX_SIZE, &spec->maximum, error) &&
           rsp_yaml_opt_bool (map, "create", &spec->create, error) &&
           read_byte (map, "lcsi", &spec->lcsi, error) &&
           read_byte (map, "special", &spec->special, error) && read_security (spec, map, error) &&
           read_sfi (spec, map, error) && read_fid (spec, map, error) &&
           (!link || rsp_saip_build_path (link, &spec->link, error)) &&
           read_value (spec, map, error);
}

static gboolean
read_spec (Spec *spec, const RspYaml *node, GError **error)
{
    if (node && node->kind == RSP_YAML_MAP)
        return read_map (spec, node, error);
    if (!spec->row)
        return rsp_yaml_fail (node, error, "a file is a map: {fid: …, type: …}");
    if (!node || (node->kind == RSP_YAML_SCALAR && !node->quoted && !*node->text))
        return TRUE;
    spec->parts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    return rsp_saip_value ("content", node, 0, spec->parts, error);
}

/* --- Sizes --- */

static gsize
longest_part (const Spec *spec)
{
    gsize n = 0;
    for (guint i = 0; spec->parts && i < spec->parts->len; i++)
        n = MAX (n, g_bytes_get_size (spec->parts->pdata[i]));
    return n;
}

static gsize
all_parts (const Spec *spec)
{
    gsize n = 0;
    for (guint i = 0; spec->parts && i < spec->parts->len; i++)
        n += g_bytes_get_size (spec->parts->pdata[i]);
    return n;
}

static gboolean
misfit (const Spec *spec, GError **error, const char *what)
{
    const char *member = spec->row ? spec->row->member : "file";
    const RspYaml *at = spec->node ? spec->node : spec->at;
    if (at)
        return rsp_yaml_fail (at, error, "%s: %s", member, what);
    g_set_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE, "%s: %s", member, what);
    return FALSE;
}

/* Sizes that differ from the template's are left > 0 for the descriptor, others become -1. */
static gboolean
settle_records (Spec *spec, gint64 *ret_record_size, GError **error)
{
    const RspSaipFile *row = spec->row;
    guint parts = spec->parts ? spec->parts->len : 0;
    gint64 record = spec->record_size > 0 ? spec->record_size : (gint64)longest_part (spec);
    if (!record && spec->fill)
        record = g_bytes_get_size (spec->fill);
    if (!record || record > 255)
        return misfit (spec, error, "record-size is missing, or a record is too long");
    if (record < (gint64)longest_part (spec))
        return misfit (spec, error, "a record is longer than record-size");
    if (spec->size > 0 && (spec->size % record || spec->records > 0))
        return misfit (spec, error, "size is no multiple of record-size, or both are given");
    gint64 records = spec->size > 0      ? spec->size / record
                     : spec->records > 0 ? spec->records
                     : row               ? MAX (row->records, parts)
                                         : parts;
    if (records < parts || records > 254 || !records)
        return misfit (spec, error, "the number of records is missing or too small");
    gboolean same = row && row->records == records && row->record_size == record;
    spec->size = same ? -1 : records * record;
    spec->record_size = row && row->record_size == record && !spec->record_given ? -1 : record;
    *ret_record_size = record;
    return TRUE;
}

static gboolean
settle_transparent (Spec *spec, GError **error)
{
    gint64 content = all_parts (spec), template_size = spec->row ? spec->row->size : 0;
    if (!content && spec->fill)
        content = g_bytes_get_size (spec->fill);
    gint64 size = spec->size > 0 ? spec->size : MAX (template_size, content);
    if (!size || size > MAX_SIZE)
        return misfit (spec, error, "size is missing or too large");
    if (size < (gint64)all_parts (spec))
        return misfit (spec, error, "the content is longer than the file");
    spec->size = size == template_size ? -1 : size;
    return TRUE;
}

static gboolean
settle_sizes (Spec *spec, gint64 *ret_record_size, GError **error)
{
    *ret_record_size = 0;
    if (spec->structure == 0x38 || (spec->link && g_bytes_get_size (spec->link)))
        return TRUE;
    if (spec->fill && spec->repeat)
        return misfit (spec, error, "fill and repeat exclude each other");
    if (spec->row && spec->row->required && !spec->parts && !spec->fill && !spec->repeat)
        return misfit (spec, error, "the content is missing");
    return is_record_file (spec) ? settle_records (spec, ret_record_size, error)
                                 : settle_transparent (spec, error);
}

/* --- Writing --- */

static void
put_byte (GByteArray *out, guint32 tag, gint64 value)
{
    guint8 octet = (guint8)value;
    if (value >= 0)
        rsp_tlv_put (out, tag, RSP_SLICE (&octet, 1));
}

static void
put_octets (GByteArray *out, guint32 tag, GBytes *octets)
{
    if (octets)
        rsp_tlv_put (out, tag, rsp_slice_of (octets));
}

/* Without leading zeros. */
static void
put_size (GByteArray *out, guint32 tag, gint64 size)
{
    guint8 octets[2] = {(guint8)(size >> 8), (guint8)size};
    gsize skip = size < 256;
    if (size > 0)
        rsp_tlv_put (out, tag, RSP_SLICE (octets + skip, 2 - skip));
}

static void
put_proprietary (GByteArray *out, const Spec *spec)
{
    g_autoptr (GByteArray) inner = g_byte_array_new ();
    put_byte (inner, 0xC0, spec->special);
    put_octets (inner, 0xC1, spec->fill);
    put_octets (inner, 0xC2, spec->repeat);
    put_size (inner, 0x86, spec->maximum);
    if (inner->len)
        rsp_tlv_put (out, 0xA5, RSP_SLICE (inner->data, inner->len));
}

static void
put_security (GByteArray *out, const Spec *spec, const RspSaipFileHints *hints)
{
    if (spec->security)
        rsp_tlv_put (out, 0x8B, rsp_slice_of (spec->security));
    else if (!spec->row)
        put_byte (out, 0x8B, spec->structure == 0x38 ? 14 : 10);
    else if (hints->full && spec->row->arr_record) {
        guint8 rule[] = {(guint8)(hints->arr_fid >> 8), (guint8)hints->arr_fid,
                         spec->row->arr_record};
        rsp_tlv_put (out, 0x8B, RSP_SLICE (rule, sizeof rule));
    }
}

static void
put_fcp (GByteArray *out, const Spec *spec, const RspSaipFileHints *hints)
{
    guint8 fid[] = {(guint8)(spec->fid >> 8), (guint8)spec->fid};
    gint64 record_size = spec->record_size > 0 ? spec->record_size
                         : spec->row           ? spec->row->record_size
                                               : 0;
    guint8 descriptor[] = {0x40 | spec->structure, 0x21, 0, (guint8)record_size};
    if (!spec->row || (is_record_file (spec) && spec->record_size > 0) ||
        (hints->full && spec->structure != 0x38))
        rsp_tlv_put (out, 0x82, RSP_SLICE (descriptor, is_record_file (spec) ? 4 : 2));
    if (spec->fid >= 0)
        rsp_tlv_put (out, 0x83, RSP_SLICE (fid, 2));
    if (spec->aid || hints->aid.len)
        rsp_tlv_put (out, 0x84, spec->aid ? rsp_slice_of (spec->aid) : hints->aid);
    put_byte (out, 0x8A, spec->lcsi);
    put_security (out, spec, hints);
    put_size (out, 0x80, spec->size);
    if (spec->structure == 0x38)
        rsp_tlv_put (out, 0xC6, spec->pins ? rsp_slice_of (spec->pins) : hints->pins);
    if (spec->sfi == 0)
        rsp_tlv_put (out, 0x88, RSP_SLICE (NULL, 0));
    else if (spec->sfi > 0)
        put_byte (out, 0x88, spec->sfi << 3);
    put_proprietary (out, spec);
    put_octets (out, 0xC7, spec->link);
}

static void
put_content (GByteArray *out, const Spec *spec, gint64 record_size)
{
    guint32 offset_tag = spec->row ? 0x82 : 0x02, content_tag = spec->row ? 0x83 : 0x81;
    gint64 cursor = 0, at = 0;
    for (guint i = 0; spec->parts && i < spec->parts->len; i++) {
        RspSlice part = rsp_slice_of (spec->parts->pdata[i]);
        if (record_size)
            at = i * record_size;
        if (!part.len)
            continue;
        if (at > cursor)
            rsp_tlv_put_int (out, offset_tag, at - cursor);
        rsp_tlv_put (out, content_tag, part);
        at += part.len;
        cursor = at;
    }
}

gboolean
rsp_saip_build_file (const RspYaml *node, const RspSaipFile *row, const RspSaipFileHints *hints,
                     GByteArray *out, GError **error)
{
    g_auto (Spec) spec = {.node = node,
                          .at = hints->at,
                          .row = row,
                          .structure = row ? row->kind & 0x3F : 0,
                          .record_size = row && row->record_size ? row->record_size : -1,
                          .size = -1,
                          .records = -1,
                          .sfi = -1,
                          .fid = hints->fid ? hints->fid : -1,
                          .lcsi = -1,
                          .special = -1,
                          .maximum = -1,
                          .create = TRUE};
    gint64 record_size;
    if (!read_spec (&spec, node, error))
        return FALSE;
    if (!spec.create) {
        rsp_tlv_put (out, 0x80, RSP_SLICE (NULL, 0));
        return TRUE;
    }
    if (!spec.parts && !spec.fill && !spec.repeat && hints->parts)
        spec.parts = g_ptr_array_ref (hints->parts);
    if (hints->full) {
        spec.fid = spec.fid < 0 && row && row->fid && row->fid != 0x3F00 ? row->fid : spec.fid;
        spec.lcsi = spec.lcsi < 0 ? 0x05 : spec.lcsi;
    }
    if (!settle_sizes (&spec, &record_size, error))
        return FALSE;
    g_autoptr (GByteArray) fcp = g_byte_array_new ();
    put_fcp (fcp, &spec, hints);
    if (fcp->len || hints->describe)
        rsp_tlv_put (out, row ? 0xA1 : 0x62, RSP_SLICE (fcp->data, fcp->len));
    put_content (out, &spec, record_size);
    return TRUE;
}

gboolean
rsp_saip_build_files (const RspYaml *list, const RspSaipFile *row, const RspSaipFileHints *hints,
                      GByteArray *out, GError **error)
{
    if (list->items->len > (guint)(row->fid_last - row->fid) + 1)
        return rsp_yaml_fail (list, error, "the template has only %u such files",
                              (guint)(row->fid_last - row->fid) + 1);
    for (guint i = 0; i < list->items->len; i++) {
        RspSaipFileHints each = *hints;
        each.fid = row->fid + i;
        each.describe = TRUE;
        if (!rsp_saip_build_file (list->items->pdata[i], row, &each, out, error))
            return FALSE;
    }
    return TRUE;
}
