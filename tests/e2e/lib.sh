# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# tests/e2e/lib.sh: what the scenarios share. Each scenario begins with
#
#     . "$(dirname "$0")/lib.sh"
#     e2e_begin NAME
#
# and ends with e2e_end. Between them: a server (e2e_server), disks with known content (e2e_disk), runs of the boot
# program (e2e_machine, e2e_boot) or of the hosted sender (e2e_push), and the judgements of tests/lib.sh, whose lines
# begin with NAME. Temporary files go; logs stay in build/test-logs/e2e-NAME/.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=qemu/server.sh
. qemu/server.sh

# shellcheck disable=SC2034 # for the measurements
E2E_TOP=$PWD
E2E_DIR=$T E2E_LOGS=''
E2E_VERDICT='' # the last run's verdict line (docs/serial.md)
E2E_PROGRESS='' # and its last progress line
E2E_RELAY_PID='' E2E_RELAY_PORT=''
E2E_CHILDREN=()

e2e_begin() {
    TEST_NAME=$1 TEST_PREFIX="$1: "
    E2E_LOGS=$BF_BUILD/test-logs/e2e-$1
    TEST_LOGS=$E2E_LOGS
    rm -rf "$E2E_LOGS"
    mkdir -p "$E2E_LOGS"
    at_exit e2e_cleanup
}

e2e_cleanup() {
    local pid
    bf_vm_kill_all
    for pid in "${E2E_CHILDREN[@]}" $E2E_RELAY_PID; do { kill -9 "$pid" && wait "$pid"; } 2>/dev/null; done
    bf_server_stop KILL
}

e2e_end() {
    # A server that is still up must be able to end by itself.
    if [ -n "$BF_SERVER_PID" ]; then check "the server ends cleanly" bf_server_stop TERM; fi
    finish
}

# e2e_skip REASON: of the whole scenario.
e2e_skip() {
    echo "skip $TEST_PREFIX$*"
    finish
}

# e2e_field NAME LINE: the value of NAME=value, without its quotes.
e2e_field() { sed -nE "s/.*(^| )$1=(\"([^\"]*)\"|([^ ]*)).*/\3\4/p" <<<"$2" | head -n 1; }

# e2e_wait SECONDS WHAT COMMAND...: as within; WHAT is for people.
e2e_wait() {
    within "$1" "${@:3}" || { echo "# not within its time: $2" >&2; return 1; }
}

# ---- Disks -------------------------------------------------------------------------------------

# e2e_random SEED BYTES: reproducible bytes that do not compress.
e2e_random() {
    head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$(printf %032x "$1")" -iv "$(printf %032x 0)" 2>/dev/null
}

# e2e_disk FILE MIB SEED: a GPT disk: a quarter noise, a quarter text, the rest zeros with islands of noise in it.
e2e_disk() {
    local file=$1 mib=$2 seed=$3 part=$(($2 / 4 - 1)) i
    rm -f "$file"
    truncate -s "${mib}M" "$file"
    sgdisk --disk-guid="$(printf '%08x-0000-4000-8000-%012x' "$seed" "$mib")" --new=1:2048:0 \
        --partition-guid="1:$(printf '%08x-0000-4000-8001-%012x' "$seed" "$mib")" "$file" >/dev/null
    e2e_random "$seed" $((part << 20)) | dd of="$file" bs=1M seek=2 conv=notrunc iflag=fullblock status=none
    { seq 1 5000000 || true; } | head -c $((part << 20)) | dd of="$file" bs=1M seek=$((2 + part)) conv=notrunc iflag=fullblock status=none
    for i in 3 7 11; do
        e2e_random $((seed + i)) 5000 | dd of="$file" bs=1 seek=$((((mib / 2 + i * mib / 32) << 20) + 777)) conv=notrunc status=none
    done
}

# e2e_dense FILE: its holes become zeros that have to be read, as on a real disk.
e2e_dense() { cp --sparse=never "$1" "$1.dense" && mv "$1.dense" "$1"; }

# e2e_change FILE SEED OFFSET BYTES: writes noise into it, as a running system would.
e2e_change() { e2e_random "$2" "$4" | dd of="$1" bs=4096 seek=$(($3 / 4096)) conv=notrunc iflag=fullblock status=none; }

