#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every processor: a disk of files, sent by the hosted sender over loopback with 0, 1, ... workers, in turns. Seconds until
# the last byte of the disk is with the server, and processor seconds of the sender alone. The server works on the same
# processors, so on a small machine this shows what is lost or won there, and not how far it scales.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/../usage/lib.sh"
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh
bench_open workers
mib=${BENCH_MIB:-512} runs=${BENCH_RUNS:-3} most=$(($(nproc) - 1))
[ "$most" -le 8 ] || most=8
[ "$most" -gt 0 ] || { skip "bench workers" "one processor"; finish; }
{ tar -cf - --sort=name /usr/bin /usr/lib /usr/share 2>/dev/null || true; } | head -c "${mib}M" >"$T/disk.raw"
truncate -s "${mib}M" "$T/disk.raw"

names=()
for compress in off lz4 zstd; do
    for workers in $(seq 0 "$most"); do
        for n in $(seq "$runs"); do names+=("w-$compress-$workers-$n"); done
    done
done
server "${names[@]}"

# one COMPRESS WORKERS N: "seconds until sent, processor seconds" to $T/COMPRESS-WORKERS
one() {
    bench_time "$T/time" push "$T/w-$1-$2-$3.conf" --set "compress=$1" --set "workers=$2" --disk "$T/disk.raw"
    awk -v sent="$(sed -n 's/^BOOTFERRY event=disk-done t=\([0-9.]*\) .*/\1/p' "$T/push.log")" '{ print sent, $2 }' "$T/time" \
        >>"$T/$1-$2"
}
for n in $(seq "$runs"); do
    for compress in off lz4 zstd; do
        for workers in $(seq 0 "$most"); do one "$compress" "$workers" "$n"; done
    done
done

column() { awk -v c="$2" '{ print $c }' "$T/$1" | bench_median; }
echo "$mib MiB of files; $runs runs each, medians; $(nproc) x $(bench_processor)"
for compress in off lz4 zstd; do
    for workers in $(seq 1 "$most"); do
        bench_result "compress=$compress, $workers workers, seconds until sent" \
            "$(column "$compress-$workers" 1)" "$(column "$compress-0" 1)" s most 1
        bench_result "compress=$compress, $workers workers, processor seconds of the sender" \
            "$(column "$compress-$workers" 2)" "$(column "$compress-0" 2)" s most 1.1
    done
done
daemon_stop TERM
echo "ok bench workers"
finish
