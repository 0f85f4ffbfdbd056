/* The LPA (in the device): activation codes, the download procedure, local profile management,
 * notifications. SGP.22 v2.6 3.1, 3.2, 3.5, 4.1. Knows its eUICC and its servers by the bus alone.
 *
 * One operation runs at a time. Its callback is called once, from the loop, when the LPA is idle
 * again, so that it may start the next one. What the LPA trusts at TLS is the credential that the
 * world gave the bus for it. The LPA is freed before the bus.
 */
#pragma once

#include "asn1/metadata.h"
#include "sim/net/actor.h"

typedef enum { RSP_LPA_ERROR_ACTIVATION_CODE } RspLpaError;
#define RSP_LPA_ERROR (rsp_lpa_error_quark ())
GQuark rsp_lpa_error_quark (void);

typedef enum {
    RSP_CONSENT_GRANTED,
    RSP_CONSENT_REFUSED,
    RSP_CONSENT_POSTPONED,
    RSP_CONSENT_TIMEOUT
} RspConsent;

/* How often the LPA asks the SM-DSs by itself (µs, 0: not in that state), by the state of the
 * eUICC; after a search by the user that found nothing, more often for a while. */
typedef struct {
    gint64 empty, disabled, enabled; /* no profile; none enabled; one enabled */
    gint64 searching;
    guint searches; /* so many times */
} RspLpaPolling;

typedef struct {
    const char *card;    /* actor name of the eUICC */
    const char *imei;    /* NULL: none; TAC is its first 8 digits */
    const char *tac;     /* 8 digits; default 35290611 */
    gint64 timeout;      /* µs a call; default 30 s */
    gint64 user_timeout; /* µs for the user to answer; default 60 s */
    gint64 retry;       /* µs until notifications that were not acknowledged are tried again, twice
                           as long each time; 0: not by itself */
    GBytes *imposed_ci; /* key identifier of the only CI to use (NULL: any of the card's) */
    gboolean check_dates; /* of server certificates, as cards without a clock do not */
    gboolean test_mode;   /* shows and switches test profiles */
    gboolean lenient_matching_id;
    gboolean asn1_binding;       /* of ES9+ and ES11, in place of JSON */
    gboolean json_proxy;         /* JSON to the eIM, in place of ASN.1 */
    const char *const *smds;     /* alternative SM-DSs, asked after the root (NULL: none) */
    gboolean power_on_discovery; /* the user's setting */
    RspLpaPolling polling;
    RspConsent unattended; /* what the user says to questions while no RspLpaUi is set */
} RspLpaConfig;

typedef struct _RspLpa RspLpa;
RspLpa *rsp_lpa_new (const RspActor *actor, const RspLpaConfig *config);
void rsp_lpa_free (RspLpa *lpa);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspLpa, rsp_lpa_free)

/* Activation code (SGP.22 4.1). Returns NULL and an ERROR that says what is wrong. */
typedef struct {
    char *address, *matching_id, *oid; /* oid: NULL if absent; matching_id may be "" */
    gboolean cc_required;
} RspActivationCode;
RspActivationCode *rsp_activation_code_parse (const char *text, gboolean lenient, GError **error);
void rsp_activation_code_free (RspActivationCode *code);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspActivationCode, rsp_activation_code_free)

typedef struct {
    char *iccid, *nickname, *name, *provider; /* "" where the card gave none */
    gboolean enabled;
    RspProfileClass profile_class;
} RspLpaProfile;

/* What the user is asked before something is done. */
typedef struct {
    const char *action;           /* "download", "enable", "memoryReset" … */
    gboolean strong;              /* only a deliberate, authenticated yes will do */
    const RspMetadata *metadata;  /* of a download, else NULL */
    const RspLpaProfile *profile; /* of what is on the card, NULL if the card does not know it */
} RspLpaQuestion;

typedef struct {
    RspConsent consent;
    gboolean authenticated; /* the end user has proved who it is */
    gint64 after;           /* µs that the answer takes */
} RspLpaAnswer;

/* The user's side, and applications that look on (LPA Proxy). Members may be NULL: everything is
 * granted, no code is entered, nobody looks. */
typedef struct {
    RspLpaAnswer (*ask) (const RspLpaQuestion *question, gpointer data);
    /* The confirmation code, for the TRIED-th time again; NULL: none. (transfer full), wiped. */
    char *(*code) (guint tried, gpointer data);
    /* STAGE: connecting, authenticating, asking, preparing, downloading, installing, notifying,
     * done, failed. */
    void (*progress) (const char *stage, gpointer data);
    /* ProfileInstallationResult of a download, before anybody else hears of it. */
    void (*installed) (GBytes *result, gpointer data);
    gpointer data;
} RspLpaUi;
/* Copies UI; NULL: none. */
void rsp_lpa_set_ui (RspLpa *lpa, const RspLpaUi *ui);

