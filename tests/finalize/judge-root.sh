#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes the root folder in which the real readers of network files run: tests/finalize/judge-root.sh FOLDER. It is a
# small Debian 12 with netplan, systemd, ifupdown, NetworkManager, cloud-init, the makers of an initramfs, and SELinux's
# tools with a policy; what conflicts with them is unpacked below /opt. Needs root.
set -euo pipefail
out=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=systemd,udev,ifupdown,netplan.io,network-manager,cloud-init,dbus,iproute2,isc-dhcp-client
packages+=,initramfs-tools,dracut-core,grub-common,grub-emu,procps,kmod
packages+=,policycoreutils,selinux-policy-default,ifenslave,vlan,bridge-utils
beside='ifupdown2 ifupdown-ng dhcpcd-base netctl connman libxtables12'
# Loaders as Debian signs them, the stub of unified kernel images, bootctl, and other programs to recognise.
beside+=' shim-signed shim-helpers-amd64-signed grub-efi-amd64-signed systemd-boot-efi'
beside+=' systemd-boot refind syslinux-efi'

# shellcheck disable=SC2016 # the dollars are for apt
apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    awk '$3 ~ /^bookworm(-updates|-security)?$/ && !seen[$0]++' >"$work/sources"
from=()
[ ! -s "$work/sources" ] || from=("$work/sources")

make_root() {
    rm -rf "$out"
    mkdir -p "$(dirname "$out")"
    mmdebstrap --mode=root --variant=minbase --quiet --format=directory --include="$packages" \
        --aptopt='Acquire::Retries "5"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --customize-hook="cd \"\$1/tmp\" && for p in $beside; do chroot \"\$1\" \
            sh -c \"cd /tmp && apt-get -q download \$p\" && mkdir -p \"\$1/opt/\$p\" && \
            dpkg -x \"\$1\"/tmp/\${p}_*.deb \"\$1/opt/\$p\"; done; rm -f \"\$1\"/tmp/*.deb" \
        bookworm "$out" "${from[@]}"
}

for try in 1 2 3; do
    if make_root >"$work/log" 2>&1; then exit 0; fi
    echo "mmdebstrap failed (a mirror does that now and then), try $try" >&2
done
tail -n 20 "$work/log" >&2
exit 1
