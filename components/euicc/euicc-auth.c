/* AUTHENTICATE: 3GPP TS 31.102 7.1, TS 31.103 7.1, sequence numbers by TS 33.102 annex C. */
#include "components/euicc/euicc-auth.h"

#include "components/euicc/euicc-internal.h"

#include <string.h>

#define CONTEXT_GSM 0x80
#define CONTEXT_3G 0x81
#define SERVICE_GSM_ACCESS 27
#define SERVICE_GSM_CONTEXT 38
#define INDEX_BITS 5

static const guint8 usim[] = {0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02};
static const guint8 csim[] = {0xA0, 0x00, 0x00, 0x03, 0x43, 0x10, 0x02};

static gboolean
is_application (const RspUiccFile *adf, const guint8 *aid)
{
    return adf->aid.len >= sizeof usim && memcmp (adf->aid.data, aid, sizeof usim) == 0;
}

gboolean
rsp_euicc_is_usim (const RspUiccFile *adf)
{
    return is_application (adf, usim);
}

gboolean
rsp_euicc_service (const RspUiccFile *adf, guint service)
{
    const RspUiccFile *ust = rsp_uicc_child (adf, 0x6F38);
    guint octet = (service - 1) / 8;
    return ust && ust->body && octet < ust->body->size &&
           ust->body->data[octet] >> (service - 1) % 8 & 1;
}

guint
rsp_euicc_need_application (RspEuicc *card, const RspEuiccChannel *ch)
{
    if (ch->app != RSP_APP_ADF || !ch->adf || !ch->df || rsp_uicc_application (ch->df) != ch->adf)
        return 0x6985;
    for (gsize i = 0; i < ch->adf->pins.len; i++) {
        guint8 reference = ch->adf->pins.data[i];
        if (reference >= 0x01 && reference <= 0x08)
            return rsp_euicc_pin_satisfied (card, ch, ch->adf, reference) ? 0x9000 : 0x6982;
    }
    return 0x9000;
}

/* --- Parameters --- */

/* What the profile gave for ADF; a mapping leads to those of another application. *RET_OWNER is the
 * application whose sequence numbers count. */
static gboolean
find_parameters (const RspUicc *uicc, const RspUiccFile *adf, RspAkaParameter *ret,
                 const RspUiccFile **ret_owner)
{
    for (guint hops = 0; adf && hops < 4; hops++) {
        const RspUiccKept *kept = NULL;
        RspTlv element;
        for (guint i = 0; (kept = rsp_uicc_kept (uicc, i)); i++)
            if (kept->tag == RSP_SAIP_AKA_PARAMETER && kept->context == adf)
                break;
        if (!kept || !rsp_tlv_single (kept->whole, RSP_SAIP_AKA_PARAMETER, &element) ||
            rsp_saip_read_aka (element.value, ret) != RSP_SAIP_OK)
            return FALSE;
        *ret_owner = adf;
        if (ret->algorithm != RSP_AKA_MAPPED)
            return TRUE;
        adf = rsp_uicc_adf (uicc, ret->source, NULL);
    }
    return FALSE;
}

/* --- Sequence numbers: in the card's memory, with the profile --- */

typedef struct {
    char name[48]; /* in the memory of the profile */
    guint64 seq[RSP_AKA_INDICES];
    guint32 runs; /* of AUTHENTICATE, against the profile's limit */
} Sequence;

#define RECORD_SIZE (6 * RSP_AKA_INDICES + 4)

static void
load_sequence (RspEuicc *card, const RspUiccFile *owner, const RspAkaParameter *p, Sequence *ret)
{
    g_autofree char *aid = rsp_hex (owner->aid);
    g_snprintf (ret->name, sizeof ret->name, "sequence/%s", aid);
    memcpy (ret->seq, p->seq, sizeof ret->seq);
    ret->runs = 0;
    g_autoptr (GBytes) record = rsp_euicc_kept (card, ret->name);
    RspSlice s = rsp_slice_of (record);
    if (s.len != RECORD_SIZE)
        return;
    for (guint i = 0; i < RSP_AKA_INDICES; i++) {
        ret->seq[i] = 0;
        for (guint k = 0; k < 6; k++)
            ret->seq[i] = ret->seq[i] << 8 | *s.data++;
    }
    for (guint k = 0; k < 4; k++)
        ret->runs = ret->runs << 8 | *s.data++;
}

static gboolean
store_sequence (RspEuicc *card, const Sequence *sequence)
{
    guint8 record[RECORD_SIZE], *out = record;
    for (guint i = 0; i < RSP_AKA_INDICES; i++)
        for (guint k = 0; k < 6; k++)
            *out++ = (guint8)(sequence->seq[i] >> (40 - 8 * k));
    for (guint k = 0; k < 4; k++)
        *out++ = (guint8)(sequence->runs >> (24 - 8 * k));
    return rsp_euicc_keep (card, sequence->name, RSP_SLICE_ARRAY (record));
}

static guint
highest (const Sequence *sequence)
{
    guint best = 0;
    for (guint i = 1; i < RSP_AKA_INDICES; i++)
        if (sequence->seq[i] > sequence->seq[best])
            best = i;
    return best;
}

/* TS 33.102 C.2.1, C.2.2: not too far ahead, not too old, newer than the last one of its index. */
static gboolean
is_fresh (const RspAkaParameter *p, const Sequence *sequence, guint64 sqn)
{
    guint64 seq = sqn >> INDEX_BITS, last = sequence->seq[highest (sequence)];
    if (p->delta_checked && seq > last && seq - last > p->delta)
        return FALSE;
    if (p->age_checked && last > seq && last - seq > p->age_limit)
        return FALSE;
    return seq > sequence->seq[sqn % RSP_AKA_INDICES];
}

