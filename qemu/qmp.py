#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""qmp.py SOCKET SECONDS COMMAND [ARGUMENTS]: one QMP command to a running QEMU.

Prints the answer, a line of JSON. Exit status: 0 done, 1 refused by QEMU, 2 no answer. The connection stays open until
the answer has come; a pipe into socat closes it some seconds after the end of its input, answered or not."""
import json
import socket
import sys


def answer(lines, wanted):
    for line in lines:
        message = json.loads(line)
        if message.get("id") == wanted:
            return message
    raise EOFError("QEMU ended")


def main():
    path, seconds, command = sys.argv[1:4]
    arguments = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as qemu:
        qemu.settimeout(float(seconds))
        qemu.connect(path)
        lines = qemu.makefile("r", encoding="utf-8")
        for name, what in (("qmp_capabilities", {}), (command, arguments)):
            qemu.sendall(json.dumps({"execute": name, "arguments": what, "id": name}).encode() + b"\n")
            got = answer(lines, name)
    print(json.dumps(got))
    return 0 if "return" in got else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, EOFError, ValueError) as error:
        print(f"qmp: {error}", file=sys.stderr)
        sys.exit(2)
