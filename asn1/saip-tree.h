/* Packages as trees: the `elements:` of a description, which say each TLV by its ASN.1 name
 * (docs/profiles.md). A tree is what the YAML reader makes, so that a package and a file of text
 * come to the same; whatever the names cannot say is kept as `raw`, so that nothing is lost. */
#pragma once

#include "asn1/saip.h"

/* {elements: […]}; NULL where no element can be told from the next. (transfer full) (nullable) */
RspYaml *rsp_saip_tree (RspSlice upp, GError **error);
/* The octets that the `elements` of DOC say, right or wrong: rsp_saip_check is the judge.
 * (transfer full) (nullable) */
GBytes *rsp_saip_encode (const RspYaml *doc, GError **error);
/* Where DOC says the octet at OFFSET of those: the value of MEMBER (nullable) in the element, or of
 * the element. (transfer none) (nullable) */
const RspYaml *rsp_saip_place (const RspYaml *doc, gsize offset, const char *member);
/* Components of an element behind its PE header, by ASN.1 name; not for elements of files. */
gboolean rsp_saip_encode_fields (guint32 tag, const RspYaml *map, GByteArray *out, GError **error);
/* TREE as text that the YAML reader takes. (transfer full) */
char *rsp_saip_tree_text (const RspYaml *tree);
/* Differences as "element 8 usim (identification 8): ef-imsi: …", none: an empty array.
 * (transfer full) (element-type utf8) */
GPtrArray *rsp_saip_tree_diff (const RspYaml *a, const RspYaml *b);
