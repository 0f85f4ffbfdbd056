/* What the HTTPS transport and the doors share: certificates for GIO, a certificate database that
 * asks the project's own chain check, servers on the loopback address. */
#pragma once

#include <libsoup/soup.h>

#include "sim/net/https.h"
#include "sim/net/transport.h"

#define RSP_ADMIN_PROTOCOL "gsma/rsp/v2.6.0"
#define RSP_ADMIN_PROTOCOL_ESIPA "gsma/rsp/v2.1.0"
#define RSP_MAX_BODY (4u << 20)

/* Judges the certificate that a peer shows, in DER; NULL: none to be had. May run in a thread of
 * GIO's while the main thread waits. */
typedef RspChainResult (*RspTlsJudge) (GBytes *der, gpointer data);
GTlsDatabase *rsp_tls_database_new (RspTlsJudge judge, gpointer data);
/* Certificate and key of CREDENTIAL. (transfer full) */
GTlsCertificate *rsp_tls_certificate (const RspCredential *credential, GError **error);
/* (transfer full) */
GBytes *rsp_tls_der (GTlsCertificate *certificate);

/* A server on 127.0.0.1. CREDENTIAL without a certificate: plain HTTP. JUDGE judges client
 * certificates; none is needed. (transfer full) */
SoupServer *rsp_https_listen (const RspCredential *credential, guint port, RspTlsJudge judge,
                              gpointer data, guint *ret_port, GError **error);
/* The path and the content type of FN in a binding. */
const char *rsp_https_path (const RspFunction *fn, RspEncoding encoding);
const char *rsp_https_content_type (RspEncoding encoding);
/* Headers and body of a request; of an answer, FN NULL: to what is no function. */
void rsp_https_ask (SoupMessage *message, const RspFunction *fn, RspEncoding encoding,
                    GBytes *body);
void rsp_https_answer (SoupServerMessage *message, const RspFunction *fn, RspEncoding encoding,
                       guint status, GBytes *body);
/* Bodies over RSP_MAX_BODY are read off, not kept, and then too large. */
void rsp_https_bound_bodies (SoupServer *server);
gboolean rsp_https_is_too_large (SoupServerMessage *message);
