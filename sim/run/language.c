#include "asn1/saip.h"
#include "sim/run/language.h"

/* clang-format off */
#define SCALAR(id, kind_) static const RspShape id = {.kind = kind_}
SCALAR (text, RSP_SHAPE_TEXT);
SCALAR (boolean, RSP_SHAPE_BOOL);
SCALAR (duration, RSP_SHAPE_DURATION);
SCALAR (moment, RSP_SHAPE_TIME);
SCALAR (hex, RSP_SHAPE_HEX);
SCALAR (iccid, RSP_SHAPE_ICCID);
static const RspShape known_iccid = {.kind = RSP_SHAPE_ICCID, .partial = TRUE}; /* or $(name) */
SCALAR (eid, RSP_SHAPE_EID);
SCALAR (function, RSP_SHAPE_FUNCTION);
SCALAR (fraction, RSP_SHAPE_NUMBER);
#define INTEGER(id, lo, hi) static const RspShape id = {.kind = RSP_SHAPE_INT, .min = lo, .max = hi}
INTEGER (small, 0, 255);
INTEGER (ota_counter, 0, RSP_OTA_COUNTER_MAX);
INTEGER (key_version, 1, 15);
INTEGER (eim_limit, 1, 16);
INTEGER (operation_repeat, 1, 10000);
INTEGER (point, 1, RSP_COVERAGE_POINTS);
INTEGER (positive, 1, 1000000);
INTEGER (count, 0, 1000000);
INTEGER (package_counter, 0, 16777215); /* above 8388607 the eUICC refuses */
INTEGER (pool, 1, 10000);
INTEGER (group, 1, 100000);
INTEGER (port, 1, 65535);
INTEGER (octets, 0, 1 << 26);
INTEGER (seed, 0, G_MAXINT64);
INTEGER (offset, -(1 << 26), 1 << 26);
INTEGER (status, 0, 0xFFFF);
INTEGER (segment, 16, 255);
INTEGER (plain_segment, 16, 1007);
#define LIST_OF(id, e) static const RspShape id = {.kind = RSP_SHAPE_LIST, .element = &e}
#define ENUM_OF(id, n, w) static const RspShape id = {.kind = RSP_SHAPE_ENUM, .names = n, .what = w}
#define MAP_OF(id, k, w) static const RspShape id = {.kind = RSP_SHAPE_MAP, .keys = k, .what = w}
#define EITHER_OF(id, s, e) static const RspShape id = {.kind = RSP_SHAPE_EITHER, .scalar = &s, .element = &e}
#define END {NULL, NULL, FALSE, NULL}

LIST_OF (texts, text);
LIST_OF (points, point);
LIST_OF (numbers, count);
EITHER_OF (text_or_texts, text, texts);

const char *const rsp_language_roles[] = {"ci", "euicc", "eum", "dp-tls", "dp-auth", "dp-pb", "ds-tls", "ds-auth", NULL};
const char *const rsp_language_consents[] = {"granted", "refused", "postponed", "timeout", NULL};
const char *const rsp_language_user_verbs[] = {"download", "deliver-notifications", "enable", "disable", "delete",
    "set-nickname", "memory-reset", "set-default-dp-address", "list", "discover", "power-on", "activate-lpae", NULL};
const char *const rsp_language_fault_actions[] = {"drop", "delay", "duplicate", "reorder", "replay", "corrupt", "replace",
    "cut-link", "http-status", "status-word", "power-loss", "write-error", "crash", NULL};
static const char *const fault_points[] = {"before-commit", "after-commit", NULL};
static const char *const curves[] = {"p-384", NULL};
const char *const rsp_language_bindings[] = {"json", "asn1", NULL};
const char *const rsp_language_ipa_verbs[] = {"get-eims", "get-certs", "get-connectivity-parameters", "fallback",
    "return-from-fallback", "enable-emergency-profile", "disable-emergency-profile", "immediate-enable", "rollback",
    "set-default-dp-address", "configure-immediate-enable", "activate-ipae", "poll", "add-initial-eim", "reset",
    "deliver-notifications", NULL};
const char *const rsp_language_ipa_notify[] = {"smdp", "eim", "both", NULL};
const char *const rsp_language_ipa_reset[] = {"operational", "test", "default-dp-address", "preloaded-test", "provisioning",
    "eim", "immediate-enable", NULL};
static const char *const iot_versions[] = {"1.0", "1.2", NULL};
static const char *const legs[] = {"request", "response", "any", NULL};
static const char *const profile_states[] = {"disabled", "enabled", NULL};
static const char *const order_states[] = {"available", "allocated", "linked", "confirmed", "released", "downloaded",
    "installed", "error", "unavailable", NULL};
static const char *const events[] = {"install", "enable", "disable", "delete", NULL};
static const char *const classes[] = {"test", "provisioning", "operational", NULL};
static const char *const pprs[] = {"ppr1", "ppr2", "update-control", NULL};
static const char *const reset_bits[] = {"operational", "test", "default-dp-address", NULL};
static const char *const download_results[] = {"installed", "none", "any", NULL};
static const char *const notification_results[] = {"pending", "delivered", "none", NULL};
static const char *const stages[] = {"connecting", "authenticating", "asking", "preparing", "downloading", "installing",
    "notifying", "done", "failed", NULL};
static const char *const final_states[] = {"Available", "Unavailable", NULL};
static const char *const eim_verbs[] = {"enable", "disable", "delete", "list-profile-info", "get-rat", "configure-immediate-enable",
    "set-fallback", "unset-fallback", "set-default-dp-address", "add-eim", "delete-eim", "update-eim", "list-eim",
    "download", "data-request", "push", NULL};
static const char *const package_states[] = {"queued", "delivered", "done", "failed", "rolled-back", "expired", NULL};
static const char *const eim_versions[] = {"1.0", "1.2", NULL};
static const char *const reset_words[] = {"reset", NULL};
ENUM_OF (cert_role, rsp_language_roles, "certificate role");
ENUM_OF (cert_curve, curves, "curve");
ENUM_OF (consent, rsp_language_consents, "consent");
ENUM_OF (verb, rsp_language_user_verbs, "user action");
ENUM_OF (action, rsp_language_fault_actions, "fault action");
ENUM_OF (fault_point, fault_points, "point");
ENUM_OF (leg, legs, "leg");
ENUM_OF (ipa_verb, rsp_language_ipa_verbs, "action of an IPA");
ENUM_OF (ipa_notify, rsp_language_ipa_notify, "receiver of notifications");
ENUM_OF (ipa_reset_bit, rsp_language_ipa_reset, "reset option");
LIST_OF (ipa_reset_list, ipa_reset_bit);
ENUM_OF (iot_version, iot_versions, "version");
ENUM_OF (binding, rsp_language_bindings, "binding");
ENUM_OF (profile_state, profile_states, "profile state");
ENUM_OF (order_state, order_states, "order state");
ENUM_OF (event, events, "notification event");
LIST_OF (event_list, event);
ENUM_OF (profile_class, classes, "profile class");
ENUM_OF (ppr, pprs, "profile policy rule");
LIST_OF (ppr_list, ppr);
ENUM_OF (reset_bit, reset_bits, "reset option");
LIST_OF (reset_list, reset_bit);
ENUM_OF (download_result, download_results, "result");
ENUM_OF (notification_result, notification_results, "result");
static const char *const lpa_places[] = {"device", "euicc", NULL};
ENUM_OF (lpa_place, lpa_places, "place");
ENUM_OF (stage, stages, "stage");
LIST_OF (stage_list, stage);
ENUM_OF (final_state, final_states, "final status");
ENUM_OF (card_verb, reset_words, "card action");

