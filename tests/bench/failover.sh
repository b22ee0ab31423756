#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# failover.sh: how long a machine of 2 GiB is away in a planned failover, from the moment when its medium powers it off to
# the evidence from inside its new self, by step; and how well `bootferry projected` foretells: ten tests, each beside what
# was foretold just before it. TESTS is another number of them.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/stories/lib.sh
. tests/stories/lib.sh
bench_open failover

# moment JOB FILTER: a moment of the job, as its JSON has it.
moment() { date -d "$(job "$1" "$2")" +%s; }
# event JOB WORDS: when the event with these words was written.
event() { date -d "$(job "$1" "[.events[] | select(.text | contains(\"$2\"))][0].time")" +%s; }

replica bios
source_disk mbr
medium web-1 end=poweroff on-failure=poweroff
# once JOB: one planned failover, rolled back at its end; "off finalize make start" in $T/times.
once() {
    failover planned --fresh 1s
    switched_on web-1
    bf_vm_wait_line old '^BOOTFERRY verdict=ok' 600 >/dev/null
    bf_vm_wait_exit old 120
    local off=$EPOCHSECONDS
    reaches "$1" ready 600
    local finalizing making looking ready
    finalizing=$(event "$1" 'the finalizer adapts') making=$(event "$1" 'machine is made')
    looking=$(event "$1" 'waiting for evidence') ready=$(moment "$1" .since.TargetReady)
    echo "$((ready - off)) $((making - finalizing)) $((looking - making)) $((ready - looking))" >"$T/times"
    bf_cli rollback web-1 --discard >/dev/null
}
last_job() { bf_cli jobs --json | jq '[.jobs[] | select(.kind == "failover").id] | max'; }
foretold() { bf_cli projected web-1 --json | jq '.adapt + .start'; }
once 1
read -r away finalize make start <"$T/times"
bench_result "planned failover of 2 GiB, from the source's power-off to evidence" "$away" - s most 600
bench_result "of that, the finalizer" "$finalize" - s most 600
bench_result "of that, making and switching on the machine" "$make" - s most 600
bench_result "of that, from its start to evidence" "$start" - s most 600

near=0 tests=${TESTS:-10}
for ((n = 0; n < tests; n++)); do
    foretold=$(foretold)
    began=$EPOCHSECONDS
    failover test --wait >/dev/null
    took=$((EPOCHSECONDS - began))
    bf_cli cleanup "$(last_job)" >/dev/null
    echo "# foretold $foretold s, took $took s"
    near=$((near + (took * 5 >= foretold * 4 && took * 5 <= foretold * 6)))
done
bench_result "of $tests tests, those that took what was foretold, within a fifth" "$near" - tests least $((tests * 9 / 10))
echo "ok bench failover"
finish
