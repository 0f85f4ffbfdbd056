/* Activation codes: SGP.22 4.1, each rule and each refusal. */
#include "components/lpa/lpa.h"

static void
test_codes_good (void)
{
    static const struct {
        const char *text, *address, *matching_id, *oid;
        gboolean cc;
    } cases[] = {
        {"LPA:1$smdp.example.com$ABC-123", "smdp.example.com", "ABC-123", NULL, FALSE},
        {"lpa:1$SMDP.Example.com$ABC", "SMDP.Example.com", "ABC", NULL, FALSE},
        {"1$h$T", "h", "T", NULL, FALSE},
        {"1$h$T$$1", "h", "T", NULL, TRUE},
        {"1$h$T$1.3.6.1.4.1.31746", "h", "T", "1.3.6.1.4.1.31746", FALSE},
        {"1$h$T$2.999.10$1", "h", "T", "2.999.10", TRUE},
        {"1$h$$2.999.10", "h", "", "2.999.10", FALSE},
        {"1$h$", "h", "", NULL, FALSE},
        {"1$h$T$", "h", "T", NULL, FALSE},
        {"1$h$T$$", "h", "T", NULL, FALSE},
        {"1$h$T$$1$F541$1$later", "h", "T", NULL, TRUE},
        {"  LPA:1$h:8443$T \n", "h:8443", "T", NULL, FALSE},
        {"1$127.0.0.1:1$T", "127.0.0.1:1", "T", NULL, FALSE},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (RspActivationCode) code =
            rsp_activation_code_parse (cases[i].text, FALSE, &error);
        g_assert_no_error (error);
        g_assert_cmpstr (code->address, ==, cases[i].address);
        g_assert_cmpstr (code->matching_id, ==, cases[i].matching_id);
        g_assert_cmpstr (code->oid, ==, cases[i].oid);
        g_assert_cmpint (code->cc_required, ==, cases[i].cc);
    }
}

static void
test_codes_bad (void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "empty"},
        {"LPA:", "empty"},
        {"hello", "no delimiter"},
        {"2$h$T", "format not supported"},
        {"$h$T", "format not supported"},
        {"01$h$T", "format not supported"},
        {"1$", "no address"},
        {"1$h", "no delimiter after the address"},
        {"1$$T", "empty address"},
        {"1$:80$T", "empty address"},
        {"1$h h$T", "blank inside"},
        {"1$h$T\tT", "blank inside"},
        {"LPA: 1$h$T", "blank inside"},
        {"1$h$\xc3\xa4", "character outside printable ASCII"},
        {"1$h$T$$1$\x01", "character outside printable ASCII"},
        {"1$https://h$T", "scheme in the address"},
        {"1$h/gsma$T", "path in the address"},
        {"1$h_h$T", "character not allowed in the address"},
        {"1$h..h$T", "empty label in the address"},
        {"1$h.$T", "empty label in the address"},
        {"1$-h$T", "label of the address starts or ends with a hyphen"},
        {"1$h:$T", "bad port in the address"},
        {"1$h:0$T", "bad port in the address"},
        {"1$h:65536$T", "bad port in the address"},
        {"1$h:80a$T", "bad port in the address"},
        {"1$h$t", "character not allowed in the MatchingID"},
        {"1$h$T_T", "character not allowed in the MatchingID"},
        {"1$h$T$x", "OID with less than two arcs"},
        {"1$h$T$1.x", "OID not in dotted decimal form"},
        {"1$h$T$1.3.", "OID not in dotted decimal form"},
        {"1$h$T$1.03", "OID arc with a leading zero"},
        {"1$h$T$3.1", "first OID arc above 2"},
        {"1$h$T$1.40", "second OID arc above 39"},
        {"1$h$T$2.1234567890123456789012345678901234567890", "OID arc too large"},
        {"1$h$T$$0", "bad confirmation code flag"},
        {"1$h$T$$11", "bad confirmation code flag"},
    };
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *want = g_strconcat ("activation code: ", cases[i].why, NULL);
        g_assert_null (rsp_activation_code_parse (cases[i].text, FALSE, &error));
        g_assert_error (error, RSP_LPA_ERROR, RSP_LPA_ERROR_ACTIVATION_CODE);
        g_assert_cmpstr (error->message, ==, want);
    }
}

static void
test_codes_limits (void)
{
    g_autofree char *label = g_strnfill (64, 'a');
    g_autofree char *long_label = g_strdup_printf ("1$%s.com$T", label);
    g_assert_null (rsp_activation_code_parse (long_label, FALSE, NULL));
    g_autofree char *fine_label = g_strdup_printf ("1$%s.com$T", label + 1);
    g_autoptr (RspActivationCode) fine = rsp_activation_code_parse (fine_label, FALSE, NULL);
    g_assert_nonnull (fine);

    g_autofree char *token = g_strnfill (252, 'A');
    g_autofree char *too_long = g_strdup_printf ("LPA:1$h$%s", token);
    g_assert_null (rsp_activation_code_parse (too_long, FALSE, NULL));
    g_autofree char *longest = g_strdup_printf ("LPA:1$h$%s", token + 1);
    g_autoptr (RspActivationCode) code = rsp_activation_code_parse (longest, FALSE, NULL);
    g_assert_nonnull (code);
    g_autofree char *huge = g_strnfill (1 << 20, ' ');
    g_assert_null (rsp_activation_code_parse (huge, FALSE, NULL));

    g_autoptr (RspActivationCode) lenient = rsp_activation_code_parse ("1$h$A_B", TRUE, NULL);
    g_assert_cmpstr (lenient->matching_id, ==, "A_B");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/lpa/codes/good", test_codes_good);
    g_test_add_func ("/lpa/codes/bad", test_codes_bad);
    g_test_add_func ("/lpa/codes/limits", test_codes_limits);
    return g_test_run ();
}
