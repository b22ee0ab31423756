#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the ifcfg files of a machine say, read as their documentation has them.

Usage: ifcfg_reader.py initscripts|networkmanager|wicked|suse11 ROOT

It prints a line for each interface. In SUSE's modes a line "*" has what belongs to no interface: the name servers, and
routes which lie in no interface's network. It was written from these documents alone, which the comments name:
  [txt]     initscripts, sysconfig.txt
  [guide]   Red Hat Enterprise Linux 6 Deployment Guide, 7 Networking Guide, 8 Configuring and Managing Networking
  [nm]      nm-settings-ifcfg-rh(5)
  [ifcfg]   SUSE's ifcfg(5), of wicked and of the older sysconfig
  [ifroute] SUSE's ifroute(5), once routes(5)
  [vlan], [bonding], [bridge], [team]  SUSE's ifcfg-vlan(5) and so on
  [netconfig]  SUSE's netconfig(8) and the comments in /etc/sysconfig/network/config
"""
import ipaddress
import os
import re
import sys

# What is an editor's or a package manager's copy. [ifcfg] lists them.
COPIES = ("~", ".old", ".bak", ".orig", ".scpmbackup", ".rpmnew", ".rpmsave", ".rpmorig")
ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.:-]*)=((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|(?<!\s)#|[^\s"'\\;#])*)""",
    re.MULTILINE | re.DOTALL)
PIECE = re.compile(r"""("(?:[^"\\]|\\.)*"|'[^']*'|\\.)""", re.DOTALL)
ORDER = ("kind", "boot", "dhcp4", "dhcp6", "mac", "port-of", "on", "addresses", "gateway4", "gateway6", "mtu", "dns",
         "search", "routes")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError):
        return ""


def unquote(word):
    """A word of the shell, without its quotation marks and backslashes."""
    result = ""
    for piece in PIECE.split(word):
        if piece[:1] == '"':
            result += re.sub(r'\\([$`"\\\n])', r"\1", piece[1:-1])
        elif piece[:1] == "'":
            result += piece[1:-1]
        else:
            result += re.sub(r"\\(.)", r"\1", piece, flags=re.DOTALL)
    return result


def variables(path):
    """The files may be sourced by a shell [nm], so what is assigned last holds."""
    return {name: unquote(word) for name, word in ASSIGNMENT.findall(read(path))}


def lines(path):
    """The words of each line; # begins a comment [ifroute]."""
    for line in read(path).splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words


def files(folder, prefix):
    """What follows the prefix, of each file that counts."""
    for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
        rest = name[len(prefix):]
        if name.startswith(prefix) and not name.endswith(COPIES) and rest not in ("", "lo"):
            yield rest


def resolver(interface, root):
    """resolv.conf, where it is nobody else's."""
    said = list(lines(f"{root}/etc/resolv.conf"))
    interface.set("dns", ",".join(words[1] for words in said if words[0] == "nameserver"))
    interface.set("search", ",".join(one for words in said if words[0] == "search" for one in words[1:]))


def yes(value):
    return value.lower() in ("yes", "true", "1", "on", "y", "t")


def address(text, length):
    """ADDRESS/LENGTH from an address, which may have its length, and a length or mask."""
    text = text.strip()
    return ipaddress.ip_interface(text if "/" in text or not length else f"{text}/{length.strip()}")


def network(text, length=""):
    """A destination is often written with bits beyond its length, as ADDRESS1=172.16.1.10 is in [guide]."""
    return address(text, length).network


class Interface:
    def __init__(self, name, kind, boot):
        self.name = name
        self.values = {"kind": kind, "boot": boot}
        self.addresses = []
        self.routes = []

    def set(self, key, value):
        if value not in (None, "") and key not in self.values:
            self.values[key] = value

    def is_near(self, gateway):
        """Whether the gateway is in the network of one of the addresses."""
        return any(ipaddress.ip_address(gateway) in one.network for one in self.addresses)

    def route(self, destination, gateway, kind=""):
        """The default route [guide, ifroute] counts as the gateway."""
        if destination == "default":
            destination = "::/0" if ":" in gateway else "0.0.0.0/0"
        target = network(destination)
        if target.prefixlen == 0 and gateway and not kind:
            self.set(f"gateway{target.version}", str(ipaddress.ip_address(gateway)))
        else:
            self.routes.append(f"{target}" + (f" via {gateway}" if gateway else "") + (f" {kind}" if kind else ""))

    def print(self):
        self.set("addresses", ",".join(str(one) for one in self.addresses))
        self.set("routes", ",".join(sorted(self.routes)))
        said = []
        for key in ORDER:
            value = self.values.get(key)
            if value is not None:
                said.append(f"{key}=" + ({True: "yes", False: "no"}[value] if isinstance(value, bool) else value))
        print(self.name, *said)


