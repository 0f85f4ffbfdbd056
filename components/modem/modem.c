#include "components/modem/modem-private.h"

#include "asn1/aka.h"
#include "pki/aka.h"
#include "sim/net/transport.h"

#include <string.h>

#define SERVICE_SUCI 124
#define SERVICE_SUCI_BY_USIM 125

/* What is read, below the USIM. */
static const struct {
    guint8 path[6];
    guint8 size;
} files[RSP_MODEM_FILES] = {
    [RSP_MODEM_UST] = {{0x7F, 0xFF, 0x6F, 0x38}, 4},
    [RSP_MODEM_IMSI] = {{0x7F, 0xFF, 0x6F, 0x07}, 4},
    [RSP_MODEM_AD] = {{0x7F, 0xFF, 0x6F, 0xAD}, 4},
    [RSP_MODEM_ROUTING] = {{0x7F, 0xFF, 0x5F, 0xC0, 0x4F, 0x0A}, 6},
    [RSP_MODEM_CALC_INFO] = {{0x7F, 0xFF, 0x5F, 0xC0, 0x4F, 0x07}, 6},
};

/* --- Ends --- */

static void
forget (RspModem *modem)
{
    for (guint i = 0; i < RSP_MODEM_FILES; i++)
        g_clear_pointer (&modem->files[i], g_byte_array_unref);
    rsp_modem_card_clear (modem);
}

static void
finish (RspModem *modem, const char *result)
{
    RspModemOutcome outcome = modem->outcome;
    RspModemFunc func = modem->func;
    gpointer data = modem->data;
    outcome.result = result;
    if (strcmp (result, "attached") == 0)
        modem->network = modem->operator;
    rsp_actor_state (modem->actor, "attach", "under way", result);
    modem->busy = FALSE;
    forget (modem);
    if (func)
        func (&outcome, data);
}

static void
finish_card (RspModem *modem, guint sw)
{
    finish (modem, sw == 0x6982 ? "pin-required" : "card-error");
}

/* --- The network --- */

static void on_network (const RspReply *reply, gpointer data);

static void
send (RspModem *modem, RspFunctionId function, RspNas *nas)
{
    nas->system = modem->outcome.system;
    g_autoptr (GBytes) body = rsp_nas_encode (nas);
    rsp_bus_call (modem->actor->bus, modem->actor->name, modem->operator, rsp_function (function),
                  body, NULL, on_network, modem);
}

static void
send_failure (RspModem *modem, guint cause, RspSlice auts)
{
    modem->outcome.cause = cause;
    send (modem, RSP_FN_NAS_AUTHENTICATION_FAILURE,
          &(RspNas){.type = RSP_NAS_AUTHENTICATION_FAILURE, .cause = cause, .auts = auts});
}

/* DB: RES, CK, IK, each behind its length. */
static gboolean
read_answer (RspSlice data, RspSlice *res, RspSlice *ck, RspSlice *ik)
{
    RspSlice *const parts[] = {res, ck, ik};
    gsize at = 1;
    for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
        if (at >= data.len || at + 1 + data.data[at] > data.len)
            return FALSE;
        *parts[i] = RSP_SLICE (data.data + at + 1, data.data[at]);
        at += 1 + (gsize)data.data[at];
    }
    return res->len >= 4 && res->len <= 16 && ck->len == 16 && ik->len == 16;
}

static void
send_response (RspModem *modem, RspSlice data)
{
    RspSlice res, ck, ik;
    guint8 res_star[16];
    if (!read_answer (data, &res, &ck, &ik)) {
        finish (modem, "card-error");
        return;
    }
    if (modem->outcome.system == RSP_NAS_5GS) {
        g_autofree char *network = rsp_serving_network_name (modem->plmn);
        rsp_aka_res_star (ck.data, ik.data, res, modem->rand, network, res_star);
        res = RSP_SLICE_ARRAY (res_star);
    }
    modem->outcome.cause = 0;
    send (modem, RSP_FN_NAS_AUTHENTICATION_RESPONSE,
          &(RspNas){.type = RSP_NAS_AUTHENTICATION_RESPONSE, .res = res});
}

static void
on_authenticated (RspModem *modem, RspSlice data, guint sw)
{
    if (sw == 0x9862)
        send_failure (modem, RSP_NAS_MAC_FAILURE, RSP_SLICE (NULL, 0));
    else if (sw != 0x9000)
        finish_card (modem, sw);
    else if (data.len == 16 && data.data[0] == 0xDC && data.data[1] == 14)
        send_failure (modem, RSP_NAS_SYNCH_FAILURE, RSP_SLICE (data.data + 2, 14));
    else if (data.len > 0 && data.data[0] == 0xDB)
        send_response (modem, data);
    else
        finish (modem, "card-error");
}

