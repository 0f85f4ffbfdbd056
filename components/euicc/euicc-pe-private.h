/* The parts of an installation; see euicc-pe.h. */
#pragma once

#include "components/euicc/euicc-pe.h"

#include "asn1/saip-schema.h"

typedef struct {
    const char *member;
    RspUiccFile *file;
} RspInstallNamed;

/* What an element has changed, to take it back. */
typedef struct {
    RspUiccFile *file; /* made; or NULL: BODY held OLD */
    RspUiccBody *body;
    guint8 *old; /* owned */
    guint32 used;
} RspInstallChange;

typedef enum { RSP_NAA_USIM, RSP_NAA_ISIM, RSP_NAA_CSIM, RSP_N_NAAS } RspInstallNaa;

struct _RspInstall {
    RspInstallCard card;
    RspUicc *uicc;
    guint8 iccid[10];
    gboolean header, end, aborted, operational_key;
    guint n_elements;
    GByteArray *statuses;
    guint8 *identifications; /* a bit each */
    guint8 pins_set[32];     /* PIN references that have a value, a bit each */
    /* where what follows belongs */
    RspUiccFile *context;         /* of pinCodes */
    RspUiccFile *adf;             /* of akaParameter and cdmaParameter */
    RspUiccFile *naa[RSP_N_NAAS]; /* of opt-…, phonebook and the like: the last of its kind */
    RspUiccFile *first_usim;
    gboolean context_skipped, adf_skipped, naa_skipped[RSP_N_NAAS];
    gboolean domain_skipped; /* a securityDomain was left out */
    gboolean files_skipped;  /* a DF or ADF was left out */
    guint n_naas[RSP_N_NAAS];
    guint32 seen;                 /* elements that come once a package, by tag & 1F */
    guint32 seen_naa[RSP_N_NAAS]; /* and once an application */
    /* within the element at hand */
    const RspSaipElement *element;
    RspUiccFile *root, *current_df, *current_ef, *pins_df;
    RspInstallNamed named[32];
    guint n_named;
    GArray *changes; /* of RspInstallChange */
};

static inline gboolean
rsp_install_offers (const RspInstall *in, RspSaipService service)
{
    return in->card.services >> service & 1;
}

/* The element's components against their description. */
RspSaipStatus rsp_install_check_fields (const RspSaipElement *element);
RspSaipStatus rsp_install_header (RspInstall *in, const RspSaipElement *element);
/* FALSE if TAG may not come again here. */
gboolean rsp_install_first_time (RspInstall *in, guint32 tag);

/* --- euicc-pe-files.c --- */
RspSaipStatus rsp_install_generic_files (RspInstall *in, const RspSaipElement *element);
RspSaipStatus rsp_install_template (RspInstall *in, const RspSaipElement *element);
/* ELEMENT is left out: what it has made goes, and what hangs on it goes the same way. */
void rsp_install_skip_files (RspInstall *in, const RspSaipElement *element);

/* --- euicc-pe-access.c --- */
RspSaipStatus rsp_install_pins (RspInstall *in, const RspSaipElement *element);
RspSaipStatus rsp_install_puks (RspInstall *in, const RspSaipElement *element);
RspSaipStatus rsp_install_aka (RspInstall *in, const RspSaipElement *element);
RspSaipStatus rsp_install_cdma (RspInstall *in, const RspSaipElement *element);
/* Whether every PIN that a DF names exists. */
RspSaipStatus rsp_install_check_pins (const RspInstall *in);

/* --- euicc-pe-apps.c --- */
RspSaipStatus rsp_install_domain (RspInstall *in, const RspSaipElement *element);
RspSaipStatus rsp_install_rfm (RspInstall *in, const RspSaipElement *element);
RspSaipStatus rsp_install_application (RspInstall *in, const RspSaipElement *element);
