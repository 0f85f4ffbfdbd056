/* See serve-eim.c. */
#pragma once

#include "sim/run/world-private.h"

#include <jansson.h>

/* Borrowed for the door's life. */
typedef struct {
    RspWorld *world;
    RspWorldActor *actor;
    guint port; /* of ESipa */
} RspServedEim;

/* A RspManageFunc; DATA is an RspServedEim. */
guint rsp_manage_eim (const char *method, const char *path, GBytes *body, GBytes **ret_body,
                      char **ret_location, gpointer data);
/* AddInitialEimRequest. (transfer full) */
GBytes *rsp_served_eim_initial (const RspServedEim *s);
/* Orders what BODY, JSON with the keys of an `eim` step, says; the packages' numbers go to IDS,
 * those before a failure, too. */
gboolean rsp_manage_order (const RspServedEim *s, GBytes *body, json_t *ids, GError **error);
