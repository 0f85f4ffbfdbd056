/* Inside the IPA: one operation, a chain of calls each of which says what follows it. */
#pragma once

#include "asn1/asn1.h"
#include "asn1/functions.h"
#include "asn1/tlv.h"
#include "components/ipa/ipa.h"

/* StateChangeCause, SGP.32 6.3.2.6; told to the eIM by the next GetEimPackage. */
typedef enum {
    IPA_NO_CHANGE = -1,
    IPA_CHANGE_OTHER_EIM = 0,
    IPA_CHANGE_FALLBACK = 1,
    IPA_CHANGE_EMERGENCY = 2,
    IPA_CHANGE_LOCAL = 3,
    IPA_CHANGE_RESET = 4,
    IPA_CHANGE_IMMEDIATE_ENABLE = 5,
    IPA_CHANGE_UNDEFINED = 127,
} IpaStateChange;

typedef struct _IpaEmulation IpaEmulation;
typedef void (*IpaNext) (RspIpa *ipa); /* the operation goes on */
typedef void (*IpaAnswered) (RspIpa *ipa, const RspReply *reply);

typedef struct {
    char *id, *fqdn; /* fqdn NULL: not to be reached */
    gint64 token;    /* 0: none */
    gboolean indirect;
} IpaEim;

typedef struct {
    const char *name; /* "poll" */
    RspIpaFunc func;
    gpointer data;

    char *step, *error, *result, *code, *iccid;
    guint packages, delivered, kept, installed, failed, rolled_back;

    GPtrArray *eims; /* of IpaEim */
    guint eim;       /* the one being served */
    IpaNext after_eims;
    GPtrArray *results; /* of GBytes: the EuiccPackageResults that the card has kept */
    guint result_index;
    char *kept_key;           /* of the kept result that was sent last; NULL: none yet */
    GPtrArray *notifications; /* of GBytes: for HandleNotification */
    guint notification;

    /* a result on its way to the eIM */
    GBytes *sending; /* an EimPackageResult */
    IpaNext after_sending;
    gboolean reached;  /* the eIM has taken it */
    gboolean refused;  /* this eIM has refused one */
    GArray *to_remove; /* of guint64: acknowledged, to be removed from the card */
    GArray *for_smdp;  /* of guint64: notifications that stay for the SM-DP+ */
    IpaNext after_removing;
    guint64 removing; /* the number under way */
    IpaNext after_settling, after_download;

    /* the package in hand */
    IpaNext after_package;
    GBytes *package_result; /* BF51 */
    gboolean may_roll_back;
    guint tries;
    RspAsn1 *request;     /* IpaEuiccDataRequest */
    guint wanted, row;    /* its rows, and the one being read */
    GByteArray *elements; /* of the answer */
    GBytes *transaction;  /* eimTransactionId of the package in hand (nullable) */
    guint triggers;       /* one leads to another */
    GBytes *profile_result;

    /* local functions */
    RspFunctionId function;
    GBytes *command;
    guint local;

    RspCall *call;  /* injected: who waits for the answer (nullable) */
    gboolean asked; /* by the user of the IPA: no eIM gets the answer */
    GBytes *answer; /* (nullable) */
} IpaOperation;

struct _RspIpa {
    const RspActor *actor;
    RspIpaConfig config; /* its texts: below */
    char *card, *fqdn, *tac, *eim_address;
    gint64 timeout;
    guint64 start_event, poll_event; /* of the operation; of the period */
    RspRng *jitter;                  /* NULL: there is none */
    IpaNext after_pause;
    GPtrArray *refused; /* of RefusedOperation: answered "busy" from the loop */
    RspCall *waiting;   /* acknowledgements that came while notifications go out (nullable) */
    gboolean knows_eid;
    guint8 eid[16];
    RspNvm *memory;

    const RspFunction *function; /* of the call under way */
    IpaAnswered answered;
    IpaEmulation *emulation; /* (nullable) of SGP.32 in front of a consumer card */
    IpaOperation *op;
};

/* ipa.c: NULL when busy (then FUNC will be told). */
IpaOperation *ipa_begin (RspIpa *ipa, const char *name, RspIpaFunc func, gpointer data);
/* Calls the card or, for HTTP functions, ADDRESS. Takes BODY. */
void ipa_call (RspIpa *ipa, RspFunctionId function, const char *address, GBytes *body,
               IpaAnswered answered);
