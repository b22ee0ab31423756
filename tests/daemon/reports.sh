#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What machines in their new home report over HTTPS, by the real curl and wget: a right report leads its job on, whatever
# else comes leads to nothing and costs little.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
SQL=$PWD/tests/daemon/sql.py
TRICKLE=$PWD/tests/daemon/trickle.py
port='' # of the daemon

# ---- A state with jobs -------------------------------------------------------------------------

"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
daemon_start --sessions 4
check "nobody listens for reports unless asked to" json '.reports == null' "$PWD/tests/daemon/ask.py" "$BOOTFERRY_STATE"
"$B" media web-1 --conf "$T/web-1.conf" --set "server=127.0.0.1:$port" >/dev/null
truncate -s 8M "$T/a.raw"
sgdisk --clear --disk-guid=00000000-0000-4000-8000-000000000001 "$T/a.raw" >/dev/null
check "web-1 has a point" push --disk "$T/a.raw"
daemon_stop

pem=$BOOTFERRY_STATE/pki/root.pem
word() { printf '%032x' "$1"; }
# put_job NUMBER STEP PHASE TARGET [OVER]: a failover that has come to this step, as its runner leaves it.
put_job() {
    mkdir -p "$BOOTFERRY_STATE/jobs/$1"
    chmod 700 "$BOOTFERRY_STATE/jobs" "$BOOTFERRY_STATE/jobs/$1"
    cat >"$BOOTFERRY_STATE/jobs/$1/plan.json" <<'PLAN'
{ "version": 1, "target": { "kind": "qemu-virtio", "firmware": "bios" }, "hostname": "newhome",
  "evidence": { "report_to": "https://127.0.0.1:7668/" } }
PLAN
    "$SQL" "$BOOTFERRY_STATE/db.sqlite" <<<"
        INSERT INTO jobs VALUES ($1, 'web-1', 'failover', $3, 1, 2, 0, 0, 0, '$2', 0, 0, 0, 0, 1, '');
        INSERT INTO failovers (job, machine, mode, over, target, object, word, wish, discard, place, ending, until, started,
            patience, fresh, wait, evidence)
        VALUES ($1, 'web-1', 2, ${5:-0}, '$4', 0, '$(word "$1")', 0, 0, '', '', 0, 0, 600, 0, 0, '');"
}
# report NUMBER [HOST]: what the machine of this job says of itself. It has the NICs of the machine that was copied.
report() {
    local line
    {
        printf '%s\n' 'boot-id 3f1c2a44-0d3e-4f5a-9b6c-7d8e9f0a1b2c' "host ${2:-newhome}" 'root /dev/vda1 ext4' 'root-writable yes'
        "$B" points web-1@1 | sed -nE 's/^NIC: ([0-9a-f:]{17}).*/nic \1 192.0.2.5\/24/p'
        echo 'end -'
    } | while read -r line; do echo "BOOTFERRY-EVIDENCE $(word "$1") $line"; done
}
evidence() { "$B" job show "$1" --json | jq -r '.failover.evidence'; }
evidence_is() { equal "$2" "$(evidence "$1")"; }
step_is() { equal "$2" "$("$B" job show "$1" --json | jq -r .step)"; }
events() { "$B" job show "$1" --json | jq '.events | length'; }
said() { grep -qF -- "$2" <("$B" job show "$1") || { "$B" job show "$1"; return 1; }; }
reports_start() {
    daemon_start --sessions 4 --reports "127.0.0.1:${reports:-0}"
    reports=$(sed -n 's/^bootferryd: listening for reports on .*:\([0-9]*\)$/\1/p' "$T/daemon.out")
}
# post FILE [OPTION...]: prints the status that it is answered with.
post() { curl -q -s -o "$T/answer" -w '%{http_code}' --cacert "$pem" -m 50 --data-binary "@$1" "${@:2}" "https://127.0.0.1:$reports/"; }
answered() { equal "$1" "$(post "${@:2}")"; }

for job in 21 22 23 24 25 26 27 28 29; do put_job $job delivered 4 files:/srv; done
put_job 30 unproven 5 qemu:
put_job 31 rolled-back 5 qemu: 1
for job in 21 22 23 24 25 26 27 28 29 30 31; do report $job >"$T/report.$job"; done
reports=''
reports_start
check "the daemon says where it listens" json ".reports == \"127.0.0.1:$reports\"" "$PWD/tests/daemon/ask.py" "$BOOTFERRY_STATE"

