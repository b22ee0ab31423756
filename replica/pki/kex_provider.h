// SPDX-License-Identifier: Apache-2.0
// X25519MLKEM768 (RFC 10024) for the TLS servers of an OpenSSL that does not have it: Debian 12's
// 3.0 has the plugs for a KEM as a key exchange, and no KEM. OpenSSL 3.5 has both.
#ifndef BF_REPLICA_PKI_KEX_PROVIDER_H
#define BF_REPLICA_PKI_KEX_PROVIDER_H

// Adds it to OpenSSL's default context, for every SSL_CTX that is made afterwards; once, later
// calls return at once. 1, or 0 with the reason in OpenSSL's error queue. Not thread-safe.
int bf_kex_provider_load(void);

#endif
