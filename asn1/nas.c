#include "asn1/nas.h"

#include "asn1/saip-content.h"

#include <string.h>

#define EPS_MM 0x07   /* protocol discriminator, no security header */
#define FIVEG_MM 0x7E /* extended protocol discriminator */
#define TAG_RES 0x2D
#define TAG_RAND 0x21
#define TAG_AUTN 0x20
#define TAG_AUTS 0x30
#define AUTS_SIZE 14

/* Message types, by RspNasType. */
static const guint8 types[2][7] = {
    [RSP_NAS_EPS] = {0x41, 0x42, 0x44, 0x52, 0x53, 0x54, 0x5C},
    [RSP_NAS_5GS] = {0x41, 0x42, 0x44, 0x56, 0x57, 0x58, 0x59},
};
static const char *const names[2][7] = {
    [RSP_NAS_EPS] = {"ATTACH REQUEST", "ATTACH ACCEPT", "ATTACH REJECT", "AUTHENTICATION REQUEST",
                     "AUTHENTICATION RESPONSE", "AUTHENTICATION REJECT", "AUTHENTICATION FAILURE"},
    [RSP_NAS_5GS] = {"REGISTRATION REQUEST", "REGISTRATION ACCEPT", "REGISTRATION REJECT",
                     "AUTHENTICATION REQUEST", "AUTHENTICATION RESPONSE", "AUTHENTICATION REJECT",
                     "AUTHENTICATION FAILURE"},
};

const char *
rsp_nas_name (const RspNas *nas)
{
    return names[nas->system][nas->type];
}

/* --- Writing --- */

static void
put (GByteArray *out, RspSlice s)
{
    g_byte_array_append (out, s.data, (guint)s.len);
}

static void
put_octet (GByteArray *out, guint value)
{
    guint8 octet = (guint8)value;
    g_byte_array_append (out, &octet, 1);
}

static void
put_lv (GByteArray *out, RspSlice s)
{
    put_octet (out, (guint)s.len);
    put (out, s);
}

static void
put_request (GByteArray *out, const RspNas *nas)
{
    static const guint8 capability[] = {0x02, 0xF0, 0xF0}; /* every algorithm of EEA and EIA */
    static const guint8 connectivity[] = {0x00, 0x04, 0x02, 0x01, 0xD0, 0x11}; /* IPv4, initial */
    put_octet (out, 0x71); /* no key; an initial attach or registration */
    if (nas->system == RSP_NAS_5GS)
        put_octet (out, 0);
    put_lv (out, nas->identity);
    if (nas->system == RSP_NAS_EPS) {
        put (out, RSP_SLICE_ARRAY (capability));
        put (out, RSP_SLICE_ARRAY (connectivity));
    }
}

/* What EPS makes mandatory: timer T3412, tracking areas, and a default bearer for the access point
 * "internet". */
static void
put_accept (GByteArray *out, const RspNas *nas)
{
    static const guint8 bearer[] = {0x00, 0x15, 0x52, 0x01, 0xC1, 0x01, 0x09, 0x09,
                                    0x08, 'i',  'n',  't',  'e',  'r',  'n',  'e',
                                    't',  0x05, 0x01, 0x0A, 0x2D, 0x00, 0x02};
    if (nas->system == RSP_NAS_5GS) {
        put_octet (out, 0x01);
        put_octet (out, 0x01); /* 3GPP access */
        return;
    }
    put_octet (out, 0x01);
    put_octet (out, 0x49); /* 54 minutes */
    put_octet (out, 0x06);
    put_octet (out, 0x00);
    put (out, RSP_SLICE_ARRAY (nas->plmn));
    put_octet (out, 0x00);
    put_octet (out, 0x01);
    put (out, RSP_SLICE_ARRAY (bearer));
}

static void
put_challenge (GByteArray *out, const RspNas *nas)
{
    put_octet (out, 0x00);
    if (nas->system == RSP_NAS_EPS) {
        put (out, nas->rand);
        put_lv (out, nas->autn);
        return;
    }
    put_octet (out, 0x02); /* ABBA 0000 */
    put_octet (out, 0x00);
    put_octet (out, 0x00);
    put_octet (out, TAG_RAND);
    put (out, nas->rand);
    put_octet (out, TAG_AUTN);
    put_lv (out, nas->autn);
}

GBytes *
rsp_nas_encode (const RspNas *nas)
{
    GByteArray *out = g_byte_array_new ();
    put_octet (out, nas->system == RSP_NAS_EPS ? EPS_MM : FIVEG_MM);
    if (nas->system == RSP_NAS_5GS)
        put_octet (out, 0x00);
    put_octet (out, types[nas->system][nas->type]);
    switch (nas->type) {
    case RSP_NAS_ATTACH_REQUEST:
        put_request (out, nas);
        break;
    case RSP_NAS_ATTACH_ACCEPT:
        put_accept (out, nas);
        break;
    case RSP_NAS_ATTACH_REJECT:
        put_octet (out, nas->cause);
        break;
    case RSP_NAS_AUTHENTICATION_REQUEST:
        put_challenge (out, nas);
        break;
    case RSP_NAS_AUTHENTICATION_RESPONSE:
        if (nas->system == RSP_NAS_5GS)
            put_octet (out, TAG_RES);
        put_lv (out, nas->res);
        break;
    case RSP_NAS_AUTHENTICATION_REJECT:
        break;
    case RSP_NAS_AUTHENTICATION_FAILURE:
        put_octet (out, nas->cause);
        if (nas->auts.len) {
            put_octet (out, TAG_AUTS);
            put_lv (out, nas->auts);
        }
        break;
    }
    return g_byte_array_free_to_bytes (out);
}

