// SPDX-License-Identifier: Apache-2.0
// Speed of AES-GCM on this processor in records of TLS size, beside OpenSSL in the same run. Prints
// numbers and one line "ok"; nothing is judged by time.
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/gcm.h>
#include "net/tls/gcm_engine.h"

enum { RECORD = 16384, SECONDS_TENTHS = 3 };

static uint8_t key[32], iv[12], tag[16], buffer[RECORD + 32];

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double mbedtls_rate(uint32_t key_bits, int mode)
{
    mbedtls_gcm_context ctx;
    mbedtls_gcm_init(&ctx);
    if (mbedtls_gcm_setkey(&ctx, MBEDTLS_CIPHER_ID_AES, key, key_bits) != 0)
        return 0;
    double start = cpu_seconds(), spent = 0;
    uint64_t bytes = 0;
    while ((spent = cpu_seconds() - start) < SECONDS_TENTHS / 10.0) {
        for (int i = 0; i < 64; i++, bytes += RECORD)
            mbedtls_gcm_crypt_and_tag(&ctx, mode, RECORD, iv, 12, iv, 5, buffer, buffer, 16, tag);
    }
    mbedtls_gcm_free(&ctx);
    return (double)bytes / spent / 1e9;
}

static double openssl_rate(const EVP_CIPHER *cipher)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    double start = cpu_seconds(), spent = 0;
    uint64_t bytes = 0;
    int n;
    EVP_EncryptInit_ex(ctx, cipher, NULL, key, iv);
    while ((spent = cpu_seconds() - start) < SECONDS_TENTHS / 10.0) {
        for (int i = 0; i < 64; i++, bytes += RECORD) {
            EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv);
            EVP_EncryptUpdate(ctx, NULL, &n, iv, 5);
            EVP_EncryptUpdate(ctx, buffer, &n, buffer, RECORD);
            EVP_EncryptFinal_ex(ctx, buffer + n, &n);
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, tag);
        }
    }
    EVP_CIPHER_CTX_free(ctx);
    return (double)bytes / spent / 1e9;
}

static void show(const char *name)
{
    printf(
        "AES-GCM, 16 KiB, GB/s of CPU time, %-16s 128 seal %5.2f open %5.2f   256 seal %5.2f open "
        "%5.2f\n",
        name, mbedtls_rate(128, MBEDTLS_GCM_ENCRYPT), mbedtls_rate(128, MBEDTLS_GCM_DECRYPT),
        mbedtls_rate(256, MBEDTLS_GCM_ENCRYPT), mbedtls_rate(256, MBEDTLS_GCM_DECRYPT));
}

int main(void)
{
    for (uint32_t i = 0; bf_gcm_engines[i]; i++) {
        if (!bf_gcm_engines[i]->supported())
            continue;
        bf_gcm_use(bf_gcm_engines[i]);
        show(bf_gcm_engines[i]->name);
    }
    bf_gcm_use(NULL);
    show("mbedTLS's own");
    printf("AES-GCM, 16 KiB, GB/s of CPU time, %-16s 128 seal %5.2f              256 seal %5.2f\n",
           "OpenSSL", openssl_rate(EVP_aes_128_gcm()), openssl_rate(EVP_aes_256_gcm()));
    puts("ok bench_gcm");
    return 0;
}
