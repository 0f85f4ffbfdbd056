/* What `run` writes for people, CI servers and programs. */
#pragma once

#include <glib.h>

typedef struct {
    char *name, *shown;
    gboolean passed;
    char *failure; /* NULL when passed */
    gint64 virtual_us, real_us;
    guint messages;
    char *usage; /* JSON, see usage.h; NULL: none */
} RspReportRow;
void rsp_report_row_free (RspReportRow *row);

/* ROWS: of RspReportRow, in scenario order. */
gboolean rsp_report_junit (const GPtrArray *rows, const char *path, GError **error);
gboolean rsp_report_json (const GPtrArray *rows, const char *path, GError **error);
