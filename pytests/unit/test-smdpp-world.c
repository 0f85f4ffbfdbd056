#include "pytests/unit/test-smdpp-card.h"

#include "asn1/fields.h"

#include <glib/gstdio.h>
#include <string.h>

#define START G_GINT64_CONSTANT (1735689600) /* 2025-01-01 */
#define DP_OID "2.999.10"

/* --- World --- */

RspRng *
world_rng (World *w)
{
    return rsp_rng_new (7, "test", "keys", ++w->next_random);
}

static RspKey *
new_key (World *w)
{
    g_autoptr (RspRng) rng = world_rng (w);
    return rsp_key_generate (rng);
}

static RspSlice
point_of (const RspKey *key)
{
    return RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE);
}

static void
on_event (const RspTraceEvent *event, guint64 seq, gpointer data)
{
    World *w = data;
    if (event->kind == RSP_TRACE_STATE)
        g_string_append_printf (w->states, "%s>%s ", event->state_from ? event->state_from : "",
                                event->state_to);
}

RspEum *
eum_new (World *w, RspCi *ci, const RspCertTwist *twist)
{
    g_autoptr (GError) error = NULL;
    RspKey *key = new_key (w);
    RspCert *cert =
        rsp_ci_issue_eum (ci, "EUM", "89049032", "2.999.5", point_of (key), twist, &error);
    g_assert_no_error (error);
    return rsp_eum_new ("eum", key, cert, world_rng (w));
}

static void
card_clear (Card *card)
{
    g_free (card->eid);
    rsp_key_free (card->key);
    rsp_key_free (card->otsk);
    rsp_cert_unref (card->cert);
    rsp_cert_unref (card->eum);
}

void
card_new (World *w, RspEum *eum, const char *eid, const RspEuiccCertTwist *twist)
{
    g_autoptr (GError) error = NULL;
    if (w->card.key)
        card_clear (&w->card);
    w->card = (Card){.eid = g_strdup (eid),
                     .key = new_key (w),
                     .otsk = new_key (w),
                     .eum = rsp_cert_ref (rsp_eum_cert (eum)),
                     .rsp_capability = 0x90,
                     .profile_version = 2,
                     .memory = 500000,
                     .services = 0xff};
    w->card.cert = rsp_eum_issue_euicc (eum, eid, point_of (w->card.key), START, twist, &error);
    g_assert_no_error (error);
}

World *
world_new (void)
{
    g_autoptr (GError) error = NULL;
    World *w = g_new0 (World, 1);
    w->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, START * G_USEC_PER_SEC);
    w->trace = rsp_trace_new (w->loop, NULL, (RspTraceOptions){0}, &error);
    g_assert_no_error (error);
    w->states = g_string_new (NULL);
    rsp_trace_listen (w->trace, on_event, w);
    w->bus = rsp_bus_new (w->loop, w->trace, NULL);
    w->ci = rsp_ci_new ("ci", world_rng (w), START, &error);
    w->other_ci = rsp_ci_new ("other", world_rng (w), START, &error);
    w->auth_key = new_key (w);
    w->pb_key = new_key (w);
    w->auth_cert = rsp_ci_issue_server (w->ci, RSP_ROLE_DP_AUTH, "dp1", DP_OID, NULL,
                                        point_of (w->auth_key), NULL, &error);
    w->pb_cert = rsp_ci_issue_server (w->ci, RSP_ROLE_DP_PB, "dp1", DP_OID, NULL,
                                      point_of (w->pb_key), NULL, &error);
    g_assert_no_error (error);
    w->eum = eum_new (w, w->ci, NULL);
    card_new (w, w->eum, EID, NULL);
    w->roots = g_ptr_array_new ();
    g_ptr_array_add (w->roots, rsp_ci_cert (w->ci));
    RspActor actor = {.loop = w->loop, .bus = w->bus, .trace = w->trace, .seed = 42};
    w->dp_actor = w->op_actor = w->op2_actor = actor;
    w->dp_actor.name = "dp1";
    w->op_actor.name = "mno";
    w->op2_actor.name = "mno2";
    w->identity = (RspServerIdentity){w->auth_cert, w->pb_cert, w->auth_key, w->pb_key};
    w->config = (RspSmdppConfig){
        .fqdn = FQDN, .identities = &w->identity, .n_identities = 1, .roots = w->roots};
    GByteArray *upp = g_byte_array_new ();
    const guint8 header[] = {0xA0, 0x0A, 0x80, 0x01, 0x02, 0x81,
                             0x01, 0x03, 0xA5, 0x02, 0x81, 0x00};
    g_byte_array_append (upp, header, sizeof header);
    gsize mark = rsp_tlv_open (upp, 0xA9);
    for (guint i = 0; i < 12000; i++)
        g_byte_array_append (upp, (const guint8 *)"abcdefghijklm" + i % 13, 1);
    rsp_tlv_close (upp, mark);
    w->upp = g_byte_array_free_to_bytes (upp);
    return w;
}

