// SPDX-License-Identifier: Apache-2.0
// For an architecture without GCM engines: mbedTLS's own is used.
#include <stddef.h>

#include "net/tls/gcm_engine.h"

const struct bf_gcm_engine *const bf_gcm_engines[] = {NULL};
