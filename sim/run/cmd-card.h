/* Inside `rspsim card`: the card behind a byte stream, frames of two octets of length and a body,
 * as the virtual reader of vsmartcard has them. Both calls block. */
#pragma once

#include "components/euicc/euicc.h"

/* Connects to the reader at ADDRESS (HOST[:PORT]); to the end of the connection. */
gboolean rsp_card_join_reader (RspEuicc *card, const char *address, GError **error);
/* Listens on ADDRESS (loopback HOST:PORT, port 0: any), says so in one line of JSON on standard
 * output, and serves one client after the other; returns only on an error. */
gboolean rsp_card_listen (RspEuicc *card, const char *address, GError **error);
