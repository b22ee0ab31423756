#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole path against what people use today, on the same disk, in turns, BENCH_RUNS times each: nbdcopy over TLS, dd
# through zstd and TLS, partclone over TLS, and virt-p2v's way (nbdkit, ssh -R, nbdcopy). Once over loopback, once through a
# relay that carries 1 Gbit/s. Then a later run with 1 % changed, against rsync over TLS.
#
# The disk is ext4, half full of files, its free half full of what was deleted. All read it as a device, without a file's list
# of holes, all write qcow2 (but partclone and rsync, which need a file or device: raw), all end with the data flushed. Ours
# also reads its copy back and compares it.
# shellcheck source-path=SCRIPTDIR/../e2e
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$E2E_TOP/tests/bench/lib.sh"
# shellcheck source=tests/bench/peers_lib.sh
. "$E2E_TOP/tests/bench/peers_lib.sh"
e2e_begin bench-peers
bench_open peers

mib=${BENCH_MIB:-1024} runs=${BENCH_RUNS:-3} gigabit=${BENCH_RATE:-117500000}
disk=$E2E_DIR/disk.raw

port=$(free_port)

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
    tls="cert=$dir/server-cert.pem,key=$dir/server-key.pem,cafile=$dir/ca-cert.pem,verify=1"
}

# ---- One run of each ---------------------------------------------------------------------------

