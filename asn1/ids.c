#include "asn1/ids.h"

#include "asn1/tlv.h"

#include <string.h>

#define EID_DIGITS 32
#define ICCID_OCTETS 10

static gboolean
all_digits (const char *text, gsize len)
{
    for (gsize i = 0; i < len; i++)
        if (!g_ascii_isdigit (text[i]))
            return FALSE;
    return TRUE;
}

gboolean
rsp_eid_valid (const char *eid)
{
    if (!eid || strnlen (eid, EID_DIGITS + 1) != EID_DIGITS || !all_digits (eid, EID_DIGITS))
        return FALSE;
    guint rest = 0;
    for (guint i = 0; i < EID_DIGITS; i++)
        rest = (rest * 10 + (guint)(eid[i] - '0')) % 97;
    return rest == 1;
}

gboolean
rsp_eid_to_octets (const char *eid, guint8 out[16])
{
    if (!eid || strnlen (eid, EID_DIGITS + 1) != EID_DIGITS || !all_digits (eid, EID_DIGITS))
        return FALSE;
    for (guint i = 0; i < EID_DIGITS / 2; i++)
        out[i] = (guint8)((eid[2 * i] - '0') << 4 | (eid[2 * i + 1] - '0'));
    return TRUE;
}

char *
rsp_eid_from_octets (RspSlice octets)
{
    if (octets.len != EID_DIGITS / 2)
        return NULL;
    g_autofree char *eid = rsp_hex (octets);
    return all_digits (eid, EID_DIGITS) ? g_steal_pointer (&eid) : NULL;
}

char *
rsp_eid_nth (const char *first, guint64 n)
{
    g_autofree char *eid = g_strdup (first);
    guint rest = 0;
    if (!rsp_digits_add (eid, EID_DIGITS - 2, n))
        return NULL;
    memcpy (eid + EID_DIGITS - 2, "00", 2);
    for (guint i = 0; i < EID_DIGITS; i++)
        rest = (rest * 10 + (guint)(eid[i] - '0')) % 97;
    eid[EID_DIGITS - 2] = (char)('0' + (98 - rest) / 10);
    eid[EID_DIGITS - 1] = (char)('0' + (98 - rest) % 10);
    return g_steal_pointer (&eid);
}

/* Number of digits in front of the optional padding F; 0 if the text is not an ICCID. */
static gsize
iccid_digits (const char *iccid)
{
    gsize len = iccid ? strnlen (iccid, 2 * ICCID_OCTETS + 1) : 0;
    if (len == 0 || len > 2 * ICCID_OCTETS)
        return 0;
    if (iccid[len - 1] == 'F' || iccid[len - 1] == 'f')
        len--;
    return len >= 18 && all_digits (iccid, len) ? len : 0;
}

gboolean
rsp_iccid_valid (const char *iccid)
{
    return iccid_digits (iccid) > 0;
}

gboolean
rsp_iccid_to_octets (const char *iccid, guint8 out[10])
{
    gsize digits = iccid_digits (iccid);
    if (digits == 0)
        return FALSE;
    for (gsize i = 0; i < ICCID_OCTETS; i++) {
        guint low = 2 * i < digits ? (guint)(iccid[2 * i] - '0') : 0xf;
        guint high = 2 * i + 1 < digits ? (guint)(iccid[2 * i + 1] - '0') : 0xf;
        out[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

char *
rsp_iccid_from_octets (RspSlice octets)
{
    if (octets.len != ICCID_OCTETS)
        return NULL;
    char text[2 * ICCID_OCTETS + 1];
    gsize digits = 0;
    gboolean padding = FALSE;
    for (gsize i = 0; i < 2 * ICCID_OCTETS; i++) {
        guint nibble = i % 2 == 0 ? octets.data[i / 2] & 0xf : octets.data[i / 2] >> 4;
        padding = padding || nibble == 0xf;
        if (padding ? nibble != 0xf : nibble > 9)
            return NULL;
        if (!padding)
            text[digits++] = (char)('0' + nibble);
    }
    return digits > 0 ? g_strndup (text, digits) : NULL;
}

gboolean
rsp_digits_add (char *digits, gsize len, guint64 n)
{
    for (gsize i = len; i-- > 0 && n;) {
        n += (guint64)(digits[i] - '0');
        digits[i] = (char)('0' + n % 10);
        n /= 10;
    }
    return !n;
}

/* ITU-T E.118: the check digit of a number without it. */
static char
check_digit (const char *digits, gsize len)
{
    guint sum = 0;
    for (gsize i = 0; i < len; i++) {
        guint d = (guint)(digits[len - 1 - i] - '0') * (i % 2 ? 1 : 2);
        sum += d / 10 + d % 10;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

char *
rsp_iccid_nth (const char *first, guint64 n)
{
    g_autofree char *iccid = g_strdup (first);
    gsize len = strlen (iccid);
    if (!rsp_digits_add (iccid, len - 1, n))
        return NULL;
    iccid[len - 1] = check_digit (iccid, len - 1);
    return g_steal_pointer (&iccid);
}

/* TBCD: first digit in the low nibble; an odd last digit goes into the high one, F below it. */
static void
put_digits (GByteArray *out, guint32 tag, const char *digits, gsize octets)
{
    guint8 buffer[8];
    g_assert (octets <= sizeof buffer);
    gsize len = strspn (digits, "0123456789");
    memset (buffer, 0xFF, sizeof buffer);
    for (gsize i = 0; i < len && i < 2 * octets; i++) {
        guint8 digit = (guint8)(digits[i] - '0');
        gboolean alone = i + 1 == len && len % 2 == 1;
        if (alone || i % 2 == 1)
            buffer[i / 2] = (guint8)(digit << 4 | (buffer[i / 2] & 0x0F));
        else
            buffer[i / 2] = (guint8)(0xF0 | digit);
    }
    rsp_tlv_put (out, tag, RSP_SLICE (buffer, octets));
}

void
rsp_put_device_info (GByteArray *out, const char *tac, const char *imei)
{
    static const guint8 systems[] = {0x80, 0x81, 0x85, 0x88, 0x89}, release[] = {15, 0, 0};
    put_digits (out, 0x80, tac, 4);
    gsize mark = rsp_tlv_open (out, 0xA1);
    for (guint i = 0; i < G_N_ELEMENTS (systems); i++)
        rsp_tlv_put (out, systems[i], RSP_SLICE_ARRAY (release));
    rsp_tlv_close (out, mark);
    if (imei)
        put_digits (out, 0x82, imei, 8);
}
