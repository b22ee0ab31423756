#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine that lives elsewhere: its source is refused at the door, in the middle of a session, when it resumes one and
# when it enrols; what it and the operator are told; and when the fence was lifted it sends again.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
SQL=$PWD/tests/daemon/sql.py
port='' # of the daemon

"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
"$B" machine add db-1 >/dev/null
daemon_start --sessions 8
"$B" media web-1 --conf "$T/web-1.conf" --set "server=127.0.0.1:$port" >/dev/null
"$B" media db-1 --conf "$T/db-1.conf" --set "server=127.0.0.1:$port" >/dev/null
truncate -s 24M "$T/a.raw"
sgdisk --clear --disk-guid=00000000-0000-4000-8000-000000000001 "$T/a.raw" >/dev/null
head -c 20M /dev/urandom | dd of="$T/a.raw" bs=1M seek=1 conv=notrunc iflag=fullblock status=none

# put MACHINE JOB PLACE [UNPLANNED], lift MACHINE: as a failover and its rollback do.
put() { "$SQL" "$BOOTFERRY_STATE/db.sqlite" <<<"INSERT INTO fences VALUES('$1', $2, 1796040000, '$3', ${4:-0}, 0, 0);"; }
lift() { "$SQL" "$BOOTFERRY_STATE/db.sqlite" <<<"DELETE FROM fences WHERE machine = '$1';"; }
# fenced ARGUMENT...: the sender ends with the fault, without another attempt.
fenced() {
    exits 1 "$PUSH" "$@" --disk "$T/a.raw" || return
    matches 'verdict=fail code=fenced side=source ' "$(tail -n 1 "$T/stdout")" &&
        equal 0 "$(grep -c 'phase=waiting' "$T/stdout")"
}
said() { grep -qF -- "$1" "$T/stderr" || { echo "it does not say: $1"; cat "$T/stderr"; return 1; }; }
verdict_has() { tail -n 1 "$T/stdout" | grep -qF -- "$1" || { tail -n 1 "$T/stdout"; return 1; }; }
points() { equal "$2" "$("$B" points "$1" --json | jq '.points | length')"; }
events() { "$B" status "$1" --json | jq -r '.machines[0].events[].text' | grep -c -- "$2" || true; }

check "the first point" push --disk "$T/a.raw"
check "no fence" json '.machines[0] | .fence == null and .phase == "Succeeded"' "$B" status web-1 --json

# ---- At the door -------------------------------------------------------------------------------

put web-1 7 'on libvirt host h as web-1'
check "a fenced machine is refused" fenced --conf "$T/web-1.conf"
check "it is told where it lives" said 'this machine lives elsewhere now: on libvirt host h as web-1, since 2026-11-30 12:00:00Z'
check "and what to do" said 'run bootferry rollback web-1 on the replica server'
check "in the verdict too" verdict_has 'todo="to bring it back here, run bootferry rollback web-1'
check "with one connection" fenced --conf "$T/web-1.conf" --set connections=1
check "there is no other point" points web-1 1
check "the operator hears of it, once" equal 1 "$(events web-1 'the old machine was started and refused, from 127.0.0.1')"
check "status shows the fence" json '.machines[0] | .phase == "fenced" and .state == "active" and (.fence |
    .job == 7 and .since == "2026-11-30T12:00:00Z" and .place == "on libvirt host h as web-1" and
    .unplanned == false and .contacts == 2 and .contacted != null)' "$B" status web-1 --json
check "so does machine show" json '.fence.job == 7' "$B" machine show web-1 --json
check "and machine list" json '[.machines[] | [.name, .fence.job]] == [["db-1", null], ["web-1", 7]]' "$B" machine list --json
"$B" machine show web-1 >"$T/shown"
check "in words" matches 'web-1 lives elsewhere since 2026-11-30 12:00:00Z: on libvirt host h as web-1 .planned failover, job 7' "$(cat "$T/shown")"
check "with its contacts" matches 'The source was started 2 times since' "$(cat "$T/shown")"
check "the table of status says fenced" matches '^web-1  *fenced ' "$("$B" status | grep web-1)"
check "another machine is not concerned" "$PUSH" --conf "$T/db-1.conf" --disk "$T/a.raw"

