/* State of one build, shared by saip-build.c (document, files of templates), saip-build-profile.c
 * (header), saip-build-codes.c (PINs, keys) and saip-build-elements.c (the other elements). */
#pragma once

#include "asn1/saip-build.h"
#include "asn1/saip-tree.h"

#define RSP_SAIP_MAX_APPS 8

typedef struct {
    const char *section; /* "usim" */
    const RspYaml *node;
    guint turn; /* 0: the first of its section */
    GBytes *aid;
    const char *label;
} RspSaipBuildApp;

typedef struct {
    const RspYaml *doc;
    char *iccid, *type;
    guint8 iccid_octets[10]; /* as in EF.ICCID */
    const char *imsi;        /* (nullable): the USIM's */
    gboolean imsi_override;
    gboolean full; /* descriptors repeat what templates say */
    int mnc_length;
    gint64 major, minor;
    RspMetadata *metadata;
    GByteArray *out; /* the elements, without the header until the end */
    gint64 identification;
    GPtrArray *templates;    /* used, of RspSaipTemplate */
    GByteArray *global_pins; /* key references of the MF's PINs */
    RspSaipBuildApp apps[RSP_SAIP_MAX_APPS];
    guint n_apps;
    RspSlice aid;     /* of the application at hand */
    guint64 services; /* that elements need */
} RspSaipBuild;

gsize rsp_saip_open_element (RspSaipBuild *b, guint32 tag); /* with its PE header */

gboolean rsp_saip_read_profile (RspSaipBuild *b, const char *iccid, GError **error);
/* A document of `elements` and perhaps `metadata`. */
RspProfilePackage *rsp_saip_build_as_said (const RspYaml *doc, const char *iccid, const char *imsi,
                                           GError **error);
gboolean rsp_saip_read_pins (RspSaipBuild *b, GError **error); /* the MF's references */
gboolean rsp_saip_pin_references (const RspYaml *pins, GByteArray *out, GError **error);
gboolean rsp_saip_build_global (RspSaipBuild *b, GError **error); /* pukCodes, pinCodes of the MF */
/* pinCodes and akaParameter of the DF just built; both nodes may be NULL. */
gboolean rsp_saip_build_local (RspSaipBuild *b, const RspYaml *pins, const RspYaml *aka,
                               GError **error);
/* An element given by its components' ASN.1 names (MAP). */
gboolean rsp_saip_put_named (RspSaipBuild *b, guint32 tag, const RspYaml *map, GError **error);
gboolean rsp_saip_build_tail (RspSaipBuild *b, GError **error); /* files, SDs, RFM, end */
void rsp_saip_put_header (RspSaipBuild *b);                     /* in front of everything */

/* Members of a map or list; 0 for a scalar or NULL. */
guint rsp_saip_n_members (const RspYaml *node);
/* A map or list, or blank; NULL is fine. */
gboolean rsp_saip_want (const RspYaml *node, RspYamlKind kind, GError **error);
/* Octets in hex, MIN to MAX of them. An optional one that is absent leaves *RET alone. */
gboolean rsp_saip_opt_octets (const RspYaml *map, const char *key, gsize min, gsize max,
                              GBytes **ret, GError **error);
gboolean rsp_saip_need_octets (const RspYaml *map, const char *key, gsize min, gsize max,
                               GBytes **ret, GError **error);
/* Writes them: nothing when absent, or OTHERWISE (hex). */
gboolean rsp_saip_put_octets (GByteArray *out, guint32 tag, const RspYaml *map, const char *key,
                              gsize min, gsize max, GError **error);
gboolean rsp_saip_put_default (GByteArray *out, guint32 tag, const RspYaml *map, const char *key,
                               gsize min, gsize max, const char *otherwise, GError **error);
void rsp_saip_need_service (RspSaipBuild *b, const char *name);
