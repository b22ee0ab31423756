# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# lib.sh: defines and runs virtual machines for tests and the demo. To be sourced.
#
# A machine has a name within the script and a folder that keeps its serial log, its QMP socket and QEMU's own
# messages. It is first described (bf_vm, bf_vm_disk, bf_vm_nic, ...) and then started. A wait ends with positive
# evidence, a regular expression seen in the serial log, and fails at its deadline, at once when QEMU ended, and at once
# when the firmware reports a processor exception, which it otherwise survives for ever without a word.
# The seconds that a wait is given are those of an idle machine; each is taken times BF_PATIENCE, since what is waited for
# comes late on a busy one, and a wait that succeeds costs nothing.
# One machine at a time runs in one build folder: QEMU itself holds build/qemu.lock while it lives.
# QEMU_ACCEL=tcg|kvm overrides the accelerator that bf_accel finds.

BF_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BF_BUILD=${BF_BUILD:-$BF_TOP/build}
BF_OVMF_CODE=${BF_OVMF_CODE:-/usr/share/OVMF/OVMF_CODE_4M.fd}
BF_OVMF_VARS=${BF_OVMF_VARS:-/usr/share/OVMF/OVMF_VARS_4M.fd}
BF_QEMU=${BF_QEMU:-qemu-system-x86_64}
BF_PATIENCE=${BF_PATIENCE:-6}
mkdir -p "$BF_BUILD"
# shellcheck source=tests/bound.sh
. "$BF_TOP/tests/bound.sh"

declare -A BF_VM_DIR=() BF_VM_PID=() BF_VM_MACHINE=() BF_VM_DISKS=() BF_VM_MARK=()
BF_VM_STATUS=

bf_say() { printf '%s\n' "$@"; }
bf_die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# bf_same_disk COPY SOURCE: two raw images are the same; where SOURCE's file systems call whole chunks unused, COPY may be
# zero throughout. Says where they differ.
bf_same_disk() {
    cmp -s "$1" "$2" && return
    "$BF_BUILD/tests/usage_map" "$2" >"$1.map" 2>/dev/null && "$BF_TOP/tests/usage/compare.py" copy "$2" "$1" "$1.map" 65536
}

# Prints the accelerator: the one asked for, else what the finalizer's probe finds or remembers. Its kernel, too, begins in
# a firmware, so what starts there starts here.
bf_accel() {
    if [ -n "${QEMU_ACCEL:-}" ]; then echo "$QEMU_ACCEL"; return; fi
    local said
    said=$("$BF_BUILD/bootferry-finalize" accelerator --kernel "$BF_BUILD/finalize-vm/vmlinuz" \
        --initramfs "$BF_BUILD/finalize-vm/initramfs") || bf_die "which accelerator works cannot be found out; run make first"
    printf 'QEMU runs with %s\n' "$said" >&2
    echo "${said%%:*}"
}

# bf_vm NAME DIR MACHINE [typed]: a new machine of type pc or q35, with serial port, QMP, and no other device. With
# "typed", bf_vm_type can write to its serial port.
bf_vm() {
    local name=$1 dir=$2 machine=$3 cpu=max serial=file,path=$2/serial.log,append=on
    # Settled once in each script, for the commands that it runs as well.
    QEMU_ACCEL=$(bf_accel) || exit 1
    export QEMU_ACCEL
    [ "$QEMU_ACCEL" = tcg ] || cpu=host
    [ -z "${4:-}" ] || serial=socket,path=$dir/serial.sock,server=on,wait=off,logfile=$dir/serial.log,logappend=on
    mkdir -p "$dir"
    BF_VM_DIR[$name]=$dir BF_VM_MACHINE[$name]=$machine BF_VM_DISKS[$name]=0 BF_VM_MARK[$name]=0
    unset "BF_VM_PID[$name]"
    rm -f "$dir/serial.log" "$dir/typed"
    declare -ga "BF_VM_ARGS_$name=()"
    bf_vm_add "$name" -nodefaults -display none -no-reboot -machine "$machine" -accel "$QEMU_ACCEL" -cpu "$cpu" \
        -chardev "${serial/,/,id=serial0,}" -serial chardev:serial0 \
        -qmp "unix:$dir/qmp.sock,server=on,wait=off"
}

# bf_vm_add NAME ARG...: further arguments for QEMU.
bf_vm_add() {
    local -n args="BF_VM_ARGS_$1"
    shift
    args+=("$@")
}

# bf_vm_firmware NAME [VARS]: OVMF, with this file of variables or a fresh copy in the machine's folder.
bf_vm_firmware() {
    local vars=${2:-${BF_VM_DIR[$1]}/vars.fd}
    [ -e "$vars" ] || cp "$BF_OVMF_VARS" "$vars"
    bf_vm_add "$1" -drive "if=pflash,format=raw,unit=0,readonly=on,file=$BF_OVMF_CODE" \
        -drive "if=pflash,format=raw,unit=1,file=$vars"
}