/* --- the world --------------------------------------------------------------------------------- */

static const RspKeySpec twist_keys[] = {
    {"not-before", &moment, FALSE, "start of validity"},
    {"not-after", &moment, FALSE, "end of validity"},
    {"role", &cert_role, FALSE, "another role than the right one"},
    {"bad-signature", &boolean, FALSE, "the issuer's signature is damaged"},
    {"curve", &cert_curve, FALSE, "a subject key on another curve"},
    {"issued-by", &text, FALSE, "another CI (or EUM) of the world"},
    {"oid", &text, FALSE, "another registeredID than the server's"},
    {"fqdn", &text, FALSE, "another dNSName than the server's (TLS)"},
    {"organization", &text, FALSE, "another O than the EUM's (eUICC)"},
    {"eid", &eid, FALSE, "another EID than the card's (eUICC)"},
    {"file", &text, FALSE, "a certificate (DER, PEM) in place of one made here; with key"},
    {"key", &text, FALSE, "its private key (PEM)"},
    END};
MAP_OF (twist, twist_keys, "a certificate");
static const RspKeySpec server_cert_keys[] = {
    {"auth", &twist, FALSE, "CERT.DPauth"}, {"pb", &twist, FALSE, "CERT.DPpb"}, {"tls", &twist, FALSE, "the TLS certificate"}, END};
MAP_OF (server_certs, server_cert_keys, "server certificates");
static const RspKeySpec further_cert_keys[] = {
    {"certified-by", &text, TRUE, "a further ci"}, {"auth", &twist, FALSE, NULL}, {"pb", &twist, FALSE, NULL}, END};
MAP_OF (further_cert, further_cert_keys, "certificates under a further CI");
LIST_OF (further_certs, further_cert);

static const RspKeySpec ds_cert_keys[] = {
    {"auth", &twist, FALSE, "CERT.DSauth"}, {"tls", &twist, FALSE, "the TLS certificate"}, END};
MAP_OF (ds_certs, ds_cert_keys, "SM-DS certificates");

static const RspKeySpec owner_keys[] = {
    {"mccMnc", &text, TRUE, "5 or 6 digits"}, {"gid1", &hex, FALSE, NULL}, {"gid2", &hex, FALSE, NULL}, END};
MAP_OF (owner, owner_keys, "a profile owner");
static const RspKeySpec notify_keys[] = {
    {"events", &event_list, TRUE, NULL}, {"address", &text, TRUE, "FQDN of the receiver"}, END};
MAP_OF (notify, notify_keys, "a notification receiver");
LIST_OF (notify_list, notify);
static const RspKeySpec icon_keys[] = {{"jpg", &hex, FALSE, NULL}, {"png", &hex, FALSE, NULL}, END};
static const RspShape icon = {.kind = RSP_SHAPE_MAP, .keys = icon_keys, .exactly_one = TRUE, .what = "an icon"};
static const RspKeySpec metadata_keys[] = {
    {"serviceProviderName", &text, FALSE, NULL}, {"profileName", &text, FALSE, NULL},
    {"class", &profile_class, FALSE, NULL}, {"notifications", &notify_list, FALSE, NULL},
    {"owner", &owner, FALSE, NULL}, {"ppr", &ppr_list, FALSE, NULL},
    {"icon", &icon, FALSE, NULL}, {"ecall", &boolean, FALSE, "the Emergency Profile"},
    {"fallback-allowed", &boolean, FALSE, "may be the Fallback Profile"}, END};
MAP_OF (metadata, metadata_keys, "profile metadata");
static const RspKeySpec profile_keys[] = {
    {"iccid", &iccid, TRUE, NULL},
    {"type", &text, FALSE, "profile type for DownloadOrder; default: the package's"},
    {"package", &text, TRUE, "a description (.yaml) or a package (.der)"},
    {"count", &pool, FALSE, "so many profiles, ICCIDs (and IMSIs) counting up; default 1"},
    {"imsi", &text, FALSE, "personalises a described profile"},
    {"tac", &texts, FALSE, "devices that may have it; default: every device"},
    {"owner", &text, FALSE, "operator actor that may order it; default: any"},
    {"metadata", &metadata, FALSE, "overrides the package's metadata"},
    {"personalise", &boolean, FALSE, "write the ICCID into the package (default true); false leaves header and files as they are"},
    END};
MAP_OF (profile, profile_keys, "a profile in stock");
LIST_OF (profile_list, profile);

static const RspKeySpec ready_order_keys[] = {
    {"iccid", &iccid, TRUE, NULL}, {"state", &order_state, FALSE, "default released"}, {"eid", &eid, FALSE, "links the order"},
    {"count", &pool, FALSE, "so many orders, ICCIDs and EIDs counting up; $(number) in texts"},
    {"matchingId", &text, FALSE, "absent: the server makes one; empty: default order for the EID"},
    {"confirmationCode", &text, FALSE, NULL}, {"smdsAddress", &text, FALSE, "the order stands behind an event there"},
    {"expired", &boolean, FALSE, NULL}, {"attempts", &count, FALSE, "downloads tried so far"},
    {"confirmation-attempts", &count, FALSE, "wrong confirmation codes so far"},
    {"operator", &text, FALSE, "who orders; default: the first operator"}, END};
MAP_OF (ready_order, ready_order_keys, "an order");
LIST_OF (ready_orders, ready_order);

static const RspKeySpec ci_keys[] = {
    {"role", &text, TRUE, NULL}, {"certificate", &text, FALSE, "file (DER, PEM) in place of a generated root"},
    {"key", &text, FALSE, "PEM file; needed where it issues certificates"}, END};
MAP_OF (ci, ci_keys, "a ci");
static const RspKeySpec eum_keys[] = {
    {"role", &text, TRUE, NULL}, {"certified-by", &text, TRUE, "a ci"},
    {"eid-prefix", &text, FALSE, "permitted EIDs begin so; default 89049032"},
    {"organization", &text, FALSE, "subject O; default: the actor's name"},
    {"certificate", &twist, FALSE, NULL}, END};
MAP_OF (eum, eum_keys, "an eum");
static const char *const suci_profiles[] = {"A", "B", NULL};
ENUM_OF (suci_profile, suci_profiles, "ECIES profile");
static const RspKeySpec suci_key_keys[] = {
    {"id", &small, TRUE, "home network public key identifier"}, {"profile", &suci_profile, TRUE, "X25519 or P-256"},
    {"private", &hex, TRUE, "32 octets"}, END};
MAP_OF (suci_key, suci_key_keys, "a home network key");
LIST_OF (suci_keys, suci_key);
static const RspKeySpec operator_keys[] = {
    {"role", &text, TRUE, NULL}, {"certified-by", &text, FALSE, "a ci: gives it a TLS client certificate"},
    {"certificate", &text, FALSE, "file: the client certificate (DER, PEM) that SM-DP+s take for this operator's, under any CI"},
    {"key", &text, FALSE, "PEM file; needed where the operator calls by itself over HTTPS"},
    {"plmn", &text, FALSE, "MCC and MNC of its network; default \"00101\""},
    {"suci-keys", &suci_keys, FALSE, "private keys that open SUCIs"}, END};
