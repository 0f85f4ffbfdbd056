#include "asn1/saip-schema.h"

#include <string.h>

#define OCTETS RSP_SAIP_FIELD_OCTETS
#define INT RSP_SAIP_FIELD_INT
#define TEXT RSP_SAIP_FIELD_TEXT
#define OID RSP_SAIP_FIELD_OID
#define SEQUENCE RSP_SAIP_FIELD_SEQUENCE
#define LIST RSP_SAIP_FIELD_LIST
#define CHOICE RSP_SAIP_FIELD_CHOICE
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, OCTETS, 0, 0, FALSE, NULL                                                         \
    }

const char *const rsp_saip_services[] = {
    "contactless",
    "usim",
    "isim",
    "csim",
    "milenage",
    "tuak128",
    "cave",
    "gba-usim",
    "gba-isim",
    "mbms",
    "eap",
    "javacard",
    "multos",
    "multiple-usim",
    "multiple-isim",
    "multiple-csim",
    "tuak256",
    "usim-test-algorithm",
    "ber-tlv",
    "dfLink",
    "cat-tp",
    "get-identity",
    "profile-a-x25519",
    "profile-b-p256",
    "suciCalculatorApi",
    "dns-resolution",
    "scp11ac",
    "scp11c-authorization-mechanism",
    "s16mode",
    "eaka",
    "suci-nswo",
    "network-id",
    "coap",
    "gbauApi",
    "uir5GProSe",
    "ssim-Eap-Tls",
    "ssim-Eap-Aka-prime",
    "usatAppPairing",
    NULL,
};

static const RspSaipField pe_header[] = {
    {"mandated", 0x80, RSP_SAIP_FIELD_NULL, 0, 0, TRUE, NULL},
    {"identification", 0x81, INT, 0, 32767, FALSE, NULL},
    END,
};
#define PE_HEADER(name)                                                                            \
    {                                                                                              \
        name, 0xA0, SEQUENCE, 0, 0, FALSE, pe_header                                               \
    }

static const RspSaipField oid_element[] = {{"templateID", 0x06, OID, 1, 32, FALSE, NULL}, END};
static const RspSaipField aid_version[] = {
    {"aid", 0x80, OCTETS, 5, 16, FALSE, NULL},
    {"version", 0x81, OCTETS, 2, 2, FALSE, NULL},
    END,
};
static const RspSaipField aid_element[] = {{"library", 0x30, SEQUENCE, 0, 0, FALSE, aid_version},
                                           END};
static const RspSaipField iot_options[] = {{"pix", 0x80, OCTETS, 7, 11, FALSE, NULL}, END};
static const RspSaipField header[] = {
    {"major-version", 0x80, INT, 0, 255, FALSE, NULL},
    {"minor-version", 0x81, INT, 0, 255, FALSE, NULL},
    {"profileType", 0x82, TEXT, 1, 100, TRUE, NULL},
    {"iccid", 0x83, OCTETS, 10, 10, FALSE, NULL},
    {"pol", 0x84, OCTETS, 0, 0, TRUE, NULL},
    {"eUICC-Mandatory-services", 0xA5, RSP_SAIP_FIELD_SERVICES, 0, 0, FALSE, NULL},
    {"eUICC-Mandatory-GFSTEList", 0xA6, LIST, 0, 64, FALSE, oid_element},
    {"connectivityParameters", 0x87, OCTETS, 0, 0, TRUE, NULL},
    {"eUICC-Mandatory-AIDs", 0xA8, LIST, 0, 64, TRUE, aid_element},
    {"iotOptions", 0xA9, SEQUENCE, 0, 0, TRUE, iot_options},
    END,
};

static const RspSaipField pin_configuration[] = {
    {"keyReference", 0x80, INT, 1, 142, FALSE, NULL},
    {"pinValue", 0x81, OCTETS, 8, 8, FALSE, NULL},
    {"unblockingPINReference", 0x82, INT, 1, 136, TRUE, NULL},
    {"pinAttributes", 0x83, INT, 0, 255, TRUE, NULL},
    {"maxNumOfAttemps-retryNumLeft", 0x84, INT, 0, 255, TRUE, NULL},
    END,
};
static const RspSaipField pin_element[] = {{"pin", 0x30, SEQUENCE, 0, 0, FALSE, pin_configuration},
                                           END};
