#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unplanned: the source is gone, and what the replica has is to run. The process that works on it is killed on the way,
# the server too, and the story is finished by itself. The machine is committed while it works, and then needs nothing of
# the replica. Then the power of its host fails, and it is started again when that is back.
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"

autostart=true
replica uefi
source_disk lvm
check "web-1 has a point" pushed
rm -f "$T/source.raw" "$T/source.qcow2" # the site burns

# ---- At three in the morning -------------------------------------------------------------------
failover unplanned --dry-run >"$logs/dry-run.txt" 2>&1 || true
check "a dry run says what is lost" grep -q 'is lost in its new home' "$logs/dry-run.txt"
check "on what it would run" grep -q 'qemu-system-x86_64' "$logs/dry-run.txt"
check "and that it would start" grep -q '^starts: ' "$logs/dry-run.txt"
check "and leaves no job behind" equal 0 "$(bf_cli jobs --json | jq '[.jobs[] | select(.kind == "failover")] | length')"
check "it begins" failover unplanned
job=$(bf_cli jobs web-1 --json | jq '.jobs[0].id')

# ---- Everything of ours is killed on the way ---------------------------------------------------
within 120 test -e "$T/state/jobs/$job/qemu.pid"
killed_on_the_way "$job"
check "the daemon goes on with the job" reaches "$job" ready 400
check "it runs as planned" runs_as_planned "$job"
check "what is not planned can be listed as JSON" equal TargetReady "$(bf_cli jobs web-1 --json | jq -r '.jobs[0].phase')"

# ---- It stays -----------------------------------------------------------------------------------
check "it is committed while it works" bf_cli commit web-1
check "and still runs" lives "$job"
check "the job is over" is_at "$job" committed
check "a rollback comes too late" refuses 1 'no failover that is not over' bf_cli rollback web-1
check "another failover would make two of it" refuses 1 'would make two of it' \
    failover unplanned
refute "nothing of the replica's chain is open any more" \
    grep -qE 'layer-|finalized' <(find "/proc/$(qemu_of "$job")/fd" -printf '%l\n')
mv "$T/state/machines/web-1/disk-0" "$T/gone"
check "the disks are whole without it" qemu-img check -q -U -f qcow2 "$(find "$T"/state/machines/web-1/home-* -name 'disk-0.*')"
mv "$T/gone" "$T/state/machines/web-1/disk-0"
home=$(echo "$T"/state/machines/web-1/home-*)

# ---- The power fails ------------------------------------------------------------------------------
check "the host is restarted" host_restarts "$job"
check "the machine starts with it" within 60 lives "$job"
check "which is said" within 60 said "$job" 'this host was restarted: the machine is switched on again'
seen_at_home() { grep -aq '^SEEN .*host=newhome' "$home/console.log"; }
check "it comes up by itself" within 120 seen_at_home
check "the point is what it was" bf_cli verify web-1@1
finish
