/* What the files of the eUICC share: its state, its session, and one entry point a function.
 *
 * What stands in non-volatile memory is mirrored here. A change goes rsp_euicc_begin, mirror and
 * NVM together, rsp_euicc_commit; when the commit fails, the mirror is read back. */
#pragma once

#include "asn1/ids.h"
#include "asn1/take.h"
#include "components/euicc/euicc-pe.h"
#include "components/euicc/euicc.h"
#include "pki/bsp.h"
#include "pki/crl.h"
#include "pki/hash.h"

#define RSP_EUICC_CHANNELS 20
#define RSP_EUICC_CHAIN_MAX 32768
#define RSP_EUICC_NOTIFICATIONS_MAX 256
#define RSP_EUICC_PROFILES_MAX 64

typedef struct {
    guint number; /* PIX suffix of the ISD-P AID */
    guint64 order;
    gboolean enabled;
    char *nickname;  /* NULL: none */
    GBytes *bf25;    /* metadata as received, what is not to be stored left out */
    GBytes *dp_data; /* B8, or NULL */
    GBytes *upp;     /* the opened profile package */
    guint32 cost;    /* octets of the card's memory */
    guint8 iccid[10];
    RspMetadata *metadata;
} RspEuiccProfile;

typedef struct {
    guint64 seq;
    guint32 event;
    char *address;
    GBytes *tlv;       /* PendingNotification: BF37 or 30 */
    RspSlice metadata; /* BF2F within */
    guint8 iccid[10];
    gboolean has_iccid;
} RspEuiccNotification;

typedef enum {
    RSP_SESSION_NONE,
    RSP_SESSION_CHALLENGE,
    RSP_SESSION_AUTHENTICATED,
    RSP_SESSION_PREPARED,
    RSP_SESSION_LOADING,
} RspSessionState;

typedef enum {
    RSP_LOAD_CHANNEL, /* BF23 */
    RSP_LOAD_FIRST_87,
    RSP_LOAD_ISDP,
    RSP_LOAD_88,
    RSP_LOAD_METADATA,
    RSP_LOAD_KEYS_OR_86,
    RSP_LOAD_KEYS,
    RSP_LOAD_86,
    RSP_LOAD_ELEMENTS,
} RspLoadPhase;

typedef struct {
    RspLoadPhase phase;
    gsize package_left, sequence_left; /* octets still to come */
    RspBsp *bsp;
    GByteArray *plain;    /* the segment at hand */
    GByteArray *metadata; /* opened 88 segments */
    GByteArray *upp;      /* opened 86 segments */
    gsize taken;          /* of upp, by the installer */
    RspInstall *install;
    RspEuiccProfile *profile;
} RspEuiccLoad;

typedef struct {
    RspSessionState state;
    guint8 challenge[16];
    guint8 transaction_id[16];
    gsize transaction_len;
    char *address;
    gboolean discovery;                        /* the server is an SM-DS */
    RspCert *auth, *pb, *root;                 /* root: the CI of the server's certificate */
    guint8 signature1[3 + RSP_SIGNATURE_SIZE]; /* euiccSignature1 as TLV */
    RspKey *otpk;
    RspEuiccLoad load;
} RspEuiccSession;

typedef enum { RSP_APP_NONE, RSP_APP_ISDR, RSP_APP_ECASD, RSP_APP_ADF } RspEuiccApp;

/* A BER-TLV object that goes out or comes in block by block. */
typedef struct {
    const RspUiccFile *ef; /* NULL: none */
    guint32 tag;
    gsize sent;
    GByteArray *incoming;
    gsize expected; /* octets of the whole object */
} RspEuiccObject;

typedef struct {
    gboolean open;
    RspEuiccApp app;
    RspUiccFile *df, *ef, *adf;
    guint record; /* record pointer, 0 none */
    GByteArray *chain;
    guint next_block;
    RspEuiccObject object;
    GByteArray *response; /* waits for GET RESPONSE */
    gsize sent;           /* of response */
    guint response_sw;    /* once it is all gone */
} RspEuiccChannel;

typedef struct _RspEuiccIot RspEuiccIot; /* euicc-iot.h */

