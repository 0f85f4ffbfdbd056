#include "sim/net/apdu.h"

#include "asn1/tlv.h"
#include "sim/net/apdu-sms.h"

#include <string.h>

#define MAX_RESPONSE (1u << 20)
#define MAX_GET_RESPONSE 8192
#define MAX_PROACTIVE 8                    /* commands that the card may give after one ES10 call */
#define APDU_TIMEOUT (10 * G_USEC_PER_SEC) /* below that of the ES10 call which waits for it */
#define LAST_CHANNEL 3

#define SW_OK 0x9000
#define SW_CHANNEL_CLOSED 0x6881
#define SW_CLASS_UNKNOWN 0x6E00
#define SW_NO_CHANNEL_LEFT 0x6A81

typedef enum {
    LINK_IDLE,
    LINK_TERMINAL_CAPABILITY,
    LINK_TERMINAL_PROFILE,
    LINK_OPEN,
    LINK_CLOSE, /* channels left over from answers that were lost */
    LINK_SELECT,
    LINK_NESTED,     /* the bus looks at an ES8+ segment */
    LINK_STORE_DATA, /* and GET RESPONSE */
    LINK_FETCH,      /* a proactive command, after the answer */
    LINK_TERMINAL_RESPONSE,
} LinkState;

typedef struct {
    RspCall *call;
    guint64 cause;
} Job;

struct _RspApduLink {
    RspBus *bus;
    char *card;
    gsize segment_size;

    LinkState state;
    guint8 channel; /* 0: none */
    gboolean selected, told_capability, told_profile;
    guint8 closing;

    char *inside; /* (nullable) whose ES10 calls do not go by APDUs */
    RspInsideFunc inside_func;
    gpointer inside_data;

    GQueue jobs;
    Job job; /* the one being served */
    gboolean opened_for_job, swept_channels;
    GPtrArray *chains; /* of GBytes: one STORE DATA chain each */
    GArray *functions; /* of guint, with a package only */
    guint chain;
    GBytes *segment;   /* what of the chain goes out, faults applied */
    GBytes *held_head; /* what stands in front of an ES8+ message that is held back */
    gboolean extra;    /* a replayed or held message goes out, between the chains */
    guint copies;      /* of it, still to go */
    gsize offset;
    guint block;

    GByteArray *response;
    GBytes *answer; /* to the ES10 call, while proactive commands are dealt with */
    guint proactive;
    LinkState unfinished; /* a proactive command whose APDU was lost: taken up with the next call */
    guint8 fetch_length;
    guint8 terminal_response[12];
    guint get_responses;
    guint8 command[5]; /* header of the APDU under way */
    gboolean bare;     /* it has no data, so 6Cxx may correct its length */
    gboolean repeated;
};

static void link_next_job (RspApduLink *link);
static void link_step (RspApduLink *link);

/* Octets of a chain in front of the ES8+ message that it carries: the headers of BF36, A0, A2. */
static gsize
nested_offset (GBytes *chain, guint function)
{
    RspSlice s = rsp_slice_of (chain);
    gsize tag = function == RSP_FN_ES8P_INITIALISE_SECURE_CHANNEL ? 2 : 1;
    if (function == RSP_FN_ES8P_STORE_METADATA || function == RSP_FN_ES8P_LOAD_PROFILE_ELEMENTS)
        return 0;
    return tag + 1 + (s.data[tag] & 0x80 ? s.data[tag] & 0x7F : 0);
}

static guint
chain_function (const RspApduLink *link)
{
    return link->functions ? g_array_index (link->functions, guint, link->chain) : RSP_FN_COUNT;
}

/* The call being served --------------------------------------------------------------------- */

static void
job_clear (RspApduLink *link)
{
    g_clear_pointer (&link->chains, g_ptr_array_unref);
    g_clear_pointer (&link->functions, g_array_unref);
    g_clear_pointer (&link->segment, g_bytes_unref);
    g_clear_pointer (&link->held_head, g_bytes_unref);
    link->extra = FALSE;
    g_clear_pointer (&link->answer, g_bytes_unref);
    g_byte_array_set_size (link->response, 0);
    link->job = (Job){0};
    link->state = LINK_IDLE;
}

