#include "sim/run/bench.h"

#include "pki/bsp.h"

#include <string.h>

/* Lengths of what is signed, as the consumer download has them. */
#define SIGNED_SERVER 110
#define SIGNED_EUICC 420
#define SIGNED_SHORT 150
#define METADATA 200

const char *const rsp_bench_floor_operations[] = {
    "SM-DP+ signs: serverSignature1, smdpSignature2, smdpSign",
    "eUICC signs: euiccSignature1, euiccSignature2, euiccSignPIR",
    "eUICC verifies: CERT.DPauth, serverSignature1, CERT.DPpb, smdpSignature2, smdpSign",
    "SM-DP+ verifies: CERT.EUM, CERT.EUICC, euiccSignature1, euiccSignature2, euiccSignPIR",
    "LPA verifies: CERT.DP.TLS",
    "SM-DP+ and eUICC: one-time key, ECKA, KDF",
    "SM-DP+ protects and eUICC opens: ConfigureISDP, StoreMetadata, profile elements",
    NULL,
};

struct _RspBenchFloor {
    const RspWorldCredential *auth, *pb, *tls, *euicc;
    const RspCert *eum;
    const GPtrArray *card_roots, *server_roots, *lpa_roots;
    const char *fqdn;
    gint64 at;
    RspPublic *auth_key, *pb_key, *euicc_key;
    RspRng *rng;
    guint8 *profile, eid[16];
    gsize profile_size;
    GByteArray *sent, *opened;
};

static const RspWorldActor *
first_actor (const RspWorld *world, RspActorRole role)
{
    for (guint i = 0; i < world->actors->len; i++) {
        const RspWorldActor *a = world->actors->pdata[i];
        if (a->role == role)
            return a;
    }
    g_assert_not_reached ();
}

RspBenchFloor *
rsp_bench_floor_new (const RspWorld *world, gsize profile_size)
{
    const RspWorldActor *dp = first_actor (world, RSP_ACTOR_SMDPP);
    const RspWorldActor *card = first_actor (world, RSP_ACTOR_EUICC);
    RspBenchFloor *f = g_new0 (RspBenchFloor, 1);
    f->auth = rsp_world_credential (dp, "auth");
    f->pb = rsp_world_credential (dp, "pb");
    f->tls = rsp_world_credential (dp, "tls");
    f->euicc = rsp_world_credential (card, "euicc");
    f->eum = rsp_eum_cert (first_actor (world, RSP_ACTOR_EUM)->eum);
    f->card_roots = card->roots;
    f->server_roots = dp->roots;
    f->lpa_roots = first_actor (world, RSP_ACTOR_LPA)->roots;
    f->fqdn = rsp_yaml_get (dp->yaml, "fqdn")->text;
    f->at = rsp_world_start (world->scenario) / G_USEC_PER_SEC;
    f->auth_key = rsp_public_ref (rsp_cert_public (f->auth->cert));
    f->pb_key = rsp_public_ref (rsp_cert_public (f->pb->cert));
    f->euicc_key = rsp_public_ref (rsp_cert_public (f->euicc->cert));
    f->rng = rsp_rng_new (1, "bench", "floor", 0);
    f->profile = g_malloc0 (profile_size);
    f->profile_size = profile_size;
    f->sent = g_byte_array_sized_new ((guint)profile_size * 2);
    f->opened = g_byte_array_sized_new ((guint)profile_size * 2);
    return f;
}

void
rsp_bench_floor_free (RspBenchFloor *f)
{
    if (!f)
        return;
    rsp_public_unref (f->auth_key);
    rsp_public_unref (f->pb_key);
    rsp_public_unref (f->euicc_key);
    rsp_rng_free (f->rng);
    g_byte_array_unref (f->sent);
    g_byte_array_unref (f->opened);
    g_free (f->profile);
    g_free (f);
}

static void
sign_and_verify (const RspKey *key, const RspPublic *pub, gsize len)
{
    guint8 text[SIGNED_EUICC] = {0}, signature[RSP_SIGNATURE_SIZE];
    RspSlice slice = {text, len};
    rsp_key_sign (key, &slice, 1, signature);
    if (!rsp_public_verify (pub, &slice, 1, RSP_SLICE_ARRAY (signature)))
        g_assert_not_reached ();
}

