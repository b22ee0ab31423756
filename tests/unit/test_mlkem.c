// SPDX-License-Identifier: Apache-2.0
// ML-KEM-768: vectors of the standard, implicit rejection against OpenSSL's SHAKE256, and keys that
// must be refused. The vectors are the "official" ones that BoringSSL and OpenSSL 3.5 carry
// (test/recipes/30-test_evp_data/evppkey_ml_kem_768_*.txt), the first five of 100; what is long
// stands here as its SHA-256.
#include <openssl/evp.h>

#include "base/bytes.h"
#include "net/tls/mlkem.h"
#include "tests/unit/test.h"

static const struct vector {
    const char *seed, *coin, *public_hash, *private_hash, *ciphertext_hash, *secret;
} vectors[] = {
    {"7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d"
     "8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f",
     "147c03f7a5bebba406c8fae1874d7f13c80efe79a3a9a874cc09fe76f6997615",
     "86adbca81f4fee893e2fb58fb98aa2fe188f501fed268d7f4056f8c05c4e53c4",
     "8757e8aee5e441aee07a43af40467d32f80aee5c51aae4ebd2bdb844c038aac7",
     "36829a2f35cbf4deb62c0a12a15c22dae9f8d2c252566fc24f88abe805cb575e",
     "e7184a0975ee3470878d2d159ec83129c8aec253d4ee17b4810311d198cd0368"},
    {"d60b93492a1d8c1c7ba6fc0b733137f3406cee8110a93f170e7a78658af326d9"
     "003271531cf27285b8721ed5cb46853043b346a66cba6cf765f1b0eaa40bf672",
     "cde797df8ce67231f6c5d15811843e01eb2ab84c7490931240822adbddd72046",
     "858915faa304fb5beed7d653189707b34a27504dd254ffb12ad47392a0c1ad4a",
     "527a191de2ab96a284a530fe20f9b0a28fb3c28ad4d0bbe7e6f7aaf5cbb9c159",
     "22ddb185d097bbf15e84e745d02ec3cc2fe03e35cecca7066db063673c10a683",
     "5f0c5d9f39d3e724b5a2bd54e69e360f72ffab5d4d6cc5e572fecba80acd4796"},
    {"4b622de1350119c45a9f2e2ef3dc5df50a759d138cdfbd64c81cc7cc2f513345"
     "e82fcc97ca60ccb27bf6938c975658aeb8b4d37cffbde25d97e561f36c219ade",
     "f43f68fbd694f0a6d307297110ecd4739876489fdf07eb9b03364e2ed0ff96e9",
     "abdbf1e55c0f6132e2a7d4d5a765922004fce0aaa4ad71603203842aafab0750",
     "add8206c0ee801fecdcaaaadb1685a3af107424bcd9b453bb93ad759528e85d2",
     "137bb72b8c35c7186937bf32e61d088491e264706d13fb3afa937e5e9719ce9c",
     "7f3bcc03a35a0030255264914e5d88a0c93611c7ca21f0609678a88ca42ce1c9"},
    {"050d58f9f757edc1e8180e3808b806f5bbb3586db3470b069826d1bb9a4efc2c"
     "de950541fd53a8a47aaa8cdfe80d928262a5ef7f8129ec3ef92f78d7cc32ef60",
     "ea74fbc3c546500ed684bed6fe3c496d3b86d2d6dfaf223969b942e9a8c95e85",
     "761246e49267216d1c83749007708110ab03c7bc3bddea251c1a6679ca2c86e1",
     "b8b23a3ea8d4085b43a8e43d0eb17197d1b9e2c807272864d9fdaca2971c22d5",
     "c9064416a8da5b524221cbc0a7cfb2b1a6895f6d1adf164a37e773b03e5a7de5",
     "c630736985fdb7830d7446e18b6b81fa4a707a6058964b99190120de85e7559c"},
    {"66b79b844e0c2adad694e0478661ac46fe6b6001f6a71ff8e2f034b1fd8833d3"
     "be2d3c64d38269a1ee8660b9a2beaeb9f5ac022e8f0a357feebfd13b06813854",
     "64efa87a12cb96f98b9b81a7e5128a959c74e5332aaab0444fca7b4a5e5e0216",
     "baee6bf318b50eea75613d20366ee008eb5b8b7f5db559b0f660f4d6b44346bc",
     "4cb91b08023708e351280408948028d0968c9479d2d325e04f02c64a94e72b59",
     "6ebb176a676bfa5e3b2ab94bb9be9afd771202ffa2cf6d9ee29bed38e2727710",
     "41e078d0d0c4fe5df5c6683171d5c1c3f1ef152c4945f9cb299f74278ce4cc4f"},
};
enum { VECTORS = BF_COUNT(vectors) };

static uint8_t public_key[BF_MLKEM_PUBLIC], private_key[BF_MLKEM_PRIVATE];
static uint8_t ciphertext[BF_MLKEM_CIPHERTEXT], secret[BF_MLKEM_SECRET];

static void from_hex(uint8_t *out, const char *hex, size_t len)
{
    CHECK_EQ(strlen(hex), 2 * len);
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        CHECK(sscanf(hex + 2 * i, "%2x", &byte) == 1);
        out[i] = (uint8_t)byte;
    }
}

