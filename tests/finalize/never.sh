#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Guests that would not start in their new home: real ones in which something was broken beforehand. The finalizer has to
# refuse each, before it changes anything, and its report has to name what stands in the way.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=tests/finalize/moves.sh
. tests/finalize/moves.sh
TEST_KIND=never

# The guest's root file system in a copy of its disk, by debugfs.
copy=$T/copy.raw
files() { debugfs -w -R "$1" "$copy?offset=1048576" 2>/dev/null; }
# broken: a copy of the guest's disk, to be broken, with an overlay.
broken() {
    cp --sparse=always "$BF_BUILD/guest/$guest/disk.raw" "$copy"
    qemu-img create -q -f qcow2 -b "$copy" -F raw "$T/disk.qcow2"
}
# edit FILE SED: changes a file of the copy.
edit() {
    files "dump $1 $T/file"
    sed -i -E "$2" "$T/file"
    printf '%s\n' "cd $(dirname "$1")" "rm ${1##*/}" "write $T/file ${1##*/}" >"$T/commands"
    debugfs -w -f "$T/commands" "$copy?offset=1048576" >/dev/null 2>&1
}
# refused WORD: with this word in the report, and nothing changed.
refused() {
    if "$FINALIZE" run --kernel "$BF_BUILD/finalize-vm/vmlinuz" --initramfs "$BF_BUILD/finalize-vm/initramfs" \
        --disk "qcow2:$T/disk.qcow2" --backing "raw:$copy" --plan "$T/plan" --report "$logs/report" --deadline 300 \
        2>"$logs/err"; then
        head -n 20 "$logs/report.txt"
        return 1
    fi
    equal refused "$(jq -r .result "$logs/report")" && grep -F -e "$1" "$logs/report.txt"
}
kernel() { files 'ls -p /lib/modules' | sed -nE 's|^/[0-9]+/[0-9]+/[0-9]+/[0-9]+/([0-9][^/]*)/.*|\1|p'; }

guest mbr
broken
edit /boot/grub/grub.cfg 's|root=/dev/sda1|root=UUID=0badd15c-0000-4000-8000-000000000000|'
check "a root file system that is on no disk" refused 0badd15c-0000-4000-8000-000000000000

broken
version=$(kernel)
files "rm /usr/lib/modules/$version/kernel/drivers/block/virtio_blk.ko"
check "a kernel without the target's disk driver" refused virtio_blk

broken
files "rm /boot/initrd.img-$version"
check "no initramfs" refused "initrd.img-$version"
TEST_PREFIX=''
finish
