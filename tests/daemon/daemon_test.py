#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon against scripted peers: who is let in, what is refused and in which words, and what it
withstands. One line "ok NAME" or "not ok NAME" per case."""
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import (AUTH, BUSY, BYE, CLOSED, DENIED, ENROLLED, FENCED, HELLO, MISMATCH, NOT_FOUND, PATIENCE, PROTOCOL,
                    JOINED, WELCOME, Client, Fault, boot_entry, disk, enrol, frame, hello, inventory, openssl, outcome,
                    place, preface, read_config, save, segment, unseen, zeros)

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CASES = []


def case(function):
    CASES.append(function)
    return function


class World:
    """A state with two machines, a daemon that serves it, and the machines' identities."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.state = os.path.join(self.folder, "state")
        self.environment = dict(os.environ, BOOTFERRY_STATE=self.state, TMPDIR=self.folder)
        self.daemon = None
        self.port = 0
        self.cli("init", "--address", "127.0.0.1,localhost")
        self.root = os.path.join(self.state, "pki", "root.pem")
        self.identity = {}
        for name in ("web", "db"):
            self.cli("machine", "add", name)
            self.identity[name] = self.medium(name)
        self.start()

    def cli(self, *arguments, check=True):
        done = subprocess.run([TOP + "/build/bootferry", *arguments], env=self.environment, check=False,
                              capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done

    def path(self, name):
        return os.path.join(self.folder, name)

    def medium(self, name):
        """A new medium of the machine: a pair of PEM files."""
        image = self.path(name + ".efi")
        self.cli("media", name, "--efi", image, "--image", TOP + "/build/bootferry.efi")
        config = read_config(image)
        certificate = openssl("x509", "-inform", "DER", stdin=base64.b64decode(config["certificate"]))
        key = openssl("ec", "-inform", "DER", stdin=base64.b64decode(config["key"]))
        tag = str(time.monotonic_ns())
        return save(self.path(tag + ".pem"), certificate), save(self.path(tag + ".key"), key)

    def enrolment(self, name, **options):
        """An enrolment key of the machine."""
        extra = [word for key, value in options.items() for word in (f"--enrol-{key}", str(value))]
        self.cli("media", name, "--pxe", self.path("pxe"), "--image", TOP + "/build/bootferry.efi", *extra)
        return bytes.fromhex(read_config(self.path("pxe/bootferry.efi"))["enrol-key"])

    def start(self, *arguments):
        with open(self.path("daemon.log"), "ab") as log:
            self.daemon = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", TOP + "/build/bootferryd",
                                            "--listen", "127.0.0.1:0", *arguments],
                                           env=self.environment, stdout=subprocess.PIPE, stderr=log,
                                           text=True)
        line = self.daemon.stdout.readline()
        assert line.startswith("bootferryd: listening on 127.0.0.1:"), f"it said {line!r}"
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        status = self.daemon.wait(PATIENCE)
        self.daemon.stdout.close()
        self.daemon = None
        return status

    def connect(self, name=None):
        return Client(self.port, self.root, self.identity[name] if name else None)

    def outcome(self, certificate, *frames):
        return outcome(self.port, self.root, certificate, *frames)

    def issue(self, *, days="30", key_usage="clientAuth", role="bootferry:machine:web", root=None,
              extra=()):
        """A certificate that the server did not make, signed with its root key or another one."""
        folder = root or os.path.join(self.state, "pki")
        key, request, certificate = (self.path("odd." + end) for end in ("key", "csr", "pem"))
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", "/CN=web", "-out", request)
        text = f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={key_usage}\n"
        extension = save(self.path("odd.ext"), (text + f"subjectAltName=URI:{role}\n").encode())
        openssl("x509", "-req", "-in", request, "-CA", folder + "/root.pem", "-CAkey",
                folder + "/root.key", "-days", days, "-extfile", extension, "-out", certificate, *extra)
        return certificate, key

    def events(self, name):
        return [e["text"] for e in json.loads(self.cli("status", name, "--json").stdout)["machines"][0]["events"]]

    def live(self):
        status = json.loads(self.cli("status", "--json").stdout)
        return {m["name"]: m["live"] for m in status["machines"] if m["live"]}

    def database(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self.state + "/db.sqlite", timeout=PATIENCE)) as connection:
            with connection:
                connection.execute(statement, values)

    def end(self):
        if self.daemon:
            self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder)


