/* Another subscriber in a package: identities, keys and codes written over in place. Everything
 * that changes has a fixed length, so that no length of the package changes. */
#include "asn1/saip-schema.h"

#include "asn1/aka.h"
#include "asn1/saip-content.h"

#include <string.h>

const RspSaipCode rsp_saip_codes[RSP_SAIP_N_CODES] = {
    {"pin1", 1, FALSE},   {"puk1", 1, TRUE},    {"adm1", 10, FALSE},  {"pin2", 129, FALSE},
    {"puk2", 129, TRUE},  {"adm2", 11, FALSE},  {"adm3", 12, FALSE},  {"adm4", 13, FALSE},
    {"adm5", 14, FALSE},  {"adm6", 138, FALSE}, {"adm7", 139, FALSE}, {"adm8", 140, FALSE},
    {"adm9", 141, FALSE}, {"adm10", 142, FALSE}};

typedef struct {
    const RspSaipPersonal *who;
    const guint8 *base; /* the package that is read */
    guint8 *copy;       /* the one that is written */
    char old_imsi[16];
    gboolean imsi, key, opc; /* found */
    guint codes;             /* found, by place */
    const char *why;         /* a refusal */
} Personal;

static void
overwrite (Personal *p, RspSlice where, const void *octets)
{
    memcpy (p->copy + (where.data - p->base), octets, where.len);
}

/* --- Files --- */

/* The one piece of content; empty when there are none or several. */
static RspSlice
only_piece (const RspSaipFileDef *f)
{
    RspSlice rest = f->content;
    RspTlv tlv;
    if (rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK && tlv.tag == 0x83 && !rest.len)
        return tlv.value;
    return RSP_SLICE (NULL, 0);
}

static void
replace_imsi (Personal *p, const RspSaipFileDef *f)
{
    guint8 octets[9];
    RspSlice s = only_piece (f);
    if (s.len != 9 || !rsp_saip_imsi_octets (p->who->imsi, octets)) {
        p->why = s.len != 9 ? "not supported: EF.IMSI is not written in one piece"
                            : "an IMSI has 6 to 15 digits";
        return;
    }
    rsp_imsi_digits (s, p->old_imsi);
    overwrite (p, s, octets);
    p->imsi = TRUE;
}

static guint16
access_class (const char *imsi)
{
    gsize n = strlen (imsi);
    return n ? (guint16)(1u << (imsi[n - 1] - '0')) : 0;
}

/* EF.ACC follows the IMSI's last digit where it did so before. */
static void
replace_access_class (Personal *p, const RspSaipFileDef *f)
{
    RspSlice s = only_piece (f);
    if (!p->imsi || s.len != 2 || (s.data[0] << 8 | s.data[1]) != access_class (p->old_imsi))
        return;
    guint16 classes = access_class (p->who->imsi);
    overwrite (p, s, (guint8[]){(guint8)(classes >> 8), (guint8)classes});
}

/* The IMSI's digits inside the ISIM's identities. */
static void
replace_in_text (Personal *p, const RspSaipFileDef *f)
{
    RspSlice rest = f->content;
    RspTlv tlv;
    gsize n = strlen (p->old_imsi);
    while (p->imsi && n && rsp_tlv_next (&rest, &tlv) == RSP_TLV_OK)
        for (gsize i = 0; tlv.tag == 0x83 && i + n <= tlv.value.len; i++) {
            if (memcmp (tlv.value.data + i, p->old_imsi, n))
                continue;
            if (strlen (p->who->imsi) != n || memcmp (p->who->imsi, p->old_imsi, MIN (n, 6))) {
                p->why = "not supported: an IMSI of another network or length beside an ISIM";
                return;
            }
            overwrite (p, RSP_SLICE (tlv.value.data + i, n), p->who->imsi);
        }
}

static RspSaipStatus
on_file (RspSaipAction action, const RspSaipFileDef *f, gpointer data, RspSaipProblem *problem)
{
    Personal *p = data;
    if (action != RSP_SAIP_CREATE || !f->row)
        return RSP_SAIP_OK;
    if (!strcmp (f->row->member, "ef-imsi") && !p->imsi)
        replace_imsi (p, f);
    else if (!strcmp (f->row->member, "ef-acc"))
        replace_access_class (p, f);
    else if (!strcmp (f->row->member, "ef-impi") || !strcmp (f->row->member, "ef-impu"))
        replace_in_text (p, f);
    return RSP_SAIP_OK;
}

/* --- Codes and keys --- */

static gboolean
reference_is (RspSlice code, gint64 wanted, RspTlv *ret_value)
{
    RspTlv tlv;
    gint64 n;
    return rsp_tlv_find (code, 0x80, &tlv) && rsp_saip_int (tlv.value, &n) && n == wanted &&
           rsp_tlv_find (code, 0x81, ret_value) && ret_value->value.len == 8;
}

