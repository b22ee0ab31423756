#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""contain.py PARENT SECONDS COMMAND...: runs a test, and nothing of it outlives it.

The test gets a process group of its own. When it has ended, when its time is up, when this program is told to end or its
parent (the process of that number) is killed, every process that comes from it is ended: the group with SIGTERM first, so
that it can tidy up, then whatever is left with SIGKILL. Processes that lost their parent, or left the group, are found
all the same, since they become this program's children. Those that a test leaves behind are named in its output.

As root the test gets a mount namespace of its own, too: what it mounts ends with it, and another test that runs at the
same time does not hold a file system that this one has unmounted.

Exit status: the test's, 128 + N when signal N ended it, 124 when its time was up."""
import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CLONE_NEWNS, MS_REC, MS_SLAVE = 0x20000, 1 << 14, 1 << 19
GRACE = 10  # seconds between SIGTERM and SIGKILL
SWEEP = 60  # for what was killed to end; a process may hang in a system call
ENDED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def prctl(option, value):
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def own_mounts():
    """Later mounts stay in here; without the right to that, nothing changes."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) == 0 and libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def parents():
    """The parent of each process."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            pass  # it has just ended
    return found


def descendants():
    """Every process below this one that has not ended."""
    above, below = parents(), set()
    for pid in above:
        chain = []
        while pid in above and pid != os.getpid():
            chain.append(pid)
            pid = above[pid]
        if pid == os.getpid():
            below.update(chain)
    return sorted(below)


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(200).replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def reap(test):
    """Takes every child that has ended; the test's status when it is among them."""
    status = None
    while True:
        try:
            pid, how = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == test:
            status = os.waitstatus_to_exitcode(how)


def wait(test, deadline, wake):
    """Until the test ends (its status), or a signal or the deadline says that it must (None and which)."""
    while True:
        status = reap(test)
        if status is not None:
            return status, None
        left = deadline - time.monotonic()
        got = signal.sigtimedwait(wake, left) if left > 0 else None
        if got is None:
            return None, 124
        if got.si_signo in ENDED:
            return None, 128 + got.si_signo


def sweep(test):
    """Kills what is left, however it came there, until nothing is."""
    end = time.monotonic() + SWEEP
    while time.monotonic() < end:
        reap(test)
        left = descendants()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass  # it has just ended, or is another user's
        time.sleep(0.05)


def start(command, wake):
    me = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        own_mounts()
        if os.getppid() == me:
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)  # ignored by Python, a shell's background jobs, or nohup
            signal.pthread_sigmask(signal.SIG_UNBLOCK, wake)
            os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(127)


def main():
    parent, seconds, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    wake = ENDED | {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, wake)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != parent:
        return 128 + signal.SIGTERM
    test = start(command, wake)
    status, why = wait(test, time.monotonic() + seconds, wake)
    if status is None:
        try:
            os.killpg(test, signal.SIGTERM)
        except ProcessLookupError:
            pass
        wait(test, time.monotonic() + GRACE, {signal.SIGCHLD})
    else:
        for pid in descendants():
            print(f"# left running: {command_of(pid)}", flush=True)
    sweep(test)
    if status is None:
        return why
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
