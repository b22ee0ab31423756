#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh: moves a real Debian 12 machine under QEMU, end to end, and proves it. The source has a SCSI disk, device
# names everywhere, drivers for itself only, no fallback loader and a static address; its new home has another chipset,
# another controller, fresh firmware and another network. A step that fails ends it at once and says where its log is;
# the last line is the verdict, and the exit status is 0 only when all of it is true. Everything is kept in build/demo
# until the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=qemu/server.sh
. qemu/server.sh
# shellcheck source=qemu/guests/debian12.conf
. qemu/guests/debian12.conf

dir=$BF_BUILD/demo
guest=$BF_BUILD/guest/debian12
new_address=192.168.77.40/24 new_mac=52:54:00:77:00:40
started=$SECONDS
declare -A took=()

# The new machine is nobody's child.
end_new_machine() {
    local file pid
    for file in "$dir"/state/jobs/*/qemu.pid; do
        if [ -e "$file" ] && pid=$(cat "$file") && grep -qs qemu "/proc/$pid/comm"; then kill -9 "$pid"; fi
    done
}

finish() {
    local status=$?
    bf_vm_kill_all
    end_new_machine
    bf_server_stop TERM || status=1
    [ "$status" = 0 ] || bf_say "" "verdict: FAILED in step $step, logs in ${dir#"$PWD/"}"
    exit "$status"
}
trap finish EXIT

step=0
begin() { step=$((step + 1)); phase=$SECONDS; bf_say "" "[$step/8] $*"; }
end() { took[$1]=$((SECONDS - phase)); }
note() { bf_say "      $*"; }
indented() { "$@" | sed 's/^/      /'; }
# field NAME LINE: the value of NAME=value in a line.
field() { sed -nE "s/.*(^| )$1=(\"([^\"]*)\"|([^ ]*)).*/\3\4/p" <<<"$2" | head -n 1; }
# expect WHAT WANTED SEEN
expect() { [ "$2" = "$3" ] || bf_die "$1: expected $2, saw $3"; }

rm -rf "$dir"
mkdir -p "$dir"

# ---- 1 -----------------------------------------------------------------------------------------
begin "the source: Debian 12 on an old chipset and a SCSI disk, static address $GUEST_ADDRESS"
qemu/guest.sh debian12
qemu-img create -q -f qcow2 -b "$guest/disk.raw" -F raw "$dir/source.qcow2"
cp "$guest/vars.fd" "$dir/source-vars.fd"

source_machine() {
    bf_vm "$1" "$dir/$1" "$GUEST_MACHINE"
    bf_vm_firmware "$1" "$dir/source-vars.fd"
    bf_vm_disk "$1" "$GUEST_CONTROLLER" "$dir/source.qcow2" qcow2 serial=OLD-DISK-1
    bf_vm_nic "$1" virtio-net-pci "" "mac=$GUEST_MAC,addr=3"
    bf_vm_add "$1" -m 768
}

source_machine source
bf_vm_start source
seen=$(bf_vm_wait_line source '^SEEN .* end$' 240)
note "${seen% end}"
expect "the source's address" "$GUEST_ADDRESS" "$(field address "$seen")"
token=$(field token "$seen") data=$(field data "$seen")
bf_vm_powerdown source
bf_vm_wait_exit source 120
note "shut down cleanly"
end source

# ---- 2 -----------------------------------------------------------------------------------------
begin "the replica server"
indented bf_server_init "$dir/state" 10.0.2.2,127.0.0.1
BF_SERVER_STATE=$dir/state
bf_server_start "$dir/bootferryd.log"
note "bootferryd serves ${dir#"$PWD/"}/state on 127.0.0.1:$BF_SERVER_PORT"
end server

# ---- 3 -----------------------------------------------------------------------------------------
begin "a planned failover, which waits for the source; a boot medium, and the source started from it"
cat >"$dir/plan.json" <<PLAN
{
  "version": 1,
  "target": { "kind": "qemu-virtio" },
  "machine": { "memory": 768, "processors": 1 },
  "serial_console": true,
  "nics": [
    { "match": { "mac": "$GUEST_MAC" }, "mac": "$new_mac",
      "addresses": ["$new_address"], "gateway": "192.168.77.2", "dns": ["192.168.77.3"] }
  ]
}
PLAN
indented bf_cli machine add oldhost
indented bf_cli failover oldhost --planned --plan "$dir/plan.json" --target qemu: --evidence-within 2h
job=$(bf_cli jobs oldhost --json | jq '.jobs[0].id')
indented bf_cli media oldhost --iso "$dir/oldhost.iso" --set "server=10.0.2.2:$BF_SERVER_PORT"
note "$(stat -c %s "$dir/oldhost.iso") bytes, mode $(stat -c %a "$dir/oldhost.iso")"
source_machine bootferry
bf_vm_cd bootferry "$dir/oldhost.iso" bootindex=0
bf_vm_add bootferry -device VGA
bf_vm_start bootferry
end media

# ---- 4 -----------------------------------------------------------------------------------------
begin "Bootferry on the source: its lines on the serial port"
# Every line, but of the progress only every tenth part.
readable() {
    awk '!/event=progress/ { print; next }
        { total = pos = 0
          for (i = 1; i <= NF; i++) { split($i, f, "="); if (f[1] == "total") total = f[2]; if (f[1] == "position") pos = f[2] }
          part = total ? int(10 * pos / total) : 0
          if (part != last) { print; last = part } }'
}
shown=0 verdict='' deadline=$((SECONDS + 1200 * BF_PATIENCE))
while [ -z "$verdict" ]; do
    alive=1
    bf_vm_alive bootferry || alive=0
    sed -n 's/^BOOTFERRY .*\r$/&/p' "$dir/bootferry/serial.log" 2>/dev/null | tr -d '\r' | readable >"$dir/lines" || true
    verdict=$(grep -m 1 '^BOOTFERRY verdict=' "$dir/lines" || true)
    if [ "$(wc -l <"$dir/lines")" -gt "$shown" ]; then
        sed -n "$((shown + 1)),\$s/^/      /p" "$dir/lines"
        shown=$(wc -l <"$dir/lines")
        bf_vm_screen bootferry "$dir/screen.new.png" 2>/dev/null && mv "$dir/screen.new.png" "$dir/screen.png"
    fi
    [ -n "$verdict" ] || [ $alive = 1 ] || bf_die "the source ended without a verdict: $dir/bootferry/serial.log"
    [ $SECONDS -lt $deadline ] || bf_die "no verdict in $((20 * BF_PATIENCE)) minutes: $dir/bootferry/serial.log"
    sleep 0.5
done
progress=$(bf_vm_serial bootferry | grep -a 'event=progress' | tail -n 1)
expect "Bootferry's verdict" ok "$(field verdict "$verdict")"
bf_vm_wait_exit bootferry 60
note "powered off; its last screen: ${dir#"$PWD/"}/screen.png"
end transfer

# ---- 5 -----------------------------------------------------------------------------------------
begin "the recovery point"
indented bf_cli points oldhost@1
expect "the point's root digest at the server" "$(field root "$verdict")" "$(bf_cli points oldhost --json | jq -r '.points[0].root')"
note "the root digest of the source's own reading: $(field root "$verdict")"
indented bf_cli verify oldhost@1
bf_cli export oldhost@1 --disk 0 --format raw "$dir/point.raw" >"$dir/export.log"
qemu-img convert -f qcow2 -O raw "$dir/source.qcow2" "$dir/source.raw"
bf_same_disk "$dir/point.raw" "$dir/source.raw" >"$dir/compare.log" ||
    bf_die "the point differs from the source's disk: $(cat "$dir/compare.log")"
rm "$dir/point.raw" "$dir/source.raw"
note "the exported point and the source's disk are the same, byte for byte, in all that is used"
end point

# ---- 6 -----------------------------------------------------------------------------------------
begin "the planned failover that was waiting for this run: finalizer, new machine, evidence from inside"
indented bf_cli jobs oldhost --watch ||
    bf_die "the failover failed: $dir/state/jobs/$job/log, and bootferry job show $job"
report=$dir/state/machines/oldhost/finalized-1-1/report.txt
sed 's/^/      | /' "$report" | head -n 12
note "the whole report: ${report#"$PWD/"}"
home=$dir/state/jobs/$job
seen2=$(tr -d '\r' <"$home/console.log" | grep -a '^SEEN .* end$' | tail -n 1)
note "${seen2% end}"
expect "the target's address" "$new_address" "$(field address "$seen2")"
expect "the gateway's answer" yes "$(field reachable "$seen2")"
expect "the token" "$token" "$(field token "$seen2")"
expect "the data" "$data" "$(field data "$seen2")"
expect "the number of starts" $(($(field boots "$seen") + 1)) "$(field boots "$seen2")"
note "it runs at $new_address, with the token that the source made at its first start"
end failover

# ---- 7 -----------------------------------------------------------------------------------------
begin "the commit: its disk leaves the replica's chain while it runs"
indented bf_cli commit oldhost
qemu/qmp.py "$home/qmp.sock" 60 system_powerdown '{}' >/dev/null
gone=$((SECONDS + 120 * BF_PATIENCE))
while [ -e "$home/qemu.pid" ]; do # QEMU removes it at its end
    [ $SECONDS -lt $gone ] || bf_die "the new machine did not shut down"
    sleep 0.5
done
bf_cli verify oldhost@1 >"$dir/verify-after.log" || bf_die "the point changed: $(cat "$dir/verify-after.log")"
note "shut down cleanly; the point is still what the source was; it starts again by ${dir#"$PWD/"}/state/jobs/$job/start"
end commit

# ---- 8 -----------------------------------------------------------------------------------------
begin "summary"
size=$(field total "$progress") read=$(field read "$progress") sent=$(field sent "$progress")
note "$(awk -v s="$size" -v r="$read" -v t="$sent" 'BEGIN {
    printf "disk %.0f MiB, read %.0f MiB, sent %.1f MiB, ratio %.1f", s / 1048576, r / 1048576, t / 1048576, s / t }')"
note "seconds: source ${took[source]}, server ${took[server]}, media ${took[media]}, transfer ${took[transfer]}," \
    "point ${took[point]}, failover ${took[failover]}, commit ${took[commit]}; all $((SECONDS - started))"
bf_server_stop TERM
bf_say "" "verdict: ok, oldhost moved from $GUEST_ADDRESS to $new_address"
