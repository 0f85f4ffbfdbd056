/* What `count:` makes of actors, steps and expectations. Expected digits are from ISO 7064 (EID)
 * and Luhn (ICCID, IMEI), computed apart from the code under test. */
#include "asn1/ids.h"
#include "sim/run/groups.h"

#define EID "89049032001234000000000000000141"

static RspYaml *
parse (const char *text)
{
    g_autoptr (GError) error = NULL;
    RspYaml *doc = rsp_yaml_parse (text, -1, "test", &error);
    g_assert_no_error (error);
    return doc;
}

static RspYaml *
actors (void)
{
    return parse ("card: {role: euicc, count: 12000, eid: \"" EID "\", memory: 1000}\n"
                  "phone: {role: lpa, count: 3, euicc: card, imei: \"352906110000009\"}\n"
                  "solo: {role: lpa, euicc: card-0005}\n");
}

static void
test_eids (void)
{
    g_autofree char *same = rsp_eid_nth (EID, 0), *next = rsp_eid_nth (EID, 1),
                    *far = rsp_eid_nth (EID, 9999);
    g_assert_cmpstr (same, ==, EID);
    g_assert_cmpstr (next, ==, "89049032001234000000000000000238");
    g_assert_true (rsp_eid_valid (next) && rsp_eid_valid (far));
    g_assert_true (g_str_has_prefix (far, "890490320012340000000000010000"));
    g_assert_null (rsp_eid_nth ("99999999999999999999999999999991", 1));
    for (guint n = 0; n < 1000; n++) {
        g_autofree char *eid = rsp_eid_nth (EID, n);
        g_assert_true (rsp_eid_valid (eid));
    }
}

static void
test_names (void)
{
    g_autoptr (RspYaml) a = actors ();
    guint number = 99;
    g_assert_cmpuint (rsp_group_size (a, "card"), ==, 12000);
    g_assert_cmpuint (rsp_group_size (a, "solo"), ==, 0);
    g_assert_cmpuint (rsp_group_size (a, "card-0001"), ==, 0);
    g_assert_true (rsp_group_declaration (a, "card-0007", &number) == rsp_yaml_get (a, "card"));
    g_assert_cmpuint (number, ==, 7);
    g_assert_true (rsp_group_declaration (a, "card-12000", &number) == rsp_yaml_get (a, "card"));
    g_assert_true (rsp_group_declaration (a, "solo", &number) == rsp_yaml_get (a, "solo"));
    g_assert_cmpuint (number, ==, 0);
    static const char *const none[] = {"card-0000", "card-12001", "card-7",  "card-00007",
                                       "card-",     "solo-0001",  "card-7x", "card--0007",
                                       "nobody",    "card-0007 ", "-0001",   ""};
    for (guint i = 0; i < G_N_ELEMENTS (none); i++)
        g_assert_null (rsp_group_declaration (a, none[i], NULL));
    g_assert_true (rsp_group_has ("card", "card-0007") && rsp_group_has ("card", "card"));
    g_assert_false (rsp_group_has ("card", "cards") || rsp_group_has ("card", "car"));
}

static const char *
text (const RspYaml *map, const char *key)
{
    return rsp_yaml_get (map, key)->text;
}

static void
test_members (void)
{
    g_autoptr (RspYaml) a = actors ();
    g_autoptr (RspYaml) card = rsp_group_instance (a, rsp_yaml_get (a, "card"), 2);
    g_autoptr (RspYaml) phone = rsp_group_instance (a, rsp_yaml_get (a, "phone"), 3);
    g_assert_cmpstr (text (card, "eid"), ==, "89049032001234000000000000000238");
    g_assert_cmpstr (text (phone, "euicc"), ==, "card-0003");
    g_assert_cmpstr (text (phone, "imei"), ==, "352906110000025");
    /* What is the same is the same node. */
    g_assert_true (rsp_yaml_get (card, "memory") ==
                   rsp_yaml_get (rsp_yaml_get (a, "card"), "memory"));
}

