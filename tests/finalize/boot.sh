#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boot loaders, kernel command lines, the EFI fallback path and initramfs formats, on trees.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# shellcheck disable=SC2154 # trees.sh sets $work
r=$work/root
root=UUID=11111111-2222-3333-4444-555555555555 swap=UUID=99999999-2222-3333-4444-555555555555
devices "$work/devices"
fresh() {
    rm -rf "$r"
    debian "$r"
}
plan_of() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"qemu-virtio\"}$1}"; }
run() { finalize "$r" "$work/plan"; }

# ---- GRUB --------------------------------------------------------------------------------------
fresh
put "$r/etc/default/grub" <<'EOF'
GRUB_CMDLINE_LINUX_DEFAULT=quiet
GRUB_CMDLINE_LINUX="crashkernel=128M console=tty1 "
EOF
put "$r/etc/default/grub.d/50-cloud.cfg" <<'EOF'
GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX net.ifnames=0"
GRUB_DISABLE_LINUX_UUID=true
EOF
plan_of ', "serial_console": true'
check "grub: apply" run
check "grub: a console joins those that are there" is "$r/etc/default/grub" <<'EOF'
GRUB_CMDLINE_LINUX_DEFAULT=quiet
GRUB_CMDLINE_LINUX="crashkernel=128M console=tty1 console=ttyS0,115200 "
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
EOF
check "grub: a file of grub.d that extends the value is left alone" has "$r/etc/default/grub.d/50-cloud.cfg" 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX net.ifnames=0"'
check "grub: root by UUID in grub.d too" has "$r/etc/default/grub.d/50-cloud.cfg" '#GRUB_DISABLE_LINUX_UUID=true'
check "grub: second run" again
plan_of ', "serial_console": false'
check "grub: serial console off" run
check "grub: it is gone from the defaults" has "$r/etc/default/grub" 'GRUB_CMDLINE_LINUX="crashkernel=128M console=tty1 "'
check "grub: and from grub.cfg" lacks "$r/boot/grub/grub.cfg" ttyS0
plan_of ''
fresh
check "grub: without a word about consoles" run
check "grub: none is added" lacks "$r/boot/grub/grub.cfg" console
check "grub: root and resume" has "$r/boot/grub/grub.cfg" "	linux	/boot/vmlinuz-6.1.0-1-amd64 root=$root ro quiet resume=$swap"

# ---- systemd-boot ------------------------------------------------------------------------------
fresh
rm -r "$r/boot/grub" "$r/boot/efi/EFI/debian"
put "$r/boot/efi/loader/loader.conf" <<<"timeout 3"
put "$r/boot/efi/EFI/systemd/systemd-bootx64.efi" <<<sd-boot
put "$r/boot/efi/loader/entries/1.conf" <<'EOF'
title Debian
linux /1/linux
options root=/dev/sda2 rw quiet
EOF
put "$r/etc/kernel/cmdline" <<<"root=/dev/sda2 rw"
plan_of ', "serial_console": true'
check "systemd-boot: apply" run
check "systemd-boot: recognised" grep -q '"name": "systemd-boot"' "$work/report"
check "systemd-boot: entry" has "$r/boot/efi/loader/entries/1.conf" "options root=$root rw quiet console=tty0 console=ttyS0,115200"
check "systemd-boot: kernel/cmdline agrees" has "$r/etc/kernel/cmdline" "root=$root rw console=tty0 console=ttyS0,115200"
check "systemd-boot: fallback" has "$r/boot/efi/EFI/BOOT/BOOTX64.EFI" sd-boot
check "systemd-boot: second run" again

# ---- EFI fallback ------------------------------------------------------------------------------
plan_of ''
fresh
printf 'grub with prefix (,gpt2)/boot/grub' >"$r/boot/efi/EFI/debian/grubx64.efi"
rm "$r/boot/efi/EFI/debian/shimx64.efi"
check "EFI: GRUB without a shim" run
check "EFI: it becomes the fallback" cmp -s "$r/boot/efi/EFI/BOOT/BOOTX64.EFI" "$r/boot/efi/EFI/debian/grubx64.efi"
check "EFI: with the stub that its prefix does not lead to" has "$r/boot/efi/EFI/BOOT/grub.cfg" 'configfile $prefix/grub.cfg'
fresh
put "$r/boot/efi/EFI/Boot/bootx64.efi" <<<theirs
check "EFI: a fallback that is there" run
check "EFI: stays, whatever the case of its name" test "$(find "$r/boot/efi/EFI" -iname boot -type d | wc -l)$(cat "$r/boot/efi/EFI/Boot/bootx64.efi")" = 1theirs
plan_of ', "efi_fallback": false'
fresh
check "EFI: not wanted" run
check "EFI: not made" test ! -e "$r/boot/efi/EFI/BOOT"

