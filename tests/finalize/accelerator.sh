#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which accelerator the small VM gets: a program that poses as QEMU shows the kernels that start, that do not, and a QEMU
# that ends; what was found is remembered until the host starts anew. Then the real one, whatever this host can do.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/disk.sh
. tests/finalize/disk.sh
unset QEMU_ACCEL
chmod 755 "$work"
mkdir -m 700 "$work/run"
mkdir "$work/bin"
export XDG_RUNTIME_DIR=$work/run
memory=$XDG_RUNTIME_DIR/bootferry-accelerator
export nap="sleep 98765.$$" # of this run and no other

accelerator() {
    "$FINALIZE" accelerator --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs
}
# pose COMMANDS: what QEMU does from now on.
pose() {
    printf '#!/bin/sh\n%s\n' "$1" >"$work/bin/qemu-system-x86_64"
    chmod 755 "$work/bin/qemu-system-x86_64"
}
posing() { PATH=$work/bin:$PATH "$@"; }
# gives PATTERN COMMAND...: what it prints.
gives() {
    local want=$1
    shift
    got=$("$@")
    # shellcheck disable=SC2053 # a pattern
    [[ $got == $want ]] || { echo "# $got"; return 1; }
}

check "QEMU_ACCEL=kvm" gives 'kvm: QEMU_ACCEL asks for it' env QEMU_ACCEL=kvm "$FINALIZE" accelerator --kernel a --initramfs b
check "QEMU_ACCEL=tcg" gives 'tcg: QEMU_ACCEL asks for it' env QEMU_ACCEL=tcg "$FINALIZE" accelerator --kernel a --initramfs b
refute "QEMU_ACCEL with another value is refused" env QEMU_ACCEL=hvf "$FINALIZE" accelerator --kernel a --initramfs b
refute "none of these is remembered" test -e "$memory"

if [ -w /dev/kvm ]; then
    pose "exec $nap"
    check "a kernel that does not start" gives 'tcg: no kernel started with /dev/kvm within 6 s' posing accelerator
    refute "leaves no process" pgrep -f "^sleep 98765[.]$$\$"
    pose "echo 'Linux version 6.1.0'; exec $nap"
    check "what was found is remembered" gives 'tcg: no kernel started * (found earlier)' posing accelerator
    check "readable by its owner only" test "$(stat -c %a "$memory")" = 600
    sed -i '1s/^./x/' "$memory"
    check "until the host starts anew" gives 'kvm: a kernel started with KVM, in *' posing accelerator
    pose 'echo "cannot set a register" >&2; exit 1'
    check "a kernel that starts is remembered, too" gives 'kvm: a kernel started with KVM, in * (found earlier)' posing accelerator
    sed -i '2s/^./x/' "$memory"
    check "until KVM is loaded anew; a QEMU that ends" gives 'tcg: QEMU exits when using /dev/kvm: cannot set a register' posing accelerator
    pose "echo 'Linux version 6.1.0'; exec $nap"
    chmod 666 "$memory"
    check "a memory that others can write to is not believed" gives 'kvm: *' posing accelerator
    mv "$memory" "$work/elsewhere"
    sed -i 's/^kvm$/tcg/' "$work/elsewhere"
    ln -s "$work/elsewhere" "$memory"
    check "nor one that is a link" gives 'kvm: a kernel started *' posing accelerator
    rm "$memory"
    chmod 777 "$XDG_RUNTIME_DIR"
    posing accelerator >"$work/out"
    refute "nothing is put where others can write" test -e "$memory"
    chmod 700 "$XDG_RUNTIME_DIR"

    # shellcheck disable=SC2016 # the dollars are for the program
    # The VM's own kernel, with TCG in the place of KVM. It is quick; a busy host is given more than one chance.
    pose 'for a in "$@"; do shift; case $a in host) a=max ;; *accel=kvm*) a=q35,accel=tcg,usb=off,smm=off ;; esac; set -- "$@" "$a"; done
          exec /usr/bin/qemu-system-x86_64 "$@"'
    starts() {
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            rm -f "$memory"
            if gives 'kvm: a kernel started *' posing accelerator; then return; fi
        done
        return 1
    }
    check "the VM's own kernel is seen to start" starts

    # shellcheck disable=SC2016
    # It starts for the probe, which "quiet" is not given to, and not for the run.
    pose 'case "$*" in *quiet*accel=kvm*|*accel=kvm*quiet*) echo cannot; exit 1;; *accel=kvm*) echo "Linux version 6"; exec $nap;; esac
          exec /usr/bin/qemu-system-x86_64 "$@"'
    rm -f "$memory"
    debian "$work/root"
    make_disk "$work/root" "$work/disk.raw"
    run() {
        "$FINALIZE" run --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs --disk "raw:$work/disk.raw" \
            --inspect --report "$work/report" 2>"$work/err" || { sed 's/^/# /' "$work/err"; return 1; }
    }
    check "a VM that does not come up with KVM runs with TCG" posing run
    check "and says so" gives "tcg: with KVM, the finalizer's VM did not start: QEMU ended*" jq -r '.accelerator | .name + ": " + .why' "$work/report"
    check "in words, too" grep -q '^accelerator: tcg: with KVM' "$work/report.txt"
    check "and it is remembered" gives 'tcg: with KVM, * (found earlier)' posing accelerator
else
    skip "KVM" "no /dev/kvm"
    check "a host without" gives 'tcg: *' accelerator
fi

rm -f "$memory"
check "this host" gives '[kt][vc][mg]: *' accelerator
echo "# ${got}"
finish
