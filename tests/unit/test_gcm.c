// SPDX-License-Identifier: Apache-2.0
// AES-GCM: the vectors of McGrew and Viega, and every length from 0 to 4096 against OpenSSL, with
// each engine and with mbedTLS's own, in place and not, at all alignments, and with bad tags.
#include <openssl/evp.h>

#include <mbedtls/gcm.h>
#include "base/bytes.h"
#include "net/tls/gcm_engine.h"
#include "tests/unit/test.h"

enum { MOST = 4096, ROOM = MOST + 64 };

static const char *const KEY16 = "feffe9928665731c6d6a8f9467308308";
static const char *const KEY24 = "feffe9928665731c6d6a8f9467308308feffe9928665731c";
static const char *const KEY32 = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char *const TEXT60 = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char *const TEXT64 =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
static const char *const IV = "cafebabefacedbaddecaf888";
static const char *const AAD = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char *const ZERO12 = "000000000000000000000000";
static const char *const ZERO16 = "00000000000000000000000000000000";
static const char *const ZERO32 =
    "0000000000000000000000000000000000000000000000000000000000000000";

struct vector {
    int number; // of the test case in "The Galois/Counter Mode of Operation", appendix B
    const char *const *key, *const *iv, *const *aad, *const *text;
    const char *cipher, *tag;
};

