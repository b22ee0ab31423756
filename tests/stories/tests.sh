#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests: web-1 is tried twice at the same time, with the same addresses, while replication goes on. Neither test meets the
# other, the source or the world, and nothing is left of them.
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"

replica uefi
source_disk btrfs
check "web-1 has a point" pushed
check "a first test begins" failover test
check "a second one beside it" failover test --for 2h
check "the source is not fenced by tests" pushed
check "which made another point" equal 2 "$(bf_cli points web-1 --json | jq '.points | length')"
check "the first runs, proven from inside" reaches 2 ready 600
check "the second, too" reaches 3 ready 600
for test in 2 3; do
    check "test $test has the planned address and its gateway" runs_as_planned "$test"
    check "test $test reaches nothing else" grep -q 'restrict=on' "$T/state/jobs/$test/start"
done
check "a test is not committed" refuses 1 'a test is not made lasting' bf_cli commit 2
check "a machine with two tests is asked which" refuses 2 'has 2 tests' bf_cli confirm web-1
check "the cleanup ends both" bf_cli cleanup web-1
refute "the first is gone" lives 2
refute "the second is gone" lives 3
check "the jobs succeeded" equal 'Succeeded Succeeded' "$(bf_cli jobs --json | jq -r '[.jobs[] | select(.kind == "failover") | .phase] | join(" ")')"
refute "nothing that was finalized for them is left" compgen -G "$T/state/machines/web-1/finalized-*"
check "the points are what they were" bf_cli verify web-1@1
check "both" bf_cli verify web-1@2
finish