/* --- Reading --- */

static gboolean
take (RspSlice *rest, gsize n, RspSlice *ret)
{
    if (rest->len < n)
        return FALSE;
    *ret = RSP_SLICE (rest->data, n);
    *rest = RSP_SLICE (rest->data + n, rest->len - n);
    return TRUE;
}

static gboolean
take_octet (RspSlice *rest, guint *ret)
{
    RspSlice s;
    if (!take (rest, 1, &s))
        return FALSE;
    *ret = s.data[0];
    return TRUE;
}

static gboolean
take_lv (RspSlice *rest, gsize min, gsize max, RspSlice *ret)
{
    guint n;
    return take_octet (rest, &n) && n >= min && n <= max && take (rest, n, ret);
}

static gboolean
take_tag (RspSlice *rest, guint tag)
{
    guint got;
    return take_octet (rest, &got) && got == tag;
}

static gboolean
read_request (RspSlice rest, RspNas *ret)
{
    guint kind, high = 0;
    if (!take_octet (&rest, &kind) || (ret->system == RSP_NAS_5GS && !take_octet (&rest, &high)))
        return FALSE;
    return high == 0 && take_lv (&rest, 1, 250, &ret->identity);
}

static gboolean
read_challenge (RspSlice rest, RspNas *ret)
{
    guint key;
    RspSlice abba;
    if (!take_octet (&rest, &key))
        return FALSE;
    if (ret->system == RSP_NAS_EPS)
        return take (&rest, 16, &ret->rand) && take_lv (&rest, 16, 16, &ret->autn);
    return take_lv (&rest, 2, 255, &abba) && take_tag (&rest, TAG_RAND) &&
           take (&rest, 16, &ret->rand) && take_tag (&rest, TAG_AUTN) &&
           take_lv (&rest, 16, 16, &ret->autn);
}

static gboolean
read_failure (RspSlice rest, RspNas *ret)
{
    if (!take_octet (&rest, &ret->cause))
        return FALSE;
    if (ret->cause != RSP_NAS_SYNCH_FAILURE)
        return TRUE;
    return take_tag (&rest, TAG_AUTS) && take_lv (&rest, AUTS_SIZE, AUTS_SIZE, &ret->auts);
}

static gboolean
read_body (RspSlice rest, RspNas *ret)
{
    switch (ret->type) {
    case RSP_NAS_ATTACH_REQUEST:
        return read_request (rest, ret);
    case RSP_NAS_ATTACH_ACCEPT:
    case RSP_NAS_AUTHENTICATION_REJECT:
        return TRUE;
    case RSP_NAS_ATTACH_REJECT:
        return take_octet (&rest, &ret->cause);
    case RSP_NAS_AUTHENTICATION_REQUEST:
        return read_challenge (rest, ret);
    case RSP_NAS_AUTHENTICATION_RESPONSE:
        if (ret->system == RSP_NAS_5GS && !take_tag (&rest, TAG_RES))
            return FALSE;
        return take_lv (&rest, 4, 16, &ret->res);
    case RSP_NAS_AUTHENTICATION_FAILURE:
        return read_failure (rest, ret);
    }
    return FALSE;
}

gboolean
rsp_nas_decode (RspSlice message, RspNas *ret)
{
    guint discriminator, security = 0, type;
    *ret = (RspNas){0};
    if (!take_octet (&message, &discriminator) ||
        (discriminator != EPS_MM && discriminator != FIVEG_MM))
        return FALSE;
    ret->system = discriminator == EPS_MM ? RSP_NAS_EPS : RSP_NAS_5GS;
    if ((ret->system == RSP_NAS_5GS && !take_octet (&message, &security)) || security != 0 ||
        !take_octet (&message, &type))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (types[0]); i++)
        if (types[ret->system][i] == type) {
            ret->type = (RspNasType)i;
            return read_body (message, ret);
        }
    return FALSE;
}

/* --- Identities --- */

void
rsp_nas_put_imsi (GByteArray *out, const char *imsi)
{
    guint8 octets[9];
    if (rsp_saip_imsi_octets (imsi, octets))
        g_byte_array_append (out, octets + 1, octets[0]);
}

gboolean
rsp_nas_read_imsi (RspSlice identity, char out[16])
{
    guint n = 0;
    if (identity.len < 4 || identity.len > 8 || (identity.data[0] & 7) != 1)
        return FALSE;
    gsize end = 2 * identity.len - (identity.data[0] & 8 ? 0 : 1);
    for (gsize i = 1; i < end; i++) {
        guint digit = i % 2 ? identity.data[i / 2] >> 4 : identity.data[i / 2] & 15;
        if (digit > 9)
            return FALSE;
        out[n++] = (char)('0' + digit);
    }
    out[n] = 0;
    return TRUE;
}
