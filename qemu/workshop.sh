# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# workshop.sh: a small virtual machine that makes the disks of guests which this machine's kernel could not make: LVM,
# LUKS, md, FAT and boot loaders take drivers that it may not have. Its kernel and modules are those of the finalizer's VM,
# its programs are Debian's; both are one initramfs, made once in build/guest/workshop. What it does comes with each
# guest: qemu/workshop and the guest's conf file. To be sourced after lib.sh.

WORKSHOP=$BF_BUILD/guest/workshop
WORKSHOP_PACKAGES=binutils,btrfs-progs,cryptsetup-bin,dosfstools,e2fsprogs,fdisk,kmod,lvm2,mdadm,mount,xfsprogs
WORKSHOP_MODULES="virtio_pci virtio_blk virtio_scsi sd_mod ext4 vfat nls_cp437 nls_ascii nls_iso8859-1 xfs btrfs md-mod
raid1 dm-mod dm-crypt aesni-intel aes_generic xts sha256_generic algif_skcipher"

# workshop_modules TREE: those modules and all that they need, from the finalizer's VM.
workshop_modules() {
    local from=$BF_BUILD/finalize-vm/tree version name path
    version=$(basename "$from"/lib/modules/*)
    for name in $WORKSHOP_MODULES; do
        modprobe -d "$from" -S "$version" --show-depends "$name" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | sort -u | while read -r path; do
        install -D -m 644 "$path" "$1/lib/modules/${path##*/lib/modules/}"
    done
    cp "$from/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$1/lib/modules/$version/"
    depmod -b "$1" "$version"
    # shellcheck disable=SC2086 # a list
    printf '%s\n' $WORKSHOP_MODULES >"$1/workshop/modules"
}

# workshop_make MODE DEBS SOURCES: MODE is mmdebstrap's, SOURCES its list of mirrors; once, also where two guests are made
# at a time.
workshop_make() { (flock 9 && workshop_make_locked "$@") 9>"$WORKSHOP.lock"; }
workshop_make_locked() {
    local stamp work=$WORKSHOP/work
    stamp=$(cat "$BF_TOP/qemu/workshop.sh" "$BF_BUILD/finalize-vm/packages" | sha256sum)
    [ ! -e "$WORKSHOP/stamp" ] || [ "$(cat "$WORKSHOP/stamp")" != "$stamp" ] || return 0
    bf_say "making the workshop for guests (once)"
    as_root rm -rf "$WORKSHOP"
    mkdir -p "$work/base/workshop" "$work/base/etc/lvm"
    mmdebstrap --mode="$1" --variant=essential --quiet --format=tar --include="$WORKSHOP_PACKAGES" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' --skip=essential/unlink \
        --setup-hook="mkdir -p \"\$1/var/cache/apt/archives\"" \
        --setup-hook="sync-in '$2' /var/cache/apt/archives" \
        --customize-hook="sync-out /var/cache/apt/archives '$2'" \
        --customize-hook="rm -rf \"\$1\"/var/cache/apt/* \"\$1\"/var/lib/apt/lists/* \"\$1\"/usr/share/zoneinfo" \
        bookworm "$work/root.tar" "${@:3}"
    as_root tar -C "$work/base" --exclude=./dev -xf "$work/root.tar"
    workshop_modules "$work/base"
    ln -s workshop/main "$work/base/init"
    mkdir "$work/base/dev"
    cp "$BF_TOP/finalize/vm/lvm.conf" "$work/base/etc/lvm/lvm.conf"
    (cd "$work/base" && as_root find . -print0 | as_root cpio --null -o -H newc --quiet -R 0:0) >"$WORKSHOP/initramfs"
    as_root rm -rf "$work"
    echo "$stamp" >"$WORKSHOP/stamp"
}

# workshop_run CONF TAR DIR DISK...: makes these disks of the tree TAR as CONF says; DIR keeps the serial log.
workshop_run() {
    local conf=$1 tar=$2 dir=$3 disk
    shift 3
    rm -rf "$dir/job"
    mkdir -p "$dir/job"
    cp "$conf" "$dir/job/job"
    cp -r "$BF_TOP/qemu/workshop" "$dir/job/"
    truncate -s %512 "$tar"
    { cat "$WORKSHOP/initramfs" && (cd "$dir/job" && find job workshop | cpio -o -H newc --quiet); } >"$dir/initramfs"
    bf_vm workshop "$dir" q35
    bf_vm_add workshop -m 2048 -device virtio-rng-pci -kernel "$BF_BUILD/finalize-vm/vmlinuz" -initrd "$dir/initramfs" \
        -append "console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on no_timer_check"
    bf_vm_disk workshop virtio-blk "$tar" raw
    for disk; do bf_vm_disk workshop virtio-scsi "$disk" raw; done
    bf_vm_start workshop
    bf_vm_wait_line workshop '^WORKSHOP: ' 900 && bf_vm_wait_exit workshop 60 || return 1
    rm -rf "$dir/initramfs" "$dir/job"
    bf_vm_serial workshop | grep -q '^WORKSHOP: .*: done'
}
