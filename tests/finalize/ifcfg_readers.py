#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the readers of Red Hat's ifcfg files make of a folder, by initscripts' sysconfig.txt and nm-settings-ifcfg-rh(5).

ifcfg_readers.py scripts|old-scripts|nm FOLDER DEVICE prints, one a line and sorted: "dhcp", "dhcp6", "address IP/LENGTH",
"gateway IP" (that a default route leads to), "route DESTINATION GATEWAY". Bash itself reads files for the scripts.
"""
import ipaddress
import os
import re
import shlex
import subprocess
import sys

SKIPPED = {
    "scripts": ("~", ".bak", ".old", ".orig", ".rpmnew", ".rpmorig", ".rpmsave"),
    "nm": ("~", ".bak", ".orig", ".rej", ".rpmnew", ".augnew", ".augtmp"),
}


def is_yes(value):
    return value.lower() in ("yes", "true", "y", "t", "1")


def is_no(value):
    return value.lower() in ("no", "false", "n", "f", "0")


def sourced(folder, *files):
    """The variables after bash has sourced the files."""
    script = 'for f in "$@"; do . "$f"; done; for v in $(compgen -v); do printf "%s=%s\\0" "$v" "${!v}"; done'
    out = subprocess.run(["env", "-i", "bash", "-c", script, "-", *files], cwd=folder, check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    return dict(item.split("=", 1) for item in out.split("\0") if "=" in item)


def lined(folder, file):
    """The variables of a file that is read line by line."""
    variables = {}
    try:
        with open(os.path.join(folder, file)) as lines:
            for line in lines:
                match = re.match(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)", line)
                if match:
                    words = shlex.split(match.group(2).strip().rstrip(";"), comments=True)
                    variables[match.group(1)] = words[0] if len(words) == 1 else ""
    except (FileNotFoundError, IsADirectoryError):
        pass
    return variables


def length(variables, number):
    """PREFIX before NETMASK, else the class."""
    prefix = variables.get("PREFIX" + number)
    mask = variables.get("NETMASK" + number)
    if prefix:
        return int(prefix)
    if mask:
        return ipaddress.ip_network("0.0.0.0/" + mask).prefixlen
    first = int(variables["IPADDR" + number].split(".")[0])
    return 8 if first < 128 else 16 if first < 192 else 24


def addresses(variables, many):
    """IPADDR, IPADDR0, IPADDR1 may each be missing; from IPADDR2 on the first that is missing ends them."""
    for number in [""] + [str(i) for i in range(256)]:
        ip = variables.get("IPADDR" + number)
        if ip:
            yield "%s/%d" % (ip, length(variables, number))
        elif number and int(number) >= 2:
            return
        if not many:
            return


def reaches(address, gateway):
    return ipaddress.ip_address(gateway) in ipaddress.ip_interface(address).network


def route_lines(path):
    """Routes of a file in either format, as (destination, gateway)."""
    if not os.path.exists(path):
        return
    with open(path) as file:
        text = file.read()
    if re.search(r"^\s*ADDRESS\d+=", text, re.M):
        variables = lined(os.path.dirname(path), os.path.basename(path))
        for i in range(256):
            if not variables.get("ADDRESS%d" % i):
                return
            net = ipaddress.ip_network("%s/%s" % (variables["ADDRESS%d" % i], variables["NETMASK%d" % i]))
            yield str(net), variables.get("GATEWAY%d" % i, "")
        return
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#") and "table" not in words:
            to = {"default": "::/0" if "route6-" in path else "0.0.0.0/0"}.get(words[0], words[0])
            yield str(ipaddress.ip_network(to)), words[words.index("via") + 1] if "via" in words else ""


def scripts(folder, device, many):
    names = [n for n in sorted(os.listdir(folder)) if n.startswith("ifcfg-") and not n.endswith(SKIPPED["scripts"])]
    found = set()
    for name in names:
        if name == "ifcfg-lo" or ":" in name or "-range" in name:
            continue
        v = sourced(folder, "../network", "./" + name)
        if v.get("DEVICE") != device or is_no(v.get("ONBOOT", "")):
            continue
        if v.get("BRIDGE") or (is_yes(v.get("SLAVE", "")) and v.get("MASTER")):
            continue
        routes = [r for kind in ("route", "route6")
                  for n in sorted({device, name[6:]}) for r in route_lines("%s/%s-%s" % (folder, kind, n))]
        direct = [to.split("/")[0] for to, via in routes if not via]
        four = []
        if v.get("BOOTPROTO") in ("dhcp", "bootp"):
            found.add("dhcp")
        else:
            four = list(addresses(v, many))
            gateway = v.get("GATEWAY")
            if gateway and four and reaches(four[0], gateway) and not is_no(v.get("DEFROUTE", "")):
                found.add("gateway " + gateway)
        for alias in names:
            if alias.startswith("ifcfg-%s:" % device):
                a = {k: v[k] for k in ("PREFIX", "NETMASK") if v.get(k)}
                own = sourced(folder, "./" + alias)
                a.update({k: own[k] for k in ("IPADDR", "PREFIX", "NETMASK", "ONPARENT") if own.get(k)})
                if not is_no(a.get("ONPARENT", "")):
                    four += addresses(a, False)
        six = []
        on = not is_no(v.get("IPV6INIT", "")) if many else is_yes(v.get("IPV6INIT", ""))
        if on and (many or is_yes(v.get("NETWORKING_IPV6", ""))):
            six = (v.get("IPV6ADDR", "") + " " + v.get("IPV6ADDR_SECONDARIES", "")).split()
            gateway = v.get("IPV6_DEFAULTGW", "").split("%")
            if gateway[0] and (gateway[0].startswith("fe80:") and gateway[1:] == [device] or
                               any(reaches(a, gateway[0]) for a in six)):
                found.add("gateway " + gateway[0])
            if is_yes(v.get("DHCPV6C", "")):
                found.add("dhcp6")
        for to, via in routes:
            if to.endswith("/0") and (via in direct or any(reaches(a, via) for a in four + six)):
                found.add("gateway " + via)
            elif via:
                found.add("route %s %s" % (to, via))
        found.update("address " + a for a in four + six)
    return found


def nm(folder, device):
    names = [n for n in sorted(os.listdir(folder)) if n.startswith("ifcfg-") and not n.endswith(SKIPPED["nm"])]
    network = lined(os.path.dirname(folder), "network")
    found = set()
    for name in names:
        v = lined(folder, name)
        if name == "ifcfg-lo" or ":" in name or is_no(v.get("NM_CONTROLLED", "")):
            continue
        if v.get("DEVICE") != device or is_no(v.get("ONBOOT", "")) or v.get("BRIDGE") or v.get("MASTER"):
            continue
        static = any(v.get(k + n) for k in ("IPADDR", "PREFIX", "NETMASK") for n in ("", "0", "1", "2"))
        dhcp = v.get("BOOTPROTO", "").lower() in ("dhcp", "bootp")
        four = list(addresses(v, True)) if dhcp or static else []
        if static and not four:
            found.add("invalid")
        if dhcp:
            found.add("dhcp")
        for alias in names:
            a = lined(folder, alias)
            if alias.startswith(name + ":") and a.get("DEVICE") == alias[6:] and a.get("IPADDR"):
                if not a.get("PREFIX") and not a.get("NETMASK"):
                    a["PREFIX"] = four[0].split("/")[1]
                four += addresses(a, False)
        gateway = [v["GATEWAY" + n] for n in ["", "0", "1", "2"] if v.get("GATEWAY" + n)]
        gateway += [network["GATEWAY"]] if network.get("GATEWAY") and four else []
        if gateway and (four or dhcp) and not is_no(v.get("DEFROUTE", "")):
            found.add("gateway " + gateway[0])
        six = []
        if is_yes(v.get("IPV6INIT", network.get("IPV6INIT", "no"))):
            six = (v.get("IPV6ADDR", "") + " " + v.get("IPV6ADDR_SECONDARIES", "")).split()
            gateway = (v.get("IPV6_DEFAULTGW") or network.get("IPV6_DEFAULTGW", "")).split("%")[0]
            if six and gateway and not is_no(v.get("IPV6_DEFROUTE", "")):
                found.add("gateway " + gateway)
            if is_yes(v.get("DHCPV6C", "")):
                found.add("dhcp6")
        for kind in ("route", "route6"):
            for to, via in route_lines("%s/%s-%s" % (folder, kind, name[6:])):
                if via:
                    found.add("gateway " + via if to.endswith("/0") else "route %s %s" % (to, via))
        found.update("address " + a for a in four + six)
    return found


def main():
    reader, folder, device = sys.argv[1:]
    if reader == "nm":
        found = nm(folder, device)
    else:
        found = scripts(folder, device, reader == "scripts")
    print("\n".join(sorted(found)))


if __name__ == "__main__":
    main()
