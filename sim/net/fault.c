#include "sim/net/fault-private.h"

#include <string.h>

static const char *const action_names[] = {
    [RSP_FAULT_DROP] = "drop",
    [RSP_FAULT_DELAY] = "delay",
    [RSP_FAULT_DUPLICATE] = "duplicate",
    [RSP_FAULT_REORDER] = "reorder",
    [RSP_FAULT_REPLAY] = "replay",
    [RSP_FAULT_CORRUPT] = "corrupt",
    [RSP_FAULT_REPLACE] = "replace",
    [RSP_FAULT_CUT_LINK] = "cut-link",
    [RSP_FAULT_HTTP_STATUS] = "http-status",
    [RSP_FAULT_STATUS_WORD] = "status-word",
    [RSP_FAULT_POWER_LOSS] = "power-loss",
    [RSP_FAULT_WRITE_ERROR] = "write-error",
    [RSP_FAULT_CRASH] = "crash",
};

const char *
rsp_fault_action_name (RspFaultAction a)
{
    return action_names[a];
}

gboolean
rsp_fault_action_parse (const char *name, RspFaultAction *ret)
{
    for (guint i = 0; name && i < G_N_ELEMENTS (action_names); i++)
        if (strcmp (action_names[i], name) == 0) {
            *ret = (RspFaultAction)i;
            return TRUE;
        }
    return FALSE;
}

static const char *const point_names[] = {
    [RSP_POINT_BEFORE_COMMIT] = "before-commit",
    [RSP_POINT_AFTER_COMMIT] = "after-commit",
};

const char *
rsp_fault_point_name (RspFaultPoint point)
{
    return point_names[point];
}

gboolean
rsp_fault_point_parse (const char *name, RspFaultPoint *ret)
{
    for (guint i = RSP_POINT_BEFORE_COMMIT; i < G_N_ELEMENTS (point_names); i++)
        if (strcmp (point_names[i], name) == 0) {
            *ret = (RspFaultPoint)i;
            return TRUE;
        }
    return FALSE;
}

void
rsp_fault_free (RspFault *fault)
{
    if (!fault)
        return;
    g_free (fault->name);
    g_free (fault->from);
    g_free (fault->to);
    g_free (fault->at);
    g_free (fault->field);
    g_free (fault->text);
    g_clear_pointer (&fault->value, g_bytes_unref);
    g_clear_pointer (&fault->apdu, g_bytes_unref);
    g_clear_pointer (&fault->calls, g_array_unref);
    g_free (fault);
}

static void
seen_free (gpointer data)
{
    RspSeen *seen = data;
    g_clear_pointer (&seen->euicc_signature1, g_bytes_unref);
    g_clear_pointer (&seen->smdp_signature2, g_bytes_unref);
    g_clear_pointer (&seen->association_token, g_bytes_unref);
    g_clear_pointer (&seen->euicc_otpk, g_bytes_unref);
    g_free (seen->server);
    g_free (seen->card);
    g_free (seen);
}

RspFaults *
rsp_faults_new (RspRng *rng)
{
    RspFaults *faults = g_new0 (RspFaults, 1);
    faults->rng = rng;
    faults->all = g_ptr_array_new_with_free_func ((GDestroyNotify)rsp_fault_free);
    faults->at_points = g_ptr_array_new ();
    faults->visits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    faults->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    faults->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, seen_free);
    return faults;
}

void
rsp_faults_free (RspFaults *faults)
{
    if (!faults)
        return;
    for (guint i = 0; i < RSP_FN_COUNT; i++) {
        g_clear_pointer (&faults->by_function[i], g_ptr_array_unref);
        g_clear_pointer (&faults->earlier[i][0], g_bytes_unref);
        g_clear_pointer (&faults->earlier[i][1], g_bytes_unref);
    }
    g_ptr_array_unref (faults->at_points);
    g_hash_table_unref (faults->visits);
    g_hash_table_unref (faults->keys);
    g_hash_table_unref (faults->seen);
    g_ptr_array_unref (faults->all);
    rsp_rng_free (faults->rng);
    g_free (faults);
}

