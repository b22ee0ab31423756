# SPDX-License-Identifier: Apache-2.0
# What is compiled of the third-party sources, for both the boot image and the hosted library, and
# how. The named USERS (set beside the sources that they list) are the only files that may
# include a library's headers.

TP := build/third_party

# lwIP 2.2: configured by net/lwipopts.h and net/arch/cc.h.
LWIP_INC  := -isystem $(TP)/lwip/src/include -Inet
LWIP_SRCS := $(addprefix $(TP)/lwip/src/core/, \
    def.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c sys.c tcp.c \
    tcp_in.c tcp_out.c timeouts.c udp.c \
    $(addprefix ipv4/,acd.c dhcp.c etharp.c icmp.c igmp.c ip4.c ip4_addr.c ip4_frag.c) \
    $(addprefix ipv6/,ethip6.c icmp6.c inet6.c ip6.c ip6_addr.c ip6_frag.c mld6.c nd6.c)) \
    $(TP)/lwip/src/netif/ethernet.c
# What each segment of a connection passes stays fast.
COLD_SRCS += $(filter-out $(addprefix $(TP)/lwip/src/core/,inet_chksum.c mem.c memp.c pbuf.c tcp_in.c \
    tcp_out.c),$(LWIP_SRCS))
LEAN_SRCS += $(TP)/lwip/src/core/tcp_in.c

# mbedTLS 3.6: configured by net/mbedtls_config.h. No file of it has flags for instructions, since
# each has functions that every processor runs: its AES-NI is the assembly, behind CPUID.
MBEDTLS_INC  := -isystem $(TP)/mbedtls/include -DMBEDTLS_CONFIG_FILE='"net/mbedtls_config.h"'
MBEDTLS_SRCS := $(addprefix $(TP)/mbedtls/library/, \
    aes.c aesni.c asn1parse.c asn1write.c base64.c bignum.c bignum_core.c bignum_mod.c \
    bignum_mod_raw.c block_cipher.c chacha20.c chachapoly.c cipher.c cipher_wrap.c constant_time.c ctr_drbg.c ecdh.c \
    ecdsa.c ecp.c ecp_curves.c ecp_curves_new.c entropy.c entropy_poll.c error.c gcm.c hkdf.c \
    hmac_drbg.c md.c oid.c pem.c pk.c pk_ecc.c pk_wrap.c pkparse.c pkwrite.c platform.c \
    platform_util.c poly1305.c psa_crypto.c psa_crypto_aead.c psa_crypto_cipher.c psa_crypto_client.c \
    psa_crypto_driver_wrappers_no_static.c psa_crypto_ecp.c psa_crypto_ffdh.c psa_crypto_hash.c \
    psa_crypto_mac.c psa_crypto_pake.c psa_crypto_random.c psa_crypto_rsa.c \
    psa_crypto_slot_management.c psa_crypto_storage.c psa_util.c rsa.c rsa_alt_helpers.c sha1.c \
    sha256.c sha3.c sha512.c ssl_ciphersuites.c ssl_client.c ssl_debug_helpers_generated.c \
    ssl_msg.c ssl_ticket.c ssl_tls.c ssl_tls12_client.c ssl_tls12_server.c ssl_tls13_client.c \
    ssl_tls13_generic.c ssl_tls13_keys.c ssl_tls13_server.c version.c x509.c x509_create.c \
    x509_crl.c x509_crt.c x509_csr.c x509write.c x509write_crt.c x509write_csr.c)
# What a record or the arithmetic of a handshake needs stays fast.
COLD_SRCS += $(filter-out $(addprefix $(TP)/mbedtls/library/, \
    aes.c aesni.c bignum_core.c chacha20.c chachapoly.c cipher.c constant_time.c ecp.c \
    ecp_curves.c gcm.c poly1305.c psa_crypto_aead.c sha256.c sha512.c ssl_msg.c),$(MBEDTLS_SRCS))
LEAN_SRCS += $(addprefix $(TP)/mbedtls/library/,bignum_core.c chacha20.c constant_time.c ecp.c ecp_curves.c \
    gcm.c ssl_msg.c)

# LZ4: the block format only.
LZ4_INC  := -isystem $(TP)/lz4
LZ4_SRCS := $(TP)/lz4/lz4.c
LEAN_SRCS += $(LZ4_SRCS)

