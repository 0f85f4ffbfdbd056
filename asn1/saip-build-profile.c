/* Header and metadata of a package, and what all parts of the builder read YAML with. */
#include "asn1/saip-build-private.h"

#include "asn1/ids.h"
#include "asn1/saip-content.h"
#include "asn1/saip-schema.h"

#include <string.h>

guint
rsp_saip_n_members (const RspYaml *node)
{
    return node && node->kind != RSP_YAML_SCALAR ? node->items->len : 0;
}

gboolean
rsp_saip_want (const RspYaml *node, RspYamlKind kind, GError **error)
{
    if (!node || node->kind == kind ||
        (node->kind == RSP_YAML_SCALAR && !node->quoted && !*node->text))
        return TRUE;
    return rsp_yaml_fail (node, error,
                          kind == RSP_YAML_MAP ? "a map belongs here" : "a list belongs here");
}

/* Octets of an optional member, MIN to MAX of them; *RET stays NULL when it is absent. */
gboolean
rsp_saip_opt_octets (const RspYaml *map, const char *key, gsize min, gsize max, GBytes **ret,
                     GError **error)
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

gboolean
rsp_saip_need_octets (const RspYaml *map, const char *key, gsize min, gsize max, GBytes **ret,
                      GError **error)
{
    if (!rsp_yaml_get (map, key))
        return rsp_yaml_fail (map, error, "%s is missing", key);
    return rsp_saip_opt_octets (map, key, min, max, ret, error);
}

/* Writes an optional member as it is given; nothing when absent. */
gboolean
rsp_saip_put_octets (GByteArray *out, guint32 tag, const RspYaml *map, const char *key, gsize min,
                     gsize max, GError **error)
{
    g_autoptr (GBytes) octets = NULL;
    if (!rsp_saip_opt_octets (map, key, min, max, &octets, error))
        return FALSE;
    if (octets)
        rsp_tlv_put (out, tag, rsp_slice_of (octets));
    return TRUE;
}

/* The same with a default in hex. */
gboolean
rsp_saip_put_default (GByteArray *out, guint32 tag, const RspYaml *map, const char *key, gsize min,
                      gsize max, const char *otherwise, GError **error)
{
    g_autoptr (GBytes) octets = NULL;
    if (!rsp_saip_opt_octets (map, key, min, max, &octets, error))
        return FALSE;
    if (!octets)
        octets = rsp_unhex (otherwise);
    rsp_tlv_put (out, tag, rsp_slice_of (octets));
    return TRUE;
}

