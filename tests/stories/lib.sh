# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the stories share: a replica server, a machine named web-1 whose disk is that of a real guest (qemu/guests), media
# for it, and words for what is seen from inside its new self. Sourced by scripts that read like the story they tell.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=qemu/server.sh
. qemu/server.sh

story=$(basename "$0" .sh)${BF_KILLS:+-killed}
logs=$BF_BUILD/test-logs/story-$story
rm -rf "$logs"
mkdir -p "$logs"
QEMU_ACCEL=$(bf_accel)
export QEMU_ACCEL
[ "$QEMU_ACCEL" = kvm ] || BF_PATIENCE=$((BF_PATIENCE * 2))

# The new machines are nobody's children, so they are ended by what they have written down.
end_machines() {
    local file pid
    for file in "$BF_SERVER_STATE"/jobs/*/qemu.pid "$BF_SERVER_STATE"/machines/*/home-*/qemu.pid; do
        [ -e "$file" ] && pid=$(cat "$file") && grep -qs qemu "/proc/$pid/comm" && kill -9 "$pid"
    done
    true
}
keep_logs() {
    local job
    for job in "$BF_SERVER_STATE"/jobs/*; do
        [ -d "$job" ] || continue
        mkdir -p "$logs/job-${job##*/}"
        cp "$job"/{console.log,evidence.log,log,screen.png,start,qemu.log,report.json} "$logs/job-${job##*/}/" 2>/dev/null
    done
    true
}
at_exit bf_server_stop KILL
at_exit keep_logs
at_exit end_machines
at_exit bf_vm_kill_all

# replica FIRMWARE [ADDRESS]: an empty server with web-1, and what web-1 is to be in its new home, which starts by this
# firmware. ADDRESS is one more of the server.
replica() {
    firmware=$1
    bf_server_init "$T/state" "10.0.2.2,127.0.0.1${2:+,$2}" >/dev/null
    bf_cli machine add web-1 >/dev/null
    serve
    plan "" >"$T/plan.json"
}
serve() { bf_server_start "$logs/bootferryd.log"; }
# killed_on_the_way JOB: the process that works on it, and the server; which is then started again.
killed_on_the_way() {
    pkill -KILL -f "job run $1" || true
    bf_server_stop KILL
    check "the new machine does not notice" lives "$1"
    serve
}
# host_restarts JOB: its machine is gone as if the power had failed, in a boot of the host that is over, and the daemon starts.
host_restarts() {
    kills_are_over || return
    kill -KILL "$(qemu_of "$1")"
    echo 01234567-89ab-cdef-0123-456789abcdef >"$T/state/jobs/$1/boot"
    daemon_anew
}
daemon_anew() {
    bf_server_stop KILL
    serve
}
kills_are_over() { true; } # of killed.sh
# plan [MORE]: the address of its only NIC, a name, less memory than this host; MORE are further keys.
plan() {
    cat <<PLAN
{ "version": 1, "target": { "kind": "qemu-virtio", "firmware": "$firmware" }, "serial_console": true, "hostname": "newhome",
  "machine": { "memory": 640, "processors": 1, "type": "q35", "autostart": ${autostart:-false} }, $*
  "nics": [ { "match": { "address": "10.0.2.50" }, "mac": "52:54:00:77:00:50", "addresses": ["192.168.77.50/24"],
              "gateway": "192.168.77.2", "dns": ["192.168.77.3"] } ] }
PLAN
}

