/* The APDU link against a scripted card, and the segmentation of packages. */
#include "asn1/tlv.h"
#include "sim/net/apdu.h"

#include <string.h>

/* Segmentation ------------------------------------------------------------------------------ */

static void
put_filled (GByteArray *out, guint32 tag, gsize len)
{
    g_autofree guint8 *octets = g_malloc (len + 1);
    for (gsize i = 0; i < len; i++)
        octets[i] = (guint8)i;
    rsp_tlv_put (out, tag, RSP_SLICE (octets, len));
}

static GBytes *
make_package (gboolean replace_keys)
{
    GByteArray *out = g_byte_array_new ();
    gsize package = rsp_tlv_open (out, 0xBF36);
    put_filled (out, 0xBF23, 150);
    gsize a0 = rsp_tlv_open (out, 0xA0);
    put_filled (out, 0x87, 24);
    rsp_tlv_close (out, a0);
    gsize a1 = rsp_tlv_open (out, 0xA1);
    put_filled (out, 0x88, 200);
    put_filled (out, 0x88, 20);
    rsp_tlv_close (out, a1);
    if (replace_keys) {
        gsize a2 = rsp_tlv_open (out, 0xA2);
        put_filled (out, 0x87, 72);
        rsp_tlv_close (out, a2);
    }
    gsize a3 = rsp_tlv_open (out, 0xA3);
    for (guint i = 0; i < 3; i++)
        put_filled (out, 0x86, 1000 - i);
    rsp_tlv_close (out, a3);
    rsp_tlv_close (out, package);
    return g_byte_array_free_to_bytes (out);
}

static void
assert_whole (GPtrArray *segments, GBytes *bpp)
{
    g_autoptr (GByteArray) joined = g_byte_array_new ();
    for (guint i = 0; i < segments->len; i++) {
        RspSlice s = rsp_slice_of (segments->pdata[i]);
        g_assert_cmpuint (s.len, >, 0);
        g_byte_array_append (joined, s.data, s.len);
    }
    g_assert_cmpmem (joined->data, joined->len, g_bytes_get_data (bpp, NULL),
                     g_bytes_get_size (bpp));
}

static void
assert_functions (GBytes *bpp, const guint *want, guint n)
{
    g_autoptr (GArray) functions = NULL;
    g_autoptr (GPtrArray) segments = rsp_bpp_segments (bpp, &functions);
    assert_whole (segments, bpp);
    g_assert_cmpuint (segments->len, ==, functions->len);
    g_assert_cmpuint (segments->len, ==, n);
    for (guint i = 0; i < n; i++)
        g_assert_cmpuint (g_array_index (functions, guint, i), ==, want[i]);
}

static void
test_segments (void)
{
    static const guint with[] = {RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL,
                                 RSP_FN_ES8P_CONFIGURE_ISDP,
                                 RSP_FN_COUNT,
                                 RSP_FN_ES8P_STORE_METADATA,
                                 RSP_FN_ES8P_STORE_METADATA,
                                 RSP_FN_ES8P_REPLACE_SESSION_KEYS,
                                 RSP_FN_COUNT,
                                 RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS,
                                 RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS,
                                 RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS};
    static const guint without[] = {RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL,
                                    RSP_FN_ES8P_CONFIGURE_ISDP,
                                    RSP_FN_COUNT,
                                    RSP_FN_ES8P_STORE_METADATA,
                                    RSP_FN_ES8P_STORE_METADATA,
                                    RSP_FN_COUNT,
                                    RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS,
                                    RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS,
                                    RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS};
    g_autoptr (GBytes) ppk = make_package (TRUE);
    g_autoptr (GBytes) session = make_package (FALSE);
    assert_functions (ppk, with, G_N_ELEMENTS (with));
    assert_functions (session, without, G_N_ELEMENTS (without));

    g_autoptr (GPtrArray) segments = rsp_bpp_segments (ppk, NULL);
    RspSlice first = rsp_slice_of (segments->pdata[0]), header = rsp_slice_of (segments->pdata[2]);
    g_assert_cmphex (first.data[0] << 8 | first.data[1], ==, 0xBF36);
    g_assert_cmpuint (first.len, ==, 2 + 3 + 3 + 1 + 150);
    g_assert_cmpuint (header.len, ==, 3); /* A1 81 xx */
    g_assert_cmphex (header.data[0], ==, 0xA1);
}