struct _RspEuicc {
    const RspActor *actor;
    char *eid;
    guint8 eid_octets[16];
    RspKey *key; /* borrowed */
    RspCert *cert, *eum_cert;
    GPtrArray *roots;
    char *initial_dp, *root_ds;
    GBytes *rat; /* rules, one after another */
    guint32 memory, worn_memory, crl_memory;
    guint64 services;
    guint8 svn[3];
    gboolean has_clock, test_profiles;
    RspEuiccIot *iot; /* NULL: a card for consumer devices */
    RspRng *challenges, *keys, *identities;
    gboolean lpae;        /* has an LPA of its own */
    gboolean from_inside; /* the ES10 command that runs is one of its own LPA or IPA */
    /* non-volatile */
    RspNvm *nvm;
    GPtrArray *changes;       /* of profiles, in the open transaction (sim/net/actor.h) */
    GPtrArray *profiles;      /* of RspEuiccProfile, by order */
    GPtrArray *notifications; /* of RspEuiccNotification, by seq */
    GPtrArray *crls;          /* of RspCrl: parts */
    guint64 next_seq, next_order;
    char *default_dp; /* NULL: never changed */
    guint resume;     /* operational profile to come back to; 0 none */
    /* volatile */
    gboolean power_lost; /* in the midst of a command */
    RspEuiccSession session;
    RspEuiccChannel *channels[RSP_EUICC_CHANNELS]; /* NULL: closed */
    gboolean terminal_profile, lpae_active;
    GPtrArray *sms; /* (nullable) of GBytes: parts of a short message, NULL what has not come */
    guint8 sms_reference;
    gboolean refresh_pending; /* a REFRESH was announced, perhaps fetched, and is not done */
    guint refresh_target;     /* profile to enable; 0: only disable */
    gboolean refresh_fetched;
    GBytes *elements; /* EUICCResponse of the last installation, or NULL */
    RspUicc *uicc;    /* of the enabled profile; made when first needed */
    gboolean timed;
    gint64 spent, busy; /* µs: since the last answer, in all */
    GPtrArray *answers; /* of Answer (euicc.c), on their way */
    void (*on_change) (gpointer data);
    gpointer on_change_data;
};

/* --- euicc-nvm.c --- */
gboolean rsp_euicc_load_state (RspEuicc *card, GError **error);
void rsp_euicc_begin (RspEuicc *card);
/* FALSE: the memory could not be written, and the mirror is as before. */
gboolean rsp_euicc_commit (RspEuicc *card);
/* The same where no mirror has been changed yet: on failure nothing needs to be read back. */
gboolean rsp_euicc_commit_alone (RspEuicc *card);
void rsp_euicc_rollback (RspEuicc *card); /* the mirror too */
void rsp_euicc_put_profile (RspEuicc *card, const RspEuiccProfile *profile, gboolean with_package);
void rsp_euicc_drop_profile (RspEuicc *card, RspEuiccProfile *profile); /* frees it */
void rsp_euicc_put_notification (RspEuicc *card, const RspEuiccNotification *notification);
void rsp_euicc_drop_notification (RspEuicc *card, guint index);
void rsp_euicc_put_counters (RspEuicc *card);
void rsp_euicc_put_default_dp (RspEuicc *card, const char *address); /* NULL: back to the initial */
void rsp_euicc_put_resume (RspEuicc *card, guint number);
void rsp_euicc_put_switch (RspEuicc *card, gboolean pending, guint target);
gboolean rsp_euicc_get_switch (RspEuicc *card, guint *ret_target);
/* What a load that is under way leaves for the case that it is interrupted. */
void rsp_euicc_put_loading (RspEuicc *card, GByteArray *record); /* takes */
GBytes *rsp_euicc_get_loading (RspEuicc *card);                  /* (transfer full) (nullable) */
void rsp_euicc_drop_loading (RspEuicc *card);
/* The kept one-time key for a DP, 32 octets of scalar and its point. (transfer full) (nullable) */
GBytes *rsp_euicc_get_otpk (RspEuicc *card, const char *oid);
void rsp_euicc_put_otpk (RspEuicc *card, const char *oid, const RspKey *key);
void rsp_euicc_drop_otpk (RspEuicc *card, const char *oid);
void rsp_euicc_profile_free (RspEuiccProfile *profile);
void rsp_euicc_notification_free (RspEuiccNotification *notification);
RspEuiccNotification *rsp_euicc_notification_new (GBytes *tlv); /* NULL if not one */
/* Fills ICCID and METADATA from BF25. FALSE if it does not decode. */
gboolean rsp_euicc_profile_set_metadata (RspEuiccProfile *profile, GBytes *bf25);

