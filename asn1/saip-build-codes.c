/* PINs, PUKs and authentication keys of a package. */
#include "asn1/saip-build-private.h"

#include <string.h>

/* --- PINs and PUKs --- */

typedef struct {
    const char *name;
    guint8 reference;
} Reference;

#define ADM(n, reference)                                                                          \
    {                                                                                              \
        "adm" #n, reference                                                                        \
    }
#define PIN(n)                                                                                     \
    {"pinAppl" #n, n},                                                                             \
    {                                                                                              \
        "secondPINAppl" #n, 128 + n                                                                \
    }
#define PUK(n)                                                                                     \
    {"pukAppl" #n, n},                                                                             \
    {                                                                                              \
        "secondPUKAppl" #n, 128 + n                                                                \
    }
static const Reference pin_names[] = {
    {"pin1", 1},  {"pin2", 129}, PIN (1),     PIN (2),      PIN (3),      PIN (4),
    PIN (5),      PIN (6),       PIN (7),     PIN (8),      ADM (1, 10),  ADM (2, 11),
    ADM (3, 12),  ADM (4, 13),   ADM (5, 14), ADM (6, 138), ADM (7, 139), ADM (8, 140),
    ADM (9, 141), ADM (10, 142), {NULL, 0}};
static const Reference puk_names[] = {{"puk1", 1}, {"puk2", 129}, PUK (1),  PUK (2),
                                      PUK (3),     PUK (4),       PUK (5),  PUK (6),
                                      PUK (7),     PUK (8),       {NULL, 0}};

static guint8
reference_of (const Reference *names, const char *name)
{
    for (; names->name; names++)
        if (!strcmp (names->name, name))
            return names->reference;
    return 0;
}

static gboolean
is_global (guint8 reference)
{
    return reference < 128;
}

static gboolean
check_names (const RspYaml *map, const Reference *names, GError **error)
{
    const char *known[40] = {NULL};
    for (guint i = 0; names[i].name && i < G_N_ELEMENTS (known) - 1; i++)
        known[i] = names[i].name;
    return rsp_saip_want (map, RSP_YAML_MAP, error) &&
           (map->kind != RSP_YAML_MAP || rsp_yaml_only (map, known, error));
}

/* {path: "7FD0"}: the second PIN of another DF instead of an own one. */
static const RspYaml *
shared_path (const RspYaml *pins)
{
    return pins->kind == RSP_YAML_MAP && pins->items->len == 1 ? rsp_yaml_get (pins, "path") : NULL;
}

gboolean
rsp_saip_pin_references (const RspYaml *pins, GByteArray *out, GError **error)
{
    static const guint8 second = 129;
    if (!pins) {
        g_byte_array_append (out, &second, 1);
        return TRUE;
    }
    if (shared_path (pins)) {
        g_byte_array_append (out, &second, 1);
        return TRUE;
    }
    if (!check_names (pins, pin_names, error))
        return FALSE;
    for (guint i = 0; i < rsp_saip_n_members (pins); i++) {
        guint8 reference = reference_of (pin_names, ((const RspYaml *)pins->items->pdata[i])->key);
        g_byte_array_append (out, &reference, 1);
    }
    return TRUE;
}

gboolean
rsp_saip_read_pins (RspSaipBuild *b, GError **error)
{
    static const guint8 usual[] = {1, 10};
    const RspYaml *pins = rsp_yaml_get (b->doc, "pins");
    if (!pins)
        g_byte_array_append (b->global_pins, usual, sizeof usual);
    return !pins || rsp_saip_pin_references (pins, b->global_pins, error);
}

typedef struct {
    guint8 value[8];
    gint64 tries, left;
    gboolean enabled, changeable, can_disable;
    const char *puk; /* name, NULL: by default */
} Code;

static gboolean
code_value (Code *code, const RspYaml *node, GError **error)
{
    const char *text;
    if (!rsp_yaml_text (node, &text, error))
        return FALSE;
    gsize n = strlen (text);
    if (n < 4 || n > 8 || strspn (text, "0123456789") != n)
        return rsp_yaml_fail (node, error, "a code has 4 to 8 digits");
    memset (code->value, 0xFF, 8);
    memcpy (code->value, text, n);
    return TRUE;
}

static gboolean
read_code (Code *code, const RspYaml *node, GError **error)
{
    static const char *const keys[] = {"value",           "hex",   "puk",  "enabled", "changeable",
                                       "can-be-disabled", "tries", "left", NULL};
    if (node->kind != RSP_YAML_MAP)
        return code_value (code, node, error);
    const RspYaml *value = rsp_yaml_get (node, "value");
    g_autoptr (GBytes) hex = NULL;
    if (!rsp_yaml_only (node, keys, error) ||
        !rsp_saip_opt_octets (node, "hex", 8, 8, &hex, error) ||
        (value && !code_value (code, value, error)))
        return FALSE;
    if (!hex == !value)
        return rsp_yaml_fail (node, error, "either value or hex is needed");
    if (hex)
        memcpy (code->value, g_bytes_get_data (hex, NULL), 8);
    if (!rsp_yaml_opt_text (node, "puk", &code->puk, error) ||
        !rsp_yaml_opt_bool (node, "enabled", &code->enabled, error) ||
        !rsp_yaml_opt_bool (node, "changeable", &code->changeable, error) ||
        !rsp_yaml_opt_bool (node, "can-be-disabled", &code->can_disable, error) ||
        !rsp_yaml_opt_int (node, "tries", 1, 15, &code->tries, error))
        return FALSE;
    code->left = code->tries;
    return rsp_yaml_opt_int (node, "left", 0, code->tries, &code->left, error);
}

static void
put_code (GByteArray *out, const Code *code, guint8 reference, guint8 puk, gboolean is_puk)
{
    gsize mark = rsp_tlv_open (out, 0x30);
    gint64 retries = code->tries << 4 | code->left;
    rsp_tlv_put_int (out, 0x80, reference);
    rsp_tlv_put (out, 0x81, RSP_SLICE (code->value, 8));
    if (puk)
        rsp_tlv_put_int (out, 0x82, puk);
    if (!is_puk)
        rsp_tlv_put_int (out, 0x83, code->enabled | code->changeable << 1 | code->can_disable << 2);
    if (retries != (is_puk ? 170 : 51))
        rsp_tlv_put_int (out, is_puk ? 0x82 : 0x84, retries);
    rsp_tlv_close (out, mark);
}

static gboolean
has_puk (const RspSaipBuild *b, guint8 reference)
{
    const RspYaml *puks = rsp_yaml_get (b->doc, "puks");
    if (!puks)
        return reference == 1 || reference == 129;
    for (guint i = 0; i < rsp_saip_n_members (puks); i++)
        if (reference_of (puk_names, ((const RspYaml *)puks->items->pdata[i])->key) == reference)
            return TRUE;
    return FALSE;
}

static gboolean
choose_puk (const RspSaipBuild *b, const RspYaml *node, const Code *code, guint8 reference,
            guint8 *ret, GError **error)
{
    guint8 usual = reference <= 8 ? 1 : reference >= 129 && reference <= 136 ? 129 : 0;
    *ret = usual && has_puk (b, usual) ? usual : 0;
    if (!code->puk)
        return TRUE;
    *ret = strcmp (code->puk, "none") ? reference_of (puk_names, code->puk) : 0;
    if (*ret ? has_puk (b, *ret) : !strcmp (code->puk, "none"))
        return TRUE;
    return rsp_yaml_fail (node, error, "no such PUK in puks");
}

static gboolean
put_pin (RspSaipBuild *b, const RspYaml *node, guint8 reference, const char *otherwise,
         GError **error)
{
    gboolean application = reference <= 8;
    gint64 tries = application || (reference >= 129 && reference <= 136) ? 3 : 10;
    guint8 puk;
    Code code = {.tries = tries,
                 .left = tries,
                 .enabled = !application,
                 .changeable = TRUE,
                 .can_disable = application};
    if (node ? !read_code (&code, node, error) : FALSE)
        return FALSE;
    if (!node) {
        memset (code.value, 0xFF, 8);
        memcpy (code.value, otherwise, strlen (otherwise));
    }
    if (!choose_puk (b, node, &code, reference, &puk, error))
        return FALSE;
    put_code (b->out, &code, reference, puk, FALSE);
    rsp_wipe (&code, sizeof code);
    return TRUE;
}

static gboolean
put_pins (RspSaipBuild *b, const RspYaml *pins, gboolean global, GError **error)
{
    if (pins && !rsp_saip_n_members (pins))
        return TRUE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_PIN_CODES);
    gsize choice = rsp_tlv_open (b->out, 0xA1);
    if (pins && !global && shared_path (pins)) {
        g_autoptr (GBytes) path = NULL;
        if (!rsp_saip_build_path (shared_path (pins), &path, error))
            return FALSE;
        rsp_tlv_put (b->out, 0x81, rsp_slice_of (path));
        rsp_tlv_close (b->out, choice);
        rsp_tlv_close (b->out, mark);
        return TRUE;
    }
    gsize list = rsp_tlv_open (b->out, 0xA0);
    gboolean good = TRUE;
    if (!pins)
        good = global
                   ? put_pin (b, NULL, 1, "0000", error) && put_pin (b, NULL, 10, "11111111", error)
                   : put_pin (b, NULL, 129, "0000", error);
    for (guint i = 0; i < rsp_saip_n_members (pins) && good; i++) {
        const RspYaml *node = pins->items->pdata[i];
        guint8 reference = reference_of (pin_names, node->key);
        if (is_global (reference) != global)
            return rsp_yaml_fail (node, error,
                                  global ? "a second PIN belongs to an application"
                                         : "a global PIN belongs to the profile's pins");
        good = put_pin (b, node, reference, NULL, error);
    }
    rsp_tlv_close (b->out, list);
    rsp_tlv_close (b->out, choice);
    rsp_tlv_close (b->out, mark);
    return good;
}

static gboolean
put_puk (RspSaipBuild *b, const RspYaml *node, guint8 reference, const char *otherwise,
         GError **error)
{
    Code code = {.tries = 10, .left = 10};
    if (node && !read_code (&code, node, error))
        return FALSE;
    if (!node)
        memcpy (code.value, otherwise, 8);
    put_code (b->out, &code, reference, 0, TRUE);
    rsp_wipe (&code, sizeof code);
    return TRUE;
}

static gboolean
put_puks (RspSaipBuild *b, GError **error)
{
    const RspYaml *puks = rsp_yaml_get (b->doc, "puks");
    if (puks && !check_names (puks, puk_names, error))
        return FALSE;
    if (puks && !rsp_saip_n_members (puks))
        return TRUE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_PUK_CODES);
    gsize list = rsp_tlv_open (b->out, 0xA1);
    gboolean good = puks || (put_puk (b, NULL, 1, "11111111", error) &&
                             put_puk (b, NULL, 129, "22222222", error));
    for (guint i = 0; i < rsp_saip_n_members (puks) && good; i++) {
        const RspYaml *node = puks->items->pdata[i];
        good = put_puk (b, node, reference_of (puk_names, node->key), NULL, error);
    }
    rsp_tlv_close (b->out, list);
    rsp_tlv_close (b->out, mark);
    return good;
}