static void
test_segments_truncated (void)
{
    g_autoptr (GBytes) whole = make_package (TRUE);
    for (gsize n = 0; n < g_bytes_get_size (whole); n++) {
        g_autoptr (GBytes) part = g_bytes_new_from_bytes (whole, 0, n);
        g_autoptr (GPtrArray) segments = rsp_bpp_segments (part, NULL);
        assert_whole (segments, part);
        g_assert_cmpuint (segments->len, <=, 1);
    }
}

/* One octet changed anywhere: nothing is lost, nothing read beyond. */
static void
test_segments_damaged (void)
{
    g_autoptr (GBytes) whole = make_package (TRUE);
    gsize size;
    const guint8 *data = g_bytes_get_data (whole, &size);
    for (gsize n = 0; n < MIN (size, 700); n++) {
        guint8 *copy = g_memdup2 (data, size);
        copy[n] ^= 0xFF;
        g_autoptr (GBytes) damaged = g_bytes_new_take (copy, size);
        g_autoptr (GArray) functions = NULL;
        g_autoptr (GPtrArray) segments = rsp_bpp_segments (damaged, &functions);
        assert_whole (segments, damaged);
        g_assert_cmpuint (segments->len, ==, functions->len);
    }
}

static void
test_segments_odd (void)
{
    static const struct {
        const char *hex;
        guint segments;
    } cases[] = {
        {"bf3600", 1},                               /* empty */
        {"bf3605bf2302aabb", 1},                     /* the first alone */
        {"bf3605bf2302aabb0500", 2},                 /* something behind it */
        {"bf360bbf2302aabba3048602aabb", 3},         /* parts left out */
        {"bf360fbf2302aabba3048602aabba0028700", 4}, /* out of order: the rest in one */
        {"bf360bbf2302aabba3048802aabb", 3},         /* a wrong child */
        {"bf360cbf2302aabba3058602aabb86", 4},       /* half a child */
        {"bf3607bf2302aabba000", 2},                 /* an empty list */
        {"bf3606a0048702aabb", 1},                   /* no secure channel */
        {"308102aabb", 1},                           /* not minimal */
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GBytes) bpp = rsp_unhex (cases[i].hex);
        g_autoptr (GPtrArray) segments = rsp_bpp_segments (bpp, NULL);
        assert_whole (segments, bpp);
        g_assert_cmpuint (segments->len, ==, cases[i].segments);
    }
}

static void
test_segments_recorded (void)
{
    const char *path = RSP_SHARED "/vectors/session/bound-profile-package.der";
    char *data;
    gsize len;
    if (!g_file_get_contents (path, &data, &len, NULL)) {
        g_test_skip ("the recorded session is not here");
        return;
    }
    g_autoptr (GBytes) bpp = g_bytes_new_take (data, len);
    g_autoptr (GArray) functions = NULL;
    g_autoptr (GPtrArray) segments = rsp_bpp_segments (bpp, &functions);
    assert_whole (segments, bpp);
    g_assert_cmpuint (segments->len, >=, 6);
    g_assert_cmpuint (g_array_index (functions, guint, 0), ==,
                      RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL);
    g_assert_cmpuint (g_array_index (functions, guint, functions->len - 1), ==,
                      RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS);
    for (gsize n = 0; n < len; n++) {
        g_autoptr (GBytes) part = g_bytes_new_from_bytes (bpp, 0, n);
        g_autoptr (GPtrArray) cut = rsp_bpp_segments (part, NULL);
        assert_whole (cut, part);
    }
}

/* A scripted card --------------------------------------------------------------------------- */

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspApduLink *link;

    /* what the card is like */
    guint final_sw; /* of each chain */
    GBytes *answer; /* to each chain, or to ANSWER_AT alone */
    guint answer_at;
    guint refresh; /* that many proactive commands, of this type */
    guint8 proactive_type;
    gboolean wrong_length_once; /* GET RESPONSE answers 6Cxx first */
    guint drop;                 /* the nth APDU gets no answer, from 1 */
    guint no_channel;           /* that many MANAGE CHANNEL fail with 6A81 */
    guint select_sw;
    gboolean endless;    /* 61FF for ever */
    const char *garbage; /* in place of an answer to STORE DATA */

    /* what it has seen */
    gboolean open, selected;
    GString *log;
    GPtrArray *chains; /* of GBytes */
    GByteArray *chain;
    guint blocks, apdus, largest;
    GByteArray *out; /* waiting for GET RESPONSE */

    /* what the callers got */
    GPtrArray *replies; /* of Got */
} Fixture;

typedef struct {
    RspReplyKind kind;
    guint sw;
    GBytes *body;
} Got;

