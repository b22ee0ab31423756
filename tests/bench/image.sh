#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The boot image: its size, and the time from the firmware's hand-over to the first byte of a disk on the wire, under OVMF
# with a DHCP server that answers. The second is the program's own clock, read from its lines.
# shellcheck source-path=SCRIPTDIR/../e2e
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$E2E_TOP/tests/bench/lib.sh"
e2e_begin bench-image
bench_open image

bench_result "boot image" "$(stat -c %s "$BF_BUILD/bootferry.efi")" - bytes most 1048576

e2e_disk "$E2E_DIR/data.raw" 64 7
e2e_server
bf_cli machine add first >>"$E2E_LOGS/cli.log"
e2e_media first iso "$E2E_DIR/first.iso"
e2e_cd_machine first "$E2E_DIR/data.raw"
e2e_boot first 300
check "the machine was moved" e2e_verdict_is_ok
line=$(bf_vm_serial first | grep -a 'event=first-byte' || true)
bench_result "hand-over to the first byte on the wire" "$(e2e_field t "$line")" - s most 2
peak=$(e2e_field peak "$(bf_vm_serial first | grep -a 'event=memory' || true)")
bench_result "memory of the boot program" "$peak" - bytes most $((64 << 20))
e2e_end
