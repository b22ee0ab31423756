#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used: a disk of 2 GiB with ext4, a fifth of it files, the rest full of what was
# deleted, sent with and without the maps, over loopback into a store of its own.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/../usage/lib.sh"
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh
bench_open usage
mkdir "$T/tree"
for i in {1..100}; do head -c 4M /dev/urandom >"$T/tree/$i"; done
garbage "$T/disk.raw" 2048
mke2fs -q -F -t ext4 -E nodiscard -d "$T/tree" "$T/disk.raw"
server used all
seconds() { sed -n 's/^BOOTFERRY verdict=ok .* t=\([0-9.]*\) .*/\1/p' "$T/push.log"; }
field() { sed -n "s/.* event=progress .* $1=\([0-9]*\) .*/\1/p" "$T/push.log" | tail -1; }
for how in used all; do
    push "$T/$how.conf" --set "copy=$how" --disk "$T/disk.raw"
    declare "seconds_$how=$(seconds)" "read_$how=$(field read)" "sent_$how=$(field sent)"
done
# shellcheck disable=SC2154 # declared above
{
    bench_result "maps: bytes read" "$read_used" "$read_all" bytes most 0.3
    bench_result "maps: bytes on the wire" "$sent_used" "$sent_all" bytes most 1
    bench_result "maps: time to the verdict" "$seconds_used" "$seconds_all" s most 0.5
}
daemon_stop TERM
echo "ok bench usage"
finish
