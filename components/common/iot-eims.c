/* eIM Configuration Data (SGP.32 2.11.1.1.1, 3.5, 5.9.4, 5.9.5, 5.9.18) and eCOs (2.11.1.1.2). */
#include "components/common/iot.h"
#include "pki/cert.h"

#include <string.h>

/* EimConfigurationData, its elements in their order. */
typedef struct {
    RspTlv id, counter, token, key, ci;
    gboolean has_counter, has_token, has_key, has_ci;
    RspSlice content;
} Config;

static gboolean
read_config (RspSlice content, Config *c)
{
    RspTlv tlv;
    guint32 last = 0;
    memset (c, 0, sizeof *c);
    c->content = content;
    if (!rsp_take (&content, 0x80, 1, 128, &c->id) || !rsp_is_utf8 (c->id.value) ||
        memchr (c->id.value.data, 0, c->id.value.len))
        return FALSE;
    while (content.len > 0) {
        if (rsp_tlv_next (&content, &tlv) != RSP_TLV_OK || (tlv.tag & 0x1F) <= last)
            return FALSE;
        last = tlv.tag & 0x1F;
        if (tlv.tag == 0x83) {
            c->counter = tlv;
            c->has_counter = TRUE;
        } else if (tlv.tag == 0x84) {
            c->token = tlv;
            c->has_token = TRUE;
        } else if (tlv.tag == 0xA5) {
            c->key = tlv;
            c->has_key = TRUE;
        } else if (tlv.tag == 0x88) {
            c->ci = tlv;
            c->has_ci = TRUE;
        }
    }
    return TRUE;
}

/* The point of a SubjectPublicKeyInfo's content. */
static RspPublic *
key_of_info (RspSlice info)
{
    RspTlv bits;
    if (!rsp_tlv_find (info, 0x03, &bits) || bits.value.len < 2 || bits.value.data[0] != 0)
        return NULL;
    return rsp_public_from_point (RSP_SLICE (bits.value.data + 1, bits.value.len - 1), NULL);
}

/* A0: SubjectPublicKeyInfo, A1: Certificate, each without its own tag. */
static RspPublic *
read_key (RspSlice data)
{
    RspTlv choice;
    if (rsp_tlv_next (&data, &choice) != RSP_TLV_OK || data.len > 0)
        return NULL;
    if (choice.tag == 0xA0)
        return key_of_info (choice.value);
    if (choice.tag != 0xA1)
        return NULL;
    g_autoptr (GByteArray) der = g_byte_array_new ();
    rsp_tlv_put (der, 0x30, choice.value);
    g_autoptr (GBytes) bytes = g_bytes_new (der->data, der->len);
    g_autoptr (RspCert) cert = rsp_cert_parse (bytes, NULL);
    RspPublic *key = cert ? rsp_cert_public (cert) : NULL;
    return key ? rsp_public_ref (key) : NULL;
}

/* FALSE: negative, or above what a counter may be. */
static gboolean
read_counter (const Config *c, gint64 *ret)
{
    guint64 value = 0;
    if (c->has_counter &&
        (!rsp_read_number (c->counter.value, &value) || value > RSP_IOT_COUNTER_MAX))
        return FALSE;
    *ret = (gint64)value;
    return TRUE;
}

static guint8
check_config (const RspIotEims *eims, const Config *c, gint64 *ret_counter)
{
    if (c->has_ci && !rsp_slice_equal (c->ci.value, eims->ci))
        return RSP_IOT_CI_UNKNOWN;
    return read_counter (c, ret_counter) ? RSP_IOT_OK : RSP_IOT_COUNTER_RANGE;
}

