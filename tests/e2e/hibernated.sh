#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A source that is hibernated, by the signature in its swap, is recognised, said on the serial port and at the server,
# and copied whole all the same.
. "$(dirname "$0")/lib.sh"
e2e_begin hibernated

truncate -s 96M "$E2E_DIR/data.raw"
sgdisk --new=1:2048:+64M --typecode=1:8200 --new=2:0:0 --typecode=2:8300 "$E2E_DIR/data.raw" >/dev/null
truncate -s 64M "$E2E_DIR/swap"
mkswap -q "$E2E_DIR/swap"
printf 'S1SUSPEND\0' | dd of="$E2E_DIR/swap" bs=1 seek=4086 conv=notrunc status=none
e2e_random 72 3000000 | dd of="$E2E_DIR/swap" bs=4096 seek=2 conv=notrunc iflag=fullblock status=none
dd if="$E2E_DIR/swap" of="$E2E_DIR/data.raw" bs=1M seek=1 conv=notrunc,sparse status=none
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso"
e2e_cd_machine vm "$E2E_DIR/data.raw"
e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
check "the serial port says it" matches 'hibernated=1' "$(bf_vm_serial vm | grep -a '^BOOTFERRY event=disk .*planned=1')"
check "the server has it on record" equal true "$(bf_cli points web-1 --json | jq '[.points[0].source.disks[] | select(.planned)][0].hibernated')"
check "the point is the disk" e2e_same web-1 0 "$E2E_DIR/data.raw"
e2e_end
