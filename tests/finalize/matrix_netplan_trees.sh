# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The shapes as netplan has them, for systemd-networkd or NetworkManager ($renderer). Sourced by matrix.sh.
# shellcheck disable=SC2034,SC2154 # matrix.sh has the variables and uses these

netplan_files='etc/netplan etc/NetworkManager/system-connections'
netplan_begin() {
    netplan "$r"
    cards
}
# yaml: standard input is what comes below "network:".
yaml() {
    { printf 'network:\n  version: 2\n  renderer: %s\n' "$renderer" && cat; } | put "$r/etc/netplan/50-net.yaml"
}
netplan_plain() {
    yaml <<'E'
  ethernets:
    enp1s0:
      addresses: [192.0.2.10/24]
      nameservers:
        addresses: [192.0.2.53]
      routes:
        - to: default
          via: 192.0.2.1
E
}
netplan_dhcp() {
    yaml <<'E'
  ethernets:
    enp1s0:
      dhcp4: true
E
}
netplan_routes() {
    yaml <<'E'
  ethernets:
    enp1s0:
      addresses:
        - 192.0.2.10/24
      mtu: 1400
      wakeonlan: true
      routes:
        - to: default
          via: 192.0.2.1
        - to: 10.0.0.0/8
          via: 192.0.2.254
E
}
netplan_six() {
    yaml <<'E'
  ethernets:
    enp1s0:
      accept-ra: false
      addresses: ["2001:db8::10/64"]
      gateway6: 2001:db8::1
E
}
netplan_both() {
    yaml <<'E'
  ethernets:
    enp1s0:
      addresses: [192.0.2.10/24, "2001:db8::10/64"]
      gateway4: 192.0.2.1
      gateway6: "2001:db8::1"
E
}
netplan_several() {
    yaml <<'E'
  ethernets:
    enp1s0:
      addresses:
        - 192.0.2.10/24
        # for the mail
        - 192.0.2.11/24
      gateway4: 192.0.2.1
E
}
netplan_two() {
    yaml <<'E'
  ethernets:
    enp1s0:
      addresses: [192.0.2.10/24]
      gateway4: 192.0.2.1
    enp2s0:
      addresses: [198.51.100.10/24]
      mtu: 1400
E
}
netplan_vlan() {
    yaml <<'E'
  ethernets:
    enp1s0: {}
  vlans:
    lan7:
      id: 7
      link: enp1s0
      addresses: [192.0.2.10/24]
      gateway4: 192.0.2.1
E
}
netplan_bond() {
    yaml <<'E'
  ethernets:
    enp1s0: {}
    enp2s0: {}
  bonds:
    bond0:
      interfaces: [enp1s0, enp2s0]
      parameters:
        mode: active-backup
        mii-monitor-interval: 100
      addresses: [192.0.2.10/24]
      gateway4: 192.0.2.1
E
}
netplan_bridge() {
    yaml <<'E'
  ethernets:
    enp1s0:
      dhcp4: false
  bridges:
    br0:
      interfaces: [enp1s0]
      parameters: {stp: false}
      addresses: [192.0.2.10/24]
      gateway4: 192.0.2.1
E
}
netplan_tower() {
    yaml <<'E'
  ethernets:
    enp1s0: {}
    enp2s0: {}
  bonds:
    bond0:
      interfaces:
        - enp1s0
        - enp2s0
      parameters: {mode: active-backup}
  vlans:
    bond0.7:
      id: 7
      link: bond0
  bridges:
    br0:
      interfaces: [bond0.7]
      mtu: 1400
      addresses: [192.0.2.10/24]
      gateway4: 192.0.2.1
E
}
netplan_fixed() {
    yaml <<'E'
  ethernets:
    enp1s0: {}
  bridges:
    br0:
      interfaces: [enp1s0]
      macaddress: 52:54:00:00:00:01
      addresses: [192.0.2.10/24]
E
}
netplan_pattern() {
    yaml <<'E'
  ethernets:
    all-en:
      match: {name: "en*"}
      dhcp4: true
      optional: true
E
}
netplan_odd() {
    {
        printf '# the office\n---\n\nnetwork:\n  ethernets:\n    enp1s0:   # the only one\n'
        printf '      mtu: 1400\n\n      # where we are\n      addresses:\n      - "192.0.2.10/24"   # since 2019\n\n'
        printf '      gateway4: 192.0.2.1\n      optional: true\n  renderer: %s\n  version: 2' "$renderer"
    } | put "$r/etc/netplan/50-net.yaml"
}
