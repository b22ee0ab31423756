#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk of 16 TiB, nearly all of it free, takes the sender no more memory than one of 1 GiB, and no
# longer than what is used of it.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

# peak COMMAND...: prints the most memory that it had, in KiB
peak() {
    python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=open("'"$T"'/push.log", "w"), stderr=open("'"$T"'/push.err", "w"))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}
files "$T/tree" 60
# make NAME SIZE OPTIONS...: a new file system, as it is before anybody has written its inode tables
make_disk() {
    truncate -s "$2" "$T/$1.raw"
    mke2fs -q -F -t ext4 -b 4096 -O 64bit,sparse_super2,^resize_inode -J size=4 -d "$T/tree" \
        -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "${@:3}" "$T/$1.raw"
}
make_disk small 1G
if ! truncate -s $((16 * 1024 * 1024 - 1))M "$T/large.raw" 2>/dev/null; then
    echo "skip 16 TiB: no file may be so large here"
    finish
fi
# All groups' tables in one place: not a thousandth of such a disk is in use.
make_disk large $((16 * 1024 * 1024 - 1))M -i 67108864 -G 131072

server small large
little=$(peak "$PUSH" --conf "$T/small.conf" --disk "$T/small.raw")
check "1 GiB" grep -q '^BOOTFERRY verdict=ok' "$T/push.log"
much=$(peak "$PUSH" --conf "$T/large.conf" --disk "$T/large.raw")
check "16 TiB" grep -q '^BOOTFERRY verdict=ok' "$T/push.log"
echo "# peak memory of the sender: $little KiB and $much KiB, $(grep -o " t=[0-9.]*" "$T/push.log" | tail -1) s"
check "takes the same memory, within 5 %" test $((much * 100)) -le $((little * 105))
check "all but a thousandth is left out" test "$(left_out)" -gt $((16380 << 30))
check "the point verifies" exits 0 "$B" verify large
check "the daemon stops" daemon_stop
finish