MAP_OF (operator_, operator_keys, "an operator");
static const RspKeySpec smdpp_keys[] = {
    {"role", &text, TRUE, NULL}, {"certified-by", &text, TRUE, "a ci"}, {"fqdn", &text, TRUE, NULL},
    {"aliases", &texts, FALSE, "further addresses"}, {"port", &port, FALSE, "of `serve`; default: any free one"}, {"oid", &text, FALSE, "SM-DP+ OID"},
    {"trusts", &texts, FALSE, "ci actors; default: its own"},
    {"profiles", &profile_list, FALSE, "the stock"},
    {"orders", &ready_orders, FALSE, "orders that stand when the world begins, placed over ES2+"},
    {"attempt-limit", &positive, FALSE, "downloads tried for one order; default 10"},
    {"confirmation-code-limit", &positive, FALSE, "default 3"},
    {"session-timeout", &duration, FALSE, "default 10m"},
    {"protection-keys", &boolean, FALSE, "BPP with ReplaceSessionKeys"},
    {"lenient-matching-id", &boolean, FALSE, "allow _ in a MatchingID"},
    {"keep-on-rejection", &boolean, FALSE, "endUserRejection keeps the order"},
    {"ignore-eligibility", &boolean, FALSE, "does not look whether card and device can take the profile"},
    {"keep-on-ineligible", &boolean, FALSE, "a failed eligibility check keeps the order"},
    {"order-lifetime", &duration, FALSE, "orders expire so long after their release; default: never"},
    {"refuse-rebinding", &boolean, FALSE, "no new binding for another one-time key"},
    {"segment-size", &plain_segment, FALSE, "clear octets a BSP segment"},
    {"certificates", &server_certs, FALSE, NULL},
    {"further-certificates", &further_certs, FALSE, "CERT.DPauth and CERT.DPpb under further CIs"}, END};
MAP_OF (smdpp, smdpp_keys, "an smdpp");
static const RspKeySpec smds_keys[] = {
    {"role", &text, TRUE, NULL}, {"certified-by", &text, TRUE, "a ci"}, {"fqdn", &text, TRUE, NULL},
    {"aliases", &texts, FALSE, "further addresses"}, {"port", &port, FALSE, "of `serve`; default: any free one"}, {"oid", &text, FALSE, "SM-DS OID"},
    {"trusts", &texts, FALSE, "ci actors; default: its own"},
    {"parent", &text, FALSE, "the root smds: makes this one an alternative SM-DS"},
    {"event-lifetime", &duration, FALSE, "events expire so long after their registration; default: never"},
    {"events-per-eid", &positive, FALSE, "default 64"},
    {"session-timeout", &duration, FALSE, "default 10m"},
    {"certificates", &ds_certs, FALSE, NULL}, END};
MAP_OF (smds, smds_keys, "an smds");
ENUM_OF (eim_version, eim_versions, "version");
static const RspKeySpec eim_cert_keys[] = {
    {"eim", &twist, FALSE, "CERT.EIM"}, {"tls", &twist, FALSE, "the TLS certificate"}, END};
MAP_OF (eim_certs, eim_cert_keys, "certificates of an eIM");
static const char *const eim_relays[] = {"ordered", "any", NULL};
ENUM_OF (eim_relay, eim_relays, "downloads");
LIST_OF (profile_classes, profile_class);
static const RspKeySpec eim_refuses_keys[] = {{"ppr", &ppr_list, FALSE, NULL}, {"class", &profile_classes, FALSE, NULL}, END};
MAP_OF (eim_refuses, eim_refuses_keys, "profiles that an eIM refuses");
static const RspKeySpec eim_facilities_keys[] = {
    {"port", &port, FALSE, "default: any free one"}, {"token", &text, FALSE, "bearer token; default: none is asked for"}, END};
MAP_OF (eim_facilities, eim_facilities_keys, "a facilities door");
static const RspKeySpec eim_keys[] = {
    {"role", &text, TRUE, NULL}, {"certified-by", &text, TRUE, "a ci"}, {"fqdn", &text, TRUE, NULL},
    {"eim-id", &text, FALSE, "eimId; default: fqdn"}, {"version", &eim_version, FALSE, "of SGP.32: \"1.2\" (default) or \"1.0\""},
    {"devices", &text_or_texts, FALSE, "euicc actors that it manages, or `all`"},
    {"emulated", &text_or_texts, FALSE, "those whose package results, made by an IPA, need no signature of the eUICC"},
    {"trusts", &texts, FALSE, "ci actors; default: all"}, {"port", &port, FALSE, "of `serve`; default: any free one"},
    {"package-lifetime", &duration, FALSE, "a package without a result expires then; default: never"},
    {"relay", &eim_relay, FALSE, "the proxy's downloads: those that it ordered (default), or any of its eUICCs"},
    {"refuses", &eim_refuses, FALSE, "profiles that the proxy does not let through; default: none"},
    {"management-token", &text, FALSE, "bearer token of the management door of `serve`; default: a random one"},
    {"facilities", &eim_facilities, FALSE, "of `serve`: the management API of another eIM, in plain HTTP"},
    {"certificates", &eim_certs, FALSE, NULL}, END};
MAP_OF (eim, eim_keys, "an eim");
static const RspKeySpec rat_operator_keys[] = {
    {"mccMnc", &text, TRUE, "digits; E stands for any"}, {"gid1", &hex, FALSE, NULL}, {"gid2", &hex, FALSE, NULL}, END};
MAP_OF (rat_operator, rat_operator_keys, "an operator identifier");
LIST_OF (rat_operators, rat_operator);
static const RspKeySpec rat_keys[] = {
    {"ppr", &ppr_list, TRUE, NULL}, {"operators", &rat_operators, TRUE, NULL},
    {"consent", &boolean, FALSE, "end-user consent required"}, END};
MAP_OF (rat_rule, rat_keys, "a rule of the RAT");
LIST_OF (rat, rat_rule);
ENUM_OF (service, rsp_saip_services, "service of profile packages");
LIST_OF (services, service);
static const char *const timings[] = {"reference", NULL};
ENUM_OF (timing, timings, "card model");
static const RspKeySpec card_eim_keys[] = {
    {"eim", &text, FALSE, "an eim of the world; or:"}, {"eim-id", &text, FALSE, "default: fqdn"}, {"fqdn", &text, FALSE, NULL},
    {"public-key", &hex, FALSE, "SubjectPublicKeyInfo"}, {"counter", &package_counter, FALSE, "counterValue to begin above; default 0"},
    {"token", &boolean, FALSE, "the card gives an association token; default false"},
    {"indirect", &boolean, FALSE, "indirectProfileDownload: the eIM is the proxy of downloads"}, END};
MAP_OF (card_eim, card_eim_keys, "an eIM that the EUM loads");
LIST_OF (card_eims, card_eim);
static const RspKeySpec iot_keys[] = {
    {"version", &iot_version, FALSE, "of SGP.32: \"1.2\" (default) or \"1.0\""},
    {"eim-limit", &eim_limit, FALSE, "associated eIMs at most; default 1"},
    {"package-limit", &positive, FALSE, "octets of a package; default 16384"}, {"result-limit", &positive, FALSE, "octets of its results; default 8192"}, {"eims", &card_eims, FALSE, "loaded at manufacture"},
    {"ecall", &boolean, FALSE, "knows an Emergency Profile; default true"},
    {"fallback", &boolean, FALSE, "knows a Fallback Profile; default true"}, {"ipae", &boolean, FALSE, "has an IPA of its own"},
    {"connectivity", &hex, FALSE, "httpParams of GetConnectivityParameters"}, END};
MAP_OF (iot, iot_keys, "the IoT part of a euicc");
static const RspKeySpec preloaded_keys[] = {
    {"iccid", &iccid, TRUE, "of a profile in someone's stock"}, {"state", &profile_state, FALSE, "default disabled"}, END};
