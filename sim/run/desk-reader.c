/* A card at the other end of a socket, as in a reader of vsmartcard: frames of two octets of length
 * and an APDU or its response. The desk is the reader: it goes to a card that listens, or waits for
 * one that comes. The bus sees an actor that answers APDU.Transmit. */
#include "sim/run/desk.h"

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#define VPCD_PORT 35963
#define MAX_FRAME 65535
#define PATIENCE 30 /* s, with a card that is to answer for the first time */

enum { POWER_ON = 1, ASK_ATR = 4 };

struct _RspCardReader {
    RspBus *bus;
    RspLoop *loop;
    char *name;
    GSocketConnection *connection;
    GInputStream *in;
    GOutputStream *out;
    GCancellable *cancellable;
    RspCall *call; /* the APDU under way */
    gboolean reading;
    guint8 head[2], body[MAX_FRAME];
};

static gsize
frame_size (const RspCardReader *r)
{
    return (gsize)r->head[0] << 8 | r->head[1];
}

static gboolean
send_frame (RspCardReader *r, RspSlice body)
{
    guint8 head[2] = {(guint8)(body.len >> 8), (guint8)body.len};
    g_autoptr (GByteArray) frame = g_byte_array_new ();
    g_byte_array_append (frame, head, sizeof head);
    g_byte_array_append (frame, body.data, (guint)body.len);
    return body.len <= MAX_FRAME &&
           g_output_stream_write_all (r->out, frame->data, frame->len, NULL, NULL, NULL);
}

static void
end_call (RspCardReader *r, gboolean good)
{
    r->reading = FALSE;
    rsp_loop_io_end (r->loop);
    RspCall *call = g_steal_pointer (&r->call);
    g_autoptr (GBytes) response = g_bytes_new (r->body, frame_size (r));
    if (good && frame_size (r) >= 2)
        rsp_call_reply (call, &(RspOutcome){0}, response);
    else
        rsp_call_fail (call, RSP_REPLY_LINK);
}

static void
on_body (GObject *source, GAsyncResult *result, gpointer data)
{
    RspCardReader *r = data;
    gsize got = 0;
    gboolean good = g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &got, NULL);
    end_call (r, good && got == frame_size (r));
}

static void
on_head (GObject *source, GAsyncResult *result, gpointer data)
{
    RspCardReader *r = data;
    gsize got = 0;
    if (g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &got, NULL) &&
        got == sizeof r->head)
        g_input_stream_read_all_async (r->in, r->body, frame_size (r), G_PRIORITY_DEFAULT,
                                       r->cancellable, on_body, r);
    else
        end_call (r, FALSE);
}

static void
on_apdu (RspCall *call, gpointer data)
{
    RspCardReader *r = data;
    if (r->call || r->reading || !send_frame (r, rsp_slice_of (rsp_call_body (call)))) {
        rsp_call_fail (call, RSP_REPLY_LINK);
        return;
    }
    r->call = call;
    r->reading = TRUE;
    rsp_loop_io_begin (r->loop);
    g_input_stream_read_all_async (r->in, r->head, sizeof r->head, G_PRIORITY_DEFAULT,
                                   r->cancellable, on_head, r);
}

/* Power, and the ATR as a sign of life. */
static gboolean
power_on (RspCardReader *r, const char *place, GError **error)
{
    const guint8 on = POWER_ON, ask = ASK_ATR;
    GSocket *socket = g_socket_connection_get_socket (r->connection);
    gsize got = 0;
    g_socket_set_timeout (socket, PATIENCE);
    gboolean good = send_frame (r, RSP_SLICE (&on, 1)) && send_frame (r, RSP_SLICE (&ask, 1)) &&
                    g_input_stream_read_all (r->in, r->head, sizeof r->head, &got, NULL, NULL) &&
                    got == sizeof r->head &&
                    g_input_stream_read_all (r->in, r->body, frame_size (r), &got, NULL, NULL) &&
                    got == frame_size (r) && got > 0;
    g_socket_set_timeout (socket, 0); /* from now on the calls have theirs */
    if (!good)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: no card answers", place);
    return good;
}

/* The card that comes. */
static GSocketConnection *
await (const char *place, GError **error)
{
    g_autoptr (GSocketConnectable) wanted = g_network_address_parse (place, VPCD_PORT, error);
    g_autoptr (GSocketListener) listener = g_socket_listener_new ();
    if (!wanted)
        return NULL;
    g_autofree char *host = g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (wanted)));
    g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (
        host, g_network_address_get_port (G_NETWORK_ADDRESS (wanted)));
    if (!address) {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                     "%s: a numeric address is needed to wait at", place);
        return NULL;
    }
    if (!g_socket_listener_add_address (listener, address, G_SOCKET_TYPE_STREAM,
                                        G_SOCKET_PROTOCOL_TCP, NULL, NULL, error))
        return NULL;
    fprintf (stderr, "waiting for a card at %s\n", place);
    return g_socket_listener_accept (listener, NULL, NULL, error);
}

RspCardReader *
rsp_card_reader_new (RspBus *bus, RspLoop *loop, const char *name, const char *place,
                     gboolean waits, GError **error)
{
    g_autoptr (GSocketClient) client = g_socket_client_new ();
    g_socket_client_set_enable_proxy (client, FALSE);
    g_socket_client_set_timeout (client, PATIENCE); /* to connect; power_on lifts it */
    g_autoptr (GSocketConnection) connection =
        waits ? await (place, error)
              : g_socket_client_connect_to_host (client, place, VPCD_PORT, NULL, error);
    if (!connection)
        return NULL;
    RspCardReader *r = g_new0 (RspCardReader, 1);
    r->bus = bus;
    r->loop = loop;
    r->name = g_strdup (name);
    r->in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
    r->out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
    g_socket_set_option (g_socket_connection_get_socket (connection), IPPROTO_TCP, TCP_NODELAY, 1,
                         NULL);
    r->connection = g_steal_pointer (&connection);
    r->cancellable = g_cancellable_new ();
    rsp_bus_attach (bus, name, on_apdu, r);
    if (power_on (r, place, error))
        return r;
    rsp_card_reader_free (r);
    return NULL;
}

void
rsp_card_reader_free (RspCardReader *r)
{
    if (!r)
        return;
    g_cancellable_cancel (r->cancellable);
    while (r->reading)
        g_main_context_iteration (rsp_loop_context (r->loop), TRUE);
    rsp_bus_detach (r->bus, r->name);
    g_object_unref (r->connection);
    g_object_unref (r->cancellable);
    g_free (r->name);
    g_free (r);
}
