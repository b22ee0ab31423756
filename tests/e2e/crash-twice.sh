#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An exception while another one is being shown: it is told on the serial port, beside the verdict that there is, and the
# machine stands still.
. "$(dirname "$0")/lib.sh"
e2e_begin crash-twice

e2e_disk "$E2E_DIR/data.raw" 192 61
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" limit=2M on-failure=wait:600
e2e_cd_machine vm "$E2E_DIR/data.raw"
bf_vm_add vm -gdb "unix:$E2E_DIR/gdb,server=on,wait=off" -device VGA
bf_vm_start vm
e2e_sending vm 1000000 200
tests/e2e/crash.py "$E2E_DIR/gdb" "$BF_BUILD/bootferry.efi" 1 invalid >/dev/null
E2E_VERDICT=$(bf_vm_wait_line vm '^BOOTFERRY verdict=' 100)
check "the verdict" matches '^BOOTFERRY verdict=fail code=crash side=source .*exception 6 ' "$E2E_VERDICT"
bf_vm_screen vm "$E2E_LOGS/screen.png"
bf_vm_mark vm
seen=$(tests/e2e/crash.py "$E2E_DIR/gdb" "$BF_BUILD/bootferry.efi" 1 page-fault)
line=$(bf_vm_wait_line vm 'event=log .*no more can be done' 100)
check "the second one" matches "level=error text=\"exception 14 \(.*\) at image\\+${seen#* image+}, and no more" "$line"
check "no second verdict" fails 1 grep -q verdict= <<<"$(bf_vm_serial vm)"
bf_vm_kill vm
e2e_end
