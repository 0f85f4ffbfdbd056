#include "asn1/saip-content.h"

#include "asn1/ids.h"

#include <string.h>

static void
take (GPtrArray *parts, GByteArray *octets)
{
    g_ptr_array_add (parts, g_byte_array_free_to_bytes (octets));
}

static void
put (GByteArray *out, guint8 octet)
{
    g_byte_array_append (out, &octet, 1);
}

static void
pad (GByteArray *out, gsize size)
{
    while (out->len < size)
        put (out, 0xFF);
}

/* A list of scalars or maps, or one alone. */
static guint
n_items (const RspYaml *node)
{
    return node->kind == RSP_YAML_LIST ? node->items->len : 1;
}

static const RspYaml *
item_at (const RspYaml *node, guint i)
{
    return node->kind == RSP_YAML_LIST ? node->items->pdata[i] : node;
}

/* --- Digits --- */

static guint
bcd_digit (char c)
{
    return c == '*' ? 10 : c == '#' ? 11 : (guint)(c - '0');
}

/* Swapped BCD, F where digits are missing, SIZE octets. */
static void
put_bcd (GByteArray *out, const char *digits, gsize size)
{
    gsize n = strlen (digits);
    for (gsize i = 0; i < size; i++) {
        guint low = 2 * i < n ? bcd_digit (digits[2 * i]) : 15;
        guint high = 2 * i + 1 < n ? bcd_digit (digits[2 * i + 1]) : 15;
        put (out, (guint8)(high << 4 | low));
    }
}

static gboolean
is_number (const char *text, gsize min, gsize max, const char *allowed)
{
    gsize n = strlen (text);
    return n >= min && n <= max && strspn (text, allowed) == n;
}

gboolean
rsp_saip_imsi_octets (const char *imsi, guint8 out[9])
{
    if (!is_number (imsi, 6, 15, "0123456789"))
        return FALSE;
    gsize n = strlen (imsi);
    memset (out, 0xFF, 9);
    out[0] = (guint8)(n / 2 + 1);
    out[1] = (guint8)(bcd_digit (imsi[0]) << 4 | (n % 2 ? 9 : 1));
    for (gsize i = 1; i < n; i += 2)
        out[1 + (i + 1) / 2] =
            (guint8)((i + 1 < n ? bcd_digit (imsi[i + 1]) : 15) << 4 | bcd_digit (imsi[i]));
    return TRUE;
}

static gboolean
value_imsi (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    const char *text;
    guint8 octets[9];
    if (!rsp_yaml_text (node, &text, error))
        return FALSE;
    if (!rsp_saip_imsi_octets (text, octets))
        return rsp_yaml_fail (node, error, "an IMSI has 6 to 15 digits");
    g_ptr_array_add (parts, g_bytes_new (octets, sizeof octets));
    return TRUE;
}

static gboolean
value_iccid (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    const char *text;
    guint8 octets[10];
    if (!rsp_yaml_text (node, &text, error))
        return FALSE;
    if (!rsp_iccid_to_octets (text, octets))
        return rsp_yaml_fail (node, error, "an ICCID has 18 to 20 digits");
    g_ptr_array_add (parts, g_bytes_new (octets, sizeof octets));
    return TRUE;
}

/* --- Names --- */

/* Characters that GSM 7-bit and ASCII code alike. */
static gboolean
is_gsm_text (const char *text)
{
    for (const char *c = text; *c; c++)
        if (!g_ascii_isalnum (*c) && !strchr (" !\"#%&'()*+,-./:;<=>?\n\r", *c))
            return FALSE;
    return TRUE;
}

/* GSM 7-bit unpacked, else UCS2 with its mark 80; FALSE beyond SIZE octets. */
static gboolean
put_name (GByteArray *out, const char *text, gsize size)
{
    gsize start = out->len;
    if (is_gsm_text (text))
        g_byte_array_append (out, (const guint8 *)text, strlen (text));
    else {
        put (out, 0x80);
        for (const char *c = text; *c; c = g_utf8_next_char (c)) {
            gunichar u = g_utf8_get_char (c);
            if (u > 0xFFFF)
                return FALSE;
            put (out, (guint8)(u >> 8));
            put (out, (guint8)u);
        }
    }
    if (out->len - start > size)
        return FALSE;
    pad (out, start + size);
    return TRUE;
}