MAP_OF (preloaded, preloaded_keys, "a preloaded profile");
LIST_OF (preloaded_list, preloaded);
static const RspKeySpec euicc_keys[] = {
    {"role", &text, TRUE, NULL}, {"certified-by", &text, TRUE, "an eum"}, {"eid", &eid, TRUE, NULL},
    {"count", &group, FALSE, "so many, NAME-0001 and on, EIDs counting up; default: one, without a number"},
    {"timing", &timing, FALSE, "answers take the time of a real card; default: none"},
    {"trusts", &texts, FALSE, "ci actors; default: its EUM's"},
    {"default-dp-address", &text, FALSE, NULL}, {"root-ds-address", &text, FALSE, NULL},
    {"memory", &octets, FALSE, "octets for profiles; default 524288"},
    {"crl-memory", &octets, FALSE, "octets for CRLs; default 4096; 0: LoadCRL is not supported"},
    {"version", &text, FALSE, "SVN, \"2.6.0\""},
    {"has-clock", &boolean, FALSE, "checks certificate dates; default false"},
    {"test-profiles", &boolean, FALSE, "default true"},
    {"services", &services, FALSE, "all that profiles may need of the card"},
    {"worn-memory", &octets, FALSE, "octets of a profile after which writing fails; default: none fails"},
    {"lpae", &boolean, FALSE, "has an LPA of its own; default false"},
    {"rat", &rat, FALSE, "Rules Authorisation Table; default: empty"},
    {"preloaded", &preloaded_list, FALSE, "profiles that the EUM loads at manufacture"},
    {"iot", &iot, FALSE, "makes it an eUICC for IoT"},
    {"certificate", &twist, FALSE, NULL}, END};
MAP_OF (euicc, euicc_keys, "a euicc");
static const char *const link_names[] = {"nb-iot", "lte-m", "lte", NULL};
ENUM_OF (link_name, link_names, "link");
INTEGER (rate, 1, 1000000000000);
static const RspKeySpec link_keys[] = {
    {"latency", &duration, FALSE, "one way; default 0"}, {"up", &rate, FALSE, "bit/s; default: no limit"},
    {"down", &rate, FALSE, "bit/s; default: no limit"}, {"loss", &fraction, FALSE, "of packets, at most 0.5"},
    {"message-limit", &octets, FALSE, "longer bodies are not carried"}, END};
MAP_OF (link_map, link_keys, "a link");
EITHER_OF (link_, link_name, link_map);
static const RspKeySpec connectivity_keys[] = {
    {"place", &text, FALSE, "of the world's network, where the device is; default: covered everywhere"},
    {"wifi", &boolean, FALSE, "uses the Wi-Fi of its place; default true"},
    {"link", &link_, FALSE, "of the cellular bearer; default: without limits"}, END};
MAP_OF (connectivity, connectivity_keys, "connectivity");
static const RspKeySpec place_keys[] = {
    {"coverage", &texts, FALSE, "operators, the first is tried first"}, {"wifi", &boolean, FALSE, "default false"}, END};
MAP_OF (place, place_keys, "a place");
static const RspShape places = {.kind = RSP_SHAPE_NAMED, .element = &place};
static const RspKeySpec network_keys[] = {{"places", &places, TRUE, "by name"}, END};
MAP_OF (network, network_keys, "a network");
static const RspKeySpec polling_keys[] = {
    {"empty", &duration, FALSE, "period while no profile is installed; default: not polled"},
    {"disabled", &duration, FALSE, "period while profiles are installed and none is enabled"},
    {"enabled", &duration, FALSE, "period while a profile is enabled"},
    {"searching", &duration, FALSE, "period after a user's search that found nothing"},
    {"searches", &count, FALSE, "so many times; default 10"}, END};
MAP_OF (polling, polling_keys, "a polling policy");
static const RspKeySpec lpa_keys[] = {
    {"role", &text, TRUE, NULL}, {"euicc", &text, TRUE, "the card in this device"},
    {"count", &group, FALSE, "so many, NAME-0001 and on, each with the card of its number"},
    {"connectivity", &connectivity, FALSE, "the device needs a bearer; default: it has one always"},
    {"trusts", &texts, FALSE, "ci actors for TLS; default: all"},
    {"imei", &text, FALSE, NULL}, {"tac", &text, FALSE, NULL}, {"timeout", &duration, FALSE, "of a call; default 30s"},
    {"user-timeout", &duration, FALSE, "for the user to answer; default 60s"},
    {"notification-retry", &duration, FALSE, "pause before notifications are sent again, doubled up to 1h; default: only by an operation"},
    {"in", &lpa_place, FALSE, "device (default) or euicc: an LPAe, without APDUs"},
    {"imposed-ci", &text, FALSE, "the only ci that it uses"},
    {"smds", &texts, FALSE, "addresses of alternative SM-DSs, asked after the card's root SM-DS"},
    {"power-on-discovery", &boolean, FALSE, "looks for a profile at power-on while no operational one is installed; default false"},
    {"polling", &polling, FALSE, "asks the SM-DSs by itself"},
    {"unattended-consent", &consent, FALSE, "the user's answer to what the LPA asks by itself; default granted"},
    {"check-dates", &boolean, FALSE, "looks at the dates of server certificates, as a card without a clock cannot"},
    {"test-mode", &boolean, FALSE, "shows and switches test profiles; default true"},
    {"segment-size", &segment, FALSE, "STORE DATA block; default 255"},
    {"lenient-matching-id", &boolean, FALSE, NULL}, {"binding", &binding, FALSE, "of ES9+; default json"}, END};
MAP_OF (lpa, lpa_keys, "an lpa");
static const RspKeySpec ipa_keys[] = {
    {"role", &text, TRUE, NULL}, {"euicc", &text, TRUE, "the card in this device"},
    {"version", &iot_version, FALSE, "of SGP.32 on ESipa: \"1.2\" (default) or \"1.0\""},
    {"esipa", &binding, FALSE, "binding of ESipa; default asn1"},
    {"fqdn", &text, FALSE, "where eIMs may inject packages"}, {"trusts", &texts, FALSE, "ci actors for TLS; default: all"},
    {"imei", &text, FALSE, NULL}, {"tac", &text, FALSE, NULL}, {"timeout", &duration, FALSE, "of a call; default 30s"},
    {"count", &group, FALSE, "so many, NAME-0001 and on, each with the card of its number"},
    {"poll-period", &duration, FALSE, "from one poll by itself to the next; default: none"},
    {"poll-jitter", &duration, FALSE, "each of them so much later at most, at random; default 0"},
    {"retries", &small, FALSE, "of the delivery of a result, before a rollback; default 0"},
    {"retry-pause", &duration, FALSE, "before each of them; default 10s"},
    {"connectivity", &connectivity, FALSE, "the device needs a bearer; default: it has one always"},
    {"notify", &ipa_notify, FALSE, "who gets notifications; default smdp"},
    {"in", &lpa_place, FALSE, "device (default) or euicc: an IPAe, without APDUs"},
    {"emulate", &boolean, FALSE, "the card is a consumer one: the IPA emulates the IoT functions; default false"},
    {"indirect", &boolean, FALSE, "downloads through the eIM, whatever its configuration says"},
    {"immediate-enable", &boolean, FALSE, "asks the card for immediate enabling after a download"},
    {"segment-size", &segment, FALSE, "STORE DATA block; default 255"},
    {"lenient-matching-id", &boolean, FALSE, NULL}, {"binding", &binding, FALSE, "of ES9+; default json"}, END};
MAP_OF (ipa, ipa_keys, "an ipa");
static const RspKeySpec roles[] = {
    {"ci", &ci, FALSE, NULL}, {"eum", &eum, FALSE, NULL}, {"operator", &operator_, FALSE, NULL},
    {"smdpp", &smdpp, FALSE, NULL}, {"euicc", &euicc, FALSE, NULL}, {"lpa", &lpa, FALSE, NULL},
    {"smds", &smds, FALSE, NULL}, {"eim", &eim, FALSE, NULL}, {"ipa", &ipa, FALSE, NULL}, END};