static void
test_steps (void)
{
    g_autoptr (RspYaml) a = actors ();
    g_autoptr (RspYaml) steps = parse (
        "user: {at: phone, do: enable, iccid: \"8988303000000100000\", code: "
        "\"A-$(number)-$(X)\"}\n"
        "ota: {at: mno, to: card, iccid: \"$(I)\"}\n"
        "eim: {at: eim1, to: card}\nread: {at: card-0003, file: \"3F00/2FE2\"}\nnote: phone\n");
    const RspYaml *user = rsp_yaml_get (steps, "user"), *ota = rsp_yaml_get (steps, "ota");
    g_assert_cmpuint (rsp_group_of_step (a, user), ==, 3);
    g_assert_cmpuint (rsp_group_of_step (a, ota), ==, 12000);
    g_assert_cmpuint (rsp_group_of_step (a, rsp_yaml_get (steps, "eim")), ==, 12000);
    g_assert_cmpuint (rsp_group_of_step (a, rsp_yaml_get (steps, "read")), ==, 0);
    g_assert_cmpuint (rsp_group_of_step (a, rsp_yaml_get (steps, "note")), ==, 0);
    g_autoptr (RspYaml) own = rsp_group_instance (a, user, 3);
    g_assert_cmpstr (text (own, "at"), ==, "phone-0003");
    g_assert_cmpstr (text (own, "iccid"), ==, "8988303000000100026");
    g_assert_cmpstr (text (own, "code"), ==, "A-0003-$(X)");
    g_assert_cmpstr (text (own, "do"), ==, "enable");
    g_autoptr (RspYaml) other = rsp_group_instance (a, ota, 12000);
    g_assert_cmpstr (text (other, "to"), ==, "card-12000");
    g_assert_cmpstr (text (other, "iccid"), ==, "$(I)");
    g_assert_cmpstr (text (other, "at"), ==, "mno");
}

static void
test_declared_members (void)
{
    g_autoptr (RspYaml) a = parse ("card: {role: euicc, count: 12, eid: \"" EID
                                   "\", memory: 1000, iot: {ecall: true, v: a}}\n"
                                   "card-0002: {memory: 5, iot: {v: b, fallback: false}}\n"
                                   "card-0013: {memory: 6}\ncard-x: {memory: 7}\nphone: 5\n");
    const RspYaml *card = rsp_yaml_get (a, "card");
    guint number = 0;
    rsp_group_resolve_members (a);
    const RspYaml *own = rsp_yaml_get (a, "card-0002"), *iot = rsp_yaml_get (own, "iot");
    g_assert_cmpstr (text (own, "role"), ==, "euicc");
    g_assert_cmpstr (text (own, "eid"), ==, "89049032001234000000000000000238");
    g_assert_cmpstr (text (own, "memory"), ==, "5");
    g_assert_null (rsp_yaml_get (own, "count"));
    g_assert_cmpstr (text (iot, "ecall"), ==, "true");
    g_assert_cmpstr (text (iot, "v"), ==, "b");
    g_assert_cmpstr (text (iot, "fallback"), ==, "false");
    /* The group is as it was; who is no member of it, too. */
    g_assert_cmpstr (text (card, "memory"), ==, "1000");
    g_assert_cmpstr (text (rsp_yaml_get (card, "iot"), "v"), ==, "a");
    g_assert_cmpuint (rsp_group_size (a, "card"), ==, 12);
    g_assert_null (rsp_yaml_get (rsp_yaml_get (a, "card-0013"), "role"));
    g_assert_null (rsp_yaml_get (rsp_yaml_get (a, "card-x"), "role"));
    g_assert_true (rsp_group_declaration (a, "card-0002", &number) == own);
    g_assert_cmpuint (number, ==, 2);
    g_assert_true (rsp_group_of_member (a, "card-0002", &number) == card);
    g_assert_null (rsp_group_of_member (a, "card-0013", &number));
    g_assert_null (rsp_group_of_member (a, "card", &number));
}

static void
test_at_once (void)
{
    g_autoptr (RspYaml) a = actors ();
    g_autoptr (RspYaml) steps = parse ("ipa: {at: phone, do: poll, spread: 0s}\n");
    g_assert_cmpuint (rsp_group_of_step (a, rsp_yaml_get (steps, "ipa")), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/groups/eids", test_eids);
    g_test_add_func ("/groups/names", test_names);
    g_test_add_func ("/groups/members", test_members);
    g_test_add_func ("/groups/steps", test_steps);
    g_test_add_func ("/groups/declared-members", test_declared_members);
    g_test_add_func ("/groups/at-once", test_at_once);
    return g_test_run ();
}