/* Copied by rsp_lpa_download. Without activation code and address: the card's default SM-DP+. */
typedef struct {
    const char *activation_code;       /* or: */
    const char *address, *matching_id; /* matching_id may be NULL */
    gboolean keep_notifications;       /* do not deliver after the installation */
    const char *proxy;         /* FQDN of the eIM through which the server is reached (SGP.32) */
    GBytes *proxy_transaction; /* (nullable) eimTransactionId */
    gboolean proxy_chooses;    /* the server, too */
    gboolean root_smds;        /* without code and address: the card's root SM-DS, by the proxy */
} RspLpaDownload;

/* How an operation ended. Borrowed for the callback. */
typedef struct {
    gboolean ok;
    const char *step; /* where it ended: "ES9+.AuthenticateClient", "activationCode", "consent" …;
                         "done" if ok */
    const char *error; /* NULL; an ASN.1 error name, "timeout", "link", "unresolved", "tls", "http",
                          "statusWord", "badReply", "refused", "addressMismatch" … */
    const char *subject, *reason; /* a server's refusal */
    const char *iccid;            /* NULL if not known */
    const char *cancelled;        /* CancelSession reason sent, NULL */
    GBytes *result;               /* ProfileInstallationResult; NULL: it did not come so far */
    GBytes *trigger; /* what a proxy found at an SM-DS (ProfileDownloadTriggerRequest); NULL */
    guint events, installed; /* discovery: records received, profiles installed */
    guint delivered,
        pending; /* notifications acknowledged in this operation, and left on the card */
} RspLpaOutcome;
typedef void (*RspLpaFunc) (const RspLpaOutcome *outcome, gpointer data);

/* One operation at a time; a second one while busy ends at once with error "busy". Operations that
 * leave notifications on the card deliver them before they end. */
void rsp_lpa_download (RspLpa *lpa, const RspLpaDownload *download, RspLpaFunc func, gpointer data);

/* Discovery: asks ADDRESS, or the card's root SM-DS and then the alternative ones, and opens a
 * session for each event in the order received. The first failure is the outcome; it does not stop
 * the others. */
typedef struct {
    const char *address;         /* NULL: as configured */
    const char *event_id;        /* NULL: all events */
    gboolean must_find;          /* no event is a failure: "noEvent" */
    gboolean keep_notifications; /* as in RspLpaDownload */
} RspLpaDiscover;
void rsp_lpa_discover (RspLpa *lpa, const RspLpaDiscover *discover, RspLpaFunc func, gpointer data);
/* What the LPA does at power-on, if the user's setting allows: without an operational profile, the
 * default SM-DP+, then the SM-DSs. */
void rsp_lpa_power_on (RspLpa *lpa, RspLpaFunc func, gpointer data);
/* The device is on: power-on discovery and polling begin, as configured. */
void rsp_lpa_start (RspLpa *lpa);
/* Neither an operation nor something of its own is under way. */
gboolean rsp_lpa_is_idle (const RspLpa *lpa);

/* An LPA in the eUICC works once the device has activated it. */
void rsp_lpa_activate_lpae (RspLpa *lpa, RspLpaFunc func, gpointer data);
void rsp_lpa_deliver_notifications (RspLpa *lpa, RspLpaFunc func, gpointer data);
void rsp_lpa_enable (RspLpa *lpa, const char *iccid, gboolean refresh, RspLpaFunc func,
                     gpointer data);
void rsp_lpa_disable (RspLpa *lpa, const char *iccid, gboolean refresh, RspLpaFunc func,
                      gpointer data);
void rsp_lpa_delete (RspLpa *lpa, const char *iccid, RspLpaFunc func, gpointer data);
void rsp_lpa_set_nickname (RspLpa *lpa, const char *iccid, const char *name, RspLpaFunc func,
                           gpointer data);
/* BITS: bit N is bit N of resetOptions, 0 to 7. */
void rsp_lpa_memory_reset (RspLpa *lpa, guint32 bits, RspLpaFunc func, gpointer data);
void rsp_lpa_set_default_dp (RspLpa *lpa, const char *address, RspLpaFunc func, gpointer data);

/* Provisioning profiles, and test profiles out of test mode, are not shown to a user, so not
 * listed. PROFILES is NULL if it failed. */
typedef void (*RspLpaListFunc) (const GPtrArray *profiles, const RspLpaOutcome *outcome,
                                gpointer data);
void rsp_lpa_list (RspLpa *lpa, RspLpaListFunc func, gpointer data);
