#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of disks made by chance: two or three real mkfs and table tools over each other in
# the same place, and the copy judged by the tools of the last owner, by wipefs and by blkid. See
# stacks/stacks.py. BF_SEED=N: that seed only; BF_STACKS=N: so many seeds (50), from 1 on.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

seeds=${BF_STACKS:-50} first=1
[ -z "${BF_SEED:-}" ] || { first=$BF_SEED seeds=1; }
PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
    echo "skip stacks: only root has loop devices"
    finish
fi
attach() { losetup -f --show /etc/hostname 2>/dev/null; }
if ! spare=$(attach || attach || attach); then # another process may have taken the free one
    echo "skip stacks: no loop devices here"
    finish
fi
losetup -d "$spare"

keep=${BF_STACKS_KEEP:-build/stacks}
mkdir -p "$keep"
"$B" init --address 127.0.0.1 >/dev/null
daemon_start --sessions 8
export BF_STACKS_PORT=$port

# marks: blkid and wipefs say what was meant
marks() { tests/usage/stacks/stacks.py marks "$T"; }
check "each mark that is written without a tool is what it shall be" marks

# A process for each half of the seeds.
halves=()
end_halves() { [ ${#halves[@]} = 0 ] || { kill "${halves[@]}"; wait "${halves[@]}"; } 2>/dev/null; }
at_exit end_halves
half=$(((seeds + 1) / 2))
tests/usage/stacks/stacks.py seeds "$first" "$half" "$keep" >"$T/1.log" 2>&1 &
halves+=($!)
tests/usage/stacks/stacks.py seeds $((first + half)) $((seeds - half)) "$keep" >"$T/2.log" 2>&1 &
halves+=($!)
for pid in "${halves[@]}"; do wait "$pid" || true; done
halves=()
cat "$T/1.log" "$T/2.log" >"$T/log"
grep -v '^missing: ' "$T/log"
counts "$T/log"
seen() { grep -cE "$1" "$T/log" || true; }
check "every seed came to its end" test "$(seen '^(not )?ok seed ')" = "$seeds"
[ "$seeds" -lt 20 ] || check "a third of them or more have a map" test "$(seen '^ok seed .* => [1-9]')" -ge $((seeds / 3))
sed -n 's/^missing: /skip stacks with /p' "$T/log" | sort -u
check "the daemon stops" daemon_stop
finish
