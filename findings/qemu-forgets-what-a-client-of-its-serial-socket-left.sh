#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a client sends to QEMU's serial socket is lost when it goes before the guest has read it.
#
# Versions: qemu-system-x86 1:7.2+dfsg-7+deb12u18, socat 1.7.4.4-2 (Debian 12).
# Believed: a serial port on a socket (-chardev socket,server=on,wait=off) is like a terminal: what was typed is in the
#   port, or in QEMU, and the guest reads it when it comes to that. `echo PASSPHRASE | socat - UNIX-CONNECT:...` types it.
# True: QEMU takes from the socket what the port has room for, one byte without a FIFO and 16 with one; the rest stays in
#   the socket. When the client closes it, QEMU drops the connection with what is unread. A passphrase comes in part, and
#   the rest of an earlier attempt in front of the next one. A client has to stay until the guest has answered.
#
# The guest's reading is done by the monitor here, which reads the port's register; no guest runs. This script succeeds as
# long as that is so. It needs neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
pid=''
end() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$T"
}
trap end EXIT
differs() { echo "it is different now: $*"; exit 1; }
text=correct-horse-battery

dpkg-query -W -f '${Package} ${Version}\n' qemu-system-x86 socat
qemu-system-x86_64 -S -machine pc,accel=tcg -display none -nodefaults -chardev "socket,id=s,path=$T/serial,server=on,wait=off" \
    -serial chardev:s -chardev "socket,id=m,path=$T/monitor,server=on,wait=off" -mon chardev=m,mode=readline &
pid=$!
for ((i = 0; i < 300; i++)); do [ ! -S "$T/monitor" ] || break; sleep 0.1; done

# port NUMBER: what the guest would read there.
port() { printf 'i /b %s\n' "$1" | socat -t 5 - "UNIX-CONNECT:$T/monitor" | sed -nE 's/^portb.* = 0x([0-9a-f]+).*/\1/p' | tr -d '\r'; }
# read_port: what a guest gets that reads its port as long as that has something (bit 0 of the line status register).
read_port() {
    local idle=0
    while [ $idle -lt 3 ]; do
        if [ $((0x$(port 0x3fd) & 1)) = 1 ]; then
            printf '%b' "\\x$(port 0x3f8)"
            idle=0
        else
            idle=$((idle + 1))
            sleep 0.3
        fi
    done
}

mkfifo "$T/typed"
exec {typed}<>"$T/typed" # open for writing too, so that its end never comes
socat -u - "UNIX-CONNECT:$T/serial" <&"$typed" &
client=$!
printf %s "$text" >&"$typed"
stayed=$(read_port)
kill "$client"
wait "$client" 2>/dev/null || true
printf %s "$text" | socat -u - "UNIX-CONNECT:$T/serial"
went=$(read_port)
echo "the client stays: \"$stayed\"; it goes at once: \"$went\""
[ "$stayed" = "$text" ] || differs "a client that stays does not get all of it through"
[ "${#went}" -lt "${#text}" ] || differs "nothing is lost"
echo "as described: the rest is lost with the client"
