#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The holes of a file are zeros that are not read: the point is the same as that of the file without holes, also on a
# later run, and a small file system in a large file costs what the small one does.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
port='' # of the daemon

"$B" init --address 127.0.0.1 >/dev/null
daemon_start --sessions 8
for machine in holes full large; do
    "$B" machine add "$machine" >/dev/null
    "$B" media "$machine" --conf "$T/$machine.conf" --set "server=127.0.0.1:$port" >/dev/null
done
push() { "$PUSH" --conf "$T/$1.conf" --disk "$2" >"$T/push.log" 2>&1 || { cat "$T/push.log"; return 1; }; }
root() { "$B" points "$1" --json | jq -r ".points[] | select(.point == $2) | .root"; }
same_root() { [ "$(root holes "$1")" = "$(root full "$1")" ] || { root holes "$1"; root full "$1"; return 1; }; }
# islands FILE OFFSET...: some noise at each.
islands() {
    local file=$1 at
    shift
    for at in "$@"; do head -c 20000 /dev/urandom | dd of="$file" bs=4096 seek=$((at / 4096)) conv=notrunc iflag=fullblock status=none; done
}

# The holes begin and end where no chunk does; the file ends in one, and its last chunk is not whole.
truncate -s $(((96 << 20) + 8192)) "$T/holes.raw"
islands "$T/holes.raw" 4096 200704 1048576 1200128 $((40 << 20)) $(((70 << 20) + 12288))
cp --sparse=never "$T/holes.raw" "$T/full.raw"
if [ "$(stat -f -c %T "$T")" = zfs ]; then
    echo "skip holes: they are not believed on ZFS (linux/file_disk.c)"
    finish
elif [ "$(stat -c %b "$T/holes.raw")" -ge "$(stat -c %b "$T/full.raw")" ]; then
    echo "skip holes: the file system of $T keeps none"
    finish
fi
check "a file with holes" push holes "$T/holes.raw"
check "they are not read" test "$(field read)" -lt $((24 << 20))
zero=$(field zero)
check "the file without" push full "$T/full.raw"
check "is read" test "$(field read)" -gt $((96 << 20))
check "as much is zero" test "$(field zero)" = "$zero"
check "and both are the same point" same_root 1
"$B" export holes --disk 0 --format raw "$T/out.raw" >/dev/null
check "which is the file" cmp "$T/out.raw" "$T/full.raw"

# A hole where data was, and data where a hole was.
fallocate --punch-hole --offset 1048576 --length 400000 "$T/holes.raw"
islands "$T/holes.raw" $(((60 << 20) + 4096))
cp --sparse=never "$T/holes.raw" "$T/full.raw"
check "a later run" push holes "$T/holes.raw"
check "reads as little" test "$(field read)" -lt $((24 << 20))
check "of the file without" push full "$T/full.raw"
check "again the same point" same_root 2
check "that verifies" exits 0 "$B" verify holes@2

truncate -s 200G "$T/large.raw"
mke2fs -q -t ext4 -d tests/unit "$T/large.raw" 256M
check "a small file system in a file of 200 GiB" push large "$T/large.raw"
check "is what is read" test "$(field read)" -lt $((256 << 20))
check "and all of it is there" test "$(field position)" = $((200 << 30))
finish
