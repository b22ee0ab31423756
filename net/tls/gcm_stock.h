// SPDX-License-Identifier: Apache-2.0
// mbedTLS's own GCM under other names (net/mbedtls_config.h). net/tls/gcm_stock.c proves at compile
// time that these declarations are those of mbedTLS.
#ifndef BF_NET_TLS_GCM_STOCK_H
#define BF_NET_TLS_GCM_STOCK_H

#include <stddef.h>

#include <mbedtls/cipher.h>

struct bf_stock_gcm_context;
extern const size_t bf_stock_gcm_size;

void bf_stock_gcm_init(struct bf_stock_gcm_context *ctx);
int bf_stock_gcm_setkey(struct bf_stock_gcm_context *ctx, mbedtls_cipher_id_t cipher,
                        const unsigned char *key, unsigned int keybits);
int bf_stock_gcm_crypt_and_tag(struct bf_stock_gcm_context *ctx, int mode, size_t length,
                               const unsigned char *iv, size_t iv_len, const unsigned char *add,
                               size_t add_len, const unsigned char *input, unsigned char *output,
                               size_t tag_len, unsigned char *tag);
int bf_stock_gcm_auth_decrypt(struct bf_stock_gcm_context *ctx, size_t length,
                              const unsigned char *iv, size_t iv_len, const unsigned char *add,
                              size_t add_len, const unsigned char *tag, size_t tag_len,
                              const unsigned char *input, unsigned char *output);
int bf_stock_gcm_starts(struct bf_stock_gcm_context *ctx, int mode, const unsigned char *iv,
                        size_t iv_len);
int bf_stock_gcm_update_ad(struct bf_stock_gcm_context *ctx, const unsigned char *add,
                           size_t add_len);
int bf_stock_gcm_update(struct bf_stock_gcm_context *ctx, const unsigned char *input,
                        size_t input_length, unsigned char *output, size_t output_size,
                        size_t *output_length);
int bf_stock_gcm_finish(struct bf_stock_gcm_context *ctx, unsigned char *output, size_t output_size,
                        size_t *output_length, unsigned char *tag, size_t tag_len);
void bf_stock_gcm_free(struct bf_stock_gcm_context *ctx);

#endif
