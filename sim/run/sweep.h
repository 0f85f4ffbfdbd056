/* `rspsim sweep`: every fault at every message and point of a scenario, one case each. */
#pragma once

#include "sim/run/runner.h"

typedef enum {
    RSP_SWEEP_UNHARMED,  /* all that the scenario expects came */
    RSP_SWEEP_RECOVERED, /* …after a step was done again */
    RSP_SWEEP_OTHER,     /* rest and invariants, though not what is expected without the fault */
    RSP_SWEEP_UNFIT,     /* the fault could not be done there, or (a pair) was not reached */
    RSP_SWEEP_FAILED,
} RspSweepOutcome;
#define RSP_SWEEP_OUTCOMES 5
extern const char *const rsp_sweep_outcomes[RSP_SWEEP_OUTCOMES];

/* One fault: what a scenario says between its name and the end. */
typedef struct {
    RspFaultAction action;
    char *text; /* `match: {…}, action: …` */
} RspSweepFault;

typedef struct {
    const RspScenario *scenario;
    GPtrArray *faults; /* of RspSweepFault, in the order of the run */
    guint messages, points;
    guint64 events;      /* without a fault */
    gboolean has_failed; /* without a fault */
} RspSweepSubject;

typedef struct {
    RspSweepSubject *subject;
    const RspSweepFault *faults[2]; /* the second NULL: a single fault */
    RspSweepOutcome outcome;
    char *failure; /* NULL: none */
} RspSweepCase;

/* Runs SCENARIO without a fault, and writes down what could strike it. NULL: it fails already,
 * *RET_FAILURE says why. */
RspSweepSubject *rsp_sweep_subject_new (const RspScenario *scenario, char **ret_failure);
void rsp_sweep_subject_free (RspSweepSubject *subject);
/* All single faults of SUBJECTS, or LIMIT (≥ 0) of them, evenly; then PAIRS of pairs. Of
 * RspSweepCase, which borrow from SUBJECTS. */
GPtrArray *rsp_sweep_cases (const GPtrArray *subjects, gint limit, guint pairs, gint64 seed);

/* CASE's scenario: judged by its invariants, with the faults of the case after its own. *RET_OWN
 * holds what it does not share; both are freed by rsp_sweep_scenario_clear. */
void rsp_sweep_scenario (const RspSweepCase *c, RspScenario *ret);
void rsp_sweep_scenario_clear (RspScenario *scenario);
/* Outcome and failure of CASE as a line, and back. (transfer full) */
char *rsp_sweep_run (const RspSweepCase *c);
void rsp_sweep_take (RspSweepCase *c, const char *line);
/* A scenario file that does CASE, the INDEXth, alone. (transfer full) */
char *rsp_sweep_file (const RspSweepCase *c, guint index);

/* JSON: counts by action, by outcome and by scenario, and what failed. */
gboolean rsp_sweep_report (const GPtrArray *subjects, const GPtrArray *cases, gint64 seed,
                           const char *path, GError **error);
