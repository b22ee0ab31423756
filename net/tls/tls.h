// SPDX-License-Identifier: Apache-2.0
// TLS 1.3, client side, as a stream over a stream. The server must show a certificate that the
// pinned root signed, for the host that was dialled, for server authentication, and with the role
// that is asked for; docs/tls.md has the profile. Nothing is sent or delivered before that.
//
// Writes are gathered into full records until poll or a full record sends them; memory is bounded:
// one record of plain text, 128 KiB of cipher text. After BF_TLS_RECORDS_MAX records that it sent
// the stream fails as a transient error, since a key must not protect more (RFC 8446,
// 5.5); the session continues over a new connection.
#ifndef BF_NET_TLS_TLS_H
#define BF_NET_TLS_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/stream.h"

#define BF_TLS_RECORDS_MAX  ((uint64_t)1 << 24)
#define BF_TLS_ROLE_SERVER  "bootferry:server"
#define BF_TLS_ROLE_MACHINE "bootferry:machine:" // and the name

struct bf_tls_config {
    const uint8_t *root; // DER; the only certificate that is trusted
    size_t root_len;
    const char *host;           // name or address that was dialled
    const char *role;           // URI that the server's certificate must carry
    const uint8_t *certificate; // DER of our own, NULL when we have none yet
    size_t certificate_len;
    const uint8_t *key; // DER, SEC 1 or PKCS#8
    size_t key_len;
    uint8_t hybrid_only; // X25519MLKEM768 (RFC 10024) and no other key exchange
};

// Takes lower (OPENING or OPEN) over: from success on the TLS stream closes it. After an error it
// is still the caller's. The configuration is copied as far as it is needed. Errors:
// BF_ERR_CONFIG (root, certificate or key cannot be read), BF_ERR_NO_ENTROPY, BF_ERR_NO_MEMORY.
//
// Faults of a stream that FAILED: BF_ERR_AUTH (root, name, role, expired; the server has no hybrid
// key exchange and nothing else is allowed; or the server refused our certificate, which is known
// only when something was read), BF_ERR_CLOCK (not yet valid),
// BF_ERR_PROTOCOL (the peer does not speak TLS 1.3), BF_ERR_NETWORK (cut), or that of lower.
enum bf_err bf_tls_open(struct bf_stream lower, const struct bf_tls_config *config,
                        struct bf_stream *out, struct bf_fault *fault);

// The key exchange: "X25519MLKEM768", "X25519", "P-256" or "P-384"; "" unless open, or not TLS.
const char *bf_tls_group(const struct bf_stream *tls);

// "TLSv1.3 TLS1-3-AES-128-GCM-SHA256 X25519MLKEM768"; empty unless open. For tests.
void bf_tls_describe(const struct bf_stream *tls, char *out, size_t size);

#endif
