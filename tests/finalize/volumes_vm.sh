# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Makes and reads disks with LVM, md and LUKS in a VM, since that takes drivers that the host's kernel may not have: the
# finalizer's VM with BusyBox and mke2fs added and a shell script as its init. Sourced after trees.sh.

builder_parts="busybox mke2fs"

# A program of the host with its libraries, below $1.
add_host_program() { # ROOT PROGRAM
    local path lib
    path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$2") || return 1
    install -D -m 755 "$path" "$1/bin/$2"
    while read -r lib; do
        install -D -m 755 "$lib" "$1$lib"
    done < <(ldd "$path" | awk '{for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i}')
}

# make_builder OUT SCRIPT DIR: an initramfs that runs SCRIPT, with DIR as /data. Later archives replace files of earlier ones.
make_builder() {
    # shellcheck disable=SC2154 # trees.sh sets $work
    local root=$work/builder part
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/data"
    for part in $builder_parts; do add_host_program "$root" "$part" || return 1; done
    cp -a "$3/." "$root/data"
    ln -s busybox "$root/bin/sh"
    { cat <<'INIT'
#!/bin/sh
export PATH=/bin:/sbin LVM_SUPPRESS_FD_WARNINGS=1
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /run/lock /run/lvm /mnt /mnt2
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
mkdir -p /run/lock /run/lvm
load() { for m in $(sed -n "s/^$1 //p" /modules/groups); do insmod "/modules/$m" 2>/dev/null; done; }
for group in base md dm crypt; do load $group; done
# disk N: the node of the disk with this serial
disk() { for s in /sys/block/vd*/serial; do [ "$(cat $s)" = "$1" ] && { d=${s%/serial}; echo "/dev/${d##*/}"; }; done; }
# What is read is printed between two marks.
show() { echo "=== $1"; cat "$2"; echo "=== end"; }
INIT
        cat "$2"
        printf 'sync\necho "=== done"\npoweroff -f\n'; } >"$root/init"
    chmod 755 "$root/init"
    { cat build/finalize-vm/initramfs
        (cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 | gzip -1); } >"$1"
}

# run_builder INITRAMFS LOG DISK...: each disk's serial is its file's name without ".raw". True when the script came to its end.
run_builder() {
    local image=$1 log=$2 file args=()
    shift 2
    for file; do
        args+=(-drive "file=$file,format=raw,if=none,id=$(basename "$file" .raw),discard=unmap"
            -device "virtio-blk-pci,drive=$(basename "$file" .raw),serial=$(basename "$file" .raw)")
    done
    timeout 900 qemu-system-x86_64 -machine q35,accel=tcg,usb=off -cpu max -m 512 -nodefaults -no-reboot -display none \
        -serial stdio -kernel build/finalize-vm/vmlinuz -initrd "$image" \
        -append "console=ttyS0 quiet panic=-1 no_timer_check random.trust_cpu=on" "${args[@]}" </dev/null >"$log" 2>&1
    tr -d '\r' <"$log" >"$log.text"
    grep -q '^=== done' "$log.text" || { tail -n 20 "$log.text" >&2; return 1; }
}

# shown LOG NAME: what the script has shown under that name.
shown() { sed -n "/^=== $2\$/,/^=== end/p" "$1.text" | sed '1d;$d'; }