static void
got_free (gpointer data)
{
    Got *got = data;
    g_bytes_unref (got->body);
    g_free (got);
}

static void
answer_sw (RspCall *call, const guint8 *data, gsize len, guint sw)
{
    g_autofree guint8 *octets = g_malloc (len + 2);
    if (len > 0)
        memcpy (octets, data, len);
    octets[len] = (guint8)(sw >> 8);
    octets[len + 1] = (guint8)sw;
    g_autoptr (GBytes) body = g_bytes_new (octets, len + 2);
    rsp_call_reply (call, &(RspOutcome){.sw = sw}, body);
}

static guint
waiting_sw (const Fixture *f)
{
    if (f->out->len == 0 && f->refresh > 0)
        return 0x910B;
    return f->out->len == 0 ? f->final_sw : 0x6100 | (f->out->len >= 256 ? 0 : f->out->len);
}

static void
store_data (Fixture *f, RspCall *call, RspSlice apdu)
{
    g_assert_cmpuint (apdu.data[3], ==, f->blocks++ & 0xFF);
    g_assert_cmpuint (apdu.len, ==, 5u + apdu.data[4]);
    f->largest = MAX (f->largest, apdu.data[4]);
    g_byte_array_set_size (f->out, 0);
    g_byte_array_append (f->chain, apdu.data + 5, apdu.len - 5);
    if (f->garbage) {
        g_autoptr (GBytes) body = rsp_unhex (f->garbage);
        rsp_call_reply (call, &(RspOutcome){.sw = 0}, body);
        return;
    }
    if (apdu.data[2] == 0x11) {
        answer_sw (call, NULL, 0, 0x9000);
        return;
    }
    g_assert_cmphex (apdu.data[2], ==, 0x91);
    g_ptr_array_add (f->chains, g_byte_array_free_to_bytes (f->chain));
    f->chain = g_byte_array_new ();
    f->blocks = 0;
    if (f->answer && (f->answer_at == 0 || f->answer_at == f->chains->len)) {
        RspSlice answer = rsp_slice_of (f->answer);
        g_byte_array_append (f->out, answer.data, answer.len);
    }
    answer_sw (call, NULL, 0, f->endless ? 0x61FF : waiting_sw (f));
}

static void
get_response (Fixture *f, RspCall *call, guint8 le)
{
    if (f->endless) {
        answer_sw (call, NULL, 0, 0x61FF);
        return;
    }
    gsize n = MIN (le == 0 ? 256u : le, f->out->len);
    if (f->wrong_length_once) {
        f->wrong_length_once = FALSE;
        answer_sw (call, NULL, 0, 0x6C00 | 7);
        return;
    }
    g_autofree guint8 *octets = g_memdup2 (f->out->data, n);
    g_byte_array_remove_range (f->out, 0, n);
    answer_sw (call, octets, n, waiting_sw (f));
}

static void
serve_fetch (Fixture *f, RspCall *call, RspSlice apdu)
{
    guint8 command[] = {0xD0, 0x09, 0x81, 0x03, 0x01, f->proactive_type,
                        0x04, 0x82, 0x02, 0x81, 0x82};
    g_assert_cmphex (apdu.data[0], ==, 0x80);
    g_assert_cmpuint (apdu.data[4], ==, sizeof command);
    answer_sw (call, command, sizeof command, 0x9000);
}

