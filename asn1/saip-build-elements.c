/* The elements of a package that hold no template's files: header, codes, keys, domains. */
#include "asn1/saip-build-private.h"

#include "asn1/ids.h"
#include "asn1/saip-content.h"
#include "asn1/saip-schema.h"

#include <string.h>

#define DEFAULT_SD "a000000151000000"

static guint
n_members (const RspYaml *node)
{
    return node && node->kind != RSP_YAML_SCALAR ? node->items->len : 0;
}

static gboolean
want (const RspYaml *node, RspYamlKind kind, GError **error)
{
    if (!node || node->kind == kind ||
        (node->kind == RSP_YAML_SCALAR && !node->quoted && !*node->text))
        return TRUE;
    return rsp_yaml_fail (node, error,
                          kind == RSP_YAML_MAP ? "a map belongs here" : "a list belongs here");
}

/* Octets of an optional member, MIN to MAX of them; *RET stays NULL when it is absent. */
static gboolean
opt_octets (const RspYaml *map, const char *key, gsize min, gsize max, GBytes **ret, GError **error)
{
    const RspYaml *node = rsp_yaml_get (map, key);
    if (!node)
        return TRUE;
    if (!rsp_yaml_hex (node, ret, error))
        return FALSE;
    gsize n = g_bytes_get_size (*ret);
    return (n >= min && n <= max) ||
           rsp_yaml_fail (node, error, "%s has %u to %u octets", key, (guint)min, (guint)max);
}

static gboolean
need_octets (const RspYaml *map, const char *key, gsize min, gsize max, GBytes **ret,
             GError **error)
{
    if (!rsp_yaml_get (map, key))
        return rsp_yaml_fail (map, error, "%s is missing", key);
    return opt_octets (map, key, min, max, ret, error);
}

/* Writes an optional member as it is given; nothing when absent. */
static gboolean
put_octets (GByteArray *out, guint32 tag, const RspYaml *map, const char *key, gsize min, gsize max,
            GError **error)
{
    g_autoptr (GBytes) octets = NULL;
    if (!opt_octets (map, key, min, max, &octets, error))
        return FALSE;
    if (octets)
        rsp_tlv_put (out, tag, rsp_slice_of (octets));
    return TRUE;
}

/* The same with a default in hex. */
static gboolean
put_default (GByteArray *out, guint32 tag, const RspYaml *map, const char *key, gsize min,
             gsize max, const char *otherwise, GError **error)
{
    g_autoptr (GBytes) octets = NULL;
    if (!opt_octets (map, key, min, max, &octets, error))
        return FALSE;
    if (!octets)
        octets = rsp_unhex (otherwise);
    rsp_tlv_put (out, tag, rsp_slice_of (octets));
    return TRUE;
}

/* --- profile: and metadata: --- */

static gboolean
read_version (RspSaipBuild *b, const RspYaml *profile, GError **error)
{
    const char *text = "2.3";
    char *end;
    if (!rsp_yaml_opt_text (profile, "version", &text, error))
        return FALSE;
    b->major = g_ascii_strtoll (text, &end, 10);
    b->minor = *end == '.' ? g_ascii_strtoll (end + 1, &end, 10) : -1;
    if (*end || b->major < 1 || b->major > 3 || b->minor < 0 || b->minor > 255)
        return rsp_yaml_fail (rsp_yaml_get (profile, "version"), error,
                              "not supported: versions are \"1.0\" to \"3.255\"");
    return TRUE;
}

static gboolean
read_services (RspSaipBuild *b, const RspYaml *list, GError **error)
{
    if (!want (list, RSP_YAML_LIST, error))
        return FALSE;
    for (guint i = 0; i < n_members (list); i++) {
        const char *name;
        const RspYaml *item = list->items->pdata[i];
        if (!rsp_yaml_text (item, &name, error))
            return FALSE;
        int n = rsp_saip_service_number (name);
        if (n < 0) {
            const char *close = rsp_suggest (name, rsp_saip_service_names ());
            return rsp_yaml_fail (item, error, "unknown service%s%s%s",
                                  close ? ", did you mean " : "", close ? close : "",
                                  close ? "?" : "");
        }
        b->services |= G_GUINT64_CONSTANT (1) << n;
    }
    return TRUE;
}

