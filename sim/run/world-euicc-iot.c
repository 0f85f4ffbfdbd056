/* What makes a card of a world one for IoT: its settings, and the eIMs that its EUM loads. */
#include "asn1/asn1.h"
#include "asn1/tlv.h"
#include "sim/run/world-private.h"

#include <string.h>

/* SubjectPublicKeyInfo of a P-256 key, in front of its point. */
static const guint8 p256_info[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                   0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                   0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

/* INFO under the tags of eimPublicKeyData. */
static void
set_public_key (RspAsn1 *config, RspSlice info)
{
    RspTlv tlv;
    g_autoptr (GByteArray) out = g_byte_array_new ();
    if (!rsp_tlv_single (info, 0x30, &tlv))
        return;
    gsize mark = rsp_tlv_open (out, 0xA5);
    rsp_tlv_put (out, 0xA0, tlv.value);
    rsp_tlv_close (out, mark);
    rsp_asn1_set_der (config, "eimPublicKeyData", RSP_SLICE (out->data, out->len));
}

static GBytes *
info_of (const RspKey *key)
{
    GByteArray *out = g_byte_array_sized_new (sizeof p256_info + RSP_POINT_SIZE);
    g_byte_array_append (out, p256_info, sizeof p256_info);
    g_byte_array_append (out, rsp_key_point (key), RSP_POINT_SIZE);
    return g_byte_array_free_to_bytes (out);
}

/* The public key of an eIM actor, or the one written down. (transfer full) */
static GBytes *
public_key (const RspWorld *w, const RspYaml *entry, GError **error)
{
    const RspYaml *hex = rsp_yaml_get (entry, "public-key");
    const RspYaml *name = rsp_yaml_get (entry, "eim");
    const RspWorldActor *eim = name ? rsp_world_actor (w, name->text) : NULL;
    const RspWorldCredential *c = eim ? rsp_world_credential (eim, "eim") : NULL;
    if (hex)
        return rsp_unhex (hex->text);
    if (c)
        return info_of (c->key);
    rsp_yaml_fail (entry, error, "an eIM needs its \"public-key\", or to be one of the world's");
    return NULL;
}

GBytes *
rsp_world_eim_configuration (const RspWorld *w, const RspYaml *entry, GError **error)
{
    const RspYaml *name = rsp_yaml_get (entry, "eim");
    const RspWorldActor *eim = name ? rsp_world_actor (w, name->text) : NULL;
    const RspYaml *from = eim ? eim->yaml : entry;
    const char *fqdn = rsp_world_text (from, "fqdn", NULL);
    const char *id = rsp_world_text (from, "eim-id", fqdn);
    static const guint8 indirect[] = {0x89, 0x00};
    g_autoptr (GBytes) key = public_key (w, entry, error);
    if (!key)
        return NULL;
    if (!id) {
        rsp_yaml_fail (entry, error, "an eIM needs an \"eim-id\" or an \"fqdn\"");
        return NULL;
    }
    g_autoptr (RspAsn1) config = rsp_asn1_new ("EimConfigurationData");
    rsp_asn1_set_text (config, "eimId", id);
    if (fqdn)
        rsp_asn1_set_text (config, "eimFqdn", fqdn);
    rsp_asn1_set_int (config, "eimIdType", fqdn && strcmp (id, fqdn) == 0 ? 2 : 3);
    rsp_asn1_set_int (config, "counterValue", rsp_world_number (entry, "counter", 0));
    if (rsp_world_flag (entry, "token", FALSE))
        rsp_asn1_set_int (config, "associationToken", -1);
    set_public_key (config, rsp_slice_of (key));
    rsp_asn1_set_bits (config, "eimSupportedProtocol", 1, 1);
    if (rsp_world_flag (entry, "indirect", FALSE))
        rsp_asn1_set_der (config, "indirectProfileDownload", RSP_SLICE_ARRAY (indirect));
    return rsp_asn1_encode (config, "");
}

RspEuiccIotConfig *
rsp_world_euicc_iot (const RspWorld *w, const RspYaml *card, GError **error)
{
    const RspYaml *iot = rsp_yaml_get (card, "iot"), *eims = rsp_yaml_get (iot, "eims");
    const RspYaml *connectivity = rsp_yaml_get (iot, "connectivity");
    g_autoptr (GPtrArray) configs = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    for (guint i = 0; eims && i < eims->items->len; i++) {
        GBytes *config = rsp_world_eim_configuration (w, eims->items->pdata[i], error);
        if (!config)
            return NULL;
        g_ptr_array_add (configs, config);
    }
    RspEuiccIotConfig *config = g_new0 (RspEuiccIotConfig, 1);
    config->v10 = strcmp (rsp_world_text (iot, "version", "1.2"), "1.0") == 0;
    config->ecall = rsp_world_flag (iot, "ecall", TRUE);
    config->fallback = rsp_world_flag (iot, "fallback", TRUE);
    config->ipae = rsp_world_flag (iot, "ipae", FALSE);
    config->eim_limit = (guint)rsp_world_number (iot, "eim-limit", 1);
    config->package_limit = (guint)rsp_world_number (iot, "package-limit", 0);
    config->result_limit = (guint)rsp_world_number (iot, "result-limit", 0);
    config->connectivity = connectivity ? rsp_unhex (connectivity->text) : NULL;
    config->eims = g_steal_pointer (&configs);
    return config;
}

void
rsp_world_euicc_iot_free (RspEuiccIotConfig *config)
{
    if (!config)
        return;
    g_clear_pointer (&config->connectivity, g_bytes_unref);
    g_ptr_array_unref (config->eims);
    g_free (config);
}