static const RspSaipField pin_choice[] = {
    {"pinconfig", 0xA0, LIST, 1, 26, FALSE, pin_element},
    {"filePath", 0x81, OCTETS, 0, 8, FALSE, NULL},
    END,
};
static const RspSaipField pin_codes[] = {
    PE_HEADER ("pin-Header"),
    {"pinCodes", 0xA1, CHOICE, 0, 0, FALSE, pin_choice},
    END,
};

static const RspSaipField puk_configuration[] = {
    {"keyReference", 0x80, INT, 1, 136, FALSE, NULL},
    {"pukValue", 0x81, OCTETS, 8, 8, FALSE, NULL},
    {"maxNumOfAttemps-retryNumLeft", 0x82, INT, 0, 255, TRUE, NULL},
    END,
};
static const RspSaipField puk_element[] = {{"puk", 0x30, SEQUENCE, 0, 0, FALSE, puk_configuration},
                                           END};
static const RspSaipField puk_codes[] = {
    PE_HEADER ("puk-Header"),
    {"pukCodes", 0xA1, LIST, 1, 16, FALSE, puk_element},
    END,
};

static const RspSaipField mapping[] = {
    {"mappingOptions", 0x80, OCTETS, 1, 1, FALSE, NULL},
    {"mappingSource", 0x81, OCTETS, 5, 16, FALSE, NULL},
    END,
};
static const RspSaipField algorithm[] = {
    {"algorithmID", 0x80, INT, 1, 3, FALSE, NULL},
    {"algorithmOptions", 0x81, OCTETS, 1, 1, FALSE, NULL},
    {"key", 0x82, OCTETS, 16, 32, FALSE, NULL},
    {"opc", 0x83, OCTETS, 0, 32, FALSE, NULL},
    {"rotationConstants", 0x84, OCTETS, 5, 5, TRUE, NULL},
    {"xoringConstants", 0x85, OCTETS, 80, 80, TRUE, NULL},
    {"authCounterMax", 0x86, OCTETS, 3, 3, TRUE, NULL},
    {"numberOfKeccak", 0x87, INT, 0, 255, TRUE, NULL},
    END,
};
static const RspSaipField aka_choice[] = {
    {"mappingParameter", 0xA0, SEQUENCE, 0, 0, FALSE, mapping},
    {"algoParameter", 0xA1, SEQUENCE, 0, 0, FALSE, algorithm},
    END,
};
static const RspSaipField sqn_element[] = {{"sqn", 0x04, OCTETS, 6, 6, FALSE, NULL}, END};
static const RspSaipField kdf_element[] = {{"kdf", 0x04, OCTETS, 1, 1, FALSE, NULL}, END};
static const RspSaipField ssim_parameters[] = {
    {"networkName", 0x80, TEXT, 0, 0, TRUE, NULL},
    {"keyDerivationFunctions", 0xA1, LIST, 0, 32, FALSE, kdf_element},
    END,
};
static const RspSaipField aka_parameter[] = {
    PE_HEADER ("aka-header"),
    {"algoConfiguration", 0xA1, CHOICE, 0, 0, FALSE, aka_choice},
    {"sqnOptions", 0x82, OCTETS, 1, 1, TRUE, NULL},
    {"sqnDelta", 0x83, OCTETS, 6, 6, TRUE, NULL},
    {"sqnAgeLimit", 0x84, OCTETS, 6, 6, TRUE, NULL},
    {"sqnInit", 0xA5, LIST, 32, 32, TRUE, sqn_element},
    {"ssimParameters", 0xA6, SEQUENCE, 0, 0, TRUE, ssim_parameters},
    END,
};

static const RspSaipField cdma_parameter[] = {
    PE_HEADER ("cdma-header"),
    {"authenticationKey", 0x81, OCTETS, 8, 8, FALSE, NULL},
    {"ssd", 0x82, OCTETS, 16, 16, TRUE, NULL},
    {"hrpdAccessAuthenticationData", 0x83, OCTETS, 2, 32, TRUE, NULL},
    {"simpleIPAuthenticationData", 0x84, OCTETS, 3, 483, TRUE, NULL},
    {"mobileIPAuthenticationData", 0x85, OCTETS, 5, 957, TRUE, NULL},
    END,
};

