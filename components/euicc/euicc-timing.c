/* How long the card takes: a model of one real eUICC (docs/links.md), in virtual time.
 *
 * Costs add up: what an ES10 or ES8+ function does beside signing, every signature, every octet of
 * profile elements, every APDU and every octet on the contacts. */
#include "components/euicc/euicc-internal.h"

#define MS G_TIME_SPAN_MILLISECOND
#define PER_APDU 1070
#define PER_OCTET 62.3 /* on the contacts */
#define SIGNATURE (750 * MS)
#define OTHER_FUNCTION (50 * MS)
#define PER_SEGMENT (200 * MS)
#define PER_ELEMENT_OCTET 800

typedef struct {
    RspFunctionId function;
    gint64 time;
} Cost;

/* Measured, less the signature where there is one, or estimated from those that were measured: a
 * verification 750 ms, a key pair or an agreement 691 ms, a small write 40 ms, reading a few
 * milliseconds. */
static const Cost costs[] = {
    {RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES, 5 * MS},
    {RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, 40 * MS},
    {RSP_FN_ES10B_GET_EUICC_CHALLENGE, 4700},
    {RSP_FN_ES10B_GET_EUICC_INFO1, 40200},
    {RSP_FN_ES10B_GET_EUICC_INFO2, 40200},
    {RSP_FN_ES10B_AUTHENTICATE_SERVER, 3016 * MS - SIGNATURE},
    {RSP_FN_ES10B_PREPARE_DOWNLOAD, 3707 * MS - SIGNATURE},
    {RSP_FN_ES10B_CANCEL_SESSION, 40 * MS},
    {RSP_FN_ES10B_LIST_NOTIFICATION, 20 * MS},
    {RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, 40 * MS},
    {RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, 40 * MS},
    {RSP_FN_ES10B_LOAD_CRL, 790 * MS},
    {RSP_FN_ES10B_GET_RAT, 5 * MS},
    {RSP_FN_ES10C_GET_PROFILES_INFO, 40 * MS},
    {RSP_FN_ES10C_ENABLE_PROFILE, 100 * MS},
    {RSP_FN_ES10C_DISABLE_PROFILE, 100 * MS},
    {RSP_FN_ES10C_DELETE_PROFILE, 300 * MS},
    {RSP_FN_ES10C_EUICC_MEMORY_RESET, 500 * MS},
    {RSP_FN_ES10C_GET_EID, 5 * MS},
    {RSP_FN_ES10C_SET_NICKNAME, 40 * MS},
    {RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL, 1446 * MS},
    {RSP_FN_ES8P_CONFIGURE_ISDP, 70 * MS},
    {RSP_FN_ES8P_STORE_METADATA, 254 * MS},
    {RSP_FN_ES8P_REPLACE_SESSION_KEYS, 232 * MS},
    {RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS, PER_SEGMENT},
};

void
rsp_euicc_spend (RspEuicc *card, const RspFunction *function, gsize octets)
{
    gint64 time = OTHER_FUNCTION;
    for (guint i = 0; i < G_N_ELEMENTS (costs); i++)
        if (costs[i].function == function->id)
            time = costs[i].time;
    if (function->id == RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS)
        time += (gint64)octets * PER_ELEMENT_OCTET;
    card->spent += time;
}

void
rsp_euicc_spend_signature (RspEuicc *card)
{
    card->spent += SIGNATURE;
}

gint64
rsp_euicc_take_time (RspEuicc *card, gsize octets)
{
    gint64 time = card->spent + PER_APDU + (gint64)((double)octets * PER_OCTET);
    card->spent = 0;
    if (!card->timed)
        return 0;
    card->busy += time;
    return time;
}

gint64
rsp_euicc_busy (const RspEuicc *card)
{
    return card->busy;
}