gboolean
rsp_saip_build_global (RspSaipBuild *b, GError **error)
{
    return put_puks (b, error) && put_pins (b, rsp_yaml_get (b->doc, "pins"), TRUE, error);
}

/* --- Authentication --- */

typedef struct {
    const char *name;
    guint8 id;
    const char *options; /* by default */
    gsize opc;           /* octets; 0: any */
} Algorithm;

static gboolean
read_algorithm (const RspYaml *aka, const Algorithm **ret, GError **error)
{
    static const Algorithm algorithms[] = {
        {"milenage", 1, "00", 16}, {"tuak", 2, "00", 32}, {"test", 3, "02", 0}};
    const char *name = NULL;
    if (!rsp_yaml_opt_text (aka, "algorithm", &name, error))
        return FALSE;
    for (guint i = 0; name && i < G_N_ELEMENTS (algorithms); i++)
        if (!strcmp (algorithms[i].name, name)) {
            *ret = &algorithms[i];
            return TRUE;
        }
    return rsp_yaml_fail (aka, error, "an algorithm is milenage, tuak or test");
}

static gboolean
put_algorithm (RspSaipBuild *b, const RspYaml *aka, const Algorithm *a, GError **error)
{
    g_autoptr (GBytes) key = NULL;
    GByteArray *out = b->out;
    gint64 keccak = 1;
    if (!rsp_saip_need_octets (aka, "key", 16, a->id == 2 ? 32 : 16, &key, error))
        return FALSE;
    if (g_bytes_get_size (key) % 16)
        return rsp_yaml_fail (aka, error, "a key has 16 octets, or 32 with tuak");
    if (a->opc && !rsp_yaml_get (aka, "opc"))
        return rsp_yaml_fail (aka, error, "opc is missing");
    rsp_tlv_put_int (out, 0x80, a->id);
    if (!rsp_saip_put_default (out, 0x81, aka, "options", 1, 1, a->options, error))
        return FALSE;
    rsp_tlv_put (out, 0x82, rsp_slice_of (key));
    if (!rsp_saip_put_default (out, 0x83, aka, "opc", a->opc, a->opc ? a->opc : 32, "", error) ||
        !rsp_saip_put_octets (out, 0x84, aka, "rotation", 5, 5, error) ||
        !rsp_saip_put_octets (out, 0x85, aka, "xoring", 80, 80, error) ||
        !rsp_saip_put_octets (out, 0x86, aka, "counter-max", 3, 3, error) ||
        !rsp_yaml_opt_int (aka, "keccak", 1, 255, &keccak, error))
        return FALSE;
    if (keccak != 1)
        rsp_tlv_put_int (out, 0x87, keccak);
    rsp_saip_need_service (b, a->id == 1                     ? "milenage"
                              : a->id == 3                   ? "usim-test-algorithm"
                              : g_bytes_get_size (key) == 16 ? "tuak128"
                                                             : "tuak256");
    return TRUE;
}

