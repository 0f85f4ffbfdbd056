#include "sim/run/trace-view.h"

#include <string.h>

/* What each message is for, in one sentence a leg; the clause comes from the message table. */
typedef struct {
    const char *function, *request, *response;
} Explanation;

static const Explanation explanations[] = {
    {"ES2+.DownloadOrder", "The operator reserves a profile at the SM-DP+, perhaps for one eUICC.",
     "The SM-DP+ names the ICCID that it has reserved."},
    {"ES2+.ConfirmOrder",
     "The operator settles matching identifier and confirmation code, and may release the profile.",
     "The SM-DP+ returns the matching identifier for the activation code."},
    {"ES2+.CancelOrder", "The operator takes an order back.",
     "The SM-DP+ says whether the profile is available again."},
    {"ES2+.ReleaseProfile", "The operator lets the profile be downloaded from now on.",
     "The SM-DP+ has released the profile."},
    {"ES2+.HandleDownloadProgressInfo",
     "The SM-DP+ reports to the operator how far a download has come.",
     "The operator has taken note."},
    {"ES9+.InitiateAuthentication",
     "The LPA opens a session with the eUICC's challenge and the CI keys it knows.",
     "The SM-DP+ signs both challenges, so that the eUICC can authenticate it."},
    {"ES9+.AuthenticateClient",
     "The LPA hands over the eUICC's signed answer; the SM-DP+ now knows the eUICC and the order.",
     "The SM-DP+ describes the profile and signs the start of the download."},
    {"ES9+.GetBoundProfilePackage",
     "The LPA asks for the profile with the eUICC's one-time key, after consent.",
     "The profile, encrypted for this eUICC alone."},
    {"ES9+.HandleNotification",
     "The LPA delivers what the eUICC has signed: an installation result or a change of a profile.",
     "The receiver has the notification; the eUICC may forget it."},
    {"ES9+.CancelSession", "The LPA ends the session with the eUICC's signed reason.",
     "The SM-DP+ has closed the session."},
    {"ES10a.GetEuiccConfiguredAddresses",
     "The LPA asks for the default SM-DP+ and the root SM-DS of the eUICC.",
     "The addresses that the eUICC keeps."},
    {"ES10a.SetDefaultDpAddress", "The LPA sets the default SM-DP+ of the eUICC.",
     "The eUICC has stored the address, or says why not."},
    {"ES10b.PrepareDownload",
     "The LPA passes on what the SM-DP+ has signed; the eUICC checks it and makes a one-time key.",
     "The eUICC's one-time public key, signed."},
    {"ES10b.LoadBoundProfilePackage",
     "The LPA feeds the encrypted profile to the eUICC, segment by segment.",
     "The eUICC's signed result of the installation."},
    {"ES10b.GetEUICCChallenge", "The LPA asks for a random challenge that opens a session.",
     "A fresh challenge, which the server must sign."},
    {"ES10b.GetEUICCInfo1", "The LPA asks for version and trusted CI keys.",
     "The version and the CI key identifiers that the server chooses from."},
    {"ES10b.GetEUICCInfo2", "The LPA asks what the eUICC is able to do.",
     "Versions, memory and capabilities of the eUICC."},
    {"ES10b.ListNotification", "The LPA asks which notifications wait.",
     "Number, event and receiver of each waiting notification."},
    {"ES10b.RetrieveNotificationsList", "The LPA fetches waiting notifications with signatures.",
     "The signed notifications, to be delivered as they are."},
    {"ES10b.RemoveNotificationFromList",
     "The LPA says that a notification was acknowledged by its receiver.",
     "The eUICC has forgotten the notification, or knows none of that number."},
    {"ES10b.LoadCRL", "The LPA hands over a certificate revocation list.",
     "The eUICC has stored the list, or says why not."},
    {"ES10b.AuthenticateServer",
     "The eUICC checks the server's certificate and its signature over the eUICC's challenge.",
     "The eUICC signs the server's challenge and shows its certificates, or says why it refuses."},
    {"ES10b.CancelSession", "The LPA tells the eUICC that the session ends, and why.",
     "The reason, signed by the eUICC for the server."},
    {"ES10b.GetRAT", "The LPA asks which profile policy rules the eUICC allows.",
     "The rules authorisation table."},
    {"ES10c.GetProfilesInfo", "The LPA asks which profiles are on the eUICC.",
     "The installed profiles, their states and their names."},
    {"ES10c.EnableProfile", "The user wants this profile to be in use.",
     "The eUICC has enabled the profile, or says why not."},
    {"ES10c.DisableProfile", "The user wants this profile out of use.",
     "The eUICC has disabled the profile, or says why not."},
    {"ES10c.DeleteProfile", "The user wants this profile gone.",
     "The eUICC has deleted the profile, or says why not."},
    {"ES10c.eUICCMemoryReset", "The user wants the eUICC emptied.",
     "The eUICC has deleted what was asked, or says why not."},
    {"ES10c.GetEID", "The LPA asks for the eUICC's identifier.", "The EID."},
    {"ES10c.SetNickname", "The user gives a profile a name.",
     "The eUICC has stored the name, or says why not."},
    {"ES8+.InitialiseSecureChannel",
     "The SM-DP+'s one-time key, from which both sides derive the session keys.", NULL},
    {"ES8+.ConfigureISDP", "The SM-DP+ has a new security domain made for the profile.", NULL},
    {"ES8+.StoreMetadata", "Name, ICCID, owner and rules of the profile, as shown to the user.",
     NULL},
    {"ES8+.ReplaceSessionKeys",
     "The keys that protect the profile itself, made before the eUICC was known.", NULL},
    {"ES8+.LoadProfileElements", "A piece of the profile package.", NULL},
    {"APDU.Transmit", "One command APDU on the card's link.", "The card's data and status word."},
};

const char *
rsp_trace_explain (const char *function, gboolean response)
{
    for (guint i = 0; i < G_N_ELEMENTS (explanations); i++)
        if (g_str_equal (explanations[i].function, function))
            return response ? explanations[i].response : explanations[i].request;
    return NULL;
}