/* As it is shown: the token in its place, no counter. What PATCH has replaces what CONFIG has. */
static GBytes *
shown_config (RspSlice config, RspSlice patch, gint64 token)
{
    GByteArray *out = g_byte_array_sized_new ((guint)(config.len + patch.len) + 16);
    gsize mark = rsp_tlv_open (out, 0x30);
    for (guint32 number = 0; number <= 0x1E; number++) {
        RspTlv found = {0}, tlv;
        RspSlice layers[] = {config, patch};
        for (guint i = 0; i < 2; i++)
            for (RspSlice in = layers[i]; rsp_tlv_next (&in, &tlv) == RSP_TLV_OK;)
                if ((tlv.tag & 0x1F) == number)
                    found = tlv;
        if (number == 4 && token)
            rsp_put_number (out, 0x84, (guint64)token);
        else if (number != 3 && number != 4 && found.tag)
            g_byte_array_append (out, found.whole.data, (guint)found.whole.len);
    }
    rsp_tlv_close (out, mark);
    return g_byte_array_free_to_bytes (out);
}

void
rsp_iot_eim_free (RspIotEim *eim)
{
    if (!eim)
        return;
    g_free (eim->id);
    g_clear_pointer (&eim->config, g_bytes_unref);
    g_clear_pointer (&eim->key, rsp_public_unref);
    g_free (eim);
}

RspIotEim *
rsp_iot_eim_find (const RspIotEims *eims, RspSlice id)
{
    for (guint i = 0; i < eims->all->len; i++) {
        RspIotEim *eim = g_ptr_array_index (eims->all, i);
        if (rsp_slice_equal (id, RSP_SLICE (eim->id, strlen (eim->id))))
            return eim;
    }
    return NULL;
}

/* A token of −1 asks for one; any other is not the sender's to choose. */
static gboolean
asks_for_token (const Config *c, gboolean *ret_wanted)
{
    static const guint8 minus_one[] = {0xFF};
    *ret_wanted = c->has_token;
    return !c->has_token || rsp_slice_equal (c->token.value, RSP_SLICE_ARRAY (minus_one));
}

guint8
rsp_iot_eim_add (RspIotEims *eims, RspSlice der, gint64 *ret_token)
{
    Config c;
    RspTlv whole;
    gint64 counter = 0;
    gboolean wants_token;
    *ret_token = 0;
    if (!rsp_tlv_single (der, 0x30, &whole) || !read_config (whole.value, &c) || !c.has_counter ||
        !c.has_key)
        return RSP_IOT_COMMAND_ERROR;
    if (rsp_iot_eim_find (eims, c.id.value))
        return RSP_IOT_EIM_EXISTS;
    if (eims->all->len >= eims->limit)
        return RSP_IOT_NO_MEMORY;
    guint8 code = check_config (eims, &c, &counter);
    if (code)
        return code;
    if (!asks_for_token (&c, &wants_token))
        return RSP_IOT_BAD_TOKEN;
    g_autoptr (RspPublic) key = read_key (c.key.value);
    if (!key)
        return RSP_IOT_COMMAND_ERROR;
    if (wants_token)
        *ret_token = (gint64)++eims->tokens;
    RspIotEim *eim = g_new0 (RspIotEim, 1);
    eim->id = g_strndup ((const char *)c.id.value.data, c.id.value.len);
    eim->counter = counter;
    eim->token = *ret_token;
    eim->key = g_steal_pointer (&key);
    eim->config = shown_config (c.content, RSP_SLICE (NULL, 0), eim->token);
    g_ptr_array_add (eims->all, eim);
    return RSP_IOT_OK;
}

static guint8
update_eim (RspIotEims *eims, RspSlice der)
{
    Config c;
    RspTlv whole, had;
    gint64 counter = 0;
    if (!rsp_tlv_single (der, 0x30, &whole) || !read_config (whole.value, &c) || c.has_token ||
        c.content.len == c.id.whole.len)
        return RSP_IOT_COMMAND_ERROR;
    RspIotEim *eim = rsp_iot_eim_find (eims, c.id.value);
    if (!eim)
        return 1;
    guint8 code = check_config (eims, &c, &counter);
    if (code)
        return code;
    if (c.has_counter && counter < eim->counter && !c.has_key) /* old packages would count anew */
        return RSP_IOT_COMMAND_ERROR;
    g_autoptr (RspPublic) key = c.has_key ? read_key (c.key.value) : NULL;
    if (c.has_key && !key)
        return RSP_IOT_COMMAND_ERROR;
    if (key) {
        rsp_public_unref (eim->key);
        eim->key = g_steal_pointer (&key);
    }
    if (c.has_counter)
        eim->counter = counter;
    g_autoptr (GBytes) old = g_steal_pointer (&eim->config);
    rsp_tlv_single (rsp_slice_of (old), 0x30, &had);
    eim->config = shown_config (had.value, c.content, eim->token);
    return RSP_IOT_OK;
}