static const char *const role_key[] = {"role", NULL};
static const RspShape actor = {.kind = RSP_SHAPE_VARIANT, .names = role_key, .keys = roles, .what = "an actor"};
static const RspShape actors = {.kind = RSP_SHAPE_NAMED, .element = &actor};
static const RspShape part = {.kind = RSP_SHAPE_VARIANT, .names = role_key, .keys = roles, .partial = TRUE, .what = "an actor"};
static const RspShape parts = {.kind = RSP_SHAPE_NAMED, .element = &part};
static const RspKeySpec latency_keys[] = {
    {"http", &duration, FALSE, "one way; default 20ms"}, {"apdu", &duration, FALSE, "one way; default 1ms"},
    {"radio", &duration, FALSE, "of NAS messages, one way; default 50ms"}, END};
MAP_OF (latency, latency_keys, "latencies");
static const RspKeySpec whole_keys[] = {
    {"seed", &seed, FALSE, NULL}, {"start", &moment, FALSE, NULL}, {"latency", &latency, FALSE, NULL},
    {"network", &network, FALSE, NULL}, {"actors", &actors, TRUE, NULL}, END};
const RspShape rsp_language_world = {.kind = RSP_SHAPE_MAP, .keys = whole_keys, .what = "a world"};
static const RspKeySpec world_keys[] = {
    {"use", &text, FALSE, "a world file to start from; what stands beside it overrides"}, {"seed", &seed, FALSE, "default 1"},
    {"start", &moment, FALSE, "default 2025-01-01T00:00:00Z"}, {"latency", &latency, FALSE, NULL},
    {"network", &network, FALSE, "places, and who covers them"}, {"actors", &parts, FALSE, NULL}, END};
MAP_OF (world_map, world_keys, "a world");
EITHER_OF (world, text, world_map);

/* --- faults ------------------------------------------------------------------------------------ */

static const RspKeySpec match_keys[] = {
    {"function", &function, FALSE, "ES9+.HandleNotification"}, {"leg", &leg, FALSE, "default request"},
    {"from", &text, FALSE, "an actor"}, {"to", &text, FALSE, "an actor"},
    {"point", &fault_point, FALSE, "a place inside an actor in place of a message: before or after its memory or database is committed"},
    {"at", &text, FALSE, "with a point: a euicc, smdpp, smds, eim or ipa"},
    {"nth", &positive, FALSE, "the nth call of the function"}, {"every", &positive, FALSE, "each nth"},
    {"apdu", &hex, FALSE, "first octets of a command APDU; nth and every count those alone"}, {"probability", &fraction, FALSE, NULL}, END};
MAP_OF (match, match_keys, "a match");
static const RspKeySpec fault_keys[] = {
    {"name", &text, TRUE, NULL}, {"match", &match, TRUE, NULL}, {"action", &action, TRUE, NULL},
    {"at", &text, FALSE, "power-loss, crash at a message: the euicc or server; default: the message's own"},
    {"down", &duration, FALSE, "crash: how long it is away; default 0"},
    {"delay", &duration, FALSE, "delay: how long"}, {"offset", &offset, FALSE, "corrupt: octet, negative from the end"},
    {"mask", &small, FALSE, "corrupt: XOR mask, default 1"}, {"field", &text, FALSE, "corrupt, replace: path of a field"},
    {"value", &hex, FALSE, "new content"}, {"text", &text, FALSE, "new content as text"},
    {"remove", &boolean, FALSE, "corrupt: leave the field out"}, {"resign", &boolean, FALSE, "sign again"},
    {"status", &status, FALSE, "HTTP status or status word"}, {"copies", &positive, FALSE, "duplicate: further copies"}, END};
MAP_OF (fault, fault_keys, "a fault");
LIST_OF (faults, fault);

/* --- steps ------------------------------------------------------------------------------------- */

static const RspShape save = {.kind = RSP_SHAPE_NAMED, .element = &text};
static const RspKeySpec reply_keys[] = {
    {"code", &text, FALSE, "subject/reason, \"success\", or \"any\""}, {"failure", &text, FALSE, "timeout, link, tls …"},
    {"iccid", &text, FALSE, NULL}, {"eid", &text, FALSE, NULL}, {"matchingId", &text, FALSE, NULL}, {"smdpAddress", &text, FALSE, NULL}, END};
MAP_OF (reply, reply_keys, "an expected reply");
static const RspKeySpec operator_step_keys[] = {
    {"at", &text, TRUE, "an operator"}, {"call", &function, TRUE, "an ES2+ function"}, {"to", &text, TRUE, "an smdpp"},
    {"iccid", &text, FALSE, NULL}, {"eid", &text, FALSE, NULL}, {"profileType", &text, FALSE, NULL},
    {"matchingId", &text, FALSE, "absent: the server makes one"}, {"confirmationCode", &text, FALSE, NULL},
    {"smdsAddress", &text, FALSE, NULL}, {"releaseFlag", &boolean, FALSE, NULL},
    {"finalProfileStatusIndicator", &final_state, FALSE, NULL},
    {"save", &save, FALSE, "name: member of the reply, used later as $(name)"},
    {"expect", &reply, FALSE, "default: success"}, END};
MAP_OF (operator_step, operator_step_keys, "an operator step");
static const RspKeySpec user_profile_keys[] = {
    {"iccid", &text, TRUE, NULL}, {"state", &profile_state, FALSE, NULL}, {"nickname", &text, FALSE, NULL},
    {"name", &text, FALSE, NULL}, {"provider", &text, FALSE, NULL}, {"class", &profile_class, FALSE, NULL}, END};
MAP_OF (user_profile, user_profile_keys, "a listed profile");
LIST_OF (user_profiles, user_profile);
static const RspKeySpec outcome_keys[] = {
    {"profile", &download_result, FALSE, "installed, none, or any: however it ends"}, {"notification", &notification_result, FALSE, NULL},
    {"error", &text, FALSE, "name of an error"}, {"step", &text, FALSE, "function or check where it ended"},
    {"code", &text, FALSE, "subject/reason of a server"}, {"cancelled", &text, FALSE, "CancelSession reason sent"},
    {"events", &count, FALSE, "event records received"}, {"installed", &count, FALSE, "profiles installed by a discovery"},
    {"delivered", &count, FALSE, "notifications acknowledged"}, {"pending", &count, FALSE, "notifications left"},
    {"profiles", &user_profiles, FALSE, "list: exactly these"},
    {"progress", &stage_list, FALSE, "download: exactly these stages, as applications see them"}, END};
MAP_OF (outcome, outcome_keys, "an expected outcome");
static const RspKeySpec user_step_keys[] = {
    {"at", &text, TRUE, "an lpa"}, {"do", &verb, TRUE, NULL}, {"activationCode", &text, FALSE, NULL},
    {"address", &text, FALSE, NULL}, {"matchingId", &text, FALSE, NULL},
    {"discovery", &boolean, FALSE, "download: what waits behind the events of the SM-DSs"},
    {"confirmationCode", &text_or_texts, FALSE, "what the user types; a list: one after the other"},
    {"consent", &consent, FALSE, "default granted"}, {"thinks", &duration, FALSE, "how long the answer takes"},
    {"authenticated", &boolean, FALSE, "the end user proves who it is; default true"}, {"keep-notifications", &boolean, FALSE, "do not deliver after the installation"},
    {"iccid", &text, FALSE, NULL}, {"name", &text, FALSE, "nickname"}, {"refresh", &boolean, FALSE, "default true"},
    {"options", &reset_list, FALSE, "memory reset"}, {"expect", &outcome, FALSE, "default: it works"}, END};
