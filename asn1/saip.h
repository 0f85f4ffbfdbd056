/* Profile packages (TCA eUICC Profile Package, "SAIP"): templates, building from YAML, checking,
 * splitting into profile elements. A package is a concatenation of DER TLVs, one an element. */
#pragma once

#include "asn1/metadata.h"
#include "asn1/tlv.h"
#include "sim/core/yaml.h"

typedef struct {
    char *iccid;
    char *type; /* profileType of the header */
    GBytes *upp; /* the unprotected profile package */
    RspMetadata *metadata;
} RspProfilePackage;

void rsp_profile_package_free (RspProfilePackage *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspProfilePackage, rsp_profile_package_free)

/* Builds from a description (docs/scenarios.md, "Profiles"). ICCID and IMSI (nullable) override. */
RspProfilePackage *rsp_saip_build (const RspYaml *doc, const char *iccid, const char *imsi,
                                   GError **error);
/* A package in DER; the metadata is made from its header. */
RspProfilePackage *rsp_saip_from_der (GBytes *der, GError **error);
/* Tag (0xA0 header, 0xB0 mf, 0xAA end, …) to the element's name and ASN.1 type; NULL if unknown. */
const char *rsp_saip_element_name (guint32 tag);
const char *rsp_saip_element_type (guint32 tag);
/* Human text of a package, one block an element. (transfer full) */
char *rsp_saip_show (GBytes *upp, GError **error);

/* File-system templates (saip-templates.tsv of the specification facts): one row a file. */
typedef struct {
    const char *member;   /* PE member name: "ef-iccid" */
    guint16 fid;
    guint8 kind;          /* file descriptor byte: 0x41 transparent, 0x42 linear fixed, 0x46 cyclic, 0x78 DF/ADF, 0x79 BER-TLV */
    guint16 records, record_size; /* 0, 0 for transparent */
    guint32 size;         /* octets; 0: given by the profile */
    guint8 arr_record;    /* EF.ARR record of the template */
    gint8 sfi;            /* short EF identifier, -1 none */
    const char *content;  /* default content pattern in hex ("FF", "00", …) or NULL */
    gboolean by_default;  /* created when the member is absent */
    const char *parent;   /* member name of the DF it stands in, NULL: the template's own root */
} RspSaipFile;

/* OID dotted ("2.23.143.1.2.1") → its files, ended by a NULL member; NULL if unknown. */
const RspSaipFile *rsp_saip_template (const char *oid);
