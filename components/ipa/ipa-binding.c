/* ESipa in JSON (SGP.32 6.4): the IPA thinks in ASN.1; its messages are translated on their way. */
#include "components/ipa/ipa-private.h"

#include "asn1/fields-der.h"

GBytes *
ipa_request_in_json (const RspFunction *fn, GBytes *body)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (RspFields) f = rsp_fields_decode_as (fn, RSP_LEG_REQUEST, RSP_ENC_DER, body, &error);
    if (!f) {
        g_warning ("%s", error->message);
        return g_bytes_new (NULL, 0);
    }
    return rsp_fields_encode (f);
}

/* GetEimPackage has its error as a member, beside a status (SGP.32 6.4.1.5); eIMs give both, or a 0
 * along with the package. FALSE: neither is there. */
static gboolean
settle_package (RspFields *f)
{
    static const char *const packages[] = {"euiccPackageRequest", "ipaEuiccDataRequest",
                                           "profileDownloadTriggerRequest"};
    for (guint i = 0; i < G_N_ELEMENTS (packages); i++)
        if (rsp_fields_has (f, packages[i])) {
            rsp_fields_set_text (f, "eimPackageError", NULL);
            return TRUE;
        }
    return rsp_fields_has (f, "eimPackageError");
}

static GBytes *
no_package (const RspFunction *fn, RspStatus status)
{
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    g_autofree char *number =
        g_strdup_printf ("%" G_GINT64_FORMAT, rsp_fields_error_value (fn, status));
    rsp_fields_set_text (f, "eimPackageError", number);
    return rsp_fields_encode_as (f, RSP_ENC_DER);
}

GBytes *
ipa_answer_in_asn1 (const RspFunction *fn, GBytes *body)
{
    static const guint8 nothing[] = {0xBF, 0x50, 0x02, 0x30, 0x00};
    RspStatus status;
    if (g_bytes_get_size (body) == 0)
        return g_bytes_ref (body);
    g_autoptr (RspFields) f = rsp_fields_decode (fn, RSP_LEG_RESPONSE, body, NULL);
    if (!f)
        return g_bytes_ref (body); /* which is no ASN.1 either */
    if (fn->id == RSP_FN_ESIPA_GET_EIM_PACKAGE) {
        if (rsp_fields_failed (f, &status))
            return no_package (fn, status);
        if (!settle_package (f))
            return g_bytes_ref (body);
    }
    if (fn->id == RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT && !rsp_fields_failed (f, NULL) &&
        !rsp_fields_has (f, "eimAcknowledgements"))
        return g_bytes_new_static (nothing, sizeof nothing);
    return rsp_fields_encode_as (f, RSP_ENC_DER);
}

/* --- what the eIM brings: TransferEimPackage, the other way round --- */

GBytes *
ipa_package_in_asn1 (const RspFunction *fn, GBytes *body)
{
    static const char *const members[] = {"euiccPackageRequest", "ipaEuiccDataRequest",
                                          "eimAcknowledgements", "profileDownloadTriggerRequest"};
    g_autoptr (RspFields) f = rsp_fields_decode (fn, RSP_LEG_REQUEST, body, NULL);
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, fn->tag);
    for (guint i = 0; f && i < G_N_ELEMENTS (members); i++) {
        GBytes *one = rsp_fields_bytes (f, members[i]);
        if (one)
            g_byte_array_append (out, rsp_slice_of (one).data, (guint)g_bytes_get_size (one));
    }
    rsp_tlv_close (out, mark);
    return ipa_take (out);
}

GBytes *
ipa_result_in_json (const RspFunction *fn, RspSlice content)
{
    g_autoptr (RspFields) f = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    RspTlv tlv = {0};
    (void)rsp_tlv_next (&content, &tlv);
    g_autoptr (GBytes) whole = rsp_slice_to_bytes (tlv.whole);
    g_autofree char *code = g_strdup_printf ("%u", tlv.value.len ? tlv.value.data[0] : 127u);
    if (tlv.tag == 0x02)
        rsp_fields_set_text (f, "eimPackageError", code);
    else if (tlv.tag == 0x05)
        rsp_fields_set_bool (f, "eimPackageReceived", TRUE);
    else
        rsp_fields_set_bytes (f,
                              tlv.tag == 0xBF51   ? "euiccPackageResult"
                              : tlv.tag == 0xBF52 ? "ipaEuiccDataResponse"
                                                  : "ePRAndNotifications",
                              whole);
    return rsp_fields_encode (f);
}
