#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Planned: the operator says where web-1 is to live before it is switched off. The failover waits for the machine's own
# run, takes it, and the machine runs in its new home without a word more from anybody. Its old self is then switched on
# again by mistake, and switches itself off. The operator changes his mind, and the old one may come back.
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"

replica bios
source_disk mbr
medium web-1 end=poweroff on-failure=poweroff

# ---- Before the weekend ------------------------------------------------------------------------
check "it is asked for before there is any point" failover planned
check "and waits" is_at 1 waiting
check "and says why" within 60 said 1 'because it has had no run'
check "a dry run says so, too" grep -q 'would be waited for, because it has had no run' <(failover planned --dry-run)
check "a second one is refused with the name of the first" refuses 1 'job 1 (planned)' \
    failover planned

# ---- Web-1 is booted from its medium -----------------------------------------------------------
switched_on web-1
check "the source sends itself and says so" bf_vm_wait_line old '^BOOTFERRY verdict=ok' 600
check "and is off" bf_vm_wait_exit old 120
check "it runs in its new home, proven from inside" reaches 1 ready 400
check "with the address, the gateway and the name that were planned" runs_as_planned 1
check "of the point of this run" equal 1 "$(job 1 .point)"
check "while that ran, it was waited for" said 1 'because a run is under way'
check "what comes next is said" grep -qx 'Next: bootferry commit web-1, or bootferry rollback web-1' <(bf_cli job show 1)
check "each phase has its time" equal 'Pending Running TargetReady' "$(job 1 '.since | keys | join(" ")')"
check "nothing of the evidence is left to run again" test "$(grep -c ' end -' "$T/state/jobs/1/evidence.log")" = 1
check "it is said how long that takes" test "$(bf_cli projected web-1 --json | jq .samples)" = 1

# ---- Somebody presses the button of the old machine --------------------------------------------
medium again end=reboot on-failure=wait:3600
switched_on again
check "the old machine is told where it lives" bf_vm_wait_line old 'code=fenced.*lives elsewhere' 300
bf_vm_screen old "$logs/fenced.png" || true
check "and is off again, although its medium says otherwise" bf_vm_wait_exit old 120
check "the new one runs on" lives 1
check "the server says that it came" grep -q 'was started and refused' <(bf_cli status web-1)

# ---- Back ---------------------------------------------------------------------------------------
check "a rollback would lose what was written there" refuses 1 'has written' bf_cli rollback web-1
check "and is done when that is wanted" bf_cli rollback web-1 --discard
refute "nothing is left of the new machine" lives 1
check "the job says so" equal 'rolled-back nothing is left of the new machine null' "$(job 1 '[.step, .detail, (.failover.next[0] | tostring)] | join(" ")')"
check "the point is what the source was" bf_cli verify web-1@1
switched_on web-1
check "the old machine is let in again" bf_vm_wait_line old '^BOOTFERRY verdict=ok' 600
check "and is off by its medium's own words" bf_vm_wait_exit old 120
finish
