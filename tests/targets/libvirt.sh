#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The target libvirt with a session's daemon: a machine is made, runs, tells of itself, is copied while it runs, and is
# removed; whatever is killed on the way, the same call finishes it. The daemon is the test's own.
set -euo pipefail
# A session needs a user other than root: inside a user namespace, root is called one.
if [ "$(id -u)" = 0 ] && [ -z "${BF_TEST_INSIDE:-}" ]; then
    BF_TEST_INSIDE=1 exec unshare --user --map-user=1000 --map-group=1000 "$0" "$@"
fi
# shellcheck source=tests/targets/lib.sh
. "$(dirname "$0")/lib.sh"
export QEMU_ACCEL=tcg

replica_make
MACHINE+=("nic=52:54:00:0a:0b:0c,none,,")

# ---- Without a daemon --------------------------------------------------------------------------

URI=libvirt:test:///default
check "a URI of another driver is refused" lv_refused 'QEMU driver' check
URI="libvirt:qemu+unix:///system?socket=$T/nobody"
check "a daemon that does not run is named, and how to start it" lv_refused "systemctl start libvirtd" check
URI=libvirt:qemu+ssh://host.invalid/system
check "a host that is not there is told" lv_refused "see whether that host answers" check
URI=libvirt:qemu:///session

session_start
# ---- A machine ---------------------------------------------------------------------------------

check "it can be done" lv check
check "there is no machine yet" says absent lv power
check "the machine is made" lv make
check "it is off" says off lv power
check "nothing was written" says 0 lv written
virsh_ dumpxml --inactive web >"$T/defined.xml"
check "libvirt's schema takes the definition" virt-xml-validate "$S/$FOLDER/domain.xml" domain
check "each file has its format, down to the end" equal 3 \
    "$(grep -c "<source file=" "$T/defined.xml")"
check "what is made is kept" lv make
check "it starts" lv start
check "it is on" says on lv power
check "to start it again does nothing" lv start
check "its console comes into the job's folder" within 20 grep -q 'the machine runs' "$S/$FOLDER/console.log"
check "the file for evidence is there" test -f "$S/$FOLDER/evidence.log"
written() { lv written && [ "$(<"$T/stdout")" -ge "$1" ]; }
check "what it writes is counted" within 20 written 8192
check "its disk has the serial number" equal SERIAL-0 "$(domain 'string(//disk/serial)')"
check "its screen can be seen" lv picture "picture=$T/screen.png"
check "that is a PNG picture" grep -q "PNG image data" <(file "$T/screen.png")

# ---- Names that are taken ----------------------------------------------------------------------

second() { FOLDER=jobs/2 lv "$@"; }
mkdir -p "$S/jobs/2"
check "another job's machine of that name is not touched" eval '! second check && grep -q "has another machine web" "$T/stderr"'
check "nor does that job remove it" eval 'second remove && says on lv power'

# ---- The end without commit --------------------------------------------------------------------

check "it is asked to shut down" lv ask
check "its plug is pulled" eval 'lv pull && says off lv power'
check "what it has written is still known" written 4096
check "it starts again" eval 'lv start && says on lv power'
check "a console that was there is written on" within 20 \
    eval '[ "$(grep -c "the machine runs" "$S/$FOLDER/console.log")" = 2 ]'
check "it is removed while it runs" eval 'lv remove && says absent lv power'
check "nothing of it is left" equal "console.log evidence.log" "$(virsh_ list --all --name; cd "$S/$FOLDER" && echo *)"
check "to remove it again does nothing" lv remove
check "sealed layers are what they were" is_sealed

# ---- Commit ------------------------------------------------------------------------------------

