#include "sim/run/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void
rsp_report_row_free (RspReportRow *row)
{
    g_free (row->name);
    g_free (row->shown);
    g_free (row->failure);
    g_free (row->usage);
    g_free (row);
}

/* Characters that XML 1.0 cannot carry become spaces. */
static char *
xml_text (const char *text)
{
    g_autofree char *valid = g_utf8_make_valid (text, -1);
    for (char *p = valid; *p; p++)
        if ((guchar)*p < 0x20 && *p != '\n' && *p != '\t')
            *p = ' ';
    return g_markup_escape_text (valid, -1);
}

gboolean
rsp_report_junit (const GPtrArray *rows, const char *path, GError **error)
{
    g_autoptr (GString) out = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    guint failed = 0;
    gint64 total = 0;
    for (guint i = 0; i < rows->len; i++) {
        const RspReportRow *row = rows->pdata[i];
        failed += !row->passed;
        total += row->real_us;
    }
    g_string_append_printf (out,
                            "<testsuites tests=\"%u\" failures=\"%u\">\n<testsuite name=\"rspsim\" "
                            "tests=\"%u\" failures=\"%u\" time=\"%.6f\">\n",
                            rows->len, failed, rows->len, failed, (double)total / 1e6);
    for (guint i = 0; i < rows->len; i++) {
        const RspReportRow *row = rows->pdata[i];
        g_autofree char *name = xml_text (row->name), *file = xml_text (row->shown);
        g_string_append_printf (out,
                                "<testcase classname=\"%s\" name=\"%s\" file=\"%s\" time=\"%.6f\"",
                                file, name, file, (double)row->real_us / 1e6);
        if (row->passed) {
            g_string_append (out, "/>\n");
            continue;
        }
        g_autofree char *why = xml_text (row->failure);
        g_string_append_printf (out, "><failure message=\"%s\">%s</failure></testcase>\n", why,
                                why);
    }
    g_string_append (out, "</testsuite>\n</testsuites>\n");
    return g_file_set_contents (path, out->str, (gssize)out->len, error);
}

gboolean
rsp_report_json (const GPtrArray *rows, const char *path, GError **error)
{
    json_t *list = json_array ();
    guint failed = 0;
    for (guint i = 0; i < rows->len; i++) {
        const RspReportRow *row = rows->pdata[i];
        failed += !row->passed;
        json_t *one = json_pack ("{s:s, s:s, s:b, s:I, s:I, s:i}", "scenario", row->name, "file",
                                 row->shown, "passed", row->passed, "virtualMicroseconds",
                                 (json_int_t)row->virtual_us, "realMicroseconds",
                                 (json_int_t)row->real_us, "messages", (int)row->messages);
        if (row->failure)
            json_object_set_new (one, "failure", json_string (row->failure));
        json_t *usage = row->usage ? json_loads (row->usage, 0, NULL) : NULL;
        if (usage)
            json_object_update (one, usage);
        json_decref (usage);
        json_array_append_new (list, one);
    }
    json_t *root = json_pack ("{s:i, s:i, s:o}", "passed", (int)(rows->len - failed), "failed",
                              (int)failed, "scenarios", list);
    char *text = json_dumps (root, JSON_INDENT (1));
    g_autofree char *with_end = g_strconcat (text, "\n", NULL);
    free (text);
    json_decref (root);
    return g_file_set_contents (path, with_end, -1, error);
}
