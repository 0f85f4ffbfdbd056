/* See serve-eim.c. */
#pragma once

#include "sim/run/world-private.h"

/* Borrowed for the door's life. */
typedef struct {
    RspWorld *world;
    RspWorldActor *actor;
} RspServedEim;

/* A RspManageFunc; DATA is an RspServedEim. */
guint rsp_manage_eim (const char *method, const char *path, GBytes *body, GBytes **ret_body,
                      gpointer data);
