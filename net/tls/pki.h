// SPDX-License-Identifier: Apache-2.0
// What is read out of certificates: validity, roles, and whether a key or a root belongs to one.
// The profile is in docs/tls.md. Input is hostile.
#ifndef BF_NET_TLS_PKI_H
#define BF_NET_TLS_PKI_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bf_pki_info {
    int64_t not_before, not_after; // seconds since 1970 UTC
    uint8_t is_ca;
    uint8_t is_server;   // role bootferry:server
    uint8_t server_auth; // extended key usage, said explicitly
    uint8_t client_auth;
    char machine[64]; // NAME of the role bootferry:machine:NAME, empty without one
    char subject[96]; // for the operator
};

// BF_ERR_CORRUPT: not exactly one well-formed DER certificate, or contradicting roles.
enum bf_err bf_pki_read(const uint8_t *der, size_t len, struct bf_pki_info *out);

// BF_OK when the private key belongs to the certificate, BF_ERR_MISMATCH when not, BF_ERR_CORRUPT
// when one of them cannot be read.
enum bf_err bf_pki_key_fits(const uint8_t *certificate, size_t certificate_len, const uint8_t *key,
                            size_t key_len);

// BF_OK when the root signed the certificate (times are not judged), else BF_ERR_AUTH.
enum bf_err bf_pki_signed_by(const uint8_t *certificate, size_t certificate_len,
                             const uint8_t *root, size_t root_len);

#endif
