# SPDX-License-Identifier: Apache-2.0
"""A scripted peer for tests of the daemon: TLS by Python's ssl module, frames by hand, so that it can
say what no honest machine says. The layout of the messages is that of net/proto/proto.h."""
import os
import re
import socket
import ssl
import struct
import subprocess

MAGIC = 0x0A0D59524546544F
HELLO, INVENTORY, ENROL, RANGE, CHECKPOINT, UNSEEN, PLACE, BOOT_ENTRY = 1, 2, 3, 6, 7, 13, 14, 15
OPTIONAL = 1
WELCOME, ENROLLED, PLAN, DURABLE, PACE = 32, 33, 34, 36, 40
PING, PONG, FAULT, BYE = 64, 65, 66, 67
ZERO = 0
PATIENCE = 300  # seconds for whatever should happen at once: a busy machine does everything late
CLOSED, BUSY, PROTOCOL, AUTH, DENIED, NOT_FOUND, MISMATCH, FENCED = 18, 19, 32, 49, 50, 51, 53, 56  # enum bf_err


def text(value):
    raw = value.encode()
    return struct.pack("<H", len(raw)) + raw


def frame(kind, payload, flags=0):
    return struct.pack("<HHI", kind, flags, len(payload)) + payload


def hello(boot, session=bytes(16), low=1, high=1):
    return frame(HELLO, struct.pack("<QHHQ", MAGIC, low, high, 0) + boot + session
                 + struct.pack("<q", 1700000000) + text("test"))


def disk(size, serial, planned=True, path="PciRoot(0x0)"):
    identity = struct.pack("<QIB", size, 512, 0) + bytes(16)
    identity += text("") + text(serial) + text("TEST") + text(path)
    return identity + bytes([planned, 0]) + text("test") + text("" if planned else "left out by disk=")


def inventory(*disks):
    head = struct.pack("<BBHQ", 2, 0, 1, 1 << 30) + text("") * 6
    return frame(INVENTORY, head + struct.pack("<HH", 0, len(disks)) + b"".join(disks))


def unseen(what, slot="", why="", kind=0, asked=0, pci=(0x1000, 0x5b), code=b"\x01\x04\x00"):
    return frame(UNSEEN, struct.pack("<BBHH", kind, asked, *pci) + code + text(slot) + text(what)
                 + text(why), OPTIONAL)


def place(number, ordinal, name, what, why, *spans):
    head = struct.pack("<HH", number, ordinal) + text(name) + text(what) + text(why)
    return frame(PLACE, head + struct.pack("<H", len(spans))
                 + b"".join(struct.pack("<QQ", *span) for span in spans), OPTIONAL)


def boot_entry(number, name, path="", current=0, active=1):
    return frame(BOOT_ENTRY, struct.pack("<HBB", number, current, active) + text(name) + text(path), OPTIONAL)


def enrol(name, key, csr):
    return frame(ENROL, text(name) + key + struct.pack("<I", len(csr)) + csr)


def zeros(number, first, count):
    """A range of zeros, and a checkpoint behind it."""
    return (frame(RANGE, struct.pack("<HBQQ", number, ZERO, first, count))
            + frame(CHECKPOINT, struct.pack("<HQ", number, first + count)))


# Several connections of one session: the format is that of net/proto/bundle.h.
JOINED = b"BFJOINED"


def preface(bundle, lane):
    return b"BFLANES\n" + bundle + bytes([lane]) + bytes(7)


def segment(offset, data, size=None):
    return struct.pack("<QI", offset, len(data) if size is None else size) + data


class Fault(Exception):
    def __init__(self, payload):
        self.code, self.side, size = struct.unpack_from("<HBH", payload)
        self.what = payload[5:5 + size].decode()
        super().__init__(self.what)


class Client:
    """One connection. certificate: a pair of PEM files, or None."""

    def __init__(self, port, root, certificate=None, timeout=PATIENCE):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(root)
        if certificate:
            context.load_cert_chain(*certificate)
        raw = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket = context.wrap_socket(raw, server_hostname="127.0.0.1")
        self.buffer = b""
        self.fault = None
        self.offset = None  # where the bundle's stream stands, when this is lane 0 of one

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *frames):
        data = b"".join(frames)
        if self.offset is not None:
            self.offset += len(data)
            data = segment(self.offset - len(data), data)
        self.socket.sendall(data)

    def begins(self, bundle):
        """This is lane 0: from now on everything goes in segments."""
        self.send(preface(bundle, 0))
        self.offset = 0

    def exactly(self, size):
        while len(self.buffer) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        out, self.buffer = self.buffer[:size], self.buffer[size:]
        return out

    def any_frame(self):
        """The next frame of any kind; a FAULT is kept and raised."""
        kind, _, size = struct.unpack("<HHI", self.exactly(8))
        payload = self.exactly(size)
        if kind == FAULT:
            self.fault = Fault(payload)
            raise self.fault
        return kind, payload

    def receive(self):
        """The next frame that is neither a sign of life nor a hint; a FAULT is raised."""
        while True:
            kind, payload = self.any_frame()
            if kind not in (PING, PONG, PACE):
                return kind, payload

    def joins(self, bundle, lane):
        """A further lane that the server takes."""
        self.send(preface(bundle, lane))
        got = self.exactly(8)
        assert got == JOINED, f"{got} instead of the answer to a lane"

    def refused(self):
        """What the server says to a lane that it does not take."""
        try:
            return f"answer {self.receive()[0]}"
        except Fault as fault:
            return fault
        except (EOFError, ConnectionError):
            return "ended"

    def expect(self, kind):
        got, payload = self.receive()
        assert got == kind, f"message {got} instead of {kind}"
        return payload

    def session(self, boot, disks, session=bytes(16)):
        """Opens a session: its id, whether it goes on, and resume_chunk by disk."""
        self.send(hello(boot, session), inventory(*disks))
        welcome = self.expect(WELCOME)
        resume = {}
        count = 1
        while len(resume) < count:
            plan = self.expect(PLAN)
            number, _, count = struct.unpack_from("<HHH", plan)
            resume[number] = struct.unpack_from("<Q", plan, 23)[0]
        return welcome[10:26], welcome[34], resume

    def zeros(self, number, first, count):
        """A range of zeros and a checkpoint; returns when it is durable."""
        self.send(zeros(number, first, count))
        self.durable(number, first + count)

    def durable(self, number, chunk):
        while struct.unpack("<HQ", self.expect(DURABLE)) != (number, chunk):
            pass


def outcome(port, root, certificate, *frames):
    """What a peer that says this gets: a Fault, "ended", "alert: ..." or "answer N"."""
    try:
        with Client(port, root, certificate) as client:
            client.send(*frames)
            return f"answer {client.receive()[0]}"
    except Fault as fault:
        return fault
    except ssl.SSLError as error:
        return f"alert: {error.reason}"
    except (EOFError, ConnectionError):
        return "ended"


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], input=stdin, check=True, capture_output=True).stdout


def read_config(image):
    """The configuration that a medium carries, from the section of its boot image."""
    with open(image, "rb") as file:
        data = file.read()
    at = data.index(b"BOOTFERRY-CONFIG" + struct.pack("<I", 1))  # not the constant in the program
    size = struct.unpack_from("<I", data, at + 24)[0]
    return dict(re.findall(r"^([^=]+)=(.*)$", data[at + 32:at + 32 + size].decode(), re.M))


def save(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    return path