static void
serve_card (RspCall *call, gpointer data)
{
    Fixture *f = data;
    RspSlice apdu = rsp_slice_of (rsp_call_body (call));
    g_assert_cmpuint (apdu.len, >=, 5);
    g_assert_cmpstr (rsp_call_src (call), ==, "phone");
    if (++f->apdus == f->drop) {
        g_string_append (f->log, "drop ");
        rsp_call_abandon (call);
        return;
    }
    g_string_append_printf (f->log, "%02X ", apdu.data[1]);
    guint8 cla = apdu.data[0];
    if (cla & 0x03 && !f->open) {
        answer_sw (call, NULL, 0, 0x6881);
        return;
    }
    switch (apdu.data[1]) {
    case 0xAA:
        answer_sw (call, NULL, 0, 0x6D00); /* a card that does not know it */
        break;
    case 0x10:
        answer_sw (call, NULL, 0, 0x9000);
        break;
    case 0x12:
        serve_fetch (f, call, apdu);
        break;
    case 0x14:
        g_assert_cmpuint (apdu.data[4], ==, 12);
        g_string_append_printf (f->log, "%02X ", apdu.data[5 + 11]);
        f->refresh--;
        answer_sw (call, NULL, 0, f->refresh > 0 ? 0x910B : 0x9000);
        break;
    case 0x70:
        if (apdu.data[2] == 0x80) {
            answer_sw (call, NULL, 0, 0x9000);
        } else if (f->no_channel > 0) {
            f->no_channel--;
            answer_sw (call, NULL, 0, 0x6A81);
        } else {
            guint8 channel = 2;
            f->open = TRUE;
            answer_sw (call, &channel, 1, 0x9000);
        }
        break;
    case 0xA4:
        g_assert_cmphex (cla, ==, 0x02);
        f->selected = f->select_sw == 0;
        answer_sw (call, NULL, 0, f->select_sw ? f->select_sw : 0x9000);
        break;
    case 0xE2:
        g_assert_cmphex (cla, ==, 0x82);
        g_assert_true (f->selected);
        store_data (f, call, apdu);
        break;
    case 0xC0:
        get_response (f, call, apdu.data[4]);
        break;
    default:
        g_assert_not_reached ();
    }
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    Fixture *f = data;
    Got *got = g_new0 (Got, 1);
    *got = (Got){reply->kind, reply->sw, g_bytes_ref (reply->body)};
    g_ptr_array_add (f->replies, got);
}

static void
set_up (Fixture *f, gconstpointer segment_size)
{
    f->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    f->bus = rsp_bus_new (f->loop, NULL, NULL);
    f->final_sw = 0x9000;
    f->log = g_string_new (NULL);
    f->chains = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    f->chain = g_byte_array_new ();
    f->out = g_byte_array_new ();
    f->replies = g_ptr_array_new_with_free_func (got_free);
    rsp_bus_attach (f->bus, "card", serve_card, f);
    f->link = rsp_apdu_link_new (f->bus, "card", GPOINTER_TO_UINT (segment_size));
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
    rsp_apdu_link_free (f->link);
    rsp_bus_free (f->bus);
    rsp_loop_free (f->loop);
    g_string_free (f->log, TRUE);
    g_ptr_array_unref (f->chains);
    g_byte_array_unref (f->chain);
    g_byte_array_unref (f->out);
    g_ptr_array_unref (f->replies);
    g_clear_pointer (&f->answer, g_bytes_unref);
}

static void
call (Fixture *f, RspFunctionId function, GBytes *body)
{
    rsp_bus_call (f->bus, "phone", "card", rsp_function (function), body, NULL, on_reply, f);
}

static void
call_info1 (Fixture *f)
{
    static const guint8 command[] = {0xBF, 0x20, 0x00};
    g_autoptr (GBytes) body = g_bytes_new_static (command, sizeof command);
    call (f, RSP_FN_ES10B_GET_EUICC_INFO1, body);
}

static void
run (Fixture *f)
{
    rsp_loop_run (f->loop, NULL, NULL, -1);
    g_assert_cmpuint (rsp_bus_in_flight (f->bus), ==, 0);
}

static const Got *
reply (Fixture *f, guint n)
{
    g_assert_cmpuint (n, <, f->replies->len);
    return g_ptr_array_index (f->replies, n);
}

static GBytes *
filled (gsize len)
{
    guint8 *octets = g_malloc (len);
    for (gsize i = 0; i < len; i++)
        octets[i] = (guint8)(i * 7);
    return g_bytes_new_take (octets, len);
}

static void
test_link_session (Fixture *f, gconstpointer unused)
{
    f->answer = filled (3);
    call_info1 (f);
    call_info1 (f);
    run (f);
    g_assert_cmpstr (f->log->str, ==, "AA 10 70 A4 E2 C0 E2 C0 ");
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpint (reply (f, i)->kind, ==, RSP_REPLY_OK);
        g_assert_cmphex (reply (f, i)->sw, ==, 0x9000);
        g_assert_true (g_bytes_equal (reply (f, i)->body, f->answer));
    }
}

static void
test_link_long (Fixture *f, gconstpointer segment_size)
{
    g_autoptr (GBytes) body = filled (2000);
    f->answer = filled (1000);
    call (f, RSP_FN_ES10B_AUTHENTICATE_SERVER, body);
    run (f);
    g_assert_cmpuint (f->chains->len, ==, 1);
    g_assert_true (g_bytes_equal (f->chains->pdata[0], body));
    g_assert_cmpuint (f->largest, ==, GPOINTER_TO_UINT (segment_size));
    g_assert_true (g_bytes_equal (reply (f, 0)->body, f->answer));
}

