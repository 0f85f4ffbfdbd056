/* An eUICC for IoT that is none: in front of a consumer card (SGP.22 v2) the IPA answers SGP.32's
 * functions itself, by ES10 calls that the card knows and a state of its own. What the eUICC would
 * sign has no signature: 64 octets of zero stand in its place, and an eIM has to accept that.
 *
 * ipa_call hands over what is emulated; the answer comes back as the card's would. State is written
 * down before the answer; a package that a crash interrupts is never run twice. */
#pragma once

#include "components/common/iot.h"
#include "components/ipa/ipa-private.h"
#include "sim/core/store.h"

#define EMU_ICCID_SIZE 10
/* Results are numbered from here, apart from the card's notifications. */
#define EMU_FIRST_SEQ ((guint64)1 << 30)
#define EMU_RESULTS_MAX 64
#define EMU_RESULT_LIMIT 8192

enum { EMU_UNDEFINED_ERROR = 127 };
enum { EMU_NOT_FOUND = 1, EMU_WRONG_STATE = 2 };

/* The package that a result is for. */
typedef struct {
    char *eim; /* NULL: none */
    gint64 counter, token;
    GBytes *transaction;          /* (nullable) */
    guint64 seq;                  /* of the result that a rollback replaces */
    guint8 iccid[EMU_ICCID_SIZE]; /* of the profile that a rollback goes back to */
    GBytes *results;              /* of the operations so far */
} EmuPackage;

typedef struct {
    guint64 seq;
    GBytes *tlv; /* BF51 */
} EmuResult;

typedef struct {
    guint8 iccid[EMU_ICCID_SIZE];
    gboolean enabled;
} EmuProfile;

typedef void (*EmuNext) (RspIpa *ipa);
/* CODE: the element 80 in the card's answer TLV; EMU_BAD_ANSWER, EMU_NO_ANSWER: there is none. */
enum { EMU_BAD_ANSWER = -1, EMU_NO_ANSWER = -2 };
typedef void (*EmuAnswered) (RspIpa *ipa, gint code, const RspTlv *tlv);

/* A package that is being run. */
typedef struct {
    GBytes *body;
    RspIotPackage package; /* within BODY */
    RspSlice rest;         /* operations */
    RspTlv op;
    GByteArray *results;
    GPtrArray *gone;             /* of RspIotEim */
    GArray *profiles;            /* of EmuProfile */
    const EmuProfile *target;    /* of the operation */
    gboolean stepping, more;     /* one operation after the other, however many */
    gboolean enabled, disabled;  /* it has enabled, disabled one */
    gboolean deleted, rollback;  /* …; with the rollback flag */
    gboolean grants;             /* a rollback is possible */
    gboolean has_back;           /* BACK is set */
    guint8 back[EMU_ICCID_SIZE]; /* enabled before the package */
} EmuRun;

struct _IpaEmulation {
    RspStore *store;
    /* written down */
    RspIotEims eims;
    GPtrArray *results; /* of EmuResult */
    guint64 next_seq;
    RspIotImmediate immediate;
    EmuPackage rollback; /* granted by it */
    EmuPackage running;  /* begun, and not ended */
    /* read from the card */
    GBytes *ci; /* key identifier of its own CI */
    /* the profile installed last */
    gboolean has_installed;
    guint8 installed[EMU_ICCID_SIZE];
    char *installed_address;
    GBytes *installed_oid;
    /* the function being answered */
    const RspFunction *function;
    GBytes *body;
    RspSlice content; /* within BODY */
    EmuNext prepared;
    RspFunctionId called; /* of the card */
    EmuAnswered answered;
    guint64 event;
    guint sw;
    gboolean silent; /* the link to the card is cut */
    GBytes *answer;
    guint32 options; /* of a reset */
    EmuRun *run;
};

/* --- ipa-emulate.c --- */
void emu_answer (RspIpa *ipa, GByteArray *out); /* takes OUT; 9000 */
void emu_refuse (RspIpa *ipa, guint sw);
/* The card has not answered, and may have done it: who asked hears as much. */
void emu_pass_silence (RspIpa *ipa);
/* TAG{80 code} */
void emu_answer_code (RspIpa *ipa, guint8 code);
/* One call of the card; CONTENT of the function's TLV. */
void emu_call (RspIpa *ipa, RspFunctionId function, RspSlice content, EmuAnswered answered);
/* ES10c.EnableProfile without REFRESH. */
void emu_enable (RspIpa *ipa, const guint8 iccid[EMU_ICCID_SIZE], EmuAnswered answered);
/* Reads the EID, and the CI that the card signs for, unless they are known; then NEXT. */
void emu_prepare (RspIpa *ipa, EmuNext next);

/* --- ipa-emulate-state.c --- */
gboolean emu_open (RspIpa *ipa, const char *path, GError **error);
void emu_free (IpaEmulation *e);
/* All that is written down, in one transaction. FALSE: it is as before. */
gboolean emu_commit (RspIpa *ipa);
void emu_package_clear (EmuPackage *p);
void emu_put_result (IpaEmulation *e, GByteArray *tlv);  /* under next_seq */
gboolean emu_drop_result (IpaEmulation *e, guint64 seq); /* FALSE: there is none */
/* euiccPackageResultSigned with RESULTS for P, under next_seq. (transfer full) */
GByteArray *emu_result (const IpaEmulation *e, const EmuPackage *p, RspSlice results);
void emu_put_no_signature (gpointer unused, const RspSlice *parts, gsize n, GByteArray *out);

/* --- ipa-emulate-package.c --- */
void emu_load_package (RspIpa *ipa);
void emu_run_free (EmuRun *run);

/* --- ipa-emulate-local.c --- */
void emu_add_initial_eim (RspIpa *ipa);
void emu_profile_rollback (RspIpa *ipa);
void emu_configure_immediate_enable (RspIpa *ipa);
/* ConfigureImmediateEnable's fields; FALSE: malformed, nothing has changed. */
void emu_immediate_enable (RspIpa *ipa);
void emu_memory_reset (RspIpa *ipa);
void emu_set_default_dp (RspIpa *ipa);
void emu_retrieve_list (RspIpa *ipa);
void emu_remove_notification (RspIpa *ipa);