MAP_OF (user_step, user_step_keys, "a user step");
static const RspKeySpec ota_reply_keys[] = {
    {"status", &text, FALSE, "response status: ok, macFailed, counterLow …"}, {"sw", &text, FALSE, "of the last command, or of the card"},
    {"failure", &text, FALSE, "noKeys, timeout, link, statusWord, badResponse"}, END};
MAP_OF (ota_reply, ota_reply_keys, "an expected response");
static const RspKeySpec ota_step_keys[] = {
    {"at", &text, TRUE, "an operator"}, {"to", &text, TRUE, "a euicc"}, {"iccid", &text, TRUE, "the profile whose keys are used"},
    {"serviceProviderName", &text, FALSE, NULL}, {"profileName", &text, FALSE, NULL}, {"icon", &icon, FALSE, "empty: none any more"},
    {"ppr", &ppr_list, FALSE, "the rules that remain"}, {"key-version", &key_version, FALSE, "default 1"},
    {"counter", &ota_counter, FALSE, "default: the time"}, {"tar", &hex, FALSE, "default B20100"},
    {"expect", &ota_reply, FALSE, "default: status ok, sw 9000"}, END};
MAP_OF (ota_step, ota_step_keys, "an ota step");
static const RspKeySpec ipa_outcome_keys[] = {
    {"error", &text, FALSE, "name of an error; default: none"}, {"step", &text, FALSE, "function or check where it ended"},
    {"result", &text, FALSE, "of the last package or of the card: ok, or an error's name"},
    {"packages", &count, FALSE, "eIM packages taken"}, {"delivered", &count, FALSE, "results and notifications that the eIM took"},
    {"kept", &count, FALSE, "results for the next poll"}, {"installed", &count, FALSE, "profiles"},
    {"failed", &count, FALSE, "packages that came to an error"}, {"rolled-back", &count, FALSE, NULL},
    {"eims", &count, FALSE, "associated"}, {"code", &text, FALSE, "subject/reason of a server in the last download"},
    {"iccid", &text, FALSE, "of the last download"}, END};
MAP_OF (ipa_outcome, ipa_outcome_keys, "an expected outcome");
static const RspKeySpec ipa_step_keys[] = {
    {"at", &text, TRUE, "an ipa"}, {"do", &ipa_verb, TRUE, NULL},
    {"eim", &text, FALSE, "add-initial-eim: an eim of the world; or:"}, {"eim-id", &text, FALSE, "default: fqdn"},
    {"fqdn", &text, FALSE, NULL}, {"public-key", &hex, FALSE, "SubjectPublicKeyInfo"}, {"counter", &package_counter, FALSE, NULL},
    {"token", &boolean, FALSE, "the card gives an association token"}, {"indirect", &boolean, FALSE, "indirectProfileDownload"},
    {"options", &ipa_reset_list, FALSE, "reset; default: eim"},
    {"address", &text, FALSE, "set-default-dp-address, configure-immediate-enable"},
    {"spread", &duration, FALSE, "of a group: all at once, their beginnings over this time; default: one after the other"},
    {"expect", &ipa_outcome, FALSE, "default: it works"}, END};
MAP_OF (ipa_step, ipa_step_keys, "an ipa step");
static const RspKeySpec apdu_reply_keys[] = {
    {"sw", &text, FALSE, "\"9000\""}, {"data", &hex, FALSE, NULL}, END};
MAP_OF (apdu_reply, apdu_reply_keys, "an expected response");
static const RspKeySpec card_step_keys[] = {
    {"at", &text, TRUE, "a euicc"}, {"do", &card_verb, FALSE, "reset: power off and on"}, {"apdu", &hex, FALSE, "a command"},
    {"expect", &apdu_reply, FALSE, NULL}, END};
MAP_OF (card_step, card_step_keys, "a card step");
static const RspKeySpec read_keys[] = {
    {"at", &text, TRUE, "a euicc"}, {"file", &text, TRUE, "3F00/2FE2, or AID/6F07"}, {"record", &small, FALSE, NULL},
    {"expect", &hex, FALSE, "content"}, {"sw", &text, FALSE, "expected status word; default 9000"}, END};
MAP_OF (read_step, read_keys, "a read step");
static const char *const attach_results[] = {"attached", "no-profile", "pin-required", "card-error", "unknown-subscriber",
    "identity-not-derived", "rejected", "mac-failure", "sync-failure", "res-mismatch", "no-answer", "link", NULL};
static const char *const systems[] = {"eps", "5gs", NULL};
static const char *const identities[] = {"imsi", "suci", "none", NULL};
ENUM_OF (attach_result, attach_results, "result of an attach");
ENUM_OF (system_, systems, "system");
ENUM_OF (identity, identities, "identity");
static const RspKeySpec attached_keys[] = {
    {"result", &attach_result, FALSE, "default attached"}, {"identity", &identity, FALSE, "what the device sent"},
    {"system", &system_, FALSE, NULL}, {"cause", &small, FALSE, "EMM or 5GMM cause"},
    {"resynchronised", &boolean, FALSE, "the sequence number was brought back by AUTS"}, END};
MAP_OF (attached, attached_keys, "an expected attach");
static const RspKeySpec attach_keys[] = {
    {"at", &text, TRUE, "an lpa: the device"}, {"to", &text, TRUE, "an operator"},
    {"system", &system_, FALSE, "default: 5gs if the USIM conceals its identity (service 124), else eps"},
    {"expect", &attached, FALSE, "default: attached"}, END};
MAP_OF (attach, attach_keys, "an attach step");
static const char *const bearers[] = {"none", "wifi", "cellular", NULL};
ENUM_OF (bearer, bearers, "bearer");
static const RspKeySpec traffic_keys[] = {
    {"up", &count, FALSE, "octets at most"}, {"down", &count, FALSE, "octets at most"}, {"airtime", &duration, FALSE, "at most"}, END};
MAP_OF (traffic, traffic_keys, "traffic on the cellular bearer");
static const RspKeySpec device_view_keys[] = {
    {"bearer", &bearer, FALSE, NULL}, {"network", &text, FALSE, "operator that the device is attached to, or none"},
    {"traffic", &traffic, FALSE, NULL}, END};
MAP_OF (device_view, device_view_keys, "an expected device");
static const RspKeySpec device_keys[] = {
    {"at", &text, TRUE, "a device with connectivity"}, {"move", &text, FALSE, "to this place"},
    {"wifi", &boolean, FALSE, "its Wi-Fi on or off"}, {"expect", &device_view, FALSE, "once it has come to rest"}, END};
MAP_OF (device, device_keys, "a device step");
static const RspKeySpec coverage_keys[] = {
    {"place", &text, TRUE, NULL}, {"operators", &texts, FALSE, "who covers it from now on"}, {"wifi", &boolean, FALSE, NULL}, END};
MAP_OF (coverage, coverage_keys, "a coverage step");
static const RspKeySpec send_reply_keys[] = {
    {"http", &status, FALSE, NULL}, {"sw", &text, FALSE, NULL}, {"code", &text, FALSE, "subject/reason, or \"success\""},
    {"failure", &text, FALSE, "timeout, link …"}, {"body", &hex, FALSE, NULL}, END};
