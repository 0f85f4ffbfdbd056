/* Object identifiers and times of certificates: octets, text, roles. */
#include "pki/cert-private.h"

#include "asn1/tlv.h"

#include <string.h>

#define MAX_ARCS 32

#define OCTETS(...)                                                                                \
    {                                                                                              \
        .data = (const guint8[]){__VA_ARGS__}, .len = sizeof (const guint8[])                      \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

const RspSlice rsp_oid_ecdsa_sha256_algorithm =
    OCTETS (0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
const RspSlice rsp_oid_ec_public_key = OCTETS (0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
const RspSlice rsp_oid_p256 = OCTETS (0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
const RspSlice rsp_oid_at_cn = OCTETS (0x55, 0x04, 0x03);
const RspSlice rsp_oid_at_serial_number = OCTETS (0x55, 0x04, 0x05);
const RspSlice rsp_oid_at_c = OCTETS (0x55, 0x04, 0x06);
const RspSlice rsp_oid_at_o = OCTETS (0x55, 0x04, 0x0a);
const RspSlice rsp_oid_ce_ski = OCTETS (0x55, 0x1d, 0x0e);
const RspSlice rsp_oid_ce_key_usage = OCTETS (0x55, 0x1d, 0x0f);
const RspSlice rsp_oid_ce_san = OCTETS (0x55, 0x1d, 0x11);
const RspSlice rsp_oid_ce_bc = OCTETS (0x55, 0x1d, 0x13);
const RspSlice rsp_oid_ce_name_constraints = OCTETS (0x55, 0x1d, 0x1e);
const RspSlice rsp_oid_ce_crl_dp = OCTETS (0x55, 0x1d, 0x1f);
const RspSlice rsp_oid_ce_policies = OCTETS (0x55, 0x1d, 0x20);
const RspSlice rsp_oid_ce_aki = OCTETS (0x55, 0x1d, 0x23);
const RspSlice rsp_oid_ce_eku = OCTETS (0x55, 0x1d, 0x25);
const RspSlice rsp_oid_kp_server_auth = OCTETS (0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01);
const RspSlice rsp_oid_kp_client_auth = OCTETS (0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02);

/* 2.23.146.1.2.1.N of Variant O. */
static const struct {
    const char *name, *dotted;
    guint8 octets[7];
} roles[] = {
    [RSP_ROLE_NONE] = {"none", NULL, {0}},
    [RSP_ROLE_CI] = {"ci", "2.23.146.1.2.1.0", {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x00}},
    [RSP_ROLE_EUICC] = {"euicc", "2.23.146.1.2.1.1", {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x01}},
    [RSP_ROLE_EUM] = {"eum", "2.23.146.1.2.1.2", {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x02}},
    [RSP_ROLE_DP_TLS] = {"dp-tls", "2.23.146.1.2.1.3", {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x03}},
    [RSP_ROLE_DP_AUTH] = {"dp-auth",
                          "2.23.146.1.2.1.4",
                          {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x04}},
    [RSP_ROLE_DP_PB] = {"dp-pb", "2.23.146.1.2.1.5", {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x05}},
    [RSP_ROLE_DS_TLS] = {"ds-tls", "2.23.146.1.2.1.6", {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x06}},
    [RSP_ROLE_DS_AUTH] = {"ds-auth",
                          "2.23.146.1.2.1.7",
                          {0x67, 0x81, 0x12, 0x01, 0x02, 0x01, 0x07}},
};

const char *
rsp_role_name (RspRole role)
{
    g_assert ((guint)role < G_N_ELEMENTS (roles));
    return roles[role].name;
}

RspSlice
rsp_role_oid_octets (RspRole role)
{
    return role == RSP_ROLE_NONE ? RSP_SLICE (NULL, 0) : RSP_SLICE_ARRAY (roles[role].octets);
}

RspRole
rsp_role_of_octets (RspSlice oid)
{
    for (guint role = RSP_ROLE_CI; role < G_N_ELEMENTS (roles); role++)
        if (rsp_slice_equal (oid, RSP_SLICE_ARRAY (roles[role].octets)))
            return role;
    return RSP_ROLE_NONE;
}

/* Takes one base-128 arc: minimal, at most 63 bits. */
static gboolean
take_arc (RspSlice *octets, guint64 *ret_arc)
{
    guint64 arc = 0;
    for (gsize i = 0; i < octets->len && i < 9; i++) {
        if (i == 0 && octets->data[0] == 0x80)
            return FALSE;
        arc = arc << 7 | (octets->data[i] & 0x7f);
        if (!(octets->data[i] & 0x80)) {
            octets->data += i + 1;
            octets->len -= i + 1;
            *ret_arc = arc;
            return TRUE;
        }
    }
    return FALSE;
}

char *
rsp_oid_to_text (RspSlice octets)
{
    guint64 arc;
    if (!take_arc (&octets, &arc))
        return NULL;
    g_autoptr (GString) out = g_string_new (NULL);
    guint64 top = MIN (arc / 40, 2);
    g_string_append_printf (out, "%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT, top, arc - 40 * top);
    for (guint n = 2; octets.len > 0; n++) {
        if (n >= MAX_ARCS || !take_arc (&octets, &arc))
            return NULL;
        g_string_append_printf (out, ".%" G_GUINT64_FORMAT, arc);
    }
    return g_strdup (out->str);
}

static void
put_arc (GByteArray *out, guint64 arc)
{
    for (int shift = 63; shift > 0; shift -= 7) {
        if (arc >> shift) {
            guint8 octet = (guint8)(0x80 | (arc >> shift & 0x7f));
            g_byte_array_append (out, &octet, 1);
        }
    }
    guint8 last = arc & 0x7f;
    g_byte_array_append (out, &last, 1);
}

static gboolean
take_decimal (const char **text, guint64 *ret_arc)
{
    const char *at = *text;
    guint64 arc = 0;
    if (!g_ascii_isdigit (*at) || (at[0] == '0' && g_ascii_isdigit (at[1])))
        return FALSE;
    for (; g_ascii_isdigit (*at); at++) {
        if (arc > (G_MAXINT64 - 80 - 9) / 10)
            return FALSE;
        arc = arc * 10 + (guint64)(*at - '0');
    }
    *text = at;
    *ret_arc = arc;
    return TRUE;
}

GByteArray *
rsp_oid_from_text (const char *dotted)
{
    guint64 top, arc;
    if (!take_decimal (&dotted, &top) || top > 2 || *dotted++ != '.' ||
        !take_decimal (&dotted, &arc) || (top < 2 && arc > 39))
        return NULL;
    g_autoptr (GByteArray) out = g_byte_array_new ();
    put_arc (out, 40 * top + arc);
    for (guint n = 2; *dotted; n++) {
        if (n >= MAX_ARCS || *dotted++ != '.' || !take_decimal (&dotted, &arc))
            return NULL;
        put_arc (out, arc);
    }
    return g_steal_pointer (&out);
}

static gboolean
two_digits (const guint8 *at, int *ret)
{
    if (!g_ascii_isdigit (at[0]) || !g_ascii_isdigit (at[1]))
        return FALSE;
    *ret = (at[0] - '0') * 10 + (at[1] - '0');
    return TRUE;
}

/* Days from 1970-01-01 in the Gregorian calendar; years are counted from March. */
static gint64
days_of (int year, int month, int day)
{
    gint64 y = year - (month <= 2);
    gint64 era = y / 400, of_era = y % 400;
    gint64 of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int
days_in_month (int year, int month)
{
    static const guint8 days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    gboolean leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

gboolean
rsp_time_parse (guint32 tag, RspSlice content, gint64 *ret_unix)
{
    gsize digits = tag == 0x18 ? 14 : 12;
    int part[7] = {0};
    if ((tag != 0x17 && tag != 0x18) || content.len != digits + 1 || content.data[digits] != 'Z')
        return FALSE;
    for (gsize i = 0; i < digits / 2; i++)
        if (!two_digits (content.data + 2 * i, &part[i + (tag == 0x17)]))
            return FALSE;
    int year = tag == 0x18 ? part[0] * 100 + part[1] : part[1] + (part[1] < 50 ? 2000 : 1900);
    if (part[2] < 1 || part[2] > 12 || part[3] < 1 || part[3] > days_in_month (year, part[2]) ||
        part[4] > 23 || part[5] > 59 || part[6] > 59 || year < 1)
        return FALSE;
    *ret_unix = ((days_of (year, part[2], part[3]) * 24 + part[4]) * 60 + part[5]) * 60 + part[6];
    return TRUE;
}

char *
rsp_time_format (gint64 unix_time, guint32 *ret_tag)
{
    g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_time);
    *ret_tag = 0x18;
    if (!time) /* after 9999: no end (RFC 5280 4.1.2.5) */
        return g_strdup ("99991231235959Z");
    int year = g_date_time_get_year (time);
    if (year < 1950 || year > 2049)
        return g_date_time_format (time, "%Y%m%d%H%M%SZ");
    *ret_tag = 0x17;
    return g_date_time_format (time, "%y%m%d%H%M%SZ");
}

void
rsp_name_walk_start (RspNameWalk *walk, RspSlice name_content)
{
    walk->names = name_content;
    walk->set = RSP_SLICE (NULL, 0);
}

gboolean
rsp_name_walk_next (RspNameWalk *walk, RspNameAttribute *ret, gboolean *ret_bad)
{
    RspTlv set, sequence, type, value;
    *ret_bad = FALSE;
    if (walk->set.len == 0) {
        if (walk->names.len == 0)
            return FALSE;
        *ret_bad = TRUE;
        if (rsp_tlv_next (&walk->names, &set) != RSP_TLV_OK || set.tag != 0x31)
            return FALSE;
        walk->set = set.value;
    }
    *ret_bad = TRUE;
    if (rsp_tlv_next (&walk->set, &sequence) != RSP_TLV_OK || sequence.tag != 0x30)
        return FALSE;
    RspSlice rest = sequence.value;
    if (rsp_tlv_next (&rest, &type) != RSP_TLV_OK || type.tag != 0x06 ||
        rsp_tlv_next (&rest, &value) != RSP_TLV_OK || rest.len != 0)
        return FALSE;
    *ret_bad = FALSE;
    *ret = (RspNameAttribute){.type = type.value, .tag = value.tag, .value = value.value};
    return TRUE;
}

gboolean
rsp_name_text_tag (guint32 tag)
{
    return tag == 0x0C || tag == 0x13 || tag == 0x16;
}
