#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What messages tell people to do can be done: the commands, options and keys that they name exist, a value that they
name is taken, and the keys of one remedy are taken together on a machine that uses DHCP. Reads the sources' messages,
asks the built programs. A remedy is a part of a message between "; " or ", or "."""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = "base boot net migrate drivers linux replica finalize image".split()
CALLS = r"\b(?:bf_fault_set|bf_fault_todo|bf_channel_fail|bf_receiver_\w+|bf_refuse|bf_fail|refuse|refuse_part|bad_frame)\s*\("
TODO = r"\btodo\w*\[\]\s*="
STRING = r'"((?:[^"\\]|\\.)*)"'
# A value for each key that a remedy names without one.
SAMPLE = {
    "address": "10.0.0.2/24", "gateway": "10.0.0.1", "dns": "10.0.0.53", "nic": "52:54:00:12:34:56", "server": "10.0.0.9:7667",
    "time": "2026-01-31T12:00:00Z", "disk": "serial:S1", "connections": "1", "name": "web-1", "retry": "600", "copy": "all",
    "proxy": "http://10.0.0.8:3128", "vlan": "5", "mtu": "1400",
}
PEERS = ["server", "proxy"]
GIVEN_BY_MEDIA = {"root", "certificate", "key", "enrol-key"}
failed = 0


def judge(what, faults):
    global failed
    for fault in sorted(set(faults)):
        print(f"# {fault}")
    print(f"{'not ok' if faults else 'ok'} {what}")
    failed |= bool(faults)


def statement(text, start):
    """From start to the parenthesis or semicolon that ends it, strings passed over."""
    depth = 1
    at = start
    while at < len(text) and depth:
        if text[at] == '"':
            at = re.compile(STRING).match(text, at).end()
            continue
        depth += {"(": 1, ")": -1, ";": -depth}.get(text[at], 0)
        at += 1
    return text[start:at]


def messages():
    for folder in FOLDERS:
        for path in sorted((TOP / folder).rglob("*.c")):
            text = path.read_text()
            for call in re.finditer(f"{CALLS}|{TODO}", text):
                where = f"{path.relative_to(TOP)}:{text.count(chr(10), 0, call.start()) + 1}"
                # Literals that follow each other are one.
                joined = re.sub(r'"\s*"', "", statement(text, call.end()))
                # A dialer's remedy names what it dials.
                words = PEERS if call.group().startswith("bf_fault_todo") else ["%s"]
                for literal in re.findall(STRING, joined):
                    yield from ((where, literal.replace("%s", word)) for word in words)


def run(*command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def commands():
    listed = run(TOP / "build/bootferry", "help")[1].split("Commands:")[1]
    return set(re.findall(r"^  ((?:machine )?[a-z]+) ", listed, re.M))


def options(names):
    helps = [run(TOP / "build/bootferry", "help", *name.split())[1] for name in names]
    helps += [run(TOP / "build" / program, "--help")[1] for program in ("bootferryd", "bootferry-push", "bootferry-finalize")]
    return set(re.findall(r"--[a-z-]+", "\n".join(helps)))


# Options of the source's own programs that a message may name: grub-install, dracut, cryptsetup.
OF_OTHERS = {"--removable", "--uefi", "--pbkdf-memory"}


# Parameters of a target's URI (docs/targets.md, docs/libvirt.md), which are no keys of a medium.
OF_TARGETS = {"format", "pool", "isolate", "accel"}


def unknown_command(text, known):
    for first, second in re.findall(r"(?:`|: )bootferry ([a-z]+)(?: ([a-z]+))?", text):
        if first not in known and f"{first} {second}" not in known:
            return f"bootferry {first} {second}".strip()
    return None


def settings(remedy):
    """The keys of one remedy as KEY=VALUE; what a message fills in is no value."""
    found = re.findall(r"(?<![\w-])([a-z][a-z-]*)=([^\s,;)`%]*)(?![^\s,;)`]*%)", remedy)
    found = [(key, value) for key, value in found if key not in GIVEN_BY_MEDIA | OF_TARGETS]
    # A word in capitals, as in HOST, is to be filled in.
    return [f"{key}={SAMPLE.get(key, '') if not value or re.search('[A-Z]{3}', value) else value}" for key, value in found]


def main():
    texts = list(messages())
    if len(texts) < 400:
        sys.exit(f"not ok only {len(texts)} messages were found")
    known = commands()
    have = options(known) | OF_OTHERS
    judge("messages name commands that exist",
          [f"{where}: {bad}" for where, text in texts if (bad := unknown_command(text, known))])
    judge("messages name options that exist",
          [f"{where}: {option}" for where, text in texts for option in re.findall(r"--[a-z-]+", text) if option not in have])
    wrong, tried = [], 0
    for where, text in texts:
        for remedy in re.split(r"; |, or ", text):
            given = settings(remedy)
            if not given:
                continue
            tried += 1
            status, reason = run(TOP / "build/tests/config_keys", *given)
            if status:
                wrong.append(f"{where}: {' '.join(given)}: {reason.strip()}")
    judge(f"what messages say to set is taken ({tried} remedies)", wrong)
    judge("there are remedies to try", [] if tried > 15 else [f"only {tried}"])
    return failed


if __name__ == "__main__":
    sys.exit(main())