/* The services an element asks for, unless the description lists them itself. */
void
rsp_saip_need_service (RspSaipBuild *b, const char *name)
{
    const RspYaml *profile = rsp_yaml_get (b->doc, "profile");
    if (!rsp_yaml_get (profile, "services"))
        b->services |= G_GUINT64_CONSTANT (1) << rsp_saip_service_number (name);
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
    if (!rsp_saip_want (list, RSP_YAML_LIST, error))
        return FALSE;
    for (guint i = 0; i < rsp_saip_n_members (list); i++) {
        const char *name;
        const RspYaml *item = list->items->pdata[i];
        if (!rsp_yaml_text (item, &name, error))
            return FALSE;
        int n = rsp_saip_service_number (name);
        if (n < 0) {
            const char *close = rsp_suggest (name, rsp_saip_services);
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
    if (!rsp_saip_want (list, RSP_YAML_LIST, error))
        return FALSE;
    if (list)
        *ret = 0;
    for (guint i = 0; i < rsp_saip_n_members (list); i++) {
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
    if (!rsp_saip_want (list, RSP_YAML_LIST, error))
        return FALSE;
    if (list)
        g_array_set_size (m->notifications, 0);
    for (guint i = 0; i < rsp_saip_n_members (list); i++) {
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
    g_clear_pointer (&m->owner_mcc_mnc, g_bytes_unref);
    g_clear_pointer (&m->owner_gid1, g_bytes_unref);
    g_clear_pointer (&m->owner_gid2, g_bytes_unref);
    g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    if (!rsp_yaml_only (owner, keys, error) ||
        !rsp_saip_value ("plmns", network, 0, parts, error) ||
        !rsp_saip_opt_octets (owner, "gid1", 1, 8, &m->owner_gid1, error) ||
        !rsp_saip_opt_octets (owner, "gid2", 1, 8, &m->owner_gid2, error))
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
    g_clear_pointer (&m->icon, g_bytes_unref);
    m->icon_type = rsp_yaml_get (icon, "png") ? 1 : 0;
    return rsp_saip_opt_octets (icon, m->icon_type ? "png" : "jpg", 1, 1024, &m->icon, error);
}

static gboolean
read_class (RspMetadata *m, const RspYaml *map, GError **error)
{
    static const char *const names[] = {"test", "provisioning", "operational"};
    const char *name = NULL;
    if (!rsp_yaml_opt_text (map, "class", &name, error))
        return FALSE;
    if (!name)
        return TRUE;
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

gboolean
rsp_saip_read_metadata (RspMetadata *m, const RspYaml *map, GError **error)
{
    static const char *const keys[] = {"serviceProviderName", "profileName", "class", "icon",
                                       "notifications",       "ppr",         "owner", "ecall",
                                       "fallback-allowed",    NULL};
    static const Bit rules[] = {{"update-control", RSP_PPR_UPDATE_CONTROL},
                                {"ppr1", RSP_PPR1},
                                {"ppr2", RSP_PPR2},
                                {NULL, 0}};
    if (map->kind != RSP_YAML_MAP)
        return rsp_saip_want (map, RSP_YAML_MAP, error);
    return rsp_yaml_only (map, keys, error) &&
           read_name (map, "serviceProviderName", 32, &m->service_provider_name, error) &&
           read_name (map, "profileName", 64, &m->profile_name, error) &&
           read_class (m, map, error) && read_icon (m, rsp_yaml_get (map, "icon"), error) &&
           read_notifications (m, rsp_yaml_get (map, "notifications"), error) &&
           read_bits (rsp_yaml_get (map, "ppr"), rules, "policy rule", &m->ppr, error) &&
           rsp_yaml_opt_bool (map, "ecall", &m->ecall, error) &&
           rsp_yaml_opt_bool (map, "fallback-allowed", &m->fallback_allowed, error) &&
           read_owner (m, rsp_yaml_get (map, "owner"), error);
}

static gboolean
make_metadata (RspSaipBuild *b, const RspYaml *map, GError **error)
{
    RspMetadata *m = b->metadata;
    g_free (m->iccid);
    m->iccid = g_strdup (b->iccid);
    g_free (m->service_provider_name);
    m->service_provider_name = g_strdup ("rspsim");
    g_free (m->profile_name);
    m->profile_name = g_strndup (b->type, 64);
    m->icon_type = -1;
    m->profile_class = RSP_CLASS_OPERATIONAL;
    return !map || rsp_saip_read_metadata (m, map, error);
}

RspProfilePackage *
rsp_saip_build_as_said (const RspYaml *doc, const char *iccid, const char *imsi, GError **error)
{
    static const char *const keys[] = {"elements", "metadata", NULL};
    const RspYaml *metadata = rsp_yaml_get (doc, "metadata");
    g_autoptr (GBytes) said =
        rsp_yaml_only (doc, keys, error) ? rsp_saip_encode (doc, error) : NULL;
    g_autoptr (GBytes) upp =
        said ? rsp_saip_personalise (said, &(RspSaipPersonal){.iccid = iccid, .imsi = imsi}, error)
             : NULL;
    g_autoptr (RspProfilePackage) p = upp ? rsp_saip_from_der (upp, error) : NULL;
    if (!p)
        return NULL;
    RspSaipBuild b = {.iccid = p->iccid, .type = p->type, .metadata = p->metadata};
    if (metadata && !make_metadata (&b, metadata, error))
        return NULL;
    return g_steal_pointer (&p);
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
    return make_metadata (b, rsp_yaml_get (b->doc, "metadata"), error);
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
        rsp_saip_need_service (b, b->apps[i].section);
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