void ipa_card_call (RspIpa *ipa, RspFunctionId function, RspSlice content, IpaAnswered answered);
/* The first failure stays; STEP NULL: the function just called. */
void ipa_note_failure (RspIpa *ipa, const char *step, const char *error);
void ipa_fail (RspIpa *ipa, const char *step, const char *error);
void ipa_finish (RspIpa *ipa);
/* NEXT, after the pause before a retry. */
void ipa_after_pause (RspIpa *ipa, IpaNext next);
void ipa_set_result (RspIpa *ipa, const char *result);
void ipa_check_event (RspIpa *ipa, const char *op, const char *key, const char *result);
/* What is wrong with a reply as a whole; NULL: nothing. */
const char *ipa_problem (const RspIpa *ipa, const RspReply *reply);
/* The reply as TYPE; NULL, with the failure noted, if it is none. */
RspAsn1 *ipa_decode (RspIpa *ipa, const RspReply *reply, const char *type);
GBytes *ipa_take (GByteArray *out);
const char *ipa_code_name (const char *enumeration, gint64 value);

/* ipa-memory.c: EIM is an eimId. */
/* A download begins, or (RESULT: a ProfileInstallationResult) the card has ended it. */
void ipa_remember_download (RspIpa *ipa, const char *eim, RspSlice transaction, GBytes *result);
/* FALSE: none is under way. (transfer full) *RET_TRANSACTION and *RET_RESULT may be NULL. */
gboolean ipa_recall_download (RspIpa *ipa, char **ret_eim, GBytes **ret_transaction,
                              GBytes **ret_result);
void ipa_forget_download (RspIpa *ipa);
/* A ProfileInstallationResult that no download has shown yet. */
gboolean ipa_is_new_result (const RspIpa *ipa, const RspTlv *notification);
/* The download has ended with RESULT, an EimPackageResult; INSTALLATION: what the card said of it,
 * or empty. Gives its key. (transfer full) */
char *ipa_keep_result (RspIpa *ipa, const char *eim, GBytes *result, RspSlice installation);
/* The first kept result for EIM behind the key AFTER (nullable); NULL: there is none. (transfer
 * full)
 */
char *ipa_next_kept (const RspIpa *ipa, const char *eim, const char *after, GBytes **ret_result);
void ipa_drop_kept (RspIpa *ipa, const char *key);
void ipa_keep_acknowledged (RspIpa *ipa, const GArray *numbers);
void ipa_recall_acknowledged (const RspIpa *ipa, GArray *numbers);
void ipa_drop_acknowledged (RspIpa *ipa, guint64 number);
/* A package that enables with the rollback flag goes to the card. */
void ipa_remember_rollback (RspIpa *ipa, RspSlice eim, RspSlice counter);
GBytes *ipa_recall_rollback (const RspIpa *ipa); /* 80 eimId, 81 counterValue. (nullable) */
void ipa_forget_rollback (RspIpa *ipa);
IpaStateChange ipa_change (const RspIpa *ipa); /* the last one */
gboolean ipa_is_told (const RspIpa *ipa, const IpaEim *eim);
void ipa_tell (RspIpa *ipa, const IpaEim *eim);
gboolean ipa_in_emergency (const RspIpa *ipa); /* the Emergency Profile is enabled */
void ipa_note_emergency (RspIpa *ipa, gboolean active);
/* A function of the card that may cause CHANGE is about to be called, … */
void ipa_doubt (RspIpa *ipa, IpaStateChange change);
IpaStateChange ipa_doubted (const RspIpa *ipa);
/* … and has (IPA_NO_CHANGE: not) done so. The state of the eUICC has changed: each eIM hears of it,
 * but for EIM (nullable) whose doing it is. */
void ipa_note_change (RspIpa *ipa, IpaStateChange change, const IpaEim *eim);
/* … the card says no; without an answer the doubt stays. */
void ipa_note_refusal (RspIpa *ipa, const RspReply *reply);
gboolean ipa_owes (const RspIpa *ipa); /* something was under way */

/* ipa-boot.c: what a function of the card without an answer has done is found out, and a result
 * that decides over a rollback goes to its eIM (op->eims are read), then NEXT. */
void ipa_settle (RspIpa *ipa, IpaNext next);
/* ANSWER: a ProfileInfoListResponse with states and ecallIndications. */
gboolean ipa_emergency_enabled (RspSlice answer);