static gboolean
value_spn (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    static const char *const keys[] = {"name", "display", NULL};
    const char *name = NULL;
    gint64 display = 1;
    if (node->kind == RSP_YAML_MAP) {
        if (!rsp_yaml_only (node, keys, error) || !rsp_yaml_opt_text (node, "name", &name, error) ||
            !rsp_yaml_opt_int (node, "display", 0, 3, &display, error))
            return FALSE;
        if (!name)
            return rsp_yaml_fail (node, error, "name is missing");
    } else if (!rsp_yaml_text (node, &name, error))
        return FALSE;
    GByteArray *out = g_byte_array_new ();
    put (out, (guint8)display);
    gboolean fits = put_name (out, name, 16);
    take (parts, out);
    return fits || rsp_yaml_fail (node, error, "a service provider name has at most 16 octets");
}

/* --- Telephone numbers --- */

static gboolean
put_number (GByteArray *out, const RspYaml *node, const char *text, gsize octets, GError **error)
{
    gboolean international = text[0] == '+';
    const char *digits = text + international;
    if (!is_number (digits, 1, 2 * octets, "0123456789*#"))
        return rsp_yaml_fail (node, error, "a number has 1 to %u digits after an optional +",
                              (guint)(2 * octets));
    put (out, (guint8)(1 + (strlen (digits) + 1) / 2));
    put (out, international ? 0x91 : 0x81);
    put_bcd (out, digits, octets);
    return TRUE;
}

static gboolean
number_record (const RspYaml *node, guint record_size, GByteArray *out, GError **error)
{
    static const char *const keys[] = {"name", "number", NULL};
    const char *name = "", *number = NULL;
    if (node->kind == RSP_YAML_MAP) {
        if (!rsp_yaml_only (node, keys, error) || !rsp_yaml_opt_text (node, "name", &name, error) ||
            !rsp_yaml_opt_text (node, "number", &number, error))
            return FALSE;
        if (!number)
            return rsp_yaml_fail (node, error, "number is missing");
    } else if (!rsp_yaml_text (node, &number, error))
        return FALSE;
    if (record_size < 14 || !put_name (out, name, record_size - 14))
        return rsp_yaml_fail (node, error, "the name does not fit");
    if (!put_number (out, node, number, 10, error))
        return FALSE;
    pad (out, record_size);
    return TRUE;
}

static gboolean
value_numbers (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    for (guint i = 0; i < n_items (node); i++) {
        GByteArray *out = g_byte_array_new ();
        gboolean good =
            number_record (item_at (node, i), record_size ? record_size : 24, out, error);
        take (parts, out);
        if (!good)
            return FALSE;
    }
    return TRUE;
}

/* EF.SMSP: of the parameters only the service centre's address is present. */
static gboolean
value_smsc (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    const char *text;
    guint size = record_size ? record_size : 38;
    if (!rsp_yaml_text (node, &text, error))
        return FALSE;
    if (size < 28)
        return rsp_yaml_fail (node, error, "a record of EF.SMSP has at least 28 octets");
    GByteArray *out = g_byte_array_new ();
    pad (out, size - 28);
    put (out, 0xFD);
    pad (out, size - 15);
    gboolean good = put_number (out, node, text, 10, error);
    pad (out, size);
    take (parts, out);
    return good;
}

static gboolean
emergency_record (const RspYaml *node, GByteArray *out, GError **error)
{
    static const char *const keys[] = {"number", "category", NULL};
    const char *number = NULL;
    gint64 category = 0;
    if (node->kind == RSP_YAML_MAP) {
        if (!rsp_yaml_only (node, keys, error) ||
            !rsp_yaml_opt_text (node, "number", &number, error) ||
            !rsp_yaml_opt_int (node, "category", 0, 255, &category, error))
            return FALSE;
    } else if (!rsp_yaml_text (node, &number, error))
        return FALSE;
    if (!number || !is_number (number, 1, 6, "0123456789*#"))
        return rsp_yaml_fail (node, error, "an emergency number has 1 to 6 digits");
    put_bcd (out, number, 3);
    put (out, (guint8)category);
    return TRUE;
}

static gboolean
value_emergency (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    for (guint i = 0; i < n_items (node); i++) {
        GByteArray *out = g_byte_array_new ();
        gboolean good = emergency_record (item_at (node, i), out, error);
        take (parts, out);
        if (!good)
            return FALSE;
    }
    return TRUE;
}

/* --- Networks --- */

