/* Inside the LPA: one operation, one state, one switch (lpa.c); the handlers by topic. */
#pragma once

#include "asn1/fields.h"
#include "asn1/tlv.h"
#include "components/lpa/lpa.h"

/* Every state but IDLE and ASK_USER waits for the reply to one call. */
typedef enum {
    LPA_IDLE,
    LPA_GET_ADDRESSES,
    LPA_GET_SMDS_ADDRESSES,
    LPA_READ_STATE,
    LPA_GET_INFO1,
    LPA_GET_CHALLENGE,
    LPA_INITIATE_AUTHENTICATION,
    LPA_AUTHENTICATE_SERVER,
    LPA_AUTHENTICATE_CLIENT,
    LPA_GET_RAT,
    LPA_GET_OPERATIONAL_PROFILES,
    LPA_PREPARE_DOWNLOAD,
    LPA_GET_BOUND_PROFILE_PACKAGE,
    LPA_LOAD_BOUND_PROFILE_PACKAGE,
    LPA_CANCEL_ON_CARD,
    LPA_CANCEL_ON_SERVER,
    LPA_LIST_NOTIFICATIONS,
    LPA_RETRIEVE_NOTIFICATION,
    LPA_SEND_NOTIFICATION,
    LPA_REMOVE_NOTIFICATION,
    LPA_ASK_USER,
    LPA_READ_PROFILE,
    LPA_LOCAL,
    LPA_LIST_PROFILES,
} LpaState;

/* CancelSessionReason, SGP.22 5.7.14. */
typedef enum {
    LPA_CANCEL_END_USER_REJECTION = 0,
    LPA_CANCEL_POSTPONED = 1,
    LPA_CANCEL_TIMEOUT = 2,
    LPA_CANCEL_PPR_NOT_ALLOWED = 3,
    LPA_CANCEL_METADATA_MISMATCH = 4,
    LPA_CANCEL_LOAD_BPP_EXECUTION_ERROR = 5,
    LPA_CANCEL_UNDEFINED = 127,
} LpaCancelReason;

typedef enum { LPA_NO_CONSENT, LPA_SIMPLE_CONSENT, LPA_STRONG_CONSENT } LpaConsentLevel;

/* The user has answered; ERROR says what stands for anything but a yes, NULL for a yes. */
typedef void (*LpaAnswered) (RspLpa *lpa, RspConsent consent, const char *error);

typedef struct {
    guint64 seq;
    char *address;
    gboolean failed, done;
} LpaNote;

typedef struct _LpaDiscovery LpaDiscovery;

typedef struct {
    const char *name; /* "download" */
    RspLpaFunc func;
    RspLpaListFunc list_func;
    gpointer data;

    /* the outcome so far */
    char *step, *error, *subject, *reason, *iccid;
    const char *cancelled;
    guint delivered, pending, events, installed;

    LpaDiscovery *discovery; /* NULL: one session by itself */
    gboolean by_user;

    /* download */
    char *address, *matching_id, *oid;
    char *proxy; /* (nullable) */
    GBytes *proxy_transaction, *ctx_params, *hash_cc,
        *trigger; /* (nullable) to and from the proxy */
    gboolean root_smds;
    GBytes *result; /* of the installation */
    char *code;     /* confirmation code, a secret */
    guint codes_tried;
    gboolean code_was_refused, restarted, keep_notifications;
    GBytes *info1;
    GBytes *transaction_id;
    char *transaction_text;  /* as the server wrote it */
    RspFields *client_reply; /* of AuthenticateClient */
    RspMetadata *metadata;
    guint32 ppr; /* of the metadata, PPR1 and PPR2 */
    gboolean strong_consent, cc_required;
    LpaCancelReason cancel_reason;

    /* a question to the user */
    RspLpaAnswer answer;
    gboolean strong_question;
    LpaAnswered answered;

    /* notifications */
    GPtrArray *notes; /* of LpaNote, in the order of delivery */
    guint note;
    GBytes *pir; /* the one just made, with its number */
    guint64 pir_seq;

    /* local management */
    const char *result_enumeration;
    gboolean makes_notifications;
    LpaConsentLevel level;
    RspFunctionId command_function;
    GBytes *command;
    RspLpaProfile *profile; /* (nullable) that it is about */
    GPtrArray *profiles;    /* of RspLpaProfile */
} LpaOperation;