/* ipa-binding.c: messages on ESipa between JSON and ASN.1. What cannot be read stays as it is, and
 * is no ASN.1 either. (transfer full) */
GBytes *ipa_request_in_json (const RspFunction *function, GBytes *body);
GBytes *ipa_answer_in_asn1 (const RspFunction *function, GBytes *body);
/* TransferEimPackage: its request, empty if it cannot be read; its response with CONTENT. (transfer
 * full) */
GBytes *ipa_package_in_asn1 (const RspFunction *function, GBytes *body);
GBytes *ipa_result_in_json (const RspFunction *function, RspSlice content);
/* Answers CALL, TransferEimPackage, with CONTENT in ASN.1, in the binding in which it came. */
void ipa_answer_injected (RspCall *call, RspSlice content);

/* ipa-eims.c: EID and associated eIMs, then NEXT. */
void ipa_read_eims (RspIpa *ipa, IpaNext next);
const IpaEim *ipa_eim (const RspIpa *ipa); /* being served; NULL: there is none */

/* ipa-poll.c: what is wrong with the package in MESSAGE, of TAG, that does not decode:
 * unknownPackage if it is of no known kind, else invalidPackageFormat. */
guint8 ipa_package_error (RspSlice message, guint32 tag);

/* ipa-result.c: BF50 of RESULT (an EimPackageResult; taken) to the eIM being served, or the answer
 * to who injected the package; removes what is acknowledged, then NEXT. op->reached says whether
 * the eIM has taken it. */
void ipa_send_result (RspIpa *ipa, GBytes *result, IpaNext next);
/* PACKAGE, a TLV as received, is the one in hand: its eimTransactionId is kept. */
void ipa_note_transaction (RspIpa *ipa, RspSlice package);
/* eimPackageError or EimPackageResultResponseError of CODE, then NEXT. */
void ipa_send_error (RspIpa *ipa, guint8 code, IpaNext next);
/* The elements of PATH, EimAcknowledgements: BF30 each, then NEXT. */
void ipa_remove_acknowledged (RspIpa *ipa, const RspAsn1 *node, const char *path, IpaNext next);
/* Removes what op->to_remove says, then NEXT. */
void ipa_remove (RspIpa *ipa, IpaNext next);

/* ipa-notify.c: pending notifications to the eIM by HandleNotification, then NEXT. */
void ipa_notify_eim (RspIpa *ipa, IpaNext next);
/* LIST, the content of a notificationList, goes to the eIM: what stays for the SM-DP+ is noted. */
void ipa_note_notifications (RspIpa *ipa, RspSlice list);
/* seqNumber of a PendingNotification or EuiccPackageResult; FALSE: it has none. */
gboolean ipa_seq_number (const RspTlv *tlv, guint64 *ret_seq);
/* Pending notifications to the SM-DP+s, then the operation ends. */
void ipa_deliver_and_finish (RspIpa *ipa);

/* ipa-package.c: PACKAGE is a BF51 TLV. */
void ipa_run_package (RspIpa *ipa, RspSlice package, IpaNext next);
/* RESULT, a BF51 TLV of an enabling with the rollback flag, to the eIM chosen; if no way leads
 * there, the rollback. Then NEXT. */
void ipa_deliver_or_roll_back (RspIpa *ipa, RspSlice result, IpaNext next);
/* ipa-data.c: REQUEST is a BF52 TLV. */
void ipa_answer_data_request (RspIpa *ipa, RspSlice request, IpaNext next);
/* ipa-download.c: TRIGGER is a BF54 TLV. */
void ipa_download (RspIpa *ipa, RspSlice trigger, IpaNext next);
/* BF54 with the eimTransactionId (nullable) and DATA. (transfer full) */
GBytes *ipa_download_result (GBytes *transaction, RspSlice data);
/* ipa-emulate.c: TRUE: FUNCTION of the card is emulated, and its answer will come. */
gboolean ipa_emulates (RspIpa *ipa, const RspFunction *function, GBytes *body);
void ipa_emulation_installed (RspIpa *ipa, GBytes *result);
void ipa_emulation_free (RspIpa *ipa);
/* ipa-inject.c */
void ipa_serve (RspCall *call, gpointer ipa);
void ipa_serve_waiting (RspIpa *ipa); /* an operation has ended */
