/* The eUICC for IoT (SGP.32): what its files share. A card that has no such part (card->iot NULL)
 * answers these functions as any that it does not know.
 *
 * All that must survive is in two records and one a kept result; every function commits once,
 * before its answer. Switches of PSMOs take effect with the commit: the IPA resets the link, not
 * REFRESH. */
#pragma once

#include "components/euicc/euicc-internal.h"

#define RSP_IOT_COUNTER_MAX 8388607 /* SGP.32 2.11.1.1 */
#define RSP_IOT_RESULTS_MAX 64      /* kept; the oldest goes first */
#define RSP_IOT_EIMS_MAX 16

/* What stands in the way of an eIM configuration: the values of AddEimResultCode,
 * AddInitialEimError and UpdateEimResult are the same. */
enum {
    RSP_IOT_OK = 0,
    RSP_IOT_NO_MEMORY = 1,
    RSP_IOT_EIM_EXISTS = 2,
    RSP_IOT_CI_UNKNOWN = 3,
    RSP_IOT_BAD_TOKEN = 5,
    RSP_IOT_COUNTER_RANGE = 6,
    RSP_IOT_COMMAND_ERROR = 7,
};

typedef struct {
    char *id;
    GBytes *config; /* EimConfigurationData as GetEimConfigurationData gives it: no counterValue */
    gint64 counter; /* of the last package taken */
    gint64 token;   /* 0: none */
    RspPublic *key; /* verifies its packages */
} RspEuiccEim;

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
    guint eim_limit, package_limit, result_limit;
    GBytes *connectivity; /* httpParams; NULL: none */
    GPtrArray *initial;   /* of GBytes: EimConfigurationData that the EUM loads */
    /* non-volatile */
    GPtrArray *eims;    /* of RspEuiccEim, oldest first */
    GPtrArray *results; /* of RspEuiccResult, by seq */
    guint64 tokens;     /* the last association token given out */
    gboolean immediate_enable, ipae_active;
    GBytes *immediate_oid;   /* content of the OID; NULL: any */
    char *immediate_address; /* NULL: any */
    guint fallback;          /* profile with the Fallback Attribute; 0: none */
    guint before_fallback;   /* to return to; 0: not in fallback */
    guint before_emergency;  /* to return to; 0: none was enabled */
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
void rsp_euicc_eim_free (RspEuiccEim *eim);

/* --- euicc-iot-eim.c --- */
RspEuiccEim *rsp_euicc_eim_find (const RspEuicc *card, RspSlice id);
/* Within a transaction: takes a new eIM. On success *RET_TOKEN is its token, 0 for none. */
guint8 rsp_euicc_eim_add (RspEuicc *card, RspSlice config, gint64 *ret_token);
guint8 rsp_euicc_eim_update (RspEuicc *card, RspSlice config); /* 1: no such eIM */

/* --- euicc-iot-psmo.c --- */
/* One operation of a package. Within a transaction; appends its result to OUT; FALSE: the package
 * ends here. */
typedef struct {
    RspEuiccEim *eim;        /* whose package it is */
    guint enabled, disabled; /* profiles that it has enabled, disabled; 0: none yet */
    gboolean deleted, grants_rollback;
    guint previous;  /* to go back to, from the enable that grants it */
    GPtrArray *gone; /* of RspEuiccEim: deleted, but the result is still signed for them */
} RspEuiccPackageRun;
gboolean rsp_euicc_psmo (RspEuicc *card, RspEuiccPackageRun *run, const RspTlv *op,
                         GByteArray *out);
/* ImmediateEnableConfiguration; within a transaction. FALSE: malformed, nothing has changed. */
gboolean rsp_euicc_set_immediate_enable (RspEuicc *card, RspSlice body);
gboolean rsp_euicc_eco (RspEuicc *card, RspEuiccPackageRun *run, const RspTlv *op, GByteArray *out);

/* --- euicc-iot-package.c --- */
/* EuiccPackageResult of RESULTS (elements of euiccResult), signed and numbered card->next_seq. */
GByteArray *rsp_euicc_package_result (RspEuicc *card, const char *eim, gint64 counter, gint64 token,
                                      RspSlice transaction, RspSlice results);
/* BF2B for results: by their number, or all. FALSE: there is none with that number. */
gboolean rsp_euicc_iot_list_results (const RspEuicc *card, gboolean by_seq, guint64 seq,
                                     GByteArray *out);

/* --- euicc-iot-local.c --- */
RspEuiccProfile *rsp_euicc_emergency (const RspEuicc *card);         /* enabled now; else NULL */
void rsp_euicc_put_iot_info (const RspEuicc *card, GByteArray *out); /* of EUICCInfo2 */
/* A profile is gone, or was installed by the session that ends now. */
void rsp_euicc_iot_dropped (RspEuicc *card, guint number); /* within a transaction */
void rsp_euicc_iot_installed (RspEuicc *card, guint number);
