/* The tables made from saip-templates.tsv, for saip.c alone. */
#pragma once

#include "asn1/saip.h"

extern const RspSaipElementType rsp_saip_element_types[];     /* ended by tag 0 */
extern const RspSaipTemplate *const rsp_saip_template_list[]; /* NULL-terminated */
