#include "pki/scp80.h"

#include <string.h>

#include "pki/bsp.h"

#define BLOCK 16
#define COUNTER 5
#define HEAD 7               /* SPI, KIc, KID, TAR of a command */
#define CLEAR (2 + 1 + HEAD) /* CPL and CHL before them */
#define INNER (COUNTER + 1)  /* CNTR and PCNTR */
#define COMMAND_LENGTH (HEAD + INNER + RSP_SCP80_MAC)
#define RESPONSE_CLEAR (2 + 1 + 3) /* RPL, RHL, TAR */
#define RESPONSE_INNER (INNER + 1) /* and the status code */
#define RESPONSE_LENGTH (3 + RESPONSE_INNER + RSP_SCP80_MAC)
#define RESPONSE_BARE (3 + RESPONSE_INNER)
#define AES_CBC 0x02 /* low nibble of KIc */
#define AES_CMAC 0x02

static const guint8 zero_iv[BLOCK];

const char *
rsp_scp80_status_name (guint status)
{
    static const char *const names[] = {
        [RSP_SCP80_OK] = "ok",
        [RSP_SCP80_MAC_FAILED] = "macFailed",
        [RSP_SCP80_COUNTER_LOW] = "counterLow",
        [RSP_SCP80_COUNTER_HIGH] = "counterHigh",
        [RSP_SCP80_COUNTER_BLOCKED] = "counterBlocked",
        [RSP_SCP80_CIPHER_ERROR] = "cipheringError",
        [RSP_SCP80_UNIDENTIFIED] = "unidentifiedSecurityError",
        [RSP_SCP80_TAR_UNKNOWN] = "tarUnknown",
        [RSP_SCP80_INSUFFICIENT] = "insufficientSecurityLevel",
    };
    return status < G_N_ELEMENTS (names) ? names[status] : NULL;
}

static void
put_counter (guint8 out[COUNTER], guint64 counter)
{
    for (guint i = 0; i < COUNTER; i++)
        out[i] = (guint8)(counter >> 8 * (COUNTER - 1 - i));
}

static guint64
get_counter (const guint8 in[COUNTER])
{
    guint64 counter = 0;
    for (guint i = 0; i < COUNTER; i++)
        counter = counter << 8 | in[i];
    return counter;
}

/* CLEAR ‖ INNER ‖ MAC ‖ DATA ‖ padding, with the MAC over all the rest and everything from INNER on
 * ciphered. The lengths in CLEAR are there already. (transfer full) */
static GBytes *
seal (const RspScp80Keys *keys, RspSlice clear, RspSlice inner, RspSlice data, gsize padding)
{
    static const guint8 zeros[BLOCK];
    guint8 mac[16];
    const RspSlice parts[] = {clear, inner, data, RSP_SLICE (zeros, padding)};
    rsp_aes_cmac (keys->kid, parts, G_N_ELEMENTS (parts), mac);
    g_autoptr (GByteArray) plain = g_byte_array_new ();
    g_byte_array_append (plain, inner.data, (guint)inner.len);
    g_byte_array_append (plain, mac, RSP_SCP80_MAC);
    if (data.len > 0)
        g_byte_array_append (plain, data.data, (guint)data.len);
    g_byte_array_append (plain, zeros, (guint)padding);
    GByteArray *out = g_byte_array_new ();
    g_byte_array_append (out, clear.data, (guint)clear.len);
    g_byte_array_set_size (out, (guint)(clear.len + plain->len));
    rsp_aes_cbc_encrypt (keys->kic, zero_iv, plain->len, plain->data, out->data + clear.len);
    rsp_wipe (plain->data, plain->len);
    return g_byte_array_free_to_bytes (out);
}

/* The reverse. FALSE: the MAC is wrong. *RET_PLAIN: INNER ‖ MAC ‖ data ‖ padding. (transfer full)
 */
static gboolean
unseal (const RspScp80Keys *keys, RspSlice packet, gsize clear, gsize inner, GByteArray **ret_plain)
{
    guint8 mac[16];
    gsize n = packet.len - clear, data = inner + RSP_SCP80_MAC;
    g_autoptr (GByteArray) plain = g_byte_array_new ();
    g_byte_array_set_size (plain, (guint)n);
    rsp_aes_cbc_decrypt (keys->kic, zero_iv, n, packet.data + clear, plain->data);
    const RspSlice parts[] = {RSP_SLICE (packet.data, clear), RSP_SLICE (plain->data, inner),
                              RSP_SLICE (plain->data + data, n - data)};
    rsp_aes_cmac (keys->kid, parts, G_N_ELEMENTS (parts), mac);
    gboolean good = rsp_slice_equal_ct (RSP_SLICE (mac, RSP_SCP80_MAC),
                                        RSP_SLICE (plain->data + inner, RSP_SCP80_MAC));
    *ret_plain = good ? g_steal_pointer (&plain) : NULL;
    return good;
}

static gsize
padding_for (gsize n)
{
    return (BLOCK - n % BLOCK) % BLOCK;
}

/* --- commands --- */

