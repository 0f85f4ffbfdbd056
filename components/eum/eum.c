#include "components/eum/eum.h"

#define DAY ((gint64)86400)

struct _RspEum {
    char *name;
    RspKey *key;
    RspCert *cert;
    RspRng *rng;
};

RspEum *
rsp_eum_new (const char *name, RspKey *key, RspCert *cert, RspRng *rng)
{
    RspEum *eum = g_new0 (RspEum, 1);
    eum->name = g_strdup (name);
    eum->key = key;
    eum->cert = cert;
    eum->rng = rng;
    return eum;
}

void
rsp_eum_free (RspEum *eum)
{
    if (!eum)
        return;
    rsp_rng_free (eum->rng);
    rsp_cert_unref (eum->cert);
    rsp_key_free (eum->key);
    g_free (eum->name);
    g_free (eum);
}

RspCert *
rsp_eum_cert (const RspEum *eum)
{
    return eum->cert;
}

const RspKey *
rsp_eum_key (const RspEum *eum)
{
    return eum->key;
}

RspCert *
rsp_eum_issue_euicc (RspEum *eum, const char *eid, RspSlice point, gint64 start,
                     const RspEuiccCertTwist *twist, GError **error)
{
    const RspEuiccCertTwist none = {0};
    if (!eum->key) {
        g_set_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT,
                     "%s has no key, so it cannot issue a certificate", eum->name);
        return NULL;
    }
    if (!twist)
        twist = &none;
    guint64 serial;
    rsp_rng_fill (eum->rng, &serial, sizeof serial);
    serial = GUINT64_FROM_BE (serial) >> 1;
    const char *organization = rsp_cert_organization (eum->cert);
    const RspCertSpec spec = {
        .role = RSP_ROLE_EUICC,
        .policy = twist->role,
        .country = "ES",
        .organization = twist->organization ? twist->organization : organization,
        .serial_number = eid,
        .common_name = eum->name,
        .serial = serial ? serial : 1,
        .not_before = twist->not_before ? twist->not_before : start - DAY,
        .not_after = twist->not_after ? twist->not_after : G_MAXINT64, /* an eUICC does not age */
        .bad_signature = twist->bad_signature,
        .point = point,
    };
    return rsp_cert_issue (&spec, eum->cert, eum->key, error);
}