# ---- crypttab, resume --------------------------------------------------------------------------
plan_of ''
fresh
put "$r/etc/crypttab" <<'EOF'
# name device key
data /dev/sda3 none luks
swap /dev/mapper/vg-swap /dev/urandom swap
EOF
sed -i 's/"type": "swap"/"type": "crypto_LUKS"/' "$work/devices"
check "crypttab: apply" run
check "crypttab: off device names" has "$r/etc/crypttab" "data $swap none luks"
check "fstab: a line whose type is not what is found there is left alone" has "$r/etc/fstab" "/dev/sda3	none	swap	sw	0	0"
check "fstab: and said" says "/dev/sda3 depends on the order of the disks, and the device found there has a different type"
devices "$work/devices"

for resume in /dev/sda3 '"/dev/sda3"' 8:3 0803 /dev/block/8:3; do
    fresh
    printf '# mine\nRESUME=%s\n' "$resume" | put "$r/etc/initramfs-tools/conf.d/resume"
    check "initramfs-tools resumes from $resume" run
    check "$resume becomes a UUID" matches "^RESUME=\"?$swap\"?\$" "$(tail -n 1 "$r/etc/initramfs-tools/conf.d/resume")"
    check "$resume: a second run" again
done
fresh
rm "$r/etc/initramfs-tools/conf.d/resume"
put "$r/etc/initramfs-tools/conf.d/mine" <<<"RESUME='/dev/sda3' # the swap area"
put "$r/etc/initramfs-tools/initramfs.conf" <<<"RESUME=/dev/sda3"
check "initramfs-tools resumes by another file" run
check "it becomes a UUID, too" is "$r/etc/initramfs-tools/conf.d/mine" <<<"RESUME='$swap' # the swap area"
check "as in initramfs.conf" has "$r/etc/initramfs-tools/initramfs.conf" "RESUME=$swap"
check "and the image gets both" equal 2 "$(grep -aoE "RESUME='?$swap" "$r/boot/initrd.img-6.1.0-1-amd64" | wc -l)"
put "$r/etc/initramfs-tools/conf.d/resume" <<<"RESUME=253:1"
check "initramfs-tools resumes from a number that nobody knows" run
check "it is said" says "/etc/initramfs-tools/conf.d/resume: /dev/block/253:1 depends on the order of the disks"

# ---- initramfs ---------------------------------------------------------------------------------
format() {
    fresh
    rm "$r"/boot/initrd.img-6.1.0-2-amd64 "$r"/boot/vmlinuz-6.1.0-2-amd64
    cat >"$r/boot/initrd.img-6.1.0-1-amd64"
    run
}
kind() { jq -r '.system.kernels[0].initramfs_format' "$work/report"; }
check "initramfs: zstd" format < <(printf '\x28\xb5\x2f\xfd....')
check "initramfs: zstd is recognised" test "$(kind)" = zstd
check "initramfs: LZ4" format < <(printf '\x02\x21\x4c\x18....')
check "initramfs: LZ4 gets a word of zeros" test "$(tail -c +9 "$r/boot/initrd.img-6.1.0-1-amd64" | head -c 8 | tr -d '\0' | wc -c)" = 0
check "initramfs: and a warning" says "LZ4: kernels before 5.14"
early() { (cd "$work" && mkdir -p kernel/x86 && echo kernel/x86 | cpio -o -H newc --quiet) && printf '\x1f\x8b\x08\x00\x01\x01'; }
check "initramfs: microcode before gzip" format < <(early)
check "initramfs: microcode is recognised" test "$(jq -r '.system.kernels[0] | .initramfs_format + (.early_cpio | tostring)' "$work/report")" = gziptrue
check "initramfs: second run" again
refute "initramfs: of no known format is refused" format < <(printf 'not an initramfs')
fresh
rm "$r/usr/lib/modules/6.1.0-1-amd64/modules.dep"
refute "initramfs: a kernel without modules.dep is refused" run
fresh
rm "$r/usr/lib/modules/6.1.0-1-amd64/kernel/drivers/virtio/virtio_ring.ko"
refute "initramfs: a driver that is missing is refused" run

