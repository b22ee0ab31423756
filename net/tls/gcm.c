// SPDX-License-Identifier: Apache-2.0
// mbedTLS's GCM interface (MBEDTLS_GCM_ALT) over two implementations: an engine for whole messages
// where the processor has one, and mbedTLS's own for everything else (other nonce lengths, pieces,
// processors without the instructions). Key material is wiped with the context. NIST SP 800-38D.
#include <mbedtls/gcm.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tls/gcm_engine.h"
#include "net/tls/gcm_stock.h"

static const struct bf_gcm_engine *chosen;
static int choice_made;

void bf_gcm_use(const struct bf_gcm_engine *engine)
{
    chosen = engine;
    choice_made = 1;
}

const struct bf_gcm_engine *bf_gcm_in_use(void)
{
    if (choice_made)
        return chosen;
    for (uint32_t i = 0; !choice_made && bf_gcm_engines[i]; i++)
        if (bf_gcm_engines[i]->supported())
            bf_gcm_use(bf_gcm_engines[i]);
    choice_made = 1;
    bf_log(BF_LOG_INFO, "AES-GCM: %s", chosen ? chosen->name : "no CPU instructions for it");
    return chosen;
}

void mbedtls_gcm_init(mbedtls_gcm_context *ctx)
{
    ctx->engine = NULL;
    ctx->prepared = NULL;
    ctx->stock = NULL;
}

void mbedtls_gcm_free(mbedtls_gcm_context *ctx)
{
    if (!ctx)
        return;
    BF_ASSERT(!ctx->prepared || ctx->engine);
    if (ctx->prepared)
        bf_wipe(ctx->prepared, ctx->engine->key_size);
    bf_free(ctx->prepared);
    if (ctx->stock)
        bf_stock_gcm_free(ctx->stock); // wipes
    bf_free(ctx->stock);
    mbedtls_gcm_init(ctx);
}

static int prepare_engine(mbedtls_gcm_context *ctx, const unsigned char *key, unsigned int keybits)
{
    const struct bf_gcm_engine *engine = bf_gcm_in_use();
    BF_ASSERT(!ctx->engine && !ctx->prepared);
    BF_ASSERT(keybits == 128 || keybits == 192 || keybits == 256);
    if (!engine)
        return 0;
    ctx->prepared = bf_alloc(engine->key_size);
    if (!ctx->prepared)
        return MBEDTLS_ERR_CIPHER_ALLOC_FAILED;
    BF_ASSERT((uintptr_t)ctx->prepared % 16 == 0);
    ctx->engine = engine;
    engine->prepare(ctx->prepared, key, keybits);
    return 0;
}

int mbedtls_gcm_setkey(mbedtls_gcm_context *ctx, mbedtls_cipher_id_t cipher,
                       const unsigned char *key, unsigned int keybits)
{
    mbedtls_gcm_free(ctx);
    ctx->stock = bf_alloc(bf_stock_gcm_size);
    if (!ctx->stock)
        return MBEDTLS_ERR_CIPHER_ALLOC_FAILED;
    bf_stock_gcm_init(ctx->stock);
    int r = bf_stock_gcm_setkey(ctx->stock, cipher, key, keybits);
    if (r == 0 && cipher == MBEDTLS_CIPHER_ID_AES)
        r = prepare_engine(ctx, key, keybits);
    return r;
}

// NIST SP 800-38D, 5.2.1.1: limits of one message.
static int engine_takes(const mbedtls_gcm_context *ctx, size_t length, size_t iv_len,
                        size_t add_len, size_t tag_len)
{
    BF_ASSERT(ctx->stock); // a key was set
    BF_ASSERT(!ctx->engine || ctx->prepared);
    return ctx->engine && iv_len == BF_GCM_NONCE && tag_len >= 4 && tag_len <= BF_GCM_TAG &&
           length <= ((uint64_t)1 << 36) - 32 && add_len < (uint64_t)1 << 61;
}

int mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context *ctx, int mode, size_t length,
                              const unsigned char *iv, size_t iv_len, const unsigned char *add,
                              size_t add_len, const unsigned char *input, unsigned char *output,
                              size_t tag_len, unsigned char *tag)
{
    uint8_t whole[BF_GCM_TAG];
    if (!engine_takes(ctx, length, iv_len, add_len, tag_len))
        return bf_stock_gcm_crypt_and_tag(ctx->stock, mode, length, iv, iv_len, add, add_len, input,
                                          output, tag_len, tag);
    BF_ASSERT(bf_gcm_is_apart(input, output, length));
    if (mode == MBEDTLS_GCM_ENCRYPT)
        ctx->engine->seal(ctx->prepared, iv, add, add_len, input, output, length, whole);
    else
        ctx->engine->open(ctx->prepared, iv, add, add_len, input, output, length, whole);
    for (size_t i = 0; i < tag_len; i++)
        tag[i] = whole[i];
    bf_wipe(whole, sizeof whole);
    return 0;
}

int mbedtls_gcm_auth_decrypt(mbedtls_gcm_context *ctx, size_t length, const unsigned char *iv,
                             size_t iv_len, const unsigned char *add, size_t add_len,
                             const unsigned char *tag, size_t tag_len, const unsigned char *input,
                             unsigned char *output)
{
    uint8_t whole[BF_GCM_TAG];
    if (!engine_takes(ctx, length, iv_len, add_len, tag_len))
        return bf_stock_gcm_auth_decrypt(ctx->stock, length, iv, iv_len, add, add_len, tag, tag_len,
                                         input, output);
    BF_ASSERT(bf_gcm_is_apart(input, output, length));
    ctx->engine->open(ctx->prepared, iv, add, add_len, input, output, length, whole);
    int equal = bf_equal_secret(whole, tag, tag_len);
    bf_wipe(whole, sizeof whole);
    if (equal)
        return 0;
    bf_wipe(output, length);
    return MBEDTLS_ERR_GCM_AUTH_FAILED;
}

int mbedtls_gcm_starts(mbedtls_gcm_context *ctx, int mode, const unsigned char *iv, size_t iv_len)
{
    BF_ASSERT(ctx->stock);
    return bf_stock_gcm_starts(ctx->stock, mode, iv, iv_len);
}

int mbedtls_gcm_update_ad(mbedtls_gcm_context *ctx, const unsigned char *add, size_t add_len)
{
    return bf_stock_gcm_update_ad(ctx->stock, add, add_len);
}

int mbedtls_gcm_update(mbedtls_gcm_context *ctx, const unsigned char *input, size_t input_length,
                       unsigned char *output, size_t output_size, size_t *output_length)
{
    return bf_stock_gcm_update(ctx->stock, input, input_length, output, output_size, output_length);
}

int mbedtls_gcm_finish(mbedtls_gcm_context *ctx, unsigned char *output, size_t output_size,
                       size_t *output_length, unsigned char *tag, size_t tag_len)
{
    return bf_stock_gcm_finish(ctx->stock, output, output_size, output_length, tag, tag_len);
}
