/* Profile Metadata: StoreMetadataRequest (BF25), SGP.22 5.5.3, and its use in ProfileInfo. */
#pragma once

#include "sim/core/bytes.h"

typedef enum {
    RSP_CLASS_TEST = 0,
    RSP_CLASS_PROVISIONING = 1,
    RSP_CLASS_OPERATIONAL = 2
} RspProfileClass;
#define RSP_EVENT_INSTALL (1u << 0) /* bit 0 of NotificationEvent, as rsp_asn1_set_bits counts */
#define RSP_EVENT_ENABLE (1u << 1)
#define RSP_EVENT_DISABLE (1u << 2)
#define RSP_EVENT_DELETE (1u << 3)
#define RSP_PPR_UPDATE_CONTROL (1u << 0)
#define RSP_PPR1 (1u << 1)
#define RSP_PPR2 (1u << 2)

typedef struct {
    guint32 events;
    char *address;
} RspNotificationConfig;

typedef struct {
    char *iccid; /* digits */
    char *service_provider_name, *profile_name;
    int icon_type; /* -1 none, 0 jpg, 1 png */
    GBytes *icon;
    RspProfileClass profile_class;
    GArray *notifications;                           /* of RspNotificationConfig */
    GBytes *owner_mcc_mnc, *owner_gid1, *owner_gid2; /* NULL: absent */
    gboolean ecall, fallback_allowed;                /* SGP.32; FALSE: left out */
    guint32 ppr;                                     /* RSP_PPR… mask; 0: left out */
} RspMetadata;

RspMetadata *rsp_metadata_new (void);
RspMetadata *rsp_metadata_copy (const RspMetadata *m);
void rsp_metadata_free (RspMetadata *m);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspMetadata, rsp_metadata_free)
void rsp_metadata_add_notification (RspMetadata *m, guint32 events, const char *address);
GBytes *rsp_metadata_encode (const RspMetadata *m);               /* BF25. (transfer full) */
RspMetadata *rsp_metadata_decode (RspSlice bf25, GError **error); /* sizes enforced */
