/* What the RSP servers share (SM-DP+, SM-DS): dispatch of calls, each answered in the binding that
 * it came in, sessions, and the server's side of common mutual authentication (SGP.22 3.0.1), the
 * same on ES9+ and ES11.
 *
 * A server embeds an RspServer and fills in the upper part; its session type, if it has one of its
 * own, begins with an RspSession. Sessions live in memory and end with the process.
 */
#pragma once

#include "asn1/asn1.h"
#include "asn1/fields.h"
#include "pki/chain.h"
#include "pki/hash.h"
#include "sim/net/actor.h"

#define RSP_TRANSACTION_SIZE 16
#define RSP_MAX_SESSIONS 100000

#define RSP_OK ((RspStatus){NULL, NULL, NULL})
#define RSP_FAILED(subject, reason, message) ((RspStatus){(subject), (reason), (message)})
#define RSP_UNKNOWN_TRANSACTION RSP_FAILED ("8.10.1", "3.9", "unknown transactionId")
#define RSP_BAD_SIGNATURE(what) RSP_FAILED ("8.1", "6.1", (what))

/* What a server shows under one CI. */
typedef struct {
    RspCert *auth_cert, *pb_cert; /* pb: an SM-DP+'s */
    RspKey *auth_key, *pb_key;
} RspServerIdentity;

typedef struct {
    guint8 id[RSP_TRANSACTION_SIZE];
    char text[2 * RSP_TRANSACTION_SIZE + 1]; /* upper-case hex */
    gint64 due;
    GList link; /* in RspServer.session_queue, least recently used first */
    guint8 challenge[16];
    char *address;
    const RspServerIdentity *identity; /* of the server: the one that the eUICC can verify */
    RspCert *root; /* borrowed from the configuration: whose key the eUICC signs with */
    RspPublic *euicc;
    char eid[33];
    guint8
        request_hash[RSP_SHA256_SIZE]; /* of the request last executed, so that a repeat of the */
    GBytes *reply;                     /* same octets gets the same answer and changes nothing */
} RspSession;

/* A request on its way through a handler. */
typedef struct {
    RspCall *call;
    const RspFunction *fn;
    RspFields *in;
    RspFields *out;       /* reply, sent when the status says ok */
    GBytes *earlier;      /* the reply of an earlier, equal call, to be sent in its place */
    RspSession *session;  /* found by the transactionId */
    gboolean end_session; /* with this answer */
    gboolean deferred;    /* answered by rsp_request_finish */
    guint8 hash[RSP_SHA256_SIZE];
} RspRequest;

/* The entity's own subject codes and names. */
typedef struct {
    guint interfaces;     /* that it offers: 1u << RSP_IF_… */
    const char *entity;   /* subject of a failure of the server itself: "8.8" */
    const char *key_name; /* for the trace: "SK.DPauth" */
    RspStatus address, version, ci, certificate; /* refusals of InitiateAuthentication */
} RspServerKind;

/* Who serves which function; a table ends with {0}. HANDLER is of the type that its server calls:
 * of an RspServer RspHandler, with the server's own type for SELF. */
typedef void (*RspServes) (void);
typedef struct {
    RspFunctionId id;
    RspServes handler;
} RspServed;
#define RSP_SERVED(id, handler)                                                                    \
    {                                                                                              \
        RSP_FN_##id, (RspServes)(handler)                                                          \
    }
RspServes rsp_served_by (const RspServed *table, guint function); /* NULL: nobody */

/* A status is a protocol answer; ERROR is a fault of the server itself (its store). */
typedef RspStatus (*RspHandler) (gpointer self, RspRequest *request, GError **error);

typedef struct {
    const RspServerKind *kind;
    const RspActor *actor;
    gpointer self; /* the server, for the functions below */
    const RspServed *served;
    void (*failed) (gpointer self);   /* (nullable) after ERROR: take back what was begun */
    void (*answered) (gpointer self); /* (nullable) after the answer has gone out */
    void (*session_ended) (gpointer self, RspSession *session); /* (nullable) */
    gsize session_size;                                         /* of the server's session type */
    gint64 session_timeout;                                     /* µs after the last call */
    const RspServerIdentity *identities;                        /* one a CI, at least one */
    guint n_identities;
    GPtrArray *roots;              /* of RspCert: trusted CIs */
    guint8 svn_min[3], svn_max[3]; /* supported eUICC versions; zero: 2.0.0 to 2.255.255 */
    /* set by rsp_server_init */
    GPtrArray *addresses; /* every name it answers to, the FQDN first */
    RspRng *rng_transaction, *rng_challenge;
    GHashTable *sessions; /* id → RspSession, owned */
    GQueue session_queue;
    guint64 session_timer;
    GHashTable *deferred; /* set of RspRequest, owned */
} RspServer;

/* Attaches itself to the bus under its actor's name and FQDN and ALIASES (NULL-terminated,
 * nullable). Borrows what the upper part points to. */
void rsp_server_init (RspServer *server, const char *fqdn, const char *const *aliases);
void rsp_server_clear (RspServer *server);
void rsp_server_add_address (RspServer *server, const char *address);
/* Host names compare without case, and a lab address may carry a port. */
gboolean rsp_server_is_mine (const RspServer *server, const char *address);

/* Inside a handler of a function without a session: the status that it returns does not count; the
 * answer comes later. R stays good until it is finished or run again, or the server ends. */
void rsp_request_defer (RspServer *server, RspRequest *r);
/* The answer of a deferred request. Frees R. ERROR (nullable) as of a handler. */
void rsp_request_finish (RspServer *server, RspRequest *r, RspStatus status, const GError *error);
/* A deferred request goes through its handler anew. */
void rsp_request_rerun (RspServer *server, RspRequest *r);

/* session.c */
void rsp_sessions_init (RspServer *server);
void rsp_sessions_clear (RspServer *server);
RspSession *rsp_session_new (RspServer *server, const char *address,
                             const RspServerIdentity *identity, RspCert *root);
RspSession *rsp_session_find (RspServer *server, RspSlice id);
void rsp_session_touch (RspServer *server, RspSession *session);
void rsp_session_end (RspServer *server, RspSession *session);
RspSlice rsp_session_id (const RspSession *session);

/* authentication.c */
/* SGP.22 5.6.1, 5.8.1: checks, makes a session, and fills in the reply. */
RspStatus rsp_server_initiate_authentication (RspServer *server, RspRequest *r);
/* The member authenticateServerResponse; NULL if it does not decode. (transfer full) */
RspAsn1 *rsp_server_read_answer (const RspRequest *r);
/* Who is it (SGP.22 5.6.3, 5.8.2 up to the operation): on success the session knows its eUICC. */
RspStatus rsp_server_authenticate (RspServer *server, RspSession *s, const RspAsn1 *answer);
RspCert *rsp_server_parse_cert (const RspAsn1 *node, const char *path);
void rsp_session_put_id (const RspSession *s, RspFields *out);
void rsp_fields_put_array (RspFields *out, const char *name, const GByteArray *array);
void rsp_fields_put_tlv (RspFields *out, const char *name, guint32 tag, RspSlice value);
