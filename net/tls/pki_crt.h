// SPDX-License-Identifier: Apache-2.0
// Questions about a parsed certificate, for the files that know mbedTLS.
#ifndef BF_NET_TLS_PKI_CRT_H
#define BF_NET_TLS_PKI_CRT_H

#include <stddef.h>
#include <stdint.h>

#include <mbedtls/x509_crt.h>

// The one URI of the subject's alternative names (RFC 5280, 4.2.1.6) that is a role of this program
// equals the text. Two roles contradict each other: then it has none.
int bf_pki_has_role(const mbedtls_x509_crt *crt, const char *role);

// The extended key usage is present and lists this purpose; its absence is not enough.
int bf_pki_is_for(const mbedtls_x509_crt *crt, const char *oid, size_t oid_len);

int64_t bf_pki_seconds(const mbedtls_x509_time *t);

#endif