# zstd without threads, dictionaries and the slow levels: 1 to 3 are what a link can use, and our patch leaves out what
# they never reach.
ZSTD_INC  := -isystem $(TP)/zstd
ZSTD_SRCS := $(addprefix $(TP)/zstd/, \
    $(addprefix common/,debug.c entropy_common.c error_private.c fse_decompress.c xxhash.c \
        zstd_common.c) \
    $(addprefix compress/,fse_compress.c hist.c huf_compress.c zstd_compress.c \
        zstd_compress_literals.c zstd_compress_sequences.c zstd_double_fast.c zstd_fast.c \
        zstd_lazy.c zstd_opt.c zstd_preSplit.c) \
    $(addprefix decompress/,huf_decompress.c zstd_ddict.c zstd_decompress.c \
        zstd_decompress_block.c))
ZSTD_FLAGS := -DZSTD_DISABLE_ASM=1 -DDYNAMIC_BMI2=0 -DZSTD_LEGACY_SUPPORT=0 -DZSTD_NO_TRACE=1 \
    -DXXH_NAMESPACE=BF_ZSTD_ -DZSTD_PLAIN_LEVELS_ONLY=1 $(patsubst %,-DZSTD_EXCLUDE_%_BLOCK_COMPRESSOR, \
    GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA)
$(foreach f,$(ZSTD_SRCS),$(eval CFLAGS_$(f) = $$(ZSTD_FLAGS)))
# Each frame is one buffer without a dictionary, so the matchers for a dictionary and for a second
# buffer (50 KiB) are never called; the plain ones stand in their place, which only look into less.
CFLAGS_$(TP)/zstd/compress/zstd_compress.c += $(foreach f,fast doubleFast,$(foreach m,dictMatchState \
    extDict,-DZSTD_compressBlock_$(f)_$(m)=ZSTD_compressBlock_$(f)))
# Nor has a level of ours long distance matching or superblocks: migrate/zstd_absent.c stands in their place and refuses.
CFLAGS_migrate/zstd_absent.c := $(ZSTD_FLAGS) -isystem $(TP)
LEAN_SRCS += $(filter-out %_lazy.c %_opt.c,$(filter $(TP)/zstd/compress/%,$(ZSTD_SRCS)))
COLD_SRCS += $(addprefix $(TP)/zstd/,compress/zstd_lazy.c compress/zstd_opt.c decompress/zstd_ddict.c)

# BLAKE3: intrinsics, chosen at run time by its own dispatcher.
BLAKE3_SIMD_x86_64  := blake3_sse2.c blake3_sse41.c blake3_avx2.c blake3_avx512.c
BLAKE3_SIMD_aarch64 := blake3_neon.c
BLAKE3_INC  := -isystem $(TP)/blake3
BLAKE3_SRCS := $(addprefix $(TP)/blake3/,blake3.c blake3_dispatch.c blake3_portable.c \
    $(BLAKE3_SIMD_$(ARCH)))
# What cuts the data into sixteen pieces of 1 KiB at once; the variants below do the work.
COLD_SRCS += $(TP)/blake3/blake3.c
# More than 64 bytes of output is never asked for: as on Windows, AVX-512 has no code for it (20 KiB).
CFLAGS_$(TP)/blake3/blake3_dispatch.c := -D_WIN32
# Each x86-64 processor has SSE2, which therefore stands for the portable code, and for the variants
# of the one block that a digest ends with.
ifeq ($(ARCH),x86_64)
CFLAGS_$(TP)/blake3/blake3_dispatch.c += \
    $(foreach f,hash_many_portable compress_in_place_portable $(addprefix compress_xof_,portable sse41 avx512), \
        -Dblake3_$(f)=blake3_$(subst _portable,,$(subst _sse41,,$(subst _avx512,,$(f))))_sse2)
endif
CFLAGS_$(TP)/blake3/blake3_sse2.c   := -msse2
CFLAGS_$(TP)/blake3/blake3_sse41.c  := -msse4.1
CFLAGS_$(TP)/blake3/blake3_avx2.c   := -mavx2
CFLAGS_$(TP)/blake3/blake3_avx512.c := -mavx512f -mavx512vl

# libcrux: ML-KEM-768 as one header, as OpenSSH carries it; net/tls/mlkem.c includes it and is its only user.
LIBCRUX_INC := -isystem $(TP)/libcrux

# Warnings are the upstreams' business; undefined behaviour that they rely on is not instrumented.
THIRD_WARN := -w
