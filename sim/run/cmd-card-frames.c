/* The card behind a byte stream: in a virtual PC/SC reader (vpcd) or for clients of a TCP port. */
#include "sim/run/cmd-card.h"

#include <gio/gio.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VPCD_PORT 35963

typedef struct {
    RspEuicc *card;
    GSocketConnection *connection; /* owned */
    GInputStream *in;
    GOutputStream *out;
} Reader;

/* FALSE at the end of the connection or with ERROR set. */
static gboolean
read_exactly (Reader *r, guint8 *out, gsize size, GError **error)
{
    gsize got = 0;
    if (!g_input_stream_read_all (r->in, out, size, &got, NULL, error))
        return FALSE;
    /* The reader's driver waits for the acknowledgement: 40 ms an APDU without this. */
    int fd = g_socket_get_fd (g_socket_connection_get_socket (r->connection)), on = 1;
    setsockopt (fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    return got == size;
}

static gboolean
write_frame (Reader *r, GBytes *body, GError **error)
{
    RspSlice b = rsp_slice_of (body);
    g_autoptr (GByteArray) frame = g_byte_array_sized_new ((guint)b.len + 2);
    guint8 head[2] = {(guint8)(b.len >> 8), (guint8)b.len};
    g_byte_array_append (frame, head, sizeof head);
    g_byte_array_append (frame, b.data, (guint)b.len);
    return g_output_stream_write_all (r->out, frame->data, frame->len, NULL, NULL, error);
}

/* One octet is for the slot: 0 power off, 1 power on, 2 reset, 4 the ATR is asked for. */
static gboolean
serve_control (Reader *r, guint8 control, GError **error)
{
    if (control <= 2) {
        rsp_euicc_reset (r->card);
        return TRUE;
    }
    if (control != 4)
        return TRUE;
    g_autoptr (GBytes) atr = rsp_euicc_atr (r->card);
    return write_frame (r, atr, error);
}

static gboolean
serve_frame (Reader *r, GError **error)
{
    guint8 head[2];
    if (!read_exactly (r, head, sizeof head, error))
        return FALSE;
    gsize size = (gsize)head[0] << 8 | head[1];
    g_autofree guint8 *body = g_malloc (MAX (size, 1));
    if (size == 0)
        return TRUE;
    if (!read_exactly (r, body, size, error))
        return FALSE;
    if (size == 1)
        return serve_control (r, body[0], error);
    g_autoptr (GBytes) reply = rsp_euicc_transmit (r->card, RSP_SLICE (body, size));
    return write_frame (r, reply, error);
}

/* To the end of CONNECTION. */
static gboolean
serve (RspEuicc *card, GSocketConnection *connection, GError **error)
{
    g_autoptr (GError) problem = NULL;
    Reader r = {.card = card,
                .connection = connection,
                .in = g_io_stream_get_input_stream (G_IO_STREAM (connection)),
                .out = g_io_stream_get_output_stream (G_IO_STREAM (connection))};
    while (serve_frame (&r, &problem))
        ;
    if (!problem)
        return TRUE;
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
}

gboolean
rsp_card_join_reader (RspEuicc *card, const char *address, GError **error)
{
    g_autoptr (GSocketClient) client = g_socket_client_new ();
    g_socket_client_set_enable_proxy (client, FALSE);
    g_autoptr (GSocketConnection) connection =
        g_socket_client_connect_to_host (client, address, VPCD_PORT, NULL, error);
    if (!connection)
        return FALSE;
    if (serve (card, connection, error))
        return TRUE;
    g_prefix_error (error, "%s: ", address);
    return FALSE;
}

/* --- The port --- */

/* NULL with ERROR set where TEXT is no loopback address with a port. (transfer full) */
static GSocketAddress *
loopback_address (const char *text, GError **error)
{
    const char *colon = strrchr (text, ':');
    guint64 port;
    g_autofree char *host = NULL;
    if (colon && g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &port, NULL)) {
        gsize n = (gsize)(colon - text);
        gboolean bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';
        host = bracketed ? g_strndup (text + 1, n - 2) : g_strndup (text, n);
    }
    const char *number = host && strcmp (host, "localhost") == 0 ? "127.0.0.1" : host;
    g_autoptr (GInetAddress) address = number ? g_inet_address_new_from_string (number) : NULL;
    if (address && g_inet_address_get_is_loopback (address))
        return g_inet_socket_address_new (address, (guint16)port);
    g_autofree char *shown = rsp_escape_text (text, -1, 64);
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "\"%s\" is no loopback HOST:PORT, as 127.0.0.1:35963", shown);
    return NULL;
}

static void
say_address (GSocketAddress *address)
{
    GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (address);
    g_autofree char *host = g_inet_address_to_string (g_inet_socket_address_get_address (inet));
    json_t *ready = json_pack ("{s:{s:s, s:i}}", "listening", "host", host, "port",
                               (int)g_inet_socket_address_get_port (inet));
    char *text = json_dumps (ready, JSON_COMPACT);
    puts (text);
    fflush (stdout);
    free (text);
    json_decref (ready);
}

gboolean
rsp_card_listen (RspEuicc *card, const char *address, GError **error)
{
    g_autoptr (GSocketAddress) wanted = loopback_address (address, error), bound = NULL;
    g_autoptr (GSocketListener) listener = g_socket_listener_new ();
    g_socket_listener_set_backlog (listener, 1);
    if (!wanted)
        return FALSE;
    if (!g_socket_listener_add_address (listener, wanted, G_SOCKET_TYPE_STREAM,
                                        G_SOCKET_PROTOCOL_TCP, NULL, &bound, error)) {
        g_prefix_error (error, "%s: ", address);
        return FALSE;
    }
    say_address (bound);
    for (;;) {
        g_autoptr (GSocketConnection) client =
            g_socket_listener_accept (listener, NULL, NULL, error);
        g_autoptr (GError) lost = NULL;
        if (!client)
            return FALSE;
        /* A client that goes takes the card's power along, however it goes. */
        serve (card, client, &lost);
        rsp_euicc_reset (card);
    }
}