MAP_OF (send_reply, send_reply_keys, "an expected answer");
static const RspKeySpec send_keys[] = {
    {"as", &text, TRUE, "the sender's name"}, {"to", &text, TRUE, "an address or actor"}, {"function", &function, TRUE, NULL},
    {"body", &text, FALSE, "the body as text"}, {"hex", &hex, FALSE, "the body in hex"},
    {"binding", &binding, FALSE, "of an HTTP function; default: ESipa asn1, others json"},
    {"repeat", &positive, FALSE, "how often"}, {"padding", &octets, FALSE, "so many blanks after the body"},
    {"expect", &send_reply, FALSE, NULL}, END};
MAP_OF (send_step, send_keys, "a send step");

static const RspKeySpec crl_reply_keys[] = {
    {"error", &text, FALSE, "name of a LoadCRLResponseError; default: it is taken"}, {"missing", &numbers, FALSE, "parts still to come"}, END};
MAP_OF (crl_reply, crl_reply_keys, "what comes of a CRL");
static const RspKeySpec crl_keys[] = {
    {"from", &text, TRUE, "a ci"}, {"to", &text_or_texts, FALSE, "who gets it: euicc by ES10b.LoadCRL; smdpp and lpa as if fetched"},
    {"revoke", &text_or_texts, FALSE, "certificates to put on the list for good: ACTOR.auth, .pb, .tls, or an eum"},
    {"number", &positive, FALSE, "cRLNumber; default: one above the last"}, {"base", &positive, FALSE, "a delta on this number"},
    {"part", &count, FALSE, "partialCrlNumber"}, {"parts", &count, FALSE, "totalPartialCrlNumber"},
    {"bad-signature", &boolean, FALSE, NULL}, {"unknown-critical", &boolean, FALSE, "with a critical extension that nobody knows"},
    {"expect", &crl_reply, FALSE, NULL}, END};
MAP_OF (crl_step, crl_keys, "a crl step");

ENUM_OF (eim_verb, eim_verbs, "eIM operation");
static const RspKeySpec eim_reply_keys[] = {
    {"error", &text, FALSE, "why nothing was queued"}, {"result", &text, FALSE, "push: of the package; default ok"}, END};
MAP_OF (eim_reply, eim_reply_keys, "what comes of it");
#define OPERATION_KEYS \
    {"do", &eim_verb, FALSE, NULL}, {"iccid", &text, FALSE, NULL}, {"rollback", &boolean, FALSE, "enable: with the rollback flag"}, \
    {"immediate", &boolean, FALSE, "configure-immediate-enable: the flag; default true"}, {"oid", &text, FALSE, "defaultSmdpOid"}, \
    {"address", &text, FALSE, "of an SM-DP+; push: of the IPA"}, {"eim-id", &text, FALSE, "delete-eim"}, \
    {"eim", &text, FALSE, "add-eim, update-eim: an eim of the world"}, {"token", &boolean, FALSE, "add-eim: asks for an association token"}, \
    {"counter", &package_counter, FALSE, "add-eim, update-eim: counterValue"}, \
    {"configuration", &hex, FALSE, "add-eim, update-eim: an EimConfigurationData in place of eim"}, \
    {"tags", &hex, FALSE, "list-profile-info, data-request: tagList; default there: certificates and euiccInfo1"}, \
    {"aid", &hex, FALSE, "list-profile-info: of this ISD-P alone; as well: iccid"}, {"class", &profile_class, FALSE, "list-profile-info: of this class"}
static const RspKeySpec operation_keys[] = {OPERATION_KEYS, END};
MAP_OF (operation, operation_keys, "an operation of an eUICC package");
LIST_OF (operation_list, operation);
#define DOWNLOAD_KEYS \
    {"activationCode", &text, FALSE, "download; without it, smds and smdsAddress: from the default SM-DP+"}, \
    {"confirmationCode", &text, FALSE, "download through the eIM"}, {"smds", &boolean, FALSE, "download by the events of an SM-DS"}, \
    {"smdsAddress", &text, FALSE, "default: the eUICC's root SM-DS"}, \
    {"bare", &boolean, FALSE, "download: the trigger is empty, the eIM as proxy knows what to download"}
static const RspKeySpec eim_order_keys[] = {
    {"eid", &text, FALSE, NULL}, {"eids", &texts, FALSE, NULL}, OPERATION_KEYS, {"operations", &operation_list, FALSE, NULL}, DOWNLOAD_KEYS, END};
const RspShape rsp_language_eim_order = {.kind = RSP_SHAPE_MAP, .keys = eim_order_keys, .what = "an order of eIM packages"};
static const RspKeySpec eim_device_keys[] = {{"eid", &eid, TRUE, NULL}, {"token", &count, FALSE, NULL}, {"counter", &package_counter, FALSE, NULL},
    {"emulated", &boolean, FALSE, "its package results need no signature"}, END};
const RspShape rsp_language_eim_device = {.kind = RSP_SHAPE_MAP, .keys = eim_device_keys, .what = "an eUICC"};
static const RspKeySpec eim_step_keys[] = {
    {"at", &text, TRUE, "an eim"}, {"to", &text_or_texts, FALSE, "euicc actors, or `all` that it manages"}, {"eid", &text, FALSE, "in place of `to`"},
    OPERATION_KEYS, {"operations", &operation_list, FALSE, "several in one eUICC package"}, {"binding", &binding, FALSE, "push; default asn1"},
    DOWNLOAD_KEYS, {"expect", &eim_reply, FALSE, NULL}, END};
MAP_OF (eim_step, eim_step_keys, "an eim step");
#define RAW_KEYS {"raw", &hex, FALSE, "an operation in hex, in place of do"}, {"repeat", &operation_repeat, FALSE, "so many times"}
static const RspKeySpec raw_operation_keys[] = {OPERATION_KEYS, RAW_KEYS, END};
MAP_OF (raw_operation, raw_operation_keys, "an operation, right or wrong");
LIST_OF (raw_operations, raw_operation);
static const RspKeySpec package_reply_keys[] = {
    {"results", &texts, FALSE, "of the operations: exactly these; default: all ok"},
    {"error", &text, FALSE, "an EuiccPackageErrorCode, or unsigned"}, END};
MAP_OF (package_reply, package_reply_keys, "an eUICC's answer to a package");
static const RspKeySpec package_step_keys[] = {
    {"to", &text, TRUE, "a euicc"}, {"from", &text, TRUE, "an eim, whose key signs"}, {"as-eim", &text, FALSE, "eimId; default: the eIM's own"},
    {"eid", &eid, FALSE, "default: the eUICC's"}, {"association-token", &count, FALSE, "that both signatures cover; default: none"},
    {"transaction", &hex, FALSE, "eimTransactionId"}, {"bad-signature", &boolean, FALSE, NULL}, {"as", &text, FALSE, "who hands it over; default: ipa"},
    {"eco", &boolean, FALSE, "in an ecoList; default: as the operation asks"}, OPERATION_KEYS, RAW_KEYS,
    {"operations", &raw_operations, FALSE, "several"}, {"expect", &package_reply, FALSE, NULL}, END};
MAP_OF (package_step, package_step_keys, "a package step");

/* --- expectations ------------------------------------------------------------------------------ */

static const RspKeySpec profile_view_keys[] = {
    {"iccid", &known_iccid, TRUE, NULL}, {"state", &profile_state, FALSE, NULL}, {"nickname", &text, FALSE, NULL}, END};
MAP_OF (profile_view, profile_view_keys, "a profile on the card");
LIST_OF (profile_views, profile_view);
static const RspKeySpec notification_view_keys[] = {
    {"event", &event, FALSE, NULL}, {"iccid", &known_iccid, FALSE, NULL}, {"address", &text, FALSE, NULL}, END};
MAP_OF (notification_view, notification_view_keys, "a pending notification");
LIST_OF (notification_views, notification_view);
INTEGER (identification, 0, 32767);
static const RspKeySpec element_view_keys[] = {
    {"status", &text, FALSE, "ok, bad-values …"}, {"identification", &identification, FALSE, NULL}, END};
