#include "sim/net/https-private.h"

#include <string.h>

#define RSP_TYPE_TLS_DATABASE (rsp_tls_database_get_type ())
G_DECLARE_FINAL_TYPE (RspTlsDatabase, rsp_tls_database, RSP, TLS_DATABASE, GTlsDatabase)

struct _RspTlsDatabase {
    GTlsDatabase parent;
    RspTlsJudge judge;
    gpointer data;
};

G_DEFINE_TYPE (RspTlsDatabase, rsp_tls_database, G_TYPE_TLS_DATABASE)

GBytes *
rsp_tls_der (GTlsCertificate *certificate)
{
    g_autoptr (GByteArray) der = NULL;
    g_object_get (certificate, "certificate", &der, NULL);
    return der ? g_bytes_new (der->data, der->len) : NULL;
}

static GTlsCertificateFlags
flags_of (RspChainResult result)
{
    switch (result) {
    case RSP_CHAIN_OK:
        return 0;
    case RSP_CHAIN_CI_UNKNOWN:
        return G_TLS_CERTIFICATE_UNKNOWN_CA;
    case RSP_CHAIN_NAME:
        return G_TLS_CERTIFICATE_BAD_IDENTITY;
    case RSP_CHAIN_TIME:
        return G_TLS_CERTIFICATE_EXPIRED;
    case RSP_CHAIN_REVOKED:
        return G_TLS_CERTIFICATE_REVOKED;
    default:
        return G_TLS_CERTIFICATE_GENERIC_ERROR;
    }
}

static GTlsCertificateFlags
verify_chain (GTlsDatabase *database, GTlsCertificate *chain, const char *purpose,
              GSocketConnectable *identity, GTlsInteraction *interaction,
              GTlsDatabaseVerifyFlags flags, GCancellable *cancellable, GError **error)
{
    RspTlsDatabase *self = RSP_TLS_DATABASE (database);
    if (!self->judge)
        return G_TLS_CERTIFICATE_UNKNOWN_CA;
    g_autoptr (GBytes) der = rsp_tls_der (chain);
    return flags_of (self->judge (der, self->data));
}

static void
rsp_tls_database_class_init (RspTlsDatabaseClass *class)
{
    G_TLS_DATABASE_CLASS (class)->verify_chain = verify_chain;
}

static void
rsp_tls_database_init (RspTlsDatabase *self)
{
}

GTlsDatabase *
rsp_tls_database_new (RspTlsJudge judge, gpointer data)
{
    RspTlsDatabase *self = g_object_new (RSP_TYPE_TLS_DATABASE, NULL);
    self->judge = judge;
    self->data = data;
    return G_TLS_DATABASE (self);
}

/* Keeps GIO from reading the host's certificate store at every connection. */
static void
keep_host_certificates_out (void)
{
    static gsize done;
    if (g_once_init_enter (&done)) {
        g_autoptr (GTlsDatabase) none = rsp_tls_database_new (NULL, NULL);
        g_tls_backend_set_default_database (g_tls_backend_get_default (), none);
        g_once_init_leave (&done, 1);
    }
}

GTlsCertificate *
rsp_tls_certificate (const RspCredential *credential, GError **error)
{
    g_autofree char *cert = rsp_cert_to_pem (credential->cert);
    g_autofree char *key = rsp_key_to_pem (credential->key);
    g_autofree char *both = g_strconcat (cert, "\n", key, NULL);
    GTlsCertificate *certificate = g_tls_certificate_new_from_pem (both, -1, error);
    rsp_wipe (key, strlen (key));
    rsp_wipe (both, strlen (both));
    return certificate;
}

/* Servers ---------------------------------------------------------------------------------------
 */

static guint
bound_port (SoupServer *server)
{
    GSList *uris = soup_server_get_uris (server);
    guint port = uris ? (guint)g_uri_get_port (uris->data) : 0;
    g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
    return port;
}

/* GIO leaves the last word on a client's certificate to the application; the database has said it.
 */
static gboolean
on_client_certificate (SoupServerMessage *message, GTlsCertificate *certificate,
                       GTlsCertificateFlags errors, gpointer data)
{
    return errors == 0;
}

static void
on_started (SoupServer *server, SoupServerMessage *message, gpointer data)
{
    g_signal_connect (message, "accept-certificate", G_CALLBACK (on_client_certificate), NULL);
}

SoupServer *
rsp_https_listen (const RspCredential *credential, guint port, RspTlsJudge judge, gpointer data,
                  guint *ret_port, GError **error)
{
    keep_host_certificates_out ();
    g_autoptr (SoupServer) server = soup_server_new ("server-header", NULL, NULL);
    gboolean secure = credential && credential->cert;
    if (secure) {
        g_autoptr (GTlsCertificate) certificate = rsp_tls_certificate (credential, error);
        g_autoptr (GTlsDatabase) database = rsp_tls_database_new (judge, data);
        if (!certificate)
            return NULL;
        soup_server_set_tls_certificate (server, certificate);
        soup_server_set_tls_database (server, database);
        soup_server_set_tls_auth_mode (server, G_TLS_AUTHENTICATION_REQUESTED);
        g_signal_connect (server, "request-started", G_CALLBACK (on_started), NULL);
    }
    g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);
    if (!soup_server_listen (server, address, secure ? SOUP_SERVER_LISTEN_HTTPS : 0, error))
        return NULL;
    *ret_port = bound_port (server);
    return g_steal_pointer (&server);
}

const char *
rsp_https_path (const RspFunction *fn, RspEncoding encoding)
{
    return encoding == RSP_ENC_DER ? RSP_ASN1_PATH : fn->path;
}

const char *
rsp_https_content_type (RspEncoding encoding)
{
    return encoding == RSP_ENC_DER ? RSP_ASN1_CONTENT_TYPE : "application/json";
}

/* SGP.22 6.2, SGP.32 6.1 */
static void
put_protocol (SoupMessageHeaders *headers, const RspFunction *fn)
{
    gboolean esipa = fn && fn->interface == RSP_IF_ESIPA;
    soup_message_headers_replace (headers, "X-Admin-Protocol",
                                  esipa ? RSP_ADMIN_PROTOCOL_ESIPA : RSP_ADMIN_PROTOCOL);
}

void
rsp_https_ask (SoupMessage *message, const RspFunction *fn, RspEncoding encoding, GBytes *body)
{
    SoupMessageHeaders *headers = soup_message_get_request_headers (message);
    put_protocol (headers, fn);
    if (fn->interface == RSP_IF_ESIPA)
        soup_message_headers_replace (headers, "User-Agent", "gsma-rsp-ipad");
    if (fn->interface == RSP_IF_ES9P || fn->interface == RSP_IF_ES11)
        soup_message_headers_replace (headers, "User-Agent", "gsma-rsp-lpad");
    soup_message_set_request_body_from_bytes (message, rsp_https_content_type (encoding), body);
}

void
rsp_https_answer (SoupServerMessage *message, const RspFunction *fn, RspEncoding encoding,
                  guint status, GBytes *body)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
    put_protocol (headers, fn);
    soup_server_message_set_status (message, status, NULL);
    gsize len = body ? g_bytes_get_size (body) : 0;
    if (len > 0) {
        soup_message_headers_set_content_type (headers, rsp_https_content_type (encoding), NULL);
        soup_message_body_append_bytes (soup_server_message_get_response_body (message), body);
    }
}
