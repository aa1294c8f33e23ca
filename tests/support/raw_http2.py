"""HTTP/2 over TLS, frame by frame: for what no gRPC library would send."""

import select
import socket
import ssl
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 3, 4, 6, 7, 8, 9)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4
FRAME = 16384  # bytes that a frame carries at most
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def message(payload, compressed=False, length=None):
    """As gRPC frames it; `length`: what it claims to have, if that is not so."""
    return struct.pack(">BI", compressed, len(payload) if length is None else length) + payload


def header_block(path, extra=()):
    """HPACK, literally: every header with its name, nothing indexed."""
    headers = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "x"),
               ("content-type", "application/grpc"), ("te", "trailers"), *extra]
    return b"".join(b"\0" + _string(name) + _string(value) for name, value in headers)


def _string(text):
    data = text.encode()
    length, prefix = len(data), 127
    if length < prefix:
        return bytes([length]) + data
    length -= prefix
    coded = [prefix]
    while length >= 128:
        coded.append(length % 128 | 128)
        length //= 128
    return bytes([*coded, length]) + data


class RawHttp2:
    """A connection. Sends at once; what comes is looked at in read() alone."""

    def __init__(self, address, certificate=None, key=None, settings=(), timeout=10):
        """`certificate`, `key`: files. `settings`: (number, value) pairs."""
        host, port = address.rsplit(":", 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        if certificate is not None:
            context.load_cert_chain(certificate, key)
        connection = socket.create_connection((host, int(port)), timeout=timeout)
        try:
            self.socket = context.wrap_socket(connection)
        except BaseException:
            connection.close()
            raise
        self.windows = {}        # stream -> bytes that may be sent on it
        self.window = 65535      # bytes that may be sent in all
        self.initial_window = 65535
        self.answered = {}       # stream -> whether it has ended, of those that were answered
        self.is_over = False
        self._next, self._input = 1, b""
        self.send(PREFACE + frame(SETTINGS, 0, 0, b"".join(
            struct.pack(">HI", *setting) for setting in settings)))

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def next_stream(self):
        stream, self._next = self._next, self._next + 2
        self.windows[stream] = self.initial_window
        return stream

    def open(self, block, end=False):
        stream = self.next_stream()
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block))
        return stream

    def data(self, stream, data, end=False):
        """As much of it as the windows allow, in one write; returns how much."""
        sent, frames = 0, []
        while sent < len(data):
            room = min(FRAME, len(data) - sent, self.window, self.windows[stream])
            if room <= 0:
                break
            last = end and sent + room == len(data)
            frames.append(frame(DATA, END_STREAM if last else 0, stream,
                                data[sent:sent + room]))
            sent += room
            self.window -= room
            self.windows[stream] -= room
        if frames:
            self.send(b"".join(frames))
        return sent

    def forget_ended(self):
        """The streams that the other side has ended."""
        for stream in [s for s, over in self.answered.items() if over]:
            del self.answered[stream]
            self.windows.pop(stream, None)

    def read(self, seconds=0.0):
        """What comes within that time. False when the connection is over."""
        while not self.is_over and (self.socket.pending() or
                                    select.select([self.socket], [], [], seconds)[0]):
            seconds = 0
            try:
                data = self.socket.recv(1 << 16)
            except OSError:
                data = b""
            self.is_over = not data
            self._input += data
            self._take_frames()
        return not self.is_over

    def _take_frames(self):
        while len(self._input) >= 9:
            length = int.from_bytes(self._input[:3], "big")
            if len(self._input) < 9 + length:
                return
            kind, flags, stream = struct.unpack(">BBI", self._input[3:9])
            payload, self._input = self._input[9:9 + length], self._input[9 + length:]
            self._take(kind, flags, stream, payload)

    def _take(self, kind, flags, stream, payload):
        if kind == WINDOW_UPDATE:
            grown = int.from_bytes(payload, "big")
            if stream:
                self.windows[stream] = self.windows.get(stream, 0) + grown
            else:
                self.window += grown
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                number, value = struct.unpack(">HI", payload[at:at + 6])
                if number == INITIAL_WINDOW_SIZE:
                    for each in self.windows:
                        self.windows[each] += value - self.initial_window
                    self.initial_window = value
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.is_over = True
        elif kind == RST_STREAM:
            self.answered[stream] = True
        elif kind in (DATA, HEADERS):
            self.answered[stream] = bool(flags & END_STREAM) or self.answered.get(stream, False)