static void
authenticate (RspModem *modem, const RspNas *nas)
{
    guint8 command[5 + 34] = {0x00, 0x88, 0x00, 0x81, 34};
    command[5] = command[22] = 16;
    memcpy (command + 6, nas->rand.data, 16);
    memcpy (command + 23, nas->autn.data, 16);
    memcpy (modem->rand, nas->rand.data, 16);
    modem->outcome.resynchronised =
        modem->outcome.resynchronised || modem->outcome.cause == RSP_NAS_SYNCH_FAILURE;
    rsp_modem_apdu (modem, RSP_SLICE_ARRAY (command), on_authenticated);
}

static const char *
why_rejected (const RspModem *modem)
{
    switch (modem->outcome.cause) {
    case RSP_NAS_MAC_FAILURE:
        return "mac-failure";
    case RSP_NAS_SYNCH_FAILURE:
        return "sync-failure";
    default:
        return "res-mismatch";
    }
}

static const char *
why_refused (guint cause)
{
    switch (cause) {
    case RSP_NAS_IMSI_UNKNOWN:
    case RSP_NAS_ILLEGAL_UE:
        return "unknown-subscriber";
    case RSP_NAS_IDENTITY_NOT_DERIVED:
        return "identity-not-derived";
    default:
        return "rejected";
    }
}

static void
on_network (const RspReply *reply, gpointer data)
{
    RspModem *modem = data;
    RspNas nas;
    if (reply->kind != RSP_REPLY_OK) {
        finish (modem, reply->kind == RSP_REPLY_TIMEOUT ? "no-answer" : "link");
        return;
    }
    if (!rsp_nas_decode (rsp_slice_of (reply->body), &nas) || nas.system != modem->outcome.system) {
        finish (modem, "rejected");
        return;
    }
    switch (nas.type) {
    case RSP_NAS_AUTHENTICATION_REQUEST:
        authenticate (modem, &nas);
        return;
    case RSP_NAS_ATTACH_ACCEPT:
        finish (modem, "attached");
        return;
    case RSP_NAS_AUTHENTICATION_REJECT:
        finish (modem, why_rejected (modem));
        return;
    case RSP_NAS_ATTACH_REJECT:
        modem->outcome.cause = nas.cause;
        finish (modem, why_refused (nas.cause));
        return;
    default:
        finish (modem, "rejected");
    }
}

/* --- The card --- */

static gboolean
service (const RspModem *modem, guint number)
{
    const GByteArray *ust = modem->files[RSP_MODEM_UST];
    guint octet = (number - 1) / 8;
    return ust && octet < ust->len && ust->data[octet] >> (number - 1) % 8 & 1;
}

static RspSlice
content (const RspModem *modem, RspModemFile file)
{
    const GByteArray *f = modem->files[file];
    return f ? RSP_SLICE (f->data, f->len) : RSP_SLICE (NULL, 0);
}

static void
request (RspModem *modem, RspSlice identity)
{
    gboolean eps = modem->outcome.system == RSP_NAS_EPS;
    modem->outcome.identity = eps ? "imsi" : "suci";
    send (modem, eps ? RSP_FN_NAS_ATTACH_REQUEST : RSP_FN_NAS_REGISTRATION_REQUEST,
          &(RspNas){.type = RSP_NAS_ATTACH_REQUEST, .identity = identity});
}

/* All files that are needed have been read. */
static void
identify (RspModem *modem)
{
    char imsi[16];
    g_autoptr (GByteArray) identity = g_byte_array_new ();
    if (!rsp_imsi_digits (content (modem, RSP_MODEM_IMSI), imsi)) {
        finish (modem, "card-error");
        return;
    }
    if (modem->outcome.system == RSP_NAS_EPS) {
        rsp_nas_put_imsi (identity, imsi);
    } else {
        RspSlice ad = content (modem, RSP_MODEM_AD);
        RspSuciSource source = {.imsi = imsi,
                                .mnc_size = ad.len >= 4 && (ad.data[3] & 15) == 3 ? 3 : 2,
                                .routing = content (modem, RSP_MODEM_ROUTING)};
        /* Without service 124 the USIM's file does not count. */
        if (service (modem, SERVICE_SUCI))
            source.calc_info = content (modem, RSP_MODEM_CALC_INFO);
        if (!modem->identities)
            modem->identities = rsp_actor_rng (modem->actor, "identity");
        rsp_suci_make (&source, modem->identities, identity);
    }
    request (modem, RSP_SLICE (identity->data, identity->len));
}

