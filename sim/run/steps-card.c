#include "sim/run/runner.h"

#include <string.h>

#define TESTER "tester"
#define CHUNK 250

typedef struct {
    RspRun *run;
    GBytes *body; /* NULL: failed */
} Exchange;

static void
on_apdu (const RspReply *reply, gpointer data)
{
    Exchange *x = data;
    x->run->step_done = TRUE;
    if (reply->kind == RSP_REPLY_OK)
        x->body = g_bytes_ref (reply->body);
}

/* One command and its answer, nothing followed. */
static GBytes *
transmit (RspRun *run, const RspYaml *step, const char *card, RspSlice command)
{
    Exchange x = {.run = run};
    g_autoptr (GBytes) body = rsp_slice_to_bytes (command);
    run->step_done = FALSE;
    rsp_bus_call (run->world->bus, TESTER, card, rsp_function (RSP_FN_APDU_TRANSMIT), body, NULL,
                  on_apdu, &x);
    if (!rsp_run_wait (run, step))
        return NULL;
    if (!x.body || g_bytes_get_size (x.body) < 2) {
        g_clear_pointer (&x.body, g_bytes_unref);
        rsp_run_fail (run, step, "expected an answer from the card, got none");
    }
    return x.body;
}

static guint
status_of (GBytes *body)
{
    RspSlice s = rsp_slice_of (body);
    return (guint)s.data[s.len - 2] << 8 | s.data[s.len - 1];
}

/* One APDU to a card and back, 61xx and 6Cxx followed. NULL on failure (recorded). (transfer full)
 */
static GBytes *
run_apdu (RspRun *run, const RspYaml *step, const char *card, RspSlice command, guint *ret_sw)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    g_autoptr (GBytes) current = rsp_slice_to_bytes (command);
    for (guint round = 0; round < 512; round++) {
        g_autoptr (GBytes) body = transmit (run, step, card, rsp_slice_of (current));
        if (!body)
            return NULL;
        guint sw = status_of (body);
        RspSlice data = rsp_slice_of (body);
        g_byte_array_append (out, data.data, (guint)data.len - 2);
        guint8 more[5] = {command.data[0] & 3, 0xC0, 0, 0, (guint8)sw};
        if (sw >> 8 == 0x6C && g_bytes_get_size (current) >= 5) {
            memcpy (more, g_bytes_get_data (current, NULL), 4);
        } else if (sw >> 8 != 0x61) {
            *ret_sw = sw;
            return g_byte_array_free_to_bytes (g_steal_pointer (&out));
        }
        g_bytes_unref (current);
        current = g_bytes_new (more, sizeof more);
    }
    rsp_run_fail (run, step, "expected the card to come to an end, got 61xx for ever");
    return NULL;
}

gboolean
rsp_run_match_hex (RspRun *run, const RspYaml *node, RspSlice got)
{
    if (!node)
        return TRUE;
    g_autoptr (GBytes) want = rsp_unhex (node->text);
    if (rsp_slice_equal (rsp_slice_of (want), got))
        return TRUE;
    g_autofree char *hex = rsp_hex (got);
    return rsp_run_fail (run, node, "expected %s, got %s", node->text, hex);
}

static gboolean
match_sw (RspRun *run, const RspYaml *step, const RspYaml *node, guint sw)
{
    g_autofree char *text = g_strdup_printf ("%04X", sw);
    if (node ? g_ascii_strcasecmp (node->text, text) == 0 : sw == 0x9000)
        return TRUE;
    return rsp_run_fail (run, node ? node : step, "expected sw %s, got %s",
                         node ? node->text : "9000", text);
}

void
rsp_step_card (RspRun *run, const RspYaml *step)
{
    RspWorldActor *a = rsp_world_actor (run->world, rsp_yaml_get (step, "at")->text);
    const RspYaml *apdu = rsp_yaml_get (step, "apdu"), *expect = rsp_yaml_get (step, "expect");
    guint sw = 0;
    if (!apdu) {
        rsp_euicc_reset (a->euicc);
        return;
    }
    g_autoptr (GBytes) command = rsp_unhex (apdu->text);
    g_autoptr (GBytes) data = run_apdu (run, step, a->base.name, rsp_slice_of (command), &sw);
    if (!data || (expect && !match_sw (run, step, rsp_yaml_get (expect, "sw"), sw)))
        return;
    if (expect)
        rsp_run_match_hex (run, rsp_yaml_get (expect, "data"), rsp_slice_of (data));
}

