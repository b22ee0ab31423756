# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A libvirt host of the system for one test, whose QEMU runs as another user. To be sourced after lib.sh, by root in
# namespaces of its own for mounts, network and processes.
QEMU_USER=64055

host_make() {
    local folder
    mount --make-rprivate /
    chmod 711 "$T"
    for folder in /run/libvirt /var/lib/libvirt /etc/libvirt /var/cache/libvirt /var/log/libvirt; do
        mkdir -p "$folder"
        mount -t tmpfs none "$folder"
    done
    mkdir /var/lib/libvirt/dnsmasq
    # The users that Debian's package makes, if they are not there.
    cp /etc/passwd "$T/passwd"
    cp /etc/group "$T/group"
    sed -i '/^libvirt-qemu:/d' "$T/passwd" "$T/group"
    echo "libvirt-qemu:x:$QEMU_USER:$QEMU_USER::/var/lib/libvirt:/usr/sbin/nologin" >>"$T/passwd"
    echo "libvirt-qemu:x:$QEMU_USER:" >>"$T/group"
    mount --bind "$T/passwd" /etc/passwd
    mount --bind "$T/group" /etc/group
    # A KVM that opens and does not work has libvirt look at QEMU anew for each definition.
    install -m 000 /dev/null "$T/no-kvm"
    [ ! -e /dev/kvm ] || mount --bind "$T/no-kvm" /dev/kvm
    ip link set lo up
    # No AppArmor, SELinux or control groups in a test; everything else as it comes.
    printf '%s\n' 'security_driver = "none"' 'cgroup_controllers = []' 'namespaces = []' >/etc/libvirt/qemu.conf
    printf '%s\n' 'auth_unix_rw = "none"' 'unix_sock_rw_perms = "0777"' >/etc/libvirt/libvirtd.conf
}
system_start() {
    [ -S /run/libvirt/virtlogd-sock ] || { bf_bound virtlogd >>"$T/virtlogd.log" 2>&1 & }
    within 20 test -S /run/libvirt/virtlogd-sock
    bf_bound libvirtd >>"$T/libvirtd.log" 2>&1 &
    # shellcheck disable=SC2034 # lib.sh's
    libvirtd_pid=$!
    within 20 virsh_ list
}
system_end() { # machines first, since nothing else ends them before the namespace does
    local file
    for file in /run/libvirt/qemu/*.pid; do
        [ ! -s "$file" ] || kill -9 "$(<"$file")" 2>/dev/null
    done
}
at_exit system_end
