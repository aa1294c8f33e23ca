"""Nodes that exist by their calls alone, and what becomes of their open streams."""

import queue
import threading
import time

import grpc

import stubs
from leader_follower import OPTIONS, LeaderFollower
from workload import EphemeralKey

REVOKED = b"CERTIFICATE_REVOKED"


def reason_is(error, reason):
    """Whether the ErrorInfo of an error says `reason`."""
    return reason in dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")


def is_revoked(error):
    return error.code() == grpc.StatusCode.UNAUTHENTICATED and reason_is(error, REVOKED)


class Newcomer:
    """The keys of a node, and the calls that make it one. `curators`: a CuratorCluster.

    What it calls as a node it calls on channel(), which follow the certificate that it has:
    its own, until it has committed.
    """

    def __init__(self, curators):
        self._curators = curators
        self.key, self.join_key = EphemeralKey(), EphemeralKey()
        self.id, self.public_key = self.key.node_id, self.key.public
        self.certificate = self.key.certificate

    def channel(self, address, node_id):
        return stubs.channel_of(address, node_id, self._curators.ca, self.certificate,
                                self.key.key, OPTIONS)

    def channel_to(self, curator):
        return self.channel(curator.address, curator.id)

    def registration(self, **fields):
        return stubs.curator_pb2.RegisterNodeRequest(**{
            "register_ticket": bytes.fromhex(self._curators.ticket.read_text().strip()),
            "join_key": self.join_key.public, **fields})

    def register(self, leader, **fields):
        with self.channel_to(leader) as channel:
            return stubs.curator(channel).RegisterNode(self.registration(**fields), timeout=20)

    def approve(self, leader):
        with self._curators.channel(leader) as channel:
            stubs.management(channel).ApproveNode(
                stubs.management_pb2.ApproveNodeRequest(pubkey=self.public_key), timeout=20)

    def commit(self, leader, unlock_key=b"u" * 32):
        with self.channel_to(leader) as channel:
            committed = stubs.curator(channel).CommitNode(stubs.curator_pb2.CommitNodeRequest(
                cluster_unlock_key=unlock_key,
                storage_security=stubs.common_pb2.NODE_STORAGE_SECURITY_ENCRYPTED), timeout=20)
        self.use(committed.node_certificate)
        return committed

    def use(self, certificate_der):
        self.certificate = stubs.ssl.DER_cert_to_PEM_cert(certificate_der).encode()

    def become_up(self, leader):
        self.register(leader)
        self.approve(leader)
        self.commit(leader)
        return self

    def follower(self):
        return LeaderFollower([(c.address, c.id) for c in self._curators.curators], self.channel)


class OpenStream:
    """A stream that was opened and has brought its first message; then read to its end.

    Threads: one, which ends with the stream. Shutdown: cancel().
    """

    def __init__(self, call):
        self._call = call
        self._first = queue.SimpleQueue()
        self.ended_at = None  # time.monotonic() when it was over, with `error`
        self.error = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        if not self._first.get():
            self._thread.join()
            raise self.error

    def _read(self):
        try:
            for _ in self._call:
                self._first.put(True)
        except grpc.RpcError as error:
            self.error = error
        self.ended_at = time.monotonic()
        self._first.put(False)

    def wait(self, seconds):
        """Whether it is over within that."""
        self._thread.join(seconds)
        return self.ended_at is not None

    def cancel(self):
        self._call.cancel()
        self._thread.join()


def open_heartbeat(channel):
    """One beat is answered, and the stream is held open."""
    over = threading.Event()

    def beats():
        yield stubs.curator_pb2.HeartbeatRequest()
        over.wait()
    call = stubs.curator(channel).Heartbeat(beats())
    call.add_callback(over.set)
    return OpenStream(call)


def open_watch(channel, node_id=None):
    """Of all nodes, or of one that exists."""
    request = stubs.curator_pb2.WatchRequest()
    if node_id is None:
        request.nodes_in_cluster.SetInParent()
    else:
        request.node_in_cluster.node_id = node_id
    return OpenStream(stubs.curator(channel).Watch(request))
