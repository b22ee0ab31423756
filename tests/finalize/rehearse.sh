#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rehearsal: whatever would stop the next start is found by an independent reading of the result, before anything is
# written, and is refused with its file and line. Where not all disks are known, what cannot be seen is said instead.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

r=$work/root v=6.1.0-1-amd64
tree() {
    rm -rf "$r"
    debian "$r"
    ifupdown "$r"
    sed -i '1i set timeout=5' "$r/boot/grub/grub.cfg"
    plan "$work/plan"
    devices_mounted "$work/devices"
}
start() { jq -r ".start.$1" "$work/report"; }
stops_at() { # WORD...: refused, with a reason that has all of them, and nothing is changed
    local before word
    before=$(snapshot "$r")
    ! finalize "$r" "$work/plan" || return 1
    equal "refused does not start" "$(jq -r '"\(.result) \(.start.verdict)"' "$work/report")" || return 1
    for word in "$@"; do says "$word" || return 1; done
    [ "$(snapshot "$r")" = "$before" ]
}
goes() { # VERDICT
    if finalize "$r" "$work/plan" && equal "$1" "$(start verdict)"; then return 0; fi
    cat "$work/err"
    start stops
    start not_followed
    return 1
}
# refuses_all [WORD]: refused, whoever is the first to see it.
refuses_all() {
    local before
    before=$(snapshot "$r")
    ! finalize "$r" "$work/plan" && equal refused "$(jq -r .result "$work/report")" && says "${1:-initrd}" && [ "$(snapshot "$r")" = "$before" ]
}
cfg() { printf '%s\n' "$@" >"$r/boot/grub/grub.cfg"; }
root=root=UUID=11111111-2222-3333-4444-555555555555

tree
check "a system that starts is ok" goes starts
check "the report begins with it" matches '^starts: GRUB 2 "Debian GNU/Linux" \(/boot/grub/grub.cfg, line [0-9]+\), kernel '"$v, $root"'$' "$(sed -n 2p "$work/report.txt")"
check "the entry has what the kernel gets" equal "$root ro quiet resume=UUID=99999999-2222-3333-4444-555555555555 console=tty0 console=ttyS0,115200" \
    "$(start 'entries[] | select(.chosen).cmdline')"
check "and each file of it" equal "/boot/vmlinuz-$v /boot/initrd.img-$v" "$(start 'entries[] | select(.chosen) | "\(.kernel) \(.initramfs[0])"')"
check "where the addresses stand" equal "203.0.113.5/24 /etc/network/interfaces true" "$(start 'addresses[0] | "\(.address) \(.file) \(.line > 3)"')"
check "a second run comes to the same" goes starts

# ---- From the firmware to the kernel ----------------------------------------------------------------

