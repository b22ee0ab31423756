#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# vlan.sh native|firmware: behind a switch port that carries one VLAN tagged and nothing else. The program's own driver
# has room for the tag in full frames; through the firmware's the packets are smaller by as much.
. "$(dirname "$0")/lib.sh"
kind=${1:?usage: vlan.sh native|firmware}
e2e_begin "vlan-$kind"
driver=virtio-net mtu=1500 longest=1518 set=()
[ "$kind" = native ] || { driver=snp mtu=1496 longest=1514 && set=(driver=firmware); }

e2e_disk "$E2E_DIR/data.raw" 64 21
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" vlan=42 "${set[@]}"
bf_bound tests/e2e/switch.py vlan=42 "$E2E_DIR/frames" >"$E2E_DIR/ports" 2>"$E2E_LOGS/switch.log" &
E2E_CHILDREN+=($!)
e2e_wait 10 "the switch" test -s "$E2E_DIR/ports"
read -r port_a port_b <"$E2E_DIR/ports"
e2e_machine vm "$E2E_DIR/data.raw"
bf_vm_add vm -netdev "socket,id=net0,connect=127.0.0.1:$port_a" -device "virtio-net-pci,netdev=net0,id=nic0,romfile=" \
    -netdev "socket,id=trunk,connect=127.0.0.1:$port_b" -netdev hubport,id=hub0,hubid=1,netdev=trunk \
    -netdev user,id=world -netdev hubport,id=hub1,hubid=1,netdev=world
bf_vm_cd vm "$E2E_DIR/vm.iso" bootindex=0
e2e_boot vm 400
seen=$(cat "$E2E_DIR/frames")
bf_say "# $seen"
network=$(bf_vm_serial vm | grep '^BOOTFERRY event=network .*state=ready' | tail -n 1)
check "the verdict" e2e_verdict_is_ok
check "by the driver $driver" equal "$driver" "$(e2e_field driver "$network")"
check "the VLAN is shown" equal 42 "$(e2e_field vlan "$network")"
check "the MTU is shown" equal $mtu "$(e2e_field mtu "$network")"
check "every frame has the tag" equal 0 "$(e2e_field late_untagged "$seen")"
check "the largest frame sent" equal $longest "$(e2e_field a_longest "$seen")"
check "what comes in is no larger" at_most $longest "$(e2e_field b_longest "$seen")"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
