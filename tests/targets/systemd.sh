#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The target qemu: where systemd runs: the machine is a transient unit of its own, which outlives whoever started it, is
# found again, is stopped by systemctl as well, and leaves nothing behind. systemd is the first process of a container over
# this system's own files; what is written there goes with it.
set -euo pipefail
name=tests/targets/systemd.sh

# ---- The container -----------------------------------------------------------------------------

if [ -z "${BF_TEST_INSIDE:-}" ]; then
    # shellcheck source=tests/lib.sh
    . "$(dirname "$0")/../lib.sh"
    for needed in systemd-nspawn dbus-daemon unshare; do
        command -v "$needed" >/dev/null || { skip "machines as units" "there is no $needed"; finish; }
    done
    [ "$(id -u)" = 0 ] || { skip "machines as units" "a container with systemd needs root"; finish; }
    mkdir "$T/container"
    cat >"$T/over.sh" <<'OVER'
set -e
mount -t tmpfs tmpfs "$1/container"
cd "$1/container"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
OVER
    unshare --mount bash "$T/over.sh" "$T" 2>"$T/why" ||
        { skip "machines as units" "no overlay over this system: $(tail -n 1 "$T/why")"; finish; }
    cat >"$T/boot.sh" <<'BOOT'
. "$1/over.sh"
# Nothing of this system's own is started but the bus.
cat >root/etc/systemd/system/bootferry-test.target <<UNIT
[Unit]
Requires=basic.target dbus.service bootferry-test.service
After=basic.target
UNIT
cat >root/etc/systemd/system/bootferry-test.service <<UNIT
[Unit]
After=basic.target dbus.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=BF_TEST_INSIDE=1 BF_PATIENCE=${BF_PATIENCE:-6} HOME=/root PATH=$PATH
ExecStart=$2/$3
ExecStopPost=systemctl poweroff --force
StandardOutput=file:$1/said
StandardError=file:$1/said
UNIT
exec systemd-nspawn --directory=root --machine="bootferry-$$" --register=no --keep-unit --private-network --link-journal=no \
    --bind="$1:$1" --boot systemd.unit=bootferry-test.target systemd.mask=timers.target
BOOT
    check "systemd starts in a container" unshare --mount --kill-child bash "$T/boot.sh" "$T" "$PWD" "$name" </dev/null
    cat "$T/said"
    counts "$T/said"
    check "all of it was carried out" grep -q '^ok nothing of it is left$' "$T/said"
    finish
fi

# ---- Inside ------------------------------------------------------------------------------------

# shellcheck source=tests/targets/writer.sh
. "$(dirname "$0")/writer.sh"
state_with_writer
plan '"machine": {"memory": 64, "networks": {"*": "none"}}'
UNIT=bootferry-machine-web-1.service
property() { systemctl show --property="$1" --value "$UNIT"; }
# as_service NAME PROPERTY... -- ACTION: the target's function, called by a process of a service of that name.
as_service() {
    local unit=$1 properties=()
    shift
    while [ "$1" != -- ]; do properties+=(--property="$1"); shift; done
    systemd-run --quiet --collect --wait --pipe --unit="$unit" "${properties[@]}" --property=WorkingDirectory="$PWD" \
        --setenv=QEMU_ACCEL="$QEMU_ACCEL" --setenv=TMPDIR="$TMPDIR" "$DRIVER" "$T/state" web-1@1 "$T/plan.json" \
        "jobs/$job" "$uri" "$test" "${@:2}"
}
no_unit() { equal not-found "$(property LoadState)"; }

check "systemd is the first process" equal systemd "$(cat /proc/1/comm)"
check "made" target make
check "started by a process of a service, which then ends" as_service starter -- start
refute "the service is over" systemctl is-active --quiet starter
check "the machine runs" power_is on
check "it writes" within 60 more_than 0
check "it is a unit of its own" systemctl is-active --quiet "$UNIT"
check "whose process is QEMU" equal "$(machine_pid)" "$(property MainPID)"
check "that the control groups know" grep -q "/$UNIT\$" "/proc/$(machine_pid)/cgroup"
before=$(machine_pid)
check "started again" target start
check "it is the same" equal "$before" "$(machine_pid)"
check "it writes on" writes_on

