"""A TCP proxy between a client and a curator or an etcd, that fails as it is told."""

import errno
import socket
import threading

from cluster import free_address


class Proxy:
    """Forwards from an address of its own, port 7835, to `target` ("host:port").

    `on_piece(direction, number)` is asked about each piece of data, direction "up"
    (to the target) or "down", number from 1 over all connections; False loses it
    and all that follows on this connection.

    `block()` makes it a black hole: connections stand and new ones are accepted, but
    nothing passes; `unblock()` delivers late what was held, as TCP does after an
    outage of the network. With a direction, only that one: block("down") loses the
    answers while requests still arrive. `refuse()` and `unrefuse()`: connections end
    and new ones are refused.
    """

    def __init__(self, target, on_piece=None):
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._on_piece = on_piece or (lambda direction, number: True)
        self._open = {"up": threading.Event(), "down": threading.Event()}
        self._lock = threading.Lock()
        self._pieces = 0
        self._sockets = set()
        self._host = free_address()
        self.address = f"{self._host}:7835"
        self.unblock()
        self.unrefuse()

    def close(self):
        self.refuse()
        self.unblock()

    def block(self, *directions):
        for direction in directions or self._open:
            self._open[direction].clear()

    def unblock(self):
        for each in self._open.values():
            each.set()

    def refuse(self):
        with self._lock:
            for each in (self._listener, *self._sockets):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self._listener.close()

    def unrefuse(self):
        self._listener = socket.create_server((self._host, 7835), backlog=128)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError as error:
                if error.errno == errno.EMFILE:
                    raise  # not the end of this listener: the test leaks
                return
            threading.Thread(target=self._connect, args=(listener, client), daemon=True).start()

    def _connect(self, listener, client):
        self._open["up"].wait()
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        with client, server:
            with self._lock:
                if listener.fileno() < 0:
                    return  # refuse() came meanwhile
                self._sockets |= {client, server}
            down = threading.Thread(target=self._pump, args=("down", server, client), daemon=True)
            down.start()
            self._pump("up", client, server)
            down.join()
            with self._lock:
                self._sockets -= {client, server}

    def _pump(self, direction, source, sink):
        try:
            while data := source.recv(1 << 16):
                with self._lock:
                    self._pieces += 1
                    number = self._pieces
                self._open[direction].wait()
                if not self._on_piece(direction, number):
                    return
                sink.sendall(data)
        except OSError:
            pass
        self._open[direction].wait()
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class BlackHole:
    """An address, port 7835, where connecting never succeeds nor fails: nobody accepts
    and the queue is full, so that the kernel drops what asks."""

    def __init__(self):
        self.host = free_address()
        self._listener = socket.socket()
        self._listener.bind((self.host, 7835))
        self._listener.listen(0)
        self._fillers = []
        while True:
            filler = socket.socket()
            filler.settimeout(0.2)
            self._fillers.append(filler)
            try:
                filler.connect((self.host, 7835))
            except TimeoutError:
                return

    def close(self):
        for each in (*self._fillers, self._listener):
            each.close()
