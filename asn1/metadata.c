#include "asn1/metadata.h"

#include "asn1/asn1.h"
#include "asn1/ids.h"

#define NOTIFICATIONS "notificationConfigurationInfo"
/* Bound of this implementation; cards have a handful. */
#define MAX_NOTIFICATIONS 64

static void
clear_notification (gpointer item)
{
    g_free (((RspNotificationConfig *)item)->address);
}

RspMetadata *
rsp_metadata_new (void)
{
    RspMetadata *m = g_new0 (RspMetadata, 1);
    m->icon_type = -1;
    m->profile_class = RSP_CLASS_OPERATIONAL;
    m->notifications = g_array_new (FALSE, TRUE, sizeof (RspNotificationConfig));
    g_array_set_clear_func (m->notifications, clear_notification);
    return m;
}

static GBytes *
share (GBytes *bytes)
{
    return bytes ? g_bytes_ref (bytes) : NULL;
}

RspMetadata *
rsp_metadata_copy (const RspMetadata *m)
{
    RspMetadata *copy = rsp_metadata_new ();
    copy->iccid = g_strdup (m->iccid);
    copy->service_provider_name = g_strdup (m->service_provider_name);
    copy->profile_name = g_strdup (m->profile_name);
    copy->icon_type = m->icon_type;
    copy->icon = share (m->icon);
    copy->profile_class = m->profile_class;
    for (guint i = 0; i < m->notifications->len; i++) {
        const RspNotificationConfig *n =
            &g_array_index (m->notifications, RspNotificationConfig, i);
        rsp_metadata_add_notification (copy, n->events, n->address);
    }
    copy->owner_mcc_mnc = share (m->owner_mcc_mnc);
    copy->owner_gid1 = share (m->owner_gid1);
    copy->owner_gid2 = share (m->owner_gid2);
    copy->ppr = m->ppr;
    copy->ecall = m->ecall;
    copy->fallback_allowed = m->fallback_allowed;
    return copy;
}

void
rsp_metadata_free (RspMetadata *m)
{
    if (!m)
        return;
    g_free (m->iccid);
    g_free (m->service_provider_name);
    g_free (m->profile_name);
    g_clear_pointer (&m->icon, g_bytes_unref);
    g_array_unref (m->notifications);
    g_clear_pointer (&m->owner_mcc_mnc, g_bytes_unref);
    g_clear_pointer (&m->owner_gid1, g_bytes_unref);
    g_clear_pointer (&m->owner_gid2, g_bytes_unref);
    g_free (m);
}

void
rsp_metadata_add_notification (RspMetadata *m, guint32 events, const char *address)
{
    RspNotificationConfig n = {events, g_strdup (address)};
    g_array_append_val (m->notifications, n);
}

static void
encode_owner (RspAsn1 *out, const RspMetadata *m)
{
    if (!m->owner_mcc_mnc)
        return;
    rsp_asn1_set_octets (out, "profileOwner.mccMnc", rsp_slice_of (m->owner_mcc_mnc));
    if (m->owner_gid1)
        rsp_asn1_set_octets (out, "profileOwner.gid1", rsp_slice_of (m->owner_gid1));
    if (m->owner_gid2)
        rsp_asn1_set_octets (out, "profileOwner.gid2", rsp_slice_of (m->owner_gid2));
}

GBytes *
rsp_metadata_encode (const RspMetadata *m)
{
    g_autoptr (RspAsn1) out = rsp_asn1_new ("StoreMetadataRequest");
    guint8 iccid[10];
    gboolean good = rsp_iccid_to_octets (m->iccid, iccid);
    g_assert (good);
    rsp_asn1_set_octets (out, "iccid", RSP_SLICE_ARRAY (iccid));
    rsp_asn1_set_text (out, "serviceProviderName",
                       m->service_provider_name ? m->service_provider_name : "");
    rsp_asn1_set_text (out, "profileName", m->profile_name ? m->profile_name : "");
    if (m->icon_type >= 0)
        rsp_asn1_set_int (out, "iconType", m->icon_type);
    if (m->icon)
        rsp_asn1_set_octets (out, "icon", rsp_slice_of (m->icon));
    if (m->profile_class != RSP_CLASS_OPERATIONAL) /* the default is left out in DER */
        rsp_asn1_set_int (out, "profileClass", m->profile_class);
    for (guint i = 0; i < m->notifications->len; i++) {
        const RspNotificationConfig *n =
            &g_array_index (m->notifications, RspNotificationConfig, i);
        rsp_asn1_append (out, NOTIFICATIONS);
        rsp_asn1_set_bits (out, NOTIFICATIONS ".?LAST.profileManagementOperation", n->events, 4);
        rsp_asn1_set_text (out, NOTIFICATIONS ".?LAST.notificationAddress", n->address);
    }
    encode_owner (out, m);
    if (m->ppr)
        rsp_asn1_set_bits (out, "profilePolicyRules", m->ppr, 32);
    if (m->ecall)
        rsp_asn1_set_bool (out, "ecallIndication", TRUE);
    if (m->fallback_allowed)
        rsp_asn1_set_bool (out, "fallbackAllowed", TRUE);
    return rsp_asn1_encode (out, "");
}

