// SPDX-License-Identifier: Apache-2.0
// Certificates in terms of OpenSSL, for the two users of that library: pki.c and tls.c.
#ifndef BF_REPLICA_PKI_X509_H
#define BF_REPLICA_PKI_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "replica/pki/ca.h"

struct bf_x509_wish {
    const char *common_name;
    const char *role;                        // URI of the subject's names, NULL for a root
    const struct bf_ca_addresses *addresses; // further names, or NULL
    EVP_PKEY *key;                           // the subject's
    X509 *issuer;                            // NULL: signed by its own key
    EVP_PKEY *issuer_key;
    const char *usage;    // keyUsage, in OpenSSL's configuration syntax
    const char *extended; // extendedKeyUsage, or NULL
    const char *basic;    // basicConstraints
};
// A new certificate with a random serial number, dated back two days; NULL on failure.
X509 *bf_x509_make(const struct bf_x509_wish *wish);

EVP_PKEY *bf_x509_new_key(void); // P-256
int bf_x509_is_p256(const EVP_PKEY *key);

int bf_x509_serial(const X509 *certificate, char out[BF_CA_SERIAL_MAX]);

// The URI among the subject's names that begins with "bootferry:"; 0 unless there is exactly one.
int bf_x509_role(const X509 *certificate, char *out, size_t size);

// The DNS names and IP addresses in order.
int bf_x509_addresses(const X509 *certificate, struct bf_ca_addresses *out);

// Why OpenSSL failed last in this thread, in words, and forgets it; the codes go to the debug log.
const char *bf_openssl_reason(void);

#endif
