// SPDX-License-Identifier: Apache-2.0
// What a failed handshake means for an operator: which side, and what to do.
#ifndef BF_NET_TLS_FAULT_H
#define BF_NET_TLS_FAULT_H

#include <stdint.h>

#include "base/err.h"

// What was found wrong with the server's certificate while it was judged.
struct bf_tls_verdict {
    uint32_t flags;     // MBEDTLS_X509_BADCERT_*
    uint8_t wrong_role; // the role or the purpose is not the one asked for
    int64_t bound;      // the end or the beginning of validity that was not kept
};

// From mbedTLS's verification result. host is the name that was dialled.
enum bf_err bf_tls_verify_fault(struct bf_fault *fault, const struct bf_tls_verdict *verdict,
                                const char *host, const char *role);

// From an alert of the peer (RFC 8446, 6.2).
enum bf_err bf_tls_alert_fault(struct bf_fault *fault, uint8_t alert, const char *host);

// The server has no X25519MLKEM768, and nothing else is allowed.
enum bf_err bf_tls_hybrid_fault(struct bf_fault *fault, const char *host);

// From any other mbedTLS code; opening: during the handshake.
enum bf_err bf_tls_code_fault(struct bf_fault *fault, int code, int opening, const char *host);

#endif