# spec READY CLIENT [END SERVER]...: for measure.py
spec() {
    local ready=$1 client=$2 servers='[]'
    shift 2
    while [ $# -gt 0 ]; do
        servers=$(jq -c --arg how "$1" --arg run "$2" '. + [{end: $how, run: $run}]' <<<"$servers")
        shift 2
    done
    jq -n --arg ready "$ready" --arg client "$client" --argjson servers "$servers" --arg settled "${settled:-}" \
        '{ready: $ready, clients: [$client], servers: $servers, settled: $settled}' >"$E2E_DIR/spec.json"
}
listening() { echo "[ -n \"\$(ss -Hltn 'sport = :$1')\" ]"; }
sink="exec qemu-nbd -t -f qcow2 -k $E2E_DIR/sink --discard=unmap --detect-zeroes=unmap $E2E_DIR/out.qcow2"
sink_url="nbd+unix:///?socket=$E2E_DIR/sink"
fresh_sink() {
    rm -f "$E2E_DIR/out.qcow2" "$E2E_DIR/out.raw" "$E2E_DIR/sink" "$E2E_DIR/source.sock" "$E2E_DIR/finished"
    qemu-img create -q -f qcow2 "$E2E_DIR/out.qcow2" "${mib}M"
    truncate -s "${mib}M" "$E2E_DIR/out.raw"
}
has_sink="[ -S $E2E_DIR/sink ]"

spec_nbdcopy() { # PORT: where the client connects
    spec "$(listening "$port")" \
        "nbdcopy --no-extents --destination-is-zero --flush $disk 'nbds://localhost:$1/d0?tls-certificates=$E2E_DIR/tls'" \
        term "exec qemu-nbd -t -e 8 -f qcow2 -x d0 -b 127.0.0.1 -p $port --discard=unmap --detect-zeroes=unmap \
            --object tls-creds-x509,id=t,dir=$E2E_DIR/tls,endpoint=server,verify-peer=on --tls-creds t $E2E_DIR/out.qcow2"
}
spec_dd-zstd() {
    spec "$has_sink && $(listening "$port")" "dd if=$disk bs=1M status=none | zstd -1 -q -c | socat -u STDIN OPENSSL:localhost:$1,$tls" \
        wait "socat -u OPENSSL-LISTEN:$port,reuseaddr,$tls STDOUT | zstd -q -dc | { until $has_sink; do sleep 0.01; done; nbdcopy --flush - '$sink_url'; }" term "$sink"
}
spec_partclone() {
    spec "$(listening "$port")" "partclone.ext4 -q -c -s $disk -o - -L $E2E_DIR/partclone.log 2>/dev/null | socat -u STDIN OPENSSL:localhost:$1,$tls" \
        wait "socat -u OPENSSL-LISTEN:$port,reuseaddr,$tls STDOUT | partclone.restore -q -s - -O $E2E_DIR/out.raw -L $E2E_DIR/restore.log 2>/dev/null && sync $E2E_DIR/out.raw"
}
spec_p2v() {
    local back ssh_to=${1/#$port/$ssh_port}
    back=$(free_port)
    spec "$has_sink && $(listening "$ssh_port")" \
        "nbdkit -f -U $E2E_DIR/source.sock --filter=noextents file $disk & source=\$!; ${ssh/SSHPORT/$ssh_to} -o BatchMode=yes -N \
            -R 127.0.0.1:$back:$E2E_DIR/source.sock & tunnel=\$!
            while kill -0 \$tunnel && [ ! -e $E2E_DIR/finished ]; do sleep 0.02; done; kill \$source \$tunnel; wait; [ -e $E2E_DIR/finished ]" \
        wait "until nbdinfo --size nbd://127.0.0.1:$back >/dev/null 2>&1; do sleep 0.02; done; nbdcopy --flush nbd://127.0.0.1:$back '$sink_url'; touch $E2E_DIR/finished" \
        term "$sink" term "$sshd"
}
spec_ours() {
    sed -i "s/^server=.*/server=127.0.0.1:$1/" "$E2E_DIR/ours.conf"
    spec "$(listening "$port")" \
        "$BF_BUILD/bootferry-push --conf $E2E_DIR/ours.conf --disk $disk >$E2E_LOGS/push.log" \
        term "exec $BF_BUILD/bootferryd --state $E2E_DIR/state --listen 127.0.0.1:$port >$E2E_LOGS/bootferryd.log 2>&1"
}
spec_rsync() {
    spec "$(listening "$port")" \
        "RSYNC_CONNECT_PROG='socat - OPENSSL:localhost:$1,$tls' rsync --inplace --no-whole-file $disk rsync://localhost/out/kept.raw" \
        term "exec socat OPENSSL-LISTEN:$port,reuseaddr,fork,$tls 'EXEC:rsync --daemon --config=$E2E_DIR/rsyncd.conf'"
}

# A machine of its own for each first run of ours: a later run of the same one is another thing.
fresh_ours() {
    machines=$((${machines:-0} + 1))
    bf_cli machine add "bench-$machines" >>"$E2E_LOGS/cli.log"
    bf_cli media "bench-$machines" --conf "$E2E_DIR/ours.conf" --set server=127.0.0.1 >>"$E2E_LOGS/cli.log"
}

# run METHOD LINK: appends the result to METHOD.LINK; bytes on the wire where the relay counts them.
run() {
    local method=$1 link=$2 to=$port at=$port wire=null
    fresh_sink
    [ "$method" != p2v ] || at=$ssh_port
    if [ "$link" = gigabit ]; then
        "$BF_BUILD/tcpfault" "127.0.0.1:$at" "$E2E_DIR/relay.sock" >"$E2E_DIR/relay.out" &
        E2E_RELAY_PID=$!
        e2e_wait 10 "the relay listens" grep -q listening "$E2E_DIR/relay.out"
        to=$(awk '{ print $2 }' "$E2E_DIR/relay.out")
        e2e_fault "rate $gigabit"
    fi
    "spec_$method" "$to"
    python3 tests/bench/measure.py "$E2E_DIR/spec.json" >"$E2E_DIR/measured" 2>>"$E2E_LOGS/$method.log" || {
        cat "$E2E_DIR/measured" "$E2E_LOGS/$method.log"
        not_ok "$method over $link"
        return 1
    }
    if [ "$link" = gigabit ]; then
        wire=$(e2e_relayed_up)
        kill "$E2E_RELAY_PID"
        wait "$E2E_RELAY_PID" 2>/dev/null || true
        E2E_RELAY_PID=''
        rm -f "$E2E_DIR/relay.sock"
    fi
    jq -c --argjson wire "$wire" '. + {wire: $wire, cpu: (.client_cpu + .server_cpu)}' "$E2E_DIR/measured" |
        tee -a "$E2E_DIR/$method.$link" | sed "s/^/# $method, $link: /"
}

# ---- Results -----------------------------------------------------------------------------------

bench_half_full "$disk" "$mib"
certificates
bf_server_init "$E2E_DIR/state" 127.0.0.1 >>"$E2E_LOGS/cli.log"
methods=(nbdcopy dd-zstd partclone)
if ssh_server; then methods+=(p2v); else echo "# no SSH server to be had: virt-p2v's way is left out"; fi
echo "# $mib MiB of ext4, half full of files; $runs runs each; $(bench_processor), $(nproc) processors"
for link in loopback gigabit; do
    for ((n = 0; n < runs; n++)); do
        fresh_ours
        run ours "$link"
        matches '^BOOTFERRY verdict=ok' "$(grep -a '^BOOTFERRY verdict=' "$E2E_LOGS/push.log")"
        for method in "${methods[@]}"; do run "$method" "$link"; done
    done
done

# values METHOD.LINK FIELD: of all runs, as a list
values() { jq -cs "[.[].$2]" "$E2E_DIR/$1"; }
speeds() { jq -cs --argjson b "$((mib << 20))" '[.[] | $b / 1e6 / .wall]' "$E2E_DIR/$1"; }
declare -A least=([nbdcopy.loopback]=3 [nbdcopy.gigabit]=4)
for link in loopback gigabit; do
    for method in "${methods[@]}"; do
        name="half-full disk, $link, beside $method"
        bench_compare "$name: logical speed" "$(speeds "ours.$link")" "$(speeds "$method.$link")" MB/s "${least[$method.$link]:+least}" "${least[$method.$link]:-}"
        relation='' target=''
        [ "$method.$link" != nbdcopy.loopback ] || relation=most target=1
        bench_compare "$name: processor time, both sides" "$(values "ours.$link" cpu)" "$(values "$method.$link" cpu)" s "$relation" "$target"
        bench_compare "$name: memory of the sender" "$(values "ours.$link" client_rss)" "$(values "$method.$link" client_rss)" bytes
        bench_compare "$name: memory of the receiver" "$(values "ours.$link" server_rss)" "$(values "$method.$link" server_rss)" bytes
        [ "$link" = loopback ] || bench_compare "$name: bytes on the wire" "$(values "ours.$link" wire)" "$(values "$method.$link" wire)" bytes
    done
done

# ---- A later run -------------------------------------------------------------------------------

# One per cent of the disk, in pieces of 64 KiB all over its used half.
change() {
    python3 - "$disk" "$1" <<'CHANGE'
import os, random, sys
random.seed(int(sys.argv[2]))
size = os.path.getsize(sys.argv[1])
with open(sys.argv[1], "r+b") as disk:
    for _ in range(size // 100 // 65536):
        disk.seek(random.randrange(size // 65536) * 65536)
        disk.write(random.randbytes(65536))
CHANGE
}
printf 'use chroot = no\n[out]\npath = %s\nread only = no\n' "$E2E_DIR" >"$E2E_DIR/rsyncd.conf"
[ "$(id -u)" != 0 ] || printf 'uid = 0\ngid = 0\n' >>"$E2E_DIR/rsyncd.conf"
cp "$disk" "$E2E_DIR/kept.raw"
fresh_ours
run ours loopback >/dev/null
rm -f "$E2E_DIR"/{ours,rsync}.gigabit
for ((n = 0; n < runs; n++)); do
    change "$n"
    run ours gigabit
    run rsync gigabit
    check "rsync's copy is the disk" cmp "$disk" "$E2E_DIR/kept.raw"
done
name="later run, 1 % changed, beside rsync"
bench_compare "$name: time" "$(values ours.gigabit wall)" "$(values rsync.gigabit wall)" s
bench_compare "$name: bytes on the wire" "$(values ours.gigabit wire)" "$(values rsync.gigabit wire)" bytes
ok "measured"
e2e_end