/* Where the inputs of later signatures, and who takes part, are seen. */
static void
watch_signatures (RspFaults *faults)
{
    static const RspFunctionId watched[] = {
        RSP_FN_ES9P_INITIATE_AUTHENTICATION,   RSP_FN_ES9P_AUTHENTICATE_CLIENT,
        RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, RSP_FN_ES10B_AUTHENTICATE_SERVER,
        RSP_FN_ES10B_PREPARE_DOWNLOAD,         RSP_FN_ES10B_GET_EUICC_CHALLENGE,
    };
    faults->resigns = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS (watched); i++)
        faults->concerns[watched[i]] = TRUE;
}

void
rsp_faults_add (RspFaults *faults, RspFault *fault)
{
    g_ptr_array_add (faults->all, fault);
    if (fault->point != RSP_POINT_MESSAGE) {
        g_ptr_array_add (faults->at_points, fault);
        return;
    }
    for (guint i = 0; i < RSP_FN_COUNT; i++) {
        if (fault->function && fault->function->id != i)
            continue;
        if (!faults->by_function[i])
            faults->by_function[i] = g_ptr_array_new ();
        g_ptr_array_add (faults->by_function[i], fault);
        faults->concerns[i] = TRUE;
        if (fault->action == RSP_FAULT_REPLAY)
            faults->replays[i] = TRUE;
    }
    if (fault->resign)
        watch_signatures (faults);
}

void
rsp_faults_add_key (RspFaults *faults, const char *actor, const char *purpose, RspKey *key)
{
    g_hash_table_replace (faults->keys, g_strdup_printf ("%s %s", purpose, actor), key);
}

GPtrArray *
rsp_faults_unfired (RspFaults *faults)
{
    GPtrArray *unfired = g_ptr_array_new ();
    for (guint i = 0; i < faults->all->len; i++) {
        RspFault *fault = g_ptr_array_index (faults->all, i);
        if (fault->fired == 0)
            g_ptr_array_add (unfired, fault);
    }
    return unfired;
}

gboolean
rsp_faults_concern (const RspFaults *faults, const RspFunction *fn)
{
    return faults->concerns[fn->id] || faults->watch;
}

gboolean
rsp_fault_applies (RspFaultAction action, const RspFunction *fn, RspLeg leg)
{
    gboolean http = fn->binding == RSP_BINDING_HTTP;
    if (action == RSP_FAULT_HTTP_STATUS || action == RSP_FAULT_STATUS_WORD)
        return leg == RSP_LEG_RESPONSE && http == (action == RSP_FAULT_HTTP_STATUS);
    return action != RSP_FAULT_WRITE_ERROR;
}

void
rsp_faults_watch (RspFaults *faults, RspFaultWatch watch, gpointer data)
{
    faults->watch = watch;
    faults->watch_data = data;
}

void
rsp_faults_pass (const RspFaults *faults, const RspFaultMessage *message, GBytes *body)
{
    if (faults->watch)
        faults->watch (&(RspFaultChance){.message = message, .size = g_bytes_get_size (body)},
                       faults->watch_data);
}

static gboolean
leg_matches (const RspFault *fault, RspLeg leg)
{
    if (fault->action == RSP_FAULT_HTTP_STATUS || fault->action == RSP_FAULT_STATUS_WORD)
        return leg == RSP_LEG_RESPONSE;
    return fault->any_leg || fault->leg == leg;
}

/* WANT: nobody in particular, a name, or the beginning of one and an asterisk. */
static gboolean
peer_matches (const char *want, const char *name)
{
    gsize length = want ? strlen (want) : 0;
    if (length && want[length - 1] == '*')
        return strncmp (want, name, length - 1) == 0;
    return !want || strcmp (want, name) == 0;
}