static void
replace_code (Personal *p, RspSlice code, guint place)
{
    const char *digits = p->who->codes[place];
    guint8 octets[8];
    RspTlv value;
    if (!reference_is (code, rsp_saip_codes[place].reference, &value))
        return;
    p->codes |= 1u << place;
    if (!digits)
        return;
    gsize n = strlen (digits);
    if (n < 4 || n > 8 || strspn (digits, "0123456789") != n) {
        p->why = "a code has 4 to 8 digits";
        return;
    }
    memset (octets, 0xFF, sizeof octets);
    memcpy (octets, digits, n);
    overwrite (p, value.value, octets);
    rsp_wipe (octets, sizeof octets);
}

static void
replace_codes (Personal *p, RspSlice list, gboolean puks)
{
    RspTlv tlv;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK)
        for (guint i = 0; i < RSP_SAIP_N_CODES; i++)
            if (rsp_saip_codes[i].puk == puks)
                replace_code (p, tlv.value, i);
}

static void
replace_secret (Personal *p, RspSlice algorithm, guint32 tag, RspSlice secret, gboolean *found)
{
    RspTlv tlv;
    if (!secret.len || !rsp_tlv_find (algorithm, tag, &tlv))
        return;
    if (tlv.value.len != secret.len) {
        p->why = "a key or OPc has not the length of the template's";
        return;
    }
    overwrite (p, tlv.value, secret.data);
    *found = TRUE;
}

static void
replace_in (Personal *p, const RspSaipElement *e)
{
    RspTlv choice, inner;
    switch (e->tag) {
    case RSP_SAIP_USIM:
    case RSP_SAIP_ISIM:
        if (p->who->imsi)
            rsp_saip_files (e, on_file, p, NULL);
        return;
    case RSP_SAIP_PUK_CODES:
        if (rsp_tlv_find (e->body, 0xA1, &choice))
            replace_codes (p, choice.value, TRUE);
        return;
    case RSP_SAIP_PIN_CODES:
        if (rsp_tlv_find (e->body, 0xA1, &choice) && rsp_tlv_find (choice.value, 0xA0, &inner))
            replace_codes (p, inner.value, FALSE);
        return;
    case RSP_SAIP_AKA_PARAMETER:
        if (!rsp_tlv_find (e->body, 0xA1, &choice) || !rsp_tlv_find (choice.value, 0xA1, &inner))
            return;
        replace_secret (p, inner.value, 0x82, p->who->key, &p->key);
        replace_secret (p, inner.value, 0x83, p->who->opc, &p->opc);
        return;
    default:
        return;
    }
}

static gboolean
lacks_code (const Personal *p)
{
    for (guint i = 0; i < RSP_SAIP_N_CODES; i++)
        if (p->who->codes[i] && !(p->codes >> i & 1))
            return TRUE;
    return FALSE;
}

static const char *
missing (const Personal *p)
{
    const RspSaipPersonal *w = p->who;
    return p->why                  ? p->why
           : w->imsi && !p->imsi   ? "no USIM with an EF.IMSI to personalise"
           : w->key.len && !p->key ? "no key to personalise"
           : w->opc.len && !p->opc ? "no OPc to personalise"
           : lacks_code (p)        ? "no such PIN or PUK to personalise"
                                   : NULL;
}

GBytes *
rsp_saip_personalise (GBytes *upp, const RspSaipPersonal *who, GError **error)
{
    g_autoptr (GBytes) from =
        who->iccid ? rsp_saip_with_iccid (upp, who->iccid, error) : g_bytes_ref (upp);
    if (!from)
        return NULL;
    RspSlice all = rsp_slice_of (from), rest = all;
    g_autofree guint8 *copy = g_memdup2 (all.data, all.len);
    Personal p = {.who = who, .base = all.data, .copy = copy};
    RspSaipElement e;
    while (!p.why && rsp_saip_next (&rest, &e) == RSP_TLV_OK)
        replace_in (&p, &e);
    const char *why = missing (&p);
    if (why) {
        g_set_error (error, RSP_YAML_ERROR, RSP_YAML_ERROR_VALUE, "profile package: %s", why);
        return NULL;
    }
    return g_bytes_new_take (g_steal_pointer (&copy), all.len);
}

gboolean
rsp_saip_imsi_of (GBytes *upp, char out[16])
{
    g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (upp, NULL), g_bytes_get_size (upp));
    RspSlice all = rsp_slice_of (upp), rest = all;
    Personal p = {
        .who = &(RspSaipPersonal){.imsi = "001010000000000"}, .base = all.data, .copy = copy};
    RspSaipElement e;
    while (!p.imsi && !p.why && rsp_saip_next (&rest, &e) == RSP_TLV_OK)
        if (e.tag == RSP_SAIP_USIM)
            replace_in (&p, &e);
    memcpy (out, p.old_imsi, sizeof p.old_imsi);
    return p.imsi;
}

guint
rsp_saip_codes_of (RspSlice upp)
{
    Personal p = {.who = &(RspSaipPersonal){0}, .base = upp.data};
    RspSaipElement e;
    while (rsp_saip_next (&upp, &e) == RSP_TLV_OK)
        if (e.tag == RSP_SAIP_PIN_CODES || e.tag == RSP_SAIP_PUK_CODES)
            replace_in (&p, &e);
    return p.codes;
}
