/* The elements of a package beside its templates: files made one by one, domains, the end. */
#include "asn1/saip-build-private.h"

#include <string.h>

#define DEFAULT_SD "a000000151000000"

/* --- Files outside templates --- */

static gboolean
put_generic_command (RspSaipBuild *b, const RspYaml *item, GError **error)
{
    static const char *const keys[] = {"path", "files", NULL};
    if (item->kind != RSP_YAML_MAP)
        return rsp_yaml_fail (item, error, "{path: …, files: […]} belongs here");
    const RspYaml *path = rsp_yaml_get (item, "path"), *files = rsp_yaml_get (item, "files");
    g_autoptr (GBytes) octets = NULL;
    if (!rsp_yaml_only (item, keys, error) || !rsp_saip_want (files, RSP_YAML_LIST, error) ||
        (path && !rsp_saip_build_path (path, &octets, error)))
        return FALSE;
    if (!rsp_saip_n_members (files))
        return rsp_yaml_fail (item, error, "files is missing");
    gsize command = rsp_tlv_open (b->out, 0x30);
    rsp_tlv_put (b->out, 0x80, rsp_slice_of (octets));
    RspSaipFileHints hints = {.pins = RSP_SLICE (b->global_pins->data, b->global_pins->len),
                              .describe = TRUE};
    for (guint i = 0; i < files->items->len; i++) {
        const char *type = NULL;
        const RspYaml *file = files->items->pdata[i];
        if (!rsp_saip_build_file (file, NULL, &hints, b->out, error) ||
            !rsp_yaml_opt_text (file, "type", &type, error))
            return FALSE;
        if (type && !strcmp (type, "ber-tlv"))
            rsp_saip_need_service (b, "ber-tlv");
    }
    rsp_tlv_close (b->out, command);
    return TRUE;
}

static gboolean
put_generic (RspSaipBuild *b, const RspYaml *list, GError **error)
{
    if (!rsp_saip_want (list, RSP_YAML_LIST, error))
        return FALSE;
    if (!rsp_saip_n_members (list))
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
        !rsp_saip_need_octets (key, "value", 16, 32, &value, error))
        return FALSE;
    if (strcmp (type, "aes") && strcmp (type, "des"))
        return rsp_yaml_fail (key, error, "a key's type is aes or des");
    const char *usage = id == 2 ? "14" : id == 3 ? "48" : "18";
    guint8 numbers[] = {(guint8)id, (guint8)version, strcmp (type, "aes") ? 0x80 : 0x88};
    gsize mark = rsp_tlv_open (out, 0x30);
    if (!rsp_saip_put_default (out, 0x95, key, "usage", 1, 2, usage, error) ||
        !rsp_saip_put_octets (out, 0x96, key, "access", 1, 1, error))
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
    if (!rsp_saip_put_default (out, 0x4F, sd, "package", 5, 16, "a0000001515350", error) ||
        !rsp_saip_put_default (out, 0x4F, sd, "class", 5, 16, "a000000151535041", error) ||
        !rsp_saip_put_default (out, 0x4F, sd, "aid", 5, 16, DEFAULT_SD, error) ||
        !rsp_saip_put_octets (out, 0x4F, sd, "parent", 5, 16, error) ||
        !rsp_saip_put_default (out, 0x82, sd, "privileges", 1, 3, "82dc00", error) ||
        !rsp_saip_put_default (out, 0x83, sd, "state", 1, 1, "0f", error) ||
        !rsp_saip_put_default (out, 0xC9, sd, "parameters", 0, 127, "810280008201f08701f0", error))
        return FALSE;
    if (rsp_yaml_get (sd, "toolkit")) {
        gsize uicc = rsp_tlv_open (out, 0xEA);
        if (!rsp_saip_put_octets (out, 0x80, sd, "toolkit", 1, 127, error))
            return FALSE;
        rsp_tlv_close (out, uicc);
    }
    rsp_tlv_close (out, mark);
    return TRUE;
}

static gboolean
put_list (GByteArray *out, guint32 tag, const RspYaml *list, guint32 item_tag, GError **error)
{
    if (!rsp_saip_want (list, RSP_YAML_LIST, error))
        return FALSE;
    if (!rsp_saip_n_members (list))
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
            if (!rsp_saip_put_default (b->out, 0x81, rfm, "application-access", 1, 32, "00",
                                       error) ||
                !rsp_saip_put_default (b->out, 0x82, rfm, "application-admin-access", 1, 32, "00",
                                       error))
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
    if (!rsp_yaml_only (rfm, keys, error) || !rsp_saip_need_octets (rfm, "aid", 5, 16, &aid, error))
        return FALSE;
    gsize mark = rsp_saip_open_element (b, RSP_SAIP_RFM);
    rsp_tlv_put (b->out, 0x4F, rsp_slice_of (aid));
    if (!rsp_saip_put_octets (b->out, 0x4F, rfm, "security-domain", 5, 16, error) ||
        !put_list (b->out, 0xA0, rsp_yaml_get (rfm, "tars"), 0x04, error) ||
        !rsp_saip_put_default (b->out, 0x81, rfm, "security-level", 1, 1, "16", error) ||
        !rsp_saip_put_default (b->out, 0x04, rfm, "access", 1, 32, "00", error) ||
        !rsp_saip_put_default (b->out, 0x04, rfm, "admin-access", 1, 32, "00", error) ||
        !put_application_access (b, rfm, error))
        return FALSE;
    rsp_tlv_close (b->out, mark);
    return TRUE;
}

gboolean
rsp_saip_put_named (RspSaipBuild *b, guint32 tag, const RspYaml *map, GError **error)
{
    gsize mark = rsp_saip_open_element (b, tag);
    if (!rsp_saip_encode_fields (tag, map, b->out, error))
        return FALSE;
    rsp_tlv_close (b->out, mark);
    return TRUE;
}

gboolean
rsp_saip_build_tail (RspSaipBuild *b, GError **error)
{
    const RspYaml *sds = rsp_yaml_get (b->doc, "security-domains");
    const RspYaml *rfms = rsp_yaml_get (b->doc, "rfm");
    const RspYaml *applications = rsp_yaml_get (b->doc, "applications");
    if (!put_generic (b, rsp_yaml_get (b->doc, "generic-files"), error) ||
        !rsp_saip_want (applications, RSP_YAML_LIST, error) ||
        !rsp_saip_want (sds, RSP_YAML_LIST, error) || !rsp_saip_want (rfms, RSP_YAML_LIST, error))
        return FALSE;
    for (guint i = 0; i < rsp_saip_n_members (sds); i++)
        if (!put_security_domain (b, sds->items->pdata[i], error))
            return FALSE;
    for (guint i = 0; i < rsp_saip_n_members (rfms); i++)
        if (!put_rfm (b, rfms->items->pdata[i], error))
            return FALSE;
    for (guint i = 0; i < rsp_saip_n_members (applications); i++)
        if (!rsp_saip_put_named (b, RSP_SAIP_APPLICATION, applications->items->pdata[i], error))
            return FALSE;
    if (rsp_saip_n_members (applications))
        rsp_saip_need_service (b, "javacard");
    rsp_tlv_close (b->out, rsp_saip_open_element (b, RSP_SAIP_END));
    return TRUE;
}