/* The REFRESH is done before the caller goes on; what the terminal cannot do, it says. */
static void
test_link_refresh (Fixture *f, gconstpointer unused)
{
    f->answer = filled (5);
    f->refresh = 1;
    f->proactive_type = 0x01;
    call_info1 (f);
    run (f);
    g_assert_cmpstr (f->log->str, ==, "AA 10 70 A4 E2 C0 12 14 00 ");
    g_assert_cmphex (reply (f, 0)->sw, ==, 0x9000);
    g_assert_true (g_bytes_equal (reply (f, 0)->body, f->answer));

    f->refresh = 2;
    f->proactive_type = 0x25;
    g_string_truncate (f->log, 0);
    call_info1 (f);
    run (f);
    g_assert_cmpstr (f->log->str, ==, "E2 C0 12 14 30 12 14 30 ");
    g_assert_true (g_bytes_equal (reply (f, 1)->body, f->answer));

    f->refresh = 1000; /* a card that never has enough */
    call_info1 (f);
    run (f);
    g_assert_true (g_bytes_equal (reply (f, 2)->body, f->answer));
    g_assert_cmpuint (f->refresh, ==, 992);
}

/* An APDU of the proactive session is lost: the next call takes it up. */
static void
test_link_refresh_lost (Fixture *f, gconstpointer unused)
{
    static const struct {
        guint drop;
        const char *log;
    } cases[] = {{7, "AA 10 70 A4 E2 C0 drop 12 14 00 E2 C0 "},
                 {8, "AA 10 70 A4 E2 C0 12 drop 14 00 E2 C0 "}};
    f->answer = filled (5);
    f->proactive_type = 0x01;
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        f->refresh = 1;
        f->drop = cases[i].drop;
        call_info1 (f);
        run (f);
        g_assert_cmpint (reply (f, 2 * i)->kind, ==, RSP_REPLY_TIMEOUT);
        call_info1 (f);
        run (f);
        g_assert_cmpstr (f->log->str, ==, cases[i].log);
        g_assert_true (g_bytes_equal (reply (f, 2 * i + 1)->body, f->answer));
        f->open = f->selected = FALSE;
        f->apdus = 0;
        g_string_truncate (f->log, 0);
        rsp_apdu_link_free (f->link);
        f->link = rsp_apdu_link_new (f->bus, "card", 0);
    }
}

static void
test_link_corrected_length (Fixture *f, gconstpointer unused)
{
    f->answer = filled (7);
    f->wrong_length_once = TRUE;
    call_info1 (f);
    run (f);
    g_assert_cmpstr (f->log->str, ==, "AA 10 70 A4 E2 C0 C0 ");
    g_assert_true (g_bytes_equal (reply (f, 0)->body, f->answer));
}

static void
test_link_refused (Fixture *f, gconstpointer unused)
{
    f->final_sw = 0x6A80;
    call_info1 (f);
    run (f);
    g_assert_cmphex (reply (f, 0)->sw, ==, 0x6A80);
    g_assert_cmpuint (g_bytes_get_size (reply (f, 0)->body), ==, 0);
    g_assert_cmpstr (f->log->str, ==, "AA 10 70 A4 E2 ");
}

/* The card was reset between two calls: the channel is opened again, the caller sees nothing. */
static void
test_link_reset (Fixture *f, gconstpointer unused)
{
    call_info1 (f);
    run (f);
    f->open = f->selected = FALSE;
    call_info1 (f);
    run (f);
    g_assert_cmpstr (f->log->str, ==, "AA 10 70 A4 E2 E2 AA 10 70 A4 E2 ");
    g_assert_cmphex (reply (f, 1)->sw, ==, 0x9000);
    g_assert_cmpuint (f->chains->len, ==, 2);
}

static void
test_link_lost (Fixture *f, gconstpointer nth)
{
    f->drop = GPOINTER_TO_UINT (nth);
    f->answer = filled (3);
    call_info1 (f);
    call_info1 (f);
    run (f);
    g_assert_cmpint (reply (f, 0)->kind, ==, RSP_REPLY_TIMEOUT);
    g_assert_cmpint (reply (f, 1)->kind, ==, RSP_REPLY_OK);
    g_assert_true (g_bytes_equal (reply (f, 1)->body, f->answer));
}

