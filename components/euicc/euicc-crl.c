/* ES10b.LoadCRL (SGP.22 5.7.12): lists of a CI's revoked certificates, each in one or several
 * parts, and deltas. A list counts once all its parts are in; what it replaces is kept until then.
 */
#include "components/euicc/euicc-internal.h"

#include <string.h>

enum { INVALID_SIGNATURE = 1, INVALID_FORMAT = 2, NO_MEMORY = 3, KEY_NOT_FOUND = 4 };
enum { FRESHER_LOADED = 5, BASE_MISSING = 6 }; /* LoadCRLResponseError */

static char *
key_of (const RspCrl *crl)
{
    g_autofree char *aki = rsp_hex (rsp_crl_aki (crl));
    return g_strdup_printf ("crl/%s/%" G_GUINT64_FORMAT "%s/%u", aki, rsp_crl_number (crl),
                            rsp_crl_is_delta (crl) ? "d" : "", rsp_crl_part (crl));
}

static gboolean
same_issuer (const RspCrl *a, const RspCrl *b)
{
    return rsp_slice_equal (rsp_crl_aki (a), rsp_crl_aki (b));
}

static gboolean
same_set (const RspCrl *a, const RspCrl *b)
{
    return same_issuer (a, b) && rsp_crl_number (a) == rsp_crl_number (b) &&
           rsp_crl_is_delta (a) == rsp_crl_is_delta (b) && rsp_crl_parts (a) == rsp_crl_parts (b);
}

