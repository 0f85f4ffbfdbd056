/* What came of packages, as the facilities tell it: read from the octets of the answer. */
#include "asn1/asn1.h"
#include "asn1/ids.h"
#include "asn1/tlv.h"
#include "sim/run/facilities.h"

#include <string.h>

json_t *
rsp_facility_hex (RspSlice octets)
{
    g_autofree char *hex = rsp_hex (octets);
    g_autofree char *upper = g_ascii_strup (hex, -1);
    return json_string (upper);
}

static json_t *
procedure_error (const char *word)
{
    return json_pack ("[{s:s}]", "procedureError", word);
}

static char *
below (const char *base, const char *name)
{
    return g_strconcat (base, ".", name, NULL);
}

/* --- members of an object, where they are there --- */

static void
set_text (json_t *out, const char *name, const RspAsn1 *node, const char *base)
{
    g_autofree char *path = below (base, name);
    g_autofree char *text = rsp_asn1_has (node, path) ? rsp_asn1_text (node, path) : NULL;
    if (text)
        json_object_set_new (out, name, json_string (text));
}

static void
set_hex (json_t *out, const char *name, const RspAsn1 *node, const char *base)
{
    g_autofree char *path = below (base, name);
    if (rsp_asn1_has (node, path))
        json_object_set_new (out, name, rsp_facility_hex (rsp_asn1_octets (node, path)));
}

/* The Nth of NAMES. */
static void
set_name (json_t *out, const char *name, const RspAsn1 *node, const char *base,
          const char *const *names)
{
    g_autofree char *path = below (base, name);
    gint64 value = rsp_asn1_int (node, path, -1);
    if (value >= 0 && value < (gint64)g_strv_length ((char **)names))
        json_object_set_new (out, name, json_string (names[value]));
}

static void
set_number (json_t *out, const char *name, const RspAsn1 *node, const char *base)
{
    g_autofree char *path = below (base, name);
    if (rsp_asn1_has (node, path))
        json_object_set_new (out, name, json_integer (rsp_asn1_int (node, path, 0)));
}

/* --- results of operations --- */

typedef json_t *(*OneFunc) (const RspAsn1 *node, const char *base);

/* (transfer full) */
static json_t *
each (const RspAsn1 *node, const char *path, OneFunc func)
{
    json_t *list = json_array ();
    guint n = rsp_asn1_count (node, path);
    for (guint i = 1; i <= n; i++) {
        g_autofree char *one = g_strdup_printf ("%s.?%u", path, i);
        json_array_append_new (list, func (node, one));
    }
    return list;
}

static json_t *
profile (const RspAsn1 *node, const char *base)
{
    static const char *const states[] = {"disabled", "enabled", NULL};
    static const char *const icons[] = {"jpg", "png", NULL};
    static const char *const classes[] = {"test", "provisioning", "operational", NULL};
    json_t *out = json_object ();
    set_hex (out, "iccid", node, base);
    set_hex (out, "isdpAid", node, base);
    set_name (out, "profileState", node, base, states);
    set_text (out, "profileNickname", node, base);
    set_text (out, "serviceProviderName", node, base);
    set_text (out, "profileName", node, base);
    set_name (out, "iconType", node, base, icons);
    set_hex (out, "icon", node, base);
    set_name (out, "profileClass", node, base, classes);
    return out;
}

static json_t *
eim (const RspAsn1 *node, const char *base)
{
    static const char *const types[] = {"", "eimIdTypeOid", "eimIdTypeFqdn", "eimIdTypeProprietary",
                                        NULL};
    json_t *out = json_object ();
    set_text (out, "eimId", node, base);
    set_name (out, "eimIdType", node, base, types);
    return out;
}

static json_t *
operator_of (const RspAsn1 *node, const char *base)
{
    json_t *out = json_object ();
    set_hex (out, "mccMnc", node, base);
    set_hex (out, "gid1", node, base);
    set_hex (out, "gid2", node, base);
    return out;
}

static json_t *
rule (const RspAsn1 *node, const char *base)
{
    g_autofree char *ids = below (base, "pprIds"), *flags = below (base, "pprFlags");
    g_autofree char *operators = below (base, "allowedOperators");
    return json_pack ("{s:b, s:b, s:b, s:o, s:b}", "pprUpdateControl", rsp_asn1_bit (node, ids, 0),
                      "ppr1", rsp_asn1_bit (node, ids, 1), "ppr2", rsp_asn1_bit (node, ids, 2),
                      "allowedOperators", each (node, operators, operator_of), "consentRequired",
                      rsp_asn1_bit (node, flags, 0));
}

/* successResult with the LIST, or errorResult. */
static json_t *
final_list (const RspAsn1 *node, const char *path, const char *ok, const char *name, OneFunc func)
{
    g_autofree char *list = below (path, ok);
    if (!rsp_asn1_has (node, list))
        return json_pack ("{s:s}", "finalResult", "errorResult");
    return json_pack ("{s:s, s:o}", "finalResult", "successResult", name, each (node, list, func));
}

static json_t *
operation_result (const RspAsn1 *node, const char *base)
{
    const char *choice = rsp_asn1_choice (node, base);
    g_autofree char *path = below (base, choice);
    g_autofree char *word = rsp_eim_result_name (node, base);
    json_t *value = NULL;
    if (strcmp (choice, "listProfileInfoResult") == 0) {
        value = final_list (node, path, "profileInfoListOk", "profileInfoList", profile);
    } else if (strcmp (choice, "listEimResult") == 0) {
        value = final_list (node, path, "eimIdList", "eimIdList", eim);
    } else if (strcmp (choice, "getRATResult") == 0) {
        value = each (node, path, rule);
    } else if (strcmp (choice, "addEimResult") == 0) {
        value = json_pack ("{s:s}", "addEimResultCode", word);
        set_number (value, "associationToken", node, path);
    } else {
        value = json_string (word);
    }
    return json_pack ("{s:o}",
                      strcmp (choice, "configureImmediateEnableResult") == 0
                          ? "configureAutoEnableResult"
                          : choice,
                      value);
}