MAP_OF (element_view, element_view_keys, "a PEStatus");
LIST_OF (element_views, element_view);
static const RspKeySpec order_keys[] = {
    {"iccid", &known_iccid, TRUE, NULL}, {"state", &order_state, FALSE, NULL}, {"eid", &text, FALSE, NULL},
    {"count", &pool, FALSE, "so many orders, ICCIDs and EIDs counting up"},
    {"matchingId", &text, FALSE, NULL}, {"attempts", &count, FALSE, NULL}, END};
MAP_OF (order, order_keys, "an order");
LIST_OF (orders, order);
static const RspKeySpec event_view_keys[] = {
    {"eventId", &text, FALSE, NULL}, {"eid", &eid, FALSE, NULL}, {"rspServerAddress", &text, FALSE, NULL},
    {"owner", &text, FALSE, "the OID that the owner proved"}, {"forwarded", &boolean, FALSE, "known to the root, too"}, END};
MAP_OF (event_view, event_view_keys, "an event record");
LIST_OF (event_views, event_view);
static const RspKeySpec received_keys[] = {
    {"iccid", &text, FALSE, NULL}, {"point", &small, FALSE, "notificationPointId"}, {"code", &text, FALSE, "subject/reason, or \"success\""}, END};
MAP_OF (received, received_keys, "a notification received");
LIST_OF (received_list, received);
ENUM_OF (package_state, package_states, "package state");
static const RspKeySpec package_keys[] = {
    {"card", &text, FALSE, "the euicc actor"}, {"eid", &text, FALSE, NULL}, {"kind", &text, FALSE, "enable, download, data-request …"}, {"state", &package_state, FALSE, NULL},
    {"result", &text, FALSE, "ok, or the name of the first error"}, END};
MAP_OF (package, package_keys, "an eIM package");
LIST_OF (packages, package);
static const RspKeySpec belief_keys[] = {
    {"eid", &text, FALSE, NULL}, {"iccid", &known_iccid, TRUE, NULL}, {"state", &profile_state, FALSE, NULL}, END};
MAP_OF (belief, belief_keys, "a profile that an eIM believes in");
LIST_OF (beliefs, belief);
static const RspKeySpec fleet_keys[] = {
    {"queued", &count, FALSE, NULL}, {"delivered", &count, FALSE, NULL}, {"done", &count, FALSE, NULL}, {"failed", &count, FALSE, NULL},
    {"rolled-back", &count, FALSE, NULL}, {"expired", &count, FALSE, NULL}, END};
MAP_OF (fleet, fleet_keys, "packages by their state");
const RspKeySpec rsp_language_expectations[] = {
    {"profiles", &profile_views, FALSE, "euicc: exactly these profiles"},
    {"notifications", &notification_views, FALSE, "euicc: exactly these pending notifications, in order"},
    {"elements", &element_views, FALSE, "euicc: exactly this PEStatus list of the last installation, in order"},
    {"orders", &orders, FALSE, "smdpp: these orders are as said"},
    {"sessions", &count, FALSE, "smdpp, smds: so many live sessions"},
    {"events", &event_views, FALSE, "smds: exactly these event records, oldest first"},
    {"bearer", &bearer, FALSE, "device: what it has"},
    {"network", &text, FALSE, "device: operator that it is attached to, or none"},
    {"traffic", &traffic, FALSE, "device: on the cellular bearer, at most"},
    {"packages", &packages, FALSE, "eim: exactly these packages, in order"},
    {"not-done", &packages, FALSE, "eim: exactly these packages are in another state than done, in order"},
    {"believes", &beliefs, FALSE, "eim: exactly these profiles on its eUICCs, in order of EID and ICCID"},
    {"fleet", &fleet, FALSE, "eim: so many packages in each state"},
    {"waiting", &count, FALSE, "eim: so many notifications that their servers do not take"},
    {"received", &received_list, FALSE, "operator: these came, in this order"},
    END};
MAP_OF (actor_expect, rsp_language_expectations, "an expectation of an actor");
static const RspShape message = {.kind = RSP_SHAPE_NAMED, .element = &function};
LIST_OF (messages, message);
static const RspKeySpec expect_reserved[] = {
    {"messages", &messages, FALSE, "an ordered subsequence of the messages"},
    {"no-messages", &messages, FALSE, "messages that must not occur"}, END};
static const RspShape expect = {.kind = RSP_SHAPE_NAMED, .keys = expect_reserved, .element = &actor_expect};

const RspKeySpec rsp_language_steps[] = {
    {"operator", &operator_step, FALSE, "an operator calls ES2+"},
    {"user", &user_step, FALSE, "a user acts on the LPA"},
    {"ota", &ota_step, FALSE, "an operator updates its enabled profile over the air (ES6)"},
    {"ipa", &ipa_step, FALSE, "an IPA polls, or uses a function of its card"},
    {"wait", &duration, FALSE, "virtual time goes by"},
    {"card", &card_step, FALSE, "an APDU to the card, or a reset"},
    {"read", &read_step, FALSE, "reads a file of the enabled profile"},
    {"attach", &attach, FALSE, "the device attaches to a mobile network"},
    {"device", &device, FALSE, "a device moves, and comes to rest"},
    {"coverage", &coverage, FALSE, "who covers a place changes"},
    {"package", &package_step, FALSE, "an eUICC package made by hand, signed by an eIM's key, to a euicc"},
    {"send", &send_step, FALSE, "a hostile or broken peer says anything"},
    {"crl", &crl_step, FALSE, "a ci issues a CRL, and cards, servers and LPAs get it"},
    {"eim", &eim_step, FALSE, "an eIM queues packages for its eUICCs, or pushes the next"},
    {"expect", &expect, FALSE, "expectations at this point"},
    {"note", &text, FALSE, "a remark in the trace"},
    END};
static const RspShape step = {.kind = RSP_SHAPE_MAP, .keys = rsp_language_steps, .exactly_one = TRUE, .what = "a step"};
LIST_OF (steps, step);

EITHER_OF (spec, text, texts);
static const char *const judges[] = {"expectations", "invariants", NULL};
ENUM_OF (judge, judges, "judge");
static const RspKeySpec scenario_keys[] = {
    {"scenario", &text, TRUE, "unique name: letters, digits, - and _"},
    {"spec", &spec, FALSE, "clauses"}, {"intent", &text, FALSE, "what it shows, in a sentence"},
    {"errors", &texts, FALSE, "error codes it produces, as `rspsim list errors` prints them: \"ES9+.AuthenticateClient 8.2.6/3.8\""},
    {"covers", &points, FALSE, "points of the coverage list docs/coverage.md that it shows"},
    {"tags", &texts, FALSE, NULL}, {"world", &world, TRUE, "a world, or the path of one"},
    {"faults", &faults, FALSE, NULL}, {"steps", &steps, TRUE, NULL}, {"expect", &expect, FALSE, "at the end"},
    {"until", &duration, FALSE, "the run ends at this virtual time at the latest"},
    {"judge", &judge, FALSE, "invariants: what steps and expect want is no condition (docs/sweep.md); default expectations"}, END};
const RspShape rsp_language_scenario = {.kind = RSP_SHAPE_MAP, .keys = scenario_keys, .what = "a scenario"};
static const RspKeySpec fragment_keys[] = {
    {"world", &world, TRUE, NULL}, {"intent", &text, FALSE, NULL}, END};
const RspShape rsp_language_fragment = {.kind = RSP_SHAPE_MAP, .keys = fragment_keys, .what = "a world file"};