mkdir "$T/new"
# A copy has what the disk had: the boot sector, and as many blocks behind it as were written.
copied() { # FILE
    qemu-img convert -U -f qcow2 -O raw "$1" "$T/copy.raw" && cmp -n 512 "$T/copy.raw" "$T/disk.raw"
}
lasting() { # the machine needs nothing of the job
    equal "$T/new/web-disk-0.qcow2" "$(inactive 'string(//disk/source/@file)')" &&
        equal 0 "$(inactive 'count(//disk/backingStore/*)')" &&
        equal 0 "$(inactive 'count(//channel[target/@name="org.bootferry.evidence"])')" &&
        equal pty "$(inactive 'string(//serial/@type)')" && ! grep -q "$S" "$T/domain.xml"
}
check "a folder that is not there is refused" eval 'lv make && lv start && lv_refused "no folder" commit "to=$T/none"'
check "a session without a pool is told" lv_refused 'no active storage pool "default"' commit
touch "$T/new/web-disk-0.qcow2"
check "a file that is there is not replaced" lv_refused 'is there already' commit "to=$T/new"
rm "$T/new/web-disk-0.qcow2"
check "a cancelled commit ends" eval 'lv_refused cancelled commit "to=$T/new" turns=0 && says on lv power'
check "it is copied while it runs" lv commit "to=$T/new"
check "it still runs" says on lv power
check "the copy is the disk" copied "$T/new/web-disk-0.qcow2"
check "and needs nothing of the job" lasting
check "the running one writes to the copy" equal "$T/new/web-disk-0.qcow2" "$(domain 'string(//disk/source/@file)')"
check "commit can be called again" lv commit "to=$T/new"
refute "overlays are gone" test -e "$S/$FOLDER/disk-0.qcow2"
rm -rf "${S:?}/$FOLDER/"*.log
check "it starts without the job's files" eval 'virsh_ destroy web && virsh_ start web && says on lv power'
check "remove does not take away what was committed" eval 'lv remove && virsh_ domstate web | grep running'
virsh_ destroy web && virsh_ undefine web
check "sealed layers are still what they were" is_sealed

# ---- Killed anywhere ---------------------------------------------------------------------------

# Each phase is killed before and behind each call that changes something at the host, the daemon is killed as well, and
# the same phase is then called again until it succeeds. There is a call whose number is too high: then none was killed.
gone() { says absent lv power && [ "$(virsh_ list --all --name)" = "" ]; }
dies() { # WHEN NUMBER OPERATION...: true when it was killed there
    local when=$1 number=$2 status=0
    shift 2
    "$TOOL" "$S" "$FOLDER" "$URI" "$@" "${MACHINE[@]}" "die-$when=$number" >"$T/stdout" 2>"$T/stderr" || status=$?
    [ "$status" = 137 ]
}
until_committed() { lv make && lv start && lv commit "to=$T/new"; }
until_removed() { lv make && lv start && lv remove; }
is_running_alone() { lasting && virsh_ domstate web | grep running && copied "$T/new/web-disk-0.qcow2"; }
forget() {
    virsh_ destroy web && virsh_ undefine web && lv remove
    rm -rf "$T/new/"* "${S:?}/$FOLDER/"*
}
killed() { # OPERATION PREPARATION FINISH PROOF
    local when number
    for when in before behind; do
        for ((number = 1; number < 20; number++)); do
            eval "$2" || return 1
            # shellcheck disable=SC2086 # an operation with its arguments
            dies "$when" "$number" $1 || break
            kills=$((kills + 1))
            eval "$3" || { echo "killed $when call $number of $1"; return 1; }
            eval "$4" || { echo "killed $when call $number of $1"; return 1; }
            forget
        done
        # It was not killed, so it is done.
        eval "$4" || { echo "$1 with $number calls"; return 1; }
        forget
    done
}
forget() {
    ! virsh_ domstate web >"$T/state.out" 2>&1 || { virsh_ destroy web || true; virsh_ undefine web; } >"$T/state.out" 2>&1
    lv remove
    rm -rf "$T/new/"* "${S:?}/$FOLDER/"*
}
kills=0
check "killed while it is made" killed make true 'lv make' 'says off lv power'
check "killed while it is started" killed start 'lv make' 'lv start' 'says on lv power'
check "killed while it is committed" killed "commit to=$T/new" 'lv make && lv start' 'lv commit "to=$T/new"' is_running_alone
check "killed while it is committed, and it was off" killed "commit to=$T/new" 'lv make' 'lv commit "to=$T/new"' \
    'lasting && virsh_ domstate web | grep "shut off" && copied "$T/new/web-disk-0.qcow2"'
check "killed while it is committed, and removed" killed "commit to=$T/new" 'lv make && lv start' 'lv remove' true
check "killed while it is removed" killed remove 'lv make && lv start' 'lv remove' gone
check "that was at least twenty times" at_least 20 "$kills"
check "no disk of the replica has changed" is_sealed

# The daemon dies while disks are copied; QEMU does not notice, and the same command goes on.
lv make && lv start
check "a copy is under way" dies behind 1 commit "to=$T/new"
session_kill
check "without its daemon commit says so" lv_refused 'libvirt does not connect' commit "to=$T/new"
session_start
check "with another daemon it is finished" eval 'lv commit "to=$T/new" && is_running_alone'
forget

# A daemon that is stopped, and one that is stopped in the middle of a call.
kill -STOP "$libvirtd_pid"
check "a daemon that does not answer is told" lv_refused 'does not answer' power
kill -CONT "$libvirtd_pid"
check "and then it works again" says absent lv power
finish
