#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unified kernel images: put together anew with another command line and more drivers where they are not signed, as their
# format asks for; refused where they are. objcopy and Debian's stub judge.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

pe=$(dirname "$0")/pe.py
# shellcheck disable=SC2154 # trees.sh sets $work
r=$work/root
linux=$r/boot/efi/EFI/Linux
root=UUID=11111111-2222-3333-4444-555555555555
devices "$work/devices"
printf '6.1.0-1-amd64' >"$work/uname"
printf 'ID=debian\n' >"$work/osrel"
head -c 300000 /dev/urandom >"$work/linux"
initrd() { # [NAME...]: an initramfs with these modules of the kernel
    local name
    rm -rf "$work/ird2"
    mkdir -p "$work/ird2/usr/lib/modules/6.1.0-1-amd64/kernel"
    echo init >"$work/ird2/init"
    for name; do put "$work/ird2/usr/lib/modules/6.1.0-1-amd64/kernel/$name.ko" <<<x; done
    # What finds them by the devices.
    if [ $# != 0 ]; then echo x | tee "$work/ird2/usr/lib/modules/6.1.0-1-amd64/modules."{dep,alias}.bin >/dev/null; fi
    (cd "$work/ird2" && find . | LC_ALL=C sort | cpio -o -H newc --quiet | gzip -9n) >"$work/initrd"
}
# fresh FILE CMDLINE [NAME=FILE...]: a system whose kernel is in a unified image.
fresh() {
    rm -rf "$r"
    debian "$r"
    rm -r "$r"/boot/grub "$r"/boot/efi/EFI/debian "$r"/boot/vmlinuz-* "$r"/boot/initrd.img-* "$r/etc/initramfs-tools"
    put "$r/boot/efi/EFI/systemd/systemd-bootx64.efi" <<<sd-boot
    put "$r/boot/efi/loader/loader.conf" <<<"timeout 3"
    printf '%b' "$2" >"$work/cmdline"
    local file=$linux/$1 uname=(.uname="$work/uname")
    mkdir -p "$linux"
    shift 2
    [ -e "$work/uname" ] || uname=()
    "$pe" make "$file" x64 .text="$work/osrel" .osrel="$work/osrel" .cmdline="$work/cmdline" "${uname[@]}" \
        "$@" .linux="$work/linux" .initrd="$work/initrd"
}
plan() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"qemu-virtio\"$1}${2:-}}"; }
run() { finalize "$r" "$work/plan"; }
section() { "$pe" section "$linux/$1" "$2"; }
# unpacked FILE: the names in its initramfs, as the kernel unpacks it.
unpacked() {
    section "$1" .initrd >"$work/all"
    local first
    first=$(stat -c %s "$work/initrd")
    zcat "$work/initrd" | cpio -t --quiet
    tail -c +$(((first + 3) / 4 * 4 + 1)) "$work/all" | cpio -t --quiet
}
# dumped FILE SECTION: what objcopy finds.
dumped() { objcopy --dump-section "$2=$work/dump" "$linux/$1" "$work/dump.efi" && cat "$work/dump"; }
plan '' ', "serial_console": true'

# ---- Put together anew --------------------------------------------------------------------------
initrd
fresh debian+3.efi 'root=/dev/sda2 ro quiet\n'
cp "$linux/debian+3.efi" "$work/first"
before=$(snapshot "$r")
check "apply" run
check "its name stays, with the count of its boots" equal "$(cd "$linux" && ls -A)" debian+3.efi
check "its format is kept" "$pe" check "$linux/debian+3.efi"
check "the command line" equal "$(section debian+3.efi .cmdline)" "root=$root ro quiet console=tty0 console=ttyS0,115200"
check "the kernel keeps its bytes" cmp "$work/linux" <(section debian+3.efi .linux)
check "the first initramfs keeps its bytes" cmp "$work/initrd" <(section debian+3.efi .initrd | head -c "$(stat -c %s "$work/initrd")")
check "the drivers follow it" matches "modules/6.1.0-1-amd64/kernel/drivers/block/virtio_blk.ko" "$(unpacked debian+3.efi)"
check "with their index" matches "modules.dep.bin" "$(unpacked debian+3.efi)"
check "the report has sizes, and no bytes" equal "$(jq -c '.changes[] | select(.path | endswith("debian+3.efi")) | [.action, .size_before, has("diff")]' "$work/report")" "[\"modify\",$(stat -c %s "$work/first"),false]"
check "second run" again
check "undo" undone "$before"
check "what was there is there" cmp "$work/first" "$linux/debian+3.efi"
plan '' ', "serial_console": false'
check "another plan over it: first" run
plan '' ', "serial_console": true'
check "another plan over it: then" run
check "another plan over it: the last counts" matches "console=ttyS0" "$(section debian+3.efi .cmdline)"
check "another plan over it: undo goes back to the source" undone "$before"
if command -v objcopy >/dev/null; then
    check "objcopy: apply" run
    check "objcopy finds the command line" equal "$(dumped debian+3.efi .cmdline)" "root=$root ro quiet console=tty0 console=ttyS0,115200"
