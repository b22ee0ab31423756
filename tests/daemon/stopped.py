#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Children that hang: each is stopped (SIGSTOP) in a phase of a session, an export, a verification or a
finalization. Judged is that it is noticed, said on both sides, and replaced, or that the command ends with
the right words; and that everything ends when it is told to, while all of it is stopped. The phases inside
the store are tests/unit/test_store_hang.c's. A hang takes ten seconds to be noticed, so all cases run at the
same time, each in a world of its own. One line "ok NAME" or "not ok NAME" per case."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import BYE, PATIENCE, PING, Client, Fault, disk, zeros  # noqa: F401
from daemon_test import TOP, World

IO = 64  # enum bf_err
MIB = 1 << 20
CASES = []
SAYING = threading.Lock()


def case(function):
    CASES.append(function)
    return function


def processes():
    """The living ones: (number, number of the parent, command line)."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            with open(f"/proc/{name}/stat", encoding="utf-8") as stat:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
            with open(f"/proc/{name}/cmdline", "rb") as line:
                words = line.read().decode(errors="replace").split("\0")
            if state not in "ZX":
                yield int(name), int(parent), words


def children(pid, program):
    return [number for number, parent, words in processes()
            if parent == pid and any(os.path.basename(word) == program for word in words[:3])]


def gone(*pids):
    return not set(pids) & {number for number, _, _ in processes()}


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f"it did not happen: {what}"
        time.sleep(0.02)


class Scene(World):
    """A world with a machine "web", whose disk is a file, and programs that stop themselves."""

    def __init__(self):
        self.folders = 0
        super().__init__()
        os.chmod(self.folder, 0o711)  # the finalizer's QEMU runs as nobody
        self.config = self.path("web.conf")
        self.disk = self.path("disk.raw")
        with open(self.disk, "wb") as file:
            file.write(os.urandom(24 * MIB))

    def start(self, *arguments):
        super().start(*arguments)
        self.cli("media", "web", "--conf", self.path("web.conf"), "--set", f"server=127.0.0.1:{self.port}")

    def posing(self, program, count=1, victim="$$", only=""):
        """An environment in which this program stops before it begins, the first times; or stops another
        one, which a command of the shell names. only: a word that its arguments have."""
        self.folders += 1
        folder = self.path(f"bin{self.folders}")
        os.makedirs(folder + "/runs")
        real = subprocess.run(["sh", "-c", "command -v " + program], check=True, capture_output=True, text=True)
        with open(f"{folder}/{program}", "w", encoding="utf-8") as script:
            script.write(f"""#!/bin/sh
case " $* " in *" {only}"*)
    echo $$ >{folder}/runs/$$
    [ "$(ls {folder}/runs | wc -l)" -gt {count} ] || kill -STOP {victim} ;;
