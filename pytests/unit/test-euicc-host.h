/* The other side of a card under test: a small PKI, an SM-DP+ that signs and protects by hand, and
 * a terminal that speaks APDUs. Everything can be made wrong on purpose. */
#pragma once

#include "asn1/tlv.h"
#include "components/euicc/euicc.h"
#include "pki/bsp.h"
#include "pki/hash.h"

#define HOST_EID "89049032001234000000000000000141"
#define HOST_ICCID "8988303000000000010"
#define HOST_OID "1.3.6.1.4.1.50000.1"

typedef struct {
    RspLoop *loop;
    RspActor actor;
    RspKey *ci_key, *eum_key, *euicc_key, *auth_key, *pb_key, *ds_key;
    RspCert *ci, *eum, *euicc, *auth, *pb, *ds;
    GPtrArray *roots;
    RspEuiccConfig config;
    RspEuicc *card;
    guint8 challenge[16], transaction[16];
    guint8 signature1[67], signature2[67]; /* euiccSignature1, smdpSignature2: TLVs */
    guint8 euicc_point[RSP_POINT_SIZE];
    guint segment; /* STORE DATA size */
} Host;

Host *host_new (void);
void host_free (Host *h);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Host, host_free)
void host_restart (Host *h, const char *nvm_path); /* a new card; NULL: in memory */

/* --- Terminal --- */
GBytes *host_apdu (Host *h, RspSlice command);  /* data and SW. (transfer full) */
char *host_apdu_hex (Host *h, const char *hex); /* the same in hex. (transfer full) */
guint host_store (Host *h, RspSlice command, GBytes **ret_data); /* on channel 1; SW */
GBytes *host_es10 (Host *h, const char *hex);                    /* asserts 9000. (transfer full) */
#define assert_es10(h, command, expected)                                                          \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_autoptr (GBytes) got_ = host_es10 (h, command);                                          \
        g_autofree char *hex_ = rsp_hex (rsp_slice_of (got_));                                     \
        g_assert_cmpstr (hex_, ==, expected);                                                      \
    }                                                                                              \
    G_STMT_END
#define assert_apdu(h, command, expected)                                                          \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_autofree char *hex_ = host_apdu_hex (h, command);                                        \
        g_assert_cmpstr (hex_, ==, expected);                                                      \
    }                                                                                              \
    G_STMT_END

/* --- SM-DP+ --- */
typedef enum {
    HOST_FINE,
    HOST_BAD_SIGNATURE,
    HOST_OTHER_CHALLENGE,
    HOST_OTHER_TRANSACTION,
    HOST_OTHER_CI,
    HOST_NO_CI,
} HostTwist;

RspCert *host_issue (Host *h, RspRole role, const char *oid, const RspKey *key,
                     const RspCert *issuer, const RspKey *issuer_key);
RspCert *host_forge (RspCert *cert); /* with a wrong signature */
void host_get_challenge (Host *h);
GBytes *host_authenticate_request (Host *h, RspCert *cert, const RspKey *key, HostTwist twist);
/* Sends it; keeps euiccSignature1. Result: AuthenticateErrorCode, 0 for ok. */
guint host_authenticate (Host *h, RspCert *cert, const RspKey *key, HostTwist twist);
GBytes *host_prepare_request (Host *h, RspCert *cert, const RspKey *key, HostTwist twist,
                              RspSlice offered_otpk, const guint8 *hash_cc);
guint host_prepare (Host *h, RspCert *cert, const RspKey *key, HostTwist twist,
                    RspSlice offered_otpk, const guint8 *hash_cc);
void host_session (Host *h); /* challenge, authentication, preparation: all fine */

/* What goes into a Bound Profile Package; zero is fine. */
typedef struct {
    GBytes *upp, *metadata; /* NULL: host_upp, host_metadata of HOST_ICCID */
    gboolean bad_sign, bad_transaction, bad_point, protection_keys;
    guint8 key_type, key_length, operation; /* 0: the right one */
    gsize host_id_length;                   /* 0: 8 */
    const char *isdp;                       /* hex of the 87's content; NULL: BF24 with the OID */
    const char *keys;                       /* hex of the second 87's content */
    gsize segment;                          /* 0: largest */
    int flip_mac_of;                        /* 1-based segment whose last octet is turned; 0 none */
} HostPackage;
/* One GBytes a STORE DATA chain. (transfer full) */
GPtrArray *host_package (Host *h, const HostPackage *p);
/* Loads: result TLV (BF37) or NULL if none came; *RET_SW of the last chain. */
GBytes *host_load (Host *h, GPtrArray *chains, guint *ret_sw);
/* bppCommandId × 256 + errorReason, 0 for success; asserts that BF37 verifies. */
guint host_result (Host *h, GBytes *bf37);
guint host_download (Host *h, const HostPackage *p); /* session, package, load, result */

/* --- Profiles --- */
GBytes *host_metadata (const char *iccid, RspProfileClass c);
GBytes *host_upp (const char *iccid);
/* TLV in hex out of its parts in hex; the text lasts. */
const char *host_tlv (const char *tag, ...) G_GNUC_NULL_TERMINATED;
#define T(...) host_tlv (__VA_ARGS__, NULL)
const char *host_digits (const char *digits, gboolean swapped); /* F-padded octets in hex */
const char *host_pe_header (const char *iccid, const char *services);
const char *host_pe_mf (const char *iccid);
const char *host_pe_usim (void);
const char *host_pe_aka (const char *identification, const char *key);
const char *host_pe_end (void);
GBytes *host_hex (const char *hex);
GBytes *host_ts48 (const char *name); /* NULL with a skip when the vectors are not there */