# ---- A right report ----------------------------------------------------------------------------

check "curl posts a report" answered 204 "$T/report.21"
check "the answer has no body" test ! -s "$T/answer"
check "it is evidence" within 20 evidence_is 21 guest
check "of files, which stay delivered" step_is 21 delivered
check "it is said" said 21 'newhome itself has reported that it runs, with 192.0.2.5/24'
check "it is kept" cmp "$T/report.21" "$BOOTFERRY_STATE/jobs/21/guest.log"
check "for nobody else" mode_is 600 "$BOOTFERRY_STATE/jobs/21/guest.log"
check "what it says is in evidence.json" jq -e '.host == "newhome" and .root_writable' "$BOOTFERRY_STATE/jobs/21/evidence.json"
before=$(events 21)
check "the same again is fine" answered 204 "$T/report.21"
check "and another one, too" answered 204 <(report 21 other)
check "nothing follows from that" equal "$before" "$(events 21)"
check "the operator's word does not replace it" "$B" confirm 21
check "it stays what it was" evidence_is 21 guest
by_wget() { wget -q -O "$T/answer" --ca-certificate="$pem" --post-file="$1" "https://127.0.0.1:$reports/"; }
check "wget posts one" by_wget "$T/report.22"
check "which is evidence" within 20 evidence_is 22 guest
check "TLS 1.2 is taken, for old systems" answered 204 "$T/report.23" --tls-max 1.2
check "which is evidence" within 20 evidence_is 23 guest
check "a late report of a machine that gave no evidence" answered 204 "$T/report.30"
check "makes it ready" within 20 step_is 30 ready
check "by its own word" evidence_is 30 guest
check "that is TargetReady" equal TargetReady "$("$B" job show 30 --json | jq -r .phase)"
both() {
    local one status=0
    post "$T/report.24" >"$T/status.24" &
    one=$!
    equal 204 "$(post "$T/report.25")" || status=1
    wait "$one" && equal 204 "$(cat "$T/status.24")" && return "$status"
}
check "two at once" both
check "the one" within 20 evidence_is 24 guest
check "and the other" within 20 evidence_is 25 guest

# ---- One that does not fit ---------------------------------------------------------------------

report 26 elsewhere >"$T/unfit"
check "a report that does not fit the plan is taken" answered 204 "$T/unfit"
check "and said to be none" within 20 said 26 'what the machine has reported does not fit the plan: the host name is elsewhere instead of newhome'
check "it proves nothing" evidence_is 26 null
before=$(events 26)
check "the same again is no news" answered 204 "$T/unfit"
check "nothing follows from that" equal "$before" "$(events 26)"
check "and the log has it once" equal 1 "$(grep -c 'job 26: web-1 has reported' "$T/daemon.log")"
check "another one comes too soon" answered 429 "$T/report.26"
touch -d '2 minutes ago' "$BOOTFERRY_STATE/jobs/26/guest.log"
check "later it is judged" answered 204 "$T/report.26"
check "and proves it" within 20 evidence_is 26 guest

# ---- What is refused ---------------------------------------------------------------------------

# heads FILE...: all of them are answered with the same, but for the date.
heads() {
    local file all=''
    for file in "$@"; do
        curl -q -s -D - --cacert "$pem" --data-binary "@$file" "https://127.0.0.1:$reports/" | grep -v '^Date:' >"$T/head"
        [ -z "$all" ] || equal "$all" "$(cat "$T/head")" || return
        all=$(cat "$T/head")
    done
    matches '^HTTP/1.1 403' "$all"
}
report 99 >"$T/unknown"
tr a-f0-9 A-FG-P <"$T/report.27" >"$T/garbage"
: >"$T/empty"
printf 'BOOTFERRY-EVIDENCE %.31s' "$(word 27)" >"$T/cut"
check "a wrong word, one of a job that is over, none, and half of one are answered alike" \
    heads "$T/unknown" "$T/report.31" "$T/garbage" "$T/empty" "$T/cut"
{ cat "$T/report.27"; head -c $((65536 - $(stat -c %s "$T/report.27"))) /dev/zero | tr '\0' x; } >"$T/largest"
{ cat "$T/largest"; echo; } >"$T/too-large"
check "one that is too large" answered 413 "$T/too-large" -H Expect:
check "one whose length is not said" answered 413 "$T/too-large" -H 'Transfer-Encoding: chunked'
check "the largest" answered 204 "$T/largest"
check "it is evidence, which the rest does not harm" within 20 evidence_is 27 guest
check "GET" equal 405 "$(curl -q -s -o "$T/answer" -w '%{http_code}' --cacert "$pem" "https://127.0.0.1:$reports/")"
check "PUT" answered 405 "$T/report.28" -X PUT
check "DELETE" answered 405 "$T/report.28" -X DELETE
check "another path" equal 404 "$(curl -q -s -o "$T/answer" -w '%{http_code}' --cacert "$pem" --data-binary "@$T/report.28" \
    "https://127.0.0.1:$reports/jobs")"