# bf_vm_disk NAME CONTROLLER FILE raw|qcow2 [OPTIONS]: a disk on virtio-blk, virtio-scsi, nvme, ahci (q35), ide (pc).
# OPTIONS go to the device: serial=X, bootindex=N, logical_block_size=4096,physical_block_size=4096.
bf_vm_disk() {
    local vm=$1 controller=$2 file=$3 format=$4 opts=${5:+,$5} n=${BF_VM_DISKS[$1]}
    BF_VM_DISKS[$vm]=$((n + 1))
    bf_vm_add "$vm" -blockdev "driver=$format,node-name=disk$n,discard=unmap,file.driver=file,file.discard=unmap,file.filename=$file"
    case $controller in
    virtio-blk) bf_vm_add "$vm" -device "virtio-blk-pci,drive=disk$n$opts" ;;
    virtio-scsi) bf_vm_add "$vm" -device "virtio-scsi-pci,id=scsi$n" -device "scsi-hd,bus=scsi$n.0,drive=disk$n$opts" ;;
    nvme) bf_vm_nvme "$vm" "$n" "$opts" ;;
    ahci) bf_vm_add "$vm" -device "ide-hd,bus=ide.$n,drive=disk$n$opts" ;;
    ide) bf_vm_add "$vm" -device "ide-hd,bus=ide.$((n / 2)),unit=$((n % 2)),drive=disk$n$opts" ;;
    *) bf_die "no such disk controller: $controller" ;;
    esac
}

# The serial number belongs to the NVMe controller, everything else to the name space.
bf_vm_nvme() {
    local serial=bf-nvme-$2 rest=$3
    if [[ $rest =~ ,serial=([^,]*) ]]; then
        serial=${BASH_REMATCH[1]}
        rest=${rest/,serial=$serial/}
    fi
    bf_vm_add "$1" -device "nvme,id=nvme$2,serial=$serial" -device "nvme-ns,bus=nvme$2,drive=disk$2$rest"
}

# bf_vm_cd NAME FILE [OPTIONS]: a CD drive on the machine's built-in controller, at the last place of it.
bf_vm_cd() {
    local bus=ide.5
    [ "${BF_VM_MACHINE[$1]}" = q35 ] || bus=ide.1,unit=1
    bf_vm_add "$1" -blockdev "driver=raw,node-name=cd,read-only=on,file.driver=file,file.filename=$2" \
        -device "ide-cd,bus=$bus,drive=cd${3:+,$3}"
}

# bf_vm_nic NAME MODEL [NETWORK [OPTIONS]]: one NIC on a user network with NETWORK's settings (net=...,tftp=...). The
# firmware's own drivers serve it; with romfile=... in OPTIONS an option ROM does.
bf_vm_nic() {
    local opts=${4:-}
    [[ $opts == *romfile=* ]] || opts=romfile=${opts:+,$opts}
    bf_vm_add "$1" -netdev "user,id=net0${3:+,$3}" -device "$2,netdev=net0,id=nic0,$opts"
}

# bf_vm_start NAME: starts it; QEMU holds the lock, and its own pid, since the shell becomes it; it ends with the script.
bf_vm_start() {
    local name=$1 dir=${BF_VM_DIR[$1]}
    # shellcheck disable=SC2178 # an array by reference
    local -n args="BF_VM_ARGS_$1"
    printf '%q ' "$BF_QEMU" "${args[@]}" >"$dir/command"
    exec {BF_LOCK}>"$BF_BUILD/qemu.lock"
    flock -w 7200 "$BF_LOCK" || bf_die "another machine has been running for two hours"
    bf_bound "$BF_QEMU" "${args[@]}" </dev/null >"$dir/qemu.log" 2>&1 &
    BF_VM_PID[$name]=$!
    exec {BF_LOCK}>&-
}

bf_vm_alive() { [ -n "${BF_VM_PID[$1]:-}" ] && kill -0 "${BF_VM_PID[$1]}" 2>/dev/null; }

# bf_vm_serial NAME: what came over the serial port since the last bf_vm_mark, line ends made plain.
bf_vm_serial() { tail -c "+$((BF_VM_MARK[$1] + 1))" "${BF_VM_DIR[$1]}/serial.log" 2>/dev/null | tr -d '\r'; }

# bf_vm_mark NAME: later waits look only at what is still to come.
bf_vm_mark() { BF_VM_MARK[$1]=$(stat -c %s "${BF_VM_DIR[$1]}/serial.log" 2>/dev/null || echo 0); }

# bf_vm_wait_line NAME REGEX SECONDS: prints the first line that matches.
bf_vm_wait_line() {
    local name=$1 regex=$2 end=$((SECONDS + $3 * BF_PATIENCE)) alive=1 line
    while :; do
        bf_vm_alive "$name" || alive=0
        if line=$(bf_vm_serial "$name" | grep -a -m 1 -E -e "$regex"); then
            printf '%s\n' "$line"
            return 0
        fi
        if bf_vm_serial "$name" | grep -aq '!!!! X64 Exception'; then
            bf_vm_complain "$name" "processor exception while waiting for: $regex"
            return 1
        fi
        [ $alive = 1 ] || { bf_vm_complain "$name" "QEMU ended while waiting for: $regex"; return 1; }
        [ $SECONDS -lt $end ] || { bf_vm_complain "$name" "not seen in $(($3 * BF_PATIENCE)) s: $regex"; return 1; }
        sleep 0.2
    done
}

