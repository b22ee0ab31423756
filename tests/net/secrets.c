// SPDX-License-Identifier: Apache-2.0
// ML-KEM with secrets that memcheck takes for undefined: it reports every branch and every address
// that depends on one. tests/net/secrets.sh runs this under Valgrind. What is public is named so by
// FIPS 203: both keys' rho and t, the ciphertext. "leak" branches on a secret on purpose.
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "net/tls/mlkem.h"

enum { SEED_BYTE = 0x5a, PUBLIC_AT = 1152, SECRET_END_AT = BF_MLKEM_PRIVATE - 32 };

static uint8_t seed[BF_MLKEM_SEED], coin[BF_MLKEM_COIN];
static uint8_t public_key[BF_MLKEM_PUBLIC], private_key[BF_MLKEM_PRIVATE];
static uint8_t ciphertext[BF_MLKEM_CIPHERTEXT], secret[BF_MLKEM_SECRET];

static void hide(void *bytes, size_t len)
{
    VALGRIND_MAKE_MEM_UNDEFINED(bytes, len);
}

static void show(void *bytes, size_t len)
{
    VALGRIND_MAKE_MEM_DEFINED(bytes, len);
}

// d makes rho, which is public, so the sampling of the matrix from it is reported: see the .supp.
static void generate(void)
{
    memset(seed, SEED_BYTE, sizeof seed);
    hide(seed, sizeof seed);
    bf_mlkem_generate(seed, public_key, private_key);
    show(public_key, sizeof public_key);
    show(private_key + PUBLIC_AT, SECRET_END_AT - PUBLIC_AT);
}

static void encapsulate(void)
{
    memset(coin, SEED_BYTE + 1, sizeof coin);
    hide(coin, sizeof coin);
    if (bf_mlkem_encapsulate(public_key, coin, ciphertext, secret) != 1)
        puts("not ok: the key was refused");
    show(ciphertext, sizeof ciphertext);
}

// Of a ciphertext as it was made, and of a changed one: which of them it is, is a secret as well.
static void decapsulate(void)
{
    bf_mlkem_decapsulate(private_key, ciphertext, secret);
    ciphertext[7] ^= 1;
    bf_mlkem_decapsulate(private_key, ciphertext, secret);
}

int main(int argc, char **argv)
{
    generate();
    encapsulate();
    decapsulate();
    // The marks must have come through, or this proves nothing.
    uint8_t marks[sizeof secret] = {0};
    VALGRIND_GET_VBITS(secret, marks, sizeof marks);
    for (size_t i = 0; i < sizeof marks; i++)
        if (RUNNING_ON_VALGRIND && marks[i] != 0xff)
            puts("not ok: the secret is not marked");
    if (argc > 1 && strcmp(argv[1], "leak") == 0 && secret[0] == 7)
        puts("the first byte is 7");
    puts(RUNNING_ON_VALGRIND ? "done" : "not ok: this runs under Valgrind only");
    return 0;
}