tree
rm -rf "${r:?}"/boot/efi/EFI/*
check "a firmware without boot entries finds nothing" refuses_all "fallback path"
tree
rm "$r/boot/vmlinuz-$v"
check "the kernel is not there" stops_at "/boot/vmlinuz-$v"
sed -i 's/"serial_console"/"rehearsal": "report", "serial_console"/' "$work/plan"
check "who knows better can have it made" goes "does not start"
check "and is told so first" matches "^does not start, as far as can be seen: .*vmlinuz-$v" "$(sed -n 2p "$work/report.txt")"
tree
: >"$r/boot/vmlinuz-$v"
check "the kernel is empty" stops_at "/boot/vmlinuz-$v" empty
tree
rm "$r/boot/initrd.img-$v"
check "the initramfs is not there" stops_at "/boot/initrd.img-$v"
tree
sed -i '2a if [ "$x" = 1 ; then' "$r/boot/grub/grub.cfg"
check "GRUB cannot read its configuration" stops_at /boot/grub/grub.cfg line
tree
cfg 'set timeout=5' 'set default=broken' "menuentry 'Good' { linux /boot/vmlinuz-$v root=/dev/sda2 ro; initrd /boot/initrd.img-$v; }" \
    "menuentry 'Bad' --id broken { linux /boot/vmlinuz-9 root=/dev/sda2 ro; initrd /boot/initrd.img-$v; }"
check "the entry that is the default counts" stops_at Bad vmlinuz-9
sed -i 's/default=broken/default=0/' "$r/boot/grub/grub.cfg"
check "another one is to be looked at" goes starts
check "with its name and its reason" says '"Bad" would not start if it were chosen'
check "on one line as on several, root= is adapted" equal "$root ro console=tty0 console=ttyS0,115200" "$(start 'entries[0].cmdline')"
tree
put "$r/boot/grub/grub.cfg" <<EOF
set timeout=5
menuentry 'Two' {
linux /boot/vmlinuz-$v \\
root=/dev/sda2 \\
ro
initrd /boot/initrd.img-$v
}
EOF
check "over several lines, too" goes starts
tree
cfg 'set timeout=5' 'menuentry Other { chainloader /EFI/other.efi; }'
rm -f "$r/boot/efi/EFI/other.efi"
check "an entry that starts no kernel of this system" stops_at other.efi

# ---- The root, init, fstab --------------------------------------------------------------------------

tree
sed -i "s,root=/dev/sda2,root=UUID=00000000-0000-4000-8000-000000000000," "$r/boot/grub/grub.cfg"
check "root= is on no disk" stops_at root=UUID=00000000-0000-4000-8000-000000000000
tree
sed -i "s,root=/dev/sda2,root=LABEL=nowhere," "$r/boot/grub/grub.cfg"
check "by no label either" stops_at root=LABEL=nowhere
tree
sed -i "s,root=/dev/sda2,root=/dev/mapper/vg-root," "$r/boot/grub/grub.cfg"
check "nor by a volume" stops_at root=/dev/mapper/vg-root
tree
sed -i "s,root=/dev/sda2,root=0xfd00,; s,resume=/dev/sda3,resume=8:3," "$r/boot/grub/grub.cfg"
check "numbers of devices" goes starts
check "are resolved" equal "$root ro quiet resume=UUID=99999999-2222-3333-4444-555555555555 console=tty0 console=ttyS0,115200" \
    "$(start 'entries[] | select(.chosen).cmdline')"
refute "and nothing is left to look at" matches resume= "$(start 'look_at[]')"
for gone in 8:19 253:1 /dev/sdz1 UUID=00000000-1111-4000-8000-000000000000 /dev/vg/swap; do
    tree
    sed -i "s,resume=/dev/sda3,resume=$gone," "$r/boot/grub/grub.cfg"
    check "resume=$gone stops nothing" goes starts
    check "and is said with its line" matches "/boot/grub/grub.cfg, line 5: .* has resume=$gone, " "$(start 'look_at[]')"
done
tree
sed -i 's,ro quiet,ro quiet init=/sbin/nothing,' "$r/boot/grub/grub.cfg"
check "init= is not there" stops_at /sbin/nothing
tree
echo 'UUID=00000000-1111-4000-8000-000000000000 /data ext4 defaults 0 2' >>"$r/etc/fstab"
check "a file system of fstab is on no disk" stops_at "/etc/fstab, line 7" /data missing_disks
sed -i 's/"serial_console"/"missing_disks": "nofail", "serial_console"/' "$work/plan"
check "unless the plan gives it up" goes starts
check "then the start does not wait for it" has "$r/etc/fstab" 'UUID=00000000-1111-4000-8000-000000000000 /data ext4 defaults,nofail 0 2'
check "a second run changes nothing more" goes starts
tree
put "$r/etc/crypttab" <<<'data UUID=00000000-1111-4000-8000-000000000000 none luks'
check "a device of crypttab is on no disk: the start goes on" goes starts
check "but waits for it" matches "/etc/crypttab, line 1: UUID=00000000-1111-4000-8000-000000000000 for data is on none of the disks: the start waits" "$(start 'look_at[]')"
echo '/dev/mapper/data /data ext4 defaults 0 2' >>"$r/etc/fstab"
check "a file system of fstab is in it" stops_at "/etc/fstab, line 7" "/etc/crypttab, line 1, opens as /dev/mapper/data for /data" missing_disks
sed -i 's/"serial_console"/"missing_disks": "nofail", "serial_console"/' "$work/plan"
check "unless the plan gives both up" goes starts
check "then the start does not wait for the file system" has "$r/etc/fstab" '/dev/mapper/data /data ext4 defaults,nofail 0 2'
check "nor for its device" is "$r/etc/crypttab" <<<'data UUID=00000000-1111-4000-8000-000000000000 none luks,nofail'
refute "and nothing is left to look at" matches crypttab "$(start 'look_at[]')"
check "a second run changes nothing more" goes starts
check "as it is" is "$r/etc/crypttab" <<<'data UUID=00000000-1111-4000-8000-000000000000 none luks,nofail'
: "${JUDGE:=$PWD/build/judge/root}"
generator=/lib/systemd/system-generators/systemd-cryptsetup-generator
if [ -x "$JUDGE$generator" ]; then
    mkdir -p "$work/units"/{normal,early,late}
    library=$JUDGE/usr/lib/x86_64-linux-gnu
    judged_units() { SYSTEMD_CRYPTTAB=$r/etc/crypttab LD_LIBRARY_PATH=$library/systemd:$library "$JUDGE$generator" "$work/units"/{normal,early,late}; }
    check "systemd's generator reads it" judged_units
    check "and no start requires the device" equal wants "$(find "$work/units" -path '*cryptsetup.target*' -name '*@data.service' | sed 's,.*cryptsetup.target.\([a-z]*\)/.*,\1,')"
else
    skip "systemd's generator"
fi
for options in noauto nofail _netdev x-systemd.automount; do
    tree
    echo "UUID=00000000-1111-4000-8000-000000000000 /data ext4 defaults,$options 0 2" >>"$r/etc/fstab"
    check "fstab: $options is not waited for" goes starts
done
tree
printf '%s\n' 'tmpfs /tmp tmpfs nosuid 0 0' 'server:/x /x nfs defaults 0 0' '/srv/a /srv/b none bind 0 0' >>"$r/etc/fstab"
check "fstab: what has no disk is not waited for" goes starts
tree
echo 'UUID=00000000-1111-4000-8000-000000000000 none swap sw 0 0' >>"$r/etc/fstab"
check "swap is waited for, and the start goes on" goes starts
check "which is said" says "/etc/fstab, line 7"

# ---- The initramfs ----------------------------------------------------------------------------------

image() { # COMMAND: the image's content, changed
    rm -rf "$work/ird"
    mkdir "$work/ird"
    (cd "$work/ird" && gzip -dc "$r/boot/initrd.img-$v" 2>/dev/null | cpio -id --quiet 2>/dev/null
        eval "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet | gzip -9n) >"$work/image"
    cp "$work/image" "$r/boot/initrd.img-$v"
}
tree
image 'rm init'
check "an image without /init" stops_at "/init"
tree
head -c 4000 /dev/urandom >"$r/boot/initrd.img-$v"
check "an image that is none" refuses_all
tree
sed -i 's,ro quiet,ro quiet modprobe.blacklist=virtio-blk,' "$r/boot/grub/grub.cfg"
check "a driver on the command line's blacklist" refuses_all virtio_blk
tree
echo 'kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko' >>"$r/usr/lib/modules/$v/modules.dep"
check "the file system of the root needs a driver that the image lacks" stops_at ext4
image "mkdir -p usr/lib/modules/$v/kernel/fs/ext4 usr/lib/modules/$v/kernel/fs/jbd2; echo e >usr/lib/modules/$v/kernel/fs/ext4/ext4.ko"
check "and what that needs" stops_at jbd2
image "mkdir -p usr/lib/modules/$v/kernel/fs/jbd2; echo e >usr/lib/modules/$v/kernel/fs/jbd2/jbd2.ko"
check "with both it starts" goes starts
tree
sed -i '/virtio_blk\|virtio_pci/d' "$r/usr/lib/modules/$v/modules.dep"
sed -i d "$r/usr/lib/modules/$v/modules.builtin"
check "a kernel without a driver for the new disks" refuses_all "$v"

# ---- Not all is seen --------------------------------------------------------------------------------

tree
devices "$work/devices"
check "without the places of file systems a tree may be a part" goes starts
rm "$r/boot/vmlinuz-$v"
check "then what is missing may be elsewhere" goes "not known"
check "and the report says so first" matches '^may start, which is not certain: .*/boot/vmlinuz-'"$v" "$(sed -n 2p "$work/report.txt")"
tree
echo '[]' >"$work/devices"
sed -i 's,root=/dev/sda2,root=LABEL=x,' "$r/boot/grub/grub.cfg"
check "without disks root= is not judged" goes "not known"
check "which is said, too" matches "root=LABEL=x, and which disks there are is not known" "$(start "not_followed[0]")"
tree
rm -rf "${r:?}"/boot/*
check "without a boot loader there is nothing to start" refuses_all EFI

finish