static void
pass_segment (RspBenchFloor *f, RspBsp *server, RspBsp *card, guint8 tag, RspSlice plain)
{
    gsize start = f->sent->len;
    rsp_bsp_protect (server, tag, plain, f->sent);
    RspSlice segment = {f->sent->data + start, f->sent->len - start};
    if (rsp_bsp_open (card, tag, segment, f->opened) != RSP_BSP_OK)
        g_assert_not_reached ();
}

static void
pass_package (RspBenchFloor *f, const RspBspKeys *server_keys, const RspBspKeys *card_keys)
{
    static const guint8 configure[] = {0xBF, 0x24, 0x00}, metadata[METADATA];
    g_autoptr (RspBsp) server = rsp_bsp_new (server_keys), card = rsp_bsp_new (card_keys);
    g_byte_array_set_size (f->sent, 0);
    g_byte_array_set_size (f->opened, 0);
    pass_segment (f, server, card, 0x87, RSP_SLICE_ARRAY (configure));
    pass_segment (f, server, card, 0x88, RSP_SLICE_ARRAY (metadata));
    for (gsize at = 0; at < f->profile_size; at += RSP_BSP_MAX_PLAIN_ENC) {
        gsize n = MIN (f->profile_size - at, (gsize)RSP_BSP_MAX_PLAIN_ENC);
        pass_segment (f, server, card, 0x86, RSP_SLICE (f->profile + at, n));
    }
}

static void
agree (RspBenchFloor *f, const RspKey *own, const RspKey *peer, RspBspKeys *ret_keys)
{
    static const guint8 host[8];
    guint8 shared[RSP_SHARED_SIZE];
    if (!rsp_ecka (own, RSP_SLICE (rsp_key_point (peer), RSP_POINT_SIZE), shared))
        g_assert_not_reached ();
    rsp_bsp_derive (shared, 0x88, 0x10, RSP_SLICE_ARRAY (host), f->eid, ret_keys);
    rsp_wipe (shared, sizeof shared);
}

static void
check_chains (const RspBenchFloor *f)
{
    RspCert *root = NULL;
    RspChainResult r[] = {
        rsp_chain_check_tls (f->tls->cert, f->lpa_roots, f->fqdn, f->at),
        rsp_chain_check_server (f->auth->cert, f->card_roots, RSP_ROLE_DP_AUTH, RSP_NO_TIME, &root),
        rsp_chain_check_one (f->pb->cert, root, RSP_ROLE_DP_PB, RSP_NO_TIME),
        rsp_chain_check_euicc (f->euicc->cert, f->eum, f->server_roots, f->at, NULL, NULL),
    };
    for (guint i = 0; i < G_N_ELEMENTS (r); i++)
        if (r[i] != RSP_CHAIN_OK)
            g_assert_not_reached ();
}

void
rsp_bench_floor_run (RspBenchFloor *f)
{
    check_chains (f);
    sign_and_verify (f->auth->key, f->auth_key, SIGNED_SERVER);
    sign_and_verify (f->euicc->key, f->euicc_key, SIGNED_EUICC);
    sign_and_verify (f->pb->key, f->pb_key, SIGNED_SHORT);
    g_autoptr (RspKey) card = rsp_key_generate (f->rng);
    sign_and_verify (f->euicc->key, f->euicc_key, SIGNED_SHORT);
    g_autoptr (RspKey) server = rsp_key_generate (f->rng);
    sign_and_verify (f->pb->key, f->pb_key, SIGNED_SHORT);
    RspBspKeys server_keys, card_keys;
    agree (f, server, card, &server_keys);
    agree (f, card, server, &card_keys);
    pass_package (f, &server_keys, &card_keys);
    sign_and_verify (f->euicc->key, f->euicc_key, SIGNED_SHORT);
    rsp_wipe (&server_keys, sizeof server_keys);
    rsp_wipe (&card_keys, sizeof card_keys);
}
