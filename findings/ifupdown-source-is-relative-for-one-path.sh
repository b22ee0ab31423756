#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Of two paths behind one `source` of ifupdown, only the first counts from the file's folder.
#
# Versions: ifupdown 0.8.41 (Debian 12).
# Believed: `source a.d/* b.d/*` reads both folders beside the file that has the line, as two lines `source` do.
# True: the folder of the file is put before the rest of the line as a whole, so only its first path is relative to
#   it. The second counts from the working folder: at boot that is /, and nothing is read and nothing said; an
#   administrator who stands in /etc/network sees with ifquery what the boot does not do.
# Seen: "from /: a0", "from /etc/network: a0 b0", "two lines, from /: a0 b0".
#
# This script succeeds as long as that is so. It needs mmdebstrap and user namespaces, but neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=ifupdown=0.8.41,dash,coreutils bookworm "$T/tree"
network=$T/tree/etc/network
mkdir -p "$network"/{a.d,b.d} "$T/tree/run/network"
for name in a0 b0; do printf '%s\n' "auto $name" "iface $name inet manual" >"$network/${name%0}.d/$name"; done
# list FOLDER: the interfaces that are brought up at boot, as seen by who stands in FOLDER.
list() {
    unshare --map-root-user chroot "$T/tree" sh -c "cd $1 && ifquery --list" | sed '/^lo$/d' | paste -sd' '
}
unshare --map-root-user chroot "$T/tree" ifquery --version | sed q

echo 'source a.d/* b.d/*' >"$network/interfaces"
echo "from /: $(list /)"
echo "from /etc/network: $(list /etc/network)"
[ "$(list /)" = a0 ] || differs 'the second path is found from /, or the first is not'
[ "$(list /etc/network)" = 'a0 b0' ] || differs 'the second path is not found from /etc/network'

printf '%s\n' 'source a.d/*' 'source b.d/*' >"$network/interfaces"
echo "two lines, from /: $(list /)"
[ "$(list /)" = 'a0 b0' ] || differs 'two lines are not read from /'
echo "as described: the second path of a source line depends on where one stands"
