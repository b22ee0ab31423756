# SPDX-License-Identifier: Apache-2.0
# The network side: TLS over mbedTLS, TCP/IP over lwIP. Files named in MBEDTLS_USERS and LWIP_USERS are the only ones
# that may include those libraries.

NET_GCM_x86_64 := net/tls/gcm_x86_64.c net/tls/gcm_aesni.c net/tls/gcm_vaes.c
MBEDTLS_SIDE   := net/tls/enrol.c net/tls/gcm.c net/tls/gcm_stock.c net/tls/mbedtls_port.c net/tls/pki.c \
                  net/tls/fault.c net/tls/mbedtls.c
MBEDTLS_USERS  := $(MBEDTLS_SIDE) net/tls/gcm_stock.h net/tls/pki_crt.h
LIBCRUX_USERS  := net/tls/mlkem.c
LWIP_SIDE      := net/ip/address.c net/ip/dhcp.c net/ip/dial.c net/ip/dns.c net/ip/lookup.c net/ip/loss.c net/ip/race.c \
                  net/ip/routes.c net/ip/stack.c net/ip/tcp.c net/ip/lwip_port.c
LWIP_USERS     := $(LWIP_SIDE) net/ip/address.h net/ip/dial.h net/ip/dns.h net/ip/loss.h net/ip/race.h net/ip/routes.h net/ip/tcp.h \
                  net/ip/lwip_hooks.h net/ip/lwip_port.h
NET_SRCS       := $(LWIP_SIDE) $(MBEDTLS_SIDE) $(or $(NET_GCM_$(ARCH)),net/tls/gcm_generic.c) net/tls/mlkem.c net/tls/utc.c net/ip/cubic.c net/ip/pmtu.c net/connector.c net/dialer.c net/enroller.c \
                  net/ip/dns_message.c net/ip/route_table.c \
                  net/proto/bundle.c net/proto/bundle_source.c net/proto/bundle_server.c \
                  net/proto/proto.c net/proto/session.c net/proto/copy.c net/proto/found.c net/proto/assess.c
LINK_LWIP      := net/ip/dhcp6.c net/ip/wait.c
LINK_COLD      := $(LINK_LWIP) net/ip/dhcp6_message.c net/ip/dhcp6_client.c net/ip/ra.c net/http/proxy.c net/http/proxy_answer.c
LWIP_USERS     += $(LINK_LWIP) $(LINK_LWIP:.c=.h)
NET_SRCS       += $(LINK_COLD) net/ip/vlan.c
COLD_SRCS      += $(LINK_COLD) net/proto/assess.c

COLD_SRCS += \
    net/proto/bundle.c net/proto/bundle_server.c net/proto/bundle_source.c net/connector.c net/dialer.c \
    net/tls/enrol.c net/enroller.c net/ip/dns_message.c net/tls/gcm_x86_64.c net/ip/address.c net/ip/dhcp.c \
    net/ip/dial.c net/ip/dns.c net/ip/lookup.c net/ip/race.c net/ip/routes.c net/tls/mlkem.c \
    net/tls/mbedtls.c net/tls/pki.c net/tls/fault.c net/tls/utc.c

# Per segment and per record: smaller without vectors and unrolled loops, and as fast.
LEAN_SRCS += net/ip/cubic.c net/ip/loss.c net/tls/gcm.c

# mbedTLS's own GCM stays under other names, for what the accelerated one leaves to it.
MBEDTLS_INC += -Inet -Inet/tls
CFLAGS_$(TP)/mbedtls/library/gcm.c += -DBF_GCM_STOCK
CFLAGS_net/tls/gcm_stock.c := -DBF_GCM_STOCK
# The loops that pay are unrolled by pragmas.
CFLAGS_net/tls/gcm_aesni.c := -O3 -fno-unroll-loops -maes -mpclmul -mssse3 -msse4.1
CFLAGS_net/tls/gcm_vaes.c := -O3 -maes -mpclmul -mavx2 -mvaes -mvpclmulqdq

# ML-KEM runs once per connection: without inlining it is 4 KiB smaller. Its frames are large, see net/tls/mlkem.c.
build/$(EFI)/net/tls/mlkem.o: private CFLAGS_net/tls/mlkem.c = -mllvm -inline-threshold=0 -Wframe-larger-than=53248

TEST_LIBS_test_gcm := -lcrypto
TEST_LIBS_test_mlkem := -lcrypto

NET_BENCHES := build/bench_gcm build/bench_tls build/bench_handshake
BENCH_DEPS  += $(NET_BENCHES)
BENCH_TESTS += $(NET_BENCHES)
CLEAN       += $(NET_BENCHES)
build/bench_handshake: $(addprefix build/linux/,tests/net/pki_maker.o tests/net/tls_peer.o replica/pki/kex.o \
    replica/pki/kex_provider.o)
build/bench_tls: build/linux/tests/net/pki_maker.o
$(NET_BENCHES): build/bench_%: build/linux/tests/bench/bench_%.o build/linux/libbootferry.a
	$(call say,LINK,$@)$(CC) $(LINK_linux) -o $@ $(filter %.o %.a,$^) -lssl -lcrypto
TEST_SRCS_test_tls := tests/net/pki_maker.c tests/net/tls_peer.c
TEST_LIBS_test_tls := -lssl -lcrypto
TEST_SRCS_test_tls_groups := tests/net/pki_maker.c tests/net/tls_peer.c \
    replica/pki/kex.c replica/pki/kex_provider.c
TEST_LIBS_test_tls_groups := -lssl -lcrypto
TEST_SRCS_test_enrol := tests/platform_sim.c tests/net/pki_maker.c tests/net/tls_peer.c
TEST_LIBS_test_enrol := -lssl -lcrypto
TEST_SRCS_test_bundle := tests/platform_sim.c tests/sim_link.c
FUZZ_SRCS_fuzz_pmtu := tests/fuzz_seed.c
FUZZ_SRCS_fuzz_dns := tests/fuzz_seed.c
FUZZ_SRCS_fuzz_routes := tests/fuzz_seed.c
FUZZ_SRCS_fuzz_bundle := tests/fuzz_seed.c
TEST_SRCS_test_bad_link := tests/platform_sim.c tests/net/path.c tests/net/tcp_sink.c
FUZZ_SRCS_fuzz_proxy := tests/fuzz_seed.c
TEST_SRCS_test_proxy := tests/platform_sim.c
FUZZ_SRCS_fuzz_dhcp6 := tests/fuzz_seed.c
TEST_SRCS_test_dhcp6 := tests/platform_sim.c tests/net/lan.c tests/net/station.c
TEST_SRCS_test_ip_link := tests/platform_sim.c tests/net/lan.c tests/net/station.c
TEST_SRCS_test_lwip := tests/platform_sim.c tests/net/lan.c
TEST_SRCS_test_lwip_bounds := tests/platform_sim.c
TEST_SRCS_test_addresses := tests/platform_sim.c tests/net/lan.c
FUZZ_SRCS_fuzz_tls := tests/net/pki_maker.c tests/net/tls_peer.c tests/net/tls_recoder.c \
    tests/fuzz_seed.c replica/pki/kex.c replica/pki/kex_provider.c
FUZZ_LIBS_fuzz_tls := -lssl -lcrypto
