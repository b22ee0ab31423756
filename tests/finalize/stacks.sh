#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network stacks on trees: netplan in the shapes in which administrators write it, and ifupdown's further ones.
# Expected files stand here in full.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# ---- netplan -----------------------------------------------------------------------------------
netplan "$r"
put "$r/etc/netplan/01-net.yaml" <<'EOF'
# the office
network:
  version: 2
  ethernets:
    enp1s0:
      # static since 2019
      addresses: [192.0.2.10/24, "2001:db8::10/64"]
      gateway4: 192.0.2.1
      nameservers:
        addresses: [192.0.2.53]
        search: [example.org]
      mtu: 1400
      routes:
        - to: 10.0.0.0/8
          via: 192.0.2.254
        - to: default
          via: 192.0.2.1
    enp2s0:
      dhcp4: true
  wifis:
    wlp3s0:
      access-points:
        "office":
          password: "verysecretpsk"
EOF
put "$r/etc/netplan/99-late.yaml" <<'EOF'
network:
  ethernets:
    enp1s0:
      addresses:
      - 192.0.2.77/24
      wakeonlan: true
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"enp1s0\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "netplan: rewritten" run
check "netplan: comments and the rest stay" is "$r/etc/netplan/01-net.yaml" <<'EOF'
# the office
network:
  version: 2
  ethernets:
    enp1s0:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: enp1s0
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
        search: ["example.org"]
      # static since 2019
      mtu: 1400
      routes:
        - to: 0.0.0.0/0
          via: 203.0.113.1
        - to: 10.0.0.0/8
          via: 192.0.2.254
    enp2s0:
      dhcp4: true
  wifis:
    wlp3s0:
      access-points:
        "office":
          password: "verysecretpsk"
EOF
check "netplan: a later file that adds addresses loses them" is "$r/etc/netplan/99-late.yaml" <<'EOF'
network:
  ethernets:
    enp1s0:
      wakeonlan: true
