/* `ota`: the operator updates the metadata of its enabled profile over the air (ES6). */
#include "asn1/tlv.h"
#include "components/operator/ota.h"
#include "sim/run/language.h"
#include "sim/run/runner.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
} Pending;

static const RspWorldPackage *
package_of (const RspRun *run, const char *iccid)
{
    for (guint i = 0; i < run->world->packages->len; i++) {
        const RspWorldPackage *p = run->world->packages->pdata[i];
        if (strcmp (p->iccid, iccid) == 0)
            return p;
    }
    return NULL;
}

static void
put_icon (GByteArray *out, const RspYaml *icon)
{
    const RspYaml *png = rsp_yaml_get (icon, "png");
    const RspYaml *image = png ? png : rsp_yaml_get (icon, "jpg");
    g_autoptr (GBytes) octets = NULL;
    rsp_yaml_hex (image, &octets, NULL);
    rsp_tlv_put_int (out, 0x93, png ? 1 : 0);
    rsp_tlv_put (out, 0x94, rsp_slice_of (octets));
}

static void
put_rules (GByteArray *out, const RspYaml *list)
{
    static const char *const names[] = {"update-control", "ppr1", "ppr2"};
    guint8 value[2] = {0, 0};
    guint used = 0;
    for (guint i = 0; i < list->items->len; i++)
        for (guint b = 0; b < G_N_ELEMENTS (names); b++)
            if (strcmp (((const RspYaml *)list->items->pdata[i])->text, names[b]) == 0) {
                value[1] |= (guint8)(0x80 >> b);
                used = MAX (used, b + 1);
            }
    value[0] = used ? (guint8)(8 - used) : 0;
    rsp_tlv_put (out, 0x99, RSP_SLICE (value, used ? 2 : 1));
}

static GBytes *
update_of (RspRun *run, const RspYaml *step)
{
    GByteArray *out = g_byte_array_new ();
    g_autofree char *provider = rsp_run_text (run, rsp_yaml_get (step, "serviceProviderName"));
    g_autofree char *name = rsp_run_text (run, rsp_yaml_get (step, "profileName"));
    const RspYaml *icon = rsp_yaml_get (step, "icon"), *ppr = rsp_yaml_get (step, "ppr");
    gsize mark = rsp_tlv_open (out, 0xBF2A);
    if (provider)
        rsp_tlv_put_text (out, 0x91, provider);
    if (name)
        rsp_tlv_put_text (out, 0x92, name);
    if (icon)
        put_icon (out, icon);
    if (ppr)
        put_rules (out, ppr);
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

static void
on_reply (const RspOtaReply *reply, gpointer data)
{
    Pending *p = data;
    const RspYaml *expect = rsp_yaml_get (p->step, "expect");
    const RspYaml *failure = expect ? rsp_yaml_get (expect, "failure") : NULL;
    const RspYaml *status = expect ? rsp_yaml_get (expect, "status") : NULL;
    const RspYaml *sw = expect ? rsp_yaml_get (expect, "sw") : NULL;
    g_autofree char *word = g_strdup_printf ("%04X", reply->status ? reply->script_sw : reply->sw);
    p->run->step_done = TRUE;
    if (failure ? !rsp_run_match (p->run, failure, reply->failure)
                : reply->failure &&
                      !rsp_run_fail (p->run, p->step, "expected an answer, got %s", reply->failure))
        return;
    if (status)
        rsp_run_match (p->run, status, reply->status);
    else if (!failure && strcmp (reply->status, "ok") != 0)
        rsp_run_fail (p->run, p->step, "expected status ok, got %s", reply->status);
    if (sw)
        rsp_run_match (p->run, sw, word);
    else if (!failure && !status && strcmp (word, "9000") != 0)
        rsp_run_fail (p->run, p->step, "expected status word 9000, got %s", word);
}

void
rsp_step_ota (RspRun *run, const RspYaml *step)
{
    const RspWorldActor *op = rsp_world_actor (run->world, rsp_yaml_get (step, "at")->text);
    const RspYaml *iccid = rsp_yaml_get (step, "iccid");
    const RspWorldPackage *package = package_of (run, iccid->text);
    g_autoptr (GBytes) update = update_of (run, step), tar = NULL;
    const RspYaml *tar_node = rsp_yaml_get (step, "tar");
    gint64 version = 1, counter = rsp_loop_now (run->loop) / 1000 + 1;
    Pending pending = {.run = run, .step = step};
    rsp_yaml_opt_int (step, "key-version", 1, 15, &version, NULL);
    rsp_yaml_opt_int (step, "counter", 0, RSP_OTA_COUNTER_MAX, &counter, NULL);
    RspOtaOrder order = {.card = rsp_yaml_get (step, "to")->text,
                         .package = rsp_slice_of (package->package->upp),
                         .key_version = (guint8)version,
                         .tar = {0xB2, 0x01, 0x00},
                         .counter = (guint64)counter,
                         .update = update};
    if (tar_node && rsp_yaml_hex (tar_node, &tar, NULL))
        memcpy (order.tar, rsp_slice_of (tar).data, MIN (g_bytes_get_size (tar), 3));
    rsp_ota_update_metadata (rsp_operator_ota (op->op), &order, on_reply, &pending);
    rsp_run_wait (run, step);
}
