/* A package as text: one block an element, one line a field or file, then the file's content. */
#include "asn1/saip-schema.h"

#include "asn1/ids.h"

#include <string.h>

#define RUN_WORTH_FOLDING 8

typedef struct {
    GString *out;
    guint8 *body;
    gsize body_size;
} Show;

/* Hex, the run of one octet at the end folded: "6d79 ff*20". */
static void
put_hex (GString *out, RspSlice s)
{
    gsize run = 0;
    while (run < s.len && s.data[s.len - 1 - run] == s.data[s.len - 1])
        run++;
    if (run < RUN_WORTH_FOLDING)
        run = 0;
    rsp_hex_append (out, RSP_SLICE (s.data, s.len - run));
    if (run)
        g_string_append_printf (out, "%s%02x*%" G_GSIZE_FORMAT, run < s.len ? " " : "",
                                s.data[s.len - 1], run);
}

static void
put_oid (GString *out, RspSlice s)
{
    guint64 arc = 0;
    gboolean first = TRUE;
    for (gsize i = 0; i < s.len; i++) {
        arc = (arc & (G_MAXUINT64 >> 8)) << 7 | (s.data[i] & 0x7F);
        if (s.data[i] & 0x80)
            continue;
        if (first)
            g_string_append_printf (out, "%u.%" G_GUINT64_FORMAT, (guint)MIN (arc / 40, 2),
                                    arc - 40 * MIN (arc / 40, 2));
        else
            g_string_append_printf (out, ".%" G_GUINT64_FORMAT, arc);
        first = FALSE;
        arc = 0;
    }
}

/* --- Fields --- */

static void
put_services (GString *out, RspSlice list)
{
    RspTlv tlv;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK) {
        guint n = tlv.tag > 0xFF ? tlv.tag & 0x7F : tlv.tag & 0x1F;
        const char *name = rsp_saip_service_name (n);
        if (name)
            g_string_append_printf (out, " %s", name);
        else
            g_string_append_printf (out, " service-%u", n);
    }
}

static void
put_value (GString *out, const RspSaipField *field, RspSlice value)
{
    gint64 n;
    switch (field->kind) {
    case RSP_SAIP_FIELD_INT:
        if (rsp_saip_int (value, &n))
            g_string_append_printf (out, " %" G_GINT64_FORMAT, n);
        break;
    case RSP_SAIP_FIELD_TEXT: {
        g_autofree char *text = rsp_escape_text ((const char *)value.data, value.len, 100);
        g_string_append_printf (out, " \"%s\"", text);
        break;
    }
    case RSP_SAIP_FIELD_OID:
        g_string_append_c (out, ' ');
        put_oid (out, value);
        break;
    case RSP_SAIP_FIELD_SERVICES:
        put_services (out, value);
        break;
    case RSP_SAIP_FIELD_OCTETS:
        g_string_append_c (out, ' ');
        if (value.len)
            put_hex (out, value);
        else
            g_string_append_c (out, '-');
        break;
    default:
        break;
    }
}

static void
show_field (const RspSaipField *field, const RspTlv *tlv, guint depth, gpointer data)
{
    Show *show = data;
    if (depth == 0 && field->tag == 0xA0 && g_str_has_suffix (field->name, "eader"))
        return; /* the PE header is in the element's title */
    if (depth == 1 && (tlv->tag == 0x80 || tlv->tag == 0x81) &&
        (!strcmp (field->name, "mandated") || !strcmp (field->name, "identification")))
        return;
    g_string_append_printf (show->out, "%*s%s", (int)(2 * depth + 2), "", field->name);
    put_value (show->out, field, tlv->value);
    g_string_append_c (show->out, '\n');
}

/* --- Files --- */

static const char *
kind_name (guint8 kind)
{
    switch (kind & 0x3F) {
    case 0x01:
        return "transparent";
    case 0x02:
        return "linear";
    case 0x06:
        return "cyclic";
    case 0x38:
        return "DF";
    case 0x39:
        return "BER-TLV";
    default:
        return "unknown";
    }
}

static void
put_digits (GString *out, RspSlice s, gsize from_nibble)
{
    for (gsize i = from_nibble; i < 2 * s.len; i++) {
        guint digit = i % 2 ? s.data[i / 2] >> 4 : s.data[i / 2] & 15;
        if (digit > 9)
            break;
        g_string_append_c (out, (char)('0' + digit));
    }
}

/* What a few well-known files say. */
static void
put_meaning (GString *out, const RspSaipFileDef *f, RspSlice body)
{
    const char *member = f->row ? f->row->member : "";
    GString *text = g_string_new (NULL);
    if (!strcmp (member, "ef-iccid"))
        put_digits (text, body, 0);
    else if (!strcmp (member, "ef-imsi") && body.len > 1)
        put_digits (text, RSP_SLICE (body.data + 1, MIN (body.len - 1, body.data[0])), 1);
    else if (!strcmp (member, "ef-spn") && body.len == 17 && !(body.data[1] & 0x80))
        for (gsize i = 1; i < body.len && body.data[i] != 0xFF; i++)
            g_string_append_c (text, g_ascii_isprint (body.data[i]) ? (char)body.data[i] : '.');
    if (text->len)
        g_string_append_printf (out, "  (%s)", text->str);
    g_string_free (text, TRUE);
}

