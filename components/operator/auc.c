#include "components/operator/auc.h"

#include "asn1/nas.h"
#include "pki/aka.h"

#include <string.h>

#define INDEX_BITS 5
#define MAX_FAILURES 2 /* challenges after which the network gives up */

typedef struct {
    char imsi[16];
    RspAkaParameter aka; /* into SECRETS */
    GBytes *secrets;
    guint64 seq; /* of the last challenge */
    guint index;
} Subscriber;

/* A device that is being admitted. */
typedef struct {
    RspNasSystem system;
    Subscriber *subscriber;
    guint8 rand[16], expected[16]; /* XRES or XRES* */
    gsize expected_size;
    guint failures;
    gboolean challenged;
    const char *state; /* static */
} Session;

typedef struct {
    guint id;
    RspSuciScheme scheme;
    guint8 private[32];
} HomeKey;

struct _RspAuc {
    const RspActor *actor;
    char *plmn, *network; /* digits; serving network name */
    RspRng *challenges;
    GHashTable *subscribers; /* IMSI → Subscriber */
    GHashTable *sessions;    /* device → Session */
    GPtrArray *keys;         /* of HomeKey */
};

/* What is expected of a device, and the key that hides it, die with their holder. */
static void
session_free (gpointer session)
{
    rsp_wipe (session, sizeof (Session));
    g_free (session);
}

static void
home_key_free (gpointer key)
{
    rsp_wipe (key, sizeof (HomeKey));
    g_free (key);
}

/* --- Subscribers --- */

static void
subscriber_free (gpointer data)
{
    Subscriber *s = data;
    g_bytes_unref (s->secrets);
    g_free (s);
}

static Subscriber *
subscriber_new (const RspSaipSubscription *from)
{
    Subscriber *s = g_new0 (Subscriber, 1);
    guint8 both[64];
    gsize key = from->aka.key.len, opc = from->aka.opc.len > 32 ? 0 : from->aka.opc.len;
    memcpy (s->imsi, from->imsi, sizeof s->imsi);
    memcpy (both, from->aka.key.data, key);
    if (opc)
        memcpy (both + key, from->aka.opc.data, opc);
    s->secrets = rsp_secret_bytes (both, key + opc);
    rsp_wipe (both, sizeof both);
    RspSlice kept = rsp_slice_of (s->secrets);
    s->aka = from->aka;
    s->aka.key = RSP_SLICE (kept.data, key);
    s->aka.opc = RSP_SLICE (kept.data + key, opc);
    for (guint i = 0; i < RSP_AKA_INDICES; i++)
        s->seq = MAX (s->seq, from->aka.seq[i]);
    return s;
}

void
rsp_auc_add_subscribers (RspAuc *auc, GBytes *upp)
{
    g_autoptr (GArray) found = rsp_saip_subscriptions (upp);
    for (guint i = 0; i < found->len; i++) {
        const RspSaipSubscription *from = &g_array_index (found, RspSaipSubscription, i);
        if (g_hash_table_contains (auc->subscribers, from->imsi))
            continue;
        Subscriber *s = subscriber_new (from);
        g_hash_table_insert (auc->subscribers, s->imsi, s);
    }
}

gboolean
rsp_auc_add_suci_key (RspAuc *auc, guint key_id, RspSuciScheme scheme, const guint8 private[32])
{
    g_autoptr (GByteArray) public = g_byte_array_new ();
    if (!rsp_suci_public (scheme, private, public))
        return FALSE;
    HomeKey *key = g_new0 (HomeKey, 1);
    *key = (HomeKey){.id = key_id, .scheme = scheme};
    memcpy (key->private, private, sizeof key->private);
    g_ptr_array_add (auc->keys, key);
    return TRUE;
}

/* --- Identities --- */

/* Which IMSI a SUCI hides. */
static gboolean
reveal (RspAuc *auc, RspSlice identity, char imsi[16])
{
    RspSuci suci;
    g_autoptr (GByteArray) msin = g_byte_array_new ();
    if (!rsp_suci_read (identity, &suci))
        return FALSE;
    gboolean found = suci.scheme == RSP_SUCI_NULL;
    if (found)
        g_byte_array_append (msin, suci.output.data, (guint)suci.output.len);
    for (guint i = 0; !found && i < auc->keys->len; i++) {
        const HomeKey *key = g_ptr_array_index (auc->keys, i);
        found = key->id == suci.key_id && (guint)key->scheme == suci.scheme &&
                rsp_suci_reveal (key->scheme, key->private, suci.output, msin);
    }
    if (suci.scheme != RSP_SUCI_NULL)
        rsp_actor_crypto (auc->actor, "suci", "home network", found);
    g_strlcpy (imsi, suci.plmn, 16);
    return found && rsp_bcd_append (RSP_SLICE (msin->data, msin->len), imsi, 16);
}

