/* What `rspsim decode` found: a tree of named values, rendered as indented text or JSON. Texts are
 * safe to print: whoever makes an item escapes what came from a message. Internal to asn1/. */
#pragma once

#include "sim/core/bytes.h"

typedef struct _RspItem RspItem;

RspItem *rsp_item_new (const char *name);
void rsp_item_free (RspItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspItem, rsp_item_free)
RspItem *rsp_item_add (RspItem *parent, const char *name); /* (transfer none) */
/* TAG as hex; 0: none. */
void rsp_item_set_tag (RspItem *item, guint32 tag);
void rsp_item_set (RspItem *item, const char *format, ...) G_GNUC_PRINTF (2, 3);
void rsp_item_set_hex (RspItem *item, RspSlice octets); /* cut where it gets long */
void rsp_item_set_text (RspItem *item, RspSlice text);  /* escaped, in quotation marks */
const RspItem *rsp_item_only_child (const RspItem *item);
/* FALSE once the tree is so large that nothing more goes in. */
gboolean rsp_item_has_room (const RspItem *item);

char *rsp_item_text (const RspItem *item); /* (transfer full) */
char *rsp_item_json (const RspItem *item); /* (transfer full) */
