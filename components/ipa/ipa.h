/* The IPA in the IoT device (SGP.32): gets eIM packages on ESipa, hands eUICC packages to the card
 * and results back, answers requests for data, and downloads profiles, directly or through the eIM.
 * Knows its eUICC, eIMs and servers by the bus alone.
 *
 * One operation runs at a time. Its callback is called once, from the loop, when the IPA is idle
 * again. The IPA is freed before the bus, and before its downloader.
 */
#pragma once

#include "sim/net/actor.h"

/* What a download is to use. Without code, server and SM-DS: the card's default SM-DP+. */
typedef struct {
    const char *activation_code; /* or: */
    gboolean smds;               /* by the events of an SM-DS, */
    const char *smds_address;    /* … NULL: the card's root SM-DS */
    const char *via;             /* FQDN of the eIM that is the proxy; NULL: direct */
    GBytes *eim_transaction;     /* (nullable) goes to the proxy */
    gboolean bare;               /* the proxy knows what to download */
    gboolean keep_notifications; /* the eIM gets the result, not the SM-DP+ */
    /* The card's ProfileInstallationResult, before anybody hears of it; with the data of the end.
     */
    void (*installed) (GBytes *result, gpointer data);
} RspIpaDownload;

/* How it ended. Borrowed for the callback. */
typedef struct {
    const char *step, *error;     /* NULL error: installed */
    const char *subject, *reason; /* a server's refusal, NULL */
    const char *iccid;            /* NULL: not known */
    GBytes *result;               /* ProfileInstallationResult; NULL: it did not come so far */
    GBytes *trigger; /* ProfileDownloadTriggerRequest that a proxy for an SM-DS gave; NULL */
} RspIpaDownloaded;
typedef void (*RspIpaDownloadedFunc) (const RspIpaDownloaded *outcome, gpointer data);
typedef void (*RspIpaDeliveredFunc) (guint delivered, guint pending, gpointer data);

/* The device's download procedure and its delivery of notifications to SM-DP+s (those of a consumer
 * device do), lent by who makes the IPA. Both call back from the loop. */
typedef struct {
    void (*download) (gpointer engine, const RspIpaDownload *download, RspIpaDownloadedFunc func,
                      gpointer data);
    void (*deliver) (gpointer engine, RspIpaDeliveredFunc func, gpointer data);
    gpointer engine;
} RspIpaDownloader;

typedef enum {
    RSP_IPA_NOTIFY_SMDP, /* notifications go to SM-DP+s on ES9+ */
    RSP_IPA_NOTIFY_EIM,  /* … to the eIM, with the results */
    RSP_IPA_NOTIFY_BOTH, /* … and stay until the SM-DP+ has them */
} RspIpaNotify;

typedef struct {
    const char *card;          /* actor name of the eUICC */
    const char *fqdn;          /* where an eIM may inject packages; NULL: nowhere */
    const char *tac;           /* 8 digits; default 35290611 */
    const char *memory;        /* file of the device's memory; NULL: none outlives the IPA */
    gboolean v10;              /* speaks SGP.32 v1.0; default v1.2 */
    gboolean json;             /* ESipa in JSON, in place of ASN.1; not with v1.0 */
    gboolean indirect;         /* downloads through the eIM, whatever its configuration says */
    gboolean immediate_enable; /* asks the card for immediate enabling after a download */
    RspIpaNotify notify;
    const char *eim_address; /* where every eIM is found, whatever its eimFqdn says; NULL */
    gint64 timeout;          /* µs a call; default 30 s */
    gint64 period;           /* µs from one poll by itself to the next; 0: none */
    gint64 jitter;           /* µs by which each is later at most, at random */
    gint64 pause;            /* µs before a retry */
    guint retries; /* of the delivery of a result before a rollback; 0: the first failure */
    RspIpaDownloader downloader;
} RspIpaConfig;

typedef struct _RspIpa RspIpa;
/* Copies CONFIG. */
RspIpa *rsp_ipa_new (const RspActor *actor, const RspIpaConfig *config, GError **error);
void rsp_ipa_free (RspIpa *ipa);
/* The card is one for consumer devices: the IPA emulates SGP.32's functions in front of it. What it
 * writes down is at STATE_PATH (SQLite; NULL: in memory). Once, before the first operation. On
 * FALSE only rsp_ipa_free is left. */
