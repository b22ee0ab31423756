#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files for another host, whose console is not ours: the job waits, and the machine, started there, reports by itself over
# HTTPS that it runs. Nobody has to look at it.
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"

# On its user network, the gateway's address leads to this host.
replica bios 192.168.77.2
source_disk mbr
check "web-1 has a point" pushed
reports=$(free_port)
plan "\"evidence\": { \"report_to\": \"https://192.168.77.2:$reports/\" }," >"$T/plan.json"
mkdir "$T/out"

check "it begins" failover unplanned --target "files:$T/out"
check "the files are delivered" reaches 2 delivered 400
check "without evidence yet" equal none "$(job 2 .failover.evidence)"
check "it says what is waited for" matches "start it there: this waits, .*own report" "$(job 2 .detail)"
check "and that nobody listens yet" said 2 'bootferryd listens for no reports: start bootferryd with --reports'
check "the daemon is told to stop" bf_server_stop
bf_server_start "$logs/bootferryd.log" --reports "127.0.0.1:$reports"
within 20 grep -q "listening for reports on 127.0.0.1:$reports" "$logs/bootferryd.log"

# ---- The other host ----------------------------------------------------------------------------
end_other() { [ ! -e "$T/out/web-1/qemu.pid" ] || kill -9 "$(cat "$T/out/web-1/qemu.pid")" 2>/dev/null; }
at_exit end_other
sed -i "s/accel=kvm:tcg/accel=$QEMU_ACCEL/" "$T/out/web-1/start"
bf_bound "$T/out/web-1/start" </dev/null >"$logs/other.log" 2>&1 &
has_reported() { equal guest "$(job 2 .failover.evidence)"; }
check "the machine reports" within 300 has_reported
cp "$T/out/web-1/console.log" "$logs/other-console.log"
check "what it is, and where" matches '^newhome runs with 192[.]168[.]77[.]50/24( |$)' "$(job 2 .detail)"
check "which is said" said 2 'newhome itself has reported that it runs'
check "its root can be written" jq -e .root_writable "$T/state/jobs/2/evidence.json"
check "its gateway answers" jq -e '[.gateways[] | select(.address == "192.168.77.2") | .answers] == [true]' "$T/state/jobs/2/evidence.json"
check "the job is still that of files" is_at 2 delivered
check "the source is fenced" grep -q fenced <(bf_cli status web-1)
check "the failover is made lasting" bf_cli commit web-1
check "with its evidence" equal guest "$(job 2 .failover.evidence)"
check "no file here holds the word but those of the job" equal '' \
    "$(grep -rlF "$(sed -n 's/^BOOTFERRY-EVIDENCE \([0-9a-f]*\) .*/\1/p' "$T/state/jobs/2/guest.log" | head -n 1)" "$logs" "$T/plan.json" || true)"
finish
