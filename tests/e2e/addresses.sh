#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# addresses.sh dhcp|link-local: the way to the server where it is not simple, in a network namespace of its own.
# dhcp: dnsmasq, which knows nothing of us, gives a route instead of a router, domains to search, and a DNS server that is
# dead; the short name of the server has a dead address in each family before the one that answers.
# link-local: nothing but the server's link-local address.
. "$(dirname "$0")/lib.sh"
kind=${1:?usage: addresses.sh dhcp|link-local}
e2e_begin "addresses-$kind"
if [ -z "${BF_OWN_NETWORK:-}" ]; then
    own=(--net)
    [ "$(id -u)" = 0 ] || own=(--net --map-root-user)
    unshare "${own[@]}" true 2>/dev/null || e2e_skip "no network namespace can be made here"
    rm -rf "$E2E_DIR"
    BF_OWN_NETWORK=1 exec unshare "${own[@]}" "$0" "$@"
fi
unset BF_OWN_NETWORK

ip link set lo up
ip tuntap add dev tap0 mode tap 2>/dev/null || e2e_skip "no TAP device can be made here"
echo 0 >/proc/sys/net/ipv6/conf/tap0/accept_dad
ip addr add 192.168.77.1/24 dev tap0
ip addr add 10.55.0.1/32 dev lo
ip addr add fe80::1/64 dev tap0 nodad
ip addr add fd77::1/64 dev tap0 nodad
ip link set tap0 up

e2e_disk "$E2E_DIR/data.raw" 64 22
bf_server_init "$E2E_DIR/state" replica,10.55.0.1,fe80::1 >>"$E2E_LOGS/cli.log"
case $kind in
dhcp)
    server=replica
    cat >"$E2E_DIR/dnsmasq.conf" <<'CONF'
interface=tap0
bind-interfaces
user=root
no-hosts
no-resolv
no-ping
leasefile-ro
dhcp-authoritative
log-dhcp
log-queries
log-facility=-
dhcp-range=192.168.77.50,192.168.77.50,255.255.255.0,10m
dhcp-option=option:router
dhcp-option=option:classless-static-route,10.55.0.0/17,192.168.77.1
dhcp-option=option:domain-search,ops.corp.test,corp.test
dhcp-option=option:dns-server,192.168.77.200,192.168.77.1
dhcp-range=fd77::,ra-only,64,600
enable-ra
ra-param=tap0,4
local=/corp.test/
host-record=replica.corp.test,192.168.77.222,fd77::222
host-record=replica.corp.test,10.55.0.1
CONF
    bf_bound dnsmasq --keep-in-foreground --conf-file="$E2E_DIR/dnsmasq.conf" >"$E2E_LOGS/dnsmasq.log" 2>&1 &
    E2E_CHILDREN+=($!)
    e2e_wait 10 "dnsmasq" grep -q 'started' "$E2E_LOGS/dnsmasq.log"
    ;;
link-local)
    server='[fe80::1]'
    ;;
*) bf_die "no such kind: $kind" ;;
esac
BF_SERVER_LISTEN='[::]' bf_server_start "$E2E_LOGS/bootferryd.log"
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" "server=$server:$BF_SERVER_PORT"
e2e_machine vm "$E2E_DIR/data.raw"
bf_vm_add vm -netdev tap,id=net0,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=net0,id=nic0,romfile=
bf_vm_cd vm "$E2E_DIR/vm.iso" bootindex=0
e2e_boot vm 400

serial=$(bf_vm_serial vm)
check "the verdict" e2e_verdict_is_ok
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
if [ "$kind" = dhcp ]; then
    check "the route is told" matches '10\.55\.0\.0/17 via 192\.168\.77\.1' "$serial"
    check "there is no router" matches 'event=network .*address=192\.168\.77\.50/24.* gateway=""' "$serial"
    check "the first domain is asked first" grep -q 'query\[A\] replica.ops.corp.test' "$E2E_LOGS/dnsmasq.log"
    check "both types are asked for" grep -q 'query\[AAAA\] replica.corp.test' "$E2E_LOGS/dnsmasq.log"
    check "option 121 is asked for first" grep -q 'requested options: 121:classless-static-route' "$E2E_LOGS/dnsmasq.log"
else
    check "there is no other address" matches 'event=network .*state=.* address="" address6=""' "$serial"
fi
e2e_end