# bf_vm_wait_exit NAME SECONDS: succeeds when QEMU ended by itself in time; BF_VM_STATUS is its exit status. The value V
# written to an isa-debug-exit device gives 2 V + 1.
bf_vm_wait_exit() {
    local name=$1 end=$((SECONDS + $2 * BF_PATIENCE))
    while bf_vm_alive "$name"; do
        if [ $SECONDS -ge $end ]; then
            bf_vm_complain "$name" "still running after $(($2 * BF_PATIENCE)) s"
            bf_vm_kill "$name"
            return 1
        fi
        sleep 0.2
    done
    BF_VM_STATUS=0
    # shellcheck disable=SC2034 # for the caller
    wait "${BF_VM_PID[$name]}" || BF_VM_STATUS=$?
    unset "BF_VM_PID[$name]"
}

# bf_vm_complain NAME MESSAGE: says it on stderr with what the machine showed last, and keeps a picture of its screen.
bf_vm_complain() {
    local dir=${BF_VM_DIR[$1]}
    printf '%s: %s\n' "$1" "$2" >&2
    bf_vm_serial "$1" | tr -cd '[:print:]\n' | grep -v '^ *$' | tail -n 12 | sed 's/^/    | /' >&2
    tail -n 3 "$dir/qemu.log" 2>/dev/null | sed 's/^/    qemu: /' >&2
    bf_vm_screen "$1" "$dir/screen.png" 2>/dev/null && printf '    screen: %s\n' "$dir/screen.png" >&2
    printf '    serial log: %s\n' "$dir/serial.log" >&2
}

# bf_vm_kill NAME: as if its plug were pulled.
bf_vm_kill() {
    local pid=${BF_VM_PID[$1]:-}
    [ -n "$pid" ] || return 0
    { kill -9 "$pid" && wait "$pid"; } 2>/dev/null || true
    unset "BF_VM_PID[$1]"
}

bf_vm_kill_all() {
    local name
    for name in "${!BF_VM_PID[@]}"; do bf_vm_kill "$name"; done
}

# bf_vm_qmp NAME COMMAND [ARGUMENTS]: one QMP command, ARGUMENTS a JSON object; prints the answer, fails on an error.
bf_vm_qmp() { "$BF_TOP/qemu/qmp.py" "${BF_VM_DIR[$1]}/qmp.sock" $((20 * BF_PATIENCE)) "$2" "${3:-{\}}"; }

# bf_vm_type NAME LINE: as if it were typed at a terminal on the serial port. The terminal stays: QEMU forgets what a
# client has left behind when the guest has not read it by the time the client goes.
bf_vm_type() {
    local dir=${BF_VM_DIR[$1]}
    if [ ! -p "$dir/typed" ]; then
        mkfifo "$dir/typed"
        # Open for writing too, so that its end never comes.
        bf_bound socat -u - "UNIX-CONNECT:$dir/serial.sock" <>"$dir/typed" >/dev/null 2>&1 &
    fi
    printf '%s\r' "$2" | timeout $((10 * BF_PATIENCE)) tee "$dir/typed" >/dev/null
}

bf_vm_powerdown() { bf_vm_qmp "$1" system_powerdown >/dev/null; }
bf_vm_reset() { bf_vm_qmp "$1" system_reset >/dev/null; }

# bf_vm_link NAME true|false: plugs the network cable in, or pulls it out.
bf_vm_link() { bf_vm_qmp "$1" set_link "{\"name\":\"nic0\",\"up\":$2}" >/dev/null; }

# bf_vm_screen NAME FILE: a PNG picture of the screen, of a machine that has one.
bf_vm_screen() { bf_vm_qmp "$1" screendump "{\"filename\":\"$2\",\"format\":\"png\"}" >/dev/null; }

# bf_vm_forwarded NAME: the host's port of a machine's hostfwd=tcp:127.0.0.1:0-...
bf_vm_forwarded() {
    bf_vm_qmp "$1" human-monitor-command '{"command-line":"info usernet"}' |
        sed -nE 's/.*TCP\[HOST_FORWARD\] +[0-9]+ +127\.0\.0\.1 +([0-9]+).*/\1/p'
}

# bf_ask PORT SECONDS: the line that a server on this port of 127.0.0.1 says by itself; asked until it says one, since the
# first connection may come before the service behind a forwarded port.
bf_ask() {
    local end=$((SECONDS + $2 * BF_PATIENCE)) answer
    while :; do
        answer=$(socat -u -T $((5 * BF_PATIENCE)) "TCP:127.0.0.1:$1" - 2>/dev/null) || true
        [ -z "$answer" ] || break
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
    printf '%s\n' "$answer"
}