static void check_hash(const void *bytes, size_t len, const char *hex)
{
    uint8_t hash[32], wanted[32];
    CHECK(EVP_Digest(bytes, len, hash, NULL, EVP_sha256(), NULL) == 1);
    from_hex(wanted, hex, sizeof wanted);
    CHECK_MEM(hash, wanted, sizeof hash);
}

// The key pair of a vector; its ciphertext and secret, too.
static void prepare(const struct vector *v)
{
    uint8_t seed[BF_MLKEM_SEED], coin[BF_MLKEM_COIN];
    from_hex(seed, v->seed, sizeof seed);
    from_hex(coin, v->coin, sizeof coin);
    bf_mlkem_generate(seed, public_key, private_key);
    CHECK_EQ(bf_mlkem_encapsulate(public_key, coin, ciphertext, secret), 1);
}

static void test_vectors_of_the_standard(void)
{
    for (uint32_t i = 0; i < VECTORS; i++) {
        uint8_t wanted[BF_MLKEM_SECRET], again[BF_MLKEM_SECRET];
        prepare(&vectors[i]);
        check_hash(public_key, sizeof public_key, vectors[i].public_hash);
        check_hash(private_key, sizeof private_key, vectors[i].private_hash);
        check_hash(ciphertext, sizeof ciphertext, vectors[i].ciphertext_hash);
        from_hex(wanted, vectors[i].secret, sizeof wanted);
        CHECK_MEM(secret, wanted, sizeof wanted);
        bf_mlkem_decapsulate(private_key, ciphertext, again);
        CHECK_MEM(again, wanted, sizeof wanted);
    }
}

// FIPS 203, algorithm 18, line 7: J(z, c), where z is the end of the private key.
static void expect_rejection(void)
{
    uint8_t wanted[BF_MLKEM_SECRET], got[BF_MLKEM_SECRET];
    EVP_MD_CTX *shake = EVP_MD_CTX_new();
    CHECK(EVP_DigestInit_ex(shake, EVP_shake256(), NULL) == 1);
    EVP_DigestUpdate(shake, private_key + BF_MLKEM_PRIVATE - 32, 32);
    EVP_DigestUpdate(shake, ciphertext, sizeof ciphertext);
    CHECK(EVP_DigestFinalXOF(shake, wanted, sizeof wanted) == 1);
    EVP_MD_CTX_free(shake);
    bf_mlkem_decapsulate(private_key, ciphertext, got);
    CHECK_MEM(got, wanted, sizeof wanted);
    CHECK(memcmp(got, secret, sizeof got) != 0);
}

static void test_a_changed_ciphertext_is_rejected_without_a_word(void)
{
    for (uint32_t i = 0; i < VECTORS; i++) {
        prepare(&vectors[i]);
        for (uint32_t at = i; at < BF_MLKEM_CIPHERTEXT; at += 97) {
            ciphertext[at] ^= (uint8_t)(1u << at % 8);
            expect_rejection();
            ciphertext[at] ^= (uint8_t)(1u << at % 8);
        }
        memset(ciphertext, 0, sizeof ciphertext);
        expect_rejection();
        memset(ciphertext, 0xff, sizeof ciphertext);
        expect_rejection();
    }
}

// FIPS 203, 7.2: each of the 768 coefficients must be less than q, which is 3329.
static void test_a_key_that_is_not_reduced_is_refused(void)
{
    static const uint16_t values[] = {3329, 3330, 4095};
    uint8_t coin[BF_MLKEM_COIN] = {0}, untouched[BF_MLKEM_CIPHERTEXT];
    memset(untouched, 0x5a, sizeof untouched);
    for (uint32_t at = 0; at < 768; at += 59) {
        for (uint32_t i = 0; i < BF_COUNT(values); i++) {
            prepare(&vectors[0]);
            memset(ciphertext, 0x5a, sizeof ciphertext);
            uint8_t *pair = public_key + at / 2 * 3;
            if (at % 2 == 0) {
                pair[0] = (uint8_t)values[i];
                pair[1] = (uint8_t)((pair[1] & 0xf0) | values[i] >> 8);
            } else {
                pair[1] = (uint8_t)((pair[1] & 0x0f) | values[i] << 4);
                pair[2] = (uint8_t)(values[i] >> 4);
            }
            CHECK_EQ(bf_mlkem_encapsulate(public_key, coin, ciphertext, secret), 0);
            CHECK_MEM(ciphertext, untouched, sizeof untouched);
        }
    }
}

static void test_the_largest_coefficient_is_taken(void)
{
    uint8_t coin[BF_MLKEM_COIN] = {1};
    prepare(&vectors[1]);
    public_key[0] = 3328 & 0xff;
    public_key[1] = (uint8_t)((public_key[1] & 0xf0) | 3328 >> 8);
    CHECK_EQ(bf_mlkem_encapsulate(public_key, coin, ciphertext, secret), 1);
}

TEST_MAIN(TEST(test_vectors_of_the_standard),
          TEST(test_a_changed_ciphertext_is_rejected_without_a_word),
          TEST(test_a_key_that_is_not_reduced_is_refused),
          TEST(test_the_largest_coefficient_is_taken))
