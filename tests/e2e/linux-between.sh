#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real guest loses power in the middle of its transfer, its own Linux runs in between and changes files, and it boots
# from the medium again: the point is the disk as Linux left it, with the changed file in it, and what had not changed
# was not sent again.
. "$(dirname "$0")/lib.sh"
e2e_begin linux-between
# shellcheck source=qemu/guests/debian12.conf
. qemu/guests/debian12.conf

qemu/guest.sh debian12
cp --sparse=always "$BF_BUILD/guest/debian12/disk.raw" "$E2E_DIR/data.raw"
cp "$BF_BUILD/guest/debian12/vars.fd" "$E2E_DIR/vars.fd"
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/boot.iso" compress=off

# machine NAME VARIABLES
machine() {
    bf_vm "$1" "$E2E_LOGS/$1" "$GUEST_MACHINE"
    bf_vm_firmware "$1" "$2"
    bf_vm_disk "$1" "$GUEST_CONTROLLER" "$E2E_DIR/data.raw" raw
    bf_vm_nic "$1" virtio-net-pci "" "mac=$GUEST_MAC,addr=3"
    bf_vm_add "$1" -m 768 -device isa-debug-exit,iobase=0xf4,iosize=4
}
# With variables of its own: this firmware, told by QEMU to start from a CD, forgets the boot entry of the disk.
ferry() {
    machine "$1" "$E2E_DIR/$1-vars.fd"
    bf_vm_cd "$1" "$E2E_DIR/boot.iso" bootindex=0
}
linux() {
    machine "$1" "$E2E_DIR/vars.fd"
    bf_vm_start "$1"
    bf_vm_wait_line "$1" '^SEEN .* end$' 300 >"$E2E_DIR/seen"
    bf_vm_powerdown "$1"
    bf_vm_wait_exit "$1" 120
}

linux before
ferry first
bf_vm_start first
e2e_sending first 150000000 300
bf_vm_kill first
linux between
check "its own Linux started once more" equal 2 "$(e2e_field boots "$(cat "$E2E_DIR/seen")")"
ferry second
e2e_boot second 600
check "the verdict" e2e_verdict_is_ok
check "one recovery point" equal 1 "$(e2e_points web-1)"
check "it is the disk as Linux left it" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
check "with the file that Linux changed" equal 2 \
    "$(debugfs -R 'cat /srv/boots' "$E2E_DIR/export.raw?offset=$((97 << 20))" 2>/dev/null)"
check "all of it was read again, but what is unused" at_least 2147483648 \
    $(($(e2e_field read "$E2E_PROGRESS") + $(e2e_field unused "$E2E_PROGRESS")))
check "what had not changed was not sent again" at_most 330000000 "$(e2e_field sent "$E2E_PROGRESS")"
e2e_end