static gboolean
put_plmn (GByteArray *out, const RspYaml *node, const char *text, GError **error)
{
    if (!is_number (text, 5, 6, "0123456789"))
        return rsp_yaml_fail (node, error, "a PLMN is MCC and MNC: 5 or 6 digits");
    guint mnc3 = text[5] ? bcd_digit (text[5]) : 15;
    put (out, (guint8)(bcd_digit (text[1]) << 4 | bcd_digit (text[0])));
    put (out, (guint8)(mnc3 << 4 | bcd_digit (text[2])));
    put (out, (guint8)(bcd_digit (text[4]) << 4 | bcd_digit (text[3])));
    return TRUE;
}

static gboolean
value_plmns (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    for (guint i = 0; i < n_items (node); i++) {
        const char *text;
        GByteArray *out = g_byte_array_new ();
        gboolean good = rsp_yaml_text (item_at (node, i), &text, error) &&
                        put_plmn (out, item_at (node, i), text, error);
        take (parts, out);
        if (!good)
            return FALSE;
    }
    return TRUE;
}

static gboolean
put_technologies (GByteArray *out, const RspYaml *node, GError **error)
{
    static const struct {
        const char *name;
        guint16 bit;
    } known[] = {{"utran", 0x8000}, {"e-utran", 0x4000}, {"ng-ran", 0x0800}, {"gsm", 0x0080}};
    guint16 bits = node ? 0 : 0xC880;
    for (guint i = 0; node && i < n_items (node); i++) {
        const char *name;
        guint k = 0;
        if (!rsp_yaml_text (item_at (node, i), &name, error))
            return FALSE;
        while (k < G_N_ELEMENTS (known) && strcmp (known[k].name, name))
            k++;
        if (k == G_N_ELEMENTS (known))
            return rsp_yaml_fail (item_at (node, i), error,
                                  "unknown technology: gsm, utran, e-utran or ng-ran");
        bits |= known[k].bit;
    }
    put (out, (guint8)(bits >> 8));
    put (out, (guint8)bits);
    return TRUE;
}

static gboolean
put_network (GByteArray *out, const RspYaml *node, GError **error)
{
    static const char *const keys[] = {"plmn", "technologies", NULL};
    const char *plmn = NULL;
    const RspYaml *technologies = NULL;
    if (node->kind == RSP_YAML_MAP) {
        technologies = rsp_yaml_get (node, "technologies");
        if (!rsp_yaml_only (node, keys, error) || !rsp_yaml_opt_text (node, "plmn", &plmn, error))
            return FALSE;
        if (!plmn)
            return rsp_yaml_fail (node, error, "plmn is missing");
    } else if (!rsp_yaml_text (node, &plmn, error))
        return FALSE;
    return put_plmn (out, node, plmn, error) && put_technologies (out, technologies, error);
}

static gboolean
value_networks (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    for (guint i = 0; i < n_items (node); i++) {
        GByteArray *out = g_byte_array_new ();
        gboolean good = put_network (out, item_at (node, i), error);
        take (parts, out);
        if (!good)
            return FALSE;
    }
    return TRUE;
}

/* --- Service tables, text --- */

/* The longest service table of a template: what a description leaves out is not available, and must
 * not become FF. */
#define SERVICE_OCTETS 17

static gboolean
value_services (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    for (guint i = 0; i < n_items (node); i++) {
        gint64 n;
        if (!rsp_yaml_int (item_at (node, i), 1, 255, &n, error))
            return FALSE;
        while (out->len <= (n - 1) / 8)
            put (out, 0);
        out->data[(n - 1) / 8] |= 1u << (n - 1) % 8;
    }
    while (out->len < SERVICE_OCTETS)
        put (out, 0);
    take (parts, g_steal_pointer (&out));
    return TRUE;
}

static gboolean
value_text (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    for (guint i = 0; i < n_items (node); i++) {
        const char *text;
        if (!rsp_yaml_text (item_at (node, i), &text, error))
            return FALSE;
        g_ptr_array_add (parts, g_bytes_new (text, strlen (text)));
    }
    return TRUE;
}

/* IMPI, IMPU, domain, PSI: UTF-8 text in a TLV 80. */
static gboolean
value_uri (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    for (guint i = 0; i < n_items (node); i++) {
        const char *text;
        if (!rsp_yaml_text (item_at (node, i), &text, error))
            return FALSE;
        if (strlen (text) > 253)
            return rsp_yaml_fail (item_at (node, i), error, "longer than 253 octets");
        GByteArray *out = g_byte_array_new ();
        rsp_tlv_put_text (out, 0x80, text);
        take (parts, out);
    }
    return TRUE;
}