static guint32
bits (const RspAsn1 *in, const char *path)
{
    guint32 mask = 0;
    for (guint i = 0; i < 32; i++)
        if (rsp_asn1_bit (in, path, i))
            mask |= 1u << i;
    return mask;
}

static GBytes *
octets (const RspAsn1 *in, const char *path)
{
    return rsp_asn1_has (in, path) ? rsp_slice_to_bytes (rsp_asn1_octets (in, path)) : NULL;
}

static gboolean
refuse (GError **error, const char *what)
{
    g_set_error (error, RSP_ASN1_ERROR, RSP_ASN1_ERROR_DECODE, "StoreMetadataRequest: %s", what);
    return FALSE;
}

static gboolean
decode_notifications (RspMetadata *m, const RspAsn1 *in, GError **error)
{
    guint n = rsp_asn1_count (in, NOTIFICATIONS);
    if (n > MAX_NOTIFICATIONS)
        return refuse (error, "too many notification addresses");
    for (guint i = 1; i <= n; i++) {
        char path[96];
        g_snprintf (path, sizeof path, NOTIFICATIONS ".?%u.profileManagementOperation", i);
        guint32 events = bits (in, path);
        g_snprintf (path, sizeof path, NOTIFICATIONS ".?%u.notificationAddress", i);
        g_autofree char *address = rsp_asn1_text (in, path);
        rsp_metadata_add_notification (m, events, address);
    }
    return TRUE;
}

static gboolean
decode_into (RspMetadata *m, const RspAsn1 *in, GError **error)
{
    m->iccid = rsp_iccid_from_octets (rsp_asn1_octets (in, "iccid"));
    if (!m->iccid || !rsp_iccid_valid (m->iccid))
        return refuse (error, "iccid is not 18 to 20 digits");
    m->service_provider_name = rsp_asn1_text (in, "serviceProviderName");
    m->profile_name = rsp_asn1_text (in, "profileName");
    m->ecall = rsp_asn1_bool (in, "ecallIndication");
    m->fallback_allowed = rsp_asn1_bool (in, "fallbackAllowed");
    gint64 icon_type = rsp_asn1_int (in, "iconType", -1);
    m->icon = octets (in, "icon");
    if (rsp_asn1_has (in, "iconType") && icon_type != 0 && icon_type != 1)
        return refuse (error, "unknown iconType");
    if (m->icon && icon_type < 0)
        return refuse (error, "icon without iconType");
    m->icon_type = (int)icon_type;
    gint64 profile_class = rsp_asn1_int (in, "profileClass", RSP_CLASS_OPERATIONAL);
    if (profile_class < RSP_CLASS_TEST || profile_class > RSP_CLASS_OPERATIONAL)
        return refuse (error, "unknown profileClass");
    m->profile_class = (RspProfileClass)profile_class;
    m->owner_mcc_mnc = octets (in, "profileOwner.mccMnc");
    m->owner_gid1 = octets (in, "profileOwner.gid1");
    m->owner_gid2 = octets (in, "profileOwner.gid2");
    m->ppr = bits (in, "profilePolicyRules");
    return decode_notifications (m, in, error);
}

RspMetadata *
rsp_metadata_decode (RspSlice bf25, GError **error)
{
    g_autoptr (RspAsn1) in = rsp_asn1_decode_slice ("StoreMetadataRequest", bf25, error);
    if (!in)
        return NULL;
    g_autoptr (RspMetadata) m = rsp_metadata_new ();
    return decode_into (m, in, error) ? g_steal_pointer (&m) : NULL;
}