static const RspSaipField toolkit[] = {
    {"uiccToolkitApplicationSpecificParametersField", 0x80, OCTETS, 0, 0, TRUE, NULL},
    {"uiccAccessApplicationSpecificParametersField", 0x81, OCTETS, 0, 0, TRUE, NULL},
    {"uiccAdministrativeAccessApplicationSpecificParametersField", 0x82, OCTETS, 0, 0, TRUE, NULL},
    END,
};
static const RspSaipField process_element[] = {{"apdu", 0x04, OCTETS, 0, 0, FALSE, NULL}, END};
static const RspSaipField instance[] = {
    {"applicationLoadPackageAID", 0x4F, OCTETS, 5, 16, FALSE, NULL},
    {"classAID", 0x4F, OCTETS, 5, 16, FALSE, NULL},
    {"instanceAID", 0x4F, OCTETS, 5, 16, FALSE, NULL},
    {"extraditeSecurityDomainAID", 0x4F, OCTETS, 5, 16, TRUE, NULL},
    {"applicationPrivileges", 0x82, OCTETS, 0, 3, FALSE, NULL},
    {"lifeCycleState", 0x83, OCTETS, 1, 1, TRUE, NULL},
    {"applicationSpecificParametersC9", 0xC9, OCTETS, 0, 0, FALSE, NULL},
    {"systemSpecificParameters", 0xEF, OCTETS, 0, 0, TRUE, NULL},
    {"applicationParameters", 0xEA, SEQUENCE, 0, 0, TRUE, toolkit},
    {"processData", 0x30, LIST, 1, 0, TRUE, process_element},
    {"controlReferenceTemplate", 0xB0, OCTETS, 0, 0, TRUE, NULL},
    END,
};
static const RspSaipField key_component[] = {
    {"keyType", 0x80, OCTETS, 1, 2, FALSE, NULL},
    {"keyData", 0x86, OCTETS, 1, 0, FALSE, NULL},
    {"macLength", 0x87, INT, 0, 255, TRUE, NULL},
    END,
};
static const RspSaipField component_element[] = {
    {"component", 0x30, SEQUENCE, 0, 0, FALSE, key_component}, END};
static const RspSaipField key_object[] = {
    {"keyUsageQualifier", 0x95, OCTETS, 1, 2, FALSE, NULL},
    {"keyAccess", 0x96, OCTETS, 1, 1, TRUE, NULL},
    {"keyIdentifier", 0x82, OCTETS, 1, 1, FALSE, NULL},
    {"keyVersionNumber", 0x83, OCTETS, 1, 1, FALSE, NULL},
    {"keyCounterValue", 0x85, OCTETS, 0, 0, TRUE, NULL},
    {"keyComponents", 0x30, LIST, 1, 0, FALSE, component_element},
    END,
};
static const RspSaipField key_element[] = {{"key", 0x30, SEQUENCE, 0, 0, FALSE, key_object}, END};
static const RspSaipField perso_element[] = {{"data", 0x04, OCTETS, 0, 0, FALSE, NULL}, END};
static const RspSaipField open_perso[] = {
    {"restrictParameter", 0xD9, OCTETS, 1, 1, TRUE, NULL},
    {"contactlessProtocolParameters", 0x04, OCTETS, 0, 0, TRUE, NULL},
    END,
};
static const RspSaipField cat_tp[] = {
    {"catTpMaxSduSize", 0x80, INT, 0, 65535, FALSE, NULL},
    {"catTpMaxPduSize", 0x81, INT, 0, 65535, FALSE, NULL},
    END,
};
static const RspSaipField security_domain[] = {
    PE_HEADER ("sd-Header"),
    {"instance", 0xA1, SEQUENCE, 0, 0, FALSE, instance},
    {"keyList", 0xA2, LIST, 1, 0, TRUE, key_element},
    {"sdPersoData", 0xA3, LIST, 1, 0, TRUE, perso_element},
    {"openPersoData", 0xA4, SEQUENCE, 0, 0, TRUE, open_perso},
    {"catTpParameters", 0xA5, SEQUENCE, 0, 0, TRUE, cat_tp},
    END,
};

static const RspSaipField tar_element[] = {{"tar", 0x04, OCTETS, 3, 3, FALSE, NULL}, END};
static const RspSaipField adf_access[] = {
    {"adfAID", 0x80, OCTETS, 5, 16, FALSE, NULL},
    {"adfAccessDomain", 0x81, OCTETS, 1, 0, FALSE, NULL},
    {"adfAdminAccessDomain", 0x82, OCTETS, 1, 0, FALSE, NULL},
    END,
};
static const RspSaipField rfm[] = {
    PE_HEADER ("rfm-header"),
    {"instanceAID", 0x4F, OCTETS, 5, 16, FALSE, NULL},
    {"securityDomainAID", 0x4F, OCTETS, 5, 16, TRUE, NULL},
    {"tarList", 0xA0, LIST, 1, 0, TRUE, tar_element},
    {"minimumSecurityLevel", 0x81, OCTETS, 1, 1, FALSE, NULL},
    {"uiccAccessDomain", 0x04, OCTETS, 1, 0, FALSE, NULL},
    {"uiccAdminAccessDomain", 0x04, OCTETS, 1, 0, FALSE, NULL},
    {"adfRFMAccess", 0x30, SEQUENCE, 0, 0, TRUE, adf_access},
    END,
};

