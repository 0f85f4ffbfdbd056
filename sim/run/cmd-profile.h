/* What the commands of `rspsim profile` share. */
#pragma once

#include "asn1/saip.h"

/* FILE, a description or a package; ICCID and IMSI (nullable) override. (transfer full) */
RspProfilePackage *rsp_profile_load (const char *file, const char *iccid, const char *imsi,
                                     GError **error);
/* ERROR on standard error, with FILE in front unless it names it. */
void rsp_profile_complain (const char *file, const GError *error);

typedef struct {
    gint64 count;    /* profiles; 0: as many as the CSV has rows */
    const char *dir; /* where they go */
    const char *csv; /* (nullable): subscribers to take */
    gint64 seed;     /* of the keys and codes that no CSV gives */
} RspProfileBatch;
/* Exit code. */
int rsp_profile_batch (const char *file, const RspProfilePackage *template,
                       const RspProfileBatch *batch);