# ---- Server ------------------------------------------------------------------------------------

# e2e_server: a fresh state and a server, known as 10.0.2.2 and 127.0.0.1.
e2e_server() {
    bf_server_init "$E2E_DIR/state" 10.0.2.2,127.0.0.1 >>"$E2E_LOGS/cli.log"
    bf_server_start "$E2E_LOGS/bootferryd.log"
}

e2e_server_again() { bf_server_start "$E2E_LOGS/bootferryd.log"; }

# e2e_points NAME: the number of its recovery points.
e2e_points() { bf_cli points "$1" --json | jq '.points | length'; }

# e2e_same NAME[@POINT] N FILE: disk N of the point, exported, is the file (bf_same_disk).
e2e_same() {
    rm -f "$E2E_DIR/export.raw"
    bf_cli export "$1" --disk "$2" --format raw "$E2E_DIR/export.raw" &&
        bf_same_disk "$E2E_DIR/export.raw" "$3"
}

# e2e_relay: a relay with faults in front of the server, on E2E_RELAY_PORT of 127.0.0.1.
e2e_relay() {
    bf_bound "$BF_BUILD/tcpfault" "127.0.0.1:$BF_SERVER_PORT" "$E2E_DIR/relay.sock" >"$E2E_DIR/relay.out" &
    E2E_RELAY_PID=$!
    e2e_wait 10 "the relay listens" grep -q listening "$E2E_DIR/relay.out"
    # shellcheck disable=SC2034 # for the scenarios
    E2E_RELAY_PORT=$(awk '{ print $2 }' "$E2E_DIR/relay.out")
}

# e2e_fault COMMAND: tells it what to do; see tests/tcpfault.c.
e2e_relay_ask() { printf '%s\n' "$*" | socat -t $((20 * BF_PATIENCE)) - "UNIX-CONNECT:$E2E_DIR/relay.sock"; }
e2e_fault() { [ "$(e2e_relay_ask "$@")" = ok ]; }
e2e_relayed_up() { e2e_relay_ask stats | awk '{ print $4 }'; }
e2e_relay_connections() { [ "$(e2e_relay_ask stats | awk '{ print $2 }')" -ge "$1" ]; }
e2e_relay_is() { [ "$(e2e_relay_ask stats | awk '{ print $NF }')" = "$1" ]; }

# e2e_clock OFFSET: makes $E2E_DIR/clock, a command that runs another with its wall clock shifted. The library is loaded
# directly: the faketime command would stay in between as the parent.
e2e_clock() {
    local library
    library=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
    [ -n "$library" ] || e2e_skip "libfaketime is not installed"
    printf '#!/bin/sh\nexec env LD_PRELOAD=%s FAKETIME=%s FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"\n' "$library" "$1" >"$E2E_DIR/clock"
    chmod +x "$E2E_DIR/clock"
}

# ---- Machines ----------------------------------------------------------------------------------

# e2e_machine NAME [DISK]...: a q35 machine with 512 MiB, a debug-exit device and these raw disks on virtio-blk.
e2e_machine() {
    local name=$1 disk
    shift
    bf_vm "$name" "$E2E_LOGS/$name" q35
    cp "$BF_OVMF_VARS" "$E2E_DIR/$name-vars.fd"
    bf_vm_firmware "$name" "$E2E_DIR/$name-vars.fd"
    bf_vm_add "$name" -m 512 -device isa-debug-exit,iobase=0xf4,iosize=4
    for disk in "$@"; do bf_vm_disk "$name" virtio-blk "$disk" raw "serial=$(basename "$disk" .raw)"; done
}

