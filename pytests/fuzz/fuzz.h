/* A fuzz target: takes any octets, must neither crash nor leak nor hang. Each fuzz-*.c is one. */
#pragma once

#include "sim/core/bytes.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize len);
