#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A script of SysV's init with its S link in the run level is not started, and nobody says so.
#
# Versions: startpar 0.65-1+b1 (Debian 12; it starts the run levels of Devuan and of Debian 6 to 12 without systemd).
# Believed: a script in /etc/init.d that can be executed, and a link S99NAME to it in /etc/rc2.d, are all that it takes
#   to be started in run level 2; insserv only chooses the numbers.
# True: as /etc/init.d/rc calls it (-M start), startpar starts what /etc/init.d/.depend.start names in its line
#   "TARGETS =", a file that insserv writes when it is run by a package or by update-rc.d. A link without its word there
#   is passed over, with exit status 0 and without a message. So whoever puts a script into a system from outside, as an
#   image builder or a finalizer does, adds it to that list as well, or runs insserv.
# Seen: "listed start" alone, and with the word in the list "listed start" and "linked start".
#
# This script succeeds as long as that is so. It needs startpar of Debian (downloaded where it is not installed), and
# root or a user namespace, but not Bootferry.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin:/bin
if [ $# = 0 ]; then
    T=$(mktemp -d)
    trap 'rm -rf "$T"' EXIT
    startpar=$(command -v startpar || true)
    if [ -z "$startpar" ]; then
        (cd "$T" && apt-get -q download startpar >/dev/null 2>&1 && dpkg -x startpar_*.deb .)
        startpar=$T/bin/startpar
    fi
    user=()
    [ "$(id -u)" = 0 ] || user=(--map-root-user)
    unshare "${user[@]}" --mount bash "$0" "$startpar" "$T"
    exit
fi

# ---- In the namespace, with an /etc of its own ---------------------------------------------------

startpar=$1 T=$2
differs() { echo "it is different now: $*"; exit 1; }
mount -t tmpfs none /etc
mkdir /etc/init.d /etc/rc2.d
for name in listed linked; do
    # shellcheck disable=SC2016 # the script expands it
    printf '#!/bin/sh\necho "%s $1" >>%s/started\n' "$name" "$T" >"/etc/init.d/$name"
    chmod 755 "/etc/init.d/$name"
    ln -s "../init.d/$name" "/etc/rc2.d/S99$name"
done
# run WORD...: startpar with these in its list, as /etc/init.d/rc calls it. What was started is in $started.
run() {
    printf 'TARGETS = %s\nINTERACTIVE =\n' "$*" >/etc/init.d/.depend.start
    : >"$T/started"
    (cd /etc && "$startpar" -p 4 -t 20 -T 3 -M start -P N -R 2) >"$T/said" 2>&1 || differs "startpar fails: $(cat "$T/said")"
    started=$(sort "$T/started")
    echo "$started"
}
run listed
[ "$started" = 'listed start' ] || differs "with one word it starts: $started"
! grep -q linked "$T/said" || differs "startpar speaks of it: $(cat "$T/said")"
run listed linked
[ "$started" = $'linked start\nlisted start' ] || differs "with both words it starts: $started"
echo "as described: the link alone starts nothing"
