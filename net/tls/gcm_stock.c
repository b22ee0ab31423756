// SPDX-License-Identifier: Apache-2.0
// Compiled with BF_GCM_STOCK, so that mbedTLS's header declares the renamed functions here and the
// compiler compares them with ours. Only the size of the context is not a declaration.
#include <mbedtls/gcm.h>

#include "net/tls/gcm_stock.h"

const size_t bf_stock_gcm_size = sizeof(struct bf_stock_gcm_context);
