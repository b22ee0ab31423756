#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""second_opinion.py ours REPORT | theirs XML: what the finalizer's inspection, or virt-inspector's, says of a guest, in
lines that can be compared."""
import json
import sys
import xml.etree.ElementTree


# Of an encrypted device that is open, libguestfs does not tell the file system's UUID; both name it by that of the device.
OPEN = "/dev/mapper/luks-"


def ours(path):
    with open(path, encoding="utf-8") as file:
        system = json.load(file)["system"]
    root = [d for d in system["devices"] if d.get("root")]
    yield "distribution", system["os"]["id"]
    yield "version", system["os"]["version"].split(".")[0]
    yield "host name", system["hostname"]
    yield "architecture", system["architecture"]
    yield "packages", {"dpkg": "deb"}.get(system["os"]["packages"], system["os"]["packages"])
    yield "root", " ".join(d["name"] if d["name"].startswith(OPEN) else d["uuid"] for d in root)
    yield "mounted", " ".join(sorted(f["mount"] for f in system["file_systems"] if f["mount"].startswith("/")))


def theirs(path):
    system = xml.etree.ElementTree.parse(path).getroot().find("operatingsystem")
    root = system.findtext("root")
    yield "distribution", system.findtext("distro")
    yield "version", system.findtext("major_version")
    yield "host name", system.findtext("hostname")
    yield "architecture", system.findtext("arch")
    yield "packages", system.findtext("package_format")
    uuids = [f.findtext("uuid") or "" for f in system.iter("filesystem") if f.get("dev") == root]
    yield "root", root if root.startswith(OPEN) else " ".join(uuids)
    yield "mounted", " ".join(sorted(m.text for m in system.iter("mountpoint")))


for key, value in {"ours": ours, "theirs": theirs}[sys.argv[1]](sys.argv[2]):
    print(f"{key}: {value}")