static gboolean
value_octets (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    for (guint i = 0; i < n_items (node); i++) {
        GBytes *octets;
        if (!rsp_yaml_hex (item_at (node, i), &octets, error))
            return FALSE;
        g_ptr_array_add (parts, octets);
    }
    return TRUE;
}

/* --- EF.DIR --- */

GBytes *
rsp_saip_dir_record (RspSlice aid, const char *label)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0x61);
    rsp_tlv_put (out, 0x4F, aid);
    if (label)
        rsp_tlv_put_text (out, 0x50, label);
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

static gboolean
value_applications (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    static const char *const keys[] = {"aid", "label", NULL};
    for (guint i = 0; i < n_items (node); i++) {
        const RspYaml *item = item_at (node, i), *aid_node;
        const char *label = NULL;
        g_autoptr (GBytes) aid = NULL;
        if (item->kind != RSP_YAML_MAP)
            return rsp_yaml_fail (item, error, "an application is {aid: …, label: …}");
        aid_node = rsp_yaml_get (item, "aid");
        if (!aid_node)
            return rsp_yaml_fail (item, error, "aid is missing");
        if (!rsp_yaml_only (item, keys, error) || !rsp_yaml_hex (aid_node, &aid, error) ||
            !rsp_yaml_opt_text (item, "label", &label, error))
            return FALSE;
        gsize n = g_bytes_get_size (aid);
        if (n < 5 || n > 16 || (label && strlen (label) > 32))
            return rsp_yaml_fail (item, error, "an AID has 5 to 16 octets, a label 32 at most");
        g_ptr_array_add (parts, rsp_saip_dir_record (rsp_slice_of (aid), label));
    }
    return TRUE;
}

/* --- EF.ARR --- */

static const struct {
    const char *name;
    guint8 bit;         /* of access mode tag 80; 0: an instruction */
    guint8 instruction; /* of access mode tag 84 */
} operations[] = {
    {"read", 0x01, 0},       {"update", 0x02, 0},    {"write", 0x04, 0},
    {"deactivate", 0x08, 0}, {"activate", 0x10, 0},  {"terminate", 0x20, 0},
    {"delete", 0x40, 0},     {"increase", 0, 0x32},  {"resize", 0, 0xD4},
    {"create-ef", 0x02, 0},  {"create-df", 0x04, 0}, {"delete-child", 0x01, 0},
};

static const struct {
    const char *name;
    guint8 reference; /* 0: always; 0xFF: never */
} conditions[] = {
    {"always", 0},  {"never", 0xFF}, {"pin1", 0x01}, {"pin2", 0x81}, {"adm1", 0x0A},
    {"adm2", 0x0B}, {"adm3", 0x0C},  {"adm4", 0x0D}, {"adm5", 0x0E},
};

static void
put_condition (GByteArray *out, guint8 reference)
{
    if (reference == 0 || reference == 0xFF) {
        put (out, reference ? 0x97 : 0x90);
        put (out, 0);
        return;
    }
    const guint8 pin[] = {0xA4, 6, 0x83, 1, reference, 0x95, 1, 0x08};
    g_byte_array_append (out, pin, sizeof pin);
}

/* "pin1", or "pin1|pin2": any of them. */
static gboolean
put_conditions (GByteArray *out, const char *text)
{
    g_auto (GStrv) words = g_strsplit (text, "|", 8);
    gboolean several = g_strv_length (words) > 1;
    gsize mark = several ? rsp_tlv_open (out, 0xA0) : 0;
    for (guint i = 0; words[i]; i++) {
        guint k = 0;
        while (k < G_N_ELEMENTS (conditions) && strcmp (conditions[k].name, words[i]))
            k++;
        if (k == G_N_ELEMENTS (conditions))
            return FALSE;
        put_condition (out, conditions[k].reference);
    }
    if (several)
        rsp_tlv_close (out, mark);
    return words[0] != NULL;
}

/* TEXTS by operation, NULL where the rule says nothing. Operations with one condition share a rule.
 */
