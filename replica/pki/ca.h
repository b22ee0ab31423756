// SPDX-License-Identifier: Apache-2.0
// The private certificate authority of one replica server: a root (P-256), the server's own
// certificate with all its names and addresses, and one client certificate per medium or
// enrolment. Certificates are dated back two days and live long: what ends one is the revocation
// in the server's database, so a wrong clock on an old machine does not lock it out.
//
// Files in the folder pki/ of the state: root.key and server.key (PEM, 0600), root.pem, server.pem.
// The server certificate is the only place where the addresses are kept, in init's order.
// docs/tls.md has the profile of the certificates.
#ifndef BF_REPLICA_PKI_CA_H
#define BF_REPLICA_PKI_CA_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"

enum {
    BF_CA_ADDRESS_MAX = 256,
    BF_CA_DER_MAX = BF_CONFIG_DER_MAX, // what a medium's configuration can carry
    BF_CA_SERIAL_MAX = 41,             // 20 bytes in hexadecimal and a NUL
    BF_CA_CSR_MAX = 4096,
};

struct bf_ca_addresses {
    uint32_t count;
    char text[BF_CONFIG_SERVERS][BF_CA_ADDRESS_MAX]; // host names or IP addresses, no brackets
};
// Parses HOST-OR-IP[,...]. BF_ERR_CONFIG with the offending part.
enum bf_err bf_ca_addresses_parse(struct bf_ca_addresses *out, const char *list,
                                  struct bf_fault *fault);

struct bf_ca_certificate {
    uint8_t der[BF_CA_DER_MAX];
    uint32_t len;
    char serial[BF_CA_SERIAL_MAX]; // lower-case hexadecimal
    uint8_t fingerprint[32];       // SHA-256 of the DER, by which the database knows it
    int64_t not_before, not_after; // seconds since 1970 UTC
};
struct bf_ca_identity {
    struct bf_ca_certificate certificate;
    uint8_t key[512]; // SEC1, DER; secret: wipe after use
    uint32_t key_len;
};

struct bf_ca;

// Makes root and server certificate in state/pki. Appears completely or not at all; BF_ERR_EXISTS
// when there is one, which is never touched.
enum bf_err bf_ca_create(const char *state, const struct bf_ca_addresses *addresses,
                         struct bf_fault *fault);
// BF_ERR_NOT_FOUND when init has not been run. Checks that keys and certificates belong together.
enum bf_err bf_ca_open(struct bf_ca **out, const char *state, struct bf_fault *fault);
void bf_ca_close(struct bf_ca *ca); // takes NULL

enum bf_err bf_ca_addresses(const struct bf_ca *ca, struct bf_ca_addresses *out,
                            struct bf_fault *fault);
// Adds what is missing at the end and issues a new server certificate for the same key, if anything
// was; *added counts. BF_ERR_LIMIT beyond BF_CONFIG_SERVERS.
enum bf_err bf_ca_add_addresses(struct bf_ca *ca, const struct bf_ca_addresses *more,
                                uint32_t *added, struct bf_fault *fault);

enum bf_err bf_ca_root(const struct bf_ca *ca, struct bf_ca_certificate *out,
                       struct bf_fault *fault);
enum bf_err bf_ca_server(const struct bf_ca *ca, struct bf_ca_certificate *out,
                         struct bf_fault *fault);

// A new key and its certificate for the machine.
enum bf_err bf_ca_issue(struct bf_ca *ca, const char *name, struct bf_ca_identity *out,
                        struct bf_fault *fault);
// A certificate for the key in a PKCS#10 request. Of the request only the key is taken, and only if
// it is a P-256 key that signed the request; everything else comes from the server's knowledge.
enum bf_err bf_ca_enrol(struct bf_ca *ca, const char *name, const uint8_t *csr, size_t csr_len,
                        struct bf_ca_certificate *out, struct bf_fault *fault);

// What certificates and enrolment keys are known by.
void bf_ca_sha256(const void *bytes, size_t len, uint8_t out[32]);

#endif