# ---- The daemon is stopped -----------------------------------------------------------------------

systemd-run --quiet --collect --unit=daemon --property=KillMode=control-group sleep infinity
check "a daemon beside it is stopped" systemctl stop daemon
check "the machine runs on" power_is on
check "committed while it runs" target commit
check "it needs nothing of the replica" needs_no_replica
check "it is the same unit" equal "$(machine_pid)" "$(property MainPID)"

# ---- Its end -------------------------------------------------------------------------------------

check "systemctl stops it" systemctl stop "$UNIT"
check "it is off, and was not killed" power_is off
check "its disks are what it wrote" sound "$(home)" "$(folder)/console.log"
check "its unit is gone" within 20 no_unit
check "started at home" as_service starter -- at-home start
check "as a unit again" systemctl is-active --quiet "$UNIT"
check "whose process is QEMU, again" equal "$(machine_pid)" "$(property MainPID)"
check "pulled" target pull
check "it is off" power_is off
check "no unit remains" within 20 no_unit
killed_at_once() { target start && kill -9 "$(machine_pid)" && within 20 power_is crashed; }
for n in 1 2 3; do
    check "started, and killed at once: $n" killed_at_once
done
check "started right after that" target start
check "it is on" power_is on
check "pulled once more" target pull

# ---- It does not start ----------------------------------------------------------------------------

home_start=$(home)/start
mv "$home_start" "$T/start"
printf '#!/bin/sh\necho "qemu-system-x86_64: there is no luck today" >&2\nexit 1\n' >"$home_start"
chmod 700 "$home_start"
check "one that fails says why" refused 1 'did not start: there is no luck today' target start
check "and leaves no unit" within 20 no_unit
printf '#!/bin/sh\ncd "$(dirname "$0")"\nexec qemu-system-x86_64 -machine none -display none -nodefaults -pidfile qemu.pid\n' >"$home_start"
check "one that gives no answer is given up" refused 1 'gave no answer and was killed' target start
check "and was killed, then" power_is crashed
check "with its unit" within 20 no_unit
mv "$T/start" "$home_start"
check "it starts when that is mended" target start
check "removed" target remove
check "no unit is left" within 20 no_unit

# ---- Without root ----------------------------------------------------------------------------------

# A daemon that runs as a user of its own, as bootferryd.service has it: the machine is a process below that service, which
# does not take it along when it stops.
job=8
mkdir "$T/state/jobs/8"
cp "$DRIVER" "$T/driver"
chown -R daemon: "$T"
as_daemon() {
    setpriv --reuid daemon --regid daemon --clear-groups "$T/driver" "$T/state" web-1@1 "$T/plan.json" jobs/8 qemu: 0 "$@"
}
is_on() { equal on "$(as_daemon power)"; }
check "a machine of another user" as_daemon make
systemd-run --quiet --collect --unit=unprivileged --property=User=daemon --property=KillMode=process \
    --property=WorkingDirectory="$T" --setenv=QEMU_ACCEL="$QEMU_ACCEL" \
    sh -c '"$0" "$@" && exec sleep infinity' "$T/driver" "$T/state" web-1@1 "$T/plan.json" jobs/8 qemu: 0 start
check "a service of that user starts it" within 60 is_on
check "as a process of the service" grep -q '/unprivileged.service$' "/proc/$(machine_pid)/cgroup"
check "no unit is made" no_unit
check "the service is stopped" systemctl stop unprivileged
check "the machine runs on" is_on
check "it writes on, too" writes_on
check "it is removed" as_daemon remove
check "nothing of it is left" equal absent "$(as_daemon power)"
finish
