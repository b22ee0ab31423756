#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine that does not start: its initramfs is gone, and the operator insists. The job waits for evidence, fails for want
# of it, and says what the console and the screen show; nothing is called ready.
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"

replica bios
source_disk mbr
qemu-img convert -f qcow2 -O raw "$T/source.qcow2" "$T/source.raw"
version=$(debugfs -R 'ls -p /lib/modules' "$T/source.raw?offset=1048576" 2>/dev/null | sed -nE 's|^/[0-9]+/[0-9]+/[0-9]+/[0-9]+/([0-9][^/]*)/.*|\1|p')
debugfs -w -R "rm /boot/initrd.img-$version" "$T/source.raw?offset=1048576" 2>/dev/null
check "web-1 has a point" pushed

check "it begins" failover unplanned
check "the finalizer refuses what would not start" reaches_end 2 failed 200
check "and says why" said 2 'it would not start: /boot/grub/grub.cfg'
check "its report names the file that is missing" grep -q "initrd.img-$version" "$T/state/jobs/2/report.json"
check "nothing is left" equal '' "$(find "$T/state/machines/web-1" -name 'finalized-*')"
refute "the source is not fenced" grep -q fenced <(bf_cli status web-1)

plan '"rehearsal": "report",' >"$T/plan.json"
check "the operator insists" bf_cli failover web-1 --unplanned --plan "$T/plan.json" --evidence-within 120s
check "there is no evidence" reaches_end 3 unproven 400
check "which is Failed" equal Failed "$(job 3 .phase)"
check "the reason is in its detail" matches 'no evidence|is off' "$(job 3 .detail)"
check "the last lines of its console are there" said 3 'its console:'
check "and a picture of its screen" test -s "$T/state/jobs/3/screen.png"
check "which is a picture" matches 'PNG image' "$(file "$T/state/jobs/3/screen.png")"
check "it cannot be made lasting" refuses 1 'nothing has shown' bf_cli commit web-1
check "it may run all the same: the source is fenced" grep -q fenced <(bf_cli status web-1)
check "it has written nothing, so that nothing is lost by a rollback" bf_cli rollback web-1
refute "it is gone" lives 3
refute "and the source may run" grep -q fenced <(bf_cli status web-1)
finish
