// SPDX-License-Identifier: Apache-2.0
// ML-KEM-768 (FIPS 203): a key encapsulation mechanism that is believed to withstand a quantum
// computer. Everything is in constant time as far as secrets go. Buffers have exactly the sizes
// named here. Randomness is the caller's, and must be fresh and unpredictable each time.
#ifndef BF_NET_TLS_MLKEM_H
#define BF_NET_TLS_MLKEM_H

#include <stdint.h>

enum {
    BF_MLKEM_SEED = 64, // d and z of algorithm 19
    BF_MLKEM_COIN = 32, // m of algorithm 20
    BF_MLKEM_PUBLIC = 1184,
    BF_MLKEM_PRIVATE = 2400,
    BF_MLKEM_CIPHERTEXT = 1088,
    BF_MLKEM_SECRET = 32,
};

// FIPS 203, algorithm 19 (after its draw). The seed is as secret as the private key.
void bf_mlkem_generate(const uint8_t seed[BF_MLKEM_SEED], uint8_t public_key[BF_MLKEM_PUBLIC],
                       uint8_t private_key[BF_MLKEM_PRIVATE]);

// Is it a key that can be encapsulated to (7.2, the modulus check)? In variable time: it is public.
int bf_mlkem_is_valid(const uint8_t public_key[BF_MLKEM_PUBLIC]);

// Algorithm 20 (after its draw). 0: the peer's key is not valid, and nothing was written; else 1.
int bf_mlkem_encapsulate(const uint8_t public_key[BF_MLKEM_PUBLIC],
                         const uint8_t coin[BF_MLKEM_COIN], uint8_t ciphertext[BF_MLKEM_CIPHERTEXT],
                         uint8_t secret[BF_MLKEM_SECRET]);

// Algorithm 21. A ciphertext that nobody made for this key yields a secret that nobody knows
// (implicit rejection): there is no error. The private key must be from bf_mlkem_generate.
void bf_mlkem_decapsulate(const uint8_t private_key[BF_MLKEM_PRIVATE],
                          const uint8_t ciphertext[BF_MLKEM_CIPHERTEXT],
                          uint8_t secret[BF_MLKEM_SECRET]);

#endif
