/* An IPA and what its eIM, its card and who injects packages say. The first octet is its
 * configuration; then come answers, each behind its length in two octets, in the order in which
 * they are asked for: by eIM and card alike. Of length 0, or when there are no more, the answer is
 * a proper one; 8000 and above: none comes. */
#include "asn1/tlv.h"
#include "components/ipa/ipa.h"
#include "pytests/fuzz/fuzz.h"

#include <string.h>

typedef struct {
    RspLoop *loop;
    RspBus *bus;
    RspActor actor;
    RspSlice script;
} Stage;

typedef enum { PROPER, GIVEN, SILENT } Next;

static Next
next_answer (Stage *s, RspSlice *ret)
{
    if (s->script.len < 2)
        return PROPER;
    gsize n = (gsize)(s->script.data[0] << 8 | s->script.data[1]);
    gsize taken = MIN (n & 0x7FFF, s->script.len - 2);
    *ret = RSP_SLICE (s->script.data + 2, taken);
    s->script = RSP_SLICE (s->script.data + 2 + taken, s->script.len - 2 - taken);
    return n & 0x8000 ? SILENT : n ? GIVEN : PROPER;
}

static const struct {
    RspFunctionId function;
    const char *answer;
} proper[] = {
    {RSP_FN_ESIPA_GET_EIM_PACKAGE, "BF4F03020101"},
    {RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, "BF5006BF5303800101"},
    {RSP_FN_ES10C_GET_EID, "BF3E125A1089049032001234000000000000000141"},
    {RSP_FN_ES10B_GET_EIM_CONFIGURATION_DATA,
     "BF5541A03F301E800465696D31811065696D312E6578616D706C652E636F6D82010384010130"
     "1D800465696D32811065696D312E6578616D706C652E636F6D8201038900"},
    {RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, "BF2B02A000"},
    {RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, "BF3003800100"},
    {RSP_FN_ES10B_LOAD_EUICC_PACKAGE,
     "BF515FA05D3018800465696D318101018202010283010730068301008401005F374000010203"
     "0405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20212223242526272829"
     "2A2B2C2D2E2F303132333435363738393A3B3C3D3E3F"},
    {RSP_FN_ES10B_PROFILE_ROLLBACK, "BF5803020101"},
    {RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES, "BF3C0A80036470318103647331"},
    {RSP_FN_ES10B_GET_EUICC_INFO1, "BF2000"},
    {RSP_FN_ES10B_GET_CERTS, "BF5603810101"},
    {RSP_FN_ES10B_IMMEDIATE_ENABLE, "BF5A03800100"},
};

static void
serve (RspCall *call, gpointer data)
{
    Stage *s = data;
    const RspFunction *fn = rsp_call_function (call);
    gboolean http = fn->binding == RSP_BINDING_HTTP;
    RspOutcome outcome = {.http = http ? 200 : 0, .sw = http ? 0 : 0x9000};
    RspSlice given;
    g_autoptr (GBytes) body = NULL;
    switch (next_answer (s, &given)) {
    case SILENT:
        rsp_call_fail (call, RSP_REPLY_LINK);
        return;
    case GIVEN:
        body = rsp_slice_to_bytes (given);
        break;
    case PROPER:
        for (guint i = 0; i < G_N_ELEMENTS (proper); i++)
            if (proper[i].function == fn->id)
                body = rsp_unhex (proper[i].answer);
        if (!body && !http)
            outcome.sw = 0x6A88;
    }
    rsp_call_reply (call, &outcome, body);
}

static void
download (gpointer engine, const RspIpaDownload *d, RspIpaDownloadedFunc func, gpointer data)
{
    RspSlice given;
    Next next = next_answer (engine, &given);
    g_autoptr (GBytes) bytes = next == GIVEN ? rsp_slice_to_bytes (given) : NULL;
    gboolean trigger = bytes && d->smds;
    const RspIpaDownloaded outcome = {.step = "done",
                                      .error = next == SILENT ? "timeout" : NULL,
                                      .result = trigger ? NULL : bytes,
                                      .trigger = trigger ? bytes : NULL};
    func (&outcome, data);
}

static void
deliver (gpointer engine G_GNUC_UNUSED, RspIpaDeliveredFunc func, gpointer data)
{
    func (0, 0, data);
}

static void
ignore (const RspReply *reply G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

static Stage *
stage_new (void)
{
    Stage *s = g_new0 (Stage, 1);
    s->loop = rsp_loop_new (RSP_CLOCK_VIRTUAL, 0);
    s->bus = rsp_bus_new (s->loop, NULL, NULL);
    s->actor = (RspActor){.name = "dev", .loop = s->loop, .bus = s->bus};
    rsp_bus_attach_card (s->bus, "card", serve, s);
    rsp_bus_attach (s->bus, "eim", serve, s);
    rsp_bus_add_address (s->bus, "eim1.example.com", "eim");
    return s;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    static Stage *stage;
    if (!stage)
        stage = stage_new ();
    if (len < 1)
        return 0;
    RspSlice injected;
    const RspIpaConfig config = {.card = "card",
                                 .fqdn = "dev.example.com",
                                 .v10 = data[0] & 1,
                                 .indirect = (data[0] & 2) != 0,
                                 .immediate_enable = (data[0] & 4) != 0,
                                 .notify = (RspIpaNotify)((data[0] >> 3) % 3),
                                 .retries = data[0] >> 7,
                                 .downloader = {download, deliver, stage}};
    stage->script = RSP_SLICE (data + 1, len - 1);
    g_autoptr (RspIpa) ipa = rsp_ipa_new (&stage->actor, &config, NULL);
    rsp_ipa_poll (ipa, NULL, NULL);
    rsp_loop_run (stage->loop, NULL, NULL, -1);
    while (next_answer (stage, &injected) == GIVEN) {
        g_autoptr (GBytes) body = rsp_slice_to_bytes (injected);
        RspCallOptions options = {.asn1 = TRUE};
        rsp_bus_call (stage->bus, "eim", "dev.example.com",
                      rsp_function (RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE), body, &options, ignore,
                      NULL);
        rsp_loop_run (stage->loop, NULL, NULL, -1);
    }
    return 0;
}
