# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of targets share beside tests/lib.sh: a source whose first sector is a small program, its replica's
# layers, and a libvirt daemon of the test's own, which ends with it.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

TOOL=$PWD/build/tests/libvirt_target
S=$T/state FOLDER=jobs/1
BYTES=$((64 << 20))
LAYERS=machines/web/disk-0/layer-000002.qcow2,machines/web/disk-0/layer-000001.qcow2

# seconds_of_patience N: the limits of an idle machine, taken as often as within does it.
patience() { echo $(($1 * ${BF_PATIENCE:-6})); }

# The state with a disk of two sealed layers: a boot sector that says a sentence on the serial port, and then writes 4 KiB
# every eighth of a second for ever, each beside the last.
replica_make() {
    "$TOOL" "$S" "$FOLDER" libvirt: describe >/dev/null || true # makes the state
    mkdir -p "$S/$FOLDER" "$S/machines/web/disk-0"
    truncate -s "$BYTES" "$T/disk.raw"
    tests/targets/boot_sector.py "$T/disk.raw"
    (
        cd "$S/machines/web/disk-0"
        qemu-img convert -f raw -O qcow2 "$T/disk.raw" layer-000001.qcow2
        qemu-img create -q -f qcow2 -u -b layer-000001.qcow2 -F qcow2 layer-000002.qcow2 "$BYTES"
    )
    chmod -R go= "$S"
    chmod 400 "$S"/machines/web/disk-0/*
    sealed_before=$(sealed)
}
# What must never change of sealed layers: contents, owner, mode.
sealed() { (cd "$S/machines/web/disk-0" && sha256sum -- * && stat -c '%n %u %g %a %s %Y' -- *); }
is_sealed() { equal "$sealed_before" "$(sealed)"; }

# lv OPERATION [KEY=VALUE...]: a call of the target, for the machine that MACHINE describes.
MACHINE=("disk=$BYTES,$LAYERS")
URI=libvirt:qemu:///session
lv() {
    timeout -k 5 "$(patience 60)" "$TOOL" "$S" "$FOLDER" "$URI" "$1" "${MACHINE[@]}" "${@:2}" >"$T/stdout" 2>"$T/stderr" || {
        local status=$?
        cat "$T/stdout" "$T/stderr"
        return "$status"
    }
}
# says WORDS lv...: it succeeds and says exactly that.
says() {
    local wanted=$1
    shift
    "$@" && equal "$wanted" "$(<"$T/stdout")"
}
# lv_refused WORDS OPERATION...: it fails, and says these words.
lv_refused() {
    local wanted=$1
    shift
    lv "$@" >/dev/null && { echo "it succeeded"; return 1; }
    grep -qF -- "$wanted" "$T/stderr" || { echo "it does not say: $wanted"; cat "$T/stderr"; return 1; }
}
virsh_() {
    local uri=${URI#libvirt:}
    timeout -k 5 "$(patience 20)" virsh -q -c "${uri%%\?*}" "$@"
}
# domain XPATH: of its definition while it runs; inactive XPATH: of the one that stays.
domain() { virsh_ dumpxml web >"$T/domain.xml" && xmllint --xpath "$1" "$T/domain.xml"; }
inactive() { virsh_ dumpxml --inactive web >"$T/domain.xml" && xmllint --xpath "$1" "$T/domain.xml"; }

# ---- The daemon --------------------------------------------------------------------------------

libvirtd_pid='' virtlogd_pid=''
libvirtd_kill() {
    [ -z "$libvirtd_pid" ] || kill -9 "$libvirtd_pid" 2>/dev/null
    libvirtd_pid=
}
virtlogd_kill() { [ -z "$virtlogd_pid" ] || kill -9 "$virtlogd_pid" 2>/dev/null; }
# A machine is nobody's child, so the test takes it away: by the process number that libvirt wrote down.
machines_kill() {
    local file
    for file in "$T"/xdg/run/libvirt/qemu/run/*.pid; do
        [ ! -s "$file" ] || kill -9 "$(<"$file")" 2>/dev/null
    done
}
at_exit virtlogd_kill
at_exit libvirtd_kill
at_exit machines_kill

session_start() {
    export LIBVIRT_AUTOSTART=0 # a daemon that a client starts would stay
    export XDG_RUNTIME_DIR=$T/xdg/run XDG_CONFIG_HOME=$T/xdg/conf XDG_CACHE_HOME=$T/xdg/cache XDG_DATA_HOME=$T/xdg/data
    mkdir -p "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME" "$XDG_DATA_HOME"
    chmod 700 "$XDG_RUNTIME_DIR"
    if [ -z "$virtlogd_pid" ]; then # otherwise libvirt starts one, which stays
        bf_bound virtlogd >>"$T/virtlogd.log" 2>&1 &
        virtlogd_pid=$!
        within 20 test -S "$XDG_RUNTIME_DIR/libvirt/virtlogd-sock"
    fi
    bf_bound libvirtd >>"$T/libvirtd.log" 2>&1 &
    libvirtd_pid=$!
    within 20 virsh_ list
}
session_kill() {
    local pid=$libvirtd_pid
    libvirtd_kill
    wait "$pid" 2>/dev/null || true
    rm -f "$XDG_RUNTIME_DIR/libvirt/libvirt-sock"
}