/* --- As they are kept --- */

void
rsp_iot_eims_write (const RspIotEims *eims, GByteArray *out)
{
    for (guint i = 0; i < eims->all->len; i++) {
        const RspIotEim *eim = g_ptr_array_index (eims->all, i);
        RspSlice config = rsp_slice_of (eim->config);
        gsize mark = rsp_tlv_open (out, 0x30);
        rsp_put_number (out, 0x80, (guint64)eim->counter);
        rsp_put_number (out, 0x81, (guint64)eim->token);
        rsp_tlv_put_text (out, 0x82, eim->id);
        rsp_tlv_put (out, 0x83, rsp_public_point (eim->key));
        g_byte_array_append (out, config.data, (guint)config.len);
        rsp_tlv_close (out, mark);
    }
}

static RspIotEim *
parse_eim (RspSlice in)
{
    RspTlv id, point, config;
    guint64 counter, token;
    if (!rsp_take_number (&in, 0x80, &counter) || !rsp_take_number (&in, 0x81, &token) ||
        !rsp_take (&in, 0x82, 1, 128, &id) || !rsp_take (&in, 0x83, 1, 128, &point) ||
        !rsp_take (&in, 0x30, 1, 16384, &config))
        return NULL;
    RspPublic *key = rsp_public_from_point (point.value, NULL);
    if (!key)
        return NULL;
    RspIotEim *eim = g_new0 (RspIotEim, 1);
    eim->id = g_strndup ((const char *)id.value.data, id.value.len);
    eim->config = rsp_slice_to_bytes (config.whole);
    eim->counter = (gint64)counter;
    eim->token = (gint64)token;
    eim->key = key;
    return eim;
}

gboolean
rsp_iot_eims_read (RspIotEims *eims, RspSlice in)
{
    RspTlv tlv;
    while (in.len > 0) {
        RspIotEim *eim = rsp_tlv_next (&in, &tlv) == RSP_TLV_OK && tlv.tag == 0x30
                             ? parse_eim (tlv.value)
                             : NULL;
        if (!eim)
            return FALSE;
        g_ptr_array_add (eims->all, eim);
    }
    return TRUE;
}

/* --- The first ones --- */

guint8
rsp_iot_eims_add_initial (RspIotEims *eims, RspSlice list, GByteArray *oks)
{
    RspTlv tlv;
    gint64 token;
    if (eims->all->len > 0)
        return RSP_IOT_EIM_EXISTS;
    if (list.len == 0)
        return RSP_IOT_COMMAND_ERROR;
    while (list.len > 0) {
        if (rsp_tlv_next (&list, &tlv) != RSP_TLV_OK)
            return RSP_IOT_COMMAND_ERROR;
        guint8 code = rsp_iot_eim_add (eims, tlv.whole, &token);
        if (code)
            return code;
        if (token)
            rsp_put_number (oks, 0x84, (guint64)token);
        else
            rsp_tlv_put (oks, 0x05, RSP_SLICE (NULL, 0));
    }
    return RSP_IOT_OK;
}

void
rsp_iot_put_initial (GByteArray *out, guint8 code, const GByteArray *oks)
{
    gsize mark = rsp_tlv_open (out, 0xBF57);
    if (code)
        rsp_tlv_put_int (out, 0x81, code);
    else
        rsp_tlv_put (out, 0xA0, RSP_SLICE (oks->data, oks->len));
    rsp_tlv_close (out, mark);
}

