"""A TCP proxy between a client and a curator or an etcd, that fails as it is told."""

import socket
import threading

from cluster import free_address


class Proxy:
    """Forwards from an address of its own, port 7835, to `target` ("host:port").

    `on_piece(direction, number)` is asked about each piece of data, direction "up"
    (to the target) or "down", number from 1 over all connections; False loses it
    and all that follows on this connection.
    """

    def __init__(self, target, on_piece=None):
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._on_piece = on_piece or (lambda direction, number: True)
        self._lock = threading.Lock()
        self._pieces = 0
        self._sockets = []
        self._listener = socket.create_server((free_address(), 7835))
        self.address = "{}:{}".format(*self._listener.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with self._lock:
            sockets = [self._listener, *self._sockets]
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets += [client, server]
            for direction, source, sink in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self._pump, args=(direction, source, sink),
                                 daemon=True).start()

    def _pump(self, direction, source, sink):
        try:
            while data := source.recv(1 << 16):
                with self._lock:
                    self._pieces += 1
                    number = self._pieces
                if not self._on_piece(direction, number):
                    return
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
