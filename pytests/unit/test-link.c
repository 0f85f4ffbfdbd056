/* Times of messages on a link, reckoned by hand. */
#include "sim/net/link.h"

/* 8,000 bit/s: an octet takes a millisecond. */
static const RspLinkModel slow = {.name = "slow", .latency = 100000, .up = 8000, .down = 8000};

static RspLink *
link_of (const RspLinkModel *model)
{
    return rsp_link_new (model, rsp_rng_new (1, "device", "link", 0));
}

/* 1,000 octets, 320 of headers, 29 of a record, 40 of a packet; then two packets; then a handshake
 * of 640 octets up in one packet and 1,500 down in two, and two round trips. */
static void
test_time (void)
{
    g_autoptr (RspLink) link = link_of (&slow);
    g_assert_cmpint (rsp_link_carry (link, TRUE, TRUE, 1000, FALSE), ==, 100000 + 1389000);
    g_assert_cmpint (rsp_link_carry (link, TRUE, TRUE, 1100, FALSE), ==, 100000 + 1529000);
    g_assert_cmpint (rsp_link_carry (link, FALSE, FALSE, 1000, FALSE), ==, 100000 + 1249000);
    g_assert_cmpint (rsp_link_carry (link, TRUE, TRUE, 0, TRUE), ==,
                     100000 + 389000 + 400000 + 680000 + 1580000);
    const RspLinkUse *use = rsp_link_use (link);
    g_assert_cmpuint (use->up, ==, 1389 + 1529 + 389 + 680);
    g_assert_cmpuint (use->down, ==, 1249 + 1580);
    g_assert_cmpint (use->airtime, ==, (gint64)(use->up + use->down) * 1000);
    g_assert_cmpuint (use->messages, ==, 4);
    g_assert_cmpuint (use->packets, ==, 1 + 2 + 1 + 1 + 1 + 2);
}

/* A device that is called: the request comes down, with a request's headers, and the handshake's
 * parts change sides. */
static void
test_called (void)
{
    g_autoptr (RspLink) link = link_of (&slow);
    rsp_link_carry (link, FALSE, TRUE, 100, TRUE);
    rsp_link_carry (link, TRUE, FALSE, 10, FALSE);
    g_assert_cmpuint (rsp_link_use (link)->down, ==, 680 + 100 + 320 + 29 + 40);
    g_assert_cmpuint (rsp_link_use (link)->up, ==, 1580 + 10 + 180 + 29 + 40);
}

static void
test_bearers (void)
{
    RspLinkModel model = slow;
    model.message_limit = 100;
    g_autoptr (RspLink) link = link_of (&model);
    g_assert_false (rsp_link_takes (link, 101));
    g_assert_true (rsp_link_takes (link, 100));
    rsp_link_set_bearer (link, RSP_BEARER_WIFI);
    g_assert_true (rsp_link_takes (link, 101));
    g_assert_cmpint (rsp_link_carry (link, TRUE, TRUE, 1000, TRUE), ==, 0);
    g_assert_cmpuint (rsp_link_use (link)->messages, ==, 0);
}

/* Losses follow the seed, cost a second and the packet again, and are about as many as said. */
static void
test_loss (void)
{
    RspLinkModel model = slow;
    model.loss = 0.1;
    g_autoptr (RspLink) one = link_of (&model), two = link_of (&model), none = link_of (&slow);
    for (guint i = 0; i < 200; i++)
        g_assert_cmpint (rsp_link_carry (one, TRUE, TRUE, 10000, FALSE), ==,
                         rsp_link_carry (two, TRUE, TRUE, 10000, FALSE));
    const RspLinkUse *use = rsp_link_use (one);
    g_assert_cmpuint (use->packets, ==, 200 * 8);
    g_assert_cmpuint (use->lost, >, 120);
    g_assert_cmpuint (use->lost, <, 240);
    rsp_link_carry (none, TRUE, TRUE, 10000, FALSE);
    g_assert_cmpuint (rsp_link_use (none)->lost, ==, 0);
}

static void
test_presets (void)
{
    g_assert_null (rsp_link_preset ("carrier-pigeon"));
    const char *const names[] = {"nb-iot", "lte-m", "lte"};
    gint64 before = G_MAXINT64;
    for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
        g_autoptr (RspLink) link = link_of (rsp_link_preset (names[i]));
        gint64 time = rsp_link_carry (link, FALSE, TRUE, 15000, TRUE);
        g_assert_cmpint (time, <, before);
        before = time;
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/link/time", test_time);
    g_test_add_func ("/link/called", test_called);
    g_test_add_func ("/link/bearers", test_bearers);
    g_test_add_func ("/link/loss", test_loss);
    g_test_add_func ("/link/presets", test_presets);
    return g_test_run ();
}
