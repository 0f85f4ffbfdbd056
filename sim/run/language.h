/* The scenario language, written down once as shapes (docs/scenarios.md explains it). */
#pragma once

#include "sim/run/shape.h"

#define RSP_OTA_COUNTER_MAX ((G_GINT64_CONSTANT (1) << 40) - 1)
#define RSP_COVERAGE_POINTS 232 /* rows of docs/coverage-points.tsv */

extern const RspShape rsp_language_scenario;  /* a whole scenario file */
extern const RspShape rsp_language_fragment;  /* a world file: `world:` alone */
extern const RspShape rsp_language_world;     /* a world when all that it uses is merged */
extern const RspShape rsp_language_eim_order; /* what a managing client may send to an eIM */
extern const RspShape rsp_language_eim_device;
extern const RspKeySpec rsp_language_steps[];        /* the kinds of step, ended by a NULL key */
extern const RspKeySpec rsp_language_expectations[]; /* what `expect:` may say of an actor */

/* Words that the code maps to values, in the order of those values. */
extern const char *const rsp_language_roles[];    /* certificate roles, as RspRole from 1 */
extern const char *const rsp_language_consents[]; /* as RspConsent */
extern const char *const rsp_language_user_verbs[];
extern const char *const rsp_language_bindings[];
extern const char *const rsp_language_ipa_verbs[];     /* as RspIpaLocal, then others */
extern const char *const rsp_language_ipa_notify[];    /* as RspIpaNotify */
extern const char *const rsp_language_ipa_reset[];     /* bits from 0 */
extern const char *const rsp_language_fault_actions[]; /* as RspFaultAction */
