// SPDX-License-Identifier: Apache-2.0
// The context that mbedTLS's GCM functions get when MBEDTLS_GCM_ALT is set; see net/tls/gcm.c. The
// typedef is mbedTLS's convention, the name of this file too.
#ifndef BF_NET_TLS_GCM_ALT_H
#define BF_NET_TLS_GCM_ALT_H

struct bf_gcm_engine;
struct bf_stock_gcm_context;

typedef struct mbedtls_gcm_context {
    const struct bf_gcm_engine *engine; // NULL: only the stock one can this key
    void *prepared;
    struct bf_stock_gcm_context *stock;
} mbedtls_gcm_context;

#endif
