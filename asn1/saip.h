/* Profile packages (TCA eUICC Profile Package, "SAIP"): elements, file-system templates, building
 * from YAML, checking, printing. A package is a concatenation of DER TLVs, one an element.
 *
 * Elements and files borrow the package's octets. The same reading of files (template, descriptor,
 * content) serves the card, the checker and the printer; what is wrong with a package is a
 * RspSaipStatus, which is also what the card reports in its EUICCResponse.
 */
#pragma once

#include "asn1/metadata.h"
#include "asn1/tlv.h"
#include "sim/core/yaml.h"

/* PEStatus. status of the EUICCResponse. */
typedef enum {
    RSP_SAIP_OK = 0,
    RSP_SAIP_PE_NOT_SUPPORTED = 1,
    RSP_SAIP_MEMORY_FAILURE = 2,
    RSP_SAIP_BAD_VALUES = 3,
    RSP_SAIP_NOT_ENOUGH_MEMORY = 4,
    RSP_SAIP_INVALID_REQUEST_FORMAT = 5,
    RSP_SAIP_INVALID_PARAMETER = 6,
    RSP_SAIP_RUNTIME_NOT_SUPPORTED = 7,
    RSP_SAIP_LIB_NOT_SUPPORTED = 8,
    RSP_SAIP_TEMPLATE_NOT_SUPPORTED = 9,
    RSP_SAIP_FEATURE_NOT_SUPPORTED = 10,
    RSP_SAIP_PIN_CODE_MISSING = 11,
    RSP_SAIP_UNSUPPORTED_PROFILE_VERSION = 31,
} RspSaipStatus;
const char *rsp_saip_status_name (RspSaipStatus status); /* "pe-not-supported"; NULL if unknown */

/* Services of a profile header's eUICC-Mandatory-services, by their tag number. */
typedef enum {
    RSP_SERVICE_CONTACTLESS = 0,
    RSP_SERVICE_USIM = 1,
    RSP_SERVICE_ISIM = 2,
    RSP_SERVICE_CSIM = 3,
    RSP_SERVICE_MILENAGE = 4,
    RSP_SERVICE_TUAK128 = 5,
    RSP_SERVICE_EAP = 10,
    RSP_SERVICE_JAVACARD = 11,
    RSP_SERVICE_MULTOS = 12,
    RSP_SERVICE_MULTIPLE_USIM = 13,
    RSP_SERVICE_MULTIPLE_ISIM = 14,
    RSP_SERVICE_MULTIPLE_CSIM = 15,
    RSP_SERVICE_TUAK256 = 16,
    RSP_SERVICE_USIM_TEST_ALGORITHM = 17,
    RSP_SERVICE_BER_TLV = 18,
    RSP_SERVICE_DF_LINK = 19,
    RSP_SERVICE_CAT_TP = 20,
    RSP_SERVICE_GET_IDENTITY = 21,
    RSP_SERVICE_PROFILE_A = 22,
    RSP_SERVICE_PROFILE_B = 23,
} RspSaipService;
/* Their names, by number, NULL-terminated. */
extern const char *const rsp_saip_services[];
const char *rsp_saip_service_name (guint n);    /* NULL if unknown */
int rsp_saip_service_number (const char *name); /* -1 if unknown */
#define RSP_SERVICE_BIT(service) (G_GUINT64_CONSTANT (1) << (service))

/* Where and why. The text is static; MEMBER and OFFSET (octets into the element) may be absent. */
typedef struct {
    RspSaipStatus status;
    const char *why;
    const char *member; /* "ef-imsi", NULL */
    gsize offset;
} RspSaipProblem;

typedef enum {
    RSP_SAIP_HEADER = 0xA0,
    RSP_SAIP_GENERIC_FILE_MANAGEMENT = 0xA1,
    RSP_SAIP_PIN_CODES = 0xA2,
    RSP_SAIP_PUK_CODES = 0xA3,
    RSP_SAIP_AKA_PARAMETER = 0xA4,
    RSP_SAIP_CDMA_PARAMETER = 0xA5,
    RSP_SAIP_SECURITY_DOMAIN = 0xA6,
    RSP_SAIP_RFM = 0xA7,
    RSP_SAIP_APPLICATION = 0xA8,
    RSP_SAIP_NON_STANDARD = 0xA9,
    RSP_SAIP_END = 0xAA,
    RSP_SAIP_MF = 0xB0,
    RSP_SAIP_CD = 0xB1,
    RSP_SAIP_TELECOM = 0xB2,
    RSP_SAIP_USIM = 0xB3,
    RSP_SAIP_OPT_USIM = 0xB4,
    RSP_SAIP_ISIM = 0xB5,
    RSP_SAIP_OPT_ISIM = 0xB6,
    RSP_SAIP_PHONEBOOK = 0xB7,
    RSP_SAIP_GSM_ACCESS = 0xB8,
    RSP_SAIP_CSIM = 0xB9,
    RSP_SAIP_OPT_CSIM = 0xBA,
    RSP_SAIP_EAP = 0xBB,
    RSP_SAIP_DF_5GS = 0xBC,
    RSP_SAIP_DF_SAIP = 0xBD,
    RSP_SAIP_DF_SNPN = 0xBE,
    RSP_SAIP_DF_5GPROSE = 0xBF1F,
} RspSaipTag;

