/* Runs one scenario: steps in order, then rest, then expectations and invariants. */
#pragma once

#include "sim/net/fault.h"
#include "sim/run/leaks.h"
#include "sim/run/world.h"

typedef struct {
    gint64 seed; /* -1: the world's own */
    gboolean https;
    const char *trace_dir; /* (nullable) */
    gboolean bodies, secrets;
    const char *state_dir; /* (nullable) */
    const char *link;      /* (nullable): preset for the links of all devices */
    RspFaultWatch watch;   /* (nullable) sees what faults could strike from the first step on */
    gpointer watch_data;
    guint64 most_events; /* more than so many in the trace are no end; 0: any number */
} RspRunOptions;

typedef struct {
    gboolean passed;
    char *failure;   /* "FILE:LINE: expected … got …", NULL when passed */
    gint64 duration; /* virtual µs */
    guint messages;  /* requests sent, APDUs left out */
    char *usage;     /* rsp_usage_json; NULL: nothing is modelled */
    guint64 events;  /* of the trace */
    /* of a scenario that is judged by its invariants alone: */
    guint repeated;      /* steps that did not get what they want, and were done again */
    gboolean other;      /* something that is expected did not come in the end either */
    GHashTable *unfired; /* names of faults that did not fire → why they did not fit, or NULL */
} RspRunResult;
void rsp_run_result_free (RspRunResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspRunResult, rsp_run_result_free)

RspRunResult *rsp_run_scenario (const RspScenario *scenario, const RspRunOptions *options);

/* --- for steps and expectations ----------------------------------------------------------------
 */

typedef struct {
    const char *src, *dst; /* interned */
    const RspFunction *function;
} RspSentMessage;

typedef struct {
    const RspScenario *scenario;
    RspWorld *world;
    RspLoop *loop;
    RspTrace *trace;
    RspFaults *faults;
    GHashTable *saved;   /* name → text of `save:` */
    GArray *messages;    /* of RspSentMessage: requests in the order of sending */
    RspLeaks *leaks;     /* (nullable) until the world is built */
    char *failure;       /* the first one */
    const RspYaml *step; /* under way, for its own helpers */
    const char *member;  /* (nullable): of a group, of which failures are */
    gboolean step_done;
    gint64 limit;
    const RspRunOptions *options;
    RspRunResult *result;
    gboolean begun; /* the first step */
    gboolean stuck; /* a step did not end: there is no going on */
} RspRun;

/* Records the first failure, at NODE. Always returns FALSE. */
gboolean rsp_run_fail (RspRun *run, const RspYaml *node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* Text of NODE with $(name) replaced by what was saved. (transfer full); NULL for NULL. */
char *rsp_run_text (RspRun *run, const RspYaml *node);
/* Runs the loop until step_done. FALSE if nothing is left to happen before that. */
gboolean rsp_run_wait (RspRun *run, const RspYaml *step);
/* If NODE is given, GOT must equal its text; "none" stands for NULL. */
gboolean rsp_run_match (RspRun *run, const RspYaml *node, const char *got);
/* If NODE is given, GOT must be the octets that it says in hex. */
gboolean rsp_run_match_hex (RspRun *run, const RspYaml *node, RspSlice got);
gboolean rsp_run_match_number (RspRun *run, const RspYaml *node, gint64 got);
/* "success" or "8.2.6/3.8". (transfer full) */
char *rsp_run_code (const char *subject, const char *reason);

typedef void (*RspStepFunc) (RspRun *run, const RspYaml *step);
/* The code behind a kind of step; every key of rsp_language_steps has one. */
RspStepFunc rsp_step_func (const char *kind);

void rsp_step_operator (RspRun *run, const RspYaml *step);
void rsp_step_user (RspRun *run, const RspYaml *step);
void rsp_step_ota (RspRun *run, const RspYaml *step);
void rsp_step_ipa (RspRun *run, const RspYaml *step);
void rsp_step_card (RspRun *run, const RspYaml *step);
void rsp_step_read (RspRun *run, const RspYaml *step);
void rsp_step_send (RspRun *run, const RspYaml *step);
void rsp_step_crl (RspRun *run, const RspYaml *step);
void rsp_step_attach (RspRun *run, const RspYaml *step);
void rsp_step_device (RspRun *run, const RspYaml *step);
void rsp_step_coverage (RspRun *run, const RspYaml *step);
/* `bearer`, `network` and `traffic` of WANT hold for DEVICE. */
gboolean rsp_expect_device (RspRun *run, const RspYaml *want, const RspWorldActor *device);
void rsp_step_eim (RspRun *run, const RspYaml *step);
void rsp_step_package (RspRun *run, const RspYaml *step);

/* expect-eim.c */
gboolean rsp_expect_eim (RspRun *run, const RspYaml *what, const RspWorldActor *eim);
gboolean rsp_invariant_eim (RspRun *run, const RspYaml *node, const RspWorldActor *eim);
gboolean rsp_expect_check (RspRun *run, const RspYaml *expect);
/* expect-smds.c */
gboolean rsp_expect_events (RspRun *run, const RspYaml *want, const RspWorldActor *server);
/* What always holds; NODE is where to point. */
gboolean rsp_invariants_check (RspRun *run, const RspYaml *node);
