/* The operator over the air: ES6 (SGP.22 5.4) by SCP80 to the profile that is enabled on a card. */
#pragma once

#include "sim/net/actor.h"

/* Copied by rsp_ota_update_metadata. */
typedef struct {
    const char *card;   /* actor name */
    RspSlice package;   /* of the operator's profile: its MNO-SD has the keys */
    guint8 key_version; /* 1 to 15 */
    guint8 tar[3];      /* of the MNO-SD */
    guint64 counter;    /* higher than the last; 40 bits */
    GBytes *update;     /* UpdateMetadataRequest, BF2A */
} RspOtaOrder;

typedef struct {
    const char *failure;       /* NULL; "noKeys", "timeout", "link", "statusWord", "badResponse" */
    guint sw;                  /* of the card to the terminal */
    const char *status;        /* response status: "ok", "counterLow" …; NULL on failure */
    gboolean secured;          /* the card proved that it is the one */
    guint executed, script_sw; /* commands carried out, status word of the last one */
} RspOtaReply;
typedef void (*RspOtaFunc) (const RspOtaReply *reply, gpointer data);

typedef struct _RspOta RspOta;
RspOta *rsp_ota_new (const RspActor *actor);
/* Transfers under way end with it, and are not told. */
void rsp_ota_free (RspOta *ota);

/* FUNC is called once, from the loop. */
void rsp_ota_update_metadata (RspOta *ota, const RspOtaOrder *order, RspOtaFunc func,
                              gpointer data);
