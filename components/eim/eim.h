/* The eIM (SGP.31, SGP.32): eSIM IoT remote manager. It keeps a queue of packages for each eUICC
 * (EID) and hands them to the IPA that asks: signed eUICC packages (PSMO, eCO), requests for data
 * of IPA and eUICC, triggers of profile downloads. It verifies what the eUICC signed, acknowledges
 * it, forwards notifications to SM-DP+, and is the proxy of an indirect download.
 *
 * State is in SQLite and committed before the answer that rests on it: a counter is never used
 * twice.
 */
#pragma once

#include "asn1/asn1.h"
#include "asn1/metadata.h"
#include "pki/cert.h"
#include "sim/net/actor.h"

typedef enum { RSP_SGP32_V1_0, RSP_SGP32_V1_2 } RspSgp32Version;

/* What this eIM lets through as the proxy of a download. */
typedef struct {
    gboolean any;          /* downloads that it has not ordered, too, for eUICCs that it manages */
    guint32 refused_ppr;   /* RSP_PPR1, RSP_PPR2: profiles with one of them are refused */
    guint refused_classes; /* bits 1 << RspProfileClass */
} RspEimRules;

typedef struct {
    const char *fqdn, *eim_id; /* eimId: 1 to 128 octets of UTF-8 */
    const char *state_path;    /* NULL: in memory */
    RspKey *key;               /* borrowed: SK.EIM.SIG; the eUICC knows the bare public key */
    GPtrArray *roots;          /* of RspCert: CIs of the eUICCs' certificates */
    RspSgp32Version version;   /* dialect of ESipa */
    gint64 package_lifetime;   /* µs; a package without a result expires then; 0: never */
    RspEimRules rules;
} RspEimConfig;

typedef struct _RspEim RspEim;
/* Attaches itself to the bus under its name and FQDN. Copies CONFIG. */
RspEim *rsp_eim_new (const RspActor *actor, const RspEimConfig *config, GError **error);
void rsp_eim_free (RspEim *eim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEim, rsp_eim_free)

/* An eUICC that this eIM manages. TOKEN: association token, 0 none; COUNTER: the last one used.
 * EUICC (nullable): its certificate; without it the eIM learns it by an IpaEuiccDataRequest. Known
 * already: nothing happens. */
gboolean rsp_eim_add_device (RspEim *eim, const char *eid, gint64 token, gint64 counter,
                             const RspCert *euicc, GError **error);
/* What becomes of an eUICC that it manages; -1 and an empty POINT: stays. EMULATED: the IoT
 * functions in front of it are its IPA's; results of packages that the eUICC has not signed are
 * taken, on the word of the connection alone. POINT: of its public key, which the caller has
 * checked. */
typedef struct {
    gint64 token, counter;
    gint emulated;
    RspSlice point;
} RspEimDeviceChange;
gboolean rsp_eim_change_device (RspEim *eim, const char *eid, const RspEimDeviceChange *change,
                                GError **error);
/* EimConfigurationData for an eUICC; TOKEN: it asks the eUICC for one. (transfer full) */
GBytes *rsp_eim_configuration (RspEim *eim, gboolean token, gint64 counter);
/* A further address, of a door to the outside. */
void rsp_eim_add_address (RspEim *eim, const char *address);

typedef enum {
    RSP_EIM_ENABLE, /* PSMO */
    RSP_EIM_DISABLE,
    RSP_EIM_DELETE,
    RSP_EIM_LIST_PROFILE_INFO,
    RSP_EIM_GET_RAT,
    RSP_EIM_CONFIGURE_IMMEDIATE_ENABLE,
    RSP_EIM_SET_FALLBACK,
    RSP_EIM_UNSET_FALLBACK,
    RSP_EIM_SET_DEFAULT_DP_ADDRESS,
    RSP_EIM_ADD_EIM, /* eCO */
    RSP_EIM_DELETE_EIM,
    RSP_EIM_UPDATE_EIM,
    RSP_EIM_LIST_EIM,
    RSP_EIM_VERBS,
} RspEimVerb;
const char *rsp_eim_verb_name (RspEimVerb verb); /* "enable" */

typedef struct {
    RspEimVerb verb;
    const char *iccid;
    gboolean rollback;     /* enable: the rollback flag */
    gboolean immediate;    /* configureImmediateEnable: the flag */
    const char *oid;       /* … : defaultSmdpOid (nullable) */
    const char *address;   /* … and setDefaultDpAddress (nullable) */
    const char *eim_id;    /* deleteEim */
    GBytes *configuration; /* addEim, updateEim: EimConfigurationData */
    GBytes *tags;          /* listProfileInfo: tagList; one of ICCID, AID, CLASS: searchCriteria */
    GBytes *aid;           /* … of the ISD-P */
    gint profile_class;    /* … 1 + RspProfileClass; 0: any */
} RspEimOperation;

/* Psmo or Eco TLVs, as a package has them; PSMO and eCO do not mix. (transfer full) (nullable) */
GBytes *rsp_eim_encode_operations (const RspEimOperation *operations, guint n, gboolean *ret_eco,
                                   GError **error);