static void
job_reply (RspApduLink *link, guint sw)
{
    RspCall *call = link->job.call;
    g_autoptr (GBytes) body = g_steal_pointer (&link->answer);
    if (!body) {
        body = g_byte_array_free_to_bytes (link->response);
        link->response = g_byte_array_new ();
    }
    job_clear (link);
    rsp_call_reply (call, &(RspOutcome){.sw = sw}, body);
    link_next_job (link);
}

static void
job_fail (RspApduLink *link, RspReplyKind kind)
{
    RspCall *call = link->job.call;
    if (link->state == LINK_FETCH || link->state == LINK_TERMINAL_RESPONSE)
        link->unfinished = link->state;
    job_clear (link);
    rsp_call_fail (call, kind == RSP_REPLY_TIMEOUT ? RSP_REPLY_TIMEOUT : RSP_REPLY_LINK);
    link_next_job (link);
}

/* APDUs ------------------------------------------------------------------------------------- */

/* What the link sends for a call is caused by that call, not by the answer before. */
static guint64
enter (RspApduLink *link)
{
    RspTrace *trace = rsp_bus_trace (link->bus);
    return trace ? rsp_trace_set_cause (trace, link->job.cause) : 0;
}

static void
leave (RspApduLink *link, guint64 before)
{
    RspTrace *trace = rsp_bus_trace (link->bus);
    if (trace)
        rsp_trace_set_cause (trace, before);
}

static void on_apdu (const RspReply *reply, gpointer data);
static void on_nested (RspReplyKind kind, GBytes *segment, guint copies, gpointer data);

static void
transmit (RspApduLink *link, guint8 cla, guint8 ins, guint8 p1, guint8 p2, guint8 p3, RspSlice data)
{
    guint8 apdu[5 + 255] = {cla, ins, p1, p2, p3};
    g_assert (data.len <= 255);
    if (data.len > 0)
        memcpy (apdu + 5, data.data, data.len);
    memcpy (link->command, apdu, sizeof link->command);
    link->bare = data.len == 0;

    g_autoptr (GBytes) body = g_bytes_new (apdu, 5 + data.len);
    guint64 before = enter (link);
    rsp_bus_call (link->bus, rsp_call_src (link->job.call), link->card,
                  rsp_function (RSP_FN_APDU_TRANSMIT), body,
                  &(RspCallOptions){.timeout = APDU_TIMEOUT}, on_apdu, link);
    leave (link, before);
}

static void
transmit_block (RspApduLink *link)
{
    RspSlice chain = rsp_slice_of (link->segment);
    gsize n = MIN (chain.len - link->offset, link->segment_size);
    gboolean last = link->offset + n == chain.len;
    RspSlice data = RSP_SLICE (chain.data + link->offset, n);
    link->offset += n;
    transmit (link, 0x80 | link->channel, 0xE2, last ? 0x91 : 0x11, (guint8)link->block++,
              (guint8)n, data);
}

static void
transmit_terminal_capability (RspApduLink *link)
{
    /* LUId, LPDd and LDSd are in the device, or none of them. */
    guint8 lpad = link->inside ? 0x00 : 0x07;
    const guint8 capability[] = {0xA9, 0x08, 0x81, 0x00, 0x82, 0x01, 0x01, 0x83, 0x01, lpad};
    transmit (link, 0x80, 0xAA, 0x00, 0x00, sizeof capability, RSP_SLICE_ARRAY (capability));
}

static void
transmit_terminal_profile (RspApduLink *link)
{
    /* Profile download; proactive UICC: REFRESH (ETSI TS 102 223 5.2). */
    static const guint8 profile[] = {0x01, 0x00, 0x80};
    transmit (link, 0x80, 0x10, 0x00, 0x00, sizeof profile, RSP_SLICE_ARRAY (profile));
}

static void
transmit_select (RspApduLink *link)
{
    static const guint8 isdr[] = {0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF,
                                  0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00};
    transmit (link, link->channel, 0xA4, 0x04, 0x00, sizeof isdr, RSP_SLICE_ARRAY (isdr));
}