static const RspSaipField load_package[] = {
    {"loadPackageAID", 0x4F, OCTETS, 5, 16, FALSE, NULL},
    {"securityDomainAID", 0x4F, OCTETS, 5, 16, TRUE, NULL},
    {"nonVolatileCodeLimitC6", 0xC6, OCTETS, 0, 0, TRUE, NULL},
    {"volatileDataLimitC7", 0xC7, OCTETS, 0, 0, TRUE, NULL},
    {"nonVolatileDataLimitC8", 0xC8, OCTETS, 0, 0, TRUE, NULL},
    {"hashValue", 0xC1, OCTETS, 0, 0, TRUE, NULL},
    {"loadBlockObject", 0xC4, OCTETS, 0, 0, FALSE, NULL},
    END,
};
static const RspSaipField instance_element[] = {{"instance", 0x30, SEQUENCE, 0, 0, FALSE, instance},
                                                END};
static const RspSaipField application[] = {
    PE_HEADER ("app-Header"),
    {"loadBlock", 0xA1, SEQUENCE, 0, 0, TRUE, load_package},
    {"instanceList", 0xA2, LIST, 1, 0, TRUE, instance_element},
    END,
};
static const RspSaipField non_standard[] = {
    PE_HEADER ("nonStandard-header"),
    {"issuerID", 0x81, OID, 1, 64, FALSE, NULL},
    {"content", 0x82, OCTETS, 0, 0, FALSE, NULL},
    END,
};
static const RspSaipField end[] = {PE_HEADER ("end-header"), END};

const RspSaipField *
rsp_saip_schema (guint32 element_tag)
{
    switch (element_tag) {
    case RSP_SAIP_HEADER:
        return header;
    case RSP_SAIP_PIN_CODES:
        return pin_codes;
    case RSP_SAIP_PUK_CODES:
        return puk_codes;
    case RSP_SAIP_AKA_PARAMETER:
        return aka_parameter;
    case RSP_SAIP_CDMA_PARAMETER:
        return cdma_parameter;
    case RSP_SAIP_SECURITY_DOMAIN:
        return security_domain;
    case RSP_SAIP_RFM:
        return rfm;
    case RSP_SAIP_APPLICATION:
        return application;
    case RSP_SAIP_NON_STANDARD:
        return non_standard;
    case RSP_SAIP_END:
        return end;
    default:
        return NULL;
    }
}

const char *
rsp_saip_service_name (guint n)
{
    return n < G_N_ELEMENTS (rsp_saip_services) - 1 ? rsp_saip_services[n] : NULL;
}

int
rsp_saip_service_number (const char *name)
{
    for (guint i = 0; rsp_saip_services[i]; i++)
        if (!strcmp (rsp_saip_services[i], name))
            return i;
    return -1;
}

gboolean
rsp_saip_int (RspSlice value, gint64 *ret)
{
    if (!value.len || value.len > 4)
        return FALSE;
    gint64 n = (gint8)value.data[0];
    for (gsize i = 1; i < value.len; i++)
        n = n * 256 + value.data[i];
    *ret = n;
    return TRUE;
}

typedef struct {
    RspSaipFieldFunc visit;
    gpointer data;
    RspSaipProblem *problem;
} Walk;

static gboolean
fail_with (Walk *walk, RspSaipStatus status, const RspSaipField *field, const char *why)
{
    *walk->problem = (RspSaipProblem){.status = status, .why = why, .member = field->name};
    return FALSE;
}

static gboolean
fail (Walk *walk, const RspSaipField *field, const char *why)
{
    return fail_with (walk, RSP_SAIP_INVALID_REQUEST_FORMAT, field, why);
}

static gboolean walk_sequence (Walk *walk, const RspSaipField *members, RspSlice rest, guint depth);
static gboolean walk_field (Walk *walk, const RspSaipField *field, const RspTlv *tlv, guint depth);

