/* The terminal's side of an APDU link: ISD-R on a logical channel, STORE DATA chains (short APDUs,
 * 61xx and GET RESPONSE), segmentation of a Bound Profile Package (SGP.22 2.5.5). Each APDU pair is
 * a message of its own, nested in the ES10 call that causes it.
 *
 * The body of an APDU.Transmit request is the command APDU, that of its response the response data
 * with the status word behind it. One APDU is under way at a time; ES10 calls queue. The link is
 * owned by whoever made it and is freed before the bus.
 */
#pragma once

#include "sim/net/bus.h"

/* A call of ES6 is a secured packet from the network: the terminal passes it on as ENVELOPEs
 * (SMS-PP download) and gives back the response packet behind its header. */
typedef struct _RspApduLink RspApduLink;
/* Answers the bus's ES10 calls for actor CARD by sending APDU.Transmit messages to it, in the name
 * of the calling actor. SEGMENT_SIZE: octets a STORE DATA, 1 to 255; 0 means 255. */
RspApduLink *rsp_apdu_link_new (RspBus *bus, const char *card, guint segment_size);
/* ES10 calls of actor SRC, the LPA in the eUICC, go to FUNC instead of APDUs: one call a command,
 * or a chain of a package. Answers into OUT, returns the status word. Before the first call, once.
 */
typedef guint (*RspInsideFunc) (RspSlice command, GByteArray *out, gpointer data);
void rsp_apdu_link_set_inside (RspApduLink *link, const char *src, RspInsideFunc func,
                               gpointer data);
void rsp_apdu_link_free (RspApduLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspApduLink, rsp_apdu_link_free)

/* Splits a Bound Profile Package (BF36) into the byte strings that go in one STORE DATA chain each:
 * BF36 header with BF23; A0; A1 header; each 88; A2 if present; A3 header; each 86. Segments share
 * BPP's memory. Structure that does not fit goes as one last segment, for the card to refuse.
 * (transfer full) of GBytes. *RET_FUNCTIONS (nullable, transfer full, of guint): the ES8+ function
 * of each segment, RSP_FN_COUNT where it is only a header. */
GPtrArray *rsp_bpp_segments (GBytes *bpp, GArray **ret_functions);
