/* P-256 keys, ECDSA with SHA-256 (RFC 6979, raw r‖s), ECKA. SGP.22 2.6.
 *
 * A public point is 65 octets, 04 first. Every point that comes from outside is checked (length,
 * form, on the curve, not infinity) before use. Private keys are wiped when freed.
 */
#pragma once

#include "sim/core/bytes.h"
#include "sim/core/rng.h"

#define RSP_POINT_SIZE 65
#define RSP_SIGNATURE_SIZE 64
#define RSP_SHARED_SIZE 32

typedef enum { RSP_KEY_ERROR_FORMAT, RSP_KEY_ERROR_POINT, RSP_KEY_ERROR_CURVE } RspKeyError;
#define RSP_KEY_ERROR (rsp_key_error_quark ())
GQuark rsp_key_error_quark (void);

typedef struct _RspKey RspKey;       /* private */
typedef struct _RspPublic RspPublic; /* public, reference counted */

RspKey *rsp_key_generate (RspRng *rng);
RspKey *rsp_key_from_scalar (const guint8 scalar[32], GError **error);
RspKey *rsp_key_from_pem (const char *pem, gssize len, GError **error); /* SEC1 or PKCS#8 */
char *rsp_key_to_pem (const RspKey *key);   /* PKCS#8. (transfer full), a secret */
GBytes *rsp_key_to_der (const RspKey *key); /* PKCS#8. (transfer full), a secret */
GBytes *rsp_key_scalar (const RspKey *key); /* 32 octets, a secret (rsp_secret_bytes) */
void rsp_key_free (RspKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspKey, rsp_key_free)
const guint8 *rsp_key_point (const RspKey *key); /* RSP_POINT_SIZE octets */

/* Signs the concatenation of PARTS. */
void rsp_key_sign (const RspKey *key, const RspSlice *parts, gsize n,
                   guint8 ret_signature[RSP_SIGNATURE_SIZE]);
/* The same as DER SEQUENCE {r, s}, for certificates. (transfer full) */
GBytes *rsp_key_sign_der (const RspKey *key, RspSlice tbs);

RspPublic *rsp_public_from_point (RspSlice point, GError **error);
RspPublic *rsp_public_of (const RspKey *key);
RspPublic *rsp_public_ref (RspPublic *pub);
void rsp_public_unref (RspPublic *pub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspPublic, rsp_public_unref)
/* SIGNATURE of any length is accepted as input; only 64 octets can verify. */
gboolean rsp_public_verify (const RspPublic *pub, const RspSlice *parts, gsize n,
                            RspSlice signature);
gboolean rsp_public_verify_der (const RspPublic *pub, RspSlice tbs, RspSlice der_signature);
RspSlice rsp_public_point (const RspPublic *pub);

gboolean rsp_point_valid (RspSlice point);
/* ECKA (BSI TR-03111): x coordinate of KEY · POINT. FALSE if the point is not valid. */
gboolean rsp_ecka (const RspKey *key, RspSlice point, guint8 ret_shared[RSP_SHARED_SIZE]);

/* The operations of this process so far, for measurements. */
typedef struct {
    guint64 signatures, verifications, generations, agreements;
} RspKeyCounts;
RspKeyCounts rsp_key_counts (void);
