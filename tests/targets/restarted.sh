#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The target qemu: and a host that is restarted: the daemon starts the machine of a job again that was committed, where its
# plan has machine.autostart, once for each boot of the host. The job's rows are written as a runner leaves them, and the
# boot in which the machine was started is made another one.
# shellcheck source=tests/targets/writer.sh
. "$(dirname "$0")/writer.sh"
state_with_writer
plan '"machine": {"memory": 64, "networks": {"*": "none"}, "autostart": true}'

# rows JOB: of a committed failover of web-1, with its fence.
rows() {
    python3 - "$T/state/db.sqlite" "$1" <<'ROWS'
import sqlite3, sys
db, job = sqlite3.connect(sys.argv[1]), sys.argv[2]
db.execute("INSERT INTO jobs VALUES (?, 'web-1', 'failover', 4, 1, 2, 3, 4, 0, 'committed', 0, 0, 0, 0, 1, 'lives here')", (job,))
db.execute("INSERT INTO failovers VALUES (?, 'web-1', 2, 1, 'qemu:', 1, 'word', 0, 0, '', 'committed', 0, 3, 600, 3600, 86400, 'machine')", (job,))
db.execute("INSERT INTO fences (machine, job, since, place, unplanned) VALUES ('web-1', ?, 3, 'at qemu:', 1)", (job,))
db.commit()
ROWS
    cp "$T/plan.json" "$T/state/jobs/$1/plan.json"
}
# goes_down: the machine, as if the power had failed in another boot of the host.
goes_down() {
    kill -KILL "$(machine_pid)" && within 20 power_is crashed &&
        echo 01234567-89ab-cdef-0123-456789abcdef >"$(folder)/boot"
}
events() { "$B" job show "$job" | grep -c "$1" || true; }
# The daemon has looked: it looks for such jobs before it says that it listens, and a runner is gone when its work is done.
nothing_works() { ! pgrep -f -- "--state $T/state job run" && "$B" job run "$job"; }

check "made" target make
check "committed while it is off" target commit
check "started at home" equal on "$(target at-home start)"
rows "$job"
check "the power fails" goes_down
daemon_start
check "the daemon starts it again" within 60 power_is on
check "it writes" within 60 more_than 0 "$(home)/console.log"
check "which is said once" within 60 equal 1 "$(events 'this host was restarted: the machine is switched on again')"
check "the boot is noted" equal "$(</proc/sys/kernel/random/boot_id)" "$(<"$(folder)/boot")"
check "the job is what it was" equal committed "$("$B" job show "$job" --json | jq -r .step)"

# ---- Somebody switches it off --------------------------------------------------------------------

check "the daemon is stopped" daemon_stop
check "it runs on" power_is on
check "somebody switches it off" target pull
daemon_start
check "the daemon is there again, and has nothing to do" within 60 nothing_works
check "it stays off" power_is off
check "the daemon is stopped again" daemon_stop

# ---- Without autostart ---------------------------------------------------------------------------

plan '"machine": {"memory": 64, "networks": {"*": "none"}}'
cp "$T/plan.json" "$(folder)/plan.json"
check "started by hand" equal on "$(target at-home start)"
check "the power fails, too" goes_down
daemon_start
said_off() { grep -q "off since this host was restarted; jobs/$job/start" <("$B" status web-1); }
check "its status says that it is off, and what starts it" within 60 said_off
check "and so does the job" grep -q 'off since this host was restarted' <("$B" job show "$job")
check "the reason is an event" equal 1 "$(events 'its plan has no machine.autostart')"
check "it stays off" power_is crashed
check "removed" target remove
finish
