#include "asn1/aka.h"

#include "asn1/nas.h"

#include <string.h>

static guint64
big_endian (RspSlice s)
{
    guint64 value = 0;
    for (gsize i = 0; i < s.len; i++)
        value = value << 8 | s.data[i];
    return value;
}

/* Takes PARENT's member TAG of SIZE octets into *RET, which keeps its default where there is none.
 */
static gboolean
take_octets (RspSlice parent, guint32 tag, gsize size, RspSlice *ret)
{
    RspTlv tlv;
    if (!rsp_tlv_find (parent, tag, &tlv))
        return TRUE;
    *ret = tlv.value;
    return tlv.value.len == size;
}

/* --- Algorithm --- */

static const guint8 default_rotation[5] = {64, 0, 32, 64, 96};
static const guint8 default_xoring[80] = {[31] = 1, [47] = 2, [63] = 4, [79] = 8};

static RspSaipStatus
read_milenage (RspSlice algo, RspAkaParameter *ret)
{
    RspSlice rotation = RSP_SLICE_ARRAY (default_rotation);
    RspSlice xoring = RSP_SLICE_ARRAY (default_xoring);
    if (!take_octets (algo, 0x84, 5, &rotation) || !take_octets (algo, 0x85, 80, &xoring) ||
        ret->key.len != 16 || ret->opc.len != 16)
        return RSP_SAIP_BAD_VALUES;
    memcpy (ret->rotation, rotation.data, 5);
    memcpy (ret->xoring, xoring.data, 80);
    for (guint i = 0; i < 5; i++)
        if (ret->rotation[i] > 127)
            return RSP_SAIP_BAD_VALUES;
    ret->res_size = 8;
    return RSP_SAIP_OK;
}

/* The low bits of the options say how long RES is. Of TUAK only what AUTHENTICATE can carry is
 * there: MACs of 64 bits, CK and IK of 128. */
static RspSaipStatus
read_res_size (guint8 options, RspAkaParameter *ret)
{
    if (options & 0xF8 || (options & 7) > 3)
        return RSP_SAIP_BAD_VALUES;
    if ((options & 7) == 3)
        return RSP_SAIP_FEATURE_NOT_SUPPORTED; /* 256 bits */
    ret->res_size = 4u << (options & 7);
    return RSP_SAIP_OK;
}

static RspSaipStatus
read_tuak (RspSlice algo, guint8 options, RspAkaParameter *ret)
{
    RspTlv tlv;
    ret->keccak = 1;
    if ((ret->key.len != 16 && ret->key.len != 32) || ret->opc.len != 32)
        return RSP_SAIP_BAD_VALUES;
    if (rsp_tlv_find (algo, 0x87, &tlv)) {
        if (tlv.value.len < 1 || tlv.value.len > 2 || big_endian (tlv.value) > 255)
            return RSP_SAIP_BAD_VALUES;
        ret->keccak = (guint)big_endian (tlv.value);
    }
    if (ret->keccak == 0)
        return RSP_SAIP_BAD_VALUES;
    return options & 0xF8 ? RSP_SAIP_FEATURE_NOT_SUPPORTED : read_res_size (options, ret);
}

static RspSaipStatus
read_algorithm (RspSlice algo, RspAkaParameter *ret)
{
    RspTlv id, options, key, opc;
    RspSlice counter = {NULL, 0};
    if (!rsp_tlv_find (algo, 0x80, &id) || !rsp_tlv_find (algo, 0x81, &options) ||
        !rsp_tlv_find (algo, 0x82, &key) || !rsp_tlv_find (algo, 0x83, &opc) || id.value.len != 1 ||
        options.value.len != 1)
        return RSP_SAIP_INVALID_REQUEST_FORMAT;
    ret->key = key.value;
    ret->opc = opc.value;
    if (!take_octets (algo, 0x86, 3, &counter))
        return RSP_SAIP_BAD_VALUES;
    ret->algorithm = (RspAkaAlgorithm)id.value.data[0];
    if (counter.len && ret->algorithm != RSP_AKA_TEST)
        ret->counter_max = (gint32)big_endian (counter);
    switch (ret->algorithm) {
    case RSP_AKA_MILENAGE:
        return read_milenage (algo, ret);
    case RSP_AKA_TUAK:
        return read_tuak (algo, options.value.data[0], ret);
    case RSP_AKA_TEST:
        return key.value.len == 16 ? read_res_size (options.value.data[0], ret)
                                   : RSP_SAIP_BAD_VALUES;
    default:
        return RSP_SAIP_BAD_VALUES;
    }
}

/* --- Sequence numbers --- */

static gboolean
read_seq_list (RspSlice list, guint64 *seq)
{
    RspTlv tlv;
    guint n = 0;
    while (n < RSP_AKA_INDICES && rsp_tlv_next (&list, &tlv) == RSP_TLV_OK) {
        if (tlv.tag != 0x04 || tlv.value.len != 6)
            return FALSE;
        seq[n] = big_endian (tlv.value);
        if (seq[n++] > RSP_AKA_SEQ_MAX)
            return FALSE;
    }
    return n == RSP_AKA_INDICES && list.len == 0;
}

