#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A system that hibernated into a swap file, on ext4, XFS, Btrfs and F2FS as their own tools make them, aligned and not: it is
# found where it is read, nothing is left out of any disk, also not of those that were copied before, and log, server and
# verdict say where it lies. The same swap file before hibernation leaves everything as it is.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

# swap_file FILE: 2 MiB, with something in every page
swap_file() {
    head -c 2M /dev/urandom >"$1"
    chmod 600 "$1"
    mkswap "$1" >/dev/null
}
# hibernate FILE: as the kernel does, the area's own signature moves in front
hibernate() { printf 'SWAPSPACE2S1SUSPEND\0' | dd of="$1" bs=1 seek=4076 conv=notrunc status=none; }

# Each makes $1 a file system that holds the file $2, among others.
make_ext4() { mke2fs -q -F -t ext4 -b 4096 -E nodiscard -d "$T/tree" "$1" 300M 2>/dev/null; }
make_ext4-1k() { mke2fs -q -F -t ext4 -b 1024 -E nodiscard -d "$T/tree" "$1" 300M 2>/dev/null; }
make_xfs() {
    {
        printf '/nothing\n1 1\nd--755 0 0\n'
        for file in "$T"/tree/*; do [ -d "$file" ] || echo "${file##*/} ---600 0 0 $file"; done
        printf '$\n'
    } >"$T/proto"
    mkfs.xfs -q -f -K --unsupported -p "$T/proto" "$1" >/dev/null 2>&1
}
make_btrfs() { mkfs.btrfs -q -f -K --rootdir "$T/tree" "$1" >/dev/null; }
make_f2fs() { mkfs.f2fs -q -f -t 0 "$1" >/dev/null && sload.f2fs -f "$T/tree" "$1" >/dev/null; }
# make_old: a partition that begins at sector 63, where no page is aligned
make_old() {
    echo 'start=63, type=83' | sfdisk -q "$1"
    make_ext4 "$T/part" && dd if="$T/part" of="$1" bs=1M seek=32256 oflag=seek_bytes conv=notrunc status=none
}

garbage "$T/swap.raw" 64
chmod 600 "$T/swap.raw"
mkswap "$T/swap.raw" >/dev/null
files "$T/tree" 20

# migrated KIND: the swap disk goes first, so that it is left out before anything is seen
migrated() {
    garbage "$T/$1.raw" 310
    "make_$1" "$T/$1.raw" && push "$T/$1.conf" --disk "$T/swap.raw" --disk "$T/$1.raw"
}
verdict() { sed -n "s/^BOOTFERRY verdict=ok .* $1=\([0-9]*\).*/\1/p" "$T/push.log"; }
is_whole() { [ "$(left_out)" = 0 ]; }
names_the_place() {
    [ "$(verdict hibernated-disk)" = 1 ] &&
        [ "$(dd if="$T/$1.raw" bs=1 skip="$(verdict hibernated-byte)" count=9 status=none)" = S1SUSPEND ]
}
is_logged() {
    local words
    words="disk 1 holds a hibernated system (its signature is at byte $(verdict hibernated-byte))"
    grep -qF "$words" "$T/push.err" && grep -qF "source: $words" "$T/daemon.log"
}
is_equal() { # KIND DISK FILE
    rm -f "$T/out.raw"
    "$B" export "$1" --disk "$2" --format raw "$T/out.raw" >/dev/null && cmp "$T/out.raw" "$3"
}

kinds=(ext4 ext4-1k xfs btrfs f2fs old)
server "${kinds[@]}"
for kind in "${kinds[@]}"; do
    swap_file "$T/tree/swapfile"
    check "$kind: with a swap file in use" migrated "$kind"
    check "$kind: the swap area is left out" test "$(left_out)" -ge $((63 << 20))
    check "$kind: nothing is said of hibernation" test -z "$(verdict hibernated-disk)"
    hibernate "$T/tree/swapfile"
    check "$kind: with a hibernated system in it" migrated "$kind"
    check "$kind: nothing is left out" is_whole
    check "$kind: the verdict names the place" names_the_place "$kind"
    check "$kind: both logs name it" is_logged
    check "$kind: the first disk is equal" is_equal "$kind" 0 "$T/swap.raw"
    check "$kind: the second disk is equal" is_equal "$kind" 1 "$T/$kind.raw"
done
check "the daemon stops" daemon_stop
finish
