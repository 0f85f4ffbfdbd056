/* A scripted server and card for the LPA, on the memory bus. */
#pragma once

#include "asn1/fields.h"
#include "components/lpa/lpa-private.h"

typedef enum { AS_USUAL, REFUSE, HTTP, STATUS_WORD, SILENT, CUT, BODY } Act;

typedef struct {
    Act act;
    guint status;
    const char *subject, *reason, *hex;
    guint times; /* 0: always */
} Script;

typedef struct {
    guint64 seq;
    const char *address;
} Note;

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspLpa *lpa;
    Script script[RSP_FN_COUNT];

    RspMetadata *metadata;                      /* shown */
    RspMetadata *bpp_metadata;                  /* carried; NULL: the same */
    const char *address, *inner_id, *inner_id2; /* as the server gives them */
    gboolean cc_required;
    const char *right_code;
    const char *rat; /* hex of the table's content */
    gboolean operational_installed;
    guint error_reason; /* of the PIR; 0: success */
    GBytes *cert;

    RspConsent consent;       /* the user's */
    const char *const *codes; /* NULL-terminated, NULL: none */

    GString *log;
    int cancel_reason; /* as the card was told; -1 */
    GArray *notes;     /* of Note: on the card */
    GString *sent;     /* sequence numbers that servers got */
    guint64 next_seq;
    const char *silent_address;

    guint ended;
    gboolean ok;
    char *step, *error, *code, *iccid;
    const char *cancelled;
    guint delivered, pending;
} Fixture;

#define ID "0A0B0C0D0E0F1011"
#define ICCID "8988303000000000010"

void put_hex (GByteArray *out, guint32 tag, const char *hex);
void add_note (Fixture *f, const char *address);
RspMetadata *make_metadata (guint32 ppr);
void set_up (Fixture *f, gconstpointer unused);
void forget_outcome (Fixture *f);
void tear_down (Fixture *f, gconstpointer unused);
void on_end (const RspLpaOutcome *o, gpointer data);
void run (Fixture *f);
void download_as (Fixture *f, const RspLpaDownload *download);
void download (Fixture *f);
void assert_failed (Fixture *f, const char *step, const char *error, int reason);
void assert_works (Fixture *f);

#define ADD(name, func) g_test_add ("/lpa/" name, Fixture, NULL, set_up, func, tear_down)