/* --- euicc.c --- */
guint32 rsp_euicc_room (const RspEuicc *card);
RspEuiccProfile *rsp_euicc_enabled (const RspEuicc *card);
RspEuiccProfile *rsp_euicc_by_number (const RspEuicc *card, guint number);
RspEuiccProfile *rsp_euicc_by_iccid (const RspEuicc *card, RspSlice iccid);
void rsp_euicc_isdp_aid (guint number, guint8 out[16]);
RspUicc *rsp_euicc_uicc (RspEuicc *card); /* never NULL */
/* The enabled profile has changed: what the terminal had selected is gone. */
void rsp_euicc_uicc_changed (RspEuicc *card);
void rsp_euicc_session_end (RspEuicc *card);
/* Channel NUMBER, made if it is not there. */
RspEuiccChannel *rsp_euicc_channel (RspEuicc *card, guint number);
static inline gboolean
rsp_euicc_is_open (const RspEuicc *card, guint number)
{
    return number < RSP_EUICC_CHANNELS && card->channels[number] && card->channels[number]->open;
}
/* Gives the memory of closed channels back, between commands. */
void rsp_euicc_tidy_channels (RspEuicc *card);

/* --- euicc-apdu.c --- */
/* Handlers put the answer's data into OUT and return the status word. One whole ES10 command. */
guint rsp_euicc_es10 (RspEuicc *card, RspSlice command, GByteArray *out);

