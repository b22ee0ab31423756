// SPDX-License-Identifier: Apache-2.0
// mbedTLS's surroundings. Random numbers come from one CTR_DRBG (NIST SP 800-90A, AES-256) that
// is seeded and reseeded from bf_platform_entropy and from nothing else; firmware's generator can
// be slow, and one that fails later must not go unnoticed: then the draw fails.
#include "net/tls/mbedtls_port.h"

#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/platform.h"
#include "net/tls/utc.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

static mbedtls_ctr_drbg_context generator;
static int started;

static int platform_entropy(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    return bf_platform_entropy(out, len) == BF_OK ? 0 : MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
}

enum bf_err bf_crypto_start(void)
{
    static const char purpose[] = "bootferry";
    if (started)
        return BF_OK;
    mbedtls_ctr_drbg_init(&generator);
    int r = mbedtls_ctr_drbg_seed(&generator, platform_entropy, NULL,
                                  (const unsigned char *)purpose, sizeof purpose - 1);
    if (r != 0) {
        mbedtls_ctr_drbg_free(&generator);
        return bf_crypto_err(r);
    }
    started = 1; // psa_crypto_init draws from it
    psa_status_t status = psa_crypto_init();
    if (status == PSA_SUCCESS)
        return BF_OK;
    started = 0;
    mbedtls_ctr_drbg_free(&generator);
    return status == PSA_ERROR_INSUFFICIENT_MEMORY ? BF_ERR_NO_MEMORY : BF_ERR_NO_ENTROPY;
}

int bf_crypto_random(void *unused, unsigned char *out, size_t len)
{
    (void)unused;
    if (!started)
        return MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
    while (len > 0) {
        size_t part = len < MBEDTLS_CTR_DRBG_MAX_REQUEST ? len : MBEDTLS_CTR_DRBG_MAX_REQUEST;
        int r = mbedtls_ctr_drbg_random(&generator, out, part);
        if (r != 0)
            return r;
        out += part;
        len -= part;
    }
    return 0;
}

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                             uint8_t *output, size_t output_size,
                                             size_t *output_length)
{
    (void)context;
    if (bf_crypto_random(NULL, output, output_size) != 0)
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    *output_length = output_size;
    return PSA_SUCCESS;
}

enum bf_err bf_crypto_err(int code)
{
    switch (code) {
    case 0:
        return BF_OK;
    case MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED:
        return BF_ERR_NO_ENTROPY;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_ECP_ALLOC_FAILED:
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
    case MBEDTLS_ERR_ASN1_ALLOC_FAILED:
    case MBEDTLS_ERR_MD_ALLOC_FAILED:
    case MBEDTLS_ERR_CIPHER_ALLOC_FAILED:
        return BF_ERR_NO_MEMORY;
    default:
        return BF_ERR_CORRUPT;
    }
}

void *bf_mbedtls_calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return bf_alloc(count * size);
}

int64_t bf_mbedtls_time(int64_t *out)
{
    int64_t now = bf_platform_wall();
    if (out)
        *out = now;
    return now;
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *seconds, struct tm *out)
{
    int32_t year;
    uint32_t month, day;
    int64_t days = *seconds / 86400, rest = *seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    bf_civil_from_days(days, &year, &month, &day);
    BF_ASSERT(rest >= 0 && rest < 86400 && month >= 1 && month <= 12);
    memset(out, 0, sizeof *out);
    out->tm_year = year - 1900;
    out->tm_mon = (int)month - 1;
    out->tm_mday = (int)day;
    out->tm_hour = (int)(rest / 3600);
    out->tm_min = (int)(rest / 60 % 60);
    out->tm_sec = (int)(rest % 60);
    return out;
}