static gboolean
identify (RspAuc *auc, const RspNas *nas, char imsi[16])
{
    return nas->system == RSP_NAS_5GS ? reveal (auc, nas->identity, imsi)
                                      : rsp_nas_read_imsi (nas->identity, imsi);
}

/* --- Answers --- */

static void
enter (RspAuc *auc, Session *session, const char *state)
{
    const char *object = session->subscriber ? session->subscriber->imsi : "device";
    rsp_actor_state (auc->actor, object, session->state, state);
    session->state = state;
}

static void
answer (RspCall *call, const RspNas *nas, const char *error)
{
    g_autoptr (GBytes) body = rsp_nas_encode (nas);
    RspOutcome outcome = {.error = error};
    rsp_call_reply (call, &outcome, body);
}

static void
refuse (RspAuc *auc, Session *session, RspCall *call, guint cause, const char *why)
{
    enter (auc, session, "rejected");
    session->challenged = FALSE;
    answer (call,
            &(RspNas){.system = session->system, .type = RSP_NAS_ATTACH_REJECT, .cause = cause},
            why);
}

static void
reject (RspAuc *auc, Session *session, RspCall *call, const char *why)
{
    enter (auc, session, "rejected");
    session->challenged = FALSE;
    answer (call, &(RspNas){.system = session->system, .type = RSP_NAS_AUTHENTICATION_REJECT}, why);
}

/* A new authentication vector. The AMF's separation bit is set: EPS and 5GS (TS 33.401 6.1.2). */
static void
challenge (RspAuc *auc, Session *session, RspCall *call)
{
    static const guint8 amf[2] = {0x80, 0x00};
    Subscriber *s = session->subscriber;
    RspAkaAnswer a;
    guint8 autn[16];
    s->seq++;
    s->index = (s->index + 1) % RSP_AKA_INDICES;
    rsp_rng_fill (auc->challenges, session->rand, sizeof session->rand);
    rsp_aka_autn (&s->aka, session->rand, s->seq << INDEX_BITS | s->index, amf, autn);
    rsp_aka_answer (&s->aka, session->rand, &a);
    RspSlice res = RSP_SLICE (a.res, s->aka.res_size);
    if (session->system == RSP_NAS_5GS) {
        session->expected_size = sizeof session->expected;
        rsp_aka_res_star (a.ck, a.ik, res, session->rand, auc->network, session->expected);
    } else {
        session->expected_size = res.len;
        memcpy (session->expected, res.data, res.len);
    }
    rsp_wipe (&a, sizeof a);
    session->challenged = TRUE;
    enter (auc, session, "challenged");
    answer (call,
            &(RspNas){.system = session->system,
                      .type = RSP_NAS_AUTHENTICATION_REQUEST,
                      .rand = RSP_SLICE_ARRAY (session->rand),
                      .autn = RSP_SLICE_ARRAY (autn)},
            NULL);
}

/* --- Messages --- */

static void
on_request (RspAuc *auc, Session *session, const RspNas *nas, RspCall *call)
{
    char imsi[16];
    *session = (Session){.system = nas->system, .state = "unknown"};
    if (!identify (auc, nas, imsi)) {
        refuse (auc, session, call, RSP_NAS_IDENTITY_NOT_DERIVED, "identity-not-derived");
        return;
    }
    session->subscriber = g_hash_table_lookup (auc->subscribers, imsi);
    if (!session->subscriber)
        refuse (auc, session, call,
                nas->system == RSP_NAS_EPS ? RSP_NAS_IMSI_UNKNOWN : RSP_NAS_ILLEGAL_UE,
                "unknown-subscriber");
    else
        challenge (auc, session, call);
}

