#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# network.sh static|ipv6|second-nic|small: the other ways to an address; small: an MTU of 1280, where the first message of
# a hybrid key exchange does not fit into one packet.
. "$(dirname "$0")/lib.sh"
kind=${1:?usage: network.sh static|ipv6|second-nic|small}
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
small)
    set=(mtu=1280 kex=hybrid)
    bf_vm_nic vm virtio-net-pci
    bf_vm_add vm -object "filter-dump,id=dump,netdev=net0,file=$E2E_DIR/wire"
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
check "the verdict" e2e_verdict_is_ok
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
# What QEMU saw on the wire: the longest packet of the source, and how much of its first TLS record the first segment has.
on_the_wire() {
    python3 - "$E2E_DIR/wire" "$BF_SERVER_PORT" <<'PYTHON'
import struct
import sys

data, port = open(sys.argv[1], "rb").read(), int(sys.argv[2])
at, longest, first = 24, 0, None
while at < len(data):
    size = struct.unpack_from("<I", data, at + 8)[0]
    frame, at = data[at + 16:at + 16 + size], at + 16 + size
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        continue
    packet = frame[14:14 + struct.unpack_from(">H", frame, 16)[0]]
    tcp = packet[(packet[0] & 15) * 4:]
    if struct.unpack_from(">H", tcp, 2)[0] != port:
        continue
    longest = max(longest, len(packet))
    payload = tcp[(tcp[12] >> 4) * 4:]
    if payload and first is None:
        first = len(payload), 5 + struct.unpack_from(">H", payload, 3)[0]
print(f"longest packet {longest}, the first segment has {first[0]} of {first[1]} bytes")
sys.exit(not (longest == 1280 and first[0] < first[1]))
PYTHON
}
if [ "$kind" = small ]; then
    check "the key exchange is the hybrid one" grep -aq '^BOOTFERRY event=tls .*group=X25519MLKEM768' <(bf_vm_serial vm)
    check "its hello takes two packets, and none is longer than the MTU" on_the_wire
fi
e2e_end