/* The device activates the LPA in the eUICC, by the ISD-R as anybody; what that LPA says then does
 * not come out of the card. */
static gboolean
job_is_inside (const RspApduLink *link)
{
    return link->inside && strcmp (rsp_call_src (link->job.call), link->inside) == 0 &&
           rsp_call_function (link->job.call)->id != RSP_FN_ES10B_LPAE_ACTIVATION;
}

/* A short message from the network, not an ES10 command for the ISD-R. */
static gboolean
job_is_message (const RspApduLink *link)
{
    return rsp_call_function (link->job.call)->interface == RSP_IF_ES6;
}

static void
transmit_envelope (RspApduLink *link)
{
    RspSlice data = rsp_slice_of (link->segment);
    link->state = LINK_STORE_DATA;
    link->offset = data.len;
    transmit (link, 0x80, 0xC2, 0x00, 0x00, (guint8)data.len, data);
}

static void store_data_done (RspApduLink *link, guint sw);

static void
pass_inside (RspApduLink *link)
{
    RspSlice chain = rsp_slice_of (link->segment);
    link->state = LINK_STORE_DATA;
    link->offset = chain.len;
    guint64 before = enter (link);
    guint sw = link->inside_func (chain, link->response, link->inside_data);
    leave (link, before);
    store_data_done (link, sw);
}

static void
transmit_proactive (RspApduLink *link, LinkState state)
{
    g_byte_array_set_size (link->response, 0);
    link->state = state;
    link->unfinished = LINK_IDLE;
    if (state == LINK_FETCH)
        transmit (link, 0x80, 0x12, 0x00, 0x00, link->fetch_length, RSP_SLICE (NULL, 0));
    else
        transmit (link, 0x80, 0x14, 0x00, 0x00, sizeof link->terminal_response,
                  RSP_SLICE_ARRAY (link->terminal_response));
}

/* An ES8+ message behind those of the package's own order. */
static void
send_extra (RspApduLink *link, GBytes *head, GBytes *message)
{
    GByteArray *out = g_byte_array_new ();
    RspSlice parts[] = {rsp_slice_of (head), rsp_slice_of (message)};
    for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        if (parts[i].len > 0)
            g_byte_array_append (out, parts[i].data, (guint)parts[i].len);
    g_clear_pointer (&link->segment, g_bytes_unref);
    link->segment = g_byte_array_free_to_bytes (out);
    link->copies = 1;
    link->extra = TRUE;
    link_step (link);
}

static gboolean
send_held (RspApduLink *link)
{
    g_autoptr (GBytes) held = rsp_bus_nested_release (link->bus, link->job.call);
    g_autoptr (GBytes) head = held ? g_steal_pointer (&link->held_head) : NULL;
    if (held)
        send_extra (link, head, held);
    return held != NULL;
}

static void
start_chain (RspApduLink *link)
{
    g_clear_pointer (&link->segment, g_bytes_unref);
    if (link->chain == link->chains->len && send_held (link))
        return;
    if (link->chain == link->chains->len) {
        job_reply (link, SW_OK);
        return;
    }
    GBytes *chain = g_ptr_array_index (link->chains, link->chain);
    guint function = chain_function (link);
    if (function == RSP_FN_COUNT) {
        link->segment = g_bytes_ref (chain);
        link->copies = 1;
        link_step (link);
        return;
    }
    gsize head = nested_offset (chain, function);
    g_autoptr (GBytes) message =
        g_bytes_new_from_bytes (chain, head, g_bytes_get_size (chain) - head);
    guint64 before = enter (link);
    link->state = LINK_NESTED;
    rsp_bus_nested_sent (link->bus, link->job.call, rsp_function (function), message, on_nested,
                         link);
    leave (link, before);
}