# ---- /etc/default/grub in every spelling ---------------------------------------------------------
# Each as the shell reads it: no option goes, the console comes, resume= has a stable name.
# shellcheck source=/dev/null
shell_value() { (set +u && GRUB_CMDLINE_LINUX='' && . "$r/etc/default/grub" >/dev/null 2>&1 && echo "$GRUB_CMDLINE_LINUX") | tr '\n' ' ' | sed 's/  */ /g; s/^ //; s/ $//'; }
plan_of ', "serial_console": true'
console='console=tty0 console=ttyS0,115200'
# spelling NAME WANTED: of the file on standard input
spelling() {
    fresh
    put "$r/etc/default/grub"
    check "grub defaults, $1" run
    check "grub defaults, $1: what the shell reads" equal "$2" "$(shell_value)"
    check "grub defaults, $1: second run" again
}
spelling "double quotes" "quiet resume=$swap $console" <<<'GRUB_CMDLINE_LINUX="quiet resume=/dev/sda3"'
spelling "single quotes" "quiet $console" <<<"GRUB_CMDLINE_LINUX='quiet'"
spelling "no quotes" "quiet $console" <<<'GRUB_CMDLINE_LINUX=quiet'
spelling "a comment behind" "quiet $console" <<<'GRUB_CMDLINE_LINUX="quiet"   # a "comment"'
spelling "a blank in front" "quiet $console" <<<'  GRUB_CMDLINE_LINUX="quiet"'
spelling "export" "quiet $console" <<<'export GRUB_CMDLINE_LINUX="quiet"'
spelling "escaped quotes" "dyndbg=\"file x +p\" quiet $console" <<<'GRUB_CMDLINE_LINUX="dyndbg=\"file x +p\" quiet"'
spelling "several lines" "quiet mitigations=off net.ifnames=0 resume=$swap $console" <<'EOF'
GRUB_CMDLINE_LINUX="quiet mitigations=off \
 net.ifnames=0 resume=/dev/sda3"
EOF
spelling "a condition" "quiet $console" <<'EOF'
if true; then
GRUB_CMDLINE_LINUX=quiet
fi
EOF
# shellcheck disable=SC2016 # the dollars are for the shell that reads the file
for line in 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX resume=/dev/sda3"' 'GRUB_CMDLINE_LINUX+=" resume=/dev/sda3"'; do
    spelling "$line" "a $console resume=$swap" <<<$'GRUB_CMDLINE_LINUX="a"\n'"$line"
done
spelling "computed" "$(uname) $console" <<<'GRUB_CMDLINE_LINUX=`uname`'
spelling "another variable only" "$console" <<<'GRUB_CMDLINE_LINUX_DEFAULT="quiet"'
check "grub defaults, another variable only: it is added" has "$r/etc/default/grub" "GRUB_CMDLINE_LINUX=\"$console\""

fresh
put "$r/boot/grub/grub.cfg" <<'EOF'
menuentry 'one line' { linux /vmlinuz root=/dev/sda2 ro; initrd /initrd.img; }
menuentry 'braces in words' { linux /vmlinuz root=/dev/sda2 ro a="b; c" $more ${extra} ; initrd /initrd.img ; }
menuentry 'Xen' {
	multiboot2 /boot/xen.gz placeholder ${xen_rm_opts}
	module2 --nounzip /vmlinuz placeholder root=/dev/sda2 ro
	module2 --nounzip /initrd.img
}
EOF
plan_of ''
check "grub.cfg: entries on one line and Xen's" run
check "grub.cfg: root by UUID in each" is "$r/boot/grub/grub.cfg" <<EOF
menuentry 'one line' { linux /vmlinuz root=$root ro; initrd /initrd.img; }
menuentry 'braces in words' { linux /vmlinuz root=$root ro a="b; c" \$more \${extra} ; initrd /initrd.img ; }
menuentry 'Xen' {
	multiboot2 /boot/xen.gz placeholder \${xen_rm_opts}
	module2 --nounzip /vmlinuz placeholder root=$root ro
	module2 --nounzip /initrd.img
}
EOF
check "grub.cfg: second run" again

