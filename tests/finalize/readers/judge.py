#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what a reader prints (NAME key=value ... for each interface) with a plan and with an inspection.

judge.py planned READER BEFORE DEVICE PLAN AFTER   AFTER is BEFORE with the plan carried out on DEVICE, and no more
judge.py agrees VIEW REPORT ROOT                   the report's interfaces are those of the view

It prints what is different, and succeeds if nothing is. The order of addresses does not count: some scripts need the
one in the gateway's network first."""
import ipaddress
import json
import re
import sys

KEY = re.compile(r" (kind|boot|dhcp4|dhcp6|mac|port-of|on|addresses|gateway4|gateway6|mtu|dns|search|routes)=")


def view(path):
    """{NAME: {key: value}}"""
    result = {}
    for line in open(path, encoding="utf-8"):
        name, *rest = KEY.split(line.rstrip("\n"))
        result.setdefault(name, {}).update(zip(rest[::2], rest[1::2]))
    return result


def normal(addresses):
    return sorted(str(ipaddress.ip_interface(one)) for one in addresses)


def routes(one):
    return {route for route in one.pop("routes", "").split(",") if route}


def planned(reader, before, device, plan, after):
    nic = json.load(open(plan, encoding="utf-8"))["nics"][0]
    expected, seen = view(before), view(after)
    mine, found = expected[device], seen.get(device, {})
    addresses = nic.get("addresses", [])
    gateways = nic.get("gateway", [])
    gateways = [gateways] if isinstance(gateways, str) else gateways
    old = [mine[key] for key in ("gateway4", "gateway6") if key in mine]
    mine.update({"boot": "yes", "dhcp4": "yes" if nic.get("dhcp") else "no", "dhcp6": "no"})
    if nic.get("dhcp"):  # for IPv6 it is what router advertisements say, so a client for it may be there
        mine["dhcp6"] = found.get("dhcp6")
    mine["addresses"] = ",".join(normal(addresses))
    for version, mark in ("4", "."), ("6", ":"):
        mine["gateway" + version] = "".join(one for one in gateways if mark in one)
    if "mac" in nic and "mac" in mine:
        mine["mac"] = nic["mac"].lower()
    # A gateway outside all networks needs a route to itself, and none when it is no longer the gateway. NetworkManager
    # adds that route by itself. A route without an interface is nobody's once the gateway's network is given up.
    stay = routes(mine) | routes(expected.get("*", {}))
    stay -= {str(ipaddress.ip_network(one)) for one in old}
    for one in gateways:
        host = ipaddress.ip_address(one)
        near = any(host in ipaddress.ip_interface(other).network for other in addresses)
        if not near and not host.is_link_local and reader != "networkmanager":
            stay.add(str(ipaddress.ip_network(host)))
    mine["routes"] = ",".join(sorted(stay))
    found["routes"] = ",".join(sorted(routes(found) | routes(seen.get("*", {}))))
    # SUSE's name servers are the whole system's, and in the view in a line of their own.
    owner = "*" if "*" in expected else device
    for key in "dns", "search":
        if key in nic:
            expected[owner][key] = ",".join(nic[key])
    found["addresses"] = ",".join(normal(filter(None, found.get("addresses", "").split(","))))
    return differences(expected, seen)


def agrees(path, report, root):
    interfaces = json.load(open(report, encoding="utf-8"))["system"]["network"]["interfaces"]
    inspected = {}
    for one in interfaces:
        if one["configured_by"] not in ("ifcfg", "suse") or one["name"] == "lo":
            continue
        inspected[one["name"]] = {
            "addresses": ",".join(normal(one["addresses"])), "dhcp": one["dhcp"], "port-of": one["master"],
            "on": one["parent"]}
        # The place that is named is there, and is that of an IPv4 address if there is one.
        text = open(root + one["file"], encoding="utf-8").read().splitlines()[one["line"] - 1]
        four = [address.split("/")[0] for address in one["addresses"] if "." in address]
        if four and not any(address in text for address in four):
            inspected[one["name"]]["line"] = f"{one['file']}:{one['line']}: {text}"
    expected = {}
    for name, one in view(path).items():
        if name != "*":
            up = one["boot"] == "yes"  # what is not brought up at boot has nothing
            expected[name] = {
                "addresses": ",".join(normal(filter(None, one.get("addresses", "").split(",")))) if up else "",
                "dhcp": up and "yes" in (one["dhcp4"], one["dhcp6"]), "port-of": one.get("port-of"),
                "on": one.get("on")}
    return differences(expected, inspected)


def differences(expected, seen):
    same = True
    for name in sorted(expected.keys() | seen.keys()):
        wanted, got = expected.get(name), seen.get(name)
        if wanted is None or got is None:
            print(f"{name}: wanted {wanted}, saw {got}")
            same = False
            continue
        for key in sorted(wanted.keys() | got.keys()):
            if (wanted.get(key) or "") != (got.get(key) or ""):
                print(f"{name} {key}: wanted {wanted.get(key)}, saw {got.get(key)}")
                same = False
    return same


sys.exit(not {"planned": planned, "agrees": agrees}[sys.argv[1]](*sys.argv[2:]))
