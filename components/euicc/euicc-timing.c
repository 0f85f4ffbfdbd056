/* How long the card takes: a model of one real eUICC (docs/links.md), in virtual time.
 *
 * Costs add up: what a function or an operation of a package does beside signing, every signature,
 * every octet of profile elements, the end of an installation, every APDU and every octet on the
 * contacts. */
#include "components/euicc/euicc-internal.h"

#define MS G_TIME_SPAN_MILLISECOND
#define PER_APDU 1070
#define PER_OCTET 62.3 /* on the contacts */
#define SIGNATURE (750 * MS)
#define VERIFICATION (750 * MS)
#define INSTALLATION (2030 * MS)
#define OTHER_FUNCTION (50 * MS)
#define PER_SEGMENT (200 * MS)
#define PER_ELEMENT_OCTET 850
#define READ (5 * MS)
#define WRITE (40 * MS)
#define SWITCH (100 * MS)
#define DELETION (300 * MS)
#define RESET (500 * MS)

typedef struct {
    RspFunctionId function;
    gint64 time;
} Cost;

/* Measured, less the contacts' share and what rsp_euicc_work counts, or estimated from what was
 * measured. */
static const Cost costs[] = {
    {RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES, READ},
    {RSP_FN_ES10A_SET_DEFAULT_DP_ADDRESS, WRITE},
    {RSP_FN_ES10B_GET_EUICC_CHALLENGE, 4700},
    {RSP_FN_ES10B_GET_EUICC_INFO1, 40200},
    {RSP_FN_ES10B_GET_EUICC_INFO2, 40200},
    {RSP_FN_ES10B_AUTHENTICATE_SERVER, 3016 * MS - SIGNATURE},
    {RSP_FN_ES10B_PREPARE_DOWNLOAD, 3707 * MS - SIGNATURE},
    {RSP_FN_ES10B_CANCEL_SESSION, WRITE},
    {RSP_FN_ES10B_LIST_NOTIFICATION, 20 * MS},
    {RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, 40 * MS},
    {RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, WRITE},
    {RSP_FN_ES10B_LOAD_CRL, VERIFICATION + WRITE},
    {RSP_FN_ES10B_GET_RAT, READ},
    {RSP_FN_ES10C_GET_PROFILES_INFO, 40 * MS},
    {RSP_FN_ES10C_ENABLE_PROFILE, SWITCH},
    {RSP_FN_ES10C_DISABLE_PROFILE, SWITCH},
    {RSP_FN_ES10C_DELETE_PROFILE, DELETION},
    {RSP_FN_ES10C_EUICC_MEMORY_RESET, RESET},
    {RSP_FN_ES10C_GET_EID, READ},
    {RSP_FN_ES10C_SET_NICKNAME, WRITE},
    {RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL, 1432 * MS},
    {RSP_FN_ES8P_CONFIGURE_ISDP, 67 * MS},
    {RSP_FN_ES8P_STORE_METADATA, 242 * MS},
    {RSP_FN_ES8P_REPLACE_SESSION_KEYS, 226 * MS},
    {RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS, PER_SEGMENT},
    /* A package costs its verification, its operations, the record of its result, and a signature.
     */
    {RSP_FN_ES10B_LOAD_EUICC_PACKAGE, WRITE},
    {RSP_FN_ESEP_ENABLE, SWITCH},
    {RSP_FN_ESEP_DISABLE, SWITCH},
    {RSP_FN_ESEP_DELETE, DELETION},
    {RSP_FN_ESEP_LIST_PROFILE_INFO, 40 * MS},
    {RSP_FN_ESEP_GET_RAT, READ},
    {RSP_FN_ESEP_CONFIGURE_IMMEDIATE_ENABLE, WRITE},
    {RSP_FN_ESEP_SET_FALLBACK_ATTRIBUTE, WRITE},
    {RSP_FN_ESEP_UNSET_FALLBACK_ATTRIBUTE, WRITE},
    {RSP_FN_ESEP_SET_DEFAULT_DP_ADDRESS, WRITE},
    {RSP_FN_ESEP_ADD_EIM, WRITE},
    {RSP_FN_ESEP_DELETE_EIM, WRITE},
    {RSP_FN_ESEP_UPDATE_EIM, WRITE},
    {RSP_FN_ESEP_LIST_EIM, READ},
    {RSP_FN_ES10B_ADD_INITIAL_EIM, WRITE},
    {RSP_FN_ES10B_EUICC_MEMORY_RESET, RESET},
    {RSP_FN_ES10B_GET_CERTS, 40 * MS},
    {RSP_FN_ES10B_IMMEDIATE_ENABLE, SWITCH},
    {RSP_FN_ES10B_PROFILE_ROLLBACK, SWITCH},
    {RSP_FN_ES10B_CONFIGURE_IMMEDIATE_PROFILE_ENABLING, WRITE},
    {RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA, 20 * MS},
    {RSP_FN_ES10B_EXECUTE_FALLBACK_MECHANISM, SWITCH},
    {RSP_FN_ES10B_RETURN_FROM_FALLBACK, SWITCH},
    {RSP_FN_ES10B_ENABLE_EMERGENCY_PROFILE, SWITCH},
    {RSP_FN_ES10B_DISABLE_EMERGENCY_PROFILE, SWITCH},
    {RSP_FN_ES10B_GET_CONNECTIVITY_PARAMETERS, READ},
    {RSP_FN_ES10B_SET_DEFAULT_DP_ADDRESS, WRITE},
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
rsp_euicc_work (RspEuicc *card, RspEuiccWork work)
{
    static const gint64 times[] = {SIGNATURE, VERIFICATION, INSTALLATION};
    card->spent += times[work];
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