# ---- Another family ----------------------------------------------------------------------------
fresh
put "$r/etc/os-release" <<'EOF'
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.4"
EOF
rm -r "$r/etc/initramfs-tools"
mkdir -p "$r/etc/dracut.conf.d"
mv "$r/boot/initrd.img-6.1.0-1-amd64" "$r/boot/initramfs-6.1.0-1-amd64.img"
plan_of ''
check "redhat: what all families share" run
check "redhat: recognised" test "$(jq -r .system.os.family "$work/report")" = redhat
check "redhat: said" says "of the Red Hat family, which is adapted by its documentation"
check "redhat: fstab" grep -q "^$root" "$r/etc/fstab"
check "redhat: lasting drivers for dracut" has "$r/etc/dracut.conf.d/bootferry.conf" 'add_drivers+=" virtio_pci virtio_blk virtio_net "'
check "redhat: initramfs" grep -qa 'usr/lib/modules/6.1.0-1-amd64/kernel/drivers/block/virtio_blk.ko' "$r/boot/initramfs-6.1.0-1-amd64.img"
check "redhat: second run" again
# dracut leaves out what a driver needs when it is told to; what add_drivers names, it takes.
dracut=${JUDGE:-build/judge/root}/usr/bin/dracut
# dracut_omits FILE...: the drivers that dracut's own lines leave out by these settings.
dracut_omits() (
    set +u
    # shellcheck source=/dev/null
    for file; do . "$file"; done
    # shellcheck source=/dev/null
    . <(sed -n '/^((${#drivers_l/,/^unset omit_drivers_corrected/p' "$dracut")
    # shellcheck disable=SC2154 # dracut sets it
    echo "$omit_drivers"
)
for file in etc/dracut.conf etc/dracut.conf.d/z-small.conf usr/lib/dracut/dracut.conf.d/50-small.conf; do
    put "$r/$file" <<<'omit_drivers+=" virtio virtio-ring floppy "'
    check "omit_drivers: $file" run
    check "omit_drivers: $file: what the drivers need is named" has "$r/etc/dracut.conf.d/bootferry.conf" \
        'add_drivers+=" virtio_pci virtio_blk virtio_net virtio_ring virtio "'
    if [ -e "$dracut" ]; then
        check "omit_drivers: $file: dracut takes them" equal '^floppy$' \
            "$(dracut_omits "$r/$file" "$r/etc/dracut.conf.d/bootferry.conf")"
    else
        skip "omit_drivers: $file: dracut takes them" "the root of the judges was not made"
    fi
    check "omit_drivers: $file: second run" again
    rm "$r/$file"
done
put "$r/etc/dracut.conf" <<<'# omit_drivers+=" virtio "'
check "omit_drivers: a comment" run
check "omit_drivers: a comment is none" has "$r/etc/dracut.conf.d/bootferry.conf" 'add_drivers+=" virtio_pci virtio_blk virtio_net "'
rm "$r/etc/dracut.conf"

# ---- Makers of an initramfs that are not there ---------------------------------------------------
# makers WANTED: which of these have lasting settings after a run.
makers() {
    local had=""
    rm -f "$r/etc/dracut.conf.d/bootferry.conf"
    run || return 1
    [ ! -e "$r/etc/dracut.conf.d/bootferry.conf" ] || had="dracut "
    ! grep -q '^virtio_blk' "$r/etc/initramfs-tools/modules" || had+="initramfs-tools "
    ! grep -q virtio_blk "$r/etc/mkinitcpio.conf" || had+="mkinitcpio "
    equal "$1" "$had"
}
program() { put "$r/$1" <<<"program"; }
with_both() {
    fresh
    mkdir -p "$r/etc/dracut.conf.d" "$r/usr/lib/dracut/modules.d"
    put "$r/etc/mkinitcpio.conf" <<<"HOOKS=(base udev)"
}
with_both
check "dracut: an empty folder of it beside initramfs-tools" makers "initramfs-tools mkinitcpio "
with_both
program usr/sbin/mkinitramfs
put "$r/etc/dracut.conf.d/old.conf" <<<'add_drivers+=" old "'
check "dracut: settings without the program beside initramfs-tools" makers "initramfs-tools "
with_both
program usr/bin/dracut
check "dracut has taken the place of initramfs-tools" makers "dracut "
check "dracut: a second run" again
with_both
program usr/bin/dracut
program usr/bin/mkinitcpio
check "two that are installed" makers "dracut mkinitcpio "
with_both
put "$r/etc/dracut.conf.d/mine.conf" <<<'hostonly="no"'
check "no program at all: what has settings" makers "dracut initramfs-tools mkinitcpio "
fresh
rm -r "$r/etc/initramfs-tools"
mkdir -p "$r/etc/dracut.conf.d"
check "no other: the empty folder" run
check "is dracut's" has "$r/etc/dracut.conf.d/bootferry.conf" 'add_drivers+=" virtio_pci virtio_blk virtio_net "'
finish
