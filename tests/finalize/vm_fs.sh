#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The small VM on what needs assembling or another file system: LVM, XFS, Btrfs. The disks are made without mounts and
# without device-mapper: LVM's metadata by lvm on a loop device (which takes root), XFS from a prototype file,
# Btrfs from a directory. Results are read with debugfs, xfs_repair and grep, and btrfs restore. Arrays (md) and LUKS
# are not made here: that takes their drivers in the host's kernel.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# shellcheck disable=SC2154 # trees.sh sets $work
tree=$work/root uuid=aaaaaaaa-2222-3333-4444-555555555555
debian "$tree"
ifupdown "$tree"
plan "$work/plan.uefi"
sed 's/, "firmware": "uefi"//' "$work/plan.uefi" >"$work/plan"
# fstab DEVICE TYPE: the tree's fstab with this root.
fstab() { put "$tree/etc/fstab" <<<"$1 / $2 defaults 0 1"; }
vm() {
    local disk args=()
    for disk; do args+=(--disk "raw:$disk"); done
    "$FINALIZE" run --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs \
        "${args[@]}" --plan "$work/plan" --report "$work/report" --deadline 300 2>"$work/err" ||
        { sed 's/^/# /' "$work/err"; return 1; }
}
address='    address 203.0.113.5/24'

# ---- LVM on a whole disk -----------------------------------------------------------------------
unpacked=$PWD/build/finalize-vm/tree
lvm() {
    LD_LIBRARY_PATH=$unpacked/lib/x86_64-linux-gnu:$unpacked/usr/lib/x86_64-linux-gnu LVM_SUPPRESS_FD_WARNINGS=1 \
        LVM_SYSTEM_DIR=$work/lvm "$unpacked/sbin/lvm" "$@" --driverloaded n --config \
        "devices{obtain_device_list_from_udev=0 use_devicesfile=0 external_device_info_source=none filter=[\"a|^$loop\$|\",\"r|.*|\"]} activation{udev_sync=0 udev_rules=0} backup{backup=0 archive=0} global{locking_dir=\"$work/lock\"}" \
        >>"$work/lvm.log" 2>&1
}
make_lvm() {
    truncate -s 97M "$1"
    loop=$(losetup -f --show "$1" 2>/dev/null) || return 1
    lvm pvcreate -y "$loop" && lvm vgcreate vg-a "$loop" && lvm lvcreate -y -an -Wn -Zn -L 64M -n root vg-a
    local made=$?
    losetup -d "$loop"
    return $made
}
if make_lvm "$work/lvm.raw"; then
    fstab /dev/vg-a/root ext4
    sed -i 's|root=/dev/sda2|root=/dev/mapper/vg--a-root|' "$tree/boot/grub/grub.cfg"
    # the only volume begins where the first extent does, at 1 MiB
    mke2fs -q -F -t ext4 -U "$uuid" -d "$tree" -E "offset=1048576,root_owner=0:0" "$work/lvm.raw" 65536k
    check "LVM: apply" vm "$work/lvm.raw"
    check "LVM: the volume was found" grep -q '"/dev/mapper/vg--a-root"' "$work/report"
    check "LVM: address, by debugfs" grep -qxF "$address" <(debugfs -R 'cat /etc/network/interfaces' "$work/lvm.raw?offset=1048576" 2>/dev/null)
    check "LVM: a volume's name is stable and stays" grep -q 'root=/dev/mapper/vg--a-root .*ttyS0' <(debugfs -R 'cat /boot/grub/grub.cfg' "$work/lvm.raw?offset=1048576" 2>/dev/null)
    check "LVM: the file system is clean" e2fsck -fn "$work/lvm.raw?offset=1048576"
    sed -i 's|root=/dev/mapper/vg--a-root|root=/dev/sda2|' "$tree/boot/grub/grub.cfg"
else
    skip "LVM" "its metadata takes root and a loop device to make"
fi

# ---- XFS ---------------------------------------------------------------------------------------
# proto DIR: a prototype of the directory for mkfs.xfs.
proto() {
    python3 - "$1" <<'EOF'
import os, stat, sys
def walk(path, depth):
    for name in sorted(os.listdir(path)):
        full = os.path.join(path, name)
        st = os.lstat(full)
        mode = "%03o" % (st.st_mode & 0o777)
        if stat.S_ISDIR(st.st_mode):
            print(name, "d--" + mode, 0, 0)
            walk(full, depth + 1)
        elif stat.S_ISLNK(st.st_mode):
            print(name, "l--777 0 0", os.readlink(full))
        else:
            print(name, "---" + mode, 0, 0, full)
    print("$")
print("/\n0 0\nd--755 0 0")
walk(sys.argv[1], 0)
EOF
}
if command -v mkfs.xfs >/dev/null; then
    fstab /dev/sda xfs
    proto "$tree" >"$work/proto"
    truncate -s 320M "$work/xfs.raw"
    mkfs.xfs -q -m "uuid=$uuid" -p "$work/proto" "$work/xfs.raw"
    check "XFS: apply" vm "$work/xfs.raw"
    check "XFS: the file system is clean" xfs_repair -n -f "$work/xfs.raw"
    check "XFS: address, on the disk" grep -qaF "$address" "$work/xfs.raw"
    check "XFS: fstab, on the disk" grep -qaF "UUID=$uuid / xfs defaults" "$work/xfs.raw"