# ---- Red Hat's -------------------------------------------------------------------------------------------------------

def numbered(values, name):
    """The name itself, and NAME0, NAME1, ... which are consecutive [txt]; [nm] goes on after the name with NAME1."""
    suffixes = [""] + ([str(0)] if values.get(name + "0") else [])
    number = 1
    while values.get(f"{name}{number}"):
        suffixes.append(str(number))
        number += 1
    return [suffix for suffix in suffixes if values.get(name + suffix)]


def class_length(text):
    """Without a mask, the length is that of the address's class, as with ipcalc(1), which reckons for them [txt]."""
    first = int(text.split(".")[0])
    return "8" if first < 128 else "16" if first < 192 else "24"


def redhat_ipv4(values):
    """PREFIXn takes precedence over NETMASKn [txt]."""
    for suffix in numbered(values, "IPADDR"):
        text = values["IPADDR" + suffix]
        yield address(text, values.get("PREFIX" + suffix) or values.get("NETMASK" + suffix) or class_length(text))


def redhat_kind(values, bonds):
    if values.get("DEVICETYPE") == "Team" or values.get("TEAM_CONFIG"):  # [nm]
        return "team"
    kind = values.get("TYPE", "").lower()
    if kind == "bridge":  # [txt]
        return "bridge"
    # Only newer versions have TYPE=Bond [nm]; in [guide] BONDING_OPTS, or that others name it as MASTER, must do.
    if kind == "bond" or yes(values.get("BONDING_MASTER", "")) or values.get("BONDING_OPTS") or bonds & {
            values.get("DEVICE"), values.get("UUID")} - {None}:
        return "bond"
    if kind == "vlan" or yes(values.get("VLAN", "")):  # [txt, nm]
        return "vlan"
    return "ethernet"


def redhat_routes(interface, folder, suffix, networkmanager):
    path = f"{folder}/route-{suffix}"
    values = variables(path)
    numbers = sorted(int(name[7:]) for name in values if re.fullmatch(r"ADDRESS\d+", name))
    if numbers:  # ADDRESSn, NETMASKn, GATEWAYn from 0 on, without a gap [txt]; in [nm] the first one may be 1
        expected = numbers[0] if networkmanager else 0
        for number in numbers:
            if number != expected:
                break
            expected += 1
            interface.route(str(network(values[f"ADDRESS{number}"], values.get(f"NETMASK{number}", "32"))),
                            values.get(f"GATEWAY{number}", ""))
    for words in [] if numbers else lines(path):  # arguments for `ip route add` [txt]
        redhat_route(interface, words, "0.0.0.0/0")
    for words in lines(f"{folder}/route6-{suffix}"):
        redhat_route(interface, words, "::/0")


def redhat_route(interface, words, default):
    kind = ""
    if words[0] in ("unicast", "blackhole", "unreachable", "prohibit", "throw", "local"):  # ip-route(8)
        kind = words.pop(0).replace("unicast", "")
    if words[0] == "to":
        words.pop(0)
    gateway = words[words.index("via") + 1] if "via" in words else ""
    interface.route(default if words[0] == "default" else words[0], gateway, kind)


