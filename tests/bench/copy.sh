#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole path against nbdcopy: a half-full disk goes over TLS into a qcow2 file, ours through the hosted sender and the
# replica server, the peer's through nbdcopy and qemu-nbd. Both read the disk as a device, without a file's list of holes,
# and both end with the data flushed; ours also reads its copy back and compares it. In turns, BENCH_RUNS times.
# shellcheck source-path=SCRIPTDIR/../e2e
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$E2E_TOP/tests/bench/lib.sh"
e2e_begin bench-copy
bench_open copy

mib=${BENCH_MIB:-1024} runs=${BENCH_RUNS:-3}
disk=$E2E_DIR/disk.raw

# Half of it real files, which compress as real files do; the rest was never written.
truncate -s "${mib}M" "$disk"
{ tar -cf - --sort=name /usr/bin /usr/lib /usr/share 2>/dev/null || true; } | head -c $((mib / 2 << 20)) |
    dd of="$disk" bs=1M conv=notrunc iflag=fullblock status=none

# ---- The peer ----------------------------------------------------------------------------------

# A root, and one certificate for both ends: enough to make TLS do its work.
certificates() {
    local dir=$E2E_DIR/tls end
    mkdir "$dir"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=root \
        -keyout "$dir/root-key.pem" -out "$dir/ca-cert.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$dir/server-key.pem" -out "$dir/request.pem" 2>/dev/null
    openssl x509 -req -in "$dir/request.pem" -CA "$dir/ca-cert.pem" -CAkey "$dir/root-key.pem" -days 2 \
        -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$dir/server-cert.pem" 2>/dev/null
    for end in cert key; do cp "$dir/server-$end.pem" "$dir/client-$end.pem"; done
}

peer_run() { # N
    local image=$E2E_DIR/peer.qcow2 pid server
    qemu-img create -q -f qcow2 "$image" "${mib}M"
    qemu-nbd -t -e 8 -f qcow2 -x d0 -b 127.0.0.1 -p "$peer_port" --discard=unmap --detect-zeroes=unmap \
        --object "tls-creds-x509,id=t,dir=$E2E_DIR/tls,endpoint=server,verify-peer=on" --tls-creds t "$image" &
    pid=$!
    E2E_CHILDREN+=("$pid")
    e2e_wait 20 "qemu-nbd listens" peer_listens "$pid"
    bench_time "$E2E_DIR/peer.$1" nbdcopy --no-extents --destination-is-zero --flush "$disk" \
        "nbds://localhost:$peer_port/d0?tls-certificates=$E2E_DIR/tls"
    server=$(bench_cpu "$pid")
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    rm -f "$image"
    awk -v s="$server" '{ print $1, $2 + s }' "$E2E_DIR/peer.$1" >>"$E2E_DIR/peer"
}
peer_listens() { [ -n "$(bf_listening "$1")" ]; }

# ---- Ours --------------------------------------------------------------------------------------

ours_run() { # N
    local name=bench-$1 before after
    bf_cli machine add "$name" >>"$E2E_LOGS/cli.log"
    e2e_config "$name" "$BF_SERVER_PORT" "$E2E_DIR/$name.conf"
    before=$(bench_cpu "$BF_SERVER_PID")
    bench_time "$E2E_DIR/ours.$1" "$BF_BUILD/bootferry-push" --conf "$E2E_DIR/$name.conf" --disk "$disk" >"$E2E_LOGS/push-$1.log"
    e2e_wait 20 "the session ends at the server" session_over "$name"
    after=$(bench_cpu "$BF_SERVER_PID")
    awk -v s="$before" -v e="$after" '{ print $1, $2 + e - s }' "$E2E_DIR/ours.$1" >>"$E2E_DIR/ours"
}
# The storage daemon's processor time is known once the server has waited for it.
session_over() { ! pgrep -P "$BF_SERVER_PID" >/dev/null; }

certificates
peer_port=$((20000 + $$ % 20000))
e2e_server
for n in $(seq "$runs"); do
    ours_run "$n"
    peer_run "$n"
done

column() { awk -v c="$2" '{ print $c }' "$E2E_DIR/$1" | bench_median; }
speed() { awk -v m="$mib" -v s="$(column "$1" 1)" 'BEGIN { printf "%.1f\n", m * 1.048576 / s }'; }
echo "$mib MiB, half of it files; $runs runs each, medians; $(bench_processor)"
bench_result "half-full disk, logical speed, nbdcopy over TLS" "$(speed ours)" "$(speed peer)" MB/s least 3
bench_result "half-full disk, processor time of both sides" "$(column ours 2)" "$(column peer 2)" s most 1
sent=$(e2e_field sent "$(grep -a '^BOOTFERRY event=progress ' "$E2E_LOGS/push-1.log" | tail -n 1)")
bench_result "half-full disk, bytes on the wire per byte of disk" \
    "$(awk -v s="$sent" -v m="$mib" 'BEGIN { printf "%.4f\n", s / m / 1048576 }')" - B/B most 0.5
e2e_check "every run ended well" e2e_equal "$runs" "$(grep -la '^BOOTFERRY verdict=ok' "$E2E_LOGS"/push-*.log | wc -l)"
e2e_end
