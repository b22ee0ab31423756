#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# QEMU's serial socket has flow control: while a client is connected and does not read, the guest cannot write.
#
# Versions: qemu-system-x86 1:7.2+dfsg-7+deb12u18, socat 1.7.4.4-2 (Debian 12).
# Believed: a serial port on a socket with wait=off and a logfile= goes on whether or not somebody is connected, so a client
#   that only types (`socat -u - UNIX-CONNECT:...`) does not matter to the guest, and the log has everything.
# True: without a client all output goes to the log and on. With one, a byte is in the log and out of the port only when the
#   socket has taken it. A client that does not read holds the port up when the socket's buffer is full, and one that closed
#   its reading side, as `socat -u` does, from its first moment. A Linux that starts with its console there stands still in
#   the middle of a line until the client goes. So whoever types has to read as well: `socat - UNIX-CONNECT:... >/dev/null`.
# Seen: "bytes in two seconds: nobody 1537359, socat -u 0, nobody again 1218726, socat 385155".
#
# The guest is a boot sector that writes one letter again and again. This script succeeds as long as that is so. It needs
# neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
pid='' client=''
end() {
    local p
    for p in $client $pid; do kill "$p" 2>/dev/null || true; done
    rm -rf "$T"
}
trap end EXIT
differs() { echo "it is different now: $*"; exit 1; }

dpkg-query -W -f '${Package} ${Version}\n' qemu-system-x86 socat
# cli; the divisor 1 and 8n1 into the port at 0x3f8; then for ever: wait for bit 5 of the line status, and write "x".
printf '\xfa\xba\xfb\x03\xb0\x83\xee\xba\xf8\x03\xb0\x01\xee\xba\xf9\x03\xb0\x00\xee\xba\xfb\x03\xb0\x03\xee' >"$T/disk"
printf '\xba\xfd\x03\xec\xa8\x20\x74\xfb\xba\xf8\x03\xb0\x78\xee\xeb\xf0' >>"$T/disk"
truncate -s 510 "$T/disk"
printf '\x55\xaa' >>"$T/disk"
qemu-system-x86_64 -machine pc,accel=tcg -display none -nodefaults -drive "file=$T/disk,format=raw" \
    -chardev "socket,id=s,path=$T/serial,server=on,wait=off,logfile=$T/log" -serial chardev:s &
pid=$!
for ((i = 0; i < 600; i++)); do [ ! -s "$T/log" ] || break; sleep 0.1; done

size() { stat -c %s "$T/log"; }
# grows: by how many bytes in two seconds.
grows() {
    local before
    sleep 1
    before=$(size)
    sleep 2
    echo $(($(size) - before))
}
leaves() {
    kill "$client"
    wait "$client" 2>/dev/null || true
    client=''
}
mkfifo "$T/typed"
exec {typed}<>"$T/typed" # open for writing too, so that its end never comes
nobody=$(grows)
socat -u - "UNIX-CONNECT:$T/serial" <&"$typed" &
client=$!
types=$(grows)
leaves
again=$(grows)
socat - "UNIX-CONNECT:$T/serial" <&"$typed" >/dev/null &
client=$!
reads=$(grows)
leaves
echo "bytes in two seconds: nobody $nobody, socat -u $types, nobody again $again, socat $reads"
for count in "$nobody" "$again" "$reads"; do [ "$count" -gt 0 ] || differs "the guest writes nothing"; done
[ "$types" = 0 ] || differs "the guest goes on without a reader"
echo "as described: a client that does not read holds the guest up"