gboolean
rsp_iot_put_configuration (const RspIotEims *eims, RspSlice request, GByteArray *out)
{
    RspTlv criteria, id;
    gboolean present;
    if (!rsp_take_optional (&request, 0xA0, 2, 256, &criteria, &present))
        return FALSE;
    RspSlice in = criteria.value;
    if (present && !rsp_take (&in, 0x80, 1, 128, &id))
        return FALSE;
    gsize outer = rsp_tlv_open (out, 0xBF55), list = rsp_tlv_open (out, 0xA0);
    for (guint i = 0; i < eims->all->len; i++) {
        const RspIotEim *eim = g_ptr_array_index (eims->all, i);
        RspSlice config = rsp_slice_of (eim->config);
        if (!present || rsp_slice_equal (id.value, RSP_SLICE (eim->id, strlen (eim->id))))
            g_byte_array_append (out, config.data, (guint)config.len);
    }
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, outer);
    return TRUE;
}

/* --- eCO --- */

enum { EIM_NOT_FOUND = 1, LAST_EIM_DELETED = 2 };
enum { UNKNOWN_OR_DAMAGED = 2 }; /* processingTerminated */

static gboolean
put (GByteArray *out, guint32 tag, guint8 value)
{
    rsp_tlv_put_int (out, tag, value);
    return value == 0;
}

/* EimConfigurationData under the operation's tag. */
static GBytes *
config_of (const RspTlv *op)
{
    GByteArray *der = g_byte_array_new ();
    rsp_tlv_put (der, 0x30, op->value);
    return g_byte_array_free_to_bytes (der);
}

static gboolean
add_eim (RspIotEims *eims, const RspTlv *op, GByteArray *out)
{
    gint64 token;
    g_autoptr (GBytes) config = config_of (op);
    guint8 code = rsp_iot_eim_add (eims, rsp_slice_of (config), &token);
    gsize mark = rsp_tlv_open (out, 0xA8);
    if (code == 0 && token)
        rsp_put_number (out, 0x84, (guint64)token);
    else
        rsp_tlv_put_int (out, 0x02, code);
    rsp_tlv_close (out, mark);
    return code == 0;
}

static gboolean
delete_eim (RspIotEims *eims, GPtrArray *gone, RspSlice body, GByteArray *out)
{
    RspTlv id;
    guint index = 0;
    if (!rsp_take (&body, 0x80, 1, 128, &id) || body.len > 0)
        return put (out, 0x89, RSP_IOT_COMMAND_ERROR);
    RspIotEim *eim = rsp_iot_eim_find (eims, id.value);
    if (!eim)
        return put (out, 0x89, EIM_NOT_FOUND);
    g_ptr_array_find (eims->all, eim, &index);
    g_ptr_array_add (gone, g_ptr_array_steal_index (eims->all, index));
    rsp_tlv_put_int (out, 0x89, eims->all->len == 0 ? LAST_EIM_DELETED : 0);
    return TRUE;
}

static gboolean
list_eims (const RspIotEims *eims, GByteArray *out)
{
    gsize outer = rsp_tlv_open (out, 0xAB), list = rsp_tlv_open (out, 0xA0);
    for (guint i = 0; i < eims->all->len; i++) {
        const RspIotEim *eim = g_ptr_array_index (eims->all, i);
        RspTlv config, type;
        gsize mark = rsp_tlv_open (out, 0x30);
        rsp_tlv_put_text (out, 0x80, eim->id);
        if (rsp_tlv_single (rsp_slice_of (eim->config), 0x30, &config) &&
            rsp_tlv_find (config.value, 0x82, &type))
            rsp_tlv_put (out, eims->v10 ? 0x84 : 0x82, type.value);
        rsp_tlv_close (out, mark);
    }
    rsp_tlv_close (out, list);
    rsp_tlv_close (out, outer);
    return TRUE;
}

gboolean
rsp_iot_eco (RspIotEims *eims, GPtrArray *gone, const RspTlv *op, GByteArray *out)
{
    g_autoptr (GBytes) config = NULL;
    switch (op->tag) {
    case 0xA8:
        return add_eim (eims, op, out);
    case 0xA9:
        return delete_eim (eims, gone, op->value, out);
    case 0xAA:
        config = config_of (op);
        return put (out, 0x8A, update_eim (eims, rsp_slice_of (config)));
    case 0xAB:
        return list_eims (eims, out);
    default:
        return put (out, 0x02, UNKNOWN_OR_DAMAGED);
    }
}
