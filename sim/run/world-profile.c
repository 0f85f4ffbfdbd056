#include "sim/run/world-private.h"

#include "asn1/ids.h"

#include <string.h>

/* --- packages ----------------------------------------------------------------------------------
 */

/* Stock entries share one reading of a file. (transfer none) */
static const RspYaml *
read_document (RspWorld *w, const char *path, const char *shown_as, GError **error)
{
    if (!w->documents)
        w->documents =
            g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)rsp_yaml_free);
    RspYaml *doc = g_hash_table_lookup (w->documents, path);
    if (!doc && (doc = rsp_yaml_load (path, shown_as, error)))
        g_hash_table_insert (w->documents, g_strdup (path), doc);
    return doc;
}

static RspProfilePackage *
read_der (const char *path, const char *iccid, GError **error)
{
    g_autofree char *data = NULL;
    gsize n = 0;
    if (!g_file_get_contents (path, &data, &n, error))
        return NULL;
    g_autoptr (GBytes) der = g_bytes_new_take (g_steal_pointer (&data), n);
    g_autoptr (GBytes) own = iccid ? rsp_saip_with_iccid (der, iccid, error) : g_bytes_ref (der);
    return own ? rsp_saip_from_der (own, error) : NULL;
}

/* The Nth number after the one under KEY, counted up as digits. (transfer full) (nullable) */
static char *
nth_digits (const RspYaml *profile, const char *key, guint nth)
{
    g_autofree char *digits = g_strdup (rsp_world_text (profile, key, NULL));
    gboolean counts = digits && strspn (digits, "0123456789") == strlen (digits);
    if (counts && !rsp_digits_add (digits, strlen (digits), nth))
        return NULL;
    return g_steal_pointer (&digits);
}

static RspProfilePackage *
read_package (RspWorld *w, const char *path, const RspYaml *profile, const char *iccid, guint nth,
              GError **error)
{
    if (g_str_has_suffix (path, ".der"))
        return read_der (path, iccid, error);
    const RspYaml *doc = read_document (w, path, rsp_yaml_get (profile, "package")->text, error);
    g_autofree char *imsi = nth_digits (profile, "imsi", nth);
    return doc ? rsp_saip_build (doc, iccid, imsi, error) : NULL;
}

static char *
nth_iccid (const RspYaml *profile, guint nth, GError **error)
{
    const RspYaml *first = rsp_yaml_get (profile, "iccid");
    gsize digits = strspn (first->text, "0123456789");
    g_autofree char *number = g_strndup (first->text, digits);
    char *iccid = nth ? rsp_iccid_nth (number, nth) : g_strdup (first->text);
    if (!iccid)
        rsp_yaml_fail (first, error, "no ICCID is left for profile %u", nth + 1);
    return iccid;
}

RspProfilePackage *
rsp_world_package (RspWorld *w, const RspYaml *profile, guint nth, GError **error)
{
    const RspYaml *metadata = rsp_yaml_get (profile, "metadata");
    gboolean personalise = TRUE;
    g_autofree char *iccid = nth_iccid (profile, nth, error);
    g_autofree char *path =
        iccid ? rsp_scenario_find (w->scenario, rsp_yaml_get (profile, "package"), error) : NULL;
    if (!path || !rsp_yaml_opt_bool (profile, "personalise", &personalise, error))
        return NULL;
    g_autoptr (RspProfilePackage) p =
        read_package (w, path, profile, personalise ? iccid : NULL, nth, error);
    if (!p)
        return NULL;
    g_free (p->iccid);
    g_free (p->metadata->iccid);
    p->iccid = g_strdup (iccid);
    p->metadata->iccid = g_strdup (iccid);
    if (metadata && !rsp_saip_read_metadata (p->metadata, metadata, error))
        return NULL;
    return g_steal_pointer (&p);
}

static void
preloaded_free (gpointer data)
{
    RspEuiccPreloaded *p = data;
    g_bytes_unref (p->metadata);
    g_bytes_unref (p->package);
    g_free (p);
}