/* One file, or a run of equal files (EF.ICON …), of a template. */
typedef struct {
    const char *member; /* PE member name: "ef-iccid" */
    const char *parent; /* member name of the DF it stands in, NULL: the template's own root */
    guint8 tag_no;      /* context tag number of the member in its element */
    guint8 kind;        /* file descriptor octet: 0x41 transparent, 0x42 linear fixed, 0x46 cyclic,
                           0x78 DF, 0x79 BER-TLV */
    gboolean adf;
    gboolean required;            /* the profile has to give the content */
    guint16 fid, fid_last;        /* 0: given by the profile; fid_last ≥ fid: a range */
    guint16 records, record_size; /* 0: not a record file, or given by the profile */
    guint32 size;                 /* octets; 0: given by the profile */
    guint8 arr_record;            /* EF.ARR record; 0: given by the profile */
    gint8 sfi;                    /* short EF identifier, -1 none */
    RspSlice head, tail; /* default content: head, its last octet repeated, tail; both empty: FF */
    gboolean repeat;     /* default content: head repeated */
} RspSaipFile;

typedef struct {
    const char *oid;          /* dotted: "2.23.143.1.2.1" */
    RspSlice oid_octets;      /* content octets of the OBJECT IDENTIFIER */
    guint32 element;          /* tag of the element that uses it */
    const RspSaipFile *files; /* by tag_no, ended by a NULL member */
} RspSaipTemplate;

typedef struct {
    guint32 tag;
    const char *name, *type; /* "opt-usim", "PE-OPT-USIM" */
    gboolean by_default;     /* files of the template exist when the profile does not name them */
    const char *const *members; /* place = context tag number, NULL-terminated; NULL: no files */
    guint n_members;
} RspSaipElementType;

/* NULL if unknown. */
const RspSaipElementType *rsp_saip_element_type (guint32 tag);
const RspSaipElementType *rsp_saip_element_by_name (const char *name);
const char *rsp_saip_element_name (guint32 tag);
const char *rsp_saip_member (guint32 element_tag, guint member_tag_no); /* NULL if unknown */
const RspSaipTemplate *rsp_saip_template (const char *oid);
const RspSaipTemplate *rsp_saip_template_of (RspSlice oid_octets);
const RspSaipTemplate *const *rsp_saip_templates (void); /* all, NULL-terminated */

typedef struct {
    guint32 tag;
    const RspSaipElementType *type; /* NULL: unknown element */
    RspSlice whole, body;           /* the TLV, its content */
    gboolean mandated;
    gint32 identification;           /* -1: none (the header, or none readable) */
    RspSlice template_id;            /* OID content octets; empty: no such member */
    const RspSaipTemplate *template; /* NULL: none, unknown, or another element's */
} RspSaipElement;

/* Takes the next element off *INPUT. BAD also where its PE header or templateID cannot be read. */
RspTlvResult rsp_saip_next (RspSlice *input, RspSaipElement *ret_element);

/* A file as a profile describes it: the descriptor laid over the template. */
typedef struct {
    const RspSaipFile *row; /* NULL in genericFileManagement */
    const char *parent;     /* row->parent: the DF of the template in which it stands */
    gboolean root;          /* the DF or ADF that the template is about */
    guint8 kind;
    guint8 lcsi, special; /* 05 and 00 unless given */
    guint8 sfi;           /* 0: none */
    guint16 fid;          /* temporary for an ADF */
    guint16 records, record_size;
    guint32 size, maximum; /* octets of the body; BER-TLV: reserved, and limit (0: none) */
    guint16 arr_fid;       /* 0x2F06 or 0x6F06 */
    guint8 arr_record;
    RspSlice security; /* securityAttributesReferenced as given; empty: the template's */
    RspSlice aid;      /* dfName */
    RspSlice pins;     /* pinStatusTemplateDO: key references */
    gboolean linked;   /* linkPath with content: shares the body of the file at LINK */
    RspSlice link;
    gboolean has_fill, has_repeat; /* fillPattern, repeatPattern */
    RspSlice pattern;
    RspSlice content; /* TLVs of fillFileOffset and fillFileContent, for rsp_saip_fill */
} RspSaipFileDef;