GBytes *
rsp_scp80_command (const RspScp80Keys *keys, const RspScp80Header *h, RspSlice data)
{
    gsize padding = padding_for (INNER + RSP_SCP80_MAC + data.len);
    gsize length = 1 + COMMAND_LENGTH + data.len + padding;
    guint8 clear[CLEAR] = {(guint8)(length >> 8),
                           (guint8)length,
                           COMMAND_LENGTH,
                           h->spi1,
                           h->spi2,
                           h->kic,
                           h->kid,
                           h->tar[0],
                           h->tar[1],
                           h->tar[2]};
    guint8 inner[INNER];
    put_counter (inner, h->counter);
    inner[COUNTER] = (guint8)padding;
    return seal (keys, RSP_SLICE_ARRAY (clear), RSP_SLICE_ARRAY (inner), data, padding);
}

gboolean
rsp_scp80_header (RspSlice packet, RspScp80Header *ret)
{
    const guint8 *p = packet.data;
    if (packet.len < CLEAR || ((gsize)p[0] << 8 | p[1]) != packet.len - 2 || p[2] < HEAD ||
        p[2] > packet.len - 3)
        return FALSE;
    *ret = (RspScp80Header){.spi1 = p[3], .spi2 = p[4], .kic = p[5], .kid = p[6]};
    memcpy (ret->tar, p + 7, sizeof ret->tar);
    return TRUE;
}

RspScp80Status
rsp_scp80_open (const RspScp80Keys *keys, RspSlice packet, RspScp80Header *h, GBytes **ret_data)
{
    g_autoptr (GByteArray) plain = NULL;
    gsize ciphered = packet.len - CLEAR;
    if ((h->kic & 0x0F) != AES_CBC || (h->kid & 0x0F) != AES_CMAC)
        return RSP_SCP80_UNIDENTIFIED;
    if (packet.data[2] != COMMAND_LENGTH || ciphered < INNER + RSP_SCP80_MAC ||
        ciphered % BLOCK != 0)
        return RSP_SCP80_CIPHER_ERROR;
    if (!unseal (keys, packet, CLEAR, INNER, &plain))
        return RSP_SCP80_MAC_FAILED;
    gsize padding = plain->data[COUNTER], data = INNER + RSP_SCP80_MAC;
    if (padding >= BLOCK || data + padding > plain->len)
        return RSP_SCP80_UNIDENTIFIED;
    h->counter = get_counter (plain->data);
    *ret_data = g_bytes_new (plain->data + data, plain->len - data - padding);
    return RSP_SCP80_OK;
}

/* --- responses --- */

GBytes *
rsp_scp80_response (const RspScp80Keys *keys, const RspScp80Header *h, guint8 status, RspSlice data)
{
    gsize padding = keys ? padding_for (RESPONSE_INNER + RSP_SCP80_MAC + data.len) : 0;
    guint8 head = keys ? RESPONSE_LENGTH : RESPONSE_BARE;
    gsize length = 1 + head + data.len + padding;
    guint8 clear[RESPONSE_CLEAR] = {
        (guint8)(length >> 8), (guint8)length, head, h->tar[0], h->tar[1], h->tar[2]};
    guint8 inner[RESPONSE_INNER];
    put_counter (inner, h->counter);
    inner[COUNTER] = (guint8)padding;
    inner[COUNTER + 1] = status;
    if (keys)
        return seal (keys, RSP_SLICE_ARRAY (clear), RSP_SLICE_ARRAY (inner), data, padding);
    GByteArray *out = g_byte_array_new ();
    g_byte_array_append (out, clear, sizeof clear);
    g_byte_array_append (out, inner, sizeof inner);
    if (data.len > 0)
        g_byte_array_append (out, data.data, (guint)data.len);
    return g_byte_array_free_to_bytes (out);
}

static gboolean
read_bare (RspSlice packet, guint8 *ret_status)
{
    if (packet.len < RESPONSE_CLEAR + RESPONSE_INNER)
        return FALSE;
    *ret_status = packet.data[RESPONSE_CLEAR + INNER];
    return *ret_status != RSP_SCP80_OK;
}

gboolean
rsp_scp80_read_response (const RspScp80Keys *keys, RspSlice packet, const RspScp80Header *h,
                         guint8 *ret_status, GBytes **ret_data)
{
    g_autoptr (GByteArray) plain = NULL;
    const guint8 *p = packet.data;
    *ret_data = NULL;
    if (packet.len < RESPONSE_CLEAR || ((gsize)p[0] << 8 | p[1]) != packet.len - 2 ||
        memcmp (p + 3, h->tar, sizeof h->tar) != 0)
        return FALSE;
    if (p[2] == RESPONSE_BARE)
        return read_bare (packet, ret_status);
    gsize ciphered = packet.len - RESPONSE_CLEAR, data = RESPONSE_INNER + RSP_SCP80_MAC;
    if (p[2] != RESPONSE_LENGTH || ciphered < data || ciphered % BLOCK != 0 ||
        !unseal (keys, packet, RESPONSE_CLEAR, RESPONSE_INNER, &plain) ||
        get_counter (plain->data) != h->counter)
        return FALSE;
    gsize padding = plain->data[COUNTER];
    if (padding >= BLOCK || data + padding > plain->len)
        return FALSE;
    *ret_status = plain->data[COUNTER + 1];
    *ret_data = g_bytes_new (plain->data + data, plain->len - data - padding);
    return TRUE;
}
