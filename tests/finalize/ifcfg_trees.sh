# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Trees of the releases that have Red Hat's ifcfg files, and a plan's life on one. Sourced by the tests of these files.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "${BASH_SOURCE[0]}")/trees.sh"
r=$work/root
n=$r/etc/sysconfig/network-scripts

# A tree with as little as the network needs: release VERSION of the family.
bare() { # ID VERSION
    rm -rf "$r"
    mkdir -p "$r"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,etc/rc.d/rc3.d,var/lib} "$n"
    echo x >"$r/usr/lib/systemd/systemd"
    ln -s ../lib/systemd/systemd "$r/usr/sbin/init"
    put "$r/etc/os-release" <<<"ID=$1
ID_LIKE=\"rhel fedora\"
VERSION_ID=\"$2\""
    put "$r/etc/fstab" <<<"UUID=1 / xfs defaults 0 1"
    put "$r/etc/resolv.conf" <<<"nameserver 192.0.2.53"
    put "$r/etc/sysconfig/network" <<<"# Created by anaconda"
    put "$n/ifcfg-lo" <<'EOF'
DEVICE=lo
IPADDR=127.0.0.1
NETMASK=255.0.0.0
ONBOOT=yes
EOF
}
network_service() { ln -s ../init.d/network "$r/etc/rc.d/rc3.d/S10network"; }
networkmanager() { # VERSION
    ln -s /usr/lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/usr/lib64/NetworkManager/$1/libnm-settings-plugin-ifcfg-rh.so" <<<elf
    put "$r/usr/lib64/NetworkManager/$1/libnm-device-plugin-team.so" <<<elf
}
centos7() { bare centos 7 && network_service; }
centos7_nm() { bare centos 7 && networkmanager 1.18.8-1.el7; }
rhel8() { bare rhel 8.9 && networkmanager 1.40.16-9.el8; }
amazon2() { bare amzn 2 && network_service; }
# upstart, no systemd, no os-release; one address a file, as its scripts have it.
rhel6() {
    bare rhel 6
    rm -r "$r/usr/lib/systemd" "$r/etc/os-release" "$r/usr/sbin/init"
    put "$r/sbin/init" <<<elf
    put "$r/etc/redhat-release" <<<"Red Hat Enterprise Linux Server release 6.10 (Santiago)"
    network_service
}

# cycle TITLE: the plan runs, once more without a change.
cycle() {
    check "$1: runs" run
    check "$1: a second run changes nothing" again
}
back() { check "$1: undo" undone "$before"; }
untouched() { [ "$(snapshot "$r")" = "$before" ]; }
refused() { ! run && untouched && says "$1"; }
# reads FILE NAME VALUE: what bash, which the network service's scripts are written in, makes of it.
reads() { equal "$3" "$(env -i bash -c '. "$1"; echo "${!2}"' - "$1" "$2")"; }