def is_fault(got, code, words):
    assert isinstance(got, Fault), f"{got} instead of a fault"
    assert got.code == code and words in got.what, f"fault {got.code}: {got.what}"


def ended_or_fault(got):
    assert isinstance(got, Fault) or got == "ended", f"{got} instead of an end"


def until(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def a_disk(serial="A", **more):
    return disk(64 << 20, serial, **more)


def boot():
    return os.urandom(16)


def session_frames():
    return hello(boot()), inventory(a_disk())


def csr():
    key = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    with tempfile.NamedTemporaryFile() as file:
        file.write(key)
        file.flush()
        return key, openssl("req", "-new", "-key", file.name, "-subj", "/CN=whoever", "-outform", "DER")


# ---- Who is let in -----------------------------------------------------------------------------

@case
def without_a_certificate_only_enrolment(w):
    is_fault(w.outcome(None, *session_frames()), AUTH, "may only enrol")


@case
def a_known_machine(w):
    assert w.outcome(w.identity["web"], *session_frames()) == f"answer {WELCOME}"


@case
def expired(w):
    past = w.issue(days="-1")
    assert "CERTIFICATE_EXPIRED" in w.outcome(past, *session_frames()).upper().replace(" ", "_")


@case
def signed_by_another_root(w):
    os.makedirs(w.path("other"), exist_ok=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=Bootferry root", "-keyout", w.path("other/root.key"), "-out", w.path("other/root.pem"))
    assert w.outcome(w.issue(root=w.path("other")), *session_frames()).startswith("alert: ")


@case
def the_servers_certificate_as_a_client(w):
    pki = w.state + "/pki/"
    assert w.outcome((pki + "server.pem", pki + "server.key"), *session_frames()).startswith("alert: ")


@case
def a_client_with_the_role_of_a_server(w):
    assert w.outcome(w.issue(role="bootferry:server"), *session_frames()).startswith("alert: ")


@case
def a_machine_for_server_authentication(w):
    assert w.outcome(w.issue(key_usage="serverAuth"), *session_frames()).startswith("alert: ")


@case
def roles_that_are_none(w):
    for role in ("bootferry:machine:", "bootferry:machine:..", "urn:other"):
        assert w.outcome(w.issue(role=role), *session_frames()).startswith("alert: "), role


@case
def a_good_certificate_that_nobody_recorded(w):
    is_fault(w.outcome(w.issue(), *session_frames()), AUTH, "does not know")


@case
def an_earlier_medium_of_a_revoked_machine(w):
    w.cli("machine", "revoke", "db")
    is_fault(w.outcome(w.identity["db"], *session_frames()), AUTH, "revoked")
    w.cli("machine", "renew", "db")
    is_fault(w.outcome(w.identity["db"], *session_frames()), AUTH, "revoked")
    w.identity["db"] = w.medium("db")
    assert w.outcome(w.identity["db"], *session_frames()) == f"answer {WELCOME}"


@case
def revoking_closes_a_live_session(w):
    with w.connect("db") as client:
        client.session(boot(), [a_disk()])
        w.cli("machine", "revoke", "db")
        try:
            client.receive()
            raise AssertionError("the session went on")
        except Fault as fault:
            is_fault(fault, AUTH, "revoked")
    w.cli("machine", "renew", "db")
    w.identity["db"] = w.medium("db")


@case
def revoking_without_a_word_to_the_daemon(w):
    with w.connect("db") as client:
        client.session(boot(), [a_disk()])
        w.database("UPDATE certificates SET revoked = 1 WHERE machine = 'db'")
        try:
            client.receive()
            raise AssertionError("the session went on")
        except Fault as fault:
            is_fault(fault, AUTH, "revoked")
    w.identity["db"] = w.medium("db")


# ---- Enrolment ---------------------------------------------------------------------------------

@case
def enrolment_gives_an_identity(w):
    key, request = csr()
    enrol_key = w.enrolment("web")
    with w.connect() as client:
        client.send(enrol("web", enrol_key, request))
        certificate = client.expect(ENROLLED)[4:]
        client.send(frame(BYE, b"\1"))
    pair = (save(w.path("e.pem"), openssl("x509", "-inform", "DER", stdin=certificate)),
            save(w.path("e.key"), key))
    names = openssl("x509", "-in", pair[0], "-noout", "-subject", "-ext", "subjectAltName").decode()
    assert "URI:bootferry:machine:web" in names and "whoever" not in names
    assert w.outcome(pair, *session_frames()) == f"answer {WELCOME}"


@case
def enrolment_within_its_uses_only(w):
    enrol_key = w.enrolment("web", uses=2)
    for _ in range(2):
        assert w.outcome(None, enrol("web", enrol_key, csr()[1])) == f"answer {ENROLLED}"
    is_fault(w.outcome(None, enrol("web", enrol_key, csr()[1])), DENIED, "enrolment key")


@case
def enrolment_that_fails_uses_nothing(w):
    enrol_key = w.enrolment("web", uses=1)
    is_fault(w.outcome(None, enrol("web", enrol_key, b"rubbish")), PROTOCOL, "P-256")
    assert w.outcome(None, enrol("web", enrol_key, csr()[1])) == f"answer {ENROLLED}"


@case
def enrolments_refused_do_not_fill_the_log(w):
    for _ in range(40):
        is_fault(w.outcome(None, enrol("web", os.urandom(32), b"x")), DENIED, "enrolment key")
    with open(w.path("daemon.log"), encoding="utf-8") as log:
        assert sum("enrolment" in line for line in log) <= 20


@case
def enrolment_under_another_name(w):
    is_fault(w.outcome(None, enrol("db", w.enrolment("web"), csr()[1])), DENIED, "enrolment key")


@case
def enrolment_after_its_period(w):
    enrol_key = w.enrolment("web")
    w.database("UPDATE enrolments SET not_after = 1700000000")
    is_fault(w.outcome(None, enrol("web", enrol_key, csr()[1])), DENIED, "enrolment key")


@case
def enrolment_with_an_invented_key(w):
    is_fault(w.outcome(None, enrol("web", os.urandom(32), csr()[1])), DENIED, "enrolment key")
    is_fault(w.outcome(None, enrol("nobody", os.urandom(32), csr()[1])), DENIED, "enrolment key")


@case
def enrolment_of_a_revoked_machine(w):
    enrol_key = w.enrolment("db")
    w.cli("machine", "revoke", "db")
    is_fault(w.outcome(None, enrol("db", enrol_key, csr()[1])), DENIED, "enrolment key")
    w.cli("machine", "renew", "db")
    w.identity["db"] = w.medium("db")


@case
def enrolment_with_rubbish_for_a_request(w):
    is_fault(w.outcome(None, enrol("web", w.enrolment("web"), os.urandom(200))), PROTOCOL, "request")


@case
def enrolment_on_a_machines_connection(w):
    is_fault(w.outcome(w.identity["web"], enrol("web", w.enrolment("web"), csr()[1])), PROTOCOL, "ENROL")


# ---- Sessions ----------------------------------------------------------------------------------

@case
def a_cut_session_continues(w):
    now = boot()
    with w.connect("web") as client:
        session, resumed, resume = client.session(now, [a_disk()])
        assert not resumed and resume == {0: 0}
        client.zeros(0, 0, 32)
    with w.connect("web") as client:
        assert client.session(now, [a_disk()], session) == (session, 1, {0: 32})


@case
def what_the_database_does_not_take_is_told_and_written_later(w):
    def web():
        return json.loads(w.cli("status", "web", "--json").stdout)["machines"][0]
    with w.connect("web") as client:
        client.session(boot(), [a_disk()])
        with contextlib.closing(sqlite3.connect(w.state + "/db.sqlite", timeout=PATIENCE,
                                                isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            client.send(frame(999, b""))
            until(PATIENCE, lambda: not web()["live"] and web()["unrecorded"])
            told = web()
            text = w.cli("status", "web").stdout
            recorded = lock.execute("SELECT phase FROM jobs ORDER BY id DESC LIMIT 1").fetchone()
            lock.execute("ROLLBACK")
    failure = told["unrecorded"]
    words = failure["text"]
    assert words.startswith("failed: ") and failure["what"] in words and failure["todo"], failure
    assert (failure["level"], failure["side"], failure["code"]) == ("error", "source", "protocol"), failure
    assert told["phase"] == told["job"]["phase"] == "Failed" and told["job"]["detail"] == failure["what"], told
    assert words in text and "The connection was cut" not in text, text
    assert recorded == (2,), f"the database has {recorded} already"
    # Nothing happens but time.
    until(PATIENCE, lambda: not web()["unrecorded"])
    after = web()
    assert after["events"][-1]["text"] == words and failure["time"] == after["events"][-1]["time"], after["events"]
    assert after["job"] == told["job"], after["job"]


@case
def a_killed_daemon_continues(w):
    now = boot()
    with w.connect("web") as client:
        session, _, _ = client.session(now, [a_disk()])
        client.zeros(0, 0, 48)
        w.stop(signal.SIGKILL)
    w.start()
    with w.connect("web") as client:
        assert client.session(now, [a_disk()], session) == (session, 1, {0: 48})


FOUND = (unseen("RAID controller", "0000:00:05.0", "no driver here serves it"),
         unseen("namespace 2", kind=1, pci=(0, 0), why="it has blocks with metadata"),
         place(0, 0, "partition 1", "ext4", "", (1 << 20, 1 << 20)),
         place(0, 1, "partition 2", "unknown", "nothing here reads it", (2 << 20, 1 << 40)))


def found(w):
    return json.loads(w.cli("status", "web", "--json").stdout)["machines"][0]["found"]


@case
def what_the_source_found_outlives_connections_and_a_killed_daemon(w):
    now = boot()
    with w.connect("web") as client:
        session, _, _ = client.session(now, [a_disk()])
        client.send(*FOUND)
        client.zeros(0, 0, 16)
    first = found(w)
    assert [u["what"] for u in first["unseen"]] == ["RAID controller", "namespace 2"], first
    assert first["unseen"][0]["vendor"] == "1000" and first["unseen"][0]["class"] == "010400"
    assert [(p["name"], p["whole"], p["unused_bytes"]) for p in first["places"]] == [
        ("partition 1", False, None), ("partition 2", True, None)]
    assert first["places"][0]["bytes"] == 1 << 20
    assert first["places"][1]["bytes"] == 62 << 20, "what lies beyond the disk was counted"
    w.stop(signal.SIGKILL)
    w.start()
    assert found(w) == first
    told = "not seen: RAID controller 1000:005b at 0000:00:05.0: no driver here serves it"
    assert w.events("web").count(told) == 1
    with w.connect("web") as client:
        assert client.session(now, [a_disk()], session)[1] == 1
        client.send(*FOUND[:3], place(0, 1, "partition 2", "XFS", "its log is not empty"))
        client.zeros(0, 16, 16)
        lines = w.cli("status", "web").stdout
    assert [p["what"] for p in found(w)["places"]] == ["ext4", "XFS"]
    assert w.events("web").count(told) == 1, "what is known already was told again"
    assert re.search(r"^   0  partition 2  XFS +-  whole: its log is not empty$", lines, re.M), lines
    assert "not seen: namespace 2: it has blocks with metadata\n" in lines, lines
    # Another boot begins with nothing.
    with w.connect("web") as client:
        client.session(boot(), [a_disk()])
        assert found(w) == {"places": [], "unseen": []}


@case
def what_the_firmware_starts_is_part_of_the_inventory(w):
    def entries():
        with contextlib.closing(sqlite3.connect(w.state + "/db.sqlite", timeout=PATIENCE)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'inventory/web'").fetchone()
        return [(e["number"], e["name"], e["path"], e["current"]) for e in json.loads(row[0])["boot_entries"]]
    wanted = [("Boot0003", "debian", "\\EFI\\debian\\shimx64.efi", False), ("Boot00AF", "USB", "", True)]
    for _ in range(2):  # each connection tells all of them anew
        with w.connect("web") as client:
            client.session(boot(), [a_disk()])
            client.send(boot_entry(3, "debian", "\\EFI\\debian\\shimx64.efi"), boot_entry(0xaf, "USB", current=1))
            client.zeros(0, 0, 16)
            assert entries() == wanted, entries()


@case
def what_no_source_can_have_found(w):
    for wrong in (place(1, 0, "partition 1", "ext4", ""), place(0, 1024, "partition 1", "ext4", ""),
                  place(0, 0, "", "ext4", ""), place(0, 0, "partition 1", "ext4", "", (0, 0)),
                  unseen("RAID controller", kind=2), unseen("a\nb"),
                  boot_entry(3, "a\nb"), boot_entry(3, "debian", current=2)):
        with w.connect("web") as client:
            client.session(boot(), [a_disk()])
            client.send(wrong)
            try:
                client.receive()
                raise AssertionError("it was taken")
            except Fault as fault:
                is_fault(fault, PROTOCOL, "broke the protocol")


@case
def another_boot_is_another_session(w):
    with w.connect("web") as client:
        session, _, _ = client.session(boot(), [a_disk()])
        client.zeros(0, 0, 16)
    with w.connect("web") as client:
        fresh, resumed, resume = client.session(boot(), [a_disk()], session)
        assert fresh != session and not resumed and resume == {0: 0}


@case
def a_session_of_another_machine(w):
    now = boot()
    with w.connect("web") as client:
        session, _, _ = client.session(now, [a_disk()])
        client.zeros(0, 0, 16)
    with w.connect("db") as client:
        fresh, resumed, resume = client.session(now, [a_disk()], session)
        assert fresh != session and not resumed and set(resume.values()) == {0}


@case
def the_newest_connection_takes_over(w):
    now = boot()
    with w.connect("web") as old, w.connect("web") as new:
        session, _, _ = old.session(now, [a_disk()])
        assert new.session(now, [a_disk()], session)[1] == 1
        try:
            old.receive()
            raise AssertionError("the older connection went on")
        except Fault as fault:
            is_fault(fault, CLOSED, "took over")
        new.zeros(0, 0, 8)


@case
def two_machines_at_once(w):
    with w.connect("web") as web, w.connect("db") as database:
        web_disk, = web.session(boot(), [a_disk()])[2]
        database_disk, = database.session(boot(), [a_disk("B")])[2]
        for first in range(0, 64, 16):
            web.zeros(web_disk, first, 16)
            database.zeros(database_disk, first, 16)
        live = w.live()
        assert set(live) == {"web", "db"}
        assert live["web"]["phase"] == "receiving" and live["web"]["position"] == live["db"]["position"] > 0


@case
def disks_that_were_left_out_are_recorded(w):
    with w.connect("web") as client:
        client.session(boot(), [a_disk(), a_disk("SPARE", planned=False, path="PciRoot(0x1)")])
    assert any("left out" in e and "SPARE" in e for e in w.events("web")), w.events("web")


@case
def disks_that_cannot_be_told_apart(w):
    is_fault(w.outcome(w.identity["web"], hello(boot()), inventory(a_disk("S"), a_disk("S"))), MISMATCH,
             "cannot be told apart from")


@case
def no_disk_at_all(w):
    is_fault(w.outcome(w.identity["web"], hello(boot()), inventory(a_disk(planned=False))), NOT_FOUND,
             "no disk")


# ---- Machines that live elsewhere (the rest is in fence.sh) ------------------------------------

@contextlib.contextmanager
def fenced(w, name):
    w.database("INSERT INTO fences (machine, job, since, place, unplanned) VALUES (?, 1, 1796040000, 'on a host', 0)", name)
    try:
        yield
    finally:
        w.database("DELETE FROM fences")


@case
def a_session_of_a_fenced_machine_does_not_continue_until_it_is_lifted(w):
    now = boot()
    with w.connect("web") as client:
        session, _, _ = client.session(now, [a_disk()])
        client.zeros(0, 0, 32)
    with fenced(w, "web"):
        is_fault(w.outcome(w.identity["web"], hello(now, session), inventory(a_disk())), FENCED, "on a host")
        is_fault(w.outcome(w.identity["web"]), FENCED, "on a host")  # that says nothing at all
    with w.connect("web") as client:
        assert client.session(now, [a_disk()], session) == (session, 1, {0: 32})


@case
def a_fence_ends_all_connections_of_a_session(w):
    bundle = boot()
    with w.connect("web") as first, w.connect("web") as second, w.connect("web") as late, w.connect("db") as other:
        first.begins(bundle)
        first.session(boot(), [a_disk()])
        number = next(iter(other.session(boot(), [a_disk()])[2]))
        second.joins(bundle, 1)
        with fenced(w, "web"):
            is_fault(first.refused(), FENCED, "on a host")
            assert second.refused() == "ended"
            late.send(preface(bundle, 2))  # it came through the door before
            ended_or_fault(late.refused())
            with w.connect("web") as further:
                is_fault(further.refused(), FENCED, "on a host")
            other.zeros(number, 0, 8)
        assert not w.live().get("web")


@case
def a_fence_that_comes_between_the_door_and_the_session(w):
    with w.connect("web") as client:
        time.sleep(0.5)  # the daemon has let it in by now; if not, the door refuses it
        with fenced(w, "web"):
            client.send(*session_frames())
            is_fault(client.refused(), FENCED, "on a host")


# ---- Several connections of one session --------------------------------------------------------

@case
def a_session_over_three_connections(w):
    bundle = boot()
    with w.connect("web") as first, w.connect("web") as second, w.connect("web") as third:
        first.begins(bundle)
        first.session(boot(), [a_disk()])
        second.joins(bundle, 1)
        third.joins(bundle, 7)
        data, at = zeros(0, 0, 8), first.offset
        third.send(segment(at + 20, data[20:]))
        second.send(segment(at + 5, data[5:20]))
        first.send(data[:5])
        first.durable(0, 8)
        first.offset += len(data) - 5
        first.zeros(0, 8, 8)
        assert w.live()["web"]


@case
def a_further_connection_that_is_faster(w):
    bundle = boot()
    with w.connect("web") as second:
        second.send(preface(bundle, 1))
        with w.connect("web") as first:
            first.begins(bundle)
            first.session(boot(), [a_disk()])
            assert second.exactly(8) == JOINED
            first.zeros(0, 0, 8)


@case
def what_may_not_join(w):
    bundle = boot()
    with contextlib.ExitStack() as stack:
        first, twice, none, other, unknown, wrong = (
            stack.enter_context(w.connect(who)) for who in ("web", "web", None, "db", "web", "web"))
        first.begins(bundle)
        first.session(boot(), [a_disk()])
        twice.joins(bundle, 1)
        again = stack.enter_context(w.connect("web"))
        again.send(preface(bundle, 1))
        none.send(preface(bundle, 2))
        other.send(preface(bundle, 2))
        unknown.send(preface(boot(), 2))
        wrong.send(preface(bundle, 8))
        assert again.refused() == "ended"
        is_fault(none.refused(), AUTH, "without a certificate")
        is_fault(other.refused(), CLOSED, "is gone")
        is_fault(unknown.refused(), CLOSED, "is gone")
        ended_or_fault(wrong.refused())
        first.zeros(0, 0, 8)


@case
def segments_that_are_wrong(w):
    for wrong in (lambda at: segment(at - 1, b"x"), lambda at: segment(at, b""),
                  lambda at: segment(at, b"", 1 << 20), lambda at: segment((1 << 64) - 1, b"", 9)):
        bundle = boot()
        with w.connect("web") as first, w.connect("web") as second:
            first.begins(bundle)
            first.session(boot(), [a_disk()])
            second.joins(bundle, 1)
            second.send(wrong(first.offset))
            assert first.refused() == "ended" and second.refused() == "ended"
    assert len([e for e in w.events("web") if "wrong place or length" in e]) == 4


@case
def all_connections_of_a_session_end_together(w):
    bundle, now = boot(), boot()
    with w.connect("web") as first, w.connect("web") as second, w.connect("web") as new:
        first.begins(bundle)
        session, _, _ = first.session(now, [a_disk()])
        second.joins(bundle, 1)
        assert new.session(now, [a_disk()], session)[1] == 1
        is_fault(first.refused(), CLOSED, "took over")
        assert second.refused() == "ended"
        new.zeros(0, 0, 8)
    # and one that dies takes the session's connection along
    bundle = boot()
    with w.connect("web") as first, w.connect("web") as second:
        first.begins(bundle)
        first.session(now, [a_disk()], session)
        second.joins(bundle, 1)
        second.send(segment(first.offset, b"ab")[:-1])
        second.close()
        ended_or_fault(first.refused())


# ---- What it withstands ------------------------------------------------------------------------

@case
def plain_tcp(w):
    with socket.create_connection(("127.0.0.1", w.port), 30) as raw:
        raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while raw.recv(4096):
                pass


@case
def tls_1_2(w):
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{w.port}"],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode != 0 and b"protocol version" in done.stderr


@case
def garbage_instead_of_frames(w):
    for rubbish in (os.urandom(4096), b"\0" * 64, frame(HELLO, b"\xff" * 40), frame(999, b""),
                    frame(HELLO, b"")[:4] + b"\xff\xff\xff\x7f" + b"x" * 100,
                    inventory(a_disk()), hello(boot()) * 2, hello(boot(), low=9, high=9)):
        got = w.outcome(w.identity["web"], rubbish)
        assert isinstance(got, Fault) or got == "ended", f"{rubbish[:16]!r}: {got}"
    assert w.outcome(w.identity["web"], *session_frames()) == f"answer {WELCOME}"


@case
def ranges_that_are_not_allowed(w):
    for number, first, count in ((7, 0, 1), (0, 0, 1 << 40), (0, 1 << 60, 1), (0, 5, 1)):
        with w.connect("web") as client:
            client.session(boot(), [a_disk()])
            try:
                client.zeros(number, first, count)
                raise AssertionError(f"{number}, {first}, {count} was taken")
            except Fault as fault:
                is_fault(fault, PROTOCOL, "")


@case
def a_peer_that_never_speaks(w):
    before = time.monotonic()
    with socket.create_connection(("127.0.0.1", w.port), PATIENCE) as raw:
        assert raw.recv(1) == b""
        assert time.monotonic() - before > 5


@case
def many_that_never_speak(w):
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", w.port), PATIENCE))
        # If it waited for one after the other, the client's patience would end.
        assert w.outcome(w.identity["web"], *session_frames()) == f"answer {WELCOME}"


class SlowHandshake:
    """A machine's handshake that stops when it has the server's part, and goes on when it is told to."""

    def __init__(self, w, name, source):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(w.root)
        context.load_cert_chain(*w.identity[name])
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")
        self.raw = socket.create_connection(("127.0.0.1", w.port), PATIENCE, (source, 0))
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.raw.sendall(self.outgoing.read())
        self.answer = self.raw.recv(1)

    def finish(self, *frames):
        """What the server answers to the frames, as far as it comes at once; b"" if it hung up."""
        try:
            while True:
                self.incoming.write(self.answer)
                with contextlib.suppress(ssl.SSLWantReadError):
                    self.tls.do_handshake()
                    break
                self.answer = self.raw.recv(65536)
                if not self.answer:
                    return b""
            self.tls.write(b"".join(frames))
            self.raw.sendall(self.outgoing.read())
            while True:
                got = self.raw.recv(65536)
                if not got:
                    return b""
                self.incoming.write(got)
                with contextlib.suppress(ssl.SSLWantReadError):
                    return self.tls.read(8)
        except (ssl.SSLError, ConnectionError):
            return b""
        finally:
            self.raw.close()


@contextlib.contextmanager
def flood(w, kind, count, how="one"):
    """So many strangers of a kind have been there, all from 127.0.0.1 or each from another address."""
    note = w.path(f"note{time.monotonic_ns()}")
    program = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", TOP + "/build/tests/flood", "127.0.0.1", str(w.port),
                                kind, "3000", how, note, str(count)], stdout=subprocess.DEVNULL)
    try:
        until(PATIENCE, lambda: os.path.exists(note))
        yield
    finally:
        program.kill()
        program.wait()


@case
def a_handshake_is_not_displaced_by_a_busier_address(w):
    for _ in range(20):  # it has ten seconds, and a busy machine may need longer for the flood
        slow = SlowHandshake(w, "web", "127.0.0.9")
        with flood(w, "stall", 1200):
            answer = slow.finish(*session_frames())
        if answer:
            break
    assert struct.unpack("<H", answer[:2])[0] == WELCOME, answer


@case
def who_has_a_certificate_is_not_displaced(w):
    for _ in range(20):  # it is silent meanwhile, for which it has fifteen seconds: a busy machine may need longer
        with w.connect("web") as known:
            with flood(w, "full", 1000, "many"):
                pass
            try:
                known.send(*session_frames())
                known.expect(WELCOME)
                return
            except (EOFError, OSError):
                continue
    raise AssertionError("it lost its place each time")


@case
def a_machine_displaces_only_itself(w):
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(w.connect("db"))
        first = stack.enter_context(w.connect("web"))
        for _ in range(16):
            stack.enter_context(w.connect("web"))
        try:
            first.receive()
            raise AssertionError("the first kept its place")
        except Fault as fault:
            is_fault(fault, BUSY, "open no session")
        other.send(*session_frames())
        other.expect(WELCOME)


@case
def more_sessions_than_allowed(w):
    w.stop()
    w.start("--sessions", "1")
    with w.connect("web") as client:
        client.session(boot(), [a_disk()])
        is_fault(w.outcome(w.identity["db"], *session_frames()), BUSY, "the server already has")
    w.stop()
    w.start()


# ---- Starting and stopping ---------------------------------------------------------------------

@case
def it_stops_with_a_live_session(w):
    now = boot()
    with w.connect("web") as client:
        session, _, _ = client.session(now, [a_disk()])
        client.zeros(0, 0, 24)
        assert w.stop() == 0
        try:
            client.receive()
            raise AssertionError("the session went on")
        except Fault as fault:
            is_fault(fault, CLOSED, "stopped")
    w.start()
    with w.connect("web") as client:
        assert client.session(now, [a_disk()], session) == (session, 1, {0: 24})


@case
def one_daemon_per_state(w):
    done = subprocess.run([TOP + "/build/bootferryd", "--listen", "127.0.0.1:0"], env=w.environment,
                          capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 1 and "another bootferryd" in done.stderr, done.stderr


@case
def the_control_socket_is_private(w):
    sockets = [os.path.join(w.state, "run", name) for name in os.listdir(w.state + "/run")]
    control = [path for path in sockets if path.endswith("/control")]
    assert control and stat.S_IMODE(os.stat(control[0]).st_mode) == 0o600


@case
def an_added_address_is_served(w):
    w.cli("init", "--address", "localhost,extra.example")
    got = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{w.port}"], check=False,
                         stdin=subprocess.DEVNULL, capture_output=True).stdout
    assert b"extra.example" in openssl("x509", "-noout", "-text", stdin=got)


@case
def without_a_state(w):
    done = subprocess.run([TOP + "/build/bootferryd", "--state", w.path("none")], capture_output=True,
                          text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 1 and "bootferry init" in done.stderr
    for wrong in (["--listen", "somewhere"], ["--listen", "127.0.0.1:99999"]):
        done = subprocess.run([TOP + "/build/bootferryd", "--state", w.state, *wrong], text=True,
                              capture_output=True, check=False, timeout=PATIENCE)
        assert done.returncode == 1
    done = subprocess.run([TOP + "/build/bootferryd", "surplus"], capture_output=True, check=False)
    assert done.returncode == 2


@case
def the_service_manager_is_told(w):
    w.stop()
    path = w.path("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(PATIENCE)
        w.environment["NOTIFY_SOCKET"] = path
        w.start()
        assert manager.recv(100) == b"READY=1"
        w.stop()
        assert manager.recv(100) == b"STOPPING=1"
    del w.environment["NOTIFY_SOCKET"]
    w.start()


def main():
    wanted = sys.argv[1:]
    world = World()
    failed = 0
    try:
        for function in CASES:
            if wanted and function.__name__ not in wanted:
                continue
            try:
                function(world)
                assert world.daemon.poll() is None, "the daemon died"
                print(f"ok daemon: {function.__name__}", flush=True)
            except Exception:  # a case may fail in any way, the others run all the same
                failed += 1
                print("".join("# " + line for line in traceback.format_exc().splitlines(True)))
                print(f"not ok daemon: {function.__name__}", flush=True)
                if world.daemon is None or world.daemon.poll() is not None:
                    world.start()
        if failed:
            with open(world.path("daemon.log"), encoding="utf-8") as log:
                print("".join("# log: " + line for line in log.readlines()[-40:]))
    finally:
        world.end()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
