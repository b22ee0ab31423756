#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Encrypted: the root of web-1 is on LUKS. Its passphrase is handed to the job with the plan, and is kept nowhere. The new
# machine stops at its prompt, which the job says at once; the passphrase is typed at its serial console, as somebody on
# call would, and the machine runs as planned.
# shellcheck source=tests/stories/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck source=qemu/guests/luks.conf
. qemu/guests/luks.conf
replica uefi
source_disk luks
check "web-1 has a point" pushed
rm -f "$T/source.raw" "$T/source.qcow2"

# kept_nowhere: no file of the state and no log has the passphrase. The machine's own disks are encrypted.
kept_nowhere() { ! grep -raF -- "$GUEST_PASSPHRASE" "$T/state" "$logs"; }
# typed JOB: the passphrase, at the new machine's serial console. QEMU forgets what a client leaves when it goes, so this
# one stays to the end of the story; and it reads, since what nobody takes from the socket holds up the guest.
typed() {
    mkfifo "$T/typed"
    bf_bound socat - "UNIX-CONNECT:$T/state/jobs/$1/serial.sock" <>"$T/typed" >/dev/null 2>&1 &
    printf '%s\n' "$GUEST_PASSPHRASE" >"$T/typed"
}

# ---- Without the passphrase --------------------------------------------------------------------
failover unplanned --dry-run >"$logs/dry-run.txt" 2>&1 || true
check "a plan without its key is refused, and the device named" grep -q "give its key as \"unlock\": UUID=$GUEST_LUKS" \
    "$logs/dry-run.txt"
check "and leaves no job behind" equal 0 "$(bf_cli jobs --json | jq '[.jobs[] | select(.kind == "failover")] | length')"

# ---- With it ------------------------------------------------------------------------------------
plan "\"unlock\": [ { \"uuid\": \"$GUEST_LUKS\", \"passphrase\": \"$GUEST_PASSPHRASE\" } ]," >"$T/plan.json"
check "it begins" failover unplanned
job=$(bf_cli jobs web-1 --json | jq '[.jobs[] | select(.kind == "failover")][0].id')
check "the job says that the machine waits for its passphrase" within 900 said "$job" \
    'the machine waits for the passphrase of an encrypted disk'
check "with the words of the prompt" matches '[Pp]lease (unlock disk|enter passphrase)' "$(bf_cli job show "$job")"
refute "it is not ready" is_at "$job" ready
check "the passphrase is kept nowhere" kept_nowhere
typed "$job"
check "it runs in its new home, proven from inside" reaches "$job" ready 900
check "as planned" runs_as_planned "$job"
check "on the encrypted root" matches '^/dev/(mapper/|dm-)' "$(jq -r .root "$T/state/jobs/$job/evidence.json")"

# ---- It stays -----------------------------------------------------------------------------------
check "it is committed while it works" bf_cli commit web-1
check "and still runs" lives "$job"
check "the job is over" is_at "$job" committed
bf_server_stop TERM
keep_logs || true
check "the passphrase is kept nowhere, now that all is over" kept_nowhere
finish
