/* Installing a profile package (TCA eUICC Profile Package): profile elements in, a file system out.
 *
 * Elements come one by one, as the segments that carry them are opened. The first one that cannot
 * be taken ends the installation; the response says which and why (EUICCResponse). An element that
 * is not mandated and needs what the card has not is left out as a whole, and the response says so.
 */
#pragma once

#include "components/euicc/euicc-fs.h"

/* What the card gives to a profile. */
typedef struct {
    guint64 services; /* RSP_SERVICE_BIT */
    guint32 memory;   /* octets that are free */
    guint32 worn;     /* octets after which writing fails; 0: none fails */
} RspInstallCard;

typedef struct _RspInstall RspInstall;

RspInstall *rsp_install_new (const RspInstallCard *card);
void rsp_install_free (RspInstall *install);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspInstall, rsp_install_free)

/* Takes the elements that stand whole in *INPUT off it. With LAST nothing may be left over and the
 * end element must have come. The status is that of the element at fault. */
RspSaipStatus rsp_install_feed (RspInstall *install, RspSlice *input, gboolean last);
/* Ends the installation for a reason outside the elements; nothing may be fed any more. */
void rsp_install_abort (RspInstall *install, RspSaipStatus status);
gboolean rsp_install_header_iccid (const RspInstall *install, guint8 out[10]); /* nibble-swapped */
/* TRUE if an NAA key is outside the published test keys. */
gboolean rsp_install_has_operational_key (const RspInstall *install);
/* EUICCResponse. (transfer full) */
GBytes *rsp_install_response (const RspInstall *install);
RspUicc *rsp_install_uicc (RspInstall *install);           /* (transfer none) */
RspUicc *rsp_install_finish (RspInstall *install);         /* (transfer full), once */
RspUiccFile *rsp_install_usim (const RspInstall *install); /* first ADF.USIM, NULL if none */

/* --- euicc-services.c --- */
guint64 rsp_euicc_default_services (void);
guint64 rsp_euicc_capability (guint64 services); /* UICCCapability: bit n is the named bit n */
/* Whether a package of that version is on a card with a runtime. */
gboolean rsp_euicc_has_library (RspSlice aid, guint8 major, guint8 minor);