static gboolean
has_part (const RspEuicc *card, const RspCrl *of, guint part)
{
    for (guint i = 0; i < card->crls->len; i++) {
        const RspCrl *crl = g_ptr_array_index (card->crls, i);
        if (same_set (crl, of) && rsp_crl_part (crl) == part)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_complete (const RspEuicc *card, const RspCrl *of)
{
    for (guint part = 1; part <= rsp_crl_parts (of); part++)
        if (!has_part (card, of, part))
            return FALSE;
    return TRUE;
}

gboolean
rsp_euicc_is_revoked (const RspEuicc *card, const RspCert *cert)
{
    g_autoptr (GPtrArray) effective = g_ptr_array_new ();
    for (guint i = 0; i < card->crls->len; i++) {
        RspCrl *crl = g_ptr_array_index (card->crls, i);
        if (is_complete (card, crl))
            g_ptr_array_add (effective, crl);
    }
    return rsp_crls_revoke (effective, cert);
}

gboolean
rsp_euicc_load_crls (RspEuicc *card)
{
    g_autoptr (GPtrArray) keys = rsp_nvm_keys (card->nvm, "crl/");
    g_ptr_array_set_size (card->crls, 0);
    for (guint i = 0; i < keys->len; i++) {
        g_autoptr (GBytes) der = rsp_nvm_get (card->nvm, g_ptr_array_index (keys, i));
        RspCrl *crl = rsp_crl_parse (der, NULL);
        if (!crl)
            return FALSE;
        g_ptr_array_add (card->crls, crl);
    }
    return TRUE;
}

/* The request's [0] takes the place of the list's own tag; with it, too, it is understood. */
static RspCrl *
read_list (RspSlice body)
{
    RspTlv list;
    if (rsp_tlv_next (&body, &list) != RSP_TLV_OK || body.len > 0 ||
        (list.tag != 0xA0 && list.tag != 0x30))
        return NULL;
    GByteArray *out = g_byte_array_sized_new ((guint)list.value.len + 8);
    rsp_tlv_put (out, 0x30, list.value);
    g_autoptr (GBytes) der = g_byte_array_free_to_bytes (out);
    return rsp_crl_parse (der, NULL);
}

static const RspCert *
issuer_of (const RspEuicc *card, const RspCrl *crl)
{
    for (guint i = 0; i < card->roots->len; i++) {
        const RspCert *root = g_ptr_array_index (card->roots, i);
        if (rsp_slice_equal (rsp_cert_ski (root), rsp_crl_aki (crl)))
            return root;
    }
    return NULL;
}

/* Is what the card has of this issuer as fresh as CRL, or fresher? */
static gboolean
is_stale (const RspEuicc *card, const RspCrl *crl)
{
    for (guint i = 0; i < card->crls->len; i++) {
        const RspCrl *have = g_ptr_array_index (card->crls, i);
        guint64 number = rsp_crl_number (have);
        if (!same_issuer (have, crl) || (rsp_crl_is_delta (have) && !rsp_crl_is_delta (crl)))
            continue;
        if (number > rsp_crl_number (crl) ||
            (number == rsp_crl_number (crl) &&
             (!same_set (have, crl) || has_part (card, crl, rsp_crl_part (crl)))))
            return TRUE;
    }
    return FALSE;
}

/* A delta stands on the complete list that it names, or on a later one. */
static gboolean
has_base (const RspEuicc *card, const RspCrl *delta)
{
    for (guint i = 0; i < card->crls->len; i++) {
        const RspCrl *have = g_ptr_array_index (card->crls, i);
        if (same_issuer (have, delta) && !rsp_crl_is_delta (have) && is_complete (card, have) &&
            rsp_crl_number (have) >= rsp_crl_base (delta))
            return TRUE;
    }
    return FALSE;
}

static guint8
check_list (RspEuicc *card, const RspCrl *crl)
{
    const RspCert *issuer = issuer_of (card, crl);
    if (!issuer)
        return KEY_NOT_FOUND;
    gboolean good = rsp_crl_verify (crl, issuer);
    rsp_actor_crypto (card->actor, "verify", "PK.CI", good);
    if (!good)
        return INVALID_SIGNATURE;
    if (is_stale (card, crl))
        return FRESHER_LOADED;
    return rsp_crl_is_delta (crl) && !has_base (card, crl) ? BASE_MISSING : 0;
}

static void
drop (RspEuicc *card, guint index)
{
    g_autofree char *key = key_of (g_ptr_array_index (card->crls, index));
    rsp_nvm_delete (card->nvm, key);
    g_ptr_array_remove_index (card->crls, index);
}

/* A list that is whole makes the older ones of its issuer superfluous; a delta only older deltas.
 */
static void
drop_older (RspEuicc *card, const RspCrl *crl)
{
    for (guint i = 0; i < card->crls->len;) {
        const RspCrl *have = g_ptr_array_index (card->crls, i);
        if (same_issuer (have, crl) && rsp_crl_number (have) < rsp_crl_number (crl) &&
            (!rsp_crl_is_delta (crl) || rsp_crl_is_delta (have)))
            drop (card, i);
        else
            i++;
    }
}

static gsize
octets_of (const RspEuicc *card)
{
    gsize sum = 0;
    for (guint i = 0; i < card->crls->len; i++)
        sum += g_bytes_get_size (rsp_crl_der (g_ptr_array_index (card->crls, i)));
    return sum;
}

/* Within a transaction. */
static guint8
store (RspEuicc *card, RspCrl *crl)
{
    g_autofree char *key = key_of (crl);
    g_ptr_array_add (card->crls, rsp_crl_ref (crl));
    rsp_nvm_put (card->nvm, key, rsp_crl_der (crl));
    if (is_complete (card, crl))
        drop_older (card, crl);
    return octets_of (card) > card->crl_memory ? NO_MEMORY : 0;
}

static void
give_up (RspEuicc *card)
{
    rsp_nvm_rollback (card->nvm);
    if (!rsp_euicc_load_crls (card))
        g_warning ("card memory is damaged at \"crl\"");
}

static void
put_missing (const RspEuicc *card, const RspCrl *crl, GByteArray *out)
{
    gsize outer = rsp_tlv_open (out, 0xBF35), ok = rsp_tlv_open (out, 0xA0);
    if (!is_complete (card, crl)) {
        gsize list = rsp_tlv_open (out, 0xA0);
        for (guint part = 1; part <= rsp_crl_parts (crl); part++)
            if (!has_part (card, crl, part))
                rsp_tlv_put_int (out, 0x02, part);
        rsp_tlv_close (out, list);
    }
    rsp_tlv_close (out, ok);
    rsp_tlv_close (out, outer);
}

guint
rsp_euicc_load_crl (RspEuicc *card, RspSlice body, GByteArray *out)
{
    if (card->crl_memory == 0)
        return 0x6A88;
    g_autoptr (RspCrl) crl = read_list (body);
    guint8 code = crl ? check_list (card, crl) : INVALID_FORMAT;
    if (code == 0) {
        rsp_euicc_begin (card);
        code = store (card, crl);
        if (code == 0 && !rsp_euicc_commit_alone (card))
            code = RSP_UNDEFINED_ERROR;
        if (code) /* the lists alone: applications and PINs are not concerned */
            give_up (card);
    }
    if (code) {
        gsize mark = rsp_tlv_open (out, 0xBF35);
        rsp_tlv_put_int (out, 0x81, code);
        rsp_tlv_close (out, mark);
    } else {
        put_missing (card, crl, out);
    }
    return 0x9000;
}