def redhat(root, networkmanager):
    folder = f"{root}/etc/sysconfig/network-scripts"
    common = variables(f"{root}/etc/sysconfig/network")
    configured = {name: variables(f"{folder}/ifcfg-{name}") for name in files(folder, "ifcfg-")}
    bonds = {values.get("MASTER") or values.get("MASTER_UUID") for values in configured.values()} - {None, ""}
    by_uuid = {values["UUID"]: values.get("DEVICE", name) for name, values in configured.items() if values.get("UUID")}
    interfaces = []
    for name, own in configured.items():
        if ":" in name:
            continue
        kind = redhat_kind(own, bonds)
        # `ifup boot` passes over those with ONBOOT=no [txt]. NetworkManager leaves a device with NM_CONTROLLED=no [nm].
        boot = own.get("ONBOOT", "yes").lower() not in ("no", "false", "0")
        if networkmanager and own.get("NM_CONTROLLED", "yes").lower() in ("no", "false", "0"):
            boot = False
        # Without DEVICE a VLAN is named by PHYSDEV and VLAN_ID [nm], others by their file as a rule [guide].
        parts = [own.get("PHYSDEV"), own.get("VLAN_ID")]
        named = ".".join(parts) if kind == "vlan" and all(parts) else name
        interface = Interface(own.get("DEVICE") or named, kind, boot)
        interfaces.append(interface)
        interface.set("mac", (own.get("HWADDR") or own.get("MACADDR", "")).lower())
        interface.set("mtu", own.get("MTU"))

        # Ports: MASTER [txt], BRIDGE [txt], TEAM_MASTER [nm]; NetworkManager's own files may give a UUID instead [nm].
        master = next(filter(None, (own.get(key) for key in (
            "BRIDGE", "BRIDGE_UUID", "MASTER", "MASTER_UUID", "TEAM_MASTER", "TEAM_MASTER_UUID"))), "")
        interface.set("port-of", by_uuid.get(master, master))
        # A VLAN's device is in its name [txt], or PHYSDEV where the name is vlanN or of a free choice [guide, nm].
        if kind == "vlan":
            under = own.get("PHYSDEV", "") or interface.name.rpartition(".")[0]
            interface.set("on", by_uuid.get(under, under))

        # dhcp and bootp start a client, any other value applies the static addresses [txt]. NetworkManager's method
        # `auto` takes addresses besides (nm-settings(5)). A port has none itself [txt: BRIDGE].
        proto = own.get("BOOTPROTO", "")
        dhcp4 = (proto.lower() if networkmanager else proto) in ("dhcp", "bootp")
        if not master:
            if not dhcp4 or networkmanager:
                interface.addresses += redhat_ipv4(own)
            # ifcfg-IF:ALIAS has what differs from ifcfg-IF, and comes up with it unless ONPARENT=no [txt].
            # NetworkManager gives the aliases' addresses to the interface as well [guide].
            for alias, differing in configured.items():
                if alias.startswith(name + ":") and differing.get("ONPARENT", "yes").lower() != "no":
                    inherited = {key: own[key] for key in ("NETMASK", "PREFIX") if key in own}
                    if differing.keys() & {"NETMASK", "PREFIX"}:
                        inherited = {}
                    interface.addresses += redhat_ipv4({**inherited, **differing})
        interface.set("dhcp4", dhcp4 and not master)

        # IPV6INIT's default is yes; without a length an address has 64 [txt].
        ipv6 = own.get("IPV6INIT", "yes").lower() != "no" and not yes(own.get("IPV6_DISABLED", "")) and not master
        dhcp6 = ipv6 and yes(own.get("DHCPV6C", ""))
        if networkmanager:  # the method is dhcp only without IPV6_AUTOCONF, whose default is !IPV6FORWARDING [nm]
            forwarding = yes(own.get("IPV6FORWARDING", ""))
            automatic = own.get("IPV6_AUTOCONF", "no" if forwarding else "yes")
            dhcp6 = dhcp6 and not yes(automatic)
        interface.set("dhcp6", dhcp6)
        if ipv6:
            for text in (own.get("IPV6ADDR", "") + " " + own.get("IPV6ADDR_SECONDARIES", "")).split():
                interface.addresses.append(address(text, "64"))

        # The default route: a line of route-IF goes before /etc/sysconfig/network [guide].
        redhat_routes(interface, folder, name if networkmanager else interface.name, networkmanager)
        used4 = own.get("DEFROUTE", "yes").lower() != "no"  # [guide, nm]
        used6 = own.get("IPV6_DEFROUTE", "yes").lower() != "no"  # [nm]
        if common.get("GATEWAYDEV") not in (None, "", interface.name):  # [txt, nm]
            used4 = False
        if used4 and not master and (not dhcp4 or networkmanager):
            interface.set("gateway4", own.get("GATEWAY"))
            gateway = common.get("GATEWAY")
            if gateway and (common.get("GATEWAYDEV") or interface.is_near(gateway)):
                interface.set("gateway4", gateway)
        if used6 and ipv6:
            gateway, _, device = own.get("IPV6_DEFAULTGW", "").partition("%")
            if gateway and (networkmanager or device or not ipaddress.ip_address(gateway).is_link_local):
                interface.set("gateway6", gateway)  # a link-local one requires %INTERFACE [txt]
            gateway, _, device = common.get("IPV6_DEFAULTGW", "").partition("%")
            if gateway and (device == interface.name or not device and interface.is_near(gateway)):
                interface.set("gateway6", gateway)

        # To initscripts PEERDNS=no says that resolv.conf is not to be touched, to NetworkManager only that the servers
        # from DHCP are not taken [txt, nm].
        if not networkmanager and own.get("PEERDNS", "yes").lower() == "no":
            resolver(interface, root)
        else:
            interface.set("dns", ",".join(own["DNS" + suffix] for suffix in numbered(own, "DNS") if suffix))
            domains = own.get("DOMAIN", "").split()
            domains += [one for one in own.get("IPV6_DOMAIN", "").split() if networkmanager and one not in domains]
            interface.set("search", ",".join(domains))
    if not networkmanager:  # DEVICE NETWORK [GATEWAY] [txt]
        for words in lines(f"{root}/etc/sysconfig/static-routes-ipv6"):
            for interface in interfaces:
                if interface.name == words[0] and len(words) > 1:
                    interface.route(words[1], words[2] if len(words) > 2 else "")
    return interfaces


# ---- SUSE's ----------------------------------------------------------------------------------------------------------