typedef enum {
    RSP_SAIP_CREATE, /* a file, with its content */
    RSP_SAIP_SELECT, /* genericFileManagement: filePath in LINK (empty: the MF) */
    RSP_SAIP_UPDATE, /* genericFileManagement: CONTENT for the EF that a path selected */
} RspSaipAction;
/* Anything but RSP_SAIP_OK stops the walk and becomes its result; set *PROBLEM->why then. */
typedef RspSaipStatus (*RspSaipFileFunc) (RspSaipAction action, const RspSaipFileDef *file,
                                          gpointer data, RspSaipProblem *problem);
/* Every file of an element with a known template, or of genericFileManagement, in order: also those
 * that exist by default, not those marked doNotCreate. */
RspSaipStatus rsp_saip_files (const RspSaipElement *element, RspSaipFileFunc func, gpointer data,
                              RspSaipProblem *ret_problem);
/* The initial body: default content, then the profile's. OUT has FILE->size octets (not for BER-TLV
 * or DF). Content beyond the end: RSP_SAIP_INVALID_PARAMETER. */
RspSaipStatus rsp_saip_fill (const RspSaipFileDef *file, guint8 *out);
/* The profile's content alone, over a body that exists. */
RspSaipStatus rsp_saip_update (RspSlice content, guint8 *body, gsize size);
gsize rsp_saip_extent (RspSlice content); /* octets from the beginning to the end of CONTENT */

/* --- Whole packages --- */

typedef struct {
    char *iccid;
    char *type;  /* profileType of the header */
    GBytes *upp; /* the unprotected profile package */
    RspMetadata *metadata;
} RspProfilePackage;

void rsp_profile_package_free (RspProfilePackage *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspProfilePackage, rsp_profile_package_free)

/* Builds from a description (docs/profiles.md). ICCID and IMSI (nullable) override. */
RspProfilePackage *rsp_saip_build (const RspYaml *doc, const char *iccid, const char *imsi,
                                   GError **error);
/* Reads a map of `metadata:` (docs/profiles.md) over METADATA: what it names replaces. */
gboolean rsp_saip_read_metadata (RspMetadata *metadata, const RspYaml *map, GError **error);
/* A package in DER; the metadata is made from its header. */
RspProfilePackage *rsp_saip_from_der (GBytes *der, GError **error);
/* Another ICCID in a package: header and EF.ICCID. (transfer full) */
GBytes *rsp_saip_with_iccid (GBytes *upp, const char *iccid, GError **error);
/* PINs and PUKs that are a subscriber's own, by their names in a description. */
typedef struct {
    const char *name;
    guint8 reference;
    gboolean puk;
} RspSaipCode;
#define RSP_SAIP_N_CODES 14
extern const RspSaipCode rsp_saip_codes[RSP_SAIP_N_CODES];
/* Which of them a package has, bit by place in the table. */
guint rsp_saip_codes_of (RspSlice upp);
/* What tells one subscriber's package from another's; what is NULL or empty stays. */
typedef struct {
    const char *iccid, *imsi;            /* digits */
    const char *codes[RSP_SAIP_N_CODES]; /* digits, by place in rsp_saip_codes */
    RspSlice key, opc;                   /* of every akaParameter with an algorithm */
} RspSaipPersonal;
/* The same package for another subscriber. What WHO gives has to be there: a package without PIN1
 * is refused a PIN1. (transfer full) (nullable) */
GBytes *rsp_saip_personalise (GBytes *upp, const RspSaipPersonal *who, GError **error);
/* The first USIM's IMSI as digits; FALSE where there is none in one piece. */
gboolean rsp_saip_imsi_of (GBytes *upp, char out[16]);
/* The header's ICCID as digits. (transfer full) (nullable) */
char *rsp_saip_iccid (RspSlice upp);
typedef struct {
    guint element;      /* from 1; 0: the package as a whole */
    gsize offset;       /* octets into the package: of the element, of its member where known */
    const char *name;   /* of the element, NULL: unknown */
    const char *member; /* "ef-imsi"; NULL */
    char *text;         /* "element N name (identification): member: rule" */
} RspSaipViolation;
/* Every violation, none: an empty array. (transfer full) (element-type RspSaipViolation) */
GPtrArray *rsp_saip_check (RspSlice upp);
/* Human text of a package, one block an element. (transfer full) */
char *rsp_saip_show (GBytes *upp, GError **error);
