#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# QEMU cannot go into the background by itself in a sandbox without new processes.
#
# Versions: qemu-system-x86 1:7.2+dfsg-7+deb12u18 (Debian 12).
# Believed: -daemonize and -sandbox on,spawn=deny go together: the sandbox is for what a guest makes QEMU do,
#   and is closed when QEMU is in the background.
# True: options are read in one pass, and the seccomp filter is installed while -sandbox is read, before
#   -daemonize forks. spawn=deny forbids clone(2) without CLONE_THREAD, so QEMU is ended by SIGSYS at its own
#   fork: no message, no pid file, status 159 in a shell. Each of the two works alone. Whoever starts QEMU
#   has to put it into the background, and learns from QMP, not from an exit status, that it has started.
#
# This script succeeds as long as that is so. It needs neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
end() {
    [ ! -s "$T/pid" ] || kill "$(cat "$T/pid")" 2>/dev/null || true
    rm -rf "$T"
}
trap end EXIT
differs() { echo "it is different now: $*"; exit 1; }
# qemu OPTION...: a QEMU without a machine; its exit status, as a shell has it.
qemu() {
    local status=0
    (ulimit -c 0; exec timeout 60 qemu-system-x86_64 -machine none -nodefaults -display none "$@") 2>"$T/said" || status=$?
    echo "$status"
}

dpkg-query -W -f '${Package} ${Version}\n' qemu-system-x86
seen=$(qemu -daemonize -pidfile "$T/pid" -sandbox on)
[ "$seen" = 0 ] || differs "without spawn=deny, -daemonize ends with $seen"
[ -s "$T/pid" ] || differs "without spawn=deny, -daemonize leaves no pid file"
kill "$(cat "$T/pid")"
rm -f "$T/pid"
seen=$(qemu -S -monitor stdio -sandbox on,spawn=deny <<<quit | tail -n 1)
[ "$seen" = 0 ] || differs "without -daemonize, spawn=deny ends with $seen"
seen=$(qemu -daemonize -pidfile "$T/pid" -sandbox on,spawn=deny)
echo "-daemonize -sandbox on,spawn=deny: status $seen, $(wc -c <"$T/said") bytes of message"
[ "$seen" = 159 ] || differs "it is not ended by SIGSYS"
[ ! -s "$T/pid" ] || differs 'there is a pid file'
echo "as described: QEMU dies of its own sandbox when it goes into the background"