check "HTTP without TLS" fails 52 curl -q -s -m 20 --data-binary "@$T/report.28" "http://127.0.0.1:$reports/"
check "TLS 1.1" fails 35 curl -q -s --cacert "$pem" --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 "https://127.0.0.1:$reports/"
check "a client without our root does not go on" fails 60 curl -q -s --data-binary "@$T/report.28" "https://127.0.0.1:$reports/"
check "none of these was evidence" evidence_is 28 null

# ---- Strangers ---------------------------------------------------------------------------------

lines() { grep -c 'has no word of a job' "$T/daemon.log" || true; }
flood() { seq 400 | xargs -P 8 -I{} curl -q -s -o /dev/null --cacert "$pem" --data-binary "@$T/unknown" "https://127.0.0.1:$reports/"; }
check "a flood of wrong words" flood
check "fills no log" at_most 40 "$(lines)"
descriptors() { find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l; }
before=$(descriptors)
held() {
    bf_bound python3 -c 'import socket, sys, time
all = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=("127.0.0.2", 0)) for _ in range(200)]
open(sys.argv[2], "w").close()
time.sleep(600)' "$reports" "$T/held" >/dev/null 2>&1 &
    holder=$!
    within 20 test -e "$T/held"
}
check "connections of one address" held
check "hold few places" at_most $((before + 24)) "$(descriptors)"
check "meanwhile another one reports" answered 204 "$T/report.28"
check "which is evidence" within 20 evidence_is 28 guest
kill "$holder"
wait "$holder" || true
for where in tcp head body; do
    "$TRICKLE" 127.0.0.1 "$reports" $where >"$T/trickle.$where" &
    trickles="${trickles:-} $!"
done
# shellcheck disable=SC2086 # a list
wait $trickles
check "a handshake that trickles is ended" at_most 40 "$(tail -n 1 "$T/trickle.tcp")"
check "so is a head that does" at_most 40 "$(tail -n 1 "$T/trickle.head")"
check "and a body" at_most 40 "$(tail -n 1 "$T/trickle.body")"
check "which was given some time" at_least 25 "$(tail -n 1 "$T/trickle.body")"

# ---- A killed daemon, another address, the end -------------------------------------------------

exec {lock}>"$BOOTFERRY_STATE/jobs/29/lock"
flock "$lock"
check "a report that no runner takes up" answered 204 "$T/report.29"
daemon_stop KILL
exec {lock}>&-
check "is no evidence yet" evidence_is 29 null
reports_start
check "the next daemon sees to it" within 60 evidence_is 29 guest

by_name() { curl -q -s -o /dev/null --cacert "$pem" --resolve "replica.example.net:$reports:127.0.0.1" "https://replica.example.net:$reports/"; }
check "a name that the certificate does not have" fails 60 by_name
"$B" init --address replica.example.net >/dev/null
check "is served as soon as it has it" within 20 by_name
"$B" --state "$T/other" init --address 127.0.0.1 >/dev/null
check "a port that is taken" refused 1 'choose another address or port with --reports' \
    "$D" --state "$T/other" --listen 127.0.0.1:0 --reports "127.0.0.1:$reports"
check "no port at all" refused 1 'give ADDR:PORT' "$D" --state "$T/other" --listen 127.0.0.1:0 --reports 127.0.0.1
"$TRICKLE" 127.0.0.1 "$reports" body >"$T/trickle.last" &
last=$!
within 20 grep -q there "$T/trickle.last"
check "the daemon ends with somebody at its port" daemon_stop
wait $last || true
check "nothing of all this was an error of its own" equal 0 "$(grep -c 'cannot be kept\|cannot be looked at\|cannot be judged' "$T/daemon.log")"
finish