def suse_addresses(values):
    """IPADDR with any suffix; a length in it goes before PREFIXLEN, which goes before NETMASK [ifcfg]."""
    for key, text in values.items():
        if key.startswith("IPADDR") and text:
            suffix = key[len("IPADDR"):]
            yield address(text, values.get("PREFIXLEN" + suffix) or values.get("NETMASK" + suffix) or "")


def suse_kind(values):
    if yes(values.get("BONDING_MASTER", "")):  # [bonding]
        return "bond"
    if yes(values.get("BRIDGE", "")):  # [bridge]
        return "bridge"
    if values.get("TEAM_RUNNER"):  # [team]
        return "team"
    return "vlan" if values.get("ETHERDEVICE") else "ethernet"  # [vlan]


def suse_ports(values, kind):
    if kind == "bridge":
        return values.get("BRIDGE_PORTS", "").split()
    start = {"bond": "BONDING_SLAVE", "team": "TEAM_PORT_DEVICE"}.get(kind)
    return [value for key, value in values.items() if start and key.startswith(start)]


def suse_routes(path, interfaces, nobody, own):
    """Destination, gateway, netmask, interface, and options; - is none [ifroute]."""
    for words in lines(path):
        destination, gateway, mask, device, *options = words + ["-"] * (4 - len(words))
        gateway = gateway if gateway not in ("-", "0.0.0.0", "::") else ""  # 0.0.0.0 is the examples' dummy
        if destination != "default":
            destination = str(network(destination, "" if mask == "-" else mask))
        if options[:1] == ["type"]:
            options.pop(0)
        kind = options[0] if options and options[0] in ("blackhole", "unreachable", "prohibit", "throw") else ""
        # Without an interface: the file's, or the first one in whose network the gateway is.
        device = own if device == "-" else device
        if device:
            target = next((one for one in interfaces if one.name == device), None)
        else:
            target = next((one for one in interfaces if gateway and one.is_near(gateway)), nobody)
        if target:
            target.route(destination, gateway, kind)


def suse(root, wicked):
    folder = f"{root}/etc/sysconfig/network"
    configured = {name: variables(f"{folder}/ifcfg-{name}") for name in files(folder, "ifcfg-")}
    nobody = Interface("*", None, None)
    masters = {port: name for name, values in configured.items() for port in suse_ports(values, suse_kind(values))}
    interfaces = []
    for name, own in configured.items():
        # manual is the default, and onboot, on and boot are aliases of auto [ifcfg].
        boot = own.get("STARTMODE", "") in ("auto", "onboot", "on", "boot", "hotplug", "nfsroot", "ifplugd")
        interface = Interface(name, suse_kind(own), boot)
        interfaces.append(interface)
        interface.set("mac", own.get("LLADDR", "").lower())
        interface.set("mtu", own.get("MTU"))
        interface.set("port-of", masters.get(name))
        interface.set("on", own.get("ETHERDEVICE"))
        # With wicked dhcp is both clients; the older ifcfg(5) knows dhcp only, and its client is dhcpcd. Addresses may
        # be given besides. With none there is no IP configuration at all [ifcfg].
        proto = own.get("BOOTPROTO", "")
        interface.set("dhcp4", proto in ("dhcp", "dhcp4", "dhcp+autoip"))
        interface.set("dhcp6", proto == "dhcp6" or wicked and proto in ("dhcp", "dhcp+autoip"))
        if proto != "none":
            interface.addresses += suse_addresses(own)
    # ifroute-IF is IF's alone and so more particular than routes, which is everybody's.
    for name in files(folder, "ifroute-"):
        suse_routes(f"{folder}/ifroute-{name}", interfaces, nobody, name)
    suse_routes(f"{folder}/routes", interfaces, nobody, "")

    # The static settings hold under every policy but an empty one, with which resolv.conf is the user's [netconfig].
    common = variables(f"{folder}/config")
    if common.get("NETCONFIG_DNS_POLICY", "auto"):
        nobody.set("dns", ",".join(common.get("NETCONFIG_DNS_STATIC_SERVERS", "").split()))
        nobody.set("search", ",".join(common.get("NETCONFIG_DNS_STATIC_SEARCHLIST", "").split()))
    else:
        resolver(nobody, root)
    if nobody.routes or len(nobody.values) > 2:
        interfaces.append(nobody)
    return interfaces


def main():
    readers = {"initscripts": lambda root: redhat(root, False), "networkmanager": lambda root: redhat(root, True),
               "wicked": lambda root: suse(root, True), "suse11": lambda root: suse(root, False)}
    if len(sys.argv) != 3 or sys.argv[1] not in readers:
        sys.exit(__doc__.split("\n")[2])
    for interface in sorted(readers[sys.argv[1]](sys.argv[2]), key=lambda one: one.name):
        interface.print()


main()