static void
on_response (RspAuc *auc, Session *session, const RspNas *nas, RspCall *call)
{
    RspSlice expected = RSP_SLICE (session->expected, session->expected_size);
    gboolean good = rsp_slice_equal_ct (expected, nas->res);
    rsp_actor_crypto (auc->actor, "aka", "device", good);
    if (!good) {
        reject (auc, session, call, "res-mismatch");
        return;
    }
    RspNas accept = {.system = session->system, .type = RSP_NAS_ATTACH_ACCEPT};
    rsp_plmn_octets (auc->plmn, accept.plmn);
    session->challenged = FALSE;
    enter (auc, session, "registered");
    answer (call, &accept, NULL);
}

/* SQN_MS is what the card has seen last; the next challenge goes beyond it (TS 33.102 6.3.5). */
static void
on_failure (RspAuc *auc, Session *session, const RspNas *nas, RspCall *call)
{
    Subscriber *s = session->subscriber;
    guint64 sqn_ms;
    session->failures++;
    if (nas->cause != RSP_NAS_SYNCH_FAILURE) {
        reject (auc, session, call, "mac-failure");
        return;
    }
    gboolean good = rsp_aka_open_auts (&s->aka, session->rand, nas->auts.data, &sqn_ms);
    rsp_actor_crypto (auc->actor, "auts", "device", good);
    if (!good || session->failures >= MAX_FAILURES) {
        reject (auc, session, call, "sync-failure");
        return;
    }
    s->seq = sqn_ms >> INDEX_BITS;
    s->index = sqn_ms % RSP_AKA_INDICES;
    challenge (auc, session, call);
}

static gboolean
fits (RspFunctionId function, const RspNas *nas)
{
    switch (function) {
    case RSP_FN_NAS_ATTACH_REQUEST:
        return nas->type == RSP_NAS_ATTACH_REQUEST && nas->system == RSP_NAS_EPS;
    case RSP_FN_NAS_REGISTRATION_REQUEST:
        return nas->type == RSP_NAS_ATTACH_REQUEST && nas->system == RSP_NAS_5GS;
    case RSP_FN_NAS_AUTHENTICATION_RESPONSE:
        return nas->type == RSP_NAS_AUTHENTICATION_RESPONSE;
    default:
        return nas->type == RSP_NAS_AUTHENTICATION_FAILURE;
    }
}

static Session *
session_of (RspAuc *auc, const char *device)
{
    Session *session = g_hash_table_lookup (auc->sessions, device);
    if (!session) {
        session = g_new0 (Session, 1);
        session->state = "unknown";
        g_hash_table_insert (auc->sessions, g_strdup (device), session);
    }
    return session;
}

void
rsp_auc_serve (RspAuc *auc, RspCall *call)
{
    RspNas nas;
    RspFunctionId function = rsp_call_function (call)->id;
    Session *session = session_of (auc, rsp_call_src (call));
    if (!rsp_nas_decode (rsp_slice_of (rsp_call_body (call)), &nas) || !fits (function, &nas)) {
        /* A network ignores what it cannot read (TS 24.301 7.2). */
        rsp_call_abandon (call);
        return;
    }
    if (nas.type == RSP_NAS_ATTACH_REQUEST)
        on_request (auc, session, &nas, call);
    else if (!session->challenged || nas.system != session->system)
        rsp_call_abandon (call);
    else if (nas.type == RSP_NAS_AUTHENTICATION_RESPONSE)
        on_response (auc, session, &nas, call);
    else
        on_failure (auc, session, &nas, call);
}

/* --- Life --- */

RspAuc *
rsp_auc_new (const RspActor *actor, const char *plmn)
{
    RspAuc *auc = g_new0 (RspAuc, 1);
    auc->actor = actor;
    auc->plmn = g_strdup (plmn);
    auc->network = rsp_serving_network_name (plmn);
    auc->challenges = rsp_actor_rng (actor, "authentication centre");
    auc->subscribers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, subscriber_free);
    auc->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, session_free);
    auc->keys = g_ptr_array_new_with_free_func (home_key_free);
    return auc;
}

void
rsp_auc_free (RspAuc *auc)
{
    if (!auc)
        return;
    g_ptr_array_unref (auc->keys);
    g_hash_table_destroy (auc->sessions);
    g_hash_table_destroy (auc->subscribers);
    rsp_rng_free (auc->challenges);
    g_free (auc->network);
    g_free (auc->plmn);
    g_free (auc);
}
