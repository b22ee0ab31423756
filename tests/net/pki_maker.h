// SPDX-License-Identifier: Apache-2.0
// Makes roots and certificates with OpenSSL for tests, good ones and wrong ones.
#ifndef BF_TESTS_PKI_MAKER_H
#define BF_TESTS_PKI_MAKER_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

struct test_pair {
    X509 *certificate;
    EVP_PKEY *key;
};

struct test_profile {
    const char *subject; // common name
    const char *names;   // subjectAltName as OpenSSL writes it, NULL for none
    const char *usage;   // extendedKeyUsage, NULL for none
    int64_t from, to;    // seconds relative to now
    EVP_PKEY *key;       // NULL: a new P-256 key
};

// A private root, valid from two days ago for ten years.
struct test_pair test_root(const char *subject);

// Signed by the root; owned by the caller (X509_free, EVP_PKEY_free).
struct test_pair test_issue(const struct test_pair *root, const struct test_profile *profile);

// A good server for "server.test", 127.0.0.1 and ::1; a good machine called name.
struct test_pair test_server(const struct test_pair *root);
struct test_pair test_machine(const struct test_pair *root, const char *name);

void test_pair_free(struct test_pair *pair);

// DER into out (room for size); the length.
size_t test_certificate_der(const struct test_pair *pair, uint8_t *out, size_t size);
size_t test_key_der(const struct test_pair *pair, uint8_t *out, size_t size);

#endif