static gboolean
put_rule (GByteArray *out, const char *const texts[G_N_ELEMENTS (operations)])
{
    gboolean done[G_N_ELEMENTS (operations)] = {FALSE};
    for (guint i = 0; i < G_N_ELEMENTS (operations); i++) {
        if (!texts[i] || done[i])
            continue;
        guint8 bits = 0;
        for (guint k = i; k < G_N_ELEMENTS (operations) && operations[i].bit; k++)
            if (texts[k] && operations[k].bit && !strcmp (texts[i], texts[k])) {
                bits |= operations[k].bit;
                done[k] = TRUE;
            }
        put (out, operations[i].bit ? 0x80 : 0x84);
        put (out, 1);
        put (out, operations[i].bit ? bits : operations[i].instruction);
        if (!put_conditions (out, texts[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean
value_rules (const RspYaml *node, guint record_size, GPtrArray *parts, GError **error)
{
    const char *names[G_N_ELEMENTS (operations) + 1] = {NULL};
    for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
        names[i] = operations[i].name;
    for (guint i = 0; i < n_items (node); i++) {
        const RspYaml *item = item_at (node, i);
        const char *texts[G_N_ELEMENTS (operations)] = {NULL};
        if (item->kind != RSP_YAML_MAP)
            return rsp_yaml_fail (item, error, "a rule is {read: always, update: adm1, …}");
        if (!rsp_yaml_only (item, names, error))
            return FALSE;
        for (guint k = 0; k < G_N_ELEMENTS (operations); k++)
            if (!rsp_yaml_opt_text (item, names[k], &texts[k], error))
                return FALSE;
        GByteArray *out = g_byte_array_new ();
        gboolean good = put_rule (out, texts);
        take (parts, out);
        if (!good)
            return rsp_yaml_fail (item, error,
                                  "a condition is always, never, pin1, pin2, adm1 … "
                                  "adm5, or several joined by |");
    }
    return TRUE;
}

/* The rules that the templates' EF.ARR records stand for (SAIP Annex A): read, update, increase;
 * NULL where never. Whatever is readable can be activated, deactivated and resized by ADM1. */
static const char *const default_rules[][3] = {
    {"always", "pin1", NULL},      /* 1: EF.LI, EF.PL */
    {"pin1", "adm1", NULL},        /* 2: EF.IMSI, EF.UST */
    {"adm1", "adm1", NULL},        /* 3: EF.SUME */
    {"always", "pin1", NULL},      /* 4 */
    {"pin1", "pin1", NULL},        /* 5: EF.LOCI, EF.SMS */
    {"pin1", "adm1", NULL},        /* 6 */
    {"pin1", "pin1|pin2", "pin1"}, /* 7: EF.ACM */
    {"pin1", "pin2", NULL},        /* 8: EF.FDN */
    {"always", "pin1", NULL},      /* 9: EF.ICE_DN */
    {"always", "adm1", NULL},      /* 10: EF.DIR, EF.ARR, EF.SPN */
    {"always", NULL, NULL},        /* 11: EF.ICCID */
    {"pin1", "adm1", NULL},        /* 12 */
    {"pin1", "pin2", NULL},        /* 13 */
    {"adm1", "adm1", NULL},        /* 14: DFs: creating and deleting */
};

void
rsp_saip_default_rules (GPtrArray *parts)
{
    for (guint i = 0; i < G_N_ELEMENTS (default_rules); i++) {
        const char *const *rule = default_rules[i];
        const char *df = i == 13 ? "adm1" : NULL;
        const char *texts[G_N_ELEMENTS (operations)] = {rule[0], rule[1], df,      "adm1", "adm1",
                                                        NULL,    df,      rule[2], "adm1"};
        GByteArray *out = g_byte_array_new ();
        put_rule (out, texts);
        take (parts, out);
    }
}

/* --- By name --- */

typedef gboolean (*ValueFunc) (const RspYaml *node, guint record_size, GPtrArray *parts,
                               GError **error);
static const char *const value_names[] = {"content",  "text", "imsi",         "iccid", "spn",
                                          "numbers",  "smsc", "emergency",    "plmns", "networks",
                                          "services", "uri",  "applications", "rules", NULL};
static const ValueFunc value_funcs[] = {
    value_octets,   value_text, value_imsi,         value_iccid, value_spn,
    value_numbers,  value_smsc, value_emergency,    value_plmns, value_networks,
    value_services, value_uri,  value_applications, value_rules};
G_STATIC_ASSERT (G_N_ELEMENTS (value_names) == G_N_ELEMENTS (value_funcs) + 1);

const char *const *
rsp_saip_value_names (void)
{
    return value_names;
}

gboolean
rsp_saip_value (const char *key, const RspYaml *node, guint record_size, GPtrArray *parts,
                GError **error)
{
    for (guint i = 0; value_names[i]; i++)
        if (!strcmp (value_names[i], key))
            return value_funcs[i](node, record_size, parts, error);
    g_assert_not_reached ();
}
