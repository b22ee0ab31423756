// SPDX-License-Identifier: Apache-2.0
// Enrolment: a machine that has only an enrolment key makes its private key, asks the server for a
// certificate with it, and checks what it gets. The private key never leaves the machine's memory.
#ifndef BF_NET_TLS_ENROL_H
#define BF_NET_TLS_ENROL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/stream.h"

enum { BF_ENROL_KEY_MAX = 256, BF_ENROL_CSR_MAX = 1024, BF_ENROL_CERTIFICATE_MAX = 8192 };

struct bf_identity {
    uint8_t key[BF_ENROL_KEY_MAX]; // SEC 1, DER
    size_t key_len;
    uint8_t certificate[BF_ENROL_CERTIFICATE_MAX]; // DER
    size_t certificate_len;
};

// A new P-256 key into identity->key. BF_ERR_NO_ENTROPY, BF_ERR_NO_MEMORY.
enum bf_err bf_enrol_new_key(struct bf_identity *identity);

// A PKCS#10 request (RFC 2986, DER) for CN=name signed by the key; *len gets its length.
enum bf_err bf_enrol_request(const struct bf_identity *identity, const char *name,
                             uint8_t csr[BF_ENROL_CSR_MAX], size_t *len);

// Judges a certificate that the server gave: for this key, from this root, with the role
// bootferry:machine:name, for client authentication. BF_ERR_AUTH with a fault otherwise.
enum bf_err bf_enrol_accept(struct bf_identity *identity, const char *name, const uint8_t *root,
                            size_t root_len, const uint8_t *certificate, size_t certificate_len,
                            struct bf_fault *fault);

// The exchange over an OPENING or OPEN stream to the server without a client certificate: makes a
// key, sends ENROL, waits for ENROLLED (net/proto/proto.h). The stream stays the caller's.
struct bf_enroller;
struct bf_enroller *bf_enroller_new(struct bf_stream stream, const char *name,
                                    const uint8_t enrol_key[32], const uint8_t *root,
                                    size_t root_len); // NULL without memory; root is kept
// BF_AGAIN: go on; BF_OK: the identity is complete; else failed, *fault says why.
enum bf_err bf_enroller_step(struct bf_enroller *e, struct bf_fault *fault);
const struct bf_identity *bf_enroller_identity(const struct bf_enroller *e);
void bf_enroller_free(struct bf_enroller *e); // wipes; takes NULL

#endif