# source_disk GUEST: web-1's own disk, over that of the guest.
source_disk() {
    qemu/guest.sh "$1"
    qemu-img create -q -f qcow2 -b "$BF_BUILD/guest/$1/disk.raw" -F raw "$T/source.qcow2"
}
# pushed: a run of web-1 by the hosted sender, as a rescue system would send it.
pushed() {
    [ -e "$T/web-1.conf" ] || bf_cli media web-1 --conf "$T/web-1.conf" --set "server=127.0.0.1:$BF_SERVER_PORT" >/dev/null
    [ -e "$T/source.raw" ] || qemu-img convert -f qcow2 -O raw "$T/source.qcow2" "$T/source.raw"
    "$BF_BUILD/bootferry-push" --conf "$T/web-1.conf" --disk "$T/source.raw" >"$logs/push.log" 2>&1
}
# medium NAME SETTING...: an ISO that web-1 is booted from.
medium() {
    local name=$1 set=()
    shift
    for setting in "server=10.0.2.2:$BF_SERVER_PORT" "$@"; do set+=(--set "$setting"); done
    bf_cli media web-1 --iso "$T/$name.iso" "${set[@]}" >/dev/null
}
# switched_on NAME: web-1, the old machine, starts from this medium.
switched_on() {
    bf_vm old "$logs/old" q35
    bf_vm_firmware old
    bf_vm_disk old virtio-scsi "$T/source.qcow2" qcow2 serial=OLD-1
    bf_vm_nic old virtio-net-pci "" mac=52:54:00:10:00:50
    bf_vm_cd old "$T/$1.iso" bootindex=0
    bf_vm_add old -m 512 -device VGA
    bf_vm_start old
}

# failover MODE [OPTION...]: of web-1, by its plan; evidence may take as long as a busy machine wants.
failover() { bf_cli failover web-1 "--$1" --plan "$T/plan.json" --evidence-within 2h "${@:2}"; }

# job NUMBER FILTER: of the job's JSON.
job() { bf_cli job show "$1" --json | jq -r "$2"; }
step() { job "$1" .step; }
is_at() { equal "$2" "$(step "$1")"; }
# reaches JOB STEP SECONDS: it comes there, and to no other end.
reaches() {
    local end=$((SECONDS + $3 * BF_PATIENCE)) now
    while now=$(step "$1"); [ "$now" != "$2" ]; do
        case $now in failed | unproven | cancelled | rolled-back | stuck) break ;; esac
        [ $SECONDS -lt $end ] || break
        sleep 0.5
    done
    [ "$now" = "$2" ] && return
    echo "job $1 is at $now instead of $2"
    bf_cli job show "$1"
    return 1
}
# reaches_end JOB STEP SECONDS: the same for a step at which a job stops, whatever others it passes.
reaches_end() {
    local end=$((SECONDS + $3 * BF_PATIENCE))
    until [ "$(step "$1")" = "$2" ]; do
        [ $SECONDS -lt $end ] || { bf_cli job show "$1"; return 1; }
        sleep 0.5
    done
}
# said JOB WORDS: an event of the job has them.
said() { grep -qF -- "$2" <(bf_cli job show "$1") || { bf_cli job show "$1"; return 1; }; }
# The new machine itself: what its own service says on its console, and whether its QEMU lives.
console() { tr -d '\r' <"$T/state/jobs/$1/console.log"; }
from_inside() { console "$1" | grep -a '^SEEN ' | tail -n 1 | sed -nE "s/.* $2=([^ ]*).*/\1/p"; }
qemu_of() { find "$T/state/jobs/$1" "$T/state/machines/web-1" -name qemu.pid -exec cat {} + 2>/dev/null | head -n 1; }
lives() {
    local pid
    pid=$(qemu_of "$1")
    [ -n "$pid" ] && kill -0 "$pid"
}
# Its evidence may be there a moment before its own service has looked.
has_seen() { [ -n "$(from_inside "$1" address)" ]; }
runs_as_planned() {
    within 120 has_seen "$1" && equal 192.168.77.50/24 "$(from_inside "$1" address)" && equal newhome "$(from_inside "$1" host)" &&
        equal yes "$(from_inside "$1" reachable)"
}
refuses() { # STATUS WORDS COMMAND...
    local wanted=$1 words=$2 status=0
    shift 2
    "$@" >"$T/said" 2>&1 || status=$?
    [ "$status" = "$wanted" ] && grep -qF -- "$words" "$T/said" && return
    echo "status $status:"
    cat "$T/said"
    return 1
}
[ -z "${BF_KILLS:-}" ] || . tests/stories/kills.sh