else
    skip "XFS" "xfsprogs is not installed"
fi

# ---- Btrfs -------------------------------------------------------------------------------------
if command -v mkfs.btrfs >/dev/null; then
    fstab /dev/sda btrfs
    truncate -s 256M "$work/btrfs.raw"
    mkfs.btrfs -q -U "$uuid" --rootdir "$tree" "$work/btrfs.raw" >/dev/null
    check "Btrfs: apply" vm "$work/btrfs.raw"
    check "Btrfs: the file system is clean" btrfs check --readonly "$work/btrfs.raw"
    mkdir "$work/restored"
    btrfs restore "$work/btrfs.raw" "$work/restored" >/dev/null
    check "Btrfs: address, by btrfs restore" has "$work/restored/etc/network/interfaces" "$address"
    check "Btrfs: fstab, by btrfs restore" has "$work/restored/etc/fstab" "UUID=$uuid / btrfs defaults 0 1"
else
    skip "Btrfs" "btrfs-progs is not installed"
fi

# ---- /boot on a disk of its own ----------------------------------------------------------------
# make_ext4 TREE UUID IMAGE
make_ext4() { truncate -s 48M "$3" && mke2fs -q -F -t ext4 -U "$2" -d "$1" -E root_owner=0:0 "$3"; }
boot_uuid=55555555-2222-3333-4444-555555555555
cp -a "$tree" "$work/apart"
rm -rf "$work/apart/boot" && mkdir "$work/apart/boot"
printf '/dev/sda / ext4 defaults 0 1\n/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0 /boot ext4 defaults 0 2\n' >"$work/apart/etc/fstab"
make_ext4 "$work/apart" "$uuid" "$work/apart.raw"
cp -a "$tree/boot" "$work/bootfs"
sed -i 's,/boot/\(vmlinuz\|initrd\),/\1,' "$work/bootfs/grub/grub.cfg" # counted from its own file system
make_ext4 "$work/bootfs" "$boot_uuid" "$work/boot.raw"
make_ext4 "$work/bootfs" 66666666-2222-3333-4444-555555555555 "$work/boot2.raw"
refute "/boot by-path: two file systems could be it" vm "$work/apart.raw" "$work/boot.raw" "$work/boot2.raw"
check "/boot by-path: both are named" says "UUID=66666666-2222-3333-4444-555555555555 (/dev/vdc) would do"
refute "/boot by-path: none could be it" vm "$work/apart.raw"
check "/boot by-path: is told with its line" says '/boot is on none of these disks: no file system that could be /dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0 (/etc/fstab line 2)'
cp "$work/boot.raw" "$work/damaged.raw"
debugfs -w -R 'clri /vmlinuz-6.1.0-1-amd64' "$work/damaged.raw" 2>/dev/null
refute "damage: refused" vm "$work/apart.raw" "$work/damaged.raw"
check "damage: is told with what to do" says "UUID=$boot_uuid) is damaged"
check "/boot by-path: one could be it" vm "$work/apart.raw" "$work/boot.raw"
check "/boot by-path: is told" says "(/etc/fstab line 2) is taken to be disk 2, UUID=$boot_uuid"
check "/boot by-path: fstab has its UUID" grep -q "^UUID=$boot_uuid /boot" <(debugfs -R 'cat /etc/fstab' "$work/apart.raw" 2>/dev/null)
check "/boot by-path: its initramfs has drivers" grep -q virtio_blk.ko <(debugfs -R 'cat /initrd.img-6.1.0-1-amd64' "$work/boot.raw" 2>/dev/null | tr '\0' '\n' | strings)
check "/boot by-path: both file systems are clean" test "$(jq -r '[.checks[] | .when + " " + .result] | unique | join(", ")' "$work/report")" = "after clean, before clean"

# Two systems in subvolumes of one Btrfs: which one is meant has to be said.
two_systems() {
    local at=$work/mounted sub
    truncate -s 512M "$1" && mkfs.btrfs -q -U "$uuid" "$1" >/dev/null && mkdir -p "$at" && mount -o loop "$1" "$at" || return 1
    for sub in @ @rootfs; do btrfs -q subvolume create "$at/$sub" && cp -a "$tree/." "$at/$sub/"; done
    umount "$at"
}
if two_systems "$work/two.raw" 2>/dev/null; then
    refute "Btrfs: two systems are refused without a choice" vm "$work/two.raw"
    check "Btrfs: both are listed" grep -qF "set \"root\" to one of: UUID=$uuid,subvol=@ " "$work/report.txt"
    check "Btrfs: the second one, too" grep -qF "UUID=$uuid,subvol=@rootfs (" "$work/report.txt"
    jq --arg root "UUID=$uuid,subvol=@rootfs" '.root = $root' "$work/plan" >"$work/plan.root"
    mv "$work/plan.root" "$work/plan"
    check "Btrfs: the chosen one is adapted" vm "$work/two.raw"
    rm -rf "$work/restored" && mkdir "$work/restored"
    btrfs restore "$work/two.raw" "$work/restored" >/dev/null
    check "Btrfs: it has the address" has "$work/restored/@rootfs/etc/network/interfaces" "$address"
    refute "Btrfs: the other one has not" has "$work/restored/@/etc/network/interfaces" "$address"
else
    skip "Btrfs with two systems" "making it takes root and the file system in this kernel"
fi
finish