/* Starts the next thing that the session or the call needs. */
static void
link_step (RspApduLink *link)
{
    g_byte_array_set_size (link->response, 0);
    link->get_responses = 0;
    link->repeated = FALSE;
    if (!link->told_capability) {
        link->state = LINK_TERMINAL_CAPABILITY;
        transmit_terminal_capability (link);
    } else if (!link->told_profile) {
        link->state = LINK_TERMINAL_PROFILE;
        transmit_terminal_profile (link);
    } else if (job_is_inside (link)) {
        if (link->segment)
            pass_inside (link);
        else
            start_chain (link);
    } else if (job_is_message (link)) {
        if (link->segment)
            transmit_envelope (link);
        else
            start_chain (link);
    } else if (link->closing) {
        link->state = LINK_CLOSE;
        transmit (link, 0x00, 0x70, 0x80, link->closing, 0, RSP_SLICE (NULL, 0));
    } else if (!link->channel) {
        link->state = LINK_OPEN;
        transmit (link, 0x00, 0x70, 0x00, 0x00, 1, RSP_SLICE (NULL, 0));
    } else if (!link->selected) {
        link->state = LINK_SELECT;
        transmit_select (link);
    } else if (link->unfinished != LINK_IDLE) {
        transmit_proactive (link, link->unfinished);
    } else if (!link->segment) {
        start_chain (link);
    } else {
        link->state = LINK_STORE_DATA;
        link->offset = 0;
        link->block = 0;
        transmit_block (link);
    }
}

static void
on_nested (RspReplyKind kind, GBytes *segment, guint copies, gpointer data)
{
    RspApduLink *link = data;
    g_assert (link->state == LINK_NESTED);
    if (kind != RSP_REPLY_OK) {
        job_fail (link, kind);
        return;
    }
    GBytes *chain = g_ptr_array_index (link->chains, link->chain);
    gsize head = nested_offset (chain, chain_function (link));
    if (copies == RSP_NESTED_HELD)
        link->held_head = g_bytes_new_from_bytes (chain, 0, head);
    if (copies == 0 || copies == RSP_NESTED_HELD) {
        link->chain++;
        link_step (link);
        return;
    }
    RspSlice sent = rsp_slice_of (segment), whole = rsp_slice_of (chain);
    if (sent.data == whole.data + head && sent.len == whole.len - head) {
        link->segment = g_bytes_ref (chain);
    } else {
        GByteArray *changed = g_byte_array_sized_new (head + sent.len);
        g_byte_array_append (changed, whole.data, head);
        g_byte_array_append (changed, sent.data, sent.len);
        link->segment = g_byte_array_free_to_bytes (changed);
    }
    link->copies = copies;
    link_step (link);
}

/* Answers ----------------------------------------------------------------------------------- */

static gboolean
sw_ok (guint sw)
{
    return sw >> 8 == 0x90 || sw >> 8 == 0x91;
}

/* The card was reset since the channel was opened, and has lost nothing of this call yet. */
static gboolean
channel_is_gone (RspApduLink *link, guint sw)
{
    return !job_is_inside (link) && !job_is_message (link) &&
           (sw == SW_CHANNEL_CLOSED || sw == SW_CLASS_UNKNOWN) && !link->opened_for_job &&
           link->chain == 0 && link->block <= 1;
}

static void
reopen (RspApduLink *link)
{
    link->channel = 0;
    link->selected = FALSE;
    link->told_capability = link->told_profile = FALSE;
    link->opened_for_job = TRUE;
    link_step (link);
}

/* Proactive commands: SGP.22 3.2 rests on REFRESH. -------------------------------------------- */

static void
proactive_done (RspApduLink *link)
{
    if (link->answer)
        job_reply (link, SW_OK);
    else
        link_step (link);
}

static void
fetch (RspApduLink *link, guint sw)
{
    if (sw >> 8 != 0x91 || link->proactive++ == MAX_PROACTIVE) {
        proactive_done (link);
        return;
    }
    link->fetch_length = sw & 0xFF;
    transmit_proactive (link, LINK_FETCH);
}

/* The call is answered; what the card wants of the terminal comes before the caller goes on. */
static void
job_answer (RspApduLink *link, guint sw)
{
    if (sw >> 8 != 0x91) {
        job_reply (link, sw);
        return;
    }
    link->answer = g_byte_array_free_to_bytes (link->response);
    link->response = g_byte_array_new ();
    fetch (link, sw);
}

