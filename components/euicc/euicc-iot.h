/* The eUICC for IoT (SGP.32): what its files share. A card that has no such part (card->iot NULL)
 * answers these functions as any that it does not know.
 *
 * All that must survive is in two records and one a kept result; every function commits once,
 * before its answer. Switches of PSMOs take effect with the commit: the IPA resets the link, not
 * REFRESH. */
#pragma once

#include "components/common/iot.h"
#include "components/euicc/euicc-internal.h"

#define RSP_IOT_RESULTS_MAX 64 /* kept; the oldest goes first */

typedef struct {
    guint64 seq;
    GBytes *tlv; /* BF51 */
} RspEuiccResult;

/* What ProfileRollback goes back on: granted by a package whose enable had the rollback flag. */
typedef struct {
    gboolean granted;
    guint profile; /* to go back to */
    char *eim;
    gint64 counter;
    GBytes *transaction; /* (nullable) */
    guint64 seq;         /* of the result that it replaces */
} RspEuiccRollback;

struct _RspEuiccIot {
    /* as configured */
    gboolean v10, ecall, fallback_supported, ipae;
    guint package_limit, result_limit;
    GBytes *connectivity; /* httpParams; NULL: none */
    GPtrArray *initial;   /* of GBytes: EimConfigurationData that the EUM loads */
    /* non-volatile */
    RspIotEims eims;    /* its `limit` and `ci` as configured */
    GPtrArray *results; /* of RspEuiccResult, by seq */
    gboolean ipae_active;
    RspIotImmediate immediate;
    guint fallback;         /* profile with the Fallback Attribute; 0: none */
    guint before_fallback;  /* to return to; 0: not in fallback */
    guint before_emergency; /* to return to; 0: none was enabled */
    RspEuiccRollback rollback;
    /* volatile: the profile installed last, while its session is the last one */
    guint installed;
    char *installed_address;
    GBytes *installed_oid;
};

/* --- euicc-iot.c: configuration and memory --- */
RspEuiccIot *rsp_euicc_iot_new (const RspEuiccIotConfig *config);
void rsp_euicc_iot_free (RspEuiccIot *iot);
/* The EUM's eIM configurations, on a card that never was in use. */
gboolean rsp_euicc_iot_personalise (RspEuicc *card, GError **error);
gboolean rsp_euicc_iot_load (RspEuicc *card); /* from the memory; FALSE: damaged */
/* Within a transaction. */
void rsp_euicc_iot_put_state (RspEuicc *card);
void rsp_euicc_iot_put_eims (RspEuicc *card);
void rsp_euicc_iot_put_result (RspEuicc *card, GByteArray *tlv); /* numbered card->next_seq */
void rsp_euicc_iot_drop_result (RspEuicc *card, guint64 seq);
void rsp_euicc_iot_revoke_rollback (RspEuicc *card);
gboolean rsp_euicc_iot_has_result (const RspEuicc *card, guint64 seq);
void rsp_euicc_iot_forget (RspEuicc *card); /* the profile installed last */

/* --- euicc-iot-psmo.c --- */
/* One operation of a package. Within a transaction; appends its result to OUT; FALSE: the package
 * ends here. */
typedef struct {
    RspIotEim *eim;          /* whose package it is */
    guint enabled, disabled; /* profiles that it has enabled, disabled; 0: none yet */
    gboolean deleted, grants_rollback;
    guint previous;  /* to go back to, from the enable that grants it */
    GPtrArray *gone; /* of RspIotEim: deleted, but the result is still signed for them */
} RspEuiccPackageRun;
gboolean rsp_euicc_psmo (RspEuicc *card, RspEuiccPackageRun *run, const RspTlv *op,
                         GByteArray *out);
/* ImmediateEnableConfiguration; within a transaction. FALSE: malformed, nothing has changed. */
gboolean rsp_euicc_set_immediate_enable (RspEuicc *card, RspSlice body);

/* --- euicc-iot-package.c --- */
/* EuiccPackageResult of RESULTS (elements of euiccResult), signed and numbered card->next_seq. */
GByteArray *rsp_euicc_package_result (RspEuicc *card, const RspIotResultOf *of, RspSlice results);
/* BF2B for results: by their number, or all. FALSE: there is none with that number. */
gboolean rsp_euicc_iot_list_results (const RspEuicc *card, gboolean by_seq, guint64 seq,
                                     GByteArray *out);

/* --- euicc-iot-local.c --- */
RspEuiccProfile *rsp_euicc_emergency (const RspEuicc *card);         /* enabled now; else NULL */
void rsp_euicc_put_iot_info (const RspEuicc *card, GByteArray *out); /* of EUICCInfo2 */
/* A profile is gone, or was installed by the session that ends now. */
void rsp_euicc_iot_dropped (RspEuicc *card, guint number); /* within a transaction */
void rsp_euicc_iot_installed (RspEuicc *card, guint number);
