// SPDX-License-Identifier: Apache-2.0
// What mbedTLS needs of its surroundings: memory, time and random numbers. Included by its
// configuration, so it must stay free of mbedTLS's own headers.
#ifndef BF_NET_TLS_MBEDTLS_PORT_H
#define BF_NET_TLS_MBEDTLS_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Seeds the random generator from the platform and starts PSA; once, later calls return at once.
// BF_ERR_NO_ENTROPY: nothing that needs a key may be done.
enum bf_err bf_crypto_start(void);

// mbedTLS's f_rng over that generator; fails before bf_crypto_start.
int bf_crypto_random(void *unused, unsigned char *out, size_t len);

// The program's meaning of an mbedTLS code where it does not depend on the place.
enum bf_err bf_crypto_err(int code);

void *bf_mbedtls_calloc(size_t count, size_t size);
int64_t bf_mbedtls_time(int64_t *out);

#endif