void
world_on_disk (World *w)
{
    g_autofree char *dir = g_dir_make_tmp ("rspsim-smdpp-XXXXXX", NULL);
    w->state_path = g_build_filename (dir, "dp1.db", NULL);
    w->config.state_path = w->state_path;
}

RspProfilePackage *
package_new (World *w, const char *iccid, guint32 ppr, RspProfileClass class)
{
    RspProfilePackage *p = g_new0 (RspProfilePackage, 1);
    p->iccid = g_strdup (iccid);
    p->type = g_strdup ("header type");
    p->upp = g_bytes_ref (w->upp);
    p->metadata = rsp_metadata_new ();
    p->metadata->iccid = g_strdup (iccid);
    p->metadata->service_provider_name = g_strdup ("Provider");
    p->metadata->profile_name = g_strdup ("Name");
    p->metadata->profile_class = class;
    p->metadata->ppr = ppr;
    return p;
}

static void
start_dp (World *w)
{
    g_autoptr (GError) error = NULL;
    w->dp = rsp_smdpp_new (&w->dp_actor, &w->config, &error);
    g_assert_no_error (error);
    const char *const iccids[] = {ICCID, ICCID2};
    for (guint i = 0; i < G_N_ELEMENTS (iccids); i++) {
        g_autoptr (RspProfilePackage) p = package_new (w, iccids[i], 0, RSP_CLASS_OPERATIONAL);
        const RspStockTerms terms = {.type = "type-a", .owner = i == 0 ? NULL : "mno"};
        rsp_smdpp_add_profile (w->dp, p, &terms, &error);
        g_assert_no_error (error);
    }
}

void
world_start (World *w)
{
    start_dp (w);
    w->op = rsp_operator_new (&w->op_actor, "00101");
    w->op2 = rsp_operator_new (&w->op2_actor, "00102");
}

void
world_restart (World *w)
{
    rsp_smdpp_free (w->dp);
    w->dp_actor.incarnation++;
    start_dp (w);
}

void
world_free (World *w)
{
    rsp_smdpp_free (w->dp);
    rsp_operator_free (w->op);
    rsp_operator_free (w->op2);
    rsp_bus_free (w->bus);
    rsp_trace_free (w->trace);
    rsp_loop_free (w->loop);
    g_string_free (w->states, TRUE);
    card_clear (&w->card);
    rsp_eum_free (w->eum);
    rsp_cert_unref (w->auth_cert);
    rsp_cert_unref (w->pb_cert);
    rsp_key_free (w->auth_key);
    rsp_key_free (w->pb_key);
    g_ptr_array_unref (w->roots);
    rsp_ci_free (w->ci);
    rsp_ci_free (w->other_ci);
    g_bytes_unref (w->upp);
    if (w->state_path) {
        g_autofree char *dir = g_path_get_dirname (w->state_path);
        const char *const ends[] = {"", "-wal", "-shm", "-journal"};
        for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
            g_autofree char *file = g_strconcat (w->state_path, ends[i], NULL);
            g_unlink (file);
        }
        g_rmdir (dir);
    }
    g_free (w->state_path);
    g_clear_pointer (&w->id, g_bytes_unref);
    g_clear_pointer (&w->metadata, g_bytes_unref);
    g_clear_pointer (&w->bpp, g_bytes_unref);
    g_clear_pointer (&w->offered, g_bytes_unref);
    g_free (w->address);
    g_free (w->code);
    g_free (w);
}

void
world_settle (World *w)
{
    rsp_loop_run (w->loop, NULL, NULL, -1);
}

static void
nothing (gpointer data)
{
}

void
world_wait (World *w, gint64 seconds)
{
    rsp_loop_after (w->loop, seconds * G_USEC_PER_SEC, nothing, NULL, NULL);
    world_settle (w);
}

