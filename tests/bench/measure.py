#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one copy and measures it: measure.py SPEC.json

SPEC: {"servers": [{"run": COMMAND, "end": "wait" or "term"}], "ready": COMMAND, "clients": [COMMAND],
       "settled": COMMAND, "timeout": SECONDS}

Commands are for bash. The servers are started, `ready` is repeated until it succeeds, and the clock runs from the start
of the clients to their end and to the end of those servers that end by themselves ("wait": what they were sent is
flushed then). `settled` is repeated until it succeeds before servers are sent TERM. One JSON object is printed: wall,
client_cpu, server_cpu in seconds, client_rss, server_rss in bytes (of the largest process), each with all descendants.
"""
import json
import os
import signal
import subprocess
import sys
import time


def start(command):
    return subprocess.Popen(["bash", "-c", "set -o pipefail; " + command], start_new_session=True)


class Usage:
    def __init__(self):
        self.cpu, self.rss, self.failed = 0.0, 0, []

    def wait(self, process, command, deadline, expected):
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.002)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu += used.ru_utime + used.ru_stime
        self.rss = max(self.rss, used.ru_maxrss * 1024)
        if process.returncode not in expected:
            self.failed.append(f"{command}: {process.returncode}")


def until(command, deadline):
    while command and subprocess.run(["bash", "-c", command], capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise TimeoutError(command)
        time.sleep(0.02)


def measure(spec, servers, deadline):
    client, server = Usage(), Usage()
    until(spec.get("ready"), time.monotonic() + 30)
    begin = time.monotonic()
    clients = [(c, start(c)) for c in spec["clients"]]
    for command, process in clients:
        client.wait(process, command, deadline, (0,))
    for s, process in servers:
        if s["end"] == "wait":
            server.wait(process, s["run"], deadline, (0,))
    wall = time.monotonic() - begin
    until(spec.get("settled"), deadline)
    for s, process in servers:
        if s["end"] == "term":
            os.killpg(process.pid, signal.SIGTERM)
            server.wait(process, s["run"], deadline, (0, -15, 143))
    failed = client.failed + server.failed
    print(json.dumps({"wall": wall, "client_cpu": client.cpu, "server_cpu": server.cpu, "client_rss": client.rss,
                      "server_rss": server.rss, "failed": failed}))
    sys.exit(bool(failed))


def main():
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    deadline = time.monotonic() + spec.get("timeout", 120)
    servers = [(s, start(s["run"])) for s in spec.get("servers", [])]
    try:
        measure(spec, servers, deadline)
    except TimeoutError as late:
        print(json.dumps({"failed": [f"not within its time: {late}"]}))
        for _, process in servers:
            os.killpg(process.pid, signal.SIGKILL)
        sys.exit(1)


main()
