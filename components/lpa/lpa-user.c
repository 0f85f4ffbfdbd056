/* What the user is asked, what came of it, and what applications are shown. SGP.22 3.1.3, 3.2:
 * a simple consent is a yes, a strong one is given by the authenticated end user. */
#include "components/lpa/lpa-private.h"

static const struct {
    const char *name, *error;
    LpaCancelReason reason;
} answers[] = {
    [RSP_CONSENT_GRANTED] = {"granted", NULL, LPA_CANCEL_END_USER_REJECTION},
    [RSP_CONSENT_REFUSED] = {"refused", "endUserRejection", LPA_CANCEL_END_USER_REJECTION},
    [RSP_CONSENT_POSTPONED] = {"postponed", "postponed", LPA_CANCEL_POSTPONED},
    [RSP_CONSENT_TIMEOUT] = {"timeout", "timeout", LPA_CANCEL_TIMEOUT},
};

void
rsp_lpa_set_ui (RspLpa *lpa, const RspLpaUi *ui)
{
    lpa->ui = ui ? *ui : (RspLpaUi){0};
}

LpaCancelReason
lpa_reason_of (RspConsent consent)
{
    return answers[consent].reason;
}

static void
on_answered (gpointer data)
{
    RspLpa *lpa = data;
    const LpaOperation *op = lpa->op;
    RspConsent consent = op->answer.consent;
    const char *name = answers[consent].name, *error = answers[consent].error;
    lpa->answer_event = 0;
    if (consent == RSP_CONSENT_GRANTED && op->strong_question && !op->answer.authenticated)
        name = error = "notAuthenticated";
    lpa_check_event (lpa, "consent", op->strong_question ? "strong" : "simple", name);
    op->answered (lpa, consent, error);
}

void
lpa_ask (RspLpa *lpa, gboolean strong, LpaAnswered answered)
{
    LpaOperation *op = lpa->op;
    const RspLpaQuestion question = {.action = op->metadata ? "download" : op->name,
                                     .strong = strong,
                                     .metadata = op->metadata,
                                     .profile = op->profile};
    RspLpaAnswer answer = {.consent = lpa->unattended, .authenticated = TRUE};
    if (lpa->ui.ask)
        answer = lpa->ui.ask (&question, lpa->ui.data);
    if (answer.consent == RSP_CONSENT_TIMEOUT || answer.after > lpa->user_timeout) {
        answer.consent = RSP_CONSENT_TIMEOUT;
        answer.after = lpa->user_timeout;
    }
    op->answer = answer;
    op->strong_question = strong;
    op->answered = answered;
    lpa->state = LPA_ASK_USER;
    if (answer.after > 0)
        lpa->answer_event = rsp_loop_after (lpa->actor->loop, answer.after, on_answered, lpa, NULL);
    else
        on_answered (lpa);
}

void
lpa_progress (RspLpa *lpa, const char *stage)
{
    if (g_strcmp0 (lpa->op->name, "download") != 0)
        return;
    lpa_check_event (lpa, "progress", NULL, stage);
    if (lpa->ui.progress)
        lpa->ui.progress (stage, lpa->ui.data);
}
