#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# network.sh static|ipv6|second-nic: the other ways to an address.
. "$(dirname "$0")/lib.sh"
kind=${1:?usage: network.sh static|ipv6|second-nic}
e2e_begin "network-$kind"

e2e_disk "$E2E_DIR/data.raw" 64 20
listen=127.0.0.1 server=10.0.2.2
if [ "$kind" = ipv6 ]; then
    grep -q . /proc/net/if_inet6 2>/dev/null || e2e_skip "this host has no IPv6"
    listen='[::1]' server='[fec0::2]'
fi
bf_server_init "$E2E_DIR/state" 10.0.2.2,fec0::2 >>"$E2E_LOGS/cli.log"
BF_SERVER_LISTEN=$listen bf_server_start "$E2E_LOGS/bootferryd.log"
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
set=()
e2e_machine vm "$E2E_DIR/data.raw"
case $kind in
static)
    set=(address=10.0.2.99/24 gateway=10.0.2.2)
    bf_vm_nic vm virtio-net-pci
    ;;
ipv6)
    bf_vm_nic vm virtio-net-pci "ipv4=off,ipv6=on"
    ;;
second-nic)
    # The first one has a link and nobody behind it; the second one leads to the server.
    bf_vm_add vm -netdev hubport,id=nobody,hubid=9 -device virtio-net-pci,netdev=nobody,romfile=
    bf_vm_nic vm virtio-net-pci
    ;;
esac
e2e_media web-1 iso "$E2E_DIR/vm.iso" "server=$server:$BF_SERVER_PORT" "${set[@]}"
bf_vm_cd vm "$E2E_DIR/vm.iso" bootindex=0
e2e_boot vm 400
e2e_check "the verdict" e2e_verdict_is_ok
e2e_check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
