/* Secured packets over the air (ETSI TS 102 225, 3GPP TS 31.115): SCP80 with AES-128 in CBC mode
 * and an AES-CMAC of 8 octets. A packet here begins with its length (CPL, RPL), behind the user
 * data header. 3DES, digital signatures and other MAC lengths are not supported. */
#pragma once

#include "sim/core/bytes.h"

#define RSP_SCP80_MAC 8

typedef struct {
    guint8 kic[16], kid[16]; /* ciphering and MAC, secrets */
} RspScp80Keys;

/* Response status codes, TS 102 225 5.2. */
typedef enum {
    RSP_SCP80_OK = 0x00,
    RSP_SCP80_MAC_FAILED = 0x01,
    RSP_SCP80_COUNTER_LOW = 0x02,
    RSP_SCP80_COUNTER_HIGH = 0x03,
    RSP_SCP80_COUNTER_BLOCKED = 0x04,
    RSP_SCP80_CIPHER_ERROR = 0x05,
    RSP_SCP80_UNIDENTIFIED = 0x06,
    RSP_SCP80_TAR_UNKNOWN = 0x09,
    RSP_SCP80_INSUFFICIENT = 0x0A, /* security level */
} RspScp80Status;
const char *rsp_scp80_status_name (guint status); /* "ok", "counterLow" …; NULL if unknown */

/* SPI of the packets that this makes: counter higher than the last, MAC, ciphered; an answer is
 * wanted by SMS-DELIVER-REPORT, with MAC and ciphered. */
#define RSP_SCP80_SPI1 0x16
#define RSP_SCP80_SPI2 0x19

typedef struct {
    guint8 spi1, spi2, kic, kid; /* as on the wire: the high nibble is the key version */
    guint8 tar[3];
    guint64 counter; /* 40 bits */
} RspScp80Header;

/* A command packet that carries DATA, by HEADER's counter, TAR and key version. (transfer full) */
GBytes *rsp_scp80_command (const RspScp80Keys *keys, const RspScp80Header *header, RspSlice data);
/* The clear part of a command packet; FALSE: it is none. The counter is not yet known. */
gboolean rsp_scp80_header (RspSlice packet, RspScp80Header *ret);
/* Deciphers and verifies a packet whose header asks for both; sets the counter. OK gives *RET_DATA.
 * Whether the counter is fresh is the receiver's to say. (transfer full) */
RspScp80Status rsp_scp80_open (const RspScp80Keys *keys, RspSlice packet, RspScp80Header *header,
                               GBytes **ret_data);

/* A response packet with DATA (additional response data). KEYS NULL: without security, as where the
 * command's could not be trusted. (transfer full) */
GBytes *rsp_scp80_response (const RspScp80Keys *keys, const RspScp80Header *header, guint8 status,
                            RspSlice data);
/* FALSE: not a response that KEYS made to HEADER's TAR and counter. A response without security is
 * believed only if it tells of an error. (transfer full) */
gboolean rsp_scp80_read_response (const RspScp80Keys *keys, RspSlice packet,
                                  const RspScp80Header *header, guint8 *ret_status,
                                  GBytes **ret_data);