static const char *const NONE = "";
static const char *const IV8 = "cafebabefacedbad";
static const struct vector vectors[] = {
    {1, &ZERO16, &ZERO12, &NONE, &NONE, "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {2, &ZERO16, &ZERO12, &NONE, &ZERO16, "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {3, &KEY16, &IV, &NONE, &TEXT64,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {4, &KEY16, &IV, &AAD, &TEXT60,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {5, &KEY16, &IV8, &AAD, &TEXT60,
     "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
     "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
     "3612d2e79e3b0785561be14aaca2fccb"},
    {10, &KEY24, &IV, &AAD, &TEXT60,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
     "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {13, &ZERO32, &ZERO12, &NONE, &NONE, "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {14, &ZERO32, &ZERO12, &NONE, &ZERO16, "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {16, &KEY32, &IV, &AAD, &TEXT60,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static size_t unhex(const char *text, uint8_t *out)
{
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len; i++)
        sscanf(text + 2 * i, "%2hhx", &out[i]);
    return len;
}

static uint64_t seed = 0x62662d67636d;
static uint8_t draw(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(seed >> 56);
}

static void fill(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = draw();
}

// Runs one check with every implementation that this processor can run, each forced in turn.
static void with_each(void (*check)(void))
{
    for (uint32_t i = 0; bf_gcm_engines[i]; i++) {
        if (!bf_gcm_engines[i]->supported())
            continue;
        bf_gcm_use(bf_gcm_engines[i]);
        check();
    }
    bf_gcm_use(NULL);
    check();
}

static void check_vectors(void)
{
    for (size_t i = 0; i < BF_COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        uint8_t key[32], iv[16], aad[32], text[64], want[64], tag[16], got[64], made[16];
        size_t key_len = unhex(*v->key, key), iv_len = unhex(*v->iv, iv);
        size_t aad_len = unhex(*v->aad, aad), len = unhex(*v->text, text);
        unhex(v->cipher, want);
        unhex(v->tag, tag);
        mbedtls_gcm_context ctx;
        mbedtls_gcm_init(&ctx);
        CHECK_EQ(mbedtls_gcm_setkey(&ctx, MBEDTLS_CIPHER_ID_AES, key, (unsigned)key_len * 8), 0);
        CHECK_EQ(mbedtls_gcm_crypt_and_tag(&ctx, MBEDTLS_GCM_ENCRYPT, len, iv, iv_len, aad, aad_len,
                                           text, got, sizeof made, made),
                 0);
        CHECK_MEM(got, want, len);
        CHECK_MEM(made, tag, 16);
        CHECK_EQ(mbedtls_gcm_auth_decrypt(&ctx, len, iv, iv_len, aad, aad_len, tag, 16, want, got),
                 0);
        CHECK_MEM(got, text, len);
        mbedtls_gcm_free(&ctx);
    }
}

static void test_vectors(void)
{
    with_each(check_vectors);
}

static void openssl_seal(const uint8_t *key, size_t key_len, const uint8_t *iv, const uint8_t *aad,
                         size_t aad_len, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
    const EVP_CIPHER *cipher = key_len == 16   ? EVP_aes_128_gcm()
                               : key_len == 24 ? EVP_aes_192_gcm()
                                               : EVP_aes_256_gcm();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    CHECK_EQ(EVP_EncryptInit_ex(ctx, cipher, NULL, key, iv), 1);
    CHECK_EQ(EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len), 1);
    CHECK_EQ(EVP_EncryptUpdate(ctx, out, &n, in, (int)len), 1);
    CHECK_EQ(EVP_EncryptFinal_ex(ctx, out + n, &n), 1);
    CHECK_EQ(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, tag), 1);
    EVP_CIPHER_CTX_free(ctx);
}

// One message of this length: both directions, one of them in place, and a tag with one bit wrong.
static void check_length(size_t len)
{
    static const size_t key_lens[] = {16, 24, 32};
    static uint8_t in[ROOM], out[ROOM], want[ROOM], back[ROOM];
    uint8_t key[32], iv[12], aad[160], tag[16], made[16];
    size_t key_len = key_lens[draw() % 3], aad_len = draw() % sizeof aad;
    size_t from = draw() % 32, to = draw() % 32;
    fill(key, sizeof key);
    fill(iv, sizeof iv);
    fill(aad, sizeof aad);
    fill(in + from, len);
    memset(out, 0xa5, sizeof out);
    openssl_seal(key, key_len, iv, aad, aad_len, in + from, len, want, tag);

    mbedtls_gcm_context ctx;
    mbedtls_gcm_init(&ctx);
    CHECK_EQ(mbedtls_gcm_setkey(&ctx, MBEDTLS_CIPHER_ID_AES, key, (unsigned)key_len * 8), 0);
    CHECK_EQ(mbedtls_gcm_crypt_and_tag(&ctx, MBEDTLS_GCM_ENCRYPT, len, iv, 12, aad, aad_len,
                                       in + from, out + to, 16, made),
             0);
    CHECK_MEM(out + to, want, len);
    CHECK_MEM(made, tag, 16);
    CHECK_EQ(out[to + len], 0xa5); // nothing behind it was touched

    memcpy(back, out + to, len);
    CHECK_EQ(mbedtls_gcm_auth_decrypt(&ctx, len, iv, 12, aad, aad_len, tag, 16, back, back), 0);
    CHECK_MEM(back, in + from, len);

    memcpy(back, in + from, len);
    CHECK_EQ(mbedtls_gcm_crypt_and_tag(&ctx, MBEDTLS_GCM_ENCRYPT, len, iv, 12, aad, aad_len, back,
                                       back, 16, made),
             0);
    CHECK_MEM(back, want, len);

    tag[draw() % 16] ^= (uint8_t)(1u << draw() % 8);
    CHECK_EQ(mbedtls_gcm_auth_decrypt(&ctx, len, iv, 12, aad, aad_len, tag, 16, out + to, back),
             MBEDTLS_ERR_GCM_AUTH_FAILED);
    for (size_t i = 0; i < len; i++)
        CHECK_EQ(back[i], 0); // what failed is not handed out
    mbedtls_gcm_free(&ctx);
}

static void check_all_lengths(void)
{
    for (size_t len = 0; len <= MOST; len++)
        check_length(len);
}

static void test_every_length_against_openssl(void)
{
    with_each(check_all_lengths);
}

// One bit in any place of the cipher text or of the additional data is enough to be refused.
static void check_changed_bytes(void)
{
    uint8_t key[16], iv[12], aad[13], text[700], out[700], tag[16];
    mbedtls_gcm_context ctx;
    fill(key, sizeof key);
    fill(iv, sizeof iv);
    fill(aad, sizeof aad);
    fill(text, sizeof text);
    mbedtls_gcm_init(&ctx);
    CHECK_EQ(mbedtls_gcm_setkey(&ctx, MBEDTLS_CIPHER_ID_AES, key, 128), 0);
    CHECK_EQ(mbedtls_gcm_crypt_and_tag(&ctx, MBEDTLS_GCM_ENCRYPT, sizeof text, iv, 12, aad,
                                       sizeof aad, text, out, 16, tag),
             0);
    for (size_t i = 0; i < sizeof out; i += 7) {
        out[i] ^= 0x10;
        CHECK_EQ(
            mbedtls_gcm_auth_decrypt(&ctx, sizeof out, iv, 12, aad, sizeof aad, tag, 16, out, text),
            MBEDTLS_ERR_GCM_AUTH_FAILED);
        out[i] ^= 0x10;
    }
    for (size_t i = 0; i < sizeof aad; i++) {
        aad[i] ^= 1;
        CHECK_EQ(
            mbedtls_gcm_auth_decrypt(&ctx, sizeof out, iv, 12, aad, sizeof aad, tag, 16, out, text),
            MBEDTLS_ERR_GCM_AUTH_FAILED);
        aad[i] ^= 1;
    }
    CHECK_EQ(
        mbedtls_gcm_auth_decrypt(&ctx, sizeof out, iv, 12, aad, sizeof aad, tag, 16, out, text), 0);
    mbedtls_gcm_free(&ctx);
}

static void test_changed_bytes_are_refused(void)
{
    with_each(check_changed_bytes);
}

// Two keys alive at once: nothing about a key is kept outside its context.
static void check_two_contexts(void)
{
    uint8_t key[2][32], iv[12] = {1}, text[300], want[2][300], out[300], tag[16], made[16];
    mbedtls_gcm_context ctx[2];
    fill(text, sizeof text);
    for (int i = 0; i < 2; i++) {
        fill(key[i], sizeof key[i]);
        openssl_seal(key[i], 32, iv, NULL, 0, text, sizeof text, want[i], tag);
        mbedtls_gcm_init(&ctx[i]);
        CHECK_EQ(mbedtls_gcm_setkey(&ctx[i], MBEDTLS_CIPHER_ID_AES, key[i], 256), 0);
    }
    for (int turn = 0; turn < 4; turn++) {
        CHECK_EQ(mbedtls_gcm_crypt_and_tag(&ctx[turn % 2], MBEDTLS_GCM_ENCRYPT, sizeof text, iv, 12,
                                           NULL, 0, text, out, 16, made),
                 0);
        CHECK_MEM(out, want[turn % 2], sizeof out);
    }
    mbedtls_gcm_free(&ctx[0]);
    mbedtls_gcm_free(&ctx[1]);
}

static void test_contexts_are_independent(void)
{
    with_each(check_two_contexts);
}

// In pieces, through mbedTLS's own, with a context that an engine has prepared.
static void check_pieces(void)
{
    uint8_t key[16], iv[12], text[333], want[333], out[333], tag[16], made[16];
    size_t n, total = 0;
    mbedtls_gcm_context ctx;
    fill(key, sizeof key);
    fill(iv, sizeof iv);
    fill(text, sizeof text);
    openssl_seal(key, 16, iv, NULL, 0, text, sizeof text, want, tag);
    mbedtls_gcm_init(&ctx);
    CHECK_EQ(mbedtls_gcm_setkey(&ctx, MBEDTLS_CIPHER_ID_AES, key, 128), 0);
    CHECK_EQ(mbedtls_gcm_starts(&ctx, MBEDTLS_GCM_ENCRYPT, iv, 12), 0);
    for (size_t at = 0; at < sizeof text; at += 100) {
        size_t part = sizeof text - at < 100 ? sizeof text - at : 100;
        CHECK_EQ(mbedtls_gcm_update(&ctx, text + at, part, out + total, sizeof out - total, &n), 0);
        total += n;
    }
    CHECK_EQ(mbedtls_gcm_finish(&ctx, out + total, sizeof out - total, &n, made, 16), 0);
    CHECK_EQ(total + n, sizeof text);
    CHECK_MEM(out, want, sizeof out);
    CHECK_MEM(made, tag, 16);
    mbedtls_gcm_free(&ctx);
}

static void test_pieces(void)
{
    with_each(check_pieces);
}

// What the kernel says about the processor: it leaves out what its registers are not kept for.
static int kernel_tells(const char *flag)
{
    static char line[16384];
    char word[32];
    FILE *f = fopen("/proc/cpuinfo", "re");
    int found = 0;
    snprintf(word, sizeof word, " %s", flag);
    while (f && !found && fgets(line, sizeof line, f)) {
        char *at = strncmp(line, "flags", 5) == 0 ? strstr(line, word) : NULL;
        found = at && strchr(" \n", at[strlen(word)]);
    }
    if (f)
        fclose(f);
    return found;
}

static const struct bf_gcm_engine *engine_named(const char *name)
{
    for (uint32_t i = 0; bf_gcm_engines[i]; i++)
        if (strcmp(bf_gcm_engines[i]->name, name) == 0)
            return bf_gcm_engines[i];
    return NULL;
}

static void test_engines_ask_for_what_they_need(void)
{
    const struct bf_gcm_engine *vaes = engine_named("vaes, vpclmul");
    const struct bf_gcm_engine *aesni = engine_named("aes-ni, pclmul");
    if (!vaes || !aesni)
        SKIP("not an x86-64 processor");
    CHECK_EQ(!!aesni->supported(), kernel_tells("aes") && kernel_tells("pclmulqdq") &&
                                       kernel_tells("ssse3") && kernel_tells("sse4_1"));
    CHECK_EQ(!!vaes->supported(), aesni->supported() && kernel_tells("avx2") &&
                                      kernel_tells("vaes") && kernel_tells("vpclmulqdq"));
}

// The other tests force it as well where the processor has it; this one says when it does not.
static void test_wide_engine_is_first(void)
{
    static const uint8_t key[16] = {1};
    const struct bf_gcm_engine *vaes = engine_named("vaes, vpclmul");
    mbedtls_gcm_context ctx;
    if (!vaes || !vaes->supported())
        SKIP("this processor has no VAES and VPCLMULQDQ");
    for (uint32_t i = 0; bf_gcm_engines[i] != vaes; i++)
        CHECK(!bf_gcm_engines[i]->supported());
    bf_gcm_use(vaes);
    mbedtls_gcm_init(&ctx);
    CHECK_EQ(mbedtls_gcm_setkey(&ctx, MBEDTLS_CIPHER_ID_AES, key, 128), 0);
    CHECK(ctx.engine == vaes);
    mbedtls_gcm_free(&ctx);
}

TEST_MAIN(TEST(test_vectors), TEST(test_every_length_against_openssl),
          TEST(test_changed_bytes_are_refused), TEST(test_contexts_are_independent),
          TEST(test_pieces), TEST(test_engines_ask_for_what_they_need),
          TEST(test_wide_engine_is_first))