/* Events and policy rules are lists of names that stand for bits. */
typedef struct {
    const char *name;
    guint32 bit;
} Bit;

static gboolean
read_bits (const RspYaml *list, const Bit *bits, const char *what, guint32 *ret, GError **error)
{
    if (!want (list, RSP_YAML_LIST, error))
        return FALSE;
    for (guint i = 0; i < n_members (list); i++) {
        const char *name;
        const Bit *bit = bits;
        if (!rsp_yaml_text (list->items->pdata[i], &name, error))
            return FALSE;
        while (bit->name && strcmp (bit->name, name))
            bit++;
        if (!bit->name)
            return rsp_yaml_fail (list->items->pdata[i], error, "unknown %s", what);
        *ret |= bit->bit;
    }
    return TRUE;
}

static gboolean
read_notifications (RspMetadata *m, const RspYaml *list, GError **error)
{
    static const char *const keys[] = {"events", "address", NULL};
    static const Bit events[] = {{"install", RSP_EVENT_INSTALL},
                                 {"enable", RSP_EVENT_ENABLE},
                                 {"disable", RSP_EVENT_DISABLE},
                                 {"delete", RSP_EVENT_DELETE},
                                 {NULL, 0}};
    if (!want (list, RSP_YAML_LIST, error))
        return FALSE;
    for (guint i = 0; i < n_members (list); i++) {
        const RspYaml *item = list->items->pdata[i];
        const char *address = NULL;
        guint32 mask = 0;
        if (item->kind != RSP_YAML_MAP)
            return rsp_yaml_fail (item, error, "a notification is {events: […], address: …}");
        if (!rsp_yaml_only (item, keys, error) ||
            !rsp_yaml_opt_text (item, "address", &address, error) ||
            !read_bits (rsp_yaml_get (item, "events"), events, "event", &mask, error))
            return FALSE;
        if (!address || !mask)
            return rsp_yaml_fail (item, error, "events or address is missing");
        rsp_metadata_add_notification (m, mask, address);
    }
    return TRUE;
}

