/* The file system of a profile (ETSI TS 102 221 8 and 11.1.1): a tree of DFs and EFs, made once
 * from the profile elements and then read by the terminal.
 *
 * Files and their bodies live in the tree's own arena and go with it. An ADF hangs below the MF for
 * paths, by its temporary FID, but is found by its AID only once installation is over. A link
 * shares the body of its target and owns everything else. */
#pragma once

#include "asn1/saip.h"

typedef struct _RspUiccFile RspUiccFile;

typedef struct {
    guint8 *data;             /* BER-TLV: as much as may be reserved, NULL while it is empty */
    guint32 size;             /* BER-TLV: reserved */
    guint32 used;             /* BER-TLV: octets of its objects */
    const RspUiccFile *owner; /* the file that is no link */
} RspUiccBody;

struct _RspUiccFile {
    RspUiccFile *parent, *first, *last, *next;
    RspUiccFile *pins_from; /* the DF whose PINs this one shares */
    RspUiccBody *body;      /* EFs */
    RspSlice aid;           /* ADFs */
    RspSlice pins;          /* key references of a DF */
    guint32 maximum;        /* BER-TLV */
    guint16 fid, records, record_size, arr_fid;
    guint8 kind, sfi, lcsi, special, arr_record;
};

typedef struct {
    const RspUiccFile *df;
    guint8 reference, value[8], unblock; /* unblock: PUK reference, 0 none */
    guint8 attributes, max, left; /* attributes: b1 enabled, b2 changeable, b3 can be disabled */
    gboolean puk;
    gboolean verified; /* since the last reset */
} RspUiccPin;

/* Elements kept for applications: AKA parameters, security domains, RFM … */
typedef struct {
    guint32 tag;
    const RspUiccFile *context;
    RspSlice whole;
} RspUiccKept;

typedef struct _RspUicc RspUicc;

RspUicc *rsp_uicc_new (guint32 limit); /* LIMIT: octets it may take */
void rsp_uicc_free (RspUicc *uicc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspUicc, rsp_uicc_free)

RspUiccFile *rsp_uicc_mf (const RspUicc *uicc); /* NULL until it is made */
guint32 rsp_uicc_used (const RspUicc *uicc);

/* Makes DEF below PARENT (NULL for the MF). *RET_FILE is set on RSP_SAIP_OK alone. */
RspSaipStatus rsp_uicc_add (RspUicc *uicc, RspUiccFile *parent, const RspSaipFileDef *def,
                            RspUiccFile **ret_file, RspSaipProblem *problem);
/* CONTENT (fillFileOffset, fillFileContent) over what EF holds. */
RspSaipStatus rsp_uicc_update (RspUicc *uicc, RspUiccFile *ef, RspSlice content);
/* Removes FILE, the last one added that is still there. */
void rsp_uicc_take_back (RspUicc *uicc, RspUiccFile *file);
RspSaipStatus rsp_uicc_add_pin (RspUicc *uicc, const RspUiccPin *pin);
RspUiccPin *rsp_uicc_pin (const RspUicc *uicc, const RspUiccFile *df, guint8 reference,
                          gboolean puk);
gboolean rsp_uicc_keep (RspUicc *uicc, guint32 tag, const RspUiccFile *context, RspSlice whole);
const RspUiccKept *rsp_uicc_kept (const RspUicc *uicc, guint i); /* NULL past the end */

/* Another content of an EF; FALSE where it does not fit. */
guint32 rsp_uicc_room (const RspUiccFile *ef); /* octets that its body may have */
gboolean rsp_uicc_set_body (RspUicc *uicc, RspUiccFile *file, RspSlice content);
/* The local PINs of DF are no longer verified. */
void rsp_uicc_forget_local (RspUicc *uicc, const RspUiccFile *df);

gboolean rsp_uicc_is_df (const RspUiccFile *file);
RspUiccFile *rsp_uicc_child (const RspUiccFile *df, guint16 fid);
RspUiccFile *rsp_uicc_by_sfi (const RspUiccFile *df, guint8 sfi);
/* PATH: FIDs from below FROM. With TEMPORARY, the first may be the temporary FID of an ADF. */
RspUiccFile *rsp_uicc_path (const RspUicc *uicc, RspUiccFile *from, RspSlice path,
                            gboolean temporary);
/* The ADF of an AID, which may be cut on the right; AFTER (nullable): the next one behind it. */
RspUiccFile *rsp_uicc_adf (const RspUicc *uicc, RspSlice aid, const RspUiccFile *after);
RspUiccFile *rsp_uicc_application (RspUiccFile *file); /* the ADF it stands in, or NULL */
/* FIDs from the MF down, an ADF by its temporary one: "3F00/7FC0/6F07". (transfer full) */
char *rsp_uicc_name (const RspUiccFile *file);
RspUiccFile *rsp_uicc_by_name (const RspUicc *uicc, const char *name); /* NULL: none */

/* File control parameters, tag 62. FREE_MEMORY is what the MF tells of the card. */
void rsp_uicc_fcp (const RspUicc *uicc, const RspUiccFile *file, guint32 free_memory,
                   GByteArray *out);
