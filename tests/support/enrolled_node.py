"""Nodes that exist by their calls alone, and what becomes of their open streams."""

import os
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


class EnrolledNode:
    """Registers, is approved and commits; afterwards it is UP. `curators`: a CuratorCluster."""

    def __init__(self, curators, directory):
        self._curators = curators
        key = EphemeralKey()
        self.id, self.public_key = key.node_id, key.public
        self._key, self._certificate = directory / f"{self.id}.key", directory / f"{self.id}.pem"
        self._key.write_bytes(key.key)
        self._certificate.write_bytes(key.certificate)
        leader = curators.leader()
        with self.channel(leader.address, leader.id) as channel:
            stubs.curator(channel).RegisterNode(stubs.curator_pb2.RegisterNodeRequest(
                register_ticket=bytes.fromhex(curators.ticket.read_text().strip()),
                join_key=os.urandom(32)), timeout=20)
            with curators.channel(leader) as users:
                stubs.management(users).ApproveNode(
                    stubs.management_pb2.ApproveNodeRequest(pubkey=key.public), timeout=20)
            committed = stubs.curator(channel).CommitNode(stubs.curator_pb2.CommitNodeRequest(
                storage_security=stubs.common_pb2.NODE_STORAGE_SECURITY_INSECURE), timeout=20)
        self._certificate.write_text(stubs.ssl.DER_cert_to_PEM_cert(committed.node_certificate))

    def channel(self, address, node_id):
        """With its certificate, as its calls are."""
        return stubs.channel(address, node_id, self._curators.ca, self._certificate, self._key,
                             OPTIONS)

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