static void
on_identity (RspModem *modem, RspSlice data, guint sw)
{
    RspTlv identity;
    if (sw != 0x9000)
        finish_card (modem, sw);
    else if (!rsp_tlv_single (data, 0xA1, &identity) || identity.value.len > 250)
        finish (modem, "card-error");
    else
        request (modem, identity.value);
}

static void read_next (RspModem *modem);

static void
choose_system (RspModem *modem)
{
    static const guint8 get_identity[] = {0x80, 0x78, 0x00, 0x01, 0x00};
    gboolean fiveg = modem->wanted == RSP_MODEM_5GS ||
                     (modem->wanted == RSP_MODEM_BY_USIM && service (modem, SERVICE_SUCI));
    modem->outcome.system = fiveg ? RSP_NAS_5GS : RSP_NAS_EPS;
    if (fiveg && service (modem, SERVICE_SUCI) && service (modem, SERVICE_SUCI_BY_USIM))
        rsp_modem_apdu (modem, RSP_SLICE_ARRAY (get_identity), on_identity);
    else
        read_next (modem);
}

static gboolean
is_needed (const RspModem *modem, RspModemFile file)
{
    if (file == RSP_MODEM_UST || file == RSP_MODEM_IMSI)
        return TRUE;
    return modem->outcome.system == RSP_NAS_5GS;
}

static void
on_file (RspModem *modem, RspSlice data, guint sw)
{
    if (sw == 0 || sw == 0x6982) {
        finish_card (modem, sw);
        return;
    }
    if (sw == 0x9000) {
        GByteArray *file = g_byte_array_new ();
        g_byte_array_append (file, data.data, (guint)MIN (data.len, RSP_MODEM_FILE_MAX));
        modem->files[modem->reading] = file;
    }
    RspModemFile read = modem->reading++;
    if (read == RSP_MODEM_UST)
        choose_system (modem);
    else
        read_next (modem);
}

static void
on_selected (RspModem *modem, RspSlice data, guint sw)
{
    static const guint8 read_binary[] = {0x00, 0xB0, 0x00, 0x00, 0x00};
    if (sw == 0x9000)
        rsp_modem_apdu (modem, RSP_SLICE_ARRAY (read_binary), on_file);
    else
        on_file (modem, RSP_SLICE (NULL, 0), sw);
}

static void
read_next (RspModem *modem)
{
    while (modem->reading < RSP_MODEM_FILES && !is_needed (modem, modem->reading))
        modem->reading++;
    if (modem->reading == RSP_MODEM_FILES) {
        identify (modem);
        return;
    }
    guint8 command[5 + 6] = {0x00, 0xA4, 0x08, 0x0C, files[modem->reading].size};
    memcpy (command + 5, files[modem->reading].path, files[modem->reading].size);
    rsp_modem_apdu (modem, RSP_SLICE (command, 5 + files[modem->reading].size), on_selected);
}

/* AUTHENTICATE and GET IDENTITY want the ADF itself. */
static void
on_usim (RspModem *modem, RspSlice data, guint sw)
{
    if (sw == 0x9000)
        read_next (modem);
    else
        finish (modem, sw == 0x6A82 ? "no-profile" : "card-error");
}

/* --- Calls --- */

gboolean
rsp_modem_attach (RspModem *modem, const RspModemCell *cell, RspModemSystem system,
                  RspModemFunc func, gpointer data)
{
    static const guint8 select[] = {0x00, 0xA4, 0x04, 0x0C, 0x07, 0xA0,
                                    0x00, 0x00, 0x00, 0x87, 0x10, 0x02};
    if (modem->busy)
        return FALSE;
    rsp_modem_detach (modem);
    modem->busy = TRUE;
    modem->operator= rsp_intern (cell->operator);
    g_strlcpy (modem->plmn, cell->plmn, sizeof modem->plmn);
    modem->wanted = system;
    modem->func = func;
    modem->data = data;
    modem->outcome = (RspModemOutcome){0};
    modem->reading = RSP_MODEM_UST;
    rsp_modem_apdu (modem, RSP_SLICE_ARRAY (select), on_usim);
    return TRUE;
}

const char *
rsp_modem_network (const RspModem *modem)
{
    return modem->network;
}

void
rsp_modem_detach (RspModem *modem)
{
    if (modem->network)
        rsp_actor_state (modem->actor, "bearer", modem->network, "none");
    modem->network = NULL;
}

RspModem *
rsp_modem_new (const RspActor *actor, const char *card)
{
    RspModem *modem = g_new0 (RspModem, 1);
    modem->actor = actor;
    modem->card = g_strdup (card);
    return modem;
}

void
rsp_modem_free (RspModem *modem)
{
    if (!modem)
        return;
    rsp_bus_disown (modem->actor->bus, modem);
    forget (modem);
    rsp_rng_free (modem->identities);
    g_free (modem->card);
    g_free (modem);
}
