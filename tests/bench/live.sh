#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The boot image against a small Linux live system that does virt-p2v's job: kernel, busybox, nbdkit and ssh -R from the
# source, nbdcopy into qcow2 at the server. The same machine under QEMU, the same half-full disk, DHCP for both, in turns.
# Times are of the host's clock, from the moment that QEMU starts to the end of the copy (flushed; ours also verified), and of
# the guest's own, from the hand-over to the first byte of the disk on the wire.
# shellcheck source-path=SCRIPTDIR/../e2e
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$E2E_TOP/tests/bench/lib.sh"
# shellcheck source=tests/bench/peers_lib.sh
. "$E2E_TOP/tests/bench/peers_lib.sh"
e2e_begin bench-live
bench_open live
mib=${BENCH_MIB:-512} runs=${BENCH_RUNS:-3} disk=$E2E_DIR/disk.raw tree=$BF_BUILD/finalize-vm/tree root=$E2E_DIR/root
[ "$(id -u)" = 0 ] || e2e_skip "the SSH server of the comparison needs root"

# ---- The live system ---------------------------------------------------------------------------

add() { # FILE...: into the live system, where it is here, with its libraries
    local file
    for file in "$@" $(ldd "$@" 2>/dev/null | grep -oE '/[^ :]+' | sort -u); do
        [ -e "$root$file" ] || install -D "$(readlink -f "$file")" "$root$file"
    done
}
live_system() { # BACK-PORT
    local version plugins filter module
    version=$(basename "$tree"/lib/modules/*)
    plugins=$(nbdkit --dump-config | sed -n 's/^plugindir=//p') filter=$(nbdkit --dump-config | sed -n 's/^filterdir=//p')
    mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,run,modules,root,var/run}
    add /bin/busybox "$(command -v nbdkit)" "$(command -v ssh)" "$plugins/nbdkit-file-plugin.so" "$filter/nbdkit-noextents-filter.so"
    cp "$E2E_DIR/ssh/client" "$root/client"
    echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
    for module in virtio_pci virtio_blk virtio_net; do
        modprobe -d "$tree" -S "$version" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | while read -r module; do
        cp "$module" "$root/modules/"
        echo "${module##*/}"
    done >"$root/modules/order"
    cat >"$root/bin/lease" <<'LEASE'
#!/bin/busybox sh
[ "$1" != bound ] || /bin/busybox ip address add "$ip/24" dev "$interface"
LEASE
    cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox mkdir -p /bin
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
while read -r module; do [ -e "/modules/\$module.done" ] || insmod "/modules/\$module" 2>/dev/null; done </modules/order
ip link set eth0 up
udhcpc -i eth0 -n -q -f -s /bin/lease >/dev/null 2>&1
nbdkit -r -U /run/disk --filter=noextents file /dev/vda
ssh -F none -p $ssh_port -i /client -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \\
    -N -R 127.0.0.1:$1:/run/disk root@10.0.2.2 &
# A second line for the socket: somebody has connected, and reads.
until [ "\$(grep -c /run/disk /proc/net/unix)" -ge 2 ]; do usleep 10000; done
echo "LIVE first-byte t=\$(cut -d' ' -f1 /proc/uptime)"
sleep 3600
INIT
    chmod +x "$root/init" "$root/bin/lease"
    (cd "$root" && find . | cpio --quiet -o -H newc) | gzip -1 >"$E2E_DIR/initramfs"
}

machine() { # NAME
    e2e_machine "$1" "$disk"
    bf_vm_add "$1" -smp 2
    bf_vm_nic "$1" virtio-net-pci
}
peer_run() { # N
    local back=$back_port begin pids=()
    rm -f "$E2E_DIR/out.qcow2" "$E2E_DIR/sink"
    qemu-img create -q -f qcow2 "$E2E_DIR/out.qcow2" "${mib}M"
    bash -c "$sshd" 2>"$E2E_LOGS/sshd.log" &
    pids+=($!)
    qemu-nbd -t -f qcow2 -k "$E2E_DIR/sink" --discard=unmap --detect-zeroes=unmap "$E2E_DIR/out.qcow2" &
    pids+=($!)
    E2E_CHILDREN+=("${pids[@]}")
    machine "live$1"
    bf_vm_add "live$1" -kernel "$BF_BUILD/finalize-vm/vmlinuz" -initrd "$E2E_DIR/initramfs" -append "console=ttyS0 quiet panic=-1"
    begin=$EPOCHREALTIME
    bf_vm_start "live$1"
    e2e_wait 300 "the live system offers its disk" nbdinfo --size "nbd://127.0.0.1:$back"
    nbdcopy --flush "nbd://127.0.0.1:$back" "nbd+unix:///?socket=$E2E_DIR/sink"
    bc <<<"$EPOCHREALTIME - $begin" >>"$E2E_DIR/peer.wall"
    bf_vm_serial "live$1" | sed -n 's/.*LIVE first-byte t=\([0-9.]*\).*/\1/p' >>"$E2E_DIR/peer.first"
    bf_vm_kill "live$1"
    kill "${pids[@]}"
    wait "${pids[@]}" 2>/dev/null || true
    check "the live system's copy is the disk" qemu-img compare -q -f raw -F qcow2 "$disk" "$E2E_DIR/out.qcow2"
}
ours_run() { # N
    local begin
    bf_cli machine add "live-$1" >>"$E2E_LOGS/cli.log"
    e2e_media "live-$1" iso "$E2E_DIR/ours$1.iso"
    machine "ours$1"
    bf_vm_cd "ours$1" "$E2E_DIR/ours$1.iso" bootindex=0
    begin=$EPOCHREALTIME
    bf_vm_start "ours$1"
    bf_vm_wait_line "ours$1" '^BOOTFERRY verdict=(ok|fail)' 300 >/dev/null
    bc <<<"$EPOCHREALTIME - $begin" >>"$E2E_DIR/ours.wall"
    E2E_VERDICT=$(bf_vm_serial "ours$1" | grep -a '^BOOTFERRY verdict=')
    check "ours is moved" matches '^BOOTFERRY verdict=ok' "$E2E_VERDICT"
    e2e_field t "$(bf_vm_serial "ours$1" | grep -a 'event=first-byte')" >>"$E2E_DIR/ours.first"
    bf_vm_kill "ours$1"
}

bench_half_full "$disk" "$mib"
ssh_server || e2e_skip "there is no SSH server to be had"
back_port=$(free_port)
live_system "$back_port"
e2e_server
for ((n = 1; n <= runs; n++)); do
    ours_run "$n"
    peer_run "$n"
done
values() { jq -cs . "$E2E_DIR/$1"; }
speeds() { jq -cs --argjson b "$((mib << 20))" '[.[] | $b / 1e6 / .]' "$E2E_DIR/$1"; }
echo "# $mib MiB, $(bf_accel), two virtual processors; $runs runs each; $(bench_processor)"
bench_compare "machine under QEMU, beside a live system with virt-p2v's way: logical speed, start included" "$(speeds ours.wall)" "$(speeds peer.wall)" MB/s least 3
bench_compare "machine under QEMU, hand-over to the first byte of a disk" "$(values ours.first)" "$(values peer.first)" s most 0.1
e2e_end