static void
put_records (GString *out, const RspSaipFileDef *f, const guint8 *body)
{
    for (guint first = 0; first < f->records;) {
        const guint8 *record = body + (gsize)first * f->record_size;
        guint last = first;
        while (last + 1u < f->records &&
               !memcmp (record, body + (last + 1u) * (gsize)f->record_size, f->record_size))
            last++;
        if (last > first)
            g_string_append_printf (out, "      %u-%u: ", first + 1, last + 1);
        else
            g_string_append_printf (out, "      %u: ", first + 1);
        put_hex (out, RSP_SLICE (record, f->record_size));
        g_string_append_c (out, '\n');
        first = last + 1;
    }
}

static RspSaipStatus
put_content (Show *show, const RspSaipFileDef *f, RspSaipProblem *p)
{
    if (f->size > show->body_size) {
        show->body = g_realloc (show->body, f->size);
        show->body_size = f->size;
    }
    RspSaipStatus status = rsp_saip_fill (f, show->body);
    if (status) {
        p->why = "the content does not fit the file";
        return status;
    }
    if (f->records) {
        put_records (show->out, f, show->body);
        return RSP_SAIP_OK;
    }
    g_string_append (show->out, "      ");
    put_hex (show->out, RSP_SLICE (show->body, f->size));
    put_meaning (show->out, f, RSP_SLICE (show->body, f->size));
    g_string_append_c (show->out, '\n');
    return RSP_SAIP_OK;
}

static void
put_attributes (GString *out, const RspSaipFileDef *f)
{
    if (f->records)
        g_string_append_printf (out, ", %u x %u octets", f->records, f->record_size);
    else if (f->size)
        g_string_append_printf (out, ", %u octets", f->size);
    if (f->sfi)
        g_string_append_printf (out, ", SFI %02X", f->sfi);
    if (f->arr_record)
        g_string_append_printf (out, ", rule %04X/%u", f->arr_fid, f->arr_record);
    if (f->aid.len) {
        g_string_append (out, ", AID ");
        rsp_hex_append (out, f->aid);
    }
    if (f->pins.len) {
        g_string_append (out, ", PINs ");
        rsp_hex_append (out, f->pins);
    }
    if (f->lcsi != 0x05)
        g_string_append_printf (out, ", life cycle %02X", f->lcsi);
}

static RspSaipStatus
show_file (RspSaipAction action, const RspSaipFileDef *f, gpointer data, RspSaipProblem *p)
{
    Show *show = data;
    if (action == RSP_SAIP_UPDATE) {
        g_string_append (show->out, "  content for the selected file\n");
        return RSP_SAIP_OK;
    }
    if (action == RSP_SAIP_SELECT) {
        g_string_append (show->out, "  path 3f00");
        rsp_hex_append (show->out, f->link);
        g_string_append_c (show->out, '\n');
        return RSP_SAIP_OK;
    }
    g_string_append_printf (show->out, "    %04X %s%s%s", f->fid, f->row ? f->row->member : "",
                            f->row ? ": " : "", kind_name (f->kind));
    if (f->linked) {
        g_string_append (show->out, ", link to ");
        rsp_hex_append (show->out, f->link);
    }
    put_attributes (show->out, f);
    g_string_append_c (show->out, '\n');
    return f->linked || !f->size ? RSP_SAIP_OK : put_content (show, f, p);
}

/* --- Elements --- */

static void
put_title (GString *out, guint position, const RspSaipElement *e)
{
    g_string_append_printf (out, "%u ", position);
    if (e->type)
        g_string_append (out, e->type->name);
    else
        g_string_append_printf (out, "unknown element %02X", e->tag);
    if (e->identification >= 0)
        g_string_append_printf (out, " (identification %d%s)", e->identification,
                                e->mandated ? ", mandated" : "");
    if (e->template_id.len) {
        g_string_append (out, " template ");
        put_oid (out, e->template_id);
    }
    g_string_append_printf (out, ", %" G_GSIZE_FORMAT " octets\n", e->whole.len);
}

static void
show_element (Show *show, const RspSaipElement *e)
{
    const RspSaipField *schema = rsp_saip_schema (e->tag);
    RspSaipProblem problem;
    if (schema) {
        if (rsp_saip_schema_walk (schema, e->body, show_field, show, &problem))
            g_string_append_printf (show->out, "  ! %s: %s\n", problem.member, problem.why);
        return;
    }
    if (e->type && (e->type->members || e->tag == RSP_SAIP_GENERIC_FILE_MANAGEMENT)) {
        if (rsp_saip_files (e, show_file, show, &problem))
            g_string_append_printf (show->out, "  ! %s%s%s\n", problem.member ? problem.member : "",
                                    problem.member ? ": " : "", problem.why);
        return;
    }
    g_string_append (show->out, "  ");
    put_hex (show->out, e->body);
    g_string_append_c (show->out, '\n');
}

char *
rsp_saip_show (GBytes *upp, GError **error)
{
    RspSlice all = rsp_slice_of (upp), rest = all;
    Show show = {.out = g_string_new (NULL)};
    RspSaipElement e;
    RspTlvResult result;
    guint position = 0;
    while ((result = rsp_saip_next (&rest, &e)) == RSP_TLV_OK) {
        put_title (show.out, ++position, &e);
        show_element (&show, &e);
    }
    g_free (show.body);
    if (result != RSP_TLV_BAD && position)
        return g_string_free (show.out, FALSE);
    g_string_free (show.out, TRUE);
    g_set_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_SYNTAX,
                 "octet %" G_GSIZE_FORMAT ": no well-formed profile element", all.len - rest.len);
    return NULL;
}