EOF
check "netplan: both files are YAML to another reader" python3 - "$r"/etc/netplan/*.yaml <<'EOF'
import sys
try:
    import yaml
except ImportError:
    sys.exit(0)
for name in sys.argv[1:]:
    yaml.safe_load(open(name))
EOF
check "netplan: no secret in the report" lacks "$work/report" verysecretpsk
check "netplan: second run" again
check "netplan: undo" undone "$before"

netplan "$r"
put "$r/etc/netplan/50-cloud-init.yaml" <<'EOF'
network:
    ethernets:
        ens3:
            dhcp4: true
            match:
                macaddress: 52:54:00:00:00:01
            set-name: ens3
    version: 2
EOF
mkdir -p "$r/etc/cloud/cloud.cfg.d"
plan_of '{"match": {"mac": "52:54:00:00:00:01"}, "mac": "52:54:00:00:00:02", "dhcp": true}'
check "netplan: made by cloud-init" run
check "netplan: DHCP with the new MAC address" is "$r/etc/netplan/50-cloud-init.yaml" <<'EOF'
network:
    ethernets:
        ens3:
            match:
              macaddress: "52:54:00:00:00:02"
            set-name: ens3
            dhcp4: true
            dhcp6: true
    version: 2
EOF
check "netplan: cloud-init keeps its hands off" has "$r/etc/cloud/cloud.cfg.d/99-bootferry-network.cfg" "network: {config: disabled}"
check "netplan: made by cloud-init, second run" again

netplan "$r"
put "$r/etc/netplan/01-wired.yaml" <<'EOF'
network:
  version: 2
  renderer: networkd
  ethernets:
    wired:
      match:
        macaddress: "52:54:00:00:00:01"
      addresses: [192.0.2.10/24]
      routes:
        - to: default
          via: 192.0.2.1
EOF
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "netplan: an id that is no interface's name" run
check "netplan: it stays so, and no name is set" is "$r/etc/netplan/01-wired.yaml" <<'EOF'
network:
  version: 2
  renderer: networkd
  ethernets:
    wired:
      match:
        macaddress: "52:54:00:00:00:02"
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
EOF
check "netplan: no .link file for it" test ! -e "$r/etc/systemd/network"
check "netplan: such an id, second run" again

netplan "$r"
put "$r/etc/netplan/a.yaml" <<<'{network: {version: 2, ethernets: {ens3: {dhcp4: true}}}}'
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"ens3\"}, $static}"
refute "netplan: flow style is refused" run
check "netplan: and nothing is changed" test "$(snapshot "$r")" = "$before"

netplan "$r"
put "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3: {}
  bridges:
    br0:
      interfaces: [ens3]
      dhcp4: yes
EOF
plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "netplan: a bridge" run
check "netplan: the bridge has the address, the port the match" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
  bridges:
    br0:
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
      interfaces: [ens3]
EOF
check "netplan: a bridge, second run" again

# ---- ifupdown, further shapes ------------------------------------------------------------------
ifup() {
    bare "$r"
    echo x >"$r/usr/sbin/ifup"
    ln -s /lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/network/interfaces"
}
ifup <<'EOF'
auto br0
iface enp1s0 inet manual
iface br0 inet static
    bridge_ports enp1s0
    address 192.0.2.10
    netmask 255.255.255.0
    gateway 192.0.2.1
    post-up ip route add 10.0.0.0/8 via 192.0.2.254
EOF
put "$r/etc/udev/rules.d/70-persistent-net.rules" <<'EOF'
SUBSYSTEM=="net", ATTR{address}=="52:54:00:00:00:01", NAME="enp1s0"
EOF
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "ifupdown: a bridge, found by an old udev rule" run
check "ifupdown: the bridge has the address and keeps its ports" is "$r/etc/network/interfaces" <<'EOF'
auto br0
iface enp1s0 inet manual
iface br0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    dns-nameservers 203.0.113.53
    bridge_ports enp1s0
    post-up ip route add 10.0.0.0/8 via 192.0.2.254
EOF
check "ifupdown: the udev rule follows" has "$r/etc/udev/rules.d/70-persistent-net.rules" 'SUBSYSTEM=="net", ATTR{address}=="52:54:00:00:00:02", NAME="enp1s0"'
check "ifupdown: a script with a route is said" says "a script line of br0"
check "ifupdown: a bridge, second run" again

ifup <<'EOF'
auto eth0
iface eth0 inet static
    address 192.0.2.10/24
    hwaddress ether 52:54:00:00:00:01
iface eth0 inet6 auto
EOF
plan_of '{"match": {"mac": "52:54:00:00:00:01"}, "mac": "52:54:00:00:00:02", "dhcp": true}'
check "ifupdown: to DHCP" run
check "ifupdown: to DHCP, IPv6 stays automatic, the spoofed address goes" is "$r/etc/network/interfaces" <<'EOF'
auto eth0
iface eth0 inet dhcp
iface eth0 inet6 auto
EOF
check "ifupdown: to DHCP, second run" again

# Two interfaces whose MAC addresses change places.
ifup <<'EOF'
auto lan0 lan1
iface lan0 inet dhcp
iface lan1 inet dhcp
EOF
put "$r/etc/systemd/network/10-lan0.link" <<'EOF'
[Match]
MACAddress=52:54:00:00:00:01
[Link]
Name=lan0
EOF
put "$r/etc/systemd/network/10-lan1.link" <<'EOF'
[Match]
MACAddress=52:54:00:00:00:02
[Link]
Name=lan1
EOF
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:03\", $static},
         {\"match\": {\"mac\": \"52:54:00:00:00:02\"}, \"mac\": \"52:54:00:00:00:01\", \"dhcp\": true}"
check "two interfaces" run
check "two interfaces: the first" has "$r/etc/systemd/network/10-lan0.link" "MACAddress=52:54:00:00:00:03"
check "two interfaces: the second has what was the first's" has "$r/etc/systemd/network/10-lan1.link" "MACAddress=52:54:00:00:00:01"
check "two interfaces, second run" again
check "two interfaces: the address went to the right one" sh -c "grep -A1 'iface lan0' '$r/etc/network/interfaces' | grep -q 203.0.113.5"
finish