/* The call that MESSAGE, a request, begins is one that the fault counts. */
static gboolean
counts (const RspFault *fault, const RspFaultMessage *message)
{
    RspSlice wanted = rsp_slice_of (fault->apdu), command = message->request;
    gboolean there =
        peer_matches (fault->from, message->src) && peer_matches (fault->to, message->dst);
    gboolean back =
        peer_matches (fault->to, message->src) && peer_matches (fault->from, message->dst);
    gboolean request = leg_matches (fault, RSP_LEG_REQUEST);
    return command.len >= wanted.len &&
           rsp_slice_equal (RSP_SLICE (command.data, wanted.len), wanted) &&
           ((request && there) || (leg_matches (fault, RSP_LEG_RESPONSE) && back));
}

/* The number of the call among those that FAULT counts; 0: it is none of them. */
static guint64
number_of (RspFault *fault, const RspFaultMessage *message)
{
    if (!fault->apdu && !fault->from && !fault->to)
        return fault->function ? message->nth : message->ordinal;
    if (!fault->calls)
        fault->calls = g_array_new (FALSE, FALSE, sizeof (guint64));
    for (guint i = fault->calls->len; i-- > 0;)
        if (g_array_index (fault->calls, guint64, i) == message->ordinal)
            return i + 1;
    if (message->leg != RSP_LEG_REQUEST || !counts (fault, message))
        return 0;
    g_array_append_val (fault->calls, message->ordinal);
    return fault->calls->len;
}

static gboolean
fault_matches (RspFaults *faults, RspFault *fault, const RspFaultMessage *message)
{
    gboolean numbered = fault->apdu || fault->nth || fault->every;
    guint64 number = numbered ? number_of (fault, message) : 1;
    if (number == 0 || !leg_matches (fault, message->leg) ||
        !peer_matches (fault->from, message->src) || !peer_matches (fault->to, message->dst) ||
        (fault->nth && number != fault->nth) || (fault->every && number % fault->every != 0))
        return FALSE;
    if (fault->action != RSP_FAULT_DUPLICATE && fault->count && fault->fired >= fault->count)
        return FALSE;
    /* Drawn last, so that only messages that could be hit use up random numbers. */
    return fault->probability <= 0 ||
           rsp_rng_below (faults->rng, 1u << 30) < fault->probability * (1u << 30);
}

RspFault *
rsp_faults_at_point (RspFaults *faults, const char *actor, RspFaultPoint point)
{
    if (faults->at_points->len == 0 && !faults->watch)
        return NULL;
    char *key = g_strconcat (rsp_fault_point_name (point), " ", actor, NULL);
    guint visit = GPOINTER_TO_UINT (g_hash_table_lookup (faults->visits, key)) + 1;
    g_hash_table_replace (faults->visits, key, GUINT_TO_POINTER (visit));
    if (faults->watch)
        faults->watch (&(RspFaultChance){.actor = actor, .point = point, .visit = visit},
                       faults->watch_data);
    for (guint i = 0; i < faults->at_points->len; i++) {
        RspFault *fault = g_ptr_array_index (faults->at_points, i);
        if (fault->point != point || !peer_matches (fault->at, actor) ||
            (fault->nth && visit != fault->nth) || (fault->every && visit % fault->every != 0))
            continue;
        fault->fired++;
        return fault;
    }
    return NULL;
}

RspFault *
rsp_faults_match (RspFaults *faults, const RspFaultMessage *message, guint *position)
{
    const GPtrArray *candidates = faults->by_function[message->function->id];
    while (candidates && *position < candidates->len) {
        RspFault *fault = g_ptr_array_index (candidates, (*position)++);
        if (fault_matches (faults, fault, message))
            return fault;
    }
    return NULL;
}

GBytes *
rsp_faults_remember (RspFaults *faults, const RspFaultMessage *message, GBytes *body)
{
    guint id = message->function->id;
    if (!faults->replays[id])
        return NULL;
    GBytes *earlier = faults->earlier[id][message->leg];
    faults->earlier[id][message->leg] = g_bytes_ref (body);
    return earlier;
}