struct _RspLpa {
    const RspActor *actor;
    char *card, *imei, *tac;
    gint64 timeout, user_timeout;
    gboolean lenient, test_mode, check_dates;
    RspEncoding encoding;       /* of ES9+ and ES11 */
    RspEncoding proxy_encoding; /* of ESipa */
    GBytes *imposed_ci;         /* (nullable) */
    RspLpaUi ui;
    guint64 start_event;  /* of the loop, for operations that end before any call */
    guint64 answer_event; /* while the user thinks */
    GPtrArray *refused;   /* of RefusedOperation: answered "busy" from the loop */

    gint64 retry;        /* first pause, 0: none */
    guint64 retry_event; /* the next try of pending notifications */
    guint retries;

    char **smds;
    gboolean power_on_discovery;
    RspConsent unattended;
    RspLpaPolling polling;
    gboolean installed, enabled; /* as last seen: a profile; one that is enabled */
    guint searches;              /* polls left in the quick rhythm */
    guint64 poll_event, look_event;

    LpaState state;
    const RspFunction *function; /* of the call under way */
    LpaOperation *op;
};

/* lpa.c: NULL when busy (then FUNC will be told). */
LpaOperation *lpa_begin (RspLpa *lpa, const char *name, RspLpaFunc func, RspLpaListFunc list_func,
                         gpointer data);
/* Calls the card or, for HTTP functions, ADDRESS, and waits in STATE. Takes BODY. */
void lpa_call (RspLpa *lpa, LpaState state, RspFunctionId function, const char *address,
               GBytes *body);
/* Ends the operation before its first call: the callback comes from the loop. */
void lpa_end_early (RspLpa *lpa, const char *step, const char *error);
/* Notes the failure; STEP NULL: the function just called. The first failure stays. */
void lpa_note_failure (RspLpa *lpa, const char *step, const char *error);
/* lpa_note_failure, then ends the operation. */
void lpa_fail (RspLpa *lpa, const char *step, const char *error);
void lpa_finish (RspLpa *lpa);
void lpa_finish_early (gpointer lpa); /* from the loop, as start_event */
void lpa_check_event (RspLpa *lpa, const char *op, const char *key, const char *result);
void lpa_progress (RspLpa *lpa, const char *stage);
/* A card's whole response TLV under the called function's tag. */
gboolean lpa_card_response (RspLpa *lpa, const RspReply *reply, RspTlv *ret_tlv);
/* The same; FALSE: the operation has failed with what is wrong. */
gboolean lpa_read_card (RspLpa *lpa, const RspReply *reply, RspTlv *ret_tlv);
/* The same within a session with a server: a card that answers badly ends it as it can. */
gboolean lpa_card_answered (RspLpa *lpa, const RspReply *reply, RspTlv *ret_tlv);
/* A non-negative INTEGER that fits; FALSE otherwise. */
gboolean lpa_integer (RspSlice value, guint64 *ret);
char *lpa_text (RspSlice value);    /* NULL if not UTF-8 or with a NUL inside */
char *lpa_address (RspSlice value); /* NULL if not the address of a server */
GBytes *lpa_take (GByteArray *out);

/* lpa-download.c */
void lpa_on_addresses (RspLpa *lpa, const RspReply *reply);
void lpa_on_info1 (RspLpa *lpa, const RspReply *reply);
void lpa_on_challenge (RspLpa *lpa, const RspReply *reply);
void lpa_on_initiate_authentication (RspLpa *lpa, const RspReply *reply);
void lpa_on_authenticate_server (RspLpa *lpa, const RspReply *reply);
void lpa_on_authenticate_client (RspLpa *lpa, const RspReply *reply);
void lpa_restart_download (RspLpa *lpa);
/* With op->address and op->matching_id. */
void lpa_start_session (RspLpa *lpa);
void lpa_clear_session (LpaOperation *op);
/* The server's answer to an ES9+ call; NULL, with the failure noted, if it is none or a refusal. */
RspFields *lpa_server_reply (RspLpa *lpa, const RspReply *reply);
/* Name of the error that a card's {A0 ok | A1 {transactionId, code}} gives; NULL if it is ok. */
const char *lpa_card_error (const RspTlv *response, const char *enumeration);

