/* What an eUICC for IoT keeps of eIMs, and what it does with an eUICC package before and after its
 * operations (SGP.32 2.11, 3.5, 5.9.1): shared by the eUICC and by an IPA that stands in for one.
 * Nothing here is stored or sent. */
#pragma once

#include "asn1/functions.h"
#include "asn1/take.h"
#include "pki/key.h"

#define RSP_IOT_COUNTER_MAX 8388607 /* SGP.32 2.11.1.1 */
#define RSP_IOT_EIMS_MAX 16
#define RSP_IOT_PACKAGE_LIMIT 16384 /* octets of a package's signed data, unless set otherwise */

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

/* --- iot-eims.c: eIM Configuration Data (2.11.1.1.1) --- */

typedef struct {
    char *id;
    GBytes *config; /* EimConfigurationData as GetEimConfigurationData gives it: no counterValue */
    gint64 counter; /* of the last package taken */
    gint64 token;   /* 0: none */
    RspPublic *key; /* verifies its packages */
} RspIotEim;

typedef struct {
    gboolean v10;
    guint limit;    /* eIMs at most */
    RspSlice ci;    /* borrowed: key identifier that euiccCiPKId may name */
    GPtrArray *all; /* of RspIotEim, oldest first */
    guint64 tokens; /* the last association token given out */
} RspIotEims;

void rsp_iot_eim_free (RspIotEim *eim);
RspIotEim *rsp_iot_eim_find (const RspIotEims *eims, RspSlice id);
/* DER: EimConfigurationData. On success *RET_TOKEN is its token, 0 for none. */
guint8 rsp_iot_eim_add (RspIotEims *eims, RspSlice der, gint64 *ret_token);
/* Those of AddInitialEim's LIST, while there is none; what is to be said of each goes into OKS.
 * After a failure some may be in: the caller takes all back. */
guint8 rsp_iot_eims_add_initial (RspIotEims *eims, RspSlice list, GByteArray *oks);
/* AddInitialEimResponse: an error, or OKS. */
void rsp_iot_put_initial (GByteArray *out, guint8 code, const GByteArray *oks);
/* BF55 for the content of GetEimConfigurationDataRequest; FALSE: that cannot be read. */
gboolean rsp_iot_put_configuration (const RspIotEims *eims, RspSlice request, GByteArray *out);
/* One eCO, its result into OUT; FALSE: the package ends here. A deleted eIM goes to GONE (of
 * RspIotEim): the result is still for it. */
gboolean rsp_iot_eco (RspIotEims *eims, GPtrArray *gone, const RspTlv *op, GByteArray *out);
/* As they are kept: `all` alone. FALSE: damaged. */
void rsp_iot_eims_write (const RspIotEims *eims, GByteArray *out);
gboolean rsp_iot_eims_read (RspIotEims *eims, RspSlice in);

/* --- iot-immediate.c: immediate enabling (3.2.5) --- */

typedef struct {
    gboolean allowed; /* immediateEnableFlag */
    GBytes *oid;      /* content of the SM-DP+'s OID; NULL: any */
    char *address;    /* of the SM-DP+; NULL: any */
} RspIotImmediate;

void rsp_iot_immediate_clear (RspIotImmediate *immediate);
/* BODY: what follows the tag of a configureImmediateEnable; empty: nothing is allowed. FALSE, and
 * nothing changed, if it cannot be read. */
gboolean rsp_iot_immediate_read (RspIotImmediate *immediate, RspSlice body);
/* By whichever of OID and ADDRESS (nullable, of the last session) is configured. */
gboolean rsp_iot_immediate_matches (const RspIotImmediate *immediate, GBytes *oid,
                                    const char *address);

/* --- iot-package.c: eUICC packages and their results --- */

typedef struct {
    RspTlv signed_data, id, eid, counter, list, signature; /* list: A0 PSMOs, A1 eCOs */
    RspSlice transaction;                                  /* eimTransactionId; empty: none */
} RspIotPackage;

/* BODY: the content of BF51. */
gboolean rsp_iot_package_read (RspSlice body, RspIotPackage *ret);
gboolean rsp_iot_package_is_signed (const RspIotPackage *p, const RspIotEim *eim);
/* EuiccPackageErrorCode, 0: none. *RET_COUNTER: what the package says, 0 if that is no number. */
guint8 rsp_iot_package_check (const RspIotPackage *p, const RspIotEim *eim, RspSlice eid,
                              guint limit, gint64 *ret_counter);
/* Of ESep; NULL: no operation that is known. */
const RspFunction *rsp_iot_package_function (const RspIotPackage *p, guint32 tag);
/* BF51 for one that nobody can be told of with a signature. EIM (nullable). */
void rsp_iot_put_unsigned (const RspIotEims *eims, const RspIotEim *eim, const RspIotPackage *p,
                           GByteArray *out);

/* Whose result it is. */
typedef struct {
    const char *eim;
    gint64 counter, token;
    RspSlice transaction;
} RspIotResultOf;
/* Appends 5F37, the signature of PARTS. */
typedef void (*RspIotSign) (gpointer signer, const RspSlice *parts, gsize n, GByteArray *out);
/* BF51 with RESULTS (elements of euiccResult) under number SEQ, or with an error. (transfer full)
 */
GByteArray *rsp_iot_result (const RspIotResultOf *of, guint64 seq, RspSlice results,
                            RspIotSign sign, gpointer signer);
GByteArray *rsp_iot_error (const RspIotResultOf *of, guint8 code, RspIotSign sign, gpointer signer);
