#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of plan on one tree, and what has to hold for each.

matrix_plans.py STACK SHAPE ROOT FILES DEVICE MAC CARRIER ADDRESS REFUSED: the tree ROOT has the interface DEVICE with the
address MAC, and CARRIER on it has ADDRESS ("" for none). FILES are the paths of the stack's files, separated by blanks.
REFUSED is a file of "STACK/SHAPE/PLAN<tab>WORDS" (shell patterns), the combinations that are to be refused with those
words. FINALIZE names the program. One line "ok ..." or "not ok ..." for each plan.
"""
import collections
import concurrent.futures
import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

NEW_MAC = "52:54:00:00:00:09"
FOUR = {"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1", "dns": ["203.0.113.53"]}
WANTED = {
    "static": FOUR,
    "both": {"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"]},
    "six": {"addresses": ["2001:db8:5::5/64"], "gateway": "2001:db8:5::1"},
    "dhcp": {"dhcp": True},
    "alone": {"addresses": ["203.0.113.5/32"], "gateway": "203.0.113.1"},
    "several": {"addresses": ["203.0.113.5/24", "203.0.113.6/24", "2001:db8:5::5/64"], "gateway": "203.0.113.1"},
}
# Lines of such words may change with the addresses.
ABOUT = re.compile(
    r"addr|gateway|dns|name_?server|search|domain|dhcp|\bmac|hwaddr|method|netmask|broadcast|prefix|bootproto|^IP6?="
    r"|config_|routers|default|^\[Route\]|\broutes?\b.*[:=]|\b(to|via):|^iface |set-name|match:"
    # What stands for an address itself: its label, an alias, a definition that has nothing yet.
    r"|^Label=|enp1s0:1|: \{\}$|^[0-9./]+ via ", re.I)
Shape = collections.namedtuple("Shape", "stack name files device mac carrier address refused")


class Wrong(Exception):
    """What does not hold."""


def must(holds, text):
    if not holds:
        raise Wrong(text)


def snapshot(root):
    """Everything that can be seen of a tree, by path."""
    seen = {}
    for folder, folders, files in os.walk(root):
        for path in [folder] + [os.path.join(folder, n) for n in files] + \
                [os.path.join(folder, n) for n in folders if os.path.islink(os.path.join(folder, n))]:
            s = os.lstat(path)
            what = os.readlink(path) if os.path.islink(path) else ""
            if os.path.isfile(path) and not what:
                with open(path, "rb") as file:
                    what = hashlib.sha256(file.read()).hexdigest()
            extra = [(x, os.getxattr(path, x, follow_symlinks=False)) for x in os.listxattr(path, follow_symlinks=False)]
            seen[os.path.relpath(path, root)] = (s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, what, extra)
    return seen


def texts(root, files):
    """The lines of the stack's files, by path."""
    found = {}
    for start in files:
        top = os.path.join(root, start)
        paths = [top] if os.path.isfile(top) else \
            [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
        for path in paths:
            if os.path.isfile(path) and not path.endswith(".link"):
                with open(path, encoding="utf-8") as file:
                    found[os.path.relpath(path, root)] = file.read().split("\n")
    return found


class Tree:
    """A copy of the shape's tree, and the program on it."""

    def __init__(self, root, folder):
        self.root = os.path.join(folder, "root")
        self.plan = os.path.join(folder, "plan")
        self.report_file = os.path.join(folder, "report")
        subprocess.run(["cp", "-a", root, self.root], check=True)
        self.report = self.old = None
        self.why = ""

    def run(self, *mode):
        """Whether the program succeeded; its report is in self.report."""
        done = subprocess.run([os.environ["FINALIZE"], "--root", self.root, "--report", self.report_file, *mode],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True)
        with open(self.report_file, encoding="utf-8") as file:
            self.report = json.load(file)
        must(done.returncode in (0, 1), f"{mode[0]} ended with {done.returncode}: {done.stderr}")
        must((done.returncode == 0) == (self.report["result"] == "ok"), f"{done.returncode}, {self.report['result']}")
        self.why = self.report.get("error", "")
        return done.returncode == 0

    def interfaces(self):
        """What an inspection says of each configured interface."""
        must(self.run("--inspect"), "the inspection failed: " + self.why)
        return [i for i in self.report["system"]["network"]["interfaces"] if i["configured_by"] != "none"]


def plan_of(shape, name):
    match, rest = {"name": shape.device}, WANTED.get(name, {})
    if name == "new mac":
        match, rest = {"mac": shape.mac}, {"mac": NEW_MAC}
    elif name == "by mac":
        match, rest = {"mac": shape.mac}, {"mac": NEW_MAC, **FOUR}
    elif name == "by address":
        match, rest = {"address": shape.address.split("/")[0]}, FOUR
    return {"version": 1, "target": {"kind": "kvm"}, "nics": [{"match": match, **rest}]}


def others(interfaces, names):
    return sorted((i["name"], i["kind"], i["master"], i["parent"], i["pattern"], i["dhcp"], sorted(i["addresses"]))
                  for i in interfaces if i["name"] not in names)


def had(interfaces, name):
    """Addresses and DHCP of the device in the inspection."""
    mine = [i for i in interfaces if i["name"] == name]
    return sorted({a for i in mine for a in i["addresses"]}), any(i["dhcp"] for i in mine)


def is_named(report, *words):
    return any(w in n["about"] + " " + n["text"] for n in report["notes"] for w in words)


def check_lines(old, new, gone):
    """What the plan does not speak of is still there, in its order."""
    for path, lines in old.items():
        left = iter(new.get(path, []))
        for line in lines:
            # For addresses by DHCP or of IPv6, ifupdown sets the MTU by a command.
            if "mtu 1400" in line and any("ip link set" in n and "1400" in n for n in new.get(path, [])):
                continue
            if line.strip() and not ABOUT.search(line) and not any(g in line for g in gone):
                must(any(line == n for n in left), f"{path} lost: {line}")


def check_gone(old, new, gone, report):
    """No old address is left that nobody was told of."""
    for path, lines in new.items():
        for line in lines:
            for word in gone:
                must(not re.search(re.escape(word) + r"(?![0-9a-f:.])", line, re.I) or is_named(report, word, path),
                     f"{path} still has: {line}")
    for word in ("10.0.0.0/8", "1400"):
        must(not any(word in l for ls in old.values() for l in ls) or any(word in l for ls in new.values() for l in ls)
             or is_named(report, word), f"{word} is gone, and the report does not say so")


def check_applied(tree, shape, name, before, known):
    plan, report = plan_of(shape, name)["nics"][0], tree.report
    old = tree.old
    new = texts(tree.root, shape.files)
    readdresses = "addresses" in plan or "dhcp" in plan
    addresses, dhcp = (sorted(plan.get("addresses", [])), plan.get("dhcp", False)) if readdresses else \
        had(known, "" if shape.name == "pattern" else shape.carrier)
    row = report["addresses"][0]
    must(not readdresses and shape.name == "pattern" or sorted(row["new"]) == sorted((["DHCP"] if dhcp else []) + addresses), f"the report has {row['new']}")
    must(row["carrier"] == shape.carrier, f"the carrier is {row['carrier']}")
    gone = {a.split("/")[0] for a in had(known, shape.carrier)[0]} if readdresses else set()
    gone |= {shape.mac} if "mac" in plan else set()
    check_lines(old, new, gone)
    check_gone(old, new, gone, report)
    must(name != "match only" or old == new, "the stack's files changed")
    now = tree.interfaces()
    if readdresses or shape.name != "pattern":
        must(had(now, shape.carrier) == (addresses, dhcp), f"an inspection finds {had(now, shape.carrier)}")
    # An interface that only a pattern meant has an entry of its own by now.
    mine = {shape.carrier} | ({shape.device} if shape.device not in [i["name"] for i in known] else set())
    must(others(known, mine) == others(now, mine), f"others were {others(known, mine)}, are {others(now, mine)}")
    after = snapshot(tree.root)
    must(after != before or not report["changes"], "changes are reported that nobody made")
    must(tree.run("--plan", tree.plan), "a second run is refused: " + tree.why)
    must(snapshot(tree.root) == after, "a second run changes something")
    must(after == before or tree.run("--undo"), "the undo failed: " + tree.why)
    after = snapshot(tree.root)
    differing = [p for p in before.keys() | after.keys() if before.get(p) != after.get(p)]
    must(not differing, f"the undo leaves {differing}")


def check_refused(tree, before, words, why):
    must(words != "-" and re.search(words, why), f"refused: {why}")
    must(snapshot(tree.root) == before, "refused, and something has changed")
    must(not tree.run("--plan", tree.plan, "--dry-run") and tree.why == why, f"the dry run says: {tree.why}")
    must(snapshot(tree.root) == before, "the dry run has changed something")


def judge(shape, root, name):
    """None, or what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(root, folder)
        words = next((w for pattern, w in shape.refused if fnmatch.fnmatchcase(f"{shape.stack}/{shape.name}/{name}", pattern)),
                     "-")
        with open(tree.plan, "w", encoding="utf-8") as file:
            json.dump(plan_of(shape, name), file)
        before, known, tree.old = snapshot(tree.root), tree.interfaces(), texts(tree.root, shape.files)
        try:
            if tree.run("--plan", tree.plan):
                must(words == "-", f"it is carried out, and was to be refused: {words}")
                check_applied(tree, shape, name, before, known)
            else:
                check_refused(tree, before, words, tree.why)
        except Wrong as wrong:
            return str(wrong)
    return None


def main():
    stack, name, root, files, device, mac, carrier, address, refused = sys.argv[1:]
    with open(refused, encoding="utf-8") as file:
        # The first row that fits counts; "-" is for what is carried out.
        rows = [line.rstrip("\n").split("\t") for line in file if "\t" in line]
    shape = Shape(stack, name, files.split(), device, mac, carrier, address, rows)
    plans = [*WANTED, "new mac", "by mac", "match only"] + (["by address"] if address else [])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for plan, wrong in zip(plans, pool.map(lambda p: judge(shape, root, p), plans)):
            if wrong:
                print("# " + wrong.replace("\n", "\n# "))
            print(f"{'not ok' if wrong else 'ok'} {stack}, {name}: {plan}", flush=True)


main()
