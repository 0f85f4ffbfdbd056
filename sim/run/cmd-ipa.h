/* Inside `rspsim ipa`. */
#pragma once

#include "components/ipa/ipa.h"
#include "sim/run/desk.h"

/* EimConfigurationData from what a user has of it: EimConfigurationData, AddInitialEimRequest (DER,
 * hex, base64), or a JSON object with addInitialEimRequest, as an eIM's management gives it. FILE
 * "-": standard input. (transfer full) */
GBytes *rsp_ipa_read_configuration (const char *file, GError **error);
/* ProfileDownloadTriggerRequest: CODE, or with SMDS ("": the card's root) or, with both NULL, from
 * the default SM-DP+. (transfer full) */
GBytes *rsp_ipa_make_trigger (const char *code, const char *smds);

/* The content of an answer, for people or as JSON. */
void rsp_ipa_show_eims (const RspDesk *desk, GBytes *answer);
void rsp_ipa_show_certs (const RspDesk *desk, GBytes *answer);
void rsp_ipa_show_message (const RspDesk *desk, GBytes *answer);
void rsp_ipa_show_outcome (const RspDesk *desk, const RspIpaOutcome *outcome);