static gboolean
walk_list (Walk *walk, const RspSaipField *field, RspSlice rest, guint depth)
{
    guint n = 0;
    RspTlv tlv;
    while (rest.len) {
        if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.tag != field->members->tag)
            return fail (walk, field, "an element has the wrong tag or is malformed");
        n++;
        if (field->max && n > field->max)
            return fail (walk, field, "too many elements");
        if (!walk_field (walk, field->members, &tlv, depth))
            return FALSE;
    }
    return n >= field->min || fail (walk, field, "too few elements");
}

static gboolean
walk_choice (Walk *walk, const RspSaipField *field, RspSlice rest, guint depth)
{
    RspTlv tlv;
    if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || rest.len)
        return fail (walk, field, "not exactly one alternative");
    for (const RspSaipField *m = field->members; m->name; m++)
        if (m->tag == tlv.tag)
            return walk_field (walk, m, &tlv, depth);
    return fail (walk, field, "unknown alternative");
}

static gboolean
check_services (Walk *walk, const RspSaipField *field, RspSlice rest)
{
    gint64 last = -1;
    RspTlv tlv;
    while (rest.len) {
        if (rsp_tlv_next (&rest, &tlv) != RSP_TLV_OK || tlv.value.len)
            return fail (walk, field, "a service is not NULL");
        guint number = tlv.tag <= 0xFF ? tlv.tag & 0x1F : tlv.tag & 0x7F;
        if ((tlv.tag > 0xFF ? tlv.tag >> 8 != 0x9F : (tlv.tag & 0xE0) != 0x80) || number <= last)
            return fail (walk, field, "services repeat or are out of order");
        last = number;
    }
    return TRUE;
}

static gboolean
check_primitive (Walk *walk, const RspSaipField *field, RspSlice value)
{
    gint64 n;
    switch (field->kind) {
    case RSP_SAIP_FIELD_INT:
        if (!rsp_saip_int (value, &n) || n < field->min || n > field->max)
            return fail_with (walk, RSP_SAIP_BAD_VALUES, field, "value out of range");
        return TRUE;
    case RSP_SAIP_FIELD_TEXT:
        if (!g_utf8_validate_len ((const char *)value.data, value.len, NULL))
            return fail (walk, field, "not UTF-8");
        break;
    case RSP_SAIP_FIELD_NULL:
        return !value.len || fail (walk, field, "NULL with content");
    case RSP_SAIP_FIELD_SERVICES:
        return check_services (walk, field, value);
    default:
        break;
    }
    if (value.len < field->min || (field->max && value.len > field->max))
        return fail (walk, field, "wrong length");
    return TRUE;
}

static gboolean
walk_field (Walk *walk, const RspSaipField *field, const RspTlv *tlv, guint depth)
{
    if (walk->visit)
        walk->visit (field, tlv, depth, walk->data);
    switch (field->kind) {
    case RSP_SAIP_FIELD_SEQUENCE:
        return walk_sequence (walk, field->members, tlv->value, depth + 1);
    case RSP_SAIP_FIELD_LIST:
        return walk_list (walk, field, tlv->value, depth + 1);
    case RSP_SAIP_FIELD_CHOICE:
        return walk_choice (walk, field, tlv->value, depth + 1);
    default:
        return check_primitive (walk, field, tlv->value);
    }
}

static gboolean
walk_sequence (Walk *walk, const RspSaipField *members, RspSlice rest, guint depth)
{
    for (const RspSaipField *m = members; m->name; m++) {
        RspSlice after = rest;
        RspTlv tlv;
        RspTlvResult result = rsp_tlv_next (&after, &tlv);
        if (result == RSP_TLV_BAD)
            return fail (walk, m, "malformed");
        if (result == RSP_TLV_OK && tlv.tag == m->tag) {
            if (!walk_field (walk, m, &tlv, depth))
                return FALSE;
            rest = after;
        } else if (!m->optional)
            return fail (walk, m, "missing");
    }
    return TRUE;
}

RspSaipStatus
rsp_saip_schema_walk (const RspSaipField *members, RspSlice body, RspSaipFieldFunc visit,
                      gpointer data, RspSaipProblem *ret_problem)
{
    RspSaipProblem scratch;
    Walk walk = {visit, data, ret_problem ? ret_problem : &scratch};
    *walk.problem = (RspSaipProblem){.status = RSP_SAIP_OK};
    walk_sequence (&walk, members, body, 0);
    return walk.problem->status;
}
