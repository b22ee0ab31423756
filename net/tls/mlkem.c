// SPDX-License-Identifier: Apache-2.0
// ML-KEM-768 by libcrux: C that was extracted from Rust whose functional correctness, freedom from
// panics and secret-independent timing were proved, and that OpenSSH ships as one header. It passes
// everything by value, so copies of secrets stay behind on the stack; they are overwritten before
// each function here returns.
#include "net/tls/mlkem.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the byte order that follows");
#define htole64(x) (x)
#define le64toh(x) (x)
#define le32toh(x) (x)
#define fatal_f(x) __builtin_trap() // where the proofs say that nothing arrives
// Freestanding compilers do not look through a call of memcpy; through this they do (7 KiB).
#define memcpy __builtin_memcpy
#define memcmp __builtin_memcmp
#include <libcrux_mlkem768_sha3.h>

enum { STACK_USED = 50 * 1024 }; // decapsulate has 44 KiB in the boot image, 46 KiB with gcc

typedef struct libcrux_mlkem768_keypair keypair;
typedef struct libcrux_mlkem768_pk public_key_of;
typedef struct libcrux_mlkem768_sk private_key_of;
typedef struct libcrux_mlkem768_ciphertext ciphertext_of;
typedef struct libcrux_mlkem768_enc_result encapsulated;

// Nothing but the bytes, so a cast is enough; libcrux does not change what it is given.
_Static_assert(sizeof(public_key_of) == BF_MLKEM_PUBLIC, "FIPS 203, table 3");
_Static_assert(sizeof(private_key_of) == BF_MLKEM_PRIVATE, "FIPS 203, table 3");
_Static_assert(sizeof(ciphertext_of) == BF_MLKEM_CIPHERTEXT, "FIPS 203, table 3");

// What libcrux's functions left where the next ones will be. Those that call it are not inlined, so
// that their own frames are overwritten, too.
static __attribute__((noinline)) void wipe_stack(void)
{
    uint8_t used[STACK_USED];
    bf_wipe(used, sizeof used);
}

static __attribute__((noinline)) void generate(uint8_t *seed, uint8_t *public_key,
                                               uint8_t *private_key)
{
    keypair made = libcrux_ml_kem_mlkem768_portable_generate_key_pair(seed);
    memcpy(public_key, made.pk.value, BF_MLKEM_PUBLIC);
    memcpy(private_key, made.sk.value, BF_MLKEM_PRIVATE);
}

void bf_mlkem_generate(const uint8_t seed[BF_MLKEM_SEED], uint8_t public_key[BF_MLKEM_PUBLIC],
                       uint8_t private_key[BF_MLKEM_PRIVATE])
{
    uint8_t copy[BF_MLKEM_SEED];
    memcpy(copy, seed, sizeof copy);
    generate(copy, public_key, private_key);
    bf_wipe(copy, sizeof copy);
    wipe_stack();
}

int bf_mlkem_is_valid(const uint8_t public_key[BF_MLKEM_PUBLIC])
{
    return libcrux_ml_kem_mlkem768_portable_validate_public_key((public_key_of *)public_key);
}

static __attribute__((noinline)) void encapsulate(const uint8_t *public_key, uint8_t *coin,
                                                  uint8_t *ciphertext, uint8_t *secret)
{
    encapsulated made =
        libcrux_ml_kem_mlkem768_portable_encapsulate((public_key_of *)public_key, coin);
    memcpy(ciphertext, made.fst.value, BF_MLKEM_CIPHERTEXT);
    memcpy(secret, made.snd, BF_MLKEM_SECRET);
}

int bf_mlkem_encapsulate(const uint8_t public_key[BF_MLKEM_PUBLIC],
                         const uint8_t coin[BF_MLKEM_COIN], uint8_t ciphertext[BF_MLKEM_CIPHERTEXT],
                         uint8_t secret[BF_MLKEM_SECRET])
{
    uint8_t copy[BF_MLKEM_COIN];
    if (!bf_mlkem_is_valid(public_key))
        return 0;
    memcpy(copy, coin, sizeof copy);
    encapsulate(public_key, copy, ciphertext, secret);
    bf_wipe(copy, sizeof copy);
    wipe_stack();
    return 1;
}

static __attribute__((noinline)) void decapsulate(const uint8_t *private_key,
                                                  const uint8_t *ciphertext, uint8_t *secret)
{
    libcrux_ml_kem_mlkem768_portable_decapsulate((private_key_of *)private_key,
                                                 (ciphertext_of *)ciphertext, secret);
}

void bf_mlkem_decapsulate(const uint8_t private_key[BF_MLKEM_PRIVATE],
                          const uint8_t ciphertext[BF_MLKEM_CIPHERTEXT],
                          uint8_t secret[BF_MLKEM_SECRET])
{
    decapsulate(private_key, ciphertext, secret);
    wipe_stack();
}
