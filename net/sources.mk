# SPDX-License-Identifier: Apache-2.0
# The network side: TLS over mbedTLS, TCP/IP over lwIP. Files named in MBEDTLS_USERS and LWIP_USERS are the only ones
# that may include those libraries.

NET_GCM_x86_64 := net/gcm_x86_64.c net/gcm_aesni.c net/gcm_vaes.c
MBEDTLS_SIDE   := net/enrol.c net/gcm.c net/gcm_stock.c net/mbedtls_port.c net/pki.c \
                  net/tls_fault.c net/tls_mbedtls.c
MBEDTLS_USERS  := $(MBEDTLS_SIDE) net/gcm_stock.h net/pki_crt.h
LIBCRUX_USERS  := net/mlkem.c
LWIP_SIDE      := net/ip_address.c net/ip_dhcp.c net/ip_dial.c net/ip_dns.c net/ip_lookup.c net/ip_loss.c net/ip_race.c \
                  net/ip_routes.c net/ip_stack.c net/ip_tcp.c net/lwip_port.c
LWIP_USERS     := $(LWIP_SIDE) net/ip_address.h net/ip_dial.h net/ip_dns.h net/ip_loss.h net/ip_race.h net/ip_routes.h net/ip_tcp.h \
                  net/lwip_hooks.h net/lwip_port.h
NET_SRCS       := $(LWIP_SIDE) $(MBEDTLS_SIDE) $(or $(NET_GCM_$(ARCH)),net/gcm_generic.c) net/mlkem.c net/utc.c net/ip_cubic.c net/ip_pmtu.c net/connector.c net/dialer.c net/enroller.c \
                  net/dns_message.c net/route_table.c \
                  net/bundle.c net/bundle_source.c net/bundle_server.c \
                  net/proto.c net/proto_session.c net/proto_copy.c net/proto_found.c
LINK_LWIP      := net/ip_dhcp6.c net/ip_wait.c
LINK_COLD      := $(LINK_LWIP) net/dhcp6.c net/dhcp6_client.c net/ip_ra.c net/proxy.c net/proxy_answer.c
LWIP_USERS     += $(LINK_LWIP) $(LINK_LWIP:.c=.h)
NET_SRCS       += $(LINK_COLD) net/ip_vlan.c
COLD_SRCS      += $(LINK_COLD)

COLD_SRCS += \
    net/bundle.c net/bundle_server.c net/bundle_source.c net/connector.c net/dialer.c \
    net/enrol.c net/enroller.c net/dns_message.c net/gcm_x86_64.c net/ip_address.c net/ip_dhcp.c \
    net/ip_dial.c net/ip_dns.c net/ip_lookup.c net/ip_race.c net/ip_routes.c net/mlkem.c \
    net/pki.c net/tls_fault.c net/utc.c

# mbedTLS's own GCM stays under other names, for what the accelerated one leaves to it.
MBEDTLS_INC += -Inet
CFLAGS_$(TP)/mbedtls/library/gcm.c += -DBF_GCM_STOCK
CFLAGS_net/gcm_stock.c := -DBF_GCM_STOCK
CFLAGS_net/gcm_aesni.c := -O3 -maes -mpclmul -mssse3 -msse4.1
CFLAGS_net/gcm_vaes.c := -O3 -maes -mpclmul -mavx2 -mvaes -mvpclmulqdq

# ML-KEM runs once per connection: without inlining it is 4 KiB smaller. Its frames are large, see net/mlkem.c.
build/$(EFI)/net/mlkem.o: private CFLAGS_net/mlkem.c = -mllvm -inline-threshold=0 -Wframe-larger-than=53248

TEST_LIBS_test_gcm := -lcrypto
TEST_LIBS_test_mlkem := -lcrypto

NET_BENCHES := build/bench_gcm build/bench_tls build/bench_handshake
BENCH_DEPS  += $(NET_BENCHES)
BENCH_TESTS += $(NET_BENCHES)
CLEAN       += $(NET_BENCHES)
build/bench_handshake: $(addprefix build/linux/,tests/net/pki_maker.o tests/net/tls_peer.o replica/kex.o \
    replica/kex_provider.o)
build/bench_tls: build/linux/tests/net/pki_maker.o
$(NET_BENCHES): build/bench_%: build/linux/tests/bench/bench_%.o build/linux/libbootferry.a
	$(call say,LINK,$@)$(CC) $(LINK_linux) -o $@ $(filter %.o %.a,$^) -lssl -lcrypto
TEST_SRCS_test_tls := tests/net/pki_maker.c tests/net/tls_peer.c
TEST_LIBS_test_tls := -lssl -lcrypto
TEST_SRCS_test_tls_groups := tests/net/pki_maker.c tests/net/tls_peer.c \
    replica/kex.c replica/kex_provider.c
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
    tests/fuzz_seed.c replica/kex.c replica/kex_provider.c
FUZZ_LIBS_fuzz_tls := -lssl -lcrypto
