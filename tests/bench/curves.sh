#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How the cost of a migration grows: with the size of the disk, with the used and with the changed share of it, with the round
# trip of the link, and with the processors. By the hosted sender and the replica server on this machine, over loopback, and
# through a relay that delays. One SVG picture per curve, and the points as results without a target.
# shellcheck source-path=SCRIPTDIR/../e2e
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$E2E_TOP/tests/bench/lib.sh"
e2e_begin bench-curves
bench_open curves

# make_disk MIB USED-MIB: ext4 with so much noise in files of 4 MiB, its free part full of deleted text.
make_disk() {
    local i
    rm -rf "$E2E_DIR/tree"
    mkdir "$E2E_DIR/tree"
    for ((i = 0; i < $2 / 4; i++)); do e2e_random "$i" 4194304 >"$E2E_DIR/tree/$i"; done
    { yes 'this was deleted long ago' || true; } | head -c "${1}M" >"$E2E_DIR/disk.raw"
    mke2fs -q -F -t ext4 -m 0 -E nodiscard -d "$E2E_DIR/tree" "$E2E_DIR/disk.raw"
    rm -r "$E2E_DIR/tree"
}
fresh_machine() {
    machines=$((${machines:-0} + 1))
    bf_cli machine add "curve-$machines" >>"$E2E_LOGS/cli.log"
    bf_cli media "curve-$machines" --conf "$E2E_DIR/curve.conf" --set "server=127.0.0.1:$BF_SERVER_PORT" >>"$E2E_LOGS/cli.log"
}
# copy [COMMAND...]: seconds and processor seconds of the sender, in $seconds and $cpu
copy() {
    bench_time "$E2E_DIR/time" "$@" "$BF_BUILD/bootferry-push" --conf "$E2E_DIR/curve.conf" --disk "$E2E_DIR/disk.raw" >"$E2E_LOGS/push.log"
    seconds=$(sed -n 's/^BOOTFERRY verdict=ok .* t=\([0-9.]*\) .*/\1/p' "$E2E_LOGS/push.log")
    cpu=$(awk '{ print $2 }' "$E2E_DIR/time")
}
# point CURVE X: what the last copy took
point() {
    echo "$2 $seconds $cpu" >>"$E2E_DIR/$1"
    jq -cn --arg case "curve, $1: $2" --argjson ours "$seconds" --argjson cpu "$cpu" \
        '{case: $case, ours: $ours, peer: null, ratio: null, unit: "s", target: null, pass: null, sender_cpu: $cpu}' >>"$BENCH_FILE"
    echo "$1: $2: $seconds s, $cpu s of the sender's processor time"
}
# picture CURVE TITLE AXIS
picture() { python3 tests/bench/plot.py "$E2E_DIR/$1" "$BENCH_OUT/$1.svg" "$2" "$3" "seconds" "to the verdict" "processor, sender"; }

e2e_server

for mib in 256 512 1024 2048; do
    make_disk "$mib" 128
    fresh_machine
    copy
    point disk-size "$mib"
done
picture disk-size "128 MiB used, by the size of the disk" "MiB of disk"

for share in 10 25 50 75; do
    make_disk 1024 $((1024 * share / 100))
    fresh_machine
    copy
    point used-share "$share"
done
picture used-share "A disk of 1 GiB, by what is used of it" "% used"

make_disk 1024 512
fresh_machine
copy
# Where the files lie: what is changed are their contents.
for ((i = 0; i < 128; i++)); do debugfs -R "blocks /$i" "$E2E_DIR/disk.raw" 2>/dev/null; done >"$E2E_DIR/blocks"
for share in 0 1 5 20; do
    python3 - "$E2E_DIR/disk.raw" "$share" "$E2E_DIR/blocks" <<'CHANGE'
import os, random, sys
random.seed(int(sys.argv[2]))
with open(sys.argv[3]) as blocks:
    data = sorted({int(block) // 16 for block in blocks.read().split()})[1:-1]
size = os.path.getsize(sys.argv[1])
with open(sys.argv[1], "r+b") as disk:
    for chunk in random.sample(data, size * int(sys.argv[2]) // 100 // 65536):
        disk.seek(chunk * 65536)
        disk.write(random.randbytes(65536))
CHANGE
    copy
    point changed-share "$share"
done
picture changed-share "A later run of a half-full disk of 1 GiB, by what has changed" "% changed"

make_disk 256 128
for trip in 0 20 50 100 200; do
    fresh_machine
    python3 tests/bench/delay.py "$BF_SERVER_PORT" "$trip" >"$E2E_DIR/delay" &
    relay=$!
    E2E_CHILDREN+=("$relay")
    e2e_wait 10 "the relay listens" grep -q listening "$E2E_DIR/delay"
    sed -i "s/^server=.*/server=127.0.0.1:$(awk '{ print $2 }' "$E2E_DIR/delay")/" "$E2E_DIR/curve.conf"
    copy
    point round-trip "$trip"
    kill "$relay"
    wait "$relay" 2>/dev/null || true
done
picture round-trip "A half-full disk of 256 MiB, by the round trip of the link" "milliseconds"

make_disk 1024 512
cpus=()
for ((n = 1; n <= $(nproc); n++)); do
    cpus+=($((n - 1)))
    fresh_machine
    copy taskset -c "$(IFS=,; echo "${cpus[*]}")"
    point processors "$n"
done
picture processors "A half-full disk of 1 GiB, by the sender's processors" "processors"
ok "measured"
e2e_end