# e2e_media NAME KIND FILE [KEY=VALUE]...: a medium for the machine: iso, efi, fat or pxe.
e2e_media() {
    local name=$1 kind=$2 file=$3 set=()
    shift 3
    [[ " $*" == *' server='* ]] || set+=(--set "server=10.0.2.2:$BF_SERVER_PORT")
    [[ " $*" == *' on-failure='* ]] || set+=(--set on-failure=poweroff)
    while [ $# -gt 0 ]; do set+=(--set "$1"); shift; done
    # shellcheck disable=SC2086 # options
    bf_cli media "$name" "--$kind" "$file" --set debug-exit=0xf4 "${set[@]}" \
        ${E2E_ENROL:-} >>"$E2E_LOGS/cli.log"
}

# e2e_boot NAME SECONDS: starts it and waits for its verdict and its end.
e2e_boot() {
    bf_vm_start "$1"
    e2e_verdict "$1" "$2"
}

# e2e_verdict NAME SECONDS: of a machine that runs. Any verdict will do; the scenario judges it.
e2e_verdict() {
    bf_vm_wait_line "$1" '^BOOTFERRY verdict=(ok|fail)' "$2" >/dev/null
    bf_vm_wait_exit "$1" 60
    E2E_VERDICT=$(bf_vm_serial "$1" | grep -a '^BOOTFERRY verdict=')
    # shellcheck disable=SC2034 # for the scenarios
    E2E_PROGRESS=$(bf_vm_serial "$1" | grep -a '^BOOTFERRY event=progress ' | tail -n 1 || true)
}

# e2e_cd_machine NAME DISK...: the usual one: started from the CD $E2E_DIR/NAME.iso, with a virtio NIC.
e2e_cd_machine() {
    e2e_machine "$@"
    bf_vm_cd "$1" "$E2E_DIR/$1.iso" bootindex=0
    bf_vm_nic "$1" virtio-net-pci
}

# e2e_sent NAME: the bytes that it says it has sent so far.
e2e_sent() {
    e2e_field sent "$(bf_vm_serial "$1" | grep -a '^BOOTFERRY event=progress ' | tail -n 1)"
}

# e2e_sending NAME BYTES SECONDS: waits until it has sent so much, and fails when it came to an end before.
e2e_sending() {
    local name=$1 bytes=$2 end=$((SECONDS + $3 * BF_PATIENCE)) sent
    while sent=$(e2e_sent "$name"); [ "${sent:-0}" -lt "$bytes" ]; do
        if bf_vm_serial "$name" | grep -aq '^BOOTFERRY verdict=' || [ $SECONDS -ge $end ]; then
            bf_vm_complain "$name" "has not sent $bytes bytes in time, or came to an end"
            return 1
        fi
        sleep 0.1
    done
}

# e2e_nic_driver NAME DRIVER: who served the NIC, from the first address to the end.
e2e_nic_driver() {
    local wanted=$2 lines
    lines=$(bf_vm_serial "$1" | grep -aE '^BOOTFERRY event=(nic|network) ') &&
        equal "driver=$wanted" "$(grep -oE 'driver=[^ ]*' <<<"$lines" | sort -u)"
}

# With the debug-exit device, QEMU's status tells the verdict as well.
e2e_verdict_is_ok() {
    matches '^BOOTFERRY verdict=ok code=ok ' "$E2E_VERDICT" && equal 3 "$BF_VM_STATUS"
}
e2e_verdict_is_failure() { # CODE SIDE
    matches "^BOOTFERRY verdict=fail code=$1 side=$2 .*todo=." "$E2E_VERDICT" && equal 5 "$BF_VM_STATUS"
}

# ---- README's table of failures ---------------------------------------------------------------

# e2e_failure_rows: the table's rows as CODE|SIDE|WORDS.
e2e_failure_rows() {
    awk -F' *[|] *' '
        /^[|] code [|] side [|]/ { inside = 1; getline; next }
        !/^[|]/ { inside = 0 }
        inside { gsub(/`/, ""); print $2 "|" $3 "|" $4 }
    ' README.md
}

# e2e_failure_row WORDS: the last verdict is what the row with these words says. tests/e2e/troubleshooting.sh looks that
# each row has such a call.
e2e_failure_row() {
    local row
    row=$(e2e_failure_rows | awk -F'|' -v words="$1" '$3 == words')
    check "README's row \"$1\"" e2e_verdict_fits "$row"
}
e2e_verdict_fits() { # CODE|SIDE|WORDS
    local code side words what
    IFS='|' read -r code side words <<<"$1"
    [ -n "$words" ] || { echo "README.md has no such row"; return 1; }
    what=$(sed -nE 's/.* what="([^"]*)" todo="[^"]+".*/\1/p' <<<"$E2E_VERDICT")
    matches "^BOOTFERRY verdict=fail code=$code side=$side " "$E2E_VERDICT" || return
    # Quotes in a message are apostrophes on the line, and so are those of README.
    [[ "$what" == *"$words"* ]] || { echo "wanted: $words"; echo "saw:    $what"; return 1; }
}

# ---- The hosted sender -------------------------------------------------------------------------

# e2e_config NAME PORT FILE [KEY=VALUE]...: the configuration of a medium for the machine, as text; with
# E2E_ENROL=OPTIONS, of a PXE folder made with these. It is taken out of the boot image's section by another tool than ours.
e2e_config() {
    local name=$1 port=$2 file=$3
    shift 3
    rm -rf "$E2E_DIR/config"
    mkdir "$E2E_DIR/config"
    if [ -n "${E2E_ENROL:-}" ]; then
        e2e_media "$name" pxe "$E2E_DIR/config/pxe" "server=127.0.0.1:$port" "$@"
        mv "$E2E_DIR/config/pxe/bootferry.efi" "$E2E_DIR/config/image.efi"
    else
        e2e_media "$name" efi "$E2E_DIR/config/image.efi" "server=127.0.0.1:$port" "$@"
    fi
    objcopy -I pei-x86-64 -O binary --only-section=.bfconf "$E2E_DIR/config/image.efi" "$E2E_DIR/config/section"
    tail -c +33 "$E2E_DIR/config/section" | tr -d '\000' >"$file"
    chmod 600 "$file"
}

# e2e_push_start CONFIG DISK...: the hosted sender in the background; its lines go to E2E_PUSH_LOG.
e2e_push_start() {
    E2E_PUSHES=$((${E2E_PUSHES:-0} + 1))
    E2E_PUSH_LOG=$E2E_LOGS/push-$E2E_PUSHES.log
    local arguments=(--conf "$1")
    shift
    while [ $# -gt 0 ]; do arguments+=(--disk "$1"); shift; done
    # shellcheck disable=SC2086 # a command and its arguments, or nothing
    bf_bound ${E2E_PUSH_WRAP:-} "$BF_BUILD/bootferry-push" "${arguments[@]}" >"$E2E_PUSH_LOG" 2>&1 &
    E2E_PUSH_PID=$!
    E2E_CHILDREN+=("$E2E_PUSH_PID")
}

# e2e_push_wait SECONDS: its verdict line and last progress line are then where a machine's are.
e2e_push_wait() {
    e2e_wait "$1" "the hosted sender ends" e2e_gone "$E2E_PUSH_PID"
    E2E_PUSH_STATUS=0
    wait "$E2E_PUSH_PID" || E2E_PUSH_STATUS=$?
    E2E_VERDICT=$(grep -a '^BOOTFERRY verdict=' "$E2E_PUSH_LOG" || true)
    # shellcheck disable=SC2034 # for the scenarios
    E2E_PROGRESS=$(grep -a '^BOOTFERRY event=progress ' "$E2E_PUSH_LOG" | tail -n 1 || true)
}
e2e_gone() { ! kill -0 "$1" 2>/dev/null; }

# e2e_push SECONDS CONFIG DISK...: a whole run.
e2e_push() {
    local seconds=$1
    shift
    e2e_push_start "$@"
    e2e_push_wait "$seconds"
}
e2e_push_is_ok() { matches '^BOOTFERRY verdict=ok code=ok ' "$E2E_VERDICT" && equal 0 "$E2E_PUSH_STATUS"; }
e2e_push_failed() { # CODE SIDE
    matches "^BOOTFERRY verdict=fail code=$1 side=$2 " "$E2E_VERDICT" && equal 1 "$E2E_PUSH_STATUS"
}
# e2e_push_says SECONDS REGEX: a line of the running sender.
e2e_push_says() { e2e_wait "$1" "the sender says $2" grep -aqE -e "$2" "$E2E_PUSH_LOG"; }
