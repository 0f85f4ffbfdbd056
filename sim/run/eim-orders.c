#include "sim/run/eim-orders.h"

#include "sim/run/world-private.h"

#include <string.h>

typedef struct {
    RspRun *run; /* (nullable) */
    const RspWorld *world;
    RspEim *eim;
    const RspYaml *order;
    GPtrArray *texts; /* borrowed by operations until the end */
} Ordering;

static const char *
text (Ordering *q, const RspYaml *map, const char *key)
{
    char *value = q->run ? rsp_run_text (q->run, rsp_yaml_get (map, key))
                         : g_strdup (rsp_world_text (map, key, NULL));
    if (value)
        g_ptr_array_add (q->texts, value);
    return value;
}

/* --- operations --- */

static GBytes *
configuration (Ordering *q, const RspYaml *map, RspEimVerb verb)
{
    const RspYaml *hex = rsp_yaml_get (map, "configuration"), *name = rsp_yaml_get (map, "eim");
    if (hex)
        return rsp_unhex (hex->text);
    if (!name || (verb != RSP_EIM_ADD_EIM && verb != RSP_EIM_UPDATE_EIM))
        return NULL;
    return rsp_eim_configuration (rsp_world_actor (q->world, name->text)->eim,
                                  rsp_world_flag (map, "token", FALSE),
                                  rsp_world_number (map, "counter", 0));
}

static RspEimVerb
verb_of (const char *word)
{
    RspEimVerb verb = 0;
    while (verb < RSP_EIM_VERBS && strcmp (rsp_eim_verb_name (verb), word) != 0)
        verb++;
    return verb;
}

static GBytes *
octets (const RspYaml *map, const char *key)
{
    const RspYaml *hex = rsp_yaml_get (map, key);
    return hex ? rsp_unhex (hex->text) : NULL;
}

/* 1 + RspProfileClass; 0: none. */
static gint
class_of (const RspYaml *map)
{
    static const char *const classes[] = {"test", "provisioning", "operational"};
    const char *word = rsp_world_text (map, "class", "");
    for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
        if (strcmp (classes[i], word) == 0)
            return (gint)i + 1;
    return 0;
}

static void
operation_clear (RspEimOperation *operation)
{
    g_clear_pointer (&operation->configuration, g_bytes_unref);
    g_clear_pointer (&operation->tags, g_bytes_unref);
    g_clear_pointer (&operation->aid, g_bytes_unref);
}

static RspEimOperation
read_operation (Ordering *q, const RspYaml *map)
{
    RspEimVerb verb = verb_of (rsp_yaml_get (map, "do")->text);
    return (RspEimOperation){.verb = verb,
                             .iccid = text (q, map, "iccid"),
                             .rollback = rsp_world_flag (map, "rollback", FALSE),
                             .immediate = rsp_world_flag (map, "immediate", TRUE),
                             .oid = text (q, map, "oid"),
                             .address = text (q, map, "address"),
                             .eim_id = text (q, map, "eim-id"),
                             .configuration = configuration (q, map, verb),
                             .tags = octets (map, "tags"),
                             .aid = octets (map, "aid"),
                             .profile_class = class_of (map)};
}

static gint64
queue_operations (Ordering *q, const char *eid, GError **error)
{
    const RspYaml *list = rsp_yaml_get (q->order, "operations");
    guint n = list ? list->items->len : 1;
    g_autofree RspEimOperation *operations = g_new0 (RspEimOperation, n);
    for (guint i = 0; i < n; i++)
        operations[i] = read_operation (q, list ? list->items->pdata[i] : q->order);
    gint64 id = rsp_eim_queue_operations (q->eim, eid, operations, n, error);
    for (guint i = 0; i < n; i++)
        operation_clear (&operations[i]);
    return id;
}

/* --- other packages --- */

static gint64
queue_download (Ordering *q, const char *eid, GError **error)
{
    RspEimDownload d = {.activation_code = text (q, q->order, "activationCode"),
                        .confirmation_code = text (q, q->order, "confirmationCode"),
                        .smds_address = text (q, q->order, "smdsAddress"),
                        .iccid = text (q, q->order, "iccid"),
                        .bare = rsp_world_flag (q->order, "bare", FALSE)};
    d.smds = d.smds_address || rsp_world_flag (q->order, "smds", FALSE);
    return rsp_eim_queue_download (q->eim, eid, &d, error);
}

static gint64
queue_data_request (Ordering *q, const char *eid, GError **error)
{
    static const guint8 standard[] = {0xA5, 0xA6, 0xBF, 0x20}; /* both certificates, euiccInfo1 */
    g_autoptr (GBytes) tags = octets (q->order, "tags");
    return rsp_eim_queue_data_request (
        q->eim, eid, tags ? rsp_slice_of (tags) : RSP_SLICE_ARRAY (standard), error);
}

gint64
rsp_order_eim_package (RspRun *run, const RspWorld *world, RspEim *eim, const RspYaml *order,
                       const char *eid, GError **error)
{
    g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
    Ordering q = {.run = run, .world = world, .eim = eim, .order = order, .texts = texts};
    const char *word = rsp_world_text (order, "do", "");
    if (strcmp (word, "download") == 0)
        return queue_download (&q, eid, error);
    if (strcmp (word, "data-request") == 0)
        return queue_data_request (&q, eid, error);
    return queue_operations (&q, eid, error);
}

static gboolean
put_operation (Ordering *q, const RspYaml *map, GByteArray *out, gboolean *ret_eco, GError **error)
{
    const RspYaml *raw = rsp_yaml_get (map, "raw");
    g_autoptr (GBytes) encoded = octets (map, "raw");
    if (!raw) {
        RspEimOperation operation = read_operation (q, map);
        encoded = rsp_eim_encode_operations (&operation, 1, ret_eco, error);
        operation_clear (&operation);
    }
    gint64 repeat = rsp_world_number (map, "repeat", 1);
    for (gint64 i = 0; encoded && i < repeat; i++)
        g_byte_array_append (out, rsp_slice_of (encoded).data, (guint)g_bytes_get_size (encoded));
    return encoded != NULL;
}

GBytes *
rsp_encode_eim_operations (RspRun *run, const RspWorld *world, const RspYaml *order,
                           gboolean *ret_eco, GError **error)
{
    g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
    g_autoptr (GByteArray) out = g_byte_array_new ();
    Ordering q = {.run = run, .world = world, .order = order, .texts = texts};
    const RspYaml *list = rsp_yaml_get (order, "operations");
    guint n = list ? list->items->len : 1;
    for (guint i = 0; i < n; i++)
        if (!put_operation (&q, list ? list->items->pdata[i] : order, out, ret_eco, error))
            return NULL;
    return g_bytes_new (out->data, out->len);
}

gboolean
rsp_eim_order_is_operation (const RspYaml *operation)
{
    return verb_of (rsp_world_text (operation, "do", "")) < RSP_EIM_VERBS;
}