static json_t *
package_outcome (RspSlice answer)
{
    g_autoptr (RspAsn1) node = rsp_asn1_decode_slice ("EuiccPackageResult", answer, NULL);
    if (!node || strcmp (rsp_asn1_choice (node, ""), "euiccPackageResultSigned") != 0)
        return procedure_error ("undefinedError");
    return each (node, "euiccPackageResultSigned.euiccPackageResultDataSigned.euiccResult",
                 operation_result);
}

/* --- data of the eUICC: both dialects have the same tags --- */

static json_t *
data_value (guint32 tag, const RspTlv *tlv)
{
    g_autoptr (GByteArray) sequence = NULL;
    gint64 number = 0;
    switch (tag) {
    case 0x81:
    case 0x80:
    case 0x83:
        return json_stringn ((const char *)tlv->value.data, tlv->value.len);
    case 0x84:
        for (gsize i = 0; i < tlv->value.len; i++)
            number = (gint64)(((guint64)number << 8) | tlv->value.data[i]);
        return json_integer (number);
    case 0xA5:
    case 0xA6:
    case 0xA8:
    case 0xA9:
        sequence = g_byte_array_new ();
        rsp_tlv_put (sequence, 0x30, tlv->value);
        return rsp_facility_hex (RSP_SLICE (sequence->data, sequence->len));
    default:
        return rsp_facility_hex (tlv->whole);
    }
}

static json_t *
euicc_data (RspSlice rest)
{
    static const struct {
        guint32 tag;
        const char *name;
    } names[] = {
        {0x80, "defaultSmdpAddress"}, {0x81, "defaultSmdpAddress"}, {0xBF20, "euiccInfo1"},
        {0xBF22, "euiccInfo2"},       {0x83, "rootSmdsAddress"},    {0x84, "associationToken"},
        {0xA5, "eumCertificate"},     {0xA6, "euiccCertificate"},   {0xA8, "ipaCapabilities"},
        {0xA9, "deviceInfo"},         {0xA0, "notificationsList"},  {0xBF2B, "notificationsList"}};
    json_t *out = json_object ();
    RspTlv tlv;
    while (rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK)
        for (guint i = 0; i < G_N_ELEMENTS (names); i++)
            if (names[i].tag == tlv.tag)
                json_object_set_new (out, names[i].name, data_value (tlv.tag, &tlv));
    return out;
}

static json_t *
data_outcome (const RspEimPackageView *p, RspSlice content)
{
    RspTlv data;
    json_t *value = json_pack ("{s:s}", "edrResult", p->result ? p->result : "undefinedError");
    if (p->state == RSP_EIM_DONE && rsp_tlv_find (content, 0xA0, &data))
        json_object_set_new (value, "euiccData", euicc_data (data.value));
    return json_pack ("[{s:o}]", "euiccDataResult", value);
}

/* --- downloads --- */

/* By the message that the IPA quotes. */
static const char *
download_error (RspSlice content)
{
    static const struct {
        guint32 tag;
        const char *word;
    } steps[] = {{0xBF39, "initiateAuthenticationError"}, {0xBF38, "authenticateResponseError"},
                 {0xBF3B, "authenticateClientError"},     {0xBF21, "downloadResponseError"},
                 {0xBF3A, "getBoundProfilePackageError"}, {0xBF41, "cancelSessionResponseError"}};
    RspTlv error, response, message;
    RspSlice rest = RSP_SLICE (NULL, 0);
    if (rsp_tlv_find (content, 0x30, &error) && (rsp_tlv_find (error.value, 0x04, &response) ||
                                                 rsp_tlv_find (error.value, 0x80, &response)))
        rest = rsp_tlv_single (response.value, 0xA2, &message) ? message.value : response.value;
    if (rsp_tlv_next (&rest, &message) == RSP_TLV_OK)
        for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
            if (steps[i].tag == message.tag)
                return steps[i].word;
    return "undefinedError";
}

static json_t *
download_outcome (const RspEimPackageView *p, RspSlice content)
{
    RspTlv installed, data, about, iccid;
    if (!rsp_tlv_find (content, 0xBF37, &installed))
        return procedure_error (download_error (content));
    json_t *value = json_pack ("{s:s}", "finalResult",
                               p->state == RSP_EIM_DONE ? "successResult" : "errorResult");
    if (p->state == RSP_EIM_DONE && rsp_tlv_find (installed.value, 0xBF27, &data) &&
        rsp_tlv_find (data.value, 0xBF2F, &about) && rsp_tlv_find (about.value, 0x5A, &iccid))
        json_object_set_new (value, "iccid", rsp_facility_hex (iccid.value));
    return json_pack ("[{s:o}]", "profileInstallationResult", value);
}

json_t *
rsp_facility_outcome (const RspEimPackageView *p)
{
    RspSlice answer = p->answer ? rsp_slice_of (p->answer) : RSP_SLICE (NULL, 0), rest = answer;
    RspTlv message;
    if (p->state == RSP_EIM_EXPIRED)
        return procedure_error (p->delivered ? "stuckOrder" : "noshowOrder");
    if (rsp_tlv_next (&rest, &message) != RSP_TLV_OK)
        return procedure_error ("undefinedError");
    switch (message.tag) {
    case 0xBF51:
        return package_outcome (answer);
    case 0xBF52:
        return data_outcome (p, message.value);
    default:
        return download_outcome (p, message.value);
    }
}