# ---- A server that cannot be reached -----------------------------------------------------------

daemon_stop TERM
check "is no fence" exits 1 "$PUSH" --conf "$T/web-1.conf" --set retry=1 --disk "$T/a.raw"
check "but a network that fails" verdict_has 'code=network '
daemon_start --sessions 8
again=(--set "server=127.0.0.1:$port")
check "and lifts none" fenced --conf "$T/web-1.conf" "${again[@]}"

# ---- Enrolment ---------------------------------------------------------------------------------

"$B" media web-1 --pxe "$T/pxe" --enrol-uses 1 "${again[@]}" >/dev/null
check "a fenced machine does not enrol" fenced --conf "$T/pxe/bootferry.efi"
check "it is told the same" said 'this machine lives elsewhere now: on libvirt host h as web-1'
check "the use of its key is not counted" json '[.enrolments[].uses] == [0]' "$B" machine show web-1 --json

# ---- Lifted ------------------------------------------------------------------------------------

lift web-1
check "lifted, it sends again" push "${again[@]}" --disk "$T/a.raw"
check "which makes a point" points web-1 2
check "and enrols" "$PUSH" --conf "$T/pxe/bootferry.efi" --disk "$T/a.raw"
check "status is what it was" json '.machines[0] | .fence == null and .phase == "Succeeded"' "$B" status web-1 --json

# ---- In the middle of a session ----------------------------------------------------------------

# interrupted LANES: a slow session, until the fence ends it.
interrupted() {
    local before status=0 pid
    head -c 20M /dev/urandom | dd of="$T/a.raw" bs=1M seek=1 conv=notrunc iflag=fullblock status=none
    before=$("$B" points web-1 --json | jq '.points | length')
    bf_bound "$PUSH" --conf "$T/web-1.conf" "${again[@]}" --set compress=off --set limit=1M --set "connections=$1" \
        --disk "$T/a.raw" >"$T/stdout" 2>"$T/stderr" &
    pid=$!
    within 60 grep -q 'event=first-byte' "$T/stdout" || return
    put web-1 8 'in /srv/web-1' 1
    wait "$pid" || status=$?
    equal 1 "$status" && matches 'verdict=fail code=fenced side=source .*in /srv/web-1, since .* [(]an unplanned failover[)]' \
        "$(tail -n 1 "$T/stdout")" && equal 0 "$(grep -c 'phase=waiting' "$T/stdout")" && points web-1 "$before"
}
check "a session that is under way is ended" interrupted 1
check "its job has failed" json '.machines[0].job | .phase == "Failed" and (.detail | contains("lives elsewhere"))' "$B" status web-1 --json
check "which is not a contact" json '.machines[0].fence.contacts == 0' "$B" status web-1 --json
check "it is not resumed" fenced --conf "$T/web-1.conf" "${again[@]}"
check "that is one" json '.machines[0].fence.contacts == 1 and .machines[0].fence.unplanned' "$B" status web-1 --json
lift web-1
check "with several connections" interrupted 4
lift web-1
check "it sends again after that" push "${again[@]}" --disk "$T/a.raw"
check "what it sent is right" exported "$("$B" points web-1 --json | jq '.points | length')" 0 "$T/a.raw"

# ---- Two failovers -----------------------------------------------------------------------------

put web-1 7 'on host a'
put web-1 9 'on host b'
check "the newer one is told" fenced --conf "$T/web-1.conf" "${again[@]}"
check "by its place" said 'on host b'
"$SQL" "$BOOTFERRY_STATE/db.sqlite" <<<"DELETE FROM fences WHERE job = 9;"
check "undone, the older one is" fenced --conf "$T/web-1.conf" "${again[@]}"
check "by its place too" said 'on host a'
check "the daemon stops" daemon_stop
finish