gboolean rsp_ipa_emulate (RspIpa *ipa, const char *state_path, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspIpa, rsp_ipa_free)

/* How an operation ended. Borrowed for the callback. */
typedef struct {
    gboolean ok;
    const char *step;  /* function or check where it ended; "done" */
    const char *error; /* NULL; "timeout", "link", "eidNotFound", an error name of the card … */
    guint packages;    /* eIM packages taken */
    guint delivered;   /* results that the eIM acknowledged or took */
    guint kept;        /* results that could not be delivered: the next poll tries again */
    guint installed;   /* profiles */
    guint failed;      /* downloads and eUICC packages that ended with an error */
    guint rolled_back;
    guint eims;         /* associated, as far as the operation has asked */
    const char *result; /* of the last package or local function: "ok" or an error's name; NULL */
    const char *code;   /* "8.2.6/3.8": a server's refusal of the last download; NULL */
    const char *iccid;  /* of the last download; NULL */
    GBytes *answer;     /* of the card's function, of rsp_ipa_data, rsp_ipa_download; NULL */
} RspIpaOutcome;
typedef void (*RspIpaFunc) (const RspIpaOutcome *outcome, gpointer data);

/* The device is on: what a former life has left undecided is looked at, before anything else. FUNC
 * (nullable) is who waited then; the error of the outcome is "crashed". */
void rsp_ipa_boot (RspIpa *ipa, RspIpaFunc func, gpointer data);
/* Who waits for the operation under way; NULL: nobody. */
void rsp_ipa_take_waiting (RspIpa *ipa, RspIpaFunc *ret_func, gpointer *ret_data);

/* Results that wait first, then packages until there is none, for each associated eIM. */
void rsp_ipa_poll (RspIpa *ipa, RspIpaFunc func, gpointer data);
/* What an eIM would get for an IpaEuiccDataRequest of TAGS (empty: all that the version has):
 * the answer is an IpaEuiccDataResponse. */
void rsp_ipa_data (RspIpa *ipa, RspSlice tags, RspIpaFunc func, gpointer data);
/* TRIGGER (ProfileDownloadTriggerRequest), as if the first eIM had given it; its result,
 * ProfileDownloadTriggerResult, goes to nobody. */
void rsp_ipa_download (RspIpa *ipa, GBytes *trigger, RspIpaFunc func, gpointer data);
/* CONFIGURATION: EimConfigurationData. SGP.32 3.5.2.1 */
void rsp_ipa_add_initial_eim (RspIpa *ipa, GBytes *configuration, RspIpaFunc func, gpointer data);
/* OPTIONS: bits as in SGP.32 v1.2's ResetOptions; a card of v1.0 gets those that it has. */
enum {
    RSP_IPA_RESET_OPERATIONAL = 1 << 0,
    RSP_IPA_RESET_TEST = 1 << 1,
    RSP_IPA_RESET_DEFAULT_DP = 1 << 2,
    RSP_IPA_RESET_EIM = 1 << 5,
    RSP_IPA_RESET_IMMEDIATE_ENABLE = 1 << 6,
};
void rsp_ipa_reset (RspIpa *ipa, guint32 options, RspIpaFunc func, gpointer data);

/* What needs no more than one function of the card. */
typedef enum {
    RSP_IPA_GET_EIMS,
    RSP_IPA_GET_CERTS,
    RSP_IPA_GET_CONNECTIVITY,
    RSP_IPA_FALLBACK,
    RSP_IPA_RETURN_FROM_FALLBACK,
    RSP_IPA_ENABLE_EMERGENCY,
    RSP_IPA_DISABLE_EMERGENCY,
    RSP_IPA_IMMEDIATE_ENABLE,
    RSP_IPA_ROLLBACK,
    RSP_IPA_SET_DEFAULT_DP,             /* ADDRESS */
    RSP_IPA_CONFIGURE_IMMEDIATE_ENABLE, /* ADDRESS (nullable): of the SM-DP+ */
    RSP_IPA_ACTIVATE_IPAE,
    RSP_IPA_LOCALS,
} RspIpaLocal;
void rsp_ipa_local (RspIpa *ipa, RspIpaLocal what, const char *address, RspIpaFunc func,
                    gpointer data);
/* Pending notifications to the SM-DP+s. */
void rsp_ipa_deliver_notifications (RspIpa *ipa, RspIpaFunc func, gpointer data);
