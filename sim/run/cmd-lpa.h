/* Inside `rspsim lpa`: the desk at which a user sits, with a card, a way out to servers, and the
 * LPA between them. */
#pragma once

#include "sim/net/apdu.h"
#include "sim/net/gateway.h"
#include "sim/run/world.h"

typedef struct {
    char *card, *state, *trace, *code, *imei, *address, *matching_id;
    char **ca, **places; /* NULL-terminated */
    gboolean yes, json, insecure, no_refresh, keep_notifications, lenient;
    gint timeout; /* s */
    gint64 seed;  /* -1: system randomness */
} RspLpaArgs;

typedef struct _RspCardProcess RspCardProcess;

typedef struct {
    const RspLpaArgs *args;
    RspLoop *loop;
    RspTrace *trace;
    RspScenario *scenario; /* sim: cards */
    RspWorld *world;
    RspBus *own_bus; /* of other cards */
    RspCardProcess *process;
    RspApduLink *link;
    RspBus *bus; /* the world's or one's own */
    char *card;  /* its name on the bus */
    GPtrArray *roots;
    RspGateway *gateway;
    RspActor actor;
    RspLpa *lpa;
} RspLpaDesk;

/* cmd-lpa-desk.c */
gboolean rsp_lpa_desk_open (RspLpaDesk *desk, const RspLpaArgs *args, GError **error);
void rsp_lpa_desk_close (RspLpaDesk *desk);
/* One ES10 call. NULL with ERROR set if the card did not answer with 9000. (transfer full) */
GBytes *rsp_lpa_desk_ask_card (RspLpaDesk *desk, RspFunctionId function, const char *hex,
                               GError **error);

/* cmd-lpa-card.c: a card behind a program that speaks the stdio APDU protocol. COMMAND is split as
 * a shell would; the program ends with the process that is freed. */
RspCardProcess *rsp_card_process_new (RspBus *bus, RspLoop *loop, const char *name,
                                      const char *command, GError **error);
void rsp_card_process_free (RspCardProcess *process);

/* cmd-lpa-show.c: what the card says of itself; the exit status. */
int rsp_lpa_show_info (RspLpaDesk *desk);
int rsp_lpa_show_notifications (RspLpaDesk *desk);
int rsp_lpa_show_profiles (const RspLpaDesk *desk, const GPtrArray *profiles);