else
    skip "no objcopy here"
fi
plan ''
initrd drivers/virtio/virtio drivers/virtio/virtio_ring drivers/virtio/virtio_pci drivers/block/virtio_blk drivers/net/virtio_net
fresh a.efi "root=$root ro"
cp "$linux/a.efi" "$work/first"
check "nothing is needed" run
check "nothing is changed" cmp "$work/first" "$linux/a.efi"
initrd
fresh a.efi "root=$root ro"
check "drivers alone" run
check "drivers alone: command line" equal "$(section a.efi .cmdline)" "root=$root ro"
check "drivers alone: format" "$pe" check "$linux/a.efi"
long=$(printf 'a%.0s' {1..5000})
initrd drivers/virtio/virtio drivers/virtio/virtio_ring drivers/virtio/virtio_pci drivers/block/virtio_blk drivers/net/virtio_net
put "$work/long" <<<x
fresh a.efi "root=/dev/sda2 x=$(printf 'b%.0s' {1..4060})"
check "a command line that outgrows its addresses" run
check "a command line that outgrows its addresses: format" "$pe" check "$linux/a.efi"
check "a command line that outgrows its addresses: goes behind the others" matches "^.cmdline" "$("$pe" check "$linux/a.efi" | tail -n 1)"
check "a command line that outgrows its addresses: kernel" cmp "$work/linux" <(section a.efi .linux)
check "a command line that outgrows its addresses: second run" again
fresh a.efi "root=/dev/sda2 x=$long"
check "a long one that shrinks nothing" run
check "a long one: whole" equal "$(section a.efi .cmdline)" "root=$root x=$long"

# ---- Large --------------------------------------------------------------------------------------
initrd
head -c 40000000 /dev/zero | openssl enc -aes-128-ctr -pass pass:x -nosalt 2>/dev/null >"$work/linux"
fresh large.efi 'root=/dev/sda2 ro'
before=$(snapshot "$r")
little() { (ulimit -v 200000 && run); }
check "an image of 40 MB in little memory" little
check "an image of 40 MB: format" "$pe" check "$linux/large.efi"
check "an image of 40 MB: kernel" cmp "$work/linux" <(section large.efi .linux)
check "an image of 40 MB: undo" undone "$before"
head -c 30000 /dev/urandom >"$work/linux"

# ---- What is refused ----------------------------------------------------------------------------
if command -v sbsign >/dev/null; then
    openssl req -newkey rsa:2048 -nodes -x509 -keyout "$work/key" -subj "/CN=Owner" -out "$work/cert" 2>/dev/null
    sign() { sbsign --key "$work/key" --cert "$work/cert" --output "$1" "$1" 2>/dev/null; }
    fresh a.efi 'root=/dev/sda2'
    sign "$linux/a.efi"
    check "a signed image that would change is refused" refused_with 'a.efi is signed by "Owner", and needs another command line and more drivers'
    fresh a.efi "root=$root"
    sign "$linux/a.efi"
    check "a signed image without the drivers is refused" refused_with "and needs more drivers"
    plan ', "secure_boot": false'
    check "where the target checks no signature" run
    check "where the target checks no signature: it has none" equal "$(jq -r '[.notes[].text | select(contains("without a signature"))] | length' "$work/report")" 1
    check "where the target checks no signature: format" "$pe" check "$linux/a.efi"
    refute "where the target checks no signature: sbverify finds none" sbverify --cert "$work/cert" "$linux/a.efi"
    plan ''
    initrd drivers/virtio/virtio drivers/virtio/virtio_ring drivers/virtio/virtio_pci drivers/block/virtio_blk drivers/net/virtio_net
    fresh a.efi "root=$root"
    sign "$linux/a.efi"
    check "a signed image that has all" run
    check "a signed image that has all stays" sbverify --cert "$work/cert" "$linux/a.efi"
    initrd
