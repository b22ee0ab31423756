#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# netplan on trees, in the shapes in which administrators, cloud-init and NetworkManager write it. Expected files stand
# here in full; netplan itself and systemd-networkd judge the results.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022
r=$work/root

# netplan ROOT: a tree with as little as the network needs.
netplan() {
    local root=$1
    rm -rf "$root"
    mkdir -p "$root"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,var/lib}
    ln -s usr/lib "$root/lib"
    echo x >"$root/usr/lib/systemd/systemd"
    put "$root/etc/os-release" <<<"ID=debian"
    put "$root/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
    echo x >"$root/usr/sbin/netplan"
}
both='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"],
    "dns": ["203.0.113.53"], "search": ["example.net"]'
mac2=52:54:00:00:00:02
mac4=52:54:00:00:00:04
# file NAME: a file of /etc/netplan.
file() { put "$r/etc/netplan/$1"; }
# one TITLE: a tree with the file on standard input, and the plan carried out.
one() {
    netplan "$r"
    file a.yaml
    before=$(snapshot "$r")
    check "$1" run
}
# after TITLE: what holds for every result. To be called last: it undoes the run.
after() {
    check "$1, second run" again
    check "$1, undo" undone "$before"
}
# refused TITLE TEXT: a tree with the file on standard input is refused in these words, and stays.
refused() {
    netplan "$r"
    file a.yaml
    before=$(snapshot "$r")
    refute "$1" run
    check "$1: in words" grep -qF -- "$2" "$work/err"
    check "$1: nothing is changed" test "$(snapshot "$r")" = "$before"
}
judged=
if judge_ready; then judged=yes; else skip "no judge: netplan and systemd-networkd do not read the results"; fi
# judge LINKS: netplan's and networkd's word on the tree, for sees and misses.
judge() { [ -z "$judged" ] || judge_netplan "$1" >"$work/judged" 2>&1 || cat "$work/judged"; }
# generated: netplan's word alone, where networkd would wait for a server or has nothing to do.
generated() {
    [ -z "$judged" ] || judge_run "" "/usr/libexec/netplan/generate || exit 1
        cat /run/systemd/network/* /run/NetworkManager/system-connections/* 2>/dev/null || true" \
        >"$work/judged" 2>&1 || cat "$work/judged"
}
finds() { grep -qE -- "$1" "$work/judged" || { cat "$work/judged" && false; }; }
# sees TITLE REGEX..., misses TITLE REGEX...: lines of it.
sees() {
    local title=$1 want
    shift
    [ -n "$judged" ] || return 0
    for want; do check "$title, judged: $want" finds "$want"; done
}
misses() {
    local title=$1 want
    shift
    [ -n "$judged" ] || return 0
    for want; do refute "$title, judged: no $want" grep -qE -- "$want" "$work/judged"; done
}

# ---- Shapes without a judge ----------------------------------------------------------------------
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

# ---- Addresses of all kinds ---------------------------------------------------------------------
plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$mac2\", $both}"
one "both families" <<'EOF'
network:
  version: 2
  renderer: networkd
  ethernets:
    ens3:
      addresses:
      - 192.0.2.10/24: {label: "ens3:old", lifetime: 0}
      - 192.0.2.11/24
      - "2001:db8::10/64"
      gateway4: 192.0.2.1 # deprecated
      gateway6: "2001:db8::1"
      mtu: 1400
      accept-ra: false
      link-local: [ ipv6 ]
      optional: true
      dhcp-identifier: mac
      routes:
      - {to: 0.0.0.0/0, via: 192.0.2.1}
      - to: 10.0.0.0/8
        via: 203.0.113.9
        # kept
        metric: 50
      - to: default
        via: 192.0.2.1
        table: 100
      routing-policy:
      - from: 203.0.113.5
        table: 100
EOF
check "both families: rewritten" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  version: 2
  renderer: networkd
  ethernets:
    ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      - "2001:db8:5::5/64"
      nameservers:
        addresses: ["203.0.113.53"]
        search: [example.net]
      mtu: 1400
      accept-ra: false
      link-local: [ ipv6 ]
      optional: true
      dhcp-identifier: mac
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
      - to: "::/0"
        via: "2001:db8:5::1"
      - to: 10.0.0.0/8
        via: 203.0.113.9
        # kept
        metric: 50
      - to: default
        via: 192.0.2.1
        table: 100
      routing-policy:
      - from: 203.0.113.5
        table: 100
EOF
check "both families: a default route of another table is said" says "a.yaml: line 23: the default route of table 100 stays"
judge ens3:$mac2
sees "both families" '^ens3.* 203.0.113.5/24 2001:db8:5::5/64' '^mtu ens3 1400' '^default via 203.0.113.1' \
    '^10.0.0.0/8 via 203.0.113.9 .*metric 50' '^default via 2001:db8:5::1'
misses "both families" 'Address=192\.0\.2\.' 'Address=2001:db8::10'
after "both families"

plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$mac2\", \"addresses\": [\"2001:db8:5::5/64\"], \"gateway\": \"fe80::1\"}"
one "IPv6 only" <<'EOF'
network:
  ethernets:
    ens3:
      dhcp4: true
      dhcp4-overrides: {use-dns: false}
      nameservers:
        addresses: [192.0.2.53]
EOF
check "IPv6 only: rewritten; what is not planned stays" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
      dhcp4: false
      addresses:
      - "2001:db8:5::5/64"
      routes:
      - to: "::/0"
        via: "fe80::1"
      dhcp4-overrides: {use-dns: false}
      nameservers:
        addresses: [192.0.2.53]
EOF
judge ens3:$mac2
sees "IPv6 only" '^ens3.* 2001:db8:5::5/64' '^default via fe80::1' '^DNS=192.0.2.53'
misses "IPv6 only" '^DHCP='
after "IPv6 only"

plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$mac2\", \"dhcp\": true}"
one "static to DHCP" <<'EOF'
network:
  ethernets:
    ens3:
      addresses: [192.0.2.10/24]
      dhcp4-overrides:
        use-routes: false
      nameservers:
        addresses: [192.0.2.53]
      routes:
      - to: default
        via: 192.0.2.1
EOF
check "static to DHCP: what the server is not asked for is asked for now" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
      dhcp4: true
      dhcp6: true
EOF
generated
sees "static to DHCP" '^DHCP=yes'
misses "static to DHCP" '192\.0\.2\.'
after "static to DHCP"

one "DHCP stays DHCP" <<'EOF'
network:
  ethernets:
    ens3:
      dhcp4: true
      dhcp4-overrides:
        use-dns: false
        route-metric: 50
      nameservers:
        addresses: [192.0.2.53]
EOF
check "DHCP stays DHCP: with what was overridden" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
      dhcp4: true
      dhcp4-overrides:
        use-dns: false
        route-metric: 50
      nameservers:
        addresses: [192.0.2.53]
EOF
after "DHCP stays DHCP"

plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$mac2\", \"addresses\": [\"203.0.113.5/32\"], \"gateway\": \"198.51.100.1\"}"
one "a /32" <<'EOF'
network:
  ethernets:
    ens3:
      dhcp4: true
EOF
check "a /32: its gateway is on the link" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
      dhcp4: false
      addresses:
      - "203.0.113.5/32"
      routes:
      - to: 0.0.0.0/0
        via: 198.51.100.1
        on-link: true
EOF
judge ens3:$mac2
sees "a /32" '^ens3.* 203.0.113.5/32' '^default via 198.51.100.1 dev ens3.*onlink'
after "a /32"

# ---- Which definition -----------------------------------------------------------------------------
plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$mac2\", $static}"
one "a pattern that sorts first" <<'EOF'
network:
  version: 2
  ethernets:
    all-en:
      match:
        name: "en*"
      dhcp4: true
      mtu: 1400
      dhcp4-overrides: {use-domains: true}
      routes:
      - to: 10.0.0.0/8
        via: 203.0.113.9
EOF
check "a pattern that sorts first: the interface gets a definition that sorts before it" \
    is "$r/etc/netplan/90-bootferry.yaml" <<'EOF'
# Written by bootferry-finalize.
network:
  version: 2
  ethernets:
    00-bootferry-ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
      - {to: 10.0.0.0/8, via: 203.0.113.9}
      mtu: 1400
      dhcp4-overrides: {use-domains: true}
EOF
check "a pattern that sorts first: only root reads it" equal 600 "$(stat -c %a "$r/etc/netplan/90-bootferry.yaml")"
judge ens3:$mac2
sees "a pattern that sorts first" 'ens3: Configuring with .*00-bootferry-ens3.network' '^ens3.* 203.0.113.5/24' '^mtu ens3 1400'
after "a pattern that sorts first"

one "a pattern that goes before the interface's own definition" <<'EOF'
network:
  ethernets:
    a-all: {match: {name: "e*"}, dhcp4: true}
    ens3: {addresses: [192.0.2.10/24]}
EOF
check "a pattern that goes before: the unused one is said" says "line 4: ens3 means ens3, too, stays as it is and is not used"
judge ens3:$mac2
sees "a pattern that goes before" '^ens3.* 203.0.113.5/24'
misses "a pattern that goes before" '^ens3.*192\.0\.2\.'
after "a pattern that goes before"

one "a pattern that goes behind" <<'EOF'
network:
  ethernets:
    zz-all: {match: {name: "e*"}, dhcp4: true}
    ens3: {addresses: [192.0.2.10/24]}
EOF
judge ens3:$mac2
sees "a pattern that goes behind" '^ens3.* 203.0.113.5/24'
misses "a pattern that goes behind" '^ens3.*192\.0\.2\.'
after "a pattern that goes behind"

one "a pattern by driver" <<'EOF'
network:
  ethernets:
    all: {match: {driver: e1000}, dhcp4: true}
EOF
check "a pattern by driver: goes behind" has "$r/etc/netplan/90-bootferry.yaml" "    00-bootferry-ens3:"
after "a pattern by driver"

plan_of "{\"match\": {\"name\": \"ens3\"}, $static}"
one "a pattern, and a plan that knows no MAC address" <<'EOF'
network: {version: 2, ethernets: {all-en: {match: {name: "en*"}, dhcp4: true}}}
EOF
check "a pattern, no MAC address: the definition that sorts before it means the interface by its name" \
    grep -qzF $'        via: 203.0.113.1\n      match:\n        name: "ens3"\n' "$r/etc/netplan/90-bootferry.yaml"
judge ens3:$mac2
sees "a pattern, no MAC address" 'ens3: Configuring with .*00-bootferry-ens3.network' '^ens3.* 203.0.113.5/24'
after "a pattern, no MAC address"

plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$mac2\", $static}, {\"match\": {\"name\": \"ens4\"}, \"mac\": \"$mac4\", \"addresses\": [\"198.51.100.20/24\"]}"
one "a pattern for two" <<'EOF'
network: {version: 2, ethernets: {any: {match: {name: "ens?"}, dhcp4: true}}}
EOF
judge ens3:$mac2,ens4:$mac4
sees "a pattern for two" '^ens3.* 203.0.113.5/24' '^ens4.* 198.51.100.20/24'
after "a pattern for two"

plan_of "{\"match\": {\"name\": \"enbr0\"}, $static}"
refused "a pattern that means a bridge, too" "goes before enbr0 (/etc/netplan/a.yaml, line 5) and means it, too" <<'EOF'
network:
  ethernets:
    all-en: {match: {name: "en*"}, dhcp4: true}
  bridges:
    enbr0: {addresses: [192.0.2.10/24]}
EOF
plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$mac2\", $static}"
refused "a pattern that goes before a port" "all-en (/etc/netplan/a.yaml, line 3) goes before" <<'EOF'
network:
  ethernets:
    all-en: {match: {name: "en*"}, dhcp4: true}
    ens3: {}
  vlans:
    v7: {id: 7, link: ens3, addresses: [192.0.2.10/24]}
EOF

# ---- Flow style, and text that is not lines -------------------------------------------------------
one "flow style" <<'EOF'
{network: {version: 2, ethernets: {ens3: {dhcp4: true, mtu: 1400, routes: [{to: default, via: 192.0.2.1}, {to: 10.0.0.0/8, via: 203.0.113.9}]}, ens4: {dhcp4: true}}}}
EOF
check "flow style: rewritten in it" is "$r/etc/netplan/a.yaml" <<'EOF'
{network: {version: 2, ethernets: {ens3: {match: {macaddress: "52:54:00:00:00:02"}, set-name: ens3, dhcp4: false, addresses: ["203.0.113.5/24"], nameservers: {addresses: ["203.0.113.53"]}, mtu: 1400, routes: [{to: 0.0.0.0/0, via: "203.0.113.1"}, {to: 10.0.0.0/8, via: 203.0.113.9}]}, ens4: {dhcp4: true}}}}
EOF
judge ens3:$mac2
sees "flow style" '^ens3.* 203.0.113.5/24' '^mtu ens3 1400' '^default via 203.0.113.1' '^10.0.0.0/8 via 203.0.113.9'
misses "flow style" '192\.0\.2\.'
after "flow style"

one "JSON" <<'EOF'
{
  "network": {
    "version": 2,
    "ethernets": {
      "ens3": {
        "mtu": 1400,
        "addresses": ["192.0.2.10/24"] # the last
      }
    }
  }
}
EOF
check "JSON: rewritten" is "$r/etc/netplan/a.yaml" <<'EOF'
{
  "network": {
    "version": 2,
    "ethernets": {
      "ens3": {
        match: {macaddress: "52:54:00:00:00:02"}, set-name: ens3, dhcp4: false, addresses: ["203.0.113.5/24"], nameservers: {addresses: ["203.0.113.53"]}, routes: [{to: 0.0.0.0/0, via: "203.0.113.1"}], "mtu": 1400 # the last
      }
    }
  }
}
EOF
judge ens3:$mac2
sees JSON '^ens3.* 203.0.113.5/24' '^mtu ens3 1400'
after JSON

one "a definition on one line, and an empty one" <<'EOF'
network:
  ethernets:
    "ens3": {} # to be done
    ens4: {dhcp4: true}
EOF
check "an empty definition: becomes lines, its comment stays" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    "ens3": # to be done
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
    ens4: {dhcp4: true}
EOF
after "an empty definition"

# Line ends of YAML: each is one to libyaml.
# shellcheck disable=SC2059 # the line ends are escapes of printf
for end in '\r\n' '\r' '\xc2\x85' '\xe2\x80\xa8' '\xe2\x80\xa9'; do
    netplan "$r"
    printf "network:$end  ethernets:$end    ens3:$end      # x$end      addresses: [192.0.2.10/24]$end      mtu: 1400$end" |
        file a.yaml
    before=$(snapshot "$r")
    check "lines that end with $end" run
    printf "network:$end  ethernets:$end    ens3:$end      match:$end        macaddress: \"$mac2\"$end      set-name: ens3$end      dhcp4: false$end      addresses:$end      - \"203.0.113.5/24\"$end      nameservers:$end        addresses: [\"203.0.113.53\"]$end      routes:$end      - to: 0.0.0.0/0$end        via: 203.0.113.1$end      # x$end      mtu: 1400$end" >"$work/want"
    check "lines that end with $end: stay so" is "$r/etc/netplan/a.yaml" <"$work/want"
    judge ens3:$mac2
    sees "lines that end with $end" '^ens3.* 203.0.113.5/24' '^mtu ens3 1400'
    after "lines that end with $end"
done
# A NEL in a comment ends it: what stands behind is configuration.
netplan "$r"
printf 'network:\n  ethernets:\n    ens3:\n      mtu: 1400 # \xc2\x85      addresses: [192.0.2.10/24]\n' | file a.yaml
before=$(snapshot "$r")
check "NEL in a comment" run
check "NEL in a comment: the address behind it is gone" lacks "$r/etc/netplan/a.yaml" 192.0.2.10
judge ens3:$mac2
sees "NEL in a comment" '^ens3.* 203.0.113.5/24' '^mtu ens3 1400'
after "NEL in a comment"
netplan "$r"
printf '\xef\xbb\xbfnetwork:\n  ethernets:\n    ens3:\n      addresses: [192.0.2.10/24] # \xc3\xbcber\n      mtu: 1400' | file a.yaml
before=$(snapshot "$r")
check "a byte order mark, and no line end" run
judge ens3:$mac2
sees "a byte order mark" '^ens3.* 203.0.113.5/24' '^mtu ens3 1400'
after "a byte order mark"
netplan "$r"
printf 'network:\n  ethernets: {ens3: {dhcp4: true}}\n' | iconv -f UTF-8 -t UTF-16 | file a.yaml
refute "UTF-16 is refused" run
check "UTF-16: in words" grep -qF "a.yaml: it is in UTF-16" "$work/err"
refused "anchors are refused" "line 4: ens3 has anchors or aliases" <<'EOF'
network:
  ethernets:
    ens4: &a {dhcp4: true}
    ens3: *a
EOF
refused "explicit keys are refused" "a.yaml, line 3: ens3 has keys that do not stand on lines of their own" <<'EOF'
network:
  ethernets:
    ? ens3
    :
      dhcp4: true
EOF

# ---- What netplan rejects as a whole --------------------------------------------------------------
while IFS='|' read -r yaml line; do
    refused "rejected: $yaml" "a.yaml, $line" < <(printf 'network:\n  version: 2\n  ethernets:\n    ens3:\n      dhcp4: true\n%b\n' "$yaml")
done <<'EOF'
      adresses: [192.0.2.10/24]|line 6: netplan knows no key "adresses"
      addresses: 192.0.2.10/24|line 6: addresses is not a list
      addresses: [192.0.2.10]|line 6: "192.0.2.10" is no address
      addresses: [192.0.2.10/33]|line 6: "192.0.2.10/33" is no address
      set-name: lan0|line 4: ens3 has set-name without match
      <<: {mtu: 1400}|line 6: netplan knows no key "<<"
      dhcp6: maybe|line 6: "maybe" is neither true nor false
      match: {mac: x}|line 6: netplan knows no key "mac"
      match: {name: "*a*b*c*d*e*f"}|line 6: the pattern is too long
    ens4:|line 6: "ens4" is no definition
  bonds: {b0: {interfaces: [ens9]}}|line 6: ens9 is a port of b0 and not defined
  vlans: {v7: {id: 7, link: ens9}}|line 6: v7 lies on ens9, which is not defined
  vlans: {v7: {id: 7}}|line 6: v7 has no link
  bridges: {ens3: {}}|line 6: ens3 is in "ethernets" and in "bridges"
  renderer: systemd|line 6: the renderer "systemd" is not known
EOF
refused "no YAML" "line 4 is not valid YAML" <<'EOF'
network:
  ethernets:
    ens3: {dhcp4: true
  oh: no
EOF
refused "version 1" "line 2: netplan knows version 2 only" <<'EOF'
network:
  version: 1
EOF
{
    printf 'network:\n  openvswitch:\n    x: &a0 [1]\n'
    for i in {1..30}; do printf '    x%s: &a%s [*a%s, *a%s, *a%s]\n' "$i" "$i" $((i - 1)) $((i - 1)) $((i - 1)); done
    printf '  ethernets:\n    any: {match: {name: "e*"}, dhcp4: true, optional-addresses: *a30}\n'
} >"$work/bomb"
refused "a pattern that grows when it is copied" "optional-addresses of any is too large" <"$work/bomb"

# ---- Folders --------------------------------------------------------------------------------------
netplan "$r"
put "$r/usr/lib/netplan/10-a.yaml" <<'EOF'
network: {ethernets: {ens3: {addresses: [192.0.2.10/24]}}}
EOF
file 10-a.yaml <<'EOF'
network:
  ethernets:
    ens3:
      addresses: [192.0.2.11/24]
EOF
put "$r/usr/lib/netplan/20-b.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      addresses: [192.0.2.12/24]
      mtu: 1400
EOF
before=$(snapshot "$r")
check "files of /usr/lib" run
check "files of /usr/lib: one of /etc takes the place of a package's" is "$r/etc/netplan/20-b.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      mtu: 1400
EOF
check "files of /usr/lib: and has the mode of a new one" equal 600 "$(stat -c %a "$r/etc/netplan/20-b.yaml")"
judge ens3:$mac2
sees "files of /usr/lib" '^ens3.* 203.0.113.5/24' '^mtu ens3 1400'
misses "files of /usr/lib" 'Address=192\.0\.2\.'
after "files of /usr/lib"

# ---- Bonds, bridges and VLANs ---------------------------------------------------------------------
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\", \"name\": \"ens3\"}, \"mac\": \"$mac2\", $static}"
one "a bond with the source's MAC address, a VLAN and a bridge above" <<'EOF'
network:
  ethernets:
    ens3: {}
    nic1:
      match: {macaddress: "52:54:00:00:00:03"}
      set-name: ens4
  bonds:
    bond0:
      interfaces: [ens3, nic1]
      macaddress: 52:54:00:00:00:01
      parameters:
        mode: active-backup
        primary: ens3
  vlans:
    bond0.7:
      id: 7
      link: bond0
      macaddress: "52:54:00:00:00:77"
  bridges:
    br7:
      interfaces: [bond0.7]
      addresses: [192.0.2.10/24]
      parameters: {stp: false}
      routes:
      - to: default
        via: 192.0.2.1
EOF
check "a bond, a VLAN and a bridge: rewritten" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens3
    nic1:
      match: {macaddress: "52:54:00:00:00:03"}
      set-name: ens4
  bonds:
    bond0:
      interfaces: [ens3, nic1]
      macaddress: "52:54:00:00:00:02"
      parameters:
        mode: active-backup
        primary: ens3
  vlans:
    bond0.7:
      id: 7
      link: bond0
      macaddress: "52:54:00:00:00:77"
  bridges:
    br7:
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
      interfaces: [bond0.7]
      parameters: {stp: false}
EOF
# This kernel makes no bonds and VLANs: what is generated is looked at.
generated
sees "a bond, a VLAN and a bridge" '^Bond=bond0' '^VLAN=bond0.7' '^Bridge=br7' '^Address=203.0.113.5/24' '^PermanentMACAddress=52:54:00:00:00:02'
misses "a bond, a VLAN and a bridge" '192\.0\.2\.' '52:54:00:00:00:01'
after "a bond, a VLAN and a bridge"

one "a VLAN that carries the addresses" <<'EOF'
network:
  ethernets:
    ens3: {dhcp4: false}
  vlans:
    vlan10:
      id: 10
      link: ens3
      addresses: [192.0.2.10/24]
EOF
check "a VLAN that carries the addresses: is said" says "vlan10: lies on ens3 and gets the addresses planned for it"
check "a VLAN that carries the addresses: has no match" lacks "$r/etc/netplan/a.yaml" "set-name: vlan10"
generated
sees "a VLAN that carries the addresses" '^VLAN=vlan10' '^Address=203.0.113.5/24'
misses "a VLAN that carries the addresses" '192\.0\.2\.'
after "a VLAN that carries the addresses"

plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"$mac2\", $static}"
one "a VLAN on what only a MAC address names" <<'EOF'
network:
  ethernets:
    nic0:
      match: {macaddress: "52:54:00:00:00:01"}
  vlans:
    vlan10:
      id: 10
      link: nic0
      addresses: [192.0.2.10/24]
EOF
check "a VLAN on what only a MAC address names: rewritten" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    nic0:
      match:
        macaddress: "52:54:00:00:00:02"
  vlans:
    vlan10:
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
      id: 10
      link: nic0
EOF
after "a VLAN on what only a MAC address names"

one "a VLAN on what only a MAC address names, for NetworkManager" <<'EOF'
network:
  renderer: NetworkManager
  ethernets:
    nic0: {match: {macaddress: "52:54:00:00:00:01"}}
  vlans:
    vlan10: {id: 10, link: nic0, addresses: [192.0.2.10/24]}
EOF
check "a VLAN for NetworkManager: the card's profile is no rival" lacks "$r/etc/netplan/a.yaml" 192.0.2.10
after "a VLAN on what only a MAC address names, for NetworkManager"

plan_of "{\"match\": {\"name\": \"vlan10\", \"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"$mac2\", $static}"
one "a VLAN by its name" <<'EOF'
network:
  ethernets:
    ens3: {dhcp4: false}
  vlans:
    vlan10: {id: 10, link: ens3, addresses: [192.0.2.10/24]}
EOF
check "a VLAN by its name: the hardware below it has the MAC address" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    ens3: {match: {macaddress: "52:54:00:00:00:02"}, set-name: ens3, dhcp4: false}
  vlans:
    vlan10: {dhcp4: false, addresses: ["203.0.113.5/24"], nameservers: {addresses: ["203.0.113.53"]}, routes: [{to: 0.0.0.0/0, via: "203.0.113.1"}], id: 10, link: ens3}
EOF
after "a VLAN by its name"

plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:03\", $static}, {\"match\": {\"mac\": \"52:54:00:00:00:03\"}, \"mac\": \"52:54:00:00:00:01\", \"addresses\": [\"198.51.100.20/24\"]}"
one "two exchange their MAC addresses" <<'EOF'
network:
  ethernets:
    nic0:
      match: {macaddress: "52:54:00:00:00:01"}
      dhcp4: true
    nic1:
      match: {macaddress: "52:54:00:00:00:03"}
      dhcp4: true
  bridges:
    br0:
      macaddress: "52:54:00:00:00:01"
EOF
check "two exchange their MAC addresses: each has its own" is "$r/etc/netplan/a.yaml" <<'EOF'
network:
  ethernets:
    nic0:
      match:
        macaddress: "52:54:00:00:00:03"
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      nameservers:
        addresses: ["203.0.113.53"]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
    nic1:
      match:
        macaddress: "52:54:00:00:00:01"
      dhcp4: false
      addresses:
      - "198.51.100.20/24"
  bridges:
    br0:
      macaddress: "52:54:00:00:00:03"
EOF
judge ens3:52:54:00:00:00:03,ens4:52:54:00:00:00:01
sees "two exchange their MAC addresses" '^ens3.* 203.0.113.5/24' '^ens4.* 198.51.100.20/24'

# ---- NetworkManager -------------------------------------------------------------------------------
plan_of "{\"match\": {\"name\": \"ens33\"}, \"mac\": \"$mac2\", $both}"
netplan "$r"
file 01-network-manager-all.yaml <<'EOF'
network: {version: 2, renderer: NetworkManager}
EOF
file 90-NM-8e2d6111-9e93-4dde-b809-0b43e5382053.yaml <<'EOF'
network:
  version: 2
  ethernets:
    NM-8e2d6111-9e93-4dde-b809-0b43e5382053:
      renderer: NetworkManager
      match:
        name: "ens33"
      addresses:
      - "192.0.2.10/24"
      wakeonlan: true
      networkmanager:
        uuid: "8e2d6111-9e93-4dde-b809-0b43e5382053"
        name: "Wired connection 1"
        passthrough:
          connection.timestamp: "1700000000"
          ipv4.address1: "192.0.2.10/24,192.0.2.1"
          ipv4.method: "manual"
          ipv6.addr-gen-mode: "default"
          ipv6.method: "disabled"
          proxy._: ""
EOF
before=$(snapshot "$r")
check "a profile of NetworkManager" run
check "a profile of NetworkManager: edited in place" is "$r/etc/netplan/90-NM-8e2d6111-9e93-4dde-b809-0b43e5382053.yaml" <<'EOF'
network:
  version: 2
  ethernets:
    NM-8e2d6111-9e93-4dde-b809-0b43e5382053:
      match:
        macaddress: "52:54:00:00:00:02"
      set-name: ens33
      dhcp4: false
      addresses:
      - "203.0.113.5/24"
      - "2001:db8:5::5/64"
      nameservers:
        addresses: ["203.0.113.53"]
        search: [example.net]
      routes:
      - to: 0.0.0.0/0
        via: 203.0.113.1
      - to: "::/0"
        via: "2001:db8:5::1"
      renderer: NetworkManager
      wakeonlan: true
      networkmanager:
        uuid: "8e2d6111-9e93-4dde-b809-0b43e5382053"
        name: "Wired connection 1"
        passthrough:
          connection.timestamp: "1700000000"
          ipv6.addr-gen-mode: "default"
          proxy._: ""
EOF
generated
sees "a profile of NetworkManager" '^interface-name=ens33' '^address1=203.0.113.5/24' '^address1=2001:db8:5::5/64' '^uuid=8e2d6111'
misses "a profile of NetworkManager" '192\.0\.2\.' '^method=disabled'
check "a profile of NetworkManager: no other" equal 2 "$(find "$r/etc/netplan" -type f | wc -l)"
after "a profile of NetworkManager"

one "a profile that names its interface to NetworkManager only" <<'EOF'
network:
  renderer: NetworkManager
  ethernets:
    NM-1:
      match: {}
      dhcp4: true
      networkmanager:
        passthrough:
          connection.interface-name: "ens33"
          ethernet.mac-address: "52:54:00:00:00:01"
EOF
generated
sees "a profile by passthrough" '^interface-name=ens33' '^address1=203.0.113.5/24'
misses "a profile by passthrough" '52:54:00:00:00:01' '^method=auto'
after "a profile by passthrough"

one "a pattern of NetworkManager" <<'EOF'
network: {renderer: NetworkManager, ethernets: {all: {match: {name: "en*"}, dhcp4: true}}}
EOF
generated
sees "a pattern of NetworkManager" '^autoconnect-priority=100' '^address1=203.0.113.5/24'
after "a pattern of NetworkManager"
refused "two profiles of NetworkManager that fit" "both mean ens33, and NetworkManager may take either" <<'EOF'
network:
  renderer: NetworkManager
  ethernets:
    all: {match: {name: "en*"}, dhcp4: true}
    ens33: {dhcp4: true}
EOF
one "networkd keeps NetworkManager off" <<'EOF'
network:
  ethernets:
    ens33: {addresses: [192.0.2.10/24]}
    any: {renderer: NetworkManager, match: {name: "en*"}, dhcp4: true}
EOF
judge ens33:$mac2
sees "networkd keeps NetworkManager off" '^ens33.* 203.0.113.5/24'
after "networkd keeps NetworkManager off"

# Debian's cloud image knows no interface by its name or MAC address.
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"$mac2\", $static}"
one "patterns only, by MAC address" <<'EOF'
network:
    version: 2
    ethernets:
        all-en:
            match: {name: "en*"}
            dhcp4: true
            dhcp4-overrides: {use-domains: true}
        all-eth:
            match: {name: "eth*"}
            dhcp4: true
EOF
check "patterns only: the file" is "$r/etc/netplan/90-bootferry.yaml" <<'EOF'
# Written by bootferry-finalize.
network:
  version: 2
  ethernets:
    00-bootferry-nic525400000002:
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
      dhcp4-overrides: {use-domains: true}
EOF
check "patterns only: the table says what was" equal '["DHCP"]' "$(jq -c '.addresses[0].old' "$work/report")"
judge eth0:$mac2
sees "patterns only" '^eth0.* 203.0.113.5/24'
after "patterns only"

# A link to /dev/null hides what /lib has.
netplan "$r"
put "$r/usr/lib/netplan/50-default.yaml" <<<'network: {ethernets: {all: {match: {name: "en*"}, dhcp4: true}}}'
file a.yaml <<<'network: {ethernets: {ens33: {addresses: [192.0.2.10/24]}}}'
ln -s /dev/null "$r/etc/netplan/50-default.yaml"
before=$(snapshot "$r")
check "a masked file" run
check "a masked file: a definition of its own is not needed" test ! -e "$r/etc/netplan/90-bootferry.yaml"
judge ens33:$mac2
sees "a masked file" '^ens33.* 203.0.113.5/24'
after "a masked file"
finish
