#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The boot program over four connections of a slow link: one of them is cut, then all; the same boot goes on from what
# the server had made durable.
. "$(dirname "$0")/lib.sh"
e2e_begin lanes

e2e_disk "$E2E_DIR/data.raw" 128 5
e2e_server
e2e_relay
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=off connections=4 "server=10.0.2.2:$E2E_RELAY_PORT"
e2e_cd_machine vm "$E2E_DIR/data.raw"
e2e_fault rate 3000000 # what there is to send waits, so there is use for all of them
bf_vm_start vm
four='^BOOTFERRY event=log .*text="4 connections to the server are in use"'
check "four connections are in use" bf_vm_wait_line vm "$four" 300
bf_vm_mark vm
e2e_fault after 3000003 cut-one
check "when one is cut, the session goes on over new ones" bf_vm_wait_line vm '^BOOTFERRY event=connected ' 120
check "four again" bf_vm_wait_line vm "$four" 120
bf_vm_mark vm
e2e_fault after 3000001 cut
check "when all are cut, too" bf_vm_wait_line vm '^BOOTFERRY event=connected ' 120
e2e_verdict vm 300
check "the verdict" e2e_verdict_is_ok
check "the transfer was not begun again" at_most 130000000 "$(e2e_relayed_up)"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