/* All 32 entries begin with the one value. */
static gboolean
put_sequence_numbers (GByteArray *out, const RspYaml *aka, GError **error)
{
    g_autoptr (GBytes) sqn = NULL;
    if (!rsp_saip_opt_octets (aka, "sqn", 6, 6, &sqn, error))
        return FALSE;
    if (!sqn)
        return TRUE;
    if (*(const guint8 *)g_bytes_get_data (sqn, NULL) > 0x07)
        return rsp_yaml_fail (rsp_yaml_get (aka, "sqn"), error, "at most 07FFFFFFFFFF");
    gsize list = rsp_tlv_open (out, 0xA5);
    for (guint i = 0; i < 32; i++)
        rsp_tlv_put (out, 0x04, rsp_slice_of (sqn));
    rsp_tlv_close (out, list);
    return TRUE;
}

/* Keys and algorithm of another application, by its AID. */
static gboolean
put_mapping (RspSaipBuild *b, const RspYaml *aka, GError **error)
{
    static const char *const keys[] = {"mapping", NULL};
    static const char *const inner[] = {"options", "source", NULL};
    const RspYaml *mapping = rsp_yaml_get (aka, "mapping");
    g_autoptr (GBytes) source = NULL;
    if (mapping->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (mapping, error, "a mapping is {source: AID}");
    if (!rsp_yaml_only (aka, keys, error) || !rsp_yaml_only (mapping, inner, error) ||
        !rsp_saip_need_octets (mapping, "source", 5, 16, &source, error))
        return FALSE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_AKA_PARAMETER);
    gsize choice = rsp_tlv_open (b->out, 0xA1);
    gsize parameter = rsp_tlv_open (b->out, 0xA0);
    if (!rsp_saip_put_default (b->out, 0x80, mapping, "options", 1, 1, "06", error))
        return FALSE;
    rsp_tlv_put (b->out, 0x81, rsp_slice_of (source));
    rsp_tlv_close (b->out, parameter);
    rsp_tlv_close (b->out, choice);
    rsp_tlv_close (b->out, mark);
    return TRUE;
}