static gboolean
read_owner (RspMetadata *m, const RspYaml *owner, GError **error)
{
    static const char *const keys[] = {"mccMnc", "gid1", "gid2", NULL};
    if (!owner)
        return TRUE;
    if (owner->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (owner, error, "an owner is {mccMnc: …}");
    const RspYaml *network = rsp_yaml_get (owner, "mccMnc");
    if (!network)
        return rsp_yaml_fail (owner, error, "mccMnc is missing");
    g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    if (!rsp_yaml_only (owner, keys, error) ||
        !rsp_saip_value ("plmns", network, 0, parts, error) ||
        !opt_octets (owner, "gid1", 1, 8, &m->owner_gid1, error) ||
        !opt_octets (owner, "gid2", 1, 8, &m->owner_gid2, error))
        return FALSE;
    if (parts->len != 1)
        return rsp_yaml_fail (network, error, "an owner has one network");
    m->owner_mcc_mnc = g_bytes_ref (parts->pdata[0]);
    return TRUE;
}

static gboolean
read_icon (RspMetadata *m, const RspYaml *icon, GError **error)
{
    static const char *const keys[] = {"jpg", "png", NULL};
    if (!icon)
        return TRUE;
    if (icon->kind != RSP_YAML_MAP || icon->items->len != 1)
        return rsp_yaml_fail (icon, error, "an icon is {png: …} or {jpg: …}");
    if (!rsp_yaml_only (icon, keys, error))
        return FALSE;
    m->icon_type = rsp_yaml_get (icon, "png") ? 1 : 0;
    return opt_octets (icon, m->icon_type ? "png" : "jpg", 1, 1024, &m->icon, error);
}

static gboolean
read_class (RspMetadata *m, const RspYaml *map, GError **error)
{
    static const char *const names[] = {"test", "provisioning", "operational"};
    const char *name = "operational";
    if (!rsp_yaml_opt_text (map, "class", &name, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        if (!strcmp (names[i], name)) {
            m->profile_class = (RspProfileClass)i;
            return TRUE;
        }
    return rsp_yaml_fail (rsp_yaml_get (map, "class"), error,
                          "a class is test, provisioning or operational");
}

static gboolean
read_name (const RspYaml *map, const char *key, gsize max, char **slot, GError **error)
{
    const char *text = NULL;
    if (!rsp_yaml_opt_text (map, key, &text, error))
        return FALSE;
    if (!text)
        return TRUE;
    if (strlen (text) > max)
        return rsp_yaml_fail (rsp_yaml_get (map, key), error, "%s has at most %u octets", key,
                              (guint)max);
    g_free (*slot);
    *slot = g_strdup (text);
    return TRUE;
}

static gboolean
read_metadata (RspSaipBuild *b, const RspYaml *map, GError **error)
{
    static const char *const keys[] = {"serviceProviderName", "profileName", "class", "icon",
                                       "notifications",       "ppr",         "owner", NULL};
    static const Bit rules[] = {{"update-control", RSP_PPR_UPDATE_CONTROL},
                                {"ppr1", RSP_PPR1},
                                {"ppr2", RSP_PPR2},
                                {NULL, 0}};
    RspMetadata *m = b->metadata;
    g_free (m->iccid);
    m->iccid = g_strdup (b->iccid);
    g_free (m->service_provider_name);
    m->service_provider_name = g_strdup ("rspsim");
    g_free (m->profile_name);
    m->profile_name = g_strndup (b->type, 64);
    m->icon_type = -1;
    m->profile_class = RSP_CLASS_OPERATIONAL;
    if (!map)
        return TRUE;
    if (map->kind != RSP_YAML_MAP)
        return want (map, RSP_YAML_MAP, error);
    return rsp_yaml_only (map, keys, error) &&
           read_name (map, "serviceProviderName", 32, &m->service_provider_name, error) &&
           read_name (map, "profileName", 64, &m->profile_name, error) &&
           read_class (m, map, error) && read_icon (m, rsp_yaml_get (map, "icon"), error) &&
           read_notifications (m, rsp_yaml_get (map, "notifications"), error) &&
           read_bits (rsp_yaml_get (map, "ppr"), rules, "policy rule", &m->ppr, error) &&
           read_owner (m, rsp_yaml_get (map, "owner"), error);
}

gboolean
rsp_saip_read_profile (RspSaipBuild *b, const char *iccid, GError **error)
{
    static const char *const keys[] = {"iccid", "type", "version", "services", "descriptors", NULL};
    const RspYaml *profile = rsp_yaml_get (b->doc, "profile");
    const char *own = NULL, *type = NULL, *descriptors = "short";
    if (!profile || profile->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (profile ? profile : b->doc, error, "profile is missing or no map");
    if (!rsp_yaml_only (profile, keys, error) ||
        !rsp_yaml_opt_text (profile, "iccid", &own, error) ||
        !rsp_yaml_opt_text (profile, "type", &type, error) ||
        !rsp_yaml_opt_text (profile, "descriptors", &descriptors, error) ||
        !read_version (b, profile, error) ||
        !read_services (b, rsp_yaml_get (profile, "services"), error))
        return FALSE;
    b->full = !strcmp (descriptors, "full");
    if (!b->full && strcmp (descriptors, "short"))
        return rsp_yaml_fail (rsp_yaml_get (profile, "descriptors"), error, "short or full");
    iccid = iccid ? iccid : own;
    if (!iccid || !rsp_iccid_to_octets (iccid, b->iccid_octets))
        return rsp_yaml_fail (profile, error, "the ICCID is missing or not 18 to 20 digits");
    if (type && (!*type || strlen (type) > 100))
        return rsp_yaml_fail (profile, error, "a type has 1 to 100 octets");
    b->iccid = g_strdup (iccid);
    b->type = g_strdup (type ? type : "rspsim profile");
    return read_metadata (b, rsp_yaml_get (b->doc, "metadata"), error);
}

/* The services an element asks for, unless the description lists them itself. */
static void
need_service (RspSaipBuild *b, const char *name)
{
    const RspYaml *profile = rsp_yaml_get (b->doc, "profile");
    if (!rsp_yaml_get (profile, "services"))
        b->services |= G_GUINT64_CONSTANT (1) << rsp_saip_service_number (name);
}

static int
compare_templates (gconstpointer a, gconstpointer b)
{
    const RspSaipTemplate *x = *(const RspSaipTemplate *const *)a;
    const RspSaipTemplate *y = *(const RspSaipTemplate *const *)b;
    int order =
        memcmp (x->oid_octets.data, y->oid_octets.data, MIN (x->oid_octets.len, y->oid_octets.len));
    return order ? order : (int)x->oid_octets.len - (int)y->oid_octets.len;
}

static void
put_services (GByteArray *out, guint64 services)
{
    gsize mark = rsp_tlv_open (out, 0xA5);
    for (guint n = 0; rsp_saip_service_name (n); n++)
        if (services >> n & 1)
            rsp_tlv_put (out, n < 31 ? 0x80u + n : 0x9F00u + n, RSP_SLICE (NULL, 0));
    rsp_tlv_close (out, mark);
}

void
rsp_saip_put_header (RspSaipBuild *b)
{
    GByteArray *out = g_byte_array_new ();
    guint8 plain[10];
    for (guint i = 0; i < b->n_apps; i++)
        need_service (b, b->apps[i].section);
    for (guint i = 0; i < 10; i++)
        plain[i] = (guint8)(b->iccid_octets[i] << 4 | b->iccid_octets[i] >> 4);
    gsize mark = rsp_tlv_open (out, RSP_SAIP_HEADER);
    rsp_tlv_put_int (out, 0x80, b->major);
    rsp_tlv_put_int (out, 0x81, b->minor);
    rsp_tlv_put_text (out, 0x82, b->type);
    rsp_tlv_put (out, 0x83, RSP_SLICE (plain, 10));
    put_services (out, b->services);
    gsize list = rsp_tlv_open (out, 0xA6);
    g_ptr_array_sort (b->templates, compare_templates);
    for (guint i = 0; i < b->templates->len; i++)
        rsp_tlv_put (out, 0x06, ((const RspSaipTemplate *)b->templates->pdata[i])->oid_octets);
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, mark);
    g_byte_array_append (out, b->out->data, b->out->len);
    g_byte_array_unref (b->out);
    b->out = out;
}

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
    return want (map, RSP_YAML_MAP, error) &&
           (map->kind != RSP_YAML_MAP || rsp_yaml_only (map, known, error));
}

gboolean
rsp_saip_pin_references (const RspYaml *pins, GByteArray *out, GError **error)
{
    static const guint8 second = 129;
    if (!pins) {
        g_byte_array_append (out, &second, 1);
        return TRUE;
    }
    if (!check_names (pins, pin_names, error))
        return FALSE;
    for (guint i = 0; i < n_members (pins); i++) {
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
    if (!rsp_yaml_only (node, keys, error) || !opt_octets (node, "hex", 8, 8, &hex, error) ||
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
    for (guint i = 0; i < n_members (puks); i++)
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
    if (pins && !n_members (pins))
        return TRUE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_PIN_CODES);
    gsize choice = rsp_tlv_open (b->out, 0xA1);
    gsize list = rsp_tlv_open (b->out, 0xA0);
    gboolean good = TRUE;
    if (!pins)
        good = global
                   ? put_pin (b, NULL, 1, "0000", error) && put_pin (b, NULL, 10, "11111111", error)
                   : put_pin (b, NULL, 129, "0000", error);
    for (guint i = 0; i < n_members (pins) && good; i++) {
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
    if (puks && !n_members (puks))
        return TRUE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_PUK_CODES);
    gsize list = rsp_tlv_open (b->out, 0xA1);
    gboolean good = puks || (put_puk (b, NULL, 1, "11111111", error) &&
                             put_puk (b, NULL, 129, "22222222", error));
    for (guint i = 0; i < n_members (puks) && good; i++) {
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
    if (!need_octets (aka, "key", 16, a->id == 2 ? 32 : 16, &key, error))
        return FALSE;
    if (g_bytes_get_size (key) % 16)
        return rsp_yaml_fail (aka, error, "a key has 16 octets, or 32 with tuak");
    if (a->opc && !rsp_yaml_get (aka, "opc"))
        return rsp_yaml_fail (aka, error, "opc is missing");
    rsp_tlv_put_int (out, 0x80, a->id);
    if (!put_default (out, 0x81, aka, "options", 1, 1, a->options, error))
        return FALSE;
    rsp_tlv_put (out, 0x82, rsp_slice_of (key));
    if (!put_default (out, 0x83, aka, "opc", a->opc, a->opc ? a->opc : 32, "", error) ||
        !put_octets (out, 0x84, aka, "rotation", 5, 5, error) ||
        !put_octets (out, 0x85, aka, "xoring", 80, 80, error) ||
        !put_octets (out, 0x86, aka, "counter-max", 3, 3, error) ||
        !rsp_yaml_opt_int (aka, "keccak", 1, 255, &keccak, error))
        return FALSE;
    if (keccak != 1)
        rsp_tlv_put_int (out, 0x87, keccak);
    need_service (b, a->id == 1                     ? "milenage"
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
    if (!opt_octets (aka, "sqn", 6, 6, &sqn, error))
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

static gboolean
put_aka (RspSaipBuild *b, const RspYaml *aka, GError **error)
{
    static const char *const keys[] = {
        "algorithm", "key", "opc",         "options",   "rotation",      "xoring", "counter-max",
        "keccak",    "sqn", "sqn-options", "sqn-delta", "sqn-age-limit", NULL};
    const Algorithm *a;
    if (aka->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (aka, error, "aka is {algorithm: …, key: …, opc: …}");
    if (!rsp_yaml_only (aka, keys, error) || !read_algorithm (aka, &a, error))
        return FALSE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_AKA_PARAMETER);
    gsize choice = rsp_tlv_open (b->out, 0xA1);
    gsize algorithm = rsp_tlv_open (b->out, 0xA1);
    if (!put_algorithm (b, aka, a, error))
        return FALSE;
    rsp_tlv_close (b->out, algorithm);
    rsp_tlv_close (b->out, choice);
    if (!put_octets (b->out, 0x82, aka, "sqn-options", 1, 1, error) ||
        !put_octets (b->out, 0x83, aka, "sqn-delta", 6, 6, error) ||
        !put_octets (b->out, 0x84, aka, "sqn-age-limit", 6, 6, error) ||
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

/* --- Files outside templates --- */

static gboolean
put_generic_command (RspSaipBuild *b, const RspYaml *item, GError **error)
{
    static const char *const keys[] = {"path", "files", NULL};
    if (item->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (item, error, "{path: …, files: […]} belongs here");
    const RspYaml *path = rsp_yaml_get (item, "path"), *files = rsp_yaml_get (item, "files");
    g_autoptr (GBytes) octets = NULL;
    if (!rsp_yaml_only (item, keys, error) || !want (files, RSP_YAML_LIST, error) ||
        (path && !rsp_saip_build_path (path, &octets, error)))
        return FALSE;
    if (!n_members (files))
        return rsp_yaml_fail (item, error, "files is missing");
    gsize command = rsp_tlv_open (b->out, 0x30);
    rsp_tlv_put (b->out, 0x80, rsp_slice_of (octets));
    RspSaipFileHints hints = {.pins = RSP_SLICE (b->global_pins->data, b->global_pins->len),
                              .describe = TRUE};
    for (guint i = 0; i < files->items->len; i++)
        if (!rsp_saip_build_file (files->items->pdata[i], NULL, &hints, b->out, error))
            return FALSE;
    rsp_tlv_close (b->out, command);
    return TRUE;
}

static gboolean
put_generic (RspSaipBuild *b, const RspYaml *list, GError **error)
{
    if (!want (list, RSP_YAML_LIST, error))
        return FALSE;
    if (!n_members (list))
        return TRUE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_GENERIC_FILE_MANAGEMENT);
    gsize commands = rsp_tlv_open (b->out, 0xA1);
    for (guint i = 0; i < list->items->len; i++)
        if (!put_generic_command (b, list->items->pdata[i], error))
            return FALSE;
    rsp_tlv_close (b->out, commands);
    rsp_tlv_close (b->out, mark);
    return TRUE;
}

/* --- Security domains --- */

static gboolean
put_key (GByteArray *out, const RspYaml *key, GError **error)
{
    static const char *const keys[] = {"version", "id",     "usage",      "type",
                                       "value",   "access", "mac-length", NULL};
    gint64 version = 1, id = 1, mac_length = 8;
    const char *type = "aes";
    g_autoptr (GBytes) value = NULL;
    if (key->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (key, error, "a key is {version: …, id: …, value: …}");
    if (!rsp_yaml_only (key, keys, error) ||
        !rsp_yaml_opt_int (key, "version", 1, 255, &version, error) ||
        !rsp_yaml_opt_int (key, "id", 0, 127, &id, error) ||
        !rsp_yaml_opt_int (key, "mac-length", 4, 16, &mac_length, error) ||
        !rsp_yaml_opt_text (key, "type", &type, error) ||
        !need_octets (key, "value", 16, 32, &value, error))
        return FALSE;
    if (strcmp (type, "aes") && strcmp (type, "des"))
        return rsp_yaml_fail (key, error, "a key's type is aes or des");
    const char *usage = id == 2 ? "14" : id == 3 ? "48" : "18";
    guint8 numbers[] = {(guint8)id, (guint8)version, strcmp (type, "aes") ? 0x80 : 0x88};
    gsize mark = rsp_tlv_open (out, 0x30);
    if (!put_default (out, 0x95, key, "usage", 1, 2, usage, error) ||
        !put_octets (out, 0x96, key, "access", 1, 1, error))
        return FALSE;
    rsp_tlv_put (out, 0x82, RSP_SLICE (&numbers[0], 1));
    rsp_tlv_put (out, 0x83, RSP_SLICE (&numbers[1], 1));
    gsize components = rsp_tlv_open (out, 0x30);
    gsize component = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x80, RSP_SLICE (&numbers[2], 1));
    rsp_tlv_put (out, 0x86, rsp_slice_of (value));
    if (mac_length != 8)
        rsp_tlv_put_int (out, 0x87, mac_length);
    rsp_tlv_close (out, component);
    rsp_tlv_close (out, components);
    rsp_tlv_close (out, mark);
    return TRUE;
}

static gboolean
put_instance (GByteArray *out, const RspYaml *sd, GError **error)
{
    gsize mark = rsp_tlv_open (out, 0xA1);
    if (!put_default (out, 0x4F, sd, "package", 5, 16, "a0000001515350", error) ||
        !put_default (out, 0x4F, sd, "class", 5, 16, "a000000151535041", error) ||
        !put_default (out, 0x4F, sd, "aid", 5, 16, DEFAULT_SD, error) ||
        !put_octets (out, 0x4F, sd, "parent", 5, 16, error) ||
        !put_default (out, 0x82, sd, "privileges", 1, 3, "82dc00", error) ||
        !put_default (out, 0x83, sd, "state", 1, 1, "0f", error) ||
        !put_default (out, 0xC9, sd, "parameters", 0, 127, "810280008201f08701f0", error))
        return FALSE;
    if (rsp_yaml_get (sd, "toolkit")) {
        gsize uicc = rsp_tlv_open (out, 0xEA);
        if (!put_octets (out, 0x80, sd, "toolkit", 1, 127, error))
            return FALSE;
        rsp_tlv_close (out, uicc);
    }
    rsp_tlv_close (out, mark);
    return TRUE;
}

static gboolean
put_list (GByteArray *out, guint32 tag, const RspYaml *list, guint32 item_tag, GError **error)
{
    if (!want (list, RSP_YAML_LIST, error))
        return FALSE;
    if (!n_members (list))
        return TRUE;
    gsize mark = rsp_tlv_open (out, tag);
    for (guint i = 0; i < list->items->len; i++) {
        g_autoptr (GBytes) octets = NULL;
        if (item_tag == 0x30 ? !put_key (out, list->items->pdata[i], error)
                             : !rsp_yaml_hex (list->items->pdata[i], &octets, error))
            return FALSE;
        if (octets)
            rsp_tlv_put (out, item_tag, rsp_slice_of (octets));
    }
    rsp_tlv_close (out, mark);
    return TRUE;
}

static gboolean
put_security_domain (RspSaipBuild *b, const RspYaml *sd, GError **error)
{
    static const char *const keys[] = {"package",    "class", "aid",        "parent",
                                       "privileges", "state", "parameters", "toolkit",
                                       "keys",       "data",  NULL};
    if (sd->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (sd, error, "a security domain is {keys: […]}");
    if (!rsp_yaml_only (sd, keys, error))
        return FALSE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_SECURITY_DOMAIN);
    if (!put_instance (b->out, sd, error) ||
        !put_list (b->out, 0xA2, rsp_yaml_get (sd, "keys"), 0x30, error) ||
        !put_list (b->out, 0xA3, rsp_yaml_get (sd, "data"), 0x04, error))
        return FALSE;
    rsp_tlv_close (b->out, mark);
    return TRUE;
}

/* --- Remote file management --- */

static gboolean
put_application_access (RspSaipBuild *b, const RspYaml *rfm, GError **error)
{
    const char *name = NULL;
    if (!rsp_yaml_opt_text (rfm, "application", &name, error))
        return FALSE;
    if (!name)
        return TRUE;
    for (guint i = 0; i < b->n_apps; i++)
        if (!strcmp (b->apps[i].section, name)) {
            gsize mark = rsp_tlv_open (b->out, 0x30);
            rsp_tlv_put (b->out, 0x80, rsp_slice_of (b->apps[i].aid));
            if (!put_default (b->out, 0x81, rfm, "application-access", 1, 32, "00", error) ||
                !put_default (b->out, 0x82, rfm, "application-admin-access", 1, 32, "00", error))
                return FALSE;
            rsp_tlv_close (b->out, mark);
            return TRUE;
        }
    return rsp_yaml_fail (rsp_yaml_get (rfm, "application"), error,
                          "the profile has no such application (usim, isim, csim)");
}

static gboolean
put_rfm (RspSaipBuild *b, const RspYaml *rfm, GError **error)
{
    static const char *const keys[] = {"aid",
                                       "security-domain",
                                       "tars",
                                       "security-level",
                                       "access",
                                       "admin-access",
                                       "application",
                                       "application-access",
                                       "application-admin-access",
                                       NULL};
    g_autoptr (GBytes) aid = NULL;
    if (rfm->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (rfm, error, "an RFM instance is {aid: …, tars: […]}");
    if (!rsp_yaml_only (rfm, keys, error) || !need_octets (rfm, "aid", 5, 16, &aid, error))
        return FALSE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_RFM);
    rsp_tlv_put (b->out, 0x4F, rsp_slice_of (aid));
    if (!put_octets (b->out, 0x4F, rfm, "security-domain", 5, 16, error) ||
        !put_list (b->out, 0xA0, rsp_yaml_get (rfm, "tars"), 0x04, error) ||
        !put_default (b->out, 0x81, rfm, "security-level", 1, 1, "16", error) ||
        !put_default (b->out, 0x04, rfm, "access", 1, 32, "00", error) ||
        !put_default (b->out, 0x04, rfm, "admin-access", 1, 32, "00", error) ||
        !put_application_access (b, rfm, error))
        return FALSE;
    rsp_tlv_close (b->out, mark);
    return TRUE;
}

gboolean
rsp_saip_build_tail (RspSaipBuild *b, GError **error)
{
    const RspYaml *sds = rsp_yaml_get (b->doc, "security-domains");
    const RspYaml *rfms = rsp_yaml_get (b->doc, "rfm");
    if (!put_generic (b, rsp_yaml_get (b->doc, "generic-files"), error) ||
        !want (sds, RSP_YAML_LIST, error) || !want (rfms, RSP_YAML_LIST, error))
        return FALSE;
    for (guint i = 0; i < n_members (sds); i++)
        if (!put_security_domain (b, sds->items->pdata[i], error))
            return FALSE;
    for (guint i = 0; i < n_members (rfms); i++)
        if (!put_rfm (b, rfms->items->pdata[i], error))
            return FALSE;
    rsp_tlv_close (b->out, rsp_saip_open_element (b, RSP_SAIP_END));
    return TRUE;
}
