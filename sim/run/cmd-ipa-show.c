/* What an IPA reads and shows, for people or as JSON. All texts of the card are escaped. */
#include "sim/run/cmd-ipa.h"

#include "asn1/asn1.h"
#include "asn1/decode.h"
#include "asn1/tlv.h"
#include "pki/cert.h"

#include <gio/gio.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_FILE 65536

/* --- reading ---------------------------------------------------------------------------------- */

static gboolean
bad_configuration (const char *file, GError **error, const char *why)
{
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", file, why);
    return FALSE;
}

static GBytes *
read_file (const char *file, GError **error)
{
    FILE *in = g_str_equal (file, "-") ? stdin : fopen (file, "rb");
    if (!in) {
        bad_configuration (file, error, g_strerror (errno));
        return NULL;
    }
    guint8 *octets = g_malloc (MAX_FILE);
    gsize n = fread (octets, 1, MAX_FILE, in);
    gboolean good = !ferror (in) && n < MAX_FILE;
    if (in != stdin)
        fclose (in);
    GBytes *content = g_bytes_new_take (octets, n);
    if (good)
        return content;
    g_bytes_unref (content);
    bad_configuration (file, error, "cannot be read, or is over 64 KiB");
    return NULL;
}

/* The member of a JSON object; NULL: it is none, or has none. (transfer full) */
static GBytes *
from_json (RspSlice text)
{
    json_t *object = json_loadb ((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *value = json_string_value (json_object_get (object, "addInitialEimRequest"));
    GBytes *member = value ? rsp_decode_input (RSP_SLICE (value, strlen (value)), NULL) : NULL;
    json_decref (object);
    return member;
}

/* The first EimConfigurationData: inside of AddInitialEimRequest, or by itself. */
static gboolean
find_configuration (RspSlice octets, RspSlice *ret)
{
    RspTlv request, list;
    if (rsp_tlv_single (octets, 0xBF57, &request)) {
        if (!rsp_tlv_find (request.value, 0xA0, &list))
            return FALSE;
        octets = list.value;
    }
    *ret = octets;
    g_autoptr (RspAsn1) node = rsp_asn1_decode_slice ("EimConfigurationData", octets, NULL);
    return node != NULL;
}

GBytes *
rsp_ipa_read_configuration (const char *file, GError **error)
{
    g_autoptr (GBytes) content = read_file (file, error);
    if (!content)
        return NULL;
    RspSlice text = rsp_slice_of (content), found;
    g_autoptr (GBytes) octets = from_json (text);
    if (!octets)
        octets = rsp_decode_input (text, NULL);
    if (octets && find_configuration (rsp_slice_of (octets), &found))
        return rsp_slice_to_bytes (found);
    bad_configuration (file, error, "neither AddInitialEimRequest nor EimConfigurationData");
    return NULL;
}

GBytes *
rsp_ipa_make_trigger (const char *code, const char *smds)
{
    g_autoptr (RspAsn1) node = rsp_asn1_new ("ProfileDownloadTriggerRequest");
    if (code) {
        rsp_asn1_set_text (node, "profileDownloadData.activationCode", code);
    } else {
        GByteArray *out = g_byte_array_new ();
        gsize trigger = rsp_tlv_open (out, 0xBF54);
        gsize data = rsp_tlv_open (out, 0xA0);
        gsize choice = rsp_tlv_open (out, smds ? 0xA2 : 0x81);
        if (smds && *smds)
            rsp_tlv_put_text (out, 0x80, smds);
        rsp_tlv_close (out, choice);
        rsp_tlv_close (out, data);
        rsp_tlv_close (out, trigger);
        return g_byte_array_free_to_bytes (out);
    }
    return rsp_asn1_encode (node, "");
}

/* --- showing ---------------------------------------------------------------------------------- */

static void
print_json (json_t *value)
{
    char *text = json_dumps (value, JSON_INDENT (2));
    puts (text ? text : "null");
    free (text);
    json_decref (value);
}

static json_t *
optional (const char *text)
{
    return text ? json_string (text) : json_null ();
}

static char *
text_at (const RspAsn1 *node, const char *base, const char *name)
{
    g_autofree char *path = g_strconcat (base, ".", name, NULL);
    g_autofree char *text = rsp_asn1_text (node, path);
    return text ? rsp_escape_text (text, -1, 256) : NULL;
}

static json_t *
eim_of (const RspAsn1 *node, const char *base)
{
    g_autofree char *id = text_at (node, base, "eimId"), *fqdn = text_at (node, base, "eimFqdn");
    g_autofree char *token_path = g_strconcat (base, ".associationToken", NULL);
    g_autofree char *indirect = g_strconcat (base, ".indirectProfileDownload", NULL);
    g_autofree char *key = g_strconcat (base, ".eimPublicKeyData", NULL);
    g_autofree char *hex = rsp_hex (rsp_asn1_slice (node, key));
    json_t *token = rsp_asn1_has (node, token_path)
                        ? json_integer (rsp_asn1_int (node, token_path, 0))
                        : json_null ();
    return json_pack ("{s:s, s:o, s:o, s:b, s:s}", "eimId", id ? id : "", "eimFqdn",
                      optional (fqdn), "associationToken", token, "indirectProfileDownload",
                      rsp_asn1_has (node, indirect), "eimPublicKeyData", hex);
}

static const char *
shown (const json_t *object, const char *key)
{
    const char *text = json_string_value (json_object_get (object, key));
    return text ? text : "-";
}

void
rsp_ipa_show_eims (const RspDesk *d, GBytes *answer)
{
    g_autoptr (RspAsn1) node = rsp_asn1_decode ("GetEimConfigurationDataResponse", answer, NULL);
    json_t *all = json_array ();
    for (guint i = 1; node && i <= rsp_asn1_count (node, "eimConfigurationDataList"); i++) {
        g_autofree char *base = g_strdup_printf ("eimConfigurationDataList.?%u", i);
        json_array_append_new (all, eim_of (node, base));
    }
    for (gsize i = 0; i < json_array_size (all) && !d->args->json; i++) {
        const json_t *eim = json_array_get (all, i),
                     *token = json_object_get (eim, "associationToken");
        printf ("%s\t%s\t", shown (eim, "eimId"), shown (eim, "eimFqdn"));
        if (json_is_integer (token))
            printf ("%" JSON_INTEGER_FORMAT, json_integer_value (token));
        printf ("\t%s\n", json_is_true (json_object_get (eim, "indirectProfileDownload"))
                              ? "indirect"
                              : "direct");
    }
    if (d->args->json)
        print_json (all);
    else
        json_decref (all);
}

/* In PEM; NULL: no certificate. (transfer full) */
static char *
certificate_at (const RspAsn1 *node, const char *path)
{
    g_autoptr (GByteArray) der = g_byte_array_new ();
    rsp_tlv_put (der, 0x30, rsp_asn1_octets (node, path));
    g_autoptr (GBytes) octets = g_bytes_new (der->data, der->len);
    g_autoptr (RspCert) cert = rsp_cert_parse (octets, NULL);
    return cert ? rsp_cert_to_pem (cert) : NULL;
}

void
rsp_ipa_show_certs (const RspDesk *d, GBytes *answer)
{
    g_autoptr (RspAsn1) node = rsp_asn1_decode ("GetCertsResponse", answer, NULL);
    g_autofree char *eum = certificate_at (node, "certs.eumCertificate");
    g_autofree char *euicc = certificate_at (node, "certs.euiccCertificate");
    if (d->args->json)
        print_json (json_pack ("{s:o, s:o}", "eumCertificate", optional (eum), "euiccCertificate",
                               optional (euicc)));
    else
        printf ("%s%s", eum ? eum : "", euicc ? euicc : "");
}

void
rsp_ipa_show_message (const RspDesk *d, GBytes *answer)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *text = rsp_decode (rsp_slice_of (answer), NULL, d->args->json, &error);
    if (text)
        fputs (text, stdout);
    else
        fprintf (stderr, "rspsim ipa: %s\n", error->message);
}

void
rsp_ipa_show_outcome (const RspDesk *d, const RspIpaOutcome *o)
{
    if (!d->args->json) {
        printf ("packages %u, delivered %u, kept %u, installed %u, failed %u, rolled back %u\n",
                o->packages, o->delivered, o->kept, o->installed, o->failed, o->rolled_back);
        fflush (stdout);
        return;
    }
    json_t *object = json_pack (
        "{s:b, s:s, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "ok", o->ok, "step",
        o->step, "error", optional (o->error), "code", optional (o->code), "result",
        optional (o->result), "iccid", optional (o->iccid), "packages", (int)o->packages,
        "delivered", (int)o->delivered, "kept", (int)o->kept, "installed", (int)o->installed,
        "failed", (int)o->failed, "rolledBack", (int)o->rolled_back, "eims", (int)o->eims);
    char *text = json_dumps (object, JSON_COMPACT);
    puts (text ? text : "{\"ok\":false}");
    fflush (stdout);
    free (text);
    json_decref (object);
}
