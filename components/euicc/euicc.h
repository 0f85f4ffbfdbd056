/* The eUICC (SGP.22 v2.6): ISD-R with ES10a/b/c, ES8+, profile installation, and the file system of
 * the enabled profile. Everything goes through APDUs; state is in non-volatile memory. */
#pragma once

#include "asn1/metadata.h"
#include "pki/chain.h"
#include "sim/core/nvm.h"
#include "sim/net/actor.h"

/* What makes the card one for IoT (SGP.32). */
typedef struct {
    gboolean v10;         /* SGP.32 v1.0; default v1.2 */
    gboolean ecall;       /* knows an Emergency Profile */
    gboolean fallback;    /* knows a Fallback Profile */
    gboolean ipae;        /* has an IPA of its own */
    guint eim_limit;      /* associated eIMs at most; default 1, at most 16 */
    guint package_limit;  /* octets of a package's signed data; default 16384 */
    guint result_limit;   /* octets of the results of one package; default 8192 */
    GBytes *connectivity; /* httpParams; NULL: none */
    GPtrArray *eims;      /* (nullable) of GBytes: EimConfigurationData that the EUM loads */
} RspEuiccIotConfig;

/* A profile that the EUM loads. */
typedef struct {
    GBytes *metadata, *package; /* StoreMetadataRequest; unprotected profile package */
    gboolean enabled;           /* the first that says so is */
} RspEuiccPreloaded;

typedef struct {
    const char *eid;
    RspKey *key; /* borrowed: SK.EUICC */
    RspCert *cert, *eum_cert;
    GPtrArray *roots; /* of RspCert: CIs whose keys verify; the one of CERT's chain also signs */
    const char *nvm_path;                             /* NULL: in memory */
    const char *default_dp_address, *root_ds_address; /* NULL: none, "rootds.example.com" */
    guint32 memory;                                   /* octets for profiles; default 512 KiB */
    guint64 services;             /* RSP_SERVICE_BIT of what profiles may need; 0: the usual ones */
    guint32 worn_memory;          /* octets of a profile after which writing fails; 0: none fails */
    guint32 crl_memory;           /* octets for CRLs; 0: no LoadCRL */
    guint8 svn[3];                /* default 2.6.0 */
    gboolean has_clock;           /* checks certificate dates; default FALSE as most cards */
    gboolean test_profiles;       /* testProfileSupport; default TRUE by the world */
    gboolean timed;               /* answers over the bus take the time that a real card takes */
    gboolean lpae;                /* has an LPA of its own (CAT based); default FALSE */
    const RspEuiccIotConfig *iot; /* NULL: a card for consumer devices */
    const GPtrArray *preloaded;   /* (nullable) of RspEuiccPreloaded: on a new card */
    const RspSlice *rat;          /* RulesAuthorisationTable content DER, NULL: empty */
} RspEuiccConfig;

typedef struct _RspEuicc RspEuicc;
/* Attaches itself to the bus: answers APDU.Transmit. Copies CONFIG. */
RspEuicc *rsp_euicc_new (const RspActor *actor, const RspEuiccConfig *config, GError **error);
void rsp_euicc_free (RspEuicc *card);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEuicc, rsp_euicc_free)

/* One command APDU in, response data and status word out. Never fails otherwise. (transfer full) */
GBytes *rsp_euicc_transmit (RspEuicc *card, RspSlice command);
/* One whole ES10 command, or one chain of a package, from the LPA in the eUICC; the answer goes
 * into OUT. Returns the status word: 6985 before ES10b.LpaeActivation. */
guint rsp_euicc_internal_es10 (RspEuicc *card, RspSlice command, GByteArray *out);
void rsp_euicc_reset (RspEuicc *card); /* power off and on: session gone, NVM stays */
/* The same without warning: an open transaction is lost, and all that stands is read back. */
void rsp_euicc_cut_power (RspEuicc *card);
GBytes *rsp_euicc_atr (RspEuicc *card);
/* FUNC is called after a reset and after every change of the enabled profile: the terminal has to
 * read everything anew. NULL: nobody is. */
void rsp_euicc_on_change (RspEuicc *card, void (*func) (gpointer data), gpointer data);
/* How long the card has worked so far, µs; 0 unless timed. */
gint64 rsp_euicc_busy (const RspEuicc *card);

typedef struct {
    char *iccid, *nickname;
    char aid[33]; /* ISD-P AID in hex */
    gboolean enabled;
    RspMetadata *metadata;
    guint8 package_sha256[32]; /* of the opened profile package */
} RspProfileView;
GPtrArray *
rsp_euicc_profiles (RspEuicc *card); /* of RspProfileView, oldest first. (transfer full) */
typedef struct {
    guint64 seq;
    guint32 event;         /* RSP_EVENT_… */
    char *address, *iccid; /* iccid may be NULL */
} RspNotificationView;
GPtrArray *rsp_euicc_notifications (RspEuicc *card); /* of RspNotificationView. (transfer full) */
typedef struct {
    const char *status;    /* "bad-values"; NULL: unknown */
    gint32 identification; /* of the element; -1: none */
} RspElementView;
/* The PEStatus list of the last installation that came to its profile elements, of RspElementView.
 * (transfer full) */
GArray *rsp_euicc_elements (RspEuicc *card);
guint32 rsp_euicc_free_memory (RspEuicc *card);