/* --- Answers --- */

static void
put_part (GByteArray *out, const guint8 *data, gsize n)
{
    guint8 size = (guint8)n;
    g_byte_array_append (out, &size, 1);
    g_byte_array_append (out, data, (guint)n);
}

static void
put_answer (const RspUiccFile *adf, const RspAkaParameter *p, const guint8 *rand, guint8 context,
            GByteArray *out)
{
    static const guint8 success = 0xDB;
    RspAkaAnswer answer;
    guint8 sres[4], kc[8];
    rsp_aka_answer (p, rand, &answer);
    rsp_aka_gsm (p, &answer, sres, kc);
    if (context == CONTEXT_GSM) {
        put_part (out, sres, sizeof sres);
    } else {
        g_byte_array_append (out, &success, 1);
        put_part (out, answer.res, p->res_size);
        put_part (out, answer.ck, sizeof answer.ck);
        put_part (out, answer.ik, sizeof answer.ik);
    }
    if (context == CONTEXT_GSM ||
        (rsp_euicc_is_usim (adf) && rsp_euicc_service (adf, SERVICE_GSM_ACCESS)))
        put_part (out, kc, sizeof kc);
    rsp_wipe (&answer, sizeof answer);
    rsp_wipe (kc, sizeof kc);
}

static guint
put_resync (RspEuicc *card, const RspAkaParameter *p, const guint8 *rand, guint64 sqn_ms,
            GByteArray *out)
{
    static const guint8 failure = 0xDC;
    guint8 auts[14];
    rsp_aka_auts (p, rand, sqn_ms, auts);
    g_byte_array_append (out, &failure, 1);
    put_part (out, auts, sizeof auts);
    rsp_actor_crypto_result (card->actor, "aka", "network", "synchronisation failure");
    return 0x9000;
}

/* --- The command --- */

/* The XOR algorithm keeps no sequence numbers: an AMF of FFFF asks for a synchronisation failure
 * (TS 34.108 8.1.2.2). */
static guint
check_test_sqn (RspEuicc *card, const RspAkaParameter *p, const guint8 *rand, const guint8 *amf,
                guint64 sqn, GByteArray *out)
{
    if (amf[0] == 0xFF && amf[1] == 0xFF)
        return put_resync (card, p, rand, sqn, out);
    return 0x9000;
}

static guint
check_sqn (RspEuicc *card, const RspAkaParameter *p, Sequence *sequence, const guint8 *rand,
           guint64 sqn, GByteArray *out)
{
    if (!is_fresh (p, sequence, sqn)) {
        guint index = highest (sequence);
        return put_resync (card, p, rand, sequence->seq[index] << INDEX_BITS | index, out);
    }
    sequence->seq[sqn % RSP_AKA_INDICES] = sqn >> INDEX_BITS;
    return 0x9000;
}

static guint
run (RspEuicc *card, const RspUiccFile *adf, const RspEuiccCommand *c, GByteArray *out)
{
    RspAkaParameter p;
    const RspUiccFile *owner;
    const guint8 *rand = c->data.data + 1, *autn = rand + 17;
    gboolean gsm = c->p2 == CONTEXT_GSM;
    guint64 sqn = 0;
    if (!find_parameters (rsp_euicc_uicc (card), adf, &p, &owner))
        return 0x6985;
    Sequence sequence;
    load_sequence (card, owner, &p, &sequence);
    if (p.counter_max >= 0 && sequence.runs >= (guint32)p.counter_max)
        return 0x6985;
    gboolean counted = p.counter_max >= 0;
    sequence.runs += counted ? 1 : 0;
    if (!gsm && !rsp_aka_open_autn (&p, rand, autn, &sqn)) {
        rsp_actor_crypto_result (card->actor, "aka", "network", "MAC failure");
        return counted && !store_sequence (card, &sequence) ? 0x6581 : 0x9862;
    }
    guint sw = 0x9000;
    if (!gsm && p.algorithm == RSP_AKA_TEST)
        sw = check_test_sqn (card, &p, rand, autn + 6, sqn, out);
    else if (!gsm)
        sw = check_sqn (card, &p, &sequence, rand, sqn, out);
    gboolean accepted = out->len == 0;
    gboolean changed = counted || (accepted && !gsm && p.algorithm != RSP_AKA_TEST);
    if (changed && !store_sequence (card, &sequence)) {
        g_byte_array_set_size (out, 0);
        return 0x6581;
    }
    if (accepted) {
        put_answer (adf, &p, rand, c->p2, out);
        rsp_actor_crypto (card->actor, "aka", "network", TRUE);
    }
    return sw;
}

guint
rsp_euicc_authenticate (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                        GByteArray *out)
{
    gboolean gsm = c->p2 == CONTEXT_GSM;
    if (c->p1 != 0x00 || (c->p2 != CONTEXT_3G && !gsm))
        return 0x6A86;
    if (c->data.len != (gsm ? 17 : 34))
        return 0x6700;
    if (c->data.data[0] != 16 || (!gsm && c->data.data[17] != 16))
        return 0x6A80;
    guint sw = rsp_euicc_need_application (card, ch);
    if (sw != 0x9000)
        return sw;
    if (is_application (ch->adf, csim)) {
        rsp_actor_crypto_result (card->actor, "authenticate", "CSIM", "not supported: CAVE");
        return 0x6A81;
    }
    if (gsm && (!rsp_euicc_is_usim (ch->adf) || !rsp_euicc_service (ch->adf, SERVICE_GSM_CONTEXT)))
        return 0x9864;
    return run (card, ch->adf, c, out);
}