static void
fetch_done (RspApduLink *link, guint sw)
{
    enum { TYPE_REFRESH = 0x01, DONE = 0x00, BEYOND_CAPABILITIES = 0x30 };
    RspTlv command, details;
    RspSlice data = RSP_SLICE (link->response->data, link->response->len);
    if (!sw_ok (sw) || !rsp_tlv_single (data, 0xD0, &command) ||
        rsp_tlv_next (&command.value, &details) != RSP_TLV_OK || (details.tag & 0x7F) != 0x01 ||
        details.value.len != 3) {
        proactive_done (link);
        return;
    }
    const guint8 *d = details.value.data;
    guint8 result = d[1] == TYPE_REFRESH ? DONE : BEYOND_CAPABILITIES;
    const guint8 response[] = {0x81, 0x03, d[0], d[1], d[2], 0x82,
                               0x02, 0x82, 0x81, 0x83, 0x01, result};
    memcpy (link->terminal_response, response, sizeof response);
    transmit_proactive (link, LINK_TERMINAL_RESPONSE);
}

static void
store_data_done (RspApduLink *link, guint sw)
{
    gboolean nested = link->extra || chain_function (link) != RSP_FN_COUNT;
    g_autoptr (GBytes) replay = NULL;
    if (!sw_ok (sw) && channel_is_gone (link, sw)) {
        reopen (link);
        return;
    }
    if (sw_ok (sw) && link->offset < g_bytes_get_size (link->segment)) {
        transmit_block (link);
        return;
    }
    if (nested)
        replay = rsp_bus_nested_done (link->bus, link->job.call, &(RspOutcome){.sw = sw});
    if (!sw_ok (sw) || link->response->len > 0) {
        job_answer (link, sw);
        return;
    }
    if (--link->copies > 0) {
        link_step (link);
        return;
    }
    if (!link->extra)
        link->chain++;
    link->extra = FALSE;
    g_clear_pointer (&link->segment, g_bytes_unref);
    if (replay)
        send_extra (link, NULL, replay);
    else if (!nested || !send_held (link))
        link_step (link);
}

static void
open_done (RspApduLink *link, guint sw)
{
    if (sw == SW_NO_CHANNEL_LEFT && !link->swept_channels) {
        link->swept_channels = TRUE;
        link->closing = 1;
        link_step (link);
        return;
    }
    guint8 channel = link->response->len == 1 ? link->response->data[0] : 0;
    g_byte_array_set_size (link->response, 0);
    if (!sw_ok (sw)) {
        job_reply (link, sw);
    } else if (channel < 1 || channel > LAST_CHANNEL) {
        job_fail (link, RSP_REPLY_LINK);
    } else {
        link->channel = channel;
        link->opened_for_job = TRUE;
        link_step (link);
    }
}

static void
apdu_done (RspApduLink *link, guint sw)
{
    switch (link->state) {
    case LINK_TERMINAL_CAPABILITY: /* a card that does not know it works all the same */
        link->told_capability = TRUE;
        link_step (link);
        break;
    case LINK_TERMINAL_PROFILE:
        link->told_profile = TRUE;
        link_step (link);
        break;
    case LINK_CLOSE:
        link->closing = link->closing < LAST_CHANNEL ? link->closing + 1 : 0;
        link_step (link);
        break;
    case LINK_OPEN:
        open_done (link, sw);
        break;
    case LINK_SELECT:
        g_byte_array_set_size (link->response, 0);
        link->selected = sw_ok (sw);
        if (link->selected)
            link_step (link);
        else if (channel_is_gone (link, sw))
            reopen (link);
        else
            job_reply (link, sw);
        break;
    case LINK_STORE_DATA:
        store_data_done (link, sw);
        break;
    case LINK_FETCH:
        fetch_done (link, sw);
        break;
    case LINK_TERMINAL_RESPONSE:
        fetch (link, sw);
        break;
    case LINK_IDLE:
    case LINK_NESTED:
        g_assert_not_reached ();
    }
}

