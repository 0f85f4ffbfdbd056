/* The operator: calls ES2+ on SM-DP+s, receives their notifications, keeps what it ordered,
 * and admits devices to its network (auc.h). */
#pragma once

#include "asn1/fields.h"
#include "components/operator/auc.h"
#include "components/operator/ota.h"
#include "sim/net/actor.h"

typedef struct _RspOperator RspOperator;
/* Attaches itself to the bus. PLMN: digits of its network's MCC and MNC. */
RspOperator *rsp_operator_new (const RspActor *actor, const char *plmn);
void rsp_operator_free (RspOperator *op);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspOperator, rsp_operator_free)

RspAuc *rsp_operator_auc (RspOperator *op); /* (transfer none) */
RspOta *rsp_operator_ota (RspOperator *op); /* (transfer none) */

typedef struct {
    const char
        *failure; /* NULL; "timeout", "link", "unresolved", "tls", "http 500", "undecodable" */
    const char *subject, *reason; /* NULL when executed */
    const RspFields *fields;      /* reply, NULL on failure */
} RspOperatorReply;
typedef void (*RspOperatorFunc) (const RspOperatorReply *reply, gpointer data);

/* Sends FIELDS (a request; header is filled in) of an ES2+ function to the SM-DP+ at ADDRESS. */
void rsp_operator_call (RspOperator *op, const char *address, const RspFunction *fn,
                        RspFields *fields, RspOperatorFunc func, gpointer data);

/* HandleDownloadProgressInfo calls received, in order. */
typedef struct {
    char *iccid, *eid; /* eid may be NULL */
    int point;         /* notificationPointId */
    gboolean success;
    char *subject, *reason; /* of a failure */
} RspOperatorNotification;
const GPtrArray *rsp_operator_notifications (const RspOperator *op);