esac
exec {real.stdout.strip()} "$@"
""")
        os.chmod(f"{folder}/{program}", 0o755)
        os.chmod(folder + "/runs", 0o777)
        path = folder + ":" + self.environment["PATH"]
        return dict(self.environment, PATH=path), lambda: sorted(map(int, os.listdir(folder + "/runs")))

    def again(self, environment):
        """The daemon once more, in this environment."""
        self.stop()
        before, self.environment = self.environment, environment
        self.start()
        self.environment = before

    def push(self, *options):
        return subprocess.Popen([TOP + "/build/bootferry-push", "--conf", self.config, *options, "--disk", self.disk],
                                env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def pushed(self, *options, status=0):
        return self.ended(self.push(*options), status)

    def ended(self, process, status=0):
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == status, f"status {process.returncode}:\n{said}"
        return said

    def storage_daemon(self):
        return until(lambda: children(self.daemon.pid, "qemu-storage-daemon"), "a storage daemon")[0]

    def log(self):
        with open(self.path("daemon.log"), encoding="utf-8") as log:
            return log.read()

    def job(self):
        return json.loads(self.cli("status", "web", "--json").stdout)["machines"][0]["jobs"][0]

    def run(self, environment, *arguments):
        return subprocess.Popen([TOP + "/build/bootferry", *arguments], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def is_the_disk(self, point="web@1"):
        copy = self.path("copy.raw")
        self.cli("export", point, "--disk", "0", "--format", "raw", copy)
        subprocess.run(["cmp", copy, self.disk], check=True, capture_output=True, timeout=PATIENCE)
        os.unlink(copy)

    def leaves_nothing(self):
        left = [name for name in os.listdir(self.folder) if ".part-" in name]
        left += [name for name in os.listdir(self.state + "/run") if name.startswith(("export-", "verify-"))]
        assert not left, f"there is still {left}"


# ---- A session ---------------------------------------------------------------------------------

def went_on(w, said):
    assert "the storage daemon hung and was killed" in said and "trying again" in said, said
    assert "nothing was heard from the server" not in said, said
    assert "the storage daemon of web (process " in w.log() and "hangs: no sign of life" in w.log(), w.log()
    events = w.events("web")
    assert any("interrupted: the storage daemon hung" in text for text in events), events
    assert any("session continues" in text or "session begins" in text for text in events), events
    assert w.job()["phase"] == "Succeeded", w.job()
    w.is_the_disk()


@case
def stopped_when_it_starts(w):
    environment, _ = w.posing("qemu-storage-daemon")
    w.again(environment)
    went_on(w, w.pushed())


@case
def stopped_while_data_comes(w):
    push = w.push("--set", "limit=2M")
    until(lambda: w.live().get("web") and w.live()["web"]["position"] > 6 * MIB, "a part of the copy")
    victim = w.storage_daemon()
    os.kill(victim, signal.SIGSTOP)
    went_on(w, w.ended(push))
    until(lambda: gone(victim), "the stopped one is gone")
    assert sum("session continues" in text for text in w.events("web")) == 1


@case
def stopped_while_a_flush_is_waited_for(w):
    with w.connect("web") as client:
        client.session(os.urandom(16), [disk(8 * MIB, "S1")])
        os.kill(w.storage_daemon(), signal.SIGSTOP)
        client.send(zeros(0, 0, 64))
        kinds = []
        # The signs of life go on meanwhile: this peer says nothing itself.
        with contextlib.suppress(Fault):
            while True:
                kinds.append(client.any_frame()[0])
        fault = client.fault
        assert PING in kinds, f"no sign of life: {kinds}"
        assert fault.code == IO and fault.side == 3 and "storage daemon hung" in fault.what, fault.what


@case
def it_hangs_again_and_again(w):
    environment, runs = w.posing("qemu-storage-daemon", count=99)
    w.again(environment)
    said = w.pushed(status=1)
    assert "verdict=fail code=io side=server" in said and "the storage daemon hung" in said, said
    assert len(runs()) == 4, f"{len(runs())} were started"
    # The source ends when it hears of it; the server has the rest still to do.
    until(lambda: gone(*runs()), "the storage daemons are gone")
    until(lambda: w.job()["phase"] == "Failed", "the job has failed")
    assert "storage daemon hung" in w.job()["detail"], w.job()
    events = w.events("web")
    assert sum("interrupted: the storage daemon hung" in text for text in events) == 3, events
    assert sum("failed: the storage daemon hung" in text or "refused: the storage daemon hung" in text
               for text in events) == 1, events


@case
def stopped_while_a_layer_is_made(w):
    environment, _ = w.posing("qemu-img", only="create")
    w.again(environment)
    said = w.pushed()
    assert "qemu-img hung and was killed" in said, said
    w.is_the_disk()


# ---- Commands ----------------------------------------------------------------------------------

PLAN = {"version": 1, "target": {"kind": "qemu-virtio"}, "hostname": "web", "nics": []}


def together(*functions):
    """All at the same time; the first failure of them."""
    failures = []

    def guarded(function):
        try:
            function()
        except Exception as failure:  # handed to the caller
            failures.append(failure)
    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def refused(w, words, environment, *arguments):
    said = w.ended(w.run(environment, *arguments), status=1)
    assert words in said, f"it does not say \"{words}\":\n{said}"


def export_to(w, name):
    return ("export", "web@1", "--disk", "0", "--format", "raw", w.path(name))


@case
def stopped_under_a_command(w):
    w.pushed()
    sibling = "$(pgrep -P $PPID -f qemu-storage-daemon)"
    together(
        lambda: refused(w, "the storage daemon hung and was killed", w.posing("qemu-storage-daemon")[0], "verify", "web"),
        lambda: refused(w, "the storage daemon hung and was killed", w.posing("qemu-storage-daemon")[0], *export_to(w, "1")),
        lambda: refused(w, "the storage daemon hung and was killed",
                        w.posing("qemu-img", victim=sibling, only="convert")[0], *export_to(w, "2")),
        lambda: refused(w, "qemu-img hung and was killed", w.posing("qemu-img", only="convert")[0], *export_to(w, "3")),
        lambda: refused(w, "xorriso hung and was killed", w.posing("xorriso")[0], "media", "web", "--iso", w.path("4"),
                        "--image", TOP + "/build/bootferry.efi"))
    w.leaves_nothing()
    assert not any(os.path.exists(w.path(name)) for name in "1234")


@case
def stopped_under_a_finalization(w):
    w.pushed()
    plan = w.path("plan.json")
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(PLAN, file)
    os.environ["QEMU_ACCEL"] = w.environment["QEMU_ACCEL"] = "tcg"
    finalize = ("finalize", "web@1", "--plan", plan)
    together(
        lambda: refused(w, "QEMU hung and was killed", w.posing("qemu-system-x86_64")[0], *finalize),
        lambda: refused(w, "no throw-away overlay could be made", w.posing("qemu-img", only="create")[0],
                        *finalize, "--dry-run"))
    assert w.job()["phase"] == "Failed" and "web@1 was not finalized" in w.job()["detail"], w.job()
    assert not any(name.startswith("finalized") for name in os.listdir(w.state + "/machines/web"))


# ---- Ending ------------------------------------------------------------------------------------

def interrupted(w, number, posing, status, *arguments):
    environment, runs = posing
    command = w.run(environment, *arguments)
    until(runs, "the child runs")
    child = runs()[0]
    command.send_signal(number)
    said, _ = command.communicate(timeout=PATIENCE)
    assert command.returncode == status, f"status {command.returncode}:\n{said}"
    assert "interrupted" in said, said
    until(lambda: gone(child), "the child is gone")


@case
def commands_are_interrupted(w):
    w.pushed()
    plan = w.path("plan.json")
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(PLAN, file)
    w.environment["QEMU_ACCEL"] = "tcg"
    together(
        lambda: interrupted(w, signal.SIGINT, w.posing("qemu-storage-daemon"), -signal.SIGINT, "verify", "web"),
        lambda: interrupted(w, signal.SIGTERM, w.posing("qemu-img", only="convert"), -signal.SIGTERM, *export_to(w, "1")),
        lambda: interrupted(w, signal.SIGHUP, w.posing("qemu-storage-daemon"), -signal.SIGHUP, *export_to(w, "2")),
        lambda: interrupted(w, signal.SIGINT, w.posing("xorriso"), -signal.SIGINT, "media", "web", "--iso", w.path("3"),
                            "--image", TOP + "/build/bootferry.efi"),
        lambda: interrupted(w, signal.SIGINT, w.posing("qemu-system-x86_64"), 1, "finalize", "web@1", "--plan", plan))
    w.leaves_nothing()
    assert not any(os.path.exists(w.path(name)) for name in "123")


def ends_in_time(w, victims):
    before = time.monotonic()
    status = w.stop()
    took = time.monotonic() - before
    with SAYING:
        print(f"# the daemon ended with status {status} after {took:.1f} s", flush=True)
    if status:
        with SAYING:
            print("".join("# log: " + line for line in w.log().splitlines(True)[-12:]), flush=True)
    assert took < 10 * int(os.environ.get("BF_PATIENCE", "6")), f"it took {took} s"
    until(lambda: gone(*victims), "the children are gone")


@case
def the_daemon_itself_is_stopped(w):
    """The commands say who has the state, and do not claim what has not happened yet."""
    who = f"bootferryd (process {w.daemon.pid})"
    with w.connect("web") as client:
        client.session(os.urandom(16), [disk(8 * MIB, "S1")])
        os.kill(w.daemon.pid, signal.SIGSTOP)
        try:
            done = w.cli("status")
            said = done.stdout
            assert done.stderr == f"Waiting for {who} to answer ...\n", done.stderr
            assert f"{who} holds this state but does not answer" in said, said
            assert "does not serve this state" not in said, said
            state = json.loads(w.cli("status", "--json").stdout)
            assert (state["served"], state["held"]) == (False, True), state
            said = w.cli("machine", "revoke", "web").stdout
            assert f"{who} does not answer" in said and "sessions are closed" not in said, said
        finally:
            os.kill(w.daemon.pid, signal.SIGCONT)
        with contextlib.suppress(Fault):
            while True:
                client.any_frame()
        assert "revoked" in client.fault.what, client.fault.what
    assert "live sessions are closed" in w.cli("machine", "revoke", "db").stdout
    w.stop()
    assert "bootferryd does not serve this state" in w.cli("status").stdout
    w.cli("machine", "renew", "web")
    w.start()


@case
def the_daemon_ends_while_a_read_hangs(w):
    environment, runs = w.posing("qemu-storage-daemon")
    w.again(environment)
    push = w.push("--set", "retry=1")
    until(runs, "the storage daemon is started")
    ends_in_time(w, runs())
    push.send_signal(signal.SIGTERM)
    push.communicate(timeout=PATIENCE)
    w.start()
    w.pushed()
    w.is_the_disk()


@case
def the_daemon_ends_while_everything_hangs(w):
    """The storage daemon owes answers, the database is locked, a peer takes nothing, another says nothing."""
    with w.connect("web") as client, w.connect("db") as other, Client(w.port, w.root):
        session, _, _ = client.session(boot := os.urandom(16), [disk(8 * MIB, "S1")])
        other.session(os.urandom(16), [disk(8 * MIB, "S2")])
        client.zeros(0, 0, 16)
        victims = until(lambda: [v for v in children(w.daemon.pid, "qemu-storage-daemon")], "storage daemons")
        with contextlib.closing(sqlite3.connect(w.state + "/db.sqlite", timeout=PATIENCE,
                                                isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            for victim in victims:
                os.kill(victim, signal.SIGSTOP)
            client.send(zeros(0, 16, 16))
            other.send(zeros(0, 0, 16))
            ends_in_time(w, victims)
            lock.execute("ROLLBACK")
    w.start()
    with w.connect("web") as client:
        _, resumed, resume = client.session(boot, [disk(8 * MIB, "S1")], session)
        assert resumed == 1 and resume[0] >= 16, (resumed, resume)


def perform(function, failed):
    world = None
    try:
        world = Scene()
        function(world)
        assert world.daemon.poll() is None, "the daemon died"
        text = f"ok stopped: {function.__name__}"
    except Exception:  # a case may fail in any way, the others run all the same
        failed.append(function)
        text = "".join("# " + line for line in traceback.format_exc().splitlines(True))
        if world:
            text += "".join("# log: " + line for line in world.log().splitlines(True)[-20:])
        text += f"\nnot ok stopped: {function.__name__}"
    with SAYING:
        print(text, flush=True)
    if world:
        world.end()


def main():
    failed = []
    wanted = sys.argv[1:]
    threads = [threading.Thread(target=perform, args=(function, failed)) for function in CASES
               if not wanted or function.__name__ in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
