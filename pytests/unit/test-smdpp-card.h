/* For the SM-DP+'s tests: a world of one SM-DP+, operators and one eUICC that is made of keys and
 * hand-written DER, so that nothing of the codecs under test stands on both sides. */
#pragma once

#include "components/ci/ci.h"
#include "components/eum/eum.h"
#include "components/operator/operator.h"
#include "components/smdpp/smdpp.h"
#include "pki/bsp.h"
#include "pki/hash.h"

#define FQDN "dp1.example.com"
#define EID "89049032001234000000000000000141"
#define OTHER_EID "89049032123451234512345678901235"
#define ICCID "8988303000000000010"
#define ICCID2 "8988303000000000028"
#define NO_BYTES ((RspSlice){NULL, 0})

/* Ways in which the card, or who stands between, goes wrong. */
typedef enum {
    BAD_NOTHING,
    BAD_SIGNATURE,
    BAD_SIGNED_ID,
    BAD_CHALLENGE,
    BAD_ADDRESS,
    BAD_OID,
    BAD_POINT,
    BAD_EXTENSION, /* not bad at all: unknown members to be skipped */
} Bad;

typedef struct {
    char *eid;
    RspKey *key, *otsk;
    RspCert *cert, *eum;
    guint8 rsp_capability;  /* first octet of the bits */
    guint8 forbidden;       /* first octet of the bits */
    guint8 profile_version; /* major */
    guint32 memory;
    guint8 services; /* first octet of uiccCapability */
} Card;

typedef struct {
    RspLoop *loop;
    RspTrace *trace;
    RspBus *bus;
    GString *states; /* "released>downloaded " … of state events */
    guint64 next_random;
    RspCi *ci, *other_ci;
    RspKey *auth_key, *pb_key;
    RspCert *auth_cert, *pb_cert;
    RspServerIdentity identity;
    RspEum *eum;
    GPtrArray *roots;
    RspActor dp_actor, op_actor, op2_actor;
    RspSmdppConfig config;
    RspSmdpp *dp;
    RspOperator *op, *op2;
    Card card;
    GBytes *upp;
    char *state_path;
    /* the last session, as the LPA sees it */
    GBytes *id;
    guint8 challenge[16];
    guint8 signature1[67], signature2[67]; /* 5F37 TLVs */
    char *address;
    GBytes *metadata, *bpp, *offered; /* offered: bppEuiccOtpk, NULL */
    gboolean code_required;
    char *code; /* of the last answer: "ok", "8.1/6.1", "http 204" … */
} World;

World *world_new (void);       /* defaults; no SM-DP+ yet */
void world_start (World *w);   /* SM-DP+ and operators, two profiles in stock */
void world_restart (World *w); /* the SM-DP+ anew, on the same database */
void world_free (World *w);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)
void world_on_disk (World *w); /* before world_start */
void world_settle (World *w);  /* runs until nothing is in flight */
void world_wait (World *w, gint64 seconds);
RspRng *world_rng (World *w);
/* A manufacturer of CI's; a card of its making takes the place of the one before. */
RspEum *eum_new (World *w, RspCi *ci, const RspCertTwist *twist);
void card_new (World *w, RspEum *eum, const char *eid, const RspEuiccCertTwist *twist);

RspProfilePackage *package_new (World *w, const char *iccid, guint32 ppr, RspProfileClass class);
const char *order_state (World *w, const char *iccid);
guint order_attempts (World *w, const char *iccid);

/* ES2+ by OP: name, value pairs ended by NULL. "ok" or the code; *RET (nullable): reply member. */
const char *es2 (World *w, RspOperator *op, RspFunctionId id, const char *ret_name, char **ret,
                 ...);
void order_released (World *w, const char *iccid, const char *eid, const char *matching_id,
                     const char *code);

/* ES9+. Each returns w->code. */
GBytes *info1 (World *w, const guint8 svn[3], const guint8 *highest, RspSlice verify,
               RspSlice sign);
const char *initiate (World *w);
const char *initiate_with (World *w, const char *address, GBytes *info);
GBytes *authenticate_body (World *w, const char *matching_id, Bad bad);
const char *authenticate (World *w, const char *matching_id, Bad bad);
GBytes *prepare_body (World *w, const char *code, Bad bad);
const char *get_bpp (World *w, const char *code, Bad bad);
GBytes *cancel_body (World *w, int reason, Bad bad);
const char *cancel (World *w, int reason, Bad bad);
GBytes *result_body (World *w, int error_reason, Bad bad); /* -1: success */
const char *deliver_result (World *w, int error_reason, Bad bad);
GBytes *other_notification (World *w, guint seq, guint8 event, const char *iccid, Bad bad);
const char *notify (World *w, GBytes *pending);
/* Any body to any function. */
RspFields *world_call (World *w, RspFunctionId id, GBytes *body);
const char *post (World *w, RspFunctionId id, GBytes *body);
const char *post_fields (World *w, RspFunctionId id, RspFields *fields);

/* The card's side of the last BPP: checks the signature and every segment, returns the package. */
typedef struct {
    GBytes *metadata, *upp;
    guint8 dp_point[RSP_POINT_SIZE];
    guint segments;
    gboolean replaced_keys;
} Opened;
void opened_clear (Opened *o);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Opened, opened_clear)
gboolean open_bpp (World *w, Opened *ret);