static gboolean
put_aka (RspSaipBuild *b, const RspYaml *aka, GError **error)
{
    static const char *const keys[] = {
        "algorithm", "key", "opc",         "options",   "rotation",      "xoring", "counter-max",
        "keccak",    "sqn", "sqn-options", "sqn-delta", "sqn-age-limit", NULL};
    const Algorithm *a = NULL;
    if (aka->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (aka, error, "aka is {algorithm: …, key: …, opc: …}");
    if (rsp_yaml_get (aka, "mapping"))
        return put_mapping (b, aka, error);
    if (!rsp_yaml_only (aka, keys, error) || !read_algorithm (aka, &a, error))
        return FALSE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_AKA_PARAMETER);
    gsize choice = rsp_tlv_open (b->out, 0xA1);
    gsize algorithm = rsp_tlv_open (b->out, 0xA1);
    if (!put_algorithm (b, aka, a, error))
        return FALSE;
    rsp_tlv_close (b->out, algorithm);
    rsp_tlv_close (b->out, choice);
    if (!rsp_saip_put_octets (b->out, 0x82, aka, "sqn-options", 1, 1, error) ||
        !rsp_saip_put_octets (b->out, 0x83, aka, "sqn-delta", 6, 6, error) ||
        !rsp_saip_put_octets (b->out, 0x84, aka, "sqn-age-limit", 6, 6, error) ||
        !put_sequence_numbers (b->out, aka, error))
        return FALSE;
    rsp_tlv_close (b->out, mark);
    return TRUE;
}

gboolean
rsp_saip_build_local (RspSaipBuild *b, const RspYaml *pins, const RspYaml *aka, GError **error)
{
    return put_pins (b, pins, FALSE, error) && (!aka || put_aka (b, aka, error));
}
