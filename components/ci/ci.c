#include "components/ci/ci.h"

#include "pki/hash.h"

#include <string.h>

#define DAY ((gint64)86400)
#define YEARS(n) ((n)*365 * DAY + (n) / 4 * DAY)
#define ROOT_YEARS 35
#define EUM_YEARS 34
#define SERVER_YEARS 10
#define TLS_DAYS 398

struct _RspCi {
    char *name, *crl_uri;
    RspKey *key;
    RspCert *cert;
    RspRng *rng; /* NULL for a given issuer: serial numbers are then derived */
    gint64 start;
    guint64 issued;
    guint64 crl_number;
    GPtrArray *revoked; /* of GBytes: serial numbers */
};

/* 63 bits, never 0. */
static guint64
next_serial (RspCi *ci)
{
    guint64 serial = 0;
    guint8 octets[RSP_SHA256_SIZE];
    ci->issued++;
    if (ci->rng) {
        rsp_rng_fill (ci->rng, &serial, sizeof serial);
    } else {
        const guint64 count = GUINT64_TO_BE (ci->issued),
                      start = GUINT64_TO_BE ((guint64)ci->start);
        const RspSlice parts[] = {rsp_cert_ski (ci->cert), RSP_SLICE (&start, sizeof start),
                                  RSP_SLICE (&count, sizeof count)};
        rsp_sha256 (parts, G_N_ELEMENTS (parts), octets);
        memcpy (&serial, octets, sizeof serial);
    }
    serial = GUINT64_FROM_BE (serial) >> 1;
    return serial ? serial : 1;
}

static RspCi *
ci_start (const char *name, gint64 start)
{
    RspCi *ci = g_new0 (RspCi, 1);
    ci->name = g_strdup (name);
    ci->crl_uri = g_strdup_printf ("http://%s.example.com/CRL-A.crl", name);
    ci->start = start;
    ci->revoked = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    return ci;
}

RspCi *
rsp_ci_new (const char *name, RspRng *rng, gint64 start, GError **error)
{
    g_autoptr (RspCi) ci = ci_start (name, start);
    ci->rng = rng;
    ci->key = rsp_key_generate (rng);
    const RspCertSpec spec = {.role = RSP_ROLE_CI,
                              .common_name = name,
                              .organization = name,
                              .oid = "2.999.1",
                              .serial = next_serial (ci),
                              .not_before = start - DAY,
                              .not_after = start + YEARS (ROOT_YEARS),
                              .point = RSP_SLICE (rsp_key_point (ci->key), RSP_POINT_SIZE)};
    ci->cert = rsp_cert_issue (&spec, NULL, ci->key, error);
    return ci->cert ? g_steal_pointer (&ci) : NULL;
}

RspCi *
rsp_ci_given (const char *name, RspCert *cert, RspKey *key, gint64 start)
{
    RspCi *ci = ci_start (name, start);
    ci->cert = cert;
    ci->key = key;
    return ci;
}

void
rsp_ci_free (RspCi *ci)
{
    if (!ci)
        return;
    g_clear_pointer (&ci->rng, rsp_rng_free);
    g_clear_pointer (&ci->revoked, g_ptr_array_unref);
    rsp_cert_unref (ci->cert);
    rsp_key_free (ci->key);
    g_free (ci->crl_uri);
    g_free (ci->name);
    g_free (ci);
}

RspCert *
rsp_ci_cert (const RspCi *ci)
{
    return ci->cert;
}

const RspKey *
rsp_ci_key (const RspCi *ci)
{
    return ci->key;
}

static RspCert *
issue (RspCi *ci, RspCertSpec *spec, gint64 validity, const RspCertTwist *twist, GError **error)
{
    const RspCertTwist none = {0};
    if (!ci->key) {
        g_set_error (error, RSP_CERT_ERROR, RSP_CERT_ERROR_FORMAT,
                     "%s has no key, so it cannot issue a certificate", ci->name);
        return NULL;
    }
    if (!twist)
        twist = &none;
    spec->crl_uri = ci->crl_uri;
    spec->serial = next_serial (ci);
    spec->policy = twist->role;
    spec->not_before = twist->not_before ? twist->not_before : ci->start - DAY;
    spec->not_after = twist->not_after ? twist->not_after : ci->start + validity;
    spec->bad_signature = twist->bad_signature;
    spec->p384 = twist->p384;
    return rsp_cert_issue (spec, ci->cert, ci->key, error);
}

RspCert *
rsp_ci_issue_server (RspCi *ci, RspRole role, const char *name, const char *oid, const char *fqdn,
                     RspSlice point, const RspCertTwist *twist, GError **error)
{
    gboolean tls = role == RSP_ROLE_DP_TLS || role == RSP_ROLE_DS_TLS;
    RspCertSpec spec = {.role = role,
                        .organization = name,
                        .common_name = tls ? fqdn : name,
                        .oid = oid,
                        .dns = tls ? fqdn : NULL,
                        .point = point};
    return issue (ci, &spec, tls ? TLS_DAYS * DAY : YEARS (SERVER_YEARS), twist, error);
}

RspCert *
rsp_ci_issue_eum (RspCi *ci, const char *organization, const char *eid_prefix, const char *oid,
                  RspSlice point, const RspCertTwist *twist, GError **error)
{
    RspCertSpec spec = {.role = RSP_ROLE_EUM,
                        .country = "ES",
                        .organization = organization,
                        .common_name = organization,
                        .oid = oid,
                        .eid_prefix = eid_prefix,
                        .point = point};
    return issue (ci, &spec, YEARS (EUM_YEARS), twist, error);
}

RspCert *
rsp_ci_issue_client (RspCi *ci, const char *name, RspSlice point, const RspCertTwist *twist,
                     GError **error)
{
    RspCertSpec spec = {.organization = name, .common_name = name, .point = point};
    return issue (ci, &spec, TLS_DAYS * DAY, twist, error);
}

void
rsp_ci_revoke (RspCi *ci, const RspCert *cert)
{
    g_ptr_array_add (ci->revoked, rsp_slice_to_bytes (rsp_cert_serial (cert)));
}

GBytes *
rsp_ci_issue_crl (RspCi *ci, RspCrlSpec spec)
{
    if (spec.number == 0)
        spec.number = ci->crl_number + 1;
    ci->crl_number = MAX (ci->crl_number, spec.number);
    if (!spec.serials)
        spec.serials = ci->revoked;
    return rsp_crl_issue (&spec, ci->cert, ci->key);
}