else
    skip "signed images: no sbsign here"
fi
fresh a.efi 'root=/dev/sda2' .profile="$work/osrel"
check "several profiles are refused" refused_with "has several profiles"
fresh a.efi 'root=LABEL=nowhere'
check "a root that is on no disk" run
check "a root that is on no disk is said, with the image" says "a.efi"
fresh a.efi 'root=/dev/sda2' .pcrsig="$work/osrel"
check "signed measurements" run
check "signed measurements are said" says "section .pcrsig"
printf 'other' >"$work/uname"
fresh a.efi 'root=/dev/sda2'
check "a kernel without modules that would not start" refused_with "would not start"
check "a kernel without modules is said" says "has the kernel other, whose modules are not in this system"
rm "$work/uname"
fresh a.efi 'root=/dev/sda2'
check "a kernel of an unknown version that would not start" refused_with "would not start"
check "a kernel of an unknown version is said" says "has the kernel of an unknown version (no section .uname)"
{
    head -c 514 /dev/zero && printf 'HdrS' && head -c 8 /dev/zero && printf '\0\2' && head -c 496 /dev/zero
    printf '6.1.0-1-amd64 (debian-kernel@lists.debian.org) #1 SMP\0'
    head -c 300000 "$work/linux"
} >"$work/linux.x86"
mv "$work/linux.x86" "$work/linux"
fresh a.efi 'root=/dev/sda2'
check "a version that only the kernel says" run
check "a version that only the kernel says: the drivers follow" matches "modules/6.1.0-1-amd64/kernel/drivers/block/virtio_blk.ko" "$(unpacked a.efi)"
printf '6.1.0-1-amd64' >"$work/uname"
fresh a.efi 'root=/dev/sda2'
ln "$linux/a.efi" "$r/boot/other-name"
check "other names" refused_with "has other names (hard links)"
cp "$linux/a.efi" "$work/whole"
harm() {
    local n size
    size=$(stat -c %s "$work/whole")
    rm -f "$r/boot/other-name"
    for n in 60 68 84 96 100 120 124 148 232 236 328 336 340 344 348 376 384 416 424 456 464; do
        cp "$work/whole" "$linux/a.efi"
        printf '\377\377\377\177' | dd of="$linux/a.efi" bs=1 seek="$n" conv=notrunc 2>/dev/null
        run
        jq -e '.result != "failed"' "$work/report" >/dev/null || return 1
    done
    for ((n = 64; n < size; n += size / 20)); do
        head -c "$n" "$work/whole" >"$linux/a.efi"
        run
        jq -e '.result != "failed"' "$work/report" >/dev/null || return 1
    done
}
check "images that mean harm" harm

# ---- Debian's stub ------------------------------------------------------------------------------
stub=${JUDGE:-build/judge/root}/opt/systemd-boot-efi/usr/lib/systemd/boot/efi/linuxx64.efi.stub
if [ -e "$stub" ] && command -v objcopy >/dev/null; then
    initrd
    fresh a.efi 'root=/dev/sda2 ro'
    cmdline() { printf 'root=/dev/sda2 ro' >"$work/cmdline"; }
    cmdline
    objcopy --add-section .osrel="$work/osrel" --change-section-vma .osrel=0x20000 \
        --add-section .cmdline="$work/cmdline" --change-section-vma .cmdline=0x30000 \
        --add-section .uname="$work/uname" --change-section-vma .uname=0x40000 \
        --add-section .linux="$work/linux" --change-section-vma .linux=0x2000000 \
        --add-section .initrd="$work/initrd" --change-section-vma .initrd=0x3000000 "$stub" "$linux/a.efi" 2>/dev/null
    check "stub: apply" run
    check "stub: objdump reads every section" equal "$(objdump -h "$linux/a.efi" | grep -cE '^ +[0-9]+ \.')" 13
    check "stub: command line" equal "$(dumped a.efi .cmdline)" "root=$root ro"
    check "stub: kernel" cmp "$work/linux" <(dumped a.efi .linux)
    check "stub: second run" again
else
    skip "stub: Debian's is not in the judges' root"
fi
finish
