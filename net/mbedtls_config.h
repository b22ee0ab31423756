// SPDX-License-Identifier: Apache-2.0
// mbedTLS 3.6 for Bootferry: a TLS 1.3 client with X25519MLKEM768 and ECDHE, P-256 and P-384
// certificates, AES-GCM and ChaCha20-Poly1305; X.509 reading and PKCS#10 writing. No RSA, no TLS
// 1.2, no PEM, no files, no sockets. The same in firmware and hosted builds. Memory, time, entropy
// and formatting are ours.
#ifndef BF_NET_MBEDTLS_CONFIG_H
#define BF_NET_MBEDTLS_CONFIG_H

#include "base/fmt.h"
#include "base/mem.h"
#include "net/tls/mbedtls_port.h"
#include "net/tls/mlkem.h"

// System
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_NO_UDBL_DIVISION // 128-bit division needs a function that firmware has not
#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_PLATFORM_CALLOC_MACRO    bf_mbedtls_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO      bf_free
#define MBEDTLS_PLATFORM_SNPRINTF_MACRO  bf_snprintf
#define MBEDTLS_PLATFORM_TIME_TYPE_MACRO int64_t
#define MBEDTLS_PLATFORM_TIME_MACRO      bf_mbedtls_time
#define MBEDTLS_PLATFORM_MS_TIME_ALT
#define MBEDTLS_PLATFORM_GMTIME_R_ALT

// Ciphers
#define MBEDTLS_CIPHER_C
#define MBEDTLS_AES_C
#define MBEDTLS_AESNI_C
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_BLOCK_CIPHER_NO_DECRYPT // GCM and CTR_DRBG encrypt only
#define MBEDTLS_GCM_C
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C

// GCM is net/tls/gcm.c, which chooses between an accelerated one and mbedTLS's own. The latter is
// compiled with BF_GCM_STOCK, which gives its functions and its context other names.
#ifdef BF_GCM_STOCK
#define mbedtls_gcm_context       bf_stock_gcm_context
#define mbedtls_gcm_init          bf_stock_gcm_init
#define mbedtls_gcm_setkey        bf_stock_gcm_setkey
#define mbedtls_gcm_crypt_and_tag bf_stock_gcm_crypt_and_tag
#define mbedtls_gcm_auth_decrypt  bf_stock_gcm_auth_decrypt
#define mbedtls_gcm_starts        bf_stock_gcm_starts
#define mbedtls_gcm_update_ad     bf_stock_gcm_update_ad
#define mbedtls_gcm_update        bf_stock_gcm_update
#define mbedtls_gcm_finish        bf_stock_gcm_finish
#define mbedtls_gcm_free          bf_stock_gcm_free
#else
#define MBEDTLS_GCM_ALT
#endif

// Digests, random numbers: a CTR_DRBG over the platform's entropy (net/tls/mbedtls_port.c)
#define MBEDTLS_MD_C
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_HKDF_C
#define MBEDTLS_CTR_DRBG_C

// Curves, keys, certificates
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_HMAC_DRBG_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_WRITE_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CSR_WRITE_C
#define MBEDTLS_X509_REMOVE_INFO // certificates as text for people

// PSA: TLS 1.3 needs it for key exchange and the key schedule
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG

// ML-KEM-768 for X25519MLKEM768 (third_party/patches/mbedtls-01-x25519mlkem768.patch)
#define MBEDTLS_SSL_MLKEM768_GENERATE       bf_mlkem_generate
#define MBEDTLS_SSL_MLKEM768_DECAPSULATE    bf_mlkem_decapsulate
#define MBEDTLS_SSL_MLKEM768_SEED_LEN       BF_MLKEM_SEED
#define MBEDTLS_SSL_MLKEM768_PUBKEY_LEN     BF_MLKEM_PUBLIC
#define MBEDTLS_SSL_MLKEM768_PRIVKEY_LEN    BF_MLKEM_PRIVATE
#define MBEDTLS_SSL_MLKEM768_CIPHERTEXT_LEN BF_MLKEM_CIPHERTEXT
#define MBEDTLS_SSL_MLKEM768_SECRET_LEN     BF_MLKEM_SECRET

// TLS
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_CID_TLS1_3_PADDING_GRANULARITY 1 // lengths are no secret here

#endif
