#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The screen of a run that failed, as a terminal on the serial port shows it: the words of README's row, what to do, and
# what a network administrator asks for.
. "$(dirname "$0")/lib.sh"
e2e_begin screen

e2e_disk "$E2E_DIR/data.raw" 16 62
bf_server_init "$E2E_DIR/state" 10.0.2.2 >>"$E2E_LOGS/cli.log"
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
# Nobody listens there.
e2e_media web-1 iso "$E2E_DIR/vm.iso" server=10.0.2.2:1 retry=1 serial=console on-failure=wait:2
e2e_machine vm "$E2E_DIR/data.raw"
bf_vm_cd vm "$E2E_DIR/vm.iso" bootindex=0
bf_vm_nic vm virtio-net-pci
bf_vm_start vm
bf_vm_wait_exit vm 200
check "it failed" equal 5 "$BF_VM_STATUS"
tests/e2e/terminal.py "$E2E_LOGS/vm/serial.log" >"$E2E_LOGS/screen"
# Lines that were broken are joined for the comparison.
text=$(tr -s '\n ' '  ' <"$E2E_LOGS/screen")
shows() { [[ "$text" == *"$1"* ]] || { echo "wanted: $1"; cat "$E2E_LOGS/screen"; return 1; }; }
row=$(e2e_failure_rows | grep '|refused the connection$')
check "the side and the code" shows "At fault the replica server ($(cut -d'|' -f1 <<<"$row"))"
check "what, in README's words" shows "What 10.0.2.2 port 1 $(cut -d'|' -f3 <<<"$row")"
check "what to do" shows 'What to do see whether bootferryd runs there and listens on that port'
check "the NIC by address and slot" shows 'NIC 52:54:00:12:34:56 (PCI 00:0'
check "its driver and link" shows '), driver virtio-net, link up'
check "address, gateway, DNS" shows 'address 10.0.2.15/24, '
check "gateway" shows 'gateway 10.0.2.2, DNS 10.0.2.3'
check "that nothing was written" shows 'The disks of this machine were only read'
e2e_end