static void
test_link_no_channel (Fixture *f, gconstpointer unused)
{
    f->no_channel = 1;
    call_info1 (f);
    run (f);
    g_assert_cmpstr (f->log->str, ==, "AA 10 70 70 70 70 70 A4 E2 ");
    g_assert_cmphex (reply (f, 0)->sw, ==, 0x9000);
    f->open = f->selected = FALSE;
    f->no_channel = 2;
    call_info1 (f);
    run (f);
    g_assert_cmphex (reply (f, 1)->sw, ==, 0x6A81);
}

static void
test_link_no_isdr (Fixture *f, gconstpointer unused)
{
    f->select_sw = 0x6A82;
    call_info1 (f);
    run (f);
    g_assert_cmphex (reply (f, 0)->sw, ==, 0x6A82);
    f->select_sw = 0;
    call_info1 (f);
    run (f);
    g_assert_cmpstr (f->log->str, ==, "AA 10 70 A4 A4 E2 ");
    g_assert_cmphex (reply (f, 1)->sw, ==, 0x9000);
}

static void
test_link_hostile (Fixture *f, gconstpointer unused)
{
    f->endless = TRUE;
    call_info1 (f);
    run (f);
    g_assert_cmpint (reply (f, 0)->kind, !=, RSP_REPLY_OK);
    f->endless = FALSE;
    f->garbage = "90"; /* half a status word */
    call_info1 (f);
    run (f);
    g_clear_pointer (&f->chain, g_byte_array_unref);
    f->chain = g_byte_array_new ();
    f->blocks = 0;
    f->garbage = NULL;
    call_info1 (f);
    run (f);
    g_assert_cmphex (reply (f, 2)->sw, ==, 0x9000);
}

static void
test_link_package (Fixture *f, gconstpointer unused)
{
    g_autoptr (GBytes) bpp = make_package (TRUE);
    g_autoptr (GPtrArray) segments = rsp_bpp_segments (bpp, NULL);
    f->answer = filled (300);
    f->answer_at = segments->len;
    call (f, RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, bpp);
    run (f);
    g_assert_cmpuint (f->chains->len, ==, segments->len);
    for (guint i = 0; i < segments->len; i++)
        g_assert_true (g_bytes_equal (f->chains->pdata[i], segments->pdata[i]));
    g_assert_true (g_bytes_equal (reply (f, 0)->body, f->answer));
}

/* The first answer with data ends the loading. */
static void
test_link_package_ends_early (Fixture *f, gconstpointer unused)
{
    g_autoptr (GBytes) bpp = make_package (FALSE);
    f->answer = filled (20);
    f->answer_at = 4;
    call (f, RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, bpp);
    run (f);
    g_assert_cmpuint (f->chains->len, ==, 4);
    g_assert_true (g_bytes_equal (reply (f, 0)->body, f->answer));

    f->answer_at = 99;
    f->final_sw = 0x6985;
    call (f, RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, bpp);
    run (f);
    g_assert_cmpuint (f->chains->len, ==, 5);
    g_assert_cmphex (reply (f, 1)->sw, ==, 0x6985);
}

#define LINK(name, data, func)                                                                     \
    g_test_add ("/apdu/link/" name, Fixture, GUINT_TO_POINTER (data), set_up, func, tear_down)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/apdu/segments/whole", test_segments);
    g_test_add_func ("/apdu/segments/truncated", test_segments_truncated);
    g_test_add_func ("/apdu/segments/damaged", test_segments_damaged);
    g_test_add_func ("/apdu/segments/odd", test_segments_odd);
    g_test_add_func ("/apdu/segments/recorded", test_segments_recorded);
    LINK ("session", 0, test_link_session);
    LINK ("long", 255, test_link_long);
    LINK ("long-120", 120, test_link_long);
    LINK ("long-1", 1, test_link_long);
    LINK ("corrected-length", 0, test_link_corrected_length);
    LINK ("refresh", 0, test_link_refresh);
    LINK ("refresh-lost", 0, test_link_refresh_lost);
    LINK ("refused", 0, test_link_refused);
    LINK ("reset", 0, test_link_reset);
    for (guint i = 1; i <= 6; i++) {
        g_autofree char *name = g_strdup_printf ("/apdu/link/lost-%u", i);
        g_test_add (name, Fixture, GUINT_TO_POINTER (i), set_up, test_link_lost, tear_down);
    }
    LINK ("no-channel", 0, test_link_no_channel);
    LINK ("no-isdr", 0, test_link_no_isdr);
    LINK ("hostile", 0, test_link_hostile);
    LINK ("package", 0, test_link_package);
    LINK ("package-ends-early", 0, test_link_package_ends_early);
    return g_test_run ();
}