static void
on_apdu (const RspReply *reply, gpointer data)
{
    RspApduLink *link = data;
    if (reply->kind != RSP_REPLY_OK) {
        job_fail (link, reply->kind);
        return;
    }
    RspSlice body = rsp_slice_of (reply->body);
    if (body.len < 2 || body.len > 256 + 2) {
        job_fail (link, RSP_REPLY_LINK);
        return;
    }
    body.len -= 2;
    guint sw = (guint)body.data[body.len] << 8 | body.data[body.len + 1];
    if (sw >> 8 == 0x6C && link->bare && !link->repeated) {
        link->repeated = TRUE;
        transmit (link, link->command[0], link->command[1], link->command[2], link->command[3],
                  sw & 0xFF, RSP_SLICE (NULL, 0));
        return;
    }
    if (link->response->len + body.len > MAX_RESPONSE) {
        job_fail (link, RSP_REPLY_LINK);
        return;
    }
    if (body.len > 0)
        g_byte_array_append (link->response, body.data, body.len);
    if (sw >> 8 != 0x61) {
        apdu_done (link, sw);
        return;
    }
    if (++link->get_responses > MAX_GET_RESPONSE) {
        job_fail (link, RSP_REPLY_LINK);
        return;
    }
    link->repeated = FALSE;
    transmit (link, link->command[0], 0xC0, 0x00, 0x00, sw & 0xFF, RSP_SLICE (NULL, 0));
}

/* Calls ------------------------------------------------------------------------------------- */

static void
link_next_job (RspApduLink *link)
{
    Job *next = link->job.call ? NULL : g_queue_pop_head (&link->jobs);
    if (!next)
        return;
    link->job = *next;
    g_free (next);

    GBytes *body = rsp_call_body (link->job.call);
    link->chain = 0;
    link->block = 0;
    link->proactive = 0;
    link->opened_for_job = FALSE;
    link->swept_channels = FALSE;
    if (rsp_call_function (link->job.call)->id == RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE) {
        link->chains = rsp_bpp_segments (body, &link->functions);
    } else if (job_is_message (link)) {
        link->chains = rsp_sms_envelopes (rsp_slice_of (body));
        if (!link->chains) {
            job_fail (link, RSP_REPLY_LINK);
            return;
        }
    } else {
        link->chains = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
        g_ptr_array_add (link->chains, g_bytes_ref (body));
    }
    link_step (link);
}

static void
on_call (RspCall *call, gpointer data)
{
    RspApduLink *link = data;
    RspTrace *trace = rsp_bus_trace (link->bus);
    Job job = {.call = call, .cause = trace ? rsp_trace_cause (trace) : 0};
    g_queue_push_tail (&link->jobs, g_memdup2 (&job, sizeof job));
    link_next_job (link);
}

RspApduLink *
rsp_apdu_link_new (RspBus *bus, const char *card, guint segment_size)
{
    RspApduLink *link = g_new0 (RspApduLink, 1);
    link->bus = bus;
    link->card = g_strdup (card);
    link->segment_size = segment_size == 0 || segment_size > 255 ? 255 : segment_size;
    link->response = g_byte_array_new ();
    g_queue_init (&link->jobs);
    rsp_bus_attach_card (bus, card, on_call, link);
    return link;
}

void
rsp_apdu_link_set_inside (RspApduLink *link, const char *src, RspInsideFunc func, gpointer data)
{
    link->inside = g_strdup (src);
    link->inside_func = func;
    link->inside_data = data;
}

void
rsp_apdu_link_free (RspApduLink *link)
{
    if (!link)
        return;
    rsp_bus_detach_card (link->bus, link->card);
    if (link->job.call)
        rsp_call_abandon (link->job.call);
    Job *job;
    while ((job = g_queue_pop_head (&link->jobs))) {
        rsp_call_abandon (job->call);
        g_free (job);
    }
    job_clear (link);
    g_byte_array_unref (link->response);
    g_free (link->inside);
    g_free (link->card);
    g_free (link);
}
