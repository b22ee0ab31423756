// SPDX-License-Identifier: Apache-2.0
// The key exchanges of the server (docs/tls.md): X25519MLKEM768 (RFC 10024), X25519, P-256, P-384.
// The hybrid one is OpenSSL's own from 3.5 on, and ours before (kex_provider.h).
#ifndef BF_REPLICA_PKI_KEX_H
#define BF_REPLICA_PKI_KEX_H

#define BF_KEX_HYBRID_NAME "X25519MLKEM768"

struct ssl_ctx_st;

// A TLS server's context with these groups and nothing else set up; SSL_CTX_free ends it. NULL with
// the reason in OpenSSL's error queue. *hybrid: 0 when this OpenSSL takes no hybrid group in any
// way; the others are there then. Not thread-safe.
struct ssl_ctx_st *bf_kex_context(int *hybrid);

// Has the server of this program, on this machine, the hybrid group?
int bf_kex_has_hybrid(void);

#endif