/* lpa-discovery.c */
void lpa_discovery_free (LpaDiscovery *discovery);
/* A session of a discovery has ended: TRUE if a further one has begun. */
gboolean lpa_discovery_goes_on (RspLpa *lpa);
/* The function of the interface that the current server offers. */
RspFunctionId lpa_session_function (const RspLpa *lpa, RspFunctionId es9p, RspFunctionId es11);
RspEncoding lpa_session_encoding (const RspLpa *lpa);
/* What is wrong with the kind of server that answered InitiateAuthentication; NULL: fine. */
const char *lpa_discovery_check_server (RspLpa *lpa, const RspFields *server);
gboolean lpa_asks_smds (const RspLpa *lpa);
void lpa_on_event_entries (RspLpa *lpa);
void lpa_on_smds_addresses (RspLpa *lpa, const RspReply *reply);
void lpa_on_state (RspLpa *lpa, const RspReply *reply);
/* OP has ended: the polling policy looks at the card anew. */
void lpa_polling_after (RspLpa *lpa, const LpaOperation *op);

/* lpa-proxy.c */
RspFunctionId lpa_proxy_function (RspFunctionId es9p);
/* A proxy's answer as the server's; what it has beyond that goes to the operation. NULL: unusable.
 * Takes ANSWER. */
RspFields *lpa_proxy_reply (LpaOperation *op, RspFields *answer);
/* Whether the proxy itself has refused in mid-session: then the session is being cancelled. */
gboolean lpa_proxy_refused (RspLpa *lpa);
/* Whether the proxy asked an SM-DS: then the operation ends here. */
gboolean lpa_proxy_asked_smds (RspLpa *lpa);
/* Where the messages of the session go. */
const char *lpa_session_peer (const RspLpa *lpa);

/* lpa-user.c */
void lpa_ask (RspLpa *lpa, gboolean strong, LpaAnswered answered);
LpaCancelReason lpa_reason_of (RspConsent consent);

/* lpa-ci.c: the one CI that the device imposes. NULL: none of INFO1's lists has it. */
GBytes *lpa_impose_ci (GBytes *info1, RspSlice ci);
/* Whether the server went by it. */
gboolean lpa_ci_is (const RspFields *server, RspSlice ci);

/* lpa-install.c */
void lpa_ask_about_download (RspLpa *lpa);
void lpa_on_prepare_download (RspLpa *lpa, const RspReply *reply);
void lpa_on_bound_profile_package (RspLpa *lpa, const RspReply *reply);
void lpa_on_load (RspLpa *lpa, const RspReply *reply);

/* lpa-policy.c */
void lpa_check_policy (RspLpa *lpa); /* ends in lpa_ask_about_download or a cancellation */
void lpa_on_rat (RspLpa *lpa, const RspReply *reply);
void lpa_on_operational_profiles (RspLpa *lpa, const RspReply *reply);
/* Whether the package's metadata, as MACed, differs from what was shown, and so must be cancelled.
 */
gboolean lpa_metadata_changed (GBytes *bpp, RspSlice shown, const RspMetadata *metadata,
                               LpaCancelReason *ret_reason);

/* lpa-cancel.c: notes the failure, cancels on the card and at the server, then ends. */
void lpa_cancel (RspLpa *lpa, LpaCancelReason reason, const char *step, const char *error);
void lpa_on_cancel_card (RspLpa *lpa, const RspReply *reply);
void lpa_on_cancel_server (RspLpa *lpa, const RspReply *reply);

/* lpa-notify.c */
void lpa_deliver (RspLpa *lpa);
void lpa_on_notification_list (RspLpa *lpa, const RspReply *reply);
void lpa_on_notification (RspLpa *lpa, const RspReply *reply);
void lpa_on_notification_sent (RspLpa *lpa, const RspReply *reply);
void lpa_on_notification_removed (RspLpa *lpa, const RspReply *reply);
/* An operation has left PENDING notifications on the card. */
void lpa_schedule_retry (RspLpa *lpa, guint pending);

/* lpa-local.c */
void lpa_on_read_profile (RspLpa *lpa, const RspReply *reply);
void lpa_on_local (RspLpa *lpa, const RspReply *reply);

/* lpa-list.c */
void lpa_on_profile_list (RspLpa *lpa, const RspReply *reply);
RspLpaProfile *lpa_profile_read (RspSlice info); /* content of a ProfileInfo; NULL: not one */
void lpa_profile_free (RspLpaProfile *profile);
