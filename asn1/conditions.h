/* Every refusal that a function of the message table knows: subject/reason codes of the JSON
 * functions, error values of the ASN.1 ones (SGP.22 v2.6). */
#pragma once

#include "asn1/functions.h"

typedef struct {
    RspFunctionId function;
    const char *code; /* "8.2.6/3.8", or the value's name: "catBusy" */
    const char *meaning;
    const char *never; /* why no scenario can produce it; NULL: one can */
} RspCondition;

/* Calls FUNC for every condition, in a fixed order. */
void rsp_conditions_foreach (void (*func) (const RspCondition *condition, gpointer data),
                             gpointer data);