static RspOrderView *
view_of (GPtrArray *views, const char *iccid)
{
    for (guint i = 0; i < views->len; i++)
        if (strcmp (((RspOrderView *)views->pdata[i])->iccid, iccid) == 0)
            return views->pdata[i];
    g_error ("no order %s", iccid);
}

const char *
order_state (World *w, const char *iccid)
{
    g_autoptr (GPtrArray) views = rsp_smdpp_orders (w->dp);
    return g_intern_string (view_of (views, iccid)->state);
}

guint
order_attempts (World *w, const char *iccid)
{
    g_autoptr (GPtrArray) views = rsp_smdpp_orders (w->dp);
    return view_of (views, iccid)->attempts;
}

/* --- Calls --- */

typedef struct {
    World *w;
    const RspFunction *fn;
    gboolean done;
    RspFields *fields;
} Answer;

static void
set_code (World *w, const char *subject, const char *reason)
{
    g_free (w->code);
    w->code = subject ? g_strconcat (subject, "/", reason, NULL) : g_strdup ("ok");
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    Answer *a = data;
    a->done = TRUE;
    g_assert_cmpint (reply->kind, ==, RSP_REPLY_OK);
    g_free (a->w->code);
    a->w->code = NULL;
    if (reply->http != 200) {
        a->w->code = g_strdup_printf ("http %u", reply->http);
        g_assert_cmpuint (g_bytes_get_size (reply->body), ==, 0);
        return;
    }
    g_autoptr (GError) error = NULL;
    RspStatus status = {0};
    a->fields = rsp_fields_decode (a->fn, RSP_LEG_RESPONSE, reply->body, &error);
    g_assert_no_error (error);
    rsp_fields_failed (a->fields, &status);
    set_code (a->w, status.subject, status.reason);
}

RspFields *
world_call (World *w, RspFunctionId id, GBytes *body)
{
    Answer a = {.w = w, .fn = rsp_function (id)};
    RspCallOptions options = {0};
    rsp_bus_call (w->bus, "phone", FQDN, a.fn, body, &options, on_reply, &a);
    world_settle (w);
    g_assert_true (a.done);
    return a.fields;
}

const char *
post (World *w, RspFunctionId id, GBytes *body)
{
    rsp_fields_free (world_call (w, id, body));
    return w->code;
}

const char *
post_fields (World *w, RspFunctionId id, RspFields *fields)
{
    g_autoptr (GBytes) body = rsp_fields_encode (fields);
    return post (w, id, body);
}

typedef struct {
    World *w;
    const char *name;
    char **ret;
} OrderAnswer;

static void
on_order (const RspOperatorReply *reply, gpointer data)
{
    OrderAnswer *a = data;
    g_assert_null (reply->failure);
    set_code (a->w, reply->subject, reply->reason);
    if (a->ret && !reply->subject)
        *a->ret = g_strdup (rsp_fields_text (reply->fields, a->name));
}

const char *
es2 (World *w, RspOperator *op, RspFunctionId id, const char *ret_name, char **ret, ...)
{
    g_autoptr (RspFields) f = rsp_fields_new (rsp_function (id), RSP_LEG_REQUEST);
    if (id == RSP_FN_ES2P_CONFIRM_ORDER)
        rsp_fields_set_bool (f, "releaseFlag", FALSE);
    va_list args;
    va_start (args, ret);
    const char *name;
    while ((name = va_arg (args, const char *))) {
        const char *value = va_arg (args, const char *);
        if (strcmp (name, "releaseFlag") == 0)
            rsp_fields_set_bool (f, name, strcmp (value, "true") == 0);
        else
            rsp_fields_set_text (f, name, value);
    }
    va_end (args);
    OrderAnswer a = {w, ret_name, ret};
    rsp_operator_call (op, FQDN, rsp_function (id), f, on_order, &a);
    world_settle (w);
    return w->code;
}

void
order_released (World *w, const char *iccid, const char *eid, const char *matching_id,
                const char *code)
{
    g_assert_cmpstr (es2 (w, w->op, RSP_FN_ES2P_DOWNLOAD_ORDER, NULL, NULL, "iccid", iccid, NULL),
                     ==, "ok");
    g_assert_cmpstr (es2 (w, w->op, RSP_FN_ES2P_CONFIRM_ORDER, NULL, NULL, "iccid", iccid,
                          "matchingId", matching_id, "eid", eid, "confirmationCode", code,
                          "releaseFlag", "true", NULL),
                     ==, "ok");
    g_assert_cmpstr (order_state (w, iccid), ==, "released");
}