/* --- euicc-uicc.c --- */
typedef struct {
    guint8 cla, ins, p1, p2;
    RspSlice data;
    gboolean has_lc, has_le;
    guint le; /* 1 to 256 */
    guint channel;
} RspEuiccCommand;
typedef guint (*RspEuiccApdu) (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                               GByteArray *out);
#define RSP_EUICC_APDU(name)                                                                       \
    guint name (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
RSP_EUICC_APDU (rsp_euicc_select_file);
RSP_EUICC_APDU (rsp_euicc_select_adf);
RSP_EUICC_APDU (rsp_euicc_status);
RSP_EUICC_APDU (rsp_euicc_activate_file);
RSP_EUICC_APDU (rsp_euicc_deactivate_file);
/* The channel's application session ends: its local PINs are no longer verified. */
void rsp_euicc_leave_application (RspEuicc *card, RspEuiccChannel *ch);

/* --- euicc-uicc-data.c --- */
RSP_EUICC_APDU (rsp_euicc_read_binary);
RSP_EUICC_APDU (rsp_euicc_update_binary);
RSP_EUICC_APDU (rsp_euicc_read_record);
RSP_EUICC_APDU (rsp_euicc_update_record);
RSP_EUICC_APDU (rsp_euicc_search_record);
RSP_EUICC_APDU (rsp_euicc_increase);
/* The EF that a command is about, by SFI, which selects it, or the current one for 0; checked in
 * the order structure (a file descriptor's low six bits, or RSP_EF_RECORDS), life cycle, access. */
enum { RSP_EF_RECORDS = 0x100 };
guint rsp_euicc_open_ef (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, guint8 sfi,
                         guint structure, guint8 operation, RspUiccFile **ret_ef);

/* --- euicc-uicc-tlv.c --- */
RSP_EUICC_APDU (rsp_euicc_retrieve_data);
RSP_EUICC_APDU (rsp_euicc_set_data);
void rsp_euicc_object_clear (RspEuiccObject *object);

/* --- euicc-uicc-pin.c --- */
RSP_EUICC_APDU (rsp_euicc_verify_pin);
RSP_EUICC_APDU (rsp_euicc_change_pin);
RSP_EUICC_APDU (rsp_euicc_disable_pin);
RSP_EUICC_APDU (rsp_euicc_enable_pin);
RSP_EUICC_APDU (rsp_euicc_unblock_pin);

/* --- euicc-cat.c --- */
RSP_EUICC_APDU (rsp_euicc_terminal_capability);
RSP_EUICC_APDU (rsp_euicc_terminal_profile);
RSP_EUICC_APDU (rsp_euicc_fetch);
RSP_EUICC_APDU (rsp_euicc_terminal_response);
/* Octets of the proactive command that waits for FETCH; 0: none. */
guint rsp_euicc_proactive (const RspEuicc *card);

/* --- euicc-uicc-access.c --- */
enum { /* access mode of an EF */
       RSP_ACCESS_READ = 0x01,
       RSP_ACCESS_UPDATE = 0x02,
       RSP_ACCESS_DEACTIVATE = 0x08,
       RSP_ACCESS_ACTIVATE = 0x10,
};
enum { RSP_PIN_ENABLED = 1, RSP_PIN_CHANGEABLE = 2, RSP_PIN_SWITCHABLE = 4 }; /* attributes */
/* OPERATION 0: nothing but a rule for the command itself allows it. */
gboolean rsp_euicc_allowed (RspEuicc *card, const RspEuiccChannel *ch, const RspUiccFile *file,
                            const RspEuiccCommand *c, guint8 operation);
/* Local references: DF's or else the application's. NULL: none. */
RspUiccPin *rsp_euicc_find_pin (RspEuicc *card, const RspEuiccChannel *ch, const RspUiccFile *df,
                                guint8 reference);
/* It is verified, or not enabled. */
gboolean rsp_euicc_pin_satisfied (RspEuicc *card, const RspEuiccChannel *ch, const RspUiccFile *df,
                                  guint8 reference);

/* --- euicc-uicc-nvm.c: what the enabled profile keeps beside its package, gone with it. FALSE:
 * nothing has changed --- */
gboolean rsp_euicc_keep (RspEuicc *card, const char *name, RspSlice value);
GBytes *rsp_euicc_kept (RspEuicc *card, const char *name); /* (transfer full) (nullable) */
gboolean rsp_euicc_keep_body (RspEuicc *card, const RspUiccFile *ef, RspSlice body);
gboolean rsp_euicc_keep_life (RspEuicc *card, const RspUiccFile *file, guint8 lcsi);
gboolean rsp_euicc_keep_pins (RspEuicc *card, const RspUiccPin *one, const RspUiccPin *two);
void rsp_euicc_restore (RspEuicc *card, const RspEuiccProfile *profile, RspUicc *uicc);
void rsp_euicc_forget (RspEuicc *card, const RspEuiccProfile *profile); /* in a transaction */

/* Every function whose answer has undefinedError says it when the memory could not be written. */
#define RSP_UNDEFINED_ERROR 127

/* --- ES10: BODY is the content of the command's TLV --- */
typedef guint (*RspEuiccHandler) (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_addresses (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_set_default_dp (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_challenge (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_authenticate_server (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_prepare_download (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_cancel_session (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_info1 (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_info2 (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_load_crl (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_rat (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_list_notification (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_retrieve_notifications (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_remove_notification (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_lpae_activation (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_profiles_info (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_enable_profile (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_disable_profile (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_delete_profile (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_memory_reset (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_eid (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_set_nickname (RspEuicc *card, RspSlice body, GByteArray *out);
/* SGP.32, euicc-iot-*.c */
guint rsp_euicc_load_package (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_add_initial_eim (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_eim_configuration (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_certs (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_profile_rollback (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_configure_immediate_enable (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_immediate_enable (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_execute_fallback (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_return_from_fallback (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_enable_emergency (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_disable_emergency (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_get_connectivity (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_iot_set_default_dp (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_activate_ipae (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_iot_memory_reset (RspEuicc *card, RspSlice body, GByteArray *out);
guint rsp_euicc_iot_memory_reset_v10 (RspEuicc *card, RspSlice body, GByteArray *out);

/* --- euicc-info.c --- */
void rsp_euicc_put_info2 (RspEuicc *card, GByteArray *out);
typedef enum { RSP_PPR_FORBIDDEN, RSP_PPR_ALLOWED } RspPprVerdict;
RspPprVerdict rsp_euicc_ppr_match (const RspEuicc *card, guint32 ppr, const RspMetadata *metadata);
gboolean rsp_euicc_has_operational (const RspEuicc *card);

/* --- euicc-crl.c --- */
gboolean rsp_euicc_load_crls (RspEuicc *card); /* from the memory; FALSE: damaged */
gboolean rsp_euicc_is_revoked (const RspEuicc *card, const RspCert *cert);

/* --- euicc-ota.c, euicc-es6.c --- */
RSP_EUICC_APDU (rsp_euicc_envelope);
/* SCRIPT: command APDUs one after another. Returns the last one's status word. */
guint rsp_euicc_es6 (RspEuicc *card, RspSlice script, guint8 *ret_executed);

/* --- euicc-lpae.c --- */
/* For the ISD-R's template E0. */
void rsp_euicc_put_lpae_support (const RspEuicc *card, GByteArray *out);
/* Template E1 of an eUICC for IoT, behind it. */
void rsp_euicc_put_ipae_support (const RspEuicc *card, GByteArray *out);
gboolean rsp_euicc_ipae_is_active (const RspEuicc *card);

/* --- euicc-es8p.c --- */
/* BppCommandId */
enum {
    RSP_BPP_CHANNEL = 0,
    RSP_BPP_ISDP = 1,
    RSP_BPP_METADATA = 2,
    RSP_BPP_KEYS = 4,
    RSP_BPP_ELEMENTS = 5
};

/* ErrorReason */
enum {
    RSP_REASON_INCORRECT_INPUT = 1,
    RSP_REASON_INVALID_SIGNATURE = 2,
    RSP_REASON_INVALID_TRANSACTION = 3,
    RSP_REASON_UNSUPPORTED_CRT = 4,
    RSP_REASON_UNSUPPORTED_OPERATION = 5,
    RSP_REASON_UNSUPPORTED_CLASS = 6,
    RSP_REASON_STRUCTURE_ERROR = 7,
    RSP_REASON_SECURITY_ERROR = 8,
    RSP_REASON_ICCID_EXISTS = 9,
    RSP_REASON_NO_MEMORY = 10,
    RSP_REASON_INTERRUPTION = 11,
    RSP_REASON_ELEMENT_ERROR = 12,
    RSP_REASON_DATA_MISMATCH = 13,
    RSP_REASON_INVALID_NAA_KEY = 14,
    RSP_REASON_PPR_NOT_ALLOWED = 15,
    RSP_REASON_UNKNOWN_ERROR = 127,
};

guint rsp_euicc_initialise_channel (RspEuicc *card, const RspTlv *tlv);
guint rsp_euicc_new_isdp (RspEuicc *card); /* load.profile, with a number that is free */
guint rsp_euicc_configure_isdp (RspEuicc *card, RspSlice plain);
guint rsp_euicc_store_metadata (RspEuicc *card);
guint rsp_euicc_replace_keys (RspEuicc *card, RspSlice plain);
guint rsp_euicc_load_elements (RspEuicc *card, gboolean last);

/* --- euicc-load.c --- */
/* One STORE DATA chain of a Bound Profile Package. */
guint rsp_euicc_load_chain (RspEuicc *card, RspSlice chain, GByteArray *out);
void rsp_euicc_load_clear (RspEuiccLoad *load);
/* The loaded profile becomes one of the card's, disabled; not written yet. Borrowed. */
RspEuiccProfile *rsp_euicc_add_profile (RspEuicc *card);
/* --- euicc-preload.c --- */
/* Installs PROFILES (nullable), unless that was done at an earlier start. */
gboolean rsp_euicc_preload (RspEuicc *card, const GPtrArray *profiles, GError **error);
/* The session ends by a command: a load under way leaves nothing. */
void rsp_euicc_load_abandon (RspEuicc *card);
/* After a power-off: a load that was under way is answered for with a stored result. */
void rsp_euicc_load_interrupted (RspEuicc *card);

/* --- euicc-timing.c --- */
/* The card has worked on FUNCTION, of ES10, ES8+ or ESep with OCTETS of content. */
void rsp_euicc_spend (RspEuicc *card, const RspFunction *function, gsize octets);
/* What is not in every call of a function. */
typedef enum { RSP_WORK_SIGNATURE, RSP_WORK_VERIFICATION, RSP_WORK_INSTALLATION } RspEuiccWork;
void rsp_euicc_work (RspEuicc *card, RspEuiccWork work);
/* How long an answer takes, in µs, with OCTETS on the contacts. */
gint64 rsp_euicc_take_time (RspEuicc *card, gsize octets);

/* --- euicc-notify.c --- */
/* Within a transaction: signs and stores one notification for each address of METADATA that wants
 * EVENT; EXCEPT (nullable) is left out. */
void rsp_euicc_notify (RspEuicc *card, const RspMetadata *metadata, const guint8 iccid[10],
                       guint32 event, const char *except);
/* Within a transaction: stores TLV and counts. */
void rsp_euicc_store_notification (RspEuicc *card, GByteArray *tlv);
void rsp_euicc_put_notification_metadata (GByteArray *out, guint64 seq, guint32 event,
                                          const char *address, const guint8 *iccid);

/* --- euicc-es10c.c --- */
/* What a pending REFRESH was for, once the terminal has carried it out or was reset. */
void rsp_euicc_apply_switch (RspEuicc *card, guint target);
/* Within a transaction: TARGET (NULL: none) is the enabled profile from its commit on. */
void rsp_euicc_switch_to (RspEuicc *card, RspEuiccProfile *target);
void rsp_euicc_delete (RspEuicc *card, RspEuiccProfile *profile); /* within a transaction */

/* --- euicc-asn1.c --- */
/* Signs PARTS with SK.EUICC and appends 5F37. */
void rsp_euicc_sign (RspEuicc *card, const RspSlice *parts, gsize n, GByteArray *out);
