#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks that the operator accepted as the program's own drivers showed them are the accepted ones as the firmware shows
# them, too: a virtio disk with a GPT, and one without, of which the firmware does not even know the serial number.
. "$(dirname "$0")/lib.sh"
e2e_begin accepted

e2e_disk "$E2E_DIR/old.raw" 16 63
e2e_disk "$E2E_DIR/new.raw" 32 64
e2e_random 65 $((24 << 20)) >"$E2E_DIR/plain.raw"
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf"
e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/old.raw"
check "the first point is of another disk" e2e_push_is_ok

run() { # NAME [KEY=VALUE]
    e2e_media web-1 iso "$E2E_DIR/$1.iso" "${@:2}"
    e2e_cd_machine "$1" "$E2E_DIR/new.raw" "$E2E_DIR/plain.raw"
    e2e_boot "$1" 300
}
driver_of() { bf_vm_serial "$1" | grep -a '^BOOTFERRY event=disk .*bytes=25165824 ' | grep -oE 'driver=[^ ]*|serial=[^ ]*' | tr '\n' ' '; }

run native
check "the new disks are refused" e2e_verdict_is_failure mismatch config
check "as our driver shows them" equal 'driver=virtio-blk serial=plain ' "$(driver_of native)"
check "the operator accepts them" bf_cli machine accept web-1
run firmware driver=firmware
check "as the firmware shows them" equal 'driver=firmware serial="" ' "$(driver_of firmware)"
check "they are the accepted ones" e2e_verdict_is_ok
check "and copied" e2e_same web-1@2 2 "$E2E_DIR/plain.raw"
e2e_end
