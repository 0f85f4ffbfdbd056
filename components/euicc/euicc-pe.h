/* Installing a profile package (TCA eUICC Profile Package): profile elements in, a file system out.
 *
 * Elements come one by one, as the segments that carry them are opened. The first one that cannot
 * be taken ends the installation; the response says which and why (EUICCResponse). */
#pragma once

#include "components/euicc/euicc-fs.h"

/* UICCCapability bits of this card (EUICCInfo2): what a package may demand. */
#define RSP_EUICC_CAPABILITY                                                                       \
    (1ull << 1 | 1ull << 2 | 1ull << 3 | 1ull << 4 | 1ull << 8 | 1ull << 14 | 1ull << 16 |         \
     1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 22 | 1ull << 23 | 1ull << 24)
#define RSP_EUICC_CAPABILITY_BITS 25

typedef struct _RspInstall RspInstall;

RspInstall *rsp_install_new (guint32 limit);
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

/* --- euicc-pe-access.c: CONTEXT is the DF or ADF that the element belongs to --- */
RspSaipStatus rsp_install_pins (RspUicc *uicc, RspUiccFile *context, RspSlice body);
RspSaipStatus rsp_install_puks (RspUicc *uicc, RspSlice body);
/* Sets *RET_OPERATIONAL_KEY for a key outside the published test keys. */
RspSaipStatus rsp_install_aka (RspUicc *uicc, RspUiccFile *context, RspSlice body,
                               gboolean *ret_operational_key);