static RspSaipStatus
read_sequence (RspSlice body, RspAkaParameter *ret)
{
    static const guint8 default_options[] = {0x02};
    static const guint8 default_limit[] = {0x00, 0x00, 0x10, 0x00, 0x00, 0x00};
    RspSlice options = RSP_SLICE_ARRAY (default_options);
    RspSlice delta = RSP_SLICE_ARRAY (default_limit), age = delta;
    RspTlv list;
    if (!take_octets (body, 0x82, 1, &options) || !take_octets (body, 0x83, 6, &delta) ||
        !take_octets (body, 0x84, 6, &age))
        return RSP_SAIP_BAD_VALUES;
    ret->age_checked = options.data[0] & 0x01;
    ret->delta_checked = options.data[0] & 0x02;
    ret->delta = big_endian (delta);
    ret->age_limit = big_endian (age);
    if (ret->delta > RSP_AKA_SEQ_MAX || ret->age_limit > RSP_AKA_SEQ_MAX ||
        (rsp_tlv_find (body, 0xA5, &list) && !read_seq_list (list.value, ret->seq)))
        return RSP_SAIP_BAD_VALUES;
    return RSP_SAIP_OK;
}

RspSaipStatus
rsp_saip_read_aka (RspSlice body, RspAkaParameter *ret)
{
    RspTlv choice, inner, source;
    *ret = (RspAkaParameter){.counter_max = -1};
    RspSaipStatus status = RSP_SAIP_INVALID_REQUEST_FORMAT;
    if (!rsp_tlv_find (body, 0xA1, &choice))
        return status;
    if (rsp_tlv_find (choice.value, 0xA1, &inner)) {
        status = read_algorithm (inner.value, ret);
    } else if (rsp_tlv_find (choice.value, 0xA0, &inner)) {
        if (!rsp_tlv_find (inner.value, 0x81, &source))
            return status;
        ret->source = source.value;
        status =
            source.value.len >= 5 && source.value.len <= 16 ? RSP_SAIP_OK : RSP_SAIP_BAD_VALUES;
    }
    return status == RSP_SAIP_OK ? read_sequence (body, ret) : status;
}

/* --- Subscribers --- */

gboolean
rsp_imsi_digits (RspSlice ef, char out[16])
{
    out[0] = 0;
    if (ef.len < 2 || ef.data[0] > 8 || ef.len < (gsize)ef.data[0] + 1)
        return FALSE;
    gboolean good = rsp_nas_read_imsi (RSP_SLICE (ef.data + 1, ef.data[0]), out);
    if (!good)
        out[0] = 0;
    return good;
}

typedef struct {
    char imsi[16];
    guint8 aid[16];
    gsize aid_size;
    gboolean usim, has_aka;
    RspAkaParameter aka;
} Application;

static RspSaipStatus
on_file (RspSaipAction action, const RspSaipFileDef *f, gpointer data, RspSaipProblem *problem)
{
    Application *app = data;
    if (action != RSP_SAIP_CREATE || !f->row)
        return RSP_SAIP_OK;
    if (f->root && f->aid.len <= sizeof app->aid) {
        memcpy (app->aid, f->aid.data, f->aid.len);
        app->aid_size = f->aid.len;
    }
    guint8 body[9];
    if (!strcmp (f->row->member, "ef-imsi") && f->size == sizeof body &&
        rsp_saip_fill (f, body) == RSP_SAIP_OK)
        rsp_imsi_digits (RSP_SLICE_ARRAY (body), app->imsi);
    return RSP_SAIP_OK;
}

/* Which application the following akaParameter belongs to: elements of an ADF's files keep it. */
static gboolean
leaves_application (guint32 tag)
{
    return tag == RSP_SAIP_MF || tag == RSP_SAIP_CD || tag == RSP_SAIP_TELECOM ||
           tag == RSP_SAIP_CSIM;
}

static GArray *
read_applications (GBytes *upp)
{
    GArray *apps = g_array_new (FALSE, TRUE, sizeof (Application));
    RspSlice rest = rsp_slice_of (upp);
    gboolean inside = FALSE;
    RspSaipElement e;
    while (rsp_saip_next (&rest, &e) == RSP_TLV_OK) {
        if (e.tag == RSP_SAIP_USIM || e.tag == RSP_SAIP_ISIM) {
            Application app = {.usim = e.tag == RSP_SAIP_USIM};
            rsp_saip_files (&e, on_file, &app, NULL);
            g_array_append_val (apps, app);
            inside = TRUE;
        } else if (leaves_application (e.tag)) {
            inside = FALSE;
        } else if (e.tag == RSP_SAIP_AKA_PARAMETER && inside) {
            Application *app = &g_array_index (apps, Application, apps->len - 1);
            app->has_aka = rsp_saip_read_aka (e.body, &app->aka) == RSP_SAIP_OK;
        }
    }
    return apps;
}

/* A mapping takes over algorithm and keys, not what it says of sequence numbers. */
static gboolean
follow_mapping (GArray *apps, Application *app)
{
    for (guint i = 0; app->aka.algorithm == RSP_AKA_MAPPED && i < apps->len; i++) {
        const Application *other = &g_array_index (apps, Application, i);
        RspSlice aid = RSP_SLICE (other->aid, MIN (other->aid_size, app->aka.source.len));
        if (other->has_aka && other->aka.algorithm != RSP_AKA_MAPPED &&
            rsp_slice_equal (aid, app->aka.source))
            app->aka = other->aka;
    }
    return app->aka.algorithm != RSP_AKA_MAPPED;
}

GArray *
rsp_saip_subscriptions (GBytes *upp)
{
    GArray *out = g_array_new (FALSE, FALSE, sizeof (RspSaipSubscription));
    g_autoptr (GArray) apps = read_applications (upp);
    for (guint i = 0; i < apps->len; i++) {
        Application *app = &g_array_index (apps, Application, i);
        if (!app->usim || !app->imsi[0] || !app->has_aka || !follow_mapping (apps, app))
            continue;
        RspSaipSubscription s = {.aka = app->aka};
        memcpy (s.imsi, app->imsi, sizeof s.imsi);
        g_array_append_val (out, s);
    }
    return out;
}
