/* A world: the actors of a scenario, alive on one loop and one bus. Built from the merged YAML. */
#pragma once

#include "asn1/saip.h"
#include "components/ci/ci.h"
#include "components/eim/eim.h"
#include "components/eum/eum.h"
#include "components/euicc/euicc.h"
#include "components/ipa/ipa.h"
#include "components/lpa/lpa.h"
#include "components/modem/modem.h"
#include "components/operator/operator.h"
#include "components/smdpp/smdpp.h"
#include "components/smds/smds.h"
#include "sim/net/apdu.h"
#include "sim/run/scenario.h"

typedef enum {
    RSP_ACTOR_CI,
    RSP_ACTOR_EUM,
    RSP_ACTOR_OPERATOR,
    RSP_ACTOR_SMDPP,
    RSP_ACTOR_EUICC,
    RSP_ACTOR_LPA,
    RSP_ACTOR_SMDS,
    RSP_ACTOR_EIM,
    RSP_ACTOR_IPA,
} RspActorRole;

/* A certificate with its key, kept for `rspsim pki` and for faults that sign again. */
typedef struct {
    char *purpose; /* "auth", "pb", "tls", "euicc", "eum", "ci", "client", "eim" */
    RspCert *cert;
    RspKey *key;
} RspWorldCredential;

/* An IPA with the download procedure that it is lent. */
typedef struct {
    RspIpa *ipa;
    RspLpa *engine;
    void (*installed) (GBytes *result, gpointer data);
    RspIpaDownloadedFunc downloaded;
    RspIpaDeliveredFunc delivered;
    gpointer data;
} RspWorldIpa;

typedef struct {
    RspActor base; /* base.name is the actor's name */
    RspActorRole role;
    RspYaml *yaml;            /* its declaration; of a group, what is this member's */
    const char *group;        /* (nullable) whose member it is */
    GPtrArray *credentials;   /* of RspWorldCredential */
    GPtrArray *roots;         /* of RspCert: what it trusts */
    GPtrArray *known_clients; /* of RspKnownClient (nullable): a server's */
    GBytes *given;            /* an operator's own certificate (nullable) */
    RspCredential tls;
    union {
        RspCi *ci;
        RspEum *eum;
        RspOperator *op;
        RspSmdpp *smdpp;
        RspEuicc *euicc;
        RspLpa *lpa;
        RspSmds *smds;
        RspEim *eim;
        RspWorldIpa *ipa;
    };
    RspApduLink *link; /* of a euicc */
    RspModem *modem;   /* of a device */
    guint64 restart;   /* event of the loop that brings it back after a crash; 0: none */
} RspWorldActor;

/* What was ordered: for event 0 of the trace and for invariants. */
typedef struct {
    char *iccid;
    guint8 sha256[32];  /* of the unprotected profile package */
    const char *server; /* whose stock it is */
    const RspYaml *yaml;
    RspProfilePackage *package;
} RspWorldPackage;

typedef struct {
    RspLoop *loop;
    RspTrace *trace;       /* (nullable) */
    RspFaults *faults;     /* (nullable) */
    const char *state_dir; /* (nullable) */
    gint64 seed;           /* -1: the world's own */
    gboolean system_random;
    const char *link; /* (nullable): preset for the links of all devices */
    gboolean https;   /* legs go over loopback TLS */
    const char *only; /* (nullable) the one actor that comes to life */
    gint64 tls_from;  /* Unix seconds from which TLS certificates are valid; 0: the world's start */
} RspWorldOptions;

typedef struct {
    const RspScenario *scenario;
    RspWorldOptions options;
    guint64 seed, incarnation;
    RspBus *bus;
    RspTransport *transport;     /* (nullable): https */
    GPtrArray *actors;           /* of RspWorldActor, in file order */
    GHashTable *by_name;         /* the same by name */
    GHashTable *devices;         /* name of a card → RspWorldActor that holds it */
    GPtrArray *cis;              /* those of role ci */
    GPtrArray *packages;         /* of RspWorldPackage */
    GHashTable *by_iccid;        /* the first of them with each ICCID */
    struct _RspNetwork *network; /* NULL until the actors are alive */
    GHashTable *documents;       /* path → RspYaml of a package file */
    char *folder;                /* of durable state (nullable) */
    gboolean scratch;            /* FOLDER is for this run alone, so that servers can crash */
    char *failure;               /* why a crashed server did not come back (nullable) */
} RspWorld;

/* The world's wall clock at the start, Unix µs. */
gint64 rsp_world_start (const RspScenario *scenario);

/* Certificates, keys and profile packages; nobody acts yet. SCENARIO must outlive the world. */
RspWorld *rsp_world_new (const RspScenario *scenario, const RspWorldOptions *options,
                         GError **error);
/* Brings the actors to life on the bus. */
gboolean rsp_world_begin (RspWorld *world, GError **error);
void rsp_world_free (RspWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspWorld, rsp_world_free)
/* Places the `orders:` of its servers over ES2+ and waits for the answers. */
gboolean rsp_world_place_orders (RspWorld *world, GError **error);
RspWorldActor *rsp_world_actor (const RspWorld *world, const char *name); /* NULL if unknown */
/* The actor NAME, or all members of the group NAME, in order. (transfer container) */
GPtrArray *rsp_world_members (const RspWorld *world, const char *name);
/* The model of a device's link, from its `connectivity:`. */
void rsp_world_link_model (const RspWorld *world, const RspYaml *connectivity, RspLinkModel *ret);
/* MCC and MNC digits of an operator's network. */
const char *rsp_world_plmn (const RspWorldActor *op);
RspWorldCredential *rsp_world_credential (const RspWorldActor *actor, const char *purpose);
