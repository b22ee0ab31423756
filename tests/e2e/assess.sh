#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A medium with action=assess: the machine finds out what copying it would take, with a RAID controller that no driver
# serves, which would stop a copy; the screen, the lines and the server have the result, and nothing was copied.
. "$(dirname "$0")/lib.sh"
e2e_begin assess

truncate -s 256M "$E2E_DIR/data.raw"
sgdisk --disk-guid=00000065-0000-4000-8000-000000000040 --new=1:2048:0 "$E2E_DIR/data.raw" >/dev/null
mkfs.ext4 -q -F -E offset=1048576 "$E2E_DIR/data.raw" 250M
e2e_random 65 $((16 << 20)) >"$E2E_DIR/noise.raw"
sha256sum "$E2E_DIR"/*.raw >"$E2E_DIR/before"
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" action=assess
e2e_cd_machine vm "$E2E_DIR/data.raw" "$E2E_DIR/noise.raw"
bf_vm_add vm -device megasas
e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
check "which names what was not seen" matches ' unseen=1 which="RAID controller ' "$E2E_VERDICT"
lines() { bf_vm_serial vm | grep -a "^BOOTFERRY event=$1 "; }
check "a line for each disk" equal 2 "$(lines assessed-disk | grep -c ' used=[1-9][0-9]* rate=[1-9]')"
check "and one for all" matches ' link=[1-9][0-9]* compute=[1-9][0-9]* first=[0-9]+ later=[0-9]+' "$(lines assessed)"
result() { bf_cli assess web-1 --json | jq -e "$1" >/dev/null || { bf_cli assess web-1 --json; return 1; }; }
check "the server has both disks" result '.disks | length == 2'
check "of the first one only what is used" result '.disks[] | select(.bytes == 268435456) | .used < 134217728 and .read_rate > 0'
check "all of the other" result '.disks[] | select(.bytes == 16777216) | .used == .bytes and .compressed == .sampled'
check "what was not seen" result '.unseen == 1 and (.unseen_list | startswith("RAID controller"))'
check "and the link" result ".link_rate == $(e2e_field link "$(lines assessed)")"
check "no point was made" equal 0 "$(e2e_points web-1)"
check "the disks were only read" sha256sum --quiet -c "$E2E_DIR/before"
e2e_end
