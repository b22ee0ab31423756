#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The copy of mdadm.conf that an initramfs has from its last build: it finds the array of the root by the old names of its
# disks. Without a new copy the start would wait for the root; cpio shows what the kernel would unpack, and mdadm reads it.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

r=$work/root v=6.1.0-1-amd64 id=11111111-2222-3333-4444-555555555555
put "$work/devices" <<EOF
[{"name": "/dev/vda1", "disk": 0, "part": 1, "type": "ext4", "uuid": "bbbbbbbb-2222-3333-4444-555555555555", "mounts": [{"at": "/boot"}]},
 {"name": "/dev/vda2", "disk": 0, "part": 2, "type": "linux_raid_member", "uuid": "aabbccdd-0011-2233-4455-66778899aabb"},
 {"name": "/dev/vdb2", "disk": 1, "part": 2, "type": "linux_raid_member", "uuid": "aabbccdd-0011-2233-4455-66778899aabb"},
 {"name": "/dev/md0", "stacked": true, "type": "ext4", "uuid": "$id", "root": true, "mounts": [{"at": "/"}]}]
EOF
run() { finalize "$r" "$work/plan"; }
# tree PATH: a system on an array, whose image has standard input as this file.
tree() {
    rm -rf "$r" "$work/ird"
    debian "$r"
    rm -r "$r/boot/efi" "$r/etc/initramfs-tools/conf.d/resume"
    mkdir -p "$r/boot/grub/i386-pc"
    : >"$r/boot/grub/i386-pc/core.img"
    echo "UUID=$id / ext4 defaults 0 1" >"$r/etc/fstab"
    put "$r/boot/grub/grub.cfg" <<EOF
set timeout=5
menuentry 'Debian' {
	linux /vmlinuz-$v root=UUID=$id ro
	initrd /initrd.img-$v
}
EOF
    plan_to ''
    put "$work/ird/$1"
    (cd "$work/ird" && mkdir -p "usr/lib/modules/$v" && ln -s usr/lib lib && echo init >init &&
        find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$r/boot/initrd.img-$v"
    cp "$r/boot/initrd.img-$v" "$work/before.img"
}
# seen PATH: this file as the kernel would have it of all archives.
seen() {
    local own
    rm -rf "$work/seen"
    mkdir "$work/seen"
    own=$(stat -c %s "$work/before.img")
    (cd "$work/seen" && cpio -idu --quiet <"$work/before.img" &&
        tail -c +$((own + 1)) "$r/boot/initrd.img-$v" | cpio -idu --quiet)
    cat "$work/seen/$1"
}

for path in etc/mdadm/mdadm.conf etc/mdadm.conf etc/mdadm.conf.d/old.conf; do
    tree $path <<'EOF'
DEVICE /dev/sda2 /dev/sdb2
HOMEHOST <system>
ARRAY /dev/md0 devices=/dev/sda2,/dev/sdb2
EOF
    adapted "$path by the old names"
    seen $path >"$work/conf"
    check "$path: the copy finds the array by what its members hold" is "$work/conf" <<'EOF'
DEVICE partitions containers
HOMEHOST <system>
ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb
EOF
    check "$path: which is said" says "/boot/initrd.img-$v: $path: line 1: DEVICE named disks"
    check "$path: mdadm reads it" equal 0 "$(mdadm --detail --scan --config="$work/conf" 2>&1 | grep -ci unknown)"
done
tree etc/mdadm/mdadm.conf <<<'ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb'
check "a copy that names no disks" run
check "stays" equal 'ARRAY /dev/md0 UUID=aabbccdd:00112233:44556677:8899aabb' "$(seen etc/mdadm/mdadm.conf)"
refute "and is not said" says "etc/mdadm/mdadm.conf"
tree etc/mdadm/mdadm.conf <<<'ARRAY /dev/md0 devices=/dev/sdq1'
check "names that are on no disk" run
check "are said" says "warning: /boot/initrd.img-$v: etc/mdadm/mdadm.conf: line 1: the array is told by the names of its disks"
finish
