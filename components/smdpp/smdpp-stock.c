/* The stock: profile packages with what eligibility asks of them, in SQLite. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

/* ServicesList member → UICCCapability bit. */
static const guint8 service_bits[] = {0,  1,  2,  3,  4,  6,  5,  10, 11, 12, 13, 14, 15,
                                      16, 17, 18, 7,  8,  19, 20, 21, 22, 23, 24, 25, 26,
                                      27, 28, 29, 30, 32, 33, 34, 35, 36, 37, 38, 39};

static gint64
mandatory_services (RspSlice list)
{
    gint64 mask = 0;
    RspTlv tlv;
    while (rsp_tlv_next (&list, &tlv) == RSP_TLV_OK) {
        guint number = tlv.tag > 0xff ? (tlv.tag & 0x7f) : (tlv.tag & 0x1f);
        if (number < G_N_ELEMENTS (service_bits))
            mask |= (gint64)1 << service_bits[number];
    }
    return mask;
}

/* What the profile header asks of the card: major version and mandatory services. */
static void
read_header (GBytes *upp, gint64 *ret_version, gint64 *ret_services)
{
    RspSlice rest = rsp_slice_of (upp);
    RspTlv header, tlv;
    *ret_version = *ret_services = 0;
    if (rsp_tlv_next (&rest, &header) != RSP_TLV_OK || header.tag != RSP_SAIP_HEADER)
        return;
    if (rsp_tlv_find (header.value, 0x80, &tlv) && tlv.value.len == 1)
        *ret_version = tlv.value.data[0];
    if (rsp_tlv_find (header.value, 0xA5, &tlv))
        *ret_services = mandatory_services (tlv.value);
}

static gboolean
insert_profile (RspSmdpp *dp, const RspProfilePackage *package, const RspStockTerms *terms,
                GBytes *metadata, gboolean own, GError **error)
{
    gint64 version, services;
    read_header (package->upp, &version, &services);
    const char *type = terms->type ? terms->type : package->type;
    gint64 size = g_bytes_get_size (package->upp);
    return rsp_order_begin (dp, error) &&
           rsp_store_run (dp->store, error,
                          "INSERT INTO profile (iccid, type, owner, ppr, class, version, services,"
                          " size, tacs, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                          "sssiiiiis", package->metadata->iccid, type, terms->owner,
                          (gint64)package->metadata->ppr, (gint64)package->metadata->profile_class,
                          version, services, size, terms->tacs) &&
           rsp_store_run (dp->store, error,
                          "INSERT INTO package (iccid, metadata, own, upp) VALUES (?, ?, ?, ?)",
                          "sbib", package->metadata->iccid, metadata, (gint64)own, package->upp) &&
           rsp_store_commit (dp->store, error); /* no place for faults: nobody has acted yet */
}

static gboolean
names_me (const RspSmdpp *dp, const RspMetadata *metadata)
{
    for (guint i = 0; i < metadata->notifications->len; i++)
        if (rsp_server_is_mine (
                &dp->server,
                g_array_index (metadata->notifications, RspNotificationConfig, i).address))
            return TRUE;
    return FALSE;
}

gboolean
rsp_smdpp_add_profile (RspSmdpp *dp, const RspProfilePackage *package, const RspStockTerms *terms,
                       GError **error)
{
    g_autoptr (GError) failure = NULL;
    g_autoptr (RspOrder) known = rsp_order_by_iccid (dp, package->metadata->iccid, &failure);
    if (known)
        return TRUE;
    g_autoptr (RspMetadata) copy = rsp_metadata_copy (package->metadata);
    if (copy->notifications->len == 0)
        rsp_metadata_add_notification (copy, RSP_EVENT_INSTALL, dp->server.addresses->pdata[0]);
    gboolean own = names_me (dp, copy);
    g_autoptr (GBytes) metadata = rsp_metadata_encode (copy);
    if (!failure)
        insert_profile (dp, package, terms, metadata, own, &failure);
    if (!failure)
        return TRUE;
    rsp_order_rollback (dp);
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
}

/* The stock was filled under the FQDN; what is delivered names the address that clients can reach.
 */
static GBytes *
with_own_address (const RspSmdpp *dp, GBytes *stored)
{
    g_autoptr (RspMetadata) metadata = rsp_metadata_decode (rsp_slice_of (stored), NULL);
    if (!metadata)
        return g_bytes_ref (stored);
    for (guint i = 0; i < metadata->notifications->len; i++) {
        RspNotificationConfig *n =
            &g_array_index (metadata->notifications, RspNotificationConfig, i);
        if (!rsp_server_is_mine (&dp->server, n->address))
            continue;
        g_free (n->address);
        n->address = g_strdup (dp->own_address);
    }
    return rsp_metadata_encode (metadata);
}

gboolean
rsp_package_read (RspSmdpp *dp, const char *iccid, GBytes **ret_metadata, GBytes **ret_upp,
                  GError **error)
{
    sqlite3_stmt *stmt = rsp_store_bind (
        dp->store, "SELECT metadata, own, upp FROM package WHERE iccid = ?", "s", iccid);
    gboolean row = FALSE;
    if (!rsp_store_step (dp->store, stmt, &row, error))
        return FALSE;
    if (!row) {
        g_set_error (error, RSP_STORE_ERROR, RSP_STORE_ERROR_DAMAGED, "no package of %s", iccid);
        return FALSE;
    }
    g_autoptr (GBytes) stored = rsp_store_blob (stmt, 0);
    gboolean own = sqlite3_column_int64 (stmt, 1) != 0;
    if (ret_upp)
        *ret_upp = rsp_store_blob (stmt, 2);
    sqlite3_reset (stmt);
    *ret_metadata = own && strcmp (dp->own_address, dp->server.addresses->pdata[0]) != 0
                        ? with_own_address (dp, stored)
                        : g_steal_pointer (&stored);
    return TRUE;
}
