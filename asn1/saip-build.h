/* Inside the builder of profile packages: one file from its description. */
#pragma once

#include "asn1/saip.h"

/* What the builder knows about a file that its description need not say. */
typedef struct {
    GPtrArray *parts;  /* (nullable): content, records or pieces (GBytes) */
    RspSlice pins;     /* pinStatusTemplateDO of a DF */
    RspSlice aid;      /* dfName of an ADF */
    guint16 arr_fid;   /* EF.ARR that the template's rule stands in */
    gboolean full;     /* write what the template says, too */
    guint16 fid;       /* 0: the template's */
    const RspYaml *at; /* (nullable): for errors about a file without a description */
    gboolean describe; /* write a descriptor whether it says anything or not */
} RspSaipFileHints;

/* Appends the list of a File (ROW given) or of FileManagement (ROW NULL) for NODE (nullable). */
gboolean rsp_saip_build_file (const RspYaml *node, const RspSaipFile *row,
                              const RspSaipFileHints *hints, GByteArray *out, GError **error);
/* Several files of a member that stands for a range of them. */
gboolean rsp_saip_build_files (const RspYaml *list, const RspSaipFile *row,
                               const RspSaipFileHints *hints, GByteArray *out, GError **error);
/* "7F10/5F3A" to octets; FALSE with a positioned error. */
gboolean rsp_saip_build_path (const RspYaml *node, GBytes **ret, GError **error);