GPtrArray *
rsp_world_preloaded (const RspWorld *w, const RspYaml *card, GError **error)
{
    const RspYaml *list = rsp_yaml_get (card, "preloaded");
    g_autoptr (GPtrArray) out = g_ptr_array_new_with_free_func (preloaded_free);
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *yaml = list->items->pdata[i], *iccid = rsp_yaml_get (yaml, "iccid");
        const RspWorldPackage *p = g_hash_table_lookup (w->by_iccid, iccid->text);
        if (!p) {
            rsp_yaml_fail (iccid, error, "no profile in stock has the ICCID %s", iccid->text);
            return NULL;
        }
        RspEuiccPreloaded *one = g_new0 (RspEuiccPreloaded, 1);
        one->metadata = rsp_metadata_encode (p->package->metadata);
        one->package = g_bytes_ref (p->package->upp);
        one->enabled = strcmp (rsp_world_text (yaml, "state", "disabled"), "enabled") == 0;
        g_ptr_array_add (out, one);
    }
    return g_steal_pointer (&out);
}

/* --- rules authorisation table -----------------------------------------------------------------
 */

static guint32
bits_of (const RspYaml *list, const char *const *names)
{
    guint32 mask = 0;
    for (guint i = 0; list && i < list->items->len; i++)
        for (guint bit = 0; names[bit]; bit++)
            if (strcmp (((RspYaml *)list->items->pdata[i])->text, names[bit]) == 0)
                mask |= 1u << bit;
    return mask;
}

static const char *const ppr_names[] = {"update-control", "ppr1", "ppr2", NULL};

/* MCC and MNC digits ("00101", "E" for any) as three octets of TS 24.008. */
static gboolean
read_plmn (const RspYaml *node, guint8 out[3], GError **error)
{
    const char *d = node->text;
    gsize n = strlen (d);
    if ((n != 5 && n != 6) || strspn (d, "0123456789E") != n)
        return rsp_yaml_fail (node, error, "expected an MCC and MNC: 5 or 6 digits, in quotes");
    guint8 v[6];
    for (gsize i = 0; i < n; i++)
        v[i] = (guint8)g_ascii_xdigit_value (d[i]);
    guint8 third = n == 6 ? v[5] : 0xF;
    out[0] = (guint8)(v[1] << 4 | v[0]);
    out[1] = (guint8)(third << 4 | v[2]);
    out[2] = (guint8)(v[4] << 4 | v[3]);
    return TRUE;
}

static void
put_bits (GByteArray *out, guint32 tag, guint32 mask, guint n)
{
    guint8 value[2] = {(guint8)(8 - n), 0};
    for (guint bit = 0; bit < n; bit++)
        if (mask & 1u << bit)
            value[1] |= (guint8)(0x80 >> bit);
    rsp_tlv_put (out, tag, RSP_SLICE_ARRAY (value));
}

static void
put_hex (GByteArray *out, guint32 tag, const RspYaml *node)
{
    if (!node)
        return;
    g_autoptr (GBytes) bytes = rsp_unhex (node->text);
    rsp_tlv_put (out, tag, rsp_slice_of (bytes));
}

static gboolean
put_operators (GByteArray *out, const RspYaml *list, GError **error)
{
    gsize mark = rsp_tlv_open (out, 0xA1);
    for (guint i = 0; i < list->items->len; i++) {
        const RspYaml *op = list->items->pdata[i];
        guint8 plmn[3];
        if (!read_plmn (rsp_yaml_get (op, "mccMnc"), plmn, error))
            return FALSE;
        gsize one = rsp_tlv_open (out, 0x30);
        rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (plmn));
        put_hex (out, 0x81, rsp_yaml_get (op, "gid1"));
        put_hex (out, 0x82, rsp_yaml_get (op, "gid2"));
        rsp_tlv_close (out, one);
    }
    rsp_tlv_close (out, mark);
    return TRUE;
}

GBytes *
rsp_world_rat (const RspYaml *rat, GError **error)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    for (guint i = 0; i < rat->items->len; i++) {
        const RspYaml *rule = rat->items->pdata[i];
        gboolean consent = FALSE;
        gsize mark = rsp_tlv_open (out, 0x30);
        put_bits (out, 0x80, bits_of (rsp_yaml_get (rule, "ppr"), ppr_names), 3);
        if (!put_operators (out, rsp_yaml_get (rule, "operators"), error) ||
            !rsp_yaml_opt_bool (rule, "consent", &consent, error))
            return NULL;
        put_bits (out, 0x82, consent ? 1 : 0, 1);
        rsp_tlv_close (out, mark);
    }
    return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

guint64
rsp_world_services (const RspYaml *list)
{
    guint64 services = 0;
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *name = list->items->pdata[i];
        services |= RSP_SERVICE_BIT (rsp_saip_service_number (name->text));
    }
    return services;
}
