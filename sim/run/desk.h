/* Inside `rspsim lpa` and `rspsim ipa`: the desk at which a user sits, with a card, a bus, and a
 * way out to servers; and what both commands show of a card. */
#pragma once

#include "sim/net/apdu.h"
#include "sim/net/gateway.h"
#include "sim/run/world.h"

typedef struct {
    char *card, *state, *trace;
    char **ca, **places; /* NULL-terminated */
    gboolean json, insecure;
    gint timeout; /* s */
    gint64 seed;  /* -1: system randomness */
} RspDeskArgs;
void rsp_desk_args_clear (RspDeskArgs *args);
/* The options that both commands have. */
void rsp_desk_add_options (GOptionContext *context, RspDeskArgs *args);

typedef struct _RspCardProcess RspCardProcess;
typedef struct _RspCardReader RspCardReader;

typedef struct {
    const RspDeskArgs *args;
    RspLoop *loop;
    RspTrace *trace;
    RspScenario *scenario; /* sim: cards */
    RspWorld *world;
    RspBus *own_bus; /* of other cards */
    RspCardProcess *process;
    RspCardReader *reader;
    RspApduLink *link;
    RspBus *bus; /* the world's or one's own */
    char *card;  /* its name on the bus */
    GPtrArray *roots;
    RspGateway *gateway;
    RspActor actor; /* of the command: "lpa", "ipa" */
} RspDesk;

/* A command of `rspsim lpa` or `rspsim ipa`; RUN gets that command's own desk, gives the exit
 * status. */
typedef struct {
    const char *name, *arguments, *help;
    int least, most; /* arguments */
    int (*run) (gpointer desk, int argc, char **argv);
} RspDeskCommand;
/* For --help; the list ends with a NULL name. (transfer full) */
char *rsp_desk_list_commands (const RspDeskCommand *commands);
/* That of ARGV; NULL, with a word on standard error, if it makes no sense. PROGRAM: "lpa", "ipa".
 */
const RspDeskCommand *rsp_desk_find_command (const RspDeskCommand *commands, const char *program,
                                             int argc, char **argv);

/* NAME is the actor's and the command's. */
gboolean rsp_desk_open (RspDesk *desk, const char *name, const RspDeskArgs *args, GError **error);
void rsp_desk_close (RspDesk *desk); /* also after a failure of rsp_desk_open */
/* One ES10 call. NULL with ERROR set if the card did not answer with 9000. (transfer full) */
GBytes *rsp_desk_ask_card (RspDesk *desk, RspFunctionId function, const char *hex, GError **error);

/* desk-card.c: a card behind a program that speaks the stdio APDU protocol. COMMAND is split as
 * a shell would; the program ends with the process that is freed. */
RspCardProcess *rsp_card_process_new (RspBus *bus, RspLoop *loop, const char *name,
                                      const char *command, GError **error);
void rsp_card_process_free (RspCardProcess *process);

/* desk-reader.c: a card at PLACE ("HOST:PORT"), or, with WAITS, one that comes there. */
RspCardReader *rsp_card_reader_new (RspBus *bus, RspLoop *loop, const char *name, const char *place,
                                    gboolean waits, GError **error);
void rsp_card_reader_free (RspCardReader *reader);

/* desk-show.c: what the card says of itself; the exit status. */
int rsp_desk_show_info (RspDesk *desk);
int rsp_desk_show_notifications (RspDesk *desk);
int rsp_desk_show_profiles (const RspDesk *desk, const GPtrArray *profiles);
/* Why STEP failed with ERROR and, from a server, CODE (nullable), on one line. (transfer full) */
char *rsp_desk_explain (const RspDesk *desk, const char *step, const char *error, const char *code);