/* --- reading a file ----------------------------------------------------------------------------
 */

typedef struct {
    guint kind;   /* file descriptor octet */
    guint size;   /* octets of a transparent file */
    guint record; /* octets of a record */
} FileShape;

static gboolean
select_part (RspRun *run, const RspYaml *step, const char *card, const char *part, GBytes **ret_fcp,
             guint *ret_sw)
{
    g_autoptr (GBytes) id = rsp_unhex (part);
    if (!id || g_bytes_get_size (id) < 2 || g_bytes_get_size (id) > 16)
        return rsp_run_fail (run, step, "a file is named by FIDs and an AID in hex");
    gsize n = g_bytes_get_size (id);
    guint8 command[5 + 16] = {0x00, 0xA4, n > 2 ? 0x04 : 0x00, 0x04, (guint8)n};
    memcpy (command + 5, g_bytes_get_data (id, NULL), n);
    g_clear_pointer (ret_fcp, g_bytes_unref);
    *ret_fcp = run_apdu (run, step, card, RSP_SLICE (command, 5 + n), ret_sw);
    return *ret_fcp != NULL;
}

static FileShape
shape_of (GBytes *fcp)
{
    FileShape shape = {0};
    RspTlv outer, item;
    RspSlice all = rsp_slice_of (fcp);
    if (rsp_tlv_next (&all, &outer) != RSP_TLV_OK || outer.tag != 0x62)
        return shape;
    if (rsp_tlv_find (outer.value, 0x82, &item) && item.value.len >= 1) {
        shape.kind = item.value.data[0];
        if (item.value.len >= 4)
            shape.record = (guint)item.value.data[2] << 8 | item.value.data[3];
    }
    if (rsp_tlv_find (outer.value, 0x80, &item))
        for (gsize i = 0; i < item.value.len && i < 3; i++)
            shape.size = shape.size << 8 | item.value.data[i];
    return shape;
}

static GBytes *
read_binary (RspRun *run, const RspYaml *step, const char *card, guint size, guint *ret_sw)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    do {
        guint n = MIN (CHUNK, size - out->len);
        guint8 command[5] = {0x00, 0xB0, (guint8)(out->len >> 8), (guint8)out->len, (guint8)n};
        g_autoptr (GBytes) part = run_apdu (run, step, card, RSP_SLICE_ARRAY (command), ret_sw);
        if (!part)
            return NULL;
        if (*ret_sw != 0x9000 || !g_bytes_get_size (part))
            break;
        g_byte_array_append (out, g_bytes_get_data (part, NULL), (guint)g_bytes_get_size (part));
    } while (out->len < size);
    return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

static GBytes *
read_record (RspRun *run, const RspYaml *step, const char *card, const FileShape *shape,
             guint *ret_sw)
{
    gint64 number = 1;
    rsp_yaml_opt_int (step, "record", 1, 254, &number, NULL);
    guint8 command[5] = {0x00, 0xB2, (guint8)number, 0x04, (guint8)shape->record};
    return run_apdu (run, step, card, RSP_SLICE_ARRAY (command), ret_sw);
}

void
rsp_step_read (RspRun *run, const RspYaml *step)
{
    const char *card = rsp_yaml_get (step, "at")->text;
    g_auto (GStrv) parts = g_strsplit (rsp_yaml_get (step, "file")->text, "/", 12);
    g_autoptr (GBytes) fcp = NULL, data = NULL;
    const RspYaml *want_sw = rsp_yaml_get (step, "sw");
    guint sw = 0x9000;
    for (guint i = 0; parts[i] && sw == 0x9000; i++)
        if (!select_part (run, step, card, parts[i], &fcp, &sw))
            return;
    if (sw == 0x9000) {
        FileShape shape = shape_of (fcp);
        gboolean records = (shape.kind & 7) == 2 || (shape.kind & 7) == 6;
        data = records ? read_record (run, step, card, &shape, &sw)
                       : read_binary (run, step, card, shape.size, &sw);
        if (!data)
            return;
    }
    if (match_sw (run, step, want_sw, sw) && data)
        rsp_run_match_hex (run, rsp_yaml_get (step, "expect"), rsp_slice_of (data));
}