/* What an EuiccPackageResult's element at path BASE, an EuiccResultData, says: "ok", or the name of
 * the error. (transfer full) */
char *rsp_eim_result_name (const RspAsn1 *result, const char *base);
/* Each queues one package and gives its number; 0 with ERROR set. PSMO and eCO do not mix. */
gint64 rsp_eim_queue_operations (RspEim *eim, const char *eid, const RspEimOperation *operations,
                                 guint n, GError **error);
typedef struct {
    const char *activation_code;   /* NULL: by SM-DS or default SM-DP+ */
    const char *confirmation_code; /* (nullable), for an indirect download */
    gboolean smds;                 /* contactSmds; with SMDS_ADDRESS (nullable) */
    const char *smds_address;
    const char *iccid; /* (nullable) the profile expected: through the eIM, another is refused */
    gboolean bare; /* the trigger has no data: the eIM, as proxy, supplies address and MatchingID */
} RspEimDownload;
gint64 rsp_eim_queue_download (RspEim *eim, const char *eid, const RspEimDownload *download,
                               GError **error);
/* TAGS: content of the tagList, e.g. BF20 BF22 A5 A6. */
gint64 rsp_eim_queue_data_request (RspEim *eim, const char *eid, RspSlice tags, GError **error);

typedef enum {
    RSP_EIM_QUEUED,
    RSP_EIM_DELIVERED,
    RSP_EIM_DONE,
    RSP_EIM_FAILED,
    RSP_EIM_ROLLED_BACK,
    RSP_EIM_EXPIRED,
} RspEimState;
const char *rsp_eim_state_name (RspEimState state); /* "rolled-back" */

typedef struct {
    gint64 id;
    char *eid, *kind; /* "enable", "download", "data-request"; of several operations: the first */
    RspEimState state;
    char *result;       /* "ok", or the name of the first error; NULL: none yet */
    gint64 changed;     /* Unix seconds */
    gboolean delivered; /* it has been handed out at least once */
    /* of rsp_eim_package_view alone: EuiccPackageResult, IpaEuiccDataResponse or
     * ProfileDownloadTriggerResult as received; NULL: none */
    GBytes *answer;
} RspEimPackageView;
void rsp_eim_package_view_free (RspEimPackageView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEimPackageView, rsp_eim_package_view_free)
GPtrArray *rsp_eim_packages (RspEim *eim); /* of RspEimPackageView, by number. (transfer full) */
RspEimPackageView *rsp_eim_package_view (RspEim *eim, gint64 id); /* (transfer full) (nullable) */
/* Takes a package back that is still queued; FALSE: it is not. */
gboolean rsp_eim_withdraw (RspEim *eim, gint64 id);
char **rsp_eim_devices (RspEim *eim); /* EIDs, NULL-terminated. (transfer full) */
guint rsp_eim_count (RspEim *eim,
                     RspEimState state); /* packages in STATE: the progress of a fleet */
typedef struct {
    char *eid, *iccid;
    gboolean enabled;
} RspEimProfileView;
void rsp_eim_profile_view_free (RspEimProfileView *view);
/* What the eIM believes to be on the eUICCs. (transfer full) (element-type RspEimProfileView) */
GPtrArray *rsp_eim_profiles (RspEim *eim);

/* What a facility keeps of a request: the JSON that was sent, and the package ordered by it, or (0)
 * the outcome that it had at once. */
typedef struct {
    char *request, *outcome; /* OUTCOME (nullable): JSON */
    gint64 package, created; /* Unix seconds */
} RspEimResource;
void rsp_eim_resource_free (RspEimResource *resource);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEimResource, rsp_eim_resource_free)
/* Room for one more resource: 100000 at most. */
gboolean rsp_eim_has_room (RspEim *eim);
/* Its id, a UUID. (transfer full); NULL with ERROR. */
char *rsp_eim_add_resource (RspEim *eim, const char *facility, const char *request, gint64 package,
                            const char *outcome, GError **error);
RspEimResource *rsp_eim_resource (RspEim *eim, const char *facility,
                                  const char *id); /* (transfer full) (nullable) */
gboolean rsp_eim_drop_resource (RspEim *eim, const char *id, GError **error);
char **rsp_eim_resources (RspEim *eim, const char *facility); /* ids. (transfer full) */

/* Notifications that wait for the servers that they name. */
guint rsp_eim_waiting (RspEim *eim);

/* ESipa.TransferEimPackage, in ASN.1 or JSON: the next package of EID goes to the IPA at ADDRESS.
 * FUNC gets, from the loop, what came of it: "ok", the name of an error, "timeout",
 * "noEimPackageAvailable". */
typedef void (*RspEimPushFunc) (const char *result, gpointer data);
void rsp_eim_push (RspEim *eim, const char *eid, const char *address, gboolean json,
                   RspEimPushFunc func, gpointer data);
/* Those under way end with "crashed", at once: before the eIM is freed. */
void rsp_eim_abandon_pushes (RspEim *eim);
