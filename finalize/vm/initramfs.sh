#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: finalize/vm/initramfs.sh TREE PROGRAM OUT: makes the small VM's initramfs from unpacked Debian packages and
# bootferry-finalize as its init. Equal input gives equal bytes: times, owners and order are fixed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=${1:?usage: initramfs.sh TREE PROGRAM OUT} program=${2:?} out=${3:?}
PATH=$PATH:/usr/sbin:/sbin
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
lib=lib/x86_64-linux-gnu

die() { echo "finalize-vm: $*" >&2; exit 1; }

# A library of the tree by its name, or nothing.
library() {
    local dir
    for dir in "$tree/lib/x86_64-linux-gnu" "$tree/usr/lib/x86_64-linux-gnu" "$tree/lib64" "$tree/usr/lib64"; do
        [ ! -e "$dir/$1" ] || { readlink -f "$dir/$1"; return; }
    done
}

# add_libraries FILE: copies what FILE needs, and what that needs.
add_libraries() {
    local name path
    while read -r name; do
        [ ! -e "$root/$lib/$name" ] || continue
        path=$(library "$name")
        [ -n "$path" ] || die "no package of the list brings $name, which $1 needs"
        install -m 755 "$path" "$root/$lib/$name"
        add_libraries "$path"
    done < <(objdump -p "$1" | sed -n 's/^ *NEEDED *//p')
}

add_program() { # FROM TO
    install -D -m 755 "$1" "$root/$2"
    add_libraries "$1"
}

# add_modules GROUP MODULE...: copies modules in loading order, and notes the group.
add_modules() {
    local group=$1 module path files=()
    shift
    for module in "$@"; do
        while read -r path; do
            [ -e "$root/modules/${path##*/}" ] || install -m 644 "$path" "$root/modules/"
            files+=("${path##*/}")
        done < <(modprobe -d "$tree" -S "$version" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p')
    done
    echo "$group ${files[*]}" >>"$root/modules/groups"
}

version=$(basename "$tree"/lib/modules/*)
depmod -b "$tree" "$version"
mkdir -p "$root"/{$lib,lib64,modules,etc/lvm,dev,proc,sys,run,tmp}
add_program "$program" init
strip "$root/init"
add_program "$tree/sbin/lvm" sbin/lvm
add_program "$tree/sbin/mdadm" sbin/mdadm
add_program "$tree/sbin/cryptsetup" sbin/cryptsetup
add_program "$tree/sbin/e2fsck" sbin/e2fsck
add_program "$tree/sbin/xfs_repair" sbin/xfs_repair
add_program "$tree/bin/btrfs" sbin/btrfs
add_program "$tree/sbin/fsck.fat" sbin/fsck.fat
# libpthread opens it by name when a thread ends
install -m 755 "$(library libgcc_s.so.1)" "$root/$lib/libgcc_s.so.1"
install -m 755 "$(library ld-linux-x86-64.so.2)" "$root/lib64/ld-linux-x86-64.so.2"
install -m 644 "$here/lvm.conf" "$root/etc/lvm/lvm.conf"
install -m 644 "$here/mdadm.conf" "$root/etc/mdadm.conf"
while read -r group modules; do
    # shellcheck disable=SC2086 # a list of modules
    add_modules "$group" $modules
done < <(sed 's/#.*//; /^$/d' "$here/groups")
grep -q '^base .*virtio_blk' "$root/modules/groups" || die "the kernel's modules are not in $tree"

find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --null -o -H newc --quiet --reproducible -R 0:0) |
    gzip -9n >"$out.new"
mv "$out.new" "$out"
